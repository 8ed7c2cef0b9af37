"""References: what the left repository points at and does not have, and the right one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Weights
from codeclone.background import text_keys
from codeclone.evidence import (
    Context,
    Findings,
    Profiled,
    explaining,
    facts_of_data,
    finding_id,
    right_of,
    roles,
    sides,
    skipped,
    strongest_first,
    weights_of,
    whole_controls,
)
from codeclone.match.references import Dangling, dangling
from codeclone.model import (
    Compared,
    Control,
    Evidence,
    Explanation,
    Location,
    Measure,
    Method,
    Profile,
    Snapshot,
    Table,
    TableRow,
)
from codeclone.parse import declarations, mentions
from codeclone.parse.declarations import Declarations
from codeclone.parse.mentions import Named, Reference
from codeclone.plain import plain

TITLE = "References and marks of origin"
VERSION = 2

MAX_PLACES = 20
"""Places of one reference that are listed."""

METHOD = Method(
    "class paths, class names, imports, origins and mentions followed through the left repository, public packages, "
    "ancestors and claimed sources, and the right repository",
    {},
    "docs/statistics.md, dangling references",
)

WORDS = {
    "class path": "names the class",
    "class name": "names the class",
    "import": "imports",
    "origin": "says that it was made from",
    "mention": "mentions",
}


def reads(path: str) -> bool:
    """Whether a file can name, define or declare something, by its name."""
    return mentions.reads(path) or declarations.reads(path)


def profile(snapshot: Snapshot) -> Profile:
    """What the repository defines, names and declares."""
    return profiles([snapshot])[0]


def profiles(snapshots: Sequence[Snapshot]) -> list[Profile]:
    """The profile of each snapshot, all read at once."""
    read = zip(snapshots, mentions.named(snapshots), declarations.declarations(snapshots), strict=True)
    return [_profile(snapshot, found, declared) for snapshot, found, declared in read]


def _profile(snapshot: Snapshot, found: Named, declared: Declarations) -> Profile:
    texts = sorted({reference.text for reference in found.references})
    return Profile(
        kind="references",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=facts_of_data(text_keys(texts), [0] * len(texts)),
        fragments=(),
        details={"named": found, "declarations": declared[0]},
        skipped=tuple(dict.fromkeys((*found.skipped, *declared[1]))),
    )


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Follow each reference of the left; what leads to the right repository becomes evidence."""
    mine: Named = left.details["named"]
    right, others = right_of(candidates), explaining(candidates)
    names = [(candidate.told, candidate.profile.details["named"]) for candidate in others]
    followed = dangling(mine, right.profile.details["named"], names, context.names["definitions"])
    weights, known = _weights(mine, context), _known(candidates)
    explained, held = weights.explained(roles(candidates), known), weights.held(known)
    held_of_right = _weights(right.profile.details["named"], context).held(_known(others))
    return Findings(
        evidence=strongest_first(replace(_finding(found), controls=_controls(found, others)) for found in followed),
        explanations=_explanations(followed, mine, candidates, held, context),
        controls=whole_controls(TITLE, candidates, held, held_of_right),
        partition=explained.partition(),
        by_file={path: explained.partition(np.unique(text_keys(some))) for path, some in _by_file(mine).items()},
        compared=tuple(_compared(name, profile) for name, profile in sides(left, candidates)),
        skipped=skipped(left, candidates),
        declarations={name: profile.details["declarations"] for name, profile in sides(left, candidates)},
        titles={name: profile.details["named"].titles for name, profile in sides(left, candidates)},
        definitions={name: profile.details["named"].definitions for name, profile in sides(left, candidates)},
    )


def _controls(found: Dangling, others: Sequence[Profiled]) -> tuple[Control, ...]:
    """Where each ancestor and claimed source has what is named."""
    places = {step.where: len(step.found) for step in found.steps}
    meaning = "places of that repository that have what is named"
    return tuple(Control(f"left ~ {other.name}", "places", places.get(other.told, 0), meaning) for other in others)


# Who explains what: names of classes in settings. Imports and origins have no background to be weighed by.


def _classes(named: Named) -> dict[str, set[str]]:
    """Name of each class that settings name -> files that name it."""
    found: dict[str, set[str]] = {}
    for reference in named.references:
        if reference.kind in ("class path", "class name") and reference.name:
            found.setdefault(reference.name, set()).add(reference.place.location.path)
    return dict(sorted(found.items()))


def _known(candidates: Sequence[Profiled]) -> dict[str, NDArray[np.uint64]]:
    """Candidate -> names that it defines or names."""
    found = {candidate.name: candidate.profile.details["named"] for candidate in candidates}
    return {name: text_keys(sorted({*named.definitions, *_classes(named)})) for name, named in found.items()}


def _weights(named: Named, context: Context) -> Weights:
    names = [*_classes(named)]
    bits = context.names["definitions"].bits(names).tolist()
    return weights_of(dict(zip(names, bits, strict=True)), context.background.stock_bits)


def _by_file(mine: Named) -> dict[str, list[str]]:
    """Path -> names of classes in it."""
    found: dict[str, list[str]] = {}
    for name, paths in _classes(mine).items():
        for path in paths:
            found.setdefault(path, []).append(name)
    return dict(sorted(found.items()))


def _explanations(
    followed: Sequence[Dangling],
    mine: Named,
    candidates: Sequence[Profiled],
    held: Mapping[str, float],
    context: Context,
) -> tuple[Explanation, ...]:
    """Of the references that lead to the right repository, how many lead to each candidate as well. What is only mentioned may be
    a credit, and is not counted."""
    right = right_of(candidates).profile.details["named"]
    shared = {f.text for f in followed if f.target and any(reference.kind != "mention" for reference in f.references)}
    tied: dict[str, set[str]] = {}
    for other in explaining(candidates):
        alone = dangling(mine, right, [(other.told, other.profile.details["named"])], context.names["definitions"])
        tied[other.name] = {found.text for found in alone if found.explained_by} & shared
    somewhere = set().union(*tied.values())
    return tuple(
        Explanation(c.name, "references", len(shared), len(shared - somewhere), len(somewhere), held[c.name])
        if c.role == "right"
        else Explanation(c.name, "references", len(shared), 0, len(tied[c.name]), held[c.name])
        for c in candidates
    )


def _compared(name: str, profile: Profile) -> Compared:
    found: Named = profile.details["named"]
    paths = {reference.place.location.path for reference in found.references}
    return Compared(name, "references", len(paths), 0, 0, len(found.references))


def _finding(found: Dangling) -> Evidence:
    places = tuple(reference.place for reference in found.references[:MAX_PLACES])
    first = found.references[0]
    text = plain(found.text)
    return Evidence(
        id=finding_id("references", places[:1], found.target[:1]),
        kind="references",
        claim=f"the left points at {text}, which it does not have",
        stance="for" if found.level != "none" else "context" if found.target else "against",
        level=found.level,
        left=places,
        right=found.target[:MAX_PLACES],
        measures=(
            Measure("places", len(found.references), "places", "of the left repository that have the reference"),
        ),
        method=METHOD,
        reason=_reason(found, first, text),
        tables=(_steps(found),),
    )


def _reason(found: Dangling, first: Reference, text: str) -> str:
    where = f"{plain(first.place.location.path)}{_behind(first.place.location)}"
    said = f"the left's {where} {WORDS[first.kind]} {text}, which leads nowhere in the left repository"
    if found.explained_by:
        ending = "as the right one has" if found.target else "and the right one has not"
        return f"{said}; {found.explained_by} has it, {ending}"
    if found.level == "none" and first.kind == "import":
        return f"{said}; it is a package that the left says it needs"
    target = found.target[0]
    name = f" ({plain(target.qualname)})" if target.qualname else ""
    ending = {
        "mention": "; a mention can be a credit, and is a place to look",
        "origin": "; a copy and an honest derivative both keep such a line",
    }.get(first.kind, "")
    return f"{said} and to {plain(target.location.path)}{_behind(target.location)}{name} in the right one{ending}"


def _behind(location: Location) -> str:
    if location.pointer is not None:
        return f"#{plain(location.pointer)}"
    return f":{location.span.first}" if location.span else ""


def _steps(found: Dangling) -> Table:
    rows = tuple(
        TableRow(
            "same" if step.found else "only_left",
            (
                plain(step.where),
                plain(step.looked_for),
                "; ".join(f"{plain(p.location.path)}{_behind(p.location)}" for p in step.found[:3]) or None,
            ),
            plain(step.outcome),
        )
        for step in found.steps
    )
    return Table("How it was followed", ("looked in", "for", "found"), rows)
