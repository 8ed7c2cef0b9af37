"""One file of a tokenizer, in whatever format -> what it says: tokens, vocabulary, merges, templates, settings, paths."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from codeclone.model import TOKEN_FLAGS, BuildPath, File, Location, Skipped, Token, TokenizerFile, Vocabulary
from codeclone.read import vocabularies
from codeclone.read.data import escaped
from codeclone.read.gguf import GgufError
from codeclone.read.lfs import pointer_of
from codeclone.read.notes import Notes
from codeclone.read.sentencepiece import (
    CONTROL,
    UNKNOWN,
    USER_DEFINED,
    SentencepieceError,
    read_sentencepiece,
)
from codeclone.read.tokenizer_gguf import from_gguf
from codeclone.read.tokenizer_parts import (
    UnfitError,
    bounded,
    ids_of,
    merges_of,
    named_tokens,
    number_of,
    object_of,
    part_of,
    setting,
    settings_of,
    templates_of,
    token_of,
    types_of,
)
from codeclone.read.vocabularies import MAX_ID, MAX_TOKEN, VocabularyError

MAX_BYTES = 64 * 2**20
"""The largest tokenizer.json of a public model has about 35 MB."""

_FORMATS: tuple[tuple[str, str], ...] = (
    (r"tokenizer\.json", "tokenizer.json"),
    (r"tokenizer_config\.json", "tokenizer_config.json"),
    (r"special_tokens_map\.json", "special_tokens_map.json"),
    (r"added_tokens\.json", "added_tokens.json"),
    (r"(?:vocab|encoder)\.json", "vocab.json"),
    (r"merges\.txt|vocab\.bpe", "merges.txt"),
    (r"vocab\.txt", "vocab.txt"),
    (r"tekken[\w.-]*\.json", "tekken.json"),
    (r"chat_template\.jinja", "chat_template.jinja"),
    (r"chat_template\.json", "chat_template.json"),
    (r"[\w.-]+\.(?:tiktoken|bpe)", "tiktoken"),
    (r"[\w.-]+\.gguf", "gguf"),
    (r"[\w.-]+\.(?:model|spm)(?:\.v\w+)?", "tokenizer.model"),
)

STANDALONE = ("tekken.json", "tiktoken", "gguf", "tokenizer.model")
"""Formats of files that are a whole tokenizer each: several in a folder are several tokenizers."""


def format_of(path: str) -> str | None:
    """The format that a file's name stands for; None where it is no tokenizer's."""
    name = PurePosixPath(path).name.lower()
    return next((format_ for pattern, format_ in _FORMATS if re.fullmatch(pattern, name)), None)


def read_record(file: File, format_: str) -> TokenizerFile:
    """What a file says; where it cannot be read, a record that has only its digest and why."""
    record = TokenizerFile(file.path, format_, file.sha256, file.size)
    try:
        if format_ == "gguf":
            return from_gguf(record, file)
        if file.size > MAX_BYTES or not file.whole:
            raise UnfitError(f"{file.size:,} bytes: over the bound of {MAX_BYTES:,}")
        content = file.read()
        found = pointer_of(content)
        if found is not None:
            record = replace(record, sha256=found.sha256, size=found.size, pointer=True)
            raise UnfitError(found.told)
        return _READERS[format_](record, content)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    except (UnfitError, VocabularyError, SentencepieceError, GgufError) as error:
        reason = str(error)
    return replace(record, skipped=(*record.skipped, Skipped(Location(file.path), reason)))


# Formats


def _tokenizer_json(record: TokenizerFile, content: bytes) -> TokenizerFile:
    value, notes = object_of(record, content)
    model = part_of(value, "model")
    listed = model.get("vocab")
    vocabulary: Vocabulary | None = None
    if isinstance(listed, dict):
        vocabulary = vocabularies.by_id(ids_of(listed, "/model/vocab", notes))
    elif isinstance(listed, list) and len(listed) <= MAX_ID:
        texts = [piece[0] if isinstance(piece, list) and piece else piece for piece in listed]
        vocabulary = tuple(text if isinstance(text, str) and len(text) <= MAX_TOKEN else None for text in texts)
    added = value.get("added_tokens")
    tokens = (
        token_of(
            entry, entry.get("id") if isinstance(entry, dict) else None, record.path, f"/added_tokens/{place}", notes
        )
        for place, entry in enumerate(added if isinstance(added, list) else ())
    )
    steps = {name: types_of(value.get(name)) for name in ("normalizer", "pre_tokenizer", "post_processor", "decoder")}
    steps["model"] = str(model.get("type") or ("BPE" if "merges" in model else "?"))[:40]
    return replace(
        record,
        tokens=bounded(tokens, notes),
        vocabulary=vocabulary,
        merges=merges_of(model.get("merges"), notes),
        settings=tuple(setting(name, kind, record.path) for name, kind in sorted(steps.items()) if kind),
        skipped=notes.all(),
    )


def _tokenizer_config(record: TokenizerFile, content: bytes) -> TokenizerFile:
    value, notes = object_of(record, content)

    def tokens() -> Iterator[Token | None]:
        added = value.get("added_tokens_decoder")
        for its_id, entry in added.items() if isinstance(added, dict) else ():
            number = int(its_id) if re.fullmatch(r"\d{1,9}", its_id, re.ASCII) else -1
            yield token_of(entry, number, record.path, f"/added_tokens_decoder/{escaped(its_id)}", notes)
        yield from named_tokens(value, record.path, notes)

    found = bounded(tokens(), notes)
    templates = (
        templates_of(value["chat_template"], record.path, "/chat_template", notes) if value.get("chat_template") else ()
    )
    return replace(
        record, tokens=found, templates=templates, settings=settings_of(value, record.path), skipped=notes.all()
    )


def _special_tokens_map(record: TokenizerFile, content: bytes) -> TokenizerFile:
    value, notes = object_of(record, content)
    found = bounded(named_tokens(value, record.path, notes), notes)
    return replace(record, tokens=found, settings=settings_of(value, record.path), skipped=notes.all())


def _added_tokens(record: TokenizerFile, content: bytes) -> TokenizerFile:
    value, notes = object_of(record, content)
    ids = ids_of(value, "", notes)
    flags = (None,) * len(TOKEN_FLAGS)
    tokens = (
        Token(token, its_id, flags, Location(record.path, pointer=f"/{escaped(token)}"))
        for token, its_id in ids.items()
    )
    return replace(record, tokens=bounded(tokens, notes), skipped=notes.all())


def _vocab_json(record: TokenizerFile, content: bytes) -> TokenizerFile:
    value, notes = object_of(record, content)
    return replace(record, vocabulary=vocabularies.by_id(ids_of(value, "", notes)), skipped=notes.all())


def _merges_text(record: TokenizerFile, content: bytes) -> TokenizerFile:
    if vocabularies.RANK.match(content):  # the same suffix as tiktoken's
        return replace(record, format="tiktoken", vocabulary=vocabularies.tiktoken(content))
    return replace(record, merges=vocabularies.merges(content))


def _vocab_text(record: TokenizerFile, content: bytes) -> TokenizerFile:
    return replace(record, vocabulary=vocabularies.word_pieces(content))


def _tekken(record: TokenizerFile, content: bytes) -> TokenizerFile:
    """Mistral's format: ranks of byte-level tokens, whose ids come behind those of a number of special ones."""
    value, notes = object_of(record, content)
    ranked, special = value.get("vocab"), value.get("special_tokens")
    if not isinstance(ranked, list):
        raise UnfitError("not what its name says: it has no vocabulary")
    config = part_of(value, "config")
    first = number_of(config.get("default_num_special_tokens"), 0)
    ids: dict[str, int] = {}
    for place, entry in enumerate(ranked[: max(0, number_of(config.get("default_vocab_size"), MAX_ID) - first)]):
        token = vocabularies.in_base64(entry.get("token_bytes")) if isinstance(entry, dict) else None
        rank = number_of(entry.get("rank"), MAX_ID) if isinstance(entry, dict) else MAX_ID
        if token is None or rank + first >= MAX_ID:
            notes.add(f"/vocab/{place}", "no token in base64 with its rank")
        else:
            ids[token] = rank + first
    tokens = (
        token_of(
            {"content": entry.get("token_str"), "special": True},
            entry.get("rank"),
            record.path,
            f"/special_tokens/{place}",
            notes,
        )
        for place, entry in enumerate(special if isinstance(special, list) else ())
        if isinstance(entry, dict)
    )
    found = bounded(tokens, notes)
    settings = settings_of({"model": "BPE", **config}, record.path)
    return replace(record, tokens=found, vocabulary=vocabularies.by_id(ids), settings=settings, skipped=notes.all())


def _chat_template(record: TokenizerFile, content: bytes) -> TokenizerFile:
    text = "\n".join(vocabularies.lines(content))
    notes = Notes(record.path)
    return replace(record, templates=templates_of(text, record.path, "", notes), skipped=notes.all())


def _chat_template_json(record: TokenizerFile, content: bytes) -> TokenizerFile:
    value, notes = object_of(record, content)
    found = templates_of(value.get("chat_template"), record.path, "/chat_template", notes)
    return replace(record, templates=found, skipped=notes.all())


def _model(record: TokenizerFile, content: bytes) -> TokenizerFile:
    """`tokenizer.model` is sentencepiece's for most models and tiktoken's for some: what it holds decides."""
    if vocabularies.RANK.match(content):
        return replace(record, format="tiktoken", vocabulary=vocabularies.tiktoken(content))
    if not content.startswith(b"\x0a"):
        raise UnfitError("neither a sentencepiece model nor tiktoken ranks")
    model = read_sentencepiece(content)
    at = partial(Location, record.path)
    notes = Notes(record.path)
    tokens = (
        Token(piece, number, (None,) * 4 + (kind != USER_DEFINED,), at(pointer=f"/pieces/{number}"))
        for number, (piece, kind) in enumerate(zip(model.pieces, model.types, strict=True))
        if kind in (UNKNOWN, CONTROL, USER_DEFINED)
    )
    paths = [(f"/trainer_spec/input/{place}", "input", text) for place, text in enumerate(model.inputs)]
    paths.append(("/trainer_spec/model_prefix", "model_prefix", model.prefix))
    settings = {"model": model.kind or "?", "normalizer": model.normalizer, "vocab_size": model.size}
    return replace(
        record,
        format="sentencepiece",
        tokens=bounded(tokens, notes),
        vocabulary=model.pieces,
        leaks=tuple(BuildPath(name, text, at(pointer=pointer)) for pointer, name, text in paths if text),
        settings=tuple((name, json.dumps(value), at()) for name, value in settings.items() if value),
        skipped=notes.all(),
    )


def _tiktoken(record: TokenizerFile, content: bytes) -> TokenizerFile:
    return replace(record, vocabulary=vocabularies.tiktoken(content))


_READERS: dict[str, Callable[[TokenizerFile, bytes], TokenizerFile]] = {
    "tokenizer.json": _tokenizer_json,
    "tokenizer_config.json": _tokenizer_config,
    "special_tokens_map.json": _special_tokens_map,
    "added_tokens.json": _added_tokens,
    "vocab.json": _vocab_json,
    "merges.txt": _merges_text,
    "vocab.txt": _vocab_text,
    "tekken.json": _tekken,
    "chat_template.jinja": _chat_template,
    "chat_template.json": _chat_template_json,
    "tiktoken": _tiktoken,
    "tokenizer.model": _model,
}
