"""Arithmetic, comparisons and conditions in one form each, however they are written.

A product is flat, with division as multiplication by an inverse; a sum is flat, with subtraction as addition of a
negative; constants are folded. Conditions have one polarity (De Morgan), and a choice that is a maximum, a default or a
look-up with a default is that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from codeclone.parse.lowering import MAX_OPERANDS, Lowering

MAX_FOLDED = 10**18
"""Numbers above this are not computed with, and are no result: a source could ask for one that fills the memory."""

MAX_SHORT = 6
"""Characters of a number that an inverse may have to be written as it: dividing by 4 is multiplying by 0.25."""

Number = int | float


def number_of(s: Lowering, node: int) -> Number | None:
    """The value of a node that is a number; None for any other, and for an integer above `MAX_FOLDED`."""
    label = s.label_of(node)
    if not label.startswith(b"="):
        return None
    text = label[1:]
    try:
        whole = int(text)
        return whole if abs(whole) <= MAX_FOLDED else None
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def spelled(number: Number) -> bytes:
    """One spelling of a number: 2.0 is 2, and an infinity is inf."""
    if isinstance(number, float):
        if number.is_integer() and abs(number) < 1e15:
            return b"%d" % int(number)
        return repr(number).encode()
    return b"%d" % number


def number(s: Lowering, value: Number, at: int) -> int:
    return s.leaf(b"=" + spelled(value), at)


def _computed(work: Callable[[], Number]) -> Number | None:
    """What comes out, unless that is too large or no number."""
    try:
        result = work()
    except OverflowError:
        return None
    return result if not isinstance(result, complex) and abs(result) <= MAX_FOLDED else None


def _split(s: Lowering, operands: Sequence[int]) -> tuple[list[Number], list[int]]:
    """(the numbers among the operands, the others)."""
    numbers: list[Number] = []
    others: list[int] = []
    for operand in operands:
        value = number_of(s, operand)
        if value is None:
            others.append(operand)
        else:
            numbers.append(value)
    return numbers, others


def _flat(s: Lowering, name: bytes, operands: Sequence[int]) -> list[int]:
    """The operands of an associative operation, those of the same operation among them taken apart."""
    flat: list[int] = []
    for operand in operands:
        flat.extend(s.operands(operand) if s.is_label(operand, name) else (operand,))
    return flat if len(flat) <= MAX_OPERANDS else list(operands)


def add(s: Lowering, operands: Sequence[int], at: int) -> int:
    """A sum: flat, its operands without order, its constants one."""
    flat = _flat(s, b"+", operands)
    numbers, others = _split(s, flat)
    if numbers:
        total = _computed(lambda: sum(numbers))
        if total is not None:
            if not others:
                return number(s, total, at)
            flat = [*others, number(s, total, at)] if total else others
    return flat[0] if len(flat) == 1 else s.make_any_order(b"+", flat, at)


def negative(s: Lowering, node: int, at: int) -> int:
    value = number_of(s, node)
    if value is not None:
        return number(s, -value, at)
    if s.is_made_of(node, b"neg", 1):
        return s.operands(node)[0]
    if s.is_label(node, b"+"):
        return s.make_any_order(b"+", [negative(s, operand, at) for operand in s.operands(node)], at)
    return s.make(b"neg", (node,), at)


def subtract(s: Lowering, left: int, right: int, at: int) -> int:
    return add(s, (left, negative(s, right, at)), at)


def multiply(s: Lowering, operands: Sequence[int], at: int) -> int:
    """A product: flat, its operands without order, its constants one, its sign outside, equal operands a power."""
    flat = _flat(s, b"*", operands)
    sign = sum(s.is_made_of(operand, b"neg", 1) for operand in flat) % 2
    flat = [s.operands(operand)[0] if s.is_made_of(operand, b"neg", 1) else operand for operand in flat]
    numbers, others = _split(s, flat)
    if numbers:
        factor = _computed(lambda: math.prod(numbers))
        if factor is not None:
            if not others:
                return number(s, -factor if sign else factor, at)
            if factor < 0:
                sign, factor = 1 - sign, -factor
            flat = others if factor == 1 else [*others, number(s, factor, at)]
    if len(flat) == 2 and flat[0] == flat[1]:
        product = power(s, flat[0], number(s, 2, at), at)
    elif len(flat) == 1:
        product = flat[0]
    else:
        product = s.make_any_order(b"*", flat, at)
    return negative(s, product, at) if sign else product


def inverse(s: Lowering, node: int, at: int) -> int:
    """One divided by a value."""
    value = number_of(s, node)
    if value and math.isfinite(value):
        inverted = spelled(1 / value)
        if len(inverted) <= MAX_SHORT:
            return s.leaf(b"=" + inverted, at)
    for one, other in ((b"sqrt", b"rsqrt"), (b"rsqrt", b"sqrt")):
        if s.is_label(node, one) and len(s.operands(node)) == 1:
            return s.make(other, s.operands(node), at)
    if s.is_label(node, b"<inverse>"):
        return s.operands(node)[0]
    if s.is_label(node, b"*"):
        return s.make_any_order(b"*", [inverse(s, operand, at) for operand in s.operands(node)], at)
    if s.is_made_of(node, b"neg", 1):
        return negative(s, inverse(s, s.operands(node)[0], at), at)
    return s.make(b"<inverse>", (node,), at)


def divide(s: Lowering, left: int, right: int, at: int) -> int:
    over, under = number_of(s, left), number_of(s, right)
    if over is not None and under:
        result = over / under if abs(under) < MAX_FOLDED and abs(over) < MAX_FOLDED else None
        if result is not None and len(spelled(result)) <= MAX_SHORT:
            return number(s, result, at)
    return multiply(s, (left, inverse(s, right, at)), at)


def power(s: Lowering, base: int, exponent: int, at: int) -> int:
    """A power; a square root and what is divided by one are that."""
    of, by = number_of(s, base), number_of(s, exponent)
    if of is not None and by is not None and abs(of) <= 1e6 and abs(by) <= 32 and (of or by >= 0):
        result = _computed(lambda: of**by)
        if result is not None:
            return number(s, float(f"{result:.15g}") if isinstance(result, float) else result, at)
    if by == 1:
        return base
    if by == 0.5:
        return s.make(b"sqrt", (base,), at)
    if by == -0.5:
        return s.make(b"rsqrt", (base,), at)
    if by == -1:
        return inverse(s, base, at)
    return s.make(b"pow", (base, exponent), at)


BINARY = {
    b"+": lambda s, left, right, at: add(s, (left, right), at),
    b"-": subtract,
    b"*": lambda s, left, right, at: multiply(s, (left, right), at),
    b"/": divide,
    b"**": power,
}
"""Operator -> its value, for those that have a form of their own."""

UNORDERED = frozenset((b"&", b"|", b"^"))


def binary(s: Lowering, operator: bytes, left: int, right: int, at: int) -> int:
    """Any binary operation on two values."""
    known = BINARY.get(operator)
    if known is not None:
        return known(s, left, right, at)
    if operator in UNORDERED:
        return s.make_any_order(operator, _flat(s, operator, (left, right)), at)
    whole, by = number_of(s, left), number_of(s, right)
    if isinstance(whole, int) and isinstance(by, int):
        if operator == b"<<" and 0 <= by <= 48 and abs(whole) < 1024:
            return number(s, whole << by, at)
        if operator == b"//" and by:
            return number(s, whole // by, at)
        if operator == b"%" and by:
            return number(s, whole % by, at)
    return s.make(operator, (left, right), at)


# Conditions


def negate(s: Lowering, node: int, at: int) -> int:
    """`not`, pushed down to what cannot be negated further (De Morgan)."""
    if s.is_label(node, b"<not>"):
        return s.operands(node)[0]
    for one, other in ((b"<and>", b"<or>"), (b"<or>", b"<and>")):
        if s.is_label(node, one):
            return both(s, other, [negate(s, operand, at) for operand in s.operands(node)], at)
    for one, other in ((b"True", b"False"), (b"False", b"True")):
        if s.is_label(node, one):
            return s.leaf(other, at)
    for one, other in ((b"any", b"all"), (b"all", b"any")):
        if s.is_label(node, one) and len(s.operands(node)) == 1 and s.is_label(s.operands(node)[0], b"<comp>"):
            element, *rest = s.operands(s.operands(node)[0])
            return s.make(other, (s.make(b"<comp>", (negate(s, element, at), *rest), at),), at)
    return s.make(b"<not>", (node,), at)


def both(s: Lowering, name: bytes, operands: list[int], at: int) -> int:
    """`and`, `or`: flat, without order, no operand twice, none that decides nothing."""
    neutral, deciding = (b"True", b"False") if name == b"<and>" else (b"False", b"True")
    kept = [operand for operand in dict.fromkeys(_flat(s, name, operands)) if not s.is_label(operand, neutral)]
    for operand in kept:
        if s.is_label(operand, deciding):
            return operand
    if not kept:
        return s.leaf(neutral, at)
    return kept[0] if len(kept) == 1 else s.make_any_order(name, kept, at)


def less(s: Lowering, left: int, right: int, at: int) -> int:
    """left < right; that a length is above zero is that there is something."""
    if s.is_made_of(right, b"len", 1) and s.is_label(left, b"=0"):
        return s.operands(right)[0]
    return s.make(b"lt", (left, right), at)


def equal(s: Lowering, left: int, right: int, at: int) -> int:
    for one, other in ((left, right), (right, left)):
        if s.is_label(other, b"None"):
            return s.make(b"<is>", (one, other), at)
        if s.is_made_of(one, b"len", 1) and s.is_label(other, b"=0"):
            return negate(s, s.operands(one)[0], at)
    return s.make_any_order(b"eq", (left, right), at)


def contained(s: Lowering, left: int, right: int, at: int) -> int:
    """left in right; in a few values that are written out, it is one of them."""
    elements = s.written_out(right)
    if elements is None and s.is_label(right, b"<dict>") and 0 < len(s.operands(right)) <= 6:
        elements = s.operands(right)
        if any(s.is_label(element, b"<pair>") for element in elements):
            elements = None
    if elements is not None:
        return both(s, b"<or>", [equal(s, left, element, at) for element in elements], at)
    return s.make(b"<in>", (left, right), at)


def compare(s: Lowering, operator: str, left: int, right: int, at: int) -> int:
    """One comparison of two values."""
    if operator == "==":
        return equal(s, left, right, at)
    if operator in ("!=", "<>"):
        return negate(s, equal(s, left, right, at), at)
    if operator == "<":
        return less(s, left, right, at)
    if operator == ">":
        return less(s, right, left, at)
    if operator == ">=":
        return negate(s, less(s, left, right, at), at)
    if operator == "<=":
        return negate(s, less(s, right, left, at), at)
    if operator.startswith("is"):
        test = s.make(b"<is>", (left, right), at)
    else:
        test = contained(s, left, right, at)
    return negate(s, test, at) if operator in ("not in", "is not") else test


def polarity(s: Lowering, condition: int, at: int) -> tuple[int, bool]:
    """(condition in the form that is tested, whether it stands for the condition itself or its negation).

    Of a condition and its negation always the same one is tested: never a `not` or an `or` at the top.
    """
    if s.is_label(condition, b"<not>") or s.is_label(condition, b"<or>"):
        return negate(s, condition, at), False
    return condition, True


def choose(s: Lowering, condition: int, then: int, otherwise: int, at: int) -> int:
    """phi(condition, then, otherwise), in one polarity, or what that comes to."""
    if then == otherwise:
        return then
    condition, straight = polarity(s, condition, at)
    if not straight:
        then, otherwise = otherwise, then
    if s.is_label(condition, b"True"):
        return then
    if s.is_label(condition, b"False"):
        return otherwise
    # Of the same condition asked twice in a row, the first answer holds.
    if s.is_label(then, b"<phi>") and s.operands(then)[0] == condition:
        then = s.operands(then)[1]
    if s.is_label(otherwise, b"<phi>") and s.operands(otherwise)[0] == condition:
        otherwise = s.operands(otherwise)[2]
    if then == otherwise:
        return then
    if s.is_label(then, b"True") and s.is_label(otherwise, b"False"):
        return condition
    if s.is_label(then, b"False") and s.is_label(otherwise, b"True"):
        return negate(s, condition, at)
    if s.is_made_of(condition, b"lt", 2):
        low, high = s.operands(condition)
        if (then, otherwise) == (low, high):
            return s.make_any_order(b"min", (low, high), at)
        if (then, otherwise) == (high, low):
            return s.make_any_order(b"max", (low, high), at)
    elif s.is_label(condition, b"<is>"):
        tested, against = s.operands(condition)
        if otherwise == tested and s.is_label(against, b"None"):
            return default(s, tested, then, at)
    elif s.is_label(condition, b"<in>"):
        key, table = s.operands(condition)
        if s.is_label(then, b"<[]>") and s.operands(then) == [table, key]:
            return s.make(b"get", (table, key, otherwise), at)
    elif then == condition:
        return default(s, condition, otherwise, at)
    return s.make(b"<phi>", (condition, then, otherwise), at)


def default(s: Lowering, given: int, instead: int, at: int) -> int:
    """A value, or another where there is none: `a or b`, `b if a is None else a`."""
    return both(s, b"<or>", [given, instead], at)


def when(s: Lowering, condition: int, effect: int, at: int) -> int:
    """An effect that happens only under a condition."""
    condition, straight = polarity(s, condition, at)
    return s.make(b"<when>" if straight else b"<unless>", (condition, effect), at)
