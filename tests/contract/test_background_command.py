"""`codeclone background` and `scan --background`: what is written, what is said of it, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import SAMPLES

CODE = "def f(a, b):\n    return a * 3 + b\n"
INDEX = "# two releases, one package\npackage 1.0 first\npackage 2.0 second\n"


def one_line(text: str) -> bool:
    return text.startswith("codeclone: ") and text.count("\n") == 1 and "Traceback" not in text


@pytest.fixture
def packages(repository, tmp_path: Path) -> Path:
    repository("first", {f"{name}.py": CODE for name in "abc"})
    repository("second", {f"{name}.py": CODE for name in "abcd"} | {"null.py": b"\0" * 5000})
    (tmp_path / "index.txt").write_text(INDEX, encoding="utf-8")
    return tmp_path


def test_a_table_is_built_told_and_used(codeclone, schema, packages: Path) -> None:
    built = codeclone("background", "index.txt", "-o", "t.npz")
    assert built.code == 0, built.err
    assert built.err == ""
    assert "package  1.0                 3" in built.out
    assert "4 files of Python" in built.out
    assert "1 files or parts left out" in built.out
    assert "every fact of that language is stock" in built.out
    assert codeclone("background", "--show", "t.npz").out in built.out
    assert codeclone("scan", "first", "second", "--background", "t.npz", "-q", "-o", "r.json").code == 0
    report = json.loads((packages / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    caveats = " ".join(report["verdict"]["caveats"])
    assert "was looked up in t.npz (4 files of Python, 0 of C, C++ and CUDA)" in caveats
    assert "every fact of that language is stock" in caveats
    assert report["partition"]["by_kind"]["code"]["attributable"] == 0


def test_the_shipped_table_shows_itself_and_is_in_no_caveat(codeclone, packages: Path) -> None:
    shown = codeclone("background", "--show", "shipped")
    assert shown.code == 0
    assert shown.out.count("transformers ") >= 4
    assert "settings and names: 766 model folders" in shown.out
    assert codeclone("scan", "first", "second", "-q", "-o", "r.json").code == 0
    assert "was looked up in" not in (packages / "r.json").read_text(encoding="utf-8")


def test_two_builds_give_the_same_bytes_and_no_path_of_the_machine(codeclone, packages: Path) -> None:
    for seed in ("0", "1"):
        arguments = ("background", packages / "index.txt", "-o", f"{seed}.npz")
        assert codeclone(*arguments, env={"PYTHONHASHSEED": seed}).code == 0
    content = (packages / "0.npz").read_bytes()
    assert content == (packages / "1.npz").read_bytes()
    shown = codeclone("background", "--show", packages / "0.npz").out
    assert str(packages) not in shown
    import io

    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as table:
        assert b"/" not in table["about"].tobytes()


def test_a_table_extends_the_shipped_one(codeclone, repository, packages: Path) -> None:
    """What is stock for everyone stays it, and what the new package has thirty times becomes less rare."""
    repository("own", {f"{number}.py": CODE + f"X = {number}\n" for number in range(30)})
    (packages / "own.txt").write_text("own 1 own\n", encoding="utf-8")
    result = codeclone("background", "own.txt", "--extend", "shipped", "-o", "t.npz")
    assert result.code == 0, result.err
    assert "transformers" in result.out
    assert "is stock" not in result.out
    arguments = ("scan", SAMPLES / "independent", SAMPLES / "original", "-q")
    assert codeclone(*arguments, "--background", "t.npz", "-o", "r.json").code == 0
    assert json.loads((packages / "r.json").read_text(encoding="utf-8"))["verdict"]["level"] in ("none", "weak")
    again = codeclone("background", "own.txt", "--extend", "t.npz", "-o", "u.npz")
    assert (again.code, one_line(again.err)) == (2, True)
    assert not (packages / "u.npz").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("index.txt",),
        ("-o", "t.npz"),
        ("index.txt", "-o", "t.npz", "--show", "shipped"),
        ("index.txt", "-o", "nowhere/t.npz"),
        ("index.txt", "-o", "first"),
        ("index.txt", "-o", "t.npz", "--extend", "index.txt"),
        ("nowhere.txt", "-o", "t.npz"),
        ("first", "-o", "t.npz"),
        ("wrong.txt", "-o", "t.npz"),
        ("empty.txt", "-o", "t.npz"),
        ("--show", "index.txt"),
        ("--show", "nowhere.npz"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(codeclone, packages: Path, arguments: tuple[str, ...]) -> None:
    (packages / "wrong.txt").write_text("package 1 nowhere\n")
    (packages / "empty.txt").write_text("# nothing\n")
    (packages / "t.npz").write_text("precious")
    result = codeclone("background", *arguments)
    assert result.code == 2
    assert one_line(result.err), result.err
    assert (packages / "t.npz").read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06" + b"\0" * 18, b"\x80\x04]\x94."])
def test_a_scan_refuses_what_is_no_table(codeclone, packages: Path, content: bytes) -> None:
    (packages / "bad.npz").write_bytes(content)
    result = codeclone("scan", "first", "second", "--background", "bad.npz")
    assert result.code == 2
    assert one_line(result.err), result.err
    assert "bad.npz: not a background table" in result.err
    assert not (packages / "codeclone-report.html").exists()
