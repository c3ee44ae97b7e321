"""update merges the template's changes with the user's, touches nothing else, and is whole or not at all."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

from scaffold.lifecycle.answer_changes import parse_settings
from scaffold.lifecycle.template import releases
from scaffold.workspace import Workspace
from tests.conftest import MakeRepo, Run, commit_all, git, write_tree
from tests.lifecycle.conftest import GUIDE, RULES, MakeInitialized, TemplateRepo, snapshot

ROOT = ".wild/experiments"


@pytest.fixture
def repo(make_initialized: MakeInitialized, template: TemplateRepo) -> Path:
    """A repository with a committed workspace of template v9.0.0."""
    files = {"train.py": "print(1)\n", "README.md": "# Mine\n"}
    made = make_initialized(files, "--goal", "find out", "--template", str(template.path))
    commit_all(made, "workspace")
    return made


def release(template: TemplateRepo, version: str = "v9.1.0") -> None:
    """A newer version: one line of the README changes, a file comes, a file goes."""
    template.edit(GUIDE, "# Experiments", "# Experiments, newer")
    template.add("template/exp/{{ experiment_root }}/NEW.md", "new\n")
    (template.path / "template/exp/{{ experiment_root }}/{{ role_dirs.scripts }}/run_manifest.schema.json").unlink()
    template.tag(version)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def test_brings_what_is_new_and_only_that(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    before = snapshot(repo)
    result = run("update", "--workdir", repo)
    assert result.exit_code == 0
    assert "from v9.0.0 to v9.1.0" in result.stdout
    assert changed(before, snapshot(repo)) == [
        f"{ROOT}/.copier-answers.scaffold.yml",
        f"{ROOT}/NEW.md",
        f"{ROOT}/README.md",
        f"{ROOT}/scripts/run_manifest.schema.json",
    ]
    assert yaml.safe_load((repo / ROOT / ".copier-answers.scaffold.yml").read_text())["_commit"] == "v9.1.0"
    assert "up to date" in run("update", "--workdir", repo).stdout


def test_the_users_edits_stay(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    edit(repo / ROOT / "README.md", "## Who owns what", "## My own section\n\nmine\n\n## Who owns what")
    (repo / ROOT / "AGENTS.md").write_text("my own rules\n")
    (repo / ROOT / "scripts/setup_env.sh").unlink()
    result = run("update", "--workdir", repo, "--json")
    assert result.exit_code == 0
    told = {row["path"].removeprefix(f"{ROOT}/"): row["action"] for row in json.loads(result.stdout)["files"]}
    assert (told["README.md"], "AGENTS.md" in told, "scripts/setup_env.sh" in told) == ("merge", False, False)
    text = (repo / ROOT / "README.md").read_text()
    assert text.startswith("# Experiments, newer") and "## My own section" in text
    assert (repo / ROOT / "AGENTS.md").read_text() == "my own rules\n"


def test_a_conflict_is_marked_in_exactly_that_file(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    edit(repo / ROOT / "README.md", "# Experiments", "# My experiments")
    result = run("update", "--workdir", repo, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["conflicts"] == [f"{ROOT}/README.md"]
    text = (repo / ROOT / "README.md").read_text()
    assert text.startswith("<<<<<<< yours\n# My experiments\n=======\n# Experiments, newer\n>>>>>>> template v9.1.0\n")
    assert [n for n, data in snapshot(repo).items() if b"<<<<<<<" in data] == [f"{ROOT}/README.md"]


def test_an_open_conflict_blocks_the_next_update(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    edit(repo / ROOT / "README.md", "# Experiments", "# My experiments")
    run("update", "--workdir", repo)
    assert '"conflict"' in run("status", "--workdir", repo, "--json").stdout
    template.edit(RULES, "## Read first", "## Read this first")
    template.tag("v9.2.0")
    result = run("update", "--workdir", repo)
    assert (result.exit_code, "still open in .wild/experiments/README.md" in result.stderr) == (1, True)


def test_plan_playbook_and_records_are_never_touched(repo: Path, run: Run, template: TemplateRepo) -> None:
    for name in ["tasks.md.jinja", "playbook.md.jinja"]:
        (template.path / "template/parts" / name).write_text("something else entirely\n")
    for role in ["logs", "metadata", "results", "outputs", "analysis"]:
        guide = next(template.path.glob(f"template/exp/*yield*/*{role}*/README.md.jinja"))
        guide.write_text("another text\n")
    template.edit(GUIDE, "# Experiments", "# Experiments, newer")
    template.tag("v9.1.0")
    write_tree(repo / ROOT, {"metadata/run.json": "{}", "logs/run.out": "x", "results/t.csv": "1"})
    (repo / ROOT / "tasks.md").unlink()
    before = snapshot(repo)
    assert run("update", "--workdir", repo).exit_code == 0
    assert changed(before, snapshot(repo)) == [f"{ROOT}/.copier-answers.scaffold.yml", f"{ROOT}/README.md"]


@pytest.mark.parametrize(
    "state", ["dirty", "staged", "uncommitted workspace", "ignored workspace", "mid-merge", "not git"]
)
def test_works_in_any_state_of_the_repository(repo: Path, run: Run, template: TemplateRepo, state: str) -> None:
    release(template)
    (repo / "train.py").write_text("print(2)\n")
    (repo / "untracked.txt").write_text("x")
    if state == "staged":
        git(repo, "add", "-A")
    elif state in ("uncommitted workspace", "ignored workspace"):
        git(repo, "rm", "-rq", "--cached", ".wild")
        git(repo, "commit", "-qm", "out")
        (repo / ".gitignore").write_text(".wild/\n" if state.startswith("ignored") else "")
    elif state == "mid-merge":
        commit_all(repo)
        git(repo, "checkout", "-qb", "side", "HEAD~1")
        (repo / "train.py").write_text("print(3)\n")
        commit_all(repo)
        subprocess.run(["git", "-C", str(repo), "merge", "-q", "main"], capture_output=True)
    elif state == "not git":
        shutil.rmtree(repo / ".git")
    edit(repo / ROOT / "README.md", "## Who owns what", "## Mine\n\n## Who owns what")
    before = snapshot(repo)
    index = git(repo, "status", "--porcelain", "--", ":!.wild") if state != "not git" else ""
    assert run("update", "--workdir", repo).exit_code == 0
    after = snapshot(repo)
    assert "# Experiments, newer" in after[f"{ROOT}/README.md"].decode() and b"## Mine" in after[f"{ROOT}/README.md"]
    assert all(name.startswith(".wild/") for name in changed(before, after))
    assert index == (git(repo, "status", "--porcelain", "--", ":!.wild") if state != "not git" else "")


def test_a_deleted_file_stays_deleted_and_a_renamed_one_stays_renamed(
    repo: Path, run: Run, template: TemplateRepo
) -> None:
    release(template)
    (repo / ROOT / "README.md").rename(repo / ROOT / "GUIDE.md")
    result = run("update", "--workdir", repo)
    assert result.exit_code == 0 and "stays deleted" in result.stdout
    assert not (repo / ROOT / "README.md").exists() and (repo / ROOT / "GUIDE.md").exists()


def test_a_dropped_file_that_was_edited_stays(repo: Path, run: Run, template: TemplateRepo) -> None:
    schema = repo / ROOT / "scripts/run_manifest.schema.json"
    release(template)
    schema.write_text("mine")
    result = run("update", "--workdir", repo)
    assert "you changed it, so it stays" in result.stdout
    assert schema.read_text() == "mine"


def test_a_users_file_where_the_template_has_a_new_one_stays(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    (repo / ROOT / "NEW.md").write_text("my own\n")
    result = run("update", "--workdir", repo)
    assert result.exit_code == 0 and "yours is kept" in result.stdout
    assert (repo / ROOT / "NEW.md").read_text() == "my own\n"
    template.edit("template/exp/{{ experiment_root }}/NEW.md", "new", "newer")
    template.tag("v9.2.0")
    run("update", "--workdir", repo)
    assert (repo / ROOT / "NEW.md").read_text() == "my own\n", "and stays the user's in every later update"


def test_a_file_that_was_the_users_before_init_is_never_updated(
    make_repo: MakeRepo, run: Run, template: TemplateRepo
) -> None:
    made = make_repo({"exp/README.md": "mine\n", "exp/x.txt": ""})
    run("init", "--workdir", made, "--yes", "--template", template.path)
    release(template)
    assert run("update", "--workdir", made).exit_code == 0
    assert (made / "exp/README.md").read_text() == "mine\n"
    assert (made / "exp/NEW.md").exists()


def test_an_executable_bit_of_the_template_arrives(repo: Path, run: Run, template: TemplateRepo) -> None:
    script = "template/exp/{{ experiment_root }}/{{ role_dirs.scripts }}/helper.sh"
    template.add(script, "#!/bin/sh\n")
    (template.path / script).chmod(0o755)
    template.tag("v9.1.0")
    run("update", "--workdir", repo)
    assert (repo / ROOT / "scripts/helper.sh").stat().st_mode & 0o100


def test_a_new_file_that_the_user_has_already_becomes_executable(repo: Path, run: Run, template: TemplateRepo) -> None:
    script = "template/exp/{{ experiment_root }}/{{ role_dirs.scripts }}/helper.sh"
    template.add(script, "#!/bin/sh\n")
    (template.path / script).chmod(0o755)
    template.tag("v9.1.0")
    (repo / ROOT / "scripts/helper.sh").write_text("#!/bin/sh\n")
    assert run("update", "--workdir", repo).exit_code == 0
    mode = (repo / ROOT / "scripts/helper.sh").stat().st_mode
    assert mode & 0o111 == (mode & 0o444) >> 2 != 0, "whoever may read it may run it"


def test_dry_run_prints_a_patch_that_git_applies(repo: Path, run: Run, template: TemplateRepo, tmp_path: Path) -> None:
    release(template)
    before = snapshot(repo)
    result = run("update", "--workdir", repo, "--dry-run")
    assert result.exit_code == 0
    assert snapshot(repo) == before
    copy = tmp_path / "copy"
    shutil.copytree(repo, copy)
    (tmp_path / "update.patch").write_text(result.stdout)
    git(copy, "apply", str(tmp_path / "update.patch"))
    run("update", "--workdir", repo)
    assert snapshot(copy) == snapshot(repo)


def test_dry_run_says_that_there_would_be_conflicts(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    edit(repo / ROOT / "README.md", "# Experiments", "# My experiments")
    before = snapshot(repo)
    assert run("update", "--workdir", repo, "--dry-run").exit_code == 3
    assert snapshot(repo) == before


def test_check_exits_3_when_there_is_a_newer_version(repo: Path, run: Run, template: TemplateRepo) -> None:
    assert run("update", "--workdir", repo, "--check").exit_code == 0
    release(template)
    result = run("update", "--workdir", repo, "--check", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {
        "version": 1, "root": ROOT, "template": "v9.0.0", "newest": "v9.1.0", "update_available": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [["--to", "v9.0.0"], ["--set", "primary_metric=x"], ["--template", "x"], ["--base", "v9.0.0"], ["--dry-run"]],
)
def test_check_refuses_what_would_have_no_effect_beside_it(repo: Path, run: Run, other: list[str]) -> None:
    result = run("update", "--workdir", repo, "--check", *other)
    assert (result.exit_code, result.stdout) == (
        2,
        "",
    ) and f"--check and {other[0]} cannot go together" in result.stderr


def test_to_names_a_version_also_an_earlier_one(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    template.edit(GUIDE, "newer", "newest")
    template.tag("v9.2.0")
    assert run("update", "--workdir", repo, "--to", "v9.1.0").exit_code == 0
    assert (repo / ROOT / "README.md").read_text().startswith("# Experiments, newer")
    assert run("update", "--workdir", repo, "--to", "v9.0.0").exit_code == 0
    assert (repo / ROOT / "README.md").read_text().startswith("# Experiments\n")
    result = run("update", "--workdir", repo, "--to", "v8.8.8")
    assert (result.exit_code, "v8.8.8" in result.stderr) == (1, True)


def test_a_moved_template_is_found_in_the_bundle_or_said_to_be_gone(
    repo: Path, run: Run, template: TemplateRepo
) -> None:
    template.path.rename(template.path.with_name("moved"))
    for command in ["status", "update", "remove"]:
        result = run(command, "--workdir", repo)
        assert result.exit_code == 1
        assert "v9.0.0, which this package does not have" in result.stderr and "--base" in result.stderr
    result = run("update", "--workdir", repo, "--base", releases.CURRENT)
    assert result.exit_code == 0
    found = yaml.safe_load((repo / ROOT / ".copier-answers.scaffold.yml").read_text())
    assert found["_commit"] == releases.newest_template_version()
    assert run("update", "--workdir", repo, "--check").exit_code == 0


def test_update_from_a_moved_template_named_by_hand(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    moved = template.path.with_name("moved")
    template.path.rename(moved)
    answers = repo / ROOT / ".copier-answers.scaffold.yml"
    edit(answers, f"_src_path: {template.path}", f"_src_path: {moved}")
    assert run("update", "--workdir", repo).exit_code == 0
    assert (repo / ROOT / "NEW.md").exists()


@pytest.mark.parametrize(
    "source", ["nowhere", "ext::sh -c 'touch hacked'", "--upload-pack=touch hacked", "not-a-template"]
)
def test_a_template_that_is_none(repo: Path, run: Run, make_repo: MakeRepo, source: str) -> None:
    if source == "not-a-template":
        source = str(make_repo({"a": ""}, name="not-a-template"))
    before = snapshot(repo.parent)
    result = run("update", "--workdir", repo, f"--template={source}")
    assert result.exit_code == 1 and "hint:" in result.stderr
    assert snapshot(repo.parent) == before


def test_a_new_question_is_answered_by_detection_and_a_wish_by_its_default(
    repo: Path, run: Run, template: TemplateRepo
) -> None:
    text = (template.path / "copier.yml").read_text()
    (template.path / "copier.yml").write_text(
        text + "\nnew_question:\n  type: str\n  help: New\n  default: some value\n"
    )
    template.tag("v9.1.0")
    assert run("update", "--workdir", repo).exit_code == 0
    assert yaml.safe_load((repo / ROOT / ".copier-answers.scaffold.yml").read_text())["new_question"] == "some value"


def test_facts_stay_as_they_were_recorded(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    write_tree(repo, {"uv.lock": "", "exp/a.txt": ""})
    commit_all(repo)
    run("update", "--workdir", repo)
    found = yaml.safe_load((repo / ROOT / ".copier-answers.scaffold.yml").read_text())
    assert (found["environment"]["manager"], found["experiment_root"]) == ("none", ROOT)


def test_set_changes_an_answer_and_what_follows_from_it(repo: Path, run: Run) -> None:
    result = run("update", "--workdir", repo, "--set", "primary_metric=val/loss", "--set", "memories=[one, two]")
    assert result.exit_code == 0
    assert "`val/loss`" in (repo / ROOT / "README.md").read_text()
    assert "- two" in (repo / ROOT / "AGENTS.md").read_text()
    assert "nothing to do" in run("update", "--workdir", repo, "--set", "primary_metric=val/loss").stdout


def test_set_changes_one_value_of_a_fact(repo: Path, run: Run) -> None:
    """What enters the environment may be wrong, or missing on this machine."""
    for prefix in ("uv run", ""):
        assert run("update", "--workdir", repo, "--set", f"environment.run_prefix={prefix}").exit_code == 0
        facts = json.loads((repo / ROOT / "scripts" / "workspace.json").read_text())
        assert (facts["run_prefix"] or "") == prefix
    assert run("update", "--workdir", repo, "--set", "environment.nothing=1").exit_code == 2


@pytest.mark.parametrize(
    ("setting", "code", "reason"),
    [
        ("goal=x", 2, "names no answer"),
        ("primary_metric", 2, "names no answer"),
        ("_commit=v1", 2, "names no answer"),
        ("experiment_root=lab", 1, "an update moves none"),
        ("metric_direction=sideways", 1, "cannot be rendered"),
        ("research_server_url=http://u:p@h", 1, "cannot be rendered"),
        ("memories=[", 2, "no YAML"),
        ("memories=!!int x", 2, "no YAML"),
        ("evolutionary_sweeps=maybe", 2, "is no true or false"),
        ("environment=5", 2, "is no YAML mapping"),
    ],
)
def test_a_setting_that_cannot_be(repo: Path, run: Run, setting: str, code: int, reason: str) -> None:
    before = snapshot(repo)
    result = run("update", "--workdir", repo, "--set", setting)
    assert (result.exit_code, reason in result.stderr) == (code, True), result.stderr
    assert snapshot(repo) == before


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("beat issue #5", "beat issue #5"),
        ("*all* of it", "*all* of it"),
        ("2024-13-45", "2024-13-45"),
        ("5", "5"),
        ("", ""),
        ("'in quotes # too'", "in quotes # too"),
        ("'twas the best", "'twas the best"),
        ("'a': b", "'a': b"),
    ],
)
def test_a_text_is_set_as_it_is_typed(typed: str, answer: str) -> None:
    there = Workspace(workdir=Path(), root=ROOT, answers={"experiment_goal": "find out"})
    assert parse_settings(there, [f"experiment_goal={typed}"]) == {"experiment_goal": answer}


def test_a_date_in_a_list_of_texts_is_text() -> None:
    there = Workspace(workdir=Path(), root=ROOT, answers={"memories": []})
    assert parse_settings(there, ["memories=[2024-01-01, it failed]"]) == {"memories": ["2024-01-01", "it failed"]}


def test_add_gives_an_experiment_folders_of_its_own(make_repo: MakeRepo, run: Run) -> None:
    made = make_repo()
    run("init", "--workdir", made, "--yes", "--layout", "per-experiment")
    (made / ROOT / "baseline/logs/README.md").write_text("mine\n")
    result = run("add", "wider", "--workdir", made, "--json")
    assert result.exit_code == 0
    created = [row["path"] for row in json.loads(result.stdout)["files"] if row["action"] == "create"]
    roles = ["analysis", "logs", "metadata", "outputs", "results", "scripts"]
    assert sorted(created) == [f"{ROOT}/wider/{role}/README.md" for role in roles]
    assert (made / ROOT / "baseline/logs/README.md").read_text() == "mine\n"
    assert "nothing to do" in run("add", "wider", "--workdir", made).stdout


def test_an_experiment_that_would_be_a_file_too_is_refused(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes", "--layout", "per-experiment")
    before = snapshot(repo)
    assert run("add", "--workdir", repo, "README.md").exit_code == 2
    result = run("update", "--workdir", repo, "--set", "experiments=[baseline, README.md]")
    assert (result.exit_code, "a file and a folder have the same name" in result.stderr) == (1, True)
    assert snapshot(repo) == before


def test_add_in_a_flat_workspace_says_what_the_flat_way_is(make_repo: MakeRepo, run: Run) -> None:
    made = make_repo()
    run("init", "--workdir", made, "--yes")
    result = run("add", "wider", "--workdir", made)
    assert (result.exit_code, "scaffold run --experiment wider -- COMMAND" in result.stderr) == (1, True)


@pytest.mark.parametrize("name", ["a b", "../x", "logs", "", "-x", "x" * 65])
def test_add_refuses_a_name_that_cannot_be(make_repo: MakeRepo, run: Run, name: str) -> None:
    made = make_repo()
    run("init", "--workdir", made, "--yes", "--layout", "per-experiment")
    assert run("add", "--workdir", made, "--", name).exit_code == 2


def test_line_ends_that_git_changed_are_no_edit_of_the_user(repo: Path, run: Run, template: TemplateRepo) -> None:
    git(repo, "config", "core.autocrlf", "true")
    shutil.rmtree(repo / ".wild")
    git(repo, "checkout", "--", ".")
    assert b"\r\n" in (repo / ROOT / "README.md").read_bytes()
    states = {row["state"] for row in json.loads(run("status", "--workdir", repo, "--json").stdout)["files"]}
    assert states == {"same"}
    release(template)
    assert run("update", "--workdir", repo).exit_code == 0
    data = (repo / ROOT / "README.md").read_bytes()
    assert data.startswith(b"# Experiments, newer\r\n") and data.count(b"\n") == data.count(b"\r\n")
    assert run("remove", "--workdir", repo).exit_code == 0
    assert not (repo / ".wild").exists()


def test_the_mode_that_a_file_has_stays(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    (repo / ROOT / "README.md").chmod(0o600)
    run("update", "--workdir", repo)
    assert (repo / ROOT / "README.md").stat().st_mode & 0o777 == 0o600


def test_markers_in_the_plan_are_the_users_business(repo: Path, run: Run, template: TemplateRepo) -> None:
    release(template)
    (repo / ROOT / "tasks.md").write_text("<<<<<<< yours\n")
    assert run("update", "--workdir", repo).exit_code == 0


def test_a_relative_template_is_found_from_anywhere(
    make_repo: MakeRepo, run: Run, template: TemplateRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_repo(name="elsewhere")
    monkeypatch.chdir(template.path.parent)
    assert run("init", "--workdir", made, "--yes", "--template", template.path.name).exit_code == 0
    monkeypatch.chdir("/")
    assert run("status", "--workdir", made).exit_code == 0


def test_a_gone_source_is_said_by_check_too(repo: Path, run: Run, template: TemplateRepo) -> None:
    template.path.rename(template.path.with_name("moved"))
    result = run("update", "--workdir", repo, "--check")
    assert (result.exit_code, "this package does not have" in result.stderr) == (1, True)


def test_update_from_a_git_url(make_repo: MakeRepo, run: Run, template: TemplateRepo) -> None:
    git(template.path, "update-server-info")
    handler = functools.partial(QuietHandler, directory=str(template.path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/.git"
        made = make_repo(name="elsewhere")
        assert run("init", "--workdir", made, "--yes", "--template", url).exit_code == 0
        release(template)
        git(template.path, "update-server-info")
        for untold in ("update --check", "update"):
            refused = run(*untold.split(), "--workdir", made)
            assert (refused.exit_code, f"--template {url}" in refused.stderr) == (1, True), "nobody said to fetch it"
        assert run("update", "--workdir", made, "--template", url).exit_code == 0
        server.shutdown()
    assert (made / ROOT / "NEW.md").exists()
    assert run("status", "--workdir", made).exit_code == 0, "what it made of the answers is kept"
    shutil.rmtree(made / ".git/scaffold")
    assert run("status", "--workdir", made).exit_code == 1, "without its source an unreleased version cannot be had"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
