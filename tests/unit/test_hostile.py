"""Code that was written to be slow or to break its reader: found by attacking, each with a bound of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence

import pytest

from codeclone import batches
from codeclone.cli import _write
from codeclone.evidence import code
from codeclone.model import File, Profile, Repository, Snapshot
from codeclone.pipeline import scan
from codeclone.read import folder
from tests.conftest import SAMPLES


def profile(source: str) -> Profile:
    content = source.encode()
    file = File("m.py", len(content), "0" * 64, lambda: content)
    return code.profile(Snapshot(Repository("r", "r", None, "0" * 64), (file,)))


BESIDE = "def good(a, b):\n    return a * 3 + b\n\n\n"

DEEP = {
    "not": "y = {}x".format("not " * 178),
    "brackets": "y = {}x{}".format("(a and " * 89, ")" * 89),
    "ternary": "y = {}c".format("a if b else " * 178),
    "calls": "y = {}x{}".format("f(" * 150, ")" * 150),
    "lambda": "y = {}x".format("lambda: " * 178),
    "comprehension": "y = {}x{}".format("[i for i in " * 170, "]" * 170),
    "self-referring constant": 'A = f"{A}"\ndef g():\n    return A',
    "elif": "def g(x):\n    if x:\n        y = 0\n"
    + "".join(f"    elif x == {i}:\n        y = {i}\n" for i in range(400)),
    "negation": "def g(x, a):\n" + "    x = x or a\n    x = x and a\n" * 250 + "    return not x",
}

SLOW = {
    "nested helpers": "def h(x):\n    return x\n\ndef g():\n    return {}1{}".format("h(" * 40, ")" * 40),
    "nested loops over tuples": "def g():\n    t = (1, 2, 3, 4, 5, 6)\n"
    + "".join("    " * (i + 1) + f"for a{i} in t:\n" for i in range(14))
    + "    " * 16
    + "x = 1",
    "nested comprehensions": "y = {}1{}".format("[" * 14, " for a in (1, 2, 3, 4, 5, 6)]" * 14),
    "doubling": "def g(x):\n" + "    x = x + x\n" * 2000 + "    return x",
    "doubled lists": "def g(x):\n    x = [1]\n" + "    x = x + x\n" * 60 + "    return x",
    "doubled negation": "def g(x, a, b):\n" + "    x = (x and a) or (x and b)\n" * 60 + "    return not x",
    "long sums": "def g(x, i):\n" + "    x += i\n" * 20_000 + "    return x",
    "long appends": "def g(i):\n    x = []\n" + "    x.append(i)\n" * 20_000 + "    return x",
    "many ifs": "def g(x):\n" + "    if x: x()\n" * 60_000,
    "comprehensions beside many names": "".join(f"a{i} = [b for b in c]\n" for i in range(40_000)),
    "many bases": "".join(
        f"class A{i}:\n    def f(self):\n" + "".join(f"        self.b{i}_{j} = 1\n" for j in range(300))
        for i in range(50)
    )
    + "".join(f"class B{i}({', '.join(f'A{j}' for j in range(50))}): pass\n" for i in range(1500)),
    "percent": "def g(x):\n    return '%" + "0" * 15_000 + "' % x",
}


@pytest.mark.parametrize("name", [*DEEP, *SLOW])
def test_the_rest_is_read_as_ever(name: str) -> None:
    found = profile(BESIDE + (DEEP | SLOW)[name] + "\n")
    assert "good" in [fragment.qualname for fragment in found.fragments]
    good = next(index for index, fragment in enumerate(found.fragments) if fragment.qualname == "good")
    alone = profile(BESIDE)
    expected = alone.facts.keys[alone.facts.fragments == 1].tolist()
    assert found.facts.keys[found.facts.fragments == good].tolist() == expected


@pytest.mark.parametrize(
    "expression",
    [
        "9" * 400 + " + 1.5",
        "1e-300 ** -32",
        "1 / " + "9" * 400,
        "math.sqrt(" + "9" * 400 + ")",
        " * ".join(["999999999999999999"] * 40) + " * 0.5",
        "1e400 - 1e400",
        "torch.to(dtype=x)",
        "1 if torch.lt(x) else 2",
        "1 if len() == 0 else 2",
        "1 if len == 0 else 2",
        "[i for i in enumerate()]",
        "[i for i in range(len)]",
        "2 * -torch.neg",
        "torch.where(torch.bitwise_not, x, 1)",
    ],
)
def test_no_expression_cuts_its_function_short(expression: str) -> None:
    assert profile(f"import torch, math\n\n\ndef f(x):\n    y = {expression}\n    return x + y\n").skipped == ()


def test_what_a_process_does_not_deliver_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.getpid()

    def work(group: int, batch: Sequence[int]) -> tuple[int, ...]:
        if group == 1 and 3 in batch and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return tuple(batch)

    monkeypatch.setattr(batches, "_processors", lambda: 2)
    called: list[int] = []
    items = [range(8), range(2, 8), range(0)]
    found = batches.in_batches(items, [[batches.LEAST] * len(some) for some in items], work, lambda: called.append(1))
    assert called == [1]
    assert len(found[0]) > 1
    assert [[item for batch in some for item in batch] for some in found] == [[*some] for some in items]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("pattern", ["[z-a]", "*a" * 30 + "b", "**/a/" * 25 + "b", "\\", "[", "a" * 10_000])
def test_ignore_patterns_that_cannot_be_applied_ignore_nothing(repository, pattern: str) -> None:
    root = repository("r", {".gitignore": pattern + "\n", "a" * 200 + ".py": "x\n", "b.py": "y\n"})
    assert len(folder.read(str(root)).files) == 3


def test_a_cookie_behind_carriage_returns_counts() -> None:
    source = BESIDE.replace("\n", "\r").encode() + b"# coding: utf-16-le\r"
    file = File("m.py", len(source), "0" * 64, lambda: source)
    found = code.profile(Snapshot(Repository("r", "r", None, "0" * 64), (file,)))
    assert "good" in [fragment.qualname for fragment in found.fragments]


def test_a_report_never_goes_through_a_planted_link(tmp_path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("r.json.part", ".r.json", "r.json~"):
        (tmp_path / name).symlink_to(victim)
    report = scan(str(SAMPLES / "independent"), str(SAMPLES / "upstream"))
    _write(report, tmp_path / "r.json", "json")
    assert victim.read_text() == "precious"
    assert (tmp_path / "r.json").read_text().startswith("{")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".r.json", "r.json", "r.json.part", "r.json~", "victim"]


def test_control_characters_do_not_reach_the_terms() -> None:
    from codeclone.match.explain import term

    found = profile("def f(tag, x):\n    return tag.replace('\u202e\u202d', x) + tag.strip('\u009b')\n")
    graphs = found.details["parsed"].graphs
    assert all(term(graphs, node, 3).isprintable() for node in range(len(graphs.labels)))


def test_control_characters_of_tokens_and_settings_do_not_reach_the_page(tmp_path) -> None:
    import json

    from codeclone.report import html

    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "added_tokens.json").write_text(json.dumps({"<\u202e\x1b[2Jevil>": 50, "<other\u2066>": 51}))
        (tmp_path / side / "config.json").write_text(json.dumps({"na\u202eme": "va\x9blue", "hidden_size": 777}))
    page = html.render(scan(str(tmp_path / "left"), str(tmp_path / "right")))
    assert "evil" in page
    assert all(character.isprintable() or character in "\n\t" for character in page)
