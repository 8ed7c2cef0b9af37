"""Rungs W2 to W6: by chance as often as they say, and each finds what it is there for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy import stats

from codeclone.match.chances import fisher
from codeclone.match.weight_judging import judged_tensors
from codeclone.match.weight_ladder import ladder
from codeclone.match.weight_rungs import (
    Trial,
    Views,
    aligned_rows,
    among,
    assigned,
    directions,
    most_alike,
    neuron_products,
    two_views,
    unit,
)
from tests.weights import SD, Floats, Made, by_name, llama, noisy, renamed, reordered, side, tuned, turned

ROWS, WIDTH = 64, 24
HABIT = np.random.default_rng(5).normal(0, 0.5, WIDTH)
"""A direction that the rows of every model lean to."""


def stranger(seed: int) -> tuple[Floats, Floats]:
    """Gate and up of a block: rows of unequal size with a common mean direction, each up like its gate."""
    random = np.random.default_rng([9, seed])
    gate = (random.normal(0, 1, (ROWS, WIDTH)) + HABIT) * np.exp(random.normal(0, 0.6, (ROWS, 1)))
    up = 0.8 * gate + 0.6 * (random.normal(0, 1, (ROWS, WIDTH)) + HABIT)
    return gate.astype(np.float32), up.astype(np.float32)


def views(seed: int) -> Views:
    return two_views(stranger(seed), (0, 1))


def gram(seed: int) -> Floats:
    rows = unit(directions(stranger(seed)[0]))
    return (rows @ rows.T).astype(np.float32)


@cache
def by_chance(rung: str) -> tuple[float, ...]:
    """The chances that it gives to 200 pairs of strangers."""
    tests: dict[str, Callable[[int, int], Trial]] = {
        "W2": lambda a, b: aligned_rows(directions(stranger(a)[0]), directions(stranger(b)[0]), a),
        "W3": lambda a, b: assigned(directions(stranger(a)[0]), directions(stranger(b)[0]), 1000 * a + b),
        "W4": lambda a, b: most_alike(views(a), views(b))[0],
        "W6": lambda a, b: neuron_products(gram(a), gram(b), a),
    }
    return tuple(tests[rung](2 * number, 2 * number + 1).chance for number in range(200 if rung != "W6" else 40))


@pytest.mark.parametrize("rung", ["W2", "W3", "W4", "W6"])
def test_strangers_reach_a_chance_no_more_often_than_it_says(rung: str) -> None:
    found = np.array(by_chance(rung))
    for level in (0.01, 0.05, 0.1, 0.2):
        allowed = stats.binom.ppf(0.9999, len(found), level)
        assert np.count_nonzero(found <= level) <= allowed, level
    assert ((found > 0) & (found <= 1)).all()


@pytest.mark.parametrize("rung", ["W2", "W3", "W4", "W6"])
def test_chances_of_strangers_tell_something(rung: str) -> None:
    """A test that always says 1 would pass the one above. Where two were tried, a quarter of the chances lies below a half."""
    assert np.quantile(by_chance(rung), 0.25) < 0.65
    assert min(by_chance(rung)) < 0.2


def test_the_spread_of_sums_is_that_of_the_statistic() -> None:
    """z of strangers has a standard deviation of 1, for the variance is exact."""
    found = [
        aligned_rows(directions(stranger(2 * n)[0]), directions(stranger(2 * n + 1)[0]), n).statistic
        for n in range(200)
    ]
    assert np.std(found) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(found)) < 0.25
    ours, theirs = directions(stranger(1)[0]), directions(stranger(2)[0])
    random = np.random.default_rng(0)
    drawn = [float((ours * theirs[random.permutation(ROWS)]).sum()) for _ in range(4000)]
    observed = aligned_rows(ours, theirs, 0).statistic
    assert float((ours * theirs).sum()) / np.std(drawn) == pytest.approx(observed, rel=0.05, abs=0.05)


def test_what_all_rows_have_in_common_is_taken_out() -> None:
    found = directions(stranger(1)[0])
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
    scaled = directions(stranger(1)[0] * np.exp(np.random.default_rng(0).normal(0, 2, (ROWS, 1))))
    np.testing.assert_allclose(found, scaled, atol=1e-5)
    odd = stranger(1)[0].copy()
    odd[0, 0], odd[1] = np.nan, 0
    odd[2, 3] = np.inf
    assert np.isfinite(directions(odd)).all()
    assert np.isfinite(unit(np.zeros((3, 3)))).all()


def test_noise_is_found_in_place_and_another_order_is_not() -> None:
    gate, _ = stranger(1)
    copy = gate + 0.3 * np.random.default_rng(1).normal(0, 1, gate.shape).astype(np.float32)
    ours, theirs = directions(copy), directions(gate)
    assert aligned_rows(ours, theirs, 0).chance == pytest.approx(2e-3), (
        "the least that 999 orders can give, of two tests"
    )
    assert aligned_rows(ours, theirs, 0).statistic > 20
    assert assigned(ours, theirs, 0).statistic > 0.95
    assert assigned(ours, theirs, 0).chance < 1e-20
    order = np.random.default_rng(2).permutation(ROWS)
    assert aligned_rows(ours[order], theirs, 0).chance > 0.01
    assert assigned(ours[order], theirs, 0).chance > 1e-3
    assert aligned_rows(-ours, theirs, 0).chance > 0.9, "the other sign is the other end"


def test_neurons_are_found_in_any_order_and_each_counts_once() -> None:
    gate, up = stranger(1)
    order = np.random.default_rng(2).permutation(ROWS)
    noise = 0.05 * np.random.default_rng(3).normal(0, 1, (2, *gate.shape)).astype(np.float32)
    tested, partners = most_alike(
        two_views(((gate + noise[0])[order], (up + noise[1])[order]), (0, 1)), two_views((gate, up), (0, 1))
    )
    np.testing.assert_array_equal(partners, order)
    assert tested == Trial(float(ROWS), tested.chance, ROWS)
    assert tested.chance < 1e-30
    turned_round, _ = most_alike(two_views((-gate[order], up[order]), (0, 1)), two_views((gate, up), (0, 1)))
    assert turned_round.statistic == ROWS, "a sign that down takes back"
    other, _ = most_alike(two_views((gate[order], up), (0, 1)), two_views((gate, up), (0, 1)))
    assert other.chance > 1e-3, "two views in different orders are no neurons"


def test_neurons_that_all_are_most_alike_to_one_tell_nothing() -> None:
    """One neuron on the right that everything points to: both views agree on it, and that counts once."""
    random = np.random.default_rng(4)
    lean = np.zeros((ROWS, WIDTH), np.float32)
    lean[:, 0] = 5
    left = tuple((lean + random.normal(0, 1, lean.shape)).astype(np.float32) for _ in range(2))
    right = tuple(random.normal(0, 0.1, lean.shape).astype(np.float32) for _ in range(2))
    for view in right:
        view[7, 0] = 9
    unitary = [unit(view.astype(np.float64)).astype(np.float32) for view in (*left, *right)]
    tested, partners = most_alike((unitary[0], unitary[1]), (unitary[2], unitary[3]))
    assert np.count_nonzero(partners == 7) > ROWS // 2
    assert tested.chance == pytest.approx(1.0)


def test_what_one_view_has_of_the_other_counts_once() -> None:
    """Where up is gate all over, two views would agree by themselves."""
    gate, _ = stranger(1)
    other, _ = stranger(2)
    one, two = two_views((gate, gate + 1e-3 * other), (0, 1))
    assert float(np.abs((one * two).sum(1)).max()) < 1e-4
    few = two_views((gate, other), (1, 0), 10)
    assert few[0].shape == (10, WIDTH)
    np.testing.assert_allclose(few[0], unit(directions(other)[:10]), atol=1e-6)
    wider = two_views((gate, np.concatenate([gate, gate], 1)), (0, 1))
    assert wider[1].shape == (ROWS, 2 * WIDTH)


def test_products_of_neurons_survive_any_turn_and_no_other_order() -> None:
    rows = unit(directions(stranger(1)[0]))
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(0, 1, (WIDTH, WIDTH)))
    copy = rows @ basis + 0.02 * np.random.default_rng(1).normal(0, 1, rows.shape)
    ours, theirs = (copy @ copy.T).astype(np.float32), (rows @ rows.T).astype(np.float32)
    found = neuron_products(ours, theirs, 0)
    assert found.chance <= 2e-3
    assert found.statistic > 20
    order = np.random.default_rng(2).permutation(ROWS)
    assert neuron_products(ours[np.ix_(order, order)], theirs, 0).chance > 0.01
    assert neuron_products(np.ones_like(ours), theirs, 0) == Trial(0.0, 1.0, ROWS)


def test_the_best_of_many_is_worth_less() -> None:
    assert among(Trial(3.0, 0.01, 5), 4) == Trial(3.0, 0.04, 5)
    assert among(Trial(3.0, 0.5, 5), 4).chance == 1.0
    assert among(Trial(3.0, 0.5, 5), 1).chance == 0.5


# Which rung finds what

BASE = llama(1)
FOUND: dict[str, tuple[Callable[[], Made], set[str]]] = {
    "itself": (lambda: BASE, {"W2", "W3", "W4", "W5", "W6"}),
    "noise": (lambda: noisy(BASE), {"W2", "W3", "W4", "W5", "W6"}),
    "twenty times the noise": (lambda: noisy(BASE, 20 * SD), {"W2", "W3", "W4", "W5", "W6"}),
    "trained further": (lambda: tuned(BASE, 1), {"W2", "W3", "W4", "W5", "W6"}),
    "neurons in another order": (lambda: noisy(reordered(BASE)), {"W4", "W5"}),
    "another basis": (lambda: turned(BASE), {"W5", "W6"}),
    "another basis and order": (lambda: noisy(turned(reordered(BASE))), {"W5"}),
    "other names": (lambda: renamed(BASE), set()),
    "a stranger": (lambda: llama(2), set()),
}
"""What became of the left -> rungs that find it; STATISTICS.md has the same table."""


@pytest.mark.parametrize("name", FOUND)
def test_which_rung_finds_what(name: str) -> None:
    made, expected = FOUND[name]
    left, right = side(made()), side(BASE)
    pairs = by_name(left, right)
    if name == "other names":
        assert len(pairs.by_content) == 14, "matrices go together by what stands in them"
        expected = {"W2", "W3", "W4", "W5", "W6"}
    found = ladder(left, right, pairs, judged_tensors(left, right, pairs))
    chances = {rung.name: rung.chance for rung in found.rungs}
    limits = {"W2": 1e-6, "W6": 1e-4}
    assert {n for n, c in chances.items() if c is not None and c <= limits.get(n, 1e-8)} == expected
    assert all(c > 1e-3 for n, c in chances.items() if n not in expected and c is not None)
    assert found.in_order == (("order" not in name and "basis" not in name) or name == "a stranger")
    assert (found.evidence >= 1000) == bool(expected)
    assert found.blocks == 2
    assert found.sure


def test_swapped_sides_draw_the_same_orders() -> None:
    """The seed depends on both manifests, whichever is left."""
    left, right = side(tuned(BASE, 1)), side(BASE)
    there, back = (
        ladder(one, other, by_name(one, other), judged_tensors(one, other, by_name(one, other)))
        for one, other in ((left, right), (right, left))
    )
    assert [rung.seed for rung in there.rungs] == [rung.seed for rung in back.rungs]
    assert there.rungs[2].chance == pytest.approx(back.rungs[2].chance)
    assert {rung.name for rung in there.rungs if rung.seed} == {"W2", "W3", "W6"}


def test_blocks_come_together_as_independent_tests() -> None:
    left, right = side(llama(5)), side(llama(6))
    pairs = by_name(left, right)
    found = ladder(left, right, pairs, judged_tensors(left, right, pairs))
    rung = next(rung for rung in found.rungs if rung.name == "W2")
    assert rung.sample == "384 neurons of 2 blocks"
    assert rung.chance is not None
    assert rung.chance <= 1
    assert fisher([rung.chance]) == pytest.approx(rung.chance)
