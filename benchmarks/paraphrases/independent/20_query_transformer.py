import torch
from torch import nn


class QueryBlock(nn.Module):
    def __init__(self, dim, vis_dim, heads, cross):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.ln_self = nn.LayerNorm(dim)
        self.cross = None
        if cross:
            self.cross = nn.MultiheadAttention(dim, heads, kdim=vis_dim, vdim=vis_dim, batch_first=True)
            self.ln_cross = nn.LayerNorm(dim)
        self.mlp_query = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.mlp_text = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.ln_mlp = nn.LayerNorm(dim)

    def forward(self, x, n_query, image, pad=None):
        x = self.ln_self(x + self.self_attn(x, x, x, key_padding_mask=pad, need_weights=False)[0])
        queries, text = x[:, :n_query], x[:, n_query:]
        if self.cross is not None:
            queries = self.ln_cross(queries + self.cross(queries, image, image, need_weights=False)[0])
        queries = self.ln_mlp(queries + self.mlp_query(queries))
        if text.size(1):
            text = self.ln_mlp(text + self.mlp_text(text))
        return torch.cat([queries, text], dim=1)


class QueryBridge(nn.Module):
    """Learned queries between a frozen vision tower and a language model (BLIP-2 style)."""

    def __init__(self, num_queries=32, dim=768, vis_dim=1408, depth=12, heads=12, cross_every=2, llm_dim=4096):
        super().__init__()
        self.queries = nn.Parameter(torch.zeros(1, num_queries, dim).normal_(std=0.02))
        self.ln_in = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList(
            QueryBlock(dim, vis_dim, heads, cross=i % cross_every == 0) for i in range(depth)
        )
        self.to_llm = nn.Linear(dim, llm_dim)

    def forward(self, image, text=None, text_pad=None):
        n = self.queries.size(1)
        x = self.queries.repeat(image.size(0), 1, 1)
        pad = None
        if text is not None:
            x = torch.cat([x, text], dim=1)
            if text_pad is not None:
                pad = torch.cat([text_pad.new_zeros(len(text_pad), n), text_pad], dim=1)
        x = self.ln_in(x)
        for block in self.blocks:
            x = block(x, n, image, pad)
        return self.to_llm(x[:, :n])
