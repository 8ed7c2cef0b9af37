"""What weights.py found, printed and as docs/weights.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

from codeclone.model import LEVELS

Row = dict[str, Any]

RUNGS = ("W2", "W3", "W4", "W5", "W6", "W7")
FOUND = 1e-6
"""Chance from which on a rung counts as having found a copy."""

CONFIDENCE = 0.95
NOISE = 1 / 708


def limits(found: int, count: int) -> tuple[float, float]:
    """Two-sided 95 % Clopper-Pearson limits of a rate."""
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, found, count - found + 1)) if found else 0.0
    high = float(beta.ppf(1 - tail, found + 1, count - found)) if found < count else 1.0
    return low, high


def upper(found: int, count: int) -> float:
    """One-sided 95 % Clopper-Pearson limit of a rate."""
    return float(beta.ppf(CONFIDENCE, found + 1, count - found)) if found < count else 1.0


def tell(name: str, rows: Sequence[Row]) -> None:
    """Print a population."""
    print(f"\n{name}: {len(rows):,} pairs, {np.median([row['seconds'] for row in rows]):.2f} s each")
    for line in (*_levels(rows), *_by_name(rows), *_false(rows)):
        print(f"  {line}")


def _levels(rows: Sequence[Row]) -> Iterator[str]:
    counts = Counter(row["level"] for row in rows)
    for level in LEVELS:
        reached = sum(counts[name] for name in LEVELS[LEVELS.index(level) :])
        if level != "none" and (reached or level == "strong"):
            yield f"{level} or above: {reached:,} of {len(rows):,}, at most {upper(reached, len(rows)):.2%}"


def _by_name(rows: Sequence[Row]) -> Iterator[str]:
    for name in dict.fromkeys(row["name"] for row in rows):
        its = [row for row in rows if row["name"] == name]
        yield f"{name:52s} {len(its):4d}  {_told(its)}"


def _told(rows: Sequence[Row]) -> str:
    levels = ", ".join(f"{count} {level}" for level, count in Counter(row["level"] for row in rows).most_common())
    claims = Counter(row["claim"] for row in rows).most_common(2)
    rungs = " ".join(
        f"{rung} {found}/{len(values)}"
        for rung in RUNGS
        if (values := [row["chances"][rung] for row in rows if rung in row["chances"]])
        and (found := sum(value <= FOUND for value in values)) is not None
    )
    directions = Counter(row["direction"] or "-" for row in rows).most_common(2)
    return f"{levels} | {rungs} | {claims[0][0][:48]} {claims[0][1]} | {directions}"


def _false(rows: Sequence[Row]) -> Iterator[str]:
    """How often rungs reject independence between strangers."""
    its = [row for row in rows if row["relation"] == "stranger"]
    for rung in RUNGS if its else ():
        values = [row["chances"][rung] for row in its if rung in row["chances"]]
        if values:
            told = ", ".join(f"p <= {at:g}: {sum(v <= at for v in values)}" for at in (0.05, 0.01, 1e-3, 1e-6))
            yield f"{rung} in {len(values):,} pairs of strangers: {told}; smallest {min(values):.2g}"


def document(told: Mapping[str, str], rows: Mapping[str, Sequence[Row]]) -> None:
    """Write docs/weights.md."""
    raise NotImplementedError


PAGE = Path(__file__).parent.parent / "docs" / "weights.md"
