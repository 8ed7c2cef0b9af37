"""Models of sentencepiece (its protobuf, `sentencepiece_model.proto`): pieces, and what the trainer noted of itself.

A minimal reader of protobuf's wire format: only the fields named here are read, all others are passed over, and nothing of
the file says how much memory is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_BYTES = 64 * 2**20
"""The largest public model (262,144 pieces) has about 5 MB."""

MAX_PIECES = 1_000_000
MAX_FIELDS = 8_000_000
"""Of all messages together; a piece takes four."""

MAX_PIECE_BYTES = 4096
MAX_PATHS = 1000
MAX_PATH_BYTES = 4096

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Types of pieces."""

MODEL_TYPES = {1: "Unigram", 2: "BPE", 3: "word", 4: "char"}

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class SentencepieceError(ValueError):
    """The content is no sentencepiece model, is damaged, or is over a bound; says so in one clause."""


@dataclass(frozen=True, slots=True)
class Model:
    """A sentencepiece model. Pieces stand in the order of their ids, in parallel with their types."""

    pieces: tuple[str, ...]
    types: tuple[int, ...]
    inputs: tuple[str, ...]
    """Files that it was trained on, as the trainer was told them: paths on the machine that built it."""
    prefix: str
    """Where the trainer wrote the model to, on that machine."""
    kind: str
    """One of `MODEL_TYPES`; empty where the file does not say."""
    size: int
    """Of the vocabulary that was asked for; 0 where the file does not say."""
    normalizer: str


def read_sentencepiece(content: bytes) -> Model:
    """The model in a file. Raises SentencepieceError for anything else."""
    if len(content) > MAX_BYTES:
        raise SentencepieceError(f"{len(content):,} bytes: over the bound of {MAX_BYTES:,}")
    pieces: list[str] = []
    types: list[int] = []
    inputs: list[str] = []
    prefix = normalizer = ""
    kind, size = 0, 0
    budget = iter(range(MAX_FIELDS))
    for number, value in _fields(content, 0, len(content), budget):
        if not isinstance(value, slice):
            continue
        if number == 1:
            text, type_ = _piece(content, value, budget)
            pieces.append(text)
            types.append(type_)
            if len(pieces) > MAX_PIECES:
                raise SentencepieceError(f"more than {MAX_PIECES:,} pieces")
        elif number == 2:
            for field, inner in _fields(content, value.start, value.stop, budget):
                if field == 1 and isinstance(inner, slice) and len(inputs) < MAX_PATHS:
                    inputs.append(_text(content, inner, MAX_PATH_BYTES))
                elif field == 2 and isinstance(inner, slice):
                    prefix = _text(content, inner, MAX_PATH_BYTES)
                elif field == 3 and isinstance(inner, int):
                    kind = inner
                elif field == 4 and isinstance(inner, int):
                    size = inner
        elif number == 3:
            for field, inner in _fields(content, value.start, value.stop, budget):
                if field == 1 and isinstance(inner, slice):
                    normalizer = _text(content, inner, MAX_PATH_BYTES)
    if not pieces:
        raise SentencepieceError("no sentencepiece model: it has no pieces")
    return Model(
        tuple(pieces), tuple(types), tuple(inputs), prefix, MODEL_TYPES.get(kind, ""), size & 0x7FFFFFFF, normalizer
    )


def _piece(content: bytes, where: slice, budget: Iterator[int]) -> tuple[str, int]:
    """Text and type of a piece; its score is passed over. The type of a piece that has none is `NORMAL`."""
    text, kind = "", NORMAL
    for field, value in _fields(content, where.start, where.stop, budget):
        if field == 1 and isinstance(value, slice):
            text = _text(content, value, MAX_PIECE_BYTES)
        elif field == 3 and isinstance(value, int):
            kind = value
    return text, kind


def _text(content: bytes, where: slice, most: int) -> str:
    if where.stop - where.start > most:
        raise SentencepieceError(f"a text of {where.stop - where.start:,} bytes")
    try:
        return content[where].decode("utf-8")
    except UnicodeError:
        raise SentencepieceError("damaged: a text that is not UTF-8") from None


def _fields(content: bytes, place: int, end: int, budget: Iterator[int]) -> Iterator[tuple[int, int | slice | None]]:
    """(number, value) of each field between two places: a number, where its bytes stand, or None for a fixed width."""
    while place < end:
        if next(budget, None) is None:
            raise SentencepieceError(f"more than {MAX_FIELDS:,} fields")
        tag, place = _varint(content, place, end)
        number, wire = tag >> 3, tag & 7
        value: int | slice | None = None
        if wire == _VARINT:
            value, place = _varint(content, place, end)
        elif wire == _BYTES:
            length, place = _varint(content, place, end)
            value = slice(place, place + length)
            place += length
        elif wire in (_EIGHT, _FOUR):
            place += 8 if wire == _EIGHT else 4
        else:
            raise SentencepieceError(f"damaged: a field of wire type {wire}")
        if place > end or not number:
            raise SentencepieceError("damaged: cut off, or a field without a number")
        yield number, value


def _varint(content: bytes, place: int, end: int) -> tuple[int, int]:
    """A number of at most 64 bits in groups of seven, lowest first, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            break
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise SentencepieceError("damaged: a number that does not end")
