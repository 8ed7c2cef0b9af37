"""Large files of tensors: known by their ends, and in whole where another side has one of the same size."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from codeclone import scan
from codeclone.model import Report
from codeclone.read import folder
from tests.checkpoints import safetensors

SIZE = folder.MAX_FILE_BYTES + 4096


@pytest.fixture
def large(tmp_path: Path):
    """Write a sparse file of tensors of that size into a folder; its SHA-256."""

    def make(name: str, path: str = "model.safetensors", at: int = SIZE // 2, byte: bytes = b"\0") -> str:
        content = safetensors({"block.weight": ((SIZE - 1024) // 4,)})
        target = tmp_path / name / path
        target.parent.mkdir(exist_ok=True)
        with target.open("wb") as file:
            file.write(content)
            file.seek(at)
            file.write(byte)
        return hashlib.sha256(target.read_bytes()).hexdigest()

    return make


def equal(report: Report) -> list[str]:
    return [finding.claim for finding in report.evidence if finding.level == "moderate"]


def test_a_large_file_that_differs_within_is_not_called_the_same(large, tmp_path: Path) -> None:
    assert large("left", byte=b"\1") != large("right")
    report = scan(str(tmp_path / "left"), str(tmp_path / "right"))
    assert report.left.digest == report.right.digest
    assert not any("byte for byte" in sentence for sentence in report.verdict.because)
    assert not equal(report)


def test_large_files_that_are_the_same_are_found_under_any_name(large, tmp_path: Path) -> None:
    assert large("left", "weights.safetensors") == large("right")
    assert len(equal(scan(str(tmp_path / "left"), str(tmp_path / "right")))) == 1


def test_a_pointer_is_matched_with_the_file_that_it_stands_for(large, tmp_path: Path) -> None:
    sha256 = large("right")
    size = (tmp_path / "right" / "model.safetensors").stat().st_size
    (tmp_path / "left").mkdir()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
    (tmp_path / "left" / "model.safetensors").write_text(pointer)
    for left, right in (("left", "right"), ("right", "left")):
        assert len(equal(scan(str(tmp_path / left), str(tmp_path / right)))) == 1


def test_the_same_large_files_are_the_same_byte_for_byte(large, tmp_path: Path) -> None:
    assert large("left") == large("right")
    report = scan(str(tmp_path / "left"), str(tmp_path / "right"))
    assert any("byte for byte" in sentence for sentence in report.verdict.because)
