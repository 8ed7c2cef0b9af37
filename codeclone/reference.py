"""Where a figure stands among those of repositories that did not copy from each other.

data/reference.json is made by `make bench-calibration` (docs/calibration.md says what was compared). A distribution is kept as
values at fixed ranks, so a share that is told is never above the one that was measured. Where fewer than `LEAST_PAIRS` were
measured there is none.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from codeclone.model import UNRELATED, Control, Evidence, Level

FILE = Path(__file__).parent / "data" / "reference.json"

WEIGHTS_FILE = Path(__file__).parent / "data" / "weights.json"
"""Made by `make bench-weights` (docs/weights.md): the repositories behind the other one have hardly any weights."""

WHOLE = "whole"
"""Kind of the figures of whole comparisons; those of findings have the kind of the finding."""

ATTRIBUTABLE = "attributable share"
"""Measure of a whole comparison: attributable bits in all of the left's bits that are not stock."""

HELD = ": share held"
"""End of the measures of whole comparisons that have a control for each candidate, behind the title of the kind."""

LEAST_PAIRS = 100
"""A percentile among fewer than this says little about what is rare, and is not given."""

PYTHON = (".py", ".pyi", ".pyw", ".ipynb")
"""Findings in code of other languages have no reference: only packages of Python were compared."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What one figure was in pairs of strangers."""

    count: int
    told: str
    """What was measured, in the plural."""
    values: tuple[float, ...]
    """Ascending."""
    shares: tuple[float, ...]
    """For each value the share of what was measured that has no more."""

    def below(self, value: float) -> float:
        """Share of what was measured that is surely below a value."""
        place = bisect_left(self.values, value)
        return self.shares[place - 1] if place else 0.0


@dataclass(frozen=True, slots=True)
class Reached:
    """How many comparisons of a population came to a level or above."""

    told: str
    """What was compared, in the plural."""
    pairs: int
    reached: int
    limit: float
    """One-sided upper 95 % Clopper-Pearson limit of the rate."""


@dataclass(frozen=True, slots=True)
class _Tables:
    distributions: Mapping[tuple[str, str], Distribution]
    """By kind and measure."""
    levels: Mapping[str, tuple[Reached, ...]]
    """By level; all populations together first."""


@cache
def _tables() -> _Tables:
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    distributions = {
        (row["kind"], row["measure"]): Distribution(
            row["count"], row["told"], tuple(row["values"]), tuple(row["shares"])
        )
        for row in stored["distributions"]
        if row["count"] >= LEAST_PAIRS
    }
    return _Tables(MappingProxyType(distributions), _levels(stored["populations"]))


@cache
def _of_weights() -> Mapping[str, tuple[Reached, ...]]:
    return _levels(json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))["populations"])


def _levels(rows: Sequence[Any]) -> Mapping[str, tuple[Reached, ...]]:
    """Level -> all populations together, then each."""
    return MappingProxyType(
        {
            level: tuple(
                Reached(row["told"], row["pairs"], row["reached"][level], row["limits"][level]) for row in rows
            )
            for level in rows[0]["reached"]
        }
    )


def measures() -> tuple[tuple[str, str], ...]:
    """(kind, measure) of all that has a reference."""
    return tuple(sorted(_tables().distributions))


def standing(kind: str, measure: str, value: float) -> Control | None:
    """The share of unrelated pairs that have less; None where that was not measured.

    `kind`: of a finding, or `WHOLE` for the measures of a whole comparison: `ATTRIBUTABLE`, or one that ends in `HELD`.
    """
    found = _tables().distributions.get((kind, measure))
    if found is None:
        return None
    return Control(UNRELATED, measure, found.below(value), f"share of {found.count:,} {found.told} that have less")


def whole_standings(controls: Iterable[Control], right: str, attributable: float) -> tuple[Control, ...]:
    """Where a whole comparison stands. `controls`: of the report; `right`: the name of its right candidate;
    `attributable`: bits in all of the left's bits that are not stock."""
    figures = [(ATTRIBUTABLE, attributable)]
    figures += [(control.measure, control.value) for control in controls if control.name == f"left ~ {right}"]
    return tuple(row for measure, value in figures if (row := standing(WHOLE, measure, value)) is not None)


def with_standings(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The findings, each with the standing of those of its measures that have a reference."""
    return tuple(replace(found, controls=(*found.controls, *_standings(found))) for found in evidence)


def _standings(finding: Evidence) -> list[Control]:
    if finding.kind == "code" and not finding.left[0].location.path.lower().endswith(PYTHON):
        return []
    rows = (standing(finding.kind, measure.name, measure.value) for measure in finding.measures)
    return [row for row in rows if row is not None]


def reached(level: Level, weights: bool = False) -> tuple[str, ...]:
    """How often unrelated or honest pairs came so high, in parts of a sentence: all that were measured, then the population
    in which it is the most frequent. Empty for the level `none`, which all reach. `weights`: whether it was reached by weights alone."""
    rows = (_of_weights() if weights else _tables().levels).get(level, ())
    if not rows:
        return ()
    every, *others = rows
    worst = max(others, key=lambda row: row.reached / row.pairs)
    parts = [
        f"of {every.pairs:,} {every.told}, {_number(every.reached)} reached this level or above; with 95 % confidence at "
        f"most {percent(every.limit)} % of such pairs do"
    ]
    if worst.reached:
        parts.append(
            f"the most among {worst.told}: {worst.reached:,} of {worst.pairs:,}, at most {percent(worst.limit)} %"
        )
    return tuple(parts)


def _number(count: int) -> str:
    return f"{count:,}" if count else "none"


def percent(share: float) -> str:
    """Rounded up: it is a limit."""
    return f"{math.ceil(share * 1000 - 1e-9) / 10:.1f}"
