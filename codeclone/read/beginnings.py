"""The first values of each tensor of a file, for telling apart tensors of one shape. Nothing else of the data is read."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from codeclone.model import File, Tensor

VALUES = 256
"""From the first one on, row by row."""

LEAST_VALUES = 16
"""Of fewer values nothing is told."""

MAX_TENSORS = 20_000
"""Of a file: a read each."""

LOCAL_HEADER = struct.Struct("<4s22xHH")
"""What stands before a member of a zip file: at its end the lengths of the name and of the extra field that follow."""

ENCRYPTED = 1

_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def beginnings(file: File, tensors: Sequence[Tensor]) -> dict[str, NDArray[np.float32]]:
    """Name of a tensor -> its first values; of floating-point tensors whose bytes are there, all of them finite."""
    wanted = [t for t in tensors if t.stored is not None and t.dtype in _SIZES and _count(t) >= LEAST_VALUES]
    found: dict[str, NDArray[np.float32]] = {}
    try:
        with file.open() as stream:
            archive = zipfile.ZipFile(stream) if any(t.stored and t.stored.member for t in wanted) else None
            for tensor in wanted[:MAX_TENSORS]:
                values = _values(_bytes(stream, archive, tensor), tensor.dtype)
                if len(values) >= LEAST_VALUES and np.isfinite(values).all():
                    found[tensor.name] = values
    except (OSError, ValueError, OverflowError, KeyError, RuntimeError, zipfile.BadZipFile, struct.error):
        pass  # what was read is told by the reader of the head; a beginning is a help and no more
    return found


def _count(tensor: Tensor) -> int:
    """Values that lie one behind the other from the first on, at most `VALUES`."""
    shape, stored = tensor.shape or (), tensor.stored
    if stored is None or stored.strides is None:
        whole = 1
        for size in shape:
            whole = min(VALUES, whole * size)
        return whole
    return min(VALUES, shape[-1]) if shape and stored.strides[-1] == 1 else 0


def _bytes(stream: BinaryIO, archive: zipfile.ZipFile | None, tensor: Tensor) -> bytes:
    assert tensor.stored is not None
    length = _count(tensor) * _SIZES[tensor.dtype]
    if tensor.stored.member is None:
        stream.seek(tensor.stored.offset)
        return stream.read(length)
    assert archive is not None
    info = archive.getinfo(tensor.stored.member)
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ENCRYPTED:
        return b""
    # Straight to the place: the archive's own reader reads all that stands before it.
    stream.seek(info.header_offset)
    head = stream.read(LOCAL_HEADER.size)
    if len(head) < LOCAL_HEADER.size:
        return b""
    signature, *_, name, extra = LOCAL_HEADER.unpack(head)
    if signature != b"PK\3\4":
        return b""
    stream.seek(info.header_offset + LOCAL_HEADER.size + name + extra + tensor.stored.offset)
    return stream.read(length)


def _values(content: bytes, dtype: str) -> NDArray[np.float32]:
    content = content[: len(content) // _SIZES[dtype] * _SIZES[dtype]]
    if dtype == "BF16":
        return (np.frombuffer(content, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
    with np.errstate(over="ignore"):
        return np.frombuffer(content, {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[dtype]).astype(np.float32)
