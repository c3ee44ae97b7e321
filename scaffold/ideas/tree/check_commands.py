"""The commands of a study that have to succeed on an idea before anything runs."""

from __future__ import annotations

import subprocess  # noqa: TID251 - it runs the checks that the study names
from collections.abc import Callable, Sequence
from pathlib import Path

CHECK_S = 600.0


def run_checks_until_failure(top: Path, commands: Sequence[str], say: Callable[[str], None]) -> str | None:
    """Run the checks in the working tree, in order, until one fails; how it did. None: all succeeded."""
    for command in commands:
        say(f"check: {command}")
        try:
            done = subprocess.run(["bash", "-c", command], cwd=top, capture_output=True, text=True, timeout=CHECK_S)
        except subprocess.TimeoutExpired:
            return f"the check `{command}` took longer than {CHECK_S:g} s"
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()
            return f"the check `{command}` failed" + (f": {lines[-1][:200]}" if lines else "")
    return None
