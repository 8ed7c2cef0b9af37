import torch
import torch.nn as nn
import torch.nn.functional as F


class ChannelLayerNorm(nn.Module):
    """LayerNorm over the channel axis of an NCHW map, without permuting it."""

    def __init__(self, channels: int, eps: float = 1e-6):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.eps = eps

    def forward(self, feats):
        var, mean = torch.var_mean(feats, dim=1, keepdim=True, unbiased=False)
        return (feats - mean) * torch.rsqrt(var + self.eps) * self.gamma + self.beta


class BiasOptionalLayerNorm(nn.Module):
    def __init__(self, width, use_bias):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width)) if use_bias else None

    def forward(self, t):
        return F.layer_norm(t, (t.size(-1),), self.scale, self.shift, 1e-5)


class AdaptiveLayerNorm(nn.Module):
    """Scale and shift come from a conditioning vector (DiT-style, zero initialised)."""

    def __init__(self, width, cond_width):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.to_mod = nn.Linear(cond_width, 2 * width)
        nn.init.zeros_(self.to_mod.weight)
        nn.init.zeros_(self.to_mod.bias)

    def forward(self, t, cond):
        scale, shift = self.to_mod(F.silu(cond)).unsqueeze(1).chunk(2, dim=-1)
        return self.norm(t) * (1 + scale) + shift
