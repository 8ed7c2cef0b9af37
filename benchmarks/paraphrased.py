"""Is the source of a function that a person has reworked the first choice, and are strangers left alone?

    make bench-paraphrases

benchmarks/paraphrases holds functions of transformers 4.46.3 reworked by hand so that nobody notices: *idioms* changes idioms
and control flow, *deep* splits, merges, vectorises or writes another formula. sources.json names the source of each. They are
explained against the files that hold the sources. *independent* holds common components written from the papers without
looking at any code: they are explained against the same files, and none may reach the level strong.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from packages import fetch

from codeclone import background
from codeclone.evidence import Context, Findings, Profiled, code
from codeclone.match import showing
from codeclone.model import LEVELS
from codeclone.read import folder

TEXTS = Path(__file__).parent / "paraphrases"
PACKAGE = "transformers==4.46.3"


def main() -> None:
    showing.SHOWN = 0
    root = fetch(PACKAGE)
    rows = json.loads((TEXTS / "sources.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as work:
        for path in sorted({row["source"].partition(":")[0] for row in rows}):
            (Path(work) / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, Path(work) / path)
        pool = code.profile(folder.read(work))
    print(f"pool: {sum(fragment.kind == 'function' for fragment in pool.fragments):,} functions")

    def explained(kind: str) -> Findings:
        profile = code.profile(folder.read(str(TEXTS / kind)))
        return code.compare(profile, [Profiled("pool", "right", pool)], Context(background.shipped()))

    for kind in ("idioms", "deep"):
        found = explained(kind)
        best = {(row.left.location.path, row.left.qualname): row for row in found.attribution}
        levels = {(e.left[0].location.path, e.left[0].qualname): e.level for e in found.evidence}
        outcome: Counter[str] = Counter()
        reached: Counter[str] = Counter()
        for row in rows:
            if row["kind"] != kind:
                continue
            key = row["file"], row["function"]
            path, _, qualname = row["source"].partition(":")
            sources = [best[key].best, *best[key].tied]
            places = [(source.place.location.path, source.place.qualname) for source in sources if source]
            right = (path, qualname) in places[:1]
            outcome["first" if right else "tied" if (path, qualname) in places else "another"] += 1
            if right:
                reached[levels.get(key, "none")] += 1
            elif "--misses" in sys.argv:
                print(f"  {row['file']}: {row['source']}, chosen {places[:1]}")
        total = sum(outcome.values())
        print(f"{kind}: n {total}, true source first {outcome['first'] / total:.3f}, tied {outcome['tied']}; levels of these:",
              ", ".join(f"{level} {reached[level]}" for level in LEVELS if reached[level]))  # fmt: skip
    found = explained("independent")
    reached = Counter(evidence.level for evidence in found.evidence)
    print(f"independent: {len(found.attribution)} fragments; pairs:", dict(reached))
    for evidence in found.evidence[:5]:
        measures = {measure.name: measure.value for measure in evidence.measures}
        print(
            f"  {evidence.level}, {measures['telling_bits']:.0f} telling bits, similarity {measures['similarity']:.2f}:"
            f" {evidence.left[0].location.path}:{evidence.left[0].qualname} ~ {evidence.right[0].qualname}"
        )


if __name__ == "__main__":
    main()
