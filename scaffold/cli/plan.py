"""`scaffold plan`: the plan contract at work."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def plan() -> None:
    """Check the plan (tasks.md), walk through it, and hold what is claimed against what is there.

    Without FILE, the plan of the workspace that you are in.
    """


@plan.command()
@FILE
@click.option("--json", "as_json", is_flag=True, help="One JSON object; the same as --format json.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text", show_default=True
)
@click.option(
    "--select",
    multiple=True,
    metavar="CODES",
    help="Only these rules; codes or their beginnings, with commas: P2,P301.",
)
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these rules.")
@click.option("--fresh", is_flag=True, help="The plan is a new one (iteration 0): nothing may be in progress or done.")
@click.option(
    "--server/--no-server", default=None, help="Whether a research server is set; by default as the workspace says."
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def check(
    file: Path | None,
    as_json: bool,
    form: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fresh: bool,
    server: bool | None,
    strict: bool,
) -> None:
    """Hold a plan against the plan contract; exit code 3 where it breaks a rule.

    \b
    A plan may set a rule aside for itself, with a reason:
      <!-- plan: ignore P104 because two experiments are all there is -->
    """
    from scaffold.plan import check as checker
    from scaffold.plan import formats, locate
    from scaffold.plan.rule import Context

    where = locate.place(file, Path.cwd())
    context = Context(fresh=fresh, server=where.server if server is None else server)
    report = checker.check(locate.read(where.plan), context=context, select=_codes(select), ignore=_codes(ignore))
    answer = formats.FORMATS["json" if as_json else form](report, _shown(where.plan))
    if answer:
        click.echo(answer)
    if report.errors or (strict and report.findings):
        raise click.exceptions.Exit(3)


def _codes(values: tuple[str, ...]) -> list[str]:
    """Codes from the command line; each has to be the beginning of a rule's code."""
    from scaffold.plan.check import rules

    codes = [code.strip().upper() for value in values for code in value.split(",") if code.strip()]
    for code in codes:
        if not any(rule.code.startswith(code) for rule in rules()):
            raise click.BadParameter(f"no rule's code begins with {code}; see `scaffold plan rules`")
    return codes


def _shown(path: Path) -> str:
    """A path as one would type it here, printable whatever its bytes."""
    here = Path.cwd()
    text = str(path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path)
    return text.encode("utf-8", "backslashreplace").decode()
