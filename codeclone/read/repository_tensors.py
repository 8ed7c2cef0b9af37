"""All checkpoints of a repository, and the digests of their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from codeclone.model import Checkpoint, File, Location, Skipped, Snapshot, Tensor
from codeclone.plain import shortened
from codeclone.read import kept as kept_files
from codeclone.read.beginnings import beginnings
from codeclone.read.checkpoints import checkpoints
from codeclone.read.kept import Head
from codeclone.read.tensors import TensorFile, pointer_in, read_tensors, reads

MAX_CHECKPOINTS, MAX_TENSORS = 50, 150_000
"""Of a repository; the first by path. To map 6,000 wholly renamed tensors takes about a second; a checkpoint is never cut."""

MAX_KEPT = 2**31
"""Bytes of all files of kept samples of a repository; they are held in memory."""

MAX_SHOWN = 60
"""Characters of the name of a repository of which samples were kept."""

OPTIMIZER = re.compile(r"(optimizers?|optimizer_states?|optimizer_state_dict|optim|lr_schedulers?|loops)(\.|\Z)")
"""What a training checkpoint holds beside the model."""

FirstValues = Mapping[str, NDArray[np.float32]]
"""Name of a tensor -> its first values."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file whose bytes are known by their digest: it was read, or a Git-LFS pointer names it."""

    path: str
    sha256: str
    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where the sampled numbers of a checkpoint are that is not there itself, and which of them."""

    file: File
    number: int
    """Of the checkpoint in that file, 0-based."""
    checkpoints: int
    """In that file."""
    bounds: str
    """As `kept.Head` has them."""
    unread: Mapping[int, str]
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RepositoryTensors:
    """What the files of tensors of a repository hold."""

    checkpoints: tuple[Checkpoint, ...]
    """Without what a training checkpoint holds beside the model."""
    beginnings: tuple[FirstValues, ...]
    """Of each checkpoint."""
    contents: tuple[Content, ...]
    skipped: tuple[Skipped, ...]
    kept: Mapping[str, Numbers] = field(default_factory=dict)
    """Label -> of a checkpoint of which only samples were kept. Its paths are those it had, below the file that has them now."""


def read_repository(snapshot: Snapshot) -> RepositoryTensors:
    """Read the head of every file of tensors."""
    files: list[TensorFile] = []
    contents: list[Content] = []
    values: dict[str, FirstValues] = {}
    left_out: list[Skipped] = []
    kept: list[tuple[Checkpoint, FirstValues, Numbers]] = []
    for file in snapshot.files:
        if not reads(file.path) or kept_files.reads(file.path):
            continue
        outcome = read_tensors(file)
        if isinstance(outcome, Skipped):
            left_out.append(outcome)
            pointer = pointer_in(file)
            if pointer is not None:
                contents.append(Content(file.path, pointer.sha256, pointer.size))
            continue
        files.append(outcome)
        values[file.path] = beginnings(file, outcome.tensors)
        left_out += outcome.skipped
        sha256 = file.sha256 if file.whole else file.whole_sha256
        if sha256 and outcome.tensors and outcome.format != "index":
            contents.append(Content(file.path, sha256, file.size))
    for file, head in _kept_heads(snapshot):
        if isinstance(head, Skipped):
            left_out.append(head)
            continue
        kept += _checkpoints_of(file, head)
        contents += (Content(f"{file.path}/{its.path}", its.sha256, its.size) for its in head.files)
        left_out += _told(file, head)
    gone = {checkpoint.label: (first, numbers) for checkpoint, first, numbers in kept}
    there, missing = checkpoints(files)
    found, beyond = _bounded(sorted((*there, *(its for its, _, _ in kept)), key=lambda checkpoint: checkpoint.label))
    return RepositoryTensors(
        checkpoints=found,
        beginnings=tuple(
            gone[checkpoint.label][0]
            if checkpoint.label in gone
            else {name: its for path in checkpoint.paths for name, its in values.get(path, {}).items()}
            for checkpoint in found
        ),
        contents=tuple(contents),
        skipped=(*left_out, *missing, *beyond),
        kept={label: numbers for label, (_, numbers) in gone.items()},
    )


# Files of kept samples


def _kept_heads(snapshot: Snapshot) -> Iterator[tuple[File, Head | Skipped]]:
    """Of all such files, up to as many bytes as may be held in memory together."""
    total = 0
    for file in snapshot.files:
        if kept_files.reads(file.path):
            total += file.size
            if total <= MAX_KEPT:
                yield file, kept_files.read_head(file)
            else:
                reason = f"more than {MAX_KEPT:,} bytes of kept samples, with those that stand before it"
                yield file, Skipped(Location(file.path), reason)


def _checkpoints_of(file: File, head: Head) -> Iterator[tuple[Checkpoint, FirstValues, Numbers]]:
    for number, kept in enumerate(head.checkpoints):
        its = kept.checkpoint
        paths = tuple(f"{file.path}/{path}" for path in its.paths)
        numbers = Numbers(file, number, len(head.checkpoints), head.bounds, kept.unread, kept.blocks)
        yield replace(its, label=paths[0], paths=paths), kept.beginnings, numbers


def _told(file: File, head: Head) -> Iterator[Skipped]:
    """What a reader has to know of a file of kept samples."""
    name = shortened(head.repository, MAX_SHOWN)
    reason = f"samples of {name}, digest {head.digest[:12]}…, as the file says: all else of it is not there"
    yield Skipped(Location(file.path), reason)
    for skip in head.left_out:
        yield replace(skip, location=replace(skip.location, path=f"{file.path}/{skip.location.path}"))


def sizes_of(file: File) -> Iterator[int]:
    """All sizes of the tensors of one file."""
    if kept_files.reads(file.path):
        head = kept_files.read_head(file)
        tensors: Sequence[Tensor] = (
            ()
            if isinstance(head, Skipped)
            else [tensor for kept in head.checkpoints for tensor in kept.checkpoint.tensors]
        )
    else:
        read = read_tensors(file)
        tensors = () if isinstance(read, Skipped) else read.tensors
    for tensor in tensors:
        yield from tensor.shape or ()


def _bounded(found: Sequence[Checkpoint]) -> tuple[tuple[Checkpoint, ...], list[Skipped]]:
    """Checkpoints within the bounds, and those beyond them."""
    before = [0, *accumulate(len(checkpoint.tensors) for checkpoint in found)]
    most = sum(count < MAX_TENSORS for count in before[:-1][:MAX_CHECKPOINTS])
    told = f"more than {MAX_CHECKPOINTS} checkpoints, or {MAX_TENSORS:,} tensors, stand before it"
    return (
        tuple(_model_only(checkpoint) for checkpoint in found[:most]),
        [Skipped(Location(checkpoint.label), told) for checkpoint in found[most:]],
    )


def _model_only(checkpoint: Checkpoint) -> Checkpoint:
    """Without the state of the optimizer, which repeats the model's shapes."""
    kept = [place for place, tensor in enumerate(checkpoint.tensors) if not OPTIMIZER.match(tensor.name)]
    if len(kept) in (0, len(checkpoint.tensors)):
        return checkpoint
    left_out = len(checkpoint.tensors) - len(kept)
    return replace(
        checkpoint,
        tensors=tuple(checkpoint.tensors[place] for place in kept),
        owners=tuple(checkpoint.owners[place] for place in kept),
        metadata={**checkpoint.metadata, "tensors of the optimizer, left out": str(left_out)},
    )
