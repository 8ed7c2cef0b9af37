"""Which settings of one repository another has, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone.background import Shares
from codeclone.match.setting_pairs import Pair, best_pairs
from codeclone.model import Place
from codeclone.parse.documents import Document

RENAMED, COMMON = 0.5, 0.25
"""Share of a setting that is found where another key has its value: half of what it says is its name; less where the value is one
that many have, so that it explains nothing by itself."""

Setting = tuple[int, int]
"""Places of a document and of an entry in it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one repository has of the settings of another."""

    pairs: Mapping[int, Pair]
    """Place of a document -> its pair with the best of the other repository's; those without one are missing."""
    sources: Mapping[Setting, tuple[float, Place]]
    """Share of each setting that is found, in (0, 1], and where."""

    @property
    def explained(self) -> list[Setting]:
        """Settings of which enough is found to explain them."""
        return [setting for setting, (score, _) in self.sources.items() if score >= RENAMED]


def holding(
    mine: Sequence[Document],
    theirs: Sequence[Document],
    names: Mapping[str, Shares],
    implied: frozenset[int],
    telling: float,
) -> Holding:
    """`implied`: sizes that the tensors of both have. `telling`: bits from which on a value tells something under another key."""
    pairs = best_pairs(mine, theirs, names, implied)
    anywhere = _anywhere(theirs)
    sources: dict[Setting, tuple[float, Place]] = {}
    for number, document in enumerate(mine):
        pair = pairs.get(number)
        partners = {found.pairing.left: found.pairing for found in pair.kept} if pair else {}
        bits = names["values"].bits([entry.written for entry in document.entries]).tolist()
        for at, entry in enumerate(document.entries):
            partner = partners.get(at)
            if partner is not None and pair is not None and partner.right is not None:
                score = 1.0 if partner.op == "same" else RENAMED if bits[at] >= telling else COMMON
                sources[number, at] = score, place(pair.right, partner.right)
            if sources.get((number, at), (0.0,))[0] < 1.0 and entry.text in anywhere:
                sources[number, at] = 1.0, anywhere[entry.text]
    return Holding(pairs, sources)


def place(document: Document, entry: int) -> Place:
    """Where a setting stands; its name is its path of keys."""
    return Place(document.location(entry), ".".join(document.entries[entry].path))


def _anywhere(documents: Sequence[Document]) -> dict[str, Place]:
    """`key=value` -> the first place of it."""
    found: dict[str, Place] = {}
    for document in documents:
        for number, entry in enumerate(document.entries):
            if entry.text not in found:
                found[entry.text] = place(document, number)
    return found
