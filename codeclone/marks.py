"""Marks of origin that stand beside the shared code on the right and are not found in the left."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeclone import lineage, reuse
from codeclone.lineage import LEFT, NO_SOURCE, named
from codeclone.model import (
    LEVELS,
    Candidate,
    Declaration,
    Declared,
    Evidence,
    Level,
    Measure,
    Method,
    Place,
    Snapshot,
    Table,
    TableRow,
)
from codeclone.plain import plain
from codeclone.reuse import is_of, is_of_file

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


NOT_EXAMINED = 5
"""Sources that the left names most and that are not compared: so many are suggested."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What the declarations of all sides come to."""

    evidence: tuple[Evidence, ...]
    """The findings, those about code with what the left declares of them; behind them that about marks of origin."""
    declared: tuple[Declared, ...]
    names_right: str
    """Where the left names the right repository as a source; empty where it does not."""
    not_examined: tuple[str, ...]
    """Sources that the left names and that are not compared, the most named first."""


def examine(
    left: Snapshot,
    sides: Sequence[tuple[Candidate, Snapshot]],
    evidence: Sequence[Evidence],
    declarations: Mapping[str, tuple[Declaration, ...]],
    titles: Mapping[str, Sequence[str]],
    definitions: Mapping[str, Collection[str]],
) -> Examined:
    """Hold every side's declarations against the compared repositories and against the findings.

    `sides`: the right repository first. The last three as in `Findings` of the room of references.
    """
    candidates = [candidate for candidate, _ in sides]
    snapshots = [(LEFT, left), *((candidate.name, snapshot) for candidate, snapshot in sides)]
    declared = lineage.resolve(lineage.sides(snapshots, declarations, titles, definitions))
    found = lost_marks(declared, evidence, candidates[0].name)
    return Examined(
        (*reuse.with_declared(evidence, declared, candidates), *([found] if found is not None else [])),
        lineage.counted(declared),
        reuse.names_right(declared, candidates),
        tuple(plain(name) for name, _ in reuse.openly(declared).others[:NOT_EXAMINED]),
    )


@dataclass(frozen=True, slots=True)
class _Mark:
    declaration: Declaration
    left: Place
    """The left counterpart of the code beside it."""
    places: int
    kept: bool


def lost_marks(declared: Sequence[Declared], evidence: Iterable[Evidence], right: str) -> Evidence | None:
    """One finding about all marks of the right repository that stand beside shared code; None where there are none.

    `declared`: each place, as `lineage.resolve` gives them. `right`: the right candidate's name. A mark is kept where the left
    says the same anywhere, be it in other words, in another file or as a credit for the whole of the source.
    """
    marks = _beside(declared, [*evidence], right)
    if not marks:
        return None
    lost, kept = [mark for mark in marks if not mark.kept], [mark for mark in marks if mark.kept]
    openly = sum(one.side == LEFT and one.names == right and one.declaration.kind not in NO_SOURCE for one in declared)
    is_finding = len(lost) >= SEVERAL
    shown = [*lost, *kept][:MAX_ROWS]
    right_places = tuple(mark.declaration.place for mark in (lost or kept)[:MAX_ROWS])
    return Evidence(
        id=_id(right_places),
        kind="references",
        claim=_claim(lost, kept),
        stance="for" if is_finding else "context",
        level="weak" if is_finding else "none",
        left=tuple(dict.fromkeys(mark.left for mark in (lost or kept)[:MAX_ROWS])),
        right=right_places,
        measures=(
            Measure("lost", len(lost), "marks", "beside shared code on the right and not found in the left"),
            Measure("kept", len(kept), "marks", "beside shared code on the right and found in the left"),
        ),
        method=METHOD,
        reason=_reason(lost, kept, openly),
        tables=(
            Table(
                "Marks of origin", ("right", "kind", "source", "places", "left"), _rows(shown), len(marks) - len(shown)
            ),
        ),
    )


def _beside(declared: Sequence[Declared], evidence: Sequence[Evidence], right: str) -> list[_Mark]:
    """Each mark once, in order of file and line."""
    pairs: dict[str, list[tuple[Place, Place]]] = {}
    for finding in evidence:
        if finding.kind == "code" and finding.left and LEVELS.index(finding.level) >= LEVELS.index(LEAST_PAIR):
            for place in finding.right:
                pairs.setdefault(place.location.path, []).append((place, finding.left[0]))
    if not pairs:
        return []
    found: dict[tuple[str, str], list[tuple[Declaration, Place]]] = {}
    for one in declared:
        here = pairs.get(one.declaration.place.location.path, ()) if one.side == right and one.names != LEFT else ()
        left = _counterpart(one.declaration, here)
        if left is not None:
            found.setdefault(_key(one.declaration), []).append((one.declaration, left))
    said = _said([one.declaration for one in declared if one.side == LEFT]) if found else frozenset()
    return [_Mark(*some[0], len(some), _is_kept(some[0][0], said)) for some in found.values()]


def _counterpart(declaration: Declaration, pairs: Iterable[tuple[Place, Place]]) -> Place | None:
    """The left place of the pair that a mark stands beside: in or above the fragment, or at the head of its file."""
    pairs = [*pairs]
    inside = next((left for place, left in pairs if is_of(declaration, place)), None)
    return inside or (pairs[0][1] if pairs and is_of_file(declaration) else None)


# What counts as the same


_NO_HOLDER = re.compile(
    r"\b(?:the|inc|llc|ltd|co|corp|corporation|company|limited|team|authors?|and|its|affiliates|contributors|group|research)\b|[\W_]"
)


def _key(declaration: Declaration) -> tuple[str, str]:
    """What two marks agree in that say the same in other words: no years, no renames, no branch, no wording."""
    if declaration.kind == "licence":
        return "licence", re.sub(r"-(?:only|or-later)$", "", declaration.source.lower())
    if declaration.kind == "copyright":
        return "copyright", _NO_HOLDER.sub("", declaration.source.lower())
    source = named(declaration)
    return (
        "source",
        f"{source.repository}#{source.inside.lower()}"
        if source.is_address
        else source.inside.lower() or source.repository,
    )


def _said(declarations: Iterable[Declaration]) -> frozenset[tuple[str, str]]:
    """Everything that the left says, with what follows from it."""
    return frozenset(
        key for declaration in declarations for key in (_key(declaration), *_wider(declaration, of_left=True))
    )


def _wider(declaration: Declaration, *, of_left: bool) -> list[tuple[str, str]]:
    """The modules and the repository that a source is part of. A dotted path of the left stands for its module alone: a mark
    about another module is no credit for this one; an address stands for the whole repository."""
    if declaration.kind in NO_SOURCE:
        return []
    source = named(declaration)
    found = [("module", module) for module in _modules(source.inside)]
    if source.repository and (source.is_address or not source.inside or not of_left):
        found.append(("repository", source.repository.rpartition("/")[2].replace("-", "_")))
    return found


def _modules(inside: str) -> list[str]:
    """What may be the module of a dotted path: a folder and a file, before a class or before a function."""
    parts = inside.split(".")
    end = next((place for place, part in enumerate(parts) if part[:1].isupper()), len(parts))
    ends = (end,) if end < len(parts) else (end, end - 1)
    return [".".join(parts[last - 2 : last]).lower() for last in ends if last > 1]


def _is_kept(declaration: Declaration, said: frozenset[tuple[str, str]]) -> bool:
    return _key(declaration) in said or any(key in said for key in _wider(declaration, of_left=False))


# In words


def _id(places: Sequence[Place]) -> str:
    text = "|".join(
        f"{p.location.path}:{p.location.span.first if p.location.span else p.location.pointer}" for p in places
    )
    return "references-" + hashlib.sha256(f"marks|{text}".encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _marks(count: int) -> str:
    return f"{count:,} mark{'s' * (count != 1)} of origin {'stands' if count == 1 else 'stand'}"


def _claim(lost: Sequence[_Mark], kept: Sequence[_Mark]) -> str:
    if not lost:
        return f"{_marks(len(kept))} beside the shared code on the right and in the left as well"
    return f"{_marks(len(lost))} beside the shared code on the right and {'is' if len(lost) == 1 else 'are'} not found in the left"


def _reason(lost: Sequence[_Mark], kept: Sequence[_Mark], openly: int) -> str:
    kinds = [mark.declaration.kind for mark in lost]
    what = ", ".join(f"{kinds.count(kind):,} {kind}" for kind in dict.fromkeys(kinds))
    first = f"beside code that both sides share, the right has {len(lost) + len(kept):,} marks of origin: "
    parts = [
        f"{len(lost):,} of them ({what}) {'is' if len(lost) == 1 else 'are'} not found in the left"
        if lost
        else "all of them are found in the left"
    ]
    if lost and kept:
        parts.append(f"{len(kept):,} {'is' if len(kept) == 1 else 'are'}")
    if openly:
        parts.append(
            f"the left names the right repository in {openly:,} place{'s' * (openly != 1)}, so reuse is declared there"
        )
    return first + "; ".join(parts) + "; a mark that is missing does not show who took from whom, or why"


def _rows(marks: Sequence[_Mark]) -> tuple[TableRow, ...]:
    return tuple(
        TableRow(
            "same" if mark.kept else "only_right",
            (
                _where(mark.declaration.place),
                mark.declaration.kind,
                plain(mark.declaration.source),
                mark.places,
                _where(mark.left),
            ),
            "kept: found in the left" if mark.kept else "not found in the left",
        )
        for mark in marks
    )


def _where(place: Place) -> str:
    location = place.location
    line = f":{location.span.first}" if location.span else f"#{location.pointer}" if location.pointer else ""
    return plain(f"{location.path}{line}")
