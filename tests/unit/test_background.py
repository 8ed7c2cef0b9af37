"""The file of a table: what was written comes back, and what anyone else made is refused in one sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from codeclone import background
from codeclone.background import Background, Counted
from codeclone.errors import OutputError, SourceError
from codeclone.stock import read_index

TABLE = Background(
    keys=np.array([0, 5, 2**39, 2**40 - 1], np.uint64),
    counts=np.array([3, 9, 700, 4], np.uint32),
    files=1000,
    kernel_files=400,
    version=2,
    sources=(Counted("a", "1.0", "0" * 64, 1000, 0), Counted("b", "", "1" * 64, 0, 400)),
)


def written(folder: Path, content: bytes) -> str:
    (folder / "t.npz").write_bytes(content)
    return str(folder / "t.npz")


def changed(**arrays: object) -> bytes:
    """The table's file with other arrays."""
    with np.load(io.BytesIO(background.packed(TABLE)), allow_pickle=False) as found:
        members = {name: found[name] for name in found.files} | arrays
    content = io.BytesIO()
    np.savez_compressed(content, **{name: member for name, member in members.items() if member is not None})
    return content.getvalue()


def lying(told: bytes, instead: bytes) -> bytes:
    """The table's file with something else in the head of an array."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(background.packed(TABLE))) as good, zipfile.ZipFile(content, "w") as archive:
        for name in good.namelist():
            member = good.read(name)
            assert told.strip() in member or name != "deltas.npy"
            archive.writestr(name, member.replace(told, instead))
    return content.getvalue()


def about(**changes: object) -> np.ndarray:
    with np.load(io.BytesIO(background.packed(TABLE)), allow_pickle=False) as found:
        fields = json.loads(found["about"].tobytes()) | changes
    return np.frombuffer(json.dumps(fields).encode(), np.uint8)


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    found = background.load(written(tmp_path, background.packed(TABLE)), 2)
    assert np.array_equal(found.keys, TABLE.keys)
    assert np.array_equal(found.counts, TABLE.counts)
    assert replace(found, keys=TABLE.keys, counts=TABLE.counts) == replace(TABLE, name="t.npz")


def test_large_counts_are_kept_as_the_largest_there_is(tmp_path: Path) -> None:
    table = replace(TABLE, counts=np.array([3, 9, 70_000, 4], np.uint32), files=80_000)
    assert background.load(written(tmp_path, background.packed(table)), 2).counts.tolist() == [3, 9, 65_535, 4]


def test_the_bytes_hold_no_date_of_today() -> None:
    with zipfile.ZipFile(io.BytesIO(background.packed(TABLE))) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_fact_is_looked_up_by_what_the_table_keeps_of_it() -> None:
    keys = np.array([2**64 - 1, 2**64 - 2, 2**63, 2**63 + 12_345 * 2, 2**62], np.uint64)
    bits = TABLE.bits(keys)
    assert bits[0] == pytest.approx(-np.log2(5 / 401))  # a kernel's
    assert bits[1] == pytest.approx(-np.log2(3 / 1001))  # the same but for its language: in no table
    assert bits[2] == bits[3] == pytest.approx(-np.log2(701 / 1001))
    assert bits[4] == pytest.approx(-np.log2(3 / 1001))


DAMAGED, OTHER, SHAPE, LIST = (
    "a damaged one",
    "it holds other arrays",
    "another shape or type",
    "list of sources is damaged",
)
ORDER, COUNTS, BOUND, PACKED = "not in order", "none of these files", "over the bound", "packed in a way"


def repacked(content: bytes, method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name in ("deltas", "counts", "about"):
            archive.writestr(f"{name}.npy", content)
    return made.getvalue()


def with_members(content: bytes, count: int) -> bytes:
    """The file with so many more entries in its list of members that all name one."""
    start = content.index(b"PK\1\2")
    listed = content[start:-22] + content[start : content.index(b"PK\1\2", start + 1)] * count
    return content[:start] + listed + content[-22:-10] + len(listed).to_bytes(4, "little") + content[-6:]


@cache
def damaged() -> dict[str, tuple[bytes, str]]:
    """Name -> (file, what is said of it)."""
    good = background.packed(TABLE)
    too_many = np.zeros((5, background.MAX_FACTS + 1000), np.uint8)
    spaces = np.frombuffer(b" " * (background.MAX_ABOUT_BYTES + 5000), np.uint8)
    return {
        "empty": (b"", DAMAGED),
        "text": (b"hello", DAMAGED),
        "cut": (good[: len(good) // 2], DAMAGED),
        "one byte changed": (good[:100] + bytes([good[100] ^ 255]) + good[101:], DAMAGED),
        "pickle": (pickle.dumps([1, 2]), DAMAGED),
        "pickled array": (changed(counts=np.array([[1, "x"]], object)), SHAPE),
        "names table": (background.NAMES.read_bytes(), OTHER),
        "small bomb": (repacked(too_many.tobytes(), zipfile.ZIP_BZIP2), PACKED),
        "bomb of another kind": (repacked(too_many.tobytes(), zipfile.ZIP_LZMA), PACKED),
        "many members": (with_members(good, 20_000), OTHER),
        "64-bit sizes": (good[:-22] + b"PK\6\7" + b"\0" * 16 + good[-22:], DAMAGED),
        "bomb": (changed(deltas=too_many), BOUND),
        "fewer arrays": (changed(counts=None), OTHER),
        "more arrays": (changed(more=np.zeros(3, np.uint8)), OTHER),
        "other type": (changed(counts=np.ones((2, 4), np.int8)), SHAPE),
        "wider type": (changed(counts=np.ones((2, 4), np.uint16)), SHAPE),
        "other shape": (changed(deltas=np.zeros((8, 4), np.uint8)), SHAPE),
        "columns first": (changed(deltas=np.asfortranarray(np.ones((5, 4), np.uint8))), SHAPE),
        "shape that lies": (lying(b"(5, 4)", b"(5, 9)"), SHAPE),
        "huge shape": (lying(b"(5, 4), }            ", b"(5, 99999999999999), }"), SHAPE),
        "other length": (changed(counts=np.full((2, 3), 3, np.uint8)), ORDER),
        "not ascending": (changed(deltas=np.zeros((5, 4), np.uint8)), ORDER),
        "beyond the last key": (changed(deltas=np.full((5, 4), 255, np.uint8)), ORDER),
        "no counts": (changed(counts=np.zeros((2, 4), np.uint8)), COUNTS),
        "more than all files": (changed(counts=np.full((2, 4), 250, np.uint8)), COUNTS),
        "not JSON": (changed(about=np.frombuffer(b"{", np.uint8)), LIST),
        "deep JSON": (changed(about=np.frombuffer(b"[" * 100_000, np.uint8)), LIST),
        "no object": (changed(about=np.frombuffer(b"[]", np.uint8)), LIST),
        "long JSON": (changed(about=spaces), BOUND),
        "files as text": (changed(about=about(files="many")), LIST),
        "files below zero": (changed(about=about(files=-1)), LIST),
        "source of two": (changed(about=about(sources=[["a", "b"]])), LIST),
        "source of numbers": (changed(about=about(sources=[[1, 2, 3, 4, 5]])), LIST),
        "long name": (changed(about=about(sources=[["a" * 300, "", "", 1, 1]])), LIST),
        "too many sources": (changed(about=about(sources=[["a", "", "", 1, 1]] * (background.MAX_SOURCES + 1))), LIST),
    }


@pytest.mark.parametrize("name", damaged())
def test_what_is_no_table_is_one_sentence(tmp_path: Path, name: str) -> None:
    content, told = damaged()[name]
    with pytest.raises(SourceError, match=r"t\.npz: not a background table: ") as error:
        background.load(written(tmp_path, content), 2)
    assert told in str(error.value)
    assert len(str(error.value).removeprefix(str(tmp_path))) < 120


def test_a_pipe_is_no_table_and_no_index(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.npz")
    with pytest.raises(SourceError, match="no regular file"):
        background.load(str(tmp_path / "t.npz"), 2)
    with pytest.raises(SourceError, match="no regular file"):
        read_index(str(tmp_path / "t.npz"))


def test_every_byte_that_is_cut_off_is_noticed(tmp_path: Path) -> None:
    good = background.packed(TABLE)
    for size in range(0, len(good), 37):
        with pytest.raises(SourceError):
            background.load(written(tmp_path, good[:size]), 2)


def test_a_table_of_other_facts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="version 2, this codeclone has version 3"):
        background.load(written(tmp_path, background.packed(TABLE)), 3)


@pytest.mark.parametrize("path", ["", "nowhere.npz", "bad\0name"])
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, path: str) -> None:
    with pytest.raises(SourceError, match=r"cannot be read|not a background"):
        background.load(str(tmp_path / path), 2)


def test_a_table_that_could_not_be_read_again_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MAX_FACTS", 3)
    with pytest.raises(OutputError, match="3 at most"):
        background.packed(TABLE)
