from math import prod

import torch


def factor_axis(length, factors):
    """Sizes of one image axis, from the coarsest digit to the finest."""
    return [length // prod(factors), *reversed(factors)]


def window_order(tokens, image_size, patch, schedule):
    """Sorts row-major tokens such that every pooling step of the schedule reads one contiguous stretch.

    A coordinate is a number in a mixed base whose lowest digit belongs to the first pooling step. The
    result is ordered by the digits of step one, then of step two, ..., and last by the coarse position,
    which takes one permutation for all steps together.
    """
    axes, steps = len(image_size), len(schedule)
    grid = [side // p for side, p in zip(image_size, patch)]
    digits = [factor_axis(n, [step[a] for step in schedule]) for a, n in enumerate(grid)]
    per_axis = steps + 1

    split = tokens.view(len(tokens), *(d for axis in digits for d in axis), tokens.size(-1))
    # dimension of digit s (counted from the finest) of axis a
    where = [[1 + a * per_axis + steps - s for a in range(axes)] for s in range(per_axis)]
    order = [0, *sum(where, []), split.dim() - 1]
    return split.permute(order).reshape(len(tokens), prod(grid), tokens.size(-1))
