"""Bytes of tensors -> float32, for every type of safetensors, torch and ggml that stands for plain numbers."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from codeclone.plain import plain
from codeclone.read.sizes import BLOCKS


class ValuesError(ValueError):
    """Why the numbers of a tensor cannot be read, in one clause."""


_CODES = {
    "F64": "f8", "F32": "f4", "F16": "u2", "BF16": "u2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U64": "u8",
    "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "u1", "QI8": "i1", "QU8": "u1", "QI32": "i4", "F8_E4M3": "u1",
    "F8_E5M2": "u1", "F8_E4M3FNUZ": "u1", "F8_E5M2FNUZ": "u1", "F8_E8M0": "u1",
}  # fmt: skip
"""Type -> how numpy is to see its bytes, without their order. Of quantised torch types the integers count as they are."""

STEP = 2**16
"""Values that are turned into float32 at once: what comes between stays in the processor's cache."""


def unit_of(dtype: str) -> tuple[int, int]:
    """(values, bytes) of the smallest part of a tensor that can be read alone. Raises ValuesError for no plain numbers."""
    if dtype in BLOCKS:
        return BLOCKS[dtype]
    if dtype not in _CODES:
        raise ValuesError(f"numbers of type {plain(dtype[:20])} are not read" if dtype else "its type is not known")
    return 1, np.dtype(_CODES[dtype]).itemsize


def decoded(payload: NDArray[np.uint8], dtype: str, big: bool) -> NDArray[np.float32]:
    """The values of bytes in one dimension; of F32 the same memory, seen as what it is. Raises ValuesError.

    `big`: whether the bytes of a number stand in big-endian order.
    """
    if dtype == "F32" and (seen := payload.view(">f4" if big else "<f4")).dtype.isnative:
        return seen
    block, size = unit_of(dtype)
    found = np.empty(len(payload) // size * block, np.float32)
    step = max(1, STEP // block)
    for first in range(0, len(payload) // size, step):
        part = slice(first * block, (first + step) * block)
        decode(payload[first * size : (first + step) * size], dtype, big, found[part])
    return found


def decode(payload: NDArray[np.uint8], dtype: str, big: bool, into: NDArray[np.float32]) -> None:
    """Puts the values of bytes where they belong; both have the same number of dimensions. Raises ValuesError."""
    with np.errstate(all="ignore"):
        if dtype in BLOCKS:
            into[...] = _dequantised(payload.reshape(-1), dtype).reshape(into.shape)
            return
        numbers = payload.view((">" if big else "<") + _CODES[dtype])
        if dtype == "BF16":
            bits = into.view(np.uint32)
            bits[...] = numbers
            np.left_shift(bits, 16, out=bits)
        elif dtype == "F16":
            # numpy turns halves into floats one by one; to look them up is five times as fast.
            np.take(_halves(), numbers, out=into, mode="wrap")
        elif dtype in _EIGHT_BITS:
            np.take(_eight_bits(dtype), numbers, out=into, mode="wrap")
        elif dtype == "BOOL":
            np.not_equal(numbers, 0, out=into)
        else:
            into[...] = numbers


def _dequantised(payload: NDArray[np.uint8], dtype: str) -> NDArray[np.float32]:
    from gguf.constants import GGMLQuantizationType  # takes a while to import, and few repositories have such files
    from gguf.quants import dequantize

    try:
        return np.asarray(dequantize(payload, GGMLQuantizationType[dtype]), np.float32)
    except (KeyError, NotImplementedError) as error:
        raise ValuesError(f"numbers of type {dtype} are not read") from error


@cache
def _halves() -> NDArray[np.float32]:
    return np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)


_EIGHT_BITS = {
    "F8_E4M3": (4, 3, 7), "F8_E5M2": (5, 2, 15), "F8_E4M3FNUZ": (4, 3, 8), "F8_E5M2FNUZ": (5, 2, 16), "F8_E8M0": (8, 0, 127),
}  # fmt: skip
"""Bits of exponent and mantissa, and bias: Micikevicius et al. 2022, table 1; FNUZ (finite, no negative zero): Noune et al.
2022, section 3; E8M0, a scale that is a power of two: Open Compute Project, Microscaling Formats 1.0, section 5.4.1."""


@cache
def _eight_bits(dtype: str) -> NDArray[np.float32]:
    """The value of each of the 256 bytes."""
    wide, narrow, bias = _EIGHT_BITS[dtype]
    codes = np.arange(256)
    if dtype == "F8_E8M0":
        return np.where(codes == 255, np.nan, np.ldexp(1.0, codes - bias)).astype(np.float32)
    exponent, mantissa = (codes >> narrow) & (2**wide - 1), codes & (2**narrow - 1)
    # With an exponent of zero stand the numbers without a leading one, as far apart as those of the next exponent.
    leading = np.where(exponent > 0, 2**narrow, 0)
    size: NDArray[np.float64] = np.ldexp(
        (leading + mantissa).astype(np.float64), np.maximum(exponent, 1) - bias - narrow
    )
    if dtype == "F8_E5M2":
        size[exponent == 31] = np.where(mantissa[exponent == 31] == 0, np.inf, np.nan)
    elif dtype == "F8_E4M3":
        size[codes % 128 == 127] = np.nan
    else:
        size[128] = np.nan
    return np.where(codes < 128, size, -size).astype(np.float32)
