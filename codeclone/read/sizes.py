"""How many bytes the elements of a type take."""

from __future__ import annotations

import math
from collections.abc import Sequence

BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32,
    "U16": 16, "U8": 8, "BOOL": 8, "C64": 64, "C128": 128, "QI8": 8, "QU8": 8, "QI32": 32,
}  # fmt: skip
"""Bits of one element, as safetensors and torch keep them."""

BLOCKS = {
    "Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22), "Q5_1": (32, 24), "Q8_0": (32, 34), "Q2_K": (256, 84),
    "Q3_K": (256, 110), "Q4_K": (256, 144), "Q5_K": (256, 176), "Q6_K": (256, 210), "Q8_K": (256, 292),
    "IQ1_S": (256, 50), "IQ1_M": (256, 56), "IQ2_XXS": (256, 66), "IQ2_XS": (256, 74), "IQ2_S": (256, 82),
    "IQ3_XXS": (256, 98), "IQ3_S": (256, 110), "IQ4_NL": (32, 18), "IQ4_XS": (256, 136), "TQ1_0": (256, 54),
    "TQ2_0": (256, 66), "MXFP4": (32, 17), "NVFP4": (64, 36), "Q1_0": (128, 18),
}  # fmt: skip
"""(elements, bytes) of one block of the quantised types of ggml (ggml-common.h). Q8_1, which is made while a model runs and
stands in no file, has had blocks of two sizes."""


def bytes_of(dtype: str, shape: Sequence[int]) -> int | None:
    """Bytes of a tensor without gaps; None where the size of the type is not known or does not divide."""
    elements = math.prod(shape)
    if dtype in BLOCKS:
        block, size = BLOCKS[dtype]
        return elements // block * size if elements % block == 0 else None
    bits = elements * BITS[dtype] if dtype in BITS else None
    return bits // 8 if bits is not None and bits % 8 == 0 else None
