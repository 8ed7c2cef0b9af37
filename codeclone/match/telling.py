"""Which of several close explanations of a fragment is meant: by their surface, and of modules by the names they have."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence, Set
from typing import NamedTuple

from codeclone.match import align
from codeclone.match.side import Side

CLOSE = 0.95
"""Candidates whose rank is at least this share of the best are told apart by their surface."""

SURFACE_WEIGHT = 0.05
"""By what share a surface that is wholly the same lifts the rank of a close candidate: among siblings that share their
structure it decides, and it can never lift a candidate over one that is clearly better by structure."""

CLOSE_MODULES, NAMES_WEIGHT = 0.8, 0.4
"""The same for modules, and by what share the names that tell close ones apart lift the rank: files of one family share
most of their structure, and a port changes more of it than sets two of them apart; what a file imports, defines and
configures still names the one it follows. Chosen on `benchmarks/declared.py`."""

SURFACE_NOISE = 0.1
"""Of sources that are the same by structure, those whose surface is no more than this share further away are tied: after a
renaming of everything, chance alone makes one of two siblings a little more alike."""
LEAST_TELLING = 8.0
"""Bits of telling names below which they count in part: one name more or less is chance."""

RIVAL_WEIGHT, CLOSE_RIVALS = 0.4, 0.7
"""The same between candidates: of two ports of one source either may have drifted further from it in structure, but only the
one that was copied has its wording. After a renaming of everything all surfaces are about as far, and structure decides.
Looked at on `benchmarks/attribution.py`."""

SAME = 0.01
"""Two candidates of which one explains so little more of a fragment explain the same facts of it."""


class Option(NamedTuple):
    """A fragment of some side that may explain a left one."""

    rank: float
    """By structure, in [0, 1] but for what surroundings add."""
    side: Side
    fragment: int


class Close(NamedTuple):
    """An option that is close to the best one, with what tells them apart."""

    total: float
    rank: float
    """Without the surface, so that equal ranks are sources that are equal by structure."""
    surface: float
    names: float
    """Share of the names that tell modules apart, in [0, 1]; 0 of others."""
    place: int
    """Among the options that were given."""


def closeness(left: Side, fragment: int) -> float:
    """The share of the best rank from which on options of one candidate are told apart by their surface."""
    return CLOSE_MODULES if _is_module(left, fragment) else CLOSE


def _is_module(left: Side, fragment: int) -> bool:
    return left.profile.fragments[fragment].kind == "module"


def told_apart(left: Side, fragment: int, close: Sequence[Option], *, rivals: bool = False) -> list[Close]:
    """The close options, best rank first, with their surfaces; of functions without those that no surface can bring first.

    `rivals`: they are of several candidates; then every one is told.
    """
    weight = RIVAL_WEIGHT if rivals else SURFACE_WEIGHT
    if len(close) == 1:
        rank = close[0].rank
        return [Close(round(rank * (1.0 + weight), 9), rank, 1.0, 0.0, 0)]
    module = _is_module(left, fragment)
    mine = left.heading(fragment) if module else left.surface(fragment)
    telling = (
        _telling(left.names(fragment), [option.side.names(option.fragment) for option in close])
        if module
        else [0.0] * len(close)
    )
    found: list[Close] = []
    most = 0.0
    for place, ((rank, side, other), names) in enumerate(zip(close, telling, strict=True)):
        if not (module or rivals) and rank * (1.0 + weight) < most:
            break
        surface = align.similarity(mine, side.heading(other) if module else side.surface(other))
        total = round(rank * (1.0 + weight * surface + NAMES_WEIGHT * names), 9)
        most = max(most, total)
        found.append(Close(total, rank + names, surface, names, place))
    return found


def as_near(found: Close, chosen: Close, tokens: int = 0) -> bool:
    """Whether one is written as much alike as the chosen one but for chance, and has as many of the telling names.

    `tokens`: of the left fragment, where chance is that of a share of so many tokens as well: one standard deviation.
    """
    deviation = math.sqrt(chosen.surface * (1.0 - chosen.surface) / tokens) if tokens else 0.0
    far = (1.0 - chosen.surface) * (1.0 + SURFACE_NOISE) + deviation
    return found.names >= chosen.names and 1.0 - found.surface <= far


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
