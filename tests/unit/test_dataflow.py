"""Which ways of writing are one value: each row of docs/dataflow.md, and what must stay different."""

from __future__ import annotations

import pytest

from codeclone.evidence import code
from codeclone.model import File, Repository, Snapshot


def facts(body: str, *, whole: bool = False) -> set[int]:
    source = body if whole else "import torch\nfrom torch import nn\n\ndef f(x, y, z=None):\n" + _indented(body)
    content = source.encode()
    file = File("m.py", len(content), "0" * 64, lambda: content)
    found = code.profile(Snapshot(Repository("r", "r", None, "0" * 64), (file,)))
    assert not found.skipped, found.skipped
    return set(found.facts.keys.tolist())


def _indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))


SAME = {
    "temporary": ("return x * y + 2", "a = x * y\nb = a + 2\nreturn b"),
    "tuple assignment": ("a = x + 1\nb = y * 2\nreturn a @ b", "a, b = x + 1, y * 2\nreturn a @ b"),
    "swap": ("a, b = y, x\nreturn a - b", "return y - x"),
    "augmented": ("x = x + y\nreturn x", "x += y\nreturn x"),
    "conditional": ("if x:\n    a = y\nelse:\n    a = z\nreturn a", "return y if x else z"),
    "flipped branch": ("if not x:\n    a = z\nelse:\n    a = y\nreturn a", "a = y if x else z\nreturn a"),
    "comparison": ("return x if y >= 3 else z", "return z if y < 3 else x"),
    "mirrored comparison": ("return y > x", "return x < y"),
    "de morgan": ("return 1 if not (x and y) else 2", "return 1 if not x or not y else 2"),
    "guard": ("if x is None:\n    return y\nreturn z * 2", "if x is not None:\n    return z * 2\nelse:\n    return y"),
    "append": ("out = []\nfor i in x:\n    out.append(i * 2)\nreturn out", "return [i * 2 for i in x]"),
    "append with condition": (
        "out = []\nfor i in x:\n    if i > y:\n        out.append(i * 2)\nreturn out",
        "return [i * 2 for i in x if i > y]",
    ),
    "continue": (
        "out = []\nfor i in x:\n    if i > y:\n        continue\n    out.append(i)\nreturn out",
        "return [i for i in x if not i > y]",
    ),
    "map": ("return [abs(i) for i in x]", "return list(map(abs, x))"),
    "map of a lambda": ("return [i + y for i in x]", "return list(map(lambda k: k + y, x))"),
    "enumerate": ("return [i * 2 for i in x]", "return [b * 2 for a, b in enumerate(x)]"),
    "sum": ("t = 0\nfor i in x:\n    t += i * y\nreturn t", "return sum(i * y for i in x)"),
    "unrolled": ("return [x * 1, x * 2, x * 3]", "return [x * k for k in (1, 2, 3)]"),
    "f-string": ("return f'{x}-{y}.pt'", "return '%s-%d.pt' % (x, y)"),
    "format": ("return f'{x}-{y}.pt'", "return '{}-{}.pt'.format(x, y)"),
    "concatenated text": ("return f'{x}-{y}.pt'", "return str(x) + '-' + str(y) + '.pt'"),
    "matmul": ("return torch.matmul(x, y)", "return x @ y"),
    "method and function": ("return x.softmax(-1)", "return torch.softmax(x, -1)"),
    "reshape": ("return x.view(2, 3)", "return x.reshape(2, 3)"),
    "cat": ("return torch.cat([x, y])", "return torch.concat([x, y])"),
    "shape and size": ("return x.size(0)", "return x.shape[0]"),
    "unpacked shape": ("b, n = x.shape\nreturn b * n", "return x.shape[0] * x.shape[1]"),
    "alias": ("return nn.Linear(x, y)", "return torch.nn.Linear(x, y)"),
    "commutative": ("return x * 3 + y", "return y + 3 * x"),
    "associative": ("return (x + y) + z", "return x + (y + z)"),
    "numbers": ("return x * 0x10 + 1e-6", "return x * 16 + 0.000001"),
    "assert, print, logging, docstring": (
        "return x + y",
        "'''What it does.'''\nassert x\nprint(x)\nlogger.info('%s', x)\nwarnings.warn('no')\nreturn x + y  # yes",
    ),
    "dead code": ("return x + y", "unused = x * 7\nother = unused - 1\nreturn x + y"),
    "reordered": ("a = x * 2\nb = y - 1\nreturn a / b", "b = y - 1\na = x * 2\nreturn a / b"),
    "walrus": ("a = x + 1\nreturn a if a else y", "return a if (a := x + 1) else y"),
    "transpose and permute": ("return x.transpose(1, 2)", "return x.permute(0, 2, 1)"),
    "transpose of four": ("return torch.transpose(x, 1, 2)", "return x.permute((0, 2, 1, 3))"),
    "swapaxes": ("return x.transpose(1, 2)", "return torch.swapaxes(x, 2, 1)"),
    "sizes as a tuple": ("return x.view(2, 3)", "return torch.reshape(x, (2, 3))"),
    "unsqueeze": ("return x.unsqueeze(1)", "return x[:, None]"),
    "unsqueeze at the end": ("return x.unsqueeze(-1)", "return x[..., None]"),
    "all at the end": ("return x[:, :y]", "return x[:, 0:y, :]"),
    "masked fill": ("return x.masked_fill(y, z)", "return torch.where(y, z, x)"),
    "masked fill of the rest": ("return torch.where(y, x, z)", "return x.masked_fill(~y, z)"),
    "einsum": (
        "return torch.einsum('bhid,bhjd->bhij', x, y) if z else 'bhid,bhjd->bhij'",
        "return x @ y.transpose(-1, -2) if z else 'bhid,bhjd->bhij'",
    ),
    "layer without weights": ("return F.gelu(x)", "return nn.GELU()(x)"),
    "layer with an argument": ("return F.softmax(x, dim=-1)", "return nn.Softmax(-1)(x)"),
    "keyword or position": ("return torch.cat([x, y], -1)", "return torch.cat([x, y], dim=-1)"),
    "axis": ("return x.mean(dim=1, keepdim=True)", "return np.mean(x, axis=1, keepdims=True)"),
    "default written out": ("return torch.cat([x, y])", "return torch.cat([x, y], dim=0)"),
    "layer default": ("return nn.Linear(x, y)", "return nn.Linear(in_features=x, out_features=y, bias=True)"),
    "power of ten": ("return x + 1e-6", "return x + 10 ** -6"),
    "computed constant": ("return x * 4096", "return x * (1 << 12)"),
    "half": ("return x / 2", "return 0.5 * x"),
    "odd division": ("return x / 708", "return x * (1 / 708)"),
    "square": ("return x * x", "return x.pow(2)"),
    "square root": ("return x / math.sqrt(y)", "return x * y ** -0.5"),
    "subtraction": ("return x - y + z", "return z - (y - x)"),
    "infinity": ("return torch.full_like(x, float('-inf'))", "return torch.full_like(x, -math.inf)"),
    "cast": ("return x.float() * y.type_as(z)", "return x.to(torch.float32) * y.to(z.dtype)"),
    "clamp": ("return x.clamp(min=0)", "return F.relu(x)"),
    "bounds": ("return torch.clamp(x, y, z)", "return torch.minimum(torch.maximum(x, y), z)"),
    "maximum": ("return x if x > y else y", "return max(x, y)"),
    "normalize": (
        "return F.normalize(x, dim=-1)",
        "return x / x.norm(p=2, dim=-1, keepdim=True).clamp_min(1e-12)",
    ),
    "silu": ("return F.silu(x)", "return x * torch.sigmoid(x)"),
    "linear": ("return F.linear(x, y, z)", "return x @ y.T + z"),
    "default of a look-up": ("return x[y] if y in x else z", "return x.get(y, z)"),
    "or": ("return y if x is None else x", "return x or y"),
    "membership": ("return x == 1 or x == 2", "return x in (1, 2)"),
    "several types": ("return isinstance(x, list) or isinstance(x, tuple)", "return isinstance(x, (list, tuple))"),
    "emptiness": ("return y if len(x) > 0 else z", "return y if x else z"),
    "dictionary": ("return {'a': x, 'b': y}", "return dict(b=y, a=x)"),
    "dictionary filled": ("d = {}\nd['a'] = x\nd['b'] = y\nreturn d", "return {'a': x, 'b': y}"),
    "dictionary comprehension": ("d = {}\nfor k in x:\n    d[k] = k * y\nreturn d", "return {k: k * y for k in x}"),
    "counted while": (
        "out = []\ni = 0\nwhile i < y:\n    out.append(x[i] * 2)\n    i += 1\nreturn out",
        "return [x[i] * 2 for i in range(y)]",
    ),
    "any": ("for i in x:\n    if i > y:\n        return True\nreturn False", "return any(i > y for i in x)"),
    "all": ("for i in x:\n    if not i:\n        return False\nreturn True", "return not any(not i for i in x)"),
    "conditional sum": (
        "t = 0\nfor i in x:\n    if i > y:\n        t += i\nreturn t",
        "return sum(i for i in x if i > y)",
    ),
    "constant condition": ("return x + y", "if False:\n    x = y * 7\nreturn x + y"),
    "raise in a guard": (
        "if x is None:\n    raise ValueError(y)\nreturn x * 2",
        "if x is not None:\n    return x * 2\nelse:\n    raise ValueError(y)",
    ),
    "local lambda": ("return x * 3 + y * 3", "g = lambda t: t * 3\nreturn g(x) + g(y)"),
    "join": ("return f'{x}-{y}'", "return '-'.join([x, y])"),
    "kwargs order": ("return torch.full(x, fill_value=1, dtype=y)", "return torch.full(x, dtype=y, fill_value=1)"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_value(name: str) -> None:
    one, other = SAME[name]
    assert facts(one) == facts(other)


DIFFERENT = {
    "operator": ("return x * y", "return x + y"),
    "order of a subtraction": ("return x - 2 * y", "return 2 * y - x"),
    "constant": ("return x * 0.25", "return x * 0.5"),
    "string": ("return einsum('bij,bjk->bik', x, y)", "return einsum('bij,bkj->bik', x, y)"),
    "called function": ("return torch.softmax(x, -1)", "return torch.sigmoid(x, -1)"),
    "axis": ("return x.permute(0, 2, 1)", "return x.permute(1, 2, 0)"),
    "condition": ("return x if y > 3 else z", "return x if y > 4 else z"),
    "keyword": ("return torch.full(x, dtype=3)", "return torch.full(x, device=3)"),
    "swapped branches": ("return 1 if x else 2", "return 2 if x else 1"),
    "effect": ("return x", "x.backward()\nreturn x"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_not_the_same_value(name: str) -> None:
    one, other = DIFFERENT[name]
    assert facts(one) != facts(other)


def test_an_attribute_is_what_the_class_made_it_with() -> None:
    template = (
        "from torch import nn\nclass {0}(nn.Module):\n    def __init__(self, n):\n        self.{1} = nn.{2}(n, n)\n"
        "    def forward(self, x):\n        return self.{1}(x) * 3\n"
    )
    linear = facts(template.format("A", "proj", "Linear"), whole=True)
    assert linear == facts(template.format("B", "mix_layer", "Linear"), whole=True)
    assert linear != facts(template.format("A", "proj", "Bilinear"), whole=True)


def test_a_helper_that_is_split_off_does_not_hide_what_it_does() -> None:
    merged = "def f(x, y):\n    return (x * 3 - 1) / (y * 3 - 1) + 7\n"
    split = "def h(t):\n    return t * 3 - 1\n\ndef f(x, y):\n    return h(x) / h(y) + 7\n"
    assert facts(merged, whole=True) - facts(split, whole=True) == set()


def test_a_function_inside_a_function_is_lowered_where_it_is_called() -> None:
    merged = "def f(x, y):\n    return (x * 3 - 1) / (y * 3 - 1) + 7\n"
    inside = "def f(x, y):\n    def h(t):\n        return t * 3 - 1\n    return h(x) / h(y) + 7\n"
    assert facts(merged, whole=True) - facts(inside, whole=True) == set()


def test_a_method_cut_out_of_its_class_keeps_its_facts() -> None:
    body = "def forward(self, x):\n    y = self.proj(x)\n    return torch.cat([y, x * 0.5], dim=-1)\n"
    inside = (
        "import torch\nfrom torch import nn\nclass A(nn.Module):\n    def __init__(self):\n"
        "        self.proj = nn.Linear(3, 3)\n" + "".join(f"    {line}\n" for line in body.strip().split("\n"))
    )
    assert facts(body, whole=True) - facts(inside, whole=True) <= facts("", whole=True)


def test_class_body_and_module_body_have_facts() -> None:
    assert facts("class A:\n    size = 14\n    name = 'x-2'\n", whole=True) != facts(
        "class A:\n    size = 16\n    name = 'x-2'\n", whole=True
    )
    assert facts("SCALE = 1 / 708\n", whole=True) != facts("SCALE = 1 / 709\n", whole=True)


@pytest.mark.parametrize(
    "body",
    [
        "match x:\n    case {'a': 1, **rest}:\n        return rest\n    case [A(b=2), *c] | None:\n        return c",
        "try:\n    a = x()\nexcept (KeyError, ValueError) as e:\n    raise RuntimeError from e\nelse:\n    b = 1\nfinally:\n    y()",
        "async with x as a, y() as (b, c):\n    await a\n    async for d in b:\n        yield d",
        "global g\nnonlocal_ = [*x, *y]\nreturn {**x, 'k': (yield), **y}",
        "del x[0], y.a\nx.a.b[0], *rest = y\nx[1:2, ..., None] += 3\nreturn rest",
        "while (n := next(x)) is not None:\n    if n: break\nelse:\n    y = 2\nreturn lambda *a, k=1, **kw: (a, k, kw)",
        "def inner(a, /, b, *, c=2):\n    def deeper():\n        return b\n    return deeper\nreturn inner",
        "return x[::2], x[:, 1:], x[..., :-1:2], not x is y, x not in y, -x ** 2, ~x, +x",
        "type X = int\nclass L[T]:\n    v: T = None\nreturn L",
        "return f'{x!r:>{y}} {{}} {z:.2f}' 'more' rb'bytes' f\"{x['k']}\"",
    ],
)
def test_every_kind_of_syntax_is_lowered(body: str) -> None:
    assert facts(body)
