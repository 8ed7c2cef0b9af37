"""The state of lowering one definition, and the canonical forms that values are put into.

Each function here answers one question of the table in docs/dataflow.md: which two ways of writing are one value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from codeclone.parse.graph import GraphBuilder, child_of, edge
from codeclone.parse.names import Names, api_names, property_names, self_names, spellings
from codeclone.parse.syntax import Syntax

MAX_KEPT_STRING = 40
"""Characters; a longer string is text rather than a value that says what the code does."""

MAX_OPERANDS = 64
"""Chains and lists with more operands than this are not flattened into one value: it would take quadratic work."""

MAX_UNROLLING = 2
"""Loops inside loops that are lowered as their turns."""

MAX_UNROLLED = 6
"""A loop over at most this many elements that are written out is lowered as its turns one after the other."""


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
        """Lowers a helper's body in place of a call of it; None inside such a body."""
        self.self_name = b""
        self.effects: list[int] = []
        self.unrolling = 0
        """How many loops around are being lowered as their turns."""
        self.told_by_surroundings = False
        """Whether anything was lowered otherwise than it would be if the fragment were cut out of its file."""

    # Nodes

    def leaf(self, label: bytes, at: int, name: bytes = b"") -> int:
        """A value made of nothing; `name` tells it from others of the same label and enters no fact."""
        return self.graph.node(self.graph.label(label), (), at, name)

    def make(self, name: bytes, operands: Iterable[int], at: int) -> int:
        """A value whose operands have their places."""
        placed = tuple(operands)
        slots = self.slots
        if len(placed) > len(slots):
            slots = slots + slots[-1:] * (len(placed) - len(slots))
        edges = tuple([slot | child for slot, child in zip(slots, placed, strict=False)])
        return self.graph.node(self.graph.label(name), edges, at)

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

    # Canonical forms

    def chain(self, name: bytes, operands: list[int], at: int) -> int:
        """An associative and commutative operation: nested ones are one, operands have no order."""
        flat: list[int] = []
        for operand in operands:
            flat.extend(self.operands(operand) if self.is_label(operand, name) else (operand,))
        return self.make_any_order(name, flat if len(flat) <= MAX_OPERANDS else operands, at)

    def negate(self, node: int, at: int) -> int:
        """`not`, pushed down to what cannot be negated further (De Morgan)."""
        if self.is_label(node, b"<not>"):
            return self.operands(node)[0]
        for one, other in ((b"<and>", b"<or>"), (b"<or>", b"<and>")):
            if self.is_label(node, one):
                return self.chain(other, [self.negate(operand, at) for operand in self.operands(node)], at)
        return self.make(b"<not>", (node,), at)

    def polarity(self, condition: int, at: int) -> tuple[int, bool]:
        """(condition in the form that is tested, whether it stands for the condition itself or its negation).

        Of a condition and its negation always the same one is tested: never a `not` or an `or` at the top.
        """
        if self.is_label(condition, b"<not>") or self.is_label(condition, b"<or>"):
            return self.negate(condition, at), False
        return condition, True

    def choose(self, condition: int, then: int, otherwise: int, at: int) -> int:
        """phi(condition, then, otherwise), in one polarity."""
        if then == otherwise:
            return then
        condition, straight = self.polarity(condition, at)
        if not straight:
            then, otherwise = otherwise, then
        return self.make(b"<phi>", (condition, then, otherwise), at)

    def when(self, condition: int, effect: int, at: int) -> int:
        """An effect that happens only under a condition."""
        condition, straight = self.polarity(condition, at)
        return self.make(b"<when>" if straight else b"<unless>", (condition, effect), at)

    def item(self, source: int, at: int) -> int:
        """One element of what is iterated over."""
        if self.is_label(source, b"<indices>"):
            return self.make(b"<index>", self.operands(source), at)
        return self.make(b"<item>", (source,), at)

    def element(self, value: int, position: int, at: int) -> int:
        """`value[position]` by unpacking: through tuples, zip and enumerate to what is really meant."""
        if self.is_label(value, b"<tuple>") or self.is_label(value, b"<list>"):
            operands = self.operands(value)
            if position < len(operands):
                return operands[position]
        if self.is_label(value, b"<item>"):
            source = self.operands(value)[0]
            operands = self.operands(source)
            if self.is_label(source, b"zip") and position < len(operands):
                return self.item(operands[position], at)
            if self.is_label(source, b"enumerate") and operands and position < 2:
                return self.item(operands[0], at) if position else self.make(b"<index>", (operands[0],), at)
        return self.make(b"<[]>", (value, self.leaf(b"=%d" % position, at)), at)

    def subscript(self, value: int, indices: list[int], at: int) -> int:
        if len(indices) == 1 and self.is_label(indices[0], b"<index>") and self.operands(indices[0]) == [value]:
            return self.item(value, at)
        return self.make(b"<[]>", (value, *indices), at)

    def written_out(self, source: int) -> list[int] | None:
        """The elements of a short tuple or list that is written out; None for anything else."""
        written = self.is_label(source, b"<tuple>") or self.is_label(source, b"<list>")
        if written and self.unrolling < MAX_UNROLLING:
            operands = self.operands(source)
            if 0 < len(operands) <= MAX_UNROLLED:
                return operands
        return None

    def compose(self, element: int, source: int, condition: int | None, at: int) -> int:
        """All elements made from a source: a comprehension, a generator, `map`, or a loop that appends."""
        source = self.domain(source)
        operands = (element, source) if condition is None else (element, source, condition)
        return self.make(b"<comp>", operands, at)

    def domain(self, source: int) -> int:
        """What is really run over: counting the elements or going by their indices makes no difference."""
        if self.is_label(source, b"enumerate") or self.is_label(source, b"<indices>"):
            return self.operands(source)[0]
        return source

    def extend(self, base: int, added: int, at: int) -> int:
        """A list with more at its end."""
        if self.is_label(base, b"<list>") and self.is_label(added, b"<list>"):
            operands = (*self.operands(base), *self.operands(added))
            if len(operands) <= MAX_OPERANDS:
                return self.make(b"<list>", operands, at)
        return self.make(b"<extend>", (base, added), at)

    def after_loop(self, carried: int, before: int, value: int, source: int, at: int) -> int:
        """What a variable is after a loop over `source` whose body turned `carried` into `value`."""
        condition: int | None = None
        straight = True
        body = value
        if self.is_label(body, b"<phi>"):
            test, then, otherwise = self.operands(body)
            if otherwise == carried or then == carried:
                condition, straight = test, otherwise == carried
                body = then if straight else otherwise
        if self.is_label(body, b"<extend>") and self.operands(body)[0] == carried:
            added = self.operands(body)[1]
            if self.is_label(added, b"<list>") and len(self.operands(added)) == 1:
                added = self.operands(added)[0]
            if condition is not None and not straight:
                condition = self.negate(condition, at)
            every = self.compose(added, source, condition, at)
            empty = self.is_label(before, b"<list>") and not self.operands(before)
            return every if empty else self.extend(before, every, at)
        if self.is_label(body, b"+") and condition is None:
            rest = [operand for operand in self.operands(body) if operand != carried]
            if len(rest) + 1 == len(self.operands(body)):
                added = rest[0] if len(rest) == 1 else self.make_any_order(b"+", rest, at)
                total = self.make(b"sum", (self.compose(added, source, None, at),), at)
                return total if self.is_label(before, b"=0") else self.chain(b"+", [before, total], at)
        return self.make(b"<loop>", (value, self.domain(source)), at)
