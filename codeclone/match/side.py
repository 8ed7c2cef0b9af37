"""One side of a comparison of code, with what is computed of it once."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from codeclone.match import align
from codeclone.match.scoring import FactSets, fact_sets
from codeclone.model import Facts, Fragment, FragmentKind, Profile
from codeclone.parse.fragments import Parsed

POOLS: tuple[FragmentKind, ...] = ("function", "class", "module")
"""Fragments are explained by fragments of their own kind."""

MAX_SURFACE = 20_000
"""Tokens of a fragment that its surface is told by."""


@dataclass(slots=True)
class Side:
    """Not frozen: surfaces are read when they are needed."""

    profile: Profile
    parsed: Parsed
    own: Facts
    columns: NDArray[np.int64]
    """Place of each of them among all facts of the comparison."""
    sets: FactSets
    """Facts of each fragment and of what is inside it."""
    pools: dict[str, NDArray[np.int64]]
    """Fragments of each kind."""
    alphabet: align.Alphabet
    surfaces: dict[int, str]
    children: dict[int, list[int]]
    """Fragments right inside each fragment."""
    headings: dict[int, str]
    bounds: NDArray[np.int64]
    """Own facts of fragment f are `bounds[f]` to `bounds[f + 1]`, exclusive."""

    def surface(self, fragment: int) -> str:
        """The surface of a fragment and what is inside it, as with its facts, written in the alphabet of the comparison."""
        if fragment not in self.surfaces:
            self.surfaces[fragment] = self._written(self.inside(fragment))
        return self.surfaces[fragment]

    def heading(self, module: int) -> str:
        """The part of a module's surface that stands outside functions: imports, constants and what heads its classes."""
        if module not in self.headings:
            fragments = self.profile.fragments
            outside = [inside for inside in self.inside(module) if fragments[inside].kind != "function"]
            self.headings[module] = self._written(outside)
        return self.headings[module]

    def _written(self, fragments: Sequence[int]) -> str:
        lines = sorted({line for index in fragments for line in self.profile.fragments[index].lines})
        return self.alphabet.write(align.surface("\n".join(line for _, line in lines))[:MAX_SURFACE])

    def names(self, module: int) -> Set[str]:
        """What a module's heading is written with, and what its file and folder are called: who follows a module imports
        it by name or keeps the name of its file."""
        return {*self.heading(module), *self.alphabet.write(self.place(module))}

    def place(self, module: int) -> tuple[str, str]:
        """Name of the file of a module without its suffix, and of its folder."""
        path = PurePosixPath(self.profile.fragments[module].location.path)
        return path.stem, path.parent.name

    def inside(self, fragment: int) -> list[int]:
        """A fragment and all fragments inside it."""
        found = [fragment]
        for member in found:
            found.extend(self.children.get(member, ()))
        return found

    def facts(self, fragment: int) -> slice:
        """Rows of `own` that belong to a fragment."""
        return slice(int(self.bounds[fragment]), int(self.bounds[fragment + 1]))


def side_of(profile: Profile, known: NDArray[np.uint64], bits: NDArray[np.float64], alphabet: align.Alphabet) -> Side:
    """Prepare one side. `known`: all facts of the comparison, ascending; `bits`: their weights; one alphabet for both."""
    fragments = profile.fragments
    facts = profile.facts
    own_columns = np.searchsorted(known, facts.keys)
    columns, owners, readings = _with_inner(own_columns, facts, fragments)
    children: dict[int, list[int]] = {}
    for index, fragment in enumerate(fragments):
        children.setdefault(fragment.parent, []).append(index)
    kinds = np.array([fragment.kind for fragment in fragments], dtype=object)
    return Side(
        profile=profile,
        parsed=profile.details["parsed"],
        own=facts,
        columns=own_columns,
        sets=fact_sets(columns, owners, readings, len(fragments), bits),
        pools={kind: np.flatnonzero(kinds == kind) for kind in POOLS},
        alphabet=alphabet,
        surfaces={},
        children=children,
        headings={},
        bounds=np.searchsorted(facts.fragments, np.arange(len(fragments) + 1)),
    )


def _with_inner(
    columns: NDArray[np.int64], facts: Facts, fragments: tuple[Fragment, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """(columns, fragments, readings) of every fragment together with those of the fragments inside it, each column once
    in a fragment."""
    parents = np.array([fragment.parent for fragment in fragments] or [-1], np.int64)
    level = (columns, facts.fragments.astype(np.int64), facts.readings)
    levels = [level]
    while len(level[0]):
        above = parents[level[1]]
        inside = above >= 0
        level = (level[0][inside], above[inside], level[2][inside])
        levels.append(level)
    columns, owners, readings = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    # Each level is in order already: what is left to do is to merge runs.
    packed = owners << np.int64(32) | columns
    order = np.argsort(packed, kind="stable")
    packed, readings = packed[order], readings[order]
    starts = np.flatnonzero(np.diff(packed, prepend=-1))
    merged = np.bitwise_or.reduceat(readings, starts) if len(starts) else readings
    packed = packed[starts]
    return packed & np.int64(0xFFFFFFFF), packed >> np.int64(32), merged
