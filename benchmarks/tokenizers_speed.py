"""How long the tokenizer room takes for two large tokenizers, and how much memory.

python benchmarks/tokenizers_speed.py [TOKENS]     # 200,000 by default
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from codeclone.background import shipped
from codeclone.evidence import Context, Profiled, tokenizer
from codeclone.read import open_source


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


def measure(left: Path, right: Path) -> tuple[float, float]:
    """(seconds, peak MB of the process) of one comparison from files to findings."""
    start = time.perf_counter()
    profiles = [tokenizer.profile(open_source(str(path))) for path in (left, right)]
    tokenizer.compare(profiles[0], [Profiled("right", "right", profiles[1])], Context(shipped()))
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        left, right = (Path(folder) / side / "tokenizer.json" for side in ("left", "right"))
        write_tokenizer(left, count, ["<one>", "<two>", "<three>"])
        write_tokenizer(right, count, ["<one>", "<two>", "<four>"])
        size = left.stat().st_size / 1e6
        seconds, megabytes = measure(left.parent, right.parent)
    print(f"{count:,} tokens, {size:.1f} MB a file: {seconds:.1f} s, {megabytes:.0f} MB at most")


if __name__ == "__main__":
    main()
