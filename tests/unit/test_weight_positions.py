"""Places of samples: the same for every repository, all different, a smaller sample the beginning of a larger one."""

from __future__ import annotations

import numpy as np
import pytest

from codeclone.match.weight_positions import MOST_SORTED, chosen, mixed, start_of, tokens

SIZES = [0, 1, 2, 255, 256, 257, MOST_SORTED, MOST_SORTED + 1, 10**9, 2**40]


def test_numbers_are_mixed_as_they_were_published() -> None:
    """The first numbers of splitmix64 from the state 1234567, by its reference."""
    steps = np.uint64(0x9E3779B97F4A7C15) * np.arange(3, dtype=np.uint64) + np.uint64(1234567)
    assert mixed(steps).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 32, 256])
def test_places_are_different_and_there(size: int, count: int) -> None:
    places = chosen(size, count)
    assert len(places) == len(set(places.tolist())) == min(size, count)
    assert not len(places) or (places.min() >= 0 and places.max() < size)
    assert places.dtype == np.int64


@pytest.mark.parametrize("size", SIZES)
def test_a_smaller_sample_is_the_beginning_of_a_larger_one(size: int) -> None:
    whole = chosen(size, 256)
    for count in (1, 16, 32, 64, 128):
        np.testing.assert_array_equal(chosen(size, count), whole[:count])


@pytest.mark.parametrize("size", [4096, MOST_SORTED, MOST_SORTED + 1, 10**9])
def test_places_lie_all_over(size: int) -> None:
    places = chosen(size, 256)
    counts = np.bincount(places * 8 // size, minlength=8)
    assert counts.min() >= 12
    assert not np.array_equal(places, np.sort(places))


@pytest.mark.parametrize("size", [4096, 32_000, 262_144, MOST_SORTED - 8])
def test_tables_of_two_lengths_share_their_places(size: int) -> None:
    assert len(np.intersect1d(chosen(size, 256), chosen(size + 8, 256))) >= 248
    assert len(np.intersect1d(chosen(size // 2, 256), chosen(size, 256))) >= 90


def test_places_of_many_sizes_are_as_many_as_were_asked_for() -> None:
    """Some are drawn twice."""
    for size in range(MOST_SORTED + 1, MOST_SORTED + 60):
        assert len(set(chosen(size, 256).tolist())) == 256


def test_places_that_are_kept_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        chosen(300, 10)[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        chosen(10**9, 10)[0] = 1


@pytest.mark.parametrize("most", [1, 32, 256])
def test_a_run_begins_where_blocks_do_and_ends_before_the_end(most: int) -> None:
    starts = [start_of(size, most) for size in range(0, 5000, 37)]
    assert all(start % 32 == 0 for start in starts)
    assert all(0 <= start <= max(0, size - most) for start, size in zip(starts, range(0, 5000, 37), strict=True))
    assert len(set(starts)) > 40, "not all at the beginning"


def test_the_last_run_that_fits_is_one_of_those_that_may_be_taken() -> None:
    assert {start_of(size, 256) for size in range(288, 320)} == {0, 32}


def test_vocabularies_of_two_sizes_share_nearly_all_tokens() -> None:
    one, other = tokens(32_000, 256), tokens(32_012, 256)
    assert len(np.intersect1d(one, other)) >= 250
    assert len(np.intersect1d(tokens(32_000, 256), tokens(64_000, 256))) >= 100
    np.testing.assert_array_equal(one, np.unique(one))
    assert len(one) == 256
    assert one.max() < 32_000
    assert tokens(10, 256).tolist() == [*range(10)]
