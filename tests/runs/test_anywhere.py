"""Where people run that is not a plain Linux: without /proc, without /dev/fd, with `hidepid`, with a `ps` of BSD's manners.

What cannot be run here is masked: in a mount namespace of its own a command finds no /proc, or one that shows only its own user's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scaffold.runs import liveness, recorder
from tests.memory_folder import open_to_everybody
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace, alive, until

DEVICES = """
d=$(mktemp -d); mount -t tmpfs none $d
mknod -m 666 $d/null c 1 3; mknod -m 666 $d/zero c 1 5; mknod -m 666 $d/urandom c 1 9; mknod -m 666 $d/tty c 5 0
mkdir $d/pts $d/shm; mount --bind /dev/pts $d/pts; mount --rbind /dev/shm $d/shm; ln -s pts/ptmx $d/ptmx; mount --rbind $d /dev
"""
MASKS = {
    "no /proc": "mount -t tmpfs none /proc",
    "no /dev/fd": DEVICES,
    "neither": f"{DEVICES}\nmount -t tmpfs none /proc",
    "hidepid": "mount -t proc -o hidepid=2 proc /proc",
}
# another user, who may still read what lies in folders of ours
CAPABILITIES = "+dac_override,+dac_read_search"
NOBODY = f"setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps {CAPABILITIES} --ambient-caps {CAPABILITIES}"


def masked(mask: str, *, user: str = "") -> list[str]:
    """What stands before a command, so that it runs masked."""
    script = f'set -e\n{MASKS[mask]}\nexec {user} "$@"'
    return ["unshare", "-m", "--propagation", "private", "bash", "-c", script, "--"]


def _may_mask() -> bool:
    try:
        return subprocess.run([*masked("no /proc"), "true"], capture_output=True).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(os.getuid() != 0 or not _may_mask(), reason="masking takes a mount namespace")


# calls the command line for each line that it reads, and writes a line about how that ended
INTERPRETER = """
import json, os, sys
from click.testing import CliRunner
from scaffold.cli.main import group
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    done = CliRunner().invoke(group, json.loads(line), catch_exceptions=False)
    print(json.dumps([done.exit_code, done.stdout, done.stderr]), file=answers, flush=True)
"""


class Masked:
    """A workspace whose commands all run masked; those of `scaffold` in one process, since starting it takes longer than most of them."""

    def __init__(self, workspace: Workspace, mask: str) -> None:
        self.interpreter: subprocess.Popen[str] | None = None
        self.workspace = workspace
        self.root = workspace.root
        self.before = masked(mask, user=NOBODY if mask == "hidepid" else "")
        if mask == "hidepid":
            home = workspace.root.parent
            subprocess.run(["chown", "-R", "65534:65534", str(home)], check=True)
            home.chmod(0o755)
            self.before = ["env", f"HOME={home}", f"SCAFFOLD_RUNTIME_DIR={home}/runtime", *self.before]

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True}
        return subprocess.Popen([*self.before, *words], cwd=self.root, **{**pipes, **options})

    def record(self, *words: str) -> list[str]:
        return [PYTHON, "-IS", str(self.workspace.recorder), *words]

    def scaffold(self, *words: str, code: int = 0) -> dict[str, Any]:
        at = words.index("--") if "--" in words else len(words)
        if self.interpreter is None:
            self.interpreter = self.start(PYTHON, "-c", INTERPRETER, stdin=subprocess.PIPE)
        assert self.interpreter.stdin is not None and self.interpreter.stdout is not None
        print(json.dumps([*words[:at], "--json", *words[at:]]), file=self.interpreter.stdin, flush=True)
        line = self.interpreter.stdout.readline()
        assert line, self.interpreter.communicate()
        ended, out, err = json.loads(line)
        assert ended == code, (words, ended, out, err)
        return dict(json.loads(out)) if out else {}

    def close(self) -> None:
        """End the process of `scaffold`."""
        if self.interpreter is not None:
            self.interpreter.communicate(timeout=60)

    def states(self) -> dict[str, str]:
        """Each run's status, as `runs list` has it."""
        return {run["name"]: run["status"] for run in self.scaffold("runs", "list")["runs"]}


@pytest.fixture
def pause(tmp_path: Path) -> str:
    """Seconds to sleep, far longer than a test takes: as a word of a command line that no other test has."""
    return f"60.{abs(hash(str(tmp_path))) % 10**9}"


FILES = {"train.py": "import sys, time\ntime.sleep(float(sys.argv[2]))\n"}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; the tests' own is closed whenever somebody starts pytest."""
    with tempfile.TemporaryDirectory(prefix="scaffold-test-") as name:
        open_to_everybody(Path(name))
        yield Path(name)


@pytest.fixture(params=list(MASKS))
def place(request: pytest.FixtureRequest, make_workspace: MakeWorkspace, open_folder: Path) -> Iterator[Masked]:
    place = Masked(make_workspace(FILES, name=f"{open_folder}/repo"), str(request.param))
    yield place
    place.close()


# what takes many commands: in the gate with all that a machine may lack at once, and with /proc that shows some
in_few_places = pytest.mark.parametrize(
    "place",
    [pytest.param(mask, marks=() if mask in ("neither", "hidepid") else pytest.mark.long) for mask in MASKS],
    indirect=True,
)


def test_a_run_and_how_it_ends(place: Masked) -> None:
    process = place.start(*place.record("--seed", "1", "--", "sh", "-c", "echo out; echo err >&2; exit 4 # $RUN_SEED"))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (4, "out\n", "err\n")
    manifest = place.workspace.last()
    assert (manifest["status"], manifest["exit"]["code"]) == ("failed", 4)
    assert place.workspace.log(manifest) == b"out\n" and manifest["git"]["commit"]
    process = place.start(*place.record("--tty", "--", "sh", "-c", "echo hi; exit 3"))
    assert process.communicate(timeout=60)[0] == "hi\n" and process.returncode == 3


@in_few_places
def test_a_run_that_runs_and_one_that_is_lost(place: Masked, pause: str) -> None:
    process = place.start(*place.record("--", "sh", "-c", f"sleep {pause}; echo never"))
    until(lambda: any(json.loads(p.read_text())["status"] == "running" for p in place.workspace.paths()))
    until(lambda: alive(pause))
    assert list(place.states().values()) == ["running"]
    assert "R106" not in {f["code"] for f in place.scaffold("runs", "audit", code=3)["findings"]}
    process.kill()
    process.communicate()
    until(lambda: not alive(pause), 10)
    until(lambda: list(place.states().values()) == ["lost"])
    assert "R106" in {f["code"] for f in place.scaffold("runs", "audit", code=3)["findings"]}


def test_a_recorder_that_is_told_to_end_takes_all_along(place: Masked, pause: str) -> None:
    process = place.start(*place.record("--", "sh", "-c", f"sleep {pause}; echo never"))
    until(lambda: alive(pause))
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143
    until(lambda: not alive(pause), 10)
    assert place.workspace.last()["status"] == "terminated"


@in_few_places
def test_a_sweep_from_plan_to_end(place: Masked) -> None:
    words = ("--goal", "g", "--grid", "pause=0,0.1", "--seeds", "1", "--seed-option", "env")
    place.scaffold("sweep", "new", "quick", *words, "--", "python3", "train.py")
    place.scaffold("sweep", "launch", "quick", "--backend", "local", "--wait", "--yes")
    assert set(place.states().values()) == {"finished"} and len(place.states()) == 2
    assert place.scaffold("sweep", "status", "quick")["counts"] == {"finished": 2}


@in_few_places
def test_a_sweep_that_is_stopped(place: Masked, pause: str) -> None:
    words = ("--goal", "g", "--grid", f"pause={pause}", "--seeds", "1", "--seed-option", "env")
    place.scaffold("sweep", "new", "slow", *words, "--", "python3", "train.py")
    place.scaffold("sweep", "launch", "slow", "--backend", "local", "--yes")
    until(lambda: list(place.states().values()) == ["running"])
    assert place.scaffold("sweep", "status", "slow")["counts"] == {"running": 1}
    place.scaffold("sweep", "stop", "slow")
    assert list(place.states().values()) == ["terminated"]
    assert place.scaffold("sweep", "watch", "slow", code=3)["counts"] == {"terminated": 1}
    until(lambda: not alive(pause), 10)


def test_another_users_run_that_cannot_be_seen_is_not_lost(make_workspace: MakeWorkspace, open_folder: Path) -> None:
    workspace = make_workspace(FILES, name=f"{open_folder}/repo")
    process = workspace.start("--", "sleep", "64")
    place = Masked(workspace, "hidepid")
    assert list(place.states().values()) == ["running"], "/proc does not show it, and still it is there"
    process.terminate()
    process.wait()
    assert list(place.states().values()) == ["terminated"]
    place.close()


PS = """#!%(python)s
import os, sys, time
REAL = %(real)r
def stat(pid):
    with open(f"{REAL}/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()
def lstart(pid):
    with open(f"{REAL}/stat") as file:
        boot = next(int(row.split()[1]) for row in file if row.startswith("btime"))
    began = boot + int(stat(pid)[19]) / os.sysconf("SC_CLK_TCK")
    return time.strftime("%%a %%b %%e %%H:%%M:%%S %%Y", time.localtime(began)) + "    "
words = sys.argv[1:]
if words[:3] == ["-o", "stat=,lstart=", "-p"] and len(words) == 4:
    try:
        print(f"{stat(words[3])[0]}s   {lstart(words[3])}")
    except OSError:
        sys.exit(1)
elif words == ["-A", "-o", "pid=,ppid="]:
    for pid in filter(str.isdigit, os.listdir(REAL)):
        try:
            print(f"{pid:>5} {stat(pid)[1]:>5}")
        except OSError:
            continue
else:
    sys.exit("ps: illegal option -- " + " ".join(words))
"""


@pytest.fixture
def bsd(tmp_path: Path, make_workspace: MakeWorkspace) -> Iterator[tuple[Masked, Mapping[str, str]]]:
    """A place without /proc whose `ps` knows what it knows from elsewhere, and takes the options that BSD's takes."""
    real, bin_folder = tmp_path / "real", tmp_path / "bin"
    real.mkdir()
    bin_folder.mkdir()
    subprocess.run(["mount", "-t", "proc", "proc", str(real)], check=True)
    (bin_folder / "ps").write_text(PS % {"python": PYTHON, "real": str(real)})
    (bin_folder / "ps").chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{bin_folder}:{before}"
    place = Masked(make_workspace({"train.py": "import time\ntime.sleep(65)\n"}), "neither")
    try:
        yield place, {}
        place.close()
    finally:
        os.environ["PATH"] = before
        subprocess.run(["umount", "-l", str(real)], check=True)


def test_where_only_ps_says_what_runs(bsd: tuple[Masked, Mapping[str, str]]) -> None:
    place, _ = bsd
    process = place.start(*place.record("--", "sh", "-c", "python3 train.py; echo never"))
    until(lambda: any(json.loads(p.read_text())["status"] == "running" for p in place.workspace.paths()))
    (mark,) = (json.loads(p.read_text()) for p in (place.workspace.exp / "metadata" / ".live").iterdir())
    assert mark["start"] is None and abs(mark["started_at"] - Path(f"/proc/{mark['pid']}").stat().st_mtime) < 10
    assert list(place.states().values()) == ["running"]
    live = place.workspace.exp / "metadata" / ".live"
    (path,) = live.iterdir()
    path.write_text(json.dumps({**mark, "started_at": mark["started_at"] - 60}))
    assert list(place.states().values()) == ["lost"], "another process of the same id is not the one"
    path.write_text(json.dumps(mark))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert list(place.states().values()) == ["terminated"]


def test_the_python_of_the_command_is_known_by_its_name(bsd: tuple[Masked, Mapping[str, str]], tmp_path: Path) -> None:
    place, _ = bsd
    process = place.start(*place.record("--", PYTHON, "-c", "import time; time.sleep(2)"))
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert place.workspace.last()["environment"]["executable"] == PYTHON


def mark_of(pid: int, **changes: Any) -> dict[str, Any]:
    return {**recorder.processes.process_mark(pid), **changes}


def test_what_is_known_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen(["sleep", "66"])
    try:
        own = mark_of(process.pid)
        assert liveness.check_process_liveness(own) == "alive"
        assert liveness.check_process_liveness({**own, "start": own["start"] + 1}) == "gone"
        assert liveness.check_process_liveness({**own, "namespace": "pid:[1]"}) == "unknown"
        assert liveness.check_process_liveness({**own, "boot": "another"}) == "gone"
        without = {"pid": process.pid, "start": None, "boot": None, "namespace": None, "host": own["host"]}
        assert liveness.check_process_liveness(without) == "unknown", (
            "who wrote it had no /proc: its id is all that there is"
        )
        began = recorder.processes.started_at(process.pid)
        if began is not None:
            assert liveness.check_process_liveness({**without, "started_at": began}) == "alive"
            assert liveness.check_process_liveness({**without, "started_at": began - 100}) == "gone"
    finally:
        process.kill()
        process.wait()
    assert liveness.check_process_liveness(own) == "gone"
    assert liveness.check_process_liveness(without) == "unknown", "ids of a container are not seen from here"
    with contextlib.suppress(AssertionError):
        assert shutil.which("ps")


def test_a_date_of_ps_is_read_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder.processes, "ask_ps", lambda *_: "Ss   Mon Nov 30 17:30:36 2026    \n")
    assert recorder.processes.started_at(1) == 1796059836
    for year, seconds in (("2024", 1709208000), ("2000", 951825600), ("1972", 68212800)):
        monkeypatch.setattr(recorder.processes, "ask_ps", lambda *_, year=year: f"S  Thu Feb 29 12:00:00 {year}\n")
        assert recorder.processes.started_at(1) == seconds
    for text in ("", "Z Mon Nov 30 17:30:36 2026", "ps: bad usage", "S Mo 30 Nov. 17:30:36 2026"):
        monkeypatch.setattr(recorder.processes, "ask_ps", lambda *_, text=text: text)
        assert recorder.processes.started_at(1) is None
