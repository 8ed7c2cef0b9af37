"""Tensors: which tensors of the left repository's checkpoints are those of the right one's, under whatever names.

Names and shapes show an architecture, which many share openly: whoever builds the same model anew has them too. So they reach
`weak`, and `moderate` only with several module names that no public model folder has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from codeclone.attribution import Explained, Item, attributed, explained_items
from codeclone.background import Shares, text_keys
from codeclone.evidence import (
    Context,
    Findings,
    Profiled,
    explaining,
    facts_of_data,
    finding_id,
    right_of,
    roles,
    same_figures,
    sides,
    skipped,
    strongest_first,
    weights_of,
    whole_controls,
)
from codeclone.match import tensor_sources
from codeclone.match.tensor_content import Beginnings
from codeclone.match.tensor_pairs import Pair, best_pairs, is_as_good
from codeclone.match.tensor_rarity import bits_of, distinctive, fact
from codeclone.match.tensor_showing import Amounts, Side, likeness, measures, sentence, tables
from codeclone.model import (
    PARTS,
    Checkpoint,
    Compared,
    Control,
    Evidence,
    Level,
    Location,
    Measure,
    Method,
    Place,
    Profile,
    Snapshot,
)
from codeclone.plain import plain
from codeclone.read.checkpoints import dtypes
from codeclone.read.repository_tensors import Content, read_repository
from codeclone.read.sizes import bytes_of
from codeclone.read.tensors import reads as reads_tensors

TITLE = "Tensor names and shapes"
VERSION = 1

LEAST_MAPPED = 0.5
"""Of the smaller checkpoint's tensors; a guess counts half. Two architectures of the same widths share up to this."""

DISTINCTIVE = 12
"""Module names in tensors that map onto each other, unchanged, that none of the public model folders behind
data/stock_names.npz has: from so many on the finding is moderate. Names of well-known projects outside that table have up to ten
(FLUX; the first Stable Diffusion nine, Segment Anything six; LLaMA, OpenCLIP, Whisper, Mamba, RWKV and Megatron at most three), and
samples/lookalike, which follows the published description of samples/original, has four."""

LEAST_EQUAL = 1000
"""Bytes of a file that is the same on both sides: smaller ones hold next to nothing."""

MAX_RENAMES, MAX_PLACES = 50_000, 50
"""Of one finding: pairs of tensor names, and files of a side, that are listed."""

METHOD = Method(
    "tensor names under the fewest rewrite rules with equal shapes",
    {"least_mapped": LEAST_MAPPED, "distinctive": DISTINCTIVE},
    "greedy set covering (Chvatal 1979); fewest rules, then fewest characters (Rissanen 1978)",
)


def reads(path: str) -> bool:
    """Whether a file may hold tensors, by its suffix."""
    return reads_tensors(path)


def profile(snapshot: Snapshot) -> Profile:
    """Read the head of every file of tensors."""
    read = read_repository(snapshot)
    paths = sorted({path for checkpoint in read.checkpoints for path in checkpoint.paths})
    texts = sorted({both for checkpoint in read.checkpoints for both in _facts_by_file(checkpoint, paths)})
    return Profile(
        kind="tensors",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=facts_of_data(text_keys(text for _, text in texts), [file for file, _ in texts]),
        fragments=(),
        details={
            "checkpoints": read.checkpoints,
            "contents": read.contents,
            "paths": tuple(paths),
            "texts": tuple(t for _, t in texts),
            "beginnings": read.beginnings,
        },
        skipped=read.skipped,
    )


def _facts_by_file(checkpoint: Checkpoint, paths: Sequence[str]) -> set[tuple[int, str]]:
    files = [paths.index(path) for path in checkpoint.paths]
    return {(files[o], fact(tensor)) for o, tensor in zip(checkpoint.owners, checkpoint.tensors, strict=True)}


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Pair each left checkpoint with the best of each candidate; what the right explains becomes evidence."""
    right, others = right_of(candidates), explaining(candidates)
    bits = _bits(left, context)
    weights = weights_of(bits, context.background.stock_bits)
    known = {c.name: c.profile.facts.keys for c in candidates}
    explained = weights.explained(roles(candidates), known)
    mine = _with_beginnings(left)
    pairs = {c.name: best_pairs(mine, _with_beginnings(c.profile)) for c in candidates}
    evidence = _equal(left, right, others)
    for number, pair in enumerate(pairs[right.name]):
        rivals = [(other, pairs[other.name][number]) for other in others]
        finding = _finding(pair, rivals, explained, context) if pair else None
        if pair is not None and finding is not None:
            evidence.append(replace(finding, controls=_controls(finding, pair, right, rivals, context)))
    evidence.sort(key=lambda finding: (finding.left[0].location.path, finding.id))
    items = _items(left, candidates, pairs, bits, context.background.stock_bits)
    shares = weights.held(known)
    theirs = weights_of(_bits(right.profile, context), context.background.stock_bits)
    return Findings(
        evidence=strongest_first(evidence),
        attribution=attributed("tensors", items, roles(candidates)),
        explanations=explained_items("tensors", items, roles(candidates), shares),
        controls=whole_controls(
            TITLE, candidates, shares, theirs.held({other.name: known[other.name] for other in others})
        ),
        partition=explained.partition(),
        by_file={
            path: explained.partition(np.unique(left.facts.keys[left.facts.fragments == number]))
            for number, path in enumerate(left.details["paths"])
        },
        compared=tuple(_compared(name, profile) for name, profile in sides(left, candidates)),
        skipped=skipped(left, candidates),
    )


# Who explains what


def _bits(one: Profile, context: Context) -> dict[str, float]:
    """Of each distinct fact of a side."""
    return bits_of(tuple(dict.fromkeys(one.details["texts"])), context.names["attributes"])


def _items(
    left: Profile,
    candidates: Sequence[Profiled],
    pairs: Mapping[str, Sequence[Pair | None]],
    bits: Mapping[str, float],
    stock_bits: float,
) -> list[Item]:
    """Every left tensor. One under another name counts as much as one whose name alone is found: names are half of it."""
    anywhere = {c.name: tensor_sources.anywhere(c.profile.details["checkpoints"]) for c in candidates}
    items = []
    for number, checkpoint in enumerate(left.details["checkpoints"]):
        mapped = {name: tensor_sources.mapped(its[number]) for name, its in pairs.items()}
        for at, tensor in enumerate(checkpoint.tensors):
            text = fact(tensor)
            found = {
                name: source
                for name in anywhere
                if (source := tensor_sources.better(mapped[name].get(at), anywhere[name].get(text)))
            }
            items.append(Item(tensor_sources.place(checkpoint, at), bits[text] >= stock_bits, found))
    return items


def _controls(
    finding: Evidence,
    pair: Pair,
    right: Profiled,
    rivals: Sequence[tuple[Profiled, Pair | None]],
    context: Context,
) -> tuple[Control, ...]:
    """The finding's measures for both checkpoints with the best of every other candidate."""
    theirs = [both for both in _with_beginnings(right.profile) if both[0] is pair.right]
    sides = [
        its
        for other, of_left in rivals
        for of_right in best_pairs(theirs, _with_beginnings(other.profile))
        for its in ((f"left ~ {other.name}", of_left), (f"right ~ {other.name}", of_right))
    ]
    figures = ((name, _figures(found, None, context) if found else None) for name, found in sides)
    return same_figures(finding.measures, figures)


def _compared(name: str, profile: Profile) -> Compared:
    contents: Sequence[Content] = profile.details["contents"]
    paths = {*profile.details["paths"], *(content.path for content in contents)}
    return Compared(name, "tensors", len(paths), 0, 0, len(profile.facts.keys) or len(contents))


def _with_beginnings(profile: Profile) -> list[tuple[Checkpoint, Beginnings]]:
    return [*zip(profile.details["checkpoints"], profile.details["beginnings"], strict=True)]


# What is found


def _finding(
    pair: Pair, rivals: Sequence[tuple[Profiled, Pair | None]], explained: Explained, context: Context
) -> Evidence | None:
    """The pair as evidence; None where too little of the smaller checkpoint is mapped."""
    left, right, match = pair.left, pair.right, pair.match
    if pair.sure < LEAST_MAPPED * min(len(left.tensors), len(right.tensors)):
        return None
    elsewhere = next(((c, other) for c, other in rivals if other is not None and is_as_good(other, pair)), None)
    rare = _rare(pair, [candidate.profile for candidate, _ in rivals], context.names["attributes"])
    level: Level = "none" if elsewhere else "moderate" if len(rare) >= DISTINCTIVE else "weak"
    reason = sentence(left.tensors, right.tensors, match)
    if elsewhere is not None:
        candidate, other = elsewhere
        how = sentence(left.tensors, other.right.tensors, other.match)
        reason += f"; {candidate.told} explains it as well: {how}"
    elif level == "moderate":
        folders = context.names["attributes"].folders
        some = ", ".join(plain(name[:60]) for name in rare[:8])
        reason += f"; both have {len(rare)} module names that none of {folders:,} public model folders has: {some}"
    else:
        reason += "; names and shapes show the architecture, which strangers may share, and nothing of the weights"
    places = _places(left), _places(right)
    return Evidence(
        id=finding_id("tensors", *places),
        kind="tensors",
        claim=f"the tensors of {left.label} are those of {right.label} by {'name' if not match.rules else 'other names'} and shape",
        stance="context" if level == "none" else "for",
        level=level,
        left=places[0],
        right=places[1],
        measures=_figures(pair, explained, context),
        method=METHOD,
        reason=reason,
        renames=tuple((left.tensors[one].name, right.tensors[other].name) for one, other in match.mapping[:MAX_RENAMES]),
        tables=tables(left.tensors, right.tensors, match, pair.alike, (_context(left), _context(right))),
    )  # fmt: skip


def _rare(pair: Pair, rivals: Sequence[Profile], attributes: Shares) -> list[str]:
    """Module names of both sides that no public model folder has, and no ancestor or claimed source."""
    if "GGUF" in (*pair.left.formats, *pair.right.formats):
        return []  # its names are those of the program that converts
    explained = {
        s for rival in rivals for c in rival.details["checkpoints"] for t in c.tensors for s in t.name.split(".")
    }
    pairs = ((pair.left.tensors[one], pair.right.tensors[other]) for one, other in pair.match.mapping)
    return distinctive(pairs, explained, attributes)


def _figures(pair: Pair, explained: Explained | None, context: Context) -> tuple[Measure, ...]:
    amounts = _amounts(pair, explained, context.names["attributes"])
    return measures(amounts, len(pair.left.tensors), len(pair.right.tensors), pair.match)


def _amounts(pair: Pair, explained: Explained | None, attributes: Shares) -> Amounts:
    """`explained`: of the left repository; None where nothing is attributable."""
    ours, theirs = ({fact(tensor): None for tensor in side.tensors} for side in (pair.left, pair.right))
    bits = bits_of([*ours, *theirs], attributes)
    shared = [text for text in ours if text in theirs]
    attributable = [False] * len(shared)
    if explained is not None:
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
    held = [(rival, _by_digest(rival.profile)) for rival in rivals]
    found = []
    for content in left.details["contents"]:
        other = theirs.get(content.sha256)
        if other is None or content.size < LEAST_EQUAL:
            continue
        holder = next((rival for rival, its in held if content.sha256 in its), None)
        places = (Place(Location(content.path)),), (Place(Location(other.path)),)
        same = f"SHA-256 {content.sha256[:12]}…, {content.size:,} bytes on both sides"
        found.append(
            Evidence(
                id=finding_id("tensors", [Place(Location(content.path, pointer="sha256"))], places[1]),
                kind="tensors",
                claim=f"{content.path} is {other.path}, byte for byte",
                stance="context" if holder else "for",
                level="none" if holder else "moderate",
                left=places[0],
                right=places[1],
                measures=likeness(1.0, 1.0, 1.0),
                method=METHOD,
                reason=f"the same file: {same}" + (f"; {holder.told} has it as well" if holder else ""),
            )
        )
    return found


def _by_digest(profile: Profile) -> Mapping[str, Content]:
    contents: Sequence[Content] = profile.details["contents"]
    return {content.sha256: content for content in reversed(contents)}
