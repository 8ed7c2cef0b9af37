"""Configuration: which settings of the left repository have the values of the right one's, whatever they are called."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codeclone.attribution import Explained, explain
from codeclone.background import Shares, text_keys
from codeclone.evidence import Context, Findings, Profiled, finding_id
from codeclone.match.likelihood import STOPPED, Ratio, Weighed, chance, ratio, weigh
from codeclone.match.settings import compare as compare_settings
from codeclone.model import (
    LEVELS,
    OPS,
    Compared,
    Evidence,
    Facts,
    Level,
    Location,
    Measure,
    Method,
    Op,
    Partition,
    Place,
    Profile,
    Skipped,
    Snapshot,
    Table,
    TableRow,
)
from codeclone.parse.documents import Document, documents, is_json
from codeclone.plain import plain
from codeclone.read.tensors import read_tensors
from codeclone.read.tensors import reads as reads_tensors

TITLE = "Configuration"
VERSION = 1

WEAK, MODERATE, GROUPS = 1.0, 4.0, 3
"""Decades of the likelihood ratio (a factor of ten, of ten thousand), and the independent groups of settings that have to agree
for `moderate`. docs/calibration.md has how often strangers reach them."""

CANDIDATES = 4
"""Right documents that are compared setting by setting with a left one: those that share most rare settings and values."""

HOLDERS = 50
"""Right documents by which a setting or value leads to the candidates: of one that more have, the first."""

NAMESAKE = 3.0
"""Decades by which another document must agree better than the one of the same name: readers look for that one first."""

TYPES = ("model_type", "architectures", "_class_name", "architecture", "image_processor_type", "feature_extractor_type")
"""Settings that name what is configured."""

PUBLIC_KEYS = {
    "pooling_mode_mean_tokens": "sentence-transformers",
    "zero_optimization": "DeepSpeed",
    "stage3_gather_16bit_weights_on_model_save": "DeepSpeed",
    "zero_force_ds_cpu_optimizer": "DeepSpeed",
    "peft_type": "PEFT",
    "_diffusers_version": "diffusers",
    "first_conv": "timm",
    "pretrained_cfg": "timm",
}
"""Settings that only files of these libraries have: their other keys are the library's, and many of their values as well."""

ONE_DRAW = {"generation_config.json": "sampling"}
"""Files whose settings are chosen together, as those of sampling are."""

MAX_ROWS = 400
"""Of a table; the rest is counted."""

MAX_VALUE = 120
"""Characters of a value that are shown."""

METHOD = Method(
    "settings compared as key paths and values, weighed by how few public model folders have them",
    {"weak": WEAK, "moderate": MODERATE, "groups": GROUPS},
    "likelihood ratio for discrete features with one draw for each dependent group (docs/statistics.md, configuration)",
)


def reads(path: str) -> bool:
    """Whether a file can hold settings, by its name."""
    return is_json(path) or path.lower().endswith(".py")


def profile(snapshot: Snapshot) -> Profile:
    """Read every configuration and the defaults of every class that holds settings."""
    found, skipped = documents(snapshot)
    texts = [entry.text for document in found for entry in document.entries]
    places = [(number, place) for number, document in enumerate(found) for place in range(len(document.entries))]
    return Profile(
        kind="config",
        version=VERSION,
        snapshot_digest=snapshot.repository.digest,
        facts=Facts(
            keys=text_keys(texts),
            fragments=np.array([number for number, _ in places], np.int32),
            nodes=np.array([place for _, place in places], np.int32),
            depths=np.zeros(len(texts), np.uint8),
            readings=np.full(len(texts), 7, np.uint8),
        ),
        fragments=(),
        details={"documents": found, "implied": _implied(snapshot)},
        skipped=skipped,
    )


def _implied(snapshot: Snapshot) -> frozenset[int]:
    """Sizes that the repository's tensors have."""
    found: set[int] = set()
    for file in snapshot.files:
        if reads_tensors(file.path) and not isinstance(read := read_tensors(file), Skipped):
            found.update(size for tensor in read.tensors for size in tensor.shape or ())
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Paired:
    """A left document with the one of a candidate that explains it best."""

    left: Document
    right: Document
    weighed: tuple[Weighed, ...]
    ratio: Ratio

    @property
    def kept(self) -> tuple[Weighed, ...]:
        """Settings that are equal, under the same key or another."""
        return tuple(found for found in self.weighed if found.pairing.op in ("same", "renamed"))

    @property
    def rank(self) -> tuple[float, int]:
        namesake = self.left.role == self.right.role and self.left.qualname is None
        return self.ratio.decades + NAMESAKE * namesake, len(self.kept)


def compare(left: Profile, candidates: Sequence[Profiled], context: Context) -> Findings:
    """Pair each left document with the best of each candidate; what the right explains becomes evidence."""
    mine: tuple[Document, ...] = left.details["documents"]
    paired = {
        candidate.name: _paired(mine, candidate.profile.details["documents"], context.names, _both(left, candidate))
        for candidate in candidates
    }
    held = {candidate.name: _held(mine, candidate.profile, paired[candidate.name], context) for candidate in candidates}
    explained, keys = _explained(mine, candidates, held, context)
    evidence = [
        finding
        for candidate in candidates
        if candidate.role == "right"
        for number, pair in paired[candidate.name].items()
        if (finding := _finding(pair, _elsewhere(number, pair.left, candidates, held, paired), context.names))
        is not None
    ]
    evidence.sort(key=_order)
    sides = [("left", left), *((candidate.name, candidate.profile) for candidate in candidates)]
    return Findings(
        evidence=tuple(evidence),
        attribution=(),
        partition=explained.partition(),
        calibrated=Partition(),
        by_file={path: explained.partition(np.unique(found)) for path, found in keys.items()},
        compared=tuple(_compared(name, profile) for name, profile in sides),
        skipped=tuple((name, skip) for name, profile in sides for skip in profile.skipped),
    )


def _both(left: Profile, candidate: Profiled) -> frozenset[int]:
    implied: frozenset[int] = left.details["implied"] & candidate.profile.details["implied"]
    return implied


def _compared(name: str, profile: Profile) -> Compared:
    paths = {document.path for document in profile.details["documents"]}
    return Compared(name, "config", len(paths), 0, 0, len(profile.facts.keys))


# Which document goes with which


def _paired(
    mine: Sequence[Document], theirs: Sequence[Document], names: Mapping[str, Shares], implied: frozenset[int]
) -> dict[int, _Paired]:
    """Index of a left document -> its best partner, where any has something in common with it."""
    texts = _index(theirs, lambda document: (entry.text for entry in document.entries))
    values = _index(theirs, lambda document: (entry.written for entry in document.entries))
    rare = _rare({*texts, *values} & {t for d in mine for e in d.entries for t in (e.text, e.written)}, names)
    namesakes = _index(theirs, _called)
    best = {}
    for number, document in enumerate(mine):
        scores: dict[int, float] = defaultdict(float)
        for entry in document.entries:
            for text, index in ((entry.text, texts), (entry.written, values)):
                for other in index.get(text, ())[:HOLDERS] if text in rare else ():
                    scores[other] += rare[text]
        called = _called(document)
        named = {other for name in called for other in namesakes.get(name, ())[:HOLDERS]}
        for other in sorted({*scores, *named}):
            scores[other] += sum(name in called for name in _called(theirs[other]))
        options = sorted(scores, key=lambda other: (-scores[other], other))[:CANDIDATES]
        pairs = [_pair(document, theirs[other], names, implied) for other in options]
        if pairs:
            best[number] = max(pairs, key=lambda pair: pair.rank)
    return best


def _called(document: Document) -> tuple[str, ...]:
    """What a document is called: by its place, and a file by its name alone."""
    place = f"{document.path}#{document.qualname or ''}"
    return (place,) if document.qualname is not None else (place, document.role)


def _index(found: Sequence[Document], texts_of) -> dict[str, list[int]]:  # type: ignore[no-untyped-def]
    index: dict[str, list[int]] = defaultdict(list)
    for number, document in enumerate(found):
        for text in dict.fromkeys(texts_of(document)):
            index[text].append(number)
    return index


def _rare(texts: Iterable[str], names: Mapping[str, Shares]) -> dict[str, float]:
    """Settings and values that fewer than one public model folder in 16 has, with their bits."""
    listed = sorted(texts)
    bits = np.where(
        ["=" in text for text in listed], names["settings"].bits(listed), names["values"].bits(listed)
    ).tolist()
    return {text: value for text, value in zip(listed, bits, strict=True) if value >= 4.0}


def _pair(left: Document, right: Document, names: Mapping[str, Shares], implied: frozenset[int]) -> _Paired:
    values = [entry.written for entry in left.entries]
    bits = dict(zip(values, names["values"].bits(values).tolist(), strict=True))
    pairings = compare_settings(left.entries, right.entries, bits)
    weighed = tuple(weigh(left.entries, right.entries, pairings, names, implied, ONE_DRAW.get(left.role, "")))
    return _Paired(left, right, weighed, ratio(weighed))


# Who explains what


def _held(
    mine: Sequence[Document], candidate: Profile, paired: Mapping[int, _Paired], context: Context
) -> frozenset[str]:
    """Settings of the left, as `key=value`, that a candidate has, under that key or, where the value tells, another."""
    theirs = {entry.text for document in candidate.details["documents"] for entry in document.entries}
    found = {entry.text for document in mine for entry in document.entries if entry.text in theirs}
    for pair in paired.values():
        renamed = [w.pairing.left for w in pair.weighed if w.pairing.op == "renamed" and w.pairing.left is not None]
        entries = [pair.left.entries[place] for place in renamed]
        bits = context.names["values"].bits([entry.written for entry in entries]).tolist()
        found |= {e.text for e, b in zip(entries, bits, strict=True) if b >= context.background.stock_bits}
    return frozenset(found)


def _elsewhere(
    number: int,
    document: Document,
    candidates: Sequence[Profiled],
    held: Mapping[str, frozenset[str]],
    paired: Mapping[str, Mapping[int, _Paired]],
) -> dict[str, str]:
    """Settings of a left document that an ancestor or a claimed source has, with its name: also under another key."""
    found: dict[str, str] = {}
    for candidate in sorted(candidates, key=lambda c: (c.role, c.name), reverse=True):
        if candidate.role != "right":
            best = paired[candidate.name].get(number)
            kept = (
                {document.entries[w.pairing.left].text for w in best.kept if w.pairing.left is not None}
                if best
                else set()
            )
            name = f"{candidate.name} ({'ancestor' if candidate.role == 'ancestor' else 'claimed source'})"
            found |= {e.text: name for e in document.entries if e.text in held[candidate.name] or e.text in kept}
    return found


def _explained(
    mine: Sequence[Document], candidates: Sequence[Profiled], held: Mapping[str, frozenset[str]], context: Context
) -> tuple[Explained, dict[str, np.ndarray]]:
    """Who explains each distinct setting of the left; keys of the settings of each file."""
    found = {entry.text: entry for document in mine for entry in document.entries}
    texts = list(found)
    odds = np.array(chance(texts, [found[text].key for text in texts], context.names) or [1.0])[: len(texts)]
    weightless = [
        any(name in STOPPED for name in found[text].path) or found[text].value in (None, "", [], {}) for text in texts
    ]
    bits = np.where(weightless, 0.0, -np.log2(odds))
    keys, first = np.unique(text_keys(texts), return_index=True)
    explained = explain(
        keys,
        bits[first],
        context.background.stock_bits,
        [(candidate.role, text_keys(sorted(held[candidate.name]))) for candidate in candidates],
    )
    by_file: dict[str, list[str]] = defaultdict(list)
    for document in mine:
        by_file[document.path].extend(entry.text for entry in document.entries)
    return explained, {path: text_keys(some) for path, some in by_file.items()}


# What is shown


def _finding(pair: _Paired, elsewhere: Mapping[str, str], names: Mapping[str, Shares]) -> Evidence | None:
    """The finding about two documents; None for classes that have nothing to show."""
    weighed = tuple(_without(found, pair.left, elsewhere) for found in pair.weighed)
    total = ratio(weighed)
    public = _public_type(pair, names)
    level: Level = _level(total) if not public else min(_level(total), "weak", key=LEVELS.index)
    if level == "none" and (pair.left.qualname is not None or pair.left.role != pair.right.role):
        return None
    counts = Counter(found.pairing.op for found in weighed)
    explained = sum(found.why.startswith("explained") for found in weighed)
    kept = counts["same"] + counts["renamed"]
    left, right = _place(pair.left), _place(pair.right)
    bits = -np.log2(chance([e.text for e in pair.left.entries], [e.key for e in pair.left.entries], names))
    shared = sum(
        float(bits[f.pairing.left]) for f in weighed if f.pairing.left is not None and f.group and f.decades > 0
    )
    return Evidence(
        id=finding_id("config", [left], [right]),
        kind="config",
        claim=f"the settings of {_name(pair.left)} are those of {_name(pair.right)}",
        stance="context" if level == "none" else "for",
        level=level,
        left=(left,),
        right=(right,),
        measures=(
            Measure("similarity", _share(kept, len(weighed)), "fraction", "settings with the same value in the settings of both"),
            Measure("containment_left", _share(kept, len(pair.left.entries)), "fraction",
                    "share of the left settings that the right has with the same value"),
            Measure("containment_right", _share(kept, len(pair.right.entries)), "fraction",
                    "share of the right settings that the left has with the same value"),
            Measure("attributable_bits", shared, "bits", "of the settings that agree, weigh and are not explained"),
            Measure("decades", total.decades, "powers of ten",
                    "how much likelier such agreement is if one was made from the other, dependent settings counted once"),
            Measure("agreeing_groups", total.for_it, "groups", "independent groups of settings that agree on something rare"),
            Measure("differing_groups", total.against_it, "groups", "independent groups of settings that differ"),
        ),
        method=METHOD,
        reason=_reason(counts, total, explained) + _told_public(public),
        renames=tuple(
            (_path(pair.left, found.pairing.left), _path(pair.right, found.pairing.right))
            for found in weighed
            if found.pairing.op == "renamed"
        ),
        tables=(_table(pair, weighed),),
    )  # fmt: skip


def _public_type(pair: _Paired, names: Mapping[str, Shares]) -> str:
    """What both documents say that they configure, where that is public; empty where it is not, or where they differ."""
    ours, theirs = ({e.path: e for e in side.entries} for side in (pair.left, pair.right))
    for path, entry in ours.items():
        if path not in theirs or theirs[path].written != entry.written:
            continue
        written_by = next((PUBLIC_KEYS[name] for name in path if name in PUBLIC_KEYS), "")
        if written_by:
            return f"a file of {written_by}"
        if len(path) > 1 or path[0] not in TYPES:
            continue
        values = [str(v) for v in (entry.value if isinstance(entry.value, list) else [entry.value])][:5]
        named = path[0] == "model_type" and names["settings"].held_by([entry.text]).any()
        if named or names["definitions"].held_by(values).any():
            return plain(values[0][:MAX_VALUE])
    return ""


def _told_public(public: str) -> str:
    if not public:
        return ""
    return (
        f"; both configure {public}, which is public: all that are made from one public checkpoint of it share its "
        "settings, and which public ones have these is not known here, so this stays at weak"
    )


def _without(found: Weighed, document: Document, elsewhere: Mapping[str, str]) -> Weighed:
    """The same, weightless where an ancestor or a claimed source has the setting."""
    place = found.pairing.left
    name = elsewhere.get(document.entries[place].text) if place is not None else None
    if name is None or found.decades <= 0:
        return found
    return Weighed(found.pairing, "", 0.0, f"explained by {name}")


def _level(total: Ratio) -> Level:
    if total.decades >= MODERATE and total.for_it >= GROUPS:
        return "moderate"
    return "weak" if total.decades >= WEAK and total.for_it else "none"


def _reason(counts: Mapping[Op, int], total: Ratio, explained: int) -> str:
    told = {
        "same": "{} equal",
        "renamed": "{} under another key with the same value in the same place",
        "edited": "{} with another value",
        "only_left": "{} only on the left",
        "only_right": "{} only on the right",
    }
    parts = ", ".join(told[op].format(f"{counts[op]:,}") for op in OPS if counts[op])
    groups = "group" if total.for_it == 1 else "groups"
    weight = (
        f"the agreement in {total.for_it} independent {groups} of rare settings is {_factor(total.decades)} likelier where "
        "one was made from the other, or both from one source, than between strangers"
        if total.for_it and total.decades > 0
        else "nothing of what agrees is rare enough to tell"
    )
    ending = f"; {explained:,} are explained by an ancestor or a claimed source and not counted" if explained else ""
    return f"of the settings {parts}: {weight}{ending}"


def _factor(decades: float) -> str:
    return f"about {10**decades:,.0f} times" if decades < 5.95 else "at least a million times"


def _table(pair: _Paired, weighed: Sequence[Weighed]) -> Table:
    order = {"renamed": 0, "same": 0, "edited": 1, "only_left": 2, "only_right": 3}
    ranked = sorted(
        range(len(weighed)), key=lambda place: (-weighed[place].decades, order[weighed[place].pairing.op], place)
    )
    rows = tuple(_row(pair, weighed[place]) for place in ranked[:MAX_ROWS])
    columns = ("left key", "left value", "right key", "right value", "counted with")
    return Table("Settings side by side", columns, rows, max(0, len(weighed) - MAX_ROWS))


def _row(pair: _Paired, found: Weighed) -> TableRow:
    mine, theirs = found.pairing.left, found.pairing.right
    return TableRow(
        found.pairing.op,
        (
            _path(pair.left, mine) if mine is not None else None,
            _value(pair.left, mine) if mine is not None else None,
            _path(pair.right, theirs) if theirs is not None else None,
            _value(pair.right, theirs) if theirs is not None else None,
            found.group or None,
        ),
        found.why,
        round(max(0.0, found.decades) * float(np.log2(10)), 6),
    )


def _path(document: Document, place: int | None) -> str:
    return plain(".".join(document.entries[place].path)) if place is not None else ""


def _value(document: Document, place: int) -> str:
    text = plain(document.entries[place].written)
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"


def _place(document: Document) -> Place:
    return Place(Location(document.path, document.span), document.qualname)


def _name(document: Document) -> str:
    return plain(document.qualname or document.path)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _order(found: Evidence) -> tuple[int, bool, float, str, str]:
    """The strongest first, files of settings before defaults in code."""
    place = found.left[0]
    decades = next(measure.value for measure in found.measures if measure.name == "decades")
    return (
        -LEVELS.index(found.level), place.qualname is not None, -decades, place.location.path, place.qualname or "",
    )  # fmt: skip
