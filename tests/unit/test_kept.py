"""Kept samples: they say what the checkpoint said, and a file of them that lies is left out with its reason."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeclone import arrays, codec, scan
from codeclone.errors import CodecloneError
from codeclone.evidence import config, tensors, weights
from codeclone.keep import keep
from codeclone.match import weight_samples
from codeclone.match.weight_kept import numbers_of, restored, unread_of
from codeclone.match.weight_samples import Samples, sampled
from codeclone.model import Checkpoint, File, Repository, Skipped, Snapshot, Tensor
from codeclone.read import kept, repository_tensors
from tests.checkpoints import file_of, gguf_of, safetensors_of, with_header
from tests.conftest import SAMPLES

KINDS = ("tensors", "weights")

Named = dict[str, tuple[str, tuple[int, ...], bytes]]


def model(seed: int, width: int = 64, layers: int = 3) -> Named:
    """A small language model, with tensors that tell nothing or cannot be read."""
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> tuple[str, tuple[int, ...], bytes]:
        return "F32", shape, (0.03 * random.standard_normal(shape)).astype("<f4").tobytes()

    found: Named = {"model.embed_tokens.weight": drawn(300, width)}
    for layer in range(layers):
        block = f"model.layers.{layer}"
        found |= {
            f"{block}.post_attention_layernorm.weight": drawn(width),
            f"{block}.self_attn.q_proj.weight": drawn(width, width),
            f"{block}.mlp.gate_proj.weight": drawn(2 * width, width),
            f"{block}.mlp.up_proj.weight": drawn(2 * width, width),
            f"{block}.mlp.down_proj.weight": drawn(width, 2 * width),
        }
    odd = np.full((40, 40), 0.5, "<f4")
    odd[3, 5:9] = [np.nan, np.inf, -np.inf, np.nan]
    return found | {
        "odd.weight": ("F32", (40, 40), odd.tobytes()),
        "empty.weight": ("F32", (0, 7), b""),
        "model.position_ids": ("I64", (1, 4), bytes(32)),
        "packed.weight": ("F4", (8, 8), bytes(32)),
        "scale": ("F32", (), bytes(4)),
    }


def noisy(named: Named, sd: float) -> Named:
    random = np.random.default_rng(0)

    def moved(content: bytes) -> bytes:
        values = np.frombuffer(content, "<f4")
        return (values + sd * random.standard_normal(len(values))).astype("<f4").tobytes()

    return {n: (kind, shape, moved(its) if kind == "F32" else its) for n, (kind, shape, its) in named.items()}


def snapshot(files: dict[str, bytes]) -> Snapshot:
    return Snapshot(Repository("r", "r", None, "0" * 64), tuple(file_of(p, files[p]) for p in sorted(files)))


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Repositories that have to do with each other, and a file of what was kept of each: sources by their name."""
    base = model(1)
    files = {
        "base": {"model.safetensors": safetensors_of(base)},
        "left": {"model.safetensors": safetensors_of(noisy(base, 1e-3))},
        "right": {"a.safetensors": safetensors_of(noisy(base, 2e-3)), "b/c.safetensors": safetensors_of(model(2, 32))},
    }
    found: dict[str, Path] = {}
    for name, its in files.items():
        for path, content in its.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_bytes(content)
        found[name] = tmp_path / name
        found[f"kept {name}"] = tmp_path / f"{name}.kept.npz"
        found[f"kept {name}"].write_bytes(keep(str(tmp_path / name)).content)
    return found


def told(left: object, right: object, *ancestors: object, full: bool = False) -> dict[str, Any]:
    """What a report of names and weights says, but for paths and what depends on them."""
    report = scan(
        f"left={left}", f"right={right}", ancestors=[f"base={its}" for its in ancestors], only=KINDS, full=full
    )
    text = re.sub(r"\w+\.kept\.npz/", "", codec.to_json(report))
    text = re.sub(r'"(tensors|weights)-[0-9a-f]{10}"', r'"\1"', text)
    return json.loads(text)


SAYS = ("evidence", "attribution", "explanations", "controls", "partition", "compared", "verdict")


@pytest.mark.parametrize("gone", [("left",), ("right",), ("base",), ("left", "right", "base")], ids=" ".join)
def test_what_was_kept_says_the_same_as_the_checkpoint(folders: dict[str, Path], gone: tuple[str, ...]) -> None:
    there = told(folders["left"], folders["right"], folders["base"])
    instead = [folders[f"kept {name}" if name in gone else name] for name in ("left", "right", "base")]
    for name in gone:
        folders[name].rename(folders[name].with_name(f"{name} is gone"))
    again = told(*instead)
    for part in SAYS:
        assert again[part] == there[part], part
    assert any(finding["kind"] == "weights" and finding["stance"] == "for" for finding in there["evidence"])


@pytest.mark.parametrize("sample", ["rewritten", "fork_radar", "lookalike"])
def test_the_samples_too(tmp_path: Path, sample: str) -> None:
    sources = {}
    for name in (sample, "original"):
        sources[name] = tmp_path / f"{name}.kept.npz"
        sources[name].write_bytes(keep(str(SAMPLES / name)).content)
    there = told(SAMPLES / sample, SAMPLES / "original")
    again = told(*sources.values())
    for part in SAYS:
        assert again[part] == there[part], part


def test_a_file_beside_other_files_counts_as_its_checkpoints(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old.kept.npz").write_bytes(folders["kept right"].read_bytes())
    (folder / "model.safetensors").write_bytes(safetensors_of(model(5)))
    report = scan(str(folders["left"]), str(folder), only=KINDS)
    right = {finding.right[0].location.path for finding in report.evidence if finding.kind == "weights"}
    assert "old.kept.npz/a.safetensors" in right
    reasons = [skip.reason for _, skip in report.skipped if skip.location.path == "old.kept.npz"]
    assert len(reasons) == 1
    assert re.match(r"samples of right, digest \w{12}…, as the file says", reasons[0])


def test_the_same_source_gives_the_same_bytes_and_no_path_of_the_machine(folders: dict[str, Path]) -> None:
    content = folders["kept right"].read_bytes()
    assert keep(str(folders["right"])).content == content
    assert str(folders["right"].parent).encode() not in content


def test_a_whole_scan_takes_a_file_in_the_place_of_a_folder(folders: dict[str, Path]) -> None:
    report = scan(str(folders["left"]), str(folders["kept left"]))
    assert "model.safetensors is left.kept.npz/model.safetensors, byte for byte" in {f.claim for f in report.evidence}


def test_large_files_that_are_the_same_are_found_when_one_is_gone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("codeclone.read.folder.MAX_FILE_BYTES", 100_000)
    monkeypatch.setattr("codeclone.read.folder.ENDS", 1_000)
    (tmp_path / "model.safetensors").write_bytes(safetensors_of(model(1)))
    (tmp_path / "it.kept.npz").write_bytes(keep(str(tmp_path / "model.safetensors")).content)
    report = scan(str(tmp_path / "model.safetensors"), str(tmp_path / "it.kept.npz"), only=KINDS)
    assert any("byte for byte" in finding.claim for finding in report.evidence)


@pytest.mark.parametrize(
    ("left", "right"), [("left", "kept right"), ("kept left", "right"), ("kept left", "kept right")]
)
def test_not_all_can_be_read_of_what_was_kept(folders: dict[str, Path], left: str, right: str) -> None:
    sampled_only = told(folders[left], folders[right])
    full = told(folders[left], folders[right], full=True)
    assert full["evidence"] == sampled_only["evidence"]
    reasons = [skip for skip in full["skipped"] if skip not in sampled_only["skipped"]]
    assert {skip["reason"] for skip in reasons} == {"not read in whole: only samples were kept of it"}
    assert len(reasons) == (left, right).count("kept left") + (left, right).count("kept right")


def test_checkpoints_that_have_the_bounds_together_had_them_together(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_samples, "MOST_VALUES", 100_000)
    folders["kept right"].write_bytes(keep(str(folders["right"])).content)
    there, again = (told(folders["left"], folders[name]) for name in ("right", "kept right"))
    for part in SAYS:
        assert again[part] == there[part], part


def test_what_could_not_be_read_again_is_not_written(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "packed", lambda head, values: b"")
    with pytest.raises(CodecloneError, match="cannot be kept: no file of kept samples"):
        keep(str(folders["left"]))


def test_sizes_of_settings_are_looked_up_in_what_was_kept(truth: bytes) -> None:
    profile = config.profile(snapshot({"it.kept.npz": truth, "config.json": b'{"hidden_size": 64}'}))
    assert profile.details["implied"] >= {300, 64, 128}


def test_what_could_not_be_read_is_told_again(tmp_path: Path) -> None:
    content = safetensors_of(model(1))
    (tmp_path / "model.safetensors").write_bytes(content[:-20_000])
    kept_of = keep(str(tmp_path / "model.safetensors"))
    (tmp_path / "it.kept.npz").write_bytes(kept_of.content)
    before, after = (told(tmp_path / name, tmp_path / name)["skipped"] for name in ("model.safetensors", "it.kept.npz"))
    assert any("its bytes are not all in the file" in skip["reason"] for skip in before)
    assert any("its bytes are not there" in skip["reason"] for skip in before)
    assert [skip for skip in before if skip not in after] == []
    assert {skip.reason for skip in kept_of.skipped} <= {skip["reason"] for skip in before}


# Samples <-> numbers


def equal(one: Samples, other: Samples) -> bool:
    return repr(one) == repr(other) and np.array_equal(numbers_of(one), numbers_of(other), equal_nan=True)


def sampled_of(shapes: list[tuple[str, tuple[int, ...], str]], seed: int, share: int) -> tuple[Checkpoint, Samples]:
    """A checkpoint with these tensors, and its samples; every seventh tensor cannot be read."""
    its = tuple(
        Tensor(name, shape, dtype) for name, shape, dtype in {name: (name, *rest) for name, *rest in shapes}.values()
    )
    checkpoint = Checkpoint("m", ("m",), its, (0,) * len(its), ("safetensors",), 1, 1, None, {})

    def grid(place: int, rows: Any, first: int, columns: int) -> Any:
        if place % 7 == 6:
            raise ValueError("cannot be read")
        return np.random.default_rng([seed, place]).standard_normal((len(rows), columns)).astype(np.float32)

    return checkpoint, sampled(checkpoint, grid, share)


NAMES = st.sampled_from([f"layers.{n}.{part}" for n in range(6) for part in ("up", "gate", "down", "norm", "emb")])
SHAPES = st.one_of(
    st.sampled_from([(32, 16), (16, 32), (64, 32), (16,), (300, 16)]),
    st.lists(st.integers(0, 70), max_size=3).map(tuple),
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(NAMES, SHAPES, st.sampled_from(["F32", "BF16", "I64", "?"])), min_size=1, max_size=20),
    st.integers(0, 9),
    st.integers(1, 50),
)
def test_samples_come_back_from_their_bare_numbers(shapes: Any, seed: int, share: int) -> None:
    checkpoint, before = sampled_of(shapes, seed, share)
    blocks = [its.group.number for its in before.neurons]
    numbers = numbers_of(before)
    assert equal(restored(checkpoint, numbers, unread_of(before), blocks, share), before)
    if len(numbers):
        for wrong, reason in ((numbers[:-1], "fewer numbers"), (np.append(numbers, 0), "more numbers")):
            with pytest.raises(ValueError, match=reason):
                restored(checkpoint, wrong, unread_of(before), blocks, share)


# Lies


def changed(content: bytes, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> bytes:
    """The file after its head, as JSON, and its other arrays, as numbers, were changed."""
    with np.load(BytesIO(content), allow_pickle=False) as its:
        parts = {name: its[name] for name in its.files}
    head = json.loads(parts.pop("head").tobytes())
    parts = {name: part.view("<f4").copy() for name, part in parts.items()}
    change(head, parts)
    text = np.frombuffer(json.dumps(head).encode(), np.uint8)
    numbers = {name: np.ascontiguousarray(part).view(np.uint8) for name, part in parts.items()}
    return arrays.packed({"head": text, **numbers}, zipfile.ZIP_STORED)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two checkpoints, of which the lies are about the first."""
    folder = tmp_path_factory.mktemp("truth")
    (folder / "a.safetensors").write_bytes(safetensors_of(model(1)))
    (folder / "b.safetensors").write_bytes(safetensors_of(model(2)))
    return keep(str(folder)).content


def first(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    return lambda head, parts: change(head["checkpoints"][0])


def put(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    return first(lambda its: its.update({name: value}))


def row(
    number: int, column: int, value: Any, of: str = "tensors"
) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    return first(lambda its: its[of][number].__setitem__(column, value))


HEAD_LIES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = {
    "version": (lambda head, parts: head.update(version=99), "of another release"),
    "version of another type": (lambda head, parts: head.update(version=True), "of another release"),
    "an entry too many": (lambda head, parts: head.update(more=1), "entries that codeclone does not write"),
    "an entry missing": (lambda head, parts: head.pop("files"), "entries that codeclone does not write"),
    "digest": (lambda head, parts: head.update(digest="0" * 63 + "G"), "a digest that is none"),
    "no bounds": (lambda head, parts: head.update(bounds=None), "no text"),
    "no name": (lambda head, parts: head.update(repository=""), "no text"),
    "a long name": (lambda head, parts: head.update(repository="r" * 301), "too much of it"),
    "no checkpoints": (lambda head, parts: head.update(checkpoints=[]), "first values that belong to no tensor"),
    "no list": (lambda head, parts: head.update(checkpoints={}), "no list"),
    "many checkpoints": (lambda head, parts: head["checkpoints"].extend([{}] * 50), "more than 50 entries"),
    "no checkpoint": (lambda head, parts: head["checkpoints"].append(7), "entries that codeclone does not write"),
    "fewer checkpoints": (lambda head, parts: parts.pop("values_1"), "holds other arrays"),
    "another array": (lambda head, parts: parts.update(values_2=parts["values_1"]), "holds other arrays"),
    "no beginnings": (lambda head, parts: parts.pop("beginnings"), "holds other arrays"),
    "a file twice": (put("paths", ["b.safetensors"]), "a file that belongs to two checkpoints"),
    "above the folder": (put("paths", ["../a.safetensors"]), "a path that is none"),
    "from the root": (put("paths", ["/a.safetensors"]), "a path that is none"),
    "an unprintable path": (put("paths", ["a\u202e.safetensors"]), "a path that is none"),
    "no paths": (put("paths", []), "without files or tensors"),
    "a number for a path": (put("paths", [1]), "no text"),
    "an owner that is not there": (row(0, 3, 1), "out of range"),
    "an owner below 0": (row(0, 3, -1), "out of range"),
    "a row of another length": (put("tensors", [["a"]]), "another length"),
    "a tensor twice": (row(1, 0, "model.embed_tokens.weight"), "a tensor that stands twice"),
    "a long name of a tensor": (row(0, 0, "n" * 501), "a name that is none"),
    "no type": (row(0, 2, None), "a name that is none"),
    "a size below 0": (row(0, 1, [-1, 2]), "out of range"),
    "a size of another type": (row(0, 1, [3.0]), "out of range"),
    "a size that is a truth": (row(0, 1, [True]), "out of range"),
    "a size over all": (row(0, 1, [2**64]), "out of range"),
    "many dimensions": (row(0, 1, [1] * 65), "more than 64 entries"),
    "shards": (put("shards", -1), "out of range"),
    "total size": (put("total_size", "all"), "out of range"),
    "metadata": (put("metadata", [1]), "metadata that is none"),
    "much metadata": (put("metadata", {str(n): "" for n in range(1001)}), "metadata that is none"),
    "metadata of numbers": (put("metadata", {"a": 1}), "no text"),
    "first values of no tensor": (row(0, 0, 10_000, "beginnings"), "out of range"),
    "more first values than are kept": (row(0, 1, 257, "beginnings"), "more first values than a tensor has"),
    "more first values than it has": (row(1, 1, 65, "beginnings"), "more first values than a tensor has"),
    "first values twice": (first(lambda its: its["beginnings"].append(its["beginnings"][0])), "more first values"),
    "fewer first values": (lambda head, parts: parts.update(beginnings=parts["beginnings"][:99]), "fewer first values"),
    "first values left": (lambda head, parts: parts.update(beginnings=np.zeros(9**5, "<f4")), "belong to no tensor"),
    "first values not finite": (lambda head, parts: parts["beginnings"].fill(np.nan), "no finite numbers"),
    "unread of no tensor": (put("unread", [[10_000, "why"]]), "out of range"),
    "unread without reason": (put("unread", [[0, ""]]), "no text"),
    "blocks that are none": (put("blocks", ["0"]), "out of range"),
    "files": (lambda head, parts: head.update(files=[["a", "b", 1]]), "a digest that is none"),
    "left out": (lambda head, parts: head.update(left_out=[["a", 5, "why"]]), "no text"),
    "not finite JSON": (lambda head, parts: head.update(version=float("nan")), "a head that is no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("lie", HEAD_LIES)
def test_a_lie_of_the_head_is_told_and_nothing_of_the_file_used(truth: bytes, lie: str) -> None:
    change, reason = HEAD_LIES[lie]
    forged = snapshot({"it.kept.npz": changed(truth, change)})
    for its_room in (tensors, weights):
        profile = its_room.profile(forged)
        assert [skip.location.path for skip in profile.skipped] == ["it.kept.npz"]
        assert reason in profile.skipped[0].reason, profile.skipped[0].reason
        assert profile.details["checkpoints"] == ()


NUMBER_LIES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = {
    "fewer numbers": (lambda head, parts: parts.update(values_0=parts["values_0"][:-1]), "fewer numbers"),
    "more numbers": (lambda head, parts: parts.update(values_0=np.append(parts["values_0"], [0]).astype("<f4")), "more"),
    "a larger tensor": (row(2, 1, [64, 65]), "fewer numbers"),
    "a smaller tensor": (row(4, 1, [64, 64]), "more numbers|products of neurons"),
    "read after all": (put("unread", []), "fewer numbers"),
    "not read after all": (row(0, 0, 1, "unread"), "numbers than"),
    "another type": (row(0, 2, "I64"), "numbers than"),
    "a vocabulary that no model has": (row(0, 1, [2**40, 64]), "numbers than"),
    "blocks in another order": (put("blocks", [1, 0, 2]), "blocks of neurons"),
    "a block twice": (put("blocks", [0, 0, 1, 2]), "blocks of neurons"),
    "a block that is not there": (put("blocks", [0, 1, 2, 3]), "blocks of neurons"),
    "blocks left out": (put("blocks", []), "more numbers"),
    "products": (lambda head, parts: parts["values_0"].fill(1e30), "products of neurons"),
    "names without blocks": (row(5, 0, "elsewhere.weight"), "blocks of neurons"),
}  # fmt: skip


@pytest.mark.parametrize("lie", NUMBER_LIES)
def test_numbers_that_cannot_be_true_are_told_and_the_rest_goes_on(truth: bytes, lie: str) -> None:
    change, reason = NUMBER_LIES[lie]
    profile = weights.profile(snapshot({"it.kept.npz": changed(truth, change)}))
    assert [checkpoint.label for checkpoint in profile.details["checkpoints"]] == ["it.kept.npz/b.safetensors"]
    (skip,) = [skip for skip in profile.skipped if skip.location.path == "it.kept.npz/a.safetensors"]
    assert re.search(f"its kept samples cannot be used: .*({reason})", skip.reason), skip.reason


def test_samples_of_another_release_are_told_and_names_compared(truth: bytes) -> None:
    forged = snapshot({"it.kept.npz": changed(truth, lambda head, parts: head.update(bounds="256 256"))})
    profile = weights.profile(forged)
    assert profile.details["checkpoints"] == ()
    assert sum("by another release" in skip.reason for skip in profile.skipped) == 2
    assert len(tensors.profile(forged).details["checkpoints"]) == 2


def test_every_other_number_may_be_said(truth: bytes) -> None:
    """As in any checkpoint: what digests and finite values there are is worked out again."""

    def noise(head: dict[str, Any], parts: dict[str, Any]) -> None:
        parts["values_0"][::7] = np.nan
        parts["values_1"][: 300 * 64] = np.inf

    for change in (noise, row(0, 2, "never heard of"), row(0, 1, [2**63, 64])):
        profile = weights.profile(snapshot({"it.kept.npz": changed(truth, change)}))
        for other in (truth, changed(truth, noise)):
            theirs = weights.profile(snapshot({"it.kept.npz": other}))
            assert weights.compare(profile, [weights.Profiled("r", "right", theirs)], context()) is not None
        samples = profile.details["samples"][0]
        assert all(its is None or its.not_finite == int((~np.isfinite(its.values)).sum()) for its in samples.tensors)
        assert all(np.isfinite(values).all() for its in samples.neurons for values in (*its.views, its.gram))


def context() -> Any:
    from codeclone.background import shipped
    from codeclone.evidence import Context

    return Context(shipped())


def packed_tight(content: bytes) -> bytes:
    with np.load(BytesIO(content), allow_pickle=False) as its:
        return arrays.packed({name: its[name] for name in its.files})


def with_pickle(content: bytes) -> bytes:
    found = BytesIO()
    np.savez(found, head=np.array([{}], object), beginnings=np.zeros(4, np.uint8), values_0=np.zeros(4, np.uint8))
    return found.getvalue()


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda content: b"", "no .npz"),
    "another format": (lambda content: b"\0" * 1000, "no .npz"),
    "cut off": (lambda content: content[: len(content) // 2], "no .npz"),
    "cut off at the end": (lambda content: content[:-1], "no .npz"),
    "a bit turned in the head": (lambda content: content[:300] + bytes([content[300] ^ 1]) + content[301:], "no .npz"),
    "packed": (packed_tight, "packed in a way that is not read"),
    "pickled": (with_pickle, "arrays of another shape or type"),
    "a pointer": (
        lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
        "Git-LFS",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_one_reason(truth: bytes, damage: str) -> None:
    change, reason = DAMAGE[damage]
    for its_room in (tensors, weights):
        (skip,) = its_room.profile(snapshot({"it.kept.npz": change(truth)})).skipped
        assert skip.location.path == "it.kept.npz"
        assert reason in skip.reason


def test_damage_within_the_numbers_is_found_by_their_checksum(truth: bytes) -> None:
    content = bytearray(truth)
    content[-2_000] ^= 1
    profile = weights.profile(snapshot({"it.kept.npz": bytes(content)}))
    assert [checkpoint.label for checkpoint in profile.details["checkpoints"]] == ["it.kept.npz/a.safetensors"]
    assert any("a damaged one" in skip.reason for skip in profile.skipped)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_is_a_reason_and_no_error(truth: bytes, data: st.DataObject) -> None:
    content = bytearray(truth)
    for _ in range(data.draw(st.integers(1, 4))):
        ends = st.one_of(st.integers(0, 5_000), st.integers(len(content) - 600, len(content) - 1))
        content[data.draw(ends)] = data.draw(st.integers(0, 255))
    weights.profile(snapshot({"it.kept.npz": bytes(content)}))


def test_files_are_bounded_alone_and_together(truth: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository_tensors, "MAX_KEPT", 2 * len(truth))
    profile = weights.profile(snapshot({f"{name}.kept.npz": truth for name in "abc"}))
    assert len(profile.details["checkpoints"]) == 4
    assert [skip.location.path for skip in profile.skipped if "of kept samples, with" in skip.reason] == ["c.kept.npz"]
    monkeypatch.setattr(kept, "MAX_BYTES", len(truth) - 1)
    (skip,) = weights.profile(snapshot({"a.kept.npz": truth})).skipped
    assert "over the bound" in skip.reason


def test_a_file_that_vanished_is_skipped() -> None:
    def gone() -> bytes:
        raise FileNotFoundError(2, "No such file or directory")

    found = kept.read_head(File("it.kept.npz", 10_000, "0" * 64, gone))
    assert isinstance(found, Skipped)
    assert "No such file" in found.reason


# Shapes that no model has, which the numbers of no file can bear out


@pytest.mark.parametrize("shape", [[2**62, 2**62, 4], [2**40, 32], [2**63 - 1], [400, 32]])
def test_a_shape_that_lies_is_told_and_the_rest_goes_on(shape: list[int]) -> None:
    values = np.random.default_rng(0).standard_normal((64, 32)).astype("<f4").tobytes()
    size = len(values)
    header = {
        "layers.0.up.weight": {"dtype": "F32", "shape": [64, 32], "data_offsets": [0, size]},
        "layers.0.down.weight": {"dtype": "F32", "shape": [32, 64], "data_offsets": [size, 2 * size]},
        "emb.weight": {"dtype": "?", "shape": shape, "data_offsets": [0, 0]},
    }
    content = with_header(json.dumps(header).encode(), 0) + 2 * values
    profile = weights.profile(snapshot({"model.safetensors": content}))
    (samples,) = profile.details["samples"]
    assert [sample is not None for sample in samples.tensors] == [True, True, False]
    assert len(samples.neurons) == 1
    assert any("emb.weight" in (skip.location.pointer or "") for skip in profile.skipped)


def test_a_gguf_file_is_kept_too(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf_of({"blk.0.weight": (0, (64, 2**64 - 1), b""), "b": (0, (64,), bytes(256))}))
    (tmp_path / "it.kept.npz").write_bytes(keep(str(tmp_path / "m.gguf")).content)
    before, after = (tensors.profile(snapshot({p.name: p.read_bytes()})) for p in sorted(tmp_path.iterdir()))
    assert [*before.details["texts"]] == [*after.details["texts"]] == ["b 64|F32", f"blk.N.weight 64|{2**64 - 1}|F32"]
