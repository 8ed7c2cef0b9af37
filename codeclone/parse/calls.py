"""Calls: of libraries, of what the file defines, of values; and lambdas."""

from __future__ import annotations

from codeclone.parse import library, sequences
from codeclone.parse.graph import edge
from codeclone.parse.literals import format_call, format_parts
from codeclone.parse.lowering import MAX_IN_PLACE, Lowering, handles, value
from codeclone.parse.syntax import KIND

IDENTIFIER, ATTRIBUTE, CALL, STRING = KIND["identifier"], KIND["attribute"], KIND["call"], KIND["string"]
ARGUMENTS, KEYWORD, SPLAT = KIND["argument_list"], KIND["keyword_argument"], KIND["list_splat"]
DICT_SPLAT, LAMBDA = KIND["dictionary_splat"], KIND["lambda"]

SPREADING = frozenset((b"list", b"tuple", b"iter", b"set"))
"""Built-in calls that pass on the elements of what they are given."""


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


@handles("call")
def _call(s: Lowering, node: int) -> int:
    function = node + 1
    arguments = s.next[function]
    at = s.start[node]
    library_function = library_name(s, function)
    if library_function is not None:
        return _library_call(s, library_function, [], arguments, at)
    if s.kind[function] == ATTRIBUTE:
        return _method_call(s, function, arguments)
    if s.kind[function] == IDENTIFIER:
        name = s.source[s.start[function] : s.end[function]]
        bound = s.env.get(name)
        if bound is None:
            definition = s.defined.functions.get(name)
            if definition is not None:
                s.told_by_surroundings = True
                return _helper_call(s, definition, False, arguments, at)
            return _own_call(s, [], arguments, at)
        if bound in s.local_functions:
            return _local_call(s, s.local_functions[bound], arguments, at)
    return _apply(s, value(s, function), arguments, at)


def _method_call(s: Lowering, function: int, arguments: int) -> int:
    """`base.name(…)`, where base is no library."""
    last = s.next[function] - 1
    name = s.source[s.start[last] : s.end[last]]
    base = function + 1
    at = s.start[last]
    if s.kind[base] == IDENTIFIER and s.source[s.start[base] : s.end[base]] == s.self_name != b"":
        made = s.defined.made_with.get(name)
        if made is not None:
            s.told_by_surroundings = True
            stored = s.env.get(b"self." + name)
            layer = s.given(b"self.attr", at, b"self." + name) if made == b"attr" else s.leaf(b"self." + made, at, name)
            return _apply(s, layer if stored is None else stored, arguments, at)
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
        values, keywords, starred = _arguments(s, arguments)
        return format_call(s, base, [*values, *(child for _, child in keywords), *starred], at)
    receiver = value(s, base)
    if name == b"join" and s.kind[base] == STRING:
        parts = _arguments(s, arguments)[0]
        if len(parts) == 1 and (s.is_label(parts[0], b"<list>") or s.is_label(parts[0], b"<tuple>")):
            parts = s.operands(parts[0])
        return format_parts(s, [receiver, *parts], at)
    if name in s.api:
        return _library_call(s, name, [receiver], arguments, at)
    return _own_call(s, [receiver], arguments, at)


def _arguments(s: Lowering, arguments: int) -> tuple[list[int], list[tuple[bytes, int]], list[int]]:
    """(positional values, keyword arguments, values after a star)."""
    positional: list[int] = []
    keywords: list[tuple[bytes, int]] = []
    starred: list[int] = []
    if s.kind[arguments] != ARGUMENTS:
        return [value(s, arguments)], [], []
    for child in s.syntax.children(arguments):
        kind = s.kind[child]
        if kind == KEYWORD:
            keywords.append((s.source[s.start[child + 1] : s.end[child + 1]], value(s, s.next[child + 1])))
        elif kind in (SPLAT, DICT_SPLAT):
            starred.append(value(s, s.syntax.children(child)[-1]))
        else:
            positional.append(value(s, child))
    return positional, keywords, starred


def _library_call(s: Lowering, name: bytes, receiver: list[int], arguments: int, at: int) -> int:
    if name in (b"map", b"filter") and not receiver and s.kind[arguments] == ARGUMENTS:
        composed = _map(s, name, s.syntax.children(arguments), at)
        if composed is not None:
            return composed
    positional, keywords, starred = _arguments(s, arguments)
    operands = receiver + positional
    if name in SPREADING and len(operands) == 1 and not keywords and s.is_label(operands[0], b"<comp>"):
        return operands[0]
    return library.call(s, name, operands, keywords, starred, at)


def _own_call(s: Lowering, receiver: list[int], arguments: int, at: int) -> int:
    """A call of what the repository itself defines: names and order of its parameters are the programmer's.

    What is given to the definition or kept in `self` may stand before the dot: `module.layer(x)` is `self.layer(x)`.
    """
    positional, keywords, starred = _arguments(s, arguments)
    operands = [*positional, *(child for _, child in keywords), *starred]
    if operands:
        receiver = [one for one in receiver if one not in s.inputs]
    return s.make_any_order(b"<call>", [*receiver, *operands], at)


def _named_arguments(s: Lowering, arguments: int) -> list[tuple[bytes | None, int]] | None:
    """(keyword or None, value) of each argument; None where a star stands for any number of them."""
    if s.kind[arguments] != ARGUMENTS:
        return None
    children = s.syntax.children(arguments)
    if any(s.kind[child] in (SPLAT, DICT_SPLAT) for child in children):
        return None
    return [
        (s.syntax.text(child + 1), value(s, s.next[child + 1])) if s.kind[child] == KEYWORD else (None, value(s, child))
        for child in children
    ]


def _helper_call(s: Lowering, definition: int, method: bool, arguments: int, at: int) -> int:
    """A call of a function of the same file or class: as a call, and in place of it what the function does, so that
    splitting and merging functions does not hide."""
    given = _named_arguments(s, arguments) if s.in_place is not None else None
    if given is None or s.in_place is None:
        return _own_call(s, [], arguments, at)
    call = s.make_any_order(b"<call>", [child for _, child in given], at)
    outer = s.graph.called_from
    s.graph.called_from = at if outer is None else outer
    result = s.in_place(s, definition, given, method)
    s.graph.called_from = outer
    if result is None:
        return call
    s.graph.root(call)
    return result


def _local_call(s: Lowering, definition: int, arguments: int, at: int) -> int:
    """A call of a function or lambda that is defined inside this definition: what it does, here."""
    given = _named_arguments(s, arguments) if s.in_place is not None else None
    if given is None or s.in_place is None:
        return _own_call(s, [], arguments, at)
    if s.kind[definition] == LAMBDA:
        if s.inlined > MAX_IN_PLACE or any(keyword is not None for keyword, _ in given):
            return s.make_any_order(b"<call>", [child for _, child in given], at)
        s.inlined += s.next[definition] - definition
        return lambda_body(s, definition, [child for _, child in given])
    result = s.in_place(s, definition, given, False)
    return s.make_any_order(b"<call>", [child for _, child in given], at) if result is None else result


def _apply(s: Lowering, function: int, arguments: int, at: int) -> int:
    """A call of a value: a layer kept in an attribute, a function in a variable."""
    positional, keywords, starred = _arguments(s, arguments)
    called = called_layer(s, function, positional, keywords, at)
    if called is not None and not starred:
        return called
    if function in s.inputs:
        return s.make_any_order(b"<call>", [*positional, *(child for _, child in keywords), *starred], at)
    slots, last = s.slots, len(s.slots) - 1
    edges = [slots[min(place, last)] | operand for place, operand in enumerate([function, *positional])]
    named = sorted([s.keyword(keyword, child) for keyword, child in keywords])
    return s.graph.node(
        s.graph.label(b"<apply>"), (*edges, *named, *(edge(child, s.graph.slot(b"*")) for child in starred)), at
    )


def called_layer(
    s: Lowering, layer: int, positional: list[int], keywords: list[tuple[bytes, int]], at: int
) -> int | None:
    """What calling a layer without weights comes to: `nn.GELU()(x)` is `gelu(x)`; None for other values."""
    label = s.label_of(layer)
    name = library.modules().get(label[5:] if label.startswith(b"self.") else label)
    if name is None:
        return None
    made_with = [
        (s.graph.slot_name(an_edge)[1:], child)
        for an_edge, child in zip(s.graph.edges[layer], s.operands(layer), strict=True)
        if s.graph.slot_name(an_edge).startswith(b"=")
    ]
    return library.call(s, name, positional, [*made_with, *keywords], [], at)


def _map(s: Lowering, name: bytes, arguments: list[int], at: int) -> int | None:
    if len(arguments) != 2 or any(s.kind[argument] in (SPLAT, KEYWORD) for argument in arguments):
        return None
    source = value(s, arguments[1])
    item = sequences.item(s, source, at)
    function = arguments[0]
    if s.kind[function] == LAMBDA:
        result = lambda_body(s, function, [item])
    else:
        known = library_name(s, function)
        bound = s.env.get(s.syntax.text(function)) if s.kind[function] == IDENTIFIER else None
        if known is not None:
            result = library.call(s, known, [item], [], [], at)
        elif bound is not None and s.kind[s.local_functions.get(bound, 0)] == LAMBDA:
            result = lambda_body(s, s.local_functions[bound], [item])
        elif s.kind[function] == IDENTIFIER and bound is None:
            result = s.make_any_order(b"<call>", (item,), at)
        else:
            result = s.make(b"<apply>", (value(s, function), item), at)
    if name == b"map":
        return sequences.compose(s, result, source, None, at)
    return sequences.compose(s, item, source, result, at)


@handles("lambda")
def _lambda(s: Lowering, node: int) -> int:
    made = s.make(b"<lambda>", (lambda_body(s, node, []),), s.start[node])
    s.local_functions[made] = node
    return made


def lambda_body(s: Lowering, node: int, arguments: list[int]) -> int:
    """The value of a lambda's body; parameters without an argument are parameters."""
    children = s.syntax.children(node)
    outer, s.env = s.env, s.scope()
    if len(children) == 2:
        names = parameter_names(s, children[0])
        for place, (name, default) in enumerate(names):
            if place < len(arguments):
                s.env[name] = arguments[place]
            elif arguments and default is not None:
                s.env[name] = value(s, default)
            else:
                s.env[name] = s.given(b"<param>", s.start[children[0]], name)
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
                name = s.syntax.children(name)[-1]
            default = parts[1] if kind in _WITH_DEFAULT and len(parts) > 1 else None
            found.append((s.source[s.start[name] : s.end[name]], default))
    return found
