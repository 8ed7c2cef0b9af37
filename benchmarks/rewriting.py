"""Trees that are rewritten: the function in question, its statement blocks, what is read and written where.

A case is a module that holds one function in question, by itself or as the only method of a class. Operators (operators.py)
may add helpers beside it; the function in question stays the one that carries the attribute `in_question`.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from typing import TypeGuard

Function = ast.FunctionDef
HOLDER = "Holder"


def case(text: str, method: bool) -> ast.Module:
    """The case of a function's text; a method stands in a class of its own."""
    tree = ast.parse(text)
    tree.body[0].in_question = True  # type: ignore[attr-defined]
    if method:
        tree.body = [ast.ClassDef(HOLDER, [], [], tree.body, [])]
    return ast.fix_missing_locations(tree)


def function_of(tree: ast.Module) -> Function:
    """The function in question."""
    return next(node for node in ast.walk(tree) if isinstance(node, Function) and hasattr(node, "in_question"))


def qualname_of(tree: ast.Module) -> str:
    """`name`, or `Class.name`."""
    function = function_of(tree)
    holder = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and function in node.body]
    return ".".join([*holder, function.name])


# Walking


def rewrite(tree: ast.Module, change: Callable[[ast.AST], ast.AST | list[ast.stmt] | None]) -> ast.Module | None:
    """Replace every node for which `change` gives another one, innermost first. None where it gives none."""
    rewriter = _Rewriter(change)
    rewriter.visit(tree)
    return tree if rewriter.count else None


class _Rewriter(ast.NodeTransformer):
    def __init__(self, change: Callable[[ast.AST], ast.AST | list[ast.stmt] | None]) -> None:
        self.change, self.count = change, 0

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        new = self.change(self.generic_visit(node))
        self.count += new is not None
        return node if new is None else new


def rewrite_blocks(tree: ast.Module, change: Callable[[list[ast.stmt]], list[ast.stmt] | None]) -> ast.Module | None:
    """Replace statement blocks of the function in question, innermost first; an empty one becomes `pass`."""
    changed = False
    for owner, field, block in [*blocks(function_of(tree))][::-1]:
        new = change(block)
        if new is not None:
            setattr(owner, field, new or [ast.Pass()])
            changed = True
    return tree if changed else None


def blocks(root: ast.AST) -> Iterator[tuple[ast.AST, str, list[ast.stmt]]]:
    """(owner, field, statements) of every statement block, outermost first."""
    for node in ast.walk(root):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                yield node, field, block


def statements(root: ast.AST) -> int:
    """Number of statements in the body, those in blocks inside it counted as well."""
    return sum(isinstance(node, ast.stmt) for node in ast.walk(root)) - isinstance(root, ast.stmt)


# Names


def loads(node: ast.AST) -> list[ast.Name]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]


def reads(*nodes: ast.AST) -> set[str]:
    """Names that are read, and attributes as `x.y`."""
    return {
        ast.unparse(n)
        for node in nodes
        for n in ast.walk(node)
        if isinstance(n, ast.Name | ast.Attribute) and isinstance(n.ctx, ast.Load)
    }


def writes(*nodes: ast.AST) -> set[str]:
    """Names and attributes that are bound; what a subscript or a method may change counts as bound too."""
    found = set()
    for node in nodes:
        for n in ast.walk(node):
            if isinstance(n, ast.Name | ast.Attribute) and not isinstance(n.ctx, ast.Load):
                found.add(ast.unparse(n))
            elif isinstance(n, ast.Subscript) and not isinstance(n.ctx, ast.Load):
                found.add(ast.unparse(n.value))
            elif isinstance(n, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and n.name:
                found.add(n.name)
            elif isinstance(n, ast.alias):
                found.add((n.asname or n.name).partition(".")[0])
    return found


def parameters(function: Function | ast.Lambda) -> list[ast.arg]:
    a = function.args
    return [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]


def fresh(tree: ast.AST, rng: random.Random) -> str:
    """A name that the tree does not use."""
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    used |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    while True:
        name = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(3))
        if name not in used:
            return name


# Small trees


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def call(function: str, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    """A call of a dotted name."""
    name = ast.parse(function, mode="eval").body
    return ast.Call(name, list(arguments), [ast.keyword(key, value) for key, value in keywords.items()])


def negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def stored_name(statement: ast.stmt) -> str | None:
    """`x` of `x = value`."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def is_call(node: ast.AST | None, *names: str) -> TypeGuard[ast.Call]:
    """Whether a node is a call without starred arguments, of one of these dotted names."""
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) in names
        and not any(isinstance(argument, ast.Starred) for argument in node.args)
    )


def leaves(statement: ast.stmt) -> bool:
    """Whether nothing after the statement is reached."""
    return isinstance(statement, ast.Return | ast.Raise | ast.Continue | ast.Break)


def contains(node: ast.AST, *kinds: type[ast.AST]) -> bool:
    return any(isinstance(n, kinds) for n in ast.walk(node))


def substituted(node: ast.AST, values: dict[str, ast.expr]) -> ast.AST:
    """The node with loaded names replaced by expressions."""
    holder = ast.Expression(body=node)  # type: ignore[arg-type]
    rewriter = _Rewriter(
        lambda n: values.get(n.id) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) else None
    )
    rewriter.visit(holder)
    return holder.body
