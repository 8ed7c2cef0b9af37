"""Findings about code as the page shows them: two texts side by side, in runs, with what changed marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

from codeclone.model import Alignment, Evidence, Report, Row
from codeclone.plain import plain, shortened

CONTEXT = 3
"""Unchanged rows kept on each side of a changed one; longer runs are folded."""

MAX_ROWS = 30_000
"""Rows shown side by side in one page; pairs beyond are listed without their text."""

MAX_MARKED = 3_000
"""Rows in which changed words are marked."""

MAX_LINE = 300
"""Characters of a line that are shown."""

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Pair:
    """One finding as the page shows it."""

    number: int
    """1-based."""
    finding: Evidence
    measures: Mapping[str, float]
    groups: tuple[tuple[bool, tuple[tuple[Row, Markup, Markup], ...]], ...] | None
    """(folded, rows with the marked text of both sides); None where the text is not shown."""
    why_no_text: str
    telling: frozenset[tuple[str, int]]
    """(`left` or `right`, line) of the rarest shared terms."""


def pairs(report: Report) -> Iterator[Pair]:
    rows = marked = 0
    for number, finding in enumerate(of_code(report), 1):
        measures = {measure.name: measure.value for measure in finding.measures}
        groups = None
        why = "not among the pairs that were aligned line by line"
        if finding.alignment is not None:
            rows += len(finding.alignment.rows)
            if rows <= MAX_ROWS:
                groups = tuple(_groups(finding.alignment, marked < MAX_MARKED))
                marked += sum(row.op in ("edited", "renamed") for row in finding.alignment.rows)
            else:
                why = f"the page shows at most {MAX_ROWS:,} rows; report.json has this pair's text"
        telling = [(("left", term.left_line), ("right", term.right_line)) for term in finding.terms]
        yield Pair(number, finding, measures, groups, why, frozenset(line for both in telling for line in both))


def _groups(alignment: Alignment, mark: bool) -> Iterator[tuple[bool, tuple[tuple[Row, Markup, Markup], ...]]]:
    """Rows in runs, long runs of unchanged ones folded but for their edges."""
    runs = [(same, list(rows)) for same, rows in groupby(alignment.rows, key=lambda row: row.op == "same")]
    for place, (same, rows) in enumerate(runs):
        if not same or len(rows) <= 2 * CONTEXT + 2:
            yield False, tuple(_marked(row, mark) for row in rows)
            continue
        head = CONTEXT if place else 0
        tail = CONTEXT if place + 1 < len(runs) else 0
        parts = ((False, rows[:head]), (True, rows[head : len(rows) - tail]), (False, rows[len(rows) - tail :]))
        for folded, part in parts:
            if part:
                yield folded, tuple(_marked(row, mark) for row in part)


def _marked(row: Row, mark: bool) -> tuple[Row, Markup, Markup]:
    left, right = _cut(row.left_text), _cut(row.right_text)
    if not mark or row.op not in ("edited", "renamed"):
        return row, escape(left), escape(right)
    one, other = _TOKEN.findall(left), _TOKEN.findall(right)
    start = _common(one, other)
    end = _common(one[start:][::-1], other[start:][::-1])
    if row.op == "renamed":
        ones = [token for token in one if not token.isspace()]
        others = [token for token in other if not token.isspace()]
        if len(ones) == len(others):
            differ = {place for place, (a, b) in enumerate(zip(ones, others, strict=True)) if a != b}
            return row, _mark_words(one, differ), _mark_words(other, differ)
    return row, _mark_middle(one, start, end), _mark_middle(other, start, end)


def _cut(text: str) -> str:
    return shortened(plain(text, keep="\t"), MAX_LINE)


def _common(one: list[str], other: list[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _mark_middle(tokens: list[str], start: int, end: int) -> Markup:
    last = max(start, len(tokens) - end)
    middle = escape("".join(tokens[start:last]))
    return (
        escape("".join(tokens[:start]))
        + (Markup("<mark>") + middle + Markup("</mark>") if middle else "")
        + escape("".join(tokens[last:]))
    )


def _mark_words(tokens: list[str], differ: set[int]) -> Markup:
    result = Markup("")
    place = 0
    for token in tokens:
        if token.isspace():
            result += escape(token)
            continue
        result += Markup("<mark>") + escape(token) + Markup("</mark>") if place in differ else escape(token)
        place += 1
    return result


def of_code(report: Report) -> list[Evidence]:
    return [finding for finding in report.evidence if finding.kind == "code"]
