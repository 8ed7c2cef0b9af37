"""Value graphs -> Weisfeiler-Lehman features, all fragments at once.

Shervashidze et al. (2011), "Weisfeiler-Lehman graph kernels", section 3.1, on directed graphs: the feature of depth k of
a node is the hash of its label and of its operands' features of depth k - 1, each mixed with the slot it stands in. Sums
modulo 2^64 make operands that share a slot unordered.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from codeclone.model import Facts
from codeclone.parse.graph import ValueGraphs, hash_name

DEPTHS = 3
"""Steps of operands that the deepest feature covers."""

COARSE = 4
"""The `depth` of facts that find and do not prove: edges and paths of two edges with transparent steps passed over,
and shapes of strings (`</image>` and `</view>` are both `</w>`)."""

FINE = (2, 3)
"""Depths that can show copying; shallower features find, and prove nothing."""

TRANSPARENT = frozenset(
    b"reshape transpose contiguous astype to float half bfloat16 long int bool detach unsqueeze squeeze flatten copy "
    b"<carried> <phi> <loop> <item> <return> <store> <with> <fmt> <comp> <when> <unless> cpu cuda type_as expand".split()
)
"""Steps that change the form of a value and not what it is made of."""

_MAX_SKIPS = 4
"""Transparent steps in a row that are passed over."""

_MAX_PATHS = 16
"""Edges of a node that a path goes on along."""

_INPUTS = frozenset((b"<param>", b"<own>", b"self.attr", b"<self>"))
"""Labels of what is given to a definition."""


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a fixed bijection on 64-bit integers."""
    values = values ^ (values >> np.uint64(30))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    values = values ^ (values >> np.uint64(27))
    values = values * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _salt(name: bytes) -> np.uint64:
    return np.uint64(hash_name(b"codeclone/" + name))


def facts_of(graphs: ValueGraphs) -> Facts:
    """The facts of every fragment, ordered by (fragment, key), each key once in a fragment at its first node."""
    nodes = np.arange(len(graphs.labels), dtype=np.int32)
    labels = np.array([hash_name(name) for name in graphs.label_names] or [0], np.uint64)[graphs.labels]
    slots = np.array([hash_name(name) for name in graphs.slot_names], np.uint64)[graphs.slots]
    degrees = np.diff(graphs.edge_starts)

    keys = [mix(labels ^ _salt(b"depth 0"))]
    depths = [np.zeros(len(nodes), np.uint8)]
    at = [nodes]
    previous = keys[0]
    reaches = degrees > 0
    for depth in range(1, DEPTHS + 1):
        sums = _sum_by_node(mix(previous[graphs.children] ^ slots), graphs.edge_starts)
        current = mix(mix(labels ^ _salt(b"depth %d" % depth)) + sums)
        keys.append(current[reaches])
        depths.append(np.full(int(reaches.sum()), depth, np.uint8))
        at.append(nodes[reaches])
        # A graph that ends above this depth has the same features one step deeper: once is enough.
        previous = current
        reaches = _any_by_node(reaches[graphs.children], graphs.edge_starts)

    for coarse, coarse_nodes in (_skeleton(graphs, labels, degrees), _string_shapes(graphs)):
        keys.append(coarse)
        depths.append(np.full(len(coarse), COARSE, np.uint8))
        at.append(coarse_nodes)
    return _unique(np.concatenate(keys), np.concatenate(at), np.concatenate(depths), graphs)


def _skeleton(
    graphs: ValueGraphs, labels: NDArray[np.uint64], degrees: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Edges and paths of two edges in the graph without its transparent nodes: coarse facts that outlive a rework."""
    count = len(graphs.labels)
    parents = np.repeat(np.arange(count, dtype=np.int32), degrees)
    transparent_label = np.array([name in TRANSPARENT for name in graphs.label_names] or [False])
    transparent = transparent_label[graphs.labels] & (degrees > 0)
    through = np.arange(count, dtype=np.int32)
    through[degrees > 0] = graphs.children[graphs.edge_starts[:-1][degrees > 0]]
    phi = np.flatnonzero((graphs.labels == _label(graphs, b"<phi>")) & (degrees == 3))
    if len(phi):
        # Of the two that may be chosen, the one that was made later: the other is often what it was made from.
        start = graphs.edge_starts[phi]
        through[phi] = np.maximum(graphs.children[start + 1], graphs.children[start + 2])
    reached = graphs.children.copy()
    for _ in range(_MAX_SKIPS):
        reached = np.where(transparent[reached], through[reached], reached)
    shown = ~transparent[parents]
    parents, reached = parents[shown], reached[shown]
    coarse = np.array([hash_name(_coarse(name)) for name in graphs.label_names] or [0], np.uint64)[graphs.labels]
    pairs = mix(mix(coarse[parents] ^ _salt(b"skip")) + mix(coarse[reached]))
    # Paths: every shown edge followed by every shown edge of what it reaches, leaves left out.
    starts = np.searchsorted(parents, np.arange(count + 1))
    leaf = degrees == 0
    inner = ~leaf[reached]
    first, middle = parents[inner], reached[inner]
    lengths = np.minimum(starts[middle + 1] - starts[middle], _MAX_PATHS)
    last = np.repeat(starts[middle], lengths) + _ramps(lengths)
    ends = reached[last]
    firsts, middles = np.repeat(first, lengths), np.repeat(middle, lengths)
    useful = ~leaf[ends]
    firsts, middles, ends = firsts[useful], middles[useful], ends[useful]
    paths = mix(
        mix(coarse[firsts] ^ _salt(b"path"))
        + mix(coarse[middles] ^ _salt(b"path 1")) * np.uint64(3)
        + mix(coarse[ends])
    )
    return np.concatenate([pairs, paths]), np.concatenate([parents, firsts])


def _ramps(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … for each length in turn."""
    total = int(lengths.sum())
    starts = np.cumsum(lengths) - lengths
    return np.arange(total) - np.repeat(starts, lengths)


def _label(graphs: ValueGraphs, name: bytes) -> int:
    return graphs.label_names.index(name) if name in graphs.label_names else -1


def _coarse(name: bytes) -> bytes:
    """The label without what a rework changes first: which input it is, how the call is made, a tuple or a list."""
    if name in _INPUTS:
        return b"<input>"
    if name in (b"<call>", b"<apply>"):
        return b"<call>"
    return b"<list>" if name == b"<tuple>" else name


_WORD, _DIGITS = re.compile(rb"[A-Za-z_\x80-\xff]+"), re.compile(rb"[0-9]+")


def _string_shapes(graphs: ValueGraphs) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """What is left of short strings when words and numbers are taken out, where that is more than a word."""
    shapes = np.zeros(len(graphs.label_names) or 1, np.uint64)
    for number, name in enumerate(graphs.label_names):
        if name.startswith(b"'"):
            shape = _DIGITS.sub(b"0", _WORD.sub(b"w", name[1:]))
            if not shape.isalnum() and shape.strip(b" w0"):
                shapes[number] = hash_name(b"codeclone/shape/" + shape)
    found = shapes[graphs.labels]
    nodes = np.flatnonzero(found).astype(np.int32)
    return found[nodes], nodes


def _sum_by_node(values: NDArray[np.uint64], edge_starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    total = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values, out=total[1:])
    return total[edge_starts[1:]] - total[edge_starts[:-1]]


def _any_by_node(flags: NDArray[np.bool_], edge_starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    total = np.zeros(len(flags) + 1, np.int64)
    np.cumsum(flags, out=total[1:])
    return total[edge_starts[1:]] > total[edge_starts[:-1]]


def _unique(
    keys: NDArray[np.uint64], nodes: NDArray[np.int32], depths: NDArray[np.uint8], graphs: ValueGraphs
) -> Facts:
    fragments = graphs.fragments[nodes]
    order = np.lexsort((nodes, keys, fragments))
    keys, nodes, depths, fragments = keys[order], nodes[order], depths[order], fragments[order]
    first = np.ones(len(keys), np.bool_)
    first[1:] = (keys[1:] != keys[:-1]) | (fragments[1:] != fragments[:-1])
    starts = np.flatnonzero(first)
    readings = graphs.readings[nodes]
    readings = np.bitwise_or.reduceat(readings, starts) if len(starts) else readings
    return Facts(keys[first], fragments[first], nodes[first], depths[first], readings)
