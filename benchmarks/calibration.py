"""How high do comparisons reach of repositories that did not copy from each other?

    make bench-calibration
    python benchmarks/calibration.py [--quick] [--only POPULATION ...] [--minutes NUMBER]

Compares every pair of `populations.py` with every kind of evidence, up to the verdict. Prints for each population how many
verdicts and findings reached each level, with Clopper-Pearson limits, quantiles, and the highest pairs, to be read by eye;
writes codeclone/data/reference.json, the reference distributions that reports give percentiles of. What was measured of each
pair is kept in benchmarks/data/calibration.jsonl as it comes, so a run that ends early is taken up by the next of the same code.

Each repository is profiled once. Of an ancestor only the facts are compared that the left or the right repository has as
well, which changes no verdict, no share and no finding; the first pairs of each population are compared with all of it too,
and the run ends where that makes a difference.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import distributions
import outcome
from comparing import Best, Comparing, prepared
from packages import DATA
from populations import SEED, UPSTREAM, Pairing, populations

import codeclone
from codeclone.errors import NothingToCompareError
from codeclone.evidence import kinds
from codeclone.model import KIND_TITLES, LEVELS, Evidence, Report

KEPT = DATA / "calibration.jsonl"
PROCESSES = 2
CHECKED = 2
"""Pairs of each population that are compared with the whole ancestor as well."""

HIGHEST = 5
"""Findings of each pair that are kept."""

Row = dict[str, Any]


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
        "both": [
            compared.kind
            for compared in report.compared
            if compared.side == report.candidates[0].name and compared.facts and _rest(report, compared.kind)
        ],
        "findings": {
            kind: {level: count for level in LEVELS if (count := _count(report.evidence, kind, level))}
            for kind in kinds()
        },
        "highest": [_kept(f) for f in sorted(report.evidence, key=_order)[:HIGHEST] if f.stance == "for"],
    }


def _rest(report: Report, kind: str) -> float:
    its = report.partition.by_kind[kind]
    return its.total - its.stock


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
        is_reference = pairing.population == distributions.OF_FRAGMENTS
        _best.rows, _best.seed = [], f"{SEED} {pairing.left} {pairing.right}" if is_reference else ""
        found = row_of(_state.report(pairing, _state.thinned(pairing)), pairing)
        best = _best.rows
        if is_checked and pairing.ancestor != UPSTREAM:
            whole = row_of(_state.report(pairing, _state.profiles["code"][pairing.ancestor]), pairing)
            if whole != found:
                return {**asdict(pairing), "differs": [whole, found]}
    except NothingToCompareError as error:
        return {**asdict(pairing), "nothing": str(error)}
    return {**found, "best": best, "seconds": round(time.perf_counter() - started, 2)}


def measured(quick: bool, only: Sequence[str], minutes: float) -> list[Row]:
    """A row for each pair, in the order of the populations: what was kept of runs of the same code is not measured again.

    Pairs are compared in random order, so those that were compared when the time was up are a sample of all. Raises
    SystemExit where the check fails.
    """
    global _state, _best
    started = time.perf_counter()
    every = populations(quick, only)
    made_with = _digest()
    rows = {_key(row): row for row in _kept_rows() if row["made_with"] == made_with}
    seen: Counter[str] = Counter()
    jobs = []
    for pairing in every.pairings:
        seen[pairing.population] += 1
        if minutes > 0 and _key(asdict(pairing)) not in rows:
            jobs.append((pairing, seen[pairing.population] <= CHECKED))
    if jobs:
        random.Random(SEED).shuffle(jobs)
        wanted = {name for pairing, _ in jobs for name in (pairing.left, pairing.right, pairing.ancestor)}
        _state = Comparing({name: unit for name, unit in every.units.items() if name in wanted})
        for name in sorted({pairing.ancestor for pairing, _ in jobs} - {UPSTREAM}):
            _state.order(name)
        _best = prepared()
        gc.freeze()
    with KEPT.open("a", encoding="utf-8") as kept, multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        for number, row in enumerate(pool.imap_unordered(_compared, jobs), 1):
            if "differs" in row:
                raise SystemExit(f"a thinned ancestor makes a difference: {json.dumps(row, indent=1)}")
            row["made_with"] = made_with
            rows[_key(row)] = row
            kept.write(json.dumps(row) + "\n")
            kept.flush()
            passed = time.perf_counter() - started
            if number % 25 == 0:
                print(f"{number}/{len(jobs)} pairs, {passed:.0f} s", file=sys.stderr)
            if passed > minutes * 60:
                break
    found = [(pairing, rows.get(_key(asdict(pairing)))) for pairing in every.pairings]
    return [row | asdict(pairing) for pairing, row in found if row is not None]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What was compared; to which population it counts can change without another comparison."""
    return row["left"], row["right"], row["ancestor"]


def _kept_rows() -> list[Row]:
    """What earlier runs measured."""
    if not KEPT.exists():
        return []
    return [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]


def _digest() -> str:
    """Of the code and the tables that a comparison goes by."""
    package = Path(codeclone.__file__).parent
    without = {"cli.py", "codec.py", "reference.py", "reference.json"}
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *(package / "data").iterdir()]):
        if path.is_file() and path.name not in without and path.parent.name != "report":
            digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small part of each population; writes nothing")
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="POPULATION", help="beginnings of names; writes nothing"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="compare no further after so long, and write"
    )
    options = parser.parse_args()
    rows = measured(options.quick, options.only, options.minutes)
    outcome.tell(rows)
    if not options.quick and not options.only:
        compared = [row for row in rows if "level" in row]
        distributions.write(compared)
        outcome.document(compared)


if __name__ == "__main__":
    main()
