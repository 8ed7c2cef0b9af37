"""Public tokenizers are recognised by their vocabulary, or by all of their special tokens, or not at all."""

from __future__ import annotations

import hashlib
import json

import pytest

from codeclone.public_tokenizers import (
    Base,
    Recognised,
    _expanded,
    compressed,
    digests,
    names,
    public_paths,
    recognise,
    spellings,
    tables,
)

ALL = [*tables().values()]


def recognised(tokens: dict[str, int | None], size: int | None = None) -> Recognised:
    return recognise(tokens, size, {}, ALL)


def named(name: str) -> dict[str, int | None]:
    return {content: number for number, content in tables()[name].tokens.items()}


def test_the_tables_that_are_needed_are_there() -> None:
    assert {
        "llama-2",
        "llama-3",
        "llama-3.1",
        "gpt-2",
        "qwen-2",
        "qwen-2.5",
        "mistral-v1",
        "mistral-v3",
        "bert",
    } <= names()
    assert "none" in names()
    assert all(base.provenance and base.title for base in ALL)
    assert all(len(base.digest) == (64 if base.end else 0) for base in ALL)
    assert all(0 <= number < base.size for base in ALL for number in base.tokens)


def test_well_known_facts_of_the_tables() -> None:
    three = tables()["llama-3"]
    assert len(three.tokens) == 256
    assert three.tokens[128009] == "<|eot_id|>"
    assert three.tokens[128255] == "<|reserved_special_token_250|>"
    assert len(three.reserved) == 251
    assert tables()["llama-3.1"].tokens[128004] == "<|finetune_right_pad_id|>"
    assert tables()["qwen-2"].tokens == {151643: "<|endoftext|>", 151644: "<|im_start|>", 151645: "<|im_end|>"}
    assert max(tables()["qwen-2.5"].tokens) == 151664
    assert tables()["llama-2"].tokens == tables()["mistral-v1"].tokens == {0: "<unk>", 1: "<s>", 2: "</s>"}
    assert tables()["phi-3"].digest == tables()["llama-2"].digest  # Phi-3 stands on Llama 2's vocabulary
    assert tables()["llama-2"].digest != tables()["mistral-v1"].digest


def test_tables_hold_no_vocabularies() -> None:
    assert all(len(base.tokens) <= 2500 for base in ALL)


@pytest.mark.parametrize("name", ["llama-3", "llama-3.1", "qwen-2.5", "mistral-v3", "gemma", "t5", "phi-3", "falcon"])
def test_special_tokens_alone_name_their_tokenizer(name: str) -> None:
    assert [base.name for base in recognised(named(name)).bases] == [name]


def test_what_cannot_be_told_apart_is_named_together() -> None:
    found = recognised({"<unk>": 0, "<s>": 1, "</s>": 2, "<x>": 32000})
    assert {base.name for base in found.bases} == {"llama-2", "mistral-v1"}


@pytest.mark.parametrize(
    "tokens",
    [
        {"<unk>": 0, "<s>": 1, "</s>": 2, "<x>": 50000},
        {"<unk>": 0, "<s>": 1, "</s>": 2, "<x>": 3},
        {"<unk>": 1, "<s>": 0, "</s>": 2},
        {"<s>": 1},
        {},
    ],
    ids=["begins elsewhere", "inside", "other ids", "one", "none"],
)
def test_three_common_tokens_are_not_llama_2(tokens: dict[str, int | None]) -> None:
    assert not recognised(tokens).bases


def test_another_size_of_the_vocabulary_is_another_tokenizer() -> None:
    assert not recognise({"<unk>": 0, "<s>": 1, "</s>": 2}, 50_000, {}, ALL).bases


def test_a_reserved_slot_may_have_been_given_a_name() -> None:
    tokens = named("llama-3")
    del tokens["<|reserved_special_token_100|>"]
    tokens["<mine>"] = 128105
    assert [base.name for base in recognised(tokens).bases] == ["llama-3"]
    del tokens["<|eot_id|>"]
    assert not recognised(tokens).bases


def test_the_vocabulary_names_the_tokenizer_and_the_tokens_the_version() -> None:
    vocabulary = [*"abcdefgh"]
    its_digest = digests(vocabulary, 0, [8])[8]
    first = Base("first", "First", {8: "<x>"}, 9, 0, 8, its_digest, "")
    second = Base("second", "Second", {8: "<x>", 9: "<y>"}, 10, 0, 8, its_digest, "")
    other = Base("other", "Other", {8: "<x>", 9: "<y>"}, 10, 0, 8, "0" * 64, "")
    bases = [other, second, first]
    for tokens, name in (({"<x>": 8}, "first"), ({"<x>": 8, "<y>": 9}, "second"), ({"<x>": 8, "<z>": 9}, "first")):
        found = recognise(tokens, 10, digests([*vocabulary, "i"], 0, [8, 9]) and {(0, 8): its_digest}, bases)
        assert [base.name for base in found.bases] == [name]
    assert not recognise({"<x>": 8}, 9, {(0, 8): "1" * 64}, bases).bases


def test_digests_are_those_of_the_first_tokens_as_json() -> None:
    tokens = ["a", None, "é", '"', "\ud800"]
    found = digests(tokens, 1, [3, 5, 9])
    assert set(found) == {3, 5}
    for end, value in found.items():
        assert value == hashlib.sha256(json.dumps(tokens[1:end], separators=(",", ":")).encode()).hexdigest()


def test_runs_of_numbered_tokens_are_written_short_and_read_back() -> None:
    tokens = {5: "<a_0>", 6: "<a_1>", 7: "<a_2>", 9: "<a_3>", 10: "<b>", 11: "<c_07>", 12: "#", 13: "<d1e2>"}
    short = compressed(tokens)
    assert len(short) < len(tokens)
    assert {number: content for item in short for number, content in _expanded(item)} == tokens


def test_spellings_and_paths_are_public() -> None:
    assert spellings()["<|im_start|>"]
    assert "<lumen_img>" not in spellings()
    path = "/mnt/test/datasets/tokenizer_training/8T_train_data/shuffled.txt"
    assert hashlib.sha256(path.encode()).hexdigest() in public_paths()


def test_of_a_base_whose_vocabulary_was_never_read_the_size_must_fit() -> None:
    assert [base.name for base in recognised(named("roberta"), 50_265).bases] == ["roberta"]
    assert not recognised(named("roberta"), 40_000).bases
