from itertools import chain

import torch


def shuffled_by_length(sizes, per_batch, pool_factor=None, rng=None):
    """
    Random order of the samples in which neighbours have similar sizes: shuffle, cut into pools of several batches, sort
    each of them (longest first). The longest sample overall comes first, so that running out of memory shows early.
    """
    total = len(sizes)
    if pool_factor is None:
        pool_factor = max(1, min(50, total // (4 * per_batch)))

    # torch's generator, since samplers in distributed runs seed that one
    shuffled = torch.randperm(total, generator=rng)

    pools = []
    for part in shuffled.split(pool_factor * per_batch):
        pool = part.tolist()
        pool.sort(key=sizes.__getitem__, reverse=True)
        pools.append(pool)

    heads = torch.tensor([sizes[p[0]] for p in pools])
    winner = int(heads.argmax())
    first, best = pools[0], pools[winner]
    first[0], best[0] = best[0], first[0]

    return list(chain.from_iterable(pools))
