import math

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn


def gather_with_local_grad(t):
    """All ranks' features; gradients flow through this rank's part only."""
    if not (dist.is_available() and dist.is_initialized()):
        return t
    parts = [torch.empty_like(t) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, t.contiguous())
    parts[dist.get_rank()] = t
    return torch.cat(parts)


class ContrastiveLoss(nn.Module):
    """Symmetric InfoNCE between images and texts with a learned temperature."""

    def __init__(self, init_temperature=0.07, max_scale=100.0):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / init_temperature)))
        self.max_scale = max_scale

    def forward(self, image_emb, text_emb):
        image_emb = F.normalize(image_emb, dim=-1)
        text_emb = F.normalize(text_emb, dim=-1)
        all_images = gather_with_local_grad(image_emb)
        all_texts = gather_with_local_grad(text_emb)
        scale = self.log_scale.exp().clamp(max=self.max_scale)

        rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
        n = image_emb.size(0)
        target = torch.arange(rank * n, (rank + 1) * n, device=image_emb.device)
        i2t = scale * image_emb @ all_texts.T
        t2i = scale * text_emb @ all_images.T
        loss = 0.5 * (F.cross_entropy(i2t, target) + F.cross_entropy(t2i, target))
        with torch.no_grad():
            acc = (i2t.argmax(1) == target).float().mean()
        return loss, {"i2t_acc": acc, "scale": scale.detach()}
