"""scaffold detect"""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option(
    "--workdir",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default=True,
    help="The repository, or a folder of it.",
)
@click.option("--json", "as_json", is_flag=True, help="One object on stdout.")
@click.option(
    "--history",
    is_flag=True,
    help="Also read the shell history and sacct for earlier launches (redacted, at most 20 lines).",
)
def detect(workdir: Path, as_json: bool, history: bool) -> None:
    """Show what the repository does, each value with the file and line that says so."""
    from scaffold import conventions

    found = conventions.detect(workdir, history=history)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        return
    for field, value in found.to_json().items():
        if field not in ("version", "evidence"):
            click.echo(f"{field}: {json.dumps(value, ensure_ascii=False)}")
