"""Fixed number of features per view, whatever the view's shape.

Learned queries read the patch features by cross-attention. The patches carry
2D sin-cos positions (in their keys only, so values stay purely visual) and the
queries are refined over several rounds with shared key/value projections.
"""

import torch
from torch import nn
import torch.nn.functional as F

from config import BridgeConfig


def sincos_2d(coords: torch.Tensor, dim: int) -> torch.Tensor:
    """Positions for ``coords`` (..., 2) holding (row, col); the result is (..., dim).

    Half the channels encode the row and half the column, each as sines followed
    by cosines over geometrically spaced wavelengths.
    """
    if dim % 4:
        raise ValueError("dim has to be a multiple of four")
    bands = dim // 4
    exponent = torch.arange(bands, device=coords.device, dtype=torch.float32) / bands
    rate = torch.pow(1.0 / 2000.0, exponent)
    angles = coords.float().unsqueeze(-1) * rate
    waves = torch.cat([angles.sin(), angles.cos()], dim=-1)
    return waves.flatten(-2)


class ReadRound(nn.Module):
    """One look at the patches and one feed-forward, both residual."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.pre = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.merge = nn.Linear(dim, dim, bias=False)
        self.think = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
        )

    def forward(self, latents, keys, values, readable):
        q = self.to_q(self.pre(latents)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        seen = F.scaled_dot_product_attention(q, keys, values, attn_mask=readable)
        latents = latents + self.merge(seen.transpose(1, 2).flatten(-2))
        return latents + self.think(latents)


class Resampler(nn.Module):
    def __init__(self, cfg: BridgeConfig, in_dim: int, out_dim: int):
        super().__init__()
        self.cfg = cfg
        self.queries = nn.Parameter(torch.randn(cfg.queries, cfg.dim) * cfg.dim**-0.5)
        self.norm_in = nn.LayerNorm(in_dim)
        self.lift = nn.Linear(in_dim, cfg.dim)
        self.to_k = nn.Linear(cfg.dim, cfg.dim, bias=False)
        self.to_v = nn.Linear(cfg.dim, cfg.dim, bias=False)
        self.rounds = nn.ModuleList(ReadRound(cfg.dim, cfg.heads) for _ in range(cfg.rounds))
        self.norm_out = nn.LayerNorm(cfg.dim)
        self.project = nn.Linear(cfg.dim, out_dim)

    def forward(self, patches: torch.Tensor, coords: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """
        patches: (views, length, in_dim), padded
        coords:  (views, length, 2), (row, col) of every patch
        real:    (views, length), False on padding
        returns  (views, queries, out_dim)
        """
        content = self.lift(self.norm_in(patches))
        placed = content + sincos_2d(coords, self.cfg.dim).to(content.dtype)
        keys = self.to_k(placed).unflatten(-1, (self.cfg.heads, -1)).transpose(1, 2)
        values = self.to_v(content).unflatten(-1, (self.cfg.heads, -1)).transpose(1, 2)
        readable = real[:, None, None, :]

        latents = self.queries.expand(patches.shape[0], -1, -1)
        for layer in self.rounds:
            latents = layer(latents, keys, values, readable)
        return self.project(self.norm_out(latents))
