"""`scaffold sweep new`, `list` and `show`: what is asked for becomes one file, or an error that says what to type instead."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.sweeps.spec import plan, script_interface, sweep_file, sweep_paths, sweep_store
from tests.conftest import Run, git, write_tree
from tests.runs.conftest import MakeWorkspace, Workspace
from tests.sweeps.conftest import there

ARGPARSE = """\
import argparse
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float)
p.add_argument("--batch-size", type=int)
p.add_argument("--random-seed", type=int)
p.add_argument("--amp", action="store_true")
p.add_argument("--ema", action=argparse.BooleanOptionalAction)
print(vars(p.parse_args()))
"""
New = Callable[..., Result]


@pytest.fixture
def new(workspace: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> New:
    """Call `sweep new lr` in the workspace."""
    monkeypatch.chdir(workspace.root)
    (workspace.root / "train.py").write_text(ARGPARSE)

    def call(*args: str, name: str = "lr", goal: str = "which lr", command: str = "python3 train.py") -> Result:
        return run("sweep", "new", name, "--goal", goal, *args, "--", *command.split())

    return call


def names(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    return [row.split()[-1] for row in done.stdout.splitlines()[1:-1]]


@pytest.mark.parametrize(
    ("seeds", "rates", "warned"), [("1-3", 12, True), ("1-5", 12, False), ("1-3", 3, False), ("1", 12, False)]
)
def test_too_few_seeds_for_so_many_configurations_are_said_beforehand(
    new: New, seeds: str, rates: int, warned: bool
) -> None:
    done = new("--seeds", seeds, "--grid", "lr=" + ",".join(f"0.{n}" for n in range(1, rates + 1)))
    text = "3 seeds of 12 configurations: among so many comparisons a difference is found from 10.9 times the spread"
    assert done.exit_code == 0 and (text in done.stderr) == warned and ("or 4 seeds" in done.stderr) == warned


@pytest.mark.parametrize("option", ["--json", "--dry-run"])
def test_launching_at_once_answers_in_no_other_way(new: New, workspace: Workspace, option: str) -> None:
    done = new("--seeds", "1", "--launch", option)
    assert done.exit_code == 2 and f"--launch cannot go together with {option}" in done.stderr
    assert "scaffold sweep launch lr --wait" in done.stderr and sweep_paths.sweep_names(there(workspace)) == []


SHARED = "all runs are told to write into one folder (--out-dir out); --out-dir '{RUN_OUTPUT_DIR}' gives each its own"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("python3 train.py --out-dir out", SHARED),
        ("python3 train.py --out-dir {RUN_OUTPUT_DIR}", ""),
        ("sbatch job.sh", "sbatch ends as soon as its job is queued"),
        ("sbatch --wait job.sh", ""),
    ],
)
def test_what_makes_records_wrong_is_warned_of(workspace: Workspace, new: New, command: str, said: str) -> None:
    (workspace.root / "job.sh").write_text("true\n")
    done = new("--seeds", "1-2", "--seed-option=--random-seed", command=command)
    assert done.exit_code == 0 and (f"warning: {said}" in done.stderr if said else "warning" not in done.stderr)
    assert "into one folder" not in new(name="one", command=command).stderr, "one run may write where it likes"


def test_it_shows_the_runs_and_writes_one_readable_file(workspace: Workspace, new: New) -> None:
    done = new("--grid", "lr=1e-2,5e-3", "amp=true,false", "--seeds", "1-2", "--baseline", "--task", "P3-T2")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].split() == ["lr", "amp", "seed", "run"]
    assert done.stdout.splitlines()[-1] == "10 runs"
    assert "wrote exp/metadata/sweeps/lr.yml; next: scaffold sweep launch lr" in done.stderr
    assert "parameters are passed as `--lr 1e-2`" in done.stderr
    assert "seeds are passed as `--random-seed 1`, as train.py takes it" in done.stderr
    assert "parameters are passed" not in new("--seeds", "1-2", name="seeds").stderr
    found = sweep_file.read_sweep(there(workspace), "lr")
    assert (found.goal, found.task, found.style) == ("which lr", "P3-T2", "flags")
    assert found.booleans == {"amp": "switch"}
    assert found.configurations[1] == {"lr": "1e-2", "amp": "true"}
    recorded = workspace.name(
        "--experiment",
        "train",
        "--seed",
        "2",
        "--param",
        "amp=false",
        "--",
        *(["python3", "train.py", "--lr", "5e-3", "--random-seed", "2"]),
    )
    assert names(done)[-1] == recorded


def test_two_spellings_of_a_value_are_one_run(new: New) -> None:
    done = new("--grid", "lr=1e-2,0.01,.01")
    assert names(done) == [names(done)[0]]
    assert "2 runs left out: each is the same run as another one" in done.stderr
    assert "1 run left out: it is the same run as another one" in new("--grid", "lr=1e-2,.01", name="two").stderr


def test_the_same_again_changes_nothing_and_something_else_is_refused(workspace: Workspace, new: New) -> None:
    assert new("--grid", "lr=1,2", "--zip", "a=1,2", "b=3,4").exit_code == 0
    path = sweep_paths.sweep_path(there(workspace), "lr")
    before = path.read_bytes(), path.stat().st_mtime_ns
    again = new("--grid", "lr=1,2", "--zip", "a=1,2", "b=3,4")
    assert again.exit_code == 0
    assert "is there already and says the same" in again.stderr
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    (workspace.root / "src/model.py").write_text("LR = 2\n")
    changed = new("--grid", "lr=1,2", "--zip", "a=1,2", "b=3,4")
    assert "the code has changed since lr was planned" in changed.stderr
    other = new("--grid", "lr=1,3")
    assert other.exit_code == 1
    assert "says something else" in other.stderr and "--replace" in other.stderr
    assert path.read_bytes() == before[0]


def test_replacing_takes_what_was_never_launched(workspace: Workspace, new: New) -> None:
    assert new("--grid", "lr=1,2", "--launchers").exit_code == 0
    folder = sweep_paths.sweeps_folder(there(workspace)) / "lr"
    old = sorted(folder.glob("*.sh"))
    assert len(old) == 2
    assert new("--grid", "lr=3", "--replace", "--launchers").exit_code == 0
    assert len(list(folder.glob("*.sh"))) == 1
    (sweep_paths.sweeps_folder(there(workspace)) / "lr.ledger.json").write_text("{}")
    done = new("--grid", "lr=4", "--replace")
    assert done.exit_code == 1
    assert "was launched" in done.stderr
    assert sweep_file.read_sweep(there(workspace), "lr").rule.grid == {"lr": ("3",)}


def test_a_dry_run_writes_nothing(workspace: Workspace, new: New) -> None:
    done = new("--grid", "lr=1,2", "--dry-run", "--launchers")
    assert names(done)
    assert git(workspace.root, "status", "--porcelain", "-uall") == " M train.py\n"


def test_where_nothing_can_be_written_the_file_is_named(workspace: Workspace) -> None:
    words = ["sweep", "new", "lr", "--goal", "which lr", "--grid", "lr=1,2", "--", "python3", "train.py"]
    done = subprocess.run(
        [sys.executable, "-m", "scaffold", *words],
        cwd=workspace.root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    place = sweep_paths.sweep_path(there(workspace), "lr")
    assert (done.returncode, place.exists()) == (1, False)
    assert f"error: {place} cannot be written: File too large\nhint: make room" in done.stderr


def test_code_that_changes_between_planning_and_writing_is_noticed(workspace: Workspace) -> None:
    place = there(workspace)
    wishes = plan.SweepOptions(name="lr", goal="which lr", grid=("lr=1,2",), command=("python3", "train.py"))
    made = plan.plan_sweep(place, wishes, workspace.root)
    with (workspace.root / "train.py").open("a") as script:
        script.write("# changed\n")
    with pytest.raises(ScaffoldError, match="the code was changed while the sweep was planned"):
        sweep_store.store_sweep(place, made.sweep, replace=False)
    assert not sweep_paths.sweep_path(place, "lr").exists()


def test_uncommitted_code_is_kept(workspace: Workspace, new: New) -> None:
    assert new("--grid", "lr=1,2").exit_code == 0
    patch = sweep_file.read_sweep(there(workspace), "lr").code.patch
    assert patch is not None
    assert "--random-seed" in (workspace.root / patch).read_text()


def test_more_than_200_runs_are_planned_only_when_they_are_meant(workspace: Workspace, new: New) -> None:
    done = new("--grid", "lr=1,2,3", "--seeds", "1-67")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (2, "201 runs")
    assert "--yes" in done.stderr
    assert not sweep_paths.sweep_names(there(workspace))
    assert len(done.stdout.splitlines()) < 25 and "181 more left out: --limit 0" in done.stderr
    assert len(names(new("--grid", "lr=1,2,3", "--seeds", "1-67", "--yes", "--limit", "0"))) == 201


def test_json(new: New) -> None:
    done = new("--random", "300", "--space", "lr=log:1e-5,1e-1", "--yes", "--json")
    answer = json.loads(done.stdout)
    found = (answer["version"], answer["sweep"], answer["result"], answer["count"], answer["left_out"])
    assert found == (1, "lr", "new", 300, 280)
    assert answer["path"] == "exp/metadata/sweeps/lr.yml"
    assert set(answer["runs"][0]) == {"name", "seed", "params", "argv"}


def test_drawn_configurations_are_written_out(workspace: Workspace, new: New) -> None:
    assert (
        new(
            "--random", "5", "--space", "lr=log:1e-5,1e-1", "n=int:1,3", "--space-seed", "4", "--only-if", "n > 1"
        ).exit_code
        == 0
    )
    found = sweep_file.read_sweep(there(workspace), "lr")
    assert (found.rule.draws, found.rule.space_seed, len(found.rule.drawn)) == (5, 4, 5)
    assert len(found.configurations) < 5
    assert "  drawn:\n    - {lr: " in sweep_paths.sweep_path(there(workspace), "lr").read_text()


def test_conditions_are_written_as_in_a_table_of_results(workspace: Workspace, new: New) -> None:
    assert new("--grid", "lr=0.1,0.2", "act=relu,gelu", "--only-if", "lr=0.1, act=relu").exit_code == 0
    assert sweep_file.read_sweep(there(workspace), "lr").configurations == ({"lr": "0.1", "act": "relu"},)


def test_configurations_from_a_file(workspace: Workspace, new: New) -> None:
    write_tree(workspace.root, {"c.yml": "- {lr: 1e-2, model: {depth: 3}}\n- lr: '0.5'\n", "c.json": '[{"lr": 0.25}]'})
    assert new("--from", "c.yml", "--seeds", "1", name="a").exit_code == 0
    assert sweep_file.read_sweep(there(workspace), "a").configurations == (
        {"lr": "1e-2", "model.depth": "3"},
        {"lr": "0.5"},
    )
    assert new("--from", "c.json", name="b").exit_code == 0
    again = new("--from", "exp/metadata/sweeps/a.yml", "--grid", "wd=0,1", name="c", command="")
    assert again.exit_code == 0, again.output
    found = sweep_file.read_sweep(there(workspace), "c")
    assert (len(found.configurations), found.seeds, found.command) == (4, (1,), ("python3", "train.py"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: 1", "neither a list of configurations nor a sweep"),
        ("- [1]", "item 1 must be a mapping"),
        ("- {lr: [1, 2]}", "item 1.lr must be a single value, not a list"),
        ("- {seed: 1}", "--seeds"),
        ("- {a.b: 1, a: {b: 2}}", "item 1 has a.b twice"),
        ("- {", "c.yml:"),
    ],
)
def test_a_file_that_holds_no_configurations(workspace: Workspace, new: New, text: str, said: str) -> None:
    write_tree(workspace.root, {"c.yml": text})
    done = new("--from", "c.yml")
    assert done.exit_code in (1, 2)
    assert said in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--grid"], "--grid needs KEY=VALUE"),
        (["--grid", "lr"], "--grid needs KEY=VALUE"),
        (["--grid", "lr=1", "--grid", "lr=2"], "names lr twice"),
        (["--grid", "lr=1", "--zip", "lr=1,2", "b=1,2"], "from two sides"),
        (["--zip", "a=1,2", "b=1"], "a has 2, b has 1"),
        (["--random", "3"], "what to draw from"),
        (["--space", "lr=log:1,2"], "--random 20"),
        (["--random", "3", "--space", "lr=log:0,2"], "above 0"),
        (["--random", "0", "--space", "lr=log:1,2"], "--random"),
        (["--grid", "lr=1", "--only-if", "lr > 1"], "no configuration is left"),
        (["--grid", "lr=1", "--only-if", "lrr > 1"], "did you mean lr?"),
        (["--grid", "lr=1", "--only-if", "lr ="], "--only-if 'lr =' cannot be understood at its end"),
        (["--seeds", "x"], "--seeds needs whole numbers"),
        (["--seeds", "1", "--seed-option", "se ed"], "--seed-option"),
        (["--grid", "batch_size=1"], "train.py has --batch-size, not --batch_size"),
        (["--grid", "lr=1", "--timeout", "0"], "--timeout"),
        (["--from", "none.yml"], "there is no file"),
        (["--gird", "lr=1"], "--grid"),
    ],
)
def test_wrong_spellings(workspace: Workspace, new: New, args: list[str], said: str) -> None:
    done = new(*args)
    assert done.exit_code in (1, 2)
    assert said in done.stderr
    assert not sweep_paths.sweep_names(there(workspace))


def test_what_is_missing_is_asked_for(run: Run, new: New) -> None:
    for args, said in (
        (("--goal", "g"), "no command is given"),
        (("--", "python3", "train.py"), "has no goal"),
        (("--goal", " ", "--", "python3", "train.py"), "has no goal"),
    ):
        done = run("sweep", "new", "lr", *args)
        assert done.exit_code == 2 and said in done.stderr
    assert new(name="a b").exit_code == 2
    assert new("--dry-run", name="lr.yml").exit_code == 2
    assert new(name="x" * 60).exit_code == 2  # its smoke sweep needs a name too


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("python3 train.py --lr 1", ["--grid", "lr=2"]),
        ("python3 train.py lr=1", ["--grid", "lr=2"]),
        ("python3 train.py --random-seed 1", ["--seeds", "1-3"]),
    ],
)
def test_a_command_does_not_set_what_is_swept(new: New, command: str, args: list[str]) -> None:
    done = new(*args, command=command)
    assert done.exit_code == 2
    assert "already" in done.stderr


@pytest.mark.parametrize(
    ("args", "command", "goal"),
    [
        ([], "python3 train.py --api-token hunter2hunter2", "g"),
        (["--grid", "password=hunter2hunter2,x"], "python3 train.py", "g"),
        (["--grid", "url=http://me:hunter2hunter2@host"], "python3 train.py", "g"),
        ([], "python3 train.py", "use token=hunter2hunter2"),
    ],
)
def test_secrets_are_refused_and_not_repeated(
    workspace: Workspace, new: New, args: list[str], command: str, goal: str
) -> None:
    done = new(*args, command=command, goal=goal)
    assert done.exit_code == 2
    assert "looks like a secret" in done.stderr and "environment" in done.stderr
    assert "hunter2" not in done.output
    assert b"hunter2" not in workspace.all_bytes()


@pytest.mark.parametrize(
    ("script", "command", "answers", "style"),
    [
        ("import hydra\n", "python3 train.py", "", "hydra"),
        ("import argparse\n", "python3 train.py", "config_systems: [hydra]\n", "flags"),
        ("x = 1  # argv\n", "python3 train.py", "config_systems: [hydra]\n", "hydra"),
        ("x = 1  # argv\n", "python3 train.py", "config_systems: [argparse, hydra]\n", "flags"),
        ("import hydra\n", "python3 train.py --x=1", "", "equals"),
        ("import hydra\n", "python3 train.py --x 1", "", "flags"),
        ("import argparse\n", "python3 train.py x=1", "", "hydra"),
        ("x = 1  # argv\n", "bash run.sh", "", "flags"),
        ("exec(open('configurator.py').read())\n", "python3 train.py", "config_systems: [python_files]\n", "equals"),
    ],
)
def test_the_style_is_the_commands_own_or_the_scripts_or_the_repositorys(
    workspace: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch, script: str, command: str, answers: str, style: str
) -> None:
    monkeypatch.chdir(workspace.root)
    (workspace.root / "train.py").write_text(script)
    file = workspace.exp / ".copier-answers.scaffold.yml"
    file.write_text(file.read_text() + answers)
    done = run("sweep", "new", "lr", "--goal", "g", "--grid", "lr=1", "--", *command.split())
    assert done.exit_code == 0, done.output
    assert sweep_file.read_sweep(there(workspace), "lr").style == style


def test_sacred_takes_its_parameters_after_with(workspace: Workspace, new: New) -> None:
    (workspace.root / "train.py").write_text("from sacred import Experiment\n")
    assert new("--grid", "lr=1", "--seeds", "1").exit_code == 0
    assert sweep_file.read_sweep(there(workspace), "lr").command == ("python3", "train.py", "with")


def test_the_seed_goes_where_the_script_takes_it(workspace: Workspace, new: New) -> None:
    file = workspace.exp / ".copier-answers.scaffold.yml"
    text = file.read_text()

    def takes(flag: str) -> None:
        file.write_text(f"{text}entry_points:\n- {{path: train.py, kind: train, seed_flag: {flag}, command: x}}\n")

    takes("trainer.seed=")
    assert new("--seeds", "1", "--dry-run", "--json").exit_code == 0
    assert json.loads(new("--seeds", "1", "--dry-run", "--json").stdout)["runs"][0]["argv"][-1] == "trainer.seed=1"
    for flag, said in (("null", "no option for its seed"), ("config:train.seed", "only train.seed of a config file")):
        takes(flag)
        done = new("--seeds", "1-3")
        assert done.exit_code == 2
        assert said in done.stderr and "--seed-option" in done.stderr
    ours = json.loads(new("--seeds", "1", "--seed-option", "env", "--dry-run", "--json").stdout)
    assert ours["runs"][0]["argv"] == ["python3", "train.py"]
    assert "-s1-" in ours["runs"][0]["name"]
    assert new("--grid", "lr=1").exit_code == 0  # without seeds nobody asks


def test_flags_that_stand_alone_are_read_off_the_script(workspace: Workspace, new: New) -> None:
    assert new("--grid", "amp=true", "ema=false", "other=true").exit_code == 0
    assert sweep_file.read_sweep(there(workspace), "lr").booleans == {"amp": "switch", "ema": "paired"}
    (workspace.root / "cli.py").write_text(
        "import click\n@click.option('--x/--no-x')\n@click.option('--y', is_flag=True)\ndef f(): 1\n"
    )
    known = script_interface.read_command_script(there(workspace), ("python3", "-m", "cli"), ".")
    assert (known.path, known.booleans) == ("cli.py", {"x": "paired", "y": "switch"})


def test_a_recorder_that_names_runs_otherwise_is_noticed(workspace: Workspace, new: New) -> None:
    naming = workspace.recorder.parent / "_record_run" / "naming.py"
    text = naming.read_text()
    naming.write_text(text + "# another comment\n")
    assert new("--grid", "lr=1", "--dry-run", "--seeds", "1").exit_code == 0
    naming.write_text(text.replace('"seed": seed,', '"seed": -1,'))
    done = new("--grid", "lr=1", "--seeds", "1")
    # planning compares and runs nothing of the repository: the launch asks the recorder, and starts nothing
    assert done.exit_code == 0
    assert (
        "another one than this scaffold's (_record_run/naming.py)" in done.stderr and "scaffold update" in done.stderr
    )


def test_the_command_runs_where_it_was_planned(
    make_workspace: MakeWorkspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace({"pkg/a b/train.py": "x = 1  # argv\n"}, below="pkg", layout="per-experiment")
    monkeypatch.chdir(workspace.root / "a b")
    assert run("sweep", "new", "lr", "--goal", "g", "--", "python3", "train.py").exit_code == 0
    found = sweep_file.read_sweep(there(workspace), "lr")
    assert (found.cwd, found.experiment) == ("a b", "train")
    (workspace.exp / "tuned").mkdir()
    monkeypatch.chdir(workspace.exp / "tuned")
    assert run("sweep", "new", "lr2", "--goal", "g", "--", "python3", "-c", "1").exit_code == 0
    assert sweep_file.read_sweep(there(workspace), "lr2").experiment == "tuned"


def test_a_script_that_is_not_there_is_said_before_it_is_run(new: New) -> None:
    done = new("--grid", "lr=0.1,0.01", command="python3 trian.py")
    assert done.exit_code == 0
    assert "warning: there is no file trian.py in " in done.stderr
    assert "there is no file" not in new("--grid", "lr=0.1,0.01", name="other").stderr
    assert "there is no file" not in new("--grid", "lr=0.1,0.01", name="module", command="python3 -m train").stderr


def test_list_and_show(workspace: Workspace, run: Run, new: New) -> None:
    assert run("sweep", "list").stdout == ""
    shown = names(new("--grid", "lr=1,2", "--seeds", "1-3"))
    assert new(name="other", goal="another thing").exit_code == 0
    (sweep_paths.sweeps_folder(there(workspace)) / "bad.yml").write_text("gird: 1\n")
    listed = run("sweep", "list")
    assert [row.split()[:3] for row in listed.stdout.splitlines()] == [["lr", "6", "runs"], ["other", "1", "runs"]]
    assert "bad.yml" in listed.stderr
    answer = json.loads(run("sweep", "list", "--json").stdout)
    assert ([s["sweep"] for s in answer["sweeps"]], [d["name"] for d in answer["damaged"]]) == (
        ["lr", "other"],
        ["bad"],
    )
    done = run("sweep", "show", "lr")
    assert "which lr" in done.stdout
    assert [row.split()[-1] for row in done.stdout.splitlines() if "train-" in row] == shown
    answer = json.loads(run("sweep", "show", "lr", "--json").stdout)
    assert [r["name"] for r in answer["runs"]] == shown
    assert run("sweep", "show", "none").exit_code == 1


def test_planning_imports_nothing_heavy(workspace: Workspace) -> None:
    code = (
        "import sys\nfrom scaffold.cli.main import group\n"
        "try: group(['sweep', 'new', 'x', '--goal', 'g', '--seeds', '1', '--', 'python3', 'train.py'])\n"
        "except SystemExit as done: assert not done.code\n"
        "print(*sorted({'git', 'copier', 'httpx', 'rich', 'jinja2', 'pydantic'} & set(sys.modules)))"
    )
    project = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": project, "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, ""), done.stderr


def test_a_seed_option_can_be_many_things_but_not_everything() -> None:
    for text in ("--seed", "-s", "seed=", "trainer.seed=", "--config.seed", "env"):
        assert script_interface.check_seed_option_syntax(text) == text
    for text in ("", "=", "seed", "--", "-", "--se ed", "--seed\n"):
        with pytest.raises(WrongUsage):
            script_interface.check_seed_option_syntax(text)
