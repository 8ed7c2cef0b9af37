"""Snapshot -> documents of settings: JSON configurations, and the defaults of classes that hold settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from codeclone.model import File, Location, Skipped, Snapshot, Span
from codeclone.parse.entries import MAX_ENTRIES, Entry, entries
from codeclone.parse.settings import may_hold_settings, settings_classes
from codeclone.parse.syntax import parse_python
from codeclone.read.data import read_json
from codeclone.read.text import decode

MAX_DOCUMENTS = 5_000
"""Of one snapshot; transformers 5.23 has 1,500."""

MAX_SOURCE_BYTES = 4 * 2**20

_JSON = re.compile(
    r"(?:^|[_.\-])(?:config|configs|configuration|params|hparams|hyperparams|settings|args|arguments|preprocessor|"
    r"processor|model_index)(?:[_.\-].*)?\.json$"
)
_OTHER = re.compile(
    r"^(?:tokenizer_config|package|tsconfig|jsconfig)(?:[.\-].*)?\.json$|\.index\.json$|\.schema\.json$"
)
"""Configurations of something else than a model."""


@dataclass(frozen=True, slots=True)
class Document:
    """Settings that belong together."""

    path: str
    qualname: str | None
    """Of the class; None for a JSON file."""
    span: Span | None
    """Of the class."""
    entries: tuple[Entry, ...]
    lines: tuple[int, ...]
    """1-based line of each entry in source code; empty for a JSON file."""

    @property
    def role(self) -> str:
        """The file's own name for JSON; the same for all classes."""
        return PurePosixPath(self.path).name if self.qualname is None else "class"

    def location(self, entry: int) -> Location:
        """Where an entry stands."""
        if self.lines:
            return Location(self.path, Span(self.lines[entry], self.lines[entry]))
        return Location(self.path, pointer=self.entries[entry].pointer)


def is_json(path: str) -> bool:
    """Whether a file is a configuration, by its name."""
    name = PurePosixPath(path).name.lower()
    return _JSON.search(name) is not None and _OTHER.search(name) is None


def documents(snapshot: Snapshot) -> tuple[tuple[Document, ...], tuple[Skipped, ...]]:
    """Every document of settings of a snapshot, in order of path; what was left out."""
    found: list[Document] = []
    skipped: list[Skipped] = []
    for file in snapshot.files:
        if len(found) >= MAX_DOCUMENTS:
            skipped.append(Skipped(Location(file.path), f"more than {MAX_DOCUMENTS:,} documents of settings"))
            break
        if is_json(file.path):
            found.extend(_json(file, skipped))
        elif file.path.lower().endswith(".py") and file.size <= MAX_SOURCE_BYTES:
            found.extend(_classes(file))
    return tuple(found[:MAX_DOCUMENTS]), tuple(skipped)


def _json(file: File, skipped: list[Skipped]) -> Iterator[Document]:
    data = read_json(file)
    if isinstance(data, Skipped):
        skipped.append(data)
        return
    skipped.extend(data.skipped)
    if not isinstance(data.value, dict):
        skipped.append(Skipped(Location(file.path), "no object, so no settings"))
        return
    found = tuple(entries(data.value))
    if len(found) == MAX_ENTRIES:
        skipped.append(Skipped(Location(file.path), f"only the first {MAX_ENTRIES:,} settings were read"))
    yield Document(file.path, None, None, found, ())


def _classes(file: File) -> Iterator[Document]:
    """What cannot be read or parsed is told by the room of code, which reads the same files."""
    try:
        content = file.read()
    except OSError:
        return
    if not may_hold_settings(content):
        return
    text = decode(content)
    if text is None:
        return
    for found in settings_classes(parse_python(text.content.encode("utf-8", "surrogatepass"), file.path)):
        settings = [
            (entry, setting.line) for setting in found.settings for entry in entries({setting.key: setting.value})
        ]
        yield Document(
            file.path,
            found.qualname,
            Span(found.first, found.last),
            tuple(entry for entry, _ in settings),
            tuple(line for _, line in settings),
        )
