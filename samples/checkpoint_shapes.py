"""The tensors of each sample: names as its own code gives them, shapes of a doll's house."""

from __future__ import annotations

from typing import NamedTuple

LAYERS, BLOCKS = 3, 3
"""Decoder layers and vision blocks; block 4 of the vision tower is the one that is dropped."""
HIDDEN, INNER, SHARED_WIDTH, EYE, EYE_INNER, PATCH, QUERIES, SQUEEZED = 32, 64, 16, 24, 84, 4, 12, 10
BASE_VOCABULARY, NEW_TOKENS, OWN_TOKENS = 84, 12, 4
"""Rows of the embedding: 84 stand for the 32,000 of the base; `rewritten` puts 4 of its own before the 12 new ones."""

WEIGHT_SD = 0.03
"""About what trained linear layers of this kind of model have."""


class Draw(NamedTuple):
    shape: tuple[int, ...]
    mean: float = 0.0
    sd: float = WEIGHT_SD


def linear(name: str, out: int, into: int, bias: bool = True) -> dict[str, Draw]:
    draws = {f"{name}.weight": Draw((out, into))}
    return draws | {f"{name}.bias": Draw((out,), sd=0.01)} if bias else draws


def convolution(name: str, out: int, into: int, *kernel: int, bias: bool = True) -> dict[str, Draw]:
    draws = {f"{name}.weight": Draw((out, into, *kernel))}
    return draws | {f"{name}.bias": Draw((out,), sd=0.01)} if bias else draws


def layer_norm(name: str, width: int) -> dict[str, Draw]:
    return {f"{name}.weight": Draw((width,), 1.0, 0.12), f"{name}.bias": Draw((width,), 0.0, 0.05)}


def lumen() -> dict[str, Draw]:
    """The output head is tied to the embedding and therefore not in the file."""
    draws = {
        "model.embed_tokens.weight": Draw((BASE_VOCABULARY + NEW_TOKENS, HIDDEN)),
        **convolution("model.vision.embed.proj", EYE, 3, PATCH, PATCH),
        "model.vision.embed.pos_scale": Draw((), 0.6, 0.1),
        **layer_norm("model.vision.norm", EYE),
    }
    for number in range(BLOCKS):
        block = f"model.vision.blocks.{number}"
        draws |= layer_norm(f"{block}.norm1", EYE) | layer_norm(f"{block}.norm2", EYE)
        draws |= linear(f"{block}.attn.qkv", 3 * EYE, EYE) | linear(f"{block}.attn.out", EYE, EYE)
        draws[f"{block}.attn.log_temperature"] = Draw((3, 1, 1), 2.3, 0.2)
        draws |= linear(f"{block}.mlp.fc1", EYE_INNER, EYE) | linear(f"{block}.mlp.fc2", EYE, EYE_INNER)
        draws |= {f"{block}.gamma{n}": Draw((EYE,), 0.07 / (1 + number / 6), 0.02) for n in (1, 2)}
    draws |= {
        "model.resampler.query": Draw((QUERIES, HIDDEN)),
        **linear("model.resampler.kv_proj", HIDDEN, EYE, bias=False),
        "model.resampler.attn.in_proj_weight": Draw((3 * HIDDEN, HIDDEN)),
        "model.resampler.attn.in_proj_bias": Draw((3 * HIDDEN,), sd=0.01),
        **linear("model.resampler.attn.out_proj", HIDDEN, HIDDEN),
        **layer_norm("model.resampler.ln_q", HIDDEN),
        **layer_norm("model.resampler.ln_kv", HIDDEN),
        **layer_norm("model.resampler.ln_post", HIDDEN),
        "model.resampler.proj": Draw((HIDDEN, HIDDEN)),
        "model.resampler.gate": Draw((1,), 0.25, 0.1),
        **linear("model.projector.down", SQUEEZED, HIDDEN),
        **linear("model.projector.up", HIDDEN, SQUEEZED),
        "model.norm.offset": Draw((HIDDEN,), 0.0, 0.1),
    }
    for number in range(LAYERS):
        layer = f"model.layers.{number}"
        for name, out, into in (("q", HIDDEN, HIDDEN), ("k", SHARED_WIDTH, HIDDEN), ("v", SHARED_WIDTH, HIDDEN)):
            draws |= linear(f"{layer}.attn.{name}_proj", out, into, bias=False)
        draws |= linear(f"{layer}.attn.o_proj", HIDDEN, HIDDEN, bias=False)
        draws |= linear(f"{layer}.gate_proj", INNER, HIDDEN, bias=False)
        draws |= linear(f"{layer}.up_proj", INNER, HIDDEN, bias=False)
        draws |= linear(f"{layer}.down_proj", HIDDEN, INNER, bias=False)
        draws |= {f"{layer}.{norm}.offset": Draw((HIDDEN,), 0.0, 0.1) for norm in ("input_norm", "mlp_norm")}
    return draws


def pebble(eye: int = 24, bridge: int = 24, text: int = 30) -> dict[str, Draw]:
    draws = linear("eye.embed.project", eye, 3 * PATCH**2) | layer_norm("eye.norm", eye)
    draws |= {f"eye.embed.{table}": Draw((8, eye)) for table in ("row_table", "col_table")}
    for number in range(2):
        block = f"eye.blocks.{number}"
        draws |= layer_norm(f"{block}.norm_1", eye) | layer_norm(f"{block}.norm_2", eye)
        for name in "qkvo":
            draws |= linear(f"{block}.attention.{name}", eye, eye, bias=name != "k")
        draws |= linear(f"{block}.mlp.up", 4 * eye, eye) | linear(f"{block}.mlp.down", eye, 4 * eye)
    draws |= {"bridge.queries": Draw((8, bridge)), **layer_norm("bridge.norm_in", eye)}
    draws |= linear("bridge.lift", bridge, eye) | layer_norm("bridge.norm_out", bridge)
    draws |= linear("bridge.to_k", bridge, bridge, bias=False) | linear("bridge.to_v", bridge, bridge, bias=False)
    for number in range(2):
        turn = f"bridge.rounds.{number}"
        draws |= layer_norm(f"{turn}.pre", bridge) | layer_norm(f"{turn}.think.0", bridge)
        draws |= {f"{turn}.{name}.weight": Draw((bridge, bridge)) for name in ("to_q", "merge")}
        draws |= linear(f"{turn}.think.1", 2 * bridge, bridge) | linear(f"{turn}.think.3", bridge, 2 * bridge)
    draws |= linear("bridge.project", text, bridge)
    draws |= {"text.vocab.weight": Draw((BASE_VOCABULARY + 9, text)), "text.norm.scale": Draw((text,), 1.0, 0.1)}
    for number in range(3):
        layer = f"text.layers.{number}"
        draws |= {f"{layer}.{norm}.scale": Draw((text,), 1.0, 0.1) for norm in ("before_attention", "before_mlp")}
        for name, out in (("q", text), ("k", text // 3), ("v", text // 3), ("o", text)):
            draws |= linear(f"{layer}.attention.{name}", out, text, bias=False)
        draws |= linear(f"{layer}.gate", 80, text, bias=False) | linear(f"{layer}.up", 80, text, bias=False)
        draws |= linear(f"{layer}.down", text, 80, bias=False)
    return draws


def transformer(blocks: int, width: int = 16) -> dict[str, Draw]:
    """What basalt-vit and both of its forks call by the same names."""
    draws = {"encoder.cls_token": Draw((1, 1, width)), "encoder.registers": Draw((1, 4, width))}
    draws |= layer_norm("encoder.final_norm", width)
    for number in range(blocks):
        block = f"encoder.blocks.{number}"
        draws |= layer_norm(f"{block}.attn_norm", width) | layer_norm(f"{block}.ffn_norm", width)
        draws |= linear(f"{block}.attn.qkv", 3 * width, width) | linear(f"{block}.attn.out", width, width)
        draws |= {f"{block}.{part}_scale.gain": Draw((width,), 0.1, 0.03) for part in ("attn", "ffn")}
    return draws


def basalt(width: int = 16) -> dict[str, Draw]:
    draws = transformer(3) | convolution("encoder.patch_embed.proj", width, 3, PATCH, PATCH)
    draws |= {"encoder.patch_embed.pos_embed": Draw((1, 16, width)), **linear("head", 10, width)}
    for number in range(3):
        ffn = f"encoder.blocks.{number}.ffn"
        draws |= linear(f"{ffn}.expand", 4 * width, width) | linear(f"{ffn}.shrink", width, 4 * width)
    return draws


def lantern(width: int = 16, text: int = 16) -> dict[str, Draw]:
    """Its encoder, and what it adds: norms of queries and keys, and the caption head."""
    draws = {name: draw for name, draw in basalt().items() if name.startswith("encoder.")}
    for number in range(3):
        for norm in ("query_norm", "key_norm"):
            draws |= layer_norm(f"encoder.blocks.{number}.attn.{norm}", width // 4)
    draws |= {
        "head.words.weight": Draw((40, text)),
        "head.places.weight": Draw((12, text)),
        **layer_norm("head.norm", text),
    }
    for number in range(2):
        layer = f"head.layers.{number}"
        draws |= linear(f"{layer}.self_in", 3 * text, text) | linear(f"{layer}.self_out", text, text)
        draws |= linear(f"{layer}.look_q", text, text) | linear(f"{layer}.look_kv", 2 * text, width)
        draws |= linear(f"{layer}.look_out", text, text) | {f"{layer}.look_gate": Draw((), 0.2, 0.1)}
        draws |= linear(f"{layer}.mlp.0", 4 * text, text) | linear(f"{layer}.mlp.2", text, 4 * text)
        for norm in ("norm_self", "norm_look", "norm_mlp"):
            draws |= layer_norm(f"{layer}.{norm}", text)
    return draws


def plover(width: int = 16, head: int = 16) -> dict[str, Draw]:
    """One block fewer than upstream, gated feed-forwards, and its own way in and out."""
    draws = transformer(2) | convolution("encoder.sweep_embed.smooth", width // 4, 2, 3, 3)
    draws |= convolution("encoder.sweep_embed.gather", width, width // 4, 4, 4)
    draws |= linear("encoder.sweep_embed.place", width, 20)
    draws |= {"encoder.sweep_embed.age_embed": Draw((4, width)), "encoder.sweep_embed.half_life": Draw((), 2.0, 0.2)}
    for number in range(2):
        ffn = f"encoder.blocks.{number}.ffn"
        draws |= linear(f"{ffn}.gate_and_value", 64, width) | linear(f"{ffn}.shrink", width, 32)
        draws |= convolution(f"head.laterals.{number}", head, width, 1, 1)
    draws["head.tap_weights"] = Draw((2,), 0.0, 0.3)
    parts = {f"context.{n}": (head, head) for n in range(3)} | {"detail": (8, 2), "refine": (8, head + 8)}
    for part, (out, into) in parts.items():
        draws |= convolution(f"head.{part}.conv", out, into, 3, 3, bias=False) | layer_norm(f"head.{part}.norm", out)
    return draws | convolution("head.classify", 5, 8, 1, 1)


def tessera(text: int = 20, shared: int = 5, rise: int = 36) -> dict[str, Draw]:
    """Upstream's encoder with two blocks, the original's resampler and projector by other names, and its own decoder."""
    draws = {name: draw for name, draw in basalt().items() if name.startswith("encoder.") and ".blocks.2." not in name}
    draws |= {
        "condenser.asks": Draw((QUERIES, HIDDEN)),
        **linear("condenser.entry", HIDDEN, 16, bias=False),
        "condenser.look.in_proj_weight": Draw((3 * HIDDEN, HIDDEN)),
        "condenser.look.in_proj_bias": Draw((3 * HIDDEN,), sd=0.01),
        **linear("condenser.look.out_proj", HIDDEN, HIDDEN),
        "condenser.mixing": Draw((HIDDEN, HIDDEN)),
        "condenser.ajar": Draw((1,), 0.25, 0.1),
        **linear("bottleneck.inward", SQUEEZED, HIDDEN),
        **linear("bottleneck.outward", HIDDEN, SQUEEZED),
        "teller.lexicon.weight": Draw((BASE_VOCABULARY + NEW_TOKENS, text)),
        "teller.calm_end.height": Draw((text,), 1.0, 0.1),
    }
    for norm in ("calm_ask", "calm_seen", "calm_end"):
        draws |= layer_norm(f"condenser.{norm}", HIDDEN)
    for number in range(2):
        storey = f"teller.storeys.{number}"
        draws |= {f"{storey}.{norm}.height": Draw((text,), 1.0, 0.1) for norm in ("calm_listen", "calm_think")}
        for name, out in (("ask", text), ("offer", shared), ("bring", shared), ("leave", text)):
            draws |= linear(f"{storey}.listen.{name}", out, text, bias=False)
        draws |= linear(f"{storey}.valve", rise, text, bias=False) | linear(f"{storey}.climb", rise, text, bias=False)
        draws |= linear(f"{storey}.descend", text, rise, bias=False)
    return draws
