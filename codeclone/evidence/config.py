"""Configuration: which settings of the left repository have the values of the right one's, whatever they are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Item, Weights, attributed, explained_items
from codeclone.background import Shares, text_keys
from codeclone.evidence import (
    Context,
    Findings,
    Profiled,
    explaining,
    facts_of_data,
    finding_id,
    right_of,
    roles,
    same_figures,
    sides,
    skipped,
    strongest_first,
    weights_of,
    whole_controls,
)
from codeclone.match import decades
from codeclone.match.likelihood import EXPLAINED, STOPPED, Weighed, chance, ratio
from codeclone.match.setting_pairs import Pair, public_type
from codeclone.match.setting_showing import measures, reason, renames, table
from codeclone.match.setting_sources import Holding, holding, place
from codeclone.model import (
    Compared,
    Control,
    Evidence,
    Location,
    Method,
    Place,
    Profile,
    Skipped,
    Snapshot,
)
from codeclone.parse.documents import Document, documents, is_json
from codeclone.plain import plain
from codeclone.read.repository_tensors import sizes_of
from codeclone.read.tensors import reads as reads_tensors

TITLE = "Configuration"
VERSION = 1

METHOD = Method(
    "settings compared as key paths and values, weighed by how few public model folders have them",
    {"weak": decades.WEAK, "moderate": decades.MODERATE, "groups": decades.LEAST_GROUPS},
    "likelihood ratio for discrete features with one draw for each dependent group (docs/statistics.md, configuration)",
)


def reads(path: str) -> bool:
    """Whether a file can hold settings, by its name."""
    return is_json(path) or path.lower().endswith(".py")


def profile(snapshot: Snapshot) -> Profile:
    """Read every configuration and the defaults of every class that holds settings."""
    return profiles([snapshot])[0]


def profiles(snapshots: Sequence[Snapshot]) -> list[Profile]:
    """The profile of each snapshot, all read at once."""
    return [_profile(snapshot, *found) for snapshot, found in zip(snapshots, documents(snapshots), strict=True)]


def _profile(snapshot: Snapshot, found: tuple[Document, ...], left_out: tuple[Skipped, ...]) -> Profile:
    texts = [(number, entry.text) for number, document in enumerate(found) for entry in document.entries]
    return Profile(
        kind="config",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=facts_of_data(text_keys(text for _, text in texts), [number for number, _ in texts]),
        fragments=(),
        details={"documents": found, "implied": _implied(snapshot) if found else frozenset()},
        skipped=left_out,
    )


def _implied(snapshot: Snapshot) -> frozenset[int]:
    """Sizes that the repository's tensors have."""
    found: set[int] = set()
    for file in snapshot.files:
        if reads_tensors(file.path):
            found.update(sizes_of(file))
    return frozenset(found)


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Pair each left document with the best of each candidate; what the right explains becomes evidence."""
    mine: tuple[Document, ...] = left.details["documents"]
    right = right_of(candidates)
    held = {c.name: _holding(left, c.profile, context) for c in candidates}
    held_of_right = {c.name: _holding(right.profile, c.profile, context) for c in explaining(candidates)}
    weighed, bits = _weighed(mine, context)
    known = _known(mine, held)
    explained = weighed.explained(roles(candidates), known)
    evidence = [
        replace(finding, controls=_controls(finding, number, pair, candidates, held, held_of_right))
        for number, pair in held[right.name].pairs.items()
        if (finding := _finding(pair, _elsewhere(number, pair.left, candidates, held), context.names)) is not None
    ]
    evidence.sort(key=_order)
    items = _items(mine, held, bits, context.background.stock_bits)
    shares = weighed.held(known)
    theirs = right.profile.details["documents"]
    shares_of_right = _weighed(theirs, context)[0].held(_known(theirs, held_of_right))
    return Findings(
        evidence=strongest_first(evidence),
        attribution=attributed("config", items, roles(candidates)),
        explanations=explained_items("config", items, roles(candidates), shares),
        controls=whole_controls(TITLE, candidates, shares, shares_of_right),
        partition=explained.partition(),
        by_file={path: explained.partition(np.unique(text_keys(found))) for path, found in _by_file(mine).items()},
        compared=tuple(_compared(name, profile) for name, profile in sides(left, candidates)),
        skipped=skipped(left, candidates),
    )


def _holding(one: Profile, other: Profile, context: Context) -> Holding:
    implied: frozenset[int] = one.details["implied"] & other.details["implied"]
    documents = one.details["documents"], other.details["documents"]
    return holding(*documents, context.names, implied, context.background.stock_bits)


def _compared(name: str, profile: Profile) -> Compared:
    paths = {document.path for document in profile.details["documents"]}
    return Compared(name, "config", len(paths), 0, 0, len(profile.facts.keys))


# Who explains what


def _weighed(documents: Sequence[Document], context: Context) -> tuple[Weights, dict[str, float]]:
    """What each distinct setting weighs, as `key=value`; nothing what the library writes and what is unset."""
    found = {entry.text: entry for document in documents for entry in document.entries}
    texts = list(found)
    odds = np.array(chance(texts, [found[text].key for text in texts], context.names) or [1.0])[: len(texts)]
    weightless = [
        any(name in STOPPED for name in found[text].path) or found[text].value in (None, "", [], {}) for text in texts
    ]
    bits = dict(zip(texts, np.where(weightless, 0.0, -np.log2(odds)).tolist(), strict=True))
    return weights_of(bits, context.background.stock_bits), bits


def _known(mine: Sequence[Document], held: Mapping[str, Holding]) -> dict[str, NDArray[np.uint64]]:
    """Candidate -> settings of one side that it has."""
    return {
        name: text_keys(sorted({mine[number].entries[at].text for number, at in its.explained}))
        for name, its in held.items()
    }


def _by_file(mine: Sequence[Document]) -> dict[str, list[str]]:
    """Path -> settings that stand there, as `key=value`."""
    found: dict[str, list[str]] = defaultdict(list)
    for document in mine:
        found[document.path].extend(entry.text for entry in document.entries)
    return found


def _elsewhere(
    number: int, document: Document, candidates: Sequence[Profiled], held: Mapping[str, Holding]
) -> dict[str, str]:
    """Settings of a left document that an ancestor or a claimed source has, with its name: also under another key."""
    found: dict[str, str] = {}
    for candidate in reversed(explaining(candidates)):
        its = held[candidate.name]
        best = its.pairs.get(number)
        kept = {w.pairing.left for w in (best.kept if best else ())}
        explained = {*its.explained}
        has_it = (e.text for at, e in enumerate(document.entries) if at in kept or (number, at) in explained)
        found |= dict.fromkeys(has_it, candidate.told)
    return found


def _items(
    mine: Sequence[Document], held: Mapping[str, Holding], bits: Mapping[str, float], stock_bits: float
) -> list[Item]:
    return [
        Item(
            place(document, at),
            bits[entry.text] >= stock_bits,
            {name: its.sources[number, at] for name, its in held.items() if (number, at) in its.sources},
        )
        for number, document in enumerate(mine)
        for at, entry in enumerate(document.entries)
    ]


# What is shown


def _finding(pair: Pair, elsewhere: Mapping[str, str], names: Mapping[str, Shares]) -> Evidence | None:
    """The finding about two documents; None for classes that have nothing to show."""
    weighed = tuple(_without(found, pair.left, elsewhere) for found in pair.weighed)
    total = ratio(weighed)
    level = decades.level_of(total.decades, total.for_it, total.for_it)
    public = public_type(pair, names) if level != "none" else ""
    if public:
        level = "weak"
    if level == "none" and (pair.left.qualname is not None or pair.left.role != pair.right.role):
        return None
    left, right = _place(pair.left), _place(pair.right)
    bits = -np.log2(chance([e.text for e in pair.left.entries], [e.key for e in pair.left.entries], names))
    shared = sum(
        float(bits[f.pairing.left]) for f in weighed if f.pairing.left is not None and f.group and f.decades > 0
    )
    return Evidence(
        id=finding_id("config", [left], [right]),
        kind="config",
        claim=f"the settings of {_name(pair.left)} {'beside' if level == 'none' else 'are'} those of {_name(pair.right)}",
        stance="context" if level == "none" else "for",
        level=level,
        left=(left,),
        right=(right,),
        measures=measures(pair, weighed, total, shared),
        method=METHOD,
        reason=reason(weighed, total, public),
        renames=renames(pair, weighed),
        tables=(table(pair, weighed),),
    )


def _controls(
    finding: Evidence,
    number: int,
    pair: Pair,
    candidates: Sequence[Profiled],
    held: Mapping[str, Holding],
    held_of_right: Mapping[str, Holding],
) -> tuple[Control, ...]:
    """The finding's measures for both documents with the best of every other candidate."""
    at = right_of(candidates).profile.details["documents"].index(pair.right)
    sides = [
        (f"{side} ~ {other.name}", its[other.name].pairs.get(place))
        for other in explaining(candidates)
        for side, its, place in (("left", held, number), ("right", held_of_right, at))
    ]
    figures = ((name, measures(found, found.weighed, found.ratio, 0.0) if found else None) for name, found in sides)
    return same_figures(finding.measures, figures)


def _without(found: Weighed, document: Document, elsewhere: Mapping[str, str]) -> Weighed:
    """The same, weightless where an ancestor or a claimed source has the setting."""
    place = found.pairing.left
    name = elsewhere.get(document.entries[place].text) if place is not None else None
    if name is None or found.decades <= 0:
        return found
    return Weighed(found.pairing, "", 0.0, f"{EXPLAINED} {name}")


def _place(document: Document) -> Place:
    return Place(Location(document.path, document.span), document.qualname)


def _name(document: Document) -> str:
    return plain(document.qualname or document.path)


def _order(found: Evidence) -> tuple[bool, float, str, str]:
    """Of one level, files of settings before defaults in code, and those that tell most first."""
    place = found.left[0]
    weight = next(measure.value for measure in found.measures if measure.name == "decades")
    return place.qualname is not None, -weight, place.location.path, place.qualname or ""
