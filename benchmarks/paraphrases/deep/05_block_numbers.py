import torch


def raw_numbers(keep, size):
    """Block number of each kept position, minus one elsewhere."""
    column = torch.arange(keep.size(1), device=keep.device).div(size, rounding_mode="floor")
    return torch.where(keep, column.expand_as(keep), column.new_tensor(-1))


def last_complete(keep, size):
    """Number of the last block whose closing position is kept (-1 if there is none)."""
    closing = keep[:, size - 1 :: size]
    return closing.sum(dim=1, keepdim=True) - 1


def number_blocks(padding_mask, size):
    """Positions after the last complete block join the one before them.

    Returns the number of the block of each position, and for every possible block whether it exists.
    """
    keep = padding_mask.bool()
    numbers = torch.minimum(raw_numbers(keep, size), last_complete(keep, size))
    slots = torch.arange(keep.size(1) // size, device=keep.device)
    exists = slots.unsqueeze(0).le(numbers.amax(dim=1, keepdim=True))
    return numbers.int(), exists.int()
