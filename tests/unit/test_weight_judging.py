"""Tensors beside each other: by a factor, row by row, in part, and as a library draws them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from codeclone.match import weight_judging
from codeclone.match.weight_conclusion import LITTLE
from codeclone.match.weight_direction import slopes
from codeclone.match.weight_judging import as_drawn, judged_tensors
from codeclone.match.weight_relation import Judged
from codeclone.model import Evidence
from tests.weights import (
    SD,
    Floats,
    Made,
    Model,
    by_name,
    changed,
    compared,
    finding,
    llama,
    measured,
    noisy,
    on_grid,
    profile,
    pruned,
    side,
    tuned,
)

RANDOM = np.random.default_rng(41)
BASE = llama(1)
ATTENTION, MLP = ("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj")


def scaled(model: Model, factor: float) -> Made:
    return changed(model, lambda _, values: factor * values)


def only(model: Model, parts: tuple[str, ...], rest: Model) -> Made:
    return {name: values if any(part in name for part in parts) else rest[name] for name, values in model.items()}


def heads_reordered(model: Model, heads: int = 4) -> Made:
    """Whole heads, in another order in each layer; no head stays where it was."""
    made = dict(model)
    for name, values in model.items():
        for part in ATTENTION:
            if part in name:
                order = np.roll(np.arange(heads), 1 + ("layers.1" in name))
                axis = int(part == "o_proj")
                size = values.shape[axis] // heads
                places = (order[:, None] * size + np.arange(size)).ravel()
                made[name] = np.ascontiguousarray(np.take(values, places, axis))
    return made


def judged(left: Model, right: Model) -> dict[str, Judged]:
    one, other = side(left), side(right)
    pairs = by_name(one, other)
    return {one.checkpoint.tensors[its.left].name: its for its in judged_tensors(one, other, pairs)}


def said(left: Model, right: Model) -> Evidence:
    return finding(profile(left), profile(right))


def claim(evidence: Evidence) -> str:
    return evidence.claim.partition(": ")[2]


# A factor


@pytest.mark.parametrize("factor", [0.9, 0.99, 1.02])
def test_noise_behind_a_factor(factor: float) -> None:
    evidence = said(noisy(scaled(BASE, factor)), BASE)
    assert (evidence.level, evidence.stance, evidence.direction) == ("moderate", "for", "")
    assert claim(evidence) == "those of the right but for noise"
    assert measured(evidence)["noise_sd"] == pytest.approx(SD, rel=0.05)
    assert "the difference after factor" in evidence.reason
    assert "training does not do this" in evidence.reason


def test_a_factor_tells_no_direction() -> None:
    """It makes the slope that noise on the other side would make."""
    tensors = [*judged(noisy(scaled(BASE, 0.999)), BASE).values()]
    found = slopes(tensors)
    assert found is None or found.direction != "left from right"


def test_training_behind_a_factor_is_no_noise() -> None:
    for seed in range(6):
        its = judged(tuned(scaled(BASE, 0.98), seed, 0.05), BASE)
        assert "noise" not in {tensor.relation for tensor in its.values()}


def test_strangers_behind_a_factor_are_strangers() -> None:
    its = judged(scaled(llama(2), 1.5), BASE)
    assert {tensor.relation for tensor in its.values()} <= {"unrelated", "not told"}
    assert all(tensor.scale == 1 for tensor in its.values())


def test_noise_of_another_size_in_each_tensor() -> None:
    sizes = iter(np.exp(RANDOM.uniform(-1, 1, len(BASE))))
    left = changed(BASE, lambda _, values: values + SD * next(sizes) * RANDOM.normal(0, 1, values.shape))
    evidence = said(left, BASE)
    assert evidence.level == "strong"
    assert "of one size inside each tensor" in evidence.reason


# Rows in another place


def test_heads_in_another_order() -> None:
    its = judged(heads_reordered(BASE), BASE)
    attention = [its[name] for name in its if any(part in name for part in ATTENTION)]
    assert {tensor.relation for tensor in attention} == {"identical"}
    assert all(tensor.part is not None and tensor.part.moved for tensor in attention)
    assert claim(said(heads_reordered(BASE), BASE)) == "those of the right, value by value"


def test_heads_in_another_order_with_noise() -> None:
    evidence = said(noisy(heads_reordered(BASE)), BASE)
    assert (evidence.level, evidence.direction) == ("strong", "left from right")
    assert claim(evidence) == "those of the right with noise on top"
    assert measured(evidence)["noise_sd"] == pytest.approx(SD, rel=0.02)


def test_heads_in_another_order_trained_further() -> None:
    its = judged(tuned(heads_reordered(BASE), 1, 0.05), BASE)
    queries = its["model.layers.0.self_attn.q_proj.weight"]
    assert queries.relation in ("changed", "low rank")
    assert queries.part is not None


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_rows_that_stayed_among_others_that_did_not(share: float) -> None:
    """A vocabulary of which a part was learnt anew: what is left of it is told, and that it is a part."""
    kept = RANDOM.random(256) < share
    rows = np.where(kept[:, None], BASE["lm_head.weight"], llama(2)["lm_head.weight"])
    its = judged({**BASE, "lm_head.weight": rows}, BASE)["lm_head.weight"]
    assert its.relation == "identical"
    assert its.part is not None
    assert (its.part.found, its.part.sampled, its.part.moved) == (int(kept.sum()), 256, 0)


def test_rows_of_strangers_have_no_partners() -> None:
    for seed in range(2, 8):
        its = judged(llama(seed), BASE)
        assert all(tensor.part is None for tensor in its.values())


# Parts of a model


PARTS: dict[str, tuple[Callable[[], Model], str, str]] = {
    "its embedding": (lambda: only(BASE, ("embed",), llama(2)), "moderate", "value by value"),
    "its attention": (lambda: only(BASE, ATTENTION, llama(2)), "moderate", "value by value"),
    "its attention with noise": (lambda: noisy(only(BASE, ATTENTION, llama(2))), "strong", "noise"),
    "its blocks with noise": (lambda: noisy(only(BASE, MLP, llama(2))), "strong", "noise"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_in_an_unrelated_model_is_told(name: str) -> None:
    model, level, how = PARTS[name]
    evidence = said(model(), BASE)
    assert (evidence.level, evidence.stance) == (level, "for")
    assert claim(evidence).startswith("in part those of the right")
    assert how in claim(evidence)
    assert "% of the left's numbers have to do with the right's" in evidence.reason


def test_a_trifle_is_weak() -> None:
    small: Floats = np.asarray(RANDOM.normal(0, 1, (4, 64)), np.float32)
    assert small.size < LITTLE * sum(values.size for values in BASE.values()), "of both sides"
    left, right = ({**llama(seed), "kinds.weight": small} for seed in (2, 3))
    evidence = said(left, right)
    assert (evidence.level, evidence.stance) == ("weak", "for")
    assert "too little to tell a copy" in evidence.reason


def test_a_small_model_inside_a_large_one_is_no_trifle() -> None:
    large: Floats = np.asarray(RANDOM.normal(0, 1, (2_000, 2_000)), np.float32)
    evidence = said({**BASE, "another.weight": large}, BASE)
    assert (evidence.level, evidence.stance) == ("moderate", "for")
    assert claim(evidence) == "in part those of the right, value by value"
    assert said(BASE, {**BASE, "another.weight": large}).level == "moderate"


def test_vectors_alone_are_weak() -> None:
    vectors: Made = {f"a.{n}.bias": np.asarray(RANDOM.normal(0, 1, 200), np.float32) for n in range(4)}
    assert said(vectors, vectors).level == "weak"


# As a library draws them


def drawn(seed: int, uniform: bool) -> Made:
    random = np.random.default_rng([8, seed])

    def draw(_: str, values: Floats) -> Floats:
        if values.ndim < 2:
            return np.ones_like(values)
        its = random.uniform(-0.1, 0.1, values.shape) if uniform else random.normal(0, 0.02, values.shape)
        return np.asarray(its, np.float32)

    return changed(BASE, draw)


@pytest.mark.parametrize("uniform", [False, True])
def test_the_same_seed_gives_everybody_the_same(uniform: bool) -> None:
    model = drawn(1, uniform)
    evidence = said(model, model)
    assert (evidence.level, evidence.stance) == ("weak", "for")
    assert "as a library draws them before any training" in evidence.reason
    its = side(model)
    assert as_drawn(its, judged_tensors(its, its, by_name(its, its)))


def test_what_was_trained_does_not_look_drawn() -> None:
    for model in (BASE, tuned(drawn(1, True), 1, 0.3), noisy(BASE)):
        its = side(model)
        assert not as_drawn(its, judged_tensors(its, its, by_name(its, its)))
        assert said(model, model).level == "moderate"


def test_adapters_that_were_never_trained() -> None:
    """One matrix of each begins as zeros, so the other one is still what was drawn."""
    random = np.random.default_rng(3)
    model: Made = {}
    for n in range(6):
        model[f"layers.{n}.q.lora_A.weight"] = np.asarray(random.uniform(-0.1, 0.1, (8, 256)), np.float32)
        model[f"layers.{n}.q.lora_B.weight"] = np.zeros((256, 8), np.float32)
    assert said(model, model).level == "weak"
    trained = {name: values + np.float32(0.01) * (name.endswith("B.weight")) * RANDOM.normal(0, 1, values.shape).astype(np.float32) for name, values in model.items()}  # fmt: skip
    assert said(trained, trained).level == "moderate"


def test_heads_that_read_the_same_features_are_not_told_by_the_order_of_their_classes() -> None:
    """They come to the same without having anything from each other."""
    common = RANDOM.normal(0, 1, (3, 64, 96))
    left, right = (
        {f"head.{n}.weight": np.asarray(common[n] + 0.3 * RANDOM.normal(0, 1, (64, 96)), np.float32) for n in range(3)}
        for _ in range(2)
    )
    its = finding_or_none(left, right)
    assert its is None or its.level == "none"


def finding_or_none(left: Model, right: Model) -> Evidence | None:
    its = compared(profile(left), profile(right)).evidence
    return its[0] if its else None


# Tables of another length


def longer(model: Model, count: int = 8) -> Made:
    """With tokens more at the end."""
    made = dict(model)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        added = RANDOM.normal(0, 0.04, (count, model[name].shape[1]))
        made[name] = np.concatenate([model[name], np.asarray(added, np.float32)])
    return made


@pytest.mark.parametrize("turned_round", [False, True])
def test_tokens_that_were_added_at_the_end(turned_round: bool) -> None:
    both = (longer(BASE), BASE)[:: -1 if turned_round else 1]
    its = judged(*both)["lm_head.weight"]
    assert its.relation == "identical"
    assert its.part is not None
    assert its.part.found >= 240
    assert its.same_values is None
    evidence = said(*both)
    assert claim(evidence) == "those of the right, value by value", "the rest is next to nothing"
    assert "2 of another length" in str(evidence.tables[0])


def test_longer_tables_with_noise_and_other_names() -> None:
    left = {
        name.replace("model.", "net.").replace("embed_tokens", "words"): its
        for name, its in longer(noisy(BASE)).items()
    }
    evidence = said(left, BASE)
    assert (evidence.level, evidence.direction) == ("strong", "left from right")
    assert claim(evidence) == "those of the right with noise on top"


def test_tables_of_strangers_are_not_put_together() -> None:
    assert "lm_head.weight" not in judged(longer(llama(2)), BASE)


def test_all_of_tables_of_another_length_is_not_read_beside_each_other() -> None:
    """Their samples still are, and both have a digest of their own."""
    one, other = side(longer(BASE)), side(BASE)
    pairs = by_name(one, other)
    place = next(at for at, its in enumerate(one.checkpoint.tensors) if its.name == "lm_head.weight")
    assert one.shape(place) != other.shape(pairs.pairs[place])


# Honest processes that look like others


def test_a_table_that_everybody_begins_with_is_no_noise() -> None:
    """Rows that were the same in all models, and moved by themselves since."""
    start = np.log(np.arange(1, 17))[None].repeat(96, axis=0)

    def begun(seed: int) -> Made:
        random = np.random.default_rng([6, seed])
        tables = {f"model.layers.{n}.mixer.steps": start + random.normal(0, 0.02, start.shape) for n in range(4)}
        return {**llama(seed), **{name: np.asarray(its, np.float32) for name, its in tables.items()}}

    assert (said(begun(1), begun(2)).level, said(begun(1), begun(2)).stance) == ("none", "against")


def test_what_goes_in_and_out_of_a_lone_layer_is_no_row_of_neurons() -> None:
    """Pixels are as alike to each other in all models of pictures."""
    smooth = np.exp(-np.abs(np.subtract.outer(np.arange(96), np.arange(96))) / 8)

    def compressing(seed: int) -> Made:
        random = np.random.default_rng([5, seed])
        parts = {
            "encoder.weight": random.normal(0, 1, (40, 96)) @ smooth,
            "decoder.weight": smooth @ random.normal(0, 1, (96, 40)),
        }
        return {name: np.asarray(its, np.float32) for name, its in parts.items()}

    its = finding_or_none(compressing(1), compressing(2))
    assert its is None or its.level == "none"


@pytest.mark.parametrize("bits", [4, 8])
def test_a_model_that_was_trained_on_from_one_of_few_bits_is_no_source_of_it(bits: int) -> None:
    few = changed(BASE, lambda _, its: on_grid(its, bits, 32 if bits == 4 else -1) if its.ndim == 2 else its)
    on = changed(few, lambda _, its: its + 0.01 * float(its.std()) * (RANDOM.normal(0, 1, (len(its), 2)) @ RANDOM.normal(0, 1, (2, its.shape[1]))) if its.ndim == 2 else its)  # fmt: skip
    evidence = said(few, on)
    assert (evidence.direction, claim(evidence)) == ("", "of one origin with those of the right")
    assert said(few, BASE).direction == "left from right", "what was rounded is"


def test_zeros_that_were_filled_in_tell_no_direction() -> None:
    """Of what was pruned by size the largest are left; what is filled in goes by its own ways."""
    few = pruned(BASE)
    filled = changed(few, lambda _, its: np.where(its == 0, RANDOM.normal(0, 0.04, its.shape), its))
    evidence = said(few, filled)
    assert (evidence.direction, claim(evidence)) == ("", "those of the right but for values set to zero")
    by_row = changed(BASE, lambda _, its: np.where(np.abs(its) < np.quantile(np.abs(its), 0.5, axis=-1, keepdims=True), 0, its) if its.ndim == 2 else its)  # fmt: skip
    assert said(few, BASE).direction == said(by_row, BASE).direction == "left from right"


def test_numbers_on_one_side_alone_are_no_equal_values() -> None:
    holes = changed(BASE, lambda _, its: np.where(np.arange(its.size).reshape(its.shape) % 7, its, np.nan) if its.ndim == 2 else its)  # fmt: skip
    for left, right in ((BASE, holes), (holes, BASE)):
        assert "value by value" not in claim(said(left, right))


def test_a_claimed_source_without_what_is_shared_tests_nothing() -> None:
    """The shared part is in no way its: that the rest is not either says nothing of that part."""
    part = np.asarray(RANDOM.normal(0, 1, (3, 128, 64)), np.float32)
    left, right = ({**llama(seed), **{f"more.{n}.weight": its for n, its in enumerate(part)}} for seed in (1, 2))
    source = profile(llama(3))
    its = compared(profile(left), profile(right), (), [source]).evidence[0]
    assert its.level == "moderate"
    its = compared(profile(left), profile(right), (), [profile({**llama(3), **{f"more.{n}.weight": llama(5)["lm_head.weight"][:128] for n in range(3)}})]).evidence[0]  # fmt: skip
    assert its.level == "strong"


def test_a_tenth_of_the_rows_is_a_part() -> None:
    left = {**llama(2), **{name: np.where(np.arange(len(its))[:, None] % 8 == 0, its, llama(2)[name]) for name, its in BASE.items() if its.ndim == 2 and len(its) >= 192}}  # fmt: skip
    evidence = said(left, BASE)
    assert claim(evidence).startswith("in part")
    share = float(evidence.reason.split(" % of the left's numbers")[0].rpartition(" ")[2])
    assert 5 < share < 12


def test_zeros_that_fill_whole_rows_tell_no_direction() -> None:
    few = {
        name: np.where(np.arange(len(its)) % 8 == 0, 0, its.T).T if its.ndim == 2 else its for name, its in BASE.items()
    }
    evidence = said(changed(few, lambda _, its: its), BASE)
    assert (evidence.direction, claim(evidence)) == ("", "those of the right but for values set to zero")


def test_spectra_are_those_of_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_judging, "MOST_SPECTRA", 16)
    vectors: Made = {
        f"model.layers.0.more.{n}.bias": np.asarray(RANDOM.normal(0, 1, 64), np.float32) for n in range(40)
    }
    its = judged(noisy({**BASE, **vectors}), {**BASE, **vectors})
    assert sum(not np.isnan(tensor.difference.edge) for tensor in its.values()) >= 8


def test_a_stranger_with_three_spreads_of_noise_is_told_the_same_both_ways() -> None:
    base = BASE["lm_head.weight"]
    loud = np.asarray(base + 3 * float(base.std()) * RANDOM.normal(0, 1, base.shape), np.float32)
    one, other = (
        judged({"a.weight": x}, {"a.weight": y})["a.weight"].difference for x, y in ((loud, base), (base, loud))
    )
    assert one.slope_error == pytest.approx(other.slope_error)
