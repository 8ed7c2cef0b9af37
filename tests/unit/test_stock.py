"""An index of packages -> a table: what is counted once, what is added, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codeclone import background, stock
from codeclone.errors import NothingToCompareError, SourceError
from codeclone.evidence import code
from codeclone.read import open_source

ONE = "def scaled(a, b):\n    return a * 3 + b\n"
OTHER = "def joined(names, limit):\n    return ', '.join(sorted(names)[:limit])\n"
KERNEL = "__global__ void add(float* a, int n) { int i = blockIdx.x * 4 + n; if (i < n) a[i] = a[i] + 2.5f; }\n"


def index(folder: Path, text: str) -> str:
    (folder / "index.txt").write_text(text, encoding="utf-8")
    return str(folder / "index.txt")


def built(folder: Path, text: str, extend: background.Background | None = None) -> stock.Built:
    return stock.build(stock.read_index(index(folder, text)), extend)


def facts_of(path: Path) -> set[int]:
    return set(background.shortened(code.profile(open_source(str(path))).facts.keys).tolist())


def count_of(table: background.Background, folder: Path, path: str) -> set[int]:
    """In how many files the facts are that one of the two texts has and the other has not; 0 for what is not listed."""
    other = {ONE: OTHER, OTHER: ONE}[(folder / path).read_text(encoding="utf-8")]
    (folder / "other.py").write_text(other, encoding="utf-8")
    listed = dict(zip(table.keys.tolist(), table.counts.tolist(), strict=True))
    return {listed.get(key, 0) for key in facts_of(folder / path) - facts_of(folder / "other.py")}


@pytest.fixture
def packages(repository, tmp_path: Path) -> Path:
    repository("a1", {"a/x.py": ONE, "a/y.py": ONE, "a/z.py": OTHER})
    repository("a2", {"a/x.py": ONE, "a/y.py": OTHER, "a/new.py": "", "a/k.cu": KERNEL})
    repository("b", {"b/x.py": ONE, "b/z.py": OTHER, "b/again.py": ONE})
    repository("c", {"c/x.py": OTHER, "c/y.py": ONE, "c/z.py": OTHER})
    return tmp_path


def test_a_file_of_several_releases_is_one_document_with_what_any_of_them_holds(packages: Path) -> None:
    table = built(packages, "a 1 a1\na 2 a2\nb 1 b\n").table
    assert (table.files, table.kernel_files) == (7, 1)  # of a: x, y, z, new; a/x.py and a/y.py are in both releases
    assert count_of(table, packages, "a1/a/x.py") == {4}  # not 5 or 6: a/x.py is in both releases
    assert count_of(table, packages, "a1/a/z.py") == {3}  # a/y.py holds it in the second release only
    assert [(source.name, source.release, source.files, source.kernel_files) for source in table.sources] == [
        ("a", "1", 3, 0),
        ("a", "2", 3, 1),
        ("b", "1", 3, 0),
    ]


def test_the_same_path_in_two_packages_is_two_documents(repository, tmp_path: Path) -> None:
    for name in ("p", "q", "r"):
        repository(name, {"x.py": ONE, f"{name}.py": "pass\n"})
    table = built(tmp_path, "p\nq\nr\n").table
    assert count_of(table, tmp_path, "p/x.py") == {3}


def test_facts_in_too_few_files_are_left_out_and_counted(packages: Path) -> None:
    found = built(packages, "a 1 a1\nb 1 b\n")
    assert count_of(found.table, packages, "b/b/x.py") == {4}
    assert count_of(found.table, packages, "b/b/z.py") == {0}
    assert found.facts > len(found.table.keys) > 0


def test_headings_choose_the_language(packages: Path) -> None:
    assert built(packages, "a a2\n").table.kernel_files == 1
    assert built(packages, "[python]\na a2\n").table.kernel_files == 0
    kernels = built(packages, "[kernels]\na a2\n[all]\nb b\n").table
    assert (kernels.files, kernels.kernel_files) == (3, 1)


def test_extending_adds_the_counts(packages: Path) -> None:
    base = built(packages, "b 1 b\nc 1 c\n").table
    assert count_of(base, packages, "b/b/x.py") == count_of(base, packages, "b/b/z.py") == {3}
    extended = built(packages, "a 1 a1\n", base).table
    assert count_of(extended, packages, "b/b/x.py") == {5}
    assert count_of(extended, packages, "b/b/z.py") == {4}
    assert extended.files == 9
    assert [source.name for source in extended.sources] == ["b", "c", "a"]
    whole = built(packages, "b 1 b\nc 1 c\na 1 a1\n").table
    assert background.packed(whole) == background.packed(extended)


def test_what_a_table_lost_starts_anew(packages: Path) -> None:
    base = built(packages, "b 1 b\n").table  # two files with ONE: below what is kept
    assert count_of(base, packages, "b/b/x.py") == {0}
    assert count_of(built(packages, "c 1 c\na 1 a1\n", base).table, packages, "b/b/x.py") == {3}  # of five


def test_nothing_is_counted_twice(packages: Path, repository) -> None:
    base = built(packages, "b 1 b\nc 1 c\n").table
    with pytest.raises(SourceError, match="b: counted in the table already"):
        built(packages, "b 2 a1\n", base)
    with pytest.raises(SourceError, match="bee 1: the same files as b"):
        built(packages, "bee 1 b\n", base)
    with pytest.raises(SourceError, match="bee 1: the same files as b"):
        built(packages, "b 1 b\nbee 1 b\n")


def test_the_same_index_gives_the_same_bytes(packages: Path) -> None:
    text = "a 1 a1\na 2 a2\nb 1 b\nc 1 c\n"
    assert background.packed(built(packages, text).table) == background.packed(built(packages, text).table)


def test_the_order_of_packages_changes_no_count(packages: Path) -> None:
    one, other = built(packages, "a 1 a1\na 2 a2\nb 1 b\n").table, built(packages, "b 1 b\na 2 a2\na 1 a1\n").table
    assert np.array_equal(one.keys, other.keys)
    assert np.array_equal(one.counts, other.counts)


def test_an_index_is_read_line_by_line(tmp_path: Path) -> None:
    text = "# a comment\n\n  a 1.0 with spaces/in it \r\n[kernels]\nb there\n[all]\n/somewhere/c\n"
    assert stock.read_index(index(tmp_path, text)) == (
        stock.Listed("a", "1.0", str(tmp_path / "with spaces/in it"), "all"),
        stock.Listed("b", "", str(tmp_path / "there"), "kernels"),
        stock.Listed("c", "", "/somewhere/c", "all"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [("[rust]\na a\n", "line 1: a heading"), ("\n" + "n" * 500 + " a\n", "line 2: a name"), ("a nowhere\n", "no such")],
)
def test_a_wrong_index_is_told_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        built(tmp_path, text)


def test_an_index_without_code_is_refused(repository, tmp_path: Path) -> None:
    repository("words", {"README.md": "hello"})
    for text in ("", "words\n"):
        with pytest.raises(NothingToCompareError):
            built(tmp_path, text)


def test_files_that_are_not_counted_are_told(repository, tmp_path: Path) -> None:
    repository("p", {"x.py": ONE, "null.py": b"\0" * 5000})
    assert [place for place, _ in built(tmp_path, "p 1 p\n").left_out] == ["p: null.py"]


def test_the_shipped_table_counts_facts_as_they_are_now() -> None:
    table = background.shipped()
    assert table.version == code.VERSION
    assert table.name == ""
    assert len({source.name for source in table.sources}) >= 6
    assert sum(source.name == "transformers" for source in table.sources) >= 4
    assert not background.too_few(table)


def test_all_data_files_stay_below_six_megabytes() -> None:
    assert sum(path.stat().st_size for path in background.TABLE.parent.iterdir() if path.is_file()) < 6_000_000


def test_a_table_of_few_files_says_that_nothing_is_rare_in_it(packages: Path) -> None:
    table = built(packages, "b 1 b\n").table
    assert len(background.too_few(table)) == 2
    least = background.LEAST_FILES
    (told,) = background.too_few(replace(table, files=least - 1, kernel_files=least))
    assert told.startswith(f"The background counts {least - 1} files of Python")
    unlisted = np.array([2**60], np.uint64)
    assert replace(table, files=least).bits(unlisted)[0] >= table.stock_bits
    assert replace(table, files=least - 1).bits(unlisted)[0] < table.stock_bits
