"""What fields declare: the front matter of model cards, the metadata of packages, JSON settings of models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from codeclone.model import DeclarationKind
from codeclone.parse.licences import licence_named
from codeclone.read.data import escaped

MAX_FRONT = 64 * 2**10
"""Characters of front matter that are read; the longest cards list a few thousand languages and metrics."""

MAX_VALUES = 50
"""Base models of one card; merges of models name up to twenty."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_FIELD = re.compile(r"^([A-Za-z_]\w{0,40}):[ \t]*([^\n]*)$")
_ITEM = re.compile(r"^[ \t]*-[ \t]+([^\n]*)$")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_LICENCE_FIELD = re.compile(
    r"^[ \t]*+[\"']?(?:license|licence|license-expression|license_expression)[\"']?[ \t]*+[:=][ \t]*+(?:\{[ \t]*+text[ \t]*+=[ \t]*+)?"
    r"[\"']?[ \t]*+([^\s\"'{}\[\]][^\"'\n{}\[\]]{1,199}?)[\"']?[ \t]*+[},]*+$|^[ \t\"']*+(?:Classifier:[ \t]*)?License :: ([^\"'\n]{3,120})",
    re.MULTILINE | re.IGNORECASE,
)

Field = tuple[int, DeclarationKind, str]
"""(offset in the text, kind, source)."""


def front_matter(text: str) -> tuple[list[Field], int]:
    """What the lines between two `---` at the beginning declare, and where they end; 0 where there are none."""
    if not text.startswith("---"):
        return [], 0
    end = text.find("\n---", 3, MAX_FRONT)
    if end < 0:
        return [], 0
    values: dict[str, list[tuple[int, str]]] = {}
    key, at = "", 0
    for line in text[:end].split("\n"):
        field, item = _FIELD.match(line), _ITEM.match(line)
        if field is not None:
            key = field[1]
            values[key] = [(at, one) for one in _scalars(field[2])]
        elif item is not None and key:
            values[key].extend((at, one) for one in _scalars(item[1]))
        elif line.strip() and not line.lstrip().startswith("#"):
            key = key if line[:1].isspace() else ""
        at += len(line) + 1
    return [*_of_card(values)], end


def _of_card(values: dict[str, list[tuple[int, str]]]) -> Iterator[Field]:
    named = [one for key in ("license", "license_name") for one in values.get(key, [])[:MAX_VALUES]]
    for at, value in named:
        licence = licence_named(value)
        if licence:
            yield at, "licence", licence
    for at, value in values.get("base_model", [])[:MAX_VALUES]:
        source = re.sub(r"^https?://(?:huggingface\.co|hf\.co)/", "", value).rstrip("/")
        if HUB_ID.fullmatch(source):
            yield at, "base model", source


def _scalars(text: str) -> list[str]:
    text = _COMMENT.sub("", text).strip()
    parts = text[1:-1].split(",") if text.startswith("[") and text.endswith("]") else [text]
    return [part.strip().strip("\"'").strip() for part in parts if part.strip(" \"'|>")][:MAX_VALUES]


def licence_fields(text: str) -> Iterator[Field]:
    """Licences in the metadata of a package: `License:`, `license =`, classifiers."""
    for match in _LICENCE_FIELD.finditer(text):
        value = match[1] or match[2].rpartition("::")[2]
        licence = licence_named(value)
        if licence:
            yield match.start(), "licence", licence


def base_models(value: Any, name: str, pointer: str = "") -> Iterator[tuple[str, str]]:
    """(JSON pointer, id on a hub) of the models that settings say they start from; depth is bounded by the reader.

    `name`: of the file, in small letters.
    """
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if isinstance(item, dict) and len(pointer) < MAX_FRONT:
            yield from base_models(item, name, f"{pointer}/{escaped(key[:200])}")
        elif isinstance(item, str) and _is_base(key, name) and HUB_ID.fullmatch(item):
            yield f"{pointer}/{escaped(key)}", item


def _is_base(key: str, name: str) -> bool:
    return key in ("base_model_name_or_path", "base_model") or (
        key in ("_name_or_path", "name_or_path") and "config" in name
    )
