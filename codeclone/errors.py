"""Everything that can go wrong in a way the user can mend; each carries its exit code and says itself in one line."""

from __future__ import annotations

EXIT_RAN = 0
"""The scan ran; whatever it found is in the report."""

EXIT_GATE = 1
"""The scan ran, and a gate asked for with --fail-on was crossed."""

EXIT_BAD_INPUT = 2
"""A source, option or file is not usable, or there is nothing to compare."""

EXIT_INTERNAL = 3
"""A defect of codeclone itself."""


EXIT_INTERRUPTED = 130
"""Stopped by the user."""


class CodecloneError(Exception):
    """The parent of every error that codeclone raises on purpose."""

    exit_code = EXIT_BAD_INPUT


class SourceError(CodecloneError):
    """A source string names nothing that can be read."""


class NothingToCompareError(CodecloneError):
    """A source was read, and holds nothing that any evidence room looks at."""


class OutputError(CodecloneError):
    """A report cannot be written where it was asked for."""


class ReportFormatError(CodecloneError):
    """A file that should be a codeclone report is not one."""
