"""Weights that were made to mislead, to break or to take for ever: what a repository can hold is bounded, and nothing accuses."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from codeclone.evidence import weights
from codeclone.match import weight_alignment, weight_samples
from codeclone.match.chances import order_chance
from codeclone.match.tensor_content import same_beginnings
from codeclone.match.weight_alignment import Side, aligned
from codeclone.match.weight_full import TOO_MUCH, in_full
from codeclone.match.weight_groups import MOST_INDICES, groups_of
from codeclone.match.weight_pairs import best
from codeclone.match.weight_positions import MOST_SORTED, tokens
from codeclone.match.weight_rungs import aligned_rows, assigned, directions, most_alike, two_views
from codeclone.match.weight_samples import sampled
from codeclone.match.weight_whole import read_whole
from codeclone.model import Checkpoint, Tensor

RANDOM = np.random.default_rng(61)


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def rows(count: int = 96, width: int = 48) -> np.ndarray:
    return RANDOM.normal(size=(count, width)).astype(np.float32)


def checkpoint_of(*tensors: Tensor) -> Checkpoint:
    return Checkpoint(
        "m",
        ("m",),
        tensors,
        (0,) * len(tensors),
        formats=("torch",),
        shards=1,
        expected=1,
        total_size=None,
        metadata={},
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.zeros((96, 48), np.float32), rows()),
        (rows(), np.full((96, 48), np.nan, np.float32)),
        (np.tile(rows(1), (96, 1)), np.tile(rows(1), (96, 1))),
        (np.concatenate([np.zeros((64, 48), np.float32), rows(32)]), np.concatenate([np.zeros((64, 48)), rows(32)])),
    ],
    ids=["zeros", "no numbers", "one neuron many times", "dead neurons"],
)
def test_the_order_of_rows_that_cannot_be_told_apart_shows_no_common_origin(left, right):
    # The assignment leaves equal rows in the order in which it finds them, which looked like a perfect one.
    one, other = directions(left), directions(np.asarray(right, np.float32))
    assert assigned(one, other, 7).chance > 1e-3
    assert aligned_rows(one, other, 7).chance > 1e-3


def test_rows_in_their_places_are_still_assigned_to_their_places():
    values = rows()
    found = assigned(directions(values), directions(values + rows() / 10), 7)
    assert found.statistic == 1
    assert found.chance < 1e-20


def test_the_opposite_of_an_order_is_no_evidence_and_no_error():
    values = rows()
    found = assigned(directions(values), directions(values[::-1]), 7)
    assert found.statistic == -1
    assert found.chance == order_chance(-1.0, 96) == 1.0


def test_a_view_that_repeats_another_names_nobody():
    # What is left of it beside the other is rounding, and rounding follows the order of the columns.
    ours, theirs = (two_views([values, values], (0, 1)) for values in (rows(), rows()))
    assert not ours[1].any()
    assert not theirs[1].any()
    assert most_alike(ours, theirs)[0].chance > 1e-3


def test_the_nearest_of_many_neurons_are_looked_for_in_parts(monkeypatch):
    views = two_views([rows(), rows()], (0, 1))
    at_once = most_alike(views, views)
    monkeypatch.setattr("codeclone.match.weight_rungs.AT_ONCE", 96 * 5)
    in_parts = most_alike(views, views)
    assert at_once[0] == in_parts[0]
    assert at_once[0].statistic == 96
    np.testing.assert_array_equal(at_once[1], in_parts[1])


def test_a_vocabulary_can_be_as_large_as_it_says():
    found = tokens(2**47, 256)
    assert len(found) == 256
    assert found.max() < MOST_SORTED
    np.testing.assert_array_equal(found, tokens(MOST_SORTED, 256))


def test_neurons_that_are_wider_than_any_model_are_not_read():
    width = weight_samples.MOST_WIDTH + 1
    tensors = (
        Tensor("l.0.up.weight", (8_200, width), "F32"),
        Tensor("l.0.down.weight", (width, 8_200), "F32"),
        *(Tensor(f"l.0.norm{n}.weight", (width,), "F32") for n in range(3)),
    )
    asked = []

    def grid(place: int, wanted: np.ndarray, first: int, count: int) -> np.ndarray:
        asked.append(len(wanted) * count)
        return np.ones((len(wanted), count), np.float32)

    assert groups_of(tensors)[0].width == width
    assert not sampled(checkpoint_of(*tensors), grid).neurons
    assert max(asked) <= weight_samples.ROWS * weight_samples.COLUMNS


def test_products_of_huge_numbers_are_no_warnings_and_no_infinities():
    tensors = (
        Tensor("emb.weight", (1000, 64), "F32"),
        Tensor("l.0.norm.weight", (64,), "F32"),
        Tensor("l.0.up.weight", (96, 64), "F32"),
        Tensor("l.0.down.weight", (64, 96), "F32"),
    )
    found = sampled(
        checkpoint_of(*tensors), lambda _, wanted, __, count: np.full((len(wanted), count), 3e38, np.float32)
    )
    (neurons,) = found.neurons
    assert neurons.signatures
    assert all(np.isfinite(values).all() for values in neurons.signatures)


def test_all_values_with_infinities_among_them_are_read_without_warnings():
    values = np.array([1, np.inf, -np.inf, np.nan, 3e38, 1e-45], np.float32)
    found = read_whole([(memoryview(b""), values)], [(memoryview(b""), values)])
    assert found.same_values
    assert (found.missing, found.sums[0]) == (0, 3)
    assert np.isfinite(found.sums).all()


def test_all_checkpoints_of_a_repository_have_one_bound_of_tensors(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weight_samples, "MOST_TENSORS_TOGETHER", 6)
    tensors = tuple(Tensor(f"t{number}", (4,), "F32") for number in range(5))
    checkpoint = Checkpoint("a", ("a",), tensors, (0,) * 5, ("safetensors",), 1, 1, None, {})

    def grid(place: int, rows: np.ndarray, first: int, count: int) -> np.ndarray:
        return np.arange(count, dtype=np.float32)[None]

    for share, read in ((1, 5), (2, 3), (3, 2)):
        found = sampled(checkpoint, grid, share)
        assert [its is not None for its in found.tensors] == [place < read for place in range(5)]
        assert bool(found.reasons) == (read < 5)


def test_names_of_hundreds_of_indices_are_looked_at_by_their_last_ones():
    deep = ".".join(["0"] * 240)
    tensors = [
        tensor
        for number in range(4)
        for tensor in (
            Tensor(f"{deep}.{number}.up", (96, 48), "F32"),
            Tensor(f"{deep}.{number}.down", (48, 96), "F32"),
            Tensor(f"{deep}.{number}.norm", (48,), "F32"),
        )
    ]
    found = groups_of(tensors)
    assert [(group.prefix, group.norm) for group in found] == [(f"{deep}.{n}", 3 * n + 2) for n in range(4)]
    far = ".".join(["x", *["0"] * MOST_INDICES])
    # Beyond that many indices two matrices are not put together by name.
    apart = groups_of(
        [Tensor(f"9.{far}.up", (96, 48), "F32"), Tensor(f"9.{far.replace('x', 'y')}.down", (48, 96), "F32")]
    )
    assert not any(group.named for group in apart)


def test_beginnings_that_are_constant_or_no_numbers_tell_nothing():
    values = {"nan": [np.nan, 1], "inf": [np.inf, 1], "same": [0.1, 0.1], "told": [0.1, 0.2]}
    tensors = [Tensor(name, (2,), "F32") for name in values]
    its = {name: np.repeat(np.array(numbers, np.float32), 128) for name, numbers in values.items()}
    assert same_beginnings(tensors, tensors, its, its) == {3: 3}


def test_tensors_that_share_their_bytes_are_not_all_read_in_whole():
    shared = checkpoint_of(*(Tensor(f"l.{number}.w", (1024, 1024), "F32") for number in range(1_000)))
    files = {"m": SimpleNamespace(size=2**22)}
    assert weights._fitting(files, shared, range(1_000)) == set(range(weights.READ_AGAIN))
    # A missing file has no bytes; types of unknown size are refused when they are read.
    assert weights._fitting({}, shared, [0]) == set()


def test_of_many_matrices_of_one_shape_a_bounded_number_of_corners_is_kept(monkeypatch):
    monkeypatch.setattr(weight_alignment, "MOST_OF_A_SHAPE", 3)
    its = checkpoint_of(*(Tensor(f"l.{number}.w", (32, 32), "F32") for number in range(9)))
    values = RANDOM.normal(size=(9, 32, 32)).astype(np.float32)
    side = Side(its, sampled(its, lambda place, wanted, _, count: values[place][wanted, :count]))
    named = {number: number for number in range(9)}
    found = aligned(side, side, named.items())
    assert dict(found.pairs) == named
    assert weight_alignment.closeness(side, side, found) == pytest.approx(1)
    (kept,) = weight_alignment._corners(side).values()
    assert kept[1].shape == (4, 1024)


def test_what_is_not_read_in_whole_is_told_and_keeps_what_its_sample_says():
    its = checkpoint_of(*(Tensor(f"l.{number}.w", (32, 32), "F32") for number in range(5)))
    values = RANDOM.normal(size=(5, 32, 32)).astype(np.float32)
    side = Side(its, sampled(its, lambda place, wanted, _, count: values[place][wanted, :count]))
    read: list[int] = []

    def runs(place: int, count: int) -> list[tuple[memoryview, np.ndarray]]:
        read.append(place)
        return [(values[place].data, values[place])]

    pair = best((side, {}), [(side, {})])
    assert pair is not None
    reader = SimpleNamespace(runs=runs)
    found, unread = in_full(pair, (lambda: nullcontext(reader),) * 2, (frozenset, lambda places: frozenset(places[:3])))
    assert sorted(read) == [0, 0, 1, 1, 2, 2]
    assert unread == [(1, place, TOO_MUCH) for place in (3, 4)]
    assert [tensor.relation for tensor in found.tensors] == ["identical"] * 5
    assert [tensor.digests is not None for tensor in found.tensors] == [True] * 3 + [False] * 2
