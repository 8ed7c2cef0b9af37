"""Which tensors have the same neurons: by their shapes, in every architecture, never attention."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from codeclone.match.weight_groups import (
    MOST_GROUPS,
    NeuronGroup,
    View,
    class_of,
    groups_of,
    is_weights,
    kept,
    natural,
)
from codeclone.model import Tensor
from tests.weights import tensors

Shapes = dict[str, tuple[int, ...]]
W, N = 64, 176


def llama_block(prefix: str, width: int = W, neurons: int = N) -> Shapes:
    return {
        f"{prefix}.input_layernorm.weight": (width,),
        f"{prefix}.self_attn.q_proj.weight": (width, width),
        f"{prefix}.self_attn.k_proj.weight": (width // 4, width),
        f"{prefix}.self_attn.v_proj.weight": (width // 4, width),
        f"{prefix}.self_attn.o_proj.weight": (width, width),
        f"{prefix}.post_attention_layernorm.weight": (width,),
        f"{prefix}.mlp.gate_proj.weight": (neurons, width),
        f"{prefix}.mlp.up_proj.weight": (neurons, width),
        f"{prefix}.mlp.down_proj.weight": (width, neurons),
    }


def llama(layers: int = 2) -> Shapes:
    made: Shapes = {"model.embed_tokens.weight": (512, W)}
    for layer in range(layers):
        made |= llama_block(f"model.layers.{layer}")
    return {**made, "model.norm.weight": (W,), "lm_head.weight": (512, W)}


def gpt2() -> Shapes:
    """Layers that store their matrices transposed."""
    made: Shapes = {"wte.weight": (512, W), "wpe.weight": (128, W)}
    for layer in range(2):
        made |= {
            f"h.{layer}.ln_1.weight": (W,),
            f"h.{layer}.attn.c_attn.weight": (W, 3 * W),
            f"h.{layer}.attn.c_proj.weight": (W, W),
            f"h.{layer}.ln_2.weight": (W,),
            f"h.{layer}.mlp.c_fc.weight": (W, 4 * W),
            f"h.{layer}.mlp.c_fc.bias": (4 * W,),
            f"h.{layer}.mlp.c_proj.weight": (4 * W, W),
        }
    return {**made, "ln_f.weight": (W,)}


def fused() -> Shapes:
    made: Shapes = {"embed.weight": (512, W)}
    for layer in range(2):
        block = f"model.layers.{layer}"
        made |= {name: shape for name, shape in llama_block(block).items() if "gate" not in name and "up_" not in name}
        made[f"{block}.mlp.gate_up_proj.weight"] = (2 * N, W)
    return made


def bert() -> Shapes:
    made: Shapes = {"embeddings.word_embeddings.weight": (512, W)}
    for layer in range(2):
        block = f"encoder.layer.{layer}"
        made |= {f"{block}.attention.self.{name}.weight": (W, W) for name in ("query", "key", "value")}
        made |= {
            f"{block}.attention.output.dense.weight": (W, W),
            f"{block}.attention.output.LayerNorm.weight": (W,),
            f"{block}.intermediate.dense.weight": (4 * W, W),
            f"{block}.output.dense.weight": (W, 4 * W),
            f"{block}.output.LayerNorm.weight": (W,),
        }
    return made


def vit(first: str = "fc1", second: str = "fc2") -> Shapes:
    made: Shapes = {"cls_token": (1, 1, W), "pos_embed": (1, 17, W), "patch_embed.proj.weight": (W, 3, 4, 4)}
    for layer in range(2):
        made |= {
            f"blocks.{layer}.norm1.weight": (W,),
            f"blocks.{layer}.attn.qkv.weight": (3 * W, W),
            f"blocks.{layer}.attn.proj.weight": (W, W),
            f"blocks.{layer}.norm2.weight": (W,),
            f"blocks.{layer}.mlp.{first}.weight": (4 * W, W),
            f"blocks.{layer}.mlp.{second}.weight": (W, 4 * W),
        }
    return {**made, "norm.weight": (W,)}


def told(shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[str, int, int, list[tuple[str, bool, int]], str]]:
    names = [*shapes]
    return [
        (g.prefix, g.neurons, g.width, [(names[v.place], v.by_row, v.first) for v in g.views],
         names[g.norm] if g.norm is not None else "")
        for g in groups_of(tensors(shapes))
    ]  # fmt: skip


def test_gates() -> None:
    for layer, found in enumerate(told(llama())):
        block = f"model.layers.{layer}"
        views = [(f"{block}.mlp.{name}_proj.weight", name != "down", 0) for name in ("gate", "up", "down")]
        assert found == (block, N, W, views, f"{block}.post_attention_layernorm.weight")
    assert len(told(llama())) == 2


def test_matrices_that_are_stored_transposed() -> None:
    for layer, found in enumerate(told(gpt2())):
        views = [(f"h.{layer}.mlp.c_proj.weight", True, 0), (f"h.{layer}.mlp.c_fc.weight", False, 0)]
        assert found == (f"h.{layer}", 4 * W, W, views, f"h.{layer}.ln_2.weight")
    assert len(told(gpt2())) == 2


def test_two_matrices_in_one() -> None:
    for layer, found in enumerate(told(fused())):
        block = f"model.layers.{layer}"
        both = f"{block}.mlp.gate_up_proj.weight"
        views = [(both, True, 0), (both, True, N), (f"{block}.mlp.down_proj.weight", False, 0)]
        assert found == (block, N, W, views, f"{block}.post_attention_layernorm.weight")
    assert len(told(fused())) == 2


def test_blocks_that_write_what_stands_before_their_norm() -> None:
    for layer, found in enumerate(told(bert())):
        block = f"encoder.layer.{layer}"
        views = [(f"{block}.intermediate.dense.weight", True, 0), (f"{block}.output.dense.weight", False, 0)]
        assert found[:4] == (block, 4 * W, W, views)
        assert found[4].startswith(block)


@pytest.mark.parametrize("names", [("fc1", "fc2"), ("0", "2")])
def test_pictures(names: tuple[str, str]) -> None:
    first, second = names
    for layer, found in enumerate(told(vit(first, second))):
        block = f"blocks.{layer}"
        views = [(f"{block}.mlp.{first}.weight", True, 0), (f"{block}.mlp.{second}.weight", False, 0)]
        assert found == (block, 4 * W, W, views, f"{block}.norm2.weight")
    assert len(told(vit())) == 2


def test_each_expert_has_neurons_of_its_own() -> None:
    made: Shapes = {"model.embed_tokens.weight": (512, W)}
    for layer in range(2):
        block = f"model.layers.{layer}"
        made |= {name: shape for name, shape in llama_block(block).items() if "mlp" not in name}
        made[f"{block}.block_sparse_moe.gate.weight"] = (8, W)
        for expert in range(3):
            made |= {
                f"{block}.block_sparse_moe.experts.{expert}.w1.weight": (N, W),
                f"{block}.block_sparse_moe.experts.{expert}.w2.weight": (W, N),
                f"{block}.block_sparse_moe.experts.{expert}.w3.weight": (N, W),
            }
    found = told(made)
    assert [its[0] for its in found] == [
        f"model.layers.{n}.block_sparse_moe.experts.{e}" for n in range(2) for e in range(3)
    ]
    for prefix, neurons, width, views, norm in found:
        assert (neurons, width) == (N, W)
        assert [name for name, _, _ in views] == [f"{prefix}.w1.weight", f"{prefix}.w3.weight", f"{prefix}.w2.weight"]
        assert norm == f"{prefix.partition('.block_')[0]}.post_attention_layernorm.weight"


@pytest.mark.parametrize("queries", [3 * W // 4, 2 * W, W])
def test_attention_is_never_taken_for_neurons(queries: int) -> None:
    """Also where its matrices are not square, as in models of 4,096 queries and a width of 3,072."""
    made: Shapes = {"embed.weight": (512, W)}
    for layer in range(2):
        for name in ("q", "k", "v"):
            made[f"layers.{layer}.self_attn.{name}_proj.weight"] = (queries, W)
        made[f"layers.{layer}.self_attn.o_proj.weight"] = (W, queries)
    assert groups_of(tensors(made)) == ()
    for layer in range(2):
        made |= {f"layers.{layer}.mlp.up.weight": (N, W), f"layers.{layer}.mlp.down.weight": (W, N)}
    assert {name for its in told(made) for name, _, _ in its[3]} == {
        f"layers.{layer}.mlp.{name}.weight" for layer in range(2) for name in ("up", "down")
    }


@pytest.mark.parametrize(
    "style", ["layers.{}.wq.weight", "blk.{}.attn_q.weight", "h.{}.attention.query.weight", "b.{}.q_lin.weight"]
)
def test_attention_by_any_name(style: str) -> None:
    other = style.replace("wq", "wo").replace("attn_q", "attn_output").replace("query", "out").replace("q_lin", "o_lin")
    made = {f"{style.format(n)}": (2 * W, W) for n in range(2)} | {f"{other.format(n)}": (W, 2 * W) for n in range(2)}
    assert groups_of(tensors(made)) == ()


def test_no_neurons_among_convolutions() -> None:
    made: Shapes = {}
    for layer in range(4):
        made |= {f"features.{layer}.conv.weight": (64, 32, 3, 3), f"features.{layer}.back.weight": (32, 64, 1, 1)}
    made["classifier.weight"] = (100, 64)
    assert groups_of(tensors(made)) == ()


def test_names_that_tell_nothing() -> None:
    """Then it is the order of the file, and that is said."""
    made: Shapes = {"embed": (512, W)}
    for number in range(3):
        made |= {f"x{number}a": (N, W), f"x{number}b": (N, W), f"x{number}c": (W, N), f"x{number}d": (W,)}
    found = groups_of(tensors(made))
    names = [*made]
    assert [[names[view.place] for view in group.views] for group in found] == [
        [f"x{number}a", f"x{number}b", f"x{number}c"] for number in range(3)
    ]
    assert all(not group.named and (group.neurons, group.width) == (N, W) for group in found)
    assert all(group.named for group in groups_of(tensors(llama())))
    del made["x2b"]
    assert groups_of(tensors(made)) == (), "as many that read as write, or twice as many"


def test_nothing_is_found_where_nothing_can_be_shown() -> None:
    few: Shapes = {
        f"layers.{n}.{name}.weight": shape for n in range(2) for name, shape in (("up", (15, W)), ("down", (W, 15)))
    }
    assert groups_of(tensors(few)) == ()
    enough = {name: tuple(16 if size == 15 else size for size in shape) for name, shape in few.items()}
    assert len(groups_of(tensors(enough))) == 2
    square: Shapes = {f"layers.{n}.{name}.weight": (W, W) for n in range(2) for name in ("up", "down")}
    assert groups_of(tensors(square)) == ()
    assert groups_of([]) == ()
    assert groups_of([Tensor("layers.0.up.weight", None, "F32")]) == ()


def test_groups_stand_in_the_order_of_their_numbers() -> None:
    found = groups_of(tensors(dict(reversed(llama(12).items()))))
    assert [group.prefix for group in found] == [f"model.layers.{layer}" for layer in range(12)]
    assert [group.number for group in found] == [*range(12)]
    assert sorted(["a.10.b", "a.9.b", "a.9.a", "b.1"], key=natural) == ["a.9.a", "a.9.b", "a.10.b", "b.1"]


def group(number: int) -> NeuronGroup:
    return NeuronGroup(number, str(number), N, W, (View(0, True), View(1, False)), True, None)


def test_models_of_two_depths_keep_mostly_the_same_groups() -> None:
    short, long = ([its.number for its in kept([group(n) for n in range(count)])] for count in (28, 32))
    assert len(short) == len(long) == MOST_GROUPS
    assert len({*short} & {*long}) >= 6
    assert short == sorted(short)
    assert [its.number for its in kept([group(n) for n in range(5)])] == [*range(5)]


CLASSES = {
    "model.embed_tokens.weight": ((512, W), "embedding"),
    "lm_head.weight": ((512, W), "embedding"),
    "nameless": ((1024, 128), "embedding"),
    "nameless.small": ((511, 64), "matrix"),
    "output.weight": ((512, W), "embedding"),
    "h.0.output.dense.weight": ((W, N), "matrix"),
    "layers.0.mlp.up.weight": ((N, W), "matrix"),
    "layers.0.conv.weight": ((W, 3, 4, 4), "matrix"),
    "layers.0.mlp.up.bias": ((N,), "bias"),
    "layers.0.attn.qkv_bias": ((N,), "bias"),
    "layers.0.norm1.weight": ((W,), "norm"),
    "h.0.ln_1.weight": ((W,), "norm"),
    "layers.0.gamma": ((1, W, 1), "norm"),
    "layers.0.something": ((W,), "other"),
    "logit": ((), "other"),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes(name: str) -> None:
    shape, kind = CLASSES[name]
    assert class_of(Tensor(name, shape, "F32")) == kind


def test_what_nobody_trains_is_no_weight() -> None:
    assert is_weights(Tensor("layers.0.up.weight", (4, 4), "BF16"))
    assert is_weights(Tensor("layers.0.up.weight", (4, 4), "I8")), "quantised"
    assert not is_weights(Tensor("layers.0.up.weight", None, "F32"))
    for dtype in ("I64", "I32", "BOOL", "U16"):
        assert not is_weights(Tensor("layers.0.up.weight", (4, 4), dtype))
    for name in (
        "rotary_emb.inv_freq",
        "bert.embeddings.position_ids",
        "bn1.num_batches_tracked",
        "rope.freqs_cis",
        "x.cos_cached",
    ):
        assert not is_weights(Tensor(name, (4,), "F32")), name
    for name in ("inv_freq.weight", "cosine", "layers.0.sinks", "position_ids_embedding.weight"):
        assert is_weights(Tensor(name, (4,), "F32")), name


def test_the_norm_is_that_of_the_same_block_and_width() -> None:
    made = llama(2)
    del made["model.layers.1.post_attention_layernorm.weight"]
    norms = [its[4] for its in told(made)]
    assert norms == ["model.layers.0.post_attention_layernorm.weight", "model.layers.1.input_layernorm.weight"]
    del made["model.layers.1.input_layernorm.weight"]
    assert told(made)[1][4] == ""
    made["model.layers.1.mlp.up_proj.bias"] = (W,)
    assert told(made)[1][4] == "", "a bias is no gain"


def test_of_several_norms_that_which_is_called_so() -> None:
    made = llama(1) | {"model.layers.0.zz_norm.weight": (W,)}
    assert told(made)[0][4] == "model.layers.0.post_attention_layernorm.weight"
    unnamed = {name.replace("post_attention_layernorm", "b_norm").replace("input_layernorm", "a_norm"): shape for name, shape in llama(1).items()}  # fmt: skip
    assert told(unnamed)[0][4] == "model.layers.0.b_norm.weight", "the last one"


def test_many_matrices_of_one_shape_are_no_block() -> None:
    made = {f"layers.0.w{number}.weight": (N, W) for number in range(4)} | {
        "layers.0.back.weight": (W, N),
        "embed": (512, W),
    }
    assert groups_of(tensors(made)) == () or not groups_of(tensors(made))[0].named
    del made["layers.0.w3.weight"]
    assert len(told(made)[0][3]) == 4


def test_order_of_tensors_in_the_file_changes_no_group() -> None:
    shuffled = [*llama().items()]
    np.random.default_rng(0).shuffle(shuffled)  # type: ignore[arg-type]
    made = dict(shuffled)
    ours, theirs = told(llama()), told(made)
    assert [(its[:3], {*its[3]}, its[4]) for its in ours] == [(its[:3], {*its[3]}, its[4]) for its in theirs]
