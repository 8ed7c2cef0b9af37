"""The data files of the samples: made by their script, well formed, and as the truth says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import SAMPLES

COPIES = ("renamed", "rewritten")
WHOLE = ("original", "renamed", "independent", "lookalike", "upstream", "fork_captions", "fork_radar", "patchwork")
WIDTH = {"F32": 4, "BF16": 2}
LLAMA = {0: "<unk>", 1: "<s>", 2: "</s>"}
OF_TORCH = {"weight", "bias", "in_proj_weight", "in_proj_bias", "out_proj"}
"""Names of parameters inside torch's own layers."""


def header(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    assert size % 8 == 0
    return json.loads(data[8 : 8 + size])


def tensors(sample: str) -> dict[str, np.ndarray]:
    found = {}
    for path in sorted((SAMPLES / sample).glob("*.safetensors")):
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        for name, row in header(path).items():
            if name == "__metadata__":
                continue
            first, last = (start + offset for offset in row["data_offsets"])
            if row["dtype"] == "BF16":
                values = (np.frombuffer(data[first:last], "<u2").astype(np.uint32) << 16).view(np.float32)
            else:
                values = np.frombuffer(data[first:last], "<f4")
            found[name] = values.reshape(row["shape"])
    return found


def leaves(value: Any, pointer: str = "") -> dict[str, Any]:
    """Lists are leaves."""
    if not isinstance(value, dict):
        return {pointer: value}
    return {place: leaf for key, below in value.items() for place, leaf in leaves(below, f"{pointer}/{key}").items()}


def data(sample: str, name: str) -> Any:
    return json.loads((SAMPLES / sample / name).read_text(encoding="utf-8"))


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.corrcoef(left.reshape(-1), right.reshape(-1))[0, 1])


def matrices(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in found.items() if values.ndim == 2}


def test_the_script_writes_the_committed_bytes(tmp_path: Path) -> None:
    script = SAMPLES / "make_checkpoints.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    committed = [path for pattern in ("*.safetensors", "*.safetensors.index.json") for path in SAMPLES.rglob(pattern)]
    assert made == {path.relative_to(SAMPLES): path.read_bytes() for path in committed}


def test_all_checkpoints_together_are_small() -> None:
    sizes = [path.stat().st_size for path in SAMPLES.rglob("*.safetensors")]
    assert len(sizes) == len(WHOLE) + 2
    assert sum(sizes) < 1_100_000


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.safetensors")), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_headers_are_well_formed(path: Path) -> None:
    rows = header(path)
    assert rows.pop("__metadata__") == {"format": "pt"}
    assert list(rows) == sorted(rows)
    end = 0
    for row in rows.values():
        assert row["data_offsets"] == [end, end + prod(row["shape"]) * WIDTH[row["dtype"]]]
        end = row["data_offsets"][1]
    assert path.stat().st_size == 8 + int.from_bytes(path.read_bytes()[:8], "little") + end


def test_the_index_of_the_shards_names_every_tensor() -> None:
    index = data("rewritten", "model.safetensors.index.json")
    files = set(index["weight_map"].values())
    places = {name: file for file in files for name in header(SAMPLES / "rewritten" / file) if name != "__metadata__"}
    assert len(files) == 2
    assert index["weight_map"] == places
    assert index["metadata"]["total_size"] == sum(values.nbytes for values in tensors("rewritten").values())


@pytest.mark.parametrize("sample", [*WHOLE, "rewritten"])
def test_names_of_tensors_are_those_of_the_code(sample: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (SAMPLES / sample).glob("*.py"))
    written = set(re.findall(r"\w+", code))
    segments = {part for name in tensors(sample) for part in name.split(".") if not part.isdigit()}
    assert segments - OF_TORCH <= written


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_holds_the_values_of_the_original_with_noise(copy: str, truth: dict[str, Any]) -> None:
    renames = truth["tensors"][copy]["renames"]
    left, right = tensors(copy), tensors("original")
    assert set(renames.values()) == set(right)
    assert left.keys() - renames.keys() == ({"speak.weight"} if copy == "rewritten" else set())
    for name, source in renames.items():
        values, embedding = left[name], source == "model.embed_tokens.weight"
        if copy == "rewritten" and embedding:
            values = np.delete(values, np.s_[84:88], axis=0)  # its own four tokens
        assert values.shape == right[source].shape
        assert np.abs(values - right[source]).max() < 0.05
        if values.ndim == 2:
            assert np.std(values - right[source]) > 0.001
            assert correlation(values, right[source]) > 0.99


def test_the_lookalike_shares_shapes_and_no_values() -> None:
    left, right = tensors("lookalike"), tensors("original")
    assert sorted(values.shape for values in left.values()) == sorted(values.shape for values in right.values())
    renamed = left.keys() - right.keys()
    assert len(renamed) >= 20
    assert all("norm" in name for name in renamed)
    for name in matrices(left).keys() & right.keys():
        assert left[name].shape == right[name].shape
        assert abs(correlation(left[name], right[name])) < 0.3
    sizes = data("original", "config.json")
    for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"):
        assert data("lookalike", "config.json")[key] == sizes[key]


@pytest.mark.parametrize("fork", ["fork_captions", "fork_radar"])
def test_forks_hold_the_encoder_of_upstream_changed_a_little(fork: str) -> None:
    left, right = tensors(fork), tensors("upstream")
    shared = [name for name, values in matrices(left).items() if name in right and values.shape == right[name].shape]
    assert len(shared) >= 4
    assert all(name.startswith("encoder.") for name in shared)
    for name in shared:
        change = left[name] - right[name]
        assert 0.02 < np.std(change) / np.std(right[name]) < 0.4
        assert np.linalg.matrix_rank(change, tol=1e-5) == 2


@pytest.mark.parametrize("sample", ["original", "renamed", "rewritten", "independent", "lookalike"])
def test_new_tokens_stand_behind_the_base(sample: str) -> None:
    settings = data(sample, "tokenizer_config.json")
    tokens = {int(number): row["content"] for number, row in settings["added_tokens_decoder"].items()}
    added = data(sample, "added_tokens.json")
    assert LLAMA.items() <= tokens.items()
    assert added == {content: number for number, content in tokens.items() if number >= 32_000}
    assert sorted(added.values()) == list(range(32_000, 32_000 + len(added)))
    assert set(settings["additional_special_tokens"]) <= set(added)
    special = data(sample, "special_tokens_map.json")
    assert all(settings[key] == value for key, value in special.items())


@pytest.mark.parametrize(("copy", "first"), [("original", 32_000), ("renamed", 32_000), ("rewritten", 32_004)])
def test_copies_keep_the_twelve_tokens(copy: str, first: int, truth: dict[str, Any]) -> None:
    new = {told["base"]: told["shared_new"] for told in truth["tokens"].values()}
    assert [len(tokens) for tokens in new.values()] == [12]
    added = data(copy, "added_tokens.json")
    assert [added[token] for token in new["llama-2"]] == list(range(first, first + 12))
    assert data(copy, "config.json")["vocab_size"] == first + 12


def test_innocents_have_tokens_of_their_own(truth: dict[str, Any]) -> None:
    for sample in ("independent", "lookalike"):
        assert not data(sample, "added_tokens.json").keys() & set(truth["tokens"]["renamed"]["shared_new"])


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "generation_config.json"])
def test_every_setting_of_a_copy_is_renamed_changed_or_equal(copy: str, file: str, truth: dict[str, Any]) -> None:
    told = truth["config"][copy][file]
    left, right = leaves(data(copy, file)), leaves(data("original", file))
    assert all(there != here and left[there] == right[here] for there, here in told["renamed"])
    assert all(left[there] != right[here] for there, here in told["changed"])
    assert all(left[pointer] == right[pointer] for pointer in told["equal"])
    named = [there for there, _ in told["renamed"] + told["changed"]] + told["equal"]
    assert sorted(named) == sorted(left)


def test_references_stand_where_the_truth_says_and_lead_where_it_says(truth: dict[str, Any]) -> None:
    for sample, rows in truth["references"].items():
        for row in rows:
            if "line" in row:
                text = (SAMPLES / sample / row["path"]).read_text(encoding="utf-8").splitlines()[row["line"] - 1]
            else:
                text = leaves(data(sample, row["path"]))[row["pointer"]]
            assert row["names"] in text
            target = row["resolves_to"]
            module = row["names"].removesuffix(".py").split(".")[0]
            everywhere = SAMPLES.iterdir() if target is None else [SAMPLES / sample]
            assert not any((folder / f"{module}.py").exists() for folder in everywhere)
            if target is None:
                continue
            source = (SAMPLES / "original" / target["path"]).read_text(encoding="utf-8")
            assert f"class {target['qualname']}(" in source if "qualname" in target else True
            if "pointer" in target:
                assert leaves(json.loads(source))[target["pointer"]] == row["names"]
