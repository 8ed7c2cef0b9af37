"""What weights come to in a verdict: one family with the names of tensors, and a direction where all findings agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codeclone.attribution import added
from codeclone.model import Candidate, Evidence, Explanation, Level, Partition, Repository
from codeclone.reference import reached
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
    other = any(its.startswith("The other direction") for its in verdict.other_explanations)
    assert other == (direction == "cannot tell" and bool([its for its in evidence if its.stance == "for"]))


STRANGERS = finding(profile(llama(1, layers=1)), profile(llama(2, layers=1)))
BITS = Partition(stock=10.0, ancestor=0.0, claimed=0.0, attributable=5.0, own=85.0)


def test_what_weights_say_stands_in_the_verdict_whichever_way_it_is() -> None:
    speaking = verdict_of(compared(of("weights", "strong", LEFT))).because
    assert speaking == (f"Weights, strong: {FOUND.claim}. {FOUND.reason[0].upper()}{FOUND.reason[1:]}.",)
    against = verdict_of(compared(STRANGERS)).because
    assert against[-1].startswith(f"Weights, against a shared origin: {STRANGERS.claim}. ")
    neither = verdict_of(compared(replace(STRANGERS, stance="context"))).because
    assert neither[-1].startswith("Weights, neither for nor against: ")
    both = verdict_of(compared(of("tokenizer", "weak"), STRANGERS, STRANGERS)).because
    assert both[-1].startswith("Weights, against a shared origin, with 1 more: ")


def test_bits_are_not_spoken_of_where_numbers_alone_carry_it() -> None:
    def told(*evidence: Evidence) -> str:
        return " ".join(verdict_of(replace(compared(*evidence), total=BITS)).because)

    assert "bits" not in told(of("weights", "strong"), of("tensors", "weak"))
    assert "(5 of 90 bits; numbers of checkpoints do not count in bits)" in told(
        of("weights", "strong"), of("code", "weak")
    )
    assert "(5 of 90 bits)" in told(of("code", "weak"))


def test_the_strongest_kinds_come_first() -> None:
    kinds = [its.split(",")[0] for its in verdict_of(compared(of("config", "weak"), of("tokenizer", "moderate"), of("weights", "strong"))).because]  # fmt: skip
    assert kinds == ["Weights", "Tokenizer", "Configuration"]


def test_rates_of_false_alarms_are_those_of_what_carries_the_verdict() -> None:
    assert compared(of("weights", "strong"), of("tensors", "weak")).by_weights_alone
    assert not compared(of("weights", "strong"), of("code", "weak")).by_weights_alone
    assert not compared().by_weights_alone
    weights, others = reached("moderate", weights=True), reached("moderate")
    assert "small models that were initialised independently" in weights[0]
    assert "none reached this level" in weights[0]
    assert "small models" not in others[0]
    assert reached("none", weights=True) == ()
