"""The definition graphs of both repositories say where a fragment comes from when it says too little itself.

Nodes are the definitions; edges say which contains, calls, inherits from or is built of which. A getter of one line is
like a hundred others. If the class around it is made of one class on the right, the getter is more likely made of a
getter of that class. So the sure matches spread along the edges to their unsure neighbours, in the manner of similarity
flooding (Melnik, Garcia-Molina, Rahm 2002, section 3), in two rounds: from fragments to the classes and modules that hold
them, and from there back to the fragments inside and to those on the next edge. What a fragment says itself always counts
more: the bonus is small, and it never enters containment.

This is the only door to networkx, which is loaded where a graph is asked for. Spreading looks at each edge of millions of
candidates, so it reads them from plain dictionaries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codeclone.model import Fragment

if TYPE_CHECKING:
    import networkx as nx

Edge = Literal["contains", "calls", "inherits", "composes"]
EDGES: tuple[Edge, ...] = ("contains", "calls", "inherits", "composes")

CONTAINS_BITS, CALL_BITS, RELATED_BITS, FILE_BITS = 12.0, 4.0, 8.0, 6.0
"""What it is worth that all sure neighbours of a fragment come from neighbours of the candidate: those in the same class,
those it calls or that call it, the classes on an edge with its class, and those in the same file. To know the class of a
source among some thousand fragments is to know about 12 bits."""

MOST_BITS = CONTAINS_BITS + CALL_BITS + RELATED_BITS + FILE_BITS

LEAST_BITS = 60.0
"""A fragment with fewer bits than this is taken to have so many, which bounds the bonus."""

MAX_SEED = 400.0
"""Bits; one long function does not outweigh the rest of its class."""

MAX_MEMBERS = 32
"""Candidates taken from where the neighbours of a fragment come from."""

MAX_NEIGHBOURS = 32
"""Neighbours on one kind of edge that are asked; a base class of a hundred classes is told by some of them."""

MAX_USERS = 100
"""What more definitions than this call, or what calls more than this, tells nothing of the single one."""

MAX_AROUND = 4
"""Neighbours of a class whose places are searched for candidates."""


# Graphs


def load() -> None:
    """Import networkx before it is needed."""
    import networkx  # noqa: F401


def definition_graph(fragments: Sequence[Fragment], edges: Collection[Edge] = EDGES) -> nx.MultiDiGraph[int]:
    """Nodes are indices of fragments; edges have the kind as key, and `composes` the part (model.Part) as `part` and the
    number of such parts as `count`."""
    import networkx as nx

    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(fragments)))
    for index, fragment in enumerate(fragments):
        if "contains" in edges and fragment.parent >= 0:
            graph.add_edge(fragment.parent, index, "contains")
        if "calls" in edges:
            graph.add_edges_from((index, other, "calls") for other in fragment.calls)
        if "inherits" in edges:
            graph.add_edges_from((index, other, "inherits") for other in fragment.inherits)
        if "composes" in edges:
            graph.add_edges_from(
                (index, part.definition, "composes") for part in fragment.parts if part.definition >= 0
            )
    return graph


def clone_classes(pairs: Iterable[tuple[int, int]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Connected components of matched (left, right) fragments, each as (left ones, right ones), ascending; the largest
    component first."""
    import networkx as nx

    graph: nx.Graph[tuple[int, int]] = nx.Graph()
    graph.add_edges_from(((0, left), (1, right)) for left, right in pairs)
    found = []
    for component in nx.connected_components(graph):
        sides = [tuple(sorted(index for its_side, index in component if its_side == side)) for side in (0, 1)]
        found.append((sides[0], sides[1]))
    return sorted(found, key=lambda sides: (-len(sides[0]) - len(sides[1]), sides))


# Spreading


@dataclass(frozen=True, slots=True)
class Seed:
    """A fragment's own opinion: its best match, and how much that is worth."""

    right: int
    weight: float
    """Rank squared times bits: sure and long matches count, unsure and short ones hardly."""


class Definitions:
    """The definitions of one side with their edges. A holder is the class or module that a fragment stands in, or the
    fragment itself if it is one."""

    def __init__(self, fragments: Sequence[Fragment]) -> None:
        self.fragments = fragments
        self.holder = self._holders()
        self.file = self._files()
        self.members: dict[int, list[int]] = defaultdict(list)
        for index, holder in enumerate(self.holder):
            self.members[holder].append(index)
        self.order = {index: place for members in self.members.values() for place, index in enumerate(members)}
        self.calls = {index: fragment.calls for index, fragment in enumerate(fragments) if fragment.calls}
        self.callers: dict[int, list[int]] = defaultdict(list)
        self.related = self._related()
        """Holder -> holders, ascending, along calls, inherits and composes, each forwards and backwards."""

    def _related(self) -> list[dict[int, list[int]]]:
        related: list[dict[int, set[int]]] = [defaultdict(set) for _ in range(6)]
        for index, fragment in enumerate(self.fragments):
            for called in fragment.calls:
                self.callers[called].append(index)
            composed = [part.definition for part in fragment.parts if part.definition >= 0]
            for kind, others in enumerate((fragment.calls, fragment.inherits, composed)):
                for other in others:
                    one, two = self.holder[index], self.holder[other]
                    if one != two:
                        related[2 * kind][one].add(two)
                        related[2 * kind + 1][two].add(one)
        return [{holder: sorted(others) for holder, others in kind.items()} for kind in related]

    def _holders(self) -> list[int]:
        holders: list[int] = []
        for index, fragment in enumerate(self.fragments):
            # What holds a fragment stands before it.
            holders.append(holders[fragment.parent] if fragment.kind == "function" else index)
        return holders

    def _files(self) -> list[int]:
        module = -1
        files = []
        for index, fragment in enumerate(self.fragments):
            module = index if fragment.kind == "module" else module
            files.append(module)
        return files

    def position(self, index: int) -> float:
        """Place among the members of the class or module, 0 for the first and 1 for the last."""
        return self.order[index] / max(1, len(self.members[self.holder[index]]) - 1)


class Structure:
    """What the sure matches say about the unsure ones."""

    def __init__(self, left: Definitions, right: Definitions, seeds: Mapping[int, Seed]) -> None:
        self.left, self.right, self.seeds = left, right, seeds
        self.by_holder: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        """First round: left holder -> right holders, by the seeds of the functions inside."""
        self.by_file: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        for index, seed in seeds.items():
            if left.fragments[index].kind == "function":
                self.by_holder[left.holder[index]][right.holder[seed.right]] += seed.weight
                self.by_file[left.file[index]][right.file[seed.right]] += seed.weight
        self.totals = {id(sums): sum(sums.values()) for sums in (*self.by_holder.values(), *self.by_file.values())}
        self.agreements: dict[int, dict[int, float]] = defaultdict(dict)
        """Left holder -> right holder -> what `_agreement` says of them."""
        self.around: dict[int, list[tuple[Mapping[int, Sequence[int]], dict[int, float], float]]] = {}
        self.sources: dict[int, tuple[int, ...]] = {}

    def bits(self, fragment: int, candidates: Sequence[int]) -> list[float]:
        """Bits for each candidate from what stands around; the fragment's own opinion does not count."""
        left, right = self.left, self.right
        holder = left.holder[fragment]
        own = self.seeds.get(fragment) if left.fragments[fragment].kind == "function" else None
        held = self._shares(self.by_holder.get(holder, {}), own, right.holder)
        filed = self._shares(self.by_file.get(left.file[fragment], {}), own, right.file)
        agreements = self.agreements[holder]
        called = self._called(fragment)
        result = []
        for candidate in candidates:
            place = right.holder[candidate]
            agreement = agreements.get(place)
            if agreement is None:
                agreement = agreements[place] = self._agreement(holder, place)
            bits = CONTAINS_BITS * held.get(place, 0.0) + FILE_BITS * filed.get(right.file[candidate], 0.0)
            bits += RELATED_BITS * agreement + CALL_BITS * called.get(candidate, 0.0)
            result.append(bits)
        return result

    def _shares(self, sums: Mapping[int, float], own: Seed | None, places: Sequence[int]) -> dict[int, float]:
        """Share of the seeds that come from each place; `places`: the place of each right fragment."""
        if not sums:
            return {}
        own_weight, own_place = (own.weight, places[own.right]) if own else (0.0, -1)
        total = self.totals[id(sums)] - own_weight
        if total <= 1.0:
            return {}
        return {
            place: max(0.0, min(1.0, (weight - own_weight if place == own_place else weight) / total))
            for place, weight in sums.items()
        }

    def _agreement(self, holder: int, place: int) -> float:
        """Second round: share of the holders on an edge with the left holder that come from such on the same edge with
        the right one, or from the right one itself: definitions are merged and split. The best kind of edge counts."""
        best = 0.0
        for rights, sums, total in self._around(holder):
            agreeing = sums.get(place, 0.0)
            for other in rights.get(place, ())[:MAX_USERS]:
                agreeing += sums.get(other, 0.0)
            best = max(best, agreeing / total)
        return min(1.0, best)

    def _around(self, holder: int) -> list[tuple[Mapping[int, Sequence[int]], dict[int, float], float]]:
        """(edges on the right, sums of the seeds of all neighbours on such an edge, their total) for each kind of edge."""
        if holder not in self.around:
            self.around[holder] = []
            for lefts, rights in zip(self.left.related, self.right.related, strict=True):
                sums: dict[int, float] = defaultdict(float)
                for neighbour in lefts.get(holder, ())[:MAX_NEIGHBOURS]:
                    for place, weight in self.by_holder.get(neighbour, {}).items():
                        sums[place] += weight
                total = sum(sums.values())
                if total > 1.0:
                    self.around[holder].append((rights, sums, total))
        return self.around[holder]

    def _called(self, fragment: int) -> dict[int, float]:
        """Candidate -> share of the sure calls of a fragment, to it and from it, that the candidate has as well."""
        left, right = self.left, self.right
        total = 0.0
        agreeing: dict[int, float] = defaultdict(float)
        for others, wanted in (
            (left.fragments[fragment].calls, right.callers),
            (left.callers.get(fragment, ())[:MAX_NEIGHBOURS], right.calls),
        ):
            for other in others:
                seed = self.seeds.get(other)
                found = wanted.get(seed.right, ()) if seed else ()
                if seed and len(found) <= MAX_USERS:
                    total += seed.weight
                    for candidate in found:
                        agreeing[candidate] += seed.weight
        return {candidate: weight / total for candidate, weight in agreeing.items()} if total > 1.0 else {}

    def displacement(self, fragment: int, candidate: int) -> float:
        """How differently the two stand in the order of their class or module, in [0, 1]."""
        return abs(self.left.position(fragment) - self.right.position(candidate))

    def members(self, fragment: int) -> list[int]:
        """More candidates, at most `MAX_MEMBERS`: functions that the matches of its callers call, and those of the places
        where the functions beside it come from, and those of the holders on an edge with its own."""
        left, right = self.left, self.right
        holder = left.holder[fragment]
        own = self.seeds.get(fragment)
        found: dict[int, None] = {}
        for caller in left.callers.get(fragment, ())[:MAX_NEIGHBOURS]:
            if caller in self.seeds:
                found.update(dict.fromkeys(right.fragments[self.seeds[caller].right].calls[:MAX_MEMBERS]))
        sums = self.by_holder.get(holder)
        if sums:
            if own:
                sums = {**sums, right.holder[own.right]: sums[right.holder[own.right]] - own.weight}
            found.update(dict.fromkeys(right.members[_most(sums)]))
        found.update(dict.fromkeys(self._from_around(holder)))
        kind = left.fragments[fragment].kind
        return [member for member in found if right.fragments[member].kind == kind][:MAX_MEMBERS]

    def _from_around(self, holder: int) -> tuple[int, ...]:
        """Members of the right places that the holders on an edge with a left holder come from, the nearest first."""
        if holder not in self.sources:
            file = self.left.file[holder]
            around = {
                other for kind in self.left.related for other in kind.get(holder, ()) if self.by_holder.get(other)
            }
            nearest = sorted(around, key=lambda other: (self.left.file[other] != file, other))[:MAX_AROUND]
            places = dict.fromkeys(_most(self.by_holder[other]) for other in nearest)
            self.sources[holder] = tuple(member for place in places for member in self.right.members[place])
        return self.sources[holder]


def _most(sums: Mapping[int, float]) -> int:
    """The place with most, the first of several."""
    return max(sums, key=lambda place: (sums[place], -place))
