"""Which tensors of one repository another has, and where."""

from __future__ import annotations

from collections.abc import Sequence

from codeclone.match.tensor_pairs import Pair
from codeclone.match.tensor_rarity import fact
from codeclone.model import Checkpoint, Location, Place

RENAMED = 0.5
"""Share of a tensor that is found where one of equal shape stands under another name: names are the other half."""

Source = tuple[float, Place]
"""Share of a tensor that is found, in (0, 1], and where."""


def anywhere(checkpoints: Sequence[Checkpoint]) -> dict[str, Source]:
    """Fact -> the first tensor that is one: the same name but for indices, shape and type."""
    found: dict[str, Source] = {}
    for checkpoint in checkpoints:
        for at, tensor in enumerate(checkpoint.tensors):
            text = fact(tensor)
            if text not in found:
                found[text] = 1.0, place(checkpoint, at)
    return found


def mapped(pair: Pair | None) -> dict[int, Source]:
    """Place of a left tensor -> the one that it is mapped onto, with the same shape; also where only the values that both begin
    with say so. A guess among several of one shape explains nothing."""
    found: dict[int, Source] = {}
    if pair is None:
        return found
    rules = ((one, other) for one, other in pair.match.mapping if one not in pair.match.ambiguous)
    for one, other in (*rules, *pair.same.items()):
        ours, theirs = pair.left.tensors[one], pair.right.tensors[other]
        if ours.shape == theirs.shape and one not in found:
            found[one] = 1.0 if ours.name == theirs.name else RENAMED, place(pair.right, other)
    return found


def better(one: Source | None, other: Source | None) -> Source | None:
    """The one that has more; the first of equals."""
    return max((source for source in (one, other) if source), key=lambda source: source[0], default=None)


def place(checkpoint: Checkpoint, tensor: int) -> Place:
    """File and name of a tensor."""
    return Place(Location(checkpoint.paths[checkpoint.owners[tensor]]), checkpoint.tensors[tensor].name)
