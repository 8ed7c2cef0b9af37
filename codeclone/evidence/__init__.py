"""The door to the evidence rooms: each module here is one kind of evidence and keeps the same two promises.

A room has `TITLE`, `VERSION`, `reads(path)`, `profile(snapshot)`, which looks at one repository alone, and
`compare(left, candidates, context)`, which yields what it finds. One that is faster with several repositories at once also
has `profiles(snapshots)`, which still looks at each alone. Its module name is the `kind` of its evidence.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from codeclone.background import Background, Shares, names
from codeclone.model import (
    Attribution,
    CloneClass,
    CommonNames,
    Compared,
    CompositionRow,
    Control,
    Evidence,
    Leftover,
    Partition,
    Place,
    Profile,
    Role,
    Skipped,
    Snapshot,
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a comparison may use beside the two repositories."""

    background: Background
    names: Mapping[str, Shares] = field(default_factory=names)
    """How common settings and names are, by section of `background.SECTIONS`."""
    base_tokenizer: str | Snapshot | None = None
    """The tokenizer that the left one was made from, as the user names it: one of the shipped tables, or a snapshot."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """A candidate as an evidence room sees it."""

    name: str
    role: Role
    profile: Profile


@dataclass(frozen=True, slots=True)
class Findings:
    """What one room has to say about a comparison."""

    evidence: tuple[Evidence, ...]
    attribution: tuple[Attribution, ...]
    partition: Partition
    calibrated: Partition
    """Of that, the facts whose share of a whole repository is known for unrelated ones: what a verdict may rest on."""
    by_file: dict[str, Partition]
    compared: tuple[Compared, ...]
    controls: tuple[Control, ...] = ()
    skipped: tuple[tuple[str, Skipped], ...] = ()
    classes: tuple[CloneClass, ...] = ()
    composition: tuple[CompositionRow, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    common_names: CommonNames | None = None


def finding_id(kind: str, left: Sequence[Place], right: Sequence[Place]) -> str:
    """An id that depends on the two sides' places only."""
    text = "|".join(f"{place.location.path}#{place.location.pointer}#{place.qualname}" for place in (*left, *right))
    return f"{kind}-" + hashlib.sha256(f"{len(left)}|{text}".encode("utf-8", "surrogatepass")).hexdigest()[:10]


class Room(Protocol):
    """What every module in this package offers."""

    TITLE: str
    VERSION: int

    def reads(self, path: str) -> bool:
        """Whether it looks into a file of this name."""

    def profile(self, snapshot: Snapshot) -> Profile:
        """Look at one repository, alone."""

    def compare(self, left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
        """Compare the left repository with every candidate."""


def profiles(its_room: Room, snapshots: Sequence[Snapshot]) -> list[Profile]:
    """The profile that a room makes of each snapshot."""
    at_once: Callable[[Sequence[Snapshot]], list[Profile]] | None = getattr(its_room, "profiles", None)
    return at_once(snapshots) if at_once else [its_room.profile(snapshot) for snapshot in snapshots]


def kinds() -> tuple[str, ...]:
    """Names of the rooms, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def room(kind: str) -> Room:
    """The room of a kind. Raises KeyError for a kind that is not one of `kinds()`."""
    if kind not in kinds():
        raise KeyError(kind)
    return cast(Room, importlib.import_module(f"{__name__}.{kind}"))
