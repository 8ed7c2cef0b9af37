"""Byte-level BPE: training of merges, encoding, decoding."""
from collections import Counter

import regex

SPLIT = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def merge_pair(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            out.append(new_id)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


class ByteBPE:
    def __init__(self):
        self.merges = {}
        self.vocab = {i: bytes([i]) for i in range(256)}

    def train(self, text, vocab_size):
        words = Counter(tuple(m.encode("utf-8")) for m in SPLIT.findall(text))
        words = {w: c for w, c in words.items()}
        while len(self.vocab) < vocab_size:
            pairs = Counter()
            for word, count in words.items():
                for a, b in zip(word, word[1:]):
                    pairs[a, b] += count
            if not pairs:
                break
            best = max(pairs, key=lambda p: (pairs[p], p))
            idx = len(self.vocab)
            self.merges[best] = idx
            self.vocab[idx] = self.vocab[best[0]] + self.vocab[best[1]]
            words = {tuple(merge_pair(w, best, idx)): c for w, c in words.items()}

    def encode(self, text):
        ids = []
        for chunk in SPLIT.findall(text):
            part = list(chunk.encode("utf-8"))
            while len(part) > 1:
                pair = min(zip(part, part[1:]), key=lambda p: self.merges.get(p, float("inf")))
                if pair not in self.merges:
                    break
                part = merge_pair(part, pair, self.merges[pair])
            ids.extend(part)
        return ids

    def decode(self, ids):
        return b"".join(self.vocab[i] for i in ids).decode("utf-8", errors="replace")
