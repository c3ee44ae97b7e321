"""Runs -> launchers: one shell script a run, which every backend starts as `bash '<launcher>'` (docs/sweeps.md).

The same runs give the same bytes. A launcher takes its start token, enters the repository's environment and becomes the recorder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.atomic_write import MAKE_ROOM, write_file
from scaffold.backends.start_tokens import EXPORTED, NO_TOKEN
from scaffold.runs import recorder, recorder_command
from scaffold.sweeps.launch import paths
from scaffold.sweeps.launch.environment_script import read_environment
from scaffold.sweeps.launch.shell_quoting import shell_line, shell_word
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
TOKEN = """
case "${1-}" in
  --by-hand) ;;
  '')
    taken="$folder/$run.taken"
    if ! mv -f -- "$folder/$run.ticket" "$taken" 2>/dev/null; then
      # Slurm that requeues a job starts the same try again
      if [ "${SLURM_RESTART_COUNT:-0}" = 0 ] || [ ! -e "$taken" ]; then
        echo "$run: there is no ticket for it, so this start is not needed (by hand: bash '$folder/$run.sh' --by-hand)" >&2
        exit %(no_token)d
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
export %(scheme_variable)s=%(scheme)d
exec %(prefix)s"$python" %(flags)s %(recorder)s %(options)s -- \\
  %(command)s </dev/null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTree:
    """Where runs take place: the work directory (of this repository, or of a worktree of it) and its recorder."""

    workdir: Path
    recorder: Path


def this_tree(workspace: Workspace) -> CodeTree:
    """The work directory itself. Raises ScaffoldError where its recorder is missing."""
    return CodeTree(workdir=workspace.workdir, recorder=recorder_command.recorder_path(workspace))


def write_scripts(
    workspace: Workspace, sweep: Sweep, runs: Sequence[PlannedRun], tree: CodeTree | None = None
) -> dict[str, Path]:
    """Write the launchers of runs, those that are not there yet or differ; name -> absolute path.

    `tree` is where they take place: the work directory unless said otherwise. Raises ScaffoldError.
    """
    folder = scripts_folder(workspace, sweep.name)
    template = script_template(workspace, sweep, tree or this_tree(workspace))
    written = {}
    for run in runs:
        path = folder / f"{run.name}.sh"
        data = template.render(run)
        if not _is_written(path, data):
            # not synced: the next launch writes it again
            write_file(path, data, hint=MAKE_ROOM, executable=True, sync=False)
        written[run.name] = path
    return written


def scripts_folder(workspace: Workspace, name: str) -> Path:
    """The directory of a sweep's launchers and start tokens, absolute; made where it is missing. Git is told to leave it alone.

    Raises ScaffoldError where that cannot be done.
    """
    return paths.make_hidden(paths.sweep_paths(workspace, name).folder)


def _is_written(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data and bool(path.stat().st_mode & 0o100)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class ScriptTemplate:
    """What all launchers of a sweep share; `render` makes one."""

    folder: Path
    environment: str
    tail: Mapping[str, str | int]
    sweep: Sweep

    def render(self, run: PlannedRun) -> bytes:
        """One run's launcher."""
        head = HEAD % {"run": shell_word(run.name), "folder": shell_word(str(self.folder))}
        token = TOKEN % {"no_token": NO_TOKEN, "exported": " | ".join(f"{name}=*" for name in EXPORTED)}
        last = TAIL % {
            **self.tail,
            "options": shell_line(recorder_options(self.sweep, run)),
            "command": shell_line(run.argv),
        }
        return (head + token + self.environment + last).encode("utf-8", "surrogateescape")


def script_template(workspace: Workspace, sweep: Sweep, tree: CodeTree) -> ScriptTemplate:
    """What the launchers of a sweep share. Raises ScaffoldError where the workspace's settings cannot be read."""
    environment = read_environment(workspace)
    cwd = Path(tree.workdir, sweep.cwd).absolute()
    prefix = shell_line(environment.prefix)
    return ScriptTemplate(
        folder=paths.sweep_paths(workspace, sweep.name).folder,
        environment=environment.script([cwd, tree.workdir, workspace.workdir]),
        tail={
            "cwd": shell_word(str(cwd)),
            "python": shell_word(sys.executable),
            "prefix": f"{prefix} " if prefix else "",
            "flags": " ".join(recorder_command.PYTHON_OPTIONS),
            "recorder": shell_word(str(tree.recorder.absolute())),
            "scheme_variable": recorder.naming.SCHEME_VARIABLE,
            "scheme": sweep.name_scheme,
        },
        sweep=sweep,
    )
