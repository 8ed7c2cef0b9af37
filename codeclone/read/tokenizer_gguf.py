"""The tokenizer in the head of a GGUF file: its `tokenizer.*` entries."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from codeclone.model import File, Location, Skipped, Token, TokenizerFile
from codeclone.read import vocabularies
from codeclone.read.data import escaped
from codeclone.read.gguf import MAGIC, read_gguf
from codeclone.read.lfs import MAX_POINTER_BYTES, pointer_of
from codeclone.read.notes import Notes
from codeclone.read.sentencepiece import CONTROL, NORMAL, UNKNOWN, UNUSED, USER_DEFINED
from codeclone.read.tokenizer_parts import UnfitError, bounded, merges_of, settings_of, templates_of
from codeclone.read.vocabularies import FILLER, MAX_ID, MAX_TOKEN

TEMPLATE = "tokenizer.chat_template"
"""What the names of chat templates begin with."""


def from_gguf(record: TokenizerFile, file: File) -> TokenizerFile:
    """The record with what the head of a GGUF file says. Raises UnfitError, GgufError and OSError."""
    with file.open() as stream:
        head = stream.read(MAX_POINTER_BYTES)
        found = pointer_of(head) if file.size < MAX_POINTER_BYTES else None
        if found is not None:
            told = (Skipped(Location(file.path), found.told),)
            return replace(record, sha256=found.sha256, size=found.size, pointer=True, skipped=told)
        if not head.startswith(MAGIC):
            raise UnfitError("no GGUF file")
        stream.seek(0)
        metadata = read_gguf(stream).metadata
    listed = _listed(metadata)
    if not listed:
        return replace(record, skipped=(Skipped(Location(file.path), "a GGUF file without a vocabulary"),))
    notes = Notes(file.path)
    kinds = _kinds(metadata, len(listed))
    fillers = {number for number, token in enumerate(listed) if kinds[number] != NORMAL and FILLER.fullmatch(token)}
    fillers |= {number for number, kind in enumerate(kinds) if kind == UNUSED}
    word_pieces = metadata.get("tokenizer.ggml.model") == "bert"
    named = {name: value for name, value in metadata.items() if name.startswith("tokenizer.")}
    return replace(
        record,
        tokens=bounded(_special(listed, kinds, fillers, file.path), notes),
        vocabulary=tuple(
            None if number in fillers else vocabularies.word_piece_of_gguf(token) if word_pieces else token
            for number, token in enumerate(listed)
        ),
        merges=merges_of(metadata.get("tokenizer.ggml.merges"), notes),
        templates=tuple(
            template
            for name, value in named.items()
            if name.startswith(TEMPLATE) and isinstance(value, str)
            for template in templates_of(value, file.path, f"/{escaped(name)}", notes)
        ),
        settings=settings_of({n: value for n, value in named.items() if not n.startswith(TEMPLATE)}, file.path),
        skipped=notes.all(),
    )


def _listed(metadata: Mapping[str, Any]) -> list[str]:
    """Tokens by id; empty where any of them is none."""
    listed = metadata.get("tokenizer.ggml.tokens")
    listed = listed[:MAX_ID] if isinstance(listed, list) else []
    return listed if all(isinstance(token, str) and len(token) <= MAX_TOKEN for token in listed) else []


def _kinds(metadata: Mapping[str, Any], count: int) -> list[Any]:
    """The type of each token as sentencepiece numbers them; all `NORMAL` where the file does not say."""
    kinds = metadata.get("tokenizer.ggml.token_type")
    return kinds if isinstance(kinds, list) and len(kinds) == count else [NORMAL] * count


def _special(listed: Sequence[str], kinds: Sequence[Any], fillers: Container[int], path: str) -> Iterator[Token]:
    for number, kind in enumerate(kinds):
        if kind in (UNKNOWN, CONTROL, USER_DEFINED) and number not in fillers:
            where = Location(path, pointer=f"/tokenizer.ggml.tokens/{number}")
            yield Token(listed[number], number, (None,) * 4 + (kind != USER_DEFINED,), where)
