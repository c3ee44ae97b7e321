"""Identity is code, command and seed, not the commit: what changes a name, and what must not."""

from __future__ import annotations

import hashlib

import pytest

from scaffold import recorder_modules
from tests.conftest import commit_all, git, write_tree
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace, settings

TRAIN = ("--", PYTHON, "train.py")


def names_and_attempts(workspace: Workspace) -> list[tuple[str, int]]:
    return [(m["run"]["name"], m["run"]["attempt"]) for m in workspace.manifests()]


def test_the_rhythm_of_an_agent(workspace: Workspace) -> None:
    for step in (1, 2):
        assert workspace.record(*TRAIN).returncode == 0
        (workspace.exp / "tasks.md").write_text(f"# Tasks\n\nstep {step}\n")
        write_tree(workspace.root, {".agents/jobs.json": str(step), "exp/results/table.csv": str(step)})
        commit_all(workspace.root)
    (name, first), (again, second) = names_and_attempts(workspace)
    assert (name, first, second) == (again, 1, 2)
    assert [m["git"]["dirty"] for m in workspace.manifests()] == [False, False]
    assert len({m["git"]["commit"] for m in workspace.manifests()}) == 2


def test_a_plan_being_edited_is_not_dirty_code(workspace: Workspace) -> None:
    before = workspace.name(*TRAIN)
    write_tree(workspace.root, {"exp/tasks.md": "# Tasks\n\nmore\n", "exp/results/x.csv": "1\n"})
    workspace.record(*TRAIN)
    found = workspace.last()
    assert (found["run"]["name"], found["git"]["dirty"], found["git"]["patch"]) == (before, False, None)


@pytest.mark.parametrize("count", [2, 300], ids=["a few", "many"])
def test_what_runs_leave_behind_is_no_code_whether_git_looks_there_or_not(workspace: Workspace, count: int) -> None:
    """Git is told to look past a folder of many files, or of folders; of few files it learns that they are there."""
    before = workspace.name(*TRAIN)
    kept = {f"exp/results/{n}.csv": "1\n" for n in range(count)}
    write_tree(workspace.root, kept)
    commit_all(workspace.root)
    write_tree(
        workspace.root, {**dict.fromkeys(kept, "2\n"), "exp/results/new.csv": "1\n", "exp/logs/run/x.txt": "1\n"}
    )
    workspace.record(*TRAIN)
    last = workspace.last()
    assert (last["run"]["name"], last["git"]["dirty"], last["git"]["untracked"]) == (before, False, [])
    place = recorder_modules.load_recorder_module("workspace").locate(str(workspace.exp / "scripts"))
    assert (("literal", "exp/results") in place.records(""), ("literal", "exp/logs") in place.records("")) == (
        count > 250,
        True,
    )


def test_a_changed_line_changes_the_name_and_committing_it_does_not(workspace: Workspace) -> None:
    clean = workspace.name(*TRAIN)
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    workspace.record(*TRAIN)
    dirty = workspace.last()
    assert dirty["git"]["dirty"] and "+LR = 2" in (workspace.root / dirty["git"]["patch"]).read_text()
    git(workspace.root, "add", "-A")
    assert workspace.name(*TRAIN) == dirty["run"]["name"] != clean
    commit_all(workspace.root)
    workspace.record(*TRAIN)
    assert workspace.last()["run"] == {**dirty["run"], "attempt": 2, "uuid": workspace.last()["run"]["uuid"]}
    assert workspace.last()["git"]["dirty"] is False and workspace.last()["git"]["patch"] is None


CHANGES = {
    "a new file": {"src/new.py": "x\n"},
    "a file in a new folder": {"lib/deep/new.py": "x\n"},
    "names that git sorts in its own way": {"src/a/x.py": "x\n", "src/a.py": "x\n", "src/a-b.py": "x\n"},
    "a name with spaces and umlauts": {"src/grüße an alle.py": "x\n"},
    "a file that becomes a folder": {"README.md/x.py": "x\n"},
}


@pytest.mark.parametrize("files", CHANGES.values(), ids=CHANGES)
def test_staged_code_and_committed_code_are_one(workspace: Workspace, files: dict[str, str]) -> None:
    clean = workspace.name(*TRAIN)
    (workspace.root / "README.md").unlink()
    write_tree(workspace.root, files)
    git(workspace.root, "add", "-A")
    staged = workspace.name(*TRAIN)
    commit_all(workspace.root)
    assert workspace.name(*TRAIN) == staged != clean


def test_modes_links_and_deletions_count(workspace: Workspace) -> None:
    names = [workspace.name(*TRAIN)]
    (workspace.root / "src/model.py").chmod(0o755)
    names.append(workspace.name(*TRAIN))
    (workspace.root / "src/model.py").unlink()
    names.append(workspace.name(*TRAIN))
    (workspace.root / "src/model.py").symlink_to("../train.py")
    names.append(workspace.name(*TRAIN))
    assert len(set(names)) == 4
    commit_all(workspace.root)
    assert workspace.name(*TRAIN) == names[-1]


def test_untracked_files_are_told_and_kept_but_name_nothing(workspace: Workspace) -> None:
    before = workspace.name(*TRAIN)
    write_tree(workspace.root, {"notes.txt": "hello\n", "deep/er/x.txt": "x\n", "blob.bin": b"\0"})
    workspace.record(*TRAIN)
    found = workspace.last()
    assert found["run"]["name"] == before and found["git"]["dirty"] is False
    assert found["git"]["untracked"] == ["blob.bin", "deep/er/x.txt", "notes.txt"]
    patch = (workspace.root / found["git"]["patch"]).read_text()
    assert "+hello" in patch and "b/deep/er/x.txt" in patch and "blob.bin" not in patch


def test_no_patch_on_request(workspace: Workspace) -> None:
    write_tree(workspace.root, {"train.py": "print(2)\n"})
    workspace.record("--no-patch", *TRAIN)
    assert workspace.last()["git"]["dirty"] and workspace.last()["git"]["patch"] is None


SCRIPT = "exp/scripts/eval.py"


def test_a_script_of_the_workspace_counts_by_its_content_when_named(workspace: Workspace) -> None:
    write_tree(workspace.root, {SCRIPT: "print(1)\n", "exp/scripts/other.py": "1\n"})
    command = ("--", PYTHON, SCRIPT)
    first, other = workspace.name(*command), workspace.name(*TRAIN)
    workspace.record(*command)
    assert "+print(1)" in (workspace.root / workspace.last()["git"]["patch"]).read_text()
    assert workspace.last()["command"]["files"] == {SCRIPT: hashlib.sha256(b"print(1)\n").hexdigest()}
    commit_all(workspace.root)
    write_tree(workspace.root, {"exp/scripts/other.py": "2\n"})
    assert (workspace.name(*command), workspace.name(*TRAIN)) == (first, other)
    write_tree(workspace.root, {SCRIPT: "print(2)\n"})
    assert workspace.name(*command) != first and workspace.name(*TRAIN) == other


def test_an_untracked_script_counts_when_named(workspace: Workspace) -> None:
    write_tree(workspace.root, {"scratch.py": "print(1)\n"})
    command = ("--", PYTHON, "scratch.py")
    workspace.record(*command)
    first = workspace.last()
    commit_all(workspace.root)
    assert workspace.name(*command) == first["run"]["name"] and first["git"]["dirty"]
    write_tree(workspace.root, {"scratch.py": "print(2)\n"})
    assert workspace.name(*command) != first["run"]["name"]


def test_outputs_named_by_a_command_change_no_name(workspace: Workspace) -> None:
    command = ("--", "sh", "-c", 'echo "$RANDOM$$" > "$0"', "exp/results/out.yaml")
    workspace.record(*command)
    workspace.record(*command)
    assert [attempt for _, attempt in names_and_attempts(workspace)] == [1, 2]


@pytest.mark.parametrize("root", [".wild/experiments", "research/exp"])
def test_a_root_below_another_folder(make_workspace: MakeWorkspace, root: str) -> None:
    files = {"train.py": "print(1)\n", f"{root.split('/')[0]}/code.py": "1\n"}
    workspace = make_workspace(files, experiment_root=root, tasks_path=".agents/wild/s1/tasks.md")
    assert workspace.record(*TRAIN).returncode == 0
    write_tree(workspace.root, {f"{root}/results/x": "1", ".agents/wild/s1/tasks.md": "# Tasks\n"})
    commit_all(workspace.root)
    assert workspace.name(*TRAIN) == workspace.last()["run"]["name"]
    write_tree(workspace.root, {f"{root.split('/')[0]}/code.py": "2\n"})
    changed = workspace.name(*TRAIN)
    commit_all(workspace.root)
    assert workspace.name(*TRAIN) == changed != workspace.last()["run"]["name"]


def test_a_plan_at_the_top_excludes_itself_only(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "print(1)\n", "tasks.md": "# Tasks\n"}, tasks_path="tasks.md")
    before = workspace.name(*TRAIN)
    write_tree(workspace.root, {"tasks.md": "# Tasks\nmore\n", "prompt_skill_playbook.md": "x\n"})
    commit_all(workspace.root)
    assert workspace.name(*TRAIN) == before
    write_tree(workspace.root, {"train.py": "print(2)\n"})
    assert workspace.name(*TRAIN) != before


def test_code_in_a_submodule_counts(make_workspace: MakeWorkspace) -> None:
    library = make_workspace({"lib.py": "1\n"}, name="library").root
    workspace = make_workspace({"train.py": "print(1)\n"})
    git(workspace.root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    commit_all(workspace.root)
    names = [workspace.name(*TRAIN)]
    for text in ("2\n", "3\n"):
        write_tree(workspace.root, {"lib/lib.py": text})
        names.append(workspace.name(*TRAIN))
    commit_all(workspace.root / "lib")
    names.append(workspace.name(*TRAIN))
    assert len(set(names)) == 4
    commit_all(workspace.root)
    assert workspace.name(*TRAIN) == names[-1]


def test_a_name_is_the_same_in_another_clone_and_from_another_folder_it_is_not(workspace: Workspace) -> None:
    clone = workspace.root.parent / "clone"
    git(workspace.root, "clone", "-q", str(workspace.root), str(clone))
    other = Workspace(clone, settings())
    assert other.name(*TRAIN) == workspace.name(*TRAIN)
    below = workspace.name("--", PYTHON, "../train.py", cwd=workspace.root / "src")
    assert below != workspace.name("--", PYTHON, "../train.py", cwd=workspace.exp)
    outside = workspace.record("--", "true", cwd=workspace.root.parent)
    assert outside.returncode == 0 and workspace.last()["command"]["shell"].startswith("cd /")


def test_line_endings_are_gits_business(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "print(1)\n", ".gitattributes": "*.py text eol=crlf\n"})
    write_tree(workspace.root, {"train.py": "print(3)\r\n"})
    dirty = workspace.name(*TRAIN)
    commit_all(workspace.root)
    assert workspace.name(*TRAIN) == dirty


def test_json_counts_where_an_option_calls_it_a_configuration(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "1\n", ".gitignore": "conf/\n"}, name_scheme=2)
    for option in ("--config conf/a.json", "--ds-config=conf/a.json", "model.cfg=conf/a.json", "--config conf/a.yaml"):
        names = []
        for text in ("{}\n", '{"lr": 1}\n'):
            write_tree(workspace.root, {"conf/a.json": text, "conf/a.yaml": text})
            names.append(workspace.name(*TRAIN, *option.split()))
        assert names[0] != names[1], option
    data = ("--data", "conf/a.json")
    before = workspace.name(*TRAIN, *data)
    write_tree(workspace.root, {"conf/a.json": "[1]\n"})
    assert workspace.name(*TRAIN, *data) == before, "data and states rename no run"


def test_a_secret_in_a_configuration_is_no_part_of_the_name(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "1\n"}, name_scheme=2)
    names = []
    for text in ("lr: 1\napi_key: swordfish1\n", "lr: 1\napi_key: swordfish2\n", "lr: 2\napi_key: swordfish2\n"):
        write_tree(workspace.root, {"c.yaml": text})
        names.append((workspace.name(*TRAIN, "--config", "c.yaml"), workspace.name("--config", "c.yaml", *TRAIN)))
    assert names[0] == names[1] and names[2][0] != names[1][0] and names[2][1] != names[1][1]


def test_permissions_count_where_git_looks_at_them(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "1\n"}, name_scheme=2)
    write_tree(workspace.root, {"new.py": "2\n"})
    command = ("--", PYTHON, "new.py")
    names = []
    for mode in ("true", "false"):
        git(workspace.root, "config", "core.fileMode", mode)
        for bits in (0o644, 0o755):
            (workspace.root / "new.py").chmod(bits)
            (workspace.root / "train.py").chmod(bits)
            names.append(workspace.name(*command))
    assert names[0] != names[1] and names[0] == names[2] == names[3]
