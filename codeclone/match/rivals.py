"""Which of several candidates explains a left fragment best, and which as well as that one.

What stands around a fragment and how it is written can tell which of two is meant. Where two candidates have the same of the
fragment itself and are written as much alike, it is undecided: surroundings alone prefer nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeclone.batches import in_batches
from codeclone.match.pairing import Match
from codeclone.match.side import Side
from codeclone.match.telling import CLOSE_RIVALS, SAME, Option, as_near, told_apart
from codeclone.model import MAX_TIED, Attribution, Explanation, Place, Role, Source

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


def settled(left: Side, fragment: int, rivals: Sequence[Rival]) -> list[Rival]:
    """The rivals that explain a left fragment best, equally well, in the order in which they are given; empty where none
    explains it at all."""
    some = [rival for rival in rivals if fragment in rival.matches]
    if len(some) < 2:
        return some
    matches = [rival.matches[fragment] for rival in some]
    order = sorted(range(len(some)), key=lambda place: (-matches[place].rank, place))
    first = matches[order[0]]
    least = first.rank * CLOSE_RIVALS
    close = [place for place in order if matches[place].rank >= least or _as_good(matches[place], first)]
    options = [Option(matches[place].rank, some[place].side, matches[place].right) for place in close]
    apart = told_apart(left, fragment, options, rivals=True)
    chosen = max(apart, key=lambda found: (found.total, -close[found.place]))
    best, tokens = matches[close[chosen.place]], len(left.surface(fragment))
    equals = sorted(
        close[found.place]
        for found in apart
        if found.total == chosen.total
        or (_as_good(matches[close[found.place]], best) and as_near(found, chosen, tokens))
    )
    return [some[place] for place in equals]


def _as_good(match: Match, other: Match) -> bool:
    return match.alone >= other.alone * (1.0 - SAME)


def attribution(left: Side, rivals: Sequence[Rival]) -> tuple[Attribution, ...]:
    """The best explanation of every left fragment; `rivals` in the order in which one of several equals is named."""
    fragments = range(len(left.profile.fragments))
    found = in_batches(
        [fragments],
        [[RIVAL_WORK * (len(rivals) - 1) + 1] * len(fragments)],
        lambda _, some: [_attribution(left, index, rivals) for index in some],
    )
    return tuple(row for rows in found[0] for row in rows)


def _attribution(left: Side, index: int, rivals: Sequence[Rival]) -> Attribution:
    fragment = left.profile.fragments[index]
    place = Place(fragment.location, fragment.qualname)
    scores = {rival.name: rival.matches[index].containment for rival in rivals if index in rival.matches}
    best = settled(left, index, rivals)
    if not best:
        return Attribution(place, None, scores, undecided=False)
    sources = [Source(rival.name, rival.place(rival.matches[index].right)) for rival in best]
    within = [Source(rival.name, rival.place(other)) for rival in best for other in rival.matches[index].tied]
    ties = (*sources[1:], *within)
    return Attribution(place, sources[0], scores, bool(ties), ties[:MAX_TIED])


def explanations(
    left: Side, rivals: Sequence[Rival], shared: Collection[int], containments: Mapping[str, float]
) -> tuple[Explanation, ...]:
    """Of the left fragments that are shared with the right repository, how many each rival explains better or as well.

    `containments`: of each rival, the share of the left's bits that it has.
    """
    right = next(rival for rival in rivals if rival.role == "right")
    others = [rival for rival in rivals if rival is not right]
    rows = [_counted(left, rival, [rival, right], shared, containments) for rival in others]
    return (_counted(left, right, rivals, shared, containments), *rows)


def _counted(
    left: Side, rival: Rival, against: Sequence[Rival], shared: Iterable[int], containments: Mapping[str, float]
) -> Explanation:
    best = [settled(left, index, against) for index in shared]
    better = sum(len(found) == 1 and found[0] is rival for found in best)
    tied = sum(len(found) > 1 and rival in found for found in best)
    return Explanation(rival.name, "code", len(best), better, tied, containments[rival.name])
