"""Families, slots, orders and scores, on values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeclone.match import chat
from codeclone.match.decades import level_of
from codeclone.match.tokens import (
    common_prefix,
    family,
    kendall_tau,
    merge_order,
    overlap,
    score,
    slot_term,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<box>", "</box>"),
        ("<|box|>", "<|/box|>"),
        ("[INST]", "[/INST]"),
        ("<|vision_start|>", "<|vision_end|>"),
        ("<|start_header_id|>", "<|end_header_id|>"),
        ("<loc_1>", "<loc_42>"),
        ("<|startoftext|>", "<|endoftext|>"),
    ],
)
def test_what_is_made_together_is_one_family(one: str, other: str) -> None:
    assert family(one) == family(other)


@pytest.mark.parametrize(("one", "other"), [("<box>", "<quad>"), ("<endpoint>", "<point>"), ("<|user|>", "<|reply|>")])
def test_other_tokens_are_other_families(one: str, other: str) -> None:
    assert family(one) != family(other)


FREE = [10, 11, 12, 15, *range(20, 30)]


@pytest.mark.parametrize(
    ("ids", "ordered", "expected"),
    [
        ([10, 11], True, 0.0),  # the first free ones
        ([20, 21, 22, 23], True, 0.0),  # the first run of four
        ([10, 11, 12, 15], True, 0.0),  # the first four free ones of all
        ([21, 22, 23, 24], True, math.log10(math.comb(14, 4))),
        ([21, 22, 23, 24], False, math.log10(math.perm(14, 4))),
        ([15], True, math.log10(14)),
        ([15, 99], True, 0.0),  # not all of them are free slots of the base
        ([], True, 0.0),
    ],
)
def test_slots(ids: list[int], ordered: bool, expected: float) -> None:
    assert slot_term(ids, FREE, ordered) == pytest.approx(expected)


def test_score_adds_families_and_takes_off_what_is_not_shared() -> None:
    shared = {"<ab>": 0.004, "</ab>": 0.04, "<cd>": 0.1}
    found = score(shared, ["<x>", "</x>", "<y>"], ["<z>"], 0.5, 0.01)
    assert found.ratio == pytest.approx(-math.log10(0.04) + 1 + 0.5 - 1)
    assert (found.families, found.rare, found.penalties) == (2, 0, 1)
    assert score(shared, ["<x>"], [], 0.0, 0.01).penalties == 0
    assert score({}, ["<x>"], ["<y>", "<z>"], 3.0, 0.01).ratio == -1


def test_score_is_capped() -> None:
    assert score({f"<{letter}>": 0.001 for letter in "abcdefgh"}, [], [], 0.0, 0.01).ratio == 6.0


@pytest.mark.parametrize(
    ("ratio", "families", "rare", "expected"),
    [(6.0, 3, 3, "moderate"), (6.0, 3, 2, "weak"), (3.9, 5, 5, "weak"), (0.9, 1, 1, "none"), (2.0, 0, 0, "none")],
)
def test_levels(ratio: float, families: int, rare: int, expected: str) -> None:
    assert level_of(ratio, families, rare) == expected


def test_kendall_tau_by_hand() -> None:
    assert kendall_tau(np.array([0, 1, 2, 3])) == 1.0
    assert kendall_tau(np.array([3, 2, 1, 0])) == -1.0
    assert kendall_tau(np.array([1, 0, 2, 3])) == pytest.approx(4 / 6)
    assert kendall_tau(np.array([0])) == 1.0


@given(st.permutations(range(13)))
def test_kendall_tau_counts_inversions(order: list[int]) -> None:
    inverted = sum(order[a] > order[b] for a in range(13) for b in range(a + 1, 13))
    assert kendall_tau(np.array(order)) == pytest.approx(1 - 2 * inverted / 78)


def test_merges_and_vocabularies() -> None:
    assert merge_order(["a b", "c d", "e f", "x y"], ["c d", "a b", "e f", "q r"]) == (3, pytest.approx(1 / 3))
    assert common_prefix(["a", "b", "c"], ["a", "b", "d", "e"]) == 2
    found = overlap(["a", "b", None, "d"], ["a", "d", None, "b", "e"])
    assert (found.left, found.right, found.shared, found.same_id, found.prefix) == (3, 4, 3, 1, 1)
    assert (found.share, found.id_share) == (1.0, pytest.approx(1 / 3))
    assert overlap(["a"], ["a"]).equal


def similarity(left: str, right: str) -> float | None:
    return chat.likeness(chat.subtrees(left), chat.subtrees(right))


TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{% endfor %}"


def test_templates_are_compared_without_the_names_of_their_variables() -> None:
    renamed = TEMPLATE.replace(" m ", " turn ").replace("m.", "turn.")
    other = "{{ bos }}{% if a %}{{ system }}{% endif %}"
    assert similarity(TEMPLATE, renamed) == 1.0
    assert 0.0 < (similarity(TEMPLATE, TEMPLATE.replace("trim", "upper")) or 0) < 1.0
    assert (similarity(TEMPLATE, other) or 0) < 0.2


@pytest.mark.parametrize("text", ["{% if %}", "{{", "{{ " + "(" * 3000, "x" * 200_000, ""])
def test_what_is_no_template_is_not_compared(text: str) -> None:
    assert similarity(text, TEMPLATE) in (None, 0.0)


def test_nothing_of_a_template_is_run() -> None:
    assert similarity("{{ ().__class__.__base__.__subclasses__() }}{% include '/etc/passwd' %}", TEMPLATE) is not None
