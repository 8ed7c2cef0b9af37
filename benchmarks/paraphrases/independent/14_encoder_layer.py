import torch
import torch.nn as nn
import torch.nn.functional as F


class EncoderLayer(nn.Module):
    """Transformer encoder layer; `pre_norm` picks between the two usual residual arrangements."""

    def __init__(self, d_model=512, n_head=8, d_ff=2048, p=0.1, activation="relu", pre_norm=False):
        super().__init__()
        self.n_head = n_head
        self.d_k = d_model // n_head
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.ff1 = nn.Linear(d_model, d_ff)
        self.ff2 = nn.Linear(d_ff, d_model)
        self.norm_a = nn.LayerNorm(d_model)
        self.norm_f = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(p)
        self.act = getattr(F, activation)
        self.pre_norm = pre_norm

    def attend(self, x, pad_mask):
        b, t, d = x.shape

        def split(z):
            return z.reshape(b, t, self.n_head, self.d_k).transpose(1, 2)

        q, k, v = split(self.w_q(x)), split(self.w_k(x)), split(self.w_v(x))
        scores = torch.matmul(q, k.transpose(2, 3)) / self.d_k**0.5
        if pad_mask is not None:
            scores = scores.masked_fill(pad_mask[:, None, None], -1e9)
        ctx = torch.matmul(self.dropout(F.softmax(scores, dim=-1)), v)
        return self.w_o(ctx.transpose(1, 2).reshape(b, t, d))

    def feed(self, x):
        return self.ff2(self.dropout(self.act(self.ff1(x))))

    def forward(self, x, pad_mask=None):
        if self.pre_norm:
            x = x + self.dropout(self.attend(self.norm_a(x), pad_mask))
            return x + self.dropout(self.feed(self.norm_f(x)))
        x = self.norm_a(x + self.dropout(self.attend(x, pad_mask)))
        return self.norm_f(x + self.dropout(self.feed(x)))
