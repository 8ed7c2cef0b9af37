from dataclasses import dataclass, field
from typing import List

import torch


@dataclass(order=True)
class Hypothesis:
    score: float
    tokens: List[int] = field(compare=False)


class BeamState:
    """Beams of one sentence."""

    def __init__(self, width, bos, eos, alpha=0.6):
        self.width, self.eos, self.alpha = width, eos, alpha
        self.tokens = torch.full((1, 1), bos, dtype=torch.long)
        self.scores = torch.zeros(1)
        self.finished: List[Hypothesis] = []

    def length_penalty(self, n):
        return ((5 + n) / 6) ** self.alpha

    def step(self, log_probs):
        """log_probs: (live beams, vocab). Returns the parents of the new beams."""
        vocab = log_probs.size(1)
        total = (self.scores[:, None] + log_probs).flatten()
        best, flat = total.topk(min(2 * self.width, total.numel()))
        keep_parent, keep_token, keep_score = [], [], []
        for score, index in zip(best.tolist(), flat.tolist()):
            parent, token = divmod(index, vocab)
            if token == self.eos:
                seq = self.tokens[parent].tolist() + [token]
                self.finished.append(Hypothesis(score / self.length_penalty(len(seq)), seq))
                continue
            keep_parent.append(parent)
            keep_token.append(token)
            keep_score.append(score)
            if len(keep_parent) == self.width:
                break
        parents = torch.tensor(keep_parent)
        self.tokens = torch.cat([self.tokens[parents], torch.tensor(keep_token)[:, None]], dim=1)
        self.scores = torch.tensor(keep_score)
        self.finished = sorted(self.finished, reverse=True)[: self.width]
        return parents

    def done(self):
        if len(self.finished) < self.width:
            return False
        optimistic = self.scores.max().item() / self.length_penalty(self.tokens.size(1))
        return self.finished[-1].score >= optimistic
