"""Chances: exact where they are called exact, bounds where they are called bounds, and never 0."""

from __future__ import annotations

import math
from itertools import permutations as every_order

import numpy as np
import pytest
from scipy import stats

from codeclone.match import chances
from codeclone.match.chances import (
    binomial,
    either,
    evidence,
    fisher,
    matching_bound,
    order_chance,
    permutation_chance,
    permutations,
    seed,
    together,
)

RANDOM = np.random.default_rng(60)


def test_a_permutation_test_counts_itself_and_is_never_0() -> None:
    drawn = np.array([1.0, 2.0, 2.0, 3.0])
    assert permutation_chance(4.0, drawn) == 1 / 5
    assert permutation_chance(2.5, drawn) == 2 / 5
    assert permutation_chance(2.0, drawn) == 4 / 5, "as high counts"
    assert permutation_chance(-1.0, drawn) == 1.0
    assert permutation_chance(1e9, np.zeros(chances.PERMUTATIONS)) == pytest.approx(0.001)


def test_a_permutation_test_is_right_as_often_as_it_says() -> None:
    """Of all 24 orders of four values, each in turn the observed one, p <= k / 24 for exactly k of them."""
    values = np.array([0.3, 1.1, 2.7, 5.9])
    weights = np.array([1.0, 4.0, 20.0, 100.0])
    sums = np.array([float(values[[*order]] @ weights) for order in every_order(range(4))])
    found = sorted(permutation_chance(float(one), np.delete(sums, place)) for place, one in enumerate(sums))
    np.testing.assert_allclose(found, np.arange(1, 25) / 24)


def test_orders_are_orders_all_as_likely_and_those_of_their_seed() -> None:
    drawn = permutations(24_000, 4, 5)
    assert drawn.shape == (24_000, 4)
    assert (np.sort(drawn, axis=1) == np.arange(4)).all()
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3
    np.testing.assert_array_equal(drawn[:10], permutations(10, 4, 5))
    assert not np.array_equal(drawn[:10], permutations(10, 4, 6))
    assert permutations(3, 1, 0).tolist() == [[0], [0], [0]]


def test_seeds_depend_on_every_name_and_on_their_order() -> None:
    assert seed(["a", "b"]) == seed(["a", "b"])
    assert len({seed(names) for names in (["a", "b"], ["b", "a"], ["ab"], ["a", "b", "W2"], ["a", "b", "W6"], [])}) == 6
    assert seed([]) == int("e3b0c44298fc1c149afbf4c8996fb924", 16), "the first half of the SHA-256 of nothing"


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("kind", ["uniform", "sparse", "all of one sign", "copy"])
def test_the_bound_is_one_whatever_the_cosines(size: int, kind: str) -> None:
    """Held against all orders: nowhere is the chance larger than the bound."""
    cosines = {
        "uniform": RANDOM.uniform(-1, 1, (size, size)),
        "sparse": np.where(RANDOM.random((size, size)) < 0.3, 1.0, -1.0),
        "all of one sign": RANDOM.uniform(0.2, 1, (size, size)),
        "copy": np.eye(size) + RANDOM.uniform(-0.2, 0, (size, size)),
    }[kind]
    sums = np.sort([sum(cosines[place, to] for place, to in enumerate(order)) for order in every_order(range(size))])
    for number, value in enumerate(sums):
        assert matching_bound(cosines, float(value)) >= (len(sums) - number) / len(sums)


def test_the_bound_tells_a_copy_and_is_what_the_proposition_says() -> None:
    copy = np.eye(200)
    # Values (1 + cosine) / 2 of a copy add up to 200, of which (200 + 1) / 2 are expected.
    expected, beyond = 100.5, 99.5
    assert matching_bound(copy, 200.0) == pytest.approx(2 * math.exp(-(beyond**2) / (4 * expected + 2 * beyond)))
    assert matching_bound(copy, 1.0) == 1.0, "as much as is expected"
    assert matching_bound(copy, -5.0) == 1.0


def test_the_bound_is_never_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chances, "SMALLEST", 1e-3)
    assert matching_bound(np.eye(200), 200.0) == 1e-3


def test_of_several_tests_of_one_thing_the_best_counts_as_often_as_it_was_looked_for() -> None:
    assert either([0.01, 0.4, 0.9]) == pytest.approx(0.03)
    assert either([0.5, 0.9]) == 1.0
    assert either([0.9, 0.9]) == 1.0


@pytest.mark.parametrize("its", [[0.04, 0.2, 0.7], [0.5], [1e-9, 0.9, 1.0, 1e-3], [1.0, 1.0]])
def test_independent_tests_together(its: list[float]) -> None:
    assert fisher(its) == pytest.approx(stats.combine_pvalues(its, method="fisher").pvalue)


def test_independent_tests_together_at_their_ends() -> None:
    assert fisher([]) == 1.0
    assert fisher([0.03]) == pytest.approx(0.03)
    assert fisher([0.0]) == pytest.approx(chances.SMALLEST, rel=1e-6)
    assert fisher([0.0] * 9) == chances.SMALLEST


@pytest.mark.parametrize(
    ("successes", "trials", "chance"), [(1, 10, 0.1), (3, 20, 0.05), (20, 20, 0.5), (7, 1024, 1 / 1024)]
)
def test_so_many_successes_or_more(successes: int, trials: int, chance: float) -> None:
    by_hand = sum(
        math.comb(trials, count) * chance**count * (1 - chance) ** (trials - count)
        for count in range(successes, trials + 1)
    )
    assert binomial(successes, trials, chance) == pytest.approx(by_hand, rel=1e-9)


def test_so_many_successes_or_more_at_the_ends() -> None:
    assert binomial(0, 10, 0.1) == 1.0
    assert binomial(0, 0, 0.1) == 1.0
    assert binomial(1024, 1024, 1 / 1024) == chances.SMALLEST
    assert binomial(3, 10, 1.7) == 1.0, "a chance that an estimate brings over 1 is 1"


@pytest.mark.parametrize("size", [6, 7])
def test_the_chance_of_an_order(size: int) -> None:
    """Student's distribution against all orders: within a third where it matters, and never below one order among all."""
    places = np.arange(size)
    orders = np.array([*every_order(range(size))])
    exact = 1 - 6 * ((orders - places) ** 2).sum(1) / (size * (size**2 - 1))
    for value in np.unique(exact):
        share = float((exact >= value - 1e-9).mean())
        found = order_chance(float(value), size)
        assert found >= 1 / math.factorial(size) * (1 - 1e-9)
        if 0.02 <= share <= 0.98:
            assert found == pytest.approx(share, rel=0.3)
    assert order_chance(1.0, size) == pytest.approx(1 / math.factorial(size))
    assert order_chance(-1.0, size) == 1.0
    assert order_chance(0.0, size) == pytest.approx(0.5)


def test_no_order_of_many_is_less_likely_than_the_smallest_chance_there_is() -> None:
    assert order_chance(1.0, 256) == chances.SMALLEST
    assert order_chance(1 - 1e-15, 6) == pytest.approx(1 / 720)


def test_evidence_of_a_chance() -> None:
    assert evidence(1.0) == 0.5
    assert evidence(0.01) == pytest.approx(5.0)
    assert evidence(1e-12) == pytest.approx(5e5)
    assert evidence(0.0) == evidence(chances.SMALLEST)
    grid = (np.arange(100_000) + 0.5) / 100_000
    assert np.mean([evidence(float(chance)) for chance in grid]) == pytest.approx(1, abs=0.01), (
        "1 in the mean by chance"
    )


def test_evidence_of_tests_that_depend_on_each_other_is_their_mean_up_to_a_bound() -> None:
    assert together([]) == 1.0
    assert together([0.01]) == pytest.approx(5.0)
    assert together([0.01, 1.0]) == pytest.approx(2.75)
    assert together([1e-300, 1.0]) == chances.MOST_EVIDENCE == 1e6
