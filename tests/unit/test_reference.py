"""Where figures stand among those of strangers: never above what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeclone import reference
from codeclone.model import LEVELS, Control, Evidence, Location, Measure, Method, Place
from codeclone.reference import ATTRIBUTABLE, HELD, WHOLE, Distribution, measures, reached, standing

ROOT = Path(__file__).parent.parent.parent
STORED = json.loads(reference.FILE.read_text(encoding="utf-8"))
CALIBRATION = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")


def finding(path: str = "model.py", kind: str = "code", **values: float) -> Evidence:
    place = (Place(Location(path)),)
    figures = tuple(Measure(name, value, "bits", "") for name, value in values.items())
    control = Control("left ~ base", "telling_bits", 1.0, "")
    return Evidence("x", kind, "", "for", "weak", place, place, figures, Method("", {}, ""), "", controls=(control,))


def test_what_is_below_a_value_is_counted_strictly() -> None:
    found = Distribution(4, "pairs", (0.0, 1.0, 2.0), (0.25, 0.75, 1.0))
    assert [found.below(value) for value in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.1)] == [
        0.0,
        0.0,
        0.25,
        0.25,
        0.75,
        0.75,
        1.0,
    ]


@pytest.mark.parametrize(("kind", "measure"), measures())
@given(values=st.lists(st.floats(-10, 1e7), min_size=2, max_size=2))
def test_a_higher_figure_never_stands_lower(kind: str, measure: str, values: list[float]) -> None:
    lower, higher = (standing(kind, measure, value) for value in sorted(values))
    assert lower
    assert higher
    assert 0.0 <= lower.value <= higher.value <= 1.0


@pytest.mark.parametrize(("kind", "measure"), measures())
def test_nothing_is_below_less_than_nothing_and_all_is_below_what_nobody_reaches(kind: str, measure: str) -> None:
    least, most = standing(kind, measure, -1e9), standing(kind, measure, 1e9)
    assert least
    assert least.value == 0.0
    assert most
    assert most.value == 1.0


def test_what_was_not_measured_has_no_standing() -> None:
    assert standing("code", "no such measure", 1.0) is None
    assert standing("tensors", "similarity", 1.0) is None
    assert standing(WHOLE, "Tensor names and shapes" + HELD, 0.5) is None


def test_no_distribution_of_a_few_pairs_is_shipped() -> None:
    assert STORED["distributions"]
    assert all(row["count"] >= reference.LEAST_PAIRS for row in STORED["distributions"])
    assert {(row["kind"], row["measure"]) for row in STORED["distributions"]} == set(measures())


def test_a_finding_keeps_its_controls_and_gets_those_of_measures_that_have_a_reference() -> None:
    (found,) = reference.with_standings([finding(telling_bits=40.0, surface=0.5)])
    assert [(c.name, c.measure) for c in found.controls] == [
        ("left ~ base", "telling_bits"),
        ("unrelated", "telling_bits"),
    ]
    assert "unrelated packages" in found.controls[1].meaning
    assert 0.9 < found.controls[1].value <= 1.0


def test_a_finding_in_a_language_that_was_not_measured_gets_none() -> None:
    (found,) = reference.with_standings([finding("kernels/scan.cu", telling_bits=40.0)])
    assert [control.name for control in found.controls] == ["left ~ base"]


def test_a_whole_comparison_stands_by_its_shares() -> None:
    rows = [Control("left ~ other", "Code" + HELD, 0.9, ""), Control("left ~ base", "Code" + HELD, 0.1, "")]
    found = reference.whole_standings(rows, "other", 0.5)
    assert [(row.name, row.measure) for row in found] == [("unrelated", ATTRIBUTABLE), ("unrelated", "Code" + HELD)]
    assert all(row.value > 0.99 for row in found)


def test_a_level_tells_how_many_reached_it_and_the_limit() -> None:
    assert reached("none") == ()
    everything, *_ = reached("moderate")
    found = re.fullmatch(r"of ([\d,]+) .*, ([\d,]+|none) reached .* at most ([\d.]+) % of such pairs do", everything)
    assert found
    pairs, count = (0 if text == "none" else int(text.replace(",", "")) for text in found.groups()[:2])
    assert count / pairs < float(found[3]) / 100
    assert pairs >= 200


def test_no_pair_that_is_unrelated_or_honest_is_strong() -> None:
    assert all(row["reached"]["strong"] == row["reached"]["very strong"] == 0 for row in STORED["populations"])
    assert reached("strong")[0].startswith("of")
    assert "none reached" in reached("strong")[0]


def test_higher_levels_are_rarer() -> None:
    for row in STORED["populations"]:
        counts = [row["reached"][level] for level in LEVELS[1:]]
        assert counts == sorted(counts, reverse=True)
        assert all(
            count / row["pairs"] <= row["limits"][level] for count, level in zip(counts, LEVELS[1:], strict=True)
        )


def test_the_documentation_has_the_figures_that_are_shipped() -> None:
    for row in STORED["populations"]:
        cells = [row["pairs"], *(row["reached"][level] for level in LEVELS[1:])]
        wanted = re.escape(f"| {row['told']} | " + " | ".join(f"{cell:,}" for cell in cells[:2]))
        assert re.search(wanted, CALIBRATION), f"docs/calibration.md does not have the row of {row['name']}: {cells}"
        assert f"{reference.percent(row['limits']['moderate'])} %" in CALIBRATION
