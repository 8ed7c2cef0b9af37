"""What weights.py found, printed and as docs/weights.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from distributions import upper
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


# The page


INTRODUCTION = """# What the ladder of weights finds, and what it does not

Written by `make bench-weights`, which makes or trains every model that it compares (benchmarks/small_models.py,
small_training.py, disguises.py). *Simulated* models have the habits of trained ones, scales by depth, gains near 1, rows with a
common direction, uneven tokens, and no values in common; *trained* ones are language models of 354,000 parameters that were
trained on synthetic text. All are small, and large ones were not measured.

How to read it. W2 asks whether neurons stand beside their like, W3 whether the best assignment leaves them there, W4 whether two
matrices name the same partner in whatever order, W5 the same in whatever basis, W6 whether neurons are as alike to each other; W7
whether both left an ancestor in the same direction ([statistics.md](statistics.md)). A cell `20/20 (0.83-1.00)` is how many pairs a
rung found, of those in which it could be tested, with 95 % Clopper-Pearson limits; it has found a copy where its p is at most 1e-6. What
is lost to one rung another may find: neurons in another order to W2 and not to W4. *What is said* is the claim of the report. No
ancestor was given in the first three tables, so what could come from a common public source is *moderate*. *Not told* is a
direction that the values do not show; a factor of 0.999 is chosen so that it looks like noise on the other side.
"""


def document(told: Mapping[str, str], rows: Mapping[str, Sequence[Row]]) -> None:
    """Write docs/weights.md."""
    parts = [INTRODUCTION]
    for name in ("disguised", "trained, disguised", "derived"):
        parts += [f"## {told[name][0].upper()}{told[name][1:]}", *_disguise_table(rows[name])]
    parts += ["## Noise of 1/708", *_noise_table(rows["noise"])]
    parts += ["## Strangers of one architecture", *_strangers(told, rows)]
    parts += ["## Siblings, with their base as ancestor", *_siblings(told, rows)]
    PAGE.write_text("\n\n".join(part.rstrip() for part in parts) + "\n", encoding="utf-8")
    REFERENCE.write_text(json.dumps({"populations": _innocent(told, rows)}, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten: docs/{PAGE.name}, codeclone/data/{REFERENCE.name}")


def _innocent(told: Mapping[str, str], rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """How often pairs that did not copy from each other came to a level, as codeclone.reference reads it: all, then each population."""
    every = [row for name in INNOCENT for row in rows[name]]
    parts = [("all", ALL_INNOCENT, every), *((name, told[name], rows[name]) for name in INNOCENT)]
    found = []
    for name, its_told, its in parts:
        reached = {level: sum(LEVELS.index(row["level"]) >= LEVELS.index(level) for row in its) for level in LEVELS[1:]}
        limit = {level: round(upper(count, len(its)), 6) for level, count in reached.items()}
        found.append({"name": name, "told": its_told, "pairs": len(its), "reached": reached, "limits": limit})
    return found


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    made = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in made)


def _grouped(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for name in dict.fromkeys(row["name"] for row in sorted(rows, key=lambda row: row["name"])):
        yield name, [row for row in rows if row["name"] == name]


def _most(values: Sequence[str]) -> str:
    """Each value with its number, the most frequent first; the value alone where there is one."""
    counts = sorted(Counter(values).items(), key=lambda its: (-its[1], its[0]))
    return counts[0][0] if len(counts) == 1 else ", ".join(f"{count} {value}" for value, count in counts)


def _power(rows: Sequence[Row], rung: str) -> str:
    values = [row["chances"][rung] for row in rows if rung in row["chances"]]
    if not values:
        return "-"
    found = sum(value <= FOUND for value in values)
    low, high = limits(found, len(values))
    return f"{found}/{len(values)} ({low:.2f}-{high:.2f})"


def _disguise_table(rows: Sequence[Row]) -> list[str]:
    head = ("the left is the right with", "pairs", *RUNGS[:5], "level", "what is said", "direction")
    lines = [
        (
            name, len(its), *(_power(its, rung) for rung in RUNGS[:5]), _most([row["level"] for row in its]),
            _most([row["claim"] for row in its]), _most([row["direction"] or "not told" for row in its]),
        )
        for name, its in _grouped(rows)
    ]  # fmt: skip
    return [_table(head, lines)]


def _noise_table(rows: Sequence[Row]) -> list[str]:
    head = ("stored as, noise on", "pairs", "named as noise", "sd off by at most", "direction right", "level")
    lines = []
    for name, its in _grouped(rows):
        side = "right from left" if "on the right" in name else "left from right"
        named = [row for row in its if "noise on top" in row["claim"]]
        off = max((abs(row["measures"]["noise_sd"] / NOISE - 1) for row in named), default=float("nan"))
        right = sum(row["direction"] == side for row in its)
        lines.append((name, len(its), len(named), f"{off:.2%}", right, _most([row["level"] for row in its])))
    return [_table(head, lines)]


def _strangers(told: Mapping[str, str], rows: Mapping[str, Sequence[Row]]) -> list[str]:
    parts = []
    for name in ("strangers", "trained strangers"):
        its = rows[name]
        lines = []
        for rung in RUNGS[:5]:
            values = np.array([row["chances"][rung] for row in its if rung in row["chances"]])
            if len(values):
                counts = [int((values <= at).sum()) for at in (0.05, 0.01, 1e-3, FOUND)]
                rate = f"{counts[2] / len(values):.2%}, at most {upper(counts[2], len(values)):.2%}"
                lines.append((rung, len(values), *counts, rate, f"{values.min():.2g}"))
        head = ("rung", "pairs", "p <= 0.05", "p <= 0.01", "p <= 0.001", "p <= 1e-6", "rate at 0.001", "smallest p")
        parts += [f"{len(its):,} {told[name]}: {_reached(its)}.", _table(head, lines)]
    return parts


def _siblings(told: Mapping[str, str], rows: Mapping[str, Sequence[Row]]) -> list[str]:
    parts = []
    for name in ("siblings", "trained siblings"):
        its = rows[name]
        lines = []
        for kind, some in _grouped(its):
            figures = [row["beside"][0] for row in some if row.get("beside")]
            agreeing = [row[5] for row in figures if row[5] is not None]
            span = f"{min(agreeing):.2f} to {max(agreeing):.2f}" if agreeing else "-"
            lines.append((kind, len(some), _most([row["level"] for row in some]), span))
        parts += [
            f"{len(its):,} {told[name]}: {_reached(its)}.",
            _table(("siblings", "pairs", "level", "correlation of departures (W7)"), lines),
        ]
    return parts


def _reached(rows: Sequence[Row]) -> str:
    told = []
    for level in LEVELS[1:4]:
        count = sum(LEVELS.index(row["level"]) >= LEVELS.index(level) for row in rows)
        told.append(f"{level} or above {count} (at most {upper(count, len(rows)):.2%})")
    return ", ".join(told)


ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "weights.md"
REFERENCE = ROOT / "codeclone" / "data" / "weights.json"

INNOCENT = ("strangers", "trained strangers", "siblings", "trained siblings")
ALL_INNOCENT = (
    "pairs of small models that were initialised independently, or trained from one base that was given as ancestor"
)
