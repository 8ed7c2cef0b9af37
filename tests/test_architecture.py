"""The layers of DESIGN: who may import whom, held against the imports as they are written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "codeclone"

EVERYONE = {"model", "errors", "codec", "plain", "batches"}
MAY_IMPORT = {
    "__main__": {"cli"},
    "__init__": {"pipeline", "model"},
    "cli": {"pipeline", "keep", "stock", "background", "report", "codec", "errors", "model", "public_tokenizers"},
    "pipeline": {
        "read",
        "evidence",
        "background",
        "attribution",
        "verdict",
        "testimony",
        "public_tokenizers",
        "omissions",
        "lineage",
        "reference",
    },
    "omissions": {"evidence"},
    "keep": {"read", "match", "evidence"},
    # What is counted are the facts that a scan compares, so it is read, parsed and profiled as a scan does it.
    "stock": {"read", "parse", "evidence", "background"},
    "evidence": {"read", "parse", "match", "background", "attribution", "public_tokenizers"},
    "parse": {"read"},
    "match": {"parse", "background", "public_tokenizers"},
    "read": {"arrays"},
    "report": set(),
    "background": {"arrays"},
    "arrays": set(),
    "attribution": set(),
    "lineage": set(),
    "reference": set(),
    "verdict": set(),
    "testimony": {"verdict"},
    "codec": {"shape"},
    "shape": set(),
    "model": set(),
    "errors": set(),
    "plain": set(),
    "batches": set(),
    "public_tokenizers": set(),
    "data": set(),
}
DOORS = {
    "click": {"cli", "report.text"},
    "jinja2": {"report.html", "match.chat"},
    "markupsafe": {"report.html", "report.pairs"},
    "tree_sitter": {"parse.syntax", "parse.kernels"},
    "tree_sitter_cuda": {"parse.kernels"},
    "tree_sitter_python": {"parse.syntax"},
    "datasketch": {"match.minhash"},
    "libcst": {"match.listing"},
    "rapidfuzz": {"match.align"},
    "networkx": {"match.structure"},
    "scipy": {"match.scoring", "match.chances", "match.weight_rungs"},
    "pathspec": {"read.folder"},
    "gguf": {"read.number_types"},
}
FORBIDDEN = {"pickle", "marshal", "shelve", "runpy", "importlib.util", "subprocess", "torch", "transformers"}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "codeclone" else {module}
    return found


@pytest.mark.parametrize("name", modules())
def test_imports_follow_the_layers(name: str) -> None:
    room = name.partition(".")[0]
    for imported in imports(modules()[name]):
        root, _, rest = imported.partition(".")
        if root != "codeclone" or not rest or rest == "__version__":
            continue
        other = rest.partition(".")[0]
        allowed = MAY_IMPORT[room] | (EVERYONE - {"codec"} if room == "codec" else EVERYONE) | {room}
        assert other in allowed, f"{name} imports {imported}"


def test_evidence_rooms_never_import_each_other() -> None:
    rooms = {name for name in modules() if name.startswith("evidence.")}
    for room in rooms:
        others = {f"codeclone.{other}" for other in rooms - {room}}
        assert not imports(modules()[room]) & others


@pytest.mark.parametrize(("library", "rooms"), DOORS.items())
def test_each_library_has_one_door(library: str, rooms: set[str]) -> None:
    users = {
        name
        for name, path in modules().items()
        if any(imported.partition(".")[0] == library for imported in imports(path))
    }
    assert users <= rooms, f"{library} is imported by {users - rooms}"
    assert users, f"nobody imports {library}: take it out of setup.cfg"


@pytest.mark.parametrize("name", modules())
def test_nothing_that_could_run_what_is_scanned(name: str) -> None:
    path = modules()[name]
    assert not imports(path) & FORBIDDEN
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile", "__import__"}, f"{name}: {node.func.id}"
