"""Report -> one self-contained HTML page: no network, a strict Content-Security-Policy, opens from a file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from codeclone.model import LADDER, LEVELS, Cell, Compared, CompositionRow, Evidence, Plot, Report, Repository
from codeclone.plain import plain, shortened
from codeclone.report import explained, lineage, plots
from codeclone.report.pairs import MAX_LINE, MAX_MARKED, MAX_ROWS, of_code, pairs
from codeclone.report.words import (
    OP_MEANING,
    OP_SIGN,
    TYPE_MEANING,
    figure,
    meanings,
    parts,
    percent,
    shares,
    things,
    title,
    told,
    where,
)

MAX_NAMES = 60
"""Rows of a pair's rename table; report.json has all of them."""

MAX_COMPOSITION = 400
"""Rows of the composition; where there are more, those with a class on both sides."""

MAX_FINDINGS = 60
"""Findings of one kind other than code; report.json has all of them."""

MAX_CONTROLS = 60_000
"""Figures of other pairs beside those of findings, in the whole page; report.json has all of them."""

MAX_POINTS = 20_000
"""Points of plots in the whole page; a plot that has no room is in report.json."""

LIMITS = {
    "rows": MAX_ROWS,
    "marked": MAX_MARKED,
    "line": MAX_LINE,
    "names": MAX_NAMES,
    "findings": MAX_FINDINGS,
    "table": 150,  # rows of a table of a finding other than code
    "plots": 12,  # of a finding
    "series": plots.SERIES,
    "lines": plots.LINES,
    "points": 400,  # rows of a series in the table behind a plot
    "label": 80,  # characters of a plot's title, axis or series
    "says": 500,  # of the sentence under its title
    "places": 5,  # that such a finding names of a side
    "attribution": 1_000,  # rows of each kind
    "score_columns": 6,  # candidates with a column of their own there
    "tied": 100,  # rows of a family of candidates that tie
    "tied_families": 40,
    "families": 100,  # clone classes
    "declared": 60,  # of a side and kind
    "not_examined": 60,
    "skipped": 500,
    "files": 1_000,
    "open_composition": 60,  # more rows than this are folded at first
    "wide": 6,  # columns of controls: more are folded at first
}
"""How much of each list the page shows; report.json has the rest."""


def render(report: Report) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(_templates()), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_shown,
    )  # fmt: skip
    roles = {candidate.name: candidate.role for candidate in report.candidates}
    environment.globals.update(
        where=where, shares=shares, parts=parts, percent=percent, told=told, figure=figure, title=title, cell=_cell,
        things=things, share_text=explained.share_text, explained_share=explained.explained_share,
        elsewhere=explained.elsewhere, number=plots.number, mark=plots.mark, shortened=shortened,
        plot_size=(plots.WIDTH, plots.HEIGHT),
    )  # fmt: skip
    style, script = _source("page.css"), _source("page.js")
    return environment.get_template("report.html").render(
        report=report,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        cards=_cards(report),
        kinds=_kinds(report),
        pairs=list(pairs(report)),
        part_meaning=meanings(set(roles.values())),
        roles=roles,
        controls=explained.whole(report.controls),
        beside=_beside(report.evidence),
        drawn=_drawn(report.evidence),
        explained_kinds=explained.kinds(report),
        explained_candidates=explained.of_candidates(report),
        answers=explained.answers(report),
        attributed=explained.attributed(report),
        tied_families=explained.families(report),
        declarations_read=report.declared is not None,
        declarations=lineage.declarations(report),
        not_examined=lineage.not_examined(report),
        op_sign=OP_SIGN,
        op_meaning=OP_MEANING,
        type_meaning=TYPE_MEANING,
        legend=_legend(report),
        code_legend=dict(_legend(report).get("code", ())),
        families=[found for found in report.classes if len(found.left) + len(found.right) > 2],
        numbers={finding.id: number for number, finding in enumerate(of_code(report), 1)},
        composition=_composition(report),
        aligned=sum(row.left is not None and row.right is not None for row in report.composition),
        limits=LIMITS,
        ladder=LADDER,
    )


def _beside(evidence: Iterable[Evidence]) -> dict[str, explained.Grid]:
    """Id -> the figures of other pairs, as far as the page has room for them."""
    found: dict[str, explained.Grid] = {}
    room = MAX_CONTROLS
    for finding in evidence:
        grid = explained.beside(finding)
        if grid is not None and grid.size <= room:
            found[finding.id] = grid
            room -= grid.size
    return found


def _drawn(evidence: Iterable[Evidence]) -> dict[str, list[tuple[int, Plot, plots.Drawing | None, bool]]]:
    """Id -> its plots: (number on the page, plot, how it is drawn, whether the page had room for it)."""
    found: dict[str, list[tuple[int, Plot, plots.Drawing | None, bool]]] = {}
    room, number = MAX_POINTS, 0
    for finding in evidence:
        for plot in finding.plots[: LIMITS["plots"]]:
            number += 1
            points = sum(len(series.points) for series in plot.series)
            fits = points <= room
            room -= points if fits else 0
            found.setdefault(finding.id, []).append((number, plot, plots.drawing(plot) if fits else None, fits))
    return found


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
