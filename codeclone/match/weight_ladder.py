"""The ladder W0 to W9 for two checkpoints: what each rung asks, what it found, and what chance makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from codeclone.match.chances import either, fisher, seed, together
from codeclone.match.weight_alignment import Aligned, Side, grids
from codeclone.match.weight_difference import difference, held
from codeclone.match.weight_groups import ATTENTION, class_of, groups_of, is_weights
from codeclone.match.weight_positions import chosen as chosen_rows
from codeclone.match.weight_relation import Judged, Overall, judged, overall
from codeclone.match.weight_rungs import (
    LEAST_WIDTH,
    QUERIES,
    Tested,
    aligned_rows,
    assigned,
    directions,
    most_alike,
    neuron_products,
)
from codeclone.match.weight_samples import ROWS, NeuronSample
from codeclone.match.weight_whole import Whole, with_all

Status = Literal["deterministic", "exact", "calibrated", "parametric", "prerequisite", "nothing to test"]

MOST_BLOCKS = 64
"""Blocks in which rows are compared in their place, spread over the model."""

MOST_SPECTRA = 96
"""Matrices whose difference is taken apart into singular values, spread over the model."""

LEAST_ROWS = 16

FEW_QUERIES = 96
"""Neurons by which a block is looked for among all others."""

WAYS: tuple[Literal["views", "signatures"], ...] = ("views", "signatures")

SURELY, LIKELY = 1e-6, 1e-3
"""Chance of W4 below which neurons are taken to have partners in another order, unless that of W2 is below the second."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What one rung found."""

    name: str
    asks: str
    value: str
    null: str
    chance: float | None
    """None where no distribution stands behind the value."""
    status: Status
    sample: str
    seed: str = ""
    """Of random draws, hexadecimal; empty where nothing is drawn."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs for two checkpoints."""

    rungs: tuple[Rung, ...]
    tensors: tuple[Judged, ...]
    overall: Overall
    evidence: float
    """e-value of a shared origin: the rungs W2 to W6 together."""
    blocks: int
    """In which W2 to W6 could be tested."""
    sure: bool
    """Whether names say which matrices belong to one block."""
    in_order: bool
    """Whether neurons stand in their places where they have to do with each other at all."""


def judged_tensors(left: Side, right: Side, pairs: Aligned) -> list[Judged]:
    """W0 and W8 for each pair of tensors, by their samples."""
    found = []
    wanted = [(one, other) for one, other in pairs.pairs.items() if is_weights(left.checkpoint.tensors[one])]
    with_spectrum = _spread(
        [one for one, _ in wanted if class_of(left.checkpoint.tensors[one]) != "norm"], MOST_SPECTRA
    )
    for one, other in wanted:
        values = grids(left, right, {one: other}, one)
        if values is None:
            continue
        types = _types(left, right, one, other, values)
        its = difference(*values, types, one in with_spectrum)
        if its is not None:
            ours, theirs = left.sample(one), right.sample(other)
            known = bool(ours and theirs and ours.whole and theirs.whole)
            found.append(
                replace(
                    judged(one, other, class_of(left.checkpoint.tensors[one]), its, types),
                    same_values=ours.digest == theirs.digest if known and ours and theirs else None,
                )
            )
    return found


def _types(left: Side, right: Side, one: int, other: int, values: Sequence[NDArray[np.float32]]) -> tuple[str, str]:
    """The narrowest types that hold the values of both."""
    tensors = left.checkpoint.tensors[one], right.checkpoint.tensors[other]
    return held(values[0], tensors[0].dtype), held(values[1], tensors[1].dtype)


def judged_whole(left: Side, right: Side, tensor: Judged, whole: Whole) -> Judged:
    """The same tensor, now by all of its values."""
    values = grids(left, right, {tensor.left: tensor.right}, tensor.left)
    assert values is not None
    types = _types(left, right, tensor.left, tensor.right, values)
    its = judged(tensor.left, tensor.right, tensor.kind, with_all(tensor.difference, whole), types)
    return replace(its, digests=whole.digests, same_values=whole.same_values)


def _spread(places: Sequence[int], most: int) -> frozenset[int]:
    """At most so many of them, evenly."""
    step = max(1, math.ceil(len(places) / most))
    return frozenset(places[::step])


def ladder(left: Side, right: Side, pairs: Aligned, tensors: Sequence[Judged]) -> Ladder:
    """`tensors`: of `judged_tensors`. What is drawn is seeded with both manifests, in order, so that swapping sides changes nothing."""
    names = sorted((left.samples.manifest, right.samples.manifest))
    rows = _in_place(left, right, pairs, names)
    matches = [(g, partner) for g in left.samples.neurons if (partner := _partner(g, right.samples.neurons, pairs))]
    looked = 1
    if not rows or fisher([two.chance for two, _ in rows]) > SURELY:
        matches, looked = _searched(matches, left.samples.neurons, right.samples.neurons, pairs)
    w4 = [_any_order(one, other, pairs, "views", looked) for one, other in matches]
    w5 = [_any_order(one, other, pairs, "signatures", looked) for one, other in matches if _share_tokens(one, other)]
    w6 = [
        _among(neuron_products(one.gram, other.gram, seed([*names, "W6", str(number)])), looked)
        for number, (one, other) in enumerate(matches)
        if one.gram.shape == other.gram.shape and len(one.gram) >= LEAST_ROWS
    ]
    tested: dict[str, list[Tested]] = {
        "W2": [two for two, _ in rows],
        "W3": [three for _, three in rows],
        "W4": [its for its, _, _ in w4],
        "W5": [its for its, _, _ in w5],
        "W6": w6,
    }
    chances = {name: fisher([its.chance for its in found]) for name, found in tested.items() if found}
    kept_order = chances.get("W2", 1.0) <= LIKELY or chances.get("W3", 1.0) <= SURELY
    in_order = kept_order or chances.get("W4", 1.0) > SURELY
    put_back = [] if in_order else _put_back(matches, w4, left, right, tensors)
    replaced = {tensor.left: tensor for tensor in put_back}
    every = [replaced.get(tensor.left, tensor) for tensor in tensors]
    whole = overall(every)
    return Ladder(
        rungs=(
            _w0(every),
            _w1(left, right, pairs),
            *(_rung(name, tested[name], chances.get(name), names) for name in tested),
        ),
        tensors=tuple(every),
        overall=whole,
        evidence=together([*chances.values()]),
        blocks=max(len(rows), len(matches)),
        sure=all(group.named for side in (left, right) for group in groups_of(side.checkpoint.tensors)),
        in_order=in_order,
    )


def _share_tokens(one: NeuronSample, other: NeuronSample) -> bool:
    known = bool(one.signatures) and bool(other.signatures)
    return known and len(np.intersect1d(one.tokens, other.tokens)) >= LEAST_WIDTH


# W0, W1


def _w0(tensors: Sequence[Judged]) -> Rung:
    same = [t for t in tensors if t.relation == "identical"]
    whole = sum(t.same_values is True for t in same)
    told = [t for t in tensors if t.difference.left_sd > 0]
    return Rung(
        "W0",
        "are tensors the same, value by value, whatever type they are stored in?",
        f"{len(same):,} of {len(told):,} equal in every value that was read, {whole:,} of them in all values",
        "tensors of the same shape differ",
        None,
        "deterministic" if told else "nothing to test",
        _values(tensors),
    )


def _w1(left: Side, right: Side, pairs: Aligned) -> Rung:
    ours, theirs = len(left.checkpoint.tensors), len(right.checkpoint.tensors)
    moved = f", {len(pairs.by_content):,} of them by what stands in them" if pairs.by_content else ""
    return Rung(
        "W1",
        "which tensors can be compared?",
        f"{len(pairs.pairs):,} of {ours:,} left and {theirs:,} right tensors, with equal shapes{moved}",
        "none: equal names and shapes show an architecture",
        None,
        "prerequisite" if pairs.pairs else "nothing to test",
        f"{ours:,} and {theirs:,} tensors",
    )


def _values(tensors: Sequence[Judged]) -> str:
    return f"{sum(t.difference.count for t in tensors):,} values of {len(tensors):,} tensors"


# W2 and W3: neurons in their places

Grids = Callable[[int], tuple[NDArray[np.float32], ...] | None]
"""Place of a left tensor -> its values and those of its partners, of the same shape; None where one is missing."""


def _in_place(left: Side, right: Side, pairs: Aligned, names: Sequence[str]) -> list[tuple[Tested, Tested]]:
    """W2 and W3 in each block."""
    found = []
    blocks = rows_by_block(left, lambda place: grids(left, right, pairs.pairs, place))
    for number, (places, (ours, theirs)) in enumerate(blocks):
        one, other = directions(ours), directions(theirs)
        looked = max(pairs.tried.get(place, 1) for place in places)
        w2, w3 = aligned_rows(one, other, seed([*names, "W2", str(number)])), assigned(one, other)
        found.append((_among(w2, looked), _among(w3, looked)))
    return found


def _among(tested: Tested, looked: int) -> Tested:
    """For having looked for the partner among so many."""
    return replace(tested, chance=either([tested.chance] * looked))


def rows_by_block(left: Side, grids: Grids) -> list[tuple[tuple[int, ...], tuple[NDArray[np.float32], ...]]]:
    """(places of the tensors, (neurons, values) of the left and of each partner) of at most `MOST_BLOCKS` blocks, whose rows can
    stand in any order. Of a checkpoint without blocks of neurons those of any matrix that is no attention and no embedding."""
    tensors = left.checkpoint.tensors
    groups = groups_of(tensors)
    found = []
    for group in groups:
        places = [view.place for view in group.views if view.by_row and not view.first]
        its = _rows(places, group.neurons, left, grids)
        if its is not None:
            found.append(its)
    if not groups:
        alone = [
            place
            for place, tensor in enumerate(tensors)
            if class_of(tensor) == "matrix" and is_weights(tensor) and not ATTENTION.search(tensor.name)
        ]
        every = (_rows([place], (tensors[place].shape or (0,))[0], left, grids) for place in alone)
        found = [its for its in every if its is not None]
    chosen = _spread(range(len(found)), MOST_BLOCKS)
    return [its for number, its in enumerate(found) if number in chosen]


def _rows(
    places: Sequence[int], neurons: int, left: Side, grids: Grids
) -> tuple[tuple[int, ...], tuple[NDArray[np.float32], ...]] | None:
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
    rows = chosen_rows((left.shape(used[0]) or (0,))[0], ROWS)[: len(parts[0][0])]
    sides = tuple(np.concatenate(side, axis=1)[rows < neurons] for side in zip(*parts, strict=True))
    if len(sides[0]) < LEAST_ROWS or sides[0].shape[1] < LEAST_WIDTH:
        return None
    return tuple(used), sides


# W4 to W6: neurons in any order


def _partner(ours: NeuronSample, others: Sequence[NeuronSample], pairs: Aligned) -> NeuronSample | None:
    """The right block that has the tensors of the left one, else the one of the same number."""
    fitting = [o for o in others if (o.group.neurons, o.group.width) == (ours.group.neurons, ours.group.width)]
    wanted = {pairs.pairs.get(view.place) for view in ours.group.views}
    shared = [(sum(view.place in wanted for view in other.group.views), other) for other in fitting]
    best = max(shared, key=lambda its: its[0], default=(0, None))
    if best[0]:
        return best[1]
    return next((other for other in fitting if other.group.number == ours.group.number), None)


_Matches = list[tuple[NeuronSample, NeuronSample]]


def _searched(
    named: _Matches, left: Sequence[NeuronSample], right: Sequence[NeuronSample], pairs: Aligned
) -> tuple[_Matches, int]:
    """Blocks that go together by a few of their neurons, where those that are named alike do not: (blocks, how many each was
    held against). Those named alike where none do."""
    found: _Matches = []
    most = 1
    for ours in left:
        fitting = [o for o in right if (o.group.neurons, o.group.width) == (ours.group.neurons, ours.group.width)]
        most = max(most, len(fitting))
        tested = [
            (_any_order(ours, theirs, pairs, what, queries=FEW_QUERIES)[0].chance, number)
            for number, theirs in enumerate(fitting)
            for what in WAYS
            if what == "views" or _share_tokens(ours, theirs)
        ]
        best, number = min(tested, default=(1.0, 0))
        if best * max(1, len(tested)) <= SURELY:
            found.append((ours, fitting[number]))
    return (found, most) if found else (named, 1)


def _any_order(
    ours: NeuronSample,
    theirs: NeuronSample,
    pairs: Aligned,
    what: Literal["views", "signatures"],
    looked: int = 1,
    queries: int = QUERIES,
) -> tuple[Tested, NDArray[np.int64], tuple[int, int]]:
    """W4 or W5, the partners of the first neurons, and which right view goes with each of the two left ones. Where names do not
    say which of two views is which, both ways are tried."""
    left, right = ([directions(values) for values in its] for its in _beside(ours, theirs, what))
    count = min(len(left), len(right))
    wanted = [pairs.pairs.get(view.place) for view in ours.group.views]
    places = [view.place for view in theirs.group.views]
    known = [places.index(place) if place in places[:count] else -1 for place in wanted[:count]]
    ways = [(known[0], known[1])] if min(known[:2]) >= 0 and known[0] != known[1] else [(0, 1), (1, 0)]
    fitting = [way for way in ways if all(left[n].shape == right[at].shape for n, at in enumerate(way))]
    if count < 2 or not fitting:
        return Tested(0.0, 1.0, 0), np.zeros(0, np.int64), (0, 1)
    found = [(*most_alike(left[:2], [right[at] for at in way], queries), way) for way in fitting]
    best, partners, way = min(found, key=lambda its: its[0].chance)
    return _among(best, len(found) * looked), partners, way


def _beside(
    ours: NeuronSample, theirs: NeuronSample, what: Literal["views", "signatures"]
) -> tuple[Sequence[NDArray[np.float32]], Sequence[NDArray[np.float32]]]:
    """The views of both sides; of signatures those columns whose tokens both have."""
    if what == "views":
        return ours.views, theirs.views
    _, one, other = np.intersect1d(ours.tokens, theirs.tokens, return_indices=True)
    return [values[:, one] for values in ours.signatures], [values[:, other] for values in theirs.signatures]


def _put_back(
    matches: Sequence[tuple[NeuronSample, NeuronSample]],
    found: Sequence[tuple[Tested, NDArray[np.int64], tuple[int, int]]],
    left: Side,
    right: Side,
    tensors: Sequence[Judged],
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
        for number, at in enumerate(way):
            places = ours.group.views[number].place, theirs.group.views[at].place
            types = left.checkpoint.tensors[places[0]].dtype, right.checkpoint.tensors[places[1]].dtype
            its = difference(ours.views[number][known], theirs.views[at][partners[known]], types)
            if its is not None:
                replaced[places[0]] = judged(*places, "matrix", its, types)
    return [replaced[place] for place in sorted(replaced)]


ASKS = {
    "W2": (
        "do rows of both stand beside their like? z of the sum of products of row i with row i",
        "any order of the neurons is as likely",
        "exact",
    ),
    "W3": (
        "does the best assignment of rows to rows leave them in their places? Spearman's correlation",
        "any order of the neurons is as likely",
        "exact",
    ),
    "W4": (
        "do two matrices name the same partner for a neuron, in whatever order? neurons that agree",
        "two choices agree as often as both fall on one neuron by chance",
        "calibrated",
    ),
    "W5": (
        "the same for what each neuron says to each token, in whatever basis",
        "two choices agree as often as both fall on one neuron by chance",
        "calibrated",
    ),
    "W6": (
        "are neurons as alike to each other on both sides, in whatever basis? z of the correlation",
        "any order of the neurons is as likely",
        "exact",
    ),
}
"""Rung -> what it asks, its null hypothesis, and how its chance is known."""


def _rung(name: str, tested: Sequence[Tested], chance: float | None, names: Sequence[str]) -> Rung:
    asks, null, status = ASKS[name]
    sizes = sum(its.size for its in tested)
    if chance is None or not sizes:
        return Rung(name, asks, "", null, None, "nothing to test", "")
    values = [its.statistic for its in tested]
    if name in ("W4", "W5"):
        value = f"{int(sum(values)):,} of {sizes:,} neurons"
    else:
        unit = "z" if name != "W3" else "correlation"
        value = f"median {unit} {float(np.median(values)):.3g}"
    told = f"{sizes:,} neurons of {len(tested)} block{'s' * (len(tested) != 1)}"
    drawn = f"{seed([*names, name]):032x}"[:16] if name in ("W2", "W6") else ""
    return Rung(name, asks, value, null, chance, cast(Status, status), told, drawn)
