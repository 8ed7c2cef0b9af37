"""Rungs W0 to W6 of the ladder for two checkpoints: what each asks, what it found, and what chance makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from codeclone.match.chances import fisher, seed, together
from codeclone.match.weight_alignment import Aligned, Side, grids
from codeclone.match.weight_blocks import LEAST_ROWS, rows_by_block
from codeclone.match.weight_groups import MATRICES, groups_of
from codeclone.match.weight_judging import as_drawn
from codeclone.match.weight_overall import Overall, overall
from codeclone.match.weight_partners import SURELY, any_order, comparable, partner, put_back, searched
from codeclone.match.weight_relation import Judged
from codeclone.match.weight_rungs import (
    Trial,
    aligned_rows,
    among,
    assigned,
    directions,
    neuron_products,
)

Status = Literal["deterministic", "exact", "calibrated", "parametric", "prerequisite", "nothing to test"]

LIKELY = 1e-3
"""Chance of W2 below which neurons stand in their places, whatever W4 says."""


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
    """The rungs W0 to W6 for two checkpoints, and their tensors."""

    rungs: tuple[Rung, ...]
    tensors: tuple[Judged, ...]
    overall: Overall
    covered: tuple[int, int]
    """Left tensors that were compared, and all that were read."""
    numbers: tuple[int, int]
    """Of the left and of the right tensors that were read and that are no constants."""
    as_drawn: bool
    """Whether what is equal looks as if it had been drawn and never trained."""
    evidence: float
    """e-value of a shared origin: the rungs W2 to W6 together."""
    blocks: int
    """In which W2 to W6 could be tested."""
    sure: bool
    """Whether names say which matrices belong to one block."""
    in_order: bool
    """Whether neurons stand in their places, and in the basis that they had, where they have to do with each other at all."""


def ladder(left: Side, right: Side, pairs: Aligned, tensors: Sequence[Judged], same_bytes: int = 0) -> Ladder:
    """`tensors`: of `judged_tensors`. `same_bytes`: tensors without a counterpart that the other side has, byte for byte.

    What is drawn is seeded with both manifests, in order, so that swapping sides changes nothing.
    """
    names = sorted((left.samples.manifest, right.samples.manifest))
    rows = _in_place(left, right, pairs, names)
    matches = [(g, its) for g in left.samples.neurons if (its := partner(g, right.samples.neurons, pairs))]
    looked = 1
    if not rows or fisher([two.chance for two, _ in rows]) > SURELY:
        matches, looked = searched(matches, left.samples.neurons, right.samples.neurons, pairs)
    w4 = [any_order(one, other, pairs, "views", looked) for one, other in matches]
    w5 = [
        any_order(one, other, pairs, "signatures", looked)
        for one, other in matches
        if comparable(one, other, "signatures")
    ]
    w6 = [
        among(neuron_products(one.gram, other.gram, seed([*names, "W6", str(number)])), looked)
        for number, (one, other) in enumerate(matches)
        if one.gram.shape == other.gram.shape and len(one.gram) >= LEAST_ROWS
    ]
    tested: dict[str, list[Trial]] = {
        "W2": [two for two, _ in rows],
        "W3": [three for _, three in rows],
        "W4": [its for its, _, _ in w4],
        "W5": [its for its, _, _ in w5],
        "W6": w6,
    }
    chances = {name: fisher([its.chance for its in found]) for name, found in tested.items() if found}
    kept_order = chances.get("W2", 1.0) <= LIKELY or chances.get("W3", 1.0) <= SURELY
    moved = not kept_order and chances.get("W4", 1.0) <= SURELY
    beside_partners = put_back(matches, w4, left, right, tensors) if moved else []
    replaced = {tensor.left: tensor for tensor in beside_partners}
    every = [replaced.get(tensor.left, tensor) for tensor in tensors]
    whole = overall(every)
    if whole.relation != "noise":
        # Small tensors can look so by chance: noise is told where nearly all show it.
        every = [replace(t, relation="changed") if t.relation == "noise" and t.kind in MATRICES else t for t in every]
        every = [replace(t, relation="not told") if t.relation == "noise" else t for t in every]
        whole = replace(overall(every), relation=whole.relation)
    return Ladder(
        rungs=(
            _w0(every, same_bytes),
            _w1(left, right, pairs),
            *(_rung(name, tested[name], chances.get(name), names) for name in tested),
        ),
        tensors=tuple(every),
        overall=whole,
        covered=(len(every), sum(sample is not None for sample in left.samples.tensors)),
        numbers=(_numbers(left), _numbers(right)),
        as_drawn=whole.relation in ("identical", "rounded") and as_drawn(left, every),
        evidence=together([*chances.values()]),
        blocks=max(len(rows), len(matches)),
        sure=all(group.named for side in (left, right) for group in groups_of(side.checkpoint.tensors)),
        in_order=not moved and (chances.get("W5", 1.0) > SURELY or (kept_order and whole.relation != "unrelated")),
    )


def _numbers(side: Side) -> int:
    read = ((place, its) for place, its in enumerate(side.samples.tensors) if its is not None)
    return sum(math.prod(side.shape(place) or ()) for place, its in read if its.varies)


# W0, W1


def _w0(tensors: Sequence[Judged], same_bytes: int) -> Rung:
    same = [t for t in tensors if t.relation == "identical"]
    whole = sum(t.same_values is True for t in same)
    told = [t for t in tensors if t.difference.left_sd > 0]
    return Rung(
        "W0",
        "are tensors the same, value by value, whatever type they are stored in?",
        f"{len(same):,} of {len(told):,} equal in every value that was read, {whole:,} of them in all values"
        + f"; {same_bytes:,} without a counterpart have the bytes of such a one" * bool(same_bytes),
        "tensors of the same shape differ",
        None,
        "deterministic" if told else "nothing to test",
        _values(tensors),
    )


def _w1(left: Side, right: Side, pairs: Aligned) -> Rung:
    ours, theirs = len(left.checkpoint.tensors), len(right.checkpoint.tensors)
    moved = f", {len(pairs.by_content):,} of them by what stands in them" if pairs.by_content else ""
    longer = sum(left.shape(one) != right.shape(other) for one, other in pairs.pairs.items())
    moved += f"; {longer:,} of another length, by the rows that both have" if longer else ""
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


# W2 to W6


def _in_place(left: Side, right: Side, pairs: Aligned, names: Sequence[str]) -> list[tuple[Trial, Trial]]:
    """W2 and W3 in each block."""
    found = []
    blocks = rows_by_block(left, lambda place: grids(left, right, pairs.pairs, place))
    for number, (places, (ours, theirs)) in enumerate(blocks):
        one, other = directions(ours), directions(theirs)
        looked = max(pairs.tried.get(place, 1) for place in places)
        w2 = aligned_rows(one, other, seed([*names, "W2", str(number)]))
        w3 = assigned(one, other, seed([*names, "W3", str(number)]))
        found.append((among(w2, looked), among(w3, looked)))
    return found


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


def _rung(name: str, tested: Sequence[Trial], chance: float | None, names: Sequence[str]) -> Rung:
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
    drawn = f"{seed([*names, name, '0']):032x}" if name in ("W2", "W3", "W6") else ""
    return Rung(name, asks, value, null, chance, cast(Status, status), told, drawn)
