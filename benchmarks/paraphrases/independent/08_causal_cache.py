from typing import Optional

import torch
import torch.nn.functional as F
from torch import nn


class KVCache:
    """Preallocated key/value store for one layer."""

    def __init__(self, batch, heads, max_len, head_dim, device, dtype):
        shape = (batch, heads, max_len, head_dim)
        self.k = torch.zeros(shape, device=device, dtype=dtype)
        self.v = torch.zeros(shape, device=device, dtype=dtype)
        self.used = 0

    def append(self, k, v):
        end = self.used + k.size(2)
        if end > self.k.size(2):
            raise RuntimeError("cache overflow")
        self.k[:, :, self.used : end] = k
        self.v[:, :, self.used : end] = v
        self.used = end
        return self.k[:, :, :end], self.v[:, :, :end]


class CausalAttention(nn.Module):
    def __init__(self, n_embd, n_head, block_size, dropout=0.0):
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(n_embd, 3 * n_embd)
        self.proj = nn.Linear(n_embd, n_embd)
        self.p = dropout
        self.register_buffer("tril", torch.ones(block_size, block_size, dtype=torch.bool).tril(), persistent=False)

    def forward(self, x, cache: Optional[KVCache] = None):
        B, T, C = x.size()
        q, k, v = (
            z.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for z in self.qkv(x).split(C, dim=2)
        )
        past = 0
        if cache is not None:
            past = cache.used
            k, v = cache.append(k, v)
        mask = self.tril[past : past + T, : past + T]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.p if self.training else 0.0)
        return self.proj(y.transpose(1, 2).contiguous().view(B, T, C))
