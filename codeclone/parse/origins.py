"""Phrases by which a text says where code comes from, and imports of other models' code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from codeclone.model import DeclarationKind
from codeclone.parse.sources import MAX_SOURCE, PACKAGES, address_in, addresses_in, is_code, sentence_after, source_in

Mark = tuple[int, DeclarationKind, str]
"""(offset in the text, kind, source)."""

COPIED = frozenset("copied copy lifted".split())
SURE = frozenset("copied copy adapted modified borrowed ported lifted forked adopted fork port".split())
"""Hardly written of anything but code: a bare name behind them is a source. "Taken from" is written of values as well."""

UNSURE = frozenset(
    "derived taken inspired based built code codes originally reproduced extracted translated converted transcribed refactored "
    "rewritten".split()
)

_ENDS = ("ed from", "en from", "code from", "codes from", "ly from")
"""Of the phrases that end with "from"."""

_WHOLE = (
    "based on",
    "based upon",
    "inspired by",
    "built on",
    "built upon",
    "built off",
    "port of",
    "copy of",
    "fork of",
)

_ADDRESSED = (
    "implementation", "original code", "original repo", "official code", "reference:", "references:", "code:", "source:",
    "credit", "courtesy of", "thanks to", "impl from", "borrows from", "borrows heavily from", "modification of",
)  # fmt: skip
"""Only an address of code makes these a declaration."""

_ADDRESSES = (
    "github.",
    "huggingface.co",
    "gitlab.",
    "bitbucket.",
    "hf.co/",
    "gitee.com",
    "modelscope.cn",
    "code.google",
    "kaggle.com",
)
_DISCUSSED = re.compile(r"/(?:issues|pull|releases|discussions|wiki|graphs|actions)(?:/|$)")
"""Addresses that explain something and are no code."""
_OF_WHAT = ("implementation of", "implementation from", "implementation:")
_OF_SOMEONE = re.compile(r"(?:reference|original|official|author'?s'?) \Z")

_TUNED = ("fine-tuned version of", "finetuned version of", "fine-tuned from", "finetuned from", "fine-tuned on top of")
_WORD_BEFORE = re.compile(
    r"([a-z]+)(?:[ \t]+(?:directly|heavily|mostly|verbatim|partly|largely|in|with|and|modifications?)){0,3}\Z"
)
_NEGATED = re.compile(r"(?:\bnot?|n't|\bnever|\bno longer|\bwithout being|\bunlike)[ \t]+(?:\w+[ \t]+){0,2}\Z")
_HUB_LINK = re.compile(r"\s*\[?[`*]{0,2}([A-Za-z0-9][\w.-]{1,40}/[A-Za-z0-9][\w.-]{1,80})")

_GENERATED = "automatically generated from"
_MODULAR = re.compile(r"[\s#*\"'`]*((?:[\w.-]{1,80}/){1,12}modular_\w{1,80})\.py")

_FROM = re.compile(r"[ \t]*from[ \t]+(\.{0,4}[\w.]{3,160})[ \t]+import\b")
_MODEL_MODULE = re.compile(
    r"(?:^|\.)(?:modeling|modelling|configuration|tokenization|processing|image_processing|feature_extraction|modular|video_processing)_"
    r"(?!\w*(?:utils|outputs)$|auto)\w+$"
)
"""Modules of one model; those of outputs and utilities are a library's."""
_PATH_OF_MODELS = re.compile(r"^\w+\.(?:\w+\.){0,3}(?:models?|pipelines|backbones?)\.(?!auto\b)\w")
_IMPORTED = (".model", ".pipelines.")
_IMPORTED_BY_MODULAR = (*_IMPORTED, ".configuration_", ".modular_", ".tokenization_", "processing_", "_extraction_")

MAX_LINE = 200
"""Characters of a line of imports that are looked at."""

MAX_ANCHORS = 5_000
"""Telling words of one file that are looked at; the longest file of transformers has 400."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A text in which telling words are looked for."""

    text: str
    low: str
    """The same in small letters, character by character."""
    cut: set[str] = field(default_factory=set)
    """Words that stand in it more often than they were looked at."""

    def places(self, words: Sequence[str]) -> list[int]:
        """Where any of some words stands, ascending; of each at most `MAX_ANCHORS`."""
        found: list[int] = []
        for word in words:
            at, count = self.low.find(word), 0
            while at >= 0 and count < MAX_ANCHORS:
                found.append(at)
                count += 1
                at = self.low.find(word, at + len(word))
            if at >= 0:
                self.cut.add(word)
        return sorted(found)


def origins(looked: Looked) -> Iterator[Mark]:
    """Marks of origin in a text."""
    text, low = looked.text, looked.low
    yield from _from(looked)
    for word in _WHOLE:
        sure = word.partition(" ")[0] in SURE
        for at in looked.places((word,)):
            if not _NEGATED.search(low, max(0, at - 30), at):
                source = source_in(sentence_after(text, at + len(word)), sure=sure)
                if source:
                    yield at, "adapted from", source
    yield from _addressed(looked)
    for at in looked.places((_GENERATED,)):
        match = _MODULAR.match(text, at + len(_GENERATED))
        if match is not None:
            yield at, "modular import", dotted_path(match[1])


def _addressed(looked: Looked) -> Iterator[Mark]:
    text, low = looked.text, looked.low
    if not any(host in low for host in _ADDRESSES):
        return
    for word in _ADDRESSED:
        for at in looked.places((word,)):
            if word == "implementation" and not _is_of_someone(low, at):
                continue
            source = address_in(sentence_after(text, at + len(word)))
            if source and not _DISCUSSED.search(source):
                yield at, "adapted from", source


def _is_of_someone(low: str, at: int) -> bool:
    return _OF_SOMEONE.search(low, max(0, at - 12), at) is not None or low.startswith(_OF_WHAT, at)


def _from(looked: Looked) -> Iterator[Mark]:
    text, low = looked.text, looked.low
    ends = dict.fromkeys(low.find(" from", at) for at in looked.places(_ENDS))
    for end in ends:
        word = _WORD_BEFORE.search(low, max(0, end - 60), end)
        if word is None or _NEGATED.search(low, max(0, word.start() - 30), word.start()):
            continue
        verb = next((w for w in word.group().split() if w in SURE), word[1])
        if verb in SURE or verb in UNSURE:
            source = source_in(sentence_after(text, end + len(" from")), sure=verb in SURE)
            if source:
                yield word.start(), "copied from" if verb in COPIED else "adapted from", source


def credits_in(looked: Looked) -> Iterator[Mark]:
    """Marks of origin in prose: phrases with a link to code, and the links of a section of thanks."""
    text, low = looked.text, looked.low
    for at, kind, source in origins(looked):
        if (is_code(source) and not _DISCUSSED.search(source)) or kind == "modular import":
            yield at, "credit" if kind == "adapted from" else kind, source
    for at in looked.places(_TUNED):
        behind = text[at : at + 400].partition(low[at : at + 9])[2]
        behind = re.sub(r"^[^\[`*\n]*?(?:of|from|on top of)\b(?: the)?", "", behind)
        match = _HUB_LINK.match(behind)
        if match is not None:
            yield at, "base model", match[1].rstrip(".")
    yield from _thanked(looked)


_HEADING = re.compile(r"^(?:#{1,6}[ \t]++(\S[^\n]{0,99})|([^\n]{3,100})\n[=\-~^]{3,})[ \t]*$", re.MULTILINE)
_THANKS = re.compile(r"acknowledg|credits?\b|attribution|thanks|built (?:up)?on|based on|special thanks", re.IGNORECASE)
MAX_SECTION = 20_000
"""Characters of a section of thanks that are looked at."""


def _thanked(looked: Looked) -> Iterator[Mark]:
    text, low = looked.text, looked.low
    if not any(word in low for word in ("acknowledg", "credit", "attribution", "thanks", "built on", "based on")):
        return
    headings = [*_HEADING.finditer(text)]
    for place, match in enumerate(headings):
        if _THANKS.search(match[1] or match[2] or ""):
            end = headings[place + 1].start() if place + 1 < len(headings) else len(text)
            section = text[match.end() : min(end, match.end() + MAX_SECTION)]
            for address in addresses_in(section):
                if not _DISCUSSED.search(address):
                    yield match.end() + section.find(address), "credit", address


def imports(looked: Looked, path: str, own: frozenset[str]) -> Iterator[Mark]:
    """Imports of model code: of another package anywhere, and of a sibling's folder in a file `modular_x.py`.

    `own`: packages of the repository itself.
    """
    text = looked.text
    folders = dotted_path(path).split(".")[:-1]
    is_modular = path.rpartition("/")[2].startswith("modular_")
    seen = -1
    for at in looked.places(_IMPORTED_BY_MODULAR if is_modular else _IMPORTED):
        start = text.rfind("\n", max(0, at - MAX_LINE), at) + 1
        if start == seen or at - start > MAX_LINE:
            continue
        match = _FROM.match(text, start)
        seen = start
        if match is None:
            continue
        dots = len(match[1]) - len(match[1].lstrip("."))
        if not dots:
            root = match[1].partition(".")[0]
            if (
                root in PACKAGES
                and root not in own
                and (_PATH_OF_MODELS.match(match[1]) or _MODEL_MODULE.search(match[1]))
            ):
                yield start, "modular import", match[1][:MAX_SOURCE]
        elif is_modular and 1 < dots <= len(folders) and _MODEL_MODULE.search(match[1]):
            yield start, "modular import", ".".join([*folders[: len(folders) - dots + 1], match[1][dots:]])[:MAX_SOURCE]


def dotted_path(path: str) -> str:
    """A file's path as an import of it would be written, from the package on."""
    parts = path.removesuffix(".py").split("/")
    if "src" in parts[:-1]:
        parts = parts[parts.index("src") + 1 :]
    return ".".join(parts)
