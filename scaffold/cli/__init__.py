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
from typing import Any

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


class Group(click.Group):
    """A group that says what was meant by a word that is no command of it, and whose commands show examples in their help."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._with_examples(super().get_command(ctx, cmd_name), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from scaffold.cli import usage

        word = args[0]
        if not ctx.resilient_parsing and not word.startswith("-") and self.get_command(ctx, word) is None:
            raise usage.unknown(ctx, word)
        ctx.meta[usage.COMMAND] = (*usage.words(ctx), word)
        return super().resolve_command(ctx, args)

    def _with_examples(self, command: click.Command | None, name: str) -> click.Command | None:
        if command is not None and command.epilog is None:
            from scaffold.cli import usage

            command.epilog = usage.epilog((name,) if isinstance(self, Root) else (str(self.name), name))
        return command


class LazyGroup(Group):
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
        return self._with_examples(command, cmd_name)


class Root(LazyGroup):
    """The whole command line: whatever is wrong in it is said in one manner, with an example."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        from scaffold.cli import usage

        with usage.explained({}):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        from scaffold.cli import usage

        with usage.explained(ctx.meta):
            return super().invoke(ctx)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
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
