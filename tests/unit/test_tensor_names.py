"""Rewrite rules between two sets of tensor names: what was planted is recovered, and nothing is made of strangers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codeclone.match.rewriting import Rewriter, Rule, corrected, fewest, segments_of, ways
from codeclone.match.tensor_names import NameMatch, match_names
from codeclone.model import Tensor
from tests.checkpoints import transformer

SEGMENTS = ("embed", "tokens", "encoder", "blocks", "norm1", "norm2", "attn", "wq", "wk", "wv", "wo", "mlp", "up", "down",
            "final_norm", "head", "classify")  # fmt: skip
WORDS = tuple(f"{a}{b}" for a in ("amber", "cedar", "delta", "flint", "ivory") for b in ("", "_one", "_two", "_x", "9"))


def renamed(tensors: list[Tensor], rename: Callable[[str], str]) -> list[Tensor]:
    return [Tensor(rename(tensor.name), tensor.shape, tensor.dtype) for tensor in tensors]


def table(match: NameMatch, left: list[Tensor], right: list[Tensor]) -> dict[str, str]:
    return {left[one].name: right[other].name for one, other in match.mapping}


def by_segment(words: Mapping[str, str]) -> Callable[[str], str]:
    return lambda name: ".".join(words.get(segment, segment) for segment in name.split("."))


@st.composite
def planted(draw: st.DrawFn) -> tuple[Callable[[str], str], int]:
    """A renaming, and the number of rules that it is made of."""
    olds = draw(st.lists(st.sampled_from(SEGMENTS), max_size=8, unique=True))
    news = draw(st.lists(st.sampled_from(WORDS), min_size=len(olds), max_size=len(olds), unique=True))
    words = dict(zip(olds, news, strict=True))
    prefix = draw(st.sampled_from(["", "module.", "model.vision.", "encoder."]))

    def rename(name: str) -> str:
        if prefix == "encoder.":  # one beginning becomes another
            rest = name.removeprefix("encoder.blocks.")
            return f"tower.stack.layers.{by_segment(words)(rest)}" if rest != name else by_segment(words)(name)
        return prefix + by_segment(words)(name)

    return rename, len(olds) + bool(prefix)


@given(planted(), st.integers(1, 4), st.booleans())
def test_planted_rules_are_recovered(plan: tuple[Callable[[str], str], int], layers: int, bias: bool) -> None:
    rename, count = plan
    left = transformer(layers, bias=bias)
    right = renamed(left, rename)
    match = match_names(left, right)
    assert table(match, left, right) == {tensor.name: rename(tensor.name) for tensor in left}
    assert match.shapes_equal == match.dtypes_equal == len(left)
    assert len(match.rules) <= count
    assert not match.left_over
    assert not match.right_over


@given(planted(), st.integers(0, 2**32))
def test_the_rules_say_what_the_table_says(plan: tuple[Callable[[str], str], int], seed: int) -> None:
    rename, _ = plan
    left = transformer(2)
    right = renamed(left, rename)
    Random(seed).shuffle(right)
    match = match_names(left, right)
    rewriter = Rewriter(covered.rule for covered in match.rules)
    for old, new in table(match, left, right).items():
        assert old == new or rewriter.apply(segments_of(old))[0] == segments_of(new)
    assert len({other for _, other in match.mapping}) == len(match.mapping)
    assert all(left[one].shape == right[other].shape for one, other in match.mapping)


def test_an_added_prefix_is_one_rule() -> None:
    left = transformer()
    right = renamed(left, lambda name: f"module.{name}")
    assert [c.rule.shown for c in match_names(left, right).rules] == [("", "module.")]
    assert [c.rule.shown for c in match_names(right, left).rules] == [("module.", "")]


def test_a_checkpoint_against_itself_needs_no_rule() -> None:
    tensors = transformer()
    match = match_names(tensors, tensors)
    assert match.mapping == tuple((place, place) for place in range(len(tensors)))
    assert not match.rules
    assert not match.ambiguous


def test_coverage_counts_tensors() -> None:
    left = transformer(layers=5)
    right = renamed(left, by_segment({"norm1": "input_layernorm", "blocks": "layers"}))
    rules = {c.rule.shown: c.tensors for c in match_names(left, right).rules}
    assert rules == {("blocks", "layers"): 80, ("norm1", "input_layernorm"): 10}


def test_a_partial_checkpoint_maps_and_the_rest_is_left_over() -> None:
    whole = transformer(layers=6)
    left = [tensor for tensor in whole if not tensor.name.startswith(("encoder.blocks.4", "encoder.blocks.5", "head"))]
    right = renamed(whole, by_segment({"blocks": "layers", "attn": "self_attn"}))
    match = match_names(left, right)
    assert len(match.mapping) == len(left)
    assert {right[place].name.split(".")[2] for place in match.right_over if "layers" in right[place].name} == {
        "4",
        "5",
    }


def test_a_fused_tensor_is_left_over() -> None:
    left = transformer(layers=2)
    fused = [
        tensor for tensor in left if ".wq" not in tensor.name and ".wk" not in tensor.name and ".wv" not in tensor.name
    ]
    fused += [Tensor(f"encoder.blocks.{layer}.attn.wqkv.weight", (48, 16), "F32") for layer in range(2)]
    match = match_names(left, fused)
    assert {left[place].name.split(".")[-2] for place in match.left_over} == {"wq", "wk", "wv"}
    assert {fused[place].name.split(".")[-2] for place in match.right_over} == {"wqkv"}


def test_numbered_modules_get_names() -> None:
    left = transformer()
    right = renamed(left, lambda name: name.replace("mlp.up", "mlp.0").replace("mlp.down", "mlp.2"))
    match = match_names(left, right)
    assert table(match, left, right) == {t.name: r.name for t, r in zip(left, right, strict=True)}
    assert len(match.rules) == 2


def test_strangers_get_few_rules_or_none() -> None:
    left = transformer(layers=4, width=16)
    convolutions = [
        Tensor(f"stages.{stage}.conv{n}.weight", (2 ** (stage + 3), 8, n, n), "F32")
        for stage in range(4)
        for n in (1, 3)
    ] + [Tensor(f"stages.{stage}.scale", (2 ** (stage + 3),), "F32") for stage in range(4)]
    match = match_names(left, convolutions)
    assert len(match.mapping) <= 2
    assert len(match.rules) <= 1
    other = match_names(left, transformer(layers=4, width=24))
    assert other.shapes_equal == 1  # the bias of the classes


def test_equal_names_with_other_shapes_map_without_agreeing() -> None:
    left, right = transformer(vocabulary=50), transformer(vocabulary=60)
    match = match_names(left, right)
    assert len(match.mapping) == len(left)
    assert match.shapes_equal == len(left) - 1


def test_an_alphabetical_order_tells_nothing() -> None:
    words = {"wq": "zeta", "wk": "beta", "wv": "omega", "wo": "alpha"}
    left = transformer()
    right = renamed(left, by_segment(words))
    known = match_names(left, right)
    assert not known.ambiguous
    assert table(known, left, right)["encoder.blocks.0.attn.wq.weight"] == "encoder.blocks.0.attn.zeta.weight"
    left.sort(key=lambda tensor: tensor.name)
    right.sort(key=lambda tensor: tensor.name)
    guessed = match_names(left, right)
    assert {left[place].name.split(".")[-2] for place in guessed.ambiguous} == set(words)
    assert {c.rule.left for c in guessed.rules if c.ambiguous} == {(word,) for word in words}


def test_a_weight_never_becomes_a_bias() -> None:
    left = [Tensor(f"layers.{n}.norm.weight", (8,), "F32") for n in range(6)]
    right = [Tensor(f"layers.{n}.norm.bias", (8,), "F32") for n in range(6)]
    assert not match_names(left, right).mapping


def test_names_without_shapes_are_compared_as_names() -> None:
    left = [Tensor(tensor.name, None, "") for tensor in transformer()]
    right = renamed(transformer(), lambda name: f"module.{name}")
    match = match_names(left, right)
    assert len(match.mapping) == len(left)
    assert match.shapes_equal == 0
    assert [c.rule.shown for c in match.rules] == [("", "module.")]


def test_tens_of_thousands_of_names() -> None:
    left = [
        Tensor(f"model.layers.{layer}.experts.{expert}.{name}.weight", (8, 4) if name == "down" else (4, 8), "BF16")
        for layer in range(40)
        for expert in range(200)
        for name in ("gate", "up", "down")
    ]
    rename = by_segment({"layers": "h", "experts": "ffns", "gate": "w1", "up": "w3"})
    right = renamed(left, rename)
    match = match_names(left, right)
    assert len(match.mapping) == len(left) == 24_000
    assert table(match, left, right) == {tensor.name: rename(tensor.name) for tensor in left}
    assert len(match.rules) == 4


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a.*.weight", "b.*.weight"),
        ("", "x"),
        ("a..b", "c..b"),
        (".a", ".b"),
        ("a.1.2.3", "b.1.2.3"),
        ("\ud800.weight", "x.weight"),
        ("a." * 300 + "b", "c." * 300 + "b"),
    ],
)
def test_odd_names_break_nothing(left: str, right: str) -> None:
    match = match_names([Tensor(left, (3, 3), "F32")], [Tensor(right, (3, 3), "F32")])
    assert len(match.mapping) <= 1


@example(["", ".1", "1", "N"], Random(3))
@given(st.lists(st.text(st.sampled_from("ab1.*N"), max_size=8), max_size=12, unique=True), st.randoms())
def test_any_names_give_a_one_to_one_mapping_that_the_rules_make(names: list[str], random) -> None:  # type: ignore[no-untyped-def]
    half = len(names) // 2
    left, right = (
        [Tensor(name, (random.choice((2, 3)),), "F32") for name in some] for some in (names[:half], names[half:])
    )
    match = match_names(left, right)
    rewriter = Rewriter(covered.rule for covered in match.rules)
    assert len({other for _, other in match.mapping}) == len(match.mapping)
    for one, other in match.mapping:
        old, new = segments_of(left[one].name), segments_of(right[other].name)
        assert old == new or rewriter.apply(old)[0] == new
    assert match == match_names(left, right)


def test_rules_are_applied_longest_prefix_first() -> None:
    rules = [
        Rule("prefix", (), ("model",)),
        Rule("prefix", ("blocks", "*"), ("layers", "*")),
        Rule("segments", ("norm",), ("ln",)),
        Rule("segments", ("attn", "norm"), ("self", "scale")),
    ]
    rewriter = Rewriter(rules)
    assert rewriter.apply(("blocks", "3", "attn", "norm"))[0] == ("layers", "3", "self", "scale")
    assert rewriter.apply(("blocks", "3", "norm"))[0] == ("layers", "3", "ln")
    assert rewriter.apply(("norm",)) == (("model", "ln"), (rules[0], rules[2]))


def test_ways_are_the_smallest_first() -> None:
    found = ways(("blocks", "*", "norm", "weight"), ("model", "layers", "*", "ln", "weight"), frozenset())
    assert found[0] == (Rule("prefix", ("blocks",), ("model", "layers")), Rule("segments", ("norm",), ("ln",)))


def test_a_segment_that_is_renamed_in_one_place_only_needs_its_neighbour() -> None:
    pairs = [
        (("v", "blocks", "*", "attn", "proj"), ("w", "blocks", "*", "attn", "out")),
        (("v", "patch", "proj"), ("w", "patch", "proj")),
    ]
    names = [tuple(tuple("0" if s == "*" else s for s in side) for side in both) for both in pairs]
    rules = corrected(fewest(pairs, frozenset()), names)
    assert {rule.shown for rule in rules} == {("v", "w"), ("attn.proj", "attn.out")}
