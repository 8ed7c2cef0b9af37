"""All values of two tensors, run by run: digests, and the sums behind a `Difference`, in memory that does not depend on their size."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_difference import Difference

Values = NDArray[np.float32]
Runs = Iterable[tuple[memoryview, Values]]
"""Consecutive (bytes as they are stored, values) of a tensor."""

RUN = 2**18
"""Values of a run."""

AT_ONCE = 9_984
"""Values that are worked on at once: in double precision they fit into the processor's cache, and OpenBLAS takes several threads from
10,000 on, which would wait for each other here."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What all values of a pair come to."""

    digests: tuple[str, str]
    """SHA-256 of the left and of the right payload as they are stored, lower-case hexadecimal."""
    same_values: bool
    """Whether all values are equal, in whatever types they are stored."""
    missing: int
    """Values that are numbers on one side alone."""
    sums: tuple[float, ...]
    """Of a pair of finite values a, b with D = a - b: 1, a, b, a a, b b, a b, D, D^2, D^3, D^4, D = 0, a = 0 alone, b = 0 alone,
    D = 0 where neither is 0, neither is 0."""


def digest(runs: Runs) -> str:
    """SHA-256 of the payload of one tensor."""
    found = hashlib.sha256()
    for payload, _ in runs:
        found.update(payload)
    return found.hexdigest()


def read_whole(left: Runs, right: Runs) -> Whole:
    """Both tensors have as many values."""
    digests = hashlib.sha256(), hashlib.sha256()
    sums = np.zeros(15, np.float64)
    missing, same = 0, True
    room = _Room()
    for one, other in _in_step(_hashed(left, digests[0]), _hashed(right, digests[1])):
        moments = room.moments(one, other)
        if math.isfinite(moments[3]) and math.isfinite(moments[4]):
            counts = _counts(one, other)
            same = same and counts[0] == len(one)
        else:
            known = np.isfinite(one), np.isfinite(other)
            finite = known[0] & known[1]
            same = same and np.array_equal(one, other, equal_nan=True)
            missing += int(np.count_nonzero(known[0] != known[1]))
            moments, counts = room.moments(one[finite], other[finite]), _counts(one[finite], other[finite])
        sums += (*moments, *counts)
    return Whole((digests[0].hexdigest(), digests[1].hexdigest()), same, missing, tuple(sums.tolist()))


def _counts(one: Values, other: Values) -> tuple[int, ...]:
    """The last five of `Whole.sums`."""
    count = len(one)
    equal = count - int(np.count_nonzero(one != other))
    left, right = (int(np.count_nonzero(side == 0)) for side in (one, other))
    both = int(np.count_nonzero((one == 0) & (other == 0))) if left and right else 0
    return equal, left - both, right - both, equal - both, count - left - right + both


def _hashed(runs: Runs, digest: hashlib._Hash) -> Iterator[Values]:
    for payload, values in runs:
        digest.update(payload)
        yield values.reshape(-1)


def _in_step(left: Iterator[Values], right: Iterator[Values]) -> Iterator[tuple[Values, Values]]:
    """Runs of one length: the two sides may be stored in units of different sizes."""
    one, other = next(left, None), next(right, None)
    while one is not None and other is not None:
        count = min(len(one), len(other))
        yield one[:count], other[:count]
        one = one[count:] if count < len(one) else next(left, None)
        other = other[count:] if count < len(other) else next(right, None)


class _Room:
    """Memory for a few values in double precision, used again and again: to get new memory takes longer than the sums."""

    def __init__(self) -> None:
        self._room = np.empty((4, AT_ONCE), np.float64)
        self._ones = np.ones(AT_ONCE, np.float64)

    def moments(self, one: Values, other: Values) -> NDArray[np.float64]:
        """The first ten of `Whole.sums`; not finite where a value is not."""
        with np.errstate(invalid="ignore"):
            parts = [
                self._moments(one[start : start + AT_ONCE], other[start : start + AT_ONCE])
                for start in range(0, len(one), AT_ONCE)
            ]
        return np.asarray(np.array(parts, np.float64).reshape(-1, 10).sum(0), np.float64)

    def _moments(self, one: Values, other: Values) -> tuple[float, ...]:
        count = len(one)
        a, b, gap, squares = self._room[:, :count]
        np.copyto(a, one)
        np.copyto(b, other)
        np.subtract(a, b, out=gap)
        np.multiply(gap, gap, out=squares)
        ones = self._ones[:count]
        totals = float(a @ ones), float(b @ ones)
        return (
            count, *totals, float(a @ a), float(b @ b), float(a @ b), totals[0] - totals[1], float(gap @ gap), float(squares @ gap),
            float(squares @ squares),
        )  # fmt: skip


def with_all(sampled: Difference, whole: Whole) -> Difference:
    """The difference with the figures of all values in place of those of the sample, where sums give them.

    What needs more than sums stays that of the sample, and so does the noise where it has to be told from rounding."""
    n, a, b, aa, bb, ab, d, dd, ddd, dddd, equal, left, right, kept, neither = whole.sums
    if not n:
        return sampled
    left_square, right_square = (max(0.0, square / n - (total / n) ** 2) for square, total in ((aa, a), (bb, b)))
    covariance = ab / n - a * b / n**2
    mean, square = d / n, dd / n
    variance = max(0.0, square - mean**2)
    fourth = dddd / n - 4 * mean * ddd / n + 6 * mean**2 * square - 3 * mean**4
    visible = sampled.visible == sampled.count
    all_equal = equal / (n + whole.missing)
    return replace(
        sampled,
        count=int(n),
        left_sd=math.sqrt(left_square),
        right_sd=math.sqrt(right_square),
        equal=all_equal,
        # What is equal in the sample says nothing of the rest's rounding.
        left_rounded=all_equal if sampled.equal == 1 else sampled.left_rounded,
        right_rounded=all_equal if sampled.equal == 1 else sampled.right_rounded,
        mean=mean,
        sd=math.sqrt(square),
        noise=math.sqrt(square) if visible else sampled.noise,
        visible=int(n) if visible else sampled.visible,
        kurtosis=fourth / variance**2 - 3 if visible and variance > 0 else sampled.kurtosis,
        slope_left=covariance / right_square if right_square else math.nan,
        slope_right=covariance / left_square if left_square else math.nan,
        slope_error=math.sqrt(variance) / (max(math.sqrt(min(left_square, right_square)), 1e-300) * math.sqrt(n)),
        left_zeros=left / n,
        right_zeros=right / n,
        kept=kept / max(1.0, neither),
    )
