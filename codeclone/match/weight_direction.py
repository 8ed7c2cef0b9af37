"""W9: which of two checkpoints has the noise, or was rounded, quantised or pruned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codeclone.match.weight_overall import Overall
from codeclone.match.weight_relation import Judged

Direction = Literal["", "left from right", "right from left"]
"""As `Evidence.direction`."""

Floats = NDArray[np.float64]

SAME_SLOPE, OTHER_SLOPE = 4.0, 8.0
"""Standard errors: a slope is 1 within the first and is not 1 beyond the second."""

BETTER = 25.0
"""By how much less chi^2 one factor for all slopes may leave than noise does, which has no such factor to choose."""


def direction_of(whole: Overall, tensors: Sequence[Judged]) -> tuple[Direction, str]:
    """W9 and what was rounded, quantised or pruned: (direction as in `Evidence`, why); empty where it cannot be told."""
    relation = whole.relation
    if relation == "noise":
        return _by_slopes(tensors)
    if relation in ("rounded", "quantised", "pruned"):
        sides = {tensor.toward for tensor in tensors if tensor.relation == relation}
        done = {"rounded": "rounded", "quantised": "quantised", "pruned": "set to zero"}[relation]
        if sides == {"left"}:
            return "left from right", f"what was {done} is the left"
        if sides == {"right"}:
            return "right from left", f"what was {done} is the right"
    return "", ""


@dataclass(frozen=True, slots=True)
class Slopes:
    """W9: both regressions, over all tensors with noise."""

    left_on_right: float
    right_on_left: float
    error: float
    """Standard error of both."""
    like_noise: tuple[bool, bool]
    """Whether noise on the left makes the slopes of the right on the left what they are in each tensor, and the other way round."""

    @property
    def direction(self) -> Direction:
        ours, theirs = ((1 - slope) / self.error for slope in (self.left_on_right, self.right_on_left))
        if abs(ours) <= SAME_SLOPE and theirs >= OTHER_SLOPE and self.like_noise[0]:
            return "left from right"
        return "right from left" if abs(theirs) <= SAME_SLOPE and ours >= OTHER_SLOPE and self.like_noise[1] else ""


def slopes(tensors: Sequence[Judged]) -> Slopes | None:
    """Of the tensors with noise on top, each weighed by how exactly its slope is known."""
    noisy = [t.difference for t in tensors if t.relation == "noise" and t.scale == 1 and t.difference.slope_error > 0]
    if not noisy:
        return None
    weights = np.array([1 / d.slope_error**2 for d in noisy])
    ours, theirs = (np.array([getattr(d, name) for d in noisy]) for name in ("slope_left", "slope_right"))
    squares = np.array([(d.noise / d.left_sd, d.noise / d.right_sd) for d in noisy]).T ** 2
    return Slopes(
        float(np.average(ours, weights=weights)),
        float(np.average(theirs, weights=weights)),
        1 / math.sqrt(float(weights.sum())),
        (_like_noise(theirs, squares[0], weights), _like_noise(ours, squares[1], weights)),
    )


def _like_noise(slopes: Floats, squares: Floats, weights: Floats) -> bool:
    """Whether slopes are smaller by what noise takes from them, which depends on how large the tensor's values are, and not all by
    one factor. `squares`: of noise in units of the side that has it."""
    by_noise = float((weights * (slopes - 1 + squares) ** 2).sum())
    by_factor = float((weights * (slopes - np.average(slopes, weights=weights)) ** 2).sum())
    return by_noise <= by_factor + BETTER


def _by_slopes(tensors: Sequence[Judged]) -> tuple[Direction, str]:
    found = slopes(tensors)
    if found is None:
        return "", "which side has the noise cannot be told, as they agree up to a factor"
    figures = (
        f"slope of the left on the right {found.left_on_right:.5f}, of the right on the left {found.right_on_left:.5f}, each ± "
        f"{found.error:.1g}"
    )
    if not found.direction:
        factor = "" if all(found.like_noise) else "; a factor may be in it"
        return "", f"which side has the noise cannot be told ({figures}{factor})"
    noisy = "left" if found.direction == "left from right" else "right"
    return (
        found.direction,
        f"the noise is on the {noisy} ({figures}; the side with the noise on top has a slope of 1 on the other)",
    )
