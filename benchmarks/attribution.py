"""Who is said to explain a derivative: its true source, or another port of the same source?

    make bench-attribution

Each package on the left was made from transformers and says so. The right repository is transformers in the release that it
names; ports of transformers that were made by other people stand beside it as claimed sources. They have the same functions,
so a tool that goes by likeness alone names them as well. Counted are left functions and classes, and whole files, in files that are called like one of the true source, of which that
has at least half: how often the true source is named, is one of several that are undecided, or is not named. (Other files may
come from models that are in the ports and not in transformers.)
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np

from codeclone import background
from codeclone.evidence import Context, Profiled, code
from codeclone.match import showing
from codeclone.model import Attribution, Profile
from codeclone.read import folder

sys.path.insert(0, str(Path(__file__).parent))
from packages import fetch

CASES = (
    ("adapters==1.1.0", "transformers==4.45.2", ("mindnlp==0.4.1", "paddlenlp==2.8.1")),
    ("optimum-habana==1.15.0", "transformers==4.45.2", ("mindnlp==0.4.1", "paddlenlp==2.8.1")),
    ("mindnlp==0.4.1", "transformers==4.46.3", ("paddlenlp==2.8.1",)),
)

LEAST, LEAST_BITS = 0.5, 60.0
"""Share of a left fragment that its true source has, and bits of the fragment: one with less may be the left's own, or say
nothing of where it comes from."""


@cache
def profile(package: str) -> Profile:
    return code.profile(folder.read(str(fetch(package))))


def sizes(found: Profile) -> np.ndarray:
    """Bits of the facts of each fragment."""
    bits = background.shipped().bits(found.facts.keys)
    return np.bincount(found.facts.fragments, bits, minlength=len(found.fragments))


def outcome(row: Attribution) -> str:
    if row.best is not None and row.best.candidate == "source" and not row.undecided:
        return "source"
    named = {row.best.candidate if row.best else "", *(tie.candidate for tie in row.tied)}
    return "undecided" if "source" in named else "another"


def main() -> None:
    showing.SHOWN = 0
    print(
        "| left | true source | others | fragments | | source | undecided | another |\n|---|---|---|---|---|---|---|---|"
    )
    for left, source, others in CASES:
        started = time.perf_counter()
        candidates = [Profiled("source", "right", profile(source))]
        candidates += [Profiled(other, "claimed", profile(other)) for other in others]
        rows = code.compare(profile(left), candidates, Context(background.shipped())).attribution
        long = {
            row.left
            for row, bits in zip(rows, sizes(profile(left)), strict=True)
            if bits >= LEAST_BITS or row.left.qualname == "<module>"
        }
        namesakes = {PurePosixPath(fragment.location.path).name for fragment in profile(source).fragments}
        for what in ("functions and classes", "files"):
            some = [
                row
                for row in rows
                if (row.left.qualname == "<module>") == (what == "files")
                and row.scores.get("source", 0.0) >= LEAST
                and row.left in long
                and PurePosixPath(row.left.location.path).name in namesakes
            ]
            counts = Counter(outcome(row) for row in some)
            shares = " | ".join(
                f"{counts[name] / max(1, len(some)):.3f}" for name in ("source", "undecided", "another")
            )
            print(f"| {left} | {source} | {', '.join(others)} | {what} | {len(some):,} | {shares} |")
        print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
