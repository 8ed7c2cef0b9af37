"""What readers are told of candidates, ties, controls and declarations, and in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codeclone import scan
from codeclone.model import Attribution, Control, Explanation, Location, Partition, Place, Report, Source
from codeclone.report import explained, html, lineage, text
from codeclone.report.words import among_unrelated, answer, parts, things
from tests.conftest import SAMPLES
from tests.reports import DECLARED_BY, OTHER_EXPLANATION, declared, told


@pytest.fixture(scope="module")
def plain_report() -> Report:
    samples = {name: str(SAMPLES / name) for name in ("fork_captions", "fork_radar", "upstream", "independent")}
    return scan(
        samples["fork_captions"],
        samples["fork_radar"],
        ancestors=(samples["upstream"],),
        claimed=(samples["independent"],),
        only=("config", "tensors"),
    )


@pytest.fixture(scope="module")
def report(plain_report: Report) -> Report:
    return told(plain_report)


def row(kind: str, shared: int, better: int = 0, tied: int = 0) -> Explanation:
    return Explanation("UHD", kind, shared, better, tied, 0.5)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("code", 41, 6, 2)], "Of the 41 code fragments shared with R, UHD explains 6 better and 2 equally well."),
        ([row("code", 1, 0, 1)], "Of the 1 code fragment shared with R, UHD explains none better and 1 equally well."),
        ([row("code", 2000)], "Of the 2,000 code fragments shared with R, UHD explains none better or equally well."),
        (
            [row("code", 9, 3), row("config", 1, 1), row("tensors", 5), row("tokenizer", 0), row("references", 0)],
            "Of the 9 code fragments shared with R, UHD explains 3 better and none equally well; of the 1 setting beyond stock, 1 better "
            "and none equally well; of the 5 tensors, none better or equally well; no new tokens or references are shared.",
        ),
        (
            [row("code", 9), row("config", 2), row("tensors", 5, 1)],
            "Of the 9 code fragments and 2 settings beyond stock shared with R, UHD explains none better or equally well; "
            "of the 5 tensors, 1 better and none equally well.",
        ),
        ([row("code", 0)], "Nothing but stock is shared with R, so there is nothing that UHD could explain."),
    ],
)
def test_the_answer_of_a_source_is_one_sentence(rows: list[Explanation], expected: str) -> None:
    assert answer("UHD", "R", rows) == expected


def test_a_kind_of_another_release_has_a_noun() -> None:
    assert things(2, "history") == "2 items of kind history"


def test_parts_are_told_without_those_that_are_empty() -> None:
    assert parts(Partition(stock=1.0, own=3.0)) == "stock 25.0 % · own 75.0 %"
    assert parts(Partition()) == "nothing counted"


def test_figures_among_unrelated_pairs_never_claim_more_than_was_measured() -> None:
    assert among_unrelated(0.9996) == "99.9 %"
    assert among_unrelated(1.0) == "all measured"
    assert among_unrelated(0.0) == "none"


def place(name: str) -> Place:
    return Place(Location("m.py"), name)


def tied(kind: str, *names: str, score: float = 1.0) -> Attribution:
    best, *others = (Source(name, place("g")) for name in names)
    return Attribution(place("f"), best, dict.fromkeys(names, score), bool(others), tuple(others), kind)


def test_ties_are_families_of_candidates(plain_report: Report) -> None:
    rows = (
        tied("code", "upstream", "fork_radar"),
        tied("code", "upstream", "fork_radar", "fork_radar"),
        tied("config", "upstream", "fork_radar"),
        tied("code", "upstream", "fork_radar", "independent"),
        tied("code", "fork_radar", "fork_radar"),
        tied("code", "upstream"),
        tied("code", "upstream", "fork_radar", score=0.2),
    )
    found = explained.families(replace(plain_report, attribution=rows))
    assert [(family.candidates, family.counts) for family in found] == [
        (("fork_radar", "upstream"), (("code", 2), ("config", 1))),
        (("fork_radar", "upstream", "independent"), (("code", 1),)),
    ]
    page = html.render(replace(plain_report, attribution=rows))
    assert "Explained equally well by fork_radar and upstream: 2 code fragments, 1 setting" in page


def test_a_finding_has_its_figures_for_the_other_pairs() -> None:
    renamed = scan(str(SAMPLES / "renamed"), str(SAMPLES / "original"), only=("config",))
    finding = replace(renamed.evidence[0], controls=())
    assert explained.beside(finding) is None
    first = finding.measures[0]
    controls = (
        Control("left ~ A", first.name, 0.125, "the same figure for this pair; read with care"),
        Control("unrelated", first.name, 0.5, "the same figure for this pair"),
        Control("right ~ A", "depth", 4.25, ""),
    )
    grid = explained.beside(replace(finding, controls=controls))
    assert grid is not None
    assert grid.columns == ("this pair", "left ~ A", "right ~ A", "unrelated pairs below")
    rows = dict(grid.rows)
    assert rows[first.name][1:] == ("12.5 %", "–", "50.0 %")
    assert rows["depth"] == ("–", "–", "4.2", "–")
    assert len(grid.rows) == len(finding.measures) + 1
    assert grid.meanings == ("read with care",)


def test_controls_of_the_whole_stand_in_one_table(report: Report) -> None:
    grid = explained.whole(report.controls)
    assert grid is not None
    assert grid.columns[:3] == ("left ~ fork_radar", "left ~ upstream", "right ~ upstream")
    assert grid.columns[-1] == "unrelated pairs below"
    assert dict(grid.rows)["Code: share held"][-1] == "97.3 %"
    assert explained.whole(()) is None


def test_declarations_stand_by_side_and_kind(report: Report) -> None:
    groups = lineage.declarations(report)
    assert [(group.side, group.kind, group.places) for group in groups] == [
        ("left", "licence", 4),
        ("left", "copied from", 8),
        ("left", "adapted from", 1),
        ("fork_radar", "base model", 1),
    ]
    assert lineage.not_examined(report) == ["transformers.models.llama.modeling_llama.LlamaMLP"]
    assert lineage.in_short(report) == (
        "left: 4 × licence, 8 × copied from, 1 × adapted from (1 naming fork_radar); "
        "fork_radar: 1 × base model (1 naming upstream)"
    )


def test_the_page_tells_declarations_and_other_explanations(report: Report, plain_report: Report) -> None:
    page = html.render(report)
    assert "&lt;b&gt;copied from&lt;/b&gt;" in page
    assert OTHER_EXPLANATION in page
    assert "Declared lineage" in page
    silent = replace(plain_report.verdict, other_explanations=())
    nothing = html.render(replace(plain_report, declared=(), verdict=silent))
    assert "No declaration was found." in nothing
    assert "Other explanations" not in nothing


def test_a_report_that_counted_nothing_says_nothing_of_it(plain_report: Report) -> None:
    old = replace(plain_report, explanations=(), declared=None, controls=())
    page, summary = html.render(old), text.summary(old, [], color=False)
    for heading in ("Who explains what", "Declared lineage", "No declaration"):
        assert heading not in page
    assert "  declared " not in summary
    assert "  explained " not in summary


def test_the_summary_has_the_answers_and_what_is_declared(report: Report) -> None:
    lines = text.summary(report, [], color=False).splitlines()
    answers = [line for line in lines if line.startswith("  explained  ")]
    assert len(answers) == 2
    assert "upstream explains" in answers[0]
    assert "independent explains" in answers[1]
    assert any(line.startswith("  declared   left: 4 × licence") for line in lines)
    assert f"  otherwise  {OTHER_EXPLANATION}" in lines
    assert any(line.split()[0] == "tensors" and "own" in line for line in lines if line.strip())


def test_long_lists_are_cut_and_say_so(plain_report: Report) -> None:
    many = html.LIMITS["attribution"] + 7
    rows = tuple(tied("code", "fork_radar") for _ in range(many))
    said = tuple(declared("left", "copied from", f"package.module{n}") for n in range(html.LIMITS["declared"] + 5))
    page = html.render(replace(plain_report, attribution=rows, declared=said))
    assert f"The first {html.LIMITS['attribution']:,} are shown; report.json has all." in page
    assert page.count("<code>f</code>") == html.LIMITS["attribution"]
    assert f"The first {html.LIMITS['declared']} of {len(said)}; report.json has all." in page
    assert f"package.module{html.LIMITS['declared'] + 4}</code></td>" not in page


def test_declared_findings_carry_a_badge() -> None:
    report = told(scan(str(SAMPLES / "renamed"), str(SAMPLES / "original"), only=("code", "config")))
    page = html.render(report)
    assert {finding.kind for finding in report.evidence if finding.declared} == {"code", "config"}
    assert page.count(f'<p class="declared-by">Declared: {DECLARED_BY}</p>') == sum(
        bool(finding.declared) for finding in report.evidence
    )


def test_figures_of_other_pairs_beyond_the_bound_are_in_the_json_only(monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = scan(str(SAMPLES / "renamed"), str(SAMPLES / "original"), only=("config",))
    controls = tuple(Control("left ~ A", measure.name, 0.5, "") for measure in renamed.evidence[0].measures)
    report = replace(
        renamed, evidence=tuple(replace(finding, controls=controls) for finding in renamed.evidence), controls=()
    )
    count, elsewhere = len(report.evidence), "The same figures for other pairs are in report.json."
    assert count > 2
    assert elsewhere not in html.render(report)
    monkeypatch.setattr(html, "MAX_CONTROLS", 2 * 2 * len(controls))
    page = html.render(report)
    assert page.count('<details class="beside"') == 2
    assert page.count(elsewhere) == count - 2
