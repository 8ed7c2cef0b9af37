"""What calibration.py found, printed and as tables of docs/calibration.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from distributions import TOLD, held, populations, upper

from codeclone.model import KIND_TITLES, LEVELS
from codeclone.reference import percent

Row = dict[str, Any]

SHOWN = 12
"""Pairs of a population, the highest, that are printed."""

QUANTILES = (0.5, 0.9, 0.95, 0.99, 1.0)


def tell(rows: Sequence[Row]) -> None:
    """Print one section for each population."""
    for population in dict.fromkeys(row["population"] for row in rows):
        its = [row for row in rows if row["population"] == population]
        compared = [row for row in its if "level" in row]
        print(
            f"\n{population}: {len(compared)} pairs"
            + (f", {len(its) - len(compared)} with nothing to compare" * (len(its) > len(compared)))
        )
        _levels(compared)
        shares = [row["attributable_share"] for row in compared if row["attributable_share"] is not None]
        _quantiles("attributable share", shares)
        for kind in sorted({kind for row in compared for kind in row["held"]}):
            _quantiles(f"share held, {kind}", held(compared, kind))
        _highest(compared)


def _levels(rows: Sequence[Row]) -> None:
    for level in LEVELS[1:]:
        found = sum(LEVELS.index(row["level"]) >= LEVELS.index(level) for row in rows)
        print(
            f"  verdict {level:11} or above {found:4}: {found / len(rows):7.2%}, 95 % upper limit {upper(found, len(rows)):.2%}"
        )
    print(f"  with a finding at strong: {_with_strong(rows)}")
    for kind in sorted({kind for row in rows for kind, its in row["findings"].items() if its}):
        counts = {level: sum(row["findings"][kind].get(level, 0) for row in rows) for level in LEVELS}
        print(f"  findings, {kind}: " + ", ".join(f"{count:,} {level}" for level, count in counts.items() if count))


def _quantiles(name: str, values: Sequence[float]) -> None:
    if values:
        found = ", ".join(f"{q:.0%} {np.quantile(values, q):.4f}" for q in QUANTILES)
        print(f"  {name} ({len(values)}): {found}")


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """The highest first."""
    return sorted(rows, key=lambda r: (-LEVELS.index(r["level"]), -(r["attributable_share"] or 0.0)))


def _highest(rows: Sequence[Row]) -> None:
    for row in _ordered(rows)[:SHOWN]:
        print(
            f"  {row['level']:9} {row['attributable_share'] or 0:.4f} of {row['not_stock_bits']:,.0f} bits"
            f"  {row['left']} ~ {row['right']}  {row['detail'][:90]}"
        )
        for f in row["highest"][: 4 if row["level"] not in ("none", "weak") else 0]:
            print(f"      {f['id']} {f['level']} {f['telling_bits']:.0f}  {f['left']} ~ {f['right']}")


# Documentation

DOCUMENT = Path(__file__).parent.parent / "docs" / "calibration.md"
BEGIN, END = "<!-- what follows is written by make bench-calibration -->", "<!-- end of what is written -->"
NAMED = 4
"""The highest pairs of each population that the documentation names."""


def document(rows: Sequence[Row]) -> None:
    """Write the tables into docs/calibration.md, between their marks. Raises ValueError where these are missing."""
    before, begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT} has no place for the tables")
    DOCUMENT.write_text(before + begin + "\n" + "\n".join(_tables(rows)) + "\n" + end + after, encoding="utf-8")


def _tables(rows: Sequence[Row]) -> Iterator[str]:
    yield from (
        "",
        "| pairs | number | weak or above | moderate | strong | limit, moderate | limit, strong | with a finding at strong |",
    )
    yield "|---|---|---|---|---|---|---|---|"
    for row in populations(rows):
        its = [r for r in rows if r["population"] == row["name"] or (row["name"] == "all" and r["population"] in TOLD)]
        yield _row(row["told"], its, row["reached"], row["limits"])
    names = [*dict.fromkeys(row["population"] for row in rows)]
    for name in names:
        if name not in TOLD:
            its = [row for row in rows if row["population"] == name]
            reached = {level: sum(LEVELS.index(r["level"]) >= LEVELS.index(level) for r in its) for level in LEVELS[1:]}
            yield _row(f"apart: {name}", its, reached, {k: upper(v, len(its)) for k, v in reached.items()})
    yield from (
        "",
        "| pairs | figure | number | median | 90 % | 95 % | 99 % | largest |",
        "|---|---|---|---|---|---|---|---|",
    )
    for name in names:
        its = [row for row in rows if row["population"] == name]
        figures = {"attributable share": [r["attributable_share"] for r in its if r["attributable_share"] is not None]}
        for kind in sorted({kind for row in its for kind in row["held"]}):
            figures[f"share held, {KIND_TITLES[kind]}"] = held(its, kind)
        for figure, values in figures.items():
            if values:
                quantiles = " | ".join(f"{np.quantile(values, q):.4f}" for q in QUANTILES)
                yield f"| {name} | {figure} | {len(values):,} | {quantiles} |"
    yield from (
        "",
        "| pairs | highest | level | attributable share | bits that are not stock |",
        "|---|---|---|---|---|",
    )
    for name in names:
        for row in _ordered([row for row in rows if row["population"] == name])[:NAMED]:
            share = f"{row['attributable_share'] or 0.0:.4f} | {row['not_stock_bits']:,.0f}"
            yield f"| {name} | {row['left']} in {row['right']} | {row['level']} | {share} |"
    yield ""


def _row(told: str, rows: Sequence[Row], reached: dict[str, int], limits: dict[str, float]) -> str:
    counts = " | ".join(f"{reached[level]:,}" for level in ("weak", "moderate", "strong"))
    limit = f"{percent(limits['moderate'])} % | {percent(limits['strong'])} %"
    return f"| {told} | {len(rows):,} | {counts} | {limit} | {_with_strong(rows):,} |"


def _with_strong(rows: Sequence[Row]) -> int:
    """Pairs with a finding at strong, whatever the verdict, which asks for two kinds of them."""
    return sum(any(its.get("strong") for its in row["findings"].values()) for row in rows)
