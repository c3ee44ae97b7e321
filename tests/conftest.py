"""Sealed from the developer's machine: own HOME, no user git settings, no variable of ours; real git repositories on demand."""

from __future__ import annotations

import functools
import gc
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from fcntl import LOCK_EX, flock  # as it is before a test makes it fail
from pathlib import Path
from typing import Any

import click
import hypothesis
import pytest
from click.testing import CliRunner, Result

from scaffold.cli.common import output, usage_errors
from scaffold.cli.main import group
from scaffold.server import trusted_servers
from tests import answers, memory_folder
from tests.stand_in import StandIn

os.environ[memory_folder.VARIABLE] = str(memory_folder.TOP)
OURS = ("GIT_", "COPIER_", "RUN_", "RESEARCH_AGENT_", "SLURM_", "SCAFFOLD_", "CUDA_VISIBLE_DEVICES")
PATH = os.environ["PATH"]
# A shell that starts the tests in the background has SIGINT ignored, and so would every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A busy machine takes longer, which says nothing of what is tested. In CI hypothesis sees to that itself.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
if hypothesis.settings.get_current_profile_name() == "default":
    hypothesis.settings.load_profile("patient")
if "PYTEST_XDIST_WORKER" in os.environ:
    gc.disable()  # nothing of what is collected goes away: see pytest_collection_finish
NUMBERS = itertools.count()
# file -> what its tests share, with those of other files where that is the same
IN_ONE_PROCESS = {
    "tests/results/test_page_in_browser.py": "a browser, and one page for most",
    "tests/results/test_live_page_in_browser.py": "a browser, and one page for most",
    "tests/ideas/test_acted_out.py": "a count of all loops",
}
SLURM = ("sbatch", "srun", "salloc", "sinfo", "squeue", "sacct", "scancel", "scontrol")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files whose tests share what is costly to make are one process's. The mark `xdist_group` would do, but pytest-xdist 3.8 writes it
    into the tests' ids, which pytest 9.2 does not read there."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return IN_ONE_PROCESS.get(nodeid.partition("::")[0], nodeid)

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, and those that one process does in a row: in the end none waits for one that has just begun another."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None and item.location[0] not in IN_ONE_PROCESS)


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: Python need not look again and again whether they are still wanted."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def hang_up_reaches_what_tests_start() -> Iterator[None]:
    """`nohup pytest` has SIGHUP ignored, and so would every process have that a test starts and hangs up.

    A handler is not inherited by a program that is started, and this one does nothing: pytest itself goes on after a hang-up as before.
    A fixture is made only where tests run, so that the processes of pytest-xdist still inherit what nohup asked for.
    """
    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What this process and its children call the temporary folder lies among pytest's, and goes away with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        patch.setattr(tempfile, "tempdir", os.environ["TMPDIR"])
        yield


@pytest.fixture(scope="session")
def quick_copier() -> Iterator[None]:
    """Copier without what it does over and over."""
    from tests import quick_copier as quick

    with pytest.MonkeyPatch.context() as patch:
        quick.compile_each_text_once(patch)
        quick.ask_git_about_repositories_only(patch)
        quick.read_each_config_once(patch)
        quick.look_up_answers_once(patch)
        quick.render_each_content_once(patch)
        yield


@pytest.fixture(scope="session")
def path_of_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH where `python3` and `python` are those of an environment with nothing in it.

    What is installed beside the machine's own may take longer at each start than Python itself, and so does a script in its place, as
    pyenv has one.
    """
    environment, interpreter = tmp_path_factory.mktemp("python"), Path(sys.executable).resolve()
    (environment / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\ninclude-system-site-packages = false\n")
    (environment / "bin").mkdir()
    for name in ("python3", "python"):
        (environment / "bin" / name).symlink_to(interpreter)
    return f"{environment / 'bin'}{os.pathsep}{PATH}"


@pytest.fixture(scope="session")
def path_without_slurm(tmp_path_factory: pytest.TempPathFactory, path_of_python: str) -> str:
    """PATH without Slurm's commands, since what `init` writes depends on them: their directories are replaced by links to the rest."""
    parts: list[str] = []
    mirrors: dict[Path, str] = {}
    for part in path_of_python.split(os.pathsep):
        place = Path(part).resolve()
        if place not in mirrors and (place / "sbatch").exists():
            mirror = tmp_path_factory.mktemp("without-slurm")
            for entry in place.iterdir():
                if entry.name not in SLURM:
                    (mirror / entry.name).symlink_to(entry)
            mirrors[place] = str(mirror)
        parts.append(mirrors.get(place, part))
    return os.pathsep.join(parts)


@pytest.fixture(autouse=True)
def sealed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, path_without_slurm: str) -> Path:
    """A HOME of its own, and an environment that says nothing about this machine's user.

    Homes lie in one folder: pytest reads through the one above before each test, for a number that is not taken.
    """
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(NUMBERS))
    home.mkdir(parents=True)
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", path_without_slurm)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("SCAFFOLD_RUNTIME_DIR", str(home / "runtime"))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@localhost")
        monkeypatch.setenv(f"GIT_{role}_DATE", "2026-01-01T00:00:00+00:00")
    return home


@pytest.fixture(autouse=True)
def answers_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answer a test has a command print in this process, it is held against the command's schema."""
    plain = output.format_json

    def held(answer: dict[str, object], limited: output.LimitedLists | None) -> str:
        text = plain(answer, limited)
        if (context := click.get_current_context(silent=True)) is not None:
            answers.check(usage_errors.command_path_words(context), text)
        return text

    monkeypatch.setattr(output, "format_json", held)


def git(directory: Path, *args: str) -> str:
    """Run git for real; its stdout. No power is cut here, so that nothing need be on the disk at once; nobody tidies up after commits."""
    options = ["-c", "core.fsync=none", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]
    command = ["git", "-C", str(directory), *options, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def new_repository(root: Path) -> None:
    """An empty repository, without the samples of hooks that every `git init` writes."""
    git(root, "init", "-q", "-b", "main", "--template=")


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write `path -> content` below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def commit_all(root: Path, message: str = "change") -> str:
    """Commit everything; the commit's id."""
    git(root, "add", "-A")
    git(root, "commit", "-qm", message, "--allow-empty")
    return git(root, "rev-parse", "HEAD").strip()


def pack_objects(root: Path) -> None:
    """Make few files of a repository's many objects, as its copies are quicker made then."""
    if sum(1 for _ in (root / ".git/objects").glob("??")) > 40:
        git(root, "-c", "pack.window=0", "-c", "pack.compression=0", "-c", "pack.threads=1", "repack", "-adqn")


class Originals:
    """Repositories that many tests want alike, made once in a session, by whichever of its processes is the first; tests get copies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: set[str] = set()

    def put(self, root: Path, key: object, make: Callable[[Path], None], *, is_costly: bool = False) -> None:
        """Have `root` be the repository that `make` makes of a folder: always the same for what `key` prints.

        What a process wants once only is made in its place, unless making it `is_costly`.
        """
        root.mkdir(parents=True, exist_ok=True)  # the stand-in for the server may have made it
        variables = sorted((name, value) for name, value in os.environ.items() if name.startswith("GIT_"))
        name = hashlib.sha256(repr((root.name, key, variables)).encode()).hexdigest()
        if any(root.iterdir()) or not (is_costly or name in self.asked):
            self.asked.add(name)
            make(root)
            return
        made = self.folder / name
        with (self.folder / f"{name}.lock").open("w") as lock:
            flock(lock, LOCK_EX)
            if not made.exists():
                half_made = self.folder / f"{name}.{os.getpid()}"
                (half_made / root.name).mkdir(parents=True)
                make(half_made / root.name)
                pack_objects(half_made / root.name)
                half_made.rename(made)
        subprocess.run(["cp", "-a", f"{made / root.name}/.", root], check=True)
        git(root, "update-index", "-q", "--refresh")  # which knows files by their numbers and times


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Originals:
    """The repositories that tests have copies of: in a folder that the session's processes share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "originals"
    folder.mkdir(exist_ok=True)
    return Originals(folder)


MakeRepo = Callable[..., Path]
HELLO = {"train.py": "print('hello')\n"}


@pytest.fixture
def make_repo(tmp_path: Path, originals: Originals) -> MakeRepo:
    """A function that makes a committed repository from a dict of files."""

    def make(files: Mapping[str, str | bytes] | None = None, name: str = "repo") -> Path:
        root, content = tmp_path / name, files or HELLO
        originals.put(root, sorted(content.items()), lambda place: commit_files(place, content))
        return root

    return make


def commit_files(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Make a repository whose first commit has these files."""
    new_repository(root)
    write_tree(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first", "--allow-empty")


Run = Callable[..., Result]


@pytest.fixture
def run(quick_copier: None) -> Run:
    """Call the command line in this process; a bug shows as the exception that it is. With --json stdout is one object, or empty."""

    def call(*args: str | Path, **options: object) -> Result:
        done = CliRunner().invoke(group, [str(a) for a in args], catch_exceptions=False, **options)  # type: ignore[arg-type]
        if "--json" in args and "--help" not in args:
            assert (done.stdout == "") == (done.exit_code in (1, 2)) or args[0] == "run", done.output
            assert not done.stdout or json.loads(done.stdout)["version"] == 1, done.stdout
        return done

    return call


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A research server on loopback, whose work directory is `tmp_path/repo`; nothing may have been sent that it does not know."""
    (tmp_path / "repo").mkdir(exist_ok=True)
    server = StandIn(tmp_path / "repo")
    trusted_servers.remember_trusted_server(server.url)
    yield server
    server.close()
    assert server.complaints == []


@pytest.fixture
def slurm(sealed: Path, monkeypatch: pytest.MonkeyPatch, path_of_python: str) -> None:
    """A real Slurm that answers (tools/slurm_single_node.sh starts one); without one the test is skipped, but never in CI."""
    monkeypatch.setenv("PATH", path_of_python)
    reason = _no_slurm()
    if reason and os.environ.get("CI"):
        pytest.fail(f"{reason}, and this is CI: bash tools/slurm_single_node.sh starts one")
    if reason:
        pytest.skip(reason)


@functools.cache
def _no_slurm() -> str | None:
    try:
        asked = subprocess.run(["sinfo", "-h", "-o", "%P"], capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        return "Slurm is not installed"
    except subprocess.TimeoutExpired:
        return "Slurm does not answer"
    partitions = {word.rstrip("*") for word in asked.stdout.split()}
    if asked.returncode != 0:
        return f"Slurm does not answer: {asked.stderr.strip()}"
    return None if {"debug", "gpu", "low"} <= partitions else "this Slurm is not the one of tools/slurm_single_node.sh"
