"""Small transformers as checkpoints of named arrays: which tensors a family has, and what each of their axes counts.

    python benchmarks/small_models.py

prints whether the models and disguises are what they say: see self_check.py.

An axis has a role: `residual` (a dimension of the residual stream), `token`, `neuron.<layer>`, `queries.<layer>` and so
on. Axes with one role are numbered alike in all tensors, so a permutation or rotation of a role that is applied to each
of its axes keeps what the model computes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Checkpoint = dict[str, Floats]
Family = Literal["llama", "gpt2", "vit", "mixtral"]


@dataclass(frozen=True, slots=True)
class Architecture:
    family: Family
    width: int = 64
    """Dimensions of the residual stream."""
    hidden: int = 192
    """Neurons of a layer, or of an expert."""
    layers: int = 3
    heads: int = 4
    key_heads: int = 2
    """Heads of keys and values; as many as `heads` where the family fuses the three."""
    vocabulary: int = 256
    """Tokens; classes where the inputs are patches."""
    positions: int = 64
    experts: int = 0
    patch: int = 4
    """Pixels along the edge of a patch of three channels."""

    @property
    def head_width(self) -> int:
        return self.width // self.heads


SMALL = {
    "llama": Architecture("llama"),
    "gpt2": Architecture("gpt2", hidden=256, key_heads=4),
    "vit": Architecture("vit", hidden=256, key_heads=4, vocabulary=32, positions=17),
    "mixtral": Architecture("mixtral", hidden=96, experts=4),
}

GATED: frozenset[Family] = frozenset({"llama", "mixtral"})
"""Families whose neurons have two rows before the activation, gate and up."""

LLAMA_ATTENTION = {
    "self_attn.q_proj.weight": "queries residual",
    "self_attn.k_proj.weight": "keys residual",
    "self_attn.v_proj.weight": "values residual",
    "self_attn.o_proj.weight": "residual outputs",
}
LLAMA_AFTER = {"model.norm.weight": "gain", "lm_head.weight": "token residual"}
BEFORE = {
    "llama": {"model.embed_tokens.weight": "token residual"},
    "mixtral": {"model.embed_tokens.weight": "token residual"},
    "gpt2": {"transformer.wte.weight": "token residual", "transformer.wpe.weight": "position residual"},
    "vit": {
        "cls_token": "one one residual",
        "pos_embed": "one position residual",
        "patch_embed.proj.weight": "residual channel pixel pixel",
        "patch_embed.proj.bias": "residual",
    },
}
AFTER = {
    "llama": LLAMA_AFTER,
    "mixtral": LLAMA_AFTER,
    "gpt2": {"transformer.ln_f.weight": "gain", "transformer.ln_f.bias": "residual"},
    "vit": {
        "norm.weight": "gain",
        "norm.bias": "residual",
        "head.weight": "token residual",
        "head.bias": "token",
    },
}
"""Tensors before and after the layers, and the roles of their axes."""

LAYERS = {
    "llama": {
        "input_layernorm.weight": "gain",
        **LLAMA_ATTENTION,
        "post_attention_layernorm.weight": "gain",
        "mlp.gate_proj.weight": "neuron residual",
        "mlp.up_proj.weight": "neuron residual",
        "mlp.down_proj.weight": "residual neuron",
    },
    "mixtral": {
        "input_layernorm.weight": "gain",
        **LLAMA_ATTENTION,
        "post_attention_layernorm.weight": "gain",
        "block_sparse_moe.gate.weight": "expert residual",
    },
    "gpt2": {
        "ln_1.weight": "gain",
        "ln_1.bias": "residual",
        "attn.c_attn.weight": "residual fused",
        "attn.c_attn.bias": "fused",
        "attn.c_proj.weight": "outputs residual",
        "attn.c_proj.bias": "residual",
        "ln_2.weight": "gain",
        "ln_2.bias": "residual",
        "mlp.c_fc.weight": "residual neuron",
        "mlp.c_fc.bias": "neuron",
        "mlp.c_proj.weight": "neuron residual",
        "mlp.c_proj.bias": "residual",
    },
    "vit": {
        "norm1.weight": "gain",
        "norm1.bias": "residual",
        "attn.qkv.weight": "fused residual",
        "attn.qkv.bias": "fused",
        "attn.proj.weight": "residual outputs",
        "attn.proj.bias": "residual",
        "norm2.weight": "gain",
        "norm2.bias": "residual",
        "mlp.fc1.weight": "neuron residual",
        "mlp.fc1.bias": "neuron",
        "mlp.fc2.weight": "residual neuron",
        "mlp.fc2.bias": "residual",
    },
}
EXPERT = {"w1.weight": "neuron residual", "w3.weight": "neuron residual", "w2.weight": "residual neuron"}

PREFIX = {"llama": "model.layers", "mixtral": "model.layers", "gpt2": "transformer.h", "vit": "blocks"}
SHARED = {"residual", "gain", "token", "position", "one", "channel", "pixel"}
"""Roles that are the same in all layers."""


def roles(architecture: Architecture) -> dict[str, tuple[str, ...]]:
    """Name of each tensor -> role of each of its axes, in the order of a file."""
    family = architecture.family
    found = {name: tuple(axes.split()) for name, axes in BEFORE[family].items()}
    for layer in range(architecture.layers):
        for name, axes in LAYERS[family].items():
            found[f"{PREFIX[family]}.{layer}.{name}"] = _numbered(axes, f"{layer}")
        for expert in range(architecture.experts):
            for name, axes in EXPERT.items():
                full = f"{PREFIX[family]}.{layer}.block_sparse_moe.experts.{expert}.{name}"
                found[full] = _numbered(axes, f"{layer}.{expert}")
    return found | {name: tuple(axes.split()) for name, axes in AFTER[family].items()}


def _numbered(axes: str, number: str) -> tuple[str, ...]:
    return tuple(axis if axis in SHARED else f"{axis}.{number}" for axis in axes.split())


def role_sizes(architecture: Architecture) -> dict[str, int]:
    """Kind of role (what stands before its number) -> length of its axes."""
    keys = architecture.key_heads * architecture.head_width
    return {
        "residual": architecture.width,
        "gain": architecture.width,
        "token": architecture.vocabulary,
        "position": architecture.positions,
        "neuron": architecture.hidden,
        "queries": architecture.width,
        "outputs": architecture.width,
        "keys": keys,
        "values": keys,
        "fused": 3 * architecture.width,
        "expert": architecture.experts,
        "one": 1,
        "channel": 3,
        "pixel": architecture.patch,
    }


def shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    sizes = role_sizes(architecture)
    return {name: tuple(sizes[axis.split(".")[0]] for axis in axes) for name, axes in roles(architecture).items()}


@dataclass(frozen=True, slots=True)
class Norm:
    gain: str
    bias: str | None
    readers: tuple[str, ...]
    """Matrices that read what it gives; `lm_head.weight` also where the model has none of its own."""


def norms(architecture: Architecture) -> Iterator[Norm]:
    """All of them: none is read by a matrix that another one feeds."""
    family, names = architecture.family, list(roles(architecture))
    first, second, last, attention, neurons, head = {
        "llama": ("input_layernorm", "post_attention_layernorm", "model.norm", "_attn.[qkv]_", "gate_|up_", "lm_head"),
        "mixtral": (
            "input_layernorm",
            "post_attention_layernorm",
            "model.norm",
            "_attn.[qkv]_",
            "gate|w[13]",
            "lm_head",
        ),
        "gpt2": ("ln_1", "ln_2", "transformer.ln_f", "c_attn", "c_fc", "lm_head"),
        "vit": ("norm1", "norm2", "norm", "qkv", "fc1", "head"),
    }[family]
    for layer in range(architecture.layers):
        start = f"{PREFIX[family]}.{layer}."
        inside = [name for name in names if name.startswith(start) and name.endswith(".weight")]
        for norm, readers in ((first, attention), (second, neurons)):
            bias = f"{start}{norm}.bias"
            yield Norm(
                f"{start}{norm}.weight",
                bias if bias in names else None,
                tuple(name for name in inside if re.search(readers, name.removeprefix(start))),
            )
    yield Norm(f"{last}.weight", f"{last}.bias" if f"{last}.bias" in names else None, (f"{head}.weight",))


LAYER = re.compile(r"^(.*?(?:layers|h|blocks)\.)(\d+)(\..*)$")


def layer_of(name: str) -> tuple[str, int, str] | None:
    """What stands before the number of the layer, the number, what stands after it."""
    found = LAYER.match(name)
    return (found[1], int(found[2]), found[3]) if found else None


if __name__ == "__main__":
    from self_check import main

    main()
