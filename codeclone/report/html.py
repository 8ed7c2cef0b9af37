"""Report -> one self-contained HTML page: no network, a strict Content-Security-Policy, opens from a file."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from codeclone.model import (
    LEVELS,
    Alignment,
    Attribution,
    Cell,
    Compared,
    CompositionRow,
    Evidence,
    Partition,
    Report,
    Repository,
    Row,
)
from codeclone.plain import plain, shortened
from codeclone.report.words import (
    OP_MEANING,
    OP_SIGN,
    TYPE_MEANING,
    figure,
    meanings,
    percent,
    shares,
    title,
    told,
    where,
)

CONTEXT = 3
"""Unchanged rows kept on each side of a changed one; longer runs are folded."""

MAX_ROWS = 30_000
"""Rows shown side by side in one page; pairs beyond are listed without their text."""

MAX_MARKED = 3_000
"""Rows in which changed words are marked."""

MAX_LINE = 300
"""Characters of a line that are shown."""

MAX_ATTRIBUTION = 3_000
"""Rows of the attribution table; report.json has all of them."""

LEAST_EXPLAINED = 0.25
"""Left fragments explained by less than this are in report.json only."""

MAX_NAMES = 60
"""Rows of a pair's rename table; report.json has all of them."""

MAX_COMPOSITION = 400
"""Rows of the composition; where there are more, those with a class on both sides."""

OPEN_COMPOSITION = 60
"""More rows than this are folded at first."""

MAX_FINDINGS = 60
"""Findings of one kind other than code; report.json has all of them."""

MAX_TABLE = 150
"""Rows of one of their tables."""

MAX_PLACES = 5
"""Places of a side that such a finding names."""

MAX_FAMILIES = 100
MAX_SKIPPED = 500
MAX_FILES = 1_000

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


def render(report: Report) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(_templates()), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_shown,
    )  # fmt: skip
    environment.globals.update(
        where=where, shares=shares, bar=_bar, percent=percent, told=told, figure=figure, title=title, cell=_cell
    )
    style, script = _source("page.css"), _source("page.js")
    return environment.get_template("report.html").render(
        report=report,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        cards=_cards(report),
        kinds=_kinds(report),
        pairs=list(_pairs(report)),
        part_meaning=meanings({candidate.role for candidate in report.candidates}),
        op_sign=OP_SIGN,
        op_meaning=OP_MEANING,
        type_meaning=TYPE_MEANING,
        legend=_legend(report),
        code_legend=dict(_legend(report).get("code", ())),
        families=[found for found in report.classes if len(found.left) + len(found.right) > 2],
        numbers={finding.id: number for number, finding in enumerate(_of_code(report), 1)},
        composition=_composition(report),
        aligned=sum(row.left is not None and row.right is not None for row in report.composition),
        explained=_explained(report),
        limits={
            "rows": MAX_ROWS, "marked": MAX_MARKED, "attribution": MAX_ATTRIBUTION, "skipped": MAX_SKIPPED,
            "files": MAX_FILES, "line": MAX_LINE, "names": MAX_NAMES, "families": MAX_FAMILIES,
            "open_composition": OPEN_COMPOSITION, "table": MAX_TABLE, "findings": MAX_FINDINGS, "places": MAX_PLACES,
        },
    )  # fmt: skip


def _shown(value: object) -> object:
    """Whatever a template writes: claims, reasons, cells and paths have text of the scanned repositories in them."""
    return plain(value, keep="\n\t") if type(value) is str else value


def _templates() -> Path:
    """Installed, the templates are inside the package; in a checkout they stand beside it."""
    package = Path(__file__).parent.parent
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "report.html").is_file():
            return folder
    raise FileNotFoundError("the report templates are not installed")


def _source(name: str) -> str:
    return (_templates() / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Only this very style and this very script; nothing is loaded from anywhere."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _cards(report: Report) -> list[tuple[str, Repository, list[Compared]]]:
    """(what the side is, repository, what was looked at in it) for the left and the right."""
    right = report.candidates[0].name
    return [
        ("left: the repository in question", report.left, [c for c in report.compared if c.side == "left"]),
        ("right: the one it may derive from", report.right, [c for c in report.compared if c.side == right]),
    ]


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


def _pairs(report: Report) -> Iterator[Pair]:
    rows = marked = 0
    for number, finding in enumerate(_of_code(report), 1):
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


def _of_code(report: Report) -> list[Evidence]:
    return [finding for finding in report.evidence if finding.kind == "code"]


def _kinds(report: Report) -> list[tuple[str, str, list[Evidence]]]:
    """(kind, its strongest level, findings) of each kind that was looked at, the strongest kinds first."""
    found: dict[str, list[Evidence]] = {compared.kind: [] for compared in report.compared}
    for finding in report.evidence:
        found.setdefault(finding.kind, []).append(finding)
    strongest = {
        kind: max((f.level for f in findings), key=LEVELS.index, default="none") for kind, findings in found.items()
    }
    order = sorted(found, key=lambda kind: (-LEVELS.index(strongest[kind]), kind))
    return [(kind, strongest[kind], found[kind]) for kind in order]


def _cell(value: Cell) -> str:
    """A cell of a table as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return shortened(value, MAX_LINE)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _legend(report: Report) -> dict[str, dict[str, tuple[str, str]]]:
    """Kind -> measure -> (unit, meaning)."""
    legend: dict[str, dict[str, tuple[str, str]]] = {}
    for finding in report.evidence:
        for measure in finding.measures:
            legend.setdefault(finding.kind, {})[measure.name] = measure.unit, measure.meaning
    return legend


def _composition(report: Report) -> list[CompositionRow]:
    if len(report.composition) <= MAX_COMPOSITION:
        return list(report.composition)
    both = [row for row in report.composition if row.left and row.right]
    return (both or list(report.composition))[:MAX_COMPOSITION]


def _explained(report: Report) -> list[Attribution]:
    """Attributions worth a row in the page: at least `LEAST_EXPLAINED` of the left fragment, the most explained first."""
    rows = [row for row in report.attribution if row.best and row.scores[row.best.candidate] >= LEAST_EXPLAINED]
    return sorted(rows, key=lambda row: -row.scores[row.best.candidate] if row.best else 0.0)


def _bar(partition: Partition) -> Markup:
    """The five parts as one bar; its numbers stand beside it as text."""
    x = 0.0
    parts = []
    for part, _, share in shares(partition):
        if share:
            parts.append(f'<rect class="part-{part}" x="{x:.3f}" y="0" width="{share * 100:.3f}" height="10"/>')
        x += share * 100
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        + "".join(parts)
        + "</svg>"
    )
