"""C, C++ and CUDA definitions -> value graphs: syntax nodes without the programmer's names, and runs of tokens.

Unlike the lowering of Python this one does not follow a value through its variable: a variable is a name without a name.
What it takes away is naming, types, casts, brackets, the order of commutative operands, and a few spellings (`i++` is
`i += 1` is `i = i + 1`, `*p` is `p[0]`, `a > b` is `b < a`). Beside the syntax nodes stand the tokens as a chain in which
each element is two tokens long and leads to the next two, so that a fact of depth 3 is a run of eight.
"""

from __future__ import annotations

from codeclone.parse.graph import ANY_ORDER, GraphBuilder, TooMuchWork, child_of, edge
from codeclone.parse.kernels import FUNCTION, KEPT_TOKENS, KIND, LANGUAGE
from codeclone.parse.lowering import MAX_KEPT_STRING, MAX_OPERANDS
from codeclone.parse.names import DATA
from codeclone.parse.syntax import Syntax
from codeclone.parse.units import Unit

KEPT = frozenset(
    word
    for line in (DATA / "kernel_names.txt").read_bytes().splitlines()
    if not line.startswith(b"#")
    for word in line.split()
)
"""Names of libraries and of the language's runtime."""

NAME, TYPE, TEXT = b"<name>", b"<type>", b"<str>"

_PLAIN = {NAME: b"name", TEXT: b"text"}

_COMMUTATIVE = frozenset((b"+", b"*", b"&", b"|", b"^", b"&&", b"||", b"==", b"!="))
_CHAINS = frozenset((b"+", b"*", b"&&", b"||"))
_TURNED = {b">": b"<", b">=": b"<="}
_WORDS = {b"and": b"&&", b"or": b"||", b"not": b"!", b"xor": b"^"}
_COMPONENTS = frozenset((b"x", b"y", b"z", b"w"))
_CASTS = frozenset((b"static_cast", b"reinterpret_cast", b"const_cast", b"dynamic_cast", b"__builtin_expect"))

_OPERATOR = {
    i: (LANGUAGE.node_kind_for_id(i) or "").encode()
    for i in range(LANGUAGE.node_kind_count)
    if not LANGUAGE.node_kind_is_named(i) and LANGUAGE.node_kind_for_id(i) in KEPT_TOKENS
}


def _ids(names: str) -> frozenset[int]:
    return frozenset(KIND[name] for name in names.split())


_NAMES = _ids("identifier field_identifier destructor_name operator_name")
_TYPES = _ids("type_identifier primitive_type sized_type_specifier")
_STRINGS = _ids("string_literal raw_string_literal")
_LITERALS = {KIND["true"]: b"=1", KIND["false"]: b"=0", KIND["null"]: b"=0", KIND["this"]: b"this"}
_NUMBER, _CHARACTER, _NAMESPACE = KIND["number_literal"], KIND["char_literal"], KIND["namespace_identifier"]
_SPLICED = _ids(
    "argument_list subscript_argument_list condition_clause init_statement expression_statement pointer_declarator "
    "reference_declarator parenthesized_declarator attributed_declarator type_descriptor comma_expression "
    "translation_unit field_declaration_list base_class_clause dependent_type lambda_default_capture else_clause "
    "abstract_pointer_declarator abstract_reference_declarator declaration field_declaration variadic_declarator "
    "parameter_pack_expansion abstract_function_declarator abstract_array_declarator kernel_call_syntax "
    "dependent_name function_declarator init_declarator field_initializer_list"
)
_LAST = _ids("qualified_identifier cast_expression")
_FIRST = _ids("template_function template_method template_type")
_BLOCK, _IF, _ELSE, _FOR, _RANGE = (
    KIND["compound_statement"], KIND["if_statement"], KIND["else_clause"], KIND["for_statement"], KIND["for_range_loop"],
)  # fmt: skip
_WHILE, _DO, _CASE, _SWITCH = (
    KIND["while_statement"], KIND["do_statement"], KIND["case_statement"], KIND["switch_statement"],
)  # fmt: skip
_BINARY, _ASSIGN, _UPDATE = KIND["binary_expression"], KIND["assignment_expression"], KIND["update_expression"]
_UNARY = _ids("unary_expression pointer_expression")
_SUBSCRIPT, _FIELD, _CALL = KIND["subscript_expression"], KIND["field_expression"], KIND["call_expression"]
_PHI, _LAUNCH, _INIT = KIND["conditional_expression"], KIND["kernel_call_syntax"], KIND["init_declarator"]
_ARRAY, _DECLARATIONS, _LAMBDA = (
    KIND["array_declarator"],
    _ids("declaration field_declaration"),
    KIND["lambda_expression"],
)
_FIELD_NAME = KIND["field_identifier"]
_ARGUMENTS, _CONCATENATED = KIND["argument_list"], KIND["concatenated_string"]
_SILENT = _ids("break_statement continue_statement goto_statement enum_specifier")
_MARKS = {
    KIND[name]: mark
    for name, mark in (
        ("if_statement", b"if"), ("else_clause", b"else"), ("for_statement", b"for"), ("while_statement", b"for"),
        ("for_range_loop", b"for"), ("do_statement", b"do"), ("return_statement", b"return"), ("call_expression", b"call"),
        ("subscript_expression", b"at"), ("conditional_expression", b"?"), ("case_statement", b"case"),
        ("switch_statement", b"switch"), ("init_declarator", b"="), ("field_expression", b"."),
        ("kernel_call_syntax", b"<<<"), ("break_statement", b"break"), ("continue_statement", b"continue"),
        ("lambda_expression", b"lambda"), ("throw_statement", b"throw"), ("initializer_list", b"{"),
    )
}  # fmt: skip
"""What stands in the chain of tokens for the words and brackets of a construct."""


def lower(graph: GraphBuilder, syntax: Syntax, units: list[Unit]) -> list[Unit]:
    """Add the graph of every unit, one fragment each, in the order of `units`, each without the units inside it. Returns
    those that are too much work to be lowered as a whole; they have the facts that were found until then."""
    unfinished: list[Unit] = []
    outer = {unit.node for unit in units[1:]}
    for place, unit in enumerate(units):
        last = syntax.next[unit.node] if place and syntax.kind else len(syntax.kind)
        graph.begin_fragment(last - unit.node)
        first_root = graph.roots
        try:
            _Unit(graph, syntax).run(unit.node, last, outer)
        except (TooMuchWork, IndexError):
            unfinished.append(unit)
        graph.same_when_cut_out(first_root)
    return unfinished


class _Unit:
    """The state of lowering one unit."""

    def __init__(self, graph: GraphBuilder, syntax: Syntax) -> None:
        self.graph, self.syntax = graph, syntax
        self.kind, self.next, self.start = syntax.kind, syntax.next, syntax.start
        self.made: dict[int, tuple[int, ...]] = {}
        """Values of each syntax node; a list or a block has several, a declaration none."""
        self.tokens: list[tuple[bytes, int]] = []
        self.shown: set[int] = set()
        """Nodes of names that are called, or stand behind `::`: there a plain word can be a library's."""

    def run(self, first: int, last: int, outer: set[int]) -> None:
        """Lower the nodes from `first` to `last`, exclusive, but for those of the units that begin at `outer`."""
        open_nodes: list[int] = []
        node = first
        while node < last:
            while open_nodes and self.next[open_nodes[-1]] <= node:
                self._close(open_nodes.pop())
            if node in outer and node != first:
                self.made[node] = ()
                node = self.next[node]
                continue
            open_nodes.append(node)
            self._show(node)
            self._token(node)
            node += 1
        while open_nodes:
            top = open_nodes.pop()
            self._close(top)
        for value in self.made.get(first, ()):
            self.graph.root(value)
        self._chain()

    def _show(self, node: int) -> None:
        """A name is shown where its place says that it can be a library's."""
        kind, shown = self.kind[node], self.shown
        if kind == _CALL or (kind in _FIRST and node in shown):
            shown.add(node + 1)
        elif kind in _LAST:
            shown.update(self.syntax.children(node))
        elif kind == _FIELD and node in shown:
            shown.add(self.syntax.children(node)[-1])

    def _library(self, node: int, text: bytes) -> bool:
        """A plain word such as `data` is a library's where it is called or qualified, any other listed name everywhere."""
        return text in KEPT and (node in self.shown or not (text.isalpha() and text.islower()))

    # Tokens

    def _token(self, node: int) -> None:
        kind = self.kind[node]
        mark = _MARKS.get(kind)
        if mark is None and self.next[node] == node + 1:
            mark = self._leaf(node, kind)
            if mark == TYPE:
                return
        if mark:
            self.tokens.append((_PLAIN.get(mark, mark.removeprefix(b"=") or mark), self.start[node]))

    def _chain(self) -> None:
        graph, slot = self.graph, self.graph.positions[0]
        following = [-1, -1]
        for place in range(len(self.tokens) - 2, -1, -1):
            (one, at), (other, _) = self.tokens[place], self.tokens[place + 1]
            edges = (slot | following[1],) if following[1] >= 0 else ()
            following = [graph.node(graph.label(b"\xc2\xb7%s %s" % (one, other)), edges, at), following[0]]
        for value in following:
            if value >= 0:
                graph.root(value)

    # Syntax

    def _leaf(self, node: int, kind: int) -> bytes:
        """The label of a node without children; empty for what says nothing."""
        operator = _OPERATOR.get(kind)
        if operator is not None:
            return _WORDS.get(operator, operator)
        if kind in _LITERALS:
            return _LITERALS[kind]
        text = self.syntax.text(node)
        if kind in _NAMES:
            return text if self._library(node, text) else NAME
        if kind in _TYPES:
            return text if text in KEPT else TYPE
        if kind == _NUMBER:
            return b"=" + _number(text)
        if kind in _STRINGS:
            inner = text[text.find(b'"') + 1 : -1]
            return b"'" + inner if len(inner) <= MAX_KEPT_STRING else TEXT
        if kind == _CHARACTER:
            return b"'" + text[1:-1]
        return b""

    def _make(self, label: bytes, operands: tuple[int, ...], at: int) -> tuple[int, ...]:
        slots = self.graph.positions
        if len(operands) > len(slots):
            slots = slots + slots[-1:] * (len(operands) - len(slots))
        edges = tuple([slot | child for slot, child in zip(slots, operands, strict=False)])
        return (self.graph.node(self.graph.label(label), edges, at),)

    def _any_order(self, label: bytes, operands: tuple[int, ...], at: int) -> tuple[int, ...]:
        number = self.graph.label(label)
        flat: list[int] = []
        for operand in operands:
            nested = label in _CHAINS and self.graph.labels[operand] == number
            flat.extend(map(child_of, self.graph.edges[operand]) if nested else (operand,))
        chosen = flat if len(flat) <= MAX_OPERANDS else list(operands)
        edges = tuple(edge(child, ANY_ORDER) for child in sorted(chosen))
        return (self.graph.node(number, edges, at),)

    def _operator(self, label: bytes, operands: tuple[int, ...], at: int) -> tuple[int, ...]:
        if label in _TURNED and len(operands) == 2:
            label, operands = _TURNED[label], operands[::-1]
        make = self._any_order if label in _COMMUTATIVE and len(operands) > 1 else self._make
        return make(label, operands, at)

    def _values(self, nodes: list[int]) -> tuple[int, ...]:
        return tuple([value for node in nodes for value in self.made.get(node, ())])

    def _close(self, node: int) -> None:
        """What a node is made of is known: now the node itself."""
        kind, at = self.kind[node], self.start[node]
        if self.next[node] == node + 1:
            label = self._leaf(node, kind)
            known = label and (kind not in _TYPES or label != TYPE) and kind not in _OPERATOR
            self.made[node] = self._make(label, (), at) if known else ()
            if kind in _OPERATOR and label.startswith(b"__"):
                self.made[node] = self._make(label, (), at)
            return
        children = self.syntax.children(node)
        self.made[node] = self._composed(node, kind, children, at)
        for child in children:
            if self.kind[child] != _BLOCK:
                self.made.pop(child, None)

    def _composed(self, node: int, kind: int, children: list[int], at: int) -> tuple[int, ...]:
        if kind in (_BINARY, _ASSIGN, _UPDATE) or kind in _UNARY:
            return self._operation(kind, children, at)
        if kind == _INIT and len(children) > 1:
            return self._make(b"<set>", self._values(children), at)
        if kind in _DECLARATIONS:
            return self._declaration(children, at)
        if kind in _SPLICED:
            return self._values(children)
        if kind in _LAST:
            return self.made.get(children[-1], ())
        if kind in _FIRST:
            return self.made.get(children[0], ())
        if kind == _CALL:
            return self._call(children, at)
        if kind == _SUBSCRIPT:
            return self._make(b"<[]>", self._values(children), at)
        if kind == _FIELD:
            return self._make(
                b"." + self._last_name(children[-1]), self._pointed_to(self.made.get(children[0], ())), at
            )
        if kind == _PHI:
            return self._make(b"<phi>", self._values(children), at)
        if kind in (_IF, _FOR, _RANGE, _WHILE, _DO, _SWITCH, _CASE):
            return self._statement(kind, children, at)
        if kind == _BLOCK:
            return self._values(children)
        if kind == FUNCTION:
            return self._function(children, at)
        if kind == _LAMBDA:
            for value in self._values(children):
                self.graph.root(value)
            return self._make(b"<lambda>", (), at)
        if kind == _CONCATENATED:
            return self._make(TEXT, (), at)
        if kind in _SILENT:
            return ()
        name = (LANGUAGE.node_kind_for_id(kind) or "").removesuffix("_statement").removesuffix("_expression")
        return self._make(b"<%s>" % name.encode(), self._values(children), at)

    def _operation(self, kind: int, children: list[int], at: int) -> tuple[int, ...]:
        operators = [child for child in children if self.kind[child] in _OPERATOR]
        operands = self._values([child for child in children if self.kind[child] not in _OPERATOR])
        if not operators or not operands:
            return operands
        label = self._leaf(operators[0], self.kind[operators[0]])
        if kind == _ASSIGN:
            if label != b"=" and len(operands) == 2:
                operands = (operands[0], *self._operator(label[:-1], operands, at))
            return self._make(b"<set>", operands, at)
        if kind == _UPDATE:
            one = self._make(b"=1", (), at)
            return self._make(b"<set>", (operands[0], *self._operator(label[:1], (operands[0], *one), at)), at)
        if kind == _BINARY:
            return self._operator(label, operands, at)
        if label == b"*":
            return self._make(b"<[]>", (operands[0], *self._make(b"=0", (), at)), at)
        if label == b"&" and self.graph.label_names[self.graph.labels[operands[0]]] == b"<[]>":
            return self._operator(b"+", tuple(map(child_of, self.graph.edges[operands[0]])), at)
        return self._make(b"u" + label, operands, at)

    def _declaration(self, children: list[int], at: int) -> tuple[int, ...]:
        """Values that are set; names that are only declared say nothing, but with a library's type or an array's size."""
        made = self._values(children)
        plain = self.graph.label_ids.get(NAME, -1)
        told = tuple([value for value in made if self.graph.labels[value] != plain])
        types = tuple([value for value in told if not self.graph.edges[value]])
        others = tuple([value for value in told if self.graph.edges[value]])
        if not types:
            return others
        return self._make(b"<declare>", told, at) if not others else tuple(
            [self._make(b"<declare>", (*types, value), at)[0] for value in others]
        )  # fmt: skip

    def _pointed_to(self, receiver: tuple[int, ...]) -> tuple[int, ...]:
        """`(*p).x` and `p[0].x` are `p->x`."""
        names, labels, edges = self.graph.label_names, self.graph.labels, self.graph.edges
        if len(receiver) == 1 and names[labels[receiver[0]]] == b"<[]>" and len(edges[receiver[0]]) == 2:
            pointer, place = map(child_of, edges[receiver[0]])
            if names[labels[place]] == b"=0":
                return (pointer,)
        return receiver

    def _last_name(self, node: int) -> bytes:
        """The library's name that a field, method or function is called by; empty for the programmer's own."""
        while self.next[node] > node + 1:
            inner = self.syntax.children(node)
            node = inner[0] if self.kind[node] in _FIRST else inner[-1]
        text = self.syntax.text(node)
        return text if self._library(node, text) or (text in _COMPONENTS and self.kind[node] == _FIELD_NAME) else b""

    def _call(self, children: list[int], at: int) -> tuple[int, ...]:
        function, arguments = children[0], self._values([c for c in children[1:] if self.kind[c] == _ARGUMENTS])
        launch = [child for child in children if self.kind[child] == _LAUNCH]
        if launch:
            return self._make(b"<launch>", (*arguments, *self._values(launch)), at)
        cast = self.kind[function] in _TYPES or self.syntax.text(function).partition(b"<")[0].strip() in _CASTS
        if cast and len(arguments) == 1:
            return arguments
        name = self._last_name(function)
        if self.kind[function] == _FIELD:
            value = self.made.get(function, ())
            receiver = tuple(map(child_of, self.graph.edges[value[0]])) if value else ()
            return self._make(b"." + (name or b"own"), (*receiver, *arguments), at)
        if name or self.next[function] == function + 1 or self.kind[function] in (*_FIRST, *_LAST):
            return self._make(name or b"<own>", arguments, at)
        return self._make(b"<apply>", (*self.made.get(function, ()), *arguments), at)

    def _statement(self, kind: int, children: list[int], at: int) -> tuple[int, ...]:
        """A condition or loop: itself with its head, and each statement of its body under that head."""
        if kind == _DO:
            head, body = children[-1:], children[:-1]
        elif kind == _FOR:
            head, body = children[:-1], children[-1:]
        elif kind == _RANGE:
            head, body = children[-2:-1], children[-1:]
        else:
            head, body = children[:1], children[1:]
        label = {_IF: b"<if>", _CASE: b"<case>", _SWITCH: b"<switch>"}.get(kind, b"<for>")
        over = self._make(label, self._values(head), at)
        made = list(over)
        for part in body:
            inside = b"<else>" if self.kind[part] == _ELSE else b"<in>"
            made += [self._make(inside, (*over, value), at)[0] for value in self.made.get(part, ())]
        for value in made:
            self.graph.root(value)
        # What is inside is told already; around it only the head counts.
        return over

    def _function(self, children: list[int], at: int) -> tuple[int, ...]:
        made: tuple[int, ...] = self._make(b"<function>", (), at)
        for child in children:
            if self.kind[child] in _OPERATOR or self.kind[child] == _BLOCK:
                made += self.made.get(child, ())
        return made


def _number(text: bytes) -> bytes:
    """A number by value: `0x10` is 16, `1.0f` is 1.0, `10'000UL` is 10000."""
    plain = text.replace(b"'", b"").lower()
    digits = plain.rstrip(b"ulz")
    try:
        if digits.startswith(b"0x") and b"p" not in digits and b"." not in digits:
            return b"%d" % int(digits, 16)
        if digits.startswith(b"0b"):
            return b"%d" % int(digits, 2)
        if digits.isdigit():
            return b"%d" % int(digits, 8 if digits.startswith(b"0") and len(digits) > 1 else 10)
        return repr(float(plain.rstrip(b"flh"))).encode()
    except (ValueError, OverflowError):
        return plain[:MAX_KEPT_STRING]
