"""C, C++ and CUDA text -> flat syntax arrays and definitions (tree-sitter; the CUDA grammar covers the other two).

Nothing is preprocessed: both branches of an `#if` are read, macros are calls or names, and what a macro hides from the
grammar is recovered from as well as tree-sitter can.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from functools import cache

import tree_sitter_cuda
from tree_sitter import Language, Parser, Tree

from codeclone.model import FragmentKind, Location, Skipped, Span
from codeclone.parse.syntax import DROP, LEAF, RECORD, THROUGH, Plan, Syntax, flatten, named_kinds
from codeclone.parse.units import MAX_NAME, MAX_UNITS, Unit, line_starts

MAX_DAMAGE = 0.25
"""A definition with a larger share of its bytes in syntax errors is left out."""

MAX_ERRORS = 10_000
"""Errors of one file that are looked at."""

LANGUAGE = Language(tree_sitter_cuda.language())

KIND = named_kinds(LANGUAGE)
"""Name of a named node -> its kind id (the smallest, where a name has several)."""

_TOKEN = {
    LANGUAGE.node_kind_for_id(i): i
    for i in reversed(range(LANGUAGE.node_kind_count))
    if LANGUAGE.node_kind_is_visible(i) and not LANGUAGE.node_kind_is_named(i)
}
KEPT_TOKENS = frozenset(
    """
+ - * / % & | ^ && || ! ~ == != < > <= >= << >> = += -= *= /= %= &= |= ^= <<= >>= ++ -- ->* and or not xor
__global__ __shared__ __constant__
""".split()
)

_LOOKED_THROUGH = frozenset(
    """
parenthesized_expression template_declaration namespace_definition declaration_list linkage_specification preproc_if
preproc_ifdef preproc_else preproc_elif preproc_elifdef extension_expression attributed_statement export_declaration
""".split()
)
_LEAVES = frozenset(
    """
identifier field_identifier type_identifier namespace_identifier primitive_type sized_type_specifier number_literal
string_literal char_literal raw_string_literal true false null this operator_name destructor_name
""".split()
)
_DROPPED = frozenset(
    """
comment preproc_include preproc_def preproc_function_def preproc_call preproc_directive preproc_arg preproc_defined
using_declaration namespace_alias_definition alias_declaration type_definition friend_declaration template_instantiation
access_specifier attribute_specifier attribute_declaration ms_declspec_modifier ms_based_modifier ms_call_modifier
ms_pointer_modifier storage_class_specifier type_qualifier virtual_specifier literal_suffix template_parameter_list
template_argument_list requires_clause launch_bounds static_assert_declaration trailing_return_type parameter_list
enumerator_list explicit_function_specifier noexcept throw_specifier lambda_capture_specifier lambda_declarator
alignas_qualifier nested_namespace_specifier statement_identifier placeholder_type_specifier decltype auto ref_qualifier
default_method_clause delete_method_clause pure_virtual_clause bitfield_clause gnu_asm_qualifier
""".split()
)


def _plan() -> Plan:
    actions, canonical = [], []
    for i in range(LANGUAGE.node_kind_count):
        name = LANGUAGE.node_kind_for_id(i) or ""
        action = DROP
        if LANGUAGE.node_kind_is_visible(i):
            if not LANGUAGE.node_kind_is_named(i):
                action = LEAF if name in KEPT_TOKENS else DROP
            elif name not in _DROPPED:
                action = THROUGH if name in _LOOKED_THROUGH else LEAF if name in _LEAVES else RECORD
        actions.append(action)
        canonical.append((KIND if LANGUAGE.node_kind_is_named(i) else _TOKEN).get(name, i))
    return Plan(actions, canonical, KIND["this"])


_PLAN = _plan()
FUNCTION = KIND["function_definition"]
CLASSES = frozenset((KIND["class_specifier"], KIND["struct_specifier"], KIND["union_specifier"]))
_FIELDS, _DECLARATOR, _BODY = KIND["field_declaration_list"], KIND["function_declarator"], KIND["compound_statement"]
_CALL, _IDENTIFIER, _QUALIFIED = KIND["call_expression"], KIND["identifier"], KIND["qualified_identifier"]
_TRY = KIND["try_statement"]
_NAMES = frozenset(
    KIND[name]
    for name in "identifier field_identifier qualified_identifier operator_name destructor_name type_identifier "
    "template_function template_type operator_cast".split()
)


@cache
def _parser() -> Parser:
    return Parser(LANGUAGE)


def parse(source: bytes, path: str) -> Syntax:
    """Parse UTF-8 text. Never raises on damaged input: what does not parse is in `skipped`, and left out of `units`."""
    tree = _parser().parse(source)
    skipped: list[Skipped] = []
    errors = _errors(tree)
    starts = line_starts(source)
    if errors:
        lines = [bisect_right(starts, at) for at in (errors[0][0], errors[-1][0])]
        count = "1 place that does" if len(errors) == 1 else f"{len(errors):,} places that do"
        skipped.append(
            Skipped(Location(path, Span(*lines)), f"{count} not parse as C++ or CUDA: read as far as possible")
        )
    syntax = flatten(tree, source, _PLAN, path, skipped)
    return replace(syntax, skipped=(*syntax.skipped, *_damaged(syntax, errors, starts, path)))


def _errors(tree: Tree) -> list[tuple[int, int]]:
    """(start, end) of each syntax error, in order; at most `MAX_ERRORS`."""
    found: list[tuple[int, int]] = []
    stack = [tree.root_node]
    while stack and len(found) < MAX_ERRORS:
        node = stack.pop()
        if node.is_error or node.is_missing:
            found.append((node.start_byte, max(node.end_byte, node.start_byte + 1)))
        elif node.has_error:
            stack.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return found


_DAMAGED = "too damaged to be read: most of it does not parse as C++ or CUDA"


def _damaged(syntax: Syntax, errors: list[tuple[int, int]], starts: list[int], path: str) -> list[Skipped]:
    """Functions that are mostly error. `starts`: where each line starts."""
    found = []
    first_bytes = [start for start, _ in errors]
    for node, kind in enumerate(syntax.kind if errors else ()):
        if kind == FUNCTION:
            first, last = syntax.start[node], syntax.end[node]
            inside = errors[bisect_right(first_bytes, first - 1) : bisect_right(first_bytes, last)]
            if sum(min(end, last) - start for start, end in inside) > MAX_DAMAGE * (last - first):
                lines = [bisect_right(starts, at) for at in (first, max(first, last - 1))]
                found.append(Skipped(Location(path, Span(*lines)), _DAMAGED))
    return found


def units(syntax: Syntax, starts: list[int]) -> list[Unit]:
    """All definitions in source order; the translation unit is the first, without what is defined in it."""
    damaged = {
        (skip.location.span.first, skip.location.span.last)
        for skip in syntax.skipped
        if skip.reason == _DAMAGED and skip.location.span
    }
    end_of_text = len(syntax.source.rstrip())
    found = [Unit("module", "<module>", 0, 0, -1, 1, max(1, bisect_right(starts, max(0, end_of_text - 1))))]
    open_units = [(0, len(syntax.kind))]
    for node, kind in enumerate(syntax.kind):
        if kind != FUNCTION and kind not in CLASSES:
            continue
        name = _name(syntax, node)
        if name is None:
            continue
        if len(found) > MAX_UNITS:
            break
        while node >= open_units[-1][1]:
            open_units.pop()
        first = bisect_right(starts, syntax.start[node])
        last = bisect_right(starts, max(syntax.start[node], syntax.end[node] - 1))
        parent = open_units[-1][0]
        # C++ has no function in a function: what looks like one is a macro that stands for a loop.
        if kind == FUNCTION and ((first, last) in damaged or found[parent].kind == "function"):
            continue
        qualname = name if parent == 0 else f"{found[parent].qualname}.{name}"
        unit_kind: FragmentKind = "function" if kind == FUNCTION else "class"
        found.append(Unit(unit_kind, qualname[: 2 * MAX_NAME], node, node, parent, first, last))
        open_units.append((len(found) - 1, syntax.next[node]))
    return found


_TEMPLATE = re.compile(rb"<[^<>]*>")


def _name(syntax: Syntax, node: int) -> str | None:
    """The name of a definition with a body; None for what only declares."""
    children = syntax.children(node)
    if syntax.kind[node] != FUNCTION:
        if not any(syntax.kind[child] == _FIELDS for child in children):
            return None
        names = [child for child in children if syntax.kind[child] in _NAMES]
        return _words(syntax, names[0]) if names else "<anonymous>"
    if not any(syntax.kind[child] in (_BODY, _TRY) for child in children):
        return None
    for child in range(node + 1, syntax.next[node]):
        if syntax.kind[child] == _DECLARATOR:
            names = [inner for inner in range(child + 1, syntax.next[child]) if syntax.kind[inner] in _NAMES]
            return _words(syntax, names[0]) if names else "<anonymous>"
        if syntax.kind[child] == _BODY:
            break
    names = [child for child in children if syntax.kind[child] in _NAMES]
    return _words(syntax, names[-1]) if names else "<anonymous>"


def _words(syntax: Syntax, node: int) -> str:
    # Behind a macro the grammar does not know, the type stands before the name.
    text = _TEMPLATE.sub(b"", syntax.text(node)[:MAX_NAME]).replace(b" ::", b"::").replace(b":: ", b"::")
    last = (text.split() or [b""])[-1]
    return ".".join(last.decode("utf-8", "replace").split("::")).strip(".") or "<anonymous>"


def calls(syntax: Syntax, found: list[Unit]) -> list[tuple[int, ...]]:
    """Which of a file's definitions each of them calls by its plain name: indices, ascending."""
    functions = {unit.qualname.rpartition(".")[2]: index for index, unit in enumerate(found) if unit.kind == "function"}
    starts = {unit.node: index for index, unit in enumerate(found[1:], 1)}
    uses: list[set[int]] = [set() for _ in found]
    bound = [(0, len(syntax.kind))]
    for node, kind in enumerate(syntax.kind):
        while node >= bound[-1][1]:
            bound.pop()
        if node in starts:
            bound.append((starts[node], syntax.next[node]))
        if kind == _CALL and syntax.next[node] > node + 1 and syntax.kind[node + 1] == _IDENTIFIER:
            used = functions.get(syntax.text(node + 1).decode("utf-8", "replace"))
            if used is not None and used != bound[-1][0]:
                uses[bound[-1][0]].add(used)
    return [tuple(sorted(used)) for used in uses]
