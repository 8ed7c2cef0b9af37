"""What two tokenizers have, side by side, each entry with why it counts or why it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone.match.tokens import Overlap
from codeclone.model import Cell, Op, Table, TableRow, Token

ROWS = 400
"""Of a table; what is beyond is counted."""

CELL = 120
"""Characters of a cell."""


@dataclass(frozen=True, slots=True)
class Said:
    """What there is to say of a token's content."""

    note: str
    bits: float = 0.0


def token_table(
    left: Sequence[Token], right: Sequence[Token], said: Mapping[str, Said], summaries: Sequence[TableRow]
) -> Table:
    """New tokens that both have, what weighs most first; then those of one side; then what was taken out, in summary."""
    ours, theirs = ({token.content: token for token in side} for side in (left, right))
    shared = sorted(
        (_shared(ours[content], theirs[content], said) for content in ours if content in theirs),
        key=lambda row: -row.bits,
    )
    slots = {(token.id, token.flags): token for token in right if token.content not in ours and token.id is not None}
    alone: list[TableRow] = []
    renamed: set[str] = set()
    for token in left:
        if token.content in theirs:
            continue
        other = slots.get((token.id, token.flags))
        if other is None:
            alone.append(TableRow("only_left", _cells(token.content, token.id, None, token.told)))
            continue
        renamed.add(other.content)
        note = f"another token in the slot of {cut(other.content)!r}, with the same flags: not counted"
        alone.append(TableRow("renamed", _cells(token.content, token.id, other.id, token.told), note))
    alone += [
        TableRow("only_right", _cells(token.content, None, token.id, token.told))
        for token in right
        if token.content not in ours and token.content not in renamed
    ]
    rows = [*shared, *alone]
    return Table(
        "Tokens beyond the base tokenizer",
        ("token", "left id", "right id", "flags"),
        (*rows[:ROWS], *summaries),
        max(0, len(rows) - ROWS),
    )


def _shared(left: Token, right: Token, said: Mapping[str, Said]) -> TableRow:
    found = said.get(left.content, Said(""))
    same = left.id == right.id and left.told == right.told
    flags = left.told if left.told == right.told else f"{left.told} / {right.told}"
    return TableRow("same" if same else "edited", _cells(left.content, left.id, right.id, flags), found.note, found.bits)


def _cells(content: str, left: int | None, right: int | None, flags: str) -> tuple[Cell, ...]:
    return cut(content), left, right, flags


def cut(text: str) -> str:
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def entry_table(title: str, left: Mapping[str, str], right: Mapping[str, str], note: str) -> Table:
    """Named values of both sides; those that both have come first. None of them weighs anything: `note` says why."""
    names = [*(name for name in left if name in right), *(name for name in left if name not in right)]
    names += [name for name in right if name not in left]
    rows = [
        TableRow(
            _op(left.get(name), right.get(name)),
            (cut(name), *(cut(side[name]) if name in side else None for side in (left, right))),
        )
        for name in names
    ]
    rows[:1] = [TableRow(row.op, row.cells, note) for row in rows[:1]]
    return Table(title, ("entry", "left", "right"), tuple(rows[:ROWS]), max(0, len(rows) - ROWS))


def _op(left: str | None, right: str | None) -> Op:
    if left is None:
        return "only_right"
    if right is None:
        return "only_left"
    return "same" if left == right else "edited"


def vocabulary_rows(found: Overlap | None, merges: tuple[int, int, int, int, float] | None) -> list[tuple[str, str, str]]:
    """(what, left, right). `merges`: how many left and right, in the common prefix, shared, and Kendall's tau."""
    rows = []
    if found is not None:
        rows.append(("tokens in the vocabulary", f"{found.left:,}", f"{found.right:,}"))
        rows.append(("tokens that both have", f"{found.shared:,}", f"{found.shared:,}"))
        rows.append(("of these with the same id", f"{found.same_id:,}", f"{found.same_id:,}"))
        rows.append(("ids from 0 on with the same token", f"{found.prefix:,}", f"{found.prefix:,}"))
    if merges is not None:
        left, right, prefix, shared, tau = merges
        rows.append(("merges", f"{left:,}", f"{right:,}"))
        rows.append(("merges that both have", f"{shared:,}", f"{shared:,}"))
        rows.append(("merges from the first on that are the same", f"{prefix:,}", f"{prefix:,}"))
        rows.append(("order of the shared merges (Kendall's tau)", f"{tau:.4f}", f"{tau:.4f}"))
    return rows
