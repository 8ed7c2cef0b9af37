"""Turning the last few radar sweeps into tokens.

A sweep is (channels, azimuth, range): echo power, and Doppler shift where the
radar measured one. Azimuth is circular, range is not, so the stem pads the two
axes differently, and positions are functions of the true bearing and distance
instead of a trained grid.
"""

import math

import torch
from torch import nn
import torch.nn.functional as F

from configuration_plover import PloverConfig


def polar_features(
    num_azimuth: int, num_range: int, max_range_m: float, device: torch.device | None = None
) -> torch.Tensor:
    """Bearing harmonics and log-distance harmonics of every cell centre."""
    bearing = (torch.arange(num_azimuth, device=device) + 0.5) * (2 * math.pi / num_azimuth)
    metres = (torch.arange(num_range, device=device) + 0.5) * (max_range_m / num_range)
    closeness = torch.log1p(metres / 50.0) / math.log1p(max_range_m / 50.0)
    columns = []
    for k in (1, 2, 4, 8, 16):
        # whole multiples of the bearing, so north meets north
        for wave in (torch.sin(k * bearing), torch.cos(k * bearing)):
            columns.append(wave[:, None].expand(num_azimuth, num_range))
        for wave in (torch.sin(k * math.pi * closeness), torch.cos(k * math.pi * closeness)):
            columns.append(wave[None, :].expand(num_azimuth, num_range))
    return torch.stack(columns, dim=-1)


class PloverSweepEmbed(nn.Module):
    def __init__(self, config: PloverConfig):
        super().__init__()
        self.config = config
        self.patch = (config.patch_azimuth, config.patch_range)
        stem_width = config.width // 4
        self.smooth = nn.Conv2d(config.sweep_channels, stem_width, kernel_size=3)
        self.gather = nn.Conv2d(stem_width, config.width, kernel_size=self.patch, stride=self.patch)
        self.place = nn.Linear(20, config.width)
        self.age_embed = nn.Parameter(torch.zeros(config.max_sweeps, config.width))
        self.half_life = nn.Parameter(torch.tensor(2.0))

    def pad(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, (0, 0, 1, 1), mode="circular")  # azimuth wraps round
        return F.pad(x, (1, 1, 0, 0))  # nothing beyond first and last range bin

    def forward(
        self, sweeps: torch.Tensor, ages: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, tuple[int, int]]:
        """
        sweeps: (batch, sweeps, channels, azimuth, range), newest first.
        ages: (batch, sweeps) seconds since each sweep; negative where missing.
        """
        batch, count = ages.shape
        if count > self.config.max_sweeps:
            raise ValueError(f"{count} sweeps given, at most {self.config.max_sweeps} supported")
        present = ages >= 0
        x = self.gather(F.gelu(self.smooth(self.pad(sweeps.flatten(0, 1)))))
        rows, cols = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2).unflatten(0, (batch, count))
        x = x + self.age_embed[:count, None, :]

        decay = torch.exp2(-ages / F.softplus(self.half_life)) * present
        weight = decay / decay.sum(dim=1, keepdim=True).clamp_min(1e-6)
        fused = (x * weight[:, :, None, None]).sum(dim=1)

        shape = polar_features(rows, cols, self.config.max_range_m, device=fused.device)
        fused = fused + self.place(shape.to(fused.dtype)).flatten(0, 1)

        power = sweeps[:, :, 0] * present[:, :, None, None]
        strongest = F.max_pool2d(power.amax(dim=1, keepdim=True), self.patch, self.patch)
        occupied = strongest.flatten(1) > self.config.noise_floor
        return fused, occupied, (rows, cols)
