"""Which tensor of the left checkpoint is which of the right one, and the fewest rules that rename the one into the other.

Names that are equal, with equal shapes, need no rule. The rest is compared as templates, names with their indices taken out,
whose tensors agree in shape index by index. Where rules cannot tell which of two tensors of one shape is meant, the values
that they begin with may, or the order in the files if it is the order of the model; otherwise it is a guess and said to be one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codeclone.match.rewriting import Rewriter, Rule, Segments, corrected, fewest, is_index, segments_of
from codeclone.match.tensor_search import FIXED, Template, search, templates_of
from codeclone.model import Tensor

LEAST_COVERED = 3
"""Tensors that a rule covers where rules map less than `MOST_MAPPED`."""

MOST_MAPPED = 0.75
"""Where rules map less than this share of the tensors that have no namesake, on the side that has fewer of them, the two are
not one model under other names: then single tensors of one shape are no evidence that they belong together."""

SORTED = 0.9
"""Share of neighbours that stand in alphabetical order; in the order of a model's definition it is about half."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A rule, and what it does."""

    rule: Rule
    tensors: int
    """Tensors in whose renaming it takes part."""
    ambiguous: bool
    """Another rule of the same size would have done as well: which of the two was a guess."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """What the names and shapes of two checkpoints have to do with each other."""

    rules: tuple[Covered, ...]
    """What covers most first."""
    mapping: tuple[tuple[int, int], ...]
    """Places of a left tensor and of its right one, in the order of the left; each stands in one pair at most."""
    same_names: int
    """Of these, pairs whose names are equal."""
    shapes_equal: int
    """Of these, pairs with equal shapes; two that are not known are not equal."""
    dtypes_equal: int
    ambiguous: frozenset[int]
    """Places of left tensors whose right one was a guess."""
    left_over: tuple[int, ...]
    """Places of left tensors without a right one."""
    right_over: tuple[int, ...]


def match_names(left: Sequence[Tensor], right: Sequence[Tensor], same: Mapping[int, int] | None = None) -> NameMatch:
    """Map the tensors of the left checkpoint onto those of the right one. Names are distinct on each side.

    `same`: right tensors that begin with the same values as a left one, by place; they settle what shapes leave open.
    """
    ours, theirs = [segments_of(t.name) for t in left], [segments_of(t.name) for t in right]
    shapes = _comparable(left, right)
    ordered = not _is_sorted(left) and not _is_sorted(right)
    places = {tensor.name: place for place, tensor in enumerate(right)}
    mapping = {
        place: places[tensor.name]
        for place, tensor in enumerate(left)
        if tensor.name in places and shapes[0][place] == shapes[1][places[tensor.name]]
    }
    guessed: set[int] = set()
    pairs: dict[tuple[Segments, Segments], list[int]] = {}
    taken: set[Rule] = set()
    before: list[list[Template]] = []
    for wild in (64, 1, 0):
        free = {*mapping.values()}
        sides = [
            templates_of(ours, [p for p in range(len(left)) if p not in mapping], wild),
            templates_of(theirs, [p for p in range(len(right)) if p not in free], wild),
        ]
        if sides == before:
            break
        before = sides
        for one, other, guess in search(sides[0], sides[1], shapes, taken, ordered, same or {}):
            for indices, place in one.members.items():
                if indices in other.members and shapes[0][place] == shapes[1][other.members[indices]]:
                    mapping[place] = other.members[indices]
                    pairs.setdefault((one.segments, other.segments), []).append(place)
                    if guess:
                        guessed.add(place)
    namesakes = len(mapping) - sum(map(len, pairs.values()))
    rules, pairs = _supported(pairs, mapping, min(len(left), len(right)) - namesakes)
    return _result(left, right, ours, theirs, rules, mapping, guessed)


def _comparable(
    left: Sequence[Tensor], right: Sequence[Tensor]
) -> tuple[list[tuple[int, ...] | None], list[tuple[int, ...] | None]]:
    """The shapes of both sides; none on either where one knows hardly any."""
    if any(2 * sum(t.shape is None for t in side) > len(side) for side in (left, right)):
        return [None] * len(left), [None] * len(right)
    return [t.shape for t in left], [t.shape for t in right]


def _is_sorted(tensors: Sequence[Tensor]) -> bool:
    """Whether the names stand in alphabetical order, type by type and shard by shard as safetensors writes them: then their
    order is not the model's."""
    by_type: dict[str, list[str]] = {}
    for tensor in tensors:
        by_type.setdefault(tensor.dtype, []).append(tensor.name)
    pairs = [both for names in by_type.values() for both in pairwise(names)]
    as_text = sum(one < other for one, other in pairs)
    as_numbers = sum(natural(one) < natural(other) for one, other in pairs)
    return max(as_text, as_numbers) >= SORTED * len(pairs)


def natural(name: str) -> list[tuple[int, str]]:
    """Key by which layer 10 stands behind layer 9."""
    return [(len(part), part) if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


# From the mapping to the rules


_Pairs = dict[tuple[Segments, Segments], list[int]]


def _supported(pairs: _Pairs, mapping: dict[int, int], smaller: int) -> tuple[tuple[Rule, ...], _Pairs]:
    """The fewest rules for the pairs. Where little is mapped, rules for next to nothing go, and what they mapped with them.

    `smaller`: tensors without a namesake, on the side that has fewer of them.
    """
    while True:
        rules = fewest([*pairs], FIXED)
        if sum(map(len, pairs.values())) >= MOST_MAPPED * smaller:
            return rules, pairs
        rewriter = Rewriter(rules)
        counts: Counter[Rule] = Counter()
        used = {both: rewriter.apply(both[0])[1] for both in pairs}
        for both, some in used.items():
            counts.update({rule: len(pairs[both]) for rule in some})
        kept = {both: places for both, places in pairs.items() if all(counts[r] >= LEAST_COVERED for r in used[both])}
        if len(kept) == len(pairs):
            return rules, pairs
        for both in pairs.keys() - kept.keys():
            for place in pairs[both]:
                del mapping[place]
        pairs = kept


def _result(
    left: Sequence[Tensor],
    right: Sequence[Tensor],
    ours: Sequence[Segments],
    theirs: Sequence[Segments],
    rules: tuple[Rule, ...],
    mapping: dict[int, int],
    guessed: set[int],
) -> NameMatch:
    """Hold the rules against every tensor, apply them to what is left, and count."""
    classes = _classes([(ours[one], theirs[other]) for one, other in mapping.items()], _literal(rules))
    exact = corrected(rules, [*classes])
    rewriter = Rewriter(exact)
    taken = {*mapping.values()}
    free = {name: place for place, name in enumerate(theirs) if place not in taken}
    for place, name in enumerate(ours):
        if place not in mapping and free:
            # What the rules, or the name as it is, lead to has another shape: it is the same tensor in another size.
            other = free.pop(name, None)
            other = free.pop(rewriter.apply(name)[0], None) if other is None else other
            if other is not None:
                mapping[place] = other
    literal = _literal(exact)
    while True:
        pairs = [(one, other) for one, other in mapping.items() if ours[one] != theirs[other]]
        uses = {
            both: rewriter.apply(both[0])[1] for both in _classes([(ours[a], theirs[b]) for a, b in pairs], literal)
        }
        counts: Counter[Rule] = Counter()
        sure: set[Rule] = set()
        for one, other in pairs:
            used = uses[_class((ours[one], theirs[other]), literal)]
            counts.update(used)
            if one not in guessed:
                sure.update(used)
        # Names made to mislead can be mapped by rules that do not lead there once all of them are applied: they are left over.
        final = Rewriter(counts)
        wrong = [one for one, other in pairs if final.apply(ours[one])[0] != theirs[other]]
        if not wrong:
            break
        for one in wrong:
            del mapping[one]
    taken = {*mapping.values()}
    return NameMatch(
        rules=tuple(
            Covered(rule, count, rule not in sure)
            for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        mapping=tuple(sorted(mapping.items())),
        same_names=len(mapping) - len(pairs),
        shapes_equal=sum(
            left[one].shape is not None and left[one].shape == right[other].shape for one, other in mapping.items()
        ),
        dtypes_equal=sum(
            bool(left[one].dtype) and left[one].dtype == right[other].dtype for one, other in mapping.items()
        ),
        ambiguous=frozenset(guessed & mapping.keys()),
        left_over=tuple(place for place in range(len(left)) if place not in mapping),
        right_over=tuple(place for place in range(len(right)) if place not in taken),
    )


_Both = tuple[Segments, Segments]


def _literal(rules: Iterable[Rule]) -> frozenset[str]:
    """Indices that rules name as they are."""
    return frozenset(s for rule in rules for side in (rule.left, rule.right) for s in side if is_index(s))


def _class(both: _Both, literal: frozenset[str]) -> _Both:
    """The two names with all indices that no rule can tell from others made the same."""
    left, right = both
    if [s for s in left if is_index(s)] != [s for s in right if is_index(s)]:
        return both
    one, other = (tuple("0" if is_index(s) and s not in literal else s for s in side) for side in both)
    return one, other


def _classes(pairs: Iterable[_Both], literal: frozenset[str]) -> dict[_Both, None]:
    """What rules have to be held against: one of all pairs of unequal names that they cannot tell apart."""
    return {_class(both, literal): None for both in pairs if both[0] != both[1]}
