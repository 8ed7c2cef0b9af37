"""The command line: exit codes, one clear line, what is written, and nothing that was there lost."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import ROOT, SAMPLES

CODE = "def f(a, b):\n    return a * 3 + b\n"


def one_line(text: str) -> bool:
    return text.startswith("codeclone: ") and text.count("\n") == 1 and "Traceback" not in text


def test_a_scan_writes_what_the_contract_says(codeclone, schema, tmp_path: Path) -> None:
    result = codeclone(
        "scan", SAMPLES / "rewritten", SAMPLES / "original", "-o", "r.json", "-o", "r.html", "-o", "r.txt"
    )
    assert result.code == 0, result.err
    assert result.err == ""
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    by_kind = report["partition"]["by_kind"].values()
    for part, bits in report["partition"]["total"].items():
        assert sum(kind[part] for kind in by_kind) == pytest.approx(bits)
    assert report["candidates"][0]["role"] == "right"
    for name in ("r.json", "r.html", "r.txt"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert str(ROOT) not in text
        assert str(tmp_path) not in text
    assert "verdict" in result.out


def test_two_runs_give_the_same_bytes(codeclone, tmp_path: Path) -> None:
    for seed in ("0", "1"):
        arguments = (
            "scan",
            SAMPLES / "partial",
            SAMPLES / "original",
            "-q",
            "-o",
            f"{seed}.json",
            "-o",
            f"{seed}.html",
        )
        assert codeclone(*arguments, env={"PYTHONHASHSEED": seed}).code == 0
    assert (tmp_path / "0.json").read_bytes() == (tmp_path / "1.json").read_bytes()
    assert (tmp_path / "0.html").read_bytes() == (tmp_path / "1.html").read_bytes()


def test_every_pair_of_samples_gives_a_valid_report(codeclone, schema, tmp_path: Path) -> None:
    for name in ("renamed", "independent", "fork_radar", "upstream"):
        assert codeclone("scan", SAMPLES / name, SAMPLES / "original", "-q", "-o", "r.json").code == 0
        jsonschema.validate(json.loads((tmp_path / "r.json").read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize(
    ("left", "message"),
    [("nowhere", "no such file or folder"), ("empty", "nothing to compare"), ("no_python", "nothing to compare")],
)
def test_bad_input_is_one_line_and_exit_2(codeclone, repository, left: str, message: str) -> None:
    repository("empty", {})
    repository("no_python", {"README.md": "hello"})
    repository("good", {"a.py": CODE})
    for arguments in ((left, "good"), ("good", left)):
        result = codeclone("scan", *arguments)
        assert result.code == 2
        assert one_line(result.err), result.err
        assert message in result.err
        assert result.out == ""


def test_hostile_files_are_skipped_and_the_rest_goes_on(codeclone, repository, schema, tmp_path: Path) -> None:
    left = repository(
        "left",
        {
            "good.py": CODE,
            "null.py": b"\0" * 5000,
            "brackets.py": "x = " + "[" * 10_000 + "]" * 10_000 + "\n",
            "open.py": "(" * 10_000,
            "damaged.py": CODE + "def broken(:\n    pass\n",
            "latin.py": b"name = '\xe9'\n",
            "surrogate.py": "x = '\\ud800'\n",
            "chain.py": "x = " + " + ".join(["y"] * 20_000) + "\n",
            "calls.py": "x = " + "f(" * 3000 + ")" * 3000 + "\n",
            "guards.py": "def g(a):\n" + "".join(f"    if a == {i}:\n        return {i}\n" for i in range(3000)),
            "elifs.py": "def g(a):\n    if a == 0:\n        pass\n"
            + "".join(f"    elif a == {i}:\n        b = {i}\n" for i in range(1, 3000)),
            "doubling.py": "def g(x):\n" + "    x = h(x, x)\n" * 2000 + "    return x\n",
            "nested.py": "".join(" " * i + f"def f{i}():\n" for i in range(300)) + " " * 300 + "pass\n",
            "script.py": "def f(a):\n    return '</script><script>alert(1)</script>{{ 7*7 }}' + a * 3 + a * 3\n",
        },
    )
    big = left / "big.py"
    with big.open("wb") as file:
        file.truncate(200 * 2**20)
    (left / "loop").symlink_to(left)
    right = repository("right", {"good.py": CODE, "script.py": (left / "script.py").read_bytes()})
    result = codeclone("scan", left, right, "-o", "r.json", "-o", "r.html")
    assert result.code == 0, result.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    reasons = {skip["path"]: skip["reason"] for skip in report["skipped"] if skip["side"] == "left"}
    assert {"null.py", "big.py", "brackets.py", "damaged.py", "chain.py", "loop"} <= set(reasons)
    assert "209,715,200 bytes" in reasons["big.py"]
    found = {(row["left"]["path"], row["left"]["qualname"]) for row in report["attribution"]}
    assert {("good.py", "f"), ("damaged.py", "f"), ("guards.py", "g")} <= found


def test_existing_files_are_only_replaced_by_whole_reports(codeclone, repository, tmp_path: Path) -> None:
    repository("good", {"a.py": CODE})
    (tmp_path / "mine.json").write_text("precious")
    assert codeclone("scan", "good", "nowhere", "-o", "mine.json").code == 2
    assert (tmp_path / "mine.json").read_text() == "precious"
    for target in ("missing/r.json", "good", "r.unknown"):
        result = codeclone("scan", "good", "good", "-o", target)
        assert result.code == 2, target
        assert one_line(result.err)


def test_the_gate(codeclone, tmp_path: Path) -> None:
    arguments = ("scan", SAMPLES / "renamed", SAMPLES / "original", "-q", "-o", "r.json", "--fail-on")
    assert codeclone(*arguments, "moderate").code == 1
    assert codeclone(*arguments, "strong").code == 0
    assert (tmp_path / "r.json").exists()


def test_a_report_renders_again_from_its_json(codeclone, tmp_path: Path) -> None:
    assert codeclone("scan", SAMPLES / "partial", SAMPLES / "original", "-q", "-o", "a.json", "-o", "a.html").code == 0
    assert codeclone("render", "a.json", "-o", "b.html").code == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert codeclone("render", "a.json", "--format", "json").out == (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 3}', "\0", "[" * 100_000, '{"left": NaN}'])
def test_what_is_no_report_is_refused(codeclone, tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    result = codeclone("render", "x.json")
    assert result.code == 2
    assert one_line(result.err), result.err


def test_quiet_verbose_and_colour(codeclone, repository) -> None:
    repository("good", {"a.py": CODE})
    quiet = codeclone("scan", "good", "good", "-q")
    assert (quiet.out, quiet.err) == ("", "")
    loud = codeclone("scan", "good", "good", "-v")
    assert "looking at the code of good" in loud.err
    assert "\x1b" not in loud.out


def test_help_is_quick_to_import(codeclone) -> None:
    probe = "import sys; import codeclone.cli; print(sorted({'numpy', 'scipy', 'jinja2', 'tree_sitter'} & set(sys.modules)))"
    import subprocess
    import sys

    output = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert output.strip() == "[]"


def test_unknown_kinds_and_options(codeclone, repository) -> None:
    repository("good", {"a.py": CODE})
    result = codeclone("scan", "good", "good", "--only", "astrology")
    assert result.code == 2
    assert "astrology" in result.err
    assert codeclone("scan", "good").code == 2


def test_a_report_without_structure_and_names_still_renders(codeclone, schema, tmp_path: Path) -> None:
    assert codeclone("scan", SAMPLES / "renamed", SAMPLES / "original", "-q", "-o", "r.json").code == 0
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    for field in ("classes", "composition", "leftovers", "common_names"):
        del report[field]
    jsonschema.validate(report, schema)
    (tmp_path / "earlier.json").write_text(json.dumps(report), encoding="utf-8")
    assert codeclone("render", "earlier.json", "-o", "again.html").code == 0
    assert "How the two are built" not in (tmp_path / "again.html").read_text(encoding="utf-8")
