"""Snapshot -> where it says what it comes from: licences, holders of copyright, marks of origin, credits, base models.

Telling words are looked for first; only around them are patterns tried, each on a few hundred characters, so the time a
file takes grows with its length alone. Marks count in comments, docstrings and prose: a licence in a string is data.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from codeclone.batches import in_batches
from codeclone.model import Declaration, File, Location, Place, Skipped, Snapshot, Span
from codeclone.parse import cards, licences, origins
from codeclone.parse.mentions import APART, LIGHTER, MAX_TEXT_BYTES, PROSE, REQUIREMENTS, line_starts, text_of
from codeclone.parse.origins import Looked, Mark
from codeclone.plain import plain, shortened
from codeclone.read.data import parse_json
from codeclone.read.lfs import pointer_of

MAX_JSON_BYTES = 2**20
"""Settings of models are small."""

MAX_OF_FILE = 2_000
"""Declarations of one file; the longest licence file of a public package has 160."""

MAX_DECLARATIONS = 50_000
"""Of one snapshot; transformers 4.46 has 9,000."""

MAX_SHOWN = 200
"""Characters of a line that are kept."""

KERNELS = (".cu", ".cuh", ".cpp", ".cc", ".cxx", ".hpp", ".h", ".c", ".hip", ".cl", ".metal")
LEGAL = re.compile(
    r"(?:licen[cs]es?|copying|copyright|notice|unlicense|authors|third[-_]?party[\w-]*)(?:[-_.][\w.-]*)?\Z"
)
"""Files of licences, by their names in small letters."""

_KERNEL_APART = re.compile(r'//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|"(?:[^"\\\n]|\\.)*+"?')
_HEADER = re.compile(r"(?:[ \t]*(?:#[^\n]*|//[^\n]*)?\n)*+")
_JSON_KEYS = (b"name_or_path", b"base_model")
_NEAR, _FURTHER = 300, 150
"""Characters behind a telling word in which its licence is told, and from which on the next word is looked at."""

_NO_DOCSTRING = frozenset("=([{,+%\\|&\"'")

Declarations = tuple[tuple[Declaration, ...], tuple[Skipped, ...]]
"""In order of path and line; what was left out."""


def reads(path: str) -> bool:
    """Whether a file can declare something, by its name."""
    name = PurePosixPath(path).name.lower()
    return (
        name.endswith((".py", *KERNELS, *PROSE))
        or _is_settings(name)
        or _is_legal(name)
        or REQUIREMENTS.match(name) is not None
    )


def _is_settings(name: str) -> bool:
    return name.endswith(".json") and "config" in name


def _is_legal(name: str) -> bool:
    return LEGAL.match(name) is not None and not name.endswith((".py", ".json", *KERNELS))


def declarations(snapshots: Sequence[Snapshot]) -> list[Declarations]:
    """What each snapshot declares. What cannot be read as code or settings is told by the rooms of these."""
    files = [[file for file in snapshot.files if reads(file.path)] for snapshot in snapshots]
    sizes = [[min(file.size, MAX_TEXT_BYTES) // LIGHTER for file in some] for some in files]
    own = [_packages(snapshot) for snapshot in snapshots]
    found = in_batches(files, sizes, lambda number, some: [_read(file, own[number]) for file in some])
    return [_joined([one for batch in batches for one in batch]) for batches in found]


def _packages(snapshot: Snapshot) -> frozenset[str]:
    """Folders of Python files at the root or in `src`, and packages that are in no other package."""
    folders = [PurePosixPath(file.path).parent for file in snapshot.files if file.path.endswith(".py")]
    packages = {PurePosixPath(f.path).parent for f in snapshot.files if f.path.endswith("/__init__.py")}
    outermost = {folder.name for folder in packages if folder.parent not in packages}
    return frozenset(outermost | {parts[0] for parts in (folder.parts for folder in folders) if parts} - {"src"})


def _joined(parts: Iterable[Declarations]) -> Declarations:
    parts = [*parts]
    found = [declaration for declared, _ in parts for declaration in declared]
    skipped = [skip for _, skips in parts for skip in skips]
    if len(found) > MAX_DECLARATIONS:
        rest = found[MAX_DECLARATIONS].place.location.path
        skipped.append(
            Skipped(Location(rest), f"more than {MAX_DECLARATIONS:,} declarations: from here on they are left out")
        )
    return tuple(found[:MAX_DECLARATIONS]), tuple(skipped)


def _read(file: File, own: frozenset[str]) -> Declarations:
    name = PurePosixPath(file.path).name.lower()
    if _is_settings(name):
        return _settings(file, name)
    if file.size > MAX_TEXT_BYTES:
        return (), (
            Skipped(Location(file.path), f"{file.size:,} bytes: over the bound of {MAX_TEXT_BYTES:,} for declarations"),
        )
    text = text_of(file)
    if isinstance(text, Skipped):
        return (), (text,)
    if text is None:
        return (), ()
    looked = Looked(text, _small(text))
    found, skipped = _kept(_marks(looked, file.path, name, own), text, file.path)
    if looked.cut:
        words = ", ".join(f'"{word}"' for word in sorted(looked.cut))
        reason = f"more than {origins.MAX_ANCHORS:,} places with {words}: declarations behind them were left out"
        skipped = (*skipped, Skipped(Location(file.path), reason))
    return found, skipped


def _settings(file: File, name: str) -> Declarations:
    if file.size > MAX_JSON_BYTES or not file.whole:
        return (), ()
    try:
        content = file.read()
    except OSError as error:
        return (), (Skipped(Location(file.path), f"cannot be read: {error.strerror or error}"),)
    if not any(key in content for key in _JSON_KEYS) or pointer_of(content) is not None:
        return (), ()
    data = parse_json(content, file.path)
    if isinstance(data, Skipped):
        return (), (data,)
    found = [*cards.base_models(data.value, name)]
    return tuple(
        Declaration(
            "base model", source, f"{pointer.rpartition('/')[2]}: {source}", Place(Location(file.path, pointer=pointer))
        )
        for pointer, source in found[:MAX_OF_FILE]
    ), ()


def _small(text: str) -> str:
    """The text in small letters, each at its place: a few letters of Turkish become two."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate({code: code + 32 for code in range(65, 91)})


def _marks(looked: Looked, path: str, name: str, own: frozenset[str]) -> list[Mark]:
    text = looked.text
    if name.endswith((".py", *KERNELS)):
        said = [*_legal_marks(looked), *origins.origins(looked)]
        imported = [*origins.imports(looked, path, own)] if name.endswith(".py") else []
        marks = _told(text, said, imported, kernel=not name.endswith(".py"))
    else:
        fields, front = cards.front_matter(text) if name.endswith(".md") else ([], 0)
        marks = [*fields, *_legal_marks(looked), *(m for m in origins.credits_in(looked) if m[0] >= front)]
    if REQUIREMENTS.match(name):
        marks.extend(cards.licence_fields(text))
    return marks


def _legal_marks(looked: Looked) -> list[Mark]:
    """Each licence and each holder of copyright once."""
    text, low = looked.text, looked.low
    found: dict[tuple[str, str], Mark] = {}
    next_at = 0
    for at in looked.places(licences.ANCHORS):
        if at < next_at:
            continue
        start = max(0, at - licences.MAX_BEFORE)
        end = at + (licences.MAX_WINDOW if low.startswith("redistribution", at) else _NEAR)
        next_at = at + _FURTHER
        for licence in licences.spdx_in(text[start:end]):
            found.setdefault(("licence", licence), (at, "licence", licence))
    for at in looked.places(("copyright", "(c) ", "©")):
        line_start = text.rfind("\n", max(0, at - 300), at) + 1
        line_end = text.find("\n", at, at + 400)
        line = text[at : line_end if line_end >= 0 else at + 400]
        before = low[max(line_start, at - 30) : at].rstrip(" :(")
        holder = (
            "" if before.endswith(("copyright", "copyrighttext", "the", "original")) else licences.holder_at(line, 0)
        )
        if holder:
            found.setdefault(("copyright", holder), (at, "copyright", holder))
    return [*found.values()]


def _told(text: str, said: Sequence[Mark], imported: Sequence[Mark], *, kernel: bool) -> list[Mark]:
    """Of what is said, that in comments and docstrings; of imports, those that are code."""
    header = _HEADER.match(text)
    head = header.end() if header is not None else 0
    if all(at < head for at, _, _ in said) and not imported:
        return [*said]
    comments, strings = _spoken(text, kernel)
    return [
        *(mark for mark in said if mark[0] < head or _inside(mark[0], comments)),
        *(mark for mark in imported if not _inside(mark[0], comments) and not _inside(mark[0], strings)),
    ]


_Spans = tuple[list[int], list[int]]


def _spoken(text: str, kernel: bool) -> tuple[_Spans, _Spans]:
    """Where comments and docstrings stand, and where other strings do."""
    comments: _Spans = ([], [])
    strings: _Spans = ([], [])
    code_ends = ""
    at = 0
    for match in (_KERNEL_APART if kernel else APART).finditer(text):
        between = text[at : match.start()].rstrip(" \t")
        code_ends = between.rstrip()[-1:] or code_ends
        first = match.group()[:1]
        is_comment = first in "#/" or (not kernel and _is_docstring(between, at, code_ends))
        spans = comments if is_comment else strings
        spans[0].append(match.start())
        spans[1].append(match.end())
        if not is_comment:
            code_ends = first
        at = match.end()
    return comments, strings


def _is_docstring(between: str, at: int, code_ends: str) -> bool:
    """Whether a string is a statement of its own: it begins a line, and nothing before it is left open."""
    begins = between.endswith("\n") or (not between and at == 0)
    return begins and code_ends not in _NO_DOCSTRING


def _inside(at: int, spans: _Spans) -> bool:
    place = bisect_right(spans[0], at) - 1
    return place >= 0 and at < spans[1][place]


def _kept(marks: Sequence[Mark], text: str, path: str) -> Declarations:
    """The marks as declarations in order of line; one source under one kind once on a line."""
    if not marks:
        return (), ()
    starts = line_starts(text)
    found: dict[tuple[int, str], Declaration] = {}
    for at, kind, source in sorted(marks):
        line = bisect_right(starts, at)
        start = max(starts[line - 1], at - MAX_SHOWN // 2)
        shown = text[start : start + MAX_SHOWN + 1].partition("\n")[0].strip()
        place = Place(Location(path, Span(line, line)))
        found.setdefault(
            (line, source), Declaration(kind, plain(source), plain(shortened(shown, MAX_SHOWN), "\t"), place)
        )
    over = len(found) > MAX_OF_FILE
    skipped = (
        (Skipped(Location(path), f"more than {MAX_OF_FILE:,} declarations: the others were left out"),) if over else ()
    )
    return tuple(found.values())[:MAX_OF_FILE], skipped
