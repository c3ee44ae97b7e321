"""Trackers that write files: into the run's own folder, so that parallel runs share none, unless somebody has said where.

Only folders are named, by the trackers' own variables; never where results are sent to.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# a tracker -> the variable by which it takes its folder, and the file beside the run that says the same or more
VARIABLES = {
    "comet": ("COMET_OFFLINE_DIRECTORY", ".comet.config"),
    "tensorboard": ("TENSORBOARD_LOGGING_DIR", ""),
    "wandb": ("WANDB_DIR", "wandb/settings"),
}
# longer files are no settings
MOST_BYTES = 100000


def unset_variables(trackers: Iterable[object], folders: Iterable[str]) -> list[str]:
    """The variables of these trackers that nobody has set: not the environment, no `.env` and no settings of the tracker in `folders`.

    What code passes to the tracker itself counts more than a variable, and need not be known.
    """
    unset = []
    for tracker in sorted({str(t) for t in trackers} & VARIABLES.keys()):
        name, settings = VARIABLES[tracker]
        # the folder of a run that this one is started by is not for this one
        places = [os.environ.get(name) not in (None, os.environ.get("RUN_OUTPUT_DIR"))]
        for folder in folders:
            places += [bool(settings) and os.path.lexists(f"{folder}/{settings}"), _names(f"{folder}/.env", name)]
        if not any(places):
            unset.append(name)
    return unset


def _names(path: str, name: str) -> bool:
    """Whether a file of settings has this name in it; one that cannot be read may."""
    try:
        with open(path, "rb") as file:
            return name.encode() in file.read(MOST_BYTES)
    except FileNotFoundError:
        return False
    except OSError:
        return True
