"""Packages to measure on: downloaded by name, unpacked once, never committed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from pip._internal.commands import create_command

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
    _unpack(archive, target / "unpacked")
    (target / ".complete").touch()
    return target / "unpacked"


def fetch_sources(requirement: str) -> Path:
    """Folder with the unpacked source archive of `name==version`.

    The archive is found and downloaded with pip's own index client; unlike `pip download`, this never runs the
    package's build to learn its metadata. Raises LookupError where there is no such archive.
    """
    target = DATA / (requirement.replace("==", "-") + "-sources")
    if (target / ".complete").exists():
        return target / "unpacked"
    target.mkdir(parents=True, exist_ok=True)
    name, _, version = requirement.partition("==")
    command: Any = create_command("download")
    options, _ = command.parse_args(["--no-deps", "--no-binary", ":all:", requirement])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        found = [it for it in finder.find_all_candidates(name) if not version or str(it.version) == version]
        found.sort(key=lambda it: it.version)
        links = [it.link for it in found if it.link.filename.endswith((".tar.gz", ".zip"))]
        if not links:
            raise LookupError(f"{requirement}: the index has no source archive")
        content = session.get(links[-1].url_without_fragment).content
    if links[-1].hash and hashlib.new(links[-1].hash_name, content).hexdigest() != links[-1].hash:
        raise LookupError(f"{requirement}: the archive is not the one that the index names")
    archive = target / links[-1].filename
    archive.write_bytes(content)
    _unpack(archive, target / "unpacked")
    (target / ".complete").touch()
    return target / "unpacked"


def _unpack(archive: Path, target: Path) -> None:
    if archive.suffix == ".gz":
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")
    else:
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
