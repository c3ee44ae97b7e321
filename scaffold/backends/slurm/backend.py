"""Slurm: one job array for each launch; what becomes of its tasks from squeue, then from sacct where accounting answers.

sbatch is told nothing twice. Before anything is submitted, the array scripts that lie in the sweep's folder say which submissions were
ever to be made under which job name, and Slurm is asked for jobs of those names: so what a killed launch submitted is found again.
Where even that fails, start tokens make the second task end at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scaffold.atomic_write import write_atomic
from scaffold.backends.interface import Backend, BackendContext, BackendLoad, Job, JobStatus, OnSubmitted
from scaffold.backends.slurm import array_script, parse_output, repository_sbatch_block, slurm_capacity
from scaffold.backends.slurm.array_script import ArrayTask
from scaffold.backends.slurm.commands import SUBMIT_S, CommandResult, run_slurm_command
from scaffold.backends.slurm.sbatch_options import SWEEP
from scaffold.errors import ScaffoldError


class SlurmBackend(Backend):
    """The backend `slurm`. A job id is a task of an array with the array's job name: ArrayTask."""

    name = "slurm"
    queues = True

    def __init__(self, context: BackendContext) -> None:
        self._context = context
        self._block = repository_sbatch_block.read_training_sbatch_block(context.workspace)
        self._options = repository_sbatch_block.choose_job_options(context, self._block)

    def availability(self) -> BackendLoad:
        """What the partition could carry; active is what this user runs in it. Raises ScaffoldError where Slurm cannot be asked."""
        context = self._context
        room = slurm_capacity.measure_slurm_load(self._options, context.gpus_per_run, context.cpus_per_run)
        if self._block is None or self._block.at_once is None or self._block.at_once >= room.limit:
            return room
        cap = max(1, self._block.at_once)
        return replace(room, limit=cap, because=f"the array in {self._block.path} has {cap} at once")

    def submit(self, jobs: Sequence[Job], on_submitted: OnSubmitted, *, at_once: int | None = None) -> None:
        """Submit jobs as one array (as several where the site's MaxArraySize is smaller), `at_once` of which run at the same time.

        Jobs that an earlier call submitted, and that are not over, are found again. Raises ScaffoldError with sbatch's own words where
        it refuses; where it did not answer, a second call is safe.
        """
        submitted = self._find_submitted(jobs)
        for job in jobs:
            if job in submitted:
                on_submitted(job.name, str(submitted[job]))
        rest = [job for job in jobs if job not in submitted]
        if not rest:
            return
        if "\\" in str(self._context.logs):
            raise ScaffoldError(
                f"Slurm cannot write below {self._context.logs}: it takes no backslash in a path",
                hint="move the repository to a path without one",
            )
        size = _max_array_size()
        before: int | None = None
        for start in range(0, len(rest), size):
            part = rest[start : start + size]
            name, array = self._submit_array(part, at_once, before)
            for index, job in enumerate(part):
                on_submitted(job.name, str(ArrayTask(array=array, index=index, name=name)))
            # held to a number together, so one array after the other
            before = array if at_once is not None else None

    def _submit_array(self, jobs: Sequence[Job], at_once: int | None, after: int | None) -> tuple[str, int]:
        """One sbatch: the array's name and number."""
        name = array_script.array_job_name(self._context.sweep, self._context.folder, jobs)
        path = self._context.folder / f"array-{name.rpartition('.')[2]}.sbatch"
        text = array_script.format_array_script(name, jobs, self._options, at_once)
        try:
            for folder in (self._context.folder, self._context.logs):
                folder.mkdir(parents=True, exist_ok=True)
            write_atomic(path, text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise ScaffoldError(
                f"{error.filename or path} cannot be written: {error.strerror}; nothing was submitted"
            ) from error
        words = [
            "sbatch",
            "--parsable",
            # of the launch and of the sweep, said again here, because variables such as SBATCH_PARTITION beat what a script says
            f"--job-name={name}",
            f"--array={array_script.format_sbatch_array_option(len(jobs), at_once)}",
            "--chdir=/",
            f"--output={array_script.format_sbatch_output_option(self._context.logs, 'out')}",
            f"--error={array_script.format_sbatch_output_option(self._context.logs, 'err')}",
            "--open-mode=append",
            *(option.word for option in self._options if option.origin.startswith(SWEEP)),
            *([] if after is None else [f"--dependency=afterany:{after}"]),
            "--",
            str(path),
        ]
        result = run_slurm_command(words, seconds=SUBMIT_S)
        number = parse_output.parse_sbatch_job_number(result.stdout)
        if result.code != 0 or number is None:
            raise self._refusal_error(result)
        return name, number

    def _refusal_error(self, result: CommandResult) -> ScaffoldError:
        if result.late or result.code == 0:
            return ScaffoldError(
                f"sbatch did not say whether it took the array: {result.complaint}",
                hint="launch again: what arrived is found by its name and not submitted twice",
            )
        origins = "".join(f"{option.word} is from {option.origin}; " for option in self._options)
        return ScaffoldError(
            f"Slurm refused the array: {result.complaint}",
            hint=f"{origins}others can be given under `resources: sbatch:` in {self._context.sweep}.yml, and go before these",
        )

    def _find_submitted(self, jobs: Sequence[Job]) -> dict[Job, ArrayTask]:
        """The jobs that Slurm has under a name that an array script in the sweep's folder gives them."""
        by_submission = {(job.name, job.number): job for job in jobs}
        by_task: dict[tuple[str, int], Job] = {}
        for path in sorted(self._context.folder.glob("array-*.sbatch")):
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            name = array_script.parse_array_job_name(text)
            for submission, index in array_script.parse_array_script_tasks(text).items():
                if name is not None and submission in by_submission:
                    by_task[name, index] = by_submission[submission]
        if not by_task:
            return {}
        result = _run_squeue(sorted({name for name, _ in by_task}))
        if result.code != 0:
            raise ScaffoldError(
                f"Slurm cannot be asked whether it has these runs already: {result.complaint}",
                hint="launch again when squeue answers; nothing was submitted",
            )
        # what is over and is asked for all the same never took its start token, so it is submitted again
        return {
            by_task[task.name, task.index]: task
            for task, status in parse_output.parse_squeue(result.stdout).items()
            if status.state != "ended" and (task.name, task.index) in by_task
        }

    def poll(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus]:
        """One squeue for all, one sacct for those that it no longer knows. Where squeue cannot be asked they are `unknown`."""
        tasks = {job_id: task for job_id in job_ids if (task := ArrayTask.parse(job_id))}
        strange = dict.fromkeys(job_ids, JobStatus(state="gone", reason="not a handle of Slurm"))
        return strange | _poll_tasks(tasks) if tasks else strange

    def cancel(self, job_ids: Sequence[str]) -> None:
        """scancel exactly these tasks: Slurm sends SIGTERM, and SIGKILL after its KillWait. Raises ScaffoldError."""
        tasks = [task for job_id in job_ids if (task := ArrayTask.parse(job_id))]
        if not tasks:
            return
        # a number alone may by now be another job's; and with --name scancel takes whole arrays where it is given some tasks
        result = _run_squeue(sorted({task.name for task in tasks}))
        if result.code != 0:
            raise ScaffoldError(
                f"Slurm cannot be asked what to end: {result.complaint}", hint="stop again when squeue answers"
            )
        listed = parse_output.parse_squeue(result.stdout)
        arrays: dict[int, list[int]] = {}
        for task in tasks:
            if task in listed and listed[task].state != "ended":
                arrays.setdefault(task.array, []).append(task.index)
        for number, members in sorted(arrays.items()):
            result = run_slurm_command(["scancel", f"{number}_[{array_script.format_index_set(members)}]"])
            if result.code != 0 and not _complains_of_ended_only(result.stderr):
                raise ScaffoldError(
                    f"scancel could not end {number}: {result.complaint}", hint="stop again; what ended is no error"
                )


def _poll_tasks(tasks: Mapping[str, ArrayTask]) -> dict[str, JobStatus]:
    try:
        result = _run_squeue(sorted({task.name for task in tasks.values()}))
    except ScaffoldError as error:
        return dict.fromkeys(tasks, JobStatus(state="unknown", reason=error.message))
    answered = result.code == 0
    listed = parse_output.parse_squeue(result.stdout) if answered else {}
    for task in set(tasks.values()) - listed.keys():
        together = listed.get(replace(task, index=parse_output.THE_REST))
        if together and together.state == "ended":
            listed[task] = together
    missing = [task for task in tasks.values() if task not in listed]
    numbers = ",".join(sorted({str(task.array) for task in missing}))
    accounted = _run_sacct([f"--jobs={numbers}", "--starttime=1970-01-01"]) if missing else {}
    if answered:
        otherwise = JobStatus(state="gone", reason="Slurm no longer knows it")
    else:
        otherwise = JobStatus(state="unknown", reason=f"Slurm cannot be asked: {result.complaint}")
        # what the database calls running may be over by now
        accounted = {task: status for task, status in accounted.items() if status.state == "ended"}
    return {job_id: listed.get(task) or accounted.get(task) or otherwise for job_id, task in tasks.items()}


def _run_squeue(names: Iterable[str]) -> CommandResult:
    """All of this user's jobs of these names, in any state: asked by number, squeue fails where one has aged out."""
    words = ["squeue", "-h", "-r", "--states=all", f"--user={os.getuid()}", f"--name={','.join(names)}"]
    return run_slurm_command([*words, "-O", parse_output.SQUEUE])


def _run_sacct(which: Sequence[str]) -> dict[ArrayTask, JobStatus]:
    """What accounting says; nothing where there is none."""
    words = ["sacct", "-n", "-X", "-P", "-o", parse_output.SACCT]
    try:
        result = run_slurm_command([*words, *which])
    except ScaffoldError:
        return {}
    return parse_output.parse_sacct(result.stdout) if result.code == 0 else {}


def _max_array_size() -> int:
    """How many tasks one array of this site may have; Slurm's own default where it does not say."""
    return max(1, parse_output.parse_max_array_size(run_slurm_command(["scontrol", "show", "config"]).stdout))


def _complains_of_ended_only(complaint: str) -> bool:
    """Whether scancel complains of nothing but jobs that are over or unknown."""
    return all("Invalid job id" in line or "already complet" in line for line in complaint.splitlines() if line.strip())
