"""What must hold for any code."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codeclone.background import shipped
from codeclone.evidence import Context, Findings, Profiled, code
from codeclone.match.rename import prove
from codeclone.model import File, Profile, Repository, Snapshot
from codeclone.read.text import decode
from tests.strategies import functions, names, write

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def profile(*sources: str | bytes) -> Profile:
    files = []
    for number, source in enumerate(sources):
        content = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
        files.append(File(f"m{number}.py", len(content), "0" * 64, lambda content=content: content))
    return code.profile(Snapshot(Repository("r", "r", None, "0" * 64), tuple(files)))


def compare(left: Profile, right: Profile) -> Findings:
    return code.compare(left, [Profiled("right", "right", right)], Context(shipped()))


def keys(found: Profile) -> list[int]:
    return found.facts.keys.tolist()


@relaxed
@given(functions, names, names)
def test_renaming_leaves_facts_unchanged(template: str, one: list[str], other: list[str]) -> None:
    assert keys(profile(write(template, "first", one))) == keys(profile(write(template, "second", other)))


@relaxed
@given(functions, names, st.sampled_from(["crlf", "cr", "bom", "comments", "blank", "latin"]))
def test_layout_and_encoding_leave_facts_unchanged(template: str, variables: list[str], change: str) -> None:
    source = write(template, "f", variables)
    changed: str | bytes = {
        "crlf": source.replace("\n", "\r\n"),
        "cr": source.replace("\n", "\r"),
        "bom": "\ufeff" + source,
        "comments": "# a comment\n" + source.replace("\n    return", "  # another\n    # and one\n    return"),
        "blank": source.replace("\n    ", "\n\n    "),
        "latin": ("# -*- coding: latin-1 -*-\n# d\u00e9j\u00e0\n" + source).encode("latin-1"),
    }[change]
    assert keys(profile(source)) == keys(profile(changed))


@relaxed
@given(functions, names)
def test_a_new_temporary_leaves_facts_unchanged(template: str, variables: list[str]) -> None:
    source = write(template, "f", variables)
    result = f"return {variables[2]}, {variables[3]}"
    changed = source.replace(result, f"kept = {variables[2]}\n    also = kept\n    return also, {variables[3]}")
    assert changed != source
    assert keys(profile(source)) == keys(profile(changed))


@relaxed
@given(st.lists(functions, min_size=1, max_size=4), names)
def test_compare_with_itself_is_all_and_never_more(templates: list[str], variables: list[str]) -> None:
    sources = [write(template, f"f{number}", variables) for number, template in enumerate(templates)]
    findings = compare(profile(*sources), profile(*sources))
    assert all(row.scores["right"] == 1.0 for row in findings.attribution)
    assert findings.partition.own == 0.0


@relaxed
@given(st.lists(functions, min_size=1, max_size=3), st.lists(functions, min_size=1, max_size=3), names)
def test_shares_are_shares_and_parts_add_up(one: list[str], other: list[str], variables: list[str]) -> None:
    left = profile(*(write(template, "f", variables) for template in one))
    findings = compare(left, profile(*(write(template, "g", variables) for template in other)))
    for row in findings.attribution:
        assert all(0.0 <= score <= 1.0 for score in row.scores.values())
    for finding in findings.evidence:
        for measure in finding.measures:
            assert measure.value >= 0.0
            assert measure.unit != "fraction" or measure.value <= 1.0
    fine = {
        key for key, depth in zip(left.facts.keys.tolist(), left.facts.depths.tolist(), strict=True) if depth in (2, 3)
    }
    import numpy as np

    whole = float(shipped().bits(np.array(sorted(fine), np.uint64)).sum())
    assert abs(findings.partition.total - whole) <= 1e-6 * max(1.0, whole)


@relaxed
@given(functions, names, st.integers(0, 2**32))
def test_damaged_input_is_skipped_and_never_an_exception(template: str, variables: list[str], seed: int) -> None:
    generator = random.Random(seed)
    content = bytearray(write(template, "f", variables) + write(template, "g", variables), "utf-8")
    for _ in range(generator.randint(1, 6)):
        place = generator.randrange(len(content))
        content[place : place + generator.randint(0, 3)] = generator.randbytes(generator.randint(0, 4))
    found = profile(bytes(content), write(template, "h", variables))
    # The undamaged file beside it is read as ever.
    assert any(fragment.qualname == "h" for fragment in found.fragments)


@relaxed
@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(content: bytes) -> None:
    profile(content)
    text = decode(content)
    assert text is None or isinstance(text.content, str)


@settings(max_examples=8, deadline=None)
@given(functions, functions, names)
def test_the_same_input_gives_the_same_findings(one: str, other: str, variables: list[str]) -> None:
    def run() -> list[str]:
        findings = compare(profile(write(one, "f", variables)), profile(write(other, "g", variables)))
        return [repr(findings.attribution), repr(findings.partition), repr(findings.evidence)]

    assert run() == run()


@relaxed
@given(functions, names, names)
def test_a_rename_is_proven_with_exactly_its_table(template: str, one: list[str], other: list[str]) -> None:
    left, right = (write(template, name, variables) for name, variables in (("first", one), ("second", other)))
    proof = prove(left, right)
    assert proof is not None
    assert proof.identical == proof.left_statements == proof.right_statements
    assert not proof.contradictions
    assert {(rename.left, rename.right) for rename in proof.renames} == {
        pair for pair in [("first", "second"), *zip(one, other, strict=True)] if pair[0] != pair[1]
    }
