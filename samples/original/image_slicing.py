"""High-resolution slicing.

A big picture is shown to the model as one overview plus a grid of tiles.  All the sizes
below are (width, height), like PIL, and never (height, width).
"""

import math

from PIL import Image

SCALE_RESOLUTION = 448
PATCH_SIZE = 14
MAX_SLICES = 9
# area ratio below which the overview alone is sharp enough
SINGLE_TILE_SLACK = 1.12


def ensure_divide(length, patch_size):
    """Nearest multiple of patch_size, but at least one patch."""
    return max(round(length / patch_size) * patch_size, patch_size)


def find_best_resize(original_size, scale_resolution=SCALE_RESOLUTION, patch_size=PATCH_SIZE, allow_upscale=False):
    width, height = original_size
    if width * height > scale_resolution * scale_resolution or allow_upscale:
        ratio = width / height
        height = int(scale_resolution / math.sqrt(ratio))
        width = int(height * ratio)
    return ensure_divide(width, patch_size), ensure_divide(height, patch_size)


def candidate_grids(multiple, max_slices=MAX_SLICES):
    """All (columns, rows) whose tile count is one off, equal to, or one above `multiple`."""
    counts = []
    for count in (multiple - 1, multiple, multiple + 1):
        if count <= 1 or count > max_slices:
            continue
        counts.append(count)

    grids = []
    for count in counts:
        columns = 1
        while columns <= count:
            if count % columns == 0:
                grids.append((columns, count // columns))
            columns += 1
    return grids


def choose_grid(original_size, max_slices=MAX_SLICES, scale_resolution=SCALE_RESOLUTION):
    """Pick the slicing grid, or None when no slicing is needed.

    The error is the log aspect distance plus a small price for every tile, so that of two
    grids that fit about as well the cheaper one is taken.
    """
    width, height = original_size
    area_ratio = width * height / (scale_resolution * scale_resolution)
    if area_ratio <= SINGLE_TILE_SLACK or max_slices < 2:
        return None

    multiple = min(math.ceil(area_ratio), max_slices)
    log_ratio = math.log(width / height)
    best_grid = None
    min_error = float("inf")
    for columns, rows in candidate_grids(multiple, max_slices):
        error = abs(log_ratio - math.log(columns / rows)) + 0.015 * columns * rows
        if error < min_error:
            best_grid = (columns, rows)
            min_error = error
    return best_grid


def get_refine_size(original_size, grid, scale_resolution=SCALE_RESOLUTION, patch_size=PATCH_SIZE):
    """Size to which the whole picture is resized so that each tile is a whole number of patches."""
    width, height = original_size
    columns, rows = grid
    refine_width = ensure_divide(width, columns)
    refine_height = ensure_divide(height, rows)
    tile_width, tile_height = find_best_resize(
        (refine_width / columns, refine_height / rows),
        scale_resolution,
        patch_size,
        allow_upscale=True,
    )
    return tile_width * columns, tile_height * rows


def split_to_tiles(image, grid):
    """Cut `image` row by row; returns a list of rows, each a list of PIL images."""
    width, height = image.size
    step_x = int(width / grid[0])
    step_y = int(height / grid[1])
    tiles = []
    for top in range(0, height, step_y):
        row = []
        for left in range(0, width, step_x):
            box = (left, top, left + step_x, top + step_y)
            row.append(image.crop(box))
        tiles.append(row)
    return tiles


def slice_image(image, max_slices=MAX_SLICES, scale_resolution=SCALE_RESOLUTION, patch_size=PATCH_SIZE):
    """Return (overview, tiles, grid); tiles is [] and grid None for small pictures."""
    grid = choose_grid(image.size, max_slices, scale_resolution)
    if grid is None:
        small = find_best_resize(image.size, scale_resolution, patch_size, allow_upscale=True)
        return image.resize(small, Image.Resampling.BICUBIC), [], None

    overview_size = find_best_resize(image.size, scale_resolution, patch_size)
    overview = image.copy().resize(overview_size, Image.Resampling.BICUBIC)
    refined = image.resize(
        get_refine_size(image.size, grid, scale_resolution, patch_size), Image.Resampling.BICUBIC
    )
    return overview, split_to_tiles(refined, grid), grid


def grid_placeholder(tokenizer, grid, query_num, image_index=None):
    """Text that stands for one picture: overview first, then the grid with newlines."""
    unit = tokenizer.unk_token * query_num
    text = tokenizer.im_start + unit + tokenizer.im_end
    if image_index is not None:
        text = "%s%d%s" % (tokenizer.im_id_start, image_index, tokenizer.im_id_end) + text
    if grid is None:
        return text

    columns, rows = grid
    lines = []
    for _ in range(rows):
        cells = []
        for _ in range(columns):
            cells.append(tokenizer.slice_start + unit + tokenizer.slice_end)
        lines.append("".join(cells))
    return text + "\n".join(lines)


def flatten_slices(overview, tiles):
    """Overview followed by the tiles in reading order."""
    flat = [overview]
    for row in tiles:
        flat.extend(row)
    return flat
