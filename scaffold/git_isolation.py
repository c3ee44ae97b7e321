"""What keeps a question to git from running what the repository configures: settings, environment, filters, bare repositories.

A repository's own configuration names programs (filters, hooks, monitors, helpers, transports), and comes along in an archive or as a
folder that a clone holds. Where only reading is meant, each of them is off.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

SETTINGS = (
    "safe.bareRepository=explicit",
    f"core.hooksPath={os.devnull}",
    "core.pager=cat",
    "core.askPass=",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.alternateRefsCommand=",
    "credential.helper=",
    "protocol.allow=never",
    "log.showSignature=false",
    "gpg.program=false",
    "submodule.recurse=false",
    "status.submoduleSummary=false",
)
# a partial clone fetches what it lacks, by the program or the transport that its configuration names
ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_PAGER": "cat"}
MOST_FILTERS = 200


def git_filter_names(keys: Iterable[str]) -> frozenset[str]:
    """The names of filters among the keys of a configuration (`filter.NAME.clean`)."""
    return frozenset(key[7 : key.rindex(".")] for key in keys if key.count(".") > 1)


def disable_git_filters(names: Iterable[str]) -> list[str] | None:
    """The settings with which filters of these names do nothing; None where git cannot be told so on its command line.

    `required` goes as well, since git gives up over a required filter without a command.
    """
    names = sorted(names)
    # git reads a setting up to its first `=`, and an argument list has an end
    if len(names) > MOST_FILTERS or any("=" in name or "\n" in name for name in names):
        return None
    return [
        f"filter.{name}.{setting}" for name in names for setting in ("clean=", "smudge=", "process=", "required=false")
    ]


def find_bare_repository(directory: Path) -> Path | None:
    """The bare repository or `.git` directory that git would take `directory` to lie in; None where it takes another, or none.

    Any folder of a clone can be one, with a configuration of its own. Git has `safe.bareRepository` against it since 2.38; the check here
    serves older ones, and says which folder it is. Repositories that `GIT_DIR` names are the user's own choice.
    """
    if os.environ.get("GIT_DIR"):
        return None
    folder = os.path.realpath(directory)
    while True:
        inner = os.path.join(folder, ".git")  # noqa: PTH118 - a quick command asks this a dozen times
        if os.path.isfile(inner) or _is_git_directory(inner):  # noqa: PTH113
            return None
        if _is_git_directory(folder):
            return Path(folder)
        parent = os.path.dirname(folder)  # noqa: PTH120
        if parent == folder:
            return None
        folder = parent


def _is_git_directory(folder: str) -> bool:
    """Whether git may take `folder` for one: where it names a common directory, objects and refs lie there."""
    return os.path.lexists(f"{folder}/HEAD") and (
        os.path.lexists(f"{folder}/commondir")
        or (os.path.isdir(f"{folder}/objects") and os.path.isdir(f"{folder}/refs"))  # noqa: PTH112
    )
