"""Which document of settings of one repository goes with which of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codeclone.background import Shares
from codeclone.match.likelihood import Ratio, Weighed, ratio, weigh
from codeclone.match.settings import TELLING_VALUE, compare
from codeclone.parse.documents import Document

CANDIDATES = 4
"""Right documents that are compared setting by setting with a left one: those that share most rare settings and values."""

HOLDERS = 50
"""Right documents by which a setting or value leads to the candidates: of one that more have, the first."""

NAMESAKE = 3.0
"""Decades by which another document must agree better than the one of the same place: readers look for that one first. For one of
the same file name elsewhere, and for a class where classes are compared, half of it."""

TYPES = ("_class_name", "architecture", "image_processor_type", "feature_extractor_type")
"""Settings that name the class or function that is configured."""

PUBLIC_KEYS = {
    "pooling_mode_mean_tokens": "sentence-transformers",
    "zero_optimization": "DeepSpeed",
    "peft_type": "PEFT",
    "_diffusers_version": "diffusers",
    "pretrained_cfg": "timm",
}
"""Settings that only files of these libraries have: their other keys are the library's, and many of their values as well."""

ONE_DRAW = {"generation_config.json": "sampling"}
"""Files whose settings are chosen together, as those of sampling are."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A left document with the one of a candidate that explains it best."""

    left: Document
    right: Document
    weighed: tuple[Weighed, ...]
    ratio: Ratio

    @property
    def kept(self) -> tuple[Weighed, ...]:
        """Settings that are equal, under the same key or another."""
        return tuple(found for found in self.weighed if found.pairing.op in ("same", "renamed"))

    @property
    def rank(self) -> tuple[float, int]:
        """The larger, the better it explains the left one. What differs does not count: a changed copy is one as well."""
        return max(0.0, self.ratio.decades) + _namesake(self.left, self.right), len(self.kept)


def _namesake(left: Document, right: Document) -> float:
    """Decades by which another document must agree better than one of the same place, of the same file name, or of its sort."""
    if (left.qualname is None) != (right.qualname is None):
        return 0.0
    if (left.path, left.qualname) == (right.path, right.qualname):
        return NAMESAKE
    return NAMESAKE / 2 if left.role == right.role else 0.0


def best_pairs(
    mine: Sequence[Document], theirs: Sequence[Document], names: Mapping[str, Shares], implied: frozenset[int]
) -> dict[int, Pair]:
    """Index of a left document -> its best partner, where any has something in common with it."""
    texts = _index(theirs, lambda document: (entry.text for entry in document.entries))
    values = _index(theirs, lambda document: (entry.written for entry in document.entries))
    rare = _rare({*texts, *values} & {t for d in mine for e in d.entries for t in (e.text, e.written)}, names)
    namesakes = _index(theirs, _called)
    best = {}
    for number, document in enumerate(mine):
        scores: dict[int, float] = defaultdict(float)
        for entry in document.entries:
            for text, index in ((entry.text, texts), (entry.written, values)):
                for other in index.get(text, ())[:HOLDERS] if text in rare else ():
                    scores[other] += rare[text]
        called = _called(document)
        named = {other for name in called for other in namesakes.get(name, ())[:HOLDERS]}
        for other in sorted({*scores, *named}):
            scores[other] += sum(name in called for name in _called(theirs[other]))
        options = sorted(scores, key=lambda other: (-scores[other], other))[:CANDIDATES]
        pairs = [pair(document, theirs[other], names, implied) for other in options]
        if pairs:
            best[number] = max(pairs, key=lambda found: found.rank)
    return best


def _called(document: Document) -> tuple[str, ...]:
    """What a document is called: by its place, and a file by its name alone."""
    place = f"{document.path}#{document.qualname or ''}"
    return (place,) if document.qualname is not None else (place, document.role)


def _index(found: Sequence[Document], texts_of: Callable[[Document], Iterable[str]]) -> dict[str, list[int]]:
    index: dict[str, list[int]] = defaultdict(list)
    for number, document in enumerate(found):
        for text in dict.fromkeys(texts_of(document)):
            index[text].append(number)
    return index


def _rare(texts: Iterable[str], names: Mapping[str, Shares]) -> dict[str, float]:
    """Settings and values that fewer than one public model folder in 16 has, with their bits."""
    listed = sorted(texts)
    bits = np.where(
        ["=" in text for text in listed], names["settings"].bits(listed), names["values"].bits(listed)
    ).tolist()
    return {text: value for text, value in zip(listed, bits, strict=True) if value >= TELLING_VALUE}


def pair(left: Document, right: Document, names: Mapping[str, Shares], implied: frozenset[int]) -> Pair:
    """Two documents, setting by setting. `names`: how common settings are; `implied`: sizes that the tensors of both sides have."""
    values = [entry.written for entry in left.entries]
    bits = dict(zip(values, names["values"].bits(values).tolist(), strict=True))
    pairings = compare(left.entries, right.entries, bits)
    weighed = tuple(weigh(left.entries, right.entries, pairings, names, implied, ONE_DRAW.get(left.role, "")))
    return Pair(left, right, weighed, ratio(weighed))


def public_type(found: Pair, names: Mapping[str, Shares]) -> str:
    """What both documents say that they configure, where that is public; empty where it is not, or where they differ.

    All that is made from one public checkpoint of it shares its settings.
    """
    theirs = {entry.path: entry for entry in found.right.entries}
    for entry in found.left.entries:
        other = theirs.get(entry.path)
        library = next((PUBLIC_KEYS[name] for name in entry.path if name in PUBLIC_KEYS), "")
        if other is not None and library:
            return f"files of {library}"
        if other is None or other.written != entry.written or len(entry.path) > 1 or entry.key not in TYPES:
            continue
        if isinstance(entry.value, str) and names["definitions"].held_by([entry.value]).any():
            return entry.value[:60]
    return ""
