"""Two tokenizers beyond their base: how much more likely what they share is if one comes from the other.

log10 of the likelihood ratio of "the new tokens have one origin" against "two teams chose theirs independently" is the sum
over the shared families of new tokens of log10 1/p, with p the share of public model folders that know such a token, plus
a term for the slots that they stand in, less one for each family that is not shared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeclone.match.decades import MOST

PENALTY = 1.0
"""log10, for each family that is not shared: that a copy leaves out a family, or has one more, in one of ten."""

_PART = r"(?:start|begin|open|end|close|stop|bos|eos|bot|eot)"
_CLOSING = re.compile(r"^([^\w/]+)/")
_SIDE = re.compile(rf"(?<![^\W_])[_-]?{_PART}[_-]?(?=[\W_]*$)|(?<!\w){_PART}(?:[_-]|(?=of))", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


def family(content: str) -> str:
    """What a token shares with those that are made along with it: the other end of a pair, the rest of a numbered series."""
    bare = _CLOSING.sub(r"\1", content)
    return _NUMBER.sub("#", _SIDE.sub("", bare)).casefold()


@dataclass(frozen=True, slots=True)
class Score:
    """What shared and unshared new tokens say; log10 throughout."""

    ratio: float
    """At most `decades.MOST`."""
    families: int
    """Shared ones that count."""
    rare: int
    """Of these, those that fewer than one in a hundred model folders know."""
    slots: float
    """Of `ratio`, for the same choice of free slots."""
    penalties: int
    """Families that count against, `PENALTY` each."""


def score(
    shared: Mapping[str, float], only_left: Iterable[str], only_right: Iterable[str], slots: float, stock: float
) -> Score:
    """`shared`: content -> share of model folders that know it, of the new tokens that nothing else explains. `stock`: the
    share from which on a token is what everyone has.

    The side with fewer families of its own is penalised: a copier may add tokens freely, and so may the source later, but
    two strangers both have their own.
    """
    shares: dict[str, float] = {}
    for content, share in shared.items():
        name = family(content)
        shares[name] = max(share, shares.get(name, 0.0))
    own = [{family(content) for content in side} - shares.keys() for side in (only_left, only_right)]
    penalties = min(len(side) for side in own)
    if not shares:
        return Score(min(0.0, -PENALTY * penalties), 0, 0, 0.0, penalties)
    total = sum(-math.log10(shares[name]) for name in sorted(shares))
    rare = sum(share < stock for share in shares.values())
    counted = sum(share < 1.0 for share in shares.values())
    return Score(min(MOST, total + slots - PENALTY * penalties), counted, rare, slots, penalties)


def slot_term(ids: Sequence[int], free: Sequence[int], ordered: bool) -> float:
    """How surprising it is that both sides put k tokens into the same of the free slots, as log10 of the number of ways.

    `ids`: of the shared tokens, distinct; `free`: slots that the base keeps free, ascending; `ordered`: the tokens stand in
    the slots in the order in which they are listed. 0 where the slots are those that anyone would take: the first run of
    neighbouring free slots that is long enough, or the first free ones of all; and where some are no free slots.
    """
    taken, slots = sorted(ids), sorted(free)
    if not taken or not set(taken) <= set(slots):
        return 0.0
    count, places = len(taken), len(slots)
    if taken == slots[:count]:
        return 0.0
    for start in range(places - count + 1):
        run = slots[start : start + count]
        if run[-1] - run[0] == count - 1:
            if taken == run:
                return 0.0
            break
    ways = math.lgamma(places + 1) - math.lgamma(places - count + 1)
    return (ways - (math.lgamma(count + 1) if ordered else 0.0)) / math.log(10)


# Vocabularies and merges


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two vocabularies, token by token."""

    equal: bool
    prefix: int
    """Ids from 0 on that have the same token on both sides."""
    shared: int
    """Tokens that both have."""
    same_id: int
    """Of these, those with one id."""
    left: int
    """Tokens of the vocabulary; ids without one are not counted."""
    right: int

    @property
    def share(self) -> float:
        """Shared tokens in those of the smaller vocabulary."""
        return self.shared / min(self.left, self.right) if self.left and self.right else 0.0

    @property
    def id_share(self) -> float:
        """Shared tokens with one id in all shared ones."""
        return self.same_id / self.shared if self.shared else 0.0


def overlap(left: Sequence[str | None], right: Sequence[str | None]) -> Overlap:
    """Compare two vocabularies by id; ids without a token are passed over."""
    ids = {token: number for number, token in enumerate(left) if token is not None}
    shared = same = others = 0
    for number, token in enumerate(right):
        if token is None:
            continue
        others += 1
        place = ids.get(token)
        if place is not None:
            shared += 1
            same += place == number
    shared = min(shared, len(ids), others)
    return Overlap(list(left) == list(right), common_prefix(left, right), shared, min(same, shared), len(ids), others)


def common_prefix(left: Sequence[str | None], right: Sequence[str | None]) -> int:
    """How many entries from the first on are the same."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def merge_order(left: Sequence[str], right: Sequence[str]) -> tuple[int, float]:
    """How many merges both have, and Kendall's tau of the two orders they stand in: 1 the same, -1 reversed; 1 for fewer
    than two shared merges."""
    places = {merge: place for place, merge in enumerate(right)}
    found = [places[merge] for merge in dict.fromkeys(left) if merge in places]
    return len(found), kendall_tau(np.argsort(np.argsort(np.array(found, np.int64))))


def kendall_tau(ranks: NDArray[np.int64]) -> float:
    """Kendall's tau-a (Kendall 1938) of a permutation of 0 … n-1 with the identity, in O(n log n).

    Inversions are counted bit by bit: two entries whose ranks first differ in a bit are inverted where the one with the
    bit set stands first.
    """
    count = len(ranks)
    if count < 2:
        return 1.0
    inversions = 0
    for bit in range(int(count - 1).bit_length()):
        groups = ranks >> (bit + 1)
        order = np.argsort(groups, kind="stable")
        ones = (ranks[order] >> bit) & 1
        before = np.cumsum(ones)
        starts = np.searchsorted(groups[order], groups[order])
        base = np.where(starts > 0, before[starts - 1], 0)
        inversions += int(np.sum((before - base)[ones == 0]))
    return 1.0 - 4.0 * inversions / (count * (count - 1))
