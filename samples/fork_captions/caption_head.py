"""A small causal decoder that writes captions while looking at image memory."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from configuration_lantern import LanternConfig
from modeling_lantern import LanternEncoder


class LayerCache(NamedTuple):
    """Self-attention keys and values so far, and the image's, computed once."""

    text_k: torch.Tensor
    text_v: torch.Tensor
    image_k: torch.Tensor
    image_v: torch.Tensor


class CaptionLayer(nn.Module):
    def __init__(self, config: LanternConfig):
        super().__init__()
        dim = config.text_width
        self.heads = config.text_heads
        self.self_in = nn.Linear(dim, 3 * dim)
        self.self_out = nn.Linear(dim, dim)
        self.look_q = nn.Linear(dim, dim)
        self.look_kv = nn.Linear(config.width, 2 * dim)
        self.look_out = nn.Linear(dim, dim)
        # tanh gate starts closed, so a fresh head begins as a language model
        self.look_gate = nn.Parameter(torch.zeros(()))
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim), nn.Dropout(config.text_dropout)
        )
        self.norm_self = nn.LayerNorm(dim)
        self.norm_look = nn.LayerNorm(dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.drop = nn.Dropout(config.text_dropout)

    def split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(
        self, x: torch.Tensor, memory: torch.Tensor | None, cache: LayerCache | None
    ) -> tuple[torch.Tensor, LayerCache]:
        q, k, v = (self.split(part) for part in self.self_in(self.norm_self(x)).chunk(3, dim=-1))
        if cache is not None:
            k = torch.cat([cache.text_k, k], dim=2)
            v = torch.cat([cache.text_v, v], dim=2)
            image_k, image_v = cache.image_k, cache.image_v
        else:
            image_k, image_v = (self.split(part) for part in self.look_kv(memory).chunk(2, dim=-1))
        # With a cache exactly one new position arrives, and it may see everything.
        text = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        x = x + self.drop(self.self_out(text.transpose(1, 2).flatten(2)))

        look = F.scaled_dot_product_attention(
            self.split(self.look_q(self.norm_look(x))), image_k, image_v
        )
        x = x + self.look_gate.tanh() * self.drop(self.look_out(look.transpose(1, 2).flatten(2)))
        x = x + self.mlp(self.norm_mlp(x))
        return x, LayerCache(k, v, image_k, image_v)


class CaptionHead(nn.Module):
    def __init__(self, config: LanternConfig):
        super().__init__()
        self.config = config
        self.words = nn.Embedding(config.vocab_size, config.text_width, padding_idx=config.pad_id)
        self.places = nn.Embedding(config.max_caption_len, config.text_width)
        self.layers = nn.ModuleList(CaptionLayer(config) for _ in range(config.text_layers))
        self.norm = nn.LayerNorm(config.text_width)
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)

    def forward(
        self,
        ids: torch.Tensor,
        memory: torch.Tensor | None = None,
        caches: list[LayerCache] | None = None,
    ) -> tuple[torch.Tensor, list[LayerCache]]:
        start = 0 if caches is None else caches[0].text_k.shape[2]
        where = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = self.words(ids) + self.places(where)
        grown = []
        for index, layer in enumerate(self.layers):
            x, cache = layer(x, memory, None if caches is None else caches[index])
            grown.append(cache)
        return F.linear(self.norm(x), self.words.weight), grown


class LanternCaptioner(nn.Module):
    """Encoder and caption head trained together."""

    def __init__(self, config: LanternConfig):
        super().__init__()
        self.config = config
        self.encoder = LanternEncoder(config)
        self.head = CaptionHead(config)

    def forward(self, pixels: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        """Mean next-word loss; captions are BOS ... EOS then padding."""
        memory = self.encoder(pixels).memory
        logits, _ = self.head(captions[:, :-1], memory)
        return F.cross_entropy(
            logits.flatten(0, 1).float(),
            captions[:, 1:].flatten(),
            ignore_index=self.config.pad_id,
            label_smoothing=0.05 if self.training else 0.0,
        )
