"""Which of several candidates explains a left fragment best, and which as well as that one.

What stands around a fragment and how it is written can tell which of two is meant: who reworked a class of one source took its
next method from there as well, even where another implementation of the same idea happens to be nearer to it. But where two
candidates have nearly all of the fragment, and as much of it, written as much alike, it is undecided: then surroundings prefer
nobody.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeclone.batches import in_batches
from codeclone.match.pairing import Match
from codeclone.match.side import Side
from codeclone.match.structure import LEAST_BITS, MAX_SEED
from codeclone.match.telling import CLOSE_RIVALS, SAME, Option, as_near, told_apart
from codeclone.model import MAX_TIED, Attribution, Explanation, Place, Role, Source

SURROUNDINGS = 0.5
"""By what share a candidate's rank is lifted where all neighbours of a fragment speak for it: enough to decide where none of the
candidates has much of the fragment, and no match for one that has it."""

SPEAKS = 0.7
"""From this rank on a fragment speaks for itself. Below it what a candidate has of it can be chance: two implementations of one
idea reach 0.6 (samples/rewritten beside samples/independent)."""

RIVAL_WORK = 300
"""To hold one rival's fragment against the left one takes as long as to parse so many bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Rival:
    """A candidate with its match of every left fragment that it explains at all."""

    name: str
    role: Role
    side: Side
    matches: Mapping[int, Match]

    def place(self, fragment: int) -> Place:
        """Where one of its fragments stands."""
        its = self.side.profile.fragments[fragment]
        return Place(its.location, its.qualname)


class Contest:
    """All rivals of one left repository. Holds what each left fragment says for whom, which is asked for by its neighbours."""

    def __init__(self, left: Side, rivals: Sequence[Rival]) -> None:
        """`rivals`: in the order in which one of several equals is named."""
        self.left = left
        self.rivals = rivals
        self._leads = [_leads(left, index, rivals) for index in range(len(left.profile.fragments))]
        self._holders = [_holders(left, index) for index in range(len(left.profile.fragments))]
        self._sums: dict[int, Counter[str]] = defaultdict(Counter)
        for leads, holders in zip(self._leads, self._holders, strict=True):
            for holder in holders:
                self._sums[holder].update(leads)

    def settled(self, fragment: int, rivals: Sequence[Rival] | None = None) -> list[Rival]:
        """The rivals that explain a left fragment best, equally well; empty where none explains it at all.

        `rivals`: only these, in the same order.
        """
        some = [rival for rival in rivals or self.rivals if fragment in rival.matches]
        if len(some) < 2:
            return some
        matches = [rival.matches[fragment] for rival in some]
        around = self._around(fragment)
        lift = SURROUNDINGS if max(match.alone for match in matches) < SPEAKS else 0.0
        ranks = [m.rank * (1.0 + lift * around[r.name]) for m, r in zip(matches, some, strict=True)]
        order = sorted(range(len(some)), key=lambda place: (-ranks[place], place))
        first = order[0]
        least = ranks[first] * CLOSE_RIVALS
        close = [place for place in order if ranks[place] >= least or _as_good(matches[place], matches[first])]
        options = [Option(ranks[place], some[place].side, matches[place].right) for place in close]
        apart = told_apart(self.left, fragment, options, rivals=True)
        chosen = max(apart, key=lambda found: (found.total, -close[found.place]))
        best, tokens = matches[close[chosen.place]], len(self.left.surface(fragment))
        speaks = best.alone >= SPEAKS
        equals = sorted(
            close[found.place]
            for found in apart
            if found.total == chosen.total
            or (speaks and _as_good(matches[close[found.place]], best) and as_near(found, chosen, tokens))
        )
        return [some[place] for place in equals]

    def _around(self, fragment: int) -> dict[str, float]:
        """Name of a rival -> the share of what its neighbours say that they say for it, in [0, 1]: those in the same class
        twice, as they stand in the same file too."""
        own = self._leads[fragment]
        sums: Counter[str] = Counter()
        for holder in self._holders[fragment]:
            sums.update(self._sums[holder])
            sums.subtract(own)
        whole = math.fsum(sums.values()) + LEAST_BITS
        return {rival.name: max(0.0, sums[rival.name]) / whole for rival in self.rivals}


def _leads(left: Side, fragment: int, rivals: Sequence[Rival]) -> dict[str, float]:
    """Of a left function, the bits by which one rival explains it better than all others; nothing of classes and modules,
    whose functions speak for themselves."""
    if left.profile.fragments[fragment].kind != "function" or len(rivals) < 2:
        return {}
    ranks = sorted(
        ((r.matches[fragment].alone if fragment in r.matches else 0.0, r.name) for r in rivals), reverse=True
    )
    (first, name), (second, _) = ranks[:2]
    return {name: (first - second) * min(MAX_SEED, float(left.sets.bits[fragment]))} if first > second else {}


def _holders(left: Side, fragment: int) -> list[int]:
    """The classes and the module around a fragment, or the class itself; a module stands alone."""
    fragments = left.profile.fragments
    found = [fragment] if fragments[fragment].kind == "class" else []
    while (fragment := fragments[fragment].parent) >= 0:
        if fragments[fragment].kind != "function":
            found.append(fragment)
    return found


def _as_good(match: Match, other: Match) -> bool:
    """Whether one has as much of the fragment as the other: in the reading that fits better, or in both with little beside."""
    return match.containment >= other.containment - SAME or match.alone >= other.alone * (1.0 - SAME)


def attribution(contest: Contest) -> tuple[Attribution, ...]:
    """The best explanation of every left fragment."""
    fragments = range(len(contest.left.profile.fragments))
    found = in_batches(
        [fragments],
        [[RIVAL_WORK * (len(contest.rivals) - 1) + 1] * len(fragments)],
        lambda _, some: [_attribution(contest, index) for index in some],
    )
    return tuple(row for rows in found[0] for row in rows)


def _attribution(contest: Contest, index: int) -> Attribution:
    fragment = contest.left.profile.fragments[index]
    place = Place(fragment.location, fragment.qualname)
    scores = {rival.name: rival.matches[index].containment for rival in contest.rivals if index in rival.matches}
    best = contest.settled(index)
    if not best:
        return Attribution(place, None, scores, undecided=False)
    sources = [Source(rival.name, rival.place(rival.matches[index].right)) for rival in best]
    within = [Source(rival.name, rival.place(other)) for rival in best for other in rival.matches[index].tied]
    ties = (*sources[1:], *within)
    return Attribution(place, sources[0], scores, bool(ties), ties[:MAX_TIED])


def explanations(
    contest: Contest, shared: Collection[int], containments: Mapping[str, float]
) -> tuple[Explanation, ...]:
    """Of the left fragments that are shared with the right repository, how many each rival explains better or as well.

    `containments`: of each rival, the share of the left's bits that it has.
    """
    right = next(rival for rival in contest.rivals if rival.role == "right")
    others = [rival for rival in contest.rivals if rival is not right]
    rows = [_counted(contest, rival, [rival, right], shared, containments) for rival in others]
    return (_counted(contest, right, contest.rivals, shared, containments), *rows)


def _counted(
    contest: Contest,
    rival: Rival,
    against: Sequence[Rival],
    shared: Iterable[int],
    containments: Mapping[str, float],
) -> Explanation:
    best = [contest.settled(index, against) for index in shared]
    better = sum(len(found) == 1 and found[0] is rival for found in best)
    tied = sum(len(found) > 1 and rival in found for found in best)
    return Explanation(rival.name, "code", len(best), better, tied, containments[rival.name])
