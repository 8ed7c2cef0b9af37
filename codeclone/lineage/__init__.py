"""What the repositories say they come from: whom they name, what is declared openly, which marks of origin are missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from codeclone.lineage import marks, naming, reuse
from codeclone.model import Candidate, Declaration, Declared, Evidence, Snapshot
from codeclone.plain import plain

NOT_EXAMINED = 5
"""Sources that the left names most and that are not compared: so many are suggested."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What the declarations of all sides come to."""

    evidence: tuple[Evidence, ...]
    """The findings, those about code with what the left declares of them; behind them that about marks of origin."""
    declared: tuple[Declared, ...]
    names_right: str
    """Where the left names the right repository as a source; empty where it does not."""
    not_examined: tuple[str, ...]
    """Sources that the left names and that are not compared, the most named first."""


def examine(
    left: Snapshot,
    sides: Sequence[tuple[Candidate, Snapshot]],
    evidence: Sequence[Evidence],
    declarations: Mapping[str, tuple[Declaration, ...]],
    titles: Mapping[str, Sequence[str]],
    definitions: Mapping[str, Collection[str]],
) -> Examined:
    """Hold every side's declarations against the compared repositories and against the findings.

    `sides`: the right repository first. The last three as in `Findings` of the room of references.
    """
    candidates = [candidate for candidate, _ in sides]
    snapshots = [(naming.LEFT, left), *((candidate.name, snapshot) for candidate, snapshot in sides)]
    declared = naming.resolve(naming.sides(snapshots, declarations, titles, definitions))
    covered = reuse.with_declared(evidence, declared, candidates)
    found = marks.lost_marks(declared, covered, candidates[0].name)
    return Examined(
        (*covered, *([found] if found is not None else [])),
        naming.counted(declared),
        reuse.names_right(declared, candidates),
        tuple(plain(name) for name, _ in reuse.openly(declared).others[:NOT_EXAMINED]),
    )
