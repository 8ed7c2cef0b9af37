"""Configuration for Basalt vision transformers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "basalt-tiny": {"width": 192, "num_layers": 12, "num_heads": 3},
    "basalt-small": {"width": 384, "num_layers": 12, "num_heads": 6},
    "basalt-base": {"width": 768, "num_layers": 12, "num_heads": 12},
}


@dataclass
class BasaltConfig:
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
    drop_path_rate: float = 0.1
    dropout: float = 0.0
    norm_eps: float = 1e-6
    pool: str = "cls"
    num_labels: int = 1000
    init_std: float = 0.02
    id2label: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.width % self.num_heads:
            raise ValueError(f"width {self.width} is not a multiple of num_heads {self.num_heads}")
        if self.image_size % self.patch_size:
            raise ValueError(
                f"image_size {self.image_size} is not a multiple of patch_size {self.patch_size}"
            )
        if self.pool not in ("cls", "mean", "registers"):
            raise ValueError(f"unknown pool {self.pool!r}")

    @property
    def grid_size(self) -> int:
        return self.image_size // self.patch_size

    @property
    def head_dim(self) -> int:
        return self.width // self.num_heads

    @property
    def num_prefix_tokens(self) -> int:
        """CLS token plus registers; patch tokens start after these."""
        return 1 + self.num_registers

    @classmethod
    def preset(cls, name: str, **overrides: Any) -> "BasaltConfig":
        if name not in PRESETS:
            raise KeyError(f"unknown preset {name!r}; choose from {sorted(PRESETS)}")
        return cls(**{**PRESETS[name], **overrides})

    @classmethod
    def load(cls, path: str | Path) -> "BasaltConfig":
        path = Path(path)
        if path.is_dir():
            path = path / "config.json"
        raw = json.loads(path.read_text())
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in raw.items() if k in known})

    def save(self, path: str | Path) -> None:
        payload = {"model_type": "basalt_vit", **asdict(self)}
        Path(path, "config.json").write_text(json.dumps(payload, indent=2) + "\n")
