"""Python 2: every function is found, and it is the same code as what it is converted to."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeclone.evidence import code
from codeclone.parse.python2 import parse_any_python
from codeclone.read import folder

PAIRS = {
    "print": (
        'def f(a, b):\n    print a, b\n    print >>log, "x %s" % a,\n    return a + b\n',
        'def f(a, b):\n    print(a, b)\n    print("x %s" % a, end=" ", file=log)\n    return a + b\n',
    ),
    "except": (
        "def f(a, b):\n    try:\n        x = g(a)\n    except (KeyError, IOError), e:\n        x = str(e)\n    return x\n",
        "def f(a, b):\n    try:\n        x = g(a)\n    except (KeyError, IOError) as e:\n        x = str(e)\n    return x\n",
    ),
    "backticks": ('def f(a):\n    return `a` + "x" + `a + 1`\n', 'def f(a):\n    return repr(a) + "x" + repr(a + 1)\n'),
    "exec": (
        'def f(a, n):\n    exec "x = 1"\n    exec a in n, {}\n    return n\n',
        'def f(a, n):\n    exec("x = 1")\n    exec(a, n, {})\n    return n\n',
    ),
    "unequal": ("def f(a, b):\n    return a <> b\n", "def f(a, b):\n    return a != b\n"),
    "strings": ('def f(a):\n    return ur"\\d+" + a\n', 'def f(a):\n    return r"\\d+" + a\n'),
    "numbers": (
        "def f(a):\n    return os.chmod(a, 0755), 10L, 0xFFL, 0777L\n",
        "def f(a):\n    return os.chmod(a, 0o755), 10, 0xFF, 0o777\n",
    ),
    "tuple parameters": (
        "def f(a, (b, c), (d, (e, g)) = (1, (2, 3))):\n    if a:\n        return a * b + c - x.b(b=d) * e\n    return g\n",
        "def f(a, p, q=(1, (2, 3))):\n    (b, c) = p\n    (d, (e, g)) = q\n"
        "    if a:\n        return a * b + c - x.b(b=d) * e\n    return g\n",
    ),
    "lambda": (
        "def f(a):\n    return sorted(a, key=lambda (k, v): v - k)\n",
        "def f(a):\n    return sorted(a, key=lambda kv: kv[1] - kv[0])\n",
    ),
    "raise": (
        'def f(a):\n    if a:\n        raise ValueError, "bad %d" % a\n    raise KeyError, (a, 2), tb\n',
        'def f(a):\n    if a:\n        raise ValueError("bad %d" % a)\n    raise KeyError(a, 2)\n',
    ),
    "library": (
        "def f(d):\n    n = unicode(raw_input())\n    return [(k, v, n) for k, v in d.iteritems() for i in xrange(len(n))]\n",
        "def f(d):\n    n = str(input())\n    return [(k, v, n) for k, v in d.items() for i in range(len(n))]\n",
    ),
}


def facts(tmp_path: Path, source: str) -> set[int]:
    (tmp_path / "m.py").write_text(source)
    found = code.profile(folder.read(str(tmp_path / "m.py")))
    assert not found.skipped
    function = [f.qualname for f in found.fragments].index("f")
    return set(found.facts.keys[found.facts.fragments == function].tolist())


@pytest.mark.parametrize("form", PAIRS)
def test_a_function_and_its_conversion_are_one(tmp_path: Path, form: str) -> None:
    old, new = PAIRS[form]
    assert facts(tmp_path, old) == facts(tmp_path, new)


def test_a_whole_file_gives_all_of_its_functions_on_their_lines(tmp_path: Path) -> None:
    source = "".join(old.replace("def f(", f"def f{n}(") for n, (old, _) in enumerate(PAIRS.values()))
    (tmp_path / "m.py").write_text(source)
    found = code.profile(folder.read(str(tmp_path / "m.py")))
    assert not found.skipped
    lines = source.split("\n")
    spans = {f.qualname: f.location.span for f in found.fragments}
    for n in range(len(PAIRS)):
        span = spans[f"f{n}"]
        assert span is not None
        assert lines[span.first - 1].startswith(f"def f{n}(")
        assert span.last - span.first + 1 == PAIRS[list(PAIRS)[n]][0].count("\n")


@pytest.mark.parametrize(
    "source",
    [
        "raise E, (\n    1,\n    2), tb\nx = 1\n",
        "try:\n    pass\nexcept (A,\n        B), e:\n    x = e\n",
        "exec a in \\\n  b\ny = 2\n",
        "f(lambda (a,\n  b): a)\nz = 3\n",
    ],
)
def test_lines_stay_where_they_are(source: str) -> None:
    syntax = parse_any_python(source.encode(), "m.py")
    assert syntax.source.count(b"\n") == source.count("\n")
    assert not syntax.skipped


def test_two_classes_caught_are_not_a_name() -> None:
    """Python 3.14 allows this without brackets."""
    source = b"try:\n    pass\nexcept KeyError, ValueError:\n    pass\n"
    assert parse_any_python(source, "m.py").source == source


def test_stub_files_are_read_and_no_two_are_a_pair(tmp_path: Path) -> None:
    stub = (
        "class {0}:\n    def size(self, dim: int = ...) -> int: ...\n"
        "    def add(self, other: {0}, alpha: float = 1.0, *, out: {0} | None = None) -> {0}: ...\n"
        "    @overload\n    def top(self) -> {0}: ...\n    @overload\n    def top(self, n: int, keep: bool = False) -> {0}: ...\n"
        "def load(path: str, sep: str, header: int = 1, skip: int = 0) -> {0}: ...\n"
    )
    from codeclone.pipeline import scan

    for side, name in (("left", "Tensor"), ("right", "Frame")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "m.pyi").write_text(stub.format(name) * 20)
    report = scan(str(tmp_path / "left"), str(tmp_path / "right"))
    assert report.compared[0].fragments > 100
    assert not report.evidence
