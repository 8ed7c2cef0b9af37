"""Which rungs of the ladder find which disguise of a checkpoint, and how often strangers and siblings are taken for copies.

    make bench-weights
    python benchmarks/weights.py [--quick] [--only POPULATION ...]

Compares every pair with the room of weights as a scan does it, from the files on. Prints for each disguise what was said of it and
how often each rung rejected independence, for each rung how often it did so between strangers, and how high strangers and
siblings came, with Clopper-Pearson limits. A full run writes docs/weights.md. The models are those of small_models.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Any

import disguises
import model_files
import rounding
import simulated_models
import small_training
import weight_pairs
from disguise_table import TABLE
from small_models import SMALL, Architecture, Checkpoint
from weight_pairs import Pair
from weights_outcome import Row, document, tell

from codeclone.background import shipped
from codeclone.evidence import Context, Findings, Profiled, room
from codeclone.match.chances import SMALLEST
from codeclone.model import LADDER

PROCESSES = 2
BASES = 5
"""Simulated models of each family that are disguised."""

TYPES = ("F32", "BF16", "F16")


@dataclass(frozen=True, slots=True)
class Population:
    name: str
    told: str
    pairs: Callable[[bool], Iterator[tuple[Pair, str]]]
    """(quick) -> pairs, and the type in which both are stored."""


def compared(pair: Pair, dtype: str) -> Findings:
    """What the room of weights says of a pair."""
    weights = room("weights")
    sides = {"left": pair.left, "right": pair.right} | ({"base": pair.ancestor} if pair.ancestor else {})
    profiles = {
        name: weights.profile(model_files.snapshot_of(name, model_files.to_files(side, dtype)))
        for name, side in sides.items()
    }
    candidates = [Profiled("right", "right", profiles["right"])]
    candidates += [Profiled("base", "ancestor", profiles["base"])] if "base" in profiles else []
    return weights.compare(profiles["left"], candidates, Context(shipped()))


def row_of(population: str, pair: Pair, dtype: str) -> Row:
    """What is kept of a comparison."""
    start = time.perf_counter()
    findings = compared(pair, dtype)
    row: Row = {
        "population": population,
        "name": pair.name,
        "relation": pair.relation,
        "type": dtype,
        "seconds": time.perf_counter() - start,
        "level": "none",
        "stance": "",
        "direction": "",
        "claim": "nothing to compare",
        "chances": {},
        "measures": {},
    }
    for finding in findings.evidence[:1]:
        ladder = next(table for table in finding.tables if table.title == LADDER)
        row |= {
            "level": finding.level,
            "stance": finding.stance,
            "direction": finding.direction,
            "claim": finding.claim.partition(": ")[2],
            "chances": {
                line.cells[0]: line.cells[4] if isinstance(line.cells[4], float) else SMALLEST
                for line in ladder.rows
                if line.cells[4] is not None
            },
            "measures": {measure.name: measure.value for measure in finding.measures},
            "beside": [
                list(line.cells)
                for table in finding.tables
                if table.title.startswith("Ancestors")
                for line in table.rows
            ],
        }
    return row


# Populations


def _disguised(quick: bool) -> Iterator[tuple[Pair, str]]:
    for family, architecture in SMALL.items():
        for number in range(1 if quick else BASES):
            base = simulated_models.simulated(architecture, 50_000 + number)
            yield from _each_disguise(family, architecture, base, number)


def _trained_disguised(quick: bool) -> Iterator[tuple[Pair, str]]:
    for number, training in enumerate(small_training.strangers()[: 1 if quick else small_training.BASES]):
        yield from _each_disguise("trained", small_training.TRAINED, small_training.trained(training), number)


def _each_disguise(
    family: str, architecture: Architecture, base: Checkpoint, number: int
) -> Iterator[tuple[Pair, str]]:
    for disguise in TABLE:
        if architecture.family in disguise.families:
            left = disguise.apply(base, architecture, number)
            relation = "derived" if disguise.copy else "stranger"
            yield Pair(f"{disguise.name}", relation, architecture, left, base), "F32"


def _noisy(quick: bool) -> Iterator[tuple[Pair, str]]:
    """Copies with noise of 1/708, both sides stored in one type."""
    models = [
        (family, SMALL[family], simulated_models.simulated(SMALL[family], 60_000 + n))
        for family in SMALL
        for n in range(1 if quick else BASES)
    ]
    models += [
        ("trained", small_training.TRAINED, small_training.trained(its))
        for its in small_training.strangers()[: small_training.BASES]
    ]
    stored = {"F32": lambda value: value, "BF16": rounding.bfloat16, "F16": rounding.float16}
    for number, (_, architecture, model) in enumerate(models):
        for kind in TYPES:
            right = {name: stored[kind](value) for name, value in model.items()}
            left = disguises.noisy(right, architecture, number)
            yield Pair(f"noise of 1/708, stored as {kind}", "derived", architecture, left, right), kind
            yield Pair(f"noise of 1/708 on the right, stored as {kind}", "derived", architecture, right, left), kind


def _in_f32(pairs: Iterator[Pair]) -> Iterator[tuple[Pair, str]]:
    return ((pair, "F32") for pair in pairs)


POPULATIONS = (
    Population("disguised", "disguises of simulated models", _disguised),
    Population("trained, disguised", "disguises of trained models", _trained_disguised),
    Population("derived", "models that were really trained from the right one", lambda quick: _in_f32(weight_pairs.trained_derivatives())),
    Population("noise", "copies with noise of 1/708, in three types", _noisy),
    Population("strangers", "simulated models of one architecture, initialised independently", lambda quick: _in_f32(weight_pairs.simulated_strangers(40 if quick else 1000))),
    Population("trained strangers", "trained models of one architecture, initialised independently", lambda quick: _in_f32(weight_pairs.trained_strangers())),
    Population("siblings", "simulated siblings, their base as ancestor", lambda quick: _in_f32(weight_pairs.simulated_siblings(40 if quick else 200))),
    Population("trained siblings", "trained siblings, their base as ancestor", lambda quick: _in_f32(weight_pairs.trained_siblings())),
)  # fmt: skip


def _worked(job: tuple[str, bool, int]) -> list[Row]:
    """Every `PROCESSES`-th pair of a population."""
    name, quick, number = job
    population = next(its for its in POPULATIONS if its.name == name)
    pairs = islice(population.pairs(quick), number, None, PROCESSES)
    if quick:
        pairs = islice(pairs, 30)
    return [row_of(name, pair, dtype) for pair, dtype in pairs]


def measured(names: Sequence[str], quick: bool) -> Mapping[str, list[Row]]:
    """Population -> rows."""
    found: dict[str, list[Row]] = {}
    with get_context("fork").Pool(PROCESSES) as pool:
        for name in names:
            start = time.perf_counter()
            parts: list[list[Row]] = pool.map(_worked, [(name, quick, number) for number in range(PROCESSES)])
            found[name] = [row for part in parts for row in part]
            tell(name, found[name])
            print(f"  {time.perf_counter() - start:.0f} s", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few pairs of each population; writes nothing")
    parser.add_argument("--only", action="append", choices=[population.name for population in POPULATIONS])
    arguments = parser.parse_args()
    try:
        import torch  # noqa: F401
    except ImportError:
        sys.exit("torch is needed to train the small models: pip install 'codeclone-models[bench]'")
    small_training.prepare()
    names = arguments.only or [population.name for population in POPULATIONS]
    rows: Any = measured(names, arguments.quick)
    if not arguments.quick and not arguments.only:
        document({population.name: population.told for population in POPULATIONS}, rows)


if __name__ == "__main__":
    main()
