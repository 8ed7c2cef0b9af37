"""How much more likely it is that two documents of settings agree as they do if one was made from the other.

For each setting that both have: log10[((1 - CHANGED) + CHANGED p) / p] where the values are equal, log10 CHANGED where they
differ; p is how often two strangers would agree on it. What depends on each other is drawn once: sizes of the architecture with
rotary embeddings and ids of tokens, each object within the document, unknown keys with the same first word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone.background import LEAST_FOLDERS, Shares
from codeclone.match.decades import MOST
from codeclone.match.settings import Pairing
from codeclone.model import Op
from codeclone.parse.entries import Entry
from codeclone.plain import plain

CHANGED = 0.1
"""Share of the settings that someone who takes over a configuration changes."""

RARE_VALUE = 0.1
"""Of a key that few public model folders have, a value that is rare under any key is agreed on at least this often: the key may
have habits of its own."""

LEAST_GAIN = 1.0
"""Decades: a group that tells less is not counted. Many common settings that agree depend on each other in ways that no list of
groups knows of (the same library, the same size of model)."""

EXPLAINED = "explained by"
"""What `Weighed.why` begins with where an ancestor or a claimed source has the setting."""

STOPPED = frozenset(
    "torch_dtype dtype transformers_version architectures model_type _name_or_path auto_map _commit_hash "
    "_diffusers_version _class_name library_name task_specific_params id2label label2id keys_to_ignore_at_inference "
    "attribute_map sub_configs is_composition _auto_class base_model_tp_plan base_model_pp_plan __version__ "
    "base_model_name_or_path processor_class image_processor_type feature_extractor_type tokenizer_class".split()
)
"""Written by the library, or names of the model itself: they weigh nothing here. Class paths and names have a kind of
evidence of their own."""

ARCHITECTURE = "architecture"
"""The group of sizes, positions and ids of tokens: who builds on a public model takes all of them from it at once."""

_SIZES = re.compile(
    r"(?:^|_)(?:size|sizes|dims?|heads?|layers?|blocks?|depths?|width|widths|channels?|vocab|patch|patches|resolution|side|"
    r"length|len|num|nums|n|embed|window|stride|experts?|rank|ratio|k)(?:_|\d|$)"
)
_ROTARY = re.compile(r"rope|rotary|wavelength|max_position|context_len|theta")
_NORMALISATION = re.compile(r"mean|std")
_TOKEN_ID = re.compile(r"(?:token|_id|_ids|_index)(?:_ids?|_index)?$")


@dataclass(frozen=True, slots=True)
class Weighed:
    """One setting that both sides have, or that one lacks."""

    pairing: Pairing
    group: str
    """Settings of one group are drawn once; empty where the setting weighs nothing."""
    decades: float
    """log10 of its likelihood ratio, as if it were drawn alone."""
    why: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """What all settings of two documents come to."""

    decades: float
    """log10 of the likelihood ratio, at most `decades.MOST`."""
    for_it: int
    """Groups that agree."""
    against_it: int
    """Groups that differ."""


def chance(texts: Sequence[str], keys: Sequence[str], names: Mapping[str, Shares]) -> list[float]:
    """How often two strangers would agree on each `key=value`, with its key.

    The largest of: the share of model folders with that very setting; among the folders with that key, the share with that
    value (Laplace's rule: two projects that use one public class have its keys in common), or for a value that is rare under
    any key `RARE_VALUE` where that is less; what the background can show.
    """
    held, having = names["settings"].held_by(texts), names["keys"].held_by(keys)
    values = names["values"].shares([text.partition("=")[2] for text in texts])
    folders = max(names["settings"].folders, LEAST_FOLDERS)
    least = LEAST_FOLDERS / folders
    return [
        min(1.0, max(least, n / folders, min((n + 1) / (k + 2), max(RARE_VALUE, v)) if k else 0.0))
        for n, k, v in zip(held.tolist(), having.tolist(), values.tolist(), strict=True)
    ]


def weigh(
    left: Sequence[Entry],
    right: Sequence[Entry],
    pairings: Sequence[Pairing],
    names: Mapping[str, Shares],
    implied: frozenset[int] = frozenset(),
    one_group: str = "",
) -> list[Weighed]:
    """What each setting of two documents weighs. `implied`: sizes that the tensors of both sides have. `one_group`: what to
    call the only group, where all settings depend on each other."""
    mine = [left[p.left] if p.left is not None else right[p.right or 0] for p in pairings]
    equal = chance([entry.text for entry in mine], [entry.key for entry in mine], names)
    values = names["values"].shares([entry.written for entry in mine])
    known = names["keys"].held_by([entry.key for entry in mine])
    folders = names["settings"].folders
    families = _families(left, right, names)
    found = []
    for pairing, entry, p, value, keys in zip(pairings, mine, equal, values.tolist(), known.tolist(), strict=True):
        other = right[pairing.right] if pairing.right is not None else None
        reason = _weightless(entry, other, pairing.op, implied)
        if reason:
            found.append(Weighed(pairing, "", 0.0, reason))
            continue
        group = one_group or _group(entry, other, keys)
        if group == ARCHITECTURE and entry.section in families:
            why = f"not counted: both say that they are a {plain(families[entry.section])}, whose models share such settings"
            found.append(Weighed(pairing, "", 0.0, why))
            continue
        if pairing.op == "edited":
            found.append(Weighed(pairing, group, math.log10(CHANGED), "the value differs"))
        elif pairing.op == "renamed":
            why = f"the value is in {_share(value, folders)} of the public model folders, under any key"
            found.append(Weighed(pairing, group, _gain(value), why))
        else:
            why = (
                f"chance of agreeing {_share(p, folders)}, from {keys:,} public model folders with this key"
                if keys
                else f"no public model folder of {folders:,} has this key"
            )
            found.append(Weighed(pairing, group, _gain(p), why))
    return found


def _families(left: Sequence[Entry], right: Sequence[Entry], names: Mapping[str, Shares]) -> dict[tuple[str, ...], str]:
    """Objects of the left document -> the public model type that both sides give for them."""
    theirs = {entry.path: entry.value for entry in right if entry.key == "model_type"}
    same = [e for e in left if e.key == "model_type" and e.value and theirs.get(e.path) == e.value]
    public = names["settings"].held_by([entry.text for entry in same]).tolist()
    return {entry.section: str(entry.value)[:60] for entry, folders in zip(same, public, strict=True) if folders}


def _weightless(entry: Entry, other: Entry | None, op: Op, implied: frozenset[int]) -> str:
    """Why a setting weighs nothing; empty where it does."""
    if op in ("only_left", "only_right"):
        return "on one side only"
    if any(name in STOPPED for name in entry.path):
        return "not counted: written by the library, or a name"
    if entry.value in (None, "", [], {}) and (other is None or other.value in (None, "", [], {})):
        return "not counted: unset"
    is_size = isinstance(entry.value, int) and not isinstance(entry.value, bool)
    if op != "edited" and is_size and entry.value in implied:
        return "not counted: the shapes of the tensors imply it"
    return ""


def _gain(p: float) -> float:
    return math.log10(((1 - CHANGED) + CHANGED * p) / p)


def _share(p: float, folders: int) -> str:
    count = p * folders
    return f"at most {LEAST_FOLDERS} in {folders:,}" if count <= LEAST_FOLDERS else f"{p * 100:.1f} %"


def _group(entry: Entry, other: Entry | None, keys: int) -> str:
    names = {entry.key, *([other.key] if other else [])}
    whole = isinstance(entry.value, (int, list)) and not isinstance(entry.value, bool)
    is_number = isinstance(entry.value, (int, float, list)) and not isinstance(entry.value, bool)
    if is_number and any(_TOKEN_ID.search(name) or _ROTARY.search(name) for name in names):
        return ARCHITECTURE
    if whole and (any(_SIZES.search(name) for name in names) or _is_large(entry.value)):
        return ARCHITECTURE
    if is_number and any(_NORMALISATION.search(name) for name in names):
        return "normalisation"
    if entry.section:
        return "object " + "/".join(entry.section)
    return entry.key if keys else "unknown keys " + entry.key.partition("_")[0]


def _is_large(value: object) -> bool:
    """A whole number that is more likely to be a size than anything else, whatever its key is called."""
    return isinstance(value, int) and value >= 16


def ratio(weighed: Sequence[Weighed]) -> Ratio:
    """Each group once: the setting that tells most where at least as many agree as differ, else that they differ."""
    groups: dict[str, list[float]] = {}
    for found in weighed:
        if found.group:
            groups.setdefault(found.group, []).append(found.decades)
    total, agreeing, differing = 0.0, 0, 0
    for decades in groups.values():
        gains = [value for value in decades if value > 0]
        losses = [value for value in decades if value < 0]
        if len(gains) >= len(losses) and gains:
            if max(gains) >= LEAST_GAIN:
                total += max(gains)
                agreeing += 1
        elif losses:
            total += min(losses)
            differing += 1
    return Ratio(min(MOST, total), agreeing, differing)
