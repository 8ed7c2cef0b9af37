import torch
import torch.nn as nn


class SelfAttention(nn.Module):
    """Plain multi-head self attention, fused projection."""

    def __init__(self, dim, heads=8, qkv_bias=False, attn_drop=0.0, out_drop=0.0):
        super().__init__()
        assert dim % heads == 0, f"{dim} is not divisible by {heads}"
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.to_qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.to_out = nn.Linear(dim, dim)
        self.attn_drop = nn.Dropout(attn_drop)
        self.out_drop = nn.Dropout(out_drop)

    def forward(self, x, key_mask=None, need_weights=False):
        n, t, c = x.shape
        qkv = self.to_qkv(x).view(n, t, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)

        logits = (q * self.scale) @ k.transpose(-1, -2)
        if key_mask is not None:
            # key_mask: True where a token may be attended to
            logits = logits.masked_fill(~key_mask[:, None, None, :], torch.finfo(logits.dtype).min)
        weights = logits.softmax(dim=-1)

        y = self.attn_drop(weights) @ v
        y = y.transpose(1, 2).reshape(n, t, c)
        y = self.out_drop(self.to_out(y))
        if need_weights:
            return y, weights
        return y
