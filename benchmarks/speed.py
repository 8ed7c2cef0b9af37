"""A cold scan as a multiple of what tree-sitter's own parse of the same bytes takes, in the same run on one core.

    make bench-speed

Scans peft 0.13.2 against accelerate 1.1.1 (together about 2.2 MB of Python) as a new process, report and summary
written, and times the parse alone in another new process, in turn. Prints the median of both, their ratio, and the peak
memory of the scan; then the ratio for growing parts of transformers.
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
from pathlib import Path

from packages import fetch

RUNS = 5
LEFT, RIGHT = ("peft==0.13.2",), ("accelerate==1.1.1",)
GROWTH_MB = (1, 4, 16)

PARSE = """
import sys, time, json
from pathlib import Path
from tree_sitter import Language, Parser
import tree_sitter_python
parser = Parser(Language(tree_sitter_python.language()))
sources = [path.read_bytes() for folder in sys.argv[1:] for path in sorted(Path(folder).rglob("*.py"))]
started = time.perf_counter()
for source in sources:
    parser.parse(source)
print(json.dumps([time.perf_counter() - started, sum(map(len, sources)), sum(s.count(b"\\n") for s in sources)]))
"""


def parse_seconds(*folders: Path) -> tuple[float, int, int]:
    """(seconds, bytes, lines)."""
    output = subprocess.run([sys.executable, "-c", PARSE, *map(str, folders)], check=True, capture_output=True)
    seconds, size, lines = json.loads(output.stdout)
    return seconds, size, lines


def scan_seconds(left: Path, right: Path) -> tuple[float, float]:
    """(wall seconds of the whole process, peak megabytes)."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "codeclone", "scan", str(left), str(right), "-o", f"{work}/r.html"]
        started = time.perf_counter()
        pid = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(pid.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            raise SystemExit(f"the scan failed with status {status}")
    return seconds, usage.ru_maxrss / 1024


def measure(left: Path, right: Path, runs: int) -> str:
    parses, scans, peaks = [], [], []
    size = lines = 0
    for _ in range(runs):
        seconds, size, lines = parse_seconds(left, right)
        parses.append(seconds)
        seconds, peak = scan_seconds(left, right)
        scans.append(seconds)
        peaks.append(peak)
    ratios = [scan / parse for scan, parse in zip(scans, parses, strict=True)]
    return (
        f"{size / 1e6:5.1f} MB, {lines / 1e3:5.0f} kLOC: parse {statistics.median(parses):.2f} s, "
        f"scan {statistics.median(scans):.2f} s, ratio {statistics.median(ratios):.1f} "
        f"({min(ratios):.1f} to {max(ratios):.1f}), peak {max(peaks):.0f} MB"
    )


def gathered(requirements: tuple[str, ...], target: Path) -> Path:
    for requirement in requirements:
        shutil.copytree(fetch(requirement), target, dirs_exist_ok=True)
    return target


def part_of(root: Path, target: Path, megabytes: float) -> Path:
    """The first files of a package in order of path, up to a size."""
    left = megabytes * 1e6
    for path in sorted(root.rglob("*.py")):
        left -= path.stat().st_size
        if left < 0:
            break
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as work:
        left, right = gathered(LEFT, Path(work) / "left"), gathered(RIGHT, Path(work) / "right")
        print(f"{' + '.join(LEFT)} against {' + '.join(RIGHT)}")
        print(measure(left, right, RUNS))
        print("growing parts of transformers 4.46.3 against peft 0.13.2")
        for megabytes in GROWTH_MB:
            print(measure(part_of(fetch("transformers==4.46.3"), Path(work) / f"part{megabytes}", megabytes), left, 1))
    helps = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "codeclone", "--help"], check=True, stdout=subprocess.DEVNULL)
        helps.append(time.perf_counter() - started)
    print(f"codeclone --help: {statistics.median(helps) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
