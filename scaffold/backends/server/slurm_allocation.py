"""A run of a research server on a Slurm cluster as an allocation: the script that the server types, which has Slurm start the launcher.

The server runs commands on its own machine. Where that is a login node, or a node of a job, what a run needs has to be asked of Slurm; and
the run has to stay in the foreground until it ends, so that the server sees its end and its exit status, and can cancel it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from scaffold.atomic_write import MAKE_ROOM, write_file
from scaffold.backends.interface import BackendContext, Job
from scaffold.backends.server import job_mapping
from scaffold.backends.slurm import array_script, repository_sbatch_block
from scaffold.backends.slurm.commands import run_slurm_command
from scaffold.backends.slurm.sbatch_options import SbatchOption
from scaffold.errors import ScaffoldError

# srun does not know these; what it makes known lives as long as the server's run does
_ONLY_SBATCH = ("requeue", "no-requeue", "open-mode", "mail-type", "mail-user", "hold", "get-user-env")

HEAD = """\
#!/usr/bin/env bash
# One run on the research server as an allocation of Slurm's. The server types: bash '<this file>'
# Written by scaffold, written anew at every launch: changes are lost.
set -uo pipefail
launcher=%(launcher)s
ticket=%(ticket)s
name=%(name)s
cpus=%(cpus)d gpus=%(gpus)d
# a job of several tasks or nodes, of which the launcher is the batch script
spreads=%(spreads)s
said=%(said)s
options=(
%(options)s
)
"""
BODY = r"""
if ! command -v srun >/dev/null && ! command -v sbatch >/dev/null; then
  echo "$name: neither srun nor sbatch is on PATH here, so nothing is started; the research server says that it is on a Slurm cluster" >&2
  exit 69
fi
# in a job of its own, which may be over by now: what started the terminal's server told it of one
job=${SLURM_JOB_ID-}
if [ -n "$job" ] && [ -z "$(squeue -h -t RUNNING -j "$job" -o %A 2>/dev/null)" ]; then
  job=
  for variable in ${!SLURM_@} ${!SBATCH_@}; do
    case "$variable" in SLURM_CONF | SLURM_CONF_SERVER | SLURM_CLUSTERS | SLURM_JWT) ;; *) unset "$variable" ;; esac
  done
fi
child='' told=''

# an srun that is hung up or asked to end kills at once; scancel lets the recorder write the end
# shellcheck disable=SC2329
pass_on() {
  case "$1" in USR1 | USR2) ;; *) told=$1 ;; esac
  if [ -z "$told" ] && [ "$way" = srun ]; then
    kill -s "$1" "$child" 2>/dev/null
  elif [ -n "$job" ]; then
    step=$(squeue -h -s -j "$job" -o '%i %j' | while read -r id its_name; do [ "$its_name" != "$name" ] || echo "$id"; done)
    if [ -z "$step" ] || ! scancel -s "${told:+TERM}" "$step"; then kill -s TERM "$child" 2>/dev/null; fi
  elif [ -n "$told" ]; then
    scancel --name="$name" || kill -s TERM "$child" 2>/dev/null
  else
    scancel --batch -s "$1" --name="$name"
  fi
}

# a process group of its own, which no terminal hangs up
set -m
for signal in HUP INT QUIT TERM USR1 USR2; do
  # shellcheck disable=SC2064
  trap "pass_on $signal" "$signal"
done
start() {
  "$@" </dev/null &
  child=$!
  while :; do
    wait "$child"
    code=$?
    # a signal ends the waiting too
    kill -0 "$child" 2>/dev/null || break
  done
  # it may have ended while the signal was passed on
  wait "$child" 2>/dev/null
  last=$?
  if [ "$last" != 127 ]; then code=$last; fi
}

way=srun complaint='it is a job of several tasks'
if [ -n "$job" ]; then
  # a step of this job, which asks for no more than the job has
  step=(--nodes=1 --ntasks=1 --job-name="$name")
  if ((cpus > 0 && cpus <= ${SLURM_CPUS_ON_NODE:-0})); then step+=(--cpus-per-task="$cpus"); fi
  if ((gpus > 0 && gpus <= ${SLURM_GPUS_ON_NODE:-0})); then
    step+=(--exact --mem=0 --gres=gpu:"$gpus")
  else
    step+=(--overlap)
  fi
  start srun "${step[@]}" bash "$launcher"
elif [ -z "$spreads" ] && complaint=$(srun --test-only --nodes=1 --ntasks=1 ${options[@]+"${options[@]}"} true 2>&1); then
  # overlapping, so that a command that calls srun itself gets a step in it
  start srun --nodes=1 --ntasks=1 --overlap --job-name="$name" ${options[@]+"${options[@]}"} bash "$launcher"
else
  echo "$name: no step of srun (${complaint//$'\n'/; }); sbatch --wait instead" >&2
  way=sbatch
  start sbatch --wait --nodes=1 --ntasks=1 --job-name="$name" --chdir=/ --open-mode=append --output="$said" \
    ${options[@]+"${options[@]}"} "$launcher"
fi
if [ -e "$ticket" ] && [ "$code" != 0 ] && [ -z "$told$job" ]; then
  case "$(squeue -h -t all --name="$name" -o '%A %T' 2>/dev/null | sort -n | tail -n 1)" in
    *CANCELLED*)
      echo "$name: its job was cancelled before it began" >&2
      exit %(cancelled)d
      ;;
  esac
fi
exit "$code"
"""


def allocation_script_path(folder: Path, name: str) -> Path:
    """Where the script of a run lies."""
    return folder / f"{name}{job_mapping.ALLOCATION_SUFFIX}"


def format_slurm_job_name(context: BackendContext, job: Job) -> str:
    """What Slurm knows a submission by, and no other: the same scheme as an array's."""
    return array_script.array_job_name(context.sweep, context.folder, [job])


def build_allocation_options(context: BackendContext) -> tuple[SbatchOption, ...]:
    """What Slurm is asked for: as for an array. Raises WrongUsage for options of the sweep's that are none."""
    return repository_sbatch_block.choose_job_options(
        context, repository_sbatch_block.read_training_sbatch_block(context.workspace)
    )


def write_allocation_script(context: BackendContext, job: Job) -> Path:
    """Write the script of a job where it is missing or differs; its path. Raises ScaffoldError, WrongUsage for options that are none."""
    path = allocation_script_path(context.folder, job.name)
    data = format_allocation_script(context, job, build_allocation_options(context)).encode("utf-8", "surrogateescape")
    if not path.exists() or path.read_bytes() != data:
        write_file(path, data, hint=MAKE_ROOM, executable=True, sync=False)
    return path


def format_allocation_script(context: BackendContext, job: Job, options: Sequence[SbatchOption]) -> str:
    """The script of a job that is given `options`, each below the line that says where it is from."""
    lines = []
    for option in options:
        if option.name in _ONLY_SBATCH:
            lines.append(f"  # {option.origin}: {option.word} is left out, it is for sbatch alone")
        else:
            # `B:` means the batch script, which srun has none of: the recorder is what it starts
            lines += [f"  # {option.origin}", f"  {shlex.quote(option.word.replace('--signal=B:', '--signal=', 1))}"]
    values: dict[str, str | int] = {
        "launcher": shlex.quote(str(job.launcher)),
        "ticket": shlex.quote(str(context.folder / f"{job.name}.ticket")),
        "name": shlex.quote(format_slurm_job_name(context, job)),
        "cpus": context.cpus_per_run or 0,
        "gpus": context.gpus_per_run or 0,
        "spreads": "yes" if repository_sbatch_block.needs_several_tasks(options) else "''",
        "said": shlex.quote(str(context.logs / f"{job.name}.{job.number}.log").replace("%", "%%")),
        "options": "\n".join(lines),
    }
    return HEAD % values + BODY.replace("%(cancelled)d", str(job_mapping.CANCELLED_CODE))


def read_slurm_job_name(folder: Path, name: str) -> str | None:
    """What Slurm knows the newest submission of a run by; None where it has no allocation."""
    try:
        text = allocation_script_path(folder, name).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    match = re.search(r"^name=(\S+)$", text, re.MULTILINE)
    return match and match[1]


class QueuedJob(NamedTuple):
    """A job of this user that Slurm has: its number and its state, in Slurm's words."""

    number: str
    state: str


def list_slurm_queue() -> Mapping[str, QueuedJob] | None:
    """Job name -> job, of all that this user has in Slurm's queue or running; None where Slurm cannot be asked from here."""
    try:
        result = run_slurm_command(["squeue", "-h", f"--user={os.getuid()}", "-o", "%A %T %j"])
    except ScaffoldError:
        return None
    if result.code != 0:
        return None
    rows = (line.split(" ", 2) for line in result.stdout.splitlines())
    return {row[2]: QueuedJob(row[0], row[1]) for row in rows if len(row) == 3}


def cancel_allocations(folder: Path, names: Sequence[str]) -> None:
    """Have Slurm end the allocations of runs, those that wait too. Raises ScaffoldError where it says no."""
    queue = list_slurm_queue() or {}
    jobs = (queue.get(read_slurm_job_name(folder, name) or "") for name in names)
    numbers = sorted({job.number for job in jobs if job is not None})
    if not numbers:
        return
    result = run_slurm_command(["scancel", *numbers])
    if result.code != 0:
        raise ScaffoldError(f"scancel could not end {' '.join(numbers)}: {result.complaint}", hint="stop again")
