"""Tensors: which tensors of the left repository's checkpoints are those of the right one's, under whatever names.

Names and shapes show an architecture, which many share openly: whoever builds the same model anew has them too. So they reach
`weak`, and `moderate` only with several module names that no public model folder has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codeclone.attribution import Explained, explain
from codeclone.background import Shares, text_keys
from codeclone.evidence import Context, Findings, Profiled, finding_id
from codeclone.match.tensor_names import NameMatch, match_names
from codeclone.match.tensor_rarity import bits_of, distinctive, fact
from codeclone.match.tensor_showing import Amounts, Side, measures, sentence, tables
from codeclone.model import (
    LEVELS,
    PARTS,
    Compared,
    Evidence,
    Facts,
    Level,
    Location,
    Measure,
    Method,
    Partition,
    Place,
    Profile,
    Skipped,
    Snapshot,
)
from codeclone.plain import plain
from codeclone.read.checkpoints import Checkpoint, checkpoints, dtypes
from codeclone.read.sizes import bytes_of
from codeclone.read.tensors import TensorFile, pointer_in, read_tensors
from codeclone.read.tensors import reads as reads_tensors

TITLE = "Tensors"
VERSION = 1

LEAST_MAPPED = 0.5
"""Of the smaller checkpoint's tensors; a guess counts half. Two architectures of the same widths share up to this."""

DISTINCTIVE = 12
"""Module names in tensors that map onto each other, unchanged, that none of the public model folders behind
data/stock_names.npz has: from so many on the finding is moderate. Names of well-known projects outside that table have up to ten
(FLUX; the first Stable Diffusion nine, Segment Anything six; LLaMA, OpenCLIP, Whisper, Mamba, RWKV and Megatron at most three), and
samples/lookalike, which follows the published description of samples/original, has four."""

AS_GOOD = 0.9
"""Share of what the right maps that an ancestor or a claimed source has to map to explain it as well."""

LEAST_EQUAL = 1000
"""Bytes of a file that is the same on both sides: smaller ones hold next to nothing."""

MAX_CHECKPOINTS = 50
"""Of a repository; the first by path."""

TRIED = 2
"""Right checkpoints that a left one is mapped onto: those that share the most shapes and names."""

MAX_RENAMES = 50_000
MAX_PLACES = 50

OPTIMIZER = re.compile(r"(optimizers?|optimizer_states?|optimizer_state_dict|optim|lr_schedulers?|loops)(\.|\Z)")
"""What a training checkpoint holds beside the model."""

METHOD = Method(
    "tensor names under the fewest rewrite rules with equal shapes",
    {"least_mapped": LEAST_MAPPED, "distinctive": DISTINCTIVE},
    "greedy set covering (Chvatal 1979); fewest rules, then fewest characters (Rissanen 1978)",
)


@dataclass(frozen=True, slots=True)
class _Content:
    """A file whose bytes are known by their digest: it was read, or a Git-LFS pointer names it."""

    path: str
    sha256: str
    size: int
    """In bytes."""


def reads(path: str) -> bool:
    """Whether a file may hold tensors, by its suffix."""
    return reads_tensors(path)


def profile(snapshot: Snapshot) -> Profile:
    """Read the head of every file of tensors."""
    files: list[TensorFile] = []
    contents: list[_Content] = []
    skipped: list[Skipped] = []
    for file in snapshot.files:
        if not reads(file.path):
            continue
        outcome = read_tensors(file)
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
            pointer = pointer_in(file)
            if pointer is not None:
                contents.append(_Content(file.path, pointer.sha256, pointer.size))
            continue
        files.append(outcome)
        skipped += outcome.skipped
        if file.whole and outcome.tensors and outcome.format != "index":
            contents.append(_Content(file.path, file.sha256, file.size))
    found, missing = checkpoints(files)
    if len(found) > MAX_CHECKPOINTS:
        missing += tuple(
            Skipped(Location(c.label), f"more than {MAX_CHECKPOINTS} checkpoints") for c in found[MAX_CHECKPOINTS:]
        )
    kept = tuple(_model_only(checkpoint) for checkpoint in found[:MAX_CHECKPOINTS])
    paths = sorted({path for checkpoint in kept for path in checkpoint.paths})
    texts = sorted({both for checkpoint in kept for both in _facts_by_file(checkpoint, paths)})
    return Profile(
        kind="tensors",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=Facts(
            keys=text_keys(text for _, text in texts),
            fragments=np.array([file for file, _ in texts], np.int32),
            nodes=np.zeros(len(texts), np.int32),
            depths=np.zeros(len(texts), np.uint8),
            readings=np.full(len(texts), 7, np.uint8),
        ),
        fragments=(),
        details={
            "checkpoints": kept,
            "contents": tuple(contents),
            "paths": tuple(paths),
            "texts": tuple(t for _, t in texts),
        },
        skipped=(*skipped, *missing),
    )


def _model_only(checkpoint: Checkpoint) -> Checkpoint:
    """Without the state of the optimizer, which repeats the model's shapes."""
    kept = [place for place, tensor in enumerate(checkpoint.tensors) if not OPTIMIZER.match(tensor.name)]
    if len(kept) in (0, len(checkpoint.tensors)):
        return checkpoint
    return Checkpoint(
        checkpoint.label, checkpoint.paths, tuple(checkpoint.tensors[place] for place in kept),
        tuple(checkpoint.owners[place] for place in kept), checkpoint.formats, checkpoint.shards, checkpoint.expected,
        checkpoint.total_size,
        {**checkpoint.metadata, "tensors of the optimizer, left out": str(len(checkpoint.tensors) - len(kept))},
    )  # fmt: skip


def _facts_by_file(checkpoint: Checkpoint, paths: Sequence[str]) -> set[tuple[int, str]]:
    files = [paths.index(path) for path in checkpoint.paths]
    return {(files[o], fact(tensor)) for o, tensor in zip(checkpoint.owners, checkpoint.tensors, strict=True)}


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Pair each left checkpoint with the best of each candidate; what the right explains becomes evidence."""
    texts = dict.fromkeys(left.details["texts"])
    bits = bits_of(tuple(texts), context.names["attributes"])
    keys = text_keys(texts)
    order = np.argsort(keys, kind="stable")
    weights = np.array([bits[text] for text in texts], np.float64)
    explained = explain(
        keys[order], weights[order], context.background.stock_bits, [(c.role, c.profile.facts.keys) for c in candidates]
    )
    pairs = {c.name: _best(left, c.profile) for c in candidates}
    evidence: list[Evidence] = []
    for candidate in candidates:
        if candidate.role != "right":
            continue
        others = [(c, pairs[c.name]) for c in candidates if c.role != "right"]
        for number, pair in enumerate(pairs[candidate.name]):
            rivals = [(c, found[number]) for c, found in others]
            finding = _finding(pair, rivals, explained, context) if pair else None
            evidence += [finding] if finding else []
        evidence += _equal(left, candidate, [c for c in candidates if c.role != "right"])
    evidence.sort(key=lambda finding: (-LEVELS.index(finding.level), finding.left[0].location.path, finding.id))
    sides = [("left", left), *((c.name, c.profile) for c in candidates)]
    return Findings(
        evidence=tuple(evidence),
        attribution=(),
        partition=explained.partition(),
        calibrated=Partition(),
        by_file={
            path: explained.partition(np.unique(left.facts.keys[left.facts.fragments == number]))
            for number, path in enumerate(left.details["paths"])
        },
        compared=tuple(_compared(name, profile) for name, profile in sides),
        skipped=tuple((name, skip) for name, profile in sides for skip in profile.skipped),
    )


def _compared(name: str, profile: Profile) -> Compared:
    return Compared(name, "tensors", len(profile.details["paths"]), 0, 0, len(profile.facts.keys))


# Which checkpoint goes with which


@dataclass(frozen=True, slots=True)
class _Pair:
    left: Checkpoint
    right: Checkpoint
    match: NameMatch

    @property
    def sure(self) -> float:
        """Mapped tensors of equal shape, or where shapes are not known equal names; a guess counts half."""
        counted = self.match.shapes_equal
        if any(all(tensor.shape is None for tensor in side.tensors) for side in (self.left, self.right)):
            counted = self.match.same_names
        return counted - len(self.match.ambiguous) / 2

    @property
    def rank(self) -> tuple[float, int, int]:
        return self.sure, -len(self.match.rules), -len(self.match.right_over)


@dataclass(frozen=True, slots=True)
class _Outline:
    """What tells quickly whether two checkpoints can have much in common."""

    names: frozenset[str]
    shapes: Counter[tuple[int, ...] | None]


def _outlines(profile: Profile) -> list[_Outline]:
    found: Sequence[Checkpoint] = profile.details["checkpoints"]
    return [_Outline(frozenset(t.name for t in c.tensors), Counter(t.shape for t in c.tensors)) for c in found]


def _best(left: Profile, right: Profile) -> list[_Pair | None]:
    """For each left checkpoint the one of a candidate that explains it best."""
    theirs: Sequence[Checkpoint] = right.details["checkpoints"]
    others = _outlines(right)
    best = []
    for checkpoint, outline in zip(left.details["checkpoints"], _outlines(left), strict=True):
        alike = [sum((outline.shapes & other.shapes).values()) + len(outline.names & other.names) for other in others]
        sizes = [abs(len(other.names) - len(outline.names)) for other in others]
        order = sorted((place for place in range(len(others)) if alike[place]), key=lambda p: (-alike[p], sizes[p], p))
        tried = (theirs[place] for place in order[:TRIED])
        pairs = [_Pair(checkpoint, other, match_names(checkpoint.tensors, other.tensors)) for other in tried]
        best.append(max(pairs, key=lambda pair: pair.rank, default=None))
    return best


def _finding(
    pair: _Pair, rivals: Sequence[tuple[Profiled, _Pair | None]], explained: Explained, context: Context
) -> Evidence | None:
    """The pair as evidence; None where too little of the smaller checkpoint is mapped."""
    left, right, match = pair.left, pair.right, pair.match
    if pair.sure < LEAST_MAPPED * min(len(left.tensors), len(right.tensors)):
        return None
    elsewhere = next(((c, other) for c, other in rivals if other is not None and _as_good(other, pair)), None)
    rare = _rare(pair, [candidate.profile for candidate, _ in rivals], context.names["attributes"])
    level: Level = "none" if elsewhere else "moderate" if len(rare) >= DISTINCTIVE else "weak"
    reason = sentence(left.tensors, right.tensors, match)
    if elsewhere is not None:
        candidate, other = elsewhere
        role = "the ancestor" if candidate.role == "ancestor" else "the claimed source"
        reason += (
            f"; {role} {candidate.name} explains it as well: {sentence(left.tensors, other.right.tensors, other.match)}"
        )
    elif level == "moderate":
        folders = context.names["attributes"].folders
        some = ", ".join(plain(name[:60]) for name in rare[:8])
        reason += f"; both have {len(rare)} module names that none of {folders:,} public model folders has: {some}"
    else:
        reason += "; names and shapes show an architecture, which strangers may share, and no weights"
    places = _places(left), _places(right)
    return Evidence(
        id=finding_id("tensors", *places),
        kind="tensors",
        claim=f"the tensors of {left.label} are those of {right.label} by {'name' if not match.rules else 'other names'} and shape",
        stance="context" if level == "none" else "for",
        level=level,
        left=places[0],
        right=places[1],
        measures=measures(
            _amounts(pair, explained, context.names["attributes"]), len(left.tensors), len(right.tensors), match
        ),
        method=METHOD,
        reason=reason,
        renames=tuple((left.tensors[one].name, right.tensors[other].name) for one, other in match.mapping[:MAX_RENAMES]),
        tables=tables(left.tensors, right.tensors, match, (_context(left), _context(right))),
    )  # fmt: skip


def _as_good(other: _Pair, pair: _Pair) -> bool:
    """Whether another candidate explains the left checkpoint about as well: as many tensors, as many under their own names."""
    return other.sure >= AS_GOOD * pair.sure and other.match.same_names >= AS_GOOD * pair.match.same_names


def _rare(pair: _Pair, rivals: Sequence[Profile], attributes: Shares) -> list[str]:
    """Module names of both sides that no public model folder has, and no ancestor or claimed source."""
    if "GGUF" in (*pair.left.formats, *pair.right.formats):
        return []  # its names are those of the program that converts
    explained = {
        s for rival in rivals for c in rival.details["checkpoints"] for t in c.tensors for s in t.name.split(".")
    }
    pairs = ((pair.left.tensors[one], pair.right.tensors[other]) for one, other in pair.match.mapping)
    return distinctive(pairs, explained, attributes)


def _amounts(pair: _Pair, explained: Explained, attributes: Shares) -> Amounts:
    ours, theirs = ({fact(tensor): None for tensor in side.tensors} for side in (pair.left, pair.right))
    bits = bits_of([*ours, *theirs], attributes)
    shared = [text for text in ours if text in theirs]
    places = np.searchsorted(explained.keys, text_keys(shared))
    attributable = (explained.parts[places] == PARTS.index("attributable")).tolist()
    return Amounts(
        left=sum(bits[text] for text in ours),
        right=sum(bits[text] for text in theirs),
        shared=sum(bits[text] for text in shared),
        attributable=sum(bits[text] for text, its in zip(shared, attributable, strict=True) if its),
        counts=(len(ours), len(theirs), len(shared)),
    )


def _places(checkpoint: Checkpoint) -> tuple[Place, ...]:
    return tuple(Place(Location(path)) for path in checkpoint.paths[:MAX_PLACES])


def _context(checkpoint: Checkpoint) -> Side:
    sizes = [bytes_of(t.dtype, t.shape) if t.shape is not None else None for t in checkpoint.tensors]
    known = [size for size in sizes if size is not None]
    return {
        "format": ", ".join(checkpoint.formats),
        "tensors": len(checkpoint.tensors),
        "bytes of tensors": sum(known) if len(known) == len(sizes) else None,
        "total_size in the index": checkpoint.total_size,
        "shards": checkpoint.shards if checkpoint.shards == checkpoint.expected else f"{checkpoint.shards} of {checkpoint.expected}",
        **{f"tensors of type {name}": count for name, count in dtypes(checkpoint.tensors).items()},
        **{f"metadata: {name}": text for name, text in [*checkpoint.metadata.items()][:20]},
    }  # fmt: skip


# Files that are the same, byte for byte


def _equal(left: Profile, right: Profiled, rivals: Sequence[Profiled]) -> list[Evidence]:
    """One finding for each left file of tensors that the right has as well."""
    theirs = _by_digest(right.profile)
    found = []
    for content in left.details["contents"]:
        other = theirs.get(content.sha256)
        if other is None or content.size < LEAST_EQUAL:
            continue
        holder = next((rival for rival in rivals if content.sha256 in _by_digest(rival.profile)), None)
        places = (Place(Location(content.path)),), (Place(Location(other.path)),)
        same = f"SHA-256 {content.sha256[:12]}…, {content.size:,} bytes on both sides"
        found.append(
            Evidence(
                id=finding_id("tensors", [Place(Location(content.path, pointer="sha256"))], places[1]),
                kind="tensors",
                claim=f"{content.path} is {other.path}, byte for byte",
                stance="context" if holder else "for",
                level="none" if holder else "strong",
                left=places[0],
                right=places[1],
                measures=tuple(
                    Measure(name, 1.0, "fraction", meaning)
                    for name, meaning in (
                        (
                            "similarity",
                            "bits of the names with shape and type that both have, in those of both together",
                        ),
                        (
                            "containment_left",
                            "share of the bits of the left names, with shape and type, that is found right",
                        ),
                        (
                            "containment_right",
                            "share of the bits of the right names, with shape and type, that is found left",
                        ),
                    )
                ),
                method=METHOD,
                reason=f"the same file: {same}" + (f"; {holder.name} ({holder.role}) has it as well" if holder else ""),
            )
        )
    return found


def _by_digest(profile: Profile) -> Mapping[str, _Content]:
    contents: Sequence[_Content] = profile.details["contents"]
    return {content.sha256: content for content in reversed(contents)}
