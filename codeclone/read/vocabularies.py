"""Vocabularies in files of text, and one spelling for tokens whatever the file they come from.

A byte-level token is spelled as GPT-2 does, one printable character for each byte (Radford et al. 2019, the released
encoder); a piece of sentencepiece and of WordPiece stays as it is.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from codeclone.model import Vocabulary

MAX_ID = 2_000_000
"""Ids from here on are left out; the largest public vocabularies have about 260,000."""

MAX_MERGES = 3_000_000
"""The longest public list has about 515,000."""

MAX_TOKEN = 4096
"""Characters."""

RANK = re.compile(rb"([A-Za-z0-9+/]+={0,2}) (\d{1,9})[ \t]*\r?$", re.MULTILINE)
"""A line of a tiktoken file: a token's bytes in base64, and its rank, which is its id."""

FILLER = re.compile(r"\[PAD\d+\]")
"""What writers of GGUF put where ids have no token."""


class VocabularyError(ValueError):
    """The content is no vocabulary of this format; says so in one clause."""


def _spelling() -> tuple[str, ...]:
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in shown else next(others)) for byte in range(256))


SPELLING = _spelling()
"""The printable character for each byte."""


def spelled(content: bytes) -> str:
    """Bytes of a byte-level token as text."""
    return content.decode("latin-1").translate(SPELLING)


def by_id(ids: Mapping[str, int]) -> Vocabulary:
    """Tokens by id; of two with one id the later counts."""
    tokens: list[str | None] = [None] * (max(ids.values(), default=-1) + 1)
    for token, its_id in ids.items():
        tokens[its_id] = token
    return tuple(tokens)


def in_base64(text: object) -> str | None:
    """A byte-level token from its bytes in base64; None for what is none."""
    if not isinstance(text, str) or not text or len(text) > MAX_TOKEN:
        return None
    try:
        return spelled(base64.b64decode(text, validate=True))
    except ValueError:
        return None


def tiktoken(content: bytes) -> Vocabulary:
    """The tokens of a tiktoken file, empty lines passed over. Raises VocabularyError for what is none."""
    ids: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        found = RANK.fullmatch(line.rstrip(b"\r"))
        token = in_base64(found[1].decode("ascii")) if found else None
        if found is None or token is None:
            if line.strip():
                raise VocabularyError(f"no tiktoken ranks: line {number:,} is not a token in base64 and its rank")
            continue
        if int(found[2]) >= MAX_ID:
            raise VocabularyError(f"a rank of {int(found[2]):,}: over the bound of {MAX_ID:,}")
        ids[token] = int(found[2])
    if not ids:
        raise VocabularyError("empty")
    return by_id(ids)


def lines(content: bytes) -> list[str]:
    """Lines of a text file in UTF-8, without their ends. Raises VocabularyError for another encoding."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeError:
        raise VocabularyError("not text in UTF-8") from None
    if "\0" in text:
        raise VocabularyError("not text: it has zero bytes")
    found = [line.removesuffix("\r") for line in text.split("\n")]
    return found[:-1] if found and not found[-1] else found


def word_pieces(content: bytes) -> Vocabulary:
    """A token a line. Raises VocabularyError for what is none."""
    tokens = lines(content)
    if len(tokens) > MAX_ID or any(len(token) > MAX_TOKEN for token in tokens):
        raise VocabularyError(f"no vocabulary: over {MAX_ID:,} lines, or a line of over {MAX_TOKEN:,} characters")
    if not tokens:
        raise VocabularyError("empty")
    return tuple(tokens)


def merges(content: bytes) -> tuple[str, ...]:
    """Two tokens a line, after a line that names the version. Raises VocabularyError for what is none."""
    if content.count(b"\n") > MAX_MERGES:
        raise VocabularyError(f"more than {MAX_MERGES:,} merges")
    found = lines(content)
    if found and found[0].startswith("#version"):
        found = found[1:]
    for number, line in enumerate(found, 1):
        if line and (line.count(" ") != 1 or len(line) > 2 * MAX_TOKEN):
            raise VocabularyError(f"no merges: line {number:,} is not two tokens")
    if not any(found):
        raise VocabularyError("empty")
    return tuple(line for line in found if line)


def word_piece_of_gguf(token: str) -> str:
    """GGUF stores `word` as `▁word` and `##piece` as `piece`: this is the way back."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[1:] if token.startswith("\u2581") else f"##{token}"
