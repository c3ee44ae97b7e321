"""A seed is effective, or it is a label: how it reaches the command, who passes it, and what labels count as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from scaffold.results.tables.model import ResultTable
from scaffold.runs import recorder
from scaffold.sweeps.spec.script_arguments import pass_seed
from scaffold.sweeps.spec.script_interface import passes_seed
from scaffold.workspace import Workspace
from tests.conftest import Run as RunCommand
from tests.runs.conftest import copy_recorder
from tests.runs.conftest import settings as run_settings
from tests.truth.made_runs import make_manifest, make_run, make_workspace, table_of


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("seeds"))


def seeded(workspace: Workspace, command: str, values: list[float], **more: Any) -> ResultTable:
    """The table of one command under the seeds 1, 2, ..."""
    manifests = [
        make_manifest(command.replace("SEED", str(seed)), seed=seed, metrics={"acc": value}, started=seed, **more)
        for seed, value in enumerate(values, start=1)
    ]
    return table_of(workspace, [make_run(manifest) for manifest in manifests])


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

    assert pass_seed(workspace, shlex.split(command), workspace.workdir, 7).words == words


@pytest.mark.parametrize(
    ("argv", "source"),
    [
        (["python", "train.py", "--manual-seed", "3"], "arguments"),
        (["bash", "-c", "python train.py --seed 3"], "arguments"),
        (["echo", "{RUN_SEED}"], "arguments"),
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
