import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tile:
    level: int
    x0: int
    y0: int
    x1: int
    y1: int

    def cut(self, pixels, channels_last):
        window = (slice(self.y0, self.y1), slice(self.x0, self.x1))
        return pixels[window] if channels_last else pixels[(slice(None), *window)]

    @property
    def extent(self):
        return np.array([self.x1 - self.x0, self.y1 - self.y0])


def tiles_of_level(level, width, height, overlap_share):
    if level == 0:
        yield Tile(0, 0, 0, width, height)
        return
    n = 1 << level
    shared = int(overlap_share * min(width, height) * 2 / n)
    tw, th = (math.ceil((shared * (n - 1) + side) / n) for side in (width, height))
    for index in range(n * n):
        col, row = divmod(index, n)
        x, y = col * (tw - shared), row * (th - shared)
        yield Tile(level, x, y, min(x + tw, width), min(y + th, height))


def unit_lattice(n):
    """n x n cell centres of the unit square, x running fastest."""
    cells = np.indices((n, n))[::-1].reshape(2, -1).T
    return (cells + 0.5) / n


def tile_image(pixels, long_side, levels=0, overlap_share=512 / 1500, density=32, density_decay=1,
               channels_last=True):
    """Tiles of an image pyramid, with prompt points in the frame of the resized image.

    Returns boxes (n, 4), points (1, points, n, 2), the cut-outs, and labels (1, points, n).
    """
    if isinstance(pixels, list):
        raise ValueError("Pass a single image.")
    pixels = np.asarray(pixels)
    height, width = pixels.shape[:2] if channels_last else pixels.shape[-2:]

    ratio = long_side / max(height, width)
    stretch = np.array([int(side * ratio + 0.5) / side for side in (width, height)])

    tiles = [t for level in range(levels + 1) for t in tiles_of_level(level, width, height, overlap_share)]
    lattice = [unit_lattice(int(density / density_decay**level)) for level in range(levels + 1)]
    points = np.stack([lattice[t.level] * t.extent * stretch for t in tiles], axis=1)[None]

    boxes = np.array([(t.x0, t.y0, t.x1, t.y1) for t in tiles], dtype=np.float32)
    cutouts = [t.cut(pixels, channels_last) for t in tiles]
    labels = np.ones(points.shape[:-1], dtype=np.int64)
    return boxes, points, cutouts, labels
