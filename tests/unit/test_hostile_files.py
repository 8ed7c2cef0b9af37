"""Files of settings, tokenizers, tensors and names that were made to break their reader, to hang it or to fill its memory.

None of the inputs is large. Where the reader had no bound, each of them took minutes or gigabytes.
"""

from __future__ import annotations

import json
import pickle
import struct
import time
import zipfile
from io import BytesIO

import pytest

from codeclone.background import names, shipped
from codeclone.evidence import Context, Profiled, config, kinds, references, room
from codeclone.lineage import marks, naming, reuse
from codeclone.match.setting_pairs import best_pairs
from codeclone.model import (
    Candidate,
    Declaration,
    DeclarationKind,
    Declared,
    Evidence,
    File,
    Location,
    Method,
    Place,
    Profile,
    Repository,
    Skipped,
    Snapshot,
    Span,
)
from codeclone.parse import declarations, mentions
from codeclone.pipeline import scan
from codeclone.read import data, notes, sentencepiece, tokenizer_folders, torch_files, vocabularies
from codeclone.read.beginnings import beginnings
from codeclone.read.checkpoints import checkpoints
from codeclone.read.tensors import TensorFile, read_tensors
from codeclone.report import html
from codeclone.report.words import where
from tests.checkpoints import file_of, gguf, safetensors, torch_pickle, torch_zip


def snapshot(files: dict[str, str | bytes]) -> Snapshot:
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    made = tuple(
        File(path, len(content), "0" * 64, lambda content=content: content)
        for path, content in sorted(contents.items())
    )
    return Snapshot(Repository("r", "r", None, "0" * 64), made)


def settings(files: dict[str, str | bytes]) -> Profile:
    return config.profile(snapshot(files))


def parsed(text: str) -> data.Data:
    found = data.parse_json(text.encode(), "c.json")
    assert isinstance(found, data.Data)
    return found


# Exceptions


@pytest.mark.parametrize("value", ["(-8) ** 0.5", "(-1.5) ** 0.1", "0 ** -1", "1e300 * 1e300", "0x" + "f" * 99])
def test_no_literal_is_a_number_that_json_lacks(value: str) -> None:
    found = settings({"c.py": f"class AConfig:\n    odd = {value}\n    plain = 3\n"})
    assert "plain" in [entry.key for document in found.details["documents"] for entry in document.entries]


NO_TOKENIZER_JSON = {"normalizer": {"type": "Sequence", "normalizers": 5}, "decoder": {"decoders": {"a": 1}}}

ODD = {
    "steps that are no list": ("tokenizer.json", json.dumps({"model": {"vocab": {"a": 0}}, **NO_TOKENIZER_JSON})),
    "a pointer of 5,000 digits": ("config.json", '{"cells": {"%s": {"x": NaN}}, "a": 1}' % ("9" * 5000)),
    "a lone surrogate": ("config.json", r'{"\ud800": "\udfff", "a": {"\ud800": [NaN, {"\udfff": 1}]}}'),
    "numbers at the edge": ("config.json", '{"a": 1e308, "b": 1%s, "c": -1e-320}' % ("0" * 4000)),
}


@pytest.mark.parametrize("name", ODD)
def test_no_room_stops_at_an_odd_file(name: str) -> None:
    path, content = ODD[name]
    for kind in kinds():
        found = room(kind).profile(snapshot({path: content}))
        assert all(where(skip.location) and skip.reason for skip in found.skipped)
        assert found.kind == kind


@pytest.mark.parametrize("pair", [b")", b"X\x0d\0\0\0little_endian\x85"])
def test_entries_of_an_old_file_can_be_anything(pair: bytes) -> None:
    system = b"\x80\x02ccollections\nOrderedDict\n](" + pair + b"e\x85R."
    heads = [pickle.dumps(torch_files.MAGIC, 2), pickle.dumps(1001, 2), system]
    content = b"".join([*heads, torch_pickle({"a.weight": (2, 2)}, old=True), pickle.dumps(["0"], 2)])
    found = read_tensors(file_of("m.bin", content))
    assert isinstance(found, TensorFile)
    assert [tensor.name for tensor in found.tensors] == ["a.weight"]


@pytest.mark.parametrize("offset", [0xFFFFFF00, 3, -1])
def test_members_that_are_not_where_the_archive_says(offset: int) -> None:
    content = bytearray(torch_zip({"a.weight": (8, 8)}))
    entry = content.rfind(b"PK\x01\x02", 0, content.rfind(b"archive/data/0"))
    content[entry + 42 : entry + 46] = struct.pack("<I", offset if offset >= 0 else len(content) - 9)
    file = file_of("m.pt", bytes(content))
    found = read_tensors(file)
    assert isinstance(found, TensorFile)
    assert beginnings(file, found.tensors) == {}


def test_a_pointer_with_a_long_number_is_no_notebook() -> None:
    assert where(Location("a.json", None, "/cells/" + "9" * 5000 + "/x")).startswith("a.json#/cells/9")
    assert where(Location("a.ipynb", None, "/cells/2/source")) == "a.ipynb cell 3"


# Time and memory


def test_a_long_name_is_not_copied_for_all_that_stands_below_it() -> None:
    long = "k" * 3_000_000
    found = parsed('{"%s": [%s]}' % (long, ", ".join(["NaN", "[]"] * 100_000)))  # noqa: UP031
    assert len(found.value[long]) == 100_000
    assert len(found.skipped) == notes.MAX_TOLD + 1
    assert max(len(skip.location.pointer or "") for skip in found.skipped) < 300


MARKS = {
    "blanks behind the word for a licence": ("requirements.txt", "license=" + " " * 100_000 + "{"),
    "blanks behind the sign of a heading": ("README.md", "thanks\n#" + " " * 200_000 + "x" * 200),
    "brackets in a field for a licence": ("README.md", "---\n" + "license: " + " (" * 30_000 + "\n---\n"),
    "a margin of 2 MB": ("a.py", "#" + " " * 2_000_000 + "based on it, copied from it, a fork of it " * 5_000),
    "blanks at the beginning, and imports in long lines": (
        "a.py",
        " " * 2_000_000 + "\n" + (".model\n" + "x" * 250 + ".model\n") * 5_000,
    ),
}


@pytest.mark.parametrize("name", MARKS)
def test_no_pattern_of_a_declaration_is_tried_again_and_again(name: str) -> None:
    path, text = MARKS[name]
    started = time.process_time()
    (found,) = declarations.declarations([snapshot({path: text})])
    assert time.process_time() - started < 5
    assert not found[0]


def test_a_name_of_dashes_is_looked_at_once() -> None:
    assert naming.called("-" * 200_000) == ""


def declared(kind: DeclarationKind, source: str, path: str, line: int) -> Declaration:
    return Declaration(kind, source, source, Place(Location(path, Span(line, line))))


def test_many_declarations_are_held_against_many_files_and_sides() -> None:
    files = {f"module_{number:05}.py": "" for number in range(10_000)}
    said = tuple(declared("copied from", f"pkg.models.some_{n}.Foo_{n}", "a.py", n) for n in range(2_000))
    sides = [naming.side(name, snapshot(files), said, (), ()) for name in ("left", *"abcdef")]
    started = time.process_time()
    found = naming.resolve(sides)
    assert time.process_time() - started < 10
    assert len(found) == 14_000
    assert not any(one.names for one in found)


def test_many_declarations_are_held_against_many_findings() -> None:
    credits_ = [Declared("left", declared("credit", f"github.com/a/b{n}", "README.md", n), "R") for n in range(50_000)]
    inside = [Declared("left", declared("copied from", f"a.b{n}", "x.py", n + 100), "R") for n in range(2_000)]
    marked = [Declared("R", declared("copyright", f"Holder {n}", "y.py", n + 100), "") for n in range(500)]
    finding = Evidence(
        id="1", kind="code", claim="", stance="for", level="strong", left=(Place(Location("x.py", Span(2, 3))),),
        right=(Place(Location("y.py", Span(2, 3))),), measures=(), method=Method("", {}, ""), reason="",
    )  # fmt: skip
    candidates = [Candidate("right", "R", Repository("R", "R", None, ""))]
    started = time.process_time()
    found = reuse.with_declared([finding] * 3_000, [*inside, *credits_], candidates)
    lost = marks.lost_marks(marked, found, "R")
    assert time.process_time() - started < 5
    assert {one.declared for one in found} == {"README.md:0 credits github.com/a/b0: R, the right repository"}
    assert lost is not None


@pytest.mark.parametrize("content", ["[" + "{}," * 40 + "{}]", "{" + '"a":1,' * 100 + '"a":1}', "[" * 101])
def test_values_of_a_file_are_counted_before_they_are_made(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_VALUES", 50)
    found = data.parse_json(content.encode(), "c.json")
    assert isinstance(found, Skipped)
    assert "50 values" in found.reason


def test_a_long_name_is_not_part_of_every_setting() -> None:
    inner = ", ".join(f'"{n}": {{"{n}": 1}}' for n in range(5000))
    found = settings({"config.json": '{"%s": {%s}}' % ("k" * 2_000_000, inner)})  # noqa: UP031
    (document,) = found.details["documents"]
    assert max(len(entry.text) for entry in document.entries) < 100
    assert "first 5,000" in found.skipped[0].reason


def test_settings_that_all_documents_have_lead_to_a_few_of_them() -> None:
    text = "{" + ", ".join(f'"very_odd_{n}": "quite unheard of {n}"' for n in range(40)) + "}"
    profile = settings({f"{n}/config.json": text for n in range(400)})
    documents = profile.details["documents"]
    found = best_pairs(documents, documents, names(), frozenset())
    assert len(found) == 400


REFERENCES = {
    "dots": ("m.py", "from " + "." * 300_000 + "\n"),
    "letters": ("m.txt", "a" * 2_000_000),
    "nested classes": ("m.py", "".join(" " * n + f"class A{n}{'b' * 1000}:\n" for n in range(1500))),
    "long names in JSON": (
        "m.json",
        '{"%s": {%s}, "auto_map": {"%s": {%s}}}'  # noqa: UP031
        % ("k" * 900_000, '"a": {}, ' * 1 + ", ".join(f'"a{n}": {{}}' for n in range(40_000)), "k" * 900_000,
           ", ".join(f'"b{n}": "c.D"' for n in range(40_000))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
def test_what_names_and_defines_is_read_in_bounded_time_and_size(name: str) -> None:
    path, text = REFERENCES[name]
    found = references.profile(snapshot({path: text, "good.py": "class GoodThingConfig:\n    pass\n"})).details["named"]
    assert "GoodThingConfig" in found.definitions
    places = [place for some in found.definitions.values() for place in some]
    assert sum(len(place.qualname or "") for place in places) < 10_000_000
    assert sum(len(r.place.location.pointer or "") for r in found.references) < 30_000_000


def test_what_is_over_the_bounds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("MAX_REFERENCES", "MAX_DEFINITIONS", "MAX_WORDS", "MAX_TITLES"):
        monkeypatch.setattr(mentions, bound, 2)
    source = "import a, b, c, d\n" + "".join(f"class Odd{n}: pass\n# some_word_{n}\n" for n in range(4))
    types = json.dumps([{"model_type": f"type{n}"} for n in range(4)])
    found = references.profile(snapshot({"m.py": source, "x.json": types}))
    named = found.details["named"]
    assert [len(named.references), len(named.definitions), len(named.words), len(named.titles)] == [2, 2, 2, 2]
    assert ["more than 2" in skip.reason for skip in found.skipped] == [True] * 4


def test_many_origins_are_looked_up_at_once() -> None:
    left, right = (
        json.dumps({f"k{n}": {"model_type": f"{side}t{n}", "_name_or_path": f"org/{side}{n}"} for n in range(9000)})
        for side in "ab"
    )
    both = [references.profile(snapshot({"x.json": text})).details["named"] for text in (left, right)]
    assert references.dangling(both[0], both[1], [], names()["definitions"]) == []


def test_a_list_in_itself_is_followed_a_few_times() -> None:
    itself = b"\x80\x02]q\x00(" + b"h\x00" * 50 + b"e."
    wide = b"\x80\x02]q\x00(" + b"K\x01" * 100_000 + b"e0](" + b"h\x00" * 100_000 + b"e."
    for content in (itself, wide):
        found = read_tensors(file_of("m.bin", content))
        assert isinstance(found, TensorFile)
        assert "names lead to" in found.skipped[0].reason


def test_long_names_of_a_pickle_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_files, "MAX_NAMES", 5_000)
    outer, inner = (b"X" + struct.pack("<I", size) + b"n" * size for size in (400, 3))
    content = b"\x80\x02}(" + outer + b"}(" + (inner + b"]") * 20 + b"uu."
    found = read_tensors(file_of("m.bin", content))
    assert isinstance(found, Skipped)
    assert "5,000 characters" in found.reason


def test_a_tensor_far_into_a_storage_is_read_without_what_stands_before_it() -> None:
    content = torch_zip({"a.weight": (64, 64)})
    file = file_of("m.pt", content)
    found = read_tensors(file)
    assert isinstance(found, TensorFile)
    asked: list[int] = []

    class Watched(BytesIO):
        def read(self, count: int | None = -1, /) -> bytes:
            got = super().read(count)
            asked.append(len(got))
            return got

    watched = File("m.pt", len(content), "0" * 64, lambda: content, stream=lambda: Watched(content))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        directory = len(archive.infolist()) * 100 + 1000
    assert [*beginnings(watched, found.tensors)] == ["a.weight"]
    assert sum(asked) < 4 * 256 + directory


def test_tensors_of_very_long_names_are_left_out() -> None:
    long = ".".join(["a"] * 3000)
    for path, content in {
        "m.safetensors": safetensors({long: (2,), "b": (2,)}),
        "m.gguf": gguf({long: (2,), "b": (2,)}),
        "m.pt": torch_zip({long: (2,), "b": (2,)}),
        "m.index.json": json.dumps({"weight_map": {long: "x", "b": "x"}}).encode(),
    }.items():
        found = read_tensors(file_of(path, content))
        assert isinstance(found, TensorFile)
        assert [tensor.name for tensor in found.tensors] == ["b"]
        assert "characters" in found.skipped[0].reason


def test_fields_of_a_protobuf_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentencepiece, "MAX_FIELDS", 100)
    with pytest.raises(sentencepiece.SentencepieceError, match="100 fields"):
        sentencepiece.read_sentencepiece(b"\x0a\x03\x0a\x01a" + b"\x20\x00" * 200)
    with pytest.raises(sentencepiece.SentencepieceError, match="100 fields"):
        sentencepiece.read_sentencepiece(b"\x0a\x7e" + b"\x20\x00" * 63 + b"\x0a\x7e" + b"\x20\x00" * 63)


def test_shards_that_are_promised_are_not_made() -> None:
    content = safetensors({"a.weight": (2, 2)})
    files = [read_tensors(file_of(f"m{n}-00001-of-99999.safetensors", content)) for n in range(800)]
    found, missing = checkpoints([file for file in files if isinstance(file, TensorFile)])
    assert len(found) == 800
    assert found[0].expected == 99_999
    assert "99,998 of 99,999 shards" in missing[0].reason
    assert "m0-00002-of-99999.safetensors" in missing[0].reason


def test_lists_of_merges_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "MAX_MERGES", 10)
    with pytest.raises(vocabularies.VocabularyError, match="10 merges"):
        vocabularies.merges(b"a b\n" * 11)


def test_special_tokens_of_a_repository_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_folders, "MAX_ENTRIES", 1000)
    tokens = json.dumps({f"<odd{n}>": n for n in range(40)})
    found = room("tokenizer").profile(snapshot({f"{n}/added_tokens.json": tokens for n in range(5)}))
    assert len(found.details["tokenizers"]) == 2
    assert sum("behind the bound" in skip.reason for skip in found.skipped) == 3


# Pages


def test_no_control_character_of_a_repository_reaches_the_page(repository) -> None:
    bad = "\x1b[31m\u202e\x07"
    files = {
        "config.json": json.dumps({f"odd_key_{n}{bad}": f"unheard of {n}{bad}" for n in range(5)}),
        "tokenizer.json": json.dumps(
            {"added_tokens": [{"id": n, "content": f"<odd{bad}{n}>"} for n in range(3)], "model": {"type": bad}}
        ),
        "x.json": json.dumps({bad: float("nan")}),
    }
    left, right = (repository(name, files) for name in ("left", "right"))
    page = html.render(scan(str(left), str(right)))
    assert {character for character in page if not character.isprintable()} <= {"\n", "\t"}
    assert "<odd" not in page


# Honest pairs

PUBLIC = {
    "a checkpoint of a public model": (
        "config.json",
        {
            "model_type": "qwen2", "bos_token_id": 151643, "eos_token_id": 151645, "hidden_size": 3584,
            "intermediate_size": 18944, "max_position_embeddings": 32768, "num_attention_heads": 28, "vocab_size": 152064,
            "hidden_act": "quick_gelu", "sliding_window": 131072,
        },
    ),
    "a pipeline of a public library": (
        "model_index.json",
        {
            "_class_name": "StableDiffusionPipeline", "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
            "scheduler": ["diffusers", "PNDMScheduler"], "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    ),
    "a pooling layer": (
        "1_Pooling/config.json",
        {
            "word_embedding_dimension": 384, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False, "include_prompt": True,
        },
    ),
    "how a library trains": (
        "ds_config.json",
        {
            "zero_optimization": {"stage": 3, "overlap_comm": True, "sub_group_size": 1e9},
            "fp16": {"hysteresis": 2, "loss_scale_window": 1000}, "train_batch_size": "auto",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_what_a_public_base_has_is_no_more_than_weak(name: str) -> None:
    path, value = PUBLIC[name]

    def level(value: object) -> tuple[str, str]:
        profile = settings({path: json.dumps(value)})
        found = config.compare(profile, [Profiled("r", "right", profile)], Context(shipped()))
        return found.evidence[0].level, found.evidence[0].reason

    assert level(value)[0] in ("none", "weak")
    assert level(value)[0] == "none" or "model_type" in value or "public checkpoint" in level(value)[1]
    assert (
        level({f"odd_{key}": f"{its}!" for key, its in value.items()} | {"lr_x": 0.37, "drop_y": 0.81, "z_w": 71})[0]
        == "moderate"
    )
