"""Report -> a summary for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from codeclone.model import LEVELS, Compared, Evidence, Report
from codeclone.plain import plain
from codeclone.report import explained, lineage
from codeclone.report.words import parts, percent, shares, where

SHOWN = 8
"""Pairs named one by one."""

_COLOR = {"none": "green", "weak": "cyan", "moderate": "yellow", "strong": "red", "very strong": "red"}


def summary(report: Report, written: Sequence[str], *, color: bool) -> str:
    """A summary of about a screen. `written`: files that the report was written to."""
    lines = [
        _bold(plain(f"{report.left.name} (left) against {report.right.name} (right)"), color),
        f"  verdict    {_level(report.verdict.level, color)}; direction: {plain(report.verdict.direction)}",
    ]
    lines += [plain(f"             {sentence}") for sentence in report.verdict.because]
    lines.append(
        "  left is    " + ", ".join(f"{part} {percent(share)}" for part, _, share in shares(report.partition.total))
    )
    lines += [
        plain(f"   {kind:<11}{parts(part).replace(' ·', ',')}")
        for kind, part in report.partition.by_kind.items()
        if part.total
    ]
    lines += [plain(f"  explained  {sentence}") for _, sentence in explained.answers(report)]
    if report.declared is not None:
        lines.append(plain(f"  declared   {lineage.in_short(report)}"))
    for side in dict.fromkeys(compared.side for compared in report.compared):
        looked_at = [_compared(c) for c in report.compared if c.side == side and (c.files or c.facts)]
        lines.append(plain(f"  compared   {side}: {'; '.join(looked_at) or 'nothing'}"))
    if report.skipped:
        reasons = Counter(skip.reason for _, skip in report.skipped)
        lines.append(
            f"  skipped    {len(report.skipped):,}: " + plain("; ".join(_reason(r, n) for r, n in _most(reasons)))
        )
    others = [finding for finding in report.evidence if finding.kind != "code" and finding.level != "none"]
    others.sort(key=lambda finding: -LEVELS.index(finding.level))
    if others:
        lines += ["", "  level        kind        left ↔ right"]
        lines += [_other(finding, color) for finding in others[:SHOWN]]
        lines += _more(len(others))
    pairs = [finding for finding in report.evidence if finding.kind == "code"]
    if pairs:
        lines += ["", "  level        type        left in right   left ↔ right"]
        lines += [_pair(finding, color) for finding in pairs[:SHOWN]]
        lines += _more(len(pairs))
    lines.append("")
    lines += [plain(f"  note       {caveat}") for caveat in report.verdict.caveats]
    lines += [plain(f"  otherwise  {sentence}") for sentence in report.verdict.other_explanations]
    lines += [plain(f"  written    {path}") for path in written]
    return "\n".join(lines)


def _compared(compared: Compared) -> str:
    code = [_count(compared.lines, "line"), _count(compared.fragments, "fragment")] if compared.fragments else []
    return f"{compared.kind} " + ", ".join([_count(compared.files, "file"), *code, f"{compared.facts:,} facts"])


def _more(number: int) -> list[str]:
    return [f"  … and {number - SHOWN:,} more in the report"] if number > SHOWN else []


def _other(finding: Evidence, color: bool) -> str:
    left, right = finding.left[0], finding.right[0]
    return f"  {_level(f'{finding.level:<11}', color)}  {finding.kind:<10}  " + plain(
        f"{where(left.location)} ↔ {where(right.location)}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _most(reasons: Counter[str]) -> list[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:4]


def _reason(reason: str, count: int) -> str:
    return reason if count == 1 else f"{count:,} × {reason}"


def _pair(finding: Evidence, color: bool) -> str:
    measures = {measure.name: measure.value for measure in finding.measures}
    contained = measures.get("containment_left")
    share = percent(contained) if contained is not None else ""
    left, right = finding.left[0], finding.right[0]
    return f"  {_level(f'{finding.level:<11}', color)}  {finding.type or '–':<9} {share:>15}   " + plain(
        f"{left.qualname} ({where(left.location)}) ↔ {right.qualname} ({where(right.location)})"
    )


def _level(text: str, color: bool) -> str:
    return click.style(text, fg=_COLOR.get(text.strip(), "white"), bold=True) if color else text


def _bold(text: str, color: bool) -> str:
    return click.style(text, bold=True) if color else text
