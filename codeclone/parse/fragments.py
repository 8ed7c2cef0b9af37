"""Snapshot -> fragments and value graphs: everything the code room wants to know of one repository."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from codeclone.model import Binding, Fragment, Location, Skipped, Snapshot, Span
from codeclone.parse import dataflow
from codeclone.parse.graph import GraphBuilder, ValueGraphs
from codeclone.parse.names import resolve, roots_of
from codeclone.parse.relations import Outline, outline, relations
from codeclone.parse.syntax import Syntax, parse_python
from codeclone.parse.units import MAX_UNITS, Unit, line_starts, surface_keys, units
from codeclone.read.text import Text, decode

SUFFIXES = (".py", ".pyi", ".pyw")

MAX_PYTHON_BYTES = 4 * 2**20
"""A larger Python file is data, not something a person wrote."""

MAX_LINE = 20_000
"""Characters; a file with a longer line is minified or data."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """All Python code of a snapshot."""

    fragments: tuple[Fragment, ...]
    graphs: ValueGraphs
    lines: NDArray[np.int32]
    """1-based source line of each value graph node."""
    surface_keys: NDArray[np.uint64]
    """Of each fragment: equal keys are the same text but for layout, comments and annotations."""
    bindings: tuple[Binding, ...]
    """In order of their fragments' files and names."""
    imported: frozenset[str]
    """Names that any file imports, as they are called there and where they come from."""
    encodings: tuple[tuple[str, str], ...]
    """(path, codec that decoded it) of each file that is not plain UTF-8."""
    files: int
    source_lines: int
    skipped: tuple[Skipped, ...]


def parse_snapshot(snapshot: Snapshot) -> Parsed:
    """Parse every Python file. Never raises on what the files contain: what is not understood is in `skipped`."""
    graph = GraphBuilder()
    fragments: list[Fragment] = []
    skipped: list[Skipped] = []
    starts_of: list[tuple[list[int], int]] = []
    surfaces: list[int] = []
    outlines: list[Outline] = []
    bases: list[int] = []
    encodings: list[tuple[str, str]] = []
    sources = [file for file in snapshot.files if file.path.lower().endswith(SUFFIXES)]
    roots = roots_of(tuple(file.path for file in sources))
    files = source_lines = 0
    skipped.extend(_other_kinds(snapshot))
    for file in sources:
        decoded = _read(file.path, file.size, file.read, skipped)
        if decoded is None:
            continue
        text = decoded.content
        if decoded.encoding != "utf-8":
            encodings.append((file.path, decoded.encoding))
        syntax = parse_python(text.encode("utf-8", "surrogatepass"), file.path)
        skipped.extend(syntax.skipped)
        starts = line_starts(syntax.source)
        found = units(syntax, starts)
        if len(found) > MAX_UNITS:
            reason = f"more than {MAX_UNITS:,} definitions: the rest is left out"
            skipped.append(Skipped(Location(file.path, Span(found[-1].last, found[0].last)), reason))
        for unit in dataflow.lower(graph, syntax, resolve(syntax, roots), found):
            place = Location(file.path, Span(unit.first, unit.last))
            skipped.append(
                Skipped(place, f"{unit.qualname} is too deep or too much work for its size: read as far as possible")
            )
        outlines.append(outline(file.path, syntax, found))
        bases.append(len(fragments))
        fragments.extend(_fragments(file.path, text, syntax, starts, found, len(fragments)))
        surfaces.extend(surface_keys(syntax, found))
        starts_of.append((starts, len(found)))
        files += 1
        source_lines += len(starts) - (1 if text.endswith("\n") else 0)
    graphs = graph.finish()
    return Parsed(
        _related(fragments, outlines, bases, skipped),
        graphs,
        _lines(graphs, starts_of),
        np.array(surfaces, np.uint64),
        _bindings(outlines, bases, starts_of),
        frozenset(name.decode("utf-8", "replace") for found in outlines for name in found.imported()),
        tuple(encodings),
        files,
        source_lines,
        tuple(skipped),
    )


def _other_kinds(snapshot: Snapshot) -> list[Skipped]:
    """Files that are no Python code, counted by suffix: none of them is passed over in silence."""
    counts = Counter(
        PurePosixPath(f.path).suffix.lower() for f in snapshot.files if not f.path.lower().endswith(SUFFIXES)
    )
    return [
        Skipped(
            Location(f"*{suffix}" if suffix else "*"),
            f"{count:,} file{'s' * (count > 1)} of a kind that is not compared",
        )
        for suffix, count in sorted(counts.items())
    ]


def _read(path: str, size: int, read: Callable[[], bytes], skipped: list[Skipped]) -> Text | None:
    if size > MAX_PYTHON_BYTES:
        skipped.append(
            Skipped(Location(path), f"{size:,} bytes: over the bound of {MAX_PYTHON_BYTES:,} for source code")
        )
        return None
    try:
        text = decode(read())
    except OSError as error:
        skipped.append(Skipped(Location(path), f"cannot be read: {error.strerror or error}"))
        return None
    if text is None:
        skipped.append(Skipped(Location(path), "not text: it contains null bytes"))
        return None
    if len(text.content) > MAX_LINE:
        longest = max(map(len, text.content.split("\n")))
        if longest > MAX_LINE:
            skipped.append(Skipped(Location(path), f"a line of {longest:,} characters: over the bound of {MAX_LINE:,}"))
            return None
    return text


def _fragments(path: str, text: str, syntax: Syntax, starts: list[int], found: list[Unit], base: int) -> list[Fragment]:
    """Fragments of one file; `base` is the index the first of them will have."""
    lines = text.split("\n")
    inner: list[list[tuple[int, int]]] = [[] for _ in found]
    for unit in found[1:]:
        inner[unit.parent].append((bisect_right(starts, syntax.start[unit.outer]), unit.last))
    fragments = []
    for index, unit in enumerate(found):
        last = min(unit.last, len(lines))
        hidden = [] if unit.kind == "function" else inner[index]
        fragments.append(
            Fragment(
                location=Location(path, Span(unit.first, unit.last)),
                qualname=unit.qualname,
                kind=unit.kind,
                language="python",
                lines=tuple((line, lines[line - 1]) for line in _shown(unit.first, last, hidden)),
                parent=base + unit.parent if unit.parent >= 0 else -1,
            )
        )
    return fragments


def _related(
    fragments: list[Fragment], outlines: list[Outline], bases: list[int], skipped: list[Skipped]
) -> tuple[Fragment, ...]:
    """The fragments with what they depend on."""
    related, is_complete = relations(outlines, bases)
    if not is_complete:
        skipped.append(Skipped(Location("*.py"), "too many names to follow: not every call and base class is known"))
    for index, found in related.items():
        fragments[index] = replace(
            fragments[index],
            calls=tuple(sorted(found.calls)),
            inherits=tuple(sorted(found.inherits)),
            parts=tuple(found.parts),
        )
    return tuple(fragments)


def _bindings(outlines: list[Outline], bases: list[int], starts_of: list[tuple[list[int], int]]) -> tuple[Binding, ...]:
    return tuple(
        Binding(name.decode("utf-8", "replace"), base + unit, bisect_right(starts, offset))
        for its_outline, base, (starts, _) in zip(outlines, bases, starts_of, strict=True)
        for name, unit, offset in its_outline.bindings
    )


def _shown(first: int, last: int, hidden: list[tuple[int, int]]) -> Iterator[int]:
    """Lines of a definition that are in none of the hidden runs, which are in order and do not overlap."""
    for start, end in hidden:
        yield from range(first, min(start, last + 1))
        first = max(first, end + 1)
    yield from range(first, last + 1)


def _lines(graphs: ValueGraphs, starts_of: list[tuple[list[int], int]]) -> NDArray[np.int32]:
    """Source line of each node; `starts_of`: line starts of each file, and how many fragments it has."""
    result = np.ones(len(graphs.labels), np.int32)
    bounds = np.searchsorted(graphs.fragments, np.arange(sum(count for _, count in starts_of) + 1))
    fragment = 0
    for starts, count in starts_of:
        lo, hi = bounds[fragment], bounds[fragment + count]
        result[lo:hi] = np.searchsorted(np.asarray(starts), graphs.offsets[lo:hi], "right")
        fragment += count
    return result
