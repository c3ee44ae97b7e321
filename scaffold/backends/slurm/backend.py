"""Slurm: one job array for each launch; what becomes of its tasks from squeue, then from sacct where accounting answers.

sbatch is told nothing twice. Before anything is submitted, the array scripts that lie in the sweep's folder say which tries were
ever to be submitted under which job name, and Slurm is asked for jobs of those names: so what a killed launch submitted is found
again. Where even that fails, tickets make the second task end at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scaffold.atomic_write import write_atomic
from scaffold.backends import capacity
from scaffold.backends.model import Context, Job, Room, Seen, Told
from scaffold.backends.slurm import options
from scaffold.backends.slurm import text as slurm_text
from scaffold.backends.slurm.commands import SUBMIT_S, Answer, call
from scaffold.backends.slurm.options import SWEEP
from scaffold.backends.slurm.text import Task
from scaffold.errors import ScaffoldError


class Slurm:
    """The backend `slurm`. A handle is a task of an array with the array's job name: slurm_text.Task."""

    name = "slurm"
    enlists = False
    queues = True

    def __init__(self, context: Context) -> None:
        self._context = context
        self._options = options.chosen(
            context.workspace.answers.get("slurm"),
            sbatch=context.sbatch,
            gpus=context.gpus_per_run,
            cpus=context.cpus_per_run,
            timeout_s=context.timeout_s,
        )

    def room(self) -> Room:
        """What the partition could carry; busy is what this user runs in it. Raises ScaffoldError where Slurm cannot be asked."""
        partition = next((option.value for option in self._options if option.name == "partition"), None)
        chosen = [] if partition is None else [f"--partition={partition}"]
        nodes = slurm_text.sinfo(_asked(["sinfo", "-h", "-N", "-o", slurm_text.SINFO, *chosen]), partition)
        states = "--states=RUNNING,CONFIGURING,COMPLETING,SUSPENDED"
        mine = _asked(["squeue", "-h", "-r", f"--user={os.getuid()}", states, "-o", "%i", *chosen])
        slots, because = capacity.slots(
            "slurm",
            gpus=nodes.gpus or None,
            cores=nodes.cores,
            gpus_per_run=self._context.gpus_per_run,
            cpus_per_run=self._context.cpus_per_run,
        )
        return Room(slots=slots, busy=len(mine.split()), gpus=None, because=because)

    def enlist(self, jobs: Sequence[Job], told: Told) -> None:
        """Nothing: what sbatch is given is in the queue."""

    def exports(self, job: Job) -> Mapping[str, str]:
        """Nothing: Slurm itself gives out devices."""
        return {}

    def start(self, jobs: Sequence[Job], told: Told, *, at_once: int | None = None) -> None:
        """Submit jobs as one array (as several where the site's MaxArraySize is smaller), `at_once` of which run at the same time.

        Jobs that an earlier call submitted, and that are not over, are found again. Raises ScaffoldError with sbatch's own words where
        it refuses; where it did not answer, a second call is safe.
        """
        known = self._found_again(jobs)
        for job in jobs:
            if job in known:
                told(job.name, str(known[job]))
        rest = [job for job in jobs if job not in known]
        if not rest:
            return
        if "\\" in str(self._context.logs):
            raise ScaffoldError(
                f"Slurm cannot write below {self._context.logs}: it takes no backslash in a path",
                hint="move the repository to a path without one",
            )
        size = _array_size()
        before: int | None = None
        for at in range(0, len(rest), size):
            part = rest[at : at + size]
            name, array = self._submit(part, at_once, before)
            for index, job in enumerate(part):
                told(job.name, str(Task(array=array, index=index, name=name)))
            # held to a number together, so one array after the other
            before = array if at_once is not None else None

    def _submit(self, jobs: Sequence[Job], at_once: int | None, after: int | None) -> tuple[str, int]:
        """One sbatch: the array's name and number."""
        name = slurm_text.array_name(self._context.sweep, self._context.folder, jobs)
        path = self._context.folder / f"array-{name.rpartition('.')[2]}.sbatch"
        text = slurm_text.script(name, jobs, self._options, at_once)
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
            f"--array={slurm_text.array(len(jobs), at_once)}",
            "--chdir=/",
            f"--output={slurm_text.file_pattern(self._context.logs, 'out')}",
            f"--error={slurm_text.file_pattern(self._context.logs, 'err')}",
            "--open-mode=append",
            *(option.word for option in self._options if option.origin.startswith(SWEEP)),
            *([] if after is None else [f"--dependency=afterany:{after}"]),
            "--",
            str(path),
        ]
        answer = call(words, seconds=SUBMIT_S)
        number = slurm_text.submitted(answer.stdout)
        if answer.code != 0 or number is None:
            raise self._refused(answer)
        return name, number

    def _refused(self, answer: Answer) -> ScaffoldError:
        if answer.late or (answer.code == 0):
            return ScaffoldError(
                f"sbatch did not say whether it took the array: {answer.words}",
                hint="launch again: what arrived is found by its name and not submitted twice",
            )
        asked = "".join(f"{option.word} is from {option.origin}; " for option in self._options)
        return ScaffoldError(
            f"Slurm refused the array: {answer.words}",
            hint=f"{asked}others can be given under `resources: sbatch:` in {self._context.sweep}.yml, and go before these",
        )

    def _found_again(self, jobs: Sequence[Job]) -> dict[Job, Task]:
        """The jobs that Slurm has under a name that an array script in the sweep's folder gives them."""
        wanted = {(job.name, job.number): job for job in jobs}
        places: dict[tuple[str, int], Job] = {}
        for path in sorted(self._context.folder.glob("array-*.sbatch")):
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            name = slurm_text.named(text)
            for tried, index in slurm_text.mapped(text).items():
                if name is not None and tried in wanted:
                    places[name, index] = wanted[tried]
        if not places:
            return {}
        names = sorted({name for name, _ in places})
        answer = _squeue(names)
        if answer.code != 0:
            raise ScaffoldError(
                f"Slurm cannot be asked whether it has these runs already: {answer.words}",
                hint="launch again when squeue answers; nothing was submitted",
            )
        found: dict[Job, Task] = {}
        for task, seen in slurm_text.squeue(answer.stdout).items():
            # what is over and is asked for all the same never took its ticket, so it is submitted again
            if seen.state != "ended" and (task.name, task.index) in places:
                found[places[task.name, task.index]] = task
        return found

    def look(self, handles: Sequence[str]) -> Mapping[str, Seen]:
        """One squeue for all, one sacct for those that it no longer knows. Where squeue cannot be asked they are `unknown`."""
        tasks = {handle: task for handle in handles if (task := Task.parse(handle))}
        found = dict.fromkeys(handles, Seen(state="gone", reason="not a handle of Slurm"))
        if tasks:
            found |= _seen(tasks)
        return found

    def stop(self, handles: Sequence[str]) -> None:
        """scancel exactly these tasks: Slurm sends SIGTERM, and SIGKILL after its KillWait. Raises ScaffoldError."""
        tasks = [task for handle in handles if (task := Task.parse(handle))]
        if not tasks:
            return
        # a number alone may by now be another job's; and with --name scancel takes whole arrays where it is given some tasks
        answer = _squeue(sorted({task.name for task in tasks}))
        if answer.code != 0:
            raise ScaffoldError(
                f"Slurm cannot be asked what to end: {answer.words}", hint="stop again when squeue answers"
            )
        listed = slurm_text.squeue(answer.stdout)
        arrays: dict[int, list[int]] = {}
        for task in tasks:
            if task in listed and listed[task].state != "ended":
                arrays.setdefault(task.array, []).append(task.index)
        for number, members in sorted(arrays.items()):
            answer = call(["scancel", f"{number}_[{slurm_text.indices(members)}]"])
            if answer.code != 0 and not _is_over(answer.stderr):
                raise ScaffoldError(
                    f"scancel could not end {number}: {answer.words}", hint="stop again; what ended is no error"
                )


def _seen(tasks: Mapping[str, Task]) -> dict[str, Seen]:
    try:
        answer = _squeue(sorted({task.name for task in tasks.values()}))
    except ScaffoldError as error:
        return dict.fromkeys(tasks, Seen(state="unknown", reason=error.message))
    asked = answer.code == 0
    listed = slurm_text.squeue(answer.stdout) if asked else {}
    for task in set(tasks.values()) - listed.keys():
        together = listed.get(replace(task, index=slurm_text.THE_REST))
        if together and together.state == "ended":
            listed[task] = together
    missing = [task for task in tasks.values() if task not in listed]
    numbers = ",".join(sorted({str(task.array) for task in missing}))
    told = _sacct([f"--jobs={numbers}", "--starttime=1970-01-01"]) if missing else {}
    if asked:
        otherwise = Seen(state="gone", reason="Slurm no longer knows it")
    else:
        otherwise = Seen(state="unknown", reason=f"Slurm cannot be asked: {answer.words}")
        # what the database calls running may be over by now
        told = {task: seen for task, seen in told.items() if seen.state == "ended"}
    return {handle: listed.get(task) or told.get(task) or otherwise for handle, task in tasks.items()}


def _squeue(names: Iterable[str]) -> Answer:
    """All of this user's jobs of these names, in any state: asked by number, squeue fails where one has aged out."""
    words = ["squeue", "-h", "-r", "--states=all", f"--user={os.getuid()}", f"--name={','.join(names)}"]
    return call([*words, "-O", slurm_text.SQUEUE])


def _sacct(which: Sequence[str]) -> dict[Task, Seen]:
    """What accounting says; nothing where there is none."""
    words = ["sacct", "-n", "-X", "-P", "-o", slurm_text.SACCT]
    try:
        answer = call([*words, *which])
    except ScaffoldError:
        return {}
    return slurm_text.sacct(answer.stdout) if answer.code == 0 else {}


def _asked(words: Sequence[str]) -> str:
    answer = call(words)
    if answer.code != 0:
        raise ScaffoldError(
            f"Slurm cannot be asked how much room there is: {answer.words}",
            hint="see whether its controller is up: scontrol ping",
        )
    return answer.stdout


def _array_size() -> int:
    """How many tasks one array of this site may have; Slurm's own default where it does not say."""
    answer = call(["scontrol", "show", "config"])
    return max(1, slurm_text.array_size(answer.stdout))


def _is_over(complaint: str) -> bool:
    """Whether scancel complains of nothing but jobs that are over or unknown."""
    return all("Invalid job id" in line or "already complet" in line for line in complaint.splitlines() if line.strip())
