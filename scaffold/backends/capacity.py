"""How many runs may start now, and the sentence that says why. Pure.

    limit    how many may be there at once: max(1, GPUs) on a machine with GPUs, max(1, GPUs or 4) on Slurm, else 1
    active   how many are there: running and launching, whoever started them
    queued   how many of this sweep are ready or queued
    max_new  max(0, min(queued, limit - active)), and then the user's cap

Never more than the cores that are there can carry.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from scaffold.backends.interface import BackendLoad

# older than the names, and readers rely on them
JSON_KEYS = {"limit": "g", "active": "r", "queued": "q", "own_active": "mine"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The numbers as above; `cap` is the user's (None: none), `own_active` how many of this sweep count against it."""

    limit: int
    active: int
    queued: int
    cap: int | None
    own_active: int
    because: str
    max_new: int

    @property
    def sentence(self) -> str:
        """The numbers in words."""
        left = max(0, min(self.queued, self.limit - self.active))
        text = (
            f"limit = {self.limit} ({self.because}), active = {self.active} running or launching, "
            f"queued = {self.queued} ready or queued: max_new = max(0, min({self.queued}, {self.limit} - {self.active})) = {left}"
        )
        if self.cap is not None:
            text += f"; at most {self.cap} of this sweep at once, {self.own_active} of it there: {self.max_new}"
        elif self.max_new != left:
            text += f"; devices are free for {self.max_new}"
        return text

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**{JSON_KEYS.get(k, k): v for k, v in asdict(self).items()}, "sentence": self.sentence}


def compute_capacity(availability: BackendLoad, *, queued: int, own_active: int, cap: int | None = None) -> Capacity:
    """How many of `queued` runs may start now, `own_active` of this sweep being there already."""
    new = max(0, min(queued, availability.limit - availability.active))
    if cap is not None:
        new = max(0, min(new, cap - own_active))
    if availability.gpus is not None and availability.gpus_each:
        new = min(new, len(availability.gpus) // availability.gpus_each)
    return Capacity(
        limit=availability.limit,
        active=availability.active,
        queued=queued,
        cap=cap,
        own_active=own_active,
        because=availability.because,
        max_new=new,
    )


def compute_run_limit(
    cluster: str,
    *,
    gpus: int | None,
    cores: int | None,
    gpus_per_run: int | None = None,
    cpus_per_run: int | None = None,
) -> tuple[int, str]:
    """The limit, and where it comes from. `cluster` is its kind; `gpus` and `cores` are what it has, None where that is not known.

    A run that takes no GPU (`gpus_per_run` 0) counts as on a machine without.
    """
    per_run = 1 if gpus_per_run is None else gpus_per_run
    if cluster == "local_gpu" and per_run:
        limit = max(1, (gpus or 0) // per_run)
        because = plural(gpus or 0, "GPU") + (f", {per_run} a run" if per_run > 1 else "")
    elif cluster == "slurm":
        limit = max(1, (gpus or 4) // max(1, per_run))
        because = f"Slurm with {plural(gpus, 'GPU')}" if gpus else "Slurm, how many GPUs it has is not known: 4"
    elif cores is not None and cpus_per_run:
        limit, because = max(1, cores // cpus_per_run), f"{plural(cores, 'core')}, {cpus_per_run} a run"
    elif cluster == "unknown":
        return 1, "what this cluster has is not known"
    else:
        unknown = "there are is not known" if cpus_per_run else "a run takes is not said: --cpus-per-run"
        return 1, f"no GPU for it, and how many cores {unknown}"
    fit = None if cores is None else max(1, cores // (cpus_per_run or 1))
    if fit is not None and limit > fit:
        each = f", {cpus_per_run} a run" if cpus_per_run and cpus_per_run > 1 else ""
        return fit, f"{because}, but only {plural(cores or 0, 'core')}{each}"
    return limit, because


def plural(count: int, noun: str) -> str:
    """`2 GPUs`, `1 GPU`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
