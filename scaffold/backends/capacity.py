"""How many runs may start now, and the sentence that says why. Pure.

    g        how many may be there at once: max(1, GPUs) on a machine with GPUs, max(1, GPUs or 4) on Slurm, else 1
    r        how many are there: running and launching, whoever started them
    q        how many of this sweep are ready or queued
    max_new  max(0, min(q, g - r)), and then the user's cap

Never more than the cores that are there can carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scaffold.backends.model import Room

Kind = Literal["local_gpu", "slurm", "cpu_only", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The numbers: g, r, q as above; `cap` is the user's (None: none), `mine` how many of this sweep count against it."""

    g: int
    r: int
    q: int
    cap: int | None
    mine: int
    because: str
    max_new: int

    @property
    def sentence(self) -> str:
        """The numbers in words."""
        left = max(0, min(self.q, self.g - self.r))
        text = (
            f"g = {self.g} ({self.because}), r = {self.r} running or launching, q = {self.q} ready or queued: "
            f"max_new = max(0, min({self.q}, {self.g} - {self.r})) = {left}"
        )
        if self.cap is not None:
            text += f"; at most {self.cap} of this sweep at once, {self.mine} of it there: {self.max_new}"
        elif self.max_new != left:
            text += f"; devices are free for {self.max_new}"
        return text


def capacity(room: Room, *, queued: int, mine: int, cap: int | None = None, per_run: int = 1) -> Capacity:
    """How many of `queued` runs may start now, `mine` of this sweep being there already; `per_run` is GPUs for each."""
    new = max(0, min(queued, room.slots - room.busy))
    if cap is not None:
        new = max(0, min(new, cap - mine))
    if room.gpus is not None and per_run:
        new = min(new, len(room.gpus) // per_run)
    return Capacity(g=room.slots, r=room.busy, q=queued, cap=cap, mine=mine, because=room.because, max_new=new)


def slots(
    kind: str, *, gpus: int | None, cores: int | None, gpus_per_run: int | None = None, cpus_per_run: int | None = None
) -> tuple[int, str]:
    """g, and where it comes from. `kind` is the cluster's; `gpus` and `cores` are those that are there, None where that is not known.

    A run that takes no GPU (`gpus_per_run` 0) counts as on a machine without.
    """
    per = 1 if gpus_per_run is None else gpus_per_run
    if kind == "local_gpu" and per:
        found, why = max(1, (gpus or 0) // per), some(gpus or 0, "GPU") + (f", {per} a run" if per > 1 else "")
    elif kind == "slurm":
        found = max(1, (gpus or 4) // max(1, per))
        why = f"Slurm with {some(gpus, 'GPU')}" if gpus else "Slurm, how many GPUs it has is not known: 4"
    elif cores is not None and cpus_per_run:
        found, why = max(1, cores // cpus_per_run), f"{some(cores, 'core')}, {cpus_per_run} a run"
    elif kind == "unknown":
        return 1, "what this cluster has is not known"
    else:
        unknown = "there are is not known" if cpus_per_run else "a run takes is not said: --cpus-per-run"
        return 1, f"no GPU for it, and how many cores {unknown}"
    fit = None if cores is None else max(1, cores // (cpus_per_run or 1))
    if fit is not None and found > fit:
        each = f", {cpus_per_run} a run" if cpus_per_run and cpus_per_run > 1 else ""
        return fit, f"{why}, but only {some(cores or 0, 'core')}{each}"
    return found, why


def some(count: int, what: str) -> str:
    """`2 GPUs`, `1 GPU`."""
    return f"{count} {what}" + ("" if count == 1 else "s")
