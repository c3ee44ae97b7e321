"""Whatever of the recorder's own dies, the run does not: exit code, output and record are as they would have been."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.runs.conftest import PYTHON, Workspace, python, until

COMMAND = ("sh", "-c", "echo out; echo err >&2; sleep 0.3; echo more; exit 4")


def whole(workspace: Workspace, done: subprocess.CompletedProcess[str]) -> None:
    """The run ended as COMMAND ends, and all of it is on record."""
    assert done.returncode == 4 and done.stdout == "out\nmore\n" and "err\n" in done.stderr
    assert "Traceback" not in done.stderr
    manifest = workspace.last()
    assert (manifest["status"], manifest["exit"]) == ("failed", {"code": 4, "signal": None})
    assert workspace.log(manifest) == b"out\nmore\n" and workspace.log(manifest, "stderr") == b"err\n"
    assert not (workspace.exp / "metadata" / ".live").exists()


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What the recorder said of itself."""
    return [line for line in done.stderr.splitlines() if line.startswith("recorder: ")]


def children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"\nPPid:\t{pid}\n" in (folder / "status").read_text():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def guard_of(pid: int, own: bytes) -> int | None:
    """The guard of a recorder: the child of its that has its command line."""
    for child in children(pid):
        try:
            if Path(f"/proc/{child}/cmdline").read_bytes() == own:
                return child
        except OSError:
            continue
    return None


@pytest.mark.parametrize("moment", [k * 0.018 for k in range(20)])
def test_the_guard_is_killed(workspace: Workspace, moment: float) -> None:
    """At once when it is there, and at later moments: before it is told of the command, while it waits, when it is told of the end."""
    with subprocess.Popen(
        workspace.command("--", *COMMAND),
        cwd=workspace.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        own = b"\0".join(word.encode() for word in workspace.command("--", *COMMAND)) + b"\0"
        guard: list[int] = []

        def is_there() -> bool:
            guard[:] = [pid for pid in [guard_of(process.pid, own)] if pid]
            return bool(guard) or process.poll() is not None

        until(is_there)
        time.sleep(moment)
        for pid in guard:
            with contextlib.suppress(ProcessLookupError):  # on a quick machine it has done its part
                os.kill(pid, signal.SIGKILL)
        out, err = process.communicate(timeout=30)
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    whole(workspace, done)
    assert guard and len(said(done)) <= 1 and all("guard" in line for line in said(done))


def killed_once(tmp_path: Path, name: str, word: str) -> dict[str, str]:
    """An environment where a program kills itself when `word` is among its arguments."""
    real, stub = shutil.which(name), tmp_path / "bin" / name
    stub.parent.mkdir(exist_ok=True)
    stub.write_text(f'#!/bin/sh\ncase " $* " in *" {word} "*) kill -9 $$ ;; esac\nexec {real or "false"} "$@"\n')
    stub.chmod(0o755)
    return {**os.environ, "PATH": f"{stub.parent}:{os.environ['PATH']}"}


@pytest.mark.parametrize("word", ["status", "cat-file", "hash-object", "diff-index", "ls-files"])
def test_a_question_to_git_is_killed(workspace: Workspace, tmp_path: Path, word: str) -> None:
    (workspace.root / "src" / "model.py").write_text("LR = 2\n")
    (workspace.root / "new").mkdir()
    (workspace.root / "new" / "file.py").write_text("x\n")
    done = workspace.record("--", *COMMAND, env=killed_once(tmp_path, "git", word))
    whole(workspace, done)
    assert len(said(done)) == 1 and "git" in said(done)[0]


@pytest.mark.parametrize("name", ["nvidia-smi", "python3"])
def test_a_question_about_the_environment_is_killed(workspace: Workspace, tmp_path: Path, name: str) -> None:
    word = "-c" if name == "python3" else "--format=csv,noheader,nounits"
    environment = {**killed_once(tmp_path, name, word), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    whole(workspace, workspace.record("--", *COMMAND, env=environment))


def test_a_helper_that_says_nothing_more_and_lives_on(workspace: Workspace, tmp_path: Path) -> None:
    stub = tmp_path / "bin" / "git"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\nexec >&- 2>&- <&-\nsleep 300\n")
    stub.chmod(0o755)
    environment = {**os.environ, "PATH": f"{stub.parent}:{os.environ['PATH']}", "RUN_GIT_TIMEOUT": "0.5"}
    began = time.monotonic()
    done = workspace.record("--", *COMMAND, env=environment)
    whole(workspace, done)
    assert "did not answer" in done.stderr and time.monotonic() - began < 8


def inject(workspace: Workspace, module: str, old: str, new: str) -> None:
    path = workspace.recorder.parent / "_record_run" / f"{module}.py"
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new))


FAULTS = {
    "no thread for the pump": ("capture", "        start_new_thread(", "        raise RuntimeError('no threads') or ("),
    "no thread to show": (
        "display",
        "            start_new_thread(",
        "            raise RuntimeError('no threads') or (",
    ),
    "no thread for facts": (
        "environment",
        "        start_new_thread(",
        "        raise RuntimeError('no threads') or (",
    ),
    "a fault of facts": ("environment", "            steps = [", "            int('x')\n            steps = ["),
    "a fault of metrics": ("attempt", "final_metrics(self", "int('x') or (self"),
    "a fault of the mark": ("attempt", "process_mark(os.getpid())", "process_mark(int('x'))"),
    "no guard": ("guard", "self.pid = os.fork()", "raise OSError(11, 'no processes')"),
    "a guard that dies at once": ("guard", "        os.setsid()\n", "        os._exit(1)\n"),
    "no pipes": ("supervision", "return [wide_pipe(), wide_pipe()]", "raise OSError(24, 'no descriptors')"),
    "a fault of the patch": ("patches", "    fits = [", "    int('x')\n    fits = ["),
    "a fault at the end": ("supervision", "        left = self.pump", "        int('x')\n        left = self.pump"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_part_of_it_fails(workspace: Workspace, fault: str) -> None:
    (workspace.root / "src" / "model.py").write_text("LR = 2\n")
    inject(workspace, *FAULTS[fault])
    done = workspace.record("--", *COMMAND)
    if fault in ("a fault of the mark",):
        assert done.returncode == 4 and done.stdout == "out\nmore\n" and len(said(done)) >= 1
        return
    whole(workspace, done)
    assert len(said(done)) <= 1


def test_a_pump_that_fails_reads_on(workspace: Workspace) -> None:
    """What is not kept must still be read, or the command would wait for ever."""
    inject(workspace, "capture", "        self.streams[fd].receive(", "        int('x') or (")
    done = workspace.record("--", "sh", "-c", "head -c 5000000 /dev/zero; exit 4")
    assert done.returncode == 4 and "not kept any more" in done.stderr and workspace.last()["exit"]["code"] == 4


def test_a_display_that_fails_keeps_all(workspace: Workspace) -> None:
    inject(workspace, "display", "        self._show(*item)", "        int('x')")
    done = workspace.record("--", "sh", "-c", "head -c 5000000 /dev/zero; exit 4")
    assert done.returncode == 4 and "cannot be shown" in done.stderr
    assert len(workspace.log(workspace.last())) == 5_000_000


@pytest.mark.parametrize("most", [5, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28])
def test_descriptors_run_out(workspace: Workspace, most: int) -> None:
    """Wherever that strikes, the command runs to its end; what can be recorded is."""

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    done = workspace.record("--", "sh", "-c", "echo out; exit 4", preexec_fn=few)
    assert done.returncode == 4 and done.stdout == "out\n" and "Traceback" not in done.stderr
    assert all(manifest["exit"]["code"] == 4 for manifest in workspace.manifests() if manifest["status"] != "running")


def test_whoever_ignores_the_end_of_children_is_recorded_all_the_same(workspace: Workspace) -> None:
    (workspace.root / "work.py").write_text(
        "import signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        f"sys.path.insert(0, {str(workspace.recorder.parent)!r})\n"
        "from record_run import record\nwith record('inside'): print('ran')\n"
    )
    done = subprocess.run([PYTHON, "work.py"], cwd=workspace.root, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    assert workspace.last()["status"] == "finished" and workspace.last()["git"]["commit"]


def test_a_recorder_that_is_killed_without_a_guard_leaves_a_run_that_is_lost(workspace: Workspace) -> None:
    inject(workspace, "guard", "self.pid = os.fork()", "raise OSError(11, 'no processes')")
    process = workspace.start("--", *python("import time; time.sleep(1)"))
    process.kill()
    process.wait()
    assert workspace.last()["status"] == "running"
