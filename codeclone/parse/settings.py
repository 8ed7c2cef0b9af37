"""Classes that hold settings -> their default values, read off the syntax and never run.

A default is an argument of `__init__` with a literal, a literal in the class body (annotated or not, also as the `default`
of a field), `kwargs.pop("name", literal)`, or a literal given to an attribute of `self` in `__init__`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from codeclone.parse.syntax import KIND, Syntax
from codeclone.parse.units import Unit, line_starts, units

MAX_SETTINGS = 2_000
"""Of one class; the largest class of the packages of benchmarks/ has 150."""

MAX_LITERAL_ITEMS = 2_000
MAX_LITERAL_DEPTH = 8

_SETTINGS_NAME = re.compile(
    r"(?:Config|ConfigMixin|Configuration|Settings|Args|Arguments|Hparams|HParams|HyperParameters|Options|Params|Parameters)$"
)
"""Last word of the name of a class, or of one of its bases, that holds settings."""

_SETTINGS_CLASS = re.compile(
    rb"^[ \t]*class[ \t]+\w*(?:Config|Configuration|Settings|Args|Arguments|H[pP]arams|HyperParameters|Options|Params|"
    rb"Parameters)\b|^[ \t]*class[ \t]+\w+[ \t]*\([^)\n]*(?:Config|Configuration|Settings|Processor|FeatureExtractor|"
    rb"ImageProcessing)\w*\b",
    re.MULTILINE,
)

_PROCESSOR_NAME = re.compile(r"(?:Processor|FeatureExtractor|ImageProcessing\w*)$")

_CALL, _ARGUMENTS, _KEYWORD, _ATTRIBUTE = (
    KIND["call"], KIND["argument_list"], KIND["keyword_argument"], KIND["attribute"],
)  # fmt: skip
_ASSIGNMENT, _STATEMENT, _BLOCK = KIND["assignment"], KIND["expression_statement"], KIND["block"]
_IDENTIFIER, _STRING, _PARAMETERS = KIND["identifier"], KIND["string"], KIND["parameters"]
_DEFAULTS = frozenset((KIND["default_parameter"], KIND["typed_default_parameter"]))
_FUNCTION = KIND["function_definition"]


class NoLiteral(Exception):
    """What stands there is computed when it is run."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A name with its default."""

    key: str
    value: Any
    """None, truth value, number, string, or lists and dicts of these."""
    line: int
    """1-based."""


@dataclass(frozen=True, slots=True)
class SettingsClass:
    """A class that holds settings."""

    qualname: str
    first: int
    """1-based line of the class."""
    last: int
    """1-based, inclusive."""
    settings: tuple[Setting, ...]
    """In the order in which they stand, each name once: the first default that it is given."""


def may_hold_settings(source: bytes) -> bool:
    """Whether it is worth while to parse a file for such classes."""
    return _SETTINGS_CLASS.search(source) is not None


def settings_classes(syntax: Syntax, *, every: bool = False) -> list[SettingsClass]:
    """The classes of a file that hold settings: named or derived so, and processors; or all classes that have defaults."""
    starts = line_starts(syntax.source)
    found = units(syntax, starts)
    classes = []
    for index, unit in enumerate(found):
        if unit.kind == "class" and (every or _holds_settings(syntax, unit)):
            settings: dict[str, Setting] = {}
            for setting in _settings(syntax, unit, found, index, starts):
                if len(settings) < MAX_SETTINGS:
                    settings.setdefault(setting.key, setting)
            if settings:
                classes.append(SettingsClass(unit.qualname, unit.first, unit.last, tuple(settings.values())))
    return classes


def _holds_settings(syntax: Syntax, unit: Unit) -> bool:
    name = unit.qualname.rpartition(".")[2]
    bases = [
        syntax.text(child).decode("utf-8", "replace").rpartition(".")[2]
        for part in syntax.children(unit.node)
        if syntax.kind[part] == _ARGUMENTS
        for child in syntax.children(part)
    ]
    return any(_SETTINGS_NAME.search(word) or _PROCESSOR_NAME.search(word) for word in (name, *bases))


def _settings(syntax: Syntax, unit: Unit, found: list[Unit], index: int, starts: list[int]) -> Iterator[Setting]:
    def setting(key: bytes, value: Any, node: int) -> Setting:
        return Setting(key.decode("utf-8", "replace"), value, bisect_right(starts, syntax.start[node]))

    for statement in _body(syntax, unit.node):
        for key, value in _assigned(syntax, statement, _own_name):
            yield setting(key, value, statement)
    init = next((u for u in found if u.parent == index and u.qualname.endswith(".__init__")), None)
    if init is None:
        return
    for part in syntax.children(init.node):
        if syntax.kind[part] == _PARAMETERS:
            for parameter in syntax.children(part):
                children = syntax.children(parameter)
                if syntax.kind[parameter] in _DEFAULTS and len(children) == 2:
                    value = literal_or_none(syntax, children[1])
                    if value is not None:
                        yield setting(syntax.text(children[0]), value[0], parameter)
    node = init.node
    while node < syntax.next[init.node]:
        if syntax.kind[node] == _CALL:
            popped = _popped(syntax, node)
            if popped is not None:
                yield setting(*popped, node)
        node += 1
    for statement in _body(syntax, init.node):
        for key, value in _assigned(syntax, statement, _name_on_self):
            yield setting(key, value, statement)


def _body(syntax: Syntax, node: int) -> list[int]:
    block = next((child for child in syntax.children(node) if syntax.kind[child] == _BLOCK), None)
    return [] if block is None else syntax.children(block)


def _assigned(
    syntax: Syntax, statement: int, name_of: Callable[[Syntax, int], bytes | None]
) -> Iterator[tuple[bytes, Any]]:
    """(name, literal) of a statement that is an assignment of a literal to one name."""
    children = syntax.children(statement)
    if syntax.kind[statement] == _STATEMENT and len(children) == 1 and syntax.kind[children[0]] == _ASSIGNMENT:
        sides = syntax.children(children[0])
        name = name_of(syntax, sides[0]) if len(sides) == 2 else None
        if name is not None:
            value = literal_or_none(syntax, sides[1])
            if value is not None:
                yield name, value[0]


def _own_name(syntax: Syntax, node: int) -> bytes | None:
    return syntax.text(node) if syntax.kind[node] == _IDENTIFIER else None


def _name_on_self(syntax: Syntax, node: int) -> bytes | None:
    text = syntax.text(node)
    return text[5:] if syntax.kind[node] == _ATTRIBUTE and text.startswith(b"self.") and b"." not in text[5:] else None


def _popped(syntax: Syntax, call: int) -> tuple[bytes, Any] | None:
    """(name, literal) of `kwargs.pop("name", literal)` and of `.get`."""
    children = syntax.children(call)
    if len(children) != 2 or not syntax.text(children[0]).endswith((b".pop", b".get")):
        return None
    arguments = syntax.children(children[1])
    if len(arguments) != 2 or syntax.kind[arguments[0]] != _STRING:
        return None
    name, value = literal_or_none(syntax, arguments[0]), literal_or_none(syntax, arguments[1])
    return None if name is None or value is None else (str(name[0]).encode(), value[0])


def literal_or_none(syntax: Syntax, node: int) -> tuple[Any] | None:
    """The value of a literal, in a tuple; None where the node is none."""
    try:
        return (_literal(syntax, node, 0),)
    except (NoLiteral, ValueError, ArithmeticError):
        return None


_PREFIX = re.compile(rb"([A-Za-z]{0,3})(\"\"\"|'''|\"|')")
_OPERATIONS: dict[bytes, Callable[[Any, Any], Any]] = {
    b"+": lambda a, b: a + b,
    b"-": lambda a, b: a - b,
    b"*": lambda a, b: a * b,
    b"/": lambda a, b: a / b,
    b"//": lambda a, b: a // b,
}
"""Between numbers; powers only of small ones."""


def _literal(syntax: Syntax, node: int, depth: int) -> Any:
    kind, text = syntax.kind[node], syntax.text(node)
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return simple(text)
    children = syntax.children(node)
    if depth >= MAX_LITERAL_DEPTH or len(children) > MAX_LITERAL_ITEMS:
        raise NoLiteral
    if kind in _LISTS:
        return [_literal(syntax, child, depth + 1) for child in children]
    if kind == _DICTIONARY:
        pairs = [syntax.children(child) for child in children]
        if any(len(pair) != 2 for pair in pairs):
            raise NoLiteral
        return {str(_literal(syntax, key, depth + 1)): _literal(syntax, value, depth + 1) for key, value in pairs}
    if kind == _UNARY and text.startswith(b"-"):
        return -_number_of(syntax, children[-1], depth)
    if kind == _BINARY and len(children) == 3:
        return _operation(syntax, children, depth)
    if kind == _CALL:
        return _default_of(syntax, children, depth)
    raise NoLiteral


def _number_of(syntax: Syntax, node: int, depth: int) -> float | int:
    value = _literal(syntax, node, depth + 1)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 10**30:
        raise NoLiteral
    return value


def _operation(syntax: Syntax, children: list[int], depth: int) -> Any:
    left, right = (_number_of(syntax, child, depth) for child in (children[0], children[2]))
    operator = syntax.text(children[1])
    if operator == b"**":
        if abs(left) > 1000 or abs(right) > 40:
            raise NoLiteral
        power = left**right
        if isinstance(power, complex):  # a root of what is below zero
            raise NoLiteral
        return power
    if operator not in _OPERATIONS:
        raise NoLiteral
    return _OPERATIONS[operator](left, right)


def _default_of(syntax: Syntax, children: list[int], depth: int) -> Any:
    """The `default` of a call that describes a field, or what its `default_factory` returns."""
    for argument in syntax.children(children[-1]):
        parts = syntax.children(argument)
        if syntax.kind[argument] == _KEYWORD and len(parts) == 2:
            name = syntax.text(parts[0])
            if name == b"default":
                return _literal(syntax, parts[1], depth + 1)
            if name == b"default_factory" and syntax.kind[parts[1]] == _LAMBDA:
                return _literal(syntax, syntax.children(parts[1])[-1], depth + 1)
    raise NoLiteral


def _string(text: bytes) -> str:
    match = _PREFIX.match(text)
    if match is None or b"f" in match[1].lower():
        raise NoLiteral
    return text[match.end() : len(text) - len(match[2])].decode("utf-8", "replace")


def _integer(text: bytes) -> int:
    if len(text) > 100:
        raise NoLiteral
    return int(text.replace(b"_", b"").rstrip(b"lL"), 0)


def _float(text: bytes) -> float:
    value = float(text.replace(b"_", b""))
    if value in (float("inf"), float("-inf")):
        raise NoLiteral
    return value


_SIMPLE: dict[int, Callable[[bytes], Any]] = {
    KIND["integer"]: _integer,
    KIND["float"]: _float,
    KIND["string"]: _string,
    KIND["true"]: lambda text: True,
    KIND["false"]: lambda text: False,
    KIND["none"]: lambda text: None,
}
_LISTS = frozenset((KIND["list"], KIND["tuple"], KIND["set"]))
_DICTIONARY, _UNARY, _BINARY, _LAMBDA = (
    KIND["dictionary"], KIND["unary_operator"], KIND["binary_operator"], KIND["lambda"],
)  # fmt: skip
