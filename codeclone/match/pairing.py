"""The best match of every left fragment in one candidate.

Each fragment by itself first (scoring.py), then with what stands around it (structure.py); what is still close is told apart
by its surface, the second witness, which never enters containment.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codeclone.batches import in_batches, side_by_side
from codeclone.match import align
from codeclone.match.scoring import FactSets, Scores, fact_sets, score, score_pairs
from codeclone.match.structure import LEAST_BITS, MAX_SEED, MOST_BITS, Definitions, Seed, Structure
from codeclone.model import Facts, Fragment, FragmentKind, Profile
from codeclone.parse.fragments import Parsed

POOLS: tuple[FragmentKind, ...] = ("function", "class", "module")
"""Fragments are explained by fragments of their own kind."""

CLOSE = 0.95
"""Candidates whose rank is at least this share of the best are told apart by their surface."""

SURFACE_WEIGHT = 0.05
"""By what share a surface that is wholly the same lifts the rank of a close candidate: among siblings that share their
structure it decides, and it can never lift a candidate over one that is clearly better by structure."""

CLOSE_MODULES, NAMES_WEIGHT = 0.8, 0.4
"""The same for modules, and by what share the names that tell close ones apart lift the rank: files of one family share
most of their structure, and a port changes more of it than sets two of them apart; what a file imports, defines and
configures still names the one it follows. Chosen on `benchmarks/declared.py`."""

GATHERED, GATHERED_BITS, MAX_GATHERED = 0.4, 60.0, 4
"""A right fragment is gathered into a left one that holds this share of its bits, and so many; the most of them shown."""

SURFACE_NOISE = 0.1
"""Of sources that are the same by structure, those whose surface is no more than this share further away are tied: after a
renaming of everything, chance alone makes one of two siblings a little more alike."""
LEAST_TELLING = 8.0
"""Bits of telling names below which they count in part: one name more or less is chance."""

MAX_SAME_TEXT = 16
"""Candidates taken because their text is the same, however common it is."""

LIKE_NAMES, MAX_NAMED = 4, 64
"""Modules taken because they define the same names; names that more modules define say nothing."""

MAX_SURFACE = 20_000
"""Tokens of a fragment that its surface is told by."""

OPTION_WORK = 25
"""To look at one option takes as long as to parse so many bytes."""

MAX_TIED = 32
"""So many of them are compared by surface."""


# One side of the comparison, with what is computed of it once


@dataclass(slots=True)
class Side:
    """One side of a comparison, with what is computed of it once. Not frozen: surfaces are read when they are needed."""

    profile: Profile
    parsed: Parsed
    own: Facts
    columns: NDArray[np.int64]
    """Place of each of them among all facts of the comparison."""
    sets: FactSets
    """Facts of each fragment and of what is inside it."""
    pools: dict[str, NDArray[np.int64]]
    """Fragments of each kind."""
    alphabet: align.Alphabet
    surfaces: dict[int, str]
    children: dict[int, list[int]]
    """Fragments right inside each fragment."""
    headings: dict[int, str]
    bounds: NDArray[np.int64]
    """Own facts of fragment f are `bounds[f]` to `bounds[f + 1]`, exclusive."""

    def surface(self, fragment: int) -> str:
        """The surface of a fragment and what is inside it, as with its facts, written in the alphabet of the comparison."""
        if fragment not in self.surfaces:
            self.surfaces[fragment] = self._written(self.inside(fragment))
        return self.surfaces[fragment]

    def heading(self, module: int) -> str:
        """The part of a module's surface that stands outside functions: imports, constants and what heads its classes."""
        if module not in self.headings:
            fragments = self.profile.fragments
            outside = [inside for inside in self.inside(module) if fragments[inside].kind != "function"]
            self.headings[module] = self._written(outside)
        return self.headings[module]

    def _written(self, fragments: Sequence[int]) -> str:
        lines = sorted({line for index in fragments for line in self.profile.fragments[index].lines})
        return self.alphabet.write(align.surface("\n".join(line for _, line in lines))[:MAX_SURFACE])

    def names(self, module: int) -> Set[str]:
        """What a module's heading is written with, and what its file and folder are called: who follows a module imports
        it by name or keeps the name of its file."""
        return {*self.heading(module), *self.alphabet.write(self.place(module))}

    def place(self, module: int) -> tuple[str, str]:
        """Name of the file of a module without its suffix, and of its folder."""
        path = PurePosixPath(self.profile.fragments[module].location.path)
        return path.stem, path.parent.name

    def inside(self, fragment: int) -> list[int]:
        """A fragment and all fragments inside it."""
        found = [fragment]
        for member in found:
            found.extend(self.children.get(member, ()))
        return found

    def facts(self, fragment: int) -> slice:
        """Rows of `own` that belong to a fragment."""
        return slice(int(self.bounds[fragment]), int(self.bounds[fragment + 1]))


def side_of(profile: Profile, known: NDArray[np.uint64], bits: NDArray[np.float64], alphabet: align.Alphabet) -> Side:
    """Prepare one side. `known`: all facts of the comparison, ascending; `bits`: their weights; one alphabet for both."""
    fragments = profile.fragments
    facts = profile.facts
    own_columns = np.searchsorted(known, facts.keys)
    columns, owners, readings = _with_inner(own_columns, facts, fragments)
    children: dict[int, list[int]] = {}
    for index, fragment in enumerate(fragments):
        children.setdefault(fragment.parent, []).append(index)
    kinds = np.array([fragment.kind for fragment in fragments], dtype=object)
    return Side(
        profile=profile,
        parsed=profile.details["parsed"],
        own=facts,
        columns=own_columns,
        sets=fact_sets(columns, owners, readings, len(fragments), bits),
        pools={kind: np.flatnonzero(kinds == kind) for kind in POOLS},
        alphabet=alphabet,
        surfaces={},
        children=children,
        headings={},
        bounds=np.searchsorted(facts.fragments, np.arange(len(fragments) + 1)),
    )


def _with_inner(
    columns: NDArray[np.int64], facts: Facts, fragments: tuple[Fragment, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """(columns, fragments, readings) of every fragment together with those of the fragments inside it, each column once
    in a fragment."""
    parents = np.array([fragment.parent for fragment in fragments] or [-1], np.int64)
    level = (columns, facts.fragments.astype(np.int64), facts.readings)
    levels = [level]
    while len(level[0]):
        above = parents[level[1]]
        inside = above >= 0
        level = (level[0][inside], above[inside], level[2][inside])
        levels.append(level)
    columns, owners, readings = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    # Each level is in order already: what is left to do is to merge runs.
    packed = owners << np.int64(32) | columns
    order = np.argsort(packed, kind="stable")
    packed, readings = packed[order], readings[order]
    starts = np.flatnonzero(np.diff(packed, prepend=-1))
    merged = np.bitwise_or.reduceat(readings, starts) if len(starts) else readings
    packed = packed[starts]
    return packed & np.int64(0xFFFFFFFF), packed >> np.int64(32), merged


# Matching


@dataclass(frozen=True, slots=True)
class Match:
    """The best explanation of a left fragment in one candidate."""

    right: int
    rank: float
    """With what stands around it and its surface added."""
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


def _best(left: Side, right: Side, index: int, options: list[_Option], around: Structure) -> Match:
    """The option that ranks first; those close to it are told apart by their surface."""
    size = max(LEAST_BITS, float(left.sets.bits[index]))
    module = left.profile.fragments[index].kind == "module"
    closeness = CLOSE_MODULES if module else CLOSE
    # What no bonus can bring close to the best needs no look at what stands around it.
    least = max(option.rank for option in options) * closeness - MOST_BITS / size
    near = [option for option in options if option.rank >= least]
    bits = around.bits(index, [option.right for option in near])
    ranked = [(round(option.rank + more / size, 9), option) for option, more in zip(near, bits, strict=True)]
    text = left.parsed.surface_keys[index]
    ranked.sort(key=lambda pair: (-pair[0], right.parsed.surface_keys[pair[1].right] != text, pair[1].right))
    first = ranked[0][0]
    close = [pair for pair in ranked[:MAX_TIED] if pair[0] >= first * closeness]
    told_apart = _told_apart(left, right, index, close, module)
    total = max(found.total for found in told_apart)
    equals = [found for found in told_apart if found.total == total]
    if len(equals) > 1:
        # Which of them is named changes nothing in what is shown: the one in a place of a like name, in like order.
        equals.sort(
            key=lambda found: (
                -align.similarity(_named(left, index), _named(right, found.option.right)),
                around.displacement(index, found.option.right),
                found.option.right,
            )
        )
    chosen = equals[0]
    best = chosen.option
    as_far = (1.0 - chosen.surface) * (1.0 + SURFACE_NOISE)
    tied = tuple(
        found.option.right
        for found in (*equals[1:], *(other for other in told_apart if other.total != total))
        if found.total == total or (found.rank == chosen.rank and 1.0 - found.surface <= as_far)
    )
    gathered = [
        option
        for option in options
        if option.right != best.right and option.shared >= max(GATHERED_BITS, GATHERED * right.sets.bits[option.right])
    ]
    gathered.sort(key=lambda option: (-option.shared, option.right))
    found_inside = tuple(option.right for option in gathered[:MAX_GATHERED])
    return Match(best.right, total, best.containment, best.shared, tied, found_inside)


class _Close(NamedTuple):
    """An option that is close to the best one, with what tells them apart."""

    total: float
    rank: float
    """Without the surface, so that equal ranks are sources that are equal by structure."""
    surface: float
    option: _Option


def _told_apart(
    left: Side, right: Side, index: int, close: Sequence[tuple[float, _Option]], module: bool
) -> list[_Close]:
    """The close options, best rank first, with their surfaces; functions without those that no surface can bring first."""
    if len(close) == 1:
        rank, option = close[0]
        return [_Close(round(rank * (1.0 + SURFACE_WEIGHT), 9), rank, 1.0, option)]
    mine = left.heading(index) if module else left.surface(index)
    theirs = right.heading if module else right.surface
    telling = (
        _telling(left.names(index), [right.names(option.right) for _, option in close])
        if module
        else [0.0] * len(close)
    )
    found: list[_Close] = []
    most = 0.0
    for (rank, option), names in zip(close, telling, strict=True):
        if not module and rank * (1.0 + SURFACE_WEIGHT) < most:
            break
        surface = align.similarity(mine, theirs(option.right))
        total = round(rank * (1.0 + SURFACE_WEIGHT * surface + NAMES_WEIGHT * names), 9)
        most = max(most, total)
        found.append(_Close(total, rank + names, surface, option))
    return found


def _telling(left: Set[str], rights: Sequence[Set[str]]) -> list[float]:
    """Share of the names that tell the candidates apart, of those the left module has, that each candidate has, in [0, 1].

    A name counts as many bits as its presence tells about which candidate it is; one that all have counts nothing. It
    does not matter how long the candidates are or in what order they are written.
    """
    found = [left & right for right in rights]
    holders = Counter(name for names in found for name in names)
    bits = {name: math.log2(len(rights) / count) for name, count in holders.items()}
    total = max(LEAST_TELLING, math.fsum(bits.values()))
    return [math.fsum(bits[name] for name in names) / total for names in found]


def _named(side: Side, index: int) -> str:
    fragment = side.profile.fragments[index]
    return f"{fragment.location.path}/{fragment.qualname}"
