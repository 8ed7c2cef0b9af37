"""What the ladder says about a pair of checkpoints once ancestors had their say: level, stance, direction, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from codeclone.match.weight_departure import Together
from codeclone.match.weight_direction import Direction, direction_of
from codeclone.match.weight_groups import MATRICES
from codeclone.match.weight_ladder import Ladder
from codeclone.match.weight_overall import Overall
from codeclone.match.weight_partners import SURELY
from codeclone.match.weight_relation import MADE, RELATED_TO, Relation
from codeclone.match.weight_words import claim, how_much, made_of, what
from codeclone.model import Level, Role, Stance

LEAST_EVIDENCE = 1_000.0
"""e-value from which on a shared origin is told. An e-value is at least so large by chance once in so many times (Markov)."""

ALIKE = 0.2
"""Correlation of two departures from a common ancestor beyond what siblings on data of their own have (docs/weights.md)."""

HAVE_TO_BE_TESTED = {"W2", "W4", "W6"}
"""Rungs that have to be tested before anything speaks against a common origin."""

IN_PART = 0.95
"""Share of the left's numbers that have to do with the right's, below which a claim is about a part."""

LEAST_TENSORS, LITTLE = 3, 0.05
"""Fewest tensors for a level above `moderate`, and smallest share of one side's numbers for one above `weak`."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What an ancestor or a claimed source has to do with the pair."""

    told: str
    """Its name with its role."""
    role: Role
    compared: bool
    """Whether it has at least half of the left's tensors, by name and shape, and of those in question, so that it could have explained
    them."""
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
    """What the left's weights are to the right's: goes behind `the weights of X against Y:`."""
    reason: str
    direction: Direction


def conclusion(ladder: Ladder, beside: Sequence[Beside], tried: int) -> Conclusion | None:
    """None where the two have too little in common to say anything. `tried`: pairs of checkpoints that were looked at."""
    whole, evidence = ladder.overall, ladder.evidence / max(1, tried)
    made = whole.relation in MADE
    if not made and evidence < LEAST_EVIDENCE:
        return _nothing(ladder, evidence)
    explaining = next((its for its in beside if its.explains), None)
    if explaining is None and not ladder.in_order and not made:
        beside_both = (
            its for its in beside if its.departures is None and its.evidence >= LEAST_EVIDENCE * max(1, tried)
        )
        explaining = next(beside_both, None)
    if explaining is not None:
        return _explained(explaining, ladder, made)
    related = [its for its in beside if its.related]
    # An ancestor that has nothing to do with the left tests nothing; that a named source is none is an answer.
    tested = related or [its for its in beside if its.compared and its.role == "claimed"]
    direction, why = direction_of(whole, ladder.tensors)
    in_part = _in_part(ladder, made)
    doubt = _doubt(ladder, made, bool(related))
    said = [
        what(ladder, made),
        in_part,
        *(_left_over(its) for its in related),
        *(_not_theirs(its) for its in beside if its not in related and its.compared),
        why,
        doubt,
        "" if tested else _not_tested(whole.relation, made),
        how_much(ladder.tensors),
    ]
    its_claim = "in part " * bool(in_part) + claim(ladder, made, direction)
    level: Level = "weak" if doubt else _level(ladder, made, bool(tested))
    return Conclusion(level, "for", its_claim, "; ".join(part for part in said if part), direction)


def _level(ladder: Ladder, made: bool, tested: bool) -> Level:
    """Where there is no doubt that makes it weak."""
    if not made or ladder.overall.related < LEAST_TENSORS:
        return "moderate"
    # Behind a factor, noise on both sides looks like noise on one: two that have it need not come from each other.
    noise = ladder.overall.noise if ladder.overall.relation == "noise" else None
    return "strong" if tested or (noise is not None and 2 * noise.scaled <= noise.tensors) else "moderate"


def _little(ladder: Ladder) -> bool:
    """Whether what was made of the other side is no matrix, or next to nothing of either side."""
    shares = (_share(ladder, numbers) for numbers in ladder.numbers)
    return max(shares) < LITTLE or not any(t.relation in MADE and t.kind in MATRICES for t in ladder.tensors)


def _share(ladder: Ladder, numbers: int) -> float:
    """Of a side's numbers that could tell, in [0, 1]: those of tensors that have to do with their counterpart."""
    there = numbers - ladder.overall.numbers("not told")
    return min(1.0, ladder.overall.numbers(*RELATED_TO) / there) if there > 0 else 0.0


def _in_part(ladder: Ladder, made: bool) -> str:
    """Why a claim is about a part of the left alone; empty where it is about all of it."""
    compared, read = ladder.covered
    unrelated = ladder.overall.counts.get("unrelated", 0)
    if not made and not ladder.in_order:
        unrelated = 0  # neurons that stand elsewhere look like that
        if compared >= IN_PART * read:
            return ""
    elif _share(ladder, ladder.numbers[0]) >= IN_PART:
        return ""
    one = read - compared == 1
    parts = [f"{read - compared:,} {'has' if one else 'have'} no counterpart"] * (read > compared)
    parts += [f"{unrelated:,} {'is' if unrelated == 1 else 'are'} unrelated to theirs"] * (unrelated > 0)
    share = (
        f"{_share(ladder, ladder.numbers[0]) * 100:.1f} % of the left's numbers have to do with the right's, and "
        if made
        else ""
    )
    return f"{share}of the left's {read:,} tensors {' and '.join(parts)}" if parts else ""


def _doubt(ladder: Ladder, made: bool, related: bool) -> str:
    """What an honest reason for the same may be, beyond a common source, so that it is weak; empty where none is known."""
    if made and ladder.as_drawn and not related:
        return "the values look as a library draws them before any training: the same library with the same seed gives them to everybody"
    if made and _little(ladder):
        return "this is too little to tell a copy from a table or from beginnings that both have in common"
    if not made and related:
        return "siblings that read the same texts move like this as well, so this does not show that one was trained from the other"
    return ""


def _not_tested(relation: Relation, made: bool) -> str:
    seed = "" if made else ", or have begun from the same seed in the same library"
    public = "" if relation == "noise" else f": both may have taken them from one public source{seed}"
    return f"no ancestor with such weights was examined{public}"


# Nothing, or what somebody else explains


def _nothing(ladder: Ladder, evidence: float) -> Conclusion | None:
    told = [tensor for tensor in ladder.tensors if tensor.relation != "not told"]
    if len(told) < LEAST_TENSORS or not ladder.blocks:
        return None
    unrelated = sum(tensor.relation == "unrelated" for tensor in told)
    some = (
        f" ({_share(ladder, ladder.numbers[0]) * 100:.1f} % of the left's numbers stand in tensors that have something to do with theirs)"
        if unrelated < len(told)
        else ""
    )
    reason = (
        f"{unrelated:,} of {len(told):,} tensors that could tell have nothing to do with their counterpart{some}, and the "
        f"rungs W2 to W6 together do not speak for a common origin in {ladder.blocks} block{'s' * (ladder.blocks != 1)} (e-value {evidence:.2g}, "
        f"told from {LEAST_EVIDENCE:,.0f} on)"
    )
    tested = {rung.name for rung in ladder.rungs if rung.chance is not None}
    clear = unrelated == len(told) and tested >= HAVE_TO_BE_TESTED and ladder.sure
    if clear:
        its_claim = "no more alike than those of two models that were initialised independently"
    else:
        its_claim = "hardly alike, as far as could be tested"
        missing = sorted(HAVE_TO_BE_TESTED - tested)
        reason += f"; {' and '.join(missing)} could not be tested" if missing else ""
        reason += "" if ladder.sure else "; which matrices belong to one block is a guess, as their names do not say it"
    return Conclusion("none", "against" if clear else "context", its_claim, reason, "")


def _explained(its: Beside, ladder: Ladder, made: bool) -> Conclusion:
    """By an ancestor or a claimed source; what goes beyond it is weak at most."""
    departures = its.departures
    beyond = departures is not None and departures.agreement >= ALIKE and (its.chance or 1.0) < SURELY
    shared = "both are related" if not made else "one has the values of the other but for what was done to them"
    reason = f"{shared}, and {its.told} explains the left at least as well"
    if departures is None:
        reason = (
            f"{shared}, and {its.told} has a shared origin with the left as well: in another order or basis it cannot be told which "
            "of the two is nearer"
        )
    elif not departures.tensors:
        reason += ": the left is the same there, value by value"
    else:
        reason += f": of {departures.tensors:,} tensors that the left changed the right is nearer in {departures.attributable:,}"
        if not math.isnan(departures.agreement):
            how = (
                "further than siblings do that were trained on texts of their own"
                if beyond
                else "as siblings of one base do"
            )
            reason += f"; both went from there with a correlation of {departures.agreement:.2g}, {how}"
    if its.overall.relation in MADE and (departures is None or departures.tensors):
        reason += f"; between the left and {its.told} {made_of(its.overall, sum(its.overall.counts.values()))}"
    level: Level = "weak" if beyond else "none"
    its_claim = f"trained from {its.told} in the same direction" if beyond else f"explained by {its.told}"
    return Conclusion(level, "for" if beyond else "context", its_claim, reason, "")


def _left_over(its: Beside) -> str:
    departures = its.departures
    if departures is None:
        return f"{its.told} has to do with the left as well"
    text = (
        f"beside {its.told}: of {departures.tensors:,} tensors that the left changed the right is nearer in "
        f"{departures.attributable:,}"
    )
    if not math.isnan(departures.toward):
        text += (
            f", and the left went {departures.toward:.2g} of the way there (a copy 1, siblings near 0 on tasks that have nothing to do "
            "with each other and up to 1 on the same)"
        )
    return text


def _not_theirs(its: Beside) -> str:
    return f"{its.told} has tensors of these names and shapes, and mostly other weights"
