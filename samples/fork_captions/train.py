"""Train a captioner: ``python train.py DATA_DIR OUT_DIR``."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from beam_search import describe
from caption_head import LanternCaptioner
from configuration_lantern import LanternConfig
from dataset import CaptionFolder


def build_optimizer(model: LanternCaptioner, head_lr: float, encoder_lr: float) -> torch.optim.AdamW:
    groups = []
    for part, lr in ((model.encoder, encoder_lr), (model.head, head_lr)):
        matrices = [p for p in part.parameters() if p.requires_grad and p.ndim > 1]
        vectors = [p for p in part.parameters() if p.requires_grad and p.ndim <= 1]
        groups.append({"params": matrices, "lr": lr, "weight_decay": 0.02})
        groups.append({"params": vectors, "lr": lr, "weight_decay": 0.0})
    return torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, 0.98))


def warm_cosine(step: int, warmup: int, total: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return 0.02 + 0.49 * (1.0 + math.cos(math.pi * progress))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--encoder-weights", type=Path)
    parser.add_argument("--freeze-blocks", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--head-lr", type=float, default=4e-4)
    parser.add_argument("--encoder-lr", type=float, default=3e-5)
    args = parser.parse_args()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = LanternConfig()
    train_set = CaptionFolder(args.data / "train", config)
    valid_set = CaptionFolder(args.data / "valid", config, vocab=train_set.vocab, training=False)
    loader = DataLoader(
        train_set, args.batch_size, shuffle=True, num_workers=6, drop_last=True, collate_fn=train_set.collate
    )
    valid_loader = DataLoader(valid_set, args.batch_size, collate_fn=valid_set.collate)

    model = LanternCaptioner(config)
    if args.encoder_weights:
        report = model.encoder.load_state_dict(
            torch.load(args.encoder_weights, map_location="cpu", weights_only=True), strict=False
        )
        print("not in the checkpoint:", report.missing_keys)
    model.encoder.freeze(args.freeze_blocks)
    model.encoder.use_checkpointing = True
    model.to(device)

    optimizer = build_optimizer(model, args.head_lr, args.encoder_lr)
    total = args.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: warm_cosine(s, 500, total))
    args.out.mkdir(parents=True, exist_ok=True)
    config.write(args.out / "config.json")
    (args.out / "vocab.json").write_text(json.dumps(train_set.vocab.words))

    best = float("inf")
    for epoch in range(args.epochs):
        model.train()
        for pixels, captions in loader:
            with torch.autocast(device, dtype=torch.bfloat16):
                loss = model(pixels.to(device), captions.to(device))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()

        model.eval()
        with torch.inference_mode():
            losses = [model(p.to(device), c.to(device)).item() for p, c in valid_loader]
        mean = sum(losses) / len(losses)
        sample = describe(model, valid_set[epoch % len(valid_set)][0].to(device))[0]
        print(f"epoch {epoch}: valid loss {mean:.3f}; e.g. {valid_set.vocab.decode(sample.ids)!r}")
        if mean < best:
            best = mean
            torch.save(model.state_dict(), args.out / "best.pt")


if __name__ == "__main__":
    main()
