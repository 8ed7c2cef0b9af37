"""Whole digests of large files of tensors, where they can tell something: where another side has a file of the same size and ends."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from codeclone.batches import side_by_side
from codeclone.model import File, Skipped, Snapshot
from codeclone.read import kept
from codeclone.read.tensors import pointer_in, reads

CHUNK = 8 * 2**20
"""Bytes that are read at once."""


def with_digests(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """The snapshots, with the SHA-256 of each large file of tensors whose size another side has, as a file with the same ends or
    as a Git-LFS pointer. The digests of the snapshots stay as they are: they depend on one side only."""
    sizes = [_sizes(snapshot) for snapshot in snapshots]
    wanted = [
        (number, place)
        for number, snapshot in enumerate(snapshots)
        for place, file in enumerate(snapshot.files)
        if not file.whole
        and any({(file.size, file.sha256), (file.size, "")} & its for other, its in enumerate(sizes) if other != number)
    ]
    files = [list(snapshot.files) for snapshot in snapshots]
    for (number, place), file in zip(wanted, side_by_side(_digested, [files[n][p] for n, p in wanted]), strict=True):
        files[number][place] = file
    return [replace(snapshot, files=tuple(its)) for snapshot, its in zip(snapshots, files, strict=True)]


def with_every_digest(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the SHA-256 of each of its large files."""
    return replace(snapshot, files=tuple(file if file.whole else _digested(file) for file in snapshot.files))


def same_files(left: Snapshot, right: Snapshot) -> bool:
    """Whether two snapshots that went through `with_digests` have the same files, byte for byte."""
    return left.repository.digest == right.repository.digest and all(
        one.whole or (one.whole_sha256 and one.whole_sha256 == other.whole_sha256)
        for one, other in zip(left.files, right.files, strict=True)
    )


def _sizes(snapshot: Snapshot) -> frozenset[tuple[int, str]]:
    """(size, digest of the ends) of large files, (size, nothing) of those that pointers or kept samples stand for."""
    found = {(file.size, file.sha256) for file in snapshot.files if not file.whole}
    for file in snapshot.files:
        pointer = pointer_in(file) if reads(file.path) else None
        if pointer is not None:
            found.add((pointer.size, ""))
        if kept.reads(file.path) and not isinstance(head := kept.read_head(file), Skipped):
            found |= {(its.size, "") for its in head.files}
    return frozenset(found)


def _digested(file: File) -> File:
    digest = hashlib.sha256()
    try:
        with file.open() as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except OSError:
        return file
    return replace(file, whole_sha256=digest.hexdigest())
