"""`scaffold try` in a process that is killed before the k-th thing that it does to the outside; its runs are not real ones."""

from __future__ import annotations

import sys
from pathlib import Path

from click.testing import CliRunner

from scaffold.cli.main import group
from scaffold.ideas import trial_runs
from tests.ideas.conftest import IdeaLoop, faked_runs
from tests.kill_points import kill_at
from tests.sweeps.killed import is_effect


def main() -> None:
    """Try what is in the tree."""
    root, point = Path(sys.argv[1]), int(sys.argv[2])
    loop = IdeaLoop(root, lambda *args: CliRunner().invoke(group, [str(a) for a in args], catch_exceptions=False))
    trial_runs.run_judging_step = faked_runs(loop)
    kill_at(point, is_effect)
    sys.exit(loop.call("try", "better", "--workdir", root).exit_code)


if __name__ == "__main__":
    main()
