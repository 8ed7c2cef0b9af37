from functools import reduce
from operator import floordiv, mul

from torch import Tensor


def to_nested_patch_order(tokens: Tensor, image_hw, patch_hw, plan) -> Tensor:
    """Reorder tokens so that every pooling step in `plan` reduces neighbouring chunks of the sequence."""
    n, channels = tokens.size(0), tokens.size(-1)

    grid = list(map(floordiv, image_hw, patch_hw))
    n_tokens = reduce(mul, grid, 1)
    tokens = tokens.reshape(n, *grid, channels)

    for step in plan:
        rank = len(step)
        grid = [g // s for g, s in zip(grid, step)]

        # split every spatial axis g*s into (g, s)
        for axis in reversed(range(rank)):
            tokens = tokens.unflatten(axis + 1, (grid[axis], step[axis]))

        coarse = [2 * a + 1 for a in range(rank)]
        fine = [a + 1 for a in coarse]
        tokens = tokens.permute(0, *fine, *coarse, 2 * rank + 1)

        # the fine offsets join the batch axis
        tokens = tokens.reshape(-1, *grid, channels)

    return tokens.reshape(-1, n_tokens, channels)
