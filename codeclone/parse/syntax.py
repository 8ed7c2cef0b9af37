"""Python text -> flat syntax arrays (tree-sitter).

One front end for every Python: tree-sitter recovers from what it does not know, so a file of Python 2, a truncated file
or one with a syntax error still gives every definition that parses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Tree

from codeclone.model import Location, Skipped, Span

MAX_DEPTH = 180
"""Syntax nested deeper than this is left out. The deepest expression in the packages of benchmarks/ has depth 75, and
the lowering, which recurses, must stay within Python's own recursion limit of 1,000 frames."""

MAX_REPAIRS = 24
"""A damaged file is read again without its damaged definitions at most this often."""

MAX_REPAIRED_BYTES = 8 * 2**20
"""And for no more bytes than these in all."""

LANGUAGE = Language(tree_sitter_python.language())


def named_kinds(language: Language) -> dict[str | None, int]:
    """Name of each named node of a grammar -> its kind id (the smallest, where a name has several)."""
    return {
        language.node_kind_for_id(i): i
        for i in reversed(range(language.node_kind_count))
        if language.node_kind_is_visible(i) and language.node_kind_is_named(i)
    }


KIND = named_kinds(LANGUAGE)
"""Name of a named node -> its kind id (the smallest, where a name has several)."""

OPERATOR = {
    LANGUAGE.node_kind_for_id(i): i
    for i in range(LANGUAGE.node_kind_count)
    if LANGUAGE.node_kind_is_visible(i) and not LANGUAGE.node_kind_is_named(i)
}
"""Text of a token -> its kind id."""

_KEPT_TOKENS = [
    *"""
+ - * / // % ** @ & | ^ << >> ~ < <= == != >= > <> in is and or += -= *= /= //= %= **= @= &= |= ^= <<= >>=
""".split(),
    "not in",
    "is not",
]

RECORD, THROUGH, LEAF, DROP, STRING = range(5)
"""What the walk does with a kind: record it, look through it, record it as a leaf, drop it, or read it as a string."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the syntax trees of a language become flat arrays."""

    actions: list[int]
    """By kind id."""
    canonical: list[int]
    """By kind id: the one id that the arrays hold, where a name has several."""
    cut_off: int
    """Kind id of a node below which nothing is read because it is too deep."""


def _actions() -> list[int]:
    plan = [DROP] * LANGUAGE.node_kind_count
    for i in range(LANGUAGE.node_kind_count):
        if not LANGUAGE.node_kind_is_visible(i):
            continue
        name = LANGUAGE.node_kind_for_id(i)
        if LANGUAGE.node_kind_is_named(i):
            plan[i] = RECORD
            if name in ("parenthesized_expression", "with_clause", "case_pattern", "as_pattern_target", "chevron"):
                plan[i] = THROUGH
            elif name in ("identifier", "integer", "float", "ellipsis", "true", "false", "none", "string_content"):
                plan[i] = LEAF
            elif name in ("comment", "type", "type_parameter", "type_conversion", "format_specifier", "string_start",
                          "string_end", "line_continuation", "type_alias_statement"):  # fmt: skip
                plan[i] = DROP
            elif name == "string":
                plan[i] = STRING
        elif name in _KEPT_TOKENS:
            plan[i] = LEAF
    return plan


# `block`, `*` and a few other names stand for several ids; the arrays hold one of them.
_CANONICAL = [
    (KIND if LANGUAGE.node_kind_is_named(i) else OPERATOR).get(LANGUAGE.node_kind_for_id(i) or "", i)
    for i in range(LANGUAGE.node_kind_count)
]
_PLAN = Plan(_actions(), _CANONICAL, KIND["ellipsis"])


@dataclass(frozen=True, slots=True)
class Syntax:
    """The named nodes and operators of a file in preorder; punctuation, comments and annotations are left out."""

    source: bytes
    """UTF-8."""
    kind: list[int]
    start: list[int]
    """Byte offset, 0-based."""
    end: list[int]
    """Byte offset, exclusive."""
    next: list[int]
    """Index one past the node's last descendant: the next sibling, if there is one."""
    skipped: tuple[Skipped, ...]
    """Lines that were not understood; their locations have the path given to `parse_python`."""

    def children(self, node: int) -> list[int]:
        """Indices of the node's children in source order."""
        found, after = [], self.next
        child, end = node + 1, after[node]
        while child < end:
            found.append(child)
            child = after[child]
        return found

    def top_level(self) -> list[int]:
        """The statements of the module; of a notebook, those of all its cells."""
        found: list[int] = []
        for child in self.children(0):
            found.extend(self.children(child) if self.kind[child] == KIND["module"] else [child])
        return found

    def text(self, node: int) -> bytes:
        return self.source[self.start[node] : self.end[node]]


@cache
def _parser() -> Parser:
    return Parser(LANGUAGE)


def parse_python(source: bytes, path: str) -> Syntax:
    """Parse UTF-8 text. Never raises on damaged input: what does not parse is in `skipped`."""
    skipped: list[Skipped] = []
    tree = _parser().parse(source)
    if tree.root_node.has_error:
        source, tree, skipped = _repair(source, tree, path)
    return flatten(tree, source, _PLAN, path, skipped)


def flatten(tree: Tree, source: bytes, plan: Plan, path: str, skipped: list[Skipped]) -> Syntax:
    """The flat arrays of a syntax tree, whatever its language; what is too deep is added to `skipped`."""
    kinds, starts, ends, after, deep = _walk(tree, source, plan)
    for first, last in deep:
        skipped.append(Skipped(Location(path, Span(first, last)), f"nested deeper than {MAX_DEPTH} levels"))
    return Syntax(source, kinds, starts, ends, after, tuple(skipped))


def _walk(
    tree: Tree, source: bytes, by: Plan
) -> tuple[list[int], list[int], list[int], list[int], list[tuple[int, int]]]:
    kinds: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    after: list[int] = []
    deep: list[tuple[int, int]] = []
    stack: list[int] = []  # recorded node at each level of the walk, -1 where looked through
    plan, canonical, known, cut_off = by.actions, by.canonical, len(by.actions), by.cut_off
    through, drop, leaf, string = THROUGH, DROP, LEAF, STRING
    cursor = tree.walk()
    down, along, up = cursor.goto_first_child, cursor.goto_next_sibling, cursor.goto_parent
    while True:
        node = cursor.node
        assert node is not None  # a cursor that was made from a tree always stands on a node
        kind = node.kind_id
        action = plan[kind] if kind < known else through
        recorded = -1
        if action != drop:
            if action != through:
                recorded = len(kinds)
                kinds.append(canonical[kind])
                start, end = node.byte_range
                starts.append(start)
                ends.append(end)
                after.append(recorded + 1)
                if action == string:
                    # Only a formatted string has anything inside that is not text.
                    prefix = source[start : start + 2].lower()
                    action = RECORD if b"f" in prefix or b"t" in prefix else LEAF
            if action != leaf and down():
                if len(stack) < MAX_DEPTH:
                    stack.append(recorded)
                    continue
                deep.append((node.start_point.row + 1, node.end_point.row + 1))
                up()
                # Nothing below is read, so what stands here must not be taken for what it was.
                if recorded < 0:
                    recorded = len(kinds)
                    kinds.append(cut_off)
                    starts.append(node.start_byte)
                    ends.append(node.end_byte)
                    after.append(recorded + 1)
                kinds[recorded] = cut_off
        while not along():
            if not up():
                if stack:  # pragma: no branch
                    raise AssertionError("the walk left the tree before its own stack was empty")
                return kinds, starts, ends, after, deep
            recorded = stack.pop()
            if recorded >= 0:
                after[recorded] = len(kinds)


# Repair: blank the damaged definitions out, so that everything else parses as if they had never been there.

_HEADER = re.compile(rb"^([ \t]*)(?:@|(?:async[ \t]+)?def[ \t]|class[ \t(:])", re.MULTILINE)


def _repair(source: bytes, tree: Tree, path: str) -> tuple[bytes, Tree, list[Skipped]]:
    lines = source.split(b"\n")
    blanked: set[int] = set()
    for _ in range(min(MAX_REPAIRS, 1 + MAX_REPAIRED_BYTES // (1 + len(source)))):
        damage = _first_damage(tree.root_node)
        if damage is None:
            break
        first, last = _culprit(lines, damage, blanked)
        blanked.update(range(first, last + 1))
        for line in range(first, last + 1):
            lines[line] = b""
        source = b"\n".join(lines)
        tree = _parser().parse(source)
        if not tree.root_node.has_error:
            break
    skipped = [
        Skipped(Location(path, Span(first + 1, last + 1)), "does not parse as Python")
        for first, last in _runs(sorted(blanked))
    ]
    rest = _first_damage(tree.root_node)
    if rest is not None:
        reason = f"still does not parse after {MAX_REPAIRS} damaged definitions were left out; read as far as possible"
        skipped.append(Skipped(Location(path, Span(rest + 1, len(lines))), reason))
    return source, tree, skipped


def _first_damage(root: Node) -> int | None:
    """0-based row of the first error or missing token."""
    if not root.has_error:
        return None
    node = root
    while True:
        if node.is_missing:
            return int(node.start_point.row)
        below = next((child for child in node.children if child.has_error or child.is_missing), None)
        if node.is_error and (below is None or not below.has_error):
            return _error_row(node)
        if below is None:
            return int(node.start_point.row)
        node = below


def _error_row(node: Node) -> int:
    """An error swallows what came before it; where its own text has an opening bracket that nothing closes, the
    innermost such bracket is where the damage is, otherwise its last token."""
    open_brackets: list[int] = []
    last = int(node.start_point.row)
    for child in node.children:
        kind = child.type
        if kind in ("(", "[", "{"):
            open_brackets.append(int(child.start_point.row))
        elif kind in (")", "]", "}") and open_brackets:
            open_brackets.pop()
        last = int(child.start_point.row)
    return open_brackets[0] if open_brackets else last


_LOOKED_BACK = 6


def _culprit(lines: list[bytes], row: int, blanked: set[int]) -> tuple[int, int]:
    """First and last row of the definition to leave out.

    A bracket that is never closed shows as damage in a definition further down. Where the definition at the row parses by
    itself, the nearest one above that does not is to blame.
    """
    found = _damaged_definition(lines, row, blanked)
    first, last = found
    for _ in range(_LOOKED_BACK):
        if not _parses_alone(lines[first : last + 1]):
            return first, last
        above = first - 1
        while above >= 0 and (above in blanked or not lines[above].strip()):
            above -= 1
        if above < 0:
            break
        first, last = _damaged_definition(lines, above, blanked)
        last = min(last, above)
    return found


def _parses_alone(lines: list[bytes]) -> bool:
    header = b"if 1:\n" if lines and _indent(lines[0]) else b""
    return not _parser().parse(header + b"\n".join(lines) + b"\n").root_node.has_error


def _damaged_definition(lines: list[bytes], row: int, blanked: set[int]) -> tuple[int, int]:
    """First and last row, inclusive, of the innermost definition that holds the row; the row alone outside of any."""
    row = min(row, len(lines) - 1)
    while row in blanked and row + 1 < len(lines):
        row += 1
    indent = _indent(lines[row]) if lines[row].strip() else 10**6
    first = row
    for above in range(row, -1, -1):
        header = _HEADER.match(lines[above])
        if header and (above == row or len(header.group(1)) < indent):
            first = above
            break
    else:
        return row, row
    width = _indent(lines[first])
    while first > 0 and lines[first - 1].strip().startswith(b"@") and _indent(lines[first - 1]) == width:
        first -= 1
    last = row
    while last + 1 < len(lines) and not (lines[last + 1].strip() and _starts_statement(lines[last + 1], width)):
        last += 1
    return first, last


def _starts_statement(line: bytes, width: int) -> bool:
    return _indent(line) <= width and not line.lstrip().startswith((b")", b"]", b"}", b"#"))


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" \t"))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
