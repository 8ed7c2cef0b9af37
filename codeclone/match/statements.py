"""The statements of a fragment as token sequences without layout, and what it is written with.

Statement: a simple statement or the header of a compound one; a decorator, `else`, `try` and `finally` count as one
each. Left out: white space, parentheses, comments, docstrings and other strings that stand alone, annotations, `pass`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codeclone.parse.names import BUILTINS, USUAL_ALIASES, api_names, property_names

MAX_IN_PLACE, MAX_TOKENS = 8, 2_000
"""Temporaries are put in place up to this depth, and up to this many tokens of a statement."""

NAME, SELF, ATTRIBUTE, METHOD, KEYWORD = "$", "~", ".", "!", "="
"""First character of a token that a copier can rename: a variable; an attribute of `self`; one of anything else that is
read; one that is called; the keyword of an argument of the programmer's own function. Each
of them is a namespace."""

BUILTIN_NAMES = frozenset(name.decode() for name in BUILTINS)

OBJECTS = frozenset((NAME + "self", NAME + "cls"))
"""Every method's first parameter: it stands for itself alone."""

_NAMESPACES = (NAME, SELF, ATTRIBUTE, METHOD, KEYWORD)

MODULES = frozenset(USUAL_ALIASES)
"""Usual names of library modules: of these each file may choose its own abbreviation."""

_TYPES = frozenset(b"bool long float half double int short".split())
"""Of numbers, without their width."""

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One call."""

    name: str
    """The last part of what is called."""
    form: str
    """`name`, `method`, `function` (of a module that goes by one of its usual names) or `self`."""
    positional: int
    keywords: int


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
    counts: Mapping[str, int]
    """Kind of syntax -> how often the statement itself has it."""
    calls: tuple[Call, ...]
    folded: frozenset[str]
    """Values of its constant expressions."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A fragment as its statements and what they are written with."""

    statements: tuple[Statement, ...]
    counts: Mapping[str, int]
    """Kind of syntax -> how often."""
    calls: tuple[Call, ...]
    prose: tuple[tuple[str, ...], tuple[str, ...]]
    """(docstrings and other strings that stand alone, comments), without their layout."""
    bound: frozenset[str]
    """Names that the fragment itself binds."""
    parameters: tuple[str, ...]
    """Of the outermost function."""
    name: str | None
    """That a `def` or `class` on the first line defines."""
    defined: frozenset[str]
    """Names of the functions and classes it defines, as tokens."""
    once: frozenset[str]
    """Locals that are bound once, by an assignment of their own, and used once."""
    text: str


def fixed(token: str, bound: frozenset[str]) -> bool:
    """Whether the name is a library's: another one of them in its place is another function and not a rename."""
    name = token[1:].encode()
    if token in OBJECTS:
        return True
    if token[0] == NAME:
        return token[1:] not in bound and name not in MODULES and (name in BUILTINS or name in api_names())
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
