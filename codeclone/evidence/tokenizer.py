"""Tokenizers: what two share beyond the public tokenizer that they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from codeclone import public_tokenizers
from codeclone.attribution import Item, attributed, explained_items
from codeclone.background import text_keys
from codeclone.errors import NothingToCompareError
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
    weights_of,
    whole_controls,
)
from codeclone.match import decades, token_sources, tokens
from codeclone.match.grounding import Grounded, base_of, ground
from codeclone.match.token_measures import measures
from codeclone.match.token_pairs import Other, Pair, judged, pair
from codeclone.match.token_sources import Weighed
from codeclone.match.token_tables import cut, tables
from codeclone.model import (
    Compared,
    Evidence,
    Fragment,
    Location,
    Method,
    Place,
    Profile,
    Snapshot,
    Stance,
    Tokenizer,
)
from codeclone.public_tokenizers import NONE, Base
from codeclone.read.tokenizer_files import format_of
from codeclone.read.tokenizer_folders import read_tokenizers

TITLE = "Tokenizer"
VERSION = 1

METHOD = Method(
    "new tokens",
    {
        "most": decades.MOST,
        "penalty": tokens.PENALTY,
        "weak": decades.WEAK,
        "moderate": decades.MODERATE,
        "families": decades.LEAST_GROUPS,
    },
    "likelihood ratio of shared new tokens beyond the base (docs/statistics.md); Kendall 1938 (order of merges)",
)

PLACES = 50
"""Shared tokens whose places are listed."""


def reads(path: str) -> bool:
    """Whether a file is one of a tokenizer, by its name."""
    return format_of(path) is not None


def profile(snapshot: Snapshot) -> Profile:
    """Read every tokenizer of a snapshot. Its facts are its special and added tokens."""
    found, left_out = read_tokenizers(snapshot)
    texts = [(number, text) for number, tokenizer in enumerate(found) for text in token_sources.facts(tokenizer.tokens)]
    return Profile(
        kind="tokenizer",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=facts_of_data(text_keys(text for _, text in texts), [number for number, _ in texts]),
        fragments=tuple(Fragment(Location(t.path), "tokenizer", "module", "json", (), -1) for t in found),
        details={"tokenizers": found, "digests": tuple(_digest(tokenizer) for tokenizer in found)},
        skipped=left_out,
    )


def _digest(tokenizer: Tokenizer) -> str:
    return public_tokenizers.digest(tokenizer.vocabulary) if tokenizer.vocabulary else ""


# Comparison


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Pair each left tokenizer with the one of the right repository that shares most with it."""
    declared, none = _declared(context), context.base_tokenizer == NONE
    bases = [*public_tokenizers.tables().values(), *([declared] if declared is not None else [])]
    ours = _grounded(left, declared, none, bases)
    theirs = {c.name: _grounded(c.profile, None, none, bases) for c in candidates}
    right, others = right_of(candidates), explaining(candidates)
    sources = {c.name: token_sources.sources(ours, c.profile.details["tokenizers"]) for c in candidates}
    weighed = token_sources.weighed(ours, context.names["tokens"])
    weights = weights_of(weighed.bits, context.background.stock_bits * token_sources.CONTENT)
    known = {name: text_keys(token_sources.held(ours, its)) for name, its in sources.items()}
    explained = weights.explained(roles(candidates), known)
    items = _items(ours, sources, weighed, weights.stock_bits)
    shares = weights.held(known)
    return Findings(
        evidence=strongest_first(_findings(ours, theirs, right, others, context)),
        attribution=attributed("tokenizer", items, roles(candidates)),
        explanations=explained_items("tokenizer", items, roles(candidates), shares),
        controls=whole_controls(TITLE, candidates, shares, _held_of_right(theirs[right.name], others, context)),
        partition=explained.partition(),
        by_file={path: explained.partition(np.unique(text_keys(sorted(its)))) for path, its in weighed.files.items()},
        compared=tuple(_compared(name, its_profile) for name, its_profile in sides(left, candidates)),
        skipped=skipped(left, candidates),
    )


def _declared(context: Context) -> Base | None:
    """The base that the user names: a table, or the largest tokenizer of a snapshot. Raises NothingToCompareError where that
    has none."""
    source = context.base_tokenizer
    if source is None or source == NONE:
        return None
    if isinstance(source, str):
        return public_tokenizers.tables()[source]
    found = profile(source).details
    every = [*zip(found["tokenizers"], found["digests"], strict=True)]
    if not every:
        raise NothingToCompareError(f"{source.repository.name}: no tokenizer was found, so it is no base of one")
    largest = max(every, key=lambda both: (both[0].size or 0, len(both[0].tokens)))
    return base_of(source.repository.name, *largest)


def _grounded(found: Profile, declared: Base | None, none: bool, bases: Sequence[Base]) -> list[Grounded]:
    every = zip(found.details["tokenizers"], found.details["digests"], strict=True)
    return [ground(tokenizer, digest, declared, none, bases) for tokenizer, digest in every]


def _compared(name: str, found: Profile) -> Compared:
    tokenizers: tuple[Tokenizer, ...] = found.details["tokenizers"]
    facts = sum(max(len(t.tokens), len(t.vocabulary or ()), len(t.merges or ()), len(t.records)) for t in tokenizers)
    return Compared(name, "tokenizer", sum(len(t.records) for t in tokenizers), 0, 0, facts)


def _known_to(found: Profile, wanted: Sequence[str]) -> frozenset[str]:
    """Which contents a repository has, among its tokens or in its vocabularies."""
    return frozenset(
        content
        for tokenizer in found.details["tokenizers"]
        for content in {*(token.content for token in tokenizer.tokens), *(tokenizer.vocabulary or ())} & {*wanted}
    )


Sources = Mapping[str, tuple[float, Place]]
"""As `token_sources.sources` has them."""


def _items(ours: Sequence[Grounded], sources: Mapping[str, Sources], weighed: Weighed, stock_bits: float) -> list[Item]:
    return [
        Item(
            token_sources.place(token),
            weighed.bits[token.content] >= stock_bits,
            {
                name: its[token_sources.exact(token)]
                for name, its in sources.items()
                if token_sources.exact(token) in its
            },
        )
        for grounded in ours
        for token in token_sources.every(grounded)
    ]


def _held_of_right(theirs: Sequence[Grounded], others: Sequence[Profiled], context: Context) -> dict[str, float]:
    """Ancestor or claimed source -> share of the bits of the right repository's new tokens that it has."""
    weighed = token_sources.weighed(theirs, context.names["tokens"])
    weights = weights_of(weighed.bits, context.background.stock_bits * token_sources.CONTENT)
    sources = {c.name: token_sources.sources(theirs, c.profile.details["tokenizers"]) for c in others}
    return weights.held({name: text_keys(token_sources.held(theirs, its)) for name, its in sources.items()})


_Contents = tuple[frozenset[str], frozenset[str]]


def _contents(found: Grounded) -> _Contents:
    """Contents of all tokens, and of the new ones."""
    return frozenset(token.content for token in found.tokenizer.tokens), frozenset(found.new)


def _closest(left: Grounded, rights: Sequence[Grounded]) -> Grounded | None:
    """Which of the right tokenizers has most in common with a left one; None where there are none."""
    ours = _contents(left)
    return max(rights, key=lambda right: _closeness(left, right, ours, _contents(right)), default=None)


def _closeness(left: Grounded, right: Grounded, ours: _Contents, theirs: _Contents) -> tuple[float, ...]:
    """How much two tokenizers have in common, the most telling first."""
    both = len(ours[0] & theirs[0])
    files = {record.sha256 for record in left.tokenizer.records} & {r.sha256 for r in right.tokenizer.records}
    return (
        len(ours[1] & theirs[1]),
        bool(left.digest) and left.digest == right.digest,
        len(files),
        both / ((len(ours[0]) + len(theirs[0]) - both) or 1),
        bool(left.base_names & right.base_names),
        left.tokenizer.path == right.tokenizer.path,
    )


# What is found


def _findings(
    ours: Sequence[Grounded],
    theirs: Mapping[str, Sequence[Grounded]],
    right: Profiled,
    others: Sequence[Profiled],
    context: Context,
) -> list[Evidence]:
    found = []
    for one in ours:
        other = _closest(one, theirs[right.name])
        if other is not None:
            finding = _finding(one, other, others, context)
            pairs = [
                (f"{side} ~ {rival.name}", its, _closest(its, theirs[rival.name]))
                for rival in others
                for side, its in (("left", one), ("right", other))
            ]
            shares = context.names["tokens"]
            figures = (
                (name, measures(pair(its, its_best, [], shares), shares) if its_best else None)
                for name, its, its_best in pairs
            )
            found.append(replace(finding, controls=same_figures(finding.measures, figures)))
    return found


def _finding(left: Grounded, right: Grounded, others: Sequence[Profiled], context: Context) -> Evidence:
    shares = context.names["tokens"]
    found = pair(left, right, [_other(other, left, right) for other in others], shares)
    its_level, reason = judged(found)
    foreign = bool(left.bases and right.bases and not left.base_names & right.base_names and not found.shared)
    stance: Stance = "for" if its_level != "none" else "against" if foreign else "context"
    contradicting = [*left.tokenizer.contradictions, *right.tokenizer.contradictions]
    if contradicting:
        reason += (
            f"; files contradict each other in {len(contradicting):,} places, the first in "
            f"{contradicting[0].location.path}: {contradicting[0].reason}"
        )
    places = [_places(side, found) for side in (left, right)]
    return Evidence(
        id=finding_id("tokenizer", *places),
        kind="tokenizer",
        claim=f"{_names(left, right)} share {_new(len(found.shared))} beyond their base",
        stance=stance,
        level=its_level,
        left=places[0],
        right=places[1],
        measures=measures(found, context.names["tokens"]),
        method=METHOD,
        reason=reason,
        tables=tables(found, shares),
    )


def _other(candidate: Profiled, left: Grounded, right: Grounded) -> Other:
    tokenizers: tuple[Tokenizer, ...] = candidate.profile.details["tokenizers"]
    return Other(
        name=candidate.name,
        claimed=candidate.role == "claimed",
        tokens=_known_to(candidate.profile, [*left.new, *right.new]),
        files=frozenset(record.sha256 for tokenizer in tokenizers for record in tokenizer.records),
        paths=frozenset(leak.text for tokenizer in tokenizers for leak in tokenizer.leaks),
        vocabularies=frozenset(filter(None, candidate.profile.details["digests"])),
    )


def _names(left: Grounded, right: Grounded) -> str:
    if left.tokenizer.path == right.tokenizer.path == ".":
        return "the two tokenizers"
    names = ("the tokenizer" if side.tokenizer.path == "." else side.tokenizer.path for side in (left, right))
    return " and ".join(names)


def _new(number: int) -> str:
    return f"{number:,} token{'' if number == 1 else 's'}" if number else "no token"


def _places(side: Grounded, found: Pair) -> tuple[Place, ...]:
    """The new tokens that are shared; the whole tokenizer where there are none."""
    places = tuple(Place(side.new[content].location, cut(content)) for content in found.shared[:PLACES])
    return places or (Place(Location(side.tokenizer.path)),)
