"""Arrays <-> the bytes of an .npz: the same arrays give the same bytes; what is read is bounded and checked before it is used."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MAX_FILE_BYTES = 128 * 2**20
"""The shipped tables have 3 MB."""

HEADER_BYTES = 2**10
"""More than numpy writes before the items of an array of one or two dimensions."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Of packing that can be unpacked bit by bit; of others zipfile unpacks all that it has read, however much that becomes."""

END, LOCATOR, DIRECTORY = 22, 20, 12
"""Bytes of the end of a zip without a comment, and of what stands before it in one with 64-bit sizes, which a table does not
need; from where on in that end the size of the list of members stands."""

MAX_DIRECTORY_BYTES = 2**16
"""Of the list of members, all of which zipfile reads before it tells any; millions fit in a file."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip can hold."""


def packed(arrays: Mapping[str, NDArray[np.uint8]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The bytes of a file that `unpacked`, and numpy, read."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            npy.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _DATE)
            info.create_system = 3  # not the one of this machine
            archive.writestr(info, member.getbuffer(), method, 9)
    return content.getvalue()


def unpacked(path: Path, expected: Mapping[str, tuple[int, int]]) -> dict[str, NDArray[np.uint8]]:
    """The arrays of a file that anyone may have made.

    `expected`: name -> number of rows, 0 for an array of one dimension, and most bytes. Raises ValueError where the file
    holds anything else or is damaged, and OSError where it cannot be read.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError("no regular file")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"over the bound of {MAX_FILE_BYTES:,} bytes")
    with archived(io.BytesIO(content)) as archive:
        if sorted(archive.namelist()) != sorted(f"{name}.npy" for name in expected):
            raise NotWanted("it holds other arrays")
        return {name: array_in(archive, name, *shape) for name, shape in expected.items()}


@contextmanager
def archived(stream: BinaryIO, methods: Collection[int] = METHODS) -> Iterator[zipfile.ZipFile]:
    """The members of an .npz, for `array_in`. `methods`: of packing that it may have. Inside, whatever a damaged file leads to
    becomes a ValueError; NotWanted and OSError stay as they are."""
    try:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - END - LOCATOR))
        tail = stream.read(END + LOCATOR)
        end = tail[-END:]
        if not (end.startswith(b"PK\5\6") and end.endswith(b"\0\0")) or tail.startswith(b"PK\6\7"):
            raise NotWanted("no .npz, or a damaged one")
        if int.from_bytes(end[DIRECTORY : DIRECTORY + 4], "little") > MAX_DIRECTORY_BYTES:
            raise NotWanted("it holds other arrays")
        with zipfile.ZipFile(stream) as archive:
            if any(info.compress_type not in methods for info in archive.infolist()):
                raise NotWanted("its arrays are packed in a way that is not read")
            yield archive
    except (NotWanted, OSError):
        raise
    # zipfile, zlib and numpy raise whatever a damaged file leads them to: BadZipFile, zlib.error, EOFError, ValueError, …
    except Exception as error:
        raise ValueError("no .npz, or a damaged one") from error


def array_in(archive: zipfile.ZipFile, name: str, rows: int, most: int) -> NDArray[np.uint8]:
    """`rows`, `most`: as `unpacked` expects them. To be called inside `archived`, which tells what goes wrong."""
    with archive.open(f"{name}.npy") as member:
        content = member.read(most + HEADER_BYTES + 1)
    if len(content) > most + HEADER_BYTES:
        raise NotWanted(f"an array over the bound of {most:,} bytes")
    stream = io.BytesIO(content)
    if npy.read_magic(stream) != (1, 0):
        raise NotWanted("arrays in another format")
    shape, by_column, kind = npy.read_array_header_1_0(stream, max_header_size=HEADER_BYTES)
    items = len(content) - stream.tell()
    wanted = (rows, items // rows) if rows else (items,)
    if kind != np.uint8 or by_column or shape != wanted or items % (rows or 1):
        raise NotWanted("arrays of another shape or type")
    return np.frombuffer(content, np.uint8, offset=stream.tell()).reshape(wanted)


class NotWanted(ValueError):
    """What is wrong, in our words."""
