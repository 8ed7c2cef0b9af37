# Cropping of large photos. Extents are always (horizontal, vertical).
import math
from PIL import Image

CROP_SIDE = 448
CELL = 14
CROP_LIMIT = 9
WHOLE_MARGIN = 1.12


def snap(extent, cell):
    return max(round(extent / cell) * cell, cell)


def fit_area(dims, side=CROP_SIDE, cell=CELL, enlarge=False):
    """Rescale `dims` to roughly side*side pixels, keeping the aspect."""
    w, h = dims
    if w * h > side * side or enlarge:
        aspect = w / h
        h = int(side / math.sqrt(aspect))
        w = int(h * aspect)
    return snap(w, cell), snap(h, cell)


def layouts(n_target, limit=CROP_LIMIT):
    totals = []
    for total in (n_target - 1, n_target, n_target + 1):
        if total <= 1 or total > limit:
            continue
        totals.append(total)

    found = []
    for total in totals:
        across = 1
        while across <= total:
            if total % across == 0:
                found.append((across, total // across))
            across += 1
    return found


def pick_layout(dims, limit=CROP_LIMIT, side=CROP_SIDE):
    # None means: show the photo as it is
    w, h = dims
    coverage = w * h / (side * side)
    if coverage <= WHOLE_MARGIN or limit < 2:
        return None

    n_target = min(math.ceil(coverage), limit)
    log_aspect = math.log(w / h)
    winner = None
    lowest = float('inf')
    for across, down in layouts(n_target, limit):
        cost = abs(log_aspect - math.log(across / down)) + 0.015 * across * down
        if cost < lowest:
            winner = (across, down)
            lowest = cost
    return winner


def mosaic_extent(dims, layout, side=CROP_SIDE, cell=CELL):
    w, h = dims
    across, down = layout
    snapped_w = snap(w, across)
    snapped_h = snap(h, down)
    crop_w, crop_h = fit_area((snapped_w / across, snapped_h / down), side, cell, enlarge=True)
    return crop_w * across, crop_h * down


def cut(photo, layout):
    w, h = photo.size
    dx = int(w / layout[0])
    dy = int(h / layout[1])
    mosaic = []
    for y in range(0, h, dy):
        strip = []
        for x in range(0, w, dx):
            window = (x, y, x + dx, y + dy)
            strip.append(photo.crop(window))
        mosaic.append(strip)
    return mosaic


def crop_photo(photo, limit=CROP_LIMIT, side=CROP_SIDE, cell=CELL):
    """Thumbnail, mosaic of crops and the layout of the mosaic."""
    layout = pick_layout(photo.size, limit, side)
    if layout is None:
        target = fit_area(photo.size, side, cell, enlarge=True)
        return photo.resize(target, Image.Resampling.BICUBIC), [], None

    thumb_dims = fit_area(photo.size, side, cell)
    thumb = photo.copy().resize(thumb_dims, Image.Resampling.BICUBIC)
    enlarged = photo.resize(mosaic_extent(photo.size, layout, side, cell),
                            Image.Resampling.BICUBIC)
    return thumb, cut(enlarged, layout), layout


def photo_markup(codec, layout, n_latents, ordinal=None):
    slot = codec.unk_token * n_latents
    markup = codec.photo_open + slot + codec.photo_close
    if ordinal is not None:
        markup = '%s%d%s' % (codec.ordinal_open, ordinal, codec.ordinal_close) + markup
    if layout is None:
        return markup

    across, down = layout
    rows = []
    for _ in range(down):
        parts = []
        for _ in range(across):
            parts.append(codec.crop_open + slot + codec.crop_close)
        rows.append(''.join(parts))
    return markup + '\n'.join(rows)


def linearize(thumb, mosaic):
    sequence = [thumb]
    for strip in mosaic:
        sequence.extend(strip)
    return sequence
