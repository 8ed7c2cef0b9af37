"""What is concluded of a pair of checkpoints: level, stance and direction, with ancestors and without, whichever side is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codeclone.evidence import weights
from codeclone.match import chances
from codeclone.match.weight_conclusion import Beside, conclusion
from codeclone.match.weight_departure import Together, departure, together
from codeclone.match.weight_judging import judged_tensors
from codeclone.match.weight_ladder import ladder
from codeclone.match.weight_overall import overall
from codeclone.model import LEVELS, Evidence, Profile
from tests.weights import (
    SD,
    Floats,
    Made,
    adapted,
    by_name,
    compared,
    file,
    finding,
    held,
    in_matrices,
    llama,
    measured,
    noisy,
    on_grid,
    profile,
    pruned,
    renamed,
    reordered,
    rungs,
    side,
    snapshot,
    tuned,
    turned,
)

SMALLER = {"F32": ("F16", "BF16", "F8_E4M3"), "F16": ("F8_E4M3",), "BF16": ("F8_E4M3",)}

MODELS: dict[str, Callable[[], Made]] = {
    "base": lambda: llama(1),
    "stranger": lambda: llama(2),
    "another stranger": lambda: llama(3),
    "base, noise": lambda: noisy(llama(1)),
    "base, noise in proportion": lambda: noisy(llama(1), 0.03, relative=True),
    "base, uniform noise": lambda: noisy(llama(1), uniform=True),
    "tuned": lambda: tuned(llama(1), 1),
    "tuned otherwise": lambda: tuned(llama(1), 2),
    "tuned, noise": lambda: noisy(tuned(llama(1), 1), seed=1),
    "tuned twice": lambda: tuned(tuned(llama(1), 1), 3, 0.02),
    "tuned, reordered": lambda: reordered(tuned(llama(1), 1)),
    "tuned, turned": lambda: turned(tuned(llama(1), 1)),
    "tuned, in eight bits": lambda: in_matrices(tuned(llama(1), 1), eight),
    "adapted": lambda: adapted(llama(1), 1),
    "base, pruned": lambda: pruned(llama(1)),
    "base, in eight bits": lambda: in_matrices(llama(1), eight),
    "base, in four bits": lambda: in_matrices(llama(1), lambda values: on_grid(values, 4, 32)),
    "base, reordered, noise": lambda: noisy(reordered(llama(1))),
    "base, renamed, noise": lambda: noisy(renamed(llama(1))),
    "base, turned": lambda: turned(llama(1)),
    "base, turned, reordered, noise": lambda: noisy(turned(reordered(llama(1)))),
    "narrower": lambda: llama(4, width=48),
    "of other shapes": lambda: llama(4, neurons=160, vocabulary=200),
    "only norms fit": lambda: {n: v for n, v in llama(4, neurons=160, vocabulary=200).items() if "attn" not in n},
    "norms": lambda: norms(1),
    "a stranger's norms": lambda: norms(2),
    "base, one layer of a stranger": lambda: {**llama(1), **{n: v for n, v in llama(2).items() if ".1." in n}},
}


def eight(values: Floats) -> Floats:
    return on_grid(values, 8, -1)


def norms(seed: int) -> Made:
    return {name: values for name, values in llama(seed, layers=4).items() if "norm" in name}


@cache
def of(name: str, dtype: str = "F32") -> Profile:
    return profile(MODELS[name](), dtype)


@cache
def found(left: str, right: str, ancestor: str = "", claimed: str = "") -> Evidence | None:
    sides = [of(*name.split(" as ")) for name in (left, right)]
    its = compared(*sides, [of(ancestor)] if ancestor else (), [of(claimed)] if claimed else ()).evidence
    assert len(its) <= 1
    return its[0] if its else None


def certainly(*names: str) -> Evidence:
    its = found(*names)
    assert its is not None
    return its


def said(evidence: Evidence | None) -> tuple[str, str, str, str]:
    if evidence is None:
        return "", "", "", ""
    return evidence.level, evidence.stance, evidence.direction, evidence.claim.partition(": ")[2]


BEFORE = "those of the right"
ORIGIN = "of one origin with those of the right"
ELSEWHERE = f"{ORIGIN}, with their neurons in another order or in another basis"
PLAIN: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("base", "base"): ("moderate", "for", "", f"{BEFORE}, value by value"),
    ("base, noise", "base"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base", "base, noise"): ("strong", "for", "right from left", "those that the right has with noise on top"),
    ("base, noise as F16", "base as F16"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base, noise as BF16", "base as BF16"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base, noise as BF16", "base"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base, noise in proportion", "base"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base, uniform noise", "base"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base, renamed, noise", "base"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base, reordered, noise", "base"): ("strong", "for", "left from right", f"{BEFORE} with noise on top"),
    ("base as BF16", "base"): ("moderate", "for", "left from right", f"{BEFORE}, rounded to another type"),
    ("base", "base as F16"): ("moderate", "for", "right from left", "those that the right has rounded to another type"),
    ("base as F8_E4M3", "base as BF16"): ("moderate", "for", "left from right", f"{BEFORE}, rounded to another type"),
    ("base, in eight bits", "base"): ("moderate", "for", "left from right", f"{BEFORE}, quantised"),
    ("base", "base, in four bits"): ("moderate", "for", "right from left", "those that the right has quantised"),
    ("base, pruned", "base"): ("moderate", "for", "left from right", f"{BEFORE} with values set to zero"),
    ("tuned", "base"): ("moderate", "for", "", ORIGIN),
    ("tuned", "tuned otherwise"): ("moderate", "for", "", ORIGIN),
    ("adapted", "base"): ("moderate", "for", "", ORIGIN),
    ("base, one layer of a stranger", "base"): ("moderate", "for", "", f"in part {BEFORE}, value by value"),
    ("base, turned", "base"): ("moderate", "for", "", ELSEWHERE),
    ("base, turned, reordered, noise", "base"): ("moderate", "for", "", ELSEWHERE),
    ("tuned, reordered", "tuned otherwise"): ("moderate", "for", "", ELSEWHERE),
    ("stranger", "base"): ("none", "against", "", "no more alike than those of two models that were initialised independently"),
    ("of other shapes", "base"): ("none", "context", "", "hardly alike, as far as could be tested"),
    ("a stranger's norms", "norms"): ("", "", "", ""),
    ("narrower", "base"): ("", "", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("pair", PLAIN, ids=" ~ ".join)
def test_without_ancestors(pair: tuple[str, str]) -> None:
    evidence = found(*pair)
    assert said(evidence) == PLAIN[pair]
    if evidence is not None and evidence.stance == "for":
        assert "no ancestor with such weights was examined" in evidence.reason


@pytest.mark.parametrize("pair", PLAIN, ids=" ~ ".join)
def test_the_other_side_says_the_same_of_the_other_side(pair: tuple[str, str]) -> None:
    there, back = said(found(*pair)), said(found(*pair[::-1]))
    other = {"left from right": "right from left", "right from left": "left from right"}
    assert back[:3] == (there[0], there[1], other.get(there[2], there[2]))
    assert (back[3] == there[3]) == (not there[2]), "what was made of the other is said to be the other one"


NOISE = ("strong", "for", "left from right", f"{BEFORE} with noise on top")
EXPLAINED = ("none", "context", "", "explained by")
WITH_ANCESTOR: dict[tuple[str, str, str], tuple[str, str, str, str]] = {
    ("tuned", "tuned otherwise", "base"): EXPLAINED,
    ("tuned, reordered", "tuned otherwise", "base"): EXPLAINED,
    ("tuned, turned", "tuned otherwise", "base"): EXPLAINED,
    ("base, noise", "tuned", "base"): EXPLAINED,
    ("base, pruned", "tuned", "base"): EXPLAINED,
    ("base", "base", "base"): EXPLAINED,
    ("base, noise", "base", "base"): EXPLAINED,
    ("tuned", "base", "base"): EXPLAINED,
    ("tuned, noise", "tuned", "base"): NOISE,
    ("tuned", "tuned, noise", "base"): (*NOISE[:2], "right from left", "those that the right has with noise on top"),
    ("tuned", "tuned", "base"): ("strong", "for", "", f"{BEFORE}, value by value"),
    ("tuned, in eight bits", "tuned", "base"): ("strong", "for", "left from right", f"{BEFORE}, quantised"),
    ("tuned twice", "tuned", "base"): ("weak", "for", "", ORIGIN),
    ("tuned", "base", "stranger"): ("moderate", "for", "", ORIGIN),
    ("base", "base", "only norms fit"): ("moderate", "for", "", f"{BEFORE}, value by value"),
    ("base", "base", "narrower"): ("moderate", "for", "", f"{BEFORE}, value by value"),
    ("base, noise", "base", "narrower"): NOISE,
    ("stranger", "base", "another stranger"): PLAIN["stranger", "base"],
    ("stranger", "base", "base"): PLAIN["stranger", "base"],
}


@pytest.mark.parametrize("role", ["ancestor", "claimed"])
@pytest.mark.parametrize("names", WITH_ANCESTOR, ids=" ~ ".join)
def test_with_another_candidate(names: tuple[str, str, str], role: str) -> None:
    left, right, other = names
    evidence = found(left, right, other, "") if role == "ancestor" else found(left, right, "", other)
    its = said(evidence)
    if its[3].startswith(EXPLAINED[3]):
        assert its[3] == f"explained by {other} 0 ({role}{' source' * (role == 'claimed')})".replace(
            other, "base" if role == "ancestor" else "source"
        )
        its = (*its[:3], EXPLAINED[3])
    assert its == WITH_ANCESTOR[names]


def test_an_ancestor_that_is_none_tests_nothing() -> None:
    assert found("base", "base", "stranger", "").level == "moderate"
    assert found("base", "base", "", "stranger").level == "strong"


def test_what_is_said_of_candidates() -> None:
    reason = certainly("tuned, noise", "tuned", "base").reason
    assert "beside base 0 (ancestor): of 21 tensors that the left changed the right is nearer in 21" in reason
    assert "no ancestor" not in reason
    reason = certainly("base", "base", "", "stranger").reason
    assert "source 0 (claimed source) has tensors of these names and shapes, and mostly other weights" in reason
    assert "no ancestor with such weights was examined" in certainly("base", "base", "narrower").reason
    reason = certainly("tuned", "tuned otherwise", "base").reason
    assert "base 0 (ancestor) explains the left at least as well" in reason
    assert "as siblings of one base do" in reason
    assert "the left is the same there, value by value" in certainly("base", "tuned", "base").reason
    assert "this does not show that one was trained from the other" in certainly("tuned twice", "tuned", "base").reason


def test_of_two_candidates_one_that_explains_is_enough() -> None:
    said_of = said(finding(of("tuned"), of("tuned otherwise"), [of("stranger"), of("base")]))
    assert said_of == (*EXPLAINED[:3], "explained by base 1 (ancestor)")
    said_of = said(found("tuned", "tuned otherwise", "stranger", "base"))
    assert said_of == (*EXPLAINED[:3], "explained by source 0 (claimed source)")


def test_siblings_of_the_same_data_are_weak_at_most() -> None:
    """Their changes correlate, and the ancestor explains the left as well as the right does."""
    base, one = llama(1), tuned(llama(1), 1)
    both = {name: base[name] + 0.5 * (values - base[name]) for name, values in one.items()}
    left, right = tuned(both, 5, 0.1), tuned(both, 6, 0.1)
    evidence = finding(profile(left), profile(right), [of("base")])
    assert LEVELS.index(evidence.level) <= LEVELS.index("weak")
    assert evidence.direction == ""
    assert float(str(rungs(evidence)["W7"][2]).split()[0]) > 0.05


@pytest.mark.parametrize(
    ("pair", "sd"),
    [(("base, noise", "base"), SD), (("base, noise as F16", "base as F16"), SD), (("base, noise as BF16", "base as BF16"), SD),
     (("base, uniform noise", "base"), SD), (("base, reordered, noise", "base"), SD), (("tuned, noise", "tuned"), SD)],
)  # fmt: skip
def test_the_noise_is_known_within_two_in_a_hundred(pair: tuple[str, str], sd: float) -> None:
    evidence = certainly(*pair)
    assert measured(evidence)["noise_sd"] == pytest.approx(sd, rel=0.02)
    kind = "uniform" if "uniform" in pair[0] else "Gaussian"
    assert f"the difference is zero-mean {kind}, sd 0.00141 in " in evidence.reason
    assert "training does not do this" in evidence.reason
    assert "noise_sd" not in measured(certainly("tuned", "base"))


def test_noise_in_proportion_is_said_to_be() -> None:
    assert "in proportion to the spread of each tensor" in certainly("base, noise in proportion", "base").reason
    assert "equal over embeddings, matrices and norms" in certainly("base, noise", "base").reason
    reason = certainly("base, noise as BF16", "base as BF16").reason
    assert "sd 0.00141 in 16 of 21 tensors" in reason
    assert "of the others 5 are not told" in reason, "norms hide it"


def test_what_is_equal_is_counted_apart() -> None:
    reason = certainly("base, pruned", "base").reason
    equal = "5 are equal in every value that was read"
    assert f"of 21 tensors compared {equal} and 16 are equal but for values that are zero on one side alone" in reason
    assert "of 21 tensors compared 21 are equal in every value that was read" in certainly("base", "base").reason


def test_the_more_pairs_were_looked_at_the_more_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    its = of("tuned"), of("base")
    monkeypatch.setattr(weights.weight_conclusion, "LEAST_EVIDENCE", chances.MOST_EVIDENCE)
    assert finding(*its).stance == "for"
    monkeypatch.setattr(weights.weight_conclusion, "LEAST_EVIDENCE", chances.MOST_EVIDENCE + 1)
    assert finding(*its).level == "none"
    several = weights.profile(
        replaced(snapshot(llama(1)), [file(llama(1), path="a.safetensors"), file(llama(3), path="b.safetensors")])
    )
    monkeypatch.setattr(weights.weight_conclusion, "LEAST_EVIDENCE", chances.MOST_EVIDENCE)
    assert all(its.level == "none" for its in compared(of("tuned"), several).evidence)


def replaced(its, files):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(its, files=tuple(files))


def test_what_could_not_be_tested_speaks_against_nothing() -> None:
    """Of models without blocks of neurons only the order of the rows of attention can be tested."""

    def without(seed: int) -> Profile:
        return profile({name: values for name, values in llama(seed).items() if "mlp" not in name})

    evidence = finding(without(1), without(2))
    assert (evidence.level, evidence.stance) == ("none", "context")
    assert "W4 and W6 could not be tested" in evidence.reason
    assert rungs(evidence)["W4"][5] == "nothing to test"


def test_where_names_say_no_blocks_nothing_speaks_against() -> None:
    def nameless(seed: int) -> Profile:
        return profile({f"x{place:03}": values for place, values in enumerate(llama(seed).values())})

    evidence = finding(nameless(1), nameless(2))
    assert (evidence.level, evidence.stance) == ("none", "context")
    assert "which matrices belong to one block is a guess" in evidence.reason
    assert said(finding(nameless(1), nameless(1)))[0] == "moderate"


@pytest.mark.parametrize(
    ("agreement", "chance", "level"), [(0.15, 1e-9, "none"), (0.25, 1e-9, "weak"), (0.25, 1e-3, "none")]
)
def test_siblings_that_move_alike_are_told_from_how_far_on(agreement: float, chance: float, level: str) -> None:
    left, right, base = (side(MODELS[name]()) for name in ("tuned", "tuned otherwise", "base"))
    pairs, of_base = by_name(left, right), by_name(left, base)
    its = ladder(left, right, pairs, judged_tensors(left, right, pairs))
    departures = Together(tensors=21, unmoved=0, attributable=2, agreement=agreement, toward=0.2, back=0.2)
    beside = Beside(
        "base (ancestor)", "ancestor", True, overall(judged_tensors(left, base, of_base)), 1e6, departures, chance
    )
    concluded = conclusion(its, [beside], 1)
    assert concluded is not None
    assert (concluded.level, concluded.stance) == (level, "for" if level == "weak" else "context")


# The departures from an ancestor

RANDOM = np.random.default_rng(12)


def gone(*shares: tuple[float, float]) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Of each tensor left, right and ancestor: how much the left has of the right's change, and of its own."""
    for of_right, own in shares:
        base, change, other = (np.asarray(RANDOM.normal(0, 1, (40, 50)), np.float32) for _ in range(3))
        yield base + of_right * change + own * other, base + change, base


def test_a_copy_goes_where_its_source_went_and_siblings_do_not() -> None:
    its = [departure((0, 0, 0), *values) for values in gone((1, 0.1), (1, 0.2), (1, 0.3))]
    copy = together(d for d in its if d)
    assert copy.toward == pytest.approx(1, abs=0.015)
    assert copy.agreement == pytest.approx(1 / math.sqrt(1.04), abs=0.02)
    assert copy.back == pytest.approx(1 / 1.04, abs=0.02)
    assert (copy.tensors, copy.unmoved, copy.attributable) == (3, 0, 3)
    its = [departure((0, 0, 0), *values) for values in gone((0, 1), (0, 1), (0.1, 1))]
    siblings = together(d for d in its if d)
    assert siblings.toward == pytest.approx(0, abs=0.1)
    assert siblings.attributable == 0
    half = departure((1, 2, 3), *next(gone((0.5, 0.0))))
    assert half is not None
    assert half.explained, "as near to the ancestor as to the right"
    assert abs(half.lead) < 5
    assert (half.left, half.right, half.ancestor) == (1, 2, 3)


def test_departures_at_their_ends() -> None:
    base = np.asarray(RANDOM.normal(0, 1, (10, 10)), np.float32)
    unmoved = departure((0, 0, 0), base, base + 1, base)
    assert unmoved is not None
    assert (unmoved.moved, unmoved.explained) == (False, True)
    assert math.isnan(unmoved.agreement)
    same = departure((0, 0, 0), base + 1, base + 1, base)
    assert same is not None
    assert (same.lead > 1e6, same.explained, same.agreement) == (True, False, pytest.approx(1))
    odd = base.copy()
    odd[0, 0] = np.nan
    partly = departure((0, 0, 0), base + odd * 0 + 1, base, base)
    assert partly is not None
    assert partly.left_square == pytest.approx(1, abs=1e-5)
    assert departure((0, 0, 0), base, base, np.full_like(base, np.nan)) is None
    few = together([same, unmoved, same])
    assert (few.tensors, few.unmoved) == (2, 1)
    assert math.isnan(few.agreement), "of two tensors nothing is told"
    assert math.isnan(together([]).toward)


# Sides swapped, whatever was done


@st.composite
def disguised(draw: st.DrawFn) -> tuple[Made, str]:
    """What becomes of the base in one to three steps, and the type that it is stored in."""
    steps: list[Callable[[Made], Made]] = [
        noisy,
        renamed,
        reordered,
        pruned,
        lambda model: noisy(model, 5 * SD, uniform=True),
        lambda model: tuned(model, 4),
        lambda model: adapted(model, 4),
        lambda model: in_matrices(model, eight),
        lambda model: noisy(model, 0.05, relative=True),
    ]
    made = llama(1)
    for step in draw(st.lists(st.sampled_from(steps), max_size=2)):
        made = step(made)
    dtype = draw(st.sampled_from(["F32", "F16", "BF16"]))
    return {name: held(values, dtype) for name, values in made.items()}, dtype


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(disguised(), st.sampled_from(["base", "tuned", "stranger"]))
def test_swapped_sides_mirror_any_conclusion(its: tuple[Made, str], right: str) -> None:
    model, dtype = its
    ours, theirs = profile(model, dtype), of(right)
    there, back = (compared(*sides).evidence for sides in ((ours, theirs), (theirs, ours)))
    assert len(there) == len(back) == 1
    one, other = said(there[0]), said(back[0])
    mirrored = {"left from right": "right from left", "right from left": "left from right", "": ""}
    assert (one[0], one[1], mirrored[one[2]]) == other[:3]
    assert one[3] == other[3]
    first, second = measured(there[0]), measured(back[0])
    assert first["containment_left"] == pytest.approx(second["containment_right"])
    assert first["similarity"] == pytest.approx(second["similarity"])
    assert first["correlation"] == pytest.approx(second["correlation"], abs=1e-6)
    if right == "stranger":
        assert one[:2] == ("none", "against")
    else:
        assert one[1] == "for"
