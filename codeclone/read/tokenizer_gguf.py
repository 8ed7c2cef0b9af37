"""The tokenizer in the head of a GGUF file: its `tokenizer.*` entries."""

from __future__ import annotations

from dataclasses import replace

from codeclone.model import File, Location, Skipped, Token
from codeclone.read import vocabularies
from codeclone.read.data import escaped
from codeclone.read.gguf import MAGIC, read_gguf
from codeclone.read.lfs import pointer_of
from codeclone.read.notes import Notes
from codeclone.read.sentencepiece import CONTROL, NORMAL, UNKNOWN, UNUSED, USER_DEFINED
from codeclone.read.tokenizer_parts import UnfitError, bounded, merges_of, settings_of, templates_of
from codeclone.read.vocabularies import FILLER, MAX_ID, MAX_TOKEN
from codeclone.tokenizers import Record


def from_gguf(record: Record, file: File) -> Record:
    """The record with what the head of a GGUF file says. Raises UnfitError, GgufError and OSError."""
    with file.open() as stream:
        head = stream.read(1024)
        found = pointer_of(head) if file.size < 1024 else None
        if found is not None:
            return replace(
                record,
                sha256=found.sha256,
                size=found.size,
                pointer=True,
                skipped=(Skipped(Location(file.path), found.told),),
            )
        if not head.startswith(MAGIC):
            raise UnfitError("no GGUF file")
        stream.seek(0)
        metadata = read_gguf(stream).metadata
    notes = Notes(file.path)
    listed = metadata.get("tokenizer.ggml.tokens")
    listed = listed[:MAX_ID] if isinstance(listed, list) else []
    if not listed or not all(isinstance(token, str) and len(token) <= MAX_TOKEN for token in listed):
        return replace(record, skipped=(Skipped(Location(file.path), "a GGUF file without a vocabulary"),))
    kinds = metadata.get("tokenizer.ggml.token_type")
    kinds = kinds if isinstance(kinds, list) and len(kinds) == len(listed) else [NORMAL] * len(listed)
    fillers = {number for number, token in enumerate(listed) if kinds[number] != NORMAL and FILLER.fullmatch(token)}
    fillers |= {number for number, kind in enumerate(kinds) if kind == UNUSED}
    word_pieces = metadata.get("tokenizer.ggml.model") == "bert"
    vocabulary = tuple(
        None if number in fillers else vocabularies.word_piece_of_gguf(token) if word_pieces else token
        for number, token in enumerate(listed)
    )
    where = "/tokenizer.ggml.tokens"
    tokens = (
        Token(
            listed[number],
            number,
            (None,) * 4 + (kind != USER_DEFINED,),
            Location(file.path, pointer=f"{where}/{number}"),
        )
        for number, kind in enumerate(kinds)
        if kind in (UNKNOWN, CONTROL, USER_DEFINED) and number not in fillers
    )
    named = {name: value for name, value in metadata.items() if name.startswith("tokenizer.")}
    templates = [
        template
        for name, value in named.items()
        if name.startswith("tokenizer.chat_template") and isinstance(value, str)
        for template in templates_of(value, file.path, f"/{escaped(name)}", notes)
    ]
    settings = settings_of({n: v for n, v in named.items() if not n.startswith("tokenizer.chat_template")}, file.path)
    return replace(
        record,
        tokens=bounded(tokens, notes),
        vocabulary=vocabulary,
        merges=merges_of(metadata.get("tokenizer.ggml.merges"), notes),
        templates=tuple(templates),
        settings=settings,
        skipped=notes.all(),
    )
