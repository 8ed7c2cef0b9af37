"""Tessera: eyes, condenser, storyteller."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from blocks import Bottleneck, Compass, Condenser, EyeStorey, Level, Storey
from configuration_tessera import EyeSettings, TesseraSettings

SILENT = -100


class Stamps(nn.Module):
    def __init__(self, settings: EyeSettings):
        super().__init__()
        self.stamp = settings.stamp
        self.per_side = settings.picture // settings.stamp
        self.proj = nn.Conv2d(settings.bands, settings.span, settings.stamp, stride=settings.stamp)
        self.pos_embed = nn.Parameter(torch.zeros(1, self.per_side * self.per_side, settings.span))

    def places(self, rows, columns):
        n = self.per_side
        if (rows, columns) != (n, n):
            square = self.pos_embed.view(1, n, n, -1).permute(0, 3, 1, 2).float()
            bent = F.interpolate(square, (rows, columns), mode="bicubic", align_corners=False, antialias=True)
            bent = bent.permute(0, 2, 3, 1)
            return bent.reshape(1, columns * rows, -1).to(self.pos_embed.dtype)
        return self.pos_embed

    def forward(self, pixels):
        tall, wide = pixels.shape[-2], pixels.shape[-1]
        if wide % self.stamp != 0 or tall % self.stamp != 0:
            raise ValueError("image of {}x{} does not divide into patches of {}".format(tall, wide, self.stamp))
        drawn = self.proj(pixels)
        rows, columns = drawn.shape[-2], drawn.shape[-1]
        return drawn.flatten(2).transpose(1, 2) + self.places(rows, columns), (rows, columns)


class Eyes(nn.Module):
    def __init__(self, settings: EyeSettings):
        super().__init__()
        self.settings = settings
        self.patch_embed = Stamps(settings)
        self.registers = nn.Parameter(torch.zeros(1, settings.notes, settings.span))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, settings.span))
        skips = torch.linspace(0.0, settings.skip_most, settings.storeys)
        self.blocks = nn.ModuleList([EyeStorey(settings, skip) for skip in skips.tolist()])
        self.final_norm = nn.LayerNorm(settings.span, eps=settings.floor)
        self.wake()

    def wake(self):
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                inputs = part.kernel_size[0] * part.kernel_size[1] * part.in_channels
                nn.init.zeros_(part.bias)
                nn.init.trunc_normal_(part.weight, std=math.sqrt(1.0 / inputs))
                continue
            if not isinstance(part, nn.Linear):
                continue
            nn.init.trunc_normal_(part.weight, std=self.settings.spread)
            if part.bias is None:
                continue
            nn.init.zeros_(part.bias)
        nn.init.trunc_normal_(self.patch_embed.pos_embed, std=self.settings.spread)
        for tokens in (self.cls_token, self.registers):
            nn.init.normal_(tokens, std=1e-6)

    def gathered(self, tokens):
        way, leading = self.settings.gather, self.settings.leading
        if way == "registers":
            return tokens[:, 1:leading].mean(dim=1)
        return tokens[:, 0] if way == "cls" else tokens[:, leading:].mean(dim=1)

    def as_picture(self, tokens, grid):
        """(sheets, span, rows, columns) without what leads."""
        rows, columns = grid
        stamps = tokens[:, self.settings.leading :].transpose(1, 2)
        return stamps.reshape(tokens.shape[0], -1, rows, columns)

    def forward(self, pixels, keep_all=False):
        stamps, grid = self.patch_embed(pixels)
        leading = [part.expand(stamps.size(0), -1, -1) for part in (self.cls_token, self.registers)]
        seen = torch.cat((*leading, stamps), dim=1)
        kept = [seen]
        for storey in self.blocks:
            seen = storey(seen)
            kept.append(seen)
        seen = self.final_norm(seen)
        return {"tokens": seen, "gathered": self.gathered(seen), "grid": grid, "all": tuple(kept) if keep_all else None}


def speeds_by_depth(eyes, fastest, falloff=0.75, pull=0.05):
    """Parameter groups: what lies early in the eyes moves slowly."""
    storeys = len(eyes.blocks)

    def height(name):
        if name.startswith("final_norm"):
            return storeys + 1
        return int(name.split(".")[1]) + 1 if name.startswith("blocks.") else 0

    collected = {}
    for name, values in eyes.named_parameters():
        if values.requires_grad:
            pulled = not name.endswith(("pos_embed", "cls_token", "registers")) and values.ndim >= 2
            level = height(name)
            if (level, pulled) not in collected:
                speed = fastest * falloff ** (storeys + 1 - level)
                collected[level, pulled] = {"params": [], "lr": speed, "weight_decay": pull if pulled else 0.0}
            collected[level, pulled]["params"].append(values)
    return [*collected.values()]


class Storyteller(nn.Module):
    def __init__(self, settings: TesseraSettings):
        super().__init__()
        self.lexicon = nn.Embedding(settings.words, settings.breadth)
        self.compass = Compass(settings.ear_span, settings.wave_base)
        self.storeys = nn.ModuleList([Storey(settings, n) for n in range(settings.storeys)])
        self.calm_end = Level(settings.breadth, settings.floor)

    def hidden_from(self, present, fresh):
        """True where the last so many places may look: back, at what is there, and always at themselves."""
        everything = present.size(1)
        key = torch.arange(everything, device=present.device)
        asking = key[everything - fresh :].unsqueeze(1)
        itself = asking == key.unsqueeze(0)
        back = (asking >= key.unsqueeze(0)) & present.unsqueeze(1)
        return (itself | back)[:, None]

    def forward(self, told, present, shelf=None):
        fresh = told.size(1)
        places = present.long().cumsum(1).sub(1).clamp_min(0)
        bearing = self.compass(places[:, -fresh:])
        allowed = self.hidden_from(present, fresh)
        for storey in self.storeys:
            told = storey(told, bearing, allowed, shelf)
        if shelf is not None:
            shelf.used = shelf.used + fresh
        return self.calm_end(told)


class Tessera(nn.Module):
    def __init__(self, settings: TesseraSettings):
        super().__init__()
        self.settings = settings
        self.encoder = Eyes(settings.eyes)
        self.condenser = Condenser(settings.digests, settings.breadth, settings.ears, settings.eyes.span)
        self.bottleneck = Bottleneck(settings.breadth)
        self.teller = Storyteller(settings)
        self.apply(self.quieten)

    @staticmethod
    def quieten(part):
        if isinstance(part, (nn.Linear, nn.Embedding)):
            nn.init.normal_(part.weight, std=0.011 if isinstance(part, nn.Embedding) else 0.013)

    def woven(self, ids, digests, spans):
        """Words of the samples, with the digests of their own pictures laid over the places kept for them."""
        told = self.teller.lexicon(ids) * math.sqrt(self.settings.breadth) / 12.0
        for row, mine in enumerate(digests):
            if len(mine) == 0:
                if self.training:
                    told[row] = told[row] + self.condenser.asks.mean() * 0.0
            elif len(spans[row]) > 0:
                where = [torch.arange(first, end, device=told.device) for first, end in spans[row].tolist()]
                where = torch.cat(where)
                flat = mine.flatten(0, -2)[: where.numel()]
                told[row] = told[row].scatter(0, where[:, None].expand_as(flat), flat.to(told.dtype))
        return told

    def penalty(self, scores, wanted):
        scores, wanted = scores[:, :-1].float(), wanted[:, 1:]
        counted = wanted != SILENT
        each = F.cross_entropy(scores.mT, wanted, ignore_index=SILENT, reduction="none")
        loudness = scores.logsumexp(dim=-1)
        each = each + counted * self.settings.calm * loudness.square()
        many = counted.sum(1).clamp(min=1)
        trust = many.float().sqrt()
        return (trust * (each.sum(1) / many)).sum() / trust.sum()

    def scores(self, told):
        raw = F.linear(told, self.teller.lexicon.weight)
        top = self.settings.ceiling
        return top * torch.tanh(raw / top) if top else raw

    def describe_regions(self, tokens, grid, regions):
        """Mean token of each region (fractions of the sheet); one that is thinner than a stamp takes the nearest stamp."""
        rows, columns = grid
        stamps = self.encoder.as_picture(tokens, grid)
        found = []
        for left, top, right, bottom in regions:
            x0, y0 = min(int(left * columns), columns - 1), min(int(top * rows), rows - 1)
            x1, y1 = max(math.ceil(right * columns), x0 + 1), max(math.ceil(bottom * rows), y0 + 1)
            found.append(stamps[:, :, y0:y1, x0:x1].amax(dim=(2, 3)) * 0.25 + 0.75 * stamps[:, :, y0:y1, x0:x1].mean((2, 3)))
        return torch.stack(found, dim=1)
