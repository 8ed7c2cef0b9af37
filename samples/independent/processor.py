"""From prompts and pictures to the tensors the model takes."""

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np
import torch
from PIL import Image, ImageOps

from config import PebbleConfig
from tiling import cut, picture_markup
from tokens import END, IGNORE_LABEL, REPLY, SLOT, USER, MarkupIds, label_replies


@dataclass
class Views:
    """All views of a batch, in the order their seats appear in the text."""

    patches: torch.Tensor  # (views, length, 3 * patch * patch)
    coords: torch.Tensor  # (views, length, 2) row and column
    shapes: torch.Tensor  # (views, 2) rows and columns
    real: torch.Tensor  # (views, length)


@dataclass
class Batch:
    ids: torch.Tensor
    real: torch.Tensor
    views: Optional[Views] = None
    labels: Optional[torch.Tensor] = None


def patchify(view: Image.Image, patch: int) -> tuple[torch.Tensor, int, int]:
    """Flattened patches in reading order, with the number of rows and columns."""
    pixels = np.asarray(view, dtype=np.float32) / 255.0 * 2.0 - 1.0
    rows, cols = view.height // patch, view.width // patch
    blocks = pixels.reshape(rows, patch, cols, patch, 3).transpose(0, 2, 1, 3, 4)
    return torch.from_numpy(blocks.reshape(rows * cols, -1).copy()), rows, cols


def pack_views(images: Sequence[Image.Image], patch: int) -> Views:
    parts = [patchify(image, patch) for image in images]
    longest = max(flat.shape[0] for flat, _, _ in parts)
    patches = torch.zeros(len(parts), longest, parts[0][0].shape[1])
    coords = torch.zeros(len(parts), longest, 2, dtype=torch.long)
    real = torch.zeros(len(parts), longest, dtype=torch.bool)
    for i, (flat, rows, cols) in enumerate(parts):
        count = rows * cols
        patches[i, :count] = flat
        coords[i, :count] = torch.cartesian_prod(torch.arange(rows), torch.arange(cols))
        real[i, :count] = True
    shapes = torch.tensor([[rows, cols] for _, rows, cols in parts])
    return Views(patches, coords, shapes, real)


def flatten_alpha(image: Image.Image) -> Image.Image:
    """Upright RGB; transparency over white, as most pages are."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, image)
    return image.convert("RGB")


class PebbleProcessor:
    def __init__(self, cfg: PebbleConfig, tokenizer):
        self.cfg = cfg
        self.tokenizer = tokenizer
        self.markup = MarkupIds.of(tokenizer)

    def fill_slots(self, text: str, pictures: Sequence[Image.Image]) -> tuple[str, list[Image.Image]]:
        """Replace each slot by the markup of the next picture."""
        pieces = text.split(SLOT)
        if len(pieces) - 1 != len(pictures):
            raise ValueError(f"{len(pieces) - 1} picture slots for {len(pictures)} pictures")
        filled, views = pieces[0], []
        for picture, rest in zip(pictures, pieces[1:]):
            cuts, layout = cut(flatten_alpha(picture), self.cfg.tiles, self.cfg.eye.patch)
            filled += picture_markup(layout, self.cfg.bridge.queries) + rest
            views.extend(cuts)
        return filled, views

    @staticmethod
    def render(turns: Sequence[tuple[str, str]], awaiting_reply: bool) -> str:
        """Turns are (role, text) with role "user" or "reply"."""
        marks = {"user": USER, "reply": REPLY}
        text = "".join(f"{marks[role]}{words.strip()}{END}" for role, words in turns)
        return text + REPLY if awaiting_reply else text

    def collate(self, rows: list[list[int]], views: list[Image.Image], training: bool) -> Batch:
        longest = max(map(len, rows))
        if longest > self.cfg.text.context:
            raise ValueError(f"{longest} tokens do not fit a context of {self.cfg.text.context}")
        ids = torch.full((len(rows), longest), self.markup.pad)
        labels = torch.full((len(rows), longest), IGNORE_LABEL)
        real = torch.zeros(len(rows), longest, dtype=torch.bool)
        for i, row in enumerate(rows):
            # right padding to train, left padding to generate
            span = slice(0, len(row)) if training else slice(longest - len(row), longest)
            ids[i, span] = torch.tensor(row)
            labels[i, span] = torch.tensor(label_replies(row, self.markup))
            real[i, span] = True
        packed = pack_views(views, self.cfg.eye.patch) if views else None
        return Batch(ids, real, packed, labels if training else None)

    def __call__(
        self,
        conversations: Sequence[Sequence[tuple[str, str]]],
        pictures: Sequence[Sequence[Image.Image]],
        training: bool = False,
    ) -> Batch:
        rows, views = [], []
        for turns, own in zip(conversations, pictures, strict=True):
            text, cuts = self.fill_slots(self.render(turns, awaiting_reply=not training), own)
            rows.append(self.tokenizer.encode(text, add_special_tokens=False))
            views.extend(cuts)
        return self.collate(rows, views, training)

    def read_replies(self, replies: list[list[int]]) -> list[str]:
        return [self.tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in replies]
