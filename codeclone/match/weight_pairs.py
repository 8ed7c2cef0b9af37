"""Which checkpoint of one repository goes with which of another, by their names and shapes and then by what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codeclone.match.tensor_content import Beginnings
from codeclone.match.tensor_pairs import best_pairs, most_alike
from codeclone.match.weight_alignment import Aligned, Side, aligned, closeness
from codeclone.match.weight_judging import judged_tensors
from codeclone.match.weight_relation import Judged

TRIED = 4
"""Checkpoints that one is compared with, those with the most names and shapes in common first."""

Known = tuple[Side, Beginnings]
"""A checkpoint with its samples, and the first values of its tensors by name."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A left checkpoint with the one of a candidate that is most like it."""

    left: Side
    right: Side
    pairs: Aligned
    tensors: tuple[Judged, ...]
    tried: int
    """Checkpoints of the candidate among which it was found."""
    same_bytes: int = 0
    """Tensors without a counterpart whose bytes are those of such a tensor on the other side; known where all were read."""


def best(one: Known, others: Sequence[Known]) -> Pair | None:
    """The pair with the checkpoint whose values are nearest, among those whose names and shapes are; None where nothing is alike."""
    side, beginnings = one
    likely = most_alike(side.checkpoint, [other.checkpoint for other, _ in others])[:TRIED]
    nearest: tuple[float, Side, Aligned] | None = None
    for place in likely:
        other, its = others[place]
        by_name = best_pairs([(side.checkpoint, beginnings)], [(other.checkpoint, its)])[0]
        pairs = aligned(side, other, by_name.match.mapping if by_name else ())
        near = closeness(side, other, pairs)
        if pairs.pairs and (nearest is None or near > nearest[0]):
            nearest = near, other, pairs
    if nearest is None:
        return None
    _, other, pairs = nearest
    return Pair(side, other, pairs, tuple(judged_tensors(side, other, pairs)), len(likely))
