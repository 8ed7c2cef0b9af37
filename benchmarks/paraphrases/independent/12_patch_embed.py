import torch
from torch import nn
import torch.nn.functional as F


class PatchEmbed(nn.Module):
    """Image to token sequence, with class token and learned, resizable positions."""

    def __init__(self, img_size=224, patch=16, channels=3, width=768):
        super().__init__()
        self.patch = patch
        self.grid = img_size // patch
        self.proj = nn.Conv2d(channels, width, patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.pos = nn.Parameter(torch.randn(1, self.grid**2 + 1, width) * 0.02)

    def positions(self, h, w):
        if h == self.grid and w == self.grid:
            return self.pos
        cls_pos, grid_pos = self.pos[:, :1], self.pos[:, 1:]
        grid_pos = grid_pos.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        grid_pos = F.interpolate(grid_pos, size=(h, w), mode="bicubic", align_corners=False)
        return torch.cat([cls_pos, grid_pos.flatten(2).transpose(1, 2)], dim=1)

    def forward(self, img):
        _, _, H, W = img.shape
        pad = (-W % self.patch, -H % self.patch)
        if any(pad):
            img = F.pad(img, (0, pad[0], 0, pad[1]))
        x = self.proj(img)
        h, w = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1)
        return x + self.positions(h, w)
