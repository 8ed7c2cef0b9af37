"""Which public tokenizer was a tokenizer made from: special-token tables and digests of vocabularies, never vocabularies.

data/public_tokenizers.json is made by `benchmarks/build_public_tokenizers.py`; each table says where it was read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

FILE = Path(__file__).parent / "data" / "public_tokenizers.json"

RESERVED = re.compile(r"reserved|placeholder|unused|control_\d|SPECIAL_\d|dummy_?\d|extra_\d|extra_id_", re.IGNORECASE)
"""Spellings of tokens that a public tokenizer keeps free for those who build on it."""

FEW = 5
"""A table of fewer special tokens than this says little by itself: `<unk>`, `<s>` and `</s>` are those of dozens of
tokenizers. It is recognised without a vocabulary only where nothing else is added, or what is added begins where it ends."""

NONE = "none"
"""What a user names where the tokenizer was made from no other."""


@dataclass(frozen=True, slots=True)
class Base:
    """A tokenizer that others are made from."""

    name: str
    title: str
    tokens: Mapping[int, str]
    """Id -> content of its special and added tokens; those whose id nobody tells have negative ones."""
    size: int
    """Ids that it has, special ones included."""
    first: int
    """The digest is that of the tokens from this id on …"""
    end: int
    """… up to this one; 0 where no vocabulary was read."""
    digest: str
    provenance: str
    paths: tuple[str, ...] = ()
    """SHA-256 of the paths that its sentencepiece model names."""
    files: tuple[str, ...] = ()
    """SHA-256 of its official files."""

    @property
    def contents(self) -> frozenset[str]:
        return frozenset(self.tokens.values())

    @property
    def reserved(self) -> tuple[int, ...]:
        """Ids that it keeps free, ascending."""
        return tuple(number for number, content in sorted(self.tokens.items()) if RESERVED.search(content))


@dataclass(frozen=True, slots=True)
class Recognised:
    """The public tokenizers that one can have been made from; none where it is unknown."""

    bases: tuple[Base, ...]
    """What explains most first; all explain the same."""
    how: str
    """In words."""


@cache
def tables() -> Mapping[str, Base]:
    """Name -> table, of all that are shipped."""
    with FILE.open(encoding="utf-8") as file:
        stored = json.load(file)
    return MappingProxyType({name: _base(name, entry) for name, entry in stored.items()})


def _base(name: str, entry: Mapping[str, Any]) -> Base:
    tokens = {number: content for item in entry["tokens"] for number, content in _expanded(item)}
    return Base(
        name=name,
        title=entry["title"],
        tokens=MappingProxyType(dict(sorted(tokens.items()))),
        size=entry["size"],
        first=entry["first"],
        end=entry["end"],
        digest=entry["digest"],
        provenance=entry["provenance"],
        paths=tuple(entry.get("paths", ())),
        files=tuple(entry.get("files", ())),
    )


def _expanded(item: Sequence[int | str]) -> list[tuple[int, str]]:
    """`[id, content]`, or `[id, content with #, first number, how many]` for a run of numbered tokens."""
    number, content, *run = item
    if not run:
        return [(int(number), str(content))]
    first, count = (int(part) for part in run)
    return [(int(number) + place, str(content).replace("#", str(first + place))) for place in range(count)]


def compressed(tokens: Mapping[int, str]) -> list[list[int | str]]:
    """The shortest form of a table: what `_expanded` is the way back from."""
    items: list[list[int | str]] = []
    for number, content in sorted(tokens.items()):
        parts = re.fullmatch(r"([^\d#]*)(0|[1-9]\d*)([^\d#]*)", content)
        last = items[-1] if items else []
        if parts and len(last) == 4 and last[1] == f"{parts[1]}#{parts[3]}":
            start, _, first, count = last
            if number == int(start) + int(count) and int(parts[2]) == int(first) + int(count):
                last[3] = int(count) + 1
                continue
        items.append([number, f"{parts[1]}#{parts[3]}", int(parts[2]), 1] if parts else [number, content])
    return [[item[0], str(item[1]).replace("#", str(item[2]))] if item[3:] == [1] else item for item in items]


def digests(tokens: Sequence[str | None], first: int, ends: Iterable[int]) -> dict[int, str]:
    """End -> SHA-256 of the tokens from id `first` up to it, as one JSON array in ASCII without spaces; ends that lie
    behind the last token have none."""
    running = hashlib.sha256(b"[")
    found: dict[int, str] = {}
    place = first
    for end in sorted({end for end in ends if first < end <= len(tokens)}):
        text = json.dumps(tokens[place:end], separators=(",", ":"))[1:-1]
        running.update((b"," if place > first else b"") + text.encode("ascii"))
        place = end
        whole = running.copy()
        whole.update(b"]")
        found[end] = whole.hexdigest()
    return found


def digest(texts: Sequence[str | None]) -> str:
    """SHA-256 of texts in order, as one JSON array in ASCII without spaces."""
    return hashlib.sha256(json.dumps(texts, separators=(",", ":")).encode("ascii")).hexdigest()


@cache
def names() -> frozenset[str]:
    """What `--base-tokenizer` may name."""
    return frozenset({*tables(), NONE})


def shown() -> list[str]:
    """The names of the tables, in order."""
    return sorted(tables())


@cache
def spellings() -> Mapping[str, str]:
    """Every special token of every table -> the title of the first that has it."""
    found: dict[str, str] = {}
    for base in tables().values():
        for content in base.tokens.values():
            found.setdefault(content, base.title)
    return MappingProxyType(found)


@cache
def public_paths() -> frozenset[str]:
    """SHA-256 of the paths in public sentencepiece models."""
    return frozenset(path for base in tables().values() for path in base.paths)


@cache
def public_files() -> Mapping[str, str]:
    """SHA-256 of official files -> title."""
    return MappingProxyType({digest: base.title for base in tables().values() for digest in base.files})


def recognise(
    tokens: Mapping[str, int | None], size: int | None, digests: Mapping[tuple[int, int], str], bases: Sequence[Base]
) -> Recognised:
    """The bases that a tokenizer can have been made from.

    `tokens`: content -> id of its special and added tokens; `size`: ids that it has, None where no vocabulary is known;
    `digests`: (first, end) -> SHA-256 of that part of its vocabulary, empty where none is known.
    """
    if digests or size is not None:
        fitting = [base for base in bases if base.end and digests.get((base.first, base.end)) == base.digest]
        how = "by its vocabulary"
        if not fitting:
            # Of a base whose vocabulary was never read, the special tokens alone speak.
            fitting = [b for b in bases if not b.end and len(b.tokens) >= FEW and _fits(b, tokens, size)]
            how = "by its special tokens"
    else:
        fitting = [base for base in bases if _fits(base, tokens, None)]
        how = "by its special tokens"
    if not fitting:
        return Recognised((), "no public table has its vocabulary or its special tokens")
    # What more of the tokens is explained by comes first; of two that explain as many, the one with fewer of its own.
    found = {
        base.name: sum(tokens.get(content) == number for number, content in base.tokens.items()) for base in fitting
    }
    missing = {base.name: len(base.tokens) - found[base.name] for base in fitting}
    fitting.sort(key=lambda base: (-found[base.name], missing[base.name]))
    best = fitting[0]
    tied = [b for b in fitting if (found[b.name], missing[b.name]) == (found[best.name], missing[best.name])]
    return Recognised(tuple(tied), how)


def _fits(base: Base, tokens: Mapping[str, int | None], size: int | None) -> bool:
    """Whether all special tokens of a base are there, under their ids; a reserved one may have been given a name."""
    reserved = set(base.reserved)
    fixed = {content: number for number, content in base.tokens.items() if number >= 0 and number not in reserved}
    if not fixed or any(tokens.get(content, -1) != number for content, number in fixed.items()):
        return False
    if size is not None and size < base.size:
        return False
    own = sorted(number for content, number in tokens.items() if number is not None and number not in base.tokens)
    named = len(base.contents & tokens.keys())
    if len(fixed) < FEW and len(base.tokens) < FEW:
        return (not own or own[0] == base.size) and size in (None, base.size + len(own))
    # At least the end of the base is where something new may begin.
    return named >= len(fixed) and all(number >= base.end or number in base.tokens for number in own)
