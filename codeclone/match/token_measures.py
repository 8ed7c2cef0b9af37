"""Two tokenizers in figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codeclone.background import Shares
from codeclone.match import chat
from codeclone.match.figures import share
from codeclone.match.token_pairs import Pair
from codeclone.model import Measure

COMPARED_TEMPLATES = 4
"""Chat templates of each side; a tokenizer has up to three."""

_RIGHT = "found right; of all its special tokens where neither side has new ones"
_LEFT = "found left; of all its special tokens where neither side has new ones"


def measures(found: Pair, bits: Shares) -> tuple[Measure, ...]:
    """The figures of a pair. `bits`: how many model folders know a token."""
    left, right = {*found.left.new}, {*found.right.new}
    if not left and not right:
        left, right = ({token.content for token in side.taken_out} for side in (found.left, found.right))
    both = len(left & right)
    figures = [
        Measure("similarity", share(both, len(left | right)), "fraction", "new tokens of both in those of either side"),
        Measure("containment_left", share(both, len(left)), "fraction", f"share of the left's new tokens {_RIGHT}"),
        Measure("containment_right", share(both, len(right)), "fraction", f"share of the right's new tokens {_LEFT}"),
        Measure("shared_bits", _bits(bits.bits(found.shared)), "bits", "rarity of the shared new tokens, added up"),
        Measure("attributable_bits", _bits(bits.bits([*found.counted])), "bits", "of these, of those nothing explains"),
        Measure(
            "decades",
            round(found.score.ratio, 6),
            "decades",
            "log10 of the likelihood ratio, at most 6: what the level goes by",
        ),
        Measure("shared_new_tokens", len(found.shared), "tokens", "tokens beyond the base that both sides have"),
        Measure("shared_families", found.score.families, "families", "pairs and series of them that nothing explains"),
        Measure("slots", round(found.score.slots, 6), "decades", "of the ratio, for the same choice of free slots"),
    ]
    if found.overlap is not None:
        same = found.overlap
        figures += [
            Measure("vocabulary_shared", round(same.share, 6), "fraction", "tokens of both in the smaller vocabulary"),
            Measure("vocabulary_same_ids", round(same.id_share, 6), "fraction", "of these, those with the same id"),
            Measure("vocabulary_prefix", same.prefix, "tokens", "ids from 0 on with the same token"),
        ]
    if found.merges is not None:
        figures += [
            Measure("merges_prefix", found.merges.prefix, "merges", "from the first on, the same in the same order"),
            Measure("merges_order", found.merges.order, "correlation", "Kendall's tau of the shared merges"),
        ]
    alike = _templates(found)
    if alike is not None:
        figures.append(
            Measure("template", round(alike, 6), "fraction", "shared subtrees of the closest chat templates")
        )
    return tuple(figures)


def _templates(found: Pair) -> float | None:
    ours, theirs = (side.tokenizer.templates[:COMPARED_TEMPLATES] for side in (found.left, found.right))
    if {template.text for template in ours} & {template.text for template in theirs}:
        return 1.0
    if not ours or not theirs:
        return None
    trees = [[chat.subtrees(template.text) for template in side] for side in (ours, theirs)]
    values = [chat.likeness(one, other) for one in trees[0] for other in trees[1]]
    return max((value for value in values if value is not None), default=None)


def _bits(values: NDArray[np.float64]) -> float:
    return round(float(values.sum()), 3)
