"""What pins are for: records whose commits were amended, reset or forgotten are told apart, compared and run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scaffold.runs import pin_refs
from tests.conftest import Run, commit_all, git, write_tree
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace
from tests.runs.test_pins import SECRET, all_objects, collect_garbage

TRAIN = (
    "import os, model\nopen(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w').write('{\"acc\": %s}' % model.ACC)\n"
)


@pytest.fixture
def trained(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace whose code was run and then amended away."""
    workspace = make_workspace({"train.py": TRAIN, "model.py": "ACC = 1\n", ".gitignore": "__pycache__\n"})
    write_tree(workspace.root, {"model.py": "ACC = 2\n"})
    git(workspace.root, "commit", "-qam", "an idea")
    record(workspace, "idea")
    write_tree(workspace.root, {"model.py": "ACC = 3\n"})
    git(workspace.root, "commit", "-qa", "--amend", "-m", "another")
    return workspace


def record(workspace: Workspace, name: str) -> dict[str, Any]:
    done = workspace.record("--experiment", name, "--", PYTHON, "train.py", "--seed", "1")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return workspace.last()


def forget_pins(root: Path) -> None:
    """As in a clone that has no pins."""
    for ref in git(root, "for-each-ref", "--format=%(refname)", "refs/scaffold").split():
        git(root, "update-ref", "-d", ref)
    collect_garbage(root)


def findings(run: Run, workspace: Workspace) -> list[dict[str, Any]]:
    done = run("runs", "audit", "--workdir", workspace.root, "--json")
    return list(json.loads(done.stdout)["findings"])


def rerun(run: Run, workspace: Workspace, name: str) -> tuple[dict[str, Any], str]:
    done = run("runs", "rerun", name, "--workdir", workspace.root, "--json")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["same"] and workspace.last()["run"]["attempt"] == 2
    return answer, done.stderr


def test_a_commit_that_is_pinned_only_is_no_whole_record_but_runs_again(run: Run, trained: Workspace) -> None:
    collect_garbage(trained.root)
    (finding,) = findings(run, trained)
    assert (
        finding["code"] == "R109" and "pinned here only" in finding["message"] and "refs/scaffold/*" in finding["hint"]
    )
    assert "whole" not in run("runs", "audit", "--workdir", trained.root).output
    answer, _ = rerun(run, trained, "idea")
    assert answer["notes"] == [] and git(trained.root, "worktree", "list").count("\n") == 1
    git(trained.root, "tag", "kept", trained.manifests()[0]["git"]["commit"])
    assert findings(run, trained) == []


def test_the_code_of_an_idea_is_kept_by_its_study(run: Run, trained: Workspace) -> None:
    collect_garbage(trained.root)
    git(trained.root, "update-ref", "refs/scaffold/ideas/study/1", trained.manifests()[0]["git"]["commit"])
    assert findings(run, trained) == []


def test_a_grid_may_hold_what_ran_before(run: Run, make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "print('loss: 1')\n"})

    def sweep_of(name: str, *rates: str) -> None:
        for rate in rates:
            words = ("--experiment", name, "--sweep", name, "--", PYTHON, "train.py", "--lr", rate, "--seed", "1")
            assert workspace.record(*words).returncode == 0

    sweep_of("baseline", "0.1")
    sweep_of("grid", "0.1", "0.2")
    assert "R112" not in {finding["code"] for finding in findings(run, workspace)}
    sweep_of("again", "0.1")
    assert "R112" in {finding["code"] for finding in findings(run, workspace)}


def test_a_commit_that_was_rebased_away_runs_again(run: Run, trained: Workspace) -> None:
    git(trained.root, "switch", "-qc", "idea")
    # of another size: within a second Python takes the bytecode of a file of the same size for its own
    write_tree(trained.root, {"model.py": "ACC = 4.5\n"})
    git(trained.root, "commit", "-qam", "an idea on a branch")
    ran = record(trained, "rebased")["git"]
    git(trained.root, "switch", "-q", "main")
    write_tree(trained.root, {"notes.md": "what came meanwhile\n"})
    commit_all(trained.root, "notes")
    git(trained.root, "rebase", "-q", "main", "idea")
    collect_garbage(trained.root)
    assert ran["commit"] not in git(trained.root, "rev-list", "--branches").split()
    finding = next(f for f in findings(run, trained) if f["run"].startswith("rebased"))
    assert finding["code"] == "R109" and "pinned here only" in finding["message"]
    answer, _ = rerun(run, trained, "rebased")
    assert answer["notes"] == [] and trained.last()["git"]["code"] == ran["code"]


def test_a_clone_gets_the_pins_by_the_line_that_the_audit_names(run: Run, trained: Workspace, tmp_path: Path) -> None:
    (finding,) = findings(run, trained)
    git(tmp_path, "init", "-q", "--bare", "far.git")
    for _ in range(2):
        words = finding["hint"].split(", or")[0].replace("'", "").replace("ORIGIN", str(tmp_path / "far.git")).split()
        git(trained.root, *words[1:])
        record(trained, "more")
        commit_all(trained.root)
        record(trained, "more")
    git(tmp_path / "far.git", "cat-file", "-e", trained.manifests()[0]["git"]["commit"])


def test_an_export_takes_pinned_code_along_but_no_secret(run: Run, trained: Workspace, tmp_path: Path) -> None:
    root = trained.root
    write_tree(root, {"model.py": f"ACC = 4\npassword = '{SECRET}'\n"})
    record(trained, "secret")
    git(root, "checkout", "-q", "model.py")
    done = run("runs", "export", "--ro-crate", tmp_path / "crate", "--workdir", root, "--json")
    (left_out,) = json.loads(done.stdout)["withheld"]
    assert left_out.startswith("secret-s1-") and "patch hides" in left_out
    bundle = tmp_path / "crate" / "code.bundle"
    git(tmp_path, "clone", "-q", "--no-local", str(root), "clone")
    git(tmp_path / "clone", "fetch", "-q", str(bundle), "refs/scaffold/*:refs/scaffold/*")
    assert git(tmp_path / "clone", "show", f"{trained.manifests()[0]['git']['commit']}:model.py") == "ACC = 2\n"
    assert SECRET.encode() not in all_objects(tmp_path / "clone")
    assert '"code.bundle"' in (tmp_path / "crate" / "ro-crate-metadata.json").read_text()


def test_a_commit_that_is_gone_has_one_of_the_same_code_in_its_place(run: Run, trained: Workspace) -> None:
    forget_pins(trained.root)
    (finding,) = findings(run, trained)
    assert finding["code"] == "R102" and "not in this repository" in finding["message"]
    done = run("runs", "rerun", "idea", "--workdir", trained.root)
    assert done.exit_code == 1 and "no other commit has the same code state" in done.stderr
    write_tree(trained.root, {"model.py": "ACC = 2\n", "exp/tasks.md": "# Other plan\n"})
    other = commit_all(trained.root)
    write_tree(trained.root, {"model.py": "ACC = 4\n"})
    commit_all(trained.root)
    (finding,) = [f for f in findings(run, trained) if f["code"] == "R102"]
    assert other[:12] in finding["message"] and "rerun" in finding["hint"]
    answer, said = rerun(run, trained, "idea")
    assert other[:12] in said and "same code state" in answer["notes"][0]


def test_a_commit_that_nothing_keeps_is_told_from_a_pinned_one(run: Run, trained: Workspace) -> None:
    git(
        trained.root,
        "update-ref",
        "-d",
        git(trained.root, "for-each-ref", "--format=%(refname)", "refs/scaffold").strip(),
    )
    (finding,) = findings(run, trained)
    assert finding["code"] == "R109" and "nothing keeps" in finding["message"] and "git tag" in finding["hint"]


def test_uncommitted_code_comes_back_as_it_was(run: Run, trained: Workspace) -> None:
    """Staged new files among it, lines that the patch hides, files that git does not know, and the commit below amended away."""
    root = trained.root
    write_tree(root, {"model.py": f"from new.values import ACC\nfrom loose import X\npassword = '{SECRET}'\n"})
    write_tree(root, {"new/values.py": "ACC = 5\n", "loose.py": "X = 1\n"})
    git(root, "add", "new")
    first = record(trained, "dirty")
    assert first["git"]["pin"]["local"] and SECRET not in (root / first["git"]["patch"]).read_text()
    git(root, "reset", "-q", "--hard")
    git(root, "clean", "-qfd", "-e", "exp")
    git(root, "commit", "-q", "--amend", "-m", "other words")
    (root / first["git"]["patch"]).write_text("no patch")
    collect_garbage(root)
    answer, _ = rerun(run, trained, "dirty")
    again = trained.last()
    assert again["run"]["name"] == first["run"]["name"] and again["metrics"] == {"acc": 5} and answer["notes"] == []
    assert again["git"]["pin"] == first["git"]["pin"] and again["git"]["untracked"] == ["loose.py"]
    messages = {f["run"]: f["message"] for f in findings(run, trained) if f["code"] == "R109"}
    assert "push leaves out" in messages[first["run"]["name"]]


def test_the_difference_of_two_runs_is_that_of_their_code(run: Run, trained: Workspace) -> None:
    write_tree(trained.root, {"model.py": f"ACC = 4\npassword = '{SECRET}'\n", "exp/tasks.md": "# Other plan\n"})
    record(trained, "later")
    done = run("runs", "diff", "idea", "later", "--workdir", trained.root)
    assert "-ACC = 2\n+ACC = 4\n+password = '***'\n" in done.stdout and "tasks.md" not in done.stdout
    forget_pins(trained.root)
    assert "@@" in run("runs", "diff", "idea", "later", "--workdir", trained.root).stdout


@pytest.mark.long
def test_twenty_ideas_of_an_agent_run_again_with_the_same_code(run: Run, make_workspace: MakeWorkspace) -> None:
    """The rhythm of an agent: an idea is committed or not, run, kept, taken back, put right, or left with its branch; git forgets."""
    workspace = make_workspace({"model.py": "idea 0\n", ".gitignore": "exp/[a-z]*/*\n!exp/scripts/*\n"})
    root = workspace.root
    for number in range(1, 21):
        write_tree(root, {"model.py": f"idea {number}\n", f"part{number}.py": f"part {number}\n"})
        way = ("keep", "reset", "dirty", "amend", "branch", "rebase")[number % 6]
        if way in ("branch", "rebase"):
            git(root, "checkout", "-q", "-b", "try")
        if way != "dirty":
            commit_all(root, f"idea {number}")
        assert (
            workspace.record("--experiment", f"idea-{number}", "--", "cat", "model.py", f"part{number}.py").returncode
            == 0
        )
        if way == "branch":
            git(root, "checkout", "-q", "main")
            git(root, "branch", "-q", "-D", "try")
        elif way == "rebase":
            git(root, "checkout", "-q", "main")
            write_tree(root, {"notes.md": f"before idea {number}\n"})
            git(root, "add", "notes.md")
            git(root, "commit", "-qm", "notes")
            git(root, "rebase", "-q", "main", "try")
            git(root, "checkout", "-q", "main")
            git(root, "merge", "-q", "--ff-only", "try")
            git(root, "branch", "-q", "-d", "try")
        elif way == "amend":
            write_tree(root, {"model.py": f"idea {number}, put right\n"})
            git(root, "commit", "-qa", "--amend", "-m", "right")
        elif way in ("reset", "dirty"):
            git(root, "reset", "-q", "--hard", "HEAD~1" if way == "reset" else "HEAD")
            git(root, "clean", "-qfd")
        if number % 5 == 0:
            collect_garbage(root)
    first = {m["run"]["experiment"]: m for m in workspace.manifests()}
    # no seed, and records that git ignores
    assert len(first) == 20 and {f["code"] for f in findings(run, workspace)} - {"R103", "R201"} == {"R109"}
    for number in range(1, 21):
        before = first[f"idea-{number}"]
        done = run("runs", "rerun", before["run"]["name"], "--workdir", root, "--json")
        again = workspace.last()
        assert done.exit_code == 0 and json.loads(done.stdout)["notes"] == [], done.stderr
        assert (again["run"]["name"], again["run"]["attempt"]) == (before["run"]["name"], 2)
        assert workspace.log(again) == workspace.log(before) == f"idea {number}\npart {number}\n".encode()
        assert again["git"]["code"] == before["git"]["code"]
    assert len(git(root, "for-each-ref", "refs/scaffold").splitlines()) == 1
    assert (
        git(root, "log", "--all", "--format=%s").split("\n").count("Code that runs ran with; it is kept by this ref")
        <= 2
    )


def test_pins_that_nothing_needs_are_given_up(trained: Workspace) -> None:
    (first,) = pin_refs.list_pin_refs(trained.root)
    record(trained, "later")
    (ref,) = pin_refs.list_pin_refs(trained.root)
    assert ref.pins == (*first.pins, git(trained.root, "rev-parse", "HEAD").strip())
    assert pin_refs.unpin_commits(trained.root, {"0" * 40}) == 0 and pin_refs.list_pin_refs(trained.root) == [ref]
    assert pin_refs.unpin_commits(trained.root, first.pins) == 1
    (rest,) = pin_refs.list_pin_refs(trained.root)
    assert (rest.name, rest.pins) == (ref.name, ref.pins[1:])
    collect_garbage(trained.root)
    assert git(trained.root, "cat-file", "--batch-check", "--batch-all-objects").count(first.pins[0]) == 0
    assert pin_refs.unpin_commits(trained.root, rest.pins) == 1 and pin_refs.list_pin_refs(trained.root) == []
