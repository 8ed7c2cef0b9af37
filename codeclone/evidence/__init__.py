"""The door to the evidence rooms: each module here is one kind of evidence and keeps the same two promises.

A room has `TITLE`, `VERSION`, `reads(path)`, `profile(snapshot)`, which looks at one repository alone, and
`compare(left, candidates, context)`, which yields what it finds. One that is faster with several repositories at once also
has `profiles(snapshots)`, which still looks at each alone. Its module name is the `kind` of its evidence.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Weights
from codeclone.background import Background, Shares, names, text_keys
from codeclone.model import (
    LEVELS,
    SAME_FIGURE,
    Attribution,
    CloneClass,
    CommonNames,
    Compared,
    CompositionRow,
    Control,
    Declaration,
    Evidence,
    Explanation,
    Facts,
    Leftover,
    Measure,
    Partition,
    Place,
    Profile,
    Role,
    Skipped,
    Snapshot,
)
from codeclone.plain import plain

EVERY_READING = 7
"""All bits of `Facts.readings`."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a comparison may use beside the two repositories."""

    background: Background
    names: Mapping[str, Shares] = field(default_factory=names)
    """How common settings and names are, by section of `background.SECTIONS`."""
    whole: Mapping[str, Snapshot] = field(default_factory=dict)
    """Side, `left` or the right candidate's name, -> its snapshot, where all numbers of the weights are to be read; empty elsewhere."""
    base_tokenizer: str | Snapshot | None = None
    """The tokenizer that the left one was made from, as the user names it: one of the shipped tables, or a snapshot."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """A candidate as an evidence room sees it."""

    name: str
    role: Role
    profile: Profile

    @property
    def told(self) -> str:
        """What a reason calls it: its name with its role."""
        return plain(self.name) + {"right": "", "ancestor": " (ancestor)", "claimed": " (claimed source)"}[self.role]


@dataclass(frozen=True, slots=True)
class Findings:
    """What one room has to say about a comparison."""

    evidence: tuple[Evidence, ...]
    """The strongest first."""
    compared: tuple[Compared, ...]
    """In the order of `sides`."""
    skipped: tuple[tuple[str, Skipped], ...]
    """(side, what): side as in `sides`."""
    partition: Partition = field(default_factory=Partition)
    """All zero for a kind whose findings are no facts in bits."""
    calibrated: Partition = field(default_factory=Partition)
    """Of that, the facts whose share of a whole repository is known for unrelated ones: what a verdict may rest on."""
    by_file: Mapping[str, Partition] = field(default_factory=dict)
    attribution: tuple[Attribution, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    controls: tuple[Control, ...] = ()
    classes: tuple[CloneClass, ...] = ()
    composition: tuple[CompositionRow, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    common_names: CommonNames | None = None
    declarations: Mapping[str, tuple[Declaration, ...]] = field(default_factory=dict)
    """What each side of `sides` says it comes from, in order of file and line."""
    titles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What each side calls itself."""
    definitions: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Names of the classes and functions of each side."""


def finding_id(kind: str, left: Sequence[Place], right: Sequence[Place]) -> str:
    """An id that depends on the two sides' places only: path, JSON pointer, first line and name of each."""
    text = "|".join(
        f"{place.location.path}#{place.location.pointer}#{place.qualname}#{place.location.span and place.location.span.first}"
        for place in (*left, *right)
    )
    return f"{kind}-" + hashlib.sha256(f"{len(left)}|{text}".encode("utf-8", "surrogatepass")).hexdigest()[:10]


def sides(left: Profile, candidates: Sequence[Profiled]) -> list[tuple[str, Profile]]:
    """Every profile with the name of its side in a report: `left`, then each candidate by its own."""
    return [("left", left), *((candidate.name, candidate.profile) for candidate in candidates)]


def skipped(left: Profile, candidates: Sequence[Profiled]) -> tuple[tuple[str, Skipped], ...]:
    """What the profiles left out, with the name of its side."""
    return tuple((name, skip) for name, profile in sides(left, candidates) for skip in profile.skipped)


def explaining(candidates: Sequence[Profiled]) -> list[Profiled]:
    """What can explain a finding instead of the right repository: ancestors before claimed sources, each in order of name."""
    return sorted((c for c in candidates if c.role != "right"), key=lambda candidate: (candidate.role, candidate.name))


def weights_of(bits: Mapping[str, float], stock_bits: float) -> Weights:
    """Of facts that are texts; `bits`: of each."""
    keys, first = np.unique(text_keys(bits), return_index=True)
    return Weights(keys, np.array([*bits.values()], np.float64)[first], stock_bits)


def roles(candidates: Sequence[Profiled]) -> list[tuple[str, Role]]:
    """Name and role of each candidate."""
    return [(candidate.name, candidate.role) for candidate in candidates]


SHARE_HELD = "share held"


def whole_controls(
    title: str, candidates: Sequence[Profiled], left: Mapping[str, float], right: Mapping[str, float]
) -> tuple[Control, ...]:
    """How much of the left repository each candidate has, and how much of the right one each of the others.

    `title`: of the room. `left`, `right`: candidate -> share of the bits of that side that are not stock that it has.
    """
    measure = f"{title}: {SHARE_HELD}"
    meaning = "of the bits of the first that are not stock, the share that the second has"
    rows = []
    for candidate in candidates:
        rows.append(Control(f"left ~ {candidate.name}", measure, left[candidate.name], meaning))
        if candidate.role != "right":
            rows.append(Control(f"right ~ {candidate.name}", measure, right[candidate.name], meaning))
    return tuple(rows)


def same_figures(
    shown: Sequence[Measure], pairs: Iterable[tuple[str, Sequence[Measure] | None]]
) -> tuple[Control, ...]:
    """The measures of a finding for other pairs of the same sort, by name; None for a side that has no counterpart there.

    What a measure says of other explanations is no figure of a pair, so what is attributable is left out.
    """
    rows = []
    for name, measures in pairs:
        values = {measure.name: measure.value for measure in measures or ()}
        for measure in shown:
            if measure.name in values and "attributable" not in measure.name:
                rows.append(Control(name, measure.name, values[measure.name], SAME_FIGURE))
            elif measures is None and measure.unit == "fraction":
                rows.append(Control(name, measure.name, 0.0, SAME_FIGURE))
    return tuple(rows)


def right_of(candidates: Sequence[Profiled]) -> Profiled:
    """The right repository: there is one in every comparison."""
    return next(candidate for candidate in candidates if candidate.role == "right")


def strongest_first(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """In order of level; those of one level stay in the order in which they are."""
    return tuple(sorted(evidence, key=lambda finding: -LEVELS.index(finding.level)))


def facts_of_data(keys: NDArray[np.uint64], owners: Sequence[int] | NDArray[np.int32]) -> Facts:
    """Facts that are no code: nothing is read in several ways or at several depths, and their places are the room's own matter.

    `owners`: for each key the document, tokenizer or file that has it.
    """
    its_owners = np.asarray(owners, np.int32)
    order = np.lexsort((keys, its_owners))
    keys, its_owners = keys[order], its_owners[order]
    is_first = np.ones(len(keys), np.bool_)
    is_first[1:] = (keys[1:] != keys[:-1]) | (its_owners[1:] != its_owners[:-1])
    count = int(is_first.sum())
    return Facts(
        keys=keys[is_first],
        fragments=its_owners[is_first],
        nodes=np.zeros(count, np.int32),
        depths=np.zeros(count, np.uint8),
        readings=np.full(count, EVERY_READING, np.uint8),
    )


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
