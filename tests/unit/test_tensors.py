"""Files of tensors in every format, whole and damaged; checkpoints of several files; what the room makes of them."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeclone.background import shipped
from codeclone.evidence import Context, Findings, Profiled
from codeclone.evidence import tensors as room
from codeclone.match import tensor_showing
from codeclone.match.tensor_names import match_names
from codeclone.model import REWRITE_RULES, Evidence, File, Repository, Skipped, Snapshot, Tensor
from codeclone.read import open_source, repository_tensors, torch_files
from codeclone.read.checkpoints import checkpoints
from codeclone.read.tensors import MAX_HEADER, TensorFile, read_tensors
from tests.checkpoints import (
    file_of,
    gguf,
    safetensors,
    torch_legacy,
    torch_pickle,
    torch_zip,
    transformer,
    with_header,
    zip_of,
)
from tests.conftest import SAMPLES

SHAPES = {"a.0.weight": (4, 3), "a.0.bias": (4,), "a.1.weight": (2, 2, 2), "empty": (0, 5), "one": ()}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def read(path: str, content: bytes) -> TensorFile:
    found = read_tensors(file_of(path, content))
    assert isinstance(found, TensorFile), found
    return found


def reason(path: str, content: bytes) -> str:
    found = read_tensors(file_of(path, content))
    assert isinstance(found, Skipped), found
    assert found.location.path == path
    return found.reason


WRITERS = {
    "model.safetensors": safetensors,
    "pytorch_model.bin": torch_zip,
    "old.pth": torch_legacy,
    "model.gguf": gguf,
}


@pytest.mark.parametrize("path", WRITERS)
def test_names_shapes_types_and_places(path: str) -> None:
    found = read(path, WRITERS[path](SHAPES))
    assert {tensor.name: tensor.shape for tensor in found.tensors} == SHAPES
    assert {tensor.dtype for tensor in found.tensors} == {"F32"}
    assert [tensor.stored.length for tensor in found.tensors if tensor.stored] == [48, 16, 32, 0, 4]
    assert not found.skipped


def test_the_places_are_where_the_numbers_are() -> None:
    for path in ("model.safetensors", "old.pth", "model.gguf"):
        whole = WRITERS[path](SHAPES)
        for tensor in read(path, whole).tensors:
            assert tensor.stored is not None
            assert tensor.stored.length is not None
            place = tensor.stored.offset
            assert whole[place : place + tensor.stored.length] == bytes(tensor.stored.length)
        last = max(
            tensor.stored.offset + (tensor.stored.length or 0) for tensor in read(path, whole).tensors if tensor.stored
        )
        assert 0 <= len(whole) - last < 32
    stored = next(tensor.stored for tensor in read("x.bin", torch_zip(SHAPES)).tensors if tensor.name == "a.1.weight")
    assert stored is not None
    assert (stored.member, stored.offset) == ("archive/data/2", 0)


def test_values_are_found_at_their_place() -> None:
    header = json.dumps({"t": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]},
                         "s": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}).encode()  # fmt: skip
    content = with_header(header, 0) + struct.pack("<qff", 7, 1.5, 2.5)
    stored = read("m.safetensors", content).tensors[0].stored
    assert stored is not None
    assert struct.unpack("<ff", content[stored.offset : stored.offset + 8]) == (1.5, 2.5)


def test_wrapped_state_dicts_are_walked() -> None:
    names = [tensor.name for tensor in read("x.ckpt", torch_zip(SHAPES, wrapped="state_dict")).tensors]
    assert names == [f"state_dict.{name}" for name in SHAPES]


def test_the_content_decides_and_not_the_suffix() -> None:
    assert read("weights.bin", safetensors(SHAPES)).format == "safetensors"
    assert read("weights.safetensors", torch_zip(SHAPES)).format == "torch zip"
    assert read("weights.pt", gguf(SHAPES)).format == "GGUF"


def test_metadata_is_kept() -> None:
    assert read("m.safetensors", safetensors(SHAPES, metadata={"format": "pt"})).metadata == {"format": "pt"}
    assert read("m.gguf", gguf(SHAPES)).metadata == {"general.name": "toy"}


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no whole safetensors"),
        (b"\1\2\3", "no whole safetensors"),
        ((2**63).to_bytes(8, "little") + b"{}", "9,223,372,036,854,775,808"),
        ((2**64 - 1).to_bytes(8, "little") + b"{}", "header of"),
        (safetensors(SHAPES)[:40], "no whole safetensors"),
        (with_header(b"[1, 2]", 0), "no JSON object"),
        (with_header(b"\xff\xfe\xff\xff", 0), "not JSON"),
        (with_header(b'{"a": 1' + b"}" * 3, 0), "not JSON"),
        (with_header(b"[" * 100_000, 0), "nested"),
    ],
)
def test_damaged_headers_are_skipped(content: bytes, words: str) -> None:
    assert words in reason("model.safetensors", content)


def test_a_header_over_the_bound_is_not_read() -> None:
    def gone() -> bytes:
        raise AssertionError("it was read whole")

    class Endless:
        def read(self, count: int = -1) -> bytes:
            assert 0 <= count < 2**20
            return ((MAX_HEADER + 1).to_bytes(8, "little") + b"{" * 2000)[:count]

        def seek(self, place: int) -> None: ...
        def __enter__(self) -> Endless:
            return self

        def __exit__(self, *exception: object) -> None: ...

    file = File("m.safetensors", 2**40, "0" * 64, gone, whole=False, stream=Endless)  # type: ignore[arg-type]
    outcome = read_tensors(file)
    assert isinstance(outcome, Skipped)
    assert "safetensors allows" in outcome.reason


@pytest.mark.parametrize(
    ("header", "kept", "words"),
    [
        ({"a": entry(), "b": entry(offsets=[8, 99])}, ["a"], "cannot hold"),
        ({"a": entry(), "b": entry(offsets=[16, 8])}, ["a"], "cannot hold"),
        ({"a": entry(), "b": entry(shape=[-2])}, ["a"], "no tensor"),
        ({"a": entry(), "b": entry(shape=[2.0])}, ["a"], "no tensor"),
        ({"a": entry(), "b": entry(shape=[True])}, ["a"], "no tensor"),
        ({"a": entry(), "b": entry(shape=[10**4000])}, ["a"], "no tensor"),
        ({"a": entry(), "b": entry(dtype=7)}, ["a"], "no tensor"),
        ({"a": entry(), "b": 1}, ["a"], "no tensor"),
        ({"a": entry(), "b": {}}, ["a"], "no tensor"),
        ({"a": entry(), "b": entry(offsets=[0, 8])}, ["a", "b"], "another tensor's too"),
        ({"a": entry(), "b": entry(offsets=[8, 16])}, ["a", "b"], "not all in the file"),
    ],
)
def test_entries_that_lie_are_told(header: dict[str, object], kept: list[str], words: str) -> None:
    found = read("m.safetensors", with_header(json.dumps(header).encode(), 8))
    assert [tensor.name for tensor in found.tensors] == kept
    assert any(words in skip.reason for skip in found.skipped)
    assert any(skip.location.pointer == "/b" for skip in found.skipped)


def test_odd_json_in_a_header_is_told_and_the_rest_is_read() -> None:
    text = (
        '{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "a": {"dtype": "F32", "shape": [1, 2], '
        '"data_offsets": [0, 8]}, "big": {"dtype": "F32", "shape": [1e308], "data_offsets": [0, 8]}, '
        '"nan": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}, "deep": ' + "[" * 100 + "]" * 100 + "}"
    )
    found = read("m.safetensors", with_header(text.encode(), 8))
    assert [(tensor.name, tensor.shape) for tensor in found.tensors] == [("a", (1, 2))]
    reasons = " ".join(skip.reason for skip in found.skipped)
    assert all(words in reasons for words in ("more than once", "no finite number", "nested deeper", "no tensor"))


def test_of_many_entries_that_lie_the_first_are_told_one_by_one() -> None:
    header = {f"t{n}": entry(offsets=[0, 1]) for n in range(500)} | {"a": entry()}
    found = read("m.safetensors", with_header(json.dumps(header).encode(), 8))
    assert len(found.skipped) < 30
    assert "480 more" in found.skipped[-1].reason


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zip_of({"archive/data.pkl": torch_pickle({}), "archive/data/0": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *arguments: pytest.fail("it was unpacked"))
    assert "zip bomb" in reason("pytorch_model.bin", bomb)


def test_a_pickle_that_is_a_bomb_is_refused() -> None:
    many = {f"archive/data/{n}": b"\7" * 300_000 for n in range(4)}
    stored = zip_of(many)  # so much that the whole file does not stand out
    bomb = zip_of({"archive/data.pkl": b"\x80\x02" + b"N0" * 2_000_000 + b"."}, zipfile.ZIP_DEFLATED)
    assert len(stored) > len(bomb)
    assert "refused" in reason("m.bin", bomb)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zip_of({"a/code.txt": b"x"}), "with 0 data.pkl"),
        (zip_of({"a/data.pkl": b".", "b/data.pkl": b"."}), "with 2 data.pkl"),
        (torch_zip(SHAPES)[:-100], "no whole zip file"),
        (b"PK\3\4" + b"\0" * 60, "no whole zip file"),
        (zip_of({"a/data.pkl": torch_pickle(SHAPES)}, zipfile.ZIP_LZMA), "does not use"),
        (b"\0" * 500, "no whole pickle"),
        (b"", "no whole pickle"),
        (b"just text\n" * 20, "pickle"),
        (b"x" * 257 + b"ustar" + b"\0" * 300, "tar file"),
        (POINTER.format("a" * 64, 5_000_000).encode(), "a Git-LFS pointer to 5,000,000 bytes"),
    ],
)
def test_damaged_torch_files_are_skipped(content: bytes, words: str) -> None:
    assert words in reason("pytorch_model.bin", content)


def test_a_storage_that_is_missing_leaves_name_and_shape() -> None:
    content = zip_of({"archive/data.pkl": torch_pickle(SHAPES), "archive/data/0": bytes(48)})
    found = read("m.bin", content)
    assert [tensor.stored is None for tensor in found.tensors] == [False, True, True, True, True]
    assert "4 tensors are not there" in found.skipped[0].reason


def test_a_pickle_that_counts_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_files, "MAX_VISITS", 1000)
    nested = b"\x80\x02]" + b"]" + b"2a" * 3 + b"."
    wide = b"\x80\x02(" + b"]" * 1001 + b"l."
    assert "1,000 values" in reason("m.pt", wide)
    assert isinstance(read_tensors(file_of("m.pt", nested)), (TensorFile, Skipped))


@pytest.mark.parametrize("path", WRITERS)
@given(data=st.data())
def test_no_change_of_a_file_breaks_its_reader(path: str, data: st.DataObject) -> None:
    content = bytearray(WRITERS[path](SHAPES))
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])
    outcome = read_tensors(file_of(path, cut))
    skipped = [outcome] if isinstance(outcome, Skipped) else outcome.skipped
    assert all(skip.reason for skip in skipped)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("F32"),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "a", "weight_map", "__metadata__"]), inner),
    max_leaves=20,
))  # fmt: skip
def test_no_json_breaks_a_header_or_an_index(value: object) -> None:
    text = json.dumps(value).encode()
    for path, content in (("m.safetensors", with_header(text, 16)), ("m.safetensors.index.json", text)):
        outcome = read_tensors(file_of(path, content))
        assert isinstance(outcome, (Skipped, TensorFile))


# Checkpoints


def index(weights: Mapping[str, object], total: object = 100) -> bytes:
    return json.dumps({"metadata": {"total_size": total}, "weight_map": weights}).encode()


def test_an_index_and_its_shards_are_one_checkpoint() -> None:
    files = {
        "model.safetensors.index.json": index({"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-3.safetensors"}),
        "m-1.safetensors": safetensors({"a": (2,)}),
        "m-2.safetensors": safetensors({"b": (3,)}),
        "other.safetensors": safetensors({"x": (1,)}),
    }
    (model, other), missing = checkpoints([read(path, content) for path, content in files.items()])
    assert model.label == "model.safetensors.index.json"
    assert {tensor.name: tensor.shape for tensor in model.tensors} == {"a": (2,), "b": (3,), "c": None}
    assert (model.shards, model.expected, model.total_size) == (2, 3, 100)
    assert [skip.reason for skip in missing] == ["1 of 3 shards were not read: m-3.safetensors"]
    assert other.label == "other.safetensors"


def test_numbered_shards_without_an_index_are_one_checkpoint() -> None:
    names = [f"model-0000{n}-of-00004.safetensors" for n in (1, 2, 4)]
    (model,), (missing,) = checkpoints([read(name, safetensors({name: (1,)})) for name in names])
    assert len(model.tensors) == 3
    assert "model-00003-of-00004.safetensors" in missing.reason


@pytest.mark.parametrize("shard", ["../../etc/passwd", "a/b.safetensors", "", 7, None, ".."])
def test_an_index_names_files_of_its_folder_only(shard: object) -> None:
    found = read("model.safetensors.index.json", index({"a": "m.safetensors", "b": shard}))
    assert [tensor.name for tensor in found.tensors] == ["a"] or shard == ".."
    assert found.skipped or shard == ".."


# The room


def repository(files: Mapping[str, bytes], whole: bool = True) -> Snapshot:
    made = tuple(
        File(path, len(content), hashlib.sha256(content).hexdigest(), lambda content=content: content, whole)  # type: ignore[misc]
        for path, content in sorted(files.items())
    )
    return Snapshot(Repository("r", "r", None, "0" * 64), made)


def compare(left: Mapping[str, bytes], right: Mapping[str, bytes], **others: Mapping[str, bytes]) -> Findings:
    candidates = [Profiled("right", "right", room.profile(repository(right)))]
    candidates += [Profiled(role, role, room.profile(repository(files))) for role, files in others.items()]  # type: ignore[arg-type]
    return room.compare(room.profile(repository(left)), candidates, Context(shipped()))


def model(tensors: list[Tensor], **words: str) -> dict[str, bytes]:
    names = {t.name: ".".join(words.get(s, s) for s in t.name.split(".")) for t in tensors}
    return {"model.safetensors": safetensors({names[t.name]: t.shape or () for t in tensors}, "BF16")}


def only(findings: Findings) -> Evidence:
    (found,) = findings.evidence
    return found


def value(finding: Evidence, name: str) -> float:
    return next(measure.value for measure in finding.measures if measure.name == name)


def test_renamed_tensors_load_after_these_renames() -> None:
    found = only(compare(model(transformer(), blocks="layers", attn="mixer"), model(transformer())))
    assert found.level == "weak"
    assert found.reason.startswith(
        "loads after 2 renames: 53 of 53 tensors map onto the right's, all with equal shapes"
    )
    assert (value(found, "tensors_mapped"), value(found, "shapes_equal"), value(found, "rules")) == (1.0, 1.0, 2.0)
    assert len(found.renames) == 53
    assert ("encoder.layers.0.mixer.wq.weight", "encoder.blocks.0.attn.wq.weight") in found.renames
    rules = next(table for table in found.tables if table.title == REWRITE_RULES)
    assert {row.cells for row in rules.rows} == {
        ("segments", "layers", "blocks", 48),
        ("segments", "mixer", "attn", 24),
    }


def test_an_architecture_alone_is_never_more_than_weak() -> None:
    # The mandatory control: the same names and shapes, or one norm renamed, and the weights of strangers.
    for words in ({}, {"norm1": "input_layernorm"}):
        left = model(transformer(layers=12, width=64), **words)
        right = {"m.safetensors": model(transformer(layers=12, width=64))["model.safetensors"] + b"\1"}
        assert only(compare(left, right)).level == "weak"


def test_many_names_that_no_public_model_has_are_moderate() -> None:
    def odd(count: int) -> list[Tensor]:
        return [Tensor(f"net.qwyx{'abcdefghijklmnopqrstuvwxyz'[n]}zu.weight", (n + 2, 3), "F32") for n in range(count)]

    def level(count: int, **others: Mapping[str, bytes]) -> str:
        right = {"m.safetensors": model(odd(count))["model.safetensors"] + b"\1"}
        return only(compare(model(odd(count)), right, **others)).level

    assert level(room.DISTINCTIVE) == "moderate"
    assert level(room.DISTINCTIVE - 1) == "weak"
    assert level(room.DISTINCTIVE, ancestor=model(odd(4) + transformer())) == "weak"


@pytest.mark.parametrize("role", ["ancestor", "claimed"])
def test_what_another_candidate_maps_as_well_is_explained_by_it(role: str) -> None:
    left, right = model(transformer(), blocks="layers"), model(transformer(), blocks="stack")
    assert only(compare(left, right)).level == "weak"
    found = only(compare(left, right, **{role: model(transformer())}))
    assert (found.level, found.stance) == ("none", "context")
    told = {"ancestor": "ancestor (ancestor)", "claimed": "claimed (claimed source)"}[role]
    assert f"; {told} explains it as well" in found.reason
    smaller = model(transformer(layers=1))
    assert only(compare(left, right, **{role: smaller})).level == "weak"


def test_less_than_half_is_no_finding() -> None:
    left = transformer(width=16)
    right = [tensor for tensor in left if ".attn." in tensor.name][:8] + transformer(layers=4, width=24)
    assert not compare(model(left), model(right)).evidence


def test_files_that_are_the_same_are_moderate_unless_another_has_them() -> None:
    files = model(transformer())
    pointer = {"m.safetensors": POINTER.format(hashlib.sha256(files["model.safetensors"]).hexdigest(), 12_345).encode()}
    for left, right in ((files, files), (pointer, pointer), (pointer, files)):
        found = [finding for finding in compare(left, right).evidence if "byte for byte" in finding.claim]
        assert [finding.level for finding in found] == ["moderate"]
        found = [f for f in compare(left, right, ancestor=files).evidence if "byte for byte" in f.claim]
        assert [finding.level for finding in found] == ["none"]
    tiny = {"m.safetensors": safetensors({"a": (2,)})}
    assert all("byte for byte" not in finding.claim for finding in compare(tiny, tiny).evidence)


def test_everything_is_found_in_itself() -> None:
    files = {
        **model(transformer()),
        "x.bin": torch_zip(SHAPES),
        "w.gguf": gguf(SHAPES),
        "weight.pt": torch_legacy({"weight": (2,)}),
    }
    findings = compare(files, files)
    assert findings.partition.own == 0.0
    mapped = [finding for finding in findings.evidence if "byte for byte" not in finding.claim]
    assert len(mapped) == 4
    for finding in mapped:
        assert [value(finding, name) for name in ("similarity", "containment_left", "containment_right")] == [1.0] * 3
        assert value(finding, "tensors_mapped") == value(finding, "shapes_equal") == 1.0
    assert len({finding.id for finding in findings.evidence}) == len(findings.evidence)


def test_one_hostile_file_changes_nothing_beside_it() -> None:
    files = model(transformer())
    hostile = {
        "bad.bin": b"cos\nsystem\n(S'touch marker'\ntR.",
        "cut.safetensors": files["model.safetensors"][:50],
        "long.safetensors": (2**63).to_bytes(8, "little"),
        "lfs.pt": POINTER.format("a" * 64, 99).encode(),
        "odd.index.json": b"\xff\xfe\x00",
        "deep.index.json": b"[" * 100_000,
    }
    clean, beside = compare(files, files), compare({**files, **hostile}, files)
    assert beside.partition == clean.partition
    assert [finding.reason for finding in beside.evidence] == [finding.reason for finding in clean.evidence]
    assert {skip.location.path for _, skip in beside.skipped} == set(hostile)
    assert any("os.system" in skip.reason for _, skip in beside.skipped)


def test_the_optimizer_is_left_out() -> None:
    tensors = transformer(layers=1)
    shapes = {f"model.{t.name}": t.shape or () for t in tensors}
    state = {f"optimizer.state.{n}.exp_avg": t.shape or () for n, t in enumerate(tensors)}
    found = only(compare({"last.ckpt": torch_zip({**shapes, **state})}, model(tensors)))
    assert len(found.renames) == len(tensors)
    assert found.reason.startswith("loads after 1 rename: ")


def test_tables_are_bounded() -> None:
    left = [Tensor(f"part{n}.x{n}y", (n + 2,), "F32") for n in range(2000)]
    findings = compare(model(left), model(left[:900] + [Tensor(f"q{n}", (n + 9000,), "F32") for n in range(900)]))
    table = next(table for table in only(findings).tables if table.title == "Left over")
    assert len(table.rows) == tensor_showing.MAX_LEFT_OVER
    assert table.left_out == 2000 - tensor_showing.MAX_LEFT_OVER
    assert {row.op for row in table.rows} == {"only_left", "only_right"}


@pytest.mark.parametrize("copy", ["renamed", "rewritten"])
def test_what_was_renamed_in_the_samples_is_mapped_or_said_to_be_a_guess(copy: str, truth: dict) -> None:  # type: ignore[type-arg]
    def tensors(name: str) -> tuple[Tensor, ...]:
        return room.profile(open_source(str(SAMPLES / name))).details["checkpoints"][0].tensors

    left, right, planted = tensors(copy), tensors("original"), truth["tensors"][copy]
    match = match_names(left, right)
    known = {left[a].name: right[b].name for a, b in match.mapping if a not in match.ambiguous}
    assert known.items() <= planted["renames"].items()
    assert len(known) >= 0.45 * len(left)
    assert len(match.mapping) >= 0.95 * len(left)
    assert len(match.rules) <= len(planted["rules"])


# The command


def test_the_rename_table_can_be_applied(codeclone, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for side, words in (("left", {"blocks": "layers", "embed": "words"}), ("right", {})):
        (tmp_path / side).mkdir()
        for path, content in model(transformer(), **words).items():
            (tmp_path / side / path).write_bytes(content)
    assert codeclone("scan", "left", "right", "-q", "-o", "r.json", "-o", "r.html").code == 0
    result = codeclone("renames", "r.json", "-o", "table.json")
    assert (result.code, result.out, result.err) == (0, "", "")
    (found,) = json.loads((tmp_path / "table.json").read_text())
    assert found["left"] == found["right"] == ["model.safetensors"]
    theirs = {tensor.name for tensor in transformer()}
    left = read("m.safetensors", (tmp_path / "left" / "model.safetensors").read_bytes())
    assert {found["renames"][tensor.name] for tensor in left.tensors} == theirs
    assert {(rule["left"], rule["right"]) for rule in found["rules"]} == {("layers", "blocks"), ("words", "embed")}
    (back,) = json.loads(codeclone("renames", "r.json", "--reverse").out)
    assert back["renames"] == {new: old for old, new in found["renames"].items()}
    assert {(rule["left"], rule["right"]) for rule in back["rules"]} == {("blocks", "layers"), ("embed", "words")}


def test_a_report_without_tensors_is_one_line(codeclone, repository, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name in ("left", "right"):
        repository(name, {"a.py": "def f(a, b):\n    return a * 3 + b\n"})
    assert codeclone("scan", "left", "right", "-q", "-o", "r.json").code == 0
    result = codeclone("renames", "r.json")
    assert (result.code, result.out) == (2, "")
    assert result.err == "codeclone: the report has no finding about tensors with a rename table\n"
    assert codeclone("renames", "nowhere.json").code == 2


def test_checkpoints_beyond_the_bound_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository_tensors, "MAX_TENSORS", 3)
    files = [
        file_of(f"{name}/model.safetensors", safetensors({"a.weight": (2, 2), "b.weight": (3,)})) for name in "abc"
    ]
    found = room.profile(Snapshot(Repository("r", "r", None, "0" * 64), tuple(files)))
    assert [checkpoint.label for checkpoint in found.details["checkpoints"]] == [
        "a/model.safetensors",
        "b/model.safetensors",
    ]
    assert [skip.location.path for skip in found.skipped] == ["c/model.safetensors"]
