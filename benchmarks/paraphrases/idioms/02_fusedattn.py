from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AlibiSelfAttention(nn.Module):
    def __init__(self, width, heads, clip=None, drop=0.0, scale=None):
        super().__init__()
        self.heads = heads
        self.width_per_head = width // heads
        self.clip = clip
        self.drop = drop
        self.scale = scale if scale is not None else self.width_per_head**-0.5
        self.fused = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)

    def attend(
        self,
        x: Tensor,
        bias: Optional[Tensor],
        cache: Optional[Tuple[Tensor, ...]] = None,
        blocked: Optional[Tensor] = None,
    ):
        n, t, _ = x.shape

        packed = self.fused(x)
        if self.clip:
            packed = torch.clip(packed, -self.clip, self.clip)

        # n, t, 3*h*d -> 3, n, h, t, d
        q, k, v = packed.unflatten(-1, (3, self.heads, self.width_per_head)).permute(2, 0, 3, 1, 4).unbind(0)

        if cache:
            old_k, old_v = cache[0], cache[1]
            k = torch.cat((old_k, k), dim=-2)
            v = torch.cat((old_v, v), dim=-2)
        cache = (k, v)

        logits = torch.einsum("nhqd,nhkd->nhqk", q, k).mul(self.scale)

        if bias is not None:
            if bias.dim() != 3:
                raise ValueError("the position bias has to be a 3-d tensor but has {} dims".format(bias.dim()))
            total_q = t + k.size(2)
            total_k = k.size(2)
            rows_from = bias.size(1) - total_q if bias.size(1) > total_q else 0
            cols_from = bias.size(2) - total_k if bias.size(2) > total_k else 0
            logits += bias.narrow(1, rows_from, bias.size(1) - rows_from)[..., cols_from:]

        if blocked is not None:
            lowest = torch.finfo(q.dtype).min
            logits = torch.where(blocked, torch.full_like(logits, lowest), logits)

        probs = logits.softmax(-1, dtype=torch.float32).type_as(v)
        probs = F.dropout(probs, self.drop, self.training)

        mixed = (probs @ v).transpose(1, 2).flatten(start_dim=2)
        return self.proj(mixed), probs, cache
