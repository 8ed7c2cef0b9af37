"""Plots of what lies between two checkpoints: the difference tensor by tensor, and against the normal distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from codeclone.match.tensor_names import natural
from codeclone.match.weight_alignment import Side, grids
from codeclone.match.weight_ladder import Ladder
from codeclone.match.weight_relation import RELATED_TO, Judged
from codeclone.match.weight_showing import shown_name
from codeclone.model import Plot, PlotLine, Series

MAX_POINTS = 1_000
"""Tensors that are drawn."""

QUANTILES = 99
"""Points of the plot against the normal distribution: the percentiles."""


def plots(left: Side, right: Side, ladder: Ladder, pairs: Mapping[int, int]) -> tuple[Plot, ...]:
    """The difference tensor by tensor, and against the normal distribution; nothing where hardly anything is related."""
    shown = [
        t for t in ladder.tensors if t.relation in RELATED_TO and t.relation != "identical" and t.difference.sd > 0
    ]
    if len(shown) < 3:
        return ()
    shown.sort(key=lambda t: natural(left.checkpoint.tensors[t.left].name))
    return tuple(plot for plot in (_by_tensor(left, ladder, shown), _quantiles(left, right, shown, ladder)) if plot)


def _by_tensor(left: Side, ladder: Ladder, shown: Sequence[Judged]) -> Plot:
    step = max(1, math.ceil(len(shown) / MAX_POINTS))
    drawn = [*enumerate(shown, 1)][::step]
    names = tuple(shown_name(left, t.left) for _, t in drawn)
    noise = ladder.overall.noise if ladder.overall.relation == "noise" else None
    sds = tuple((float(n), float(f"{_sd(t):.5g}")) for n, t in drawn)
    means = tuple((float(n), float(f"{t.difference.mean:.3g}")) for n, t in drawn)
    lines = (PlotLine(f"fitted noise, sd {noise.sd:.3g}", float(f"{noise.sd:.5g}")),) if noise else ()
    says = (
        f"The sd of the difference is {noise.sd:.3g} in {noise.tensors:,} of {len(shown):,} tensors, and its mean 0: noise of one size"
        if noise and noise.level == "equal"
        else f"The sd of the difference goes from {min(y for _, y in sds):.2g} to {max(y for _, y in sds):.2g} over the tensors"
    )
    return Plot(
        "Difference of left and right, tensor by tensor", "tensor, in the order of the model", "difference, as the weights are counted",
        (Series("sd", sds, names), Series("mean", means, names)), lines, f"{says}.",
    )  # fmt: skip


def _sd(tensor: Judged) -> float:
    noise = tensor.difference.noise
    return noise if tensor.relation == "noise" and math.isfinite(noise) else tensor.difference.sd


def _quantiles(left: Side, right: Side, shown: Sequence[Judged], ladder: Ladder) -> Plot | None:
    """Of the tensor in which most of the difference is to be seen; the first of equals."""
    in_place = [t for t in shown if t.part is None and t.scale == 1]
    if not in_place:
        return None
    tensor = max(in_place, key=lambda t: (t.kind == "matrix", t.difference.visible))
    values = grids(left, right, {tensor.left: tensor.right}, tensor.left)
    if values is None:
        return None
    finite = np.isfinite(values[0]) & np.isfinite(values[1])
    gap = values[0][finite].astype(np.float64) - values[1][finite]
    spread = float(gap.std())
    if not spread:
        return None
    ranks = [n / (QUANTILES + 1) for n in range(1, QUANTILES + 1)]
    found: NDArray[np.float64] = np.quantile((gap - gap.mean()) / spread, ranks)
    normal = NormalDist()
    points = tuple(
        (round(normal.inv_cdf(rank), 4), float(f"{value:.4g}")) for rank, value in zip(ranks, found, strict=True)
    )
    off = max(abs(y - x) for x, y in points)
    says = f"The percentiles of the difference lie within {off:.2g} sd of those of a normal distribution."
    name = shown_name(left, tensor.left)
    return Plot(
        f"Difference in {name} against a normal distribution", "percentile of the normal distribution, in sd",
        "percentile of the difference, in its sd", (Series("percentiles", points),), (PlotLine("normal", 0.0, 1.0),), says,
    )  # fmt: skip
