"""Values of tensors: every type, every way to lie in a file, and files that are not what their heads say."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

from codeclone.model import Checkpoint, File, Stored, Tensor, matrix_shape
from codeclone.read import values as reader
from codeclone.read.checkpoints import checkpoints
from codeclone.read.gguf import TYPES
from codeclone.read.number_types import unit_of
from codeclone.read.sizes import BLOCKS
from codeclone.read.tensors import TensorFile, read_tensors
from codeclone.read.values import TensorValues, ValuesError, opened
from tests.checkpoints import file_of, gguf_of, safetensors_of, torch_legacy, torch_zip, zip_of

RANDOM = np.random.default_rng(20240)


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def checkpoint_of(*files: File) -> Checkpoint:
    read = [read_tensors(file) for file in files]
    assert all(isinstance(found, TensorFile) for found in read), read
    (found,), _ = checkpoints([found for found in read if isinstance(found, TensorFile)])
    return found


def whole(values: TensorValues, place: int, shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = matrix_shape(shape)
    return values.grid(place, np.arange(rows), 0, columns)


def only(content: bytes, path: str = "m.safetensors", place: int = 0) -> np.ndarray:
    """All values of one tensor of a file, which are the same in one grid and in runs."""
    file = file_of(path, content)
    found = checkpoint_of(file)
    shape = found.tensors[place].shape
    assert shape is not None
    with opened({path: file}, found) as values:
        grid = whole(values, place, shape)
        np.testing.assert_array_equal(np.concatenate([run for _, run in values.runs(place, 3)]), grid.reshape(-1))
        return grid


def placed(tensor: Tensor, content: bytes, **changes: Any) -> tuple[dict[str, File], Checkpoint]:
    """A file, and a checkpoint that says of it what it likes."""
    settings = {"formats": ("torch",), "metadata": {}, **changes}
    return {"m": file_of("m", content)}, Checkpoint(
        "m", ("m",), (tensor,), (0,), shards=1, expected=1, total_size=None, **settings
    )  # fmt: skip


def refused(tensor: Tensor, content: bytes, count: int = 1) -> str:
    """Why a tensor cannot be read: the same for a grid and for runs."""
    files, found = placed(tensor, content)
    with opened(files, found) as values:
        with pytest.raises(ValuesError) as error:
            values.grid(0, np.zeros(1, np.int64), 0, count)
        with pytest.raises(ValuesError) as again:
            next(values.runs(0, 100))
    assert str(again.value) == str(error.value)
    return str(error.value)


# Types


PLAIN: dict[str, tuple[str, list[float]]] = {
    "F64": ("<f8", [0.5, -1e308, 2**-149, nan]),
    "F32": ("<f4", [0.1, -3e38, inf, nan]),
    "I64": ("<i8", [-(2**63), 2**62 + 1, -1, 7]),
    "I32": ("<i4", [-(2**31), 2**31 - 1, -1, 7]),
    "I16": ("<i2", [-(2**15), 2**15 - 1, -1, 7]),
    "I8": ("<i1", [-128, 127, -1, 7]),
    "U64": ("<u8", [0, 2**64 - 1, 2**33, 7]),
    "U32": ("<u4", [0, 2**32 - 1, 2**24 + 1, 7]),
    "U16": ("<u2", [0, 2**16 - 1, 256, 7]),
    "U8": ("<u1", [0, 255, 128, 7]),
}


@pytest.mark.parametrize("dtype", PLAIN)
def test_plain_numbers(dtype: str) -> None:
    code, numbers = PLAIN[dtype]
    content = np.array(numbers, code).tobytes()
    with np.errstate(over="ignore"):
        expected = np.array(numbers, code).astype(np.float32)
    np.testing.assert_array_equal(only(safetensors_of({"a": (dtype, (2, 2), content)})), expected.reshape(2, 2))


EIGHT_BITS = {
    # Zero, least and largest, one, and what is special: from the tables of the formats.
    "F8_E4M3": {0: 0, 0x80: -0.0, 1: 2**-9, 0x38: 1, 0xC1: -2.25, 0x7E: 448, 0x7F: nan, 0xFF: nan},
    "F8_E5M2": {0: 0, 1: 2**-16, 0x3C: 1, 0xC1: -2.5, 0x7B: 57344, 0x7C: inf, 0xFC: -inf, 0x7D: nan, 0xFF: nan},
    "F8_E4M3FNUZ": {0: 0, 1: 2**-10, 0x40: 1, 0xC1: -1.125, 0x7F: 240, 0xFF: -240, 0x80: nan},
    "F8_E5M2FNUZ": {0: 0, 1: 2**-17, 0x40: 1, 0xC1: -1.25, 0x7F: 57344, 0xFF: -57344, 0x80: nan},
    "F8_E8M0": {0: 2**-127, 127: 1, 128: 2, 254: 2.0**127, 255: nan},
    "BOOL": {0: 0, 1: 1, 2: 1},
    "QI8": {0: 0, 255: -1},
    "QU8": {0: 0, 255: 255},
}


@pytest.mark.parametrize("dtype", EIGHT_BITS)
def test_numbers_of_eight_bits(dtype: str) -> None:
    codes = EIGHT_BITS[dtype]
    files, found = placed(Tensor("a", (len(codes),), dtype, Stored(0, len(codes))), bytes(codes))
    with opened(files, found) as values:
        got = values.grid(0, np.zeros(1, np.int64), 0, len(codes))[0]
    expected = np.array([*codes.values()], np.float32)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got[expected == 0]), np.signbit(expected[expected == 0]))


def test_numbers_of_sixteen_bits() -> None:
    codes = np.arange(2**16, dtype="<u2")
    halves = only(safetensors_of({"a": ("F16", (256, 256), codes.tobytes())}))
    np.testing.assert_array_equal(halves.reshape(-1), codes.view("<f2").astype(np.float32))
    brain = only(safetensors_of({"a": ("BF16", (256, 256), codes.tobytes())})).reshape(-1)
    assert brain.view(np.uint32).tolist() == [code << 16 for code in codes.tolist()]


NUMBERS = [1.5, -2.0, 3e-5, 4096.25]


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
@pytest.mark.parametrize("big", [False, True])
def test_files_of_torch_in_both_byte_orders(write: Any, big: bool) -> None:
    contents = [np.array(NUMBERS, ">f4" if big else "<f4").tobytes()] * 2
    order: dict[str, Any] = {"byteorder": b"big" if big else b"little"} if write is torch_zip else {"little": not big}
    content = write({"a": (2, 2), "b": (4,)}, contents=contents, **order)
    for place in (0, 1):
        np.testing.assert_array_equal(only(content, "m.bin", place).reshape(-1), np.array(NUMBERS, np.float32))


def test_only_torch_says_how_bytes_are_ordered() -> None:
    content = np.array(NUMBERS, "<f4").tobytes()
    file = safetensors_of({"a": ("F32", (2, 2), content)}, {"byteorder": "big"})
    np.testing.assert_array_equal(only(file).reshape(-1), np.array(NUMBERS, np.float32))


@pytest.mark.parametrize("dtype", ["F4", "F6_E2M3", "C64", "C128", "type 77", "", "Q8_1", "Q8_K"])
def test_what_is_no_plain_number_is_told(dtype: str) -> None:
    reason = refused(Tensor("a", (256,), dtype, Stored(0, None)), bytes(4096))
    assert reason == (f"numbers of type {dtype} are not read" if dtype else "its type is not known")


# Types of ggml


def test_types_and_blocks_are_those_of_ggml() -> None:
    for kind, blocks in GGML_QUANT_SIZES.items():
        if TYPES.get(kind.value) != kind.name:
            assert kind.value > max(TYPES), kind  # a type that is younger than this list
        elif kind.name != "Q8_1":
            assert unit_of(kind.name) == blocks
    assert set(BLOCKS) <= set(TYPES.values())


def is_dequantised(name: str) -> bool:
    try:
        kind = GGMLQuantizationType[name]
        dequantize(np.zeros(GGML_QUANT_SIZES[kind][1], np.uint8), kind)
    except (KeyError, NotImplementedError):
        return False
    return True


READ = [*filter(is_dequantised, BLOCKS), "F16", "BF16"]


def test_whatever_stands_in_files_is_read() -> None:
    assert {*BLOCKS} - {*READ} <= {"Q8_K", "NVFP4", "Q1_0"}
    for name in {*BLOCKS} - {*READ}:
        block, size = BLOCKS[name]
        assert (
            refused(Tensor("a", (block,), name, Stored(0, size)), bytes(size)) == f"numbers of type {name} are not read"
        )


def quantised(kind: GGMLQuantizationType, shape: tuple[int, ...]) -> np.ndarray:
    """Bytes of a tensor; arbitrary ones where the type is only read."""
    block, size = GGML_QUANT_SIZES[kind]
    try:
        return np.asarray(quantize(RANDOM.normal(0, 1, shape).astype(np.float32), kind)).view(np.uint8)
    except NotImplementedError:
        return RANDOM.integers(0, 256, (*shape[:-1], shape[-1] // block * size), np.uint8)


@pytest.mark.parametrize("name", READ)
def test_slices_of_quantised_tensors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = GGMLQuantizationType[name]
    content = quantised(kind, (6, 768))
    with np.errstate(all="ignore"):
        expected = np.asarray(dequantize(content, kind), np.float32)
    file = file_of("m.gguf", gguf_of({"a": (0, (3,), bytes(12)), "b": (kind.value, (6, 768), content.tobytes())}))
    rows = np.array([4, 0, 4, 5])
    for at_once in (2**18, 1000, 1):
        monkeypatch.setattr(reader, "AT_ONCE", at_once)
        with opened({"m.gguf": file}, checkpoint_of(file)) as values:
            for first, count in ((0, 768), (1, 40), (255, 2), (31, 700), (767, 1), (256, 256)):
                got = values.grid(1, rows, first, count)
                np.testing.assert_array_equal(got, expected[rows, first : first + count])
            runs = [*values.runs(1, 1000)]
    np.testing.assert_array_equal(np.concatenate([run for _, run in runs]), expected.reshape(-1))
    assert b"".join(payload for payload, _ in runs) == content.tobytes()
    assert max(len(run) for _, run in runs) <= 1000


def test_rows_that_are_no_whole_blocks() -> None:
    tensor = Tensor("a", (4, 48), "Q4_0", Stored(0, 108))
    assert refused(tensor, bytes(108)) == "its rows of 48 values are no whole blocks of 32"
    assert "strides" in refused(Tensor("a", (2, 32), "Q4_0", Stored(0, 36, None, (32, 1))), bytes(108))


# Places


@pytest.mark.parametrize(
    ("shape", "matrix"),
    [((), (1, 1)), ((5,), (1, 5)), ((0,), (1, 0)), ((5, 3), (5, 3)), ((2, 3, 4), (2, 12)), ((2**60, 2**60, 2), (2**60, 2**61))],
)  # fmt: skip
def test_a_tensor_is_a_matrix(shape: tuple[int, ...], matrix: tuple[int, int]) -> None:
    assert matrix_shape(shape) == matrix


VIEWS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "a part of the columns": ((6, 5), (40, 1)),
    "every third row": ((6, 20), (60, 1)),
    "rows that overlap": ((6, 20), (7, 1)),
    "one row for all": ((9, 20), (0, 1)),
    "lying sideways": ((13, 20), (1, 13)),
    "a part, lying sideways": ((9, 20), (1, 21)),
    "a part of the middle": ((4, 3, 5), (60, 10, 1)),
    "the middle turned round": ((4, 3, 5), (15, 1, 3)),
    "a row for all in the middle": ((4, 3, 5), (5, 0, 1)),
    "strides that say nothing": ((1, 4, 1, 5), (2**70, 5, 99, 1)),
    "turned round, lying sideways": ((4, 3, 5), (1, 20, 4)),
    "an image kernel from another library": ((6, 3, 2, 5), (1, 6, 18, 36)),
    "one dimension": ((17,), (1,)),
    "one column": ((7, 1), (5, 1)),
}


@pytest.mark.parametrize("at_once", [2**18, 7, 1])
@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("gap", [4096, 0])
def test_views(name: str, at_once: int, gap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "AT_ONCE", at_once)
    monkeypatch.setattr(reader, "TILE", 3 * at_once)
    monkeypatch.setattr(reader, "GAP", gap)
    shape, strides = VIEWS[name]
    storage = np.arange(500, dtype="<f2")
    used = [2 * stride if size > 1 else 0 for size, stride in zip(shape, strides, strict=True)]
    expected = np.lib.stride_tricks.as_strided(storage[3:], shape, used).reshape(matrix_shape(shape))
    tensor = Tensor("a", shape, "F16", Stored(6, None, None, strides))
    files, found = placed(tensor, storage.tobytes())
    rows, columns = expected.shape
    with opened(files, found) as values:
        for wanted in (np.arange(rows), RANDOM.permutation(rows)[: rows // 2 + 1], np.array([rows - 1, 0, rows - 1])):
            for first, count in ((0, columns), (columns // 3, columns // 2), (columns - 1, 1)):
                got = values.grid(0, wanted, first, count)
                np.testing.assert_array_equal(got, expected[wanted, first : first + count])
        for count in (1, 4, 1000):
            runs = [*values.runs(0, count)]
            np.testing.assert_array_equal(np.concatenate([run for _, run in runs]), expected.reshape(-1))
            assert b"".join(payload for payload, _ in runs) == expected.tobytes()
            assert max(len(run) for _, run in runs) <= count


@pytest.mark.parametrize("shape", [(300, 70), (2, 4, 9), (64,), (), (1, 1)])
def test_rows_in_any_order_and_any_columns(shape: tuple[int, ...]) -> None:
    numbers = RANDOM.normal(0, 1, shape).astype("<f4")
    file = file_of("m.safetensors", safetensors_of({"x": ("U8", (3,), b"abc"), "a": ("F32", shape, numbers.tobytes())}))
    expected = numbers.reshape(matrix_shape(shape))
    with opened({"m.safetensors": file}, checkpoint_of(file)) as values:
        for _ in range(20):
            rows = RANDOM.integers(0, expected.shape[0], RANDOM.integers(1, 40))
            first = int(RANDOM.integers(0, expected.shape[1]))
            count = int(RANDOM.integers(1, expected.shape[1] - first + 1))
            got = values.grid(1, rows, first, count)
            np.testing.assert_array_equal(got, expected[rows, first : first + count])


def test_shards_beyond_the_number_of_open_files(tmp_path: Path) -> None:
    names = [f"m-{number:05}-of-00020.safetensors" for number in range(1, 21)]
    files = []
    for number, name in enumerate(names):
        content = safetensors_of({f"t{number}": ("I32", (2, 3), np.full(6, number, "<i4").tobytes())})
        (tmp_path / name).write_bytes(content)
        files.append(File(name, len(content), "0" * 64, lambda: b"", stream=partial(open, tmp_path / name, "rb")))
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    with opened({file.path: file for file in files}, checkpoint_of(*files)) as values:
        for place in [*range(20), *range(20)]:
            assert (whole(values, place, (2, 3)) == place).all()
        runs = values.runs(0, 1)
        assert float(next(runs)[1][0]) == 0
        assert len(values._open) == reader.MAX_OPEN
    with pytest.raises(ValueError, match="closed"):
        next(runs)
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)


class Watched(io.BytesIO):
    """Counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        self.count += len(got)
        return got


def test_only_what_is_asked_for_is_read() -> None:
    content = safetensors_of({"a": ("F32", (100, 5000), bytes(2_000_000))})
    watched = Watched(content)
    file = File("m.safetensors", len(content), "0" * 64, lambda: content, stream=lambda: watched)
    found = checkpoint_of(file_of("m.safetensors", content))
    with opened({"m.safetensors": file}, found) as values:
        values.grid(0, np.arange(0, 100, 10), 100, 25)
        assert watched.count == 10 * 25 * 4
        next(values.runs(0, 500))
        assert watched.count == 1000 + 2000


def test_what_stands_between_is_read_in_parts(tmp_path: Path) -> None:
    (tmp_path / "m").touch()
    os.truncate(tmp_path / "m", 20_000 * 3000)
    _, found = placed(Tensor("a", (20_000, 3000), "U8", Stored(0, 60_000_000)), b"")
    file = File("m", 60_000_000, "0" * 64, lambda: b"", stream=partial(open, tmp_path / "m", "rb"))
    with opened({"m": file}, found) as values:
        tracemalloc.start()
        try:
            assert values.grid(0, np.arange(20_000), 5, 2).shape == (20_000, 2)
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()


def test_streams_that_unpack_are_read_as_what_they_hold(tmp_path: Path) -> None:
    content = safetensors_of({"a": ("I16", (3, 3), np.arange(9, dtype="<i2").tobytes())})
    (tmp_path / "m").write_bytes(gzip.compress(content))
    unpacking: Any = partial(gzip.open, tmp_path / "m")
    file = File("m.safetensors", len(content), "0" * 64, lambda: content, stream=unpacking)
    with opened({"m.safetensors": file}, checkpoint_of(file)) as values:
        assert whole(values, 0, (3, 3)).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


# What is asked for, and is not there


def test_rows_and_columns_that_are_not_there() -> None:
    files, found = placed(Tensor("a", (3, 4), "U8", Stored(0, 12)), bytes(12))
    with opened(files, found) as values:
        for rows, first, count in (([3], 0, 1), ([-1], 0, 1), ([0], 4, 1), ([0], -1, 1), ([0], 0, 5), ([0], 0, -1)):
            with pytest.raises(ValueError, match="not there") as error:
                values.grid(0, np.array(rows), first, count)
            assert not isinstance(error.value, ValuesError)
        with pytest.raises(ValueError, match="no value"):
            next(values.runs(0, 0))


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0), (2, 0, 3), (0, 2**40)])
@pytest.mark.parametrize("strided", [True, False])
def test_a_grid_of_nothing(shape: tuple[int, ...], strided: bool) -> None:
    strides = tuple(2**62 for _ in shape) if strided else None
    files, found = placed(Tensor("a", shape, "F32", Stored(0, 0, None, strides)), b"")
    rows, columns = matrix_shape(shape)
    with opened(files, found) as values:
        assert values.grid(0, np.arange(rows), 0, columns).shape == (rows, columns)
        assert [*values.runs(0, 10)] == []
        if rows == 0:
            with pytest.raises(ValueError, match="not there"):
                values.grid(0, np.zeros(1, np.int64), 0, 0)


ODD: Mapping[str, tuple[Tensor, str]] = {
    "only a name": (Tensor("a", None, "F32", Stored(0, 4)), "only its name is known"),
    "no bytes": (Tensor("a", (2, 2), "F32"), "its bytes are not there"),
    "cut off": (Tensor("a", (10, 10), "F32", Stored(0, 400)), "cut off"),
    "beyond the end": (Tensor("a", (1,), "F32", Stored(2**62, 4)), "cut off"),
    "beyond every end": (Tensor("a", (1,), "F32", Stored(2**70, 4)), "cut off"),
    "before the beginning": (Tensor("a", (1,), "F32", Stored(-4, 4)), "its place is none"),
    "fewer bytes than values": (Tensor("a", (10,), "F32", Stored(0, 36)), "cannot hold this shape"),
    "a product of shape that overflows": (Tensor("a", (2**33, 2**33), "F32", Stored(0, 16)), "cannot hold this shape"),
    "more columns than can be counted": (Tensor("a", (2, 2**40, 2**40), "U8", Stored(0, None)), "no tensor has"),
    "more rows than can be counted": (Tensor("a", (2**62, 1), "U8", Stored(0, None)), "no tensor has"),
    "a negative shape": (Tensor("a", (-2, -3), "U8", Stored(0, None)), "no tensor has"),
    "huge strides": (Tensor("a", (2, 2), "U8", Stored(0, None, None, (2**63, 1))), "beyond every file"),
    "large strides": (Tensor("a", (2, 2), "U8", Stored(0, None, None, (2**60, 1))), "cut off"),
    "negative strides": (Tensor("a", (2, 2), "U8", Stored(2, None, None, (-1, 1))), "do not fit"),
    "too few strides": (Tensor("a", (2, 2), "U8", Stored(0, None, None, (1,))), "do not fit"),
    "scattered": (Tensor("a", (2, 3, 4), "U8", Stored(0, None, None, (2, 16, 4))), "scattered"),
    "one value for all": (Tensor("a", (2, 3), "U8", Stored(0, None, None, (0, 0))), "scattered"),
    "no zip file": (Tensor("a", (2, 2), "U8", Stored(0, 4, "archive/data/0")), "no whole zip file"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tensors(name: str) -> None:
    tensor, reason = ODD[name]
    assert reason in refused(tensor, bytes(100))


def test_runs_of_more_values_than_the_file_has_room_for() -> None:
    tensor = Tensor("a", (2**40, 16), "F32", Stored(0, 64, None, (0, 1)))
    files, found = placed(tensor, np.arange(16, dtype="<f4").tobytes())
    with opened(files, found) as values:
        assert values.grid(0, np.array([2**40 - 1, 0]), 15, 1).tolist() == [[15], [15]]
        with pytest.raises(ValuesError, match="room"):
            next(values.runs(0, 100))


def member(content: bytes, change: tuple[int, bytes] | None = None) -> str:
    """Why a tensor in a member of a zip file cannot be read, after some bytes of the member's own header are changed."""
    changed = bytearray(content)
    if change:
        header = content.index(b"archive/data/0") - 30
        changed[header + change[0] : header + change[0] + len(change[1])] = change[1]
    return refused(Tensor("a", (8, 8), "F32", Stored(0, 256, "archive/data/0")), bytes(changed))


STORED = torch_zip({"a": (8, 8)})


def test_members_of_zip_files() -> None:
    assert "compressed" in member(torch_zip({"a": (8, 8)}, compression=zipfile.ZIP_DEFLATED))
    assert "not there" in member(zip_of({"archive/data/1": bytes(256)}))
    assert "cut off" in member(zip_of({"archive/data/0": bytes(255)}))
    assert "encrypted" in member(STORED, (6, b"\1"))
    assert "compressed" in member(STORED, (8, b"\x08"))
    assert "not where" in member(STORED, (0, b"PK\1\2"))
    assert "not where" in member(STORED, (26, b"\xff\xff"))
    assert "not where" in member(STORED, (30, b"other"))
    assert "cut off" in member(STORED, (28, b"\xff\xff"))
    entry = STORED.rfind(b"PK\x01\x02", 0, STORED.rfind(b"archive/data/0"))
    assert "compressed" in member(STORED[: entry + 10] + b"\x08" + STORED[entry + 11 :])
    for offset in (0xFFFFFF00, len(STORED) - 9, 3):
        content = bytearray(STORED)
        content[entry + 42 : entry + 46] = struct.pack("<I", offset)
        assert "zip file" in member(bytes(content)), offset


def on_disk(path: Path, content: bytes) -> File:
    path.write_bytes(content)
    return File(path.name, len(content), "0" * 64, path.read_bytes, stream=partial(open, path, "rb"))


@pytest.mark.parametrize("opened_before", [True, False])
def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, opened_before: bool) -> None:
    file = on_disk(tmp_path / "m.safetensors", safetensors_of({"a": ("F32", (10, 1000), bytes(40_000))}))
    found = checkpoint_of(file)
    with opened({file.path: file}, found) as values:
        runs = values.runs(0, 2000)
        if opened_before:
            next(runs)
        os.truncate(tmp_path / "m.safetensors", 30_000)
        for rows, count in ((np.arange(10), 1000), (np.array([9]), 3)):
            with pytest.raises(ValuesError, match="cut off"):
                values.grid(0, rows, 0, count)
        with pytest.raises(ValuesError, match="cut off"):
            list(runs)


def test_a_stream_that_comes_short() -> None:
    content = safetensors_of({"a": ("F32", (2, 2), bytes(16))})
    stream = io.BytesIO(content)
    file = File("m.safetensors", len(content), "0" * 64, lambda: content, stream=lambda: stream)
    found = checkpoint_of(file_of("m.safetensors", content))
    with opened({file.path: file}, found) as values:
        whole(values, 0, (2, 2))
        stream.truncate(len(content) - 1)
        with pytest.raises(ValuesError, match="cut off"):
            whole(values, 0, (2, 2))


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    file = on_disk(tmp_path / "m.safetensors", safetensors_of({"a": ("F32", (2, 2), bytes(16))}))
    found = checkpoint_of(file)
    (tmp_path / "m.safetensors").unlink()
    with opened({file.path: file}, found) as values, pytest.raises(ValuesError, match="cannot be read: No such file"):
        whole(values, 0, (2, 2))
    with opened({}, found) as values, pytest.raises(ValuesError, match="its file is not there"):
        whole(values, 0, (2, 2))


def test_a_stream_that_fails() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    content = safetensors_of({"a": ("F32", (2, 2), bytes(16))})
    file = File("m.safetensors", len(content), "0" * 64, lambda: content, stream=lambda: Failing(content))
    found = checkpoint_of(file_of("m.safetensors", content))
    with opened({file.path: file}, found) as values, pytest.raises(ValuesError, match="Input/output error"):
        whole(values, 0, (2, 2))


@pytest.mark.parametrize("seed", range(40))
def test_no_head_however_wrong_raises_anything_else(seed: int) -> None:
    random = np.random.default_rng(seed)
    odd = [0, 1, 2, 3, 7, 32, 256, 2**31, 2**48, 2**62, 2**63, 2**64, 2**70, -1]
    for _ in range(100):
        shape = tuple(odd[number] for number in random.integers(0, len(odd), random.integers(0, 4)))
        strides = tuple(odd[number] for number in random.integers(0, len(odd), len(shape)))
        dtype = [*PLAIN, "BF16", "F16", "Q4_0", "IQ2_S", "C64"][random.integers(0, 15)]
        offset, length = (odd[number] for number in random.integers(0, len(odd), 2))
        stored = Stored(
            offset, None if random.random() < 0.6 else length, None, strides if random.random() < 0.7 else None
        )
        files, found = placed(Tensor("a", shape, dtype, stored), RANDOM.bytes(600))
        rows, columns = matrix_shape(shape)
        with opened(files, found) as values:
            try:
                wanted = np.array([0, min(rows, 2**62) - 1] if rows > 0 else [], np.int64)
                grid = values.grid(0, wanted, max(0, columns - 3), min(3, columns))
                assert grid.shape == (len(wanted), min(3, columns))
            except ValuesError:
                pass
            try:
                for payload, run in values.runs(0, 50):
                    assert 0 < len(run) <= 256
                    assert len(payload)
            except ValuesError:
                pass
