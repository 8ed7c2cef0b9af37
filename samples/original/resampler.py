"""Perceiver-style resampler: any number of patches in, `num_queries` tokens out."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

POS_BASE = 7500.0


def sincos_1d(embed_dim, positions):
    """positions (...,) -> (..., embed_dim), sines in the first half."""
    assert embed_dim % 2 == 0
    omega = np.arange(embed_dim // 2, dtype=np.float32)
    omega /= embed_dim / 2.0
    omega = 1.0 / POS_BASE**omega
    angles = np.einsum("hw,d->hwd", positions, omega)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)


def sincos_2d(embed_dim, grid_size):
    """grid_size is (height, width) or an int; returns (height, width, embed_dim)."""
    if isinstance(grid_size, int):
        grid_size = (grid_size, grid_size)
    rows = np.arange(grid_size[0], dtype=np.float32)
    cols = np.arange(grid_size[1], dtype=np.float32)
    grid_w, grid_h = np.meshgrid(cols, rows)
    emb_h = sincos_1d(embed_dim // 2, grid_h)
    emb_w = sincos_1d(embed_dim // 2, grid_w)
    return np.concatenate([emb_h, emb_w], axis=-1)


class LumenResampler(nn.Module):
    """Learned queries cross-attend to the patches of a tile of any shape.

    The table of key positions is built for `max_size` and stretched for each tile, so that a
    wide tile and a tall one share the same coordinate system.
    """

    max_size_default = (32, 32)

    def __init__(self, num_queries, embed_dim, num_heads, kv_dim=None, adaptive=True, max_size=None):
        super().__init__()
        self.num_queries = num_queries
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.adaptive = adaptive
        self.max_size = max_size or self.max_size_default

        self.query = nn.Parameter(torch.zeros(num_queries, embed_dim))
        if kv_dim is not None and kv_dim != embed_dim:
            self.kv_proj = nn.Linear(kv_dim, embed_dim, bias=False)
        else:
            self.kv_proj = nn.Identity()

        self.attn = nn.MultiheadAttention(embed_dim, num_heads)
        self.ln_q = nn.LayerNorm(embed_dim, eps=1e-6)
        self.ln_kv = nn.LayerNorm(embed_dim, eps=1e-6)
        self.ln_post = nn.LayerNorm(embed_dim, eps=1e-6)
        self.proj = nn.Parameter((embed_dim**-0.5) * torch.randn(embed_dim, embed_dim))
        self.gate = nn.Parameter(torch.full((1,), 0.25))

        self._set_2d_pos_cache(self.max_size)
        self.apply(self._init_weights)
        nn.init.trunc_normal_(self.query, std=0.017)

    def _set_2d_pos_cache(self, max_size, device="cpu"):
        table = torch.from_numpy(sincos_2d(self.embed_dim, max_size)).float().to(device)
        self.register_buffer("pos_embed", table, persistent=False)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.017)
            if module.bias is not None:
                nn.init.constant_(module.bias, 0)
        elif isinstance(module, nn.LayerNorm):
            nn.init.constant_(module.bias, 0)
            nn.init.constant_(module.weight, 1.0)

    def _adjust_pos_cache(self, tgt_sizes, device):
        max_h = int(tgt_sizes[:, 0].max())
        max_w = int(tgt_sizes[:, 1].max())
        if max_h > self.max_size[0] or max_w > self.max_size[1]:
            # grow with some headroom, the table is cheap and growing it is not
            grown_h = max(math.ceil(max_h * 1.25), self.max_size[0])
            grown_w = max(math.ceil(max_w * 1.25), self.max_size[1])
            self.max_size = (grown_h, grown_w)
            self._set_2d_pos_cache(self.max_size, device)

    def _interpolated_pos(self, height, width):
        """Key positions for one tile, (height * width, embed_dim)."""
        if not self.adaptive:
            return self.pos_embed[:height, :width, :].reshape(height * width, -1)
        longest = max(height, width)
        table = self.pos_embed[:longest, :longest, :].permute(2, 0, 1).unsqueeze(0)
        if height != width:
            table = F.interpolate(table, size=(height, width), mode="bicubic", align_corners=False)
        return table.squeeze(0).flatten(1).transpose(0, 1)

    def forward(self, x, tgt_sizes):
        """x (batch, max_patches, kv_dim), tgt_sizes (batch, 2) as (rows, columns)."""
        assert x.shape[0] == tgt_sizes.shape[0]
        batch = x.shape[0]
        device, dtype = x.device, x.dtype

        patch_len = tgt_sizes[:, 0] * tgt_sizes[:, 1]
        self._adjust_pos_cache(tgt_sizes, device)

        max_patch_len = int(patch_len.max())
        key_padding_mask = torch.zeros((batch, max_patch_len), dtype=torch.bool, device=device)
        pos_embed = []
        for i in range(batch):
            tgt_h, tgt_w = tgt_sizes[i].tolist()
            pos_embed.append(self._interpolated_pos(tgt_h, tgt_w).to(dtype))
            key_padding_mask[i, patch_len[i] :] = True

        # (max_patches, batch, embed_dim)
        pos_embed = nn.utils.rnn.pad_sequence(pos_embed, batch_first=True, padding_value=0.0).permute(1, 0, 2)

        x = self.kv_proj(x[:, :max_patch_len])
        x = self.ln_kv(x).permute(1, 0, 2)
        q = self.ln_q(self.query)

        out = self.attn(
            self._repeat(q, batch),
            x + pos_embed,
            x,
            key_padding_mask=key_padding_mask,
            need_weights=False,
        )[0]
        out = out.permute(1, 0, 2)
        out = out + torch.tanh(self.gate) * q.unsqueeze(0)
        return self.ln_post(out) @ self.proj

    def _repeat(self, query, n):
        return query.unsqueeze(1).repeat(1, n, 1)
