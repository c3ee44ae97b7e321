"""`scaffold ideas import` and `export`: ideas from elsewhere, and for elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output
from scaffold.cli.ideas.show import find_chosen_study, study_option


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.workspace_options
@study_option
@options.json_option
def import_ideas(file: Path, workdir: Path, root: str | None, study: str | None, json_output: bool) -> None:
    """Read results.tsv of a loop that ran elsewhere into a study's memory.

    Its ideas are remembered with what was said of them, where their commits are here also by their code; for the rule they count nothing.
    """
    from scaffold.ideas import context
    from scaffold.ideas.memory import exchange

    workspace = options.find_writable_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    changed, count = exchange.import_trials_as_ideas(
        context.open_idea_context(workspace), chosen.name, file, output.warn
    )
    if json_output:
        output.print_json({"study": changed.name, "imported": count, "ideas": len(changed.ideas) - 1})
        return
    click.echo(f"{output.pluralize(count, 'idea')} of {file} remembered in {changed.name}")


@click.command()
@options.workspace_options
@study_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The table's file. Default: stdout.")
@click.option(
    "--branch", metavar="NAME", help="Make a branch with a commit for each idea that stands, instead of a table."
)
@options.json_option
def export(
    workdir: Path, root: str | None, study: str | None, out: Path | None, branch: str | None, json_output: bool
) -> None:
    """Write all ideas of a study as a table (tab-separated), or those that stand as a branch."""
    from scaffold.atomic_write import write_file
    from scaffold.ideas import context
    from scaffold.ideas.memory import exchange

    workspace = options.find_requested_workspace(workdir, root)
    chosen = find_chosen_study(workspace, study)
    commit, table = None, None
    if branch is not None:
        commit, count = exchange.write_ideas_branch(context.open_idea_context(workspace), chosen, branch)
        written = f"branch {branch}: {output.pluralize(count, 'commit')}"
    else:
        table, count = exchange.format_ideas_tsv(chosen), len(chosen.ideas)
        written = f"{out}: {output.pluralize(count, 'line')}"
    if table is not None and out is not None:
        write_file(
            out, table.encode("utf-8", "surrogateescape"), hint="name another place with --out", follow_link=True
        )
    if json_output:
        answer = {"study": chosen.name, "path": str(out) if out else None, "branch": branch, "commit": commit}
        output.print_json({**answer, "ideas": count, "table": table if out is None else None})
    elif table is not None and out is None:
        output.print_verbatim(table)
    else:
        click.echo(written)
