"""Window handling for a Swin-style block."""
import torch
from torch import nn


def to_windows(x, w):
    """(B, H, W, C) -> (B * nW, w * w, C)"""
    B, H, W, C = x.shape
    x = x.reshape(B, H // w, w, W // w, w, C)
    return x.transpose(2, 3).reshape(-1, w * w, C)


def from_windows(win, w, H, W):
    C = win.shape[-1]
    x = win.reshape(-1, H // w, W // w, w, w, C)
    return x.transpose(2, 3).reshape(-1, H, W, C)


def shifted_mask(H, W, w, shift, device=None):
    """0 for pairs of one region, -100 for pairs that only the cyclic shift brought together."""
    def region(n):
        r = torch.zeros(n, dtype=torch.long, device=device)
        r[n - w :] = 1
        r[n - shift :] = 2
        return r

    ids = region(H)[:, None] * 3 + region(W)[None, :]
    ids = to_windows(ids[None, :, :, None], w).squeeze(-1)
    differs = ids[:, :, None] != ids[:, None, :]
    return differs.float() * -100.0


class ShiftedWindows(nn.Module):
    def __init__(self, attn, window, shift):
        super().__init__()
        self.attn, self.window, self.shift = attn, window, shift

    def forward(self, x):
        B, H, W, C = x.shape
        mask = None
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(1, 2))
            mask = shifted_mask(H, W, self.window, self.shift, x.device)
        y = self.attn(to_windows(x, self.window), mask)
        y = from_windows(y, self.window, H, W)
        if self.shift:
            y = y.roll((self.shift, self.shift), dims=(1, 2))
        return y
