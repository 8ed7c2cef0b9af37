"""A source -> a file of what a later comparison of its weights needs, when the source itself is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from codeclone.errors import CodecloneError, NothingToCompareError
from codeclone.evidence import weights
from codeclone.match.weight_kept import bounds, numbers_of, unread_of
from codeclone.match.weight_samples import Samples
from codeclone.model import Checkpoint, File, Location, Profile, Skipped, Snapshot
from codeclone.plain import plain
from codeclone.read import kept, open_source
from codeclone.read.beginnings import LEAST_VALUES
from codeclone.read.digests import with_every_digest
from codeclone.read.tensors import KEPT


@dataclass(frozen=True, slots=True)
class Keepsake:
    """What was kept."""

    content: bytes
    """Of the file, the same for the same source."""
    told: tuple[str, ...]
    """One line for each checkpoint."""
    skipped: tuple[Skipped, ...]
    """What could not be read."""


def keep(source: str, progress: Callable[[str], None] = lambda step: None) -> Keepsake:
    """Sample every checkpoint of a source. Raises SourceError, NothingToCompareError where there is none, and CodecloneError where
    it is too much for one file."""
    progress(f"reading {source}")
    snapshot, already = _without_kept(open_source(source))
    progress("working out the digests of its files")
    snapshot = with_every_digest(snapshot)
    progress("sampling its checkpoints")
    profile = weights.profile(snapshot)
    checkpoints: Sequence[Checkpoint] = profile.details["checkpoints"]
    if not checkpoints:
        why = "".join(f" ({skip.reason})" for skip in (*profile.skipped, *already)[:1])
        raise NothingToCompareError(f"{snapshot.repository.name}: no checkpoint to keep samples of was found{why}")
    try:
        content = kept.packed(_head(snapshot, profile), [numbers_of(its) for its in profile.details["samples"]])
    except ValueError as error:
        raise CodecloneError(f"{snapshot.repository.name}: cannot be kept in one file: {error}") from error
    _read_again(content, profile, snapshot)
    told = map(_told, checkpoints, profile.details["samples"])
    return Keepsake(content, tuple(told), (*snapshot.skipped, *already, *profile.skipped))


def _read_again(content: bytes, profile: Profile, snapshot: Snapshot) -> None:
    """Raises CodecloneError for a file that would not be the same when it is needed: by then it is too late to keep another one."""
    file = File(f"it{KEPT}", len(content), "", lambda: content)
    again = weights.profile(replace(snapshot, files=(file,), skipped=()))
    before, after = ([its.manifest for its in one.details["samples"]] for one in (profile, again))
    if before != after:
        why = "; ".join(skip.reason for skip in again.skipped[-1:])
        raise CodecloneError(f"{snapshot.repository.name}: cannot be kept: {why}")


def _without_kept(snapshot: Snapshot) -> tuple[Snapshot, tuple[Skipped, ...]]:
    """Of samples none are kept again: these are files of their own already."""
    its = [file for file in snapshot.files if kept.reads(file.path)]
    already = tuple(Skipped(Location(file.path), f"a {KEPT} file already: copy it as it is") for file in its)
    files = tuple(file for file in snapshot.files if not kept.reads(file.path))
    return replace(snapshot, files=files), already


def _head(snapshot: Snapshot, profile: Profile) -> kept.Head:
    its = profile.details
    each = zip(its["checkpoints"], its["beginnings"], its["samples"], strict=True)
    return kept.Head(
        repository=snapshot.repository.name,
        digest=snapshot.repository.digest,
        bounds=bounds(),
        checkpoints=tuple(_kept(*one) for one in each),
        files=tuple(kept.KeptFile(file.path, file.sha256, file.size) for file in its["contents"]),
        left_out=its["left out"],
    )


def _kept(checkpoint: Checkpoint, beginnings: kept.Beginnings, samples: Samples) -> kept.Kept:
    names = {tensor.name for tensor in checkpoint.tensors}
    return kept.Kept(
        checkpoint=checkpoint,
        beginnings={name: first for name, first in beginnings.items() if name in names and len(first) >= LEAST_VALUES},
        unread=unread_of(samples),
        blocks=tuple(its.group.number for its in samples.neurons),
    )


def _told(checkpoint: Checkpoint, samples: Samples) -> str:
    read = [sample.values.size for sample in samples.tensors if sample is not None]
    blocks = len(samples.neurons)
    return (
        f"{plain(checkpoint.label)}: {sum(read):,} values of {len(read):,} of {len(checkpoint.tensors):,} tensors, "
        f"and the neurons of {blocks} block{'s' * (blocks != 1)}"
    )
