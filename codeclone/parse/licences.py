"""Licences by their SPDX ids, from telling phrases; holders of copyright. What is not recognised is not guessed.

Licences of models have no SPDX id: they go by the ids that model hubs use for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

MAX_WINDOW = 2_400
"""Characters in which the phrases of one licence are looked for: the three clauses of BSD take 1,400."""

MAX_BEFORE = 90
"""Characters before a telling word that belong to the same phrase."""

MAX_HOLDER = 120

ANCHORS = (
    "licen", "permission ", "redistribution and use in", "public domain", "creative commons", "cc-by", "openrail", "as-is",
)  # fmt: skip
"""In small letters: where one of these stands, a licence can be told."""

_GAP = re.compile(r"[\s#*/;!>|\"`“”]+")
_YEARS = r"(?:19|20)\d\d(?:\s*(?:[-–—,/]|to)\s*(?:present|now|(?:19|20)?\d\d))*"

_GNU = re.compile(
    r"\bgnu (lesser |library |affero )?general public licen[cs]e|\b(l|a)?gpl ?-?v?([23](?:\.[01])?)(?:[ -]only|\+|[ -]or[ -]later)?(?= |,|\.|\)|$)"
)
_GNU_VERSION = re.compile(r"version ([23](?:\.[01])?)\b|\bv([23](?:\.[01])?)\b")
_CC = re.compile(
    r"\bcc[- ]by((?:[- ](?:nc|sa|nd)){0,2})[- ]?v?([1-4]\.0)|creativecommons\.org licenses by((?:-(?:nc|sa|nd)){0,2}) ([1-4]\.0)|"
    r"creative commons attribution((?:[- ](?:noncommercial|non-commercial|sharealike|share ?alike|noderivatives|noderivs)){0,2})"
    r"(?: (?:international|unported|public|license|licence)){0,2} ?([1-4]\.0)"
)
_CC_WORDS = (("noncommercial", "nc"), ("non-commercial", "nc"), ("sharealike", "sa"), ("share alike", "sa"))

PHRASES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Apache-2.0", r"apache licen[cs]e,? ?\(?(?:version |v\.? ?)?2(?:\.0)?\b|\bapache[- ]2(?:\.0)?(?: licen|,|$| \()|licensed (?:under )?apache[- ]2"),
        ("MIT", r"permission is hereby granted, free of charge, to any person obtaining a copy of this software|\bmit[- ]licen[cs]e|licensed (?:under )?(?:the )?mit\b"),
        ("BSD-3-Clause", r"\b(?:3|three)[- ]clause bsd|\bbsd[- ](?:3|three)[- ]clause|\b(?:new|modified|revised) bsd licen"),
        ("BSD-2-Clause", r"\b(?:2|two)[- ]clause bsd|\bbsd[- ](?:2|two)[- ]clause|\bsimplified bsd licen"),
        ("MPL-2.0", r"mozilla public licen[cs]e,? ?\(?(?:version |v\.? ?)?2\.0|\bmpl[- ]2\.0"),
        ("ISC", r"permission to use, copy, modify, and or distribute this software for any purpose with or without fee|\bisc licen[cs]e"),
        ("Unlicense", r"free and unencumbered software released into the public domain"),
        ("CC0-1.0", r"publicdomain zero 1\.0|\bcc0[- ]1\.0"),
        ("BSL-1.0", r"boost software licen[cs]e ?-? version 1\.0"),
        ("Zlib", r"provided 'as-is', without any express or implied warranty"),
        ("EPL-2.0", r"eclipse public licen[cs]e ?-? v(?:ersion)? ?2\.0"),
        ("Python-2.0", r"python software foundation licen[cs]e,? version 2"),
        ("llama2", r"\bllama 2 (?:community )?licen[cs]e"),
        ("llama3", r"\bllama 3 (?:community )?licen[cs]e"),
        ("llama3.1", r"\bllama 3\.1 (?:community )?licen[cs]e"),
        ("llama3.2", r"\bllama 3\.2 (?:community )?licen[cs]e"),
        ("llama3.3", r"\bllama 3\.3 (?:community )?licen[cs]e"),
        ("llama4", r"\bllama 4 (?:community )?licen[cs]e"),
        ("gemma", r"\bgemma (?:terms of use|licen[cs]e)|\bgemma is provided under and subject to the gemma terms"),
        ("tongyi-qianwen", r"tongyi qianwen (?:licen[cs]e|research licen[cs]e)"),
        ("qwen-research", r"\bqwen research licen[cs]e"),
        ("qwen", r"\bqwen licen[cs]e agreement"),
        ("deepseek", r"\bdeepseek (?:model )?licen[cs]e agreement"),
        ("creativeml-openrail-m", r"creativeml open ?rail-m"),
        ("bigscience-openrail-m", r"bigscience open ?rail-m"),
        ("bigcode-openrail-m", r"bigcode open ?rail-m"),
        ("bigscience-bloom-rail-1.0", r"bigscience (?:bloom )?rail licen[cs]e"),
        ("stabilityai-community", r"stability ai community licen[cs]e"),
    )
)  # fmt: skip
"""Held against text in small letters with single blanks and without margins, quotes and slashes."""

_SPDX = re.compile(
    r"spdx-licen[cs]e-identifier:\s*([\w.+-]{2,60}(?:\s+(?:or|and|with)\s+[\w.+-]{2,60}){0,4})", re.IGNORECASE
)
_ENDORSE = re.compile(r"neither the names? |may (?:not )?be used to endorse|names? of .{0,80}endorse")
_ADVERTISING = re.compile(r"all advertising materials")

_NAMES = {
    **{name.lower(): name for name, _ in PHRASES},
    "apache": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0", "apache license": "Apache-2.0", "apache software license": "Apache-2.0", "expat": "MIT",
    "bsd": "", "new bsd": "BSD-3-Clause", "unlicense": "Unlicense", "afl-3.0": "AFL-3.0", "wtfpl": "WTFPL",
    "openrail": "openrail", "openrail++": "openrail++", "qwen-research": "qwen-research", "cc": "",
}  # fmt: skip
"""What authors write in a field for a licence; those that say too little are empty."""
_PLAIN_ID = re.compile(
    r"(?:[al]?gpl|cc-by|cc0|mpl|epl|eupl|bsl|isc|zlib|ofl|artistic|ms-pl|ecl|afl|odc|pddl|lgpl-lr)(?:[-\w.+]*)"
)

_COPYRIGHT = re.compile(
    rf"(?:(copyrighttext:)\s*(?:copyrights?)?|copyrights?|\(c\)(?=\s*{_YEARS})|©)[\s:]*(?:\(c\)|©|&copy;)?[\s,]*({_YEARS})?[\s,.]*(?:by\s+)?",
    re.IGNORECASE,
)
_NO_HOLDER = re.compile(
    r"(?:text|notice|owner|holder|licen[cs]e|law|infring|protect|and\b|or\b|in\b|is\b|are\b|below|above|statement|info|year|\[|<|\{|%|act\b|"
    r"=|\.|,|:|\)|disclaimer|for\b|to\b|the above|reserved|header|claim|attribution|term|right|material|date|string)",
    re.IGNORECASE,
)
_CUT = re.compile(
    r"all rights? reserved|licensed under|https?://|<[^>\n]{0,80}>|\(?(?<![\w.+-])[\w.+-]{1,60}@[\w.-]{1,60}|\"\"\"|'''|\*/|-->|#|\\n|original copyright|"
    r"\.\s+(?=[A-Z][a-z]+ [a-z])", re.IGNORECASE
)  # fmt: skip
_EMPTY = re.compile(rf"\(c\)|©|{_YEARS}|-present\b", re.IGNORECASE)


def flat(text: str) -> str:
    """Small letters, single blanks, no margins of comments and no quotes."""
    return _GAP.sub(" ", text.lower()).strip()


def spdx_in(text: str) -> tuple[str, ...]:
    """Ids of the licences that a passage of at most `MAX_WINDOW` characters tells, each once."""
    tag = _SPDX.search(text)
    if tag is not None:
        several = " ".join(tag[1].split())
        return (several if " " in several else licence_named(several) or several,)
    return _recognised(flat(text))


@lru_cache(maxsize=4096)
def _recognised(words: str) -> tuple[str, ...]:
    """Most files of a repository begin with the same header."""
    found = [name for name, pattern in PHRASES if pattern.search(words)]
    if "redistribution and use in source and binary forms" in words:
        found.append(
            "BSD-4-Clause"
            if _ADVERTISING.search(words)
            else "BSD-3-Clause"
            if _ENDORSE.search(words)
            else "BSD-2-Clause"
        )
    return tuple(dict.fromkeys((*found, *_gnu(words), *_creative_commons(words))))


def _gnu(words: str) -> Iterator[str]:
    for match in _GNU.finditer(words):
        around = words[match.start() : match.end() + 160]
        version = match[3] or next((v[1] or v[2] for v in _GNU_VERSION.finditer(around)), "")
        family = {"lesser": "LGPL", "library": "LGPL", "affero": "AGPL", "l": "LGPL", "a": "AGPL"}
        if version:
            later = "-or-later" if re.search(r"any later version|or[ -]later|\dv?\+", around) else ""
            yield f"{family.get((match[1] or match[2] or '').strip(), 'GPL')}-{version if '.' in version else version + '.0'}{later}"
            return


def _creative_commons(words: str) -> Iterator[str]:
    match = _CC.search(words)
    if match is None:
        return
    conditions = match[1] or match[3] or match[5] or ""
    for word, short in _CC_WORDS:
        conditions = conditions.replace(word, short)
    if "deriv" in conditions:
        conditions = re.sub(r"no(?:derivatives|derivs)", "nd", conditions)
    parts = ["CC", "BY", *re.findall(r"nc|sa|nd", conditions), match[2] or match[4] or match[6]]
    yield "-".join(parts).upper()


def licence_named(text: str) -> str:
    """The id that a field for a licence means; empty where it says too little."""
    name = text[:MAX_WINDOW].strip().strip("\"'`,").strip()
    low = re.sub(r"\s+", " ", name.lower())
    if low in _NAMES:
        return _NAMES[low]
    if _PLAIN_ID.fullmatch(low):
        return re.sub(r"-(or-later|only)$".upper(), lambda end: end[0].lower(), low.upper()).replace("-ONLY", "-only")
    short = re.sub(r"^the | \(.*\)$|(?:,? ?(?:version|v\.?))(?= ?\d)|(?: software)? licen[cs]e", "", low).strip()
    if short in _NAMES:
        return _NAMES[short]
    return next(iter((*spdx_in(name[:MAX_WINDOW]), *spdx_in(f"{name[:MAX_WINDOW]} license"))), "")


def holder_at(line: str, at: int) -> str:
    """The holder of copyright that a line names at a place where such a sign stands; empty where it names none.

    A year, a sign or a tag of SPDX must stand there: "copyright notice" names nobody.
    """
    match = _COPYRIGHT.match(line, at)
    if match is None:
        return ""
    rest = line[match.end() : match.end() + 2 * MAX_HOLDER]
    signed = bool(match[1] or match[2]) or "(c)" in match.group().lower() or "©" in match.group()
    if not signed and not re.search(_YEARS, rest[:80]):
        return ""
    if _NO_HOLDER.match(rest) or not rest[:1].strip():
        return ""
    cut = _CUT.search(rest)
    named = _EMPTY.sub(" ", rest[: cut.start()] if cut else rest)
    holder = re.sub(r"\s+", " ", named).strip(" \t,.;:-–—/*#|()\"'&")
    return holder[:MAX_HOLDER] if len(re.findall(r"[^\W\d_]", holder)) > 1 else ""
