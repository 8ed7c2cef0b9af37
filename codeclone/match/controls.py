"""Beside the figures of a pair of fragments the same figures for its left and its right one in what else could explain them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codeclone.match import align
from codeclone.match.measure import Pair, measure
from codeclone.match.pairing import best_alone
from codeclone.match.rivals import Rival
from codeclone.match.side import Side
from codeclone.model import SAME_FIGURE, Control

MEANING = f"{SAME_FIGURE}; telling bits are those of all that is not stock, whoever explains it"


def controls(
    left: Side,
    right: Side,
    pairs: Sequence[Pair],
    others: Sequence[Rival],
    not_stock: NDArray[np.bool_],
    bits: NDArray[np.float64],
) -> list[tuple[Control, ...]]:
    """Of each pair the figures of its left fragment with the best of every other candidate, and of its right fragment with
    the best of the same.

    `not_stock`, `bits`: of all facts of the comparison.
    """
    rows: list[list[Control]] = [[] for _ in pairs]
    for other in others:
        best = best_alone(right, other.side, {pair.right for pair in pairs})
        for pair, row in zip(pairs, rows, strict=True):
            match = other.matches.get(pair.left)
            for name, side, fragment, its in (
                ("left", left, pair.left, match.right if match else None),
                ("right", right, pair.right, best.get(pair.right)),
            ):
                if its is None:
                    row += _figures(f"{name} ~ {other.name}", None, 0.0)
                    continue
                found = measure(side, other.side, (fragment, its), (), not_stock, bits)
                surface = align.similarity(side.surface(fragment), other.side.surface(its))
                row += _figures(f"{name} ~ {other.name}", found, surface)
    return [tuple(row) for row in rows]


def _figures(name: str, found: Pair | None, surface: float) -> list[Control]:
    values = {
        "similarity": found.resemblance if found else 0.0,
        "containment_left": found.containment_left if found else 0.0,
        "containment_right": found.containment_right if found else 0.0,
        "shared_bits": round(found.shared, 3) if found else 0.0,
        "telling_bits": round(found.telling, 3) if found else 0.0,
        "surface": round(surface, 6),
    }
    return [Control(name, measure, value, MEANING) for measure, value in values.items()]
