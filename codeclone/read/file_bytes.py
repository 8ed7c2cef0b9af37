"""Parts of a file of tensors, read where they stand: nothing before them is read, nothing is mapped into memory.

A mapped file that shrinks while it is read ends the process; a read that comes short can be told.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from typing import BinaryIO

from codeclone.model import File, Stored
from codeclone.read.number_types import ValuesError

_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")
"""What stands before a member of a zip file: flags, compression, lengths of the name and the extra field that follow."""

_ENCRYPTED, _UTF8 = 1, 0x800

_PIECE = 2**20
"""Bytes that a stream without a descriptor is asked for at once."""

_CUT_OFF = "its file is cut off: not all of its bytes are there"


class Source:
    """An open file. Everything raises ValuesError where it cannot be read."""

    def __init__(self, file: File) -> None:
        try:
            self._stream = file.open()
        except OSError as error:
            raise _unreadable(error) from error
        try:
            self._descriptor = _descriptor(self._stream)
            self.size = self._stream.seek(0, os.SEEK_END)
        except (OSError, ValueError) as error:
            self._stream.close()
            raise _unreadable(error) from error
        self._members: dict[str, zipfile.ZipInfo] | None = None
        self._refused: str | None = None
        self._starts: dict[str, int] = {}

    def close(self) -> None:
        self._stream.close()

    def start(self, stored: Stored, needed: int) -> int:
        """Place of a tensor's first byte in the file, behind which there are as many bytes as it needs."""
        if stored.offset < 0 or needed < 0:
            raise ValuesError("its place is none")
        if stored.length is not None and needed > stored.length:
            raise ValuesError("its bytes cannot hold this shape and type")
        first = stored.offset
        if stored.member is not None:
            member = self._member(stored.member)
            if stored.offset + needed > member.file_size:
                raise ValuesError(_CUT_OFF)
            first += self._behind_header(member)
        if first + needed > self.size:
            raise ValuesError(_CUT_OFF)
        return first

    def fill(self, place: int, content: memoryview) -> None:
        """Reads bytes from a place on until all of the memory is filled."""
        try:
            if self._descriptor is None:
                self._from_stream(place, content)
                return
            done = os.preadv(self._descriptor, [content], place)
            while done < len(content):
                got = os.preadv(self._descriptor, [content[done:]], place + done)
                if got <= 0:
                    raise ValuesError(_CUT_OFF)
                done += got
        except (OSError, OverflowError) as error:
            raise _unreadable(error) from error

    def _from_stream(self, place: int, content: memoryview) -> None:
        self._stream.seek(place)
        done = 0
        while done < len(content):
            piece = self._stream.read(min(_PIECE, len(content) - done))
            if not piece:
                raise ValuesError(_CUT_OFF)
            content[done : done + len(piece)] = piece
            done += len(piece)

    def _member(self, name: str) -> zipfile.ZipInfo:
        from codeclone.read.torch_files import TorchError, directory

        if self._members is None and self._refused is None:
            try:
                self._members = directory(self._stream, self.size)
            except OSError as error:
                self._refused = str(_unreadable(error))
            except TorchError as error:
                self._refused = str(error)
        if self._members is None:
            raise ValuesError(self._refused or "")
        if name not in self._members:
            raise ValuesError("the member that held its bytes is not there")
        return self._members[name]

    def _behind_header(self, member: zipfile.ZipInfo) -> int:
        """Where the bytes of a member begin, by its own header: that of the directory has another extra field."""
        if member.filename in self._starts:
            return self._starts[member.filename]
        flags, method, name, extra = self._header(member)
        if member.flag_bits & _ENCRYPTED or flags & _ENCRYPTED:
            raise ValuesError("its bytes are encrypted")
        if member.compress_type != zipfile.ZIP_STORED or method != zipfile.ZIP_STORED:
            raise ValuesError("its bytes are compressed, which torch does not do")
        first = member.header_offset + _LOCAL_HEADER.size + name + extra
        self._starts[member.filename] = first
        return first

    def _header(self, member: zipfile.ZipInfo) -> tuple[int, int, int, int]:
        """Flags, compression, and the lengths of name and extra field."""
        wrong = ValuesError("the member that holds its bytes is not where the zip file says")
        try:
            named = member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8 else "cp437")
        except UnicodeError as error:
            raise wrong from error
        content = bytearray(_LOCAL_HEADER.size + len(named))
        if not 0 <= member.header_offset <= self.size - len(content):
            raise wrong
        self.fill(member.header_offset, memoryview(content))
        signature, flags, method, name, extra = _LOCAL_HEADER.unpack_from(content)
        if signature != b"PK\3\4" or name != len(named) or content[_LOCAL_HEADER.size :] != named:
            raise wrong
        return flags, method, name, extra


def _descriptor(stream: BinaryIO) -> int | None:
    """Of a file that is read as it is: other streams have descriptors too, of the file that they unpack."""
    raw = getattr(stream, "raw", stream)
    return raw.fileno() if isinstance(raw, io.FileIO) and hasattr(os, "preadv") else None


def _unreadable(error: Exception) -> ValuesError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ValuesError(f"cannot be read: {why}")
