"""Build codeclone/data/signatures.txt: names and defaults of the parameters of torch's functions and layers.

    pip install torch && python benchmarks/build_signatures.py

A positional argument and the keyword argument of the same name are one fact, and an argument that is written out and is
the default is none. Reads torch's own stubs and modules with the parser; imports nothing. Where the overloads of a
function disagree about a place, the place keeps its number.
"""

from __future__ import annotations

import ast
import importlib.util
import warnings
from pathlib import Path

TARGET = Path(__file__).parent.parent / "codeclone" / "data" / "signatures.txt"
HEADER = """\
# Parameters of well-known functions and layers, for codeclone/parse/library.py. Built by benchmarks/build_signatures.py.
# Each line: the function, then its parameters in order, `-` where overloads disagree, those after `*` by
# keyword only; `name=default` for a default.
"""
MOST_PARAMETERS = 12
FILES = ("_C/_VariableFunctions.pyi", "_C/__init__.pyi", "functional.py", "nn/functional.py", "_C/_nn.pyi")
Parameter = tuple[str, str | None]
"""(name, default); the default is None where there is none, and `UNKNOWN` where it is not written as a literal."""

UNKNOWN = "?"
ALIASES = {"self": "input", "axis": "dim", "keepdims": "keepdim", "split_size_or_sections": "split_size"}
PLUMBING = frozenset(("out", "device", "layout", "pin_memory", "requires_grad", "memory_format", "generator"))


def parameters(node: ast.FunctionDef) -> tuple[list[Parameter], list[Parameter]]:
    """(positional parameters, keyword-only parameters); `*args` takes the place of all that could follow it."""
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults)) + [*node.args.defaults]
    keywords = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return (
        [(ALIASES.get(p.arg, p.arg), _plain(d)) for p, d in zip(positional, defaults, strict=True)],
        [(ALIASES.get(p.arg, p.arg), _plain(d)) for p, d in keywords],
    )


def _plain(default: ast.expr | None) -> str | None:
    if default is None:
        return None
    if (
        isinstance(default, ast.UnaryOp)
        and isinstance(default.op, ast.USub)
        and isinstance(default.operand, ast.Constant)
    ):
        return f"-{default.operand.value!r}"
    if not isinstance(default, ast.Constant) or default.value is Ellipsis:
        return UNKNOWN
    text = repr(default.value)
    return text if " " not in text and len(text) < 20 else UNKNOWN


def merged(overloads: list[tuple[list[Parameter], list[Parameter]]]) -> list[str]:
    """Names of the places about which all overloads agree, then the keyword-only ones, each with its default."""
    defaults: dict[str, set[str]] = {}
    for positional, keywords in overloads:
        for name, default in (*positional, *keywords):
            defaults.setdefault(name, set()).update({default} if default not in (None, UNKNOWN) else ())
    parts = []
    for place in range(max(len(positional) for positional, _ in overloads)):
        names = {positional[place][0] for positional, _ in overloads if place < len(positional)}
        parts.append(names.pop() if len(names) == 1 else "-")
    rest = sorted({name for _, keywords in overloads for name, _ in keywords} - set(parts))
    return [
        f"{name}={next(iter(defaults[name]))}" if len(defaults.get(name, ())) == 1 else name
        for name in (*parts, *(("*", *rest) if rest else ()))
        if name not in PLUMBING
    ]


def collect(root: Path) -> dict[str, list[tuple[list[Parameter], list[Parameter]]]]:
    found: dict[str, list[tuple[list[Parameter], list[Parameter]]]] = {}
    for path in FILES:
        for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not node.args.vararg:
                positional, keywords = parameters(node)
                if positional and len(positional) + len(keywords) <= MOST_PARAMETERS:
                    found.setdefault(node.name, []).append((positional, keywords))
    for path in sorted((root / "nn" / "modules").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                makers = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
                if makers and not makers[-1].args.vararg:
                    positional, keywords = parameters(makers[-1])
                    if len(positional) > 1:
                        found.setdefault(node.name, []).append((positional[1:], keywords))
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise SystemExit("install torch first")
    lines = []
    for name, overloads in sorted(collect(Path(spec.origin).parent).items()):
        parts = merged(overloads)
        if any(part not in "-*" for part in parts[1:]) or any("=" in part for part in parts):
            lines.append(" ".join([name, *parts]))
    TARGET.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} signatures, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
