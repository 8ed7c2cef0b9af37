"""Tables that a formula gives, and the part of a matrix that one does: whoever uses the formula has the same numbers.

Positions as sines and cosines, masks, ramps, unit matrices, filters, the bases of transforms. They are told by their values, whatever
they are called.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_difference import held

Values = NDArray[np.float32]
Doubles = NDArray[np.float64]

LEAST_SIDE, LEAST_COLUMNS = 3, 16
"""Rows and columns of a grid that is looked at, and columns of one that is held against waves and ramps."""

MOST = 0.95
"""Share of the values, or of the rows, that have to follow a formula."""

NEAR, FAR = 0.02, 0.2
"""Distance of a value from a sine: bfloat16 is off by 0.004 at most. And that of the largest of a grid from 1: it has slow waves."""

FAST = 0.6, 0.8
"""Spread of a fast wave over many positions: sqrt(1/2) = 0.71."""

MOST_WIDTH = 4_096
"""Of a table that is looked for among all frequencies: those of public models have up to 256 columns, or the width of the stream."""

FIRST = (0, 1, 2)
"""Positions of the first row: some models leave out those of padding."""

PERIODS = (10_000.0, 100_000.0, 500_000.0, 1_000_000.0, 10_000_000.0)
"""Largest periods, in 2 pi positions: Vaswani et al. 2017, section 3.5; then those of public models with rotated positions."""

SPARSE, FEW_VALUES = 0.2, 64
"""Share of the values that are not zero, and how many different ones there are then: masks, windows that overlap, unit matrices."""

SAME_SHAPE = 1e-3
"""Share of a row that is no multiple of the largest one, in filters that are one and the same but for a factor."""

TERMS, LEAST_RUN = 8, 32
"""Values from which the next one follows in a wave, or in four at once; and values of a row in which that can be seen."""

LEFT_OVER = {"F32": 1e-9, "F16": 1e-5}
COARSE = 1e-4
"""Share of the variance that may be left over: what rounding to a type adds to a wave; of types with fewer digits `COARSE`."""

BEND = {"F32": 1e-5, "F16": 4e-3}
COARSE_BEND = 2e-2
"""Second difference of a straight line, in units of its row's largest value, that rounding to a type makes."""

FEW = 4
"""Rows that are looked at to see whether the rest has to be."""

MUCH = 4.0
"""Times the spread of the rest that the diagonal has to have."""


def by_formula(values: Values, rows: NDArray[np.int64], start: int, shape: tuple[int, ...]) -> bool:
    """Whether a formula gives this grid of a tensor. `rows`, `start`: as `TensorSample` has them, of the tensor as a matrix."""
    if values.ndim != 2 or values.shape[1] < LEAST_SIDE or not values.any():
        return False
    if _mask(values):
        return True
    if not np.isfinite(values).all() or not (values != values.flat[0]).any():
        return False
    if len(values) >= LEAST_SIDE and _one_row(values):
        return True
    if values.shape[1] < LEAST_COLUMNS:
        return False
    if 1 - FAR <= float(np.abs(values).max()) <= 1 + NEAR:
        whole = math.prod(shape[1:])
        if _positions(values, rows, start, shape) or (len(values) >= LEAST_COLUMNS and _of_waves(values, rows, whole)):
            return True
    if _in_few_values(values):
        return True
    wide = values.astype(np.float64)
    varying, kind = wide[wide.std(1) > 0], held(values, "F32")
    return _straight(varying, kind) or _waves(varying, kind)


def _mask(values: Values) -> bool:
    """Of two values, in few runs."""
    first = values.flat[0]
    others = values[values != first]
    if not len(others) or min(values.shape) < LEAST_SIDE or (others != others[0]).any():
        return False
    return _in_few_runs(values == first)


def _in_few_runs(marked: NDArray[np.bool_]) -> bool:
    changes = np.count_nonzero(marked[:, 1:] != marked[:, :-1])
    return bool(changes <= len(marked) * max(2, marked.shape[1] // LEAST_COLUMNS))


def _one_row(values: Values) -> bool:
    """Whether all rows are one, each times a factor."""
    wide = values.astype(np.float64)
    lengths = (wide**2).sum(1)
    largest = wide[int(lengths.argmax())]
    norm = float(lengths.max())
    few = slice(0, FEW) if len(values) > FEW else slice(None)
    for some in (wide[few], wide):
        rest = some - np.outer(some @ largest / norm, largest)
        if float((rest**2).sum()) > SAME_SHAPE**2 * float((some**2).sum()):
            return False
    return int(np.count_nonzero(lengths)) >= LEAST_SIDE


def _in_few_values(values: Values) -> bool:
    there = values[values != 0]
    if (
        not 0 < len(there) <= SPARSE * values.size
        or not _in_few_runs(values != 0)
        or len(np.unique(there[: FEW_VALUES * 16])) > FEW_VALUES
    ):
        return False
    return len(np.unique(there)) <= FEW_VALUES


def _straight(rows: Doubles, kind: str) -> bool:
    """Whether rows are straight lines but for a few bends. `rows`: that are no constants; `kind`: the narrowest type that holds them."""
    bend = BEND.get(kind, COARSE_BEND)
    for some in (rows[:FEW], rows):
        second = np.abs(np.diff(some, 2, axis=1))
        even = second <= bend * np.abs(some).max(1, keepdims=True)
        if not len(some) or float((even.mean(1) >= 1 - 1 / LEAST_COLUMNS).mean()) < MOST:
            return False
    return True


# Sines and cosines of positions


def _positions(values: Values, rows: NDArray[np.int64], start: int, shape: tuple[int, ...]) -> bool:
    width = shape[-1]
    if len(shape) < 2 or width < LEAST_COLUMNS or width % 2:
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
        angles = positions * PERIODS[0] ** (-number / self.steps)
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


def _of_waves(values: Values, positions: NDArray[np.int64], width: int) -> bool:
    """Whether each column is a sine or cosine of the position, with one of the frequencies of a table, in whatever order."""
    spreads = values.std(0)
    if width > MOST_WIDTH or float(((spreads >= FAST[0]) & (spreads <= FAST[1])).mean()) < 1 / 4:
        return False
    few = np.arange(min(FEW, len(values)))
    for period in PERIODS:
        for steps in {width // 2, width // 2 - 1, width, width // 4} - {0}:
            angles = np.outer(positions, period ** (-np.arange(min(steps + 1, width)) / steps))
            waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
            off = np.abs(values[few][:, :, None] - waves[few][:, None, :]).max(0)
            if float((off.min(1) <= NEAR).mean()) >= MOST and _near(waves[:, off.argmin(1)], values):
                return True
    return False


# Waves along a row


def _waves(rows: Doubles, kind: str) -> bool:
    """Whether each value of a row follows from those before it, as in sums of a few waves. As `_straight`."""
    if rows.shape[1] < LEAST_RUN:
        return False
    left_over = LEFT_OVER.get(kind, COARSE)
    return bool(len(rows)) and _follow(rows[:FEW], left_over) and _follow(rows, left_over)


def _follow(rows: Doubles, left_over: float) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(rows, TERMS + 1, axis=1)
    before, after = windows[..., :-1], windows[..., -1]
    products = np.einsum("rtk,rtl->rkl", before, before)
    scale = np.trace(products, axis1=1, axis2=2)[:, None, None] * 1e-13 + 1e-300
    solved = np.linalg.solve(products + scale * np.eye(TERMS), np.einsum("rtk,rt->rk", before, after)[..., None])
    rest = ((np.einsum("rtk,rk->rt", before, solved[..., 0]) - after) ** 2).mean(1)
    return float((rest <= left_over * rows.var(1)).mean()) >= MOST


# Matrices that began as the unit matrix


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
