"""A Jupyter notebook -> one syntax tree over its code cells, each under a module node of its own.

Imports, constants and functions hold over all cells, as they do when the cells are run from the first to the last. Outputs,
prose and metadata are never looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from codeclone.model import Location, Skipped
from codeclone.parse.python2 import parse_any_python
from codeclone.parse.syntax import KIND, Syntax

MAX_NOTEBOOK_BYTES = 32 * 2**20
"""Of the file with its outputs, which are most of a large notebook."""

MAX_CODE = 4 * 2**20
"""Characters of all code cells together: the bound of a source file."""

MAX_CELLS = 10_000

MAX_LINE = 20_000
"""Characters; a cell with a longer line is minified or data."""

PYTHON_MAGICS = frozenset("time timeit capture prun memit mprun lprun snakeviz python python3 pypy".split())
"""Cell magics whose cell is Python code all the same; the cell of any other magic is something else."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell of a notebook."""

    name: str
    """`<cell 3>`: 1-based, counted over all cells of the notebook, prose included, as a reader counts them."""
    pointer: str
    """JSON pointer of its source."""
    first: int
    """1-based line of the notebook's joined code at which the cell begins."""
    last: int
    """1-based, inclusive."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """The Python code of a notebook."""

    text: str
    """The code cells one after the other as they are written, each ended by a line feed."""
    syntax: Syntax
    """Node 0 stands for the notebook; each of its children is the module node of a cell."""
    cells: tuple[Cell, ...]


def parse_notebook(content: str, path: str) -> Notebook | Skipped:
    """Read a notebook of nbformat 3 or 4 and parse its code. Never raises on what it contains.

    Where a key stands twice the last one counts, as for Jupyter.
    """
    place = Location(path)
    try:
        data = json.loads(content)
    except RecursionError:
        return Skipped(place, "not a notebook that can be read: JSON nested too deeply")
    except ValueError:
        return Skipped(place, "not a notebook: no valid JSON")
    found = _cells(data)
    if found is None:
        return Skipped(place, "not a notebook: no list of cells")
    language = _language(data)
    if not language.startswith(("python", "ipython")):
        return Skipped(place, f"a notebook in {language[:40]}, which is not compared")
    return _joined(found, path)


def _cells(data: Any) -> list[tuple[str, str, dict[str, Any]]] | None:
    """(name, pointer, cell) of every cell."""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("cells"), list):
        return [(f"<cell {n + 1}>", f"/cells/{n}", cell) for n, cell in enumerate(data["cells"])]
    sheets = data.get("worksheets")
    if not isinstance(sheets, list):
        return None
    return [
        (f"<worksheet {m + 1} cell {n + 1}>" if m else f"<cell {n + 1}>", f"/worksheets/{m}/cells/{n}", cell)
        for m, sheet in enumerate(sheets)
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
        for n, cell in enumerate(sheet["cells"])
    ]


def _language(data: dict[str, Any]) -> str:
    """What the notebook says it is written in; Python where it says nothing."""
    metadata = data.get("metadata")
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        inner = metadata.get(section) if isinstance(metadata, dict) else None
        named = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(named, str) and named:
            return named.lower()
    return "python"


def _source(cell: Any) -> tuple[str, str] | None:
    """(key, text) of a code cell; None for any other."""
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return None
    key = "source" if "source" in cell else "input"
    source = cell.get(key)
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    return key, source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ").rstrip("\n")


def _joined(found: list[tuple[str, str, dict[str, Any]]], path: str) -> Notebook:
    kinds, starts, ends, after = [KIND["module"]], [0], [0], [1]
    parts: list[bytes] = []
    texts: list[str] = []
    cells: list[Cell] = []
    skipped: list[Skipped] = []
    line, offset, length = 1, 0, 0
    for name, pointer, cell in found[:MAX_CELLS]:
        read = _source(cell)
        if read is None:
            continue
        key, text = read
        pointer = f"{pointer}/{key}"
        length += len(text)
        reason = _left_out(text, cell, length)
        if reason:
            skipped.append(Skipped(Location(path, None, pointer), reason))
            continue
        code = (without_magics(text) + "\n").encode("utf-8", "surrogatepass")
        syntax = parse_any_python(code, path)
        skipped.extend(replace(s, location=replace(s.location, pointer=pointer)) for s in syntax.skipped)
        base = len(kinds)
        own_root = bool(syntax.kind) and syntax.kind[0] == KIND["module"]
        below = len(syntax.kind) - own_root
        kinds += [KIND["module"], *syntax.kind[own_root:]]
        starts += [offset, *(offset + start for start in syntax.start[own_root:])]
        ends += [offset + len(syntax.source), *(offset + end for end in syntax.end[own_root:])]
        after += [base + 1 + below, *(base + 1 - own_root + node for node in syntax.next[own_root:])]
        cells.append(Cell(name, pointer, line, line + text.count("\n")))
        texts.append(text)
        parts.append(syntax.source)
        line, offset = line + text.count("\n") + 1, offset + len(syntax.source)
    if len(found) > MAX_CELLS:
        skipped.append(Skipped(Location(path), f"more than {MAX_CELLS:,} cells: the rest is left out"))
    ends[0], after[0] = offset, len(kinds)
    text = "".join(f"{text}\n" for text in texts)
    return Notebook(text, Syntax(b"".join(parts), kinds, starts, ends, after, tuple(skipped)), tuple(cells))


def _left_out(text: str, cell: dict[str, Any], length: int) -> str:
    """Why a code cell is not read; empty where it is."""
    if length > MAX_CODE:
        return f"more than {MAX_CODE:,} characters of code before the end of this cell: left out"
    if len(text) > MAX_LINE and max(map(len, text.split("\n"))) > MAX_LINE:
        return f"a line of more than {MAX_LINE:,} characters"
    language = cell.get("language", "python")
    if isinstance(language, str) and not language.lower().startswith("python"):
        return f"a cell in {language[:40]}, which is not compared"
    magic = _CELL_MAGIC.match(text)
    if magic and magic.group(1) not in PYTHON_MAGICS and not _WRITES_PYTHON.match(magic.group(0)):
        return f"a cell of %%{magic.group(1)[:40]}, which is not Python"
    return ""


_CELL_MAGIC = re.compile(r"\s*%%(\w*)[^\n]*")
_WRITES_PYTHON = re.compile(r"\s*%%(?:writefile|file)\b[^\n]*\.py[\"']?\s*$")

_MAGIC = re.compile(
    r"[ \t]*(?:"
    r"%%?\w|[!?]"  # a magic, a shell command, a question
    r"|[\w., \t\[\]*]+=[ \t]*(?:%\w|!)"  # one whose result is kept
    r"|[%\w.*]+\?\??[ \t]*(?:\n|\Z)"  # a question
    r")"
)
_TO_END = re.compile(r"(?:[^\n\\]|\\.|\\\n)*", re.DOTALL)
"""A line with those that a backslash joins to it."""

_PIECE = re.compile(
    r"(?P<text>\"\"\"(?:[^\\]|\\.|\\\Z)*?(?:\"\"\"|\Z)|'''(?:[^\\]|\\.|\\\Z)*?(?:'''|\Z)"
    r"|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|\#[^\n]*)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<joined>\\\n)|(?P<end>\n)|[^\"'\#()\[\]{}\\\n]+|.",
    re.DOTALL,
)


def without_magics(source: str) -> str:
    """A cell with what only IPython understands blanked out: magics, shell commands, questions. Lines stay where they are.

    A line inside brackets or a long string, or joined to the one before, is Python whatever it begins with.
    """
    if not any(mark in source for mark in "%!?"):
        return source
    return "".join(_pieces(source))


def _pieces(source: str) -> Iterator[str]:
    place = depth = 0
    at_start = True
    while place < len(source):
        if at_start and depth == 0 and _MAGIC.match(source, place):
            line = _TO_END.match(source, place)
            assert line is not None  # it matches the empty string too
            yield "\n" * line.group().count("\n")
            place = line.end()
            at_start = False
            continue
        piece = _PIECE.match(source, place)
        assert piece is not None  # its last alternative is any character
        yield piece.group()
        kind = piece.lastgroup
        at_start = kind == "end"
        depth = max(0, depth + (kind == "open") - (kind == "close"))
        place = piece.end()
