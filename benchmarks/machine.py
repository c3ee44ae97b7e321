"""What a run of the benchmarks was made on: the machine, its software and its load, and the commit."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
BUSY = 0.5  # as many waiting processes a core, over the last minute, disturb what is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where and when; `load` are the averages of 1, 5 and 15 minutes at the start, `clean` is false where the commit is not all."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    git: str
    date: str
    commit: str
    clean: bool
    load: tuple[float, ...]

    @property
    def busy(self) -> bool:
        return bool(self.load) and self.load[0] > BUSY * self.cores

    def line(self) -> str:
        """All of it in one line."""
        changed = "" if self.clean else ", with changes"
        load = " ".join(f"{average:.1f}" for average in self.load) or "unknown"
        busy = "; BUSY: other work disturbs these figures" if self.busy else ""
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gb:.0f} GB, {self.system}, Python {self.python}, git {self.git}, "
            f"{self.date}, commit {self.commit}{changed}, load {load} at the start{busy}"
        )


def describe_machine() -> Machine:
    """This machine, now."""
    sources = [".", ":!benchmarks/last.json"]  # it is written after a run
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        system=_system(),
        python=platform.python_version(),
        git=_output_of("git", "--version").removeprefix("git version "),
        date=datetime.date.today().isoformat(),
        commit=_output_of("git", "rev-parse", "--short=10", "HEAD") or "none",
        clean=not _output_of("git", "status", "--porcelain", "--", *sources),
        load=tuple(round(average, 2) for average in os.getloadavg()),
    )


def _output_of(*command: str) -> str:
    process = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return process.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _system() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return f"{platform.system()} {platform.release()}"
    return f"{release.get('PRETTY_NAME', 'Linux')}, {platform.system()} {platform.release().partition('-')[0]}"
