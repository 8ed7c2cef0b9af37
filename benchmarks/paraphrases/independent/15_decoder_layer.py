import torch
from torch import nn


class DecoderLayer(nn.Module):
    """Masked self attention, attention over the memory, feed-forward."""

    def __init__(self, dim, heads, ff_dim, dropout=0.1):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(dim, heads, dropout, batch_first=True)
        self.mem_attn = nn.MultiheadAttention(dim, heads, dropout, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(dim, ff_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(ff_dim, dim))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.drop = nn.Dropout(dropout)

    @staticmethod
    def future_mask(n, device):
        return torch.full((n, n), float("-inf"), device=device).triu(1)

    def forward(self, tgt, memory, memory_pad=None, history=None):
        """`history` holds the normed inputs of earlier steps when decoding one token at a time."""
        x = self.norms[0](tgt)
        if history is None:
            keys, mask = x, self.future_mask(x.size(1), x.device)
        else:
            keys, mask = torch.cat([history, x], dim=1), None
            if x.size(1) > 1:
                full = self.future_mask(keys.size(1), x.device)
                mask = full[-x.size(1):]
        a = self.self_attn(x, keys, keys, attn_mask=mask, need_weights=False)[0]
        tgt = tgt + self.drop(a)

        x = self.norms[1](tgt)
        c, weights = self.mem_attn(x, memory, memory, key_padding_mask=memory_pad, average_attn_weights=True)
        tgt = tgt + self.drop(c)

        tgt = tgt + self.drop(self.ff(self.norms[2](tgt)))
        return tgt, keys, weights
