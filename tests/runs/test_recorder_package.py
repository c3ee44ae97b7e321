"""The recorder as a copied folder: an entry and its modules, and the bytecode that is kept of them."""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scaffold.runs import audit, recorder_bytecode
from scaffold.runs.recorder import recorder_source_directory
from scaffold.workspace import Workspace as FoundWorkspace
from scaffold.workspace import find_workspace
from tests.conftest import Run, commit_all, git
from tests.memory_folder import open_to_everybody
from tests.runs.conftest import (
    PYTHON,
    SCRIPTS,
    MakeWorkspace,
    Workspace,
    bytecode_file,
    copy_recorder,
    settings,
    write_workspace,
)

EVIL = "\nimport os\nos.write(1, b'pwned\\n')\n"
as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs another user to be")


@pytest.fixture(autouse=True)
def bytecode_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's user has Python do."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


@pytest.fixture
def workspace(make_workspace: MakeWorkspace) -> Workspace:
    """A small repository with a workspace whose recorder was never started."""
    return make_workspace({"train.py": "print('hello')\n", "src/model.py": "LR = 1\n", "README.md": "# x\n"}, cold=True)


def pythons() -> list[str]:
    """The oldest and the newest Python at hand that the recorder is for."""
    names = [f"3.{minor}" for minor in range(8, 16)]
    places = [Path(sys.base_prefix).parent.glob(f"{name}.*/bin/python") for name in names]
    found = [str(path) for place in places for path in sorted(place)]
    found = found or [path for name in names if (path := shutil.which(f"python{name}"))]
    return [found[0], found[-1]] if found else [PYTHON]


def cache(workspace: Workspace) -> Path:
    return workspace.recorder.parent / "_record_run" / "__pycache__"


def cached(workspace: Workspace, module: str = "values") -> Path:
    """The bytecode of a module."""
    return cache(workspace) / f"{module}.{sys.implementation.cache_tag}.pyc"


def forged(workspace: Workspace, module: str = "values", *, kind: str) -> bytes:
    """Bytecode as Python itself would believe it: it claims to be of our source, and says something else."""
    path = workspace.recorder.parent / "_record_run" / f"{module}.py"
    data = path.read_bytes()
    code = marshal.dumps(compile(path.read_text() + EVIL, str(path), "exec", dont_inherit=True))
    if kind == "time and size":
        times = int(path.stat().st_mtime).to_bytes(4, "little") + len(data).to_bytes(4, "little")
        return importlib.util.MAGIC_NUMBER + bytes(4) + times + code
    flags = 3 if kind == "checked hash" else 1
    return importlib.util.MAGIC_NUMBER + bytes([flags, 0, 0, 0]) + importlib.util.source_hash(data) + code


def own_bytecode(workspace: Workspace, module: str = "values") -> bytes:
    """Bytecode as the recorder itself keeps it, of other code: what nobody can write who does not sit on this machine."""
    path = workspace.recorder.parent / "_record_run" / f"{module}.py"
    code = compile(path.read_text() + EVIL, str(path), "exec", dont_inherit=True)
    return bytecode_file(path, path.read_bytes(), marshal.dumps(code))


def is_used(workspace: Workspace) -> bool:
    """Whether what was put in the place of bytecode runs; the command must, in any case."""
    done = workspace.record("--", "echo", "ran")
    assert done.returncode == 0 and done.stdout.endswith("ran\n") and workspace.last()["status"] == "finished"
    return "pwned" in str(done.stdout)


def found(workspace: Workspace) -> FoundWorkspace:
    return find_workspace(workspace.root)


def test_an_entry_that_can_be_read_and_modules_of_one_thought_each() -> None:
    entry = (SCRIPTS / "record_run.py").read_text().splitlines()
    assert len(entry) < 80
    sizes = {path.name: len(path.read_text().splitlines()) for path in (SCRIPTS / "_record_run").glob("*.py")}
    assert len(sizes) > 15 and max(sizes.values()) <= 300, sizes


def test_bytecode_is_kept_and_used(workspace: Workspace) -> None:
    assert not cache(workspace).exists()
    workspace.record("--", "true")
    kept = {path.name: path.read_bytes() for path in cache(workspace).iterdir()}
    assert f"naming.{sys.implementation.cache_tag}.pyc" in kept and all(name.endswith(".pyc") for name in kept)
    workspace.record("--", "true")
    assert {path.name: path.read_bytes() for path in cache(workspace).iterdir()} == kept
    cached(workspace).write_bytes(own_bytecode(workspace))
    assert is_used(workspace), "this is how one sees that it is used at all"


def test_the_bytecode_that_other_tests_begin_with_is_of_the_recorders_own_kind(make_workspace: MakeWorkspace) -> None:
    begun = make_workspace()
    prepared = {path: path.read_bytes() for path in cache(begun).iterdir()}
    begun.record("--", "true")
    assert {path: path.read_bytes() for path in cache(begun).iterdir()} == prepared, (
        "it was believed, and not written anew"
    )


@pytest.mark.parametrize("kind", ["time and size", "checked hash", "unchecked hash"])
def test_bytecode_that_came_with_a_clone_is_not_used(workspace: Workspace, kind: str) -> None:
    workspace.record("--", "true")
    cached(workspace).write_bytes(forged(workspace, kind=kind))
    assert not is_used(workspace)
    commit_all(workspace.root)
    git(workspace.root, "add", "-f", str(cache(workspace)))
    assert not is_used(workspace)


@pytest.mark.parametrize("version", ["2", "4"])
def test_bytecode_that_git_tracks_is_not_used_and_that_is_a_finding(workspace: Workspace, version: str) -> None:
    workspace.record("--", "true")
    cached(workspace).write_bytes(own_bytecode(workspace))
    assert [f for f in audit.audit_records(found(workspace)) if f.code == "R203"] == []
    git(workspace.root, "config", "index.version", version)
    git(workspace.root, "add", "-f", str(cached(workspace)))
    assert not is_used(workspace)
    [finding] = [f for f in audit.audit_records(found(workspace)) if f.code == "R203"]
    assert finding.path == "exp/scripts/_record_run/__pycache__" and "git rm" in str(finding.hint)
    git(workspace.root, "rm", "-rq", "--cached", finding.path)
    assert is_used(workspace)


@as_root
def test_bytecode_of_another_user_is_not_used(workspace: Workspace) -> None:
    workspace.record("--", "true")
    cached(workspace).write_bytes(own_bytecode(workspace))
    os.chown(cached(workspace), 65534, 65534)
    assert not is_used(workspace)


def test_bytecode_of_a_module_that_was_replaced_is_not_used(workspace: Workspace) -> None:
    """Within the same second, and of the same size: a time and a size would not tell."""
    manifest = workspace.recorder.parent / "_record_run" / "request.py"
    workspace.record("--", "true")
    info, text = manifest.stat(), manifest.read_text()
    manifest.write_text(text.replace('VERSION = "1.0"', 'VERSION = "9.9"'))
    os.utime(manifest, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert manifest.stat().st_size == info.st_size
    workspace.record("--", "true")
    assert workspace.last()["recorder"]["version"] == "9.9"


@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "another Python"])
def test_damaged_bytecode_is_made_anew(workspace: Workspace, damage: str) -> None:
    workspace.record("--", "true")
    data = cached(workspace).read_bytes()
    damaged = {"empty": b"", "cut": data[: len(data) // 2], "zeros": data[:40] + bytes(len(data) - 40)}
    cached(workspace).write_bytes(damaged.get(damage, b"\0\0\r\n" + data[4:]))
    assert not is_used(workspace) and cached(workspace).read_bytes() == data


def test_sixty_four_first_starts_at_once(workspace: Workspace) -> None:
    command = workspace.command("--name-only", "--", "true")
    together = [subprocess.Popen(command, cwd=workspace.root, stdout=subprocess.PIPE) for _ in range(64)]
    assert len({process.communicate(timeout=120)[0] for process in together}) == 1
    assert {process.returncode for process in together} == {0}
    assert all(path.suffix == ".pyc" for path in cache(workspace).iterdir())


def test_no_bytecode_where_it_is_not_wanted(workspace: Workspace) -> None:
    done = workspace.record("--", "true", env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert (done.returncode, done.stderr) == (0, "") and not cache(workspace).exists()
    command = workspace.command("--", "true")
    assert subprocess.run([command[0], "-B", *command[1:]], cwd=workspace.root).returncode == 0
    assert not cache(workspace).exists()


@as_root
def test_a_full_disk_keeps_no_bytecode_and_stops_nothing(workspace: Workspace) -> None:
    cache(workspace).mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(cache(workspace))])
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        for _ in range(2):
            done = workspace.record("--", "echo", "ran")
            assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    finally:
        subprocess.run(["umount", "-l", str(cache(workspace))], check=True)


def as_nobody() -> None:
    os.setgid(65534)
    os.setuid(65534)


@as_root
def test_another_user_from_a_folder_without_permission_to_write(tmp_path: Path) -> None:
    """The recorder lies in one place and is another's; its bytecode can neither be written nor, ours as it is, be used."""
    interpreter = "/usr/bin/python3"
    if not Path(interpreter).exists():
        pytest.skip("needs an interpreter that every user can start")
    made = write_workspace(tmp_path / "a place", settings())
    made.record("--", "true")
    cached(made).write_bytes(own_bytecode(made))
    for role in ("logs", "outputs", "metadata"):
        (made.exp / role).mkdir(exist_ok=True)
        (made.exp / role).chmod(0o777)
    for path in made.recorder.parent.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    open_to_everybody(made.recorder.parent)
    before = {path: path.read_bytes() for path in cache(made).iterdir()}
    shutil.rmtree(made.exp / "metadata" / ".live", ignore_errors=True)
    done = subprocess.run(
        [interpreter, "-IS", str(made.recorder), "--", "echo", "ran"],
        cwd=made.root,
        preexec_fn=as_nobody,
        env={**os.environ, "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    assert made.last()["status"] == "finished"
    assert {path: path.read_bytes() for path in cache(made).iterdir()} == before


@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize("name", ["plain", "a path with spaces", "höher"])
def test_a_copied_folder_alone(tmp_path: Path, python: str, name: str) -> None:
    scripts = tmp_path / name / "exp" / "scripts"
    scripts.mkdir(parents=True)
    copy_recorder(scripts)
    base = [python, "-IS", str(scripts / "record_run.py")]
    for _ in range(2):
        done = subprocess.run([*base, "--", "sh", "-c", "echo hi; exit 3"], cwd=scripts.parents[1], capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (3, b"hi\n", b"")
    inside = f"import sys; sys.path.insert(0, {str(scripts)!r})\nfrom record_run import record\nwith record('x') as run: run.log(a=1)"
    assert subprocess.run([python, "-c", inside], cwd=scripts.parents[1]).returncode == 0
    assert len(list((scripts.parent / "metadata").glob("*.json"))) == 3


def test_two_pythons_share_a_folder(workspace: Workspace) -> None:
    for python in pythons() * 2:
        command = [python, *workspace.command("--", "true")[1:]]
        assert subprocess.run(command, cwd=workspace.root).returncode == 0
    tags = {path.name.split(".")[1] for path in cache(workspace).iterdir()}
    assert len(tags) == len(set(pythons()))


def test_modules_of_the_user_stand_in_for_none_and_reach_the_command(workspace: Workspace) -> None:
    for name in ("re.py", "json.py", "values.py", "tempfile.py", "signal.py"):
        (workspace.recorder.parent / name).write_text("raise SystemExit('mine was taken')\n")
    (workspace.root / "lib").mkdir()
    (workspace.root / "lib" / "mine.py").write_text("print('reached')\n")
    (workspace.root / "lib" / "re.py").write_text("raise SystemExit('mine was taken')\n")
    environment = {**os.environ, "PYTHONPATH": str(workspace.root / "lib")}
    done = workspace.record("--token", "x", "--", PYTHON, "-S", "-c", "import mine", env=environment)
    assert done.returncode == 2, "there is no such option"
    done = workspace.record("--", PYTHON, "-S", "-c", "import mine", "--api-key", "swordfish", env=environment)
    assert (done.returncode, done.stdout) == (0, "reached\n") and workspace.last()["params"] == {"api_key": "***"}


def test_the_search_path_of_a_user_is_left_alone(workspace: Workspace) -> None:
    folder = str(workspace.recorder.parent)
    code = (
        f"import sys; sys.path.append({folder!r}); before = [*sys.path]\nimport record_run\nassert sys.path == before"
    )
    assert subprocess.run([PYTHON, "-c", code], cwd=workspace.root).returncode == 0


@pytest.mark.parametrize("text", [None, "<<<<<<< yours\n"], ids=["missing", "broken"])
@pytest.mark.parametrize(
    "module", ["values", "request", "trees", "attempt", "supervision", "guard", "environment", "main"]
)
def test_a_damaged_recorder_stops_no_command(workspace: Workspace, module: str, text: str | None) -> None:
    path = workspace.recorder.parent / "_record_run" / f"{module}.py"
    path.unlink() if text is None else path.write_text(text)
    done = workspace.record("--seed", "1", "--", "sh", "-c", "echo ran; exit 4")
    assert (done.returncode, done.stdout) == (4, "ran\n")
    assert "not recorded" in done.stderr and module in done.stderr


def test_an_entry_that_is_a_link_records_where_the_link_lies(workspace: Workspace, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    copy_recorder(shared)
    shutil.rmtree(workspace.recorder.parent / "_record_run")
    workspace.recorder.unlink()
    workspace.recorder.symlink_to(shared / "record_run.py")
    assert workspace.record("--", "true").returncode == 0 and workspace.last()["status"] == "finished"


def test_git_ignores_bytecode_and_remove_takes_it_along(make_repo: Callable[..., Path], run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes")
    commit_all(repo, "workspace")
    scripts = repo / ".wild/experiments/scripts"
    assert (
        subprocess.run([PYTHON, "-IS", scripts / "record_run.py", "--name-only", "--", "true"], cwd=repo).returncode
        == 0
    )
    assert subprocess.run([PYTHON, "-c", "import record_run"], cwd=scripts).returncode == 0
    assert (
        len(recorder_bytecode.list_bytecode_files(find_workspace(repo))) > 15
        and git(repo, "status", "--porcelain") == ""
    )
    assert run("status", "--workdir", repo).exit_code == 0
    done = run("remove", "--workdir", repo)
    assert done.exit_code == 0 and "kept: 0" in done.stdout and not (repo / ".wild").exists()


def test_status_says_that_git_tracks_bytecode(make_repo: Callable[..., Path], run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes")
    scripts = repo / ".wild/experiments/scripts"
    subprocess.run([PYTHON, "-IS", scripts / "record_run.py", "--name-only", "--", "true"], cwd=repo, check=True)
    assert '"tracked_bytecode": []' in run("status", "--workdir", repo, "--json").stdout
    git(repo, "add", "-f", str(scripts / "_record_run" / "__pycache__"))
    assert "git rm -r --cached" in run("status", "--workdir", repo).stderr


def test_the_package_keeps_bytecode_in_the_users_cache(sealed: Path, tmp_path: Path) -> None:
    code = "from scaffold.runs import recorder; print(recorder.naming.safe_name('a b'), recorder.values.__cached__)"
    before = sorted(recorder_source_directory().rglob("*.pyc"))

    def ask(variables: dict[str, str]) -> Sequence[str]:
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **variables}
        environment = {name: value for name, value in environment.items() if value}
        done = subprocess.run([PYTHON, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return str(done.stdout).split()

    assert ask({})[0] == "a_b"
    kept = sorted(path.name.split(".")[0] for path in (tmp_path / "cache").rglob("*.pyc"))
    assert "naming" in kept and "supervision" not in kept, "what is not asked for is not loaded"
    assert ask({"XDG_CACHE_HOME": "", "HOME": ""})[0] == "a_b"
    assert sorted(recorder_source_directory().rglob("*.pyc")) == before


def test_the_second_start_is_quicker(workspace: Workspace) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        workspace.record("--name-only", "--", "true")
        return time.perf_counter() - began

    def fresh() -> float:
        shutil.rmtree(cache(workspace), ignore_errors=True)
        return seconds()

    pairs = [(fresh(), seconds()) for _ in range(7)]
    assert min(second for _, second in pairs) < min(first for first, _ in pairs)


def test_the_entry_can_be_started_by_itself(workspace: Workspace) -> None:
    assert workspace.recorder.stat().st_mode & stat.S_IXUSR
    assert not any(
        path.stat().st_mode & stat.S_IXUSR for path in (workspace.recorder.parent / "_record_run").glob("*.py")
    )
