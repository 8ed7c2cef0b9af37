"""Bytes of a JSON file -> its value, bounded in size and depth; what Python alone would take for JSON is left out and told."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from codeclone.model import File, Location, Skipped
from codeclone.read.lfs import pointer_of
from codeclone.read.notes import MAX_TOLD, Notes

MAX_JSON_BYTES = 64 * 2**20
"""The largest tokenizer.json of a public model has about 35 MB."""

MAX_DEPTH = 32
"""Objects and arrays in each other; the configurations of public models have at most six."""

MAX_VALUES = 4_000_000
"""Commas and opening brackets of a file: so many values at most, each of which may take a hundred times the memory of its text.
The largest tokenizer.json of a public model has about 2,000,000."""

MAX_NAME = 200
"""Characters of a name that are shown in a pointer."""


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
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
        return Skipped(Location(path), f"more than {MAX_VALUES:,} values: over the bound for JSON")
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
    return Data(_clean(value, (), notes), notes.all())


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    twice = _Object(found)
    twice.twice = tuple(dict.fromkeys(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    return twice


_Names = tuple[str | int, ...]
"""From the outermost value inwards. A pointer is made of it only where one is told: a name can have millions of characters,
and stand above millions of values."""


def _tell(notes: Notes, names: _Names, reason: str) -> None:
    pointer = "".join(f"/{escaped(str(name)[:MAX_NAME])}" for name in names) if len(notes.skipped) < MAX_TOLD else ""
    notes.add(pointer, reason)


_LEFT_OUT = object()


def _clean(value: Any, names: _Names, notes: Notes) -> Any:
    """The value without what is no JSON or too deep; its depth is bounded, so the recursion is."""
    if isinstance(value, float) and not math.isfinite(value):
        _tell(notes, names, f"no finite number: {value}")
        return _LEFT_OUT
    if not isinstance(value, (dict, list)):
        return value
    if len(names) >= MAX_DEPTH:
        _tell(notes, names, f"nested deeper than {MAX_DEPTH} levels")
        return _LEFT_OUT
    if isinstance(value, list):
        items = (
            _clean(item, (*names, place), notes) if isinstance(item, (dict, list, float)) else item
            for place, item in enumerate(value)
        )
        return [item for item in items if item is not _LEFT_OUT]
    if isinstance(value, _Object):
        for name in value.twice:
            _tell(notes, (*names, name), "stands more than once: the last entry counts, the others were left out")
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, (dict, list, float)):
            item = _clean(item, (*names, name), notes)
            if item is _LEFT_OUT:
                continue
        found[name] = item
    return found
