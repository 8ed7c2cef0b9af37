import math

import torch
from torch import nn


class BucketedRelativeBias(nn.Module):
    """Bias per head and per (logarithmic) distance bucket, as in T5."""

    def __init__(self, heads, buckets=32, max_distance=128, bidirectional=True):
        super().__init__()
        self.table = nn.Embedding(buckets, heads)
        self.buckets = buckets
        self.max_distance = max_distance
        self.bidirectional = bidirectional

    def bucket_of(self, rel):
        """rel = key position - query position"""
        n = self.buckets
        base = torch.zeros_like(rel)
        if self.bidirectional:
            n //= 2
            base = base + n * (rel > 0)
            dist = rel.abs()
        else:
            dist = (-rel).clamp(min=0)
        exact = n // 2
        log_ratio = torch.log(dist.clamp(min=1).float() / exact) / math.log(self.max_distance / exact)
        coarse = exact + (log_ratio * (n - exact)).long()
        coarse = coarse.clamp(max=n - 1)
        return base + torch.where(dist < exact, dist, coarse)

    def forward(self, q_len, k_len, offset=0):
        dev = self.table.weight.device
        q = torch.arange(offset, offset + q_len, device=dev)
        k = torch.arange(k_len, device=dev)
        ids = self.bucket_of(k[None, :] - q[:, None])
        return self.table(ids).permute(2, 0, 1)[None]
