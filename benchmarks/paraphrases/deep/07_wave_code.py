from math import pi

import torch


class WaveCode:
    """Sine and cosine code of coordinates, frequencies spaced evenly up to half the resolution."""

    def __init__(self, bands, resolution=(224, 224), raw=True, phases=(0.0, pi / 2)):
        self.bands = bands
        self.resolution = torch.as_tensor(resolution, dtype=torch.float32)
        self.raw = raw
        self.phases = phases

    def frequencies(self):
        # row per axis: 1 ... r / 2
        t = torch.linspace(0.0, 1.0, self.bands)
        top = self.resolution / 2
        return torch.lerp(torch.ones(len(top), 1), top[:, None], t[None])

    def angles(self, points):
        return pi * torch.einsum("na,ab->nab", points, self.frequencies()).flatten(1)

    def __call__(self, coords):
        """coords: (batch, points, axes); every sample has the same grid, so the first one is used."""
        angle = self.angles(coords[0])
        # cos(x) = sin(x + pi / 2): one call covers both phases
        waves = torch.sin(torch.stack([angle + p for p in self.phases], dim=1)).flatten(1)
        if not self.raw:
            return waves
        out = coords.new_empty(*coords.shape[:2], coords.shape[2] + waves.shape[1], dtype=waves.dtype)
        out[..., : coords.shape[2]] = coords
        out[..., coords.shape[2] :] = waves
        return out


def wave_code(coords, bands, resolution=(224, 224), raw=True, single_phase=False):
    phases = (0.0,) if single_phase else (0.0, pi / 2)
    return WaveCode(bands, resolution, raw, phases)(coords)
