"""Python statements -> value graph nodes: assignments, branches, loops, early returns.

An assignment makes no node, a branch makes a phi, a loop that appends is a comprehension, an early return is the branch it
stands for (docs/dataflow.md).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress
from operator import ne

from codeclone.parse import algebra, library, sequences
from codeclone.parse.calls import ARGUMENTS, IDENTIFIER
from codeclone.parse.expressions import SUBSCRIPT, bind, combine, operator_of
from codeclone.parse.lowering import Lowering, value
from codeclone.parse.syntax import KIND, OPERATOR, Syntax

MAX_GUARDS = 30
"""So many early exits in one block are seen as branches around what follows; after that they stand for themselves.
Each is a level of recursion."""

MAX_HELPER = 150
"""Syntax nodes; a larger function is not lowered in place of its calls."""

LOG_METHODS = frozenset(
    b"debug info warning warning_once warn error exception critical log warning_advice info_once".split()
)
SILENT_CALLS = frozenset((b"print", b"warn"))
"""Statements that say something to a person and nothing about the computation."""

GROWING = {b"append": True, b"add": True, b"extend": False, b"update": False}
"""Method that grows a collection -> whether its argument is one element."""

_BLOCK = KIND["block"]
_ELSE = KIND["else_clause"]
_EXCEPT = KIND["except_clause"]
_RETURN = KIND["return_statement"]
_IF = KIND["if_statement"]
_FOR = KIND["for_statement"]
_WHILE = KIND["while_statement"]
_TRY = KIND["try_statement"]
_WITH = KIND["with_statement"]
_RAISE = KIND["raise_statement"]
_BREAK = KIND["break_statement"]
_CONTINUE = KIND["continue_statement"]
_MATCH = KIND["match_statement"]
_CASE = KIND["case_clause"]
_COMPARISON = KIND["comparison_operator"]
_STATEMENT = KIND["expression_statement"]
_ASSIGN = KIND["assignment"]
_AUGMENT = KIND["augmented_assignment"]
_CALL = KIND["call"]
_ATTRIBUTE = KIND["attribute"]
_FUNCTION = KIND["function_definition"]
_CLASS = KIND["class_definition"]
_DECORATED = KIND["decorated_definition"]
_STRING = KIND["string"]
_CONCATENATED = KIND["concatenated_string"]
_WITH_ITEM = KIND["with_item"]
_AS_PATTERN = KIND["as_pattern"]
_SILENT = frozenset(
    KIND[name]
    for name in """
import_statement import_from_statement future_import_statement pass_statement global_statement nonlocal_statement
assert_statement print_statement delete_statement
""".split()
)


def is_small(syntax: Syntax, node: int) -> bool:
    """Whether a definition or block can be lowered several times."""
    return syntax.next[node] - node <= MAX_HELPER


Outcome = tuple[int | None, bool]
"""What a block comes to: (the value it returns or None, whether nothing after it is reached)."""


def run(s: Lowering, statements: list[int], guards: int = 0) -> Outcome:
    """Lower the statements of a block. `guards`: early exits around it that are seen as branches."""
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


def _if(s: Lowering, node: int, rest: list[int], guards: int) -> Outcome:
    """`if`, with the statements that are reached only when its condition is false."""
    children = s.syntax.children(node)
    condition = value(s, children[0])
    otherwise = children[2:]
    return _branch(
        s,
        condition,
        lambda: run(s, s.syntax.children(children[1])),
        lambda: _otherwise(s, otherwise) if otherwise else run(s, rest, guards),
        s.start[node],
    )


def _otherwise(s: Lowering, clauses: list[int], depth: int = 0) -> Outcome:
    if depth > MAX_GUARDS:
        return _one_after_the_other(s, clauses)
    clause = clauses[0]
    children = s.syntax.children(clause)
    if s.kind[clause] == _ELSE:
        return run(s, s.syntax.children(children[-1])) if children else (None, False)
    if len(children) < 2:
        return None, False
    condition = value(s, children[0])
    return _branch(
        s,
        condition,
        lambda: run(s, s.syntax.children(children[1])),
        lambda: _otherwise(s, clauses[1:], depth + 1) if len(clauses) > 1 else (None, False),
        s.start[clause],
    )


def _one_after_the_other(s: Lowering, clauses: list[int]) -> Outcome:
    """The last of very many `elif`, as if each stood alone."""
    for clause in clauses:
        children = s.syntax.children(clause)
        base, s.env = s.env, s.scope()
        for condition in children[:-1]:
            s.effect(value(s, condition))
        returned, _ = run(s, s.syntax.children(children[-1])) if children else (None, False)
        if returned is not None:
            s.root(b"<return>", (returned,), s.start[clause])
        s.env = base
    return None, False


def _branch(
    s: Lowering, condition: int, then: Callable[[], Outcome], otherwise: Callable[[], Outcome], at: int
) -> Outcome:
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


def _compound(s: Lowering, node: int, kind: int) -> Outcome:
    children = s.syntax.children(node)
    if kind == _FOR:
        parts = [child for child in children if s.kind[child] != OPERATOR["in"]]
        source = value(s, parts[1])
        elements = s.written_out(source)
        if elements is not None and len(parts) == 3 and is_small(s.syntax, parts[2]):
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


def _loop(s: Lowering, node: int, source: int | None, blocks: list[int], head: int) -> Outcome:
    """`for` (head: the target) and `while` (source None; head: the condition)."""
    at = s.start[node]
    outcome = _turn(s, _assigned(s, node), source, head, s.syntax.children(blocks[0]) if blocks else [], at)
    for clause in blocks[1:]:
        _otherwise(s, [clause])
    return outcome


def _turn(s: Lowering, changed: list[bytes], source: int | None, head: int, statements: list[int], at: int) -> Outcome:
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
    returned, _ = run(s, statements)
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


def _counted(s: Lowering, children: list[int]) -> Outcome | None:
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


def _unrolled(s: Lowering, elements: list[int], target: int, block: int) -> Outcome:
    """A loop over elements that are written out, as its turns one after the other."""
    first: int | None = None
    s.unrolling += 1
    for element in elements:
        bind(s, target, element)
        returned, _ = run(s, s.syntax.children(block))
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


def _with(s: Lowering, children: list[int]) -> Outcome:
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
    return run(s, s.syntax.children(children[-1])) if s.kind[children[-1]] == _BLOCK else (None, False)


def _try(s: Lowering, children: list[int]) -> Outcome:
    before = s.scope()
    returned, done = run(s, s.syntax.children(children[0]))
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
            other, _ = run(s, s.syntax.children(inside[-1]))
            if other is not None:
                s.root(b"<return>", (other,), s.start[clause])
            s.env = after
        else:
            s.env = after
            last, closes = run(s, s.syntax.children(inside[-1]))
            if closes:
                returned, done = last, True
    s.env = after
    return returned, done


def _match(s: Lowering, children: list[int]) -> Outcome:
    subject = value(s, children[0])
    for block in children[1:]:
        for case in s.syntax.children(block) if s.kind[block] == _BLOCK else [block]:
            parts = s.syntax.children(case)
            if s.kind[case] != _CASE or not parts:
                continue
            outer, s.env = s.env, s.scope()
            for pattern in parts[:-1]:
                s.root(b"<case>", (subject, value(s, pattern)), s.start[case])
            returned, _ = run(s, s.syntax.children(parts[-1]))
            if returned is not None:
                s.root(b"<return>", (returned,), s.start[case])
            s.env = outer
    return None, False
