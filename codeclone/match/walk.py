"""A libcst tree -> the statements of a fragment. Knows the nodes by the names of their kinds, not the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from codeclone.match.literals import constant, number, spell, string
from codeclone.match.statements import (
    ATTRIBUTE,
    KEYWORD,
    METHOD,
    MODULES,
    NAME,
    SELF,
    Call,
    Listing,
    Statement,
    fixed,
    renameable,
)
from codeclone.parse.names import BUILTINS, api_names, self_names

_LAYOUT = frozenset(
    """
lpar rpar lbracket rbracket lbrace rbrace comma semicolon equal dot colon leading_lines lines_after_decorators header footer
trailing_whitespace indent annotation returns type_parameters start prefix end first_colon second_colon body orelse
finalbody handlers decorators newline star_arg_whitespace lines_after_module_docstring
""".split()
)
_BODIES = ("Lambda", "IfExp")
"""Expressions whose `body` or `orelse` is a part of theirs and not a block."""

_LOGGERS = frozenset("log logger logging _logger _log warnings".split())
_STRINGS = ("SimpleString", "ConcatenatedString", "FormattedString")


def _kind(node: Any) -> str:
    return type(node).__name__


class Walk:
    """One walk over one tree."""

    def __init__(self, comments: list[str], text: str) -> None:
        self.found: list[tuple[list[str], int, Counter[str], tuple[Call, ...], frozenset[str]]] = []
        self.counts: Counter[str] = Counter()
        self.calls: list[Call] = []
        self.told = Counter[str]()
        """What the counts were after the statement before."""
        self.folded: set[str] = set()
        self.docstrings: list[str] = []
        self.comments = comments
        self.bound: set[str] = set()
        self.imported: set[str] = set()
        self.bindings: Counter[str] = Counter()
        self.assigned: Counter[str] = Counter()
        self.parameters: tuple[str, ...] = ()
        self.name: str | None = None
        self.defined: set[str] = set()
        self.text = text
        self.fields: dict[str, tuple[str, ...]] = {}

    def run(self, module: Any) -> Listing | str:
        try:
            self.block(module.body, 0)
        except RecursionError:
            return "it is nested too deeply"
        bound = frozenset(self.bound)
        blind: dict[str, str] = {}
        statements = []
        uses: Counter[str] = Counter()
        for tokens, depth, counts, calls, folded in self.found:
            for token in tokens:
                if token not in blind:
                    blind[token] = token[0] if renameable(token) and not fixed(token, bound) else token
                if token[0] == NAME:
                    uses[token[1:]] += 1
            known = tuple(blind[token] for token in tokens)
            statements.append(Statement(tuple(tokens), known, depth, dict(counts), calls, folded))
        once = frozenset(
            name
            for name, count in self.assigned.items()
            if count == 1 and self.bindings[name] == 1 and uses[name] == 2 and name not in self.parameters
        )
        return Listing(
            tuple(statements), dict(self.counts), tuple(self.calls), (tuple(self.docstrings), tuple(self.comments)), bound, self.parameters, self.name,
            frozenset(self.defined), once, self.text,
        )  # fmt: skip

    # Blocks

    def block(self, body: Sequence[Any], depth: int) -> None:
        for place, node in enumerate(body):
            kind = _kind(node)
            if kind in ("SimpleStatementLine", "SimpleStatementSuite"):
                for small in node.body:
                    self.simple(small, depth)
                continue
            if kind == "If":
                self.shape_of_branch(node, last=place + 1 == len(body))
            self.compound(node, depth)

    def simple(self, node: Any, depth: int) -> None:
        kind = _kind(node)
        if kind == "Pass" or (kind == "Expr" and _kind(node.value) == "Ellipsis"):
            return
        if kind == "Expr" and _kind(node.value) in _STRINGS[:2]:
            value = string(node.value)
            self.docstrings.append(" ".join(value.split()))
            return
        if kind == "AnnAssign":
            self.counts["annotation"] += 1
            if node.value is None:
                return
            self.bind(node.target)
            self.assign_once([node.target])
            self.add(depth, ["Assign:1", node.target, node.value])
            return
        if kind == "Assign":
            self.assignment(node)
            self.add(depth, [f"Assign:{len(node.targets)}", *(t.target for t in node.targets), node.value])
            return
        if kind == "AugAssign":
            self.counts["augmented assignment"] += 1
            self.bind(node.target)
        elif kind == "Assert":
            self.counts["assert"] += 1
        elif kind == "Expr" and _kind(node.value) == "Call":
            root = _root(node.value.func)
            if root == "print" and "print" not in self.bound:
                self.counts["print"] += 1
            elif root.lower() in _LOGGERS:
                self.counts["logging call"] += 1
        self.add(depth, [node])

    def assignment(self, node: Any) -> None:
        for target in node.targets:
            self.bind(target.target)
        self.assign_once([target.target for target in node.targets])
        first = node.targets[0].target
        if _kind(first) in ("Tuple", "List") and _kind(node.value) in ("Tuple", "List"):
            self.counts["tuple assignment"] += len(first.elements) == len(node.value.elements)
        if (
            _kind(node.value) == "BinaryOperation"
            and _kind(first) == _kind(node.value.left) == "Name"
            and first.value == node.value.left.value
        ):
            self.counts["assignment of an operation to its operand"] += 1

    def assign_once(self, targets: Sequence[Any]) -> None:
        if len(targets) == 1 and _kind(targets[0]) == "Name":
            self.assigned[targets[0].value] += 1

    def compound(self, node: Any, depth: int) -> None:
        kind = _kind(node)
        asynchronous = ["async"] if getattr(node, "asynchronous", None) else []
        if kind in ("FunctionDef", "ClassDef"):
            for decorator in node.decorators:
                self.add(depth, ["@", decorator.decorator])
            self.definition(node, depth, asynchronous)
        elif kind == "If":
            self.branches(node, depth)
        elif kind == "For":
            self.counts["loop"] += 1
            self.bind(node.target)
            self.add(depth, [*asynchronous, "For", node.target, node.iter])
            self.suite(node.body, depth)
            self.otherwise(node.orelse, depth)
        elif kind == "While":
            self.counts["loop"] += 1
            self.add(depth, ["While", node.test])
            self.suite(node.body, depth)
            self.otherwise(node.orelse, depth)
        elif kind == "With":
            self.add(depth, [*asynchronous, f"With:{len(node.items)}", *node.items])
            self.suite(node.body, depth)
        elif kind in ("Try", "TryStar"):
            self.add(depth, ["try"])
            self.suite(node.body, depth)
            for handler in node.handlers:
                parts = [part for part in (handler.type, handler.name) if part is not None]
                self.add(depth, [f"except:{len(parts)}", *parts])
                self.suite(handler.body, depth)
            self.otherwise(node.orelse, depth)
            if node.finalbody is not None:
                self.add(depth, ["finally"])
                self.suite(node.finalbody.body, depth)
        elif kind == "Match":
            self.add(depth, ["Match", node.subject])
            for case in node.cases:
                self.add(depth + 1, ["case", case.pattern, *([case.guard] if case.guard is not None else [])])
                self.suite(case.body, depth + 1)
        else:
            self.add(depth, [node])

    def definition(self, node: Any, depth: int, asynchronous: list[str]) -> None:
        name = node.name.value
        self.bound.add(name)
        self.defined.add(NAME + name)
        if not self.found or (depth == 0 and self.name is None):
            self.name = name
        if _kind(node) == "ClassDef":
            self.add(
                depth,
                ["ClassDef", node.name, f"{len(node.bases)}", *node.bases, f"{len(node.keywords)}", *node.keywords],
            )
        else:
            self.counts["annotation"] += node.returns is not None
            if depth == 0 and not self.parameters:
                self.parameters = tuple(p.name.value for p in _parameters(node.params))
            self.add(depth, [*asynchronous, "FunctionDef", node.name, node.params])
        self.suite(node.body, depth)

    def suite(self, body: Any, depth: int) -> None:
        if _kind(body) == "SimpleStatementSuite":
            for small in body.body:
                self.simple(small, depth + 1)
        else:
            self.block(body.body, depth + 1)

    def otherwise(self, orelse: Any, depth: int) -> None:
        if orelse is not None:
            self.add(depth, ["else"])
            self.suite(orelse.body, depth)

    def branches(self, node: Any, depth: int) -> None:
        word = "if"
        while _kind(node) == "If":
            self.add(depth, [word, node.test])
            self.suite(node.body, depth)
            node, word = node.orelse, "elif"
        self.otherwise(node, depth)

    def shape_of_branch(self, node: Any, last: bool) -> None:
        body = node.body.body
        final = body[-1] if body else None
        if final is not None and _kind(final) == "SimpleStatementLine":
            final = final.body[-1]
        leaves = final is not None and _kind(final) in ("Return", "Raise", "Continue", "Break")
        self.counts["branch that leaves"] += leaves
        if node.orelse is not None:
            self.counts["branch with an else"] += 1
        elif leaves and not last:
            self.counts["guard clause"] += 1
        else:
            self.counts["branch without an else"] += 1

    # Names

    def bind(self, target: Any) -> None:
        stack = [target]
        while stack:
            node = stack.pop()
            kind = _kind(node)
            if kind == "Name":
                self.bound.add(node.value)
                self.bindings[node.value] += 1
            elif kind in ("Tuple", "List"):
                stack.extend(element.value for element in node.elements)

    # Tokens

    def add(self, depth: int, parts: Iterable[Any]) -> None:
        """One statement of tokens and nodes."""
        tokens: list[str] = []
        calls = len(self.calls)
        self.folded = set()
        stack = list(parts)[::-1]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                tokens.append(item)
            else:
                stack.extend(reversed(list(self.expand(item))))
        counts = self.counts - self.told
        self.told = self.counts.copy()
        self.found.append((tokens, depth, counts, tuple(self.calls[calls:]), frozenset(self.folded)))

    def expand(self, node: Any) -> Iterator[Any]:
        """A node as its own tokens and the nodes inside it, in order."""
        kind = _kind(node)
        if kind == "Name":
            yield NAME + node.value
        elif kind == "Attribute":
            yield from self.attribute(node, called=False)
        elif kind == "Call":
            yield from self.call(node)
        elif kind in _STRINGS[:2]:
            yield "'" + string(node)
        elif kind == "FormattedStringText":
            yield "'" + node.value
        elif kind in ("Integer", "Float", "Imaginary"):
            yield "#" + number(node)
        elif kind == "Parameters":
            yield from self.parameter_list(node)
        else:
            self.look(node, kind)
            yield from self.generic(node, kind)

    def attribute(self, node: Any, called: bool) -> Iterator[Any]:
        name = node.attr.value
        own = _kind(node.value) == "Name" and node.value.value in ("self", "cls")
        library = called and name.encode() in self_names()
        yield "Attribute"
        yield node.value
        if own and not library:
            yield SELF + name
        else:
            yield (METHOD if called else ATTRIBUTE) + name

    def call(self, node: Any) -> Iterator[Any]:
        func = node.func
        name, form, library = "", "name", False
        if _kind(func) == "Name":
            name = func.value
            library = name not in self.bound and (name.encode() in BUILTINS or name.encode() in api_names())
            if library and name in ("map", "filter"):
                self.counts["map"] += 1
        elif _kind(func) == "Attribute":
            name = func.attr.value
            root = func.value.value if _kind(func.value) == "Name" else ""
            form = "self" if root in ("self", "cls") else "method"
            module = _root(func)
            if form == "method" and (
                module in self.imported or (module not in self.bound and module.encode() in MODULES)
            ):
                form = "function"
            library = name.encode() in (self_names() if form == "self" else api_names())
            if form == "method" and _kind(func.value) in _STRINGS and name in ("format", "join"):
                self.counts[f"str.{name}"] += 1
        keywords = sum(arg.keyword is not None for arg in node.args)
        if name:
            self.calls.append(Call(name, form, len(node.args) - keywords, keywords))
        yield f"Call:{len(node.args)}"
        if _kind(func) == "Attribute":
            yield from self.attribute(func, called=True)
        else:
            yield func
        for arg in node.args:
            if arg.star:
                yield arg.star
            if arg.keyword is not None:
                yield ("keyword " if library else KEYWORD) + arg.keyword.value
            yield arg.value

    def parameter_list(self, node: Any) -> Iterator[Any]:
        found = _parameters(node)
        yield f"Parameters:{len(found)}:{len(node.posonly_params)}:{len(node.kwonly_params)}"
        for parameter in found:
            self.counts["annotation"] += parameter.annotation is not None
            self.bind(parameter.name)
            if isinstance(parameter.star, str) and parameter.star:
                yield parameter.star
            yield parameter.name
            if parameter.default is not None:
                yield "default"
                yield parameter.default

    def look(self, node: Any, kind: str) -> None:
        """Count what the fragment is written with."""
        if kind in ("ListComp", "SetComp", "DictComp", "GeneratorExp"):
            self.counts["comprehension"] += 1
        elif kind == "CompFor" or kind == "NamedExpr":
            self.bind(node.target)
        elif kind == "AsName":
            self.bind(node.name)
        elif kind == "ImportAlias":
            name = node.name if node.asname is None else node.asname.name
            if _root(name):
                self.bound.add(_root(name))
                self.imported.add(_root(name))
        elif kind == "IfExp":
            self.counts["conditional expression"] += 1
        elif kind == "FormattedString":
            self.counts["f-string"] += 1
        elif kind == "BinaryOperation":
            operator = _kind(node.operator)
            texts = [_kind(side) in _STRINGS for side in (node.left, node.right)]
            if operator == "Modulo" and texts[0]:
                self.counts["% formatting"] += 1
            elif operator == "Add" and any(texts):
                self.counts["string concatenation"] += 1
            elif operator == "MatrixMultiply":
                self.calls.append(Call("@", "operator", 2, 0))
            self.fold(node)
        elif kind == "Subscript" and any(_kind(e.slice) == "Index" and _is_none(e.slice.value) for e in node.slice):
            self.calls.append(Call("[None]", "operator", 1, 0))

    def fold(self, node: Any) -> None:
        value = constant(node, 8)
        if value is not None:
            self.folded.add(spell(value))

    def generic(self, node: Any, kind: str) -> Iterator[Any]:
        inside: list[Any] = []
        arity: list[str] = []
        for name in self.parts_of(node, kind):
            value = getattr(node, name)
            if isinstance(value, str):
                inside.append(f"{name}:{value}")
            elif isinstance(value, list | tuple):
                arity.append(str(len(value)))
                inside.extend(value)
            elif hasattr(value, "visit") and not _kind(value).startswith("Maybe"):
                arity.append(name[0])
                inside.append(value)
        yield f"{kind}:{','.join(arity)}" if arity else kind
        yield from inside

    def parts_of(self, node: Any, kind: str) -> tuple[str, ...]:
        """Fields of a kind of node that are no layout and no block."""
        if kind not in self.fields:
            layout = _LAYOUT - {"body", "orelse"} if kind in _BODIES else _LAYOUT
            names = [field.name for field in fields(node)]
            self.fields[kind] = tuple(
                name for name in names if name not in layout and "whitespace" not in name and name[:1] != "_"
            )
        return self.fields[kind]


def _parameters(node: Any) -> list[Any]:
    found = [*node.posonly_params, *node.params]
    if _kind(node.star_arg) == "Param":
        found.append(node.star_arg)
    found.extend(node.kwonly_params)
    if node.star_kwarg is not None:
        found.append(node.star_kwarg)
    return found


def _root(node: Any) -> str:
    """The bare name that a dotted one starts with, or nothing."""
    while _kind(node) == "Attribute":
        node = node.value
    return str(node.value) if _kind(node) == "Name" else ""


def _is_none(node: Any) -> bool:
    return _kind(node) == "Name" and node.value == "None"
