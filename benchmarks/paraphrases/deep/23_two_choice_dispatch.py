"""Assign every token to two experts of bounded size."""
import math
from dataclasses import dataclass
from typing import Optional

import torch


@dataclass
class Policy:
    experts: int
    capacity: Optional[int] = None
    second: str = "all"  # all | sampling | random
    normalise_first: bool = False
    by_confidence: bool = False
    keep_padding: bool = False
    eval_fraction: float = 1.0
    softmax_dtype: torch.dtype = torch.float32


def pick_two(scores, probs, second):
    """One-hot choices, (2, tokens, experts)."""
    first = probs.argmax(-1, keepdim=True)
    if second == "sampling":
        scores = scores - torch.empty_like(scores).exponential_().log()
    runner_up = scores.scatter(1, first, float("-inf")).argmax(-1, keepdim=True)
    chosen = torch.stack([first, runner_up])
    return torch.zeros(2, *probs.shape, dtype=torch.long, device=probs.device).scatter(2, chosen, 1)


def shares(probs, choices):
    p = torch.einsum("te,kte->kt", probs, choices.to(probs.dtype))
    return p / p.sum(0).clamp(min=torch.finfo(p.dtype).eps)


def real_tokens(padding, count):
    if padding.ndim == 4:
        padding = padding[:, :, -1].flatten()[-count:]
    return padding == 0


def queue_numbers(choices, priority=None):
    """Place in the queue of the chosen expert; all first choices stand before the second ones."""
    if priority is not None:
        choices = choices[:, priority]
    places = choices.flatten(0, 1).cumsum(0).view_as(choices) - 1
    if priority is not None:
        places = torch.empty_like(places).index_copy(1, priority, places)
    return places


def room(policy, tokens, training):
    if not training and policy.eval_fraction > 0:
        return math.ceil(policy.eval_fraction * tokens)
    return policy.capacity if policy.capacity is not None else 2 * math.ceil(tokens / policy.experts)


def dispatch(policy, scores, dtype=torch.float32, padding=None, training=False):
    """Returns the mask of the first choice, the combined gate of both, and the room of an expert."""
    probs = scores.softmax(-1, dtype=policy.softmax_dtype).to(dtype)
    choices = pick_two(scores, probs, policy.second)
    share = shares(probs, choices) if policy.normalise_first else None

    if policy.second == "random":
        p = (probs * choices[1]).sum(-1)
        choices = torch.stack([choices[0], choices[1] * (torch.rand_like(p.float()) < 2 * p)[:, None]])
    if padding is not None and not policy.keep_padding:
        choices = choices * real_tokens(padding, len(scores)).view(1, -1, 1)

    priority = probs.amax(-1).neg().argsort() if policy.by_confidence else None
    capacity = room(policy, len(scores), training)
    choices = choices * (queue_numbers(choices, priority) < capacity)

    if share is None:
        share = shares(probs, choices)
    return choices[0], torch.einsum("kt,kte->te", share, choices.to(share.dtype)), capacity
