"""Definition graphs, spreading, clone classes, and the composition of both sides."""

from __future__ import annotations

from codeclone import scan
from codeclone.background import shipped
from codeclone.evidence import Context, Profiled, code
from codeclone.match.composition import composition
from codeclone.match.structure import clone_classes, definition_graph
from codeclone.model import Fragment, Location, Part, Span
from codeclone.parse.fragments import parse_snapshots
from codeclone.read import open_source
from tests.conftest import SAMPLES

TELLING = {
    "Router": "        return torch.einsum('bnd,ed->bne', x, self.{0}).softmax(-1).topk({1}, dim=-1)",
    "Mixer": "        return torch.fft.irfft(torch.fft.rfft(x, dim=-2).conj() * self.{0}, n={1}, dim=-2)",
    "Gate": "        return x.roll({1}, -2).cumsum(-1).tanh() * self.{0}.unsqueeze(0).sigmoid().logit()",
}


def source(prefix: str, field: str, getter: str, fillers: int) -> str:
    """Classes that each have a telling method and the same one-line getter, and some with the getter alone."""
    text = "import torch\n"
    for name, line in TELLING.items():
        text += f"\nclass {prefix}{name}:\n    def __init__(self, p):\n        self.{field} = p\n"
        text += f"\n    def apply_{field}(self, x):\n" + line.format(field, 7) + "\n"
        text += f"\n    def {getter}(self):\n        return self.{field}\n"
    for number in range(fillers):
        text += f"\nclass {prefix}Filler{number}:\n    def {getter}(self):\n        return self.{field}\n"
    return text


def test_a_getter_among_a_hundred_twins_is_settled_by_its_class(repository) -> None:
    left = code.profile(open_source(str(repository("left", {"a.py": source("My", "weight", "fetch", 0)}))))
    right = code.profile(open_source(str(repository("right", {"z.py": source("The", "table", "obtain", 100)}))))
    found = code.compare(left, [Profiled("right", "right", right)], Context(shipped()))
    best = {row.left.qualname: row.best.place.qualname for row in found.attribution if row.best}
    for name in TELLING:
        assert best[f"My{name}.fetch"] == f"The{name}.obtain"


def test_a_helper_is_settled_by_its_callers(repository) -> None:
    def module(names: str, helpers: int) -> dict[str, str]:
        one, two = names.split()
        text = "import torch\n" + "".join(f"\ndef {two}{n}(x):\n    return x + 1\n" for n in range(helpers))
        return {
            f"{one}.py": text
            + f"\ndef {one}(x):\n    y = x.roll(3, -2).cumsum(-1).tanh()\n    return {two}{helpers - 1}(y).logit()\n"
        }

    left = code.profile(open_source(str(repository("left", module("outer inner", 1)))))
    right = code.profile(open_source(str(repository("right", module("whole step", 60)))))
    found = code.compare(left, [Profiled("right", "right", right)], Context(shipped()))
    best = {row.left.qualname: row.best.place.qualname for row in found.attribution if row.best}
    assert best["inner0"] == "step59"


def test_the_graph_has_each_kind_of_edge() -> None:
    fragments = parse_snapshots([open_source(str(SAMPLES / "original"))])[0].fragments
    graph = definition_graph(fragments)
    named = {(fragments[a].qualname, fragments[b].qualname, kind) for a, b, kind in graph.edges(keys=True)}
    assert ("LumenVLModel", "LumenResampler", "composes") in named
    assert ("LumenVLModel", "LumenPreTrainedModel", "inherits") in named
    assert ("LumenVLModel", "LumenVLModel.forward", "contains") in named
    assert any(kind == "calls" for *_, kind in named)
    assert all(fragments[whole].kind == "class" for whole, _, kind in graph.edges(keys=True) if kind == "composes")


def test_clone_classes_are_what_pairs_and_ties_connect() -> None:
    assert clone_classes([(5, 1), (7, 1), (7, 2), (9, 8)]) == [((5, 7), (1, 2)), ((9,), (8,))]


def test_two_copies_of_one_fragment_are_one_family(repository) -> None:
    original = (SAMPLES / "original" / "resampler.py").read_text(encoding="utf-8")
    left = repository("left", {"one.py": original, "two.py": original})
    found = scan(str(left), str(repository("right", {"resampler.py": original})))
    assert found.classes
    assert {(len(family.left), len(family.right)) for family in found.classes} == {(2, 1)}
    ids = {finding.id for finding in found.evidence}
    assert all(set(family.evidence) <= ids for family in found.classes)


def test_classes_that_come_from_each_other_stand_in_one_row() -> None:
    rows = scan(str(SAMPLES / "renamed"), str(SAMPLES / "original")).composition
    both = {(row.left.qualname, row.right.qualname) for row in rows if row.left and row.right}
    assert len(both) == len(rows) == 15
    assert ("AsterLatentPooler", "LumenResampler") in both
    core = next(row for row in rows if row.left and row.left.qualname == "AsterCore")
    assert core.depth == 1
    assert [(part.name, part.many) for part in core.left_parts if part.many] == [("AsterLayer", True)]
    assert [part.count for part in core.left_parts] == [part.count for part in core.right_parts]


def a_class(name: str, index: int, *parts: int) -> Fragment:
    built = tuple(Part(f"p{part}", f"C{part}", part, False) for part in parts)
    return Fragment(Location("m.py", Span(index + 1, index + 1)), name, "class", "python", (), -1, (), (), built)


def test_composition_in_circles_and_in_depth_ends() -> None:
    circle = [a_class("A", 0, 1), a_class("B", 1, 0), a_class("C", 2, 2)]
    assert [row.left and row.left.qualname for row in composition(circle, [], {})] == ["C", "A", "B"]
    chain = [a_class(f"K{index}", index, index + 1) for index in range(500)] + [a_class("end", 500)]
    rows = composition([], chain, {})
    assert len(rows) == 501
    assert max(row.depth for row in rows) < 100
