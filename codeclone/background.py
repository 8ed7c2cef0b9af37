"""How rare is a fact: the share of unrelated source files, or of model folders, that hold it.

The shipped tables hold hashes only. data/stock_code.npz counts code facts over the files of well-known packages (`stock`
builds it, and others like it), data/stock_names.npz settings and names over their model folders
(`benchmarks/build_names.py`); docs/ records what they were counted in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codeclone import arrays
from codeclone.errors import OutputError, SourceError

TABLE = Path(__file__).parent / "data" / "stock_code.npz"

STOCK_SHARE = 0.01
"""A fact that at least this share of unrelated files holds is stock: what everyone writes. In bits: below 6.6."""

LEAST_COUNT = 3
"""Facts in fewer files than this are not in a table: there they are as rare as anything can be shown to be (95 %: the rule of
three)."""

LEAST_FILES = 299
"""LEAST_COUNT / STOCK_SHARE, less one: in fewer files of a language no fact can be shown to be rarer than stock."""

KERNEL = np.uint64(1)
"""The lowest bit of a fact's key says its language: 0 Python, 1 the family of C, C++ and CUDA. So no fact of the one
is ever one of the other, and a fact that no table holds still says which files it was not found in."""

KEY_BYTES, COUNT_BYTES = 5, 2
"""Of a fact as a table has it. Of its key the highest 39 bits and its language are kept, so of a million facts that are in no
table of a million one or two are taken for one that is."""

MAX_FACTS, MAX_SOURCES, MAX_TEXT, MAX_ABOUT_BYTES = 10_000_000, 10_000, 200, 2**22
"""Of a table; characters of a name; bytes of its list of sources. The shipped one has 28 sources."""


def with_language(keys: NDArray[np.uint64], kernel: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """The keys with their lowest bit set where `kernel` is true, and cleared elsewhere."""
    return (keys & ~KERNEL) | kernel.astype(np.uint64)


def is_kernel(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each fact is one of C, C++ or CUDA, by its key or what a table keeps of it."""
    return (keys & KERNEL) > 0


def shortened(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """What a table keeps of each key: a number of KEY_BYTES bytes, in the same order."""
    return (keys >> np.uint64(64 - 8 * KEY_BYTES)) & ~KERNEL | (keys & KERNEL)


@dataclass(frozen=True, slots=True)
class Counted:
    """A release of a package whose files were counted."""

    name: str
    release: str
    digest: str
    """Of its snapshot."""
    files: int
    """Of Python, that hold a fact."""
    kernel_files: int
    """Of C, C++ and CUDA."""


@dataclass(frozen=True, slots=True)
class Background:
    """Facts and how many unrelated files of their language hold each."""

    keys: NDArray[np.uint64]
    """As `shortened` gives them, ascending."""
    counts: NDArray[np.uint32]
    files: int
    """Of Python. A file that several releases of a package have is one."""
    kernel_files: int
    """Of C, C++ and CUDA."""
    version: int
    """Of the facts: `evidence.code.VERSION` when they were counted."""
    sources: tuple[Counted, ...]
    name: str = ""
    """Of its file; empty for the shipped one."""

    def bits(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """-log2 of the share of the files of its language that hold each fact, of whole keys.

        A fact that the table does not hold counts as held by as many files as it may be without being listed, plus
        one (the rule of succession): rarer than that cannot be shown from this background.
        """
        counts = np.full(len(keys), LEAST_COUNT, np.float64)
        if len(self.keys):
            short = shortened(keys)
            place = np.minimum(np.searchsorted(self.keys, short), len(self.keys) - 1)
            known = self.keys[place] == short
            counts[known] = self.counts[place][known] + 1.0
        files = np.where(is_kernel(keys), self.kernel_files, self.files)
        return -np.log2(np.minimum(1.0, counts / (files + 1.0)))

    @property
    def stock_bits(self) -> float:
        """Facts with fewer bits than this are stock."""
        return float(-np.log2(STOCK_SHARE))


def too_few(table: Background) -> list[str]:
    """A sentence for each language of which a table counts too few files to call anything rare."""
    return [
        f"The background counts {count:,} files of {language}: with fewer than {LEAST_FILES} every fact of that language is stock."
        for language, count in (("Python", table.files), ("C, C++ and CUDA", table.kernel_files))
        if count < LEAST_FILES
    ]


@cache
def shipped() -> Background:
    """The table that comes with the package."""
    return _table(TABLE)


def load(path: str, version: int) -> Background:
    """A table that someone built. Raises SourceError for what is none, and for one of facts of another version."""
    shown = path[:MAX_TEXT]
    try:
        table = _table(Path(path))
    except OSError as error:
        raise SourceError(f"{shown}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise SourceError(f"{shown}: not a background table: {error}") from error
    if table.version != version:
        raise SourceError(
            f"{shown}: counts facts of version {table.version}, this codeclone has version {version}: build it again"
        )
    return table


def packed(table: Background) -> bytes:
    """The bytes of a table's file. Counts above 65,535 are kept as that. Raises OutputError for too large a table."""
    if len(table.keys) > MAX_FACTS:
        raise OutputError(f"{len(table.keys):,} facts: a table holds {MAX_FACTS:,} at most; list fewer sources")
    about = {
        "files": table.files,
        "kernel_files": table.kernel_files,
        "version": table.version,
        "sources": [astuple(source) for source in table.sources],
    }
    return arrays.packed(
        {
            "deltas": _rows(np.diff(table.keys, prepend=np.uint64(0)), KEY_BYTES),
            "counts": _rows(np.minimum(table.counts, 256**COUNT_BYTES - 1), COUNT_BYTES),
            "about": np.frombuffer(json.dumps(about, ensure_ascii=True).encode(), np.uint8),
        }
    )


def _rows(numbers: NDArray[np.generic], count: int) -> NDArray[np.uint8]:
    """The lowest bytes of the numbers, a row for each, the lowest first: so they compress to half."""
    return numbers.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :count].T


def _numbers(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    wide = np.zeros((rows.shape[1], 8), np.uint8)
    wide[:, : len(rows)] = rows.T
    return wide.view("<u8").reshape(-1).astype(np.uint64)


def _table(path: Path) -> Background:
    """Raises ValueError for what is no table, and OSError for what cannot be read."""
    facts = {name: (size, size * MAX_FACTS) for name, size in (("deltas", KEY_BYTES), ("counts", COUNT_BYTES))}
    found = arrays.unpacked(path, {**facts, "about": (0, MAX_ABOUT_BYTES)})
    deltas, counts = _numbers(found["deltas"]), _numbers(found["counts"])
    try:
        about = json.loads(found["about"].tobytes())
        files, kernel_files, version = (about[name] for name in ("files", "kernel_files", "version"))
        sources = tuple(Counted(*source) for source in about["sources"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("its list of sources is damaged") from error
    texts = [text for source in sources for text in (source.name, source.release, source.digest)]
    numbers = [files, kernel_files, version, *(n for source in sources for n in (source.files, source.kernel_files))]
    if (
        len(sources) > MAX_SOURCES
        or not all(type(text) is str and len(text) <= MAX_TEXT for text in texts)
        or not all(type(number) is int and 0 <= number < 2**32 for number in numbers)
    ):
        raise ValueError("its list of sources is damaged")
    keys = np.cumsum(deltas, dtype=np.uint64)
    most = np.where(is_kernel(keys), kernel_files, files)
    if len(counts) != len(keys) or (deltas[1:] == 0).any() or (len(keys) and keys[-1] >= 256**KEY_BYTES):
        raise ValueError("its facts are not in order")
    if (counts < LEAST_COUNT).any() or (counts > most).any():
        raise ValueError("its counts are none of these files")
    return Background(
        keys, counts.astype(np.uint32), files, kernel_files, version, sources, "" if path == TABLE else path.name
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


def names_told() -> str:
    """What the names were counted in, in a line."""
    with np.load(NAMES, allow_pickle=False) as table:
        return f"settings and names: {table['description']}"


def save_names(tables: Mapping[str, Shares], description: str, path: Path) -> None:
    """Write the tables of all sections."""
    sections: dict[str, NDArray[np.generic]] = {}
    for section, table in tables.items():
        sections[f"{section}_deltas"] = np.diff(table.keys, prepend=np.uint64(0))
        sections[f"{section}_counts"] = np.minimum(table.counts, 65535).astype(np.uint16)
    folders = np.int64(max(table.folders for table in tables.values()))
    np.savez_compressed(path, folders=folders, description=np.array(description), **sections)  # type: ignore[arg-type]
