"""Git-LFS pointers: small files that stand for large ones, with the digest and the size of these."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_POINTER_BYTES = 1024
"""Git-LFS's specification: a pointer file has fewer bytes than this."""

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\r?\n(?:[\w.-]+ [^\n]*\n)*?oid sha256:([0-9a-f]{64})\r?\n"
    rb"(?:[\w.-]+ [^\n]*\n)*?size (\d{1,18})\r?\n?"
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer file says of the file that it stands for."""

    sha256: str
    """Lower-case hexadecimal."""
    size: int
    """In bytes."""

    @property
    def told(self) -> str:
        return f"a Git-LFS pointer to {self.size:,} bytes: only their size and SHA-256 are known"


def pointer_of(content: bytes) -> Pointer | None:
    """The pointer that a file's content is; None for any other content."""
    found = _POINTER.match(content) if len(content) < MAX_POINTER_BYTES else None
    return Pointer(found[1].decode(), int(found[2])) if found else None
