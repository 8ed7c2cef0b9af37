"""What a small transformer computes, in numpy: to show that a disguise keeps it."""

from __future__ import annotations

import numpy as np
from small_models import Architecture, Checkpoint, Floats

EPSILON = 1e-6
"""Added to the mean square, as the families do it."""

ROTARY_BASE = 10_000.0
EXPERTS_USED = 2


def outputs(weights: Checkpoint, architecture: Architecture, seed: int = 0, count: int = 4) -> Floats:
    """Logits on `count` random inputs, in double precision."""
    rng = np.random.default_rng(seed)
    its = {name: value.astype(np.float64) for name, value in weights.items()}
    if architecture.family == "vit":
        shape = (count, architecture.positions - 1, 3 * architecture.patch**2)
        return _of_patches(its, architecture, rng.normal(0, 1, shape))
    return of_tokens(its, architecture, rng.integers(0, architecture.vocabulary, (count, architecture.positions // 2)))


def of_tokens(its: Checkpoint, architecture: Architecture, tokens: np.ndarray) -> Floats:
    if architecture.family == "gpt2":
        x = its["transformer.wte.weight"][tokens] + its["transformer.wpe.weight"][: tokens.shape[1]]
        for layer in range(architecture.layers):
            x = _with_biases(x, its, architecture, f"transformer.h.{layer}.", GPT2)
        head = its.get("lm_head.weight", its["transformer.wte.weight"])
        return _layer_norm(x, its, "transformer.ln_f") @ head.T
    x = its["model.embed_tokens.weight"][tokens]
    layers = sum(name.endswith("input_layernorm.weight") for name in its)
    for layer in range(layers):
        start = f"model.layers.{layer}."
        read = _rms_norm(x, its[start + "input_layernorm.weight"])
        q, k, v = (read @ its[f"{start}self_attn.{part}_proj.weight"].T for part in "qkv")
        mixed = _attention(_turned(_split(q, architecture)), _turned(_split(k, architecture)), _split(v, architecture))
        x = x + mixed @ its[start + "self_attn.o_proj.weight"].T
        read = _rms_norm(x, its[start + "post_attention_layernorm.weight"])
        if architecture.family == "mixtral":
            x = x + _experts(read, its, architecture, start + "block_sparse_moe.")
        else:
            x = x + _gated(read, *(its[f"{start}mlp.{part}_proj.weight"] for part in ("gate", "up", "down")))
    return _rms_norm(x, its["model.norm.weight"]) @ its["lm_head.weight"].T


GPT2 = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
VIT = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")


def _of_patches(its: Checkpoint, architecture: Architecture, patches: Floats) -> Floats:
    matrix = its["patch_embed.proj.weight"].reshape(architecture.width, -1)
    x = patches @ matrix.T + its["patch_embed.proj.bias"]
    x = np.concatenate([np.broadcast_to(its["cls_token"], (len(x), 1, architecture.width)), x], axis=1)
    x = x + its["pos_embed"]
    for layer in range(architecture.layers):
        x = _with_biases(x, its, architecture, f"blocks.{layer}.", VIT)
    return _layer_norm(x, its, "norm")[:, 0] @ its["head.weight"].T + its["head.bias"]


def _with_biases(x: Floats, its: Checkpoint, architecture: Architecture, start: str, names: tuple[str, ...]) -> Floats:
    """A layer with LayerNorm, biases and one matrix before the neurons."""
    norm1, fused, out, norm2, before, after = (start + name for name in names)

    def linear(value: Floats, name: str) -> Floats:
        matrix = its[name + ".weight"]
        return value @ (matrix if names is GPT2 else matrix.T) + its[name + ".bias"]

    parts = np.split(linear(_layer_norm(x, its, norm1), fused), 3, axis=-1)
    x = x + linear(_attention(*(_split(part, architecture) for part in parts), causal=names is GPT2), out)
    inner = linear(_layer_norm(x, its, norm2), before)
    inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
    return x + linear(inner, after)


def _rms_norm(x: Floats, gain: Floats) -> Floats:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON) * gain


def _layer_norm(x: Floats, its: Checkpoint, name: str) -> Floats:
    centred = x - x.mean(-1, keepdims=True)
    return _rms_norm(centred, its[name + ".weight"]) + its[name + ".bias"]


def _split(x: Floats, architecture: Architecture) -> Floats:
    """(inputs, positions, heads x dimensions) -> (inputs, heads, positions, dimensions)."""
    return x.reshape(*x.shape[:2], -1, architecture.head_width).swapaxes(1, 2)


def _turned(x: Floats) -> Floats:
    """Rotary positions (Su et al. 2021), first half of the dimensions against the second."""
    half = x.shape[-1] // 2
    angles = np.outer(np.arange(x.shape[2]), ROTARY_BASE ** (-np.arange(half) / half))
    first, second = x[..., :half], x[..., half:]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def _attention(q: Floats, k: Floats, v: Floats, causal: bool = True) -> Floats:
    groups = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, groups, axis=1), np.repeat(v, groups, axis=1)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = shares / shares.sum(-1, keepdims=True) @ v
    return mixed.swapaxes(1, 2).reshape(mixed.shape[0], mixed.shape[2], -1)


def _gated(x: Floats, gate: Floats, up: Floats, down: Floats) -> Floats:
    inner = x @ gate.T
    return (inner / (1 + np.exp(-inner)) * (x @ up.T)) @ down.T


def _experts(x: Floats, its: Checkpoint, architecture: Architecture, start: str) -> Floats:
    scores = x @ its[start + "gate.weight"].T
    least = np.sort(scores, axis=-1)[..., -EXPERTS_USED, None]
    shares = np.where(scores >= least, np.exp(scores - scores.max(-1, keepdims=True)), 0)
    shares /= shares.sum(-1, keepdims=True)
    parts = [
        _gated(x, *(its[f"{start}experts.{expert}.{part}.weight"] for part in ("w1", "w3", "w2")))
        for expert in range(architecture.experts)
    ]
    return sum(shares[..., expert, None] * part for expert, part in enumerate(parts))
