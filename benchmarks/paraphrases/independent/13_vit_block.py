import torch
from torch import nn


class LayerScale(nn.Module):
    def __init__(self, dim, init=1e-5):
        super().__init__()
        self.g = nn.Parameter(init * torch.ones(dim))

    def forward(self, x):
        return x * self.g


class ViTBlock(nn.Module):
    """Pre-norm block: attention, then MLP, each with an optional layer scale."""

    def __init__(self, dim, heads, mlp_ratio=4.0, drop=0.0, init_values=None, act=nn.GELU):
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.ln1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = nn.MultiheadAttention(dim, heads, dropout=drop, batch_first=True)
        self.ls1 = LayerScale(dim, init_values) if init_values else nn.Identity()
        self.ln2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(dim, hidden),
            act(),
            nn.Dropout(drop),
            nn.Linear(hidden, dim),
            nn.Dropout(drop),
        )
        self.ls2 = LayerScale(dim, init_values) if init_values else nn.Identity()

    def forward(self, x, attn_mask=None):
        y = self.ln1(x)
        y, _ = self.attn(y, y, y, attn_mask=attn_mask, need_weights=False)
        x = x + self.ls1(y)
        return x + self.ls2(self.mlp(self.ln2(x)))
