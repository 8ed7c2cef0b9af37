"""Many comparisons with the same repositories: each is profiled once, and what stays the same is worked out once."""

from __future__ import annotations

import functools
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from distributions import FIGURES
from numpy.typing import NDArray
from populations import UPSTREAM, Pairing, Unit

from codeclone import background, batches, pipeline
from codeclone.evidence import Context, Profiled, code, kinds, profiles, room
from codeclone.match import showing
from codeclone.match.measure import measure
from codeclone.model import Profile, Report, Role

FRAGMENTS = 300
"""Left fragments of each pair, drawn at random, whose best pair is measured for the reference distributions of findings."""

LEAST_BITS = 60.0
"""A left fragment counts for them when its facts that are not stock have so many bits. Less than that cannot be telling, and
is contained in everything: a getter of one line. What its best pair shares is not asked, so as not to choose by the outcome."""


class Best:
    """The best pairs of drawn left fragments in one comparison, measured where `code.compare` looks for its findings."""

    def __init__(self, pairs: Callable[..., Any]) -> None:
        self.pairs, self.seed, self.rows = pairs, "", list[dict[str, float]]()

    def __call__(
        self, left: Any, right: Any, matches: Mapping[int, Any], attributable: NDArray[np.bool_], bits: Any
    ) -> Any:
        if self.seed:
            self._measure(left, right, matches, attributable, bits)
        self.seed = ""  # the second call of a comparison asks for something else
        return self.pairs(left, right, matches, attributable, bits)

    def _measure(self, left: Any, right: Any, matches: Mapping[int, Any], attributable: Any, bits: Any) -> None:
        stock_bits = background.shipped().stock_bits
        weights = np.where(bits >= stock_bits, bits, 0.0)[left.columns]
        whole = np.bincount(left.own.fragments, weights, minlength=len(left.profile.fragments))
        eligible = [fragment for fragment in sorted(matches) if whole[fragment] >= LEAST_BITS]
        for fragment in random.Random(self.seed).sample(eligible, min(FRAGMENTS, len(eligible))):
            found = measure(left, right, (fragment, matches[fragment].right), (), attributable, bits)
            values = (0.0,) * 5 if found is None else (
                found.resemblance, found.containment_left, found.containment_right, found.telling, found.attributable
            )  # fmt: skip
            self.rows.append(dict(zip(FIGURES, (round(value, 4) for value in values), strict=True)))


class Comparing:
    """Profiles of all units, by kind, and what is worked out of an ancestor once."""

    def __init__(self, units: Mapping[str, Unit]) -> None:
        self.units = units
        self.rooms = {kind: room(kind) for kind in kinds()}
        self.profiles: dict[str, dict[str, Profile]] = {}
        for kind, its_room in self.rooms.items():
            started = time.perf_counter()
            made = profiles(its_room, [unit.snapshot for unit in units.values()])
            self.profiles[kind] = dict(zip(units, made, strict=True))
            print(f"{kind}: {len(units)} units profiled in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        self.context = Context(background.shipped())
        self.sorted: dict[str, tuple[NDArray[np.int64], NDArray[np.uint64]]] = {}

    def order(self, ancestor: str) -> None:
        """Rows of the facts of an ancestor in order of their keys."""
        keys = self.profiles["code"][ancestor].facts.keys
        rows = np.argsort(keys, kind="stable")
        self.sorted[ancestor] = rows, keys[rows]

    def thinned(self, pairing: Pairing) -> Profile:
        """The ancestor's profile of code with those facts alone that the left or the right has."""
        whole = self.profiles["code"][pairing.ancestor]
        if pairing.ancestor not in self.sorted:
            return whole
        rows, keys = self.sorted[pairing.ancestor]
        wanted = np.unique(
            np.concatenate([self.profiles["code"][name].facts.keys for name in (pairing.left, pairing.right)])
        )
        first, last = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
        kept = np.zeros(len(keys), np.bool_)
        for start, stop in zip(first.tolist(), last.tolist(), strict=True):
            kept[rows[start:stop]] = True
        facts = whole.facts
        return replace(
            whole,
            facts=replace(
                facts, **{name: getattr(facts, name)[kept] for name in ("keys", "fragments", "nodes", "depths", "readings")}
            ),
        )  # fmt: skip

    def report(self, pairing: Pairing, ancestor: Profile) -> Report:
        """The report of one pair."""
        left, right, base = (self.units[n].snapshot for n in (pairing.left, pairing.right, pairing.ancestor))
        # What has nothing to do with the left is no ancestor of it, and lifts no bound; as a claimed source it does.
        role: Role = "claimed" if pairing.ancestor == UPSTREAM else "ancestor"
        sides = pipeline.named([("right", right), (role, base)])
        findings = {}
        for kind, its_room in self.rooms.items():
            its = {
                "right": self.profiles[kind][pairing.right],
                role: ancestor if kind == "code" else self.profiles[kind][pairing.ancestor],
            }
            candidates = [Profiled(c.name, c.role, its[c.role]) for c, _ in sides]
            findings[kind] = its_room.compare(self.profiles[kind][pairing.left], candidates, self.context)
        return pipeline.assembled(left, sides, self.rooms, findings)


def prepared() -> Best:
    """Make comparisons fit for being made by the hundred, and note the best pairs of each."""
    showing.SHOWN = 0  # nothing is aligned line by line: it changes no level
    batches.MOST_PROCESSES = 1  # pairs are compared side by side instead
    best = Best(code.pairs)  # type: ignore[attr-defined]
    code.pairs = best  # type: ignore[attr-defined]
    code.defined = _once(code.defined)  # type: ignore[attr-defined]
    return best


def _once(defined: Callable[..., Any]) -> Callable[..., Any]:
    """The same, worked out once for each profile: profiles stay for the whole run, so that they can be told by identity."""
    known: dict[int, Any] = {}

    @functools.wraps(defined)
    def found(fragments: Any, bindings: Any) -> Any:
        if id(fragments) not in known:
            known[id(fragments)] = defined(fragments, bindings)
        return known[id(fragments)]

    return found
