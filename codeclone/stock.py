"""An index of packages -> a background table: how many of their files hold each code fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codeclone.background import (
    LEAST_COUNT,
    MAX_SOURCES,
    MAX_TEXT,
    Background,
    Counted,
    is_kernel,
    load,
    names_told,
    shipped,
    shortened,
    too_few,
)
from codeclone.errors import NothingToCompareError, SourceError
from codeclone.evidence import code
from codeclone.model import File, Snapshot
from codeclone.parse.fragments import KERNELS, suffix_of
from codeclone.plain import plain
from codeclone.read import open_source

Languages = Literal["all", "python", "kernels"]
HEADINGS: dict[str, Languages] = {"[all]": "all", "[python]": "python", "[kernels]": "kernels"}

SHIPPED = "shipped"
"""What the shipped table is called where the file of one may be named."""

MAX_INDEX_BYTES = 2**20

FILES_AT_ONCE = 200
"""Files of C, C++ and CUDA profiled together, which bounds the memory that their many facts take. Python files are understood
with all others of their package."""

Keys = NDArray[np.uint64]
"""Distinct facts, as a table has them."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of an index."""

    name: str
    release: str
    """Empty where none is given."""
    folder: str
    languages: Languages
    """Whose files are counted."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Facts and how many files hold each."""

    keys: Keys
    """Ascending."""
    files: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Built:
    """A table and what was met on the way to it."""

    table: Background
    facts: int
    """Distinct ones, also those in too few files to be kept."""
    left_out: tuple[tuple[str, str], ...]
    """(place, why), of files that were not counted or only in part."""


def read_index(path: str) -> tuple[Listed, ...]:
    """The lines of an index. Raises SourceError for one that cannot be read or is none; the line is named."""
    try:
        if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
            raise ValueError("no regular file")
        with Path(path).open("rb") as file:
            content = file.read(MAX_INDEX_BYTES + 1)
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise SourceError(f"{path[:MAX_TEXT]}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_INDEX_BYTES:
        raise SourceError(f"{path[:MAX_TEXT]}: over the bound of {MAX_INDEX_BYTES:,} bytes")
    found: list[Listed] = []
    languages: Languages = "all"
    for number, line in enumerate(lines, 1):
        words = line.split(maxsplit=2)
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("["):
            if line.strip() not in HEADINGS:
                raise SourceError(f"{path}, line {number}: a heading other than {', '.join(HEADINGS)}")
            languages = HEADINGS[line.strip()]
            continue
        folder = Path(path).parent / words[-1].strip()
        name = words[0] if len(words) > 1 else folder.name
        release = words[1] if len(words) > 2 else ""
        if max(len(name), len(release)) > MAX_TEXT:
            raise SourceError(f"{path}, line {number}: a name of more than {MAX_TEXT} characters")
        found.append(Listed(name, release, str(folder), languages))
    if len(found) > MAX_SOURCES:
        raise SourceError(f"{path[:MAX_TEXT]}: more than {MAX_SOURCES:,} sources")
    return tuple(found)


def build(
    listed: Sequence[Listed], extend: Background | None = None, progress: Callable[[str], None] = lambda step: None
) -> Built:
    """Count the files of an index.

    A file that stands in several releases of one package is one document, which holds what any of them holds. The counts
    of `extend` are added; what it does not list counts as held by none of its files. Raises SourceError for a source that
    cannot be read or would be counted twice, NothingToCompareError where no file holds a fact.
    """
    sources = list(extend.sources) if extend else []
    table = (
        Counts(extend.keys, extend.counts.astype(np.int64))
        if extend
        else Counts(np.zeros(0, np.uint64), np.zeros(0, np.int64))
    )
    files, kernel_files = (extend.files, extend.kernel_files) if extend else (0, 0)
    left_out: list[tuple[str, str]] = []
    for name in dict.fromkeys(line.name for line in listed):
        if extend and any(source.name == name for source in extend.sources):
            raise SourceError(f"{plain(name)}: counted in the table already, which no longer knows in which files")
        documents: dict[str, Keys] = {}
        for line in listed:
            if line.name == name:
                progress(f"counting {line.name} {line.release}".rstrip())
                sources.append(_add(line, documents, sources, left_out))
        new, new_kernels = _by_language(documents)
        files, kernel_files = files + new, kernel_files + new_kernels
        table = added(table, counted(list(documents.values())))
    if not len(table.keys):
        raise NothingToCompareError("no source holds a file of code to count")
    kept = table.files >= LEAST_COUNT
    kept_files = table.files[kept].astype(np.uint32)
    return Built(
        Background(table.keys[kept], kept_files, files, kernel_files, code.VERSION, tuple(sources)),
        len(table.keys),
        tuple(left_out),
    )


def table_named(name: str) -> Background:
    """`shipped`, or the file of a table. Raises SourceError for what is neither."""
    return shipped() if name == SHIPPED else load(name, code.VERSION)


def shown(name: str) -> list[str]:
    """`told` of `table_named`; of the shipped one also what settings and names are counted in."""
    return [*told(table_named(name)), *([names_told()] if name == SHIPPED else [])]


def told(table: Background) -> list[str]:
    """What a table counts, in lines: one for each release."""
    rows = [("package", "release", "Python files", "C, C++, CUDA files", "snapshot digest")]
    rows += [
        (
            plain(source.name),
            plain(source.release),
            f"{source.files:,}",
            f"{source.kernel_files:,}",
            plain(source.digest),
        )
        for source in table.sources
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{name:{widths[0]}}  {release:{widths[1]}}  {files:>{widths[2]}}  {kernels:>{widths[3]}}  {digest[:16]}".rstrip()
        for name, release, files, kernels, digest in rows
    ]
    lines.append(
        f"{len(table.keys):,} facts that at least {LEAST_COUNT} files hold, of {table.files:,} files of Python and "
        f"{table.kernel_files:,} of C, C++ and CUDA; a file of several releases is one"
    )
    return [*lines, *too_few(table)]


def counted(documents: Sequence[Keys]) -> Counts:
    """How many documents hold each fact."""
    keys, files = np.unique(np.concatenate([np.zeros(0, np.uint64), *documents]), return_counts=True)
    return Counts(keys, files)


def added(one: Counts, other: Counts) -> Counts:
    """The counts of both, which have no document in common."""
    keys, places = np.unique(np.concatenate([one.keys, other.keys]), return_inverse=True)
    files = np.zeros(len(keys), np.int64)
    np.add.at(files, places, np.concatenate([one.files, other.files]))
    return Counts(keys, files)


def _add(
    line: Listed, documents: dict[str, Keys], sources: Sequence[Counted], left_out: list[tuple[str, str]]
) -> Counted:
    """Add the files of a release to the documents of its package."""
    snapshot = open_source(line.folder)
    digest = snapshot.repository.digest
    for other in sources:
        if other.digest == digest and other.name != line.name:
            raise SourceError(f"{plain(line.name)} {plain(line.release)}: the same files as {plain(other.name)}")
    left_out += [(f"{line.name}: {skip.location.path}", skip.reason) for skip in snapshot.skipped]
    its_own: dict[str, Keys] = {}
    for part in _parts(snapshot, line.languages):
        profile = code.profile(part)
        left_out += [(f"{line.name}: {skip.location.path}", skip.reason) for skip in profile.skipped]
        paths = [fragment.location.path for fragment in profile.fragments]
        numbers = {path: number for number, path in enumerate(dict.fromkeys(paths))}
        file_of = np.array([numbers[path] for path in paths], np.int64)[profile.facts.fragments]
        order = np.argsort(file_of, kind="stable")
        ends = np.cumsum(np.bincount(file_of, minlength=len(numbers)))
        for path, keys in zip(numbers, np.split(shortened(profile.facts.keys[order]), ends[:-1]), strict=True):
            if len(keys):
                its_own[path] = np.unique(keys)
    for path, keys in its_own.items():
        documents[path] = np.union1d(documents[path], keys) if path in documents else keys
    return Counted(line.name, line.release, digest, *_by_language(its_own))


def _parts(snapshot: Snapshot, languages: Languages) -> Iterator[Snapshot]:
    files = [file for file in snapshot.files if code.reads(file.path)]
    python = [file for file in files if not _is_kernel(file)]
    if python and languages != "kernels":
        yield replace(snapshot, files=tuple(python))
    kernels = [file for file in files if _is_kernel(file)] if languages != "python" else []
    for first in range(0, len(kernels), FILES_AT_ONCE):
        yield replace(snapshot, files=tuple(kernels[first : first + FILES_AT_ONCE]))


def _is_kernel(file: File) -> bool:
    return suffix_of(file.path) in KERNELS


def _by_language(documents: dict[str, Keys]) -> tuple[int, int]:
    """How many are of Python, and how many of C, C++ and CUDA."""
    kernels = sum(bool(is_kernel(keys[:1])[0]) for keys in documents.values())
    return len(documents) - kernels, kernels
