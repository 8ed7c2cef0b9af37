"""A file that says that it is a report can hold anything: what does not have the shape of one is refused as that."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeclone import codec
from codeclone.errors import ReportFormatError
from codeclone.model import Plot, PlotLine, Report, Series
from codeclone.pipeline import scan
from codeclone.report import html
from tests import strategies
from tests.reports import plotted, told

SAMPLES = Path(__file__).parent.parent.parent / "samples"
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@cache
def report() -> Report:
    sides = (str(SAMPLES / "renamed"), str(SAMPLES / "original"))
    return told(scan(*sides, claimed=[str(SAMPLES / "independent")]))


@cache
def small() -> Report:
    """Of the same findings only the one that `plotted` takes."""
    first = next(finding for finding in report().evidence if finding.kind != "code")
    return replace(report(), evidence=(first,), classes=(), attribution=())


@cache
def written() -> str:
    return codec.to_json(report())


def changed(place: str, value: object, text: str = "") -> str:
    """The report with another value at a place."""
    data: Any = json.loads(text or written())
    *outer, last = (int(key) if key.isdigit() else key for key in place.split("."))
    found = data
    for key in outer:
        found = found[key]
    assert isinstance(found, list) or last in found
    found[last] = value
    return json.dumps(data)


def test_a_report_comes_back() -> None:
    assert codec.to_json(codec.from_json(written())) == written()


NUMBERS = (
    "explanations.0.shared",
    "explanations.0.containment",
    "declared.0.count",
    "controls.0.value",
    "compared.0.files",
)
TEXTS = (
    "explanations.0.candidate", "declared.0.source", "declared.0.names", "declared.0.text", "declared.0.side", "controls.0.name",
    "controls.0.meaning", "verdict.direction", "verdict.other_explanations.0", "candidates.0.name", "candidates.0.repository.digest",
    "evidence.0.reason", "evidence.0.claim", "evidence.0.declared", "evidence.0.controls.0.measure", "attribution.0.best.candidate",
    "attribution.0.kind", "left.name", "tool.version", "command",
)  # fmt: skip
CHECKED = ("attribution.0.best.candidate", "candidates.0.name", "evidence.0.reason")
"""Texts of which not every one will do."""
OTHERS = ("attribution.0.undecided", "attribution.0.scores", "candidates.0.role", "verdict.level", "evidence.0.stance")


@pytest.mark.parametrize("place", [*NUMBERS, *TEXTS, *OTHERS])
@pytest.mark.parametrize("value", [None, [], [1], {"a": 1}, 1e400, 10**400, ""])
def test_what_has_no_such_value_is_no_report(place: str, value: object) -> None:
    if value == "" and place in TEXTS and place not in CHECKED:
        assert codec.from_json(changed(place, value))
        return
    with pytest.raises(ReportFormatError) as error:
        codec.from_json(changed(place, value))
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("place", [place for place in TEXTS if "best" not in place and place != "candidates.0.name"])
def test_no_text_of_a_report_is_markup(place: str) -> None:
    page = html.render(codec.from_json(changed(place, MARKUP)))
    assert page.count("<script") == 1
    assert "<img" not in page


def test_a_message_does_not_repeat_a_long_value() -> None:
    with pytest.raises(ReportFormatError) as error:
        codec.from_json(changed("evidence.0.kind", "x" * 100_000))
    assert len(str(error.value)) < 300


def test_who_explains_something_is_a_candidate() -> None:
    with pytest.raises(ReportFormatError, match="no candidate"):
        codec.from_json(changed("candidates.0.name", MARKUP))


def test_what_a_class_rests_on_is_a_finding() -> None:
    with pytest.raises(ReportFormatError, match="no finding"):
        codec.from_json(changed("classes.0.evidence.0", MARKUP))


SEEN = Plot(
    "drift", "layer", "sd", (Series("sd", ((0.0, 1.0), (1.0, 2.0)), ("a", "b")),), (PlotLine("y = x", 0.0, 1.0),)
)
IN_PLOT = "evidence.0.plots.0"


@settings(deadline=None)
@given(st.lists(strategies.plots, max_size=2), st.sampled_from(["", "left from right", "right from left"]))
def test_plots_come_back(schema, plots: list[Plot], direction: str) -> None:
    shown = plotted(small(), *plots, direction=direction)
    text = codec.to_json(shown)
    assert codec.from_json(text).evidence == shown.evidence
    jsonschema.validate(json.loads(text), schema)


def test_a_report_of_an_earlier_release_has_no_plots() -> None:
    data = json.loads(codec.to_json(plotted(small(), SEEN)))
    for field in ("plots", "direction"):
        del data["evidence"][0][field]
    (found,) = codec.from_json(json.dumps(data)).evidence
    assert (found.plots, found.direction) == ((), "")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", ["point", "line"])
def test_what_is_no_number_is_not_written(where: str, number: float) -> None:
    series = (Series("sd", ((0.0, number),)),) if where == "point" else ()
    lines = (PlotLine("fit", 0.0, number),) if where == "line" else ()
    with pytest.raises(ValueError, match="not JSON compliant"):
        codec.to_json(plotted(small(), Plot("drift", "layer", "sd", series, lines)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (f"{IN_PLOT}.series.0.points.0", [1.0]),
        (f"{IN_PLOT}.series.0.points.0", [1.0, 2.0, 3.0]),
        (f"{IN_PLOT}.series.0.points.0", 1.0),
        (f"{IN_PLOT}.series.0.points.0.1", float("nan")),
        (f"{IN_PLOT}.series.0.points.0.1", float("inf")),
        (f"{IN_PLOT}.series.0.points.0.1", 1e300),
        (f"{IN_PLOT}.series.0.points.0.1", "1"),
        (f"{IN_PLOT}.series.0.labels", ["a"]),
        (f"{IN_PLOT}.series.0.labels.0", 1),
        (f"{IN_PLOT}.series.0.name", None),
        (f"{IN_PLOT}.series", {"name": 1}),
        (f"{IN_PLOT}.lines.0.slope", None),
        (f"{IN_PLOT}.lines.0", {"name": "y = x"}),
        (f"{IN_PLOT}.title", 1),
        (f"{IN_PLOT}.says", None),
        ("evidence.0.direction", "left"),
        ("evidence.0.direction", None),
        ("evidence.0.direction", []),
        ("evidence.0.plots", None),
    ],
)
def test_what_is_no_plot_is_refused(place: str, value: object) -> None:
    text = codec.to_json(plotted(small(), SEEN))
    assert codec.from_json(text)
    with pytest.raises(ReportFormatError):
        codec.from_json(changed(place, value, text))
