"""Time and memory of the weights of large checkpoints, each comparison in a new process.

    make bench-weights-speed
    python benchmarks/weights_speed.py [--sparse] [--keep FOLDER]

Two checkpoints of 2 GB with the tensors of a LLaMA-like model, one the other with noise on top, in float32 and in bfloat16: the
sampled ladder with cold and with warm files, and `--full` with warm ones, as gigabytes of both files a second. Then sparse files
of 1, 2 and 8 GB, whose numbers are a hole but for the first: the memory must not depend on their size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

GIGABYTE = 10**9
SIZES = (1, 2, 8)
NOISE = 1 / 708
BYTES = {"F32": 4, "BF16": 2}

SCANNED = """
import sys, time
started = time.perf_counter()
from codeclone import scan

report = scan(*sys.argv[1:3], only=["weights"], full=sys.argv[3] == "full")
seconds = time.perf_counter() - started
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(f"{seconds:.2f} {int(peak) / 1000:.0f}")
for finding in report.evidence:
    print(finding.level, finding.direction, finding.reason)
"""


def shapes(width: int, layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Of a LLaMA-like model with a vocabulary of 32,000 tokens."""
    inner = width * 11 // 4
    yield "model.embed_tokens.weight", (32_000, width)
    for number in range(layers):
        layer = f"model.layers.{number}"
        yield f"{layer}.input_layernorm.weight", (width,)
        for name, rows in (("q", width), ("k", width // 4), ("v", width // 4), ("o", width)):
            yield f"{layer}.self_attn.{name}_proj.weight", (rows, width)
        yield f"{layer}.post_attention_layernorm.weight", (width,)
        for name in ("gate", "up"):
            yield f"{layer}.mlp.{name}_proj.weight", (inner, width)
        yield f"{layer}.mlp.down_proj.weight", (width, inner)
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (32_000, width)


def layers_for(width: int, kind: str, size: int) -> int:
    """Layers with which the file has about so many bytes."""
    one, two = (sum(int(np.prod(shape)) for _, shape in shapes(width, count)) for count in (1, 2))
    return max(1, round((size / BYTES[kind] - one) / (two - one)) + 1)


def head(width: int, layers: int, kind: str) -> tuple[bytes, int]:
    """What stands before the numbers, and bytes of these."""
    entries, place = {}, 0
    for name, shape in shapes(width, layers):
        length = int(np.prod(shape)) * BYTES[kind]
        entries[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [place, place + length]}
        place += length
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, place


def stored(values: np.ndarray, kind: str) -> bytes:
    if kind == "F32":
        return values.tobytes()
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def as_held(values: np.ndarray, kind: str) -> np.ndarray:
    """What the type leaves of them."""
    if kind == "F32":
        return values
    return (np.frombuffer(stored(values, kind), "<u2").astype(np.uint32) << 16).view(np.float32).reshape(values.shape)


def write_pair(folder: Path, width: int, layers: int, kind: str) -> None:
    """right/model.safetensors, and left/model.safetensors with noise on top."""
    rng = np.random.default_rng(1)
    start, _ = head(width, layers, kind)
    for side in ("left", "right"):
        (folder / side).mkdir(parents=True)
    with (
        (folder / "left" / "model.safetensors").open("wb") as left,
        (folder / "right" / "model.safetensors").open("wb") as right,
    ):
        left.write(start)
        right.write(start)
        for name, shape in shapes(width, layers):
            mean, sd = (1.0, 0.1) if "norm" in name else (0.0, 0.02)
            values = as_held(mean + np.float32(sd) * rng.standard_normal(shape, np.float32), kind)
            right.write(stored(values, kind))
            left.write(stored(values + np.float32(NOISE) * rng.standard_normal(shape, np.float32), kind))


def write_sparse(path: Path, width: int, layers: int) -> None:
    start, length = head(width, layers, "BF16")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + length)


def scanned(folder: Path, how: str) -> tuple[float, float, list[str]]:
    """(seconds, peak memory in MB, what was found)."""
    command = [sys.executable, "-c", SCANNED, str(folder / "left"), str(folder / "right"), how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, *found = done.stdout.splitlines()
    seconds, memory = map(float, first.split())
    return seconds, memory, found


def forget(folder: Path) -> None:
    """Take the files out of the page cache."""
    for path in folder.rglob("*.safetensors"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bare(folder: Path) -> float:
    """Seconds to read both files, warm, and nothing else."""
    started = time.perf_counter()
    for path in sorted(folder.rglob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            buffer = bytearray(2**20)
            while file.readinto(buffer):
                pass
    return time.perf_counter() - started


def real(folder: Path) -> None:
    for kind in BYTES:
        place = folder / kind
        layers = layers_for(2048, kind, 2 * GIGABYTE)
        if not place.exists():
            write_pair(place, 2048, layers, kind)
        size = sum(path.stat().st_size for path in place.rglob("*.safetensors")) / GIGABYTE
        print(f"{kind}: {size:.2f} GB in two files, {layers} layers of width 2048")
        forget(place)
        for how, told in (("sampled", "cold"), ("sampled", "warm"), ("full", "warm"), ("full", "warm")):
            if how == "full":
                print(f"  only reading: {size / bare(place):.2f} GB/s")
            seconds, memory, found = scanned(place, how)
            print(f"  {how}, {told}: {seconds:.2f} s, {size / seconds:.2f} GB/s, peak {memory:.0f} MB")
        print(f"    {found[0][:250] if found else 'nothing found'}", flush=True)


def sparse(folder: Path) -> None:
    for size in SIZES:
        place = folder / f"sparse-{size}"
        if not place.exists():
            for side in ("left", "right"):
                write_sparse(place / side / "model.safetensors", 2048, layers_for(2048, "BF16", size * GIGABYTE))
        for how in ("sampled", "full"):
            seconds, memory, _ = scanned(place, how)
            print(f"sparse, {size} GB on each side, {how}: {seconds:.2f} s, peak {memory:.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sparse", action="store_true", help="only the sparse files")
    parser.add_argument("--keep", type=Path, help="write the checkpoints here, or take those that are there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        if not arguments.sparse:
            real(folder)
        sparse(folder)


if __name__ == "__main__":
    main()
