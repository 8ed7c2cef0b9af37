"""W0 and W8: each tensor of the left beside that of the right, value by value, in its place or row by row in another order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_alignment import Aligned, Side, grids
from codeclone.match.weight_blocks import spread
from codeclone.match.weight_difference import LEAST_SPREAD, difference, held
from codeclone.match.weight_groups import MATRICES, class_of, is_weights
from codeclone.match.weight_overall import beside_matrices
from codeclone.match.weight_relation import (
    MADE,
    MOST,
    Judged,
    Part,
    independent,
    judged,
    noise_when_scaled,
    structureless,
)
from codeclone.match.weight_rungs import directions, unit
from codeclone.match.weight_whole import Whole, with_all

Values = NDArray[np.float32]
Both = tuple[Values, Values]

MOST_SPECTRA = 96
"""Matrices whose difference is taken apart into singular values, spread over the model."""

SAME_ROW, ROW_LEAD = 0.5, 0.1
"""Least cosine of two rows that are taken for one, and by how much it has to be ahead of the next best: of 65,536 pairs of rows of
256 independent values the largest cosine is about 0.3."""

LEAST_WIDE = 64
"""Values of a row that is looked for in another place."""

LEAST_PART = 0.05
"""Share of the rows that were sampled, of which at least so many have to be found again."""


def judged_tensors(left: Side, right: Side, pairs: Aligned) -> list[Judged]:
    """Each pair of tensors by their samples."""
    found = []
    wanted = [(one, other) for one, other in pairs.pairs.items() if is_weights(left.checkpoint.tensors[one])]
    with_spectrum = spread(
        [one for one, _ in wanted if class_of(left.checkpoint.tensors[one]) in MATRICES], MOST_SPECTRA
    )
    for one, other in wanted:
        values = grids(left, right, {one: other}, one)
        its = _judged(left, right, (one, other), values, one in with_spectrum) if values is not None else None
        ours, theirs = left.sample(one), right.sample(other)
        if its is None or values is None or ours is None or theirs is None:
            continue
        if left.shape(one) != right.shape(other):
            found.append(replace(its, part=its.part or Part(len(values[0]), len(ours.values), 0)))
        else:
            known = ours.whole and theirs.whole
            found.append(replace(its, same_values=ours.digest == theirs.digest if known else None))
    return beside_matrices(found)


def judged_whole(left: Side, right: Side, tensor: Judged, whole: Whole) -> Judged:
    """The same tensor, now by all of its values; of one that was told by a part of its rows what the sample says."""
    known = replace(tensor, digests=whole.digests, same_values=whole.same_values)
    if tensor.part is not None or tensor.scale != 1:
        return known
    values = grids(left, right, {tensor.left: tensor.right}, tensor.left)
    assert values is not None
    types = types_of(left, right, (tensor.left, tensor.right), values)
    its = judged((tensor.left, tensor.right), tensor.kind, with_all(tensor.difference, whole), types, tensor.numbers)
    return replace(its, digests=whole.digests, same_values=whole.same_values)


def _judged(left: Side, right: Side, places: tuple[int, int], values: Both, spectrum: bool) -> Judged | None:
    types = types_of(left, right, places, values)
    its = difference(*values, types, spectrum)
    if its is None:
        return None
    tensor = left.checkpoint.tensors[places[0]]
    numbers = math.prod(tensor.shape or ())
    found = judged(places, class_of(tensor), its, types, numbers)
    if found.relation == "changed":
        found = _scaled(found, values, types, spectrum)
    if found.kind in MATRICES and found.relation in ("changed", "unrelated"):
        found = _by_rows(found, values, types, spectrum)
    return found


def types_of(left: Side, right: Side, places: tuple[int, int], values: Both) -> tuple[str, str]:
    """The narrowest types that hold the values of both."""
    tensors = left.checkpoint.tensors[places[0]], right.checkpoint.tensors[places[1]]
    return held(values[0], tensors[0].dtype), held(values[1], tensors[1].dtype)


def _scaled(found: Judged, values: Both, types: tuple[str, str], spectrum: bool) -> Judged:
    """The tensor as one side times a factor with noise on top, if that is what it is. The factor is that of the spreads, which
    treats both sides alike: so it does not tell which of them has the noise."""
    factor = found.difference.left_sd / found.difference.right_sd
    its = difference(values[0], (values[1] * np.float32(factor)).astype(np.float32), types, spectrum)
    if its is None or not noise_when_scaled(its):
        return found
    return replace(found, difference=its, relation="noise", scale=factor)


def as_drawn(left: Side, tensors: Sequence[Judged]) -> bool:
    """Whether nearly all matrices that are equal or rounded look as a library draws them before any training: values that have
    nothing to do with each other, in rows of one size, and gains that are all the same. Matrices that are too small to show it count
    where others still are constant."""
    sampled = [*zip(left.samples.tensors, left.checkpoint.tensors, strict=True)]
    if any(its is not None and its.varies and class_of(tensor) == "norm" for its, tensor in sampled):
        return False
    same = [t.left for t in tensors if t.relation in ("identical", "rounded") and t.kind in MATRICES]
    samples = [its for place in sorted(spread(same, MOST_SPECTRA)) if (its := left.sample(place)) is not None]
    large = [its for its in samples if min(its.values.shape) >= LEAST_SPREAD]
    constant = any(its is not None and not its.varies and class_of(tensor) in MATRICES for its, tensor in sampled)
    found = [difference(its.values, np.zeros_like(its.values), ("F32", "F32")) for its in large or samples * constant]
    drawn = [its is not None and (structureless(its) if large else independent(its)) for its in found]
    return bool(drawn) and sum(drawn) >= MOST * len(drawn)


# Row by row


def _by_rows(found: Judged, values: Both, types: tuple[str, str], spectrum: bool) -> Judged:
    """The tensor by those of its rows, or of its columns, that both sides have, in whatever order; as it was where they are few, or
    where they tell no more than all together."""
    for both in (values, (values[0].T, values[1].T)):
        if both[0].shape[1] < LEAST_WIDE or len(both[0]) < LEAST_SPREAD:
            continue
        ours, theirs = _partners(*both)
        if len(ours) < max(LEAST_SPREAD, LEAST_PART * len(both[0])):
            continue
        moved = int(np.count_nonzero(ours != theirs))
        if not moved and len(ours) >= MOST * len(both[0]) and found.relation == "changed":
            continue  # all are in their places, and training moved them
        its = difference(np.ascontiguousarray(both[0][ours]), np.ascontiguousarray(both[1][theirs]), types, spectrum)
        if its is None:
            continue
        part = judged((found.left, found.right), found.kind, its, types, found.numbers)
        if part.relation == "changed":
            part = _scaled(part, (both[0][ours], both[1][theirs]), types, spectrum)
        if part.relation in MADE or (found.relation == "unrelated" and part.relation not in ("unrelated", "not told")):
            return replace(part, part=Part(len(ours), len(both[0]), moved))
    return found


def _partners(left: Values, right: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(left rows, right rows) that are each other's most alike, well ahead of the next."""
    cosines = unit(directions(left)) @ unit(directions(right)).T
    best = cosines.argmax(1)
    rows = np.arange(len(cosines))
    top = cosines[rows, best]
    mutual = cosines.argmax(0)[best] == rows
    others = cosines.copy()
    others[rows, best] = -1.0
    ahead = np.maximum(others.max(1), others.max(0)[best]) + ROW_LEAD
    kept = np.flatnonzero(mutual & (top >= SAME_ROW) & (top >= ahead))
    if len(kept):  # a row whose own partner was not sampled may find one that is like it, less so than partners are
        kept = kept[top[kept] >= np.median(top[kept]) - ROW_LEAD]
    return kept, best[kept]
