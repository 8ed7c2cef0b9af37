"""Whether the small models and their disguises are what they say: prints what was found, stops where a claim is false."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import rounding
import small_training
from disguise_table import TABLE, Disguised, names_undone
from habits import table
from model_files import gguf_name, snapshot_of, to_files, to_gguf, turned_rows
from simulated_models import simulated
from small_forward import outputs
from small_models import SMALL, Architecture, Checkpoint, layer_of
from small_training import TRAINED, Training, losses, strangers, trained
from weight_pairs import trained_derivatives, trained_siblings

from codeclone.read.repository_tensors import read_repository
from codeclone.read.values import opened

SEED = 3

SAME = 1e-4
"""Largest difference of outputs beside their standard deviation that single precision may leave."""


def main() -> None:
    check_disguises()
    check_files()
    try:
        import torch  # noqa: F401
    except ImportError:
        print('\nThe trained models need torch, which is not installed: pip install -e ".[bench]"')
        return
    small_training.prepare()
    check_training()
    print_trained()
    print_habits()


def check_disguises() -> None:
    """For each family the largest difference of outputs, beside the standard deviation of the outputs."""
    models = {name: (architecture, simulated(architecture, SEED)) for name, architecture in SMALL.items()}
    print("largest difference of outputs, beside their standard deviation\n")
    print(f"{'disguise':42}{'keeps':>10}" + "".join(f"{name:>10}" for name in models))
    for disguised in TABLE:
        cells = [
            _difference(disguised, architecture, weights) if architecture.family in disguised.families else None
            for architecture, weights in models.values()
        ]
        print(f"{disguised.name:42}{disguised.keeps:>10}" + "".join(_cell(cell) for cell in cells))
        kept = [cell for cell in cells if cell is not None]
        limit = {"values": 0.0, "function": SAME, "most": np.inf}[disguised.keeps]
        assert max(kept) <= limit, f"{disguised.name} does not keep the {disguised.keeps}"


def _cell(value: float | None) -> str:
    return f"{'':>10}" if value is None else f"{value:>10.1e}"


def _difference(disguised: Disguised, architecture: Architecture, weights: Checkpoint) -> float:
    kept = {name: value.copy() for name, value in weights.items()}
    made = disguised.apply(weights, architecture, SEED)
    again = disguised.apply(weights, architecture, SEED)
    assert all((weights[name] == value).all() for name, value in kept.items()), "the argument was changed"
    assert list(made) == list(again), "another order of names"
    assert all((made[name] == value).all() for name, value in again.items()), "other values for the same seed"
    assert all(value.dtype == np.float32 for value in made.values())
    if disguised.keeps == "function":
        assert any(made.get(name) is not value and (made.get(name) != value).any() for name, value in weights.items()
                   if made.get(name) is None or made[name].shape == value.shape), "nothing was changed"  # fmt: skip
    runnable = names_undone(disguised, made, architecture, SEED)
    before, after = outputs(weights, architecture, SEED), _outputs(runnable, architecture)
    classes = min(before.shape[-1], after.shape[-1])
    return float(np.abs(before[..., :classes] - after[..., :classes]).max() / before.std())


def _outputs(weights: Checkpoint, architecture: Architecture) -> np.ndarray:
    layers = {found[1] for found in map(layer_of, weights) if found}
    return outputs(weights, replace(architecture, layers=len(layers)), SEED)


GGUF_ERROR = {"F16": 1e-3, "Q8_0": 1e-2, "Q4_0": 0.13}
"""Largest error of a value beside the largest of its tensor; four bits have steps of an eighth, cut off at one end."""


def check_files() -> None:
    """That the files are read as codeclone reads them, and hold the values."""
    architecture = SMALL["llama"]
    weights = simulated(architecture, SEED)
    kept = {"F32": np.float32, "F16": rounding.float16, "BF16": rounding.bfloat16, "F8_E4M3": rounding.float8}
    for dtype, rounded in kept.items():
        for shards in (1, 3):
            read = _read(to_files(weights, dtype, shards))
            assert read.keys() == weights.keys()
            assert all((read[name] == rounded(value)).all() for name, value in weights.items())
    print(f"\nfiles: safetensors of {', '.join(kept)} are read, in one file and in three, and hold the values")
    for kind, limit in GGUF_ERROR.items():
        read = _read(to_gguf(weights, architecture, kind))
        assert read.keys() == {gguf_name(name) for name in weights}
        worst = max(
            float(np.abs(read[gguf_name(name)] - turned_rows(name, value, architecture)).max() / np.abs(value).max())
            for name, value in weights.items()
        )
        print(f"files: GGUF {kind} is read; largest error {worst:.1e} of a tensor's largest value")
        assert worst < limit, f"{kind} holds other values"


def _read(files: dict[str, bytes]) -> Checkpoint:
    snapshot = snapshot_of("model", files)
    found = read_repository(snapshot)
    assert not found.skipped, found.skipped
    (checkpoint,) = found.checkpoints
    with opened({file.path: file for file in snapshot.files}, checkpoint) as values:
        return {
            tensor.name: np.concatenate([run.copy() for _, run in values.runs(place, 1 << 20)]).reshape(tensor.shape)
            for place, tensor in enumerate(checkpoint.tensors)
        }


def check_training() -> None:
    """That training again gives the same values, and that numpy and torch compute the same."""
    import torch

    training = strangers()[0]
    started = time.perf_counter()
    weights, _ = small_training._train(training, None, TRAINED)
    seconds = time.perf_counter() - started
    kept = trained(training)
    same = all((weights[name] == value).all() for name, value in kept.items())
    tokens = np.random.default_rng(SEED).integers(0, TRAINED.vocabulary, (4, TRAINED.positions // 2))
    with torch.no_grad():
        its = small_training.torch_logits({n: torch.tensor(v) for n, v in kept.items()}, TRAINED, torch.tensor(tokens))
    difference = np.abs(its.numpy() - outputs(kept, TRAINED, SEED)).max()
    print(f"\ntrained again in {seconds:.1f} s: {'the same values' if same else 'OTHER VALUES'}")
    print(f"largest difference between numpy and torch: {difference:.1e}")
    assert difference < 1e-3


def print_trained() -> None:
    base = trained(strangers()[0])
    parameters = sum(value.size for value in base.values())
    print(f"\n{'model':34}{'parameters':>12}{'entropy':>9}{'loss before':>13}{'after':>7}{'change':>9}")
    for training in strangers():
        _print_loss(f"from scratch, seed {training.seed}", training, None, parameters)
    for training in small_training.siblings():
        how = f"LoRA {training.rank}" if training.rank else "further"
        _print_loss(
            f"{how} {training.rate:g}, text {training.language}.{training.sample}.{training.order}",
            training,
            base,
            parameters,
        )
    relations = {pair.name: pair for pair in trained_derivatives()}
    print("\nsiblings: correlation of their changes to the matrices, least, mean, largest")
    for name, its in sorted(_sibling_correlations().items()):
        print(f"  {name:50}{len(its):5} pairs{min(its):8.3f}{float(np.mean(its)):8.3f}{max(its):8.3f}")
    print("\nchange of matrices beside their standard deviation, mean")
    for name, pair in relations.items():
        print(f"  {name:50}{_change(pair.left, pair.right):8.4f}")


def _print_loss(name: str, training: Training, base: Checkpoint | None, parameters: int) -> None:
    its = losses(training, base)
    entropy = small_training.unigram_entropy(training)
    before, after = its[0], float(np.mean(its[-20:]))
    change = "" if base is None else f"{_change(trained(training, base), base):9.4f}"
    print(f"{name:34}{parameters:>12,}{entropy:>9.2f}{before:>13.2f}{after:>7.2f}{change}")
    assert after < entropy - 0.5 or (base is not None and after < before - 0.5), "not trained"


def _change(left: Checkpoint, right: Checkpoint) -> float:
    changed = [name for name, value in right.items() if value.ndim == 2]
    return float(np.mean([(left[name] - right[name]).std() / right[name].std() for name in changed]))


def _sibling_correlations() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for pair in trained_siblings():
        base = pair.ancestor or {}
        changes = [
            (pair.left[name] - value, pair.right[name] - value) for name, value in base.items() if value.ndim == 2
        ]
        its = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in changes if a.any() and b.any()]
        found.setdefault(pair.name, []).append(float(np.mean(its)))
    return found


def print_habits() -> None:
    """The trained models beside the simulated ones of the same sizes."""
    half = len(strangers()) // 2
    models = [trained(training) for training in strangers()]
    columns = {
        "one text": table(models[:half]),
        "own texts": table(models[half:]),
        "simulated": table([simulated(TRAINED, seed) for seed in range(half)]),
        "untrained": table([small_training.initial(seed) for seed in range(half)]),
    }
    print(f"\n{'habits of LLaMA-like models':54}" + "".join(f"{name:>11}" for name in columns))
    for name in columns["simulated"]:
        print(f"{name:54}" + "".join(f"{its[name]:11.3f}" for its in columns.values()))
