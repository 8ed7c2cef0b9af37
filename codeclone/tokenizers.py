"""What files say of a tokenizer: the types that `read` makes and `match` compares."""

from __future__ import annotations

from dataclasses import dataclass

from codeclone.model import Location, Skipped, Token

Vocabulary = tuple[str | None, ...]
"""Tokens by id; None where no token has the id."""


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class Leak:
    """What the trainer of a sentencepiece model noted of the machine that it ran on."""

    name: str
    """`input` or `model_prefix`."""
    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class Record:
    """What one file says of a tokenizer."""

    path: str
    format: str
    sha256: str
    """Of the file; of the file that it stands for, where it is a Git-LFS pointer."""
    size: int
    """In bytes, of the same."""
    pointer: bool = False
    tokens: tuple[Token, ...] = ()
    vocabulary: Vocabulary | None = None
    merges: tuple[str, ...] | None = None
    templates: tuple[Template, ...] = ()
    settings: tuple[tuple[str, str, Location], ...] = ()
    """(name, value as JSON, place)."""
    leaks: tuple[Leak, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    """What of the file was left out; all of it where it has no more than a digest."""


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """What the files of a folder say of a tokenizer; of two that contradict each other one counts."""

    path: str
    """Of the folder, `.` for the root; of the file, where a folder has several tokenizers."""
    records: tuple[Record, ...]
    """In order of path, without their vocabularies and merges."""
    tokens: tuple[Token, ...]
    """Special and added ones, each content once, in order of id; those without one stand last."""
    vocabulary: Vocabulary | None
    vocabulary_location: Location | None
    merges: tuple[str, ...] | None
    merges_location: Location | None
    templates: tuple[Template, ...]
    settings: tuple[tuple[str, str, Location], ...]
    leaks: tuple[Leak, ...]
    contradictions: tuple[Skipped, ...]
    """Where two files say different things, and what."""
    listed: tuple[str, ...]
    """Contents of new special tokens in the order in which a setting lists them."""

    @property
    def size(self) -> int | None:
        """Ids of the vocabulary, added tokens included; None where no file has a vocabulary."""
        if self.vocabulary is None:
            return None
        return max([len(self.vocabulary), *(token.id + 1 for token in self.tokens if token.id is not None)])
