"""Dividing a large picture into tiles the vision transformer can read.

The picture is first seen whole, scaled down to about ``side * side`` pixels.
If it is larger than that, it is also cut into rows x cols tiles. The layout is
the one with the lowest cost, where cost adds up two things we dislike: tiles
that are far from square, and a tile count far from the picture's real size.
"""

import math
from dataclasses import dataclass

from PIL import Image

from config import TileConfig
from tokens import GRID, PIC_CLOSE, PIC_OPEN, ROW, SEE


@dataclass(frozen=True)
class Layout:
    rows: int
    cols: int

    @property
    def divided(self) -> bool:
        return self.rows * self.cols > 1

    @property
    def views(self) -> int:
        return 1 + (self.rows * self.cols if self.divided else 0)


def layout_cost(layout: Layout, width: int, height: int, cfg: TileConfig) -> float:
    tile_aspect = (width / layout.cols) / (height / layout.rows)
    wanted = min(width * height / cfg.side**2, cfg.max_tiles)
    shape = abs(math.log(tile_aspect))
    count = abs(math.log(layout.rows * layout.cols / wanted))
    return cfg.shape_weight * shape + cfg.count_weight * count


def choose_layout(width: int, height: int, cfg: TileConfig) -> Layout:
    if width * height <= 1.2 * cfg.side**2:
        return Layout(1, 1)
    options = [
        Layout(rows, cols)
        for rows in range(1, cfg.max_tiles + 1)
        for cols in range(1, cfg.max_tiles // rows + 1)
    ]
    # On a tie prefer fewer tiles: they cost sequence length.
    return min(options, key=lambda o: (layout_cost(o, width, height, cfg), o.rows * o.cols))


def fit_size(width: float, height: float, side: int, patch: int) -> tuple[int, int]:
    """Closest size of whole patches with this aspect and at most ``side**2`` pixels."""
    scale = math.sqrt(side * side / (width * height))
    budget = (side // patch) ** 2
    cols = max(1, round(width * scale / patch))
    rows = max(1, round(height * scale / patch))
    while rows * cols > budget:
        # Rounding went over; give up a patch along the longer edge.
        if cols >= rows:
            cols -= 1
        else:
            rows -= 1
    return cols * patch, rows * patch


def cut(image: Image.Image, cfg: TileConfig, patch: int) -> tuple[list[Image.Image], Layout]:
    """The overview followed by the tiles in reading order."""
    layout = choose_layout(*image.size, cfg)
    overview = image.resize(fit_size(*image.size, cfg.side, patch), Image.Resampling.LANCZOS)
    views = [overview]
    if layout.divided:
        step_x = image.width / layout.cols
        step_y = image.height / layout.rows
        size = fit_size(step_x, step_y, cfg.side, patch)
        for row in range(layout.rows):
            for col in range(layout.cols):
                # Resampling straight from the source keeps tile edges seamless.
                box = (col * step_x, row * step_y, (col + 1) * step_x, (row + 1) * step_y)
                views.append(image.resize(size, Image.Resampling.LANCZOS, box=box))
    return views, layout


def picture_markup(layout: Layout, queries: int) -> str:
    seats = SEE * queries
    text = PIC_OPEN + seats
    if layout.divided:
        text += GRID + ROW.join(seats * layout.cols for _ in range(layout.rows))
    return text + PIC_CLOSE
