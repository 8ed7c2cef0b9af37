"""Which parts of a photograph are looked at: labels are wide, so a window slides along the longer side."""

import numpy as np
import torch
from PIL import Image

OVERLAP = 0.25
MOST = 6


def steps(long, short):
    """Left (or upper) edges of square windows along a side, evenly spread, the first at 0 and the last at the end."""
    if long < 1.5 * short:
        return []
    wanted = int(np.ceil((long - short * OVERLAP) / (short * (1 - OVERLAP))))
    return np.linspace(0, long - short, num=min(wanted, MOST)).round().astype(int).tolist()


def letterboxed(photo, side):
    """Shrunk to fit a square and centred on grey."""
    photo = photo.copy()
    photo.thumbnail((side, side), Image.Resampling.LANCZOS)
    paper = Image.new("RGB", (side, side), (128, 128, 128))
    paper.paste(photo, ((side - photo.width) // 2, (side - photo.height) // 2))
    return paper


def views_of(photo, settings):
    """The whole photograph, then the windows; each a tensor (3, side, side) between -1 and 1."""
    photo, side = photo.convert("RGB"), settings["image_size"]
    short = min(photo.size)
    wide = photo.width >= photo.height
    pieces = [photo]
    for edge in steps(max(photo.size), short):
        pieces.append(photo.crop((edge, 0, edge + short, short) if wide else (0, edge, short, edge + short)))
    stack = np.stack([np.asarray(letterboxed(piece, side)) for piece in pieces])
    return list(torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 127.5 - 1.0)


def markup(layout):
    """`layout` holds the number of views of each photograph."""
    return "".join(f"<fennec_case>{'<image>' * count}</fennec_case>" for count in layout)
