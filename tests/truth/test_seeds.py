"""A seed is effective, or it is a label: how it reaches the command, who passes it, and what labels count as."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from scaffold.results.tables.model import ResultTable
from scaffold.runs import recorder
from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.spec.model import NO_SEED_OPTION
from scaffold.sweeps.spec.script_arguments import choose_seed_passing
from scaffold.sweeps.spec.script_interface import passes_seed
from scaffold.workspace import Workspace
from tests.conftest import Run as RunCommand
from tests.runs.conftest import copy_recorder
from tests.runs.conftest import settings as run_settings
from tests.truth.made_runs import make_manifest, make_run, make_workspace, row_values, summarized, table_of


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("seeds"))


def seeded(workspace: Workspace, command: str, values: list[float], **more: Any) -> ResultTable:
    """The table of one command under the seeds 1, 2, ..."""
    manifests = [
        make_manifest(command.replace("SEED", str(seed)), seed=seed, metrics={"acc": value}, started=seed, **more)
        for seed, value in enumerate(values, start=1)
    ]
    table = table_of(workspace, [make_run(manifest) for manifest in manifests])
    alone = summarized(workspace, manifests)
    # only the parser of draw.py calls its second argument the seed
    assert alone == row_values(table) or "draw.py" in command, "the workspace's own script makes the same rows"
    return table


@pytest.mark.parametrize(
    ("command", "more", "effective"),
    [
        ("python train.py --seed SEED", {}, True),
        ("python train.py --manualSeed SEED", {}, True),
        ("python main.py model.init_seed=SEED", {}, True),
        ("bash -c 'python train.py --seed SEED'", {}, True),
        ("bash -c 'python train.py --seed SEED | tee log'", {}, True),
        ("python reads.py", {}, True),  # an old manifest: the script itself shows it
        ("python train.py", {}, False),
        ("python plain.py", {}, False),
        ("python plain.py --seed SEED", {}, False),  # it reads no arguments at all
        ("python plain.py seed=SEED", {"seed_source": "arguments"}, False),
        ("python -m plain --seed SEED", {}, False),
        ("env seed=SEED python plain.py", {}, True),  # it may read that: nothing says which variables it has to do with
        ("python gone.py -sSEED", {}, True),
        ("python gone.py -s SEED", {}, True),
        ("python gone.py SEED", {"seed_source": "arguments"}, True),  # the sweep that passed it so said so
        ("python gone.py --rng SEED", {"seed_source": "arguments"}, True),
        ("python gone.py a --rng SEED", {"seed_source": "arguments"}, True),
        ("python draw.py 0.1 SEED", {"seed_source": "label"}, True),  # its parser calls it the seed
        ("python gone.py", {}, True),  # nothing says otherwise
        ("python train.py", {"seed_source": "environment"}, True),
        ("python reads.py", {"seed_source": "label"}, False),
        ("python gone.py", {"seed_source": "label"}, False),
    ],
)
def test_which_seeds_are_effective(workspace: Workspace, command: str, more: dict[str, str], effective: bool) -> None:
    (row,) = seeded(workspace, command, [0.5, 0.6, 0.7], **more).rows
    assert len(row.runs) == 3
    assert [seed for seed, _ in row.seed_values("acc")] == ([1, 2, 3] if effective else [None] * 3)
    assert any("mere labels" in warning for warning in row.warnings) is not effective


def test_what_passes_the_seed_is_no_parameter(workspace: Workspace) -> None:
    for command in ("python gone.py -sSEED", "python gone.py -s SEED"):
        assert len(seeded(workspace, command, [0.5, 0.6]).rows) == 1
    for command in ("python gone.py SEED", "python gone.py --layers 1 --rng SEED"):
        (row,) = seeded(workspace, command, [0.5, 0.6], seed_source="arguments").rows
        assert row.config == ({"layers": 1} if "layers" in command else {})
    # the same number may mean something else where nobody said that it is the seed
    assert len(seeded(workspace, "python gone.py SEED", [0.5, 0.6], seed_source="label").rows) == 2
    read = recorder.configuration.read_command
    assert read(["python", "gone.py", "{RUN_SEED}", "--fold", "1"], seed=1, source="arguments").params == {"fold": 1}


def test_attempts_of_a_label_are_replicates(workspace: Workspace) -> None:
    attempts = [
        make_manifest("python plain.py", seed=1, attempt=n, metrics={"acc": n / 10}, started=n, seed_source="label")
        for n in (1, 2, 3)
    ]
    (row,) = table_of(workspace, [make_run(manifest) for manifest in attempts]).rows
    assert [value for _, value in row.seed_values("acc")] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("python train.py", ("--seed", "7")),
        ("python3 -u train.py --lr 0.1", ("--seed", "7")),
        ("python train.py --lr=0.1", ("--seed=7",)),
        ("torchrun --nproc_per_node 2 train.py", ("--seed", "7")),
        ("uv run python train.py", ("--seed", "7")),
        ("env A=1 python train.py", ("--seed", "7")),
        ("python train.py --seed 3", ()),
        ("python train.py --seed={RUN_SEED}", ()),
        ("env SEED=3 python train.py", ()),
        ("python train.py -- rest", ()),
        ("python plain.py", ()),
        ("python reads.py", ()),
        ("python gone.py", ()),
        ("bash -c 'python train.py'", ()),
        ("bash run.sh", ()),
        ("docker run image python train.py", ()),
        ("make train", ()),
    ],
)
def test_what_scaffold_run_passes(workspace: Workspace, command: str, words: tuple[str, ...]) -> None:
    import shlex

    assert choose_seed_passing(workspace, shlex.split(command), workspace.workdir, 7).words == words


@pytest.mark.parametrize(
    ("command", "told"),
    [("python draw.py 0.1 7", "arguments"), ("python draw.py 0.1 8", None), ("python gone.py 7", None)],
)
def test_scaffold_run_tells_of_an_argument_that_is_the_seed(
    run: RunCommand, planned: Path, monkeypatch: pytest.MonkeyPatch, command: str, told: str | None
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(planned.parent))
    monkeypatch.chdir(planned)
    monkeypatch.setenv("RUN_SEED_SOURCE", "")
    monkeypatch.setattr("os.execvp", lambda file, words: None)
    run("run", "--seed", "7", "--", *command.split())
    assert (os.environ["RUN_SEED_SOURCE"] or None) == told


@pytest.mark.parametrize(
    ("argv", "source"),
    [
        (["python", "train.py", "--manual-seed", "3"], "arguments"),
        (["bash", "-c", "python train.py --seed 3"], "arguments"),
        (["echo", "{RUN_SEED}"], "arguments"),
        (["python", "train.py", "-s3"], "arguments"),
        (["python", "train.py", "-s", "3"], "arguments"),
        (["python", "train.py", "-s4"], "label"),
        (["python", "train.py", "3"], "label"),
        (["python", "reads.py"], "environment"),
        (["python", "-c", "import os; os.environ['RUN_SEED']"], "environment"),
        (["python", "train.py"], "label"),
        (["true"], "label"),
    ],
)
def test_what_the_recorder_says(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, argv: list[str], source: str
) -> None:
    recorder.naming  # noqa: B018 - the modules are found once one was asked for
    from _record_run import seed_source

    monkeypatch.chdir(workspace.workdir)
    assert seed_source.find_seed_source(argv, 3) == source
    if source == "label":
        monkeypatch.setenv(seed_source.SOURCE_VARIABLE, "environment")
        assert seed_source.find_seed_source(argv, 3) == "environment"
        monkeypatch.setenv(seed_source.SOURCE_VARIABLE, "arguments")
        assert seed_source.find_seed_source(argv, 3) == "arguments"


@pytest.mark.parametrize(
    ("command", "passes"),
    [
        ("python train.py --seed {seed}", True),
        ("python train.py --seed={seed}", True),
        ("python train.py seed={seed}", True),
        ("python train.py {seed}", True),
        ("env SEED={seed} python plain.py", True),
        ("python train.py -s{seed}", True),
        ("python train.py -s {seed}", True),
        ("python train.py -n{seed}", False),
        ("python train.py -n {seed}", False),
        ("python train.py --name {seed}", False),
        ("python train.py --name ckpt-{seed}.pt", False),
        ("python train.py --name=ckpt-{seed}.pt", False),
    ],
)
def test_where_a_placeholder_is_the_seed(command: str, passes: bool) -> None:
    assert passes_seed(command.split()) is passes


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scripts, and a workspace with its recorder beside them, outside git."""
    root = tmp_path_factory.mktemp("planned")
    workspace = make_workspace(root)
    (workspace.path / "scripts").mkdir()
    copy_recorder(workspace.path / "scripts")
    (workspace.path / "scripts/workspace.json").write_text(json.dumps(run_settings()))
    return root


def plan(run: RunCommand, planned: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> Result:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(planned.parent))
    monkeypatch.chdir(planned)
    return run("sweep", "new", "s", "--goal", "g", "--dry-run", *words.split())


def test_a_name_with_the_seed_in_it_passes_no_seed(
    run: RunCommand, planned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = plan(run, planned, monkeypatch, "--seeds 1-2 -- python train.py --config ckpt-{seed}.pt")
    assert done.exit_code == 0 and "seeds are passed as `--seed 1`" in done.stderr, done.output
    assert "train-config=ckpt-1.pt-s1-" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("--grid lr=1,2 -- python plain.py", 2, "plain.py takes no arguments, so that lr would change nothing"),
        ("--grid lr=1,2 --force-param -- python plain.py", 0, ""),
        ("--grid lr=1,2 -- env LR={lr} python plain.py", 0, ""),
        ("--grid lr=1,2 -- python train.py", 0, ""),
        ("--seeds 1-2 -- python plain.py", 2, "does not read $RUN_SEED"),
        ("--seeds 1-2 --seed-option env -- python plain.py", 0, "the seeds are mere labels"),
        ("--seeds 1-2 -- python reads.py", 0, "seeds are passed as $RUN_SEED, which reads.py reads"),
    ],
)
def test_what_a_script_cannot_take_is_refused(
    run: RunCommand, planned: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: int, message: str
) -> None:
    done = plan(run, planned, monkeypatch, words)
    assert done.exit_code == code and message in done.stderr, done.output


@pytest.mark.parametrize(
    ("command", "option", "source"),
    [
        ("python train.py {seed}", None, "arguments"),
        ("python train.py -s{seed}", None, "arguments"),
        ("python train.py", "--rng", "arguments"),
        ("python train.py --name ckpt-{seed}.pt", None, None),
        ("python reads.py", NO_SEED_OPTION, "environment"),
        ("python plain.py", NO_SEED_OPTION, None),
    ],
)
def test_how_the_launchers_of_a_sweep_say_that_the_seed_is_passed(
    workspace: Workspace, command: str, option: str | None, source: str | None
) -> None:
    assert run_scripts.find_seed_source(command.split(), option, workspace.workdir) == source
