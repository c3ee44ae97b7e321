"""Runs -> launchers: one shell script a run, which every backend starts as `bash '<launcher>'` (docs/sweeps.md).

The same runs give the same bytes. A launcher takes its start token, enters the repository's environment and becomes the recorder.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from scaffold.atomic_write import MAKE_ROOM, write_file
from scaffold.backends.start_tokens import EXPORTED, NO_TOKEN
from scaffold.runs import recorder, recorder_command
from scaffold.server import address, trusted_servers
from scaffold.sweeps.spec.model import NO_SEED_OPTION, PlannedRun, Sweep
from scaffold.sweeps.spec.run_names import recorder_options
from scaffold.sweeps.spec.script_interface import passes_seed
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths, make_ignored_folder
from scaffold.workspace import Workspace

PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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
    # without a process where that can be: most of what a launcher costs is what it starts
    { read -r host </proc/sys/kernel/hostname; } 2>/dev/null || host=$(uname -n)
    printf 'host=%%s\\npid=%%s\\ntaken_at=%%s\\n' "$host" "$$" "$(date -u +%%Y-%%m-%%dT%%H:%%M:%%SZ)" >>"$taken" ||
      echo "$run: who took the ticket cannot be written down" >&2
    if [ -n "${SLURM_ARRAY_JOB_ID:-}" ]; then
      printf 'job=%%s_%%s %%s\\n' "$SLURM_ARRAY_JOB_ID" "${SLURM_ARRAY_TASK_ID:-}" "${SLURM_JOB_NAME:-}" >>"$taken" || true
    fi
    ;;
  *)
    echo "$run: it takes nothing but --by-hand" >&2
    exit 2
    ;;
esac
"""
MODULES = """
# the modules that the repository's own scripts load
set +u
if ! type module >/dev/null 2>&1; then
  for init in /etc/profile.d/lmod.sh /etc/profile.d/modules.sh "${MODULESHOME:-/usr/share/modules}/init/bash"; do
    if [ -r "$init" ]; then
      set +e
      # shellcheck disable=SC1090
      . "$init"
      set -e
      break
    fi
  done
fi
if type module >/dev/null 2>&1; then module load %s; fi
set -u
"""
SETUP = """
# what the repository's own sbatch scripts do first
if [ -n "${SLURM_JOB_ID-}" ]; then
  set +eu
  # shellcheck disable=all
  {
%s
  }
  set -eu
fi
"""
LOCAL = """
# the environment that lies in the work directory, if there is one
places=(%s)
for place in "${places[@]}"; do
  if [ -x "$place/.venv/bin/python" ]; then
    export VIRTUAL_ENV="$place/.venv" PATH="$place/.venv/bin:$PATH"
    unset PYTHONHOME
    break
  elif [ -x "$place/.conda/bin/python" ]; then
    export CONDA_PREFIX="$place/.conda" PATH="$place/.conda/bin:$PATH"
    # activation scripts are not written for strict mode
    set +eu
    for hook in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
      # shellcheck disable=SC1090
      if [ -r "$hook" ]; then . "$hook"; fi
    done
    set -eu
    break
  fi
done
"""
SERVER = """
# whoever launched this trusts the research server with a token
if [ -z "${%(variable)s-}" ]; then export %(variable)s=%(url)s; fi
"""
TAIL = """
cd -- %(cwd)s
# a run of its own, even where a run launched it
unset RUN_RECORDER RUN_MANIFEST
python=%(python)s
[ -x "$python" ] || python=python3
export %(scheme_variable)s=%(scheme)d%(seed_source)s
%(variables)sexec %(prefix)s"$python" %(flags)s %(recorder)s %(options)s -- \\
  %(command)s </dev/null
"""


def write_launchers(
    workspace: Workspace,
    sweep: Sweep,
    runs: Sequence[PlannedRun],
    tree: Workspace | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    enters_environment: bool = True,
) -> dict[str, Path]:
    """Write the launchers of runs, those that are not there yet or differ; name -> absolute path.

    They run in the work directory of `workspace`, or of `tree`, a worktree with other code, with `variables` in their environment; behind
    the run prefix unless `enters_environment` is false. Raises ScaffoldError.
    """
    return make_launcher_writer(workspace, sweep, tree, variables, enters_environment=enters_environment)(runs)


def make_launcher_writer(
    workspace: Workspace,
    sweep: Sweep,
    tree: Workspace | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    enters_environment: bool = True,
) -> Callable[[Sequence[PlannedRun]], dict[str, Path]]:
    """What writes the launchers of runs as `write_launchers` does, again and again, with settings and recorder as they are now."""
    folder = make_ignored_folder(launched_sweep_paths(workspace, sweep.name).folder)
    render = make_launcher_renderer(
        workspace, sweep, tree or workspace, variables or {}, enters_environment=enters_environment
    )

    def write(runs: Sequence[PlannedRun]) -> dict[str, Path]:
        written = {}
        for run in runs:
            path = folder / f"{run.name}.sh"
            data = render(run)
            if not _create(path, data) and not _is_written(path, data):
                # not synced: the next launch writes it again
                write_file(path, data, hint=MAKE_ROOM, executable=True, sync=False)
            written[run.name] = path
        return written

    return write


def _create(path: Path, data: bytes) -> bool:
    """Write a launcher that there was not; whether that was done. In its place at once: nobody starts it before it has a token, and one
    that was cut off differs from what the next launch wants to write."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o777), "wb") as file:
            file.write(data)
    except OSError:
        return False
    return True


def _is_written(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data and bool(path.stat().st_mode & 0o100)
    except OSError:
        return False


def make_launcher_renderer(
    workspace: Workspace,
    sweep: Sweep,
    tree: Workspace,
    variables: Mapping[str, str],
    *,
    enters_environment: bool = True,
) -> Callable[[PlannedRun], bytes]:
    """What makes the launcher of one run of a sweep. Raises ScaffoldError where settings or recorder cannot be read."""
    cwd = Path(tree.workdir, sweep.cwd).absolute()
    prefix = recorder_command.read_run_prefix(workspace) if enters_environment else []
    # a run prefix (`uv run`) enters the environment by itself
    environment = environment_script(workspace, [] if prefix else [cwd, tree.workdir, workspace.workdir])
    token = TOKEN % {"no_token": NO_TOKEN, "exported": " | ".join(f"{name}=*" for name in EXPORTED)}
    environment += _server_script(workspace)
    shared: dict[str, str | int] = {
        "folder": escape_bash_word(str(launched_sweep_paths(workspace, sweep.name).folder)),
        "cwd": escape_bash_word(str(cwd)),
        "python": escape_bash_word(sys.executable),
        "prefix": "".join(f"{escape_bash_word(word)} " for word in prefix),
        "flags": " ".join(recorder_command.PYTHON_OPTIONS),
        "recorder": escape_bash_word(str(recorder_command.recorder_path(tree).absolute())),
        "scheme_variable": recorder.naming.SCHEME_VARIABLE,
        "scheme": sweep.name_scheme,
        "variables": "".join(f"export {key}={escape_bash_word(value)}\n" for key, value in sorted(variables.items())),
        "seed_source": f" {recorder.seed_source.SOURCE_VARIABLE}={source}"
        if (source := find_seed_source(sweep.command, sweep.seed_option, cwd))
        else "",
    }

    def render(run: PlannedRun) -> bytes:
        options, command = join_bash_words(recorder_options(sweep, run)), join_bash_words(run.argv)
        words = {**shared, "run": escape_bash_word(run.name), "options": options, "command": command}
        return (HEAD % words + token + environment + TAIL % words).encode("utf-8", "surrogateescape")

    return render


def _server_script(workspace: Workspace) -> str:
    """What names the research server to the run, where this user confirmed it: a compute node may not have the user's settings."""
    url = address.resolve_url(None, workspace.answers)
    if url is None or not trusted_servers.is_server_confirmed(url):
        return ""
    return SERVER % {"variable": address.URL_VARIABLE, "url": escape_bash_word(url)}


def find_seed_source(command: Sequence[str], seed_option: str | None, cwd: Path) -> str | None:
    """How the seeds of a sweep reach its script: by the environment where who planned it said so, and the script does not say otherwise,
    else in the arguments; None where they are labels, and where there are none."""
    if seed_option == NO_SEED_OPTION:
        return None if recorder.seed_source.reads_seed(command, str(cwd)) is False else "environment"
    return "arguments" if seed_option is not None or passes_seed(command) else None


def environment_script(workspace: Workspace, places: Sequence[Path]) -> str:
    """What enters the environment, by the workspace's answers; `.venv` or `.conda` in one of `places` is used, if there.

    Modules and set-up lines were checked when the repository was read (scaffold.lifecycle.answers_from_conventions); what else stands
    there is not run.
    """
    declared, slurm = _mapping_answer(workspace, "environment"), _mapping_answer(workspace, "slurm")
    modules = _printable_texts(declared.get("modules")) or _printable_texts(slurm.get("modules"))
    setup = _printable_texts(slurm.get("setup"))
    text = MODULES % join_bash_words(modules) if modules else ""
    text += SETUP % "\n".join(f"    {line}" for line in setup) if setup else ""
    return text + (LOCAL % join_bash_words(dict.fromkeys(str(p.absolute()) for p in places)) if places else "")


def _mapping_answer(workspace: Workspace, name: str) -> Mapping[str, object]:
    answer = workspace.answers.get(name)
    return answer if isinstance(answer, Mapping) else {}


def _printable_texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str) and v.isprintable()) if isinstance(value, list) else ()


def join_bash_words(words: Iterable[str]) -> str:
    """Words as one line of bash, whatever is in them. Unlike shlex.join, a line break or a Tab in a word breaks no line."""
    return " ".join(map(escape_bash_word, words))


def escape_bash_word(word: str) -> str:
    """One word of bash that stands for `word`; control characters are written as escapes, so that it is one line."""
    if PLAIN.fullmatch(word):
        return word
    if CONTROL.search(word):
        return "$'" + CONTROL.sub(_escape_control, word.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    return "'" + word.replace("'", "'\\''") + "'"


def _escape_control(match: re.Match[str]) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return named.get(match[0]) or "".join(f"\\x{byte:02x}" for byte in match[0].encode())
