"""A repository, its answers file and its template may be anybody's: nothing outside the workspace is read, written or run."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from scaffold import transaction
from scaffold.errors import ScaffoldError
from scaffold.transaction import FileChange
from tests.conftest import MakeRepo, Run, commit_all, write_tree
from tests.lifecycle.conftest import MakeInitialized, TemplateRepo, snapshot

ROOT = ".wild/experiments"
ANSWERS = f"{ROOT}/.copier-answers.scaffold.yml"


def rewrite(repo: Path, **answers: object) -> None:
    """Change answers in the answers file by hand."""
    path = repo / ANSWERS
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | answers))


# each command with the worst place, each place with the command that writes first; all of them before a release
@pytest.mark.parametrize(
    ("command", "target"),
    [
        pytest.param(
            command,
            target,
            marks=() if ".git" in target or command[0] == "init" else pytest.mark.long,
            id=f"{command[0]}-{target}",
        )
        for command in (["init", "--yes"], ["update"], ["status"], ["remove"])
        for target in (".git/hooks/pre-commit", "train.py", "src/new.py")
    ],
)
def test_a_template_writes_nothing_outside_the_workspace(
    make_repo: MakeRepo, run: Run, template: TemplateRepo, target: str, command: list[str]
) -> None:
    repo = make_repo({"train.py": "print(1)\n"})
    run("init", "--workdir", repo, "--yes", "--template", template.path)
    first, _, rest = target.partition("/")
    name = f"template/exp/{{{{ '{first}' }}}}" + (f"/{rest}" if rest else "")
    template.add(name, "print(1)\n")
    template.tag("v9.1.0")
    rewrite(repo, _commit="v9.1.0")
    before = snapshot(repo)
    result = run(*command, "--workdir", repo)
    assert result.exit_code == 1
    assert f"would write {target}, which is outside the workspace" in result.stderr
    assert snapshot(repo) == before
    assert not (repo / ".git/hooks/pre-commit").exists()


@pytest.mark.parametrize("command", [["init", "--yes"], ["update"]], ids=lambda c: c[0])
def test_a_template_without_an_answers_file_makes_no_workspace(
    make_repo: MakeRepo, run: Run, template: TemplateRepo, command: list[str]
) -> None:
    repo = make_repo({"train.py": "print(1)\n"})
    if command == ["update"]:
        run("init", "--workdir", repo, "--yes")
    for path in (template.path / "template/exp").rglob("*answers_file*"):
        path.unlink()
    template.tag("v9.1.0")
    before = snapshot(repo)
    result = run(*command, "--workdir", repo, "--template", template.path)
    assert (result.exit_code, "makes no workspace" in result.stderr) == (1, True), result.stderr
    assert snapshot(repo) == before


@pytest.mark.parametrize("source", ["~nobody-of-this-name/template", "x" * 300])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_source_that_no_path_can_be_is_said(make_repo: MakeRepo, run: Run, source: str, recorded: bool) -> None:
    repo = make_repo({"train.py": "print(1)\n"})
    arguments = ["init", "--yes", "--template", source]
    if recorded:
        run("init", "--workdir", repo, "--yes")
        rewrite(repo, _src_path=f"~{source}" if source[0] == "x" else source, _commit="v77.0.0")
        arguments = ["status"]
    result = run(*arguments, "--workdir", repo)
    assert (result.exit_code, source in result.stderr, "hint:" in result.stderr) == (1, True, True)


@pytest.mark.parametrize("source", [".", "./template", "--upload-pack=touch hacked", "ext::sh -c 'touch hacked'"])
def test_a_recorded_source_in_the_repository_itself_is_not_read(
    make_initialized: MakeInitialized, run: Run, source: str
) -> None:
    repo = make_initialized()
    rewrite(repo, _src_path=source, _commit="v77.0.0")
    commit_all(repo)
    for command in (["init", "--yes"], ["update"], ["status"], ["remove"]):
        result = run(*command, "--workdir", repo)
        assert (result.exit_code, "v77.0.0" in result.stderr) == (1, True)
    assert not (repo / "hacked").exists()


@pytest.mark.parametrize(
    "answers",
    [
        {
            "role_dirs": dict.fromkeys(
                ["scripts", "logs", "outputs", "results", "analysis", "metadata"], "../../.git/hooks"
            )
        },
        {"role_dirs": dict.fromkeys(["scripts", "logs", "outputs", "results", "analysis", "metadata"], "/tmp/x")},
        {"tasks_path": "../tasks.md"},
        {"tasks_path": "/etc/tasks.md"},
        {"experiments": ["../../x"]},
        {"kept_files": [{"a": 1}]},
        {"kept_files": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("command", [["init", "--yes"], ["update"], ["status"], ["remove"]], ids=lambda c: c[0])
def test_answers_that_lead_outside_are_refused(
    make_initialized: MakeInitialized, run: Run, answers: dict[str, object], command: list[str]
) -> None:
    repo = make_initialized()
    rewrite(repo, **answers)
    before = snapshot(repo)
    result = run(*command, "--workdir", repo)
    assert (result.exit_code, f"has no usable {next(iter(answers))}" in result.stderr) == (1, True), result.stderr
    assert snapshot(repo) == before


def test_copier_refuses_such_role_folders_too(make_repo: MakeRepo, template: TemplateRepo) -> None:
    repo = make_repo()
    roles = '{"scripts": "../x", "logs": "l", "outputs": "o", "results": "r", "analysis": "a", "metadata": "m"}'
    command = ["copier", "copy", "--defaults", "-d", f"role_dirs={roles}", str(template.path), str(repo)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=with_python_bin())
    assert done.returncode != 0 and "scripts: a folder below the experiment root" in done.stderr


def with_python_bin() -> dict[str, str]:
    import sys

    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.mark.parametrize("to", ["secret", "same", "nowhere", "folder"])
def test_a_file_replaced_by_a_link_is_neither_read_nor_replaced(
    make_initialized: MakeInitialized, run: Run, tmp_path: Path, to: str
) -> None:
    repo = make_initialized()
    readme = repo / ROOT / "README.md"
    target = tmp_path / "target"
    if to == "secret":
        target.write_text("SECRET=1\n")
    elif to == "same":
        target.write_bytes(readme.read_bytes())
    elif to == "folder":
        target.mkdir()
    readme.unlink()
    readme.symlink_to(target)
    result = run("update", "--workdir", repo, "--set", "primary_metric=val/loss")
    assert result.exit_code == 0 and "it is a link, and yours" in result.stdout
    assert readme.is_symlink()
    for command in (["update", "--set", "primary_metric=acc", "--dry-run"], ["status"], ["remove"]):
        done = run(*command, "--workdir", repo)
        assert done.exit_code == 0 and "SECRET" not in done.stdout
    assert readme.is_symlink() and (to == "nowhere" or target.exists())


def test_a_pipe_in_a_files_place_is_said_and_not_waited_for(make_initialized: MakeInitialized, run: Run) -> None:
    repo = make_initialized()
    (repo / ROOT / "README.md").unlink()
    os.mkfifo(repo / ROOT / "README.md")
    assert "README.md is not a file" in run("status", "--workdir", repo).stderr


def test_a_linked_placeholder_plan_stays_a_link(make_repo: MakeRepo, run: Run, tmp_path: Path) -> None:
    plan = "# Tasks\n\n## Goal\nBeat it\n\n## Tasks\n- [ ] (Agent will decompose the goal into tasks on iteration 1)\n"
    write_tree(tmp_path, {"server/tasks.md": plan})
    repo = make_repo({"train.py": "", "plan/x": ""})
    (repo / "plan/tasks.md").symlink_to(tmp_path / "server/tasks.md")
    assert run("init", "--workdir", repo, "--yes", "--tasks-path", "plan/tasks.md").exit_code == 0
    assert (repo / "plan/tasks.md").is_symlink()
    assert (tmp_path / "server/tasks.md").read_text() == plan


def test_a_plan_behind_a_link_is_said(make_repo: MakeRepo, run: Run, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    repo = make_repo()
    (repo / "docs").symlink_to(tmp_path / "docs")
    result = run("init", "--workdir", repo, "--yes", "--tasks-path", "docs/tasks.md")
    assert (result.exit_code, "docs/tasks.md cannot be written" in result.stderr) == (1, True)


@pytest.mark.parametrize("folder", ["scripts", ""])
def test_a_workspace_that_moved_behind_a_link_is_not_half_updated(
    make_initialized: MakeInitialized, run: Run, tmp_path: Path, folder: str
) -> None:
    repo = make_initialized()
    path = repo / ROOT / folder
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    before = snapshot(tmp_path / "moved")
    result = run("update", "--workdir", repo, "--set", "research_server_url=http://127.0.0.1:1")
    assert (result.exit_code, "link" in result.stderr) == (1, True), result.stderr
    assert snapshot(tmp_path / "moved") == before


def test_a_template_url_with_a_password_is_refused(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    result = run("init", "--workdir", repo, "--yes", "--template", "http://user:s3cret@127.0.0.1:1/x.git")
    assert result.exit_code == 2
    assert "s3cret" not in result.stdout + result.stderr
    assert not (repo / ".wild").exists()


@pytest.mark.parametrize(
    "name",
    [
        "requirements-$(touch hacked).txt",
        "requirements-`touch hacked`.txt",
        "requirements; touch hacked.txt",
        "req'uirements \".txt",
    ],
)
def test_a_file_name_runs_nothing_in_the_environment_script(
    make_repo: MakeRepo, run: Run, tmp_path: Path, name: str
) -> None:
    repo = make_repo({"train.py": "import torch\n", name: "six\n"})
    run("init", "--workdir", repo, "--yes")
    write_tree(tmp_path, {"bin/uv": '#!/bin/sh\necho "$@" >> "$UV_LOG"\nmkdir -p .venv/bin; : > .venv/bin/activate\n'})
    (tmp_path / "bin/uv").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "UV_LOG": str(tmp_path / "uv.log")}
    script = repo / ROOT / "scripts/setup_env.sh"
    subprocess.run(["bash", str(script)], cwd=repo, env=environment, capture_output=True)
    assert not list(tmp_path.rglob("hacked*")), script.read_text()


def test_an_sbatch_file_brings_options_and_nothing_else(make_repo: MakeRepo, run: Run) -> None:
    text = (
        '#!/bin/bash\n#SBATCH --partition=gpu"; touch hacked; "\n#SBATCH --qos=`touch hacked`\n#SBATCH --account=proj-1\n'
        'module load cuda/12.1 $(touch hacked)\nconda activate x$(touch hacked)\neval "$(conda shell.bash hook)"\nsource env/bin/activate\n'
        "srun python train.py\n"
    )
    repo = make_repo({"train.py": "", "j.sbatch": text})
    run("init", "--workdir", repo, "--yes")
    script = (repo / ROOT / "scripts/run.sbatch").read_text()
    assert "hacked" not in script
    assert "#SBATCH --account=proj-1\n" in script


def test_names_in_another_encoding_are_left_out_not_stumbled_over(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"train.py": "print(1)\n", "exp/a.txt": ""})
    for name in ["tr\udcffain.py", "requirements-\udcff.txt", "exp/l\udcffogs/x"]:
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text("import argparse\nargparse.ArgumentParser()\nif __name__ == '__main__': pass\n")
    commit_all(repo)
    result = run("init", "--workdir", repo, "--yes")
    assert result.exit_code == 0, result.stderr
    assert run("init", "--workdir", repo, "--yes").exit_code == 0


@pytest.mark.parametrize("option", ["--goal", "--root", "--metric", "--memory"])
def test_a_wish_in_another_encoding_is_wrong_usage(make_repo: MakeRepo, run: Run, option: str) -> None:
    assert run("init", "--workdir", make_repo(), "--yes", option, "caf\udce9").exit_code == 2


@pytest.mark.parametrize("url", ["http://[::1", "http://host:99999x", "http://host:0x1", "http://host:0"])
def test_a_url_that_is_none(make_repo: MakeRepo, run: Run, url: str) -> None:
    assert run("init", "--workdir", make_repo(), "--yes", "--server-url", url).exit_code == 2


@pytest.mark.parametrize("name", ["AGENTS.md", "README.md", "logs/README.md"])
def test_the_plan_takes_no_place_of_a_guide(make_repo: MakeRepo, run: Run, name: str) -> None:
    assert run("init", "--workdir", make_repo(), "--yes", "--tasks-path", f"{ROOT}/{name}").exit_code == 2


def test_wishes_that_a_workspace_does_not_have_are_not_ignored(make_initialized: MakeInitialized, run: Run) -> None:
    repo = make_initialized()
    for wish in (["--experiment", "other"], ["--template", "/nowhere"]):
        result = run("init", "--workdir", repo, "--yes", *wish)
        assert (result.exit_code, "is a workspace already" in result.stderr) == (1, True)


def test_a_second_workspace_below_one_must_be_named(
    make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repo({"src/a.py": ""})
    run("init", "--workdir", repo, "--yes")
    monkeypatch.chdir(repo / "src")
    result = run("init", "--yes")
    assert (result.exit_code, "scaffold init --workdir ." in result.stderr) == (1, True)
    assert run("init", "--yes", "--workdir", ".").exit_code == 0


def test_the_users_own_logs_are_spoken_of_when_they_will_be_ignored(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"exp/logs/a.txt": ""})
    assert "new files in exp/logs stay out of git from now on" in run("init", "--workdir", repo, "--yes").stderr


@pytest.mark.parametrize("text", ["a: [\n", "- 1\n", "x: !include y\n"])
def test_a_template_with_broken_questions(
    make_initialized: MakeInitialized, run: Run, template: TemplateRepo, text: str
) -> None:
    repo = make_initialized()
    (template.path / "copier.yml").write_text(text)
    template.tag("v9.1.0")
    before = snapshot(repo)
    result = run("update", "--workdir", repo, "--template", template.path)
    assert (result.exit_code, "the template v9.1.0" in result.stderr, "hint:" in result.stderr) == (1, True, True)
    assert snapshot(repo) == before


def test_an_interruption_right_after_a_file_is_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(source: Path, target: Path) -> None:
        real(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(KeyboardInterrupt):
        transaction.apply_file_changes(tmp_path, [FileChange(path="a/b.txt", old=None, new=b"x")])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_without_hard_links_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(Path, "read_bytes", lambda self: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ScaffoldError, match="nothing was changed"):
        transaction.apply_file_changes(tmp_path, [FileChange(path="b.txt", old=None, new=b"x")])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_command_left_is_swept_away(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/.scaffold-dead.tmp": "", "a/mine.tmp": ""})
    transaction.apply_file_changes(tmp_path, [FileChange(path="a/b.txt", old=None, new=b"x")])
    assert sorted(snapshot(tmp_path)) == ["a/b.txt", "a/mine.tmp"]


def test_stdin_closed_and_stdout_full(make_repo: MakeRepo) -> None:
    repo = make_repo()
    command = f'"{with_python_bin()["PATH"].split(":")[0]}/python" -m scaffold'
    closed = subprocess.run(["bash", "-c", f"{command} init --workdir '{repo}' <&-"], capture_output=True, text=True)
    assert (closed.returncode, closed.stderr) == (0, "")
    full = subprocess.run(
        ["bash", "-c", f"{command} status --workdir '{repo}' >/dev/full"], capture_output=True, text=True
    )
    assert full.returncode == 1 and "Traceback" not in full.stderr and "no space left" in full.stderr


def test_a_locale_that_cannot_spell_the_path(make_repo: MakeRepo) -> None:
    import sys

    repo = make_repo(name="lé")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "scaffold", "init", "--yes"], cwd=repo, env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_the_lock_leaves_no_file(make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes")
    found = json.loads(run("status", "--workdir", repo, "--json").stdout)["files"]
    assert sorted(snapshot(repo / ROOT)) == sorted(row["path"].removeprefix(f"{ROOT}/") for row in found)
    assert not stat.S_ISLNK((repo / ROOT).lstat().st_mode)
