import torch
from torch import nn


def round_channels(c, divisor=8):
    new = max(divisor, int(c + divisor / 2) // divisor * divisor)
    return new + divisor if new < 0.9 * c else new


class SqueezeExcite(nn.Module):
    """Hu et al., 2018."""

    def __init__(self, channels, reduction=0.25, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        mid = round_channels(channels * reduction)
        self.reduce = nn.Conv2d(channels, mid, 1)
        self.act = act(inplace=True)
        self.expand = nn.Conv2d(mid, channels, 1)
        self.gate = gate()

    def forward(self, x):
        s = x.mean((2, 3), keepdim=True)
        s = self.expand(self.act(self.reduce(s)))
        return x * self.gate(s)


class InvertedResidual(nn.Module):
    def __init__(self, c_in, c_out, stride=1, expand=4, se=0.25):
        super().__init__()
        mid = c_in * expand
        self.skip = stride == 1 and c_in == c_out
        self.layers = nn.Sequential(
            nn.Conv2d(c_in, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.SiLU(inplace=True),
            nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), nn.BatchNorm2d(mid), nn.SiLU(inplace=True),
            SqueezeExcite(mid, se / expand, act=nn.SiLU),
            nn.Conv2d(mid, c_out, 1, bias=False), nn.BatchNorm2d(c_out),
        )

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.skip else y
