"""What was not read or not compared, of every side, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from codeclone.evidence import Findings, Room, kinds, room
from codeclone.model import Candidate, Location, Skipped, Snapshot

Omission = tuple[str, Skipped]
"""(side, what): `left`, or a candidate's name."""


def omissions(
    left: Snapshot,
    sides: Sequence[tuple[Candidate, Snapshot]],
    rooms: Mapping[str, Room],
    findings: Mapping[str, Findings],
) -> tuple[Omission, ...]:
    """Everything that was left out; a file that two rooms look into is told once."""
    snapshots = [("left", left), *((candidate.name, snapshot) for candidate, snapshot in sides)]
    found = [(name, skip) for name, snapshot in snapshots for skip in snapshot.skipped]
    for name, snapshot in snapshots:
        found += [(name, skip) for skip in _unread(snapshot, rooms)]
    for name, snapshot in snapshots:
        found += [(name, skip) for skip in _in_slices(snapshot)]
    found += [skip for finding in findings.values() for skip in finding.skipped]
    return tuple(dict.fromkeys(found))


def _unread(snapshot: Snapshot, rooms: Mapping[str, Room]) -> Iterator[Skipped]:
    """Files that no room looks into, counted by suffix or name: none of them is passed over in silence."""
    not_asked = [room(kind) for kind in kinds() if kind not in rooms]
    counts: Counter[tuple[str, bool]] = Counter()
    for file in snapshot.files:
        if not any(its_room.reads(file.path) for its_room in rooms.values()):
            path = PurePosixPath(file.path)
            what = f"*{path.suffix.lower()}" if path.suffix else path.name
            counts[what, any(its_room.reads(file.path) for its_room in not_asked)] += 1
    for (what, is_read), count in sorted(counts.items()):
        reason = (
            "not looked at: other kinds of evidence were asked for"
            if is_read
            else "files of a kind that is not compared"
        )
        yield Skipped(Location(f"{count:,} × {what}"), reason)


def _in_slices(snapshot: Snapshot) -> Iterator[Skipped]:
    """Files of which not every byte was read."""
    for file in snapshot.files:
        if not file.whole and not file.whole_sha256:
            reason = f"{file.size:,} bytes: read in slices, not in whole; in the repository's digest its size and its ends stand for it"
            yield Skipped(Location(file.path), reason)
