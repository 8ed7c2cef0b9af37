"""Which tensor of the left checkpoint is which of the right one, and the fewest rules that rename the one into the other.

Names that are equal, with equal shapes, need no rule. The rest is compared as templates, names with their indices taken out,
whose tensors agree in shape index by index. Of all pairs of such templates the one is taken first whose rules are cheapest: a
rule costs the less the more templates it could be used for, and nothing once it was used. This is the greedy covering of
Chvatal (1979) with rules for sets. Where rules cannot tell which of two tensors of one shape is meant, the order in the files
does if it is the order of the model; otherwise it is a guess and said to be one.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codeclone.match.rewriting import INDEX, Rewriter, Rule, Segments, corrected, fewest, is_index, segments_of, ways
from codeclone.model import Tensor

FIXED = frozenset(("weight", "bias", "running_mean", "running_var", "num_batches_tracked"))
"""Last segments that mean different things: none is another one renamed."""

MAX_TEMPLATES = 400
"""On either side; the largest public models have about 300. Of more, the first are compared, and rules applied to all."""

MAX_CANDIDATES = 16
"""Right templates that one left template is compared with, those that share the most segments first."""

LEAST_AGREEING = 0.75
"""Of the tensors that stand at the same indices in two templates, so many agree in shape."""

LEAST_COVERED = 3
"""Tensors that a rule covers where rules map less than `MOST_MAPPED`."""

MOST_MAPPED = 0.75
"""Where rules map less than this share of the tensors that have no namesake, on the side that has fewer of them, the two are
not one model under other names: then single tensors of one shape are no evidence that they belong together."""

SORTED = 0.9
"""Share of neighbours that stand in alphabetical order; in the order of a model's definition it is about half."""

CONFLICT = 0.5
"""Cost of a rule whose left or right side another rule has already, in new rules."""


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


@dataclass(frozen=True, slots=True)
class _Template:
    segments: Segments
    members: dict[Segments, int]
    """Indices -> place of the tensor."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    left: int
    right: int
    ways: tuple[tuple[Rule, ...], ...]
    missing: int
    """Tensors of either template that have none in the other."""
    distance: int
    """How far the two are apart in the order of the files, among templates of one shape."""
    unlike: float
    """In [0, 1]: how little the segments that differ look alike."""


def match_names(left: Sequence[Tensor], right: Sequence[Tensor]) -> NameMatch:
    """Map the tensors of the left checkpoint onto those of the right one. Names are distinct on each side."""
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
    before: list[list[_Template]] = []
    for wild in (64, 1, 0):
        free = {*mapping.values()}
        sides = [
            _templates(ours, [p for p in range(len(left)) if p not in mapping], wild),
            _templates(theirs, [p for p in range(len(right)) if p not in free], wild),
        ]
        if sides == before:
            break
        before = sides
        for one, other, guess in _search(sides[0], sides[1], shapes, taken, ordered):
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
    as_numbers = sum(_natural(one) < _natural(other) for one, other in pairs)
    return max(as_text, as_numbers) >= SORTED * len(pairs)


def _natural(name: str) -> list[tuple[int, str]]:
    """Key by which layer 10 stands behind layer 9."""
    return [(len(part), part) if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _templates(names: Sequence[Segments], places: Iterable[int], wild: int) -> list[_Template]:
    """Templates in the order of the file; the first `wild` indices of a name are taken out."""
    found: dict[Segments, dict[Segments, int]] = {}
    for place in places:
        left, indices, segments = wild, [], []
        for segment in names[place]:
            if left and is_index(segment):
                indices.append(segment)
                segments.append(INDEX)
                left -= 1
            else:
                segments.append(segment)
        found.setdefault(tuple(segments), {})[tuple(indices)] = place
    return [_Template(segments, members) for segments, members in found.items()][:MAX_TEMPLATES]


# Which template is which


_Shapes = tuple[list[tuple[int, ...] | None], list[tuple[int, ...] | None]]


def _search(
    left: list[_Template], right: list[_Template], shapes: _Shapes, taken: set[Rule], ordered: bool
) -> list[tuple[_Template, _Template, bool]]:
    """Pairs of templates, each in one at most, and whether the choice was a guess. Adds their rules to `taken`."""
    candidates = _candidates(left, right, shapes)
    prices = _Prices(left, right, candidates, taken)
    by_rule: dict[Rule, list[int]] = {}
    by_side: dict[tuple[int, int], list[int]] = {}
    for number, candidate in enumerate(candidates):
        for rule in {rule for rules in candidate.ways for rule in rules}:
            by_rule.setdefault(rule, []).append(number)
        by_side.setdefault((0, candidate.left), []).append(number)
        by_side.setdefault((1, candidate.right), []).append(number)

    def key(number: int) -> tuple[tuple[float, ...], tuple[float, ...], int]:
        candidate = candidates[number]
        cost, balance, _ = prices.of(candidate)
        near = (candidate.distance, candidate.unlike) if ordered else (candidate.unlike, candidate.distance)
        return (cost, candidate.missing, balance), near, number

    queue = [key(number) for number in range(len(candidates))]
    heapq.heapify(queue)
    found: dict[int, tuple[int, bool]] = {}
    used: set[int] = set()
    guesses: set[Rule] = set()
    unsure: set[tuple[int, int]] = set()
    while queue:
        known = heapq.heappop(queue)
        candidate = candidates[known[2]]
        if candidate.left in found or candidate.right in used:
            continue
        now = key(known[2])
        if now > known:
            heapq.heappush(queue, now)
            continue
        rivals = [
            key(number)
            for side in ((0, candidate.left), (1, candidate.right))
            for number in by_side[side]
            if number != known[2] and candidates[number].left not in found and candidates[number].right not in used
        ]
        equal = [rival for rival in rivals if rival[0] == now[0]]
        tied = [rival for rival in equal if not ordered or rival[1][0] <= now[1][0]]
        _, _, rules = prices.of(candidate)
        new = [rule for rule in rules if rule not in taken]
        # Those that would have done as well take what is left: that is as much of a guess.
        guess = bool(tied) or not unsure.isdisjoint(((0, candidate.left), (1, candidate.right)))
        if guess:
            shared = set(new).intersection(*(prices.of(candidates[rival[2]])[2] for rival in tied)) if tied else set()
            guesses.update(rule for rule in new if rule not in shared)
            rivaling = [candidates[rival[2]] for rival in tied]
            unsure |= {(0, rival.left) for rival in rivaling} | {(1, rival.right) for rival in rivaling}
        found[candidate.left] = candidate.right, guess or not guesses.isdisjoint(rules)
        used.add(candidate.right)
        taken.update(new)
        prices.taken(new)
        for number in {number for rule in new for number in by_rule[rule]}:
            heapq.heappush(queue, key(number))
    return [(left[one], right[other], guess) for one, (other, guess) in sorted(found.items())]


def _candidates(left: list[_Template], right: list[_Template], shapes: _Shapes) -> list[_Candidate]:
    """Pairs of templates that agree in shape and that rules can turn into each other."""
    at: dict[tuple[Segments, tuple[int, ...] | None], list[int]] = {}
    for number, template in enumerate(right):
        for indices, place in template.members.items():
            at.setdefault((indices, shapes[1][place]), []).append(number)
    ranks = _ranks(left, shapes[0]), _ranks(right, shapes[1])
    found = []
    for number, template in enumerate(left):
        agreeing: Counter[int] = Counter()
        for indices, place in template.members.items():
            agreeing.update(at.get((indices, shapes[0][place]), ()))
        common = {*template.segments}
        nearest = heapq.nsmallest(
            MAX_CANDIDATES,
            (
                (-len(common.intersection(right[o].segments)), _distance(ranks[0][number], ranks[1][o]), o)
                for o in agreeing
            ),
        )
        for _, distance, other in nearest:
            both = sum(indices in right[other].members for indices in template.members)
            if agreeing[other] < LEAST_AGREEING * both:
                continue
            rewrites = ways(template.segments, right[other].segments, FIXED)
            if rewrites:
                missing = len(template.members) + len(right[other].members) - 2 * agreeing[other]
                unlike = _unlike(template.segments, right[other].segments)
                found.append(_Candidate(number, other, rewrites, missing, distance, unlike))
    return found


def _ranks(templates: list[_Template], shapes: list[tuple[int, ...] | None]) -> list[tuple[int, int]]:
    """Of each template its place among those of the same shape, from the front and from the back."""
    groups: dict[object, list[int]] = {}
    for number, template in enumerate(templates):
        indices, place = next(iter(template.members.items()))
        groups.setdefault((len(indices), shapes[place]), []).append(number)
    ranks = [(0, 0)] * len(templates)
    for group in groups.values():
        for rank, number in enumerate(group):
            ranks[number] = rank, len(group) - rank
    return ranks


def _distance(one: tuple[int, int], other: tuple[int, int]) -> int:
    return min(abs(one[0] - other[0]), abs(one[1] - other[1]))


def _unlike(left: Segments, right: Segments) -> float:
    """1 less the likeness of the words that only one side has: the longest common beginning or end of two of them."""
    ours, theirs = (_words(one) - _words(other) for one, other in ((left, right), (right, left)))
    if not ours or not theirs:
        return 0.0
    likeness = [max(_likeness(one, other) for other in theirs) for one in sorted(ours)]
    return round(1.0 - sum(likeness) / len(likeness), 6)


def _words(segments: Segments) -> set[str]:
    return {word.lower() for segment in segments for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", segment)}


def _likeness(one: str, other: str) -> float:
    def common(a: str, b: str) -> int:
        return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))

    return max(common(one, other), common(one[::-1], other[::-1])) / max(len(one), len(other))


class _Prices:
    """What it costs to use rules, given those that are in use."""

    def __init__(
        self, left: list[_Template], right: list[_Template], candidates: list[_Candidate], taken: Iterable[Rule]
    ) -> None:
        users: dict[Rule, tuple[set[int], set[int]]] = {}
        for candidate in candidates:
            for rule in {rule for rules in candidate.ways for rule in rules}:
                one, other = users.setdefault(rule, (set(), set()))
                one.add(candidate.left)
                other.add(candidate.right)
        self.support = {rule: min(len(one), len(other)) for rule, (one, other) in users.items()}
        runs = [Counter(run for template in side for run in _runs(template.segments)) for side in (left, right)]
        self.balance = {rule: abs(runs[0][_run(rule, rule.left)] - runs[1][_run(rule, rule.right)]) for rule in users}
        self.known: set[Rule] = set()
        self.sides: set[tuple[str, str, Segments]] = set()
        self.taken(taken)

    def taken(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            self.known.add(rule)
            self.sides |= {(rule.kind, "left", rule.left), (rule.kind, "right", rule.right)}

    def of(self, candidate: _Candidate) -> tuple[float, int, tuple[Rule, ...]]:
        """Cost in new rules, how unequally often their two sides occur, and the way that is cheapest."""
        return min((self._cost(rules), self._balance(rules), rules) for rules in candidate.ways)

    def _cost(self, rules: tuple[Rule, ...]) -> float:
        cost = 0.0
        for rule in rules:
            if rule not in self.known:
                cost += 1.0 / self.support[rule]
                cost += CONFLICT * ((rule.kind, "left", rule.left) in self.sides)
                cost += CONFLICT * (bool(rule.right) and (rule.kind, "right", rule.right) in self.sides)
        return round(cost, 9)

    def _balance(self, rules: tuple[Rule, ...]) -> int:
        return sum(self.balance[rule] for rule in rules if rule not in self.known)


def _run(rule: Rule, side: Segments) -> tuple[bool, Segments]:
    return rule.kind == "prefix", side


def _runs(segments: Segments) -> set[tuple[bool, Segments]]:
    """What rules could stand for: beginnings (true) and runs of up to four segments (false)."""
    count = len(segments)
    return {(True, segments[:end]) for end in range(min(count, 5))} | {
        (False, segments[start:end]) for start in range(count) for end in range(start, min(start + 4, count) + 1)
    }


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
    classes = _classes([(ours[one], theirs[other]) for one, other in mapping.items()], rules)
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
    pairs = [(one, other) for one, other in mapping.items() if ours[one] != theirs[other]]
    uses = {both: rewriter.apply(both[0])[1] for both in _classes([(ours[a], theirs[b]) for a, b in pairs], exact)}
    counts: Counter[Rule] = Counter()
    sure: set[Rule] = set()
    literal = _literal(exact)
    for one, other in pairs:
        used = uses[_class((ours[one], theirs[other]), literal)]
        counts.update(used)
        if one not in guessed:
            sure.update(used)
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


def _classes(pairs: Iterable[_Both], rules: Iterable[Rule]) -> dict[_Both, None]:
    """What rules have to be held against: one of all pairs of unequal names that they cannot tell apart."""
    literal = _literal(rules)
    return {_class(both, literal): None for both in pairs if both[0] != both[1]}
