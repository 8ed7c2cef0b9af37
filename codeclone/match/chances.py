"""How likely a figure is if nothing but chance is behind it, and what several such figures come to."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

PERMUTATIONS = 999
"""Of a test; the smallest p that it can give by itself is one in a thousand."""

SMALLEST = 1e-300
"""Smaller chances are given as this."""

MOST_EVIDENCE = 1e6
"""What one family of tests counts for at most."""


def seed(names: Sequence[str]) -> int:
    """The number that random draws begin with: the SHA-256 of what is compared and of the test's name."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:16], "big")


def permutations(count: int, size: int, its_seed: int) -> NDArray[np.int64]:
    """(count, size): orders of 0 .. size - 1, each drawn with the same chance."""
    raw = np.random.PCG64(its_seed).random_raw(count * size)
    return np.argsort(raw.reshape(count, size), axis=1, kind="stable")


def permutation_chance(observed: float, drawn: NDArray[np.float64]) -> float:
    """(1 + permutations that come as high) / (1 + permutations): exact whatever the distribution (Phipson, Smyth 2010)."""
    return float(1 + np.count_nonzero(drawn >= observed)) / (1 + len(drawn))


def matching_bound(cosines: NDArray[np.float64], observed: float) -> float:
    """Upper limit of the chance that cosines[i, p(i)] add up to so much under a random order p.

    Chatterjee 2007, proposition 1.1, for values brought into [0, 1]: exp(-t^2 / (4 E + 2 t)).
    """
    size = len(cosines)
    expected = float(cosines.sum()) / size
    above = (observed - expected) / 2
    if above <= 0:
        return 1.0
    return max(SMALLEST, min(1.0, 2 * math.exp(-(above**2) / (4 * (expected + size) / 2 + 2 * above))))


def either(chances: Sequence[float]) -> float:
    """Of several tests of one thing the best, for having looked at all of them (Bonferroni)."""
    return min(1.0, len(chances) * min(chances))


def fisher(chances: Sequence[float]) -> float:
    """Independent tests together (Fisher 1925, section 21.1). 1 for none."""
    if not chances:
        return 1.0
    statistic = -2 * sum(math.log(max(chance, SMALLEST)) for chance in chances)
    return max(SMALLEST, float(special.chdtrc(2 * len(chances), statistic)))


def binomial(successes: int, trials: int, chance: float) -> float:
    """Chance of so many successes or more."""
    if successes <= 0:
        return 1.0
    return max(SMALLEST, float(special.bdtrc(successes - 1, trials, min(1.0, chance))))


def order_chance(correlation: float, size: int) -> float:
    """Chance that Spearman's correlation of a random order with the order as it is comes so high, by Student's distribution; no
    order is less likely than one among all."""
    smallest = max(SMALLEST, math.exp(-math.lgamma(size + 1)))
    if correlation >= 1:
        return smallest
    if correlation <= -1:
        return 1.0
    statistic = correlation * math.sqrt((size - 2) / (1 - correlation**2))
    return max(smallest, float(special.stdtr(size - 2, -statistic)))


def evidence(chance: float) -> float:
    """The e-value 1/2 p^(-1/2) of a p-value (Vovk, Wang 2021, section 2)."""
    return 0.5 / math.sqrt(max(chance, SMALLEST))


def together(chances: Sequence[float]) -> float:
    """Evidence of tests that depend on each other, capped: the mean of their e-values (Vovk, Wang 2021, section 3)."""
    if not chances:
        return 1.0
    return min(MOST_EVIDENCE, sum(map(evidence, chances)) / len(chances))
