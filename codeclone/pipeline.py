"""The pipeline on one screen: source strings -> snapshots -> profiles -> evidence -> report."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count, islice
from typing import TypeVar

import codeclone
from codeclone import background, public_tokenizers, reference, testimony, verdict
from codeclone.attribution import added
from codeclone.codec import SCHEMA
from codeclone.errors import CodecloneError, NothingToCompareError, SourceError
from codeclone.evidence import Context, Findings, Profiled, Room, kinds, profiles, room
from codeclone.lineage import Examined, examine
from codeclone.model import Candidate, Control, Partition, Partitions, Report, Role, Skipped, Snapshot
from codeclone.omissions import omissions
from codeclone.plain import plain
from codeclone.read import open_source
from codeclone.read.digests import same_files, with_digests

Part = TypeVar("Part")
Side = tuple[Candidate, Snapshot]

ROLES: tuple[Role, ...] = ("right", "ancestor", "claimed")
"""The order of candidates in a report."""

OPTION: dict[Role, str] = {"right": "", "ancestor": "--ancestor ", "claimed": "--claimed "}
"""What stands before a source on the command line."""

MOST_REASONS = 3
"""That are told where nothing could be compared."""

Progress = Callable[[str], None]
"""Called with what is being done, at the start of each step."""


def scan(
    left: str,
    right: str,
    *,
    ancestors: Sequence[str] = (),
    claimed: Sequence[str] = (),
    only: Sequence[str] = (),
    base_tokenizer: str | None = None,
    background_table: str | None = None,
    full: bool = False,
    command: str = "",
    progress: Progress = lambda step: None,
) -> Report:
    """Compare two repositories.

    `ancestors`, `claimed`: sources of declared common ancestors, and of what the left's authors name as theirs; their order
    changes nothing. `only`: kinds of evidence to look at; all where empty. `base_tokenizer`: what the left tokenizer was made
    from, a name of `public_tokenizers.names()` or a source; recognised where it is not given. `background_table`: the
    file of a table that `stock` built, in place of the shipped one. `full`: read all numbers of the weights, not samples alone. Raises SourceError for a source that cannot be read,
    NothingToCompareError for one in which no evidence room finds anything, and CodecloneError for an unknown kind.
    """
    with _no_garbage():
        sources: list[tuple[Role, str]] = [
            ("right", right),
            *(("ancestor", source) for source in ancestors),
            *(("claimed", source) for source in claimed),
        ]
        return _scan(left, sources, only, base_tokenizer, background_table, full, command, progress)


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
    sources: Sequence[tuple[Role, str]],
    only: Sequence[str],
    base_tokenizer: str | None,
    background_table: str | None,
    full: bool,
    command: str,
    progress: Progress,
) -> Report:
    rooms = _rooms(only)
    table = _background(background_table)
    read = []
    for source in (left, *(source for _, source in sources)):
        progress(f"reading {source}")
        read.append(open_source(source))
    left_snapshot, *others = with_digests(read)
    sides = named([(role, snapshot) for (role, _), snapshot in zip(sources, others, strict=True)])
    whole = {"left": left_snapshot, sides[0][0].name: sides[0][1]} if full else {}
    context = Context(table, whole=whole, base_tokenizer=_base_tokenizer(base_tokenizer))
    findings = {
        kind: _findings(kind, its_room, left_snapshot, sides, context, progress) for kind, its_room in rooms.items()
    }
    return _with_background(assembled(left_snapshot, sides, rooms, findings, command), table)


def assembled(
    left: Snapshot,
    sides: Sequence[Side],
    rooms: Mapping[str, Room],
    findings: Mapping[str, Findings],
    command: str = "",
) -> Report:
    """The report of what the rooms found. `sides`: as `named` has them. Raises NothingToCompareError."""
    unread = omissions(left, sides, rooms, findings)
    _hold_something(findings, left.repository.name, sides, unread, every_kind={*rooms} == {*kinds()})
    candidates = tuple(candidate for candidate, _ in sides)
    told = _lineage(left, sides, findings)
    evidence = reference.with_standings(told.evidence)
    explanations = _all(finding.explanations for finding in findings.values())
    controls = _all(finding.controls for finding in findings.values())
    partition = _partitions(findings)
    judged = verdict.Compared(
        evidence=evidence,
        total=partition.total,
        calibrated=added([finding.calibrated for finding in findings.values()]),
        candidates=candidates,
        explanations=explanations,
        left_digest=left.repository.digest,
        same_files=same_files(left, sides[0][1]),
        lineage=verdict.Lineage("references" in findings, told.names_right, told.not_examined),
    )
    return Report(
        schema=SCHEMA,
        tool_name="codeclone",
        tool_version=codeclone.__version__,
        command=command or _command(left, candidates),
        left=left.repository,
        right=candidates[0].repository,
        candidates=candidates,
        compared=_all(finding.compared for finding in findings.values()),
        evidence=evidence,
        partition=partition,
        attribution=_all(finding.attribution for finding in findings.values()),
        explanations=explanations,
        declared=told.declared if "references" in findings else None,
        controls=(*controls, *_attributable(partition.total, controls, candidates[0].name)),
        skipped=unread,
        verdict=testimony.verdict_of(
            judged, reference.reached(verdict.level_of(judged), weights=judged.by_weights_alone)
        ),
        classes=_all(finding.classes for finding in findings.values()),
        composition=_all(finding.composition for finding in findings.values()),
        leftovers=_all(finding.leftovers for finding in findings.values()),
        common_names=next((f.common_names for f in findings.values() if f.common_names), None),
    )


def _lineage(left: Snapshot, sides: Sequence[Side], findings: Mapping[str, Findings]) -> Examined:
    """What the declarations of both sides come to; nothing where the room that reads them was not asked."""
    evidence = _all(finding.evidence for finding in findings.values())
    read = findings.get("references")
    if read is None:
        return Examined(evidence, (), "", ())
    return examine(left, sides, evidence, read.declarations, read.titles, read.definitions)


def _attributable(total: Partition, controls: Sequence[Control], right: str) -> Iterator[Control]:
    """The headline of the report as a figure like the controls, and where these stand among unrelated pairs."""
    share = verdict.share(total)
    meaning = "of the left's bits that are not stock, the share that is attributable"
    yield Control(f"left ~ {right}", reference.ATTRIBUTABLE, share, meaning)
    yield from reference.whole_standings(controls, right, share)


def _all(parts: Iterable[Sequence[Part]]) -> tuple[Part, ...]:
    return tuple(chain.from_iterable(parts))


def _command(left: Snapshot, candidates: Sequence[Candidate]) -> str:
    sources = (f"{OPTION[candidate.role]}{candidate.repository.origin}" for candidate in candidates)
    return " ".join(["codeclone scan", left.repository.origin, *sources])


def _findings(
    kind: str, its_room: Room, left: Snapshot, sides: Sequence[Side], context: Context, progress: Progress
) -> Findings:
    progress(f"looking at the {kind} of {', '.join([left.repository.name, *(c.name for c, _ in sides)])}")
    left_profile, *others = profiles(its_room, [left, *(snapshot for _, snapshot in sides)])
    profiled = [Profiled(c.name, c.role, profile) for (c, _), profile in zip(sides, others, strict=True)]
    progress(f"comparing the {kind}")
    return its_room.compare(left_profile, profiled, context)


def _rooms(only: Sequence[str]) -> dict[str, Room]:
    unknown = sorted(set(only) - set(kinds()))
    if unknown:
        raise CodecloneError(f"unknown kind of evidence: {', '.join(unknown)} (known: {', '.join(kinds())})")
    return {kind: room(kind) for kind in kinds() if not only or kind in only}


def _background(path: str | None) -> background.Background:
    return background.load(path, room("code").VERSION) if path is not None else background.shipped()


def _with_background(report: Report, table: background.Background) -> Report:
    """The report, with what a reader has to know of a background that is not the shipped one."""
    if not table.name:
        return report
    note = (
        f"How rare code is was looked up in {plain(table.name)} ({table.files:,} files of Python, {table.kernel_files:,} of "
        "C, C++ and CUDA), not in the background that ships with codeclone: the rates behind the levels were not measured "
        "with it."
    )
    caveats = (*report.verdict.caveats, note, *background.too_few(table))
    return replace(report, verdict=replace(report.verdict, caveats=caveats))


def _base_tokenizer(source: str | None) -> str | Snapshot | None:
    """A name of a shipped table as it is, anything else as a source. Raises CodecloneError for what is neither."""
    if source is None or source in public_tokenizers.names():
        return source
    try:
        return open_source(source)
    except SourceError as error:
        known = ", ".join(sorted(public_tokenizers.names()))
        raise SourceError(f"--base-tokenizer {source}: neither a source that can be read nor one of {known}") from error


def named(snapshots: Sequence[tuple[Role, Snapshot]]) -> list[Side]:
    """Candidates with distinct names: the right one first, then ancestors, then claimed sources, whatever the order in which
    they are given. A source that is given twice in one role counts once."""
    ordered = sorted(snapshots, key=_place)
    once = {(role, snapshot.repository.digest): (role, snapshot) for role, snapshot in reversed(ordered)}
    taken = {"left"}  # what the left repository is called in `compared` and `skipped`
    found = []
    for role, snapshot in sorted(once.values(), key=_place):
        its_name = snapshot.repository.name
        numbered = (f"{its_name} ({number})" for number in count(2))
        name = next(name for name in chain([its_name], numbered) if name not in taken)
        taken.add(name)
        found.append((Candidate(role, name, snapshot.repository), snapshot))
    return found


def _place(side: tuple[Role, Snapshot]) -> tuple[int, str, str, str]:
    """What candidates are ordered by."""
    repository = side[1].repository
    return ROLES.index(side[0]), repository.name, repository.origin, repository.digest


def _hold_something(
    findings: Mapping[str, Findings],
    left: str,
    sides: Sequence[Side],
    unread: Sequence[tuple[str, Skipped]],
    *,
    every_kind: bool,
) -> None:
    """An ancestor or claimed source may have nothing of the kinds that were asked for, but not nothing at all."""
    needed = [candidate.name for candidate, _ in sides if every_kind or candidate.role == "right"]
    for side, name in [("left", left), *((name, name) for name in needed)]:
        looked_at = [c for finding in findings.values() for c in finding.compared if c.side == side]
        if not any(compared.facts or compared.fragments for compared in looked_at):
            reasons = dict.fromkeys(skip.reason for other, skip in unread if other == side)
            why = f" ({'; '.join(islice(reasons, MOST_REASONS))})" if reasons else ""
            raise NothingToCompareError(f"{name}: nothing to compare was found{why}")


def _partitions(findings: Mapping[str, Findings]) -> Partitions:
    by_kind = {kind: finding.partition for kind, finding in findings.items()}
    paths = sorted({path for finding in findings.values() for path in finding.by_file})
    by_file = {path: added([f.by_file[path] for f in findings.values() if path in f.by_file]) for path in paths}
    return Partitions(added(list(by_kind.values())), by_kind, by_file)
