"""Error rates for text and average precision for layout regions."""

import unicodedata

import numpy as np


def levenshtein(a, b) -> int:
    """Edit distance of two sequences with a single row of memory."""
    if len(a) < len(b):
        a, b = b, a
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            substitution = diagonal + (x != y)
            diagonal = row[j]
            row[j] = min(substitution, row[j] + 1, row[j - 1] + 1)
    return row[-1]


def tidy(text: str) -> str:
    """What is forgiven: composed or decomposed accents, typographic quotes, runs of spaces."""
    table = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-"})
    return " ".join(unicodedata.normalize("NFC", text).translate(table).split())


class ErrorRate:
    """Running character or word error rate, weighted by the length of the reference."""

    def __init__(self, words: bool = False):
        self.words = words
        self.reset()

    def reset(self):
        self.errors = 0
        self.total = 0
        self.exact = 0
        self.lines = 0

    def update(self, readings, references):
        for reading, reference in zip(readings, references):
            left, right = tidy(reading), tidy(reference)
            self.exact += left == right
            self.lines += 1
            if self.words:
                left, right = left.split(), right.split()
            self.errors += levenshtein(left, right)
            self.total += len(right)

    def compute(self):
        rate = self.errors / self.total if self.total else 0.0
        return {"rate": rate, "exact": self.exact / max(1, self.lines)}


def pairwise_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, 4) and (m, 4) corner boxes -> (n, m)."""
    corner_low = np.maximum(a[:, None, :2], b[None, :, :2])
    corner_high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.prod(np.clip(corner_high - corner_low, 0, None), axis=-1)
    area_a = np.prod(a[:, 2:] - a[:, :2], axis=-1)[:, None]
    area_b = np.prod(b[:, 2:] - b[:, :2], axis=-1)[None, :]
    return overlap / np.maximum(area_a + area_b - overlap, 1e-9)


def average_precision(detections, truths, threshold: float = 0.5) -> float:
    """All-points AP of one class.

    detections: list of (page, confidence, box); truths: {page: (n, 4) array}
    """
    positives = sum(len(boxes) for boxes in truths.values())
    if positives == 0:
        return float("nan")
    claimed = {page: np.zeros(len(boxes), dtype=bool) for page, boxes in truths.items()}
    hits = np.zeros(len(detections))
    for rank, (page, _, box) in enumerate(sorted(detections, key=lambda d: d[1], reverse=True)):
        candidates = truths.get(page)
        if candidates is None or not len(candidates):
            continue
        ious = pairwise_iou(np.asarray(box, dtype=float)[None], candidates)[0]
        ious[claimed[page]] = -1.0
        best = int(ious.argmax())
        if ious[best] >= threshold:
            hits[rank] = 1.0
            claimed[page][best] = True
    found = hits.cumsum()
    recall = np.concatenate(([0.0], found / positives))
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope))
