"""Each format of a tokenizer's files, and what is told of damaged ones."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeclone.model import File, Repository, Snapshot, Token, Tokenizer, TokenizerFile
from codeclone.public_tokenizers import digest
from codeclone.read import tokenizer_folders
from codeclone.read.tokenizer_files import format_of, read_record
from codeclone.read.tokenizer_folders import read_tokenizers
from codeclone.read.vocabularies import spelled
from tests.protobuf import gguf, sentencepiece

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 9085657\n"


def file(path: str, content: bytes | str | dict[str, Any]) -> File:
    raw = content if isinstance(content, bytes) else content if isinstance(content, str) else json.dumps(content)
    raw = raw.encode() if isinstance(raw, str) else raw
    return File(path, len(raw), "0" * 64, lambda: raw)


def record(path: str, content: bytes | str | dict[str, Any]) -> TokenizerFile:
    format_ = format_of(path)
    assert format_ is not None
    return read_record(file(path, content), format_)


def tokenizers(files: dict[str, Any]) -> tuple[Tokenizer, ...]:
    made = tuple(file(path, content) for path, content in sorted(files.items()))
    return read_tokenizers(Snapshot(Repository("r", "r", None, "0" * 64), made))[0]


def contents(tokens: tuple[Token, ...]) -> list[tuple[int | None, str]]:
    return [(token.id, token.content) for token in tokens]


@pytest.mark.parametrize(
    ("path", "format_"),
    [
        ("a/tokenizer.json", "tokenizer.json"),
        ("tokenizer.model.v3", "tokenizer.model"),
        ("spiece.model", "tokenizer.model"),
        ("qwen.tiktoken", "tiktoken"),
        ("vocab.bpe", "merges.txt"),
        ("encoder.json", "vocab.json"),
        ("tekken_240911.json", "tekken.json"),
        ("Model-Q4.GGUF", "gguf"),
        ("tokenizer.py", None),
        ("config.json", None),
        ("vocab.txt.bak", None),
    ],
)
def test_formats_go_by_name(path: str, format_: str | None) -> None:
    assert format_of(path) == format_


def test_tokenizer_json_with_either_form_of_merges() -> None:
    token = {"id": 3, "content": "<x>", "special": True, "lstrip": False, "rstrip": True}
    for merges in (["a b", "ab a"], [["a", "b"], ["ab", "a"]]):
        model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": merges}
        found = record("tokenizer.json", {"added_tokens": [token], "model": model, "normalizer": {"type": "NFC"}})
        assert found.vocabulary == ("a", "b", "ab")
        assert found.merges == ("a b", "ab a")
        assert found.tokens[0].told == "rstrip special"
        assert found.tokens[0].flags == (False, True, None, None, True)
        assert found.tokens[0].location.pointer == "/added_tokens/0"
        assert [(name, value) for name, value, _ in found.settings] == [("model", '"BPE"'), ("normalizer", '"NFC"')]


def test_tokenizer_json_with_a_list_of_scored_pieces() -> None:
    found = record("tokenizer.json", {"model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["\u2581a", -1.0]]}})
    assert found.vocabulary == ("<unk>", "\u2581a")


def test_tokenizer_config_names_tokens_templates_and_settings() -> None:
    found = record(
        "tokenizer_config.json",
        {
            "added_tokens_decoder": {"7": {"content": "<x>", "special": True}},
            "bos_token": {"content": "<s>", "lstrip": True},
            "pad_token": None,
            "add_bos_token": True,
            "additional_special_tokens": ["<x>", "<y>"],
            "extra_special_tokens": {"image_token": "<image>"},
            "chat_template": [{"name": "tool_use", "template": "{{ a }}"}, {"name": "rag", "template": "{{ b }}"}],
            "model_max_length": 4096,
        },
    )
    assert contents(found.tokens) == [(7, "<x>"), (None, "<s>"), (None, "<x>"), (None, "<y>"), (None, "<image>")]
    assert [(template.name, template.text) for template in found.templates] == [
        ("tool_use", "{{ a }}"),
        ("rag", "{{ b }}"),
    ]
    assert {name for name, *_ in found.settings} == {"pad_token", "add_bos_token", "model_max_length"}


def test_the_small_files() -> None:
    assert contents(record("added_tokens.json", {"<x>": 5, "<y>": 6}).tokens) == [(5, "<x>"), (6, "<y>")]
    assert contents(record("special_tokens_map.json", {"eos_token": "</s>"}).tokens) == [(None, "</s>")]
    assert record("vocab.json", {"b": 1, "a": 0}).vocabulary == ("a", "b")
    assert record("vocab.txt", "[PAD]\n##a\n").vocabulary == ("[PAD]", "##a")
    assert record("merges.txt", "#version: 0.2\na b\nab c\n").merges == ("a b", "ab c")
    assert record("chat_template.jinja", "{{ x }}\n").templates[0].text == "{{ x }}"
    assert record("chat_template.json", {"chat_template": "{{ x }}"}).templates[0].text == "{{ x }}"


def test_one_vocabulary_has_one_spelling_in_every_format() -> None:
    raw = [bytes([byte]) for byte in range(256)] + [b" the", "é".encode(), b"\n\n"]
    ranks = b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(raw))
    printable = [spelled(token) for token in raw]
    assert printable[-3:] == ["Ġthe", "Ã©", "ĊĊ"]
    vocabulary = {token: rank for rank, token in enumerate(printable)}
    tekken = {
        "config": {"default_num_special_tokens": 2, "default_vocab_size": 261},
        "vocab": [{"rank": rank, "token_bytes": base64.b64encode(token).decode()} for rank, token in enumerate(raw)],
    }
    found = [
        record("tokenizer.model", ranks).vocabulary,
        record("x.tiktoken", ranks).vocabulary,
        record("vocab.json", vocabulary).vocabulary,
        record("tokenizer.json", {"model": {"vocab": vocabulary}}).vocabulary,
        record("x.gguf", gguf({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": printable})).vocabulary,
        record("tekken.json", tekken).vocabulary[2:],  # type: ignore[index]
    ]
    assert len({digest(vocabulary) for vocabulary in found if vocabulary}) == 1
    assert len(found[0] or ()) == 259


def test_sentencepiece_or_tiktoken_is_decided_by_content() -> None:
    model = sentencepiece([("<unk>", 2), ("\u2581a", 1), ("<x>", 4)], ["/home/someone/text"], "/home/someone/model")
    found = record("tokenizer.model", model)
    assert found.format == "sentencepiece"
    assert [(token.content, token.told) for token in found.tokens] == [("<unk>", "special"), ("<x>", "none")]
    assert [(leak.name, leak.text) for leak in found.leaks] == [
        ("input", "/home/someone/text"),
        ("model_prefix", "/home/someone/model"),
    ]
    assert record("tokenizer.model", b"YQ== 0\n").format == "tiktoken"


def test_gguf_fillers_are_no_tokens_and_word_pieces_are_spelled_back() -> None:
    metadata = {
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": ["[UNK]", "\u2581the", "s", "[PAD3]"],
        "tokenizer.ggml.token_type": [2, 1, 1, 4],
        "tokenizer.chat_template": "{{ x }}",
    }
    found = record("x.gguf", gguf(metadata))
    assert found.vocabulary == ("[UNK]", "the", "##s", None)
    assert contents(found.tokens) == [(0, "[UNK]")]
    assert found.templates[0].text == "{{ x }}"


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("tokenizer.json", b"[" * 100 + b"]" * 100, "no object|deeper"),
        ("tokenizer.json", b'{"model":' * 100 + b"1" + b"}" * 100, "deeper"),
        ("tokenizer.json", POINTER, "Git-LFS pointer to 9,085,657 bytes"),
        ("tokenizer.model", POINTER, "Git-LFS pointer"),
        ("x.gguf", POINTER, "Git-LFS pointer"),
        ("x.gguf", b"GGUF\3\0\0\0", "cut off"),
        ("x.gguf", b"PK\3\4", "no GGUF"),
        ("tokenizer.model", b"\x0a\xff\xff", "damaged"),
        ("tokenizer.model", b"\0\1\2", "neither"),
        ("tokenizer_config.json", b"\xff\xfe\xff", "not JSON"),
        ("vocab.txt", "é\n".encode("latin-1"), "UTF-8"),
        ("merges.txt", b"a b c\n", "line 1"),
        ("x.tiktoken", b"YQ== 0\nnot base64\n", "line 2"),
        ("x.tiktoken", b"YQ== 999999999\n", "bound"),
        ("added_tokens.json", b'{"<x>": NaN, "<y>": 1e308, "<z>": -1, "<w>": true}', "no finite number|no id"),
        ("vocab.json", b'{"a": 0, "a": 1}', "more than once"),
        ("vocab.json", b'{"a": 0, "b": 0}', "stands more than once"),
        ("special_tokens_map.json", b'{"bos_token": {"content": 7}}', "no content"),
        ("tokenizer.json", b'{"model": {"merges": ["a b", 7, ["a"]]}}', "no merge"),
        ("tekken.json", b'{"vocab": [{"rank": 0, "token_bytes": "*"}, 7]}', "base64"),
        ("chat_template.json", b'{"chat_template": 7}', "no chat template"),
    ],
)
def test_what_cannot_be_read_is_told(path: str, content: bytes, reason: str) -> None:
    import re

    found = record(path, content)
    assert found.skipped
    assert re.search(reason, " ".join(skip.reason for skip in found.skipped))


def test_a_pointer_keeps_digest_and_size_of_what_it_stands_for() -> None:
    found = record("tokenizer.model", POINTER)
    assert (found.pointer, found.sha256, found.size) == (True, "ab" * 32, 9085657)


def test_a_number_beyond_all_is_told_and_the_rest_stays() -> None:
    found = record("added_tokens.json", b'{"<x>": 5, "<y>": 1e999, "<z>": 99999999999999999999}')
    assert contents(found.tokens) == [(5, "<x>")]
    assert len(found.skipped) == 2


def test_the_files_of_a_folder_are_one_tokenizer() -> None:
    (found,) = tokenizers(
        {
            "m/vocab.json": {"a": 0, "<x>": 1},
            "m/merges.txt": "a a\n",
            "m/special_tokens_map.json": {"bos_token": "<x>", "additional_special_tokens": ["<z>", "<y>"]},
            "m/tokenizer_config.json": {"added_tokens_decoder": {"2": {"content": "<y>", "special": True}}},
            "m/added_tokens.json": {"<y>": 2, "<z>": 3},
        }
    )
    assert found.path == "m"
    assert contents(found.tokens) == [(1, "<x>"), (2, "<y>"), (3, "<z>")]
    assert found.size == 4
    assert found.merges == ("a a",)
    assert found.listed == ("<z>", "<y>")
    assert not found.contradictions


def test_contradictions_between_files_are_told() -> None:
    (found,) = tokenizers(
        {
            "added_tokens.json": {"<y>": 2, "<z>": 9},
            "tokenizer_config.json": {
                "added_tokens_decoder": {"7": {"content": "<y>", "special": True}, "8": {"content": "<z>"}}
            },
            "tokenizer.json": {
                "added_tokens": [{"id": 7, "content": "<y>", "special": False}],
                "model": {"vocab": {"a": 0}},
            },
            "vocab.json": {"b": 0},
        }
    )
    told = " | ".join(f"{skip.location.path}: {skip.reason}" for skip in found.contradictions)
    assert "added_tokens.json: '<y>': id 2, but tokenizer.json gives it id 7" in told
    assert "special is True, but False in tokenizer.json" in told
    assert "1 of 1 ids have another token than in tokenizer.json" in told


def test_several_whole_tokenizers_in_a_folder_stay_apart_and_equal_ones_are_one() -> None:
    one = gguf({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "b"]})
    other = gguf({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "c"]})
    found = tokenizers({"q4.gguf": one, "q8.gguf": one, "x.gguf": other})
    assert [(tokenizer.path, len(tokenizer.records)) for tokenizer in found] == [("q4.gguf", 2), ("x.gguf", 1)]


def test_tokenizers_behind_the_bound_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_folders, "MAX_TOKENIZERS", 2)
    made = tuple(file(f"{folder}/added_tokens.json", {"<x>": 1}) for folder in ("a/b", "c", "d"))
    found, skipped = read_tokenizers(Snapshot(Repository("r", "r", None, "0" * 64), made))
    assert [tokenizer.path for tokenizer in found] == ["c", "d"]
    assert [skip.location.path for skip in skipped] == ["a/b/added_tokens.json"]


NAMES = st.sampled_from(
    "model vocab merges added_tokens content id special added_tokens_decoder 0 chat_template template name bos_token "
    "additional_special_tokens config default_num_special_tokens default_vocab_size rank token_bytes special_tokens "
    "token_str normalizer type normalizers".split()
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 2**70), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(NAMES, VALUES, max_size=6) | VALUES,
    st.sampled_from(
        ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
         "tekken.json", "chat_template.json"]
    ),
)  # fmt: skip
def test_no_json_raises(value: Any, path: str) -> None:
    found = record(path, json.dumps(value).encode())
    for token in found.tokens:
        assert token.content
        assert token.id is None or token.id >= 0
    tokenizers({path: json.dumps(value)})


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(["tokenizer.model", "x.gguf", "vocab.txt", "merges.txt", "x.tiktoken"]))
def test_no_bytes_raise(content: bytes, path: str) -> None:
    for each in (content, b"GGUF\3\0\0\0" + content, b"YQ== 0\n" + content):
        assert record(path, each).path == path


def test_steps_that_are_no_list_are_passed_over() -> None:
    found = record("tokenizer.json", {"normalizer": {"type": "Sequence", "normalizers": 1}})
    assert ("normalizer", '"Sequence"') in {(name, value) for name, value, _ in found.settings}
