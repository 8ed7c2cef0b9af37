"""One home for the models that tests of weights make up: strangers with the habits of one architecture, and what becomes of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codeclone.background import shipped
from codeclone.evidence import Context, Findings, Profiled, weights
from codeclone.match.weight_alignment import Aligned, Side, aligned
from codeclone.match.weight_samples import sampled
from codeclone.model import Checkpoint, Evidence, File, Profile, Repository, Role, Snapshot, Tensor
from tests.checkpoints import safetensors_of

Floats = NDArray[np.float32]
Model = Mapping[str, Floats]
Made = dict[str, Floats]

SD = 1 / 708
"""Of the noise in the founding case."""

GAINED = {"self_attn": "input_layernorm", "mlp": "post_attention_layernorm"}
READING = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")


def llama(seed: int, layers: int = 2, width: int = 64, neurons: int = 192, vocabulary: int = 256) -> Made:
    """A model of its own. What strangers of one architecture have in common, all of these have: a mean direction of rows, curves of
    gains, rows of unequal size; and what one model has in itself: gate and up are correlated."""
    random = np.random.default_rng([7, seed])
    habits = np.random.default_rng(11)
    mean = habits.normal(0, 0.3, width)
    curve = habits.normal(0, 0.15, width)

    def matrix(rows: int, sd: float = 0.04) -> NDArray[np.float64]:
        sizes = np.exp(random.normal(0, 0.2, (rows, 1)))
        return sd * (random.normal(0, 1, (rows, width)) + mean) * sizes

    made: dict[str, NDArray[np.float64]] = {"model.embed_tokens.weight": matrix(vocabulary)}
    for layer in range(layers):
        block = f"model.layers.{layer}"
        made[f"{block}.input_layernorm.weight"] = 1 + curve + random.normal(0, 0.03, width)
        for name in ("q_proj", "k_proj", "v_proj"):
            made[f"{block}.self_attn.{name}.weight"] = matrix(width)
        made[f"{block}.self_attn.o_proj.weight"] = matrix(width).T
        made[f"{block}.post_attention_layernorm.weight"] = 1 - curve + random.normal(0, 0.03, width)
        gate = matrix(neurons)
        made[f"{block}.mlp.gate_proj.weight"] = gate
        made[f"{block}.mlp.up_proj.weight"] = 0.8 * matrix(neurons) + 0.5 * gate
        made[f"{block}.mlp.down_proj.weight"] = (matrix(neurons) + 0.2 * gate).T
    made["model.norm.weight"] = 2 + curve + random.normal(0, 0.03, width)
    made["lm_head.weight"] = matrix(vocabulary)
    return {name: np.ascontiguousarray(values, np.float32) for name, values in made.items()}


# What becomes of a model


def changed(model: Model, change: Callable[[str, Floats], NDArray[np.floating]]) -> Made:
    return {name: np.ascontiguousarray(change(name, values), np.float32) for name, values in model.items()}


def noisy(model: Model, sd: float = SD, seed: int = 0, uniform: bool = False, relative: bool = False) -> Made:
    random = np.random.default_rng([1, seed])

    def change(name: str, values: Floats) -> NDArray[np.floating]:
        noise = random.uniform(-(3**0.5), 3**0.5, values.shape) if uniform else random.normal(0, 1, values.shape)
        return values + sd * (float(values.std()) if relative else 1.0) * noise

    return changed(model, change)


def tuned(model: Model, seed: int, size: float = 0.08) -> Made:
    """Trained further: most of the change in a few directions, the rest in some rows more than in others; gains move little."""
    random = np.random.default_rng([2, seed])

    def change(name: str, values: Floats) -> NDArray[np.floating]:
        if values.ndim < 2:
            return values + 0.01 * random.normal(0, 1, values.shape)
        low = random.normal(0, 1, (len(values), 4)) @ random.normal(0, 1, (4, values.shape[1])) / 2
        rest = random.normal(0, 1, values.shape) * np.exp(random.normal(0, 0.7, (len(values), 1)))
        return values + size * float(values.std()) * (low + 0.7 * rest)

    return changed(model, change)


def adapted(model: Model, seed: int, rank: int = 2) -> Made:
    """With an update of low rank in each matrix of the layers."""
    random = np.random.default_rng([3, seed])

    def change(name: str, values: Floats) -> NDArray[np.floating]:
        if values.ndim < 2 or ".layers." not in name:
            return values
        return values + 0.004 * random.normal(0, 1, (len(values), rank)) @ random.normal(0, 1, (rank, values.shape[1]))

    return changed(model, change)


def pruned(model: Model, share: float = 0.5) -> Made:
    def change(name: str, values: Floats) -> Floats:
        return values if values.ndim < 2 else np.where(np.abs(values) < np.quantile(np.abs(values), share), 0, values)

    return changed(model, change)


def in_matrices(model: Model, change: Callable[[Floats], Floats]) -> Made:
    return changed(model, lambda _, values: change(values) if values.ndim == 2 else values)


def on_grid(values: Floats, bits: int, width: int = 0, zero_point: bool = False) -> Floats:
    """Whole numbers of steps, and back: a scale for each run of `width` values in a row, for each row where it is -1, for all where
    it is 0."""
    runs = values.reshape(1, -1) if not width else values if width < 0 else values.reshape(-1, width)
    if zero_point:
        least = runs.min(1, keepdims=True)
        step = (runs.max(1, keepdims=True) - least) / (2**bits - 1)
        made = np.round((runs - least) / step) * step + least
    else:
        step = np.abs(runs).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
        made = np.round(runs / step) * step
    return np.asarray(made, np.float32).reshape(values.shape)


UNEVEN = np.array(
    [-1, -0.70, -0.53, -0.39, -0.28, -0.18, -0.09, 0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 1], np.float32
)
"""Sixteen levels at the quantiles of a normal distribution, roughly."""


def on_uneven_grid(values: Floats, width: int) -> Floats:
    runs = values.reshape(-1, width)
    largest = np.abs(runs).max(1, keepdims=True)
    nearest = np.abs((runs / largest)[..., None] - UNEVEN).argmin(-1)
    return np.asarray(UNEVEN[nearest] * largest, np.float32).reshape(values.shape)


def reordered(model: Model, seed: int = 0) -> Made:
    """The same model with the neurons of each block in another order."""
    random = np.random.default_rng([4, seed])
    made = dict(model)
    for gate in [name for name in model if name.endswith("gate_proj.weight")]:
        order = random.permutation(len(model[gate]))
        for name in (gate, gate.replace("gate", "up")):
            made[name] = model[name][order]
        down = gate.replace("gate", "down")
        made[down] = np.ascontiguousarray(model[down][:, order])
    return made


def turned(model: Model, seed: int = 0) -> Made:
    """The same model in another basis of what stands between the blocks, with the gains in the matrices that read."""
    width = len(model["model.norm.weight"])
    basis, _ = np.linalg.qr(np.random.default_rng([5, seed]).normal(0, 1, (width, width)))

    def change(name: str, values: Floats) -> NDArray[np.floating]:
        if values.ndim == 1:
            return np.ones_like(values)
        block, _, rest = name.rpartition(".layers.")[2].partition(".")
        part, _, inner = rest.partition(".")
        if inner.startswith(READING):
            return values * model[f"model.layers.{block}.{GAINED[part]}.weight"] @ basis
        if name == "lm_head.weight":
            return values * model["model.norm.weight"] @ basis
        return values @ basis if "embed" in name else basis.T @ values

    return changed(model, change)


def renamed(model: Model) -> Made:
    return {name.replace("model.layers.", "net.h.").replace("proj", "map"): values for name, values in model.items()}


# How numbers are stored


@cache
def eight_bits(dtype: str) -> NDArray[np.float32]:
    """The value of each of the 256 codes, nan where it is none."""
    exponent_bits, bias = (4, 7) if dtype == "F8_E4M3" else (5, 15)
    digits = 7 - exponent_bits
    codes = np.arange(256)
    exponents, fractions = (codes & 127) >> digits, (codes & (2**digits - 1)) / 2**digits
    values = np.where(exponents, (1 + fractions) * 2.0 ** (exponents - bias), fractions * 2.0 ** (1 - bias)) * np.where(
        codes & 128, -1, 1
    )
    beyond = (codes & 127) == 127 if dtype == "F8_E4M3" else exponents == 31
    return np.where(beyond, np.nan, values).astype(np.float32)


def stored(values: Floats, dtype: str) -> bytes:
    """The nearest numbers that the type has."""
    if dtype in ("F32", "F16"):
        return values.astype("<f4" if dtype == "F32" else "<f2").tobytes()
    if dtype == "BF16":
        bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    table = eight_bits(dtype)
    known = np.flatnonzero(np.isfinite(table))
    order = known[np.argsort(table[known], kind="stable")]
    between = (table[order][1:] + table[order][:-1]) / 2
    return order[np.searchsorted(between, values.ravel())].astype(np.uint8).tobytes()


def held(values: Floats, dtype: str) -> Floats:
    """What is read of values that were stored in a type."""
    content = stored(values, dtype)
    if dtype in ("F32", "F16"):
        found = np.frombuffer(content, "<f4" if dtype == "F32" else "<f2").astype(np.float32)
    elif dtype == "BF16":
        found = (np.frombuffer(content, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        found = eight_bits(dtype)[np.frombuffer(content, np.uint8)]
    return found.reshape(values.shape)


def file(model: Model, dtype: str = "F32", path: str = "model.safetensors") -> File:
    content = safetensors_of({name: (dtype, its.shape, stored(its, dtype)) for name, its in model.items()})
    return File(path, len(content), "0" * 64, lambda: content)


def snapshot(model: Model, dtype: str = "F32", name: str = "r") -> Snapshot:
    return Snapshot(Repository(name, name, None, "0" * 64), (file(model, dtype),))


def profile(model: Model, dtype: str = "F32") -> Profile:
    return weights.profile(snapshot(model, dtype))


def tensors(shapes: Mapping[str, tuple[int, ...]]) -> list[Tensor]:
    return [Tensor(name, shape, "F32") for name, shape in shapes.items()]


def checkpoint(shapes: Mapping[str, tuple[int, ...]], dtype: str = "F32") -> Checkpoint:
    found = tuple(Tensor(name, shape, dtype) for name, shape in shapes.items())
    return Checkpoint(
        "m", ("m",), found, (0,) * len(found), shards=1, expected=1, total_size=None, formats=("safetensors",), metadata={}
    )  # fmt: skip


def side(model: Model, dtype: str = "F32") -> Side:
    """Without a file."""
    names = [*model]

    def grid(place: int, rows: NDArray[np.int64], first: int, count: int) -> Floats:
        values = model[names[place]]
        matrix = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(1, -1)
        return held(matrix[rows, first : first + count], dtype)

    its = checkpoint({name: values.shape for name, values in model.items()}, dtype)
    return Side(its, sampled(its, grid))


def by_name(left: Side, right: Side) -> Aligned:
    at = {tensor.name: place for place, tensor in enumerate(right.checkpoint.tensors)}
    names = enumerate(tensor.name for tensor in left.checkpoint.tensors)
    return aligned(left, right, [(place, at[name]) for place, name in names if name in at])


# What the room says


def compared(
    left: Profile,
    right: Profile,
    ancestors: Sequence[Profile] = (),
    claimed: Sequence[Profile] = (),
    whole: tuple[Snapshot, Snapshot] | None = None,
) -> Findings:
    candidates = [("right", "right", right)]
    candidates += [(f"base {number}", "ancestor", its) for number, its in enumerate(ancestors)]
    candidates += [(f"source {number}", "claimed", its) for number, its in enumerate(claimed)]
    roles: dict[str, Role] = {"right": "right", "ancestor": "ancestor", "claimed": "claimed"}
    context = Context(shipped(), whole={"left": whole[0], "right": whole[1]} if whole else {})
    return weights.compare(left, [Profiled(name, roles[role], its) for name, role, its in candidates], context)


def finding(
    left: Profile, right: Profile, ancestors: Sequence[Profile] = (), claimed: Sequence[Profile] = ()
) -> Evidence:
    (found,) = compared(left, right, ancestors, claimed).evidence
    return found


def measured(found: Evidence) -> dict[str, float]:
    return {measure.name: measure.value for measure in found.measures}


def rungs(found: Evidence) -> dict[str, tuple[str | float | bool | None, ...]]:
    """Of the table of the ladder: rung -> its cells."""
    return {str(row.cells[0]): row.cells for row in found.tables[0].rows}
