"""The value graph: what flows into what, with one node for one value.

Nodes are numbered so that operands come before what is made of them (global value numbering, Alpern, Wegman, Zadeck
1988): the same operation on the same operands is the same node. Edges carry a slot, so that operands of commutative
operators are unordered while others are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

ANY_ORDER = 0
"""The slot of every operand of a commutative operation."""

IN_PLACE, CUT_OUT, LOCAL = 1, 2, 4
"""Readings of a fragment: with what its file and class tell about it, and as if it were cut out of them.
LOCAL marks what stands on the fragment's own lines, and not only in a helper that is read in place of its call."""

WORK_BASE, WORK_PER_NODE = 20_000, 60
"""Operands a fragment may take part in. The most in the packages of benchmarks/ is 30 for each syntax node."""

_SLOT_BITS = 32
_CHILD = (1 << _SLOT_BITS) - 1


def edge(child: int, slot: int) -> int:
    """One operand: node id and slot in one integer."""
    return slot << _SLOT_BITS | child


def child_of(an_edge: int) -> int:
    return an_edge & _CHILD


def hash_name(name: bytes) -> int:
    """The fixed 64-bit hash of a label or slot name: BLAKE2b with 8 bytes of digest, little-endian."""
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class ValueGraphs:
    """The value graphs of many fragments in flat arrays. Node ids are indices; children come before parents."""

    labels: NDArray[np.int32]
    """Index into `label_names`, for each node."""
    offsets: NDArray[np.int32]
    """Position in the source file (0-based byte offset) at which each node was first computed."""
    fragments: NDArray[np.int32]
    """Fragment of each node, ascending."""
    readings: NDArray[np.uint8]
    """In which readings of its fragment a node occurs, `IN_PLACE`, `CUT_OUT` or both, and whether it is `LOCAL`: bits."""
    edge_starts: NDArray[np.int64]
    """Of length nodes + 1: the edges of node n are `edge_starts[n]` to `edge_starts[n + 1]`, exclusive."""
    children: NDArray[np.int32]
    slots: NDArray[np.int32]
    """Index into `slot_names`, for each edge."""
    label_names: tuple[bytes, ...]
    slot_names: tuple[bytes, ...]


class TooMuchWork(Exception):
    """A fragment takes more work than its size allows: it was written to be slow, or by a program."""


class GraphBuilder:
    """Collects the value graphs of one repository."""

    def __init__(self) -> None:
        self.label_ids: dict[bytes, int] = {}
        self.label_names: list[bytes] = []
        self.slot_ids: dict[bytes, int] = {b"any": ANY_ORDER}
        self._slot_names: list[bytes] = [b"any"]
        self.positions = [edge(0, self.slot(b"%d" % place)) for place in range(64)]
        """Edges without a child, for the operands that have a place."""
        self.labels: list[int] = []
        self.edges: list[tuple[int, ...]] = []
        self.offsets: list[int] = []
        self._starts: list[int] = []
        self._memo: dict[tuple[int, tuple[int, ...], bytes], int] = {}
        self._roots: list[int] = []
        self._reading = IN_PLACE
        self._readings: list[int] = []
        self._local = bytearray()
        self._allowed = WORK_BASE
        self.called_from: int | None = None
        """While a helper is lowered in place of its call: where that call stands. Its values stand there too."""

    def label(self, name: bytes) -> int:
        ids = self.label_ids
        known = ids.get(name)
        if known is None:
            known = ids[name] = len(ids)
            self.label_names.append(name)
        return known

    def slot(self, name: bytes) -> int:
        ids = self.slot_ids
        known = ids.get(name)
        if known is None:
            known = ids[name] = len(ids)
            self._slot_names.append(name)
        return known

    def slot_name(self, an_edge: int) -> bytes:
        """The name of the slot of an edge: `any`, a place in digits, or `=keyword`."""
        return self._slot_names[an_edge >> _SLOT_BITS]

    def begin_fragment(self, size: int) -> None:
        """Values of another fragment are other values, whatever they are made of. `size`: its syntax nodes, which bound
        the work that is done on it."""
        self._memo = {}
        self._allowed = WORK_BASE + WORK_PER_NODE * size
        self._starts.append(len(self.labels))

    def charge(self, operands: int) -> None:
        """Count work that makes no values. Raises TooMuchWork."""
        self._allowed -= operands >> 3
        if self._allowed < 0:
            raise TooMuchWork

    def node(self, label: int, edges: tuple[int, ...], offset: int, name: bytes = b"") -> int:
        """The value that `label` makes of `edges`; the one that is there already if it is.

        Values that are alike and yet not the same, such as two parameters, are told apart by `name`, which does not
        enter any fact.
        """
        self._allowed -= 1 + len(edges)
        if self._allowed < 0:
            raise TooMuchWork
        key = (label, edges, name)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = len(self.labels)
            self.labels.append(label)
            self.edges.append(edges)
            if self.called_from is None:
                self.offsets.append(offset)
                self._local.append(LOCAL)
            else:
                self.offsets.append(self.called_from)
                self._local.append(0)
        elif self.called_from is None:
            self._local[known] = LOCAL
        return known

    def begin_reading(self, reading: int) -> None:
        """Roots from here on belong to this reading of the fragment: `IN_PLACE` or `CUT_OUT`."""
        self._reading = reading

    def same_when_cut_out(self, first_root: int) -> None:
        """Roots from `first_root` on belong to both readings: the surroundings told nothing."""
        self._readings[first_root:] = [IN_PLACE | CUT_OUT] * (len(self._readings) - first_root)

    @property
    def roots(self) -> int:
        """How many there are so far."""
        return len(self._roots)

    def root(self, node: int) -> None:
        """Something happens with this value: it is returned, stored, raised, or computed for its effect."""
        self._roots.append(node)
        self._readings.append(self._reading)

    def finish(self) -> ValueGraphs:
        """All values that something happens with; the others, dead code among them, are left out."""
        live = bytearray(len(self.labels))
        for node, reading in zip(self._roots, self._readings, strict=True):
            live[node] |= reading
        for node in range(len(self.labels) - 1, -1, -1):
            reading = live[node]
            if reading:
                for an_edge in self.edges[node]:
                    live[an_edge & _CHILD] |= reading
        readings = np.frombuffer(live, np.uint8)
        kept = np.flatnonzero(readings)
        edges = [self.edges[node] for node in kept.tolist()]
        edge_starts = np.zeros(len(edges) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, edges), np.int64, len(edges)), out=edge_starts[1:])
        packed = np.fromiter(chain.from_iterable(edges), np.int64, int(edge_starts[-1]))
        renumbered = np.cumsum(readings > 0, dtype=np.int32) - 1
        starts = np.asarray([*self._starts, len(self.labels)], np.int64)
        fragments = np.repeat(np.arange(len(self._starts), dtype=np.int32), np.diff(starts))
        return ValueGraphs(
            labels=np.asarray(self.labels, np.int32)[kept],
            offsets=np.asarray(self.offsets, np.int32)[kept],
            fragments=fragments[kept],
            readings=readings[kept] | np.frombuffer(self._local, np.uint8)[kept],
            edge_starts=edge_starts,
            children=renumbered[packed & _CHILD],
            slots=(packed >> _SLOT_BITS).astype(np.int32),
            label_names=tuple(self.label_names),
            slot_names=tuple(self.slot_ids),
        )


def joined(graphs: Sequence[ValueGraphs], bases: Sequence[int]) -> ValueGraphs:
    """Several value graphs as one. `bases`: what is added to the fragment numbers of each."""
    if len(graphs) == 1:
        return graphs[0]
    labels: dict[bytes, int] = {}
    slots: dict[bytes, int] = {}
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
    for graph in graphs:
        label_ids = [labels.setdefault(name, len(labels)) for name in graph.label_names]
        slot_ids = [slots.setdefault(name, len(slots)) for name in graph.slot_names]
        parts.append(
            (np.asarray(label_ids or [0], np.int32)[graph.labels], np.asarray(slot_ids or [0], np.int32)[graph.slots])
        )
    nodes = np.cumsum([0, *(len(graph.labels) for graph in graphs)]).tolist()
    edges = np.cumsum([0, *(len(graph.children) for graph in graphs)]).tolist()
    return ValueGraphs(
        labels=np.concatenate([part for part, _ in parts]),
        offsets=np.concatenate([graph.offsets for graph in graphs]),
        fragments=np.concatenate(
            [graph.fragments + np.int32(base) for graph, base in zip(graphs, bases, strict=False)]
        ),
        readings=np.concatenate([graph.readings for graph in graphs]),
        edge_starts=np.concatenate(
            [np.zeros(1, np.int64), *(graph.edge_starts[1:] + more for graph, more in zip(graphs, edges, strict=False))]
        ),
        children=np.concatenate([graph.children + np.int32(more) for graph, more in zip(graphs, nodes, strict=False)]),
        slots=np.concatenate([part for _, part in parts]),
        label_names=tuple(labels),
        slot_names=tuple(slots),
    )
