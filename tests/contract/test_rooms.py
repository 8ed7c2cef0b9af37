"""Every evidence room keeps the same promises."""

from __future__ import annotations

import pytest

from codeclone.background import shipped
from codeclone.evidence import Context, Profiled, kinds, room
from codeclone.model import KIND_TITLES, File, Profile, Repository, Snapshot
from codeclone.read import open_source
from tests.conftest import SAMPLES

EMPTY = Snapshot(Repository("empty", "empty", None, "0" * 64), ())


DAMAGED = {
    "code": {"nulls.py": b"\0\1\2", "brackets.py": b"def f(:\n  ((((", "line.py": b"x = '" + b"a" * 30_000},
    "config": {
        "config.json": b'{"hidden_size": ',
        "generation_config.json": b"\xff\xfe\xff",
        "preprocessor_config.json": b"[1, 2]",
    },
    "references": {"config.json": b"{", "README.md": b"a\0b"},
    "tokenizer": {"tokenizer.json": b'{"model": ', "tokenizer.model": b"\x0a\xff", "vocab.txt": b"\xff\xfe\xff"},
    "tensors": {
        "model.safetensors": b"\xff" * 7 + b"\x7f" + b"{}",
        "model.gguf": b"GGUF",
        "model.safetensors.index.json": b"[1, 2]",
        "pytorch_model.bin": b"cos\nsystem\n(S'true'\ntR.",
    },
    "weights": {
        "model.safetensors": b"\xff" * 7 + b"\x7f" + b"{}",
        "model.gguf": b"GGUF",
        "pytorch_model.bin": b"cos\nsystem\n(S'true'\ntR.",
    },
}
"""Kind -> files that its room cannot read; the first stands for any file of that kind."""

ABSENCES = ("references",)
"""Kinds that find what is missing on the left: a repository has no such thing against itself."""


def named(profile: Profile, role: str = "right") -> list[Profiled]:
    return [Profiled("right", role, profile)]  # type: ignore[arg-type]


@pytest.fixture(params=kinds())
def any_room(request):
    return request.param, room(request.param)


def test_there_is_a_room(any_room) -> None:
    kind, its_room = any_room
    assert KIND_TITLES[kind] == its_room.TITLE
    assert its_room.VERSION >= 1
    assert its_room.profile(EMPTY).kind == kind


def test_nothing_is_found_in_an_empty_snapshot(any_room) -> None:
    _, its_room = any_room
    something = its_room.profile(open_source(str(SAMPLES / "original")))
    nothing = its_room.profile(EMPTY)
    for left, right in ((nothing, nothing), (something, nothing), (nothing, something)):
        findings = its_room.compare(left, named(right), Context(shipped()))
        assert not findings.evidence
        assert findings.partition.attributable == 0.0


def test_compare_with_itself_finds_everything_and_never_more(any_room) -> None:
    kind, its_room = any_room
    profile = its_room.profile(open_source(str(SAMPLES / "original")))
    findings = its_room.compare(profile, named(profile), Context(shipped()))
    assert bool(findings.evidence) == (kind not in ABSENCES)
    assert findings.partition.own == 0.0
    for row in findings.attribution:
        assert row.scores == {"right": 1.0}
    for finding in findings.evidence:
        for measure in finding.measures:
            assert measure.unit != "fraction" or 0.0 <= measure.value <= 1.0


def test_the_same_input_gives_the_same_findings(any_room) -> None:
    _, its_room = any_room
    left, right = (open_source(str(SAMPLES / name)) for name in ("rewritten", "original"))
    one = its_room.compare(its_room.profile(left), named(its_room.profile(right)), Context(shipped()))
    two = its_room.compare(its_room.profile(left), named(its_room.profile(right)), Context(shipped()))
    assert repr(one.evidence) == repr(two.evidence)
    assert repr(one.attribution) == repr(two.attribution)
    assert one.by_file == two.by_file


def snapshot(files: dict[str, bytes]) -> Snapshot:
    made = tuple(
        File(path, len(content), "0" * 64, lambda content=content: content) for path, content in sorted(files.items())
    )
    return Snapshot(Repository("r", "r", None, "0" * 64), made)


def test_a_damaged_file_is_skipped_with_its_reason(any_room) -> None:
    kind, its_room = any_room
    profile = its_room.profile(snapshot(DAMAGED[kind]))
    assert {skip.location.path for skip in profile.skipped} == set(DAMAGED[kind])
    assert all(skip.reason for skip in profile.skipped)


def test_a_file_that_vanished_is_skipped(any_room) -> None:
    kind, its_room = any_room

    def gone() -> bytes:
        raise FileNotFoundError(2, "No such file or directory")

    path = next(iter(DAMAGED[kind]))
    file = File(path, 10, "0" * 64, gone)
    profile = its_room.profile(Snapshot(Repository("r", "r", None, "0" * 64), (file,)))
    assert [skip.location.path for skip in profile.skipped] == [path]


def test_another_candidate_never_raises_what_is_attributable(any_room) -> None:
    kind, its_room = any_room
    left = its_room.profile(open_source(str(SAMPLES / "fork_radar")))
    right = its_room.profile(open_source(str(SAMPLES / "fork_captions")))
    base = its_room.profile(open_source(str(SAMPLES / "upstream")))
    alone = its_room.compare(left, named(right), Context(shipped())).partition
    for role in ("ancestor", "claimed"):
        candidates = [*named(right), Profiled("base", role, base)]
        one = its_room.compare(left, candidates, Context(shipped()))
        two = its_room.compare(left, candidates[::-1], Context(shipped()))
        assert one.partition == two.partition
        assert one.partition.attributable <= alone.attributable
        assert one.partition.attributable < alone.attributable or kind != "code"
        assert one.partition.total == pytest.approx(alone.total)


def test_facts_stand_in_order_each_once(any_room) -> None:
    _, its_room = any_room
    for name in ("original", "independent"):
        facts = its_room.profile(open_source(str(SAMPLES / name))).facts
        both = [*zip(facts.fragments.tolist(), facts.keys.tolist(), strict=True)]
        assert both == sorted(set(both))
        assert len({len(part) for part in (facts.keys, facts.nodes, facts.depths, facts.readings)}) == 1
