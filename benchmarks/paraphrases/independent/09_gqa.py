import math

import torch
from torch import nn


class GroupedQueryAttention(nn.Module):
    """Ainslie et al., 2023: several query heads share one key/value head."""

    def __init__(self, d_model: int, n_q: int, n_kv: int, rope=None):
        super().__init__()
        if n_q % n_kv != 0:
            raise ValueError("query heads must be a multiple of kv heads")
        self.n_q, self.n_kv = n_q, n_kv
        self.group = n_q // n_kv
        self.hd = d_model // n_q
        self.wq = nn.Linear(d_model, n_q * self.hd, bias=False)
        self.wk = nn.Linear(d_model, n_kv * self.hd, bias=False)
        self.wv = nn.Linear(d_model, n_kv * self.hd, bias=False)
        self.wo = nn.Linear(n_q * self.hd, d_model, bias=False)
        self.rope = rope

    def forward(self, x, mask=None, past=None):
        b, t, _ = x.shape
        q = self.wq(x).view(b, t, self.n_kv, self.group, self.hd).permute(0, 2, 3, 1, 4)
        k = self.wk(x).view(b, t, self.n_kv, self.hd).transpose(1, 2)
        v = self.wv(x).view(b, t, self.n_kv, self.hd).transpose(1, 2)
        offset = 0 if past is None else past[0].shape[2]
        if self.rope is not None:
            q = self.rope(q, offset)
            k = self.rope(k, offset)
        if past is not None:
            k = torch.cat((past[0], k), dim=2)
            v = torch.cat((past[1], v), dim=2)
        # no repetition of k and v: the group is one more axis of the product
        att = torch.einsum("bkgqd,bksd->bkgqs", q, k) / math.sqrt(self.hd)
        if mask is not None:
            att = att + mask
        att = att.float().softmax(-1).type_as(q)
        out = torch.einsum("bkgqs,bksd->bqkgd", att, v).reshape(b, t, -1)
        return self.wo(out), (k, v)
