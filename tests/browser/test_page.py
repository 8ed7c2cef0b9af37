"""The report in a real browser: nothing is fetched, nothing of the scanned code runs, and the keys work."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from codeclone import scan
from codeclone.model import Plot, PlotLine, Series
from codeclone.report import html
from tests.conftest import SAMPLES
from tests.reports import DECLARED_BY, plotted, told

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed; .ci/run installs them"
)

HOSTILE = """
TEXT = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"


def f(values, limit=3):
    # <script>window.hacked = 3</script> &quot; ' " {{ 7 * 7 }}
    total = [value * 0.123 + limit for value in values if value > 7.5]
    first, *rest = sorted(total, key=lambda item: -item * 3.25)
    return {"a\\u202eb<b>": first, "</td>": sum(rest) / 17.5, "x": [item ** 0.37 for item in rest if item % 11 == 5]}
"""


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM or ""
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--window-size=1300,900",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html.render(scan(str(SAMPLES / "renamed"), str(SAMPLES / "original"))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def explained_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ancestor, a claimed source, declarations and controls of every sort."""
    left, right, ancestor, claimed = (
        str(SAMPLES / name) for name in ("rewritten", "original", "upstream", "independent")
    )
    path = tmp_path_factory.mktemp("page") / "explained.html"
    path.write_text(html.render(told(scan(left, right, ancestors=(ancestor,), claimed=(claimed,)))), encoding="utf-8")
    return path


DRIFT = Plot(
    "Standard deviation of each tensor",
    "tensor, in the order of the layers",
    "difference of the weights",
    (
        Series(
            "left",
            tuple((float(i), 1.41e-3 + (i * 37 % 101) * 1e-7) for i in range(300)),
            tuple(f"model.layers.{i}.self_attn.q_proj.weight" for i in range(300)),
        ),
        Series("right", tuple((float(i), 1.42e-3 + (i * 53 % 101) * 1e-7) for i in range(300))),
    ),
    (PlotLine("fitted", 1.415e-3, 2e-8),),
    "The standard deviation is the same in every tensor.",
)


@pytest.fixture(scope="module")
def plotted_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = Plot("W" * 300, "x" * 300, "y" * 300, (Series("n" * 300, ((1e30, 1e-30),), ("l" * 300,)),))
    report = scan(str(SAMPLES / "renamed"), str(SAMPLES / "original"), only=("config",))
    path = tmp_path_factory.mktemp("page") / "plotted.html"
    path.write_text(html.render(plotted(report, DRIFT, long)), encoding="utf-8")
    return path


def visible(browser, selector: str) -> list[bool]:
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((e) => e.checkVisibility())", selector
    )


def open_page(browser, path: Path) -> None:
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(path.as_uri())


def press(browser, keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(keys).perform()


def focused(browser) -> str:
    return browser.execute_script("return document.activeElement.id")


def test_nothing_is_fetched_and_nothing_is_blocked(browser, page: Path) -> None:
    import json

    open_page(browser, page)
    requests = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if 'Network.requestWillBeSent"' in entry["message"]
    ]
    assert [url for url in requests if not url.startswith(("file://", "data:"))] == []
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_script_in_scanned_code_stays_inert(browser, tmp_path: Path) -> None:
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "m<script>window.hacked = 4<!--.py").write_text(HOSTILE.replace("limit", f"limit_{side}"))
    report = scan(str(tmp_path / "left"), str(tmp_path / "right"))
    assert report.evidence, "the hostile function must be shown for this test to mean anything"
    path = tmp_path / "report.html"
    path.write_text(html.render(report), encoding="utf-8")
    open_page(browser, path)
    assert browser.execute_script("return window.hacked") is None
    text = browser.execute_script("return document.body.textContent")
    assert "<script>window.hacked = 3</script>" in text
    assert "{{ 7 * 7 }}" in text
    assert browser.execute_script("return document.scripts.length") == 1


def test_keys_move_between_pairs(browser, page: Path) -> None:
    open_page(browser, page)
    order = browser.execute_script("return [...document.querySelectorAll('article.pair')].map((pair) => pair.id)")
    press(browser, "j")
    assert focused(browser) == order[0]
    press(browser, "jj")
    assert focused(browser) == order[2]
    press(browser, "k")
    assert focused(browser) == order[1]
    assert browser.execute_script("return location.hash") == f"#{order[1]}"
    press(browser, "?")
    assert browser.execute_script("return document.getElementById('help').open") is True


def test_keys_start_where_the_reader_is(browser, page: Path) -> None:
    open_page(browser, page)
    order = browser.execute_script("return [...document.querySelectorAll('article.pair')].map((pair) => pair.id)")
    browser.execute_script("document.getElementById(arguments[0]).scrollIntoView()", order[10])
    press(browser, "j")
    assert focused(browser) == order[11]
    browser.execute_script("document.querySelectorAll('table.pairs tbody a')[20].focus()")
    press(browser, "j")
    first = next(place for place, its_id in enumerate(order) if its_id.startswith("code-"))
    assert first > 0
    assert focused(browser) == order[first + 20]


def test_the_list_sorts_and_says_how(browser, page: Path) -> None:
    open_page(browser, page)
    button = browser.find_element("css selector", "table.pairs th:nth-child(8) button")
    for direction, reverse in (("descending", True), ("ascending", False)):
        button.click()
        assert button.find_element("xpath", "..").get_attribute("aria-sort") == direction
        values = browser.execute_script(
            "return [...document.querySelectorAll('table.pairs tbody tr')].map((r) => Number(r.cells[7].dataset.value))"
        )
        assert values == sorted(values, reverse=reverse)


def test_unchanged_lines_fold_and_unfold(browser, tmp_path: Path) -> None:
    body = "".join(f"    total = total * {i}.5 + values[{i}] ** {i}.25\n" for i in range(40))
    for side, last in (("left", "total - 1"), ("right", "total - 2")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "m.py").write_text(f"def f(values, total):\n{body}    return {last}\n")
    path = tmp_path / "report.html"
    path.write_text(html.render(scan(str(tmp_path / "left"), str(tmp_path / "right"))), encoding="utf-8")
    open_page(browser, path)
    button = browser.find_element("css selector", "button.unfold")
    assert "unchanged lines" in button.text
    hidden = browser.find_element("css selector", "tbody.folded")
    assert not hidden.is_displayed()
    button.click()
    assert hidden.is_displayed()
    assert button.get_attribute("aria-expanded") == "true"


@pytest.mark.parametrize("which", ["page", "explained_page"])
def test_every_link_on_the_page_has_its_target(browser, which: str, request: pytest.FixtureRequest) -> None:
    open_page(browser, request.getfixturevalue(which))
    missing = browser.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].filter((a) => !document.getElementById(a.hash.slice(1))).length"
    )
    assert missing == 0
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


def test_print_shows_everything(browser, page: Path) -> None:
    open_page(browser, page)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        shown = browser.execute_script(
            "return [...document.querySelectorAll('tbody.folded')].every((t) => getComputedStyle(t).display !== 'none')"
        )
        assert shown
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_rename_tables_are_there_on_screen_and_in_print(browser, page: Path) -> None:
    open_page(browser, page)
    heads = browser.execute_script(
        "return [...document.querySelectorAll('table.renames th')].every((h) => h.scope === 'col')"
    )
    assert heads is True
    assert "identical to the right side's" in browser.find_element("css selector", "p.proof").text
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        shown = browser.execute_script(
            "return [...document.querySelectorAll('table.renames')].every((t) => t.getBoundingClientRect().height > 0)"
        )
        assert shown
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize(
    ("which", "width"),
    [("page", 700), ("explained_page", 700), ("explained_page", 420), ("plotted_page", 1280), ("plotted_page", 320)],
)
def test_a_narrow_window_does_not_scroll_sideways(
    browser, which: str, width: int, request: pytest.FixtureRequest
) -> None:
    open_page(browser, request.getfixturevalue(which))
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        too_wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(too_wide) <= 0
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_bars_have_patterns_and_their_shares_as_text(browser, explained_page: Path) -> None:
    open_page(browser, explained_page)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    fills = browser.execute_script(
        "return [...document.querySelectorAll('.parts .swatch rect')].map((r) => getComputedStyle(r).fill)"
    )
    assert len(set(fills)) == 5
    patterns = [fill.split("#")[1].rstrip(')"') for fill in fills if fill.startswith("url(")]
    assert len(patterns) == 3
    for name in patterns:
        assert browser.execute_script("return document.getElementById(arguments[0]).tagName", name) == "pattern"
    bars = browser.execute_script(
        "return [...document.querySelectorAll('table.bars tbody tr')].map((r) => "
        "[r.querySelector('small').textContent, [...r.querySelectorAll('rect')].map((b) => "
        "[b.textContent, b.width.baseVal.valueInSpecifiedUnits])])"
    )
    assert len(bars) > 10
    for words, drawn in bars:
        assert words == (" · ".join(part for part, _ in drawn) or "nothing counted")
        assert sum(width for _, width in drawn) == pytest.approx(100 if drawn else 0, abs=0.01)


def test_controls_stand_beside_the_figures(browser, explained_page: Path) -> None:
    open_page(browser, explained_page)
    for selector in ("article[id^=code-] .beside table", "article[id^=config-] .beside table"):
        heads = browser.find_element("css selector", selector).find_elements("css selector", "thead th")
        assert [head.text for head in heads] == [
            "figure", "this pair", "left ~ upstream", "right ~ upstream", "left ~ independent", "right ~ independent",
            "unrelated pairs below",
        ]  # fmt: skip
    assert "all measured" in browser.find_element("css selector", ".beside").text
    assert "97.3 %" in browser.find_element("css selector", "#h-controls + .scroll").text


def test_answers_families_and_declarations_are_on_the_page(browser, explained_page: Path) -> None:
    open_page(browser, explained_page)
    answers = [found.text for found in browser.find_elements("css selector", "p.answer")]
    assert len(answers) == 2
    assert all("shared with original" in answer for answer in answers)
    family = browser.find_element("css selector", "details.family")
    assert family.find_element("css selector", "summary").text.startswith("Explained equally well by original and ")
    assert not family.find_element("css selector", "table").is_displayed()
    family.find_element("css selector", "summary").click()
    assert family.find_element("css selector", "table").is_displayed()
    badge = browser.find_element("css selector", "article h3 .declared")
    assert badge.is_displayed()
    assert badge.text == "declared"
    assert DECLARED_BY in browser.find_element("css selector", "article .declared-by").text
    assert (
        "LlamaMLP" in browser.find_element("css selector", "table.declarations").find_element("xpath", "../../..").text
    )


def test_attribution_sorts_by_what_a_candidate_has(browser, explained_page: Path) -> None:
    open_page(browser, explained_page)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    table = browser.find_element("css selector", "details.attributed table")
    button = table.find_element("css selector", "th:nth-child(4) button")
    assert button.text.startswith("in upstream")
    button.click()
    values = browser.execute_script(
        "return [...arguments[0].tBodies[0].rows].map((r) => parseFloat(r.cells[3].textContent) || 0)", table
    )
    assert values == sorted(values, reverse=True)
    assert values[0] > 0


def test_everything_is_printed_without_script_as_well(browser, explained_page: Path, tmp_path: Path) -> None:
    import re

    path = tmp_path / "no_script.html"
    path.write_text(re.sub(r"<script>.*?</script>", "", explained_page.read_text(encoding="utf-8"), flags=re.DOTALL))
    selectors = ("table.attribution", "table.controls", "table.declarations", "table.files", ".bars small", "p.answer")
    for its_path in (explained_page, path):
        open_page(browser, its_path)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        try:
            for selector in selectors:
                found = visible(browser, selector)
                assert found, selector
                assert all(found), selector
        finally:
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_plots_are_seen_and_named(browser, plotted_page: Path) -> None:
    open_page(browser, plotted_page)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    svg = browser.find_element("css selector", "figure.plot svg[role=img]")
    assert svg.is_displayed()
    assert svg.accessible_name == f"{DRIFT.title} {DRIFT.says}"
    assert svg.aria_role in {"image", "img"}
    box = svg.rect
    marks = browser.execute_script(
        "return [...arguments[0].querySelectorAll('g.mark')].map((g) => [...g.querySelectorAll('path')].map((p) => "
        "{ const b = p.getBoundingClientRect(); return [b.left + scrollX, b.top + scrollY, b.width, b.height]; }))",
        svg,
    )
    assert [len(series) for series in marks] == [300, 300]
    for left, top, width, height in (mark for series in marks for mark in series):
        assert 2 < width < 12
        assert 2 < height < 12
        assert box["x"] <= left <= box["x"] + box["width"]
        assert box["y"] <= top <= box["y"] + box["height"]
    texts = browser.execute_script(
        "const s = arguments[0].getBoundingClientRect(); return [...document.querySelectorAll('svg[role=img] text')]"
        ".every((t) => { const b = t.getBoundingClientRect(); return b.left >= s.left - 1 && b.right <= s.right + 1; })",
        svg,
    )
    assert texts is True


def test_numbers_on_an_axis_do_not_touch(browser, plotted_page: Path) -> None:
    open_page(browser, plotted_page)
    groups = browser.execute_script(
        "return [...document.querySelectorAll('svg[role=img] g.ticks[text-anchor=middle]')].map((g) => "
        "[...g.children].map((t) => { const b = t.getBoundingClientRect(); return [b.left, b.right]; }))"
    )
    assert all(len(group) > 1 for group in groups)
    for group in groups:
        assert all(one[1] < other[0] for one, other in pairwise(group))


def test_the_numbers_behind_a_plot_open(browser, plotted_page: Path) -> None:
    open_page(browser, plotted_page)
    details = browser.find_element("css selector", "details.numbers")
    table = details.find_element("css selector", "table")
    assert not table.is_displayed()
    details.find_element("css selector", "summary").click()
    assert table.is_displayed()
    assert len(table.find_elements("css selector", "tbody tr")) == 602


def test_marks_are_told_apart_in_print_and_in_the_dark(browser, plotted_page: Path) -> None:
    colours = (
        "return ['.plot g.mark-1', '.plot g.mark-2', '.plot .plot-line', '.plot .axis'].map((s) => { const c = "
        "getComputedStyle(document.querySelector(s)); return [c.fill, c.stroke].find((v) => v !== 'none'); })"
    )
    shape = "return [...document.querySelectorAll('.plot g.mark path:first-of-type')].map((p) => p.getAttribute('d'))"
    found = {}
    try:
        for name, emulated in {
            "print": {"media": "print"},
            "light": {"features": [{"name": "prefers-color-scheme", "value": "light"}]},
            "dark": {"features": [{"name": "prefers-color-scheme", "value": "dark"}]},
        }.items():
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [], **emulated})
            open_page(browser, plotted_page)
            if name == "print":
                browser.execute_script("dispatchEvent(new Event('beforeprint'))")
                assert all(visible(browser, "figure.plot svg[role=img], .key li, figure.plot figcaption"))
                assert not any(visible(browser, "details.numbers table"))
                browser.execute_script("document.querySelector('details.numbers').open = true")
                assert visible(browser, "details.numbers table") == [True, False]
            found[name] = browser.execute_script(colours)
            one, other, *_ = browser.execute_script(shape)
            assert one.split("m")[1] != other.split("m")[1]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    assert set(found["print"]) == {"rgb(0, 0, 0)"}
    assert not set(found["light"]) & set(found["dark"])
    assert len(set(found["light"])) == len(set(found["dark"])) == 3
