"""Two texts -> rows side by side (rapidfuzz)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz.distance import Indel

from codeclone.model import Alignment, Op, Row

_TOKEN = re.compile(r"\s+|#[^\n]*|[^\W\d]\w*|\d[\w.]*|\"[^\"\n]*\"|'[^'\n]*'|[^\w\s]")
_NAME = re.compile(r"[^\W\d]\w*\Z")
KEYWORDS = frozenset(
    """
False None True and as assert async await break class continue def del elif else except finally for from global if
import in is lambda nonlocal not or pass raise return try while with yield self
""".split()
)

MAX_LINES = 4000
"""Longer texts are aligned up to here on each side."""

SIMILAR_ROW = 0.5
"""Two lines with at least this similarity stand in one row as edited; less alike, each has a row of
its own."""

MAX_BLOCK = 4000
"""Left lines times right lines between two aligned rows; in a larger block each line stands alone."""

Lines = Sequence[tuple[int, str]]
"""(1-based line number, text)."""


def tokens(text: str) -> list[str]:
    """Names, numbers, strings and operators; no white space, no comments."""
    return [token for token in _TOKEN.findall(text) if not token.isspace() and not token.startswith("#")]


class _Codes(dict[str, str]):
    """Token -> its character, given when it is first asked for."""

    _FIRST, _SIZE = 0xE000, 0x100000
    """Characters from here on, above the surrogates; past the last one tokens share characters."""

    def __missing__(self, token: str) -> str:
        code = self[token] = chr(self._FIRST + len(self) % self._SIZE)
        return code


class Alphabet:
    """Token sequences as strings with one character for each distinct token: what rapidfuzz compares fastest."""

    def __init__(self) -> None:
        self._codes = _Codes()

    def write(self, sequence: Sequence[str]) -> str:
        return "".join(map(self._codes.__getitem__, sequence))


_LONG = "|".join(rf"{mark}{{3}}.*?(?:(?<!\\){mark}{{3}}|\Z)" for mark in "\"'")
_SHORT = "|".join(rf"{mark}(?:\\.|[^{mark}\\\n])*{mark}" for mark in "\"'")
_SURFACE = re.compile(
    rf"""\s*+(?:((?![rRuUbBfF]{{1,2}}(?:\"{{3}}|'{{3}}))[^\W\d]\w*+|[(),.=:\[\]]|\d[\w.]*+|(?!\"{{3}}|'{{3}})(?:{_SHORT})|[^\w\s#\"'])
    |\#[^\n]*+|(?:[rRuUbBfF]{{1,2}})?(?:{_LONG})|[\"'])""",
    re.DOTALL | re.VERBOSE,
)
"""What is no prose is in the group, the most frequent first. Comments and strings are taken in the order in which they
begin, so that neither the end of a long string nor quotes in a comment are taken for the beginning of one."""


def surface(text: str) -> list[str]:
    """The tokens of a text as written, names included; comments and strings in triple quotes, which are prose, left out, and
    quotes that nothing closes."""
    return list(filter(None, _SURFACE.findall(text)))


def similarity(left: str, right: str) -> float:
    """Similarity of two sequences written in one alphabet, in [0, 1], symmetric (normalised Indel similarity)."""
    return float(Indel.normalized_similarity(left, right))


def matching(left: str, right: str) -> list[tuple[int, int]]:
    """(left place, right place) of a longest common subsequence of two sequences written in one alphabet, in order."""
    return [
        (block.src_start + step, block.dest_start + step)
        for block in Indel.opcodes(left, right)
        if block.tag == "equal"
        for step in range(block.src_end - block.src_start)
    ]


def blind(text: str) -> str:
    """A line with each of the programmer's names replaced by one mark: what is left when naming is taken away."""
    return " ".join("·" if _NAME.match(token) and token not in KEYWORDS else token for token in tokens(text))


def align(left: Lines, right: Lines) -> Alignment:
    """Lines aligned by what they say without names; each row says whether it is the same, renamed or edited."""
    left, right = left[:MAX_LINES], right[:MAX_LINES]
    left_blind, right_blind = _blind_lines(left), _blind_lines(right)
    alphabet = Alphabet()
    one, other = alphabet.write(left_blind), alphabet.write(right_blind)
    rows: list[Row] = []
    for block in Indel.opcodes(one, other):
        lefts = left[block.src_start : block.src_end]
        rights = right[block.dest_start : block.dest_end]
        if block.tag == "equal":
            rows.extend(_row(a, b) for a, b in zip(lefts, rights, strict=True))
        else:
            rows.extend(Row(number, None, "only_left", text, "") for number, text in lefts)
            rows.extend(Row(None, number, "only_right", "", text) for number, text in rights)
    return Alignment(tuple(_join_edited(rows)))


_TRIPLE = re.compile(r"\"\"\"|'''")


def _blind_lines(lines: Lines) -> list[str]:
    """Each line without names; lines of prose inside a long string as they are."""
    result: list[str] = []
    inside = False
    for _, text in lines:
        marks = len(_TRIPLE.findall(text))
        prose = inside or marks or text.lstrip().startswith("#")
        result.append(f"\0{text.strip()}" if prose else blind(text))
        inside ^= marks % 2 == 1
    return result


def _row(left: tuple[int, str], right: tuple[int, str]) -> Row:
    """A row of two lines that are the same but for names and comments."""
    op: Op = "renamed"
    if left[1].strip() == right[1].strip() or _words(left[1]) == _words(right[1]):
        op = "same"
    elif tokens(left[1]) == tokens(right[1]):
        op = "edited"  # the comment at its end
    return Row(left[0], right[0], op, left[1], right[1])


def _words(text: str) -> list[str]:
    """Tokens and comments."""
    return [token.strip() for token in _TOKEN.findall(text) if not token.isspace()]


def _join_edited(rows: list[Row]) -> list[Row]:
    """Between two aligned rows, lines that are alike stand side by side, in order."""
    result: list[Row] = []
    lefts: list[Row] = []
    rights: list[Row] = []

    def flush() -> None:
        result.extend(_pair_up(lefts, rights))
        lefts.clear()
        rights.clear()

    for row in rows:
        if row.op == "only_left":
            lefts.append(row)
        elif row.op == "only_right":
            rights.append(row)
        else:
            flush()
            result.append(row)
    flush()
    return result


def _pair_up(lefts: list[Row], rights: list[Row]) -> list[Row]:
    """Lines that are alike side by side, the most alike first, none out of order; the rest stand alone."""
    if not lefts or not rights or len(lefts) * len(rights) > MAX_BLOCK:
        return [*lefts, *rights]
    alphabet = Alphabet()
    one = [alphabet.write(tokens(row.left_text)) for row in lefts]
    other = [alphabet.write(tokens(row.right_text)) for row in rights]
    likeness = sorted(
        (-similarity(a, b), i, j)
        for i, a in enumerate(one)
        for j, b in enumerate(other)
        if a and b and similarity(a, b) >= SIMILAR_ROW
    )
    chosen: list[tuple[int, int]] = []
    for _, i, j in likeness:
        if all((i < k and j < m) or (i > k and j > m) for k, m in chosen):
            chosen.append((i, j))
    paired: list[Row] = []
    done_left = done_right = 0
    for i, j in [*sorted(chosen), (len(lefts), len(rights))]:
        paired.extend(lefts[done_left:i])
        paired.extend(rights[done_right:j])
        if i < len(lefts):
            left, right = lefts[i], rights[j]
            paired.append(Row(left.left_line, right.right_line, "edited", left.left_text, right.right_text))
        done_left, done_right = i + 1, j + 1
    return paired
