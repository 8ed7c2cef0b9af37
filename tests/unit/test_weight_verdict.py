"""What weights come to in a verdict: one family with the names of tensors, and a direction where all findings agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codeclone.attribution import added
from codeclone.model import Candidate, Evidence, Explanation, Level, Repository
from codeclone.testimony import verdict_of
from codeclone.verdict import Compared, level_of, telling_families
from tests.weights import finding, llama, noisy, profile

FOUND = finding(profile(noisy(llama(1, layers=1))), profile(llama(1, layers=1)))


def of(kind: str, level: Level, direction: str = "") -> Evidence:
    return replace(FOUND, kind=kind, level=level, direction=direction)


def compared(*evidence: Evidence) -> Compared:
    """Beside an ancestor that was tested."""
    sides = [Candidate(role, role, Repository(role, role, None, role)) for role in ("right", "ancestor")]  # type: ignore[arg-type]
    tested = [Explanation(candidate="ancestor", kind="weights", containment=0.5, shared=0, better=0, tied=0)]
    return Compared(evidence, added([]), added([]), sides, tested)


def test_weights_and_names_of_tensors_are_one_family() -> None:
    same = compared(of("weights", "strong"), of("tensors", "moderate"))
    assert telling_families(same) == {"weights"}
    assert level_of(same) == "moderate"
    other = compared(of("weights", "strong"), of("tokenizer", "moderate"))
    assert telling_families(other) == {"weights", "tokenizer"}
    assert level_of(other) == "strong"
    assert level_of(compared(of("weights", "strong"), of("tokenizer", "weak"))) == "moderate"
    assert level_of(replace(other, candidates=other.candidates[:1])) == "moderate", "no ancestor was examined"


LEFT, RIGHT = "left from right", "right from left"


@pytest.mark.parametrize(
    ("evidence", "direction"),
    [
        ([of("weights", "strong", LEFT)], LEFT),
        ([of("weights", "moderate", RIGHT)], RIGHT),
        ([of("weights", "weak", LEFT)], "cannot tell"),
        ([of("weights", "strong", LEFT), of("weights", "strong", LEFT)], LEFT),
        ([of("weights", "strong", LEFT), of("weights", "moderate", RIGHT)], "cannot tell"),
        ([of("weights", "strong", LEFT), of("weights", "weak", RIGHT)], LEFT),
        ([of("weights", "strong", LEFT), of("tokenizer", "strong")], LEFT),
        ([of("tokenizer", "strong")], "cannot tell"),
        ([replace(of("weights", "strong", LEFT), stance="context")], "cannot tell"),
        ([], "cannot tell"),
    ],
)  # fmt: skip
def test_a_direction_is_told_where_the_findings_agree(evidence: list[Evidence], direction: str) -> None:
    verdict = verdict_of(compared(*evidence))
    assert verdict.direction == direction
    told = any(caveat.startswith("The direction is that of the weights alone") for caveat in verdict.caveats)
    assert told == (direction != "cannot tell")
