"""What the left declares openly: whom it names as a source, and which findings a declaration covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from codeclone.lineage.naming import GENERIC, LEFT, NO_SOURCE, OF_CODE, named
from codeclone.model import Candidate, Declaration, Declared, Evidence, Place
from codeclone.plain import plain

ABOVE = 6
"""Lines above a function or class in which a mark is its own: decorators and a comment of a few lines stand between."""

HEAD = 40
"""First lines of a file: what is said there is said of all of it."""


@dataclass(frozen=True, slots=True)
class Openly:
    """Which sources the left repository names, and how often."""

    compared: tuple[tuple[str, int], ...]
    """(candidate, places), most named first."""
    others: tuple[tuple[str, int], ...]
    """(source that is not compared, places), most named first: worth being examined as claimed sources."""


def openly(declared: Sequence[Declared], side: str = LEFT) -> Openly:
    """What one side names; itself, licences and holders of copyright do not count."""
    compared: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for one in declared:
        if one.side != side or one.declaration.kind in NO_SOURCE or one.names == side:
            continue
        if one.names:
            compared[one.names] += one.count
        elif _is_repository(one.declaration):
            others[named(one.declaration).repository] += one.count
    return Openly(_most(compared), _most(others))


def names_right(declared: Sequence[Declared], candidates: Sequence[Candidate]) -> str:
    """Where the left names the right repository as a source, the widest declaration first; empty where it does not."""
    right = {candidate.name for candidate in candidates if candidate.role == "right"}
    found = [one for one in declared if one.side == LEFT and one.names in right]
    if not found:
        return ""
    first = min(found, key=lambda one: one.declaration.place.location.path.lower().endswith(OF_CODE))
    more = sum(one.count for one in found) - 1
    others = f", and {more:,} more place{'s' * (more != 1)}" if more else ""
    return f"{_told(first.declaration, '')} {first.declaration.source}{others}"


def _is_repository(declaration: Declaration) -> bool:
    """Whether one could go and get the source: an address, or a package by its name in small letters; no class and no file."""
    source = named(declaration)
    root = declaration.source.partition(".")[0]
    is_package = bool(source.repository) and root == root.lower() and root not in GENERIC and root.count("_") < 2
    return (source.is_address and "/" in source.repository) or (not source.is_address and is_package)


def _most(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def with_declared(
    evidence: Iterable[Evidence], declared: Sequence[Declared], candidates: Sequence[Candidate]
) -> tuple[Evidence, ...]:
    """The findings, with the declaration of the left that covers them: of code, and of references that are one."""
    mine = naming(declared)
    right = {candidate.name for candidate in candidates if candidate.role == "right"}
    credits = [one for one in declared if one.side == LEFT and one.names in right]
    return tuple(
        replace(finding, declared=covering(finding, mine, candidates))
        if finding.kind == "code"
        else _credited(finding, credits)
        if finding.kind == "references"
        else finding
        for finding in evidence
    )


def _credited(finding: Evidence, credits: Sequence[Declared]) -> Evidence:
    """A reference of which every place is one where the left names the right repository openly speaks for nobody: it is a
    credit, and not something that was left behind."""
    lines = {line: one for one in credits for line in _lines(one.declaration.place)}
    found = [lines.get(line) for place in finding.left for line in _lines(place)]
    if not found or finding.level == "none" or not all(found):
        return finding
    first = next(one for one in found if one is not None)
    return replace(finding, stance="context", level="none", declared=_sentence(first, "of this place", "right"))


def _lines(place: Place) -> list[tuple[str, int | str | None]]:
    """(path, line or JSON pointer) of a place."""
    location = place.location
    if location.span is None:
        return [(location.path, location.pointer)]
    return [(location.path, line) for line in range(location.span.first, location.span.last + 1)]


Naming = Mapping[str, Sequence[Declared]]
"""Path -> the declarations of the left in it that name another side; empty path: those about the whole repository."""


def naming(declared: Iterable[Declared]) -> Naming:
    """The declarations of the left that name another side, by file."""
    found: dict[str, list[Declared]] = {}
    for one in declared:
        if one.side == LEFT and one.names not in ("", LEFT):
            path = one.declaration.place.location.path
            found.setdefault(path if path.lower().endswith(OF_CODE) else "", []).append(one)
    return found


def covering(finding: Evidence, mine: Naming, candidates: Sequence[Candidate]) -> str:
    """The sentence for what the left declares of a finding; empty where it declares nothing.

    A declaration in or right above the fragment comes first, then one at the head of the file, then one about the whole
    repository. Of these the right repository counts before others; the last counts only where it names the right one.
    """
    roles = {candidate.name: candidate.role for candidate in candidates}
    place = next(iter(finding.left), None)
    if place is None:
        return ""
    here = mine.get(place.location.path, ())
    inside = [one for one in here if is_of(one.declaration, place)]
    head = [one for one in here if is_of_file(one.declaration)]
    whole = [
        one for one in mine.get("", ()) if roles.get(one.names) == "right" and one.declaration.kind != "base model"
    ]
    for found, whose in ((inside, "of this fragment"), (head, "of the file"), (whole, "of the repository")):
        best = min(found, key=lambda one: roles.get(one.names) != "right", default=None)
        if best is not None:
            return _sentence(best, whose, roles.get(best.names, ""))
    return ""


def is_of(declaration: Declaration, place: Place) -> bool:
    """Whether a declaration stands in a fragment of the same file, or right above it."""
    said, span = declaration.place.location.span, place.location.span
    return said is not None and span is not None and span.first - ABOVE <= said.first <= span.last


def is_of_file(declaration: Declaration) -> bool:
    """Whether a declaration is about the whole of its file."""
    said = declaration.place.location.span
    return declaration.kind in (*NO_SOURCE, "modular import") or said is None or said.first <= HEAD


def _sentence(one: Declared, whose: str, role: str) -> str:
    known = {"right": "the right repository", "claimed": "a claimed source", "ancestor": "an ancestor"}.get(role, "")
    named_so = plain(one.names) + (f", {known}" if known else "")
    return f"{_told(one.declaration, whose)} {plain(one.declaration.source)}: {named_so}"


def _told(declaration: Declaration, whose: str) -> str:
    location = declaration.place.location
    line = f":{location.span.first}" if location.span else f"#{location.pointer}" if location.pointer else ""
    said = {"credit": "credits", "modular import": "imports from", "base model": "names as its base"}.get(
        declaration.kind, f"says {whose}{' ' * bool(whose)}that it is {declaration.kind}"
    )
    return plain(f"{location.path}{line} {said}")
