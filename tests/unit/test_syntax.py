"""Damaged, old and deep Python: what parses is found, what does not is named with its lines."""

from __future__ import annotations

import pytest

from codeclone.parse.syntax import MAX_DEPTH, parse_python
from codeclone.parse.units import line_starts, units


def names(source: str) -> list[str]:
    syntax = parse_python(source.encode(), "m.py")
    return [unit.qualname for unit in units(syntax, line_starts(syntax.source))]


def skipped(source: str) -> list[tuple[int, int]]:
    spans = [skip.location.span for skip in parse_python(source.encode(), "m.py").skipped]
    return [(span.first, span.last) for span in spans if span is not None]


def test_qualified_names_and_lines() -> None:
    source = (
        "import a\n\n@deco\nclass A(B):\n    x = 1\n\n    @property\n    def m(self):\n        def inner():\n"
        "            pass\n        return inner\n\nasync def g():\n    pass\n"
    )
    syntax = parse_python(source.encode(), "m.py")
    found = {unit.qualname: (unit.kind, unit.first, unit.last) for unit in units(syntax, line_starts(syntax.source))}
    assert found == {
        "<module>": ("module", 1, 14),
        "A": ("class", 4, 11),
        "A.m": ("function", 8, 11),
        "A.m.inner": ("function", 9, 10),
        "g": ("function", 13, 14),
    }


GOOD = "def good_{0}(a, b):\n    return a * {0} + b\n\n\n"


@pytest.mark.parametrize(
    "broken",
    [
        "def bad(a:\n    return (a + [1, 2\n\n\n",
        "def bad(a):\n    return a +\n\n\n",
        "def bad(a):\n    x = {1: 2\n    return a\n\n\n",
        "class Bad:\n    def m(self)\n        return ]\n\n\n",
        "def bad(a):\n    if a ==== 3:\n        pass\n\n\n",
        "$$$ not python at all\n\n\n",
    ],
)
def test_functions_around_damage_are_found(broken: str) -> None:
    source = GOOD.format(1) + broken + GOOD.format(2) + GOOD.format(3)
    assert {"good_1", "good_2", "good_3"} <= set(names(source))
    lines = skipped(source)
    assert lines
    assert all(5 <= first <= last <= 5 + broken.count("\n") for first, last in lines)


def test_a_method_is_damaged_and_its_class_is_not_lost() -> None:
    source = "class A:\n    def one(self):\n        return 1\n\n    def bad(self):\n        return (1\n\n    def two(self):\n        return 2\n"
    assert {"A", "A.one", "A.two"} <= set(names(source))


def test_a_truncated_file_gives_what_is_whole() -> None:
    source = GOOD.format(1) + GOOD.format(2) + "def cut(a, b):\n    return [a, b, (a"
    assert {"good_1", "good_2"} <= set(names(source))
    assert skipped(source)


def test_python_2() -> None:
    source = (
        "print 'hello'\ndef old(a, (b, c)):\n    try:\n        print >>a, b\n    except E, e:\n        raise E, 'x'\n"
        "    exec a in b\n    return 0777L, a <> b\n\ndef other(x):\n    return x.has_key(1)\n"
    )
    assert "other" in names(source)


def test_ten_thousand_brackets_and_long_chains() -> None:
    for source in ("x = " + "[" * 10_000 + "]" * 10_000, "x = " + "(" * 10_000, "x = " + "not " * 5000 + "y"):
        parse_python((GOOD.format(1) + source + "\n").encode(), "m.py")
        assert "good_1" in names(GOOD.format(1) + source + "\n")
    assert MAX_DEPTH < 1000


@pytest.mark.parametrize("source", ["", "\n\n", "# only a comment", "\x0c", "   ", "\\"])
def test_nothing_at_all(source: str) -> None:
    assert names(source) == ["<module>"]
