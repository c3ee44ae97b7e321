"""A workspace's settings -> the part of a launcher that enters the repository's environment, in bash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.runs import recorder_command
from scaffold.sweeps.launch.shell_quoting import shell_line
from scaffold.workspace import Workspace

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnvironment:
    """How the environment is entered: modules, lines that Slurm jobs begin with, and what stands before the recorder."""

    prefix: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()

    def script(self, places: Sequence[Path]) -> str:
        """The part of a launcher that enters it. Without a prefix, `.venv` or `.conda` in one of `places` is used, if there."""
        text = MODULES % shell_line(self.modules) if self.modules else ""
        if self.setup:
            text += SETUP % "\n".join(f"    {text}" for text in self.setup)
        if not self.prefix:
            text += LOCAL % shell_line(dict.fromkeys(str(p.absolute()) for p in places))
        return text


def read_environment(workspace: Workspace) -> RunEnvironment:
    """What the workspace's answers and `workspace.json` say. Raises ScaffoldError where the latter cannot be read.

    Modules and set-up lines were checked when the repository was read (scaffold.lifecycle.answers); what else stands there is not run.
    """
    declared, slurm = _mapping(workspace, "environment"), _mapping(workspace, "slurm")
    return RunEnvironment(
        prefix=tuple(recorder_command.configured_prefix(workspace)),
        modules=_texts(declared.get("modules")) or _texts(slurm.get("modules")),
        setup=_texts(slurm.get("setup")),
    )


def _mapping(workspace: Workspace, name: str) -> Mapping[str, object]:
    answer = workspace.answers.get(name)
    return answer if isinstance(answer, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str) and v.isprintable()) if isinstance(value, list) else ()
