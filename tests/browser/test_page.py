"""The report in a real browser: nothing is fetched, nothing of the scanned code runs, and the keys work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codeclone import scan
from codeclone.report import html
from tests.conftest import SAMPLES

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


def test_every_link_on_the_page_has_its_target(browser, page: Path) -> None:
    open_page(browser, page)
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


def test_a_narrow_window_does_not_scroll_sideways(browser, page: Path) -> None:
    open_page(browser, page)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 700, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 700
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
