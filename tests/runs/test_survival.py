"""What a recorder meets in the field; every case with real processes."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import resource
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import commit_all, git
from tests.memory_folder import open_to_everybody
from tests.runs.conftest import (
    PYTHON,
    SCRIPTS,
    MakeWorkspace,
    Workspace,
    alive,
    check,
    python,
    settings,
    shorten_grace,
    until,
    without,
    write_workspace,
)

SLEEPER = "import sys, time; print('up', flush=True); time.sleep(60)"


def running(workspace: Workspace, text: bytes = b"up") -> bool:
    return any(text in p.read_bytes() for p in workspace.exp.glob("logs/*.out"))


def test_streams_are_kept_apart_byte_for_byte_and_shown(workspace: Workspace) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256))); sys.stderr.write('bad\\r\\nworse')"
    done = workspace.record("--", *python(code), text=False)
    manifest = workspace.last()
    assert (done.returncode, done.stdout, done.stderr) == (0, bytes(range(256)), b"bad\r\nworse")
    assert workspace.log(manifest) == bytes(range(256))
    assert workspace.log(manifest, "stderr") == b"bad\r\nworse"
    assert manifest["status"] == "finished" and manifest["exit"] == {"code": 0, "signal": None}


def test_quiet_shows_nothing_and_keeps_all(workspace: Workspace) -> None:
    done = workspace.record("--quiet", "--", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("", "")
    assert (workspace.log(workspace.last()), workspace.log(workspace.last(), "stderr")) == (b"out\n", b"err\n")


def test_a_failing_command_fails_the_same(workspace: Workspace) -> None:
    assert workspace.record("--", "sh", "-c", "exit 7").returncode == 7
    assert (workspace.last()["status"], workspace.last()["exit"]) == ("failed", {"code": 7, "signal": None})


@pytest.mark.parametrize(("command", "code"), [("no-such-command", 127), ("./not-executable", 126), ("./src", 126)])
def test_a_command_that_cannot_start(workspace: Workspace, command: str, code: int) -> None:
    (workspace.root / "not-executable").write_text("#!/bin/sh\n")
    done = workspace.record("--", command)
    assert done.returncode == code and command in done.stderr
    assert (workspace.last()["status"], workspace.last()["exit"]["code"]) == ("failed", code)


def test_a_variable_before_the_command_is_said_to_want_env(workspace: Workspace) -> None:
    done = workspace.record("--", "THREADS=2", "true")
    assert done.returncode == 127 and "-- env THREADS=2 ..." in done.stderr
    assert "env" not in workspace.record("--", "no-such-command").stderr


@pytest.mark.parametrize(("seed", "command", "warned"), [("1", "7", True), ("7", "7", False), (None, "7", False)])
def test_two_seeds_that_differ_are_told(workspace: Workspace, seed: str | None, command: str, warned: bool) -> None:
    said = ["--seed", seed] if seed else []
    done = workspace.record(*said, "--", "echo", "--seed", command)
    assert done.returncode == 0
    assert ("recorded with seed 1, as --seed says; the command itself has seed 7" in done.stderr) == warned
    assert workspace.last()["seed"] == (int(seed) if seed else 7)


def test_a_script_without_shebang_runs_as_a_shell_would_run_it(workspace: Workspace) -> None:
    script = workspace.root / "plain.sh"
    script.write_text("echo from the script $1\n")
    script.chmod(0o755)
    assert workspace.record("--", "./plain.sh", "a").stdout == "from the script a\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_command_that_dies_by_a_signal(workspace: Workspace, number: signal.Signals) -> None:
    done = workspace.record("--", *python(f"import os; os.kill(os.getpid(), {number})"))
    assert done.returncode == 128 + number
    assert (workspace.last()["status"], workspace.last()["exit"]) == (
        "terminated",
        {"code": None, "signal": number.name},
    )


def test_a_killed_recorder_leaves_running_and_no_command(workspace: Workspace) -> None:
    process = workspace.start("--", *python(SLEEPER, "orphan-marker"))
    until(lambda: running(workspace))
    assert alive("orphan-marker")
    process.kill()
    process.wait()
    until(lambda: not alive("orphan-marker"), 8)
    assert workspace.last()["status"] == "running"


def test_a_killed_recorder_takes_grandchildren_and_the_deaf_along(workspace: Workspace) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    process = workspace.start("--", "sh", "-c", f'"{PYTHON}" -c "{deaf}" deaf-marker; true')
    until(lambda: running(workspace))
    process.kill()
    process.wait()
    until(lambda: not alive("deaf-marker"), 10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
def test_signals_are_passed_on_once(workspace: Workspace, number: signal.Signals) -> None:
    code = f"""
import signal, sys, time
got = []
signal.signal({int(number)}, lambda *_: got.append(1))
print("up", flush=True)
while not got: time.sleep(0.01)
time.sleep(0.3)
print("got", len(got))
sys.exit(5)
"""
    process = workspace.start("--", *python(code))
    try:
        until(lambda: running(workspace))
        process.send_signal(number)
        assert process.wait(20) == 5
    finally:
        process.kill()
        process.wait()
    manifest = workspace.last()
    assert workspace.log(manifest).split() == [b"up", b"got", b"1"]
    told_to_end = number != signal.SIGUSR1
    assert manifest["status"] == ("terminated" if told_to_end else "failed")
    assert manifest["exit"] == {"code": 5, "signal": number.name if told_to_end else None}


def test_sigterm_ends_a_plain_command_and_what_it_started(workspace: Workspace) -> None:
    process = workspace.start("--", "sh", "-c", f'"{PYTHON}" -c "{SLEEPER}" child-marker; echo never')
    until(lambda: running(workspace))
    process.terminate()
    assert process.wait(20) == 143
    assert workspace.last()["exit"]["signal"] == "SIGTERM"
    until(lambda: not alive("child-marker"), 5)


def test_sigterm_at_a_terminal_ends_what_the_command_started(workspace: Workspace) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(workspace.root)
        os.execv(PYTHON, workspace.command("--", "sh", "-c", f'"{PYTHON}" -c "{SLEEPER}" inner-marker; echo never'))
    until(lambda: running(workspace))
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 143
    until(lambda: not alive("inner-marker"), 5)
    os.close(master)


def test_a_second_interrupt_is_hard(workspace: Workspace) -> None:
    code = "import signal, time; signal.signal(2, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    process = workspace.start("--", *python(code))
    until(lambda: running(workspace))
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 137
    assert (workspace.last()["status"], workspace.last()["exit"]["signal"]) == ("terminated", "SIGKILL")


def test_ctrl_c_at_a_terminal_reaches_the_command_once(workspace: Workspace) -> None:
    code = """
import signal, time
got = []
signal.signal(2, lambda *_: got.append(1))
print("up", flush=True)
while not got: time.sleep(0.01)
time.sleep(0.3)
print("got", len(got))
"""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(workspace.root)
        os.execv(PYTHON, workspace.command("--", *python(code)))
    until(lambda: running(workspace))
    os.write(master, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(master)
    assert workspace.log(workspace.last()).split() == [b"up", b"got", b"1"]


def test_ctrl_c_at_a_terminal_before_there_is_a_command_reaches_it(workspace: Workspace, tmp_path: Path) -> None:
    """While the recorder still asks git: the terminal tells those who are there, and the command is not."""
    git, asked = tmp_path / "bin" / "git", tmp_path / "asked"
    git.parent.mkdir()
    git.write_text(f'#!/bin/sh\ntouch "{asked}"\nsleep 1\nPATH="$FORMER" exec git "$@"\n')
    git.chmod(0o755)
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(workspace.root)
        os.environ.update(FORMER=os.environ["PATH"], PATH=f"{git.parent}:{os.environ['PATH']}")
        os.execv(PYTHON, workspace.command("--", "sleep", "60"))
    until(asked.exists)
    os.write(master, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    os.close(master)
    assert (workspace.last()["status"], workspace.last()["exit"]["signal"]) == ("terminated", "SIGINT")


def test_a_recorder_killed_at_a_terminal_leaves_no_command(workspace: Workspace) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(workspace.root)
        os.execv(PYTHON, workspace.command("--", *python(SLEEPER, "terminal-marker")))
    until(lambda: running(workspace))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    until(lambda: not alive("terminal-marker"), 8)
    os.close(master)


def test_a_time_limit_ends_the_command(workspace: Workspace) -> None:
    done = workspace.record("--timeout", "0.3", "--", "sleep", "60")
    assert done.returncode == 143 and "time limit" in done.stderr
    assert (workspace.last()["status"], workspace.last()["exit"]["signal"]) == ("terminated", "SIGTERM")


def deaf_worker(seconds: str) -> str:
    """A line of shell that waits for a worker, which only SIGKILL ends; `seconds` is its marker."""
    return f'(trap "" TERM INT HUP; exec sleep {seconds}) & echo up; wait'


@pytest.mark.parametrize(("ask", "worker"), [("time limit", "61.1"), ("SIGTERM", "61.2"), ("SIGINT", "61.3")])
def test_what_the_ended_command_left_and_will_not_end_is_killed(workspace: Workspace, ask: str, worker: str) -> None:
    """The command ends as it is asked; the worker is deaf, and in a session of its own as MPI's and Ray's are."""
    shorten_grace(workspace)
    limit = ("--timeout", "1") if ask == "time limit" else ()
    deaf = f"trap 'exit 7' TERM INT; setsid sh -c '{deaf_worker(worker)}' & wait"
    process = workspace.start(*limit, "--", "sh", "-c", deaf)
    until(lambda: running(workspace))
    assert alive(worker)
    if ask != "time limit":
        process.send_signal(getattr(signal, ask))
    assert process.wait(20) == 7
    assert not alive(worker)
    assert workspace.last()["status"] == "terminated"


def test_a_worker_is_killed_where_the_recorder_is_told_after_its_command_has_ended(workspace: Workspace) -> None:
    """Slurm ends children before their parents: the command ends well, since what it waited for has ended."""
    shorten_grace(workspace)
    lines = f"setsid sh -c '{deaf_worker('61.6')}' & echo $! >child; wait"
    process = workspace.start("--", "sh", "-c", lines, env={**os.environ, "SLURM_JOB_ID": "1"})
    until(lambda: running(workspace))
    os.kill(int((workspace.root / "child").read_text()), signal.SIGTERM)
    time.sleep(0.2)
    process.terminate()
    process.wait(20)
    assert not alive("61.6")
    assert (workspace.last()["status"], workspace.last()["exit"]["code"]) == ("terminated", 0)


def test_a_command_that_will_not_end_in_time_is_killed_with_its_workers(workspace: Workspace) -> None:
    shorten_grace(workspace)
    done = workspace.record("--timeout", "0.5", "--", "sh", "-c", f"trap '' TERM; {deaf_worker('61.5')}")
    assert done.returncode == 137 and not alive("61.5")
    assert (workspace.last()["status"], workspace.last()["exit"]["signal"]) == ("terminated", "SIGKILL")


def test_a_second_word_ends_the_wait_for_what_is_left(workspace: Workspace) -> None:
    process = workspace.start("--", "sh", "-c", f"trap 'echo bye; exit 0' TERM; {deaf_worker('61.4')}")
    until(lambda: running(workspace))
    process.terminate()
    until(lambda: running(workspace, b"bye"))
    time.sleep(0.2)
    assert process.poll() is None and alive("61.4")
    process.send_signal(signal.SIGINT)
    process.wait(5)
    assert not alive("61.4")


def test_a_command_that_is_told_something_and_goes_on_is_not_terminated(workspace: Workspace) -> None:
    """Slurm's `--signal=USR1@60` asks for a checkpoint."""
    process = workspace.start("--", "sh", "-c", "trap 'echo saved; exit 0' USR1; echo up; while :; do sleep 0.1; done")
    until(lambda: running(workspace))
    process.send_signal(signal.SIGUSR1)
    assert process.wait(20) == 0
    assert (workspace.last()["status"], workspace.last()["exit"]) == ("finished", {"code": 0, "signal": None})


def test_a_daemon_that_keeps_stdout_open_delays_nobody_and_is_still_heard(workspace: Workspace) -> None:
    began = time.monotonic()
    done = workspace.record("--quiet", "--", "sh", "-c", "(sleep 4; echo late) & echo now")
    assert done.returncode == 0 and time.monotonic() - began < 3.5
    log = workspace.root / workspace.last()["paths"]["stdout"]
    until(lambda: log.read_bytes() == b"now\nlate\n")


def test_a_daemon_that_never_stops_talking_delays_nobody(workspace: Workspace) -> None:
    talk = "i=0; while [ $i -lt 100 ]; do echo x; sleep 0.03; i=$((i+1)); done"
    assert workspace.record("--quiet", "--", "sh", "-c", f"({talk}) & echo now").returncode == 0
    log = workspace.root / workspace.last()["paths"]["stdout"]
    everything = [b"now"] + [b"x"] * 100
    assert len(log.read_bytes().split()) < len(everything)
    until(lambda: sorted(log.read_bytes().split()) == everything)


@pytest.mark.long
def test_a_flood_of_output_in_constant_memory(workspace: Workspace) -> None:
    size = 300 << 20
    code = f"import os; b = bytes(range(256)) * 4096\nfor _ in range({size >> 20}): os.write(1, b)"
    with subprocess.Popen(
        workspace.command("--", *python(code)), cwd=workspace.root, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        time.sleep(0.5)
        shown = hashlib.sha256()
        peak = 0
        while data := process.stdout.read(1 << 20):
            shown.update(data)
            peak = max(peak, peak_memory(process.pid))
    kept = workspace.root / workspace.last()["paths"]["stdout"]
    wanted = hashlib.sha256((bytes(range(256)) * 4096) * (size >> 20)).hexdigest()
    assert process.returncode == 0 and kept.stat().st_size == size
    assert shown.hexdigest() == wanted == hashlib.sha256(kept.read_bytes()).hexdigest()
    assert 5 << 20 < peak < 40 << 20


def peak_memory(pid: int) -> int:
    """The most memory that a process has had so far, in bytes; 0 when it has ended."""
    rows = dict(row.split(":", 1) for row in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(rows.get("VmHWM", "0 kB").split()[0]) << 10


def test_a_terminal_that_stands_still_does_not_stop_the_command(workspace: Workspace) -> None:
    code = "import os; os.write(1, b'x' * (20 << 20)); open('done', 'w').close()"
    with subprocess.Popen(
        workspace.command("--", *python(code)), cwd=workspace.root, stdout=subprocess.PIPE
    ) as process:
        until(lambda: (workspace.root / "done").exists() and workspace.last()["status"] == "finished")
        assert process.poll() is None
        assert process.stdout is not None and len(process.stdout.read()) == 20 << 20


def test_a_reader_that_goes_away_does_not_stop_the_command(workspace: Workspace) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" "$@" | head -n 1', *workspace.command("--", "sh", "-c", "seq 200000")],
        cwd=workspace.root,
        capture_output=True,
    )
    assert done.stdout == b"1\n"
    until(lambda: workspace.last()["status"] == "finished")
    assert workspace.log(workspace.last()).endswith(b"\n200000\n")


def test_a_ten_megabyte_line_without_newline(workspace: Workspace) -> None:
    done = workspace.record("--", *python("import sys; sys.stdout.write('y' * 10_000_000)"))
    assert len(done.stdout) == 10_000_000 and workspace.log(workspace.last()) == done.stdout.encode()


def test_interleaved_streams_keep_their_order_on_a_terminal(workspace: Workspace) -> None:
    code = "import os, time\nfor i in range(20): os.write(1 + i % 2, b'%d\\n' % i); time.sleep(0.01)"
    done = workspace.record("--", *python(code), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, capture_output=False)
    assert done.stdout.split() == [str(i) for i in range(20)]
    assert workspace.log(workspace.last()).split() == [b"%d" % i for i in range(0, 20, 2)]


def test_progress_bars_pass_as_they_are_written(workspace: Workspace) -> None:
    code = "import sys, time\nfor i in range(3): sys.stderr.write('\\r%d%%' % i); sys.stderr.flush(); time.sleep(0.2)"
    with subprocess.Popen(
        workspace.command("--", *python(code)), cwd=workspace.root, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        first = os.read(process.stderr.fileno(), 100)
        assert first == b"\r0%" and process.poll() is None
        assert first + process.stderr.read() == b"\r0%\r1%\r2%"


def test_stdin_reaches_the_command(workspace: Workspace) -> None:
    assert workspace.record("--", "cat", input="a\nb\n").stdout == "a\nb\n"


def test_tty_gives_the_command_a_terminal(workspace: Workspace) -> None:
    code = "import os, sys; print(*(os.isatty(i) for i in range(3))); print('e', file=sys.stderr)"
    done = workspace.record("--tty", "--", *python(code))
    assert (done.stdout, done.stderr) == ("True True True\n", "e\n")
    assert (workspace.log(workspace.last()), workspace.log(workspace.last(), "stderr")) == (b"True True True\n", b"e\n")
    assert workspace.record("--", *python(code)).stdout == "False False False\n"


def test_tty_feeds_what_stdin_says(workspace: Workspace) -> None:
    assert workspace.record("--tty", "--", *python("print('got', input())"), input="word\n").stdout.endswith(
        "got word\n"
    )


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_while_logging_changes_nothing_for_the_command(workspace: Workspace) -> None:
    code = "import sys; sys.stdout.write('z' * 500_000); sys.exit(4)"
    done = workspace.record("--", *python(code), preexec_fn=small_files)
    assert done.returncode == 4 and done.stdout == "z" * 500_000
    assert "cannot be written" in done.stderr and "byte 100000" in done.stderr
    assert workspace.log(workspace.last()) == b"z" * 100_000
    assert workspace.last()["status"] == "failed"


def test_a_full_disk_while_writing_the_manifest(workspace: Workspace) -> None:
    def nothing_fits() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = workspace.record("--", "sh", "-c", "echo hello; exit 3", preexec_fn=nothing_fits)
    assert done.returncode == 3 and done.stdout == "hello\n"
    assert "manifest" in done.stderr and "cannot be written" in done.stderr
    assert workspace.paths() == []


def test_a_disk_that_is_really_full(workspace: Workspace, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    if (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(full)], capture_output=True).returncode
        != 0
    ):
        pytest.skip("mounting is not allowed here")
    try:
        (workspace.exp / "logs").symlink_to(full)
        done = workspace.record("--", *python("print('w' * 300_000)"))
    finally:
        subprocess.run(["umount", "-l", str(full)], check=True)
    assert done.returncode == 0 and len(done.stdout) == 300_001
    assert "No space left" in done.stderr and workspace.last()["status"] == "finished"


def test_many_recorders_of_one_name_at_one_instant(workspace: Workspace) -> None:
    together = [
        subprocess.Popen(workspace.command("--quiet", "--", "sh", "-c", "echo $RUN_OUTPUT_DIR"), cwd=workspace.root)
        for _ in range(24)
    ]
    assert [p.wait(60) for p in together] == [0] * 24
    manifests = workspace.manifests()
    assert {m["run"]["name"] for m in manifests} == {manifests[0]["run"]["name"]}
    assert sorted(m["run"]["attempt"] for m in manifests) == list(range(1, 25))
    assert len({workspace.log(m) for m in manifests}) == 24
    assert all(workspace.log(m).decode().strip() == str(workspace.root / m["paths"]["outputs"]) for m in manifests)


def test_nothing_is_ever_overwritten(workspace: Workspace) -> None:
    for number in (1, 2, 3):
        workspace.record("--", "sh", "-c", f"date +%N; echo {number} > $RUN_OUTPUT_DIR/x; true")
    first = workspace.record("--", "true")
    logs = workspace.root / workspace.last()["paths"]["stdout"]
    logs.write_text("precious")
    (workspace.root / workspace.last()["paths"]["outputs"]).rmdir()
    workspace.record("--", "true")
    assert first.returncode == 0 and logs.read_text() == "precious" and workspace.last()["run"]["attempt"] == 2


def as_nobody() -> None:
    os.setgid(65534)
    os.setuid(65534)


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user to be")
def test_a_read_only_workspace_still_runs_the_command(workspace: Workspace, tmp_path: Path) -> None:
    open_to_everybody(workspace.root)
    for below, _, files in os.walk(workspace.root):
        Path(below).chmod(0o555)
        for file in files:
            Path(below, file).chmod(0o444)
    interpreter = "/usr/bin/python3"
    if not Path(interpreter).exists():
        pytest.skip("needs an interpreter that every user can start")
    done = subprocess.run(
        [
            interpreter,
            "-IS",
            str(workspace.recorder),
            "--",
            "sh",
            "-c",
            "echo hello; test -w $RUN_OUTPUT_DIR && exit 9",
        ],
        cwd=workspace.root,
        preexec_fn=as_nobody,
        env={**os.environ, "PATH": os.defpath},  # links in a directory of ours would be closed to nobody
        capture_output=True,
        text=True,
    )
    assert done.returncode == 9 and done.stdout == "hello\n"
    assert "not recorded" in done.stderr and workspace.paths() == []


def test_records_that_cannot_be_made_are_said_and_the_command_runs(workspace: Workspace) -> None:
    (workspace.exp / "outputs").write_text("a file where a directory is needed")
    done = workspace.record("--", "sh", "-c", "echo hello; exit 6")
    assert done.returncode == 6 and done.stdout == "hello\n" and "not recorded" in done.stderr


def test_home_unset(workspace: Workspace) -> None:
    done = workspace.record("--", "true", env=without("HOME", "XDG_CONFIG_HOME"))
    assert (done.returncode, done.stderr) == (0, "") and workspace.last()["status"] == "finished"


def test_a_clock_that_jumps_back_leaves_durations_right(workspace: Workspace, tmp_path: Path) -> None:
    jumping = f"""
import runpy, sys, time
real, born = time.time, time.monotonic()
time.time = lambda: real() - (86400 if time.monotonic() - born > 0.3 else 0)
sys.argv = ["record_run.py", "--", "sleep", "0.6"]
runpy.run_path({str(workspace.recorder)!r}, run_name="__main__")
"""
    assert subprocess.run([PYTHON, "-c", jumping], cwd=workspace.root).returncode == 0
    times = workspace.last()["time"]
    assert 0.5 < times["duration_s"] < 5 and times["started_at"] < times["ended_at"]


def test_git_missing(workspace: Workspace, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    (bare / "true").symlink_to("/bin/true")
    done = workspace.record("--", "true", env={**os.environ, "PATH": str(bare)})
    assert done.returncode == 0 and "git" in done.stderr and workspace.last()["git"] is None


def test_git_too_slow(workspace: Workspace, tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 300\n")
    slow.chmod(0o755)
    began = time.monotonic()
    environment = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}", "RUN_GIT_TIMEOUT": "0.5"}
    done = workspace.record("--", "echo", "ran", env=environment)
    assert done.stdout == "ran\n" and "did not answer" in done.stderr and time.monotonic() - began < 8
    assert workspace.last()["git"] is None


def test_not_in_git_at_all(tmp_path: Path) -> None:
    made = write_workspace(tmp_path / "plain", settings())
    (made.root / "train.py").write_text("print(1)\n")
    assert made.record("--", PYTHON, "train.py").stderr == ""
    assert made.last()["git"] is None
    before = made.last()["run"]["name"]
    (made.root / "train.py").write_text("print(2)\n")
    assert made.name("--", PYTHON, "train.py") != before


def test_in_a_worktree_and_a_submodule_and_a_subfolder(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    made = make_workspace({"a.py": "1\n"}, below="packages/one")
    made.record("--", "true")
    assert made.last()["git"]["dirty"] is False and made.last()["command"]["cwd"] == "packages/one"

    tree = tmp_path / "tree"
    git(made.root, "worktree", "add", "-q", "--detach", str(tree))
    other = Workspace(tree / "packages/one", made.facts)
    other.record("--", "true")
    assert other.last()["run"]["name"] == made.last()["run"]["name"] and other.last()["git"]["branch"] is None

    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "repo"), "sub")
    inner = Workspace(outer / "sub/packages/one", made.facts)
    inner.record("--", "true")
    assert (
        inner.last()["run"]["name"] == made.last()["run"]["name"]
        and inner.last()["git"]["commit"] == made.last()["git"]["commit"]
    )


def test_in_the_middle_of_a_rebase(workspace: Workspace) -> None:
    root = workspace.root
    git(root, "checkout", "-q", "-b", "side")
    (root / "train.py").write_text("side\n")
    git(root, "commit", "-qam", "side")
    git(root, "checkout", "-q", "main")
    (root / "train.py").write_text("main\n")
    git(root, "commit", "-qam", "main")
    subprocess.run(["git", "rebase", "-q", "side"], cwd=root, capture_output=True)
    assert "rebase" in git(root, "status")
    assert workspace.record("--", "true").stderr == ""
    found = workspace.last()["git"]
    assert found["dirty"] and found["branch"] is None and "<<<<<<<" in (root / found["patch"]).read_text()


def test_before_the_first_commit(tmp_path: Path) -> None:
    root = tmp_path / "new"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    made = write_workspace(root, settings())
    (root / "train.py").write_text("print(1)\n")
    git(root, "add", "train.py")
    assert made.record("--", "true").stderr == ""
    found = made.last()["git"]
    assert found["commit"] is None and found["branch"] == "main" and "+print(1)" in (root / found["patch"]).read_text()


def test_very_many_and_very_big_untracked_files(workspace: Workspace) -> None:
    for folder in ("data", "flat"):
        (workspace.root / folder).mkdir()
    for i in range(3000):
        (workspace.root / "data" / f"{i}.txt").write_text("x")
        (workspace.root / f"{i}.dat").write_text("x")
    with (workspace.root / "big.bin").open("wb") as file:
        file.truncate(1 << 30)
    done = workspace.record("--", "true")
    manifest = workspace.last()
    assert done.returncode == 0 and done.stderr == ""
    assert len(json.dumps(manifest)) < 50_000 and manifest["git"]["untracked"][-1].startswith("... and ")
    assert manifest["git"]["dirty"] is False


def test_the_recorder_itself_can_be_started(workspace: Workspace) -> None:
    assert workspace.recorder.stat().st_mode & stat.S_IXUSR
    assert (SCRIPTS / "record_run.py").read_text().startswith("#!/usr/bin/env -S python3 -IS\n")
    done = subprocess.run([str(workspace.recorder), "--", "true"], cwd=workspace.root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "args", [[], ["--"], ["--seed", "x", "--", "true"], ["--nope", "--", "true"], ["--param", "a", "--", "true"]]
)
def test_wrong_usage_is_2_and_runs_nothing(workspace: Workspace, args: list[str]) -> None:
    done = workspace.record(*args)
    assert done.returncode == 2 and done.stderr.startswith("usage:") and workspace.paths() == []


def test_the_manifest_is_there_and_valid_while_the_command_runs(workspace: Workspace) -> None:
    code = "import json, os; m = json.load(open(os.environ['RUN_MANIFEST'])); print(json.dumps(m))"
    manifest = json.loads(workspace.record("--seed", "4", "--", *python(code)).stdout)
    check(manifest)
    assert (manifest["status"], manifest["seed"], manifest["exit"]) == ("running", 4, {"code": None, "signal": None})


def test_a_repository_with_longer_ids(tmp_path: Path) -> None:
    root = tmp_path / "long"
    root.mkdir()
    if subprocess.run(["git", "init", "-q", "--object-format=sha256", str(root)], capture_output=True).returncode != 0:
        pytest.skip("this git knows SHA-1 only")
    made = write_workspace(root, settings())
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("1\n")
    commit_all(root)
    clean = made.name("--", "true")
    (root / "src" / "a.py").write_text("2\n")
    dirty = made.name("--", "true")
    commit_all(root)
    assert made.record("--", "true").stderr == "" and made.last()["run"]["name"] == dirty != clean
    assert len(made.last()["git"]["commit"]) == 64


@pytest.mark.long
def test_two_gigabytes_at_full_speed(workspace: Workspace) -> None:
    size = 2 << 30
    done = subprocess.run(
        ["sh", "-c", '"$0" "$@" | wc -c', *workspace.command("--", "head", "-c", str(size), "/dev/zero")],
        cwd=workspace.root,
        capture_output=True,
        text=True,
    )
    log = workspace.root / workspace.last()["paths"]["stdout"]
    assert int(done.stdout) == size == log.stat().st_size
    log.unlink()


@pytest.mark.long
def test_sixty_four_recorders_of_one_name(workspace: Workspace) -> None:
    command = workspace.command("--quiet", "--", "true")
    together = [subprocess.Popen(command, cwd=workspace.root) for _ in range(64)]
    assert [p.wait(120) for p in together] == [0] * 64
    assert sorted(m["run"]["attempt"] for m in workspace.manifests()) == list(range(1, 65))


@pytest.mark.long
def test_ten_thousand_untracked_files(workspace: Workspace) -> None:
    for folder in range(10):
        (workspace.root / "src" / str(folder)).mkdir()
        for i in range(1000):
            (workspace.root / "src" / str(folder) / f"{i}.txt").touch()
    began = time.monotonic()
    assert workspace.record("--", "true").stderr == ""
    assert time.monotonic() - began < 10 and len(json.dumps(workspace.last())) < 50_000
