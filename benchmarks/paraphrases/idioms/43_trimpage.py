import numpy as np

from .pixels import Layout, guess_layout, as_pil, relayout


def trim_page(page, darker_than=200, out_layout=None, in_layout=None):
    """Cut off the blank border of a scanned page; pixels count as content if they are dark enough."""
    in_layout = guess_layout(page) if in_layout is None else in_layout
    picture = as_pil(page, input_data_format=in_layout)

    luminance = np.asarray(picture.convert("L"), dtype=np.uint8)
    low, high = int(luminance.min()), int(luminance.max())

    if low != high:
        stretched = 255 * ((luminance - low) / (high - low))
        dark = stretched < darker_than

        columns = np.flatnonzero(dark.any(axis=0))
        rows = np.flatnonzero(dark.any(axis=1))
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)

        result = np.array(picture.crop(tuple(map(int, box))), dtype=np.uint8)
        result = relayout(result, in_layout, Layout.LAST)
    else:
        # a uniform page has no border
        result = np.array(picture)

    if out_layout is None:
        return result
    return relayout(result, out_layout, in_layout)
