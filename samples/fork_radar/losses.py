"""Losses for polar segmentation: few bins hold anything worth finding."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from configuration_plover import IGNORE


def cell_area(range_bins: int, device: torch.device) -> torch.Tensor:
    """Relative ground area of a bin, which grows with range; mean one."""
    area = torch.arange(range_bins, device=device, dtype=torch.float32) + 0.5
    return area / area.mean()


def focal_loss(
    logits: torch.Tensor, target: torch.Tensor, class_weight: torch.Tensor | None = None, sharpness: float = 1.5
) -> torch.Tensor:
    valid = target != IGNORE
    log_p = logits.log_softmax(dim=1)
    safe = target.masked_fill(~valid, 0)
    log_pt = log_p.gather(1, safe.unsqueeze(1)).squeeze(1)
    weight = (1.0 - log_pt.exp()).pow(sharpness) * valid
    # Square root of the area: between one vote per bin and one per square metre.
    weight = weight * cell_area(logits.shape[-1], logits.device).sqrt()
    if class_weight is not None:
        weight = weight * class_weight[safe]
    return -(weight * log_pt).sum() / valid.sum().clamp_min(1)


def tversky_loss(
    logits: torch.Tensor, target: torch.Tensor, miss_cost: float = 0.7, skip_class: int = 0
) -> torch.Tensor:
    """Overlap loss that minds misses more than false alarms; clutter does not count."""
    valid = (target != IGNORE).unsqueeze(1)
    classes = logits.shape[1]
    truth = F.one_hot(target.masked_fill(~valid.squeeze(1), 0), classes).movedim(-1, 1) * valid
    prob = logits.softmax(dim=1) * valid
    dims = (0, 2, 3)
    hit = (prob * truth).sum(dims)
    missed = ((1 - prob) * truth).sum(dims)
    false = (prob * (1 - truth) * valid).sum(dims)
    index = hit / (hit + miss_cost * missed + (1 - miss_cost) * false + 1e-6)
    counted = truth.sum(dims) > 0
    counted[skip_class] = False
    if not counted.any():
        return logits.sum() * 0.0
    return (1.0 - index[counted]).mean()


def spin_consistency(first: torch.Tensor, second: torch.Tensor, shift: int) -> torch.Tensor:
    """Predictions for a rolled sweep should be the rolled predictions."""
    aligned = torch.roll(second, shifts=-shift, dims=-2)
    target = first.detach().softmax(dim=1)
    return F.kl_div(aligned.log_softmax(dim=1), target, reduction="none").sum(dim=1).mean()


def segmentation_loss(
    logits: torch.Tensor, target: torch.Tensor, class_weight: torch.Tensor | None = None, overlap: float = 0.5
) -> dict[str, torch.Tensor]:
    parts = {
        "focal": focal_loss(logits.float(), target, class_weight),
        "tversky": tversky_loss(logits.float(), target),
    }
    parts["loss"] = parts["focal"] + overlap * parts["tversky"]
    return parts
