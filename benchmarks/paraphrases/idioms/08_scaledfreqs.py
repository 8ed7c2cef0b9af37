from math import ceil, floor, log, pi
from typing import Optional, Tuple

import torch
from torch import Tensor


def blended_rotary_frequencies(cfg, device, seq_len: Optional[int] = None, **extra) -> Tuple[Tensor, float]:
    """Inverse frequencies for NTK-by-parts scaling; returns them along with the softmax temperature."""
    if extra:
        raise ValueError("No further keyword arguments are understood here, got: %r" % (extra,))

    scaling = cfg.rope_scaling
    stretch = scaling["factor"]
    fast = scaling.get("beta_fast") or 32
    slow = scaling.get("beta_slow") or 1
    temperature = scaling.get("attention_factor")
    temperature = 1.0 + log(stretch) / 10 if temperature is None else temperature

    try:
        width = cfg.head_dim
    except AttributeError:
        width = cfg.hidden_size // cfg.num_attention_heads
    width = int(width * getattr(cfg, "partial_rotary_factor", 1.0))
    theta = cfg.rope_theta

    # dimension at which a given number of full turns happens inside the training window
    def crossing(turns):
        return 0.5 * width * log(cfg.max_position_embeddings / (2 * pi * turns)) / log(theta)

    first = max(0, floor(crossing(fast)))
    last = min(width - 1, ceil(crossing(slow)))
    if last == first:
        last = first + 1e-3  # no division by zero

    half = width // 2
    ramp = torch.arange(half, dtype=torch.float32).sub(first).div(last - first).clamp(0, 1).to(device)

    exponents = torch.arange(0, width, 2, device=device).float() / width
    plain = torch.pow(theta, exponents).reciprocal()
    stretched = plain / stretch

    # ramp == 0: keep as they are, ramp == 1: stretch them
    return torch.lerp(plain, stretched, ramp), temperature
