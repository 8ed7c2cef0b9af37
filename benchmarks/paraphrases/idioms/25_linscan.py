from typing import Optional, Tuple

import torch
from torch import Tensor


def decayed_accumulate(
    inputs: Tensor, decay: Tensor, fresh_start: Tensor, carry: Optional[Tensor], precision: torch.dtype = torch.float32
) -> Tuple[Tensor, Tensor]:
    """h[t] = decay[t] * h[t-1] + inputs[t], computed in `precision`; returns every h[t] and the last one."""
    steps = inputs.size(1)
    out_dtype = inputs.dtype

    if carry is None:
        if steps == 1:
            return inputs, inputs.select(1, 0).to(precision)
        carry = inputs.new_zeros(inputs.shape[:1] + inputs.shape[2:], dtype=precision)

    decay = decay.masked_fill(fresh_start, 0)
    carry = carry.to(decay.device)

    trajectory = []
    for a, x in zip(decay.unbind(1), inputs.unbind(1)):
        carry = torch.addcmul(x.to(precision), a.to(precision), carry)
        trajectory.append(carry.to(out_dtype))
    return torch.stack(trajectory, dim=1), carry
