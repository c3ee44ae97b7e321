"""The command line as a whole: its commands, its one manner of saying what is wrong, and the process around it.

Every command lives in a module of its own and is imported when it is called, so that a command pays only for what it uses.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import inspect
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

import scaffold
from scaffold import visible_text
from scaffold.cli.common import usage_errors
from scaffold.cli.common.groups import LazyGroup

# command -> (module, attribute)
COMMANDS = {
    "detect": ("scaffold.cli.workspace.detect", "detect"),
    "init": ("scaffold.cli.workspace.init", "init"),
    "add": ("scaffold.cli.workspace.update", "add"),
    "update": ("scaffold.cli.workspace.update", "update"),
    "status": ("scaffold.cli.workspace.status", "status"),
    "remove": ("scaffold.cli.workspace.remove", "remove"),
    "brief": ("scaffold.cli.plan.brief", "brief"),
    "preflight": ("scaffold.cli.plan.preflight", "preflight"),
    "playbook": ("scaffold.cli.plan.playbook", "playbook"),
    "plan": ("scaffold.cli.plan.group", "plan"),
    "guard": ("scaffold.cli.plan.guard", "guard"),
    "run": ("scaffold.cli.runs.run", "run"),
    "sweep": ("scaffold.cli.sweep.group", "sweep"),
    "try": ("scaffold.cli.ideas.try_idea", "try_idea"),
    "ideas": ("scaffold.cli.ideas.group", "ideas"),
    "runs": ("scaffold.cli.runs.group", "runs"),
    "results": ("scaffold.cli.results.group", "results"),
    "report": ("scaffold.cli.results.report", "report"),
    "server": ("scaffold.cli.server", "server"),
    "schema": ("scaffold.cli.schema", "schema"),
    "completion": ("scaffold.cli.completion", "completion"),
}

# The sections of `scaffold --help`: what each command is for, on one line of 80 columns. Why not the commands' own help? Those are longer,
# and to read them every module would have to be imported.
SECTIONS = {
    "Every day": {
        "init": "add an experiment workspace (one folder) to a repository",
        "run": "run one command and record it",
        "sweep": "plan grids of runs with seeds, launch what is missing",
        "runs": "what ran and how it ended; compare, repeat, export runs",
        "results": "tables with mean and interval over seeds; comparisons",
        "report": "one page with results, plots, and what is behind them",
    },
    "Plan": {
        "plan": "check tasks.md, take up the next task, verify what is done",
        "brief": "what a planner has to know: goal, repository, rules",
        "guard": "for agents' hooks: stop experiments that go unrecorded",
    },
    "Ideas": {
        "try": "hold a change of code against the code as it was",
        "ideas": "which changes were tried, kept and dropped",
    },
    "Research server": {
        "preflight": "may a loop begin? ask the server",
        "playbook": "write which skill of the server to use when",
        "server": "its cluster, sweeps, runs, events and logs",
    },
    "Workspace": {
        "detect": "what was found out about the repository, with evidence",
        "status": "which files changed since init; is there a newer template",
        "update": "merge a newer template, or change an answer",
        "add": "add an experiment with folders of its own",
        "remove": "take back every file that was not touched",
        "schema": "the JSON Schema of what a command answers with --json",
        "completion": "a script that makes a shell complete commands",
    },
}

# A git hook exports these; they would point every git call of ours at the hook's repository (git rev-parse --local-env-vars).
HOOK_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


# the help's lines are written for so many columns
WIDTH = 80


class RootGroup(LazyGroup):
    """The whole command line: whatever is wrong in it is said in one manner, with an example."""

    locations = COMMANDS
    is_root = True

    def get_help(self, ctx: click.Context) -> str:
        """As click writes it. Where no line has to be wrapped, without click's formatter, whose imports take a tenth of the time."""
        if _terminal_columns() < WIDTH:
            return super().get_help(ctx)
        options = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx)) is not None]
        text = inspect.cleandoc(self.help or "").replace("\b\n", "")
        parts = [
            f"Usage: {' '.join([ctx.command_path, *self.collect_usage_pieces(ctx)])}\n",
            "".join(f"  {line}\n" if line else "\n" for line in text.split("\n")),
            _help_section("Options", options, max(len(first) for first, _ in options)),
        ]
        width = max(map(len, self.locations))
        for section, lines in SECTIONS.items():
            if rows := [(name, text) for name, text in lines.items() if name in self.locations]:
                parts.append(_help_section(section, rows, width))
        return "\n".join(parts).rstrip()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, lines in SECTIONS.items():
            if rows := [(name, text) for name, text in lines.items() if name in self.locations]:
                with formatter.section(section):
                    formatter.write_dl([(name.ljust(max(map(len, self.locations))), text) for name, text in rows])

    def main(self, *args: Any, **extra: Any) -> Any:
        with visible_text.visible_streams():
            return super().main(*args, **extra)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with usage_errors.explain_usage_errors(self, {}):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with usage_errors.explain_usage_errors(self, ctx.meta):
            return super().invoke(ctx)


def _help_section(title: str, rows: Sequence[tuple[str, str]], width: int) -> str:
    return f"{title}:\n" + "".join(f"  {first.ljust(width)}  {second}\n" for first, second in rows)


def _terminal_columns() -> int:
    """The columns of the terminal, as `shutil.get_terminal_size` says them, whose import takes longer than all of the help."""
    with contextlib.suppress(ValueError):
        if (columns := int(os.environ.get("COLUMNS", ""))) > 0:
            return columns
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns if sys.__stdout__ else WIDTH
    except (OSError, ValueError):
        return WIDTH


# click takes colours from what is no terminal, where names with escape sequences are to be shown as what they are
@click.group(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"], "color": True})
@click.version_option(scaffold.__version__, prog_name="scaffold")
def group() -> None:
    """Record experiments in the repository that you have: runs, sweeps, results.

    \b
    The first number takes three commands:
      scaffold init;
      scaffold run --seed 1 -- python train.py;
      scaffold results

    \b
    Exit codes: 0 done, 1 could not, 2 wrong usage, 3 it worked and the answer
    is no. `scaffold COMMAND --help` has the options, and examples.
    """


def main() -> None:
    """Run the command line of this process."""
    # A command is over before garbage matters, and looking for it takes a sixteenth of init's time; one that stays turns it on.
    gc.disable()
    for name in HOOK_VARIABLES:
        os.environ.pop(name, None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale that cannot spell a path is no reason to fail
    try:
        group(prog_name="scaffold")
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        os.write(2, b"error: the answer cannot be written: no space left where stdout leads\n")
        os._exit(1)  # what is still buffered cannot be written either
