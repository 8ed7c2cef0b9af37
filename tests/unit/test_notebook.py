"""Notebooks: the code of their cells is compared as if it stood in a file, and each place names its cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codeclone.evidence import code
from codeclone.model import Profile
from codeclone.parse.notebook import MAX_CELLS, without_magics
from codeclone.pipeline import scan
from codeclone.read import folder
from codeclone.report import html, text

CELLS = [
    "import torch\nimport torch.nn.functional as F\nSCALE = 0.125\n",
    "def helper(x, k):\n    return F.softmax(x * SCALE, dim=k)\n",
    "class Mixer(torch.nn.Module):\n"
    "    def __init__(self, d):\n        super().__init__()\n        self.proj = torch.nn.Linear(d, 3 * d, bias=False)\n\n"
    "    def forward(self, x, mask=None):\n"
    "        q, k, v = self.proj(x).chunk(3, dim=-1)\n        scores = torch.einsum('bid,bjd->bij', q, k) * SCALE\n"
    "        if mask is not None:\n            scores = scores.masked_fill(mask == 0, -65504.0)\n"
    "        weights = helper(scores, -1)\n        return torch.einsum('bij,bjd->bid', weights, v), weights.amax(dim=1)\n",
    "model = Mixer(256)\nif SCALE:\n    data = torch.randn(8, 77, 256)\nelse:\n    data = None\n",
    "out, top = model(data)\nspread = top.std(dim=0) / (top.mean(dim=0) + 1e-5)\nprint(spread)\n",
]


def cell(source: str | list[str], kind: str = "code", **more: Any) -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": {}, "outputs": [], "execution_count": 1, **more}


def notebook(cells: list[dict[str, Any]], **metadata: Any) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


def profile(tmp_path: Path, content: str | bytes, name: str = "n.ipynb") -> Profile:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return code.profile(folder.read(str(tmp_path / name)))


def test_the_same_code_in_a_file_and_in_a_notebook_is_the_same(tmp_path: Path, repository: Any) -> None:
    prose = cell("# Mixer", "markdown")
    left = repository("left", {"m.ipynb": notebook([prose, *map(cell, CELLS)])})
    right = repository("right", {"m.py": "\n\n".join(CELLS)})
    for one, other in ((left, right), (right, left)):
        report = scan(str(one), str(other))
        assert report.partition.total.own == 0
        assert report.verdict.level == "moderate"
        found = {evidence.left[0].qualname: evidence for evidence in report.evidence}["Mixer.forward"]
        measures = {measure.name: measure.value for measure in found.measures}
        assert measures["containment_left"] == measures["containment_right"] == measures["surface"] == 1.0
    page, summary = html.render(report), text.summary(report, [], color=False)
    assert "m.ipynb cell 4:6-12" in page
    assert "m.ipynb cell 4:6-12" in summary
    assert found.alignment is not None
    assert {(row.left_line, row.right_line) for row in found.alignment.rows} == {(n + 9, n) for n in range(6, 13)}
    assert all(6 <= term.right_line <= 12 for term in found.terms)


def test_fragments_and_their_places(tmp_path: Path) -> None:
    found = profile(tmp_path, notebook([cell("text", "markdown"), cell(CELLS[1].splitlines(keepends=True)), cell("")]))
    places = [
        (f.qualname, f.kind, f.location.span.first, f.location.span.last, f.location.pointer, f.parent)
        for f in found.fragments
        if f.location.span
    ]
    assert places[:2] == [
        ("<cell 2>", "module", 1, 2, "/cells/1/source", -1),
        ("helper", "function", 1, 2, "/cells/1/source", 0),
    ]
    assert found.fragments[1].lines == ((1, "def helper(x, k):"), (2, "    return F.softmax(x * SCALE, dim=k)"))


def test_what_a_cell_computes_from_an_earlier_one(tmp_path: Path) -> None:
    """A cell's facts reach into the cells before it, as those of one module do."""
    book = profile(tmp_path, notebook([cell(source) for source in CELLS]))
    module = profile(tmp_path, "\n".join(CELLS), "m.py")
    assert set(module.facts.keys.tolist()) == set(book.facts.keys.tolist())


def test_the_old_format(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "language": "python", "input": CELLS[1], "outputs": []}]
    found = profile(tmp_path, json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert [f.qualname for f in found.fragments] == ["<cell 1>", "helper"]
    assert found.fragments[1].location.pointer == "/worksheets/0/cells/0/input"


def test_outputs_enter_nothing(tmp_path: Path) -> None:
    output = {"output_type": "stream", "text": ["def planted(a):\n", "    return a\n"]}
    plain = profile(tmp_path, notebook([cell(CELLS[1])]))
    loud = profile(tmp_path, notebook([cell(CELLS[1], outputs=[output] * 50)]))
    assert loud.facts.keys.tolist() == plain.facts.keys.tolist()
    assert loud.fragments == plain.fragments


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("%matplotlib inline\nx = 1", "\nx = 1"),
        ("!pip install 'a\nx = 1", "\nx = 1"),
        ("!a \\\n  b\nx = 1", "\n\nx = 1"),
        ("x?\nlen??\ny = 1", "\n\ny = 1"),
        ("files = !ls\nt = %timeit -o f()\ny = files", "\n\ny = files"),
        ("%%time\nx = 1", "\nx = 1"),
        ("x = (a\n  %b)\n", "x = (a\n  %b)\n"),
        ("x = a \\\n  %b\n", "x = a \\\n  %b\n"),
        ("s = '''\n%run x\n!ls\n'''\n%run x", "s = '''\n%run x\n!ls\n'''\n"),
        ("if a != b:\n    %run x\n    y = '%d' % a", "if a != b:\n\n    y = '%d' % a"),
    ],
)
def test_magics_are_blanked(source: str, left: str) -> None:
    assert without_magics(source) == left


def test_cells_of_other_languages_are_named(tmp_path: Path) -> None:
    found = profile(
        tmp_path,
        notebook(
            [cell("%%bash\nls"), cell("%%time\n" + CELLS[1]), cell("%%writefile m.py\n" + CELLS[1]), cell("%%html")]
        ),
    )
    assert [f.qualname for f in found.fragments] == ["<cell 2>", "helper", "<cell 3>", "helper"]
    assert [(s.location.pointer, s.reason) for s in found.skipped] == [
        ("/cells/0/source", "a cell of %%bash, which is not Python"),
        ("/cells/3/source", "a cell of %%html, which is not Python"),
    ]


def test_damage_stays_in_its_cell(tmp_path: Path) -> None:
    found = profile(tmp_path, notebook([cell("x = (1,\ny = [\n"), cell(CELLS[1]), cell("def bad(a:\n    return (a\n")]))
    assert "helper" in [f.qualname for f in found.fragments]
    assert {s.location.pointer for s in found.skipped} == {"/cells/0/source", "/cells/2/source"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "nothing",
        '{"cells": 3}',
        '{"cells": [1, null, {"cell_type": "code"}, {"cell_type": "code", "source": 7}]}',
        '{"worksheets": [1, {"cells": 2}]}',
        "[" * 200_000,
        '{"a":' * 100_000,
        '{"metadata": ' + "9" * 10_000 + "}",
        notebook([cell("x <- c(1, 2)")], language_info={"name": "R"}),
        notebook([cell("y = 1\\\n" * 3 + '"""' * 50_000 + "\\")]),
        notebook([cell("x = '" + "a" * 30_000 + "'")]),
        notebook([cell("x = 1")]).encode("utf-16"),
        b"\xff\xfe\x00",
        b'{"cells": [{"cell_type": "code", "source": "x = \'\xe9\'"}], "n": NaN}',
        '{"cells": [{"cell_type": "code", "source": "x = \'\\ud800\\u0000\'"}]}',
        notebook([cell("x")] * (MAX_CELLS + 5)),
    ],
    ids=range(17),
)
def test_hostile_notebooks_are_read_or_named(tmp_path: Path, content: str | bytes) -> None:
    found = profile(tmp_path, content)
    assert found.fragments or found.skipped


def test_of_a_key_that_stands_twice_the_last_counts(tmp_path: Path) -> None:
    """What the notebook's own editor would show."""
    content = notebook([cell(CELLS[1])])[:-1] + ', "cells": []}'
    assert not profile(tmp_path, content).fragments
