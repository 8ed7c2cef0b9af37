"""The part of NovaSight which turns ribbons of patches into features.

For the shapes see modeling_lumen_vl.py, they are the same on every tile.
"""

import logging
import math

import torch
from torch import nn
from torch.nn.functional import pad

from .compressor import plane_code

LOG = logging.getLogger("nova_sight.vision")


def describe(tensor, title="tensor"):
    # handy in a debugger
    LOG.debug("%s: shape %s, type %s", title, tuple(tensor.shape), tensor.dtype)
    return tensor


class VisionNet(nn.Module):
    report_every = 6

    def __init__(self, settings):
        super().__init__()
        self.stem = PatchStem(settings)
        count = settings.layers
        if settings.trim:
            count -= 1
        self.layers = nn.ModuleList(VisionLayer(settings, n) for n in range(count))
        self.settings = settings
        self.finish = nn.LayerNorm(settings.width, eps=settings.norm_floor)

    def forward(self, ribbons, shapes, real=None):
        state = self.stem(ribbons, shapes)
        total, n = 0.0, 0
        for number, layer in enumerate(self.layers, start=1):
            state = layer(state, real)
            if number % self.report_every and number != len(self.layers):
                continue
            total = total + self.finish(state)
            n += 1
        return total / n


class VisionLayer(nn.Module):
    """Attention and feed-forward part in one class."""

    def __init__(self, settings, number):
        super().__init__()
        width, floor = settings.width, settings.norm_floor
        hidden = int(width * settings.expansion)
        self.attend = CosineAttention(settings)
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm_a, self.norm_b = (nn.LayerNorm(width, eps=floor) for _ in range(2))
        start = settings.first_scale / (number / 6 + 1)
        self.scale_a = nn.Parameter(torch.full((width,), start))
        self.scale_b = nn.Parameter(torch.full((width,), start))

    def _feed(self, state):
        hidden = self.widen(state)
        return self.narrow(torch.sigmoid(hidden * 1.702).mul(hidden))

    def forward(self, state, real=None):
        attended = self.attend(self.norm_a(state), real) * self.scale_a
        state = state + attended
        return state + self._feed(self.norm_b(state)) * self.scale_b


class CosineAttention(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.heads = settings.heads
        self.head_width = settings.width // self.heads
        initial = math.log(10.0) * torch.ones(self.heads, 1, 1)
        self.heat = nn.Parameter(initial)
        self.enter = nn.Linear(settings.width, 3 * settings.width)
        self.leave = nn.Linear(settings.width, settings.width)

    def _unit(self, vectors):
        return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)

    def forward(self, state, real=None):
        n, count = state.shape[:2]
        q, k, v = (
            part.view(n, count, self.heads, self.head_width).transpose(1, 2)
            for part in self.enter(state).chunk(3, dim=-1)
        )
        heat = torch.exp(self.heat.clamp(max=math.log(80.0)))
        similarity = torch.matmul(self._unit(q), self._unit(k).mT) * heat
        if real is not None:
            lowest = torch.finfo(similarity.dtype).min
            similarity = torch.where(real.view(n, 1, 1, count), similarity, lowest)
        mixed = torch.matmul(torch.softmax(similarity, -1), v)
        return self.leave(mixed.permute(0, 2, 1, 3).flatten(2))


class PatchStem(nn.Module):
    def __init__(self, settings):
        super().__init__()
        p = settings.patch
        self.filters = nn.Conv2d(settings.planes, settings.width, p, p)
        self.strength = nn.Parameter(torch.full((), 0.6))
        self.register_buffer(
            "codes", torch.from_numpy(plane_code(settings.width, settings.side_in_patches)).float(), persistent=False
        )

    @staticmethod
    def _nearest(count, side):
        centres = torch.arange(count).add(0.5).mul(side).div(count)
        return centres.long().clamp(max=side - 1)

    def _codes_of(self, tall, wide):
        side = len(self.codes)
        r, c = self._nearest(tall, side), self._nearest(wide, side)
        return self.codes[r[:, None], c[None, :]].flatten(0, 1)

    def forward(self, ribbons, shapes):
        state = self.filters(ribbons).flatten(2).mT
        codes = state.new_zeros(state.shape)
        for target, (tall, wide) in zip(codes, shapes.tolist()):
            target[: tall * wide].copy_(self._codes_of(tall, wide))
        return torch.addcmul(state, codes, self.strength)


def stack_ribbons(ribbons, shapes):
    widths = [r.shape[-1] for r in ribbons]
    widest = max(widths)
    stacked = torch.stack([pad(r, (0, widest - w)) for r, w in zip(ribbons, widths)])
    used = shapes[:, 0] * shapes[:, 1]
    order = torch.arange(widest // stacked.shape[2], device=used.device)
    return stacked, order[None].lt(used[:, None])
