"""How much two fragments share, on the whole and on the parts of them that are the most alike, and how unusual that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeclone.match.features import FINE
from codeclone.match.pairing import Match
from codeclone.match.side import Side
from codeclone.model import LEVELS, Level, SharedPart, Span
from codeclone.parse.graph import CUT_OUT, IN_PLACE, LOCAL

LEVEL_BOUNDS: tuple[tuple[Level, float, float], ...] = (
    ("strong", 500.0, 0.5),
    ("moderate", 150.0, 0.0),
    ("weak", 24.0, 0.08),
)
"""(level, least telling bits, least of the smaller containment). Telling bits are attributable bits times the larger
containment: many in a pair that is alike all over count, many in passing or few throughout do not. What is of no size beside
the other fragment is no pair by itself: a long function holds any three lines somewhere. Measured on the best pairs
of unrelated packages (docs/calibration.md): coincidences end at 100, and what lies above them shares a public origin. No
single pair is `very strong`: that takes a second kind of evidence."""

KERNEL_WEIGHT = 0.35
"""What the bits of C, C++ and CUDA count when a level is found: their facts follow the syntax and not the dataflow, so more of
them coincide. Between unrelated packages the most telling pair has 401 (`make bench-kernels`)."""

PART_MARGIN = 0.2
"""A part is chosen for being alike, so its containments must be this much higher than those of whole fragments."""

NEWS = 0.5
"""A further source of one left fragment is shown when no more than this share of its bits is in the pairs before it."""

DENSE = 0.35
"""A line belongs to a shared part when it adds more bits that are shared than this share of all its bits."""

PART_LINES = 3
"""Fewer lines than this are no part."""

MOST_OF_IT = 0.9
"""A part that holds this share of a fragment's bits is the fragment: no part is named."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A left and a right fragment, and what they share."""

    left: int
    right: int
    shared: float
    """Bits."""
    attributable: float
    """Bits of fine facts that nothing but the right repository explains."""
    containment_left: float
    containment_right: float
    resemblance: float
    tied: tuple[int, ...]
    """Other right fragments that explain the left one as well."""
    part: SharedPart | None
    """Where the two are alike, if not all over."""
    weight: float
    """What its bits count when its level is found."""
    left_rows: NDArray[np.int64]
    """Facts of the left side that are attributable, as rows of `Side.own`."""
    right_rows: NDArray[np.int64]
    bits: NDArray[np.float64]
    """Of each of them."""

    @property
    def telling(self) -> float:
        """Telling bits: what pairs of one level are ordered by."""
        return self.weight * telling_bits(self.attributable, self.containment_left, self.containment_right)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The facts of one fragment in one reading, on its own lines."""

    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    bits: NDArray[np.float64]
    lines: NDArray[np.int32]
    local: NDArray[np.bool_]

    @property
    def whole(self) -> float:
        return float(self.bits[self.local].sum())


@dataclass(frozen=True, slots=True)
class _Shared:
    """What two fragments share in one reading."""

    left: _Shown
    right: _Shown
    at_left: NDArray[np.int64]
    """Places of the shared facts among those of the left fragment."""
    at_right: NDArray[np.int64]
    bits: float
    resemblance: float

    @classmethod
    def of(cls, left: _Shown, right: _Shown) -> _Shared:
        _, at_left, at_right = np.intersect1d(left.columns, right.columns, assume_unique=True, return_indices=True)
        bits = float(left.bits[at_left].sum())
        whole = float(left.bits.sum()) + float(right.bits.sum())
        return cls(left, right, at_left, at_right, bits, _share(bits, max(whole - bits, bits)))


def _shown(side: Side, fragment: int, reading: int, bits: NDArray[np.float64]) -> _Shown:
    rows = np.arange(side.facts(fragment).start, side.facts(fragment).stop)
    rows = rows[(side.own.readings[rows] & reading) > 0]
    columns = side.columns[rows]
    return _Shown(
        columns,
        rows,
        bits[columns],
        side.parsed.lines[side.own.nodes[rows]],
        (side.own.readings[rows] & LOCAL) > 0,
    )


def measure(
    left: Side,
    right: Side,
    pair: tuple[int, int],
    tied: tuple[int, ...],
    attributable: NDArray[np.bool_],
    bits: NDArray[np.float64],
) -> Pair | None:
    """Measure a pair on the facts of the fragments themselves, without those of definitions inside them.

    `attributable`, `bits`: of all facts of the comparison, whether each is and what it weighs. A fragment that
    was moved into other surroundings agrees with its source as if both were cut out of theirs: the reading in which the
    two are more alike counts. What stands in a helper that one side calls can be found in the other's own lines, but
    each share is one of own lines: a function that only calls copied ones is not a copy. None where nothing is shared.
    """
    read = [
        _Shared.of(*(_shown(side, at, reading, bits) for side, at in zip((left, right), pair, strict=True)))
        for reading in (IN_PLACE, CUT_OUT)
    ]
    both = max(read, key=lambda shared: shared.resemblance)
    one, other, at_left, at_right = both.left, both.right, both.at_left, both.at_right
    if not both.bits:
        return None
    fine = np.isin(left.own.depths[one.rows[at_left]], FINE)
    telling = fine & attributable[one.columns[at_left]] & one.local[at_left]
    return Pair(
        left=pair[0],
        right=pair[1],
        shared=both.bits,
        attributable=float(one.bits[at_left][telling].sum()),
        containment_left=_share(float(one.bits[at_left][one.local[at_left]].sum()), one.whole),
        containment_right=_share(float(one.bits[at_left][other.local[at_right]].sum()), other.whole),
        resemblance=both.resemblance,
        tied=tied,
        part=_part(one, other, at_left, at_right, telling),
        weight=1.0 if left.profile.fragments[pair[0]].language == "python" else KERNEL_WEIGHT,
        left_rows=one.rows[at_left[telling]],
        right_rows=other.rows[at_right[telling]],
        bits=one.bits[at_left][telling],
    )


def _share(part: float, whole: float) -> float:
    return round(min(1.0, part / whole), 6) if whole else 0.0


# Parts


def _part(
    one: _Shown,
    other: _Shown,
    at_left: NDArray[np.int64],
    at_right: NDArray[np.int64],
    telling: NDArray[np.bool_],
) -> SharedPart | None:
    """The run of lines on each side in which most is shared, where that is not nearly all of both."""
    both = one.local[at_left] & other.local[at_right]
    at_left, at_right, telling = at_left[both], at_right[both], telling[both]
    if not len(at_left):
        return None
    left_span = _densest(one, at_left)
    inside = _within(one.lines[at_left], left_span)
    right_span = _densest(other, at_right[inside])
    inside &= _within(other.lines[at_right], right_span)
    left_span = _densest(one, at_left[inside])
    inside &= _within(one.lines[at_left], left_span)
    if not inside.any() or min(span.last - span.first + 1 for span in (left_span, right_span)) < PART_LINES:
        return None
    shared = float(one.bits[at_left[inside]].sum())
    left_bits, right_bits = (
        float(side.bits[side.local & _within(side.lines, span)].sum())
        for side, span in ((one, left_span), (other, right_span))
    )
    if left_bits >= MOST_OF_IT * one.whole and right_bits >= MOST_OF_IT * other.whole:
        return None
    return SharedPart(
        left=left_span,
        right=right_span,
        containment_left=_share(shared, left_bits),
        containment_right=_share(shared, right_bits),
        attributable_bits=round(float(one.bits[at_left[inside & telling]].sum()), 3),
    )


def _within(lines: NDArray[np.int32], span: Span) -> NDArray[np.bool_]:
    return (lines >= span.first) & (lines <= span.last)


def _densest(side: _Shown, shared: NDArray[np.int64]) -> Span:
    """The run of lines with the greatest sum of shared bits less `DENSE` times all bits (the maximum subarray, Bentley
    1984), the first of equals."""
    if not len(shared):
        return Span(1, 1)
    first = int(side.lines.min())
    length = int(side.lines.max()) - first + 1
    gained = np.bincount(side.lines[shared] - first, side.bits[shared], minlength=length)
    whole = np.bincount(side.lines[side.local] - first, side.bits[side.local], minlength=length)
    total = np.concatenate([[0.0], np.cumsum(np.round(gained - DENSE * whole, 9))])
    lowest = np.minimum.accumulate(total)
    end = int(np.argmax(total[1:] - lowest[:-1]))
    start = int(np.argmin(total[: end + 1]))
    return Span(first + start, first + end)


# Levels


def level_of(attributable: float, containment_left: float, containment_right: float) -> Level:
    """Level of one pair, or of a part of it, by `LEVEL_BOUNDS`."""
    telling = telling_bits(attributable, containment_left, containment_right)
    smaller = min(containment_left, containment_right)
    for level, bits, least in LEVEL_BOUNDS:
        if telling >= bits and smaller >= least:
            return level
    return "none"


def telling_bits(attributable: float, containment_left: float, containment_right: float) -> float:
    """What the level of a pair goes by: see `LEVEL_BOUNDS`."""
    return attributable * max(0.0, containment_left, containment_right)


def level(pair: Pair) -> Level:
    """The pair's own level, or that of the part in which it is alike, whichever is higher."""
    whole = level_of(pair.weight * pair.attributable, pair.containment_left, pair.containment_right)
    if pair.part is None:
        return whole
    part = level_of(
        pair.weight * pair.part.attributable_bits, *(share - PART_MARGIN for share in pair.part.containments)
    )
    return max(whole, part, key=LEVELS.index)


def pairs(
    left: Side,
    right: Side,
    matches: Mapping[int, Match],
    attributable: NDArray[np.bool_],
    bits: NDArray[np.float64],
) -> list[tuple[Level, Pair]]:
    """Every match that reaches a level, the strongest first; also further sources of a fragment that has several."""
    found: list[tuple[Level, Pair]] = []
    least = LEVEL_BOUNDS[-1][1]
    telling = np.isin(left.own.depths, FINE) & attributable[left.columns]
    at_most = np.bincount(
        left.own.fragments[telling],
        bits[left.columns[telling]],
        minlength=len(left.profile.fragments),
    )
    for fragment, match in matches.items():
        if at_most[fragment] < least:
            continue
        of_this: list[Pair] = []
        for other in (match.right, *match.gathered):
            tied = match.tied if other == match.right else ()
            pair = measure(left, right, (fragment, other), tied, attributable, bits)
            if pair is not None and (its_level := level(pair)) != "none" and not _is_told_by(of_this, pair):
                of_this.append(pair)
                found.append((its_level, pair))
    return sorted(found, key=lambda row: (-LEVELS.index(row[0]), -row[1].telling, row[1].left, row[1].right))


def _is_told_by(found: Sequence[Pair], pair: Pair) -> bool:
    """Whether most of what a pair shares is in the pairs of the same left fragment already: siblings of one source."""
    if not found:
        return False
    told = np.isin(pair.left_rows, np.concatenate([other.left_rows for other in found]))
    return float(pair.bits[told].sum()) > NEWS * float(pair.bits.sum())
