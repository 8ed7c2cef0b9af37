"""Decides how a picture is divided, and divides it."""

import logging
import math

from PIL import Image

LOG = logging.getLogger("nova_sight.tiling")
CUBIC = Image.Resampling.BICUBIC


class TilePlanner:
    """Holds the limits so that they need not be handed around."""

    tile_cost = 0.015
    tolerance = 1.12

    def __init__(self, limit=9, side=448, patch=14):
        self.limit = limit
        self.side = side
        self.patch = patch

    def __repr__(self):
        return "TilePlanner(limit={}, side={}, patch={})".format(self.limit, self.side, self.patch)

    def prepare(self, picture):
        """All the pieces of a picture in the order in which they are read, and the grid."""
        w, h = picture.size
        grid = self.plan(w, h)
        thumbnail = picture.resize(self.fit(w, h, grow=grid is None), CUBIC)
        pieces = [thumbnail]
        if grid is not None:
            LOG.debug("%dx%d picture on a %dx%d grid", w, h, grid[0], grid[1])
            pieces += [tile for line in self._mosaic(picture, grid) for tile in line]
        return pieces, grid

    def plan(self, w, h):
        area = self.side ** 2
        load = w * h / area
        if self.limit >= 2 and load > self.tolerance:
            shape = math.log(w / h)

            def penalty(candidate):
                c, r = candidate
                return abs(shape - math.log(c / r)) + self.tile_cost * c * r

            wanted = min(self.limit, math.ceil(load))
            return min(self._factorings(wanted), key=penalty, default=None)
        return None

    def _factorings(self, wanted):
        return [
            (c, n // c)
            for n in range(wanted - 1, wanted + 2)
            if 1 < n <= self.limit
            for c in range(1, n + 1)
            if not n % c
        ]

    def _mosaic(self, picture, grid):
        cols, rows = grid
        w, h = picture.size
        cell_w, cell_h = self.fit(self._whole(w, cols) / cols, self._whole(h, rows) / rows, grow=True)
        enlarged = picture.resize((cell_w * cols, cell_h * rows), CUBIC)
        return [
            [enlarged.crop((c * cell_w, r * cell_h, (c + 1) * cell_w, (r + 1) * cell_h)) for c in range(cols)]
            for r in range(rows)
        ]

    def fit(self, w, h, grow=False):
        if not grow and w * h <= self.side ** 2:
            return self._whole(w, self.patch), self._whole(h, self.patch)
        aspect = w / h
        tall = int(self.side / math.sqrt(aspect))
        wide = int(tall * aspect)
        return self._whole(wide, self.patch), self._whole(tall, self.patch)

    @staticmethod
    def _whole(value, unit):
        units = round(value / unit)
        if units < 1:
            return unit
        return units * unit
