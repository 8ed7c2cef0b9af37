"""Python definitions -> value graphs: functions, classes and modules, and helpers in place of their calls."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType

from codeclone.parse.calls import ARGUMENTS, KEYWORD, parameter_names
from codeclone.parse.classes import class_definitions
from codeclone.parse.graph import CUT_OUT, IN_PLACE, GraphBuilder, TooMuchWork
from codeclone.parse.lowering import MAX_IN_PLACE, MAX_INLINING, Arguments, Definitions, Helper, Lowering, value
from codeclone.parse.names import Names
from codeclone.parse.statements import MAX_HELPER, is_small, run
from codeclone.parse.syntax import KIND, Syntax
from codeclone.parse.units import Unit, is_top

MAX_PASSED_ON = 2_000
"""Names that a cell of a notebook has from those before it."""

MAX_ENCLOSING = 100
"""Names that a nested function takes from the functions around it."""

CONTEXTS = frozenset((b"no_grad", b"enable_grad", b"inference_mode", b"autocast"))
"""What a function is run in, whether it is decorated with it or says so by `with`."""

_BLOCK = KIND["block"]
_DECORATOR = KIND["decorator"]
_PARAMETERS = KIND["parameters"]
_YIELD = KIND["yield"]


def lower(graph: GraphBuilder, syntax: Syntax, names: Names, units: list[Unit]) -> list[Unit]:
    """Add the value graph of every unit, one fragment each, in the order of `units`.

    A class or module is lowered without the definitions inside it; a function with nothing of the functions inside it
    but their names. Each is lowered twice into one graph: with what its file and class tell about it, and as if it were
    cut out of them, so that a fragment is found wherever it is moved. Returns the units that are too deep or too much work to be
    lowered as a whole; they have the facts that were found until then.
    """
    unfinished: list[Unit] = []
    functions = {
        syntax.text(unit.node + 1): unit.node
        for unit in units
        if unit.kind == "function" and is_top(units, unit) and is_small(syntax, unit.node)
    }
    members: dict[int, dict[bytes, int]] = {}
    for unit in units:
        if unit.kind == "function" and not is_top(units, unit) and is_small(syntax, unit.node):
            members.setdefault(unit.parent, {})[syntax.text(unit.node + 1)] = unit.node
    classes: dict[int, Definitions] = {}
    by_name: dict[bytes, Definitions] = {}
    plain, nothing, cut_out = Definitions(functions), Definitions({}), names.cut_out()
    for index, unit in enumerate(units):
        if unit.kind == "class":
            classes[index] = class_definitions(syntax, names, unit, members.get(index, {}), functions, by_name)
            by_name[syntax.text(unit.node + 1)] = classes[index]
    # What the cells of a notebook bind so far, in place and cut out; of a file there is one module, which comes first.
    bound: dict[bytes, int] = {}
    bound_cut_out: dict[bytes, int] = {}
    for index, unit in enumerate(units):
        graph.begin_fragment(syntax.next[unit.node] - unit.node if syntax.kind else 0)
        defined = classes.get(_class_of(units, index), plain) if unit.kind == "function" else plain
        first_root = graph.roots
        in_place, alone = Lowering(graph, syntax, names, defined), Lowering(graph, syntax, cut_out, nothing)
        if unit.kind == "module":
            in_place.env, alone.env = bound, bound_cut_out
            in_place.told_by_surroundings = bound != bound_cut_out
        try:
            graph.begin_reading(IN_PLACE)
            if _lower_unit(in_place, unit, units):
                graph.begin_reading(CUT_OUT)
                _lower_unit(alone, unit, units)
            else:
                graph.same_when_cut_out(first_root)
                alone.env = dict(in_place.env)
        except (RecursionError, TooMuchWork, IndexError, ValueError):
            # Deep, slow by design, or cut off where syntax was too deep: what was found until then counts.
            graph.called_from = None
            graph.same_when_cut_out(first_root)
            unfinished.append(unit)
        if unit.kind == "module":
            bound, bound_cut_out = (dict(islice(s.env.items(), MAX_PASSED_ON)) for s in (in_place, alone))
    return unfinished


def _lower_unit(s: Lowering, unit: Unit, units: list[Unit]) -> bool:
    """Lower one unit. Returns whether its surroundings told anything about it."""
    s.in_place = _in_place
    if unit.kind == "function":
        _lower_function(s, unit, units)
    elif unit.kind == "class":
        _lower_class(s, unit)
    elif s.kind:
        s.root(b"<module>", (), s.start[unit.node])
        before = dict(s.env)
        run(s, s.syntax.children(unit.node))
        _fields(s, before)
    return s.told_by_surroundings


def _in_place(s: Lowering, definition: int, arguments: Arguments, method: bool) -> int | None:
    """What a helper returns, with its values and effects made here; None where it returns nothing, yields, or where
    enough was lowered in place already."""
    size = s.syntax.next[definition] - definition
    if s.inlining >= MAX_INLINING or s.inlined + size > MAX_IN_PLACE or size > MAX_HELPER:
        return None
    known = s.defined.helpers
    if definition not in known:
        known[definition] = _helper(s, definition)
    helper = known[definition]
    if helper is None:
        return None
    s.inlined += size
    s.inlining += 1
    outer, outer_self = s.env, s.self_name
    names = helper.parameters
    inside = definition in s.local_functions.values()
    env = s.scope() if inside else {}
    if method:
        env = {name: bound for name, bound in outer.items() if name.startswith(b"self.")}
    if not inside:
        s.self_name = b""
    if method and names and not helper.static:
        s.self_name = names[0][0]
        env[s.self_name] = outer.get(outer_self, s.leaf(b"<self>", s.start[definition]))
        names = names[1:]
    s.env = dict(outer) if inside else {}
    positional = [bound for keyword, bound in arguments if keyword is None]
    by_keyword = {keyword: bound for keyword, bound in arguments if keyword is not None}
    for place, (name, default) in enumerate(names):
        if place < len(positional):
            env[name] = positional[place]
        elif name in by_keyword:
            env[name] = by_keyword[name]
        else:
            env[name] = value(s, default) if default is not None else s.given(b"<param>", s.start[definition], name)
    s.env = env
    returned, _ = run(s, s.syntax.children(helper.body))
    s.env, s.self_name = outer, outer_self
    s.inlining -= 1
    return returned


def _helper(s: Lowering, definition: int) -> Helper | None:
    children = s.syntax.children(definition)
    parameters = next((child for child in children if s.kind[child] == _PARAMETERS), None)
    if parameters is None or s.kind[children[-1]] != _BLOCK:
        return None
    if _YIELD in s.kind[definition : s.next[definition]]:
        return None
    before = s.source[max(0, s.start[definition] - 40) : s.start[definition]]
    return Helper(tuple(parameter_names(s, parameters)), b"staticmethod" in before, children[-1])


def _class_of(units: list[Unit], index: int) -> int:
    """The class whose instance a function's `self` is: also for a function inside a method."""
    parent = units[index].parent
    while parent >= 0 and units[parent].kind == "function":
        parent = units[parent].parent
    return parent


def _lower_function(s: Lowering, unit: Unit, units: list[Unit]) -> None:
    at = s.start[unit.node]
    s.root(b"<function>", (), at)
    children = s.syntax.children(unit.node)
    method = units[unit.parent].kind == "class" or _looks_like_method(s, unit)
    _decorators(s, unit)
    parameters = next((child for child in children if s.kind[child] == _PARAMETERS), None)
    if parameters is not None:
        _bind_parameters(s, parameters, method and not _is_static(s, unit))
    if not method:
        _bind_enclosing(s, unit, units)
    if children and s.kind[children[-1]] == _BLOCK:
        s.inside_function = True
        returned, _ = run(s, s.syntax.children(children[-1]))
        if returned is not None and not s.is_label(returned, b"None"):
            s.root(b"<return>", (returned,), at)


def _looks_like_method(s: Lowering, unit: Unit) -> bool:
    """A method that was cut out of its class still has `self`."""
    parameters = s.syntax.children(unit.node)[1:2]
    names = parameter_names(s, parameters[0]) if parameters and s.kind[parameters[0]] == _PARAMETERS else []
    return bool(names) and names[0][0] in (b"self", b"cls")


def _bind_parameters(s: Lowering, parameters: int, method: bool) -> None:
    for place, (name, default) in enumerate(parameter_names(s, parameters)):
        if place == 0 and method:
            s.self_name = name
            s.env[name] = s.given(b"<self>", s.start[parameters], b"self")
            continue
        if default is not None:
            s.root(b"<default>", (value(s, default),), s.start[default])
        s.env[name] = s.given(b"<param>", s.start[parameters], name)


def _bind_enclosing(s: Lowering, unit: Unit, units: list[Unit]) -> None:
    """What a nested function takes from around it would be its parameters if it stood outside."""
    parent = unit.parent
    while parent >= 0 and units[parent].kind == "function":
        outer = units[parent].parent
        for place, name in enumerate(_parameters_of(s, units[parent].node)):
            if place == 0 and outer >= 0 and units[outer].kind == "class":
                s.self_name = s.self_name or name
            elif name not in s.env and len(s.env) < MAX_ENCLOSING:
                s.env[name] = s.given(b"<param>", s.start[units[parent].node], name)
        parent = units[parent].parent


def _parameters_of(s: Lowering, function: int) -> tuple[bytes, ...]:
    """The first parameters of a function; found once for all functions inside it."""
    known = s.defined.parameters
    if function not in known:
        lists = [child for child in s.syntax.children(function) if s.kind[child] == _PARAMETERS]
        names = parameter_names(s, lists[0]) if lists else []
        known[function] = tuple(name for name, _ in names[:MAX_ENCLOSING])
    return known[function]


def _is_static(s: Lowering, unit: Unit) -> bool:
    return unit.outer != unit.node and b"staticmethod" in s.source[s.start[unit.outer] : s.start[unit.node]]


def _decorators(s: Lowering, unit: Unit) -> None:
    if unit.outer != unit.node:
        for child in s.syntax.children(unit.outer):
            if s.kind[child] == _DECORATOR:
                made = value(s, s.syntax.children(child)[-1])
                around = s.label_of(made) in CONTEXTS
                s.root(b"<with>" if around else b"<decorated>", (made,), s.start[child])


def _lower_class(s: Lowering, unit: Unit) -> None:
    at = s.start[unit.node]
    s.root(b"<class>", (), at)
    _decorators(s, unit)
    for child in s.syntax.children(unit.node)[1:]:
        if s.kind[child] == ARGUMENTS:
            for base in s.syntax.children(child):
                inner = s.next[base + 1] if s.kind[base] == KEYWORD else base
                s.root(b"<inherits>", (value(s, inner),), s.start[base])
        elif s.kind[child] == _BLOCK:
            run(s, s.syntax.children(child))
            _fields(s)


def _fields(s: Lowering, before: Mapping[bytes, int] = MappingProxyType({})) -> None:
    """What a class or module binds can be read from outside. `before`: what was bound when it began."""
    for name, bound in s.env.items():
        if not name.startswith(b"self.") and before.get(name) != bound:
            s.root(b"<field>", (bound,), s.graph.offsets[bound])
