"""Records in two homes, the working tree and git's directory: what the recorder writes, and what readers make of both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.runs import manifest_folders, record_home_additions, recorder, records
from scaffold.runs.model import Run
from scaffold.workspace import load_workspace
from tests.conftest import MakeRepo, commit_all, git
from tests.conftest import Run as Command
from tests.runs.conftest import PYTHON, SCRIPTS, MakeWorkspace, Workspace, check, python, write_workspace
from tests.runs.conftest import settings as workspace_settings

ID = "0123abcd"


@pytest.fixture
def workspace(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace that has an id."""
    return make_workspace({"train.py": "print('hello')\n"}, workspace_id=ID)


def home(workspace: Workspace) -> Path:
    return workspace.root / ".git/scaffold/records" / f"exp@{ID}"


def read(workspace: Workspace, root: Path | None = None, exp: str = "exp") -> dict[str, Run]:
    """What readers see, by label; no attempt twice."""
    run_records = records.read_records(load_workspace(root or workspace.root, exp))
    assert len({run.uuid for run in run_records.runs}) == len(run_records.runs)
    assert run_records.damaged == ()
    return {run.label: run for run in run_records.runs}


def files(folder: Path) -> Iterator[str]:
    return (p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file())


def test_everything_of_a_record_is_in_both_homes_as_one_file(workspace: Workspace) -> None:
    (workspace.root / "train.py").write_text("print('changed')\n")
    (workspace.root / "c.yaml").write_text("lr: 1\n")
    workspace.record("--config", "c.yaml", "--", PYTHON, "train.py")
    copies = [path for path in files(home(workspace)) if path != "metadata/.digests"]
    assert sorted(path.split("/")[1] for path in copies if path.count("/") > 1) == [
        "configs",
        "environments",
        "patches",
    ]
    assert copies == [f"metadata/{path}" for path in files(workspace.exp / "metadata")]
    assert all((home(workspace) / path).samefile(workspace.exp / path) for path in copies)
    assert not any((home(workspace) / "metadata/.live").iterdir())


def test_what_reset_and_clean_take_is_read_from_the_other_home(workspace: Workspace) -> None:
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    commit_all(workspace.root, "a run")
    workspace.record("--seed", "2", "--", PYTHON, "train.py")
    before = read(workspace)
    assert not any(run.only_in_home for run in before.values())
    git(workspace.root, "reset", "-q", "--hard", "HEAD~1")
    git(workspace.root, "clean", "-fdq")
    after = read(workspace)
    assert after.keys() == before.keys() and len(after) == 2
    assert {(r.status, r.only_in_home) for r in after.values()} == {("finished", True)}
    assert list(records.read_records(load_workspace(workspace.root, "exp"), with_home=False).runs) == []
    # the next attempt of the same run is no second first one
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    assert sorted(run.attempt for run in read(workspace).values()) == [1, 1, 2]


def test_a_branch_switch_neither_hides_nor_duplicates(workspace: Workspace) -> None:
    git(workspace.root, "switch", "-qc", "idea")
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    commit_all(workspace.root, "idea")
    git(workspace.root, "switch", "-q", "main")
    (elsewhere,) = read(workspace).values()
    assert elsewhere.only_in_home and (workspace.root / elsewhere.path).is_file()
    git(workspace.root, "switch", "-q", "idea")  # git writes the manifest anew: it is another file now
    (back,) = read(workspace).values()
    assert not back.only_in_home and back.path.startswith("exp/metadata/")


def test_the_newer_of_two_states_counts(workspace: Workspace) -> None:
    process = workspace.start("--", *python("import time; time.sleep(60)"))
    commit_all(workspace.root, "while it runs")
    process.terminate()
    process.wait()
    git(workspace.root, "checkout", "-q", "--", "exp")
    assert workspace.last()["status"] == "running"
    (run,) = read(workspace).values()
    assert (run.status, run.only_in_home) == ("terminated", False)


def test_a_live_run_whose_records_were_cleaned_away_is_live_and_ends_recorded(workspace: Workspace) -> None:
    process = workspace.start("--", *python("import time; time.sleep(60)"))
    git(workspace.root, "clean", "-fdxq", "exp/metadata")
    assert not (workspace.exp / "metadata").exists()
    (run,) = read(workspace).values()
    assert (run.status, run.only_in_home) == ("running", True)
    process.terminate()
    process.wait()
    (run,) = read(workspace).values()
    assert (run.status, run.only_in_home) == ("terminated", True)
    assert not (workspace.exp / "metadata").exists()  # nothing is put back behind the user's back


def test_working_trees_that_record_at_once_share_no_attempt(workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(workspace.root, "worktree", "add", "-q", str(other))
    command = ["-IS", "exp/scripts/record_run.py", "--seed", "1", "--", "true"]
    processes = [subprocess.Popen([PYTHON, *command], cwd=root) for root in (workspace.root, other) * 4]
    assert [p.wait() for p in processes] == [0] * 8
    assert sorted(run.attempt for run in read(workspace).values()) == list(range(1, 9))
    assert read(workspace, other).keys() == read(workspace).keys()
    assert sum(run.only_in_home for run in read(workspace).values()) == 4
    git(workspace.root, "worktree", "remove", "--force", str(other))
    assert len(read(workspace)) == 8


def test_a_rank_is_of_the_attempt_of_its_own_working_tree(workspace: Workspace, tmp_path: Path) -> None:
    workspace.record("--seed", "1", "--", "true")
    git(workspace.root, "worktree", "add", "-q", str(tmp_path / "other"))
    command = [PYTHON, "-IS", "exp/scripts/record_run.py", "--seed", "1", "--", "true"]
    for rank in ("0", "1"):
        subprocess.run(command, cwd=tmp_path / "other", env={**os.environ, "RANK": rank}, check=True)
    logs = sorted(p.name for p in (tmp_path / "other/exp/logs").glob("*.out"))
    assert [name.partition(".")[2] for name in logs] == ["2.out", "2.rank1.out"]


def test_without_git_there_is_one_home_and_nothing_is_said(tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path / "plain", workspace_settings())
    done = workspace.record("--", "true")
    assert done.stderr == "" and workspace.last()["status"] == "finished"
    assert len(read(workspace)) == 1


@pytest.mark.parametrize("place", [".git/scaffold", ".git/scaffold/records"])
def test_a_home_that_cannot_be_is_said_in_one_line_and_the_run_goes_on(workspace: Workspace, place: str) -> None:
    (workspace.root / place).parent.mkdir(exist_ok=True)
    (workspace.root / place).write_text("in the way")
    done = workspace.record("--", "echo", "hi")
    assert (done.returncode, done.stdout) == (0, "hi\n")
    assert [line for line in done.stderr.splitlines() if "recorder:" in line] == done.stderr.splitlines()
    assert done.stderr.count("in this working tree alone") == 1
    assert len(read(workspace)) == 1


def test_a_home_behind_a_link_is_not_written(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / ".git/scaffold").mkdir()
    (workspace.root / ".git/scaffold/records").symlink_to(tmp_path)
    assert "is behind a link" in workspace.record("--", "true").stderr
    assert not list(tmp_path.glob("exp*"))


def test_a_git_file_that_names_another_repository_is_not_believed(
    make_workspace: MakeWorkspace, make_repo: MakeRepo
) -> None:
    other = make_repo(name="other")
    made = make_workspace({"train.py": "pass\n"}, workspace_id=ID)
    shutil.rmtree(made.root / ".git")
    (made.root / ".git").write_text(f"gitdir: {other}/.git\n")
    assert "is of another repository" in made.record("--", "true").stderr
    assert not (other / ".git/scaffold/records").exists() and len(read(made)) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user to be")
def test_a_git_directory_of_another_user_is_left_alone(workspace: Workspace) -> None:
    os.chown(workspace.root / ".git/objects", 12345, -1)
    assert "is of another user" in workspace.record("--", "true").stderr
    assert not (workspace.root / ".git/scaffold/records").exists()


def test_where_no_link_can_be_made_there_is_a_copy(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", no_link)
    store = recorder.records_home.RecordsHome(str(tmp_path / "home"), "exp")
    source = workspace.exp / "metadata/x.json"
    source.parent.mkdir(exist_ok=True)
    for data in (b"one", b"two"):
        source.write_bytes(data)
        store.store(str(source), "exp/metadata/x.json", data)
        copy = tmp_path / "home/metadata/x.json"
        assert copy.read_bytes() == data and not copy.samefile(source)
    assert list(files(tmp_path / "home")) == ["metadata/x.json"]


def test_copies_that_are_damaged_or_foreign_are_reported_and_not_believed(workspace: Workspace) -> None:
    for seed in ("1", "2", "3"):
        workspace.record("--seed", seed, "--", "true")
    names = sorted(path.name for path in (workspace.exp / "metadata").glob("*.json"))
    copies = [home(workspace) / "metadata" / name for name in names]
    for path in copies[:2]:
        path.unlink()
    copies[0].write_text('{"schema_version": 1, "run"')
    shutil.copy(workspace.exp / "metadata" / names[2], copies[1])
    (home(workspace) / "metadata/claimed-00000000.json").touch()
    run_records = records.read_records(load_workspace(workspace.root, "exp"))
    assert len(run_records.runs) == 3 and not any(run.only_in_home for run in run_records.runs)
    reasons = [damaged.reason for damaged in run_records.damaged]
    assert len(reasons) == 2 and reasons[1] == f"it is the record of {names[2].removesuffix('.json')}"
    # and a whole copy beside a damaged record
    (workspace.exp / "metadata" / names[2]).unlink()
    (workspace.exp / "metadata" / names[2]).write_text("{")
    run_records = records.read_records(load_workspace(workspace.root, "exp"))
    assert len(run_records.runs) == 3 and len(run_records.damaged) == 3


def test_a_moved_workspace_is_followed_and_a_copied_one_is_another(workspace: Workspace) -> None:
    workspace.record("--seed", "1", "--", "true")
    shutil.copytree(workspace.exp, workspace.root / "lab")
    answers = workspace.root / "lab/.copier-answers.scaffold.yml"
    answers.write_text(answers.read_text().replace(": exp", ": lab"))
    facts = json.loads((workspace.root / "lab/scripts/workspace.json").read_text())
    (workspace.root / "lab/scripts/workspace.json").write_text(json.dumps({**facts, "experiment_root": "lab"}))
    shutil.rmtree(workspace.root / "lab/metadata")
    assert read(workspace, exp="lab") == {}  # both are there: a copy has records of its own
    shutil.rmtree(workspace.exp)
    (moved,) = read(workspace, exp="lab").values()
    assert moved.only_in_home
    command = [
        PYTHON,
        "-IS",
        "lab/scripts/record_run.py",
        "--experiment",
        moved.experiment,
        "--seed",
        "1",
        "--",
        "true",
    ]
    subprocess.run(command, cwd=workspace.root, check=True)
    assert sorted(run.attempt for run in read(workspace, exp="lab").values()) == [1, 2]
    assert (workspace.root / ".git/scaffold/records" / f"lab@{ID}").is_dir()


def test_a_home_that_has_not_changed_is_not_looked_at_file_by_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.record("--seed", "1", "--", "true")
    shutil.rmtree(workspace.exp / "metadata")
    folder = home(workspace) / "metadata"
    os.utime(folder, ns=(1, 10**18))
    assert len(read(workspace)) == 1
    scanned: list[object] = []
    plain = manifest_folders.list_manifests
    monkeypatch.setattr(record_home_additions, "list_manifests", lambda path: scanned.append(path) or plain(path))  # type: ignore[func-returns-value]
    assert len(read(workspace)) == 1 and folder not in scanned
    (folder / "y.json").write_text("{}")
    records.read_records(load_workspace(workspace.root, "exp"))
    assert folder in scanned


@pytest.mark.slow
def test_a_recorder_killed_between_any_two_writes_leaves_whole_records(workspace: Workspace) -> None:
    (workspace.root / "c.yaml").write_text("lr: 1\n")
    (workspace.root / "train.py").write_text("print('changed')\n")
    driver = Path(__file__).with_name("killed_recorder.py")
    done = subprocess.run(
        [PYTHON, str(driver), str(workspace.recorder.parent)],
        cwd=workspace.root,
        env={**os.environ, "PYTHONPATH": str(driver.parents[2])},
        capture_output=True,
        text=True,
    )
    outcomes = done.stdout.split()
    assert outcomes[-1] == "done" and set(outcomes[:-1]) == {"killed"}, done.stderr
    assert len(outcomes) > 20
    runs = read(workspace)
    for run in runs.values():
        check(json.loads((workspace.root / run.path).read_text()))
        assert run.status in ("finished", "lost") and not run.only_in_home
    assert {run.params["k"] for run in runs.values()} >= {0, len(outcomes)}
    shutil.rmtree(workspace.exp / "metadata")
    kept = read(workspace)
    assert kept.keys() <= runs.keys() and len(runs) - len(kept) <= 3
    assert all(
        run.status == kept[label].status for label, run in runs.items() if label in kept and run.status == "lost"
    )


def test_the_summary_without_the_package_reads_both_homes(workspace: Workspace) -> None:
    code = "import json, os; json.dump({'acc': 0.5}, open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w'))"
    for seed in ("1", "2"):
        workspace.record("--experiment", "e", "--seed", seed, "--", *python(code))
    next((workspace.exp / "metadata").glob("e-*.json")).unlink()
    shutil.copy(SCRIPTS / "summarize.py", workspace.recorder.parent)
    done = subprocess.run(
        [PYTHON, "exp/scripts/summarize.py", "--csv"], cwd=workspace.root, capture_output=True, text=True, check=True
    )
    (row,) = done.stdout.splitlines()[1:]
    assert row.startswith("e,") and ",2,0," in row, done.stdout


def test_list_here_is_of_this_working_tree_alone(workspace: Workspace, run: Command) -> None:
    workspace.record("--seed", "1", "--", "true")
    git(workspace.root, "clean", "-fdxq", "exp/metadata")
    workspace.record("--seed", "2", "--", "true")
    done = run("runs", "list", "--workdir", workspace.root)
    assert done.stdout.count("\n") == 2 and done.stdout.splitlines()[1].endswith("(not here)")
    assert "1 of these" in done.stderr and "scaffold runs restore" in done.stderr
    answer = json.loads(run("runs", "list", "--workdir", workspace.root, "--json").stdout)
    assert [r["only_in_home"] for r in answer["runs"]] == [False, True]
    assert run("runs", "list", "--here", "--workdir", workspace.root).stdout.count("\n") == 1
    shown = run("runs", "show", answer["runs"][1]["name"], "--workdir", workspace.root).stdout
    assert "not in this working tree" in shown
