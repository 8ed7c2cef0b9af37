"""MinHash signatures of many sets at once, and the pairs of sets that share a band.

Broder (1997), "On the resemblance and containment of documents"; bands: Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", section 3.4. The signatures are those of datasketch's `MinHash(scheme="affine64")` for the same seed, bit for
bit, so anything of datasketch's that holds signatures (`MinHashLSH` with its storages, `MinHashLSHForest`) can hold them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from datasketch import LeanMinHash, MinHashLSH

PERMUTATIONS = 64
SEED = 1
BANDS = 16
"""Of four rows each: sets that resemble each other by 0.5 share a band with probability 0.64, by 0.8 with 0.9998."""

MAX_BUCKET = 256
"""Of the sets on the right that share a band value, the first so many are taken."""

MAX_PAIRS = 1_500_000
"""Pairs from one band: with very many sets on the left, fewer are taken for each."""

_CHUNK = 1 << 15


@cache
def permutations(count: int = PERMUTATIONS, seed: int = SEED) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """(a, b) of the maps h -> a h + b modulo 2^64, a odd; drawn as datasketch draws them."""
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 63, count, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    b = generator.randint(0, 1 << 64, count, dtype=np.uint64)
    return a, b


def _premix(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """MurmurHash3's 64-bit finaliser (Appleby 2011), which datasketch applies before permuting."""
    keys = keys ^ (keys >> np.uint64(33))
    keys = keys * np.uint64(0xFF51AFD7ED558CCD)
    keys = keys ^ (keys >> np.uint64(33))
    keys = keys * np.uint64(0xC4CEB9FE1A85EC53)
    return keys ^ (keys >> np.uint64(33))


def signatures(
    keys: NDArray[np.uint64], owners: NDArray[np.int32], sets: int, count: int = PERMUTATIONS, seed: int = SEED
) -> NDArray[np.uint64]:
    """Signatures, shape (sets, count), of the sets of keys given as parallel arrays with ascending owners.

    The signature of an empty set is the largest integer throughout, as in datasketch.
    """
    result = np.full((sets, count), np.iinfo(np.uint64).max, np.uint64)
    if not len(keys):
        return result
    a, b = permutations(count, seed)
    mixed = _premix(keys)
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    present = owners[starts]
    for first in range(0, len(starts), _CHUNK):
        lo = starts[first]
        hi = starts[first + _CHUNK] if first + _CHUNK < len(starts) else len(keys)
        block, inside = mixed[lo:hi], starts[first : first + _CHUNK] - lo
        rows = present[first : first + _CHUNK]
        for column in range(count):
            result[rows, column] = np.minimum.reduceat(block * a[column] + b[column], inside)
    return result


def shared_bands(
    left: NDArray[np.uint64], right: NDArray[np.uint64], bands: int = BANDS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (row of left, row of right) of signatures that agree on all rows of some band, each pair once, ascending.

    Rows that are the signature of an empty set are in no pair.
    """
    rows = left.shape[1] // bands if left.size else 1
    found: list[NDArray[np.int64]] = []
    nothing = np.iinfo(np.uint64).max
    for band in range(bands):
        columns = slice(band * rows, (band + 1) * rows)
        one, other = _band_keys(left[:, columns]), _band_keys(right[:, columns])
        order = np.argsort(other, kind="stable")
        lows = np.searchsorted(other[order], one, "left")
        highs = np.searchsorted(other[order], one, "right")
        sizes = np.minimum(highs - lows, max(4, min(MAX_BUCKET, MAX_PAIRS // max(1, len(left)))))
        sizes[left[:, 0] == nothing] = 0
        lefts = np.repeat(np.arange(len(one)), sizes)
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rights = order[np.repeat(lows, sizes) + within]
        found.append(lefts * max(1, len(right)) + rights)
    pairs = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    return pairs // max(1, len(right)), pairs % max(1, len(right))


def _band_keys(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    keys = np.zeros(len(rows), np.uint64)
    for column in range(rows.shape[1]):
        keys = _premix(keys ^ rows[:, column])
    return keys


def as_datasketch(signature: NDArray[np.uint64], seed: int = SEED) -> LeanMinHash:
    """One signature as datasketch holds it."""
    from datasketch import LeanMinHash

    return LeanMinHash(seed=seed, hashvalues=signature, scheme="affine64")


def lsh_index(rows: NDArray[np.uint64], threshold: float) -> MinHashLSH:
    """A datasketch index over signatures, keyed by row number: what a lasting index of repositories is kept in."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=rows.shape[1])
    with index.insertion_session() as session:
        for row, signature in enumerate(rows):
            session.insert(row, as_datasketch(signature))
    return index
