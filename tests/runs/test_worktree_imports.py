"""A run in a worktree imports the worktree's code, whatever way the repository was installed; or it does not start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import ScaffoldError
from scaffold.runs import worktree_imports
from scaffold.runs.worktree_imports import RepositoryWorktrees
from scaffold.sweeps.launch import open_sweep
from tests.conftest import MakeRepo, Run, commit_all, git, write_tree
from tests.runs.conftest import MakeWorkspace
from tests.sweeps import conftest as sweeping

MAPPED = """
import sys
from importlib.machinery import PathFinder
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, [{folder!r}]) if name == "lab" else None
sys.meta_path.{place}
"""
SHOW = "import os, lab\nprint(lab.VALUE, lab.__file__)\n"


@pytest.fixture(scope="session")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without pip: nobody's home, nobody's packages."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def site_packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


Installed = Callable[[Path, Path], None]


def editable_path(environment: Path, folder: Path) -> None:
    """As pip, uv and `conda develop` install by a path."""
    (site_packages(environment) / "__editable__.lab.pth").write_text(f"{folder}\n")


def editable_finder(environment: Path, folder: Path, place: str = "append(Finder)") -> None:
    """As setuptools does where a path would show too much."""
    (site_packages(environment) / "__editable___lab_finder.py").write_text(
        MAPPED.format(folder=str(folder), place=place)
    )
    (site_packages(environment) / "__editable__.lab.pth").write_text("import __editable___lab_finder\n")


def first_finder(environment: Path, folder: Path) -> None:
    """As meson-python does: before every path."""
    editable_finder(environment, folder, "insert(0, Finder)")


def copied(environment: Path, folder: Path) -> None:
    """As `pip install .` does."""
    write_tree(
        site_packages(environment),
        {
            "lab/__init__.py": "VALUE = 'copy'\n",
            "lab-1.dist-info/METADATA": "Name: lab\nVersion: 1\n",
            "lab-1.dist-info/RECORD": "lab/__init__.py,,\n",
            "lab-1.dist-info/direct_url.json": json.dumps({"url": folder.parent.as_uri(), "dir_info": {}}),
        },
    )


@pytest.fixture
def trees(make_repo: MakeRepo, tmp_path: Path) -> RepositoryWorktrees:
    """A repository of the src layout, edited since its commit, and a worktree of that."""
    main = make_repo({"src/lab/__init__.py": "VALUE = 'old'\n", "scripts/train.py": SHOW, ".gitignore": "*.so\n"})
    git(main, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    write_tree(main, {"src/lab/__init__.py": "VALUE = 'edited'\n"})
    return RepositoryWorktrees(main=main.resolve(), worktree=(tmp_path / "tree").resolve())


@pytest.fixture
def environment(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same environment, as new."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for path in site_packages(bare_environment).iterdir():
        subprocess.run(["rm", "-rf", path], check=True)
    return bare_environment


def ran(trees: RepositoryWorktrees, environment: Path, variables: dict[str, str]) -> str:
    command = [str(environment / "bin" / "python"), "scripts/train.py"]
    done = subprocess.run(command, cwd=trees.worktree, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


@pytest.mark.parametrize("install", [editable_path, editable_finder, copied])
def test_an_install_of_the_main_tree_is_overruled(
    trees: RepositoryWorktrees, environment: Path, install: Installed
) -> None:
    install(environment, trees.main / "src")
    argv = [str(environment / "bin" / "python"), "scripts/train.py"]
    assert ran(trees, environment, {}) in ("edited", "copy")
    variables = worktree_imports.worktree_variables(trees, argv, trees.worktree, ())
    assert variables == {"PYTHONPATH": f"{trees.worktree}/src"} and ran(trees, environment, variables) == "old"


def test_an_install_that_comes_before_every_path_refuses_the_run(trees: RepositoryWorktrees, environment: Path) -> None:
    first_finder(environment, trees.main / "src")
    with pytest.raises(ScaffoldError, match=r"other code than its own: lab \(.*repo/src/lab/__init__.py\)") as refused:
        worktree_imports.worktree_variables(trees, [str(environment / "bin" / "python"), "x.py"], trees.worktree, ())
    assert refused.value.hint and "environment of its own" in refused.value.hint


def test_a_package_that_lay_elsewhere_then_is_found_where_it_lay(trees: RepositoryWorktrees, environment: Path) -> None:
    editable_path(environment, trees.main / "src")
    git(trees.worktree, "mv", "src/lab", "lab")
    argv = [str(environment / "bin" / "python"), "scripts/train.py"]
    variables = worktree_imports.worktree_variables(trees, argv, trees.worktree, ())
    assert ran(trees, environment, variables) == "old" and variables["PYTHONPATH"] == str(trees.worktree)


def test_a_compiled_extension_is_asked_for_and_taken_by_a_link(trees: RepositoryWorktrees, environment: Path) -> None:
    editable_path(environment, trees.main / "src")
    name = "src/lab/fast" + str(sysconfig.get_config_var("EXT_SUFFIX"))
    write_tree(trees.main, {name: b""})
    argv = [str(environment / "bin" / "python"), "scripts/train.py"]
    with pytest.raises(ScaffoldError, match="compiled, and not in git") as refused:
        worktree_imports.worktree_variables(trees, argv, trees.worktree, ())
    assert refused.value.hint and f"--link {name}" in refused.value.hint
    (trees.worktree / name).symlink_to(trees.main / name)
    assert worktree_imports.worktree_variables(trees, argv, trees.worktree, ())


def test_a_compiled_module_alone_is_asked_for_too(trees: RepositoryWorktrees, environment: Path) -> None:
    editable_path(environment, trees.main / "src")
    write_tree(trees.main, {"src/_fast" + str(sysconfig.get_config_var("EXT_SUFFIX")): b""})
    with pytest.raises(ScaffoldError, match=r"_fast.*compiled, and not in git"):
        worktree_imports.worktree_variables(trees, [str(environment / "bin" / "python")], trees.worktree, ())


def test_an_install_of_another_worktree_is_overruled_as_well(
    trees: RepositoryWorktrees, environment: Path, tmp_path: Path
) -> None:
    """The user works in a worktree; the environment is that of the main tree."""
    git(trees.main, "worktree", "add", "-q", "--detach", str(tmp_path / "users"))
    editable_path(environment, trees.main / "src")
    own = worktree_imports.find_repository_worktrees(tmp_path / "users", trees.worktree)
    assert own.others == (trees.main,)
    argv = [str(environment / "bin" / "python"), "scripts/train.py"]
    variables = worktree_imports.worktree_variables(own, argv, trees.worktree, ())
    assert ran(trees, environment, variables) == "old"


def test_what_is_nobody_s_install_changes_nothing(trees: RepositoryWorktrees, environment: Path) -> None:
    """A module of another package that has the name of a file of the repository, and an environment that lies in the repository."""
    write_tree(trees.main, {"evaluate.py": "", ".venv/lib/python3/site-packages/lab/__init__.py": ""})
    write_tree(site_packages(environment), {"evaluate.py": ""})
    editable_path(environment, trees.main / ".venv/lib/python3/site-packages")
    argv = [str(environment / "bin" / "python"), "scripts/train.py"]
    assert worktree_imports.worktree_variables(trees, argv, trees.worktree, ()) == {}


def test_paths_lead_into_the_worktree_and_an_environment_is_linked_in(trees: RepositoryWorktrees) -> None:
    write_tree(trees.main, {".conda/bin/python": "", ".conda/conda-meta/history": "", "build/bin/program": ""})
    words = [f"{trees.main}/.conda/bin/python", "x.py", f"--data={trees.main}/d"]
    led = [word.replace(str(trees.main), str(trees.worktree)) for word in words]
    assert worktree_imports.command_in_worktree(trees, words, trees.worktree) == led
    assert (trees.worktree / ".conda").resolve() == trees.main / ".conda"
    for plain in (["python", "x.py"], ["./x.py"]):
        assert worktree_imports.command_in_worktree(trees, plain, trees.worktree) == plain
    # what was built of other code is no environment
    assert worktree_imports.command_in_worktree(trees, ["build/bin/program"], trees.worktree) == ["build/bin/program"]
    assert not (trees.worktree / "build").exists()


def edited_since(make_workspace: MakeWorkspace, files: dict[str, str], command: list[str], **settings: Any) -> Any:
    """A workspace whose package was run as committed and edited since; the run printed `old`."""
    workspace = make_workspace(
        {"src/lab/__init__.py": "VALUE = 'old'\n", "scripts/train.py": SHOW, **files}, **settings
    )
    done = workspace.record("--seed", "1", "--", *command)
    assert done.returncode == 0, done.stderr
    assert workspace.log(workspace.last()).startswith(b"old")
    write_tree(workspace.root, {"src/lab/__init__.py": "VALUE = 'edited'\n"})
    commit_all(workspace.root)
    return workspace


def test_a_rerun_in_a_conda_environment_inside_the_repository(
    run: Run, make_workspace: MakeWorkspace, environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / ".conda").symlink_to(environment)
    (site_packages(environment) / "conda.pth").write_text(f"{tmp_path / 'repo' / 'src'}\n")
    files = {".gitignore": ".conda\n"}
    workspace = edited_since(make_workspace, files, [".conda/bin/python", "scripts/train.py"])
    before = sorted(site_packages(environment).rglob("*"))
    done = run("runs", "rerun", workspace.last()["run"]["name"], "--workdir", workspace.root)
    assert done.exit_code == 0, done.output
    assert workspace.log(workspace.last()).startswith(b"old") and workspace.last()["run"]["attempt"] == 2
    assert sorted(site_packages(environment).rglob("*")) == before


@pytest.mark.slow
def test_a_rerun_of_a_uv_project_neither_syncs_nor_makes_an_environment(
    run: Run, make_workspace: MakeWorkspace, environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = Path(sys.executable).parent
    if not (uv / "uv").exists():
        pytest.skip("needs uv")
    monkeypatch.setenv("PATH", f"{uv}:{os.environ['PATH']}")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / ".venv").symlink_to(environment)
    editable_path(environment, tmp_path / "repo" / "src")
    project = (
        '[project]\nname = "lab"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["not-to-be-had-anywhere"]\n'
    )
    files = {"pyproject.toml": project, ".gitignore": ".venv\n"}
    command = [str(uv / "uv"), "run", "--no-sync", "--offline", "python", "scripts/train.py"]
    workspace = edited_since(make_workspace, files, command, run_prefix="uv run")
    before = sorted(site_packages(environment).rglob("*"))
    done = run("runs", "rerun", workspace.last()["run"]["name"], "--workdir", workspace.root)
    assert done.exit_code == 0, done.output
    assert workspace.log(workspace.last()).startswith(b"old")
    assert sorted(site_packages(environment).rglob("*")) == before and not (tmp_path / "repo" / "uv.lock").exists()


def test_a_sweep_with_its_original_code_imports_it(
    make_workspace: MakeWorkspace, environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / ".venv").symlink_to(environment)
    editable_path(environment, tmp_path / "repo" / "src")
    files = {"src/lab/__init__.py": "VALUE = 'old'\n", "scripts/train.py": SHOW, ".gitignore": ".venv\n"}
    workspace = make_workspace(files)
    planned, runs, _ = sweeping.plan(workspace, command=("python", "scripts/train.py"))
    write_tree(workspace.root, {"src/lab/__init__.py": "VALUE = 'edited'\n"})
    place = sweeping.there(workspace)
    writer = open_sweep.LauncherWriter(place, planned, original=True)
    (launcher,) = writer.write(runs).values()
    sweeping.ticket(launcher)
    done = sweeping.start(launcher)
    assert done.stdout.startswith("old ") and done.returncode == 0, done.stderr
