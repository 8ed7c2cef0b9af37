"""Which commit a folder has checked out, read from git's own files: no git is run, no hook, no configuration."""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_REF = re.compile(r"ref: (refs/[\w./+-]+)\Z")
_MAX_BYTES = 2**20


def commit_of(root: Path) -> str | None:
    """The commit that `.git/HEAD` names; None where there is none to be read.

    The files may have been changed since it was checked out: the snapshot's digest, not this, says what was compared.
    """
    folder = root / ".git"
    head = _text(folder / "HEAD")
    ref = _REF.match(head)
    if ref is None:
        return head if _COMMIT.match(head) else None
    name = ref.group(1)
    if ".." in name.split("/"):
        return None
    direct = _text(folder / name)
    if _COMMIT.match(direct):
        return direct
    for line in _text(folder / "packed-refs").splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name and _COMMIT.match(commit):
            return commit
    return None


def _text(path: Path) -> str:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return ""
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
