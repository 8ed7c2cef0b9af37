"""Bytes of a source file -> text, without loss, whatever the encoding."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""PEP 263: in the first or second line."""

_CHARACTER_SETS = re.compile(
    r"(?:utf-(?:8|16|32)|ascii|iso8859|iso2022|latin|cp\d|koi8|kz1048|gb|big5|hz|shift|euc|johab|mac|ptcp|tis|hp)"
)
"""Names of the codecs that are character sets; others of Python's can be slow or are no encodings of text."""

_HEAD = 4096
"""Bytes in which the first two lines are looked for."""

_BLANK = re.compile(rb"^[ \t\f]*(?:[#\r\n]|$)")


@dataclass(frozen=True, slots=True)
class Text:
    """A decoded source file. Line ends are normalised to a single line feed."""

    content: str
    encoding: str
    """The codec that decoded it; `latin-1` when nothing else did."""


def decode(content: bytes) -> Text | None:
    """Decode by byte-order mark, PEP 263 cookie, UTF-8, then Latin-1, which maps every byte; None for binary data."""
    if b"\0" in content and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        return Text(text.replace("\r\n", "\n").replace("\r", "\n"), encoding)
    return None


def _encodings(content: bytes) -> list[str]:
    if content.startswith(codecs.BOM_UTF8):
        return ["utf-8-sig", "latin-1"]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    first, second, *_ = [*re.split(rb"\r\n?|\n", content[:_HEAD], maxsplit=2), b""]
    cookie = _COOKIE.match(first)
    if cookie is None and _BLANK.match(first):
        cookie = _COOKIE.match(second)
    named = [_text_codec(cookie.group(1).decode("ascii"))] if cookie else []
    return [*filter(None, named), "utf-8", "latin-1"]


def _text_codec(name: str) -> str | None:
    """The codec's own name; None for one that is unknown or that no source file is written in (`hex`, `punycode` …)."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if _CHARACTER_SETS.match(found) else None
