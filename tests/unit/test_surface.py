"""Clone types, by statements and by lines."""

from __future__ import annotations

import pytest

from codeclone.match.surface import clone_type
from codeclone.model import Alignment, RenameProof, Row


def proof(left: int, right: int, before: int, after: int, renested: int = 0) -> RenameProof:
    return RenameProof((), (), left, right, before, after, renested)


@pytest.mark.parametrize(
    ("found", "contained", "literals", "expected"),
    [
        (proof(5, 5, 5, 5), 1.0, 0, "type-1"),
        (proof(5, 5, 2, 5), 1.0, 0, "type-2"),
        (proof(5, 5, 2, 4), 1.0, 1, "type-2"),
        (proof(5, 5, 5, 5, renested=1), 1.0, 0, "type-3"),
        (proof(6, 5, 5, 5), 1.0, 0, "type-3"),
        (proof(60, 5, 1, 4), 0.1, 0, "type-3"),
        (proof(6, 6, 0, 3), 0.8, 0, "rewritten"),
        (proof(6, 6, 0, 3), 0.4, 0, None),
    ],
)
def test_by_statements(found: RenameProof, contained: float, literals: int, expected: str | None) -> None:
    assert clone_type(found, None, contained, literals) == expected


def test_by_lines_where_there_is_no_proof() -> None:
    same, other = Row(1, 1, "same", "a", "a"), Row(2, 2, "renamed", "b", "c")
    assert clone_type(None, Alignment((same, Row(3, None, "only_left", "", ""))), 1.0) == "type-1"
    assert clone_type(None, Alignment((same, other)), 1.0) == "type-2"
    assert clone_type(None, Alignment((same, other, Row(3, None, "only_left", "d", ""))), 1.0) == "type-3"
    assert clone_type(None, None, 1.0) is None
