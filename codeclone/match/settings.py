"""Two sets of settings -> which are equal, changed, renamed, on one side only.

A key is renamed where it stands in the place of another with the same value: a longest common subsequence of the values that
are left when equal keys are taken out, in the order in which they stand, weighed by how rare each value is. Of what follows
each other on both sides at least one value has to tell something. Where enough is kept so, or most is equal, a telling value
that each side has once is the same setting in another place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codeclone.model import Op
from codeclone.parse.entries import Entry

MAX_ALIGNED = 600
"""Settings of a side that are looked through for renames: aligning takes time by their product."""

TELLING_VALUE = 4.0
"""Bits from which on a value tells by itself that a key was renamed: one model folder in 16 has it, under any key."""

TELLING_BESIDE = 2.0
"""The same where at least half of the settings of the smaller side are equal: then the two are one document as it is."""

LEAST_RENAMED = 3
"""Renames in order from which on a value in another place is looked for as well."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What became of one setting."""

    op: Op
    left: int | None
    """Index into the left document's entries."""
    right: int | None


def compare(left: Sequence[Entry], right: Sequence[Entry], value_bits: Mapping[str, float]) -> list[Pairing]:
    """What became of each setting, those of the left in their order, then those of the right only.

    `value_bits`: how rare each value is, by its spelling; 0 where it is not given.
    """
    partner = _same_paths(left, right)
    partner |= _same_keys(left, right, partner)
    ops: dict[int, Op] = {a: "same" if left[a].written == right[b].written else "edited" for a, b in partner.items()}
    renamed = _renamed(left, right, partner, ops, value_bits)
    partner |= renamed
    ops |= dict.fromkeys(renamed, "renamed")
    taken = set(partner.values())
    return [
        *(Pairing(ops.get(place, "only_left"), place, partner.get(place)) for place in range(len(left))),
        *(Pairing("only_right", None, place) for place in range(len(right)) if place not in taken),
    ]


def _same_paths(left: Sequence[Entry], right: Sequence[Entry]) -> dict[int, int]:
    places = {entry.path: place for place, entry in enumerate(right)}
    return {place: places[entry.path] for place, entry in enumerate(left) if entry.path in places}


def _same_keys(left: Sequence[Entry], right: Sequence[Entry], partner: Mapping[int, int]) -> dict[int, int]:
    """Settings that moved to another object with their key and value, each the only one of its kind on its side."""
    taken = set(partner.values())
    mine = _once({place: entry.text for place, entry in enumerate(left) if place not in partner})
    theirs = _once({place: entry.text for place, entry in enumerate(right) if place not in taken})
    return {place: theirs[text] for text, place in mine.items() if text in theirs}


def _renamed(
    left: Sequence[Entry],
    right: Sequence[Entry],
    partner: Mapping[int, int],
    ops: Mapping[int, Op],
    value_bits: Mapping[str, float],
) -> dict[int, int]:
    taken = set(partner.values())
    mine = [place for place in range(len(left)) if place not in partner]
    theirs = [place for place in range(len(right)) if place not in taken]
    if not mine or not theirs or max(len(mine), len(theirs)) > MAX_ALIGNED:
        return {}
    values = [left[place].written for place in mine], [right[place].written for place in theirs]
    kinds = [_kind(left[place].value) for place in mine], [_kind(right[place].value) for place in theirs]
    weights = [0.1 + value_bits.get(value, 0.0) for value in values[0]]
    steps = _common(values, kinds, weights)
    aligned = {mine[a]: theirs[b] for a, b in steps}
    equal = {a: b for a, b in partner.items() if ops[a] == "same"}
    found: dict[int, int] = {}
    for run in _runs({**equal, **aligned}):
        telling = [a for a in run if value_bits.get(left[a].written, 0.0) >= TELLING_VALUE]
        if len(run) > 1 and telling:
            found |= {a: aligned[a] for a in run if a in aligned}
    mostly_equal = 2 * len(equal) >= min(len(left), len(right))
    if len(found) >= LEAST_RENAMED or mostly_equal:
        renamed_to = set(found.values())
        found |= _moved(
            {a: value for a, value in zip(mine, values[0], strict=True) if a not in found},
            {b: value for b, value in zip(theirs, values[1], strict=True) if b not in renamed_to},
            value_bits,
            TELLING_BESIDE if mostly_equal else TELLING_VALUE,
        )
    return found


def _moved(
    mine: Mapping[int, str], theirs: Mapping[int, str], value_bits: Mapping[str, float], least: float
) -> dict[int, int]:
    """Of the rest, settings with a telling value that each side has once: renamed, and put in another place."""
    one, other = _once(mine), _once(theirs)
    return {
        place: other[value] for value, place in one.items() if value in other and value_bits.get(value, 0.0) >= least
    }


def _once(values: Mapping[int, str]) -> dict[str, int]:
    """Value -> its place, of those that stand in one place only."""
    places: dict[str, list[int]] = {}
    for place, value in values.items():
        places.setdefault(value, []).append(place)
    return {value: found[0] for value, found in places.items() if len(found) == 1}


def _runs(aligned: Mapping[int, int]) -> list[list[int]]:
    """Left places of pairs that follow each other on both sides, with at most one setting between them."""
    runs: list[list[int]] = []
    for place in sorted(aligned):
        before = runs[-1][-1] if runs else None
        if before is not None and place - before <= 2 and 1 <= aligned[place] - aligned[before] <= 2:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _kind(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def _common(
    values: tuple[list[str], list[str]], kinds: tuple[list[str], list[str]], weights: list[float]
) -> list[tuple[int, int]]:
    """The heaviest common subsequence of two lists of values (Hirschberg 1975 for equal weights)."""
    (one, other), (kind, other_kind) = values, kinds
    numbers: dict[tuple[str, str], int] = {}
    rows, columns = (
        np.array([numbers.setdefault(both, len(numbers)) for both in zip(*side, strict=True)])
        for side in ((one, kind), (other, other_kind))
    )
    equal = rows[:, None] == columns[None, :]
    best = np.zeros((len(one) + 1, len(other) + 1))
    for row in range(1, len(one) + 1):
        diagonal = best[row - 1, :-1] + np.where(equal[row - 1], weights[row - 1], -1.0)
        best[row, 1:] = np.maximum.accumulate(np.maximum(best[row - 1, 1:], diagonal))
    steps = []
    row, column = len(one), len(other)
    while row and column:
        if best[row, column] == best[row - 1, column]:
            row -= 1
        elif best[row, column] == best[row, column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            steps.append((row, column))
    return steps[::-1]
