"""Verification of drafted tokens by the large network; batch of one."""
import torch


def accepted_prefix(p_large, p_small, drafted):
    picked_large = p_large[: len(drafted)].gather(1, drafted[:, None]).flatten()
    picked_small = p_small[: len(drafted)].gather(1, drafted[:, None]).flatten()
    u = torch.rand_like(picked_large)
    # u <= large / small, multiplied out
    ok = (u * picked_small <= picked_large).long()
    return ok.cumprod(0).sum()


def draw_replacement(p_large, p_small, at):
    target = p_large[at]
    if at < p_small.shape[0]:
        excess = (target - p_small[at]).relu()
        target = excess / excess.sum()
    return target.multinomial(1)


def verify_draft(sequence, draft_scores, n_draft, large_scores, draft_finished):
    drafted = sequence[0, sequence.shape[1] - n_draft :]
    p_small = torch.softmax(draft_scores[0], -1)
    p_large = torch.softmax(large_scores[0], -1)
    good = accepted_prefix(p_large, p_small, drafted)

    if draft_finished and good == n_draft:
        # the draft is over and accepted as a whole: nothing follows, its last token counts as the extra one
        return drafted[None, :good], good - 1

    extra = draw_replacement(p_large, p_small, int(good))
    return torch.cat([drafted[:good], extra]).unsqueeze(0), good
