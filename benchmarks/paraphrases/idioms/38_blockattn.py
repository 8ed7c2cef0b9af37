import torch
import torch.nn.functional as F


def attend_within_blocks(summary_kv, local_qkv, mask, n_blocks, p_drop=0.0, training=False):
    """
    Every token of a block sees the tokens of this block plus the (few) summary tokens.

    Keys and values of the summary tokens are (n, h, g, d), those of the local ones (n, h, t, d) where t is a multiple of
    `n_blocks`; the additive mask is (n, t).
    """
    g_keys, g_values = summary_kv
    n, h, g, d = g_keys.shape

    q, k, v = (x.unflatten(2, (n_blocks, -1)) for x in local_qkv)

    # put copies of the summary tokens in front of each block
    repeat = (n, h, n_blocks, g, d)
    k = torch.cat([g_keys.unsqueeze(2).expand(repeat), k], dim=3)
    v = torch.cat([g_values.unsqueeze(2).expand(repeat), v], dim=3)

    blocked_mask = mask.unflatten(1, (n_blocks, -1))
    # the summary is never hidden
    blocked_mask = torch.cat([blocked_mask.new_zeros(n, n_blocks, g), blocked_mask], dim=2)

    energy = torch.matmul(q, k.transpose(3, 4)) + blocked_mask.unsqueeze(1).unsqueeze(3)
    weights = F.dropout(energy.softmax(-1), p_drop, training)
    return weights.matmul(v), weights
