"""Code: which fragments of the left repository are made of the same dataflow as fragments of the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Explained, Weights, by_precedence
from codeclone.background import is_kernel, with_language
from codeclone.batches import side_by_side
from codeclone.evidence import Context, Findings, Profiled, explaining, roles, sides, skipped, whole_controls
from codeclone.match import align, listing, showing, structure
from codeclone.match.composition import composition
from codeclone.match.controls import controls
from codeclone.match.features import COARSE, FINE, facts_of
from codeclone.match.leftovers import defined, leftovers, shared_names
from codeclone.match.measure import Pair, pairs
from codeclone.match.pairing import best_matches
from codeclone.match.rivals import Contest, Rival, attribution, explanations
from codeclone.match.showing import place_of
from codeclone.match.side import Side, side_of
from codeclone.match.structure import clone_classes
from codeclone.model import (
    LEVELS,
    PARTS,
    CloneClass,
    Compared,
    Evidence,
    Facts,
    Level,
    Location,
    Partition,
    Profile,
    Skipped,
    Snapshot,
)
from codeclone.parse.fragments import Parsed, parse_snapshots, suffix_of
from codeclone.parse.graph import CUT_OUT

TITLE = "Code"
VERSION = 2

MAX_CONTROLLED = 1_000
"""Pairs, the strongest first, whose figures stand beside those of control pairs."""

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
    rivals, facts = _rivals(left, candidates, context)
    mine, right = facts.left, next(rival for rival in rivals if rival.role == "right")
    others = [rival for rival in rivals if rival is not right]
    contest = Contest(mine, rivals)
    known = _known(left, candidates)
    weights = _weights(left, context)
    explained = weights.explained(roles(candidates), known)
    found = pairs(mine, right.side, right.matches, facts.attributable(explained), facts.bits)
    evidence = _with_controls(showing.evidence(mine, right.side, found), mine, right, others, found, facts)
    held = weights.held(known)
    held_of_right = _held_of_right(right.side.profile, explaining(candidates), context)
    named_by_others = _named_by(candidates)
    definitions, theirs = (defined(its.profile.fragments, its.parsed.bindings) for its in (mine, right.side))
    left_over, unread = leftovers(left.fragments, definitions, mine.parsed.imported, theirs, named_by_others or ())
    reason = f"{unread:,} more fragments of the left were not searched for names that only the right defines"
    return Findings(
        evidence=evidence,
        classes=_clone_classes(mine, right.side, found, evidence),
        composition=composition(
            left.fragments,
            right.side.profile.fragments,
            {index: (match.right, match.containment) for index, match in right.matches.items()},
        ),
        leftovers=tuple(left_over),
        common_names=shared_names(definitions, theirs, named_by_others),
        attribution=attribution(contest),
        explanations=explanations(contest, _shared(mine, right, others, found, facts), held),
        controls=whole_controls(TITLE, candidates, held, held_of_right),
        partition=explained.partition(),
        calibrated=explained.partition(explained.keys[~is_kernel(explained.keys)]),
        by_file=_by_file(left, explained),
        compared=tuple(_compared(name, profile) for name, profile in sides(left, candidates)),
        skipped=(*skipped(left, candidates), *([("left", Skipped(Location("*.py"), reason))] if unread else [])),
    )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """All facts of the comparison, with the side in question."""

    left: Side
    known: NDArray[np.uint64]
    """Ascending."""
    bits: NDArray[np.float64]
    not_stock: NDArray[np.bool_]

    def attributable(self, explained: Explained) -> NDArray[np.bool_]:
        """Which of them are."""
        found = np.zeros(len(self.known), np.bool_)
        found[np.searchsorted(self.known, explained.keys)] = explained.parts == PARTS.index("attributable")
        return found


def _rivals(left: Profile, candidates: Sequence[Profiled], context: Context) -> tuple[list[Rival], _Weighed]:
    """Every candidate with its matches, in the order in which one of several equals is named."""
    profiles = [left, *(candidate.profile for candidate in candidates)]
    known = np.unique(np.concatenate([profile.facts.keys for profile in profiles]))
    bits = context.background.bits(known)
    alphabet = align.Alphabet()
    mine, *theirs = side_by_side(lambda profile: side_of(profile, known, bits, alphabet), profiles)
    rivals = {
        candidate.name: Rival(candidate.name, candidate.role, side, best_matches(mine, side))
        for candidate, side in zip(candidates, theirs, strict=True)
    }
    facts = _Weighed(mine, known, bits, bits >= context.background.stock_bits)
    return [rivals[name] for name in by_precedence(roles(candidates))], facts


def _shared(
    left: Side, right: Rival, others: Sequence[Rival], found: Sequence[tuple[Level, Pair]], facts: _Weighed
) -> list[int]:
    """Left fragments that make a pair with the right repository, whoever else explains them."""
    if others:
        found = pairs(left, right.side, right.matches, facts.not_stock, facts.bits)
    return sorted({pair.left for _, pair in found})


def _with_controls(
    evidence: Sequence[Evidence],
    left: Side,
    right: Rival,
    others: Sequence[Rival],
    found: Sequence[tuple[Level, Pair]],
    facts: _Weighed,
) -> tuple[Evidence, ...]:
    shown = [pair for _, pair in found[:MAX_CONTROLLED]]
    rows = controls(left, right.side, shown, others, facts.not_stock, facts.bits)
    return (
        *(replace(finding, controls=its) for finding, its in zip(evidence, rows, strict=False)),
        *evidence[len(rows) :],
    )


# Partition


def _fine(facts: Facts) -> NDArray[np.bool_]:
    """Facts that can show copying."""
    return np.isin(facts.depths, FINE)


def _known_to(one: Profile, other: Profile) -> NDArray[np.uint64]:
    """Fine facts of the other side, and those of one side that stand on a line of which the other has all that it says when its
    fragment is cut out of its place.

    In its place the same line says other things where the file imports its names absolutely, where relatively, and where it
    has them itself: a fork that only changed its imports would seem to have something of its own.
    """
    theirs = np.unique(other.facts.keys[_fine(other.facts)])
    parsed: Parsed = one.details["parsed"]
    rows = np.flatnonzero(_fine(one.facts))
    if not len(rows):
        return theirs
    lines = one.facts.fragments[rows].astype(np.int64) << np.int64(32) | parsed.lines[one.facts.nodes[rows]]
    _, group = np.unique(lines, return_inverse=True)
    cut_out = (one.facts.readings[rows] & CUT_OUT) > 0
    missing = cut_out & ~np.isin(one.facts.keys[rows], theirs)
    whole = (np.bincount(group, cut_out) > 0) & (np.bincount(group, missing) == 0)
    return np.union1d(theirs, one.facts.keys[rows][~cut_out & whole[group]])


def _known(one: Profile, candidates: Sequence[Profiled]) -> dict[str, NDArray[np.uint64]]:
    """Candidate -> what it has of one side: of the right repository no more than its facts."""
    return {
        c.name: c.profile.facts.keys[_fine(c.profile.facts)] if c.role == "right" else _known_to(one, c.profile)
        for c in candidates
    }


def _held_of_right(right: Profile, others: Sequence[Profiled], context: Context) -> dict[str, float]:
    """Ancestor or claimed source -> share of the right repository's bits that are not stock that it has."""
    return _weights(right, context).held(_known(right, others)) if others else {}


def _weights(one: Profile, context: Context) -> Weights:
    keys = np.unique(one.facts.keys[_fine(one.facts)])
    return Weights(keys, context.background.bits(keys), context.background.stock_bits)


def _by_file(left: Profile, explained: Explained) -> dict[str, Partition]:
    paths = sorted({fragment.location.path for fragment in left.fragments})
    index = {path: number for number, path in enumerate(paths)}
    file_of = np.array([index[fragment.location.path] for fragment in left.fragments] or [0])
    fine = _fine(left.facts)
    keys, files = left.facts.keys[fine], file_of[left.facts.fragments[fine]]
    ends = np.cumsum(np.bincount(files, minlength=len(paths)))
    parts = np.split(keys[np.argsort(files, kind="stable")], ends[:-1])
    return {path: explained.partition(np.unique(part)) for path, part in zip(paths, parts, strict=False)}


def _compared(name: str, profile: Profile) -> Compared:
    parsed: Parsed = profile.details["parsed"]
    return Compared(name, "code", parsed.files, len(profile.fragments), parsed.source_lines, len(profile.facts.keys))


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
