from functools import lru_cache

import numpy as np

from .tiling import allowed_grids


@lru_cache(100)
def pick_canvas(height: int, width: int, tile_budget: int, tile: int):
    """
    Select the canvas (in pixels) made of at most `tile_budget` square tiles that suits the picture best: the smallest
    possible magnification, or, when every canvas is too small, the mildest reduction. Ties go to the smallest area.
    """
    canvases = [np.multiply(grid, tile) for grid in allowed_grids(tile_budget)]

    # the side that fills the canvas first dictates the zoom
    zooms = [min(rows / height, cols / width) for rows, cols in canvases]

    enlarging = [z for z in zooms if not z < 1]
    target = min(enlarging) if enlarging else max(zooms)

    matching = (c for c, z in zip(canvases, zooms) if z == target)
    return min(matching, key=np.prod)
