"""Which tensors of one shape begin with the same values, but for noise: what names and shapes leave open, these may tell.

No level rests on it. How likely it is that whole tensors agree so is another kind of evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from codeclone.model import Tensor

ALIKE = 0.3
"""Largest distance of two beginnings that are taken for one: half the mean square of their difference in the mean of their
variances. Two strangers have about 1; 16 values reach this by chance once in a thousand pairs, 32 once in a million."""

APART = 2.0
"""The next best has to be so many times as far away."""

MAX_GROUP = 2_000
"""Tensors of one shape on a side that are compared."""

Beginnings = Mapping[str, NDArray[np.float32]]


def same_beginnings(
    left: Sequence[Tensor], right: Sequence[Tensor], ours: Beginnings, theirs: Beginnings
) -> dict[int, int]:
    """Place of a left tensor -> place of the right one that alone begins like it, and it alone like that one."""
    found: dict[int, int] = {}
    others = _groups(right, theirs)
    for group, places in _groups(left, ours).items():
        rivals = others.get(group, [])
        if rivals and max(len(places), len(rivals)) <= MAX_GROUP:
            distances = _distances(
                np.stack([ours[left[place].name] for place in places]),
                np.stack([theirs[right[place].name] for place in rivals]),
            )
            for row, column in _mutual(distances):
                found[places[row]] = rivals[column]
    return found


def _groups(tensors: Sequence[Tensor], values: Beginnings) -> dict[tuple[object, int], list[int]]:
    groups: dict[tuple[object, int], list[int]] = {}
    for place, tensor in enumerate(tensors):
        its = values.get(tensor.name)
        if its is not None and len(its) and -np.inf < its.min() < its.max() < np.inf:
            groups.setdefault((tensor.shape, len(its)), []).append(place)
    return groups


def _distances(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float64]:
    """(left, right): 0 where equal, about 1 between strangers of one mean."""
    one, other = ours.astype(np.float64), theirs.astype(np.float64)
    squares = (one**2).mean(1)[:, None] + (other**2).mean(1)[None, :] - 2 * one @ other.T / one.shape[1]
    distances: NDArray[np.float64] = np.maximum(squares, 0.0) / (one.var(1)[:, None] + other.var(1)[None, :])
    return distances


def _mutual(distances: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs in which each is by far the nearest of the other."""
    found = []
    for row in range(len(distances)):
        column = int(distances[row].argmin())
        nearest = float(distances[row, column])
        rest = np.concatenate([np.delete(distances[row], column), np.delete(distances[:, column], row)])
        if nearest <= ALIKE and (not len(rest) or float(rest.min()) >= APART * nearest):
            found.append((row, column))
    return found
