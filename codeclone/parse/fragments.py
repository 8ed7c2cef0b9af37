"""Snapshot -> fragments and value graphs: everything the code room wants to know of one repository."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from codeclone.batches import in_batches
from codeclone.model import Binding, File, Fragment, Location, Skipped, Snapshot, Span
from codeclone.parse import dataflow
from codeclone.parse.graph import GraphBuilder, ValueGraphs, joined
from codeclone.parse.names import resolve, roots_of
from codeclone.parse.notebook import MAX_NOTEBOOK_BYTES, Cell, parse_notebook
from codeclone.parse.python2 import parse_any_python
from codeclone.parse.relations import Outline, outline, relations
from codeclone.parse.syntax import Syntax
from codeclone.parse.units import MAX_UNITS, Unit, line_starts, surface_keys, units
from codeclone.read.text import Text, decode

PYTHON, NOTEBOOK = (".py", ".pyi", ".pyw"), ".ipynb"
KERNELS = {
    ".cu": "cuda", ".cuh": "cuda", ".cpp": "c++", ".cc": "c++", ".cxx": "c++", ".hpp": "c++", ".h": "c++", ".c": "c",
}  # fmt: skip
"""Suffix -> language. A header is read as C++, whose grammar covers that of C."""

MAX_SOURCE_BYTES = 4 * 2**20
"""A larger source file is data, not something a person wrote."""

MAX_ANGLES, FEW_BYTES = 12, 50_000
"""A kernel file of more than so many bytes in which one of so many characters is `<` is no code: each may begin a template,
and the parser keeps all ways to read it."""

MAX_LINE = 20_000
"""Characters; a file with a longer line is minified or data."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """All code of a snapshot."""

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


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was read and lowered."""

    path: str
    language: str
    text: str
    syntax: Syntax
    units: list[Unit]
    cells: tuple[Cell, ...] = ()
    calls: tuple[tuple[int, ...], ...] = ()
    """Units that each unit calls, where this is known from the file alone; else relations.py finds them."""

    def numbers(self) -> list[int]:
        """1-based number of each line: of a notebook, counted from the beginning of its cell."""
        if self.cells:
            return [number for cell in self.cells for number in range(1, cell.last - cell.first + 2)] + [1]
        return list(range(1, self.syntax.source.count(b"\n") + 2))


@dataclass(frozen=True, slots=True)
class Batch:
    """Some files of a snapshot, read and lowered; fragments are numbered within the batch."""

    fragments: list[Fragment]
    graphs: ValueGraphs
    lines: NDArray[np.int32]
    surfaces: list[int]
    outlines: list[tuple[int, Outline, list[int], list[int]]]
    """Of each Python file: the index of its first fragment, its outline, where its lines start, and their numbers."""
    encodings: list[tuple[str, str]]
    skipped: list[Skipped]
    files: int
    source_lines: int


def parse_snapshots(snapshots: Sequence[Snapshot], meanwhile: Callable[[], None] = lambda: None) -> list[Parsed]:
    """Parse every file of code of each snapshot by itself. Never raises on what the files contain: what is not understood
    is in `skipped`.

    `meanwhile`: what can be done while other processes parse, if any do.
    """
    sources = [
        [(file, suffix) for file in snapshot.files if (suffix := suffix_of(file.path)) is not None]
        for snapshot in snapshots
    ]
    roots = [roots_of(tuple(file.path for file, suffix in some if suffix in PYTHON)) for some in sources]
    batches = in_batches(
        sources,
        [[file.size for file, _ in some] for some in sources],
        lambda number, some: _parse_batch(some, roots[number]),
        meanwhile,
    )
    return [_parsed(snapshot, its_batches) for snapshot, its_batches in zip(snapshots, batches, strict=True)]


def _parsed(snapshot: Snapshot, batches: Sequence[Batch]) -> Parsed:
    bases = np.cumsum([0, *(len(batch.fragments) for batch in batches)]).tolist()
    fragments = [
        _moved(fragment, base) if base else fragment
        for base, batch in zip(bases, batches, strict=False)
        for fragment in batch.fragments
    ]
    outlined = [
        (base + first, *rest) for base, batch in zip(bases, batches, strict=False) for first, *rest in batch.outlines
    ]
    skipped = [skip for batch in batches for skip in batch.skipped]
    outlines = [outline for _, outline, *_ in outlined]
    firsts = [first for first, *_ in outlined]
    return Parsed(
        _related(fragments, outlines, firsts, skipped),
        joined([batch.graphs for batch in batches], bases),
        np.concatenate([np.zeros(0, np.int32), *(batch.lines for batch in batches)]),
        np.array([key for batch in batches for key in batch.surfaces], np.uint64),
        _bindings(outlines, firsts, [(starts, numbers) for *_, starts, numbers in outlined]),
        frozenset(name.decode("utf-8", "replace") for found in outlines for name in found.imported()),
        tuple(encoding for batch in batches for encoding in batch.encodings),
        sum(batch.files for batch in batches),
        sum(batch.source_lines for batch in batches),
        tuple(skipped),
    )


_Source = tuple[File, str]
"""(file, suffix)."""


def _parse_batch(sources: Sequence[_Source], roots: frozenset[bytes]) -> Batch:
    graph = GraphBuilder()
    fragments: list[Fragment] = []
    skipped: list[Skipped] = []
    lines_of: list[tuple[list[int], list[int], int]] = []
    surfaces: list[int] = []
    outlines: list[tuple[int, Outline, list[int], list[int]]] = []
    encodings: list[tuple[str, str]] = []
    files = source_lines = 0
    for file, suffix in sources:
        decoded = _read(file.path, file.size, file.read, skipped, notebook=suffix == NOTEBOOK)
        if decoded is None:
            continue
        if decoded.encoding != "utf-8":
            encodings.append((file.path, decoded.encoding))
        read = (
            _kernels(graph, file.path, decoded.content, KERNELS[suffix], skipped)
            if suffix in KERNELS
            else _python(graph, file.path, decoded.content, roots, skipped, notebook=suffix == NOTEBOOK)
        )
        if read is None:
            continue
        starts, numbers = line_starts(read.syntax.source), read.numbers()
        if read.language == "python":
            outlines.append((len(fragments), outline(file.path, read.syntax, read.units), starts, numbers))
        fragments.extend(_fragments(read, starts, numbers, len(fragments)))
        surfaces.extend(surface_keys(read.syntax, read.units, docstrings=read.language == "python"))
        lines_of.append((starts, numbers, len(read.units)))
        files += 1
        source_lines += len(starts) - (1 if read.text.endswith("\n") else 0)
    graphs = graph.finish()
    lines = _lines(graphs, lines_of)
    return Batch(fragments, graphs, lines, surfaces, outlines, encodings, skipped, files, source_lines)


def _moved(fragment: Fragment, by: int) -> Fragment:
    """A fragment whose references to others are shifted."""
    return replace(
        fragment,
        parent=fragment.parent + by if fragment.parent >= 0 else -1,
        calls=tuple(called + by for called in fragment.calls),
    )


def suffix_of(path: str) -> str | None:
    """The suffix by which a file is known to be code; None where it is not."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in PYTHON or suffix in KERNELS or suffix == NOTEBOOK else None


def _python(
    graph: GraphBuilder, path: str, text: str, roots: frozenset[bytes], skipped: list[Skipped], *, notebook: bool
) -> _File | None:
    cells: tuple[Cell, ...] = ()
    if notebook:
        book = parse_notebook(text, path)
        if isinstance(book, Skipped):
            skipped.append(book)
            return None
        text, syntax, cells = book.text, book.syntax, book.cells
        skipped.extend(syntax.skipped)
        if not cells:
            skipped.append(Skipped(Location(path), "a notebook without code that can be compared"))
            return None
    else:
        syntax = parse_any_python(text.encode("utf-8", "surrogatepass"), path)
        skipped.extend(syntax.skipped)
    read = _File(path, "python", text, syntax, units(syntax, line_starts(syntax.source), cells), cells)
    _name_what_is_left_out(read, dataflow.lower(graph, syntax, resolve(syntax, roots), read.units), skipped)
    return read


def _kernels(graph: GraphBuilder, path: str, text: str, language: str, skipped: list[Skipped]) -> _File | None:
    if len(text) > FEW_BYTES and text.count("<") * MAX_ANGLES > len(text):
        skipped.append(Skipped(Location(path), "more angle brackets than code has"))
        return None
    from codeclone.parse import kernelflow, kernels  # only where there is such a file: Python needs no second grammar

    syntax = kernels.parse(text.encode("utf-8", "surrogatepass"), path)
    skipped.extend(syntax.skipped)
    found = kernels.units(syntax, line_starts(syntax.source))
    read = _File(path, language, text, syntax, found, calls=tuple(kernels.calls(syntax, found)))
    _name_what_is_left_out(read, kernelflow.lower(graph, syntax, read.units), skipped)
    return read


def _name_what_is_left_out(read: _File, unfinished: list[Unit], skipped: list[Skipped]) -> None:
    numbers = read.numbers()
    if len(read.units) > MAX_UNITS:
        place = _place(read, numbers, read.units[-1])
        reason = f"more than {MAX_UNITS:,} definitions: the rest is left out from here on"
        skipped.append(Skipped(place, reason))
    for unit in unfinished:
        reason = f"{unit.qualname} is too deep or too much work for its size: read as far as possible"
        skipped.append(Skipped(_place(read, numbers, unit), reason))


def _place(read: _File, numbers: list[int], unit: Unit) -> Location:
    span = Span(numbers[unit.first - 1], numbers[unit.last - 1])
    cell = bisect_right(read.cells, unit.first, key=lambda cell: cell.first) - 1
    return Location(read.path, span, read.cells[cell].pointer if read.cells else None)


def _read(path: str, size: int, read: Callable[[], bytes], skipped: list[Skipped], *, notebook: bool) -> Text | None:
    bound = MAX_NOTEBOOK_BYTES if notebook else MAX_SOURCE_BYTES
    if size > bound:
        kind = "a notebook" if notebook else "source code"
        skipped.append(Skipped(Location(path), f"{size:,} bytes: over the bound of {bound:,} for {kind}"))
        return None
    try:
        text = decode(read())
    except OSError as error:
        skipped.append(Skipped(Location(path), f"cannot be read: {error.strerror or error}"))
        return None
    if text is None:
        skipped.append(Skipped(Location(path), "not text: it contains null bytes"))
        return None
    if len(text.content) > MAX_LINE and not notebook:
        longest = max(map(len, text.content.split("\n")))
        if longest > MAX_LINE:
            skipped.append(Skipped(Location(path), f"a line of {longest:,} characters: over the bound of {MAX_LINE:,}"))
            return None
    return text


def _fragments(read: _File, starts: list[int], numbers: list[int], base: int) -> list[Fragment]:
    """Fragments of one file; `base` is the index the first of them will have."""
    lines = read.text.split("\n")
    found = read.units
    inner: list[list[tuple[int, int]]] = [[] for _ in found]
    for unit in found:
        if unit.parent >= 0:
            inner[unit.parent].append((bisect_right(starts, read.syntax.start[unit.outer]), unit.last))
    fragments = []
    for index, unit in enumerate(found):
        last = min(unit.last, len(lines))
        hidden = [] if unit.kind == "function" else inner[index]
        fragments.append(
            Fragment(
                location=_place(read, numbers, unit),
                qualname=unit.qualname,
                kind=unit.kind,
                language=read.language,
                lines=tuple((numbers[line - 1], lines[line - 1]) for line in _shown(unit.first, last, hidden)),
                parent=base + unit.parent if unit.parent >= 0 else -1,
                calls=tuple(base + called for called in read.calls[index]) if read.calls else (),
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


def _bindings(
    outlines: list[Outline], bases: list[int], places_of: list[tuple[list[int], list[int]]]
) -> tuple[Binding, ...]:
    """What each file binds; `places_of`: where its lines start, and their numbers."""
    return tuple(
        Binding(name.decode("utf-8", "replace"), base + unit, numbers[bisect_right(starts, offset) - 1])
        for its_outline, base, (starts, numbers) in zip(outlines, bases, places_of, strict=True)
        for name, unit, offset in its_outline.bindings
    )


def _shown(first: int, last: int, hidden: list[tuple[int, int]]) -> Iterator[int]:
    """Lines of a definition that are in none of the hidden runs, which are in order and do not overlap."""
    for start, end in hidden:
        yield from range(first, min(start, last + 1))
        first = max(first, end + 1)
    yield from range(first, last + 1)


def _lines(graphs: ValueGraphs, lines_of: list[tuple[list[int], list[int], int]]) -> NDArray[np.int32]:
    """Source line of each node; `lines_of`: where each line of a file starts, its number, and how many fragments the
    file has."""
    result = np.ones(len(graphs.labels), np.int32)
    bounds = np.searchsorted(graphs.fragments, np.arange(sum(count for *_, count in lines_of) + 1))
    fragment = 0
    for starts, numbers, count in lines_of:
        lo, hi = bounds[fragment], bounds[fragment + count]
        result[lo:hi] = np.asarray(numbers)[np.searchsorted(np.asarray(starts), graphs.offsets[lo:hi], "right") - 1]
        fragment += count
    return result
