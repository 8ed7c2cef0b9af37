"""Label smoothing and focal loss."""
import torch
from torch import nn
import torch.nn.functional as F


class SmoothedCrossEntropy(nn.Module):
    def __init__(self, eps=0.1, pad_id=-100):
        super().__init__()
        self.eps = eps
        self.pad_id = pad_id

    def forward(self, logits, target):
        logp = F.log_softmax(logits.float(), dim=-1).flatten(0, -2)
        target = target.flatten()
        valid = target != self.pad_id
        logp, target = logp[valid], target[valid]
        nll = -logp[torch.arange(len(target), device=target.device), target]
        uniform = -logp.mean(dim=-1)
        loss = (1 - self.eps) * nll + self.eps * uniform
        return loss.sum() / valid.sum().clamp_min(1)


def focal_loss(logits, labels, alpha=0.25, gamma=2.0, reduction="sum"):
    """Lin et al., 2017, on binary labels of the shape of the logits."""
    p = logits.sigmoid()
    p_t = torch.where(labels == 1, p, 1 - p)
    ce = F.binary_cross_entropy_with_logits(logits, labels.float(), reduction="none")
    loss = ce * (1 - p_t).pow(gamma)
    if alpha is not None:
        loss = loss * torch.where(labels == 1, alpha, 1 - alpha)
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()
