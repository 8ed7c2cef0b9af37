"""Rotary frequencies for a stretched context: slow planes are interpolated, fast ones are kept."""
import math
from dataclasses import dataclass
from typing import Optional

import torch


@dataclass
class Stretch:
    planes: int
    theta: float
    trained_length: int
    ratio: float
    fast: float = 32
    slow: float = 1
    temperature: Optional[float] = None

    @classmethod
    def read(cls, cfg):
        scaling = cfg.rope_scaling
        width = getattr(cfg, "head_dim", cfg.hidden_size // cfg.num_attention_heads)
        return cls(
            planes=int(width * getattr(cfg, "partial_rotary_factor", 1.0)) // 2,
            theta=cfg.rope_theta,
            trained_length=cfg.max_position_embeddings,
            ratio=scaling["factor"],
            fast=scaling.get("beta_fast") or 32,
            slow=scaling.get("beta_slow") or 1,
            temperature=scaling.get("attention_factor"),
        )

    def plane_with(self, turns):
        """The (fractional) plane which makes `turns` rotations over the trained length."""
        return self.planes * math.log(self.trained_length / (2 * math.pi * turns), self.theta)

    def blend(self):
        """0 for planes to be kept, 1 for planes to be slowed down."""
        first = max(math.floor(self.plane_with(self.fast)), 0)
        last = min(math.ceil(self.plane_with(self.slow)), 2 * self.planes - 1)
        span = (last - first) or 0.001
        return ((torch.arange(self.planes) - first) / span).clamp(0, 1)

    def mscale(self):
        return 1 + math.log(self.ratio) / 10 if self.temperature is None else self.temperature


def stretched_frequencies(cfg, device=None):
    s = Stretch.read(cfg)
    speed = torch.exp(torch.arange(s.planes, device=device) * (-math.log(s.theta) / s.planes))
    slowdown = torch.lerp(torch.tensor(1.0), torch.tensor(1.0 / s.ratio), s.blend())
    return speed * slowdown.to(speed.device), s.mscale()
