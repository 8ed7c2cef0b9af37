"""Is the marked source of each `# Copied from` function the first choice?

    make bench-copied-from

transformers marks functions that were copied from another with a comment that names the source, sometimes with the
renames that were made. The marked functions are taken out of transformers 4.46.3 with every comment and docstring
removed, each into a file of its own kind (its class around it), and explained against the rest of the package. A choice
is right when it is the marked source or a function whose text, comments and docstrings removed and the declared renames
applied, is the same as the source's.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from packages import fetch

from codeclone import background
from codeclone.evidence import Context, Profiled, code
from codeclone.read import folder

PACKAGE = "transformers==4.46.3"
MARK = re.compile(r"# Copied from (transformers\.[\w.]+)(?:\s+with\s+(.*?))?\s*$")
RENAME = re.compile(r"([\w.\-]+)\s*->\s*([\w.\-]+)")

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Copy:
    path: str
    qualname: str
    source_path: str
    source_qualname: str
    renames: tuple[tuple[str, str], ...]


def definitions(tree: ast.Module) -> dict[str, Node]:
    found: dict[str, Node] = {}

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, Node):
                found.setdefault(f"{prefix}{node.name}", node)
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{prefix}{node.name}.")

    visit(tree.body, "")
    return found


def plain(node: ast.AST, decorators: bool = False) -> str:
    """Source text without comments and docstrings, and without decorators unless asked for."""
    copy = ast.parse(ast.unparse(node))
    for inner in ast.walk(copy):
        if isinstance(inner, Node) and ast.get_docstring(inner, clean=False) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
        if isinstance(inner, Node) and not decorators:
            inner.decorator_list = []
    return ast.unparse(copy)


def renamed(text: str, renames: tuple[tuple[str, str], ...]) -> str:
    for old, new in renames:
        text = text.replace(old, new)
    return text


def marked(root: Path) -> tuple[list[Copy], dict[str, dict[str, Node]]]:
    """All marked functions and methods whose source resolves, and the definitions of every file."""
    trees: dict[str, dict[str, Node]] = {}
    lines: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.strip():
            trees[str(path.relative_to(root))] = definitions(ast.parse(text))
            lines[str(path.relative_to(root))] = text.split("\n")
    found = []
    for path, defined in trees.items():
        for qualname, node in defined.items():
            above = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 2
            mark = MARK.search(lines[path][above].strip()) if above >= 0 else None
            if mark is None:
                continue
            source = resolve(mark.group(1), trees)
            if source is None:
                continue
            renames = tuple(RENAME.findall(mark.group(2) or ""))
            targets = [("", node)]
            if isinstance(node, ast.ClassDef):
                targets = [(f".{m.name}", m) for m in node.body if isinstance(m, ast.FunctionDef)]
            for suffix, _ in targets:
                if source[1] + suffix in trees[source[0]]:
                    found.append(Copy(path, qualname + suffix, source[0], source[1] + suffix, renames))
    return found, trees


def resolve(dotted: str, trees: dict[str, dict[str, Node]]) -> tuple[str, str] | None:
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        for path in ("/".join(parts[:cut]) + ".py", "/".join(parts[:cut]) + "/__init__.py"):
            qualname = ".".join(parts[cut:])
            if path in trees and qualname in trees[path]:
                return path, qualname
    return None


def main() -> None:
    started = time.perf_counter()
    root = fetch(PACKAGE)
    copies, trees = marked(root)
    print(f"{len(copies)} marked functions and methods whose source resolves", file=sys.stderr)
    chosen = {(copy.path, copy.qualname) for copy in copies}
    with tempfile.TemporaryDirectory() as work:
        left, right = Path(work) / "copies", Path(work) / "rest"
        owners: dict[str, Copy] = {}
        (left).mkdir()
        for number, copy in enumerate(copies):
            node = trees[copy.path][copy.qualname]
            text = plain(node, decorators=True)
            if "." in copy.qualname:
                text = "class Holder:\n" + "\n".join(f"    {line}" for line in text.split("\n"))
            (left / f"copy_{number:05d}.py").write_text(text + "\n", encoding="utf-8")
            owners[f"copy_{number:05d}.py"] = copy
        # The rest of the package: everything that is not itself a marked copy.
        for path, defined in trees.items():
            tree = ast.parse((root / path).read_text(encoding="utf-8"))
            drop = {defined[name].lineno for name in defined if (path, name) in chosen}

            class Without(ast.NodeTransformer):
                def generic_visit(self, node: ast.AST, drop: set[int] = drop) -> ast.AST:
                    super().generic_visit(node)
                    for name in ("body", "orelse", "finalbody"):
                        body = getattr(node, name, None)
                        if isinstance(body, list):
                            kept = [s for s in body if not (isinstance(s, Node) and s.lineno in drop)]
                            setattr(node, name, kept or ([ast.Pass()] if body else []))
                    return node

            target = right / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(ast.unparse(Without().visit(tree)) + "\n", encoding="utf-8")
        one, other = code.profile(folder.read(str(left))), code.profile(folder.read(str(right)))
        code.SHOWN = 0
        findings = code.compare(one, [Profiled("rest", "right", other)], Context(background.shipped()))

    outcome: Counter[str] = Counter()
    wrong = []
    rest = set(trees)
    for row in findings.attribution:
        copy = owners[row.left.location.path]
        if row.left.qualname.rpartition(".")[2] != copy.qualname.rpartition(".")[2]:
            continue
        if (copy.source_path, copy.source_qualname) in chosen:
            outcome["source is itself a marked copy, and so not in the pool"] += 1
            continue
        text = plain(trees[copy.source_path][copy.source_qualname])
        best = row.best
        if best is None:
            outcome["nothing found"] += 1
            continue
        got = (best.place.location.path, best.place.qualname or "")
        if got == (copy.source_path, copy.source_qualname):
            outcome["the marked source"] += 1
        elif got[0] in rest and alike(trees[got[0]].get(got[1]), text, plain(trees[copy.path][copy.qualname])):
            outcome["one identical to it"] += 1
        else:
            outcome["another"] += 1
            wrong.append((f"{copy.path}:{copy.qualname}", f"{copy.source_path}:{copy.source_qualname}", ":".join(got)))
    pool = sum(fragment.kind == "function" for fragment in other.fragments)
    right_ones = outcome["the marked source"] + outcome["one identical to it"]
    judged = right_ones + outcome["another"] + outcome["nothing found"]
    print(json.dumps(dict(sorted(outcome.items())), indent=1))
    print(f"pool: {pool:,} functions; first choice right: {right_ones}/{judged} = {right_ones / judged:.4f}")
    print(f"{time.perf_counter() - started:.0f} s")
    for row in wrong[: int(sys.argv[1]) if len(sys.argv) > 1 else 0]:
        print("  ", *row, sep="\n     ")


def alike(node: Node | None, source: str, copy: str) -> bool:
    """Whether a function is the source's twin: the same text but for the prefix that names the model."""
    if node is None:
        return False
    text = plain(node)
    if text in (source, copy):
        return True
    return model_blind(text) in (model_blind(source), model_blind(copy))


_MODEL = re.compile(r"\b_?[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\b[A-Z][A-Za-z0-9]*|(['\"]).*?\1")


def model_blind(text: str) -> str:
    """Text with its own name, annotations, class names and strings blanked: what is left of two siblings that differ in
    the model's name only."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
    node = tree.body[0]
    if isinstance(node, Node):
        node.name = "f"
    return _MODEL.sub("·", ast.unparse(tree))


if __name__ == "__main__":
    main()
