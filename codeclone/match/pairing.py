"""The best match of every left fragment in one candidate.

Each fragment by itself first (scoring.py), then with what stands around it (structure.py); what is still close is told apart
by its surface, the second witness, which never enters containment (telling.py).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codeclone.batches import in_batches, side_by_side
from codeclone.match import align
from codeclone.match.scoring import Scores, score, score_pairs
from codeclone.match.side import POOLS, Side
from codeclone.match.structure import LEAST_BITS, MAX_SEED, MOST_BITS, Definitions, Seed, Structure
from codeclone.match.telling import Option, as_near, closeness, told_apart
from codeclone.model import FragmentKind

GATHERED, GATHERED_BITS, MAX_GATHERED = 0.4, 60.0, 4
"""A right fragment is gathered into a left one that holds this share of its bits, and so many; the most of them shown."""

MAX_SAME_TEXT = 16
"""Candidates taken because their text is the same, however common it is."""

LIKE_NAMES, MAX_NAMED = 4, 64
"""Modules taken because they define the same names; names that more modules define say nothing."""

OPTION_WORK = 25
"""To look at one option takes as long as to parse so many bytes."""

MAX_TIED = 32
"""So many of them are compared by surface."""


@dataclass(frozen=True, slots=True)
class Match:
    """The best explanation of a left fragment in one candidate."""

    right: int
    alone: float
    """Its rank by itself."""
    rank: float
    """With what stands around it."""
    containment: float
    shared: float
    """Bits."""
    tied: tuple[int, ...]
    """Other fragments of the candidate that explain it as well, by structure and by surface."""
    gathered: tuple[int, ...]
    """Other fragments of the candidate that are found in it for the most part, best first: several may have been made one."""


def best_matches(left: Side, right: Side) -> dict[int, Match]:
    """Best match of every left fragment that shares anything: each by itself first, then with what stands around it."""
    options: dict[int, list[_Option]] = {}
    for lefts, rights, scores in side_by_side(lambda kind: _scored(left, right, kind), POOLS):
        _add_options(options, left, lefts[scores.left], rights[scores.right], scores)
    same_text = _same_text(left, right)
    _add_scored(options, left, right, same_text)
    _add_scored(options, left, right, _like_names(left, right))
    seeds = {index: _seed(left, index, found) for index, found in options.items()}
    around = Structure(Definitions(left.profile.fragments), Definitions(right.profile.fragments), seeds)
    _add_scored(options, left, right, {index: around.members(index) for index in left.pools["function"].tolist()})
    rows = sorted(options.items())
    (found,) = in_batches(
        [rows],
        [[OPTION_WORK * len(its) for _, its in rows]],
        lambda _, some: {index: _best(left, right, index, its, around) for index, its in some},
    )
    return {index: match for some in found for index, match in some.items()}


def _scored(left: Side, right: Side, kind: FragmentKind) -> tuple[NDArray[np.int64], NDArray[np.int64], Scores]:
    """(left fragments of a kind, right ones that may explain them, scores by their places in these)."""
    lefts, rights = left.pools[kind], right.pools[kind]
    if kind == "class":
        # Functions can be gathered into a class.
        rights = np.sort(np.concatenate([rights, right.pools["function"]]))
    return lefts, rights, score(left.sets.rows(lefts), right.sets.rows(rights))


class _Option(NamedTuple):
    right: int
    rank: float
    containment: float
    shared: float


def _add_options(
    options: dict[int, list[_Option]],
    left: Side,
    lefts: NDArray[np.int64],
    rights: NDArray[np.int64],
    scores: Scores,
) -> None:
    something = scores.shared > 0.0
    columns = (lefts, rights, scores.rank, scores.containment, scores.shared)
    for index, *option in zip(*(column[something].tolist() for column in columns), strict=True):
        options.setdefault(index, []).append(_Option(*option))


def _same_text(left: Side, right: Side) -> dict[int, list[int]]:
    """Left functions -> right functions with the same surface, the first few of them."""
    places: dict[int, list[int]] = {}
    keys = right.parsed.surface_keys
    for index in right.pools["function"].tolist():
        found = places.setdefault(int(keys[index]), [])
        if len(found) < MAX_SAME_TEXT:
            found.append(index)
    mine = left.parsed.surface_keys
    return {index: places[int(mine[index])] for index in left.pools["function"].tolist() if int(mine[index]) in places}


def _like_names(left: Side, right: Side) -> dict[int, list[int]]:
    """Left modules -> right modules that define what it defines, the first few by the bits of the names, and the first few
    by the bits of the words that the names are made of."""
    found: dict[int, list[int]] = defaultdict(list)
    count = len(right.pools["module"])
    ours, theirs = [*_defined(left)], [*_defined(right)]
    for parts in (_whole, _words):
        holders: dict[str, set[int]] = defaultdict(set)
        for name, module in theirs:
            for part in parts(name):
                holders[part].add(module)
        mine: dict[int, set[str]] = defaultdict(set)
        for name, module in ours:
            mine[module].update(part for part in parts(name) if part in holders)
        for module, its in mine.items():
            votes: dict[int, float] = defaultdict(float)
            for part in sorted(its):
                if len(holders[part]) <= MAX_NAMED:
                    for place in holders[part]:
                        votes[place] += math.log2(count / len(holders[part]))
            ordered = sorted(votes, key=lambda place: (-round(votes[place], 9), place))
            found[module] += [place for place in ordered[:LIKE_NAMES] if place not in found[module]]
    return found


def _whole(name: str) -> tuple[str, ...]:
    return (name,)


def _words(name: str) -> list[str]:
    """`BertSelfOutput`, `bert_self_output` -> bert, self, output."""
    return [word.lower() for word in _WORD.findall(name)]


_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])")


def _defined(side: Side) -> Iterator[tuple[str, int]]:
    """(name, module) of every named definition of a side, and of the file and folder of every module."""
    fragments = side.profile.fragments
    for module in side.pools["module"].tolist():
        yield from ((name, module) for name in side.place(module))
    for fragment in fragments:
        if fragment.kind != "module" and fragment.parent >= 0:
            top = fragment.parent
            while fragments[top].parent >= 0:
                top = fragments[top].parent
            if fragments[top].kind == "module":
                yield fragment.qualname.rpartition(".")[2], top


def _add_scored(options: dict[int, list[_Option]], left: Side, right: Side, wanted: dict[int, list[int]]) -> None:
    """Score more candidates, those that are not options yet; each left fragment's options stay best first."""
    lefts: list[int] = []
    rights: list[int] = []
    for index, candidates in wanted.items():
        known = {option.right for option in options.get(index, ())}
        new = [candidate for candidate in candidates if candidate not in known]
        lefts.extend([index] * len(new))
        rights.extend(new)
    scores = score_pairs(left.sets, right.sets, np.array(lefts, np.int64), np.array(rights, np.int64))
    _add_options(options, left, scores.left, scores.right, scores)
    for index in set(lefts).intersection(options):
        options[index].sort(key=lambda option: (-option.rank, option.right))


def _seed(left: Side, index: int, options: list[_Option]) -> Seed:
    best = options[0]
    return Seed(best.right, best.rank**2 * min(MAX_SEED, float(left.sets.bits[index])))


def best_alone(left: Side, right: Side, indices: Collection[int]) -> dict[int, int]:
    """The best match of some left fragments by themselves: without what stands around them and how they are written."""
    found: dict[int, int] = {}
    for kind in POOLS:
        pool = left.pools[kind]
        lefts, rights = pool[np.isin(pool, [*indices])], right.pools[kind]
        scores = score(left.sets.rows(lefts), right.sets.rows(rights))
        for one, other in zip(lefts[scores.left].tolist(), rights[scores.right].tolist(), strict=True):
            found.setdefault(one, other)  # best first
    return found


def _best(left: Side, right: Side, index: int, options: list[_Option], around: Structure) -> Match:
    """The option that ranks first; those close to it are told apart by their surface."""
    size = max(LEAST_BITS, float(left.sets.bits[index]))
    # What no bonus can bring close to the best needs no look at what stands around it.
    least = max(option.rank for option in options) * closeness(left, index) - MOST_BITS / size
    near = [option for option in options if option.rank >= least]
    bits = around.bits(index, [option.right for option in near])
    ranked = [(round(option.rank + more / size, 9), option) for option, more in zip(near, bits, strict=True)]
    text = left.parsed.surface_keys[index]
    ranked.sort(key=lambda pair: (-pair[0], right.parsed.surface_keys[pair[1].right] != text, pair[1].right))
    first = ranked[0][0]
    close = [pair for pair in ranked[:MAX_TIED] if pair[0] >= first * closeness(left, index)]
    apart = told_apart(left, index, [Option(rank, right, option.right) for rank, option in close])
    total = max(found.total for found in apart)
    equals = [found for found in apart if found.total == total]
    if len(equals) > 1:
        # Which of them is named changes nothing in what is shown: the one in a place of a like name, in like order.
        equals.sort(
            key=lambda found: (
                -align.similarity(_named(left, index), _named(right, close[found.place][1].right)),
                around.displacement(index, close[found.place][1].right),
                close[found.place][1].right,
            )
        )
    chosen = equals[0]
    rank, best = close[chosen.place]
    tied = tuple(
        close[found.place][1].right
        for found in (*equals[1:], *(other for other in apart if other.total != total))
        if found.total == total or (found.rank == chosen.rank and as_near(found, chosen))
    )
    gathered = [
        option
        for option in options
        if option.right != best.right and option.shared >= max(GATHERED_BITS, GATHERED * right.sets.bits[option.right])
    ]
    gathered.sort(key=lambda option: (-option.shared, option.right))
    found_inside = tuple(option.right for option in gathered[:MAX_GATHERED])
    return Match(best.right, best.rank, rank, best.containment, best.shared, tied, found_inside)


def _named(side: Side, index: int) -> str:
    fragment = side.profile.fragments[index]
    return f"{fragment.location.path}/{fragment.qualname}"
