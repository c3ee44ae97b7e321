"""How a seed reaches a command that does not name it as a parameter. Loaded only where there is such a seed."""

from __future__ import annotations

import os

from .configuration import read_command
from .files import CODE, LARGEST_TEXT_BYTES, SHELL, file_size
from .messages import warn
from .naming import script_index
from .values import format_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


# by it whoever knows that the script reads its seed from the environment, or has it among its arguments, says so
SOURCE_VARIABLE = "RUN_SEED_SOURCE"

# what a script has in it that reads the seed of its environment
READS = b"RUN_SEED"


def find_seed_source(argv: Sequence[str], seed: int) -> str:
    """`arguments`, `environment` of a script that reads it, or `label` where nothing shows that the seed reaches the command."""
    if read_command(argv, seed=seed).seed == seed or "{RUN_SEED}" in " ".join(argv):
        return "arguments"
    source = os.environ.get(SOURCE_VARIABLE)
    if source in ("arguments", "environment"):
        return source
    return "environment" if reads_seed(argv) else "label"


def reads_seed(argv: Sequence[str], folder: str = "") -> bool | None:
    """Whether the script of a command that runs in `folder` has the environment's seed in it; None where that cannot be told."""
    index = script_index(argv)
    path = argv[index]
    if index and argv[index - 1] in ("-c", "-e"):
        return READS in os.fsencode(path)
    if index and argv[index - 1] == "-m":
        path = path.replace(".", "/") + ".py"
    path = os.path.join(folder, path)
    if not path.endswith(CODE + SHELL) or not 0 < file_size(path) <= LARGEST_TEXT_BYTES:
        return None
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return None
    # what a block of `record` did with the seed only the run itself could tell
    return READS in text or (None if b"record_run" in text else False)


def warn_of_label(seed: int) -> None:
    """Say that a seed is a mere label."""
    warn(
        "warning: nothing shows that the seed %s reaches the command: it is recorded as a label, and its runs count as runs without a "
        "seed (write it into the command, or read $RUN_SEED)" % format_value(seed)
    )
