"""What the commands of `scaffold plan` share: which plan they are about, and how its path is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.plan.document.model import Plan
    from scaffold.plan.document.plan_location import PlanLocation

# where a context keeps the plans that were looked at
ABORT_WARNINGS = "scaffold.aborted"
PLAN_PATH = click.Path(path_type=Path, dir_okay=False)
FILE_ARGUMENT = click.argument("file", required=False, type=PLAN_PATH)
FILE_OPTION = click.option("--file", type=PLAN_PATH, help="The plan; else the workspace's.")


def locate_plan_warning_if_aborted(file: Path | None) -> PlanLocation:
    """The plan at `file`, else the one of the workspace that the command is called in. Raises ScaffoldError where there is neither.

    Where it is aborted a warning says what leads back, once a command.
    """
    from scaffold.plan.document import plan_location
    from scaffold.plan.tasks.abort_checklist import explain_abort_recovery

    location = plan_location.locate_plan(file, Path.cwd())
    warned = click.get_current_context().meta.setdefault(ABORT_WARNINGS, set())
    if location.plan not in warned and (warning := explain_abort_recovery(location.plan)):
        output.warn(warning)
    warned.add(location.plan)
    return location


def find_plan_path(file: Path | None) -> Path:
    """The same plan's path, for commands that are about aborting, and so need no warning of it."""
    from scaffold.plan.document import plan_location

    return plan_location.locate_plan(file, Path.cwd()).plan


def load_chosen_plan(file: Path | None) -> Plan:
    """That plan, parsed. Raises ScaffoldError where it cannot be read."""
    from scaffold.plan.document.parse import parse_plan
    from scaffold.plan.document.plan_file import read_plan

    return parse_plan(read_plan(locate_plan_warning_if_aborted(file).plan))


def display_path(path: Path) -> str:
    """A path as one would type it in the present directory, printable whatever its bytes."""
    directory = Path.cwd()
    below = path.is_absolute() and path.is_relative_to(directory)
    return str(path.relative_to(directory) if below else path).encode("utf-8", "backslashreplace").decode()
