"""Sweeps and their planned runs, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.sweeps.spec.model import PlannedRun, Sweep

# more runs than this are planned only with --yes
ASK_ABOVE = 200


def count_planned_runs(planned: Sweep) -> int:
    """How many runs a sweep has, those of one name counted each."""
    return len(planned.configurations) * max(1, len(planned.seeds))


def planned_sweep_json(planned: Sweep) -> dict[str, Any]:
    """A sweep for JSON, without its runs."""
    return {
        "sweep": planned.name,
        **{key: getattr(planned, key) for key in ("goal", "experiment", "task", "command", "cwd", "style")},
        "configurations": len(planned.configurations),
        "seeds": planned.seeds,
        "backend": planned.backend,
        "commit": planned.code.commit,
        "code": planned.code.state,
    }


def planned_runs_json(runs: Sequence[PlannedRun], limited: output.LimitedLists) -> dict[str, Any]:
    """Planned runs for JSON: how many there are, and those that are shown."""
    rows = [{"name": r.name, "seed": r.seed, "params": r.params, "argv": r.argv} for r in limited(runs)]
    return {"count": len(runs), "runs": rows}


def print_planned_runs(planned: Sweep, runs: Sequence[PlannedRun], limited: output.LimitedLists) -> None:
    """Runs as a table: their parameters in columns, then the name."""
    shown = limited(runs)
    keys = list(dict.fromkeys(k for run in shown for k in run.params))
    head = [[*keys, *(["seed"] if planned.seeds else []), "run"]]
    rows = [_run_row(run, keys, seeded=bool(planned.seeds)) for run in shown]
    output.print_aligned_rows([*head, *rows])
    click.echo(f"{len(runs)} run{'' if len(runs) == 1 else 's'}")
    limited.report_left_out()


def _run_row(run: PlannedRun, keys: Sequence[str], *, seeded: bool) -> list[str]:
    from scaffold.runs import recorder

    shortest = recorder.values.format_value
    cells = [_shorten(shortest(run.params[k])) if k in run.params else "" for k in keys]
    return [*cells, *([str(run.seed)] if seeded else []), run.name]


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 24 else flat[:21] + "..."
