#!/usr/bin/env python3
"""Train the line reader:  python train.py --config harbor.json --out runs/first"""

import argparse
import copy
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from backbone import LineReader
from ctc_head import Alphabet, focal_ctc, greedy_decode
from data import Degrade, LineDataset, WidthBuckets, collate_lines
from metrics import ErrorRate


@dataclass
class TrainConfig:
    data_root: str = "data/harbour-ledgers"
    epochs: int = 60
    peak_rate: float = 2.4e-3
    warmup_steps: int = 800
    weight_decay: float = 0.02
    clip: float = 4.0
    averaging: float = 0.9985
    degrade: float = 1.0
    workers: int = 4
    patience: int = 9

    @classmethod
    def load(cls, path):
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
        strangers = set(raw) - set(cls.__dataclass_fields__)
        if strangers:
            raise SystemExit(f"unknown settings: {', '.join(sorted(strangers))}")
        return cls(**raw)


class AveragedWeights:
    """Exponential moving average; buffers are simply copied."""

    def __init__(self, network, decay: float):
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network):
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for mine, theirs in zip(self.network.parameters(), network.parameters()):
            mine.lerp_(theirs, 1 - decay)
        for mine, theirs in zip(self.network.buffers(), network.buffers()):
            mine.copy_(theirs)


def decay_groups(network, weight_decay):
    plain, decayed = [], []
    for parameter in network.parameters():
        (decayed if parameter.ndim > 1 else plain).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def inverse_root(warmup: int):
    def factor(step: int) -> float:
        step = max(step, 1)
        return min(step / warmup, (warmup / step) ** 0.5)

    return factor


@torch.no_grad()
def evaluate(network, loader, alphabet, device):
    characters, words = ErrorRate(), ErrorRate(words=True)
    for batch in loader:
        logits, lengths = network(batch["lines"].to(device), batch["widths"])
        readings = [alphabet.to_text(c) for c in greedy_decode(logits, lengths)]
        characters.update(readings, batch["texts"])
        words.update(readings, batch["texts"])
    report = characters.compute()
    return {"cer": report["rate"], "wer": words.compute()["rate"], "exact": report["exact"]}


def train_epoch(network, average, loader, optimizer, schedule, config, device):
    network.train()
    began, total, count = time.monotonic(), 0.0, 0
    for batch in loader:
        logits, lengths = network(batch["lines"].to(device), batch["widths"])
        loss = focal_ctc(logits, lengths, batch["targets"].to(device), batch["target_lengths"].to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        if torch.isfinite(norm):
            optimizer.step()
            average.update(network)
        schedule.step()
        total += loss.item() * len(batch["texts"])
        count += len(batch["texts"])
    return {"loss": total / max(count, 1), "lines_per_second": count / (time.monotonic() - began)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    config = TrainConfig.load(options.config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options.out.mkdir(parents=True, exist_ok=True)

    training = LineDataset(config.data_root, "train", degrade=Degrade(config.degrade))
    alphabet = Alphabet.from_transcripts(training.transcripts())
    training.alphabet = alphabet
    held_out = LineDataset(config.data_root, "dev", alphabet)

    def loader(dataset, shuffle):
        buckets = WidthBuckets(dataset, shuffle=shuffle)
        return DataLoader(dataset, batch_sampler=buckets, collate_fn=collate_lines, num_workers=config.workers)

    train_loader, dev_loader = loader(training, True), loader(held_out, False)
    network = LineReader(len(alphabet)).to(device)
    average = AveragedWeights(network, config.averaging)
    optimizer = torch.optim.AdamW(decay_groups(network, config.weight_decay), lr=config.peak_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, inverse_root(config.warmup_steps))

    best, stale = 1.0, 0
    for epoch in range(config.epochs):
        log = train_epoch(network, average, train_loader, optimizer, schedule, config, device)
        log.update(evaluate(average.network, dev_loader, alphabet, device), epoch=epoch)
        print(json.dumps({k: round(v, 5) for k, v in log.items()}), flush=True)
        if log["cer"] < best:
            best, stale = log["cer"], 0
            state = {
                "weights": average.network.state_dict(),
                "alphabet": "".join(alphabet.characters),
                "config": asdict(config),
            }
            torch.save(state, options.out / "best.pt")
        else:
            stale += 1
        if stale > config.patience:
            print(f"no progress for {stale} epochs, stopping with a CER of {best:.4f}")
            break


if __name__ == "__main__":
    main()
