"""The rename proof: the table, what contradicts it, and what is left."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from codeclone import scan
from codeclone.match.listing import Reader, listing
from codeclone.match.rename import prove
from codeclone.model import Contradiction, Fragment, Location, RenameProof

ORIGINAL = '''
def pack(strips, sizes, pad=0):
    """Pad strips to one length."""
    longest = max(len(strip) for strip in strips)
    batch = torch.full((len(strips), longest), pad)
    for i, strip in enumerate(strips):
        # the rest stays padding
        batch[i, : len(strip)] = strip * sizes[i]
    if longest > 4096:
        raise ValueError("too long")
    return batch.clamp(min=0), longest
'''


def proof(left: str, right: str) -> RenameProof:
    found = prove(dedent(left), dedent(right))
    assert found is not None
    return found


def table(found: RenameProof) -> dict[str, str]:
    return {rename.left: rename.right for rename in found.renames}


def renamed(text: str, **names: str) -> str:
    for old, new in names.items():
        text = "".join(part if not part.isidentifier() else new if part == old else part for part in _pieces(text))
    return text


def _pieces(text: str) -> list[str]:
    return re.split(r"(\W+)", text)


def test_a_clean_rename_leaves_nothing() -> None:
    names = {"pack": "stack", "strips": "rows", "sizes": "gains", "longest": "width", "batch": "table", "strip": "row"}
    found = proof(renamed(ORIGINAL, **names), ORIGINAL)
    assert table(found) == {new: old for old, new in names.items()}
    assert not found.contradictions
    assert found.identical == found.left_statements == found.right_statements == 8
    assert found.identical_before < 3


def test_layout_comments_docstrings_annotations_and_quotes_do_not_count() -> None:
    left = """
    def pack(strips: list, sizes: "Tensor", pad: int = 0) -> tuple:
        longest = max((len(strip)
                       for strip in strips))
        batch = torch.full((len(strips), longest), pad)
        for (i, strip) in enumerate(strips): batch[i, :len(strip)] = strip*sizes[i]
        if (longest > 4_096):
            raise ValueError('too ' 'long')
        return batch.clamp(min=0), longest
    """
    found = proof(left, ORIGINAL)
    assert found.identical == found.identical_before == found.left_statements == found.right_statements
    assert not found.renames


def test_edits_between_renames_leave_the_table_whole() -> None:
    left = """
    def stack(rows, gains, fill=0):
        width = max(len(row) for row in rows)
        log.info("packing %d", width)
        table = torch.full((len(rows), width), fill)
        for k, row in enumerate(rows):
            table[k, : len(row)] = row * gains[k] + 0.5
        return table.clamp(min=0), width
    """
    found = proof(left, ORIGINAL)
    expected = {"stack": "pack", "rows": "strips", "gains": "sizes", "fill": "pad", "width": "longest", "row": "strip"}
    assert expected.items() <= table(found).items()
    assert (found.left_statements, found.right_statements, found.identical) == (7, 8, 5)


def test_two_names_that_changed_places() -> None:
    left = "def f(a, b):\n    c = a.scale * b[1:]\n    return g(a, 2 * b, c)\n"
    right = "def f(b, a):\n    c = b.scale * a[1:]\n    return g(b, 2 * a, c)\n"
    found = proof(left, right)
    assert table(found) == {"a": "b", "b": "a"}
    assert (found.identical_before, found.identical) == (0, 3)


def test_a_name_that_stands_for_two_contradicts_the_table() -> None:
    right = "def f(x):\n    x = conv(x)\n    x = norm(x)\n    return pool(x, 2)\n"
    left = "def f(a):\n    a = conv(a)\n    a = norm(a)\n    return pool(b, 2)\n"
    found = proof(left.replace("norm(a)", "norm(b)").replace("a = norm", "b = norm"), right)
    assert ("b", "x") in {(c.left, c.right) for c in found.contradictions}
    assert found.identical < found.left_statements
    assert all(isinstance(c, Contradiction) and c.count >= 1 for c in found.contradictions)


def test_attributes_keywords_and_nested_functions_are_in_the_table() -> None:
    right = """
    def forward(self, x):
        def half(part):
            return part * self.ratio
        x = self.ln(x, scale_by=half(x))
        return self.proj(x) + self.bias_table
    """
    names = {"half": "scaled", "part": "p", "ratio": "factor", "ln": "before", "scale_by": "gain", "proj": "out"}
    found = proof(renamed(right, **names), right)
    assert table(found) == {new: old for old, new in names.items()}
    kinds = {rename.left: rename.kind for rename in found.renames}
    assert (kinds["p"], kinds["factor"], kinds["gain"]) == ("variable", "attribute", "keyword")
    assert found.identical == found.right_statements


def test_a_variable_and_an_attribute_of_one_name_are_two_names() -> None:
    right = "def __init__(self, size):\n    self.size = size\n    self.half = size // 2\n"
    left = "def __init__(self, width):\n    self.extent = width\n    self.half = width // 2\n"
    found = proof(left, right)
    assert {(r.left, r.right, r.kind) for r in found.renames} == {
        ("width", "size", "variable"),
        ("extent", "size", "attribute"),
    }


def test_another_library_function_is_no_rename() -> None:
    found = proof(
        "def f(x):\n    y = torch.zeros(4)\n    return sorted(x.permute(1, 0)), y\n",
        "def f(x):\n    y = torch.empty(4)\n    return list(x.transpose(1, 0)), y\n",
    )
    assert not found.renames
    assert found.identical == 1


def test_the_same_statements_in_other_blocks_are_counted() -> None:
    left = "def f(x):\n    for a in x:\n        g(a)\n    h(x)\n"
    right = "def f(x):\n    for a in x:\n        g(a)\n        h(x)\n"
    assert proof(left, right).renested == 1


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 10_000 + ")" * 10_000,
        "x = f'{" + "(" * 10_000 + ")" * 10_000 + "}'",
        "x = " + "not " * 5_000 + "y",
        "x = " + "lambda: " * 5_000 + "y",
        "x = y" + "()" * 5_000,
        "x = " + "+".join("y" * 5_000),
        "x = [" + "{1: " * 5_000 + "1" + "}" * 5_000 + "]",
        "\n".join(" " * depth + "if x:" for depth in range(300)),
        "if x:\n    pass\n" + "elif y:\n    pass\n" * 1_500,
        ("x = " + "[" * 40 + "]" * 40 + "\n") * 450,
        ("x = y" + ".z" * 140 + "\n") * 130,
        '"""\\' * 9_000,
        "'" * 30_001,
        "x = '" + "a" * 1_000_000 + "'",
        "x = 1\0",
        "def f(x):\n    return (x,",
        "def f(x):\n    print 'a'\n    exec x\n",
        "%matplotlib inline\n!ls",
    ],
    ids=lambda text: text[:12],
)
def test_what_could_do_harm_or_is_no_python_is_refused(text: str) -> None:
    assert isinstance(listing(text), str)
    assert prove(text, ORIGINAL) is None
    assert prove(ORIGINAL, text) is None


def test_a_header_whose_body_is_elsewhere_is_read() -> None:
    assert not isinstance(listing("class A(Base):\n"), str)
    assert not isinstance(listing("    @property\n    def f(self):\n        return 1\n"), str)


def test_a_report_says_why_there_is_no_proof(tmp_path: Path) -> None:
    source = "def f(values, limit):\n" + "".join(
        f"    total_{i} = values[{i}] ** {i}.25 + limit * {i}.5\n    print total_{i}\n" for i in range(12)
    )
    totals = ", ".join(f"total_{i}" for i in range(12))
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "m.py").write_text(source.replace("limit", f"limit_{side}") + f"    return [{totals}]\n")
    (finding,) = scan(str(tmp_path / "left"), str(tmp_path / "right")).evidence
    assert finding.proof is None
    assert finding.unproven == "left: libcst does not parse its lines as Python"
    assert finding.type == "type-2"
    assert "the same but for names" in finding.reason


def test_a_reader_stops_where_its_budget_ends() -> None:
    one, other = (
        Fragment(Location("a.py"), name, "function", "python", ((1, f"def {name}(): return {name * 20}"),), -1)
        for name in ("f", "g")
    )
    reader = Reader(50)
    for fragment in (one, one, other):
        reader.admit(fragment)
    assert not isinstance(reader.read(one), str)
    assert not isinstance(reader.read(one), str)
    assert "used up" in str(reader.read(other))


def test_headers_in_the_middle_whose_bodies_are_elsewhere_are_read() -> None:
    text = "import torch\nif hasattr(nn, 'SiLU'):\n    Swish = nn.SiLU\nelse:  # before 1.7\n\ntry:\nexcept ImportError:\n    pass\nEND = 1\n"
    found = listing(text)
    assert not isinstance(found, str)
    assert found.statements[-1].tokens[0] == "Assign:1"


def test_names_that_one_edited_statement_alone_pairs_are_no_rename() -> None:
    left = "def f(x):\n    a = g(x, 1)\n    b = h(a, deep.width)\n    return b\n"
    right = "def f(x):\n    a = g(x, 1)\n    b = h(a, 2, wide.depth + 3)\n    return b\n"
    assert not {"deep", "width"} & {rename.left for rename in proof(left, right).renames}


def test_names_of_definitions_are_a_kind_of_their_own() -> None:
    found = proof("def f(x):\n    y = g(x, 1)\n    return y\n", "def k(x):\n    z = g(x, 1)\n    return z\n")
    assert [(r.left, r.right, r.kind) for r in found.renames] == [("y", "z", "variable"), ("f", "k", "definition")]
