from __future__ import annotations

import pytest

from codeclone.match import align


def lines(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.strip("\n").split("\n"), 1))


def ops(left: str, right: str) -> list[str]:
    return [row.op for row in align.align(lines(left), lines(right)).rows]


def test_rows_of_every_kind() -> None:
    left = "def f(a):\n    b = a + 1\n    log(b, 2)\n    c = b * 2 + a\n    return c"
    right = "def f(a):\n    x = a + 1\n    c = b * 3 + a\n    check(c).run()\n    return c"
    assert sorted(ops(left, right)) == ["edited", "only_left", "only_right", "renamed", "same", "same"]


def test_every_line_stands_once_and_in_order() -> None:
    left = "\n".join(f"a{i} = g({i})" for i in range(30))
    right = "\n".join(f"b{i} = g({i})" for i in range(5, 40, 2))
    rows = align.align(lines(left), lines(right)).rows
    assert [row.left_line for row in rows if row.left_line] == list(range(1, 31))
    assert [row.right_line for row in rows if row.right_line] == list(range(1, 19))


def test_a_comment_is_not_the_same_as_another_or_as_nothing() -> None:
    assert "same" not in ops("# keep this", "# a different one")
    assert "same" not in ops("# keep this", "")
    assert ops("x = 1  # why", "x = 1  # because") == ["edited"]
    assert ops("x = 1   # why", "x  = 1 # why") == ["same"]


def test_prose_in_long_strings_is_compared_as_it_is() -> None:
    assert "renamed" not in ops('"""One two three.\nfour five\n"""', '"""Six seven eight.\nnine ten\n"""')


@pytest.mark.parametrize(("one", "other", "expected"), [("a b c", "a b c", 1.0), ("a b", "c d", 0.0), ("", "", 1.0)])
def test_similarity(one: str, other: str, expected: float) -> None:
    alphabet = align.Alphabet()
    assert align.similarity(alphabet.write(one.split()), alphabet.write(other.split())) == expected


def test_docstrings_and_comments_are_no_surface() -> None:
    bare = "def f(x):\n    return x\n"
    assert align.surface('def f(x):\n    """Say\n    what."""\n    return x  # done\n') == align.surface(bare)


def test_the_end_of_a_long_string_is_not_the_beginning_of_one() -> None:
    text = 'DOC = r"""\nSay\nwhat.\n"""\ndef f(x):  # don\'t """\n    """Say."""\n    return x\n'
    assert align.surface(text) == align.surface("DOC =\ndef f(x):\n    return x\n")
