"""An object of settings -> its entries: paths and plain values, each in one spelling."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from codeclone.read.data import escaped

MAX_ENTRIES = 5_000
"""Settings of one document."""

MAX_MAP, MAX_TEXT = 64, 200
"""An object with more plain values than this (labels of classes) is one value; of a longer text its digest stands for it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting."""

    path: tuple[str, ...]
    """Names from the outermost object inwards."""
    value: Any
    """A plain value, or a list or an object that counts as one."""
    written: str
    """The value in one spelling: it can be megabytes, so it is spelled once."""

    @property
    def key(self) -> str:
        """The innermost name that is no index."""
        return next((name for name in reversed(self.path) if not name.isdigit()), "")

    @property
    def section(self) -> tuple[str, ...]:
        return self.path[:-1]

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901)."""
        return "".join("/" + escaped(name) for name in self.path)

    @property
    def text(self) -> str:
        """`key=value`, by which it is counted."""
        return f"{self.key}={self.written}"


def written(value: Any) -> str:
    """A value in one spelling: 1.0 is 1, 1e-05 is 0.00001, objects sorted by name; a digest where it is long."""
    return _short(json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _short(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:20]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value


def entries(value: Any) -> list[Entry]:
    """The settings of an object, in the order in which they stand; at most `MAX_ENTRIES`."""
    found: list[Entry] = []
    for entry in _entries(value, ()):
        if len(found) == MAX_ENTRIES:
            break
        found.append(entry)
    return found


def _entries(value: Any, path: tuple[str, ...]) -> Iterator[Entry]:
    """What nests is bounded in depth by whoever read it."""
    if isinstance(value, dict) and value and not _is_one_value(value):
        for name, item in value.items():
            yield from _entries(item, (*path, _short(str(name))))
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value) and not _is_table(value):
        for place, item in enumerate(value):
            yield from _entries(item, (*path, str(place)))
    elif path:
        yield Entry(path, value, written(value))


def _is_one_value(value: dict[str, Any]) -> bool:
    return len(value) > MAX_MAP and not any(isinstance(item, (dict, list)) for item in value.values())


def _is_table(value: list[Any]) -> bool:
    """Lists of short lists of numbers, such as grids of tiles, are one value."""
    return all(isinstance(item, list) and not any(isinstance(x, (dict, list)) for x in item) for item in value)
