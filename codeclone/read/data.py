"""Bytes of a JSON file -> its value, bounded in size and depth; what Python alone would take for JSON is left out and told."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from codeclone.model import File, Location, Skipped
from codeclone.read.lfs import pointer_of
from codeclone.read.notes import Notes

MAX_JSON_BYTES = 64 * 2**20
"""The largest tokenizer.json of a public model has about 35 MB."""

MAX_DEPTH = 32
"""Objects and arrays in each other; the configurations of public models have at most six."""


@dataclass(frozen=True, slots=True)
class Data:
    """A JSON file."""

    value: Any
    """Finite numbers, strings, true, false, null, lists and dicts of these."""
    skipped: tuple[Skipped, ...] = ()
    """Entries of it that were left out."""


class _Object(dict[str, Any]):
    """An object with the names that stand in it more than once."""

    twice: tuple[str, ...] = ()


def read_json(file: File) -> Data | Skipped:
    """The value of a JSON file, or why it has none.

    Of a name that stands twice in an object the last entry counts, as for Python's own reader and so for whoever loads the
    file; numbers that are not finite and what is nested too deep are left out. All of these are told.
    """
    if file.size > MAX_JSON_BYTES or not file.whole:
        return Skipped(Location(file.path), f"{file.size:,} bytes: over the bound of {MAX_JSON_BYTES:,} for JSON")
    try:
        content = file.read()
    except OSError as error:
        return Skipped(Location(file.path), f"cannot be read: {error.strerror or error}")
    pointer = pointer_of(content)
    if pointer is not None:
        return Skipped(Location(file.path), pointer.told)
    return parse_json(content, file.path)


def parse_json(content: bytes, path: str) -> Data | Skipped:
    """The value of JSON text in UTF-8, UTF-16 or UTF-32, or why it has none."""
    try:
        text = content.decode(json.detect_encoding(content))
    except UnicodeError:
        return Skipped(Location(path), "not JSON: the text is in none of the encodings of Unicode")
    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_object)
    except RecursionError:
        return Skipped(Location(path), f"nested deeper than {MAX_DEPTH} levels")
    except ValueError as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        return Skipped(Location(path), f"not JSON{place}: {getattr(error, 'msg', error)}")
    notes = Notes(path)
    value = _clean(value, "", 0, notes)
    return Data(value, notes.all())


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        found.twice = tuple(dict.fromkeys(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    return found


_LEFT_OUT = object()


def _clean(value: Any, pointer: str, depth: int, notes: Notes) -> Any:
    """The value without what is no JSON or too deep; its depth is bounded, so the recursion is."""
    if isinstance(value, float) and not math.isfinite(value):
        notes.add(pointer, f"no finite number: {value}")
        return _LEFT_OUT
    if not isinstance(value, (dict, list)):
        return value
    if depth >= MAX_DEPTH:
        notes.add(pointer, f"nested deeper than {MAX_DEPTH} levels")
        return _LEFT_OUT
    if isinstance(value, list):
        items = (_clean(item, f"{pointer}/{place}", depth + 1, notes) for place, item in enumerate(value))
        return [item for item in items if item is not _LEFT_OUT]
    if isinstance(value, _Object):
        for name in value.twice:
            reason = "stands more than once: the last entry counts, the others were left out"
            notes.add(f"{pointer}/{escaped(name)}", reason)
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, (dict, list, float)):
            item = _clean(item, f"{pointer}/{escaped(name)}", depth + 1, notes)
            if item is _LEFT_OUT:
                continue
        found[name] = item
    return found
