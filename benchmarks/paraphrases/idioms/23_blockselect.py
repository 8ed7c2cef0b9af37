import torch

BONUS = 5000.0


def choose_blocks(coarse, keep, mode, always_first, always_near):
    """Pick the `keep` most promising blocks of a coarse score map (n, m, m), favouring the border and the diagonal."""
    if mode not in ("full", "sparse"):
        raise ValueError("unknown approximation mode: " + str(mode))

    m = coarse.size(1)
    pos = torch.arange(m, device=coarse.device)

    if always_near > 0:
        distance = (pos[:, None] - pos[None]).abs()
        coarse = coarse + BONUS * (distance <= always_near // 2).to(coarse.dtype)

    if always_first > 0:
        # rows and columns each give a bonus, the corner is favoured twice
        coarse[:, :always_first].add_(BONUS)
        coarse[..., :always_first].add_(BONUS)

    values, chosen = coarse.flatten(1).topk(keep, sorted=False)
    if mode == "sparse":
        return chosen, None

    weakest = values.amin(1).view(-1, 1, 1)
    return chosen, coarse.ge(weakest).float()
