"""Evidence -> what it adds up to, in the words of an expert witness.

A verdict never goes by one kind of evidence alone: a level above `moderate` needs a second, independent kind, and a common
ancestor or a claimed source that was examined and does not explain it (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from codeclone.model import KIND_TITLES, LEVELS, Candidate, Evidence, Level, Partition, Repository, Verdict

MOST_FOR_ONE_KIND: Level = "moderate"

FAMILY = {"config": "code"}
"""Kinds that depend on each other count as one: whoever takes over the code of a configuration class takes its defaults."""

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
    examined = any(candidate.role != "right" for candidate in candidates)
    level = _level(supporting, much, examined)
    same = any(c.role == "right" and c.repository.digest == left.digest for c in candidates)
    return Verdict(
        level=level,
        direction="cannot tell",
        because=(
            *(["Both sides are the same files, byte for byte."] if same else []),
            *_because(supporting, total, share, much),
        ),
        caveats=tuple(_caveats(level, supporting, examined)),
    )


def _share(total: Partition) -> float:
    """Attributable bits in all bits that are not stock."""
    rest = total.total - total.stock
    return total.attributable / rest if rest else 0.0


def _level(supporting: Sequence[Evidence], much: bool, examined: bool) -> Level:
    if not supporting:
        return "none"
    best = max((finding.level for finding in supporting), key=LEVELS.index)
    if much:
        best = max(best, "moderate", key=LEVELS.index)
    if len(_telling_families(supporting)) > 1 and examined:
        return best
    return min(best, MOST_FOR_ONE_KIND, key=LEVELS.index)


def _telling_families(supporting: Sequence[Evidence]) -> set[str]:
    """Independent kinds that reach `moderate`."""
    telling = (f.kind for f in supporting if LEVELS.index(f.level) >= LEVELS.index("moderate"))
    return {FAMILY.get(kind, kind) for kind in telling}


def _because(supporting: Sequence[Evidence], total: Partition, share: float, much: bool) -> list[str]:
    if not supporting:
        return [
            "Nothing that both sides share is enough to be shown; what single facts coincide "
            f"({share * 100:.1f} % of the bits that are not stock) is within what unrelated projects have in common."
        ]
    sentences = [
        f"{share * 100:.1f} % of the left repository's bits that are not stock are attributable: shared with the right "
        f"repository and with none of the other candidates ({total.attributable:,.0f} of "
        f"{total.total - total.stock:,.0f} bits)."
    ]
    for level in reversed(LEVELS[1:]):
        found = sum(finding.level == level for finding in supporting if finding.kind == "code")
        if found:
            sentences.append(f"{_pairs(found)} at level {level}.")
    if much:
        sentences.append(
            f"Together this counts as moderate by itself: the share is over {WHOLE_SHARE * 100:.0f} %, with at least "
            f"{WHOLE_BITS:,.0f} bits in at least {WHOLE_PAIRS} pairs. None of the unrelated packages that were measured "
            "reached that."
        )
    return [*sentences, *_other_kinds(supporting)]


def _other_kinds(supporting: Sequence[Evidence]) -> list[str]:
    """A sentence for each kind other than code: its strongest finding."""
    sentences = []
    for kind in dict.fromkeys(finding.kind for finding in supporting if finding.kind != "code"):
        found = [finding for finding in supporting if finding.kind == kind]
        best = max(found, key=lambda finding: LEVELS.index(finding.level))
        more = f" ({len(found) - 1:,} more)" if len(found) > 1 else ""
        sentences.append(f"{KIND_TITLES.get(kind, kind.capitalize())}, {best.level}{more}: {best.reason}.")
    return sentences


def _is_much(supporting: Sequence[Evidence], calibrated: Partition) -> bool:
    pairs = sum(finding.kind == "code" for finding in supporting)
    return _share(calibrated) >= WHOLE_SHARE and calibrated.attributable >= WHOLE_BITS and pairs >= WHOLE_PAIRS


def _pairs(count: int) -> str:
    return f"{count:,} pair of fragments is" if count == 1 else f"{count:,} pairs of fragments are"


def _caveats(level: Level, supporting: Sequence[Evidence], examined: bool) -> list[str]:
    caveats = []
    if level == "weak":
        caveats.append(
            "Weak is what unrelated projects reach that follow the same habits or the same papers. It is a place to "
            "look, and no ground for a claim."
        )
    elif supporting:
        caveats.append(
            "What both sides share shows a shared origin. It does not show who copied from whom: the right repository "
            "may be the copy, or both may come from a third."
        )
    if not examined:
        caveats.append(
            "No common ancestor and no source named by the authors was examined, and credits in comments or licences "
            "were not read. What both repositories took from one public source, openly or not, counts as attributable "
            "here unless it is in the shipped background. So the level stays at moderate, whatever was found."
        )
    if len(_telling_families(supporting)) < 2 and level != "none":
        caveats.append("A level above moderate needs two independent kinds of evidence that each reach moderate.")
    caveats.append("Bits of facts in one fragment overlap, so they measure amount and are not odds.")
    return caveats
