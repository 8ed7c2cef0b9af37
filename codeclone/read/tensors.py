"""One file of tensors -> names, shapes, types and places: safetensors, torch's zip files and older ones, GGUF, index.json.

Only heads are read. What the head says is held against the file's size: an entry that cannot be true is left out and told,
and of one whose bytes are not all there only name and shape are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, BinaryIO, TypeGuard

from codeclone.model import File, Location, Skipped, Stored, Tensor
from codeclone.plain import plain
from codeclone.read.data import escaped, parse_json, read_json
from codeclone.read.gguf import MAGIC as GGUF_MAGIC
from codeclone.read.gguf import GgufError, read_gguf
from codeclone.read.lfs import MAX_POINTER_BYTES, Pointer, pointer_of
from codeclone.read.notes import Notes
from codeclone.read.sizes import bytes_of

SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf")
INDEX = ".index.json"

KEPT = ".kept.npz"
"""Of samples that were kept of checkpoints."""

MAX_HEADER = 100_000_000
"""Bytes of a safetensors header; its own reader refuses more (safetensors, format description)."""

MAX_PARSED_HEADER = 32 * 2**20
"""Bytes of a header that is parsed; one of 50,000 tensors has about 6 MB."""

MAX_NAME = 500
"""Characters of a tensor's name; those of public models have up to 150. Names are compared segment by segment."""

MAX_DIMENSIONS = 64

MAX_METADATA, MAX_METADATA_TEXT = 50, 200
"""Entries of the metadata that are kept, and characters of each."""


@dataclass(frozen=True, slots=True)
class TensorFile:
    """What the head of a file of tensors says."""

    path: str
    format: str
    """safetensors, torch zip, torch, GGUF or index."""
    tensors: tuple[Tensor, ...]
    """In the order of the file. Of an index only the names are known."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    total_size: int | None = None
    """In bytes: what an index says that all shards hold together."""
    shards: tuple[str, ...] = ()
    """Of an index: for each tensor the name of the file that holds it."""
    skipped: tuple[Skipped, ...] = ()


def reads(path: str) -> bool:
    """Whether a file may hold tensors, by its suffix."""
    return path.lower().endswith((*SUFFIXES, INDEX, KEPT))


def read_tensors(file: File) -> TensorFile | Skipped:
    """The tensors of one file, or why there are none to be read."""
    if file.path.lower().endswith(INDEX):
        return _index(file)
    try:
        with file.open() as stream:
            return _by_content(stream, file)
    except OSError as error:
        return Skipped(Location(file.path), f"cannot be read: {error.strerror or error}")


def pointer_in(file: File) -> Pointer | None:
    """The Git-LFS pointer that stands in place of the file, if one does."""
    if file.size >= MAX_POINTER_BYTES:
        return None
    try:
        return pointer_of(file.read())
    except OSError:
        return None


def _by_content(stream: BinaryIO, file: File) -> TensorFile | Skipped:
    head = stream.read(MAX_POINTER_BYTES)
    pointer = pointer_of(head) if file.size < MAX_POINTER_BYTES else None
    stream.seek(0)
    if pointer is not None:
        return Skipped(Location(file.path), pointer.told)
    if head.startswith(GGUF_MAGIC):
        return _gguf(stream, file)
    if head.startswith(b"PK"):
        return _torch(stream, file, "torch zip")
    if file.path.lower().endswith(".safetensors") or head[8:9] == b"{":
        return _safetensors(stream, file)
    if file.path.lower().endswith(".gguf"):
        return Skipped(Location(file.path), "no GGUF file")
    if head[257:262] == b"ustar":
        return Skipped(Location(file.path), "a tar file, as torch before 0.1.10 wrote: not read")
    return _torch(stream, file, "torch")


# safetensors


def _safetensors(stream: BinaryIO, file: File) -> TensorFile | Skipped:
    where = Location(file.path)
    length = int.from_bytes(stream.read(8), "little")
    if file.size < 8 or length > file.size - 8:
        return Skipped(where, f"no whole safetensors file: {file.size:,} bytes, and a header of {length:,}")
    if length > MAX_HEADER:
        return Skipped(where, f"a header of {length:,} bytes: safetensors allows {MAX_HEADER:,}")
    if length > MAX_PARSED_HEADER:
        return Skipped(where, f"a header of {length:,} bytes: over the bound of {MAX_PARSED_HEADER:,}")
    content = stream.read(length)
    if len(content) < length:
        return Skipped(where, "cut off within its header")
    data = parse_json(content, file.path)
    if isinstance(data, Skipped):
        return Skipped(where, f"its header is {data.reason}")
    if not isinstance(data.value, dict):
        return Skipped(where, "its header is no JSON object")
    notes = Notes(file.path, data.skipped)
    tensors = [
        tensor
        for name, entry in data.value.items()
        if name != "__metadata__" and (tensor := _entry(name, entry, 8 + length, file.size, notes)) is not None
    ]
    overlapping = _overlapping(tensors)
    for tensor in tensors:
        if tensor.name in overlapping:
            notes.add(_at(tensor.name), "its bytes are another tensor's too: only name and shape are kept")
    kept = (Tensor(t.name, t.shape, t.dtype) if t.name in overlapping else t for t in tensors)
    return TensorFile(
        file.path, "safetensors", tuple(kept), _metadata(data.value.get("__metadata__")), skipped=notes.all()
    )


def _at(name: str) -> str:
    """Pointer to the entry of a tensor."""
    return f"/{escaped(plain(name[:200]))}"


_LONG = f"a name of more than {MAX_NAME:,} characters: left out"


def _entry(name: str, entry: Any, start: int, size: int, notes: Notes) -> Tensor | None:
    """One tensor of a safetensors header; None, and told, where the entry cannot be true."""
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = (fields.get(part) for part in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or not _counts(shape, MAX_DIMENSIONS) or not _counts(offsets, 2) or len(offsets) != 2:
        notes.add(_at(name), "no tensor: dtype, shape and two offsets are needed")
        return None
    if len(name) > MAX_NAME:
        notes.add(_at(name), _LONG)
        return None
    first, last = offsets
    length = bytes_of(dtype, shape)
    if first > last or (length is not None and last - first != length):
        notes.add(_at(name), f"{last - first:,} bytes cannot hold this type and shape: left out")
        return None
    if start + last > size:
        notes.add(_at(name), "its bytes are not all in the file: only name and shape are kept")
        return Tensor(name, tuple(shape), dtype[:20])
    return Tensor(name, tuple(shape), dtype[:20], Stored(start + first, last - first))


def _counts(value: Any, most: int) -> TypeGuard[list[int]]:
    return isinstance(value, list) and len(value) <= most and all(type(n) is int and 0 <= n < 2**63 for n in value)


def _overlapping(tensors: Iterable[Tensor]) -> set[str]:
    """Names of tensors whose bytes are another one's too."""
    placed = sorted((t.stored.offset, t.stored.length or 0, t.name) for t in tensors if t.stored and t.stored.length)
    found: set[str] = set()
    reached, last = 0, ""
    for offset, length, name in placed:
        if offset < reached:
            found |= {last, name}
        if offset + length > reached:
            reached, last = offset + length, name
    return found


def _metadata(value: Any) -> dict[str, str]:
    entries = value.items() if isinstance(value, dict) else ()
    kept = ((name, item) for name, item in entries if isinstance(item, (str, int, float)))
    return {
        plain(name[:MAX_METADATA_TEXT]): plain(str(item)[:MAX_METADATA_TEXT]) for name, item in [*kept][:MAX_METADATA]
    }


# The other formats


def _torch(stream: BinaryIO, file: File, kind: str) -> TensorFile | Skipped:
    from codeclone.read import torch_files  # zipfile and pickletools are needed for these files only
    from codeclone.read.pickle_values import PickleError

    read = torch_files.read_zip if kind == "torch zip" else torch_files.read_legacy
    try:
        found = read(stream, file.path, file.size)
    except (torch_files.TorchError, PickleError) as error:
        return Skipped(Location(file.path), str(error))
    return TensorFile(file.path, kind, found.tensors, found.metadata, skipped=found.skipped)


def _gguf(stream: BinaryIO, file: File) -> TensorFile | Skipped:
    try:
        found = read_gguf(stream)
    except GgufError as error:
        return Skipped(Location(file.path), str(error))
    alignment = found.metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 0 < alignment <= 2**20:
        return Skipped(Location(file.path), "an alignment of its tensors that is none")
    start = -(-stream.tell() // alignment) * alignment
    notes = Notes(file.path)
    tensors: dict[str, Tensor] = {}
    for tensor in found.tensors:
        if len(tensor.name) > MAX_NAME:
            notes.add(_at(tensor.name), _LONG)
            continue
        length = bytes_of(tensor.dtype, tensor.shape)
        first = start + tensor.offset
        stored = Stored(first, length) if first + (length or 0) <= file.size else None
        if stored is None:
            notes.add(_at(tensor.name), "its bytes are not all in the file: only name and shape are kept")
        if tensor.name in tensors:
            notes.add(_at(tensor.name), "stands more than once: the last entry counts")
        tensors[tensor.name] = Tensor(tensor.name, tensor.shape, tensor.dtype, stored)
    return TensorFile(file.path, "GGUF", tuple(tensors.values()), _metadata(found.metadata), skipped=notes.all())


def _index(file: File) -> TensorFile | Skipped:
    """Names of all tensors, and which file holds which (as `save_pretrained` of transformers writes it)."""
    data = read_json(file)
    if isinstance(data, Skipped):
        return data
    weights = data.value.get("weight_map") if isinstance(data.value, dict) else None
    if not isinstance(weights, dict):
        return Skipped(Location(file.path), "no index of tensors: it has no weight_map")
    notes = Notes(file.path, data.skipped)
    names, shards = [], []
    for name, shard in weights.items():
        if len(name) > MAX_NAME:
            notes.add(_at(name), _LONG)
        elif isinstance(shard, str) and shard and PurePosixPath(shard).name == shard and len(shard) < 256:
            names.append(name)
            shards.append(shard)
        else:
            notes.add(_at(name), "stands in no file of the same folder: left out")
    metadata = data.value.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    total = int(total) if isinstance(total, (int, float)) and 0 <= total < 2**63 else None
    return TensorFile(
        file.path, "index", _named(names), _metadata(metadata), total, tuple(shards), notes.all(),
    )  # fmt: skip


def _named(names: Sequence[str]) -> tuple[Tensor, ...]:
    return tuple(Tensor(name, None, "") for name in names)
