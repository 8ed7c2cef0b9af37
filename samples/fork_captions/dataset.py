"""Image/caption pairs from a folder with a ``captions.tsv``."""

from __future__ import annotations

import csv
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.utils.data import Dataset

from configuration_lantern import LanternConfig

WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[^\sa-z0-9]")
SPECIALS = ["<pad>", "<s>", "</s>", "<unk>"]


class Vocabulary:
    def __init__(self, words: list[str]):
        self.words = SPECIALS + words
        self.index = {word: i for i, word in enumerate(self.words)}

    @classmethod
    def build(cls, captions: list[str], size: int, min_count: int = 3) -> "Vocabulary":
        counts = Counter(word for text in captions for word in WORD.findall(text.lower()))
        kept = [w for w, n in counts.most_common(size - len(SPECIALS)) if n >= min_count]
        return cls(kept)

    def encode(self, text: str, max_len: int) -> list[int]:
        body = [self.index.get(word, 3) for word in WORD.findall(text.lower())]
        return [1, *body[: max_len - 2], 2]

    def decode(self, ids: list[int]) -> str:
        text = " ".join(self.words[i] for i in ids if i >= 3)
        return re.sub(r"\s+([.,;:!?])", r"\1", text)


class CaptionFolder(Dataset):
    """One item per image; training draws one of its captions at random."""

    def __init__(
        self, root: str | Path, config: LanternConfig, vocab: Vocabulary | None = None, training: bool = True
    ):
        self.root = Path(root)
        self.config = config
        self.training = training
        grouped: dict[str, list[str]] = defaultdict(list)
        with open(self.root / "captions.tsv", newline="", encoding="utf-8") as handle:
            for name, text in csv.reader(handle, delimiter="\t"):
                grouped[name].append(text.strip())
        self.items = sorted(grouped.items())
        every_caption = [text for _, texts in self.items for text in texts]
        self.vocab = vocab or Vocabulary.build(every_caption, config.vocab_size)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, torch.Tensor]:
        name, texts = self.items[position]
        text = random.choice(texts) if self.training else texts[0]
        with Image.open(self.root / name) as image:
            # Pad rather than crop: captions often mention things at the edges.
            side = self.config.image_size
            square = ImageOps.pad(image.convert("RGB"), (side, side), color=(122, 116, 104))
        pixels = torch.from_numpy(np.array(square)).permute(2, 0, 1).float().div_(127.5).sub_(1.0)
        return pixels, torch.tensor(self.vocab.encode(text, self.config.max_caption_len))

    def collate(self, batch: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
        pixels, captions = zip(*batch)
        padded = torch.nn.utils.rnn.pad_sequence(
            list(captions), batch_first=True, padding_value=self.config.pad_id
        )
        return torch.stack(pixels), padded
