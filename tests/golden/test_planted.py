"""What was planted beside the code is found exactly, and the innocents are not accused by any kind of evidence."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from codeclone import scan
from codeclone.model import LEVELS, Evidence, Report
from tests.conftest import SAMPLES
from tests.golden.test_samples import INNOCENT

DATA = ("config", "references", "tensors", "tokenizer")


@cache
def report(left: str, right: str) -> Report:
    return scan(str(SAMPLES / left), str(SAMPLES / right), only=DATA)


def findings(left: str, kind: str, path: str = "") -> list[Evidence]:
    return [
        finding
        for finding in report(left, "original").evidence
        if finding.kind == kind and path in ("", finding.left[0].location.path)
    ]


def key_path(pointer: str) -> str:
    return pointer.strip("/").replace("/", ".")


@pytest.mark.parametrize("copy", ["renamed", "rewritten"])
def test_every_tensor_is_mapped_onto_the_one_it_is(copy: str, truth: dict[str, Any]) -> None:
    planted = truth["tensors"][copy]
    (finding,) = findings(copy, "tensors")
    found = dict(finding.renames)
    assert all(planted["renames"][left] == right for left, right in found.items())
    # The embedding of `rewritten` has four rows more and a tied twin: nothing tells which of the two is meant.
    assert planted["renames"].keys() - found.keys() == ({"backbone.words.weight"} if copy == "rewritten" else set())
    assert len(finding.tables[0].rows) <= len(planted["rules"])
    assert finding.level == "weak"


@pytest.mark.parametrize("copy", ["renamed", "rewritten"])
def test_the_new_tokens_that_both_have_are_those_that_were_planted(copy: str, truth: dict[str, Any]) -> None:
    (finding,) = findings(copy, "tokenizer")
    rows = [row for table in finding.tables for row in table.rows if "token" in table.columns[0] and row.bits > 0]
    assert {row.cells[0] for row in rows} == set(truth["tokens"][copy]["shared_new"])
    assert "Llama 2" in finding.reason


@pytest.mark.parametrize("copy", ["renamed", "rewritten"])
def test_every_renamed_setting_is_found_under_its_other_key(copy: str, truth: dict[str, Any]) -> None:
    for path, planted in truth["config"][copy].items():
        (finding,) = findings(copy, "config", path)
        assert set(finding.renames) == {(key_path(left), key_path(right)) for left, right in planted["renamed"]}
        rows = {op: {row.cells[0] for row in finding.tables[0].rows if row.op == op} for op in ("same", "edited")}
        assert rows["same"] == {key_path(pointer) for pointer in planted["equal"]}
        assert rows["edited"] >= {key_path(left) for left, right in planted["changed"] if left == right}


@pytest.mark.parametrize("copy", ["renamed", "rewritten"])
def test_copies_are_moderate_by_three_independent_kinds(copy: str) -> None:
    reached = {
        finding.kind
        for finding in report(copy, "original").evidence
        if finding.stance == "for" and LEVELS.index(finding.level) >= LEVELS.index("moderate")
    }
    assert reached == {"config", "references", "tokenizer"}


@pytest.mark.parametrize(("left", "right"), INNOCENT)
def test_innocents_are_weak_at_most_in_every_kind(left: str, right: str) -> None:
    assert {finding.level for finding in report(left, right).evidence} <= {"none", "weak"}


def test_tokens_of_the_base_weigh_nothing() -> None:
    for left in ("independent", "lookalike"):
        for finding in findings(left, "tokenizer"):
            assert finding.level == "none"
            assert sum(row.bits for table in finding.tables for row in table.rows) == 0.0
        assert report(left, "original").partition.by_kind["tokenizer"].attributable == 0.0
