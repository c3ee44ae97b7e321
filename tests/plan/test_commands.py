"""`scaffold plan`: what each command prints, where it prints it, and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.plan.document import server_loop_protocol
from tests.conftest import Run
from tests.plan.cases import FOLDER

BAD = FOLDER / "bad"


def test_check_of_a_good_plan_is_one_line_and_exit_0(run: Run, plan: Path) -> None:
    result = run("plan", "check")
    assert (result.exit_code, result.stdout) == (0, "exp/tasks.md: 4 phases, 10 tasks: 0 errors, 0 warnings\n")


def test_check_names_line_column_code_message_and_hint(run: Run, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("done-when: 5 runs finished in main", "done-when: works"))
    result = run("plan", "check", "exp/tasks.md")
    assert result.exit_code == 3
    first, hint, last = result.stdout.splitlines()
    line = plan.read_text().splitlines()[26]
    assert (
        first == f'exp/tasks.md:27:{line.index("done-when") + 1}: P204 task P3-T1 has no checkable done-when ("works")'
    )
    assert hint.startswith("    hint: ")
    assert last == "exp/tasks.md: 4 phases, 10 tasks: 1 error, 0 warnings"


def test_check_json_is_the_object_of_the_contract(run: Run, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("done-when: 5 runs finished in main", "done-when: works"))
    result = run("plan", "check", "--json")
    answer = json.loads(result.stdout)
    (found,) = answer.pop("findings")
    counts = {"phases": 4, "tasks": 10, "errors": 1, "warnings": 0, "left_out": 0}
    assert answer == {"version": 1, "path": "exp/tasks.md", "aborted": False, **counts}
    assert list(found) == ["line", "column", "code", "severity", "task", "message", "hint", "fixable"]
    assert (found["line"], found["code"], found["severity"], found["task"], found["fixable"]) == (
        27,
        "P204",
        "error",
        "P3-T1",
        False,
    )
    assert result.exit_code == 3


def test_check_of_an_aborted_plan(run: Run) -> None:
    result = run("plan", "check", FOLDER / "good/aborted.md", "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["aborted"], answer["findings"]) == (0, True, [])


def test_select_ignore_and_strict(run: Run) -> None:
    bad = BAD / "choices_open.md"
    assert run("plan", "check", bad).exit_code == 0
    assert run("plan", "check", bad, "--strict").exit_code == 3
    assert run("plan", "check", bad, "--strict", "--ignore", "P0").exit_code == 0
    assert run("plan", "check", BAD / "server_template.md", "--select", "p901,P3").exit_code == 0
    result = run("plan", "check", bad, "--select", "Q1")
    assert result.exit_code == 2 and "no rule's code begins with Q1" in result.stderr


def test_an_ignore_without_a_reason_has_no_effect_and_says_so(run: Run, plan: Path) -> None:
    text = plan.read_text().replace("Ablation: ", "")
    plan.write_text(text + "<!-- plan: ignore P501 -->\n")
    result = run("plan", "check")
    assert result.exit_code == 3 and "P501" in result.stdout
    assert result.stderr.startswith("warning: line 47: write `<!-- plan: ignore CODES because REASON -->`")
    plan.write_text(text + "<!-- plan: ignore P501 because nothing can be taken away -->\n")
    result = run("plan", "check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("0 errors, 0 warnings, 1 ignored by the plan\n")
    plan.write_text(text + "```\n<!-- plan: ignore P501 because this is an example -->\n```\n")
    assert run("plan", "check").exit_code == 3


def test_fresh_and_server_are_told(run: Run, plan: Path, repo: Path) -> None:
    assert "P605" in run("plan", "check", BAD / "fresh_done.md", "--fresh").stdout
    assert "P603" in run("plan", "check", "--server").stdout
    answers = repo / "exp/.copier-answers.scaffold.yml"
    answers.write_text(
        answers.read_text().replace("research_server_url: ''", "research_server_url: http://127.0.0.1:10000")
    )
    assert "P603" in run("plan", "check").stdout
    assert "P603" not in run("plan", "check", "--no-server").stdout


def test_a_plan_that_is_not_there(run: Run, plan: Path, repo: Path) -> None:
    plan.unlink()
    result = run("plan", "check")
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr == f"error: there is no plan at {plan}\nhint: write one: scaffold init --goal '...'\n"
    (repo / "exp/.copier-answers.scaffold.yml").unlink()
    assert "scaffold init" in run("plan", "next").stderr


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe# Tasks\n- [ ] \x80\x00\x1b[31m", b"\x00" * 50, "\u202e- [~] \u05d0".encode()]
)
def test_any_bytes_are_answered(run: Run, tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.md"
    path.write_bytes(raw)
    for form in ((), ("--json",)):
        result = run("plan", "check", path, *form)
        assert result.exit_code == 3 and "\x1b" not in result.stdout
    for command in ("show", "graph"):
        assert run("plan", command, path).exit_code == 0


def test_rules_lists_all_and_explains_one(run: Run) -> None:
    listed = run("plan", "rules", "--limit", "0").stdout.splitlines()
    assert len(listed) == 36 and listed[0] == "P001    the file starts with `# Tasks`"
    one = run("plan", "rules", "p208").stdout
    assert "wrong:  -[ ] [P1-T2]" in one and "right:  - [ ] [P1-T2]" in one
    assert run("plan", "rules", "P999").exit_code == 2
    assert len(json.loads(run("plan", "rules", "--limit", "0", "--json").stdout)["rules"]) == 36


def test_next_prints_the_task_with_all_it_takes(run: Run, plan: Path) -> None:
    text = plan.read_text()
    plan.write_text(
        text.replace("- [ ] [P1-", "- [x] [P1-").replace(
            "captured to files |", "captured to files: `python exp/scripts/record_run.py -- x` |"
        )
    )
    assert run("plan", "next").stdout == (
        "P2-T1  Check deterministic run names and that stdout and stderr are captured to files: `python exp/scripts/record_run.py -- x`\n"
        "  depends: P1-T2\n  deliverable: exp/analysis/names.md\n  done-when: two attempts bear one name\n"
        "  $ python exp/scripts/record_run.py -- x\n"
    )
    answer = json.loads(run("plan", "next", "--json").stdout)
    assert (answer["version"], answer["done"], answer["total"]) == (1, 3, 10)
    assert answer["task"]["id"] == "P2-T1" and answer["task"]["commands"] == ["python exp/scripts/record_run.py -- x"]


def test_next_prefers_what_is_in_progress_and_passes_over_what_waits(run: Run, plan: Path) -> None:
    text = plan.read_text()
    plan.write_text(text.replace("- [ ] [P3-T1]", "- [/] [P3-T1]"))
    assert run("plan", "next").stdout.startswith("P3-T1")
    plan.write_text(
        text.replace("[P1-T1] Read train.py and its configuration |", "[P1-T1] Read train.py | depends: P1-T2 |")
    )
    assert run("plan", "next").stdout.startswith("P1-T2")


def test_next_when_all_is_done_or_everything_waits(run: Run, plan: Path) -> None:
    plan.write_bytes((FOLDER / "good/all_done.md").read_bytes())
    result = run("plan", "next")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "all tasks are done\n")
    plan.write_text("# Tasks\n## Phase 1 - a\n- [ ] [P1-T1] a | depends: P1-T1\n")
    result = run("plan", "next", "--json")
    assert result.exit_code == 3 and json.loads(result.stdout)["task"] is None


def test_next_of_an_aborted_plan(run: Run) -> None:
    result = run("plan", "next", FOLDER / "good/aborted.md")
    assert (result.exit_code, result.stdout) == (3, "") and "the plan is aborted" in result.stderr


LOST = "-[ ] [P4-T1] Ablation: this line lacks a space"


def test_a_plan_with_a_lost_task_is_not_finished(run: Run, plan: Path) -> None:
    plan.write_text((FOLDER / "good/all_done.md").read_text().replace("## Phase 4", f"{LOST}\n\n## Phase 4"))
    for result in (run("plan", "next"), run("plan", "next", "--json")):
        assert result.exit_code == 3 and "looks like a task and is not one is left (line " in result.stderr
    refused = run("plan", "emit", "--promise", "DONE")
    assert (refused.exit_code, refused.stdout) == (1, "") and "looks like a task and is not one" in refused.stderr
    assert "is left: `scaffold plan check`" in run("brief", "--for", "execution").stdout
    plan.write_text(plan.read_text() + "\n<!-- plan: ignore P208 because the line is an example -->\n")
    assert run("plan", "next").exit_code == run("plan", "emit", "--promise", "DONE").exit_code == 0


def test_a_task_without_an_id_has_none_in_json_and_none_takes_it_up(run: Run, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("[P1-T1] ", "").replace("[P4-T2] ", ""))
    answer = json.loads(run("plan", "show", "--json").stdout)
    assert answer["next"] is None and answer["blocked"][-1]["task"] is None and answer["gates"][-1]["task"] is None
    assert run("plan", "start", "").exit_code == run("plan", "done", "[]", "--force", "x").exit_code == 1
    assert not plan.with_name("tasks.record.json").exists()


def test_show_and_graph(run: Run, plan: Path) -> None:
    plan.write_text(
        plan.read_text().replace("- [ ] [P1-T1]", "- [x] [P1-T1]").replace("- [ ] [P1-T2]", "- [/] [P1-T2]")
    )
    shown = run("plan", "show").stdout
    assert shown.startswith("[######..............] 1/3  Phase 1 - Code Understanding\n")
    assert "1 of 10 tasks done\ncurrent  P1-T2  Set up the isolated environment\n" in shown
    assert "blocked  P2-T3  Run the baseline with 5 seeds (waits for P2-T2)" in shown
    assert "gate     P3-T2  Midpoint reflection: go on or replan\n" in shown
    answer = json.loads(run("plan", "show", "--json").stdout)
    assert (answer["current"], answer["next"], answer["done"]) == ("P1-T2", "P1-T2", 1)
    assert {"task": "P4-T2", "state": "open"} in answer["gates"]
    graph = run("plan", "graph").stdout
    assert graph.startswith("flowchart TD\n") and "  P1_T1 --> P2_T3\n" in graph and "  class P1_T1 done\n" in graph


def test_emit_is_the_plan_as_the_server_reads_it(run: Run, plan: Path) -> None:
    out = run("plan", "emit").stdout
    assert out == f"<plan>\n{plan.read_text().strip()}\n</plan>\n"
    plan.write_text(plan.read_text() + "\n`</plan>`\n")
    result = run("plan", "emit")
    assert result.exit_code == 1 and "would cut it there" in result.stderr and result.stdout == ""


def test_emit_of_the_other_tags(run: Run, plan: Path) -> None:
    result = run("plan", "emit", "--summary", "Ran it.", "--promise", "WAITING")
    assert result.stdout == "<summary>Ran it.</summary>\n<promise>WAITING</promise>\n"
    refused = run("plan", "emit", "--promise", "DONE")
    assert refused.exit_code == 1 and "10 task(s) of the plan are not done" in refused.stderr
    plan.write_bytes((FOLDER / "good/all_done.md").read_bytes())
    assert run("plan", "emit", "--promise", "DONE").stdout == "<promise>DONE</promise>\n"
    assert run("plan", "emit", "--promise", "DONE", "--plan").stdout.startswith("<plan>\n# Tasks")


def test_abort_writes_the_checklist_and_keeps_the_plan(run: Run, plan: Path) -> None:
    before = plan.read_bytes()
    plan.chmod(0o600)
    result = run("plan", "abort", "--reason", "GET /docs:\n502 </plan>")
    assert result.exit_code == 0
    assert (
        result.stdout
        == "<summary>Server docs/API preflight failed; planning aborted.</summary>\n<promise>DONE</promise>\n"
    )
    assert plan.with_name("tasks.before-abort.md").read_bytes() == before
    modes = {path.stat().st_mode & 0o777 for path in (plan, plan.with_name("tasks.before-abort.md"))}
    assert modes == {0o600}, "what only its owner may read stays so"
    assert server_loop_protocol.SENTINEL in plan.read_text() and "GET /docs: 502 < /plan>" in plan.read_text()
    assert run("plan", "check").stdout == "exp/tasks.md: an aborted plan\n"
    assert run("plan", "emit", "--promise", "DONE").exit_code == 0
    run("plan", "abort", "--reason", "again")
    assert not plan.with_name("tasks.before-abort-2.md").exists()


def test_check_imports_nothing_heavy(plan: Path) -> None:
    code = (
        "import sys; from scaffold.cli.main import group; group(['plan', 'check'], standalone_mode=False); "
        "print(sorted(set(sys.modules) & {'yaml', 'git', 'rich', 'copier', 'httpx', 'markdown_it', 'jinja2'}))"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=plan.parent
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
