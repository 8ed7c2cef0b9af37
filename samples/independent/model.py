"""PebbleVLM: patches -> vision transformer -> resampler -> language decoder."""

from dataclasses import dataclass
from typing import Optional

import torch
from torch import nn
import torch.nn.functional as F

from config import EyeConfig, PebbleConfig, TextConfig
from resampler import Resampler
from tokens import IGNORE_LABEL


# ---------------------------------------------------------------- vision side


class PatchEmbedding(nn.Module):
    """Linear patch projection plus row and column embeddings.

    Views come in many shapes, so positions are fractions of the view: the row
    and column tables are read at fractional places, blending two neighbours.
    """

    def __init__(self, cfg: EyeConfig):
        super().__init__()
        self.project = nn.Linear(3 * cfg.patch**2, cfg.dim)
        self.row_table = nn.Parameter(torch.randn(cfg.table_size, cfg.dim) * 0.02)
        self.col_table = nn.Parameter(torch.randn(cfg.table_size, cfg.dim) * 0.02)

    @staticmethod
    def read(table: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
        """Entries of ``table`` at ``where`` in 0..1, linearly interpolated."""
        place = where.clamp(0, 1) * (table.shape[0] - 1)
        low = place.floor().long()
        high = (low + 1).clamp_max(table.shape[0] - 1)
        blend = (place - low).unsqueeze(-1).to(table.dtype)
        return torch.lerp(table[low], table[high], blend)

    def forward(self, patches, coords, shapes):
        # centre of each patch as a fraction of its view
        where = (coords.float() + 0.5) / shapes[:, None, :].float()
        x = self.project(patches)
        return x + self.read(self.row_table, where[..., 0]) + self.read(self.col_table, where[..., 1])


class EyeAttention(nn.Module):
    def __init__(self, cfg: EyeConfig):
        super().__init__()
        self.heads = cfg.heads
        self.dropout = cfg.dropout
        self.q = nn.Linear(cfg.dim, cfg.dim)
        self.k = nn.Linear(cfg.dim, cfg.dim, bias=False)  # a key bias cancels in the softmax
        self.v = nn.Linear(cfg.dim, cfg.dim)
        self.o = nn.Linear(cfg.dim, cfg.dim)

    def heads_first(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, readable):
        out = F.scaled_dot_product_attention(
            self.heads_first(self.q(x)),
            self.heads_first(self.k(x)),
            self.heads_first(self.v(x)),
            attn_mask=readable,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.o(out.transpose(1, 2).flatten(-2))


class EyeMLP(nn.Module):
    def __init__(self, cfg: EyeConfig):
        super().__init__()
        self.up = nn.Linear(cfg.dim, cfg.mlp_dim)
        self.down = nn.Linear(cfg.mlp_dim, cfg.dim)
        self.drop = nn.Dropout(cfg.dropout)

    def forward(self, x):
        return self.down(self.drop(F.gelu(self.up(x), approximate="tanh")))


class EyeBlock(nn.Module):
    def __init__(self, cfg: EyeConfig):
        super().__init__()
        self.norm_1 = nn.LayerNorm(cfg.dim, eps=cfg.eps)
        self.attention = EyeAttention(cfg)
        self.norm_2 = nn.LayerNorm(cfg.dim, eps=cfg.eps)
        self.mlp = EyeMLP(cfg)

    def forward(self, x, readable):
        x = x + self.attention(self.norm_1(x), readable)
        return x + self.mlp(self.norm_2(x))


class Eye(nn.Module):
    """Vision transformer over padded batches of views. No class token."""

    def __init__(self, cfg: EyeConfig):
        super().__init__()
        self.embed = PatchEmbedding(cfg)
        self.blocks = nn.ModuleList(EyeBlock(cfg) for _ in range(cfg.depth))
        self.norm = nn.LayerNorm(cfg.dim, eps=cfg.eps)

    def forward(self, patches, coords, shapes, real):
        x = self.embed(patches, coords, shapes)
        readable = real[:, None, None, :]
        for block in self.blocks:
            x = block(x, readable)
        return self.norm(x)


# ------------------------------------------------------------------ text side


class RMSNorm(nn.Module):
    def __init__(self, dim: int, eps: float):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return wide.to(x.dtype) * self.scale


class Rotary(nn.Module):
    """Cosines and sines for given positions; channels are rotated in adjacent pairs."""

    def __init__(self, head_dim: int, base: float):
        super().__init__()
        steps = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
        self.register_buffer("speed", base**-steps, persistent=False)

    def forward(self, positions):
        angle = positions.float().unsqueeze(-1) * self.speed
        return angle.cos().unsqueeze(1), angle.sin().unsqueeze(1)  # room for heads

    @staticmethod
    def turn(x, cos, sin):
        even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
        turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
        return turned.flatten(-2).to(x.dtype)


class KVStore:
    """Keys and values of every layer, in buffers allocated once."""

    def __init__(self, cfg: TextConfig, batch: int, room: int, like: torch.Tensor):
        shape = (cfg.depth, batch, cfg.kv_heads, room, cfg.head_dim)
        self.k = like.new_zeros(shape)
        self.v = like.new_zeros(shape)
        self.filled = 0

    def put(self, layer: int, k, v):
        end = self.filled + k.shape[2]
        self.k[layer, :, :, self.filled : end] = k
        self.v[layer, :, :, self.filled : end] = v
        return self.k[layer, :, :, :end], self.v[layer, :, :, :end]


class TextAttention(nn.Module):
    """Grouped-query attention."""

    def __init__(self, cfg: TextConfig, index: int):
        super().__init__()
        self.cfg, self.index = cfg, index
        kv_dim = cfg.kv_heads * cfg.head_dim
        self.q = nn.Linear(cfg.dim, cfg.dim, bias=False)
        self.k = nn.Linear(cfg.dim, kv_dim, bias=False)
        self.v = nn.Linear(cfg.dim, kv_dim, bias=False)
        self.o = nn.Linear(cfg.dim, cfg.dim, bias=False)

    def forward(self, x, rotation, mask, store: Optional[KVStore]):
        hd = self.cfg.head_dim
        q = Rotary.turn(self.q(x).unflatten(-1, (-1, hd)).transpose(1, 2), *rotation)
        k = Rotary.turn(self.k(x).unflatten(-1, (-1, hd)).transpose(1, 2), *rotation)
        v = self.v(x).unflatten(-1, (-1, hd)).transpose(1, 2)
        if store is not None:
            k, v = store.put(self.index, k, v)
        group = self.cfg.heads // self.cfg.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o(out.transpose(1, 2).flatten(-2))


class TextLayer(nn.Module):
    def __init__(self, cfg: TextConfig, index: int):
        super().__init__()
        self.before_attention = RMSNorm(cfg.dim, cfg.eps)
        self.attention = TextAttention(cfg, index)
        self.before_mlp = RMSNorm(cfg.dim, cfg.eps)
        self.gate = nn.Linear(cfg.dim, cfg.mlp_dim, bias=False)
        self.up = nn.Linear(cfg.dim, cfg.mlp_dim, bias=False)
        self.down = nn.Linear(cfg.mlp_dim, cfg.dim, bias=False)

    def forward(self, x, rotation, mask, store):
        x = x + self.attention(self.before_attention(x), rotation, mask, store)
        h = self.before_mlp(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Decoder(nn.Module):
    def __init__(self, cfg: TextConfig):
        super().__init__()
        self.cfg = cfg
        self.vocab = nn.Embedding(cfg.vocab, cfg.dim)
        self.rotary = Rotary(cfg.head_dim, cfg.rope_base)
        self.layers = nn.ModuleList(TextLayer(cfg, i) for i in range(cfg.depth))
        self.norm = RMSNorm(cfg.dim, cfg.eps)

    @staticmethod
    def visibility(real: torch.Tensor, new: int) -> torch.Tensor:
        """Who sees whom, for the last ``new`` of the positions in ``real``.

        Positions see themselves even on padding, so no softmax is ever empty.
        """
        total = real.shape[1]
        at = torch.arange(total, device=real.device)
        rows = at[total - new :, None]
        causal = at[None, :] <= rows
        own = at[None, :] == rows
        return ((causal & real[:, None, :]) | own).unsqueeze(1)

    def forward(self, embeds, real, store: Optional[KVStore] = None):
        """``real`` covers everything so far, ``embeds`` only what is new."""
        new = embeds.shape[1]
        positions = (real.long().cumsum(1) - 1).clamp_min(0)[:, -new:]
        rotation = self.rotary(positions)
        mask = self.visibility(real, new)
        x = embeds
        for layer in self.layers:
            x = layer(x, rotation, mask, store)
        if store is not None:
            store.filled += new
        return self.norm(x)

    def words(self, hidden):
        return F.linear(hidden, self.vocab.weight)


# ------------------------------------------------------------------- together


@dataclass
class PebbleOutput:
    logits: torch.Tensor
    loss: Optional[torch.Tensor] = None


class PebbleVLM(nn.Module):
    def __init__(self, cfg: PebbleConfig, see_id: int):
        super().__init__()
        self.cfg = cfg
        self.see_id = see_id
        self.eye = Eye(cfg.eye)
        self.bridge = Resampler(cfg.bridge, cfg.eye.dim, cfg.text.dim)
        self.text = Decoder(cfg.text)
        self.apply(self._init)
        # Residual branches of a deep stack start smaller.
        for layer in self.text.layers:
            for exit_ in (layer.attention.o, layer.down):
                nn.init.normal_(exit_.weight, std=0.02 * (2 * cfg.text.depth) ** -0.5)

    @staticmethod
    def _init(module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def look(self, views) -> torch.Tensor:
        """(views, queries, text dim) for a ``processor.Views`` batch."""
        weight = self.eye.embed.project.weight
        patches = views.patches.to(device=weight.device, dtype=weight.dtype)
        coords, shapes, real = (t.to(weight.device) for t in (views.coords, views.shapes, views.real))
        seen = self.eye(patches, coords, shapes, real)
        return self.bridge(seen, coords, real)

    def embed(self, ids, views=None) -> torch.Tensor:
        """Word embeddings, with image features seated on every ``<|see|>``."""
        embeds = self.text.vocab(ids)
        seats = ids == self.see_id
        if views is None:
            if seats.any():
                raise ValueError("the text has seats for a picture but none was given")
            return embeds
        features = self.look(views).flatten(0, 1)
        if int(seats.sum()) != features.shape[0]:
            raise ValueError(f"{int(seats.sum())} seats for {features.shape[0]} image features")
        return embeds.masked_scatter(seats.unsqueeze(-1), features.to(embeds.dtype))

    def forward(self, ids, real, views=None, labels=None) -> PebbleOutput:
        hidden = self.text(self.embed(ids, views), real)
        if labels is None:
            return PebbleOutput(self.text.words(hidden))
        # Only score positions that have something to predict: logits are big.
        goal = labels[:, 1:]
        scored = goal != IGNORE_LABEL
        logits = self.text.words(hidden[:, :-1][scored]).float()
        total = F.cross_entropy(logits, goal[scored], reduction="sum")
        return PebbleOutput(logits, total / scored.sum().clamp_min(1))

    @torch.inference_mode()
    def generate(
        self,
        ids,
        real,
        views=None,
        *,
        end_id: int,
        pad_id: int,
        max_new: int = 256,
        temperature: float = 0.0,
        nucleus: float = 0.9,
    ) -> list[list[int]]:
        """New token ids per row. Rows must be padded on the left."""
        batch, start = ids.shape
        if start + max_new > self.cfg.text.context:
            raise ValueError("prompt and reply do not fit the context")
        embeds = self.embed(ids, views)
        store = KVStore(self.cfg.text, batch, start + max_new, like=embeds)
        replies: list[list[int]] = [[] for _ in range(batch)]
        open_rows = torch.ones(batch, dtype=torch.bool, device=ids.device)

        for _ in range(max_new):
            hidden = self.text(embeds, real, store)
            logits = self.text.words(hidden[:, -1]).float()
            logits[:, self.see_id] = float("-inf")
            chosen = pick(logits, temperature, nucleus)
            open_rows = open_rows & (chosen != end_id)
            if not open_rows.any():
                break
            for row in open_rows.nonzero().flatten().tolist():
                replies[row].append(int(chosen[row]))
            chosen = chosen.masked_fill(~open_rows, pad_id)
            embeds = self.text.vocab(chosen.unsqueeze(1))
            real = torch.cat([real, open_rows.unsqueeze(1)], dim=1)
        return replies


def pick(logits: torch.Tensor, temperature: float, nucleus: float) -> torch.Tensor:
    """One token per row: greedy at temperature zero, otherwise nucleus sampling."""
    if temperature <= 0:
        return logits.argmax(dim=-1)
    probs, order = (logits / temperature).softmax(dim=-1).sort(dim=-1, descending=True)
    mass_before = probs.cumsum(dim=-1) - probs
    probs = probs.masked_fill(mass_before > nucleus, 0.0)
    drawn = torch.multinomial(probs, num_samples=1)
    return order.gather(-1, drawn).squeeze(-1)
