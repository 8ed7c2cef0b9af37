"""What one tensor is to another: the same, rounded, quantised, pruned, with noise on top, trained further, a stranger."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from codeclone.match.weight_difference import MANTISSA, Difference
from codeclone.match.weight_groups import MATRICES, TensorClass

Relation = Literal[
    "identical", "rounded", "quantised", "pruned", "noise", "low rank", "changed", "unrelated", "not told"
]
RELATIONS: tuple[Relation, ...] = get_args(Relation)

UNRELATED: tuple[Relation, ...] = ("unrelated", "not told")
RELATED_TO: tuple[Relation, ...] = tuple(name for name in RELATIONS if name not in UNRELATED)
"""Of a tensor that has to do with its counterpart."""

MADE: tuple[Relation, ...] = ("identical", "rounded", "quantised", "pruned", "noise")
"""Relations in which the one is made of the other value by value, which no training does."""

RELATED = 0.2
"""Least correlation of two matrices that have to do with each other; a fine-tuned one has over 0.9."""

SURE = 8.0
"""Standard errors that a correlation has to be away from 0."""

ALL = 0.999
"""Share of the values for which a relation has to hold that holds for all: a file may have been touched here and there."""

MOST = 0.95
"""Share of the tensors that make a relation that of the checkpoint."""

LEAST_PRUNED = 0.02
"""Share of the values that are zero on one side alone."""

MOST_OVER = 0.01
"""Share of the values that were set to zero that may be larger than some that stayed; of zeros that were filled in more are."""

NOISE_KURTOSIS, NOISE_EDGE, NOISE_ROWS, NOISE_ERRORS = 0.12, 1.15, 1.2, 5.0
"""Of independent noise: largest distance of the kurtosis from that of its distribution, beyond four standard errors; largest s1 in
units of what is expected, and spread of rows, beyond four standard errors; standard errors by which mean and slope may be off.
Updates of training come to s1 of 1.5 and more (docs/weights.md)."""

KURTOSES = {"normal": 0.0, "uniform": -1.2}

MOST_SLOPE_ERROR = 0.05
"""Standard error of the slope, with which a slope of 0, that of strangers, is far from 1."""

LEAST_SCALED = 0.98
"""Correlation from which on what is left after a factor is taken for noise: the difference of strangers looks like noise as well, and
that of small layers that were trained twice on the same features nearly so."""

LEAST_NOISY = 48
"""Values by which noise is told from other differences."""

LOW_RANK = 8
"""A difference of which an eighth of the singular values hold 99 % is of low rank."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows, or columns, by which a tensor is told where it is not told as a whole."""

    found: int
    """That both sides have, of those that were sampled."""
    sampled: int
    moved: int
    """Of those found, the ones that stand elsewhere on the right."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A tensor of the left, the right one that it was compared with, and what the two are to each other."""

    left: int
    right: int
    kind: TensorClass
    difference: Difference
    relation: Relation
    numbers: int = 0
    """Of the tensor, read or not."""
    scale: float = 1.0
    """Factor of the right by which the difference was taken."""
    part: Part | None = None
    """None where all of it was compared in its place."""
    toward: Literal["", "left", "right"] = ""
    """The side that was made of the other, where the values say so."""
    digests: tuple[str, str] | None = None
    """SHA-256 of both payloads as they are stored; None where they were not read in whole."""
    same_values: bool | None = None
    """Whether all values are equal; None where not all were read."""


def judged(
    places: tuple[int, int], kind: TensorClass, difference: Difference, types: tuple[str, str], numbers: int
) -> Judged:
    """`places`: of the left and of the right tensor. `types`: the narrowest that hold the values. `numbers`: as `Judged.numbers`."""
    relation, toward = _relation(difference, kind, types)
    return Judged(*places, kind, difference, relation, numbers, toward=toward)


def _relation(
    d: Difference, kind: TensorClass, types: tuple[str, str]
) -> tuple[Relation, Literal["", "left", "right"]]:
    if not d.left_sd or not d.right_sd:
        return "not told", ""  # a side is constant: many are, at the beginning of training
    if d.equal == 1:
        return "identical", ""
    rounded = d.left_rounded >= ALL, d.right_rounded >= ALL
    if any(rounded):
        # Both: nearly all values are equal, and the few others were touched on whichever side.
        return "rounded", "" if all(rounded) else "left" if rounded[0] else "right"
    related = d.correlation >= max(RELATED, SURE / math.sqrt(d.count))
    if related and kind in MATRICES:
        made = _made(d, types)
        if made is not None:
            return made
    noisy = _noisy(d)
    if noisy and (related or kind not in MATRICES):
        return "noise", noisy
    if kind not in MATRICES:
        return "not told", ""  # strangers' gains and biases follow the same curves
    if not related:
        return "unrelated", ""
    if d.rank and d.edge > NOISE_EDGE and d.rank * LOW_RANK <= min(d.rows, d.columns):
        return "low rank", ""
    return "changed", ""


def _made(d: Difference, types: tuple[str, str]) -> tuple[Relation, Literal["", "left", "right"]] | None:
    """Quantised or pruned, and which side was made."""
    if d.kept >= ALL and d.left_zeros >= LEAST_PRUNED and not d.right_zeros:
        return "pruned", "left" if d.left_cut <= MOST_OVER else ""
    if d.kept >= ALL and d.right_zeros >= LEAST_PRUNED and not d.left_zeros:
        return "pruned", "right" if d.right_cut <= MOST_OVER else ""
    if d.left_grid >= 0.9 > d.right_grid or (types[0] not in MANTISSA and types[1] in MANTISSA and _scaled(d)):
        return "quantised", "left"
    if d.right_grid >= 0.9 > d.left_grid or (types[1] not in MANTISSA and types[0] in MANTISSA and _scaled(d)):
        return "quantised", "right"
    return None


def _scaled(d: Difference) -> bool:
    """The side that is stored in few bits follows the other up to a factor, as whole numbers with their scale elsewhere do."""
    return d.correlation >= 0.9


def noise_when_scaled(d: Difference) -> bool:
    """Whether the difference from a side that was multiplied by the ratio of both spreads is independent noise, smaller than the
    weights. Slopes say nothing then: the factor has taken their place."""
    return d.correlation >= LEAST_SCALED and d.slope_error <= MOST_SLOPE_ERROR and independent(d)


def independent(d: Difference) -> bool:
    """Whether the difference looks like values that were drawn one by one, about 0."""
    if math.isnan(d.noise) or d.visible < LEAST_NOISY or math.isnan(d.kurtosis):
        return False
    margin = NOISE_KURTOSIS + 4 * math.sqrt(24 / d.visible)
    if min(abs(d.kurtosis - expected) for expected in KURTOSES.values()) > margin:
        return False
    return structureless(d)


def structureless(d: Difference) -> bool:
    """Whether no direction, no row and no sign of the difference stands out."""
    rows = NOISE_ROWS + 4 / math.sqrt(2 * max(1, d.rows))
    return not (d.edge > NOISE_EDGE or d.row_spread > rows or abs(d.mean) > NOISE_ERRORS * d.sd / math.sqrt(d.count))


def _noisy(d: Difference) -> Literal["", "left", "right"]:
    """The side that is the other one with independent noise on top; empty where the difference is no such noise."""
    if not independent(d) or not d.slope_error <= MOST_SLOPE_ERROR:
        return ""  # two vectors of few values that have nothing to do with each other would do
    off = abs(d.slope_left - 1), abs(d.slope_right - 1)
    if min(off) > NOISE_ERRORS * d.slope_error:
        return ""
    return "left" if off[0] <= off[1] else "right"
