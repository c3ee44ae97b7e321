"""Records that a working tree lacks: written back, taken away when nobody needs them, and a workspace that a reset took along."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold.errors import ScaffoldError
from scaffold.runs import audit, recorder, records, records_home, restore_records
from scaffold.sweeps.launch.ledger import read_ledger
from scaffold.sweeps.launch.ledger_entries import RunSubmission
from scaffold.sweeps.spec import sweep_file, sweep_paths
from scaffold.workspace import Workspace as FoundWorkspace
from scaffold.workspace import load_workspace
from tests.conftest import Run as Command
from tests.conftest import commit_all, git, write_tree
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace, python

ID = "0123abcd"
SCORE = "import json, os; json.dump({'acc': 0.8125}, open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w'))"


@pytest.fixture
def workspace(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace with one run of changed code, of which only the second home knows."""
    workspace = make_workspace({"train.py": "print('hello')\n"}, workspace_id=ID)
    (workspace.root / "train.py").write_text("import os\n\nprint('changed', os.environ['RUN_SEED'])\n")
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    git(workspace.root, "clean", "-fdxq", "exp/metadata")
    git(workspace.root, "checkout", "-q", ".")
    return workspace


def load(workspace: Workspace) -> FoundWorkspace:
    return load_workspace(workspace.root, "exp")


def home(workspace: Workspace) -> Path:
    return workspace.root / ".git/scaffold/records" / f"exp@{ID}"


def test_restore_writes_back_what_is_missing_and_only_when_asked(workspace: Workspace, run: Command) -> None:
    planned = run("runs", "restore", "--dry-run", "--workdir", workspace.root)
    assert "would restore  exp/metadata/patches/" in planned.stdout and not (workspace.exp / "metadata").exists()
    done = json.loads(run("runs", "restore", "--workdir", workspace.root, "--json").stdout)
    paths = [record["path"] for record in done["records"]]
    assert done["written"] and all((workspace.root / path).is_file() for path in paths)
    assert not any((workspace.root / path).samefile(r["copy"]) for path, r in zip(paths, done["records"], strict=True))
    (restored,) = records.read_records(load(workspace)).runs
    assert not restored.only_in_home
    assert restore_records.plan_record_restore(load(workspace)) == []


def test_restore_brings_a_newer_state_and_leaves_another_attempt_alone(workspace: Workspace) -> None:
    restore_records.apply_restore(load(workspace), restore_records.plan_record_restore(load(workspace)))
    (path,) = (workspace.exp / "metadata").glob("*.json")
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "status": "running", "exit": {"code": None, "signal": None}}))
    (action,) = restore_records.plan_record_restore(load(workspace))
    assert action.state == "older"
    other = {**manifest, "run": {**manifest["run"], "uuid": "5b0b1f0e-3b1c-4c39-9a54-0d6f7f0a2c11"}}
    path.write_text(json.dumps(other))
    (action,) = restore_records.plan_record_restore(load(workspace))
    assert action.state == "taken" and len(records.read_records(load(workspace)).runs) == 2
    restore_records.apply_restore(load(workspace), [action])
    assert json.loads(path.read_text()) == other


def test_nothing_is_restored_through_a_link_that_leads_out(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.exp / "metadata").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(ScaffoldError, match="behind a link"):
        restore_records.apply_restore(load(workspace), restore_records.plan_record_restore(load(workspace)))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_audit_looks_into_both_homes(workspace: Workspace) -> None:
    assert audit.audit_records(load(workspace)) == [
        finding for finding in audit.audit_records(load(workspace)) if finding.code in ("R103", "R102")
    ]
    restore_records.apply_restore(load(workspace), restore_records.plan_record_restore(load(workspace)))
    (path,) = (workspace.exp / "metadata").glob("*.json")
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "metrics": {"acc": 1.0}}))
    assert "R110" in {finding.code for finding in audit.audit_records(load(workspace))}
    patch = next((home(workspace) / "metadata/patches").iterdir())
    (workspace.exp / "metadata/patches" / patch.name).unlink()
    assert "R104" not in {finding.code for finding in audit.audit_records(load(workspace))}
    patch.unlink()
    assert "R104" in {finding.code for finding in audit.audit_records(load(workspace))}


def test_an_edit_in_place_which_changes_both_copies_is_found(workspace: Workspace) -> None:
    workspace.record("--seed", "2", "--", PYTHON, "train.py")
    restore_records.apply_restore(load(workspace), restore_records.plan_record_restore(load(workspace)))
    paths = {p: p.read_bytes() for p in (workspace.exp / "metadata").glob("*.json")}

    def changed() -> dict[str, str | None]:
        return {f.path: f.hint for f in audit.audit_records(load(workspace)) if f.code == "R113"}

    assert changed() == {} and len(paths) == 2
    for other in paths:  # as git writes them for some systems
        other.write_bytes(paths[other].replace(b"\n", b"\r\n"))
    assert changed() == {}
    linked = [p for p in paths if (home(workspace) / "metadata" / p.name).samefile(p)]
    apart = [p for p in paths if p not in linked]
    for p in paths:
        p.write_text(json.dumps({**json.loads(paths[p]), "metrics": {"acc": 1.0}}))
    hints = {workspace.root / path: str(hint) for path, hint in changed().items()}
    assert hints.keys() == paths.keys() and len(linked) == len(apart) == 1
    assert "git log" in hints[linked[0]] and hints[apart[0]].startswith(f"cp {home(workspace)}/metadata/")


def test_gc_takes_away_what_killed_recorders_left(workspace: Workspace, run: Command) -> None:
    folder = home(workspace) / "metadata"
    claims = [folder / "a-0000000a.json", folder / "b-0000000b.2.json", folder / "live-0000000c.json"]
    halves = [folder / f".{dead_pid()}.0123abcd.tmp", folder / ".live" / ".ledger.json.0123abcd.tmp"]
    living = [folder / f".{os.getpid()}.0123abcd.tmp", claims[2]]
    write_tree(folder, {f".live/{claims[2].name}": json.dumps(recorder.processes.process_mark(os.getpid()))})
    others = [folder / ".digests", next(folder.glob("train-*.json"))]
    for path in (*claims, *halves, living[0]):
        path.touch()
    for path in (*claims, *halves, *living, *others):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    fresh = folder / "fresh-0000000d.json"
    fresh.touch()
    words = ("runs", "gc", "--workdir", workspace.root, "--json")
    answer = json.loads(run(*words).stdout)
    assert answer["unfinished"] == sorted(map(str, (*claims[:2], *halves))) and claims[0].exists()
    run(*words, "--yes")
    assert not any(map(Path.exists, (*claims[:2], *halves)))
    assert all(map(Path.exists, (*living, *others, fresh)))


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_gc_lists_what_nothing_cites_and_takes_it_away_when_told(workspace: Workspace, run: Command) -> None:
    workspace.record("--experiment", "quoted", "--", *python(SCORE))
    workspace.record("--experiment", "named", "--", "true")
    named = workspace.last()["run"]["name"]
    (workspace.exp / "analysis").mkdir()
    (workspace.exp / "analysis/a.md").write_text(f"The accuracy is 0.8125.\n\nSee {named}.\n")
    words = ("runs", "gc", "--workdir", workspace.root, "--older-than", "2100-01-01", "--json")
    answer = json.loads(run(*words).stdout)
    assert [row["name"].partition("-")[0] for row in answer["runs"]] == ["train"] and answer["cited"] == 2
    # what another branch cites stays too
    (workspace.exp / "analysis/b.md").write_text(f"As {answer['runs'][0]['name']} shows.\n")
    git(workspace.root, "switch", "-qc", "other")
    commit_all(workspace.root)
    git(workspace.root, "switch", "-q", "main")
    write_tree(workspace.exp, {"analysis/a.md": f"The accuracy is 0.8125.\n\nSee {named}.\n"})
    assert json.loads(run(*words).stdout)["cited"] == 3
    git(workspace.root, "branch", "-qD", "other")
    assert len(answer["files"]) == 1 and Path(answer["files"][0]).is_file()
    assert json.loads(run(*words, "--cited-too").stdout)["cited"] == 0
    assert json.loads(run("runs", "gc", "--workdir", workspace.root, "--json").stdout)["runs"] == []  # none is old
    (pin,) = answer["pins"]
    assert pin in git(workspace.root, "rev-list", "--glob=refs/scaffold/*").split()
    assert json.loads(run(*words, "--yes").stdout)["deleted"]
    assert pin not in git(workspace.root, "rev-list", "--glob=refs/scaffold/*").split()
    assert {r.experiment for r in records.read_records(load(workspace)).runs} == {"quoted", "named"}
    assert not Path(answer["files"][0]).exists()


def test_a_workspace_that_a_reset_took_along_is_named_with_what_to_type(
    run: Command, make_workspace: MakeWorkspace
) -> None:
    workspace = make_workspace({"train.py": "print('hello')\n"}, workspace_id=ID)
    workspace.record("--seed", "1", "--", "true")
    git(workspace.root, "reset", "-q", "--hard", "HEAD~1")
    git(workspace.root, "clean", "-fdxq")
    done = run("runs", "list", "--workdir", workspace.root)
    assert done.exit_code == 1 and "the workspace exp is not on this branch; 1 record" in done.stderr
    hint = done.stderr.partition("hint: ")[2]
    assert "checkout" in hint and "scaffold runs restore" in hint
    assert "not on this branch" in run("runs", "list", "--workdir", workspace.root, "--root", "exp").stderr
    checkout = hint.partition("it back: ")[2].partition(" && ")[0].split()
    git(workspace.root, *checkout[checkout.index("checkout") :])
    assert len(records.read_records(load(workspace)).runs) == 1
    # and with no commit left that has it, nor a pin
    git(workspace.root, "rm", "-rqf", "exp")
    for ref in git(workspace.root, "for-each-ref", "--format=%(refname)", "refs/scaffold/").split():
        git(workspace.root, "update-ref", "-d", ref)
    git(workspace.root, "reflog", "expire", "--expire=now", "--all")
    git(workspace.root, "gc", "-q", "--prune=now")
    assert "scaffold init" in run("status", "--workdir", workspace.root).stderr


def test_a_summary_names_the_home_with_what_is_in_it(workspace: Workspace) -> None:
    (found,) = records_home.summarize_record_homes(records_home.list_existing_record_homes(load(workspace)))
    assert (found.folder, found.root, found.records) == (home(workspace), "exp", 1)


def test_sweeps_and_ledgers_are_read_from_the_second_home(workspace: Workspace, run: Command) -> None:
    words = ("sweep", "new", "lr", "--workdir", workspace.root, "--goal", "g", "--grid", "lr=1,2", "--seeds", "1-2")
    assert run(*words, "--", "python3", "train.py").exit_code == 0
    ledger = workspace.exp / "metadata/sweeps/lr.ledger.json"
    sweep = sweep_file.read_sweep(load(workspace), "lr")
    state = read_ledger(ledger, "lr")
    for name in ("a", "b"):
        state.put_submission(name, RunSubmission(number=1, backend="local", requested_at="2026-01-01T00:00:00Z"))
        state.save()
    older = json.loads(ledger.read_text())
    del older["runs"]["b"]
    shutil.rmtree(workspace.exp / "metadata")
    assert sweep_paths.sweep_names(load(workspace)) == ["lr"] and sweep_file.read_sweep(load(workspace), "lr") == sweep
    assert read_ledger(ledger, "lr").run_names == ("a", "b")
    # a checkout brought an older one back
    ledger.parent.mkdir(parents=True)
    ledger.write_text(json.dumps(older))
    assert read_ledger(ledger, "lr").run_names == ("a", "b")
    # the plan of another branch is not planned over
    assert run(*words[:-1], "1-3", "--", "python3", "train.py").exit_code == 1
    assert run(*words, "--", "python3", "train.py").exit_code == 0
    assert sweep_paths.sweep_path(load(workspace), "lr").is_file()
    copy = home(workspace) / "metadata/sweeps/lr.ledger.json"
    copy.write_text("{")
    os.utime(ledger)
    assert read_ledger(ledger, "lr").run_names == ("a",)


def test_a_patch_that_was_cleaned_away_is_read_from_its_copy(workspace: Workspace, run: Command) -> None:
    (only,) = records.read_records(load(workspace)).runs
    assert commit_all(workspace.root) and run("runs", "show", only.name, "--workdir", workspace.root).exit_code == 0
    done = run("runs", "diff", only.name, only.name, "--workdir", workspace.root)
    assert done.exit_code == 0


def test_a_difference_shows_the_scripts_of_the_workspace_that_ran(workspace: Workspace, run: Command) -> None:
    names = []
    for number in (1, 2):
        write_tree(workspace.root, {"exp/scripts/eval.py": f"print({number})\n", "exp/scripts/other.py": f"{number}\n"})
        workspace.record("--experiment", f"eval{number}", "--", PYTHON, "exp/scripts/eval.py")
        names.append(workspace.last()["run"]["name"])
    done = run("runs", "diff", *names, "--workdir", workspace.root)
    assert done.exit_code == 0 and "-print(1)" in done.stdout and "+print(2)" in done.stdout, done.stdout
    assert "exp/scripts/eval.py" in done.stdout and "other.py" not in done.stdout
