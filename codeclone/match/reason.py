"""Why two fragments match and what changed between them, in one sentence a reader can check.

The left one is in question, so changes read from right to left: `a loop became a comprehension` says that the loop is on
the right. That something became something else is said only of statements that correspond, by the alignment or by sharing
their operands after the renames; what does not follow from these is said as a number of statements.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codeclone.match.correspondence import MAX_COMPARED, MAX_TOKENS, Correspondence, correspondence, negated, stands_in
from codeclone.match.rename import Comparison
from codeclone.match.statements import (
    BUILTIN_NAMES,
    METHOD,
    MODULES,
    NAME,
    SELF,
    Listing,
    Tokens,
)
from codeclone.model import Alignment, CloneType, Level, RenameProof, SharedPart, Span
from codeclone.parse.names import api_names, spellings

PARTS = 6
"""Parts of a sentence after its first."""

WHOLE = 0.995
"""Share of the dataflow that is called the same."""

LONG_WORDS, LONG_CHARACTERS = 6, 40
"""A comment or string of so many words, or so many characters, is not the same on both sides by chance."""

LIKE = (
    ("unsqueeze", "[None]"),
    ("reshape", "flatten", "unflatten"),
    ("chunk", "split", "unbind"),
)
"""Spellings that do the same for certain operands, next to those of data/spellings.txt, which always do."""

CAVEAT = "an independent implementation of the same thing cannot be told from a reworked copy by this alone"


def reason(
    left: Listing, right: Listing, comparison: Comparison, clone: CloneType | None, share: float, level: Level
) -> str:
    """The sentence of a pair. `share`: of the left fragment's dataflow, what is found on the right, in [0, 1]."""
    proof = comparison.proof
    whole = proof.left_statements == proof.right_statements == proof.identical and not proof.renested
    changed = list(_prose(left, right, comparison))
    prose = [*_long(left, right), *changed] if changed or not whole else []
    if whole and not proof.renames:
        head = "the same text but for layout" if left.text != right.text and not prose else "the same text"
        head = "the same statements" if prose and left.text != right.text else head
        return "; ".join([head, *prose])
    if whole:
        return "; ".join([f"the same statements{_after(proof)}", *prose])
    few = 2 * proof.identical <= min(proof.left_statements, proof.right_statements)
    matched = correspondence(left, right, comparison)
    of_left = _in_numbers(proof, matched)
    # Without one identical statement nothing says which names stand for each other, so that no two expressions do.
    parts = [part for find in _FINDERS for part in find(left, right, comparison, matched)] if proof.identical else []
    doubtful = (clone is None or few) and level in ("weak", "moderate")
    if clone is None or doubtful:
        told = f"shares {share * 100:.0f} % of its dataflow with the right fragment, {of_left}"
        return "; ".join([told, *parts[: PARTS - 2], *_long(left, right), *([CAVEAT] if doubtful else [])])
    head = "same dataflow" if share >= WHOLE else _found(share)
    return "; ".join([f"{head}, {of_left}", *(parts + prose)[:PARTS]])


def _after(proof: RenameProof) -> str:
    number = sum(rename.kind != "definition" for rename in proof.renames)
    if number:
        return f" after {count(number, 'rename')}"
    return " but for its own name" if proof.renames else ""


def _in_numbers(proof: RenameProof, matched: Correspondence) -> str:
    """Every statement of the left side in one of these numbers, and those of the right that are in none."""
    told = f"{proof.identical} of the left side's {count(proof.left_statements, 'statement')} identical"
    told = told + _after(proof) if proof.identical else f"no consistent renaming: {told}"
    if proof.renested:
        told += f" ({proof.renested} of them nested differently)"
    numbers = (
        (matched.moved, "in another order"),
        (matched.literals, "with other literals"),
        (matched.edited, "edited"),
        (matched.only_left, "only on the left"),
        (matched.only_right, "only on the right"),
    )
    return ", ".join([told, *(f"{number} {what}" for number, what in numbers if number)])


def part_sentence(part: SharedPart) -> str:
    """Where the pair is alike, if it is not alike all over."""
    left, right = _lines(part.left), _lines(part.right)
    return f"the most alike are left {left}: {part.containment_left * 100:.0f} % of them is found in right {right}"


def _lines(span: Span) -> str:
    return f"lines {span.first}–{span.last}"


def _found(share: float) -> str:
    return f"{share * 100:.0f} % of the left fragment's dataflow is found on the right"


def short(share: float, alignment: Alignment | None, why: str) -> str:
    """The sentence of a pair that was not read statement by statement, and why it was not."""
    told = _found(share)
    if alignment is None:
        return f"{told}; {why}"
    rows = Counter(row.op for row in alignment.rows if (row.left_text + row.right_text).strip())
    if set(rows) == {"same"}:
        return "the same text"
    lines = f"{count(rows['same'], 'line')} the same, {rows['renamed']} the same but for names, {rows['edited']} edited"
    return f"{told}; {lines}, {rows['only_left']} only on the left, {rows['only_right']} only on the right"


def count(number: int, noun: str) -> str:
    """`1 line`, `2 lines`, `2 branches`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}" + ("es" if noun.endswith(("ch", "s")) else "s")


# One function for each kind of change, in order of importance


def _contradictions(_: Listing, __: Listing, comparison: Comparison, ___: Correspondence) -> Iterator[str]:
    found = len({c.left for c in comparison.proof.contradictions})
    if found:
        yield f"{count(found, 'name')} {'stands' if found == 1 else 'stand'} for two"


def _control_flow(left: Listing, right: Listing, comparison: Comparison, matched: Correspondence) -> Iterator[str]:
    sides = (
        _Side(left, matched.left, [s.tokens for s in left.statements]),
        _Side(right, matched.right, comparison.mapped),
    )
    if len(matched.left) * len(matched.right) > MAX_COMPARED:
        return
    kinds = (
        (_loops_as_comprehensions, "a loop", "a comprehension"),
        (_comprehensions_as_maps, "a comprehension", "a map or filter"),
        (_branches_as_expressions, "an if/else", "a conditional expression"),
    )
    for find, one, other in kinds:
        yield from _became(find(sides[1], sides[0]), one, other)
        yield from _became(find(sides[0], sides[1]), other, one)


def _became(number: int, gone: str, come: str) -> Iterator[str]:
    if number == 1:
        yield f"{gone} became {come}"
    elif number:
        yield f"{count(number, _plain(gone))} became {_plain(come)}s"


def _plain(kind: str) -> str:
    return kind.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class _Side:
    """One side's statements in the left side's names."""

    listing: Listing
    open: frozenset[int]
    """Places that are neither identical to the other side's nor moved."""
    tokens: Sequence[Tokens]


_LISTS = ("ListComp:", "SetComp:", "GeneratorExp:")


def _comprehensions(tokens: Tokens) -> Iterator[tuple[Tokens, Tokens, Tokens]]:
    """(element, target, what follows: what is run over and the conditions) of each comprehension of a statement."""
    for place, token in enumerate(tokens):
        if token.startswith(_LISTS) and len(tokens) <= MAX_TOKENS:
            inner = next((k for k in range(place, len(tokens)) if tokens[k].startswith("CompFor:")), len(tokens))
            size = _target_size(tokens[inner + 1 :])
            if size:
                start = inner + 1 + size
                yield tokens[place + 1 : inner], tokens[inner + 1 : start], tokens[start:]


def _target_size(tokens: Tokens) -> int:
    """Tokens of a target that is a name or a tuple of names; 0 for any other."""
    if not tokens:
        return 0
    if tokens[0][0] == NAME:
        return 1
    if not tokens[0].startswith("Tuple:"):
        return 0
    size = 1 + 2 * int(tokens[0].partition(":")[2])
    names = tokens[2:size:2]
    return size if len(tokens) >= size and all(name[0] == NAME for name in names) else 0


def _loops_as_comprehensions(loops: _Side, others: _Side) -> int:
    """Loops that run over what a comprehension of the other side runs over and do with it what that one does."""
    found = [c for place in sorted(others.open) for c in _comprehensions(others.tokens[place])]
    number = 0
    for place in sorted(loops.open):
        tokens = loops.tokens[place]
        size = _target_size(tokens[1:]) if tokens[0] == "For" else 0
        if not size:
            continue
        target, over = tokens[1 : 1 + size], tokens[1 + size :]
        body = _body(loops, place)
        for option in found:
            element, bound, rest = option
            if len(bound) != len(target) or rest[: len(over)] != over:
                continue
            names = dict(zip(bound, target, strict=True))
            element = tuple(names.get(token, token) for token in element)
            if any(stands_in(element, statement) for statement in body):
                found.remove(option)
                number += 1
                break
    return number


def _body(side: _Side, header: int) -> list[Tokens]:
    depth = side.listing.statements[header].depth
    after = range(header + 1, len(side.tokens))
    end = next((k for k in after if side.listing.statements[k].depth <= depth), len(side.tokens))
    return [side.tokens[k] for k in range(header + 1, end)]


def _comprehensions_as_maps(comprehensions: _Side, maps: _Side) -> int:
    """Comprehensions that call a function of one argument, where the other side maps the function."""
    number = 0
    for place in sorted(comprehensions.open):
        for element, target, rest in _comprehensions(comprehensions.tokens[place]):
            function = element[1:-1]
            if element[:1] != ("Call:1",) or element[-1:] != target or not function:
                continue
            for other in sorted(maps.open):
                tokens, start = maps.tokens[other], ("Call:2", f"{NAME}map", *function)
                places = [k for k in range(len(tokens)) if tokens[k : k + len(start)] == start]
                over = tokens[places[0] + len(start) :][:1] if places else ()
                if over and rest[:1] == over:
                    number += 1
                    break
    return number


def _branches_as_expressions(branches: _Side, others: _Side) -> int:
    """Branches with an `else` whose test is that of a conditional expression of the other side, or its opposite."""
    number = 0
    free = sorted(others.open)
    for place in sorted(branches.open):
        tokens = branches.tokens[place]
        if tokens[0] != "if" or not branches.listing.statements[place].counts.get("branch with an else"):
            continue
        tests = [("IfExp:t,b,o", *test) for test in (tokens[1:], negated(tokens[1:]))]
        found = next((k for k in free if any(stands_in(test, others.tokens[k]) for test in tests)), None)
        if found is not None:
            free.remove(found)
            number += 1
    return number


def _conditions(left: Listing, right: Listing, comparison: Comparison, matched: Correspondence) -> Iterator[str]:
    """Branches on the same or the opposite test: what became of them."""
    free = [j for j in sorted(matched.right) if comparison.mapped[j][0] in ("if", "elif")]
    opposed: list[tuple[int, int]] = []
    for i in sorted(matched.left):
        tokens = left.statements[i].tokens
        if tokens[0] in ("if", "elif"):
            opposite = negated(tokens[1:])
            found = next((j for j in free if comparison.mapped[j][1:] == opposite), None)
            if found is not None:
                free.remove(found)
                opposed.append((i, found))
    guards = nested = 0
    for i, j in (*opposed, *comparison.identical):
        ours, theirs = left.statements[i].counts, right.statements[j].counts
        turned = (i, j) in opposed
        guards += bool(ours.get("guard clause")) and _encloses(theirs, turned)
        nested += bool(theirs.get("guard clause")) and _encloses(ours, turned)
    yield from _became(guards, "a nested branch", "a guard clause")
    yield from _became(nested, "a guard clause", "a nested branch")
    if opposed:
        yield f"{count(len(opposed), 'condition')} negated"


def _encloses(counts: Mapping[str, int], turned: bool) -> bool:
    """Whether a branch holds what follows the guard on the other side."""
    other = bool(counts.get("branch with an else"))
    return other or (turned and bool(counts.get("branch without an else")) and not counts.get("branch that leaves"))


def _temporaries(_: Listing, __: Listing, ___: Comparison, matched: Correspondence) -> Iterator[str]:
    for number, what in ((matched.inlined, "inlined"), (matched.introduced, "introduced")):
        if number:
            yield f"a temporary {what}" if number == 1 else f"{number} temporaries {what}"


def _tuples(_: Listing, __: Listing, ___: Comparison, matched: Correspondence) -> Iterator[str]:
    if matched.merged:
        yield "assignments merged into " + ("a tuple" if matched.merged == 1 else f"{matched.merged} tuples")
    if matched.split:
        yield "a tuple assignment split" if matched.split == 1 else f"{matched.split} tuple assignments split"


def _among(left: Listing, right: Listing, matched: Correspondence, kinds: Mapping[str, str]) -> Iterator[str]:
    """Of kinds that can stand for each other: statements that became each other with one of them in another's place."""
    found: Counter[tuple[str, str]] = Counter()
    for i, j in matched.pairs:
        ours, theirs = left.statements[i].counts, right.statements[j].counts
        more = {kind: ours.get(kind, 0) - theirs.get(kind, 0) for kind in kinds}
        gone, come = [k for k in kinds if more[k] < 0], [k for k in kinds if more[k] > 0]
        if len(gone) == len(come) == 1:
            found[gone[0], come[0]] += min(-more[gone[0]], more[come[0]])
    for (lost, gained), number in sorted(found.items()):
        yield from _became(number, kinds[lost], kinds[gained])


def _strings(left: Listing, right: Listing, _: Comparison, matched: Correspondence) -> Iterator[str]:
    kinds = {"f-string": "an f-string", "str.format": "a str.format", "% formatting": "a % formatting",
             "string concatenation": "a string concatenation", "str.join": "a str.join"}  # fmt: skip
    yield from _among(left, right, matched, kinds)


def _augmented(left: Listing, right: Listing, _: Comparison, matched: Correspondence) -> Iterator[str]:
    kinds = {
        "augmented assignment": "an augmented assignment",
        "assignment of an operation to its operand": "a plain assignment",
    }
    yield from _among(left, right, matched, kinds)


def _spelt(left: Listing, right: Listing, comparison: Comparison, matched: Correspondence) -> Iterator[str]:
    """Library calls of statements that became each other: one name of a group against another, one form against another."""
    changed: Counter[str] = Counter()
    for i, j in matched.pairs:
        ours, theirs = (Counter(call.name for call in s.calls) for s in (left.statements[i], right.statements[j]))
        more, less = ours - theirs, theirs - ours
        for gone in sorted(less):
            come = next((name for name in sorted(more) if more[name] > 0 and _alike(gone, name)), None)
            if come is not None:
                number = min(less[gone], more[come])
                more[come] -= number
                changed[f"{gone} → {come}"] += number
    if changed:
        words = [change + (f" ({number} times)" if number > 1 else "") for change, number in sorted(changed.items())]
        yield "library calls spelt otherwise: " + ", ".join(words[:4]) + (" …" if len(words) > 4 else "")
    forms: dict[str, set[str]] = {"function": set(), "method": set()}
    for i, j in comparison.edited:
        if max(len(left.statements[i].tokens), len(comparison.mapped[j])) > MAX_TOKENS:
            continue
        forms["function"].update(_as_functions(left.statements[i].tokens, comparison.mapped[j]))
        forms["method"].update(_as_functions(comparison.mapped[j], left.statements[i].tokens))
    for come, gone in (("function", "method"), ("method", "function")):
        if forms[come]:
            yield f"{', '.join(sorted(forms[come])[:3])} called as a {come} instead of a {gone}"


def _as_functions(functions: Tokens, methods: Tokens) -> Iterator[str]:
    """Names that one statement calls as a module's function on what the other statement calls them as a method of."""
    for place, token in enumerate(functions):
        module = functions[place - 1]
        if token[0] != METHOD or place < 3 or module[0] != NAME or module[1:].encode() not in MODULES:
            continue
        if functions[place - 2] != "Attribute" or not functions[place - 3].startswith("Call:"):
            continue
        less = f"Call:{int(functions[place - 3].partition(':')[2]) - 1}"
        for end in (k for k, other in enumerate(methods) if other == token):
            starts = (k for k in range(end - 2) if methods[k : k + 2] == (less, "Attribute"))
            receivers = (methods[start + 2 : end] for start in starts)
            if any(functions[place + 1 : place + 1 + len(r)] == r for r in receivers if r):
                yield token[1:]
                break


def _alike(one: str, other: str) -> bool:
    group = spellings()
    if group.get(one.encode(), one.encode()) == group.get(other.encode(), other.encode()):
        return True
    return any(one in like and other in like for like in LIKE)


def _arguments(left: Listing, right: Listing, comparison: Comparison, matched: Correspondence) -> Iterator[str]:
    """Arguments of calls of one name, in statements that became each other, that changed between keyword and position."""
    by_keyword = by_position = 0
    back = {other[1:]: one[1:] for other, one in comparison.table.items()}
    for i, j in matched.pairs:
        ours = {call.name: call for call in left.statements[i].calls}
        theirs = {back.get(call.name, call.name): call for call in right.statements[j].calls}
        if len(ours) != len(left.statements[i].calls) or len(theirs) != len(right.statements[j].calls):
            continue  # of several calls of one name it is not sure which is which
        for name in sorted(ours.keys() & theirs.keys()):
            one, other = ours[name], theirs[name]
            if one.positional + one.keywords == other.positional + other.keywords and one.form == other.form:
                by_keyword += max(0, one.keywords - other.keywords)
                by_position += max(0, other.keywords - one.keywords)
    if by_keyword:
        yield f"{count(by_keyword, 'argument')} passed by keyword instead of by position"
    if by_position:
        yield f"{count(by_position, 'argument')} passed by position instead of by keyword"


def _constants(left: Listing, right: Listing, comparison: Comparison, matched: Correspondence) -> Iterator[str]:
    """Numbers of one statement that the one it became works out from others."""
    written = 0
    for i, j in matched.pairs:
        ours, theirs = left.statements[i], right.statements[j]
        come, gone = _numbers(ours.tokens) - _numbers(theirs.tokens), _numbers(theirs.tokens) - _numbers(ours.tokens)
        written += sum(_same_value(value, ours.folded) for value in gone)
        written += sum(_same_value(value, theirs.folded) for value in come)
    if written:
        yield f"{count(written, 'constant')} re-expressed"


def _numbers(tokens: Tokens) -> set[str]:
    return {token[1:] for token in tokens if token[0] == "#"}


def _named_constants(left: Listing, right: Listing, comparison: Comparison, _: Correspondence) -> Iterator[str]:
    """Statements that differ only where one side has a literal and the other a constant's name from outside it."""
    written = named = 0
    for i, j in comparison.edited:
        if len(left.statements[i].tokens) != len(comparison.mapped[j]):
            continue
        pairs = zip(left.statements[i].tokens, comparison.mapped[j], strict=True)
        differ = [(one, other) for one, other in pairs if one != other]
        written += all(one[0] in "#'" and _from_outside(other, right) for one, other in differ)
        named += all(other[0] in "#'" and _from_outside(one, left) for one, other in differ)
    if written:
        yield "a named constant written out" if written == 1 else f"named constants written out in {written} statements"
    if named:
        yield "a constant given a name" if named == 1 else f"constants given names in {named} statements"


def _from_outside(token: str, listing: Listing) -> bool:
    name = token[1:].rstrip("\0")
    return token[0] == NAME and name.isupper() and name not in listing.bound


def _same_value(value: str, folded: Iterable[str]) -> bool:
    return any(value == other or _close(value, other) for other in folded)


def _close(one: str, other: str) -> bool:
    try:
        a, b = float(one), float(other)
    except ValueError:
        return False
    return a != 0 and abs(a - b) <= 1e-12 * abs(a)


def _signature(left: Listing, right: Listing, comparison: Comparison, _: Correspondence) -> Iterator[str]:
    ours, theirs = left.parameters, right.parameters
    if not left.name or not right.name or (not ours and not theirs):
        return
    methods = bool(ours) and ours[0] in ("self", "cls"), bool(theirs) and theirs[0] in ("self", "cls")
    if methods == (False, True):
        static = left.statements[0].tokens == ("@", f"{NAME}staticmethod")
        yield "a method became a static method" if static else "a method became a function"
    elif methods == (True, False):
        static = right.statements[0].tokens == ("@", f"{NAME}staticmethod")
        yield "a static method became a method" if static else "a function became a method"
    here = {NAME + name for name in ours[methods[0] :]}
    there = {comparison.table.get(NAME + name, f"{NAME}{name}\0") for name in theirs[methods[1] :]}
    # A name that is in no pair stands for itself where both sides have it.
    there = {name.rstrip("\0") if name.rstrip("\0") in here - there else name for name in there}
    added, removed = len(here - there), len(there - here)
    if added and removed:
        yield f"{count(added, 'parameter')} added, {removed} removed"
    elif added or removed:
        yield f"{count(added or removed, 'parameter')} {'added' if added else 'removed'}"


def _helpers(left: Listing, right: Listing, comparison: Comparison, _: Correspondence) -> Iterator[str]:
    """Own functions that one side calls and the other, the longer one, does not call by any name."""
    ours = _own_calls(left) - set(comparison.table.values())
    theirs = _own_calls(right) - set(comparison.table)
    ours, theirs = ours - theirs, theirs - ours
    if ours and not theirs and len(left.statements) < len(right.statements):
        yield f"calls {_listed(ours)}, the right does not"
    elif theirs and not ours and len(left.statements) > len(right.statements):
        yield f"the right calls {_listed(theirs)}, the left does not"


def _own_calls(listing: Listing) -> set[str]:
    return {
        (NAME if call.form == "name" else SELF) + call.name
        for call in listing.calls
        if call.form in ("name", "self")
        and call.name.encode() not in api_names()
        and call.name not in listing.bound
        and call.name not in BUILTIN_NAMES
    }


def _listed(tokens: set[str]) -> str:
    names = sorted(token[1:] for token in tokens)
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _checks(left: Listing, right: Listing, _: Comparison, matched: Correspondence) -> Iterator[str]:
    for kind in ("assert", "print", "logging call"):
        more = sum(bool(left.statements[i].counts.get(kind)) for i in matched.added)
        less = sum(bool(right.statements[j].counts.get(kind)) for j in matched.removed)
        if more:
            yield f"{count(more, kind)} added"
        if less:
            yield f"{count(less, kind)} dropped"


_FINDERS = (
    _contradictions, _signature, _control_flow, _conditions, _temporaries, _tuples, _spelt, _strings, _constants,
    _named_constants, _augmented, _arguments, _helpers, _checks,
)  # fmt: skip


# Prose


def _prose(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
    ours, theirs = left.prose[0], right.prose[0]
    if ours != theirs:
        word = "docstring" if max(len(ours), len(theirs)) == 1 else "docstrings"
        if ours and theirs:
            yield "another docstring" if word == "docstring" else "other docstrings"
        else:
            yield f"{word} {'added' if ours else 'dropped'}"
    yield from _comments(left.prose[1], right.prose[1], comparison)
    annotated = [bool(side.counts.get("annotation", 0)) for side in (left, right)]
    if annotated[0] != annotated[1]:
        yield f"annotations {'added' if annotated[0] else 'dropped'}"


def _comments(ours: Sequence[str], theirs: Sequence[str], comparison: Comparison) -> Iterator[str]:
    names = {other[1:]: one[1:] for other, one in comparison.table.items()}
    here, there = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    plain = [
        Counter(key for key, number in
                ((_plain_words(text, table), number) for text, number in sorted(side.items())) for _ in range(number))
        for side, table in ((here, {}), (there, names))
    ]  # fmt: skip
    alike = sum((plain[0] & plain[1]).values())
    added, dropped = here.total() - alike, there.total() - alike
    if alike:
        yield f"{count(alike, 'comment')} the same but for names, case and marks"
    if added:
        yield f"{count(added, 'comment')} added"
    if dropped:
        yield f"{count(dropped, 'comment')} dropped"


def _plain_words(text: str, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(word, word).lower() for word in re.findall(r"\w+", text))


def _long(left: Listing, right: Listing) -> Iterator[str]:
    """Comments and strings so long that two people do not write them alike; a licence is everyone's."""
    if left.text == right.text:
        return
    for word, ours, theirs in (
        ("comment", left.prose[1], right.prose[1]),
        ("string", _texts(left), _texts(right)),
    ):
        number = sum(_is_long(text) for text in set(ours) & set(theirs))
        if number:
            verb = "is" if number == 1 else "are"
            yield f"{count(number, f'long {word}')} {verb} word for word the same"


def _texts(listing: Listing) -> list[str]:
    inside = [token[1:] for s in listing.statements for token in s.tokens if token[0] == "'"]
    return [" ".join(text.split()) for text in (*listing.prose[0], *inside)]


_LICENCE = re.compile(r"copyright|licen[sc]e|spdx|all rights reserved|warrant|noqa|pylint|type: ignore", re.IGNORECASE)


def _is_long(text: str) -> bool:
    words = re.findall(r"[^\W\d_]{2,}", text)
    long = len(words) >= LONG_WORDS or (len(text) >= LONG_CHARACTERS and len(words) >= LONG_WORDS // 2)
    return long and not _LICENCE.search(text)
