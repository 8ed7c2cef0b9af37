"""Whom declarations name, which marks are kept, and what the left's declarations cover."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codeclone.lineage import Examined, examine, marks, naming, reuse
from codeclone.model import (
    Candidate,
    Declaration,
    DeclarationKind,
    Declared,
    Evidence,
    File,
    Level,
    Location,
    Method,
    Place,
    Repository,
    Role,
    Snapshot,
    Span,
)

RIGHT_FILES = (
    "wrens/__init__.py",
    "wrens/models/__init__.py",
    "wrens/models/bird/__init__.py",
    "wrens/models/bird/modeling_bird.py",
)
LEFT_FILES = ("nest/__init__.py", "nest/wrens/__init__.py", "nest/wrens/models/bird/modeling_bird.py", "nest/own.py")


def said(kind: DeclarationKind, source: str, path: str = "m.py", line: int = 1) -> Declaration:
    return Declaration(kind, source, source, Place(Location(path, Span(line, line))))


def side(
    name: str,
    paths: tuple[str, ...],
    declarations: tuple[Declaration, ...] = (),
    titles: tuple[str, ...] = (),
    definitions: tuple[str, ...] = (),
) -> naming.Side:
    files = tuple(File(path, 0, "", lambda: b"") for path in paths)
    snapshot = Snapshot(Repository(f"{name}-repository", f"/x/{name}-repository", None, ""), files)
    return naming.side(name, snapshot, declarations, titles, definitions)


def names(declaration: Declaration, **right: tuple[str, ...]) -> str:
    (found, *_) = naming.resolve([side("left", LEFT_FILES, (declaration,)), side("R", RIGHT_FILES, **right)])
    return found.names


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("wrens.models.bird.modeling_bird.Bird.forward", "R"),
        ("wrens.models.other.modeling_other.Other", "R"),
        ("nest.own.Thing", "left"),
        ("src/wrens/models/bird/modeling_bird.py", "R"),
        ("https://github.com/someone/wrens/blob/main/src/wrens/models/a.py", "R"),
        ("https://github.com/someone/R-repository", "R"),
        ("someone/R_repository-1.2.0", "R"),
        ("wrens", "R"),
        ("https://github.com/someone/else", ""),
        ("https://github.com/someone/models", ""),
        ("https://github.com/wrens", ""),
        ("else.models.bird.Bird", ""),
        ("WrenAttention.forward", "R"),
        ("utils", ""),
        ("models/utils.py", ""),
    ],
)
def test_whom_a_source_names(source: str, named: str) -> None:
    assert names(said("adapted from", source), definitions=("WrenAttention",)) == named


def test_a_repository_goes_by_its_titles_but_not_by_short_or_general_ones() -> None:
    for title, named in (("Wren Bird 7B", "R"), ("bird", ""), ("Models", ""), ("Installation", "")):
        assert names(said("base model", "x/" + title.replace(" ", "-")), titles=(title,)) == named


def test_a_folder_of_a_package_is_named_by_its_end() -> None:
    declaration = said("copied from", "wrens.models.bird.modeling_bird.Bird")
    (found,) = naming.resolve([side("left", ("own.py",), (declaration,)), side("R", ("modeling_bird.py", "utils.py"))])
    assert found.names == "R"
    (found,) = naming.resolve(
        [side("left", ("own.py",), (said("copied from", "wrens.models.utils.f"),)), side("R", ("utils.py",))]
    )
    assert found.names == ""


def test_licences_and_holders_name_nobody() -> None:
    assert names(said("copyright", "wrens")) == ""
    assert names(said("licence", "wrens")) == ""


def test_its_own_module_is_itself_even_where_the_right_has_the_same() -> None:
    declaration = said("copied from", "wrens.models.bird.modeling_bird.Bird")
    (found,) = naming.resolve([side("left", RIGHT_FILES, (declaration,)), side("R", RIGHT_FILES)])
    assert found.names == "left"


def test_equal_declarations_are_counted_once_in_order() -> None:
    mine = (
        said("credit", "a/b", "a.md"),
        said("copied from", "x.y.Z", "b.py", 3),
        said("copied from", "x.y.Z", "c.py", 9),
    )
    found = naming.counted(naming.resolve([side("left", LEFT_FILES, mine), side("R", RIGHT_FILES, mine[2:])]))
    assert [(one.side, one.declaration.source, one.count, one.declaration.place.location.path) for one in found] == [
        ("left", "a/b", 1, "a.md"),
        ("left", "x.y.Z", 2, "b.py"),
        ("R", "x.y.Z", 1, "c.py"),
    ]


def test_which_sources_are_named_openly() -> None:
    mine = (
        *[said("copied from", f"wrens.models.bird.modeling_bird.B{n}") for n in range(3)],
        *[said("adapted from", "https://github.com/finch/Seed/blob/main/a.py")] * 2,
        said("credit", "https://github.com/finch/seed"),
        said("base model", "owl/night-7b"),
        said("copied from", "nest.own.f"),
        said("copied from", "SomeClass.forward"),
        said("copied from", "tests.a.B"),
        said("licence", "MIT"),
    )
    found = reuse.openly(naming.resolve([side("left", LEFT_FILES, mine), side("R", RIGHT_FILES)]))
    assert found.compared == (("R", 3),)
    assert found.others == (("finch/seed", 3), ("owl/night-7b", 1))


# What covers a finding


def place(path: str, first: int, last: int) -> Place:
    return Place(Location(path, Span(first, last)), "f")


def pair(left: Place, right: Place, level: Level = "moderate", kind: str = "code") -> Evidence:
    return Evidence("e", kind, "", "for", level, (left,), (right,), (), Method("", {}, ""), "")


def candidate(name: str, role: Role) -> Candidate:
    return Candidate(role, name, Repository(name, name, None, ""))


CANDIDATES = (candidate("R", "right"), candidate("C", "claimed"))


def covered(*declared: tuple[Declaration, str]) -> str:
    finding = pair(place("a.py", 100, 120), place("b.py", 1, 20))
    (found,) = reuse.with_declared([finding], [Declared("left", one, names) for one, names in declared], CANDIDATES)
    return found.declared


@pytest.mark.parametrize(
    ("declaration", "named", "sentence"),
    [
        (said("copied from", "x.Y", "a.py", 99), "R", "a.py:99 says of this fragment that it is copied from x.Y: R, the right repository"),
        (said("copied from", "x.Y", "a.py", 110), "C", "a.py:110 says of this fragment that it is copied from x.Y: C, a claimed source"),
        (said("adapted from", "x.Y", "a.py", 3), "R", "a.py:3 says of the file that it is adapted from x.Y: R, the right repository"),
        (said("credit", "x/y", "README.md", 300), "R", "README.md:300 credits x/y: R, the right repository"),
        (said("modular import", "x.y", "a.py", 60), "R", "a.py:60 imports from x.y: R, the right repository"),
        (said("copied from", "x.Y", "a.py", 60), "R", ""),
        (said("copied from", "x.Y", "a.py", 121), "R", ""),
        (said("copied from", "x.Y", "other.py", 99), "R", ""),
        (said("credit", "x/y", "README.md", 3), "C", ""),
        (said("base model", "x/y", "README.md", 3), "R", ""),
        (said("copied from", "x.Y", "a.py", 99), "", ""),
        (said("copied from", "x.Y", "a.py", 99), "left", ""),
    ],
)  # fmt: skip
def test_what_the_left_declares_of_a_finding(declaration: Declaration, named: str, sentence: str) -> None:
    assert covered((declaration, named)) == sentence


def test_the_nearest_declaration_counts_and_of_these_the_right_repository() -> None:
    near, other, far = (
        said("copied from", source, "a.py", line) for source, line in (("n.N", 98), ("o.O", 99), ("f.F", 2))
    )
    assert "n.N" in covered((far, "R"), (near, "C"))
    assert "o.O" in covered((near, "C"), (other, "R"))


def test_findings_of_other_kinds_are_left_alone() -> None:
    finding = pair(place("a.py", 1, 9), place("b.py", 1, 9), kind="config")
    assert reuse.with_declared([finding], [Declared("left", said("credit", "x/y", "a.py"), "R")], CANDIDATES) == (
        finding,
    )


# Marks that are kept and marks that are not found


HEADER = (said("licence", "Apache-2.0", "b.py", 2), said("copyright", "The Wren Inc. team", "b.py", 1))
COPIED = said("copied from", "wrens.models.bird.modeling_bird.Bird.forward", "b.py", 49)
PAIR = pair(place("a.py", 10, 30), place("b.py", 50, 70))


def lost(
    right: tuple[Declaration, ...], left: tuple[Declaration, ...] = (), evidence: tuple[Evidence, ...] = (PAIR,)
) -> Evidence | None:
    declared = [Declared("left", one, "") for one in left] + [Declared("R", one, "") for one in right]
    return marks.lost_marks(declared, evidence, "R")


def outcome(*arguments: tuple[Declaration, ...]) -> tuple[int, int]:
    found = lost(*arguments)
    assert found is not None
    return int(found.measures[0].value), int(found.measures[2].value)


def test_marks_that_are_not_found_are_weak_evidence() -> None:
    found = lost((*HEADER, COPIED))
    assert found is not None
    assert (found.kind, found.stance, found.level) == ("references", "for", "weak")
    assert found.claim == "3 marks of origin stand beside the shared code on the right and are not found in the left"
    assert "1 licence, 1 copyright, 1 copied from" in found.reason
    assert "does not show who took from whom" in found.reason
    assert found.left == (place("a.py", 10, 30),)
    assert [row.cells[:3] for row in found.tables[0].rows] == [
        ("b.py:2", "licence", "Apache-2.0"),
        ("b.py:1", "copyright", "The Wren Inc. team"),
        ("b.py:49", "copied from", "wrens.models.bird.modeling_bird.Bird.forward"),
    ]
    assert {row.note for row in found.tables[0].rows} == {"not found in the left"}


def test_one_mark_is_context_and_so_are_kept_ones() -> None:
    one, kept = lost((COPIED,)), lost((COPIED,), (COPIED,))
    assert one is not None
    assert (one.stance, one.level) == ("context", "none")
    assert kept is not None
    assert (kept.stance, kept.level) == ("context", "none")
    assert kept.tables[0].rows[0].op == "same"


@pytest.mark.parametrize(
    ("right", "left"),
    [
        (said("licence", "GPL-3.0-or-later", "b.py"), said("licence", "GPL-3.0", "COPYING", 1)),
        (said("copyright", "The Wren Inc. team", "b.py"), said("copyright", "Wren Team", "NOTICE", 7)),
        (COPIED, said("adapted from", "wrens.models.bird.modeling_bird.Bird.forward", "z.py", 9)),
        (COPIED, said("copied from", "wrens.models.bird.modeling_bird.Other", "z.py", 9)),
        (COPIED, said("credit", "https://github.com/any/wrens", "README.md", 9)),
        (COPIED, said("adapted from", "https://github.com/any/wrens/blob/main/src/wrens/models/bird/modeling_bird.py#L3", "z.py", 9)),
        (said("copied from", "https://github.com/any/wrens/blob/main/a.py#L7", "b.py"), said("copied from", "http://www.github.com/any/wrens/tree/dev/a.py", "z.py")),
        (said("adapted from", "https://github.com/any/wrens/blob/main/a.py", "b.py"), said("credit", "https://github.com/any/wrens", "README.md")),
    ],
)  # fmt: skip
def test_a_mark_in_other_words_or_in_another_file_is_kept(right: Declaration, left: Declaration) -> None:
    assert outcome((right,), (left,)) == (0, 1)


@pytest.mark.parametrize(
    ("right", "left"),
    [
        (said("licence", "MIT", "b.py"), said("licence", "Apache-2.0", "LICENSE", 1)),
        (said("copyright", "The Wren Inc. team", "b.py"), said("copyright", "The Finch Inc. team", "b.py")),
        (COPIED, said("copied from", "wrens.models.owl.modeling_owl.Owl", "z.py", 9)),
        (COPIED, said("licence", "Apache-2.0", "LICENSE", 9)),
        (COPIED, said("credit", "https://github.com/any/finch", "README.md", 9)),
    ],
)
def test_a_mark_of_something_else_is_no_such_mark(right: Declaration, left: Declaration) -> None:
    assert outcome((right,), (left,)) == (1, 0)


def test_only_marks_beside_pairs_that_tell_something_count() -> None:
    elsewhere = said("copied from", "x.y.Z", "b.py", 300)
    assert lost((elsewhere,)) is None
    assert lost((said("copied from", "x.y.Z", "c.py", 49),)) is None
    assert lost((COPIED,), (), (pair(place("a.py", 1, 9), place("b.py", 50, 70), "weak"),)) is None
    assert lost((COPIED,), (), (pair(place("a.py", 1, 9), place("b.py", 50, 70), "strong", "config"),)) is None
    assert outcome((said("adapted from", "x.y.Z", "b.py", 8),)) == (1, 0)


def test_a_header_in_many_files_is_one_mark() -> None:
    right = tuple(said("licence", "MIT", path) for path in ("b.py", "c.py"))
    found = lost(right, (), (PAIR, pair(place("a.py", 40, 50), place("c.py", 1, 9))))
    assert found is not None
    assert [row.cells[3] for row in found.tables[0].rows] == [2]


def test_what_the_right_takes_from_the_left_is_no_mark_that_was_lost() -> None:
    assert marks.lost_marks([Declared("R", COPIED, "left")], [PAIR], "R") is None


def test_open_credits_of_the_left_are_told() -> None:
    declared = [Declared("left", said("credit", "x/y", "README.md"), "R"), *(Declared("R", one, "") for one in HEADER)]
    found = marks.lost_marks(declared, [PAIR], "R")
    assert found is not None
    assert "the left names the right repository in 1 place, so reuse is declared there" in found.reason


def test_what_is_missing_beside_code_of_which_the_left_says_where_it_comes_from_is_not_lost() -> None:
    openly = replace(PAIR, declared="a.py:3 credits x/y: R, the right repository")
    found = lost((*HEADER, COPIED), (), (openly,))
    assert found is not None
    assert (found.stance, found.level) == ("context", "none")
    assert [measure.value for measure in found.measures] == [0, 3, 0]
    assert "not found in the left, which says" in found.tables[0].rows[0].note
    elsewhere = pair(place("z.py", 10, 30), place("b.py", 80, 90))
    found = lost((*HEADER, COPIED), (), (openly, elsewhere))
    assert found is not None
    assert (found.level, [measure.value for measure in found.measures]) == ("weak", [2, 1, 0])


def test_rows_beyond_the_bound_are_counted() -> None:
    found = lost(tuple(said("copied from", f"x.y.Z{n}", "b.py", 49) for n in range(marks.MAX_ROWS + 7)))
    assert found is not None
    assert (len(found.tables[0].rows), found.tables[0].left_out) == (marks.MAX_ROWS, 7)


def test_controls_in_a_path_are_replaced() -> None:
    found = lost(
        (said("copied from", "x.y.Z", "b\x1b.py", 49),), (), (pair(place("a.py", 10, 30), place("b\x1b.py", 50, 70)),)
    )
    assert found is not None
    assert "\x1b" not in repr(found.tables)


def test_everything_at_once_in_any_order_of_the_findings() -> None:
    right, left = (
        tuple(File(path, 0, "", lambda: b"") for path in paths)
        for paths in ((*RIGHT_FILES, "b.py"), ("a.py", "README.md"))
    )
    mine = (
        said("credit", "https://github.com/x/wrens", "README.md", 3),
        said("credit", "https://github.com/owl/night", "README.md", 4),
    )
    found = examine(
        Snapshot(Repository("l", "l", None, ""), left),
        [(CANDIDATES[0], Snapshot(Repository("R", "R", None, ""), right))],
        [PAIR],
        {"left": mine, "R": (*HEADER, COPIED)},
        {},
        {},
    )
    assert found.names_right == "README.md:3 credits https://github.com/x/wrens"
    assert found.not_examined == ("owl/night",)
    assert [one.names for one in found.declared] == ["R", "", "", "", "R"]
    assert found.evidence[0].declared == "README.md:3 credits https://github.com/x/wrens: R, the right repository"
    assert [measure.value for measure in found.evidence[1].measures] == [0, 2, 1]
    assert "2 are not found either" in found.evidence[1].reason
    assert "1 is found in the left" in found.evidence[1].reason


def test_without_declarations_nothing_is_added() -> None:
    empty = Snapshot(Repository("l", "l", None, ""), ())
    found = examine(empty, [(CANDIDATES[0], empty)], [PAIR], {}, {}, {})
    assert found == Examined((PAIR,), (), "", ())
