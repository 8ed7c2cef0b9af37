"""Snapshot -> what it defines and what it names: classes and functions, modules, imports, class paths in JSON, words in prose.

Python is read with patterns here, not parsed: names in imports, comments and strings are what is looked for, and a file that
does not parse has them too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any, Literal, TypeVar

from codeclone.batches import in_batches
from codeclone.model import File, Location, Place, Skipped, Snapshot, Span
from codeclone.parse.names import LIBRARIES
from codeclone.read.data import escaped, read_json
from codeclone.read.text import decode

ReferenceKind = Literal["class path", "class name", "import", "origin", "mention"]

MAX_TEXT_BYTES = 4 * 2**20
MAX_JSON_BYTES = 4 * 2**20
"""Files of class paths are small; a tokenizer's own tables are read elsewhere."""

MAX_PLACES = 5
"""Places that are kept for one word."""

MAX_WORDS = 400_000
"""Different words of prose that are kept."""

MAX_REFERENCES = 50_000

MAX_DEFINITIONS = 400_000
"""Different names; transformers 5.23 defines 30,000."""

MAX_TITLES = 1_000

MAX_NESTED = 20
"""Classes and functions in each other by which a definition is named."""

MAX_NAME = 200
"""Characters of a name: of one in a file of a few megabytes a million others could be made."""

LIGHTER = 8
"""Patterns take this much less time than parsing and lowering, by which work is counted (batches.py)."""

REQUIREMENTS = re.compile(
    r"(?:requirements[\w.-]*\.(?:txt|in)|setup\.(?:py|cfg)|pyproject\.toml|pipfile|environment\.ya?ml|metadata|pkg-info)\Z"
)
"""Files that say what has to be installed, by their names in small letters."""

PROSE = (".md", ".rst", ".txt")
CLASS_PATHS = ("auto_map", "custom_pipelines", "class_path", "_target_")
CLASS_NAMES = (
    "tokenizer_class slow_tokenizer_class fast_tokenizer_class processor_class image_processor_type image_processor_class "
    "feature_extractor_type feature_extractor_class video_processor_class architectures _class_name model_class"
).split()
ORIGINS = ("_name_or_path", "name_or_path", "base_model_name_or_path")

APART = re.compile(
    r'[rRbBuUfF]{0,2}(?:"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?' + r"|'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?"
    r'|"(?:[^"\\\n]|\\.)*+"?' + r"|'(?:[^'\\\n]|\\.)*+'?)|#[^\n]*",
    re.DOTALL,
)
"""Strings and comments. What nothing closes ends with its line, or with the file: so no text is looked at twice."""

_DEFINITION = re.compile(r"^([ \t]*)(class|def|async[ \t]+def)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^()]*\)|[^\n#;(]+)|import[ \t]+([\w., \t]+))", re.MULTILINE
)
_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]{7,59}(?![A-Za-z0-9_])(?:\.py\b)?")
MAX_OWNER = 42
"""Characters before the slash of `owner/name` that are looked at."""

_OWNER = re.compile(r"(?:^|[^\w./-])([A-Za-z0-9][\w.-]{1,40})\Z")
_BEHIND_SLASH = re.compile(r"/[A-Za-z][\w.-]{3,60}(?![\w/])")
"""Together `owner/name`, as hubs call repositories; the second alone is quick to find."""

_FILE_NAME = re.compile(r"\.[a-z]{1,5}\Z")

_SEVERAL = re.compile(r"[A-Za-z0-9]_+[A-Za-z0-9]|[a-z0-9][A-Z]")
_TITLE = re.compile(r"^#[ \t]++([^\n]{1,100})$|^([^\n]{1,100})\n[=]{3,}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that the repository names."""

    kind: ReferenceKind
    module: str
    """Dotted, relative to the folder of the file where it starts with a dot; empty where only a name is given."""
    name: str
    """Class, function, origin or word; empty where only a module is imported."""
    place: Place
    key: str = ""
    """Of the JSON entry, such as `auto_map`."""
    source: str = ""
    """Repository that the reference itself says has it: `org/name` of `org/name--module.Class`."""

    @property
    def text(self) -> str:
        """As the reader would write it."""
        return ".".join(part for part in (self.module, self.name) if part) if self.kind != "mention" else self.name


@dataclass(frozen=True, slots=True)
class Named:
    """What a repository defines and what it names."""

    definitions: dict[str, tuple[Place, ...]]
    """Name of a class, or of a function of a module -> where it is defined."""
    modules: dict[str, tuple[str, ...]]
    """Last part of the name of a module or package -> paths of its files or folders."""
    references: tuple[Reference, ...]
    words: dict[str, tuple[tuple[str, int], ...]]
    """Words of several parts in comments, strings and prose -> (path, 1-based line) of the first places."""
    dependencies: frozenset[str]
    """Words of the files that say what has to be installed."""
    titles: tuple[str, ...]
    """What the repository calls itself: its own name, headings of its README, model types, origins."""
    skipped: tuple[Skipped, ...]


@dataclass(slots=True)
class _Found:
    definitions: dict[str, list[Place]] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    words: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    dependencies: set[str] = field(default_factory=set)
    titles: dict[str, None] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def reads(path: str) -> bool:
    """Whether a file can name or define something, by its name."""
    name = PurePosixPath(path).name.lower()
    return name.endswith((".py", ".json", *PROSE)) or REQUIREMENTS.match(name) is not None


def named(snapshots: Sequence[Snapshot]) -> list[Named]:
    """What each snapshot defines and names. What cannot be read as code or settings is told by the rooms of these."""
    files = [[file for file in snapshot.files if _is_read(file)] for snapshot in snapshots]
    sizes = [[file.size // LIGHTER for file in some] for some in files]
    found = in_batches(files, sizes, lambda _, some: _read(some))
    return [_joined(snapshot, parts) for snapshot, parts in zip(snapshots, found, strict=True)]


def _is_read(file: File) -> bool:
    name = file.path.lower()
    if REQUIREMENTS.match(PurePosixPath(name).name):
        return file.size <= MAX_TEXT_BYTES
    if name.endswith(".json"):
        return file.size <= MAX_JSON_BYTES and not name.endswith(".index.json")
    return name.endswith((".py", *PROSE)) and file.size <= MAX_TEXT_BYTES


def _read(files: Sequence[File]) -> _Found:
    found = _Found()
    for file in files:
        name = PurePosixPath(file.path).name.lower()
        if name.endswith(".json"):
            _json(file, found)
        else:
            _text(file, found, name)
    return found


def _joined(snapshot: Snapshot, parts: Sequence[_Found]) -> Named:
    definitions: dict[str, list[Place]] = {}
    words: dict[str, list[tuple[str, int]]] = {}
    for part in parts:
        for name, places in part.definitions.items():
            definitions.setdefault(name, []).extend(places)
        for word, lines in part.words.items():
            words.setdefault(word, []).extend(lines)
    references = [reference for part in parts for reference in part.references]
    titles = dict.fromkeys([snapshot.repository.name, *(title for part in parts for title in part.titles)])
    counts = (
        ("names that are defined", len(definitions), MAX_DEFINITIONS),
        ("references", len(references), MAX_REFERENCES),
        ("words", len(words), MAX_WORDS),
        ("names of the repository itself", len(titles), MAX_TITLES),
    )
    over = [f"more than {most:,} {what}: the others were left out" for what, count, most in counts if count > most]
    return Named(
        {name: tuple(definitions[name][:MAX_PLACES]) for name in [*definitions][:MAX_DEFINITIONS]},
        _modules(snapshot),
        tuple(references[:MAX_REFERENCES]),
        {word: tuple(words[word][:MAX_PLACES]) for word in [*words][:MAX_WORDS]},
        frozenset().union(*(part.dependencies for part in parts)),
        tuple(titles)[:MAX_TITLES],
        (*(skip for part in parts for skip in part.skipped), *(Skipped(Location("."), reason) for reason in over)),
    )


_Kept = TypeVar("_Kept")


def _keep(found: dict[str, list[_Kept]], name: str, place: Callable[[], _Kept], most: int) -> None:
    """Add a place of a name: a few of each, and no more names than one over the bound, which tells that there are more.

    `place` makes it: most are not wanted.
    """
    places = found.get(name)
    if places is None and len(found) <= most:
        places = found[name] = []
    if places is not None and len(places) < MAX_PLACES:
        places.append(place())


def _modules(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Python files by their names, and the folders that hold any."""
    found: dict[str, dict[str, None]] = {}
    for file in snapshot.files:
        path = PurePosixPath(file.path)
        if path.suffix.lower() in (".py", ".pyi"):
            found.setdefault(path.stem, {})[file.path] = None
            for folder in path.parents:
                if folder.name:
                    found.setdefault(folder.name, {})[folder.as_posix()] = None
    return {name: tuple(paths) for name, paths in found.items()}


def _text(file: File, found: _Found, name: str) -> None:
    text = text_of(file)
    if isinstance(text, Skipped):
        found.skipped.append(text)
    if not isinstance(text, str):
        return
    if REQUIREMENTS.match(name):
        found.dependencies.update(word.replace("-", "_") for word in re.findall(r"[A-Za-z][\w-]+", text))
    if not name.endswith((".py", *PROSE)):
        return
    starts = line_starts(text)
    if name.endswith(PROSE):
        if name.startswith("readme"):
            found.titles.update(dict.fromkeys(match[1] or match[2] for match in list(_TITLE.finditer(text))[:1]))
        _words(text, 0, file.path, starts, found)
        return
    parts: list[str] = []
    at = 0
    for match in APART.finditer(text):
        parts.append(text[at : match.start()])
        inside = match.group()
        parts.append("\n" * inside.count("\n"))
        _words(inside, match.start(), file.path, starts, found)
        at = match.end()
    parts.append(text[at:])
    _code("".join(parts), file.path, found)


def text_of(file: File) -> str | Skipped | None:
    """The text of a file; None for code that is none, which its own room tells."""
    try:
        decoded = decode(file.read())
    except OSError as error:
        return Skipped(Location(file.path), f"cannot be read: {error.strerror or error}")
    if decoded is None and file.path.lower().endswith(PROSE):
        return Skipped(Location(file.path), "not text: it contains null bytes")
    return decoded.content if decoded is not None else None


def line_starts(text: str) -> list[int]:
    """Where each line starts, 0-based."""
    return list(accumulate(map((1).__add__, map(len, text.split("\n"))), initial=0))


def _line_of(path: str, starts: list[int], at: int) -> tuple[str, int]:
    return path, bisect_right(starts, at)


def _words(text: str, offset: int, path: str, starts: list[int], found: _Found) -> None:
    for match in _WORD.finditer(text):
        word = match.group()
        if (_SEVERAL.search(word) or word.endswith(".py")) and not word.startswith("__"):
            _keep(found.words, word, partial(_line_of, path, starts, offset + match.start()), MAX_WORDS)
    for match in _BEHIND_SLASH.finditer(text) if "/" in text else ():
        owner = _OWNER.search(text, max(0, match.start() - MAX_OWNER), match.start())
        name = match.group().rstrip(".")
        if owner is not None and not _FILE_NAME.search(name):
            where = partial(_line_of, path, starts, offset + match.start())
            _keep(found.words, owner[1] + name, where, MAX_WORDS)


def _code(code: str, path: str, found: _Found) -> None:
    """Definitions and imports; strings and comments are blank, lines as in the file."""
    starts = line_starts(code)
    outer: list[tuple[int, str]] = []
    for match in _DEFINITION.finditer(code):
        indent = len(match[1].expandtabs())
        while outer and outer[-1][0] >= indent:
            outer.pop()
        line = bisect_right(starts, match.start())
        name = match[3][:MAX_NAME]
        if match[2] == "class" or not outer:
            # A method is nothing that one could import or name by itself.
            qualname = ".".join([*(around for _, around in outer), name])
            where = partial(Place, Location(path, Span(line, line)), qualname)
            _keep(found.definitions, name, where, MAX_DEFINITIONS)
        if len(outer) < MAX_NESTED:
            outer.append((indent, name))
    for match in _IMPORT.finditer(code):
        line = bisect_right(starts, match.start())
        place = Place(Location(path, Span(line, line)))
        for module, name in _imported(match):
            is_library = not module.startswith(".") and module.partition(".")[0].encode() in LIBRARIES
            if len(found.references) <= MAX_REFERENCES and not is_library:
                found.references.append(Reference("import", module, name, place))


def _imported(match: re.Match[str]) -> Iterator[tuple[str, str]]:
    if match[3] is not None:
        for part in match[3].split(","):
            module = part.split(" as ")[0].strip()
            if module:
                yield module[:MAX_NAME], ""
        return
    for part in match[2].strip("()").split(","):
        name = part.split(" as ")[0].strip()
        if name.isidentifier():
            yield match[1][:MAX_NAME], name[:MAX_NAME]


def _json(file: File, found: _Found) -> None:
    data = read_json(file)
    if isinstance(data, Skipped):
        found.skipped.append(data)
        return
    _walk(data.value, file.path, "", found)


def _walk(value: Any, path: str, pointer: str, found: _Found) -> None:
    """Depth is bounded by the reader."""
    if isinstance(value, list):
        for place, item in enumerate(value[:1000]):
            if isinstance(item, (dict, list)):
                _walk(item, path, f"{pointer}/{place}", found)
        return
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        below = f"{pointer}/{escaped(key[:MAX_NAME])}"
        if key == "model_type" and isinstance(item, str) and len(found.titles) <= MAX_TITLES:
            found.titles[item[:MAX_NAME]] = None
        if key in CLASS_PATHS or key in CLASS_NAMES or key in ORIGINS:
            for text, where in _texts(item, below):
                if len(found.references) <= MAX_REFERENCES:
                    found.references.append(_pointed(key, text, Place(Location(path, pointer=where))))
        elif isinstance(item, (dict, list)):
            _walk(item, path, below, found)


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield value[:500], pointer
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{pointer}/{escaped(key[:MAX_NAME])}")
    elif isinstance(value, list):
        for place, item in enumerate(value[:100]):
            yield from _texts(item, f"{pointer}/{place}")


def _pointed(key: str, text: str, place: Place) -> Reference:
    if key in ORIGINS:
        return Reference("origin", "", text, place, key)
    if key in CLASS_NAMES and "." not in text:
        return Reference("class name", "", text, place, key)
    source, _, path = text.rpartition("--")
    module, _, name = path.rpartition(".")
    return Reference("class path", module, name, place, key, source)
