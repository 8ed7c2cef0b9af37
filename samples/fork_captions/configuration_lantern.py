"""Settings for the Lantern encoder and its caption head (encoder part adapted from basalt-vit)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class LanternConfig:
    image_size: int = 224
    patch_size: int = 16
    in_channels: int = 3
    width: int = 384
    num_layers: int = 12
    num_heads: int = 6
    ffn_ratio: float = 4.0
    num_registers: int = 4
    qkv_bias: bool = True
    layer_scale_init: float = 1e-4
    drop_path_rate: float = 0.05
    dropout: float = 0.0
    norm_eps: float = 1e-6
    init_std: float = 0.02
    memory: str = "cls+patches"

    # caption head
    vocab_size: int = 8192
    max_caption_len: int = 48
    text_width: int = 320
    text_layers: int = 4
    text_heads: int = 5
    text_dropout: float = 0.1
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2

    def __post_init__(self) -> None:
        for width, heads in ((self.width, self.num_heads), (self.text_width, self.text_heads)):
            if width % heads:
                raise ValueError(f"width {width} is not a multiple of {heads} heads")
        if self.image_size % self.patch_size:
            raise ValueError("image_size must be a multiple of patch_size")
        if self.memory not in ("cls+patches", "patches"):
            raise ValueError(f"unknown memory {self.memory!r}")

    @property
    def grid_size(self) -> int:
        return self.image_size // self.patch_size

    @property
    def head_dim(self) -> int:
        return self.width // self.num_heads

    @property
    def num_prefix_tokens(self) -> int:
        return 1 + self.num_registers

    @classmethod
    def read(cls, path: str | Path) -> "LanternConfig":
        return cls(**json.loads(Path(path).read_text()))

    def write(self, path: str | Path) -> None:
        Path(path).write_text(json.dumps(asdict(self), indent=2) + "\n")
