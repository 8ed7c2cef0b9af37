"""One file of a tokenizer, in whatever format -> what it says: tokens, vocabulary, merges, templates, settings, paths."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from codeclone.model import TOKEN_FLAGS, File, Location, Skipped, Token
from codeclone.read import vocabularies
from codeclone.read.data import escaped, parse_json
from codeclone.read.gguf import MAGIC, GgufError, read_gguf
from codeclone.read.lfs import pointer_of
from codeclone.read.sentencepiece import (
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    SentencepieceError,
    read_sentencepiece,
)
from codeclone.read.vocabularies import FILLER, MAX_ID, MAX_TOKEN, VocabularyError
from codeclone.tokenizers import Leak, Record, Template, Vocabulary

MAX_BYTES = 64 * 2**20
MAX_TOKENS = 20_000
"""Special and added tokens of one file; what is beyond is left out. Public models have up to 2,500."""

MAX_TEMPLATE = 200_000
"""Characters of a chat template; the longest public ones have about 20,000."""

MAX_SETTINGS, MAX_SETTING = 200, 300
"""Settings of one file, and characters of one."""

MAX_TOLD = 20
"""Entries of one file that are told one by one as left out."""


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


class _Unfit(ValueError):
    """A file is not what its name says; says so in one clause."""


def read_record(file: File, format_: str) -> Record:
    """What a file says; where it cannot be read, a record that has only its digest and why."""
    record = Record(file.path, format_, file.sha256, file.size)
    try:
        if format_ == "gguf":
            return _gguf(record, file)
        if file.size > MAX_BYTES or not file.whole:
            raise _Unfit(f"{file.size:,} bytes: over the bound of {MAX_BYTES:,}")
        content = file.read()
        found = pointer_of(content)
        if found is not None:
            record = replace(record, sha256=found.sha256, size=found.size, pointer=True)
            raise _Unfit(found.told)
        return _READERS[format_](record, content)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    except (_Unfit, VocabularyError, SentencepieceError, GgufError) as error:
        reason = str(error)
    return replace(record, skipped=(*record.skipped, Skipped(Location(file.path), reason)))


# Parts that several formats have


class _Notes:
    """What was left out of a file, told up to a bound."""

    def __init__(self, path: str, skipped: tuple[Skipped, ...] = ()) -> None:
        self.path, self.skipped, self.more = path, [*skipped], 0

    def add(self, pointer: str, reason: str) -> None:
        if len(self.skipped) < MAX_TOLD:
            self.skipped.append(Skipped(Location(self.path, pointer=pointer), reason))
        else:
            self.more += 1

    def all(self) -> tuple[Skipped, ...]:
        rest = f"{self.more:,} more entries were left out for such reasons"
        return (*self.skipped, *([Skipped(Location(self.path), rest)] if self.more else []))


def _json(record: Record, content: bytes) -> tuple[Any, _Notes]:
    parsed = parse_json(content, record.path)
    if isinstance(parsed, Skipped):
        raise _Unfit(parsed.reason)
    return parsed.value, _Notes(record.path, parsed.skipped)


def _object(record: Record, content: bytes) -> tuple[dict[str, Any], _Notes]:
    value, notes = _json(record, content)
    if not isinstance(value, dict):
        raise _Unfit("not what its name says: the JSON is no object")
    return value, notes


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_ID


def _ids(entries: Mapping[str, Any], pointer: str, notes: _Notes) -> dict[str, int]:
    """Tokens with their ids; what is no such entry is told."""
    found: dict[str, int] = {}
    taken: set[int] = set()
    for token, its_id in entries.items():
        if not _is_id(its_id) or len(token) > MAX_TOKEN:
            notes.add(f"{pointer}/{escaped(token[:80])}", f"no id from 0 to {MAX_ID:,} of a token")
            continue
        if its_id in taken:
            notes.add(
                f"{pointer}/{escaped(token)}", f"id {its_id:,} stands more than once: the last token with it counts"
            )
        taken.add(its_id)
        found[token] = its_id
    return found


def _token(entry: Any, its_id: Any, path: str, pointer: str, notes: _Notes) -> Token | None:
    """A token as `content` or as an object with `content` and flags."""
    content = entry.get("content") if isinstance(entry, dict) else entry
    if not isinstance(content, str) or not content or len(content) > MAX_TOKEN:
        notes.add(pointer, "no token: it has no content")
        return None
    if its_id is not None and not _is_id(its_id):
        notes.add(pointer, f"no id from 0 to {MAX_ID:,}")
        its_id = None
    stated = entry if isinstance(entry, dict) else {}
    flags = tuple(flag if isinstance(flag := stated.get(name), bool) else None for name in TOKEN_FLAGS)
    return Token(content, its_id, flags, Location(path, pointer=pointer))


def _bounded(tokens: Iterator[Token | None], notes: _Notes) -> tuple[Token, ...]:
    found = []
    for token in tokens:
        if token is not None:
            found.append(token)
        if len(found) > MAX_TOKENS:
            notes.add("", f"more than {MAX_TOKENS:,} special and added tokens: the others were left out")
            break
    return tuple(found[:MAX_TOKENS])


def _setting(name: str, value: Any, path: str) -> tuple[str, str, Location]:
    return name, json.dumps(value, ensure_ascii=False)[:MAX_SETTING], Location(path, pointer=f"/{escaped(name)}")


def _settings(value: Mapping[str, Any], path: str) -> tuple[tuple[str, str, Location], ...]:
    """Entries that are single values."""
    plain = [name for name in value if value[name] is None or isinstance(value[name], (str, int, float))]
    return tuple(_setting(name, value[name], path) for name in plain[:MAX_SETTINGS] if name != "chat_template")


def _types(part: Any) -> str:
    """The kinds of a step of a tokenizer.json, with those inside it."""
    if not isinstance(part, dict):
        return ""
    inside = next(
        (part[name] for name in ("normalizers", "pretokenizers", "decoders", "processors") if name in part), ()
    )
    names = [str(step.get("type", "?"))[:40] for step in inside if isinstance(step, dict)] if inside else []
    return str(part.get("type", "?"))[:40] + (f"({', '.join(names[:20])})" if names else "")


def _templates(value: Any, path: str, pointer: str, notes: _Notes) -> tuple[Template, ...]:
    """A template, or a list of named ones."""
    entries = value if isinstance(value, list) else [{"name": "default", "template": value}]
    found = []
    for place, entry in enumerate(entries[:MAX_SETTINGS]):
        where = f"{pointer}/{place}/template" if isinstance(value, list) else pointer
        text = entry.get("template") if isinstance(entry, dict) else None
        if not isinstance(text, str) or len(text) > MAX_TEMPLATE:
            notes.add(where, f"no chat template of up to {MAX_TEMPLATE:,} characters")
            continue
        found.append(Template(str(entry.get("name"))[:80], text, Location(path, pointer=where)))
    return tuple(found)


# Formats


def _tokenizer_json(record: Record, content: bytes) -> Record:
    value, notes = _object(record, content)
    model = _part(value, "model")
    listed = model.get("vocab")
    vocabulary: Vocabulary | None = None
    if isinstance(listed, dict):
        vocabulary = vocabularies.by_id(_ids(listed, "/model/vocab", notes))
    elif isinstance(listed, list) and len(listed) <= MAX_ID:
        texts = [piece[0] if isinstance(piece, list) and piece else piece for piece in listed]
        vocabulary = tuple(text if isinstance(text, str) and len(text) <= MAX_TOKEN else None for text in texts)
    added = value.get("added_tokens")
    tokens = (
        _token(
            entry, entry.get("id") if isinstance(entry, dict) else None, record.path, f"/added_tokens/{place}", notes
        )
        for place, entry in enumerate(added if isinstance(added, list) else ())
    )
    steps = {name: _types(value.get(name)) for name in ("normalizer", "pre_tokenizer", "post_processor", "decoder")}
    steps["model"] = str(model.get("type") or ("BPE" if "merges" in model else "?"))[:40]
    return replace(
        record,
        tokens=_bounded(tokens, notes),
        vocabulary=vocabulary,
        merges=_merges(model.get("merges"), notes),
        settings=tuple(_setting(name, kind, record.path) for name, kind in sorted(steps.items()) if kind),
        skipped=notes.all(),
    )


def _merges(listed: Any, notes: _Notes) -> tuple[str, ...] | None:
    if not isinstance(listed, list) or not listed:
        return None
    found = []
    for place, merge in enumerate(listed):
        if isinstance(merge, list) and len(merge) == 2 and all(isinstance(part, str) for part in merge):
            merge = f"{merge[0]} {merge[1]}"
        if isinstance(merge, str) and len(merge) <= 2 * MAX_TOKEN:
            found.append(merge)
        else:
            notes.add(f"/model/merges/{place}", "no merge of two tokens")
    return tuple(found)


def _tokenizer_config(record: Record, content: bytes) -> Record:
    value, notes = _object(record, content)

    def tokens() -> Iterator[Token | None]:
        added = value.get("added_tokens_decoder")
        for its_id, entry in added.items() if isinstance(added, dict) else ():
            number = int(its_id) if re.fullmatch(r"\d{1,9}", its_id, re.ASCII) else -1
            yield _token(entry, number, record.path, f"/added_tokens_decoder/{escaped(its_id)}", notes)
        yield from _named_tokens(value, record.path, notes)

    found = _bounded(tokens(), notes)
    templates = (
        _templates(value["chat_template"], record.path, "/chat_template", notes) if value.get("chat_template") else ()
    )
    return replace(
        record, tokens=found, templates=templates, settings=_settings(value, record.path), skipped=notes.all()
    )


def _named_tokens(value: Mapping[str, Any], path: str, notes: _Notes) -> Iterator[Token | None]:
    """The tokens that settings name: `*_token` and lists of more special ones. None of them has an id."""
    for name, entry in value.items():
        if name.endswith("_token") and (isinstance(entry, (str, dict)) and entry):
            yield _token(entry, None, path, f"/{escaped(name)}", notes)
    for name in ("additional_special_tokens", "extra_special_tokens"):
        entries = value.get(name)
        if isinstance(entries, dict):
            for key, entry in entries.items():
                yield _token(entry, None, path, f"/{name}/{escaped(key)}", notes)
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            yield _token(entry, None, path, f"/{name}/{place}", notes)


def _special_tokens_map(record: Record, content: bytes) -> Record:
    value, notes = _object(record, content)
    found = _bounded(_named_tokens(value, record.path, notes), notes)
    return replace(record, tokens=found, settings=_settings(value, record.path), skipped=notes.all())


def _added_tokens(record: Record, content: bytes) -> Record:
    value, notes = _object(record, content)
    ids = _ids(value, "", notes)
    flags = (None,) * len(TOKEN_FLAGS)
    tokens = (
        Token(token, its_id, flags, Location(record.path, pointer=f"/{escaped(token)}"))
        for token, its_id in ids.items()
    )
    return replace(record, tokens=_bounded(tokens, notes), skipped=notes.all())


def _vocab_json(record: Record, content: bytes) -> Record:
    value, notes = _object(record, content)
    return replace(record, vocabulary=vocabularies.by_id(_ids(value, "", notes)), skipped=notes.all())


def _merges_text(record: Record, content: bytes) -> Record:
    if vocabularies.RANK.match(content):  # the same suffix as tiktoken's
        return replace(record, format="tiktoken", vocabulary=vocabularies.tiktoken(content))
    return replace(record, merges=vocabularies.merges(content))


def _vocab_text(record: Record, content: bytes) -> Record:
    return replace(record, vocabulary=vocabularies.word_pieces(content))


def _tekken(record: Record, content: bytes) -> Record:
    """Mistral's format: ranks of byte-level tokens, whose ids come behind those of a number of special ones."""
    value, notes = _object(record, content)
    ranked, special = value.get("vocab"), value.get("special_tokens")
    if not isinstance(ranked, list):
        raise _Unfit("not what its name says: it has no vocabulary")
    config = _part(value, "config")
    first = _number(config.get("default_num_special_tokens"), 0)
    ids: dict[str, int] = {}
    for place, entry in enumerate(ranked[: max(0, _number(config.get("default_vocab_size"), MAX_ID) - first)]):
        token = vocabularies.in_base64(entry.get("token_bytes")) if isinstance(entry, dict) else None
        rank = _number(entry.get("rank"), MAX_ID) if isinstance(entry, dict) else MAX_ID
        if token is None or rank + first >= MAX_ID:
            notes.add(f"/vocab/{place}", "no token in base64 with its rank")
        else:
            ids[token] = rank + first
    tokens = (
        _token(
            {"content": entry.get("token_str"), "special": True},
            entry.get("rank"),
            record.path,
            f"/special_tokens/{place}",
            notes,
        )
        for place, entry in enumerate(special if isinstance(special, list) else ())
        if isinstance(entry, dict)
    )
    found = _bounded(tokens, notes)
    settings = _settings({"model": "BPE", **config}, record.path)
    return replace(record, tokens=found, vocabulary=vocabularies.by_id(ids), settings=settings, skipped=notes.all())


def _part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object in an object; empty where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: Any, otherwise: int) -> int:
    return int(value) if _is_id(value) else otherwise


def _chat_template(record: Record, content: bytes) -> Record:
    text = "\n".join(vocabularies.lines(content))
    notes = _Notes(record.path)
    return replace(record, templates=_templates(text, record.path, "", notes), skipped=notes.all())


def _chat_template_json(record: Record, content: bytes) -> Record:
    value, notes = _object(record, content)
    found = _templates(value.get("chat_template"), record.path, "/chat_template", notes)
    return replace(record, templates=found, skipped=notes.all())


def _model(record: Record, content: bytes) -> Record:
    """`tokenizer.model` is sentencepiece's for most models and tiktoken's for some: what it holds decides."""
    if vocabularies.RANK.match(content):
        return replace(record, format="tiktoken", vocabulary=vocabularies.tiktoken(content))
    if not content.startswith(b"\x0a"):
        raise _Unfit("neither a sentencepiece model nor tiktoken ranks")
    model = read_sentencepiece(content)
    at = partial(Location, record.path)
    tokens = tuple(
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
        tokens=tokens[:MAX_TOKENS],
        vocabulary=model.pieces,
        leaks=tuple(Leak(name, text, at(pointer=pointer)) for pointer, name, text in paths if text),
        settings=tuple((name, json.dumps(value), at()) for name, value in settings.items() if value),
    )


def _tiktoken(record: Record, content: bytes) -> Record:
    return replace(record, vocabulary=vocabularies.tiktoken(content))


def _gguf(record: Record, file: File) -> Record:
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
            raise _Unfit("no GGUF file")
        stream.seek(0)
        metadata = read_gguf(stream).metadata
    notes = _Notes(file.path)
    listed = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(listed, list) or not all(
        isinstance(token, str) and len(token) <= MAX_TOKEN for token in listed[:MAX_ID]
    ):
        return replace(record, skipped=(Skipped(Location(file.path), "a GGUF file without a vocabulary"),))
    kinds = metadata.get("tokenizer.ggml.token_type")
    kinds = kinds if isinstance(kinds, list) and len(kinds) == len(listed) else [NORMAL] * len(listed)
    fillers = {number for number, token in enumerate(listed) if kinds[number] != NORMAL and FILLER.fullmatch(token)}
    fillers |= {number for number, kind in enumerate(kinds) if kind == UNUSED}
    word_pieces = metadata.get("tokenizer.ggml.model") == "bert"
    vocabulary = tuple(
        None if number in fillers else vocabularies.word_piece_of_gguf(token) if word_pieces else token
        for number, token in enumerate(listed[:MAX_ID])
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
        for template in _templates(value, file.path, f"/{escaped(name)}", notes)
    ]
    settings = _settings({n: v for n, v in named.items() if not n.startswith("tokenizer.chat_template")}, file.path)
    return replace(
        record,
        tokens=_bounded(tokens, notes),
        vocabulary=vocabulary,
        merges=_merges(metadata.get("tokenizer.ggml.merges"), notes),
        templates=tuple(templates),
        settings=settings,
        skipped=notes.all(),
    )


_READERS: dict[str, Callable[[Record, bytes], Record]] = {
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
