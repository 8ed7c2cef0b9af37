"""Report <-> JSON (docs/report-format.md, data/report.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from codeclone import shape
from codeclone.errors import ReportFormatError
from codeclone.model import (
    CLONE_TYPES,
    DECLARATIONS,
    DIRECTIONS,
    LEVELS,
    OPS,
    Alignment,
    Attribution,
    Candidate,
    CloneClass,
    CloneType,
    CommonNames,
    Compared,
    CompositionRow,
    Contradiction,
    Control,
    Declaration,
    Declared,
    Evidence,
    Explanation,
    Leftover,
    Location,
    Measure,
    Method,
    PartCount,
    Partition,
    Partitions,
    Place,
    Plot,
    PlotLine,
    Rename,
    RenameProof,
    Report,
    Repository,
    Row,
    Series,
    SharedPart,
    Skipped,
    Source,
    Span,
    Table,
    TableRow,
    Term,
    Verdict,
)

Json = dict[str, Any]

SCHEMA = "codeclone-report/1"


def to_json(report: Report) -> str:
    """A report as JSON text: the same report gives the same bytes."""
    return json.dumps(report_to_dict(report), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """A report from its JSON text. Raises ReportFormatError for anything else."""
    try:
        data = json.loads(text, parse_constant=_no_number)
        if data["schema"] != SCHEMA:
            raise ReportFormatError(f"a report of schema {str(data['schema'])[:80]!r}; this release reads {SCHEMA!r}")
        report = _report(data)
        _check(report)
        return report
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReportFormatError(f"not a codeclone report: {type(error).__name__}: {str(error)[:200]}") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of a report")


def _check(report: Report) -> None:
    """What the formats rely on. Raises ValueError."""
    shape.check(report, Report)
    if not report.candidates or report.verdict.level not in LEVELS:
        raise ValueError("no candidates, or a level that is none")
    for finding in report.evidence:
        told = finding.left and finding.reason and finding.level in LEVELS
        if not told or (not finding.right and (finding.kind == "code" or finding.level != "none")):
            raise ValueError(f"an incomplete finding {finding.id[:40]!r}")
    ids = {finding.id for finding in report.evidence if finding.kind == "code"}
    if any(not ids.issuperset(found.evidence) for found in report.classes):
        raise ValueError("a class of what is no finding")
    names = {candidate.name for candidate in report.candidates}
    for row in report.attribution:
        if row.best is not None and row.best.candidate not in row.scores:
            raise ValueError("an explanation without its share")
        if not names.issuperset(source.candidate for source in (*row.tied, *([row.best] if row.best else []))):
            raise ValueError("an explanation by what is no candidate")


def report_to_dict(report: Report) -> Json:
    methods = _methods(report.evidence)
    return {
        "schema": report.schema,
        "tool": {"name": report.tool_name, "version": report.tool_version},
        "command": report.command,
        "left": asdict(report.left),
        "right": asdict(report.right),
        "candidates": [
            {"role": c.role, "name": c.name, "digest": c.repository.digest, "repository": asdict(c.repository)}
            for c in report.candidates
        ],
        "verdict": {
            "level": report.verdict.level,
            "direction": report.verdict.direction,
            "because": list(report.verdict.because),
            "caveats": list(report.verdict.caveats),
            "other_explanations": list(report.verdict.other_explanations),
        },
        "compared": [asdict(compared) for compared in report.compared],
        "partition": {
            "total": asdict(report.partition.total),
            "by_kind": {kind: asdict(part) for kind, part in report.partition.by_kind.items()},
            "by_file": {path: asdict(part) for path, part in report.partition.by_file.items()},
        },
        "measures": _legend(report.evidence),
        "methods": methods,
        "evidence": [_evidence_to_dict(finding, methods) for finding in report.evidence],
        "attribution": [_attribution_to_dict(row) for row in report.attribution],
        "explanations": [asdict(row) for row in report.explanations],
        "declared": None if report.declared is None else [_declared_to_dict(found) for found in report.declared],
        "classes": [
            {"left": _places_to_list(c.left), "right": _places_to_list(c.right), "evidence": list(c.evidence)}
            for c in report.classes
        ],
        "composition": [_composition_to_dict(row) for row in report.composition],
        "leftovers": [
            {
                "name": found.name,
                "unresolved": found.unresolved,
                "count": found.count,
                "left": _places_to_list(found.left),
                "right": _places_to_list(found.right),
            }
            for found in report.leftovers
        ],
        "common_names": _common_names_to_dict(report.common_names) if report.common_names else None,
        "controls": [asdict(control) for control in report.controls],
        "skipped": [
            {"side": side, **_location_to_dict(skip.location), "reason": skip.reason} for side, skip in report.skipped
        ],
    }


def _legend(evidence: Iterable[Evidence]) -> Json:
    """Kind -> measure -> its unit and meaning: said once, not with every finding."""
    legend: Json = {}
    for finding in evidence:
        for measure in finding.measures:
            words = {"unit": measure.unit, "meaning": measure.meaning}
            legend.setdefault(finding.kind, {}).setdefault(measure.name, words)
    return legend


def _methods(evidence: Iterable[Evidence]) -> dict[str, Json]:
    """Kind -> the method of its first finding; a finding with another one carries that itself."""
    methods: dict[str, Json] = {}
    for finding in evidence:
        methods.setdefault(finding.kind, asdict(finding.method))
    return methods


def _evidence_to_dict(finding: Evidence, methods: Mapping[str, Json]) -> Json:
    data: Json = {
        "id": finding.id,
        "kind": finding.kind,
        "claim": finding.claim,
        "stance": finding.stance,
        "level": finding.level,
        "left": [_place_to_dict(place) for place in finding.left],
        "right": [_place_to_dict(place) for place in finding.right],
        "measures": {measure.name: measure.value for measure in finding.measures},
        "renames": [list(pair) for pair in finding.renames],
        "reason": finding.reason,
        "type": finding.type,
        "proof": asdict(finding.proof) if finding.proof is not None else None,
        "unproven": finding.unproven,
        "terms": [asdict(term) for term in finding.terms],
        "tables": [_table_to_dict(table) for table in finding.tables],
        "controls": [asdict(control) for control in finding.controls],
        "declared": finding.declared,
        "plots": [_plot_to_dict(plot) for plot in finding.plots],
        "direction": finding.direction,
    }
    if asdict(finding.method) != methods[finding.kind]:
        data["method"] = asdict(finding.method)
    if finding.part is not None:
        data["part"] = asdict(finding.part)
    if finding.alignment is not None:
        data["alignment"] = [
            [row.left_line, row.right_line, row.op, row.left_text, row.right_text] for row in finding.alignment.rows
        ]
    return data


def _table_to_dict(table: Table) -> Json:
    return {
        "title": table.title,
        "columns": list(table.columns),
        "rows": [{**asdict(row), "cells": list(row.cells)} for row in table.rows],
        "left_out": table.left_out,
    }


def _plot_to_dict(plot: Plot) -> Json:
    return {
        "title": plot.title,
        "x": plot.x,
        "y": plot.y,
        "series": [
            {"name": one.name, "points": [list(point) for point in one.points], "labels": list(one.labels)}
            for one in plot.series
        ],
        "lines": [asdict(line) for line in plot.lines],
        "says": plot.says,
    }


def _location_to_dict(location: Location) -> Json:
    return {
        "path": location.path,
        "first": location.span.first if location.span else None,
        "last": location.span.last if location.span else None,
        "pointer": location.pointer,
    }


def _place_to_dict(place: Place) -> Json:
    return {**_location_to_dict(place.location), "qualname": place.qualname}


def _places_to_list(places: Iterable[Place]) -> list[Json]:
    return [_place_to_dict(place) for place in places]


def _composition_to_dict(row: CompositionRow) -> Json:
    return {
        "depth": row.depth,
        "left": _place_to_dict(row.left) if row.left else None,
        "right": _place_to_dict(row.right) if row.right else None,
        "left_parts": [asdict(part) for part in row.left_parts],
        "right_parts": [asdict(part) for part in row.right_parts],
        "matched": row.matched,
    }


def _common_names_to_dict(found: CommonNames) -> Json:
    return {**asdict(found), "names": list(found.names)}


def _source_to_dict(source: Source) -> Json:
    return {"candidate": source.candidate, **_place_to_dict(source.place)}


def _attribution_to_dict(row: Attribution) -> Json:
    return {
        "kind": row.kind,
        "left": _place_to_dict(row.left),
        "best": _source_to_dict(row.best) if row.best else None,
        "scores": dict(row.scores),
        "undecided": row.undecided,
        "tied": [_source_to_dict(source) for source in row.tied],
    }


def _declared_to_dict(found: Declared) -> Json:
    return {
        "side": found.side,
        "kind": found.declaration.kind,
        "source": found.declaration.source,
        "text": found.declaration.text,
        "place": _place_to_dict(found.declaration.place),
        "names": found.names,
        "count": found.count,
    }


# And back


def _report(data: Json) -> Report:
    legend, methods = data["measures"], data["methods"]
    return Report(
        schema=data["schema"],
        tool_name=data["tool"]["name"],
        tool_version=data["tool"]["version"],
        command=data["command"],
        left=Repository(**data["left"]),
        right=Repository(**data["right"]),
        candidates=tuple(Candidate(c["role"], c["name"], Repository(**c["repository"])) for c in data["candidates"]),
        compared=tuple(Compared(**compared) for compared in data["compared"]),
        evidence=tuple(_evidence(finding, legend, methods) for finding in data["evidence"]),
        partition=Partitions(
            Partition(**data["partition"]["total"]),
            {kind: Partition(**part) for kind, part in data["partition"]["by_kind"].items()},
            {path: Partition(**part) for path, part in data["partition"]["by_file"].items()},
        ),
        attribution=tuple(_attribution(row) for row in data["attribution"]),
        controls=tuple(Control(**control) for control in data["controls"]),
        skipped=tuple((skip["side"], Skipped(_location(skip), skip["reason"])) for skip in data["skipped"]),
        verdict=Verdict(
            data["verdict"]["level"],
            data["verdict"]["direction"],
            tuple(data["verdict"]["because"]),
            tuple(data["verdict"]["caveats"]),
            tuple(data["verdict"].get("other_explanations", ())),
        ),
        # Reports of earlier releases have none of these.
        classes=tuple(_clone_class(found) for found in data.get("classes", ())),
        composition=tuple(_composition(row) for row in data.get("composition", ())),
        leftovers=tuple(_leftover(found) for found in data.get("leftovers", ())),
        common_names=_common_names(data["common_names"]) if data.get("common_names") else None,
        explanations=tuple(Explanation(**row) for row in data.get("explanations", ())),
        declared=None if data.get("declared") is None else tuple(_declared(found) for found in data["declared"]),
    )


def _clone_class(data: Json) -> CloneClass:
    return CloneClass(_places(data["left"]), _places(data["right"]), tuple(data["evidence"]))


def _composition(data: Json) -> CompositionRow:
    return CompositionRow(
        data["depth"],
        _place(data["left"]) if data["left"] else None,
        _place(data["right"]) if data["right"] else None,
        tuple(PartCount(**part) for part in data["left_parts"]),
        tuple(PartCount(**part) for part in data["right_parts"]),
        data["matched"],
    )


def _leftover(data: Json) -> Leftover:
    return Leftover(data["name"], data["unresolved"], data["count"], _places(data["left"]), _places(data["right"]))


def _common_names(data: Json) -> CommonNames:
    return CommonNames(data["count"], data["stock"], data["explained"], tuple(data["names"]))


def _evidence(data: Json, legend: Mapping[str, Any], methods: Mapping[str, Any]) -> Evidence:
    words = legend[data["kind"]]
    rows = data.get("alignment")
    return Evidence(
        id=data["id"],
        kind=data["kind"],
        claim=data["claim"],
        stance=data["stance"],
        level=data["level"],
        left=_places(data["left"]),
        right=_places(data["right"]),
        measures=tuple(
            Measure(name, value, words[name]["unit"], words[name]["meaning"])
            for name, value in data["measures"].items()
        ),
        method=Method(**data.get("method", methods[data["kind"]])),
        reason=data["reason"],
        renames=tuple((one, other) for one, other in data["renames"]),
        alignment=Alignment(tuple(Row(*row) for row in rows)) if rows is not None else None,
        terms=tuple(Term(**term) for term in data["terms"]),
        type=_clone_type(data.get("type")),
        proof=_proof(data["proof"]) if data.get("proof") is not None else None,
        unproven=data.get("unproven", ""),
        part=_part(data["part"]) if "part" in data else None,
        tables=tuple(_table(table) for table in data.get("tables", ())),
        controls=tuple(Control(**control) for control in data.get("controls", ())),
        declared=data.get("declared", ""),
        plots=tuple(_plot(plot) for plot in data.get("plots", ())),
        direction=_direction(data.get("direction", "")),
    )


def _table(data: Json) -> Table:
    columns = tuple(data["columns"])
    rows = tuple(TableRow(**{**row, "cells": tuple(row["cells"])}) for row in data["rows"])
    if any(len(row.cells) != len(columns) or row.op not in OPS for row in rows):
        raise ValueError("a row of a table that does not fit it")
    return Table(data["title"], columns, rows, data["left_out"])


def _plot(data: Json) -> Plot:
    lines = tuple(PlotLine(**line) for line in data["lines"])
    return Plot(data["title"], data["x"], data["y"], tuple(map(_series, data["series"])), lines, data["says"])


def _series(data: Json) -> Series:
    points, labels = tuple((x, y) for x, y in data["points"]), tuple(data["labels"])
    if labels and len(labels) != len(points):
        raise ValueError("labels of a plot that do not fit its points")
    return Series(data["name"], points, labels)


def _direction(name: str) -> str:
    if name != "" and name not in DIRECTIONS:
        raise ValueError("no direction of a finding")
    return name


def _clone_type(name: str | None) -> CloneType | None:
    if name is not None and name not in CLONE_TYPES:
        raise ValueError(f"no clone type: {name[:40]!r}")
    return name


def _proof(data: Json) -> RenameProof:
    numbers = [value for value in data.values() if not isinstance(value, list)]
    numbers += [found["count"] for found in data["contradictions"]]
    if not all(isinstance(number, int) for number in numbers):
        raise ValueError("a count of statements that is no number")
    return RenameProof(
        **{
            **data,
            "renames": tuple(Rename(**rename) for rename in data["renames"]),
            "contradictions": tuple(Contradiction(**found) for found in data["contradictions"]),
        }
    )


def _part(data: Json) -> SharedPart:
    sides = {side: Span(**data[side]) for side in ("left", "right")}
    return SharedPart(**{**data, **sides})


def _location(data: Json) -> Location:
    span = Span(data["first"], data["last"]) if data["first"] is not None else None
    return Location(data["path"], span, data["pointer"])


def _place(data: Json) -> Place:
    return Place(_location(data), data["qualname"])


def _places(data: Iterable[Json]) -> tuple[Place, ...]:
    return tuple(_place(place) for place in data)


def _source(data: Json) -> Source:
    return Source(data["candidate"], _place(data))


def _attribution(data: Json) -> Attribution:
    return Attribution(
        _place(data["left"]),
        _source(data["best"]) if data["best"] else None,
        data["scores"],
        data["undecided"],
        tuple(_source(source) for source in data["tied"]),
        data.get("kind", "code"),
    )


def _declared(data: Json) -> Declared:
    if data["kind"] not in DECLARATIONS:
        raise ValueError(f"no kind of declaration: {data['kind'][:40]!r}")
    declaration = Declaration(data["kind"], data["source"], data["text"], _place(data["place"]))
    return Declared(data["side"], declaration, data["names"], data["count"])
