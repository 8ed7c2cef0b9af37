from itertools import product

import numpy as np

DIAGONAL, VERTICAL, HORIZONTAL = range(3)
_STEP = {DIAGONAL: (1, 1), VERTICAL: (1, 0), HORIZONTAL: (0, 1)}


def cheapest_monotone_path(penalty: np.ndarray):
    """Find the minimal-cost monotone walk through `penalty`; gives row ids and column ids along that walk."""
    rows, cols = penalty.shape

    acc = np.full((rows + 1, cols + 1), np.inf, dtype=np.float32)
    acc[0, 0] = 0.0

    # borders can only be walked in one direction
    arrow = np.full(acc.shape, HORIZONTAL, dtype=np.int8)
    arrow[1:, 0] = VERTICAL

    for r, c in product(range(rows), range(cols)):
        options = {
            DIAGONAL: acc[r, c],
            VERTICAL: acc[r, c + 1],
            HORIZONTAL: acc[r + 1, c],
        }
        pick = HORIZONTAL
        for cand in (DIAGONAL, VERTICAL):
            if all(options[cand] < v for k, v in options.items() if k != cand):
                pick = cand
        acc[r + 1, c + 1] = options[pick] + penalty[r, c]
        arrow[r + 1, c + 1] = pick

    walk = []
    at = (rows, cols)
    while any(p > 0 for p in at):
        walk.insert(0, (at[0] - 1, at[1] - 1))
        down, right = _STEP[int(arrow[at])]
        at = (at[0] - down, at[1] - right)

    return tuple(np.array([p[axis] for p in walk]) for axis in range(2))
