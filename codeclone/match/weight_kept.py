"""Samples of a checkpoint <-> their bare numbers, in the order in which they are taken.

Which numbers these have to be follows from the names, shapes and types of the tensors; so do digests, blocks of neurons and ids of
tokens. All of that is worked out again, by the code that samples a checkpoint, and none of it is believed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from codeclone.match import weight_samples
from codeclone.match.weight_groups import MOST_GROUPS, NeuronGroup
from codeclone.match.weight_samples import (
    GRAM_NEURONS,
    SIGNED,
    NeuronSample,
    Samples,
    Values,
    collected,
    columns_of,
    finite,
)
from codeclone.model import Checkpoint

ROUNDED = 1e-3
"""By which a product of two vectors of length 1 may be over 1."""


BOUNDS = (
    "ROWS", "COLUMNS", "MOST_VALUES", "LEAST_SIDE", "MOST_TENSORS", "MOST_TENSORS_TOGETHER", "MOST_NEURON_VALUES", "MOST_VIEWED", "NEURON_COLUMNS",
    "MOST_NEURONS", "GRAM_NEURONS", "TOKENS", "LEAST_TOKENS", "MOST_SIGNED", "MOST_VOCABULARY", "MOST_WHOLE_VALUES",
    "WHOLE_GROUPS", "SIGNED",
)  # fmt: skip
"""Of `weight_samples`: what the numbers are depends on them."""


def bounds() -> str:
    """Differs between releases that sample otherwise."""
    return " ".join(str(its) for its in (*(getattr(weight_samples, name) for name in BOUNDS), MOST_GROUPS))


def numbers_of(samples: Samples) -> Values:
    """All numbers of a checkpoint's samples, one behind the other."""
    grids = (sample.values for sample in samples.tensors if sample is not None)
    neurons = ((*its.views, its.gram, *its.signatures) for its in samples.neurons)
    parts = [values.ravel() for values in chain(grids, *neurons)]
    return np.concatenate(parts).astype("<f4", copy=False) if parts else np.zeros(0, np.float32)


def unread_of(samples: Samples) -> dict[int, str]:
    """Place of a tensor without a sample -> why it has none."""
    return {place: reason for place, reason in samples.reasons if samples.tensors[place] is None}


def restored(
    checkpoint: Checkpoint, numbers: Values, unread: Mapping[int, str], blocks: Sequence[int], share: int
) -> Samples:
    """The samples whose `numbers_of` these are.

    `unread`: as `unread_of` has them. `blocks`: numbers of the blocks of neurons that were sampled. `share`: checkpoints of the
    repository. Raises ValueError where the numbers are not those that such a checkpoint leaves.
    """
    taken = 0

    def take(*shape: int) -> Values:
        nonlocal taken
        first, taken = taken, taken + math.prod(shape)
        if taken > len(numbers):
            raise _TooFew
        return numbers[first:taken].reshape(shape)

    def grid(place: int, rows: NDArray[np.int64], first: int, columns: int) -> Values:
        if place in unread:
            raise ValueError(unread[place])
        return take(len(rows), columns)

    def look(group: NeuronGroup, embedding: int | None, ids: NDArray[np.int64]) -> NeuronSample:
        if group.number not in wanted:
            raise ValueError("was not sampled")
        views = tuple(finite(take(group.neurons, columns_of(group))) for _ in group.views)
        count = min(group.neurons, GRAM_NEURONS)
        gram = finite(take(count, count))
        if np.abs(gram).max() > len(views) * (1 + ROUNDED):
            raise _TooLarge
        signatures = tuple(finite(take(group.neurons, len(ids))) for _ in group.views[:SIGNED]) if len(ids) else ()
        return NeuronSample(group, views, gram, signatures, ids)

    wanted = {*blocks}
    try:
        found = collected(checkpoint, grid, look, share)
    except _TooFew:
        raise ValueError("fewer numbers than its tensors leave") from None
    except _TooLarge:
        raise ValueError("products of neurons that no neurons have") from None
    if [its.group.number for its in found.neurons] != [*blocks]:
        raise ValueError("blocks of neurons that its tensors do not have")
    if taken != len(numbers):
        raise ValueError("more numbers than its tensors leave")
    return found


class _TooFew(Exception):
    """No ValueError: that is what says of one tensor that it was not read."""


class _TooLarge(Exception):
    """As `_TooFew`."""
