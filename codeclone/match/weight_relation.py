"""What one tensor is to another, and what a whole checkpoint is: the same, rounded, with noise on top, trained further, a stranger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

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

SAME_LEVEL = 0.03
"""Largest coefficient of variation of the sd over tensors, beyond what sampling makes of equal ones, that is called equal."""

LOW_RANK = 8
"""A difference whose singular values hold 99 % in an eighth of them is of low rank."""


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
    """`places`: of the left and of the right tensor. `types`: as the files name them. `numbers`: as `Judged.numbers`."""
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
    if noisy:
        return "noise", noisy
    if kind not in MATRICES:
        return "not told", ""  # strangers' gains and biases follow the same curves
    if not related:
        return "unrelated", ""
    if d.rank and d.edge > NOISE_EDGE and d.rank * LOW_RANK <= math.sqrt(d.count):
        return "low rank", ""
    return "changed", ""


def _made(d: Difference, types: tuple[str, str]) -> tuple[Relation, Literal["left", "right"]] | None:
    """Quantised or pruned, and which side was made."""
    if d.kept >= ALL and d.left_zeros >= LEAST_PRUNED and not d.right_zeros:
        return "pruned", "left"
    if d.kept >= ALL and d.right_zeros >= LEAST_PRUNED and not d.left_zeros:
        return "pruned", "right"
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


# A whole checkpoint


def beside_matrices(tensors: Sequence[Judged]) -> list[Judged]:
    """The same, without what vectors and the smallest matrices alone seem to be: two curves that all models of an architecture follow
    differ by what looks like noise, and by no more than a coarse type would round; and so does one that was trained from the other.
    Noise is told where a matrix shows it in which a change of a few directions would have been seen."""
    matrices = [t for t in tensors if t.kind in MATRICES]
    alone: set[Relation] = set()
    if not any(t.relation == "noise" and not math.isnan(t.difference.edge) for t in matrices):
        alone.add("noise")
    if all(t.relation in ("unrelated", "not told") for t in matrices):
        alone.add("rounded")
    return [replace(t, relation="not told", toward="") if t.relation in alone else t for t in tensors]


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise on top of a checkpoint."""

    sd: float
    """Of all tensors together."""
    tensors: int
    """In which it is found."""
    spread: float
    """Coefficient of variation of the sd over the tensors, less what sampling makes of equal ones."""
    relative: float
    """The same of the sd in units of the tensor's own."""
    smallest: float
    """sd in the tensor that has least."""
    largest: float
    kurtosis: float
    """Of all tensors together."""
    classes: tuple[TensorClass, ...]
    scales: tuple[float, float]
    """Smallest and largest factor that goes with it; 1 where there is none."""
    scaled: int
    """Tensors with a factor other than 1."""

    @property
    def level(self) -> Literal["equal", "proportional", ""]:
        """How its sd goes with the tensors; empty where each has one of its own."""
        if self.spread <= SAME_LEVEL:
            return "equal"
        return "proportional" if self.relative <= SAME_LEVEL else ""


@dataclass(frozen=True, slots=True)
class Overall:
    """What the left checkpoint is to the right one, by the tensors that tell."""

    relation: Relation
    counts: dict[Relation, int]
    """Tensors."""
    amounts: dict[Relation, int]
    """Numbers of these tensors."""
    noise: Noise | None
    """None where no tensor shows any."""

    @property
    def told(self) -> int:
        """Tensors of which it can be told whether they have to do with their counterpart."""
        return sum(self.counts.values()) - self.counts.get("not told", 0)

    @property
    def related(self) -> int:
        """Tensors that have to do with their counterpart."""
        return sum(self.counts.get(relation, 0) for relation in RELATED_TO)

    def numbers(self, *relations: Relation) -> int:
        """Numbers, read or not, of the left tensors with these relations."""
        return sum(self.amounts.get(relation, 0) for relation in relations)


def overall(tensors: Sequence[Judged]) -> Overall:
    """The relation of at least `MOST` of the tensors that have to do with their counterpart, by the matrices where there are any;
    `changed` for a mixture of what training does and what it does not."""
    counts: Counter[Relation] = Counter(tensor.relation for tensor in tensors)
    noise = noise_of(tensors)
    told = [t for t in tensors if t.relation != "not told"]
    matrices = [t for t in told if t.kind in MATRICES] or told
    shares = Counter(t.relation for t in matrices)
    related = len(matrices) - shares.pop("unrelated", 0)
    relation: Relation = "unrelated" if matrices else "not told"
    if related:
        best = _most(shares)
        made = [name for name in MADE if shares[name]]
        if shares[best] >= MOST * related:
            relation = best
        elif sum(shares[name] for name in made) >= MOST * related:
            # What is equal may have been left as it was by whatever was done to the others.
            relation = _most({name: shares[name] for name in made if name != "identical"})
        else:
            relation = "changed"
    amounts: Counter[Relation] = Counter()
    for tensor in tensors:
        amounts[tensor.relation] += tensor.numbers
    return Overall(
        relation,
        {name: counts[name] for name in RELATIONS if counts[name]},
        {name: amounts[name] for name in RELATIONS if counts[name]},
        noise,
    )


def _most(shares: Mapping[Relation, int]) -> Relation:
    """That of most; of equals the one that comes first."""
    return max(shares, key=lambda name: (shares[name], -RELATIONS.index(name)))


def noise_of(tensors: Sequence[Judged]) -> Noise | None:
    """The noise of all tensors in which it is visible; None where none shows any."""
    noisy = [t for t in tensors if t.relation == "noise"]
    if not noisy:
        return None
    weights = np.array([t.difference.visible for t in noisy], np.float64)
    sds = np.array([t.difference.noise for t in noisy])
    scales = np.array([max(t.difference.right_sd, 1e-300) for t in noisy])
    kurtosis = float(np.average([t.difference.kurtosis for t in noisy], weights=weights))
    return Noise(
        sd=float(np.sqrt((weights * sds**2).sum() / weights.sum())),
        tensors=len(noisy),
        spread=_beyond_sampling(sds, weights),
        relative=_beyond_sampling(sds / scales, weights),
        smallest=float(sds.min()),
        largest=float(sds.max()),
        kurtosis=kurtosis,
        scaled=sum(t.scale != 1 for t in noisy),
        scales=(min(t.scale for t in noisy), max(t.scale for t in noisy)),
        classes=tuple(dict.fromkeys(sorted(t.kind for t in noisy))),
    )


def _beyond_sampling(values: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Coefficient of variation, each value counting as exactly as it is known: an sd of n values is known up to 1 / sqrt(2 n)."""
    weights = counts / counts.sum()
    mean = float((weights * values).sum())
    if not mean:
        return 0.0
    variance = float((weights * (values / mean - 1) ** 2).sum())
    return math.sqrt(max(0.0, variance - float((weights / (2 * counts)).sum())))
