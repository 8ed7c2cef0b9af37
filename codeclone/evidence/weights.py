"""Weights: whether the numbers of the left checkpoints come from those of the right ones, and what was done to them since.

Models of one origin are told from strangers by the order of their neurons, which training keeps and chance does not repeat. What a
common ancestor explains is taken out; of the rest it is said what the difference looks like, and which side it was made on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codeclone.attribution import Item, attributed, explained_items
from codeclone.batches import in_batches
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
from codeclone.match import weight_conclusion, weight_showing
from codeclone.match.chances import fisher, seed
from codeclone.match.tensor_content import Beginnings
from codeclone.match.tensor_pairs import best_pairs, most_alike
from codeclone.match.weight_alignment import Aligned, Side, aligned, closeness, grids
from codeclone.match.weight_blocks import rows_by_block
from codeclone.match.weight_conclusion import Beside
from codeclone.match.weight_departure import departure, together
from codeclone.match.weight_ladder import Ladder, judged_tensors, judged_whole, ladder
from codeclone.match.weight_relation import Judged, overall
from codeclone.match.weight_rungs import aligned_rows, directions
from codeclone.match.weight_samples import COLUMNS, ROWS, Samples, most_tensors, sampled
from codeclone.match.weight_whole import RUN, Whole, read_whole
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
from codeclone.read.notes import Notes
from codeclone.read.repository_tensors import read_repository
from codeclone.read.sizes import bytes_of
from codeclone.read.tensors import reads as reads_tensors
from codeclone.read.values import opened

TITLE = "Weights"
VERSION = 1

TRIED = 4
"""Checkpoints of a candidate that a left one is compared with, those with the most names and shapes in common first."""

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
    """Sample every checkpoint."""
    read = read_repository(snapshot)
    files = {file.path: file for file in snapshot.files}
    samples, told = [], [*read.skipped]
    most = most_tensors(read.checkpoints)
    for checkpoint in read.checkpoints:
        with opened(files, checkpoint) as values:
            its = sampled(checkpoint, values.grid, len(read.checkpoints), most)
        samples.append(its)
        told += _reasons(checkpoint, its)
    return Profile(
        kind="weights",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=facts_of_data(np.zeros(0, np.uint64), []),
        fragments=(),
        details={"checkpoints": read.checkpoints, "beginnings": read.beginnings, "samples": tuple(samples)},
        skipped=tuple(told),
    )


def _reasons(checkpoint: Checkpoint, samples: Samples) -> tuple[Skipped, ...]:
    """Tensors whose numbers were not read, or not all of them; those of one file up to a bound."""
    notes = Notes(checkpoint.label)
    for place, reason in samples.reasons:
        notes.add(f"/{plain(checkpoint.tensors[place].name[:200])}", f"its numbers: {reason}")
    return notes.all()


# Comparing


@dataclass(frozen=True, slots=True)
class _Pair:
    """A left checkpoint with the one of a candidate that is most like it."""

    left: Side
    right: Side
    pairs: Aligned
    tensors: tuple[Judged, ...]
    tried: int
    """Checkpoints of the candidate among which it was found."""


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Climb the ladder for each left checkpoint and the right one that is most like it."""
    right, others = right_of(candidates), explaining(candidates)
    mine = _sides(left)
    known = {c.name: _sides(c.profile) for c in candidates}
    found = {c.name: [_best(one, known[c.name]) for one in mine] for c in candidates}
    evidence = []
    unread: list[tuple[str, Skipped]] = []
    for number, pair in enumerate(found[right.name]):
        if pair is not None:
            if context.whole:
                pair, reasons = _read_whole(pair, context.whole["left"], context.whole[right.name])
                found[right.name][number] = pair
                unread += [("left", reason) for reason in reasons]
            rivals = [(other, found[other.name][number]) for other in others]
            evidence += _finding(pair, right, rivals, len(mine))
    evidence.sort(key=lambda finding: (finding.left[0].location.path, finding.id))
    items = _items(mine, candidates, found)
    shares = _shares(mine, found)
    theirs = known[right.name]
    back = {o.name: [_best(one, known[o.name]) for one in theirs] for o in others}
    return Findings(
        evidence=strongest_first(evidence),
        attribution=attributed("weights", items, roles(candidates)),
        explanations=explained_items("weights", items, roles(candidates), shares),
        controls=whole_controls(TITLE, candidates, shares, _shares(theirs, back)),
        compared=tuple(_compared(name, its) for name, its in sides(left, candidates)),
        skipped=(*skipped(left, candidates), *unread),
    )


_Known = tuple[Side, Beginnings]


def _sides(profile: Profile) -> list[_Known]:
    its: Mapping[str, Any] = profile.details
    checkpoints = zip(its["checkpoints"], its["samples"], its["beginnings"], strict=True)
    return [(Side(checkpoint, samples), beginnings) for checkpoint, samples, beginnings in checkpoints]


def _best(one: _Known, others: Sequence[_Known]) -> _Pair | None:
    """The pair with the checkpoint whose values are nearest, among those whose names and shapes are."""
    side, beginnings = one
    likely = most_alike(side.checkpoint, [other.checkpoint for other, _ in others])[:TRIED]
    best: tuple[float, Side, Aligned] | None = None
    for place in likely:
        other, its = others[place]
        by_name = best_pairs([(side.checkpoint, beginnings)], [(other.checkpoint, its)])[0]
        pairs = aligned(side, other, by_name.match.mapping if by_name else ())
        near = closeness(side, other, pairs)
        if pairs.pairs and (best is None or near > best[0]):
            best = near, other, pairs
    if best is None:
        return None
    _, other, pairs = best
    return _Pair(side, other, pairs, tuple(judged_tensors(side, other, pairs)), len(likely))


def _read_whole(pair: _Pair, left: Snapshot, right: Snapshot) -> tuple[_Pair, tuple[Skipped, ...]]:
    """The pair by all of its values, each file read once; tensors that could not be read in whole keep what their samples say."""
    sides = pair.left.checkpoint, pair.right.checkpoint
    files = [{file.path: file for file in snapshot.files} for snapshot in (left, right)]

    def read(number: int, part: Sequence[Judged]) -> list[tuple[int, Whole | str]]:
        found: list[tuple[int, Whole | str]] = []
        with opened(files[0], sides[0]) as ours, opened(files[1], sides[1]) as theirs:
            for tensor in part:
                try:
                    runs = ours.runs(tensor.left, RUN), theirs.runs(tensor.right, RUN)
                    found.append((tensor.left, read_whole(*runs)))
                except ValueError as error:
                    found.append((tensor.left, str(error)))
        return found

    fitting = _within(sides[0], [tensor.left for tensor in pair.tensors], files[0])
    fitting &= _within(sides[1], [tensor.right for tensor in pair.tensors], files[1])
    wanted = [tensor for number, tensor in enumerate(pair.tensors) if number in fitting]
    values = [math.prod(sides[0].tensors[tensor.left].shape or ()) for tensor in wanted]
    found = dict(chain.from_iterable(in_batches([wanted], [values], read)[0]))
    too_many = f"the tensors before it have {READ_AGAIN} times the bytes of their files"
    tensors, reasons = [], Notes(sides[0].label)
    for tensor in pair.tensors:
        whole = found.get(tensor.left, too_many)
        if isinstance(whole, Whole):
            tensors.append(judged_whole(pair.left, pair.right, tensor, whole))
        else:
            tensors.append(tensor)
            reasons.add(
                f"/{plain(sides[0].tensors[tensor.left].name[:200])}", f"its numbers: not read in whole: {whole}"
            )
    return replace(pair, tensors=tuple(tensors)), reasons.all()


def _within(checkpoint: Checkpoint, places: Sequence[int], files: Mapping[str, File]) -> set[int]:
    """Which of these tensors, by their number here, can be read before more was read than the files have, several times."""
    room = READ_AGAIN * sum(files[path].size for path in checkpoint.paths if path in files)
    tensors = [checkpoint.tensors[place] for place in places]
    read = accumulate(bytes_of(tensor.dtype, tensor.shape or ()) or 0 for tensor in tensors)
    return {number for number, its in enumerate(read) if its <= room}


def _compared(name: str, profile: Profile) -> Compared:
    checkpoints: Sequence[Checkpoint] = profile.details["checkpoints"]
    samples: Sequence[Samples] = profile.details["samples"]
    read = sum(its is not None for one in samples for its in one.tensors)
    return Compared(name, "weights", len({path for c in checkpoints for path in c.paths}), 0, 0, read)


# Findings


def _finding(
    pair: _Pair, right: Profiled, rivals: Sequence[tuple[Profiled, _Pair | None]], checkpoints: int
) -> list[Evidence]:
    """What is to be said of a pair; nothing where it has too little in common."""
    its = ladder(pair.left, pair.right, pair.pairs, pair.tensors)
    beside = [_beside(pair, its, other, of_left) for other, of_left in rivals if of_left is not None]
    said = weight_conclusion.conclusion(its, beside, pair.tried * checkpoints)
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
            tables=weight_showing.tables(pair.left, pair.right, its, beside),
            plots=weight_showing.plots(pair.left, pair.right, its, pair.pairs.pairs),
            controls=_controls(figures, pair, right, rivals),
            direction=said.direction if said.stance == "for" else "",
        )
    ]


def _places(checkpoint: Checkpoint) -> tuple[Place, ...]:
    return tuple(Place(Location(path)) for path in checkpoint.paths[:MAX_PLACES])


def _controls(
    figures: Sequence[Measure], pair: _Pair, right: Profiled, rivals: Sequence[tuple[Profiled, _Pair | None]]
) -> tuple[Control, ...]:
    """The same measures for both checkpoints with the best of every other candidate."""
    theirs = next(both for both in _sides(right.profile) if both[0].checkpoint is pair.right.checkpoint)
    rows = []
    for other, of_left in rivals:
        of_right = _best(theirs, _sides(other.profile))
        rows += [(f"left ~ {other.name}", of_left), (f"right ~ {other.name}", of_right)]
    return same_figures(
        figures,
        ((name, weight_showing.measures(its.left, its.right, its.tensors) if its else None) for name, its in rows),
    )


def _beside(pair: _Pair, its: Ladder, other: Profiled, of_left: _Pair) -> Beside:
    """What an ancestor or a claimed source has to do with a pair."""
    found = Beside(
        told=other.told,
        role=other.role,
        compared=2 * len(of_left.pairs.pairs) >= sum(sample is not None for sample in pair.left.samples.tensors),
        overall=overall(of_left.tensors),
        evidence=0.0,
        departures=None,
        chance=None,
    )
    if not its.in_order:
        told = ladder(of_left.left, of_left.right, of_left.pairs, of_left.tensors)
        found = replace(found, evidence=told.evidence)
    return _departed(pair, of_left, found) if found.related else found


def _departed(pair: _Pair, of_left: _Pair, found: Beside) -> Beside:
    """W7: how both sides left an ancestor that the left has to do with."""
    triples = {
        place: (right, of_left.pairs.pairs[place])
        for place, right in pair.pairs.pairs.items()
        if place in of_left.pairs.pairs
    }
    departures = []
    for place, (right, base) in triples.items():
        values = _three(pair, of_left, place, right, base)
        its = departure((place, right, base), *values) if values is not None else None
        departures += [its] if its is not None else []
    moved = {d.left for d in departures if d.moved and d.right_square > 0}

    def rows(place: int) -> tuple[NDArray[np.float32], ...] | None:
        values = _three(pair, of_left, place, *triples[place]) if place in moved else None
        return None if values is None else tuple(side - values[2] for side in values[:2])

    names = sorted(side.samples.manifest for side in (pair.left, pair.right, of_left.right))
    chances = [
        aligned_rows(directions(ours), directions(theirs), seed([*names, "W7", str(number)])).chance
        for number, (_, (ours, theirs)) in enumerate(rows_by_block(pair.left, rows))
    ]
    return replace(
        found,
        departures=together(departures) if departures else None,
        chance=fisher(chances) if chances else None,
    )


def _three(
    pair: _Pair, of_left: _Pair, place: int, right: int, base: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]] | None:
    """The values of a left tensor, of the right one and of the ancestor's that all three samples have."""
    one = grids(pair.left, pair.right, {place: right}, place)
    two = grids(pair.left, of_left.right, {place: base}, place)
    if one is None or two is None:
        return None
    rows, columns = np.minimum(one[0].shape, two[0].shape)
    return one[0][:rows, :columns], one[1][:rows, :columns], two[1][:rows, :columns]


# Who explains what


def _items(
    mine: Sequence[_Known], candidates: Sequence[Profiled], found: Mapping[str, Sequence[_Pair | None]]
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


def _shares(mine: Sequence[_Known], found: Mapping[str, Sequence[_Pair | None]]) -> dict[str, float]:
    """Share of the numbers of one side that each candidate explains."""
    return {
        name: weight_showing.explained_of(
            [side for side, _ in mine], [() if pair is None else pair.tensors for pair in pairs]
        )
        for name, pairs in found.items()
    }
