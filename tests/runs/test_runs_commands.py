"""`scaffold run` and `scaffold runs`, against runs that really ran."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold.runs import manifests
from scaffold.workspace import load_workspace
from tests import answers
from tests.conftest import Run, commit_all, git, write_tree
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace, python, until

TRAIN = """
import json, os, sys
lr = float(sys.argv[sys.argv.index("--lr") + 1])
json.dump({"acc": lr * 2, "name": "x"}, open(os.environ["RUN_OUTPUT_DIR"] + "/metrics.json", "w"))
print("trained")
"""


@pytest.fixture
def trained(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace with three runs."""
    return make_workspace({"train.py": TRAIN, ".gitignore": "data/\n"}, prepare=record_three)


def record_three(workspace: Workspace) -> None:
    workspace.record("--task", "P1-T1", "--", PYTHON, "train.py", "--lr", "0.1", "--seed", "1")
    workspace.record("--experiment", "wide", "--", PYTHON, "train.py", "--lr", "1e-3", "--seed", "2")
    workspace.record("--", "sh", "-c", "echo oops >&2; exit 4")


def answer(run: Run, workspace: Workspace, *args: str, code: int = 0) -> Any:
    done = run("runs", *args, "--workdir", workspace.root, "--json")
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    assert found["version"] == 1
    return found


def forget_copies(workspace: Workspace) -> None:
    """Take the second home away: what it has of a run would stand in for what the test damages or edits."""
    shutil.rmtree(workspace.root / ".git/scaffold/records")


def labels(run: Run, workspace: Workspace, *args: str) -> list[str]:
    return [r["experiment"] for r in answer(run, workspace, "list", *args)["runs"]]


def test_list_newest_first_with_filters(run: Run, trained: Workspace) -> None:
    assert labels(run, trained) == ["sh", "wide", "train"]
    assert labels(run, trained, "--experiment", "wide") == ["wide"]
    assert labels(run, trained, "--status", "failed") == ["sh"]
    assert labels(run, trained, "--status", "failed", "--status", "finished") == ["sh", "wide", "train"]
    assert labels(run, trained, "--task", "P1-T1") == ["train"]
    assert labels(run, trained, "--param", "lr=.001") == ["wide"]
    assert labels(run, trained, "--param", "seed=1") == ["train"]
    assert labels(run, trained, "--since", "1h") == ["sh", "wide", "train"]
    assert labels(run, trained, "--since", "2100-01-01") == []


def test_list_reads_well(run: Run, trained: Workspace) -> None:
    done = run("runs", "list", "--workdir", trained.exp / "scripts", "--limit", "2")
    first, second = done.stdout.splitlines()
    assert first.startswith("sh-") and "failed" in first and "exit 4" in first
    assert second.startswith("wide-lr=0.001-s2-") and "finished" in second and "acc=0.002" in second
    assert "1 more left out: --limit 0" in done.stderr


def test_wrong_filters_are_said(run: Run, trained: Workspace) -> None:
    for text in ("yesterday", "999999d", f"{10**30}d", "\N{SUPERSCRIPT TWO}d", "d", "0001-01-01T00:00+05:00"):
        done = run("runs", "list", "--workdir", trained.root, "--since", text)
        assert done.exit_code == 2 and text in done.stderr and "hint:" in done.stderr
    assert run("runs", "list", "--workdir", trained.root, "--param", "x").exit_code == 2
    assert labels(run, trained, "--since", "0999-01-01") == ["sh", "wide", "train"]


def test_a_damaged_manifest_is_reported_and_the_others_are_shown(run: Run, trained: Workspace) -> None:
    forget_copies(trained)
    paths = trained.paths()
    paths[0].write_text("{")
    paths[1].write_text('{"schema_version": 9}')
    write_tree(trained.exp, {"metadata/other.json": "[]", "metadata/half.json": '{"schema_version": 1}'})
    found = answer(run, trained, "list")
    assert len(found["runs"]) == 1
    assert [d["path"] for d in found["damaged"]] == sorted(
        [
            *(p.relative_to(trained.root).as_posix() for p in paths[:2]),
            "exp/metadata/half.json",
            "exp/metadata/other.json",
        ]
    )
    done = run("runs", "list", "--workdir", trained.root)
    assert done.exit_code == 0 and "exp/metadata/other.json cannot be read" in done.stderr


def test_a_manifest_that_lacks_something_deep_is_said(run: Run, trained: Workspace) -> None:
    path = next(p for p in trained.paths() if p.name.startswith("wide"))
    manifest = json.loads(path.read_text())
    del manifest["resources"]["user_s"]
    path.write_text(json.dumps(manifest))
    done = run("runs", "show", "wide", "--workdir", trained.root)
    assert done.exit_code == 1 and "it lacks resources.user_s" in done.stderr
    assert "R001" in codes(run, trained)


def test_the_index_is_never_believed_over_the_file(run: Run, trained: Workspace) -> None:
    answer(run, trained, "list")
    path = next(p for p in trained.paths() if p.name.startswith("wide"))
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "seed": 77}))
    assert [r["seed"] for r in answer(run, trained, "list", "--experiment", "wide")["runs"]] == [77]
    path.unlink()
    assert labels(run, trained, "--here") == ["sh", "train"]
    for index in Path(os.environ["HOME"]).glob(".cache/experiment-scaffold/runs-*"):
        index.write_text("{")
    assert labels(run, trained, "--here") == ["sh", "train"]


def test_live_runs_show_how_far_they_are_and_lost_ones_that_they_are(run: Run, workspace: Workspace) -> None:
    code = """
import os, time
open(os.environ["RUN_OUTPUT_DIR"] + "/metrics.jsonl", "w").write('{"step": 3}\\n')
print("a\\r\\x1b[31m50%\\x1b]0;title\\x07", end="", flush=True)
time.sleep(60)
"""
    process = workspace.start("--", *python(code))
    until(lambda: answer(run, workspace, "list")["runs"][0]["last_line"] == "50%")
    (live,) = answer(run, workspace, "list")["runs"]
    assert (live["status"], live["metrics"]) == ("running", {"step": 3}) and live["elapsed_s"] >= 0
    assert "step=3 50%" in run("runs", "list", "--workdir", workspace.root).stdout
    process.kill()
    until(lambda: answer(run, workspace, "list")["runs"][0]["status"] == "lost")
    process.wait()
    assert [f["code"] for f in answer(run, workspace, "audit", code=3)["findings"]] == ["R103", "R106"]


def test_a_run_that_ends_while_it_is_looked_at_is_not_called_lost(trained: Workspace) -> None:
    place = load_workspace(trained.root, trained.facts["experiment_root"])
    ended = manifests.read_run(place, trained.paths()[0])
    # as it was read a moment ago, before its recorder wrote the end and was gone
    assert manifests.mark_if_lost(ended._replace(status="running"), place) == ended


def test_a_run_of_another_host_is_not_called_lost(run: Run, trained: Workspace) -> None:
    forget_copies(trained)
    path = trained.paths()[0]
    manifest = json.loads(path.read_text())
    manifest["status"], manifest["host"]["hostname"] = "running", "elsewhere"
    path.write_text(json.dumps(manifest))
    statuses = {r["path"]: r["status"] for r in answer(run, trained, "list")["runs"]}
    assert statuses[path.relative_to(trained.root).as_posix()] == "running"


def test_show(run: Run, trained: Workspace) -> None:
    done = run("runs", "show", "wide", "--workdir", trained.root)
    assert done.exit_code == 0
    for text in ("wide-lr=0.001-s2-", "finished", "acc=0.002", "trained\n", "(8 bytes)", "exp/metadata/wide"):
        assert text in done.stdout
    found = answer(run, trained, "show", "wide")
    assert found["manifest"]["seed"] == 2 and found["logs"]["stdout"]["head"] == "trained\n"


def test_show_long_logs_by_head_and_tail(run: Run, workspace: Workspace) -> None:
    workspace.record("--quiet", "--", "seq", "100000")
    done = run("runs", "show", "seq", "--workdir", workspace.root, "--lines", "2")
    assert "\n1\n2\n[... " in done.stdout and "bytes ...]\n99999\n100000\n" in done.stdout
    whole = run("runs", "show", "seq", "--workdir", workspace.root, "--full").stdout
    assert "\n50000\n" in whole


def test_which_run_a_name_means(run: Run, trained: Workspace) -> None:
    trained.record("--experiment", "wide", "--", PYTHON, "train.py", "--lr", "1e-3", "--seed", "2")
    name = trained.last()["run"]["name"]
    for word in (name, "wide", name[-8:], f"{name}.2"):
        assert answer(run, trained, "show", word)["manifest"]["run"]["attempt"] == 2
    done = run("runs", "show", "t", "--workdir", trained.root)
    assert done.exit_code == 0
    trained.record("--experiment", "tea", "--", "true")
    done = run("runs", "show", "t", "--workdir", trained.root)
    assert done.exit_code == 1 and "2 runs" in done.stderr
    done = run("runs", "show", "nothing", "--workdir", trained.root)
    assert done.exit_code == 1 and "there is no run 'nothing'" in done.stderr


def test_diff_of_parameters_code_and_environment(run: Run, trained: Workspace) -> None:
    write_tree(trained.root, {"train.py": TRAIN + "# more\n"})
    environment = {**os.environ, "OMP_NUM_THREADS": "3"}
    trained.record("--experiment", "third", "--", PYTHON, "train.py", "--lr", "5", env=environment)
    found = answer(run, trained, "diff", "wide", "third", "--limit", "0")
    rows = {(r["part"], r["name"]): (r["a"], r["b"]) for r in found["differences"]}
    assert rows["params", "lr"] == (0.001, 5) and rows["params", "seed"] == (2, None)
    assert rows["code", "dirty"] == (False, True) and "+# more" in found["patch"]
    assert rows["environment", "OMP_NUM_THREADS"] == ("-", "3") and rows["metrics", "acc"] == (0.002, 10)
    done = run("runs", "diff", "wide", "third", "--workdir", trained.root)
    assert done.exit_code == 0 and "OMP_NUM_THREADS" in done.stdout
    assert answer(run, trained, "diff", "wide", "wide")["differences"] == []


def scaffold(workspace: Workspace, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command as a process: some commands replace it, or hand its descriptors on."""
    options = {"cwd": workspace.root, "capture_output": True, "text": True, **options}
    done = subprocess.run([sys.executable, "-m", "scaffold", *args], **options, env=with_package())
    if "--json" in args and done.stdout:
        answers.check(answers.command_of(args), done.stdout)
    return done


def with_package() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_rerun_of_clean_and_dirty_code_gives_the_same(trained: Workspace) -> None:
    done = scaffold(trained, "runs", "rerun", "wide", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["same"] and json.loads(done.stdout)["again"].endswith(".2")
    assert trained.last()["run"]["attempt"] == 2 and "trained" in done.stderr

    write_tree(trained.root, {"train.py": TRAIN.replace("lr * 2", "lr * 3"), "new/helper.py": "X = 1\n"})
    trained.record("--experiment", "dirty", "--", PYTHON, "train.py", "--lr", "0.5")
    first = trained.last()
    git(trained.root, "checkout", "-q", "train.py")
    commit_all(trained.root)
    done = scaffold(trained, "runs", "rerun", "dirty")
    assert done.returncode == 0, done.stderr
    again = trained.last()
    assert again["run"]["name"] == first["run"]["name"] and again["metrics"] == first["metrics"] == {
        "acc": 1.5,
        "name": "x",
    }
    assert git(trained.root, "worktree", "list").count("\n") == 1


def test_rerun_says_when_the_metrics_are_not_the_same(trained: Workspace) -> None:
    code = """
import json, os, random
json.dump({"loss": 1 + random.random() / 100}, open(os.environ["RUN_OUTPUT_DIR"] + "/metrics.json", "w"))
"""
    trained.record("--experiment", "noise", "--", *python(code))
    done = scaffold(trained, "runs", "rerun", "noise")
    assert done.returncode == 3 and "loss" in done.stdout and "differ" in done.stdout
    assert scaffold(trained, "runs", "rerun", "noise", "--tolerance", "0.5").returncode == 0


def test_rerun_compares_what_was_read_off_the_log_later(trained: Workspace) -> None:
    (trained.root / "loss.py").write_text("print('val_bpb: 0.25')\n")
    commit_all(trained.root)
    trained.record("--experiment", "loss", "--", PYTHON, "loss.py")
    scaffold(trained, "runs", "metrics", "--from-log", r"val_bpb:\s*(\S+)", "--experiment", "loss")
    done = scaffold(trained, "runs", "rerun", "loss")
    assert done.returncode == 0 and "metrics the same" in done.stdout


def test_rerun_with_hidden_secrets(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": 'a = 1\nAPI_KEY = "swordfish-1"\nb = 1\nprint(a + b)\n'})
    write_tree(workspace.root, {"train.py": 'a = 1\nAPI_KEY = "swordfish-1"\nb = 2\nprint(a + b)\n'})
    workspace.record("--", PYTHON, "train.py")
    assert "***" in (workspace.root / workspace.last()["git"]["patch"]).read_text()
    git(workspace.root, "checkout", "-q", "train.py")
    done = scaffold(workspace, "runs", "rerun", "train")
    assert done.returncode == 0, done.stderr
    assert workspace.log(workspace.last()) == b"3\n" and workspace.last()["run"]["attempt"] == 2

    workspace.record("--experiment", "hidden", "--", "true", "--token", "swordfish")
    done = scaffold(workspace, "runs", "rerun", "hidden")
    assert done.returncode == 1 and "secret" in done.stderr and "Traceback" not in done.stderr


def test_rerun_feeds_the_script_that_the_run_read(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(name_scheme=2)
    workspace.record("--experiment", "piped", "--", "bash", "-s", "***", input='echo "got $1"\n')
    done = scaffold(workspace, "runs", "rerun", "piped")
    assert done.returncode == 0, done.stderr
    assert workspace.last()["run"]["attempt"] == 2 and workspace.log(workspace.last()) == b"got ***\n"
    workspace.record("--experiment", "secretive", "--", "bash", "-s", input="API_KEY=swordfish\n")
    done = scaffold(workspace, "runs", "rerun", "secretive")
    assert done.returncode == 1 and "secret" in done.stderr and "swordfish" not in done.stderr


def test_rerun_with_linked_data(trained: Workspace) -> None:
    write_tree(trained.root, {"data/x.txt": "42"})
    trained.record("--experiment", "data", "--", "cat", "data/x.txt")
    assert scaffold(trained, "runs", "rerun", "data").returncode == 3
    done = scaffold(trained, "runs", "rerun", "data", "--link", "data")
    assert done.returncode == 0 and "42" in done.stderr


def test_rerun_with_configs_given_or_named_by_the_command_has_the_same_name(trained: Workspace) -> None:
    write_tree(trained.root, {"exp/configs/c.yaml": "x: 1\n", "top.yaml": "y: 1\n"})
    commit_all(trained.root)
    for name, options, words in (
        ("named", (), ("cat", "exp/configs/c.yaml", "top.yaml")),
        ("given", ("--config", "exp/configs/c.yaml"), ("true", "--config=exp/configs/c.yaml")),
    ):
        trained.record("--experiment", name, *options, "--", *words)
        done = scaffold(trained, "runs", "rerun", name)
        assert done.returncode == 0 and "not quite the same" not in done.stderr, done.stderr
        assert trained.last()["run"]["attempt"] == 2


def test_rerun_touches_nothing_that_lies_outside_of_the_repository(trained: Workspace, tmp_path: Path) -> None:
    write_tree(trained.root, {"data/x.txt": "42"})
    write_tree(tmp_path, {"elsewhere/data/x.txt": "precious"})
    trained.record("--experiment", "data", "--", "cat", "data/x.txt")
    outside = tmp_path / "elsewhere" / "data"
    for path in (outside, outside / "x.txt", "../elsewhere/data", ".", ".git"):
        done = scaffold(trained, "runs", "rerun", "data", "--link", str(path))
        assert done.returncode == 2 and "hint:" in done.stderr, path
        assert not outside.is_symlink() and (outside / "x.txt").read_text() == "precious"
    assert (trained.root / ".git" / "HEAD").is_file() and git(trained.root, "worktree", "list").count("\n") == 1
    done = scaffold(trained, "runs", "rerun", "data", "--link", str(trained.root / "data"))
    assert done.returncode == 0 and "42" in done.stderr


def test_rerun_changes_nothing_behind_a_link_of_the_commit(trained: Workspace, tmp_path: Path) -> None:
    """The commit has a folder as a link to data elsewhere; what the worktree needs below it would be put over there."""
    write_tree(tmp_path, {"elsewhere/set/x.txt": "precious"})
    (trained.root / "sets").symlink_to(tmp_path / "elsewhere")
    git(trained.root, "add", "-A")
    git(trained.root, "commit", "-qm", "a link")
    trained.record("--experiment", "sets", "--", "true")
    (trained.root / "sets").unlink()
    write_tree(trained.root, {"sets/set/x.txt": "a copy"})
    done = scaffold(trained, "runs", "rerun", "sets", "--link", "sets/set")
    assert done.returncode == 1 and "a link to" in done.stderr
    assert (tmp_path / "elsewhere" / "set" / "x.txt").read_text() == "precious"


@pytest.mark.long
def test_rerun_of_an_experiment_whose_folder_is_a_link(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace = make_workspace({"train.py": TRAIN}, layout="per-experiment")
    (tmp_path / "disk").mkdir()
    (workspace.exp / "big").symlink_to(tmp_path / "disk")
    (workspace.root / ".git/info").mkdir(exist_ok=True)
    (workspace.root / ".git/info/exclude").write_text("/exp/big\n")  # a link that is committed could be anybody's
    commit_all(workspace.root)
    command = [PYTHON, "train.py", "--lr", "0.1", "--seed", "1"]
    workspace.record("--experiment", "big", "--", *command)
    name = next((tmp_path / "disk" / "metadata").glob("*.json")).stem
    done = scaffold(workspace, "runs", "rerun", name)
    assert done.returncode == 0, done.stderr
    found = sorted(p.name for p in (tmp_path / "disk" / "metadata").glob("*.json"))
    assert found == sorted([f"{name}.json", f"{name}.2.json"])


def test_rerun_leaves_the_user_s_own_worktrees_alone(trained: Workspace, tmp_path: Path) -> None:
    """One on a disk that is not mounted just now is registered still: pruning would forget where its HEAD stood."""
    git(trained.root, "worktree", "add", "-q", "--detach", str(tmp_path / "disk" / "mine"))
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    assert scaffold(trained, "runs", "rerun", "wide").returncode == 0
    (tmp_path / "unmounted").rename(tmp_path / "disk")
    assert git(tmp_path / "disk" / "mine", "status", "--short") == ""
    assert git(trained.root, "worktree", "list").count("\n") == 2


def codes(run: Run, workspace: Workspace) -> list[str]:
    return [f["code"] for f in answer(run, workspace, "audit", code=3)["findings"]]


def test_audit_of_good_records_finds_nothing(run: Run, make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": TRAIN})
    workspace.record("--", PYTHON, "train.py", "--lr", "1", "--seed", "1")
    assert answer(run, workspace, "audit")["findings"] == []
    assert run("runs", "audit", "--workdir", workspace.root).exit_code == 0


def test_audit_finds_what_is_missing_or_changed(run: Run, make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": TRAIN})
    write_tree(workspace.root, {"train.py": TRAIN + "# dirty\n"})
    workspace.record("--", PYTHON, "train.py", "--lr", "1", "--seed", "1")
    manifest, path = workspace.last(), workspace.paths()[0]
    outputs, log = workspace.root / manifest["paths"]["outputs"], workspace.root / manifest["paths"]["stdout"]
    patch = workspace.root / manifest["git"]["patch"]
    shutil.rmtree(workspace.root / ".git/scaffold")  # its copies would stand in

    metrics = outputs / "metrics.json"
    before = metrics.read_text()
    metrics.write_text('{"acc": 99}')
    os.utime(metrics, (1e9, 1e9))  # on a busy machine its own time is late already
    assert codes(run, workspace) == ["R107"]
    os.utime(metrics, (4e9, 4e9))
    assert codes(run, workspace) == ["R107", "R107"]
    metrics.write_text(before)
    os.utime(metrics, (1e9, 1e9))

    patch.rename(patch.with_suffix(".gone"))
    assert codes(run, workspace) == ["R104"]
    patch.with_suffix(".gone").rename(patch)
    log.rename(log.with_suffix(".gone"))
    assert codes(run, workspace) == ["R101"]
    log.with_suffix(".gone").rename(log)
    path.write_text(path.read_text().replace(manifest["git"]["commit"], "0" * 40))
    assert codes(run, workspace) == ["R102"]
    path.write_text("{")
    assert codes(run, workspace) == ["R001"]
    path.unlink()
    assert codes(run, workspace) == ["R100"]
    done = run("runs", "audit", "--workdir", workspace.root)
    assert done.exit_code == 3 and done.stdout.startswith("exp/logs/train-lr=1-s1-")


def test_audit_says_once_where_no_commit_can_be_looked_up(run: Run, trained: Workspace, tmp_path: Path) -> None:
    """That git refuses a repository, or that there is none, says nothing of the commits."""

    def finding() -> Any:
        (found,) = [f for f in answer(run, trained, "audit", code=3)["findings"] if f["code"] == "R102"]
        assert found["path"] == "exp" and found["run"] is None and "can be looked up" in found["message"]
        return found

    config = trained.root / ".git" / "config"
    before = config.read_text()
    config.write_text("[core\n")
    assert "git refuses" in finding()["message"] and "git status" in finding()["hint"]
    config.write_text(before)
    if os.getuid() == 0:  # only root can give a directory to somebody else
        for path in (trained.root, trained.root / ".git"):
            os.chown(path, 12345, 12345)
        assert "dubious ownership" in finding()["message"] and "safe.directory" in finding()["hint"]
    (trained.root / ".git").rename(tmp_path / "away")
    assert "in no git repository" in finding()["message"]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [(".gitignore", "exp/metadata\n", "R201"), (".gitattributes", "*.json filter=lfs\n", "R202")],
)
def test_audit_finds_records_that_git_would_not_keep(
    run: Run, make_workspace: MakeWorkspace, name: str, text: str, code: str
) -> None:
    workspace = make_workspace({"train.py": TRAIN, name: text})
    assert codes(run, workspace) == [code]


def test_scaffold_run_records_from_any_folder_below(trained: Workspace) -> None:
    done = scaffold(
        trained,
        "run",
        "--experiment",
        "below",
        "--seed",
        "5",
        "--param",
        "x=1",
        "--",
        "sh",
        "-c",
        "pwd; exit 7",
        cwd=trained.exp / "scripts",
    )
    assert done.returncode == 7 and done.stdout.strip() == str(trained.exp / "scripts")
    manifest = trained.last()
    assert (manifest["run"]["experiment"], manifest["seed"], manifest["params"]) == ("below", 5, {"x": 1})
    assert manifest["command"] == {
        "argv": ["sh", "-c", "pwd; exit 7"],
        "shell": "sh -c 'pwd; exit 7'",
        "cwd": "exp/scripts",
    }


def test_scaffold_run_enters_the_environment_first(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(run_prefix="env ENTERED=yes")
    done = scaffold(workspace, "run", "--", "sh", "-c", "echo $ENTERED")
    assert done.stdout == "yes\n" and workspace.last()["command"]["argv"][0] == "sh"
    assert scaffold(workspace, "run", "--no-prefix", "--", "sh", "-c", "echo $ENTERED").stdout == "\n"
    recorded = [m["run"]["name"] for m in workspace.manifests()]
    assert recorded[0] == recorded[1]


def test_scaffold_run_without_the_environment_tool_or_a_command(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(run_prefix="no-such-tool run")
    done = scaffold(workspace, "run", "--", "true")
    assert done.returncode == 1 and "no-such-tool" in done.stderr and "hint:" in done.stderr
    assert scaffold(workspace, "run", "true").returncode == 2
    assert scaffold(workspace, "run", "--no-prefix", "--nonsense", "--", "true").returncode == 2
    assert "--timeout" in scaffold(workspace, "run", "--help").stdout


def test_scaffold_run_with_json_answers_with_the_record_and_exits_as_the_command(trained: Workspace) -> None:
    script = "echo said; echo wrong >&2; echo '{\"acc\": 1}' >$RUN_OUTPUT_DIR/metrics.json; exit 2"
    done = scaffold(trained, "run", "--json", "--experiment", "shell", "--seed", "3", "--", "bash", "-c", script)
    record = json.loads(done.stdout)["run"]
    assert (done.returncode, record["exit_code"], record["status"]) == (2, 2, "failed")
    assert (record["experiment"], record["seed"], record["metrics"]) == ("shell", 3, {"acc": 1})
    assert {"said", "wrong"} <= set(done.stderr.splitlines())
    again = json.loads(scaffold(trained, "run", "--json", "--experiment", "shell", "--", "bash", "-c", script).stdout)[
        "run"
    ]
    assert again["name"] != record["name"] or again["attempt"] == 2
    refused = scaffold(trained, "run", "--json", "--nonsense", "--", "true")
    assert (refused.returncode, refused.stdout) == (2, "") and "--nonsense" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_scaffold_run_with_json_passes_signals_on(trained: Workspace, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "scaffold", "run", "--json", "--experiment", "long", "--", "sleep", "60"]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    process = subprocess.Popen(command, cwd=trained.root, env=with_package(), **options)  # type: ignore[call-overload]
    until(lambda: any(m["status"] == "running" for m in trained.manifests()))
    process.send_signal(number)
    text, _ = process.communicate(timeout=20)
    record = answers.check(("run",), text)["run"]
    assert (process.returncode, record["status"], record["signal"]) == (128 + number, "terminated", number.name)


def test_scaffold_run_passes_signals_and_flags_of_the_command(trained: Workspace) -> None:
    assert scaffold(trained, "run", "--quiet", "--", "echo", "--help", "--", "-x").returncode == 0
    assert trained.last()["command"]["argv"] == ["echo", "--help", "--", "-x"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scaffold", "run", "--", "sleep", "60"], cwd=trained.root, env=with_package()
    )
    until(lambda: any(m["status"] == "running" for m in trained.manifests()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143 and trained.last()["status"] == "terminated"
