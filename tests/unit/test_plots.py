"""What a plot is drawn as, and what of it stands on the page."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeclone.model import Plot, PlotLine, Report, Series
from codeclone.pipeline import scan
from codeclone.report import html, plots
from tests import strategies
from tests.reports import plotted

SAMPLES = Path(__file__).parent.parent.parent / "samples"
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
NO_NUMBERS = (math.nan, math.inf, -math.inf, 1e308)


def of(*points: tuple[float, float], lines: tuple[PlotLine, ...] = (), labels: tuple[str, ...] = ()) -> Plot:
    return Plot("title", "layer", "sd", (Series("left", points, labels),), lines)


def drawn(*points: tuple[float, float], lines: tuple[PlotLine, ...] = ()) -> plots.Drawing:
    found = plots.drawing(of(*points, lines=lines))
    assert found is not None
    return found


def middles(drawing: plots.Drawing) -> list[tuple[float, float]]:
    """Where the marks are."""
    return [
        (float(x), float(y))
        for series in drawing.series
        for mark in series
        for x, y in re.findall(r"\AM(\S+) (\S+?)m", mark.path)
    ]


# Geometry


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"),
    [
        (0, 10, 5, ["0", "2", "4", "6", "8", "10"]),
        (0.3, 9.7, 5, ["2", "4", "6", "8"]),
        (0, 1, 8, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3, 3, 8, ["−3", "−2", "−1", "0", "1", "2", "3"]),
        (0, 299, 8, ["0", "50", "100", "150", "200", "250"]),
        (1.399e-3, 1.421e-3, 5, ["1.400e−3", "1.405e−3", "1.410e−3", "1.415e−3", "1.420e−3"]),
        (-2e-30, 2e-30, 5, ["−2e−30", "−1e−30", "0", "1e−30", "2e−30"]),
        (0, 1e30, 2, ["0", "0.5e30", "1.0e30"]),
        (0, 4e6, 4, ["0", "1,000,000", "2,000,000", "3,000,000", "4,000,000"]),
        (0, 4e7, 4, ["0", "1e7", "2e7", "3e7", "4e7"]),
        (0.0, 0.06, 4, ["0", "0.02", "0.04", "0.06"]),
        (0.0, 0.006, 4, ["0", "2e−3", "4e−3", "6e−3"]),
        (1_000_000.1, 1_000_000.4, 4, ["1,000,000.1", "1,000,000.2", "1,000,000.3", "1,000,000.4"]),
    ],
)
def test_ticks(low: float, high: float, most: int, texts: list[str]) -> None:
    assert [text for _, text in plots.ticks(low, high, most)] == texts


@given(st.floats(-1e30, 1e30), st.floats(1e-30, 1e30), st.integers(2, 10))
def test_ticks_are_few_round_and_inside(low: float, width: float, most: int) -> None:
    if width <= 1e-9 * abs(low):
        width = abs(low)
    high = low + width
    values = [value for value, _ in plots.ticks(low, high, most)]
    assert 1 <= len(values) <= most + 1
    assert all(low - 1e-8 * width <= value <= high + 1e-8 * width for value in values)
    steps = [b - a for a, b in pairwise(values)]
    assert all(step == pytest.approx(steps[0], rel=1e-5) for step in steps)
    assert all(f"{step:.3e}"[:5] in {"1.000", "2.000", "5.000"} for step in steps[:1] if abs(low) < 1e5 * step)


def test_layers_have_no_halves() -> None:
    drawing = drawn((0, 1.5), (1, 2.5), (2, 1.0), (3, 4.0))
    assert [tick.text for tick in drawing.x_ticks] == ["0", "1", "2", "3"]
    assert "1.5" in [tick.text for tick in drawing.y_ticks]
    assert [tick.text for tick in drawn((5, 1.5)).x_ticks] == ["5"]


def test_long_numbers_along_x_do_not_touch() -> None:
    drawing = drawn((1_000_000.00001, 0.0), (1_000_000.00009, 1.0))
    places = [float(tick.at) for tick in drawing.x_ticks]
    widest = max(len(tick.text) for tick in drawing.x_ticks) * plots.DIGIT
    assert widest > 80
    assert all(b - a > widest for a, b in pairwise(places))


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0)],
        [(3, 1.41e-3)],
        [(1e30, 1e-30)],
        [(-1e30, -1e30), (1e30, 1e30)],
        [(5e-324, 5e-324), (0, 0)],
        [(1e100, -1e100), (-1e100, 1e100)],
        [(7, 7)] * 20,
        [(0, 1.0), (1, 1.0 + 2e-16)],
        [(0, 1e30), (1, 1e30 * (1 + 3e-16))],
        [(1e300, 1), (2, 2)],
        [(math.nan, 1), (2, 2), (3, math.inf)],
    ],
)
def test_marks_are_inside_whatever_the_numbers(points: list[tuple[float, float]]) -> None:
    drawing = drawn(*points)
    found = middles(drawing)
    assert len(found) == len(points) - drawing.missing
    assert found
    for x, y in found:
        assert float(drawing.left) <= x <= float(drawing.right)
        assert float(drawing.top) <= y <= float(drawing.bottom)
    assert drawing.x_ticks
    assert drawing.y_ticks
    assert "nan" not in repr(drawing)
    assert "inf" not in repr(drawing)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_counted_and_not_drawn(value: float) -> None:
    drawing = drawn((0, 1), (value, 1), (1, value), (2, 2))
    assert (drawing.missing, len(middles(drawing))) == (2, 2)
    assert plots.drawing(of((0, value))) is None
    assert drawn((0, 1), (1, 2), lines=(PlotLine("a", value), PlotLine("b", 0.0, value))).lines == ("", "")


def test_nothing_to_draw() -> None:
    assert plots.drawing(of()) is None
    assert plots.drawing(Plot("title", "x", "y", (), (PlotLine("y = x", 0, 1),))) is None


@settings(max_examples=300, deadline=None)
@given(strategies.plots)
def test_the_same_plot_gives_the_same_few_digits(plot: Plot) -> None:
    drawing = plots.drawing(plot)
    assert drawing == plots.drawing(plot)
    if drawing is None:
        return
    paths = [mark.path for series in drawing.series for mark in series] + list(drawing.lines)
    places = [tick.at for tick in (*drawing.x_ticks, *drawing.y_ticks)]
    for text in [*paths, *places, drawing.left, drawing.right, drawing.top, drawing.bottom]:
        numbers = re.findall(r"[^a-zA-Z ]+", text)
        assert all(re.fullmatch(r"(-?\d{1,3}(\.\d)?)+", number) for number in numbers), text
        assert "e" not in text
        assert not re.search(r"-0(?![.\d])", text)


def test_what_lies_higher_is_drawn_higher_and_in_order() -> None:
    (low, middle, high) = middles(drawn((0, 0), (1, 1), (2, 2)))
    assert low[0] < middle[0] < high[0]
    assert low[1] > middle[1] > high[1]
    assert middle[0] == pytest.approx((low[0] + high[0]) / 2, abs=0.1)
    assert middle[1] == pytest.approx((low[1] + high[1]) / 2, abs=0.1)


def ends(path: str) -> list[tuple[float, float]]:
    found = re.fullmatch(r"M(\S+) (\S+)L(\S+) (\S+)", path)
    assert found
    x1, y1, x2, y2 = map(float, found.groups())
    return [(x1, y1), (x2, y2)]


def test_a_line_goes_through_its_points_and_over_the_whole_width() -> None:
    drawing = drawn((0, 0), (1, 1), (2, 2), lines=(PlotLine("y = x", 0, 1), PlotLine("1", 1.0)))
    (x1, y1), (x2, y2) = ends(drawing.lines[0])
    for x, y in middles(drawing):
        assert y == pytest.approx(y1 + (x - x1) / (x2 - x1) * (y2 - y1), abs=0.2)
    level = ends(drawing.lines[1])
    assert [x for x, _ in level] == [float(drawing.left), float(drawing.right)]
    assert level[0][1] == level[1][1] == middles(drawing)[1][1]


def test_a_line_nearby_is_drawn_and_one_far_away_does_not_flatten_the_points() -> None:
    near, far, steep = PlotLine("near", 3.0), PlotLine("far", 1_000.0), PlotLine("steep", -1e6, 1e6)
    drawing = drawn((0, 0), (1, 1), (2, 2), lines=(near, far, steep))
    assert ends(drawing.lines[0])
    assert drawing.lines[1] == ""
    heights = [y for _, y in middles(drawing)]
    assert heights[0] - heights[2] > 150
    for x, y in ends(drawing.lines[2]):
        assert float(drawing.left) <= x <= float(drawing.right)
        assert float(drawing.top) <= y <= float(drawing.bottom)
    assert drawn((0, 1.41e-3), (1, 1.42e-3), lines=(PlotLine("0", 0.0),)).lines == ("",)


def test_marks_differ_in_shape_and_shrink_where_there_are_many() -> None:
    assert len({plots.mark(place, 3.0) for place in range(plots.SERIES)}) == plots.SERIES
    few, many = drawn((0, 1), (1, 2)), drawn(*((float(i), float(i)) for i in range(1_000)))
    assert f"a{4} " in few.series[0][0].path
    assert f"a{plots.SMALL} " in many.series[0][0].path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (299.0, "299"), (0.5, "0.5"), (1.41234567e-3, "0.00141235"), (1.5e-30, "1.5e-30"), (1e30, "1e30"),
        (math.nan, "–"), (math.inf, "–"), (-2.0, "-2"), (7, "7"),
    ],
)  # fmt: skip
def test_numbers_in_words(value: float, text: str) -> None:
    assert plots.number(value) == text


# On the page


@cache
def report() -> Report:
    found = scan(str(SAMPLES / "renamed"), str(SAMPLES / "original"), only=("config",))
    return replace(found, evidence=found.evidence[:1])


def page(*its_plots: Plot, direction: str = "") -> str:
    return html.render(plotted(report(), *its_plots, direction=direction))


def figures(text: str) -> list[str]:
    return re.findall(r'<figure class="plot">.*?</figure>', text, flags=re.DOTALL)


def cells(figure: str) -> list[list[str]]:
    """The rows of its table."""
    (table,) = re.findall(r"<table>.*?</table>", figure, flags=re.DOTALL)
    return [
        [unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", table)
    ]


def test_every_point_is_in_the_table_with_what_it_stands_for() -> None:
    labels = tuple(f"layers.{i}.weight" for i in range(300))
    points = tuple((float(i), 1.41e-3 + i * 1e-7) for i in range(300))
    other = Series("mean", ((0.0, -0.5), (1.0, 0.25)))
    (figure,) = figures(page(Plot("drift", "layer", "sd", (Series("sd", points, labels), other))))
    assert "The numbers behind this plot (302)" in figure
    head, name, *rows = cells(figure)
    assert head == ["point", "layer", "sd"]
    assert name == ["sd"]
    expected = [[label, plots.number(x), plots.number(y)] for label, (x, y) in zip(labels, points, strict=True)]
    assert rows == [*expected, ["mean"], ["", "0", "-0.5"], ["", "1", "0.25"]]
    table = figure[figure.index("<table>") : figure.index("</table>")]
    assert all("scope=" in tag for tag in re.findall(r"<th[ >][^>]*>?", table))
    assert figure.count("<title>") == 302


def test_without_labels_the_x_heads_a_row() -> None:
    (figure,) = figures(page(of((0, 1), (1, 2))))
    assert cells(figure) == [["layer", "sd"], ["left"], ["0", "1"], ["1", "2"]]
    assert figure.count('<th scope="row"') == 2


def test_long_tables_and_many_series_are_cut_and_say_so() -> None:
    most = html.LIMITS["points"]
    (figure,) = figures(page(of(*((float(i), 1.0) for i in range(most + 600)))))
    assert len(cells(figure)) == most + 2
    assert f"left (the first {most} of 1,000; report.json has all)" in figure
    assert figure.count("<title>") == most + 600
    series = tuple(Series(f"number {i}", ((0.0, float(i)),)) for i in range(9))
    lines = tuple(PlotLine(f"line {i}", i) for i in range(7))
    (figure,) = figures(page(Plot("many", "x", "y", series, lines)))
    assert "The first 6 series and 4 lines are shown; report.json has all." in figure
    assert "number 5" in figure
    assert "number 6" not in figure
    many = page(*(of((0, i)) for i in range(15)))
    assert len(figures(many)) == html.LIMITS["plots"]
    assert "The first 12 plots are shown; report.json has all 15." in many


def test_points_of_the_whole_page_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MAX_POINTS", 5)
    first, second, third = figures(page(*(of(*((float(i), 1.0) for i in range(n))) for n in (3, 3, 2))))
    assert "<svg" in first
    assert "<svg" in third
    assert "<svg" not in second
    assert "The page has no room for its points; report.json has them." in second


def test_no_text_of_a_plot_is_markup() -> None:
    hostile = f"\u202e{MARKUP}"
    plot = Plot(
        hostile, hostile, hostile, (Series(hostile, ((0, 1),), (hostile,)),), (PlotLine(hostile, 1.0),), hostile
    )
    text = page(plot)
    assert text.count("<script") == 1
    assert "<img" not in text
    assert "\u202e" not in text
    (figure,) = figures(text)
    assert figure.count("&lt;script&gt;") >= 8


def test_no_text_of_a_plot_is_endless() -> None:
    long = "x" * 100_000
    plot = Plot(long, long, long, (Series(long, ((0, 1),), (long,)),), (PlotLine(long, 1.0),), long)
    for figure in figures(page(plot, replace(plot, says=""))):
        assert len(figure) < 10_000


def test_the_figure_says_what_it_shows_without_being_seen() -> None:
    says = "All points lie on the line."
    plot = replace(of((0, 1), (1, 2), lines=(PlotLine("y = x + 1", 1, 1), PlotLine("0", -1_000))), says=says)
    first, second = figures(page(plot, of((0, 1))))
    (named,) = re.findall(r'<svg[^>]* role="img" aria-labelledby="(\S+) (\S+)"', first)
    assert f'<title id="{named[0]}">title</title>' in first
    assert f'<desc id="{named[1]}">{says}</desc>' in first
    assert re.search(rf"<figcaption><strong>title</strong>.*{says}</figcaption>", first)
    assert "sd against layer</desc>" in second
    assert not set(re.findall(r' id="(\S+)"', first)) & set(re.findall(r' id="(\S+)"', second))
    keys = [re.sub(r"<[^>]*>", "", key).strip() for key in re.findall(r"<li>.*?</li>", first)]
    assert keys == ["left", "y = x + 1", "0 (outside of what is drawn)"]


def test_styles_are_in_the_style_sheet() -> None:
    text = page(of((0, 1), (1, 2), lines=(PlotLine("y = x", 0, 1),)))
    assert " style=" not in text
    assert text.count("<style") == 1
    assert "onload" not in text


def test_what_cannot_be_drawn_is_said() -> None:
    (none,) = figures(page(of()))
    assert "It has no points." in none
    assert "<svg viewBox" not in none
    (some,) = figures(page(of((0, 1), (1, math.nan), (2, math.inf))))
    assert "2 of its points are no numbers that can be drawn." in some
    assert "nan" not in some
    assert "inf" not in some
    assert [row[-1] for row in cells(some)[2:]] == ["1", "–", "–"]


def test_the_direction_is_on_the_page_where_there_is_one() -> None:
    assert "Direction of this finding: right from left." in page(direction="right from left")
    assert "Direction of this finding" not in page()


@settings(max_examples=60, deadline=None)
@given(strategies.plots)
def test_any_plot_can_be_shown(plot: Plot) -> None:
    (figure,) = figures(page(plot))
    for path in re.findall(r' d="([^"]*)"', figure):
        assert re.fullmatch(r"[MmLlHhVvAaZz0-9. -]+", path)
