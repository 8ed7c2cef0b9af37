"""What only Python 2 says, rewritten in place as Python 3 says it, so that a file and its conversion are the same code.

The grammar knows all of Python 2. What it does not do is say that `except E, e` binds, that `raise E, x` calls, that
backticks are `repr`. No line is added or taken away, so places stay what they are in the file.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from codeclone.parse.syntax import KIND, Syntax, parse_python

MAX_EDITS = 20_000
"""Of one file; what is beyond stays as it is."""

Edit = tuple[int, int, bytes]
"""(first byte, byte after the last, what stands there instead)."""

_EXCEPT, _RAISE, _EXEC, _LIST = (
    KIND["except_clause"], KIND["raise_statement"], KIND["exec_statement"], KIND["expression_list"],
)  # fmt: skip
_PATTERN, _LAMBDA, _FUNCTION = KIND["tuple_pattern"], KIND["lambda"], KIND["function_definition"]
_PARAMETERS = frozenset((KIND["parameters"], KIND["lambda_parameters"]))
_IDENTIFIER, _ATTRIBUTE, _KEYWORD = KIND["identifier"], KIND["attribute"], KIND["keyword_argument"]
_TUPLE, _STRING, _INTEGER, _DEFAULT = KIND["tuple"], KIND["string"], KIND["integer"], KIND["default_parameter"]
_FORMS = frozenset((_EXCEPT, _RAISE, _EXEC))

_OCTAL = re.compile(rb"0(?<![\w.]0)[0-7]+[lL]?(?![\w.])")
"""Begins with the plain character, which is searched for much faster than a condition."""
_OLD_NAME = re.compile(rb"[a-z_]\w*\Z")


def parse_any_python(source: bytes, path: str) -> Syntax:
    """Parse UTF-8 text of any Python, as `parse_python` does, with what only Python 2 says as Python 3 says it."""
    syntax = parse_python(source, path)
    rewritten = modern(syntax)
    if rewritten is None:
        return syntax
    again = parse_python(rewritten, path)
    # What was damaged is blanked by now; where new damage comes up, the rewriting is to blame.
    return syntax if again.skipped else replace(again, skipped=syntax.skipped)


def modern(syntax: Syntax) -> bytes | None:
    """The source with what is only Python 2 rewritten; None where there is nothing of it."""
    wanted = set(_FORMS)
    if b"`" in syntax.source:
        wanted.add(_STRING)
    if _OCTAL.search(syntax.source):
        wanted.add(_INTEGER)
    if _PATTERN in syntax.kind:
        wanted |= _PARAMETERS
    edits: list[Edit] = []
    for node in [node for node, kind in enumerate(syntax.kind) if kind in wanted]:
        edits += _edits(syntax, node, syntax.kind[node])
        if len(edits) > MAX_EDITS:
            break
    return _applied(syntax.source, edits) if edits else None


def _applied(source: bytes, edits: list[Edit]) -> bytes:
    parts: list[bytes] = []
    place = 0
    for first, last, text in sorted(edits):
        if first < place:
            continue  # inside one that is rewritten already
        parts += (source[place:first], text)
        # A rewritten gap keeps its line ends, joined where the new text would not allow them.
        parts += [b"\\\n"] * (source.count(b"\n", first, last) - text.count(b"\n"))
        place = last
    return b"".join([*parts, source[place:]])


def _edits(syntax: Syntax, node: int, kind: int) -> list[Edit]:
    start, end = syntax.start[node], syntax.end[node]
    if kind == _STRING:
        if syntax.source[start : start + 1] != b"`" or end - start < 3:
            return []
        return [(start, start + 1, b"repr("), (end - 1, end, b")")]
    if kind == _INTEGER:
        return [(start, start + 1, b"0o")] if _OCTAL.fullmatch(syntax.source, start, end) else []
    children = syntax.children(node)
    if kind == _EXCEPT:
        return _except(syntax, children)
    if kind == _RAISE:
        return _raise(syntax, children)
    if kind == _EXEC:
        return _exec(syntax, node, children)
    return _tuple_parameters(syntax, node, children)


def _except(syntax: Syntax, children: list[int]) -> list[Edit]:
    """`except E, e:` binds `e`; from Python 3.14 on `except E, F:` catches both, where the second is a class's name."""
    if len(children) != 3 or not _OLD_NAME.match(syntax.text(children[1])):
        return []
    gap = (syntax.end[children[0]], syntax.start[children[1]])
    return [(*gap, _until(syntax, gap, b",") + b" as ")] if b"," in syntax.source[slice(*gap)] else []


def _until(syntax: Syntax, gap: tuple[int, int], mark: bytes) -> bytes:
    """What stands in a gap before the mark: brackets that close."""
    return syntax.source[slice(*gap)].rpartition(mark)[0]


def _raise(syntax: Syntax, children: list[int]) -> list[Edit]:
    """`raise E, x, traceback` raises `E(x)`; a tuple holds its arguments."""
    if len(children) != 1 or syntax.kind[children[0]] != _LIST:
        return []
    parts = syntax.children(children[0])
    if len(parts) < 2:
        return []
    gap, end = (syntax.end[parts[0]], syntax.start[parts[1]]), syntax.end[children[0]]
    before, last = _until(syntax, gap, b","), syntax.end[parts[1]]
    if syntax.kind[parts[1]] == _TUPLE:
        return [(*gap, before), (last, end, b"")]
    if syntax.text(parts[1]) == b"None":
        return [(gap[0], end, before + b"()")]
    return [(*gap, before + b"("), (last, end, b")")]


def _exec(syntax: Syntax, node: int, children: list[int]) -> list[Edit]:
    """`exec code in scope, scope` is a call."""
    parts = [child for child in children if syntax.text(child) != b"in"]
    if not parts:
        return []
    edits = [(syntax.start[node] + 4, syntax.start[parts[0]], b"(")]
    for one, other in itertools.pairwise(parts):
        edits.append((syntax.end[one], syntax.start[other], b", "))
    if len(parts) == 1 and syntax.kind[parts[0]] == _TUPLE:
        return []
    return [*edits, (syntax.end[parts[-1]], syntax.end[node], b")")]


def _tuple_parameters(syntax: Syntax, node: int, children: list[int]) -> list[Edit]:
    """`def f((a, b)): a` is `def f(t): t[0]`."""
    edits: list[Edit] = []
    elements: dict[bytes, bytes] = {}
    for place, child in enumerate(children):
        pattern = child + 1 if syntax.kind[child] == _DEFAULT else child
        if syntax.kind[pattern] == _PATTERN:
            name = b"t%d_" % place
            _name_elements(syntax, pattern, name, elements)
            edits.append((syntax.start[pattern], syntax.end[pattern], name))
    if not elements:
        return []
    around = node - 1
    while around > 0 and syntax.kind[around] not in (_LAMBDA, _FUNCTION):
        around -= 1
    untouched: set[int] = set()
    for inner in range(syntax.next[node], syntax.next[around]):
        kind = syntax.kind[inner]
        if kind == _ATTRIBUTE:
            untouched.add(syntax.children(inner)[-1])
        elif kind == _KEYWORD:
            untouched.add(inner + 1)
        elif kind == _IDENTIFIER and inner not in untouched:
            element = elements.get(syntax.text(inner))
            if element is not None:
                edits.append((syntax.start[inner], syntax.end[inner], element))
    return edits


def _name_elements(syntax: Syntax, pattern: int, name: bytes, elements: dict[bytes, bytes]) -> None:
    """Each name of a nested pattern -> the element that it stands for."""
    open_patterns = [(pattern, name)]
    while open_patterns:
        pattern, name = open_patterns.pop()
        for place, child in enumerate(syntax.children(pattern)):
            element = name + b"[%d]" % place
            if syntax.kind[child] == _PATTERN:
                open_patterns.append((child, element))
            elif syntax.kind[child] == _IDENTIFIER:
                elements[syntax.text(child)] = element
