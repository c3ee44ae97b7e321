"""The command line: arguments -> one call -> print -> exit code. The only place that prints.

Every command lives in a module of its own and is imported when it is called, so that a command pays only for what it uses.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
from collections.abc import Mapping

import click

import scaffold

# command -> (module, attribute); the order is the order of `scaffold --help`
COMMANDS = {
    "detect": ("scaffold.cli.detect", "detect"),
    "init": ("scaffold.cli.init", "init"),
    "add": ("scaffold.cli.update", "add"),
    "update": ("scaffold.cli.update", "update"),
    "status": ("scaffold.cli.status", "status"),
    "remove": ("scaffold.cli.remove", "remove"),
    "brief": ("scaffold.cli.brief", "brief"),
    "preflight": ("scaffold.cli.preflight", "preflight"),
    "playbook": ("scaffold.cli.playbook", "playbook"),
    "plan": ("scaffold.cli.plan", "plan"),
    "run": ("scaffold.cli.run", "run"),
    "sweep": ("scaffold.cli.sweep", "sweep"),
    "runs": ("scaffold.cli.runs", "runs"),
    "results": ("scaffold.cli.results", "results"),
    "report": ("scaffold.cli.report", "report"),
    "server": ("scaffold.cli.server", "server"),
    "schema": ("scaffold.cli.schema", "schema"),
    "completion": ("scaffold.cli.completion", "completion"),
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


class LazyGroup(click.Group):
    """A group whose commands (`places`: name -> module, attribute) are imported on first use."""

    places: Mapping[str, tuple[str, str]] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.places:
            return None
        module, attribute = self.places[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(scaffold.__version__, prog_name="scaffold")
def group() -> None:
    """Give a research repository an experiment workspace, and keep what happens in it honest.

    \b
    Exit codes: 0 done, 1 could not, 2 wrong usage, 3 it worked and the answer is no.
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
