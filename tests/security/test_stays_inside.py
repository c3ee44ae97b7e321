"""Promise: nothing outside is written, or read. Each member is one place from which something committed leads out of the work directory."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scaffold import path_containment
from scaffold.lifecycle import content_hashes
from scaffold.runs import recorder
from tests.conftest import Run, commit_all, git, new_repository, write_tree
from tests.plan.cases import FOLDER
from tests.results.conftest import MANIFEST
from tests.runs.conftest import settings, write_workspace

TRAIN = "import os\nprint('loss: 1', os.environ.get('RUN_SEED'))\n"
SECRET = "their-own-words"
NAME = "train-s1-00000001"
RECORD = f"exp/metadata/{NAME}.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a workspace, a plan, a sweep and the record of a run; it is copied for each test."""
    repo = tmp_path_factory.mktemp("made") / "repo"
    repo.mkdir()
    new_repository(repo)
    write_tree(repo, {"train.py": TRAIN, "conf.yaml": "lr: 1\n", "mlruns/0/a/meta.yaml": "run_id: a\n"})
    write_workspace(repo, settings())
    manifest = copy.deepcopy(MANIFEST)
    manifest["run"].update(name=NAME, experiment="train")
    manifest["time"]["started_at"] = "2026-01-01T00:00:00.000Z"
    logs = {"stdout": f"exp/logs/{NAME}.out", "stderr": f"exp/logs/{NAME}.err"}
    manifest.update(status="failed", exit={"code": 3, "signal": None}, metrics={"loss": 1.0})
    manifest["paths"].update(**logs, outputs=f"exp/outputs/{NAME}")
    files = {logs["stdout"]: "", logs["stderr"]: "it failed\nloss: 3\n", f"exp/outputs/{NAME}/note.txt": ""}
    plan = (FOLDER / "good/short.md").read_text().replace("two attempts bear one name", "`echo seen`")
    write_tree(repo, {RECORD: json.dumps(manifest), "exp/tasks.md": plan, **files})
    commit_all(repo)
    return repo


@pytest.fixture
def repo(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, with what is somebody's own beside it; the working directory."""
    target = tmp_path / "repo"
    shutil.copytree(made, target, symlinks=True)
    write_tree(tmp_path, {"theirs/file": f"{SECRET}\n", "theirs/folder/kept": SECRET, "theirs/folder/loss.csv": SECRET})
    monkeypatch.chdir(target)
    return target


def snapshot(tmp_path: Path) -> dict[str, bytes]:
    """All that lies outside of the repository."""
    theirs = tmp_path / "theirs"
    return {str(path.relative_to(theirs)): path.read_bytes() for path in sorted(theirs.rglob("*")) if path.is_file()}


def link(repo: Path, place: str, target: str) -> None:
    """A link in the place of what is there."""
    path = repo / place
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target.replace("THEIRS", str(repo.parent / "theirs")))


def record(*words: str) -> str:
    """Run the recorder of the working directory; what it says."""
    command = [sys.executable, "-IS", "exp/scripts/record_run.py", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


class Led(NamedTuple):
    """A committed link, and a command whose default path leads through it."""

    place: str
    target: str
    command: str


RUN = "record --seed 7 --config conf.yaml -- PYTHON train.py"
SWEEP = "sweep new s --goal g --seeds 1 -- PYTHON train.py"
LAUNCH = f"{SWEEP} && sweep launch s --backend local --yes --wait"
LED = {
    "the report": Led("exp/analysis/report.html", "THEIRS/file", "report"),
    "the report, relative": Led("exp/analysis/report.html", "../../../theirs/file", "report"),
    "the report, new": Led("exp/analysis/report.html", "THEIRS/new", "report"),
    "the report in Markdown": Led("exp/analysis/report.md", "THEIRS/file", "report --md --json"),
    "the folder of reports": Led("exp/analysis", "THEIRS/folder", "report"),
    "the report, into git": Led("exp/analysis/report.html", "../../.git/hooks/pre-commit", "report"),
    "the folder of reports, into git": Led("exp/analysis", "../.git/hooks", "report"),
    "the folder of reports, above": Led("exp/analysis", "../..", "report"),
    "the report, by two links": Led("exp/analysis", "../far", "report"),
    "the logs": Led("exp/logs", "THEIRS/folder", RUN),
    "the outputs": Led("exp/outputs", "THEIRS/folder", RUN),
    "the records": Led("exp/metadata", "THEIRS/folder", RUN),
    "the marks of live runs": Led("exp/metadata/.live", "THEIRS/folder", RUN),
    "the patches": Led("exp/metadata/patches", "THEIRS/folder", RUN),
    "the copies of configs": Led("exp/metadata/configs", "THEIRS/folder", RUN),
    "the lists of packages": Led("exp/metadata/environments", "THEIRS/folder", RUN),
    "the withdrawals": Led("exp/metadata/withdrawn", "THEIRS/folder", "runs withdraw train --because x"),
    "a withdrawal": Led(f"exp/metadata/withdrawn/{NAME}.json", "THEIRS/new", "runs withdraw train --because x"),
    "a withdrawal's reason": Led(f"exp/metadata/withdrawn/{NAME}.json", "THEIRS/reason.json", "runs list --json"),
    "another tool's parameter": Led("mlruns/0/a/params/lr", "THEIRS/file", "runs list --foreign"),
    "another tool's run": Led("multirun/1/2/3/.hydra/overrides.yaml", "THEIRS/list.yaml", "runs list --foreign"),
    "the plan": Led("exp/tasks.md", "THEIRS/plan.md", "plan start P1-T1"),
    "the journal of the plan": Led("exp/tasks.record.json", "THEIRS/file", "plan start P1-T1"),
    "the iteration log": Led("exp/iteration_log.md", "THEIRS/file", "plan log done"),
    "the lock of the plan": Led("exp/.tasks.md.lock", "THEIRS/new", "plan start P1-T1"),
    "the plan before an abort": Led("exp/tasks.before-abort.md", "THEIRS/new", "plan abort --reason x"),
    "the output of checks": Led("exp/verify", "THEIRS/folder", "plan verify P2-T1 --run"),
    "the output of a check": Led("exp/verify/P2-T1.log", "THEIRS/file", "plan verify P2-T1 --run"),
    "the playbook": Led("exp/prompt_skill_playbook.md", "THEIRS/file", "playbook"),
    "the sweeps": Led("exp/metadata/sweeps", "THEIRS/folder", SWEEP),
    "a sweep": Led("exp/metadata/sweeps/s.yml", "THEIRS/new", SWEEP),
    "a sweep's launchers": Led("exp/metadata/sweeps/s", "THEIRS/folder", LAUNCH),
    "a launcher's place": Led("exp/metadata/sweeps/s/.gitignore", "THEIRS/new", LAUNCH),
    "a sweep's logs": Led("exp/logs/sweeps", "THEIRS/folder", LAUNCH),
    "a sweep's ledger": Led("exp/metadata/sweeps/s.ledger.json", "THEIRS/new", LAUNCH),
    "the locks of sweeps": Led("exp/metadata/sweeps/.locks", "THEIRS/folder", LAUNCH),
    "the experiment root": Led("exp", "THEIRS/exp", "report"),
    "an experiment's file": Led("exp/scripts/workspace.json", "THEIRS/file", RUN),
    "a log": Led(f"exp/logs/{NAME}.err", "THEIRS/file", f"runs show {NAME}"),
    "a log, in the report": Led(f"exp/logs/{NAME}.err", "THEIRS/file", "report"),
    "a record": Led("exp/metadata/other.json", "THEIRS/record.json", "runs list"),
    "metrics": Led(f"exp/outputs/{NAME}/metrics.csv", "THEIRS/metrics.csv", "results"),
    "metrics that were printed": Led(
        "exp/metadata/printed", "THEIRS/folder", f"runs metrics {NAME} --from-log loss:(.*)"
    ),
    "a log, for metrics that were printed": Led(
        f"exp/logs/{NAME}.err", "THEIRS/file", f"runs metrics {NAME} --from-log their-(.*)"
    ),
    "a citation": Led("CITATION.cff", "THEIRS/citation.cff", "runs export --ro-crate crate"),
    "a log in a crate": Led(f"exp/logs/{NAME}.err", "THEIRS/file", "runs export --ro-crate crate --copy"),
    "the answers": Led("exp/.copier-answers.scaffold.yml", "THEIRS/file", "status"),
}


@pytest.mark.parametrize("member", LED)
def test_what_is_committed_leads_nowhere_else(member: str, repo: Path, tmp_path: Path, run: Run) -> None:
    place, target, commands = LED[member]
    theirs = tmp_path / "theirs"
    shutil.copytree(repo / "exp", theirs / "exp")
    manifest = json.loads((repo / RECORD).read_text())
    manifest["run"]["name"] = SECRET
    write_tree(
        theirs,
        {
            "record.json": json.dumps(manifest),
            "reason.json": json.dumps({"because": SECRET}),
            "list.yaml": f"- lr={SECRET}\n",
            "metrics.csv": f"step,{SECRET}\n1,2\n",
            "citation.cff": f"title: {SECRET}\n",
            "plan.md": (repo / "exp/tasks.md").read_text(),
        },
    )
    link(repo, "far", "../theirs/folder")
    link(repo, place, target)
    commit_all(repo)
    before = snapshot(tmp_path)
    write_tree(repo, {"train.py": f"{TRAIN}# changed\n"})  # so that there is a patch
    said = ""
    for command in commands.split(" && "):
        words = [word.replace("PYTHON", sys.executable) for word in command.split()]
        if words[0] == "record":
            said += record(*words[1:])
        else:
            done = run(*words)
            said += done.output
            assert done.exit_code in (0, 1, 3), done.output
    assert snapshot(tmp_path) == before, said
    assert not (repo / ".git/hooks").exists()
    assert SECRET not in said
    for made in (repo / "crate", repo / "exp/analysis"):
        files = [path for path in made.rglob("*") if path.is_file() and path.resolve().is_relative_to(repo)]
        assert not any(SECRET.encode() in path.read_bytes() for path in files)


def test_a_script_on_standard_input_is_kept_nowhere_else(repo: Path, tmp_path: Path) -> None:
    write_tree(repo, {"exp/scripts/workspace.json": json.dumps(settings(name_scheme=2))})
    link(repo, "exp/metadata/stdin", "THEIRS/folder")
    commit_all(repo)
    before = snapshot(tmp_path)
    command = [sys.executable, "-IS", "exp/scripts/record_run.py", "--", sys.executable, "-"]
    done = subprocess.run(command, input="print('ran')\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == "ran\n"
    assert snapshot(tmp_path) == before, done.stderr


def test_a_rerun_feeds_no_file_of_elsewhere(repo: Path, run: Run) -> None:
    write_tree(repo, {"exp/scripts/workspace.json": json.dumps(settings(name_scheme=2))})
    commit_all(repo)
    command = [sys.executable, "-IS", "exp/scripts/record_run.py", "--experiment", "fed", "--", sys.executable, "-"]
    subprocess.run(command, input="print('ran')\n", capture_output=True, text=True, timeout=60, check=True)
    (script,) = (repo / "exp/metadata/stdin").iterdir()
    link(repo, str(script.relative_to(repo)), "THEIRS/file")
    commit_all(repo)
    done = run("runs", "rerun", "fed")
    assert done.exit_code == 1 and str(script.relative_to(repo)) in done.output and "leads" in done.output
    assert SECRET not in done.output


PATHS = {
    "up": "../theirs/file",
    "absolute": "/etc/passwd",
    "up and down": "exp/../../theirs/file",
    "git": ".git/hooks/x",
    "git, spelled otherwise": "exp/../.GIT/config",
    "git of a submodule": "sub/.git/config",
    "a link": "tracked/file",
    "a link to a file": "tracked_file",
    "a link that is not there yet": "dangling",
    "a link to a link": "second/file",
    "a link above": "above/theirs/file",
    "a link to the root": "root/etc/passwd",
    "a link to git": "in_git/hooks/x",
    "a link that goes up": "exp/up/file",
    "a user's link that holds the repository": "holder/theirs/file",
    "out of a user's link": "mine/../theirs/file",
    "out of a user's link, by a link in it": "mine/leaves",
    "a folder behind a link": "tracked/a/b/c",
    "a link in a folder": "exp/deep/er/file",
    "a committed link that was changed": "changed/file",
    "a loop": "loop/../../theirs/file",
}
INSIDE = (
    "exp/new/file",
    "inside/x",
    "mine/x",
    "mine/deep/x",
    "mine_file",
    "by_mine/x",
    "exp/./x",
    "exp/..foo",
    "ignored/x",
    "a.git/x",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with links of its own, and of its user's."""
    folder = tmp_path_factory.mktemp("tree")
    repo = folder / "repo"
    write_tree(
        folder,
        {"theirs/file": SECRET, "scratch/deep/x": "", "scratch/file": "", "repo/exp/deep/x": "", "repo/src/x": ""},
    )
    new_repository(repo)
    links = {
        "tracked": "THEIRS",
        "tracked_file": "THEIRS/file",
        "dangling": "THEIRS/new",
        "second": "tracked",
        "above": "..",
    }
    links |= {
        "root": "/",
        "in_git": ".git",
        "exp/up": "../../theirs",
        "exp/deep/er": "THEIRS",
        "inside": "src",
        "changed": "src",
    }
    for place, target in links.items():
        link(repo, place, target)
    write_tree(repo, {".gitignore": "ignored\n"})
    commit_all(repo)
    scratch = str(folder / "scratch")
    for place, target in {
        "mine": scratch,
        "mine_file": f"{scratch}/file",
        "by_mine": "mine",
        "ignored": scratch,
    }.items():
        link(repo, place, target)
    link(repo, "changed", "THEIRS")
    link(repo, "holder", str(folder))
    link(repo, "loop", "loop")
    link(folder, "scratch/leaves", str(folder / "theirs/file"))
    return repo


@pytest.mark.parametrize("member", PATHS)
def test_a_path_that_leads_out_is_refused(member: str, tree: Path) -> None:
    assert not path_containment.is_contained(tree, PATHS[member])
    assert not path_containment.is_contained(tree, tree / PATHS[member])
    with pytest.raises(recorder.messages.RecorderError):
        recorder.workspace.Workspace(str(tree), {}).check_folders([PATHS[member]])


@pytest.mark.parametrize("path", INSIDE)
def test_a_path_that_stays_inside_or_that_the_user_linked_is_used(path: str, tree: Path) -> None:
    assert (
        path_containment.join_contained_path(tree, path)
        == tree / path
        == path_containment.join_contained_path(tree, tree / path)
    )
    recorder.workspace.Workspace(str(tree), {}).check_folders([path])


def test_what_is_refused_says_how_it_would_be_followed(tree: Path) -> None:
    with pytest.raises(path_containment.OutsidePathError) as caught:
        path_containment.join_contained_path(tree, "tracked/file")
    assert "tracked is a link that leads out of the work directory" in str(caught.value)
    assert caught.value.hint == "if it is yours: git rm --cached tracked"


def test_without_git_a_link_to_a_folder_is_the_users(tmp_path: Path) -> None:
    """But for where programs keep their settings and keys: an archive may hold links as well."""
    home = Path.home()
    write_tree(tmp_path, {"scratch/x": "", "repo/exp/x": ""})
    (home / ".ssh").mkdir(parents=True)
    for name, target in {
        "logs": tmp_path / "scratch",
        "file": tmp_path / "scratch/x",
        "ssh": home / ".ssh",
        "home": home,
    }.items():
        (tmp_path / "repo" / name).symlink_to(target)
    allowed = [
        name
        for name in ("logs", "file", "ssh", "home")
        if path_containment.is_contained(tmp_path / "repo", f"{name}/x")
    ]
    assert allowed == ["logs"]
    place = recorder.workspace.Workspace(str(tmp_path / "repo"), {})
    for name in ("file", "ssh", "home"):
        with pytest.raises(recorder.messages.RecorderError):
            place.check_folders([f"{name}/x"])
    place.check_folders(["logs/x"])


@pytest.mark.parametrize(
    "facts", [{"role_dirs": {"metadata": "../../theirs"}}, {"role_dirs": {"logs": "../../theirs"}}]
)
def test_the_recorder_believes_no_settings_that_lead_out(facts: dict[str, object], repo: Path, tmp_path: Path) -> None:
    file = repo / "exp/scripts/workspace.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))
    before = snapshot(tmp_path)
    said = record("--", sys.executable, "train.py")
    assert snapshot(tmp_path) == before and "not recorded" in said


@pytest.mark.parametrize("place", ["stdout", "patch", "packages", "outputs", "configs"])
@pytest.mark.parametrize("path", ["../theirs/file", "THEIRS/file", "exp/logs/link"])
def test_a_record_names_nothing_outside(place: str, path: str, repo: Path, run: Run) -> None:
    link(repo, "exp/logs/link", "THEIRS/file")
    commit_all(repo)
    path = path.replace("THEIRS", str(repo.parent / "theirs"))
    manifest = json.loads((repo / RECORD).read_text())
    if place in ("stdout", "outputs"):
        manifest["paths"][place] = path if place == "stdout" else path.removesuffix("/file")
    elif place == "configs":
        manifest["paths"]["configs"] = [path]
    else:
        manifest["git" if place == "patch" else "environment"][place] = path
    other = copy.deepcopy(manifest) | {"git": None}
    other["run"]["name"] = "train-s1-00000002"
    write_tree(repo, {RECORD: json.dumps(manifest), "exp/metadata/train-s1-00000002.json": json.dumps(other)})
    said = ""
    for words in (
        ["show", NAME],
        ["diff", NAME, "train-s1-00000002"],
        ["audit"],
        ["export", "--ro-crate", "crate", "--copy"],
    ):
        said += run("runs", *words).output
    said += run("results").output + run("report", "--md").output
    assert SECRET not in said
    assert not any(SECRET.encode() in file.read_bytes() for file in (repo / "crate").rglob("*") if file.is_file())


def test_scratch_that_the_user_linked_is_used(repo: Path, tmp_path: Path, run: Run) -> None:
    shutil.move(repo / "exp/logs", tmp_path / "scratch")
    git(repo, "rm", "-rq", "--cached", "exp/logs")
    (repo / "exp/logs").symlink_to(tmp_path / "scratch")
    record("--seed", "7", "--", sys.executable, "train.py")
    assert len(list((tmp_path / "scratch").glob("train-s7-*.out"))) == 1
    assert "it failed" in run("runs", "show", NAME).output


@pytest.fixture
def other(repo: Path, tmp_path: Path) -> Iterator[Path]:
    """A repository of somebody's, at whose git folder a `.git` file of ours points."""
    shutil.copytree(repo, tmp_path / "other")
    shutil.rmtree(repo / ".git")
    (repo / ".git").write_text(f"gitdir: {tmp_path / 'other/.git'}\n")
    yield tmp_path / "other/.git"


def test_only_gits_own_folder_of_this_tree_is_written(repo: Path, tmp_path: Path, other: Path) -> None:
    assert path_containment.git_folder(repo) is None, "anybody can have a file point to anywhere"
    tree = tmp_path / "linked"
    git(tmp_path / "other", "worktree", "add", "-q", str(tree))
    folder = path_containment.git_folder(tree / "exp")
    assert folder is not None and (folder.path, folder.prefix) == (other / "worktrees/linked", "exp/")
    plain = path_containment.git_folder(tmp_path / "other")
    assert plain is not None and plain.path == other
    (other / "scaffold").symlink_to(tmp_path / "theirs/folder")
    assert content_hashes._hashes_file(tmp_path / "other", "exp") is None
