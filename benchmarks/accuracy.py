"""How much rewriting a copied function survives: is its source still the first choice, with no false alarm?

    make bench-accuracy

Functions of transformers 4.46.3 marked `# Copied from`, with at least six statements and without comments and docstrings,
are rewritten by the operators of operators.py and explained against a pool of transformers' own files that holds each
source once. A source that is reported as tied with the first choice is counted apart. Recall: a rewritten function counts as
found where it is more similar to its true source than any of 20,000 random pairs of an unrelated function, as long and as
plain, and one of the pool. Beside it a harder figure: where it shares more telling bits with its source than every
unrelated function with the best of the whole pool, or than all but the best 0.1 % of them.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import operators
import peers
from cases import SEED, Corpus, Rewritten, long_enough, rewritten, unrelated
from numpy.typing import NDArray

from codeclone import background
from codeclone.evidence import Context, Findings, Profiled, code
from codeclone.match import showing
from codeclone.match.align import Alphabet
from codeclone.match.measure import measure
from codeclone.match.scoring import score_pairs
from codeclone.match.side import Side, side_of
from codeclone.model import LEVELS, Attribution, Profile
from codeclone.read import folder

Matrix = NDArray[np.float64]

FUNCTIONS = {"core": 400, "5": 400, "1": 200, "2": 200, "3": 200, "4": 200}
"""Functions of each mode."""

FUNCTIONS_ALONE = 60
"""Functions of each operator alone."""

RANDOM_PAIRS = 20_000
"""Pairs of an unrelated function and a pool function, drawn at random."""

SMALLER_POOL = 1_500
"""Functions that each part of the pool has at least, for the first choice among so many."""

RARE = 0.001
"""Share of the unrelated functions that the second threshold lets pass."""

SUBSET, SUBSET_POOL, SUBSET_UNRELATED = 60, 300, 60
"""Rewritten functions of each mode, pool functions and unrelated functions that all tools are run on, all against all."""

SUBSET_MODES = ("reprint", "core", "3", "5")


@dataclass(frozen=True)
class Found:
    """What was found for one left function."""

    case: Rewritten
    best: float
    """Telling bits shared with the first choice, 0 where there is none."""
    source: float
    """Telling bits shared with the true source."""
    similarity: float
    """To the true source."""
    right: bool
    """The first choice is the true source or its twin."""
    tied: bool
    """It is not, and the true source is reported as tied with it."""
    level: str


def write(cases: Sequence[Rewritten], target: Path) -> None:
    """One file for each function."""
    target.mkdir()
    for number, row in enumerate(cases):
        (target / f"f{number:05d}.py").write_text(row.text, encoding="utf-8")


def places(profile: Profile) -> dict[tuple[str, str], int]:
    """(path, qualname) -> index of the function; of several the first, as `cases.Corpus` has it."""
    found: dict[tuple[str, str], int] = {}
    for index, fragment in enumerate(profile.fragments):
        if fragment.kind == "function":
            found.setdefault((fragment.location.path, fragment.qualname), index)
    return found


def compared(profile: Profile, pool: Profile) -> tuple[Findings, dict[tuple[str, str], Attribution]]:
    """What is found of a profile in a pool, and its attribution rows by (path, qualname)."""
    findings = code.compare(profile, [Profiled("pool", "right", pool)], Context(background.shipped()))
    return findings, {(row.left.location.path, row.left.qualname or ""): row for row in findings.attribution}


def explain(cases: Sequence[Rewritten], profile: Profile, corpus: Corpus, pool: Profile) -> list[Found]:
    """Explain every function against the pool, in the order of the cases."""
    findings, rows = compared(profile, pool)
    levels = {(found.left[0].location.path, found.left[0].qualname): found.level for found in findings.evidence}
    lefts, rights = places(profile), places(pool)
    pairs = [
        (lefts[key], rights[row.original.copy.source_path, row.original.copy.source_qualname])
        for key, row in zip(keys(cases), cases, strict=True)
        if row.original.copy is not None
    ]
    sources = iter(measured(profile, pool, pairs))
    chosen = [
        (lefts[key], rights[best.place.location.path, best.place.qualname or ""]) if (best := rows[key].best) else None
        for key in keys(cases)
    ]
    first = iter(measured(profile, pool, [pair for pair in chosen if pair is not None]))
    result = []
    for key, row, pair in zip(keys(cases), cases, chosen, strict=True):
        source = next(sources) if row.original.copy is not None else (0.0, 0.0)
        result.append(
            Found(
                row,
                next(first)[0] if pair is not None else 0.0,
                *source,
                *judge(row, rows[key], corpus),
                levels.get(key, "none"),
            )
        )
    return result


def judge(case: Rewritten, row: Attribution, corpus: Corpus) -> tuple[bool, bool]:
    """(the first choice is right, it is not but is tied with one that is)."""
    options = [source.place for source in (row.best, *row.tied) if source is not None]
    right = [corpus.is_source(case.original, place.location.path, place.qualname or "") for place in options]
    return any(right[:1]), not any(right[:1]) and any(right)


def among(
    cases: Sequence[Rewritten], profile: Profile, corpus: Corpus, part: Path
) -> list[tuple[str, tuple[bool, bool]]]:
    """(mode, judgement) of each case whose source is in a part of the pool, explained against that part alone."""
    pool = code.profile(folder.read(str(part)))
    there = places(pool)
    _, rows = compared(profile, pool)
    return [
        (case.mode, judge(case, rows[key], corpus))
        for key, case in zip(keys(cases), cases, strict=True)
        if (copy := case.original.copy) and (copy.source_path, copy.source_qualname) in there
    ]


def keys(cases: Sequence[Rewritten]) -> list[tuple[str, str]]:
    """(path, qualname) of each case among the files of `write`."""
    return [(f"f{number:05d}.py", row.qualname) for number, row in enumerate(cases)]


def prepared(left: Profile, right: Profile) -> tuple[Side, Side, NDArray[np.float64]]:
    """Both sides of a comparison, and the bits of all facts."""
    known = np.unique(np.concatenate([left.facts.keys, right.facts.keys]))
    bits, alphabet = background.shipped().bits(known), Alphabet()
    return side_of(left, known, bits, alphabet), side_of(right, known, bits, alphabet), bits


def measured(left: Profile, right: Profile, pairs: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """(telling bits, similarity) of each pair of fragments, as a report would show them."""
    one, other, bits = prepared(left, right)
    attributable = bits >= background.shipped().stock_bits
    found = [measure(one, other, pair, (), attributable, bits) for pair in pairs]
    return [(pair.telling, pair.resemblance) if pair is not None else (0.0, 0.0) for pair in found]


# Tables


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in lines)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else float("nan")


def level_shares(found: Sequence[Found]) -> str:
    counts = Counter(row.level for row in found)
    return ", ".join(f"{level} {counts[level] / len(found):.3f}" for level in LEVELS if counts[level])


def report(found: list[Found], negatives: list[Found], pairs: list[float]) -> dict[str, object]:
    """Print every table; the same figures as a dictionary."""
    best = sorted((row.best for row in negatives), reverse=True)
    highest, rare = best[0], best[int(len(best) * RARE)]
    print(
        f"\nmost telling bits of {len(negatives)} unrelated functions: {highest:.0f}; passed by {RARE:.1%}: {rare:.0f}"
    )
    for row in sorted(negatives, key=lambda row: -row.best)[:5]:
        print(f"    {row.best:.0f} {row.case.original.origin}")
    print(f"highest similarity of {len(pairs)} random unrelated pairs: {max(pairs):.3f}")
    by_mode: dict[str, list[Found]] = {}
    for row in found:
        by_mode.setdefault(row.case.mode, []).append(row)
    figures = {
        mode: {
            "n": len(rows),
            "first_choice": share([row.right for row in rows]),
            "first_or_tied": share([row.right or row.tied for row in rows]),
            "recall": share([row.similarity > max(pairs) for row in rows]),
            "recall_best": share([row.source > highest for row in rows]),
            "recall_rare": share([row.source > rare for row in rows]),
            "median": float(np.median([row.similarity for row in rows])),
        }
        for mode, rows in by_mode.items()
    }
    ordered = sorted((mode for mode in figures if mode not in FUNCTIONS), key=lambda mode: figures[mode]["recall"])
    head = (
        "n",
        "first choice",
        "first or tied",
        "recall, no false alarm",
        "above every best",
        f"above all but {RARE:.1%} of them",
        "median similarity",
    )
    for title, wanted in (
        ("composed", [mode for mode in figures if mode in FUNCTIONS]),
        ("operator alone", ordered),
    ):
        if wanted:
            print(f"\n{table((title, *head), [(mode, *figures[mode].values()) for mode in wanted])}")
    by_part: dict[str, list[Found]] = {}
    for row in found:
        if row.case.mode.isdigit():
            for name in row.case.operators:
                by_part.setdefault(name, []).append(row)
    if by_part:
        parts = [
            (name, len(rows), share([r.right for r in rows]), share([r.similarity > max(pairs) for r in rows]))
            for name, rows in by_part.items()
        ]
        parts.sort(key=lambda row: (row[2], row[0]))
        print(f"\n{table(('operator among the drawn', 'n', 'first choice', 'recall, no false alarm'), parts)}")
    print()
    for mode, rows in [
        *((mode, rows) for mode, rows in by_mode.items() if mode in FUNCTIONS),
        ("unrelated", negatives),
    ]:
        print(f"levels, {mode}: {level_shares(rows)}")
    return {"threshold": highest, "threshold_rare": rare, "threshold_pairs": float(max(pairs)), "modes": figures}


# Runs


def run_codeclone(
    corpus: Corpus, modes: Sequence[str], functions: int | None, failures: Path | None
) -> dict[str, object]:
    """All functions of all modes against the whole pool, and against parts of it."""
    showing.SHOWN = 0
    cases = [
        row
        for mode in modes
        for row in rewritten(corpus.originals, mode, min(functions or 10**9, FUNCTIONS.get(mode, FUNCTIONS_ALONE)))
    ]
    others = unrelated()
    with tempfile.TemporaryDirectory() as folder_name:
        work = Path(folder_name)
        corpus.write_pool(work / "pool")
        parts = corpus.parts(work / "pool", SMALLER_POOL)
        write(cases, work / "left")
        write(others, work / "unrelated")
        pool, left, strangers = (code.profile(folder.read(str(work / name))) for name in ("pool", "left", "unrelated"))
        judged = [row for part in parts for row in among(cases, left, corpus, part)]
    print(f"pool: {sum(fragment.kind == 'function' for fragment in pool.fragments)} functions")
    found = explain(cases, left, corpus, pool)
    negatives = explain(others, strangers, corpus, pool)
    rng = random.Random(SEED)
    unrelated_places = places(strangers)
    long_places = [index for key, index in places(pool).items() if long_enough(corpus.trees[key[0]].get(key[1]))]
    one = [unrelated_places[key] for key in keys(others)]
    pairs = [(rng.choice(one), rng.choice(long_places)) for _ in range(RANDOM_PAIRS)]
    print(f"\nfirst choice among the functions of a random part of the files, at least {SMALLER_POOL} each:")
    composed = [mode for mode in modes if mode in FUNCTIONS]
    print(table(("composed", "n", "first choice", "first or tied"), [_ranked(mode, judged) for mode in composed]))
    if failures is not None:
        save_failures(found, corpus, failures)
    return report(found, negatives, [similarity for _, similarity in measured(strangers, pool, pairs)])


def _ranked(mode: str, judged: Sequence[tuple[str, tuple[bool, bool]]]) -> tuple[str, int, float, float]:
    rows = [outcome for name, outcome in judged if name == mode]
    return mode, len(rows), share([right for right, _ in rows]), share([right or tied for right, tied in rows])


def save_failures(found: list[Found], corpus: Corpus, target: Path) -> None:
    """Of each mode the functions whose source was not the first choice, or that scored lowest, with their originals."""
    target.mkdir(parents=True, exist_ok=True)
    for mode in sorted({row.case.mode for row in found}):
        rows = sorted((row for row in found if row.case.mode == mode), key=lambda row: (row.right, row.source))
        for number, row in enumerate(rows[:3]):
            text = f"# first choice right: {row.right}; score of the source: {row.source:.3f}; of the choice: {row.best:.3f}\n"
            text += f"# operators: {', '.join(row.case.operators)}\n# source: {row.case.original.copy}\n\n"
            (target / f"{mode}-{number}.py").write_text(
                f"{text}# original\n{row.case.original.text}\n\n# rewritten\n{row.case.text}", encoding="utf-8"
            )


def codeclone_scores(lefts: Sequence[str], qualnames: Sequence[str], rights: Sequence[str]) -> tuple[Matrix, Matrix]:
    """(similarities, ranks) of all pairs, each text in a file of its own; ranks without what stands around and surface."""
    with tempfile.TemporaryDirectory() as folder_name:
        for side, texts in (("left", lefts), ("right", rights)):
            (Path(folder_name) / side).mkdir()
            for number, text in enumerate(texts):
                (Path(folder_name) / side / f"f{number:05d}.py").write_text(text, encoding="utf-8")
        left, right = (code.profile(folder.read(f"{folder_name}/{side}")) for side in ("left", "right"))
    one, other = prepared(left, right)[:2]
    at = places(left)
    rows = [at[f"f{number:05d}.py", qualname] for number, qualname in enumerate(qualnames)]
    # The first function of a file is the one it holds; what is defined inside comes after it.
    columns = list({path: index for (path, _), index in reversed(places(right).items())}.values())[::-1]
    pairs = np.array([(row, column) for row in rows for column in columns])
    found = score_pairs(one.sets, other.sets, pairs[:, 0], pairs[:, 1])
    ranks = dict(zip(zip(found.left.tolist(), found.right.tolist(), strict=True), found.rank.tolist(), strict=True))
    alike = [similarity for _, similarity in measured(left, right, [(row, column) for row, column in pairs.tolist()])]
    return np.array(alike).reshape(len(rows), -1), np.array(
        [[ranks[row, column] for column in columns] for row in rows]
    )


def run_subset(corpus: Corpus, modes: Sequence[str], tools: Sequence[str]) -> dict[str, object]:
    """Every tool on the same few functions, all against all, each function a file of its own."""
    pool = corpus.subset(SUBSET, SUBSET_POOL)
    rights = [text for *_, text in pool]
    others = unrelated()[:SUBSET_UNRELATED]
    wanted = [mode for mode in SUBSET_MODES if mode in modes]
    cases = [row for mode in wanted for row in rewritten(corpus.originals[:SUBSET], mode, SUBSET)]
    lefts = [row.text for row in (*cases, *others)]
    where = {(path, qualname): number for number, (path, qualname, _) in enumerate(pool)}
    truth = [where[c.source_path, c.source_qualname] for row in cases if (c := row.original.copy)]
    twins = [
        [
            number
            for number, (path, name, _) in enumerate(pool)
            if number != true and corpus.is_source(row.original, path, name)
        ]
        for row, true in zip(cases, truth, strict=True)
    ]
    print(
        f"\nall against all: {SUBSET} functions of each mode and {len(others)} unrelated ones against {len(pool)} functions"
    )
    print(
        f"no false alarm: above all {len(others) * len(pool)} pairs with unrelated functions; ties for first count by chance"
    )
    rows, figures = [], {}
    for tool in tools:
        try:
            if tool == "codeclone":
                names = [row.qualname for row in (*cases, *others)]
                scores, ranks = codeclone_scores(lefts, names, rights)
            else:
                scores = ranks = np.array(peers.TOOLS[tool](lefts, rights))
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{tool}: left out, it cannot be installed or run here: {error}")
            continue
        highest = float(scores[len(cases) :].max())
        for mode in wanted:
            numbers = [number for number, row in enumerate(cases) if row.mode == mode]
            first, reciprocal = zip(*(_first(ranks[n], truth[n], twins[n]) for n in numbers), strict=True)
            recall = share([bool(scores[n, truth[n]] > highest) for n in numbers])
            rows.append((tool, mode, len(numbers), float(np.mean(first)), float(np.mean(reciprocal)), recall, highest))
            figures[f"{tool} {mode}"] = rows[-1][2:]
    head = (
        "tool",
        "mode",
        "n",
        "true source first",
        "mean reciprocal rank",
        "recall, no false alarm",
        "highest unrelated",
    )
    print(f"\n{table(head, sorted(rows, key=lambda row: wanted.index(str(row[1]))))}")
    return dict(figures)


def _first(scores: Matrix, true: int, twins: Sequence[int]) -> tuple[float, float]:
    """(chance that the true source is named first, reciprocal of its mean rank); twins of the source are passed over."""
    others = np.delete(scores, [true, *twins])
    above, equal = int((others > scores[true]).sum()), int((others == scores[true]).sum())
    return (0.0 if above else 1.0 / (1 + equal)), 1.0 / (1 + above + equal / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="tools, by commas: codeclone, " + ", ".join(peers.TOOLS))
    parser.add_argument("--modes", default="core,1,2,3,4,5,each", help="by commas: core, 1 to 5, each, or operators")
    parser.add_argument("--functions", type=int, help="at most so many for each mode")
    parser.add_argument("--json", action="store_true", help="the figures once more as JSON")
    parser.add_argument("--failures", type=Path, help="folder for the worst functions of each mode")
    arguments = parser.parse_args()
    started = time.perf_counter()
    modes = []
    for mode in arguments.modes.split(","):
        modes += list(operators.OPERATORS) if mode == "each" else [mode]
    tools = arguments.only.split(",") if arguments.only else ["codeclone", *peers.TOOLS]
    corpus = Corpus()
    figures: dict[str, object] = {}
    if "codeclone" in tools:
        figures["codeclone"] = run_codeclone(corpus, modes, arguments.functions, arguments.failures)
    if any(tool in peers.TOOLS for tool in tools):
        figures["side by side"] = run_subset(corpus, modes, tools)
    print(f"\n{time.perf_counter() - started:.0f} s")
    if arguments.json:
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
