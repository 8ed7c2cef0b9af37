import numpy as np
from PIL import Image


def ink_extent(luma, level):
    """First and one-past-last row and column with a pixel darker than `level` after stretching the contrast."""
    lo, hi = int(luma.min()), int(luma.max())
    if lo == hi:
        return None
    dark = luma < lo + level * (hi - lo) / 255
    spans = []
    for profile in (dark.any(axis=1), dark.any(axis=0)):
        first = int(profile.argmax())
        past = len(profile) - int(profile[::-1].argmax())
        spans.append(slice(first, past))
    return tuple(spans)


def arrange(pixels, first):
    return np.moveaxis(pixels, -1, 0) if first else pixels


def trim_borders(page, level=200, channels_first_in=False, channels_first_out=None):
    """Removes the light frame around a page. An evenly coloured page is returned whole."""
    if channels_first_out is None:
        channels_first_out = channels_first_in
    rgb = np.moveaxis(page, 0, -1) if channels_first_in else page
    rgb = np.ascontiguousarray(rgb, dtype=np.uint8)
    luma = np.asarray(Image.fromarray(rgb).convert("L"), dtype=np.float64)
    extent = ink_extent(luma, level)
    if extent is not None:
        rgb = rgb[extent]
    return arrange(rgb, channels_first_out)
