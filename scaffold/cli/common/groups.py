"""Groups of commands: imported when one is called, with examples in their help and a word for what is misspelt."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

from scaffold.cli.common import usage_errors

# longer than any first sentence
WHOLE = 1000


class ExampleCommandGroup(click.Group):
    """A group that says what was meant by a word that is no command of it, and whose commands show examples in their help."""

    is_root = False

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with the first sentence of their help: whole, where click would cut it."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(WHOLE)) for name, command in commands if command and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._with_examples(super().get_command(ctx, cmd_name), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if not ctx.resilient_parsing and not word.startswith("-") and self.get_command(ctx, word) is None:
            raise usage_errors.unknown_command_error(ctx, word)
        ctx.meta[usage_errors.COMMAND_KEY] = (*usage_errors.command_path_words(ctx), word)
        return super().resolve_command(ctx, args)

    def _with_examples(self, command: click.Command | None, name: str) -> click.Command | None:
        if command is not None and command.epilog is None:
            command.epilog = usage_errors.examples_epilog((name,) if self.is_root else (str(self.name), name))
        return command


class LazyGroup(ExampleCommandGroup):
    """A group whose commands (`locations`: name -> module, attribute) are imported on first use."""

    locations: Mapping[str, tuple[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.locations)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.locations:
            return None
        module, attribute = self.locations[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return self._with_examples(command, cmd_name)
