"""`--full`: all numbers in place of samples, and profiles that are enough without."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from codeclone import cli, scan
from codeclone.evidence import weights
from codeclone.match.weight_difference import difference
from codeclone.match.weight_whole import AT_ONCE, digest, read_whole, with_all
from codeclone.model import Evidence, Measure, Profile, Snapshot, Table
from codeclone.read import open_source
from tests.weights import SD, Floats, Made, compared, file, finding, held, measured, noisy, snapshot, stored

RANDOM = np.random.default_rng(31)


def large() -> Made:
    """Matrices of which a sample is a part only."""
    shapes = {"model.embed_tokens.weight": (700, 320), **{
        f"model.layers.{n}.{name}.weight": shape
        for n in range(2)
        for name, shape in (("self_attn.o_proj", (320, 320)), ("mlp.up", (600, 320)), ("mlp.down", (320, 600)), ("norm", (320,)))
    }}  # fmt: skip
    return {name: np.asarray(RANDOM.normal(len(shape) == 1, 0.05, shape), np.float32) for name, shape in shapes.items()}


def table(found: Evidence, title: str) -> Table:
    return next(its for its in found.tables if its.title == title)


def column(found: Evidence, name: str) -> list[Any]:
    its = table(found, "Tensors")
    return [row.cells[its.columns.index(name)] for row in its.rows]


@pytest.fixture(scope="module")
def sides() -> tuple[Snapshot, Snapshot, Profile, Profile]:
    base = large()
    left, right = snapshot(noisy(base), "F16"), snapshot(base, "F32")
    return left, right, weights.profile(left), weights.profile(right)


@pytest.fixture(scope="module")
def both(sides: tuple[Snapshot, Snapshot, Profile, Profile]) -> tuple[Evidence, Evidence]:
    left, right, ours, theirs = sides
    (whole,) = compared(ours, theirs, whole=(left, right)).evidence
    return finding(ours, theirs), whole


def test_all_numbers_say_what_samples_do(both: tuple[Evidence, Evidence]) -> None:
    sampled, whole = both
    assert (sampled.level, sampled.stance, sampled.direction) == (whole.level, whole.stance, whole.direction)
    assert sampled.claim == whole.claim
    assert column(sampled, "relation") == column(whole, "relation")
    for name in ("sd", "correlation", "noise"):
        np.testing.assert_allclose(column(sampled, name), column(whole, name), rtol=0.12)
    assert column(sampled, "sd") != column(whole, "sd")
    assert measured(sampled)["noise_sd"] == pytest.approx(measured(whole)["noise_sd"], rel=0.01)
    assert measured(whole)["noise_sd"] == pytest.approx(SD, rel=0.01)


def test_all_numbers_are_all(both: tuple[Evidence, Evidence]) -> None:
    sampled, whole = both
    sizes = [values.size for values in large().values()]
    assert column(whole, "values") == sizes
    assert all(one < size for one, size in zip(column(sampled, "values"), sizes, strict=True) if size > 2**16)
    slopes = [
        float(str(row.cells[2]).rpartition("±")[2])
        for found in both
        for row in found.tables[0].rows
        if row.cells[0] == "W9"
    ]
    assert slopes[1] < slopes[0], "more numbers are more exact"


def test_digests_are_those_of_the_payloads(
    both: tuple[Evidence, Evidence], sides: tuple[Snapshot, Snapshot, Profile, Profile]
) -> None:
    checkpoints = [its.details["checkpoints"][0] for its in sides[2:]]
    for name, its, its_side in zip(("left", "right"), checkpoints, sides[:2], strict=True):
        content = its_side.files[0].read()
        expected = [
            hashlib.sha256(content[t.stored.offset : t.stored.offset + t.stored.length]).hexdigest()
            for t in its.tensors
        ]
        assert column(both[1], f"SHA-256 {name}") == expected
        assert column(both[0], f"SHA-256 {name}") == [None] * len(expected)


def test_the_other_way_round(
    sides: tuple[Snapshot, Snapshot, Profile, Profile], both: tuple[Evidence, Evidence]
) -> None:
    left, right, ours, theirs = sides
    (back,) = compared(theirs, ours, whole=(right, left)).evidence
    assert back.direction == "right from left"
    assert measured(back)["noise_sd"] == pytest.approx(measured(both[1])["noise_sd"], rel=1e-6)
    assert column(back, "slope left on right") == column(both[1], "slope right on left")
    assert column(back, "SHA-256 right") == column(both[1], "SHA-256 left")


def test_one_value_beyond_the_sample_is_found_in_whole() -> None:
    base = large()
    touched = {name: values.copy() for name, values in base.items()}
    sample = weights.profile(snapshot(base)).details["samples"][0].tensors[1].values
    values = touched["model.layers.0.self_attn.o_proj.weight"]
    row = next(n for n in range(320) if not np.isin(values[n], sample).any())
    values[row, 7] += 1
    left, right = snapshot(touched), snapshot(base)
    profiles = weights.profile(left), weights.profile(right)
    sampled, (whole,) = finding(*profiles), compared(*profiles, whole=(left, right)).evidence
    assert column(sampled, "relation") == ["identical"] * 9
    assert sorted(column(whole, "relation"))[:8] == ["identical"] * 8
    assert column(whole, "relation")[1] != "identical"
    assert " 8 of them in all values" in str(table(whole, whole.tables[0].title).rows[0].cells[2])


def test_samples_are_enough_when_the_files_are_gone(tmp_path: Path) -> None:
    base = large()
    made = []
    for name, model in (("left", noisy(base)), ("right", base)):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "model.safetensors"
        path.write_bytes(file(model).read())
        made.append((path, open_source(str(tmp_path / name))))
    before = [weights.profile(its) for _, its in made]
    expected = finding(*before)
    for path, _ in made:
        path.unlink()
    assert finding(*before) == expected
    found = compared(*before, whole=(made[0][1], made[1][1]))
    assert found.evidence[0].claim == expected.claim
    reasons = [skip.reason for _, skip in found.skipped]
    assert reasons
    assert all("not read in whole" in reason for reason in reasons)


def test_the_option_reads_all(tmp_path: Path) -> None:
    base = large()
    for name, model in (("left", noisy(base)), ("right", base)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(file(model).read())
    left, right = str(tmp_path / "left"), str(tmp_path / "right")
    (found,) = scan(left, right, only=["weights"]).evidence
    assert column(found, "SHA-256 left") == [None] * 9
    output = tmp_path / "full.json"
    arguments = ["scan", left, right, "--only", "weights", "--full", "-o", str(output)]
    assert CliRunner().invoke(cli.main, arguments).exit_code == 0
    assert hashlib.sha256(base["model.embed_tokens.weight"].tobytes()).hexdigest() in output.read_text(encoding="utf-8")


# Sums over all values


def runs(values: Floats, dtype: str, count: int) -> Iterator[tuple[memoryview, Floats]]:
    content, flat = stored(values, dtype), held(values, dtype).ravel()
    size = len(content) // flat.size
    for start in range(0, flat.size, count):
        yield memoryview(content)[start * size : (start + count) * size], flat[start : start + count]


@pytest.mark.parametrize("steps", [(1000, 1000), (7, 64), (3 * AT_ONCE, AT_ONCE + 1)])
@pytest.mark.parametrize("types", [("F32", "F32"), ("BF16", "F32"), ("F8_E4M3", "F16")])
def test_sums_are_those_of_all_values_however_they_come(types: tuple[str, str], steps: tuple[int, int]) -> None:
    one = np.asarray(RANDOM.normal(0, 1, (150, 200)), np.float32)
    other = np.where(RANDOM.random(one.shape) < 0.5, one, RANDOM.normal(0, 1, one.shape)).astype(np.float32)
    one[0], other[:, 0] = 0, 0
    found = read_whole(runs(one, types[0], steps[0]), runs(other, types[1], steps[1]))
    left, right = held(one, types[0]), held(other, types[1])
    exact = difference(left, right, types, False)
    assert exact is not None
    blank = replace(exact, **dict.fromkeys(("mean", "sd", "noise", "kurtosis", "equal", "kept", "left_sd", "right_sd", "left_zeros", "right_zeros", "slope_left", "slope_right", "slope_error"), 0.5))  # fmt: skip
    its = with_all(replace(blank, visible=exact.count), found)
    expected = replace(exact, visible=exact.count)
    for name in ("count", "mean", "sd", "equal", "kept", "left_sd", "right_sd", "left_zeros", "right_zeros", "slope_left",
                 "slope_right", "slope_error"):  # fmt: skip
        assert getattr(its, name) == pytest.approx(getattr(expected, name), rel=1e-6, abs=1e-9), name
    gap = (left.astype(np.float64) - right).ravel()
    assert its.kurtosis == pytest.approx(float(((gap - gap.mean()) ** 4).mean() / gap.var() ** 2 - 3))
    assert its.noise == pytest.approx(its.sd)
    hidden = with_all(replace(blank, visible=5), found)
    assert (hidden.noise, hidden.kurtosis, hidden.visible) == (0.5, 0.5, 5), "rounding hides it: the sample's stay"
    assert found.digests == tuple(
        hashlib.sha256(stored(values, dtype)).hexdigest() for values, dtype in zip((one, other), types, strict=True)
    )
    assert not found.same_values
    assert found.missing == 0
    assert digest(runs(one, types[0], steps[0])) == found.digests[0]


def test_values_that_are_no_numbers_are_counted_and_left_out() -> None:
    one, other = (np.asarray(RANDOM.normal(0, 1, (3, AT_ONCE)), np.float32) for _ in range(2))
    one[0, :5], one[1, 3], other[1, 3], other[2, 9] = np.nan, np.inf, np.nan, -np.inf
    found = read_whole(runs(one, "F32", 999), runs(other, "F32", 1001))
    assert found.missing == 6, "one is none on either side"
    sample = difference(one, other, ("F32", "F32"), False)
    assert sample is not None
    assert with_all(sample, found).equal == sample.equal
    assert found.sums[0] == one.size - 7
    assert all(math.isfinite(value) for value in found.sums)
    finite = np.isfinite(one) & np.isfinite(other)
    assert found.sums[7] == pytest.approx(float(((one[finite].astype(np.float64) - other[finite]) ** 2).sum()))
    nothing = np.full((2, 3), np.nan, np.float32)
    empty = read_whole(runs(nothing, "F32", 6), runs(nothing, "F32", 6))
    assert (empty.missing, empty.sums[0], empty.same_values) == (0, 0, True)


def test_what_is_equal_in_the_sample_is_not_rounded_in_the_rest() -> None:
    one = np.asarray(RANDOM.normal(0, 1, (4, AT_ONCE)), np.float32)
    other = np.where(np.arange(4)[:, None] < 2, one, 1.5 * one).astype(np.float32)
    sample = difference(one[:2], other[:2], ("F32", "F32"), False)
    assert sample is not None
    assert sample.equal == sample.left_rounded == 1
    its = with_all(sample, read_whole(runs(one, "F32", 999), runs(other, "F32", 1001)))
    assert its.equal == its.left_rounded == its.right_rounded == 0.5


def test_the_same_values_in_another_type_are_the_same() -> None:
    values = held(np.asarray(RANDOM.normal(0, 1, (50, 60)), np.float32), "BF16")
    found = read_whole(runs(values, "BF16", 100), runs(values, "F32", 64))
    assert found.same_values
    assert found.digests[0] != found.digests[1]
    odd = values.copy()
    odd[3, 3] = np.nan
    assert read_whole(runs(odd, "F32", 100), runs(odd, "F32", 64)).same_values
    assert not read_whole(runs(odd, "F32", 100), runs(values, "F32", 64)).same_values
    values[-1, -1] += 1
    assert not read_whole(runs(odd, "F32", 100), runs(values, "F32", 64)).same_values


def test_measures_of_all_numbers_are_the_names_of_the_sample(both: tuple[Evidence, Evidence]) -> None:
    assert [m.name for m in both[0].measures] == [m.name for m in both[1].measures]
    assert all(isinstance(m, Measure) and math.isfinite(m.value) for m in both[1].measures)
