import math
import numpy as np
import torch
import torch.nn as N
import torch.nn.functional as fn

WAVE_BASE = 7500.0


def wave_line(width, coords):
    assert width % 2 == 0
    rates = np.arange(width // 2, dtype=np.float32)
    rates /= width / 2.0
    rates = 1.0 / WAVE_BASE ** rates
    phase = np.einsum('hw,d->hwd', coords, rates)
    return np.concatenate([np.sin(phase), np.cos(phase)], axis=-1)


def wave_plane(width, extent):
    """Sinusoidal code of every cell of a plane."""
    if isinstance(extent, int):
        extent = (extent, extent)
    ys = np.arange(extent[0], dtype=np.float32)
    xs = np.arange(extent[1], dtype=np.float32)
    plane_x, plane_y = np.meshgrid(xs, ys)
    code_y = wave_line(width // 2, plane_y)
    code_x = wave_line(width // 2, plane_x)
    return np.concatenate([code_y, code_x], axis=-1)


class AsterLatentPooler(N.Module):
    """
    Summarises a crop by a fixed number of latents.

    Crops may have any shape; see `_codes_for`.
    """
    stock_extent = (32, 32)

    def __init__(self, n_latents, width, n_heads, source_width=None, flexible=True, extent=None):
        super().__init__()
        self.n_latents = n_latents
        self.width = width
        self.n_heads = n_heads
        self.flexible = flexible
        self.extent = extent or self.stock_extent

        self.latents = N.Parameter(torch.zeros(n_latents, width))
        if source_width is not None and source_width != width:
            self.source_map = N.Linear(source_width, width, bias=False)
        else:
            self.source_map = N.Identity()

        self.cross = N.MultiheadAttention(width, n_heads)
        self.norm_latents = N.LayerNorm(width, eps=1e-6)
        self.norm_source = N.LayerNorm(width, eps=1e-6)
        self.norm_result = N.LayerNorm(width, eps=1e-6)
        self.mixer = N.Parameter((width ** -0.5) * torch.randn(width, width))
        self.leak = N.Parameter(torch.full((1,), 0.25))

        self._store_codes(self.extent)
        self.apply(self._reset)
        N.init.trunc_normal_(self.latents, std=0.017)

    def _store_codes(self, extent, where='cpu'):
        codes = torch.from_numpy(wave_plane(self.width, extent)).float().to(where)
        self.register_buffer('codes', codes, persistent=False)

    def _reset(self, layer):
        if isinstance(layer, N.Linear):
            N.init.trunc_normal_(layer.weight, std=0.017)
            if layer.bias is not None:
                N.init.constant_(layer.bias, 0)
        elif isinstance(layer, N.LayerNorm):
            N.init.constant_(layer.bias, 0)
            N.init.constant_(layer.weight, 1.0)

    def _ensure_codes(self, shapes, where):
        tallest = int(shapes[:, 0].max())
        widest = int(shapes[:, 1].max())
        if tallest > self.extent[0] or widest > self.extent[1]:
            new_rows = max(math.ceil(tallest * 1.25), self.extent[0])
            new_cols = max(math.ceil(widest * 1.25), self.extent[1])
            self.extent = (new_rows, new_cols)
            self._store_codes(self.extent, where)

    def _codes_for(self, n_rows, n_cols):
        if not self.flexible:
            return self.codes[:n_rows, :n_cols, :].reshape(n_rows * n_cols, -1)
        side = max(n_rows, n_cols)
        codes = self.codes[:side, :side, :].permute(2, 0, 1).unsqueeze(0)
        if n_rows != n_cols:
            codes = fn.interpolate(
                codes, size=(n_rows, n_cols), mode='bicubic', align_corners=False,
            )
        return codes.squeeze(0).flatten(1).transpose(0, 1)

    def forward(self, source, shapes):
        assert source.shape[0] == shapes.shape[0]
        n = source.shape[0]
        where, kind = source.device, source.dtype

        n_cells = shapes[:, 0] * shapes[:, 1]
        self._ensure_codes(shapes, where)

        most_cells = int(n_cells.max())
        ignore = torch.zeros((n, most_cells), dtype=torch.bool, device=where)
        codes = []
        for k in range(n):
            n_rows, n_cols = shapes[k].tolist()
            codes.append(self._codes_for(n_rows, n_cols).to(kind))
            ignore[k, n_cells[k]:] = True

        codes = N.utils.rnn.pad_sequence(codes, batch_first=True,
                                         padding_value=0.0).permute(1, 0, 2)

        source = self.source_map(source[:, :most_cells])
        source = self.norm_source(source).permute(1, 0, 2)
        asked = self.norm_latents(self.latents)

        result = self.cross(self._spread(asked, n), source + codes, source,
                            key_padding_mask=ignore, need_weights=False)[0]
        result = result.permute(1, 0, 2)
        result = result + torch.tanh(self.leak) * asked.unsqueeze(0)
        return self.norm_result(result) @ self.mixer

    def _spread(self, asked, times):
        return asked.unsqueeze(1).repeat(1, times, 1)
