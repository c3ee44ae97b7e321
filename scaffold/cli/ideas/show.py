"""`scaffold ideas list, show, diff, best, similar, chart`: what was tried, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output
from scaffold.cli.ideas import ideas_output

if TYPE_CHECKING:
    from scaffold.ideas.study import IdeaStudy
    from scaffold.workspace import Workspace

study_option = click.option("--study", metavar="NAME", help="Which study. Default: the one that was started last.")


def find_chosen_study(workspace: Workspace, name: str | None) -> IdeaStudy:
    """The study that --study names, else the newest. Raises ScaffoldError where there is none."""
    from scaffold.ideas import context

    return context.find_idea_study(workspace, name)


@click.command("list")
@options.workspace_options
@study_option
@click.option("--status", type=click.Choice(["running", "kept", "dropped", "open", "failed"]), help="Only those.")
@options.limit_option
@options.json_option
def list_ideas(
    workdir: Path, root: str | None, study: str | None, status: str | None, limit: int, json_output: bool
) -> None:
    """List the ideas of a study, the newest first: `*` stands, `+` kept, `-` dropped, `?` open, `!` failed, `.` running."""
    from scaffold.ideas import background, wording

    workspace = options.find_requested_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    records = [record for record in reversed(chosen.ideas) if status in (None, record.status)]
    limited = output.LimitedLists(limit)
    shown = limited(records)
    if json_output:
        answer = {
            "study": chosen.name,
            "metric": chosen.metric,
            "direction": chosen.direction,
            "incumbent": chosen.incumbent,
        }
        rows = [wording.idea_json(chosen, record) for record in shown]
        output.print_json({**answer, "ideas": rows, "claims": [dict(claim) for claim in chosen.claims]}, limited)
        return
    ideas_output.print_ideas(chosen, shown, background.find_abandoned_ideas(workspace, chosen))
    limited.report_left_out()


@click.command()
@click.argument("number", type=click.IntRange(min=0))
@options.workspace_options
@study_option
@options.json_option
def show(number: int, workdir: Path, root: str | None, study: str | None, json_output: bool) -> None:
    """Show one idea: what it changed and why, its verdict with the effect, where its code and its runs are."""
    from scaffold.ideas import wording

    workspace = options.find_requested_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    record = chosen.idea(number)
    if json_output:
        events = [dict(event) for event in chosen.history if event.get("idea") == number]
        output.print_json({"study": chosen.name, "idea": wording.idea_json(chosen, record), "history": events})
        return
    ideas_output.print_idea(chosen, record)


@click.command()
@click.argument("number", type=click.IntRange(min=0))
@click.argument("other", type=click.IntRange(min=0), required=False)
@options.workspace_options
@study_option
@options.lines_option(200, "At most so many lines (0: all).")
@options.json_option
def diff(
    number: int, other: int | None, workdir: Path, root: str | None, study: str | None, lines: int, json_output: bool
) -> None:
    """Show what an idea changes, against the code that it was made on, or against another idea."""
    from scaffold.errors import ScaffoldError
    from scaffold.ideas import context
    from scaffold.ideas.tree import patches

    workspace = options.find_requested_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    record = chosen.idea(number)
    base = chosen.idea(other) if other is not None else chosen.ideas[record.base]
    place = context.open_idea_context(workspace)
    if not record.commit:
        raise ScaffoldError(f"the code of idea {number} is not here: {record.notes[-1]}")
    text = patches.idea_patch(place.top, place.uncounted, base.commit, record.commit)
    limited = output.LimitedLists(lines)
    patch = "".join(limited(text.splitlines(keepends=True)))
    if json_output:
        answer = {"study": chosen.name, "idea": number, "against": base.number, "patch": patch}
        output.print_json({**answer, "more_lines": limited.left_out})
        return
    click.echo(patch, nl=False)
    if limited.left_out:
        click.echo(f"{limited.left_out} more lines left out: --lines 0 shows all", err=True)


@click.command()
@options.workspace_options
@study_option
@options.json_option
def best(workdir: Path, root: str | None, study: str | None, json_output: bool) -> None:
    """Show the code that stands, and the ideas that led to it."""
    from scaffold.ideas import wording

    workspace = options.find_requested_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    chain = wording.list_ideas_in_incumbent(chosen)
    if json_output:
        rows = [wording.idea_json(chosen, record) for record in chain]
        output.print_json({"study": chosen.name, "incumbent": chosen.incumbent, "chain": rows})
        return
    ideas_output.print_ideas(chosen, chain)


@click.command()
@click.argument("text", required=False)
@options.workspace_options
@study_option
@options.limit_option
@options.json_option
def similar(
    text: str | None, workdir: Path, root: str | None, study: str | None, limit: int, json_output: bool
) -> None:
    """Say which earlier ideas the working tree, or TEXT, is like; exit 3 where the same code was judged before."""
    from scaffold.ideas import context, idea_capture, wording

    workspace = options.find_requested_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    same, alike = idea_capture.compare_tree_to_ideas(context.open_idea_context(workspace), chosen, text or "")
    limited = output.LimitedLists(limit)
    rows = [{"idea": s.record.number, "status": s.record.status, "how": s.how, "text": s.record.text} for s in alike]
    shown = limited(rows)
    if json_output:
        answer = {"study": chosen.name, "same": wording.idea_json(chosen, same) if same else None, "similar": shown}
        output.print_json(answer, limited)
    else:
        if same is not None:
            click.echo(f"the same code as idea {same.number}: {wording.describe_verdict(chosen, same)}: {same.text}")
        for row in shown:
            click.echo(f"{row['how']} as idea {row['idea']}, {row['status']}: {row['text']}")
        if same is None and not rows:
            click.echo("nothing like it was tried")
        limited.report_left_out()
    if same is not None:
        raise click.exceptions.Exit(3)


@click.command()
@options.workspace_options
@study_option
@options.limit_option
@options.json_option
def chart(workdir: Path, root: str | None, study: str | None, limit: int, json_output: bool) -> None:
    """Show how the metric went, idea by idea: each with its mark, and the running best as it was confirmed."""
    from scaffold.ideas.memory import progress

    workspace = options.find_requested_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    points = progress.study_progress_points(chosen)
    limited = output.LimitedLists(limit)
    shown = limited(reversed(points))[::-1]
    if json_output:
        answer = {"study": chosen.name, "metric": chosen.metric, "direction": chosen.direction}
        output.print_json({**answer, "points": [point._asdict() for point in shown]}, limited)
        return
    output.print_aligned_rows(progress.format_progress_chart(chosen, shown))
    limited.report_left_out()
