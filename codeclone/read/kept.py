"""Files of kept samples: what is left of checkpoints to compare them by when they are gone.

An .npz of three sorts of arrays, none of them packed, so that a file takes no more memory than it is large: `head`, JSON with names,
shapes and types; `beginnings`, the first values of tensors; `values_0`, `values_1`, …, the sampled numbers of each checkpoint.
Anyone may have made such a file: nothing is used before it was checked.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from codeclone import arrays
from codeclone.model import Checkpoint, File, Location, Skipped, Tensor
from codeclone.plain import plain
from codeclone.read.beginnings import LEAST_VALUES, VALUES
from codeclone.read.data import parse_json
from codeclone.read.lfs import MAX_POINTER_BYTES, pointer_of
from codeclone.read.tensors import KEPT, MAX_DIMENSIONS, MAX_NAME

VERSION = 2
"""Of what is in the file; to be raised when `match.weight_samples` takes other places, which say what its numbers mean."""

MAX_BYTES = 2**30
"""Of one file; that of one checkpoint has about 100 MB."""

MAX_HEAD, MAX_BEGINNINGS = 32 * 2**20, 2**28
"""In bytes."""

MAX_CHECKPOINTS, MAX_TENSORS, MAX_FILES, MAX_LEFT_OUT = 50, 150_000, 10_000, 500

MAX_PATH, MAX_TEXT, MAX_FORMAT = 2**14, 300, 20
"""Characters of a path or pointer, of any other text, of the name of a format; names of tensors have their own bound."""

MAX_ENTRIES = 1_000
"""Of the metadata, of the formats and of the blocks of neurons of a checkpoint."""

Values = NDArray[np.float32]
Beginnings = Mapping[str, Values]
"""Name of a tensor -> its first values."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of tensors that was there."""

    path: str
    sha256: str
    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One checkpoint, but for its sampled numbers."""

    checkpoint: Checkpoint
    """Its paths are those of the repository it was kept from."""
    beginnings: Beginnings
    unread: Mapping[int, str]
    """Place of a tensor without sampled numbers -> why it has none."""
    blocks: tuple[int, ...]
    """Numbers of the blocks of neurons that were sampled."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a file of kept samples says of the repository it was made from."""

    repository: str
    digest: str
    """Of the snapshot."""
    bounds: str
    """By which its checkpoints were sampled, as `match.weight_kept` has them."""
    checkpoints: tuple[Kept, ...]
    files: tuple[KeptFile, ...]
    """Those whose bytes are known by their digest."""
    left_out: tuple[Skipped, ...]


def reads(path: str) -> bool:
    """Whether a file holds kept samples, by the end of its name."""
    return path.lower().endswith(KEPT)


# Writing


def packed(head: Head, values: Sequence[Values]) -> bytes:
    """The file, the same for the same samples; `values`: of each checkpoint. Raises ValueError for one that could not be read."""
    beginnings = [its for one in head.checkpoints for its in one.beginnings.values()]
    text = json.dumps(_entry(head), separators=(",", ":")).encode("ascii")
    parts = {"head": np.frombuffer(text, np.uint8), "beginnings": _bytes(np.concatenate([np.zeros(0), *beginnings]))}
    parts |= {f"values_{number}": _bytes(its) for number, its in enumerate(values)}
    if len(text) > MAX_HEAD or parts["beginnings"].size > MAX_BEGINNINGS:
        raise ValueError("too many tensors")
    if sum(part.size + arrays.HEADER_BYTES for part in parts.values()) > MAX_BYTES:
        raise ValueError(f"their samples are over the bound of {MAX_BYTES:,} bytes")
    return arrays.packed(parts, zipfile.ZIP_STORED)


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values, "<f4").view(np.uint8)


def _entry(head: Head) -> dict[str, Any]:
    return {
        "version": VERSION,
        "repository": head.repository[:MAX_TEXT],
        "digest": head.digest,
        "bounds": head.bounds,
        "checkpoints": [_checkpoint_entry(kept) for kept in head.checkpoints],
        "files": [[file.path, file.sha256, file.size] for file in head.files[:MAX_FILES]],
        "left_out": [
            [skip.location.path, skip.location.pointer, skip.reason[:MAX_TEXT]] for skip in head.left_out[:MAX_LEFT_OUT]
        ],
    }


def _checkpoint_entry(kept: Kept) -> dict[str, Any]:
    its = kept.checkpoint
    places = {tensor.name: place for place, tensor in enumerate(its.tensors)}
    return {
        "paths": its.paths,
        "tensors": [[t.name, t.shape, t.dtype, owner] for t, owner in zip(its.tensors, its.owners, strict=True)],
        "formats": its.formats,
        "shards": its.shards,
        "expected": its.expected,
        "total_size": its.total_size,
        "metadata": {name: text[:MAX_TEXT] for name, text in [*its.metadata.items()][:MAX_ENTRIES]},
        "beginnings": [[places[name], len(values)] for name, values in kept.beginnings.items()],
        "unread": [[place, reason[:MAX_TEXT]] for place, reason in kept.unread.items()],
        "blocks": kept.blocks,
    }


# Reading


def read_head(file: File) -> Head | Skipped:
    """What the file says, or why it is left out."""
    try:
        with file.open() as stream:
            return _head(stream, file)
    except OSError as error:
        return Skipped(Location(file.path), f"cannot be read: {error.strerror or error}")
    except ValueError as error:
        return Skipped(Location(file.path), f"no file of kept samples: {error}")


def read_values(file: File, number: int) -> Values:
    """The sampled numbers of one checkpoint: as many as there are, and any. Raises ValueError."""
    try:
        with file.open() as stream, arrays.archived(stream, (zipfile.ZIP_STORED,)) as archive:
            return _floats(arrays.array_in(archive, f"values_{number}", 0, MAX_BYTES))
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error


def _head(stream: BinaryIO, file: File) -> Head | Skipped:
    if file.size < MAX_POINTER_BYTES and (pointer := pointer_of(stream.read(MAX_POINTER_BYTES))) is not None:
        return Skipped(Location(file.path), pointer.told)
    if file.size > MAX_BYTES:
        return Skipped(Location(file.path), f"{file.size:,} bytes: over the bound of {MAX_BYTES:,} for kept samples")
    with arrays.archived(stream, (zipfile.ZIP_STORED,)) as archive:
        names = archive.namelist()
        if not {"head.npy", "beginnings.npy"} <= {*names}:
            raise arrays.NotWanted("it holds other arrays")
        text = arrays.array_in(archive, "head", 0, MAX_HEAD).tobytes()
        beginnings = _floats(arrays.array_in(archive, "beginnings", 0, MAX_BEGINNINGS))
    data = parse_json(text, file.path)
    if isinstance(data, Skipped) or data.skipped:
        raise ValueError("a head that is no JSON")
    found = _of_entry(data.value, beginnings)
    expected = ["head", "beginnings", *(f"values_{number}" for number in range(len(found.checkpoints)))]
    if sorted(names) != sorted(f"{name}.npy" for name in expected):
        raise ValueError("it holds other arrays")
    return found


def _floats(content: NDArray[np.uint8]) -> Values:
    if len(content) % 4:
        raise arrays.NotWanted("numbers that are cut off")
    return content.view("<f4").astype(np.float32, copy=False)


def _of_entry(entry: Any, beginnings: Values) -> Head:
    fields = _fields(entry, ("version", "repository", "digest", "bounds", "checkpoints", "files", "left_out"))
    if fields["version"] != VERSION or type(fields["version"]) is not int:
        raise ValueError("of another release of codeclone")
    checkpoints, taken = [], 0
    for its in _list(fields["checkpoints"], MAX_CHECKPOINTS):
        kept, taken = _kept(its, beginnings, taken)
        checkpoints.append(kept)
    _wanted(taken == len(beginnings), "first values that belong to no tensor")
    paths = [path for kept in checkpoints for path in kept.checkpoint.paths]
    _wanted(bool(checkpoints) and len(paths) == len({*paths}), "a file that belongs to two checkpoints, or none at all")
    return Head(
        repository=_text(fields["repository"], MAX_TEXT),
        digest=_sha256(fields["digest"]),
        bounds=_text(fields["bounds"], MAX_TEXT),
        checkpoints=tuple(checkpoints),
        files=tuple(
            KeptFile(_path(path), _sha256(sha256), _count(size))
            for path, sha256, size in _rows(fields["files"], MAX_FILES, 3)
        ),
        left_out=tuple(
            Skipped(
                Location(_path(path), pointer=None if pointer is None else _text(pointer, MAX_PATH)),
                _text(reason, MAX_TEXT),
            )
            for path, pointer, reason in _rows(fields["left_out"], MAX_LEFT_OUT, 3)
        ),
    )


_CHECKPOINT = (
    "paths", "tensors", "formats", "shards", "expected", "total_size", "metadata", "beginnings", "unread", "blocks",
)  # fmt: skip


def _kept(entry: Any, beginnings: Values, taken: int) -> tuple[Kept, int]:
    """A checkpoint, and where the first values of the next one begin. `taken`: where its own do."""
    fields = _fields(entry, _CHECKPOINT)
    paths = tuple(_path(path) for path in _list(fields["paths"], MAX_FILES))
    rows = _rows(fields["tensors"], MAX_TENSORS, 4)
    tensors = tuple(Tensor(_name(name), _shape(shape), _name(dtype)) for name, shape, dtype, _ in rows)
    _wanted(bool(paths) and bool(tensors), "a checkpoint without files or tensors")
    _wanted(len({tensor.name for tensor in tensors}) == len(tensors), "a tensor that stands twice")
    metadata = fields["metadata"]
    _wanted(isinstance(metadata, dict) and len(metadata) <= MAX_ENTRIES, "metadata that is none")
    total = fields["total_size"]
    first: dict[str, Values] = {}
    for place, count in _rows(fields["beginnings"], len(tensors), 2):
        tensor = tensors[_count(place, len(tensors))]
        most = min(VALUES, math.prod(tensor.shape or (0,)))
        _wanted(
            tensor.name not in first and LEAST_VALUES <= _count(count) <= most, "more first values than a tensor has"
        )
        first[tensor.name] = beginnings[taken : taken + count]
        taken += count
        _wanted(taken <= len(beginnings), "fewer first values than it says")
        _wanted(bool(np.isfinite(first[tensor.name]).all()), "first values that are no finite numbers")
    checkpoint = Checkpoint(
        label=paths[0],
        paths=paths,
        tensors=tensors,
        owners=tuple(_count(owner, len(paths)) for *_, owner in rows),
        formats=tuple(_text(name, MAX_FORMAT) for name in _list(fields["formats"], MAX_ENTRIES)),
        shards=_count(fields["shards"]),
        expected=_count(fields["expected"]),
        total_size=None if total is None else _count(total),
        metadata={_text(name, MAX_TEXT, True): _text(text, MAX_TEXT, True) for name, text in metadata.items()},
    )
    unread = {
        _count(place, len(tensors)): _text(reason, MAX_TEXT)
        for place, reason in _rows(fields["unread"], len(tensors), 2)
    }
    return Kept(
        checkpoint, first, unread, tuple(_count(number) for number in _list(fields["blocks"], MAX_ENTRIES))
    ), taken


# What single entries have to be


def _wanted(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _fields(value: Any, names: Sequence[str]) -> dict[str, Any]:
    _wanted(isinstance(value, dict) and sorted(value) == sorted(names), "entries that codeclone does not write")
    fields: dict[str, Any] = value
    return fields


def _list(value: Any, most: int) -> list[Any]:
    _wanted(isinstance(value, list) and len(value) <= most, f"no list, or one of more than {most:,} entries")
    entries: list[Any] = value
    return entries


def _rows(value: Any, most: int, width: int) -> list[list[Any]]:
    rows = _list(value, most)
    _wanted(all(isinstance(row, list) and len(row) == width for row in rows), "a row of another length")
    return rows


def _count(value: Any, below: int = 2**63) -> int:
    _wanted(type(value) is int and 0 <= value < below, "a number that is out of range")
    number: int = value
    return number


def _text(value: Any, most: int, empty: bool = False) -> str:
    _wanted(isinstance(value, str) and len(value) <= most and (empty or bool(value)), "no text, or too much of it")
    return plain(value)


def _name(value: Any) -> str:
    """Of a tensor or a type, as it is: what shows it makes it plain."""
    _wanted(isinstance(value, str) and len(value) <= MAX_NAME, "a name that is none")
    name: str = value
    return name


def _path(value: Any) -> str:
    path = _text(value, MAX_PATH)
    _wanted(path == value and not {"", ".", ".."} & {*path.split("/")}, "a path that is none")
    return path


def _sha256(value: Any) -> str:
    _wanted(isinstance(value, str) and _SHA256.fullmatch(value) is not None, "a digest that is none")
    return str(value)


def _shape(value: Any) -> tuple[int, ...] | None:
    return None if value is None else tuple(_count(size, 2**64) for size in _list(value, MAX_DIMENSIONS))
