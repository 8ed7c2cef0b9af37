"""The pipeline on one screen: source strings -> snapshots -> profiles -> evidence -> report."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath

import codeclone
from codeclone import background, public_tokenizers, verdict
from codeclone.attribution import added
from codeclone.codec import SCHEMA
from codeclone.errors import CodecloneError, NothingToCompareError, SourceError
from codeclone.evidence import Context, Findings, Profiled, Room, kinds, profiles, room
from codeclone.model import Candidate, Location, Partitions, Report, Role, Skipped, Snapshot, Verdict
from codeclone.plain import plain
from codeclone.read import open_source
from codeclone.read.digests import same_files, with_digests

Progress = Callable[[str], None]
"""Called with what is being done, at the start of each step."""


def scan(
    left: str,
    right: str,
    *,
    only: Sequence[str] = (),
    base_tokenizer: str | None = None,
    background_table: str | None = None,
    command: str = "",
    progress: Progress = lambda step: None,
) -> Report:
    """Compare two repositories.

    `only`: kinds of evidence to look at; all where empty. `base_tokenizer`: what the left tokenizer was made from, a name
    of `public_tokenizers.names()` or a source; recognised where it is not given. `background_table`: the
    file of a table that `stock` built, in place of the shipped one. Raises SourceError for a source that cannot be read,
    NothingToCompareError for one in which no evidence room finds anything, and CodecloneError for an unknown kind.
    """
    with _no_garbage():
        return _scan(left, right, only, base_tokenizer, background_table, command, progress)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """A scan makes millions of small tuples and hardly a cycle: looking for garbage meanwhile is time lost."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _scan(
    left: str,
    right: str,
    only: Sequence[str],
    base_tokenizer: str | None,
    background_table: str | None,
    command: str,
    progress: Progress,
) -> Report:
    rooms = _rooms(only)
    table = _background(background_table)
    progress(f"reading {left}")
    read = [open_source(left)]
    progress(f"reading {right}")
    read.append(open_source(right))
    left_snapshot, right_snapshot = with_digests(read)
    snapshots: list[tuple[Role, Snapshot]] = [("right", right_snapshot)]
    candidates = _candidates(snapshots)
    context = Context(table, base_tokenizer=_base_tokenizer(base_tokenizer))

    findings = {
        kind: _findings(kind, its_room, left_snapshot, candidates, snapshots, context, progress)
        for kind, its_room in rooms.items()
    }
    _hold_something(findings, left_snapshot, candidates, snapshots)

    evidence = tuple(found for finding in findings.values() for found in finding.evidence)
    partition = _partitions(findings)
    return Report(
        schema=SCHEMA,
        tool_name="codeclone",
        tool_version=codeclone.__version__,
        command=command or f"codeclone scan {left_snapshot.repository.origin} {candidates[0].repository.origin}",
        left=left_snapshot.repository,
        right=candidates[0].repository,
        candidates=candidates,
        compared=tuple(compared for finding in findings.values() for compared in finding.compared),
        evidence=evidence,
        partition=partition,
        attribution=tuple(row for finding in findings.values() for row in finding.attribution),
        controls=tuple(control for finding in findings.values() for control in finding.controls),
        skipped=tuple(
            dict.fromkeys(  # a file that two rooms look into is told once
                (
                    *_skipped_reading(left_snapshot, candidates, snapshots),
                    *_unread(rooms, left_snapshot, candidates, snapshots),
                    *_in_slices(left_snapshot, candidates, snapshots),
                    *_skipped(findings),
                )
            )
        ),
        verdict=_with_background(
            verdict.judge(
                evidence,
                partition.total,
                added([finding.calibrated for finding in findings.values()]),
                candidates,
                same_files=same_files(left_snapshot, right_snapshot),
            ),
            table,
        ),
        classes=tuple(found for finding in findings.values() for found in finding.classes),
        composition=tuple(row for finding in findings.values() for row in finding.composition),
        leftovers=tuple(found for finding in findings.values() for found in finding.leftovers),
        common_names=next((f.common_names for f in findings.values() if f.common_names), None),
    )


def _findings(
    kind: str,
    its_room: Room,
    left: Snapshot,
    candidates: Sequence[Candidate],
    snapshots: Sequence[tuple[Role, Snapshot]],
    context: Context,
    progress: Progress,
) -> Findings:
    progress(f"looking at the {kind} of {', '.join([left.repository.name, *(c.name for c in candidates)])}")
    left_profile, *others = profiles(its_room, [left, *(snapshot for _, snapshot in snapshots)])
    profiled = [Profiled(c.name, c.role, profile) for c, profile in zip(candidates, others, strict=True)]
    progress(f"comparing the {kind}")
    return its_room.compare(left_profile, profiled, context)


def _rooms(only: Sequence[str]) -> dict[str, Room]:
    unknown = sorted(set(only) - set(kinds()))
    if unknown:
        raise CodecloneError(f"unknown kind of evidence: {', '.join(unknown)} (known: {', '.join(kinds())})")
    return {kind: room(kind) for kind in kinds() if not only or kind in only}


def _background(path: str | None) -> background.Background:
    return background.load(path, room("code").VERSION) if path is not None else background.shipped()


def _with_background(judged: Verdict, table: background.Background) -> Verdict:
    """The verdict, with what a reader has to know of a background that is not the shipped one."""
    if not table.name:
        return judged
    note = (
        f"How rare code is was looked up in {plain(table.name)} ({table.files:,} files of Python, {table.kernel_files:,} of "
        "C, C++ and CUDA), not in the background that ships with codeclone: the rates behind the levels were not measured "
        "with it."
    )
    return replace(judged, caveats=(*judged.caveats, note, *background.too_few(table)))


def _base_tokenizer(source: str | None) -> str | Snapshot | None:
    """A name of a shipped table as it is, anything else as a source. Raises CodecloneError for what is neither."""
    if source is None or source in public_tokenizers.names():
        return source
    try:
        return open_source(source)
    except SourceError as error:
        known = ", ".join(sorted(public_tokenizers.names()))
        raise SourceError(f"--base-tokenizer {source}: neither a source that can be read nor one of {known}") from error


def _candidates(snapshots: Sequence[tuple[Role, Snapshot]]) -> tuple[Candidate, ...]:
    """Candidates with distinct names."""
    names = {"left": 1}  # what the left repository is called in `compared` and `skipped`
    found = []
    for role, snapshot in snapshots:
        name = snapshot.repository.name
        names[name] = names.get(name, 0) + 1
        distinct = name if names[name] == 1 else f"{name} ({names[name]})"
        found.append(Candidate(role, distinct, snapshot.repository))
    return tuple(found)


def _hold_something(
    findings: dict[str, Findings],
    left: Snapshot,
    candidates: Sequence[Candidate],
    snapshots: Sequence[tuple[Role, Snapshot]],
) -> None:
    unread = _skipped_reading(left, candidates, snapshots)
    names = {"left": left.repository.name} | {candidate.name: candidate.name for candidate in candidates}
    for side, name in names.items():
        looked_at = [c for finding in findings.values() for c in finding.compared if c.side == side]
        if not any(compared.facts or compared.fragments for compared in looked_at):
            reasons = [skip.reason for finding in findings.values() for other, skip in finding.skipped if other == side]
            reasons = [skip.reason for other, skip in unread if other == side] + reasons
            why = f" ({reasons[0]})" if reasons else ""
            raise NothingToCompareError(f"{name}: nothing to compare was found{why}")


def _partitions(findings: dict[str, Findings]) -> Partitions:
    by_kind = {kind: finding.partition for kind, finding in findings.items()}
    paths = sorted({path for finding in findings.values() for path in finding.by_file})
    by_file = {path: added([f.by_file[path] for f in findings.values() if path in f.by_file]) for path in paths}
    return Partitions(added(list(by_kind.values())), by_kind, by_file)


_Skips = tuple[tuple[str, Skipped], ...]


def _named(
    left: Snapshot, candidates: Sequence[Candidate], snapshots: Sequence[tuple[Role, Snapshot]]
) -> list[tuple[str, Snapshot]]:
    return [("left", left), *((c.name, snapshot) for c, (_, snapshot) in zip(candidates, snapshots, strict=True))]


def _skipped_reading(
    left: Snapshot, candidates: Sequence[Candidate], snapshots: Sequence[tuple[Role, Snapshot]]
) -> _Skips:
    return tuple((name, skip) for name, snapshot in _named(left, candidates, snapshots) for skip in snapshot.skipped)


def _unread(
    rooms: Mapping[str, Room],
    left: Snapshot,
    candidates: Sequence[Candidate],
    snapshots: Sequence[tuple[Role, Snapshot]],
) -> Iterator[tuple[str, Skipped]]:
    """Files that no room looks into, counted by suffix or name: none of them is passed over in silence."""
    not_asked = [room(kind) for kind in kinds() if kind not in rooms]
    for name, snapshot in _named(left, candidates, snapshots):
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
            yield name, Skipped(Location(f"{count:,} × {what}"), reason)


def _in_slices(
    left: Snapshot, candidates: Sequence[Candidate], snapshots: Sequence[tuple[Role, Snapshot]]
) -> Iterator[tuple[str, Skipped]]:
    """Files of which not every byte was read."""
    for name, snapshot in _named(left, candidates, snapshots):
        for file in snapshot.files:
            if not file.whole and not file.whole_sha256:
                reason = f"{file.size:,} bytes: read in slices; in the repository's digest its size and its ends stand for it"
                yield name, Skipped(Location(file.path), reason)


def _skipped(findings: dict[str, Findings]) -> _Skips:
    return tuple(skip for finding in findings.values() for skip in finding.skipped)
