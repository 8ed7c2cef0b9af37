"""Gated feed-forward layers from 'GLU variants improve Transformer' (Shazeer, 2020)."""
from functools import partial

import torch
from torch import nn
import torch.nn.functional as F

GATES = {
    "glu": torch.sigmoid,
    "swiglu": F.silu,
    "geglu": partial(F.gelu, approximate="tanh"),
    "reglu": F.relu,
    "bilinear": lambda x: x,
}


def hidden_size(dim, expansion=4, multiple_of=256):
    # a gated layer has three matrices, so two thirds of the width keep the parameter count
    raw = int(2 * expansion * dim / 3)
    return multiple_of * -(-raw // multiple_of)


class GatedMLP(nn.Module):
    def __init__(self, dim, hidden=None, gate="swiglu", bias=False, dropout=0.0):
        super().__init__()
        hidden = hidden or hidden_size(dim)
        self.fc_in = nn.Linear(dim, 2 * hidden, bias=bias)
        self.fc_out = nn.Linear(hidden, dim, bias=bias)
        self.gate = GATES[gate]
        self.dropout = dropout

    def forward(self, x):
        a, b = self.fc_in(x).chunk(2, dim=-1)
        h = self.gate(a) * b
        h = F.dropout(h, self.dropout, self.training)
        return self.fc_out(h)
