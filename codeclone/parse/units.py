"""Syntax -> the definitions of a file: what becomes a fragment, with its name and its lines."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from codeclone.model import FragmentKind
from codeclone.parse.graph import hash_name
from codeclone.parse.notebook import Cell
from codeclone.parse.syntax import KIND, Syntax

_FUNCTION, _CLASS, _DECORATED = KIND["function_definition"], KIND["class_definition"], KIND["decorated_definition"]
_STATEMENT, _STRING = KIND["expression_statement"], KIND["string"]
_MODULE, _MODULE_NAME = KIND["module"], "<module>"
_MARKS = frozenset((_FUNCTION, _CLASS, _DECORATED, _MODULE))


MAX_UNITS = 10_000
"""Definitions of one file that become fragments; the largest file in the packages of benchmarks/ has 760."""

MAX_NAME = 200
"""Characters of a name that are kept in a qualified name."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A module, a class or a function of one file. A cell of a notebook is a module."""

    kind: FragmentKind
    qualname: str
    node: int
    """Syntax node of the definition itself, decorators excluded."""
    outer: int
    """Syntax node with its decorators."""
    parent: int
    """Index of the enclosing unit in the file's list; -1 for a module."""
    first: int
    """1-based line of `def` or `class`; 1 for a module."""
    last: int
    """1-based, inclusive."""


def line_starts(source: bytes) -> list[int]:
    """Byte offset of the start of each line."""
    return [0, *(match.end() for match in re.finditer(rb"\n", source))]


def units(syntax: Syntax, starts: list[int], cells: Sequence[Cell] = ()) -> list[Unit]:
    """All definitions in source order. The module is the first; of a notebook, each cell comes before what it holds."""
    end_of_text = len(syntax.source.rstrip())
    last_line = max(1, bisect_right(starts, max(0, end_of_text - 1)))
    found: list[Unit] = []
    open_units: list[tuple[int, int]] = []
    if not cells:
        found.append(Unit("module", _MODULE_NAME, 0, 0, -1, 1, last_line))
        open_units.append((0, len(syntax.kind)))
    left = iter(cells)
    kinds, after = syntax.kind, syntax.next
    decorated = 0
    for node in [node for node, kind in enumerate(kinds) if kind in _MARKS]:
        kind = kinds[node]
        if kind == _DECORATED:
            decorated = node
        if kind == _MODULE and node and cells:
            cell = next(left)
            open_units = [(len(found), after[node])]
            found.append(Unit("module", cell.name, node, node, -1, cell.first, cell.last))
        if kind != _FUNCTION and kind != _CLASS:
            continue
        if len(found) > MAX_UNITS:
            break
        while node >= open_units[-1][1]:
            open_units.pop()
        parent = open_units[-1][0]
        name = syntax.text(node + 1).decode("utf-8", "replace")[:MAX_NAME]
        qualname = name if found[parent].kind == "module" else f"{found[parent].qualname}.{name}"
        outer = decorated if decorated and syntax.children(decorated)[-1] == node else node
        first = bisect_right(starts, syntax.start[node])
        last = bisect_right(starts, max(syntax.start[node], syntax.end[node] - 1))
        found.append(Unit("function" if kind == _FUNCTION else "class", qualname, node, outer, parent, first, last))
        open_units.append((len(found) - 1, after[node]))
    return found


def is_top(found: list[Unit], unit: Unit) -> bool:
    """Whether a definition stands in the module itself: all of the file can use it by its name."""
    return unit.parent >= 0 and found[unit.parent].kind == "module"


def surface_keys(syntax: Syntax, found: list[Unit], *, docstrings: bool = True) -> list[int]:
    """A hash of the text of each unit as written, names included; layout, punctuation, comments, annotations, docstrings
    and decorators left out. Units with the same key are Type-1 clones. `docstrings`: whether the language has any."""
    kinds, after = syntax.kind, syntax.next
    source, starts, ends = syntax.source, syntax.start, syntax.end
    prose = {
        node + 1
        for node, kind in enumerate(kinds if docstrings else ())
        if kind == _STATEMENT and node + 1 < len(kinds) and kinds[node + 1] == _STRING and after[node] == node + 2
    }
    leaves = [node for node, last in enumerate(after) if last == node + 1 and node not in prose]
    texts = [source[starts[node] : ends[node]] for node in leaves]
    return [
        hash_name(b"\0".join(texts[bisect_left(leaves, unit.node) : bisect_left(leaves, after[unit.node])]))
        for unit in found
    ] if kinds else [0]  # fmt: skip
