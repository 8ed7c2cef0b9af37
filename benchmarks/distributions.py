"""The reference distributions that ship: what figures are in pairs of repositories that did not copy from each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import ceil, floor
from typing import Any

import configs
import numpy as np
from scipy.stats import beta

from codeclone.match.setting_showing import measures
from codeclone.model import KIND_TITLES, LEVELS
from codeclone.reference import ATTRIBUTABLE, FILE, HELD, LEAST_PAIRS, WHOLE

Row = dict[str, Any]

FIGURES = ("similarity", "containment_left", "containment_right", "telling_bits", "attributable_bits")
"""Of the best pair of a left fragment."""

TOLD = {
    "packages": "pairs of packages by different authors",
    "siblings, older release": "pairs of unrelated model folders of transformers beside an older release of it",
    "architectures": "pairs of implementations of one architecture by different authors",
}
"""Populations that count as unrelated or honest, as reports call them. Those that declare a shared origin are none, and
model folders beside their own release are explained by it: they would only make rates look smaller."""

STRANGERS = ("packages", "architectures")
"""Populations of the reference distributions: nothing there is a common ancestor that could explain what is shared."""

OF_FRAGMENTS = "packages"
"""Population of the reference distributions of fragments."""

GRID = sorted({*np.arange(0, 1.0, 0.005).tolist(), *np.arange(0.99, 1.0, 0.0005).tolist(), 0.9999, 1.0})
"""Ranks at which a distribution is kept, where there are more values than these."""

DIGITS = 6


def upper(found: int, tried: int, confidence: float = 0.95) -> float:
    """One-sided upper Clopper-Pearson limit of a rate."""
    return 1.0 if found == tried else float(beta.ppf(confidence, found + 1, tried - found))


def write(rows: Sequence[Row]) -> None:
    """Write them from the rows of the pairs that were compared."""
    stored = {"populations": populations(rows), "distributions": [*_whole(rows), *_code(rows), *_config()]}
    FILE.write_text(
        json.dumps(stored, indent=None, separators=(",", ":")).replace("},{", "},\n{") + "\n", encoding="utf-8"
    )
    print(f"\n{FILE.name}: {FILE.stat().st_size:,} bytes, {len(stored['distributions'])} distributions")


def populations(rows: Sequence[Row]) -> list[Row]:
    """How many pairs of each population reached each level, with limits; all of them together first."""
    groups = {"all": ("unrelated or honest pairs measured", tuple(TOLD))}
    groups |= {name: (told, (name,)) for name, told in TOLD.items()}
    found = {name: (told, [r for r in rows if r["population"] in its]) for name, (told, its) in groups.items()}
    return [_population(name, told, its) for name, (told, its) in found.items() if its]


def _population(name: str, told: str, rows: Sequence[Row]) -> Row:
    reached = {level: sum(LEVELS.index(r["level"]) >= LEVELS.index(level) for r in rows) for level in LEVELS[1:]}
    limits = {level: round(upper(count, len(rows)), DIGITS) for level, count in reached.items()}
    return {"name": name, "told": told, "pairs": len(rows), "reached": reached, "limits": limits}


def _whole(rows: Sequence[Row]) -> Iterator[Row]:
    its = [row for row in rows if row["population"] in STRANGERS]
    told = "pairs of unrelated repositories"
    shares = [row["attributable_share"] for row in its if row["attributable_share"] is not None]
    yield from distribution(WHOLE, ATTRIBUTABLE, told, shares)
    for kind in sorted({kind for row in its for kind in row["held"]}):
        yield from distribution(WHOLE, KIND_TITLES[kind] + HELD, told, held(its, kind))


def held(rows: Sequence[Row], kind: str) -> list[float]:
    """The share held of a kind, where the left has something of it that is not stock, and the right anything: a share of
    nothing says nothing."""
    return [row["held"][kind] for row in rows if kind in row.get("both", ("code",))]


def _code(rows: Sequence[Row]) -> Iterator[Row]:
    best = [figures for row in rows if row["population"] == OF_FRAGMENTS for figures in row["best"]]
    told = "left fragments of unrelated packages, each with its best right one,"
    for name in FIGURES:
        yield from distribution("code", name, told, [figures[name] for figures in best])


def _config() -> Iterator[Row]:
    found = [
        {measure.name: measure.value for measure in measures(pair, pair.weighed, pair.ratio, 0.0)}
        for _, _, pair in configs.drawn()
    ]
    told = "pairs of configuration classes of different model families"
    for name in ("decades", "similarity", "containment_left", "containment_right"):
        yield from distribution("config", name, told, [figures[name] for figures in found])


def distribution(kind: str, measure: str, told: str, values: Sequence[float]) -> Iterator[Row]:
    """One distribution as it is stored; none of fewer than `LEAST_PAIRS` values.

    Values are rounded up and shares down, so that what is told of a figure is never more than was measured.
    """
    count = len(values)
    if count < LEAST_PAIRS:
        return
    ordered = sorted(values)
    ranks = range(1, count + 1) if count <= len(GRID) else sorted({max(1, ceil(share * count)) for share in GRID})
    kept: dict[float, float] = {}
    for rank in ranks:
        kept[ceil(ordered[rank - 1] * 10**DIGITS) / 10**DIGITS] = floor(rank / count * 10**DIGITS) / 10**DIGITS
    yield {
        "kind": kind,
        "measure": measure,
        "told": told,
        "count": count,
        "values": list(kept),
        "shares": list(kept.values()),
    }
