"""Files that torch has saved, zip files and the older kind: names, shapes, types and places of the tensors.

Both hold pickles, which are interpreted as data (codeclone.read.pickled). A zip file has one, `data.pkl`, and each storage as
a member `data/KEY` beside it. The older kind has five in a row, magic number, version, system, the value and the keys of its
storages, and then each storage behind its number of elements (torch.serialization, `_legacy_save`).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from codeclone.model import Skipped, Stored, Tensor
from codeclone.plain import plain
from codeclone.read.notes import Notes
from codeclone.read.pickle_values import Built, Pairs, PickleError, Storage, View, array_of
from codeclone.read.pickled import MAX_BYTES, interpret
from codeclone.read.sizes import bytes_of

MAGIC = 0x1950A86A20F9469CFC6C

MAX_DIRECTORY = 16 * 2**20
"""Bytes of a zip file's list of members; that of 50,000 tensors has about 5 MB."""

MAX_MEMBERS = 250_000

MAX_RATIO = 100
"""Bytes that come out of a zip file for each byte of it. torch stores without compressing, so here it is 1."""

MAX_VISITS = 500_000
"""Values of a pickle that are looked at: one that is reached in several ways counts as often."""

MAX_WAYS = 4
"""Ways to one container that are followed: a few bytes can put a list into itself in any number of ways."""

MAX_NAMES = 100_000_000
"""Characters of all names together; those of 50,000 tensors have about 3,000,000."""

MAX_LEVELS = 32
MAX_NAME = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What a torch file holds."""

    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


class TorchError(ValueError):
    """The file is none of torch's, or over a bound; says so in one clause."""


def read_zip(stream: BinaryIO, path: str, size: int) -> Found:
    """The tensors of a zip file. Raises TorchError, PickleError and OSError."""
    with _zip_errors():
        archive = zipfile.ZipFile(_Bounded(stream))
        members = _members(archive, size)
        root, content = _pickle(archive, members)
        order = archive.read(members[f"{root}byteorder"])[:10] if _is_small(members.get(f"{root}byteorder")) else b""

    def place(storage: Storage) -> tuple[int, int, str] | None:
        member = members.get(f"{root}data/{storage.key}")
        return (0, member.file_size, member.filename) if member else None

    return _found(interpret(io.BytesIO(content)), path, place, {"byteorder": plain(order.decode("ascii", "replace"))})


def read_legacy(stream: BinaryIO, path: str, size: int) -> Found:
    """The tensors of a file of one pickle, or of torch's five. Raises PickleError and OSError."""
    value = interpret(stream)
    if not isinstance(value, int) or value != MAGIC:
        return _found(value, path, lambda storage: None, {})
    interpret(stream)
    system, value, keys = interpret(stream), interpret(stream), interpret(stream)
    entries = system.entries[:50] if isinstance(system, Pairs) else []
    # Entries that a pickle gives as a list can be anything.
    big = any(isinstance(p, tuple) and len(p) == 2 and p[0] == "little_endian" and p[1] is False for p in entries)
    places = _places(stream, size, keys, _storages(value))
    order = {"byteorder": "big"} if big else {}
    return _found(value, path, lambda storage: places.get(storage.key) if storage.whole else None, order)


# Zip files


def directory(stream: BinaryIO, size: int) -> dict[str, zipfile.ZipInfo]:
    """Name -> member of a zip file, of which nothing is unpacked. Raises TorchError and OSError."""
    with _zip_errors():
        return _members(zipfile.ZipFile(_Bounded(stream)), size)


@contextmanager
def _zip_errors() -> Iterator[None]:
    """Whatever a damaged zip file raises is a TorchError."""
    try:
        yield
    except (
        zipfile.BadZipFile, zlib.error, ValueError, KeyError, RuntimeError, NotImplementedError, EOFError, struct.error,
        OverflowError,
    ) as error:  # fmt: skip
        if isinstance(error, TorchError):
            raise
        raise TorchError(f"no whole zip file: {plain(str(error)[:150]) or type(error).__name__}") from error


class _Bounded:
    """A stream of which no more is read at once than the largest part that is needed."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def seekable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        content = self.stream.read(MAX_DIRECTORY + 1 if count < 0 else min(count, MAX_DIRECTORY + 1))
        if len(content) > MAX_DIRECTORY:
            raise TorchError(f"its list of members has more than {MAX_DIRECTORY:,} bytes")
        return content


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Name -> member. Nothing has been decompressed yet. Raises TorchError for what would grow when it is."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise TorchError(f"a zip file of {len(members):,} members: over the bound of {MAX_MEMBERS:,}")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_RATIO * size:
        raise TorchError(f"refused: {size:,} bytes that would unpack to {unpacked:,}, as a zip bomb does")
    found = {member.filename: member for member in members}
    if len(found) < len(members):
        raise TorchError("a zip file that has two members of one name")
    return found


def _is_small(member: zipfile.ZipInfo | None) -> bool:
    return member is not None and member.file_size < 1000 and member.compress_type == zipfile.ZIP_STORED


def _pickle(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> tuple[str, bytes]:
    """The folder in which the pickle stands, with its slash, and the bytes of it."""
    found = [name for name in members if name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)]
    if len(found) != 1:
        raise TorchError(f"a zip file with {len(found)} data.pkl: none that torch saves has any number but one")
    member = members[found[0]]
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise TorchError("its data.pkl is compressed in a way that torch does not use")
    if member.file_size > MAX_BYTES or member.file_size > MAX_RATIO * max(member.compress_size, 1):
        raise TorchError(
            f"refused: its data.pkl has {member.file_size:,} bytes, of {member.compress_size:,} compressed"
        )
    with archive.open(member) as content:
        return found[0].removesuffix("data.pkl"), b"".join(iter(partial(content.read, 2**20), b""))


# The older kind


def _storages(value: Any) -> dict[str, Storage]:
    """Key -> storage of all tensors."""
    views = (view for _, view in _walk(value, lambda name, reason: None))
    return {view.storage.key: view.storage for view in views if view.storage is not None}


def _places(
    stream: BinaryIO, size: int, keys: Any, storages: Mapping[str, Storage]
) -> dict[str, tuple[int, int, str | None]]:
    """Key -> first byte, number of bytes, no member; only of storages whose size is known up to there."""
    found: dict[str, tuple[int, int, str | None]] = {}
    place = stream.tell()
    for key in keys if isinstance(keys, list) else ():
        stream.seek(place)
        head = stream.read(8)
        storage = storages.get(key) if isinstance(key, str) else None
        length = bytes_of(storage.dtype, (int.from_bytes(head, "little"),)) if storage else None
        if len(head) < 8 or length is None or place + 8 + length > size:
            break
        found[key] = (place + 8, length, None)
        place += 8 + length
    return found


# What the pickle would build -> tensors

_Place = Callable[[Storage], tuple[int, int, str | None] | None]


def _found(value: Any, path: str, place: _Place, metadata: Mapping[str, str]) -> Found:
    tensors: dict[str, Tensor] = {}
    notes = Notes(path)

    def tell(name: str, reason: str) -> None:
        notes.add(None, f"{plain(name[:200])}: {reason}")

    for name, view in _walk(value, tell):
        if name in tensors:
            tell(name, "stands more than once: the last entry counts")
        tensors[name] = Tensor(name, view.shape, view.dtype, _stored(view, place))
    missing = sum(tensor.stored is None for tensor in tensors.values())
    if missing:
        notes.add(None, f"the numbers of {missing:,} tensors are not there: only names and shapes")
    return Found(tuple(tensors.values()), {name: text for name, text in metadata.items() if text}, notes.all())


def _walk(value: Any, tell: Callable[[str, str], None]) -> Iterator[tuple[str, View]]:
    """(name, tensor) in the order of the file; names of dicts in each other are joined by dots.

    Raises PickleError for a value over the bounds.
    """
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    visits = characters = 0
    ways: Counter[int] = Counter()
    while waiting:
        name, value, level = waiting.pop()
        visits += 1
        if visits > MAX_VISITS:
            raise PickleError(f"its pickle holds more than {MAX_VISITS:,} values")
        value = array_of(value) or value if isinstance(value, Built) else value
        if isinstance(value, View) and len(name) > MAX_NAME:
            tell(name, f"a name of more than {MAX_NAME:,} characters")
        elif isinstance(value, View):
            yield name or "tensor", value
        elif isinstance(value, Built) and value.name.endswith("_rebuild_sparse_tensor"):
            tell(name, "a sparse tensor")
        elif isinstance(value, (Pairs, list, tuple)):
            if level >= MAX_LEVELS or len(name) > MAX_NAME:
                tell(name, f"nested deeper than {MAX_LEVELS} levels, or a name of more than {MAX_NAME:,} characters")
                continue
            ways[id(value)] += 1
            if ways[id(value)] > MAX_WAYS:
                tell(name, f"what more than {MAX_WAYS} names lead to: left out from there on")
                continue
            entries = _entries(value)
            characters += sum(len(name) + len(key) for key, _ in entries)
            if visits + len(waiting) + len(entries) > MAX_VISITS:
                raise PickleError(f"its pickle holds more than {MAX_VISITS:,} values")
            if characters > MAX_NAMES:
                raise PickleError(f"the names in its pickle have more than {MAX_NAMES:,} characters")
            waiting += [(f"{name}.{key}" if name else key, item, level + 1) for key, item in reversed(entries)]


def _entries(value: Any) -> list[tuple[str, Any]]:
    """Names and values of a container, but for values that can hold no tensor."""
    held = (Pairs, list, tuple, View, Built)
    if isinstance(value, Pairs):
        pairs = (pair for pair in value.entries if isinstance(pair, (tuple, list)) and len(pair) == 2)
        return [(_key(key), item) for key, item in pairs if isinstance(item, held)]
    return [(str(place), item) for place, item in enumerate(value) if isinstance(item, held)]


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key[: MAX_NAME + 1]
    return str(key) if isinstance(key, int) and abs(key) < 2**63 else f"({type(key).__name__})"


def _stored(view: View, place: _Place) -> Stored | None:
    """Where the numbers of a tensor are, if its storage is there and long enough."""
    where = place(view.storage) if view.storage is not None else None
    before, last = bytes_of(view.dtype, (view.offset,)), 0
    if 0 not in view.shape:
        last = 1 + sum((length - 1) * stride for length, stride in zip(view.shape, view.strides, strict=False))
    length = bytes_of(view.dtype, (last,))
    if where is None or before is None or length is None:
        return None
    first, available, member = where
    if before + length > available:
        return None
    return Stored(first + before, length, member, None if view.strides == _row_by_row(view.shape) else view.strides)


def _row_by_row(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))
