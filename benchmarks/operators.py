"""Rewriting operators: ways to write a Python function differently, semantics-preserving in intent.

`OPERATORS` is the table of all of them, `CORE` those that are composed for the level that other tools are measured on
(renaming, tuple merging, inlining, comprehensions, string formatting, dead code, reordering). An operator takes a case
(rewriting.py) and a source of chance and gives the rewritten case, or None where it does not apply; it changes what it is
given, so `applied` hands it a copy. In intent only: types are not known, so `a + b` is taken to commute, `x.view(...)` to
be a tensor's, and calls in neighbouring statements to be independent when no name says otherwise.
"""

from __future__ import annotations

import ast
import copy
import itertools
import random
import string
from collections.abc import Callable
from decimal import Decimal
from functools import cache

from packages import fetch
from rewriting import (
    Function,
    assign,
    blocks,
    call,
    contains,
    fresh,
    function_of,
    is_call,
    leaves,
    load,
    loads,
    negated,
    parameters,
    qualname_of,
    reads,
    rewrite,
    rewrite_blocks,
    statements,
    stored_name,
    substituted,
    writes,
)

Operator = Callable[[ast.Module, random.Random], ast.Module | None]
OPERATORS: dict[str, Operator] = {}


def operator(function: Operator) -> Operator:
    """Put an operator into the table."""
    OPERATORS[function.__name__] = function
    return function


def applied(name: str, tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """The case after an operator; None where it does not apply, changes nothing, or gives what Python cannot parse."""
    result = OPERATORS[name](copy.deepcopy(tree), rng)
    if result is None:
        return None
    try:
        text = ast.unparse(ast.fix_missing_locations(result))
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    return None if text == ast.unparse(tree) and name != "reprint" else result


# Names and layout

KEPT_NAMES = {"self", "cls", "forward", "call", "setup"}
KEPT_ATTRIBUTES = {"training", "register_buffer", "parameters", "modules", "dtype", "device", "post_init", "apply"}
"""Attributes of self that come from a framework's base class."""


@operator
def reprint(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Another layout: what every case goes through."""
    return tree


@operator
def rename(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """The function, its parameters, its locals and attributes of self, one to one."""
    functions = [n for n in ast.walk(tree) if isinstance(n, Function)]
    attributes = {n.attr for n in ast.walk(tree) if _of_self(n)} - KEPT_ATTRIBUTES
    bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    # A method is reached through self: its plain name means something else.
    bound |= {f.name for f in functions if "." not in qualname_of(tree) or f is not function_of(tree)}
    bound |= {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name}
    bound -= KEPT_NAMES.union(*(n.names for n in ast.walk(tree) if isinstance(n, ast.Global)))
    own = {f.name for f in functions} & bound
    names, used = {}, set(KEPT_NAMES)
    if function_of(tree).name not in KEPT_NAMES | bound:
        attributes.add(function_of(tree).name)
    for name in sorted(bound | attributes):
        new = name
        while not name.startswith("__") and (new == name or new in used):
            new = fresh(tree, rng)
        used.add(new)
        names[name] = new
    for n in ast.walk(tree):
        if isinstance(n, ast.Name) and n.id in bound:
            n.id = names[n.id]
        elif isinstance(n, ast.arg) and n.arg in bound:
            n.arg = names[n.arg]
        elif isinstance(n, Function | ast.ExceptHandler) and n.name in names:
            n.name = names[n.name]
        elif isinstance(n, ast.Nonlocal):
            n.names = [names.get(name, name) for name in n.names]
        elif isinstance(n, ast.Attribute) and _of_self(n) and n.attr in attributes:
            n.attr = names[n.attr]
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in own:
            for keyword in n.keywords:
                keyword.arg = names.get(keyword.arg, keyword.arg) if keyword.arg else None
    return tree


def _of_self(n: ast.AST) -> bool:
    return (
        isinstance(n, ast.Attribute)
        and isinstance(n.value, ast.Name)
        and n.value.id in ("self", "cls")
        and not n.attr.startswith("__")
    )


@operator
def annotate(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Types for every parameter and for half of the assignments."""
    types = ("torch.Tensor", "Optional[torch.Tensor]", "int", "Any", "Dict[str, Any]", "List[int]")

    def change(n: ast.AST) -> ast.AST | None:
        if isinstance(n, ast.arg) and n.annotation is None and n.arg != "self":
            n.annotation = ast.parse(rng.choice(types), mode="eval").body
            return n
        if isinstance(n, ast.Assign) and stored_name(n) and rng.random() < 0.5:
            return ast.AnnAssign(n.targets[0], ast.parse(rng.choice(types), mode="eval").body, n.value, 1)  # type: ignore[arg-type]
        return None

    return rewrite(tree, change)


@operator
def drop_annotations(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    def change(n: ast.AST) -> ast.AST | None:
        if isinstance(n, ast.arg) and n.annotation:
            n.annotation = None
        elif isinstance(n, Function) and n.returns:
            n.returns = None
        elif isinstance(n, ast.AnnAssign) and n.value:
            return ast.Assign([n.target], n.value, lineno=0)
        else:
            return None
        return n

    return rewrite(tree, change)


@operator
def drop_tellings(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Assertions, warnings, logging and printing."""

    def tells(s: ast.stmt) -> bool:
        if isinstance(s, ast.If) and not s.orelse:
            return all(map(tells, s.body))
        text = ast.unparse(s)
        return isinstance(s, ast.Assert) or (
            isinstance(s, ast.Expr) and text.startswith(("logger.", "logging.", "warnings.warn", "print("))
        )

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        kept = [s for s in block if not tells(s)]
        return kept if len(kept) < len(block) else None

    return rewrite_blocks(tree, change)


# Assignments


@operator
def merge_assignments(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Two or three assignments in a row that do not need each other -> one of tuples."""

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        result: list[ast.stmt] = []
        run: list[ast.Assign] = []

        def close() -> None:
            if len(run) > 1:
                targets = ast.Tuple([s.targets[0] for s in run], ast.Store())
                result.append(ast.Assign([targets], ast.Tuple([s.value for s in run], ast.Load()), lineno=0))
            else:
                result.extend(run)
            run.clear()

        for s in block:
            fits = isinstance(s, ast.Assign) and len(s.targets) == 1
            fits = fits and isinstance(s.targets[0], ast.Name | ast.Attribute) and not contains(s.value, ast.NamedExpr)
            if not fits or len(run) == 3 or (writes(*run) & (reads(s) | writes(s))):
                close()
            if fits:
                run.append(s)
            else:
                result.append(s)
        close()
        return result if len(result) < len(block) else None

    return rewrite_blocks(tree, change)


@operator
def split_assignments(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    def change(n: ast.AST) -> list[ast.stmt] | None:
        if not (isinstance(n, ast.Assign) and len(n.targets) == 1):
            return None
        target, value = n.targets[0], n.value
        if not (isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)) or contains(n, ast.Starred):
            return None
        if len(target.elts) != len(value.elts) or writes(target) & reads(value):
            return None
        return [ast.Assign([t], v, lineno=0) for t, v in zip(target.elts, value.elts, strict=True)]

    return rewrite(tree, change)


@operator
def unpack_by_index(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`a, b = pair` -> `t = pair; a = t[0]; b = t[1]`."""

    def change(n: ast.AST) -> list[ast.stmt] | None:
        if not (isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Tuple)) or contains(n, ast.Starred):
            return None
        if isinstance(n.value, ast.Tuple) or len(n.targets) > 1:
            return None
        name = fresh(tree, rng)
        items = [ast.Subscript(load(name), ast.Constant(i), ast.Load()) for i in range(len(n.targets[0].elts))]
        parts = [ast.Assign([t], item, lineno=0) for t, item in zip(n.targets[0].elts, items, strict=True)]
        return [assign(name, n.value), *parts]

    return rewrite(tree, change)


@operator
def inline_temporaries(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """A local that is set once and used once, in the next statement, vanishes."""
    changed = False
    while (result := _inline_one(tree)) is not None:
        tree, changed = result, True
    return tree if changed else None


def _inline_one(tree: ast.Module) -> ast.Module | None:
    function = function_of(tree)
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
    loaded = [n.id for n in loads(function)]
    for _, _, block in blocks(function):
        for place, (s, following) in enumerate(itertools.pairwise(block)):
            name = stored_name(s)
            if name is None or stored.count(name) > 1 or loaded.count(name) > 1:
                continue
            part = _once(following)
            if part is not None and any(n.id == name for n in loads(part)):
                substituted(following, {name: s.value})  # type: ignore[attr-defined]
                del block[place]
                return tree
    return None


def _once(s: ast.stmt) -> ast.AST | None:
    """The part of a statement that is evaluated exactly once, and first; None where no part is."""
    if isinstance(s, ast.Assign | ast.AugAssign | ast.Return | ast.Expr | ast.AnnAssign):
        part: ast.AST | None = s
    else:
        part = s.iter if isinstance(s, ast.For) else s.test if isinstance(s, ast.If) else None
    lazy = (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)
    return None if part is None or contains(part, *lazy) else part


@operator
def introduce_temporaries(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """One inner call or operation of every assignment and return gets a name."""

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        result: list[ast.stmt] = []
        for s in block:
            value = s.value if isinstance(s, ast.Assign | ast.Return | ast.Expr) else None
            inner = [] if value is None or _lazy(value) else [n for n in ast.walk(value) if n is not value]
            inner = [n for n in inner if isinstance(n, ast.Call | ast.BinOp | ast.Subscript)]
            inner = [n for n in inner if isinstance(getattr(n, "ctx", ast.Load()), ast.Load)]
            if inner:
                chosen, name = rng.choice(inner), fresh(tree, rng)
                _replace(s, chosen, load(name))
                result.append(assign(name, chosen))  # type: ignore[arg-type]
            result.append(s)
        return result if len(result) > len(block) else None

    return rewrite_blocks(tree, change)


def _lazy(node: ast.AST) -> bool:
    """Whether parts of an expression may be evaluated never, later or many times."""
    kinds = (ast.Lambda, ast.comprehension, ast.IfExp, ast.BoolOp, ast.JoinedStr, ast.NamedExpr, ast.Yield, ast.Await)
    return contains(node, *kinds)


def _replace(root: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for node in ast.walk(root):
        for field, value in ast.iter_fields(node):
            if value is old:
                setattr(node, field, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]


@operator
def alias_attributes(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """What is read of self gets a local name first."""
    function = function_of(tree)
    called = {id(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}
    found = [n for n in ast.walk(function) if _of_self(n) and isinstance(n.ctx, ast.Load) and id(n) not in called]  # type: ignore[attr-defined]
    names = {n.attr for n in found if ast.unparse(n) not in writes(function)}  # type: ignore[attr-defined]
    aliases = {name: fresh(tree, rng) for name in sorted(names)}
    chosen = {id(n) for n in found}
    values = {alias: ast.Attribute(load("self"), name, ast.Load()) for name, alias in aliases.items()}
    result = rewrite(tree, lambda n: load(aliases[n.attr]) if id(n) in chosen and n.attr in aliases else None)  # type: ignore[attr-defined]
    function.body[:0] = [assign(alias, value) for alias, value in values.items()]
    return result


@operator
def augment(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`x = x + e` -> `x += e`."""

    def change(n: ast.AST) -> ast.AST | None:
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.BinOp) and len(n.targets) == 1:
            target = n.targets[0]
            if isinstance(target, ast.Name | ast.Attribute) and ast.unparse(target) == ast.unparse(n.value.left):
                return ast.AugAssign(target, n.value.op, n.value.right)
        return None

    return rewrite(tree, change)


@operator
def unaugment(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`x += e` -> `x = x + e`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not isinstance(n, ast.AugAssign):
            return None
        left = ast.parse(ast.unparse(n.target), mode="eval").body
        return ast.Assign([n.target], ast.BinOp(left, n.op, n.value), lineno=0)

    return rewrite(tree, change)


@operator
def walrus(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`x = e; if x > 1:` -> `if (x := e) > 1:`."""

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        for place, (s, following) in enumerate(itertools.pairwise(block)):
            name = stored_name(s)
            if name is None or not isinstance(following, ast.If):
                continue
            test = following.test.values[0] if isinstance(following.test, ast.BoolOp) else following.test
            used = [n for n in loads(test) if n.id == name]
            if used and not _lazy(test):
                _replace(following, used[0], ast.NamedExpr(ast.Name(name, ast.Store()), s.value))  # type: ignore[attr-defined]
                return block[:place] + block[place + 1 :]
        return None

    return rewrite_blocks(tree, change)


@operator
def unwalrus(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`if (x := e) > 1:` -> `x = e; if x > 1:`."""

    def change(n: ast.AST) -> list[ast.stmt] | None:
        if not isinstance(n, ast.If):
            return None
        found = [part for part in ast.walk(n.test) if isinstance(part, ast.NamedExpr)]
        for part in found:
            _replace(n, part, load(part.target.id))
        return [*(assign(part.target.id, part.value) for part in found), n] if found else None

    return rewrite(tree, change)


# Statements


@operator
def reorder(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Neighbours that do not need each other change places, again and again."""

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        order = list(block)
        for _ in range(3 * len(order)):
            place = rng.randrange(len(order) - 1) if len(order) > 1 else 0
            if len(order) > 1 and _independent(order[place], order[place + 1]):
                order[place : place + 2] = order[place : place + 2][::-1]
        return order if order != block else None

    return rewrite_blocks(tree, change)


def _independent(one: ast.stmt, other: ast.stmt) -> bool:
    if not all(isinstance(s, ast.Assign | ast.AnnAssign | ast.AugAssign) for s in (one, other)):
        return False
    if contains(one, ast.NamedExpr, ast.Yield, ast.Await) or contains(other, ast.NamedExpr, ast.Yield, ast.Await):
        return False
    return not (writes(one) & (reads(other) | writes(other)) or writes(other) & reads(one))


DEAD = (
    "{new} = ({old}, {number})",
    "{new} = [{old} for _ in range({number})]",
    "{new} = {number} * {number} + 1",
    "assert {old} is not None or {number} > 0",
    "logger.debug('stage %s: %s', {number}, {old})",
    "print('stage', {number}, {old})",
    "if False:\n    {new} = {old}",
    "{new} = str({old})",
)


@operator
def dead_statements(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """One statement in four gets one before it that computes nothing of use, asserts, logs or prints."""
    names = [argument.arg for argument in parameters(function_of(tree))] or ["__name__"]

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        result: list[ast.stmt] = []
        for s in block:
            if rng.random() < 0.25:
                text = rng.choice(DEAD)
                text = text.format(new=fresh(tree, rng), old=rng.choice(names), number=rng.randrange(2, 9))
                result.extend(ast.parse(text).body)
            result.append(s)
        return result if len(result) > len(block) else None

    return rewrite_blocks(tree, change)


# Loops


@operator
def append_to_comprehension(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    return rewrite_blocks(tree, _append_to_comprehension)


def _append_to_comprehension(block: list[ast.stmt]) -> list[ast.stmt] | None:
    """`x = []; for t in it: x.append(e)` -> `x = [e for t in it]`, with a condition or without."""
    for place, s in enumerate(block):
        if not (isinstance(s, ast.For) and not s.orelse and len(s.body) == 1):
            continue
        inner, tests = s.body[0], []
        if isinstance(inner, ast.If) and not inner.orelse and len(inner.body) == 1:
            inner, tests = inner.body[0], [inner.test]
        if not (isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call) and len(inner.value.args) == 1):
            continue
        function = inner.value.func
        if not (isinstance(function, ast.Attribute) and function.attr == "append"):
            continue
        name = ast.unparse(function.value)
        made = [i for i in range(place) if ast.unparse(block[i]) in (f"{name} = []", f"{name} = list()")]
        if made and name not in reads(*block[made[-1] + 1 : place], s.iter, inner.value.args[0]):
            generator = ast.comprehension(s.target, s.iter, tests, 0)
            new = assign(name, ast.ListComp(inner.value.args[0], [generator]))
            return [*block[: made[-1]], *block[made[-1] + 1 : place], new, *block[place + 1 :]]
    return None


@operator
def comprehension_to_append(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    return rewrite_blocks(tree, lambda block: _comprehension_to_append(tree, block, rng))


def _comprehension_to_append(tree: ast.Module, block: list[ast.stmt], rng: random.Random) -> list[ast.stmt] | None:
    """List, set and dictionary comprehensions of a statement become loops before it."""
    result: list[ast.stmt] = []
    for s in block:
        kinds = (ast.ListComp, ast.SetComp, ast.DictComp)
        found = [n for n in ast.walk(s) if isinstance(n, kinds)] if isinstance(s, ast.Assign | ast.Return) else []
        if len(found) != 1 or contains(s, ast.Lambda, ast.IfExp, ast.BoolOp, ast.GeneratorExp):
            result.append(s)
            continue
        made, name = found[0], stored_name(s) if s.value is found[0] else None  # type: ignore[attr-defined]
        whole = name is not None and name not in reads(made)
        name = name if name and whole else fresh(tree, rng)
        if isinstance(made, ast.DictComp):
            start, step = "{}", ast.Assign([ast.Subscript(load(name), made.key, ast.Store())], made.value, lineno=0)
        else:
            start, method = ("[]", "append") if isinstance(made, ast.ListComp) else ("set()", "add")
            step = ast.Expr(call(f"{name}.{method}", made.elt))  # type: ignore[assignment]
        body: ast.stmt = step
        for generator in reversed(made.generators):
            for test in reversed(generator.ifs):
                body = ast.If(test, [body], [])
            body = ast.For(generator.target, generator.iter, [body], [], lineno=0)
        result += [assign(name, ast.parse(start, mode="eval").body), body]
        if not whole:
            _replace(s, made, load(name))
            result.append(s)
    return result if len(result) > len(block) else None


@operator
def swap_loops(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Loops that append become comprehensions, and comprehensions loops."""
    return rewrite_blocks(tree, lambda b: _append_to_comprehension(b) or _comprehension_to_append(tree, b, rng))


@operator
def comprehension_to_map(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`[f(x) for x in xs if c]` -> `list(map(lambda x: f(x), filter(lambda x: c, xs)))`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not isinstance(n, ast.ListComp | ast.GeneratorExp) or len(n.generators) > 1:
            return None
        target, source, tests = n.generators[0].target, n.generators[0].iter, n.generators[0].ifs
        names, sources = [target], [source]
        if isinstance(target, ast.Tuple) and is_call(source, "zip") and not tests:
            names, sources = target.elts, source.args
        if len(names) != len(sources) or not all(isinstance(name, ast.Name) for name in names):
            return None
        arguments = ast.arguments([], [ast.arg(name.id) for name in names], None, [], [], None, [])  # type: ignore[attr-defined]
        for test in tests:
            sources = [call("filter", ast.Lambda(arguments, test), *sources)]
        mapped = call("map", ast.Lambda(arguments, n.elt), *sources)
        return call("list", mapped) if isinstance(n, ast.ListComp) else mapped

    return rewrite(tree, change)


@operator
def range_to_while(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    def change(n: ast.AST) -> list[ast.stmt] | None:
        if not (isinstance(n, ast.For) and isinstance(n.target, ast.Name) and is_call(n.iter, "range")):
            return None
        bounds = n.iter.args
        if n.orelse or contains(n, ast.Continue) or len(bounds) > 2 or n.target.id in writes(*n.body):
            return None
        start, stop = bounds if len(bounds) == 2 else (ast.Constant(0), bounds[0])
        step = ast.AugAssign(n.target, ast.Add(), ast.Constant(1))
        test = ast.Compare(load(n.target.id), [ast.Lt()], [stop])
        return [assign(n.target.id, start), ast.While(test, [*n.body, step], [])]

    return rewrite(tree, change)


@operator
def enumerate_to_range(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`for i, x in enumerate(xs)` -> `for i in range(len(xs)): x = xs[i]`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not (isinstance(n, ast.For) and isinstance(n.target, ast.Tuple) and is_call(n.iter, "enumerate")):
            return None
        if len(n.iter.args) > 1 or n.iter.keywords or not isinstance(n.iter.args[0], ast.Name | ast.Attribute):
            return None
        index, item = n.target.elts
        taken = ast.Subscript(n.iter.args[0], load(ast.unparse(index)), ast.Load())
        n.iter = call("range", call("len", n.iter.args[0]))
        n.target, n.body = index, [ast.Assign([item], taken, lineno=0), *n.body]
        return n

    return rewrite(tree, change)


@operator
def unroll(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """A loop over up to six elements that are written out, or over a range up to four."""

    def change(n: ast.AST) -> list[ast.stmt] | None:
        if not isinstance(n, ast.For) or n.orelse or contains(n, ast.Break, ast.Continue):
            return None
        items: list[ast.expr] = []
        if isinstance(n.iter, ast.List | ast.Tuple) and not contains(n.iter, ast.Starred):
            items = n.iter.elts
        elif is_call(n.iter, "range") and len(n.iter.args) == 1 and isinstance(n.iter.args[0], ast.Constant):
            items = [ast.Constant(i) for i in range(min(n.iter.args[0].value, 5))]
        if not 0 < len(items) <= (6 if isinstance(n.iter, ast.List | ast.Tuple) else 4):
            return None
        turns = [[ast.Assign([n.target], item, lineno=0), *n.body] for item in items]
        return [copy.deepcopy(s) for turn in turns for s in turn]

    return rewrite(tree, change)


# Branches


@operator
def if_to_conditional(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`if c: v = A` `else: v = B` -> `v = A if c else B`; so with returns, and with a local that is set before."""
    bound = {argument.arg for argument in parameters(function_of(tree))}
    seen = [s for _, _, block in blocks(function_of(tree)) for s in block]

    def change(n: ast.AST) -> ast.AST | None:
        if not isinstance(n, ast.If) or len(n.body) != 1 or len(n.orelse) > 1:
            return None
        then, other = n.body[0], n.orelse[0] if n.orelse else None
        if isinstance(then, ast.Return) and isinstance(other, ast.Return) and then.value and other.value:
            return ast.Return(ast.IfExp(n.test, then.value, other.value))
        name = stored_name(then)
        if name is None or not isinstance(then, ast.Assign):
            return None
        if isinstance(other, ast.Assign) and stored_name(other) == name:
            return assign(name, ast.IfExp(n.test, then.value, other.value))
        before = seen[: seen.index(n)] if n in seen else []
        if other is None and (name in bound or any(stored_name(s) == name for s in before)):
            return assign(name, ast.IfExp(n.test, then.value, load(name)))
        return None

    return rewrite(tree, change)


@operator
def conditional_to_if(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    def change(n: ast.AST) -> ast.AST | None:
        if not (isinstance(n, ast.Assign | ast.Return) and isinstance(n.value, ast.IfExp)):
            return None
        other = copy.deepcopy(n)
        test, n.value, other.value = n.value.test, n.value.body, n.value.orelse
        return ast.If(test, [n], [other])

    return rewrite(tree, change)


@operator
def swap_branches(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """The condition negated, the branches exchanged."""

    def change(n: ast.AST) -> ast.AST | None:
        if isinstance(n, ast.If) and n.orelse:
            return ast.If(negated(n.test), n.orelse, n.body)
        return ast.IfExp(negated(n.test), n.orelse, n.body) if isinstance(n, ast.IfExp) else None

    return rewrite(tree, change)


@operator
def de_morgan(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`a and b` -> `not (not a or not b)` where it is a condition."""

    def turned(test: ast.expr) -> ast.expr | None:
        inner = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else test
        if not isinstance(inner, ast.BoolOp):
            return None
        op = ast.Or() if isinstance(inner.op, ast.And) else ast.And()
        result = ast.BoolOp(op, [negated(value) for value in inner.values])
        return negated(result) if inner is test else result

    def change(n: ast.AST) -> ast.AST | None:
        test = turned(n.test) if isinstance(n, ast.If | ast.IfExp | ast.While | ast.Assert) else None
        if test is None:
            return None
        n.test = test  # type: ignore[attr-defined]
        return n

    return rewrite(tree, change)


MIRRORED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq}
OPPOSITE = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
            ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}  # fmt: skip


@operator
def mirror_comparisons(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`a < b` -> `b > a`."""

    def change(n: ast.AST) -> ast.AST | None:
        if isinstance(n, ast.Compare) and len(n.ops) == 1 and type(n.ops[0]) in MIRRORED:
            return ast.Compare(n.comparators[0], [MIRRORED[type(n.ops[0])]()], [n.left])
        return None

    return rewrite(tree, change)


@operator
def oppose_comparisons(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`a < b` -> `not a >= b`."""

    def change(n: ast.AST) -> ast.AST | None:
        if isinstance(n, ast.Compare) and len(n.ops) == 1:
            return negated(ast.Compare(n.left, [OPPOSITE[type(n.ops[0])]()], n.comparators))
        return None

    return rewrite(tree, change)


@operator
def split_comparisons(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`a < b < c` -> `a < b and b < c`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not isinstance(n, ast.Compare) or len(n.ops) == 1:
            return None
        sides = [n.left, *n.comparators]
        pairs = zip(sides, n.ops, sides[1:], strict=False)
        return ast.BoolOp(ast.And(), [ast.Compare(left, [op], [right]) for left, op, right in pairs])

    return rewrite(tree, change)


@operator
def nest_conditions(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`if a and b:` -> `if a: if b:`; `if a: if b:` -> `if a and b:`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not isinstance(n, ast.If) or n.orelse:
            return None
        if isinstance(n.test, ast.BoolOp) and isinstance(n.test.op, ast.And):
            body = n.body
            for test in reversed(n.test.values):
                body = [ast.If(test, body, [])]
            return body[0]
        inner = n.body[0]
        if (
            len(n.body) == 1
            and isinstance(inner, ast.If)
            and not inner.orelse
            and not isinstance(inner.test, ast.BoolOp)
        ):
            return ast.If(ast.BoolOp(ast.And(), [n.test, inner.test]), inner.body, [])
        return None

    return rewrite(tree, change)


@operator
def guard_to_else(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`if c: return A` and what follows -> `if c: return A` `else:` what follows."""

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        for place, s in enumerate(block[:-1]):
            if isinstance(s, ast.If) and not s.orelse and leaves(s.body[-1]):
                return [*block[:place], ast.If(s.test, s.body, block[place + 1 :])]
        return None

    return rewrite_blocks(tree, change)


@operator
def else_to_guard(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`if c: … return A` `else:` what else -> `if c: … return A` and what else."""

    def change(n: ast.AST) -> list[ast.stmt] | None:
        if isinstance(n, ast.If) and n.orelse and leaves(n.body[-1]):
            return [ast.If(n.test, n.body, []), *n.orelse]
        return None

    return rewrite(tree, change)


# Strings

Piece = str | tuple[ast.expr, str, str]
"""Text, or an expression with its conversion (`r`, `s` or nothing) and its format specification."""


def _pieces(n: ast.AST) -> tuple[str, list[Piece]] | None:
    """(way of writing, parts) of a string made of text and expressions."""
    if isinstance(n, ast.JoinedStr):
        parts: list[Piece] = []
        for value in n.values:
            if isinstance(value, ast.Constant):
                parts.append(value.value)
            elif isinstance(value, ast.FormattedValue):
                spec = value.format_spec.values if isinstance(value.format_spec, ast.JoinedStr) else []
                if not all(isinstance(part, ast.Constant) for part in spec):
                    return None
                conversion = chr(value.conversion) if value.conversion > 0 else ""
                parts.append((value.value, conversion, "".join(part.value for part in spec)))  # type: ignore[attr-defined]
        return "f-string", parts
    if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mod) and _text(n.left):
        values = n.right.elts if isinstance(n.right, ast.Tuple) else [n.right]
        texts = n.left.value.split("%s")  # type: ignore[attr-defined]
        return None if "%" in "".join(texts) or len(texts) != len(values) + 1 else ("percent", _woven(texts, values))
    if (
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "format"
        and _text(n.func.value)
    ):
        fields = [*string.Formatter().parse(n.func.value.value)]  # type: ignore[attr-defined]
        texts = [text for text, *_ in fields] + ([""] if fields and fields[-1][1] is not None else [])
        plain = all(field in (None, "") and not spec and not conversion for _, field, spec, conversion in fields)
        return ("format", _woven(texts, n.args)) if plain and len(texts) == len(n.args) + 1 and not n.keywords else None
    return None


def _text(n: ast.AST) -> bool:
    return isinstance(n, ast.Constant) and isinstance(n.value, str)


def _woven(texts: list[str], values: list[ast.expr]) -> list[Piece]:
    woven: list[Piece] = [texts[0]]
    for value, text in zip(values, texts[1:], strict=True):
        woven += [(value, "", ""), text]
    return [piece for piece in woven if piece]


def _written(way: str, pieces: list[Piece]) -> ast.expr:
    values = [piece for piece in pieces if not isinstance(piece, str)]
    if way == "format":
        fields = [
            piece.replace("{", "{{").replace("}", "}}")
            if isinstance(piece, str)
            else "{" + (f"!{piece[1]}" if piece[1] else "") + (f":{piece[2]}" if piece[2] else "") + "}"
            for piece in pieces
        ]
        return ast.Call(ast.Attribute(ast.Constant("".join(fields)), "format", ast.Load()), [v[0] for v in values], [])
    if way == "f-string":
        parts: list[ast.expr] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(ast.Constant(piece))
            else:
                spec = ast.JoinedStr([ast.Constant(piece[2])]) if piece[2] else None
                parts.append(ast.FormattedValue(piece[0], ord(piece[1]) if piece[1] else -1, spec))
        return ast.JoinedStr(parts)
    turned = [_as_text(*piece) if way == "concatenation" or any(piece[1:]) else piece[0] for piece in values]
    if way == "percent":
        texts = [piece.replace("%", "%%") if isinstance(piece, str) else "%s" for piece in pieces]
        return ast.BinOp(ast.Constant("".join(texts)), ast.Mod(), ast.Tuple(turned, ast.Load()))
    rest = iter(turned)
    terms = [ast.Constant(piece) if isinstance(piece, str) else next(rest) for piece in pieces]
    result = terms[0]
    for term in terms[1:]:
        result = ast.BinOp(result, ast.Add(), term)
    return result


def _as_text(value: ast.expr, conversion: str, spec: str) -> ast.expr:
    value = call("repr", value) if conversion == "r" else value
    return call("format", value, ast.Constant(spec)) if spec else value if conversion == "r" else call("str", value)


def _respelled(tree: ast.Module, way: Callable[[], str]) -> ast.Module | None:
    def change(n: ast.AST) -> ast.AST | None:
        found = _pieces(n)
        wanted = way()
        return None if found is None or found[0] == wanted or len(found[1]) < 2 else _written(wanted, found[1])

    return rewrite(tree, change)


@operator
def strings_to_format(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    return _respelled(tree, lambda: "format")


@operator
def strings_to_percent(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    return _respelled(tree, lambda: "percent")


@operator
def strings_to_concatenation(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    return _respelled(tree, lambda: "concatenation")


@operator
def respell_strings(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Each in a way drawn from f-string, `.format`, `%` and `+`."""
    return _respelled(tree, lambda: rng.choice(("f-string", "format", "percent", "concatenation")))


# Tensors

TORCH_METHODS = set(
    "abs argmax bmm chunk clamp clone cos cumsum eq exp flatten gather log masked_fill matmul ne pow reshape permute rsqrt"
    " sigmoid sin softmax sqrt squeeze sum tanh topk transpose unsqueeze".split()
)
"""Functions of torch that are also methods of a tensor, with the tensor as first argument."""

SHAPES = {"permute", "reshape"}
"""Those that take their numbers one by one as a method and in a tuple as a function."""

MODULES = ("torch", "np", "nn", "F", "tf", "jnp", "jax", "math", "self", "super", "xm", "ACT2FN", "numpy", "keras")


def _root(n: ast.expr) -> str:
    while isinstance(n, ast.Attribute):
        n = n.value
    return n.id if isinstance(n, ast.Name) else ""


def _tensor_method(n: ast.AST, *names: str) -> bool:
    """Whether a node calls one of these methods on what is no module."""
    return (
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr in names
        and (_root(n.func.value) not in MODULES or "self" == _root(n.func.value) != ast.unparse(n.func.value))
        and not any(isinstance(argument, ast.Starred) for argument in n.args)
    )


@operator
def method_to_torch(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`x.permute(0, 1)` -> `torch.permute(x, (0, 1))`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not _tensor_method(n, *TORCH_METHODS):
            return None
        name = n.func.attr  # type: ignore[attr-defined]
        tupled = name in SHAPES and not (len(n.args) == 1 and isinstance(n.args[0], ast.Tuple | ast.List))  # type: ignore[attr-defined]
        arguments = [ast.Tuple(n.args, ast.Load())] if tupled else n.args  # type: ignore[attr-defined]
        return ast.Call(ast.Attribute(load("torch"), name, ast.Load()), [n.func.value, *arguments], n.keywords)  # type: ignore[attr-defined]

    return rewrite(tree, change)


@operator
def torch_to_method(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`torch.exp(x)` -> `x.exp()`."""

    def change(n: ast.AST) -> ast.AST | None:
        if is_call(n, *(f"torch.{name}" for name in TORCH_METHODS)) and n.args:
            return ast.Call(ast.Attribute(n.args[0], n.func.attr, ast.Load()), n.args[1:], n.keywords)  # type: ignore[attr-defined]
        return None

    return rewrite(tree, change)


@operator
def matmul_operator(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`torch.matmul(a, b)`, `a.matmul(b)` -> `a @ b`."""

    def change(n: ast.AST) -> ast.AST | None:
        if is_call(n, "torch.matmul", "torch.bmm", "tf.matmul", "jnp.matmul", "np.matmul"):
            return ast.BinOp(n.args[0], ast.MatMult(), n.args[1]) if len(n.args) == 2 and not n.keywords else None
        if _tensor_method(n, "matmul", "bmm"):
            return ast.BinOp(n.func.value, ast.MatMult(), n.args[0]) if n.args else None  # type: ignore[attr-defined]
        return None

    return rewrite(tree, change)


@operator
def respell_shapes(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`view` -> `reshape`, `transpose` -> `swapaxes`, a permutation that exchanges two axes -> `transpose`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not _tensor_method(n, "view", "transpose", "permute"):
            return None
        name = n.func.attr  # type: ignore[attr-defined]
        if name == "permute":
            axes = [axis.value if isinstance(axis, ast.Constant) else None for axis in n.args]  # type: ignore[attr-defined]
            moved = [place for place, axis in enumerate(axes) if axis != place]
            if len(moved) != 2 or sorted(axes, key=str) != [*range(len(axes))]:
                return None
            n.args = [ast.Constant(axis) for axis in moved]  # type: ignore[attr-defined]
        n.func.attr = {"view": "reshape", "transpose": "swapaxes", "permute": "transpose"}[name]  # type: ignore[attr-defined]
        return n

    return rewrite(tree, change)


@operator
def unsqueeze_to_none(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`x.unsqueeze(1)` -> `x[:, None]`, `x.unsqueeze(-1)` -> `x[..., None]`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not (
            _tensor_method(n, "unsqueeze") and len(n.args) == 1 and ast.unparse(n.args[0]) in ("0", "1", "2", "-1")
        ):  # type: ignore[attr-defined]
            return None
        axis = int(ast.unparse(n.args[0]))  # type: ignore[attr-defined]
        items: list[ast.expr] = [ast.Constant(...)] if axis < 0 else [ast.Slice() for _ in range(axis)]
        index = ast.Tuple([*items, ast.Constant(None)], ast.Load()) if items else ast.Constant(None)
        return ast.Subscript(n.func.value, index, ast.Load())  # type: ignore[attr-defined]

    return rewrite(tree, change)


@operator
def respell_tensor_functions(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`torch.cat` -> `torch.concat`, `x.masked_fill(m, v)` -> `torch.where(m, v, x)`, `.contiguous()` dropped."""

    def change(n: ast.AST) -> ast.AST | None:
        if is_call(n, "torch.cat"):
            n.func.attr = "concat"  # type: ignore[attr-defined]
            return n
        if _tensor_method(n, "masked_fill") and len(n.args) == 2:  # type: ignore[attr-defined]
            return call("torch.where", *n.args, n.func.value)  # type: ignore[attr-defined]
        return n.func.value if _tensor_method(n, "contiguous") else None  # type: ignore[attr-defined]

    return rewrite(tree, change)


SIGNATURES = {
    "softmax": ("input", "dim"),
    "cat": ("tensors", "dim"),
    "dropout": ("input", "p", "training"),
    "stack": ("tensors", "dim"),
    "Linear": ("in_features", "out_features", "bias"),
    "Embedding": ("num_embeddings", "embedding_dim", "padding_idx"),
    "LayerNorm": ("normalized_shape", "eps"),
    "Dropout": ("p",),
    "Conv1d": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "Conv2d": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "matmul": ("input", "other"),
    "transpose": ("input", "dim0", "dim1"),
    "where": ("condition", "input", "other"),
    "full": ("size", "fill_value"),
    "clamp": ("input", "min", "max"),
}
"""Parameters of functions and classes of torch, in order."""


def _signature(n: ast.AST) -> tuple[str, ...]:
    if not isinstance(n, ast.Call) or not isinstance(n.func, ast.Attribute) or contains(n, ast.Starred):
        return ()
    return SIGNATURES.get(n.func.attr, ()) if ast.unparse(n.func.value) in ("torch", "nn", "nn.functional", "F") else ()


@operator
def keywords_to_positions(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    def change(n: ast.AST) -> ast.AST | None:
        names = _signature(n)
        if not isinstance(n, ast.Call) or not names or not n.keywords:
            return None
        given = {keyword.arg: keyword.value for keyword in n.keywords}
        moved = False
        while len(n.args) < len(names) and names[len(n.args)] in given:
            n.args.append(given.pop(names[len(n.args)]))
            moved = True
        n.keywords = [ast.keyword(name, value) for name, value in given.items()]
        return n if moved else None

    return rewrite(tree, change)


@operator
def positions_to_keywords(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    def change(n: ast.AST) -> ast.AST | None:
        names = _signature(n)
        if not isinstance(n, ast.Call) or not names or not n.args or len(n.args) > len(names):
            return None
        named = [ast.keyword(name, value) for name, value in zip(names, n.args, strict=False)]
        n.args, n.keywords = [], [*named, *n.keywords]
        return n

    return rewrite(tree, change)


# Values


@operator
def respell_constants(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`4` -> `2 * 2`, `0.5` -> `5 / 10`, `1e-06` -> `10 ** -6`."""

    def change(n: ast.AST) -> ast.AST | None:
        if not isinstance(n, ast.Constant) or type(n.value) not in (int, float) or not 0 < n.value < 1e9:
            return None
        if isinstance(n.value, int):
            if n.value < 4:
                return None
            by = next((d for d in range(2, 10) if n.value % d == 0 and n.value > d), 0)
            text = f"{by} * {n.value // by}" if by else f"{n.value - 1} + 1"
        else:
            _, digits, exponent = Decimal(repr(n.value)).as_tuple()
            number = int("".join(map(str, digits)))
            if not isinstance(exponent, int) or exponent >= 0 or n.value == int(n.value):
                return None
            text = f"10 ** {exponent}" if number == 1 else f"{number} / {10**-exponent}"
        return ast.parse(text, mode="eval").body

    return rewrite(tree, change)


@operator
def swap_operands(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`a + b` -> `b + a`, `a * b` -> `b * a`, but for strings and lists."""

    def change(n: ast.AST) -> ast.AST | None:
        if not (isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Mult)):
            return None
        ordered = (ast.List, ast.Tuple, ast.JoinedStr, ast.ListComp)
        if contains(n, *ordered) or any(_text(part) for part in ast.walk(n)):
            return None
        return ast.BinOp(n.right, n.op, n.left)

    return rewrite(tree, change)


@operator
def respell_arithmetic(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`x ** 2` -> `x * x`, `a / 8` -> `a * (1 / 8)`, `a - b` -> `a + -b`, `math.sqrt(x)` -> `x ** 0.5`."""

    def change(n: ast.AST) -> ast.AST | None:
        if is_call(n, "math.sqrt", "np.sqrt"):
            return ast.BinOp(n.args[0], ast.Pow(), ast.Constant(0.5))
        if not isinstance(n, ast.BinOp):
            return None
        if isinstance(n.op, ast.Pow) and ast.unparse(n.right) == "2":
            return ast.BinOp(n.left, ast.Mult(), copy.deepcopy(n.left))
        if isinstance(n.op, ast.Div):
            return ast.BinOp(n.left, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Div(), n.right))
        if isinstance(n.op, ast.Sub):
            return ast.BinOp(n.left, ast.Add(), ast.UnaryOp(ast.USub(), n.right))
        return None

    return rewrite(tree, change)


@operator
def respell_dictionaries(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """`{"a": x}` -> `dict(a=x)`, and the other way round."""

    def change(n: ast.AST) -> ast.AST | None:
        if isinstance(n, ast.Dict) and n.keys:
            if all(key and _text(key) and key.value.isidentifier() for key in n.keys):  # type: ignore[attr-defined]
                pairs = zip(n.keys, n.values, strict=True)
                return call("dict", **{key.value: value for key, value in pairs})  # type: ignore[union-attr]
        elif is_call(n, "dict") and n.keywords and not n.args and all(keyword.arg for keyword in n.keywords):
            return ast.Dict([ast.Constant(k.arg) for k in n.keywords], [k.value for k in n.keywords])
        return None

    return rewrite(tree, change)


# Functions


@operator
def lambda_to_def(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """A lambda that stands in no other one becomes a function defined before the statement."""

    def change(block: list[ast.stmt]) -> list[ast.stmt] | None:
        result: list[ast.stmt] = []
        for s in block:
            simple = isinstance(s, ast.Assign | ast.Return | ast.Expr) and not contains(s, ast.comprehension)
            for found in [n for n in ast.walk(s) if isinstance(n, ast.Lambda)][:1] if simple else []:
                name = fresh(tree, rng)
                result.append(Function(name, found.args, [ast.Return(found.body)], [], lineno=0))
                _replace(s, found, load(name))
            result.append(s)
        return result if len(result) > len(block) else None

    return rewrite_blocks(tree, change)


@operator
def def_to_lambda(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """An inner function that only returns something becomes a lambda."""

    def change(n: ast.AST) -> ast.AST | None:
        if not isinstance(n, Function) or hasattr(n, "in_question") or n.decorator_list or len(n.body) > 1:
            return None
        only = n.body[0]
        if not isinstance(only, ast.Return) or only.value is None:
            return None
        for argument in parameters(n):
            argument.annotation = None
        return assign(n.name, ast.Lambda(n.args, only.value))

    return rewrite(tree, change)


@operator
def inline_functions(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Calls of an inner function or lambda of one expression become that expression."""
    inner: dict[str, tuple[list[str], ast.expr]] = {}
    for n in ast.walk(function_of(tree)):
        if isinstance(n, Function) and len(n.body) == 1 and isinstance(n.body[0], ast.Return) and n.body[0].value:
            inner[n.name] = [argument.arg for argument in parameters(n)], n.body[0].value
        elif isinstance(n, ast.Assign) and stored_name(n) and isinstance(n.value, ast.Lambda):
            inner[stored_name(n) or ""] = [argument.arg for argument in parameters(n.value)], n.value.body

    def change(n: ast.AST) -> ast.AST | None:
        if not (is_call(n, *inner) and not n.keywords):
            return None
        names, body = inner[ast.unparse(n.func)]
        if len(names) != len(n.args):
            return None
        return substituted(copy.deepcopy(body), dict(zip(names, n.args, strict=True)))

    return rewrite(tree, change)


def _extract(tree: ast.Module, rng: random.Random) -> tuple[Function, Function] | None:
    """A run of statements of the function in question moves into a helper: (function, helper)."""
    function = function_of(tree)
    options = [
        (block, i, j) for _, _, block in blocks(function) for i in range(len(block)) for j in range(i + 2, i + 9)
    ]
    rng.shuffle(options)
    bad = (ast.Return, ast.Yield, ast.YieldFrom, ast.Await, ast.Break, ast.Continue, ast.Nonlocal, Function, ast.Global)
    for block, i, j in options:
        run = block[i:j]
        if j > len(block) or any(contains(s, *bad) for s in run) or "super()" in ast.unparse(run[0]):
            continue
        if any("super()" in ast.unparse(s) for s in run):
            continue
        local = {argument.arg for argument in parameters(function)} | writes(*function.body)
        outside = copy.copy(function)
        inputs = sorted(name for name in reads(*run) & local if name.isidentifier())
        made = {name for name in writes(*run) if name.isidentifier()}
        block[i:j] = []
        outputs = sorted(made & reads(*outside.body))
        if not outputs:
            block[i:i] = run
            continue
        name = fresh(tree, rng)
        result = ast.Tuple([load(o) for o in outputs], ast.Load()) if len(outputs) > 1 else load(outputs[0])
        targets = ast.parse(ast.unparse(result) + " = 0").body[0].targets  # type: ignore[attr-defined]
        block[i:i] = [ast.Assign(targets, call(name, *map(load, inputs)), lineno=0)]
        arguments = ast.arguments([], [ast.arg(name) for name in inputs], None, [], [], None, [])
        return function, Function(name, arguments, [*run, ast.Return(result)], [], lineno=0)
    return None


@operator
def extract_inner(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Some statements move into a function inside."""
    found = _extract(tree, rng)
    if found is None:
        return None
    found[0].body.insert(0, found[1])
    return tree


@operator
def extract_beside(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Some statements move into a function of the module."""
    found = _extract(tree, rng)
    if found is None:
        return None
    tree.body.append(found[1])
    return tree


@operator
def method_to_function(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """A method leaves its class; self is a parameter like others."""
    function = function_of(tree)
    holder = tree.body[0]
    if not isinstance(holder, ast.ClassDef) or "super()" in ast.unparse(function):
        return None
    if not parameters(function) or parameters(function)[0].arg != "self":
        return None
    tree.body[:1] = [function]
    for n in ast.walk(function):
        if isinstance(n, ast.Name) and n.id == "self":
            n.id = "module"
    parameters(function)[0].arg = "module"
    return tree


FILLER = "accelerate==1.1.1"
"""Package whose functions wrap others."""


@cache
def fillers() -> tuple[str, ...]:
    """Functions of the filler package without returns but at the end."""
    found = []
    for path in sorted(fetch(FILLER).rglob("*.py")):
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(n, Function) or contains(
                n, ast.Yield, ast.YieldFrom, ast.Await, ast.Nonlocal, ast.Global
            ):
                continue
            returns = sum(isinstance(part, ast.Return) for part in ast.walk(n))
            if 8 <= statements(n) <= 25 and returns <= isinstance(n.body[-1], ast.Return):
                found.append(ast.unparse(n))
    return tuple(found)


@operator
def wrap(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """The body stands in the middle of another package's function."""
    function = function_of(tree)
    returns = sum(isinstance(part, ast.Return) for part in ast.walk(function))
    if returns > isinstance(function.body[-1], ast.Return) or contains(function, ast.Yield):
        return None
    filler = ast.parse(rng.choice(fillers())).body[0]
    assert isinstance(filler, Function)
    own = {a.arg for a in parameters(function)} | writes(function)
    clashes = {a.arg for a in parameters(filler)} | {name for name in writes(filler) if name.isidentifier()}
    names = {name: fresh(tree, rng) for name in sorted(clashes & own)}
    for n in ast.walk(filler):
        if isinstance(n, ast.Name) and n.id in names:
            n.id = names[n.id]
        elif isinstance(n, ast.arg) and n.arg in names:
            n.arg = names[n.arg]
    rest = filler.body[:-1] if isinstance(filler.body[-1], ast.Return) else filler.body
    rest = rest[1:] if ast.get_docstring(filler) is not None else rest
    cut = rng.randrange(len(rest) + 1)
    last = [function.body.pop()] if returns else []
    function.body = [*rest[:cut], *function.body, *rest[cut:], *last]
    function.args.kwonlyargs += [a for a in filler.args.args if a.arg != "self"]
    function.args.kw_defaults += [ast.Constant(None) for a in filler.args.args if a.arg != "self"]
    return tree


# Composition

CORE = (
    "inline_temporaries",
    "swap_loops",
    "respell_strings",
    "reorder",
    "dead_statements",
    "merge_assignments",
    "rename",
    "reprint",
)
"""Composed in this order. Names come last, so that what the others introduce is renamed as well."""


def core(tree: ast.Module, rng: random.Random) -> ast.Module:
    """All core operators that apply, one after the other."""
    for name in CORE:
        tree = applied(name, tree, rng) or tree
    return tree


def composed(tree: ast.Module, count: int, rng: random.Random) -> tuple[ast.Module, tuple[str, ...]]:
    """`count` operators drawn without repetition, applied in the order of the draw, and their names; one that does not
    apply is drawn again. Fewer where no more apply."""
    done: list[str] = []
    for name in rng.sample(sorted(OPERATORS), len(OPERATORS)):
        result = applied(name, tree, rng) if len(done) < count and name != "reprint" else None
        if result is not None:
            tree = result
            done.append(name)
    return tree, tuple(done)
