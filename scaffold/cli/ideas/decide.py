"""`scaffold ideas keep, drop, restore, again, claim, watch`: what is decided, and what may be quoted."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.ideas import ideas_output
from scaffold.cli.ideas.show import find_chosen_study, study_option

PAUSE_S = 2.0


def idea_decision_options(command: Callable[..., None]) -> Callable[..., None]:
    """What a person's decision on an idea takes: its number, why, and where."""
    command = options.json_option(study_option(options.workspace_options(command)))
    command = click.option("--because", required=True, help="Why; it is written down.")(command)
    return click.argument("number", type=click.IntRange(min=1))(command)


@click.command()
@idea_decision_options
def keep(**decision: Any) -> None:
    """Keep an idea whatever the rule says of it; written down as a person's decision."""
    _decide(is_kept=True, **decision)


@click.command()
@idea_decision_options
def drop(**decision: Any) -> None:
    """Drop an idea whatever the rule says of it; written down as a person's decision."""
    _decide(is_kept=False, **decision)


def _decide(
    *, number: int, because: str, workdir: Path, root: str | None, study: str | None, is_kept: bool, json_output: bool
) -> None:
    from scaffold.ideas import context, manual_decisions, wording

    workspace = options.find_writable_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    place = context.open_idea_context(workspace)
    say = ideas_output.make_progress_reporter(json_output)
    changed = manual_decisions.override_verdict(place, chosen.name, number, keep=is_kept, because=because, say=say)
    if json_output:
        output.print_json({"study": changed.name, "idea": wording.idea_json(changed, changed.idea(number))})
        return
    ideas_output.print_idea(changed, changed.idea(number))


@click.command()
@click.argument("number", type=click.IntRange(min=0))
@options.workspace_options
@study_option
@options.json_option
def restore(number: int, workdir: Path, root: str | None, study: str | None, json_output: bool) -> None:
    """Bring the files of an idea back into the working tree (0: the code that the study began with); HEAD stays where it is."""
    from scaffold.ideas import context, manual_decisions, wording

    workspace = options.find_writable_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    paths = manual_decisions.restore_idea_files(context.open_idea_context(workspace), chosen.name, number)
    if json_output:
        output.print_json(
            {"study": chosen.name, "idea": number, "commit": chosen.idea(number).commit, "paths": list(paths)}
        )
        return
    click.echo(f"the tree has the code of idea {number}: {chosen.idea(number).text}")
    lacks = wording.describe_missing_kept_ideas(chosen, chosen.idea(number))
    if lacks:
        click.echo(
            f"it is without {lacks}, kept since; its change on top of what stands: scaffold ideas again {number}"
        )


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@options.workspace_options
@options.server_backend_options
@study_option
@click.option("--go-on", is_flag=True, hidden=True, help="Judge what was begun: how the background calls it.")
@options.json_option
def again(number: int, workdir: Path, root: str | None, study: str | None, go_on: bool, json_output: bool) -> None:
    """Confirm an earlier idea anew: its change on top of the code that stands today, on new seeds, decided on these runs alone.

    An idea without a verdict, since who judged it was killed, goes on where it was.
    """
    from scaffold.cli.ideas import trial_view, try_idea
    from scaffold.ideas.background import HANDOVER_S
    from scaffold.ideas.judging import open_idea_judge

    gc.enable()
    workspace = options.find_writable_workspace(workdir, root)
    view = trial_view.open_idea_trial_view(workspace, f"idea {number}", quiet=json_output)
    trial = open_idea_judge(workspace, study, warn=view.warn, show=view.show, say=view.say)
    with ideas_output.hold_judging_lock(workspace, wait_s=HANDOVER_S if go_on else 0.0), view.display:
        result = trial.judge(number, is_checked=True) if go_on else trial.again(number)
    try_idea.report_idea_verdict(workspace, result, json_output=json_output)


@click.command()
@options.workspace_options
@options.server_backend_options
@study_option
@options.json_option
def claim(workdir: Path, root: str | None, study: str | None, json_output: bool) -> None:
    """Measure what the whole loop gained: the baseline against the code that stands, on 8 seeds that nothing else used.

    It is the number to quote; every claim is listed with its date, and how many there were belongs to it.
    """
    from scaffold.cli.ideas import trial_view
    from scaffold.ideas import manual_decisions

    gc.enable()
    workspace = options.find_writable_workspace(workdir, root)
    name = find_chosen_study(workspace, study).name
    view = trial_view.open_idea_trial_view(workspace, f"claim of {name}", quiet=json_output)
    with ideas_output.hold_judging_lock(workspace), view.display:
        changed, made = manual_decisions.measure_claim(workspace, name, warn=view.warn, show=view.show)
    if json_output:
        answer = {"study": changed.name, "metric": changed.metric, **made.as_json(), "claims": len(changed.claims)}
        output.print_json({**answer, "started_before": changed.earlier})
        return
    ideas_output.print_claim(changed, made)


@click.command()
@options.workspace_options
@study_option
@click.option("--once", is_flag=True, help="Show it once, and end.")
@options.json_option
def watch(workdir: Path, root: str | None, study: str | None, once: bool, json_output: bool) -> None:
    """Watch ideas being judged: what runs, the last verdicts, the code that stands; until nothing is judged, or Ctrl-C."""
    from scaffold.ideas import background, wording

    workspace = options.find_requested_workspace(workdir, root)
    before = ""
    while True:
        chosen = find_chosen_study(workspace, study)
        running, last = wording.split_running_and_decided(chosen)
        abandoned = background.find_abandoned_ideas(workspace, chosen)
        text = ideas_output.format_idea_study_progress(chosen, running, last, abandoned)
        if text != before and not json_output:
            click.echo(("\n" if before else "") + text)
        before = text
        if once or len(running) == len(abandoned):
            break
        try:
            time.sleep(PAUSE_S)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
    if json_output:
        rows = [[wording.idea_json(chosen, record) for record in records] for records in (running, last)]
        answer = {"study": chosen.name, "incumbent": chosen.incumbent, "running": rows[0], "last": rows[1]}
        output.print_json({**answer, "abandoned": [record.number for record in abandoned]})
