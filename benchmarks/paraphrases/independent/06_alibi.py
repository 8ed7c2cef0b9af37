"""Attention with linear biases (Press et al., 2022)."""
import math

import torch


def head_slopes(n_heads):
    def geometric(n):
        ratio = 2.0 ** (-8.0 / n)
        return [ratio ** (i + 1) for i in range(n)]

    if math.log2(n_heads).is_integer():
        return geometric(n_heads)
    lower = 2 ** int(math.log2(n_heads))
    # the missing heads take every second slope of the next power of two
    extra = geometric(2 * lower)[::2][: n_heads - lower]
    return geometric(lower) + extra


def alibi_bias(n_heads, q_len, k_len, causal=True, device=None):
    slopes = torch.tensor(head_slopes(n_heads), device=device)
    q_pos = torch.arange(k_len - q_len, k_len, device=device)
    k_pos = torch.arange(k_len, device=device)
    distance = (q_pos[:, None] - k_pos[None, :]).float()
    bias = -slopes[:, None, None] * distance.abs()
    if causal:
        bias = bias.masked_fill(distance < 0, float("-inf"))
    return bias.unsqueeze(0)
