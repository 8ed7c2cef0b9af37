import torch

LCG_A = 6364136223846793005
LCG_C = 1


def _to_int64(n):
    n &= (1 << 64) - 1
    return n - (1 << 64) if n >= 1 << 63 else n


def polynomial_hash(ids, width):
    """Hash of every window of `width` ids: the unrolled congruential generator, started at one.

    With a = multiplier: a^w + sum_t a^(w-t) x_t + c (1 + a + ... + a^(w-1)), modulo 2^64.
    """
    powers = [pow(LCG_A, e, 1 << 64) for e in range(width + 1)]
    constant = _to_int64(powers[width] + LCG_C * sum(powers[:width]))
    count = ids.shape[1] - width + 1
    total = torch.full((ids.shape[0], count), constant, dtype=torch.long, device=ids.device)
    for t in range(width):
        total += ids[:, t : t + count] * _to_int64(powers[width - t])
    return total


def fresh_windows(ids, order, memory):
    """True where the preceding (order - 1) ids did not occur among the last `memory` windows."""
    code = polynomial_hash(ids[:, :-1], order - 1)
    n = code.shape[1]
    here = torch.arange(n, device=ids.device)
    lag = here.unsqueeze(1) - here.unsqueeze(0)
    recent = (lag >= 1) & (lag <= memory)
    equal = code.unsqueeze(2) == code.unsqueeze(1)
    seen = (equal & recent).any(-1)
    # the memory starts out filled with zeros
    seen |= (code == 0) & (here < memory)
    return ~seen
