"""What a whole checkpoint is to another, by what its tensors are to theirs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_groups import MATRICES, TensorClass
from codeclone.match.weight_relation import MADE, MOST, RELATED_TO, RELATIONS, Judged, Relation

SAME_LEVEL = 0.03
"""Largest coefficient of variation of the sd over tensors, beyond what sampling makes of equal ones, that is called equal."""


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
    """Numbers of these tensors, or of what was found of them."""
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
        amounts[tensor.relation] += _found(tensor)
    return Overall(
        relation,
        {name: counts[name] for name in RELATIONS if counts[name]},
        {name: amounts[name] for name in RELATIONS if counts[name]},
        noise,
    )


def _found(tensor: Judged) -> int:
    """Its numbers, those of a part where only that was found; none for a constant, which nobody counts."""
    if not tensor.difference.left_sd:
        return 0
    part = tensor.part
    return tensor.numbers if part is None or part.moved else round(tensor.numbers * part.found / part.sampled)


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
