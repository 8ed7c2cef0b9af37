"""What somebody can do to a copied checkpoint, and what honest people do to one: each a function of (weights, architecture,
seed) that leaves its argument as it is.

They stand in disguise_table.py by name, with what each of them keeps; self_check.py holds them to it. Rounding to fewer bits
is in rounding.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import simulated_models
from small_models import Architecture, Checkpoint, Floats, layer_of, norms, roles

Disguise = Callable[[Checkpoint, Architecture, int], Checkpoint]

NOISES = (1e-5, 1e-4, 1 / 708, 5e-3, 2e-2)
"""Standard deviations, beside weights of 0.02 to 0.09."""


# Noise


def copied(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    return {name: value.copy() for name, value in weights.items()}


def noisy(weights: Checkpoint, architecture: Architecture, seed: int, sd: float = 1 / 708) -> Checkpoint:
    """Gaussian, as large in every tensor: norms and biases as well."""
    rng = np.random.default_rng([seed, 10])
    return {name: (value + rng.normal(0, sd, value.shape)).astype(np.float32) for name, value in weights.items()}


def noisy_in_proportion(weights: Checkpoint, architecture: Architecture, seed: int, share: float = 0.03) -> Checkpoint:
    """Gaussian, with a standard deviation that is a share of each tensor's."""
    rng = np.random.default_rng([seed, 11])
    return {n: (v + rng.normal(0, share * v.std(), v.shape)).astype(np.float32) for n, v in weights.items()}


def noisy_unevenly(weights: Checkpoint, architecture: Architecture, seed: int, sd: float = 1 / 708) -> Checkpoint:
    """Gaussian, of another size in each tensor: between a third and three times as large."""
    rng = np.random.default_rng([seed, 22])
    sizes = sd * np.exp(rng.uniform(-np.log(3), np.log(3), len(weights)))
    return {
        name: (value + rng.normal(0, size, value.shape)).astype(np.float32)
        for (name, value), size in zip(weights.items(), sizes, strict=True)
    }


def scaled(weights: Checkpoint, architecture: Architecture, seed: int, factor: float = 0.99) -> Checkpoint:
    return {name: (factor * value).astype(np.float32) for name, value in weights.items()}


def noisy_uniform(weights: Checkpoint, architecture: Architecture, seed: int, half: float = 2.5e-3) -> Checkpoint:
    rng = np.random.default_rng([seed, 12])
    return {n: (v + rng.uniform(-half, half, v.shape)).astype(np.float32) for n, v in weights.items()}


# Names

OTHER_NAMES = {
    "llama": (
        ("model.embed_tokens", "tok_embeddings"), ("model.layers", "layers"), ("self_attn.", "attention."),
        ("q_proj", "wq"), ("k_proj", "wk"), ("v_proj", "wv"), ("o_proj", "wo"), ("mlp.gate_proj", "feed_forward.w1"),
        ("mlp.up_proj", "feed_forward.w3"), ("mlp.down_proj", "feed_forward.w2"), ("input_layernorm", "attention_norm"),
        ("post_attention_layernorm", "ffn_norm"), ("model.norm", "norm"), ("lm_head", "output"),
    ),
    "gpt2": (
        ("transformer.wte", "decoder.token_embedding"), ("transformer.wpe", "decoder.position_embedding"),
        ("transformer.h.", "decoder.layers."), ("attn.c_attn", "mixer.qkv_proj"), ("attn.c_proj", "mixer.out_proj"),
        ("mlp.c_fc", "ffn.in_proj"), ("mlp.c_proj", "ffn.out_proj"), ("ln_1", "pre_norm"), ("ln_2", "post_norm"),
        ("transformer.ln_f", "decoder.final_norm"),
    ),
    "vit": (
        ("cls_token", "class_embedding"), ("pos_embed", "positional_embedding"), ("patch_embed.proj", "stem"),
        ("blocks.", "encoder.layers."), ("attn.qkv", "self_attention.in_proj"), ("attn.proj", "self_attention.out_proj"),
        ("mlp.fc1", "ffn.0"), ("mlp.fc2", "ffn.3"), ("norm1", "ln_1"), ("norm2", "ln_2"), ("head", "classifier"),
    ),
    "mixtral": (
        ("model.layers", "decoder.blocks"), ("model.embed_tokens", "decoder.embedding"), ("self_attn.", "mixer."),
        ("block_sparse_moe.gate", "moe.router"), ("block_sparse_moe.experts", "moe.expert"), ("w1.", "gate_proj."),
        ("w3.", "up_proj."), ("w2.", "down_proj."), ("model.norm", "decoder.norm"), ("lm_head", "decoder.unembedding"),
    ),
}  # fmt: skip


def renamed(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """As another code base calls them."""

    def other(name: str) -> str:
        for old, new in OTHER_NAMES[architecture.family]:
            name = name.replace(old, new)
        return name

    return {other(name): value for name, value in weights.items()}


def unnamed(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """Names that tell nothing, in an order that tells nothing."""
    order = np.random.default_rng([seed, 13]).permutation(len(weights))
    named = dict(zip((f"t{place:04}" for place in order), weights.values(), strict=True))
    return dict(sorted(named.items()))


# What keeps the function


def neurons_permuted(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """In each layer, or expert: the rows before and the columns after the activation together."""
    rng = np.random.default_rng([seed, 14])
    its = sorted({axis for axes in roles(architecture).values() for axis in axes if axis.startswith("neuron")})
    return _permuted(weights, architecture, {axis: rng.permutation(architecture.hidden) for axis in its})


def heads_permuted(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """Heads of queries only with the heads of keys and values that they share, in another order inside."""
    rng, width = np.random.default_rng([seed, 15]), architecture.head_width
    places: dict[str, np.ndarray] = {}
    for layer in range(architecture.layers):
        keys = rng.permutation(architecture.key_heads)
        inside = architecture.heads // architecture.key_heads
        queries = np.concatenate([key * inside + rng.permutation(inside) for key in keys])
        key_places, query_places = ((h[:, None] * width + np.arange(width)).ravel() for h in (keys, queries))
        places |= {f"{role}.{layer}": key_places for role in ("keys", "values")}
        places |= {f"{role}.{layer}": query_places for role in ("queries", "outputs")}
        places[f"fused.{layer}"] = np.concatenate([part * architecture.width + query_places for part in range(3)])
    return _permuted(weights, architecture, places)


def residual_permuted(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    places = np.random.default_rng([seed, 16]).permutation(architecture.width)
    return _permuted(weights, architecture, {"residual": places, "gain": places})


def _permuted(weights: Checkpoint, architecture: Architecture, places: dict[str, np.ndarray]) -> Checkpoint:
    made, its = dict(weights), roles(architecture)
    for name, value in weights.items():
        for axis, role in enumerate(its.get(name, ())):
            if role in places:
                value = value.take(places[role], axis=axis)
        made[name] = np.ascontiguousarray(value)
    return made


def neurons_scaled(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """Of gated neurons: the row of `up` by a factor between 1/4 and 4, the column of `down` by its inverse."""
    rng, made = np.random.default_rng([seed, 17]), dict(weights)
    for up, down in (("up_proj", "down_proj"), ("w3", "w2")):
        for name in [name for name in weights if f".{up}." in name]:
            factors = np.exp(rng.uniform(-np.log(4), np.log(4), architecture.hidden)).astype(np.float32)
            other = name.replace(up, down)
            made[name], made[other] = weights[name] * factors[:, None], weights[other] / factors
    return made


def values_rotated(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """Inside each head of values, undone in the matrix that reads the heads; where they are matrices of their own."""
    rng, made, width = np.random.default_rng([seed, 18]), dict(weights), architecture.head_width
    inside = architecture.heads // architecture.key_heads
    for name in [name for name in weights if ".v_proj." in name]:
        other = name.replace("v_proj", "o_proj")
        turns = [_rotation(rng, width) for _ in range(architecture.key_heads)]
        values = np.split(weights[name], architecture.key_heads)
        read = np.split(weights[other], architecture.heads, axis=1)
        made[name] = np.concatenate([turn.T @ value for turn, value in zip(turns, values, strict=True)])
        made[other] = np.concatenate([part @ turns[head // inside] for head, part in enumerate(read)], axis=1)
    return {name: value.astype(np.float32) for name, value in made.items()}


def gains_folded(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """All gains of norms are one: the matrices that read them have them in their columns."""
    made, its = {name: value.astype(np.float64) for name, value in weights.items()}, roles(architecture)
    if architecture.family == "gpt2":
        made.setdefault("lm_head.weight", made["transformer.wte.weight"].copy())
    for norm in norms(architecture):
        gain = made[norm.gain]
        for reader in norm.readers:
            axis = its.get(reader, ("token", "residual")).index("residual")
            made[reader] = made[reader] * np.expand_dims(gain, [other for other in (0, 1) if other != axis])
        if norm.bias:
            made[norm.bias] = made[norm.bias] / gain
        made[norm.gain] = np.ones_like(gain)
    return {name: value.astype(np.float32) for name, value in made.items()}


def residual_rotated(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """By a random rotation, with the gains folded first; for LayerNorm by one that keeps the mean."""
    rng, its = np.random.default_rng([seed, 19]), roles(architecture)
    turn = _rotation(rng, architecture.width)
    if architecture.family in ("gpt2", "vit"):
        mean = np.ones((architecture.width, 1))
        basis = np.linalg.qr(np.concatenate([mean, rng.normal(0, 1, turn[:, 1:].shape)], axis=1))[0]
        inner = np.eye(architecture.width)
        inner[1:, 1:] = _rotation(rng, architecture.width - 1)
        turn = basis @ inner @ basis.T
    made = {}
    for name, value in gains_folded(weights, architecture, seed).items():
        axes = its.get(name, ("token", "residual"))
        if "residual" in axes:
            axis = axes.index("residual")
            value = np.moveaxis(np.moveaxis(value.astype(np.float64), axis, -1) @ turn, -1, axis)
        made[name] = np.ascontiguousarray(value, dtype=np.float32)
    return made


def _rotation(rng: np.random.Generator, width: int) -> Floats:
    """Uniform over all (Haar): the signs of R's diagonal are taken out (Mezzadri 2007, section 5)."""
    q, r = np.linalg.qr(rng.normal(0, 1, (width, width)))
    return q * np.sign(np.diag(r))


def one_after_the_other(*disguises: Disguise) -> Disguise:
    def applied(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
        for disguise in disguises:
            weights = disguise(weights, architecture, seed)
        return weights

    return applied


# What changes the function


def pruned(weights: Checkpoint, architecture: Architecture, seed: int, share: float = 0.5) -> Checkpoint:
    """The smallest values of each matrix of the layers are zero."""
    made = dict(weights)
    for name, value in weights.items():
        if layer_of(name) and value.ndim == 2:
            made[name] = np.where(np.abs(value) > np.quantile(np.abs(value), share), value, 0).astype(np.float32)
    return made


def pruned_further(weights: Checkpoint, architecture: Architecture, seed: int, share: float = 0.5) -> Checkpoint:
    """The rest fine-tuned, as far as it can be simulated."""
    zeros = pruned(weights, architecture, seed, share)
    tuned = simulated_models.fine_tuned(zeros, seed, 0.05)
    return {name: np.where(value == 0, value, tuned[name]) for name, value in zeros.items()}


def in_part(weights: Checkpoint, architecture: Architecture, seed: int, parts: tuple[str, ...]) -> Checkpoint:
    """Only the matrices with these roles, in a model that was initialised independently."""
    other = simulated_models.simulated(architecture, 20_000 + seed)
    its = roles(architecture)
    return {
        name: value if value.ndim > 1 and any(axis.startswith(parts) for axis in its[name]) else other[name]
        for name, value in weights.items()
    }


def with_layers(weights: Checkpoint, order: Sequence[int]) -> Checkpoint:
    """The layers of these numbers, in this order, numbered anew."""
    made: Checkpoint = {}
    for name, value in weights.items():
        found = layer_of(name)
        if found is None:
            made[name] = value
            continue
        for place, layer in enumerate(order):
            if layer == found[1]:
                made[f"{found[0]}{place}{found[2]}"] = value.copy()
    return made


def reordered(count: int, seed: int) -> list[int]:
    """Never as they were."""
    order = np.random.default_rng([seed, 20]).permutation(count)
    return list(map(int, order if (order != np.arange(count)).any() else order[::-1]))


def extended(weights: Checkpoint, architecture: Architecture, seed: int, count: int = 8) -> Checkpoint:
    """New tokens at the end, made as is usual: the mean of the others and a little noise."""
    rng, its, made = np.random.default_rng([seed, 21]), roles(architecture), dict(weights)
    for name, value in weights.items():
        if its.get(name, ())[:1] == ("token",):
            new = value.mean(0) + rng.normal(0, 0.1 * value.std(), (count, *value.shape[1:]))
            made[name] = np.concatenate([value, new]).astype(np.float32)
    return made


# Of two


def merged(one: Checkpoint, other: Checkpoint, share: float = 0.5) -> Checkpoint:
    """`share` of the first, the rest of the second."""
    return {name: (share * value + (1 - share) * other[name]).astype(np.float32) for name, value in one.items()}


def slerped(one: Checkpoint, other: Checkpoint, share: float = 0.5) -> Checkpoint:
    """Along the arc between each two tensors (Shoemake 1985)."""
    made = {}
    for name, value in one.items():
        a, b = value.astype(np.float64), other[name].astype(np.float64)
        cosine = float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))
        angle = np.arccos(np.clip(cosine, -1, 1))
        first, second = (
            (np.sin(share * angle) / np.sin(angle), np.sin((1 - share) * angle) / np.sin(angle))
            if angle > 1e-4
            else (share, 1 - share)
        )
        made[name] = (first * a + second * b).astype(np.float32)
    return made


def added_up(base: Checkpoint, tuned: Sequence[Checkpoint], factor: float = 0.7) -> Checkpoint:
    """Task arithmetic (Ilharco et al. 2023): the base and a part of each change."""
    return {
        name: (value + factor * sum(its[name] - value for its in tuned)).astype(np.float32)
        for name, value in base.items()
    }
