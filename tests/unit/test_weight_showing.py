"""What a finding about weights shows: the ladder with all its rungs, tensors, plots only where there is something to plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from codeclone.evidence import weights
from codeclone.match import weight_plots, weight_showing
from codeclone.model import LADDER, Evidence, Repository, Snapshot, Table
from tests.checkpoints import file_of, safetensors_of
from tests.weights import (
    SD,
    compared,
    finding,
    in_matrices,
    llama,
    measured,
    noisy,
    on_grid,
    profile,
    rungs,
    tuned,
    turned,
)

MADE: dict[str, Callable[[], Evidence]] = {
    "noise": lambda: finding(profile(noisy(tuned(llama(1), 1))), profile(tuned(llama(1), 1)), [profile(llama(1))], [profile(llama(2))]),
    "the same": lambda: finding(profile(llama(1)), profile(llama(1))),
    "trained": lambda: finding(profile(tuned(llama(1), 1)), profile(llama(1))),
    "quantised": lambda: finding(profile(in_matrices(llama(1), lambda values: on_grid(values, 8, -1))), profile(llama(1))),
    "turned": lambda: finding(profile(turned(llama(1))), profile(llama(1))),
    "strangers": lambda: finding(profile(llama(2)), profile(llama(1))),
}  # fmt: skip


@cache
def shown(name: str) -> Evidence:
    return MADE[name]()


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from numbers(part)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from numbers(getattr(value, name))


def table(name: str, title: str) -> Table | None:
    return next((its for its in shown(name).tables if its.title == title), None)


@pytest.mark.parametrize("name", MADE)
def test_every_number_is_one(name: str) -> None:
    found = [*numbers(shown(name))]
    assert len(found) > 20
    assert all(math.isfinite(value) for value in found)


EVERY = ["W0", "W1", "W2", "W3", "W4", "W5", "W6"]
RUNGS = {
    "noise": [*EVERY, "W7", "W8", "W9"],
    "the same": EVERY,
    "trained": [*EVERY, "W8"],
    "quantised": [*EVERY, "W8"],
    "turned": EVERY,
    "strangers": EVERY,
}


@pytest.mark.parametrize("name", MADE)
def test_the_ladder_has_every_rung_that_could_be_climbed(name: str) -> None:
    ladder = shown(name).tables[0]
    assert ladder.title == LADDER
    assert [row.cells[0] for row in ladder.rows] == RUNGS[name]
    assert ladder.columns == (
        "rung",
        "what it asks",
        "found",
        "null hypothesis",
        "p",
        "how p is known",
        "sample",
        "seed",
    )
    for row in ladder.rows:
        rung, asks, value, null, chance, status, sample, seed = row.cells
        assert asks
        assert value
        assert null
        assert sample
        assert (chance is None) == (rung in ("W0", "W1", "W8", "W9"))
        assert status == {"W0": "deterministic", "W1": "prerequisite", "W8": "parametric", "W9": "parametric", "W4": "calibrated",
                          "W5": "calibrated", "W7": "calibrated"}.get(str(rung), "exact")  # fmt: skip
        assert (seed is not None) == (rung in ("W2", "W3", "W6"))
        assert seed is None or len(str(seed)) == 32
        found = chance == "below 1e-300" or (isinstance(chance, float) and chance <= weight_showing.UNLIKELY)
        assert row.op == ("same" if found else "edited")


def test_what_the_rungs_found_is_told_with_their_samples() -> None:
    cells = rungs(shown("noise"))
    assert cells["W0"][2] == "0 of 21 equal in every value that was read, 0 of them in all values"
    assert cells["W1"][2] == "21 of 21 left and 21 right tensors, with equal shapes"
    assert cells["W2"][6] == cells["W4"][6] == "384 neurons of 2 blocks"
    assert cells["W3"][2] == "median correlation 1"
    assert cells["W4"][2] == cells["W5"][2] == "384 of 384 neurons"
    assert cells["W6"][6] == "128 neurons of 2 blocks"
    assert str(cells["W7"][2]).endswith("of the left's")
    assert "base 0 (ancestor)" in str(cells["W7"][2])
    assert "coefficient of variation of the sd over 21 tensors" in str(cells["W8"][2])
    assert cells["W9"][6] == "21 tensors without a factor"
    assert rungs(shown("the same"))["W0"][2] == "21 of 21 equal in every value that was read, 21 of them in all values"
    assert "16 of" not in str(rungs(shown("strangers"))["W0"][2])


def test_figures_of_noise_are_those_of_noise() -> None:
    parts = dict(part.rsplit(" ", 1) for part in str(rungs(shown("noise"))["W8"][2]).split(", "))
    assert abs(float(parts["median kurtosis"])) < 0.1
    assert float(parts["s1 in units of independent values"]) == pytest.approx(1, abs=0.1)
    assert float(parts["spread of row variances in the same"]) == pytest.approx(1, abs=0.2)
    assert float(parts["|mean| in standard errors"]) < 2


def test_each_tensor_has_a_row() -> None:
    its = table("noise", "Tensors")
    assert its is not None
    assert [row.cells[0] for row in its.rows] == [*llama(1)]
    assert {row.cells[2] for row in its.rows} == {"noise"}
    by_name = {name: [row.cells[place] for row in its.rows] for place, name in enumerate(its.columns)}
    np.testing.assert_allclose(by_name["noise"], SD, rtol=0.3)
    assert by_name["values"] == [values.size for values in llama(1).values()]
    assert by_name["equal"] == [0.0] * 21
    assert by_name["rank"].count(None) == 5, "vectors have none"
    assert {row.op for row in its.rows} == {"edited"}
    strangers = table("strangers", "Tensors")
    assert strangers is not None
    assert [row.op for row in strangers.rows].count("only_left") == 16
    same = table("the same", "Tensors")
    assert same is not None
    assert {row.op for row in same.rows} == {"same"}


def test_long_lists_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_showing, "MAX_ROWS", 5)
    monkeypatch.setattr(weight_plots, "MAX_POINTS", 4)
    found = MADE["trained"]()
    its = next(its for its in found.tables if its.title == "Tensors")
    assert (len(its.rows), its.left_out) == (5, 16)
    assert len(found.plots[0].series[0].points) <= 4


def test_classes() -> None:
    its = table("noise", "Classes of tensors (medians)")
    assert its is not None
    assert [(row.cells[0], row.cells[1], row.cells[2]) for row in its.rows] == [
        ("matrix", 14, "14 noise"),
        ("embedding", 2, "2 noise"),
        ("norm", 5, "5 noise"),
    ]
    for row in its.rows:
        assert row.cells[5] == pytest.approx(SD, rel=0.1)
        assert row.op == "same"
    trained = table("trained", "Classes of tensors (medians)")
    assert trained is not None
    assert [row.op for row in trained.rows] == ["same", "same", "edited"], "nothing is told of norms"
    assert all(row.cells[5] is None for row in trained.rows)


def test_candidates_have_a_table_of_their_own() -> None:
    its = table("noise", "Ancestors and claimed sources")
    assert its is not None
    base, stranger = (row.cells for row in its.rows)
    assert base[0] == "base 0 (ancestor)"
    assert base[2:5] == (0, 21, 21)
    assert base[6] == pytest.approx(1, abs=0.05)
    assert stranger[0] == "source 0 (claimed source)"
    assert stranger[1] == "16 unrelated, 5 not told"
    assert stranger[5:] == (None, None, None), "from a stranger any two that are alike went the same way"
    assert {row.op for row in its.rows} == {"edited"}
    assert table("trained", "Ancestors and claimed sources") is None


def test_plots_only_where_something_is_related() -> None:
    assert {name: len(shown(name).plots) for name in MADE} == {
        "noise": 2, "the same": 0, "trained": 2, "quantised": 2, "turned": 0, "strangers": 0,
    }  # fmt: skip


def test_the_plot_of_noise_is_flat_and_of_training_is_not() -> None:
    noise, trained = (shown(name).plots[0] for name in ("noise", "trained"))
    sds, means = noise.series
    assert len(sds.points) == len(means.points) == len(sds.labels) == 21
    assert all(y == pytest.approx(SD, rel=0.3) for _, y in sds.points)
    assert [x for x, _ in sds.points] == [float(n) for n in range(1, 22)]
    assert [(line.intercept, line.slope) for line in noise.lines] == [(pytest.approx(SD, rel=0.02), 0.0)]
    assert "in 21 of 21 tensors" in noise.says
    assert not trained.lines
    assert "goes from" in trained.says
    straight, bent = (shown(name).plots[1] for name in ("noise", "trained"))
    assert max(abs(x - y) for x, y in straight.series[0].points) < 0.1
    assert max(abs(x - y) for x, y in bent.series[0].points) > 0.15
    assert len(straight.series[0].points) == 99


def test_measures() -> None:
    its = measured(shown("noise"))
    assert its["evidence"] == 6
    assert its["correlation"] == pytest.approx(1, abs=0.002)
    assert its["containment_left"] == its["containment_right"] == pytest.approx(1, abs=0.003)
    assert 0.99 < its["similarity"] < 1
    assert measured(shown("the same"))["similarity"] == 1
    strangers = measured(shown("strangers"))
    assert strangers["similarity"] == strangers["containment_left"] == 0
    assert abs(strangers["correlation"]) < 0.05
    assert strangers["evidence"] < 1


def test_a_tensor_counts_by_the_square_of_its_correlation() -> None:
    its = measured(finding(profile(noisy(llama(1), 0.03)), profile(llama(1))))
    assert its["correlation"] < 0.85
    assert its["containment_left"] == pytest.approx(its["correlation"] ** 2, abs=0.04)


def test_a_part_counts_by_its_numbers() -> None:
    base = llama(1)
    half = {name: values for name, values in base.items() if "layers.1" not in name}
    its = measured(finding(profile(half), profile(base)))
    size = [sum(values.size for values in model.values()) for model in (half, base)]
    assert its["containment_left"] == 1
    assert its["containment_right"] == its["similarity"] == pytest.approx(size[0] / size[1], abs=1e-5)


def test_controls_are_the_same_measures_of_other_pairs() -> None:
    rows = {(control.name, control.measure) for control in shown("noise").controls}
    names = {f"{side} ~ {other}" for side in ("left", "right") for other in ("base 0", "source 0")}
    assert {name for name, _ in rows} >= names
    values = {control.name: control.value for control in shown("noise").controls if control.measure == "correlation"}
    assert values["left ~ base 0"] == pytest.approx(0.99, abs=0.02)
    assert abs(values["left ~ source 0"] or 0) < 0.05


def test_who_explains_what() -> None:
    found = compared(profile(noisy(llama(1))), profile(llama(1)), [profile(llama(2))])
    assert len(found.attribution) == 21
    assert all(row.best is not None for row in found.attribution)
    assert {row.left.qualname for row in found.attribution} == {*llama(1)}
    (row,) = [row for row in found.explanations if row.candidate == "base 0"]
    assert row.containment < 0.01
    assert row.better == row.tied == 0


def test_odd_values_are_told_once_each_and_the_rest_goes_on() -> None:
    base = llama(1)
    odd = noisy(base)
    odd["model.layers.0.mlp.up_proj.weight"][0, :3] = np.nan
    its = profile(odd)
    (skip,) = its.skipped
    assert skip.location.path == "model.safetensors"
    assert "3 of 12,288 values are no finite numbers: left out" in skip.reason
    assert finding(its, profile(base)).level == "strong"


def test_what_a_repository_has_is_counted() -> None:
    model = llama(1)
    stored = {name: ("F32", values.shape, values.tobytes()) for name, values in model.items()}
    content = safetensors_of({**stored, "model.rotary_emb.inv_freq": ("F32", (8,), bytes(32))})
    its = weights.profile(Snapshot(Repository("r", "r", None, "0" * 64), (file_of("m.safetensors", content),)))
    (row, _) = compared(its, profile(model)).compared
    assert (row.side, row.kind, row.files, row.facts) == ("left", "weights", 1, 21)
