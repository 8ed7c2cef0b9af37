"""Weights: whether the numbers of the left checkpoints come from those of the right ones, and what was done to them since.

Models of one origin are told from strangers by the order of their neurons, which training keeps and chance does not repeat. What a
common ancestor explains is taken out; of the rest it is said what the difference looks like, and which side it was made on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np

from codeclone.attribution import Item, attributed, explained_items
from codeclone.evidence import (
    Context,
    Findings,
    Profiled,
    explaining,
    facts_of_data,
    finding_id,
    right_of,
    roles,
    same_figures,
    sides,
    skipped,
    strongest_first,
    whole_controls,
)
from codeclone.match import weight_conclusion, weight_plots, weight_showing
from codeclone.match.weight_alignment import Side
from codeclone.match.weight_beside import beside
from codeclone.match.weight_full import in_full
from codeclone.match.weight_kept import bounds, restored
from codeclone.match.weight_ladder import ladder
from codeclone.match.weight_pairs import Known, Pair, best
from codeclone.match.weight_samples import COLUMNS, ROWS, Samples, sampled
from codeclone.model import (
    Checkpoint,
    Compared,
    Control,
    Evidence,
    File,
    Location,
    Measure,
    Method,
    Place,
    Profile,
    Skipped,
    Snapshot,
)
from codeclone.plain import plain
from codeclone.read.kept import read_values
from codeclone.read.notes import Notes
from codeclone.read.repository_tensors import Numbers, read_repository
from codeclone.read.sizes import bytes_of
from codeclone.read.tensors import reads as reads_tensors
from codeclone.read.values import opened

TITLE = "Weights"
VERSION = 1

READ_AGAIN = 4
"""Times that `--full` reads as many bytes as the files of a checkpoint have: tensors can share theirs, as tied ones do."""

MAX_PLACES = 50

METHOD = Method(
    "order of neurons, and the difference value by value, on seeded samples",
    {"rows": ROWS, "columns": COLUMNS},
    "Zhu et al. 2025; permutation tests (Phipson, Smyth 2010), Fisher 1925, e-values (Vovk, Wang 2021)",
)


def reads(path: str) -> bool:
    """Whether a file may hold tensors, by its suffix."""
    return reads_tensors(path)


def profile(snapshot: Snapshot) -> Profile:
    """Sample every checkpoint, or take the samples that were kept of it."""
    read = read_repository(snapshot)
    files = {file.path: file for file in snapshot.files}
    checkpoints, beginnings, samples, told = [], [], [], [*read.skipped]
    there = sum(checkpoint.label not in read.kept for checkpoint in read.checkpoints)
    for checkpoint, first in zip(read.checkpoints, read.beginnings, strict=True):
        try:
            its = _samples(checkpoint, files, there, read.kept.get(checkpoint.label))
        except ValueError as error:
            told.append(Skipped(Location(checkpoint.label), f"its kept samples cannot be used: {error}"))
            continue
        checkpoints.append(checkpoint)
        beginnings.append(first)
        samples.append(its)
        told += _reasons(checkpoint, its)
    return Profile(
        kind="weights",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=facts_of_data(np.zeros(0, np.uint64), []),
        fragments=(),
        details={
            "checkpoints": tuple(checkpoints),
            "beginnings": tuple(beginnings),
            "samples": tuple(samples),
            "kept": frozenset(read.kept),
            "contents": read.contents,
            "left out": read.skipped,
        },
        skipped=tuple(told),
    )


def _samples(checkpoint: Checkpoint, files: Mapping[str, File], share: int, numbers: Numbers | None) -> Samples:
    """`share`: checkpoints of the repository that are there. Raises ValueError for kept `numbers` that cannot be true."""
    if numbers is not None:
        if numbers.bounds != bounds():
            raise ValueError("they were taken by another release of codeclone")
        values = read_values(numbers.file, numbers.number)
        return restored(checkpoint, values, numbers.unread, numbers.blocks, numbers.checkpoints)
    with opened(files, checkpoint) as read:
        return sampled(checkpoint, read.grid, share)


def _reasons(checkpoint: Checkpoint, samples: Samples) -> tuple[Skipped, ...]:
    """Tensors whose numbers were not read, or not all of them; those of one file up to a bound."""
    notes = Notes(checkpoint.label)
    for place, reason in samples.reasons:
        notes.add(_pointer(checkpoint, place), f"its numbers: {reason}")
    return notes.all()


def _pointer(checkpoint: Checkpoint, place: int) -> str:
    return f"/{plain(checkpoint.tensors[place].name[:200])}"


# Comparing


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Climb the ladder for each left checkpoint and the right one that is most like it."""
    right, others = right_of(candidates), explaining(candidates)
    mine, known = _sides(left), {c.name: _sides(c.profile) for c in candidates}
    theirs = known[right.name]
    found = {c.name: [best(one, known[c.name]) for one in mine] for c in candidates}
    back = {o.name: [best(one, known[o.name]) for one in theirs] for o in others}
    evidence = []
    unread: list[tuple[str, Skipped]] = []
    for number, pair in enumerate(found[right.name]):
        if pair is not None:
            if context.whole and (gone := _gone(pair, left, right)):
                unread += gone
            elif context.whole:
                pair, reasons = _read_whole(pair, [(name, context.whole[name]) for name in ("left", right.name)])
                found[right.name][number] = pair
                unread += reasons
            place = next(at for at, (side, _) in enumerate(theirs) if side.checkpoint is pair.right.checkpoint)
            rivals = [(other, found[other.name][number]) for other in others]
            evidence += _finding(pair, rivals, {name: its[place] for name, its in back.items()}, len(mine))
    evidence.sort(key=lambda finding: (finding.left[0].location.path, finding.id))
    items = _items(mine, candidates, found)
    shares = _shares(mine, found)
    return Findings(
        evidence=strongest_first(evidence),
        attribution=attributed("weights", items, roles(candidates)),
        explanations=explained_items("weights", items, roles(candidates), shares),
        controls=whole_controls(TITLE, candidates, shares, _shares(theirs, back)),
        compared=tuple(_compared(name, its) for name, its in sides(left, candidates)),
        skipped=(*skipped(left, candidates), *unread),
    )


def _sides(profile: Profile) -> list[Known]:
    its: Mapping[str, Any] = profile.details
    checkpoints = zip(its["checkpoints"], its["samples"], its["beginnings"], strict=True)
    return [(Side(checkpoint, samples), beginnings) for checkpoint, samples, beginnings in checkpoints]


def _read_whole(pair: Pair, whole: Sequence[tuple[str, Snapshot]]) -> tuple[Pair, list[tuple[str, Skipped]]]:
    """The pair by all of its values, and what could not be read. `whole`: name and snapshot of the left and of the right side."""
    checkpoints = pair.left.checkpoint, pair.right.checkpoint
    files = [{file.path: file for file in snapshot.files} for _, snapshot in whole]
    ours, theirs = (partial(opened, its, checkpoint) for its, checkpoint in zip(files, checkpoints, strict=True))
    left, right = (partial(_fitting, its, checkpoint) for its, checkpoint in zip(files, checkpoints, strict=True))
    pair, unread = in_full(pair, (ours, theirs), (left, right))
    told = []
    for number, (name, _) in enumerate(whole):
        notes = Notes(checkpoints[number].label)
        for side, place, reason in unread:
            if side == number:
                notes.add(_pointer(checkpoints[number], place), f"its numbers: not read in whole: {reason}")
        told += [(name, skip) for skip in notes.all()]
    return pair, told


def _fitting(files: Mapping[str, File], checkpoint: Checkpoint, places: Sequence[int]) -> frozenset[int]:
    """As `weight_full.Fitting`."""
    room = READ_AGAIN * sum(files[path].size for path in checkpoint.paths if path in files)
    tensors = [checkpoint.tensors[place] for place in places]
    read = accumulate(bytes_of(tensor.dtype, tensor.shape or ()) or 0 for tensor in tensors)
    return frozenset(place for place, its in zip(places, read, strict=True) if its <= room)


def _gone(pair: Pair, left: Profile, right: Profiled) -> list[tuple[str, Skipped]]:
    """Sides of a pair that cannot be read in whole."""
    both = (("left", left, pair.left), (right.name, right.profile, pair.right))
    return [
        (name, Skipped(Location(side.checkpoint.label), "not read in whole: only samples were kept of it"))
        for name, profile, side in both
        if side.checkpoint.label in profile.details["kept"]
    ]


def _compared(name: str, profile: Profile) -> Compared:
    checkpoints: Sequence[Checkpoint] = profile.details["checkpoints"]
    samples: Sequence[Samples] = profile.details["samples"]
    read = sum(its is not None for one in samples for its in one.tensors)
    return Compared(name, "weights", len({path for c in checkpoints for path in c.paths}), 0, 0, read)


# Findings


def _finding(
    pair: Pair, rivals: Sequence[tuple[Profiled, Pair | None]], back: Mapping[str, Pair | None], checkpoints: int
) -> list[Evidence]:
    """What is to be said of a pair; nothing where it has too little in common. `back`: the right checkpoint with the best of each
    rival."""
    its = ladder(pair.left, pair.right, pair.pairs, pair.tensors, pair.same_bytes)
    others = [beside(pair, its, rival.told, rival.role, of_left) for rival, of_left in rivals if of_left is not None]
    said = weight_conclusion.conclusion(its, others, pair.tried * checkpoints)
    if said is None:
        return []
    places = _places(pair.left.checkpoint), _places(pair.right.checkpoint)
    figures = weight_showing.measures(pair.left, pair.right, its.tensors)
    return [
        Evidence(
            id=finding_id("weights", *places),
            kind="weights",
            claim=f"the weights of {pair.left.checkpoint.label} against {pair.right.checkpoint.label}: {said.claim}",
            stance=said.stance,
            level=said.level,
            left=places[0],
            right=places[1],
            measures=(*figures, *weight_showing.found_measures(its)),
            method=METHOD,
            reason=said.reason,
            tables=weight_showing.tables(pair.left, pair.right, its, others),
            plots=weight_plots.plots(pair.left, pair.right, its, pair.pairs.pairs),
            controls=_controls(figures, rivals, back),
            direction=said.direction if said.stance == "for" else "",
        )
    ]


def _places(checkpoint: Checkpoint) -> tuple[Place, ...]:
    return tuple(Place(Location(path)) for path in checkpoint.paths[:MAX_PLACES])


def _controls(
    figures: Sequence[Measure], rivals: Sequence[tuple[Profiled, Pair | None]], back: Mapping[str, Pair | None]
) -> tuple[Control, ...]:
    """The same measures for both checkpoints with the best of every other candidate."""
    rows = [
        both
        for other, of_left in rivals
        for both in ((f"left ~ {other.name}", of_left), (f"right ~ {other.name}", back[other.name]))
    ]
    return same_figures(
        figures,
        ((name, weight_showing.measures(its.left, its.right, its.tensors) if its else None) for name, its in rows),
    )


# Who explains what


def _items(
    mine: Sequence[Known], candidates: Sequence[Profiled], found: Mapping[str, Sequence[Pair | None]]
) -> list[Item]:
    """Every left tensor that was read and whose values differ, with how much of it each candidate has."""
    items = []
    for number, (side, _) in enumerate(mine):
        known = {
            c.name: {tensor.left: tensor for tensor in pair.tensors}
            for c in candidates
            if (pair := found[c.name][number])
        }
        for place, sample in enumerate(side.samples.tensors):
            if sample is None or not sample.varies:
                continue
            sources = {}
            for name, tensors in known.items():
                pair = found[name][number]
                share = weight_showing.explained_share(tensors[place]) if place in tensors else 0.0
                if pair is not None and share > 0:
                    sources[name] = share, _tensor_place(pair.right.checkpoint, tensors[place].right)
            items.append(Item(_tensor_place(side.checkpoint, place), True, sources))
    return items


def _tensor_place(checkpoint: Checkpoint, place: int) -> Place:
    path = checkpoint.paths[checkpoint.owners[place]]
    return Place(Location(path), plain(checkpoint.tensors[place].name))


def _shares(mine: Sequence[Known], found: Mapping[str, Sequence[Pair | None]]) -> dict[str, float]:
    """Share of the numbers of one side that each candidate explains."""
    return {
        name: weight_showing.explained_of(
            [side for side, _ in mine], [() if pair is None else pair.tensors for pair in pairs]
        )
        for name, pairs in found.items()
    }
