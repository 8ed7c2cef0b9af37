"""From sheets and questions to batches."""

import numpy as np
import torch
from PIL import Image, ImageOps

from slicing import Cutter
from tokenization_tessera import ANSWER, CLOSE, closing_ids

CENTRE = (0.43, 0.41, 0.36)
SPREAD = (0.268, 0.261, 0.275)


def on_paper(sheet):
    """The right way up, and what is see-through white."""
    sheet = ImageOps.exif_transpose(sheet)
    has_alpha = "transparency" in sheet.info or sheet.mode in ("RGBA", "LA", "PA")
    if has_alpha:
        sheet = sheet.convert("RGBA")
        blank = Image.new("RGBA", sheet.size, (255,) * 4)
        sheet = Image.alpha_composite(blank, sheet)
    return sheet.convert("RGB")


def ribbon(pixels, unit):
    """(bands, tall, wide) as one row of squares, side by side."""
    bands = pixels.shape[0]
    squares = torch.nn.functional.unfold(pixels[None], (unit, unit), stride=(unit, unit))
    squares = squares.view(bands, unit, unit, -1).transpose(2, 3)
    return squares.reshape(bands, unit, -1)


def stacked(ribbons, shapes):
    """One batch of ribbons of different length, and where there is something in it."""
    first = ribbons[0]
    widest = max(one.shape[-1] for one in ribbons)
    filled = first.new_zeros(len(ribbons), first.shape[0], first.shape[1], widest)
    for row, one in enumerate(ribbons):
        filled[row, ..., : one.shape[-1]] = one
    squares = torch.arange(widest // first.shape[1], device=shapes.device)
    return filled, squares[None, :] < shapes.prod(dim=-1)[:, None]


class SheetReader:
    def __init__(self, tokenizer, settings):
        self.tokenizer, self.settings = tokenizer, settings
        self.cutter = Cutter(most=settings.most_cuts)
        self.blank = tokenizer.pad_token_id or 0

    def pixels(self, view):
        values = np.asarray(view, dtype=np.float32) / 255.0
        return torch.from_numpy(((values - CENTRE) / SPREAD).astype(np.float32)).permute(2, 0, 1)

    @staticmethod
    def conversation(turns, waiting):
        openings = {"user": "\n", "reply": ANSWER}
        written = [openings[who] + said.strip() + CLOSE for who, said in turns]
        return "".join(written) + (ANSWER if waiting else "")

    def marked(self, prompt, longest=None):
        """Numbers of the words, and the spans between openings and closings."""
        ids = self.tokenizer.encode(prompt)
        ids = torch.tensor(ids if longest is None else ids[:longest], dtype=torch.long)
        opens = (ids == self.tokenizer.sheet_open_id) | (ids == self.tokenizer.piece_open_id)
        closes = (ids == self.tokenizer.sheet_close_id) | (ids == self.tokenizer.piece_close_id)
        firsts, ends = torch.where(opens)[0] + 1, torch.where(closes)[0]
        whole = min(len(firsts), len(ends))
        return ids, torch.stack((firsts[:whole], ends[:whole]), dim=-1)

    def padded(self, rows, left=True):
        sizes = list(map(len, rows))
        longest = (max(sizes) + 7) // 8 * 8
        batch = torch.full((len(rows), longest), self.blank, dtype=torch.long)
        for number, (row, size) in enumerate(zip(rows, sizes)):
            where = slice(longest - size, None) if left else slice(None, size)
            batch[number, where] = row
        return batch, sizes

    def answers(self, results):
        def trimmed(ids):
            ids = ids[ids != self.blank]
            if len(ids) > 0 and self.tokenizer.bos_token_id == ids[0]:
                ids = ids[1:]
            if len(ids) > 0 and int(ids[-1]) in closing_ids(self.tokenizer):
                ids = ids[:-1]
            return ids

        return [self.tokenizer.decode(trimmed(ids)).strip() for ids in results]

    def insets(self, sheet, boxes, least=0.004):
        """Insets worth a look of their own: not too small, not inside another, the largest first."""
        area = sheet.width * sheet.height
        kept = []
        for box in sorted(boxes, key=lambda b: (b[0] - b[2]) * (b[3] - b[1])):
            left, top, right, bottom = box
            inside = any(l <= left and t <= top and right <= r and bottom <= b for l, t, r, b in kept)
            if not inside and (right - left) * (bottom - top) >= least * area:
                kept.append(box)
        return [sheet.crop(box) for box in kept]
