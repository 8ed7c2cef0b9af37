"""What is kept of a checkpoint's numbers: a grid of values of each tensor, and of some blocks what their neurons look like.

Enough to compare it after it is gone, and no more than `MOST_VALUES` and `MOST_NEURON_VALUES` numbers, however large it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_formulas import by_formula
from codeclone.match.weight_groups import NeuronGroup, View, groups_of, is_weights, kept, may_be_packed
from codeclone.match.weight_positions import chosen, start_of, tokens
from codeclone.model import MAX_SIDE, Checkpoint, Tensor, matrix_shape

Values = NDArray[np.float32]
Grid = Callable[[int, NDArray[np.int64], int, int], Values]
"""(place of a tensor, rows, first column, columns) -> values of the tensor as a matrix. Raises ValueError with the reason."""

ROWS, COLUMNS = 256, 256
"""Of a tensor, at most; of one row all together."""

MOST_VALUES = 12_000_000
"""Of the grids of a checkpoint: 48 MB. A model of 183 matrices or fewer keeps `ROWS` x `COLUMNS` of each."""

LEAST_SIDE = 32
"""Rows and columns that are kept even where that is more: of a model of 12,000 tensors and more."""

MOST_TENSORS, MOST_TENSORS_TOGETHER = 20_000, 40_000
"""Of a checkpoint, the first in the order of the file, and of all checkpoints of a repository."""

MOST_NEURON_VALUES, MOST_VIEWED = 1_000_000, 12_000_000
"""Of one view of a block's neurons, and of all views together."""

NEURON_COLUMNS = 32, 256
"""Fewest and most values of each neuron. With 64 of 14,336 neurons the largest cosine of two that have nothing to do with each
other is about 0.55, that of a neuron with its copy under noise of 1/708 about 0.997."""

MOST_NEURONS, MOST_WIDTH = 65_536, 65_536
"""Of a block, and values of each of its neurons; public models have streams of up to 20,480."""

GRAM_NEURONS = 64
"""Neurons of a block, one behind the other, whose products with each other are kept."""

TOKENS, LEAST_TOKENS, MOST_SIGNED = 256, 24, 2**20
"""Rows of the embedding that neurons are held against, fewest of them, and products of one view that are kept."""

MOST_VOCABULARY = 2**22
"""Rows of an embedding: each has a hash by which it is chosen. Public models have up to 300,000."""

MOST_WHOLE_VALUES = 2**26
"""Of the matrices that are read in whole to hold neurons against tokens: those of one block of a model of 70 billion
parameters have more each."""

WHOLE_GROUPS, SIGNED = 2, 2
"""Blocks for which that is done, and views of each."""

FORMULA = "a table that a formula gives: whoever uses it has the same numbers, so they are not compared"

AT_ONCE = 2**21
"""Values of a matrix that is read in whole that are held at once."""


@dataclass(frozen=True, slots=True)
class TensorSample:
    """The grid of a tensor."""

    values: Values
    """(rows, columns): rows in the order of `chosen`, columns one behind the other."""
    digest: str
    """SHA-256 of the values as little-endian float32, whatever the type they are stored in."""
    whole: bool
    """Whether these are all values of the tensor."""
    not_finite: int
    """Values of the grid that are no finite numbers."""

    @property
    def varies(self) -> bool:
        """Whether its values differ: a constant tells nothing."""
        finite = self.values[np.isfinite(self.values)] if self.not_finite else self.values
        return bool(finite.size) and bool((finite != finite.flat[0]).any())


@dataclass(frozen=True, slots=True)
class NeuronSample:
    """The neurons of a block."""

    group: NeuronGroup
    views: tuple[Values, ...]
    """Of each view (neurons, columns): the same columns on both sides of a comparison."""
    gram: Values
    """(k, k): products of the first k neurons of a run with each other, added up over all views."""
    signatures: tuple[Values, ...]
    """Of the first two views (neurons, tokens): what each neuron says to each of the tokens; nothing where that was not worked out."""
    tokens: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Samples:
    """Of one checkpoint."""

    tensors: tuple[TensorSample | None, ...]
    """By place; None where nothing was read."""
    neurons: tuple[NeuronSample, ...]
    reasons: tuple[tuple[int, str], ...]
    """(place, why its numbers were not read, or not all of them)."""
    manifest: str
    """SHA-256 of names, shapes, types and sampled values, lower-case hexadecimal: what random draws are seeded with."""


Look = Callable[[NeuronGroup, int | None, NDArray[np.int64]], NeuronSample]
"""(block, place of the embedding if there is one, ids of the tokens to hold its neurons against, perhaps none). Raises ValueError
where a tensor cannot be read."""


def sampled(checkpoint: Checkpoint, grid: Grid, share: int = 1) -> Samples:
    """Sample a checkpoint. `share`: checkpoints of the repository, which have the bounds together."""
    return collected(checkpoint, grid, partial(_looked, checkpoint.tensors, grid), share)


def collected(checkpoint: Checkpoint, grid: Grid, look: Look, share: int) -> Samples:
    """What is asked of `grid`, then of `look`, and in which order, depends on the checkpoint and on what they refuse: the answers
    alone are enough to have the same samples again."""
    tensors = checkpoint.tensors
    reasons: list[tuple[int, str]] = []
    wanted = [place for place, tensor in enumerate(tensors) if is_weights(tensor)]
    most = min(MOST_TENSORS, MOST_TENSORS_TOGETHER // share)
    side = _side([tensors[place] for place in wanted[:most]], MOST_VALUES // share)
    found: list[TensorSample | None] = [None] * len(tensors)
    for place in wanted[:most]:
        try:
            found[place] = _sample(tensors[place], place, grid, side)
        except ValueError as error:
            reasons.append((place, str(error)))
            continue
        reasons += ((place, reason) for reason in _odd(found[place]))
    packed = "whole numbers ({}), a buffer or weights that are packed: not unpacked and not compared"
    reasons += ((place, packed.format(tensor.dtype)) for place, tensor in enumerate(tensors) if may_be_packed(tensor))
    if len(wanted) > most:
        reasons.append((wanted[most], f"stands behind {most:,} other tensors: from here on none is read"))
    neurons = _neurons(checkpoint, found, look, MOST_VIEWED // share)
    return Samples(tuple(found), neurons, tuple(reasons), _manifest(tensors, found))


def _manifest(tensors: Sequence[Tensor], found: Sequence[TensorSample | None]) -> str:
    lines = (
        f"{tensor.name} {tensor.shape} {tensor.dtype} {sample.digest if sample else ''}\n"
        for tensor, sample in zip(tensors, found, strict=True)
    )
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _side(tensors: Sequence[Tensor], most: int) -> int:
    """Rows and columns that a grid may have, so that all together have at most so many values."""
    sizes = [_grid_size(tensor) for tensor in tensors]
    side = ROWS
    while side > LEAST_SIDE and sum(min(rows, side) * min(columns, side) for rows, columns in sizes) > most:
        side //= 2
    return side


def _grid_size(tensor: Tensor) -> tuple[int, int]:
    rows, columns = matrix_shape(tensor.shape or ())
    return min(rows, ROWS), min(columns, COLUMNS if rows > 1 else ROWS * COLUMNS)


def _sample(tensor: Tensor, place: int, grid: Grid, side: int) -> TensorSample | None:
    rows, columns = matrix_shape(tensor.shape or ())
    if not rows * columns:
        raise ValueError("has no values")
    if max(rows, columns) >= MAX_SIDE:
        raise ValueError("it has a shape that no tensor has")
    most_columns = side if rows > 1 else side * side
    its_rows, count = chosen(rows, side), min(columns, most_columns)
    start = first_column(rows, columns)
    values = grid(place, its_rows, start, count)
    if by_formula(values, its_rows, start, tensor.shape or ()):
        raise ValueError(FORMULA)
    finite = int(np.isfinite(values).sum())
    digest = hashlib.sha256(np.ascontiguousarray(values, "<f4").data).hexdigest()
    return TensorSample(values, digest, len(its_rows) * count == rows * columns, values.size - finite)


def first_column(rows: int, columns: int) -> int:
    """Of the grid of a tensor that is such a matrix."""
    return start_of(columns, COLUMNS if rows > 1 else ROWS * COLUMNS)


def _odd(sample: TensorSample | None) -> list[str]:
    """What a reader has to know of values that tell little."""
    if sample is None:
        return []
    if sample.not_finite:
        whole = "" if sample.whole else " that were sampled"
        return [f"{sample.not_finite:,} of {sample.values.size:,} values{whole} are no finite numbers: left out"]
    return []


# Neurons


def _neurons(
    checkpoint: Checkpoint, tensors: Sequence[TensorSample | None], look: Look, most: int
) -> tuple[NeuronSample, ...]:
    groups = kept([g for g in groups_of(checkpoint.tensors) if g.neurons <= MOST_NEURONS and g.width <= MOST_WIDTH])
    embedding = _embedding(checkpoint.tensors, groups, tensors)
    viewed = whole = 0
    found: list[NeuronSample] = []
    for group in groups:
        viewed += len(group.views) * group.neurons * columns_of(group)
        if any(tensors[view.place] is None for view in group.views) or (found and viewed > most):
            continue
        ids = np.zeros(0, np.int64)
        if embedding is not None and group.neurons * group.width <= MOST_WHOLE_VALUES and whole < WHOLE_GROUPS:
            count = max(16, min(TOKENS, MOST_SIGNED // group.neurons))
            ids = tokens((checkpoint.tensors[embedding].shape or (0,))[0], count)
        try:
            found.append(look(group, embedding, ids))
        except ValueError:
            continue  # told of the tensor where its grid was read, or a file that changed meanwhile
        whole += len(ids) > 0
    return tuple(found)


def _looked(
    tensors: Sequence[Tensor], grid: Grid, group: NeuronGroup, embedding: int | None, ids: NDArray[np.int64]
) -> NeuronSample:
    gains = _gains(group, tensors, grid)
    views = tuple(finite(_view(group, view, grid)) for view in group.views)
    gram = _gram(group, gains, grid)
    signatures: tuple[Values, ...] = ()
    if embedding is not None and len(ids):
        their = finite(grid(embedding, ids, 0, group.width))
        signatures = tuple(finite(_signature(group, view, gains, their, grid)) for view in group.views[:SIGNED])
    return NeuronSample(group, views, gram, signatures, ids)


def finite(values: Values) -> Values:
    if np.isfinite(values).all():
        return values
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _embedding(
    tensors: Sequence[Tensor], groups: Sequence[NeuronGroup], samples: Sequence[TensorSample | None]
) -> int | None:
    """Place of the matrix of tokens: of those that are as wide as the stream, and were read, the one with most rows, the first
    of equals."""
    widths = {group.width for group in groups}
    fitting = [
        (-(tensor.shape or (0,))[0], place)
        for place, tensor in enumerate(tensors)
        if tensor.shape is not None
        and len(tensor.shape) == 2
        and tensor.shape[1] in widths
        and LEAST_TOKENS <= tensor.shape[0] <= MOST_VOCABULARY
        and samples[place] is not None
        and not any(part.isdecimal() for part in tensor.name.split("."))
    ]
    named = [place for _, place in sorted(fitting) if "emb" in tensors[place].name or "wte" in tensors[place].name]
    every = named or [place for _, place in sorted(fitting)]
    return every[0] if every else None


def _gains(group: NeuronGroup, tensors: Sequence[Tensor], grid: Grid) -> Values | None:
    if group.norm is None:
        return None
    gains: Values = finite(grid(group.norm, np.zeros(1, np.int64), 0, group.width))[0]
    return gains


def _rows(group: NeuronGroup, view: View, first: int, count: int, start: int, columns: int, grid: Grid) -> Values:
    """(count, columns): neurons from `first` on, their values from `start` on."""
    if view.by_row:
        return grid(view.place, np.arange(view.first + first, view.first + first + count), start, columns)
    return grid(view.place, np.arange(start, start + columns), view.first + first, count).T


def columns_of(group: NeuronGroup) -> int:
    """Values of each neuron that are kept of a view."""
    fewest, most = NEURON_COLUMNS
    return min(group.width, max(fewest, min(most, MOST_NEURON_VALUES // group.neurons)))


def _view(group: NeuronGroup, view: View, grid: Grid) -> Values:
    columns = columns_of(group)
    return _rows(group, view, 0, group.neurons, start_of(group.width, columns), columns, grid)


def _gram(group: NeuronGroup, gains: Values | None, grid: Grid) -> Values:
    """Neurons under the gains that scale what they read, so that folding these into the matrix changes nothing."""
    count = min(group.neurons, GRAM_NEURONS)
    first = start_of(group.neurons, count)
    total = np.zeros((count, count), np.float64)
    for view in group.views:
        rows = finite(_rows(group, view, first, count, 0, group.width, grid)).astype(np.float64)
        if view.by_row and gains is not None:
            rows = rows * gains
        rows = rows - rows.mean(0)
        rows = rows / np.maximum(np.sqrt((rows**2).sum(1, keepdims=True)), 1e-30)
        total += rows @ rows.T
    return total.astype(np.float32)


def _signature(group: NeuronGroup, view: View, gains: Values | None, their: Values, grid: Grid) -> Values:
    """(neurons, tokens): products of each neuron with the embedding of each token. Turning the stream changes none of them."""
    step = max(1, AT_ONCE // group.width)
    with np.errstate(over="ignore", invalid="ignore"):
        held = their * gains if view.by_row and gains is not None else their
        parts = [
            finite(_rows(group, view, first, min(step, group.neurons - first), 0, group.width, grid)) @ held.T
            for first in range(0, group.neurons, step)
        ]
    return finite(np.concatenate(parts).astype(np.float32))
