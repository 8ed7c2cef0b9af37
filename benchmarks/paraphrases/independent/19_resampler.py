"""Perceiver resampler (Flamingo): a fixed number of latents reads a variable number of features."""
import torch
from torch import nn


class LatentAttention(nn.Module):
    def __init__(self, dim, heads=8, dim_head=64):
        super().__init__()
        self.heads = heads
        self.scale = dim_head**-0.5
        inner = heads * dim_head
        self.norm_media = nn.LayerNorm(dim)
        self.norm_latents = nn.LayerNorm(dim)
        self.q = nn.Linear(dim, inner, bias=False)
        self.kv = nn.Linear(dim, inner * 2, bias=False)
        self.out = nn.Linear(inner, dim, bias=False)

    def forward(self, media, latents):
        media, latents = self.norm_media(media), self.norm_latents(latents)
        b, n, _ = latents.shape
        source = torch.cat((media, latents), dim=1)
        q = self.q(latents).view(b, n, self.heads, -1)
        k, v = self.kv(source).view(b, source.shape[1], 2, self.heads, -1).unbind(2)
        sim = torch.einsum("bihd,bjhd->bhij", q * self.scale, k)
        sim = sim - sim.amax(dim=-1, keepdim=True).detach()
        return self.out(torch.einsum("bhij,bjhd->bihd", sim.softmax(-1), v).flatten(2))


class Resampler(nn.Module):
    def __init__(self, dim, depth=6, num_latents=64, max_frames=8, ff_mult=4):
        super().__init__()
        self.latents = nn.Parameter(torch.randn(num_latents, dim))
        self.frame_pos = nn.Parameter(torch.randn(max_frames, 1, dim))
        self.layers = nn.ModuleList()
        for _ in range(depth):
            ff = nn.Sequential(
                nn.LayerNorm(dim), nn.Linear(dim, dim * ff_mult, bias=False), nn.GELU(),
                nn.Linear(dim * ff_mult, dim, bias=False),
            )
            self.layers.append(nn.ModuleList([LatentAttention(dim), ff]))
        self.norm = nn.LayerNorm(dim)

    def forward(self, feats):
        # feats: (batch, frames, tokens, dim)
        feats = (feats + self.frame_pos[: feats.shape[1]]).flatten(1, 2)
        z = self.latents.expand(feats.shape[0], -1, -1)
        for attn, ff in self.layers:
            z = z + attn(feats, z)
            z = z + ff(z)
        return self.norm(z)
