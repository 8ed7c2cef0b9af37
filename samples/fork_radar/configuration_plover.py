# Adapted from basalt-vit: the transformer settings keep upstream's names.
from __future__ import annotations

import dataclasses
import json
from pathlib import Path

CLASSES = ("clutter", "vessel", "buoy", "shoreline", "rain")
IGNORE = 255


@dataclasses.dataclass
class PloverConfig:
    # the sweep: a full turn of the antenna in polar bins
    azimuth_bins: int = 512
    range_bins: int = 384
    max_range_m: float = 6000.0
    sweep_channels: int = 2
    max_sweeps: int = 4
    patch_azimuth: int = 8
    patch_range: int = 12
    noise_floor: float = 0.02

    # the transformer
    width: int = 256
    num_layers: int = 10
    num_heads: int = 8
    ffn_ratio: float = 4.0
    num_registers: int = 4
    qkv_bias: bool = True
    layer_scale_init: float = 1e-3
    drop_path_rate: float = 0.1
    dropout: float = 0.0
    norm_eps: float = 1e-6
    init_std: float = 0.02
    tap_layers: tuple[int, ...] = (4, 7, 10)

    # the segmentation head
    head_width: int = 128
    num_classes: int = len(CLASSES)

    def __post_init__(self) -> None:
        self.tap_layers = tuple(self.tap_layers)
        if self.width % self.num_heads:
            raise ValueError("num_heads does not divide width")
        if self.azimuth_bins % self.patch_azimuth or self.range_bins % self.patch_range:
            raise ValueError("the polar grid does not divide into patches")
        if not self.tap_layers or max(self.tap_layers) > self.num_layers:
            raise ValueError("tap_layers must name existing layers, counted from 1")

    @property
    def head_dim(self) -> int:
        return self.width // self.num_heads

    @property
    def num_prefix_tokens(self) -> int:
        return 1 + self.num_registers

    @staticmethod
    def from_json(path: str | Path) -> "PloverConfig":
        with open(path) as stream:
            return PloverConfig(**json.load(stream))
