"""What the weights of one checkpoint are to those of another, in words."""

from __future__ import annotations

from collections.abc import Sequence

from codeclone.match.weight_direction import Direction
from codeclone.match.weight_ladder import Ladder
from codeclone.match.weight_overall import Noise, Overall
from codeclone.match.weight_relation import KURTOSES, MADE, Judged, Relation

SAME_FACTOR = 1e-6
"""Of a factor from 1."""

PLURALS = {"matrix": "matrices", "embedding": "embeddings", "norm": "norms", "bias": "biases", "other": "others"}

CLAIMS: dict[Relation, dict[Direction, str]] = {
    "identical": {"": "those of the right, value by value"},
    "rounded": {
        "": "those of the right but for rounding",
        "left from right": "those of the right, rounded to another type",
        "right from left": "those that the right has rounded to another type",
    },
    "quantised": {
        "": "those of the right but for quantising",
        "left from right": "those of the right, quantised",
        "right from left": "those that the right has quantised",
    },
    "pruned": {
        "": "those of the right but for values set to zero",
        "left from right": "those of the right with values set to zero",
        "right from left": "those that the right has with values set to zero",
    },
    "noise": {
        "": "those of the right but for noise",
        "left from right": "those of the right with noise on top",
        "right from left": "those that the right has with noise on top",
    },
}
"""Relation -> direction -> what the left's weights are: goes behind `the weights of X against Y:`."""

HOW: dict[Relation, str] = {
    "identical": "equal in every value that was read",
    "rounded": "equal but for the rounding of a narrower type",
    "quantised": "on a grid of few bits, each value where the other side's is rounded to",
    "pruned": "equal but for values that are zero on one side alone",
    "noise": "with independent noise on top",
    "low rank": "different by an update of low rank",
    "changed": "different in another way, as after training",
    "unrelated": "unrelated to the counterpart in its place",
    "not told": "not told: constants, vectors, or neurons that stand elsewhere",
}
"""Goes behind `N are`."""


def claim(ladder: Ladder, made: bool, direction: Direction) -> str:
    """`made`: whether one side's values were made of the other's."""
    if not made:
        order = "" if ladder.in_order else ", with their neurons in another order or in another basis"
        return f"of one origin with those of the right{order}"
    told = CLAIMS[ladder.overall.relation]
    return told.get(direction, told[""])


def what(ladder: Ladder, made: bool) -> str:
    """The relation with the figures behind it."""
    if made:
        return made_of(ladder.overall, len(ladder.tensors)) + _rows(ladder.tensors)
    whole = ladder.overall
    order = "" if ladder.in_order else "; neurons stand in another order or in another basis"
    return f"a shared origin (e-value {ladder.evidence:,.3g}): {_counts(whole, len(ladder.tensors))}{order}"


def made_of(whole: Overall, compared: int) -> str:
    """What was done to the values of one side. `compared`: tensors."""
    told = ("noise",) if whole.relation == "noise" and whole.noise is not None else ()
    rest = _counts(whole, compared, without=told) if told and compared > whole.counts["noise"] else ""
    if whole.noise is not None and told:
        return noise_told(whole.noise, compared) + f"; of the others {rest}" * bool(rest)
    return _counts(whole, compared)


def _counts(whole: Overall, compared: int, without: Sequence[str] = ()) -> str:
    parts = [
        f"{count:,} {'is' if count == 1 else 'are'} {HOW[name]}"
        for name, count in whole.counts.items()
        if name not in without
    ]
    return (f"of {compared:,} tensors compared " if not without else "") + _listed(parts)


def _rows(tensors: Sequence[Judged]) -> str:
    parts = [t.part for t in tensors if t.part is not None and t.relation in MADE]
    if not parts:
        return ""
    moved = sum(part.moved > 0 for part in parts)
    if moved == len(parts):
        return f"; {moved:,} of these have rows or columns in another order"
    elsewhere = f", {moved:,} of them in another order" * bool(moved)
    return f"; {len(parts):,} of these by the rows or columns that both have{elsewhere}"


def how_much(tensors: Sequence[Judged]) -> str:
    """How many numbers stand behind it."""
    read, there = sum(t.difference.count for t in tensors), sum(t.numbers for t in tensors)
    rest = "; --full reads all" if read < there and not any(t.digests for t in tensors) else ""
    return f"{read:,} of {there:,} numbers of these tensors were compared{rest}"


def noise_told(noise: Noise, compared: int) -> str:
    """`the difference is zero-mean Gaussian, sd 1.41e-3 in 291 of 291 tensors, equal over norms, biases and matrices: …`"""
    shape = min(KURTOSES, key=lambda name: abs(noise.kurtosis - KURTOSES[name]))
    kind = {"normal": "Gaussian", "uniform": "uniform"}[shape]
    over = _listed([PLURALS[name] for name in noise.classes])
    level = {
        "equal": f"equal over {over}",
        "proportional": f"in {over} in proportion to the spread of each tensor",
        "": f"from {noise.smallest:.3g} to {noise.largest:.3g} over {over}, of one size inside each tensor",
    }[noise.level]
    low, high = noise.scales
    factor = f"a factor of {low:.5g}" if high - low <= SAME_FACTOR * high else f"factors from {low:.5g} to {high:.5g}"
    scaled = f" after {factor}" if max(abs(low - 1), abs(high - 1)) > SAME_FACTOR else ""
    return (
        f"the difference{scaled} is zero-mean {kind}, sd {noise.sd:.3g} in {noise.tensors:,} of {compared:,} tensors, "
        f"{level}, independent from value to value: training does not do this"
    )


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
