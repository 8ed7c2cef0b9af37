"""Alphabet, loss and decoding for connectionist temporal classification."""

import math
from collections import defaultdict

import torch

BLANK = 0
NEG_INF = -1e30


class Alphabet:
    """Characters <-> class numbers. Class 0 is the blank, the last class any unknown character."""

    def __init__(self, characters: str, unknown: str = "\u25a1"):
        self.unknown = unknown
        self.characters = [c for c in dict.fromkeys(characters) if c != unknown] + [unknown]
        self.lookup = {c: n for n, c in enumerate(self.characters, start=1)}

    @classmethod
    def from_transcripts(cls, transcripts, min_count: int = 3):
        tally = defaultdict(int)
        for line in transcripts:
            for character in line:
                tally[character] += 1
        return cls("".join(sorted(c for c, n in tally.items() if n >= min_count)))

    def __len__(self):
        return len(self.characters) + 1

    def to_classes(self, line: str) -> list:
        other = self.lookup[self.unknown]
        return [self.lookup.get(c, other) for c in line]

    def to_text(self, classes) -> str:
        return "".join(self.characters[c - 1] for c in classes if c != BLANK)


def focal_ctc(logits, lengths, targets, target_lengths, focus: float = 0.4):
    """CTC loss in which lines that are already read well count less."""
    log_probs = logits.log_softmax(-1).permute(1, 0, 2)
    nll = torch.nn.functional.ctc_loss(
        log_probs, targets, lengths, target_lengths, blank=BLANK, reduction="none", zero_infinity=True
    )
    per_character = nll / target_lengths.clamp_min(1)
    ease = torch.exp(-per_character.detach())
    return ((1.0 - ease).pow(focus) * per_character).mean()


def greedy_decode(logits, lengths) -> list:
    """Best class of each step with repeats and blanks removed."""
    readings = []
    for classes, length in zip(logits.argmax(-1).cpu(), lengths.tolist()):
        steps = torch.unique_consecutive(classes[:length])
        readings.append(steps[steps != BLANK].tolist())
    return readings


def log_add(*values: float) -> float:
    top = max(values)
    if top <= NEG_INF:
        return NEG_INF
    return top + math.log(sum(math.exp(v - top) for v in values))


class BigramPrior:
    """Add-one smoothed character bigrams, used while decoding with a beam."""

    def __init__(self, alphabet: Alphabet, weight: float = 0.25):
        self.alphabet = alphabet
        self.weight = weight
        self.pairs = defaultdict(lambda: defaultdict(int))

    def fit(self, transcripts):
        for line in transcripts:
            classes = [BLANK, *self.alphabet.to_classes(line)]
            for before, after in zip(classes, classes[1:]):
                self.pairs[before][after] += 1
        return self

    def score(self, before: int, after: int) -> float:
        row = self.pairs[before]
        seen = sum(row.values())
        return self.weight * math.log((row[after] + 1) / (seen + len(self.alphabet)))


def beam_decode(log_probs, prior=None, width: int = 12, keep: int = 8) -> list:
    """Prefix beam search over one line; `log_probs` is (steps, classes)."""
    # prefix -> [log p(ends in blank), log p(ends in a character)]
    beams = {(): [0.0, NEG_INF]}
    for step in log_probs:
        best = torch.topk(step, min(keep, step.numel()))
        options = list(zip(best.indices.tolist(), best.values.tolist()))
        fresh = defaultdict(lambda: [NEG_INF, NEG_INF])
        for prefix, (p_blank, p_char) in beams.items():
            for c, p in options:
                if c == BLANK:
                    fresh[prefix][0] = log_add(fresh[prefix][0], p_blank + p, p_char + p)
                    continue
                last = prefix[-1] if prefix else BLANK
                bonus = prior.score(last, c) if prior else 0.0
                longer = prefix + (c,)
                if c == last:
                    fresh[prefix][1] = log_add(fresh[prefix][1], p_char + p)
                    fresh[longer][1] = log_add(fresh[longer][1], p_blank + p + bonus)
                else:
                    fresh[longer][1] = log_add(fresh[longer][1], p_blank + p + bonus, p_char + p + bonus)
        ranked = sorted(fresh.items(), key=lambda item: -log_add(*item[1]))
        beams = dict(ranked[:width])
    return list(max(beams.items(), key=lambda item: log_add(*item[1]))[0])
