"""`codeclone keep`: what is written, what is said of it, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.checkpoints import safetensors
from tests.conftest import SAMPLES

NAME = "it.kept.npz"


def one_line(text: str) -> bool:
    return text.startswith("codeclone: ") and text.count("\n") == 1 and "Traceback" not in text


def test_what_was_kept_is_told_and_scanned(codeclone, schema, tmp_path: Path) -> None:
    kept = codeclone("keep", SAMPLES / "rewritten", "-o", NAME)
    assert kept.code == 0, kept.err
    assert kept.err == ""
    first, *_, last = kept.out.splitlines()
    assert first.startswith("model.safetensors.index.json: ")
    assert "tensors, and the neurons of" in first
    assert last == f"1 checkpoints kept, {(tmp_path / NAME).stat().st_size / 1e6:.1f} MB: {NAME}"
    scanned = codeclone("scan", NAME, SAMPLES / "original", "-q", "-o", "r.json")
    assert scanned.code == 0, scanned.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    assert {finding["kind"] for finding in report["evidence"]} >= {"tensors", "weights"}
    assert report["evidence"][0]["left"][0]["path"] == f"{NAME}/model.safetensors.index.json"


def test_what_could_not_be_read_is_told(codeclone, repository) -> None:
    repository("r", {"a.safetensors": safetensors({"a.weight": (32, 32)}), "b.safetensors": b"{}"})
    kept = codeclone("keep", "r", "-o", NAME)
    assert kept.code == 0
    assert "left out: b.safetensors: no whole safetensors file" in kept.out
    assert codeclone("keep", "r", "-q", "-o", NAME).out == ""


def test_two_runs_give_the_same_bytes_and_no_path_of_the_machine(codeclone, tmp_path: Path) -> None:
    for seed in ("0", "1"):
        made = codeclone("keep", SAMPLES / "original", "-o", f"{seed}.kept.npz", env={"PYTHONHASHSEED": seed})
        assert made.code == 0
    content = (tmp_path / "0.kept.npz").read_bytes()
    assert content == (tmp_path / "1.kept.npz").read_bytes()
    assert str(SAMPLES).encode() not in content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "-o", NAME), "no such file or folder"),
        (("code", "-o", NAME), "no checkpoint to keep samples of was found"),
        (("good", "-o", "it.npz"), "ends in .kept.npz"),
        (("good", "-o", "missing/it.kept.npz"), "in an existing folder"),
        (("good", "-o", "folder.kept.npz"), "in an existing folder"),
        (("mine.kept.npz", "-o", NAME), "copy it as it is"),
    ],
)
def test_bad_input_is_one_line_and_exit_2_and_nothing_is_lost(
    codeclone, repository, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    repository("good", {"a.safetensors": safetensors({"a.weight": (32, 32)})})
    repository("code", {"a.py": "a = 1\n"})
    (tmp_path / "folder.kept.npz").mkdir()
    (tmp_path / NAME).write_text("precious")
    (tmp_path / "mine.kept.npz").write_text("precious")
    result = codeclone("keep", *arguments)
    assert result.code == 2
    assert one_line(result.err), result.err
    assert message in result.err
    assert result.out == ""
    assert (tmp_path / NAME).read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "code",
        "folder.kept.npz",
        "good",
        NAME,
        "mine.kept.npz",
    ]
