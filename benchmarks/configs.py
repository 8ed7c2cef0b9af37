"""How often do the settings of unrelated model families agree?

    python benchmarks/configs.py

Each configuration class of one package is compared with classes of other families, of the same package and of others.
Prints how many pairs reach each number of decades, with Clopper-Pearson limits, and the highest pairs, to be read by eye.
"""

from __future__ import annotations

import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from scipy.stats import beta

from codeclone.background import names
from codeclone.match.decades import level_of
from codeclone.match.setting_pairs import Pair, pair
from codeclone.parse.documents import Document, documents
from codeclone.read import folder

sys.path.insert(0, str(Path(__file__).parent))
from packages import fetch

PACKAGES = ("transformers==4.46.3", "paddlenlp==2.8.1", "mindnlp==0.4.1", "keras-hub==0.18.1", "litgpt==0.5.3")
PAIRS = 20_000
SEED = 20240603


def family(document: Document) -> str:
    """The words of the model in the name of the class, or the folder."""
    name = re.sub(r"(?:Config|Configuration|Settings|Args|Params|Text|Vision|Audio)+$", "", document.qualname or "")
    return re.sub(r"[^a-z]", "", name.lower())[:5]


def drawn(packages: Sequence[str] = PACKAGES, count: int = PAIRS) -> Iterator[tuple[str, str, Pair]]:
    """(package, other package, pair of classes of different families), drawn at random."""
    found: list[tuple[str, Document]] = []
    for package in packages:
        ((every, _),) = documents([folder.read(str(fetch(package)))])
        chosen = [d for d in every if (d.qualname or "").endswith("Config") and len(d.entries) >= 8]
        print(f"{package}: {len(chosen)} classes", file=sys.stderr)
        found += [(package, document) for document in chosen]
    chance = random.Random(SEED)
    while count:
        (p, one), (q, other) = chance.sample(found, 2)
        if family(one) != family(other):
            count -= 1
            yield p, q, pair(one, other, names(), frozenset())


def main() -> None:
    counts: dict[str, int] = defaultdict(int)
    highest = []
    for p, q, found in drawn():
        ratio = found.ratio
        counts[level_of(ratio.decades, ratio.for_it, ratio.for_it)] += 1
        highest.append((ratio.decades, ratio.for_it, p, found.left.qualname, q, found.right.qualname))
    for level in ("none", "weak", "moderate"):
        k = counts[level]
        print(f"{level:9} {k:6,} of {PAIRS:,} = {k / PAIRS:.4%}, upper limit {beta.ppf(0.95, k + 1, PAIRS - k):.4%}")
    for row in sorted(highest, key=lambda r: (-r[0], str(r)))[:30]:
        print("{:5.2f} decades, {} groups  {} {} ~ {} {}".format(*row))


if __name__ == "__main__":
    main()
