"""A workspace -> what backs numbers; and which run a file belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.results.evidence import cite
from scaffold.results.evidence.cite import Backing, Evidence
from scaffold.results.evidence.claims import Claim
from scaffold.results.metrics import query
from scaffold.results.metrics.directions import MetricDirections
from scaffold.results.tables import fold
from scaffold.results.tables.text_format import printable
from scaffold.runs import records
from scaffold.runs.model import Run
from scaffold.workspace import Workspace


def evidence(workspace: Workspace) -> Evidence:
    """All values of finished runs (final, and the best where a direction is known), and what their configurations give."""
    directions = MetricDirections(workspace)
    final = query.run_query(workspace, query.Query())
    best = query.run_query(workspace, query.Query(how="best", direction=directions.of))
    readings = [final] if best.measured == final.measured else [final, best]  # without files they are the same
    tables = [fold.fold_seeds(reading, directions) for reading in readings]
    return cite.evidence((one for reading in readings for one in reading.measured), tables)


def text_of(path: Path) -> str:
    """A text file. Raises ScaffoldError."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ScaffoldError(f"{path} is no text in UTF-8", hint="name a Markdown or text file") from error
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be read: {error.strerror}") from error


def owners(workspace: Workspace, path: Path) -> list[Run]:
    """The attempts that a file belongs to: their manifest, a log, or something that they wrote; empty where it belongs to none."""
    try:
        inside = path.resolve().relative_to(workspace.workdir.resolve()).as_posix()
    except ValueError:
        return []
    logs = {workspace.role("logs")} | {p for p in workspace.path.glob(f"*/{workspace.role('logs').name}") if p.is_dir()}
    among_logs = any(path.resolve().is_relative_to(folder.resolve()) for folder in logs)
    stem = path.name.rsplit(".", 1)[0]
    return [
        run
        for run in records.read_records(workspace).runs
        if inside == run.path or inside.startswith(run.outputs + "/") or (among_logs and stem == run.label)
    ]


def words(found: Sequence[Backing]) -> list[list[str]]:
    """What backs a number, as lines of a table: what it is, its exact value, whose, which runs."""
    rows = []
    for one in found:
        quantity = one.quantity
        scale = " (x 100)" if one.scale != 1 else ""
        source = quantity.sources[0] if quantity.sources else _some(quantity.runs)
        rows.append(
            [quantity.kind, printable(quantity.metric), f"{quantity.value:.10g}{scale}", printable(quantity.of), source]
        )
    return rows


def _some(runs: Sequence[str]) -> str:
    return ", ".join(runs[:3]) + (f" and {len(runs) - 3} more" if len(runs) > 3 else "")


def as_json(claim: Claim, found: Sequence[Backing], shown: Sequence[Backing]) -> dict[str, Any]:
    """A number and how much backs it, for --json, with what is to be shown of that."""
    rows = [
        {
            "kind": one.quantity.kind,
            "metric": one.quantity.metric,
            "value": one.quantity.value,
            "scale": one.scale,
            "of": one.quantity.of,
            "runs": list(one.quantity.runs),
            "sources": list(one.quantity.sources),
        }
        for one in shown
    ]
    return {"number": claim.text, "line": claim.line, "column": claim.column, "found": len(found), "backing": rows}
