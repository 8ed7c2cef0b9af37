"""The weights of the samples: the noise that was planted, on the side where it was, and no word against those who have none."""

from __future__ import annotations

import math
from functools import cache

import pytest

from codeclone import scan
from codeclone.model import LEVELS, Evidence, Report
from tests.conftest import SAMPLES
from tests.golden.test_samples import INNOCENT

PLANTED = {"renamed": 1 / 708, "rewritten": 1 / 500, "patchwork": 1 / 600}
TENSORS = {"renamed": 49, "rewritten": 48, "patchwork": 7}
"""In which the noise can be seen."""


@cache
def report(left: str, right: str, ancestor: str = "") -> Report:
    others = [str(SAMPLES / ancestor)] if ancestor else []
    return scan(str(SAMPLES / left), str(SAMPLES / right), only=["weights"], ancestors=others)


def finding(left: str, right: str, ancestor: str = "") -> Evidence | None:
    found = report(left, right, ancestor).evidence
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("ancestor", ["", "upstream"])
@pytest.mark.parametrize("copy", PLANTED)
def test_the_noise_that_was_planted(copy: str, ancestor: str) -> None:
    found = finding(copy, "original", ancestor)
    assert found is not None
    assert (found.level, found.stance) == ("strong", "for")
    how = "but for noise" if copy == "patchwork" else "with noise on top"
    assert found.claim.endswith(f"those of the right {how}")
    assert found.claim.partition(": ")[2].startswith("in part") == (copy != "renamed"), "a tied twin of its own"
    assert f" in {TENSORS[copy]} of " in found.reason
    values = next(table for table in found.tables if table.title == "Tensors")
    count = sum(int(str(row.cells[3])) for row in values.rows if row.cells[2] == "noise")
    sd = next(measure.value for measure in found.measures if measure.name == "noise_sd")
    assert sd == pytest.approx(PLANTED[copy], rel=max(0.01, 4 / math.sqrt(2 * count)))
    assert found.direction == ("" if copy == "patchwork" else "left from right"), "of a tenth of the model too little"


@pytest.mark.parametrize("copy", ["renamed", "rewritten"])
def test_the_other_way_round(copy: str) -> None:
    there, back = finding(copy, "original"), finding("original", copy)
    assert there is not None
    assert back is not None
    assert (back.level, back.direction) == (there.level, "right from left")
    assert report("original", copy).verdict.direction == "right from left"


@pytest.mark.parametrize("copy", ["renamed", "rewritten"])
def test_one_kind_alone_is_moderate_and_tells_the_direction(copy: str) -> None:
    verdict = report(copy, "original").verdict
    assert (verdict.level, verdict.direction) == ("moderate", "left from right")
    assert any(caveat.startswith("The direction is that of the weights alone") for caveat in verdict.caveats)


@pytest.mark.parametrize(
    ("left", "right"), [pair for pair in INNOCENT if "partial" not in pair and pair[0] != "rewritten"]
)
def test_innocents_have_no_weights_in_common(left: str, right: str) -> None:
    found = finding(left, right)
    assert found is None or (found.level == "none" and found.stance in ("against", "context"))


@pytest.mark.parametrize(("left", "right"), [("lookalike", "original"), ("original", "lookalike")])
def test_names_without_values_speak_against(left: str, right: str) -> None:
    found = finding(left, right)
    assert found is not None
    assert (found.level, found.stance, found.direction) == ("none", "against", "")
    assert "42 of 42 tensors that could tell have nothing to do with their counterpart" in found.reason


@pytest.mark.parametrize(("left", "right"), [("fork_radar", "fork_captions"), ("fork_captions", "fork_radar")])
def test_forks_of_one_upstream(left: str, right: str) -> None:
    alone = finding(left, right)
    assert alone is not None
    assert LEVELS.index(alone.level) <= LEVELS.index("moderate")
    assert "noise" not in alone.claim + alone.reason, "training leaves none"
    beside = finding(left, right, "upstream")
    assert beside is not None
    assert beside.level == "none"
    assert (beside.stance, beside.direction) == ("context", "")


def test_what_forks_have_in_common_is_their_upstreams() -> None:
    beside = finding("fork_radar", "fork_captions", "upstream")
    assert beside is not None
    assert beside.claim.endswith("explained by upstream (ancestor)")
    assert "upstream (ancestor) explains the left at least as well" in beside.reason


@pytest.mark.parametrize("name", ["original", "renamed", "upstream"])
def test_a_sample_against_itself_is_the_same(name: str) -> None:
    found = finding(name, name)
    assert found is not None
    assert found.claim.endswith("those of the right, value by value")
    assert found.level == "moderate"
    assert all(row.scores == {name: 1.0} for row in report(name, name).attribution)
