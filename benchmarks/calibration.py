"""How high do comparisons reach of repositories that did not copy from each other?

    make bench-calibration
    python benchmarks/calibration.py [--quick] [--only POPULATION ...] [--told]

Compares every pair of `populations.py` with every kind of evidence, up to the verdict. Prints for each population how many
verdicts and findings reached each level, with Clopper-Pearson limits, quantiles, and the highest pairs, to be read by eye;
writes codeclone/data/reference.json, the reference distributions that reports give percentiles of. What was measured of each
pair is kept in benchmarks/data/calibration.jsonl; `--told` tells and writes from that, without comparing anything.

Each repository is profiled once. Of an ancestor only the facts are compared that the left or the right repository has as
well, which changes no verdict, no share and no finding; the first pairs of each population are compared with all of it too,
and the run ends where that makes a difference.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import distributions
import numpy as np
import outcome
from numpy.typing import NDArray
from packages import DATA
from populations import SEED, UPSTREAM, Pairing, Unit, populations

from codeclone import background, batches, pipeline
from codeclone.errors import NothingToCompareError
from codeclone.evidence import Context, Profiled, code, kinds, profiles, room
from codeclone.match import showing
from codeclone.match.measure import measure
from codeclone.model import KIND_TITLES, LEVELS, Evidence, Profile, Report

KEPT = DATA / "calibration.jsonl"
PROCESSES = 2
CHECKED = 2
"""Pairs of each population that are compared with the whole ancestor as well."""

FRAGMENTS = 300
"""Left fragments of each pair, drawn at random, whose best pair is measured for the reference distributions of findings."""

LEAST_BITS = 60.0
"""A left fragment counts for them when its facts that are not stock have so many bits. Less than that cannot be telling, and
is contained in everything: a getter of one line. What its best pair shares is not asked, so as not to choose by the outcome."""

HIGHEST = 5
"""Findings of each pair that are kept."""

Row = dict[str, Any]


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
            self.rows.append(dict(zip(distributions.FIGURES, (round(value, 4) for value in values), strict=True)))


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
        sides = pipeline.named([("right", right), ("ancestor", base)])
        findings = {}
        for kind, its_room in self.rooms.items():
            its = {
                "right": self.profiles[kind][pairing.right],
                "ancestor": ancestor if kind == "code" else self.profiles[kind][pairing.ancestor],
            }
            candidates = [Profiled(c.name, c.role, its[c.role]) for c, _ in sides]
            findings[kind] = its_room.compare(self.profiles[kind][pairing.left], candidates, self.context)
        return pipeline.assembled(left, sides, self.rooms, findings)


def row_of(report: Report, pairing: Pairing) -> Row:
    """What is kept of a comparison."""
    total = report.partition.total
    held = {
        control.measure.partition(": ")[0]: control.value
        for control in report.controls
        if control.name == f"left ~ {report.candidates[0].name}" and control.measure.endswith(": share held")
    }
    kind_of = {title: kind for kind, title in KIND_TITLES.items()}
    rest = total.total - total.stock
    return {
        **asdict(pairing),
        "level": report.verdict.level,
        "attributable_share": round(total.attributable / rest, 6) if rest else None,
        "attributable_bits": round(total.attributable, 1),
        "not_stock_bits": round(rest, 1),
        "held": {kind_of[title]: round(value, 6) for title, value in held.items()},
        "has": {compared.kind: compared.facts for compared in report.compared if compared.side == "left"},
        "findings": {
            kind: {level: count for level in LEVELS if (count := _count(report.evidence, kind, level))}
            for kind in kinds()
        },
        "highest": [_kept(f) for f in sorted(report.evidence, key=_order)[:HIGHEST] if f.stance == "for"],
        "because": list(report.verdict.because),
    }


def _count(evidence: Sequence[Evidence], kind: str, level: str) -> int:
    return sum(finding.kind == kind and finding.level == level for finding in evidence)


def _order(finding: Evidence) -> tuple[int, float]:
    return -LEVELS.index(finding.level), -_figure(finding, "telling_bits")


def _figure(finding: Evidence, name: str) -> float:
    return next((measure.value for measure in finding.measures if measure.name == name), 0.0)


def _kept(finding: Evidence) -> Row:
    left, right = (
        f"{side[0].location.path}:{side[0].qualname or ''}" if side else "" for side in (finding.left, finding.right)
    )
    return {
        "id": finding.id,
        "kind": finding.kind,
        "level": finding.level,
        "telling_bits": _figure(finding, "telling_bits"),
        "left": left,
        "right": right,
    }


_state: Comparing
_best: Best


def _compared(job: tuple[Pairing, bool]) -> Row:
    """One pair, in a process that was forked with everything in it; `job`: whether to compare with the whole ancestor too."""
    pairing, is_checked = job
    started = time.perf_counter()
    try:
        _best.rows, _best.seed = [], f"{SEED} {pairing.left} {pairing.right}"
        found = row_of(_state.report(pairing, _state.thinned(pairing)), pairing)
        best = _best.rows
        if is_checked and pairing.ancestor != UPSTREAM:
            whole = row_of(_state.report(pairing, _state.profiles["code"][pairing.ancestor]), pairing)
            if whole != found:
                return {**asdict(pairing), "differs": [whole, found]}
    except NothingToCompareError as error:
        return {**asdict(pairing), "nothing": str(error)}
    kept = {"best": best} if pairing.ancestor == UPSTREAM else {}
    return {**found, **kept, "seconds": round(time.perf_counter() - started, 2)}


def measured(quick: bool, only: Sequence[str]) -> list[Row]:
    """A row for each pair, in the order of the populations. Raises SystemExit where the check fails."""
    global _state, _best
    every = populations(quick, only)
    started = time.perf_counter()
    _state = Comparing(every.units)
    for name in sorted({p.ancestor for p in every.pairings} - {UPSTREAM}):
        _state.order(name)
    showing.SHOWN = 0  # nothing is aligned line by line: it changes no level
    batches.MOST_PROCESSES = 1  # pairs are compared side by side instead
    _best = Best(code.pairs)  # type: ignore[attr-defined]
    code.pairs = _best  # type: ignore[attr-defined]
    code.defined = _once(code.defined)  # type: ignore[attr-defined]
    jobs = [
        (p, [q.population for q in every.pairings[:place]].count(p.population) < CHECKED)
        for place, p in enumerate(every.pairings)
    ]
    rows = []
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        for row in pool.imap(_compared, jobs):
            if "differs" in row:
                raise SystemExit(f"a thinned ancestor makes a difference: {json.dumps(row, indent=1)}")
            rows.append(row)
            if len(rows) % 50 == 0:
                print(f"{len(rows)}/{len(jobs)} pairs, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return rows


def _once(defined: Callable[..., Any]) -> Callable[..., Any]:
    """The same, worked out once for each profile: profiles stay for the whole run, so that they can be told by identity."""
    known: dict[int, Any] = {}

    @functools.wraps(defined)
    def found(fragments: Any, bindings: Any) -> Any:
        if id(fragments) not in known:
            known[id(fragments)] = defined(fragments, bindings)
        return known[id(fragments)]

    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small part of each population; writes nothing")
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="POPULATION", help="beginnings of names; writes nothing"
    )
    parser.add_argument("--told", action="store_true", help="tell and write what was measured before")
    options = parser.parse_args()
    if options.told:
        rows = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    else:
        rows = measured(options.quick, options.only)
    is_part = options.quick or options.only
    if not options.told and not is_part:
        KEPT.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    outcome.tell(rows)
    if not is_part:
        compared = [row for row in rows if "level" in row]
        distributions.write(compared)
        outcome.document(compared)


if __name__ == "__main__":
    main()
