"""A fragment's text -> its statements (libcst), or the reason why it is not read."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from codeclone.match.statements import Listing
from codeclone.match.walk import Walk
from codeclone.model import Fragment

if TYPE_CHECKING:
    import libcst

MAX_CHARACTERS = 40_000
"""Of one fragment: libcst reads about half a megabyte in a second."""

MAX_NESTING = 150
"""Brackets, operators and keywords inside each other, by an upper bound: from about 2,000 on libcst's native parser runs
out of stack, which no exception handler survives."""

MAX_WORK = 60_000
"""Of one fragment: tokens times the brackets around each and the operators before it, of which libcst does about 150,000
in a second. Of the functions of three large packages, the most work was a sixth of this."""

TOO_DEEP = "it is nested too deeply"

MAX_INDENTS = 60
MAX_ELIFS = 100


class Reader:
    """Reads each text once. Texts are admitted, in order, until `budget` characters have been, or as much work has."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._read: dict[str, Listing | str] = {}
        self._admitted: dict[str, list[str]] = {}
        """Text -> its comments."""

    def admit(self, fragment: Fragment) -> None:
        """Decide whether a fragment will be read."""
        text = _text(fragment)
        if fragment.language != "python" or text in self._read or text in self._admitted:
            return
        harm, work, comments = _examined(text)
        if harm:
            self._read[text] = harm
        elif max(len(text), work) <= self.budget:
            self.budget -= max(len(text), work)
            self._admitted[text] = comments

    def read(self, fragment: Fragment) -> Listing | str:
        """The fragment's statements, or why there are none."""
        if fragment.language != "python":
            return f"{fragment.language} is not read statement by statement"
        text = _text(fragment)
        if text not in self._read:
            if text not in self._admitted:
                return "the pairs before it used up what is read statement by statement"
            self._read[text] = _parsed(text, self._admitted[text])
        return self._read[text]


def _text(fragment: Fragment) -> str:
    return "\n".join(line for _, line in fragment.lines)


def listing(text: str) -> Listing | str:
    """The statements of a text, or why it is not read: what libcst cannot parse, or what could harm it."""
    harm, _, comments = _examined(text)
    return harm or _parsed(text, comments)


def _parsed(text: str, comments: list[str]) -> Listing | str:
    text = _dedented(text)
    module = _parse(text)
    return "libcst does not parse its lines as Python" if module is None else Walk(comments, text).run(module)


def _dedented(text: str) -> str:
    """Without the indentation of the first line that holds something."""
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip(" \t"))]
    return "\n".join(line.removeprefix(margin) for line in lines).strip("\n") + "\n"


_SCAN = re.compile(
    r"""(?P<string>(?P<prefix>\b[A-Za-z]{1,2})?(?:\"\"\"(?:[^\\"]++|\\.|"(?!""))*+\"\"\"|'''(?:[^\\']++|\\.|'(?!''))*+'''
    |(?P<open>\"\"\"|''')|"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'))
    |(?P<comment>\#[^\n]*+)|(?P<continued>\\\r?\n)|(?P<newline>[\n;])|(?P<left>[(\[{])|(?P<right>[)\]}])|(?P<comma>,)
    |(?P<operator>[-+*/%@&|^~<>=!.:]++|\b(?:not|lambda|if|else|for|and|or|await|in|is|yield)\b)
    |(?P<elif>\belif\b)|\w++""",
    re.VERBOSE | re.DOTALL,
)

_INSIDE = re.compile(r"[(\[{]|[-+*/%@&|^~<>=!.:]+|\b(?:not|lambda|if|for|and|or|await|in|is)\b")
"""What can nest inside a formatted string."""


def _examined(text: str) -> tuple[str, int, list[str]]:
    """(why the text is not handed to libcst, or nothing; work, see `MAX_WORK`; the comments)."""
    comments: list[str] = []
    if len(text) > MAX_CHARACTERS:
        return f"it is longer than {MAX_CHARACTERS:,} characters", 0, comments
    if "\0" in text:
        return "it contains null bytes", 0, comments
    if len({len(line) - len(line.lstrip(" \t")) for line in text.split("\n")}) > MAX_INDENTS:
        return TOO_DEEP, 0, comments
    levels, nesting, elifs, work = [0], 0, 0, 0
    for match in _SCAN.finditer(text):
        kind = match.lastgroup
        work += len(levels) + levels[-1]
        if match["open"]:
            return "libcst does not parse its lines as Python", work, comments
        if match["string"]:
            levels[-1] += 1
            if "f" in (match["prefix"] or "").lower():
                inside = len(_INSIDE.findall(match[0]))
                nesting = max(nesting, inside)
                work += inside * inside
        elif kind == "comment":
            comments.append(" ".join(match[0][1:].split()))
        elif kind == "left":
            levels.append(0)
        elif kind == "right":
            if len(levels) > 1:
                levels.pop()
            levels[-1] += 1
        elif kind == "comma" or (kind == "newline" and len(levels) == 1):
            levels[-1] = 0
        elif kind == "operator":
            levels[-1] += 1
        elif kind == "elif":
            elifs += 1
        nesting = max(nesting, len(levels) + sum(levels))
        if nesting > MAX_NESTING or elifs > MAX_ELIFS or work > MAX_WORK:
            return TOO_DEEP, work, comments
    return "", work, comments


def load() -> None:
    """Import libcst before it is needed."""
    import libcst  # noqa: F401


def _parse(text: str) -> libcst.Module | None:
    """The tree; headers that have lost their bodies, which are fragments of their own, are given empty ones."""
    import libcst

    for repair in (str, _with_bodies):
        try:
            return libcst.parse_module(repair(text))
        except (libcst.ParserSyntaxError, libcst.CSTValidationError, RecursionError, ValueError, UnicodeError):
            continue
        except Exception as error:  # what the native parser raises on damaged text is of no one type
            if isinstance(error, MemoryError):
                raise
            continue
    return None


_BLANK = (tokenize.NL, tokenize.COMMENT)


def _with_bodies(text: str) -> str:
    """The text with a `pass` below each header that nothing is indented under.

    Raises SyntaxError or `tokenize.TokenError` where Python cannot tell the tokens apart."""
    found = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in _BLANK]
    lines = text.split("\n")
    empty: list[tuple[int, str]] = []
    margin, fresh = "", True
    for token, end, after in zip(found, found[1:], found[2:], strict=False):
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            continue
        if fresh:
            margin = token.line[: len(token.line) - len(token.line.lstrip(" \t"))]
        fresh = token.type == tokenize.NEWLINE
        if token.string == ":" and end.type == tokenize.NEWLINE and after.type != tokenize.INDENT:
            empty.append((token.end[0], margin))
    for number, before in reversed(empty):
        lines.insert(number, f"{before}    pass")
    return "\n".join(lines)
