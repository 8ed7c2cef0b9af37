"""The outside world -> bytes. Nothing that is read here is ever run, imported or unpickled."""

from __future__ import annotations

from codeclone.errors import SourceError
from codeclone.model import Snapshot
from codeclone.read import folder


def open_source(source: str) -> Snapshot:
    """Read what a source string names.

    Raises SourceError when it names nothing readable.
    """
    if not source:
        raise SourceError("a source without a name: where none is meant, leave the option out")
    return folder.read(source)
