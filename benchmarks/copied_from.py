"""Is the marked source of each `# Copied from` function the first choice?

    make bench-copied-from

transformers marks functions that were copied from another with a comment that names the source, sometimes with the
renames that were made. The marked functions are taken out of transformers 4.46.3 with every comment and docstring
removed, each into a file of its own kind (its class around it), and explained against the rest of the package. A choice
is right when it is the marked source or a function whose text, comments and docstrings removed and the declared renames
applied, is the same as the source's.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from marked import PACKAGE, Copy, alike, marked, plain, without
from packages import fetch

from codeclone import background
from codeclone.evidence import Context, Profiled, code
from codeclone.match import showing
from codeclone.read import folder


def main() -> None:
    started = time.perf_counter()
    root = fetch(PACKAGE)
    copies, trees = marked(root)
    print(f"{len(copies)} marked functions and methods whose source resolves", file=sys.stderr)
    chosen = {(copy.path, copy.qualname) for copy in copies}
    with tempfile.TemporaryDirectory() as work:
        left, right = Path(work) / "copies", Path(work) / "rest"
        owners: dict[str, Copy] = {}
        (left).mkdir()
        for number, copy in enumerate(copies):
            node = trees[copy.path][copy.qualname]
            text = plain(node, decorators=True)
            if "." in copy.qualname:
                text = "class Holder:\n" + "\n".join(f"    {line}" for line in text.split("\n"))
            (left / f"copy_{number:05d}.py").write_text(text + "\n", encoding="utf-8")
            owners[f"copy_{number:05d}.py"] = copy
        # The rest of the package: everything that is not itself a marked copy.
        for path, defined in trees.items():
            drop = {defined[name].lineno for name in defined if (path, name) in chosen}
            target = right / path
            target.parent.mkdir(parents=True, exist_ok=True)
            text = (root / path).read_text(encoding="utf-8")
            target.write_text(without(text, drop), encoding="utf-8")
        one, other = code.profile(folder.read(str(left))), code.profile(folder.read(str(right)))
        showing.SHOWN = 0
        findings = code.compare(one, [Profiled("rest", "right", other)], Context(background.shipped()))

    outcome: Counter[str] = Counter()
    wrong = []
    rest = set(trees)
    for row in findings.attribution:
        copy = owners[row.left.location.path]
        if row.left.qualname.rpartition(".")[2] != copy.qualname.rpartition(".")[2]:
            continue
        if (copy.source_path, copy.source_qualname) in chosen:
            outcome["source is itself a marked copy, and so not in the pool"] += 1
            continue
        text = plain(trees[copy.source_path][copy.source_qualname])
        best = row.best
        if best is None:
            outcome["nothing found"] += 1
            continue
        got = (best.place.location.path, best.place.qualname or "")
        if got == (copy.source_path, copy.source_qualname):
            outcome["the marked source"] += 1
        elif got[0] in rest and alike(trees[got[0]].get(got[1]), text, plain(trees[copy.path][copy.qualname])):
            outcome["one identical to it"] += 1
        else:
            outcome["another"] += 1
            wrong.append((f"{copy.path}:{copy.qualname}", f"{copy.source_path}:{copy.source_qualname}", ":".join(got)))
    pool = sum(fragment.kind == "function" for fragment in other.fragments)
    right_ones = outcome["the marked source"] + outcome["one identical to it"]
    judged = right_ones + outcome["another"] + outcome["nothing found"]
    print(json.dumps(dict(sorted(outcome.items())), indent=1))
    print(f"pool: {pool:,} functions; first choice right: {right_ones}/{judged} = {right_ones / judged:.4f}")
    print(f"{time.perf_counter() - started:.0f} s")
    for row in wrong[: int(sys.argv[1]) if len(sys.argv) > 1 else 0]:
        print("  ", *row, sep="\n     ")


if __name__ == "__main__":
    main()
