"""What the accuracy benchmark is run on: marked functions, the pool that holds their sources, and unrelated functions.

Everything is drawn with fixed seeds: the same functions on every machine.
"""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass
from pathlib import Path

import operators
from marked import PACKAGE, Copy, Node, alike, definitions, marked, plain, without
from packages import fetch
from rewriting import case, qualname_of, statements

SEED = 20240
LEAST_STATEMENTS = 6
"""Statements in the body of a function that is used, those in blocks inside it counted too, docstrings not."""

LEAST_POOL = 2_000
"""Functions in the pool; the files of the sources are usually enough."""

UNRELATED = (
    "x-transformers",
    "litgpt",
    "torchmetrics",
    "gensim",
    "networkx==3.4.2",
    "scikit-learn==1.5.2",
    "sympy",
    "django==5.1.3",
)
"""Packages that share no code with transformers."""

FROM_EACH = 400
"""Unrelated functions taken from each package at most."""


@dataclass(frozen=True)
class Original:
    """A function before it is rewritten."""

    text: str
    """Without comments, docstrings and decorators."""
    method: bool
    origin: str
    """Package or file, and name."""
    copy: Copy | None = None
    """None for an unrelated function."""

    def tree(self) -> ast.Module:
        return case(self.text, self.method)


@dataclass(frozen=True)
class Rewritten:
    """A function to be found again."""

    mode: str
    """`core`, a number of composed operators, the name of a single one, or `unrelated`."""
    original: Original
    operators: tuple[str, ...]
    text: str
    """Of the whole file it is put into."""
    qualname: str


class Corpus:
    """Marked functions, one for each source, in drawn order, and where their sources are."""

    def __init__(self) -> None:
        self.root = fetch(PACKAGE)
        copies, self.trees = marked(self.root)
        self._marked = {(copy.path, copy.qualname) for copy in copies}
        sources = {(copy.source_path, copy.source_qualname) for copy in copies}
        random.Random(SEED).shuffle(copies)
        chosen: dict[tuple[str, str], Original] = {}
        for copy in copies:
            node = self.trees[copy.path][copy.qualname]
            source = self.trees[copy.source_path][copy.source_qualname]
            if (copy.path, copy.qualname) in sources or (copy.source_path, copy.source_qualname) in chosen:
                continue
            if not all(isinstance(n, ast.FunctionDef) and long_enough(n) for n in (node, source)):
                continue
            method = "." in copy.qualname
            chosen[copy.source_path, copy.source_qualname] = Original(
                plain(node), method, f"{copy.path}:{copy.qualname}", copy
            )
        self.originals = [*chosen.values()]
        self._sources = set(chosen)

    def write_pool(self, target: Path) -> None:
        """Write the files the sources are in, and more where they are few, without marked copies that are no source."""
        paths = sorted({path for path, _ in self._sources})
        others = sorted(set(self.trees) - set(paths))
        random.Random(SEED).shuffle(others)
        count = 0
        for number, path in enumerate([*paths, *others]):
            if number >= len(paths) and count >= LEAST_POOL:
                break
            drop = {n.lineno for name, n in self.trees[path].items() if (path, name) in self._marked - self._sources}
            text = without((self.root / path).read_text(encoding="utf-8"), drop)
            count += sum(isinstance(n, ast.FunctionDef) for n in ast.walk(ast.parse(text)))
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")

    def parts(self, root: Path, functions: int) -> list[Path]:
        """Deal the files of a written pool out at random into as many folders of at least so many functions as it gives."""
        paths = sorted(path.relative_to(root) for path in root.rglob("*.py"))
        random.Random(SEED).shuffle(paths)
        sizes = {
            path: sum(isinstance(n, ast.FunctionDef) for n in ast.walk(ast.parse((root / path).read_text("utf-8"))))
            for path in paths
        }
        counts = {root.with_name(f"{root.name}-{n}"): 0 for n in range(sum(sizes.values()) // functions)}
        for path in sorted(paths, key=sizes.__getitem__, reverse=True):
            target = min(counts, key=counts.__getitem__)
            counts[target] += sizes[path]
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes((root / path).read_bytes())
        return sorted(counts)

    def subset(self, sources: int, count: int) -> list[tuple[str, str, str]]:
        """(path, qualname, text) of a small pool: the first `sources` sources, and long functions at random up to `count`."""
        names = [(o.copy.source_path, o.copy.source_qualname) for o in self.originals[:sources] if o.copy]
        others = [
            (path, name)
            for path, name in sorted(
                (path, name) for path in {path for path, _ in self._sources} for name in self.trees[path]
            )
            if (path, name) not in self._marked and (path, name) not in names
        ]
        random.Random(SEED).shuffle(others)
        found = []
        for path, name in [*names, *others]:
            node = self.trees[path][name]
            if len(found) < count and isinstance(node, ast.FunctionDef) and long_enough(node):
                found.append((path, name, printed(case(plain(node), "." in name))[0]))
        return found

    def is_source(self, original: Original, path: str, qualname: str) -> bool:
        """Whether a pool function is the true source, or its twin as copied_from.py judges."""
        copy = original.copy
        if copy is None:
            return False
        if (path, qualname) == (copy.source_path, copy.source_qualname):
            return True
        return alike(
            self.trees[path].get(qualname), plain(self.trees[copy.source_path][copy.source_qualname]), original.text
        )


def long_enough(node: Node | None) -> bool:
    """Whether a definition has at least `LEAST_STATEMENTS` statements in its body."""
    return node is not None and statements(ast.parse(plain(node)).body[0]) >= LEAST_STATEMENTS


def unrelated() -> list[Rewritten]:
    """Functions of unrelated packages, as they are, in drawn order."""
    found = []
    for package in UNRELATED:
        root = fetch(package)
        nodes = []
        for path in sorted(root.rglob("*.py")):
            if "tests" in path.parts:
                continue
            try:
                tree = ast.parse(path.read_text(encoding="utf-8"))
            except (SyntaxError, UnicodeDecodeError):
                continue
            nodes += [(name, n) for name, n in definitions(tree).items() if isinstance(n, ast.FunctionDef)]
        random.Random(SEED).shuffle(nodes)
        taken = 0
        for name, node in nodes:
            if taken < FROM_EACH and long_enough(node):
                original = Original(plain(node), "." in name, f"{package}:{name}")
                found.append(Rewritten("unrelated", original, (), *printed(original.tree())))
                taken += 1
    random.Random(SEED).shuffle(found)
    return found


def rewritten(originals: list[Original], mode: str, count: int) -> list[Rewritten]:
    """The first `count` functions that a mode applies to, rewritten."""
    found: list[Rewritten] = []
    for number, original in enumerate(originals):
        if len(found) == count:
            break
        rng = random.Random(f"{SEED} {mode} {number}")
        tree: ast.Module | None = original.tree()
        assert tree is not None
        if mode == "core":
            tree, done = operators.core(tree, rng), operators.CORE
        elif mode.isdigit():
            tree, done = operators.composed(tree, int(mode), rng)
        else:
            tree, done = operators.applied(mode, tree, rng), (mode,)
        if tree is not None:
            found.append(Rewritten(mode, original, done, *printed(tree)))
    return found


def printed(tree: ast.Module) -> tuple[str, str]:
    """(text of the file, qualified name of the function in question)."""
    return ast.unparse(tree) + "\n", qualname_of(tree)
