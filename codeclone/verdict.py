"""Evidence -> the level of the whole comparison.

A verdict never goes by one kind of evidence alone: a level above `moderate` needs a second, independent kind, and a common
ancestor or a claimed source that was examined and does not explain it (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codeclone.model import (
    LEVELS,
    Candidate,
    Evidence,
    Explanation,
    Level,
    Partition,
)

MOST_FOR_ONE_KIND: Level = "moderate"

FAMILY = {"config": "code", "tensors": "weights"}
"""Kinds that depend on each other count as one: whoever takes over the code of a configuration class takes its defaults, and the
names of tensors come with their numbers."""

MANY_FAMILIES = 3
"""So many independent kinds at `moderate` are `strong` together, where none of them is by itself."""

WHOLE_SHARE, WHOLE_BITS, WHOLE_PAIRS = 0.10, 1000.0, 5
"""So large a share of the left repository's bits that are not stock, so many bits, and so many pairs that can be shown
together count as `moderate` even where no single pair does: many small functions are as telling as a long one. Between
packages by different authors the share stayed below 0.05 (docs/calibration.md)."""


LEAST_RELATED = 0.05
"""Of the left's bits of some kind: an ancestor that has less is no ancestor of it, and to have examined it tests nothing. Between
unrelated packages nine in ten share less (docs/calibration.md)."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What the left says of where it comes from, as far as a verdict needs it."""

    read: bool = False
    """Whether anybody looked for declarations."""
    names_right: str = ""
    """Where the left names the right repository as a source of its own, with the place; empty where it does not."""
    not_examined: tuple[str, ...] = ()
    """Other sources that it names, and that are not among the candidates; those it names most first."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything that a verdict rests on."""

    evidence: Sequence[Evidence]
    total: Partition
    calibrated: Partition
    """Of the total, the facts whose share of a whole repository is known for unrelated ones."""
    candidates: Sequence[Candidate]
    explanations: Sequence[Explanation] = ()
    left_digest: str = ""
    same_files: bool = False
    """The right repository has the left one's files, byte for byte."""
    lineage: Lineage = Lineage()

    @property
    def supporting(self) -> list[Evidence]:
        """Findings that speak for a shared origin."""
        return [finding for finding in self.evidence if finding.stance == "for" and finding.level != "none"]

    @property
    def others(self) -> list[Candidate]:
        """Ancestors and claimed sources."""
        return [candidate for candidate in self.candidates if candidate.role != "right"]

    @property
    def tested(self) -> list[Candidate]:
        """Of these, those that could have explained something: every source that the authors name, and ancestors that the
        left has anything to do with."""
        related = {row.candidate for row in self.explanations if row.containment >= LEAST_RELATED}
        return [candidate for candidate in self.others if candidate.role == "claimed" or candidate.name in related]

    @property
    def right(self) -> Candidate:
        return next(candidate for candidate in self.candidates if candidate.role == "right")

    @property
    def by_weights_alone(self) -> bool:
        """Whether all that speaks for a shared origin is in checkpoints."""
        return not self.much and {FAMILY.get(f.kind, f.kind) for f in self.supporting} == {"weights"}

    @property
    def much(self) -> bool:
        """Whether the code counts as `moderate` by what is attributable in all."""
        pairs = sum(finding.kind == "code" for finding in self.supporting)
        enough = self.calibrated.attributable >= WHOLE_BITS and pairs >= WHOLE_PAIRS
        return enough and share(self.calibrated) >= WHOLE_SHARE


def share(partition: Partition) -> float:
    """Attributable bits in all bits that are not stock."""
    rest = partition.total - partition.stock
    return partition.attributable / rest if rest else 0.0


def level_of(compared: Compared) -> Level:
    """`none` to `strong`; `very strong` needs a rate of false alarms among strangers with one architecture that nobody has
    measured yet."""
    supporting = compared.supporting
    if not supporting:
        return "none"
    best = max((finding.level for finding in supporting), key=LEVELS.index)
    if compared.much:
        best = max(best, "moderate", key=LEVELS.index)
    families = telling_families(compared)
    if len(families) > 1 and compared.tested:
        return max(best, "strong", key=LEVELS.index) if len(families) >= MANY_FAMILIES else best
    return min(best, MOST_FOR_ONE_KIND, key=LEVELS.index)


def telling_families(compared: Compared) -> set[str]:
    """Independent kinds that reach `moderate`."""
    telling = {f.kind for f in compared.supporting if LEVELS.index(f.level) >= LEVELS.index("moderate")}
    return {FAMILY.get(kind, kind) for kind in telling | ({"code"} if compared.much else set())}
