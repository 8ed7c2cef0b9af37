"""Tables that a formula gives, and the part of a matrix that one does: whoever uses the formula has the same numbers.

Positions as sines and cosines, unit matrices, the bases of transforms. They are told by their values, whatever they are called.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Doubles = NDArray[np.float64]

LEAST_COLUMNS = 16
"""Of a grid that is looked at."""

MOST = 0.95
"""Share of the values, or of the rows, that have to follow a formula."""

NEAR, FAR = 0.02, 0.2
"""Distance of a value from a sine: bfloat16 is off by 0.004 at most. And that of the largest of a grid from 1: it has slow waves."""

FIRST = (0, 1, 2)
"""Positions of the first row: some models leave out those of padding."""

PERIOD = 10_000.0
"""Vaswani et al. 2017, section 3.5."""

SPARSE = 2
"""Values of a row that are not zero: of a unit matrix one, of filters that overlap with their neighbours two."""

TERMS, LEFT_OVER, LEAST_RUN = 8, 1e-4, 64
"""Values from which the next one follows in a wave, or in four at once; share of the variance that may be left over; and values of
a row in which that can be seen."""

FEW = 4
"""Rows that are looked at to see whether the rest has to be."""

MUCH = 4.0
"""Times the spread of the rest that the diagonal has to have."""


def by_formula(values: Values, rows: NDArray[np.int64], start: int, shape: tuple[int, ...]) -> bool:
    """Whether a formula gives this grid of a tensor. `rows`, `start`: as `TensorSample` has them, of the tensor as a matrix."""
    if values.ndim != 2 or values.shape[1] < LEAST_COLUMNS or not np.isfinite(values).all():
        return False
    return _sparse(values) or _positions(values, rows, start, shape) or _waves(values)


def _sparse(values: Values) -> bool:
    counts = np.count_nonzero(values, axis=1)
    return len(values) >= LEAST_COLUMNS and int(np.median(counts)) > 0 and int(counts.max()) <= SPARSE


def _positions(values: Values, rows: NDArray[np.int64], start: int, shape: tuple[int, ...]) -> bool:
    width = shape[-1]
    if len(shape) < 2 or width < LEAST_COLUMNS or width % 2 or not 1 - FAR <= float(np.abs(values).max()) <= 1 + NEAR:
        return False
    whole = math.prod(shape[1:])  # of a row, which has several positions where the shape has more than two sizes
    places = rows[:, None] * whole + start + np.arange(values.shape[1])
    positions, columns = places // width, places % width
    few = slice(0, 2) if len(values) > 1 else slice(None)
    return any(
        _near(table(positions[few], columns[few]), values[few]) and _near(table(positions, columns), values)
        for table in _tables(math.prod(shape[:-1]), width)
    )


def _near(table: Doubles, values: Values) -> bool:
    return float((np.abs(table - values) <= NEAR).mean()) >= MOST


@dataclass(frozen=True, slots=True)
class _Table:
    """Sines and cosines of positions, side by side or one half behind the other, along one axis or along two."""

    width: int
    steps: int
    """Into which the frequencies are divided."""
    first: int
    """Position of the first row."""
    halves: bool
    side: int = 0
    """Of the square in which the positions lie; 0 where they are in a row."""

    def __call__(self, positions: NDArray[np.int64], columns: NDArray[np.int64]) -> Doubles:
        positions = positions + self.first
        if self.side:  # one axis in each half of the width
            half = self.width // 2
            along = np.where(columns < half, positions % self.side, positions // self.side)
            return self._waves(along, columns % half, half)
        return self._waves(positions, columns, self.width)

    def _waves(self, positions: NDArray[np.int64], columns: NDArray[np.int64], width: int) -> Doubles:
        number = columns % (width // 2) if self.halves else columns // 2
        is_sine = columns < width // 2 if self.halves else columns % 2 == 0
        angles = positions * PERIOD ** (-number / self.steps)
        return np.asarray(np.where(is_sine, np.sin(angles), np.cos(angles)), np.float64)


def _tables(positions: int, width: int) -> Iterator[_Table]:
    half = width // 2
    for halves in (False, True):
        for steps in (half, half - 1):
            for first in FIRST:
                yield _Table(width, steps, first, halves)
    for before in (0, 1):  # a token of the whole picture may stand before its places
        side = math.isqrt(max(0, positions - before))
        if side > 1 and side * side == positions - before and width % 4 == 0:
            yield _Table(width, width // 4, -before, True, side)


def _waves(values: Values) -> bool:
    """Whether each value of a row follows from those before it, as in sums of a few waves."""
    if values.shape[1] < LEAST_RUN:
        return False
    rows = values.astype(np.float64)
    rows = rows[rows.std(1) > 0]
    if not len(rows):
        return False
    return _follow(rows[:FEW]) and _follow(rows)


def _follow(rows: Doubles) -> bool:
    rows = rows[:, : 4 * LEAST_RUN]
    windows = np.lib.stride_tricks.sliding_window_view(rows, TERMS + 1, axis=1)
    before, after = windows[..., :-1], windows[..., -1]
    products = np.einsum("rtk,rtl->rkl", before, before)
    scale = np.trace(products, axis1=1, axis2=2)[:, None, None] * 1e-10 + 1e-300
    solved = np.linalg.solve(products + scale * np.eye(TERMS), np.einsum("rtk,rt->rk", before, after)[..., None])
    left_over = ((np.einsum("rtk,rk->rt", before, solved[..., 0]) - after) ** 2).mean(1)
    return float((left_over <= LEFT_OVER * rows.var(1)).mean()) >= MOST


def without_unit(values: Values, rows: NDArray[np.int64], start: int) -> Values | None:
    """The grid of a square matrix less the unit matrix with which it began; None where it has no such part."""
    columns = rows - start
    there = (columns >= 0) & (columns < values.shape[1])
    if np.count_nonzero(there) < LEAST_COLUMNS:
        return None
    places = np.flatnonzero(there), columns[there]
    known = np.isfinite(values)
    diagonal = values[places][known[places]].astype(np.float64)
    rest = np.where(known, values, 0.0).astype(np.float64)
    rest[places] = 0.0
    if len(diagonal) < LEAST_COLUMNS:
        return None
    middle = float(np.median(diagonal))
    if abs(middle) <= MUCH * max(float(rest.std()), float(diagonal.std())):
        return None
    found = values.copy()
    found[places] -= np.float32(middle)
    return found
