"""Lantern image encoder.

Adapted from basalt-vit (Apache-2.0). Changes made here: queries and keys are
normalised before attention, blocks can be checkpointed or frozen, and the
encoder hands a caption decoder its memory instead of a pooled vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from configuration_lantern import LanternConfig


@dataclass
class LanternOutput:
    tokens: torch.Tensor
    memory: torch.Tensor
    grid: tuple[int, int]
    hidden_states: tuple[torch.Tensor, ...] | None = None

    def patch_map(self, num_prefix_tokens: int) -> torch.Tensor:
        """Patch tokens as a (batch, channels, rows, cols) feature map."""
        rows, cols = self.grid
        patches = self.tokens[:, num_prefix_tokens:]
        return patches.transpose(1, 2).reshape(patches.shape[0], -1, rows, cols)


class LanternDropPath(nn.Module):
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


class LanternPatchEmbed(nn.Module):
    """Cut the image into patches, project them, and add position embeddings."""

    def __init__(self, config: LanternConfig):
        super().__init__()
        self.patch_size = config.patch_size
        self.grid_size = config.grid_size
        self.proj = nn.Conv2d(
            config.in_channels, config.width, kernel_size=config.patch_size, stride=config.patch_size
        )
        self.pos_embed = nn.Parameter(torch.zeros(1, config.grid_size**2, config.width))

    def resized_positions(self, rows: int, cols: int) -> torch.Tensor:
        """Bicubically stretch the trained position grid to another shape."""
        if rows == self.grid_size and cols == self.grid_size:
            return self.pos_embed
        grid = self.pos_embed.reshape(1, self.grid_size, self.grid_size, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(
            grid.float(), size=(rows, cols), mode="bicubic", align_corners=False, antialias=True
        )
        return grid.permute(0, 2, 3, 1).reshape(1, rows * cols, -1).to(self.pos_embed.dtype)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        height, width = pixels.shape[-2:]
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"image of {height}x{width} does not divide into patches of {self.patch_size}"
            )
        features = self.proj(pixels)
        rows, cols = features.shape[-2:]
        tokens = features.flatten(2).transpose(1, 2)
        return tokens + self.resized_positions(rows, cols), (rows, cols)


class LanternAttention(nn.Module):
    def __init__(self, config: LanternConfig):
        super().__init__()
        self.num_heads = config.num_heads
        self.head_dim = config.head_dim
        self.dropout = config.dropout
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=config.qkv_bias)
        self.out = nn.Linear(config.width, config.width)
        self.query_norm = nn.LayerNorm(self.head_dim, eps=config.norm_eps)
        self.key_norm = nn.LayerNorm(self.head_dim, eps=config.norm_eps)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(x).reshape(batch, length, 3, self.num_heads, self.head_dim)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        # Long fine-tuning runs in bf16 diverged without this.
        query, key = self.query_norm(query), self.key_norm(key)
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class LanternFeedForward(nn.Module):
    def __init__(self, config: LanternConfig):
        super().__init__()
        hidden = int(config.width * config.ffn_ratio)
        self.expand = nn.Linear(config.width, hidden)
        self.shrink = nn.Linear(hidden, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shrink(self.dropout(F.gelu(self.expand(x))))


class LanternLayerScale(nn.Module):
    def __init__(self, width: int, init: float):
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gain


class LanternBlock(nn.Module):
    def __init__(self, config: LanternConfig, drop_path: float):
        super().__init__()
        self.attn_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attn = LanternAttention(config)
        self.attn_scale = LanternLayerScale(config.width, config.layer_scale_init)
        self.ffn_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.ffn = LanternFeedForward(config)
        self.ffn_scale = LanternLayerScale(config.width, config.layer_scale_init)
        self.drop_path = LanternDropPath(drop_path)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = x + self.drop_path(self.attn_scale(self.attn(self.attn_norm(x), mask)))
        x = x + self.drop_path(self.ffn_scale(self.ffn(self.ffn_norm(x))))
        return x


class LanternEncoder(nn.Module):
    """Image in, prefix and patch tokens out."""

    def __init__(self, config: LanternConfig):
        super().__init__()
        self.config = config
        self.patch_embed = LanternPatchEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.registers = nn.Parameter(torch.zeros(1, config.num_registers, config.width))
        rates = torch.linspace(0.0, config.drop_path_rate, config.num_layers).tolist()
        self.blocks = nn.ModuleList(LanternBlock(config, rate) for rate in rates)
        self.final_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.use_checkpointing = False
        self.frozen_blocks = 0
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
        nn.init.trunc_normal_(self.patch_embed.pos_embed, std=std)
        nn.init.normal_(self.cls_token, std=1e-6)
        nn.init.normal_(self.registers, std=1e-6)

    def freeze(self, num_blocks: int) -> None:
        """Stop training the stem and the first ``num_blocks`` blocks."""
        if not 0 <= num_blocks <= len(self.blocks):
            raise ValueError(f"cannot freeze {num_blocks} of {len(self.blocks)} blocks")
        self.frozen_blocks = num_blocks
        trainable_stem = num_blocks == 0
        self.patch_embed.requires_grad_(trainable_stem)
        self.cls_token.requires_grad_(trainable_stem)
        self.registers.requires_grad_(trainable_stem)
        for index, block in enumerate(self.blocks):
            block.requires_grad_(index >= num_blocks)
        self.train(self.training)

    def train(self, mode: bool = True) -> "LanternEncoder":
        super().train(mode)
        for block in self.blocks[: self.frozen_blocks]:
            block.eval()  # frozen blocks should not drop paths either
        return self

    def caption_memory(self, tokens: torch.Tensor) -> torch.Tensor:
        """CLS and patch tokens; registers only carry scratch state."""
        if self.config.memory == "patches":
            return tokens[:, self.config.num_prefix_tokens :]
        return torch.cat([tokens[:, :1], tokens[:, self.config.num_prefix_tokens :]], dim=1)

    def forward(self, pixels: torch.Tensor, output_hidden_states: bool = False) -> LanternOutput:
        patches, grid = self.patch_embed(pixels)
        batch = patches.shape[0]
        x = torch.cat(
            [self.cls_token.expand(batch, -1, -1), self.registers.expand(batch, -1, -1), patches],
            dim=1,
        )
        trace = [x] if output_hidden_states else None
        for block in self.blocks:
            if self.use_checkpointing and self.training and torch.is_grad_enabled():
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x)
            if trace is not None:
                trace.append(x)
        x = self.final_norm(x)
        return LanternOutput(
            tokens=x,
            memory=self.caption_memory(x),
            grid=grid,
            hidden_states=tuple(trace) if trace is not None else None,
        )
