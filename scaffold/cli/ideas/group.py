"""`scaffold ideas`: studies of code changes, what was tried, and what came of it."""

from __future__ import annotations

import click

from scaffold.cli.common.groups import LazyGroup

# verb -> (module, attribute); the order is the order of `scaffold ideas --help`
COMMANDS = {
    "start": ("scaffold.cli.ideas.start", "start"),
    **{verb: ("scaffold.cli.ideas.show", verb) for verb in ("show", "diff", "best", "similar", "chart")},
    "list": ("scaffold.cli.ideas.show", "list_ideas"),
    **{verb: ("scaffold.cli.ideas.decide", verb) for verb in ("keep", "drop", "restore", "again", "claim", "watch")},
    "import": ("scaffold.cli.ideas.exchange", "import_ideas"),
    "export": ("scaffold.cli.ideas.exchange", "export"),
}


class IdeasGroup(LazyGroup):
    """The verbs of `scaffold ideas`."""

    locations = COMMANDS


@click.group(cls=IdeasGroup)
def ideas() -> None:
    """Hold changes of the code against the code that stands, and remember what came of them.

    `ideas start` opens a study of one command and one metric; `scaffold try` judges one change after the other.
    """
