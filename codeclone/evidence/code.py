"""Code: which fragments of the left repository are made of the same dataflow as fragments of the right one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Explained, explain
from codeclone.evidence import Context, Findings, Profiled
from codeclone.match import align
from codeclone.match import explain as terms
from codeclone.match.context import LEAST_BITS, MAX_VOTE, MOST_BITS, Places, Vote
from codeclone.match.context import Context as Around
from codeclone.match.features import DEPTHS, FINE, facts_of
from codeclone.match.scoring import FactSets, Scores, fact_sets, score, score_pairs
from codeclone.model import (
    LEVELS,
    PARTS,
    Alignment,
    Attribution,
    Compared,
    Evidence,
    Facts,
    Fragment,
    FragmentKind,
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
VERSION = 1

POOLS: tuple[FragmentKind, ...] = ("function", "class", "module")
"""Fragments are explained by fragments of their own kind."""

CLOSE = 0.95
"""Candidates whose rank is at least this share of the best are told apart by their surface."""

SURFACE_WEIGHT = 0.05
"""By what share a surface that is wholly the same lifts the rank of a close candidate: among siblings that share their
structure it decides, and it can never lift a candidate over one that is clearly better by structure."""

MAX_SAME_TEXT = 16
"""Candidates taken because their text is the same, however common it is."""

MAX_TIED = 32
"""So many of them are compared by surface."""

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
    sides = [_side(profile, known, bits, alphabet) for profile in profiles]
    explained = _explained(left, candidates, context)
    matches = [_matches(sides[0], side) for side in sides[1:]]
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


# One side of the comparison, with what is computed of it once


@dataclass(slots=True)
class _Side:
    profile: Profile
    parsed: Parsed
    own: Facts
    sets: FactSets
    """Facts of each fragment and of what is inside it."""
    pools: dict[str, NDArray[np.int64]]
    alphabet: align.Alphabet
    surfaces: dict[int, str]
    bounds: NDArray[np.int64]
    """Own facts of fragment f are `bounds[f]` to `bounds[f + 1]`, exclusive."""

    def surface(self, fragment: int) -> str:
        if fragment not in self.surfaces:
            lines = self.profile.fragments[fragment].lines
            self.surfaces[fragment] = self.alphabet.write(align.surface("\n".join(line for _, line in lines)))
        return self.surfaces[fragment]

    def facts(self, fragment: int) -> slice:
        return slice(int(self.bounds[fragment]), int(self.bounds[fragment + 1]))


def _side(profile: Profile, known: NDArray[np.uint64], bits: NDArray[np.float64], alphabet: align.Alphabet) -> _Side:
    fragments = profile.fragments
    keys, owners, readings = _with_inner(profile.facts, fragments)
    kinds = np.array([fragment.kind for fragment in fragments], dtype=object)
    return _Side(
        profile=profile,
        parsed=profile.details["parsed"],
        own=profile.facts,
        sets=fact_sets(keys, owners, readings, len(fragments), known, bits),
        pools={kind: np.flatnonzero(kinds == kind) for kind in POOLS},
        alphabet=alphabet,
        surfaces={},
        bounds=np.searchsorted(profile.facts.fragments, np.arange(len(fragments) + 1)),
    )


def _with_inner(
    facts: Facts, fragments: tuple[Fragment, ...]
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.uint8]]:
    """(keys, fragments, readings) of every fragment together with those of the fragments inside it, each key once in a
    fragment."""
    parents = np.array([fragment.parent for fragment in fragments] or [-1], np.int32)
    level = (facts.keys, facts.fragments, facts.readings)
    levels = [level]
    while len(level[0]):
        above = parents[level[1]]
        inside = above >= 0
        level = (level[0][inside], above[inside], level[2][inside])
        levels.append(level)
    keys, owners, readings = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    order = np.lexsort((keys, owners))
    keys, owners, readings = keys[order], owners[order], readings[order]
    first = np.ones(len(keys), np.bool_)
    first[1:] = (keys[1:] != keys[:-1]) | (owners[1:] != owners[:-1])
    starts = np.flatnonzero(first)
    merged = np.bitwise_or.reduceat(readings, starts) if len(starts) else readings
    return keys[first], owners[first], merged


# Matching


@dataclass(frozen=True, slots=True)
class _Match:
    """The best explanation of a left fragment in one candidate."""

    right: int
    rank: float
    """With what stands around it and its surface added."""
    containment: float
    tied: tuple[int, ...]
    """Other fragments of the candidate that explain it as well, by structure and by surface."""


def _matches(left: _Side, right: _Side) -> dict[int, _Match]:
    """Best match of every left fragment that shares anything: each by itself first, then with what stands around it."""
    options: dict[int, list[_Option]] = {}
    for kind in POOLS:
        lefts, rights = left.pools[kind], right.pools[kind]
        if kind == "class":
            # Functions can be gathered into a class.
            rights = np.sort(np.concatenate([rights, right.pools["function"]]))
        scores = score(left.sets.rows(lefts), right.sets.rows(rights))
        _add_options(options, left, lefts[scores.left], rights[scores.right], scores)
    same_text = _same_text(left, right)
    _add_scored(options, left, right, same_text)
    votes = {index: _vote(left, index, found) for index, found in options.items() if _is_function(left, index)}
    around = Around(Places(left.profile.fragments), Places(right.profile.fragments), votes)
    _add_scored(options, left, right, {index: around.members(index) for index in left.pools["function"].tolist()})
    return {index: _best(left, right, index, found, around) for index, found in sorted(options.items())}


@dataclass(frozen=True, slots=True)
class _Option:
    right: int
    rank: float
    containment: float


def _add_options(
    options: dict[int, list[_Option]],
    left: _Side,
    lefts: NDArray[np.int64],
    rights: NDArray[np.int64],
    scores: Scores,
) -> None:
    whole = np.maximum(left.sets.bits[lefts], 1e-12)
    containment = np.round(np.minimum(1.0, scores.shared / whole), 6)
    for index, other, rank, contained in zip(
        lefts.tolist(), rights.tolist(), scores.rank.tolist(), containment.tolist(), strict=True
    ):
        options.setdefault(index, []).append(_Option(other, rank, contained))


def _same_text(left: _Side, right: _Side) -> dict[int, list[int]]:
    """Left functions -> right functions with the same surface, the first few of them."""
    places: dict[int, list[int]] = {}
    keys = right.parsed.surface_keys
    for index in right.pools["function"].tolist():
        found = places.setdefault(int(keys[index]), [])
        if len(found) < MAX_SAME_TEXT:
            found.append(index)
    mine = left.parsed.surface_keys
    return {index: places[int(mine[index])] for index in left.pools["function"].tolist() if int(mine[index]) in places}


def _add_scored(options: dict[int, list[_Option]], left: _Side, right: _Side, wanted: dict[int, list[int]]) -> None:
    """Score more candidates, those that are not options yet; each left fragment's options stay best first."""
    lefts: list[int] = []
    rights: list[int] = []
    for index, candidates in wanted.items():
        known = {option.right for option in options.get(index, ())}
        new = [candidate for candidate in candidates if candidate not in known]
        lefts.extend([index] * len(new))
        rights.extend(new)
    scores = score_pairs(left.sets, right.sets, np.array(lefts, np.int64), np.array(rights, np.int64))
    _add_options(options, left, scores.left, scores.right, scores)
    for index in set(lefts):
        options[index].sort(key=lambda option: (-option.rank, option.right))


def _is_function(side: _Side, index: int) -> bool:
    return side.profile.fragments[index].kind == "function"


def _vote(left: _Side, index: int, options: list[_Option]) -> Vote:
    best = options[0]
    return Vote(best.right, best.rank**2 * min(MAX_VOTE, float(left.sets.bits[index])))


def _best(left: _Side, right: _Side, index: int, options: list[_Option], around: Around) -> _Match:
    """The option that ranks first; those close to it are told apart by their surface."""
    size = max(LEAST_BITS, float(left.sets.bits[index]))
    # What no bonus can bring close to the best needs no look at what stands around it.
    least = max(option.rank for option in options) * CLOSE - MOST_BITS / size
    options = [option for option in options if option.rank >= least]
    ranked = [(round(option.rank + around.bits(index, option.right) / size, 9), option) for option in options]
    text = left.parsed.surface_keys[index]
    ranked.sort(key=lambda pair: (-pair[0], right.parsed.surface_keys[pair[1].right] != text, pair[1].right))
    first = ranked[0][0]
    close = [pair for pair in ranked[:MAX_TIED] if pair[0] >= first * CLOSE]
    told_apart = []
    for rank, option in close:
        surface = align.similarity(left.surface(index), right.surface(option.right)) if len(close) > 1 else 1.0
        told_apart.append((round(rank * (1.0 + SURFACE_WEIGHT * surface), 9), surface, option))
    told_apart.sort(key=lambda found: (-found[0], around.displacement(index, found[2].right), found[2].right))
    total, surface, best = told_apart[0]
    tied = tuple(option.right for its_total, _, option in told_apart[1:] if its_total == total)
    return _Match(best.right, total, best.containment, tied)


def _attribution(
    left: _Side, names: Sequence[str], sides: Sequence[_Side], matches: Sequence[dict[int, _Match]]
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
    left: _Side,
    right: _Side,
    matches: dict[int, _Match],
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
    left: _Side,
    right: _Side,
    fragment: int,
    match: _Match,
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


def _finding(left: _Side, right: _Side, pair: _Pair, shown: bool) -> Evidence:
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
        f"{side.location.path}\0{side.qualname}\0{side.location.span.first if side.location.span else 0}"
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


def _as_close(right: _Side, pair: _Pair) -> str:
    """Other right fragments that explain the left one as well: which of them is the source cannot be told."""
    if not pair.tied:
        return ""
    first = right.profile.fragments[pair.tied[0]]
    more = f" and {len(pair.tied) - 1} more" if len(pair.tied) > 1 else ""
    return f"; as close: {first.qualname} in {first.location.path}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _terms(left: _Side, right: _Side, pair: _Pair) -> tuple[Term, ...]:
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
