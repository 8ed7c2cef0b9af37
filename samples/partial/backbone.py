"""Convolutional trunk and the two branches (reading, layout) of Harbor-OCR."""

from __future__ import annotations

import torch
import torch.nn as nn

from pooling import ColumnPool, RegionPool

LAYOUT_CLASSES = ("body", "heading", "caption", "table", "stamp", "footer")


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, ratio: int = 6):
        super().__init__()
        hidden = max(8, channels // ratio)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.restore = nn.Conv2d(hidden, channels, 1)

    def forward(self, maps):
        summary = maps.mean(dim=(2, 3), keepdim=True)
        excitation = self.restore(torch.relu(self.reduce(summary)))
        return maps * nn.functional.hardsigmoid(excitation)


class InvertedBottleneck(nn.Module):
    """Expand, depthwise, squeeze. The stride may differ between height and width."""

    def __init__(self, cin: int, cout: int, kernel: int = 3, stride=(1, 1), expand: float = 4.0):
        super().__init__()
        mid = int(cin * expand)
        self.body = nn.Sequential(
            nn.Conv2d(cin, mid, 1, bias=False),
            nn.BatchNorm2d(mid),
            nn.Hardswish(inplace=True),
            nn.Conv2d(mid, mid, kernel, stride=stride, padding=kernel // 2, groups=mid, bias=False),
            nn.BatchNorm2d(mid),
            SqueezeExcite(mid),
            nn.Hardswish(inplace=True),
            nn.Conv2d(mid, cout, 1, bias=False),
            nn.BatchNorm2d(cout),
        )
        self.residual = cin == cout and tuple(stride) == (1, 1)

    def forward(self, maps):
        refined = self.body(maps)
        return maps + refined if self.residual else refined


def make_trunk(widths=(24, 40, 72, 128), narrow_last: bool = True) -> nn.Sequential:
    """Stem and three stages; with `narrow_last` the last stage keeps the width, for reading."""
    stages: list[nn.Module] = [
        nn.Conv2d(1, widths[0], 5, stride=2, padding=2, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.Hardswish(inplace=True),
    ]
    strides = [(2, 2), (2, 1), (2, 1)] if narrow_last else [(2, 2), (2, 2), (2, 2)]
    for cin, cout, stride in zip(widths[:-1], widths[1:], strides):
        stages.append(InvertedBottleneck(cin, cout, kernel=5, stride=stride))
        stages.extend(InvertedBottleneck(cout, cout) for _ in range(2))
    return nn.Sequential(*stages)


class LineReader(nn.Module):
    """Line image (batch, 1, 48, width) -> logits (batch, width / 4, alphabet)."""

    horizontal_stride = 4

    def __init__(self, alphabet_size: int, lstm_width: int = 160, height: int = 48, dropout: float = 0.15):
        super().__init__()
        self.trunk = make_trunk()
        self.collapse = ColumnPool(128, height // 16)
        self.context = nn.LSTM(128, lstm_width, num_layers=2, bidirectional=True, dropout=dropout, batch_first=True)
        self.classify = nn.Linear(2 * lstm_width, alphabet_size)

    def output_lengths(self, widths: torch.Tensor) -> torch.Tensor:
        half = torch.div(widths + 1, 2, rounding_mode="floor")
        return torch.div(half + 1, 2, rounding_mode="floor")

    def forward(self, lines: torch.Tensor, widths: torch.Tensor):
        columns = self.collapse(self.trunk(lines)).permute(0, 2, 1)
        lengths = self.output_lengths(widths)
        packed = nn.utils.rnn.pack_padded_sequence(columns, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.context(packed)[0], batch_first=True)
        return self.classify(states), lengths


class LayoutBranch(nn.Module):
    """Predicts a fixed set of regions per view: a class (or nothing) and a box."""

    def __init__(self, regions: int = 40, dim: int = 192):
        super().__init__()
        self.trunk = make_trunk((24, 48, 96, 160), narrow_last=False)
        self.pool = RegionPool(regions, dim, heads=6, in_dim=160)
        self.kind = nn.Linear(dim, len(LAYOUT_CLASSES) + 1)
        self.box = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, 4))

    def forward(self, view: torch.Tensor):
        maps = self.trunk(view)
        shape = torch.tensor([maps.shape[-2:]] * len(maps), device=maps.device)
        regions = self.pool(maps.flatten(2).permute(0, 2, 1), shape)
        cxcywh = self.box(regions).sigmoid()
        centre, extent = cxcywh.split(2, dim=-1)
        return self.kind(regions), torch.cat((centre - extent / 2, centre + extent / 2), dim=-1)
