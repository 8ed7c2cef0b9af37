"""The rename proof: which names of two fragments stand for each other, and what is left when they are exchanged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codeclone.match import align
from codeclone.match.listing import listing
from codeclone.match.statements import (
    ATTRIBUTE,
    BUILTIN_NAMES,
    KEYWORD,
    METHOD,
    NAME,
    OBJECTS,
    SELF,
    Listing,
    Statement,
    Tokens,
    fixed,
    in_place,
    renameable,
    without_literals,
)
from codeclone.model import Contradiction, NameKind, Rename, RenameProof

ROUNDS = 4
"""Alignment and rename table are found in turns; after three the table of nearly every pair stays as it is."""

SAME_SHAPE = 0.8
"""Share of all statements that are the same without names from which the order alone tells statements of one form apart."""

SIMILAR = 0.5
"""Two statements with at least this similarity without names count as one that was edited."""

EDITED_WEIGHT = 0.25
"""Vote of an edited statement on a pair of names; one that differs in names only has a vote of 1, or less where several
statements are of its form and it is not sure which is which."""

LEAST_VOTES = 0.5
"""Votes that two different names need to stand for each other."""

SUPPORT = 2
"""Edited statements that must show a pair of names at the same place; one that is identical after the renames is
enough, unless all of its names were exchanged in a pair that has little else in common."""

SAME_PLACE = 3
"""Tokens before a name by which its place in an edited statement is known."""

LEAST_FORM = 6
"""Tokens of a statement that tells names apart by its form alone."""

MAX_EDITED = 400
"""Left statements times right statements between two aligned ones that are compared one by one."""

_KIND: dict[str, NameKind] = {
    NAME: "variable",
    SELF: "attribute",
    ATTRIBUTE: "attribute",
    METHOD: "attribute",
    KEYWORD: "keyword",
}

Table = Mapping[str, str]
"""Right name -> left name, each with the mark of its namespace; no left name twice."""

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two fragments statement by statement. All pairs are (left place, right place), in order."""

    proof: RenameProof
    identical: Pairs
    """The same after the renames."""
    edited: Pairs
    """Alike, but not the same."""
    literals: Pairs
    """Of the edited ones, those that are the same but for numbers and strings."""
    moved: Pairs
    """The same after the renames, but not in order."""
    only_left: tuple[int, ...]
    only_right: tuple[int, ...]
    mapped: tuple[Tokens, ...]
    """The right side's statements in the left side's names."""
    table: Table


def prove(left: str, right: str) -> RenameProof | None:
    """The proof for two texts, each one function, class or module; None where one of them cannot be parsed."""
    one, other = listing(left), listing(right)
    if isinstance(one, str) or isinstance(other, str):
        return None
    return compare(one, other).proof


def compare(left: Listing, right: Listing) -> Comparison:
    """Find the table, apply it, and see what is left.

    Alignment and table depend on each other: they are found in turns, once from no names at all and once from the names
    as they are; the table that leaves more statements identical is taken.
    """
    starts: tuple[Table | None, ...] = (None, {})
    found = [_settle(left, right, start) for start in starts]
    table = max(found, key=lambda option: option[0])[1]  # of equals the first
    table, sure = _with_temporaries_in_place(left, right, table)
    return _applied(left, right, _supported(left, right, table, sure))


def _settle(left: Listing, right: Listing, start: Table | None) -> tuple[int, Table]:
    best: tuple[int, Table] = (-1, {})
    table = start
    for _ in range(ROUNDS):
        new = _table(left, right, _aligned(left, right, table))
        if new == table:
            break
        table = new
        identical = len(_exact([s.tokens for s in left.statements], _rename(right, table)))
        if identical > best[0]:
            best = identical, table
    return best


# Alignment


def _rename(listing: Listing, table: Table) -> list[Tokens]:
    """Statements with the table applied. A name that is in no pair but means something else on the left stays apart."""
    taken = set(table.values())
    new: dict[str, str] = {}
    result = []
    for statement in listing.statements:
        for token in statement.tokens:
            if token not in new:
                new[token] = table.get(token) or (f"{token}\0" if renameable(token) and token in taken else token)
        result.append(tuple(new[token] for token in statement.tokens))
    return result


def _exact(left: Sequence[Tokens], right: Sequence[Tokens]) -> list[tuple[int, int]]:
    alphabet = align.Alphabet()
    codes: dict[Tokens, str] = {}

    def write(statements: Sequence[Tokens]) -> str:
        return alphabet.write([codes.setdefault(tokens, str(len(codes))) for tokens in statements])

    return align.matching(write(left), write(right))


def _aligned(left: Listing, right: Listing, table: Table | None) -> list[tuple[int, int, float]]:
    """(left place, right place, vote), in order: what is the same in the table's names, then what is the same but for
    names that the table does not know, then without any names, then what is alike, whose vote is 0. `table` None:
    nothing is known of names."""
    known = set((table or {}).values())
    ours, theirs = [s.tokens for s in left.statements], _rename(right, table or {})
    blind = [s.blind for s in left.statements], [s.blind for s in right.statements]
    forms: list[tuple[Sequence[Tokens], Sequence[Tokens]]] = [blind]
    if table is not None:
        partly = [
            [_partly(t, b, known) for t, b in zip(*side, strict=True)]
            for side in ((ours, blind[0]), (theirs, blind[1]))
        ]
        forms = [(ours, theirs), (partly[0], partly[1]), blind]
    whole = len(ours), len(theirs)
    votes: dict[tuple[int, int], float] = {}
    for one, other in forms:
        counts = Counter(one), Counter(other)
        for i, ends_i, j, ends_j in list(_gaps(sorted(votes), whole)):
            for di, dj in _exact(one[i:ends_i], other[j:ends_j]):
                form = one[i + di]
                votes[i + di, j + dj] = 1.0 / max(counts[0][form], counts[1][form])
    if len(votes) >= SAME_SHAPE * max(whole):
        votes = {pair: max(vote, LEAST_VOTES) for pair, vote in votes.items()}
    alphabet = align.Alphabet()
    for i, ends_i, j, ends_j in list(_gaps(sorted(votes), whole)):
        if (ends_i - i) * (ends_j - j) <= MAX_EDITED:
            votes.update(dict.fromkeys(_alike(blind, alphabet, range(i, ends_i), range(j, ends_j)), 0.0))
    return [(i, j, vote) for (i, j), vote in sorted(votes.items())]


def _partly(tokens: Tokens, blind: Tokens, known: set[str]) -> Tokens:
    return tuple(token if token in known else without for token, without in zip(tokens, blind, strict=True))


def _gaps(pairs: Sequence[tuple[int, int]], whole: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """(left start, left end, right start, right end) between aligned pairs where both sides have something."""
    i = j = 0
    for a, b in [*pairs, whole]:
        if i < a and j < b:
            yield i, a, j, b
        i, j = a + 1, b + 1


def _alike(
    blind: tuple[Sequence[Tokens], Sequence[Tokens]], alphabet: align.Alphabet, lefts: range, rights: range
) -> list[tuple[int, int]]:
    one = {i: alphabet.write(blind[0][i]) for i in lefts}
    other = {j: alphabet.write(blind[1][j]) for j in rights}
    options = sorted(
        (-likeness, i, j)
        for i in lefts
        for j in rights
        if blind[0][i][0].partition(":")[0] == blind[1][j][0].partition(":")[0]
        and (likeness := align.similarity(one[i], other[j])) >= SIMILAR
    )
    chosen: list[tuple[int, int]] = []
    for _, i, j in options:
        if all((i < k and j < m) or (i > k and j > m) for k, m in chosen):
            chosen.append((i, j))
    return sorted(chosen)


# Table


def _can_be(left: Listing, right: Listing, one: str, other: str) -> bool:
    """Whether one name can be the other renamed: both of one namespace, own on both sides, or the same."""
    if one[0] != other[0]:
        return False
    if one == other:
        return True
    if one in OBJECTS or other in OBJECTS:
        return False
    if one[0] == NAME and ((one[1:] in left.bound) != (other[1:] in right.bound)):
        return False
    if one[0] == NAME and (one[1:] in BUILTIN_NAMES or other[1:] in BUILTIN_NAMES) and one[1:] not in left.bound:
        return False
    return not (fixed(one, left.bound) and fixed(other, right.bound))


def _table(left: Listing, right: Listing, aligned: Sequence[tuple[int, int, float]]) -> dict[str, str]:
    """One-to-one, by most votes of the aligned statements."""
    sure: defaultdict[tuple[str, str], float] = defaultdict(float)
    edited: defaultdict[tuple[str, str], float] = defaultdict(float)
    if left.name and right.name:
        sure[NAME + left.name, NAME + right.name] += 1.0
    for i, j, vote in aligned:
        one, other = left.statements[i], right.statements[j]
        if vote:
            for pair in zip(one.tokens, other.tokens, strict=True):
                if renameable(pair[0]) and renameable(pair[1]):
                    sure[pair] += vote
        else:
            for pair in _names_that_align(one, other):
                edited[pair] += EDITED_WEIGHT
    table: dict[str, str] = {}
    taken: set[str] = set()
    for votes in (sure, edited):
        for weight, one_name, other_name in sorted((-round(w, 6), *pair) for pair, w in votes.items()):
            if other_name in table or one_name in taken or (-weight < LEAST_VOTES and one_name != other_name):
                continue
            if _can_be(left, right, one_name, other_name):
                table[other_name] = one_name
                taken.add(one_name)
    return table


def _names_that_align(left: Statement, right: Statement, around: int = 0) -> Iterator[tuple[str, str]]:
    """Names at the same place of two statements that are alike: around what both have word for word. `around`: tokens before
    them that must be of the same kind."""
    alphabet = align.Alphabet()
    ours, theirs = left.tokens, right.tokens
    exact = align.matching(alphabet.write(ours), alphabet.write(theirs))
    for i, ends_i, j, ends_j in _gaps(exact, (len(ours), len(theirs))):
        one, other = left.blind[i:ends_i], right.blind[j:ends_j]
        exact = exact + [(i + a, j + b) for a, b in align.matching(alphabet.write(one), alphabet.write(other))]
    for i, j in sorted(exact):
        before = left.blind[max(0, i - around) : i], right.blind[max(0, j - around) : j]
        if renameable(ours[i]) and renameable(theirs[j]) and (not around or before[0] == before[1]):
            yield ours[i], theirs[j]


def _with_temporaries_in_place(left: Listing, right: Listing, table: Table) -> tuple[dict[str, str], set[str]]:
    """The table and what statements add that are the same without names once temporaries are put in place; the left names
    of those that are then the same in the table's names."""
    sure: set[str] = set()
    table = dict(table)
    taken = set(table.values())
    mapped = _rename(right, table)
    identical = _exact([s.tokens for s in left.statements], mapped)
    done = {i for i, _ in identical}, {j for _, j in identical}
    ours = _unfolded(left, [s.tokens for s in left.statements], done[0], {})
    theirs = _unfolded(right, mapped, done[1], table)
    forms: defaultdict[Tokens, list[Tokens]] = defaultdict(list)
    for tokens in theirs:
        forms[_without_names(tokens, taken)].append(tokens)
    for tokens in ours:
        found = forms.get(_without_names(tokens, taken), [])
        for one, other in zip(tokens, found[0], strict=True) if len(found) == 1 else ():
            names = renameable(one) and renameable(other)
            if names and one not in taken and other not in table and _can_be(left, right, one, other):
                table[other] = one
                taken.add(one)
        if len(found) == 1 and tuple(table.get(token, token) for token in found[0]) == tokens:
            sure.update(tokens)
    return table, sure


def _unfolded(listing: Listing, statements: Sequence[Tokens], done: set[int], table: Table) -> list[Tokens]:
    """Statements that are left over and change when the listing's own temporaries are put in place, and the others."""
    once = {table.get(NAME + name, NAME + name) for name in listing.once}
    values = {s[1]: s[2:] for s in statements if s[0] == "Assign:1" and s[1] in once}
    rest = [s for i, s in enumerate(statements) if i not in done and not (s[0] == "Assign:1" and s[1] in values)]
    return [in_place(tokens, values) for tokens in rest if len(tokens) > LEAST_FORM]


def _without_names(tokens: Tokens, known: set[str]) -> Tokens:
    return tuple(token[0] if renameable(token) and token not in known else token for token in tokens)


def _supported(left: Listing, right: Listing, table: Table, sure: set[str]) -> dict[str, str]:
    """The table without the names that nothing but a single edited statement says stand for each other. `sure`: left names
    that are known to be supported."""
    ours, theirs = [s.tokens for s in left.statements], _rename(right, table)
    same = set(_exact(ours, theirs))
    same.update(_moved(ours, theirs, sorted(same)))
    support = Counter(dict.fromkeys(sure, SUPPORT))
    copied = 2 * len(same) > min(len(ours), len(theirs))
    for i, j in same:
        tells = copied or _anchored(left.statements[i], right.statements[j])
        support.update(dict.fromkeys(theirs[j], SUPPORT if tells else 1))
    for i, j, _ in _aligned(left, right, table):
        if (i, j) not in same and "FunctionDef" not in left.statements[i].tokens:  # parameters align by place alone
            pairs = set(_names_that_align(left.statements[i], right.statements[j], SAME_PLACE))
            agree = {one for one, other in pairs if table.get(other) == one}
            support.update(agree if 2 * len(agree) > len(pairs) else ())
    own = {_own_name(right)}
    return {other: one for other, one in table.items() if one == other or other in own or support[one] >= SUPPORT}


def _anchored(left: Statement, right: Statement) -> bool:
    """Whether two statements that are the same after the renames have a name or a literal in common before them."""
    return any(
        one == other and one not in OBJECTS and (renameable(one) or one[0] in "#'")
        for one, other in zip(left.tokens, right.tokens, strict=True)
    )


def _own_name(listing: Listing) -> str | None:
    return NAME + listing.name if listing.name else None


# What is left


def _applied(left: Listing, right: Listing, table: Table) -> Comparison:
    ours, theirs = [s.tokens for s in left.statements], [s.tokens for s in right.statements]
    mapped = _rename(right, table)
    identical = _exact(ours, mapped)
    aligned = _aligned(left, right, table)
    same = set(identical)
    edited = [(i, j) for i, j, _ in aligned if (i, j) not in same]
    moved = _moved(ours, mapped, identical)
    edited = [(i, j) for i, j in edited if not any(i == a or j == b for a, b in moved)]
    left_done = {i for pairs in (identical, edited, moved) for i, _ in pairs}
    right_done = {j for pairs in (identical, edited, moved) for _, j in pairs}
    proof = RenameProof(
        renames=_renames(left, right, table),
        contradictions=_contradictions(left, right, table, [(i, j) for i, j, vote in aligned if vote]),
        left_statements=len(ours),
        right_statements=len(theirs),
        identical_before=len(_exact(ours, theirs)),
        identical=len(identical),
        renested=sum(left.statements[i].depth != right.statements[j].depth for i, j in identical),
    )
    return Comparison(
        proof,
        tuple(identical),
        tuple(edited),
        tuple((i, j) for i, j in edited if without_literals(ours[i]) == without_literals(mapped[j])),
        tuple(moved),
        tuple(i for i in range(len(ours)) if i not in left_done),
        tuple(j for j in range(len(theirs)) if j not in right_done),
        tuple(mapped),
        table,
    )


def _moved(
    ours: Sequence[Tokens], mapped: Sequence[Tokens], identical: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Of what is not identical in order, what is identical out of order. Words that stand alone (`else`) do not count."""
    lefts, rights = {i for i, _ in identical}, {j for _, j in identical}
    places: defaultdict[Tokens, list[int]] = defaultdict(list)
    for j in range(len(mapped) - 1, -1, -1):
        if j not in rights and len(mapped[j]) > 2:
            places[mapped[j]].append(j)
    return [(i, places[ours[i]].pop()) for i in range(len(ours)) if i not in lefts and places.get(ours[i])]


def _renames(left: Listing, right: Listing, table: Table) -> tuple[Rename, ...]:
    """In the order of the left side; names of what the fragments themselves define at the end."""
    back = {one: other for other, one in table.items()}
    seen: dict[Rename, None] = {}
    for statement in left.statements:
        for token in statement.tokens:
            if renameable(token) and back.get(token, token) != token:
                defined = token in left.defined and back[token] in right.defined
                seen[Rename(token[1:], back[token][1:], "definition" if defined else _KIND[token[0]])] = None
    return tuple(sorted(seen, key=lambda rename: rename.kind == "definition"))


def _contradictions(
    left: Listing, right: Listing, table: Table, aligned: Sequence[tuple[int, int]]
) -> tuple[Contradiction, ...]:
    """Where a name stands for a second one. Where both have a counterpart of their own, the statement was edited."""
    taken = set(table.values())
    found: Counter[tuple[str, str]] = Counter()
    for i, j in aligned:
        pairs = set(zip(left.statements[i].tokens, right.statements[j].tokens, strict=True))
        for one, other in sorted(pairs):
            if (
                renameable(one)
                and renameable(other)
                and table.get(other) != one
                and ((one in taken) != (other in table))
                and _can_be(left, right, one, other)
            ):
                found[one, other] += 1
    return tuple(
        Contradiction(one[1:], other[1:], _KIND[one[0]], count)
        for (one, other), count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )
