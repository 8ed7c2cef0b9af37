"""Per-bin class scores from the backbone's tapped maps."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from configuration_plover import PloverConfig
from modeling_plover import PloverEncoder


class WrapConv(nn.Module):
    """3x3 convolution on a polar map, then GroupNorm and GELU."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1):
        super().__init__()
        self.dilation = dilation
        self.conv = nn.Conv2d(in_channels, out_channels, 3, dilation=dilation, bias=False)
        self.norm = nn.GroupNorm(8, out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        d = self.dilation
        x = F.pad(x, (0, 0, d, d), mode="circular")
        x = F.pad(x, (d, d, 0, 0), mode="replicate")
        return F.gelu(self.norm(self.conv(x)))


class PolarSegmentationHead(nn.Module):
    """Merge the taps, widen the view, and refine with the raw newest sweep."""

    def __init__(self, config: PloverConfig):
        super().__init__()
        hidden = config.head_width
        self.laterals = nn.ModuleList(
            nn.Conv2d(config.width, hidden, 1) for _ in config.tap_layers
        )
        self.tap_weights = nn.Parameter(torch.zeros(len(config.tap_layers)))
        self.context = nn.ModuleList(WrapConv(hidden, hidden, dilation=d) for d in (1, 2, 4))
        self.detail = WrapConv(config.sweep_channels, hidden // 4)
        self.refine = WrapConv(hidden + hidden // 4, hidden // 2)
        self.classify = nn.Conv2d(hidden // 2, config.num_classes, 1)

    def forward(self, maps: list[torch.Tensor], newest: torch.Tensor) -> torch.Tensor:
        weights = self.tap_weights.softmax(dim=0)
        x = sum(w * lateral(m) for w, lateral, m in zip(weights, self.laterals, maps))
        for layer in self.context:
            x = x + layer(x)
        x = F.interpolate(x, size=newest.shape[-2:], mode="bilinear", align_corners=False)
        x = torch.cat([x, self.detail(newest)], dim=1)
        return self.classify(self.refine(x))


class PloverForSegmentation(nn.Module):
    def __init__(self, config: PloverConfig):
        super().__init__()
        self.encoder = PloverEncoder(config)
        self.head = PolarSegmentationHead(config)

    def forward(self, sweeps: torch.Tensor, ages: torch.Tensor) -> torch.Tensor:
        """Logits of shape (batch, classes, azimuth, range) for the newest sweep."""
        features = self.encoder(sweeps, ages)
        return self.head(features.maps, sweeps[:, 0])

    @torch.no_grad()
    def predict_spinning(self, sweeps: torch.Tensor, ages: torch.Tensor, turns: int = 4) -> torch.Tensor:
        """Average class probabilities over several rotations of the antenna's zero."""
        bins = sweeps.shape[-2]
        total = 0.0
        for turn in range(turns):
            shift = turn * bins // turns
            turned = torch.roll(sweeps, shifts=shift, dims=-2)
            scores = self(turned, ages).softmax(dim=1)
            total = total + torch.roll(scores, shifts=-shift, dims=-2)
        return total / turns
