"""What takes long to find out: the command's Python, its packages and the GPUs, asked while the command runs."""

from __future__ import annotations

import os
import time
from _thread import allocate_lock, start_new_thread

from .files import write_atomic
from .json_text import from_json, read_json, to_json
from .lean_imports import sha256
from .messages import RecorderError, warn
from .naming import program_name
from .processes import Subprocess, communicate, descendants, process_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .attempt import Attempt


FACTS_S = 2.0

ASK_PYTHON = """
import json, os, sys
sys.path[:1] = [] if sys.path[:1] == [""] else sys.path[:1]
names = set()
try:
    from importlib.metadata import distributions
    for d in distributions():
        if d.metadata["Name"]:
            names.add("%s==%s" % (d.metadata["Name"], d.version))
except ImportError:
    names = None
stamps = {p: os.stat(p).st_mtime_ns for p in sys.path if os.path.isdir(p)}
print(json.dumps({"python": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable,
                  "packages": None if names is None else sorted(names, key=str.lower), "stamps": stamps}))
"""


class SlowFacts:
    """The command's Python, its packages and the GPUs, found out in a thread while the command runs.

    Answers are kept in the user's cache directory, so that a command too short to be asked is described as well.
    """

    def __init__(self, attempt: Attempt, pid: int, *, python: str | None = None) -> None:
        self.attempt = attempt
        self.pid = pid
        self.python = (
            python
            or find_python([pid])
            or (None if os.path.exists("/proc/self") else named_python(attempt.request.argv))
        )
        self.over = allocate_lock()
        self.done = allocate_lock()
        self.over.acquire()
        self.done.acquire()
        start_new_thread(self._run, ())

    def finish(self) -> None:
        """The command has ended: what is being asked has a moment more."""
        self.over.release()
        self.done.acquire(timeout=FACTS_S)

    def _run(self) -> None:
        try:
            steps = [self._add_gpus, self._add_python]
            for step in reversed(steps) if self.python else steps:
                step(FactCache())
        except Exception as error:  # the run matters more than any fact about it
            warn(f"the environment could not be found out ({type(error).__name__}: {error})")
        finally:
            self.done.release()

    def _add_gpus(self, cache: FactCache) -> None:
        gpus = cache.gpus()
        if gpus is None:
            gpus = ask_gpus()
            cache.store_gpus(gpus)
        if gpus:
            self.attempt.add_facts("host", {"gpus": gpus})

    def _add_python(self, cache: FactCache) -> None:
        python = self._python()
        if python is None:
            return
        answer = cache.python(python)
        if answer is None:
            answer = ask_python(python)
            cache.store_python(python, answer)
        values = {"python": answer["python"], "executable": answer["executable"]}
        if answer["packages"] is not None:
            values["packages"] = self.attempt.store_packages("".join(p + "\n" for p in answer["packages"]))
        self.attempt.add_facts("environment", values)

    def _python(self) -> str | None:
        if self.python:
            return self.python
        for pause in (0.1, 0.3, 1, 3, 10, 30, 120):
            if self.over.acquire(timeout=pause):
                self.over.release()
                return None
            python = find_python([self.pid, *descendants(self.pid)])
            if python:
                return python
        return None


def find_python(pids: Sequence[int]) -> str | None:
    """The Python that the first of some processes runs that runs one, by the path that it was started by."""
    for pid in pids:
        try:
            binary = os.readlink("/proc/%d/exe" % pid)
            name = first_argument(pid)
            if not os.path.basename(binary).startswith(("python", "pypy")):
                continue
            folder = os.readlink("/proc/%d/cwd" % pid)
        except OSError:
            continue
        folders = [folder] if "/" in name else os.environ.get("PATH", "").split(":")
        for path in (os.path.join(folder, name) for folder in folders):
            if os.path.realpath(path) == binary:
                return os.path.normpath(path)
        return binary
    return None


def first_argument(pid: int) -> str:
    """What a process was started as; a program that has just begun has none for a moment. Raises OSError."""
    for pause in (0.001, 0.005, 0.02, 0.0):
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            text = file.read()
        if text or not pause:
            break
        time.sleep(pause)
    return os.fsdecode(text.split(b"\0")[0])


def named_python(argv: Sequence[str]) -> str | None:
    """The Python that a command names; what it starts besides cannot be seen without /proc."""
    if not program_name(argv[0]).startswith(("python", "pypy")):
        return None
    from shutil import which

    return which(argv[0])


def ask_python(python: str) -> dict[str, Any]:
    """What a Python says of itself and its packages. Raises RecorderError."""
    process = Subprocess([python, "-c", ASK_PYTHON])
    communicate([process], time.monotonic() + 60)
    try:
        answer: dict[str, Any] = from_json(process.out.decode("utf-8"))
    except ValueError as error:
        raise RecorderError(
            "{} did not answer: {}".format(python, process.err.decode("utf-8", "replace").strip()[-200:])
        ) from error
    return answer


def ask_gpus() -> list[dict[str, Any]]:
    """The NVIDIA GPUs of this machine; none where there is no `nvidia-smi`."""
    folders = os.environ.get("PATH", os.defpath).split(":")  # os.get_exec_path would load `warnings`
    if not any(os.access(f"{folder or '.'}/nvidia-smi", os.X_OK) for folder in folders):
        return []  # asked before a process is started for it: that would be half of what a short run waits for at its end
    fields = "index,name,uuid,memory.total,driver_version"
    try:
        process = Subprocess(["nvidia-smi", "--query-gpu=" + fields, "--format=csv,noheader,nounits"])
        communicate([process], time.monotonic() + 20)
    except OSError:
        return []
    rows = [[f.strip() for f in line.split(",")] for line in process.out.decode("utf-8", "replace").splitlines()]
    return [
        {
            "index": int(r[0]),
            "name": r[1],
            "uuid": r[2] or None,
            "memory_mib": int(r[3]) if r[3].isdigit() else None,
            "driver": r[4] or None,
        }
        for r in rows
        if process.status == 0 and len(r) == 5 and r[0].isdigit()
    ]


class FactCache:
    """Answers about Pythons and GPUs, valid while what they were read from is unchanged. Without a home there is none."""

    def __init__(self) -> None:
        base = os.environ.get("XDG_CACHE_HOME") or (os.environ["HOME"] + "/.cache" if os.environ.get("HOME") else "")
        self.folder = base + "/experiment-scaffold" if base.startswith("/") else ""

    def _path(self, *key: str) -> str:
        return "{}/{}.json".format(
            self.folder, sha256("\0".join(key).encode("utf-8", "surrogateescape")).hexdigest()[:24]
        )

    def _python_key(self, python: str) -> tuple[str, ...]:
        real = os.path.realpath(python)
        return (
            "python",
            python,
            real,
            str(os.stat(real).st_mtime_ns),
            os.environ.get("PYTHONPATH", ""),
            os.environ.get("PYTHONHOME", ""),
        )

    def python(self, python: str) -> dict[str, Any] | None:
        """What a Python said, if no package folder of it has changed since."""
        answer = self._read(*self._python_key(python))
        if answer is None or any(os.stat(p).st_mtime_ns != t for p, t in answer["stamps"].items() if os.path.isdir(p)):
            return None
        return answer if all(os.path.isdir(p) for p in answer["stamps"]) else None

    def store_python(self, python: str, answer: Mapping[str, Any]) -> None:
        """Keep what a Python said."""
        self._write(answer, *self._python_key(python))

    def gpus(self) -> list[dict[str, Any]] | None:
        """This machine's GPUs, as asked since it started."""
        answer = self._read("gpus", *self._boot())
        return answer["gpus"] if answer else None

    def store_gpus(self, gpus: list[dict[str, Any]]) -> None:
        """Keep what the machine said."""
        if gpus:
            self._write({"gpus": gpus}, "gpus", *self._boot())

    def _boot(self) -> tuple[str, str]:
        return os.uname().nodename, str(process_mark(os.getpid())["boot"])

    def _read(self, *key: str) -> dict[str, Any] | None:
        try:
            answer = read_json(self._path(*key))
            return answer if isinstance(answer, dict) else None
        except (OSError, ValueError):
            return None

    def _write(self, value: Mapping[str, Any], *key: str) -> None:
        if self.folder:
            try:
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
                write_atomic(self._path(*key), to_json(value).encode(), sync=False)
            except OSError:
                pass
