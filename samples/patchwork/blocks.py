"""Layers of the eyes, of the condenser and of the storyteller."""

import math

import numpy
import torch
import torch.nn.functional as F
from torch import nn


# the eyes


class Glance(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.gazes, self.forget = settings.gazes, settings.forget
        self.each = settings.span // settings.gazes
        self.out = nn.Linear(settings.span, settings.span)
        self.qkv = nn.Linear(settings.span, settings.span * 3, bias=settings.lean)

    def forward(self, seen, hide=None):
        sheets, places, span = seen.size()
        three = self.qkv(seen).view(sheets, places, 3, self.gazes, self.each)
        asked, offered, carried = three.permute(2, 0, 3, 1, 4)
        rate = 0.0
        if self.training:
            rate = self.forget
        answer = F.scaled_dot_product_attention(asked, offered, carried, attn_mask=hide, dropout_p=rate)
        answer = answer.transpose(1, 2)
        return self.out(answer.reshape(sheets, places, span))


class Gain(nn.Module):
    def __init__(self, span, first):
        super().__init__()
        self.gain = nn.Parameter(first * torch.ones(span))

    def forward(self, seen):
        return self.gain * seen


class Swell(nn.Module):
    def __init__(self, settings):
        super().__init__()
        inner = int(settings.swell * settings.span)
        self.shrink = nn.Linear(inner, settings.span)
        self.expand = nn.Linear(settings.span, inner)
        self.forget = nn.Dropout(settings.forget)

    def forward(self, seen):
        wide = F.gelu(self.expand(seen))
        return self.shrink(self.forget(wide))


class EyeStorey(nn.Module):
    def __init__(self, settings, skip):
        super().__init__()
        self.ffn, self.attn = Swell(settings), Glance(settings)
        self.ffn_scale = Gain(settings.span, settings.first_gain)
        self.attn_scale = Gain(settings.span, settings.first_gain)
        self.ffn_norm = nn.LayerNorm(settings.span, eps=settings.floor)
        self.attn_norm = nn.LayerNorm(settings.span, eps=settings.floor)
        self.skip = skip

    def sometimes(self, branch):
        if self.training and self.skip != 0.0:
            stay = 1.0 - self.skip
            coins = branch.new_empty((branch.size(0),) + (1,) * (branch.dim() - 1)).bernoulli_(stay)
            branch = branch * coins / stay
        return branch

    def forward(self, seen, hide=None):
        looked = self.attn(self.attn_norm(seen), hide)
        seen = seen + self.sometimes(self.attn_scale(looked))
        return seen + self.sometimes(self.ffn_scale(self.ffn(self.ffn_norm(seen))))


# the condenser


def wave_codes(size, places):
    """Sines, then cosines, of the places along one axis."""
    speeds = numpy.arange(size // 2, dtype=numpy.float32) / (size / 2.0)
    speeds = 1.0 / 7500.0**speeds
    turns = numpy.einsum("hw,d->hwd", places, speeds)
    return numpy.concatenate((numpy.sin(turns), numpy.cos(turns)), axis=-1)


def wave_sheet(size, tall, wide):
    xs, ys = numpy.meshgrid(numpy.arange(wide, dtype=numpy.float32), numpy.arange(tall, dtype=numpy.float32))
    half = size // 2
    return numpy.concatenate([wave_codes(half, places) for places in (ys, xs)], axis=-1)


class Condenser(nn.Module):
    def __init__(self, digests, size, gazes, given=None, bend=True, room=(32, 32)):
        super().__init__()
        self.digests, self.size, self.gazes, self.bend, self.room = digests, size, gazes, bend, room
        self.look = nn.MultiheadAttention(size, gazes)
        self.entry = nn.Identity() if given in (None, size) else nn.Linear(given, size, bias=False)
        self.calm_ask = nn.LayerNorm(size, eps=1e-6)
        self.calm_seen = nn.LayerNorm(size, eps=1e-6)
        self.calm_end = nn.LayerNorm(size, eps=1e-6)
        self.mixing = nn.Parameter(torch.randn(size, size) * size**-0.5)
        self.ajar = nn.Parameter(0.25 * torch.ones(1))
        self.asks = nn.Parameter(torch.zeros(digests, size))
        self.draw_sheet("cpu")
        self.apply(self.begin)
        nn.init.trunc_normal_(self.asks, std=0.017)

    def draw_sheet(self, device):
        codes = torch.from_numpy(wave_sheet(self.size, *self.room))
        self.register_buffer("sheet", codes.float().to(device), persistent=False)

    @staticmethod
    def begin(part):
        if isinstance(part, nn.LayerNorm):
            nn.init.constant_(part.weight, 1.0)
            nn.init.constant_(part.bias, 0)
        elif isinstance(part, nn.Linear):
            if part.bias is not None:
                nn.init.constant_(part.bias, 0)
            nn.init.trunc_normal_(part.weight, std=0.017)

    def make_room(self, shapes, device):
        tall, wide = int(shapes[:, 0].max()), int(shapes[:, 1].max())
        if tall <= self.room[0] and wide <= self.room[1]:
            return
        self.room = (max(math.ceil(1.25 * tall), self.room[0]), max(math.ceil(1.25 * wide), self.room[1]))
        self.draw_sheet(device)

    def codes_of(self, tall, wide):
        if self.bend:
            side = max(tall, wide)
            part = self.sheet[:side, :side].permute(2, 0, 1)[None]
            if tall != wide:
                part = F.interpolate(part, (tall, wide), mode="bicubic", align_corners=False)
            return part[0].flatten(1).t()
        return self.sheet[:tall, :wide].reshape(tall * wide, -1)

    def forward(self, seen, shapes):
        sheets, device = seen.size(0), seen.device
        self.make_room(shapes, device)
        lengths = shapes[:, 0] * shapes[:, 1]
        longest = int(lengths.max())
        codes = [self.codes_of(tall, wide).to(seen.dtype) for tall, wide in shapes.tolist()]
        codes = nn.utils.rnn.pad_sequence(codes)
        empty = torch.zeros((sheets, longest), dtype=torch.bool, device=device)
        for row, length in enumerate(lengths):
            empty[row, length:] = True

        told = self.calm_seen(self.entry(seen[:, :longest])).transpose(0, 1)
        asks = self.calm_ask(self.asks)
        many = asks.unsqueeze(1).expand(-1, sheets, -1)
        heard = self.look(many, told + codes, told, need_weights=False, key_padding_mask=empty)[0].transpose(0, 1)
        heard = asks[None] * self.ajar.tanh() + heard
        return torch.matmul(self.calm_end(heard), self.mixing)


class Bottleneck(nn.Module):
    """Starts as a plain wire."""

    def __init__(self, size, times=3):
        super().__init__()
        self.outward = nn.Linear(size // times, size)
        self.inward = nn.Linear(size, size // times)
        for weights in self.outward.parameters():
            nn.init.zeros_(weights)

    def forward(self, heard):
        return self.outward(F.silu(self.inward(heard))) + heard


# the storyteller


class Level(nn.Module):
    def __init__(self, breadth, floor):
        super().__init__()
        self.floor = floor
        self.height = nn.Parameter(torch.ones(breadth))

    def forward(self, told):
        exact = told.float()
        energy = exact.pow(2).mean(dim=-1, keepdim=True)
        return self.height * (torch.rsqrt(energy + self.floor) * exact).to(told.dtype)


class Compass(nn.Module):
    """Angles of positions, and the turning of neighbouring channels by them."""

    def __init__(self, each, base):
        super().__init__()
        share = torch.arange(0, each, 2, dtype=torch.float32) / each
        self.register_buffer("pace", torch.pow(base, -share), persistent=False)

    def forward(self, places):
        bearing = self.pace * places.float()[..., None]
        return bearing.cos().unsqueeze(1), bearing.sin().unsqueeze(1)


def turned(told, along, aside):
    pairs = told.float().unflatten(-1, (-1, 2))
    one, two = pairs.unbind(-1)
    east = one * along - two * aside
    north = two * along + one * aside
    return torch.stack((east, north), dim=-1).flatten(-2).to(told.dtype)


class Shelf:
    """What has been said, kept for the next word."""

    def __init__(self, settings, sheets, places, like):
        each = settings.breadth // settings.ears
        extent = (settings.storeys, sheets, settings.shared_ears, places, each)
        self.offers, self.goods = like.new_zeros(extent), like.new_zeros(extent)
        self.used = 0

    def put(self, storey, offers, goods):
        until = self.used + offers.size(2)
        kept = []
        for store, fresh in ((self.offers, offers), (self.goods, goods)):
            store[storey, :, :, self.used : until] = fresh
            kept.append(store[storey, :, :, :until])
        return tuple(kept)


class Listening(nn.Module):
    def __init__(self, settings, storey):
        super().__init__()
        self.storey = storey
        self.settings = settings
        shared = settings.ear_span * settings.shared_ears
        self.ask = nn.Linear(settings.breadth, settings.breadth, bias=False)
        self.offer = nn.Linear(settings.breadth, shared, bias=False)
        self.bring = nn.Linear(settings.breadth, shared, bias=False)
        self.leave = nn.Linear(settings.breadth, settings.breadth, bias=False)

    def forward(self, told, bearing, hide, shelf=None):
        def by_ear(values):
            return values.unflatten(-1, (-1, self.settings.ear_span)).transpose(1, 2)

        asked = turned(by_ear(self.ask(told)), *bearing)
        offered = turned(by_ear(self.offer(told)), *bearing)
        brought = by_ear(self.bring(told))
        if shelf is not None:
            offered, brought = shelf.put(self.storey, offered, brought)
        crowd = self.settings.ears // self.settings.shared_ears
        offered = offered.repeat_interleave(crowd, dim=1)
        brought = brought.repeat_interleave(crowd, dim=1)
        heard = F.scaled_dot_product_attention(asked, offered, brought, attn_mask=hide)
        return self.leave(heard.transpose(1, 2).flatten(-2))


class Storey(nn.Module):
    def __init__(self, settings, number):
        super().__init__()
        self.listen = Listening(settings, number)
        self.calm_listen = Level(settings.breadth, settings.floor)
        self.calm_think = Level(settings.breadth, settings.floor)
        self.valve = nn.Linear(settings.breadth, settings.rise, bias=False)
        self.climb = nn.Linear(settings.breadth, settings.rise, bias=False)
        self.descend = nn.Linear(settings.rise, settings.breadth, bias=False)

    def forward(self, told, bearing, hide, shelf):
        told = told + self.listen(self.calm_listen(told), bearing, hide, shelf)
        calm = self.calm_think(told)
        return told + self.descend(self.climb(calm) * F.silu(self.valve(calm)))
