"""Time and memory that large model files take, each in a new process.

    make bench-checkpoints

A safetensors file of 3 GB with 300 tensors on each side (sparse: the numbers are holes in the file), renamed on the left, and a
tokenizer.json of 200,000 tokens with merges: names compared, tokens compared, and both through the whole scan.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TENSORS, BYTES = 300, 3 * 10**9
WIDTH = 2236
"""300 square matrices of this width in bf16 have 3.0 GB."""

TOKENS = 200_000

PARTS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate", "up", "down", "query_norm", "key_norm", "mixer")

COMPARED = """
import resource, sys, time
started = time.perf_counter()
from codeclone.background import shipped
from codeclone.evidence import Context, Profiled, room
from codeclone.read import open_source

its_room = room("{kind}")
left, right = (its_room.profile(open_source(source)) for source in sys.argv[1:])
findings = its_room.compare(left, [Profiled("right", "right", right)], Context(shipped()))
seconds = time.perf_counter() - started
print(f"{{seconds:.2f}} s, peak {{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f}} MB")
for finding in findings.evidence:
    print(f"  {{finding.level}}: {{finding.reason}}")
"""

SCANNED = """
import resource, sys, time
started = time.perf_counter()
from codeclone import scan

scan(*sys.argv[1:])
seconds = time.perf_counter() - started
print(f"{seconds:.2f} s, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
"""


def write_checkpoint(path: Path, rename: Callable[[str], str]) -> None:
    """A safetensors file whose numbers are a hole."""
    header, place = {}, 0
    for number in range(TENSORS):
        name = f"model.layers.{number // len(PARTS)}.block.{PARTS[number % len(PARTS)]}.weight"
        header[rename(name)] = {"dtype": "BF16", "shape": [WIDTH, WIDTH], "data_offsets": [place, place + 2 * WIDTH**2]}
        place += 2 * WIDTH**2
    text = json.dumps(header).encode()
    assert place >= 0.99 * BYTES
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + place)


def write_tokenizer(path: Path, count: int, new: list[str], seed: int = 0) -> None:
    """A tokenizer.json of byte-level pairs merges: `count` tokens, all but 256 of them merged from two others."""
    chosen = random.Random(seed)
    tokens = [chr(0x100 + byte) for byte in range(256)]
    known = set(tokens)
    merges = []
    while len(tokens) < count:
        left, right = chosen.choice(tokens), chosen.choice(tokens[: max(256, len(tokens) // 50)])
        if len(left) + len(right) <= 24 and left + right not in known:
            known.add(left + right)
            tokens.append(left + right)
            merges.append(f"{left} {right}")
    flags = {"special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    added = [{"id": count + place, "content": content, **flags} for place, content in enumerate(new)]
    model = {"type": "BPE", "vocab": {token: place for place, token in enumerate(tokens)}, "merges": merges}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"added_tokens": added, "model": model}, ensure_ascii=False), encoding="utf-8")


def run(title: str, code: str, left: Path, right: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code, str(left), str(right)], capture_output=True, text=True, check=True
    )
    print(f"{title}: {result.stdout}", end="")


def compare(folder: Path) -> None:
    left, right = folder / "left", folder / "right"
    for side, rename, token in (
        (left, lambda name: name.replace("model.layers", "backbone.blocks").replace("_proj", "_linear"), "<three>"),
        (right, str, "<four>"),
    ):
        side.mkdir()
        write_checkpoint(side / "model.safetensors", rename)
        write_tokenizer(side / "tokenizer.json", TOKENS, ["<one>", "<two>", token])
    run("tensor names of 3 GB on each side", COMPARED.format(kind="tensors"), left, right)
    run(f"tokenizers of {TOKENS:,} tokens", COMPARED.format(kind="tokenizer"), left, right)
    run("the whole scan of both", SCANNED, left, right)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder))
