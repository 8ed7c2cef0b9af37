"""The functions of transformers that are marked `# Copied from`, and their sources."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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


@cache
def plain(node: ast.AST, decorators: bool = False) -> str:
    """Source text without comments and docstrings, and without decorators unless asked for."""
    copy = ast.parse(ast.unparse(node))
    for inner in ast.walk(copy):
        if isinstance(inner, Node) and ast.get_docstring(inner, clean=False) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
        if isinstance(inner, Node) and not decorators:
            inner.decorator_list = []
    return ast.unparse(copy)


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


def without(text: str, lines: set[int]) -> str:
    """Source text without the definitions that begin on these lines (1-based, of `def` or `class`)."""
    return ast.unparse(_Without(lines).visit(ast.parse(text))) + "\n"


class _Without(ast.NodeTransformer):
    def __init__(self, lines: set[int]) -> None:
        self.lines = lines

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                kept = [s for s in body if not (isinstance(s, Node) and s.lineno in self.lines)]
                setattr(node, name, kept or ([ast.Pass()] if body else []))
        return node


def alike(node: Node | None, source: str, copy: str) -> bool:
    """Whether a function is the source's twin: the same text but for the prefix that names the model."""
    if node is None:
        return False
    text = plain(node)
    if text in (source, copy):
        return True
    return model_blind(text) in (model_blind(source), model_blind(copy))


_MODEL = re.compile(r"\b_?[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\b[A-Z][A-Za-z0-9]*|(['\"]).*?\1")


@cache
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
