"""Runs that never ran: manifests as the recorder would write them for a command, and the table that results make of them."""

from __future__ import annotations

import copy
import functools
import importlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold import workspace as workspaces
from scaffold.observations.directions import MetricDirections
from scaffold.observations.manifest_values import manifest_metrics
from scaffold.observations.model import MeasuredRun
from scaffold.results.configuration.run_arguments import complete_run_arguments
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.results.tables.fold import fold_seeds
from scaffold.results.tables.model import ResultTable
from scaffold.runs import recorder
from scaffold.runs.attempt_selection import select_attempts
from scaffold.runs.model import Run, summarize_manifest
from scaffold.workspace import Workspace
from tests.conftest import write_tree
from tests.results.conftest import ANSWERS, MANIFEST

SCRIPTS = {
    "train.py": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
parser.add_argument("--lr", "-l", type=float)
parser.add_argument("--batch-size", type=int)
parser.add_argument("--hidden", nargs="+", type=int)
parser.add_argument("--betas", nargs=2, type=float)
parser.add_argument("--amp", action="store_true")
parser.add_argument("--out")
parser.add_argument("--config")
args = parser.parse_args()
""",
    "convert.py": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("source")
parser.add_argument("--fast", action="store_true")
parser.add_argument("--scale", type=float)
parser.add_argument("targets", nargs="*")
args = parser.parse_args()
""",
    "draw.py": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("lr", type=float)
parser.add_argument("seed", type=int)
args = parser.parse_args()
""",
    "plain.py": "print('no arguments')\n",
    "reads.py": "import os\nseed = int(os.environ['RUN_SEED'])\n",
    "clicked.py": """
import click
@click.command()
@click.argument("path")
@click.option("--lr", type=float)
@click.option("--verbose", is_flag=True)
def main(path, lr, verbose): ...
main()
""",
}


def make_workspace(folder: Path) -> Workspace:
    """A workspace beside scripts whose parsers are known."""
    write_tree(folder, SCRIPTS)
    write_tree(folder / "exp", {".copier-answers.scaffold.yml": ANSWERS, "tasks.md": "# Tasks\n"})
    return workspaces.load_workspace(folder, "exp")


def make_manifest(
    command: str | Sequence[str],
    *,
    seed: int | None = None,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    experiment: str | None = None,
    attempt: int = 1,
    started: int = 0,
    code: str = "c",
    **more: Any,
) -> dict[str, Any]:
    """What the recorder writes for a command; `more` are fields of the manifest itself."""
    argv = shlex.split(command) if isinstance(command, str) else list(command)
    digest = code * (64 // len(code))
    identity = recorder.naming.Identity(argv, experiment=experiment, seed=seed, params=params, code=digest)
    manifest = copy.deepcopy(MANIFEST)
    manifest["run"].update(name=identity.name, experiment=identity.experiment, attempt=attempt)
    manifest["command"].update(argv=identity.argv, shell=shlex.join(identity.argv))
    manifest.update(seed=identity.seed, params=identity.params, metrics=dict(metrics or {"acc": 0.5}))
    manifest["git"]["code"] = digest
    manifest["time"]["started_at"] = f"2026-01-01T00:{started // 60:02}:{started % 60:02}.000Z"
    stem = identity.name if attempt == 1 else f"{identity.name}.{attempt}"
    manifest["paths"].update(
        outputs=f"exp/outputs/{stem}", stdout=f"exp/logs/{stem}.out", stderr=f"exp/logs/{stem}.err"
    )
    return {**manifest, **more}


def make_run(manifest: Mapping[str, Any]) -> Run:
    """The run that a manifest tells of."""
    attempt, name = manifest["run"]["attempt"], manifest["run"]["name"]
    return summarize_manifest(manifest, f"exp/metadata/{name if attempt == 1 else f'{name}.{attempt}'}.json")


def table_of(
    workspace: Workspace, runs: Sequence[Run], *, ignore: tuple[str, ...] = (), by: list[str] | None = None
) -> ResultTable:
    """What `scaffold results` makes of these runs, without a disk."""
    query = MetricQuery(directions=MetricDirections(workspace), ignored_params=ignore)
    selection = select_attempts(complete_run_arguments(workspace, runs))
    finished = [run for run in selection.counted if run.status == "finished"]
    measured = [MeasuredRun(run=run, values=manifest_metrics(run)) for run in finished]
    repeats = {
        name: tuple(MeasuredRun(run=run, values=manifest_metrics(run)) for run in again)
        for name, again in selection.repeats.items()
    }
    return fold_seeds(QueryResult(query=query, measured=tuple(measured), repeats=repeats), by=by)


def summarized(workspace: Workspace, manifests: Sequence[Mapping[str, Any]], metric: str = "acc") -> list[list[float]]:
    """What the workspace's own summarize.py makes of these manifests: of each row the values of a metric, sorted."""
    script = _summarize_script()
    script.ROOT, script.WORKDIR = workspace.path, workspace.workdir
    script.manifests = lambda: iter(manifests)
    values, _ = script.fold(script.counting())
    return sorted([run[metric] for run in runs if metric in run] for runs in values.values())


def row_values(table: ResultTable, metric: str = "acc") -> list[list[float]]:
    """Of each row of results the values of a metric, sorted."""
    return sorted([value for _, value in row.seed_values(metric)] for row in table.rows)


@functools.cache
def _summarize_script() -> Any:
    """summarize.py as a module, without bytecode beside the template."""
    folder = str(recorder.recorder_source_directory())
    sys.path.insert(0, folder)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module("summarize")
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = before
        sys.modules.pop("record_run", None)
