"""What readers are told of declarations: who says that something comes from somewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from codeclone.model import DECLARATIONS, NO_SOURCE, Declared, Report


@dataclass(frozen=True, slots=True)
class Declares:
    """What one side declares of one kind."""

    side: str
    """`left`, or a candidate's name."""
    role: str
    """`left`, or the candidate's role."""
    kind: str
    rows: tuple[Declared, ...]
    places: int
    """All places of the side that declare it."""


def declarations(report: Report) -> list[Declares]:
    """By side, the left first, and by kind."""
    sides = {"left": "left", **{candidate.name: str(candidate.role) for candidate in report.candidates}}
    found: dict[tuple[str, str], list[Declared]] = {}
    for row in report.declared or ():
        found.setdefault((row.side, row.declaration.kind), []).append(row)
    return [
        Declares(side, role, kind, tuple(found[side, kind]), sum(row.count for row in found[side, kind]))
        for side, role in sides.items()
        for kind in DECLARATIONS
        if (side, kind) in found
    ]


def not_examined(report: Report) -> list[str]:
    """What the left names as a source of its own and no compared repository is, each once."""
    return list(
        dict.fromkeys(
            row.declaration.source
            for row in report.declared or ()
            if row.side == "left" and not row.names and row.declaration.kind not in NO_SOURCE
        )
    )


def in_short(report: Report) -> str:
    """All declarations in one line."""
    if not report.declared:
        return "no declaration was found"
    by_side: dict[str, list[str]] = {}
    for found in declarations(report):
        named: Counter[str] = Counter()
        for row in found.rows:
            named[row.names] += row.count
        told = [f"{named[name]:,} naming {name}" for name in sorted(named) if name]
        whom = f" ({', '.join(told)})" if told else ""
        by_side.setdefault(found.side, []).append(f"{found.places:,} × {found.kind}{whom}")
    return "; ".join(f"{side}: {', '.join(kinds)}" for side, kinds in by_side.items())
