from dataclasses import dataclass
from typing import Optional

import torch
import torch.nn.functional as F


@dataclass
class Weights:
    fused: torch.Tensor  # (3 * width, width)
    out: torch.Tensor  # (width, width)
    heads: int
    scale: float
    limit: Optional[float] = None
    dropout: float = 0.0


def project(w, x):
    """(3, batch, heads, time, head width)"""
    y = F.linear(x, w.fused)
    if w.limit:
        y = torch.minimum(torch.maximum(y, y.new_tensor(-w.limit)), y.new_tensor(w.limit))
    return torch.stack(y.unflatten(-1, (3, w.heads, -1)).unbind(2)).transpose(2, 3)


def extend(memory, new):
    return new if not memory else tuple(torch.cat(pair, dim=-2) for pair in zip(memory, new))


def corner(bias, rows, columns):
    """The lower right part of the bias table."""
    if bias.ndim != 3:
        raise ValueError(f"the bias needs 3 dimensions and has {bias.ndim}")
    return bias[:, -min(rows, bias.size(1)):, -min(columns, bias.size(2)):]


def attend(w, x, bias, memory=None, hidden=None, training=False):
    """`hidden` is True where a pair is to be ignored. Returns output, weights and the extended memory."""
    q, *new = project(w, x)
    k, v = memory = extend(memory, tuple(new))

    if bias is None:
        table = q.new_zeros(())
    else:
        table = corner(bias, x.size(1) + k.size(-2), k.size(-2))
    energy = torch.einsum("bhid,bhjd->bhij", q * w.scale, k) + table
    if hidden is not None:
        energy = torch.where(hidden, torch.finfo(q.dtype).min, energy)

    energy = energy.float()
    share = (energy - energy.logsumexp(-1, keepdim=True)).exp().to(v.dtype)
    share = F.dropout(share, w.dropout, training)
    # the output projection is applied head by head and summed
    per_head = w.out.unflatten(1, (w.heads, -1))
    return torch.einsum("bhij,bhjd,ohd->bio", share, v, per_head), share, memory
