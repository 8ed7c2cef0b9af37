"""What a likelihood ratio counts as. Its unit is the decade: log10, so 1 is ten to one and 4 ten thousand to one."""

from __future__ import annotations

from codeclone.model import Level

MOST = 6.0
"""What one kind of evidence counts at most: more than a million to one claims more than a model of independent choices can carry
(docs/statistics.md)."""

WEAK, MODERATE = 1.0, 4.0
"""Decades from which on a level counts. docs/calibration.md has how often strangers reach them."""

LEAST_GROUPS = 3
"""Independent groups that `moderate` takes: two teams that read the same papers may well choose one or two things alike."""


def level_of(decades: float, agreeing: int, telling: int) -> Level:
    """`agreeing`: independent groups that agree on anything that counts; `telling`: those of them that are rare."""
    if decades >= MODERATE and telling >= LEAST_GROUPS:
        return "moderate"
    return "weak" if decades >= WEAK and agreeing else "none"
