"""Code: which fragments of the left repository are made of the same dataflow as fragments of the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Explained, explain
from codeclone.background import is_kernel, with_language
from codeclone.batches import side_by_side
from codeclone.evidence import Context, Findings, Profiled, explaining, sides, skipped
from codeclone.match import align, listing, showing, structure
from codeclone.match.composition import composition
from codeclone.match.features import COARSE, FINE, facts_of
from codeclone.match.leftovers import defined, leftovers, shared_names
from codeclone.match.measure import Pair, pairs
from codeclone.match.pairing import Match, Side, best_matches, side_of
from codeclone.match.showing import place_of
from codeclone.match.structure import clone_classes
from codeclone.model import (
    LEVELS,
    PARTS,
    Attribution,
    CloneClass,
    CommonNames,
    Compared,
    CompositionRow,
    Evidence,
    Facts,
    Leftover,
    Level,
    Location,
    Partition,
    Profile,
    Skipped,
    Snapshot,
    Source,
)
from codeclone.parse.fragments import Parsed, parse_snapshots, suffix_of

TITLE = "Code"
VERSION = 2

LEAST_OF_CLASSES: Level = "moderate"
"""Pairs below this level join no clone class: weak ones occur between unrelated fragments, and chains of them join all."""


def reads(path: str) -> bool:
    """Whether a file is code, by its suffix."""
    return suffix_of(path) is not None


def profile(snapshot: Snapshot) -> Profile:
    """Parse every file of code of a snapshot into fragments and their facts."""
    return profiles([snapshot])[0]


def profiles(snapshots: Sequence[Snapshot]) -> list[Profile]:
    """The profile of each snapshot, all parsed at once."""
    parsed = parse_snapshots(snapshots, meanwhile=_load)
    return side_by_side(lambda both: _profile(*both), [*zip(snapshots, parsed, strict=True)])


def _profile(snapshot: Snapshot, parsed: Parsed) -> Profile:
    facts = facts_of(parsed.graphs)
    kernel = np.array([fragment.language != "python" for fragment in parsed.fragments] or [False])
    return Profile(
        kind="code",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=replace(
            facts,
            keys=with_language(facts.keys, kernel[facts.fragments]),
            # Two steps down a syntax tree, or six tokens, are too little to show copying.
            depths=np.where(kernel[facts.fragments] & (facts.depths == FINE[0]), np.uint8(COARSE), facts.depths),
        ),
        fragments=parsed.fragments,
        details={"parsed": parsed},
        skipped=parsed.skipped,
    )


def _load() -> None:
    """Import what the comparison of large repositories is likely to need: it takes a fifth of a second."""
    listing.load()
    structure.load()


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Explain every left fragment by every candidate; the pairs with the right repository become evidence."""
    profiles = [left, *(candidate.profile for candidate in candidates)]
    known = np.unique(np.concatenate([profile.facts.keys for profile in profiles]))
    bits = context.background.bits(known)
    alphabet = align.Alphabet()
    mine, *theirs = side_by_side(lambda profile: side_of(profile, known, bits, alphabet), profiles)
    explained = _explained(left, candidates, context)
    matches = [best_matches(mine, side) for side in theirs]
    found = _Found()
    for candidate, side, its_matches in zip(candidates, theirs, matches, strict=True):
        if candidate.role == "right":
            found = _found(mine, side, its_matches, explained, bits, known, _named_by(candidates))
    return Findings(
        evidence=found.evidence,
        classes=found.classes,
        composition=found.composition,
        leftovers=found.leftovers,
        common_names=found.common_names,
        attribution=_attribution(mine, [c.name for c in candidates], theirs, matches),
        partition=explained.partition(),
        calibrated=explained.partition(explained.keys[~is_kernel(explained.keys)]),
        by_file=_by_file(left, explained),
        compared=tuple(_compared(name, profile) for name, profile in sides(left, candidates)),
        skipped=(*skipped(left, candidates), *(("left", skip) for skip in found.skipped)),
    )


def _attribution(
    left: Side, names: Sequence[str], sides: Sequence[Side], matches: Sequence[dict[int, Match]]
) -> tuple[Attribution, ...]:
    rows = []
    for index, fragment in enumerate(left.profile.fragments):
        found = [
            (match[index], name, side)
            for match, name, side in zip(matches, names, sides, strict=True)
            if index in match
        ]
        scores = {name: match.containment for match, name, _ in found}
        if not found:
            rows.append(Attribution(place_of(fragment), None, scores, undecided=False))
            continue
        best, name, side = max(found, key=lambda option: option[0].rank)
        ties = [
            Source(other_name, place_of(other_side.profile.fragments[tied]))
            for match, other_name, other_side in found
            if match.rank == best.rank
            for tied in (match.right, *match.tied)
            if not (other_name == name and tied == best.right)
        ]
        source = Source(name, place_of(side.profile.fragments[best.right]))
        rows.append(Attribution(place_of(fragment), source, scores, bool(ties), tuple(ties[:5])))
    return tuple(rows)


# Partition


def _fine(facts: Facts) -> NDArray[np.bool_]:
    return np.isin(facts.depths, FINE)


def _explained(left: Profile, candidates: Sequence[Profiled], context: Context) -> Explained:
    keys = np.unique(left.facts.keys[_fine(left.facts)])
    return explain(
        keys,
        context.background.bits(keys),
        context.background.stock_bits,
        [(c.role, c.profile.facts.keys[_fine(c.profile.facts)]) for c in candidates],
    )


def _by_file(left: Profile, explained: Explained) -> dict[str, Partition]:
    paths = sorted({fragment.location.path for fragment in left.fragments})
    index = {path: number for number, path in enumerate(paths)}
    file_of = np.array([index[fragment.location.path] for fragment in left.fragments] or [0])
    fine = _fine(left.facts)
    keys, files = left.facts.keys[fine], file_of[left.facts.fragments[fine]]
    return {path: explained.partition(np.unique(keys[files == number])) for path, number in index.items()}


def _compared(name: str, profile: Profile) -> Compared:
    parsed: Parsed = profile.details["parsed"]
    return Compared(name, "code", parsed.files, len(profile.fragments), parsed.source_lines, len(profile.facts.keys))


# What the right repository and the left one have in common


@dataclass(frozen=True, slots=True)
class _Found:
    evidence: tuple[Evidence, ...] = ()
    classes: tuple[CloneClass, ...] = ()
    composition: tuple[CompositionRow, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    common_names: CommonNames | None = None
    skipped: tuple[Skipped, ...] = ()


def _found(
    left: Side,
    right: Side,
    matches: dict[int, Match],
    explained: Explained,
    bits: NDArray[np.float64],
    known: NDArray[np.uint64],
    named_by_others: set[str] | None,
) -> _Found:
    """`named_by_others`: names that ancestors and claimed sources define; None where there are none of these."""
    attributable = np.zeros(len(known), np.bool_)
    attributable[np.searchsorted(known, explained.keys)] = explained.parts == PARTS.index("attributable")
    found = pairs(left, right, matches, attributable, bits)
    evidence = showing.evidence(left, right, found)
    mine, theirs = (defined(side.profile.fragments, side.parsed.bindings) for side in (left, right))
    left_over, unread = leftovers(left.profile.fragments, mine, left.parsed.imported, theirs, named_by_others or ())
    reason = f"{unread:,} more fragments of the left were not searched for names that only the right defines"
    return _Found(
        evidence=evidence,
        classes=_clone_classes(left, right, found, evidence),
        composition=composition(
            left.profile.fragments,
            right.profile.fragments,
            {index: (match.right, match.containment) for index, match in matches.items()},
        ),
        leftovers=tuple(left_over),
        common_names=shared_names(mine, theirs, named_by_others),
        skipped=(Skipped(Location("*.py"), reason),) if unread else (),
    )


def _named_by(candidates: Sequence[Profiled]) -> set[str] | None:
    others = [candidate.profile for candidate in explaining(candidates)]
    if not others:
        return None
    return {name for profile in others for name in defined(profile.fragments, profile.details["parsed"].bindings)}


def _clone_classes(
    left: Side, right: Side, found: Sequence[tuple[Level, Pair]], evidence: Sequence[Evidence]
) -> tuple[CloneClass, ...]:
    """Classes of the pairs at level moderate and above; a tie joins as well."""
    sure = [
        (pair, finding.id)
        for (level, pair), finding in zip(found, evidence, strict=True)
        if LEVELS.index(level) >= LEVELS.index(LEAST_OF_CLASSES)
    ]
    if not sure:
        return ()
    edges = [(pair.left, other) for pair, _ in sure for other in (pair.right, *pair.tied)]
    ids: dict[int, list[str]] = {}
    for pair, its_id in sure:
        ids.setdefault(pair.left, []).append(its_id)
    return tuple(
        CloneClass(
            tuple(place_of(left.profile.fragments[index]) for index in lefts),
            tuple(place_of(right.profile.fragments[index]) for index in rights),
            tuple(its_id for index in lefts for its_id in ids[index]),
        )
        for lefts, rights in clone_classes(edges)
    )
