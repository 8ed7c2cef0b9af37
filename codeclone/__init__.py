"""Evidence of copying between machine-learning model repositories."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["Report", "__version__", "scan"]


def __getattr__(name: str) -> object:
    # Lazy, so that `codeclone --help` does not pay for numpy.
    if name == "scan":
        from codeclone.pipeline import scan

        return scan
    if name == "Report":
        from codeclone.model import Report

        return Report
    raise AttributeError(f"module 'codeclone' has no attribute {name!r}")
