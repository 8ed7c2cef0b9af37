"""What is installed is what is in the checkout."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from codeclone import __version__

ROOT = Path(__file__).parent.parent


def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_on_disk_is_listed() -> None:
    listed = set(config()["options"]["packages"].split())
    on_disk = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "codeclone").rglob("__init__.py")}
    assert listed == on_disk | {"codeclone.templates"}


def test_requirements_are_lower_bounds_and_used() -> None:
    requirements = config()["options"]["install_requires"].split("\n")
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "codeclone").rglob("*.py"))
    for requirement in filter(None, requirements):
        name, bound = requirement.split(" ", 1)
        assert bound.startswith(">="), requirement
        module = name.replace("-", "_")
        assert f"import {module}" in sources or f"from {module}" in sources, f"{name} is required and never imported"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    build = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(target), str(ROOT)],
        capture_output=True,
        text=True,
    )
    if build.returncode and ("ConnectionError" in build.stdout + build.stderr or "No matching dist" in build.stderr):
        pytest.skip("setuptools cannot be downloaded here")
    assert build.returncode == 0, build.stdout + build.stderr
    return next(target.glob("*.whl"))


def test_the_wheel_holds_everything_and_runs(wheel: Path, tmp_path: Path) -> None:
    assert wheel.name.startswith(f"codeclone_models-{__version__}")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for path in [*(ROOT / "codeclone").rglob("*"), *(ROOT / "templates").rglob("*")]:
        if path.is_file() and "__pycache__" not in path.parts:
            inside = path.relative_to(ROOT).as_posix()
            inside = f"codeclone/{inside}" if inside.startswith("templates/") else inside
            assert inside in names
    scan = subprocess.run(
        [sys.executable, "-m", "codeclone", "scan", str(ROOT / "samples/renamed"), str(ROOT / "samples/original")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed"), "PATH": "/usr/bin:/bin"},
    )
    assert scan.returncode == 0, scan.stderr
    assert (tmp_path / "codeclone-report.html").stat().st_size > 10_000
