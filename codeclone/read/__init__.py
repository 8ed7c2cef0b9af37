"""The outside world -> bytes. Nothing that is read here is ever run, imported or unpickled."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from codeclone.errors import SourceError
from codeclone.model import Snapshot
from codeclone.read import folder

_NAMED = re.compile(r"([\w.-]{1,60})=(.+)", re.DOTALL)


def open_source(source: str) -> Snapshot:
    """Read what a source string names; `NAME=SOURCE` calls it by a name of the user's own, where no file is called so.

    Raises SourceError when it names nothing readable.
    """
    if not source:
        raise SourceError("a source without a name: where none is meant, leave the option out")
    named = _NAMED.fullmatch(source)
    if named is None or os.path.lexists(source):
        return folder.read(source)
    found = folder.read(named[2])
    return replace(found, repository=replace(found.repository, name=named[1]))
