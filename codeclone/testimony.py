"""What a verdict says, in the words of an expert witness: what is shown, what is not and what would change it, what else could
explain it."""

from __future__ import annotations

from collections.abc import Sequence

from codeclone.model import KIND_TITLES, LEVELS, Candidate, Evidence, Explanation, Level, Verdict
from codeclone.verdict import (
    LEAST_RELATED,
    WHOLE_BITS,
    WHOLE_PAIRS,
    WHOLE_SHARE,
    Compared,
    level_of,
    share,
    telling_families,
)

CANNOT_TELL = "cannot tell"


def verdict_of(compared: Compared, reached: Sequence[str] = ()) -> Verdict:
    """The verdict: its level, why, what stands against relying on it, and what else could explain it.

    `reached`: how often unrelated and honest pairs reach the level that `verdict.level_of` gives, in parts of a sentence; empty where
    that was not measured.
    """
    level = level_of(compared)
    return Verdict(
        level=level,
        direction=_direction(compared),
        because=tuple(_because(compared)),
        caveats=tuple(_caveats(compared, level, reached)),
        other_explanations=tuple(_other_explanations(compared)),
    )


def _direction(compared: Compared) -> str:
    """What the findings that can tell agree in, of those from moderate on."""
    told = {
        f.direction for f in compared.supporting if f.direction and LEVELS.index(f.level) >= LEVELS.index("moderate")
    }
    return told.pop() if len(told) == 1 else CANNOT_TELL


# What is shown


def _because(compared: Compared) -> list[str]:
    total, supporting = compared.total, compared.supporting
    same = ["Both sides are the same files, byte for byte."] if compared.same_files else []
    same += _themselves(compared)
    if compared.lineage.names_right:
        same.append(f"The left names the right repository as a source: {compared.lineage.names_right}.")
    counted = total.total > total.stock
    if not supporting and any(row.better or row.tied for row in _rows_of_others(compared)):
        rest = (
            f", but for {share(total) * 100:.1f} % of the left repository's bits that are not stock" if counted else ""
        )
        return [
            *same,
            "Nothing is left to be shown that is shared with the right repository alone: what both sides share is in the examined "
            f"sources as well, or stock{rest}.",
            *_not_for(compared.evidence),
        ]
    if not supporting:
        coincide = (
            f"; what single facts coincide ({share(total) * 100:.1f} % of the bits that are not stock) is within what unrelated "
            "projects have in common"
        )
        return [
            *same,
            f"Nothing that both sides share is enough to be shown{coincide if counted else ''}.",
            *_not_for(compared.evidence),
        ]
    others = " and with no ancestor or claimed source" if compared.others else ""
    sentences = []
    if counted and not compared.by_weights_alone:
        sentences.append(
            f"{share(total) * 100:.1f} % of the left repository's bits that are not stock are attributable: shared with the right "
            f"repository{others} ({total.attributable:,.0f} of {total.total - total.stock:,.0f} bits"
            f"{'; numbers of checkpoints do not count in bits' if _of_weights(compared.evidence) else ''})."
        )
    for level in reversed(LEVELS[1:]):
        found = sum(finding.level == level for finding in supporting if finding.kind == "code")
        if found:
            sentences.append(f"Code: {_pairs(found)} at level {level}.")
    if compared.much:
        sentences.append(
            f"Together the code counts as moderate by itself: the share is over {WHOLE_SHARE * 100:.0f} %, with at least "
            f"{WHOLE_BITS:,.0f} bits in at least {WHOLE_PAIRS} pairs. No two packages by different authors that were "
            "measured share as much."
        )
    return [*same, *sentences, *_other_kinds(supporting), *_not_for(compared.evidence)]


def _themselves(compared: Compared) -> list[str]:
    """A sentence for each ancestor or claimed source that is one of the two sides: then nothing can be attributed."""
    sides = {compared.right.repository.digest: "right", compared.left_digest: "left"}
    return [
        f"{candidate.name}, given as {_role(candidate)}, is the {sides[candidate.repository.digest]} repository itself. It explains "
        "everything, so this report can show nothing: scan again without it."
        for candidate in compared.others
        if candidate.repository.digest in sides
    ]


def _claimed(compared: Compared) -> set[str]:
    return {candidate.name for candidate in compared.others if candidate.role == "claimed"}


def _rows_of_others(compared: Compared) -> list[Explanation]:
    names = {candidate.name for candidate in compared.others}
    return [row for row in compared.explanations if row.candidate in names and row.shared]


def _other_kinds(supporting: Sequence[Evidence]) -> list[str]:
    """A sentence for each kind other than code: its strongest finding. The strongest kinds first."""
    sentences = []
    by_level = sorted(supporting, key=lambda finding: -LEVELS.index(finding.level))
    for kind in dict.fromkeys(finding.kind for finding in by_level if finding.kind != "code"):
        found = [finding for finding in supporting if finding.kind == kind]
        best = max(found, key=lambda finding: LEVELS.index(finding.level))
        rest = len(found) - 1
        more = f", with {rest:,} more finding{'s' * (rest > 1)}" if rest else ""
        said = _claimed_first(best) if kind == "weights" else best.reason
        sentences.append(f"{KIND_TITLES.get(kind, kind.capitalize())}, {best.level}{more}: {said}.")
    return sentences


def _of_weights(evidence: Sequence[Evidence]) -> list[Evidence]:
    return [finding for finding in evidence if finding.kind == "weights"]


def _not_for(evidence: Sequence[Evidence]) -> list[str]:
    """What was found in checkpoints that does not speak for a shared origin: whoever scans them asks for that answer as well."""
    found = [finding for finding in _of_weights(evidence) if finding.stance != "for"]
    against = [finding for finding in found if finding.stance == "against"]
    if not found:
        return []
    first = (against or found)[0]
    stance = "against a shared origin" if against else "neither for nor against"
    more = f", with {len(found) - 1:,} more" if len(found) > 1 else ""
    return [f"{KIND_TITLES['weights']}, {stance}{more}: {_claimed_first(first)}."]


def _claimed_first(finding: Evidence) -> str:
    """In plain words, then with figures."""
    return f"{finding.claim}. {finding.reason[:1].upper()}{finding.reason[1:]}"


def _pairs(count: int) -> str:
    return f"{count:,} pair of fragments is" if count == 1 else f"{count:,} pairs of fragments are"


# What is not shown, and what would change it


def _caveats(compared: Compared, level: Level, reached: Sequence[str]) -> list[str]:
    caveats = []
    if level == "weak":
        caveats.append(
            "Weak is what unrelated projects reach that follow the same habits or the same papers. It is a place to "
            "look, and no ground for a claim."
        )
    elif compared.supporting and _direction(compared) == CANNOT_TELL:
        caveats.append(
            "What both sides share shows a shared origin. It does not show who copied from whom: nothing here is dated, so "
            "the direction cannot be told."
        )
    elif compared.supporting:
        caveats.append(
            "The direction is that of the weights alone: which side's values look as if they were made of the other's. Whoever has both "
            "files can make either of them look so. It says nothing of the other kinds of evidence, nor of who made them: both may "
            "come from a third that was not examined."
        )
    if reached:
        caveats.append(f"How often this is a false alarm: {'; '.join(reached)}.")
    if not compared.others:
        caveats.append(
            "No common ancestor and no source named by the authors was examined. What both repositories took from one public "
            "source, openly or not, counts as attributable here unless it is in the shipped background. Without one the level "
            "cannot go above moderate; with --ancestor or --claimed it can rise or fall."
        )
    elif not compared.tested:
        caveats.append(
            f"No ancestor that was examined has {LEAST_RELATED * 100:.0f} % of the left repository in any kind of evidence, so none "
            "of them tests a common origin: the level cannot go above moderate."
        )
    if level != "none" and len(telling_families(compared)) < 2:
        caveats.append(
            "A level above moderate needs two independent kinds of evidence that each reach moderate; code and settings count "
            "as one. A second such kind would change the level."
        )
    if compared.supporting and not compared.lineage.read:
        caveats.append(
            "What the left declares openly was not read, as references were not among the kinds of evidence asked for: what is shown "
            "may be reuse that it declares."
        )
    if any(row.better or row.tied for row in _rows_of_others(compared) if row.candidate in _claimed(compared)):
        caveats.append(
            "A claimed source may itself come from the right repository. Then what it explains says nothing of where the left took it."
        )
    if compared.supporting and any(candidate.role == "ancestor" for candidate in compared.tested):
        caveats.append(
            "Ancestors were taken as they were given. What both sides took from another release of one counts as attributable: "
            "the release that they started from would explain more."
        )
    caveats.append("Bits of facts in one fragment overlap, so they measure amount and are not odds.")
    return caveats


def _role(candidate: Candidate) -> str:
    return "ancestor" if candidate.role == "ancestor" else "claimed source"


# What else could have led to the same


def _other_explanations(compared: Compared) -> list[str]:
    if not compared.supporting and not any(row.better or row.tied for row in _rows_of_others(compared)):
        return []
    found = []
    lineage = compared.lineage
    if lineage.names_right:
        found.append(
            f"Declared reuse: the left names the right repository as a source ({lineage.names_right}). What is shown is then "
            "reuse that its authors declare; whether its terms are kept is not examined."
        )
    found += [_explained_by(candidate, compared) for candidate in compared.others]
    if lineage.not_examined:
        found.append(
            f"A source that was not examined: the left also names {_listed(lineage.not_examined)}, and none of the compared "
            "repositories is called so. Given with --claimed, each would be tested."
        )
    if not any(candidate.role == "ancestor" for candidate in compared.others):
        found.append("A common ancestor: both may come from a third repository. None was named, so none was tested.")
    if _direction(compared) == CANNOT_TELL:
        found.append(
            "The other direction: the right repository, or the revision of it that was examined, may come from the left one."
        )
    found.append(
        "A public source that is in no shipped table, such as a paper's listing, a tutorial or generated code, which both "
        "followed: the shipped background holds what is frequent, not all that is public."
    )
    if lineage.read and not lineage.names_right:
        found.append("Declared reuse was looked for: no declaration of the left names the right repository.")
    return found


def _explained_by(candidate: Candidate, compared: Compared) -> str:
    """What of the shared findings one ancestor or claimed source explains."""
    rows = [row for row in compared.explanations if row.candidate == candidate.name and row.shared]
    shared, better, tied = (sum(getattr(row, name) for row in rows) for name in ("shared", "better", "tied"))
    whom = f"The {_role(candidate)} {candidate.name}"
    if not shared:
        return f"{whom} was examined: the left shares nothing with the right repository that it could explain."
    things = "one thing" if shared == 1 else f"{shared:,} things"
    counts = [f"{better:,} better"] * bool(better) + [f"{tied:,} as well"] * bool(tied)
    explains = (
        f"it explains {' and '.join(counts)}" if counts else "it explains none as well as the right repository does"
    )
    rest = shared - better - tied
    best = f"; the other {rest:,} the right repository explains better than it does" if rest and counts else ""
    return (
        f"{whom} was examined: of {things} that the left shares with the right repository and that are not stock (fragments, "
        f"settings, tokens, tensors and their numbers, references) {explains}{best}."
    )


def _listed(names: Sequence[str]) -> str:
    shown = names[:5]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more
