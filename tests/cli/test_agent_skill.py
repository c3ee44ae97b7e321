"""`scaffold init --agent-skill`: a folder that is a valid Agent Skill, useful without a server, and never over somebody's file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from scaffold.playbook import agent_skill
from scaffold.workspace import Workspace
from tests.cli import lines
from tests.cli.story import TRAIN
from tests.conftest import MakeRepo, Run, git, write_tree
from tests.stand_in import StandIn

Init = Callable[..., Result]
USUAL = Path(".agents/skills/experiments/SKILL.md")


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo({"train.py": TRAIN})


@pytest.fixture
def init(run: Run, repo: Path) -> Init:
    """Call init in the repository."""
    return lambda *args: run("init", "--workdir", repo, "--root", "exp", "--yes", *args)


def created_files(text: str) -> int:
    """How many files are listed as created; a line may stand for a folder: `exp/scripts/_record_run/ (48 files)`."""
    lines = re.findall(r"^create  +\S+(?: \((\d+) files\))?$", text, re.MULTILINE)
    return sum(int(number or 1) for number in lines)


def valid(path: Path) -> dict[str, str]:
    """The front matter of a SKILL.md that keeps the rules of the standard (agentskills.io/specification)."""
    text = path.read_text()
    assert path.name == "SKILL.md" and text.startswith("---\n")
    _, head, body = text.split("---\n", 2)
    found = yaml.safe_load(head)
    assert set(found) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found["name"]) and len(found["name"]) <= 64
    assert found["name"] == path.parent.name
    assert 0 < len(found["description"]) <= 1024 and found["description"].strip()
    assert body.strip() and len(text.splitlines()) < 500
    assert isinstance(found, dict)
    return found


def test_the_loop_with_this_workspaces_commands_and_the_playbook(init: Init, repo: Path) -> None:
    done = init("--agent-skill", "--json")
    files = {row["path"]: row["action"] for row in json.loads(done.stdout)["files"]}
    assert done.exit_code == 0 and files[USUAL.as_posix()] == "create" and json.loads(done.stdout)["written"]
    said = valid(repo / USUAL)
    assert "exp" in said["description"] and "Use before planning" in said["description"]
    text = (repo / USUAL).read_text()
    assert text.index("## The loop") < text.index("# Prompt-skill playbook")
    assert (repo / "exp/prompt_skill_playbook.md").read_text().strip() in text
    assert "-- python train.py --seed 1`" in text and "preflight`; exit 3" not in text
    called = {" ".join(lines.parsed(line)) for line in lines.of(text)}
    assert {"run", "sweep new", "sweep launch", "results", "plan verify", "plan done", "report"} <= called


def test_again_changes_nothing_and_the_playbook_command_keeps_it_up_to_date(init: Init, run: Run, repo: Path) -> None:
    init("--agent-skill")
    before = (repo / USUAL).read_bytes()
    assert "nothing to do" in init("--agent-skill").stdout and (repo / USUAL).read_bytes() == before
    there = ("--workdir", repo, "--skill", repo / USUAL.parent)
    assert run("playbook", *there, "--check").exit_code == 0
    playbook = repo / "exp/prompt_skill_playbook.md"
    playbook.write_text(playbook.read_text() + "\nMine.\n")
    assert "replace" in init("--agent-skill").stdout and "Mine." in (repo / USUAL).read_text()


def test_a_later_init_adds_the_skill_alone(init: Init, repo: Path) -> None:
    init()
    done = init("--agent-skill", "tools/skills/research")
    assert "wrote 1 of" in done.stdout and valid(repo / "tools/skills/research/SKILL.md")["name"] == "research"


def test_a_dry_run_says_so_and_writes_nothing(init: Init, repo: Path) -> None:
    done = init("--agent-skill", "--dry-run")
    assert f"create  {USUAL}" in re.sub(" +", "  ", done.stdout)
    created = created_files(done.stdout)
    assert created > 40 and f"would write {created} of {created} files" in done.stdout
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "text",
    ["---\nname: experiments\ndescription: mine\n---\n", "begin", "edited"],
    ids=["another", "no marks", "edited"],
)
def test_somebodys_file_is_kept(init: Init, repo: Path, text: str) -> None:
    if text == "edited":
        init("--agent-skill")
        text = (repo / USUAL).read_text().replace("## The loop", "## My loop")
    write_tree(repo, {USUAL.as_posix(): text})
    done = init("--agent-skill")
    assert done.exit_code == 0 and "keep" in done.stdout and "yours is kept" in done.stdout
    assert (repo / USUAL).read_text() == text and (repo / "exp/AGENTS.md").is_file()


def test_a_link_out_of_the_repository_is_not_followed(init: Init, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (repo / ".agents").symlink_to(tmp_path / "elsewhere")
    done = init("--agent-skill")
    assert done.exit_code == 0 and "linked" in done.stdout and not list((tmp_path / "elsewhere").iterdir())


def test_a_folder_beside_the_repository_is_no_link_out_of_it(init: Init, repo: Path) -> None:
    done = init("--agent-skill", "../skills/research")
    assert done.exit_code == 0 and "linked" not in done.stdout
    assert valid(repo.parent / "skills/research/SKILL.md")["name"] == "research"


def test_what_is_answered_on_a_terminal_is_in_the_skill(run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.cli.common.output.may_prompt", lambda **_: True)
    asked = run(
        "init",
        "--workdir",
        repo,
        "--agent-skill",
        input="lab\nIs it faster?\nacc\nmaximize\nhttp://127.0.0.1:9\nfull\nn\ny\n",
    )
    created = created_files(asked.stdout)
    assert created > 40 and f"would write {created} of {created} files" in asked.stdout
    assert f"Write {created} files?" in asked.stdout
    text = (repo / USUAL).read_text()
    assert "# Experiments in `lab`" in text and ".wild" not in text and "`scaffold preflight`; exit 3" in text


def test_on_a_terminal_nothing_is_written_before_it_is_asked(
    init: Init, run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init()
    monkeypatch.setattr("scaffold.cli.common.output.may_prompt", lambda **_: True)
    asked = run("init", "--workdir", repo, "--agent-skill", input="n\n")
    assert "Write 1 file?" in asked.stdout and asked.exit_code == 1 and not (repo / USUAL).exists()


def test_a_name_that_cannot_be_one_is_refused_before_anything_is_written(init: Init, repo: Path) -> None:
    done = init("--agent-skill", ".claude/skills/My_Skill")
    assert done.exit_code == 2 and "name the directory my-skill" in done.stderr
    assert git(repo, "status", "--porcelain") == ""


def test_with_a_server_it_says_when_not_to_begin(run: Run, repo: Path, stand_in: StandIn) -> None:
    run("init", "--workdir", repo, "--yes", "--server-url", stand_in.url, "--agent-skill")
    assert "`scaffold preflight`; exit 3: do not begin" in (repo / USUAL).read_text()
    valid(repo / USUAL)


def test_a_playbook_that_is_too_long_is_named_and_not_held(tmp_path: Path) -> None:
    there = Workspace(workdir=tmp_path, root="exp", answers={"experiments": ["a b"], "entry_points": []})
    text = agent_skill.format_workspace_skill(there, "line\n" * 600)
    assert text.count("\n") < 100 and "read `exp/prompt_skill_playbook.md`" in text
    assert "--experiment 'a b'" in text and "-- python SCRIPT.py" in text
