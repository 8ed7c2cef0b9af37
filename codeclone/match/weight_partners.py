"""W4 and W5: which neurons of a left block are which of a right one, in whatever order and basis, and which block is which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_alignment import Aligned, Side
from codeclone.match.weight_blocks import LEAST_ROWS
from codeclone.match.weight_difference import difference
from codeclone.match.weight_groups import groups_of
from codeclone.match.weight_judging import types_of
from codeclone.match.weight_relation import Judged, Part, judged
from codeclone.match.weight_rungs import LEAST_WIDTH, QUERIES, Trial, Views, among, most_alike, two_views
from codeclone.match.weight_samples import NeuronSample

FEW_QUERIES = 96
"""Neurons by which a block is looked for among all others."""

SURELY = 1e-6
"""Chance below which neurons are taken to have partners."""

What = Literal["views", "signatures"]
WHATS: tuple[What, ...] = ("views", "signatures")

Way = tuple[int, int]
"""Which right view goes with the first and with the second left one."""

Partners = tuple[Trial, NDArray[np.int64], Way]
"""The rung, for each of the first neurons its partner or -1, and the way in which both views agree."""

Matches = list[tuple[NeuronSample, NeuronSample]]


def partner(ours: NeuronSample, others: Sequence[NeuronSample], pairs: Aligned) -> NeuronSample | None:
    """The right block that has the tensors of the left one, else the one of the same number."""
    fitting = [o for o in others if (o.group.neurons, o.group.width) == (ours.group.neurons, ours.group.width)]
    wanted = {pairs.pairs.get(view.place) for view in ours.group.views}
    shared = [(sum(view.place in wanted for view in other.group.views), other) for other in fitting]
    best = max(shared, key=lambda its: its[0], default=(0, None))
    if best[0]:
        return best[1]
    return next((other for other in fitting if other.group.number == ours.group.number), None)


def searched(
    named: Matches, left: Sequence[NeuronSample], right: Sequence[NeuronSample], pairs: Aligned
) -> tuple[Matches, int]:
    """Blocks that go together by a few of their neurons, where those that are named alike do not: (blocks, how many each was
    held against). Those named alike where none do."""
    ways = {ours.group.number: _ways(ours, theirs, pairs) for ours, theirs in named}
    both = ((0, 1), (1, 0))
    best: dict[int, tuple[float, int]] = {}
    tried: dict[int, int] = {}
    for number, theirs in enumerate(right):
        ready: dict[tuple[What, Way], Views] = {}
        for place, ours in enumerate(left):
            if (ours.group.neurons, ours.group.width) != (theirs.group.neurons, theirs.group.width):
                continue
            for what in WHATS:
                if not comparable(ours, theirs, what):
                    continue
                for way in ways.get(ours.group.number) or both:
                    if (what, way) not in ready:
                        ready[what, way] = two_views(_views(theirs, ours, what), way)
                    mine = two_views(_views(ours, theirs, what), (0, 1), FEW_QUERIES)
                    chance = most_alike(mine, ready[what, way])[0].chance
                    best[place] = min(best.get(place, (1.0, 0)), (chance, number))
                    tried[place] = tried.get(place, 0) + 1
    found = [
        (left[place], right[number])
        for place, (chance, number) in sorted(best.items())
        if chance * tried[place] <= SURELY
    ]
    return (found, len(right)) if found else (named, 1)


def any_order(ours: NeuronSample, theirs: NeuronSample, pairs: Aligned, what: What, looked: int = 1) -> Partners:
    """W4 or W5. Where names do not say which of two views is which, both ways are tried. `looked`: blocks among which the right one
    was found."""
    views = _views(ours, theirs, what), _views(theirs, ours, what)
    ways = [
        way
        for way in _ways(ours, theirs, pairs) or ((0, 1), (1, 0))
        if max(way) < len(views[1]) and all(views[0][n].shape == views[1][at].shape for n, at in enumerate(way))
    ]
    if not ways:
        return Trial(0.0, 1.0, 0), np.zeros(0, np.int64), (0, 1)
    mine = two_views(views[0], (0, 1), QUERIES)
    found = [(*most_alike(mine, two_views(views[1], way)), way) for way in ways]
    best, partners, way = min(found, key=lambda its: its[0].chance)
    return among(best, len(found) * looked), partners, way


def comparable(one: NeuronSample, other: NeuronSample, what: What) -> bool:
    """Whether both have two such views; of signatures with enough tokens that both were held against."""
    if what == "views":
        return min(len(one.views), len(other.views)) >= 2
    known = min(len(one.signatures), len(other.signatures)) >= 2
    return known and len(np.intersect1d(one.tokens, other.tokens)) >= LEAST_WIDTH


def _ways(ours: NeuronSample, theirs: NeuronSample, pairs: Aligned) -> tuple[Way, ...]:
    """The way that the names of the first two views say; nothing where they do not."""
    places = [view.place for view in theirs.group.views]
    wanted = [pairs.pairs.get(view.place) for view in ours.group.views[:2]]
    known = [places.index(place) for place in wanted if place in places]
    return ((known[0], known[1]),) if len(known) == 2 and known[0] != known[1] else ()


def _views(one: NeuronSample, other: NeuronSample, what: What) -> Sequence[NDArray[np.float32]]:
    """Of the first sample; of signatures those columns whose tokens both have."""
    if what == "views":
        return one.views
    if np.array_equal(one.tokens, other.tokens):
        return one.signatures
    _, columns, _ = np.intersect1d(one.tokens, other.tokens, return_indices=True)
    return [values[:, columns] for values in one.signatures]


def put_back(
    matches: Matches, found: Sequence[Partners], left: Side, right: Side, tensors: Sequence[Judged]
) -> list[Judged]:
    """Views of neurons that stand in another order, compared after each was put beside its partner; what else has these neurons
    cannot be told by the values in its place."""
    replaced: dict[int, Judged] = {}
    every = {view.place for group in groups_of(left.checkpoint.tensors) for view in group.views}
    for tensor in tensors:
        if tensor.left in every and tensor.relation == "unrelated":
            replaced[tensor.left] = replace(tensor, relation="not told")
    for (ours, theirs), (tested, partners, way) in zip(matches, found, strict=True):
        known = np.flatnonzero(partners >= 0)
        if tested.chance > SURELY or len(known) < LEAST_ROWS:
            continue
        part = Part(len(known), len(partners), int(np.count_nonzero(partners[known] != known)))
        for number, at in enumerate(way):
            places = ours.group.views[number].place, theirs.group.views[at].place
            values = ours.views[number][known], theirs.views[at][partners[known]]
            types = types_of(left, right, places, values)
            its = difference(*values, types)
            if its is not None:
                numbers = math.prod(left.shape(places[0]) or ())
                replaced[places[0]] = replace(judged(places, "matrix", its, types, numbers), part=part)
    return [replaced[place] for place in sorted(replaced)]
