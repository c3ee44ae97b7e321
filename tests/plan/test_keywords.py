"""What is read off words: placeholders, vague conditions, kinds of tasks, commands, conditions."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from scaffold.plan.document import field_values, markdown_inline, phrase_patterns, task_commands
from scaffold.plan.document.fix import fix_plan
from scaffold.plan.document.model import Task, TaskField
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.rules.check import check_plan
from scaffold.plan.tasks import done_when_parser
from scaffold.plan.tasks.done_when_parser import CommandCondition, MetricCondition, ProseCondition, RunCountCondition
from scaffold.plan.tasks.run_summaries import RunSummary


def task(rest: str) -> Task:
    (found,) = parse_plan(f"## Phase 1 - a\n- [ ] [P1-T1] {rest}\n").tasks
    return found


@pytest.mark.parametrize(
    "text", ["...", "\u2026", "TODO", "tbd", "TODO: ask", "FIXME later", "<goal>", "N/A", "**TBD**", "....", "None."]
)
def test_placeholders(text: str) -> None:
    assert phrase_patterns.is_placeholder_text(text)


@pytest.mark.parametrize(
    "text", ["Remove TODO comments", "todo list of the reader", "None of the runs failed", "a...b", "find <x> out"]
)
def test_words_that_are_no_placeholders(text: str) -> None:
    assert not phrase_patterns.is_placeholder_text(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Run <the thing> now", "<the thing>"),
        ("Midpoint reflection ...", "..."),
        ("Look at `...` and `<x>`", None),
        ("a < b and c > d", None),
        ("line<br>break", None),
        ("<!-- ... --> said", None),
    ],
)
def test_placeholders_inside(text: str, found: str | None) -> None:
    assert phrase_patterns.find_placeholder(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "done",
        "Done!",
        "it works",
        "the task is complete",
        "all tasks are finished.",
        "OK",
        "everything works as expected",
    ],
)
def test_vague_conditions(text: str) -> None:
    assert phrase_patterns.is_vague_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        "`make test`",
        "5 runs finished in main",
        "the tests pass",
        "table.csv is complete with 5 rows",
        "\u05d4\u05d8\u05d1\u05dc\u05d4 \u05e7\u05d9\u05d9\u05de\u05ea",
        "loss is done < 3",
    ],
)
def test_conditions_that_say_something(text: str) -> None:
    assert not phrase_patterns.is_vague_condition(text)


@pytest.mark.parametrize(
    ("rest", "kinds"),
    [
        ("Run the base-line | x: y", {"baseline"}),
        ("Compare the proposed method with the baseline", {"baseline", "main"}),
        ("Vary the learning rate", {"ablation"}),
        ("Midpoint reflection on the baseline", {"reflection", "midpoint-reflection"}),
        ("Final retrospective", {"reflection", "final-reflection"}),
        ("Run the baseline | kind: main, tracking", {"main", "tracking"}),
        ("Read | deliverable: baseline.csv", set()),
        ("Set up `uv sync` in a venv", {"environment"}),
    ],
)
def test_kinds(rest: str, kinds: set[str]) -> None:
    assert phrase_patterns.task_kinds(task(rest)) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "python train.py --lr 1",
        "CUDA_VISIBLE_DEVICES=0 python3.11 src/train.py",
        "bash run.sh",
        "./run.sh",
        "torchrun --nproc 2 train.py",
        "sbatch slurm/job.sbatch",
        "srun python train.py",
        "uv run python train.py",
        "python -m torch.distributed.run x.py",
        "python -m package.train",
        "accelerate launch x.py",
    ],
)
def test_what_starts_an_experiment_untracked(text: str) -> None:
    assert task_commands.find_unrecorded_command(text)


@pytest.mark.parametrize(
    "text",
    [
        "python exp/scripts/record_run.py --seed 1 -- python train.py",
        "scaffold run -- python train.py",
        "sbatch exp/scripts/run.sbatch",
        "python -m pytest",
        "python tools/plot_curves.py",
        "bash scripts/setup_env.sh",
        "python train.py --help",
        "Read train.py and run.sh",
        'curl -X POST http://127.0.0.1:1/runs -d \'{"command": "python train.py"}\'',
    ],
)
def test_what_does_not(text: str) -> None:
    assert task_commands.find_unrecorded_command(text) is None


def test_commands_of_a_task_come_from_code_and_fences() -> None:
    text = "Run `python a.py` on `data` | done-when: `make check`\n  - command: `curl -sf x`\n  ```bash\n  $ git log\n  # not this\n  ```"
    assert task_commands.list_task_commands(task(text)) == ["python a.py", "curl -sf x", "git log"]


def test_a_command_that_goes_on_in_the_next_line_is_one() -> None:
    text = "Run\n  ```bash\n  python a.py \\\n    --lr 0.1 \\\n    --seed 3\n  git log\n  make \\\n  ```\n  - then `make b`"
    assert task_commands.list_task_commands(task(text)) == [
        "python a.py --lr 0.1 --seed 3",
        "git log",
        "make",
        "make b",
    ]


def test_a_command_is_judged_by_itself() -> None:
    mixed = task("Do not call record_run.py; run `python train.py`")
    assert [
        found for found in map(task_commands.find_unrecorded_command, task_commands.list_command_texts(mixed)) if found
    ] == ["python train.py"]
    goes_on = task("Run\n  ```bash\n  python exp/scripts/record_run.py --seed 1 -- \\\n    python train.py\n  ```")
    assert not any(map(task_commands.find_unrecorded_command, task_commands.list_command_texts(goes_on)))


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("a.md, b/c.csv", ["a.md", "b/c.csv"]),
        ("`a, b.md`, c", ["a, b.md", "c"]),
        ("`a.md`", ["a.md"]),
        ("", []),
        (", ,", []),
    ],
)
def test_paths_of_a_deliverable(value: str, paths: list[str]) -> None:
    fields = (TaskField(name="deliverable", value=value, line=2, column=1),)
    assert field_values.deliverable_paths(replace(task("Train"), fields=fields)) == paths


@pytest.mark.parametrize(
    "path",
    [
        "/a",
        "~/a",
        "C:\\a",
        "file:///a",
        "https://a/b",
        "..",
        "a/../b",
        "a\\..\\b",
        "<a>",
        "path/to/a",
        "$A/b",
        "{name}.csv",
        "TBD",
        "a report",
        "a/b.md and a/c.md",
        "`a.md` and `b.md`",
        "a/b.csv (a row for each run)",
    ],
)
def test_paths_that_cannot_be_checked(path: str) -> None:
    assert field_values.explain_bad_path(path)


@pytest.mark.parametrize(
    "path",
    ["a", "a/b.csv", ".wild/a", "a b/c", "a..b", "results/*.csv", "notes on it.md", "b (1).csv", "this and that/a"],
)
def test_paths_that_can(path: str) -> None:
    assert field_values.explain_bad_path(path) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("`make test`", [CommandCondition(text="make test")]),
        ("3 runs finished", [RunCountCondition(text="3 runs finished", count=3, experiment=None)]),
        (
            "at least 3 baseline runs finished",
            [RunCountCondition(text="at least 3 baseline runs finished", count=3, experiment="baseline")],
        ),
        ("1 run of main finished", [RunCountCondition(text="1 run of main finished", count=1, experiment="main")]),
        (
            "val/loss <= 3.2 in baseline",
            [
                MetricCondition(
                    text="val/loss <= 3.2 in baseline", metric="val/loss", sign="<=", value=3.2, experiment="baseline"
                )
            ],
        ),
        (
            "`acc` \u2265 90%",
            [MetricCondition(text="`acc` \u2265 90%", metric="acc", sign="\u2265", value=0.9, experiment=None)],
        ),
        ("`acc > 0.5`", [MetricCondition(text="acc > 0.5", metric="acc", sign=">", value=0.5, experiment=None)]),
        (
            "the table has five rows, and each has a name",
            [ProseCondition(text="the table has five rows, and each has a name")],
        ),
        (
            "5 runs finished in main and the table names them, all; `make check`",
            [
                RunCountCondition(text="5 runs finished in main", count=5, experiment="main"),
                ProseCondition(text="the table names them, all"),
                CommandCondition(text="make check"),
            ],
        ),
        ("5 runs finished in main.", [RunCountCondition(text="5 runs finished in main", count=5, experiment="main")]),
        ("`make test`.", [CommandCondition(text="make test")]),
        ("`pytest -q` passes", [CommandCondition(text="pytest -q")]),
        (
            "`make a` succeeds and `make b` exits with code 0.",
            [CommandCondition(text="make a"), CommandCondition(text="make b")],
        ),
        ("`train.py` passes over blank lines.", [ProseCondition(text="`train.py` passes over blank lines.")]),
        ("`a and b` prints x, y", [ProseCondition(text="`a and b` prints x, y")]),
        ("", []),
    ],
)
def test_conditions(value: str, found: list[done_when_parser.Condition]) -> None:
    assert done_when_parser.parse_done_when(value) == found


def runs(*values: float | None, status: str = "finished", of: str | None = None) -> list[RunSummary]:
    return [
        RunSummary(
            name=f"r{number}",
            experiment="main",
            status=status,
            task=of,
            started_at="",
            metrics={} if value is None else {"loss": value},
        )
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("value", "known", "holds"),
    [
        ("2 runs finished in main", runs(1, 1), True),
        ("2 runs finished in main", runs(1), False),
        ("1 run finished in main", runs(1, status="running"), False),
        ("1 run finished in other", runs(1), False),
        ("1 run finished", runs(1, of="P1-T1"), True),
        ("1 run finished", runs(1, of="P1-T2"), False),
        ("loss < 2 in main", runs(1, 2.5), True),
        ("loss < 2 in main", runs(1, 4), False),
        ("loss = 0.3 in main", runs(0.1, 0.5), True),
        ("loss < 2 in main", runs(None), False),
        ("loss < 2 in main", runs(1, status="failed"), False),
    ],
)
def test_verdicts_on_runs(value: str, known: list[RunSummary], holds: bool) -> None:
    (condition,) = done_when_parser.parse_done_when(value)
    assert isinstance(condition, (RunCountCondition, MetricCondition))
    assert done_when_parser.judge_condition(condition, known, "P1-T1").holds is holds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("`a` ``b ` c`` d", ["code", "code"]),
        ("`a", []),
        ("\\`a` | `", ["escape", "code"]),
        ("<!-- a --> <!-- b", ["comment"]),
        ("see http://a/b|c and x", ["url"]),
        ("`<!--` -->", ["code"]),
    ],
)
def test_spans(text: str, kinds: list[str]) -> None:
    assert [kind for kind, _, _ in markdown_inline.find_markdown_spans(text)] == kinds


NASTY = [
    *(
        "`",
        "` ``",
        "<!--",
        "<!-- plan: ignore P101 because x ",
        "a",
        "a-",
        "a,",
        "\\|",
        " | x",
        "|",
        " ",
        "\t",
        "[",
        "[P1 ",
        "[choice:",
    ),
    *(
        "- ",
        "> ",
        "1) ",
        "**",
        "stdout ",
        "consistent ",
        "python ",
        "python -x ",
        "./a",
        "A=b ",
        "a and ",
        "1 run ",
        "x <= ",
        "P1-T1 ",
        "<a",
    ),
]


@pytest.mark.parametrize("piece", NASTY)
def test_a_long_line_is_checked_and_mended_in_linear_time(piece: str) -> None:
    long = piece * (12_000 // len(piece))
    task = f"- [ ] [P1-T1] {long} | depends: {long} | deliverable: {long} | done-when: {long}"
    lines = [
        "# Tasks",
        "## Goal",
        long,
        "## Planning Notes",
        f"- {long}",
        "## Phase 1 - a",
        long,
        task,
        f"  - evidence: {long}",
    ]
    begun = time.process_time()
    report = check_plan("\n".join(lines))
    for found in report.plan.tasks:
        task_commands.list_task_commands(found)
        done_when_parser.parse_done_when(found.get("done-when"))
    fix_plan("\n".join(lines))
    assert time.process_time() - begun < 0.8, "what grows with the square takes 5 s for a line of 30000"


def test_what_a_message_shows_is_printable_and_short() -> None:
    assert markdown_inline.escape_for_message("a\x1b[31m\u202e\udc80") == "a\\x1b[31m\\u202e\\udc80"
    assert len(markdown_inline.escape_for_message("x" * 500)) == 60
