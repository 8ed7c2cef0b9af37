import torch
import torch.nn.functional as F


def closed(flags, dtype):
    """0 where open, -inf where closed."""
    return torch.zeros(flags.shape, dtype=dtype, device=flags.device).masked_fill(flags, float("-inf"))


def text_columns(n_prefix, n_text, n_past, among_text, dtype):
    # the prefix looks at no text; the text looks at the text as `among_text` says, and at all of the past
    if n_past:
        among_text = among_text.new_zeros(among_text.shape[0], among_text.shape[0] + n_past)
    return F.pad(among_text.to(dtype), (0, 0, n_prefix, 0), value=float("-inf"))


def prefix_columns(n_rows, prefix_padding, dtype):
    return closed(prefix_padding, dtype).unsqueeze(1).expand(-1, n_rows, -1)


def prefix_visibility(text, prefix, among_text, n_past=0, prefix_padding=None):
    """Additive mask (batch, 1, prefix + text, prefix + past + text) for image tokens put before a text."""
    if prefix_padding is None:
        prefix_padding = prefix.new_zeros(prefix.shape[:2], dtype=torch.bool)
    elif prefix_padding.dtype is not torch.bool:
        raise ValueError("the padding mask of the prefix has to be boolean")
    n_prefix, n_text = prefix.shape[1], text.shape[1]
    left = prefix_columns(n_prefix + n_text, prefix_padding, text.dtype)
    right = text_columns(n_prefix, n_text, n_past, among_text, text.dtype)
    return torch.cat([left, right.expand(len(left), -1, -1)], dim=-1).unsqueeze(1)
