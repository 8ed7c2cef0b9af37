"""Elements, slices, loops and collections in one form each: what is run over, what is taken out, what grows."""

from __future__ import annotations

from codeclone.parse import algebra
from codeclone.parse.lowering import MAX_OPERANDS, Lowering


def item(s: Lowering, source: int, at: int) -> int:
    """One element of what is iterated over."""
    if s.is_label(source, b"<indices>"):
        return s.make(b"<index>", s.operands(source), at)
    return s.make(b"<item>", (source,), at)


def element(s: Lowering, value: int, position: int, at: int) -> int:
    """`value[position]` by unpacking: through tuples, zip and enumerate to what is really meant."""
    if s.is_label(value, b"<tuple>") or s.is_label(value, b"<list>"):
        operands = s.operands(value)
        if position < len(operands):
            return operands[position]
    if s.is_label(value, b"<item>"):
        source = s.operands(value)[0]
        operands = s.operands(source)
        if s.is_label(source, b"zip") and position < len(operands):
            return item(s, operands[position], at)
        if s.is_label(source, b"enumerate") and operands and position < 2:
            return item(s, operands[0], at) if position else s.make(b"<index>", (operands[0],), at)
    return s.make(b"<[]>", (value, s.leaf(b"=%d" % position, at)), at)


def subscript(s: Lowering, value: int, indices: list[int], at: int) -> int:
    """`value[indices]`: slices that take all at the end are none, and a None adds a dimension."""
    if len(indices) == 1:
        index = indices[0]
        if s.is_label(index, b"<index>") and s.operands(index) == [value]:
            return item(s, value, at)
        position = algebra.number_of(s, index)
        if isinstance(position, int) and (s.is_label(value, b"<tuple>") or s.is_label(value, b"<list>")):
            operands = s.operands(value)
            if -len(operands) <= position < len(operands):
                return operands[position]
    while len(indices) > 1 and _is_all(s, indices[-1]):
        indices = indices[:-1]
    if any(s.is_label(index, b"None") for index in indices):
        added = _dimensions_added(s, value, indices, at)
        if added is not None:
            return added
    return s.make(b"<[]>", (value, *indices), at)


def _is_all(s: Lowering, index: int) -> bool:
    return s.is_label(index, b"<slice>") and all(s.is_label(part, b"None") for part in s.operands(index))


def _dimensions_added(s: Lowering, value: int, indices: list[int], at: int) -> int | None:
    """`x[:, None]` is `x.unsqueeze(1)`, `x[..., None]` is `x.unsqueeze(-1)`; None where anything is taken out as well."""
    from_end = s.is_label(indices[0], b"...")
    rest = indices[1:] if from_end else indices
    if not all(s.is_label(index, b"None") or _is_all(s, index) for index in rest):
        return None
    places = [
        place - len(rest) if from_end else place for place, index in enumerate(rest) if s.is_label(index, b"None")
    ]
    for place in places:
        dimension = s.keyword(b"dim", s.leaf(b"=%d" % place, at))
        value = s.graph.node(s.graph.label(b"unsqueeze"), (s.slots[0] | value, dimension), at)
    return value


def compose(s: Lowering, made: int, source: int, condition: int | None, at: int) -> int:
    """All elements made from a source: a comprehension, a generator, `map`, or a loop that appends."""
    source = domain(s, source)
    operands = (made, source) if condition is None else (made, source, condition)
    return s.make(b"<comp>", operands, at)


def domain(s: Lowering, source: int) -> int:
    """What is really run over: counting the elements or going by their indices makes no difference."""
    counted = s.is_label(source, b"enumerate") or s.is_label(source, b"<indices>")
    return s.operands(source)[0] if counted and s.operands(source) else source


def extend(s: Lowering, base: int, added: int, at: int) -> int:
    """A list with more at its end."""
    if s.is_label(base, b"<list>") and s.is_label(added, b"<list>"):
        operands = (*s.operands(base), *s.operands(added))
        if len(operands) <= MAX_OPERANDS:
            return s.make(b"<list>", operands, at)
    return s.make(b"<extend>", (base, added), at)


def store(s: Lowering, base: int, stored: int, indices: list[int], at: int) -> int:
    """What a collection is after `base[indices] = stored`."""
    if len(indices) == 1:
        if s.is_label(base, b"<dict>") and len(s.operands(base)) < MAX_OPERANDS:
            pair = s.make(b"<pair>", (indices[0], stored), at)
            return s.make_any_order(b"<dict>", {*s.operands(base), pair}, at)
        if any(s.is_label(indices[0], test) for test in (b"lt", b"eq", b"<not>", b"<and>", b"<or>", b"invert")):
            return where(s, indices[0], stored, base, at)
    return s.make(b"<setitem>", (base, stored, *indices), at)


def where(s: Lowering, condition: int, then: int, otherwise: int, at: int) -> int:
    """An elementwise choice, in one polarity."""
    if s.is_made_of(condition, b"invert", 1):
        condition, then, otherwise = s.operands(condition)[0], otherwise, then
    elif s.is_label(condition, b"eq") and any(s.is_label(operand, b"=0") for operand in s.operands(condition)):
        rest = [operand for operand in s.operands(condition) if not s.is_label(operand, b"=0")]
        if len(rest) == 1:
            condition, then, otherwise = rest[0], otherwise, then
    else:
        condition, straight = algebra.polarity(s, condition, at)
        if not straight:
            then, otherwise = otherwise, then
    return s.make(b"where", (condition, then, otherwise), at)


def first(s: Lowering, found: int, otherwise: int, at: int) -> int:
    """The first of the elements that a loop returns, or what is returned after it: `next`, and where that is whether
    there is one, `any` and `all`."""
    operands = s.operands(found)
    if len(operands) == 3:
        element, source, condition = operands
        if s.is_label(element, b"True") and s.is_label(otherwise, b"False"):
            return s.make(b"any", (s.make(b"<comp>", (condition, source), at),), at)
        if s.is_label(element, b"False") and s.is_label(otherwise, b"True"):
            return s.make(b"all", (s.make(b"<comp>", (algebra.negate(s, condition, at), source), at),), at)
    return s.make(b"next", (found, otherwise), at)


def after_loop(s: Lowering, carried: int, before: int, value: int, source: int, at: int) -> int:
    """What a variable is after a loop over `source` whose body turned `carried` into `value`."""
    condition: int | None = None
    body = value
    if s.is_label(body, b"<phi>"):
        test, then, otherwise = s.operands(body)
        if otherwise == carried:
            condition, body = test, then
        elif then == carried:
            condition, body = algebra.negate(s, test, at), otherwise
    if s.is_label(body, b"<extend>") and s.operands(body)[0] == carried:
        added = s.operands(body)[1]
        if s.is_label(added, b"<list>") and len(s.operands(added)) == 1:
            added = s.operands(added)[0]
        every = compose(s, added, source, condition, at)
        empty = s.is_label(before, b"<list>") and not s.operands(before)
        return every if empty else extend(s, before, every, at)
    if s.is_label(body, b"<setitem>") and len(s.operands(body)) == 3 and s.operands(body)[0] == carried:
        _, stored, key = s.operands(body)
        if s.is_label(before, b"<dict>") and not s.operands(before):
            return compose(s, s.make(b"<pair>", (key, stored), at), source, condition, at)
    if s.is_label(body, b"+"):
        rest = [operand for operand in s.operands(body) if operand != carried]
        if len(rest) + 1 == len(s.operands(body)):
            added = rest[0] if len(rest) == 1 else s.make_any_order(b"+", rest, at)
            total = s.make(b"sum", (compose(s, added, source, condition, at),), at)
            return total if s.is_label(before, b"=0") else algebra.add(s, [before, total], at)
    return s.make(b"<loop>", (value, domain(s, source)), at)
