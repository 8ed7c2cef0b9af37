"""What a tokenizer was made from, and what it has beyond that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone import public_tokenizers
from codeclone.model import TOKEN_FLAGS, Token, Tokenizer
from codeclone.public_tokenizers import Base

MAX_BEYOND = 5000
"""Tokens of a vocabulary behind the last id of its base: up to so many are new tokens, more are another vocabulary."""


@dataclass(frozen=True, slots=True)
class Grounded:
    """A tokenizer, its base, and what it has beyond that."""

    tokenizer: Tokenizer
    digest: str
    """Of the vocabulary; empty where it has none."""
    bases: tuple[Base, ...]
    """Several where they cannot be told apart; none where the base is unknown, or where the user says that there is none."""
    known: bool
    """The base was named or recognised, or the user says that there is none."""
    told: str
    """The base in words."""
    new: Mapping[str, Token]
    """By content."""
    taken_out: tuple[Token, ...]
    """Tokens that the base has; of an unknown base those that public tokenizers spell the same."""

    @property
    def base_names(self) -> frozenset[str]:
        return frozenset(base.name for base in self.bases)


def ground(tokenizer: Tokenizer, digest: str, declared: Base | None, none: bool, bases: Sequence[Base]) -> Grounded:
    """`declared`: the base as the user names it; `none`: the user says that there is none; `bases`: among which it is
    recognised where the user names none."""
    found: tuple[Base, ...]
    if declared is not None:
        found, told = (declared,), f"{declared.title}, as you say"
    else:
        found, told = _recognised(tokenizer, bases)
        told = "none, as you say" if none and not found else told
    known_contents = frozenset[str]().union(*(base.contents for base in found))
    public = known_contents if found else frozenset(public_tokenizers.spellings())
    series = {_series(content) for content in public}

    def is_public(token: Token) -> bool:
        return token.content in public or _series(token.content) in series

    every = (*tokenizer.tokens, *(_beyond(tokenizer, found[0]) if found else ()))
    return Grounded(
        tokenizer=tokenizer,
        digest=digest,
        bases=found,
        known=bool(found) or none,
        told=told,
        new={token.content: token for token in every if not is_public(token)},
        taken_out=tuple(token for token in every if is_public(token)),
    )


def _series(content: str) -> str:
    """The same for all tokens of a numbered series, such as filler slots; the content itself where there is no number."""
    return re.sub(r"\d+", "0", content)


def _recognised(tokenizer: Tokenizer, bases: Sequence[Base]) -> tuple[tuple[Base, ...], str]:
    ends: dict[int, set[int]] = {}
    for base in bases:
        if base.end:
            ends.setdefault(base.first, set()).add(base.end)
    digests = {
        (first, end): value
        for first, some in sorted(ends.items())
        for end, value in public_tokenizers.digests(tokenizer.vocabulary or (), first, some).items()
    }
    named = {token.content: token.id for token in tokenizer.tokens}
    recognised = public_tokenizers.recognise(named, tokenizer.size, digests, bases)
    titles = " or ".join(base.title for base in recognised.bases)
    if not titles:
        return (), f"unknown, {recognised.how}"
    same = "special tokens are" if "special" in recognised.how else "vocabulary is"
    tied = f" (their {same} the same)" if len(recognised.bases) > 1 else ""
    return recognised.bases, f"{titles}{tied}, recognised {recognised.how}"


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


def base_of(name: str, tokenizer: Tokenizer, digest: str) -> Base:
    """A tokenizer as a base that a user names."""
    ids = {
        (-1 - place if token.id is None else token.id): token.content for place, token in enumerate(tokenizer.tokens)
    }
    return Base(name, name, ids, tokenizer.size or 0, 0, len(tokenizer.vocabulary or ()), digest, "named by the user")
