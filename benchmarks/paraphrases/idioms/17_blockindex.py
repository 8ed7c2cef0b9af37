import torch
from torch import Tensor


def assign_global_blocks(valid: Tensor, width: int):
    """Give each token the id of the block of `width` tokens it lies in (-1: padding) and flag the blocks in use."""
    n, length = valid.size(0), valid.size(1)
    where, kind = valid.device, valid.dtype

    # position / width, as the running sum of 1/width that excludes the token itself
    share = torch.ones_like(valid) / width
    progress = share.cumsum(1).sub(share)

    shift = torch.full_like(progress, -1000.0).masked_fill(valid != 0, 1.0).to(kind)
    ids = (progress + shift - 1.0).floor().to(kind).clamp(min=-1)

    # padding gets -1
    ids = ids * valid - (1 - valid)

    # tokens behind the last complete block join that block
    closes = torch.arange(1, length + 1, device=where).remainder(width).eq(0)
    complete = (closes & ~(ids < 0)).sum(dim=-1, keepdim=True).to(ids.dtype)
    ids = torch.minimum(ids, complete - 1)

    count = length // width
    if count == 0:
        last = ids.new_zeros((n, 0))
    else:
        last = ids.amax(dim=-1, keepdim=True).expand(n, count)

    used = torch.arange(count, device=where).expand(n, count) <= last
    return ids.int(), used.int()
