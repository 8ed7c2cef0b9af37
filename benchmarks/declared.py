"""Is the file that a file declares as its source the first choice?

    make bench-declared
    python benchmarks/declared.py [PACKAGE ...] [--misses]

Four populations of files and definitions of one package that come from another:

- *head*: a comment or docstring above the first definition names a file of the other package as the source of the whole.
- *inside*: the file that most definitions of a file name as their source, where its head names none.
- *parts*: a function or class says so of itself, inside it or right above it. The row is that definition, and a
  match anywhere in the named file is right.
- *layout*: files of ports that keep the other package's paths and say nothing; those that define something, since each
  package writes its own `__init__.py`.

A declaration is a dotted name or the address of a file, in a line (or right after one) that says copied, adapted,
taken and the like, and resolves in the other package. A line that stands word for word in the other package as well
was copied with the code and declares nothing of this file. Where several files are named for one thing, each is right.
A tie is right only where all that is tied is; otherwise it is counted as a tie that lists the declared file. Files without
facts of any weight, which import and do nothing else, cannot be explained by anything and are counted apart.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from packages import fetch

from codeclone import background
from codeclone.evidence import Context, Profiled, code
from codeclone.match import showing
from codeclone.model import Attribution, Profile
from codeclone.read import folder

TRANSFORMERS, DIFFUSERS = "transformers==4.46.3", "diffusers==0.31.0"

PAIRS = {
    "optimum-habana==1.15.0": ("transformers==4.45.2", DIFFUSERS, "accelerate==1.1.1", "peft==0.13.2"),
    "adapters==1.1.0": ("transformers==4.47.1",),
    "paddlenlp==2.8.1": (TRANSFORMERS,),
    "mindnlp==0.4.1": (TRANSFORMERS, "peft==0.13.2"),
    "mindone==0.2.0": (DIFFUSERS, TRANSFORMERS),
    "vllm==0.9.2": ("transformers==4.51.3",),
    "peft==0.13.2": (TRANSFORMERS,),
    "keras-hub==0.18.1": (TRANSFORMERS,),
    "kornia==0.7.4": ("torchvision==0.20.1", "timm==1.0.11"),
    TRANSFORMERS: ("timm==1.0.11",),
}
"""Package -> those it derives from, in the releases that it asks for."""

REPOSITORIES = {
    "huggingface/transformers": "transformers",
    "huggingface/diffusers": "diffusers",
    "huggingface/accelerate": "accelerate",
    "huggingface/peft": "peft",
    "huggingface/pytorch-image-models": "timm",
    "rwightman/pytorch-image-models": "timm",
    "pytorch/vision": "torchvision",
}

PORTS = {
    ("paddlenlp", "transformers"): (
        r"paddlenlp/transformers/(\w+)/modeling\.py",
        r"transformers/models/\1/modeling_\1.py",
    ),
    ("mindnlp", "transformers"): (r"mindnlp/(transformers/models/.*\.py)", r"\1"),
    ("mindnlp", "peft"): (r"mindnlp/(peft/.*\.py)", r"\1"),
    ("mindone", "diffusers"): (r"mindone/(diffusers/.*\.py)", r"\1"),
    ("mindone", "transformers"): (r"mindone/(transformers/.*\.py)", r"\1"),
    ("adapters", "transformers"): (r"adapters/(models/(\w+)/modeling_\2\.py)", r"transformers/\1"),
}
"""(port, original) -> where a file of the port stands in the original."""

SAYS = re.compile(
    r"\b(cop(y|ied|ys)|adapt\w*|taken|borrow\w*|deriv\w*|modif\w*|based|port(ed)?|inspired)\b.{0,60}\b(from|on|by|of)\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"github\.com/([\w.-]+/[\w.-]+)/(?:blob|tree|raw|blame)/(\S+?\.py)\b")
DOTTED = re.compile(r"\b((?:transformers|diffusers|accelerate|peft|timm|torchvision)(?:\.\w+)+)")

DEFINES = re.compile(r"^\s*(def|class)\s", re.MULTILINE)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Claim:
    """What a file or a definition of it says that it comes from."""

    population: str
    path: str
    qualname: str
    sources: frozenset[str]
    """Paths in the other package."""


# Reading declarations


def claims(left: Path, right: Path, left_name: str, right_name: str) -> list[Claim]:
    """All claims of one unpacked package about another."""
    theirs = frozenset(str(path.relative_to(right)) for path in right.rglob("*.py"))
    copied_along = _lines(right)
    found = []
    for path in sorted(left.rglob("*.py")):
        place = str(path.relative_to(left))
        text = path.read_text(encoding="utf-8", errors="replace")
        port = PORTS.get((left_name, right_name))
        if port and re.fullmatch(port[0], place):
            twin = _moved(re.sub(port[0], port[1], place), theirs)
            if twin and DEFINES.search(text):
                found.append(Claim("layout", place, "<module>", frozenset((twin,))))
        said = _declared(text, copied_along, right_name, theirs)
        if not said:
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        grouped: dict[tuple[str, str], set[str]] = defaultdict(set)
        first = min((_top(node) for node in tree.body if isinstance(node, Definition)), default=1 << 30)
        for line, sources in said:
            spot = _owner(tree, line)
            if spot:
                grouped["parts", spot].update(sources)
            elif line < first:
                grouped["head", "<module>"].update(sources)
        if ("head", "<module>") not in grouped and not (found and found[-1].path == place):
            named = Counter(source for sources in grouped.values() for source in sources)
            most = max(named.values(), default=0)
            grouped["inside", "<module>"] = {source for source, count in named.items() if count == most}
        found += [Claim(kind, place, name, frozenset(sources)) for (kind, name), sources in grouped.items()]
    return found


def _moved(twin: str, theirs: frozenset[str]) -> str | None:
    """A path of the other package, or the only one with the same file and folder: models are moved as they age."""
    if twin in theirs:
        return twin
    same = [path for path in theirs if path.split("/")[-2:] == twin.split("/")[-2:]]
    return same[0] if len(same) == 1 else None


def _declared(
    text: str, copied_along: frozenset[str], package: str, theirs: frozenset[str]
) -> Iterable[tuple[int, set[str]]]:
    """(1-based line, files of the other package that it names as a source)."""
    found = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip() in copied_along or not SAYS.search(" ".join(lines[max(0, number - 2) : number])):
            continue
        names = [path for repository, path in ADDRESS.findall(line) if REPOSITORIES.get(repository) == package]
        sources = {found for path in names for found in [_by_address(path, package)] if found in theirs}
        if SAYS.search(line):
            dotted = (_by_name(name, theirs) for name in DOTTED.findall(line) if name.startswith(f"{package}."))
            sources.update(source for source in dotted if source)
        if sources:
            found.append((number, sources))
    return found


def _by_address(path: str, package: str) -> str:
    """`main/src/transformers/x.py` -> `transformers/x.py`: what stands before the package is the revision."""
    return package + path[path.index(f"/{package}/") + 1 + len(package) :] if f"/{package}/" in path else ""


def _by_name(dotted: str, theirs: frozenset[str]) -> str | None:
    parts = dotted.split(".")
    return next((p for cut in range(len(parts), 1, -1) if (p := "/".join(parts[:cut]) + ".py") in theirs), None)


@cache
def _lines(root: Path) -> frozenset[str]:
    """Lines of a package that could be declarations."""
    return frozenset(
        line.strip()
        for path in root.rglob("*.py")
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n")
        if ADDRESS.search(line) or DOTTED.search(line)
    )


def _top(node: Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _owner(tree: ast.Module, line: int) -> str:
    """Qualified name of the innermost definition around a line, or of the one that begins right below it."""
    best = ""
    nodes: list[tuple[str, ast.AST]] = [("", tree)]
    while nodes:
        prefix, node = nodes.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Definition):
                name = f"{prefix}{child.name}"
                if _top(child) - 2 <= line <= (child.end_lineno or 0):
                    best = max(best, name, key=len)
                    nodes.append((f"{name}.", child))
    return best


# Judging


def judge(claim: Claim, row: Attribution | None) -> tuple[str, str]:
    """(outcome, what was chosen)."""
    if row is None or row.best is None:
        return "nothing found", ""
    best = row.best.place.location.path
    tied = {source.place.location.path for source in row.tied}
    if best in claim.sources and tied <= claim.sources:
        return "right", best
    if claim.sources & {best, *tied}:
        return "tie", best
    return "another", best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", help="only these, by name")
    parser.add_argument("--misses", action="store_true", help="print each claim that is not right")
    options = parser.parse_args()
    showing.SHOWN = 0
    profiles = cache(_profile)
    table: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for left, rights in PAIRS.items():
        if options.packages and left.partition("==")[0] not in options.packages:
            continue
        for right in rights:
            names = (left.partition("==")[0], right.partition("==")[0])
            started = time.perf_counter()
            said = claims(fetch(left), fetch(right), *names)
            if not said:
                continue
            rows, silent = explain(fetch(left), {claim.path for claim in said}, profiles(fetch(right)))
            for claim in said:
                if claim.path in silent:
                    table[claim.population, *names]["no facts"] += 1
                    continue
                outcome, chosen = judge(claim, rows.get((claim.path, claim.qualname)))
                table[claim.population, *names][outcome] += 1
                if outcome != "right" and options.misses:
                    print(
                        f"{claim.population} {outcome}: {claim.path}:{claim.qualname}\n    {sorted(claim.sources)}\n    {chosen}"
                    )
            print(f"{left} {right}: {len(said)} claims, {time.perf_counter() - started:.0f} s", flush=True)
    print("\n| | package | declared | n | right | tie | another | nothing found | no facts |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (population, *names), counts in sorted(table.items()):
        print(_line(population, *names, counts))
    for population in sorted({key[0] for key in table}):
        print(
            _line(
                population, "all", "", sum((counts for key, counts in table.items() if key[0] == population), Counter())
            )
        )


def _line(population: str, left: str, right: str, counts: Counter[str]) -> str:
    total = counts.total() - counts["no facts"]
    cells = (
        f"{counts['right']} = {counts['right'] / max(1, total):.3f}",
        counts["tie"],
        counts["another"],
        counts["nothing found"],
        counts["no facts"],
    )
    return f"| {population} | {left} | {right} | {total} | {' | '.join(map(str, cells))} |"


def _profile(root: Path) -> Profile:
    return code.profile(folder.read(str(root)))


def explain(root: Path, paths: set[str], other: Profile) -> tuple[dict[tuple[str, str], Attribution], set[str]]:
    """(attribution rows of some files of a package against another, by path and qualified name; files without facts)."""
    with tempfile.TemporaryDirectory() as work:
        for path in sorted(paths):
            (Path(work) / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, Path(work) / path)
        mine = code.profile(folder.read(work))
    findings = code.compare(mine, [Profiled("right", "right", other)], Context(background.shipped()))
    some = mine.facts.fragments[background.shipped().bits(mine.facts.keys) > 0]
    telling = {mine.fragments[index].location.path for index in np.unique(some)}
    return {(row.left.location.path, row.left.qualname or ""): row for row in findings.attribution}, paths - telling


if __name__ == "__main__":
    main()
