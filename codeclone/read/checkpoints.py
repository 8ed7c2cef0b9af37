"""Files of tensors -> checkpoints: the shards of one model belong together, any other file is one by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import PurePosixPath

from codeclone.model import Checkpoint, Location, Skipped, Tensor
from codeclone.read.tensors import INDEX, TensorFile

_SHARD = re.compile(r"(.*?)-(\d{5})-of-(\d{5})(\.\w+)\Z")

MAX_MISSING = 5
"""Shards that are missing and named one by one."""


def checkpoints(files: Sequence[TensorFile]) -> tuple[tuple[Checkpoint, ...], tuple[Skipped, ...]]:
    """The checkpoints of a repository in the order of their labels, and what is missing or stands twice."""
    left = {file.path: file for file in sorted(files, key=lambda file: file.path)}
    skipped: list[Skipped] = []
    found: list[Checkpoint] = []
    for index in [file for file in left.values() if file.path.lower().endswith(INDEX)]:
        del left[index.path]
        folder = PurePosixPath(index.path).parent
        wanted = [str(folder / name) for name in dict.fromkeys(index.shards)]
        shards = [left.pop(path) for path in wanted if path in left]
        found.append(_joined(index, shards, wanted, len(wanted), skipped))
    numbered: dict[tuple[str, str, str], list[TensorFile]] = {}
    for path in [*left]:
        match = _SHARD.match(path)
        if match:
            numbered.setdefault((match[1], match[3], match[4]), []).append(left.pop(path))
    for (stem, count, suffix), shards in numbered.items():
        # A name can promise 99,999 shards, and any number of files can have such names: theirs are made where they are told.
        promised = (f"{stem}-{number:05}-of-{count}{suffix}" for number in range(1, int(count) + 1))
        found.append(_joined(None, shards, promised, int(count), skipped))
    found += [_joined(None, [file], [file.path], 1, skipped) for file in left.values()]
    return tuple(sorted((c for c in found if c.tensors), key=lambda c: c.label)), tuple(skipped)


def _joined(
    index: TensorFile | None,
    shards: Sequence[TensorFile],
    wanted: Iterable[str],
    expected: int,
    skipped: list[Skipped],
) -> Checkpoint:
    """`wanted`: paths of the shards that there should be, `expected` of them."""
    files = [*([index] if index else []), *shards]
    label = files[0].path
    there = {file.path for file in shards}
    first = [*islice((path for path in wanted if path not in there), MAX_MISSING)]
    if first:
        missing = max(expected - len(shards), len(first))
        names = ", ".join(PurePosixPath(path).name for path in first)
        more = f" and {missing - len(first):,} more" if missing > len(first) else ""
        reason = f"{missing:,} of {expected:,} shards were not read: {names}{more}"
        skipped.append(Skipped(Location(label), reason))
    known: dict[str, tuple[Tensor, int]] = {}
    twice = 0
    for place, file in enumerate(files):
        for tensor in file.tensors:
            earlier = known.get(tensor.name)
            twice += earlier is not None and earlier[0].shape is not None
            if earlier is None or earlier[0].shape is None:
                # What an index names keeps its place in the order of the shards, not of the index.
                known.pop(tensor.name, None)
                known[tensor.name] = (tensor, place)
    if twice:
        skipped.append(Skipped(Location(label), f"{twice:,} tensors stand in more than one shard: the first counts"))
    return Checkpoint(
        label=label,
        paths=tuple(file.path for file in files),
        tensors=tuple(tensor for tensor, _ in known.values()),
        owners=tuple(place for _, place in known.values()),
        formats=tuple(dict.fromkeys(file.format for file in (shards or files))),
        shards=len(shards),
        expected=expected,
        total_size=index.total_size if index else None,
        metadata={name: text for file in files for name, text in file.metadata.items()},
    )


def dtypes(tensors: Iterable[Tensor]) -> dict[str, int]:
    """Type -> number of tensors, the most frequent first."""
    counts = Counter(tensor.dtype or "not known" for tensor in tensors)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
