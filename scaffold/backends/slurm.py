"""Slurm: one job array for each launch; what becomes of its tasks from squeue, then from sacct where accounting answers.

sbatch is told nothing twice. Before anything is submitted, the array scripts that lie in the sweep's folder say which tries were
ever to be submitted under which job name, and Slurm is asked for jobs of those names: so what a killed launch submitted is found
again. Where even that fails, tickets make the second task end at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scaffold.backends import slurm_text
from scaffold.backends.model import Job, Room, Seen, Told
from scaffold.backends.slurm_calls import SUBMIT_S, Answer, call
from scaffold.backends.slurm_options import SWEEP, Option
from scaffold.backends.slurm_text import Task
from scaffold.errors import ScaffoldError
from scaffold.workspace import write_atomic

# the protocol's number where Slurm shows no GPUs
NO_GPUS = 4


@dataclass(slots=True, kw_only=True)
class Slurm:
    """The backend of one sweep.

    `folder` is where its array scripts go, `logs` where Slurm's own output of the tasks goes; `options` are sbatch's
    (`slurm_options.chosen`); `gpus` and `cpus` are what one run needs, None where it was not said.
    """

    sweep: str
    folder: Path
    logs: Path
    options: tuple[Option, ...] = ()
    gpus: int | None = None
    cpus: int | None = None
    name: str = field(default="slurm", init=False)
    queues: bool = field(default=True, init=False)

    def room(self) -> Room:
        """`max(1, GPUs or 4)` slots, never more than the cores there are; busy is what this user has running there."""
        partition = next((option.value for option in self.options if option.name == "partition"), None)
        chosen = [] if partition is None else [f"--partition={partition}"]
        nodes = slurm_text.sinfo(_asked(["sinfo", "-h", "-N", "-o", slurm_text.SINFO, *chosen]), partition)
        states = "--states=RUNNING,CONFIGURING,COMPLETING,SUSPENDED"
        mine = _asked(["squeue", "-h", "-r", f"--user={os.getuid()}", states, "-o", "%i", *chosen])
        slots, because = _slots(nodes, max(1, self.gpus or 1), max(1, self.cpus or 1))
        return Room(slots=slots, busy=len(mine.split()), gpus=None, because=because)

    def enlist(self, jobs: Sequence[Job], told: Told) -> None:
        """Nothing: what sbatch is given is in the queue."""

    def start(self, jobs: Sequence[Job], told: Told, *, at_once: int | None = None) -> None:
        """Submit jobs as one array (several where the site's MaxArraySize is smaller), `at_once` of which run at the same time.

        Jobs that an earlier call submitted are found again. Raises ScaffoldError with sbatch's own words where it refuses; where
        it did not answer, a second call is safe.
        """
        known = self._found_again(jobs)
        for job in jobs:
            if job in known:
                told(job.name, str(known[job]))
        rest = [job for job in jobs if job not in known]
        if not rest:
            return
        self.logs.mkdir(parents=True, exist_ok=True)
        if "\\" in str(self.logs):
            raise ScaffoldError(
                f"Slurm cannot write below {self.logs}: it takes no backslash in a path",
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
        name = slurm_text.array_name(self.sweep, self.folder, jobs)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"array-{name.rpartition('.')[2]}.sbatch"
        write_atomic(path, slurm_text.script(name, jobs, self.options, at_once).encode("utf-8", "surrogateescape"))
        words = [
            "sbatch",
            "--parsable",
            # of the launch and of the sweep, said again here, because variables such as SBATCH_PARTITION beat what a script says
            f"--job-name={name}",
            f"--array={slurm_text.array(len(jobs), at_once)}",
            "--chdir=/",
            f"--output={slurm_text.file_pattern(self.logs, 'out')}",
            f"--error={slurm_text.file_pattern(self.logs, 'err')}",
            "--open-mode=append",
            *(option.word for option in self.options if option.origin.startswith(SWEEP)),
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
        asked = "; ".join(f"{option.word} is from {option.origin}" for option in self.options)
        return ScaffoldError(
            f"Slurm refused the array: {answer.words}",
            hint=f"{asked}; give others with --sbatch-option" if asked else "give what is missing with --sbatch-option",
        )

    def _found_again(self, jobs: Sequence[Job]) -> dict[Job, Task]:
        """The jobs that Slurm has under a name that an array script in the sweep's folder gives them."""
        wanted = {(job.name, job.number): job for job in jobs}
        places: dict[tuple[str, int], Job] = {}
        for path in sorted(self.folder.glob("array-*.sbatch")):
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
        listed = {**_sacct([f"--name={','.join(names)}", "--starttime=now-30days"]), **slurm_text.squeue(answer.stdout)}
        # of two that a lost answer made, the one that is not over
        order = sorted(listed, key=lambda task: (listed[task].state != "ended", task.array))
        return {places[task.name, task.index]: task for task in order if (task.name, task.index) in places}

    def look(self, handles: Sequence[str]) -> Mapping[str, Seen]:
        """One squeue for all, one sacct for those that it no longer knows. Where squeue cannot be asked they are `unknown`."""
        tasks = {handle: task for handle in handles if (task := Task.parse(handle))}
        found = dict.fromkeys(handles, Seen(state="gone", reason="not a handle of Slurm"))
        if tasks:
            found |= _seen(tasks)
        return found

    def stop(self, handles: Sequence[str]) -> None:
        """scancel exactly these tasks: Slurm sends SIGTERM, and SIGKILL after its KillWait. Raises ScaffoldError."""
        arrays: dict[tuple[str, int], list[int]] = {}
        for task in filter(None, map(Task.parse, handles)):
            arrays.setdefault((task.name, task.array), []).append(task.index)
        for (name, number), members in sorted(arrays.items()):
            # with the name, because after a new installation Slurm counts from 1 again
            answer = call(["scancel", f"--name={name}", f"{number}_[{slurm_text.indices(members)}]"])
            if answer.code != 0 and not _is_over(answer.stderr):
                raise ScaffoldError(
                    f"scancel could not end {name}: {answer.words}", hint="stop again; what ended is no error"
                )


def _slots(nodes: slurm_text.Nodes, gpus: int, cpus: int) -> tuple[int, str]:
    """How many runs, and the sentence that says why."""
    where = f"Slurm's {', '.join(nodes.partitions) or 'partition'}"
    slots = max(1, (nodes.gpus or NO_GPUS) // gpus)
    because = f"{nodes.gpus} GPUs in {where}" if nodes.gpus else f"no GPUs in {where}, so {NO_GPUS}"
    if gpus > 1:
        because += f", {gpus} for each run"
    room = max(1, nodes.cores // cpus)
    if room < slots:
        because += f", but {nodes.cores} cores" + (f", {cpus} for each run" if cpus > 1 else "")
    return min(slots, room), because


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
