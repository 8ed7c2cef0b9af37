"""Page clean-up before recognition: contrast, skew, line finding, and cutting of large scans."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

PAGE_TILE = 512
STRIDE = 16
MAX_PAGE_TILES = 12


@dataclass(frozen=True)
class LineBox:
    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def padded(self, amount: float, page_height: int) -> LineBox:
        extra = int(round(self.height * amount))
        return LineBox(max(0, self.top - extra), min(page_height, self.bottom + extra), self.left, self.right)


def to_gray(page: Image.Image) -> np.ndarray:
    """Grey levels in 0..1 with the orientation tag applied."""
    upright = ImageOps.exif_transpose(page)
    return np.asarray(ImageOps.grayscale(upright), dtype=np.float32) / 255.0


def box_mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Mean over a (2r+1)^2 window by an integral image."""
    padded = np.pad(values, radius + 1, mode="edge").astype(np.float64)
    table = padded.cumsum(axis=0).cumsum(axis=1)
    k = 2 * radius + 1
    total = table[k:, k:] - table[:-k, k:] - table[k:, :-k] + table[:-k, :-k]
    return (total[: values.shape[0], : values.shape[1]] / k**2).astype(np.float32)


def sauvola(gray: np.ndarray, radius: int = 19, k: float = 0.21, dynamic: float = 0.5) -> np.ndarray:
    """Ink mask (True where there is ink)."""
    mean = box_mean(gray, radius)
    variance = np.maximum(box_mean(gray * gray, radius) - mean * mean, 0.0)
    threshold = mean * (1.0 + k * (np.sqrt(variance) / dynamic - 1.0))
    return gray < threshold


def estimate_skew(ink: np.ndarray, limit: float = 4.0, step: float = 0.25) -> float:
    """Angle (degrees) which gives the sharpest row profile.

    The page is sheared rather than rotated, which is enough for small angles.
    """
    ys, xs = np.nonzero(ink[::2, ::2])
    if ys.size < 200:
        return 0.0

    def sharpness(angle: float) -> float:
        sheared = np.rint(ys - xs * math.tan(math.radians(angle))).astype(np.int64)
        profile = np.bincount(sheared - sheared.min()).astype(np.float64)
        return float(np.square(np.diff(profile)).sum())

    angles = np.arange(-limit, limit + step / 2, step)
    scores = [sharpness(a) for a in angles]
    return float(angles[int(np.argmax(scores))])


def find_lines(ink: np.ndarray, min_height: int = 9, quiet: float = 0.12) -> list[LineBox]:
    """Text lines from the row profile of a deskewed page, top to bottom."""
    profile = ink.sum(axis=1).astype(np.float64)
    if not profile.any():
        return []
    smooth = np.convolve(profile, np.hanning(7) / np.hanning(7).sum(), mode="same")
    loud = smooth > quiet * np.percentile(smooth, 92)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.astype(np.int8), [0]))))
    lines = []
    for top, bottom in edges.reshape(-1, 2):
        if bottom - top < min_height:
            continue
        columns = np.flatnonzero(ink[top:bottom].any(axis=0))
        lines.append(LineBox(int(top), int(bottom), int(columns[0]), int(columns[-1]) + 1))
    return lines


# ---------------------------------------------------------------- large scans


def round_to_multiple(length, step):
    """Round to a multiple of step, never to zero."""
    return max(round(length / step) * step, step)


def fit_resolution(page_size, resolution=PAGE_TILE, stride=STRIDE, upscale=False):
    page_w, page_h = page_size
    if page_w * page_h > resolution * resolution or upscale:
        aspect = page_w / page_h
        page_h = int(resolution / math.sqrt(aspect))
        page_w = int(page_h * aspect)
    return round_to_multiple(page_w, stride), round_to_multiple(page_h, stride)


def tile_layouts(count, max_tiles=MAX_PAGE_TILES):
    """(columns, rows) for count - 1, count and count + 1 tiles."""
    allowed = [n for n in (count - 1, count, count + 1) if 1 < n <= max_tiles]
    layouts = []
    for n in allowed:
        cols = 1
        while cols <= n:
            if n % cols == 0:
                layouts.append((cols, n // cols))
            cols += 1
    return layouts


def choose_layout(page_size, max_tiles=MAX_PAGE_TILES, resolution=PAGE_TILE):
    """How to tile a scan; None if it is small enough to be read in one go."""
    page_w, page_h = page_size
    ratio = page_w * page_h / (resolution * resolution)
    if ratio <= 1.12 or max_tiles < 2:
        return None

    count = min(math.ceil(ratio), max_tiles)
    log_aspect = math.log(page_w / page_h)
    best, lowest = None, float("inf")
    for cols, rows in tile_layouts(count, max_tiles):
        error = abs(log_aspect - math.log(cols / rows)) + 0.015 * cols * rows
        if error < lowest:
            best = (cols, rows)
            lowest = error
    return best


def tiled_page_size(page_size, layout, resolution=PAGE_TILE, stride=STRIDE):
    page_w, page_h = page_size
    cols, rows = layout
    fitted_w = round_to_multiple(page_w, cols)
    fitted_h = round_to_multiple(page_h, rows)
    tile_w, tile_h = fit_resolution((fitted_w / cols, fitted_h / rows), resolution, stride, upscale=True)
    return tile_w * cols, tile_h * rows


def cut_tiles(page, layout):
    """List of rows of page tiles."""
    page_w, page_h = page.size
    dx = int(page_w / layout[0])
    dy = int(page_h / layout[1])
    tiles = []
    for y in range(0, page_h, dy):
        strip = []
        for x in range(0, page_w, dx):
            strip.append(page.crop((x, y, x + dx, y + dy)))
        tiles.append(strip)
    return tiles


def inked_tiles(page: Image.Image, min_share: float = 0.002) -> list[Image.Image]:
    """The tiles worth showing to the layout branch, those with most ink first."""
    layout = choose_layout(page.size)
    if layout is None:
        return [page]
    enlarged = page.resize(tiled_page_size(page.size, layout), Image.Resampling.LANCZOS)
    ranked = []
    for tile in itertools.chain.from_iterable(cut_tiles(enlarged, layout)):
        share = float(sauvola(to_gray(tile)).mean())
        if share >= min_share:
            ranked.append((share, tile))
    ranked.sort(key=lambda entry: entry[0], reverse=True)
    return [tile for _, tile in ranked]


def crop_line(gray: np.ndarray, line: LineBox, target_height: int = 48, max_width: int = 1600) -> np.ndarray:
    box = line.padded(0.18, gray.shape[0])
    crop = gray[box.top : box.bottom, box.left : box.right]
    low, high = np.percentile(crop, (2, 98))
    crop = np.clip((crop - low) / max(high - low, 1e-3), 0.0, 1.0)
    width = min(max_width, max(8, round(crop.shape[1] * target_height / crop.shape[0])))
    picture = Image.fromarray((crop * 255).astype(np.uint8)).resize((width, target_height), Image.Resampling.BILINEAR)
    return 1.0 - np.asarray(picture, dtype=np.float32) / 255.0
