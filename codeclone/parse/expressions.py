"""Python expressions -> value graph nodes. One function for each kind of syntax."""

from __future__ import annotations

import re
from collections.abc import Callable

from codeclone.parse.graph import edge
from codeclone.parse.lowering import MAX_KEPT_STRING, MAX_OPERANDS, Lowering
from codeclone.parse.syntax import KIND, LANGUAGE, OPERATOR

Handler = Callable[[Lowering, int], int]

IDENTIFIER, ATTRIBUTE, CALL, STRING = KIND["identifier"], KIND["attribute"], KIND["call"], KIND["string"]
ARGUMENTS, KEYWORD, SPLAT = KIND["argument_list"], KIND["keyword_argument"], KIND["list_splat"]
DICT_SPLAT, LAMBDA, TUPLE = KIND["dictionary_splat"], KIND["lambda"], KIND["tuple"]
FOR_IN, IF_CLAUSE, INTERPOLATION = KIND["for_in_clause"], KIND["if_clause"], KIND["interpolation"]
CONTENT, IN = KIND["string_content"], OPERATOR["in"]
PATTERNS = frozenset(
    KIND[name] for name in ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list", "expression_list")
)
SPLAT_PATTERN, SUBSCRIPT = KIND["list_splat_pattern"], KIND["subscript"]

COMMUTATIVE = frozenset((b"+", b"*", b"&", b"|", b"^"))
SPREADING = {b"list", b"tuple", b"iter"}
"""Built-in calls that pass on the elements of what they are given."""


def value(s: Lowering, node: int) -> int:
    """Lower any expression. Returns its value graph node."""
    handler = HANDLERS[s.kind[node]]
    return handler(s, node) if handler is not None else _other(s, node)


def _other(s: Lowering, node: int) -> int:
    """Anything without a rule of its own: its kind, over what is in it."""
    name = LANGUAGE.node_kind_for_id(s.kind[node]) or "error"
    return s.make(b"<%s>" % name.encode(), [value(s, child) for child in s.syntax.children(node)], s.start[node])


# Names


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
    library = s.names.library(name)
    return s.leaf(b"<own>", at, name) if library is None else s.leaf(s.spellings.get(library, library), at)


def library_name(s: Lowering, node: int) -> bytes | None:
    """The last part of a dotted name that starts at an imported library; None for any other expression."""
    kind, base = s.kind, node
    while kind[base] == ATTRIBUTE:
        base += 1
    if kind[base] != IDENTIFIER:
        return None
    name = s.source[s.start[base] : s.end[base]]
    if name in s.env:
        return None
    if name in s.names.told_by_file:
        s.told_by_surroundings = True
    if base == node:
        return s.names.library(name)
    if not s.names.is_module(name):
        return None
    last = s.next[node] - 1
    found = s.source[s.start[last] : s.end[last]]
    if s.names.is_listed(found):
        return found
    s.told_by_surroundings = True
    return None if s.names.listed_only else found


def _attribute(s: Lowering, node: int) -> int:
    at = s.start[node]
    library = library_name(s, node)
    if library is not None:
        return s.leaf(s.spellings.get(library, library), at)
    last = s.next[node] - 1
    name = s.source[s.start[last] : s.end[last]]
    base = node + 1
    if s.kind[base] == IDENTIFIER and s.self_name and s.source[s.start[base] : s.end[base]] == s.self_name:
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
            return s.leaf(b"self." + made, at, name)
        return s.leaf(b"self." + (name if name in s.properties else b"attr"), at, name)
    label = b"." + name if name in s.properties else b"<.attr>"
    return s.graph.node(s.graph.label(label), (s.slots[0] | value(s, base),), s.start[last], name)


# Calls


def _call(s: Lowering, node: int) -> int:
    function = node + 1
    arguments = s.next[function]
    at = s.start[node]
    library = library_name(s, function)
    if library is not None:
        return _library_call(s, library, [], arguments, at)
    if s.kind[function] == ATTRIBUTE:
        last = s.next[function] - 1
        name = s.source[s.start[last] : s.end[last]]
        base = function + 1
        on_self = s.kind[base] == IDENTIFIER and s.source[s.start[base] : s.end[base]] == s.self_name != b""
        at = s.start[last]
        if on_self:
            made = s.defined.made_with.get(name)
            if made is not None:
                s.told_by_surroundings = True
                return _apply(s, s.leaf(b"self." + made, at, name), arguments, at)
            method = s.defined.methods.get(name)
            if method is not None:
                s.told_by_surroundings = True
                return _helper_call(s, method, True, arguments, at)
            if name in s.from_bases:
                return _library_call(s, name, [value(s, base)], arguments, at)
            return _own_call(s, [], arguments, at)
        if s.kind[base] == CALL and s.source[s.start[base + 1] : s.end[base + 1]] == b"super":
            return _own_call(s, [s.leaf(b"super", at)], arguments, at)
        if name == b"format" and s.kind[base] == STRING:
            return _format_call(s, base, arguments, at)
        receiver = value(s, base)
        if name == b"join" and s.kind[base] == STRING:
            return s.make_any_order(b"<fmt>", [receiver, *_positional(s, arguments)], at)
        if name in s.api:
            return _library_call(s, name, [receiver], arguments, at)
        return _own_call(s, [receiver], arguments, at)
    if s.kind[function] == IDENTIFIER:
        name = s.source[s.start[function] : s.end[function]]
        if name not in s.env:
            function_node = s.defined.functions.get(name)
            if function_node is not None:
                s.told_by_surroundings = True
                return _helper_call(s, function_node, False, arguments, at)
            return _own_call(s, [], arguments, at)
    return _apply(s, value(s, function), arguments, at)


def _edges(s: Lowering, arguments: int) -> tuple[list[int], list[int]]:
    """(positional values, keyword edges)."""
    positional: list[int] = []
    keywords: list[int] = []
    if s.kind[arguments] != ARGUMENTS:
        return [value(s, arguments)], []
    for child in s.syntax.children(arguments):
        kind = s.kind[child]
        if kind == KEYWORD:
            name = s.source[s.start[child + 1] : s.end[child + 1]]
            keywords.append(s.keyword(name, value(s, s.next[child + 1])))
        elif kind in (SPLAT, DICT_SPLAT):
            keywords.append(edge(value(s, _last(s, child)), s.graph.slot(b"*")))
        else:
            positional.append(value(s, child))
    return positional, keywords


def _positional(s: Lowering, arguments: int) -> list[int]:
    return _edges(s, arguments)[0]


def _library_call(s: Lowering, name: bytes, receiver: list[int], arguments: int, at: int) -> int:
    if name in (b"map", b"filter") and not receiver and s.kind[arguments] == ARGUMENTS:
        composed = _map(s, name, s.syntax.children(arguments), at)
        if composed is not None:
            return composed
    positional, keywords = _edges(s, arguments)
    operands = receiver + positional
    if name in SPREADING and len(operands) == 1 and not keywords and s.is_label(operands[0], b"<comp>"):
        return operands[0]
    if name == b"size" and receiver:
        shape = s.make(b".shape", receiver, at)
        return s.make(b"<[]>", (shape, *positional), at) if positional else shape
    if name in (b"range", b"xrange") and len(operands) == 1 and s.is_label(operands[0], b"len"):
        return s.make(b"<indices>", s.operands(operands[0]), at)
    name = s.spellings.get(name, name)
    slots, last = s.slots, len(s.slots) - 1
    edges = [slots[min(place, last)] | operand for place, operand in enumerate(operands)]
    if name in (b"add", b"mul") and len(operands) == 2 and not keywords:
        return s.chain(b"+" if name == b"add" else b"*", operands, at)
    return s.graph.node(s.graph.label(name), tuple(edges + sorted(keywords)), at)


def _own_call(s: Lowering, receiver: list[int], arguments: int, at: int) -> int:
    """A call of what the repository itself defines: names and order of its parameters are the programmer's."""
    positional, keywords = _edges(s, arguments)
    operands = receiver + positional + [packed & 0xFFFFFFFF for packed in keywords]
    return s.make_any_order(b"<call>", operands, at)


def _helper_call(s: Lowering, definition: int, method: bool, arguments: int, at: int) -> int:
    """A call of a function of the same file or class: as a call, and in place of it what the function does, so that
    splitting and merging functions does not hide."""
    if s.in_place is None or s.kind[arguments] != ARGUMENTS:
        return _own_call(s, [], arguments, at)
    values: list[int] = []
    names: list[bytes | None] = []
    for child in s.syntax.children(arguments):
        if s.kind[child] in (SPLAT, DICT_SPLAT):
            return _own_call(s, [], arguments, at)
        keyword = s.kind[child] == KEYWORD
        names.append(s.syntax.text(child + 1) if keyword else None)
        values.append(value(s, s.next[child + 1] if keyword else child))
    call = s.make_any_order(b"<call>", values, at)
    outer = s.graph.called_from
    s.graph.called_from = at
    result = s.in_place(s, definition, list(zip(names, values, strict=True)), method)
    s.graph.called_from = outer
    if result is None:
        return call
    s.graph.root(call)
    return result


def _apply(s: Lowering, function: int, arguments: int, at: int) -> int:
    """A call of a value: a layer kept in an attribute, a function in a variable."""
    positional, keywords = _edges(s, arguments)
    slots, last = s.slots, len(s.slots) - 1
    edges = [slots[min(place, last)] | operand for place, operand in enumerate([function, *positional])]
    return s.graph.node(s.graph.label(b"<apply>"), tuple(edges + sorted(keywords)), at)


def _map(s: Lowering, name: bytes, arguments: list[int], at: int) -> int | None:
    if len(arguments) != 2 or any(s.kind[argument] in (SPLAT, KEYWORD) for argument in arguments):
        return None
    source = value(s, arguments[1])
    item = s.item(source, at)
    function = arguments[0]
    if s.kind[function] == LAMBDA:
        result = _lambda_body(s, function, [item])
    else:
        library = library_name(s, function)
        if library is not None:
            result = s.make(s.spellings.get(library, library), (item,), at)
        elif s.kind[function] == IDENTIFIER and s.source[s.start[function] : s.end[function]] not in s.env:
            result = s.make_any_order(b"<call>", (item,), at)
        else:
            result = s.make(b"<apply>", (value(s, function), item), at)
    return s.compose(result, source, None, at) if name == b"map" else s.compose(item, source, result, at)


def _lambda(s: Lowering, node: int) -> int:
    return s.make(b"<lambda>", (_lambda_body(s, node, []),), s.start[node])


def _lambda_body(s: Lowering, node: int, arguments: list[int]) -> int:
    children = s.syntax.children(node)
    outer = s.env
    s.env = dict(outer)
    if len(children) == 2:
        names = parameter_names(s, children[0])
        for place, (name, _) in enumerate(names):
            s.env[name] = arguments[place] if place < len(arguments) else s.leaf(b"<param>", s.start[children[0]], name)
    result = value(s, children[-1])
    s.env = outer
    return result


_PARAMETER_KINDS = frozenset(
    KIND[name]
    for name in (
        "default_parameter",
        "typed_default_parameter",
        "typed_parameter",
        "list_splat_pattern",
        "dictionary_splat_pattern",
    )
)
_WITH_DEFAULT = frozenset((KIND["default_parameter"], KIND["typed_default_parameter"]))


def parameter_names(s: Lowering, parameters: int) -> list[tuple[bytes, int | None]]:
    """(name, syntax node of the default) of each parameter in order."""
    found: list[tuple[bytes, int | None]] = []
    for child in s.syntax.children(parameters):
        kind = s.kind[child]
        if kind == IDENTIFIER:
            found.append((s.source[s.start[child] : s.end[child]], None))
        elif kind in _PARAMETER_KINDS:
            parts = s.syntax.children(child)
            name = parts[0] if kind in _WITH_DEFAULT else parts[-1]
            while s.kind[name] != IDENTIFIER and s.next[name] > name + 1:
                name = _last(s, name)
            default = parts[1] if kind in _WITH_DEFAULT and len(parts) > 1 else None
            found.append((s.source[s.start[name] : s.end[name]], default))
    return found


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
            result = _percent(s, left, right)
        else:
            result = combine(s, name, result, value(s, right), s.start[operator])
        left = parent
    return result


def combine(s: Lowering, name: bytes, left: int, right: int, at: int) -> int:
    """A binary operation on two values."""
    if name == b"+" and (_is_text(s, left) or _is_text(s, right)):
        return format_parts(s, [left, right], at)
    if name == b"+" and (s.is_label(left, b"<list>") or s.is_label(left, b"<extend>")):
        return s.extend(left, right, at)
    if name in COMMUTATIVE:
        return s.chain(name, [left, right], at)
    return s.make({b"**": b"pow", b"/": b"div", b"-": b"sub"}.get(name, name), (left, right), at)


def _is_text(s: Lowering, node: int) -> bool:
    return s.label_of(node).startswith(b"'") or s.is_label(node, b"<fmt>") or s.is_label(node, b"<str>")


def _boolean(s: Lowering, node: int) -> int:
    operator = s.next[node + 1]
    operands = [value(s, node + 1), value(s, s.next[operator])]
    return s.chain(b"<and>" if s.kind[operator] == OPERATOR["and"] else b"<or>", operands, s.start[operator])


def _not(s: Lowering, node: int) -> int:
    return s.negate(value(s, node + 1), s.start[node])


def _comparison(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    values = [value(s, child) for child in children[::2]]
    tests = [
        _compare(s, _COMPARED.get(s.kind[operator], "=="), values[place], values[place + 1], s.start[operator])
        for place, operator in enumerate(children[1::2])
        if place + 1 < len(values)
    ]
    return tests[0] if len(tests) == 1 else s.chain(b"<and>", tests, s.start[node])


def _compare(s: Lowering, operator: str, left: int, right: int, at: int) -> int:
    if operator == "==":
        return s.make_any_order(b"eq", (left, right), at)
    if operator in ("!=", "<>"):
        return s.negate(s.make_any_order(b"eq", (left, right), at), at)
    if operator == "<":
        return s.make(b"lt", (left, right), at)
    if operator == ">":
        return s.make(b"lt", (right, left), at)
    if operator == ">=":
        return s.negate(s.make(b"lt", (left, right), at), at)
    if operator == "<=":
        return s.negate(s.make(b"lt", (right, left), at), at)
    test = s.make(b"<is>" if operator.startswith("is") else b"<in>", (left, right), at)
    return s.negate(test, at) if operator in ("not in", "is not") else test


def _unary(s: Lowering, node: int) -> int:
    name = s.syntax.text(node + 1)
    operand = value(s, node + 2)
    label = s.label_of(operand)
    if name == b"-" and label.startswith(b"=") and not label.startswith(b"=-"):
        return s.leaf(b"=-" + label[1:], s.start[node])
    if name == b"+":
        return operand
    return s.make(b"neg" if name == b"-" else b"invert", (operand,), s.start[node])


def _conditional(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    condition = value(s, children[1])  # first, as it is evaluated: it may bind names
    then, otherwise = value(s, children[0]), value(s, children[2])
    return s.choose(condition, then, otherwise, s.start[node])


def _named(s: Lowering, node: int) -> int:
    result = value(s, s.next[node + 1])
    s.env[s.syntax.text(node + 1)] = result
    return result


# Containers


def _tuple(s: Lowering, node: int) -> int:
    return s.make(b"<tuple>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


def _list(s: Lowering, node: int) -> int:
    return s.make(b"<list>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


def _unordered(s: Lowering, node: int) -> int:
    return s.make_any_order(b"<dict>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


def _subscript(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    return s.subscript(value(s, children[0]), [value(s, child) for child in children[1:]], s.start[node])


def _slice(s: Lowering, node: int) -> int:
    """lower, upper, step: the colons between the parts tell which is which."""
    parts = [s.leaf(b"None", s.start[node])] * 3
    position, place = s.start[node], 0
    for child in s.syntax.children(node):
        place += s.source.count(b":", position, s.start[child])
        if place < 3:
            parts[place] = value(s, child)
        position = s.end[child]
    return s.make(b"<slice>", parts, s.start[node])


def _comprehension(s: Lowering, node: int) -> int:
    """Each `for` and the conditions after it are one composition; the last `for` is the innermost."""
    children = s.syntax.children(node)
    outer = s.env
    s.env = dict(outer)
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
            bind(s, parts[0], s.item(source, s.start[child]))
            loops.append((source, None, s.start[child]))
        elif s.kind[child] == IF_CLAUSE and loops:
            test = value(s, child + 1)
            source, condition, at = loops[-1]
            loops[-1] = (source, test if condition is None else s.chain(b"<and>", [condition, test], at), at)
    result = value(s, children[0])
    for source, condition, at in reversed(loops):
        result = s.compose(result, source, condition, at)
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
                bind(s, child, s.element(bound, place, s.start[child]))
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
        changed = s.make(b"<setitem>", (value(s, children[0]), bound, *indices), s.start[target])
        if s.kind[children[0]] == IDENTIFIER:
            s.env[s.syntax.text(children[0])] = changed
        s.effect(changed)
    else:
        s.effect(s.make(b"<store>", (bound,), s.start[target]))


# Literals


def _number(s: Lowering, node: int) -> int:
    return s.leaf(b"=" + number(s.syntax.text(node)), s.start[node])


def number(text: bytes) -> bytes:
    """The value of a numeric literal in one spelling: 0x10 is 16, 1_000 is 1000, 1e-6 is 0.000001."""
    plain = text.replace(b"_", b"").rstrip(b"lL") or text
    try:
        return b"%d" % int(plain, 0)
    except ValueError:
        pass
    try:
        return repr(float(plain)).encode()
    except (ValueError, OverflowError):
        return plain


_PREFIX = re.compile(rb"^[A-Za-z]{0,3}(\"\"\"|'''|\"|')")


def text_of(s: Lowering, node: int) -> bytes:
    """The characters of a string literal between its quotes, escapes as written."""
    raw = s.source[s.start[node] : s.end[node]]
    match = _PREFIX.match(raw)
    if match is None:
        return raw
    return raw[match.end() : len(raw) - len(match.group(1))]


def kept_text(s: Lowering, text: bytes, at: int) -> int:
    return s.leaf(b"'" + text if len(text) <= MAX_KEPT_STRING else b"<str>", at)


def _string(s: Lowering, node: int) -> int:
    if s.next[node] == node + 1:
        return kept_text(s, text_of(s, node), s.start[node])
    return format_parts(s, _f_string(s, node), s.start[node])


def _f_string(s: Lowering, node: int) -> list[int]:
    parts: list[int] = []
    for child in s.syntax.children(node):
        if s.kind[child] == INTERPOLATION:
            if s.next[child] > child + 1:
                parts.append(value(s, child + 1))
        elif s.kind[child] == CONTENT:
            parts.append(kept_text(s, s.syntax.text(child), s.start[child]))
    return parts


def _concatenated(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    if all(s.next[child] == child + 1 for child in children):
        return kept_text(s, b"".join(text_of(s, child) for child in children), s.start[node])
    return format_parts(s, [value(s, child) for child in children], s.start[node])


def format_parts(s: Lowering, parts: list[int], at: int) -> int:
    """Text put together from parts, however it is written: f-string, %, format, +, join."""
    flat: list[int] = []
    for part in parts:
        if s.is_label(part, b"<fmt>") or (s.is_label(part, b"str") and len(s.operands(part)) == 1):
            flat.extend(s.operands(part))
        elif s.label_of(part) != b"'":
            flat.append(part)
    return s.make_any_order(b"<fmt>", flat if len(flat) <= MAX_OPERANDS else parts, at)


_PERCENT = re.compile(rb"%(?:\(\w*\))?[-#0 +]*+[\d*]*+(?:\.[\d*]*+)?[hlL]?[diouxXeEfFgGcrsa%]")
_BRACES = re.compile(rb"\{[^{}]*\}")


def _pieces(s: Lowering, pattern: re.Pattern[bytes], text: bytes, at: int) -> list[int]:
    return [kept_text(s, piece, at) for piece in pattern.split(text) if piece]


def _percent(s: Lowering, left: int, right: int) -> int:
    at = s.start[left]
    children = [left] if s.kind[left] == STRING else s.syntax.children(left)
    text = b"".join(text_of(s, child) for child in children)
    arguments = s.syntax.children(right) if s.kind[right] == TUPLE else [right]
    return format_parts(s, [*_pieces(s, _PERCENT, text, at), *(value(s, child) for child in arguments)], at)


def _format_call(s: Lowering, base: int, arguments: int, at: int) -> int:
    positional, keywords = _edges(s, arguments)
    values = positional + [packed & 0xFFFFFFFF for packed in keywords]
    return format_parts(s, [*_pieces(s, _BRACES, text_of(s, base), at), *values], at)


def _constant(name: bytes) -> Handler:
    return lambda s, node: s.leaf(name, s.start[node])


def _through(s: Lowering, node: int) -> int:
    """await, yield, *x and the like: what they pass on."""
    if s.next[node] == node + 1:
        return s.leaf(b"None", s.start[node])
    return value(s, _last(s, node))


def _last(s: Lowering, node: int) -> int:
    """The last child: what stands after a star, or after `from`."""
    return s.syntax.children(node)[-1]


def _yield(s: Lowering, node: int) -> int:
    return s.root(b"<yield>", [value(s, child) for child in s.syntax.children(node)], s.start[node])


_BINARY_KIND = KIND["binary_operator"]
_CONCATENATED = KIND["concatenated_string"]

_BY_NAME: dict[str, Handler] = {
    "identifier": _identifier,
    "attribute": _attribute,
    "call": _call,
    "lambda": _lambda,
    "binary_operator": _binary,
    "boolean_operator": _boolean,
    "not_operator": _not,
    "comparison_operator": _comparison,
    "unary_operator": _unary,
    "conditional_expression": _conditional,
    "named_expression": _named,
    "tuple": _tuple,
    "expression_list": _tuple,
    "list": _list,
    "set": _unordered,
    "dictionary": _unordered,
    "subscript": _subscript,
    "slice": _slice,
    "list_comprehension": _comprehension,
    "set_comprehension": _comprehension,
    "dictionary_comprehension": _comprehension,
    "generator_expression": _comprehension,
    "integer": _number,
    "float": _number,
    "string": _string,
    "concatenated_string": _concatenated,
    "true": _constant(b"True"),
    "false": _constant(b"False"),
    "none": _constant(b"None"),
    "ellipsis": _constant(b"..."),
    "await": _through,
    "list_splat": _through,
    "dictionary_splat": _through,
    "yield": _yield,
}

HANDLERS: list[Handler | None] = [
    _BY_NAME.get(LANGUAGE.node_kind_for_id(kind) or "") if LANGUAGE.node_kind_is_named(kind) else None
    for kind in range(LANGUAGE.node_kind_count)
]
