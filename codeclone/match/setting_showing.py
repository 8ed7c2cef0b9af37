"""What two documents of settings have to do with each other, in measures, a table and a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from codeclone.match.figures import share
from codeclone.match.likelihood import EXPLAINED, Ratio, Weighed
from codeclone.match.setting_pairs import Pair
from codeclone.model import OPS, Measure, Table, TableRow
from codeclone.parse.documents import Document
from codeclone.plain import plain, shortened

MAX_ROWS = 400
"""Of a table; the rest is counted."""

MAX_VALUE = 120
"""Characters of a value that are shown."""


def measures(pair: Pair, weighed: Sequence[Weighed], total: Ratio, attributable: float) -> tuple[Measure, ...]:
    """`attributable`: bits of the settings that agree, weigh and are not explained."""
    kept = sum(found.pairing.op in ("same", "renamed") for found in weighed)
    return (
        Measure("similarity", share(kept, len(weighed)), "fraction", "settings with the same value in the settings of both"),
        Measure("containment_left", share(kept, len(pair.left.entries)), "fraction",
                "share of the left settings that the right has with the same value"),
        Measure("containment_right", share(kept, len(pair.right.entries)), "fraction",
                "share of the right settings that the left has with the same value"),
        Measure("attributable_bits", attributable, "bits", "of the settings that agree, weigh and are not explained"),
        Measure("decades", total.decades, "decades",
                "log10 of how much likelier such agreement is if one was made from the other, dependent settings counted once"),
        Measure("agreeing_groups", total.for_it, "groups", "independent groups of settings that agree on something rare"),
        Measure("differing_groups", total.against_it, "groups", "independent groups of settings that differ"),
    )  # fmt: skip


def renames(pair: Pair, weighed: Sequence[Weighed]) -> tuple[tuple[str, str], ...]:
    """(left key path, right key path) of settings with the same value under another key."""
    return tuple(
        (_path(pair.left, found.pairing.left), _path(pair.right, found.pairing.right))
        for found in weighed
        if found.pairing.op == "renamed"
    )


def reason(weighed: Sequence[Weighed], total: Ratio, public: str) -> str:
    """What became of the settings, and what that is worth. `public`: what both configure, where that is public."""
    counts = Counter(found.pairing.op for found in weighed)
    explained = sum(found.why.startswith(EXPLAINED) for found in weighed)
    told = {
        "same": "{} equal",
        "renamed": "{} under another key with the same value",
        "edited": "{} with another value",
        "only_left": "{} only on the left",
        "only_right": "{} only on the right",
    }
    parts = ", ".join(told[op].format(f"{counts[op]:,}") for op in OPS if counts[op])
    groups = "group" if total.for_it == 1 else "groups"
    weight = (
        f"the agreement in {total.for_it} independent {groups} of rare settings is {_factor(total.decades)} likelier where "
        "one was made from the other, or both from one source, than between strangers"
        if total.for_it and total.decades > 0
        else "nothing of what agrees is rare enough to tell"
    )
    ending = (
        f"; {explained:,} {'is' if explained == 1 else 'are'} explained by an ancestor or a claimed source and not counted"
        if explained
        else ""
    )
    if public:
        ending += (
            f"; both configure {plain(public)}, and all that are made from one public checkpoint of that share its "
            "settings: so this stays at weak"
        )
    return f"settings: {parts}; {weight}{ending}"


def _factor(decades: float) -> str:
    return f"about {10**decades:,.0f} times" if decades < 5.95 else "at least a million times"


def table(pair: Pair, weighed: Sequence[Weighed]) -> Table:
    """Every setting, those that tell most first."""
    order = {"renamed": 0, "same": 0, "edited": 1, "only_left": 2, "only_right": 3}
    ranked = sorted(
        range(len(weighed)), key=lambda place: (-weighed[place].decades, order[weighed[place].pairing.op], place)
    )
    rows = tuple(_row(pair, weighed[place]) for place in ranked[:MAX_ROWS])
    columns = ("left key", "left value", "right key", "right value", "counted with")
    return Table("Settings side by side", columns, rows, max(0, len(weighed) - MAX_ROWS))


def _row(pair: Pair, found: Weighed) -> TableRow:
    mine, theirs = found.pairing.left, found.pairing.right
    return TableRow(
        found.pairing.op,
        (
            _path(pair.left, mine) if mine is not None else None,
            _value(pair.left, mine) if mine is not None else None,
            _path(pair.right, theirs) if theirs is not None else None,
            _value(pair.right, theirs) if theirs is not None else None,
            found.group or None,
        ),
        found.why,
        round(max(0.0, found.decades) * float(np.log2(10)), 6),
    )


def _path(document: Document, place: int | None) -> str:
    return plain(".".join(document.entries[place].path)) if place is not None else ""


def _value(document: Document, place: int) -> str:
    return shortened(plain(document.entries[place].written), MAX_VALUE)
