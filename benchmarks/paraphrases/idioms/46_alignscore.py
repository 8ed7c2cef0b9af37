import torch

from .bins import midpoints


def predicted_alignment_score(error_logits, weight=None, largest=31, n_bins=64, tiny=1e-8, **_ignored):
    """Expected TM score from the predicted error distributions (..., residues, residues, bins): the best alignment."""
    residues = error_logits.size(-2)
    if weight is None:
        weight = torch.ones(residues, dtype=error_logits.dtype, device=error_logits.device)

    edges = torch.linspace(0, largest, n_bins - 1, device=error_logits.device)
    errors = midpoints(edges)

    # length dependent scale, see Zhang & Skolnick
    length = residues if residues > 19 else 19
    scale = (length - 15) ** (1 / 3) * 1.24 - 1.8
    credit = (1 + (errors / scale).square()).reciprocal()

    expected = error_logits.softmax(dim=-1) @ credit
    share = weight / (weight.sum() + tiny)
    per_frame = (expected * share).sum(-1)

    # the first frame with the best weighted score
    best = (per_frame * weight).flatten().argmax()
    return per_frame.flatten()[best]
