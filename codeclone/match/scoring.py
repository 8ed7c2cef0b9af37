"""Which right fragments explain which left ones, by the bits of the facts they share.

Candidates come from postings of rare facts and from MinHash bands; only they are scored on all their facts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from codeclone.match import minhash

MAX_JOINS = 3000
"""Postings read for each left fragment on average. Facts are taken from the rarest on until this is spent, so the work
grows with the number of fragments and not with its square."""

KEPT = 12
"""Candidates of each left fragment that are scored on all facts."""

NEAR = 0.25
"""Candidates with less than this share of the best one's rank on rare facts are not scored on all of them."""

SIZE_PENALTY = 0.1
"""Weight of what the right fragment has beside the shared facts when candidates are ranked (Tversky 1977, with alpha 1
for the left and this for the right): among fragments that explain as much, the one with the least else."""

_ROWS = 1024
_PAIRS = 16384


SECOND_READING = 0.1
"""Weight of the reading that fits worse. A fragment is read in its place and cut out of it; one that was moved into
other surroundings agrees in one reading only, and among those that agree fully in one, the other decides."""


@dataclass(frozen=True, slots=True)
class FactSets:
    """Sets of facts as sparse matrices: one row for each fragment, one column for each known fact."""

    matrix: sparse.csr_array
    """Shape (fragments, facts); a value says in which readings the fragment has the fact: 1 in place, 2 cut out, 3 both."""
    bits: NDArray[np.float64]
    """Bits of all facts of each fragment."""
    weights: NDArray[np.float64]
    """Bits of each known fact."""
    by_reading: NDArray[np.float64]
    """Shape (2, fragments): bits of the facts of each fragment in place, and cut out."""

    def rows(self, rows: NDArray[np.int64]) -> FactSets:
        """Some of the fragments."""
        return FactSets(self.matrix[rows], self.bits[rows], self.weights, self.by_reading[:, rows])


@dataclass(frozen=True, slots=True)
class Scores:
    """Scored candidates in parallel arrays, by left fragment, best first."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    shared: NDArray[np.float64]
    """Bits of the facts both have."""
    containment: NDArray[np.float64]
    """Share of the left fragment's bits that the right one has, in the reading in which it is greater."""
    rank: NDArray[np.float64]
    """What candidates are ordered by, in [0, 1]."""


def fact_sets(
    columns: NDArray[np.int64],
    fragments: NDArray[np.int64],
    readings: NDArray[np.uint8],
    count: int,
    bits: NDArray[np.float64],
) -> FactSets:
    """`columns`: of each fact its place among all facts of both sides, whose weights are `bits`, ordered by (fragment,
    column); `readings`: the two lower bits count."""
    starts = np.searchsorted(fragments, np.arange(count + 1))
    matrix = sparse.csr_array(((readings & 3).astype(np.int8), columns, starts), shape=(count, len(bits)))
    weights = bits[columns]
    by_reading = [
        np.bincount(fragments, np.where(readings & reading, weights, 0.0), minlength=count) for reading in (1, 2)
    ]
    whole = np.bincount(fragments, weights, minlength=count).astype(np.float64)
    return FactSets(matrix, whole, bits, np.array(by_reading))


def score(left: FactSets, right: FactSets) -> Scores:
    """Score every candidate pair of fragments; at most `KEPT` for each left one."""
    return score_pairs(left, right, *_candidates(left, right))


def score_pairs(left: FactSets, right: FactSets, lefts: NDArray[np.int64], rights: NDArray[np.int64]) -> Scores:
    """Score the given pairs of fragments on all their facts."""
    shared, *by_reading = _shared(left, right, lefts, rights)
    # Sums in another order differ in the last digits: what is shared is never more than either side has.
    shared = np.minimum(shared, np.minimum(left.bits[lefts], right.bits[rights]))
    fits, contained = [], []
    for both, left_bits, right_bits in zip(by_reading, left.by_reading, right.by_reading, strict=True):
        contained.append(_ratio(both, left_bits[lefts]))
        fits.append(_ratio(both, left_bits[lefts] + SIZE_PENALTY * (right_bits[rights] - both)))
    # A left fragment that reads the same in place and cut out brings no surroundings that could agree or not.
    second = np.where(left.bits > left.by_reading.max(axis=0) + 1e-6, SECOND_READING, 0.0)[lefts]
    rank = (np.maximum(*fits) + second * np.minimum(*fits)) / (1.0 + second)
    # Where neither reading agrees fully, all that is shared in any counts too.
    any_reading = _ratio(shared, left.bits[lefts] + SIZE_PENALTY * (right.bits[rights] - shared))
    rank = np.round(np.minimum(1.0, rank + (1.0 - np.minimum(1.0, rank)) ** 2 * any_reading), 9)
    containment = np.round(np.minimum(1.0, np.maximum(*contained)), 6).astype(np.float64)
    order = np.lexsort((rights, -rank, lefts))
    return Scores(lefts[order], rights[order], shared[order], containment[order], rank[order])


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _shared(
    left: FactSets, right: FactSets, lefts: NDArray[np.int64], rights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Shape (3, pairs): bits of the facts that both rows have, in any reading, both in place, and both cut out.

    The product of two values says which: 1, 3 and 9 both in place, 4, 6 and 9 both cut out, 2 in different readings.
    """
    result = np.zeros((3, len(lefts)))
    for first in range(0, len(lefts), _PAIRS):
        block = slice(first, first + _PAIRS)
        product = left.matrix[lefts[block]].multiply(right.matrix[rights[block]]).tocsr()
        rows = np.repeat(np.arange(product.shape[0]), np.diff(product.indptr))
        weights = left.weights[product.indices]
        kind = product.data
        for line, chosen in enumerate((kind > 0, kind % 2 == 1, (kind >= 4) & (kind != 5))):
            result[line, block] = np.bincount(rows, weights * chosen, minlength=product.shape[0])
    return result


def _candidates(left: FactSets, right: FactSets) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    bits = left.weights
    rows, others = left.matrix.shape[0], right.matrix.shape[0]
    if not rows or not others or not left.matrix.nnz or not right.matrix.nnz:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rare = _rare(left, right, MAX_JOINS * rows)
    columns = np.flatnonzero(rare)
    weighted = _weighted(left.matrix[:, columns], bits[columns])
    posted = _weighted(right.matrix[:, columns], np.ones(len(columns))).T.tocsr()
    found = [_by_bands(left, right)]
    for first in range(0, rows, _ROWS):
        shared = (weighted[first : first + _ROWS] @ posted).tocsr()
        whole = np.repeat(left.bits[first : first + _ROWS], np.diff(shared.indptr))
        values = shared.data / (whole + SIZE_PENALTY * (right.bits[shared.indices] - shared.data))
        rows_of = np.repeat(np.arange(shared.shape[0]), np.diff(shared.indptr))
        most = np.zeros(shared.shape[0])
        np.maximum.at(most, rows_of, values)
        near = np.flatnonzero(values >= NEAR * most[rows_of])
        rows_of, columns, values = rows_of[near], shared.indices[near], values[near]
        # Best first within each row, then the first few of each.
        order = np.lexsort((columns, -np.round(values, 9), rows_of))
        starts = np.searchsorted(rows_of, rows_of)
        kept = order[np.arange(len(order)) - starts < KEPT]
        found.append((first + rows_of[kept]) * np.int64(others) + columns[kept])
    pairs = np.unique(np.concatenate(found))
    return pairs // others, pairs % others


def _weighted(matrix: sparse.csr_array, weights: NDArray[np.float64]) -> sparse.csr_array:
    matrix = matrix.tocsr()
    return sparse.csr_array((weights[matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)


def _rare(left: FactSets, right: FactSets, joins: int) -> NDArray[np.bool_]:
    """Facts to join on: from the rarest on, until the postings read add up to `joins`."""
    count = right.matrix.shape[1]
    on_left = np.bincount(left.matrix.indices, minlength=count).astype(np.int64)
    on_right = np.bincount(right.matrix.indices, minlength=count).astype(np.int64)
    order = np.argsort(on_right, kind="stable")
    spent = np.cumsum(on_left[order] * on_right[order])
    rare = np.zeros(count, np.bool_)
    rare[order[spent <= joins]] = True
    return rare & (on_left > 0) & (on_right > 0)


def _by_bands(left: FactSets, right: FactSets) -> NDArray[np.int64]:
    """Pairs that share a MinHash band when cut out of their places: also sets that have nothing rare in them."""
    lefts, rights = minhash.shared_bands(_signatures(left), _signatures(right))
    return lefts * np.int64(right.matrix.shape[0]) + rights


def _signatures(sets: FactSets) -> NDArray[np.uint64]:
    owners = np.repeat(np.arange(sets.matrix.shape[0], dtype=np.int32), np.diff(sets.matrix.indptr))
    cut_out = sets.matrix.data >= 2
    # The column of a fact is the same on both sides, and the permutations begin with a mixing step.
    columns = sets.matrix.indices[cut_out].astype(np.uint64)
    return minhash.signatures(columns, owners[cut_out], sets.matrix.shape[0])
