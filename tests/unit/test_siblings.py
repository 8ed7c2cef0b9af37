"""Which of many files of one family a file follows, where structure cannot say."""

from __future__ import annotations

import pytest

from codeclone import scan

MODELS = ["aster", "birch", "cedar", "dahlia", "elder", "fern", "gorse", "hazel", "iris", "juniper", "kale", "larch",
          "maple", "nettle", "oak", "poppy", "quince", "rowan", "sage", "thyme"]  # fmt: skip

FORWARD = """\
    def forward(self, hidden, mask=None):
        batch, length, width = hidden.shape
        query = self.query(hidden).view(batch, length, self.heads, -1).transpose(1, 2)
        key = self.key(hidden).view(batch, length, self.heads, -1).transpose(1, 2)
        value = self.value(hidden).view(batch, length, self.heads, -1).transpose(1, 2)
        scores = query @ key.transpose(-1, -2) / (width // self.heads) ** 0.5
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e4)
        return (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)
"""

MODELING = """
import torch
from torch import nn


class {name}Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)

{forward}{more}
"""

MORE = """

class {name}Block{number}(nn.Module):
    def forward(self, hidden, gate):
        hidden = self.norm(hidden + {number}.5) * gate.sigmoid()
        return self.out(hidden.mean(dim={number})) - self.shift[{number}:]
"""

OVERRIDE = """
from family.{model}.modeling_{model} import {name}Attention


class Fast{name}Attention({name}Attention):
{forward}"""


@pytest.mark.parametrize("model", ["aster", "larch", "thyme"])
def test_an_override_follows_the_file_it_imports_though_many_are_nearer(repository, model: str) -> None:
    files: dict[str, str | bytes] = {}
    for one in MODELS:
        # The one that is followed has more beside what is shared, so that by structure every other is nearer.
        more = "".join(MORE.format(name=one.title(), number=n) for n in range(8 if one == model else 0))
        files[f"family/{one}/modeling_{one}.py"] = MODELING.format(name=one.title(), forward=FORWARD, more=more)
    right = repository("right", files)
    forward = FORWARD.replace("        return", "        mark_step()\n        return")
    left = repository("left", {f"fast/{model}.py": OVERRIDE.format(model=model, name=model.title(), forward=forward)})
    report = scan(str(left), str(right))
    (row,) = (row for row in report.attribution if row.left.qualname == "<module>")
    assert row.best is not None
    assert row.best.place.location.path == f"family/{model}/modeling_{model}.py"
    assert not row.undecided


def test_a_file_that_shares_nothing_is_not_explained_by_its_name(repository) -> None:
    right = repository("right", {"models/loss.py": MODELING.format(name="Aster", forward=FORWARD, more="")})
    files: dict[str, str | bytes] = {
        "models/loss.py": "import models\n",
        "total.py": "def total(rows):\n    return rows\n",
    }
    report = scan(str(repository("left", files)), str(right))
    (row,) = (row for row in report.attribution if row.left.location.path == "models/loss.py")
    assert row.best is None
