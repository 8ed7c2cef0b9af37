"""What two checkpoints have to do with each other, in measures, tables and a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone.match.figures import share
from codeclone.match.tensor_names import NameMatch
from codeclone.model import REWRITE_RULES, Measure, Op, Table, TableRow, Tensor
from codeclone.plain import plain, shortened

MAX_RULES, MAX_LEFT_OVER = 500, 200
"""Rows of the tables; the rest is counted."""

MAX_TEXT = 200
"""Characters of a name that are shown."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Bits of the distinct facts of a pair of checkpoints: names with their shapes and types."""

    left: float
    right: float
    shared: float
    attributable: float
    counts: tuple[int, int, int]
    """Facts left, right and shared: what the shares are of where nothing has any bits."""

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of both together, of the left, of the right."""
        left, right, shared = self.left, self.right, self.shared
        if not left or not right:
            left, right, shared = map(float, self.counts)
        return tuple(
            round(min(1.0, shared / whole), 6) if whole else 0.0 for whole in (left + right - shared, left, right)
        )  # type: ignore[return-value]


def likeness(resemblance: float, left_in_right: float, right_in_left: float) -> tuple[Measure, ...]:
    """The measures that every finding about tensors has; fractions."""
    return (
        Measure("similarity", resemblance, "fraction", "bits of the names with shape and type that both have, in those of both together"),
        Measure("containment_left", left_in_right, "fraction", "share of the bits of the left names, with shape and type, that is found right"),
        Measure("containment_right", right_in_left, "fraction", "share of the bits of the right names, with shape and type, that is found left"),
    )  # fmt: skip


def measures(amounts: Amounts, left: int, right: int, match: NameMatch) -> tuple[Measure, ...]:
    """`left`, `right`: tensors of each side."""
    return (
        *likeness(*amounts.shares),
        Measure("shared_bits", round(amounts.shared, 3), "bits", "rarity of the names that both have, added up"),
        Measure("attributable_bits", round(amounts.attributable, 3), "bits", "of these, names that are not stock and that no ancestor or claimed source has"),
        Measure("tensors_mapped", share(len(match.mapping), min(left, right)), "fraction", "tensors that are mapped one to one, in those of the smaller checkpoint"),
        Measure("shapes_equal", share(match.shapes_equal, len(match.mapping)), "fraction", "of the mapped tensors, those with the same shape on both sides"),
        Measure("rules", float(len(match.rules)), "rules", "rewrite rules that turn the left names into the right ones"),
        Measure("tensors_guessed", share(len(match.ambiguous), len(match.mapping)), "fraction", "of the mapped tensors, those for which another of the same shape would have done as well"),
    )  # fmt: skip


def sentence(left: Sequence[Tensor], right: Sequence[Tensor], match: NameMatch) -> str:
    """`loads after 4 renames: …` where every left tensor has a right one of the same shape, and none of them is a guess."""
    mapped, count = len(match.mapping), len(match.rules)
    renames = f"{count:,} rename{'s' * (count != 1)}" if count else "no rename"
    if mapped == len(left) == match.shapes_equal:
        loads = "fits by shapes" if match.ambiguous else "loads"
        how = f"{loads} after {renames}" if count else f"{loads} as it is"
        text = f"{how}: {mapped:,} of {len(left):,} tensors map onto the right's, all with equal shapes"
    else:
        shapes = f"{match.shapes_equal:,} of them with equal shapes"
        if not match.shapes_equal and any(side and all(t.shape is None for t in side) for side in (left, right)):
            shapes = "by their names alone: shapes are not known"
        text = f"after {renames}, {mapped:,} of {len(left):,} tensors map onto the right's {len(right):,}, {shapes}"
    if mapped == len(left) and match.right_over:
        text += f"; the right has {len(match.right_over):,} more"
    if match.ambiguous:
        text += f"; for {len(match.ambiguous):,} another tensor of the same shape would have done as well"
    return text


Side = Mapping[str, str | int | None]
"""What is worth knowing about a checkpoint beside its tensors: label -> value."""


def tables(
    left: Sequence[Tensor], right: Sequence[Tensor], match: NameMatch, alike: int, context: tuple[Side, Side]
) -> tuple[Table, ...]:
    """The rules with what they cover, what is left over on either side, and both sides' circumstances.

    `alike`: mapped tensors that begin with the same values but for noise.
    """
    rules = tuple(
        TableRow(
            "renamed",
            (covered.rule.kind, *(shortened(plain(text), MAX_TEXT) for text in covered.rule.shown), covered.tensors),
            "a guess: others of the same shape would have done as well" if covered.ambiguous else "",
        )
        for covered in match.rules
    )
    over: list[tuple[Op, Tensor]] = [("only_left", left[place]) for place in match.left_over]
    over += [("only_right", right[place]) for place in match.right_over]
    shown = [*over[: MAX_LEFT_OVER // 2], *over[max(MAX_LEFT_OVER // 2, len(over) - MAX_LEFT_OVER // 2) :]]
    left_over = tuple(
        TableRow(op, (shortened(plain(tensor.name), MAX_TEXT), shape_text(tensor.shape), tensor.dtype))
        for op, tensor in shown
    )
    names = dict.fromkeys((*context[0], *context[1]))
    rows = tuple(
        TableRow(
            "same" if context[0].get(n) == context[1].get(n) else "edited", (n, context[0].get(n), context[1].get(n))
        )
        for n in names
    )
    beginnings = TableRow(
        "same" if alike else "edited",
        ("mapped tensors whose first values are alike", alike, alike),
        "not counted here: it settles which tensor is meant, and is a place to look",
    )
    found = (
        Table(REWRITE_RULES, ("kind", "left", "right", "tensors"), rules[:MAX_RULES], max(0, len(rules) - MAX_RULES)),
        Table("Left over", ("tensor", "shape", "type"), left_over, len(over) - len(shown)),
        Table("Context", ("", "left", "right"), (*rows, beginnings)),
    )
    return tuple(table for table in found if table.rows)


def shape_text(shape: tuple[int, ...] | None) -> str:
    return "not known" if shape is None else " × ".join(map(str, shape)) or "one number"
