"""Plots as geometry, in the units of their own box. Pure: the same plot gives the same text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from codeclone.model import Plot, PlotLine, Series
from codeclone.plain import shortened

WIDTH, HEIGHT = 680, 380
TOP, RIGHT, BOTTOM, LEFT = 34, 18, 52, 14
"""Room around the points for the labels, one unit being about a pixel; left and right the numbers may need more."""

DIGIT = 7.0
"""Width of a character of the numbers, of 12 units height in a sans-serif face; rounded up."""

MOST_X, MOST_Y = (8, 5, 3, 2), 8
"""Steps of an axis; along x fewer where the numbers are long."""

MAX_AXIS = 80
"""Characters of an axis label: more do not fit beside each other."""

MAX_TIP = 120
"""Characters of what a point stands for."""

SERIES = 6
"""Series of a plot that are drawn: there are as many marks."""

LINES = 4
"""Lines of a plot that are drawn: there are as many ways to dash one."""

LARGEST, SMALLEST = 1e100, 1e-100
"""Beyond these, products and quotients of two numbers overflow; nothing that is measured is there."""

EQUAL = 1e-12
"""Share of their size by which numbers differ that are not drawn as the same: double precision has some thousand steps there."""

MARGIN = 0.04
"""Share of an axis on each side of the points."""

MOST_FOR_LINES = 4.0
"""A line that the points would shrink for by more than this is cut off."""

PLAIN = range(-2, 7)
"""Orders of magnitude of numbers that are written without an exponent."""

SIZES = ((60, 4.0), (400, 3.0))
"""(points of a plot, half the width of their marks); of more points it is `SMALL`."""
SMALL = 2.2


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on an axis."""

    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point."""

    path: str
    tip: str
    """What it stands for, and its numbers."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plot, ready to be written."""

    left: str
    right: str
    top: str
    bottom: str
    x: str
    """Label of the axis."""
    y: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    series: tuple[tuple[Mark, ...], ...]
    """For each of the first `SERIES` its points."""
    lines: tuple[str, ...]
    """For each of the first `LINES` its path; empty where it does not cross the plot."""
    missing: int
    """Points of these series that are no numbers, or too large to be drawn."""


def drawing(plot: Plot) -> Drawing | None:
    """None where there is no point to draw."""
    series = [[point for point in one.points if all(map(_drawable, point))] for one in plot.series[:SERIES]]
    points = [(_drawn(x), _drawn(y)) for one in series for x, y in one]
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    whole = all(x.is_integer() and abs(x) < 10**PLAIN.stop for x in xs)
    x_range = _range(xs, whole=whole)
    lines = plot.lines[:LINES]
    y_range = _range_with(lines, _range(ys), x_range)
    y_ticks = ticks(*y_range, MOST_Y)
    left = LEFT + DIGIT * max(len(text) for _, text in y_ticks)
    x_ticks = _fitting(x_range, WIDTH - RIGHT - left, whole=whole)
    half = DIGIT / 2 * max(len(text) for _, text in x_ticks)
    x_axis = Axis(*x_range, max(left, half), WIDTH - max(RIGHT, half))
    y_axis = Axis(*y_range, HEIGHT - BOTTOM, TOP)
    size = next((size for most, size in SIZES if len(points) <= most), SMALL)
    return Drawing(
        left=_unit(x_axis.start), right=_unit(x_axis.end), top=_unit(TOP), bottom=_unit(HEIGHT - BOTTOM),
        x=shortened(plot.x, MAX_AXIS), y=shortened(plot.y, MAX_AXIS),
        x_ticks=tuple(Tick(_unit(x_axis.at(value)), text) for value, text in x_ticks),
        y_ticks=tuple(Tick(_unit(y_axis.at(value)), text) for value, text in y_ticks),
        series=tuple(_marks(one, place, x_axis, y_axis, size) for place, one in enumerate(plot.series[:SERIES])),
        lines=tuple(_line(line, x_axis, y_axis) for line in lines),
        missing=sum(len(one.points) for one in plot.series[:SERIES]) - len(points),
    )  # fmt: skip


def number(value: float) -> str:
    """Six digits of a number, with an exponent where it is large or small."""
    if not math.isfinite(value):
        return "–"
    digits, e, exponent = f"{value:.6g}".partition("e")
    return f"{digits}e{int(exponent)}" if e else digits


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> tuple[tuple[float, str], ...]:
    """(number, its text) in steps of 1, 2 or 5 times a power of ten, at most `most` steps; `whole`: of whole numbers only."""
    power = math.floor(math.log10((high - low) / most)) - 1
    factor = 1
    while (high - low) / float(f"{factor}e{power}") > most or (whole and power < 0):
        factor, power = {1: (2, power), 2: (5, power), 5: (1, power + 1)}[factor]
    step = float(f"{factor}e{power}")
    # A hair beyond the ends, so that an end that is a multiple of the step has its number.
    counts = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    texts = _texts([count * factor for count in counts], power)
    return tuple((float(f"{count * factor}e{power}"), text) for count, text in zip(counts, texts, strict=True))


def _texts(counts: Sequence[int], power: int) -> list[str]:
    """So many times ten to the power, all with the same exponent and the same number of decimals."""
    largest = max(map(abs, counts), default=0)
    order = len(str(largest)) - 1 + power
    exponent = 0 if order in PLAIN else order
    ending = f"e{exponent}" if exponent else ""
    return [f"{Decimal(n).scaleb(power - exponent):,f}{ending}".replace("-", "−") if n else "0" for n in counts]


def _fitting(x: tuple[float, float], room: float, *, whole: bool) -> tuple[tuple[float, str], ...]:
    """As many numbers along x as have room beside each other."""
    for most in MOST_X:
        found = ticks(*x, most, whole=whole)
        if sum(DIGIT * (len(text) + 2) for _, text in found) <= room:
            break
    return found


def _drawable(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= LARGEST


def _drawn(value: float) -> float:
    return float(value) if abs(value) >= SMALLEST else 0.0


def _range(values: Sequence[float], *, whole: bool = False) -> tuple[float, float]:
    """A little wider than the values, and of some width where they are all the same."""
    low, high = min(values), max(values)
    if high - low <= EQUAL * max(abs(low), abs(high)):
        half = 0.5 if whole else abs(low) / 10 or 1.0
        return low - half, low + half
    return low - MARGIN * (high - low), high + MARGIN * (high - low)


def _range_with(lines: Sequence[PlotLine], y: tuple[float, float], x: tuple[float, float]) -> tuple[float, float]:
    """The range of y with those lines that leave the points enough of it."""
    low, high = y
    for line in lines:
        ends = [line.intercept + line.slope * end for end in x]
        if all(map(_drawable, ends)) and max(high, *ends) - min(low, *ends) <= MOST_FOR_LINES * (y[1] - y[0]):
            low, high = min(low, *ends), max(high, *ends)
    return (low, high) if (low, high) == y else _range((low, high))


def _line(line: PlotLine, x: Axis, y: Axis) -> str:
    """The part of a line that lies within both axes; empty where there is none."""
    if not (_drawable(line.intercept) and _drawable(line.slope)):
        return ""
    start, end = x.low, x.high
    if line.slope:
        crossings = sorted((bound - line.intercept) / line.slope for bound in (y.low, y.high))
        start, end = max(start, crossings[0]), min(end, crossings[1])
    elif not y.low <= line.intercept <= y.high:
        return ""
    if start >= end:
        return ""
    heights = (min(max(line.intercept + line.slope * place, y.low), y.high) for place in (start, end))
    (x1, x2), (y1, y2) = map(x.at, (start, end)), map(y.at, heights)
    return f"M{_unit(x1)} {_unit(y1)}L{_unit(x2)} {_unit(y2)}"


def _marks(series: Series, place: int, x: Axis, y: Axis, size: float) -> tuple[Mark, ...]:
    shape = mark(place, size)
    return tuple(
        Mark(
            f"M{_unit(x.at(_drawn(point[0])))} {_unit(y.at(_drawn(point[1])))}{shape}",
            "".join(f"{shortened(label, MAX_TIP)}: " for label in series.labels[index : index + 1])
            + ", ".join(map(number, point)),
        )
        for index, point in enumerate(series.points)
        if all(map(_drawable, point))
    )


def mark(place: int, size: float) -> str:
    """The path of a series' mark from its middle: circle, square, triangle, diamond, cross, plus; `size`: half its width."""
    r, d, wide = _unit(size), _unit(2 * size), _unit(1.2 * size)
    return (
        f"m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z",
        f"m-{r} -{r}h{d}v{d}h-{d}z",
        f"m0 -{wide}l{wide} {_unit(2.2 * size)}h-{_unit(2.4 * size)}z",
        f"m0 -{wide}l{wide} {wide}l-{wide} {wide}l-{wide} -{wide}z",
        f"m-{r} -{r}l{d} {d}m0 -{d}l-{d} {d}",
        f"m-{wide} 0h{_unit(2.4 * size)}m-{wide} -{wide}v{_unit(2.4 * size)}",
    )[place % SERIES]


def _unit(value: float) -> str:
    """A tenth of a unit is finer than any screen shows."""
    return f"{round(value, 1) + 0.0:g}"
