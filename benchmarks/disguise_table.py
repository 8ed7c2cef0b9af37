"""All disguises of one checkpoint by name, with what each of them keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import disguises
import rounding
import simulated_models
from disguises import Disguise, one_after_the_other
from small_models import GATED, Architecture, Checkpoint, Family, Floats, roles

Keeps = Literal["values", "function", "most"]
"""`values`: all of them, whatever they are called; `function`: what the model computes, but for rounding; `most`: neither
exactly."""

Group = Literal[
    "copy", "noise", "name", "symmetry", "further", "pruned", "rounded", "layers", "tokens", "part", "innocent"
]


@dataclass(frozen=True, slots=True)
class Disguised:
    name: str
    group: Group
    keeps: Keeps
    apply: Disguise
    families: frozenset[Family] = frozenset({"llama", "gpt2", "vit", "mixtral"})
    copy: bool = True
    """Whether it has values of the checkpoint at all; innocents have none."""
    naming: Disguise | None = None
    """What the tensors are called in the end, where not as the architecture calls them."""


def names_undone(disguised: Disguised, weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    """With the names of the architecture, so that small_forward.outputs can run it."""
    if disguised.naming is None:
        return weights
    old = disguised.naming({name: name for name in roles(architecture)}, architecture, seed)
    return {old.get(name, name): value for name, value in weights.items()}


def _rounded(by: Callable[[Floats], Floats], all_tensors: bool = False) -> Disguise:
    def applied(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
        if all_tensors:
            return {name: by(value) for name, value in weights.items()}
        return rounding.matrices(weights, by)

    return applied


def _further(size: float, rank: int = 0) -> Disguise:
    return lambda weights, architecture, seed: simulated_models.fine_tuned(weights, 10_000 + seed, size, rank)


def _independent(weights: Checkpoint, architecture: Architecture, seed: int) -> Checkpoint:
    return simulated_models.simulated(architecture, 10_000 + seed)


def _layers(choose: Callable[[int, int], list[int]]) -> Disguise:
    return lambda weights, architecture, seed: disguises.with_layers(weights, choose(architecture.layers, seed))


def _doubled(count: int, seed: int) -> list[int]:
    """Depth up-scaling: all but the last, then all but the first (Kim et al. 2024, section 2)."""
    return [*range(count - 1), *range(1, count)]


ALL_PERMUTED = one_after_the_other(
    disguises.residual_rotated, disguises.neurons_permuted, disguises.heads_permuted, disguises.renamed
)
ALL_GATED = one_after_the_other(
    disguises.residual_rotated,
    disguises.neurons_scaled,
    disguises.neurons_permuted,
    disguises.values_rotated,
    disguises.heads_permuted,
    disguises.unnamed,
)


def _then_noise(disguise: Disguise) -> Disguise:
    """The noise first: it needs no names."""
    return one_after_the_other(disguises.noisy, disguise)


ATTENTION = ("queries", "keys", "values", "outputs", "fused")
"""Roles of what the heads read and write."""

TABLE: tuple[Disguised, ...] = (
    Disguised("exact copy", "copy", "values", disguises.copied),
    *(
        Disguised(f"Gaussian noise, sd {sd:.3g}", "noise", "most", partial(disguises.noisy, sd=sd))
        for sd in disguises.NOISES
    ),
    Disguised("Gaussian noise, 3 % of each tensor's sd", "noise", "most", disguises.noisy_in_proportion),
    Disguised("uniform noise, within 2.5e-3", "noise", "most", disguises.noisy_uniform),
    Disguised("Gaussian noise, of another size in each tensor", "noise", "most", disguises.noisy_unevenly),
    *(
        Disguised(
            f"all times {factor}, Gaussian noise",
            "noise",
            "most",
            one_after_the_other(partial(disguises.scaled, factor=factor), disguises.noisy),
        )
        for factor in (0.9, 0.99, 0.999)
    ),
    Disguised("renamed as another family", "name", "values", disguises.renamed, naming=disguises.renamed),
    Disguised("names that tell nothing", "name", "values", disguises.unnamed, naming=disguises.unnamed),
    Disguised("neurons permuted", "symmetry", "function", disguises.neurons_permuted),
    Disguised("heads permuted", "symmetry", "function", disguises.heads_permuted),
    Disguised("residual permuted", "symmetry", "function", disguises.residual_permuted),
    Disguised("neurons scaled", "symmetry", "function", disguises.neurons_scaled, GATED),
    Disguised("values rotated", "symmetry", "function", disguises.values_rotated, GATED),
    Disguised("gains folded", "symmetry", "function", disguises.gains_folded),
    Disguised("residual rotated", "symmetry", "function", disguises.residual_rotated),
    Disguised("neurons permuted, noise", "symmetry", "most", _then_noise(disguises.neurons_permuted)),
    Disguised("heads permuted, noise", "symmetry", "most", _then_noise(disguises.heads_permuted)),
    Disguised("residual rotated, noise", "symmetry", "most", _then_noise(disguises.residual_rotated)),
    Disguised("rotated, permuted, renamed", "symmetry", "function", ALL_PERMUTED, naming=disguises.renamed),
    Disguised(
        "rotated, permuted, renamed, noise", "symmetry", "most", _then_noise(ALL_PERMUTED), naming=disguises.renamed
    ),
    Disguised(
        "all of these, no names, noise", "symmetry", "most", _then_noise(ALL_GATED), GATED, naming=disguises.unnamed
    ),
    Disguised("fine-tuned, 1 %", "further", "most", _further(0.01)),
    Disguised("fine-tuned, 5 %", "further", "most", _further(0.05)),
    Disguised("fine-tuned, 20 %", "further", "most", _further(0.2)),
    Disguised("LoRA of rank 8 merged, 5 %", "further", "most", _further(0.05, 8)),
    Disguised("LoRA of rank 16 merged, 10 %", "further", "most", _further(0.1, 16)),
    *(
        Disguised(f"pruned, {share:.0%}", "pruned", "most", partial(disguises.pruned, share=share))
        for share in (0.3, 0.5, 0.7)
    ),
    Disguised("pruned, 50 %, fine-tuned", "pruned", "most", disguises.pruned_further),
    Disguised("int8 for each row", "rounded", "most", _rounded(rounding.int8_rows)),
    Disguised("int8 for each tensor", "rounded", "most", _rounded(rounding.int8_tensor)),
    *(
        Disguised(
            f"4 bits, groups of {group}{', zero point' if zero_point else ''}",
            "rounded",
            "most",
            _rounded(partial(rounding.int4, group=group, zero_point=zero_point)),
        )
        for group in (32, 128)
        for zero_point in (False, True)
    ),
    Disguised("NF4", "rounded", "most", _rounded(rounding.nf4)),
    Disguised("to F16", "rounded", "most", _rounded(rounding.float16, all_tensors=True)),
    Disguised("to BF16", "rounded", "most", _rounded(rounding.bfloat16, all_tensors=True)),
    Disguised("matrices to F8_E4M3", "rounded", "most", _rounded(rounding.float8)),
    Disguised("every third layer dropped", "layers", "most", _layers(lambda n, _: [i for i in range(n) if i % 3 != 1])),
    Disguised("last layer dropped", "layers", "most", _layers(lambda n, _: [*range(n - 1)])),
    Disguised("layers reordered", "layers", "most", _layers(disguises.reordered)),
    Disguised("layers doubled", "layers", "most", _layers(_doubled)),
    Disguised("tokens added at the end", "tokens", "most", disguises.extended),
    Disguised("matrices of tokens alone", "part", "most", partial(disguises.in_part, parts=("token", "pixel"))),
    Disguised("matrices of attention alone", "part", "most", partial(disguises.in_part, parts=ATTENTION)),
    Disguised("independent", "innocent", "most", _independent, copy=False),
    Disguised(
        "independent, renamed",
        "innocent",
        "most",
        one_after_the_other(_independent, disguises.renamed),
        copy=False,
        naming=disguises.renamed,
    ),
    Disguised(
        "independent, names that tell nothing",
        "innocent",
        "most",
        one_after_the_other(_independent, disguises.unnamed),
        copy=False,
        naming=disguises.unnamed,
    ),
)
"""Merges need a second model (`disguises.merged`, `slerped`, `added_up`), GGUF files a file (`model_files.to_gguf`), and
what was really trained a base (`small_training.siblings`)."""
