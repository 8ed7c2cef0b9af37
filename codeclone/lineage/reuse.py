"""What the left declares openly: whom it names as a source, and which findings a declaration covers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from codeclone.lineage.naming import GENERIC, LEFT, OF_CODE, named
from codeclone.model import NO_SOURCE, Candidate, Declaration, Declared, Evidence, Place, Role, Span
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
    roles = {candidate.name: candidate.role for candidate in candidates}
    mine = _naming(declared, roles)
    of_right = [one for one in declared if one.side == LEFT and roles.get(one.names) == "right"]
    credits = {line: one for one in of_right for line in _lines(one.declaration.place)}
    return tuple(
        replace(finding, declared=_covering(finding, mine, roles))
        if finding.kind == "code"
        else _credited(finding, credits)
        if finding.kind == "references"
        else finding
        for finding in evidence
    )


def _credited(finding: Evidence, credits: Mapping[_Line, Declared]) -> Evidence:
    """A reference of which every place is one where the left names the right repository openly speaks for nobody: it is a
    credit, and not something that was left behind."""
    found = [credits.get(line) for place in finding.left for line in _lines(place)]
    if not found or finding.level == "none" or not all(found):
        return finding
    first = next(one for one in found if one is not None)
    return replace(finding, stance="context", level="none", declared=_sentence(first, "of this place", "right"))


_Line = tuple[str, int | str | None]
"""(path, line or JSON pointer)"""


def _lines(place: Place) -> list[_Line]:
    """The lines of a place."""
    location = place.location
    if location.span is None:
        return [(location.path, location.pointer)]
    return [(location.path, line) for line in range(location.span.first, location.span.last + 1)]


@dataclass(frozen=True, slots=True)
class _Names:
    """Declarations of the left that name another side."""

    by_line: Mapping[str, Sequence[tuple[int, Declared]]]
    """Path of a file of code -> first line and declaration, ascending."""
    of_file: Mapping[str, Declared]
    """Path -> the first about all of the file; of these the first that names the right repository."""
    of_all: Declared | None
    """The first about the whole repository that names the right one."""


def _naming(declared: Iterable[Declared], roles: Mapping[str, Role]) -> _Names:
    by_line: dict[str, list[tuple[int, Declared]]] = {}
    of_file: dict[str, Declared] = {}
    of_all = None
    for one in declared:
        if one.side != LEFT or one.names in ("", LEFT):
            continue
        location, is_right = one.declaration.place.location, roles.get(one.names) == "right"
        if not location.path.lower().endswith(OF_CODE):
            if of_all is None and is_right and one.declaration.kind != "base model":
                of_all = one
            continue
        if location.span is not None:
            by_line.setdefault(location.path, []).append((location.span.first, one))
        first = of_file.get(location.path)
        if is_of_file(one.declaration) and (first is None or (is_right and roles.get(first.names) != "right")):
            of_file[location.path] = one
    return _Names({path: sorted(some, key=itemgetter(0)) for path, some in by_line.items()}, of_file, of_all)


def _covering(finding: Evidence, mine: _Names, roles: Mapping[str, Role]) -> str:
    """The sentence for what the left declares of a finding; empty where it declares nothing.

    A declaration in or right above the fragment comes first, then one at the head of the file, then one about the whole
    repository. Of these the right repository counts before others; the last counts only where it names the right one.
    """
    place = next(iter(finding.left), None)
    if place is None:
        return ""
    path = place.location.path
    inside = (one for _, one in _around(mine.by_line.get(path, ()), place.location.span))
    of_it = min(inside, key=lambda one: roles.get(one.names) != "right", default=None)
    for best, whose in (
        (of_it, "of this fragment"),
        (mine.of_file.get(path), "of the file"),
        (mine.of_all, "of the repository"),
    ):
        if best is not None:
            return _sentence(best, whose, roles.get(best.names, ""))
    return ""


def _around(some: Sequence[tuple[int, Declared]], span: Span | None) -> Sequence[tuple[int, Declared]]:
    """Those of a file that stand in the lines of a fragment, or right above it."""
    if span is None:
        return ()
    first = bisect_left(some, span.first - ABOVE, key=itemgetter(0))
    return some[first : bisect_right(some, span.last, key=itemgetter(0))]


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
