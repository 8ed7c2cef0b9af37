"""Snapshot -> documents of settings: JSON configurations, and the defaults of classes that hold settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from codeclone.batches import in_batches
from codeclone.model import File, Location, Skipped, Snapshot, Span
from codeclone.parse.entries import MAX_ENTRIES, Entry, entries
from codeclone.parse.settings import may_hold_settings, settings_classes
from codeclone.parse.syntax import parse_python
from codeclone.read.data import read_json
from codeclone.read.text import decode

MAX_DOCUMENTS = 5_000
"""Of one snapshot; transformers 5.23 has 1,500."""

MAX_SOURCE_BYTES = 4 * 2**20

LIGHTER = 16
"""Few files hold settings: all of them take this much less time than parsing and lowering, by which work is counted."""

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


Documents = tuple[tuple[Document, ...], tuple[Skipped, ...]]
"""In order of path; what was left out."""


def documents(snapshots: Sequence[Snapshot]) -> list[Documents]:
    """Every document of settings of each snapshot, at most `MAX_DOCUMENTS`."""
    files = [[file for file in snapshot.files if _is_read(file)] for snapshot in snapshots]
    sizes = [[file.size // LIGHTER for file in some] for some in files]
    return [_joined(parts) for parts in in_batches(files, sizes, lambda _, some: _read(some))]


def _is_read(file: File) -> bool:
    return is_json(file.path) or (file.path.lower().endswith(".py") and file.size <= MAX_SOURCE_BYTES)


def _read(files: Sequence[File]) -> Documents:
    found: list[Document] = []
    skipped: list[Skipped] = []
    for file in files:
        if len(found) > MAX_DOCUMENTS:
            break
        found.extend(_json(file, skipped) if is_json(file.path) else _classes(file))
    return tuple(found), tuple(skipped)


def _joined(parts: Sequence[Documents]) -> Documents:
    found = tuple(document for documents, _ in parts for document in documents)
    skipped = tuple(skip for _, skips in parts for skip in skips)
    if len(found) > MAX_DOCUMENTS:
        rest = Location(found[MAX_DOCUMENTS].path)
        skipped += (
            Skipped(rest, f"more than {MAX_DOCUMENTS:,} documents of settings: from here on they are left out"),
        )
    return found[:MAX_DOCUMENTS], skipped


def _json(file: File, skipped: list[Skipped]) -> Iterator[Document]:
    data = read_json(file)
    if isinstance(data, Skipped):
        skipped.append(data)
        return
    skipped.extend(data.skipped)
    if not isinstance(data.value, dict):
        skipped.append(Skipped(Location(file.path), "a JSON value that is no object, so it holds no settings"))
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
