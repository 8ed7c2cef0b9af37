"""All checkpoints of a repository, and the digests of their files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from codeclone.model import Checkpoint, Location, Skipped, Snapshot
from codeclone.read.beginnings import beginnings
from codeclone.read.checkpoints import checkpoints
from codeclone.read.tensors import TensorFile, pointer_in, read_tensors, reads

MAX_CHECKPOINTS, MAX_TENSORS = 50, 150_000
"""Of a repository; the first by path. To map 6,000 wholly renamed tensors takes about a second; a checkpoint is never cut."""

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
class RepositoryTensors:
    """What the files of tensors of a repository hold."""

    checkpoints: tuple[Checkpoint, ...]
    """Without what a training checkpoint holds beside the model."""
    beginnings: tuple[FirstValues, ...]
    """Of each checkpoint."""
    contents: tuple[Content, ...]
    skipped: tuple[Skipped, ...]


def read_repository(snapshot: Snapshot) -> RepositoryTensors:
    """Read the head of every file of tensors."""
    files: list[TensorFile] = []
    contents: list[Content] = []
    values: dict[str, FirstValues] = {}
    left_out: list[Skipped] = []
    for file in snapshot.files:
        if not reads(file.path):
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
    found, missing = checkpoints(files)
    kept, beyond = _bounded(found)
    return RepositoryTensors(
        checkpoints=kept,
        beginnings=tuple(
            {name: its for path in checkpoint.paths for name, its in values.get(path, {}).items()}
            for checkpoint in kept
        ),
        contents=tuple(contents),
        skipped=(*left_out, *missing, *beyond),
    )


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
