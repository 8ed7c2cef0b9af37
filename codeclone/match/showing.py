"""Pairs of fragments -> evidence that a reader can hold against the source: side by side, in terms, in a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from codeclone.batches import in_batches
from codeclone.match import align, explain, reason
from codeclone.match.features import DEPTHS, FINE
from codeclone.match.listing import Reader
from codeclone.match.measure import Pair
from codeclone.match.rename import compare as compare_statements
from codeclone.match.side import Side
from codeclone.match.surface import clone_type
from codeclone.model import Evidence, Fragment, Level, Measure, Method, Place, Term

SHOWN = 200
"""Pairs that are aligned line by line and shown side by side; the others are listed."""

READ_CHARACTERS, READ_PER_LINE = 300_000, 4
"""What is read statement by statement, strongest pairs first: as many characters in all, about half a second of libcst's
time, or as many for each line of both repositories, about a fifth of the time of the scan, whichever is more."""

SHOWN_WORK = 100
"""To show one line takes as long as to parse so many bytes."""

TERMS = 6
"""Rarest shared terms shown for a pair."""

NOT_SHOWN = "not among the pairs that were aligned line by line"

METHOD = Method(
    "value graphs",
    {"depth": DEPTHS, "fine_depths": ",".join(map(str, FINE))},
    "Alpern, Wegman, Zadeck 1988 (value numbering); Shervashidze et al. 2011, section 3.1 (neighbourhood features)",
)


def evidence(left: Side, right: Side, pairs: Sequence[tuple[Level, Pair]]) -> tuple[Evidence, ...]:
    """One piece of evidence for each pair, in their order; the first `SHOWN` with their texts."""
    lines = left.parsed.source_lines + right.parsed.source_lines
    reader = Reader(max(READ_CHARACTERS, READ_PER_LINE * lines))
    fragments = [(left.profile.fragments[pair.left], right.profile.fragments[pair.right]) for _, pair in pairs]
    for both in fragments[:SHOWN]:
        for fragment in both:
            reader.admit(fragment)
    (found,) = in_batches(
        [range(len(pairs))],
        [
            [SHOWN_WORK * sum(len(side.lines) for side in both) for both in fragments[:SHOWN]]
            + [1] * (len(pairs) - SHOWN)
        ],
        lambda _, places: [
            _finding(left, right, pairs[place][1], pairs[place][0], reader if place < SHOWN else None)
            for place in places
        ],
    )
    return tuple(finding for some in found for finding in some)


def place_of(fragment: Fragment) -> Place:
    """Where a fragment stands."""
    return Place(fragment.location, fragment.qualname)


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
        if not proof.identical and proof.left_statements:
            proof, unproven = None, "no consistent renaming"
    if pair.part is not None:
        sentence += f"; {reason.part_sentence(pair.part)}"
    return Evidence(
        id=_id(one, other),
        kind="code",
        claim=f"{one.qualname} shares dataflow with {other.qualname}",
        stance="for",
        level=level,
        left=(place_of(one),),
        right=(place_of(other),),
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
        f"{side.location.path}{side.location.pointer or ''}\0{side.qualname}\0{side.location.span.first if side.location.span else 0}"
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
        Measure(
            "telling_bits",
            round(pair.telling, 3),
            "bits",
            "attributable bits times the larger containment, for kernels a third of that: what the level goes by",
        ),
        Measure("surface", round(surface, 6), "fraction", "similarity of the text as written, names included"),
    )


def _as_close(right: Side, pair: Pair) -> str:
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
        text = explain.term(left.parsed.graphs, node, int(left.own.depths[row]))
        found.append(Term(text, round(float(pair.bits[place]), 2), *lines))
        if len(found) == TERMS:
            break
    return tuple(found)
