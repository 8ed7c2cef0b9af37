import random
from math import exp, sqrt


def hide_rectangle(grid, at_most, at_least, log_ratio_range, tries=10):
    """Mark a random rectangle of `grid` (0/1 array) as hidden and tell how many cells are newly hidden (maybe 0)."""
    n_rows, n_cols = grid.shape
    newly = 0

    while tries and not newly:
        tries -= 1

        area = random.uniform(at_least, at_most)
        ratio = exp(random.uniform(log_ratio_range[0], log_ratio_range[1]))
        h, w = (int(round(sqrt(a))) for a in (area * ratio, area / ratio))
        if h >= n_rows or w >= n_cols:
            continue

        y = random.randint(0, n_rows - h)
        x = random.randint(0, n_cols - w)
        patch = grid[y : y + h, x : x + w]

        missing = h * w - patch.sum()
        if missing <= 0 or missing > at_most:
            continue

        free = patch == 0
        newly = int(free.sum())
        patch[free] = 1

    return newly
