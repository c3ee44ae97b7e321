"""`scaffold report`."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import ExampleCommandGroup

if TYPE_CHECKING:
    from scaffold.results.report.model import ReportIdeas
    from scaffold.workspace import Workspace


@click.group(cls=ExampleCommandGroup, invoke_without_command=True)
@options.workspace_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the page goes. Default: report.html in the workspace's analysis folder.",
)
@click.option(
    "--md", is_flag=True, help="Markdown instead of a page; on stdout where neither --out nor --json is given."
)
@click.option(
    "--check",
    "prose",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.md",
    help="Write nothing; find the numbers in a text that no run backs. Exit 3 with findings.",
)
@click.option(
    "--serve",
    is_flag=True,
    help="Show the page in a browser and keep it fresh while runs go on, until Ctrl-C. This machine alone sees it.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="With --serve: the port. Default: one that is free.")
@options.limit_option
@options.json_option
@click.pass_context
def report(
    ctx: click.Context,
    workdir: Path,
    root: str | None,
    out: Path | None,
    md: bool,
    prose: Path | None,
    serve: bool,
    port: int | None,
    limit: int,
    json_output: bool,
) -> None:
    """Write one page about the experiments: plan, results, plots, verdicts, failures, and what stands behind each number.

    The page is one file that needs no network. What --check takes for a claim: numbers with decimals, exponents or a per cent sign;
    not whole numbers, versions, dates, code, bounds, amounts of time or memory, nor a line that says
    `<!-- cite: ignore because REASON -->`.
    """
    from scaffold.errors import WrongUsage

    if ctx.invoked_subcommand is not None:
        options.refuse_options_before_subcommand(ctx)
        return
    if prose is not None and (md or out is not None):
        raise WrongUsage("--check writes nothing: --md and --out go with the page", hint="leave them out, or --check")
    if serve and (md or out is not None or prose is not None):
        raise WrongUsage("--serve writes no file", hint="leave --md, --out and --check out, or --serve")
    if port is not None and not serve:
        raise WrongUsage("--port goes with --serve", hint="scaffold report --serve --port 8000")
    workspace = options.find_requested_workspace(workdir, root)
    if serve:
        _serve(workspace, port or 0, json_output=json_output)
        return
    if prose is not None:
        _check(workspace, prose, limit, json_output=json_output)
        return
    from scaffold.results.report.gather import gather_report
    from scaffold.results.report.markdown import render_report_markdown
    from scaffold.results.report.page import render_html

    default = workspace.locate(workspace.role_folder("analysis") / ("report.md" if md else "report.html"))
    target = out or (None if md and not json_output else default)
    content = replace(gather_report(workspace, target or default), ideas=_ideas(workspace))
    data = render_report_markdown(content).encode("utf-8", "replace") if md else render_html(content)
    if target is None:
        click.echo(data.decode(), nl=False)
        return
    _write(target, data)
    if json_output:
        output.print_json({"path": str(target), "runs": content.total, "counts": content.counts, "bytes": len(data)})
    else:
        click.echo(str(target))


def _serve(workspace: Workspace, port: int, *, json_output: bool) -> None:
    from scaffold.results.live.live_report import make_report_server

    server = make_report_server(workspace, port=port, warn=output.warn)
    with server.running(), contextlib.suppress(KeyboardInterrupt):
        if json_output:
            output.print_json({"url": server.url, "port": server.server_port})
        else:
            click.echo(server.url)
            click.echo(
                "open it in a browser on this machine; whoever has the address sees the page; Ctrl-C ends it", err=True
            )
        while True:
            time.sleep(3600)


def _ideas(workspace: Workspace) -> tuple[ReportIdeas, ...]:
    """The section on studies of code changes; empty where there are none."""
    from scaffold.ideas import study_files

    if not study_files.idea_study_names(workspace):
        return ()
    from scaffold.ideas.memory import report_section

    return report_section.build_idea_study_reports(workspace)


def _write(target: Path, data: bytes) -> None:
    from scaffold.atomic_write import write_file

    write_file(target, data, hint="name another place with --out", follow_link=True)


def _check(workspace: Workspace, prose: Path, limit: int, *, json_output: bool) -> None:
    from scaffold.ideas.memory import verdict_numbers
    from scaffold.results.evidence import backing, numbers_in_prose

    numbers = numbers_in_prose.find_numbers_in_file(prose)
    index = backing.build_backing_index(workspace, numbers, verdict_numbers.list_verdict_numbers(workspace))
    unbacked = [number for number in numbers if not index.find(number)]
    limited = output.LimitedLists(limit)
    shown = limited(unbacked)
    if json_output:
        findings = [{"line": number.line, "column": number.column, "number": number.text} for number in shown]
        output.print_json({"path": str(prose), "claims": len(numbers), "findings": findings}, limited)
    else:
        for number in shown:
            click.echo(f"{prose}:{number.line}:{number.column}: no run backs {number.text}")
        limited.report_left_out()
    if unbacked:
        raise click.exceptions.Exit(3)
    if not json_output:
        click.echo("every number is backed by runs" if numbers else "no number in it claims a result", err=True)


@report.command()
@options.workspace_options
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The directory that they go into."
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="Only this metric. May be repeated. Default: the primary one, and others.",
)
@options.limit_option
@options.json_option
def plots(workdir: Path, root: str | None, out: Path, metrics: tuple[str, ...], limit: int, json_output: bool) -> None:
    """Draw the plots as SVG and PNG, with the CSV behind each (needs the extra `plots`). The same runs give the same SVG."""
    from scaffold.results.plots.figures import figure_to_csv
    from scaffold.results.plots.matplotlib_files import render_figure_files
    from scaffold.results.report.folded_results import build_workspace_figures

    figures = build_workspace_figures(options.find_requested_workspace(workdir, root), metrics)
    written = []
    for figure in figures:
        for kind, data in {
            **render_figure_files(figure),
            "csv": figure_to_csv(figure).encode("utf-8", "replace"),
        }.items():
            written.append(out / f"{figure.name}.{kind}")
            _write(written[-1], data)
    limited = output.LimitedLists(limit)
    if json_output:
        drawn = [{"name": f.name, "title": f.title} for f in limited(figures)]
        output.print_json({"plots": drawn, "files": limited(map(str, written))}, limited)
        return
    for path in limited(written):
        click.echo(str(path))
    limited.report_left_out()
    if not written:
        click.echo("no run has anything to plot: scaffold runs list", err=True)
