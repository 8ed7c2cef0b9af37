"""What several formats of tokenizer files have alike: tokens with flags, ids, settings, templates, merges; all bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from codeclone.model import TOKEN_FLAGS, ChatTemplate, Location, Skipped, Token, TokenizerFile
from codeclone.read.data import escaped, parse_json
from codeclone.read.notes import Notes
from codeclone.read.vocabularies import MAX_ID, MAX_TOKEN

MAX_TOKENS = 20_000
"""Special and added tokens of one file; what is beyond is left out. Public models have up to 2,500."""

MAX_TEMPLATE = 200_000
"""Characters of a chat template; the longest public ones have about 20,000."""

MAX_SETTINGS, MAX_SETTING = 200, 300
"""Settings of one file, and characters of one."""


class UnfitError(ValueError):
    """A file is not what its name says; says so in one clause."""


def json_of(record: TokenizerFile, content: bytes) -> tuple[Any, Notes]:
    parsed = parse_json(content, record.path)
    if isinstance(parsed, Skipped):
        raise UnfitError(parsed.reason)
    return parsed.value, Notes(record.path, parsed.skipped)


def object_of(record: TokenizerFile, content: bytes) -> tuple[dict[str, Any], Notes]:
    value, notes = json_of(record, content)
    if not isinstance(value, dict):
        raise UnfitError("not what its name says: the JSON is no object")
    return value, notes


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_ID


def ids_of(entries: Mapping[str, Any], pointer: str, notes: Notes) -> dict[str, int]:
    """Tokens with their ids; what is no such entry is told."""
    found: dict[str, int] = {}
    taken: set[int] = set()
    for token, its_id in entries.items():
        if not is_id(its_id) or len(token) > MAX_TOKEN:
            notes.add(f"{pointer}/{escaped(token[:80])}", f"no id from 0 to {MAX_ID:,} of a token")
            continue
        if its_id in taken:
            notes.add(
                f"{pointer}/{escaped(token)}", f"id {its_id:,} stands more than once: the last token with it counts"
            )
        taken.add(its_id)
        found[token] = its_id
    return found


def token_of(entry: Any, its_id: Any, path: str, pointer: str, notes: Notes) -> Token | None:
    """A token as `content` or as an object with `content` and flags."""
    content = entry.get("content") if isinstance(entry, dict) else entry
    if not isinstance(content, str) or not content or len(content) > MAX_TOKEN:
        notes.add(pointer, "no token: it has no content")
        return None
    if its_id is not None and not is_id(its_id):
        notes.add(pointer, f"no id from 0 to {MAX_ID:,}")
        its_id = None
    stated = entry if isinstance(entry, dict) else {}
    flags = tuple(flag if isinstance(flag := stated.get(name), bool) else None for name in TOKEN_FLAGS)
    return Token(content, its_id, flags, Location(path, pointer=pointer))


def bounded(tokens: Iterator[Token | None], notes: Notes) -> tuple[Token, ...]:
    found = []
    for token in tokens:
        if token is not None:
            found.append(token)
        if len(found) > MAX_TOKENS:
            notes.add("", f"more than {MAX_TOKENS:,} special and added tokens: the others were left out")
            break
    return tuple(found[:MAX_TOKENS])


def setting(name: str, value: Any, path: str) -> tuple[str, str, Location]:
    return name, json.dumps(value, ensure_ascii=False)[:MAX_SETTING], Location(path, pointer=f"/{escaped(name)}")


def settings_of(value: Mapping[str, Any], path: str) -> tuple[tuple[str, str, Location], ...]:
    """Entries that are single values."""
    plain = [name for name in value if value[name] is None or isinstance(value[name], (str, int, float))]
    return tuple(setting(name, value[name], path) for name in plain[:MAX_SETTINGS] if name != "chat_template")


def types_of(part: Any) -> str:
    """The kinds of a step of a tokenizer.json, with those inside it."""
    if not isinstance(part, dict):
        return ""
    lists = (part.get(name) for name in ("normalizers", "pretokenizers", "decoders", "processors"))
    inside = next((steps for steps in lists if isinstance(steps, list)), [])
    names = [str(step.get("type", "?"))[:40] for step in inside if isinstance(step, dict)]
    return str(part.get("type", "?"))[:40] + (f"({', '.join(names[:20])})" if names else "")


def templates_of(value: Any, path: str, pointer: str, notes: Notes) -> tuple[ChatTemplate, ...]:
    """A template, or a list of named ones."""
    entries = value if isinstance(value, list) else [{"name": "default", "template": value}]
    found = []
    for place, entry in enumerate(entries[:MAX_SETTINGS]):
        where = f"{pointer}/{place}/template" if isinstance(value, list) else pointer
        text = entry.get("template") if isinstance(entry, dict) else None
        if not isinstance(text, str) or len(text) > MAX_TEMPLATE:
            notes.add(where, f"no chat template of up to {MAX_TEMPLATE:,} characters")
            continue
        found.append(ChatTemplate(str(entry.get("name"))[:80], text, Location(path, pointer=where)))
    return tuple(found)


def part_of(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object in an object; empty where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def number_of(value: Any, otherwise: int) -> int:
    return int(value) if is_id(value) else otherwise


def merges_of(listed: Any, notes: Notes) -> tuple[str, ...] | None:
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


def named_tokens(value: Mapping[str, Any], path: str, notes: Notes) -> Iterator[Token | None]:
    """The tokens that settings name: `*token_of` and lists of more special ones. None of them has an id."""
    for name, entry in value.items():
        if name.endswith("_token") and (isinstance(entry, (str, dict)) and entry):
            yield token_of(entry, None, path, f"/{escaped(name)}", notes)
    for name in ("additional_special_tokens", "extra_special_tokens"):
        entries = value.get(name)
        if isinstance(entries, dict):
            for key, entry in entries.items():
                yield token_of(entry, None, path, f"/{name}/{escaped(key)}", notes)
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            yield token_of(entry, None, path, f"/{name}/{place}", notes)
