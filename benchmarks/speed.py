"""A cold scan as a multiple of what tree-sitter's own parse of the same bytes takes, in the same run on one core.

    make bench-speed

In one new process: the parse alone of all files on one core, then the whole scan, for code alone, of peft 0.13.2 against accelerate 1.1.1
(together 2.3 MB of Python) with report and summary, on all cores and again pinned to one. Beside it the wall time of
`codeclone scan` as a command, with the start of Python and all imports. Prints medians, their ratios and the peak memory;
then the same for a left side that grows.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from packages import fetch

RUNS = 5
LEFT, RIGHT = ("peft==0.13.2",), ("accelerate==1.1.1",)
GROWTH_MB = (1, 4, 16, 64)
GROWN = (
    "transformers==4.46.3",
    "sympy",
    "django==5.1.3",
    "scikit-learn==1.5.2",
    "keras-hub",
    "diffusers==0.31.0",
    "networkx==3.4.2",
    "timm==1.0.11",
    "kornia",
    "speechbrain",
    "torchmetrics",
)
"""What the growing left side is made of, in this order."""

ONE_RUN = """
import json, sys, time
from pathlib import Path
from codeclone.evidence import code
from codeclone.pipeline import scan
from codeclone.report import html, text
from tree_sitter import Language, Parser
import tree_sitter_python

left, right, target, *only = sys.argv[1:]
parser = Parser(Language(tree_sitter_python.language()))
sources = [path.read_bytes() for folder in (left, right) for path in sorted(Path(folder).rglob("*.py"))]
started = time.perf_counter()
for source in sources:
    parser.parse(source)
parsed = time.perf_counter()
report = scan(left, right, only=only)
Path(target).write_text(html.render(report), encoding="utf-8")
text.summary(report, [], color=False)
done = time.perf_counter()
print(json.dumps([parsed - started, done - parsed, sum(map(len, sources)), sum(s.count(b"\\n") for s in sources)]))
"""


def one_run(left: Path, right: Path, only: Sequence[str]) -> tuple[float, float, int, int]:
    """(seconds of the parse alone, seconds of the scan with its report, bytes, lines), in one new process."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-c", ONE_RUN, str(left), str(right), f"{work}/r.html", *only]
        output = subprocess.run(command, check=True, capture_output=True)
    parse, scan, size, lines = json.loads(output.stdout)
    return parse, scan, size, lines


def whole_process(left: Path, right: Path, only: Sequence[str]) -> tuple[float, float]:
    """(wall seconds of `codeclone scan` with start-up and imports, peak megabytes)."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "codeclone", "scan", str(left), str(right), "-o", f"{work}/r.html"]
        command += [f"--only={kind}" for kind in only]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            raise SystemExit(f"the scan failed with status {status}")
    return seconds, usage.ru_maxrss / 1024


def measure(left: Path, right: Path, runs: int, only: Sequence[str] = ("code",)) -> str:
    """The figures in words. `only`: kinds of evidence; all where empty."""
    parses, scans, wholes, peaks = [], [], [], []
    size = lines = 0
    for _ in range(runs):
        parse, scan, size, lines = one_run(left, right, only)
        parses.append(parse)
        scans.append(scan)
        seconds, peak = whole_process(left, right, only)
        wholes.append(seconds)
        peaks.append(peak)
    ratios = [scan / parse for scan, parse in zip(scans, parses, strict=True)]
    whole = [seconds / parse for seconds, parse in zip(wholes, parses, strict=True)]
    return (
        f"{size / 1e6:5.1f} MB, {lines / 1e3:4.0f} kLOC: parse {statistics.median(parses):.2f} s, "
        f"scan {statistics.median(scans):.2f} s: ratio {statistics.median(ratios):.1f} "
        f"({min(ratios):.1f} to {max(ratios):.1f}); whole process {statistics.median(wholes):.2f} s: ratio "
        f"{statistics.median(whole):.1f}; peak {max(peaks):.0f} MB"
    )


def gathered(requirements: tuple[str, ...], target: Path) -> Path:
    for requirement in requirements:
        shutil.copytree(fetch(requirement), target, dirs_exist_ok=True)
    return target


def part_of(requirements: tuple[str, ...], target: Path, megabytes: float) -> Path:
    """The first files of some packages in order of path, up to a size."""
    left = megabytes * 1e6
    for requirement in requirements:
        root = fetch(requirement)
        for path in sorted(root.rglob("*.py")):
            left -= path.stat().st_size
            if left < 0:
                return target
            copy = target / requirement / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return target


def main() -> None:
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as work:
        left, right = gathered(LEFT, Path(work) / "left"), gathered(RIGHT, Path(work) / "right")
        print(f"{' + '.join(LEFT)} against {' + '.join(RIGHT)}")
        if cores:
            os.sched_setaffinity(0, {min(cores)})
            print("one core:", measure(left, right, RUNS))
            os.sched_setaffinity(0, cores)
        print(f"{max(1, len(cores))} cores:", measure(left, right, RUNS))
        print("all kinds of evidence:", measure(left, right, RUNS, only=()))
        print(f"growing parts of {', '.join(GROWN)} against peft 0.13.2, {max(1, len(cores))} cores")
        for megabytes in GROWTH_MB:
            print(measure(part_of(GROWN, Path(work) / f"part{megabytes}", megabytes), left, 1))
    helps = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "codeclone", "--help"], check=True, stdout=subprocess.DEVNULL)
        helps.append(time.perf_counter() - started)
    print(f"codeclone --help: {statistics.median(helps) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
