"""`scaffold completion`."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that makes a shell complete commands and options.

    \b
    bash: scaffold completion bash >~/.local/share/bash-completion/completions/scaffold
    zsh:  scaffold completion zsh >~/.zfunc/_scaffold      (a folder of $fpath)
    fish: scaffold completion fish >~/.config/fish/completions/scaffold.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    name = "scaffold"
    made = kind(ctx.find_root().command, {}, name, "_SCAFFOLD_COMPLETE")
    # click's own `source` would start bash to ask its version, which says nothing about the shell that will read the text
    click.echo(made.source_template % made.source_vars())
