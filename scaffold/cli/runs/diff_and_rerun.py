"""`scaffold runs diff` and `rerun`: two runs, or one run twice, held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output
from scaffold.cli.runs.runs_output import find_run_and_manifest

if TYPE_CHECKING:
    from scaffold.runs.rerun import RerunResult


@click.command()
@click.argument("a")
@click.argument("b")
@options.workspace_options
@options.limit_option
@options.lines_option(100, "At most so many lines of the difference between the code (0: all).")
@options.json_option
def diff(a: str, b: str, workdir: Path, root: str | None, limit: int, lines: int, json_output: bool) -> None:
    """Show what differs between two runs: command, parameters, code with the lines that differ, configs, environment, metrics.

    The code of each is what it ran, without records and plans.
    """
    from scaffold.observations import run_values
    from scaffold.runs import code_difference, compare

    workspace = options.find_requested_workspace(workdir, root)
    (run_a, manifest_a), (run_b, manifest_b) = find_run_and_manifest(workspace, a), find_run_and_manifest(workspace, b)
    observed = run_values.attach_final_metrics(workspace, [run_a, run_b], names=("*",))
    pairs = zip((manifest_a, manifest_b), observed, strict=True)
    complete_a, complete_b = (
        {**manifest, "seed": run.seed, "params": dict(run.params), "metrics": run.metrics} for manifest, run in pairs
    )
    rows = compare.find_run_differences(complete_a, complete_b, workspace.workdir)
    patches = code_difference.diff_code(workspace, (run_a, manifest_a), (run_b, manifest_b))
    patches += code_difference.diff_configs(workspace, run_a, run_b)
    limit_rows, limited_lines = output.LimitedLists(limit), output.LimitedLists(lines)
    rows_shown, patch = limit_rows(rows), "".join(limited_lines(patches.splitlines(keepends=True)))
    if json_output:
        row_objects = [{"part": r.part, "name": r.name, "a": r.a, "b": r.b} for r in rows_shown]
        answer = {"a": run_a.label, "b": run_b.label, "differences": row_objects, "patch": patch}
        output.print_json({**answer, "patch_lines_left_out": limited_lines.left_out}, limit_rows)
        return
    click.echo(f"a: {run_a.label}\nb: {run_b.label}")
    output.print_aligned_rows([r.part, r.name, str(r.a), str(r.b)] for r in rows_shown)
    limit_rows.report_left_out()
    if patch:
        click.echo("\n" + patch, nl=False)
    if limited_lines.left_out:
        click.echo(f"{limited_lines.left_out} more lines left out: --lines 0 shows all", err=True)


@click.command()
@click.argument("name")
@options.workspace_options
@click.option(
    "--tolerance", type=click.FloatRange(min=0), default=0.0, help="How far metrics may differ, relatively. Default: 0."
)
@click.option("--link", "links", multiple=True, metavar="PATH", help="Data that git does not hold, to be linked.")
@click.option("--no-prefix", is_flag=True, help="Do not enter the repository's environment first.")
@options.json_option
def rerun(
    name: str,
    workdir: Path,
    root: str | None,
    tolerance: float,
    links: tuple[str, ...],
    no_prefix: bool,
    json_output: bool,
) -> None:
    """Run a run again with its code, and compare the metrics; exit 3 where they are not the same.

    It happens in a detached worktree, which is removed afterwards; the record is a new attempt in this workspace, a check that no table
    counts.
    """
    from scaffold.observations import printed_values, run_values
    from scaffold.runs import rerun as repeat

    workspace = options.find_requested_workspace(workdir, root)
    run, old = find_run_and_manifest(workspace, name, finished=True)
    result = repeat.rerun_recorded_run(
        *(workspace, run, old),
        tolerance=tolerance,
        links=links,
        prefix=not no_prefix,
        metrics_of=lambda r: run_values.attach_final_metrics(workspace, [r], names=("*",))[0].metrics,
        metric_sources=printed_values.find_printed_metric_sources(run, printed_values.SidecarFiles(workspace)),
    )
    for note in result.notes:
        output.warn(note)
    unequal = [{"name": d.name, "before": d.a, "now": d.b} for d in result.unequal]
    is_same = not unequal and result.run.status == old["status"]
    if json_output:
        answer = {"run": run.label, "again": result.run.label, "status": result.run.status, "same": is_same}
        output.print_json({**answer, "notes": list(result.notes), "unequal": unequal})
    else:
        click.echo(f"{result.run.label}: {_describe_rerun(result)}")
        output.print_aligned_rows([str(d["name"]), str(d["before"]), str(d["now"])] for d in unequal)
    if not is_same:
        raise click.exceptions.Exit(3)


def _describe_rerun(result: RerunResult) -> str:
    """How a rerun ended, and what that says of the run."""
    run = result.run
    if run.status != "finished":
        ending = f"{run.status}, exit {run.exit_code}" if run.exit_code else run.status
        return f"{ending}: it did not finish, so that nothing can be said of its metrics"
    if result.unequal:
        return "finished, metrics differ: the first run counts as before"
    return "finished, metrics the same" if result.compared else "finished, no metrics to compare"
