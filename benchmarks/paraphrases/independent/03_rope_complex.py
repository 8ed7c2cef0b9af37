"""Rotary embedding, interleaved pairs, in complex arithmetic."""
import torch


def build_rotation_table(head_dim: int, max_len: int, base: float = 10000.0, device=None) -> torch.Tensor:
    if head_dim % 2:
        raise ValueError("rotary embedding needs an even head size")
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim
    theta = base ** -exponents
    pos = torch.arange(max_len, dtype=torch.float32, device=device)
    angles = pos[:, None] * theta[None, :]
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: torch.Tensor, table: torch.Tensor, start: int = 0) -> torch.Tensor:
    """x: (batch, time, heads, head_dim)."""
    b, t, h, d = x.shape
    rot = table[start : start + t].view(1, t, 1, d // 2)
    as_complex = torch.view_as_complex(x.float().contiguous().view(b, t, h, d // 2, 2))
    out = torch.view_as_real(as_complex * rot).reshape(b, t, h, d)
    return out.to(x.dtype)


def rotate_queries_and_keys(q, k, table, start=0):
    return rotate(q, table, start), rotate(k, table, start)
