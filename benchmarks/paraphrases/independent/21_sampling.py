import torch
import torch.nn.functional as F


@torch.no_grad()
def sample_next(logits, temperature=1.0, top_k=None, top_p=None, repetition_penalty=1.0, history=None, generator=None):
    """Draw one token per row of `logits` (batch, vocab)."""
    if repetition_penalty != 1.0 and history is not None:
        seen = logits.gather(1, history)
        seen = torch.where(seen > 0, seen / repetition_penalty, seen * repetition_penalty)
        logits = logits.scatter(1, history, seen)

    if temperature == 0:
        return logits.argmax(dim=-1, keepdim=True)
    logits = logits / temperature

    if top_k:
        k = min(top_k, logits.size(-1))
        kth = torch.topk(logits, k).values[:, -1:]
        logits = torch.where(logits < kth, torch.full_like(logits, -float("inf")), logits)

    if top_p is not None and top_p < 1.0:
        ordered, order = logits.sort(dim=-1, descending=True)
        probs = ordered.softmax(-1)
        # mass that lies strictly before a token; the first token always has none
        before = probs.cumsum(-1) - probs
        drop = before > top_p
        logits = logits.masked_fill(drop.scatter(1, order, drop), -float("inf"))

    return torch.multinomial(F.softmax(logits, dim=-1), 1, generator=generator)
