"""The best pairs between unrelated packages: what the levels rest on.

    make bench-unrelated

Compares every package below with every other, both ways. None declares code from another; where a pair is high, it is
looked at by eye (docs/calibration.md says what was found). Prints the distribution, the rate of pairs at each level with
Clopper-Pearson limits, and the highest pairs.
"""

from __future__ import annotations

import itertools
import sys

from packages import fetch
from scipy.stats import beta

from codeclone import background
from codeclone.evidence import Context, Profiled, code
from codeclone.match import showing
from codeclone.model import LEVELS
from codeclone.read import folder

PACKAGES = ("x-transformers", "litgpt", "torchmetrics", "kornia", "gensim", "keras-hub", "speechbrain")
SHOWN = 20


def upper(found: int, tried: int, confidence: float = 0.95) -> float:
    """One-sided upper Clopper-Pearson limit of a rate."""
    return 1.0 if found == tried else float(beta.ppf(confidence, found + 1, tried - found))


def main() -> None:
    showing.SHOWN = 0
    context = Context(background.shipped())
    profiles = {name: code.profile(folder.read(str(fetch(name)))) for name in sys.argv[1:] or PACKAGES}
    rows = []
    shares = []
    tried = 0
    for left, right in itertools.permutations(profiles, 2):
        findings = code.compare(profiles[left], [Profiled(right, "right", profiles[right])], context)
        total = findings.partition
        shares.append((total.attributable / (total.total - total.stock), left, right))
        tried += sum(row.best is not None for row in findings.attribution)
        for finding in findings.evidence:
            measures = {measure.name: measure.value for measure in finding.measures}
            rows.append((measures["attributable_bits"], finding, measures, left, right))
    print(f"{len(profiles)} packages, {len(shares)} ordered pairs, {tried:,} left fragments with a best pair")
    print("attributable share: largest", ", ".join(f"{s:.3f} ({a} in {b})" for s, a, b in sorted(shares)[-3:]))
    for level in LEVELS[1:-1]:
        found = sum(finding.level == level for _, finding, *_ in rows)
        print(f"{level:9} {found:5} pairs: rate {found / tried:.6f}, 95 % upper limit {upper(found, tried):.6f}")
    for bits, finding, measures, left, right in sorted(rows, key=lambda row: -row[0])[:SHOWN]:
        one, other = finding.left[0], finding.right[0]
        print(
            f"{bits:6.0f} bits  {measures['containment_left']:.2f} {measures['containment_right']:.2f}  {finding.level:9}"
            f" {left}:{one.location.path}:{one.qualname}  {right}:{other.location.path}:{other.qualname}"
        )


if __name__ == "__main__":
    main()
