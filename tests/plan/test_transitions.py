"""Taking up, finishing and verifying tasks, on disk: claimed is not done."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.errors import ScaffoldError
from scaffold.plan.document import plan_file
from tests.conftest import Run
from tests.plan.conftest import AddRun
from tests.runs.conftest import until

PROJECT = Path(__file__).parents[2]
NOTES = "exp/analysis/notes.md"


def line_of(plan: Path, task: str) -> str:
    return next(line for line in plan.read_text().splitlines() if f"[{task}]" in line)


def record_of(plan: Path, task: str) -> dict[str, object]:
    found = json.loads(plan.with_name("tasks.record.json").read_text())
    assert found["version"] == 1
    entry = found["tasks"][task]
    assert isinstance(entry, dict)
    return entry


def deliver(repo: Path, path: str = NOTES, text: str = "train.py:1 seed\n") -> Path:
    file = repo / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_start_marks_one_character_and_writes_down_when(run: Run, plan: Path) -> None:
    before = plan.read_bytes()
    result = run("plan", "start", "P1-T1")
    assert (result.exit_code, result.stdout) == (0, "")
    assert plan.read_bytes() == before.replace(b"- [ ] [P1-T1]", b"- [/] [P1-T1]")
    assert str(record_of(plan, "P1-T1")["started_at"]).endswith("Z")
    assert sorted(path.name for path in plan.parent.iterdir()) == [
        ".copier-answers.scaffold.yml",
        "tasks.md",
        "tasks.record.json",
    ]


def test_start_again_keeps_the_first_time(run: Run, plan: Path) -> None:
    run("plan", "start", "P1-T1")
    path = plan.with_name("tasks.record.json")
    path.write_text(path.read_text().replace("20", "19", 1))
    before = path.read_text()
    run("plan", "start", "p1-t1")
    assert path.read_text() == before


def test_start_after_it_was_done_and_opened_again_forgets_the_hashes(run: Run, plan: Path, repo: Path) -> None:
    deliver(repo)
    run("plan", "done", "P1-T1")
    plan.write_text(plan.read_text().replace("- [x] [P1-T1]", "- [ ] [P1-T1]"))
    run("plan", "start", "P1-T1")
    assert record_of(plan, "P1-T1").keys() == {"started_at", "done_at"}
    deliver(repo, text="written anew\n")
    assert run("plan", "verify", "P1-T1").exit_code == 0


def test_start_warns_of_what_is_in_progress_and_what_is_not_done(run: Run, plan: Path) -> None:
    run("plan", "start", "P1-T2")
    result = run("plan", "start", "P2-T1")
    assert result.exit_code == 0
    assert "warning: P1-T2 is in progress too\n" in result.stderr
    assert "warning: P2-T1 depends on P1-T2, which is not done\n" in result.stderr


def test_a_long_plan_is_not_told_whole_where_a_task_is_not_there(run: Run, plan: Path) -> None:
    tasks = "".join(f"- [ ] [P1-T{number}] a\n" for number in range(1, 500))
    plan.write_text("# Tasks\n## Phase 1 - a\n" + tasks)
    assert len(run("plan", "start", "P9-T9").stderr) < 500


@pytest.mark.parametrize(("task", "said"), [("P9-T9", "the plan has no task P9-T9"), ("", "the plan has no task")])
def test_a_task_that_is_not_there(run: Run, plan: Path, task: str, said: str) -> None:
    result = run("plan", "start", task)
    assert result.exit_code == 1 and said in result.stderr and "P1-T1, P1-T2" in result.stderr


def test_an_id_that_two_tasks_bear(run: Run, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("[P1-T2]", "[P1-T1]"))
    result = run("plan", "start", "P1-T1")
    assert result.exit_code == 1 and "the id of 2 tasks (lines 15, 16)" in result.stderr


def test_done_without_the_deliverable_is_refused(run: Run, plan: Path) -> None:
    before = plan.read_bytes()
    result = run("plan", "done", "P1-T1")
    assert result.exit_code == 3
    assert f"  FAIL deliverable: {NOTES} does not exist\n" in result.stdout
    assert plan.read_bytes() == before and not plan.with_name("tasks.record.json").exists()


def test_done_with_it_is_marked_and_hashed(run: Run, plan: Path, repo: Path) -> None:
    deliver(repo)
    result = run("plan", "done", "P1-T1")
    assert result.exit_code == 0, result.output
    assert line_of(plan, "P1-T1").startswith("- [x] ")
    entry = record_of(plan, "P1-T1")
    assert entry["deliverables"] == {NOTES: hashlib.sha256(b"train.py:1 seed\n").hexdigest()}
    assert run("plan", "verify").exit_code == 0


def test_a_deliverable_that_changed_after_it_was_done(run: Run, plan: Path, repo: Path) -> None:
    deliver(repo)
    run("plan", "done", "P1-T1")
    deliver(repo, text="something else\n")
    result = run("plan", "verify")
    assert result.exit_code == 3 and "changed after the task was done" in result.stdout
    assert run("plan", "done", "P1-T1").exit_code == 0, "finishing again writes new hashes"
    assert run("plan", "verify").exit_code == 0


def test_a_file_of_a_pattern_that_is_gone_since(run: Run, plan: Path, repo: Path) -> None:
    plan.write_text(plan.read_text().replace(NOTES, "exp/analysis/*.md"))
    deliver(repo)
    (repo / "exp/analysis/more.md").write_text("more\n")
    run("plan", "done", "P1-T1")
    assert run("plan", "verify").exit_code == 0
    (repo / "exp/analysis/more.md").unlink()
    result = run("plan", "verify")
    assert result.exit_code == 3 and "exp/analysis/*.md lacks exp/analysis/more.md, which was there" in result.stdout
    assert run("plan", "done", "P1-T1").exit_code == run("plan", "verify").exit_code == 0


@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="setpriv is needed to act as an ordinary user"
)
@pytest.mark.parametrize("closed", ["exp/analysis/d/inner", "exp/analysis/d/inner/b"])
def test_a_deliverable_that_may_not_be_read(repo: Path, plan: Path, closed: str) -> None:
    """In a process without the capability to read everything, which root has."""
    plan.write_text(plan.read_text().replace(NOTES, "exp/analysis/d"))
    (repo / "exp/analysis/d/inner").mkdir(parents=True)
    for name in ("a", "inner/b"):
        (repo / "exp/analysis/d" / name).write_text("x")
    (repo / closed).chmod(0o400 if closed.endswith("inner") else 0)
    command = [sys.executable, "-m", "scaffold", "plan", "done", "P1-T1"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    (repo / closed).chmod(0o700)
    assert done.returncode == 3 and "exp/analysis/d cannot be read (" in done.stdout, done


def test_force_writes_its_reason_down(run: Run, plan: Path) -> None:
    result = run("plan", "done", "P1-T1", "--force", "the notes are on paper")
    assert result.exit_code == 0
    assert record_of(plan, "P1-T1")["forced"] == "the notes are on paper"
    log = plan.with_name("iteration_log.md").read_text()
    assert (
        "although it does not verify: the notes are on paper" in log and f"- deliverable: {NOTES} does not exist" in log
    )
    assert run("plan", "verify").exit_code == 3
    assert run("plan", "done", "P1-T2", "--force", " ").exit_code == 2


@pytest.mark.parametrize(
    ("deliverable", "make", "said"),
    [
        ("a.md", lambda repo: (repo / "a.md").touch(), "is empty"),
        ("out", lambda repo: (repo / "out").mkdir(), "is an empty directory"),
        (
            "a.log",
            lambda repo: deliver(repo, ".gitignore", "*.log\n") and deliver(repo, "a.log"),
            "is ignored by git (.gitignore:1: *.log)",
        ),
        (
            "link.md",
            lambda repo: (repo / "link.md").symlink_to(deliver(repo.parent, "outside.md")),
            "leads out of the work directory",
        ),
        ("gone.md", lambda repo: (repo / "gone.md").symlink_to("nowhere"), "cannot be read"),
        ("*.csv", lambda repo: None, "does not exist"),
        ("../x.md", lambda repo: deliver(repo.parent, "x.md"), "leaves the work directory"),
        ("a.md, b.md", lambda repo: deliver(repo, "a.md"), "b.md does not exist"),
    ],
)
def test_deliverables_that_do_not_verify(
    run: Run, plan: Path, repo: Path, deliverable: str, make: Callable[[Path], object], said: str
) -> None:
    plan.write_text(plan.read_text().replace(NOTES, deliverable))
    make(repo)
    result = run("plan", "verify", "P1-T1")
    assert result.exit_code == 3 and said in result.stdout, result.stdout


@pytest.mark.parametrize("deliverable", ["r/*.csv", "r", "`r/a b.csv`", "r/a b.csv"])
def test_deliverables_that_verify(run: Run, plan: Path, repo: Path, deliverable: str) -> None:
    plan.write_text(plan.read_text().replace(NOTES, deliverable))
    deliver(repo, "r/a b.csv")
    result = run("plan", "verify", "P1-T1")
    assert result.exit_code == 0, result.stdout


def test_a_deliverable_from_before_the_start(run: Run, plan: Path, repo: Path) -> None:
    file = deliver(repo)
    os.utime(file, (1_000_000_000, 1_000_000_000))
    assert run("plan", "verify", "P1-T1").exit_code == 0, "never started: nothing to compare with"
    run("plan", "start", "P1-T1")
    result = run("plan", "verify", "P1-T1")
    assert result.exit_code == 3 and "is older than the task's start" in result.stdout


def test_a_deliverable_from_after_the_start(run: Run, plan: Path, repo: Path) -> None:
    run("plan", "start", "P1-T1")
    deliver(repo)
    assert run("plan", "done", "P1-T1").exit_code == 0


def with_condition(plan: Path, repo: Path, condition: str) -> None:
    deliver(repo)
    plan.write_text(plan.read_text().replace("the notes name every option with its line", condition))


def test_a_command_is_run_only_when_told(run: Run, plan: Path, repo: Path) -> None:
    with_condition(plan, repo, "`echo said | tee ran.txt`")
    refused = run("plan", "done", "P1-T1")
    assert refused.exit_code == 3 and "was not run (--run runs it)" in refused.stdout
    assert not (repo / "ran.txt").exists()
    assert run("plan", "verify", "P1-T1").exit_code == 0, "not run is not failed"
    assert run("plan", "done", "P1-T1", "--run").exit_code == 0
    assert (repo / "ran.txt").read_text() == "said\n"
    assert (repo / "exp/verify/P1-T1.log").read_text() == "$ echo said | tee ran.txt\nsaid\n"


def test_a_command_that_fails_or_takes_too_long(run: Run, plan: Path, repo: Path) -> None:
    with_condition(plan, repo, "`exit 7`")
    result = run("plan", "verify", "P1-T1", "--run")
    assert result.exit_code == 3 and "`exit 7` exited with 7" in result.stdout
    plan.write_text(plan.read_text().replace("`exit 7`", "`sleep 60 & wait`"))
    begun = time.monotonic()
    result = run("plan", "verify", "P1-T1", "--run", "--timeout", "0.3")
    assert result.exit_code == 3 and "took longer than 0.3 s" in result.stdout
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_ends_with_whoever_runs_it(plan: Path, repo: Path, number: signal.Signals) -> None:
    with_condition(plan, repo, "`echo $$ >pid; sleep 60 & wait`")
    command = [sys.executable, "-m", "scaffold", "plan", "done", "P1-T1", "--run"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: (repo / "pid").is_file() and (repo / "pid").read_text().strip() != "")
        process.send_signal(number)
        assert process.wait(timeout=30) != 0
    group = int((repo / "pid").read_text())
    until(lambda: not is_group_alive(group))
    assert line_of(plan, "P1-T1").startswith("- [ ] ")


def is_group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_where_a_commands_output_cannot_be_kept(run: Run, plan: Path, repo: Path) -> None:
    with_condition(plan, repo, "`true`")
    (repo / "exp/verify").touch()
    result = run("plan", "verify", "P1-T1", "--run")
    assert result.exit_code == 1 and "cannot be kept in " in result.stderr


def test_runs_and_metrics_are_read_off_the_manifests(run: Run, plan: Path, repo: Path, add_run: AddRun) -> None:
    with_condition(plan, repo, "2 runs finished in baseline and val/loss <= 3.2 in baseline")
    add_run("a", metrics={"val/loss": 3.0})
    add_run("b", status="failed")
    result = run("plan", "verify", "P1-T1")
    assert result.exit_code == 3 and "FAIL done-when: 1 of 2 runs finished in baseline\n" in result.stdout
    add_run("b", attempt=2, metrics={"val/loss": 3.3})
    result = run("plan", "verify", "P1-T1")
    assert result.exit_code == 0, result.stdout
    assert "ok   done-when: val/loss is 3.15, the mean of 2 finished run(s) in baseline\n" in result.stdout
    add_run("c", metrics={"val/loss": 9.0})
    assert run("plan", "done", "P1-T1").exit_code == 3, "the mean counts, not the best"


def test_of_a_run_its_first_finished_attempt_counts(run: Run, plan: Path, repo: Path, add_run: AddRun) -> None:
    """As in results and sweeps: a later attempt replaces nothing, and one that failed takes nothing back."""
    with_condition(plan, repo, "1 run finished in baseline and val/loss <= 3.1 in baseline")
    add_run("a", metrics={"val/loss": 3.0})
    add_run("a", attempt=2, metrics={"val/loss": 3.3})
    add_run("a", attempt=3, status="failed")
    assert run("plan", "verify", "P1-T1").exit_code == 0


def test_each_finished_attempt_of_a_run_without_a_seed_counts(
    run: Run, plan: Path, repo: Path, add_run: AddRun
) -> None:
    with_condition(plan, repo, "2 runs finished in baseline and val/loss <= 3.16 in baseline")
    add_run("a", metrics={"val/loss": 3.3}, seed=None)
    add_run("a", attempt=2, metrics={"val/loss": 3.0}, seed=None)
    assert run("plan", "verify", "P1-T1").exit_code == 0


def test_runs_are_those_of_the_plans_own_workspace(run: Run, plan: Path, repo: Path, add_run: AddRun) -> None:
    with_condition(plan, repo, "1 run finished in baseline")
    answers = (plan.parent / ".copier-answers.scaffold.yml").read_text()
    deliver(
        repo,
        "other/.copier-answers.scaffold.yml",
        answers.replace("root: exp", "root: other").replace("exp/tasks", "other/tasks"),
    )
    add_run("a", folder="other/metadata")
    assert "FAIL done-when: 0 of 0 runs finished" in run("plan", "verify", "P1-T1", "--file", plan).stdout
    add_run("a")
    assert run("plan", "verify", "P1-T1", "--file", plan).exit_code == 0


def test_json_of_verify(run: Run, plan: Path, repo: Path) -> None:
    deliver(repo)
    answer = json.loads(run("plan", "verify", "P1-T1", "--json").stdout)
    (task,) = answer["tasks"]
    assert (answer["version"], task["task"], task["holds"]) == (1, "P1-T1", True)
    assert [check["holds"] for check in task["checks"]] == [True, None]


@pytest.mark.parametrize("text", ["{", "[]", '{"tasks": {"P1-T1": 5}}', '{"tasks": {"P1-T1": {"started_at": 5}}}'])
def test_a_record_that_cannot_be_read_is_an_error(run: Run, plan: Path, text: str) -> None:
    plan.with_name("tasks.record.json").write_text(text)
    result = run("plan", "start", "P1-T1")
    assert result.exit_code == 1 and "tasks.record.json cannot be read" in result.stderr
    assert line_of(plan, "P1-T1").startswith("- [ ] ")


def test_add_is_one_line_at_the_end_of_the_phase(run: Run, plan: Path) -> None:
    before = plan.read_text().splitlines()
    result = run(
        "plan",
        "add",
        "3",
        "Look\nat | it",
        "--deliverable",
        "exp/a.md",
        "--done-when",
        "`a | b` prints x",
        "--depends",
        "P3-T1",
    )
    assert (result.exit_code, result.stdout) == (0, "P3-T3\n"), result.output
    after = plan.read_text().splitlines()
    new = [line for line in after if line not in before]
    assert new == [
        "- [ ] [P3-T3] Look at \\| it | depends: P3-T1 | deliverable: exp/a.md | done-when: `a | b` prints x"
    ]
    assert after[after.index(new[0]) - 1] == "  - continue-if: the difference is larger than the noise floor"
    assert [line for line in after if line not in new] == before


def test_add_loses_no_word_that_looks_like_markdown(run: Run, plan: Path) -> None:
    run("plan", "add", "1", "a <!-- b --> ` c", "--deliverable", "x.md", "--done-when", "`d` | e ` f")
    assert (
        line_of(plan, "P1-T4") == "- [ ] [P1-T4] a < !-- b --> \\` c | deliverable: x.md | done-when: `d` \\| e \\` f"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("4", "Look", "--deliverable", "a.md", "--done-when", "x exists"), "P403"),
        (("1", "TODO", "--deliverable", "a.md", "--done-when", "x exists"), "P206"),
        (("1", "Look", "--deliverable", "/a.md", "--done-when", "x exists"), "P203"),
        (("1", "Look", "--deliverable", "a.md", "--done-when", "done"), "P204"),
        (("1", "Look", "--deliverable", "a.md", "--done-when", "x exists", "--depends", "P7-T1"), "P301"),
        (("9", "Look", "--deliverable", "a.md", "--done-when", "x exists"), "the plan has no phase 9"),
    ],
)
def test_add_keeps_the_contract(run: Run, plan: Path, arguments: tuple[str, ...], said: str) -> None:
    before = plan.read_bytes()
    result = run("plan", "add", *arguments)
    assert result.exit_code == 1 and said in result.stderr
    assert ("add the task to an earlier phase" in result.stderr) == (said == "P403")
    assert plan.read_bytes() == before


def test_add_counts_what_a_rule_has_to_say_of_other_phases_by_itself(run: Run, plan: Path) -> None:
    lines = [line for line in plan.read_text().splitlines() if not line.startswith(("- [ ] [P1-T2]", "- [ ] [P1-T3]"))]
    plan.write_text("\n".join(lines).replace("depends: P1-T2 | ", ""))
    more = ("--deliverable", "a.md", "--done-when", "x exists")
    assert [run("plan", "add", "2", f"Look {n}", *more).exit_code for n in range(4)] == [0, 0, 0, 1]
    assert "phase 2 has 7 tasks" in run("plan", "add", "2", "Look", *more).stderr
    assert run("plan", "add", "1", "Look", *more).exit_code == 0


def test_add_in_a_plan_with_other_line_ends_and_no_last_one(run: Run, plan: Path) -> None:
    plan.write_bytes(b"# Tasks\r\n## Phase 1 - a\r\n- [ ] [P1-T1] a | deliverable: a | done-when: b exists")
    run("plan", "add", "1", "b", "--deliverable", "b", "--done-when", "c exists")
    assert plan.read_bytes().endswith(b"b exists\r\n- [ ] [P1-T2] b | deliverable: b | done-when: c exists\r\n")


def test_log_appends(run: Run, plan: Path) -> None:
    log = plan.with_name("iteration_log.md")
    log.write_bytes(b"## Iteration 1\r\nno newline at the end")
    assert run("plan", "log", "saw \u00e9", "--task", "p1-t2").exit_code == 0
    assert log.read_bytes().startswith(b"## Iteration 1\r\nno newline at the end\n\n## 2")
    assert log.read_text(encoding="utf-8").endswith("Z P1-T2\n\nsaw \u00e9\n\n---\n\n")
    assert run("plan", "log", "x", "--task", "P8-T8").exit_code == 1
    assert run("plan", "log", " \n").exit_code == 2


def test_fix_mends_and_says_so(run: Run, plan: Path) -> None:
    good = plan.read_text()
    plan.write_text(
        good.replace("- [ ] [P4-T2] ", "-[ ] ").replace("- [ ] [P2-T1]", "- [x] [p2-t1]").replace("[x] [p2", "[ ] [p2")
    )
    shown = run("plan", "fix", "--diff")
    assert "\n+- [ ] [P4-T2] Final reflection" in shown.stdout and plan.read_text() != good
    result = run("plan", "fix")
    assert result.exit_code == 0 and "mended" in result.stderr
    assert plan.read_text() == good
    assert "nothing to mend" in run("plan", "fix").stderr


@pytest.mark.parametrize("named", ["record", "run", None])
def test_fix_renumbers_only_what_nobody_else_names(run: Run, plan: Path, add_run: AddRun, named: str | None) -> None:
    if named == "run":
        add_run("smoke-s1", tracking={"task": "P1-T2"})
    if named == "record":
        run("plan", "start", "P1-T2")
    text = plan.read_text().replace("[/]", "[ ]")
    plan.write_text(text.replace("[P1-T2]", "[P1-T9]").replace("depends: P1-T2", "depends: P1-T9"))
    result = run("plan", "fix")
    assert (plan.read_text() == text) == (named is None)
    assert ("warning: ids stay as they are" in result.stderr) == (named is not None)


def test_edits_follow_a_link_and_keep_permissions(run: Run, plan: Path, repo: Path) -> None:
    real = repo / "plan.md"
    plan.rename(real)
    plan.symlink_to("../plan.md")
    real.chmod(0o640)
    run("plan", "start", "P1-T1")
    assert plan.is_symlink() and "[/] [P1-T1]" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_two_agents_at_once_lose_nothing(plan: Path, repo: Path) -> None:
    tasks = ["P1-T1", "P1-T2", "P1-T3", "P2-T1", "P2-T2", "P2-T3", "P3-T1", "P3-T2"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "scaffold", "plan", "start"]
    running = [subprocess.Popen([*command, task], cwd=repo, env=environment, stderr=subprocess.PIPE) for task in tasks]
    for process in running:
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
    assert all(line_of(plan, task).startswith("- [/] ") for task in tasks)
    assert sorted(json.loads(plan.with_name("tasks.record.json").read_text())["tasks"]) == tasks
    assert not list(plan.parent.glob(".*.lock")) and not list(plan.parent.glob(".*.tmp"))


def test_the_lock_lets_one_in_at_a_time(plan: Path) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(15):
            with plan_file.hold_plan_lock(plan):
                with guard:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.001)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_whose_file_was_removed_meanwhile_is_no_lock(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder removes the file between our opening it and our locking it: whoever comes next would lock another file."""
    lock, real = plan.with_name(".tasks.md.lock"), fcntl.flock
    taken: list[int] = []

    def flock(handle: int, how: int) -> None:
        if not taken:
            lock.unlink()
        real(handle, how)
        taken.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(fcntl, "flock", flock)
    with plan_file.hold_plan_lock(plan):
        assert len(taken) == 2 and lock.stat().st_ino == taken[1]


def test_a_file_system_without_locks(run: Run, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(handle: int, how: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert run("plan", "start", "P1-T1").exit_code == 0 and line_of(plan, "P1-T1").startswith("- [/] ")


def test_a_lock_that_stays_is_an_error_that_says_what_to_do(plan: Path) -> None:
    with (
        plan_file.hold_plan_lock(plan),
        pytest.raises(ScaffoldError, match="another process has been changing"),
        plan_file.hold_plan_lock(plan, patience_s=0.1),
    ):
        pass


def test_a_lock_file_that_somebody_left_is_no_lock(run: Run, plan: Path) -> None:
    plan.with_name(".tasks.md.lock").touch()
    assert run("plan", "start", "P1-T1").exit_code == 0


def test_a_folder_that_cannot_be_written(run: Run, plan: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    plan.parent.chmod(0o500)
    try:
        result = run("plan", "start", "P1-T1")
    finally:
        plan.parent.chmod(0o700)
    assert result.exit_code == 1 and "cannot be written" in result.stderr


def test_done_before_what_it_depends_on_is_refused(run: Run, plan: Path, repo: Path) -> None:
    deliver(repo, "exp/analysis/names.md")
    result = run("plan", "done", "P2-T1")
    assert result.exit_code == 3 and "  FAIL depends: P1-T2 is not done\n" in result.stdout
    assert line_of(plan, "P2-T1").startswith("- [ ] ")
    plan.write_text(plan.read_text().replace("depends: P1-T2", "depends: P1-T2, P9-T9"))
    assert "P9-T9 is no task of this plan" in run("plan", "done", "P2-T1").stdout
    forced = run("plan", "done", "P2-T1", "--force", "P1-T2 is not needed")
    assert forced.exit_code == 0 and "depends: P1-T2 is not done" in plan.with_name("iteration_log.md").read_text()


def test_a_refusal_says_what_must_not_follow(run: Run, plan: Path) -> None:
    result = run("plan", "done", "P1-T2")
    assert result.exit_code == 3
    assert "P1-T2 is not marked as done" in result.stderr and "do not start P2-T1, which depends on it" in result.stderr
    assert "`&&`" in result.stderr
    last = run("plan", "done", "P4-T2").stderr
    assert "do not promise DONE" in last and "do not start" not in last
    plan.write_text(plan.read_text().replace("- [ ] [P1-T2]", "- [x] [P1-T2]"))
    verified = run("plan", "verify")
    assert verified.exit_code == 3 and "1 of 1 tasks does not verify" in verified.stderr and "DONE" in verified.stderr


def test_smoke_runs_are_no_runs(run: Run, plan: Path, repo: Path, add_run: AddRun) -> None:
    deliver(repo, "exp/results/baseline.csv")
    plan.write_text(
        plan.read_text().replace("depends: P1-T1, P2-T2 | ", "").replace("5 runs finished in", "2 runs finished in")
    )
    smoke = {"params": {"smoke": True}, "tracking": {"sweep": "baseline-smoke", "task": "P2-T3"}, "status": "finished"}
    add_run("baseline-smoke-s1", **smoke)
    add_run("baseline-s1", status="finished")
    result = run("plan", "done", "P2-T3")
    assert result.exit_code == 3 and "1 of 1 runs finished in baseline (without 1 smoke run)" in result.stdout
    add_run("baseline-s2", status="finished")
    assert run("plan", "done", "P2-T3").exit_code == 0


def test_smoke_runs_have_no_metric(run: Run, plan: Path, repo: Path, add_run: AddRun) -> None:
    deliver(repo, "exp/results/baseline.csv")
    plan.write_text(
        plan.read_text().replace("depends: P1-T1, P2-T2 | ", "").replace("5 runs finished in", "loss <= 1 in")
    )
    smoke = {"params": {"smoke": True}, "tracking": {"sweep": "baseline-smoke", "task": "P2-T3"}}
    add_run("baseline-smoke-s1", status="finished", metrics={"loss": 9.0}, **smoke)
    add_run("baseline-s1", status="finished", metrics={"loss": 0.5})
    assert run("plan", "done", "P2-T3").exit_code == 0
