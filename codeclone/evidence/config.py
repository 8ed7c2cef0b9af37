"""Configuration: which settings of the left repository have the values of the right one's, whatever they are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from codeclone.attribution import Explained, explain
from codeclone.background import Shares, text_keys
from codeclone.evidence import (
    Context,
    Findings,
    Profiled,
    explaining,
    facts_of_data,
    finding_id,
    sides,
    skipped,
    strongest_first,
)
from codeclone.match import decades
from codeclone.match.likelihood import EXPLAINED, STOPPED, Weighed, chance, ratio
from codeclone.match.setting_pairs import Pair, best_pairs, public_type
from codeclone.match.setting_showing import measures, reason, renames, table
from codeclone.model import (
    Compared,
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
from codeclone.read.tensors import read_tensors
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
        if reads_tensors(file.path) and not isinstance(read := read_tensors(file), Skipped):
            found.update(size for tensor in read.tensors for size in tensor.shape or ())
    return frozenset(found)


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Pair each left document with the best of each candidate; what the right explains becomes evidence."""
    mine: tuple[Document, ...] = left.details["documents"]
    paired = {
        candidate.name: best_pairs(mine, candidate.profile.details["documents"], context.names, _both(left, candidate))
        for candidate in candidates
    }
    held = {candidate.name: _held(mine, candidate.profile, paired[candidate.name], context) for candidate in candidates}
    explained, keys = _explained(mine, candidates, held, context)
    evidence = [
        finding
        for candidate in candidates
        if candidate.role == "right"
        for number, pair in paired[candidate.name].items()
        if (finding := _finding(pair, _elsewhere(number, pair.left, candidates, held, paired), context.names))
        is not None
    ]
    evidence.sort(key=_order)
    return Findings(
        evidence=strongest_first(evidence),
        partition=explained.partition(),
        by_file={path: explained.partition(np.unique(found)) for path, found in keys.items()},
        compared=tuple(_compared(name, profile) for name, profile in sides(left, candidates)),
        skipped=skipped(left, candidates),
    )


def _both(left: Profile, candidate: Profiled) -> frozenset[int]:
    implied: frozenset[int] = left.details["implied"] & candidate.profile.details["implied"]
    return implied


def _compared(name: str, profile: Profile) -> Compared:
    paths = {document.path for document in profile.details["documents"]}
    return Compared(name, "config", len(paths), 0, 0, len(profile.facts.keys))


# Who explains what


def _held(mine: Sequence[Document], candidate: Profile, paired: Mapping[int, Pair], context: Context) -> frozenset[str]:
    """Settings of the left, as `key=value`, that a candidate has, under that key or, where the value tells, another."""
    theirs = {entry.text for document in candidate.details["documents"] for entry in document.entries}
    found = {entry.text for document in mine for entry in document.entries if entry.text in theirs}
    for pair in paired.values():
        renamed = [w.pairing.left for w in pair.weighed if w.pairing.op == "renamed" and w.pairing.left is not None]
        entries = [pair.left.entries[place] for place in renamed]
        bits = context.names["values"].bits([entry.written for entry in entries]).tolist()
        found |= {e.text for e, b in zip(entries, bits, strict=True) if b >= context.background.stock_bits}
    return frozenset(found)


def _elsewhere(
    number: int,
    document: Document,
    candidates: Sequence[Profiled],
    held: Mapping[str, frozenset[str]],
    paired: Mapping[str, Mapping[int, Pair]],
) -> dict[str, str]:
    """Settings of a left document that an ancestor or a claimed source has, with its name: also under another key."""
    found: dict[str, str] = {}
    for candidate in reversed(explaining(candidates)):
        best = paired[candidate.name].get(number)
        kept = {
            document.entries[w.pairing.left].text for w in (best.kept if best else ()) if w.pairing.left is not None
        }
        has_it = (e.text for e in document.entries if e.text in held[candidate.name] or e.text in kept)
        found |= dict.fromkeys(has_it, candidate.told)
    return found


def _explained(
    mine: Sequence[Document], candidates: Sequence[Profiled], held: Mapping[str, frozenset[str]], context: Context
) -> tuple[Explained, dict[str, np.ndarray]]:
    """Who explains each distinct setting of the left; keys of the settings of each file."""
    found = {entry.text: entry for document in mine for entry in document.entries}
    texts = list(found)
    odds = np.array(chance(texts, [found[text].key for text in texts], context.names) or [1.0])[: len(texts)]
    weightless = [
        any(name in STOPPED for name in found[text].path) or found[text].value in (None, "", [], {}) for text in texts
    ]
    bits = np.where(weightless, 0.0, -np.log2(odds))
    keys, first = np.unique(text_keys(texts), return_index=True)
    explained = explain(
        keys,
        bits[first],
        context.background.stock_bits,
        [(candidate.role, text_keys(sorted(held[candidate.name]))) for candidate in candidates],
    )
    by_file: dict[str, list[str]] = defaultdict(list)
    for document in mine:
        by_file[document.path].extend(entry.text for entry in document.entries)
    return explained, {path: text_keys(some) for path, some in by_file.items()}


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
