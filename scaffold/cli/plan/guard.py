"""`scaffold guard`: for the hooks of coding agents, before a shell command runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

# what hooks take for "do not run it"; at a terminal 3 is the answer no, as everywhere
HOOK_REFUSES, REFUSES = 2, 3


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option("--command", "command_text", help="The command that is about to run; else the hook's JSON on stdin.")
@click.option(
    "--iteration", help="The loop's iteration: in 0, while nothing of the plan is in progress, nothing may be started."
)
@click.option("--json", "json_output", is_flag=True, help="Answer with one JSON object.")
def guard(command_text: str | None, iteration: str | None, json_output: bool) -> None:
    """Say whether a shell command would start an experiment that nobody records, and how to start it instead.

    For hooks: the verdict "do not run it" is exit code 2 (3 with --command), with the reason on stderr. Whatever goes wrong
    here lets the command pass, with exit code 0.
    """
    refusal = None
    try:
        command, directory = (command_text, Path.cwd()) if command_text is not None else _read_hook()
        refusal = _refusal(command, directory, iteration) if command else None
    except Exception as error:
        click.echo(f"scaffold guard: not looked at: {type(error).__name__}: {error}"[:300], err=True)
    if json_output:
        from scaffold.cli.common import output

        output.print_json({"refused": refusal is not None, "reason": refusal})
    if refusal:
        click.echo(refusal, err=True)
        raise click.exceptions.Exit(HOOK_REFUSES if command_text is None else REFUSES)


def _read_hook() -> tuple[str, Path]:
    """The command and the directory in a hook's JSON, whichever agent wrote it; no command where it is about something else."""
    from scaffold import structured_text

    if sys.stdin.isatty():
        click.echo("scaffold guard reads a hook's JSON; by hand: scaffold guard --command '...'", err=True)
        return "", Path.cwd()
    event: Any = structured_text.parse_json(sys.stdin.read())
    tool_input = event.get("tool_input") or event.get("toolArgs") or event.get("args") or event
    command = tool_input.get("command") or "" if isinstance(tool_input, dict) else ""
    text = " ".join(map(str, command)) if isinstance(command, list) else str(command)
    return text, Path(str(event.get("cwd") or Path.cwd()))


def _refusal(command: str, directory: Path, iteration: str | None) -> str | None:
    """Why a command must not run, and what to say instead; None where it may."""
    from scaffold.plan.tasks.unrecorded_command_check import find_launches_in_command

    if not any(find_launches_in_command(command, None)):
        return None  # whatever the workspace says: most commands end here, and a hook is run before each
    from scaffold.plan.document.plan_location import nearest_workspace

    nearest = nearest_workspace(directory.resolve())
    if nearest is None:
        click.echo("scaffold guard: no workspace here, so nothing is looked at", err=True)
        return None
    workdir, root = nearest
    entry_points, plan = _read_answers(workdir, root)
    launches = list(find_launches_in_command(command, entry_points))
    task = _task_in_progress(plan)
    if launches and iteration == "0" and task is None:
        return f"iteration 0 only plans, and `{launches[0].command[:120]}` starts a run: write the plan, then end the iteration"
    unrecorded = next((launch for launch in launches if not launch.recorded), None)
    if unrecorded is None:
        return None
    instead = f"scaffold run --task {task or 'ID'} -- {unrecorded.command}"
    return f"this starts {unrecorded.script} outside of the recorder; say `{instead[:400]}`"


def _read_answers(workdir: Path, root: str) -> tuple[list[str], Path]:
    """The scripts that run experiments, and the plan, read line by line: a YAML parser takes longer to load than a hook may take."""
    import re

    from scaffold import path_containment
    from scaffold.workspace import ANSWERS_FILE

    text = path_containment.join_contained_path(workdir, f"{root}/{ANSWERS_FILE}").read_text(encoding="utf-8")
    block = re.search(r"^entry_points:[ \t]*\n((?:[ \t-].*\n?)*)", text, re.MULTILINE)
    entries = re.split(r"^[ \t]*-[ \t]", block[1], flags=re.MULTILINE) if block else []
    paths = [
        match[1]
        for entry in entries
        if not re.search(r"\bkind:[ \t]*preprocess\b", entry)
        and (match := re.search(r"(?:^|\s)path:[ \t]*['\"]?([^'\"\n]+?)['\"]?[ \t]*$", entry, re.MULTILINE))
    ]
    tasks = re.search(r"^tasks_path:[ \t]*['\"]?([^'\"\n]+?)['\"]?[ \t]*$", text, re.MULTILINE)
    return paths, path_containment.join_contained_path(workdir, tasks[1] if tasks else f"{root}/tasks.md")


def _task_in_progress(plan: Path) -> str | None:
    """The id of the plan's first task in progress, or `ID` where it has none; None where nothing is in progress."""
    import re

    try:
        text = plan.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    line = re.search(r"^[^\S\n]*(?:[-*+]|\d+[.)])\s+\[/\]\s+(.*)$", text, re.MULTILINE)
    if line is None:
        return None
    task_id = re.match(r"\[(P\d+-T\d+)\]", line[1])
    return task_id[1] if task_id else "ID"
