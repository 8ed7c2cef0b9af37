import math

import numpy as np
import torch
from torch import nn


def sinusoid_table(length, width):
    """The fixed position code of Vaswani et al.: even columns sine, odd columns cosine."""
    pos = np.arange(length)[:, None]
    col = np.arange(width)[None, :]
    angle = pos / np.power(10000, 2 * (col // 2) / width)
    angle[:, 0::2] = np.sin(angle[:, 0::2])
    angle[:, 1::2] = np.cos(angle[:, 1::2])
    return torch.from_numpy(angle).float()


class PositionalEncoding(nn.Module):
    def __init__(self, width, max_len=5000, dropout=0.1):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        pe = torch.zeros(max_len, width)
        position = torch.arange(max_len).unsqueeze(1).float()
        div = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
        pe[:, 0::2] = torch.sin(position * div)
        pe[:, 1::2] = torch.cos(position * div)[:, : width // 2]
        self.register_buffer("pe", pe[None])

    def forward(self, x):
        return self.drop(x + self.pe[:, : x.size(1)])
