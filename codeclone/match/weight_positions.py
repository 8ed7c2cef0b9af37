"""Which values of a tensor are sampled. It depends on sizes alone: two repositories that are read apart, one of them perhaps
gone by then, keep the same places, whatever their tensors are called.

Of a matrix a number of rows is taken and a run of columns. A smaller sample is the beginning of a larger one, and tables of two lengths
have nearly the same rows.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MOST_SORTED = 2**20
"""Rows whose whole order is worked out; of more, places are drawn until enough differ. Public vocabularies have up to 262,144."""

_GAMMA, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Constants of splitmix64 (Steele, Lea, Flood 2014, figure 17)."""


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers -> numbers that look drawn at random, one to one (splitmix64: Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        state = numbers + np.uint64(_GAMMA)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(_FIRST)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(_SECOND)
        return np.asarray(state ^ (state >> np.uint64(31)), np.uint64)


@lru_cache(maxsize=1_000)
def chosen(size: int, count: int) -> NDArray[np.int64]:
    """At most `count` of the places 0 .. size - 1, all different, in an order of which every beginning is a sample.

    Those with the smallest hashes (Broder 1997), so that two sizes share most; of more than `MOST_SORTED` drawn ones.
    """
    if size <= MOST_SORTED:
        hashes = mixed(np.arange(size, dtype=np.uint64))
        least = np.argpartition(hashes, count - 1)[:count] if count < size else np.arange(size)
        return _fixed(least[np.argsort(hashes[least])].astype(np.int64))
    drawn = mixed(np.arange(4 * count, dtype=np.uint64) + np.uint64(size)) % np.uint64(size)
    _, first = np.unique(drawn, return_index=True)
    return _fixed(drawn[np.sort(first)][:count].astype(np.int64))


def _fixed(places: NDArray[np.int64]) -> NDArray[np.int64]:
    places.setflags(write=False)
    return places


def start_of(size: int, most: int) -> int:
    """Where a run of up to `most` of `size` places begins; a multiple of 32, as blocks of quantised types are."""
    free = max(0, size - most) // 32 + 1
    return int(mixed(np.array([size], np.uint64))[0] % np.uint64(free)) * 32


def tokens(vocabulary: int, count: int) -> NDArray[np.int64]:
    """Ids of tokens, ascending, among the first `MOST_SORTED`."""
    return np.sort(chosen(min(vocabulary, MOST_SORTED), count))
