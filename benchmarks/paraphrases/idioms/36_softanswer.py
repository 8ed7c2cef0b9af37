import torch
from torch.distributions import RelaxedBernoulli, RelaxedOneHotCategorical

TINY = 1e-10


def soft_answer(selection, numbers, repeats, mask, op_logits, opts):
    """Differentiable result of 'aggregate the selected cells', averaged over sum, mean and count."""
    # the first entry stands for `no aggregation`
    ops = op_logits[:, 1:]
    if not opts.sample_ops:
        op_probs = (ops / opts.op_temperature).softmax(-1)
    else:
        op_probs = RelaxedOneHotCategorical(opts.op_temperature, logits=ops).sample()

    p = selection.probs
    if opts.sample_cells:
        t = opts.temperature
        p = RelaxedBernoulli(t, logits=t * selection.logits).sample()
    # a cell that spans several tokens must count only once
    p = p * mask / repeats

    # cells without a number contribute nothing
    weighted = p * numbers.masked_fill(numbers.isnan(), 0.0)
    counted, summed = p.sum(1), weighted.sum(1)

    approximation = opts.mean_approximation
    if approximation == "ratio":
        mean = summed / (counted + TINY)
    elif approximation in ("first_order", "second_order"):
        # expected number of selected cells, given that this one is
        others = counted.unsqueeze(1) - p + 1
        correction = 1.0
        if approximation == "second_order":
            spread = p - p.square()
            correction = 1 + (spread.sum(1, keepdim=True) - spread) / others**2
        mean = (weighted * correction / others).sum(dim=1)
    else:
        raise ValueError("unknown way to approximate the mean: {}".format(approximation))

    return torch.einsum("kn,nk->n", torch.stack((summed, mean, counted)), op_probs)
