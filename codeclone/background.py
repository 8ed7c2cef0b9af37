"""How rare is a fact: the share of unrelated source files, or of model folders, that hold it.

The shipped tables hold hashes only. data/stock_code.npz counts code facts over the files of well-known packages
(`benchmarks/build_stock.py`), data/stock_names.npz settings and names over their model folders
(`benchmarks/build_names.py`); both builders record what they read in docs/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
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


# Settings and names

NAMES = Path(__file__).parent / "data" / "stock_names.npz"

SECTIONS = ("settings", "keys", "values", "tokens", "attributes", "definitions")
"""What is counted: `key = value` of configurations (as `key=JSON of the value`), their keys, their values (as JSON),
strings that look like special tokens, attributes that modules are kept in, and names of classes, functions and modules."""

LEAST_FOLDERS = 3
"""What no folder holds counts as held by three: with 95 % confidence it is no more frequent (the rule of three: Hanley and
Lippman-Hand 1983)."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Texts of one section and how many model folders hold each."""

    keys: NDArray[np.uint64]
    """`text_key` of each text, ascending."""
    counts: NDArray[np.uint32]
    folders: int

    def held_by(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """How many folders hold each text."""
        found = np.zeros(len(texts), np.int64)
        if len(self.keys) and len(texts):
            keys = text_keys(texts)
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[place] == keys
            found[known] = self.counts[place][known]
        return found

    def shares(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Share of the folders that hold each text, in (0, 1], never less than this background can show."""
        return np.minimum(1.0, np.maximum(self.held_by(texts), LEAST_FOLDERS) / max(self.folders, LEAST_FOLDERS))

    def bits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """-log2 of the share of the folders that hold each text."""
        return -np.log2(self.shares(texts))


def text_keys(texts: Iterable[str]) -> NDArray[np.uint64]:
    """The first eight bytes of BLAKE2b of each text in UTF-8, little-endian."""
    digests = b"".join(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


@cache
def names() -> Mapping[str, Shares]:
    """Section -> the table that comes with the package."""
    with np.load(NAMES, allow_pickle=False) as table:
        return {
            section: Shares(
                np.cumsum(table[f"{section}_deltas"], dtype=np.uint64),
                table[f"{section}_counts"].astype(np.uint32),
                int(table["folders"]),
            )
            for section in SECTIONS
        }


def save_names(tables: Mapping[str, Shares], description: str, path: Path) -> None:
    """Write the tables of all sections."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for section, table in tables.items():
        arrays[f"{section}_deltas"] = np.diff(table.keys, prepend=np.uint64(0))
        arrays[f"{section}_counts"] = np.minimum(table.counts, 65535).astype(np.uint16)
    folders = np.int64(max(table.folders for table in tables.values()))
    np.savez_compressed(path, folders=folders, description=np.array(description), **arrays)  # type: ignore[arg-type]
