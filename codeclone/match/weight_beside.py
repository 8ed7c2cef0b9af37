"""What an ancestor or a claimed source has to do with a pair of checkpoints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codeclone.match.chances import fisher, seed
from codeclone.match.weight_alignment import grids
from codeclone.match.weight_blocks import rows_by_block
from codeclone.match.weight_conclusion import Beside
from codeclone.match.weight_departure import departure, together
from codeclone.match.weight_ladder import Ladder, ladder
from codeclone.match.weight_overall import overall
from codeclone.match.weight_pairs import Pair
from codeclone.match.weight_relation import RELATED_TO
from codeclone.match.weight_rungs import aligned_rows, directions
from codeclone.model import Role


def beside(pair: Pair, its: Ladder, told: str, role: Role, of_left: Pair) -> Beside:
    """`its`: the ladder of the pair. `told`: what a reason calls the candidate. `of_left`: the left with the candidate's best."""
    of_all = [place for place, sample in enumerate(pair.left.samples.tensors) if sample is not None]
    in_question = [tensor.left for tensor in its.tensors if tensor.relation in RELATED_TO]
    found = Beside(
        told=told,
        role=role,
        compared=all(
            2 * sum(place in of_left.pairs.pairs for place in places) >= len(places) for places in (of_all, in_question)
        ),
        overall=overall(of_left.tensors),
        evidence=0.0,
        departures=None,
        chance=None,
    )
    if not its.in_order:
        with_left = ladder(of_left.left, of_left.right, of_left.pairs, of_left.tensors)
        found = replace(found, evidence=with_left.evidence)
    return _departed(pair, of_left, found) if found.related else found


def _departed(pair: Pair, of_left: Pair, found: Beside) -> Beside:
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
    pair: Pair, of_left: Pair, place: int, right: int, base: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]] | None:
    """The values of a left tensor, of the right one and of the ancestor's that all three samples have."""
    if not pair.left.shape(place) == pair.right.shape(right) == of_left.right.shape(base):
        return None
    one = grids(pair.left, pair.right, {place: right}, place)
    two = grids(pair.left, of_left.right, {place: base}, place)
    if one is None or two is None:
        return None
    rows, columns = np.minimum(one[0].shape, two[0].shape)
    return one[0][:rows, :columns], one[1][:rows, :columns], two[1][:rows, :columns]
