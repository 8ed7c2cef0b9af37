"""The few pieces of protobuf and GGUF that tests write."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any


def varint(number: int) -> bytes:
    groups = [number & 127]
    while number := number >> 7:
        groups.append(number & 127)
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def text(field: int, content: str | bytes) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def sentencepiece(
    pieces: Sequence[tuple[str, int]], inputs: Sequence[str] = (), prefix: str = "", normalizer: str = "identity"
) -> bytes:
    """A model of (piece, type)."""
    scored = struct.pack("<f", -1.5)
    model = b"".join(text(1, text(1, piece) + b"\x15" + scored + number(3, kind)) for piece, kind in pieces)
    trainer = b"".join(text(1, path) for path in inputs) + text(2, prefix) + number(3, 2) + number(4, len(pieces))
    return model + text(2, trainer + number(99, 7)) + text(3, text(1, normalizer)) + text(77, b"unknown field")


def gguf(metadata: dict[str, Any]) -> bytes:
    """A GGUF file of metadata alone: numbers, strings, lists of one kind of these."""
    entries = b"".join(_string(name) + _typed(value) for name, value in metadata.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata)) + entries


def _string(content: str) -> bytes:
    return struct.pack("<Q", len(content.encode())) + content.encode()


def _typed(value: Any) -> bytes:
    if isinstance(value, list):
        kind = 8 if isinstance(value[0], str) else 5
        items = b"".join(_string(item) if kind == 8 else struct.pack("<i", item) for item in value)
        return struct.pack("<IIQ", 9, kind, len(value)) + items
    return struct.pack("<I", 8) + _string(value) if isinstance(value, str) else struct.pack("<Ii", 5, value)
