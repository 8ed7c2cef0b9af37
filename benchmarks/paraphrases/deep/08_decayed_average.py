"""Exponentially decayed weighted average over time, in its closed form (quadratic in the length)."""
from typing import NamedTuple

import torch


class Carry(NamedTuple):
    weighted: torch.Tensor
    weight: torch.Tensor
    log_scale: torch.Tensor

    @classmethod
    def empty(cls, like):
        zero = torch.zeros_like(like, dtype=torch.float32)
        return cls(zero, zero, zero - 1e38)


def reduce_stably(logs, values, carry, carry_logs):
    """Sum of exp(logs) * values along dim 1 (and the weights alone), the carry being one more term."""
    top = torch.maximum(logs.amax(1), carry_logs)
    w = torch.exp(logs - top.unsqueeze(1))
    w0 = torch.exp(carry_logs - top)
    return (w * values).sum(1) + w0 * carry.weighted, w.sum(1) + w0 * carry.weight, top


def decayed_average(log_rate, bonus, k, v, carry=None, want_carry=False):
    keep = want_carry or carry is not None
    carry = Carry(*carry) if carry is not None else Carry.empty(k[:, 0])
    steps = k.shape[1]
    rate = log_rate.exp()
    k32 = k.float()

    src = torch.arange(steps, device=k.device).view(-1, 1)
    dst = torch.arange(steps, device=k.device).view(1, -1)
    age = (dst - 1 - src).unsqueeze(-1)
    # (batch, source, destination, channel)
    logs = k32.unsqueeze(2) - rate * age
    logs = torch.where(age == -1, k32.unsqueeze(2) + bonus, logs)
    logs = logs.masked_fill(age < -1, float("-inf"))

    def spread(t):
        return t.unsqueeze(1)

    wide = Carry(*map(spread, carry))
    num, den, _ = reduce_stably(logs, v.unsqueeze(2), wide, wide.log_scale - rate * dst.view(1, -1, 1))
    mean = (num / den).to(k.dtype)
    if not keep:
        return mean, None

    tail = k32 - rate * (steps - 1 - src)
    return mean, list(reduce_stably(tail, v, carry, carry.log_scale - rate * steps))
