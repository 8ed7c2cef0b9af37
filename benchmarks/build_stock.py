"""Rebuilds codeclone/data/stock_code.npz: how many files of well-known packages hold each code fact.

    python benchmarks/build_stock.py            # downloads the packages listed below with pip, by name

Python files are counted in the wheels of one list, C, C++ and CUDA files in the source archives of another: a fact is
rare among the files of its language.

Only hashes and counts are kept. The packages, versions and digests of what was read are written into
docs/stock.md beside the counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from codeclone import background
from codeclone.evidence import code
from codeclone.parse.fragments import KERNELS, PYTHON
from codeclone.read import folder

sys.path.insert(0, str(Path(__file__).parent))
from packages import fetch, fetch_sources

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

KERNEL_PACKAGES = (
    "pybind11==3.0.1",
    "mmcv==2.2.0",
    "deepspeed==0.16.4",
    "gsplat==1.5.3",
    "vllm==0.9.2",
    "cupy==13.6.0",
    "lightgbm==4.6.0",
    "torch-scatter==2.1.2",
    "torch-sparse==0.6.18",
    "torch-cluster==1.6.3",
)

LEAST_COUNT_KERNELS = 5
"""Of the facts of C, C++ and CUDA those in fewer files are left out, which keeps the table small; they then count as a
little rarer than they are, by at most 0.7 bits."""


FILES_AT_ONCE = 200
"""Files of C, C++ and CUDA profiled together, which bounds the memory that their many facts take."""


def file_facts(folder_: Path, kernels: bool) -> Iterator[np.ndarray]:
    """Distinct facts of each file of a folder, of C, C++ and CUDA or of Python."""
    snapshot = folder.read(str(folder_))
    wanted = tuple(KERNELS) if kernels else PYTHON
    files = tuple(file for file in snapshot.files if file.path.lower().endswith(wanted))
    for first in range(0, len(files), FILES_AT_ONCE if kernels else len(files)):
        part = replace(snapshot, files=files[first : first + FILES_AT_ONCE] if kernels else files)
        profile = code.profile(part)
        paths = [fragment.location.path for fragment in profile.fragments]
        numbers = {path: number for number, path in enumerate(dict.fromkeys(paths))}
        file_of = np.array([numbers[path] for path in paths])[profile.facts.fragments]
        order = np.argsort(file_of, kind="stable")
        for keys in np.split(profile.facts.keys[order], np.flatnonzero(np.diff(file_of[order])) + 1):
            yield np.unique(keys)


def count(packages: Sequence[str], *, kernels: bool) -> tuple[np.ndarray, np.ndarray, int, list[str]]:
    """(facts, number of files with each, files, a line of the table for each package)."""
    collected: list[np.ndarray] = []
    lines = []
    for package in packages:
        before = len(collected)
        unpacked = fetch_sources(package) if kernels else fetch(package)
        collected.extend(file_facts(unpacked, kernels))
        digest = folder.read(str(unpacked)).repository.digest[:16]
        lines.append(f"| {package} | {len(collected) - before} | `{digest}` |")
        print(lines[-1], file=sys.stderr)
    keys, counts = np.unique(np.concatenate(collected), return_counts=True)
    return keys, counts, len(collected), lines


def main() -> None:
    keys, counts, files, lines = count(PACKAGES, kernels=False)
    kernel_keys, kernel_counts, kernel_files, kernel_lines = count(KERNEL_PACKAGES, kernels=True)
    kept, kernel_kept = counts >= background.LEAST_COUNT, kernel_counts >= LEAST_COUNT_KERNELS
    merged = np.concatenate([keys[kept], kernel_keys[kernel_kept]])
    order = np.argsort(merged)
    table = background.Background(
        merged[order],
        np.concatenate([counts[kept], kernel_counts[kernel_kept]])[order].astype(np.uint32),
        files,
        kernel_files,
        f"{files} Python files of {', '.join(PACKAGES)}; "
        f"{kernel_files} files of C, C++ and CUDA of {', '.join(KERNEL_PACKAGES)}",
    )
    background.save(table, background.TABLE)
    docs = Path(__file__).parent.parent / "docs" / "stock.md"
    docs.write_text(
        "# The shipped background of code facts\n\n"
        "Built by `python benchmarks/build_stock.py` from the packages below. A fact of Python is kept when at least "
        f"{background.LEAST_COUNT} files hold it: {int(kept.sum()):,} facts of {len(keys):,}, with the number of files; "
        f"one of C, C++ or CUDA when at least {LEAST_COUNT_KERNELS} do: {int(kernel_kept.sum()):,} of "
        f"{len(kernel_keys):,}. Each is rare or common among the files of its language.\n\n"
        "| package (wheel) | Python files | snapshot digest |\n|---|---|---|\n" + "\n".join(lines) + "\n\n"
        "| package (source archive) | C, C++ and CUDA files | snapshot digest |\n|---|---|---|\n"
        + "\n".join(kernel_lines)
        + "\n",
        encoding="utf-8",
    )
    print(f"{len(merged):,} facts, {background.TABLE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
