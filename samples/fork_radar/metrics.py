"""Running segmentation scores, overall and by distance."""

from __future__ import annotations

import numpy as np
import torch

from configuration_plover import CLASSES, IGNORE, PloverConfig


class RangeBandScores:
    """Confusion counts kept separately for near, middle and far bins."""

    def __init__(self, config: PloverConfig, edges_m: tuple[float, ...] = (500.0, 2000.0)):
        self.classes = config.num_classes
        self.names = [f"<{edge:g}m" for edge in edges_m] + [f">={edges_m[-1]:g}m"]
        metres = (np.arange(config.range_bins) + 0.5) * config.max_range_m / config.range_bins
        self.band = np.digitize(metres, edges_m)
        self.counts = np.zeros((len(self.names), self.classes, self.classes), dtype=np.int64)

    def add(self, logits: torch.Tensor, target: torch.Tensor) -> None:
        guess = logits.argmax(dim=1).cpu().numpy()
        truth = target.cpu().numpy()
        bands = np.broadcast_to(self.band, truth.shape)
        keep = truth != IGNORE
        code = (bands[keep] * self.classes + truth[keep]) * self.classes + guess[keep]
        self.counts += np.bincount(code, minlength=self.counts.size).reshape(self.counts.shape)

    @staticmethod
    def iou(table: np.ndarray) -> np.ndarray:
        """IoU of each class; NaN where a class neither occurs nor is guessed."""
        hit = np.diagonal(table).astype(float)
        union = table.sum(axis=0) + table.sum(axis=1) - hit
        return np.divide(hit, union, out=np.full_like(hit, np.nan), where=union > 0)

    def report(self) -> dict[str, float]:
        total = self.counts.sum(axis=0)
        overall = self.iou(total)
        scores = {f"iou/{name}": float(v) for name, v in zip(CLASSES, overall)}
        scores["miou"] = float(np.nanmean(overall)) if total.any() else 0.0
        for name, table in zip(self.names, self.counts):
            if table.any():
                scores[f"miou/{name}"] = float(np.nanmean(self.iou(table)))
        vessel = CLASSES.index("vessel")
        seen = total[vessel].sum()
        scores["vessel_recall"] = float(total[vessel, vessel] / seen) if seen else 0.0
        return scores
