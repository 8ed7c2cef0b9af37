"""W8 and W9 for one tensor: what the difference D = left - right of two tensors looks like, and whether training leaves such.

All figures are of the values that were sampled, in 64 bits, from the differences themselves: by way of the variances they would
lose their digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Doubles = NDArray[np.float64]

MANTISSA = {"F64": 52, "F32": 23, "F16": 10, "BF16": 7, "F8_E4M3": 3, "F8_E5M2": 2, "F8_E4M3FNUZ": 3, "F8_E5M2FNUZ": 2}
"""Bits of a number's digits behind the first, by type."""

LEAST_EXPONENT = {"F16": -14, "F8_E4M3": -6, "F8_E5M2": -14, "F8_E4M3FNUZ": -7, "F8_E5M2FNUZ": -15}
"""Of the smallest number with all digits; below it the spacing stays the same. Of other types it is far below any weight."""

EIGHT_BITS = {"F8_E5M2": 57344.0, "F8_E4M3": 448.0}
"""Largest number of each type (Micikevicius et al. 2022, table 1)."""

LEAST_CENTRED = 8
"""Rows of a matrix whose columns are centred, and columns of one whose rows are: what all have in common strangers may have."""

LEAST_SPREAD = 16
"""Rows and columns of a grid, at least, whose spectrum and rows are looked at: 3,000 grids of 16 x 16 independent values have an
edge of 1.09 at most."""

MOST_LEVELS, FEW_LEVELS = 256, 16
"""Of numbers of eight bits, and of four."""

SAME_STEP, FEW_STEPS = 0.1, 4.5
"""Largest distance of a value from a whole number of steps, in steps: values computed from whole numbers are rounded to their
type. 32 values that have nothing to do with the steps are all so near once in 10^22 times. And how far apart two neighbours may
be for a first guess of the step to tell by how many steps."""

LEAST_STAYED = 0.01
"""Share of the values that stayed, below whose largest none of those that were set to zero should lie: one may be out of order."""

LEAST_SPREAD_OUT = 0.5
"""Mean square of what rounding changed, in that of values that lie evenly between two steps."""

BEGINNING, LIKELY = 8, 0.5
"""Rows that are looked at to see whether the rest has to be, and share of the runs on a grid from which on it has."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What two tensors of one shape have to do with each other, value by value."""

    count: int
    """Values that are finite on both sides."""
    left_sd: float
    right_sd: float
    correlation: float
    """About the means, of matrices about those of each column and row; 0 where a side is constant."""
    equal: float
    """Share of the values that are equal."""
    mean: float
    """Of D."""
    sd: float
    """Of D, about 0."""
    noise: float
    """sd of what was added before a side was rounded to its type; nan where rounding hides it."""
    visible: int
    """Values whose rounding is finer than that noise."""
    kurtosis: float
    """Excess kurtosis of D where it is visible; 0 for a normal distribution, -1.2 for a uniform one."""
    slope_left: float
    """Of the left on the right: 1 where the left is the right and something that has nothing to do with it."""
    slope_right: float
    """Of the right on the left."""
    slope_error: float
    """Standard error of both."""
    edge: float
    """s1(D) / (sd(D) (sqrt(rows) + sqrt(columns))): 1 for independent values; nan where the grid is too small."""
    rank: int
    """Singular values that hold 99 % of D; 0 where that was not looked at."""
    row_spread: float
    """Coefficient of variation of the rows' variances of D in that of independent values; nan as `edge`."""
    rows: int
    columns: int
    """Of the grid."""
    left_zeros: float
    """Share of zeros on the left where the right has none."""
    right_zeros: float
    left_cut: float
    """Share of the right's values at those zeros that are larger than the smallest that stayed, in the tensor or in their row: 0 where
    what was smallest was set to zero; nan where there are no such zeros."""
    right_cut: float
    kept: float
    """Share of equal values among those that are zero on neither side."""
    left_grid: float
    """Share of the values that stand on a grid of eight bits or fewer, at the place that is next to the other side's value."""
    right_grid: float
    left_rounded: float
    """Share of the values that are the other side's, rounded to what the left's type holds."""
    right_rounded: float


def difference(left: Values, right: Values, types: tuple[str, str], spectrum: bool = True) -> Difference | None:
    """Of two grids of one shape (rows, columns); None where no two values are finite.

    `types`: of the left and of the right. `spectrum`: whether to look at singular values, which takes a hundred times as long.
    """
    known = np.isfinite(left), np.isfinite(right)
    finite = known[0] & known[1]
    whole = bool(finite.all())
    one, other = (side.astype(np.float64) if whole else side[finite].astype(np.float64) for side in (left, right))
    count = one.size
    if not count:
        return None
    gap = one - other
    left_sd, right_sd = float(one.std()), float(other.std())
    covariance = float(((one - one.mean()) * (other - other.mean())).mean())
    alike = _correlation(one, other) if one.ndim == 2 and len(one) >= LEAST_CENTRED else None
    squares = gap * gap
    noise, visible = _noise(np.maximum(spacing(one, types[0]), spacing(other, types[1])), squares)
    seen = gap.ravel() if visible is None else gap.ravel()[visible.ravel()]
    # What is a number on one side alone is a difference.
    equal = float(np.count_nonzero(gap == 0)) / int(np.count_nonzero(known[0] | known[1]))
    edge, rank, row_spread = (math.nan, 0, math.nan)
    if whole and gap.ndim == 2 and min(gap.shape) >= LEAST_SPREAD and equal < 1:
        row_spread = _row_spread(gap)
        if spectrum:
            edge, rank = _spectrum(gap)
    is_zero = one == 0, other == 0
    neither = ~(is_zero[0] | is_zero[1])
    kept = float(np.count_nonzero((gap == 0) & neither)) / max(1, int(np.count_nonzero(neither)))
    return Difference(
        count=count,
        left_sd=left_sd,
        right_sd=right_sd,
        correlation=alike if alike is not None else covariance / (left_sd * right_sd) if left_sd and right_sd else 0.0,
        equal=equal,
        mean=float(gap.mean()),
        sd=math.sqrt(float(squares.mean())),
        noise=noise,
        visible=seen.size,
        kurtosis=_kurtosis(seen),
        slope_left=covariance / right_sd**2 if right_sd else math.nan,
        slope_right=covariance / left_sd**2 if left_sd else math.nan,
        slope_error=float(gap.std()) / (max(min(left_sd, right_sd), 1e-300) * math.sqrt(count)),
        edge=edge,
        rank=rank,
        row_spread=row_spread,
        rows=len(left),
        columns=left.shape[-1],
        left_zeros=float(np.count_nonzero(is_zero[0] & ~is_zero[1])) / count,
        right_zeros=float(np.count_nonzero(is_zero[1] & ~is_zero[0])) / count,
        left_cut=_cut(one, other),
        right_cut=_cut(other, one),
        kept=kept,
        left_grid=_on_grid(one, gap) if whole and one.ndim == 2 else 0.0,
        right_grid=_on_grid(other, gap) if whole and one.ndim == 2 else 0.0,
        left_rounded=_rounded(gap, other, types[0]),
        right_rounded=_rounded(gap, one, types[1]),
    )


def held(values: Values, kind: str) -> str:
    """The narrowest type that holds all these values; `kind`: of the file, which may be wider than what it was made from."""
    if kind not in ("F64", "F32", "F16", "BF16"):
        return kind
    finite = np.ascontiguousarray(values[np.isfinite(values)], np.float32)
    narrow = next((name for name, largest in EIGHT_BITS.items() if _holds(finite, name, largest)), None)
    if narrow or kind in ("F16", "BF16"):
        return narrow or kind
    if not (finite.view(np.uint32) & 0xFFFF).any():
        return "BF16"
    with np.errstate(over="ignore"):
        return "F16" if np.array_equal(finite.astype(np.float16).astype(np.float32), finite) else kind


def _holds(values: Values, kind: str, largest: float) -> bool:
    beginning = values[:64].astype(np.float64)
    for some in (beginning, values.astype(np.float64)):  # nearly always the beginning says no
        steps = some / spacing(some, kind)
        if (np.abs(some) > largest).any() or (steps != np.round(steps)).any():
            return False
    return True


def spacing(values: Doubles, kind: str) -> Doubles:
    """Distance of each value to the next that its type can hold; 0 for types that are no floating-point numbers."""
    if kind not in MANTISSA:
        return np.zeros_like(values)
    exponents = np.frexp(values)[1] - 1
    least = LEAST_EXPONENT.get(kind, -126)
    return np.asarray(np.ldexp(1.0, np.maximum(exponents, least) - MANTISSA[kind]), np.float64)


def _cut(pruned: Doubles, source: Doubles) -> float:
    """As `Difference.left_cut`, for the side with zeros; by the smallest hundredth that stayed."""
    gone, stayed = (pruned == 0) & (source != 0), pruned != 0
    if not gone.any() or not stayed.any():
        return math.nan
    sizes = np.abs(source)
    shares = [float((sizes[gone] > np.quantile(sizes[stayed], LEAST_STAYED)).mean())]
    if source.ndim == 2 and source.shape[1] >= LEAST_SPREAD:
        least = np.where(stayed, sizes, np.inf).min(1, keepdims=True)
        least[~stayed.any(1)] = 0.0  # a row of zeros may have been filled in
        shares.append(float((sizes > least)[gone].mean()))
    return min(shares)


def _correlation(one: Doubles, other: Doubles) -> float:
    first, second = (_about_means(side) for side in (one, other))
    norm = math.sqrt(float((first**2).sum()) * float((second**2).sum()))
    return float((first * second).sum()) / norm if norm else 0.0


def _about_means(values: Doubles) -> Doubles:
    """Without what all rows have in common, and all columns: strangers that began with one table have it as well."""
    centred = values - values.mean(0)
    centred -= centred.mean(1, keepdims=True) if values.shape[1] >= LEAST_CENTRED else 0.0
    return np.asarray(centred, np.float64)


def _rounded(gap: Doubles, source: Doubles, kind: str) -> float:
    """Share of the values whose distance from their source is no larger than rounding to the nearest number makes it."""
    steps = spacing(source, kind)
    return float(np.count_nonzero((np.abs(gap) <= steps / 2 * (1 + 1e-6)) & (steps > 0))) / gap.size


def _noise(steps: Doubles, squares: Doubles) -> tuple[float, NDArray[np.bool_] | None]:
    """(sd of the noise without the rounding, values at which it is visible or None for all); nan where it is at too few. `steps`:
    spacing of the coarser type at each value.

    A number that is rounded is off by a uniform variable of variance spacing^2 / 12, for noise that is larger than the spacing.
    """
    spread = math.sqrt(float(squares.mean()))
    if float(steps.max(initial=0.0)) < spread / 100:
        return spread, None
    estimate = spread
    for _ in range(4):  # the estimate says where it is visible, and these values give the estimate
        fine = steps <= estimate
        if np.count_nonzero(fine) < max(16, steps.size // 50):
            return math.nan, np.zeros(steps.shape, np.bool_)
        estimate = math.sqrt(max(0.0, float((squares[fine] - steps[fine] ** 2 / 12).mean())))
    return estimate, fine


def _kurtosis(values: Doubles) -> float:
    """Excess kurtosis; nan for fewer than eight values or none that differ."""
    if values.size < 8:
        return math.nan
    squares = (values - values.mean()) ** 2
    variance = float(squares.mean())
    return float((squares * squares).mean()) / variance**2 - 3 if variance > 0 else math.nan


def _row_spread(gap: Doubles) -> float:
    """Independent normal values of n columns have a coefficient of variation of sqrt(2 / n)."""
    variances = (gap**2).mean(1)
    mean = float(variances.mean())
    return float(variances.std()) / mean / math.sqrt(2 / gap.shape[1]) if mean else math.nan


def _spectrum(gap: Doubles) -> tuple[float, int]:
    """(edge, rank) by the eigenvalues of the smaller of D D' and D' D (edge: Geman 1980)."""
    rows, columns = gap.shape
    products = gap @ gap.T if rows <= columns else gap.T @ gap
    values = np.linalg.eigvalsh(products)[::-1]
    whole = float(values.sum())
    if whole <= 0:
        return math.nan, 0
    deviation = math.sqrt(whole / gap.size)
    edge = math.sqrt(max(0.0, float(values[0]))) / (deviation * (math.sqrt(rows) + math.sqrt(columns)))
    return edge, int(np.searchsorted(np.cumsum(values), 0.99 * whole) + 1)


# Numbers of few bits


def _on_grid(values: Doubles, gap: Doubles) -> float:
    """Share of the values in rows, or runs of 32 or 64 in a row, that are whole numbers of steps of at most eight bits, or have at
    most 16 values, and that lie as near to the other side as rounding leaves them."""
    beginning = values[:BEGINNING], gap[:BEGINNING]
    widths = [width for width in (values.shape[1], 64, 32) if width >= 32 and values.shape[1] % width == 0]
    likely = [width for width in dict.fromkeys(widths) if _in_runs(*beginning, width) >= LIKELY]
    return max((_in_runs(values, gap, width) for width in likely), default=0.0)


def _in_runs(values: Doubles, gap: Doubles, width: int) -> float:
    runs, gaps = values.reshape(-1, width), np.abs(gap.reshape(-1, width))
    ordered = np.sort(runs, axis=1)
    between = np.diff(ordered, axis=1)
    least, most = ordered[:, :1], ordered[:, -1:]
    differs = between > 1e-6 * (most - least)
    step = np.where(differs, between, np.inf).min(1, keepdims=True)
    usable = np.isfinite(step)
    step = np.where(usable, step, 1.0)
    from_least = runs - least
    neighbours = np.where(differs & (between < FEW_STEPS * step), between, 0.0)
    # The smallest distance is a first guess, neighbours give a better one.
    for lengths in (neighbours, from_least, from_least):
        levels = np.round(lengths / step)
        squares = (levels**2).sum(1, keepdims=True)
        step = np.where(squares > 0, (levels * lengths).sum(1, keepdims=True) / np.maximum(squares, 1.0), step)
    whole = np.abs(from_least / step - levels).max(1, keepdims=True) <= SAME_STEP
    even = usable & whole & (levels.max(1, keepdims=True) <= MOST_LEVELS - 1) & (gaps <= 0.55 * step)
    few = usable & (differs.sum(1, keepdims=True) < FEW_LEVELS) & (width >= 2 * FEW_LEVELS)
    uneven = few & (gaps <= np.where(differs, between, 0.0).max(1, keepdims=True))
    found = float((even | uneven).mean())
    if found < LIKELY or not _as_rounding(gaps, np.where(differs, between, np.nan), even, step):
        return 0.0
    return found


def _as_rounding(gaps: Doubles, between: Doubles, even: NDArray[np.bool_], step: Doubles) -> bool:
    """Whether the other side's values lie all over the steps, as those do that were rounded to them, and not close to where they
    would be if they had been made of these. Uneven steps count as their median."""
    some = np.isfinite(between).any(1)
    is_even = np.asarray(even.all(1))[some]
    typical = np.where(is_even, step[some, 0], np.nanmedian(between[some], axis=1))
    expected = float((typical**2).sum()) * gaps.shape[1] / 12
    return bool((gaps[some] ** 2).sum() >= LEAST_SPREAD_OUT * expected)
