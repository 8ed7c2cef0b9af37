"""A fragment's text -> its statements as token sequences without layout, and what it is written with (libcst).

Statement: a simple statement or the header of a compound one; a decorator, `else`, `try` and `finally` count as one
each. Left out: white space, parentheses, comments, docstrings and other strings that stand alone, annotations, `pass`.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from codeclone.model import Fragment
from codeclone.parse.names import BUILTINS, USUAL_ALIASES, api_names, property_names, self_names

if TYPE_CHECKING:
    import libcst

MAX_CHARACTERS = 40_000
"""Of one fragment: libcst reads about half a megabyte in a second."""

MAX_NESTING = 150
"""Brackets, operators and keywords inside each other, by an upper bound: from about 2,000 on libcst's native parser runs
out of stack, which no exception handler survives."""

MAX_INDENTS = 60
MAX_ELIFS = 100
MAX_IN_PLACE, MAX_TOKENS = 8, 2_000
"""Temporaries are put in place up to this depth, and up to this many tokens of a statement."""

MAX_CONSTANT = 1e18
"""Constant expressions are worked out up to here."""

NAME, SELF, ATTRIBUTE, METHOD, KEYWORD = "$", "~", ".", "!", "="
"""First character of a token that a copier can rename: a variable; an attribute of `self`; one of anything else that is
read; one that is called; the keyword of an argument of the programmer's own function. Each
of them is a namespace."""

BUILTIN_NAMES = frozenset(name.decode() for name in BUILTINS)

OBJECTS = frozenset((NAME + "self", NAME + "cls"))
"""Every method's first parameter: it stands for itself alone."""

_NAMESPACES = (NAME, SELF, ATTRIBUTE, METHOD, KEYWORD)

_MODULES = frozenset(USUAL_ALIASES)
"""Of these each file may choose its own abbreviation."""

_TYPES = frozenset(b"bool long float half double int short".split())
"""Of numbers, without their width."""

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement."""

    tokens: Tokens
    """Its syntax tree in preorder, each node with the number of its children, so that equal tokens are equal trees and
    each expression is a contiguous run. Literals by value."""
    blind: Tokens
    """The same without the programmer's names."""
    depth: int
    """Blocks around it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call."""

    name: str
    """The last part of what is called."""
    form: str
    """`name`, `method`, `function` (of a library module) or `self`."""
    positional: int
    keywords: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A fragment as its statements and what they are written with."""

    statements: tuple[Statement, ...]
    counts: Mapping[str, int]
    """Kind of syntax -> how often."""
    calls: tuple[Call, ...]
    numbers: Mapping[str, int]
    """Literal numbers, by value."""
    folded: Mapping[str, int]
    """Values of constant expressions."""
    prose: tuple[tuple[str, ...], tuple[str, ...]]
    """(docstrings and other strings that stand alone, comments), without their layout."""
    bound: frozenset[str]
    """Names that the fragment itself binds."""
    parameters: tuple[str, ...]
    """Of the outermost function."""
    name: str | None
    """That a `def` or `class` on the first line defines."""
    once: frozenset[str]
    """Locals that are bound once, by an assignment of their own, and used once."""
    text: str


def fixed(token: str, bound: frozenset[str]) -> bool:
    """Whether the name is a library's: another one of them in its place is another function and not a rename."""
    name = token[1:].encode()
    if token in OBJECTS:
        return True
    if token[0] == NAME:
        return token[1:] not in bound and name not in _MODULES and (name in BUILTINS or name in api_names())
    if token[0] == ATTRIBUTE:
        return name in property_names() or name in _TYPES or (name[-1:].isdigit() and name in api_names())
    return token[0] == METHOD and name in api_names()


def without_literals(tokens: Tokens) -> Tokens:
    """The same with each number and string replaced by one mark."""
    return tuple(token[0] if token[0] in "#'" else token for token in tokens)


def renameable(token: str) -> bool:
    """Whether a token is a name."""
    return token[0] in _NAMESPACES


def in_place(tokens: Tokens, values: Mapping[str, Tokens]) -> Tokens:
    """Tokens with names replaced by what they stand for, as often as that changes something."""
    for _ in range(MAX_IN_PLACE):
        new = tuple(part for token in tokens for part in values.get(token, (token,)))
        if new == tokens or len(new) > MAX_TOKENS:
            break
        tokens = new
    return tokens


class Reader:
    """Reads each text once, until `budget` characters have been read."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._read: dict[str, Listing | str] = {}

    def read(self, fragment: Fragment) -> Listing | str:
        """The fragment's statements, or why there are none."""
        if fragment.language != "python":
            return f"{fragment.language} is not read statement by statement"
        text = "\n".join(line for _, line in fragment.lines)
        if text not in self._read:
            if len(text) > self.budget:
                return "the pairs before it used up what is read statement by statement"
            self.budget -= len(text)
            self._read[text] = listing(text)
        return self._read[text]


def listing(text: str) -> Listing | str:
    """The statements of a text, or why it is not read: what libcst cannot parse, or what could harm it."""
    text = _dedented(text)
    comments: list[str] = []
    harm = _harm(text, comments)
    if harm:
        return harm
    module = _parse(text)
    if module is None:
        return "it is not Python that libcst parses"
    return _Lister(comments, text).run(module)


def _dedented(text: str) -> str:
    """Without the indentation of the first line that holds something."""
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip(" \t"))]
    return "\n".join(line.removeprefix(margin) for line in lines).strip("\n") + "\n"


_SCAN = re.compile(
    r"""(?P<string>(?P<prefix>\b[A-Za-z]{1,2})?(?:\"\"\"(?:[^\\"]++|\\.|"(?!""))*+\"\"\"|'''(?:[^\\']++|\\.|'(?!''))*+'''
    |(?P<open>\"\"\"|''')|"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'))
    |(?P<comment>\#[^\n]*+)|(?P<continued>\\\r?\n)|(?P<newline>[\n;])|(?P<left>[(\[{])|(?P<right>[)\]}])|(?P<comma>,)
    |(?P<operator>[-+*/%@&|^~<>=!.:]++|\b(?:not|lambda|if|else|for|and|or|await|in|is|yield)\b)
    |(?P<elif>\belif\b)|\w++""",
    re.VERBOSE | re.DOTALL,
)

_INSIDE = re.compile(r"[(\[{]|[-+*/%@&|^~<>=!.:]+|\b(?:not|lambda|if|for|and|or|await|in|is)\b")
"""What can nest inside a formatted string."""


def _harm(text: str, comments: list[str]) -> str:
    """Why the text is not handed to libcst, or nothing. Collects the comments on the way."""
    if len(text) > MAX_CHARACTERS:
        return f"it is longer than {MAX_CHARACTERS:,} characters"
    if "\0" in text:
        return "it contains null bytes"
    if len({len(line) - len(line.lstrip(" \t")) for line in text.split("\n")}) > MAX_INDENTS:
        return "it is nested too deeply"
    levels, nesting, elifs = [0], 0, 0
    for match in _SCAN.finditer(text):
        kind = match.lastgroup
        if match["open"]:
            return "it is not Python that libcst parses"
        if match["string"]:
            levels[-1] += 1
            if "f" in (match["prefix"] or "").lower():
                nesting = max(nesting, len(_INSIDE.findall(match[0])))
        elif kind == "comment":
            comments.append(" ".join(match[0][1:].split()))
        elif kind == "left":
            levels.append(0)
        elif kind == "right":
            if len(levels) > 1:
                levels.pop()
            levels[-1] += 1
        elif kind == "comma" or (kind == "newline" and len(levels) == 1):
            levels[-1] = 0
        elif kind == "operator":
            levels[-1] += 1
        elif kind == "elif":
            elifs += 1
        nesting = max(nesting, len(levels) + sum(levels))
        if nesting > MAX_NESTING or elifs > MAX_ELIFS:
            return "it is nested too deeply"
    return ""


def _parse(text: str) -> libcst.Module | None:
    """The tree; a header that has lost its body, which is a fragment of its own, is given an empty one."""
    import libcst

    last = text.rstrip("\n").rpartition("\n")[2]
    margin = last[: len(last) - len(last.lstrip(" \t"))]
    for attempt in (text, f"{text}{margin}    pass\n"):
        try:
            return libcst.parse_module(attempt)
        except (libcst.ParserSyntaxError, libcst.CSTValidationError, RecursionError, ValueError, UnicodeError):
            continue
        except Exception as error:  # what the native parser raises on damaged text is of no one type
            if isinstance(error, MemoryError):
                raise
            continue
    return None


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


@cache
def _parts(kind: str) -> tuple[str, ...]:
    """Fields of a kind of node that are no layout and no block."""
    import libcst

    layout = _LAYOUT - {"body", "orelse"} if kind in _BODIES else _LAYOUT
    names = [field.name for field in fields(getattr(libcst, kind))]
    return tuple(name for name in names if name not in layout and "whitespace" not in name and name[:1] != "_")


def _kind(node: Any) -> str:
    return type(node).__name__


class _Lister:
    """One walk over one tree."""

    def __init__(self, comments: list[str], text: str) -> None:
        self.found: list[tuple[list[str], int]] = []
        self.counts: Counter[str] = Counter()
        self.calls: list[Call] = []
        self.numbers: Counter[str] = Counter()
        self.folded: Counter[str] = Counter()
        self.docstrings: list[str] = []
        self.comments = comments
        self.bound: set[str] = set()
        self.imported: set[str] = set()
        self.bindings: Counter[str] = Counter()
        self.assigned: Counter[str] = Counter()
        self.parameters: tuple[str, ...] = ()
        self.name: str | None = None
        self.text = text

    def run(self, module: libcst.Module) -> Listing | str:
        try:
            self.block(module.body, 0)
        except RecursionError:
            return "it is nested too deeply"
        bound = frozenset(self.bound)
        blind: dict[str, str] = {}
        statements = []
        uses: Counter[str] = Counter()
        for tokens, depth in self.found:
            for token in tokens:
                if token not in blind:
                    blind[token] = token[0] if renameable(token) and not fixed(token, bound) else token
                if token[0] == NAME:
                    uses[token[1:]] += 1
            statements.append(Statement(tuple(tokens), tuple(blind[token] for token in tokens), depth))
        once = frozenset(
            name
            for name, count in self.assigned.items()
            if count == 1 and self.bindings[name] == 1 and uses[name] == 2 and name not in self.parameters
        )
        return Listing(
            tuple(statements), dict(self.counts), tuple(self.calls), dict(self.numbers), dict(self.folded),
            (tuple(self.docstrings), tuple(self.comments)), bound, self.parameters, self.name, once, self.text,
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
            value = _string(node.value)
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
        stack = list(parts)[::-1]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                tokens.append(item)
            else:
                stack.extend(reversed(list(self.expand(item))))
        self.found.append((tokens, depth))

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
            yield "'" + _string(node)
        elif kind == "FormattedStringText":
            yield "'" + node.value
        elif kind in ("Integer", "Float", "Imaginary"):
            value = _number(node)
            self.numbers[value] += 1
            yield "#" + value
        elif kind == "Parameters":
            yield from self.parameter_list(node)
        else:
            self.look(node, kind)
            yield from _generic(node, kind)

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
            if form == "method" and _root(func) and (_root(func) not in self.bound or _root(func) in self.imported):
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
        value = _constant(node, 8)
        if value is not None:
            self.folded[_spell(value)] += 1


def _generic(node: Any, kind: str) -> Iterator[Any]:
    inside: list[Any] = []
    arity: list[str] = []
    for name in _parts(kind):
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


def _string(node: Any) -> str:
    """The value of a string literal; as written where it has none of its own (a formatted one)."""
    if _kind(node) == "ConcatenatedString":
        pieces, rest = [], node
        while _kind(rest) == "ConcatenatedString":
            pieces.append(rest.left)
            rest = rest.right
        return "".join(_string(piece) for piece in (*pieces, rest))
    if _kind(node) == "FormattedString":
        return "".join(str(part.value) if _kind(part) == "FormattedStringText" else "{}" for part in node.parts)
    prefix, raw = str(node.prefix).lower(), str(node.raw_value)
    value: str | bytes = raw
    if "\\" in raw and "r" not in prefix:
        try:
            with warnings.catch_warnings(action="ignore"):  # of escapes that mean nothing
                value = node.evaluated_value
        except (ValueError, SyntaxError):
            value = raw
    mark = "b" if "b" in prefix else ""
    return mark + (value if isinstance(value, str) else value.decode("latin-1"))


def _number(node: Any) -> str:
    text = str(node.value).lower().replace("_", "")
    try:
        if text.endswith("j"):
            return text
        if _kind(node) == "Integer":
            return _spell(int(text, 0))
        return _spell(float(text))
    except ValueError:
        return text


def _spell(value: float | int) -> str:
    """A number by value: 1.0 is not 1, for the two are different operands."""
    return repr(value) if isinstance(value, float) or abs(value) <= MAX_CONSTANT else hex(value)


def _constant(node: Any, depth: int) -> float | int | None:
    """The value of an expression of numbers only."""
    kind = _kind(node)
    if depth == 0:
        return None
    if kind in ("Integer", "Float"):
        try:
            return int(node.value.replace("_", ""), 0) if kind == "Integer" else float(node.value)
        except ValueError:
            return None
    if kind == "UnaryOperation" and _kind(node.operator) == "Minus":
        value = _constant(node.expression, depth - 1)
        return None if value is None else -value
    if kind != "BinaryOperation":
        return None
    left, right = _constant(node.left, depth - 1), _constant(node.right, depth - 1)
    if left is None or right is None or abs(left) > MAX_CONSTANT or abs(right) > MAX_CONSTANT:
        return None
    return _operate(_kind(node.operator), left, right)


def _operate(operator: str, left: float | int, right: float | int) -> float | int | None:
    if operator == "Add":
        return left + right
    if operator == "Subtract":
        return left - right
    if operator == "Multiply":
        return left * right
    if operator == "Divide" and right:
        return left / right
    if operator == "FloorDivide" and right:
        return left // right
    if operator == "Power" and left > 0 and abs(right) <= 64:
        try:
            return left**right if abs(left) <= 1024 else None
        except OverflowError:
            return None
    return None
