"""Two sets of settings -> which are equal, changed, renamed, on one side only.

A key is renamed where it stands in the place of another with the same value: a longest common subsequence of the values that
are left when equal keys are taken out, in the order in which they stand, weighed by how rare each value is. A common value
counts as kept only beside another that is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codeclone.model import Op

MAX_ENTRIES = 5_000
"""Settings of one document."""

MAX_LIST, MAX_MAP, MAX_TEXT = 64, 64, 200
"""Longer lists of plain values, and objects with more of them than this (labels of classes), are one value; of a longer
string its digest stands for it."""

MAX_ALIGNED = 600
"""Settings of a side that are looked through for renames: aligning takes time by their product."""

TELLING_VALUE = 4.0
"""Bits from which on a value tells by itself that a key was renamed: one model folder in 16 has it, under any key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting."""

    path: tuple[str, ...]
    """Names from the outermost object inwards."""
    value: Any
    """A plain value, or a list or an object that counts as one."""

    @property
    def key(self) -> str:
        """The innermost name that is no index."""
        return next((name for name in reversed(self.path) if not name.isdigit()), "")

    @property
    def section(self) -> tuple[str, ...]:
        return self.path[:-1]

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901)."""
        return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in self.path)

    @property
    def text(self) -> str:
        """`key=value`, by which it is counted."""
        return f"{self.key}={written(self.value)}"


def written(value: Any) -> str:
    """A value in one spelling: 1.0 is 1, 1e-05 is 0.00001, objects sorted by name; a digest where it is long."""
    text = json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:20]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value


def entries(value: Any) -> list[Entry]:
    """The settings of an object, in the order in which they stand; at most `MAX_ENTRIES`."""
    found: list[Entry] = []
    for entry in _entries(value, ()):
        if len(found) == MAX_ENTRIES:
            break
        found.append(entry)
    return found


def _entries(value: Any, path: tuple[str, ...]) -> Iterator[Entry]:
    """What nests is bounded in depth by whoever read it."""
    if isinstance(value, dict) and value and not _is_one_value(value):
        for name, item in value.items():
            yield from _entries(item, (*path, str(name)))
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value) and not _is_table(value):
        for place, item in enumerate(value):
            yield from _entries(item, (*path, str(place)))
    elif path:
        yield Entry(path, value)


def _is_one_value(value: dict[str, Any]) -> bool:
    return len(value) > MAX_MAP and not any(isinstance(item, (dict, list)) for item in value.values())


def _is_table(value: list[Any]) -> bool:
    """Lists of short lists of numbers, such as grids of tiles, are one value."""
    return all(isinstance(item, list) and not any(isinstance(x, (dict, list)) for x in item) for item in value)


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
    ops: dict[int, Op] = {
        a: "same" if written(left[a].value) == written(right[b].value) else "edited" for a, b in partner.items()
    }
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

    def alone(side: Sequence[Entry], used: set[int]) -> dict[str, int]:
        found: dict[str, list[int]] = {}
        for place, entry in enumerate(side):
            if place not in used:
                found.setdefault(entry.text, []).append(place)
        return {text: places[0] for text, places in found.items() if len(places) == 1}

    mine, theirs = alone(left, set(partner)), alone(right, taken)
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
    values = [written(left[place].value) for place in mine], [written(right[place].value) for place in theirs]
    kinds = [_kind(left[place].value) for place in mine], [_kind(right[place].value) for place in theirs]
    weights = [0.1 + value_bits.get(value, 0.0) for value in values[0]]
    steps = _common(values, kinds, weights)
    aligned = {mine[a]: theirs[b] for a, b in steps}
    equal = {a: b for a, b in partner.items() if ops[a] == "same"}
    found: dict[int, int] = {}
    for run in _runs({**equal, **aligned}):
        telling = [a for a in run if value_bits.get(written(left[a].value), 0.0) >= TELLING_VALUE]
        if len(run) > 1 and telling:
            found |= {a: aligned[a] for a in run if a in aligned}
    return found


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
    equal = np.array(
        [[a == b and c == d for b, d in zip(other, other_kind, strict=True)] for a, c in zip(one, kind, strict=True)]
    )
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
