import torch
from torch import nn
import torch.nn.functional as F


class TopKRouter(nn.Module):
    """Noisy top-k gate with the load-balance and z losses."""

    def __init__(self, dim, n_experts, k=2, jitter=0.0):
        super().__init__()
        self.gate = nn.Linear(dim, n_experts, bias=False)
        self.k, self.n, self.jitter = k, n_experts, jitter

    def forward(self, tokens):
        if self.training and self.jitter:
            tokens = tokens * torch.empty_like(tokens).uniform_(1 - self.jitter, 1 + self.jitter)
        logits = self.gate(tokens).float()
        probs = logits.softmax(-1)
        weight, expert = probs.topk(self.k, dim=-1)
        weight = weight / weight.sum(-1, keepdim=True)
        # fraction of tokens sent to each expert times its mean probability
        load = F.one_hot(expert, self.n).sum(1).float().mean(0) / self.k
        balance = self.n * (load * probs.mean(0)).sum()
        z = logits.logsumexp(-1).square().mean()
        return weight.to(tokens.dtype), expert, balance, z


class MoE(nn.Module):
    def __init__(self, dim, hidden, n_experts, k=2):
        super().__init__()
        self.router = TopKRouter(dim, n_experts, k)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, hidden), nn.SiLU(), nn.Linear(hidden, dim)) for _ in range(n_experts)
        )

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        weight, expert, balance, z = self.router(flat)
        out = torch.zeros_like(flat)
        for e, net in enumerate(self.experts):
            tok, slot = (expert == e).nonzero(as_tuple=True)
            if tok.numel():
                out.index_add_(0, tok, weight[tok, slot, None] * net(flat[tok]))
        return out.view_as(x), 0.01 * balance + 0.001 * z
