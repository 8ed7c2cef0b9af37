"""Which tensor of the left goes with which of the right one, when names have had their say: by what stands in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_formulas import without_unit
from codeclone.match.weight_groups import MATRICES, class_of, is_weights
from codeclone.match.weight_positions import chosen
from codeclone.match.weight_samples import ROWS, Samples, TensorSample, first_column
from codeclone.model import Checkpoint, Tensor, matrix_shape

CORNER = 32
"""Rows and columns by which tensors of one shape are compared with each other."""

LEAST_VALUES = 256

ALIKE = 0.35
"""Correlation from which on two tensors are taken for one: of 256 values strangers reach it once in 10^8 pairs."""

LEAD = 0.1
"""By which the best has to be ahead of the next best."""

MOST_TABLES = 8
"""Tables on a side that are compared with those of another length."""

MOST_OF_A_SHAPE = 3_000
"""Tensors of one shape on a side that are compared with each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A checkpoint and what is kept of its numbers; equal to itself alone, so that what is worked out of it can be kept."""

    checkpoint: Checkpoint
    samples: Samples

    def shape(self, place: int) -> tuple[int, ...] | None:
        return self.checkpoint.tensors[place].shape

    def sample(self, place: int) -> TensorSample | None:
        return self.samples.tensors[place]


@dataclass(frozen=True, slots=True)
class Aligned:
    """Pairs of tensors of one shape, or tables of one width, whose numbers were read on both sides."""

    pairs: Mapping[int, int]
    """Place on the left -> place on the right."""
    by_content: frozenset[int]
    """Left places whose partner is another one than names and shapes say, or that had none."""
    tried: Mapping[int, int]
    """Left place -> tensors among which its partner was looked for; of those `by_content`."""


def aligned(left: Side, right: Side, mapping: Iterable[tuple[int, int]]) -> Aligned:
    """`mapping`: pairs by names and shapes."""
    pairs = {one: other for one, other in mapping if _comparable(left, one, right, other)}
    ours, theirs = _corners(left), _corners(right)
    found: dict[int, int] = {}
    tried: dict[int, int] = {}
    for key, (places, rows) in ours.items():
        if key not in theirs or max(len(places), len(theirs[key][0])) > MOST_OF_A_SHAPE:
            continue
        others, columns = theirs[key]
        alike = rows @ columns.T
        at = {place: number for number, place in enumerate(others)}
        named = [at.get(pairs.get(place, -1), -1) for place in places]
        for row, column in _mutual(alike):
            if named[row] != column and (named[row] < 0 or alike[row, column] >= alike[row, named[row]] + LEAD):
                found[places[row]] = others[column]
                tried[places[row]] = len(others)
    taken = {*found.values()}
    kept = {one: other for one, other in pairs.items() if one not in found and other not in taken} | found
    kept |= _of_other_lengths(left, right, kept)
    return Aligned(dict(sorted(kept.items())), frozenset(found), tried)


def _of_other_lengths(left: Side, right: Side, pairs: Mapping[int, int]) -> dict[int, int]:
    """Tables of one width, such as embeddings to which tokens were added, whose common rows are alike. Of twins, as tied ones are when
    they are stored twice, the first."""
    ours, theirs = _tables(left, pairs.keys()), _tables(right, pairs.values())
    alike = np.array([[_alike(left, right, one, other) for other in theirs] for one in ours], np.float32)
    return {ours[row]: theirs[column] for row, column in _mutual(alike, lead=0.0)} if alike.size else {}


def _tables(side: Side, taken: Collection[int]) -> list[int]:
    """Places of the first matrices without a partner."""
    free = (
        place
        for place, tensor in enumerate(side.checkpoint.tensors)
        if place not in taken and side.sample(place) is not None and class_of(tensor) in MATRICES
    )
    return [*islice(free, MOST_TABLES)]


def _alike(left: Side, right: Side, one: int, other: int) -> float:
    if (left.shape(one) or ())[1:] != (right.shape(other) or ())[1:]:
        return 0.0
    values = grids(left, right, {one: other}, one)
    if values is None or len(values[0]) < CORNER:
        return 0.0
    one_corner, other_corner = (_direction(side[:CORNER, :CORNER]) for side in values)
    return float(one_corner @ other_corner) if one_corner is not None and other_corner is not None else 0.0


def _comparable(left: Side, one: int, right: Side, other: int) -> bool:
    first, second = left.sample(one), right.sample(other)
    return first is not None and second is not None and left.shape(one) == right.shape(other)


def in_both(one: TensorSample, other: TensorSample) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The values that both samples of tensors of one shape have: one may be smaller than the other."""
    rows = min(len(one.values), len(other.values))
    columns = min(one.values.shape[1], other.values.shape[1])
    return one.values[:rows, :columns], other.values[:rows, :columns]


def grids(
    left: Side, right: Side, pairs: Mapping[int, int], place: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """The values of a left tensor and of its right one that both samples have, without the unit matrix that both may have begun
    with; None where it has none."""
    ours = left.sample(place)
    theirs = right.sample(pairs[place]) if place in pairs else None
    if ours is None or theirs is None:
        return None
    (rows, columns), (length, _) = (
        matrix_shape(its.shape(at) or ()) for its, at in ((left, place), (right, pairs[place]))
    )
    if rows != length:
        return _common_rows((ours, rows), (theirs, length))
    values = in_both(ours, theirs)
    return _without_unit(values, rows) if rows == columns else values


def _common_rows(
    one: tuple[TensorSample, int], other: tuple[TensorSample, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The rows that both samples have, with the number of rows of each tensor, and the columns."""
    first, second = (chosen(length, ROWS)[: len(sample.values)] for sample, length in (one, other))
    _, ours, theirs = np.intersect1d(first, second, return_indices=True)
    columns = min(its.values.shape[1] for its, _ in (one, other))
    return one[0].values[ours, :columns], other[0].values[theirs, :columns]


def _without_unit(
    values: tuple[NDArray[np.float32], NDArray[np.float32]], size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both less the unit matrix with which both began, if they did: strangers have it in common."""
    places, start = chosen(size, ROWS)[: len(values[0])], first_column(size, size)
    one, other = (without_unit(side, places, start) for side in values)
    return values if one is None or other is None else (one, other)


def closeness(left: Side, right: Side, pairs: Aligned) -> float:
    """Mean correlation of the corners of the matrices that go together; 0 where there are none."""
    ours, theirs = (
        {p: row for places, rows in _corners(side).values() for p, row in zip(places, rows, strict=True)}
        for side in (left, right)
    )
    same = (its for its in pairs.pairs.items() if left.shape(its[0]) == right.shape(its[1]))
    both = [(ours[one], theirs[other]) for one, other in same if one in ours and other in theirs]
    alike = [float(one @ other) for one, other in both if len(one) == len(other)]
    return sum(alike) / len(alike) if alike else 0.0


_Corners = dict[tuple[int, ...], tuple[list[int], NDArray[np.float32]]]


@lru_cache(maxsize=2)
def _corners(side: Side) -> _Corners:
    """Shape -> places of the matrices of that shape, and a corner of each as a vector of length 1."""
    found: dict[tuple[int, ...], tuple[list[int], list[NDArray[np.float32]]]] = {}
    for place, tensor in enumerate(side.checkpoint.tensors):
        shape = tensor.shape or ()
        if len(found.get(shape, ((), ()))[0]) > MOST_OF_A_SHAPE:
            continue  # so many are not compared with each other, and to see how near two checkpoints are these are enough
        corner = _corner(tensor, side.sample(place))
        if corner is not None:
            places, rows = found.setdefault(shape, ([], []))
            places.append(place)
            rows.append(corner)
    return {shape: (places, np.stack(rows)) for shape, (places, rows) in found.items()}


def _corner(tensor: Tensor, sample: TensorSample | None) -> NDArray[np.float32] | None:
    if sample is None or not is_weights(tensor) or class_of(tensor) not in MATRICES:
        return None
    return _direction(sample.values[:CORNER, :CORNER])


def _direction(values: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """As a vector of length 1; None for values that tell nothing."""
    if values.size < LEAST_VALUES or not np.isfinite(values).all():
        return None
    centred = values.astype(np.float64)
    centred -= centred.mean(0)
    norm = float(np.sqrt((centred**2).sum()))
    return (centred / norm).astype(np.float32).ravel() if norm > 0 else None


def _mutual(alike: NDArray[np.float32], lead: float = LEAD) -> Sequence[tuple[int, int]]:
    """Pairs in which each is the most alike to the other, ahead of the next by `lead`."""
    found = []
    columns, rows = alike.argmax(1), alike.argmax(0)
    for row, column in enumerate(columns.tolist()):
        best = float(alike[row, column])
        if int(rows[column]) != row or best < ALIKE:
            continue
        rest = np.concatenate([np.delete(alike[row], column), np.delete(alike[:, column], row)])
        if not len(rest) or best >= float(rest.max()) + lead:
            found.append((row, column))
    return found
