"""Tokenizers: what two share beyond the public tokenizer that they were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeclone import public_tokenizers
from codeclone.attribution import Explained, explain
from codeclone.background import STOCK_SHARE, text_keys
from codeclone.evidence import Context, Findings, Profiled, finding_id
from codeclone.match import chat, tokens
from codeclone.match.token_tables import Said, cut, entry_table, token_table, vocabulary_rows
from codeclone.model import (
    TOKEN_FLAGS,
    Compared,
    Evidence,
    Facts,
    Fragment,
    Level,
    Location,
    Measure,
    Method,
    Partition,
    Place,
    Profile,
    Snapshot,
    Stance,
    Table,
    TableRow,
    Token,
)
from codeclone.public_tokenizers import NONE, Base
from codeclone.read import vocabularies
from codeclone.read.tokenizer_folders import Tokenizer, read_tokenizers
from codeclone.read.tokenizers import format_of

TITLE = "Tokenizers"
VERSION = 1

METHOD = Method(
    "new tokens",
    {"most": tokens.MOST, "penalty": tokens.PENALTY, "moderate": tokens.MODERATE, "families": tokens.LEAST_FAMILIES},
    "likelihood ratio of shared new tokens beyond the base (docs/report-format.md); Kendall 1938 (order of merges)",
)

MAX_BEYOND = 5000
"""Tokens of a vocabulary behind the last id of its base: up to so many are new tokens, more are another vocabulary."""

PATH_PARTS, PATH_CHARACTERS = 3, 20
"""A path of at least so many parts and characters was hardly written twice; `data/corpus.txt` was."""

UNLIKE = 0.5
"""Two vocabularies of which less than this share stands under the same ids were not taken from one public tokenizer."""


def reads(path: str) -> bool:
    """Whether a file is one of a tokenizer, by its name."""
    return format_of(path) is not None


def profile(snapshot: Snapshot) -> Profile:
    """Read every tokenizer of a snapshot. Its facts are its special and added tokens."""
    found, skipped = read_tokenizers(snapshot)
    keys = [_keys(tokenizer.tokens) for tokenizer in found]
    owners = np.repeat(np.arange(len(found), dtype=np.int32), [len(some) for some in keys])
    every = np.concatenate([*keys, np.zeros(0, np.uint64)])
    order = np.lexsort((every, owners))
    count = len(every)
    return Profile(
        kind="tokenizer",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=Facts(
            keys=every[order],
            fragments=owners[order],
            nodes=np.zeros(count, np.int32),
            depths=np.zeros(count, np.uint8),
            readings=np.full(count, 7, np.uint8),
        ),
        fragments=tuple(Fragment(Location(t.path), "tokenizer", "module", "json", (), -1) for t in found),
        details={"tokenizers": found, "digests": tuple(_digest(t) for t in found)},
        skipped=skipped,
    )


def _digest(tokenizer: Tokenizer) -> str:
    return vocabularies.digest(tokenizer.vocabulary) if tokenizer.vocabulary else ""


def _keys(some: Sequence[Token]) -> NDArray[np.uint64]:
    """Two facts for each token: its content alone, and its content under its id and with its flags."""
    return np.unique(text_keys([text for token in some for text in (token.content, _exact(token))]))


def _exact(token: Token) -> str:
    return f"{token.id}|{token.content}|{token.told}"


# What each tokenizer was made from


@dataclass(frozen=True, slots=True)
class _Grounded:
    """A tokenizer, its base, and what it has beyond that."""

    tokenizer: Tokenizer
    digest: str
    bases: tuple[Base, ...]
    """None where the base is unknown, or where it is said to have none."""
    known: bool
    told: str
    """The base in words."""
    new: tuple[Token, ...]
    taken_out: int
    """Tokens that the base has; of an unknown base those that public tokenizers spell the same."""

    @property
    def contents(self) -> dict[str, Token]:
        return {token.content: token for token in self.new}


def _grounded(found: Profile, declared: Base | None, none: bool, bases: Sequence[Base]) -> list[_Grounded]:
    """`declared`: the base as the user names it; `none`: the user says that there is none."""
    return [
        _ground(tokenizer, digest, declared, none, bases)
        for tokenizer, digest in zip(found.details["tokenizers"], found.details["digests"], strict=True)
    ]


def _ground(tokenizer: Tokenizer, digest: str, declared: Base | None, none: bool, bases: Sequence[Base]) -> _Grounded:
    named = {token.content: token.id for token in tokenizer.tokens}
    if declared is not None:
        its_bases, told = (declared,), f"{declared.title}, as you say"
    else:
        ends: dict[int, set[int]] = {}
        for base in bases:
            if base.end:
                ends.setdefault(base.first, set()).add(base.end)
        digests = {
            (first, end): value
            for first, some in sorted(ends.items())
            for end, value in vocabularies.digests(tokenizer.vocabulary or (), first, some).items()
        }
        recognised = public_tokenizers.recognise(named, tokenizer.size, digests, bases)
        its_bases = recognised.bases
        titles = " or ".join(base.title for base in its_bases)
        tied = ": their special tokens are the same" if len(its_bases) > 1 else ""
        told = f"{titles}, recognised {recognised.how}{tied}" if its_bases else "unknown: " + recognised.how
        if not its_bases and none:
            told = "none, as you say"
    contents = frozenset().union(*(base.contents for base in its_bases))
    public = contents if its_bases else public_tokenizers.spellings()
    beyond = _beyond(tokenizer, its_bases[0]) if its_bases else ()
    new = tuple(token for token in (*tokenizer.tokens, *beyond) if token.content not in public)
    known = bool(its_bases) or none
    return _Grounded(tokenizer, digest, its_bases, known, told, new, len(tokenizer.tokens) + len(beyond) - len(new))


def _beyond(tokenizer: Tokenizer, base: Base) -> tuple[Token, ...]:
    """Tokens of the vocabulary behind the base that no file calls special or added."""
    vocabulary, where = tokenizer.vocabulary or (), tokenizer.vocabulary_location
    if where is None or not 0 < len(vocabulary) - base.size <= MAX_BEYOND:
        return ()
    known = {token.content for token in tokenizer.tokens}
    return tuple(
        Token(content, number, (None,) * len(TOKEN_FLAGS), where)
        for number, content in enumerate(vocabulary[base.size :], base.size)
        if content is not None and content not in known
    )


def _declared(context: Context) -> Base | None:
    """The base that the user names: a table, or the largest tokenizer of a snapshot."""
    source = context.base_tokenizer
    if source is None or source == NONE:
        return None
    if isinstance(source, str):
        return public_tokenizers.tables()[source]
    found = profile(source).details
    every = sorted(zip(found["tokenizers"], found["digests"], strict=True), key=lambda both: -(both[0].size or 0))
    if not every:
        return Base(source.repository.name, f"{source.repository.name} (in which no tokenizer was found)", {}, 0, 0, 0, "", "")
    tokenizer, digest = every[0]
    ids = {(token.id if token.id is not None else -1 - n): token.content for n, token in enumerate(tokenizer.tokens)}
    end = len(tokenizer.vocabulary or ())
    return Base(source.repository.name, source.repository.name, ids, tokenizer.size or 0, 0, end, digest, "named by the user")


# Comparison


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Pair each left tokenizer with the one of the right repository that shares most with it."""
    declared, none = _declared(context), context.base_tokenizer == NONE
    bases = [*public_tokenizers.tables().values(), *([declared] if declared is not None else [])]
    ours = _grounded(left, declared, none, bases)
    explained, by_file = _explained(ours, candidates, context)
    others = [candidate for candidate in candidates if candidate.role != "right"]
    evidence = [
        _finding(one, max(theirs, key=lambda other: _closeness(one, other)), others, context)
        for candidate in candidates
        if candidate.role == "right"
        for theirs in [_grounded(candidate.profile, None, none, bases)]
        for one in ours
        if theirs
    ]
    sides = [("left", left), *((candidate.name, candidate.profile) for candidate in candidates)]
    return Findings(
        evidence=tuple(evidence),
        attribution=(),
        partition=explained.partition(),
        calibrated=Partition(),
        by_file=by_file,
        compared=tuple(_compared(name, its_profile) for name, its_profile in sides),
        skipped=tuple((name, skip) for name, its_profile in sides for skip in its_profile.skipped),
    )


def _compared(name: str, found: Profile) -> Compared:
    tokenizers: tuple[Tokenizer, ...] = found.details["tokenizers"]
    facts = sum(max(len(t.tokens), len(t.vocabulary or ()), len(t.merges or ()), len(t.records)) for t in tokenizers)
    return Compared(name, "tokenizer", sum(len(t.records) for t in tokenizers), 0, 0, facts)


def _known_to(found: Profile, wanted: Sequence[str]) -> set[str]:
    """Which contents a repository has, among its tokens or in its vocabularies."""
    return {
        content
        for tokenizer in found.details["tokenizers"]
        for content in {*(t.content for t in tokenizer.tokens), *(tokenizer.vocabulary or ())}.intersection(wanted)
    }


def _explained(
    ours: Sequence[_Grounded], candidates: Sequence[Profiled], context: Context
) -> tuple[Explained, dict[str, Partition]]:
    """Half of a token's bits are those of its content, half those of its id and flags along with it."""
    facts: dict[str, tuple[str, float]] = {}
    files: dict[str, set[str]] = {}
    for grounded in ours:
        new = grounded.contents
        every = {**{token.content: token for token in grounded.tokenizer.tokens}, **new}
        bits = context.names["tokens"].bits([*every])
        for (content, token), its_bits in zip(every.items(), bits.tolist(), strict=True):
            for text in (content, _exact(token)):
                weight = its_bits / 2 if content in new else 0.0
                facts[text] = content, max(weight, facts.get(text, ("", 0.0))[1])
                files.setdefault(token.location.path, set()).add(text)
    texts = [*facts]
    keys, first = np.unique(text_keys(texts), return_index=True)
    weights = np.array([facts[texts[place]][1] for place in first.tolist()], np.float64)
    contents = sorted({content for content, _ in facts.values()})
    sides = [
        (
            candidate.role,
            np.union1d(candidate.profile.facts.keys, text_keys(sorted(_known_to(candidate.profile, contents)))),
        )
        for candidate in candidates
    ]
    explained = explain(keys, weights, context.background.stock_bits / 2, sides)
    return explained, {path: explained.partition(np.unique(text_keys(sorted(files[path])))) for path in sorted(files)}


def _closeness(left: _Grounded, right: _Grounded) -> tuple[float, ...]:
    ours, theirs = ({token.content for token in side.tokenizer.tokens} for side in (left, right))
    digests = {record.sha256 for record in left.tokenizer.records} & {r.sha256 for r in right.tokenizer.records}
    return (
        len(left.contents.keys() & right.contents.keys()),
        bool(left.digest) and left.digest == right.digest,
        len(digests),
        len(ours & theirs) / (len(ours | theirs) or 1),
        bool({base.name for base in left.bases} & {base.name for base in right.bases}),
        left.tokenizer.path == right.tokenizer.path,
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """All that the finding of two tokenizers is made of."""

    left: _Grounded
    right: _Grounded
    shared: tuple[str, ...]
    """New on both sides."""
    public: tuple[str, ...]
    """Of these, spelled so by a public tokenizer."""
    explained: Mapping[str, tuple[str, ...]]
    """Candidate -> which of the shared ones it has."""
    counted: Mapping[str, float]
    """Of the shared ones, those that nothing explains -> the share of model folders that know them."""
    score: tokens.Score
    overlap: tokens.Overlap | None
    merges: tuple[int, int, int, int, float] | None
    same_files: tuple[str, ...]
    """Paths on the left whose files the right has too, byte for byte; without those of public tokenizers, and of others
    that an ancestor or claimed source has."""
    same_paths: tuple[str, ...]
    """Telling paths of the machine that built it, of the same kind."""


def _finding(left: _Grounded, right: _Grounded, others: Sequence[Profiled], context: Context) -> Evidence:
    pair = _pair(left, right, others, context)
    its_level, reason = _judged(pair)
    places = [_places(side, pair) for side in (left, right)]
    foreign = left.bases and right.bases and not {b.name for b in left.bases} & {b.name for b in right.bases}
    stance: Stance = "for" if its_level != "none" else "against" if foreign and not pair.shared else "context"
    if foreign and not pair.shared:
        reason = f"the left was made from {left.told}; the right from {right.told}; and no new token is on both sides"
    contradicting = [*left.tokenizer.contradictions, *right.tokenizer.contradictions]
    if contradicting:
        first = contradicting[0]
        reason += f"; {len(contradicting)} places in which files contradict each other, such as {first.location.path}: {first.reason}"
    return Evidence(
        id=finding_id("tokenizer", *places),
        kind="tokenizer",
        claim=f"{_name(left)} and {_name(right)} share {_count(len(pair.shared), 'token')} beyond their base",
        stance=stance,
        level=its_level,
        left=tuple(places[0]),
        right=tuple(places[1]),
        measures=_measures(pair, context),
        method=METHOD,
        reason=reason,
        tables=_tables(pair, context),
    )


def _name(side: _Grounded) -> str:
    return "the tokenizer" if side.tokenizer.path == "." else side.tokenizer.path


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _places(side: _Grounded, pair: _Pair) -> list[Place]:
    """The new tokens that are shared; the whole tokenizer where there are none."""
    contents = side.contents
    found = [Place(contents[content].location, cut(content)) for content in pair.shared[:50]]
    return found or [Place(Location(side.tokenizer.path))]


def _pair(left: _Grounded, right: _Grounded, others: Sequence[Profiled], context: Context) -> _Pair:
    ours, theirs = left.contents, right.contents
    shared = tuple(content for content in ours if content in theirs)
    public = tuple(content for content in shared if content in public_tokenizers.spellings())
    explained = {
        other.name: tuple(content for content in shared if content in known)
        for other in others
        for known in [_known_to(other.profile, shared)]
    }
    gone = {*public, *(content for some in explained.values() for content in some)}
    rest = [content for content in shared if content not in gone]
    counted = dict(zip(rest, context.names["tokens"].shares(rest).tolist(), strict=True))
    left_only, right_only = ([c for c in one if c not in other] for one, other in ((ours, theirs), (theirs, ours)))
    score = tokens.score(counted, left_only, right_only, _slots(left, right, rest), STOCK_SHARE)
    a, b = left.tokenizer, right.tokenizer
    merges = None
    if a.merges and b.merges:
        both, tau = tokens.merge_order(a.merges, b.merges)
        merges = len(a.merges), len(b.merges), tokens.common_prefix(a.merges, b.merges), both, tau
    known_files = {r.sha256 for other in others for t in other.profile.details["tokenizers"] for r in t.records}
    known_files |= public_tokenizers.public_files().keys() | {r.sha256 for r in a.records if r.size == 0}
    known_paths = {leak.text for other in others for t in other.profile.details["tokenizers"] for leak in t.leaks}
    return _Pair(
        left=left,
        right=right,
        shared=shared,
        public=public,
        explained=explained,
        counted=counted,
        score=score,
        overlap=tokens.overlap(a.vocabulary, b.vocabulary) if a.vocabulary and b.vocabulary else None,
        merges=merges,
        same_files=tuple(
            r.path for r in a.records if r.sha256 in {other.sha256 for other in b.records} - known_files
        ),
        same_paths=tuple(
            leak.text
            for leak in a.leaks
            if leak.text in {other.text for other in b.leaks} - known_paths and _is_telling(leak.text)
        ),
    )


def _is_telling(path: str) -> bool:
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    known = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest() in public_tokenizers.public_paths()
    return len(parts) >= PATH_PARTS and len(path) >= PATH_CHARACTERS and not known


def _slots(left: _Grounded, right: _Grounded, contents: Sequence[str]) -> float:
    """Only where both keep the new tokens under the same ids, in slots that one base keeps free."""
    ours, theirs = left.contents, right.contents
    ids = [ours[content].id for content in contents]
    same = left.bases and {b.name for b in left.bases} & {b.name for b in right.bases}
    if not same or ids != [theirs[content].id for content in contents]:
        return 0.0
    places = {content: place for place, content in enumerate(left.tokenizer.listed)}
    listed = sorted(contents, key=lambda content: places.get(content, -1))
    in_order = [ours[content].id or 0 for content in listed]
    numbers = [number for number in ids if number is not None]
    return tokens.slot_term(numbers, left.bases[0].reserved, in_order == sorted(in_order)) if len(numbers) == len(ids) else 0.0
