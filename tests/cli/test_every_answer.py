"""Every command that takes --json, called once: what it prints holds its schema (the hook in conftest.py looks at each answer)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.cli.common import answer_schemas
from scaffold.cli.main import group
from scaffold.ideas import trial_runs
from scaffold.ideas.loop_state import JudgingStep
from tests import answers
from tests.cli.story import SPEC, TRAIN
from tests.conftest import MakeRepo, Run, commit_all, write_tree
from tests.stand_in import StandIn

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def asked() -> Iterator[set[tuple[str, ...]]]:
    """The commands that were asked."""
    yield set()


@pytest.fixture
def ask(run: Run, make_repo: MakeRepo, asked: set[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A function that calls a command with --json in a repository; its answer."""
    monkeypatch.chdir(make_repo({"train.py": TRAIN, "notes.md": "The mean loss is 0.15.\n", "search.md": SPEC}))

    def call(*args: str, code: int = 0) -> dict[str, Any]:
        at = args.index("--") if "--" in args else len(args)
        done = run(*args[:at], "--json", *args[at:])
        assert done.exit_code == code, done.output
        words = answers.command_of(args)
        asked.add(words)
        return answers.check(words, done.stdout)

    return call


def of_a_workspace(ask: Ask) -> None:
    assert ask("detect")["entry_points"][0]["path"] == "train.py"
    assert ask("detect", "--explain", "entry_points")["fields"]
    wanted = ("--root", "exp", "--layout", "per-experiment", "--experiment", "main", "--metric", "loss")
    assert ask("init", *wanted, "--direction", "minimize", "--goal", "which lr", "--evolutionary")["written"]
    commit_all(Path())
    assert ask("add", "wide")["files"]
    assert ask("status")["summary"]["same"] > 10
    assert not ask("update", "--check")["update_available"]
    assert ask("update", "--set", "experiment_goal=why", "--dry-run")["patch"]
    assert ask("brief")["for"] == "planning"
    commit_all(Path())


def of_a_plan(ask: Ask) -> None:
    assert ask("plan", "check")["errors"] == 0
    assert ask("plan", "rules", "P104")["rules"][0]["code"] == "P104"
    assert ask("plan", "show")["total"] > 5
    assert ask("plan", "graph")["mermaid"].startswith("flowchart")
    assert ask("plan", "next")["task"]["id"] == "P1-T1"
    assert ask("plan", "start", "P1-T1")["state"] == "in progress"
    assert not ask("plan", "done", "P1-T1", code=3)["marked"]
    assert ask("plan", "done", "P1-T1", "--force", "it is a test")["marked"]
    assert ask("plan", "verify", code=3)["failed"] == 1
    words = ("--deliverable", "exp/main/analysis/d.md", "--done-when", "the file names the splits")
    assert ask("plan", "add", "2", "Look at the data", *words)["task"].startswith("P2-T")
    assert ask("plan", "log", "a line", "--task", "P1-T1")["task"] == "P1-T1"
    assert ask("plan", "fix", "--diff")["written"] is False
    assert ask("plan", "emit", "--summary", "done")["text"] == "<summary>done</summary>"
    Path("todo.md").write_text("- [ ] a\n- [ ] b\n- [ ] c\n")
    assert ask("plan", "convert", "todo.md")["kind"] == "plain list"
    assert ask("guard", "--command", "ls")["refused"] is False
    kept = ask("plan", "abort", "--reason", "no power")["kept"]
    assert kept and ask("plan", "resume")["resumed"] == kept


def of_sweeps(ask: Ask) -> None:
    command = ("--", "python3", "train.py")
    options = ("--experiment", "main", "--grid", "lr=0.1,0.2", "--seeds", "1-3")
    assert ask("sweep", "new", "lr", "--goal", "which lr", *options, *command)["count"] == 6
    assert ask("sweep", "list")["sweeps"][0]["sweep"] == "lr"
    assert len(ask("sweep", "show", "lr", "--limit", "1")["runs"]) == 1
    assert ask("sweep", "capacity", "lr")["g"] >= 1
    assert ask("sweep", "launch", "lr", "--dry-run")["would_start"]
    assert ask("sweep", "launch", "lr", "--smoke", "--smoke-args", "--pause 0")["fine"]
    assert ask("sweep", "launch", "lr", "--wait", "--cpus-per-run", "1")["counts"] == {"finished": 6}
    assert ask("sweep", "status", "lr")["over"] == 6
    assert ask("sweep", "watch", "lr")["over"] == 6
    assert ask("sweep", "stop", "lr")["still_there"] == []
    assert ask("sweep", "evolve", "search.md", "--backend", "local")["best"]


def of_runs(ask: Ask) -> None:
    commit_all(Path())
    record = ask(
        "run", "--experiment", "main", "--seed", "7", "--", "python3", "train.py", "--lr", "0.2", "--seed", "7"
    )["run"]
    assert (record["status"], record["metrics"]) == ("finished", {"loss": 0.27})
    found = ask("runs", "list", "--limit", "2")
    assert len(found["runs"]) == 2 and found["left_out"] > 4
    assert ask("runs", "show", record["name"])["logs"]["stdout"]["head"] == "trained\n"
    one, other = (run["name"] for run in found["runs"])
    assert ask("runs", "diff", one, other)["differences"]
    assert ask("runs", "rerun", record["name"])["same"]
    assert ask("runs", "withdraw", other, "--because", "a test")["runs"][0]["withdrawn"] == "a test"
    assert ask("runs", "withdraw", other, "--undo")["runs"][0]["withdrawn"] is None
    assert ask("runs", "audit", code=3)["findings"]
    assert ask("runs", "metrics", record["name"])["observations"][0]["source"].startswith(record["path"][:4])
    assert ask("runs", "cite", "0.27")["numbers"][0]["backing"]
    assert ask("runs", "cite", record["path"])["runs"]
    assert ask("runs", "restore")["records"] == []
    assert ask("runs", "gc")["cited"] == 0
    assert ask("runs", "export", "--ro-crate", "crate")["runs"] > 6


def of_ideas(ask: Ask) -> None:
    commit_all(Path())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial_runs, "run_judging_step", always_one)
        _of_ideas(ask)


def always_one(incumbent: Any, candidate: Any, step: JudgingStep, **_: Any) -> trial_runs.JudgingStepResults:
    """Runs that all give the same; real ones are in tests/ideas."""
    sides = (
        [trial_runs.IdeaTrialRunResult(seed, 1.0, "run") for seed in seeds]
        for seeds in (step.incumbent, step.candidate)
    )
    return trial_runs.JudgingStepResults(*map(tuple, sides))


def _of_ideas(ask: Ask) -> None:
    options = ("--metric", "loss", "--backend", "local", "--apply", "--seeds", "none")
    assert ask("ideas", "start", "width", *options, "--", "python3", "train.py")["noise"] == 0
    train = Path("train.py")
    train.write_text(train.read_text().replace('print("trained")', 'print("trained well")'))
    tried = ask("try", "say so", code=3)
    assert tried["idea"]["status"] == "dropped" and tried["idea"]["tree"] == "done"
    assert "trained well" not in train.read_text()
    assert ask("ideas", "list")["ideas"][0]["idea"] == 1
    assert ask("ideas", "show", "1")["history"][0]["event"] == "began"
    assert "trained well" in ask("ideas", "diff", "1")["patch"]
    assert ask("ideas", "restore", "1")["paths"] == ["train.py"]
    assert ask("ideas", "similar", code=3)["same"]["idea"] == 1
    assert ask("try", "say so again", code=3)["known"] is True
    assert ask("ideas", "again", "1", code=3)["idea"]["of"] == 1
    assert ask("ideas", "keep", "1", "--because", "it is nicer")["idea"]["tree"] == "done"
    assert ask("ideas", "best")["chain"][-1]["idea"] == 1
    assert ask("ideas", "claim")["change"] == 0
    assert ask("ideas", "chart")["points"][-1]["idea"] == 2
    assert ask("ideas", "watch")["running"] == []
    Path("trials.tsv").write_text("commit\tloss\tstatus\tdescription\nabcdef0\t1\tkeep\twider\n")
    assert ask("ideas", "import", "trials.tsv")["imported"] == 1
    assert ask("ideas", "export")["table"].startswith("idea\tstatus")
    assert ask("ideas", "drop", "1", "--because", "no, it is not")["idea"]["status"] == "dropped"


def of_results(ask: Ask) -> None:
    assert ask("results", "--sweep", "lr")["rows"][0]["index"] == 0
    assert ask("results", "compare", "lr=0.1", "lr=0.2", "--sweep", "lr")["comparisons"][0]["verdict"]
    assert ask("results", "ablation", "--reference", "lr=0.1", "--sweep", "lr")["changes"]
    assert ask("results", "sensitivity", "lr", "--sweep", "lr")["curves"]
    assert ask("report")["bytes"] > 1000
    assert ask("report", "--check", "notes.md", code=3)["findings"][0]["number"] == "0.15"
    assert ask("report", "plots", "--out", "plots")["files"]


def of_a_server(ask: Ask, stand_in: StandIn) -> None:
    state = stand_in.state
    sweep = state.create_sweep({"name": "grid"})[1]["id"]
    (run,) = (state.create_run({"command": "true", "sweep_id": sweep, "name": "r"})[1]["id"],)
    state.start_run(run)
    state.alert(run, "loss is NaN")
    here = ("--server-url", stand_in.url)
    assert ask("preflight", *here)["ready"]
    assert ask("playbook", *here)["skills"]
    assert ask("server", "status", *here)["alerts"]
    assert ask("server", "events", *here)["events"]
    stand_in.finish(run, 0)
    assert ask("server", "logs", run, *here)["run"] == run


def test_every_command_with_json_answers(ask: Ask, asked: set[tuple[str, ...]], stand_in: StandIn) -> None:
    of_a_workspace(ask)
    of_a_server(ask, stand_in)
    of_a_plan(ask)
    of_sweeps(ask)
    of_runs(ask)
    of_results(ask)
    of_ideas(ask)
    assert ask("schema")["commands"][0]["command"] == "detect"
    assert ask("schema", "runs", "list")["schema"]["$defs"]["run"]
    assert ask("remove", "--dry-run")["written"] is False
    assert asked == {
        words for words, command in answer_schemas.list_cli_commands(group) if answer_schemas.takes_json_option(command)
    }


def test_without_json_a_schema_is_printed_as_it_is(run: Run) -> None:
    assert json.loads(run("schema", "sweep", "status").stdout) == answer_schemas.build_command_answer_schema(
        ("sweep", "status")
    )
    assert run("schema").stdout.splitlines()[0].startswith("detect  ")
    wrong = run("schema", "runs", "lst")
    assert (wrong.exit_code, wrong.stdout) == (2, "") and "did you mean 'runs list'?" in wrong.stderr


def test_an_answer_says_what_people_read(ask: Ask, run: Run) -> None:
    ask("init")
    assert ask("brief")["text"] == run("brief").stdout
    assert ask("plan", "graph")["mermaid"] + "\n" == run("plan", "graph").stdout
    assert ask("plan", "emit", "--plan")["text"] + "\n" == run("plan", "emit", "--plan").stdout
    started = {"version": 1, "task": "P1-T1", "state": "in progress", "warnings": []}
    assert ask("plan", "start", "P1-T1") == started
    refused = ask("plan", "done", "P1-T1", code=3)
    assert (refused["holds"], refused["marked"]) == (False, False)
    write_tree(Path(), {".wild/experiments/analysis/codebase_notes.md": "train.py:1 prints hello\n"})
    done = ask("plan", "done", "P1-T1")
    assert (done["holds"], done["marked"]) == (True, True)
