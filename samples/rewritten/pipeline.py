import logging

import numpy as np
import torch
from transformers import BatchFeature, ProcessorMixin

from .tiling import TilePlanner

LOG = logging.getLogger("nova_sight.pipeline")
TAG = "<picture/>"


class NovaPipeline(ProcessorMixin):
    tokenizer_class = "AutoTokenizer"
    attributes = ["tokenizer"]
    centre = np.float32([0.481, 0.457, 0.408])
    spread = np.float32([0.268, 0.261, 0.275])

    def __init__(self, tokenizer=None, summary_len=72, tile_limit=9, number_pictures=True):
        super().__init__(tokenizer)
        self.planner = TilePlanner(limit=tile_limit)
        self.summary_len, self.number_pictures = summary_len, number_pictures

    @property
    def filler(self):
        return self.tokenizer.pad_token_id or 0

    def _trim(self, ids):
        ids = ids[ids.ne(self.filler)]
        first = 1 if len(ids) and ids[0] == self.tokenizer.bos_token_id else 0
        ids = ids[first:]
        if not len(ids):
            return ids
        return ids[:-1] if ids[-1].item() in self.tokenizer.final_ids else ids

    def read(self, outputs):
        return [self.tokenizer.decode(self._trim(ids)).strip() for ids in outputs]

    def _ribbon(self, tile):
        """Normalise a tile and lay its patches side by side; also its shape in patches."""
        p = self.planner.patch
        values = np.asarray(tile.convert("RGB"), dtype=np.float32)
        values = (values / 255.0 - self.centre) / self.spread
        tall, wide = values.shape[0] // p, values.shape[1] // p
        blocks = torch.from_numpy(values).view(tall, p, wide, p, 3)
        return blocks.permute(4, 1, 0, 2, 3).reshape(3, p, -1), (tall, wide)

    def _look(self, pictures):
        grids = []
        pairs = []
        for picture in pictures:
            pieces, grid = self.planner.prepare(picture)
            pairs.extend(map(self._ribbon, pieces))
            grids.append(grid)
        shapes = torch.tensor([shape for _, shape in pairs], dtype=torch.int32).reshape(-1, 2)
        return grids, [ribbon for ribbon, _ in pairs], shapes

    def _expand(self, text, grids):
        before, *rest = text.split(TAG)
        if len(rest) != len(grids):
            raise ValueError("found %d tags for %d pictures" % (len(rest), len(grids)))
        for n, (grid, after) in enumerate(zip(grids, rest)):
            number = n if self.number_pictures else None
            before += self.tokenizer.layout(grid, self.summary_len, number) + after
        return before

    def _encode(self, prompt, limit=None):
        ids = torch.tensor(self.tokenizer.encode(prompt)[:limit], dtype=torch.long)
        firsts, lasts = (
            torch.isin(ids, torch.tensor(marks)).nonzero().flatten()
            for marks in (self.tokenizer.opening_ids, self.tokenizer.closing_ids)
        )
        pairs = zip(firsts.tolist(), lasts.tolist())
        spans = torch.tensor([(first + 1, last) for first, last in pairs], dtype=torch.long)
        return ids, spans.view(-1, 2)

    def _collate(self, rows, spans, left):
        """Pad to a multiple of eight, mark what is real, move the spans along."""
        longest = max(map(len, rows))
        longest += -longest % 8
        ids = torch.full((len(rows), longest), self.filler)
        real = torch.zeros(ids.shape, dtype=torch.bool)
        moved = []
        for n, (row, span) in enumerate(zip(rows, spans)):
            gap = longest - len(row) if left else 0
            where = slice(gap, gap + len(row))
            ids[n, where] = row
            real[n, where] = True
            moved.append(span + gap)
        return ids, real, moved

    def __call__(self, prompts, pictures=None, limit=None, padding_side="left"):
        single = isinstance(prompts, str)
        if single:
            prompts, pictures = [prompts], [pictures or []]
        elif not pictures:
            pictures = [[] for _ in prompts]
        collected = {"rows": [], "spans": [], "ribbons": [], "shapes": []}
        for prompt, own in zip(prompts, pictures):
            grids, ribbons, shapes = self._look(own)
            row, spans = self._encode(self._expand(prompt, grids), limit)
            for name, value in zip(collected, (row, spans, ribbons, shapes)):
                collected[name].append(value)
        ids, real, spans = self._collate(collected["rows"], collected["spans"], padding_side == "left")
        LOG.debug("batch of %d prompts, %d positions", *ids.shape)
        return BatchFeature(data=dict(
            input_ids=ids, attention_mask=real, spans=spans,
            ribbons=collected["ribbons"], shapes=collected["shapes"],
        ))
