"""What the tensors of a checkpoint are: classes that behave alike in training, and which matrices have the same neurons.

The inner neurons of a feed-forward block stand in two or three matrices, in all of them in one order, and any other order of
them is the same model. Such matrices are found by their shapes, one the other's transposed, in one block; names only rule out
attention, whose dimensions have an order of their own where positions are rotated.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from codeclone.match.tensor_names import natural
from codeclone.match.weight_positions import mixed
from codeclone.model import Tensor

TensorClass = Literal["matrix", "embedding", "norm", "bias", "other"]
CLASSES: tuple[TensorClass, ...] = get_args(TensorClass)
MATRICES: tuple[TensorClass, ...] = ("matrix", "embedding")
"""Classes whose tensors can be told from those of strangers by their values."""

LEAST_NEURONS = 16
"""Of fewer nothing can be shown."""

MOST_MATRICES, MOST_NORMS, MOST_INDICES = 20_000, 20_000, 8
"""Of a checkpoint, the first in the order of the file; and of a name, the last: those of public models have up to five."""

MOST_GROUPS = 8
"""Blocks whose neurons are kept of a checkpoint."""

FIXED = re.compile(
    r"(?:^|[._])(?:inv_freq|position_ids|token_type_ids|masked_bias|num_batches_tracked|relative_position_index|causal_mask|"
    r"attn_mask|freqs_c(?:is|os)|freqs_sin|cos_cached|sin_cached|sin|cos)\Z"
)
"""Tensors that nobody trains: the library computes them, so everybody has the same."""

_EMBEDDING = re.compile(r"emb|wte|wpe|lm_head|vocab|tok_|token|position|\bpos_|output\.weight\Z", re.IGNORECASE)
ATTENTION = re.compile(
    r"attn|attention|(?:^|[._])(?:q|k|v|o|qkv|kv|query|key|value|wq|wk|wv|wo)(?:_proj|_lin|_a|_b)?[._]", re.IGNORECASE
)
_NORM = re.compile(r"norm|(?:^|[._])ln(?:_|\d|\.)|layernorm|gamma|gain|scale", re.IGNORECASE)
_BEFORE_MLP = re.compile(r"post_attention|pre_feedforward|ffn|mlp|ff_|norm_?2|ln_?2|norm3", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class View:
    """A matrix, or half of one, that has something to say about each neuron."""

    place: int
    """Of the tensor."""
    by_row: bool
    """Whether neurons are its rows; otherwise they are its columns."""
    first: int = 0
    """Row or column of the first neuron, 0-based."""


@dataclass(frozen=True, slots=True)
class NeuronGroup:
    """Matrices of one block that have the same neurons in the same order."""

    number: int
    """Among the groups of the checkpoint, in the order of their names, 0-based."""
    prefix: str
    neurons: int
    width: int
    """Values of a neuron in one view."""
    views: tuple[View, ...]
    """At least two; rows before columns."""
    named: bool
    """Whether names say that these belong together; else it is the order of the file."""
    norm: int | None
    """Place of the gains that scale what these views read, if there are any."""


WHOLE_NUMBERS = ("BOOL", "I64", "I32", "I16", "U64", "U32", "U16")
"""Types of buffers, and of weights that are packed several to a number."""


def is_weights(tensor: Tensor) -> bool:
    """Whether training moves it: numbers that nobody computes from the settings."""
    return tensor.shape is not None and tensor.dtype not in (*WHOLE_NUMBERS, "") and not FIXED.search(tensor.name)


def may_be_packed(tensor: Tensor) -> bool:
    """Whether it is a matrix of whole numbers that may stand for weights: several of few bits in each."""
    return (
        tensor.shape is not None
        and tensor.dtype in WHOLE_NUMBERS[1:]
        and sum(size >= LEAST_NEURONS for size in tensor.shape) > 1
        and not FIXED.search(tensor.name)
    )


def class_of(tensor: Tensor) -> TensorClass:
    """What it is for, by its shape and name."""
    shape = tensor.shape or ()
    sizes = [size for size in shape if size != 1]
    if len(sizes) < 2:
        if tensor.name.endswith("bias"):
            return "bias"
        return "norm" if _NORM.search(tensor.name) else "other"
    if len(shape) == 2 and (_EMBEDDING.search(tensor.name) or shape[0] >= 8 * shape[1] >= 512):
        return "embedding"
    return "matrix"


def groups_of(tensors: Sequence[Tensor]) -> tuple[NeuronGroup, ...]:
    """All groups of a checkpoint, in the natural order of their names."""
    return _groups_of(tuple(tensors))


@lru_cache(maxsize=8)
def _groups_of(tensors: tuple[Tensor, ...]) -> tuple[NeuronGroup, ...]:
    matrices = [
        place
        for place, tensor in enumerate(tensors)
        if tensor.shape is not None
        and len(tensor.shape) == 2
        and min(tensor.shape) >= LEAST_NEURONS
        and is_weights(tensor)
        and class_of(tensor) == "matrix"
        and not ATTENTION.search(tensor.name)
    ][:MOST_MATRICES]
    commonness = Counter(size for tensor in tensors for size in (tensor.shape or ()))
    ends = {place: _ends(tensors[place].name) for place in matrices}
    free = dict.fromkeys(matrices)
    found: list[tuple[str, tuple[View, ...]]] = []
    for level in range(MOST_INDICES):
        blocks: dict[str, list[int]] = {}
        for place in free:
            if level < len(ends[place]):
                blocks.setdefault(tensors[place].name[: ends[place][level]], []).append(place)
        for prefix, places in blocks.items():
            views = _views(places, tensors, commonness)
            if views:
                found.append((prefix, views))
                for view in views:
                    free.pop(view.place, None)
    named = bool(found)
    if not found:
        found = _by_order(matrices, tensors, commonness)
    norms = _gains(tensors)
    groups: list[NeuronGroup] = []
    for prefix, views in sorted(found, key=lambda its: natural(its[0])):
        neurons, width = _sizes(views, tensors)
        groups.append(
            NeuronGroup(len(groups), prefix, neurons, width, views, named, _norm_before(prefix, width, norms))
        )
    return tuple(groups)


def kept(groups: Sequence[NeuronGroup], most: int = MOST_GROUPS) -> tuple[NeuronGroup, ...]:
    """Of many groups a few, chosen by their numbers: models of two depths keep mostly the same ones."""
    hashes = mixed(np.arange(len(groups), dtype=np.uint64))
    places = np.sort(np.argsort(hashes, kind="stable")[:most])
    return tuple(groups[place] for place in places)


def _by_order(
    matrices: Sequence[int], tensors: Sequence[Tensor], commonness: Counter[int]
) -> list[tuple[str, tuple[View, ...]]]:
    """Blocks of a checkpoint whose names tell nothing: matrices that write, each with those that read, in the order of the file."""
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place in matrices:
        shapes.setdefault(tensors[place].shape or (), []).append(place)
    best: list[tuple[str, tuple[View, ...]]] = []
    most = 0
    for (rows, columns), writing in shapes.items():
        reading = shapes.get((columns, rows), [])
        # Of a lone layer that compresses and one that restores, sizes do not say which are neurons and which are pixels.
        if commonness[rows] == commonness[columns] or len(reading) not in (len(writing), 2 * len(writing)):
            continue
        neurons, width = _roles(rows, columns, commonness)
        if neurons == columns and neurons * width * len(writing) > most:
            each = len(reading) // len(writing)
            most = neurons * width * len(writing)
            best = [
                (
                    tensors[place].name,
                    (*(View(at, True) for at in reading[number * each : (number + 1) * each]), View(place, False)),
                )
                for number, place in enumerate(writing)
            ]
    return best


_INDEX = re.compile(r"(?<![^.])\d+(?![^.])")


def _ends(name: str) -> list[int]:
    """Where the last indices of a name end, the last one first."""
    return [match.end() for match in _INDEX.finditer(name)][: -MOST_INDICES - 1 : -1]


def _views(places: Sequence[int], tensors: Sequence[Tensor], commonness: Counter[int]) -> tuple[View, ...]:
    """The matrices of a block that have the same neurons, by the largest pair of sizes; nothing where there is no such pair."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for place in places:
        rows, columns = tensors[place].shape or (0, 0)
        shapes.setdefault((rows, columns), []).append(place)
    best: tuple[int, tuple[View, ...]] = (0, ())
    for (rows, columns), its in shapes.items():
        fused = 2 * columns, rows  # two matrices in one, as gates are often stored
        if rows == columns:
            continue
        neurons, width = _roles(rows, columns, commonness)
        if neurons == columns and (columns, rows) in shapes:
            # These write what the others read, in either way of storing a layer.
            by_row = [View(place, True) for place in shapes[columns, rows]]
            views = (*by_row, *(View(place, False) for place in its))
        elif neurons == columns and fused in shapes and fused[0] != fused[1]:
            halves = [View(place, True, first) for place in shapes[fused] for first in (0, columns)]
            views = (*halves, *(View(place, False) for place in its))
        else:
            continue
        if neurons * width > best[0] and len(views) <= 4:
            best = neurons * width, views
    return best[1]


def _roles(rows: int, columns: int, commonness: Counter[int]) -> tuple[int, int]:
    """(size of the neurons, width of the stream they read): the size that more of the model has is the stream's."""
    key = {size: (commonness[size], -size) for size in (rows, columns)}
    width = max(key, key=lambda size: key[size])
    return (rows if width == columns else columns), width


def _sizes(views: Sequence[View], tensors: Sequence[Tensor]) -> tuple[int, int]:
    written = next(view for view in views if not view.by_row)
    width, neurons = tensors[written.place].shape or (0, 0)
    return neurons, width


def _gains(tensors: Sequence[Tensor]) -> dict[tuple[str, int], int]:
    """(block, width) -> place of the gains before its feed-forward part: those in the block that are called so, else its last."""
    vectors = [
        place
        for place, tensor in enumerate(tensors)
        if tensor.shape is not None and len(tensor.shape) == 1 and class_of(tensor) != "bias" and is_weights(tensor)
    ]
    inside: dict[tuple[str, int], list[int]] = {}
    for place in vectors[:MOST_NORMS]:
        name, shape = tensors[place].name, tensors[place].shape or (0,)
        for end in _ends(name):
            if end < len(name):
                inside.setdefault((name[:end], shape[0]), []).append(place)
    found = {}
    for (block, width), places in inside.items():
        named = [place for place in places if _BEFORE_MLP.search(tensors[place].name[len(block) :])]
        found[block, width] = named[-1] if named else max(places, key=lambda place: natural(tensors[place].name))
    return found


def _norm_before(prefix: str, width: int, gains: dict[tuple[str, int], int]) -> int | None:
    """In the same block, else in that around it."""
    for block in (prefix, *(prefix[:end] for end in _ends(prefix))):
        if (block, width) in gains:
            return gains[block, width]
    return None
