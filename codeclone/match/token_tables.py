"""What two tokenizers have, side by side, each entry with why it counts or why it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone import public_tokenizers
from codeclone.background import Shares
from codeclone.match.token_pairs import Pair
from codeclone.model import Cell, Op, Table, TableRow, Token
from codeclone.plain import shortened

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
    slots = {(token.id, token.flags): token for token in right if token.content not in ours}
    alone: list[TableRow] = []
    renamed: set[str] = set()
    for token in left:
        if token.content in theirs:
            continue
        other = slots.get((token.id, token.flags)) if token.id is not None else None
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
    return TableRow(
        "same" if same else "edited", _cells(left.content, left.id, right.id, flags), found.note, found.bits
    )


def _cells(content: str, left: int | None, right: int | None, flags: str) -> tuple[Cell, ...]:
    return cut(content), left, right, flags


def cut(text: str) -> str:
    return shortened(text, CELL)


def entry_table(title: str, note: str, left: Mapping[str, str], right: Mapping[str, str]) -> Table:
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


def tables(found: Pair, shares: Shares) -> tuple[Table, ...]:
    """All tables of a pair; those without an entry are left out."""
    left, right = found.left, found.right
    ours, theirs = left.tokenizer, right.tokenizer
    sides = ours, theirs
    paths = ({leak.location.pointer or leak.name: leak.text for leak in side.leaks} for side in sides)
    templates = ({template.name: template.text for template in side.templates} for side in sides)
    settings = ({name: value for name, value, _ in side.settings} for side in sides)
    files = ({r.path: f"{r.sha256} ({r.size:,} bytes)" for r in side.records} for side in sides)
    made = [
        token_table([*left.new.values()], [*right.new.values()], _said(found, shares), _summaries(found)),
        entry_table(
            "Vocabulary and merges", "a vocabulary weighs nothing where its base is known", *_vocabulary(found)
        ),
        entry_table("Build paths in sentencepiece models", "files on the machine that trained the model", *paths),
        entry_table("Chat templates", "shown, not weighed: short templates are written alike", *templates),
        entry_table("Settings", "shown, not weighed: nearly all are defaults of a library", *settings),
        entry_table("Files", "SHA-256; of a Git-LFS pointer, of the file that it stands for", *files),
    ]
    return tuple(table for table in made if table.rows)


def _said(found: Pair, shares: Shares) -> dict[str, Said]:
    said = {}
    bits = dict(zip(found.counted, shares.bits([*found.counted]).tolist(), strict=True))
    held = dict(zip(found.counted, shares.held_by([*found.counted]).tolist(), strict=True))
    for content in found.shared:
        others = [other.name for other in found.others if content in other.tokens]
        if content in found.public:
            note = f"{public_tokenizers.spellings()[content]} spells it so: counts for nothing"
        elif others:
            note = f"{others[0]} has it too: that explains it"
        elif held[content]:
            note = f"new, and {held[content]:,} of {shares.folders:,} public model folders know it"
        else:
            note = f"new, and none of {shares.folders:,} public model folders knows it"
        said[content] = Said(note, round(bits.get(content, 0.0), 3))
    return said


def _summaries(found: Pair) -> list[TableRow]:
    """What was taken out, in a row for each side or, where it is the same, for both."""
    left, right = ({token.content for token in side.taken_out} for side in (found.left, found.right))
    rows = []
    for op, how_many in (("same", left & right), ("only_left", left - right), ("only_right", right - left)):
        if how_many:
            base = found.right if op == "only_right" else found.left
            where = base.bases[0].title if base.bases else "public tokenizers"
            text = f"({len(how_many):,} tokens of {where})"
            rows.append(TableRow(op, (text, None, None, ""), "taken out: what the base has weighs nothing"))  # type: ignore[arg-type]
    return rows


def _vocabulary(found: Pair) -> tuple[dict[str, str], dict[str, str]]:
    rows: dict[str, tuple[int | float, int | float]] = {}
    if found.overlap is not None:
        both = found.overlap
        rows["tokens in the vocabulary"] = both.left, both.right
        rows["tokens that both have"] = both.shared, both.shared
        rows["of these with the same id"] = both.same_id, both.same_id
        rows["ids from 0 on with the same token"] = both.prefix, both.prefix
    if found.merges is not None:
        merges = found.merges
        rows["merges"] = merges.left, merges.right
        rows["merges that both have"] = merges.shared, merges.shared
        rows["merges from the first on that are the same"] = merges.prefix, merges.prefix
        rows["order of the shared merges (Kendall's tau)"] = merges.order, merges.order
    left, right = ({name: f"{values[side]:,}" for name, values in rows.items()} for side in (0, 1))
    return left, right
