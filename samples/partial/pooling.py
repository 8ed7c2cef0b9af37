"""Two ways of getting rid of the second dimension of a feature map."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class ColumnPool(nn.Module):
    """Collapse the height of a text line by attention over each column.

    A plain mean washes out accents and descenders, hence the learned weights and the mixing
    with the column maximum.
    """

    def __init__(self, channels: int, height: int):
        super().__init__()
        self.score = nn.Sequential(
            nn.Conv2d(channels, channels // 8, 1),
            nn.Tanh(),
            nn.Conv2d(channels // 8, 1, (3, 1), padding=(1, 0)),
        )
        self.prior = nn.Parameter(torch.linspace(-1, 1, height).pow(2).neg().view(1, 1, height, 1))
        self.balance = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(self.score(maps) + self.prior, dim=2)
        averaged = (maps * weights).sum(dim=2)
        strongest = maps.amax(dim=2)
        share = torch.sigmoid(self.balance)[None, :, None]
        return torch.lerp(averaged, strongest, share)


def axis_sincos(dim, coords):
    assert dim % 2 == 0
    freq = np.arange(dim // 2, dtype=np.float32)
    freq /= dim / 2.0
    freq = 1.0 / 7500.0**freq
    arg = np.einsum("hw,d->hwd", coords, freq)
    return np.concatenate([np.sin(arg), np.cos(arg)], axis=-1)


def plane_sincos(dim, shape):
    if isinstance(shape, int):
        shape = (shape, shape)
    ys = np.arange(shape[0], dtype=np.float32)
    xs = np.arange(shape[1], dtype=np.float32)
    grid_x, grid_y = np.meshgrid(xs, ys)
    return np.concatenate([axis_sincos(dim // 2, grid_y), axis_sincos(dim // 2, grid_x)], axis=-1)


class RegionPool(nn.Module):
    """Summarise the view of a page by a set of learned region queries."""

    def __init__(self, regions, dim, heads, in_dim=None, adaptive=True, max_shape=(32, 32)):
        super().__init__()
        self.regions = regions
        self.dim = dim
        self.heads = heads
        self.adaptive = adaptive
        self.max_shape = max_shape

        self.region_query = nn.Parameter(torch.zeros(regions, dim))
        if in_dim is not None and in_dim != dim:
            self.in_proj = nn.Linear(in_dim, dim, bias=False)
        else:
            self.in_proj = nn.Identity()

        self.attention = nn.MultiheadAttention(dim, heads)
        self.norm_query = nn.LayerNorm(dim, eps=1e-6)
        self.norm_in = nn.LayerNorm(dim, eps=1e-6)
        self.norm_out = nn.LayerNorm(dim, eps=1e-6)
        self.out_proj = nn.Parameter((dim**-0.5) * torch.randn(dim, dim))
        self.skip = nn.Parameter(torch.full((1,), 0.25))

        self._make_table(self.max_shape)
        self.apply(self._init)
        nn.init.trunc_normal_(self.region_query, std=0.02)

    def _make_table(self, shape, device="cpu"):
        table = torch.from_numpy(plane_sincos(self.dim, shape)).float().to(device)
        self.register_buffer("table", table, persistent=False)

    def _init(self, m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=0.02)
            if m.bias is not None:
                nn.init.constant_(m.bias, 0)
        elif isinstance(m, nn.LayerNorm):
            nn.init.constant_(m.bias, 0)
            nn.init.constant_(m.weight, 1.0)

    def _grow_table(self, shapes, device):
        top_h = int(shapes[:, 0].max())
        top_w = int(shapes[:, 1].max())
        if top_h > self.max_shape[0] or top_w > self.max_shape[1]:
            self.max_shape = (
                max(math.ceil(top_h * 1.25), self.max_shape[0]),
                max(math.ceil(top_w * 1.25), self.max_shape[1]),
            )
            self._make_table(self.max_shape, device)

    def _table_for(self, h, w):
        if not self.adaptive:
            return self.table[:h, :w, :].reshape(h * w, -1)
        side = max(h, w)
        part = self.table[:side, :side, :].permute(2, 0, 1).unsqueeze(0)
        if h != w:
            part = F.interpolate(part, size=(h, w), mode="bicubic", align_corners=False)
        return part.squeeze(0).flatten(1).transpose(0, 1)

    def forward(self, cells, shapes):
        n = cells.shape[0]
        device, dtype = cells.device, cells.dtype

        lengths = shapes[:, 0] * shapes[:, 1]
        self._grow_table(shapes, device)

        longest = int(lengths.max())
        padding = torch.zeros((n, longest), dtype=torch.bool, device=device)
        pos = []
        for i in range(n):
            h, w = shapes[i].tolist()
            pos.append(self._table_for(h, w).to(dtype))
            padding[i, lengths[i] :] = True
        pos = nn.utils.rnn.pad_sequence(pos, batch_first=True, padding_value=0.0).permute(1, 0, 2)

        cells = self.in_proj(cells[:, :longest])
        cells = self.norm_in(cells).permute(1, 0, 2)
        query = self.norm_query(self.region_query)

        pooled = self.attention(
            query.unsqueeze(1).repeat(1, n, 1), cells + pos, cells, key_padding_mask=padding, need_weights=False
        )[0]
        pooled = pooled.permute(1, 0, 2)
        pooled = pooled + torch.tanh(self.skip) * query.unsqueeze(0)
        return self.norm_out(pooled) @ self.out_proj
