"""Other tools on the same functions: one similarity for each (left text, right text), at the tool's own defaults.

Each is installed by name below benchmarks/data/peers, apart from the product's environment, and runs in a process of its own
that reads `[lefts, rights]` as JSON and writes rows of scores.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

from packages import DATA

HOME = DATA / "peers"
PYTHON = HOME / "venv" / "bin" / "python"
SECONDS = 900
"""A tool that takes longer is reported as such."""

Scores = list[list[float]]

_DOLOS = """
import fs from "node:fs";
import { Dolos } from "@dodona/dolos-lib";
import { File } from "@dodona/dolos-core";
const [lefts, rights] = JSON.parse(fs.readFileSync(0, "utf-8"));
const dolos = new Dolos({ language: "python" });
const file = (side) => (text, i) => new File(`${side}${i}.py`, text);
const report = await dolos.analyze([...lefts.map(file("l")), ...rights.map(file("r"))]);
const byPath = new Map(report.files.map((f) => [f.path, f]));
const score = (i, j) => dolos.index.getPair(byPath.get(`l${i}.py`), byPath.get(`r${j}.py`)).similarity;
fs.writeFileSync(1, JSON.stringify(lefts.map((_, i) => rights.map((_, j) => score(i, j)))));
"""

_COPYDETECT = """
import io, json, sys
from copydetect import CodeFingerprint, compare_files
lefts, rights = json.load(sys.stdin)
def fingerprint(text):
    return CodeFingerprint("function.py", 25, 6, fp=io.StringIO(text))
others = [fingerprint(text) for text in rights]
rows = []
for text in lefts:
    one = fingerprint(text)
    rows.append([float(compare_files(one, other)[1][0]) for other in others])
json.dump(rows, sys.stdout)
"""

_PYCODE_SIMILAR = """
import json, sys
import pycode_similar
lefts, rights = json.load(sys.stdin)
def share(functions):
    return sum(f.plagiarism_count for f in functions) / max(1, sum(f.total_count for f in functions))
rows = []
for text in lefts:
    rows.append([share(functions) for _, functions in pycode_similar.detect([text, *rights])])
json.dump(rows, sys.stdout)
"""


def _run(command: Sequence[str], lefts: Sequence[str], rights: Sequence[str]) -> Scores:
    done = subprocess.run(
        command, cwd=HOME, input=json.dumps([lefts, rights]), capture_output=True, text=True, timeout=SECONDS
    )
    if done.returncode:
        raise OSError(done.stderr.strip().split("\n")[-1])
    scores: Scores = json.loads(done.stdout)
    return scores


def _python(package: str, script: str, lefts: Sequence[str], rights: Sequence[str]) -> Scores:
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME / "venv")], check=True, capture_output=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", package], check=True, capture_output=True)
    return _run([str(PYTHON), "-c", script], lefts, rights)


def dolos(lefts: Sequence[str], rights: Sequence[str]) -> Scores:
    """`similarity`: covered k-grams of both files in all of both."""
    if not (HOME / "node_modules" / "@dodona" / "dolos-lib").exists():
        HOME.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--silent", "--prefix", str(HOME), "@dodona/dolos-lib@3.5.1"]
        subprocess.run(install, check=True, capture_output=True)
    return _run(["node", "--input-type=module", "-e", _DOLOS], lefts, rights)


def copydetect(lefts: Sequence[str], rights: Sequence[str]) -> Scores:
    """Share of the left tokens that is found right."""
    return _python("copydetect==0.5.0", _COPYDETECT, lefts, rights)


def pycode_similar(lefts: Sequence[str], rights: Sequence[str]) -> Scores:
    """Share of the left lines of normalised syntax that is found right, over all functions of the left text."""
    return _python("pycode-similar==1.4", _PYCODE_SIMILAR, lefts, rights)


TOOLS: dict[str, Callable[[Sequence[str], Sequence[str]], Scores]] = {
    "dolos": dolos,
    "copydetect": copydetect,
    "pycode_similar": pycode_similar,
}
"""Each raises OSError or subprocess.SubprocessError where the tool cannot be installed or run."""
