import torch
from torch import nn


class StochasticDepth(nn.Module):
    """Drops a residual branch for whole samples."""

    def __init__(self, rate: float, rescale: bool = True):
        super().__init__()
        self.rate = rate
        self.rescale = rescale

    def forward(self, branch):
        if not self.training or self.rate == 0.0:
            return branch
        survive = 1.0 - self.rate
        noise = branch.new_empty((branch.shape[0],) + (1,) * (branch.ndim - 1)).bernoulli_(survive)
        if self.rescale and survive > 0:
            noise = noise / survive
        return branch * noise

    def extra_repr(self):
        return f"rate={self.rate:.3f}"


class ConvNeXtUnit(nn.Module):
    def __init__(self, channels, drop=0.0, scale_init=1e-6, kernel=7):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.body = nn.Sequential(
            nn.LayerNorm(channels, eps=1e-6),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.scale = nn.Parameter(torch.full((channels,), scale_init)) if scale_init > 0 else None
        self.drop = StochasticDepth(drop)

    def forward(self, x):
        y = self.depthwise(x).movedim(1, -1)
        y = self.body(y)
        if self.scale is not None:
            y = y * self.scale
        return x + self.drop(y.movedim(-1, 1))
