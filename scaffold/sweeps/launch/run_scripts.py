"""Runs -> launchers: one shell script a run, which every backend starts as `bash '<launcher>'` (docs/sweeps.md).

The same runs give the same bytes. A launcher takes its ticket, enters the repository's environment and becomes the recorder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.backends.start_tokens import EXPORTED, NO_TICKET
from scaffold.runs import recorder_command
from scaffold.sweeps import files
from scaffold.sweeps.launch import environments
from scaffold.sweeps.launch.shell import line, quoted
from scaffold.sweeps.spec import sweep_file
from scaffold.sweeps.spec.model import PlannedRun, Sweep
from scaffold.sweeps.spec.run_names import recorder_options
from scaffold.workspace import Workspace

HEAD = """\
#!/usr/bin/env bash
# One run of a sweep. Every backend starts it as: bash '<this file>'. Without a ticket: bash '<this file>' --by-hand
# Written by scaffold, written anew at every launch: changes are lost.
# The words of the command are meant as they stand, whatever is in them:
# shellcheck disable=SC1003,SC1018,SC1110,SC1111,SC1112,SC2016
set -euo pipefail
run=%(run)s
folder=%(folder)s
"""
TICKET = """
case "${1-}" in
  --by-hand) ;;
  '')
    taken="$folder/$run.taken"
    if ! mv -f -- "$folder/$run.ticket" "$taken" 2>/dev/null; then
      # Slurm that requeues a job starts the same try again
      if [ "${SLURM_RESTART_COUNT:-0}" = 0 ] || [ ! -e "$taken" ]; then
        echo "$run: there is no ticket for it, so this start is not needed (by hand: bash '$folder/$run.sh' --by-hand)" >&2
        exit %(no_ticket)d
      fi
    fi
    while IFS= read -r line || [ -n "$line" ]; do
      case "$line" in
        %(exported)s) export "${line?}" ;;
      esac
    done <"$taken"
    host=$(uname -n)
    printf 'host=%%s\\npid=%%s\\ntaken_at=%%s\\n' "$host" "$$" "$(date -u +%%Y-%%m-%%dT%%H:%%M:%%SZ)" >>"$taken" ||
      echo "$run: who took the ticket cannot be written down" >&2
    ;;
  *)
    echo "$run: it takes nothing but --by-hand" >&2
    exit 2
    ;;
esac
"""
TAIL = """
cd -- %(cwd)s
python=%(python)s
[ -x "$python" ] || python=python3
exec %(prefix)s"$python" %(flags)s %(recorder)s %(options)s -- \\
  %(command)s </dev/null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Where runs take place: the work directory (of this repository, or of a worktree of it) and its recorder."""

    workdir: Path
    recorder: Path


def here(workspace: Workspace) -> Tree:
    """The work directory itself. Raises ScaffoldError where its recorder is missing."""
    return Tree(workdir=workspace.workdir, recorder=recorder_command.recorder_path(workspace))


def write(workspace: Workspace, sweep: Sweep, runs: Sequence[PlannedRun], tree: Tree | None = None) -> dict[str, Path]:
    """Write the launchers of runs, those that are not there yet or differ; name -> absolute path.

    `tree` is where they take place: the work directory unless said otherwise. Raises ScaffoldError.
    """
    folder = make_folder(workspace, sweep.name)
    text = template(workspace, sweep, tree or here(workspace))
    paths = {}
    for run in runs:
        path = folder / f"{run.name}.sh"
        data = text.fill(run)
        if not _is_there(path, data):
            files.write_file(path, data, executable=True, sync=False)
        paths[run.name] = path
    return paths


def make_folder(workspace: Workspace, name: str) -> Path:
    """The directory of a sweep's launchers and tickets, absolute; made where it is missing. Git is told to leave it alone.

    Raises ScaffoldError where that cannot be done.
    """
    return files.make_ignored_folder(sweep_file.sweeps_folder(workspace).absolute() / name)


def _is_there(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data and bool(path.stat().st_mode & 0o100)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Template:
    """What all launchers of a sweep share; `fill` makes one."""

    folder: Path
    environment: str
    tail: Mapping[str, str]
    sweep: Sweep

    def fill(self, run: PlannedRun) -> bytes:
        """One run's launcher."""
        head = HEAD % {"run": quoted(run.name), "folder": quoted(str(self.folder))}
        ticket = TICKET % {"no_ticket": NO_TICKET, "exported": " | ".join(f"{name}=*" for name in EXPORTED)}
        last = TAIL % {**self.tail, "options": line(recorder_options(self.sweep, run)), "command": line(run.argv)}
        return (head + ticket + self.environment + last).encode("utf-8", "surrogateescape")


def template(workspace: Workspace, sweep: Sweep, tree: Tree) -> Template:
    """What the launchers of a sweep share. Raises ScaffoldError where the workspace's settings cannot be read."""
    entered = environments.of(workspace)
    cwd = Path(tree.workdir, sweep.cwd).absolute()
    prefix = line(entered.prefix)
    return Template(
        folder=sweep_file.sweeps_folder(workspace).absolute() / sweep.name,
        environment=entered.script([cwd, tree.workdir, workspace.workdir]),
        tail={
            "cwd": quoted(str(cwd)),
            "python": quoted(sys.executable),
            "prefix": f"{prefix} " if prefix else "",
            "flags": " ".join(recorder_command.PYTHON_OPTIONS),
            "recorder": quoted(str(tree.recorder.absolute())),
        },
        sweep=sweep,
    )
