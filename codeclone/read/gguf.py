"""GGUF files (the format of ggml, versions 2 and 3): metadata and the names, shapes and types of the tensors.

Only the head of the file is read. Layout: magic, version, counts, then `name type value` for each entry, then `name, number
of dimensions, dimensions, type, offset` for each tensor; all little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

MAGIC = b"GGUF"

MAX_ENTRIES = 10_000
MAX_TENSORS = 200_000
MAX_ITEMS = 5_000_000
"""Of all arrays together; the largest public vocabularies have about 260,000 entries in four arrays."""

MAX_STRING = 2**20
MAX_STRINGS = 256 * 2**20
"""Bytes of all strings together."""

MAX_DIMENSIONS = 8

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
    41: "Q1_0",
}  # fmt: skip
"""Number -> name of the tensor types of ggml."""


class GgufError(ValueError):
    """The file is no GGUF file, is cut off, or is over a bound; says so in one clause."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    name: str
    shape: tuple[int, ...]
    """As other formats give it: GGUF stores the dimensions in reverse."""
    dtype: str
    offset: int
    """In bytes from the beginning of the tensors' data."""


@dataclass(frozen=True, slots=True)
class Gguf:
    version: int
    metadata: dict[str, Any]
    """Name -> number, truth value, string, or list of these."""
    tensors: tuple[GgufTensor, ...]


class _Reader:
    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.items = MAX_ITEMS
        self.bytes = MAX_STRINGS

    def take(self, count: int) -> bytes:
        content = self.stream.read(count)
        if len(content) < count:
            raise GgufError("cut off within its head")
        return content

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def string(self) -> str:
        length = self.number("Q")
        self.bytes -= length
        if length > MAX_STRING or self.bytes < 0:
            raise GgufError(f"a string of {length:,} bytes, or more than {MAX_STRINGS:,} in all")
        return self.take(length).decode("utf-8", "backslashreplace")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            of, count = self.number("I"), self.number("Q")
            self.items -= count
            if self.items < 0:
                raise GgufError(f"an array of {count:,} entries, or more than {MAX_ITEMS:,} in all")
            if of == _STRING:
                return [self.string() for _ in range(count)]
            code = _code(of)
            return list(struct.unpack(f"<{count}{code}", self.take(count * struct.calcsize(f"<{code}"))))
        return self.number(_code(kind))


def read_gguf(stream: BinaryIO) -> Gguf:
    """The head of a GGUF file. Raises GgufError for anything else, and OSError."""
    reader = _Reader(stream)
    if reader.take(4) != MAGIC:
        raise GgufError("no GGUF file")
    version = reader.number("I")
    if version not in (2, 3):
        raise GgufError(f"version {version} of GGUF")
    tensors, entries = reader.number("Q"), reader.number("Q")
    if tensors > MAX_TENSORS or entries > MAX_ENTRIES:
        raise GgufError(f"{tensors:,} tensors and {entries:,} entries: over the bounds")
    metadata: dict[str, Any] = {}
    for _ in range(entries):
        name = reader.string()
        metadata[name] = reader.value(reader.number("I"))
    return Gguf(version, metadata, tuple(_tensor(reader) for _ in range(tensors)))


def _tensor(reader: _Reader) -> GgufTensor:
    name, dimensions = reader.string(), reader.number("I")
    if dimensions > MAX_DIMENSIONS:
        raise GgufError(f"a tensor of {dimensions:,} dimensions")
    shape = tuple(reader.number("Q") for _ in range(dimensions))[::-1]
    kind, offset = reader.number("I"), reader.number("Q")
    return GgufTensor(name, shape, TYPES.get(kind, f"type {kind}"), offset)


def _code(kind: int) -> str:
    if kind not in _SCALARS:
        raise GgufError(f"a value of type {kind}, which is none")
    return _SCALARS[kind]
