"""Hostile files beside honest ones: each is skipped with its reason, nothing of it runs, and the other evidence stays as it was."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from codeclone import codec, scan
from codeclone.model import Report
from tests.conftest import SAMPLES


class Marker:
    """Pickled, it makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, (f"touch {self.path}",)


def torch_zip(content: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
    return stream.getvalue()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"5" * 64 + b"\nsize 4976698672\n"


def hostile(marker: Path) -> dict[str, tuple[bytes, str]]:
    """Path -> (content, what the reason says)."""
    return {
        "a/truncated.safetensors": ((900).to_bytes(8, "little") + b'{"x": {"dtype"', "a header of 900"),
        "a/long.safetensors": ((2**63).to_bytes(8, "little") + b"{}", "9,223,372,036,854,775,808"),
        "a/twice.safetensors": (_header('{"x": %s, "x": %s}' % ((_TENSOR,) * 2)), "more than once"),
        "a/numbers.safetensors": (
            _header('{"x": {"dtype": "F32", "shape": [1e308, NaN], "data_offsets": [0, 4]}}'),
            "no finite number",
        ),
        "a/pytorch_model.bin": (torch_zip(pickle.dumps({"w": Marker(marker)}, protocol=2)), "system"),
        "a/old.pt": (pickle.dumps({"w": Marker(marker)}, protocol=0), "system"),
        "a/bomb.bin": (torch_zip(b"\0" * 2**28, zipfile.ZIP_DEFLATED), "zip bomb"),
        "a/pointer.safetensors": (POINTER, "Git-LFS pointer"),
        "b/config.json": ('{"naïve": 1}'.encode("utf-16-be")[1:], "none of the encodings"),
        "c/config.json": (b'{"twice": 1, "twice": 2}', "more than once"),
        "d/config.json": (b'{"x": NaN, "y": 1e308}', "nan"),
        "e/config.json": (b'{"x": ' * 100 + b"1" + b"}" * 100, "deeper"),
        "f/tokenizer.json": (POINTER, "Git-LFS pointer"),
        "g/tokenizer.json": (b'{"added_tokens": [{"id": 1e999, "content": "x"}], "model": ', "not JSON at line 1"),
        "h/tokenizer.model": (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * 20, "damaged"),
    }


_TENSOR = '{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'


def _header(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode() + b"\0" * 4


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Report, Path]:
    """The scan of a copy, that of the same copy with hostile files in it, and the file that only a file that runs makes."""
    folder = tmp_path_factory.mktemp("hostile")
    marker = folder / "it-ran"
    clean, attacked = folder / "clean" / "renamed", folder / "attacked" / "renamed"
    for path in (clean, attacked):
        shutil.copytree(SAMPLES / "renamed", path)
    for path, (content, _) in hostile(marker).items():
        (attacked / path).parent.mkdir(exist_ok=True)
        (attacked / path).write_bytes(content)
    found = [scan(str(path), str(SAMPLES / "original")) for path in (clean, attacked)]
    return found[0], found[1], marker


def test_nothing_runs(reports: tuple[Report, Report, Path]) -> None:
    assert not reports[2].exists()


def test_each_hostile_file_is_skipped_with_its_reason(reports: tuple[Report, Report, Path]) -> None:
    _, attacked, marker = reports
    for path, (_, reason) in hostile(marker).items():
        told = [skip.reason for side, skip in attacked.skipped if side == "left" and skip.location.path == path]
        assert [reason in one for one in told].count(True) == 1, (path, told)


def test_the_other_evidence_is_unaffected(reports: tuple[Report, Report, Path]) -> None:
    clean, attacked, marker = reports
    folders = {path.partition("/")[0] for path in hostile(marker)}

    def honest(report: Report) -> list[dict[str, Any]]:
        every = codec.report_to_dict(report)["evidence"]
        return [finding for finding in every if finding["left"][0]["path"].partition("/")[0] not in folders]

    assert json.dumps(honest(attacked)) == json.dumps(honest(clean))
    assert attacked.verdict.level == clean.verdict.level
