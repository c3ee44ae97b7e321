"""Sweeps and their planned runs, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import output

if TYPE_CHECKING:
    from scaffold.sweeps.model import PlannedRun, Sweep

# more runs than this are planned only with --yes, and shown in JSON only with --all
MANY = 200
# how many of many runs a table shows
FIRST, LAST = 12, 3


def size(planned: Sweep) -> int:
    return len(planned.configurations) * max(1, len(planned.seeds))


def sweep_json(planned: Sweep) -> dict[str, Any]:
    return {
        "sweep": planned.name,
        "goal": planned.goal,
        "experiment": planned.experiment,
        "task": planned.task,
        "command": planned.command,
        "cwd": planned.cwd,
        "style": planned.style,
        "configurations": len(planned.configurations),
        "seeds": planned.seeds,
        "backend": planned.backend,
        "commit": planned.code.commit,
        "code": planned.code.state,
    }


def runs_json(runs: Sequence[PlannedRun], *, everything: bool) -> dict[str, Any]:
    shown = runs if everything else runs[:MANY]
    rows = [{"name": r.name, "seed": r.seed, "params": r.params, "argv": r.argv} for r in shown]
    return {"count": len(runs), "shown": len(rows), "runs": rows}


def table(planned: Sweep, runs: Sequence[PlannedRun], *, everything: bool) -> None:
    """Runs as a table: their parameters in columns, then the name; of many only the first and the last."""
    bounded = not everything and len(runs) > FIRST + LAST + 1
    shown = [*runs[:FIRST], *runs[-LAST:]] if bounded else list(runs)
    keys = list(dict.fromkeys(k for run in shown for k in run.params))
    head = [[*keys, *(["seed"] if planned.seeds else []), "run"]]
    rows = [_row(run, keys, seeded=bool(planned.seeds)) for run in shown]
    if bounded:
        rows.insert(FIRST, [f"... {len(runs) - FIRST - LAST} more (--all) ..."])
    output.rows([*head, *rows])
    click.echo(f"{len(runs)} run{'' if len(runs) == 1 else 's'}")


def _row(run: PlannedRun, keys: Sequence[str], *, seeded: bool) -> list[str]:
    from scaffold.runs import recorder

    shortest = recorder.module().shortest
    cells = [_short(shortest(run.params[k])) if k in run.params else "" for k in keys]
    return [*cells, *([str(run.seed)] if seeded else []), run.name]


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 24 else flat[:21] + "..."
