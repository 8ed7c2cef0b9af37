"""What stands around a fragment says where it comes from when the fragment itself says too little.

A getter of one line is like a hundred others. If the class around it is made of one class on the right, the getter is
more likely made of a getter of that class. So the sure matches around a fragment vote for the right-hand places that
they come from, and candidates in these places rank higher. What a fragment says itself always counts more: the bonus is
small, and it never enters containment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeclone.model import Fragment

CLASS_BITS, USER_BITS, FILE_BITS = 12.0, 8.0, 6.0
"""What it is worth that a candidate stands in a place that all votes are for: votes of the fragments in the same class,
of those in the definitions that use it or are used by it, and of those in the same file. To know the class of a source
among some thousand fragments is to know about 12 bits."""

MOST_BITS = CLASS_BITS + USER_BITS + FILE_BITS

LEAST_BITS = 60.0
"""A fragment with fewer bits than this is taken to have so many, which bounds the bonus."""

MAX_VOTE = 400.0
"""Bits; one long function does not outvote the rest of its class."""

MAX_MEMBERS = 48
"""Candidates taken from a place that the votes are for."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A fragment's own opinion: its best match, and how much that is worth."""

    right: int
    weight: float
    """Rank squared times bits: sure and long matches count, unsure and short ones hardly."""


class Places:
    """The definitions and files of one side, by fragment."""

    def __init__(self, fragments: Sequence[Fragment]) -> None:
        self.fragments = fragments
        self.holder = [self._holder(index) for index in range(len(fragments))]
        self.file = self._files()
        self.members: dict[int, list[int]] = defaultdict(list)
        for index, holder in enumerate(self.holder):
            self.members[holder].append(index)
        self.order = {index: place for members in self.members.values() for place, index in enumerate(members)}
        self.users: dict[int, set[int]] = defaultdict(set)
        for index, fragment in enumerate(fragments):
            for used in fragment.uses:
                inner = used if fragments[used].kind == "class" else self.holder[used]
                if inner != self.holder[index]:
                    self.users[inner].add(self.holder[index])
                    self.users[self.holder[index]].add(inner)

    def _holder(self, index: int) -> int:
        """The class or module a fragment stands in; a class or module itself."""
        while self.fragments[index].kind == "function":
            index = self.fragments[index].parent
        return index

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


class Context:
    """The votes of all left fragments."""

    def __init__(self, left: Places, right: Places, votes: Mapping[int, Vote]) -> None:
        self.left, self.right, self.votes = left, right, votes
        self.by_class: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        self.by_file: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        for index, vote in votes.items():
            self.by_class[left.holder[index]][right.holder[vote.right]] += vote.weight
            self.by_file[left.file[index]][right.file[vote.right]] += vote.weight
        self.totals = {id(votes): sum(votes.values()) for votes in (*self.by_class.values(), *self.by_file.values())}

    def bits(self, fragment: int, candidate: int) -> float:
        """Bits for a candidate from what stands around; the fragment's own vote does not count."""
        holder, place = self.left.holder[fragment], self.right.holder[candidate]
        own = self.votes.get(fragment)
        total = CLASS_BITS * self._share(self.by_class.get(holder, {}), place, own, self.right.holder)
        users = self.left.users.get(holder, ())
        if users:
            around = [
                self._share(self.by_class.get(user, {}), place, None, self.right.holder) for user in sorted(users)
            ]
            total += USER_BITS * max(around)
        file = self.right.file[candidate]
        total += FILE_BITS * self._share(self.by_file.get(self.left.file[fragment], {}), file, own, self.right.file)
        return total

    def displacement(self, fragment: int, candidate: int) -> float:
        """How differently the two stand in the order of their class or module, in [0, 1]."""
        return abs(self.left.position(fragment) - self.right.position(candidate))

    def _share(self, votes: Mapping[int, float], place: int, own: Vote | None, places: Sequence[int]) -> float:
        """Share of the votes that are for a place; `places`: the place of each right fragment."""
        if place not in votes:
            return 0.0
        total = self.totals[id(votes)] - (own.weight if own else 0.0)
        mine = votes.get(place, 0.0) - (own.weight if own and places[own.right] == place else 0.0)
        return max(0.0, min(1.0, mine / total)) if total > 1.0 else 0.0

    def members(self, fragment: int) -> list[int]:
        """Candidates from the places the votes around a fragment are for, at most `MAX_MEMBERS`, ascending."""
        holder = self.left.holder[fragment]
        own = self.votes.get(fragment)
        wanted: set[int] = set()
        for around in (holder, *sorted(self.left.users.get(holder, ()))):
            votes = dict(self.by_class.get(around, {}))
            if own and around == holder:
                votes[self.right.holder[own.right]] -= own.weight
            if votes:
                wanted.add(max(votes, key=lambda place: (votes[place], -place)))
        kind = self.left.fragments[fragment].kind
        found = [
            member
            for place in sorted(wanted)
            for member in self.right.members[place]
            if self.right.fragments[member].kind == kind
        ]
        return found[:MAX_MEMBERS]
