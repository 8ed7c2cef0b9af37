"""Which class is built of which, on both sides: two trees, with the classes that come from each other in one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from codeclone.match.structure import definition_graph
from codeclone.model import CompositionRow, Fragment, PartCount, Place

LEAST_MATCHED = 0.15
"""Of a left class, this share of its bits at least is found in the right class that stands beside it. Classes that were
reworked by hand keep about a third; so do classes of one purpose that have nothing to do with each other."""

MAX_DEPTH = 30
"""Parts nested deeper than this start anew at the outermost level."""


class _Tree:
    """The classes of one side that are built of something or that something is built of."""

    def __init__(self, fragments: Sequence[Fragment]) -> None:
        self.fragments = fragments
        graph = definition_graph(fragments, ["composes"])
        self.classes = [index for index in graph if fragments[index].parts or graph.in_degree(index)]
        is_part = {part for whole, part in graph.edges() if part != whole}
        self.outermost_first = sorted(self.classes, key=lambda index: (index in is_part, index))

    def children(self, index: int) -> list[int]:
        """Own classes that a class is built of, in source order."""
        parts = self.fragments[index].parts
        return list(dict.fromkeys(part.definition for part in parts if part.definition >= 0))

    def place(self, index: int) -> Place:
        return Place(self.fragments[index].location, self.fragments[index].qualname)

    def parts(self, index: int) -> tuple[PartCount, ...]:
        """What a class is built of, own classes first, each with how often it occurs."""
        counts: dict[tuple[bool, str], list[bool]] = defaultdict(list)
        for part in self.fragments[index].parts:
            is_own = part.definition >= 0
            name = self.fragments[part.definition].qualname if is_own else part.constructor
            counts[not is_own, name].append(part.many)
        ordered = sorted(counts.items(), key=lambda item: item[0][0])
        return tuple(PartCount(name, len(many), any(many), not library) for (library, name), many in ordered)


def composition(
    left: Sequence[Fragment], right: Sequence[Fragment], matches: Mapping[int, tuple[int, float]]
) -> tuple[CompositionRow, ...]:
    """Rows in the order of the left tree, each left class once, wholes before parts; what stands on the right only comes
    below the whole that it is part of there, or last. A right class that was split stands in several rows.

    `matches`: left fragment -> (right fragment that explains it best, containment of the left one).
    """
    if not any(fragment.parts for fragment in (*left, *right)):
        return ()
    one, other = _Tree(left), _Tree(right)
    sources = _sources(left, right, matches)
    taken = {source for source, _ in sources.values()}
    rows: list[CompositionRow] = []
    shown: set[int] = set()
    shown_right: set[int] = set()

    def add(index: int, depth: int) -> None:
        if index in shown:
            return
        shown.add(index)
        source, share = sources.get(index, (-1, 0.0))
        place, parts = (other.place(source), other.parts(source)) if source >= 0 else (None, ())
        rows.append(CompositionRow(depth, one.place(index), place, one.parts(index), parts, share))
        if depth < MAX_DEPTH:
            for part in one.children(index):
                add(part, depth + 1)
            for part in other.children(source) if source >= 0 else ():
                add_right(part, depth + 1)

    def add_right(index: int, depth: int) -> None:
        if index in taken or index in shown_right:
            return
        shown_right.add(index)
        rows.append(CompositionRow(depth, None, other.place(index), (), other.parts(index), 0.0))
        if depth < MAX_DEPTH:
            for part in other.children(index):
                add_right(part, depth + 1)

    wanted = set(one.classes) | {index for index in sources if sources[index][0] in set(other.classes)}
    for index in (*one.outermost_first, *sorted(wanted - set(one.classes))):
        add(index, 0)
    for index in other.outermost_first:
        add_right(index, 0)
    return tuple(rows)


def _sources(
    left: Sequence[Fragment], right: Sequence[Fragment], matches: Mapping[int, tuple[int, float]]
) -> dict[int, tuple[int, float]]:
    """Left class -> (right class that explains it best, or that holds the function which does; containment)."""
    sources = {}
    for index, (source, share) in matches.items():
        if left[index].kind == "class" and share >= LEAST_MATCHED:
            while right[source].kind == "function":
                source = right[source].parent
            if right[source].kind == "class":
                sources[index] = source, share
    return sources
