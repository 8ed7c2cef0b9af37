"""The state of lowering one definition, and the table of what lowers each kind of syntax.

Which two ways of writing are one value is decided in algebra.py, sequences.py and library.py (docs/dataflow.md); the
modules that know the syntax (expressions.py, calls.py, literals.py) enter their functions into the table here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import or_

from codeclone.parse.graph import GraphBuilder, child_of, edge
from codeclone.parse.names import Names, api_names, property_names, self_names, spellings
from codeclone.parse.syntax import KIND, LANGUAGE, Syntax

MAX_KEPT_STRING = 40
"""Characters; a longer string is text rather than a value that says what the code does."""

MAX_OPERANDS = 64
"""Chains and lists with more operands than this are not flattened into one value: it would take quadratic work."""

MAX_UNROLLING = 2
"""Loops inside loops that are lowered as their turns."""

MAX_UNROLLED = 6
"""A loop over at most this many elements that are written out is lowered as its turns one after the other."""


MAX_IN_PLACE = 1200
"""Syntax nodes of helpers that are lowered in place of calls in one definition, and so many calls deep at most:"""

MAX_INLINING = 2

Arguments = list[tuple[bytes | None, int]]
"""(keyword or None, value) of each argument of a call."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A function that can be lowered in place of its calls."""

    parameters: tuple[tuple[bytes, int | None], ...]
    """(name, syntax node of the default) in order."""
    static: bool
    body: int
    """Syntax node of its block."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a file defines that a fragment of it may use."""

    functions: dict[bytes, int]
    """Top-level function -> its syntax node."""
    methods: dict[bytes, int] = field(default_factory=dict)
    """Method of the class at hand -> its syntax node."""
    made_with: dict[bytes, bytes] = field(default_factory=dict)
    """Attribute of `self` -> the library's constructor that made it, or `attr`."""
    literals: dict[bytes, int] = field(default_factory=dict)
    """Attribute of `self` -> syntax node of the number or string it always is."""
    parameters: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    """Names of the parameters of functions that have functions inside, by syntax node."""
    helpers: dict[int, Helper | None] = field(default_factory=dict)
    """What has been found out about functions that are lowered in place of their calls, by syntax node."""


class Lowering:
    """Builder, environment and names while one definition is lowered."""

    def __init__(self, graph: GraphBuilder, syntax: Syntax, names: Names, defined: Definitions) -> None:
        self.graph = graph
        self.syntax = syntax
        self.kind = syntax.kind
        self.next = syntax.next
        self.start = syntax.start
        self.end = syntax.end
        self.source = syntax.source
        self.names = names
        self.api = api_names()
        self.properties = property_names()
        self.from_bases = self_names()
        self.spellings = spellings()
        self.slots = graph.positions
        self.env: dict[bytes, int] = {}
        self.defined = defined
        self.in_place: Callable[[Lowering, int, Arguments, bool], int | None] | None = None
        """Lowers a helper's body in place of a call of it; None where there is no more room for that."""
        self.local_functions: dict[int, int] = {}
        """Value of a function or lambda inside this definition -> its syntax node."""
        self.inputs: dict[int, bytes] = {}
        """What the definition is given, and what is stored in that: value -> dotted path, names as written."""
        self.inlined = self.inlining = 0
        """Syntax nodes of helpers lowered in place so far, and how many calls deep this is."""
        self.self_name = b""
        self.effects: list[int] = []
        self.inside_function = False
        self.unrolling = 0
        """How many loops around are being lowered as their turns."""
        self.told_by_surroundings = False
        """Whether anything was lowered otherwise than it would be if the fragment were cut out of its file."""

    def scope(self) -> dict[bytes, int]:
        """A copy of what is bound, for names that hold in one place only. It counts as work."""
        self.graph.charge(len(self.env))
        return dict(self.env)

    # Nodes

    def leaf(self, label: bytes, at: int, name: bytes = b"") -> int:
        """A value made of nothing; `name` tells it from others of the same label and enters no fact."""
        return self.graph.node(self.graph.label(label), (), at, name)

    def given(self, label: bytes, at: int, path: bytes) -> int:
        """A parameter, or an attribute of one or of `self`: which of them enters no fact."""
        node = self.leaf(label, at, path)
        self.inputs[node] = path
        return node

    def make(self, name: bytes, operands: Iterable[int], at: int) -> int:
        """A value whose operands have their places."""
        placed = tuple(operands)
        slots = self.slots
        if len(placed) > len(slots):
            slots = slots + slots[-1:] * (len(placed) - len(slots))
        graph = self.graph
        return graph.node(graph.label(name), tuple(map(or_, slots, placed)), at)

    def make_any_order(self, name: bytes, operands: Iterable[int], at: int) -> int:
        """A value whose operands have no order."""
        return self.graph.node(self.graph.label(name), tuple(sorted(operands)), at)

    def root(self, name: bytes, operands: Iterable[int], at: int) -> int:
        """A value that matters by itself: returned, stored, raised, declared."""
        node = self.make(name, operands, at)
        self.graph.root(node)
        return node

    def effect(self, node: int) -> None:
        """Something is done for its effect, under the conditions around it."""
        self.graph.root(node)
        self.effects.append(node)

    def keyword(self, name: bytes, child: int) -> int:
        return edge(child, self.graph.slot(b"=" + name))

    def label_of(self, node: int) -> bytes:
        return self.graph.label_names[self.graph.labels[node]]

    def operands(self, node: int) -> list[int]:
        return [child_of(an_edge) for an_edge in self.graph.edges[node]]

    def is_label(self, node: int, name: bytes) -> bool:
        return self.graph.labels[node] == self.graph.label_ids.get(name, -1)

    def is_made_of(self, node: int, name: bytes, count: int) -> bool:
        """Whether a value is an operation on so many operands. The name of a function alone is not, nor is a call with
        the wrong number of arguments."""
        return self.is_label(node, name) and len(self.graph.edges[node]) == count

    def written_out(self, source: int) -> list[int] | None:
        """The elements of a short tuple or list that is written out; None for anything else."""
        written = self.is_label(source, b"<tuple>") or self.is_label(source, b"<list>")
        if written and self.unrolling < MAX_UNROLLING:
            operands = self.operands(source)
            if 0 < len(operands) <= MAX_UNROLLED:
                return operands
        return None


Handler = Callable[[Lowering, int], int]
"""(lowering, syntax node) -> value graph node."""

HANDLERS: list[Handler | None] = [None] * LANGUAGE.node_kind_count


def handles(*kinds: str) -> Callable[[Handler], Handler]:
    """Enter a function into the table for these kinds of syntax."""

    def enter(handler: Handler) -> Handler:
        for kind in kinds:
            HANDLERS[KIND[kind]] = handler
        return handler

    return enter


def value(s: Lowering, node: int) -> int:
    """Lower any expression. Returns its value graph node."""
    handler = HANDLERS[s.kind[node]]
    return handler(s, node) if handler is not None else _other(s, node)


def _other(s: Lowering, node: int) -> int:
    """Anything without a rule of its own: its kind, over what is in it."""
    name = LANGUAGE.node_kind_for_id(s.kind[node]) or "error"
    return s.make(b"<%s>" % name.encode(), [value(s, child) for child in s.syntax.children(node)], s.start[node])
