"""Attention with content, distance and segment terms; batch and heads lead everywhere."""
import torch
import torch.nn.functional as F


def heads_first(t):
    # (time, batch, heads, width) -> (batch, heads, time, width)
    return t.permute(1, 2, 0, 3)


def align_distances(table, n_keys):
    """Entry (i, j) of the result is entry (i, j + rows - i) of the table."""
    rows = table.size(-2)
    i = torch.arange(rows, device=table.device).view(-1, 1)
    j = torch.arange(n_keys, device=table.device).view(1, -1)
    index = (j + rows - i).expand(*table.shape[:2], rows, n_keys)
    return table.gather(-1, index)


def segment_term(q, offset, segment_table, membership):
    # q . e_s for the two kinds of relation, then picked by the one-hot membership
    per_kind = (q + offset) @ segment_table.permute(1, 2, 0)
    chosen = membership.permute(2, 0, 1, 3)[:, None] * per_kind.unsqueeze(3)
    return chosen.sum(-1)


def blocked(scores, mask):
    big = 65500 if mask.dtype is torch.float16 else 1e30
    return scores.sub(big * mask.permute(2, 3, 0, 1))


def relative_attention(params, q, keys, values, distance_keys, membership=None, mask=None, head_gate=None,
                       dropout=0.0, training=False, with_weights=False):
    """params: dict with 'content', 'distance', 'segment' offsets (heads, width), 'segments' and 'scale'."""
    q = heads_first(q)
    content = (q + params["content"].unsqueeze(1)) @ heads_first(keys).mT
    distance = (q + params["distance"].unsqueeze(1)) @ heads_first(distance_keys).mT
    total = content + align_distances(distance, content.size(-1))
    if membership is not None:
        total = total + segment_term(q, params["segment"].unsqueeze(1), params["segments"], membership)
    total = total * params["scale"]
    if mask is not None:
        total = blocked(total, mask)

    weights = F.dropout(torch.softmax(total, -1), dropout, training)
    if head_gate is not None:
        weights = weights * head_gate.permute(2, 3, 0, 1)
    mixed = (weights @ heads_first(values)).permute(2, 0, 1, 3)
    return (mixed, weights.permute(2, 3, 0, 1)) if with_weights else mixed
