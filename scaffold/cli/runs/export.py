"""`scaffold runs export`: runs for an archive, for a table, for another tracker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.runs.runs_output import STATUSES, read_records_with_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

TARGETS = ("crate", "csv", "parquet", "mlflow", "wandb")
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@options.workspace_options
@click.option(
    "--ro-crate",
    "crate",
    type=FOLDER,
    metavar="DIR",
    help="Write a Process Run Crate (RO-Crate) into DIR, which must be new or empty.",
)
@click.option(
    "--csv", type=FILE, metavar="FILE", help="Write a row for each run, with its parameters and final metrics."
)
@click.option("--parquet", type=FILE, metavar="FILE", help="The same as Parquet (needs pyarrow or polars).")
@click.option(
    "--mlflow", metavar="URI", help="Write them to this MLflow store or server (needs mlflow): sqlite:///mlflow.db."
)
@click.option(
    "--wandb-offline",
    "wandb",
    type=FOLDER,
    metavar="DIR",
    help="Write offline runs for `wandb sync` (needs wandb); no network is used.",
)
@click.option("--copy", is_flag=True, help="Into a crate logs and outputs too; else it says where they lie.")
@click.option("--experiment", help="Only runs of this experiment.")
@click.option("--sweep", help="Only runs of this sweep.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these. May be repeated.")
@options.limit_option
@options.json_option
def export(
    workdir: Path,
    root: str | None,
    copy: bool,
    experiment: str | None,
    sweep: str | None,
    statuses: tuple[str, ...],
    limit: int,
    json_output: bool,
    **targets: Any,
) -> None:
    """Export runs: as a crate for an archive, as one table, or to another tracker. Nothing of the workspace is changed.

    A crate has one action a run, with its script, parameters, configs, results, times and end; manifests, configs, patches and package
    lists are copied, secrets in logs are hidden, and an output that holds one is left out.

    A tracker gets parameters, the course of metrics, final values, and tags that lead back to the record; what it has already is not
    written again.
    """
    from scaffold.runs import lookup

    target = _only_target(targets, copy=copy)
    workspace = options.find_requested_workspace(workdir, root)
    criteria = lookup.RunCriteria(experiment=experiment, sweep=sweep, statuses=frozenset(statuses))
    runs = [r for r in read_records_with_warnings(workspace).runs if criteria.admits(r)]
    answer, path_shown = _export(workspace, runs, target, targets[target], copy=copy)
    limited = output.LimitedLists(limit)
    if json_output:
        output.print_json({**answer, "withheld": limited(answer["withheld"])}, limited)
        return
    output.print_limited_warnings([f"left out: {path}" for path in answer["withheld"]])
    click.echo(path_shown)
    counts = [output.pluralize(answer["runs"], "run")]
    if answer["files"]:
        counts += [output.pluralize(answer["files"], "file"), output.pluralize(answer["bytes"], "byte")]
    click.echo(", ".join(counts), err=True)


def _only_target(targets: dict[str, Any], *, copy: bool) -> str:
    """Where to export to. Raises WrongUsage for none, and for several."""
    from scaffold.errors import WrongUsage

    names = [name for name in TARGETS if targets[name] is not None]
    if len(names) != 1:
        which = "one of '--ro-crate', --csv, --parquet, --mlflow and --wandb-offline"
        raise WrongUsage(f"{which} is needed" if not names else f"{which} at a time")
    if copy and names != ["crate"]:
        raise WrongUsage("--copy is for --ro-crate: nothing else takes logs and outputs")
    return names[0]


def _export(
    workspace: Workspace, runs: Sequence[Run], target: str, place: Any, *, copy: bool
) -> tuple[dict[str, Any], str]:
    """Write the runs; what --json answers, and the place that people are shown."""
    if target == "crate":
        from scaffold.results.evidence.crate_export import export_crate

        exported = export_crate(workspace, runs, place, copy=copy)
        counts = {"runs": exported.runs, "files": exported.files, "bytes": exported.bytes}
        shown = str(exported.path / "ro-crate-metadata.json")
        return {"path": str(exported.path), **counts, "withheld": list(exported.left_out)}, shown
    if target in ("csv", "parquet"):
        from scaffold.observations.run_values import attach_final_metrics
        from scaffold.results.exports import flat_files

        write = flat_files.write_csv if target == "csv" else flat_files.write_parquet
        size = write(attach_final_metrics(workspace, runs, names=("*",)), place)
        return {"path": str(place), "runs": len(runs), "files": 1, "bytes": size, "withheld": []}, str(place)
    written, present = _export_to_tracker(workspace, runs, target, place)
    withheld = [f"{label} (it is there already)" for label in present]
    return {"path": str(place), "runs": written, "files": 0, "bytes": 0, "withheld": withheld}, str(place)


def _export_to_tracker(workspace: Workspace, runs: Sequence[Run], target: str, place: Any) -> tuple[int, list[str]]:
    if target == "mlflow":
        from scaffold.results.exports import mlflow_runs

        return mlflow_runs.export_to_mlflow(workspace, runs, place)
    from scaffold.results.exports import wandb_runs

    return wandb_runs.export_to_wandb(workspace, runs, place)
