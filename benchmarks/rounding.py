"""Values rounded to fewer bits and back, in numpy."""

from __future__ import annotations

import numpy as np
from small_models import Checkpoint, Floats

NF4 = np.array(
    [-1, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0, 0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.7230, 1],
    dtype=np.float32,
)  # fmt: skip
"""Quantiles of a normal distribution, scaled to [-1, 1] (Dettmers et al. 2023, appendix E), to four digits."""

E4M3_LARGEST, E4M3_LEAST_EXPONENT = 448.0, -6


def to_bfloat16(values: Floats) -> np.ndarray:
    """Upper halves of the bits, rounded to the nearest, to even where two are as near; finite values only."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def bfloat16(values: Floats) -> Floats:
    return (to_bfloat16(values).astype(np.uint32) << 16).view(np.float32)


def float16(values: Floats) -> Floats:
    return values.astype(np.float16).astype(np.float32)


def float8(values: Floats) -> Floats:
    """E4M3 without infinities, rounded to the nearest, to even where two are as near; larger values are the largest one."""
    exponents = np.maximum(np.frexp(values)[1] - 1, E4M3_LEAST_EXPONENT)
    step = np.ldexp(np.float32(1), exponents - 3)
    return np.clip(np.rint(values / step) * step, -E4M3_LARGEST, E4M3_LARGEST).astype(np.float32)


def to_float8(values: Floats) -> np.ndarray:
    """The bytes of `float8`."""
    rounded = np.abs(float8(values))
    exponents = np.maximum(np.frexp(rounded)[1] - 1, E4M3_LEAST_EXPONENT)
    steps = np.rint(rounded / np.ldexp(np.float32(1), exponents - 3)).astype(np.int64)
    codes = np.where(steps >= 8, (exponents + 7) * 8 + steps - 8, steps)
    return (codes + 128 * np.signbit(values)).astype(np.uint8)


def int8_rows(values: Floats) -> Floats:
    return _symmetric(values, np.abs(values).max(-1, keepdims=True), 127)


def int8_tensor(values: Floats) -> Floats:
    return _symmetric(values, np.abs(values).max(), 127)


def int4(values: Floats, group: int = 32, zero_point: bool = False) -> Floats:
    """In groups along a row; the last one is smaller where the row does not divide."""
    return _grouped(values, group, _with_zero_point if zero_point else _seven)


def nf4(values: Floats, group: int = 64) -> Floats:
    return _grouped(values, group, _quantiles)


def _symmetric(values: Floats, largest: Floats, steps: int) -> Floats:
    scale = np.where(largest > 0, largest / steps, 1).astype(np.float32)
    return (np.rint(values / scale) * scale).astype(np.float32)


def _seven(values: Floats) -> Floats:
    return _symmetric(values, np.abs(values).max(-1, keepdims=True), 7)


def _with_zero_point(values: Floats) -> Floats:
    low, high = np.minimum(values.min(-1, keepdims=True), 0), np.maximum(values.max(-1, keepdims=True), 0)
    scale = np.where(high > low, (high - low) / 15, 1)
    zero = np.rint(-low / scale)
    return ((np.clip(np.rint(values / scale) + zero, 0, 15) - zero) * scale).astype(np.float32)


def _quantiles(values: Floats) -> Floats:
    largest = np.abs(values).max(-1, keepdims=True)
    scaled = values / np.where(largest > 0, largest, 1)
    return (NF4[np.searchsorted((NF4[1:] + NF4[:-1]) / 2, scaled)] * largest).astype(np.float32)


def _grouped(values: Floats, group: int, rounded) -> Floats:
    parts = [values[..., start : start + group] for start in range(0, values.shape[-1], group)]
    return np.concatenate([rounded(part) for part in parts], axis=-1)


def matrices(weights: Checkpoint, rounded) -> Checkpoint:
    """Vectors stay as they are, as all quantisers leave them."""
    return {name: rounded(value) if value.ndim == 2 else value for name, value in weights.items()}
