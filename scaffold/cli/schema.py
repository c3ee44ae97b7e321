"""`scaffold schema`: what commands answer with --json."""

from __future__ import annotations

import json

import click

from scaffold.cli.common import options, output


@click.command()
@click.argument("command", nargs=-1)
@options.json_option
@click.pass_context
def schema(ctx: click.Context, command: tuple[str, ...], json_output: bool) -> None:
    """Print the JSON Schema of what COMMAND answers with --json; without COMMAND, list the commands that have one."""
    from scaffold.cli.common import answer_schemas
    from scaffold.errors import WrongUsage

    group = ctx.find_root().command
    assert isinstance(group, click.Group)
    commands = [
        words for words, each in answer_schemas.list_cli_commands(group) if answer_schemas.takes_json_option(each)
    ]
    if not command:
        rows = [
            {"command": " ".join(words), "answers": answer_schemas.build_command_answer_schema(words)["description"]}
            for words in commands
        ]
        if json_output:
            output.print_json({"commands": rows})
        else:
            output.print_aligned_rows([row["command"], row["answers"]] for row in rows)
        return
    name = " ".join(command).removeprefix("scaffold ")
    words = tuple(name.split())
    if words not in commands:
        suggestion = options.did_you_mean(name, map(" ".join, commands))
        raise WrongUsage(f"no command {name!r} has an answer{suggestion}", hint="scaffold schema lists those that have")
    whole = answer_schemas.build_command_answer_schema(words)
    if json_output:
        output.print_json({"command": name, "schema": whole})
    else:
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False))
