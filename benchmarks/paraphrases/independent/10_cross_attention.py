import torch
from torch import nn
import torch.nn.functional as F


class CrossAttention(nn.Module):
    """Queries from one stream, keys and values from another of a different width."""

    def __init__(self, query_dim, context_dim=None, heads=8, dim_head=64, dropout=0.0):
        super().__init__()
        inner = heads * dim_head
        context_dim = context_dim or query_dim
        self.h = heads
        self.norm_q = nn.LayerNorm(query_dim)
        self.norm_c = nn.LayerNorm(context_dim)
        self.to_q = nn.Linear(query_dim, inner, bias=False)
        self.to_kv = nn.Linear(context_dim, 2 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, query_dim), nn.Dropout(dropout))

    def _heads(self, t):
        b, n, _ = t.shape
        return t.view(b, n, self.h, -1).transpose(1, 2)

    def forward(self, x, context, context_mask=None):
        q = self._heads(self.to_q(self.norm_q(x)))
        k, v = map(self._heads, self.to_kv(self.norm_c(context)).chunk(2, dim=-1))
        bias = None
        if context_mask is not None:
            bias = context_mask[:, None, None, :].bool()
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        b, h, n, d = out.shape
        return x + self.to_out(out.permute(0, 2, 1, 3).reshape(b, n, h * d))
