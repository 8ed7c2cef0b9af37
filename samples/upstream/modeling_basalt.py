"""Basalt: a plain vision transformer with registers and LayerScale.

The only unusual choices are that position embeddings cover patch tokens alone
(prefix tokens carry none) and that stochastic depth grows linearly with depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from configuration_basalt import BasaltConfig


@dataclass
class BasaltOutput:
    tokens: torch.Tensor
    pooled: torch.Tensor
    grid: tuple[int, int]
    hidden_states: tuple[torch.Tensor, ...] | None = None

    def patch_map(self, num_prefix_tokens: int) -> torch.Tensor:
        """Patch tokens as a (batch, channels, rows, cols) feature map."""
        rows, cols = self.grid
        patches = self.tokens[:, num_prefix_tokens:]
        return patches.transpose(1, 2).reshape(patches.shape[0], -1, rows, cols)


class BasaltDropPath(nn.Module):
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


class BasaltPatchEmbed(nn.Module):
    """Cut the image into patches, project them, and add position embeddings."""

    def __init__(self, config: BasaltConfig):
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


class BasaltAttention(nn.Module):
    def __init__(self, config: BasaltConfig):
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


class BasaltFeedForward(nn.Module):
    def __init__(self, config: BasaltConfig):
        super().__init__()
        hidden = int(config.width * config.ffn_ratio)
        self.expand = nn.Linear(config.width, hidden)
        self.shrink = nn.Linear(hidden, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shrink(self.dropout(F.gelu(self.expand(x))))


class BasaltLayerScale(nn.Module):
    def __init__(self, width: int, init: float):
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gain


class BasaltBlock(nn.Module):
    def __init__(self, config: BasaltConfig, drop_path: float):
        super().__init__()
        self.attn_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attn = BasaltAttention(config)
        self.attn_scale = BasaltLayerScale(config.width, config.layer_scale_init)
        self.ffn_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.ffn = BasaltFeedForward(config)
        self.ffn_scale = BasaltLayerScale(config.width, config.layer_scale_init)
        self.drop_path = BasaltDropPath(drop_path)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = x + self.drop_path(self.attn_scale(self.attn(self.attn_norm(x), mask)))
        x = x + self.drop_path(self.ffn_scale(self.ffn(self.ffn_norm(x))))
        return x


class BasaltEncoder(nn.Module):
    """Image in, prefix and patch tokens out."""

    def __init__(self, config: BasaltConfig):
        super().__init__()
        self.config = config
        self.patch_embed = BasaltPatchEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.registers = nn.Parameter(torch.zeros(1, config.num_registers, config.width))
        rates = torch.linspace(0.0, config.drop_path_rate, config.num_layers).tolist()
        self.blocks = nn.ModuleList(BasaltBlock(config, rate) for rate in rates)
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
        nn.init.trunc_normal_(self.patch_embed.pos_embed, std=std)
        nn.init.normal_(self.cls_token, std=1e-6)
        nn.init.normal_(self.registers, std=1e-6)

    def pool(self, tokens: torch.Tensor) -> torch.Tensor:
        prefix = self.config.num_prefix_tokens
        if self.config.pool == "cls":
            return tokens[:, 0]
        if self.config.pool == "registers":
            return tokens[:, 1:prefix].mean(dim=1)
        return tokens[:, prefix:].mean(dim=1)

    def forward(self, pixels: torch.Tensor, output_hidden_states: bool = False) -> BasaltOutput:
        patches, grid = self.patch_embed(pixels)
        batch = patches.shape[0]
        x = torch.cat(
            [self.cls_token.expand(batch, -1, -1), self.registers.expand(batch, -1, -1), patches],
            dim=1,
        )
        trace = [x] if output_hidden_states else None
        for block in self.blocks:
            x = block(x)
            if trace is not None:
                trace.append(x)
        x = self.final_norm(x)
        return BasaltOutput(
            tokens=x,
            pooled=self.pool(x),
            grid=grid,
            hidden_states=tuple(trace) if trace is not None else None,
        )


class BasaltForImageClassification(nn.Module):
    def __init__(self, config: BasaltConfig):
        super().__init__()
        self.config = config
        self.encoder = BasaltEncoder(config)
        self.head = nn.Linear(config.width, config.num_labels)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, -math.log(config.num_labels))

    def forward(
        self,
        pixels: torch.Tensor,
        labels: torch.Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, torch.Tensor]:
        logits = self.head(self.encoder(pixels).pooled)
        result = {"logits": logits}
        if labels is not None:
            result["loss"] = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        return result


def layerwise_lr_groups(
    encoder: BasaltEncoder, base_lr: float, decay: float = 0.75, weight_decay: float = 0.05
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
        decays = param.ndim >= 2 and not name.endswith(("pos_embed", "cls_token", "registers"))
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
