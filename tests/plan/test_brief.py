"""`scaffold brief`: short enough to be read, whole enough to plan from, and without a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scaffold.plan.brief.context import BriefContext
from scaffold.plan.brief.execution import format_execution_brief
from scaffold.plan.brief.planning import format_planning_brief
from scaffold.plan.brief.server_api import LISTED, shorten_endpoint
from scaffold.plan.document import server_loop_protocol
from scaffold.plan.rules.check import check_plan, list_plan_rules
from scaffold.plan.tasks.run_summaries import RunSummary
from scaffold.sweeps.search.spec import parse_search_spec
from tests.conftest import Run as RunCommand
from tests.plan.conftest import AddRun
from tests.plan.test_skeleton import ANSWERS, HYDRA, SLURM, render

URL = "http://kim:secret@127.0.0.1:10000/"


def situation(
    *, full: bool = False, runs: tuple[RunSummary, ...] = (), log: str = "", plan: str | None = None, **answers: object
) -> BriefContext:
    report = check_plan(plan) if plan is not None else None
    return BriefContext(
        answers={**ANSWERS, **answers}, workdir="/data/project", report=report, runs=runs, log=log, full=full
    )


def tokens(text: str) -> float:
    """An upper estimate: three characters a token, where English has about four and code and URLs about three."""
    return len(text) / 3


LONG: dict[str, Any] = {
    "experiment_goal": "word " * 5_000,
    "steering_text": "word " * 5_000,
    "memories": ["a lesson " * 100] * 50,
    "repository_findings": ["a finding " * 30] * 60,
    "repository_risks": ["a risk " * 30] * 60,
    "entry_points": [HYDRA] * 12,
    "slurm": SLURM,
    "research_server_url": "http://127.0.0.1:10000",
    "research_session_id": "wild-0a1b2c3d",
    "evolutionary_sweeps": True,
}


@pytest.mark.parametrize("answers", [{}, {"research_server_url": URL, "slurm": SLURM, "evolutionary_sweeps": True}])
def test_stays_below_4000_tokens(answers: dict[str, Any]) -> None:
    assert tokens(format_planning_brief(situation(**answers))) < 4_000
    assert tokens(format_execution_brief(situation(plan=render(**answers), log="said " * 5_000, **answers))) < 4_000


def test_stays_below_it_whatever_was_written() -> None:
    text = format_planning_brief(replace(situation(**LONG), history=["python train.py " + "--lr 1 " * 100] * 20))
    assert tokens(text) < 4_000
    assert tokens(format_execution_brief(situation(plan=render(), log="said " * 5_000, **LONG))) < 4_000
    assert "more (--full)" in text and "[...]" in text
    assert len(format_planning_brief(situation(full=True, **LONG))) > 3 * len(text)


def test_planning_holds_all_that_planning_takes() -> None:
    text = format_planning_brief(
        situation(
            research_server_url=URL,
            research_session_id="wild-1",
            slurm=SLURM,
            steering_text="Be quick.",
            memories=["Seeds matter."],
        )
    )
    for part in (
        "> Find out whether label smoothing lowers the validation loss.",
        "> Be quick.",
        "- Seeds matter.",
        "entry point train.py, seed option --seed (train.py:12)",
        "python3 exp/scripts/record_run.py --experiment baseline --seed 1 --task P2-T3 -- uv run python train.py --seed 1",
        'http://127.0.0.1:10000/sweeps/wild -d \'{"name": "baseline"',
        '"chat_session_id": "wild-1"',
        "max_new_runs = max(0, min(q, g - r))",
        "`uv sync`",
        "  - partitions: `gpu`",
        "prompt_skill_playbook.md",
        "midpoint reflection",
        "scaffold plan check --fresh",
        "scaffold plan emit",
        "scaffold plan abort",
    ):
        assert part in text, part
    assert "evo_sweep" not in text and "evo_sweep" in format_planning_brief(situation(evolutionary_sweeps=True))


def test_an_evolutionary_search_is_ours_with_this_repositorys_script_metric_and_parameters() -> None:
    entry = {"path": "src/fit.py", "kind": "train", "command": "python src/fit.py --lr 0.01 --layers 4 --seed 3"}
    text = format_planning_brief(
        situation(evolutionary_sweeps=True, entry_points=[entry], primary_metric="val/acc", metric_direction="maximize")
    )
    assert "scaffold sweep evolve SPEC" in text
    spec = json.loads(text.partition("<evo_sweep>")[2].partition("</evo_sweep>")[0])
    assert (spec["target_script"], spec["fitness_metric"], spec["fitness_direction"]) == (
        "src/fit.py",
        "val/acc",
        "max",
    )
    assert spec["search_space"].keys() == {"lr", "layers"} and spec["search_space"]["layers"] == {"low": 2, "high": 8}
    assert parse_search_spec(json.dumps(spec))


def test_full_holds_every_rule_and_every_operation() -> None:
    text = format_planning_brief(situation(full=True, research_server_url="http://127.0.0.1:1"))
    assert all(f"- {rule.code}" in text for rule in list_plan_rules())
    assert all(f"`{one.method} http://127.0.0.1:1{shorten_endpoint(one)}`" in text for one in LISTED)


def test_no_secret_stands_in_a_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", "t0psecret")
    for text in (
        format_planning_brief(situation(research_server_url=URL)),
        format_execution_brief(situation(research_server_url=URL)),
    ):
        assert "secret" not in text and "X-Auth-Token: $RESEARCH_AGENT_USER_AUTH_TOKEN" in text


def test_without_a_server_nothing_is_said_to_one() -> None:
    text = format_planning_brief(situation())
    assert "curl" not in text and "None is set" in text


def test_what_a_user_wrote_makes_no_heading_and_no_task() -> None:
    text = format_planning_brief(situation(experiment_goal="x\n# Evil\n- [ ] evil", memories=["y\n# Evil"]))
    assert "\n# Evil" not in text and "\n- [ ] evil" not in text


def test_execution_names_the_task_the_runs_the_findings_and_the_log() -> None:
    plan = (
        render(primary_metric="")
        .replace("- [ ] [P1-T", "- [x] [P1-T")
        .replace("- [ ] [P2-T1]", "- [x] [P2-T1]")
        .replace("- [ ] [P2-T2]", "- [x] [P2-T2]")
    )
    known = tuple(
        RunSummary(
            name=f"baseline-s{n}",
            experiment="baseline",
            status="finished",
            task="P2-T3",
            started_at="",
            metrics={"val/loss": 3 + n},
        )
        for n in range(12)
    )
    assert "--task P1-T1 -- " in format_execution_brief(situation(plan=render()))
    assert "--task ID -- " in format_execution_brief(situation())
    text = format_execution_brief(situation(plan=plan, runs=known, log="old\n" * 2_000 + "# the last entry"))
    assert "## Task (7 of 18 done)\n\n**P2-T3** (next): Run the baseline with seeds 1 to 5" in text
    assert (
        "- done-when: 5 runs finished in baseline\n```bash\nscaffold sweep launch baseline --smoke\nscaffold sweep launch baseline --wait\n"
        in text
    )
    assert (
        "Recent runs (12 in all)\n\n- `baseline-s11`: finished, task P2-T3, val/loss=14\n" in text
        and "baseline-s3`" not in text
    )
    assert "P007 a choice is open" in text
    assert "> # the last entry" in text and text.count("> old") < 400


def test_execution_of_a_plan_that_is_missing_aborted_or_done() -> None:
    assert "There is no plan yet" in format_execution_brief(situation())
    assert "The plan is aborted" in format_execution_brief(
        situation(plan=server_loop_protocol.format_abort_checklist("502"))
    )
    assert "Every task is done." in format_execution_brief(situation(plan=render().replace("- [ ]", "- [x]")))


def test_the_command(run: RunCommand, repo: Path, plan: Path, add_run: AddRun) -> None:
    add_run("baseline-s1", metrics={"loss": 1})
    (repo / "exp/metadata/broken.json").write_text("[")
    plan.with_name("iteration_log.md").write_bytes(b"\xff saw it\n")
    first = run("brief")
    assert (
        first.exit_code == 0
        and first.stdout.startswith("# Planning brief (iteration 0)\n")
        and "> Find out: is it so" in first.stdout
    )
    assert first.stdout == run("brief", "--workdir", repo / "exp").stdout
    second = run("brief", "--for", "execution")
    assert second.exit_code == 0 and "`baseline-s1`: finished, loss=1" in second.stdout and "saw it" in second.stdout


def test_the_command_without_a_workspace(run: RunCommand, tmp_path: Path) -> None:
    result = run("brief", "--workdir", tmp_path)
    assert result.exit_code == 1 and "scaffold init" in result.stderr


def test_a_server_that_cannot_be_asked_is_named_as_it_was_given(
    run: RunCommand, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", "ftp://h")
    result = run("brief")
    assert result.exit_code == 0 and "warning: $RESEARCH_AGENT_SERVER_URL is not an http URL" in result.stderr
