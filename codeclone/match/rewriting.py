"""Rules that rewrite dotted names, and the fewest of them that turn given names into given others.

A name is a list of segments; a segment of digits is an index and stands for any other. A rule rewrites what a name begins
with (`blocks.` -> `model.layers.`; nothing -> `module.`) or a run of segments wherever it stands (`norm1` ->
`input_layernorm`). Of a name the longest prefix rule is applied, and to the rest of it the rules of segments, from left to
right and at each place the longest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

INDEX = "*"
"""Stands in a template for any segment of digits; shown as N."""

MAX_SPLIT = 4
"""Segments on either side of a prefix rule."""

KEPT = 6
"""Ways to rewrite one template into another that are looked at."""

ROUNDS = 6

MOST_ASTRAY, MOST_PREFIXES, MOST_WRONG = 8, 100, 500
"""Rules that are tried in a longer form, prefix rules that are added, and names that these are drawn from at once."""

MOST_NAMES, WORK = 2_000, 100_000
"""Names for which longer forms are tried, and names that rules are applied to while prefix rules are added: two seconds."""

Segments = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """Left segments that become right ones; indices stay in their order."""

    kind: Literal["prefix", "segments"]
    left: Segments
    right: Segments

    @property
    def shown(self) -> tuple[str, str]:
        """Both sides as text; a prefix ends in a dot."""
        dot = "." if self.kind == "prefix" else ""
        left, right = (".".join("N" if s == INDEX else s for s in side) for side in (self.left, self.right))
        return left + dot * bool(left), right + dot * bool(right)

    @property
    def length(self) -> int:
        return sum(map(len, self.shown))


def segments_of(name: str) -> Segments:
    return tuple(r"\*" if segment == INDEX else segment for segment in name.split("."))


def is_index(segment: str) -> bool:
    return segment.isdecimal() and segment.isascii()


def ways(left: Segments, right: Segments, fixed: frozenset[str]) -> tuple[tuple[Rule, ...], ...]:
    """Sets of rules that turn one template into the other, the smallest first; none where none does.

    `fixed`: segments that are never renamed into each other.
    """
    ours, theirs = _parts(left), _parts(right)
    if len(ours) != len(theirs):
        return ()
    found: dict[tuple[Rule, ...], None] = {}
    rest = [edit for one, other in zip(ours[1:], theirs[1:], strict=True) for edit in _edits(one, other)]
    first, second = ours[0], theirs[0]
    whole = len(ours) == 1
    for i in range(min(len(first) - whole, MAX_SPLIT) + 1):
        for j in range(min(len(second) - whole, MAX_SPLIT) + 1):
            if i and first[:i] == second[:j]:
                continue
            if not i and not j and len(first) != len(second) and first[:1] != second[:1]:
                continue  # what differs from the first segment on is a matter of prefixes
            head = [Rule("prefix", first[:i], second[:j])] if i or j else []
            rules = tuple(sorted({*head, *_edits(first[i:], second[j:]), *rest}))
            if not any(_is_forbidden(rule, fixed) for rule in rules):
                found[rules] = None
    ranked = sorted(found, key=lambda rules: (len(rules), sum(rule.length for rule in rules), rules))
    return tuple(ranked[:KEPT])


def _parts(template: Segments) -> list[Segments]:
    """What stands between the indices."""
    parts: list[list[str]] = [[]]
    for segment in template:
        if segment == INDEX:
            parts.append([])
        else:
            parts[-1].append(segment)
    return [tuple(part) for part in parts]


def _edits(left: Segments, right: Segments) -> list[Rule]:
    """Rules that turn one run of segments into the other."""
    if left == right:
        return []
    if len(left) == len(right):
        return [Rule("segments", (a,), (b,)) for a, b in zip(left, right, strict=True) if a != b]
    start = _common(left, right)
    end = _common(left[start:][::-1], right[start:][::-1])
    if start + end == len(left):  # something is inserted: it needs a neighbour to be found by
        if end:
            end -= 1
        elif start:
            start -= 1
        else:
            return [Rule("prefix", (), right)]
    return [Rule("segments", left[start : len(left) - end], right[start : len(right) - end])]


def _common(left: Segments, right: Segments) -> int:
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count


def _is_forbidden(rule: Rule, fixed: frozenset[str]) -> bool:
    ends = rule.left[-1:] + rule.right[-1:]
    return len(ends) == 2 and ends[0] != ends[1] and fixed.issuperset(ends)


class Rewriter:
    """Rules, ready to be applied to many names."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.by_first: dict[tuple[str, Segments], list[Rule]] = {}
        for rule in sorted(rules, key=lambda rule: (-len(rule.left), rule.left.count(INDEX), rule)):
            self.by_first.setdefault((rule.kind, rule.left[:1]), []).append(rule)

    def apply(self, name: Segments) -> tuple[Segments, tuple[Rule, ...]]:
        """The name rewritten, and the rules that were used."""
        rule = self._matching("prefix", name, 0) or next(iter(self.by_first.get(("prefix", ()), ())), None)
        used = [rule] if rule is not None else []
        result = _filled(rule, name[: len(rule.left)]) if rule is not None else []
        place = len(rule.left) if rule is not None else 0
        while place < len(name):
            rule = self._matching("segments", name, place)
            if rule is None:
                result.append(name[place])
                place += 1
            else:
                result += _filled(rule, name[place : place + len(rule.left)])
                used.append(rule)
                place += len(rule.left)
        return tuple(result), tuple(dict.fromkeys(used))

    def _matching(self, kind: str, name: Segments, place: int) -> Rule | None:
        """The longest rule that fits at this place."""
        firsts = [(name[place],), (INDEX,)] if is_index(name[place]) else [(name[place],)]
        fitting = [
            next((rule for rule in self.by_first.get((kind, first), ()) if _fits(rule.left, name, place)), None)
            for first in firsts
        ]
        return max((rule for rule in fitting if rule), key=lambda rule: len(rule.left), default=None)


def _fits(pattern: Segments, name: Segments, place: int) -> bool:
    part = name[place : place + len(pattern)]
    return len(part) == len(pattern) and all(
        wanted == segment or (wanted == INDEX and is_index(segment))
        for wanted, segment in zip(pattern, part, strict=True)
    )


def _filled(rule: Rule, part: Segments) -> list[str]:
    """The right side of a rule with the indices that its left side met."""
    indices = iter([segment for wanted, segment in zip(rule.left, part, strict=True) if wanted == INDEX])
    return [next(indices, INDEX) if segment == INDEX else segment for segment in rule.right]


# The fewest rules for a known mapping


def fewest(pairs: Sequence[tuple[Segments, Segments]], fixed: frozenset[str]) -> tuple[Rule, ...]:
    """A smallest set of rules that this search finds for pairs of templates: fewest rules, then fewest characters."""
    options = [ways(left, right, fixed) or ((Rule("prefix", left, right),),) for left, right in pairs if left != right]
    support = Counter(rule for some in options for rule in {rule for rules in some for rule in rules})
    starts = (
        [min(some, key=lambda rules: (sum(1 / support[rule] for rule in rules), rules)) for some in options],
        [some[0] for some in options],
    )
    found = (_settled(options, start) for start in starts)
    return min(found, key=lambda rules: (len(rules), sum(rule.length for rule in rules), rules))


def _settled(options: Sequence[tuple[tuple[Rule, ...], ...]], start: Sequence[tuple[Rule, ...]]) -> tuple[Rule, ...]:
    """Each pair takes in turn the way that needs the fewest rules which no other pair needs, until none changes."""
    chosen = [*start]
    uses = Counter(rule for rules in chosen for rule in rules)
    for _ in range(ROUNDS):
        before = [*chosen]
        for place, some in enumerate(options):
            uses.subtract(chosen[place])
            chosen[place] = min(some, key=lambda rules: _price(rules, uses))
            uses.update(chosen[place])
        if chosen == before:
            break
    return tuple(sorted({rule for rules in chosen for rule in rules}))


def _price(rules: tuple[Rule, ...], uses: Mapping[Rule, int]) -> tuple[int, int, tuple[Rule, ...]]:
    new = [rule for rule in rules if uses[rule] <= 0]
    return len(new), sum(rule.length for rule in new), rules


Both = tuple[Segments, Segments]
"""A left name and its right one."""


def corrected(rules: Iterable[Rule], names: Sequence[Both]) -> tuple[Rule, ...]:
    """The rules, changed until each left name becomes its right one: with a longer run of segments, or with more prefixes.

    `names`: those that rules are to be applied to; equal ones are no part of it.
    """
    known = frozenset(rules)
    best = _with_prefixes(known, names)
    if len(names) > MOST_NAMES:
        return tuple(sorted(best))
    while best != known:
        variants = [_with_prefixes(_in_context(known, rule, names), names) for rule in _astray(known, names)]
        better = min(variants, key=_size, default=best)
        if _size(better) >= _size(best):
            break
        known = best = better
    return tuple(sorted(best))


def _size(rules: Iterable[Rule]) -> tuple[int, int, list[Rule]]:
    some = sorted(rules)
    return len(some), sum(rule.length for rule in some), some


def _astray(rules: Iterable[Rule], names: Sequence[Both]) -> list[Rule]:
    """Rules of one segment that take part where a name comes out wrong, the most frequent first."""
    rewriter = Rewriter(rules)
    found: Counter[Rule] = Counter()
    for left, right in names:
        result, used = rewriter.apply(left)
        if result != right:
            found.update(rule for rule in used if rule.kind == "segments" and len(rule.left) == 1)
    return sorted(found, key=lambda rule: (-found[rule], rule))[:MOST_ASTRAY]


def _in_context(rules: frozenset[Rule], rule: Rule, names: Sequence[Both]) -> frozenset[Rule]:
    """The rules with one that needs the segment before it as well, wherever it was right."""
    rewriter, others = Rewriter(rules), Rewriter(known for known in rules - {rule} if known.kind == "segments")
    longer = set()
    for left, right in names:
        result, used = rewriter.apply(left)
        if result == right and rule in used:
            places = [place for place in range(1, len(left)) if left[place] == rule.left[0]]
            for before in (left[place - 1] for place in places if not is_index(left[place - 1])):
                longer.add(Rule("segments", (before, *rule.left), (*others.apply((before,))[0], *rule.right)))
    return rules - {rule} | longer


def _with_prefixes(rules: frozenset[Rule], names: Sequence[Both]) -> frozenset[Rule]:
    """The rules with prefix rules added until every name comes out right."""
    known = {*rules}
    wrong: Sequence[Both] = names
    for _ in range(min(MOST_PREFIXES, WORK // (len(names) + 1))):
        rewriter = Rewriter(known)
        wrong = [both for both in names if rewriter.apply(both[0])[0] != both[1]]
        if not wrong:
            return frozenset(known)
        added = Counter(rule for both in wrong[:MOST_WRONG] for rule in _prefixes(*both, known))
        if not added:
            break
        known.add(min(added, key=lambda rule: (-added[rule], rule.length, rule)))
    return _with_whole_names(known, names, wrong)


def _with_whole_names(rules: set[Rule], names: Sequence[Both], wrong: Sequence[Both]) -> frozenset[Rule]:
    """The rules with one for each name that comes out wrong; a name that begins with such a name needs its own as well."""
    known = {*rules}
    whole: set[Rule] = set()
    while wrong:
        whole |= {Rule("prefix", left, right) for left, right in wrong}
        lefts = {rule.left for rule in whole}
        known = {rule for rule in known if rule.kind != "prefix" or rule.left not in lefts} | whole
        rewriter = Rewriter(known)
        wrong = [both for both in names if rewriter.apply(both[0])[0] != both[1] and both[0] not in lefts]
    return frozenset(known)


def _prefixes(left: Segments, right: Segments, known: set[Rule]) -> list[Rule]:
    """Prefix rules after which the known rules of segments do the rest."""
    rewriter = Rewriter(rule for rule in known if rule.kind == "segments")
    found = []
    for i in range(1, len(left) + 1):
        rest = rewriter.apply(left[i:])[0] if i < len(left) else ()
        if len(rest) <= len(right) and right[len(right) - len(rest) :] == rest:
            head = right[: len(right) - len(rest)]
            if [s for s in left[:i] if is_index(s)] == [s for s in head if is_index(s)]:
                rule = Rule("prefix", _template(left[:i]), _template(head))
                if rule not in known:
                    found.append(rule)
    return found


def _template(name: Segments) -> Segments:
    return tuple(INDEX if is_index(segment) else segment for segment in name)
