"""Rows of two or more checkpoints side by side, block by block, whose order says nothing where they were initialised apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_alignment import Side
from codeclone.match.weight_groups import ATTENTION, class_of, groups_of, is_weights
from codeclone.match.weight_positions import chosen
from codeclone.match.weight_rungs import LEAST_WIDTH
from codeclone.match.weight_samples import ROWS

MOST_BLOCKS = 64
"""Blocks that are compared, spread over the model."""

LEAST_ROWS = 16

GATES = (1, 3, 4)
"""Matrices that are stored as one, in layers that are not: of a recurrent layer with three or four gates."""

Grids = Callable[[int], tuple[NDArray[np.float32], ...] | None]
"""Place of a left tensor -> its values and those of its partners, of the same shape; None where one is missing."""

Rows = tuple[tuple[int, ...], tuple[NDArray[np.float32], ...]]
"""(places of the left tensors, (rows, values) of the left and of each partner)."""


def rows_by_block(left: Side, grids: Grids) -> list[Rows]:
    """The neurons of each block, of at most `MOST_BLOCKS`. Of a checkpoint without blocks of neurons the rows of any matrix that
    another one reads, as those of classes or tokens have an order of their own; those of attention only where there are no others:
    positions that are rotated give them sizes of their own, but no direction."""
    groups = groups_of(left.checkpoint.tensors)
    found = []
    for group in groups:
        places = [view.place for view in group.views if view.by_row and not view.first]
        its = _rows(places, group.neurons, left, grids)
        if its is not None:
            found.append(its)
    for attention in (False, True):
        found = found or _alone(left, grids, attention)
    chosen_blocks = spread(range(len(found)), MOST_BLOCKS)
    return [its for number, its in enumerate(found) if number in chosen_blocks]


def spread(places: Sequence[int], most: int) -> frozenset[int]:
    """At most so many of them, evenly."""
    step = max(1, math.ceil(len(places) / most))
    return frozenset(places[::step])


def _alone(left: Side, grids: Grids, attention: bool) -> list[Rows]:
    found = []
    read = {tensor.shape[1] for tensor in left.checkpoint.tensors if tensor.shape and len(tensor.shape) > 1}
    for place, tensor in enumerate(left.checkpoint.tensors):
        if class_of(tensor) != "matrix" or not is_weights(tensor) or not tensor.shape:
            continue
        inner = any(tensor.shape[0] == gates * size for size in read for gates in GATES)
        if inner and bool(ATTENTION.search(tensor.name)) == attention:
            its = _rows([place], (tensor.shape or (0,))[0], left, grids)
            found += [its] if its is not None else []
    return found


def _rows(places: Sequence[int], neurons: int, left: Side, grids: Grids) -> Rows | None:
    """The grids of tensors of one shape side by side, without rows behind the neurons; None where there are too few."""
    used: list[int] = []
    parts: list[tuple[NDArray[np.float32], ...]] = []
    for place in places:
        its = grids(place)
        fits = its is not None and (not used or left.shape(place) == left.shape(used[0]))
        if its is not None and fits and (not parts or len(its[0]) == len(parts[0][0])):
            used.append(place)
            parts.append(its)
    if not parts:
        return None
    rows = chosen((left.shape(used[0]) or (0,))[0], ROWS)[: len(parts[0][0])]
    sides = tuple(np.concatenate(side, axis=1)[rows < neurons] for side in zip(*parts, strict=True))
    if len(sides[0]) < LEAST_ROWS or sides[0].shape[1] < LEAST_WIDTH:
        return None
    return tuple(used), sides
