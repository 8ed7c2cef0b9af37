"""What the ladder says about a pair of checkpoints once ancestors had their say: level, stance, direction, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from codeclone.match.weight_departure import Together
from codeclone.match.weight_ladder import Ladder
from codeclone.match.weight_partners import SURELY
from codeclone.match.weight_relation import KURTOSES, MADE, Judged, Noise, Overall, Relation
from codeclone.model import Level, Role, Stance

LEAST_EVIDENCE = 1_000.0
"""e-value from which on a shared origin is told. An e-value is at least so large by chance once in so many times (Markov)."""

ALIKE = 0.2
"""Correlation of two departures from a common ancestor beyond what siblings on data of their own have (docs/weights.md)."""

SAME_SLOPE, OTHER_SLOPE = 4.0, 8.0
"""Standard errors: a slope is 1 within the first and is not 1 beyond the second."""

IN_ANY_ORDER = {"W2", "W4", "W6"}
"""Rungs that have to be tested before anything speaks against a common origin."""

IN_PART = 0.75
"""Share of the left's tensors that have to be compared, and for a claim of what was done to them also have to be related, for a claim
about the whole."""

LEAST_TENSORS = 3
"""That have to show a relation."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What an ancestor or a claimed source has to do with the pair."""

    told: str
    """Its name with its role."""
    role: Role
    compared: bool
    """Whether it has at least half of the left's tensors, by name and shape, so that it could have explained something."""
    overall: Overall
    """What the left is to it."""
    evidence: float
    """e-value of a shared origin with the left."""
    departures: Together | None
    """None where it has nothing in common with both sides."""
    chance: float | None
    """W7: that the departures agree so by chance, rows permuted; None where that could not be tested."""

    @property
    def related(self) -> bool:
        """Whether at least half of the tensors that tell have to do with it."""
        return self.overall.related > 0 and 2 * self.overall.related >= self.overall.told

    @property
    def explains(self) -> bool:
        """Whether it explains the left at least as well as the right does, in most tensors that the left has changed."""
        its = self.departures
        if not self.related or its is None:
            return False
        return not its.tensors or 2 * its.attributable < its.tensors


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Of a pair of checkpoints."""

    level: Level
    stance: Stance
    claim: str
    """What the left's weights are to the right's: goes behind `the weights of X are`."""
    reason: str
    direction: str
    """As `Evidence.direction`."""


def conclusion(ladder: Ladder, beside: Sequence[Beside], tried: int) -> Conclusion | None:
    """None where the two have too little in common to say anything. `tried`: pairs of checkpoints that were looked at."""
    whole, evidence = ladder.overall, ladder.evidence / max(1, tried)
    made = whole.relation in MADE and whole.related >= LEAST_TENSORS
    if not made and evidence < LEAST_EVIDENCE:
        return _nothing(ladder, evidence)
    explaining = next((its for its in beside if its.explains), None)
    if explaining is None and not ladder.in_order and not made:
        explaining = next((its for its in beside if its.evidence >= LEAST_EVIDENCE), None)
    what = _what(ladder, made)
    if explaining is not None:
        return _explained(explaining, what)
    related = [its for its in beside if its.related]
    # An ancestor that has nothing to do with the left tests nothing; that a named source is none is an answer.
    tested = related or [its for its in beside if its.compared and its.role == "claimed"]
    said = [
        what,
        *(_left_over(its) for its in related),
        *(_not_theirs(its) for its in beside if its not in related and its.compared),
    ]
    compared, read = ladder.covered
    strange = whole.counts.get("unrelated", 0) if made else 0
    in_part = compared - strange < IN_PART * read
    if in_part:
        like = " that they have to do with" if strange else ""
        said.append(f"only {compared - strange:,} of the left's {read:,} tensors have a counterpart{like}")
    direction, why = direction_of(ladder)
    said += [why] if why else []
    if whole.relation == "noise" or (made and tested):
        level: Level = "strong"
    elif related and not made:
        level = "weak"
        said.append(
            "siblings that read the same texts move like this as well, so this does not show that one was trained from the other"
        )
    else:
        level = "moderate"
    if not tested:
        public = "" if whole.relation == "noise" else ": both may have taken them from one public source"
        said.append(f"no ancestor with such weights was examined{public}")
    claim = "in part " * in_part + _claim(ladder, made)
    return Conclusion(level, "for", claim, "; ".join(said), direction)


# Nothing, or what somebody else explains


def _nothing(ladder: Ladder, evidence: float) -> Conclusion | None:
    told = [tensor for tensor in ladder.tensors if tensor.relation != "not told"]
    if len(told) < LEAST_TENSORS or not ladder.blocks:
        return None
    unrelated = sum(tensor.relation == "unrelated" for tensor in told)
    reason = (
        f"{unrelated:,} of {len(told):,} tensors that could tell have nothing to do with their counterpart, and none of the rungs W2 "
        f"to W6 speaks for a common origin in {ladder.blocks} block{'s' * (ladder.blocks != 1)} (e-value {evidence:.2g}, told from "
        f"{LEAST_EVIDENCE:,.0f} on)"
    )
    tested = {rung.name for rung in ladder.rungs if rung.chance is not None}
    clear = unrelated == len(told) and tested >= IN_ANY_ORDER and ladder.sure
    if clear:
        claim = "no more alike than those of two models that were initialised independently"
    else:
        claim = "hardly alike, as far as could be tested"
        missing = sorted(IN_ANY_ORDER - tested)
        reason += f"; {' and '.join(missing)} could not be tested" if missing else ""
        reason += "" if ladder.sure else "; which matrices belong to one block is a guess, as their names do not say it"
    return Conclusion("none", "against" if clear else "context", claim, reason, "")


def _explained(its: Beside, what: str) -> Conclusion:
    """By an ancestor or a claimed source; what goes beyond it is weak at most."""
    departures = its.departures
    beyond = departures is not None and departures.agreement >= ALIKE and (its.chance or 1.0) < SURELY
    reason = f"{what}; {its.told} explains the left at least as well"
    if departures is not None and not departures.tensors:
        reason += ": the left is the same there, value by value"
    elif departures is not None:
        reason += f": of {departures.tensors:,} tensors that the left changed the right is nearer in {departures.attributable:,}"
        if not math.isnan(departures.agreement):
            how = "further than siblings do that were trained apart" if beyond else "as siblings of one base do"
            reason += f"; both went from there with a correlation of {departures.agreement:.2g}, {how}"
    level: Level = "weak" if beyond else "none"
    claim = "trained from a common ancestor in the same direction" if beyond else "explained by a common ancestor"
    return Conclusion(level, "for" if beyond else "context", claim, reason, "")


def _left_over(its: Beside) -> str:
    departures = its.departures
    if departures is None:
        return f"{its.told} has to do with it as well"
    text = (
        f"{its.told} does not explain it: of {departures.tensors:,} tensors that the left changed the right is nearer in "
        f"{departures.attributable:,}"
    )
    if not math.isnan(departures.toward):
        text += f", and the left went {departures.toward:.2g} of the way there (siblings 0, a copy 1)"
    return text


def _not_theirs(its: Beside) -> str:
    return f"{its.told} has tensors of these names and shapes, and other weights"


# What it is


def _claim(ladder: Ladder, made: bool) -> str:
    relation = ladder.overall.relation
    if not made:
        order = "" if ladder.in_order else ", with their neurons in another order or in another basis"
        return f"of one origin with those of the right{order}"
    return {
        "identical": "those of the right, value by value",
        "rounded": "those of the right, rounded to another type",
        "quantised": "those of the right, quantised",
        "pruned": "those of the right with values set to zero",
        "noise": "those of the right with noise on top",
    }[relation]


def _what(ladder: Ladder, made: bool) -> str:
    whole = ladder.overall
    told = whole.told
    if made and whole.relation == "noise" and whole.noise is not None:
        return noise_told(whole.noise)
    if made:
        same = whole.counts.get(whole.relation, 0)
        rest = (
            f", {whole.counts['identical']:,} more are equal"
            if whole.relation != "identical" and whole.counts.get("identical")
            else ""
        )
        how = {
            "identical": "are equal in every value that was read",
            "rounded": "are equal but for the rounding of a narrower type",
            "quantised": "stand on a grid of few bits, each value where the other side's is rounded to",
            "pruned": "are equal but for values that are zero on one side alone",
        }[whole.relation]
        return f"{same:,} of {told:,} tensors {how}{rest}"
    text = f"a shared origin (e-value {ladder.evidence:,.3g})"
    parts = [f"{whole.counts[name]:,} {how}" for name, how in TOLD.items() if name in whole.counts]
    if not ladder.in_order:
        parts.append("neurons stand in another order or in another basis")
    return f"{text}: of {told:,} tensors that tell {', '.join(parts)}" if parts else text


TOLD: dict[Relation, str] = {
    "identical": "are equal in every value that was read",
    "rounded": "are equal but for rounding",
    "quantised": "are quantised",
    "pruned": "have values set to zero",
    "noise": "have independent noise on top",
    "low rank": "differ by an update of low rank",
    "changed": "differ in another way, as after training",
    "unrelated": "have nothing to do with each other in their places",
}


def noise_told(noise: Noise) -> str:
    """`the difference is zero-mean Gaussian, sd 1.41e-3 in 291 of 291 tensors, equal over norms, biases and matrices: …`"""
    names = {"matrix": "matrices", "embedding": "embeddings", "norm": "norms", "bias": "biases", "other": "others"}
    shape = min(KURTOSES, key=lambda name: abs(noise.kurtosis - KURTOSES[name]))
    kind = {"normal": "Gaussian", "uniform": "uniform"}[shape]
    classes = [names[name] for name in noise.classes]
    over = " and ".join([", ".join(classes[:-1]), classes[-1]] if len(classes) > 1 else classes)
    equal = f"equal over {over}" if noise.level == "equal" else "in proportion to the spread of each tensor"
    return (
        f"the difference is zero-mean {kind}, sd {noise.sd:.3g} in {noise.tensors:,} of {noise.told:,} tensors in which it could be "
        f"seen, {equal}, independent from value to value: training does not do this"
    )


# Direction


def direction_of(ladder: Ladder) -> tuple[str, str]:
    """W9 and what was rounded, quantised or pruned: (direction as in `Evidence`, why); empty where it cannot be told."""
    relation = ladder.overall.relation
    if relation == "noise":
        return _by_slopes(ladder.tensors)
    if relation in ("rounded", "quantised", "pruned"):
        sides = {tensor.toward for tensor in ladder.tensors if tensor.relation == relation}
        done = {"rounded": "rounded", "quantised": "quantised", "pruned": "set to zero"}[relation]
        if sides == {"left"}:
            return "left from right", f"what was {done} is the left"
        if sides == {"right"}:
            return "right from left", f"what was {done} is the right"
    return "", ""


@dataclass(frozen=True, slots=True)
class Slopes:
    """W9: both regressions, over all tensors with noise."""

    left_on_right: float
    right_on_left: float
    error: float
    """Standard error of both."""

    @property
    def direction(self) -> Literal["", "left from right", "right from left"]:
        ours, theirs = ((1 - slope) / self.error for slope in (self.left_on_right, self.right_on_left))
        if abs(ours) <= SAME_SLOPE and theirs >= OTHER_SLOPE:
            return "left from right"
        return "right from left" if abs(theirs) <= SAME_SLOPE and ours >= OTHER_SLOPE else ""


def slopes(tensors: Sequence[Judged]) -> Slopes | None:
    """Of the tensors with noise on top, each weighed by how exactly its slope is known."""
    noisy = [t.difference for t in tensors if t.relation == "noise" and t.difference.slope_error > 0]
    weights = [1 / d.slope_error**2 for d in noisy]
    whole = sum(weights)
    if not whole:
        return None
    ours = sum(w * d.slope_left for w, d in zip(weights, noisy, strict=True)) / whole
    theirs = sum(w * d.slope_right for w, d in zip(weights, noisy, strict=True)) / whole
    return Slopes(ours, theirs, 1 / math.sqrt(whole))


def _by_slopes(tensors: Sequence[Judged]) -> tuple[str, str]:
    found = slopes(tensors)
    if found is None:
        return "", ""
    figures = f"slope of the left on the right {found.left_on_right:.5f}, of the right on the left {found.right_on_left:.5f}, each ± {found.error:.1g}"
    if not found.direction:
        return "", f"which side has the noise cannot be told ({figures})"
    noisy = "left" if found.direction == "left from right" else "right"
    return (
        found.direction,
        f"the noise is on the {noisy} ({figures}; the side with the noise on top has a slope of 1 on the other)",
    )
