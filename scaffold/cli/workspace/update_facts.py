"""`scaffold update --detect`: what detection would answer differently today, and what of it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.lifecycle.fact_changes import FactChange
    from scaffold.workspace import Workspace


def choose_fact_changes(
    workspace: Workspace, accept: Sequence[str], *, json_output: bool
) -> tuple[list[FactChange], dict[str, Any]]:
    """The changes that detection would make, shown, and the new answers of those that were accepted or are said yes to."""
    from scaffold.conventions import detect_conventions
    from scaffold.lifecycle import fact_changes

    changes = fact_changes.find_fact_changes(workspace, detect_conventions(workspace.workdir))
    accepted = fact_changes.answers_from_accepted_changes(changes, accept)
    for change in () if json_output else changes:
        click.echo("\n".join(fact_changes.describe_fact_change(change)))
        asks = not accept and output.may_prompt(yes=False, json_output=json_output)
        if asks and click.confirm("Take it?", default=True):
            accepted[change.name] = change.new
    return changes, accepted


def fact_changes_json(changes: Sequence[FactChange], accepted: dict[str, Any]) -> dict[str, Any]:
    """The changes as `--json` has them, each with whether it is taken."""
    from dataclasses import asdict

    return {"detected": [{**asdict(change), "accepted": change.name in accepted} for change in changes]}
