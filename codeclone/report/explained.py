"""What readers are told of explanations: candidates, the best explanation of each place, ties, controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from codeclone.model import (
    SAME_FIGURE,
    UNRELATED,
    Attribution,
    Candidate,
    Control,
    Evidence,
    Explanation,
    Measure,
    Report,
)
from codeclone.report.words import among_unrelated, amount, answer, percent

MISSING = "–"
"""In the place of a figure that was not measured."""

LEAST_EXPLAINED = 0.25
"""What of the left is explained by less than this is in report.json only."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Figures, and the same ones of other pairs."""

    columns: tuple[str, ...]
    """The pairs, that of the figures first; then, where it was measured, how they stand among unrelated pairs."""
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """(what is measured, its value for each column)."""
    meanings: tuple[str, ...]
    """What the values of the other pairs are."""

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.rows) * len(self.columns)


def beside(finding: Evidence) -> Grid | None:
    """The measures of a finding beside the same ones of other pairs; None where no other pair was measured."""
    if not finding.controls:
        return None
    known = {measure.name for measure in finding.measures}
    others = dict.fromkeys(control.measure for control in finding.controls if control.measure not in known)
    names = _pairs(finding.controls)
    values = {(control.measure, control.name): control.value for control in finding.controls}
    rows = [
        (
            _named(measure),
            (
                amount(measure.value, measure.unit),
                *_cells([values.get((measure.name, name)) for name in names], measure.unit),
                *_among(values, measure.name, finding.controls),
            ),
        )
        for measure in finding.measures
    ]
    rows += [
        (
            name.replace("_", " "),
            (
                MISSING,
                *_cells([values.get((name, pair)) for pair in names], ""),
                *_among(values, name, finding.controls),
            ),
        )
        for name in others
    ]
    return Grid(("this pair", *names, *_last(finding.controls)), tuple(rows), _meanings(finding.controls))


def whole(controls: Sequence[Control]) -> Grid | None:
    """The figures of the whole comparison for each pair; None where there are none."""
    if not controls:
        return None
    names = _pairs(controls)
    values = {(control.measure, control.name): control.value for control in controls}
    rows = [
        (
            measure,
            (
                *_cells([values.get((measure, name)) for name in names], "fraction" if "share" in measure else ""),
                *_among(values, measure, controls),
            ),
        )
        for measure in dict.fromkeys(control.measure for control in controls)
    ]
    return Grid((*names, *_last(controls)), tuple(rows), _meanings(controls))


def _pairs(controls: Sequence[Control]) -> list[str]:
    return list(dict.fromkeys(control.name for control in controls if control.name != UNRELATED))


def _last(controls: Sequence[Control]) -> list[str]:
    return ["unrelated pairs below"] if any(control.name == UNRELATED for control in controls) else []


def _named(measure: Measure) -> str:
    name = measure.name.replace("_", " ")
    return name if measure.unit == "fraction" or measure.unit in name else f"{name} ({measure.unit})"


def _cells(values: Sequence[float | None], unit: str) -> list[str]:
    return [MISSING if value is None else amount(value, unit) for value in values]


def _among(values: dict[tuple[str, str], float], measure: str, controls: Sequence[Control]) -> list[str]:
    share = values.get((measure, UNRELATED))
    return [MISSING if share is None else among_unrelated(share) for _ in _last(controls)]


def _meanings(controls: Sequence[Control]) -> tuple[str, ...]:
    said = (control.meaning.removeprefix(SAME_FIGURE).lstrip("; ") for control in controls)
    return tuple(meaning for meaning in dict.fromkeys(said) if meaning)


def elsewhere(finding: Evidence) -> float | None:
    """The largest share of a finding's left place that one place of an ancestor or claimed source has, in [0, 1]; None
    where none was examined."""
    shares = [c.value for c in finding.controls if c.measure == "containment_left" and c.name.startswith("left ~ ")]
    return max(shares, default=None)


def kinds(report: Report) -> list[str]:
    """The kinds whose explanations were counted, where there was anything to count."""
    return list(dict.fromkeys(row.kind for row in report.explanations if row.shared or row.containment))


def of_candidates(report: Report) -> list[tuple[Candidate, list[Explanation | None]]]:
    """Each candidate with its row of each of the kinds."""
    rows = {(row.candidate, row.kind): row for row in report.explanations}
    return [
        (candidate, [rows.get((candidate.name, kind)) for kind in kinds(report)]) for candidate in report.candidates
    ]


def answers(report: Report) -> list[tuple[Candidate, str]]:
    """For each ancestor and claimed source a sentence that says what it explains; none in reports that did not count it."""
    right = report.candidates[0].name
    found = []
    for candidate in report.candidates:
        rows = [row for row in report.explanations if row.candidate == candidate.name]
        if candidate.role != "right" and rows:
            found.append((candidate, answer(candidate.name, right, rows)))
    return found


@dataclass(frozen=True, slots=True)
class Attributed:
    """The best explanations of what the left has of one kind."""

    kind: str
    count: int
    """Places of the left, however weakly explained."""
    rows: tuple[Attribution, ...]
    """Those of which at least `LEAST_EXPLAINED` is explained, the most explained first."""


def attributed(report: Report) -> list[Attributed]:
    """What explains each place of the left best, kind by kind."""
    by_kind: dict[str, list[Attribution]] = {}
    for row in report.attribution:
        by_kind.setdefault(row.kind, []).append(row)
    return [
        Attributed(kind, len(rows), tuple(sorted(filter(_is_explained, rows), key=lambda row: -explained_share(row))))
        for kind, rows in by_kind.items()
    ]


def explained_share(row: Attribution) -> float:
    """Of its best explanation, in [0, 1]."""
    return row.scores[row.best.candidate] if row.best else 0.0


def _is_explained(row: Attribution) -> bool:
    return explained_share(row) >= LEAST_EXPLAINED


@dataclass(frozen=True, slots=True)
class Family:
    """What several candidates explain equally well: undecided between them."""

    candidates: tuple[str, ...]
    """Names, in the order of the report."""
    counts: tuple[tuple[str, int], ...]
    """(kind, how many)."""
    rows: tuple[Attribution, ...]


def families(report: Report) -> list[Family]:
    """The candidates that tie somewhere, the most frequent first; ties inside one candidate are none of these."""
    order = [candidate.name for candidate in report.candidates]
    found: dict[tuple[str, ...], list[Attribution]] = {}
    for row in filter(_is_explained, report.attribution):
        names = {source.candidate for source in row.tied} | ({row.best.candidate} if row.best else set())
        if len(names) > 1:
            found.setdefault(tuple(name for name in order if name in names), []).append(row)
    return [
        Family(names, tuple(Counter(row.kind for row in rows).items()), tuple(rows))
        for names, rows in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def share_text(row: Attribution, candidate: str) -> str:
    """What a candidate has of a left place."""
    score = row.scores.get(candidate)
    return MISSING if score is None else percent(score)
