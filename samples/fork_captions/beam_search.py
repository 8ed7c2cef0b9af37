"""Beam search over one image at a time, with n-gram blocking."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from caption_head import LanternCaptioner, LayerCache


@dataclass
class Caption:
    ids: list[int]
    logprob: float

    def score(self, length_power: float) -> float:
        return self.logprob / max(1, len(self.ids)) ** length_power


def repeated_endings(ids: list[int], n: int) -> set[int]:
    """Words that would complete an n-gram already present in ``ids``."""
    if n <= 0 or len(ids) < n - 1:
        return set()
    tail = tuple(ids[len(ids) - n + 1 :])
    return {
        ids[i + n - 1] for i in range(len(ids) - n + 1) if tuple(ids[i : i + n - 1]) == tail
    }


def pick_beams(caches: list[LayerCache], rows: torch.Tensor) -> list[LayerCache]:
    return [LayerCache(*(part.index_select(0, rows) for part in cache)) for cache in caches]


@torch.inference_mode()
def describe(
    model: LanternCaptioner,
    pixels: torch.Tensor,
    beams: int = 4,
    length_power: float = 0.7,
    no_repeat: int = 3,
    min_len: int = 4,
) -> list[Caption]:
    """Captions for a single (channels, height, width) image, best first."""
    config = model.config
    memory = model.encoder(pixels.unsqueeze(0)).memory
    live = [Caption([], 0.0)]
    done: list[Caption] = []
    last = torch.tensor([[config.bos_id]], device=pixels.device)
    caches: list[LayerCache] | None = None

    for step in range(config.max_caption_len - 1):
        logits, caches = model.head(last, memory if caches is None else None, caches)
        table = logits[:, -1].float().log_softmax(dim=-1)
        table[:, [config.pad_id, config.bos_id]] = float("-inf")
        if step < min_len:
            table[:, config.eos_id] = float("-inf")
        for row, caption in enumerate(live):
            banned = repeated_endings(caption.ids, no_repeat)
            if banned:
                table[row, sorted(banned)] = float("-inf")

        totals = table + torch.tensor([c.logprob for c in live], device=table.device).unsqueeze(1)
        values, flat = totals.flatten().topk(min(2 * beams, totals.numel()))
        survivors: list[Caption] = []
        parents: list[int] = []
        for value, index in zip(values.tolist(), flat.tolist()):
            if value == float("-inf"):
                break
            parent, word = divmod(index, table.shape[1])
            if word == config.eos_id:
                done.append(Caption(live[parent].ids, value))
            elif len(survivors) < beams:
                survivors.append(Caption(live[parent].ids + [word], value))
                parents.append(parent)
        live = survivors
        done = sorted(done, key=lambda c: -c.score(length_power))[:beams]
        if not live:
            break
        if len(done) == beams:
            reachable = max(c.logprob for c in live) / config.max_caption_len**length_power
            if done[-1].score(length_power) >= reachable:
                break
        caches = pick_beams(caches, torch.tensor(parents, device=pixels.device))
        last = torch.tensor([[c.ids[-1]] for c in live], device=pixels.device)

    return sorted(done or live, key=lambda c: -c.score(length_power))
