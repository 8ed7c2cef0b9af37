"""Which definition calls, inherits from and is built of which, by syntax alone."""

from __future__ import annotations

from codeclone.model import Fragment
from codeclone.parse.fragments import parse_snapshots
from codeclone.read import open_source

LAYERS = """
import torch.nn as nn

class Norm(nn.Module):
    def __init__(self, size):
        self.scale = nn.Parameter(size)

class Attention:
    def __init__(self, size):
        self.project, self.join = nn.Linear(size, size), nn.Linear(size, size)

class Sparse(Attention):
    pass

def helper(x):
    return x
"""

MODEL = """
import math
from torch import nn
from . import layers
from .layers import Norm as Scale, helper
from package.parts import Attention, Sparse
from elsewhere import Attention as Foreign

KINDS = {"full": Attention, "sparse": Sparse}

class Block(layers.Norm):
    fresh = Foreign

    def __init__(self, config):
        self.norms = nn.ModuleList([Scale(config) for _ in range(2)])
        self.attend = KINDS[config.kind](config)
        self.feed = nn.Sequential(nn.Linear(1, 2), nn.GELU(), Scale(nn.Linear(3, 4)), nn.Linear(2, 1))
        self.other = Foreign(config)
        local = Scale(config)
        if local is None:
            raise Sparse()

    def forward(self, x):
        return self.step(layers.helper(x))

    def step(self, x):
        return math.sqrt(helper(x))
"""


def fragments(repository) -> dict[str, Fragment]:
    files = {
        "package/layers.py": LAYERS,
        "package/model.py": MODEL,
        "package/parts/__init__.py": "from ..layers import *\n",
    }
    found = parse_snapshots([open_source(str(repository("left", files)))])[0].fragments
    names = {index: fragment.qualname for index, fragment in enumerate(found)}
    return {fragment.qualname: fragment for fragment in found} | {"names": names}  # type: ignore[dict-item]


def test_relations_are_followed_through_imports(repository) -> None:
    found = fragments(repository)
    names = found.pop("names")
    block = found["Block"]
    assert [names[base] for base in block.inherits] == ["Norm"]
    assert [names[base] for base in found["Sparse"].inherits] == ["Attention"]
    assert {names[called] for called in found["Block.forward"].calls} == {"Block.step", "helper"}
    assert {names[called] for called in found["Block.step"].calls} == {"helper"}


def test_a_class_is_built_of_what_it_keeps_in_its_attributes(repository) -> None:
    found = fragments(repository)
    names = found.pop("names")
    parts = [(part.attribute, part.constructor, names.get(part.definition), part.many) for part in found["Block"].parts]
    assert parts == [
        ("norms", "Scale", "Norm", True),
        ("attend", "Attention", "Attention", False),
        ("attend", "Sparse", "Sparse", False),
        ("feed", "Linear", None, False),
        ("feed", "GELU", None, False),
        ("feed", "Scale", "Norm", False),  # and what it is given is not a part of the block
        ("feed", "Linear", None, False),
        ("other", "Foreign", None, False),
        ("", "Scale", "Norm", False),
    ]
    assert [part.attribute for part in found["Attention"].parts] == ["project", "join"]


def test_imports_in_circles_and_out_of_the_repository_end(repository) -> None:
    files = {
        "a.py": "from b import thing\nfrom ....... import far\nthing()\nfar()\n",
        "b.py": "from a import thing\nfrom b import *\nthing()\nother()\n",
    }
    found = parse_snapshots([open_source(str(repository("left", files)))])[0].fragments
    assert all(not fragment.calls for fragment in found)


def test_imports_that_lead_everywhere_end(repository) -> None:
    stars = "".join(f"from m{number} import *\n" for number in range(40))
    calls = "".join(f"name_{number}()\n" for number in range(200))
    files = {f"m{number}.py": stars + calls for number in range(40)}
    found = parse_snapshots([open_source(str(repository("left", files)))])[0]
    assert all(not fragment.calls for fragment in found.fragments)
    assert not found.skipped
