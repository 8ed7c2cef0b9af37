"""What a class makes its attributes with: found by looking at its assignments, before anything in it is lowered."""

from __future__ import annotations

from itertools import islice

from codeclone.parse.calls import ARGUMENTS, IDENTIFIER, library_name
from codeclone.parse.graph import GraphBuilder
from codeclone.parse.lowering import Definitions, Lowering
from codeclone.parse.names import Names
from codeclone.parse.syntax import KIND, Syntax
from codeclone.parse.units import Unit

MAX_INHERITED = 400
"""Attributes and methods; of a base class with more, none are taken over."""

MAX_BASES = 8
"""Base classes that stand in the same file and tell a class its attributes and methods."""

_STATEMENT = KIND["expression_statement"]
_ASSIGN = KIND["assignment"]
_CALL = KIND["call"]
_ATTRIBUTE = KIND["attribute"]
_LITERALS = frozenset((KIND["integer"], KIND["float"], KIND["string"]))


def class_definitions(
    syntax: Syntax,
    names: Names,
    unit: Unit,
    methods: dict[bytes, int],
    functions: dict[bytes, int],
    known: dict[bytes, Definitions],
) -> Definitions:
    """Methods and attributes of a class; those of a base class in the same file count too."""
    kinds, after = syntax.kind, syntax.next
    body = frozenset(syntax.children(syntax.children(unit.node)[-1]))
    made: dict[bytes, bytes] = {}
    literals: dict[bytes, int] = {}
    rebound: set[bytes] = set()
    s = Lowering(GraphBuilder(), syntax, names, Definitions(functions))
    for node in range(unit.node + 1, after[unit.node]):
        if kinds[node] != _ASSIGN:
            continue
        target = node + 1
        right = after[target]
        if right >= after[node]:
            continue
        name = _attribute_set(syntax, node, body)
        if name is None:
            continue
        if name in made:
            rebound.add(name)
        made.setdefault(name, _made_with(s, right))
        if kinds[right] in _LITERALS and after[right] == right + 1:
            literals.setdefault(name, right)
    for name in rebound:
        literals.pop(name, None)
    bases = unit.node + 2
    if bases < after[unit.node] and kinds[bases] == ARGUMENTS:
        above_it = {text: known[text] for text in map(syntax.text, syntax.children(bases)) if text in known}
        for above in islice(above_it.values(), MAX_BASES):
            if len(above.made_with) + len(above.methods) <= MAX_INHERITED:
                made = above.made_with | made
                literals = {name: node for name, node in above.literals.items() if name not in made} | literals
                methods = above.methods | methods
    return Definitions(functions, methods, made, literals)


def _attribute_set(syntax: Syntax, node: int, body: frozenset[int]) -> bytes | None:
    """The attribute of the instance that an assignment binds: `self.x = …`, or `x = …` in the class body."""
    kinds, after = syntax.kind, syntax.next
    target = node + 1
    if kinds[target] == _ATTRIBUTE and kinds[target + 1] == IDENTIFIER and after[target] == target + 3:
        return syntax.text(target + 2) if syntax.text(target + 1) in (b"self", b"cls") else None
    # In the class body: the assignment stands in a statement of the class's own block.
    in_body = kinds[node - 1] == _STATEMENT and node - 1 in body
    return syntax.text(target) if kinds[target] == IDENTIFIER and in_body else None


def _made_with(s: Lowering, node: int) -> bytes:
    if s.kind[node] != _CALL:
        return b"attr"
    library = library_name(s, node + 1)
    return s.spellings.get(library, library) if library is not None else b"attr"
