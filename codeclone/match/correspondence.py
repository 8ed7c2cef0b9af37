"""Which statements of two fragments became each other for certain, and in what way.

That something became something else is said only of statements that correspond, by the alignment or by sharing their
operands after the renames: all that the sentences of reason.py say of changes rests on this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codeclone.match.rename import Comparison, Pairs
from codeclone.match.statements import (
    ATTRIBUTE,
    BUILTIN_NAMES,
    MODULES,
    NAME,
    OBJECTS,
    SELF,
    Listing,
    Tokens,
    fixed,
    in_place,
)

LEAST_VALUE = 3
"""Tokens of an expression that is recognized in another statement: a call of a variable, at least."""

MAX_COMPARED = 10_000
"""Statements of one side times those of the other that are compared one by one; larger pairs are told in numbers alone."""

MAX_TOKENS = 500
"""Of a statement whose expressions are searched for another's."""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Statements that became each other, and how many there are of each kind."""

    pairs: Pairs
    """(left place, right place) of edited statements that have the same operands after the renames."""
    left: frozenset[int]
    """Left places that are neither identical nor moved."""
    right: frozenset[int]
    inlined: int
    """Temporaries of the right side whose value stands in a left statement."""
    introduced: int
    merged: int
    """Tuple assignments of the left side whose elements are assigned one by one on the right."""
    split: int
    moved: int
    literals: int
    edited: int
    """Left statements that have a counterpart of which they differ, merged and split ones included."""
    only_left: int
    only_right: int
    added: tuple[int, ...]
    """Left places without a counterpart."""
    removed: tuple[int, ...]


def correspondence(left: Listing, right: Listing, comparison: Comparison) -> Correspondence:
    """Which statements became each other for certain. All that the sentences say of changes rests on this."""
    done = [*comparison.identical, *comparison.moved]
    ours = {i: s.tokens for i, s in enumerate(left.statements) if i not in {a for a, _ in done}}
    theirs = {j: tokens for j, tokens in enumerate(comparison.mapped) if j not in {b for _, b in done}}
    small = len(ours) * len(theirs) <= MAX_COMPARED
    once = {comparison.table.get(NAME + name, NAME + name) for name in right.once}
    inner_left, inner_right = (ours, theirs) if small else ({}, {})
    inlined = _in_place(inner_right, once, inner_left)
    introduced = _in_place(inner_left, {NAME + name for name in left.once}, inner_right)
    # A name that is assigned twice in a row, in one statement on the other side: all but the last are temporaries.
    chained_right, chained_left = _reassigned(inner_right, inner_left), _reassigned(inner_left, inner_right)
    inlined += [(j, i) for run, i in chained_right for j in run[:-1]]
    introduced += [(i, j) for run, j in chained_left for i in run[:-1]]
    merged, split = _elements(inner_left, inner_right), _elements(inner_right, inner_left)
    explained_left = {i for _, i in inlined} | {i for i, _ in introduced} | {i for i, _ in merged}
    explained_left |= {i for _, parts in split for i in parts}
    explained_right = {j for j, _ in inlined} | {j for _, j in introduced} | {j for j, _ in split}
    explained_right |= {j for _, parts in merged for j in parts}
    explained_left |= {run[-1] for run, _ in chained_left}
    explained_right |= {run[-1] for run, _ in chained_right}
    names = _programmers(left, right)
    pairs = [(i, j) for i, j in comparison.edited if _same_operands(ours[i], theirs[j], names)]
    rest = [j for j in comparison.only_right if j not in explained_right]
    for i in comparison.only_left if small else ():
        found = next((j for j in rest if i not in explained_left and _reworded(ours[i], theirs[j], names)), None)
        if found is not None:
            rest.remove(found)
            pairs.append((i, found))
            explained_left.add(i)
    added = tuple(i for i in comparison.only_left if i not in explained_left)
    literals, moved = len(comparison.literals), len(comparison.moved)
    return Correspondence(
        tuple(sorted(pairs)), frozenset(ours), frozenset(theirs), len({j for j, _ in inlined}),
        len({i for i, _ in introduced}), len(merged), len(split), moved, literals,
        len(ours) - literals - len(added), len(added), len(rest), added, tuple(rest),
    )  # fmt: skip


def _programmers(left: Listing, right: Listing) -> Callable[[Tokens], frozenset[str]]:
    """The variables and attributes of a statement, without a library's."""

    def names(tokens: Tokens) -> frozenset[str]:
        return frozenset(
            token
            for token in tokens
            if token[0] in (NAME, SELF, ATTRIBUTE)
            and token not in OBJECTS
            and not (fixed(token, left.bound) and fixed(token, right.bound))
            and (token[0] != NAME or (token[1:].encode() not in MODULES and token[1:] not in BUILTIN_NAMES))
        )

    return names


def _same_operands(one: Tokens, other: Tokens, names: Callable[[Tokens], frozenset[str]]) -> bool:
    ours, theirs = names(one), names(other)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)


def _reworded(one: Tokens, other: Tokens, names: Callable[[Tokens], frozenset[str]]) -> bool:
    """Whether two statements that are not alike are still the same one: kind and operands agree."""
    if one[0].startswith("AugAssign") or other[0].startswith("AugAssign"):
        return _written_out(one) == other or _written_out(other) == one
    if one[0] in ("if", "elif") and other[0] in ("if", "elif") and negated(one[1:]) == other[1:]:
        return True
    if one[0].partition(":")[0] != other[0].partition(":")[0] or len(one) < LEAST_VALUE or len(other) < LEAST_VALUE:
        return False
    return names(one) == names(other) and len(names(one)) > 1


def _written_out(tokens: Tokens) -> Tokens:
    """`a += b` as `a = a + b`."""
    if not tokens[0].startswith("AugAssign"):
        return ()
    place = next((k for k, token in enumerate(tokens) if token.endswith("Assign") and token[0] not in "#'$~.!="), 0)
    target = tokens[1:place]
    operator = tokens[place].removesuffix("Assign")
    return ("Assign:1", *target, "BinaryOperation:l,o,r", *target, operator, *tokens[place + 1 :])


def stands_in(part: Tokens, whole: Tokens) -> bool:
    """Whether the one stands in the other without a gap."""
    return bool(part) and "\1".join(("", *part, "")) in "\1".join(("", *whole, ""))


def _in_place(having: Mapping[int, Tokens], once: set[str], without: Mapping[int, Tokens]) -> list[tuple[int, int]]:
    """(place of a local of one side that is gone on the other, place of the statement there in which its value stands)."""
    values = {s[1]: (place, s[2:]) for place, s in having.items() if s[0] == "Assign:1" and s[1] in once}
    expressions = {name: value for name, (_, value) in values.items()}
    there = {token for statement in without.values() for token in statement}
    found = []
    for name, (place, value) in values.items():
        if name in there or name.rstrip("\0") in there:
            continue
        value = in_place(value, expressions)
        host = next(
            (
                k
                for k, s in without.items()
                if LEAST_VALUE <= len(value) <= len(s) <= MAX_TOKENS and stands_in(value, s)
            ),
            None,
        )
        # A statement that assigns the value alone is the same temporary by another name.
        if host is not None and not (without[host][0] == "Assign:1" and without[host][2:] == value):
            found.append((place, host))
    return found


def _reassigned(having: Mapping[int, Tokens], without: Mapping[int, Tokens]) -> list[tuple[range, int]]:
    """(places of one side that assign the same name one right after another, each from the value before, place of the
    statement on the other side that does it all at once)."""
    hosts = {s: k for k, s in without.items() if s[0] == "Assign:1"}
    found = []
    done = -1
    for first, (kind, name, *value) in ((k, s) for k, s in having.items() if len(s) > 2):
        last = first
        while kind == "Assign:1" and first > done and having.get(last + 1, ())[:2] == (kind, name):
            last += 1
            following = having[last][2:]
            if following.count(name) != 1 or len(value) + len(following) > MAX_TOKENS:
                break
            place = following.index(name)
            value = [*following[:place], *value, *following[place + 1 :]]
            if (host := hosts.get((kind, name, *value))) is not None:
                found.append((range(first, last + 1), host))
                done = last
    return found


def _elements(having: Mapping[int, Tokens], single: Mapping[int, Tokens]) -> list[tuple[int, tuple[int, ...]]]:
    """Places of tuple assignments, and of the assignments of the other side that are the same one by one."""
    found = []
    for place, statement in having.items():
        targets = _tuple_parts(statement)
        if not targets:
            continue
        alone = [next((k for k, s in single.items() if s[: len(t) + 1] == ("Assign:1", *t)), -1) for t in targets]
        if -1 in alone:
            continue
        size = f"Tuple:{len(targets)}"
        built = ["Assign:1", size, *(token for target in targets for token in ("Element:v", *target)), size]
        for k, target in zip(alone, targets, strict=True):
            built += ["Element:v", *single[k][len(target) + 1 :]]
        if tuple(built) == statement:
            found.append((place, tuple(alone)))
    return found


def _tuple_parts(statement: Tokens) -> list[Tokens]:
    """The names that a tuple assignment of names or own attributes binds; nothing for any other statement."""
    if statement[0] != "Assign:1" or not statement[1].startswith("Tuple:"):
        return []
    size, parts, place = int(statement[1].partition(":")[2]), [], 2
    for _ in range(size):
        element = statement[place + 1 : place + 4]
        if len(element) < 3 or statement[place] != "Element:v":
            return []
        if element[0][0] == NAME:
            parts.append(element[:1])
            place += 2
        elif element[0] == "Attribute" and element[2][0] == SELF:
            parts.append(element)
            place += 4
        else:
            return []
    return parts if statement[place : place + 1] == (f"Tuple:{size}",) else []


_OPPOSITE = {
    "LessThan": "GreaterThanEqual", "GreaterThanEqual": "LessThan", "GreaterThan": "LessThanEqual",
    "LessThanEqual": "GreaterThan", "Equal": "NotEqual", "NotEqual": "Equal", "Is": "IsNot", "IsNot": "Is",
    "In": "NotIn", "NotIn": "In",
}  # fmt: skip


def negated(tokens: Tokens) -> Tokens:
    """The test of a branch, negated: a `not` less or more, or the opposite comparison."""
    if tokens[:2] == ("UnaryOperation:o,e", "Not"):
        return tokens[2:]
    if tokens[0] == "Comparison:l,1":
        operators = [place for place, token in enumerate(tokens) if token in _OPPOSITE]
        if len(operators) == 1:
            place = operators[0]
            return (*tokens[:place], _OPPOSITE[tokens[place]], *tokens[place + 1 :])
    return ("UnaryOperation:o,e", "Not", *tokens)
