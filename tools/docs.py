"""The generated parts of README.md and docs/: run `PYTHONPATH=. cog -P -r README.md`; `cog -P --check` in the gate keeps them true."""

from __future__ import annotations

import click

from benchmarks import rows
from scaffold.cli import group

EXIT_CODES = {
    0: "done",
    1: "could not: the message says why and what to do next",
    2: "wrong usage",
    3: "it worked, and the answer is no: findings, conflicts, a newer version, a check that failed",
}


def commands() -> None:
    """A table of every command with the first sentence of its help, subcommands beside it."""
    print("| command | does |\n|---|---|")
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        verbs = ""
        if isinstance(command, click.Group):
            verbs = " " + " \\| ".join(sorted(command.list_commands(context)))
        print(f"| `scaffold {name}`{f' `{verbs.strip()}`' if verbs else ''} | {command.get_short_help_str(200)} |")


def speed() -> None:
    """The last whole run of the benchmarks: a table, and the machine and the day."""
    last = rows.read(rows.LAST)
    print("| | what | ours | limit | beside it |\n|---|---|---|---|---|")
    for cells in rows.grouped(last.rows):
        print(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    print(f"\n{last.line()}.")


def exit_codes() -> None:
    """A table of the exit codes."""
    print("| code | means |\n|---|---|")
    for code, meaning in EXIT_CODES.items():
        print(f"| {code} | {meaning} |")
