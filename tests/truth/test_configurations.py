"""Pairs of commands: are they one configuration, have they one name, and what tells their rows apart?"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scaffold.workspace import Workspace
from tests.truth.made_runs import make_manifest, make_run, make_workspace, row_values, summarized, table_of


class Case(NamedTuple):
    """Two commands that started one after the other; `columns` is what the table shows of two rows."""

    a: str
    b: str
    one_row: bool
    one_name: bool
    columns: tuple[str, ...] = ()


def same(a: str, b: str, *, name: bool = False) -> Case:
    return Case(a, b, True, name)


def other(a: str, b: str, *columns: str) -> Case:
    return Case(a, b, False, False, columns)


CASES = [
    # seeds, outputs and secrets make no other configuration
    same("python train.py --seed 1 --lr 0.1", "python train.py --seed 2 --lr 0.1"),
    same("python train.py --seed=1", "python train.py --seed 2"),
    same("python train.py --random_seed 1", "python train.py --random_seed 2"),
    same("python train.py trainer.seed=1 lr=0.1", "python train.py trainer.seed=2 lr=0.1"),
    same("python train.py -- --seed 1", "python train.py -- --seed 1", name=True),
    same("env SEED=1 python plain.py", "env SEED=2 python plain.py"),
    same("bash -c 'python train.py --seed 1 --lr 0.1'", "bash -c 'python train.py --seed 2 --lr 0.1'"),
    same("bash -c 'cd . && python train.py --seed 1 > log'", "bash -c 'cd . && python train.py --seed 2 > log'"),
    same("bash -lc 'source env && python t.py --seed=1'", "bash -lc 'source env && python t.py --seed=2'"),
    same("python train.py --seed 1 --out runs/1", "python train.py --seed 2 --out runs/2"),
    same("python train.py --seed 1 --output_dir a", "python train.py --seed 2 --output_dir b"),
    same("python train.py --seed 1 --save-dir=a", "python train.py --seed 2 --save-dir=b"),
    same("python main.py hydra.run.dir=a seed=1", "python main.py hydra.run.dir=b seed=2"),
    same("python train.py --seed 1 --out runs/1", "python train.py --seed 2"),
    same("bash -c 'python t.py --seed 1 --out a | tee x'", "bash -c 'python t.py --seed 2 --out b | tee x'"),
    same(
        "python train.py --seed 1 --token hf_aaaaaaaaaaaaaaaaaaaaaaaa",
        "python train.py --seed 2 --token hf_bbbbbbbbbbbbbbbbbbbbbbbb",
    ),
    same(
        "python train.py --seed 1 --work-dir {RUN_OUTPUT_DIR}", "python train.py --seed 2 --work-dir {RUN_OUTPUT_DIR}"
    ),
    same("python train.py --seed 1 --name {RUN_NAME}", "python train.py --seed 2 --name {RUN_NAME}"),
    other("python train.py --out 8", "python train.py --out 16", "out"),
    other("python train.py --outliers 8", "python train.py --outliers 16", "outliers"),
    other("python train.py --checkpoint a.pt", "python train.py --checkpoint b.pt", "checkpoint"),
    other("python train.py --name ckpt-1.pt --seed 1", "python train.py --name ckpt-2.pt --seed 2", "name"),
    other("python train.py --seed 1 --data_seed 1", "python train.py --seed 1 --data_seed 2", "data_seed"),
    other("python train.py --seeds 1", "python train.py --seeds 2", "seeds"),
    # one value, however it is spelled
    same("python train.py --lr 0.001 --seed 1", "python train.py --lr 1e-3 --seed 2"),
    same("python train.py --lr=0.1 --seed 1", "python train.py --lr 0.1 --seed 2"),
    same("python train.py --batch-size 8 --seed 1", "python train.py --batch_size 8 --seed 2"),
    same("python train.py --lr .001", "python train.py --lr 1e-3", name=True),
    same("/usr/bin/python train.py --lr 1", "/opt/env/bin/python train.py --lr 1", name=True),
    other("python train.py --lr 1", "python train.py --lr true", "lr"),
    other("python train.py --lr 007", "python train.py --lr 7", "lr"),
    other("python train.py --lr 0.1", "python train.py --lr 0.2", "lr"),
    other("python train.py --lr 0.1", "python train.py", "lr"),
    other("python train.py --amp", "python train.py", "amp"),
    other("python train.py --amp", "python train.py --no-amp", "amp"),
    other("python train.py lr=0.1", "python train.py lr=0.2", "lr"),
    other("python train.py model.lr=0.1", "python train.py model.depth=0.1", "model.depth", "model.lr"),
    # the order of options
    same("python train.py --lr 1 --batch-size 8 --seed 1", "python train.py --batch-size 8 --seed 2 --lr 1"),
    same("python train.py --hidden 64 64 --lr 1 --seed 1", "python train.py --lr 1 --seed 2 --hidden 64 64"),
    same("python train.py --amp --lr 1 --seed 1", "python train.py --lr 1 --amp --seed 2"),
    same("python convert.py a.txt --scale 2", "python convert.py --scale 2 a.txt"),
    same("python convert.py a.txt b.txt --fast", "python convert.py a.txt b.txt --fast", name=True),
    same("python convert.py --fast a.txt", "python convert.py a.txt --fast"),
    same("python clicked.py --lr 1 data", "python clicked.py data --lr 1"),
    same("python clicked.py --verbose data", "python clicked.py data --verbose"),
    same("python unknown.py --a 1 --b 2", "python unknown.py --b 2 --a 1"),
    same("python unknown.py --a 1 2 --b 2", "python unknown.py --b 2 --a 1 2"),
    # several values
    other("python train.py --hidden 64 64", "python train.py --hidden 64 512", "hidden"),
    other("python train.py --hidden 64", "python train.py --hidden 64 64", "hidden"),
    other("python train.py --hidden 64 --lr 1", "python train.py --hidden 64 128 --lr 1", "hidden"),
    other("python train.py --betas 0.9 0.99 --seed 1", "python train.py --betas 0.9 0.999 --seed 2", "betas"),
    other("python train.py --betas 0.9 0.99", "python train.py --betas 0.99 0.9", "betas"),
    other("python unknown.py --layers 1 2", "python unknown.py --layers 1 3", "layers"),
    other("python unknown.py --x 1 --x 2", "python unknown.py --x 1 --x 3", "x"),
    other("python unknown.py --x 1 2", "python unknown.py --x 1 --x 2", "x"),
    other("julia fit.jl --layers 1 2", "julia fit.jl --layers 1 3", "layers"),
    # positional arguments
    other("python convert.py a.txt", "python convert.py b.txt", "source"),
    other("python convert.py a.txt b.txt", "python convert.py a.txt c.txt", "targets"),
    other("python convert.py a.txt b.txt c.txt", "python convert.py a.txt c.txt b.txt", "targets"),
    other("python convert.py --fast a.txt", "python convert.py --fast b.txt", "source"),
    other("python convert.py --scale 2 a.txt", "python convert.py --scale 3 a.txt", "scale"),
    other("python clicked.py a", "python clicked.py b", "path"),
    other("python clicked.py --verbose a", "python clicked.py a", "verbose"),
    other("python unknown.py a", "python unknown.py b", "arg1"),
    other("python unknown.py a b", "python unknown.py a c", "arg2"),
    other("python unknown.py a b", "python unknown.py b a", "arg1", "arg2"),
    other("python unknown.py 1 2", "python unknown.py 1 3", "arg2"),
    other("./run.sh fast", "./run.sh slow", "arg1"),
    other("bash run.sh fast", "bash run.sh slow", "arg1"),
    other("make train", "make test", "arg1"),
    other("python -m pkg.train a", "python -m pkg.train b", "arg1"),
    # lines for a shell
    other("bash -c 'python train.py --lr 0.1'", "bash -c 'python train.py --lr 0.2'", "lr"),
    other("bash -c 'python train.py --hidden 64 64'", "bash -c 'python train.py --hidden 64 65'", "hidden"),
    other("bash -c 'cd x && python train.py --lr 0.1'", "bash -c 'cd x && python train.py --lr 0.2'", "command"),
    other("sh -c 'python a.py | tee l'", "sh -c 'python b.py | tee l'", "command"),
    other("bash -c 'python $0' a.py", "bash -c 'python $0' b.py", "command"),
    # what starts the script
    other("python train.py", "python -O train.py", "command"),
    other("torchrun --nproc_per_node 2 train.py --lr 1", "torchrun --nproc_per_node 4 train.py --lr 1", "command"),
    other("env LR=1 python plain.py", "env LR=2 python plain.py", "command"),
    other("python -c 'print(1)'", "python -c 'print(2)'", "command"),
    other("python train.py -l 0.1", "python train.py --lr 0.1", "l", "lr"),
    other("python train.py --config a.txt", "python train.py --config b.txt", "config"),
]


# pairs that only the script's parser shows to be one
NEEDS_PARSER = [
    case for case in CASES if case.one_row and not case.one_name and ("convert.py" in case.a or "clicked.py" in case.a)
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("truth"))


@pytest.mark.parametrize("case", CASES, ids=[f"{case.a} | {case.b}" for case in CASES])
def test_which_commands_are_one_configuration(workspace: Workspace, case: Case) -> None:
    # one experiment, whatever the scripts are called: only the command tells them apart
    manifests = [
        make_manifest(command, experiment="e", metrics={"acc": value}, started=at)
        for at, (command, value) in enumerate([(case.a, 0.5), (case.b, 0.7)])
    ]
    names = {manifest["run"]["name"] for manifest in manifests}
    assert (len(names) == 1) is case.one_name, names
    if case.one_name:
        manifests[1]["run"]["attempt"] = 2
    table = table_of(workspace, [make_run(manifest) for manifest in manifests])
    assert (len(table.rows) == 1) is case.one_row, [row.config for row in table.rows]
    assert table.by == case.columns
    # the workspace's own script reads no parser: there a row of results may be two, never two of them one
    alone = summarized(workspace, manifests)
    assert alone == row_values(table) or (case in NEEDS_PARSER and len(alone) == 2), alone


def test_the_cases_are_many() -> None:
    assert len(CASES) >= 80 and len(set(CASES)) == len(CASES)


@pytest.mark.parametrize(
    ("a", "b", "values"),
    [
        ("python train.py --hidden 64 64", "python train.py --hidden 64 512", {"64 64", "64 512"}),
        ("bash -c 'cd x && python t.py --lr 1'", "bash -c 'cd x && python t.py --lr 2'", {"--lr 1", "--lr 2"}),
        ("torchrun --nnodes 2 train.py", "torchrun --nnodes 4 train.py", {"--nnodes 2", "--nnodes 4"}),
        ("python convert.py a b c", "python convert.py a b d", {"b c", "b d"}),
    ],
)
def test_what_the_column_says(workspace: Workspace, a: str, b: str, values: set[str]) -> None:
    runs = [make_run(make_manifest(command, experiment="e")) for command in (a, b)]
    table = table_of(workspace, runs)
    assert {row.config[table.by[0]] for row in table.rows} == values


def test_what_param_says_stands(workspace: Workspace) -> None:
    runs = [
        make_run(make_manifest("python train.py --hidden 64 64", params={"hidden": "wide", "note": n})) for n in (1, 2)
    ]
    rows = table_of(workspace, runs).rows
    assert [row.config["hidden"] for row in rows] == ["wide", "wide"] and [row.config["note"] for row in rows] == [1, 2]


def test_a_folder_is_part_of_the_command(workspace: Workspace) -> None:
    first, second = (make_manifest("python train.py --lr 1", experiment="e") for _ in range(2))
    second["command"]["cwd"] = "sub"
    second["run"]["name"] += "0"
    assert table_of(workspace, [make_run(first), make_run(second)]).by == ("command",)


def test_nothing_is_read_off_a_path(tmp_path: Path) -> None:
    empty = make_workspace(tmp_path)
    (tmp_path / "train.py").unlink()
    run = make_run(make_manifest("python train.py --lr 0.1 data.txt"))
    assert table_of(empty, [run]).rows[0].config == {"lr": "0.1 data.txt"}, (
        "without its parser the values stay together"
    )


WORDS = st.sampled_from(
    ["--lr", "--depth", "-n", "0.1", "2", "adam", "a.txt", "x/y", "opt=sgd", "m.lr=1", "--no-amp", "--mode=fast", "7"]
)
UNLIKE = st.sampled_from(["--width", "-k", "0.25", "3", "lion", "b.txt", "opt=lion", "--mode=slow", "9"])


@settings(max_examples=60)
@given(
    words=st.lists(WORDS, min_size=1, max_size=6),
    at=st.integers(0, 5),
    word=UNLIKE,
    script=st.sampled_from(["unknown.py", "train.py"]),
)
@example(words=["--lr", "--lr", "--no-amp", "--no-amp"], at=0, word="--width", script="train.py")
@example(words=["--amp", "--amp", "0.1"], at=2, word="0.25", script="train.py")
def test_another_word_is_never_in_the_same_row(
    workspace: Workspace, words: list[str], at: int, word: str, script: str
) -> None:
    changed = [*words]
    changed[at % len(words)] = word
    runs = [make_run(make_manifest(["python", script, *side], experiment="e")) for side in (words, changed)]
    assert len(table_of(workspace, runs).rows) == 2


OPTIONS = st.lists(
    st.sampled_from(
        [
            *(("--lr", "0.1"), ("--batch-size", "8"), ("--hidden", "64", "64"), ("--betas", "0.9", "0.99")),
            *(("--amp",), ("--out", "x"), ("--seed", "3")),
        ]
    ),
    unique=True,
    max_size=6,
)


@settings(max_examples=30)
@given(options=OPTIONS, data=st.data())
def test_the_order_of_options_keeps_the_row(
    workspace: Workspace, options: list[tuple[str, ...]], data: st.DataObject
) -> None:
    runs = [
        make_run(make_manifest(["python", "train.py", *(word for option in order for word in option)], experiment="e"))
        for order in (options, data.draw(st.permutations(options)))
    ]
    assert len(table_of(workspace, runs).rows) == 1
