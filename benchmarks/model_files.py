"""A checkpoint as the files that somebody would publish: safetensors in one file or several, or GGUF; and as a snapshot."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rounding
from small_models import Architecture, Checkpoint, Floats, roles

from codeclone.model import File, Repository, Snapshot

STORED: dict[str, Callable[[Floats], bytes]] = {
    "F32": lambda value: value.astype("<f4").tobytes(),
    "F16": lambda value: value.astype("<f2").tobytes(),
    "BF16": lambda value: rounding.to_bfloat16(value).astype("<u2").tobytes(),
    "F8_E4M3": lambda value: rounding.to_float8(value).tobytes(),
}


def to_files(weights: Checkpoint, dtype: str = "F32", shards: int = 1) -> dict[str, bytes]:
    """Path -> bytes of safetensors files; with an index where there are several."""
    if shards == 1:
        return {"model.safetensors": _safetensors(weights, dtype)}
    names = list(weights)
    files, places = {}, {}
    for number in range(shards):
        path = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        its = names[number * len(names) // shards : (number + 1) * len(names) // shards]
        files[path] = _safetensors({name: weights[name] for name in its}, dtype)
        places |= dict.fromkeys(its, path)
    size = sum(len(STORED[dtype](value)) for value in weights.values())
    index = {"metadata": {"total_size": size}, "weight_map": places}
    return files | {"model.safetensors.index.json": json.dumps(index, indent=2).encode()}


def _safetensors(weights: Checkpoint, dtype: str) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    contents, place = [], 0
    for name, value in weights.items():
        content = STORED[dtype](value)
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [place, place + len(content)]}
        contents.append(content)
        place += len(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(contents)


def snapshot_of(name: str, files: dict[str, bytes]) -> Snapshot:
    made = []
    for path, content in sorted(files.items()):
        made.append(File(path, len(content), hashlib.sha256(content).hexdigest(), lambda content=content: content))
    listed = "".join(f"{file.path}\0{file.sha256}\n" for file in made)
    return Snapshot(Repository(name, name, None, hashlib.sha256(listed.encode()).hexdigest()), tuple(made))


GGUF_NAMES = (
    ("model.embed_tokens", "token_embd"), ("model.layers.", "blk."), ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"), ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"), ("model.norm", "output_norm"), ("lm_head", "output"),
)  # fmt: skip
"""What llama.cpp calls the tensors of the LLaMA family."""


def gguf_name(name: str) -> str:
    for old, new in GGUF_NAMES:
        name = name.replace(old, new)
    return name


def to_gguf(weights: Checkpoint, architecture: Architecture, quantised: str = "Q8_0") -> dict[str, bytes]:
    """As llama.cpp's converter writes the LLaMA family: matrices quantised (`Q8_0`, `Q4_0`, or `F16`), vectors in F32,
    and the rows of queries and keys in the order in which it turns them."""
    import gguf

    kind = gguf.GGMLQuantizationType[quantised]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_block_count(architecture.layers)
        writer.add_embedding_length(architecture.width)
        writer.add_feed_forward_length(architecture.hidden)
        writer.add_head_count(architecture.heads)
        writer.add_head_count_kv(architecture.key_heads)
        for name, value in weights.items():
            value = turned_rows(name, value, architecture)
            if value.ndim == 1:
                writer.add_tensor(gguf_name(name), value.astype(np.float32))
            elif quantised == "F16":
                writer.add_tensor(gguf_name(name), value.astype(np.float16))
            else:
                writer.add_tensor(gguf_name(name), gguf.quants.quantize(value, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return {f"model-{quantised}.gguf": path.read_bytes()}


def turned_rows(name: str, value: Floats, architecture: Architecture) -> Floats:
    """Rows of queries and keys of the LLaMA family, so that two rows that rotary positions turn together stand side by
    side; other tensors as they are."""
    role = roles(architecture).get(name, ("",))[0].split(".")[0]
    if architecture.family != "llama" or role not in ("queries", "keys"):
        return value
    split = value.reshape(-1, 2, architecture.head_width // 2, value.shape[1])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(value.shape))
