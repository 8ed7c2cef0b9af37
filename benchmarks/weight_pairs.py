"""Pairs of checkpoints whose relation is known: strangers, siblings, one derived from the other; simulated and really trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import disguises
import simulated_models
import small_training
from small_models import SMALL, Architecture, Checkpoint
from small_training import BASES, FURTHER, HEAVY, TRAINED, Training, trained

Relation = Literal["stranger", "sibling", "origin", "derived"]
"""`sibling`: fine-tunes of one base, which is the ancestor; `origin`: the same values before training on different texts;
`derived`: the left one was made from the right one."""


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    relation: Relation
    architecture: Architecture
    left: Checkpoint
    right: Checkpoint
    ancestor: Checkpoint | None = None
    """Base of siblings."""


def simulated_strangers(count: int = 1000) -> Iterator[Pair]:
    """So many, of all families in turn; no model stands in two pairs."""
    families = list(SMALL.items())
    for number in range(count):
        family, architecture = families[number % len(families)]
        left, right = (simulated_models.simulated(architecture, 2 * number + side) for side in range(2))
        yield Pair(f"simulated {family}", "stranger", architecture, left, right)


def simulated_siblings(count: int = 200) -> Iterator[Pair]:
    """Half of them with changes that correlate by 0.1 to 0.5; each on a base of its own."""
    families = list(SMALL.items())
    for number in range(count):
        family, architecture = families[number // 2 % len(families)]
        base = simulated_models.simulated(architecture, 100_000 + number)
        correlation = (0.1, 0.2, 0.3, 0.4, 0.5)[number // 2 % 5] if number % 2 else 0.0
        left, right = simulated_models.siblings(base, number, correlation)
        yield Pair(
            f"simulated {family}, changes correlate by {correlation}", "sibling", architecture, left, right, base
        )


def trained_strangers() -> Iterator[Pair]:
    """All pairs of the models that were trained from different values."""
    models = [(training, trained(training)) for training in small_training.strangers()]
    for (one, left), (other, right) in combinations(models, 2):
        text = "the same text" if _text(one) == _text(other) else "other texts"
        yield Pair(f"trained on {text}", "stranger", TRAINED, left, right)


def trained_siblings() -> Iterator[Pair]:
    """All pairs of the fine-tunes of each base."""
    for base in _bases():
        tuned = [(training, trained(training, base)) for training in small_training.siblings()]
        for (one, left), (other, right) in combinations(tuned, 2):
            lora = "LoRA, " * bool(one.rank and other.rank)
            if one.language == other.language == 0:
                text = "more of the base's text"
            elif _text(one)[:2] == _text(other)[:2]:
                text = "the same text in another order"
            else:
                text = "other texts of one language" if one.language == other.language else "other languages"
            yield Pair(f"trained, {lora}{text}", "sibling", TRAINED, left, right, base)


def trained_derivatives() -> Iterator[Pair]:
    """What fine-tuning really makes of a base, and the same seed with other texts."""
    for number, base in enumerate(_bases()):
        training = small_training.strangers()[number]
        tuned = [trained(its, base) for its in small_training.siblings()]
        twice = trained(replace(HEAVY, language=200 + number), tuned[10])
        half = disguises.pruned(base, TRAINED, number, 0.5)
        made = {
            "fine-tuned on a text of another language": tuned[0],
            "fine-tuned little": tuned[20],
            "fine-tuned much": tuned[10],
            "LoRA of rank 8 merged": tuned[15],
            "LoRA of rank 16 merged": tuned[19],
            "fine-tuned twice": twice,
            "pruned, 50 %, really fine-tuned": trained(replace(FURTHER, language=300, keep_zeros=True), half),
            "fine-tuned, then noise": disguises.noisy(tuned[0], TRAINED, number),
            "mean of two fine-tunes": disguises.merged(tuned[0], tuned[11]),
            "four parts of one fine-tune, one of another": disguises.merged(tuned[0], tuned[11], 0.8),
            "between two fine-tunes on the arc": disguises.slerped(tuned[0], tuned[11]),
            "base and parts of two changes": disguises.added_up(base, [tuned[0], tuned[11]]),
        }
        for name, left in made.items():
            yield Pair(name, "derived", TRAINED, left, base)
        yield Pair(
            "mean of two fine-tunes, beside one of them", "derived", TRAINED, made["mean of two fine-tunes"], tuned[0]
        )
        other = small_training.strangers()[BASES + number]
        stranger = trained(other)
        yield Pair("mean with a stranger", "derived", TRAINED, disguises.merged(base, stranger, 0.8), base)
        same_seed = trained(replace(training, language=400 + number, sample=1, order=1))
        yield Pair("same seed, other text", "origin", TRAINED, same_seed, base)
        yield Pair(
            "same seed, same text in another order", "origin", TRAINED, trained(replace(training, order=9)), base
        )


def _bases() -> list[Checkpoint]:
    return [trained(training) for training in small_training.strangers()[:BASES]]


def _text(training: Training) -> tuple[int, int, int]:
    return training.language, training.sample, training.order
