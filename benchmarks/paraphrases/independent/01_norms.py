"""Normalisation layers used across the project."""
import torch
from torch import nn


class RootMeanSquareNorm(nn.Module):
    """Zhang & Sennrich, 2019. Scales by the reciprocal RMS of the features."""

    def __init__(self, dim, eps=1e-5, with_gain=True):
        super().__init__()
        self.eps = eps
        if with_gain:
            self.gain = nn.Parameter(torch.ones(dim))
        else:
            self.register_parameter("gain", None)

    def forward(self, x):
        orig = x.dtype
        y = x.float()
        rms = y.square().mean(-1, keepdim=True).add(self.eps).sqrt()
        y = (y / rms).to(orig)
        return y if self.gain is None else y * self.gain


class PartialRMSNorm(nn.Module):
    """pRMSNorm: the statistic is estimated from the first p percent of the features."""

    def __init__(self, dim, fraction=0.0625, eps=1e-8):
        super().__init__()
        self.count = max(1, int(dim * fraction))
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        head = x[..., : self.count]
        norm = head.norm(2, dim=-1, keepdim=True)
        rms = norm / self.count ** 0.5
        return self.gain * x / (rms + self.eps)
