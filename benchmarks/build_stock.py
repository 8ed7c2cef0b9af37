"""Rebuilds codeclone/data/stock_code.npz: how many files of well-known packages hold each code fact.

    python benchmarks/build_stock.py            # downloads the packages listed below with pip, by name

Only hashes and counts are kept. The packages, versions and digests of what was read are written into
docs/stock.md beside the counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from codeclone import background
from codeclone.evidence import code
from codeclone.read import folder

sys.path.insert(0, str(Path(__file__).parent))
from packages import fetch

PACKAGES = (
    "transformers==4.46.3",
    "diffusers==0.31.0",
    "timm==1.0.11",
    "torchvision==0.20.1",
    "sentence-transformers==3.3.1",
    "peft==0.13.2",
    "accelerate==1.1.1",
    "scikit-learn==1.5.2",
    "networkx==3.4.2",
    "django==5.1.3",
)


def file_facts(package: str) -> Iterator[np.ndarray]:
    """Distinct facts of each file of a package."""
    profile = code.profile(folder.read(str(fetch(package))))
    paths = [fragment.location.path for fragment in profile.fragments]
    numbers = {path: number for number, path in enumerate(dict.fromkeys(paths))}
    file_of = np.array([numbers[path] for path in paths])[profile.facts.fragments]
    order = np.argsort(file_of, kind="stable")
    for keys in np.split(profile.facts.keys[order], np.flatnonzero(np.diff(file_of[order])) + 1):
        yield np.unique(keys)


def main() -> None:
    collected: list[np.ndarray] = []
    lines = []
    for package in PACKAGES:
        before = len(collected)
        collected.extend(file_facts(package))
        snapshot = folder.read(str(fetch(package)))
        lines.append(f"| {package} | {len(collected) - before} | `{snapshot.repository.digest[:16]}` |")
        print(lines[-1], file=sys.stderr)
    keys, counts = np.unique(np.concatenate(collected), return_counts=True)
    kept = counts >= background.LEAST_COUNT
    description = f"{len(collected)} files of {', '.join(PACKAGES)}"
    background.save(keys[kept], counts[kept], len(collected), description, background.TABLE)
    docs = Path(__file__).parent.parent / "docs" / "stock.md"
    docs.write_text(
        "# The shipped background of code facts\n\n"
        "Built by `python benchmarks/build_stock.py` from the packages below. A fact is kept when at least "
        f"{background.LEAST_COUNT} files hold it: {int(kept.sum()):,} facts of {len(keys):,}, with the number of files.\n\n"
        "| package | Python files | snapshot digest |\n|---|---|---|\n" + "\n".join(lines) + "\n",
        encoding="utf-8",
    )
    print(f"{int(kept.sum()):,} facts, {background.TABLE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
