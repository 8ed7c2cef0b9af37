"""W7: how far two checkpoints went from a common ancestor in the same direction, A - R against B - R.

Siblings that were trained from one base on their own move independently of each other, up to what the same data make of both; a
copy goes where its source went.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

BETTER_ERRORS = 5.0
"""Standard errors by which the right tensor has to be nearer than the ancestor's to explain the left one better."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Of one tensor that all three have."""

    left: int
    right: int
    ancestor: int
    left_square: float
    """Mean square of the left less the ancestor."""
    right_square: float
    product: float
    """Mean product of both departures."""
    lead: float
    """How much nearer the right is to the left than the ancestor is, in standard errors; negative where the ancestor is nearer."""

    @property
    def agreement(self) -> float:
        """Correlation of the departures about 0; nan where a side did not move."""
        norm = math.sqrt(self.left_square * self.right_square)
        return self.product / norm if norm > 0 else math.nan

    @property
    def moved(self) -> bool:
        """Whether the left is anything but the ancestor."""
        return self.left_square > 0

    @property
    def explained(self) -> bool:
        """Whether the ancestor explains the left at least as well as the right does."""
        return self.lead < BETTER_ERRORS


def departure(places: tuple[int, int, int], left: Values, right: Values, ancestor: Values) -> Departure | None:
    """`places`: of the left, right and ancestor's tensor. None where no value is finite in all three."""
    finite = np.isfinite(left) & np.isfinite(right) & np.isfinite(ancestor)
    if not finite.any():
        return None
    a, b, r = (side[finite].astype(np.float64) for side in (left, right, ancestor))
    ours, theirs = a - r, b - r
    between, beyond = (a - b) ** 2, ours**2
    nearer = beyond - between
    spread = float(nearer.std())
    mean = float(nearer.mean())
    lead = mean / (spread / math.sqrt(len(a))) if spread > 0 else math.copysign(math.inf, mean) if mean else 0.0
    return Departure(
        *places,
        float(beyond.mean()),
        float((theirs**2).mean()),
        float((ours * theirs).mean()),
        lead,
    )


@dataclass(frozen=True, slots=True)
class Together:
    """The departures of all tensors."""

    tensors: int
    """That all three have, and in which the left moved."""
    unmoved: int
    """In which the left is the ancestor, value by value."""
    attributable: int
    """In which the right explains the left better than the ancestor does."""
    agreement: float
    """Median of the correlations; nan where fewer than three tensors moved on both sides."""
    toward: float
    """Median share of the way to the right that the left went: 1 where it went there and then somewhere else, 0 for siblings."""
    back: float
    """The same from the right's point of view."""


def together(departures: Iterable[Departure]) -> Together:
    """What all departures come to."""
    every = list(departures)
    moved = [d for d in every if d.moved]
    both = [d for d in moved if d.right_square > 0]
    return Together(
        tensors=len(moved),
        unmoved=len(every) - len(moved),
        attributable=sum(not d.explained for d in moved),
        agreement=_median([d.agreement for d in both]),
        toward=_median([d.product / d.right_square for d in both]),
        back=_median([d.product / d.left_square for d in both]),
    )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) >= 3 else math.nan
