"""Code: which fragments of the left repository are made of the same dataflow as fragments of the right one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Explained, explain
from codeclone.evidence import Context, Findings, Profiled
from codeclone.match import align, reason
from codeclone.match import explain as terms
from codeclone.match.features import DEPTHS, FINE, facts_of
from codeclone.match.listing import Reader
from codeclone.match.measure import Pair, measure
from codeclone.match.pairing import Match, Side, best_matches, side_of
from codeclone.match.rename import compare as compare_statements
from codeclone.match.surface import clone_type
from codeclone.model import (
    LEVELS,
    PARTS,
    Attribution,
    Compared,
    Evidence,
    Facts,
    Fragment,
    Level,
    Measure,
    Method,
    Partition,
    Place,
    Profile,
    Snapshot,
    Source,
    Term,
)
from codeclone.parse.fragments import Parsed, parse_snapshot

TITLE = "Code"
VERSION = 1

SHOWN = 200
"""Pairs that are aligned line by line and shown side by side; the others are listed."""

READ_CHARACTERS, READ_PER_LINE = 300_000, 4
"""What is read statement by statement, strongest pairs first: as many characters in all, about half a second of libcst's
time, or as many for each line of both repositories, about a fifth of the time of the scan, whichever is more."""

TERMS = 6
"""Rarest shared terms shown for a pair."""

NOT_SHOWN = "not among the pairs that were aligned line by line"

LEVEL_BOUNDS: tuple[tuple[Level, float, float, float], ...] = (
    ("strong", 600.0, 0.5, 0.5),
    ("moderate", 300.0, 0.5, 0.0),
    ("weak", 40.0, 0.25, 0.0),
)
"""(level, least attributable bits, least of the larger containment, least of the smaller one). Measured on the best
pairs of unrelated packages (docs/calibration.md): coincidences end at 190 bits, and what lies above them up to 440 bits
shares a public origin. No single pair is `very strong`: that takes a second kind of evidence."""

PART_MARGIN = 0.2
"""A part is chosen for being alike, so its containments must be this much higher than those of whole fragments."""

NEWS = 0.5
"""A further source of one left fragment is shown when no more than this share of its bits is in the pairs before it."""

METHOD = Method(
    "value graphs",
    {"depth": DEPTHS, "fine_depths": ",".join(map(str, FINE))},
    "Alpern, Wegman, Zadeck 1988 (value numbering); Shervashidze et al. 2011, section 3.1 (neighbourhood features)",
)


def profile(snapshot: Snapshot) -> Profile:
    """Parse every Python file of a snapshot into fragments and their facts."""
    parsed = parse_snapshot(snapshot)
    return Profile(
        kind="code",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=facts_of(parsed.graphs),
        fragments=parsed.fragments,
        details={"parsed": parsed},
        skipped=parsed.skipped,
    )


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Explain every left fragment by every candidate; the pairs with the right repository become evidence."""
    profiles = [left, *(candidate.profile for candidate in candidates)]
    known = np.unique(np.concatenate([profile.facts.keys for profile in profiles]))
    bits = context.background.bits(known)
    alphabet = align.Alphabet()
    sides = [side_of(profile, known, bits, alphabet) for profile in profiles]
    explained = _explained(left, candidates, context)
    matches = [best_matches(sides[0], side) for side in sides[1:]]
    evidence: list[Evidence] = []
    for candidate, side, found in zip(candidates, sides[1:], matches, strict=True):
        if candidate.role == "right":
            evidence = _evidence(sides[0], side, found, explained, bits, known)
    return Findings(
        evidence=tuple(evidence),
        attribution=_attribution(sides[0], [c.name for c in candidates], sides[1:], matches),
        partition=explained.partition(),
        by_file=_by_file(left, explained),
        compared=tuple(
            _compared(name, profile) for name, profile in [("left", left), *((c.name, c.profile) for c in candidates)]
        ),
        skipped=tuple(
            (name, skip)
            for name, profile in [("left", left), *((c.name, c.profile) for c in candidates)]
            for skip in profile.skipped
        ),
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
            rows.append(Attribution(_place(fragment), None, scores, undecided=False))
            continue
        best, name, side = max(found, key=lambda option: option[0].rank)
        ties = [
            Source(other_name, _place(other_side.profile.fragments[tied]))
            for match, other_name, other_side in found
            if match.rank == best.rank
            for tied in (match.right, *match.tied)
            if not (other_name == name and tied == best.right)
        ]
        source = Source(name, _place(side.profile.fragments[best.right]))
        rows.append(Attribution(_place(fragment), source, scores, bool(ties), tuple(ties[:5])))
    return tuple(rows)


def _place(fragment: Fragment) -> Place:
    return Place(fragment.location, fragment.qualname)


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


# Evidence


def _evidence(
    left: Side,
    right: Side,
    matches: dict[int, Match],
    explained: Explained,
    bits: NDArray[np.float64],
    known: NDArray[np.uint64],
) -> list[Evidence]:
    least = LEVEL_BOUNDS[-1][1]
    attributable = np.zeros(len(known), np.bool_)
    attributable[np.searchsorted(known, explained.keys)] = explained.parts == PARTS.index("attributable")
    pairs: list[tuple[Level, Pair]] = []
    for fragment, match in matches.items():
        if match.shared < least:
            continue
        found: list[Pair] = []
        for other in (match.right, *match.gathered):
            tied = match.tied if other == match.right else ()
            pair = measure(left, right, (fragment, other), tied, attributable, known, bits)
            if pair is None or (level := _level(pair)) == "none" or _is_told_by(found, pair):
                continue
            found.append(pair)
            pairs.append((level, pair))
    pairs.sort(key=lambda row: (-LEVELS.index(row[0]), -row[1].telling, row[1].left, row[1].right))
    lines = left.parsed.source_lines + right.parsed.source_lines
    reader = Reader(max(READ_CHARACTERS, READ_PER_LINE * lines))
    return [
        _finding(left, right, pair, level, reader if place < SHOWN else None)
        for place, (level, pair) in enumerate(pairs)
    ]


def _is_told_by(found: Sequence[Pair], pair: Pair) -> bool:
    """Whether most of what a pair shares is in the pairs of the same left fragment already: siblings of one source."""
    if not found:
        return False
    told = np.isin(pair.left_rows, np.concatenate([other.left_rows for other in found]))
    return float(pair.bits[told].sum()) > NEWS * float(pair.bits.sum())


def level_of(attributable: float, containment_left: float, containment_right: float) -> Level:
    """Level of one pair, or of a part of it, by `LEVEL_BOUNDS`."""
    larger, smaller = max(containment_left, containment_right), min(containment_left, containment_right)
    for level, bits, one, other in LEVEL_BOUNDS:
        if attributable >= bits and larger >= one and smaller >= other:
            return level
    return "none"


def _level(pair: Pair) -> Level:
    """The pair's own level, or that of the part in which it is alike, whichever is higher."""
    whole = level_of(pair.attributable, pair.containment_left, pair.containment_right)
    if pair.part is None:
        return whole
    part = level_of(pair.part.attributable_bits, *(c - PART_MARGIN for c in pair.part.containments))
    return max(whole, part, key=LEVELS.index)


def _finding(left: Side, right: Side, pair: Pair, level: Level, reader: Reader | None) -> Evidence:
    """The pair as evidence. `reader`: reads pairs that are shown with their text; None for one that is only listed."""
    one, other = left.profile.fragments[pair.left], right.profile.fragments[pair.right]
    alignment = align.align(one.lines, other.lines) if reader is not None else None
    ours, theirs = (reader.read(one), reader.read(other)) if reader is not None else (NOT_SHOWN, NOT_SHOWN)
    contained = max(pair.containment_left, pair.containment_right)
    if isinstance(ours, str) or isinstance(theirs, str):
        unproven = f"left: {ours}" if isinstance(ours, str) else f"right: {theirs}"
        unproven = NOT_SHOWN if reader is None else unproven
        proof, kind = None, clone_type(None, alignment, contained)
        sentence = reason.short(pair.containment_left, alignment, unproven)
    else:
        comparison = compare_statements(ours, theirs)
        proof, unproven = comparison.proof, ""
        kind = clone_type(proof, alignment, contained, len(comparison.literals))
        sentence = reason.reason(ours, theirs, comparison, kind, pair.containment_left, level)
    return Evidence(
        id=_id(one, other),
        kind="code",
        claim=f"{one.qualname} shares dataflow with {other.qualname}",
        stance="for",
        level=level,
        left=(_place(one),),
        right=(_place(other),),
        measures=_measures(pair, align.similarity(left.surface(pair.left), right.surface(pair.right))),
        method=METHOD,
        reason=sentence + _as_close(right, pair),
        renames=tuple(dict.fromkeys((r.left, r.right) for r in proof.renames)) if proof else (),
        alignment=alignment,
        terms=_terms(left, right, pair) if reader is not None else (),
        part=pair.part,
        type=kind,
        proof=proof,
        unproven=unproven,
    )


def _id(left: Fragment, right: Fragment) -> str:
    text = "\0".join(
        f"{side.location.path}\0{side.qualname}\0{side.location.span.first if side.location.span else 0}"
        for side in (left, right)
    )
    return "code-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _measures(pair: Pair, surface: float) -> tuple[Measure, ...]:
    return (
        Measure("similarity", pair.resemblance, "fraction", "shared bits in the bits of both together (resemblance)"),
        Measure(
            "containment_left",
            pair.containment_left,
            "fraction",
            "share of the bits on the left fragment's own lines that is found right",
        ),
        Measure(
            "containment_right",
            pair.containment_right,
            "fraction",
            "share of the bits on the right fragment's own lines that is found left",
        ),
        Measure("shared_bits", round(pair.shared, 3), "bits", "rarity of the shared facts, added up"),
        Measure(
            "attributable_bits",
            round(pair.attributable, 3),
            "bits",
            "of these, fine facts that are not stock and that no ancestor or claimed source has",
        ),
        Measure("surface", round(surface, 6), "fraction", "similarity of the text as written, names included"),
    )

    """Other right fragments that explain the left one as well: which of them is the source cannot be told."""
    if not pair.tied:
        return ""
    first = right.profile.fragments[pair.tied[0]]
    more = f" and {len(pair.tied) - 1} more" if len(pair.tied) > 1 else ""
    return f"; as close: {first.qualname} in {first.location.path}{more}"


def _terms(left: Side, right: Side, pair: Pair) -> tuple[Term, ...]:
    """The rarest shared terms, deepest first, no two of them on the same node or the same pair of lines."""
    order = np.lexsort((pair.left_rows, -left.own.depths[pair.left_rows].astype(np.int64), -pair.bits))
    found: list[Term] = []
    seen: set[tuple[int, int]] = set()
    for place in order.tolist():
        row = pair.left_rows[place]
        node = int(left.own.nodes[row])
        lines = int(left.parsed.lines[node]), int(right.parsed.lines[right.own.nodes[pair.right_rows[place]]])
        if lines in seen:
            continue
        seen.add(lines)
        text = terms.term(left.parsed.graphs, node, int(left.own.depths[row]))
        found.append(Term(text, round(float(pair.bits[place]), 2), *lines))
        if len(found) == TERMS:
            break
    return tuple(found)
