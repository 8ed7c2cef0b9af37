"""Writes the toy checkpoints of the samples: the tensor names of each sample's own code, widths of a doll's house.

    python samples/make_checkpoints.py [FOLDER]

Same bytes on every run: the values come from the raw stream of PCG64, whose numbers numpy promises not to change,
through the standard library's inverse of the normal distribution. The rules that lead from a copy's names to the
original's stand in truth.json, which is checked on the way.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from checkpoint_shapes import BASE_VOCABULARY, HIDDEN, OWN_TOKENS, Draw, basalt, lantern, lumen, pebble, plover, tessera

SAMPLES = Path(__file__).resolve().parent

NOISE_SD = {"renamed": 1 / 708, "rewritten": 1 / 500, "patchwork": 1 / 600}
"""What the copies add to every value to hide where it comes from."""
FINE_TUNING = 0.06
"""Size of a fork's change of one block's matrices, as a share of their spread; grows with the depth of the block."""

NORMAL = NormalDist()

Tensors = dict[str, np.ndarray]
Rules = Sequence[Sequence[str]]
"""Pairs: what stands in the one name, what in the other. `*` is the number of a block."""

LOOKALIKE_NORMS = (
    ("input_layernorm.weight", "input_norm.offset"),
    ("post_attention_layernorm.weight", "mlp_norm.offset"),
    ("model.final_layernorm.weight", "model.norm.offset"),
    ("model.vision.post_layernorm", "model.vision.norm"),
    ("layer_norm1", "norm1"),
    ("layer_norm2", "norm2"),
    ("norm_queries", "ln_q"),
    ("norm_keys", "ln_kv"),
    ("norm_out", "ln_post"),
)


def rewrite(name: str, rules: Rules) -> str:
    """At every whole segment, from the left, the first rule that fits; what no rule names stays."""
    segments = name.split(".")
    done: list[str] = []
    while segments:
        for left, right in rules:
            pattern = left.split(".")
            here = segments[: len(pattern)]
            pairs = list(zip(pattern, here, strict=False))
            if len(here) == len(pattern) and all(p == s or (p == "*" and s.isdigit()) for p, s in pairs):
                numbers = iter(s for p, s in pairs if p == "*")
                done += [next(numbers) if part == "*" else part for part in right.split(".")]
                del segments[: len(pattern)]
                break
        else:
            done.append(segments.pop(0))
    return ".".join(done)


def mirrored(rules: Rules) -> Rules:
    return [(right, left) for left, right in rules]


def normals(seed: str, count: int) -> np.ndarray:
    """Draws from the normal distribution of mean 0 and variance 1."""
    stream = np.random.PCG64(int.from_bytes(hashlib.sha256(seed.encode()).digest(), "little"))
    uniform = ((stream.random_raw(count) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.array([NORMAL.inv_cdf(value) for value in uniform.tolist()])


def drawn(sample: str, draws: Mapping[str, Draw]) -> Tensors:
    """Own values. Rows of matrices differ in size and share one direction, as those of trained ones do."""
    tensors = {}
    for name, draw in draws.items():
        seed, count = f"{sample}/{name}", int(np.prod(draw.shape, dtype=int))
        values = normals(seed, count)
        if len(draw.shape) >= 2 and draw.shape[0] > 1:
            rows, columns = draw.shape[0], count // draw.shape[0]
            sizes, lean = np.exp(0.25 * normals(seed + "/rows", rows)), normals(seed + "/lean", rows)
            direction = normals(seed + "/direction", columns)
            values = (values.reshape(rows, columns) * sizes[:, None] + 0.4 * np.outer(lean, direction)).reshape(-1)
        tensors[name] = draw.mean + draw.sd * values.reshape(draw.shape)
    return tensors


def copied(sample: str, original: Tensors, rules: Rules) -> Tensors:
    names = {rewrite(name, mirrored(rules)): name for name in original}
    sd = NOISE_SD[sample]
    return {
        name: original[source] + sd * normals(f"{sample}/{name}", original[source].size).reshape(original[source].shape)
        for name, source in names.items()
    }


def rewritten(original: Tensors, rules: Rules) -> Tensors:
    """Four tokens of its own stand before the twelve, and the output head is saved although it is tied."""
    tensors = copied("rewritten", original, rules)
    name = "backbone.words.weight"
    own = drawn("rewritten", {"own": Draw((OWN_TOKENS, HIDDEN))})["own"]
    words = tensors[name]
    tensors[name] = np.concatenate([words[:BASE_VOCABULARY], own, words[BASE_VOCABULARY:]])
    tensors["speak.weight"] = tensors[name]
    return tensors


def fine_tuned(sample: str, draws: Mapping[str, Draw], upstream: Tensors) -> Tensors:
    """What upstream has under the same name and shape is moved a little in two directions; the rest is its own."""
    tensors = drawn(sample, draws)
    for name in tensors.keys() & upstream.keys():
        before = upstream[name]
        if before.shape != tensors[name].shape:
            continue
        depth = next((int(part) for part in name.split(".") if part.isdigit()), 0)
        rows = before.shape[0] if before.ndim >= 2 else 1
        change = np.zeros((rows, before.size // rows))
        for number in range(2):
            seed = f"{sample}/{name}/tuning/{number}"
            change += np.outer(normals(seed + "/rows", rows), normals(seed + "/columns", before.size // rows))
        tensors[name] = before + FINE_TUNING * (1 + depth) * float(before.std()) * change.reshape(before.shape)
    return tensors


def patchwork(sources: Mapping[str, Mapping[str, str]], original: Tensors, upstream: Tensors) -> Tensors:
    """`sources`: of each tensor that is not its own, the candidate that has it and its name there."""
    tensors = fine_tuned("patchwork", tessera(), upstream)
    renamed = {name: told["original"] for name, told in sources.items() if "original" in told}
    for name, source in renamed.items():
        noise = NOISE_SD["patchwork"] * normals(f"patchwork/{name}", original[source].size)
        tensors[name] = original[source] + noise.reshape(original[source].shape)
    return tensors


def lookalike() -> Tensors:
    """The original's names and shapes with other norms; nothing of its values."""
    draws = {rewrite(name, mirrored(LOOKALIKE_NORMS)): draw for name, draw in lumen().items()}
    ones = {name: draw._replace(mean=1.0) for name, draw in draws.items() if name.endswith("layernorm.weight")}
    return drawn("lookalike", draws | ones)


def bfloat16(values: np.ndarray) -> np.ndarray:
    """The upper halves of the nearest numbers, ties to even; flat."""
    bits = values.astype("<f4").reshape(-1).view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)).astype("<u2")


def rounded(tensors: Tensors) -> Tensors:
    """As they come back from a file of bfloat16."""
    return {
        name: (bfloat16(values).astype("<u4") << 16).view("<f4").astype(np.float64).reshape(values.shape)
        for name, values in tensors.items()
    }


def encoded(values: np.ndarray, kind: str) -> bytes:
    return values.astype("<f4").tobytes() if kind == "F32" else bfloat16(values).tobytes()


def safetensors(tensors: Tensors, kind: str) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name in sorted(tensors):
        payload = encoded(tensors[name], kind)
        offsets = [len(data), len(data) + len(payload)]
        header[name] = {"dtype": kind, "shape": list(tensors[name].shape), "data_offsets": offsets}
        data += payload
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def sharded(tensors: Tensors, kind: str) -> dict[str, bytes]:
    """Two files of about the same size, and the index that says what is where."""
    sizes = {name: len(encoded(tensors[name], kind)) for name in sorted(tensors)}
    total, seen = sum(sizes.values()), 0
    shards: dict[str, Tensors] = {f"model-0000{n}-of-00002.safetensors": {} for n in (1, 2)}
    first, second = shards
    for name, size in sizes.items():
        shards[first if seen < total / 2 else second][name] = tensors[name]
        seen += size
    places = {name: file for file, part in shards.items() for name in part}
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    files = {file: safetensors(part, kind) for file, part in shards.items()}
    return files | {"model.safetensors.index.json": (json.dumps(index, indent=2) + "\n").encode()}


def checkpoints(rules: Mapping[str, Rules], sources: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """Path below the samples -> content. The rules of each copy lead from its names to the original's.

    `sources`: of the tensors of the patchwork.
    """
    original, upstream = rounded(drawn("original", lumen())), drawn("upstream", basalt())
    whole = {
        "original": (original, "BF16"),
        "renamed": (copied("renamed", original, rules["renamed"]), "BF16"),
        "independent": (drawn("independent", pebble()), "BF16"),
        "lookalike": (lookalike(), "BF16"),
        "upstream": (upstream, "F32"),
        "fork_captions": (fine_tuned("fork_captions", lantern(), upstream), "F32"),
        "fork_radar": (fine_tuned("fork_radar", plover(), upstream), "F32"),
        "patchwork": (patchwork(sources, original, upstream), "F32"),
    }
    files = {f"{name}/model.safetensors": safetensors(tensors, kind) for name, (tensors, kind) in whole.items()}
    shards = sharded(rewritten(original, rules["rewritten"]), "F32")
    return files | {f"rewritten/{name}": data for name, data in shards.items()}


def check_truth(tensors: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ValueError where the rules do not lead from a copy's names to the original's and back."""
    for copy, told in tensors.items():
        renames = {rewrite(name, mirrored(told["rules"])): name for name in sorted(lumen())}
        if told["renames"] != renames or any(rewrite(left, told["rules"]) != right for left, right in renames.items()):
            raise ValueError(f"truth.json contradicts itself about the tensors of {copy}")


def main(folder: Path) -> None:
    truth = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
    tensors = truth["tensors"]
    check_truth(tensors)
    rules = {copy: told["rules"] for copy, told in tensors.items()}
    for path, data in checkpoints(rules, truth["sources"]["patchwork"]["tensors"]).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        print(f"{len(data):>8,} {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
