"""How rare is a fact: the share of unrelated source files of its language that hold it.

The shipped table (data/stock_code.npz) holds hashes only, counted over the files of well-known packages by
`benchmarks/build_stock.py`, which records what it read beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).parent / "data" / "stock_code.npz"

STOCK_SHARE = 0.01
"""A fact that at least this share of unrelated files holds is stock: what everyone writes. In bits: below 6.6."""

LEAST_COUNT = 3
"""Facts in fewer files than this are not in the table: there they are as rare as anything can be shown to be."""

KERNEL = np.uint64(1)
"""The lowest bit of a fact's key says its language: 0 Python, 1 the family of C, C++ and CUDA. So no fact of the one
is ever one of the other, and a fact that no table holds still says which files it was not found in."""


def with_language(keys: NDArray[np.uint64], kernel: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """The keys with their lowest bit set where `kernel` is true, and cleared elsewhere."""
    return (keys & ~KERNEL) | kernel.astype(np.uint64)


def is_kernel(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each fact is one of C, C++ or CUDA."""
    return (keys & KERNEL) > 0


@dataclass(frozen=True, slots=True)
class Background:
    """Facts and how many unrelated files of their language hold each."""

    keys: NDArray[np.uint64]
    """Ascending."""
    counts: NDArray[np.uint32]
    files: int
    """Of Python."""
    kernel_files: int
    """Of C, C++ and CUDA."""
    description: str

    def bits(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """-log2 of the share of the files of its language that hold each fact.

        A fact that the table does not hold counts as held by as many files as it may be without being listed, plus
        one (the rule of succession): rarer than that cannot be shown from this background.
        """
        counts = np.full(len(keys), LEAST_COUNT, np.float64)
        if len(self.keys):
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[place] == keys
            counts[known] = self.counts[place][known] + 1.0
        files = np.where(is_kernel(keys), self.kernel_files, self.files)
        return -np.log2(np.minimum(1.0, counts / (files + 1.0)))

    @property
    def stock_bits(self) -> float:
        """Facts with fewer bits than this are stock."""
        return float(-np.log2(STOCK_SHARE))


@cache
def shipped() -> Background:
    """The table that comes with the package."""
    with np.load(TABLE, allow_pickle=False) as table:
        return Background(
            keys=np.cumsum(table["deltas"], dtype=np.uint64),
            counts=table["counts"].astype(np.uint32),
            files=int(table["files"]),
            kernel_files=int(table["kernel_files"]),
            description=str(table["description"]),
        )


def save(table: Background, path: Path) -> None:
    """Write a table. Counts above 65,535 are kept as that."""
    np.savez_compressed(
        path,
        deltas=np.diff(table.keys, prepend=np.uint64(0)),
        counts=np.minimum(table.counts, 65535).astype(np.uint16),
        files=np.int64(table.files),
        kernel_files=np.int64(table.kernel_files),
        description=np.array(table.description),
    )
