"""What ideas change, as patches that may be shown."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from scaffold import git
from scaffold.runs import recorder


def idea_patch(top: Path, uncounted: Iterable[str], base: str, commit: str) -> str:
    """The patch from one commit to another, without secrets and without what is no code (`uncounted`)."""
    excluded = [f":(exclude,top,literal){path}" for path in uncounted]
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
    difference = git.run_git_checked(top, "diff", *options, base, commit, "--", ".", *excluded).stdout
    return os.fsdecode(recorder.patches.redact_patch(difference, os.devnull))
