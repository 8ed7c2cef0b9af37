"""What the formats say in common."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from codeclone.model import KIND_TITLES, PARTS, CloneType, Explanation, Location, Measure, Partition, RenameProof

PART_MEANING = {
    "stock": "what everyone writes: at least one in a hundred unrelated files has it",
    "ancestor": "also in a declared common ancestor",
    "claimed": "also in a source that the authors name",
    "attributable": "shared with the right repository, and none of these explains it",
    "own": "on the left only",
}

NOT_NAMED = {
    "ancestor": "not examined: no common ancestor was named",
    "claimed": "not examined: no source was named",
}
"""What an empty part says when no candidate has its role."""


def meanings(roles: Collection[str]) -> dict[str, str]:
    """Part -> what it holds; `roles`: those of the report's candidates."""
    return {
        part: NOT_NAMED[part] if part in NOT_NAMED and part not in roles else meaning
        for part, meaning in PART_MEANING.items()
    }


OP_SIGN = {"same": "=", "renamed": "~", "edited": "≠", "only_left": "<", "only_right": ">"}
OP_MEANING = {
    "same": "the same",
    "renamed": "the same but for names",
    "edited": "edited",
    "only_left": "only on the left",
    "only_right": "only on the right",
}


TYPE_MEANING: dict[CloneType, str] = {
    "type-1": "the same but for layout, comments, docstrings and annotations",
    "type-2": "the same but for names and literals",
    "type-3": "edited: more than half of the smaller side's statements are identical after the renames",
    "rewritten": "type 4: the dataflow agrees, most statements do not",
}


def told(proof: RenameProof) -> str:
    """What a rename proof says, in one or two sentences."""
    number = sum(rename.kind != "definition" for rename in proof.renames)
    after = f"After {number} rename{'s' * (number != 1)}" if number else "Without any rename"
    before = f" (before: {proof.identical_before})" if number else ""
    whole = f"{proof.identical} of the left side's {proof.left_statements} statements are identical to the right side's"
    sentence = f"{after}, {whole} {proof.right_statements}, in order{before}."
    if proof.contradictions:
        sentence += " Names contradict the table: this is not a rename alone."
    return sentence


def shares(partition: Partition) -> list[tuple[str, float, float]]:
    """(part, bits, share of the whole in [0, 1]) in the order of the contract."""
    whole = partition.total or 1.0
    return [(part, getattr(partition, part), getattr(partition, part) / whole) for part in PARTS]


def parts(partition: Partition) -> str:
    """The parts that there are, with their shares."""
    return (
        " · ".join(f"{part} {percent(share)}" for part, bits, share in shares(partition) if bits) or "nothing counted"
    )


NOUNS = {
    "code": ("code fragment", "code fragments"),
    "config": ("setting", "settings"),
    "references": ("reference", "references"),
    "tensors": ("tensor", "tensors"),
    "tokenizer": ("token", "tokens"),
    "weights": ("tensor by its numbers", "tensors by their numbers"),
}
"""Kind -> what is counted of it: one, and several."""


BEYOND_STOCK = {
    "config": ("setting beyond stock", "settings beyond stock"),
    "tokenizer": ("new token", "new tokens"),
}
"""Kind -> how those of them are called that are not stock."""


def things(number: int, kind: str, *, beyond_stock: bool = False) -> str:
    """So many of what is counted of a kind; `beyond_stock`: only what is not stock is meant."""
    one, several = NOUNS.get(kind, (f"item of kind {kind}", f"items of kind {kind}"))
    if beyond_stock:
        one, several = BEYOND_STOCK.get(kind, (one, several))
    return f"{number:,} {one if number == 1 else several}"


def answer(candidate: str, right: str, found: Sequence[Explanation]) -> str:
    """What an ancestor or claimed source explains of what the left shares with the right repository, in one sentence.

    `found`: its rows, one for each kind.
    """
    shared = [row for row in found if row.shared]
    none = [things(0, row.kind, beyond_stock=True).removeprefix("0 ") for row in found if not row.shared]
    if not shared:
        return f"Nothing but stock is shared with {right}, so there is nothing that {candidate} could explain."
    runs: list[list[Explanation]] = []
    for row in shared:
        if runs and not (row.better or row.tied or runs[-1][0].better or runs[-1][0].tied):
            runs[-1].append(row)
        else:
            runs.append([row])
    first, *rest = (
        (_listed([things(row.shared, row.kind, beyond_stock=True) for row in run]), _better(run[0])) for run in runs
    )
    clauses = [
        f"Of the {first[0]} shared with {right}, {candidate} explains {first[1]}",
        *(f"of the {what}, {better}" for what, better in rest),
        *([f"no {_listed(none, 'or')} are shared"] if none else []),
    ]
    return "; ".join(clauses) + "."


def _better(row: Explanation) -> str:
    better, tied = (f"{number:,}" if number else "none" for number in (row.better, row.tied))
    return f"{better} better and {tied} equally well" if row.better or row.tied else "none better or equally well"


def _listed(words: Sequence[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def among_unrelated(share: float) -> str:
    """How many of the unrelated pairs that were measured stay below a figure; `share` in [0, 1]."""
    if share <= 0.0:
        return "none"
    return "all measured" if share >= 1.0 else percent(share)


_CELL = re.compile(r"(?:/worksheets/(\d{1,9}))?/cells/(\d{1,9})/\w+\Z", re.ASCII)
"""Of a number with more digits Python makes none, and no notebook has so many cells."""


def where(location: Location) -> str:
    """`path:first-last`; of a notebook `path cell 3:first-last`, with the lines of the cell."""
    place = location.path
    cell = _CELL.match(location.pointer or "")
    if cell is not None:
        sheet = f" worksheet {int(cell[1]) + 1}" if cell[1] and int(cell[1]) else ""
        place = f"{place}{sheet} cell {int(cell[2]) + 1}"
    elif location.pointer is not None:
        place = f"{place}#{location.pointer}"
    if location.span is None:
        return place
    if location.span.first == location.span.last:
        return f"{place}:{location.span.first}"
    return f"{place}:{location.span.first}-{location.span.last}"


def title(kind: str) -> str:
    """The heading of a kind of evidence."""
    return KIND_TITLES.get(kind, kind.capitalize())


def figure(measure: Measure) -> str:
    """A measure with its unit, short."""
    name, number = measure.name.replace("_", " "), amount(measure.value, measure.unit)
    return (
        f"{name} {number}" if measure.unit == "fraction" or measure.unit in name else f"{name} {number} {measure.unit}"
    )


NUMBERS = ("sd", "correlation", "decades")
"""Units of figures that may be small: they are given with three digits, wherever these stand."""


def amount(value: float, unit: str) -> str:
    """The number of a measure, without its unit but for `%`."""
    if unit == "fraction":
        return percent(value)
    if unit in NUMBERS:
        return f"{value:.3g}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def percent(value: float) -> str:
    """A fraction as a percentage; only what is wholly there is 100 %."""
    if value >= 1.0:
        return "100 %"
    return f"{min(value, 0.999) * 100:.1f} %"
