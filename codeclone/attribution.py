"""Who explains what: the five-part partition, and the best explanation of each left setting, token and tensor.

Fragments of code are weighed against each other in match/rivals.py; what is counted of them is counted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeclone.model import MAX_TIED, PARTS, Attribution, Explanation, Partition, Place, Role, Source

DIGITS = 6
"""Decimals of bits in a partition: sums in another order differ in digits behind these."""

ORDER: tuple[Role, ...] = ("ancestor", "claimed", "right")
"""What explains a fact first: a declared ancestor before a claimed source, both before the right repository."""

LEAST_SHARED = 0.5
"""Share of a setting, token or tensor that the right repository must have for the two to share it."""

SAME_SCORE = 1e-6
"""Scores that differ by no more are the same: sums in another order differ in digits behind these."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Distinct facts of the left repository, with what explains each."""

    keys: NDArray[np.uint64]
    """Ascending."""
    bits: NDArray[np.float64]
    parts: NDArray[np.uint8]
    """Index into `PARTS`."""

    def partition(self, keys: NDArray[np.uint64] | None = None) -> Partition:
        """Bits in each part; of the given facts only, where some are given (distinct, all known)."""
        at = slice(None) if keys is None else np.searchsorted(self.keys, keys)
        sums = np.bincount(self.parts[at], self.bits[at], minlength=len(PARTS))
        return Partition(*(round(float(total), DIGITS) for total in sums))


def explain(
    keys: NDArray[np.uint64],
    bits: NDArray[np.float64],
    stock_bits: float,
    candidates: Sequence[tuple[Role, NDArray[np.uint64]]],
) -> Explained:
    """Give each distinct left fact to the first of stock, ancestors, claimed sources, right that has it.

    `keys`: ascending, distinct. `candidates`: role and facts, in any order: it changes nothing.
    """
    parts = np.full(len(keys), PARTS.index("own"), np.uint8)
    for role in reversed(ORDER):
        part = PARTS.index("attributable" if role == "right" else role)
        for its_role, facts in candidates:
            if its_role == role:
                parts[np.isin(keys, facts)] = part
    parts[bits < stock_bits] = PARTS.index("stock")
    return Explained(keys, bits, parts)


def added(partitions: Sequence[Partition]) -> Partition:
    """The sum, part by part."""
    return Partition(*(round(sum(getattr(partition, part) for partition in partitions), DIGITS) for part in PARTS))


@dataclass(frozen=True, slots=True)
class Weights:
    """Distinct facts of one side, with what each weighs."""

    keys: NDArray[np.uint64]
    """Ascending."""
    bits: NDArray[np.float64]
    stock_bits: float
    """Facts with fewer bits than this are stock."""

    def explained(self, candidates: Iterable[tuple[str, Role]], known: Mapping[str, NDArray[np.uint64]]) -> Explained:
        """Who explains each. `known`: name of each candidate -> facts that it has."""
        return explain(self.keys, self.bits, self.stock_bits, [(role, known[name]) for name, role in candidates])

    def held(self, known: Mapping[str, NDArray[np.uint64]]) -> dict[str, float]:
        """Share of the bits that are not stock that each candidate has, in [0, 1]; 0 of nothing."""
        telling = self.bits >= self.stock_bits
        whole = float(self.bits[telling].sum())
        if not whole:
            return dict.fromkeys(known, 0.0)
        sums = {name: float(self.bits[telling & np.isin(self.keys, facts)].sum()) for name, facts in known.items()}
        return {name: round(min(1.0, its / whole), DIGITS) for name, its in sums.items()}


@dataclass(frozen=True, slots=True)
class Item:
    """A left setting, token or tensor, and what each candidate has of it."""

    place: Place
    telling: bool
    """Whether it is more than stock."""
    sources: Mapping[str, tuple[float, Place]]
    """Candidate name -> share of its bits that the candidate has, in (0, 1], and where; those that have nothing are missing."""


def by_precedence(candidates: Iterable[tuple[str, Role]]) -> list[str]:
    """Names of the candidates in the order in which one of several equals is named."""
    return [name for name, _ in sorted(candidates, key=lambda its: (ORDER.index(its[1]), its[0]))]


def attributed(kind: str, items: Iterable[Item], candidates: Sequence[tuple[str, Role]]) -> tuple[Attribution, ...]:
    """The best explanation of each item. `candidates`: name and role of each."""
    order = by_precedence(candidates)
    rows = []
    for item in items:
        scores = {name: item.sources[name][0] for name, _ in candidates if name in item.sources}
        most = max(scores.values(), default=0.0)
        best = [
            Source(name, item.sources[name][1])
            for name in order
            if name in scores and most - scores[name] <= SAME_SCORE
        ]
        rows.append(
            Attribution(
                item.place,
                best[0] if best else None,
                {name: round(score, DIGITS) for name, score in scores.items()},
                undecided=len(best) > 1,
                tied=tuple(best[1 : MAX_TIED + 1]),
                kind=kind,
            )
        )
    return tuple(rows)


def explained_items(
    kind: str, items: Iterable[Item], candidates: Sequence[tuple[str, Role]], containments: Mapping[str, float]
) -> tuple[Explanation, ...]:
    """Of the telling items that the right repository has, how many each candidate explains better or as well.

    `containments`: of each candidate, the share of the left's bits that it has.
    """
    right = next((name for name, role in candidates if role == "right"), "")
    shared = [
        {name: score for name, (score, _) in item.sources.items()}
        for item in items
        if item.telling and item.sources.get(right, (0.0,))[0] >= LEAST_SHARED
    ]
    better, tied = dict.fromkeys(containments, 0), dict.fromkeys(containments, 0)
    for scores in shared:
        others = max((scores.get(name, 0.0) for name, role in candidates if role != "right"), default=0.0)
        for name, role in candidates:
            lead = scores.get(name, 0.0) - (others if role == "right" else scores[right])
            better[name] += lead > SAME_SCORE
            tied[name] += abs(lead) <= SAME_SCORE
    return tuple(
        Explanation(name, kind, len(shared), better[name], tied[name], containments[name]) for name, _ in candidates
    )
