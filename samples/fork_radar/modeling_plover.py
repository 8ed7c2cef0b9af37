# Adapted from basalt-vit, Apache-2.0.
"""Plover: the backbone for segmenting radar sweeps.

Differences from upstream: a camera patch embedding gave way to the polar sweep
embedding in sweep_embed.py, feed-forwards are gated, empty cells are masked out
of attention, and the encoder returns the maps a dense head needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from configuration_plover import PloverConfig
from sweep_embed import PloverSweepEmbed


@dataclass
class PloverOutput:
    tokens: torch.Tensor
    grid: tuple[int, int]
    maps: list[torch.Tensor]


class PloverDropPath(nn.Module):
    """Skip a residual branch for a random subset of the batch."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, branch: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0.0:
            return branch
        keep = 1.0 - self.rate
        mask = branch.new_empty((branch.shape[0],) + (1,) * (branch.ndim - 1)).bernoulli_(keep)
        return branch * mask / keep


class PloverAttention(nn.Module):
    def __init__(self, config: PloverConfig):
        super().__init__()
        self.num_heads = config.num_heads
        self.head_dim = config.head_dim
        self.dropout = config.dropout
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=config.qkv_bias)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(x).reshape(batch, length, 3, self.num_heads, self.head_dim)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class PloverFeedForward(nn.Module):
    """Gated feed-forward, two thirds as wide so that the size stays the same."""

    def __init__(self, config: PloverConfig):
        super().__init__()
        hidden = int(config.width * config.ffn_ratio * 2 / 3) // 16 * 16
        self.gate_and_value = nn.Linear(config.width, 2 * hidden)
        self.shrink = nn.Linear(hidden, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate, value = self.gate_and_value(x).chunk(2, dim=-1)
        return self.shrink(self.dropout(F.silu(gate) * value))


class PloverLayerScale(nn.Module):
    def __init__(self, width: int, init: float):
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gain


class PloverBlock(nn.Module):
    def __init__(self, config: PloverConfig, drop_path: float):
        super().__init__()
        self.attn_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attn = PloverAttention(config)
        self.attn_scale = PloverLayerScale(config.width, config.layer_scale_init)
        self.ffn_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.ffn = PloverFeedForward(config)
        self.ffn_scale = PloverLayerScale(config.width, config.layer_scale_init)
        self.drop_path = PloverDropPath(drop_path)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = x + self.drop_path(self.attn_scale(self.attn(self.attn_norm(x), mask)))
        x = x + self.drop_path(self.ffn_scale(self.ffn(self.ffn_norm(x))))
        return x


class PloverEncoder(nn.Module):
    """Radar sweeps in, tokens and tapped polar feature maps out."""

    def __init__(self, config: PloverConfig):
        super().__init__()
        self.config = config
        self.sweep_embed = PloverSweepEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.registers = nn.Parameter(torch.zeros(1, config.num_registers, config.width))
        rates = torch.linspace(0.0, config.drop_path_rate, config.num_layers).tolist()
        self.blocks = nn.ModuleList(PloverBlock(config, rate) for rate in rates)
        self.final_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        std = self.config.init_std
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Conv2d):
                fan_in = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
                nn.init.trunc_normal_(module.weight, std=math.sqrt(1.0 / fan_in))
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.sweep_embed.age_embed, std=std)
        nn.init.normal_(self.cls_token, std=1e-6)
        nn.init.normal_(self.registers, std=1e-6)

    def attention_mask(self, occupied: torch.Tensor) -> torch.Tensor:
        """Keys every query may use: prefix tokens, and cells that saw an echo."""
        prefix = occupied.new_ones(occupied.shape[0], self.config.num_prefix_tokens)
        return torch.cat([prefix, occupied], dim=1)[:, None, None, :]

    def to_map(self, tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        cells = tokens[:, self.config.num_prefix_tokens :]
        return cells.transpose(1, 2).unflatten(2, grid)

    def forward(self, sweeps: torch.Tensor, ages: torch.Tensor) -> PloverOutput:
        cells, occupied, grid = self.sweep_embed(sweeps, ages)
        batch = cells.shape[0]
        x = torch.cat(
            [self.cls_token.expand(batch, -1, -1), self.registers.expand(batch, -1, -1), cells],
            dim=1,
        )
        mask = self.attention_mask(occupied)
        maps = []
        for depth, block in enumerate(self.blocks, start=1):
            x = block(x, mask)
            if depth in self.config.tap_layers:
                maps.append(self.to_map(self.final_norm(x), grid))
        return PloverOutput(tokens=self.final_norm(x), grid=grid, maps=maps)


def layerwise_lr_groups(
    encoder: PloverEncoder, base_lr: float, decay: float = 0.75, weight_decay: float = 0.05
) -> list[dict]:
    """Optimizer groups where earlier blocks learn more slowly than later ones."""
    depth = len(encoder.blocks)
    groups: dict[tuple[int, bool], dict] = {}
    for name, param in encoder.named_parameters():
        if not param.requires_grad:
            continue
        if name.startswith("blocks."):
            level = int(name.split(".")[1]) + 1
        elif name.startswith("final_norm"):
            level = depth + 1
        else:
            level = 0
        decays = param.ndim >= 2 and not name.endswith(("age_embed", "cls_token", "registers"))
        group = groups.setdefault(
            (level, decays),
            {
                "params": [],
                "lr": base_lr * decay ** (depth + 1 - level),
                "weight_decay": weight_decay if decays else 0.0,
            },
        )
        group["params"].append(param)
    return list(groups.values())
