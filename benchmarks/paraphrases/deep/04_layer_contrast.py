import math

import torch


def divergence(log_a, log_b):
    """Mean over the vocabulary and the batch of m (log m - (log a + log b) / 2), m the average of a and b."""
    log_m = torch.logaddexp(log_a, log_b) - math.log(2.0)
    return (log_m.exp() * (log_m - 0.5 * (log_a + log_b))).mean(dim=-1).mean(dim=-1)


def farthest_layer(numbers, by_layer, log_last):
    if len(numbers) == 1:
        return numbers[0]
    return max(numbers, key=lambda n: divergence(log_last, by_layer[n].log_softmax(-1)).item())


def contrast_layers(numbers, by_layer, last, keep_ratio=0.1):
    """Difference of log-probabilities between the last and the most different early layer.

    Tokens that the last layer finds `keep_ratio` times less likely than its favourite are ruled out.
    """
    log_last = last.log_softmax(-1)
    log_early = by_layer[farthest_layer(numbers, by_layer, log_last)].log_softmax(-1)
    floor = log_last.amax(-1, keepdim=True) + math.log(keep_ratio)
    return (log_last - log_early).masked_fill(log_last < floor, -math.inf)
