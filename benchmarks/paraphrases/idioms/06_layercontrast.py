from typing import Dict, Sequence

import torch
from torch import Tensor

from .filters import keep_plausible


def _divergence(log_p: Tensor, target: Tensor) -> Tensor:
    # pointwise target * (log target - log p), averaged over the vocabulary
    return (torch.xlogy(target, target) - target * log_p).mean(dim=-1)


def contrast_with_early_exit(exit_ids: Sequence[int], exit_scores: Dict[int, Tensor], last_scores: Tensor) -> Tensor:
    """Subtract from the final scores those of the early exit which disagrees with them most."""
    chosen = exit_ids[0]

    if len(exit_ids) != 1:
        # (exits, batch, vocab)
        early_log = torch.stack(tuple(map(exit_scores.__getitem__, exit_ids))).log_softmax(-1)
        # (1, batch, vocab)
        late_log = last_scores.log_softmax(-1).unsqueeze(0)

        midpoint = (early_log.exp() + late_log.exp()) / 2

        # (exits, batch) -> (exits,)
        disagreement = (_divergence(early_log, midpoint) + _divergence(late_log, midpoint)) / 2
        per_exit = disagreement.mean(dim=1)
        chosen = exit_ids[per_exit.argmax().item()]

    strong, weak = keep_plausible(last_scores, exit_scores[chosen])
    return strong - weak
