"""A pair of checkpoints by all of their numbers, each file read once, in several processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import chain
from typing import Protocol

from codeclone.batches import in_batches
from codeclone.match.weight_alignment import Side
from codeclone.match.weight_groups import is_weights
from codeclone.match.weight_judging import judged_whole
from codeclone.match.weight_overall import beside_matrices
from codeclone.match.weight_pairs import Pair
from codeclone.match.weight_relation import Judged
from codeclone.match.weight_whole import RUN, Runs, Whole, digest, read_whole


class Reader(Protocol):
    """What reads the tensors of a checkpoint."""

    def runs(self, place: int, count: int) -> Runs:
        """All values of a tensor, at most about `count` at a time. Raises ValueError with the reason."""


Opened = Callable[[], AbstractContextManager[Reader]]
"""Opens the files of a checkpoint anew."""

Unread = tuple[int, int, str]
"""(side: 0 left, 1 right; place of the tensor; why it was not read in whole)."""

Fitting = Callable[[Sequence[int]], frozenset[int]]
"""Places of tensors, in the order in which they would be read -> those that can be read before too much was."""

TOO_MUCH = "the tensors before it have several times the bytes of their files"

_Job = tuple[int, int]
"""Places of a left tensor and of its right one; -1 where it has none."""

_Found = Whole | str | tuple[int, str]
"""Of a pair all of it, of a single tensor its digest, or on which side there is neither and why."""


def in_full(pair: Pair, opened: tuple[Opened, Opened], fitting: tuple[Fitting, Fitting]) -> tuple[Pair, list[Unread]]:
    """The pair by all values; a tensor that cannot be read in whole keeps what its sample says."""
    jobs: list[_Job] = [(its.left, its.right) for its in pair.tensors if _same_shape(pair, its)]
    jobs += [(place, -1) for place in _rest(pair.left, {one for one, _ in jobs})]
    jobs += [(-1, place) for place in _rest(pair.right, {other for _, other in jobs})]
    fits = [its([job[side] for job in jobs if job[side] >= 0]) | {-1} for side, its in enumerate(fitting)]
    wanted = [job for job in jobs if job[0] in fits[0] and job[1] in fits[1]]
    sizes = [_size(pair.left, one) + _size(pair.right, other) for one, other in wanted]

    def read(number: int, part: Sequence[_Job]) -> list[tuple[_Job, _Found]]:
        with opened[0]() as ours, opened[1]() as theirs:
            return [(job, _read(ours, theirs, job)) for job in part]

    found: dict[_Job, _Found] = {job: (int(job[0] in fits[0]), TOO_MUCH) for job in jobs}
    found |= chain.from_iterable(in_batches([wanted], [sizes], read)[0])
    tensors, unread = [], []
    for tensor in pair.tensors:
        whole = found.get((tensor.left, tensor.right))
        tensors.append(judged_whole(pair.left, pair.right, tensor, whole) if isinstance(whole, Whole) else tensor)
    digests: tuple[set[str], set[str]] = (set(), set())
    for job, its in found.items():
        if isinstance(its, str):
            digests[int(job[0] < 0)].add(its)
        elif not isinstance(its, Whole):
            side, reason = its
            unread.append((side, job[side], reason))
    return (
        replace(pair, tensors=tuple(beside_matrices(tensors)), same_bytes=len(digests[0] & digests[1])),
        sorted(unread),
    )


def _same_shape(pair: Pair, tensor: Judged) -> bool:
    return pair.left.shape(tensor.left) == pair.right.shape(tensor.right)


def _rest(side: Side, paired: set[int]) -> list[int]:
    """Tensors with numbers that have no counterpart."""
    tensors = zip(side.checkpoint.tensors, side.samples.tensors, strict=True)
    return [
        place
        for place, (tensor, sample) in enumerate(tensors)
        if sample is not None and is_weights(tensor) and place not in paired
    ]


def _size(side: Side, place: int) -> int:
    return math.prod(side.shape(place) or ()) if place >= 0 else 0


class _Failed(ValueError):
    """Reading one side: (side, reason)."""


def _read(ours: Reader, theirs: Reader, job: _Job) -> _Found:
    one, other = job
    try:
        if other < 0:
            return digest(_runs(ours, one, 0))
        if one < 0:
            return digest(_runs(theirs, other, 1))
        return read_whole(_runs(ours, one, 0), _runs(theirs, other, 1))
    except _Failed as error:
        side, reason = error.args
        return side, reason


def _runs(reader: Reader, place: int, side: int) -> Runs:
    try:
        yield from reader.runs(place, RUN)
    except ValueError as error:
        raise _Failed(side, str(error)) from error
