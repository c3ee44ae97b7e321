"""Runs -> wandb's own offline folders, written by its client without a network; `wandb sync` brings them to wherever they shall go."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.results.exports.tracked_run import ExportedRun, read_tracked_runs
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

# the client looks at nothing of this machine, says nothing, and asks nobody
ENVIRONMENT = {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_CONSOLE": "off",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_ERROR_REPORTING": "false",
}


def export_to_wandb(workspace: Workspace, runs: Sequence[Run], folder: Path) -> tuple[int, list[str]]:
    """Write runs below `folder/wandb`, each as an offline run: how many were written, and the labels of those that were there already.

    Raises ScaffoldError where wandb is not installed or fails.
    """
    with _quiet_client():
        try:
            import wandb
        except ImportError as error:
            raise ScaffoldError("wandb is not installed in this Python", hint="pip install wandb") from error
        written, present = 0, list[str]()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for tracked in read_tracked_runs(workspace, runs):
                if any(folder.glob(f"wandb/offline-run-*-{tracked.uuid}")):
                    present.append(tracked.run.label)
                    continue
                _write_run(folder, workspace.workdir.name, tracked)
                written += 1
        except (OSError, wandb.Error) as error:
            raise ScaffoldError(f"wandb cannot write to {folder}: {error}") from error
    return written, present


@contextlib.contextmanager
def _quiet_client() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _write_run(folder: Path, project: str, tracked: ExportedRun) -> None:
    import wandb

    run = tracked.run
    rows: dict[int, dict[str, float]] = defaultdict(dict)
    for point in tracked.course:
        rows[point.step][point.metric] = point.value
    tags = [text for text in (run.status, run.sweep, run.task) if text]
    config = {**run.params, **tracked.tags}
    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True)
    block = wandb.init(
        project=project,
        dir=folder,
        id=tracked.uuid,
        name=run.label,
        group=run.experiment,
        config=config,
        tags=tags,
        settings=settings,
    )
    for step in sorted(rows):
        block.log(rows[step], step=step)
    block.summary.update(dict(tracked.final))
    block.finish(exit_code=0 if run.status == "finished" else 1)
