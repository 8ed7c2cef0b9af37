"""A folder or a single file -> Snapshot."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from codeclone.errors import SourceError
from codeclone.model import File, Location, Repository, Skipped, Snapshot
from codeclone.read.revision import commit_of

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_FILE_BYTES = 64 * 2**20
"""A larger file is skipped, unless it holds tensors. The largest Python file in the packages of benchmarks/ has 1.3 MB."""

TENSORS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".kept.npz")
"""Files that may be larger: they are read in slices. What stands for all of them in the digest of the snapshot are their
size and the SHA-256 of their first and last mebibyte: to read hundreds of gigabytes only to name them takes minutes."""

ENDS = 2**20

MAX_FILES = 200_000
"""A folder with more files than this is read up to it, in order of path; the rest is skipped."""

MAX_DEPTH = 64
"""Folders nested deeper than this are skipped."""

MAX_IGNORE_BYTES = 2**20

MAX_PATTERNS, MAX_PATTERN, MAX_STARS = 2_000, 300, 3
"""Lines of an ignore file, characters of a line, stars in it: matching takes time to the power of the stars."""

SKIPPED_FOLDERS = {
    ".git": "version control data",
    ".hg": "version control data",
    ".svn": "version control data",
    "__pycache__": "byte-code",
    "node_modules": "installed packages",
    ".tox": "virtual environments",
    ".nox": "virtual environments",
    ".mypy_cache": "a tool's cache",
    ".pytest_cache": "a tool's cache",
    ".ruff_cache": "a tool's cache",
    ".ipynb_checkpoints": "copies that the notebook editor saves",
}
BYTE_CODE = (".pyc", ".pyo", ".pyd")

_DRIVE = re.compile(r"^[A-Za-z]:")


def read(source: str) -> Snapshot:
    """Read a folder or a single file.

    `.gitignore` files are respected wherever they stand. Symbolic links are read only when they lead to a file inside
    the folder. Raises SourceError for a path that does not exist, cannot be read, or is neither file nor folder.
    """
    path = Path(source)
    try:
        if path.is_dir():
            root, entries, skipped = path, *_list(path)
        elif path.is_file():
            root, entries, skipped = path.parent, [path.name], []
        elif os.path.lexists(path):
            raise SourceError(f"{source}: neither a file nor a folder, or a link that leads nowhere")
        else:
            raise SourceError(f"{source}: no such file or folder")
    except (OSError, ValueError) as error:
        raise SourceError(f"{_shown(source)}: cannot be read: {_why(error)}") from error

    files: list[File] = []
    for entry in entries:
        outcome = _file(root, entry)
        if isinstance(outcome, File):
            files.append(outcome)
        else:
            skipped.append(outcome)
    digest = hashlib.sha256()
    for file in files:
        size = "" if file.whole else f"{file.size}:"
        digest.update(f"{file.path}\0{size}{file.sha256}\n".encode("utf-8", "surrogateescape"))
    return Snapshot(
        Repository(_name(path), _origin(source), commit_of(path) if path.is_dir() else None, digest.hexdigest()),
        files=tuple(files),
        skipped=tuple(sorted(skipped, key=lambda skip: (skip.location.path, skip.reason))),
    )


def _file(root: Path, entry: str) -> File | Skipped:
    path = root / entry
    shown = _printable(entry)
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES and entry.lower().endswith(TENSORS):
            return _tensors(path, shown, size)
        if size > MAX_FILE_BYTES:
            return Skipped(Location(shown), f"{size:,} bytes: over the bound of {MAX_FILE_BYTES:,} bytes a file")
        content = path.read_bytes()
    except OSError as error:
        return Skipped(Location(shown), f"cannot be read: {_why(error)}")
    stream = partial(_stream, path)
    return File(shown, len(content), hashlib.sha256(content).hexdigest(), path.read_bytes, stream=stream)


def _stream(path: Path) -> BinaryIO:
    return path.open("rb")


def _tensors(path: Path, shown: str, size: int) -> File:
    with path.open("rb") as stream:
        digest = hashlib.sha256(stream.read(ENDS))
        stream.seek(-ENDS, os.SEEK_END)
        digest.update(stream.read(ENDS))
    return File(shown, size, digest.hexdigest(), path.read_bytes, whole=False, stream=partial(_stream, path))


def _list(root: Path) -> tuple[list[str], list[Skipped]]:
    """Paths of the regular files below root, sorted, and what was left out."""
    entries: list[str] = []
    skipped: list[Skipped] = []
    real_root = os.path.realpath(root)
    for folder, names, ignores in _walk(root, skipped):
        for name in names:
            entry = f"{folder}{name}"
            path = root / entry
            if name.endswith(BYTE_CODE):
                continue
            if any(spec.match_file(entry[len(base) :]) for base, spec in ignores):
                skipped.append(Skipped(Location(_printable(entry)), "ignored by .gitignore"))
                continue
            reason = _not_a_file(path, real_root)
            if reason:
                skipped.append(Skipped(Location(_printable(entry)), reason))
            else:
                entries.append(entry)
        if len(entries) > MAX_FILES:
            skipped.append(
                Skipped(Location(_printable(folder) or "."), f"more than {MAX_FILES:,} files: the rest is left out")
            )
            del entries[MAX_FILES:]
            break
    return sorted(entries), skipped


def _not_a_file(path: Path, real_root: str) -> str:
    """Why a path is not read as a file; empty where it is."""
    try:
        if path.is_symlink():
            inside = _inside(path, real_root)
            return (
                "a symbolic link within the folder: what it names is read there"
                if inside
                else ("a symbolic link that leads out of the folder")
            )
        return "" if stat.S_ISREG(path.lstat().st_mode) else "not a regular file"
    except OSError as error:
        return f"cannot be read: {_why(error)}"


_Ignores = tuple[tuple[str, "GitIgnoreSpec"], ...]


def _walk(root: Path, skipped: list[Skipped]) -> Iterator[tuple[str, list[str], _Ignores]]:
    """Each folder with its file names; symbolic links to folders are never entered, so there are no loops."""
    stack: list[tuple[str, _Ignores, int]] = [("", (), 0)]
    while stack:
        folder, ignores, depth = stack.pop()
        try:
            with os.scandir(root / folder) as scan:
                children = sorted(scan, key=lambda child: child.name)
        except OSError as error:
            skipped.append(Skipped(Location(_printable(folder) or "."), f"cannot be listed: {_why(error)}"))
            continue
        if any(child.name == ".gitignore" and child.is_file(follow_symlinks=False) for child in children):
            ignores = (
                *ignores,
                (folder, _ignore_file(root / folder / ".gitignore", f"{_printable(folder)}.gitignore", skipped)),
            )
        names: list[str] = []
        below: list[tuple[str, _Ignores, int]] = []
        for child in children:
            entry = f"{folder}{child.name}"
            if not child.is_dir(follow_symlinks=False):
                names.append(child.name)
                continue
            reason = SKIPPED_FOLDERS.get(child.name)
            if reason is None and os.path.isfile(root / entry / "pyvenv.cfg"):
                reason = "a virtual environment"
            if reason is None and any(spec.match_file(f"{entry[len(base) :]}/") for base, spec in ignores):
                reason = "ignored by .gitignore"
            if reason is None and depth >= MAX_DEPTH:
                reason = f"folders nested deeper than {MAX_DEPTH}"
            if reason is None:
                below.append((f"{entry}/", ignores, depth + 1))
            else:
                skipped.append(Skipped(Location(_printable(entry)), reason))
        yield folder, names, ignores
        stack.extend(reversed(below))


def _ignore_file(path: Path, shown: str, skipped: list[Skipped]) -> GitIgnoreSpec:
    """The patterns of an ignore file; those that cannot be applied in bounded time ignore nothing, and are listed."""
    from pathspec import GitIgnoreSpec  # only where there is an ignore file to read

    try:
        with path.open("rb") as file:
            lines = file.read(MAX_IGNORE_BYTES).decode("utf-8", "replace").splitlines()[:MAX_PATTERNS]
    except OSError as error:
        skipped.append(Skipped(Location(shown), f"cannot be read, so it ignores nothing: {_why(error)}"))
        return GitIgnoreSpec.from_lines([])
    kept = [line for line in lines if len(line) <= MAX_PATTERN and line.replace("**", "").count("*") <= MAX_STARS]
    kept = [line for line in kept if line.count("**") <= MAX_STARS]
    try:
        spec = GitIgnoreSpec.from_lines(kept)
    except (ValueError, re.error) as error:
        skipped.append(Skipped(Location(shown), f"has a pattern that is none, so it ignores nothing: {error}"))
        return GitIgnoreSpec.from_lines([])
    if len(kept) < len(lines):
        skipped.append(
            Skipped(Location(shown), f"{len(lines) - len(kept)} patterns are too complex, and ignore nothing")
        )
    return spec


def _inside(path: Path, real_root: str) -> bool:
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip(os.sep) + os.sep)


def _name(path: Path) -> str:
    name = path.name if path.name not in ("", ".", "..") else path.resolve().name
    return _printable(name) or "root"


def _origin(source: str) -> str:
    """The source as given where it is relative and stays below; only its last part where it would show the machine."""
    path = Path(source)
    parts = path.parts
    if path.is_absolute() or source.startswith("~") or ".." in parts or _DRIVE.match(source):
        return _name(path)
    return _printable(path.as_posix())


def _shown(source: str) -> str:
    return _printable(source) if len(source) <= 200 else _printable(source[:200]) + "…"


def _printable(text: str) -> str:
    """File names are bytes: what is not UTF-8, and control characters, are shown escaped."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
