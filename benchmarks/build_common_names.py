"""Rebuilds codeclone/data/common_names.txt: distinctive names that unrelated packages use alike.

    python benchmarks/build_common_names.py     # downloads the packages listed below with pip, by name

A name that at least `LEAST_PACKAGES` of them have anywhere in their Python files, be it in a comment, shows no common
origin (codeclone/match/leftovers.py).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from packages import fetch

from codeclone.match.leftovers import distinctive_words

PACKAGES = """
transformers==4.46.3 diffusers==0.31.0 timm==1.0.11 torchvision==0.20.1 sentence-transformers==3.3.1 peft==0.13.2
accelerate==1.1.1 scikit-learn==1.5.2 networkx==3.4.2 django==5.1.3 gensim nltk sympy keras-hub kornia torchmetrics
speechbrain x-transformers litgpt==0.5.3
""".split()

LEAST_PACKAGES = 3

TARGET = Path(__file__).parent.parent / "codeclone" / "data" / "common_names.txt"


def main() -> None:
    counts: Counter[str] = Counter()
    for package in PACKAGES:
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in fetch(package).rglob("*.py"))
        counts.update(set().union(*map(distinctive_words, texts)))
    names = sorted(name for name, count in counts.items() if count >= LEAST_PACKAGES)
    TARGET.write_text("\n".join(names) + "\n", encoding="utf-8")
    print(f"{len(names):,} names of {len(counts):,}")


if __name__ == "__main__":
    main()
