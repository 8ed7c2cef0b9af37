"""Which checkpoint of one repository goes with which of another, and whether a third explains one as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone.match.tensor_content import Beginnings, same_beginnings
from codeclone.match.tensor_names import NameMatch, match_names
from codeclone.model import Checkpoint

TRIED = 2
"""Right checkpoints that a left one is mapped onto: those that share the most shapes and names."""

AS_GOOD = 0.9
"""Share of what the right maps that an ancestor or a claimed source has to map to explain it as well."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A left checkpoint with the right one that explains it best."""

    left: Checkpoint
    right: Checkpoint
    match: NameMatch
    same: Mapping[int, int]
    """Places of a left tensor and of the right one that alone begins with the same values but for noise."""

    @property
    def alike(self) -> int:
        """Pairs of mapped tensors that begin with the same values but for noise."""
        return sum(self.same.get(one) == other for one, other in self.match.mapping)

    @property
    def sure(self) -> float:
        """Mapped tensors of equal shape, or where shapes are not known equal names; a guess counts half."""
        counted = self.match.shapes_equal
        if any(all(tensor.shape is None for tensor in side.tensors) for side in (self.left, self.right)):
            counted = self.match.same_names
        return counted - len(self.match.ambiguous) / 2

    @property
    def rank(self) -> tuple[float, int, int]:
        """The larger, the better it explains the left one."""
        return self.sure, -len(self.match.rules), -len(self.match.right_over)


@dataclass(frozen=True, slots=True)
class _Outline:
    """What tells quickly whether two checkpoints can have much in common."""

    names: frozenset[str]
    shapes: Counter[tuple[int, ...] | None]


def _outline(checkpoint: Checkpoint) -> _Outline:
    return _Outline(frozenset(t.name for t in checkpoint.tensors), Counter(t.shape for t in checkpoint.tensors))


def best_pairs(
    left: Sequence[tuple[Checkpoint, Beginnings]], right: Sequence[tuple[Checkpoint, Beginnings]]
) -> list[Pair | None]:
    """For each left checkpoint its pair with the right one that explains it best; None where none shares a name or a shape."""
    outlines = [_outline(checkpoint) for checkpoint, _ in right]
    best = []
    for checkpoint, values in left:
        places = _ordered(_outline(checkpoint), outlines)[:TRIED]
        pairs = [_pair(checkpoint, values, *right[place]) for place in places]
        best.append(max(pairs, key=lambda pair: pair.rank, default=None))
    return best


def most_alike(checkpoint: Checkpoint, others: Sequence[Checkpoint]) -> list[int]:
    """Places of the others that share any name or shape, those that share most first, then those of about as many tensors."""
    return _ordered(_outline(checkpoint), [_outline(other) for other in others])


def _ordered(outline: _Outline, others: Sequence[_Outline]) -> list[int]:
    alike = [sum((outline.shapes & other.shapes).values()) + len(outline.names & other.names) for other in others]
    sizes = [abs(len(other.names) - len(outline.names)) for other in others]
    return sorted((p for p in range(len(others)) if alike[p]), key=lambda p: (-alike[p], sizes[p], p))


def _pair(left: Checkpoint, ours: Beginnings, right: Checkpoint, theirs: Beginnings) -> Pair:
    same = same_beginnings(left.tensors, right.tensors, ours, theirs)
    match = match_names(left.tensors, right.tensors, same)
    return Pair(left, right, match, same)


def is_as_good(other: Pair, pair: Pair) -> bool:
    """Whether another candidate explains the left checkpoint about as well: as many tensors, as many under their own names."""
    return other.sure >= AS_GOOD * pair.sure and other.match.same_names >= AS_GOOD * pair.match.same_names
