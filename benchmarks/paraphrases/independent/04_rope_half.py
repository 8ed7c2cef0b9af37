import torch
from torch import nn


class Rotary(nn.Module):
    """Rotary embedding in the split-half layout, with a cache that grows on demand."""

    def __init__(self, dim, base=10_000):
        super().__init__()
        self.dim = dim
        inv = 1.0 / base ** (torch.arange(0, dim, 2).float() / dim)
        self.register_buffer("inv", inv, persistent=False)
        self._len = 0
        self._cos = None
        self._sin = None

    def _grow(self, n, device, dtype):
        if n <= self._len and self._cos.device == device and self._cos.dtype == dtype:
            return
        self._len = max(n, 2 * self._len)
        t = torch.arange(self._len, device=device).float()
        ang = torch.outer(t, self.inv.to(device))
        self._cos = ang.cos().to(dtype)
        self._sin = ang.sin().to(dtype)

    def forward(self, x, offset=0):
        # x: (batch, heads, time, dim)
        n = x.shape[-2]
        self._grow(offset + n, x.device, x.dtype)
        c = self._cos[offset : offset + n]
        s = self._sin[offset : offset + n]
        a, b = x.chunk(2, dim=-1)
        return torch.cat([a * c - b * s, b * c + a * s], dim=-1)
