"""Names, operators, containers and targets of assignments -> value graph nodes. One function for each kind of syntax."""

from __future__ import annotations

from codeclone.parse import algebra, library, sequences
from codeclone.parse.calls import IDENTIFIER, library_name
from codeclone.parse.literals import STRING, format_parts, is_text, percent
from codeclone.parse.lowering import Lowering, handles, value
from codeclone.parse.syntax import KIND, OPERATOR

ATTRIBUTE, SUBSCRIPT, SPLAT, SPLAT_PATTERN = (
    KIND["attribute"],
    KIND["subscript"],
    KIND["list_splat"],
    KIND["list_splat_pattern"],
)
FOR_IN, IF_CLAUSE, IN = KIND["for_in_clause"], KIND["if_clause"], OPERATOR["in"]
PATTERNS = frozenset(
    KIND[name] for name in ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list", "expression_list")
)
_CONCATENATED, _BINARY_KIND = KIND["concatenated_string"], KIND["binary_operator"]


# Names


@handles("identifier")
def _identifier(s: Lowering, node: int) -> int:
    at = s.start[node]
    name = s.source[at : s.end[node]]
    known = s.env.get(name)
    if known is not None:
        return known
    if name in s.names.told_by_file:
        s.told_by_surroundings = True
    literal = s.names.constants.get(name)
    if literal is not None:
        return value(s, literal)
    found = s.names.library(name)
    return s.leaf(b"<own>", at, name) if found is None else _library_leaf(s, found, at)


def _library_leaf(s: Lowering, name: bytes, at: int) -> int:
    return s.leaf(library.CONSTANTS.get(name) or s.spellings.get(name, name), at)


@handles("attribute")
def _attribute(s: Lowering, node: int) -> int:
    at = s.start[node]
    found = library_name(s, node)
    if found is not None:
        return _library_leaf(s, found, at)
    last = s.next[node] - 1
    name = s.source[s.start[last] : s.end[last]]
    base = node + 1
    if s.kind[base] == IDENTIFIER and s.self_name and s.source[s.start[base] : s.end[base]] == s.self_name:
        return _own_attribute(s, name, at)
    turned = _TURNED.get(name)
    if turned is not None:
        places = [s.leaf(place, at) for place in turned]
        return library.transposed(s, value(s, base), places, at)
    of = value(s, base)
    if name in s.properties:
        return s.graph.node(s.graph.label(b"." + name), (s.slots[0] | of,), s.start[last], name)
    path = s.inputs.get(of)
    if path is not None:
        # `config.size`, `self.config.size` and `self.size` are one: something that is given.
        return s.given(b"self.attr", s.start[last], path + b"." + name)
    return s.graph.node(s.graph.label(b"<.attr>"), (s.slots[0] | of,), s.start[last], name)


_TURNED = {b"T": (b"=0", b"=1"), b"mT": (b"=-2", b"=-1")}


def _own_attribute(s: Lowering, name: bytes, at: int) -> int:
    """An attribute of `self`: what was stored there before in this definition, or what the class makes it with."""
    stored = s.env.get(b"self." + name)
    if stored is not None:
        return stored
    literal = s.defined.literals.get(name)
    if literal is not None:
        s.told_by_surroundings = True
        return value(s, literal)
    made = s.defined.made_with.get(name)
    if made is not None:
        if made != b"attr" or name in s.properties:
            s.told_by_surroundings = True
        return s.leaf(b"self." + made, at, name) if made != b"attr" else s.given(b"self.attr", at, b"self." + name)
    if name in s.properties:
        return s.leaf(b"self." + name, at, name)
    return s.given(b"self.attr", at, b"self." + name)


# Operators

_BINARY = {
    OPERATOR[text]: text.encode()
    for text in """
+ - * / // % ** @ & | ^ << >>
""".split()
}
_AUGMENTED = {
    OPERATOR[text]: text[:-1].encode()
    for text in """
+= -= *= /= //= %= **= @= &= |= ^= <<= >>=
""".split()
}
_COMPARED = {OPERATOR[text]: text for text in ("<", "<=", "==", "!=", ">=", ">", "<>", "in", "is", "not in", "is not")}


def operator_of(s: Lowering, node: int) -> bytes:
    return _BINARY.get(s.kind[node]) or _AUGMENTED.get(s.kind[node]) or s.syntax.text(node)


@handles("binary_operator")
def _binary(s: Lowering, node: int) -> int:
    # A long chain nests to the left; walking down it here keeps the recursion shallow.
    spine = []
    while s.kind[node] == _BINARY_KIND:
        spine.append(node)
        node += 1
    first = s.next[spine[-1] + 1]
    formatted = s.kind[first] == OPERATOR["%"] and s.kind[node] in (STRING, _CONCATENATED)
    result = -1 if formatted else value(s, node)
    left = node
    for parent in reversed(spine):
        operator = s.next[parent + 1]
        name = operator_of(s, operator)
        right = s.next[operator]
        if result < 0:
            result = percent(s, left, right)
        else:
            result = combine(s, name, result, value(s, right), s.start[operator])
        left = parent
    return result


def combine(s: Lowering, name: bytes, left: int, right: int, at: int) -> int:
    """A binary operation on two values."""
    if name == b"+":
        if is_text(s, left) or is_text(s, right):
            return format_parts(s, [left, right], at)
        if s.is_label(left, b"<list>") or s.is_label(left, b"<extend>"):
            return sequences.extend(s, left, right, at)
    return algebra.binary(s, name, left, right, at)


@handles("boolean_operator")
def _boolean(s: Lowering, node: int) -> int:
    operator = s.next[node + 1]
    operands = [value(s, node + 1), value(s, s.next[operator])]
    return algebra.both(s, b"<and>" if s.kind[operator] == OPERATOR["and"] else b"<or>", operands, s.start[operator])


@handles("not_operator")
def _not(s: Lowering, node: int) -> int:
    return algebra.negate(s, value(s, node + 1), s.start[node])


@handles("comparison_operator")
def _comparison(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    values = [value(s, child) for child in children[::2]]
    tests = [
        algebra.compare(s, _COMPARED.get(s.kind[operator], "=="), values[place], values[place + 1], s.start[operator])
        for place, operator in enumerate(children[1::2])
        if place + 1 < len(values)
    ]
    return tests[0] if len(tests) == 1 else algebra.both(s, b"<and>", tests, s.start[node])


@handles("unary_operator")
def _unary(s: Lowering, node: int) -> int:
    name = s.syntax.text(node + 1)
    operand = value(s, node + 2)
    if name == b"+":
        return operand
    return algebra.negative(s, operand, s.start[node]) if name == b"-" else s.make(b"invert", (operand,), s.start[node])


@handles("conditional_expression")
def _conditional(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    condition = value(s, children[1])  # first, as it is evaluated: it may bind names
    then, otherwise = value(s, children[0]), value(s, children[2])
    return algebra.choose(s, condition, then, otherwise, s.start[node])


@handles("named_expression")
def _named(s: Lowering, node: int) -> int:
    result = value(s, s.next[node + 1])
    s.env[s.syntax.text(node + 1)] = result
    return result


@handles("await", "list_splat", "dictionary_splat")
def _through(s: Lowering, node: int) -> int:
    """What they pass on."""
    if s.next[node] == node + 1:
        return s.leaf(b"None", s.start[node])
    return value(s, _last(s, node))


def _last(s: Lowering, node: int) -> int:
    """The last child: what stands after a star, or after `from`."""
    return s.syntax.children(node)[-1]


@handles("yield")
def _yield(s: Lowering, node: int) -> int:
    return s.root(b"<yield>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


# Containers


@handles("tuple", "expression_list")
def _tuple(s: Lowering, node: int) -> int:
    return s.make(b"<tuple>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


@handles("list")
def _list(s: Lowering, node: int) -> int:
    return s.make(b"<list>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


@handles("set", "dictionary")
def _unordered(s: Lowering, node: int) -> int:
    return s.make_any_order(b"<dict>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


@handles("subscript")
def _subscript(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    return sequences.subscript(s, value(s, children[0]), [value(s, child) for child in children[1:]], s.start[node])


@handles("slice")
def _slice(s: Lowering, node: int) -> int:
    """lower, upper, step: the colons between the parts tell which is which; what is written out and is the default is
    none."""
    nothing = s.leaf(b"None", s.start[node])
    parts = [nothing] * 3
    position, place = s.start[node], 0
    for child in s.syntax.children(node):
        place += s.source.count(b":", position, s.start[child])
        if place < 3:
            parts[place] = value(s, child)
        position = s.end[child]
    for place, default in ((0, b"=0"), (2, b"=1")):
        if s.is_label(parts[place], default):
            parts[place] = nothing
    return s.make(b"<slice>", parts, s.start[node])


@handles("list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression")
def _comprehension(s: Lowering, node: int) -> int:
    """Each `for` and the conditions after it are one composition; the last `for` is the innermost."""
    children = s.syntax.children(node)
    outer, s.env = s.env, s.scope()
    loops: list[tuple[int, int | None, int]] = []
    for child in children[1:]:
        if s.kind[child] == FOR_IN:
            parts = [part for part in s.syntax.children(child) if s.kind[part] != IN]
            if len(parts) < 2:
                continue
            source = value(s, parts[-1])
            elements = s.written_out(source) if len(children) == 2 else None
            if elements is not None:
                turns = _turns(s, parts[0], children[0], elements)
                s.env = outer
                return s.make(b"<list>", turns, s.start[node])
            bind(s, parts[0], sequences.item(s, source, s.start[child]))
            loops.append((source, None, s.start[child]))
        elif s.kind[child] == IF_CLAUSE and loops:
            test = value(s, child + 1)
            source, condition, at = loops[-1]
            loops[-1] = (source, test if condition is None else algebra.both(s, b"<and>", [condition, test], at), at)
    result = value(s, children[0])
    for source, condition, at in reversed(loops):
        result = sequences.compose(s, result, source, condition, at)
    s.env = outer
    return result


def _turns(s: Lowering, target: int, body: int, elements: list[int]) -> list[int]:
    """The elements of a comprehension with a single `for` over a short list that is written out."""
    turns = []
    s.unrolling += 1
    for element in elements:
        bind(s, target, element)
        turns.append(value(s, body))
    s.unrolling -= 1
    return turns


# Targets


def bind(s: Lowering, target: int, bound: int) -> None:
    """Assign a value to a target: a name, a pattern, an attribute or an element."""
    kind = s.kind[target]
    if kind == IDENTIFIER:
        s.env[s.source[s.start[target] : s.end[target]]] = bound
    elif kind in PATTERNS:
        for place, child in enumerate(s.syntax.children(target)):
            if s.kind[child] in (SPLAT_PATTERN, SPLAT):
                bind(s, _last(s, child), s.make(b"<rest>", (bound,), s.start[child]))
            else:
                bind(s, child, sequences.element(s, bound, place, s.start[child]))
    elif kind == ATTRIBUTE:
        base, last = target + 1, s.next[target] - 1
        at = s.start[last]
        if s.kind[base] == IDENTIFIER and s.source[s.start[base] : s.end[base]] == s.self_name != b"":
            s.env[b"self." + s.source[s.start[last] : s.end[last]]] = bound
            s.effect(s.make(b"<store>", (bound,), at))
        else:
            s.effect(s.make(b"<store>", (bound, value(s, base)), at))
    elif kind == SUBSCRIPT:
        children = s.syntax.children(target)
        indices = [value(s, child) for child in children[1:]]
        base = value(s, children[0])
        changed = sequences.store(s, base, bound, indices, s.start[target])
        if s.kind[children[0]] == IDENTIFIER:
            s.env[s.syntax.text(children[0])] = changed
            made_here = s.operands(base)[0] if s.is_label(base, b"<carried>") else base
            if s.is_label(made_here, b"<dict>"):
                return  # a local collection that is being filled: no effect on anything else
        s.effect(changed)
    else:
        s.effect(s.make(b"<store>", (bound,), s.start[target]))
