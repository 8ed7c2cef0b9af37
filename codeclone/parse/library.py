"""Calls of well-known libraries in one form each, whichever of their many spellings is used.

Names that mean the same are listed in data/spellings.txt, parameters and their defaults in data/signatures.txt, and
layers that do nothing but call a function in data/modules.txt. What takes more than a table has a rule here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from codeclone.parse import algebra, sequences
from codeclone.parse.graph import edge
from codeclone.parse.lowering import Lowering
from codeclone.parse.names import DATA, spellings

Keywords = Sequence[tuple[bytes, int]]
Rule = Callable[[Lowering, list[int], dict[bytes, int], int], int | None]
"""(lowering, operands, keywords, where) -> the value, or None where the rule does not apply."""

MAX_PATTERN = 200
"""Characters of an einsum or einops pattern that is read."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters of a function in order; the first is what it works on."""

    names: tuple[bytes | None, ...]
    """None for a place that has several meanings."""
    defaults: dict[bytes, bytes]
    """Parameter -> label of its default."""


@cache
def signatures() -> dict[bytes, Signature]:
    """Label of a function or layer -> its parameters."""
    spelled = spellings()
    found: dict[bytes, Signature] = {}
    for line in (DATA / "signatures.txt").read_bytes().splitlines():
        if line.startswith(b"#"):
            continue
        name, *parts = line.split()
        names: list[bytes | None] = []
        defaults: dict[bytes, bytes] = {}
        positional = True
        for part in parts:
            parameter, _, default = part.partition(b"=")
            if parameter == b"*":
                positional = False
                continue
            parameter = spelled.get(b"=" + parameter, b"=" + parameter)[1:]
            if positional:
                names.append(None if parameter == b"-" else parameter)
            if default:
                defaults[parameter] = _label(default)
        found.setdefault(spelled.get(name, name), Signature(tuple(names), defaults))
    return found


def _label(text: bytes) -> bytes:
    """The label of a literal."""
    if text[:1] in b"'\"":
        return b"'" + text[1:-1]
    try:
        return b"=" + algebra.spelled(int(text))
    except ValueError:
        pass
    try:
        return b"=" + algebra.spelled(float(text))
    except ValueError:
        return text


@cache
def modules() -> dict[bytes, bytes]:
    """Constructor of a layer without parameters of its own -> the function that calling it calls."""
    lines = (DATA / "modules.txt").read_bytes().splitlines()
    return dict(tuple(line.split()) for line in lines if not line.startswith(b"#"))  # type: ignore[misc]


def call(s: Lowering, name: bytes, operands: list[int], keywords: Keywords, starred: Sequence[int], at: int) -> int:
    """A call of a library's function or method, what it works on first among the operands.

    `starred`: values that stand for any number of arguments.
    """
    name = s.spellings.get(name, name)
    aliases = s.spellings if name != b"dict" else {}
    named = {aliases.get(b"=" + keyword, b"=" + keyword)[1:]: value for keyword, value in keywords}
    if not starred:
        rule = RULES.get(name)
        if rule is not None:
            value = rule(s, operands, named, at)
            if value is not None:
                return value
    if name in SPREAD and operands:
        operands = [*operands[:1], *_spread(s, operands[1:])] if name not in MAKERS else _spread(s, operands)
    return _generic(s, name, operands, named, starred, at)


def _generic(
    s: Lowering, name: bytes, operands: Sequence[int], named: dict[bytes, int], starred: Sequence[int], at: int
) -> int:
    slots, last = s.slots, len(s.slots) - 1
    known = SIGNATURES.get(name)
    edges: list[int] = []
    if known is None:
        edges = [slots[min(place, last)] | operand for place, operand in enumerate(operands)]
        edges += sorted([s.keyword(keyword, value) for keyword, value in named.items()])
    else:
        names, layer = known.names, name[:1].isupper()
        if not layer and names and names[0] in named and not operands:
            operands, named = [named[names[0]]], {k: v for k, v in named.items() if k != names[0]}
        arguments = dict(named)
        for place, operand in enumerate(operands):
            parameter = names[place] if place < len(names) else None
            if parameter is None or (place == 0 and not layer) or parameter in arguments:
                edges.append(slots[min(place, last)] | operand)
            else:
                arguments[parameter] = operand
        defaults = known.defaults
        edges += sorted(
            [
                s.keyword(parameter, _single(s, value))
                for parameter, value in arguments.items()
                if parameter not in defaults or s.label_of(value) != defaults[parameter]
            ]
        )
    edges += [edge(value, s.graph.slot(b"*")) for value in starred]
    return s.graph.node(s.graph.label(name), tuple(edges), at)


def _single(s: Lowering, value: int) -> int:
    """`dim=(1,)` is `dim=1`."""
    if s.is_label(value, b"<tuple>") or s.is_label(value, b"<list>"):
        operands = s.operands(value)
        if len(operands) == 1:
            return operands[0]
    return value


def _spread(s: Lowering, operands: list[int]) -> list[int]:
    """`f((a, b))` is `f(a, b)`."""
    if len(operands) == 1 and (s.is_label(operands[0], b"<tuple>") or s.is_label(operands[0], b"<list>")):
        return s.operands(operands[0])
    return operands


CONSTANTS = {b"inf": b"=inf", b"nan": b"=nan", b"pi": b"=3.141592653589793", b"newaxis": b"None"}
"""Name of a library's constant -> the label of what it is."""

SPREAD = frozenset(
    b"reshape transpose expand repeat zeros ones empty rand randn tile new_zeros new_ones new_empty flip".split()
)
"""Functions that take their sizes or dimensions one by one or as one tuple."""

MAKERS = frozenset(b"zeros ones empty rand randn".split())
"""Those of them that work on nothing else."""

DTYPES = {
    b"float": b"float32",
    b"half": b"float16",
    b"double": b"float64",
    b"long": b"int64",
    b"int": b"int32",
    b"short": b"int16",
    b"bfloat16": b"bfloat16",
    b"bool": b"bool",
    b"float32": b"float32",
    b"float16": b"float16",
    b"float64": b"float64",
    b"int64": b"int64",
    b"int32": b"int32",
    b"uint8": b"uint8",
    b"int8": b"int8",
}
"""Method that casts, or name of a type -> the type."""


# Rules


def _binary(operator: bytes) -> Rule:
    def rule(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
        operands = [*operands, *(named[name] for name in (b"other", b"exponent") if name in named)]
        if len(operands) != 2 or len(named) > 1 or not named.keys() <= {b"other", b"exponent"}:
            return None
        return algebra.binary(s, operator, operands[0], operands[1], at)

    return rule


def _comparison(operator: str) -> Rule:
    def rule(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
        return algebra.compare(s, operator, operands[0], operands[1], at) if len(operands) == 2 and not named else None

    return rule


def _unary(work: Callable[[Lowering, int, int], int]) -> Rule:
    def rule(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
        return work(s, operands[0], at) if len(operands) == 1 and not named else None

    return rule


def _square_root(s: Lowering, node: int, at: int) -> int:
    value = algebra.number_of(s, node)
    if value is not None and value >= 0:
        root = value**0.5
        if len(algebra.spelled(root)) <= algebra.MAX_SHORT:
            return algebra.number(s, root, at)
    return s.make(b"sqrt", (node,), at)


def _log(s: Lowering, node: int, at: int) -> int:
    if s.is_label(node, b"softmax"):
        return s.graph.node(s.graph.label(b"log_softmax"), s.graph.edges[node], at)
    return s.make(b"log", (node,), at)


def _silu(s: Lowering, node: int, at: int) -> int:
    return algebra.multiply(s, (node, s.make(b"sigmoid", (node,), at)), at)


def _passed_on(s: Lowering, node: int, at: int) -> int:
    return node


def _first(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """A progress bar passes on what it is given."""
    return operands[0] if operands else None


def _extreme(name: bytes) -> Rule:
    """`max(a, b)` of two values has no order; with zero it is relu."""

    def rule(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
        if b"other" in named:
            operands, named = [*operands, named[b"other"]], {k: v for k, v in named.items() if k != b"other"}
        if len(operands) < 2 or named:
            return None
        if (
            len(operands) == 2
            and isinstance(algebra.number_of(s, operands[1]), int)
            and not s.is_label(operands[1], b"=0")
        ):
            if name == b"max" and s.is_label(operands[1], b"=1"):
                return s.make_any_order(name, operands, at)
            return None  # a dimension
        if name == b"max" and len(operands) == 2:
            rest = [operand for operand in operands if not s.is_label(operand, b"=0")]
            if len(rest) == 1:
                return s.make(b"relu", rest, at)
        return s.make_any_order(name, operands, at)

    return rule


def _clamp(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    if not operands or not named.keys() <= {b"min", b"max"}:
        return None
    low = named.get(b"min", operands[1] if len(operands) > 1 else None)
    high = named.get(b"max", operands[2] if len(operands) > 2 else None)
    value = operands[0]
    if low is not None and not s.is_label(low, b"None"):
        zero = s.is_label(low, b"=0")
        value = s.make(b"relu", (value,), at) if zero else s.make_any_order(b"max", (value, low), at)
    if high is not None and not s.is_label(high, b"None"):
        value = s.make_any_order(b"min", (value, high), at)
    return value


def _where(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    operands = [*operands, *(named[name] for name in (b"condition", b"input", b"other") if name in named)]
    return sequences.where(s, operands[0], operands[1], operands[2], at) if len(operands) == 3 else None


def _masked_fill(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    operands = [*operands, *(named[name] for name in (b"mask", b"value") if name in named)]
    return sequences.where(s, operands[1], operands[2], operands[0], at) if len(operands) == 3 else None


def _permuted(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """Any order of dimensions as `transpose`: of two that change places where that is all, else the whole order."""
    if not operands or not named.keys() <= {b"dim", b"dim0", b"dim1", b"source", b"destination"}:
        return None
    places = _spread(s, operands[1:]) + _spread(s, [named[name] for name in sorted(named)])
    numbers = [algebra.number_of(s, place) for place in places]
    if len(places) > 2 and sorted(map(str, numbers)) == sorted(map(str, range(len(numbers)))):
        moved = [place for place, number in enumerate(numbers) if number != place]
        if len(moved) == 2:
            places = [s.leaf(b"=%d" % place, at) for place in moved]
        elif not moved:
            return operands[0]
    if not places:
        places = [s.leaf(b"=0", at), s.leaf(b"=1", at)]
    return transposed(s, operands[0], places, at)


def transposed(s: Lowering, value: int, places: Sequence[int], at: int) -> int:
    """`value` with two dimensions exchanged, or with all of them in another order."""
    if len(places) == 2:
        edges = [s.slots[0] | value, *sorted(s.slots[1] | place for place in places)]
        return s.graph.node(s.graph.label(b"transpose"), tuple(edges), at)
    return s.make(b"transpose", (value, *places), at)


def _size(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    if not operands:
        return None
    shape = s.make(b".shape", operands[:1], at)
    rest = [*operands[1:], *named.values()]
    return sequences.subscript(s, shape, rest, at) if rest else shape


def _length(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    if len(operands) != 1:
        return None
    if s.is_label(operands[0], b".shape"):
        return s.make(b".ndim", s.operands(operands[0]), at)
    elements = s.written_out(operands[0])
    return s.leaf(b"=%d" % len(elements), at) if elements is not None else None


def _cast(name: bytes) -> Rule:
    def rule(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
        if len(operands) != 1 or named:
            return None
        if name == b"float" and s.label_of(operands[0]).lstrip(b"'-+").lower() in (b"inf", b"infinity"):
            return s.leaf(b"=-inf" if b"-" in s.label_of(operands[0]) else b"=inf", at)
        return s.make(b"astype", (operands[0], s.leaf(DTYPES[name], at)), at)

    return rule


def _to(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """`.to(dtype)`, `.astype(dtype)`: a cast, in whichever way the type is named."""
    targets = [*operands[1:], *(named[name] for name in (b"dtype",) if name in named)]
    if not operands or len(targets) != 1 or not named.keys() <= {b"dtype", b"non_blocking", b"copy"}:
        return None
    label = s.label_of(targets[0])
    dtype = DTYPES.get(label)
    if dtype is not None:
        return s.make(b"astype", (operands[0], s.leaf(dtype, at)), at)
    if label == b".dtype" or b"dtype" in named:
        return s.make(b"astype", (operands[0], targets[0]), at)
    return None


def _type_as(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    if len(operands) != 2:
        return None
    return s.make(b"astype", (operands[0], s.make(b".dtype", operands[1:], at)), at)


def _range(name: bytes) -> Rule:
    def rule(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
        bounds = [*operands, *(named.pop(key) for key in (b"start", b"end", b"step") if key in named)]
        if not bounds:
            return None
        if len(bounds) == 3 and s.is_label(bounds[2], b"=1"):
            bounds.pop()
        if len(bounds) == 2 and s.is_label(bounds[0], b"=0"):
            bounds.pop(0)
        if name == b"range" and len(bounds) == 1 and s.is_made_of(bounds[0], b"len", 1):
            return s.make(b"<indices>", s.operands(bounds[0]), at)
        return _generic(s, name, bounds, named, (), at)

    return rule


def _dictionary(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """`dict(a=x)` is `{"a": x}`."""
    if operands:
        return None
    pairs = [s.make(b"<pair>", (s.leaf(b"'" + key, at), value), at) for key, value in named.items()]
    return s.make_any_order(b"<dict>", pairs, at)


def _isinstance(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    if len(operands) != 2:
        return None
    types = s.written_out(operands[1])
    if types is None:
        return None
    return algebra.both(s, b"<or>", [s.make(b"isinstance", (operands[0], one), at) for one in types], at)


def _linear(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    operands = [*operands, *(named[name] for name in (b"input", b"weight", b"bias") if name in named)]
    if not 2 <= len(operands) <= 3:
        return None
    weight = transposed(s, operands[1], [s.leaf(b"=0", at), s.leaf(b"=1", at)], at)
    product = s.make(b"@", (operands[0], weight), at)
    return product if len(operands) == 2 else algebra.add(s, (product, operands[2]), at)


def _pattern(s: Lowering, node: int) -> str | None:
    """The text of an einsum or einops pattern; it stays a value of its own, for an odd one is rare."""
    label = s.label_of(node)
    if not label.startswith(b"'") or len(label) > MAX_PATTERN:
        return None
    s.graph.root(node)
    return label[1:].decode("utf-8", "replace")


def _einsum(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """A product of two matrices, whatever their dimensions are called, is `@`."""
    if len(operands) != 3 or named:
        return None
    label = s.label_of(operands[0])
    match = _EINSUM.fullmatch(label[1:].replace(b" ", b""))
    if match is None or not label.startswith(b"'"):
        return None
    one, other, result = (part.decode() for part in match.groups())
    summed = [letter for letter in one if letter in other and letter not in result]
    if len(summed) != 1 or set(one + other) - set(summed) != set(result):
        return None
    _pattern(s, operands[0])
    left, right = operands[1:]
    last = [s.leaf(b"=-2", at), s.leaf(b"=-1", at)]
    if one[-1] != summed[0]:
        left = transposed(s, left, last, at)
    if other[-1] == summed[0]:
        right = transposed(s, right, last, at)
    return s.make(b"@", (left, right), at)


_EINSUM = re.compile(rb"([a-zA-Z]{2,12}),([a-zA-Z]{2,12})->([a-zA-Z]{1,12})")


def _rearrange(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """einops: a pattern that splits, reorders or joins dimensions is a reshape, a transpose and a reshape."""
    if len(operands) != 2:
        return None
    text = _pattern(s, operands[1])
    if text is None or text.count("->") != 1:
        return None
    before, after = text.split("->")
    value = operands[0]
    if "(" in before:
        value = s.make(b"reshape", (value,), at)
    order = [re.findall(r"\w+|\.\.\.", side) for side in (before, after)]
    if order[0] != order[1]:
        value = s.make(b"transpose", (value,), at)
    return s.make(b"reshape", (value,), at) if "(" in after else value


def _flattened(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """flatten and unflatten are reshapes; which dimensions they name stands in slots of its own."""
    if not operands:
        return None
    named = dict(named)
    for name, operand in zip((b"start_dim", b"end_dim"), operands[1:], strict=False):
        named[name] = operand
    edges = sorted(s.keyword(name, value) for name, value in named.items())
    return s.graph.node(s.graph.label(b"reshape"), (s.slots[0] | operands[0], *edges), at)


def _bound(name: bytes) -> Rule:
    """`clamp_min`, `clamp_max`: of two values the greater or the smaller."""

    def rule(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
        operands = [*operands, *(named[key] for key in (b"min", b"max") if key in named)]
        return s.make_any_order(name, operands, at) if len(operands) == 2 else None

    return rule


def _norm(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """The length of vectors; that it is the usual one need not be said."""
    known = dict(zip((b"input", b"p", b"dim", b"keepdim"), operands, strict=False)) | named
    if not known.keys() <= {b"input", b"p", b"ord", b"dim", b"keepdim"} or b"input" not in known:
        return None
    kept = {
        name: value
        for name, value in known.items()
        if name != b"input"
        and not (name in (b"p", b"ord") and s.label_of(value) in (b"=2", b"'fro", b"None"))
        and not (name == b"keepdim" and s.is_label(value, b"False"))
    }
    edges = sorted(s.keyword(name, _single(s, value)) for name, value in kept.items())
    return s.graph.node(s.graph.label(b"norm"), (s.slots[0] | known[b"input"], *edges), at)


def _normalize(s: Lowering, operands: list[int], named: dict[bytes, int], at: int) -> int | None:
    """A vector divided by its length, which is kept from being zero."""
    known = dict(zip((b"input", b"p", b"dim", b"eps"), operands, strict=False)) | named
    if b"input" not in known or not known.keys() <= {b"input", b"p", b"dim", b"eps"} or len(operands) > 2:
        return None
    dim = known.get(b"dim", s.leaf(b"=1", at))
    length = _norm(s, [known[b"input"], *([known[b"p"]] if b"p" in known else [])],
                   {b"dim": dim, b"keepdim": s.leaf(b"True", at)}, at)  # fmt: skip
    if length is None:
        return None
    least = known.get(b"eps", s.leaf(b"=1e-12", at))
    return algebra.divide(s, known[b"input"], s.make_any_order(b"max", (length, least), at), at)


SIGNATURES = signatures()

RULES: dict[bytes, Rule] = {
    b"@": _binary(b"@"),
    b"add": _binary(b"+"),
    b"sub": _binary(b"-"),
    b"mul": _binary(b"*"),
    b"div": _binary(b"/"),
    b"pow": _binary(b"**"),
    b"bitwise_and": _binary(b"&"),
    b"bitwise_or": _binary(b"|"),
    b"logical_and": _binary(b"&"),
    b"logical_or": _binary(b"|"),
    b"eq": _comparison("=="),
    b"ne": _comparison("!="),
    b"lt": _comparison("<"),
    b"le": _comparison("<="),
    b"gt": _comparison(">"),
    b"ge": _comparison(">="),
    b"neg": _unary(algebra.negative),
    b"reciprocal": _unary(algebra.inverse),
    b"sqrt": _unary(_square_root),
    b"rsqrt": _unary(lambda s, node, at: algebra.inverse(s, _square_root(s, node, at), at)),
    b"square": _unary(lambda s, node, at: algebra.power(s, node, s.leaf(b"=2", at), at)),
    b"log": _unary(_log),
    b"silu": _unary(_silu),
    b"contiguous": _unary(_passed_on),
    b"bitwise_not": _unary(lambda s, node, at: s.make(b"invert", (node,), at)),
    b"ndim": _unary(lambda s, node, at: s.make(b".ndim", (node,), at)),
    b"tqdm": _first,
    b"max": _extreme(b"max"),
    b"min": _extreme(b"min"),
    b"clamp": _clamp,
    b"clamp_min": _bound(b"max"),
    b"clamp_max": _bound(b"min"),
    b"norm": _norm,
    b"normalize": _normalize,
    b"where": _where,
    b"masked_fill": _masked_fill,
    b"transpose": _permuted,
    b"t": _permuted,
    b"size": _size,
    b"len": _length,
    b"astype": _to,
    b"to": _to,
    b"type_as": _type_as,
    b"range": _range(b"range"),
    b"arange": _range(b"arange"),
    b"dict": _dictionary,
    b"isinstance": _isinstance,
    b"linear": _linear,
    b"einsum": _einsum,
    b"rearrange": _rearrange,
    b"flatten": _flattened,
    b"unflatten": _flattened,
    **{name: _cast(name) for name in (b"float", b"half", b"double", b"long", b"bfloat16")},
}
"""Label -> what a call of it comes to."""
