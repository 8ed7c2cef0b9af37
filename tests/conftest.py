"""What all tests share."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    return json.loads((ROOT / "codeclone" / "data" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    return json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))


class Result:
    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr


@pytest.fixture
def codeclone(tmp_path: Path):
    """Run the command line in a new process, in an empty folder."""

    def run(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Result:
        import os

        return Result(
            subprocess.run(
                [sys.executable, "-m", "codeclone", *map(str, arguments)],
                capture_output=True,
                text=True,
                cwd=cwd or tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
                timeout=300,
            )
        )

    return run


@pytest.fixture
def repository(tmp_path: Path):
    """Make a folder from a mapping of paths to text or bytes."""

    def make(name: str, files: dict[str, str | bytes]) -> Path:
        root = tmp_path / name
        root.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return root

    return make
