"""What the ladder found, in measures, tables and plots."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from codeclone.match.chances import SMALLEST
from codeclone.match.figures import DIGITS
from codeclone.match.weight_alignment import Side
from codeclone.match.weight_conclusion import Beside
from codeclone.match.weight_direction import slopes
from codeclone.match.weight_groups import CLASSES, MATRICES, is_weights
from codeclone.match.weight_ladder import Ladder, Rung
from codeclone.match.weight_relation import RELATED_TO, UNRELATED, Judged
from codeclone.model import LADDER, Cell, Measure, Table, TableRow
from codeclone.plain import plain, shortened

MAX_ROWS = 1_000
"""Tensors that are listed."""

MAX_TEXT = 120
"""Characters of a name that are shown."""

UNLIKELY = 1e-3
"""Chance below which a rung of the table counts as one that speaks for a common origin."""


# Measures


def explained_share(tensor: Judged) -> float:
    """How much of the left tensor the right one has, in [0, 1]: the square of their correlation; 0 for one that has nothing to do
    with it, or of which that cannot be told."""
    if tensor.relation in UNRELATED:
        return 0.0
    part = tensor.part
    whole = (
        1.0 if part is None or part.moved else part.found / part.sampled
    )  # of rows that moved a sample has some alone
    if tensor.relation == "identical":
        return round(whole, DIGITS)
    return round(whole * min(max(tensor.difference.correlation, 0.0) ** 2, 1 - 0.1**DIGITS), DIGITS)


def measures(left: Side, right: Side, tensors: Sequence[Judged]) -> tuple[Measure, ...]:
    """Those of every pair of checkpoints, whatever was concluded. Each tensor counts by its numbers."""
    ours, theirs = _numbers(left), _numbers(right)
    told = [t for t in tensors if t.difference.left_sd > 0]
    shared = sum(_size(left, t.left) * explained_share(t) for t in told)
    matrices = [t for t in told if t.kind in MATRICES]
    alike = float(np.median([t.difference.correlation for t in matrices])) if matrices else 0.0
    return (
        Measure("similarity", _share(shared, ours + theirs - shared), "fraction", "numbers of tensors that one side's explain on the other, by the squares of their correlations, in those of both together"),
        Measure("containment_left", _share(shared, ours), "fraction", "share of the left's numbers that the right's explain"),
        Measure("containment_right", _share(shared, theirs), "fraction", "share of the right's numbers that the left's explain"),
        Measure("correlation", round(alike, DIGITS), "correlation", "median over the matrices that both have, about the means of columns and rows: 0 between strangers"),
    )  # fmt: skip


def explained_of(sides: Sequence[Side], tensors: Sequence[Sequence[Judged]]) -> float:
    """Share of the numbers of some checkpoints that others explain; `tensors`: of each what was found."""
    whole = sum(map(_numbers, sides))
    its = zip(sides, tensors, strict=True)
    return _share(sum(_size(side, t.left) * explained_share(t) for side, found in its for t in found), whole)


def found_measures(ladder: Ladder) -> tuple[Measure, ...]:
    """Of the pair that a finding is about."""
    found = [
        Measure("evidence", round(math.log10(max(ladder.evidence, 1e-9)), 3), "decades", "log10 of the e-value of a shared origin: the rungs W2 to W6 together, at most 6, before it is divided by the number of checkpoints looked at"),
    ]  # fmt: skip
    noise = ladder.overall.noise
    if noise is not None and ladder.overall.relation == "noise":
        found.append(
            Measure("noise_sd", float(f"{noise.sd:.6g}"), "sd", "of the noise, without what rounding to the type adds")
        )
    return tuple(found)


def _numbers(side: Side) -> int:
    return sum(
        math.prod(tensor.shape or ())
        for tensor, sample in zip(side.checkpoint.tensors, side.samples.tensors, strict=True)
        if sample is not None and is_weights(tensor)
    )


def _size(side: Side, place: int) -> int:
    return math.prod(side.shape(place) or ())


def _share(part: float, whole: float) -> float:
    return round(min(1.0, part / whole), DIGITS) if whole else 0.0


# Tables


def tables(left: Side, right: Side, ladder: Ladder, beside: Sequence[Beside]) -> tuple[Table, ...]:
    """The ladder, the classes of tensors, what ancestors have, and each tensor."""
    made = (_ladder(ladder, beside), _classes(ladder.tensors), _beside(beside), _tensors(left, right, ladder.tensors))
    return tuple(table for table in made if table.rows)


def _ladder(ladder: Ladder, beside: Sequence[Beside]) -> Table:
    rungs = [*ladder.rungs, *_w7(beside), *_w8(ladder), *_w9(ladder)]
    rows = tuple(
        TableRow(
            "same" if rung.chance is not None and rung.chance <= UNLIKELY else "edited",
            (rung.name, rung.asks, rung.value or None, rung.null or None, _chance(rung.chance), rung.status, rung.sample or None, rung.seed or None),
        )
        for rung in rungs
    )  # fmt: skip
    columns = ("rung", "what it asks", "found", "null hypothesis", "p", "how p is known", "sample", "seed")
    return Table(LADDER, columns, rows)


def _chance(chance: float | None) -> Cell:
    if chance is not None and chance <= SMALLEST:
        return f"below {SMALLEST:g}"
    return None if chance is None else float(f"{chance:.2g}")


def _w7(beside: Sequence[Beside]) -> list[Rung]:
    asks = "did both leave the ancestor in the same direction? median correlation of the departures"
    rungs = []
    for its in beside:
        departures = its.departures
        if departures is None or math.isnan(departures.agreement) or not its.related:
            continue  # from a stranger any two that are alike went the same way
        value = f"{departures.agreement:.3g} from {its.told}; the left went {departures.toward:.3g} of the right's way, the right {departures.back:.3g} of the left's"
        null = "they moved independently: siblings come to what the same data make of both"
        rungs.append(
            Rung(
                "W7",
                asks,
                value,
                null,
                its.chance,
                "calibrated",
                f"{departures.tensors:,} tensors that the left changed",
            )
        )
    return rungs


def _w8(ladder: Ladder) -> list[Rung]:
    related = [t.difference for t in ladder.tensors if t.relation in RELATED_TO and t.relation != "identical"]
    if not related:
        return []
    noise = ladder.overall.noise
    parts = [
        f"{name} {float(np.median(values)):.3g}"
        for name, values in (
            ("median kurtosis", [d.kurtosis for d in related if not math.isnan(d.kurtosis)]),
            ("s1 in units of independent values", [d.edge for d in related if not math.isnan(d.edge)]),
            ("spread of row variances in the same", [d.row_spread for d in related if not math.isnan(d.row_spread)]),
            ("|mean| in standard errors", [abs(d.mean) * math.sqrt(d.count) / d.sd for d in related if d.sd > 0]),
        )
        if values
    ]
    if noise is not None:
        parts.append(f"coefficient of variation of the sd over {noise.tensors:,} tensors {noise.spread:.2g}")
    return [
        Rung(
            "W8", "what does the difference look like?", ", ".join(parts),
            "independent noise: kurtosis 0, s1 1, spread 1, the same sd everywhere", None, "parametric", f"{len(related):,} tensors",
        )
    ]  # fmt: skip


def _w9(ladder: Ladder) -> list[Rung]:
    its = slopes(ladder.tensors) if ladder.overall.relation == "noise" else None
    if its is None:
        return []
    value = f"left on right {its.left_on_right:.5f}, right on left {its.right_on_left:.5f}, ± {its.error:.1g}"
    null = "the side with the noise has a slope of 1 on the other, the other one below 1 on it"
    without_factor = sum(t.relation == "noise" and t.scale == 1 for t in ladder.tensors)
    return [
        Rung(
            "W9",
            "which side has the noise?",
            value,
            null,
            None,
            "parametric",
            f"{without_factor:,} tensors without a factor",
        )
    ]


def _classes(tensors: Sequence[Judged]) -> Table:
    rows = []
    for kind in CLASSES:
        its = [t for t in tensors if t.kind == kind]
        if its:
            noisy = [t.difference.noise for t in its if t.relation == "noise"]
            rows.append(
                TableRow(
                    "same" if all(t.relation in RELATED_TO for t in its) else "edited",
                    (
                        kind, len(its), _told(its), _median([t.difference.correlation for t in its]),
                        _median([t.difference.sd for t in its]), _median(noisy), _median([t.difference.kurtosis for t in its]),
                    ),
                )
            )  # fmt: skip
    columns = (
        "class",
        "tensors",
        "what they are to the right's",
        "correlation",
        "sd of the difference",
        "fitted noise",
        "kurtosis",
    )
    return Table("Classes of tensors (medians)", columns, tuple(rows))


def _told(tensors: Sequence[Judged]) -> str:
    counts = Counter(tensor.relation for tensor in tensors)
    return ", ".join(f"{count:,} {relation}" for relation, count in counts.most_common())


def _median(values: Sequence[float]) -> float | None:
    known = [value for value in values if math.isfinite(value)]
    return float(f"{float(np.median(known)):.6g}") if known else None


def _beside(beside: Sequence[Beside]) -> Table:
    rows = []
    for its in beside:
        departures = its.departures
        cells: tuple[Cell, ...] = (its.told, _relations(its), *([None] * 6))
        if departures is not None:
            way = (departures.agreement, departures.toward) if its.related else (math.nan, math.nan)
            cells = (
                its.told, _relations(its), departures.unmoved, departures.tensors, departures.attributable,
                *map(_number, way), _chance(its.chance) if its.related else None,
            )  # fmt: skip
        rows.append(TableRow("same" if its.explains else "edited", cells))
    columns = (
        "candidate", "what the left is to it", "tensors equal to it", "changed by the left", "of these nearer to the right",
        "correlation of departures", "share of the way to the right", "p (W7)",
    )  # fmt: skip
    return Table("Ancestors and claimed sources", columns, tuple(rows))


def _relations(its: Beside) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in its.overall.counts.items()) or "nothing to compare"


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _tensors(left: Side, right: Side, tensors: Sequence[Judged]) -> Table:
    rows = []
    for tensor in tensors[:MAX_ROWS]:
        d = tensor.difference
        rows.append(
            TableRow(
                "same" if tensor.relation == "identical" else "only_left" if tensor.relation == "unrelated" else "edited",
                (
                    shown_name(left, tensor.left), shown_name(right, tensor.right), tensor.relation, d.count,
                    *(_number(v) for v in (d.correlation, d.mean, d.sd, d.noise, d.kurtosis, d.slope_left, d.slope_right, d.edge, d.row_spread)),
                    d.rank or None, _number(d.equal), _number(d.left_zeros), _number(d.right_zeros), _number(tensor.scale) if tensor.scale != 1 else None,
                    _part(tensor), *(tensor.digests or (None, None)),
                ),
            )
        )  # fmt: skip
    columns = (
        "left", "right", "relation", "values", "correlation", "mean", "sd", "noise", "kurtosis", "slope left on right",
        "slope right on left", "s1", "row spread", "rank", "equal", "zeros left only", "zeros right only", "factor", "part", "SHA-256 left", "SHA-256 right",
    )  # fmt: skip
    return Table("Tensors", columns, tuple(rows), max(0, len(tensors) - MAX_ROWS))


def _part(tensor: Judged) -> str | None:
    its = tensor.part
    if its is None:
        return None
    return f"{its.found:,} of {its.sampled:,} rows or columns" + f", {its.moved:,} elsewhere" * (its.moved > 0)


def shown_name(side: Side, place: int) -> str:
    return shortened(plain(side.checkpoint.tensors[place].name), MAX_TEXT)
