"""How experiments are run: each word that the rules take for logging, a server or a playbook, and its neighbours that mean nothing."""

from __future__ import annotations

import pytest

from scaffold.plan.document import task_commands
from scaffold.plan.rules.check import check_plan
from scaffold.plan.rules.rule import RuleContext
from tests.plan.cases import FOLDER

TEXT = (FOLDER / "good/short.md").read_text(encoding="utf-8")
NAMES = "Check deterministic run names and that stdout and stderr are captured to files"
PATHS = "Check run manifests and consistent paths"


def found(text: str, code: str, *, fresh: bool = False, server: bool = False) -> list[str]:
    context = RuleContext(fresh=fresh, server=server)
    return [f.message for f in check_plan(text, context=context, select=(code,)).findings]


def worded(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("Check the run name", False),
        ("Check run-naming", False),
        ("Check the names of runs", False),
        ("Check the name for each run", False),
        ("Check names of every run", False),
        ("Check names for the runs", False),
        ("Check names of all runs", True),
        ("Check names", True),
        ("Check the running names", True),
    ],
)
def test_words_for_run_names(said: str, missing: bool) -> None:
    complaints = found(worded(NAMES, f"{said}; stdout and stderr are kept"), "P601")
    assert complaints == (["no task sees to deterministic run names"] if missing else [])


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("standard output and standard error", False),
        ("stdout, and the standard error", False),
        ("stdout", True),
        ("stderr alone", True),
        ("stdouts and stderrs", True),
    ],
)
def test_both_streams_have_to_be_kept(said: str, missing: bool) -> None:
    complaints = found(worded(NAMES, f"Check run names, and that {said} is captured"), "P601")
    assert complaints == (["no task sees to stdout/stderr capture"] if missing else [])


@pytest.mark.parametrize(
    ("said", "missing"),
    [("the same paths", False), ("a consistent path", False), ("paths", True), ("the same folders", True)],
)
def test_paths_have_to_be_consistent(said: str, missing: bool) -> None:
    complaints = found(worded(PATHS, f"Check run manifests and {said}"), "P601")
    assert complaints == (["no task sees to consistent paths"] if missing else [])


def test_one_task_has_to_say_all_of_an_aspect() -> None:
    halves = worded(NAMES, "Check run names and stdout").replace(
        "finished in baseline", "finished in baseline with stderr"
    )
    assert found(
        halves.replace(PATHS, "Check run manifests of consistent form").replace("Read train.py", "Read paths"), "P601"
    ) == ["no task sees to stdout/stderr capture; consistent paths"]


def test_a_playbook_is_a_deliverable_or_a_task_that_says_so() -> None:
    assert found(worded("exp/prompt_skill_playbook.md", "exp/skills.md"), "P602") == [], "the description says playbook"
    assert found(worded("Write the prompt-skill playbook", "Write which skill to use"), "P602") == [], (
        "the deliverable says it"
    )
    neither = worded("Write the prompt-skill playbook", "Write which skill to use").replace(
        "prompt_skill_playbook.md", "skills.md"
    )
    assert found(neither, "P602") == ["no task writes prompt_skill_playbook.md"]


UNTOLD = ["a server is set, and no task creates a sweep and runs through it"]


@pytest.mark.parametrize(
    ("said", "complaints"),
    [
        ("Run the baseline in a sweep on the server", []),
        ("Run the baseline in a sweep: POST /sweeps/wild", []),
        ("Run the baseline in a sweep: POST /runs", []),
        ("Run the baseline: scaffold sweep launch b --backend server", []),
        ("Run the baseline: scaffold sweep launch b --backend=server", []),
        ("Run the baseline in a sweep", UNTOLD),
        ("Run the baseline on the server", UNTOLD),
        ("Run the baseline in a sweep, /running, /sweepstakes, on servers", UNTOLD),
    ],
)
def test_words_for_going_through_the_server(said: str, complaints: list[str]) -> None:
    text = worded("Run the baseline with 5 seeds", said)
    assert found(text, "P603", server=True) == complaints
    assert found(text, "P603", server=False) == []


def test_a_task_of_the_kind_tracking_goes_through_the_server_and_a_plan_without_experiments_need_not() -> None:
    line = "done-when: 5 runs finished in baseline"
    assert found(worded(line, f"{line}\n  - kind: tracking"), "P603", server=True) == []
    none = TEXT.replace("baseline", "reference").replace("main method", "other way").replace("Ablation", "Look")
    assert found(none, "P603", server=True) == []


@pytest.mark.parametrize("kept", ["baseline", "main method", "Ablation"])
def test_one_experiment_of_any_kind_is_enough_for_the_server_to_be_told(kept: str) -> None:
    text = TEXT
    for word, other in (("baseline", "reference"), ("main method", "other way"), ("Ablation", "Look")):
        text = text if word == kept else text.replace(word, other)
    assert found(text, "P603", server=True) == UNTOLD


def test_a_task_is_told_once_of_what_it_starts_directly() -> None:
    text = worded("Run the baseline with 5 seeds", "Run `python train.py --seed 1`, then `python train.py --seed 2`")
    assert found(text, "P604") == ["task P2-T3 starts `python train.py` directly, so no run is recorded"]


@pytest.mark.parametrize(("mark", "state"), [("x", "done"), ("/", "in progress")])
def test_what_is_not_open_in_a_fresh_plan_is_named(mark: str, state: str) -> None:
    text = worded("- [ ] [P1-T1]", f"- [{mark}] [P1-T1]")
    assert found(text, "P605", fresh=True) == [f"task P1-T1 is {state} in a fresh plan"]
    assert found(text, "P605") == []


SWEEP = "scaffold sweep new base --goal g --seeds 1-5 -- python train.py {}"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("-i names.txt -o names", "-o names"),
        ("--out-dir out", "--out-dir out"),
        ("--output_dir=out --lr 1", "--output_dir=out"),
        ("-work-dir work_dirs/a", "-work-dir work_dirs/a"),
        ("--logdir runs", "--logdir runs"),
        ("--lr 1 hydra.run.dir=out", "hydra.run.dir=out"),
        ("+trainer.output_dir=x/y", "+trainer.output_dir=x/y"),
        ("--out-dir {RUN_OUTPUT_DIR}", None),
        ("--out-dir '{RUN_OUTPUT_DIR}/a'", None),
        ("--out-dir=$RUN_OUTPUT_DIR", None),
        ("--out --lr 1", None),
        ("--data-dir data", None),
        ("--log-interval 10", None),
        ("--outputs 3", None),
        ("", None),
    ],
)
def test_what_has_all_runs_of_a_sweep_write_into_one_folder(options: str, told: str | None) -> None:
    found = task_commands.find_shared_output_folder(SWEEP.format(options))
    assert (found and found[0]) == told
    assert task_commands.find_shared_output_folder(f"scaffold run -- python train.py {options}") is None, (
        "one run has its folder"
    )


def test_the_folder_that_a_run_has_to_itself_is_named() -> None:
    run = "- [ ] [P2-T3] Run the baseline with 5 seeds"
    text = worded(run, f"{run} with `{SWEEP.format('--out_dir=x')}`")
    (complaint,) = check_plan(text, select=["P607"]).findings
    assert (complaint.task, complaint.severity) == ("P2-T3", "warning") and "(`--out_dir=x`)" in complaint.message
    assert complaint.hint == "give each run its own: `--out_dir={RUN_OUTPUT_DIR}`"


@pytest.mark.parametrize(
    ("options", "blank"),
    [
        ("--data '<path to data>'", "<path to data>"),
        ("--gpu <GPU_ID>", "<GPU_ID>"),
        ("--data /path/to/data", "/path/to/data"),
        ("--name YOUR_NAME", "YOUR_NAME"),
        ("model=MODEL_HERE", "model=MODEL_HERE"),
        ("--data '[choice: --data, shown as /path/to/data]'", None),
        ("--lr {lr} --seed {seed}", None),
        ("--out '{RUN_OUTPUT_DIR}/a'", None),
        ("--pad-token '<pad>'", None),
        ("--data $DATA", None),
        ("--data data/path", None),
    ],
)
def test_a_blank_in_what_is_run_is_found(options: str, blank: str | None) -> None:
    expected = [] if blank is None else [blank]
    assert task_commands.find_command_blanks(SWEEP.format(options)) == expected
    assert task_commands.find_command_blanks(f"scaffold run -- python train.py {options}") == expected
    assert (
        task_commands.find_command_blanks(f"python3 exp/scripts/record_run.py --seed 1 -- python a.py {options}")
        == expected
    )
    assert task_commands.find_command_blanks(f"python train.py {options}") == [], "only what is recorded counts"
