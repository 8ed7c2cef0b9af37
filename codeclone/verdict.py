"""Evidence -> what it adds up to, in the words of an expert witness.

A verdict never goes by one kind of evidence alone: whatever the code shows, a level above `moderate` needs a second,
independent kind (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from codeclone.model import LEVELS, Candidate, Evidence, Level, Partition, Verdict

MOST_FOR_ONE_KIND: Level = "moderate"

LEAST_SHARE = 0.05
"""Of the left repository's bits that are not stock: a smaller attributable share counts as `weak` at most, however
sure single pairs are."""


def judge(evidence: Sequence[Evidence], total: Partition, candidates: Sequence[Candidate]) -> Verdict:
    """The level of the whole comparison, why, and what stands against relying on it."""
    supporting = [finding for finding in evidence if finding.stance == "for" and finding.level != "none"]
    share = _share(total)
    level = _level(supporting, share)
    return Verdict(
        level=level,
        direction="cannot tell",
        because=tuple(_because(supporting, total, share)),
        caveats=tuple(_caveats(supporting, candidates)),
    )


def _share(total: Partition) -> float:
    """Attributable bits in all bits that are not stock."""
    rest = total.total - total.stock
    return total.attributable / rest if rest else 0.0


def _level(supporting: Sequence[Evidence], share: float) -> Level:
    if not supporting:
        return "none"
    best = max((finding.level for finding in supporting), key=LEVELS.index)
    kinds = {finding.kind for finding in supporting if LEVELS.index(finding.level) >= LEVELS.index("moderate")}
    most: Level = "weak" if share < LEAST_SHARE else MOST_FOR_ONE_KIND if len(kinds) < 2 else "strong"
    return min(best, most, key=LEVELS.index)


def _because(supporting: Sequence[Evidence], total: Partition, share: float) -> list[str]:
    if not supporting:
        return ["No pair of fragments shares enough that is not stock to be shown."]
    sentences = [
        f"{share:.1%} of the left repository's information that is not stock is shared with the right repository "
        f"and with no declared ancestor or claimed source ({total.attributable:,.0f} of "
        f"{total.total - total.stock:,.0f} bits)."
    ]
    for level in reversed(LEVELS[1:]):
        found = [finding for finding in supporting if finding.level == level]
        if found:
            sentences.append(f"{_pairs(len(found))} at level {level}.")
    return sentences


def _pairs(count: int) -> str:
    return f"{count:,} pair of fragments is" if count == 1 else f"{count:,} pairs of fragments are"


def _caveats(supporting: Sequence[Evidence], candidates: Sequence[Candidate]) -> list[str]:
    caveats = []
    if supporting:
        caveats.append(
            "Shared code shows a shared origin. It does not show who copied from whom: the right repository may be "
            "the copy, or both may come from a third."
        )
    if not any(candidate.role == "ancestor" for candidate in candidates):
        caveats.append(
            "No common ancestor was declared. What both repositories took from one public source counts as "
            "attributable here unless it is in the shipped background."
        )
    if len({finding.kind for finding in supporting}) < 2:
        caveats.append(
            "Only one kind of evidence was compared; a level above moderate needs a second, independent kind."
        )
    caveats.append("Bits of facts in one fragment overlap, so they measure amount and are not odds.")
    return caveats
