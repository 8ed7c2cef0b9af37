"""Tables that a formula gives are told by their values, whatever they are called, and nothing that was trained is one of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from codeclone.match.weight_formulas import by_formula, without_unit
from codeclone.match.weight_positions import chosen
from codeclone.match.weight_samples import COLUMNS, FORMULA, ROWS, first_column
from codeclone.model import matrix_shape
from tests.weights import Floats, finding, held, llama, profile, side, tuned

RANDOM = np.random.default_rng(31)


def is_table(values: NDArray[np.floating], dtype: str = "F32") -> bool:
    """By the grid that is sampled of it."""
    stored = held(np.asarray(values, np.float32), dtype)
    rows, columns = matrix_shape(values.shape)
    places, start = chosen(rows, ROWS), first_column(rows, columns)
    width = COLUMNS if rows > 1 else ROWS * COLUMNS
    grid = stored.reshape(rows, columns)[places, start : start + width]
    return by_formula(grid, places, start, values.shape)


def positions(count: int, width: int, halves: bool = False, first: int = 0, less: int = 0) -> NDArray[np.float64]:
    """Sines and cosines; `less`: by how much the frequencies are divided into fewer steps."""
    steps = np.arange(width // 2) / (width // 2 - less)
    angles = (np.arange(count) + first)[:, None] * 10_000.0**-steps
    both = np.sin(angles), np.cos(angles)
    return np.concatenate(both, axis=1) if halves else np.stack(both, axis=-1).reshape(count, width)


def of_a_picture(side: int, width: int, token: bool) -> NDArray[np.float64]:
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    waves = 10_000.0 ** -(np.arange(width // 4) / (width // 4))
    parts = [its.reshape(-1, 1) * waves for its in (across, down)]
    table = np.concatenate([half for angles in parts for half in (np.sin(angles), np.cos(angles))], axis=1)
    return np.concatenate([np.zeros((int(token), width)), table])


def transform(count: int) -> NDArray[np.float64]:
    """Cosines under a window."""
    angles = 2 * np.pi * np.outer(np.arange(count // 2 + 1), np.arange(count)) / count
    return np.asarray(np.cos(angles) * np.hanning(count), np.float64)


TABLES: dict[str, NDArray[np.floating]] = {
    "positions": positions(300, 96),
    "positions, as one of a batch": positions(300, 96)[None],
    "positions, each by itself": positions(300, 96)[:, None],
    "positions behind padding": positions(300, 96, first=2, halves=True, less=1),
    "positions in halves": positions(2_000, 768, halves=True),
    "places of a picture": of_a_picture(14, 128, token=False),
    "places of a picture and a token": of_a_picture(16, 768, token=True)[None],
    "a transform": transform(400),
    "a transform as a convolution": transform(400)[:, None],
    "a window": np.hanning(400),
    "a ramp": np.linspace(0, 1, 200),
    "a unit matrix": np.eye(300),
    "a mask": np.tril(np.ones((128, 128))),
    "a mask of what is forbidden": np.triu(np.full((128, 128), -1e4), 1),
    "slopes for distances": -np.abs(np.subtract.outer(np.arange(96), np.arange(96)))[None]
    * 2.0 ** -np.arange(1, 9)[:, None, None],
    "turns of positions": np.cos(np.outer(np.arange(256), 500_000.0 ** -(np.arange(32) / 32))).repeat(2, axis=1),
    "turns of positions, side by side": np.stack(
        [f(np.outer(np.arange(256), 10_000.0 ** -(np.arange(32) / 32))) for f in (np.cos, np.sin)], axis=-1
    ),
    "one filter for every channel": np.tile(np.outer([1, 2, 1], [1, 2, 1]) / 16, (48, 1, 1, 1)),
    "filters that pass by channel": np.einsum("ij,kl->ijkl", np.eye(24), np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16),
    "bands of a scale": np.maximum(
        0, 1 - np.abs(np.arange(201) / 5 - 0.5 * np.arange(1, 79)[:, None]) / (1 + 0.1 * np.arange(78)[:, None])
    ),
    "a short transform": np.cos(np.pi * np.outer(np.arange(40), np.arange(40) + 0.5) / 40),
    "filters that overlap": np.maximum(0, 1 - np.abs(np.arange(300)[:, None] / 5 - np.arange(64))),
}


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("name", TABLES)
def test_tables(name: str, dtype: str) -> None:
    assert is_table(TABLES[name], dtype)


def smooth(rows: int, columns: int) -> NDArray[np.float64]:
    kernel = np.exp(-(np.linspace(-2, 2, 9) ** 2))
    return np.array([np.convolve(row, kernel, "same") for row in RANDOM.normal(0, 1, (rows, columns))])


NO_TABLES: dict[str, Callable[[], NDArray[np.floating]]] = {
    "drawn": lambda: RANDOM.normal(0, 0.02, (300, 400)),
    "drawn evenly": lambda: RANDOM.uniform(-1, 1, (300, 400)),
    "gains": lambda: 1 + RANDOM.normal(0, 0.1, 400),
    "a constant": lambda: np.ones((300, 400)),
    "zeros": lambda: np.zeros((300, 400)),
    "a walk": lambda: np.cumsum(RANDOM.normal(0, 1, (300, 400)), axis=1),
    "smooth rows": lambda: smooth(300, 400),
    "waves that were trained": lambda: transform(400) + RANDOM.normal(0, 1e-3, (201, 400)),
    "columns of one size": lambda: RANDOM.uniform(-1.22, 1.22, (300, 64)).clip(-1, 1),
    "of two values": lambda: RANDOM.choice([-0.5, 0.5], (300, 400)),
    "of four bits, half of them zero": lambda: (
        np.round(RANDOM.normal(0, 2, (300, 400))) * (RANDOM.random((300, 400)) < 0.5)
    ),
    "of three values": lambda: RANDOM.integers(-1, 2, (300, 400)).astype(np.float64),
    "mostly zeros": lambda: RANDOM.normal(0, 1, (300, 400)) * (RANDOM.random((300, 400)) < 0.05),
    "positions that were trained further": lambda: positions(300, 96) + RANDOM.normal(0, 0.1, (300, 96)),
    "few values": lambda: RANDOM.normal(0, 1, (8, 8)),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table(name: str) -> None:
    assert not is_table(NO_TABLES[name]())


def test_values_that_are_no_numbers_are_no_table() -> None:
    table = TABLES["positions"].copy()
    table[3, 3] = math.nan
    assert not is_table(table)


def test_a_table_is_left_out_with_the_reason_and_says_nothing() -> None:
    """Whatever it is called: strangers that share it are strangers."""
    table = np.asarray(TABLES["a transform"], np.float32)
    left, right = ({**llama(seed), "model.layers.0.mlp.map.weight": table} for seed in (1, 2))
    assert [reason for _, reason in side(left).samples.reasons] == [FORMULA]
    evidence = finding(profile(left), profile(right))
    assert (evidence.level, evidence.stance) == ("none", "against")


# Matrices that began as the unit matrix


def begun(seed: int) -> dict[str, Floats]:
    random = np.random.default_rng([9, seed])
    made = {f"layers.{n}.mix.weight": np.eye(96) + random.normal(0, 0.02, (96, 96)) for n in range(4)}
    return {name: np.asarray(values, np.float32) for name, values in made.items()}


def test_strangers_that_began_as_the_unit_matrix_are_strangers() -> None:
    assert finding(profile(begun(1)), profile(begun(2))).level == "none"
    assert finding(profile(begun(1)), profile(begun(1))).level == "moderate"
    evidence = finding(profile(tuned(begun(1), 1, 0.02)), profile(begun(1)))
    assert (evidence.level, evidence.stance) == ("moderate", "for")


def test_only_what_stands_out_is_taken_off() -> None:
    places = chosen(96, ROWS)
    values = begun(1)["layers.0.mix.weight"][places]
    rest = without_unit(values, places, 0)
    assert rest is not None
    assert float(np.abs(rest).max()) < 0.2
    np.testing.assert_array_equal(rest == values, places[:, None] != np.arange(96))
    assert without_unit(np.asarray(RANDOM.normal(0, 1, (96, 96)), np.float32), places, 0) is None
    odd = values.copy()
    odd[3, 5], odd[7, places[7]] = math.inf, math.nan
    almost = without_unit(odd, places, 0)
    assert almost is not None
    np.testing.assert_allclose(np.delete(almost, [3, 7], axis=0), np.delete(rest, [3, 7], axis=0), atol=0.01)
    noise = np.asarray(RANDOM.normal(0, 1, (96, 96)), np.float32)
    noise[0, 0] = math.inf
    assert without_unit(noise, places, 0) is None
    assert without_unit(values, places, 96) is None, "the columns that were sampled do not reach the diagonal"
