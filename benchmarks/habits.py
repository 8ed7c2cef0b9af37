"""What a stranger's checkpoint has in common with any other of its architecture, in figures: simulated models are held against
trained ones by them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from small_models import Checkpoint, Floats


def gate_up_correlation(weights: Checkpoint) -> float:
    """Mean |cosine| between the two rows of a neuron; of independent rows of d values it is sqrt(2 / (pi d))."""
    found = [
        np.abs((_normed(value) * _normed(weights[name.replace("gate_proj", "up_proj")])).sum(1)).mean()
        for name, value in _of(weights, "gate_proj")
    ]
    return float(np.mean(found))


def gate_down_correlation(weights: Checkpoint) -> float:
    found = [
        np.abs((_normed(value) * _normed(weights[name.replace("gate_proj", "down_proj")].T)).sum(1)).mean()
        for name, value in _of(weights, "gate_proj")
    ]
    return float(np.mean(found))


def row_cosine(weights: Checkpoint, part: str) -> float:
    """Mean cosine between two different rows."""
    found = []
    for _, value in _of(weights, part):
        rows = _normed(value)
        found.append(((rows.sum(0) ** 2).sum() - len(rows)) / (len(rows) * (len(rows) - 1)))
    return float(np.mean(found))


def row_spread(weights: Checkpoint, part: str) -> float:
    """Standard deviation of the logarithm of the rows' lengths."""
    return float(np.mean([np.log(np.linalg.norm(value, axis=1)).std() for _, value in _of(weights, part)]))


def leading_share(weights: Checkpoint, part: str) -> float:
    """Share of the squared singular values in the largest tenth of them."""
    found = []
    for _, value in _of(weights, part):
        squares = np.linalg.svd(value, compute_uv=False) ** 2
        found.append(squares[: len(squares) // 10].sum() / squares.sum())
    return float(np.mean(found))


def outlier(weights: Checkpoint, part: str) -> float:
    """Length of the longest column beside that of the median one."""
    lengths = [np.linalg.norm(value, axis=0) for _, value in _of(weights, part)]
    return float(np.mean([its.max() / np.median(its) for its in lengths]))


def gains(weights: Checkpoint) -> tuple[float, float]:
    """Mean, and mean standard deviation inside a norm."""
    found = [value for name, value in weights.items() if "norm" in name]
    return float(np.mean([value.mean() for value in found])), float(np.mean([value.std() for value in found]))


def same_scales(one: Checkpoint, other: Checkpoint) -> float:
    """Correlation of the tensors' standard deviations."""
    return _correlation(
        np.array([one[name].std() for name in one if one[name].ndim > 1]),
        np.array([other[name].std() for name in one if other[name].ndim > 1]),
    )


def same_gains(one: Checkpoint, other: Checkpoint) -> float:
    """Uncentred cosine of all norm gains."""
    a, b = (np.concatenate([its[name] for name in one if "norm" in name]) for its in (one, other))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def same_gram(one: Checkpoint, other: Checkpoint, part: str) -> float:
    """Correlation of the cosines between tokens."""
    grams = []
    for its in (one, other):
        rows = _normed(next(value for _, value in _of(its, part)))
        rows = rows - rows.mean(0)
        grams.append((rows @ rows.T)[np.triu_indices(len(rows), 1)])
    return _correlation(*grams)


def same_lengths(one: Checkpoint, other: Checkpoint, part: str) -> float:
    """Correlation of the lengths of the tokens' rows."""
    lengths = (np.linalg.norm(next(value for _, value in _of(its, part)), axis=1) for its in (one, other))
    return _correlation(*lengths)


def alike_to_tokens(one: Checkpoint, other: Checkpoint) -> int:
    """Neurons of the layer where they are most whose rows of gate and of up choose the same neuron of the other model, by what
    they read of the tokens: what models that read one text have in common."""
    found = []
    for name, _ in _of(one, "gate_proj"):
        norm = name.replace("mlp.gate_proj", "post_attention_layernorm")
        choices = []
        for part in (name, name.replace("gate_proj", "up_proj")):
            its = [(model[part] * model[norm]) @ model["model.embed_tokens.weight"].T for model in (one, other)]
            first, second = (_normed(read - read.mean(0)) for read in its)
            choices.append(np.abs(first @ second.T).argmax(1))
        found.append(int((choices[0] == choices[1]).sum()))
    return max(found)


def table(models: Sequence[Checkpoint]) -> dict[str, float]:
    """Means over the models, and over neighbours for what two have in common."""
    pairs = list(zip(models[::2], models[1::2], strict=True))

    def mean(measure, *arguments: str) -> float:
        return float(np.mean([measure(its, *arguments) for its in models]))

    def of_two(measure, *arguments: str) -> float:
        return float(np.mean([measure(one, other, *arguments) for one, other in pairs]))

    return {
        "|cosine| of gate and up row": mean(gate_up_correlation),
        "|cosine| of gate row and down column": mean(gate_down_correlation),
        "cosine of two gate rows": mean(row_cosine, "gate_proj"),
        "cosine of two embeddings": mean(row_cosine, "embed_tokens"),
        "cosine of two rows of the head": mean(row_cosine, "lm_head"),
        "sd of log length of gate rows": mean(row_spread, "gate_proj"),
        "sd of log length of embeddings": mean(row_spread, "embed_tokens"),
        "leading tenth of the spectrum, gate": mean(leading_share, "gate_proj"),
        "leading tenth of the spectrum, q": mean(leading_share, "q_proj"),
        "leading tenth of the spectrum, embeddings": mean(leading_share, "embed_tokens"),
        "longest column of gate / median": mean(outlier, "gate_proj"),
        "longest column of embeddings / median": mean(outlier, "embed_tokens"),
        "gains, mean": float(np.mean([gains(its)[0] for its in models])),
        "gains, sd inside a norm": float(np.mean([gains(its)[1] for its in models])),
        "strangers: correlation of sds": of_two(same_scales),
        "strangers: uncentred cosine of gains": of_two(same_gains),
        "strangers: correlation of token cosines": of_two(same_gram, "embed_tokens"),
        "strangers: the same, head": of_two(same_gram, "lm_head"),
        "strangers: correlation of token lengths": of_two(same_lengths, "embed_tokens"),
        "strangers: neurons that read the same tokens, of 256": of_two(alike_to_tokens),
    }


def _of(weights: Checkpoint, part: str) -> list[tuple[str, Floats]]:
    return [(name, value) for name, value in weights.items() if f".{part}." in f".{name}"]


def _normed(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1])
