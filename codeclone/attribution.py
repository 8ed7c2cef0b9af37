"""Who explains what: the five-part partition, and the best explanation of each left fragment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeclone.model import PARTS, Partition, Role

DIGITS = 6
"""Decimals of bits in a partition: sums in another order differ in digits behind these."""

_ORDER: tuple[Role, ...] = ("ancestor", "claimed", "right")
"""What explains a fact first: a declared ancestor before a claimed source, both before the right repository."""


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
    for role in reversed(_ORDER):
        part = PARTS.index("attributable" if role == "right" else role)
        for its_role, facts in candidates:
            if its_role == role:
                parts[np.isin(keys, facts)] = part
    parts[bits < stock_bits] = PARTS.index("stock")
    return Explained(keys, bits, parts)


def added(partitions: Sequence[Partition]) -> Partition:
    """The sum, part by part."""
    return Partition(*(round(sum(getattr(partition, part) for partition in partitions), DIGITS) for part in PARTS))
