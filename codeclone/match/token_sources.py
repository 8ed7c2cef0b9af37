"""Which tokens of one repository another has, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeclone.background import Shares
from codeclone.match.grounding import Grounded
from codeclone.model import Location, Place, Token, Tokenizer
from codeclone.plain import plain, shortened

CONTENT = 0.5
"""Share of a token that is found where its content is: the other half of what it says is its id and its flags."""

MAX_TEXT = 120
"""Characters of a token that name it."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The tokens of all tokenizers of one side, each fact of theirs once."""

    bits: Mapping[str, float]
    """Fact -> its bits; those of the base weigh nothing."""
    files: Mapping[str, frozenset[str]]
    """Path -> facts of the tokens that stand there."""


def facts(tokens: Iterable[Token]) -> list[str]:
    """Two facts for each token: its content alone, and its content under its id and with its flags."""
    return [text for token in tokens for text in (token.content, exact(token))]


def exact(token: Token) -> str:
    """A token with its id and flags, as one text."""
    return f"{token.id}|{token.content}|{token.told}"


def every(grounded: Grounded) -> list[Token]:
    """All tokens of a tokenizer: the new ones, then those of its base."""
    return [*grounded.new.values(), *grounded.taken_out]


def weighed(ours: Sequence[Grounded], shares: Shares) -> Weighed:
    """Half of a token's bits are those of its content, half those of its id and flags along with it."""
    bits: dict[str, float] = {}
    files: dict[str, set[str]] = {}
    for grounded in ours:
        tokens = every(grounded)
        for token, its_bits in zip(tokens, shares.bits([token.content for token in tokens]).tolist(), strict=True):
            half = its_bits * CONTENT if token.content in grounded.new else 0.0
            for text in facts([token]):
                bits[text] = max(bits.get(text, 0.0), half)
                files.setdefault(token.location.path, set()).add(text)
    return Weighed(dict(sorted(bits.items())), {path: frozenset(files[path]) for path in sorted(files)})


def sources(ours: Sequence[Grounded], theirs: Sequence[Tokenizer]) -> dict[str, tuple[float, Place]]:
    """Fact of each of our tokens as `exact` -> the share of it that they have, in (0, 1], and where."""
    tokens = {exact(token): token for grounded in ours for token in every(grounded)}
    wanted = {token.content for token in tokens.values()}
    same: dict[str, Place] = {}
    alike: dict[str, Place] = {}
    for tokenizer in theirs:
        for token in tokenizer.tokens:
            same.setdefault(exact(token), place(token))
            alike.setdefault(token.content, place(token))
        where = tokenizer.vocabulary_location or Location(tokenizer.path)
        for content in sorted(wanted & {*(tokenizer.vocabulary or ())}, key=str):
            alike.setdefault(content, Place(where, _named(content)))
    found = {}
    for text, token in tokens.items():
        if text in same:
            found[text] = 1.0, same[text]
        elif token.content in alike:
            found[text] = CONTENT, alike[token.content]
    return found


def held(ours: Sequence[Grounded], found: Mapping[str, tuple[float, Place]]) -> list[str]:
    """Facts of ours that they have. `found`: as `sources` has it."""
    tokens = (token for grounded in ours for token in every(grounded))
    return sorted(
        {text for token in tokens if exact(token) in found for text in (token.content, *_exactly(token, found))}
    )


def _exactly(token: Token, found: Mapping[str, tuple[float, Place]]) -> tuple[str, ...]:
    return (exact(token),) if found[exact(token)][0] == 1.0 else ()


def place(token: Token) -> Place:
    """Where a token stands; it is named by its content."""
    return Place(token.location, _named(token.content))


def _named(content: str) -> str:
    return shortened(plain(content), MAX_TEXT)
