"""Figures as every kind of evidence about data gives them."""

from __future__ import annotations

DIGITS = 6
"""Decimals of a fraction in a report."""


def share(part: int, whole: int) -> float:
    """In [0, 1]; 0 of nothing, for nothing shows no likeness."""
    return round(part / whole, DIGITS) if whole else 0.0
