"""What one tensor is to another: every way in which one is made of the other, in both directions and in every type, and what is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from codeclone.match.weight_difference import difference, held, spacing
from codeclone.match.weight_groups import TensorClass
from codeclone.match.weight_overall import beside_matrices, noise_of, overall
from codeclone.match.weight_relation import Judged, judged
from tests.weights import SD, Floats, eight_bits, on_grid, on_uneven_grid
from tests.weights import held as as_stored

RANDOM = np.random.default_rng(77)
SHAPE = (128, 256)
HABIT = RANDOM.normal(0, 0.5, SHAPE[1])


def matrix(sd: float = 0.04) -> Floats:
    sizes = np.exp(RANDOM.normal(0, 0.3, (SHAPE[0], 1)))
    return np.asarray(sd * (RANDOM.normal(0, 1, SHAPE) + HABIT) * sizes, np.float32)


BASE = matrix()


def noise(sd: float = SD) -> Floats:
    return np.asarray(RANDOM.normal(0, sd, SHAPE), np.float32)


def told(left: Floats, right: Floats, kind: TensorClass = "matrix", types: tuple[str, str] = ("F32", "F32")) -> Judged:
    """As the ladder does it: by the narrowest types that hold the values."""
    narrow = held(left, types[0]), held(right, types[1])
    found = difference(left, right, narrow)
    assert found is not None
    return judged((0, 0), kind, found, narrow, left.size)


def both_ways(made: Floats, source: Floats, types: tuple[str, str] = ("F32", "F32")) -> str:
    """The relation, with `toward` the one that was made, whichever side that is on."""
    one, other = told(made, source, types=types), told(source, made, types=(types[1], types[0]))
    assert one.relation == other.relation
    assert (one.toward, other.toward) in (("left", "right"), ("", ""))
    return f"{one.relation}{' made' * bool(one.toward)}"


def few_directions(rank: int, size: float = 0.1, rest: float = 0.5) -> Floats:
    """What training leaves: a few directions, and the rest more in some rows than in others."""
    low = RANDOM.normal(0, 1, (SHAPE[0], rank)) @ RANDOM.normal(0, 1, (rank, SHAPE[1])) / math.sqrt(rank)
    other = RANDOM.normal(0, 1, SHAPE) * np.exp(RANDOM.normal(0, 0.7, (SHAPE[0], 1)))
    return np.asarray(size * 0.04 * (low + rest * other), np.float32)


def zeroed(share: float) -> Floats:
    return np.where(np.abs(BASE) < np.quantile(np.abs(BASE), share), 0, BASE).astype(np.float32)


# Made of the other, value by value


def test_the_same() -> None:
    assert both_ways(BASE, BASE) == "identical"
    found = told(BASE, BASE.copy()).difference
    assert (found.equal, found.sd, found.correlation, found.slope_left) == (
        1.0,
        0.0,
        pytest.approx(1),
        pytest.approx(1),
    )
    touched = BASE.copy()
    touched[0, 0] += 1
    assert both_ways(touched, BASE) == "rounded", "and nothing says which side was touched"


@pytest.mark.parametrize("narrow", ["F16", "BF16", "F8_E4M3", "F8_E5M2"])
def test_rounded(narrow: str) -> None:
    made = as_stored(BASE, narrow)
    assert both_ways(made, BASE, (narrow, "F32")) == "rounded made"
    assert both_ways(made, BASE) == "rounded made", "a file that is wider than what it holds"
    assert told(made, BASE + noise(), types=(narrow, "F32")).relation != "rounded"


@pytest.mark.parametrize(("first", "second"), [("BF16", "F16"), ("F8_E4M3", "BF16"), ("F8_E5M2", "F16")])
def test_rounded_of_what_was_rounded(first: str, second: str) -> None:
    wide = as_stored(BASE, second)
    assert both_ways(as_stored(wide, first), wide, (first, second)) == "rounded made"


QUANTISED: dict[str, Callable[[Floats], Floats]] = {
    "8 bits, a scale for each row": lambda values: on_grid(values, 8, -1),
    "8 bits, one scale": lambda values: on_grid(values, 8),
    "8 bits, zero point": lambda values: on_grid(values, 8, -1, zero_point=True),
    "4 bits, runs of 32": lambda values: on_grid(values, 4, 32),
    "4 bits, runs of 128": lambda values: on_grid(values, 4, 128),
    "4 bits, runs of 32, zero point": lambda values: on_grid(values, 4, 32, zero_point=True),
    "4 bits, runs of 128, zero point": lambda values: on_grid(values, 4, 128, zero_point=True),
    "4 bits, runs of 64, uneven": lambda values: on_uneven_grid(values, 64),
}


@pytest.mark.parametrize("name", QUANTISED)
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_quantised(name: str, dtype: str) -> None:
    source = as_stored(BASE, dtype)
    made = as_stored(QUANTISED[name](source), dtype)
    if dtype == "BF16" and name.startswith("8 bits"):
        # The type has no more bits than the grid: rounding to it moves values off the grid.
        assert both_ways(made, source, (dtype, dtype)) == "changed"
    else:
        assert both_ways(made, source, (dtype, dtype)) == "quantised made"


@pytest.mark.parametrize("name", QUANTISED)
def test_what_others_quantised_is_none_of_this(name: str) -> None:
    assert both_ways(QUANTISED[name](matrix()), BASE) == "unrelated"
    assert both_ways(QUANTISED[name](BASE + few_directions(4, 0.6)), BASE) == "changed", (
        "trained before it was quantised"
    )


def test_whole_numbers_whose_scale_stands_elsewhere() -> None:
    numbers = np.round(BASE / np.abs(BASE).max(1, keepdims=True) * 127).astype(np.float32)
    assert both_ways(numbers, BASE, ("I8", "F32")) == "quantised made"
    assert both_ways(np.round(matrix() * 1000), BASE, ("I8", "F32")) == "unrelated"


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_pruned(share: float) -> None:
    assert both_ways(zeroed(share), BASE) == "pruned made"
    assert both_ways(zeroed(share) + np.where(zeroed(share), noise(), 0), BASE) != "pruned made"
    assert both_ways(np.where(matrix() > 0, matrix(), 0).astype(np.float32), BASE) == "unrelated"


def test_hardly_pruned_is_not_pruned() -> None:
    assert both_ways(zeroed(0.01), BASE) != "pruned made"


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("sd", [SD, 1 / 300])
def test_noise(dtype: str, kind: str, sd: float) -> None:
    drawn = noise(sd) if kind == "normal" else RANDOM.uniform(-sd * 3**0.5, sd * 3**0.5, SHAPE)
    made, source = as_stored(np.float32(BASE + drawn), dtype), as_stored(BASE, dtype)
    for found in (told(made, source, types=(dtype, dtype)), told(source, made, types=(dtype, dtype))):
        assert found.relation == "noise"
        assert found.difference.noise == pytest.approx(sd, rel=0.02)
        assert found.difference.visible <= found.difference.count
        assert (found.difference.visible < found.difference.count) == (dtype == "BF16" and sd == SD)
    assert told(made, source, types=(dtype, dtype)).toward == "left"
    assert told(source, made, types=(dtype, dtype)).toward == "right"


@pytest.mark.parametrize("sd", [SD, 1 / 2000])
def test_noise_that_rounding_hides_in_part(sd: float) -> None:
    """Values whose neighbours lie further apart than the noise tell nothing of it; of the others the rounding is taken out."""
    made, source = as_stored(20 * BASE + noise(sd), "BF16"), as_stored(20 * BASE, "BF16")
    found = told(made, source, types=("BF16", "BF16")).difference
    if found.visible >= 2000:
        assert found.noise == pytest.approx(sd, rel=0.1)
    else:
        assert math.isnan(found.noise) or found.visible < 2000
    assert found.visible < found.count / 2
    assert found.sd > 1.05 * sd


def test_what_rounding_adds_is_taken_out() -> None:
    """Of noise that is about as large as the spacing rounding makes four in a hundred more."""
    sd = 2.5e-4
    found = told(as_stored(BASE + noise(sd), "BF16"), as_stored(BASE, "BF16"), types=("BF16", "BF16")).difference
    assert found.visible > 10_000
    assert found.noise == pytest.approx(sd, rel=0.02)


def test_what_was_cut_off_is_not_what_was_rounded() -> None:
    cut = (BASE.view(np.uint32) & 0xFFFF0000).view(np.float32)
    assert told(cut, BASE, types=("BF16", "F32")).relation not in ("rounded", "noise")


def test_noise_in_eight_bits_is_hidden_and_not_told() -> None:
    made, source = as_stored(BASE + noise(SD / 4), "F8_E4M3"), as_stored(BASE, "F8_E4M3")
    assert told(made, source, types=("F8_E4M3", "F8_E4M3")).relation != "noise"


@pytest.mark.parametrize("size", [48, 512])
def test_noise_on_gains(size: int) -> None:
    gains = np.asarray(1 + RANDOM.normal(0, 0.1, (1, size)), np.float32)
    made = np.asarray(gains + RANDOM.normal(0, SD, (1, size)), np.float32)
    assert told(made, gains, "norm").relation == "noise"


# Not made of the other value by value


@pytest.mark.parametrize("rank", [1, 2, 8])
def test_low_rank(rank: int) -> None:
    assert both_ways(BASE + few_directions(rank, rest=0), BASE) == "low rank"
    assert told(BASE + few_directions(rank, rest=0), BASE).difference.rank <= rank


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("size", [0.02, 0.05, 0.2, 0.6])
@pytest.mark.parametrize("rank", [1, 4, 16])
def test_training_is_never_noise(dtype: str, size: float, rank: int) -> None:
    for rest in (0.0, 0.3, 1.0):
        made = as_stored(BASE + few_directions(rank, size, rest), dtype)
        assert both_ways(made, as_stored(BASE, dtype), (dtype, dtype)) in ("changed", "low rank"), rest


@pytest.mark.parametrize("shape", [(16, 16), (16, 256), (24, 48), (40, 40)])
def test_training_of_small_matrices_is_never_noise_and_noise_is(shape: tuple[int, int]) -> None:
    base = np.asarray(RANDOM.normal(0, 0.04, shape), np.float32)
    for _ in range(20):
        low = RANDOM.normal(0, 1, (shape[0], 2)) @ RANDOM.normal(0, 1, (2, shape[1]))
        assert told(np.float32(base + 0.003 * low), base).relation != "noise"
    noisy = [told(np.float32(base + RANDOM.normal(0, SD, shape)), base).relation == "noise" for _ in range(20)]
    assert all(noisy)


def test_rows_that_moved_by_themselves_are_not_noise() -> None:
    for spread in (0.5, 0.12):
        sizes = np.exp(RANDOM.normal(0, spread, (SHAPE[0], 1)))
        assert both_ways(np.float32(BASE + SD * sizes * RANDOM.normal(0, 1, SHAPE)), BASE) == "changed"
    few = np.where(RANDOM.random(SHAPE) < 0.2, noise(), 0)
    assert both_ways(np.float32(BASE + few), BASE) == "changed", "only some values"


def test_what_was_moved_or_scaled_is_not_noise() -> None:
    assert both_ways(np.float32(BASE + noise() + SD), BASE) == "changed"
    assert both_ways(np.float32(0.9 * BASE + noise()), BASE) == "changed"
    assert both_ways(np.float32(BASE + noise() + SD / 15), BASE) == "changed", "a mean"
    for freedom in (4, 14):
        assert both_ways(np.float32(BASE + SD * RANDOM.standard_t(freedom, SHAPE)), BASE) == "changed", "heavy tails"


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16", "F8_E4M3"])
def test_strangers_are_never_related(dtype: str) -> None:
    """Although their rows lean to the same side."""
    for _ in range(12):
        one, other = (as_stored(matrix(), dtype) for _ in range(2))
        assert both_ways(one, other, (dtype, dtype)) == "unrelated"
        assert abs(told(one, other).difference.correlation) < 0.05


def test_strangers_with_few_values_are_not_related() -> None:
    for _ in range(300):
        one, other = (np.asarray(RANDOM.normal(0, 1, (8, 8)), np.float32) for _ in range(2))
        assert told(one, other).relation in ("unrelated", "not told")


@pytest.mark.parametrize("own", [0.3, 0.1, 0.03, 0.003])
@pytest.mark.parametrize("size", [48, 512, 4096])
@pytest.mark.parametrize("dtype", ["F32", "BF16", "F8_E4M3"])
def test_vectors_of_strangers_that_follow_one_curve(own: float, size: int, dtype: str) -> None:
    """Beside matrices of strangers nothing is said of them, whatever they look like."""
    vectors = []
    for place in range(9):
        curve = 1 + RANDOM.normal(0, 0.15, size)
        one, other = (
            as_stored(np.asarray(curve + own * RANDOM.normal(0, 0.15, size), np.float32), dtype)[None] for _ in range(2)
        )
        vectors.append(replace(told(one, other, "norm", (dtype, dtype)), left=place))
    strangers = [told(matrix(), BASE) for _ in range(3)]
    for tensors in (vectors, [*vectors, *strangers]):
        found = beside_matrices(tensors)
        assert {t.relation for t in found if t.kind == "norm"} <= {"not told", "identical"}
        if own > 0.01 and dtype != "F8_E4M3":
            assert overall(found).relation in ("not told", "unrelated")
            assert overall(found).noise is None


def test_vectors_count_beside_matrices_that_show_the_same() -> None:
    vector = told(np.asarray([np.arange(64) / 9 + RANDOM.normal(0, SD, 64)], np.float32), np.asarray([np.arange(64) / 9], np.float32), "norm")  # fmt: skip
    noisy, tuned = told(BASE + noise(), BASE), told(BASE + few_directions(4), BASE)
    assert vector.relation == "noise"
    assert beside_matrices([vector, noisy]) == [vector, noisy]
    assert beside_matrices([vector, tuned])[0].relation == "not told", "gains that are trained move by themselves"
    small = np.asarray(RANDOM.normal(0, 0.04, (8, 64)), np.float32)
    least = told(np.float32(small + RANDOM.normal(0, SD, small.shape)), small)
    assert least.relation == "noise"
    assert {t.relation for t in beside_matrices([least, vector])} == {"not told"}, "too small to show structure"
    assert beside_matrices([least, noisy]) == [least, noisy]
    rounded = replace(vector, relation="rounded", toward="left")
    assert beside_matrices([rounded, tuned])[0] == rounded
    assert beside_matrices([rounded])[0].toward == ""


def test_a_constant_tells_nothing() -> None:
    ones = np.ones(SHAPE, np.float32)
    assert both_ways(ones, BASE) == "not told"
    assert told(ones, ones).relation == "not told"
    assert told(ones, 2 * ones).relation == "not told"


def test_values_that_are_no_numbers_are_left_out() -> None:
    made = BASE + noise()
    made[3, :100] = np.nan
    made[4, 5] = np.inf
    found = told(made, BASE)
    assert found.relation == "noise"
    assert found.difference.count == BASE.size - 101
    assert difference(np.full(SHAPE, np.nan, np.float32), BASE, ("F32", "F32")) is None


# Figures


def test_figures_of_a_difference() -> None:
    """By hand, for a few values."""
    left, right = np.array([[1.0, 2.0, 4.0, 0.0]], np.float32), np.array([[1.0, 0.0, 3.0, 2.0]], np.float32)
    found = difference(left, right, ("F32", "F32"))
    assert found is not None
    assert (found.count, found.equal, found.left_zeros, found.right_zeros) == (4, 0.25, 0.25, 0.25)
    assert found.mean == pytest.approx(0.25)
    assert found.sd == pytest.approx(math.sqrt((0 + 4 + 1 + 4) / 4))
    assert found.left_sd == pytest.approx(left.std())
    covariance = float(((left - left.mean()) * (right - right.mean())).mean())
    assert found.slope_left == pytest.approx(covariance / float(right.var()))
    assert found.slope_right == pytest.approx(covariance / float(left.var()))
    assert found.correlation == pytest.approx(covariance / float(left.std() * right.std()))
    assert found.kept == pytest.approx(1 / 2)
    assert found.slope_error == pytest.approx(float((left - right).std() / (min(left.std(), right.std()) * 2)))
    assert math.isnan(found.edge)


def test_matrices_correlate_about_the_mean_of_each_column() -> None:
    lean = np.tile(np.linspace(-1, 1, SHAPE[1]), (SHAPE[0], 1))
    one, other = (np.asarray(10 * lean + RANDOM.normal(0, 1, SHAPE), np.float32) for _ in range(2))
    found = difference(one, other, ("F32", "F32"))
    assert found is not None
    assert abs(found.correlation) < 0.05


def test_noise_has_the_figures_of_noise() -> None:
    found = told(BASE + noise(), BASE).difference
    assert found.edge == pytest.approx(1, abs=0.08)
    assert found.row_spread == pytest.approx(1, abs=0.2)
    assert found.kurtosis == pytest.approx(0, abs=0.12)
    assert found.slope_left == pytest.approx(1, abs=4 * found.slope_error)
    assert 1 - found.slope_right == pytest.approx(SD**2 / float((BASE + noise()).var()), rel=0.5)
    uniform = told(np.float32(BASE + RANDOM.uniform(-1e-3, 1e-3, SHAPE)), BASE).difference
    assert uniform.kurtosis == pytest.approx(-1.2, abs=0.05)
    assert told(BASE + few_directions(1), BASE).difference.edge > 3


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"])
def test_the_distance_to_the_next_number(dtype: str) -> None:
    values = np.array([0.013, 0.5, 1.0, 1.7, 3.9, 1e-5 if dtype == "F16" else 0.02])
    if dtype.startswith("F8"):
        table = np.unique(eight_bits(dtype)[np.isfinite(eight_bits(dtype))]).astype(np.float64)
        below = np.searchsorted(table, values, side="right") - 1
        expected = table[below + 1] - table[below]
    elif dtype == "BF16":
        expected = 2.0 ** (np.floor(np.log2(values)) - 7)
    else:
        expected = np.spacing(values.astype(np.float16 if dtype == "F16" else np.float32)).astype(np.float64)
    np.testing.assert_allclose(spacing(values, dtype), expected)
    np.testing.assert_allclose(spacing(-values, dtype), expected)
    assert not spacing(values, "I8").any()


def test_the_narrowest_type_that_holds_the_values() -> None:
    for dtype in ("F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"):
        assert held(as_stored(BASE, dtype), "F32") == dtype
        assert held(as_stored(BASE, dtype), "I8") == "I8"
    assert held(BASE, "F8_E4M3") == "F8_E4M3"
    assert held(as_stored(BASE, "BF16"), "BF16") == "BF16"
    almost = as_stored(BASE, "BF16").copy()
    almost[-1, -1] = BASE[-1, -1]
    assert held(almost, "F32") == "F32"
    assert held(np.float32([449.0] * 100), "F32") != "F8_E4M3"


# All tensors together


def noisy_tensor(
    place: int, sd: float, size: int = 20_000, kind: TensorClass = "matrix", scale: float = 0.04
) -> Judged:
    source = np.asarray(RANDOM.normal(0, scale, (100, size // 100)), np.float32)
    return replace(told(np.float32(source + RANDOM.normal(0, sd, source.shape)), source, kind), left=place, right=place)


def related(*names: str) -> list[Judged]:
    return [replace(told(BASE + noise(), BASE), relation=name) for name in names]  # type: ignore[arg-type]


def test_noise_of_all_tensors() -> None:
    found = noise_of(
        [noisy_tensor(n, SD, 1000 * 4**n) for n in range(4)] + related("changed", "unrelated", "identical")
    )
    assert found is not None
    assert found.sd == pytest.approx(SD, rel=0.02)
    assert (found.tensors, found.level, found.scales) == (4, "equal", (1, 1))
    assert found.smallest <= found.sd <= found.largest
    assert abs(found.kurtosis) < 0.1
    assert noise_of(related("changed", "unrelated", "identical")) is None


def test_levels_of_noise() -> None:
    sds = [SD, 2 * SD, 4 * SD]
    by_size = noise_of([noisy_tensor(n, sd, scale=30 * sd) for n, sd in enumerate(sds)])
    any_how = noise_of([noisy_tensor(n, sd) for n, sd in enumerate(sds)])
    nearly = noise_of([noisy_tensor(n, sd, 200_000) for n, sd in enumerate([SD, 1.1 * SD, 1.2 * SD])])
    assert by_size is not None
    assert any_how is not None
    assert nearly is not None
    assert (by_size.level, any_how.level, nearly.level) == ("proportional", "", "")
    few = noise_of([noisy_tensor(n, SD, 100) for n in range(30)])
    assert few is not None
    assert few.level == "equal", "what sampling makes of equal ones is taken out"
    assert overall([noisy_tensor(n, sd) for n, sd in enumerate(sds)]).relation == "noise", (
        "of a size of its own in each"
    )


CHECKPOINTS: dict[str, tuple[Sequence[str], str]] = {
    "all the same": (["identical"] * 5, "identical"),
    "nearly all": (["identical"] * 19 + ["changed"], "identical"),
    "a mixture": (["identical"] * 18 + ["changed"] * 2, "changed"),
    "some with noise, the rest the same": (["noise"] * 4 + ["identical"] * 6, "noise"),
    "a part of the model, with noise": (["noise"] * 4 + ["unrelated"] * 3, "noise"),
    "a small part, with noise": (["noise"] * 3 + ["unrelated"] * 9, "noise"),
    "made in different ways": (["rounded"] * 3 + ["quantised"] * 5, "quantised"),
    "strangers": (["unrelated"] * 5, "unrelated"),
    "strangers with one tensor from elsewhere": (["unrelated"] * 5 + ["identical"], "identical"),
    "nothing told": (["not told"] * 5, "not told"),
    "trained": (["changed"] * 3 + ["low rank"] * 3, "changed"),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_whole_checkpoint(name: str) -> None:
    relations, expected = CHECKPOINTS[name]
    found = overall(related(*relations))
    assert found.relation == expected
    assert sum(found.counts.values()) == len(relations)
    assert found.related == sum(relation not in ("unrelated", "not told") for relation in relations)


def test_nothing_at_all() -> None:
    found = overall([])
    assert (found.relation, found.counts, found.noise, found.related) == ("not told", {}, None, 0)
