"""Reports with what few comparisons have all of: declarations, controls of unrelated pairs, other explanations."""

from __future__ import annotations

from dataclasses import replace

from codeclone.model import (
    Control,
    Declaration,
    DeclarationKind,
    Declared,
    Evidence,
    Location,
    Place,
    Plot,
    Report,
    Span,
)

DECLARED_BY = "README.md:12 says that it was adapted from lumen-vl"
OTHER_EXPLANATION = "Both could come from a third repository; upstream was examined and explains 0.6 %."


def declared(
    side: str, kind: DeclarationKind, source: str, names: str = "", *, line: int = 3, count: int = 1
) -> Declared:
    place = Place(Location("README.md", Span(line, line)), "")
    return Declared(side, Declaration(kind, source, f"<b>{kind}</b> {source}", place), names, count)


def told(report: Report) -> Report:
    """The report with every field that the page has a place for."""
    right = report.candidates[0].name
    unrelated = Control("unrelated", "Code: share held", 0.973, "share of unrelated pairs that hold less")
    return replace(
        report,
        evidence=tuple(
            replace(_beside_unrelated(finding), declared=DECLARED_BY if number % 9 == 0 else "")
            for number, finding in enumerate(report.evidence)
        ),
        declared=(
            declared("left", "licence", "Apache-2.0", count=4),
            declared("left", "copied from", "transformers.models.llama.modeling_llama.LlamaMLP", count=8, line=7),
            declared("left", "adapted from", "https://example.org/lumen-vl", right, line=12),
            declared(right, "base model", "basalt/basalt-1b", "upstream"),
        ),
        controls=(*report.controls, unrelated),
        verdict=replace(report.verdict, other_explanations=(OTHER_EXPLANATION,)),
    )


def _beside_unrelated(finding: Evidence) -> Evidence:
    row = Control("unrelated", "similarity", 1.0, "share of unrelated pairs below")
    return replace(finding, controls=(*finding.controls, row)) if finding.controls else finding


def plotted(report: Report, *plots: Plot, direction: str = "") -> Report:
    """The report with plots on its first finding that is not of code."""
    first = next(finding for finding in report.evidence if finding.kind != "code")
    return replace(
        report,
        evidence=tuple(
            replace(finding, plots=plots, direction=direction) if finding is first else finding
            for finding in report.evidence
        ),
    )
