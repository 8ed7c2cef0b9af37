"""Code: which fragments of the left repository are made of the same dataflow as fragments of the right one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Explained, explain
from codeclone.background import with_language
from codeclone.evidence import Context, Findings, Profiled
from codeclone.match import align
from codeclone.match import explain as terms
from codeclone.match.features import COARSE, DEPTHS, FINE, facts_of
from codeclone.match.pairing import Match, Side, best_matches, side_of
from codeclone.model import (
    LEVELS,
    PARTS,
    Alignment,
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
from codeclone.parse.graph import LOCAL

TITLE = "Code"
VERSION = 2

SHOWN = 200
"""Pairs that are aligned line by line and shown side by side; the others are listed."""

TERMS = 6
"""Rarest shared terms shown for a pair."""

LEVEL_BOUNDS: tuple[tuple[Level, float, float, float], ...] = (
    ("strong", 600.0, 0.5, 0.5),
    ("moderate", 300.0, 0.5, 0.0),
    ("weak", 40.0, 0.25, 0.0),
)
"""(level, least attributable bits, least of the larger containment, least of the smaller one). Measured on the best
pairs of unrelated packages (docs/calibration.md): coincidences end at 190 bits, and what lies above them up to 440 bits
shares a public origin. No single pair is `very strong`: that takes a second kind of evidence."""

METHOD = Method(
    "value graphs",
    {"depth": DEPTHS, "fine_depths": ",".join(map(str, FINE))},
    "Alpern, Wegman, Zadeck 1988 (value numbering); Shervashidze et al. 2011, section 3.1 (neighbourhood features)",
)


def profile(snapshot: Snapshot) -> Profile:
    """Parse every file of code of a snapshot into fragments and their facts."""
    parsed = parse_snapshot(snapshot)
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
    pairs = []
    least = LEVEL_BOUNDS[-1][1]
    for fragment, match in matches.items():
        if match.containment * left.sets.bits[fragment] < least:
            continue
        pair = _pair(left, right, fragment, match, explained, bits, known)
        if pair is not None:
            pairs.append(pair)
    pairs.sort(key=lambda pair: (-LEVELS.index(pair.level), -pair.telling, pair.left, pair.right))
    return [_finding(left, right, pair, shown=place < SHOWN) for place, pair in enumerate(pairs)]


@dataclass(frozen=True, slots=True)
class _Pair:
    left: int
    right: int
    shared: float
    attributable: float
    containment_left: float
    containment_right: float
    resemblance: float
    level: Level
    tied: tuple[int, ...]
    left_rows: NDArray[np.int64]
    right_rows: NDArray[np.int64]
    shared_bits: NDArray[np.float64]

    @property
    def telling(self) -> float:
        """What pairs of one level are ordered by: much that is attributable, in fragments that are alike throughout."""
        return self.attributable * max(self.containment_left, self.containment_right)


def _pair(
    left: Side,
    right: Side,
    fragment: int,
    match: Match,
    explained: Explained,
    bits: NDArray[np.float64],
    known: NDArray[np.uint64],
) -> _Pair | None:
    """Measures of a pair on the facts of the fragments themselves, without those of definitions inside them.

    What stands in a helper that one side calls can be found in the other's own lines, but each share is one of own
    lines: a function that only calls copied ones is not a copy.
    """
    one, other = left.facts(fragment), right.facts(match.right)
    left_keys, right_keys = left.own.keys[one], right.own.keys[other]
    shared_keys, at_left, at_right = np.intersect1d(left_keys, right_keys, assume_unique=True, return_indices=True)
    weights = bits[np.searchsorted(known, shared_keys)]
    left_weights, right_weights = (bits[np.searchsorted(known, keys)] for keys in (left_keys, right_keys))
    left_local, right_local = ((side.own.readings[facts] & LOCAL) > 0 for side, facts in ((left, one), (right, other)))
    shared = float(weights.sum())
    if not shared:
        return None
    whole_left, whole_right = float(left_weights.sum()), float(right_weights.sum())
    fine = np.isin(left.own.depths[one][at_left], FINE)
    parts = np.zeros(len(shared_keys), np.uint8)
    parts[fine] = explained.part_of(shared_keys[fine])
    telling = fine & (parts == PARTS.index("attributable")) & left_local[at_left]
    attributable = float(weights[telling].sum())
    contained_left = _share(weights[left_local[at_left]], left_weights[left_local])
    contained_right = _share(weights[right_local[at_right]], right_weights[right_local])
    level = level_of(attributable, contained_left, contained_right)
    if level == "none":
        return None
    return _Pair(
        left=fragment,
        right=match.right,
        shared=shared,
        attributable=attributable,
        containment_left=contained_left,
        containment_right=contained_right,
        resemblance=round(min(1.0, shared / max(whole_left + whole_right - shared, shared)), 6),
        level=level,
        tied=match.tied,
        left_rows=one.start + at_left[telling],
        right_rows=other.start + at_right[telling],
        shared_bits=weights[telling],
    )


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    total = float(whole.sum())
    return round(min(1.0, float(part.sum()) / total), 6) if total else 0.0


def level_of(attributable: float, containment_left: float, containment_right: float) -> Level:
    """Level of one pair by `LEVEL_BOUNDS`."""
    larger, smaller = max(containment_left, containment_right), min(containment_left, containment_right)
    for level, bits, one, other in LEVEL_BOUNDS:
        if attributable >= bits and larger >= one and smaller >= other:
            return level
    return "none"


def _finding(left: Side, right: Side, pair: _Pair, shown: bool) -> Evidence:
    one, other = left.profile.fragments[pair.left], right.profile.fragments[pair.right]
    alignment = align.align(one.lines, other.lines) if shown else None
    renames = align.renames(alignment) if alignment is not None else ()
    return Evidence(
        id=_id(one, other),
        kind="code",
        claim=f"{one.qualname} shares dataflow with {other.qualname}",
        stance="for",
        level=pair.level,
        left=(_place(one),),
        right=(_place(other),),
        measures=_measures(pair, align.similarity(left.surface(pair.left), right.surface(pair.right))),
        method=METHOD,
        reason=_reason(pair, alignment, renames) + _as_close(right, pair),
        renames=renames,
        alignment=alignment,
        terms=_terms(left, right, pair) if shown else (),
    )


def _id(left: Fragment, right: Fragment) -> str:
    text = "\0".join(
        f"{side.location.path}{side.location.pointer or ''}\0{side.qualname}\0{side.location.span.first if side.location.span else 0}"
        for side in (left, right)
    )
    return "code-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _measures(pair: _Pair, surface: float) -> tuple[Measure, ...]:
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


def _reason(pair: _Pair, alignment: Alignment | None, renames: tuple[tuple[str, str], ...]) -> str:
    share = f"{pair.containment_left * 100:.0f} % of the left fragment's dataflow is found on the right"
    if alignment is None:
        return share + "; not among the pairs that were aligned line by line"
    counts = {op: sum(row.op == op for row in alignment.rows if (row.left_text + row.right_text).strip()) for op in
              ("same", "renamed", "edited", "only_left", "only_right")}  # fmt: skip
    if not any(counts[op] for op in ("renamed", "edited", "only_left", "only_right")):
        return "the same text"
    if not any(counts[op] for op in ("edited", "only_left", "only_right")):
        return f"the same text after {_count(len(renames), 'rename')}"
    parts = [share]
    if counts["same"] or counts["renamed"]:
        parts.append(f"{_count(counts['same'], 'line')} the same and {counts['renamed']} the same but for names")
    parts.append(f"{counts['edited']} edited, {counts['only_left']} only left, {counts['only_right']} only right")
    return "; ".join(parts)


def _as_close(right: Side, pair: _Pair) -> str:
    """Other right fragments that explain the left one as well: which of them is the source cannot be told."""
    if not pair.tied:
        return ""
    first = right.profile.fragments[pair.tied[0]]
    more = f" and {len(pair.tied) - 1} more" if len(pair.tied) > 1 else ""
    return f"; as close: {first.qualname} in {first.location.path}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _terms(left: Side, right: Side, pair: _Pair) -> tuple[Term, ...]:
    """The rarest shared terms, deepest first, no two of them on the same node or the same pair of lines."""
    order = np.lexsort((pair.left_rows, -left.own.depths[pair.left_rows].astype(np.int64), -pair.shared_bits))
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
        found.append(Term(text, round(float(pair.shared_bits[place]), 2), *lines))
        if len(found) == TERMS:
            break
    return tuple(found)
