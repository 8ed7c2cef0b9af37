"""Which template of tensor names on the left is which on the right: greedy covering with rewrite rules for sets.

Of all pairs of templates whose tensors agree in shape the one is taken first whose rules are cheapest: a rule costs the less the
more templates it could be used for, and nothing once it was used (after Chvatal 1979).
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeclone.match.rewriting import INDEX, Rule, Segments, is_index, ways

FIXED = frozenset(("weight", "bias", "running_mean", "running_var", "num_batches_tracked"))
"""Last segments that mean different things: none is another one renamed."""

MAX_TEMPLATES = 400
"""On either side; the largest public models have about 300. Of more, the first are compared, and rules applied to all."""

MAX_CANDIDATES = 16
"""Right templates that one left template is compared with, those that share the most segments first."""

LEAST_AGREEING = 0.75
"""Of the tensors that stand at the same indices in two templates, so many agree in shape."""

CONFLICT = 0.5
"""Cost of a rule whose left or right side another rule has already, in new rules."""


@dataclass(frozen=True, slots=True)
class Template:
    """Tensor names that differ in their indices only."""

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
    unknown: bool
    """Whether what the tensors begin with does not tell that they belong together."""

    @property
    def sides(self) -> tuple[tuple[str, int], tuple[str, int]]:
        return ("left", self.left), ("right", self.right)


def templates_of(names: Sequence[Segments], places: Iterable[int], wild: int) -> list[Template]:
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
    return [Template(segments, members) for segments, members in found.items()][:MAX_TEMPLATES]


Shapes = tuple[list[tuple[int, ...] | None], list[tuple[int, ...] | None]]
"""Of the left and of the right tensors, by place; None where not known."""

Key = tuple[tuple[float, ...], tuple[float, ...], int]
"""What candidates are ordered by: what their rules cost, then what a guess goes by, then their number."""


def search(
    left: list[Template],
    right: list[Template],
    shapes: Shapes,
    taken: set[Rule],
    ordered: bool,
    same: Mapping[int, int],
) -> list[tuple[Template, Template, bool]]:
    """Pairs of templates, each in one at most, and whether the choice was a guess. Adds their rules to `taken`.

    `ordered`: the tensors stand in the order of the model on both sides. `same`: right tensors that begin with the same values
    as a left one.
    """
    options = _Options(left, right, shapes, taken, ordered, same)
    queue = [options.key(number) for number in range(len(options.candidates))]
    heapq.heapify(queue)
    guessed: set[Rule] = set()
    unsure: set[tuple[str, int]] = set()
    found: list[tuple[int, int, bool]] = []
    while queue:
        known = heapq.heappop(queue)
        candidate = options.candidates[known[2]]
        if not options.is_free(candidate):
            continue
        now = options.key(known[2])
        if now > known:  # what it needs got dearer since
            heapq.heappush(queue, now)
            continue
        rules = options.prices.of(candidate)[2]
        new = [rule for rule in rules if rule not in taken]
        tied = options.tied(now)
        guess = bool(tied) or not unsure.isdisjoint(candidate.sides)
        if guess:
            needed = (options.prices.of(rival)[2] for rival in tied)
            shared = set(new).intersection(*needed) if tied else set()
            guessed.update(rule for rule in new if rule not in shared)
            # Those that would have done as well take what is left: that is as much of a guess.
            unsure.update(side for rival in tied for side in rival.sides if side not in candidate.sides)
        found.append((candidate.left, candidate.right, guess or not guessed.isdisjoint(rules)))
        taken.update(new)
        for number in options.take(candidate, new):
            heapq.heappush(queue, options.key(number))
    return [(left[one], right[other], guess) for one, other, guess in sorted(found)]


class _Options:
    """The candidates that are left, and what they cost."""

    def __init__(
        self,
        left: list[Template],
        right: list[Template],
        shapes: Shapes,
        taken: set[Rule],
        ordered: bool,
        same: Mapping[int, int],
    ) -> None:
        self.ordered = ordered
        self.candidates = _candidates(left, right, shapes, same)
        self.prices = _Prices(left, right, self.candidates, taken)
        self.used: set[tuple[str, int]] = set()
        self.by_rule: dict[Rule, list[int]] = {}
        self.by_side: dict[tuple[str, int], list[int]] = {}
        for number, candidate in enumerate(self.candidates):
            for rule in {rule for rules in candidate.ways for rule in rules}:
                self.by_rule.setdefault(rule, []).append(number)
            for side in candidate.sides:
                self.by_side.setdefault(side, []).append(number)

    def is_free(self, candidate: _Candidate) -> bool:
        return self.used.isdisjoint(candidate.sides)

    def key(self, number: int) -> Key:
        candidate = self.candidates[number]
        cost, balance, _ = self.prices.of(candidate)
        near = (candidate.distance, candidate.unlike) if self.ordered else (candidate.unlike, candidate.distance)
        return (candidate.unknown, cost, candidate.missing, balance), near, number

    def tied(self, key: Key) -> list[_Candidate]:
        """Other candidates of either template that cost as much and that the order of the files does not put behind."""
        numbers = dict.fromkeys(n for side in self.candidates[key[2]].sides for n in self.by_side[side] if n != key[2])
        rivals = (self.key(number) for number in numbers if self.is_free(self.candidates[number]))
        equal = (rival for rival in rivals if rival[0] == key[0])
        return [self.candidates[rival[2]] for rival in equal if not self.ordered or rival[1][0] <= key[1][0]]

    def take(self, candidate: _Candidate, new: list[Rule]) -> list[int]:
        """Use a candidate with its new rules; numbers of those that got cheaper."""
        self.used.update(candidate.sides)
        self.prices.taken(new)
        return sorted({number for rule in new for number in self.by_rule[rule]})


def _candidates(
    left: list[Template], right: list[Template], shapes: Shapes, same: Mapping[int, int]
) -> list[_Candidate]:
    """Pairs of templates that agree in shape and that rules can turn into each other; only those that begin with the same values
    where most tensors of a template have such a partner."""
    home = {place: number for number, template in enumerate(right) for place in template.members.values()}
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
        told = Counter(home[same[p]] for p in template.members.values() if same.get(p) in home)
        known = next((o for o, n in told.most_common(1) if 2 * n > len(template.members)), None)
        common = {*template.segments}
        nearest = heapq.nsmallest(
            MAX_CANDIDATES,
            (
                (-len(common.intersection(right[o].segments)), _distance(ranks[0][number], ranks[1][o]), o)
                for o in (agreeing if known is None or known not in agreeing else (known,))
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
                found.append(_Candidate(number, other, rewrites, missing, distance, unlike, other != known))
    return found


def _ranks(templates: list[Template], shapes: list[tuple[int, ...] | None]) -> list[tuple[int, int]]:
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
        self, left: list[Template], right: list[Template], candidates: list[_Candidate], taken: Iterable[Rule]
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
