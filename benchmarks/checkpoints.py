"""Time and memory that large model files take, each in a new process.

    make bench-checkpoints

A safetensors file of 3 GB with 300 tensors on each side (sparse: the numbers are holes in the file), renamed on the left:
heads read and names compared. Then the same through the whole command, with all other kinds of evidence.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TENSORS, BYTES = 300, 3 * 10**9
WIDTH = 2236
"""300 square matrices of this width in bf16 have 3.0 GB."""

PARTS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate", "up", "down", "query_norm", "key_norm", "mixer")

COMPARED = """
import resource, sys, time
started = time.perf_counter()
from codeclone.background import shipped
from codeclone.evidence import Context, Profiled, tensors
from codeclone.read import open_source

left, right = (tensors.profile(open_source(source)) for source in sys.argv[1:])
findings = tensors.compare(left, [Profiled("right", "right", right)], Context(shipped()))
seconds = time.perf_counter() - started
print(f"{seconds:.2f} s, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
for finding in findings.evidence:
    print(f"  {finding.level}: {finding.reason}")
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


def run(title: str, code: str, left: Path, right: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code, str(left), str(right)], capture_output=True, text=True, check=True
    )
    print(f"{title}: {result.stdout}", end="")


def checkpoints(folder: Path) -> None:
    left, right = folder / "left", folder / "right"
    for side, rename in (
        (left, lambda name: name.replace("model.layers", "backbone.blocks").replace("_proj", "_linear")),
        (right, str),
    ):
        side.mkdir()
        write_checkpoint(side / "model.safetensors", rename)
    run("tensor names of 3 GB on each side", COMPARED, left, right)
    run("the whole scan of them", SCANNED, left, right)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        checkpoints(Path(folder))
