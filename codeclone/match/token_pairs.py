"""Two tokenizers side by side: what they share that nothing else explains, what it counts as, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone import public_tokenizers
from codeclone.background import STOCK_SHARE, Shares
from codeclone.match import tokens
from codeclone.match.decades import level_of
from codeclone.match.grounding import Grounded
from codeclone.model import LEVELS, Level, Tokenizer

PATH_PARTS, PATH_CHARACTERS = 3, 20
"""A path of at least so many parts and characters was hardly written twice; `data/corpus.txt` was."""

WHOLE = ("tokenizer.json", "sentencepiece", "tekken.json", "gguf")
"""Formats of files that hold the vocabulary and the new tokens."""

UNLIKE = 0.5
"""Two vocabularies whose tokens share fewer ids than this were not taken from one public tokenizer."""


@dataclass(frozen=True, slots=True)
class Merges:
    """Two lists of merges."""

    left: int
    """How many there are."""
    right: int
    prefix: int
    """The same from the first on."""
    shared: int
    order: float
    """Kendall's tau of the shared ones, in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Other:
    """What an ancestor or claimed source has of what could be shared."""

    name: str
    claimed: bool
    tokens: frozenset[str]
    """Those of the new tokens of either side that it has."""
    files: frozenset[str]
    """SHA-256."""
    paths: frozenset[str]
    """That its trainers noted."""
    vocabularies: frozenset[str]
    """Digests."""


@dataclass(frozen=True, slots=True)
class Pair:
    """All that the finding of two tokenizers is made of."""

    left: Grounded
    right: Grounded
    shared: tuple[str, ...]
    """New on both sides, in the order of the left ids."""
    public: tuple[str, ...]
    """Of these, spelled so by a public tokenizer."""
    others: tuple[Other, ...]
    counted: Mapping[str, float]
    """Of the shared ones, those that nothing explains -> the share of model folders that know them."""
    unheard: int
    """Of these, how many no model folder knows."""
    folders: int
    """Public model folders that were counted."""
    score: tokens.Score
    overlap: tokens.Overlap | None
    merges: Merges | None
    same_files: tuple[str, ...]
    """Paths on the left whose files the right has too, byte for byte, whole tokenizers first; without those that are public or
    explained."""
    same_paths: tuple[str, ...]
    """Telling paths of the machine that built it, that both name; without those that are public or explained."""
    same_vocabulary: bool
    """The same, of an unknown base, and not explained."""


def pair(left: Grounded, right: Grounded, others: Sequence[Other], shares: Shares) -> Pair:
    """Compare two tokenizers. `shares`: how many model folders know a token."""
    shared = tuple(content for content in left.new if content in right.new)
    public = tuple(content for content in shared if content in public_tokenizers.spellings())
    gone = frozenset(public).union(*(other.tokens for other in others))
    rest = [content for content in shared if content not in gone]
    counted = dict(zip(rest, shares.shares(rest).tolist(), strict=True))
    only_left = [content for content in left.new if content not in right.new]
    only_right = [content for content in right.new if content not in left.new]
    ours, theirs = left.tokenizer, right.tokenizer
    public_files = frozenset(public_tokenizers.public_files())
    same_files = {record.sha256 for record in theirs.records if record.size}
    same_files -= public_files.union(*(other.files for other in others))
    formats = {record.path: record.format for record in ours.records}
    same_paths = {leak.text for leak in theirs.leaks}.difference(*(other.paths for other in others))
    alike = [record.path for record in ours.records if record.sha256 in same_files]
    explained = any(left.digest in other.vocabularies for other in others)
    return Pair(
        left=left,
        right=right,
        shared=shared,
        public=public,
        others=tuple(others),
        counted=counted,
        unheard=int((shares.held_by(rest) == 0).sum()),
        folders=shares.folders,
        score=tokens.score(counted, only_left, only_right, _slots(left, right, rest), STOCK_SHARE),
        overlap=tokens.overlap(ours.vocabulary, theirs.vocabulary) if ours.vocabulary and theirs.vocabulary else None,
        merges=_merges(ours, theirs),
        same_files=tuple(sorted(alike, key=lambda path: (formats[path] not in WHOLE, path))),
        same_paths=tuple(leak.text for leak in ours.leaks if leak.text in same_paths and _is_telling(leak.text)),
        same_vocabulary=bool(left.digest) and left.digest == right.digest and not left.bases and not explained,
    )


def _merges(left: Tokenizer, right: Tokenizer) -> Merges | None:
    if not left.merges or not right.merges:
        return None
    shared, order = tokens.merge_order(left.merges, right.merges)
    return Merges(
        len(left.merges), len(right.merges), tokens.common_prefix(left.merges, right.merges), shared, round(order, 6)
    )


def _is_telling(path: str) -> bool:
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    known = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest() in public_tokenizers.public_paths()
    return len(parts) >= PATH_PARTS and len(path) >= PATH_CHARACTERS and not known


def _slots(left: Grounded, right: Grounded, contents: Sequence[str]) -> float:
    """Only where both keep the new tokens under the same ids, in slots that their base keeps free."""
    ids = [left.new[content].id for content in contents]
    if not left.base_names & right.base_names or ids != [right.new[content].id for content in contents]:
        return 0.0
    places = {content: place for place, content in enumerate(left.tokenizer.listed)}
    in_order = [left.new[content].id or 0 for content in sorted(contents, key=lambda content: places.get(content, -1))]
    numbers = [number for number in ids if number is not None]
    if len(numbers) < len(ids):
        return 0.0
    return tokens.slot_term(numbers, left.bases[0].reserved, in_order == sorted(in_order))


# What it counts as


def judged(found: Pair) -> tuple[Level, str]:
    """The level of a pair, and why in a sentence or two."""
    its_level = level_of(found.score.ratio, found.score.families, found.score.rare)
    sentences = [_tokens_sentence(found)]
    if _may_have_one_base(found) and LEVELS.index(its_level) > LEVELS.index("weak"):
        its_level = "weak"
        sentences.append(
            "the base of neither is known, and a public tokenizer that is missing from the tables may have these tokens: "
            "name it with --base-tokenizer (or `none`) to have them weighed"
        )
    if its_level == "moderate" and (found.same_paths or _is_whole(found)):
        its_level = "strong"
    if found.same_paths:
        alike = found.overlap is not None and found.overlap.equal
        if not alike:
            its_level = max(its_level, "moderate", key=LEVELS.index)
        sentences.append(
            f"both models of sentencepiece name {found.same_paths[0]!r} on the machine that they were trained on"
            + (", as any two copies of one public model would" if alike and LEVELS.index(its_level) < 2 else "")
        )
    if found.same_vocabulary:
        its_level = max(its_level, "weak", key=LEVELS.index)
        sentences.append(
            "the vocabularies are the same and no public one that is known here, which shows a shared origin; a public "
            "tokenizer that is missing from the tables explains it as well"
        )
    if found.same_files and (found.counted or not found.left.bases):
        if not found.left.bases:
            its_level = max(its_level, "weak", key=LEVELS.index)
        sentences.append(f"{found.same_files[0]} is the same file on both sides, byte for byte")
    return its_level, "; ".join(sentences)


def _is_whole(found: Pair) -> bool:
    """Whether one of the equal files holds a whole tokenizer: a list of the new tokens alone says no more than these."""
    formats = {record.path: record.format for record in found.left.tokenizer.records}
    return any(formats[path] in WHOLE for path in found.same_files)


def _may_have_one_base(found: Pair) -> bool:
    """Whether all that is shared may come with one public tokenizer that no table has."""
    if found.left.known or found.right.known:
        return False
    return found.overlap is None or found.overlap.shared == 0 or found.overlap.id_share >= UNLIKE


def _tokens_sentence(found: Pair) -> str:
    base = f"base of the left: {found.left.told}"
    if found.right.told != found.left.told:
        base += f"; of the right: {found.right.told}"
    if not found.shared:
        counts = f"{len(found.left.new):,} on the left and {len(found.right.new):,} on the right"
        return f"no token beyond the base stands on both sides ({counts}); {base}"
    same = sum(
        found.left.new[content].id == found.right.new[content].id
        and found.left.new[content].told == found.right.new[content].told
        for content in found.shared
    )
    head = f"{len(found.shared):,} of {_count(len(found.left.new), 'token')} beyond the base"
    head += " stand" if len(found.shared) != 1 else " stands"
    which = "all of them" if same == len(found.shared) else f"{same:,} of them" if same else "none of them"
    head += f" on both sides, {which} with the same ids and flags"
    parts = [head, *_explanations(found)]
    if found.counted:
        which = "them" if len(found.counted) == len(found.shared) else f"the {len(found.counted):,} that remain"
        parts.append(f"{found.unheard:,} of {which} nobody among {found.folders:,} public model folders uses")
    return f"{'; '.join(parts)}; {base}"


def _explanations(found: Pair) -> list[str]:
    """Who else has how many of the shared tokens."""
    parts = []
    if found.public:
        parts.append(f"{len(found.public):,} of them are spelled so by a public tokenizer and count for nothing")
    for other in found.others:
        how_many = sum(content in other.tokens for content in found.shared)
        named = ", which the authors name as the source," if other.claimed else ""
        parts.append(f"{other.name}{named} explains {how_many:,} of {len(found.shared):,}")
    return parts


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
