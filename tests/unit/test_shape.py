"""A file that says that it is a report can hold anything: what does not have the shape of one is refused as that."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from codeclone import codec
from codeclone.errors import ReportFormatError
from codeclone.pipeline import scan
from codeclone.report import html
from tests.reports import told

SAMPLES = Path(__file__).parent.parent.parent / "samples"
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@cache
def written() -> str:
    sides = (str(SAMPLES / "renamed"), str(SAMPLES / "original"))
    return codec.to_json(told(scan(*sides, claimed=[str(SAMPLES / "independent")])))


def changed(place: str, value: object) -> str:
    """The report with another value at a place."""
    data: Any = json.loads(written())
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
