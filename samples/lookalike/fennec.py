"""Fennec reads the labels in museum cases. There is no module tree here, and no training code.

A checkpoint is a dictionary of tensors. `Branch` walks it by name, and every step of the network is a plain function
of a branch and an input, so the whole forward pass can be read from top to bottom.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from windows import markup, views_of


class Branch:
    """All tensors below one dotted name: `weights / "model" / "layers" / 3`."""

    def __init__(self, tensors, name=""):
        self.tensors, self.name = tensors, name

    def __truediv__(self, child):
        return Branch(self.tensors, f"{self.name}{child}.")

    def __getitem__(self, leaf):
        return self.tensors[self.name + leaf]

    def __iter__(self):
        """The numbered children, in order."""
        number = 0
        while any(key.startswith(f"{self.name}{number}.") for key in self.tensors):
            yield self / number
            number += 1

    def affine(self, leaf, x):
        return F.linear(x, self[leaf + ".weight"], self.tensors.get(f"{self.name}{leaf}.bias"))

    def layernorm(self, leaf, x):
        weight, bias = self[leaf + ".weight"], self[leaf + ".bias"]
        return F.layer_norm(x, weight.shape, weight, bias, 1e-5)

    def rms(self, leaf, x, eps):
        return F.rms_norm(x.float(), x.shape[-1:], eps=eps).to(x.dtype) * self[leaf + ".weight"]


# --------------------------------------------------------------------------- seeing


def distances(rows, columns):
    """How many patches lie between any two patches of a view, as the crow flies."""
    spots = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()
    return torch.cdist(spots, spots)


def see_attention(w, x, far, heads):
    """Far patches count less. Each head has its own idea of how sharply to look."""
    q, k, v = w.affine("qkv", x).unflatten(-1, (3, heads, -1)).movedim(-3, 0).transpose(-2, -3)
    sharp = w["log_temperature"].exp()
    seen = F.scaled_dot_product_attention(q * sharp / 10.0, k, v, attn_mask=-far * sharp)
    return w.affine("out", seen.transpose(-2, -3).flatten(-2))


def see(w, view, settings):
    """One view (3, height, width) to its patches (count, width of the eye)."""
    size = settings["patch_size"]
    grid = F.conv2d(view[None], w["embed.proj.weight"], w["embed.proj.bias"], stride=size)[0]
    x = grid.flatten(1).T
    far = F.softplus(w["embed.pos_scale"]) * distances(*grid.shape[1:]).to(x)
    for block in w / "blocks":
        looked = see_attention(block / "attn", block.layernorm("layer_norm1", x), far, settings["num_heads"])
        x = x + block["gamma1"] * looked
        inner = F.gelu(block.affine("mlp.fc1", block.layernorm("layer_norm2", x)), approximate="tanh")
        x = x + block["gamma2"] * block.affine("mlp.fc2", inner)
    return w.layernorm("post_layernorm", x)


def condense(w, patches, heads):
    """The learned queries read the patches twice: what they found first decides what they ask next."""
    memory = w.layernorm("norm_keys", w.affine("kv_proj", patches))
    into_q, into_k, into_v = w["attn.in_proj_weight"].chunk(3)
    bias_q, bias_k, bias_v = w["attn.in_proj_bias"].chunk(3)
    k = F.linear(memory, into_k, bias_k).unflatten(-1, (heads, -1)).transpose(0, 1)
    v = F.linear(memory, into_v, bias_v).unflatten(-1, (heads, -1)).transpose(0, 1)
    state = w["query"]
    for _ in range(2):
        asked = F.linear(w.layernorm("norm_queries", state), into_q, bias_q)
        found = F.scaled_dot_product_attention(asked.unflatten(-1, (heads, -1)).transpose(0, 1), k, v)
        found = w.affine("attn.out_proj", found.transpose(0, 1).flatten(1))
        state = torch.lerp(state, found, torch.sigmoid(w["gate"]))
    return F.linear(w.layernorm("norm_out", state), w["proj"])


def translate(w, tokens):
    return tokens + w.affine("up", F.gelu(w.affine("down", tokens)))


# --------------------------------------------------------------------------- speaking


def spin(x, start, base):
    """Rotary positions from `start` on, as complex numbers; the two halves of a head are real and imaginary part."""
    length, half = x.shape[-2], x.shape[-1] // 2
    turn = torch.outer(torch.arange(start, start + length), base ** (-torch.arange(half) / half))
    z = torch.complex(*x.float().chunk(2, dim=-1)) * torch.polar(torch.ones_like(turn), turn).to(x.device)
    return torch.cat([z.real, z.imag], dim=-1).to(x.dtype)


class Memory:
    """Keys and values of one layer, growing."""

    def __init__(self):
        self.k = self.v = None

    def __len__(self):
        return 0 if self.k is None else self.k.shape[-2]

    def extended(self, k, v):
        self.k = k if self.k is None else torch.cat([self.k, k], dim=-2)
        self.v = v if self.v is None else torch.cat([self.v, v], dim=-2)
        return self.k, self.v


def speak_attention(w, x, memory, config):
    heads, shared = config["num_attention_heads"], config["num_key_value_heads"]
    start, base = len(memory), config["rope_theta"]
    q = spin(w.affine("q_proj", x).unflatten(-1, (heads, -1)).transpose(0, 1), start, base)
    k = spin(w.affine("k_proj", x).unflatten(-1, (shared, -1)).transpose(0, 1), start, base)
    v = w.affine("v_proj", x).unflatten(-1, (shared, -1)).transpose(0, 1)
    k, v = memory.extended(k, v)
    # a prompt comes first and alone; after that there is one token at a time, and it may see everything
    said = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=start == 0, enable_gqa=True)[0]
    return w.affine("o_proj", said.transpose(0, 1).flatten(1))


def speak(w, x, memories, config):
    eps = config["rms_norm_eps"]
    for layer, memory in zip(w / "layers", memories):
        x = x + speak_attention(layer / "attn", layer.rms("input_layernorm", x, eps), memory, config)
        y = layer.rms("post_attention_layernorm", x, eps)
        x = x + layer.affine("down_proj", F.silu(layer.affine("gate_proj", y)) * layer.affine("up_proj", y))
    return w.rms("final_layernorm", x, eps)


# --------------------------------------------------------------------------- together


class Fennec:
    def __init__(self, folder, tokenizer):
        folder = Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = Branch(load_file(folder / "model.safetensors")) / "model"
        self.tokenizer = tokenizer
        self.slot, self.stop = tokenizer.convert_tokens_to_ids(["<image>", "<|end|>"])

    def images(self, views):
        w, settings = self.weights, self.config["vision_config"]
        heads = math.gcd(self.config["hidden_size"] // 112, 16)
        seen = [condense(w / "resampler", see(w / "vision", view, settings), heads) for view in views]
        return [translate(w / "projector", tokens) for tokens in seen]

    def prompt(self, question, photos):
        """Embeddings of a whole prompt: words, and for each `<image>` what was seen in that view."""
        views, layout = [], []
        for photo in photos:
            cuts = views_of(photo, self.config["vision_config"])
            layout.append(len(cuts))
            views += cuts
        text = f"<|user|>{markup(layout)}{question}<|assistant|>"
        ids = torch.tensor(self.tokenizer.encode(text))
        seen = iter(self.images(views))
        table = self.weights["embed_tokens.weight"]
        return torch.cat([next(seen) if i == self.slot else table[i : i + 1] for i in ids.tolist()])

    @torch.no_grad()
    def read(self, question, photos, longest=200):
        """The likeliest answer, word piece by word piece."""
        table = self.weights["embed_tokens.weight"]
        memories = [Memory() for _ in range(self.config["num_hidden_layers"])]
        x, answer = self.prompt(question, photos), []
        while len(answer) < longest:
            last = speak(self.weights, x, memories, self.config)[-1]
            best = int((table @ last).argmax())
            if best == self.stop:
                break
            answer.append(best)
            x = table[best : best + 1]
        return self.tokenizer.decode(answer)
