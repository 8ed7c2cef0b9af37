"""Marks of origin that stand beside the shared code on the right and are not found in the left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from codeclone.lineage.naming import LEFT, everything_said, is_said, key_of
from codeclone.lineage.reuse import is_of, is_of_file
from codeclone.model import (
    LEVELS,
    NO_SOURCE,
    Declaration,
    Declared,
    Evidence,
    Level,
    Measure,
    Method,
    Place,
    Table,
    TableRow,
)
from codeclone.plain import plain

LEAST_PAIR: Level = "moderate"
"""Pairs below this level show nothing that a mark could have been lost from."""

SEVERAL = 2
"""Marks that are not found, from which on that is weak evidence: a single one is lost in any rework of a header."""

MAX_ROWS = 50

METHOD = Method(
    "licences, holders of copyright and marks of origin in right files with pairs of code, looked for in the left repository",
    {"least level of a pair": LEAST_PAIR, "several": SEVERAL},
    "docs/statistics.md, declared lineage",
)


Outcome = Literal["lost", "declared", "kept"]
"""Declared: it is not found in the left, but the left says of the very code beside it where that comes from."""

NOTES: Mapping[Outcome, str] = {
    "lost": "not found in the left",
    "declared": "not found in the left, which says of this code where it comes from",
    "kept": "kept: found in the left",
}


@dataclass(frozen=True, slots=True)
class _Mark:
    declaration: Declaration
    left: Place
    """The left counterpart of the code beside it."""
    places: int
    outcome: Outcome


def lost_marks(declared: Sequence[Declared], evidence: Iterable[Evidence], right: str) -> Evidence | None:
    """One finding about all marks of the right repository that stand beside shared code; None where there are none.

    `declared`: each place, as `naming.resolve` gives them. `right`: the right candidate's name. A mark is kept where the left
    says the same anywhere, be it in other words, in another file or as a credit for the whole of the source. `evidence` with what
    the left declares of it: what is missing beside code of which it does is not counted as lost.
    """
    marks = _beside(declared, [*evidence], right)
    if not marks:
        return None
    lost, others, kept = ([mark for mark in marks if mark.outcome == outcome] for outcome in NOTES)
    openly = sum(one.side == LEFT and one.names == right and one.declaration.kind not in NO_SOURCE for one in declared)
    is_finding = len(lost) >= SEVERAL
    shown = [*lost, *others, *kept][:MAX_ROWS]
    shown_first = (lost or others or kept)[:MAX_ROWS]
    right_places = tuple(mark.declaration.place for mark in shown_first)
    return Evidence(
        id=_id(right_places),
        kind="references",
        claim=_claim(lost, others, kept),
        stance="for" if is_finding else "context",
        level="weak" if is_finding else "none",
        left=tuple(dict.fromkeys(mark.left for mark in shown_first)),
        right=right_places,
        measures=(
            Measure("lost", len(lost), "marks", "beside shared code on the right and not found in the left"),
            Measure(
                "declared",
                len(others),
                "marks",
                "not found in the left, where it says of the code where that comes from",
            ),
            Measure("kept", len(kept), "marks", "beside shared code on the right and found in the left"),
        ),
        method=METHOD,
        reason=_reason(lost, others, kept, openly),
        tables=(
            Table(
                "Marks of origin", ("right", "kind", "source", "places", "left"), _rows(shown), len(marks) - len(shown)
            ),
        ),
    )


def _beside(declared: Sequence[Declared], evidence: Sequence[Evidence], right: str) -> list[_Mark]:
    """Each mark once, in order of file and line."""
    pairs: dict[str, list[_Pair]] = {}
    for finding in evidence:
        if finding.kind == "code" and finding.left and LEVELS.index(finding.level) >= LEVELS.index(LEAST_PAIR):
            for place in finding.right:
                pairs.setdefault(place.location.path, []).append((place, finding.left[0], bool(finding.declared)))
    if not pairs:
        return []
    first = {path: min(some, key=lambda pair: pair[2]) for path, some in pairs.items()}
    found: dict[tuple[str, str], list[tuple[Declaration, _Pair]]] = {}
    for one in declared:
        path = one.declaration.place.location.path
        of_its_own = one.names == right and one.declaration.source[:1].isupper()  # a class of the right itself, by name
        if one.side != right or one.names == LEFT or of_its_own or path not in pairs:
            continue
        pair = _beside_it(one.declaration, pairs[path]) or (first[path] if is_of_file(one.declaration) else None)
        if pair is not None:
            found.setdefault(key_of(one.declaration), []).append((one.declaration, pair))
    said = everything_said([one.declaration for one in declared if one.side == LEFT]) if found else frozenset()
    return [_mark(some, said) for some in found.values()]


_Pair = tuple[Place, Place, bool]
"""(right, left, whether the left says where it comes from)."""


def _beside_it(declaration: Declaration, pairs: Sequence[_Pair]) -> _Pair | None:
    """The pair whose fragment a mark stands in or above; one that is not declared first."""
    beside = (pair for pair in pairs if is_of(declaration, pair[0]))
    return min(beside, key=lambda pair: pair[2], default=None)


def _mark(some: Sequence[tuple[Declaration, _Pair]], said: frozenset[tuple[str, str]]) -> _Mark:
    """One mark of all the places that say the same."""
    declaration, (_, left, is_declared) = min(some, key=lambda one: one[1][2])
    outcome: Outcome = "kept" if is_said(declaration, said) else "declared" if is_declared else "lost"
    return _Mark(declaration, left, len(some), outcome)


# In words


def _id(places: Sequence[Place]) -> str:
    text = "|".join(
        f"{p.location.path}:{p.location.span.first if p.location.span else p.location.pointer}" for p in places
    )
    return "references-" + hashlib.sha256(f"marks|{text}".encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _marks(count: int) -> str:
    return f"{count:,} mark{'s' * (count != 1)} of origin {'stands' if count == 1 else 'stand'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _claim(lost: Sequence[_Mark], others: Sequence[_Mark], kept: Sequence[_Mark]) -> str:
    if lost:
        return f"{_marks(len(lost))} beside the shared code on the right and {_are(len(lost))} not found in the left"
    if others:
        return f"{_marks(len(others))} beside code on the right of which the left says itself where it comes from"
    return f"{_marks(len(kept))} beside the shared code on the right and in the left as well"


def _reason(lost: Sequence[_Mark], others: Sequence[_Mark], kept: Sequence[_Mark], openly: int) -> str:
    kinds = [mark.declaration.kind for mark in lost]
    what = ", ".join(f"{kinds.count(kind):,} {kind}" for kind in dict.fromkeys(kinds))
    parts = []
    if lost:
        parts.append(f"{len(lost):,} of them ({what}) {_are(len(lost))} not found in the left")
    if others:
        parts.append(
            f"{len(others):,} {_are(len(others))} not found either, but the left says of that code where it comes from"
        )
    if kept:
        parts.append(
            f"{len(kept):,} {_are(len(kept))} found in the left"
            if lost or others
            else "all of them are found in the left"
        )
    if openly:
        parts.append(
            f"the left names the right repository in {openly:,} place{'s' * (openly != 1)}, so reuse is declared there"
        )
    count = len(lost) + len(others) + len(kept)
    first = f"beside code that both sides share, the right has {count:,} mark{'s' * (count != 1)} of origin: "
    return first + "; ".join(parts) + "; a mark that is missing does not show who took from whom, or why"


def _rows(marks: Sequence[_Mark]) -> tuple[TableRow, ...]:
    return tuple(
        TableRow(
            "same" if mark.outcome == "kept" else "only_right",
            (
                _where(mark.declaration.place),
                mark.declaration.kind,
                plain(mark.declaration.source),
                mark.places,
                _where(mark.left),
            ),
            NOTES[mark.outcome],
        )
        for mark in marks
    )


def _where(place: Place) -> str:
    location = place.location
    line = f":{location.span.first}" if location.span else f"#{location.pointer}" if location.pointer else ""
    return plain(f"{location.path}{line}")
