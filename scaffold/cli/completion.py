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

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    script = completion_class(ctx.find_root().command, {}, "scaffold", "_SCAFFOLD_COMPLETE")
    # click's own `source` would start bash to ask its version, which says nothing about the shell that will read the text
    click.echo(script.source_template % script.source_vars())
