import re
import numpy as np
import torch as th
from transformers import BatchFeature, ProcessorMixin

from .crops import (CELL, CROP_LIMIT, CROP_SIDE,
                    crop_photo, linearize, photo_markup)

PHOTO_MARK = '<picture/>'
RGB_SHIFT = np.array([0.481, 0.457, 0.408], dtype=np.float32)
RGB_SCALE = np.array([0.268, 0.261, 0.275], dtype=np.float32)


def to_array(photo):
    rgb = np.asarray(photo.convert('RGB'), dtype=np.float32) / 255.0
    rgb = (rgb - RGB_SHIFT) / RGB_SCALE
    return th.from_numpy(rgb.transpose(2, 0, 1).copy())


def to_ribbon(rgb, cell):
    # cells side by side, so only one axis varies
    depth = rgb.size(0)
    cells = th.nn.functional.unfold(rgb.unsqueeze(0), (cell, cell), stride=(cell, cell))
    cells = cells.reshape(depth, cell, cell, -1)
    return cells.permute(0, 1, 3, 2).reshape(depth, cell, -1)


class AsterChatProcessor(ProcessorMixin):
    attributes = ['tokenizer']
    tokenizer_class = 'AutoTokenizer'

    def __init__(self, tokenizer=None, n_latents=72, limit=CROP_LIMIT, numbered=True):
        super().__init__(tokenizer)
        self.n_latents = n_latents
        self.limit = limit
        self.numbered = numbered
        self.cell = CELL
        self.side = CROP_SIDE

    def __call__(self, prompts, photos=None, cutoff=None, fill_side='left'):
        if isinstance(prompts, str):
            prompts = [prompts]
            photos = [photos or []]
        photos = photos or [[] for _ in prompts]

        rows, spans, ribbons, shapes = [], [], [], []
        for prompt, attached in zip(prompts, photos):
            layouts, own_ribbons, own_shapes = self.prepare_photos(attached)
            expanded = self.expand_marks(prompt, layouts)
            token_ids, photo_spans = self.encode_prompt(expanded, cutoff)
            rows.append(token_ids)
            spans.append(photo_spans)
            ribbons.append(own_ribbons)
            shapes.append(own_shapes)

        token_ids, sizes = self.collate(rows, fill_side)
        keep = th.zeros_like(token_ids, dtype=th.bool)
        for k, size in enumerate(sizes):
            shift = token_ids.shape[1] - size if fill_side == 'left' else 0
            keep[k, shift:shift + size] = True
            spans[k] = spans[k] + shift
        return BatchFeature(data={
            'input_ids': token_ids,
            'attention_mask': keep,
            'ribbons': ribbons,
            'spans': spans,
            'shapes': shapes,
        })

    def prepare_photos(self, attached):
        layouts, ribbons, shapes = [], [], []
        for photo in attached:
            thumb, mosaic, layout = crop_photo(photo, self.limit, self.side, self.cell)
            layouts.append(layout)
            for crop in linearize(thumb, mosaic):
                rgb = to_array(crop)
                ribbons.append(to_ribbon(rgb, self.cell))
                shapes.append((rgb.shape[1] // self.cell, rgb.shape[2] // self.cell))
        if not shapes:
            return layouts, ribbons, th.zeros((0, 2), dtype=th.int32)
        return layouts, ribbons, th.tensor(shapes, dtype=th.int32)

    def expand_marks(self, prompt, layouts):
        chunks = re.split('(%s)' % re.escape(PHOTO_MARK), prompt)
        used = 0
        for where, chunk in enumerate(chunks):
            if chunk != PHOTO_MARK:
                continue
            if used >= len(layouts):
                raise ValueError(f'only {len(layouts)} photos for this prompt')
            ordinal = used if self.numbered else None
            chunks[where] = photo_markup(self.tokenizer, layouts[used], self.n_latents, ordinal)
            used += 1
        if used != len(layouts):
            raise ValueError(f'got {len(layouts)} photos for {used} marks')
        return ''.join(chunks)

    def encode_prompt(self, expanded, cutoff=None):
        token_ids = self.tokenizer.encode(expanded)
        if cutoff is not None:
            token_ids = token_ids[:cutoff]
        token_ids = th.tensor(token_ids, dtype=th.long)

        opens = (token_ids == self.tokenizer.photo_open_id) | (token_ids == self.tokenizer.crop_open_id)
        closes = (token_ids == self.tokenizer.photo_close_id) | (token_ids == self.tokenizer.crop_close_id)
        begin = th.where(opens)[0] + 1
        finish = th.where(closes)[0]
        whole = min(len(begin), len(finish))
        photo_spans = th.hstack([
            begin[:whole].unsqueeze(-1),
            finish[:whole].unsqueeze(-1),
        ])
        return token_ids, photo_spans

    def collate(self, rows, fill_side='left'):
        sizes = [len(row) for row in rows]
        width = -(-max(sizes) // 8) * 8  # multiple of eight
        filler = self.tokenizer.pad_token_id or 0
        table = th.full((len(rows), width), filler, dtype=th.long)
        for k, row in enumerate(rows):
            if fill_side == 'left':
                table[k, width - sizes[k]:] = row
            else:
                table[k, :sizes[k]] = row
        return table, sizes

    def read_replies(self, generated):
        replies = []
        for row in generated:
            row = row[row != (self.tokenizer.pad_token_id or 0)]
            if len(row) > 0 and row[0] == self.tokenizer.bos_token_id:
                row = row[1:]
            if len(row) > 0 and int(row[-1]) in self.tokenizer.stop_ids:
                row = row[:-1]
            replies.append(self.tokenizer.decode(row).strip())
        return replies
