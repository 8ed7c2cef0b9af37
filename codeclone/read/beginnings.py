"""The first values of each tensor of a file, for telling apart tensors of one shape. Nothing else of the data is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codeclone.model import Checkpoint, File, Tensor
from codeclone.read.values import ValuesError, opened

VALUES = 256
"""From the first one on, row by row."""

LEAST_VALUES = 16
"""Of fewer values nothing is told."""

MAX_TENSORS = 20_000
"""Of a file: a read each."""

_FLOATING = ("F64", "F32", "F16", "BF16")


def beginnings(file: File, tensors: Sequence[Tensor]) -> dict[str, NDArray[np.float32]]:
    """Name of a tensor -> its first values; of floating-point tensors whose bytes are there, all of them finite."""
    wanted = [t for t in tensors if t.stored is not None and t.dtype in _FLOATING and _count(t) >= LEAST_VALUES]
    wanted = wanted[:MAX_TENSORS]
    alone = Checkpoint(
        file.path, (file.path,), tuple(wanted), (0,) * len(wanted), (), shards=1, expected=1, total_size=None, metadata={}
    )  # fmt: skip
    found: dict[str, NDArray[np.float32]] = {}
    with opened({file.path: file}, alone) as values:
        for place, tensor in enumerate(wanted):
            count = _count(tensor)
            try:
                first = next(run for _, run in values.runs(place, count))[:count]
            except ValuesError:
                continue  # what was read is told by the reader of the head; a beginning is a help and no more
            if np.isfinite(first).all():
                found[tensor.name] = first
    return found


def _count(tensor: Tensor) -> int:
    """Values that lie one behind the other from the first on, at most `VALUES`."""
    shape, stored = tensor.shape or (), tensor.stored
    if stored is None or stored.strides is None:
        whole = 1
        for size in shape:
            whole = min(VALUES, whole * size)
        return whole
    return min(VALUES, shape[-1]) if shape and stored.strides[-1] == 1 else 0
