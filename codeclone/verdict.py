"""Evidence -> what it adds up to, in the words of an expert witness.

A verdict never goes by one kind of evidence alone: whatever the code shows, a level above `moderate` needs a second,
independent kind (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from codeclone.model import LEVELS, Candidate, Evidence, Level, Partition, Repository, Verdict

MOST_FOR_ONE_KIND: Level = "moderate"

WHOLE_SHARE, WHOLE_BITS, WHOLE_PAIRS = 0.10, 1000.0, 5
"""So large a share of the left repository's bits that are not stock, so many bits, and so many pairs that can be shown
together count as `moderate` even where no single pair does: many small functions are as telling as a long one. Between
unrelated packages the share stayed below 0.07 (docs/calibration.md)."""


def judge(
    evidence: Sequence[Evidence],
    total: Partition,
    calibrated: Partition,
    left: Repository,
    candidates: Sequence[Candidate],
) -> Verdict:
    """The level of the whole comparison, why, and what stands against relying on it.

    `calibrated`: of the total, the facts whose share of a whole repository is known for unrelated ones.
    """
    supporting = [finding for finding in evidence if finding.stance == "for" and finding.level != "none"]
    share = _share(total)
    much = _is_much(supporting, calibrated)
    level = _level(supporting, much)
    same = any(c.role == "right" and c.repository.digest == left.digest for c in candidates)
    return Verdict(
        level=level,
        direction="cannot tell",
        because=(
            *(["Both sides are the same files, byte for byte."] if same else []),
            *_because(supporting, total, share, much),
        ),
        caveats=tuple(_caveats(level, supporting, candidates)),
    )


def _share(total: Partition) -> float:
    """Attributable bits in all bits that are not stock."""
    rest = total.total - total.stock
    return total.attributable / rest if rest else 0.0


def _level(supporting: Sequence[Evidence], much: bool) -> Level:
    if not supporting:
        return "none"
    best = max((finding.level for finding in supporting), key=LEVELS.index)
    if much:
        best = max(best, "moderate", key=LEVELS.index)
    kinds = {finding.kind for finding in supporting if LEVELS.index(finding.level) >= LEVELS.index("moderate")}
    return best if len(kinds) > 1 else min(best, MOST_FOR_ONE_KIND, key=LEVELS.index)


def _because(supporting: Sequence[Evidence], total: Partition, share: float, much: bool) -> list[str]:
    if not supporting:
        return [
            "No pair of fragments shares enough that is not stock to be shown; what single facts coincide "
            f"({share * 100:.1f} % of the bits that are not stock) is within what unrelated projects have in common."
        ]
    sentences = [
        f"{share * 100:.1f} % of the left repository's bits that are not stock are attributable: shared with the right "
        f"repository and with none of the other candidates ({total.attributable:,.0f} of "
        f"{total.total - total.stock:,.0f} bits)."
    ]
    for level in reversed(LEVELS[1:]):
        found = [finding for finding in supporting if finding.level == level]
        if found:
            sentences.append(f"{_pairs(len(found))} at level {level}.")
    if much:
        sentences.append(
            f"Together this counts as moderate by itself: the share is over {WHOLE_SHARE * 100:.0f} %, with at least "
            f"{WHOLE_BITS:,.0f} bits in at least {WHOLE_PAIRS} pairs. None of the unrelated packages that were measured "
            "reached that."
        )
    return sentences


def _is_much(supporting: Sequence[Evidence], calibrated: Partition) -> bool:
    return (
        _share(calibrated) >= WHOLE_SHARE and calibrated.attributable >= WHOLE_BITS and len(supporting) >= WHOLE_PAIRS
    )


def _pairs(count: int) -> str:
    return f"{count:,} pair of fragments is" if count == 1 else f"{count:,} pairs of fragments are"


def _caveats(level: Level, supporting: Sequence[Evidence], candidates: Sequence[Candidate]) -> list[str]:
    caveats = []
    if level == "weak":
        caveats.append(
            "Weak is what unrelated projects reach that follow the same habits or the same papers. It is a place to "
            "look, and no ground for a claim."
        )
    elif supporting:
        caveats.append(
            "Shared code shows a shared origin. It does not show who copied from whom: the right repository may be "
            "the copy, or both may come from a third."
        )
    roles = {candidate.role for candidate in candidates}
    if not roles & {"ancestor", "claimed"}:
        caveats.append(
            "No common ancestor and no source named by the authors was examined, and credits in comments or licences "
            "were not read. What both repositories took from one public source, openly or not, counts as attributable "
            "here unless it is in the shipped background."
        )
    if len({finding.kind for finding in supporting}) < 2:
        caveats.append(
            "Only one kind of evidence was compared; a level above moderate needs a second, independent kind."
        )
    caveats.append("Bits of facts in one fragment overlap, so they measure amount and are not odds.")
    return caveats
