"""Small language models that were really trained: from scratch, further, in a few dimensions (LoRA), after pruning.

Trained once with torch on the CPU, then kept in data/weights under the digest of all that they depend on.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from small_models import Architecture, Checkpoint, shapes

WEIGHTS = Path(__file__).parent / "data" / "weights"

TRAINED = Architecture("llama", width=96, hidden=256, layers=3, heads=4, key_heads=2, vocabulary=256)

RECIPE = 1
"""Counted up with every change of the text or of the training: models of other recipes are trained anew."""

INITIAL = 0.02
"""Standard deviation of all matrices before training, as the families have it."""

BATCH, LENGTH, STREAMS = 16, 48, 2048
WARM_UP, DECAY, CLIP = 30, 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Training:
    seed: int = 0
    """Of the values before training, or of the LoRA ones."""
    language: int = 0
    """Which rules the text follows."""
    sample: int = 0
    """Which text of the language."""
    order: int = 0
    """In which order its pieces are read."""
    steps: int = 400
    rate: float = 4e-3
    """The largest one; it falls to a tenth along half a cosine."""
    rank: int = 0
    """Of LoRA on all matrices of the layers; 0 where all weights are trained."""
    keep_zeros: bool = False


LIGHT = Training(steps=120, rate=5e-5)
"""Changes weights about as much as fine-tuning of large models does, a few hundredths of their standard deviation."""

FURTHER = Training(steps=120, rate=2e-4)
HEAVY = Training(steps=120, rate=6e-4)
LORA = Training(steps=120, rate=8e-4, rank=8)


@cache
def text(language: int, sample: int, vocabulary: int) -> np.ndarray:
    """(streams, length + 1) tokens: what follows depends on the last token and the class of the one before it; tokens
    are as uneven as words are (Zipf), and three streams in ten say their first half again."""
    rules = np.random.default_rng([language, 1])
    classes, choices = rules.integers(0, 6, vocabulary), 4
    even = 1 / np.arange(1, vocabulary + 1)
    nexts = rules.choice(vocabulary, (vocabulary, 6, choices), p=even / even.sum())
    rng = np.random.default_rng([language, sample, 2])
    streams = np.empty((STREAMS, LENGTH + 1), dtype=np.int64)
    streams[:, :2] = rng.choice(vocabulary, (STREAMS, 2), p=even / even.sum())
    likely = rng.choice(choices, streams.shape, p=(0.55, 0.25, 0.12, 0.08))
    strays = rng.random(streams.shape) < 0.05
    anything = rng.choice(vocabulary, streams.shape, p=even / even.sum())
    for place in range(2, LENGTH + 1):
        follows = nexts[streams[:, place - 1], classes[streams[:, place - 2]], likely[:, place]]
        streams[:, place] = np.where(strays[:, place], anything[:, place], follows)
    again, half = rng.random(STREAMS) < 0.3, LENGTH // 2
    streams[again, half : 2 * half] = streams[again, :half]
    return streams


def unigram_entropy(training: Training, architecture: Architecture = TRAINED) -> float:
    """In nats a token: what a model reaches that knows only how frequent tokens are."""
    counts = np.bincount(text(training.language, training.sample, architecture.vocabulary).ravel())
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def trained(training: Training, base: Checkpoint | None = None, architecture: Architecture = TRAINED) -> Checkpoint:
    """From scratch, or further from `base`; from the cache where it is there."""
    path = _path(training, base, architecture)
    if path.exists():
        try:
            with np.load(path) as kept:
                return {name: kept[name] for name in kept.files if name != "losses"}
        except (OSError, ValueError, zipfile.BadZipFile):
            path.unlink()
    weights, losses = _train(training, base, architecture)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{training.seed}.part")
    with part.open("wb") as file:
        np.savez(file, losses=np.array(losses), **weights)
    part.replace(path)
    return weights


def losses(training: Training, base: Checkpoint | None = None, architecture: Architecture = TRAINED) -> list[float]:
    """Of every step, in nats a token."""
    trained(training, base, architecture)
    with np.load(_path(training, base, architecture)) as kept:
        return [float(loss) for loss in kept["losses"]]


def digest_of(weights: Checkpoint | None) -> str:
    """Of names and values; empty where there is none."""
    digest = hashlib.sha256()
    for name, value in sorted((weights or {}).items()):
        digest.update(f"{name}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    return digest.hexdigest() if weights else ""


def _path(training: Training, base: Checkpoint | None, architecture: Architecture) -> Path:
    key = {"recipe": RECIPE, "base": digest_of(base), **asdict(training), **asdict(architecture)}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    how = "scratch" if base is None else f"lora{training.rank}" if training.rank else "further"
    return WEIGHTS / f"{how}-seed{training.seed}-language{training.language}-sample{training.sample}-{digest}.npz"


def _train(training: Training, base: Checkpoint | None, architecture: Architecture) -> tuple[Checkpoint, list[float]]:
    try:
        import torch
    except ImportError:
        raise SystemExit('the trained models need torch: pip install -e ".[bench]"') from None
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    start = base or initial(training.seed, architecture)
    fixed = {name: torch.tensor(value) for name, value in start.items()}
    kept = {name: value != 0 for name, value in fixed.items()} if training.keep_zeros else {}
    moving = _low_rank(torch, fixed, training) if training.rank else {n: v.clone() for n, v in fixed.items()}
    for value in moving.values():
        value.requires_grad_()
    groups = [
        {"params": [v for v in moving.values() if v.ndim == 2], "weight_decay": DECAY},
        {"params": [v for v in moving.values() if v.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.95))
    streams = torch.tensor(text(training.language, training.sample, architecture.vocabulary))
    order = torch.tensor(np.random.default_rng([training.order, 3]).permutation(STREAMS))
    losses = []
    for step in range(training.steps):
        cosine = 0.55 + 0.45 * np.cos(np.pi * step / training.steps)
        for group in optimizer.param_groups:
            group["lr"] = training.rate * min(1, (step + 1) / WARM_UP) * cosine
        places = order[torch.arange(step * BATCH, (step + 1) * BATCH) % STREAMS]
        its = _merged(fixed, moving) if training.rank else moving
        loss = torch.nn.functional.cross_entropy(
            torch_logits(its, architecture, streams[places, :-1]).flatten(0, 1), streams[places, 1:].flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving.values(), CLIP)
        optimizer.step()
        with torch.no_grad():
            for name, places in kept.items():
                moving[name] *= places
        losses.append(loss.item())
    with torch.no_grad():
        its = _merged(fixed, moving) if training.rank else moving
        return {name: value.detach().numpy().copy() for name, value in its.items()}, losses


def initial(seed: int, architecture: Architecture = TRAINED) -> Checkpoint:
    """Before training: gains of one, matrices of Gaussian values."""
    rng = np.random.default_rng([seed, 4])
    return {
        name: np.ones(shape, np.float32) if len(shape) == 1 else rng.normal(0, INITIAL, shape).astype(np.float32)
        for name, shape in shapes(architecture).items()
    }


def _low_rank(torch: Any, fixed: dict[str, Any], training: Training) -> dict[str, Any]:
    """Name with A or B before it -> factor (Hu et al. 2022): A Gaussian, B zero."""
    generator = torch.Generator().manual_seed(training.seed)
    made = {}
    for name, value in fixed.items():
        if ".layers." in name and value.ndim == 2:
            first = torch.randn(training.rank, value.shape[1], generator=generator)
            made["A " + name] = first / value.shape[1] ** 0.5
            made["B " + name] = torch.zeros(value.shape[0], training.rank)
    return made


def _merged(fixed: dict[str, Any], moving: dict[str, Any]) -> dict[str, Any]:
    """With alpha as large as twice the rank, as is common."""
    return {
        name: value + 2 * moving["B " + name] @ moving["A " + name] if "A " + name in moving else value
        for name, value in fixed.items()
    }


def torch_logits(its: dict[str, Any], architecture: Architecture, tokens: Any) -> Any:
    """The same as small_forward.of_tokens for the LLaMA family."""
    import torch
    from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

    half, shape = architecture.head_width // 2, (len(tokens), tokens.shape[1], -1, architecture.head_width)
    angles = torch.outer(torch.arange(tokens.shape[1]), 10_000.0 ** (-torch.arange(half) / half))
    cos, sin = angles.cos(), angles.sin()

    def turned(x: Any) -> Any:
        first, second = x[..., :half], x[..., half:]
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)

    x = its["model.embed_tokens.weight"][tokens]
    for layer in range(architecture.layers):
        part = {
            name.split(f".layers.{layer}.")[-1]: value for name, value in its.items() if f".layers.{layer}." in name
        }
        read = rms_norm(x, (architecture.width,), part["input_layernorm.weight"], 1e-6)
        q, k, v = ((read @ part[f"self_attn.{it}_proj.weight"].T).view(shape).transpose(1, 2) for it in "qkv")
        mixed = scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True, enable_gqa=True)
        x = x + mixed.transpose(1, 2).flatten(2) @ part["self_attn.o_proj.weight"].T
        read = rms_norm(x, (architecture.width,), part["post_attention_layernorm.weight"], 1e-6)
        inner = silu(read @ part["mlp.gate_proj.weight"].T) * (read @ part["mlp.up_proj.weight"].T)
        x = x + inner @ part["mlp.down_proj.weight"].T
    return rms_norm(x, (architecture.width,), its["model.norm.weight"], 1e-6) @ its["lm_head.weight"].T


STRANGERS, BASES = 24, 3


def strangers() -> list[Training]:
    """Nothing in common but the architecture and the recipe: the first half reads one and the same text in the same order,
    the second half texts of their own."""
    half = STRANGERS // 2
    return [Training(seed=seed, **_text_of(max(0, seed - half + 1))) for seed in range(STRANGERS)]


def _text_of(number: int) -> dict[str, int]:
    return {"language": number, "sample": number, "order": number}


def siblings() -> list[Training]:
    """Fine-tunes of one base: five on texts of one other language, five on the same text of it in other orders, five on other
    languages, five LoRA ones, four that changed little, four on more of the text that the base was trained on."""
    return [
        *(replace(FURTHER, language=100, sample=number) for number in range(5)),
        *(replace(FURTHER, language=100, sample=50, order=number) for number in range(5)),
        *(replace(HEAVY, language=101 + number) for number in range(5)),
        *(replace(LORA, language=100, sample=number, seed=number, rank=8 if number < 3 else 16) for number in range(5)),
        *(replace(LIGHT, language=100, sample=number // 2, order=number) for number in range(4)),
        *(replace(FURTHER, sample=500 + number) for number in range(4)),
    ]


def _family(number: int) -> Iterator[tuple[Training, Checkpoint]]:
    base = trained(strangers()[number])
    for training in siblings():
        yield training, trained(training, base)


def prepare(workers: int = 2) -> None:
    """Trains what is not yet kept, in processes of their own."""
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(trained, strangers()))
        list(pool.map(_all_of, range(BASES)))


def _all_of(number: int) -> int:
    return sum(1 for _ in _family(number))
