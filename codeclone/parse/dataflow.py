"""Python definitions -> value graphs: statements, branches, loops, and what a class makes its attributes with.

The lowering follows docs/dataflow.md: an assignment makes no node, a branch makes a phi, a loop that appends is a
comprehension, an early return is the branch it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import compress, islice
from operator import ne
from types import MappingProxyType

from codeclone.parse import algebra, library, sequences
from codeclone.parse.calls import ARGUMENTS, IDENTIFIER, KEYWORD, library_name, parameter_names
from codeclone.parse.expressions import SUBSCRIPT, bind, combine, operator_of
from codeclone.parse.graph import CUT_OUT, IN_PLACE, GraphBuilder, TooMuchWork
from codeclone.parse.lowering import MAX_IN_PLACE, MAX_INLINING, Arguments, Definitions, Helper, Lowering, value
from codeclone.parse.names import Names
from codeclone.parse.syntax import KIND, OPERATOR, Syntax
from codeclone.parse.units import Unit, is_top

MAX_GUARDS = 30
"""So many early exits in one block are seen as branches around what follows; after that they stand for themselves.
Each is a level of recursion."""

MAX_HELPER = 150
"""Syntax nodes; a larger function is not lowered in place of its calls."""

MAX_INHERITED = 400
"""Attributes and methods; of a base class with more, none are taken over."""

MAX_BASES = 8
"""Base classes that stand in the same file and tell a class its attributes and methods."""

MAX_PASSED_ON = 2_000
"""Names that a cell of a notebook has from those before it."""

MAX_ENCLOSING = 100
"""Names that a nested function takes from the functions around it."""

LOG_METHODS = frozenset(
    b"debug info warning warning_once warn error exception critical log warning_advice info_once".split()
)
SILENT_CALLS = frozenset((b"print", b"warn"))
"""Statements that say something to a person and nothing about the computation."""

CONTEXTS = frozenset((b"no_grad", b"enable_grad", b"inference_mode", b"autocast"))
"""What a function is run in, whether it is decorated with it or says so by `with`."""

GROWING = {b"append": True, b"add": True, b"extend": False, b"update": False}
"""Method that grows a collection -> whether its argument is one element."""

_K = KIND
_BLOCK, _ELIF, _ELSE, _EXCEPT, _FINALLY = (
    _K["block"],
    _K["elif_clause"],
    _K["else_clause"],
    _K["except_clause"],
    _K["finally_clause"],
)
_RETURN, _IF, _FOR, _WHILE, _TRY, _WITH = (
    _K["return_statement"],
    _K["if_statement"],
    _K["for_statement"],
    _K["while_statement"],
    _K["try_statement"],
    _K["with_statement"],
)
_RAISE, _BREAK, _CONTINUE, _MATCH, _CASE = (
    _K["raise_statement"],
    _K["break_statement"],
    _K["continue_statement"],
    _K["match_statement"],
    _K["case_clause"],
)
_COMPARISON = _K["comparison_operator"]
_STATEMENT, _ASSIGN, _AUGMENT, _CALL, _ATTRIBUTE = (
    _K["expression_statement"],
    _K["assignment"],
    _K["augmented_assignment"],
    _K["call"],
    _K["attribute"],
)
_FUNCTION, _CLASS, _DECORATED, _DECORATOR, _PARAMETERS = (
    _K["function_definition"],
    _K["class_definition"],
    _K["decorated_definition"],
    _K["decorator"],
    _K["parameters"],
)
_YIELD = _K["yield"]
_LITERALS = frozenset((_K["integer"], _K["float"], _K["string"]))
_STRING, _CONCATENATED, _WITH_ITEM, _AS_PATTERN = (
    _K["string"],
    _K["concatenated_string"],
    _K["with_item"],
    _K["as_pattern"],
)
_SILENT = frozenset(
    _K[name]
    for name in """
import_statement import_from_statement future_import_statement pass_statement global_statement nonlocal_statement
assert_statement print_statement delete_statement
""".split()
)


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
        if unit.kind == "function" and is_top(units, unit) and _is_small(syntax, unit.node)
    }
    members: dict[int, dict[bytes, int]] = {}
    for unit in units:
        if unit.kind == "function" and not is_top(units, unit) and _is_small(syntax, unit.node):
            members.setdefault(unit.parent, {})[syntax.text(unit.node + 1)] = unit.node
    classes: dict[int, Definitions] = {}
    by_name: dict[bytes, Definitions] = {}
    plain, nothing, cut_out = Definitions(functions), Definitions({}), names.cut_out()
    for index, unit in enumerate(units):
        if unit.kind == "class":
            classes[index] = _class_definitions(syntax, names, unit, members.get(index, {}), functions, by_name)
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
        _run(s, s.syntax.children(unit.node))
        _fields(s, before)
    return s.told_by_surroundings


def _is_small(syntax: Syntax, node: int) -> bool:
    return syntax.next[node] - node <= MAX_HELPER


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
    returned, _ = _run(s, s.syntax.children(helper.body))
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
        returned, _ = _run(s, s.syntax.children(children[-1]))
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
            _run(s, s.syntax.children(child))
            _fields(s)


def _fields(s: Lowering, before: Mapping[bytes, int] = MappingProxyType({})) -> None:
    """What a class or module binds can be read from outside. `before`: what was bound when it began."""
    for name, bound in s.env.items():
        if not name.startswith(b"self.") and before.get(name) != bound:
            s.root(b"<field>", (bound,), s.graph.offsets[bound])


# Statements. Each block gives (the value it returns or None, whether nothing after it is reached).

_Outcome = tuple[int | None, bool]


def _run(s: Lowering, statements: list[int], guards: int = 0) -> _Outcome:
    pending: list[tuple[int | None, int]] = []
    """(condition, value returned early), in order; without a condition, the first element that a loop returns."""
    returned: int | None = None
    done = False
    for place, node in enumerate(statements):
        kind = s.kind[node]
        if kind == _STATEMENT:
            for child in s.syntax.children(node):
                _expression_statement(s, child)
        elif kind == _RETURN:
            inside = s.syntax.children(node)
            returned, done = (value(s, inside[0]) if inside else s.leaf(b"None", s.start[node])), True
        elif kind == _IF:
            if place + 1 < len(statements) and guards < MAX_GUARDS and _leaves(s, node):
                returned, done = _if(s, node, statements[place + 1 :], guards + 1)
                break
            value_if, done = _if(s, node, [], 0)
            if done:
                returned = value_if
            elif value_if is not None:
                pending.append((value(s, node + 1), value_if))
        elif kind in (_BREAK, _CONTINUE):
            break  # what follows in the loop is the other branch of the `if` around it
        elif kind == _RAISE:
            for child in s.syntax.children(node):
                s.effect(s.make(b"raise", (value(s, child),), s.start[node]))
            done = True
        elif kind not in _SILENT:
            returned, done = _compound(s, node, kind)
            if returned is not None and not done:
                if s.is_label(returned, b"<comp>"):
                    pending.append((None, returned))
                else:
                    s.root(b"<return>", (returned,), s.start[node])
                returned = None
        if done:
            break
    for condition, early in reversed(pending):
        at = s.graph.offsets[early]
        after = s.leaf(b"None", at) if returned is None else returned
        if condition is None:
            returned = sequences.first(s, early, after, at)
        else:
            returned = algebra.choose(s, condition, early, after, at)
    return returned, done


def _leaves(s: Lowering, node: int) -> bool:
    """An `if` without `else` whose block ends in return, continue or break: what follows is its `else`."""
    children = s.syntax.children(node)
    if len(children) != 2:
        return False
    block = s.syntax.children(children[1])
    return bool(block) and s.kind[block[-1]] in (_RETURN, _CONTINUE, _BREAK)


def _if(s: Lowering, node: int, rest: list[int], guards: int) -> _Outcome:
    """`if`, with the statements that are reached only when its condition is false."""
    children = s.syntax.children(node)
    condition = value(s, children[0])
    otherwise = children[2:]
    return _branch(
        s,
        condition,
        lambda: _run(s, s.syntax.children(children[1])),
        lambda: _otherwise(s, otherwise) if otherwise else _run(s, rest, guards),
        s.start[node],
    )


def _otherwise(s: Lowering, clauses: list[int], depth: int = 0) -> _Outcome:
    if depth > MAX_GUARDS:
        return _one_after_the_other(s, clauses)
    clause = clauses[0]
    children = s.syntax.children(clause)
    if s.kind[clause] == _ELSE:
        return _run(s, s.syntax.children(children[-1])) if children else (None, False)
    if len(children) < 2:
        return None, False
    condition = value(s, children[0])
    return _branch(
        s,
        condition,
        lambda: _run(s, s.syntax.children(children[1])),
        lambda: _otherwise(s, clauses[1:], depth + 1) if len(clauses) > 1 else (None, False),
        s.start[clause],
    )


def _one_after_the_other(s: Lowering, clauses: list[int]) -> _Outcome:
    """The last of very many `elif`, as if each stood alone."""
    for clause in clauses:
        children = s.syntax.children(clause)
        base, s.env = s.env, s.scope()
        for condition in children[:-1]:
            s.effect(value(s, condition))
        returned, _ = _run(s, s.syntax.children(children[-1])) if children else (None, False)
        if returned is not None:
            s.root(b"<return>", (returned,), s.start[clause])
        s.env = base
    return None, False


def _branch(
    s: Lowering, condition: int, then: Callable[[], _Outcome], otherwise: Callable[[], _Outcome], at: int
) -> _Outcome:
    if s.is_label(condition, b"True"):
        return then()
    if s.is_label(condition, b"False"):
        return otherwise()
    base, outer_effects = s.env, s.effects
    s.graph.charge(len(base))
    s.env, s.effects = dict(base), []
    then_value, then_done = then()
    then_env, then_effects = s.env, s.effects
    s.env, s.effects = dict(base), []
    else_value, else_done = otherwise()
    else_env, else_effects = s.env, s.effects
    s.effects = outer_effects
    for effect in then_effects:
        s.effect(algebra.when(s, condition, effect, at))
    if else_effects:
        opposite = algebra.negate(s, condition, at)
        for effect in else_effects:
            s.effect(algebra.when(s, opposite, effect, at))
    if then_done and not else_done:
        s.env = else_env
    elif else_done and not then_done:
        s.env = then_env
    else:
        s.env = _merge(s, condition, then_env, else_env, at)
    if then_value is None and else_value is None:
        return None, then_done and else_done
    # What raises returns nothing: the value is that of the other branch.
    if then_value is None and then_done and else_value is not None:
        return else_value, else_done
    if else_value is None and else_done and then_value is not None:
        return then_value, then_done
    nothing = s.leaf(b"None", at)
    chosen = algebra.choose(
        s,
        condition,
        nothing if then_value is None else then_value,
        nothing if else_value is None else else_value,
        at,
    )
    return chosen, then_done and else_done


def _merge(
    s: Lowering, condition: int, then: dict[bytes, int], otherwise: dict[bytes, int], at: int
) -> dict[bytes, int]:
    if then == otherwise:
        return otherwise
    merged = dict(otherwise)
    for name in [*compress(then, map(ne, then.values(), map(otherwise.get, then)))]:
        other = otherwise.get(name)
        merged[name] = then[name] if other is None else algebra.choose(s, condition, then[name], other, at)
    return merged


def _expression_statement(s: Lowering, node: int) -> None:
    kind = s.kind[node]
    if kind == _ASSIGN:
        _assign(s, node)
    elif kind == _AUGMENT:
        target, operator, right = s.syntax.children(node)[:3]
        bind(s, target, combine(s, operator_of(s, operator), value(s, target), value(s, right), s.start[node]))
    elif kind == _CALL:
        if not _says_something(s, node) and not _grows(s, node):
            _effect(s, node)
    elif kind not in (_STRING, _CONCATENATED) and kind != IDENTIFIER:
        s.effect(value(s, node))


def _assign(s: Lowering, node: int) -> int | None:
    children = s.syntax.children(node)
    if len(children) < 2:
        return None
    right = children[1]
    bound = _assign(s, right) if s.kind[right] == _ASSIGN else value(s, right)
    if bound is not None:
        bind(s, children[0], bound)
    return bound


def _says_something(s: Lowering, node: int) -> bool:
    """print, logging and warnings."""
    function = node + 1
    if s.kind[function] == IDENTIFIER:
        return s.syntax.text(function) in SILENT_CALLS
    if s.kind[function] != _ATTRIBUTE or s.kind[function + 1] != IDENTIFIER:
        return False
    base = s.syntax.text(function + 1)
    return base not in s.env and s.syntax.text(s.next[function] - 1) in LOG_METHODS


def _effect(s: Lowering, node: int) -> None:
    """A call as a statement. A method whose name ends in `_` changes what it stands on: `x.mul_(y)`."""
    made = value(s, node)
    s.effect(made)
    function = node + 1
    if s.kind[function] == _ATTRIBUTE and s.kind[function + 1] == IDENTIFIER:
        name, method = s.syntax.text(function + 1), s.syntax.text(s.next[function] - 1)
        if name in s.env and method.endswith(b"_") and not method.endswith(b"__"):
            s.env[name] = made


def _grows(s: Lowering, node: int) -> bool:
    """`x.append(e)` and the like on a local: x is now what it was, and e."""
    function = node + 1
    if s.kind[function] != _ATTRIBUTE or s.kind[function + 1] != IDENTIFIER:
        return False
    name = s.syntax.text(function + 1)
    one = GROWING.get(s.syntax.text(s.next[function] - 1))
    base = s.env.get(name)
    arguments = s.syntax.children(s.next[function])
    if one is None or base is None or len(arguments) != 1 or s.kind[s.next[function]] != ARGUMENTS:
        return False
    at = s.start[node]
    added = value(s, arguments[0])
    s.env[name] = sequences.extend(s, base, s.make(b"<list>", (added,), at) if one else added, at)
    return True


def _compound(s: Lowering, node: int, kind: int) -> _Outcome:
    children = s.syntax.children(node)
    if kind == _FOR:
        parts = [child for child in children if s.kind[child] != OPERATOR["in"]]
        source = value(s, parts[1])
        elements = s.written_out(source)
        if elements is not None and len(parts) == 3 and _is_small(s.syntax, parts[2]):
            return _unrolled(s, elements, parts[0], parts[2])
        return _loop(s, node, source, parts[2:], parts[0])
    if kind == _WHILE:
        counted = _counted(s, children)
        if counted is not None:
            return counted
        return _loop(s, node, None, children[1:], children[0])
    if kind == _WITH:
        return _with(s, children)
    if kind == _TRY:
        return _try(s, children)
    if kind == _MATCH:
        return _match(s, children)
    if kind in (_FUNCTION, _CLASS, _DECORATED):
        if kind == _FUNCTION and s.inside_function:
            name = s.syntax.text(node + 1)
            s.env[name] = s.leaf(b"<own>", s.start[node], name)
            s.local_functions[s.env[name]] = node
        return None, False
    for child in children:
        s.effect(value(s, child))
    return None, False


def _loop(s: Lowering, node: int, source: int | None, blocks: list[int], head: int) -> _Outcome:
    """`for` (head: the target) and `while` (source None; head: the condition)."""
    at = s.start[node]
    outcome = _turn(s, _assigned(s, node), source, head, s.syntax.children(blocks[0]) if blocks else [], at)
    for clause in blocks[1:]:
        _otherwise(s, [clause])
    return outcome


def _turn(s: Lowering, changed: list[bytes], source: int | None, head: int, statements: list[int], at: int) -> _Outcome:
    """The statements of a loop, and what they do to the names that they change. `head`: the target of a `for`, the
    condition of a `while`, which has no source; -1 where the target is bound already."""
    before = {name: s.env[name] for name in changed if name in s.env}
    carried: dict[bytes, int] = {}
    for name, bound in before.items():
        carried[name] = s.env[name] = s.make(b"<carried>", (bound,), at)
    if source is None:
        source = value(s, head)
    elif head >= 0:
        bind(s, head, sequences.item(s, source, at))
    returned, _ = _run(s, statements)
    for name, start in carried.items():
        if s.env[name] == start:
            s.env[name] = before[name]
        else:
            s.env[name] = sequences.after_loop(s, start, before[name], s.env[name], source, at)
    if returned is not None and s.is_label(returned, b"<phi>"):
        condition, then, otherwise = s.operands(returned)
        if s.is_label(otherwise, b"None"):
            return sequences.compose(s, then, source, condition, at), False
        if s.is_label(then, b"None"):
            return sequences.compose(s, otherwise, source, algebra.negate(s, condition, at), at), False
    return returned, False


def _counted(s: Lowering, children: list[int]) -> _Outcome | None:
    """`while i < n:` whose body ends in `i += 1` and changes i nowhere else is a loop over a range; None for others."""
    test, body = children[0], children[1]
    parts = s.syntax.children(test)
    if s.kind[test] != _COMPARISON or len(parts) != 3 or s.kind[parts[0]] != IDENTIFIER or len(children) != 2:
        return None
    counter = s.syntax.text(parts[0])
    statements = s.syntax.children(body)
    if s.kind[parts[1]] != OPERATOR["<"] or counter not in s.env or not statements:
        return None
    last = s.syntax.children(statements[-1])
    if len(last) != 1 or s.kind[last[0]] != _AUGMENT:
        return None
    step = s.syntax.children(last[0])
    changed = [name for statement in statements[:-1] for name in _assigned(s, statement)]
    if s.syntax.text(last[0]).replace(b" ", b"") != counter + b"+=1" or len(step) != 3 or counter in changed:
        return None
    at = s.start[test]
    start, end = s.env[counter], value(s, parts[2])
    bounds = [end] if s.is_label(start, b"=0") else [start, end]
    source = library.call(s, b"range", bounds, [], [], at)
    s.env[counter] = sequences.item(s, source, at)
    outcome = _turn(s, changed, source, -1, statements[:-1], at)
    s.env[counter] = end
    return outcome


def _unrolled(s: Lowering, elements: list[int], target: int, block: int) -> _Outcome:
    """A loop over elements that are written out, as its turns one after the other."""
    first: int | None = None
    s.unrolling += 1
    for element in elements:
        bind(s, target, element)
        returned, _ = _run(s, s.syntax.children(block))
        first = returned if first is None else first
    s.unrolling -= 1
    return first, False


def _assigned(s: Lowering, node: int) -> list[bytes]:
    """Names of locals that a statement, or something inside it, changes, in order of appearance."""
    found: dict[bytes, None] = {}
    kinds = s.kind
    for inner in range(node, s.next[node]):
        kind = kinds[inner]
        if kind in (_ASSIGN, _AUGMENT):
            target = inner + 1
            for part in range(target, s.next[target]):
                if kinds[part] == IDENTIFIER:
                    found[s.source[s.start[part] : s.end[part]]] = None
                    if kinds[target] == _ATTRIBUTE or kinds[target] == SUBSCRIPT:
                        break
            if kinds[target] == _ATTRIBUTE and kinds[target + 1] == IDENTIFIER:
                last = s.next[target] - 1
                found[b"self." + s.source[s.start[last] : s.end[last]]] = None
        elif kind == _CALL and kinds[inner + 1] == _ATTRIBUTE and kinds[inner + 2] == IDENTIFIER:
            last = s.next[inner + 1] - 1
            if s.source[s.start[last] : s.end[last]] in GROWING:
                found[s.source[s.start[inner + 2] : s.end[inner + 2]]] = None
    return list(found)


def _with(s: Lowering, children: list[int]) -> _Outcome:
    for child in children:
        if s.kind[child] != _WITH_ITEM:
            continue
        inside = s.syntax.children(child)
        parts = s.syntax.children(inside[0]) if inside and s.kind[inside[0]] == _AS_PATTERN else inside
        if not parts:
            continue
        manager = s.root(b"<with>", (value(s, parts[0]),), s.start[child])
        if len(parts) > 1:
            bind(s, parts[1], manager)
    return _run(s, s.syntax.children(children[-1])) if s.kind[children[-1]] == _BLOCK else (None, False)


def _try(s: Lowering, children: list[int]) -> _Outcome:
    before = s.scope()
    returned, done = _run(s, s.syntax.children(children[0]))
    after = s.env
    for clause in children[1:]:
        inside = s.syntax.children(clause)
        if not inside:
            continue
        if s.kind[clause] == _EXCEPT:
            s.env = before
            s.env = s.scope()
            for caught in inside[:-1]:
                parts = s.syntax.children(caught) if s.kind[caught] == _AS_PATTERN else [caught]
                s.root(b"<except>", (value(s, parts[0]),), s.start[clause])
                if len(parts) > 1:
                    bind(s, parts[1], s.leaf(b"<caught>", s.start[clause]))
            other, _ = _run(s, s.syntax.children(inside[-1]))
            if other is not None:
                s.root(b"<return>", (other,), s.start[clause])
            s.env = after
        else:
            s.env = after
            last, closes = _run(s, s.syntax.children(inside[-1]))
            if closes:
                returned, done = last, True
    s.env = after
    return returned, done


def _match(s: Lowering, children: list[int]) -> _Outcome:
    subject = value(s, children[0])
    for block in children[1:]:
        for case in s.syntax.children(block) if s.kind[block] == _BLOCK else [block]:
            parts = s.syntax.children(case)
            if s.kind[case] != _CASE or not parts:
                continue
            outer, s.env = s.env, s.scope()
            for pattern in parts[:-1]:
                s.root(b"<case>", (subject, value(s, pattern)), s.start[case])
            returned, _ = _run(s, s.syntax.children(parts[-1]))
            if returned is not None:
                s.root(b"<return>", (returned,), s.start[case])
            s.env = outer
    return None, False


# What a class makes its attributes with


def _class_definitions(
    syntax: Syntax,
    names: Names,
    unit: Unit,
    methods: dict[bytes, int],
    functions: dict[bytes, int],
    known: dict[bytes, Definitions],
) -> Definitions:
    """Methods and attributes of a class; those of a base class in the same file count too."""
    kinds, after = syntax.kind, syntax.next
    body = frozenset(syntax.children(syntax.children(unit.node)[-1]))
    made: dict[bytes, bytes] = {}
    literals: dict[bytes, int] = {}
    rebound: set[bytes] = set()
    s = Lowering(GraphBuilder(), syntax, names, Definitions(functions))
    for node in range(unit.node + 1, after[unit.node]):
        if kinds[node] != _ASSIGN:
            continue
        target = node + 1
        right = after[target]
        if right >= after[node]:
            continue
        name = _attribute_set(syntax, node, body)
        if name is None:
            continue
        if name in made:
            rebound.add(name)
        made.setdefault(name, _made_with(s, right))
        if kinds[right] in _LITERALS and after[right] == right + 1:
            literals.setdefault(name, right)
    for name in rebound:
        literals.pop(name, None)
    bases = unit.node + 2
    if bases < after[unit.node] and kinds[bases] == ARGUMENTS:
        above_it = {text: known[text] for text in map(syntax.text, syntax.children(bases)) if text in known}
        for above in islice(above_it.values(), MAX_BASES):
            if len(above.made_with) + len(above.methods) <= MAX_INHERITED:
                made = above.made_with | made
                literals = {name: node for name, node in above.literals.items() if name not in made} | literals
                methods = above.methods | methods
    return Definitions(functions, methods, made, literals)


def _attribute_set(syntax: Syntax, node: int, body: frozenset[int]) -> bytes | None:
    """The attribute of the instance that an assignment binds: `self.x = …`, or `x = …` in the class body."""
    kinds, after = syntax.kind, syntax.next
    target = node + 1
    if kinds[target] == _ATTRIBUTE and kinds[target + 1] == IDENTIFIER and after[target] == target + 3:
        return syntax.text(target + 2) if syntax.text(target + 1) in (b"self", b"cls") else None
    # In the class body: the assignment stands in a statement of the class's own block.
    in_body = kinds[node - 1] == _STATEMENT and node - 1 in body
    return syntax.text(target) if kinds[target] == IDENTIFIER and in_body else None


def _made_with(s: Lowering, node: int) -> bytes:
    if s.kind[node] != _CALL:
        return b"attr"
    library = library_name(s, node + 1)
    return s.spellings.get(library, library) if library is not None else b"attr"
