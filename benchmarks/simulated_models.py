"""Checkpoints that look trained and cost milliseconds: strangers share every habit of their architecture, and no value.

The habits that all models of one architecture have in common, as strangers that were really trained have them: how large
each tensor is by depth, curves of norm gains, which residual dimensions are outliers and with which sign, how frequent each
token is, how tokens lie to each other (but for a rotation), and the features that a few universal neurons read (Gurnee et
al. 2024: one to five in a hundred recur between seeds). How strongly, is fitted to the models of small_training.py; see the
table of self_check.py.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from small_models import GATED, Architecture, Checkpoint, Floats, layer_of, roles, shapes

OUTLIERS, OUTLIER_SCALE = 2, 2.0
"""Residual dimensions that are larger in every matrix, and how much. The small trained models have none; large ones do, so
this is kept as a hazard."""

FEATURES = 24
"""Of tokens: directions that models of one text have in common but for a rotation."""

UNIVERSAL = (0.25, 0.02)
"""Share of neurons that read the same tokens in every model: in the first layer, and deeper."""

READ_TOKENS = 3
"""How many tokens such a neuron reads."""

ROW_SPREAD, TOKEN_SPREAD = 0.13, 0.03
"""Standard deviation of the logarithm of the rows' sizes; of tokens, beside what their frequency does."""

SCALE_SPREAD = 0.08
"""Standard deviation of the logarithm of a tensor's size beside that of its place."""

COMMON = {"layer": 0.06, "embedding": 0.1, "head": 0.5}
"""Length of the mean direction of rows beside a row of length one."""

SHARED_FEATURES = {"embedding": 0.55, "head": 1.4}
"""Length of what the shared features give a token beside the rest of its row."""

LOW_RANK = {"layer": 0.4, "attention": 0.75}
"""Share of the variance in a part of decaying spectrum: of neurons and all else, of queries and keys."""

NEURON_MIX = {"up": 0.7, "down": 0.2}
"""Standard deviation of what a neuron's further rows have of its first one: gate and up, what it reads and what it writes."""


@dataclass(frozen=True, slots=True)
class Habits:
    scale: Floats
    """Of each residual dimension."""
    signs: Floats
    """Of the outliers in the mean direction; zero elsewhere."""
    gains: Floats
    """Of the norms: what one dimension has more than others, at all depths."""
    tokens: Floats
    """(vocabulary, features)."""
    frequent: Floats
    """Size of each token's row."""


@cache
def habits(architecture: Architecture) -> Habits:
    rng = _generator(architecture, -1)
    outliers = rng.choice(architecture.width, OUTLIERS, replace=False)
    scale, signs = np.ones(architecture.width), np.zeros(architecture.width)
    scale[outliers], signs[outliers] = OUTLIER_SCALE, rng.choice((-1, 1), OUTLIERS)
    ranks = np.arange(1, architecture.vocabulary + 1)
    return Habits(
        scale,
        signs,
        rng.normal(0, 0.02, architecture.width) - 0.3 * (scale > 1),
        rng.normal(0, 1, (architecture.vocabulary, FEATURES)) * np.arange(1, FEATURES + 1) ** -0.5,
        0.4 + 0.75 * np.log(ranks) / np.log(architecture.vocabulary + 1),
    )


@cache
def universal(architecture: Architecture, role: str) -> Floats:
    """(neurons, vocabulary): the few tokens that some neurons of this role tell from others in every model."""
    rng = np.random.default_rng([zlib.crc32(f"{architecture}{role}".encode()), 7])
    share = UNIVERSAL[0 if role.split(".")[1] == "0" else 1]
    count = max(1, round(share * architecture.hidden))
    reading = np.zeros((count, architecture.vocabulary))
    for neuron in reading:
        neuron[rng.choice(architecture.vocabulary, READ_TOKENS, replace=False)] = rng.normal(0, 1, READ_TOKENS)
    return reading


def simulated(architecture: Architecture, seed: int) -> Checkpoint:
    """A model of its own; the same for the same seed."""
    rng, shared = _generator(architecture, seed), habits(architecture)
    features = rng.normal(0, 1 / np.sqrt(FEATURES), (FEATURES, architecture.width))
    common = rng.normal(0, 1, architecture.width)
    common = shared.signs * 2 + common / np.linalg.norm(common)
    common /= np.linalg.norm(common)
    first: Checkpoint = {}
    tokens = _normed(shared.tokens @ features)
    made: Checkpoint = {}
    axes = roles(architecture)
    for name, shape in shapes(architecture).items():
        its, depth = axes[name], _depth(name, architecture)
        if its == ("gain",):
            value = _gain(rng, shared, depth)
        elif len(shape) == 1 or its[0] == "one":
            value = rng.normal(0, 0.02, shape)
        else:
            inner, count = _inner(its), int(np.prod(shape)) // architecture.width
            where = _where(name, inner)
            low_rank = LOW_RANK.get("attention" if inner.startswith(("queries", "keys", "fused")) else "layer", 0)
            rows = _rows(rng, count, architecture.width, low_rank, COMMON[where] * common)
            rows = rows * np.exp(rng.normal(0, TOKEN_SPREAD if inner == "token" else ROW_SPREAD, (count, 1)))
            if inner == "token":
                rows = (rows + SHARED_FEATURES[where] * tokens) * shared.frequent[:, None]
            if inner.startswith("neuron"):
                if inner not in first:
                    first[inner] = _with_universal(rng, rows, universal(architecture, inner) @ tokens)
                    rows = first[inner]
                else:
                    mix = NEURON_MIX["up" if its[0] == inner and architecture.family in GATED else "down"]
                    rows = rows + rng.normal(0, mix, (count, 1)) * first[inner]
            size = _size(name, depth) * np.exp(rng.normal(0, SCALE_SPREAD))
            rows = rows * shared.scale * (size / np.sqrt((rows**2).mean()))
            value = _shaped(rows, its, shape)
        made[name] = np.ascontiguousarray(value, dtype=np.float32)
    return made


def _generator(architecture: Architecture, seed: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(repr(architecture).encode()), seed + 1])


def _where(name: str, inner: str) -> str:
    return "layer" if inner != "token" else "head" if "head" in name else "embedding"


def _rows(rng: np.random.Generator, count: int, width: int, low_rank: float, common: Floats) -> Floats:
    """(count, width) of about length one: noise, a part of decaying spectrum, a mean direction."""
    rank = max(1, min(count, width) // 3)
    spectrum = np.arange(1, rank + 1) ** -0.7
    left, right = rng.normal(0, 1, (count, rank)), rng.normal(0, 1, (rank, width))
    low = (left * (spectrum / np.linalg.norm(spectrum))) @ right
    rows = np.sqrt(low_rank) * low + np.sqrt(1 - low_rank) * rng.normal(0, 1, (count, width))
    return rows / np.sqrt(width) + common


def _with_universal(rng: np.random.Generator, rows: Floats, reading: Floats) -> Floats:
    """Some neurons, at places of their own in each model, read what they read in every model."""
    made = rows.copy()
    places = rng.choice(len(rows), len(reading), replace=False)
    made[places] = 0.9 * _normed(reading) + 0.45 * rows[places]
    return made


def _gain(rng: np.random.Generator, shared: Habits, depth: float) -> Floats:
    return 0.85 + 0.25 * depth + shared.gains + rng.normal(0, 0.035, shared.gains.shape)


def _normed(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _inner(axes: tuple[str, ...]) -> str:
    """Role of the axis beside that of the residual stream."""
    return next((axis for axis in axes if axis not in ("residual", "one")), "one")


def _shaped(rows: Floats, axes: tuple[str, ...], shape: tuple[int, ...]) -> Floats:
    return rows.T.reshape(shape) if axes[0] == "residual" else rows.reshape(shape)


def _depth(name: str, architecture: Architecture) -> float:
    """0 for what stands before the layers, 1 for what stands after them."""
    found = layer_of(name)
    if found:
        return (found[1] + 1) / (architecture.layers + 1)
    return 0.0 if any(part in name for part in ("emb", "wte", "wpe", "cls")) else 1.0


def _size(name: str, depth: float) -> float:
    """Standard deviation."""
    if layer_of(name) is None:
        return 0.09 if "head" in name else 0.055
    if any(part in name for part in ("q_proj", "k_proj", "qkv", "c_attn")):
        return 0.046 + 0.012 * depth
    if any(part in name for part in ("v_proj", "o_proj", "attn")):
        return 0.018 + 0.035 * depth
    return 0.053 - 0.014 * depth


# What becomes of one model in the hands of others


def fine_tuned(base: Checkpoint, seed: int, size: float = 0.03, rank: int = 0, common_seed: int | None = None,
               common: float = 0.0) -> Checkpoint:  # fmt: skip
    """The base and a change: its standard deviation is `size` of each tensor's, a third of the variance in eight
    dimensions; with `rank`, all of it in so many, and only in matrices of the layers (LoRA). Of the change a share `common`
    of the variance is that of `common_seed`, as fine-tunes on the same text have it."""
    own = _changes(base, seed, rank)
    other = _changes(base, common_seed, rank) if common_seed is not None else own
    share = common if common_seed is not None else 0.0
    return {
        name: (value + size * (np.sqrt(1 - share) * own[name] + np.sqrt(share) * other[name])).astype(np.float32)
        if name in own
        else value
        for name, value in base.items()
    }


def _changes(base: Checkpoint, seed: int | None, rank: int) -> Checkpoint:
    rng = np.random.default_rng([seed or 0, 5])
    made = {}
    for name, value in base.items():
        if rank and (layer_of(name) is None or value.ndim != 2):
            continue
        noise = rng.normal(0, 1, value.shape)
        if value.ndim == 2:
            its = min(rank or 8, *value.shape)
            low = rng.normal(0, 1, (value.shape[0], its)) @ rng.normal(0, 1, (its, value.shape[1])) / np.sqrt(its)
            noise = low if rank else np.sqrt(1 / 3) * low + np.sqrt(2 / 3) * noise
        # A gain or bias moves as much as training moves it, not as much as it is large.
        made[name] = noise * (value.std() if value.ndim > 1 else 0.03)
    return made


def siblings(base: Checkpoint, seed: int, correlation: float = 0.0) -> tuple[Checkpoint, Checkpoint]:
    """Two fine-tunes of one base whose changes correlate so much; every third pair is LoRA, sizes between 0.005 and 0.15."""
    rng = np.random.default_rng([seed, 6])
    rank = int(rng.choice((8, 16))) if seed % 3 == 2 else 0
    one, other = (
        fine_tuned(base, 3 * seed + number, float(np.exp(rng.uniform(np.log(0.005), np.log(0.15)))), rank,
                   3 * seed + 2 if correlation else None, correlation)
        for number in range(2)
    )  # fmt: skip
    return one, other
