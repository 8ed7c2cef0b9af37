"""The files of one folder -> the tokenizer that they describe together, and where they contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from codeclone.model import TOKEN_FLAGS, File, Location, Skipped, Snapshot, Token, Tokenizer, TokenizerFile, Vocabulary
from codeclone.read.tokenizer_files import STANDALONE, format_of, read_record

MAX_TOKENIZERS, MAX_ENTRIES = 60, 8_000_000
"""Tokenizers of one repository, and tokens and merges of all their files together; folders behind that are left out. A folder
with the vocabularies of sixteen public models has 3,000,000."""

TOKEN = 20
"""Entries of a vocabulary that a special or added token counts for: so much longer it takes."""

MAX_CONTRADICTIONS = 20
"""Told for each tokenizer."""


_ORDER = (
    "tokenizer.json",
    "sentencepiece",
    "tokenizer.model",
    "tekken.json",
    "tiktoken",
    "gguf",
    "vocab.json",
    "vocab.txt",
    "tokenizer_config.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
)
"""Which format counts where two contradict each other."""


def read_tokenizers(snapshot: Snapshot) -> tuple[tuple[Tokenizer, ...], tuple[Skipped, ...]]:
    """The tokenizers of a snapshot, the least nested folders first, and what was left out of their files."""
    folders: dict[str, list[tuple[File, str]]] = {}
    for file in snapshot.files:
        format_ = format_of(file.path)
        if format_ is not None:
            folders.setdefault(str(PurePosixPath(file.path).parent), []).append((file, format_))
    found: list[Tokenizer] = []
    skipped: list[Skipped] = []
    spent = 0
    for folder, files in sorted(folders.items(), key=lambda item: (len(PurePosixPath(item[0]).parts), item[0])):
        if len(found) >= MAX_TOKENIZERS or spent >= MAX_ENTRIES:
            skipped += [
                Skipped(Location(file.path), "behind the bound on tokenizers of one repository") for file, _ in files
            ]
            continue
        records = [read_record(file, format_) for file, format_ in files]
        skipped += [skip for record in records for skip in record.skipped]
        spent += sum(len(r.vocabulary or ()) + len(r.merges or ()) + TOKEN * len(r.tokens) for r in records)
        found += _of_folder(folder, records)
    return tuple(found), tuple(skipped)


def _of_folder(folder: str, records: Sequence[TokenizerFile]) -> list[Tokenizer]:
    """The tokenizers of one folder; several files of weights may each carry the same one."""
    found: dict[object, Tokenizer] = {}
    for path, group in _groups(folder, records):
        made = _tokenizer(path, group)
        if not (
            made.tokens or made.vocabulary or made.merges or made.templates or any(r.pointer for r in made.records)
        ):
            continue
        known = found.setdefault(_content(made), made)
        if known is not made:
            found[_content(made)] = replace(known, records=(*known.records, *made.records))
    return list(found.values())


def _groups(folder: str, records: Sequence[TokenizerFile]) -> list[tuple[str, list[TokenizerFile]]]:
    """The records of each tokenizer of a folder."""
    counts = {format_: sum(record.format == format_ for record in records) for format_ in {r.format for r in records}}
    alone = [r for r in records if (r.format in STANDALONE or r.format == "sentencepiece") and counts[r.format] > 1]
    rest = [record for record in records if record not in alone]
    return [*([(folder, rest)] if rest else []), *((record.path, [record]) for record in alone)]


def _content(tokenizer: Tokenizer) -> object:
    tokens = tuple((token.content, token.id, token.flags) for token in tokenizer.tokens)
    templates = tuple((template.name, template.text) for template in tokenizer.templates)
    pointers = tuple(record.sha256 for record in tokenizer.records if record.pointer)
    return tokens, templates, tokenizer.vocabulary, tokenizer.merges, pointers


def _tokenizer(path: str, records: Sequence[TokenizerFile]) -> Tokenizer:
    ordered = sorted(records, key=lambda record: (_ORDER.index(record.format), record.path))
    contradictions: list[Skipped] = []
    tokens = _merged(ordered, contradictions)
    with_vocabulary = next((record for record in ordered if record.vocabulary), None)
    vocabulary = with_vocabulary.vocabulary if with_vocabulary else None
    with_merges = next((record for record in ordered if record.merges), None)
    for record in ordered:
        if vocabulary and record.vocabulary and record is not with_vocabulary:
            _compare_vocabularies(vocabulary, with_vocabulary, record, contradictions)
    ids = _ids_of(tokens, vocabulary)
    settings = {name: (name, value, where) for record in reversed(ordered) for name, value, where in record.settings}
    templates = {(t.name, t.text): t for record in reversed(ordered) for t in record.templates}
    return Tokenizer(
        path=path,
        records=tuple(replace(record, vocabulary=None, merges=None, tokens=()) for record in records),
        tokens=tuple(
            sorted(
                (token if token.id is not None else replace(token, id=ids.get(token.content)) for token in tokens),
                key=lambda token: (token.id is None, token.id or 0, token.content),
            )
        ),
        vocabulary=vocabulary,
        vocabulary_location=Location(with_vocabulary.path) if with_vocabulary else None,
        merges=with_merges.merges if with_merges else None,
        merges_location=Location(with_merges.path) if with_merges else None,
        templates=tuple(templates[key] for key in sorted(templates)),
        settings=tuple(settings[name] for name in sorted(settings)),
        leaks=tuple(leak for record in ordered for leak in record.leaks),
        contradictions=tuple(contradictions[:MAX_CONTRADICTIONS]),
        listed=_listed(ordered),
    )


def _merged(records: Sequence[TokenizerFile], contradictions: list[Skipped]) -> list[Token]:
    """Each content once: its id and each of its flags as the first file says that says anything of it."""
    found: dict[str, Token] = {}
    owners: dict[int, str] = {}
    for record in records:
        for token in record.tokens:
            known = found.get(token.content)
            its_id = token.id if known is None or known.id is None else known.id
            if known is not None and token.id is not None and token.id != its_id:
                _tell(contradictions, token, f"id {token.id:,}, but {known.location.path} gives it id {its_id:,}")
            if its_id is not None and owners.setdefault(its_id, token.content) != token.content:
                _tell(contradictions, token, f"has the id {its_id:,} of {owners[its_id]!r}")
            if known is None:
                found[token.content] = token
                continue
            for name, ours, theirs in zip(TOKEN_FLAGS, known.flags, token.flags, strict=True):
                if ours is not None and theirs is not None and ours != theirs:
                    _tell(contradictions, token, f"{name} is {theirs}, but {ours} in {known.location.path}")
            flags = tuple(a if a is not None else b for a, b in zip(known.flags, token.flags, strict=True))
            found[token.content] = replace(known, id=its_id, flags=flags)
    return list(found.values())


def _tell(contradictions: list[Skipped], token: Token, what: str) -> None:
    if len(contradictions) < MAX_CONTRADICTIONS:
        contradictions.append(Skipped(token.location, f"{token.content!r}: {what}"))


def _compare_vocabularies(
    vocabulary: Vocabulary, of: TokenizerFile | None, record: TokenizerFile, contradictions: list[Skipped]
) -> None:
    other = record.vocabulary or ()
    differing = sum(a != b for a, b in zip(vocabulary, other, strict=False) if a is not None and b is not None)
    if differing and of is not None:
        told = f"{differing:,} of {min(len(vocabulary), len(other)):,} ids have another token than in {of.path}"
        contradictions.append(Skipped(Location(record.path), told))


def _ids_of(tokens: Sequence[Token], vocabulary: Vocabulary | None) -> Mapping[str, int]:
    """Ids in the vocabulary of the tokens that no file gives one."""
    wanted = {token.content for token in tokens if token.id is None}
    if not wanted or vocabulary is None:
        return {}
    return {content: number for number, content in enumerate(vocabulary) if content in wanted}


def _listed(records: Sequence[TokenizerFile]) -> tuple[str, ...]:
    """The longest list of more special tokens that a setting has."""
    longest: list[str] = []
    for record in records:
        places = ((token.location.pointer or "", token.content) for token in record.tokens)
        listed = [content for pointer, content in places if pointer.startswith("/additional_special_tokens/")]
        longest = max(longest, listed, key=len)
    return tuple(longest)
