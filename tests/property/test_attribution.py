"""What must hold of explanations, whatever the candidates are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codeclone import codec, scan
from codeclone.attribution import LEAST_SHARED, Explained, Item, added, attributed, explain, explained_items
from codeclone.model import PARTS, Location, Partition, Place, Report
from tests.conftest import SAMPLES
from tests.strategies import candidates, comparisons, explaining, facts

STOCK_BITS = 4.0

relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
whole_scans = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Each example is three scans of about a second."""

Found = Sequence[tuple[Any, Iterable[int]]]


def explained(its: Mapping[int, float], found: Found) -> Explained:
    keys = np.array(sorted(its), np.uint64)
    return explain(
        keys,
        np.array([its[int(key)] for key in keys], np.float64),
        STOCK_BITS,
        [(role, np.array(sorted(some), np.uint64)) for role, some in found],
    )


def close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-5


# Facts


@relaxed
@given(facts, candidates, st.data())
def test_parts_add_up_to_the_whole(its: dict[int, float], found: Found, data: st.DataObject) -> None:
    result = explained(its, found)
    assert close(result.partition().total, sum(its.values()))
    some = np.array([data.draw(st.booleans()) for _ in its], np.bool_)
    halves = [result.partition(result.keys[chosen]) for chosen in (some, ~some)]
    together = added(halves)
    for part in PARTS:
        assert close(getattr(together, part), getattr(result.partition(), part))


@relaxed
@given(facts, candidates)
def test_each_fact_goes_to_the_first_that_has_it(its: dict[int, float], found: Found) -> None:
    result = explained(its, found)
    for key, bits, part in zip(result.keys.tolist(), result.bits.tolist(), result.parts.tolist(), strict=True):
        holders = {role for role, some in found if key in some}
        first = next((role for role in ("ancestor", "claimed", "right") if role in holders), "own")
        expected = "stock" if bits < STOCK_BITS else "attributable" if first == "right" else first
        assert PARTS[part] == expected


@relaxed
@given(facts, candidates, explaining)
def test_one_more_candidate_never_raises_what_is_attributable(
    its: dict[int, float], found: Found, more: tuple[Any, frozenset[int]]
) -> None:
    before, after = explained(its, found).partition(), explained(its, [*found, more]).partition()
    assert after.attributable <= before.attributable
    assert after.own <= before.own
    assert after.stock == before.stock


@relaxed
@given(facts, candidates.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_of_candidates_changes_no_part(its: dict[int, float], orders: tuple[Found, Found]) -> None:
    one, other = (explained(its, found) for found in orders)
    assert one.parts.tolist() == other.parts.tolist()


@relaxed
@given(facts, candidates)
def test_a_candidate_twice_is_one_and_an_ancestor_is_no_claimed_source(its: dict[int, float], found: Found) -> None:
    once = explained(its, found).parts.tolist()
    assert explained(its, [*found, *found]).parts.tolist() == once
    ancestors = [(role, some) for role, some in found if role == "ancestor"]
    assert explained(its, [*found, *(("claimed", some) for _, some in ancestors)]).parts.tolist() == once


# Settings, tokens and tensors


ITEMS = st.lists(
    st.tuples(st.booleans(), st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.25, 0.5, 1.0]))), max_size=12
)
NAMED = st.permutations([("a", "right"), ("b", "claimed"), ("c", "ancestor"), ("d", "claimed")])


def items(told: Iterable[tuple[bool, dict[str, float]]]) -> list[Item]:
    return [
        Item(
            Place(Location(f"{number}.json")),
            telling,
            {name: (score, Place(Location(name))) for name, score in scores.items()},
        )
        for number, (telling, scores) in enumerate(told)
    ]


@relaxed
@given(ITEMS, NAMED)
def test_items_are_explained_alike_in_any_order(told: Any, named: Any) -> None:
    its = items(told)
    assert attributed("k", its, named) == attributed("k", its, sorted(named))
    for row, (_, scores) in zip(attributed("k", its, named), told, strict=True):
        most = max(scores.values(), default=None)
        equals = [name for name in "cbda" if scores.get(name) == most and most is not None]
        named_best = [row.best.candidate, *(its.candidate for its in row.tied)] if row.best else []
        assert named_best == equals
        assert row.undecided == (len(equals) > 1)


@relaxed
@given(ITEMS, NAMED)
def test_items_are_counted_once(told: Any, named: Any) -> None:
    shares = dict.fromkeys("abcd", 0.0)
    rows = {its.candidate: its for its in explained_items("k", items(told), named, shares)}
    shared = [scores for telling, scores in told if telling and scores.get("a", 0.0) >= LEAST_SHARED]
    assert {its.shared for its in rows.values()} == {len(shared)}
    for name in "bcd":
        assert rows[name].better == sum(scores.get(name, 0.0) > scores["a"] for scores in shared)
        assert rows[name].tied == sum(scores.get(name) == scores["a"] for scores in shared)
    others = [max((scores.get(name, 0.0) for name in "bcd"), default=0.0) for scores in shared]
    assert rows["a"].better == sum(scores["a"] > most for scores, most in zip(shared, others, strict=True))


# Whole scans


@cache
def scanned(left: str, right: str, found: tuple[tuple[str, str], ...]) -> Report:
    return scan(
        str(SAMPLES / left),
        str(SAMPLES / right),
        ancestors=[str(SAMPLES / name) for name, role in found if role == "ancestor"],
        claimed=[str(SAMPLES / name) for name, role in found if role == "claimed"],
    )


def bars(report: Report) -> dict[str, Partition]:
    """Every partition of a report: the whole, each kind, each file."""
    parts = report.partition
    return {
        "total": parts.total,
        **{f"kind {kind}": its for kind, its in parts.by_kind.items()},
        **{f"file {path}": its for path, its in parts.by_file.items()},
    }


@whole_scans
@given(comparisons())
def test_scans_keep_their_promises_for_any_candidates(
    comparison: tuple[str, str, list[tuple[str, str]], tuple[str, str]],
) -> None:
    left, right, some, more = comparison
    report = scanned(left, right, tuple(some))
    assert codec.to_json(scanned(left, right, tuple(reversed(some)))) == codec.to_json(report)

    larger = scanned(left, right, (*some, more))
    before, after = bars(report), bars(larger)
    assert before.keys() == after.keys()
    for name, partition in after.items():
        assert partition.attributable <= before[name].attributable + 1e-5, name
        assert partition.own <= before[name].own + 1e-5, name
        assert partition.stock == before[name].stock, name
        assert close(partition.total, before[name].total), name
    for found in (report, larger):
        kinds = added([*found.partition.by_kind.values()])
        assert all(close(getattr(kinds, part), getattr(found.partition.total, part)) for part in PARTS)
        assert len(found.attribution) == len(report.attribution)


@pytest.mark.parametrize("role", ["ancestor", "claimed"])
def test_a_source_given_twice_changes_nothing(role: str) -> None:
    once = scanned("fork_radar", "fork_captions", (("upstream", role),))
    twice = scanned("fork_radar", "fork_captions", (("upstream", role), ("upstream", role)))
    assert codec.to_json(twice) == codec.to_json(once)


def test_a_source_given_as_both_is_explained_as_ancestor() -> None:
    both = scanned("fork_radar", "fork_captions", (("upstream", "claimed"), ("upstream", "ancestor")))
    alone = scanned("fork_radar", "fork_captions", (("upstream", "ancestor"),))
    assert bars(both) == bars(alone)
    assert both.partition.total.claimed == 0.0 < both.partition.total.ancestor
    role_of = {candidate.name: candidate.role for candidate in both.candidates}
    named_best = [role_of[row.best.candidate] for row in both.attribution if row.best]
    assert {*named_best} == {"ancestor", "right"}
