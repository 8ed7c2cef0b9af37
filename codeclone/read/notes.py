"""What was left out of a file, told up to a bound: a hostile file has a million entries to complain of."""

from __future__ import annotations

from collections.abc import Iterable

from codeclone.model import Location, Skipped

MAX_TOLD = 20
"""Entries of one file that are told one by one."""


class Notes:
    """Collects what was left out of one file; what is beyond the bound is counted."""

    def __init__(self, path: str, skipped: Iterable[Skipped] = ()) -> None:
        self.path, self.skipped, self.more = path, [*skipped], 0

    def add(self, pointer: str | None, reason: str) -> None:
        """`pointer`: JSON pointer of the entry (RFC 6901); None where the file has no such places."""
        if len(self.skipped) < MAX_TOLD:
            self.skipped.append(Skipped(Location(self.path, pointer=pointer), reason))
        else:
            self.more += 1

    def all(self) -> tuple[Skipped, ...]:
        rest = f"{self.more:,} more entries, for such reasons"
        return (*self.skipped, *([Skipped(Location(self.path), rest)] if self.more else []))
