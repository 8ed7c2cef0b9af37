"""Report -> the rename tables of its findings about tensors, as JSON that can be applied to a checkpoint."""

from __future__ import annotations

import json
from typing import Any

from codeclone.errors import NothingToCompareError
from codeclone.model import REWRITE_RULES, Evidence, Report


def renames(report: Report, *, reverse: bool = False) -> str:
    """A JSON list with an object for each finding: `left` and `right` (lists of files), `rules`, `renames`.

    `reverse`: from the right names to the left ones. Raises NothingToCompareError where no finding has a table.
    """
    found = [finding for finding in report.evidence if finding.kind == "tensors" and finding.renames]
    if not found:
        raise NothingToCompareError("the report has no finding about tensors with a rename table")
    return json.dumps([_table(finding, reverse) for finding in found], ensure_ascii=False, indent=1) + "\n"


def _table(finding: Evidence, reverse: bool) -> dict[str, Any]:
    sides = [[place.location.path for place in side] for side in (finding.left, finding.right)]
    step = -1 if reverse else 1
    rows = [row for table in finding.tables if table.title == REWRITE_RULES for row in table.rows]
    return {
        "left": sides[::step][0],
        "right": sides[::step][1],
        "rules": [
            {
                "kind": row.cells[0],
                "left": row.cells[1:3][::step][0],
                "right": row.cells[1:3][::step][1],
                "tensors": row.cells[3],
                "guess": bool(row.note),
            }
            for row in rows
        ],
        "renames": dict((right, left) if reverse else (left, right) for left, right in finding.renames),
    }
