"""Nested settings; ``config.json`` mirrors the dataclasses one to one."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class EyeConfig:
    """The vision transformer."""

    patch: int = 14
    dim: int = 768
    depth: int = 16
    heads: int = 12
    mlp_dim: int = 3072
    table_size: int = 32
    dropout: float = 0.0
    eps: float = 1e-6


@dataclass
class BridgeConfig:
    """The resampler between eye and text."""

    queries: int = 48
    dim: int = 1024
    heads: int = 16
    rounds: int = 2


@dataclass
class TextConfig:
    """The language decoder."""

    vocab: int = 32064
    dim: int = 1536
    depth: int = 20
    heads: int = 12
    kv_heads: int = 4
    mlp_dim: int = 4096
    rope_base: float = 500_000.0
    context: int = 4096
    eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


@dataclass
class TileConfig:
    """How large images are divided."""

    side: int = 392
    max_tiles: int = 8
    shape_weight: float = 1.0
    count_weight: float = 0.6


@dataclass
class PebbleConfig:
    eye: EyeConfig = field(default_factory=EyeConfig)
    bridge: BridgeConfig = field(default_factory=BridgeConfig)
    text: TextConfig = field(default_factory=TextConfig)
    tiles: TileConfig = field(default_factory=TileConfig)

    def __post_init__(self):
        assert self.eye.dim % self.eye.heads == 0, "eye.heads must divide eye.dim"
        assert self.bridge.dim % (4 * self.bridge.heads) == 0, "bridge.dim must fit sin-cos pairs per head"
        assert self.text.dim % self.text.heads == 0, "text.heads must divide text.dim"
        assert self.text.heads % self.text.kv_heads == 0, "text.kv_heads must divide text.heads"
        assert self.tiles.side % self.eye.patch == 0, "a tile must hold whole patches"

    @classmethod
    def from_dict(cls, raw: dict) -> "PebbleConfig":
        sections = {"eye": EyeConfig, "bridge": BridgeConfig, "text": TextConfig, "tiles": TileConfig}
        return cls(**{name: kind(**raw.get(name, {})) for name, kind in sections.items()})

    @classmethod
    def load(cls, folder) -> "PebbleConfig":
        return cls.from_dict(json.loads((Path(folder) / "config.json").read_text()))

    def save(self, folder) -> None:
        (Path(folder) / "config.json").write_text(json.dumps(asdict(self), indent=2) + "\n")
