"""Why two fragments match and what changed between them, in one sentence a reader can check.

The left one is in question, so changes read from right to left: `a loop became a comprehension` says that the loop is on
the right. Each part follows from counts of syntax on both sides or from statements that correspond; what follows from
neither is said as a number of edited statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from codeclone.match.rename import Comparison
from codeclone.match.statements import BUILTIN_NAMES, NAME, SELF, Listing, Tokens, in_place, renameable
from codeclone.model import Alignment, CloneType, Level
from codeclone.parse.names import api_names, spellings

PARTS = 6
"""Parts of a sentence after its first."""

WHOLE = 0.995
"""Share of the dataflow that is called the same."""

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
    after = f" after {count(len(proof.renames), 'rename')}" if proof.renames else ""
    whole = proof.left_statements == proof.right_statements == proof.identical and not proof.renested
    prose = list(_prose(left, right))
    if whole and not proof.renames:
        head = "the same text but for layout" if left.text != right.text and not prose else "the same text"
        head = "the same statements" if prose and left.text != right.text else head
        return "; ".join([head, *prose])
    if whole:
        return "; ".join([f"the same statements{after}", *prose])
    few = 2 * proof.identical <= min(proof.left_statements, proof.right_statements)
    of_left = f"{proof.identical} of the left side's {count(proof.left_statements, 'statement')} identical{after}"
    # Names that stand for each other by chance would make temporaries of what has nothing to do with each other.
    finders = [find for find in _FINDERS if clone is not None or find not in (_temporaries, _tuples)]
    parts = [part for find in finders for part in find(left, right, comparison)]
    explained = _temporary_counts(left, right, comparison) if _temporaries in finders else (0, 0)
    remaining = list(_rest(left, right, comparison, *explained))
    doubtful = (clone is None or few) and level in ("weak", "moderate")
    if clone is None or doubtful:
        told = f"shares {share * 100:.0f} % of its dataflow with the right fragment, {of_left}"
        return "; ".join([told, *(parts + remaining)[: PARTS - 2], *([CAVEAT] if doubtful else [])])
    head = "same dataflow" if share >= WHOLE else _found(share)
    return "; ".join([f"{head}, {of_left}", *(parts + remaining + prose)[:PARTS]])


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


def _change(left: Listing, right: Listing, kind: str) -> int:
    """How many more the left side has."""
    return left.counts.get(kind, 0) - right.counts.get(kind, 0)


# One function for each kind of change, in order of importance


def _contradictions(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
    found = comparison.proof.contradictions
    if found:
        yield f"{count(len(found), 'name')} in the place of another against the rename table"


def _control_flow(left: Listing, right: Listing, _: Comparison) -> Iterator[str]:
    kinds = {"loop": "a loop", "comprehension": "a comprehension", "map": "a map or filter"}
    yield from _became(left, right, kinds)
    yield from _became(
        left, right, {"branch": "an if/else", "conditional expression": "a conditional expression"}, _branches
    )
    if (
        _change(left, right, "guard clause")
        * (_change(left, right, "branch with an else") + _change(left, right, "branch without an else"))
        < 0
    ):
        guards = _change(left, right, "guard clause") > 0
        yield "a nested branch became a guard clause" if guards else "a guard clause became a nested branch"


def _branches(listing: Listing) -> Counter[str]:
    counts = Counter(listing.counts)
    counts["branch"] = counts["branch with an else"]
    return counts


def _became(
    left: Listing,
    right: Listing,
    kinds: Mapping[str, str],
    counted: Callable[[Listing], Mapping[str, int]] | None = None,
) -> Iterator[str]:
    """Of kinds that can stand for each other: which the right side has more of, and which the left."""
    ours, theirs = (counted(x) if counted else x.counts for x in (left, right))
    more = {kind: ours.get(kind, 0) - theirs.get(kind, 0) for kind in kinds}
    for gone in kinds:
        for come in kinds:
            number = min(-more[gone], more[come])
            if number > 0:
                more[gone] += number
                more[come] -= number
                if number == 1:
                    yield f"{kinds[gone]} became {kinds[come]}"
                else:
                    yield f"{count(number, _plain(kinds[gone]))} became {_plain(kinds[come])}{_plural(kinds[come])}"


def _plain(kind: str) -> str:
    return kind.partition(" ")[2]


def _plural(kind: str) -> str:
    return "" if kind.endswith("s") else "s"


_OPPOSITE = {
    "LessThan": "GreaterThanEqual", "GreaterThanEqual": "LessThan", "GreaterThan": "LessThanEqual",
    "LessThanEqual": "GreaterThan", "Equal": "NotEqual", "NotEqual": "Equal", "Is": "IsNot", "IsNot": "Is",
    "In": "NotIn", "NotIn": "In",
}  # fmt: skip


def _negated(tokens: Tokens) -> Tokens:
    """The test of a branch, negated: a `not` less or more, or the opposite comparison."""
    if tokens[:2] == ("UnaryOperation:o,e", "Not"):
        return tokens[2:]
    if tokens[0] == "Comparison:l,1":
        operators = [place for place, token in enumerate(tokens) if token in _OPPOSITE]
        if len(operators) == 1:
            place = operators[0]
            return (*tokens[:place], _OPPOSITE[tokens[place]], *tokens[place + 1 :])
    return ("UnaryOperation:o,e", "Not", *tokens)


def _conditions(left: Listing, _: Listing, comparison: Comparison) -> Iterator[str]:
    ours, theirs = _leftover(left, comparison)
    tests = Counter(tokens[1:] for tokens in theirs if tokens[0] in ("if", "elif"))
    number = 0
    for tokens in ours:
        if tokens[0] in ("if", "elif") and tests[_negated(tokens[1:])] > 0:
            tests[_negated(tokens[1:])] -= 1
            number += 1
    if number:
        yield f"{count(number, 'condition')} negated"


def _leftover(left: Listing, comparison: Comparison) -> tuple[list[Tokens], list[Tokens]]:
    """Statements that are not the same after the renames, the right ones in the left one's names."""
    ours = {i for i, _ in comparison.identical} | {i for i, _ in comparison.moved}
    theirs = {j for _, j in comparison.identical} | {j for _, j in comparison.moved}
    return (
        [s.tokens for i, s in enumerate(left.statements) if i not in ours],
        [tokens for j, tokens in enumerate(comparison.mapped) if j not in theirs],
    )


def _temporaries(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
    inlined, introduced = _temporary_counts(left, right, comparison)
    if inlined:
        yield "a temporary inlined" if inlined == 1 else f"{inlined} temporaries inlined"
    if introduced:
        yield "a temporary introduced" if introduced == 1 else f"{introduced} temporaries introduced"


def _temporary_counts(left: Listing, right: Listing, comparison: Comparison) -> tuple[int, int]:
    """(temporaries of the right side that are inlined on the left, the other way round)."""
    ours, theirs = _leftover(left, comparison)
    once_right = {comparison.table.get(NAME + name, NAME + name) for name in right.once}
    return _in_place(theirs, once_right, ours), _in_place(ours, {NAME + name for name in left.once}, theirs)


def _in_place(having: list[Tokens], once: set[str], without: list[Tokens]) -> int:
    """Locals of one side that are gone on the other, where their value stands in a statement."""
    values = {s[1]: s[2:] for s in having if s[0] == "Assign:1" and s[1] in once}
    there = {token for statement in without for token in statement}
    texts = ["\1".join(statement) + "\1" for statement in without]
    number = 0
    for name in values:
        if name in there or name.rstrip("\0") in there:
            continue
        value = in_place(values[name], values)
        text = "\1" + "\1".join(value) + "\1"
        number += len(value) > 1 and any(text in f"\1{other}" for other in texts)
    return number


def _tuples(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
    ours, theirs = _leftover(left, comparison)
    merged, split = _elements(ours, theirs), _elements(theirs, ours)
    if merged:
        yield "assignments merged into a tuple" if merged == 1 else f"assignments merged into {merged} tuples"
    if split:
        yield "a tuple assignment split" if split == 1 else f"{split} tuple assignments split"


def _elements(having: list[Tokens], single: list[Tokens]) -> int:
    """Assignments of tuples to tuples all of whose elements are assigned one by one on the other side."""
    alone = [s[1:] for s in single if s[0] == "Assign:1"]
    number = 0
    for statement in having:
        parts = _tuple_parts(statement)
        if parts and all(any(other[: len(part)] == part for other in alone) for part in parts):
            number += 1
    return number


def _tuple_parts(statement: Tokens) -> list[Tokens]:
    """The names that a tuple assignment of names or own attributes binds; nothing for any other statement."""
    if statement[0] != "Assign:1" or not statement[1].startswith("Tuple:"):
        return []
    size, parts, place = int(statement[1].partition(":")[2]), [], 2
    for _ in range(size):
        element = statement[place + 1 : place + 4]
        if len(element) < 3 or statement[place] != "Element:v":
            return []
        if element[0][0] == NAME:
            parts.append(element[:1])
            place += 2
        elif element[0] == "Attribute" and element[2][0] == SELF:
            parts.append(element)
            place += 4
        else:
            return []
    return parts if statement[place : place + 1] == (f"Tuple:{size}",) else []


def _strings(left: Listing, right: Listing, _: Comparison) -> Iterator[str]:
    kinds = {"f-string": "an f-string", "str.format": "a str.format", "% formatting": "a % formatting",
             "string concatenation": "a string concatenation", "str.join": "a str.join"}  # fmt: skip
    yield from _became(left, right, kinds)


def _augmented(left: Listing, right: Listing, _: Comparison) -> Iterator[str]:
    kinds = {
        "augmented assignment": "an augmented assignment",
        "assignment of an operation to its operand": "a plain assignment",
    }
    yield from _became(left, right, kinds)


def _spelt(left: Listing, right: Listing, _: Comparison) -> Iterator[str]:
    """Library calls: one name of a group against another, and one form against another."""
    ours, theirs = (Counter(call.name for call in side.calls) for side in (left, right))
    more, less = ours - theirs, theirs - ours
    changed = []
    for gone in sorted(less):
        for come in sorted(more):
            number = min(less[gone], more[come])
            if number > 0 and _alike(gone, come):
                less[gone] -= number
                more[come] -= number
                changed.append(f"{gone} → {come}" + (f" ({number} times)" if number > 1 else ""))
    if changed:
        yield "library calls spelt otherwise: " + ", ".join(changed[:4]) + (" …" if len(changed) > 4 else "")
    forms = [
        Counter((call.name, call.form) for call in side.calls if call.name.encode() in api_names())
        for side in (left, right)
    ]
    for gone_form, come_form in (("method", "function"), ("function", "method")):
        names = sorted({
            name for name, _ in forms[0]
            if forms[0][name, come_form] > forms[1][name, come_form] and forms[1][name, gone_form] > forms[0][name, gone_form]
        })  # fmt: skip
        if names:
            yield f"{', '.join(names[:3])} called as a {come_form} instead of a {gone_form}"


def _alike(one: str, other: str) -> bool:
    group = spellings()
    if group.get(one.encode(), one.encode()) == group.get(other.encode(), other.encode()):
        return True
    return any(one in like and other in like for like in LIKE)


def _arguments(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
    """Arguments of the same calls that changed between keyword and position."""
    ours, theirs = (_passed(side) for side in (left, right))
    by_keyword = by_position = 0
    for name, (calls, positional, keywords) in ours.items():
        mapped = comparison.table
        other = next((theirs[n] for n in (name, *_right_names(mapped, name)) if n in theirs), None)
        if other is not None and other[0] == calls and other[1] + other[2] == positional + keywords:
            by_keyword += max(0, keywords - other[2])
            by_position += max(0, other[2] - keywords)
    if by_keyword:
        yield f"{count(by_keyword, 'argument')} passed by keyword instead of by position"
    if by_position:
        yield f"{count(by_position, 'argument')} passed by position instead of by keyword"


def _right_names(table: Mapping[str, str], left_name: str) -> list[str]:
    return [other[1:] for other, one in table.items() if one[1:] == left_name]


def _passed(listing: Listing) -> dict[str, tuple[int, int, int]]:
    """Name -> (calls, positional arguments, keyword arguments)."""
    result: dict[str, tuple[int, int, int]] = {}
    for call in listing.calls:
        calls, positional, keywords = result.get(call.name, (0, 0, 0))
        result[call.name] = calls + 1, positional + call.positional, keywords + call.keywords
    return result


def _constants(left: Listing, right: Listing, _: Comparison) -> Iterator[str]:
    gone = Counter(right.numbers) - Counter(left.numbers)
    come = Counter(left.numbers) - Counter(right.numbers)
    written = {value for value in gone if _same_value(value, left.folded)} | {
        value for value in come if _same_value(value, right.folded)
    }
    if written:
        yield f"{count(len(written), 'constant')} re-expressed"


def _named_constants(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
    """Statements that differ only where one side has a literal and the other a name from outside the fragment."""
    written = named = 0
    for i, j in comparison.edited:
        pairs = list(zip(left.statements[i].tokens, comparison.mapped[j], strict=False))
        if len(left.statements[i].tokens) != len(comparison.mapped[j]):
            continue
        differ = [(one, other) for one, other in pairs if one != other]
        written += all(one[0] in "#'" and _from_outside(other, right) for one, other in differ)
        named += all(other[0] in "#'" and _from_outside(one, left) for one, other in differ)
    if written:
        yield "a named constant written out" if written == 1 else f"named constants written out in {written} statements"
    if named:
        yield "a constant given a name" if named == 1 else f"constants given names in {named} statements"


def _from_outside(token: str, listing: Listing) -> bool:
    return token[0] == NAME and renameable(token) and token[1:].rstrip("\0") not in listing.bound


def _same_value(value: str, folded: Mapping[str, int]) -> bool:
    return any(value == other or _close(value, other) for other in folded)


def _close(one: str, other: str) -> bool:
    try:
        a, b = float(one), float(other)
    except ValueError:
        return False
    return a != 0 and abs(a - b) <= 1e-12 * abs(a)


def _signature(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
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
    more = (len(ours) - methods[0]) - (len(theirs) - methods[1])
    if more:
        yield f"{count(abs(more), 'parameter')} {'added' if more > 0 else 'removed'}"


def _helpers(left: Listing, right: Listing, comparison: Comparison) -> Iterator[str]:
    """Own functions that one side calls and for which the other has no counterpart."""
    ours = _own_calls(left) - set(comparison.table.values())
    theirs = _own_calls(right) - set(comparison.table)
    ours, theirs = ours - theirs, theirs - ours
    if ours and not theirs and len(left.statements) < len(right.statements):
        yield f"calls {_listed(ours)}, without counterpart on the right"
    elif theirs and not ours and len(left.statements) > len(right.statements):
        yield f"the right calls {_listed(theirs)}, without counterpart on the left"


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


def _checks(left: Listing, right: Listing, _: Comparison) -> Iterator[str]:
    for kind in ("assert", "print", "logging call"):
        more = _change(left, right, kind)
        if more:
            yield f"{count(abs(more), kind)} {'added' if more > 0 else 'dropped'}"


def _annotations(left: Listing, right: Listing) -> Iterator[str]:
    ours, theirs = left.counts.get("annotation", 0), right.counts.get("annotation", 0)
    if bool(ours) != bool(theirs):
        yield f"annotations {'added' if ours else 'dropped'}"


_FINDERS = (
    _contradictions, _signature, _control_flow, _conditions, _temporaries, _tuples, _spelt, _strings, _constants, _named_constants, _augmented, _arguments,
    _helpers,
)  # fmt: skip


def _rest(left: Listing, right: Listing, comparison: Comparison, inlined: int, introduced: int) -> Iterator[str]:
    """Statements in numbers, without those that are told already."""
    yield from _checks(left, right, comparison)
    checks = sum(_change(left, right, kind) for kind in ("assert", "print", "logging call"))
    added = len(comparison.only_left) - max(0, checks) - introduced
    removed = len(comparison.only_right) - max(0, -checks) - inlined
    if comparison.literals:
        yield f"{count(len(comparison.literals), 'statement')} with other literals"
    if len(comparison.edited) > len(comparison.literals):
        yield f"{count(len(comparison.edited) - len(comparison.literals), 'statement')} edited"
    if added > 0:
        yield f"{count(added, 'statement')} only on the left"
    if removed > 0:
        yield f"{count(removed, 'statement')} only on the right"
    if comparison.moved:
        yield f"{count(len(comparison.moved), 'statement')} in another order"
    if comparison.proof.renested:
        yield f"{count(comparison.proof.renested, 'statement')} in more or fewer blocks"


def _prose(left: Listing, right: Listing) -> Iterator[str]:
    for kind, ours, theirs in zip(("docstring", "comment"), left.prose, right.prose, strict=True):
        if ours == theirs:
            continue
        word = kind if max(len(ours), len(theirs)) == 1 else f"{kind}s"
        if not ours or not theirs:
            yield f"{word} {'added' if ours else 'dropped'}"
        else:
            yield f"{word} rewritten"
    yield from _annotations(left, right)
