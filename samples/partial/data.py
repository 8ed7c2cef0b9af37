"""Line data set of Harbor-OCR: a folder of page scans next to a tab separated transcript file."""

from __future__ import annotations

import csv
import random
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset, Sampler

from preprocessing import LineBox, crop_line, to_gray


@lru_cache(maxsize=24)
def load_page(path: str) -> np.ndarray:
    with Image.open(path) as page:
        return to_gray(page)


class Degrade:
    """Random wear and tear: faded ink, bleed-through, a fold, salt noise."""

    def __init__(self, strength: float = 1.0, seed: int | None = None):
        self.strength = strength
        self.rng = np.random.default_rng(seed)

    def fade(self, line):
        gamma = self.rng.uniform(0.7, 1.6)
        return line**gamma * self.rng.uniform(0.55, 1.0)

    def bleed(self, line):
        ghost = np.roll(line[:, ::-1], self.rng.integers(-3, 4), axis=0)
        return np.maximum(line, ghost * self.rng.uniform(0.05, 0.25))

    def fold(self, line):
        width = line.shape[1]
        centre, spread = self.rng.uniform(0, width), self.rng.uniform(1.0, 4.0)
        shade = np.exp(-0.5 * ((np.arange(width) - centre) / spread) ** 2)
        return np.clip(line + 0.4 * shade[None, :], 0.0, 1.0)

    def salt(self, line):
        specks = self.rng.random(line.shape) < 0.004
        return np.where(specks, 1.0 - line, line)

    def __call__(self, line):
        for wear, chance in ((self.fade, 0.5), (self.bleed, 0.2), (self.fold, 0.1), (self.salt, 0.3)):
            if self.rng.random() < chance * self.strength:
                line = wear(line)
        return line.astype(np.float32)


class LineDataset(Dataset):
    def __init__(self, root: str | Path, split: str, alphabet=None, degrade=None):
        self.root = Path(root)
        self.alphabet = alphabet
        self.degrade = degrade
        self.rows = list(self._read(self.root / f"{split}.tsv"))

    @staticmethod
    def _read(path: Path):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
                box = LineBox(*(int(row[k]) for k in ("top", "bottom", "left", "right")))
                if box.height > 4 and row["text"].strip():
                    yield row["page"], box, row["text"]

    def transcripts(self):
        return [text for _, _, text in self.rows]

    def expected_width(self, index: int, height: int = 48) -> int:
        box = self.rows[index][1]
        return int((box.right - box.left) * height / (box.height * 1.36))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        page, box, text = self.rows[index]
        line = crop_line(load_page(str(self.root / "pages" / page)), box)
        if self.degrade is not None:
            line = self.degrade(line)
        return torch.from_numpy(line), self.alphabet.to_classes(text), text


class WidthBuckets(Sampler):
    """Batches of lines of similar width, limited by pixels and not by count."""

    def __init__(self, dataset: LineDataset, pixel_budget: int = 48 * 24000, shuffle: bool = True):
        self.widths = [dataset.expected_width(n) for n in range(len(dataset))]
        self.column_budget = pixel_budget // 48
        self.shuffle = shuffle

    def __iter__(self):
        def jittered(n):
            return self.widths[n] * (random.uniform(0.85, 1.15) if self.shuffle else 1.0)

        batches, current = [], []
        for n in sorted(range(len(self.widths)), key=jittered):
            widest = max([self.widths[m] for m in current] + [self.widths[n]])
            if current and widest * (len(current) + 1) > self.column_budget:
                batches.append(current)
                current = []
            current.append(n)
        if current:
            batches.append(current)
        if self.shuffle:
            random.shuffle(batches)
        return iter(batches)


def collate_lines(samples):
    lines, classes, texts = zip(*samples)
    widths = torch.tensor([line.shape[1] for line in lines])
    canvas = torch.zeros(len(lines), 1, lines[0].shape[0], int(widths.max()))
    for slot, line in zip(canvas, lines):
        slot[0, :, : line.shape[1]] = line
    targets = torch.tensor([c for label in classes for c in label])
    return {
        "lines": canvas,
        "widths": widths,
        "targets": targets,
        "target_lengths": torch.tensor([len(label) for label in classes]),
        "texts": list(texts),
    }
