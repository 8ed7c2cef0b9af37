"""Rungs W2 to W6: do the neurons of two blocks have a common origin, in their place, in another order, or in another basis?

The null hypothesis of each is that the two were initialised independently. Then the order of the neurons of one says nothing
about that of the other, for any order of them is the same model. What is left of an initialisation after training is enough to
reject it, so a small chance shows a shared origin and no copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from codeclone.match.chances import (
    PERMUTATIONS,
    binomial,
    either,
    matching_bound,
    order_chance,
    permutation_chance,
    permutations,
)
from codeclone.match.weight_samples import finite

Matrix = NDArray[np.float64]

MOST_ASSIGNED = 256
"""Neurons that are assigned to each other: the work grows with the third power."""

QUERIES = 1_024
"""Neurons for which the most alike one is looked for."""

MOST_GRAM, GRAM_PERMUTATIONS = 64, 3_999
"""Neurons whose products with each other are permuted, and how often: two blocks have to do to reject independence."""

FEW = 100
"""Orders that are worked on at once: 3 MB."""

LEAST_WIDTH = 8
"""Values of a neuron; of fewer nothing is told."""

NEGLIGIBLE = 1e-6
"""Length of a row, in units of what it was before something was taken out of it, that is nothing but rounding: float32 has 6e-8."""

AT_ONCE = 2**23
"""Cosines that are held at once: 32 MB."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One rung in one block."""

    statistic: float
    chance: float
    size: int
    """Neurons."""


def directions(rows: NDArray[np.float32]) -> Matrix:
    """Rows of length 1, then columns of mean 0: what all rows have in common, strangers have in common as well."""
    values = finite(rows).astype(np.float64)
    lengths = np.sqrt((values**2).sum(1, keepdims=True))
    scaled = values / np.where(lengths > 0, lengths, 1.0)
    return np.asarray(scaled - scaled.mean(0), np.float64)


def unit(rows: Matrix) -> Matrix:
    """Rows of length 1, of rows that had it before something was taken out; 0 where nothing is left of one."""
    lengths = np.sqrt((rows**2).sum(1, keepdims=True))
    return np.asarray(rows / np.where(lengths > NEGLIGIBLE, lengths, np.inf), np.float64)


def aligned_rows(left: Matrix, right: Matrix, its_seed: int) -> Trial:
    """W2: S = sum of <a_i, b_i> of rows as `directions` gives them; z by the exact variance tr(A'A B'B) / (n - 1)."""
    size = len(left)
    products = left @ right.T
    observed = float(np.trace(products))
    # Rows add up to nothing, so S is 0 in the mean over all orders.
    deviation = float(np.sqrt(max((products**2).sum() / (size - 1), 1e-300)))
    orders = permutations(PERMUTATIONS, size, its_seed)
    drawn = products[np.arange(size), orders].sum(1)
    cosines = unit(left) @ unit(right).T
    bound = matching_bound(cosines, float(np.trace(cosines)))
    return Trial(observed / deviation, either([permutation_chance(observed, drawn), bound]), size)


def assigned(left: Matrix, right: Matrix, its_seed: int) -> Trial:
    """W3: Spearman's correlation of the best assignment with the order as it is (Zhu et al. 2025, section 3).

    Rows are shuffled before: among equal ones, as zeros are, the assignment keeps the order in which it finds them.
    """
    cosines = unit(left[:MOST_ASSIGNED]) @ unit(right[:MOST_ASSIGNED]).T
    size = len(cosines)
    shuffled = permutations(1, size, its_seed)[0]
    _, found = linear_sum_assignment(-cosines[:, shuffled])
    order = shuffled[found]
    off = float(((order - np.arange(size)).astype(np.float64) ** 2).sum())
    correlation = 1 - 6 * off / (size * (size**2 - 1))
    return Trial(correlation, order_chance(correlation, size), size)


Views = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Two views of the same neurons, (neurons, values) each, as `two_views` gives them."""


def two_views(views: Sequence[NDArray[np.float32]], way: tuple[int, int], most: int | None = None) -> Views:
    """Two of the views, of the first `most` neurons: directions of length 1, the second without its part along the first where
    they have the same values, for what one view of a neuron has of the other would tell both of them the same."""
    one, two = (directions(views[at])[:most] for at in way)
    one, two = unit(one), unit(two)
    if one.shape == two.shape:
        two = unit(two - (one * two).sum(1, keepdims=True) * one)
    return one.astype(np.float32), two.astype(np.float32)


def most_alike(left: Views, right: Views) -> tuple[Trial, NDArray[np.int64]]:
    """W4 and W5: neurons whose most alike one of the other side is the same by two views, in any order; and which that is, or -1.

    By chance two views agree as often as their choices fall on the same neurons: sum over j of the shares that choose j.
    """
    queries, neurons = len(left[0]), len(right[0])
    first, second = (_nearest(one, other) for one, other in zip(left, right, strict=True))
    agreeing = first == second
    shares = [np.bincount(choice, minlength=neurons) / queries for choice in (first, second)]
    chance = max(float(shares[0] @ shares[1]), 1 / neurons)
    # Of true partners each is chosen once; so a neuron that many choose counts once.
    distinct = len(np.unique(first[agreeing]))
    return Trial(float(distinct), binomial(distinct, queries, chance), queries), np.where(agreeing, first, -1)


def _nearest(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.int64]:
    """The right row most alike to each left one, in either direction."""
    step = max(1, AT_ONCE // len(right))
    parts = [np.abs(left[first : first + step] @ right.T).argmax(1) for first in range(0, len(left), step)]
    return np.concatenate(parts)


def among(tested: Trial, looked: int) -> Trial:
    """The best of so many that were looked at (Bonferroni)."""
    return replace(tested, chance=either([tested.chance] * looked))


def neuron_products(left: NDArray[np.float32], right: NDArray[np.float32], its_seed: int) -> Trial:
    """W6: correlation of the products of neurons with each other, which no turning of what they read changes; neurons permuted."""
    size = min(len(left), MOST_GRAM)
    one, other = (_off_diagonal(side[:size, :size].astype(np.float64)) for side in (left, right))
    norm = float(np.sqrt((one**2).sum() * (other**2).sum()))
    if not norm:
        return Trial(0.0, 1.0, size)
    observed = float((one * other).sum()) / norm
    orders = permutations(GRAM_PERMUTATIONS, size, its_seed)
    drawn = (
        np.concatenate([_products(one, other, orders[first : first + FEW]) for first in range(0, len(orders), FEW)])
        / norm
    )
    away = (observed - float(drawn.mean())) / (float(drawn.std()) or 1.0)
    return Trial(away, permutation_chance(observed, drawn), size)


def _products(one: Matrix, other: Matrix, orders: NDArray[np.int64]) -> Matrix:
    """Of each order the sum of one[i, j] other[order i, order j]."""
    moved = other[orders[:, :, None], orders[:, None, :]]
    return np.asarray(moved.reshape(len(orders), -1) @ one.ravel(), np.float64)


def _off_diagonal(products: Matrix) -> Matrix:
    """Without the diagonal, and about the mean of the rest."""
    size = len(products)
    mean = (products.sum() - np.trace(products)) / (size * (size - 1))
    centred = products - mean
    np.fill_diagonal(centred, 0.0)
    return np.asarray(centred, np.float64)
