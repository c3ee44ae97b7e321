"""Names: one spelling of one configuration gives one name, wherever it is computed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.runs import recorder
from tests.runs.conftest import SCHEMA, MakeWorkspace, Workspace, check

NAME = re.compile(SCHEMA["properties"]["run"]["properties"]["name"]["pattern"])


@pytest.mark.parametrize(
    ("text", "value", "shortest"),
    [
        ("1e-3", 0.001, "0.001"),
        ("0.001", 0.001, "0.001"),
        (".001", 0.001, "0.001"),
        ("1.0", 1, "1"),
        ("1e3", 1000, "1000"),
        ("+5", 5, "5"),
        ("-0.0", 0, "0"),
        ("1e-5", 1e-05, "1e-5"),
        ("1e22", 1e22, "1e22"),
        ("10000000000000000000000", 1e22, "1e22"),
        ("12345678901234567891", 12345678901234567891, "12345678901234567891"),
        ("True", True, "true"),
        ("false", False, "false"),
        ("None", None, "null"),
        ("null", None, "null"),
        ("007", "007", "007"),
        ("1_000", "1_000", "1_000"),
        ("nan", "nan", "nan"),
        ("1e999", "1e999", "1e999"),
        ("2026-01-01", "2026-01-01", "2026-01-01"),
        ("", "", ""),
        ("-", "-", "-"),
    ],
)
def test_values(text: str, value: object, shortest: str) -> None:
    found = recorder.values.parse_value(text)
    assert (found, type(found)) == (value, type(value))
    assert recorder.values.format_value(found) == shortest


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("python train.py --lr 0.1 --bs=8 wd=1e-4", {"lr": 0.1, "bs": 8, "wd": 0.0001}),
        ("python train.py model.lr=0.1 +new.x=a ++y=2 ~gone=1", {"model.lr": 0.1, "new.x": "a", "y": 2, "gone": 1}),
        ("python train.py --amp --no-cuda --name x", {"amp": True, "cuda": False, "name": "x"}),
        ("python train.py --layer 64 --layer 32", {"layer": "64,32"}),
        ("python train.py --multirun lr=0.1", {"multirun": True, "lr": 0.1}),
        ("python train.py --offset -3 -v", {"offset": -3, "v": True}),
        ("python train.py --learning-rate 1", {"learning_rate": 1}),
        ("python train.py hydra/launcher=submitit", {"hydra/launcher": "submitit"}),
        ("python train.py --url http://x/?a=b", {"url": "http://x/?a=b"}),
        ("torchrun --nproc_per_node 4 train.py --lr 1", {"lr": 1}),
        ("python -m pkg.train --lr 1", {"lr": 1}),
        ("python -u -c pass --lr 1", {"lr": 1}),
        ("./train --lr 1", {"lr": 1}),
        ("python train.py input.txt -- -", {}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_parameters_read_off_a_command(command: str, params: dict[str, Any]) -> None:
    assert recorder.naming.command_params(command.split()) == params


def identity(command: str, **more: Any) -> Any:
    return recorder.naming.Identity(command.split(), **more)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train.py --lr 1e-3", "train.py --lr .001"),
        ("train.py lr=1e-3", "train.py lr=0.001"),
        ("train.py --x=True", "train.py --x=true"),
        ("/a/bin/python train.py", "/b/bin/python train.py"),
        ("python /repo/train.py", "python train.py"),
    ],
)
def test_one_configuration_has_one_name(one: str, other: str) -> None:
    assert identity(one, top="/repo").name == identity(other, top="/repo").name


def test_what_changes_a_name() -> None:
    base = "python train.py --lr 0.1"
    changed = [
        identity(base),
        identity(base, code="a" * 64),
        identity(base, seed=1),
        identity(base, cwd="sub"),
        identity(base, params={"x": 1}),
        identity(base, files=["b" * 64]),
        identity(base, experiment="other"),
        identity(base + " positional"),
        identity("python train.py --lr 0.2"),
    ]
    assert len({i.name for i in changed}) == len(changed)


@pytest.mark.parametrize(
    ("command", "seed", "params"),
    [
        ("train.py --seed 3", 3, {}),
        ("train.py seed=3 x=1", 3, {"x": 1}),
        ("train.py trainer.seed=3", 3, {}),
        ("train.py --random-seed 3 --seed 4", 4, {"random_seed": 3}),
        ("train.py --seed none", None, {"seed": None}),
        ("train.py", None, {}),
    ],
)
def test_the_seed_is_read_off_the_command(command: str, seed: int | None, params: dict[str, Any]) -> None:
    found = identity(command)
    assert (found.seed, found.params) == (seed, params)


def test_how_a_name_reads() -> None:
    command = "python src/train.py --lr 1e-3 --data a/b.csv --seed 3"
    found = identity(command, experiment="base line")
    assert found.name == f"base_line-data_a_b.csv-lr_0.001-s3-{found.digest}"
    former = identity(command, experiment="base line", scheme=1)
    assert former.name == f"base_line-data=a_b.csv,lr=0.001-s3-{former.digest}"
    assert identity("python src/train.py").name.startswith("train-")
    assert identity("python -m pkg.fit").name.startswith("fit-")


LONG = "python train.py --data_path /scratch/{0}/imagenet --model_name meta/{0} --output_dir /scratch/{0}/out --tokenizer meta/{0}"


def test_a_name_that_is_too_long_keeps_what_stands_last_in_the_command() -> None:
    """What a sweep varies stands there; in the alphabet it may stand anywhere, and was lost in scheme 2."""
    command = LONG.format("l" * 30) + " --weight_decay {0} --warmup {1} --seed 3"
    names = [identity(command.format(decay, warmup)).name for decay in (0.1, 0.01) for warmup in (100, 500)]
    assert all(len(name) <= 120 for name in names)
    for name, tail in zip(names, ("warmup_100-weight_decay_0.1", "warmup_500-weight_decay_0.1"), strict=False):
        assert f"-{tail}-s3-" in name
    former = identity(command.format(0.1, 100), scheme=2)
    assert "weight_decay" not in former.name
    assert names[0].endswith(former.digest), "the digest is the same"


def test_what_is_set_again_at_the_end_of_a_command_stands_last() -> None:
    """As with Hydra, where a sweep overrides what the command has set: all of its runs would look the same but for the digest."""
    command = "python train.py lr=0.1 " + " ".join(f"z{index}.some_module.option_name={'v' * 14}" for index in range(8))
    names = [identity(f"{command} lr={rate}").name for rate in (0.2, 0.3)]
    assert [("lr_0.1_0.2-" in name, "lr_0.1_0.3-" in name) for name in names] == [(True, False), (False, True)]


def test_the_name_of_a_long_command_is_the_same_in_any_sweep_and_by_hand() -> None:
    """Swept parameters that a placeholder puts into the command are told to the recorder, too, and move nothing."""
    command = LONG.format("l" * 30) + " --weight_decay 0.1 --warmup 100 --seed 3"
    by_hand = identity(command).name
    for swept in ({"data_path": f"/scratch/{'l' * 30}/imagenet"}, {"weight_decay": 0.1}, {"warmup": 100, "seed": 3}):
        seed = swept.pop("seed", None)
        assert identity(command, params=swept, seed=seed).name == by_hand


def test_of_a_long_value_the_end_stays() -> None:
    found = identity(f"python train.py --config {'deep/' * 20}small.yaml --lr 0.1").name
    assert found.startswith("train-config_eep_deep_deep_small.yaml-lr_0.1-"), found


def test_names_that_are_not_too_long_are_the_same_in_schemes_2_and_3() -> None:
    command = "python train.py --lr 0.1 --depth 3 --data a/b.csv"
    assert identity(command, scheme=2).name == identity(command, scheme=3).name


text = st.text(max_size=500)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text


@settings(max_examples=150, deadline=None)
@given(
    st.lists(text, min_size=1, max_size=8).filter(lambda argv: all("\0" not in a for a in argv)),
    st.none() | text,
    st.none() | st.integers(),
    st.dictionaries(text, scalars, max_size=6),
)
@pytest.mark.slow
def test_any_name_is_safe_short_and_the_same_again(
    argv: list[str], experiment: str | None, seed: int | None, params: dict[str, Any]
) -> None:
    found = recorder.naming.Identity(argv, experiment=experiment, seed=seed, params=params)
    assert NAME.match(found.name) and len(found.name.encode()) <= 120
    assert found.name.endswith("-" + found.digest)
    assert recorder.naming.Identity(argv, experiment=experiment, seed=seed, params=params).name == found.name


json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_json_is_what_json_says(value: object) -> None:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    assert recorder.json_text.to_json(value) == canonical
    assert json.loads(recorder.json_text.to_json(value, "\n")) == value
    assert recorder.json_text.from_json(canonical) == value
    recorder.json_text.to_json(value, "\n").encode()


def test_text_that_is_no_unicode_survives(workspace: Workspace) -> None:
    done = subprocess.run(
        [*map(str.encode, workspace.command("--quiet", "--", "true")), b"a\xff=\xfe"], cwd=workspace.root
    )
    assert done.returncode == 0
    assert workspace.last()["command"]["argv"] == ["true", "a\udcff=\udcfe"]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40), max_size=5),
    st.dictionaries(
        st.from_regex(r"[A-Za-z_.]{1,12}", fullmatch=True), st.text("abc/ é=-1.e", max_size=12), max_size=3
    ),
    st.none() | st.integers(-5, 99),
)
def test_any_manifest_follows_the_schema(
    shared: Workspace, argv: list[str], params: dict[str, str], seed: int | None
) -> None:
    options = [o for k, v in params.items() for o in ("--param", f"{k}={v}")] + (
        ["--seed", str(seed)] if seed is not None else []
    )
    command = shared.command(
        "--quiet", *options, "--", sys.executable, "-c", "import os; print(open(os.environ['RUN_MANIFEST']).read())"
    )
    assert subprocess.run([*command, *argv], cwd=shared.root).returncode == 0
    newest = max(shared.paths(), key=lambda p: p.stat().st_mtime_ns)
    manifest = json.loads(newest.read_text(encoding="utf-8"))
    check(manifest)
    check(json.loads(shared.log(manifest)))
    assert manifest["command"]["argv"][3:] == recorder.redaction.redact_argv([sys.executable, "-c", "", *argv])[3:]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    from tests.runs.conftest import settings as facts
    from tests.runs.conftest import write_workspace

    return write_workspace(tmp_path_factory.mktemp("shared"), facts())


def test_a_planned_name_is_the_recorded_name(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace = make_workspace({"train.py": "print(1)\n", "conf.yaml": "a: 1\n"})
    args = [
        "--experiment",
        "base",
        "--config",
        "conf.yaml",
        "--",
        sys.executable,
        "train.py",
        "--lr",
        "1e-3",
        "--seed",
        "2",
    ]
    planned = workspace.name(*args)
    assert workspace.record(*args).returncode == 0
    assert workspace.last()["run"]["name"] == planned
    (workspace.root / "conf.yaml").write_text("a: 2\n")
    assert workspace.name(*args) != planned


def test_a_command_may_name_where_its_run_belongs(workspace: Workspace) -> None:
    """`{RUN_OUTPUT_DIR}` and its like are replaced when the command starts; name, parameters and manifest keep them as written."""
    code = "import sys; open(sys.argv[1] + '/seen', 'w').write(' '.join(sys.argv[2:]))"
    command = (
        "--",
        sys.executable,
        "-c",
        code,
        "{RUN_OUTPUT_DIR}",
        "--as={RUN_NAME}",
        "--seed",
        "{RUN_SEED}",
        "{RUN_OTHER}",
    )
    name = workspace.name("--seed", "3", *command)
    done = workspace.record("--seed", "3", *command)
    assert done.returncode == 0, done.stderr
    manifest = workspace.last()
    assert manifest["run"]["name"] == name and "RUN_" not in name
    assert "{RUN_OUTPUT_DIR}" in manifest["command"]["argv"] and manifest["params"] == {} and manifest["seed"] == 3
    seen = (workspace.root / manifest["paths"]["outputs"] / "seen").read_text()
    assert seen == f"--as={name} --seed 3 {{RUN_OTHER}}"
    again = workspace.record("--seed", "3", *command)
    assert again.returncode == 0 and workspace.last()["run"]["attempt"] == 2
    assert (workspace.root / workspace.last()["paths"]["outputs"] / "seen").is_file()


def test_without_a_seed_its_place_stays_as_it_is(workspace: Workspace) -> None:
    done = workspace.record("--", "echo", "{RUN_SEED}")
    assert done.stdout == "{RUN_SEED}\n"


def test_the_scheme_of_names_is_the_workspaces_unless_one_is_asked_for(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace()
    command = ["--", "sh", "-c", "echo ${RUN_NAME_SCHEME-nothing}"]
    monkeypatch.setenv("RUN_NAME_SCHEME", "1")
    done = workspace.record(*command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing\n", ""), "it is not the command's"
    assert "name_scheme" not in workspace.last()["recorder"], "manifests of scheme 1 do not say so"
    monkeypatch.setenv("RUN_NAME_SCHEME", "7")
    done = workspace.record(*command)
    assert done.returncode == 0 and "no scheme 7 of names" in done.stderr and len(workspace.paths()) == 2


@pytest.mark.parametrize("facts", [{"name_scheme": 99}, {"name_scheme": "x"}, {"name_scheme": []}])
def test_a_scheme_that_the_recorder_does_not_know_stops_no_run(make_workspace: MakeWorkspace, facts: Any) -> None:
    workspace = make_workspace(**facts)
    done = workspace.record("--", "true")
    assert done.returncode == 0 and workspace.last()["status"] == "finished"
    assert ("no scheme" in done.stderr) == bool(facts["name_scheme"])


STDIN_COMMANDS = {
    "python -": ("print('one')\n", "print('two')\n"),
    "bash -s a b": ("echo $1 one\n", "echo $2 two\n"),
    "env X=1 python3 -u - --lr 0.1": ("print('one')\n", "print('two')\n"),
}


@pytest.mark.parametrize("command", STDIN_COMMANDS)
def test_a_script_on_standard_input_counts_and_is_kept(make_workspace: MakeWorkspace, command: str) -> None:
    """Through a pipe as through a file; the command finds all of it."""
    workspace = make_workspace(name_scheme=2)
    one, other = STDIN_COMMANDS[command]
    done = workspace.record("--", *command.split(), input=one)
    assert (done.returncode, "one" in done.stdout, done.stderr) == (0, True, "")
    first = workspace.last()
    assert (workspace.root / first["paths"]["stdin"]).read_text() == one
    script = workspace.root.parent / "script"
    script.write_text("skipped\n" + one)
    with script.open("rb", buffering=0) as stdin:
        stdin.seek(len("skipped\n"))
        done = workspace.record("--", *command.split(), stdin=stdin)
    assert "one" in done.stdout and workspace.last()["run"]["name"] == first["run"]["name"]
    assert workspace.name("--", *command.split(), input=other) != first["run"]["name"]


def test_input_that_does_not_end_delays_no_command_for_long(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(name_scheme=2)
    with subprocess.Popen(
        workspace.command("--", "bash", "-s"),
        cwd=workspace.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(b"echo one\nread line\n")
        assert process.stdout.readline() == b"one\n"
        process.stdin.write(b"typed\necho $line\n")
        assert process.stdout.readline() == b"typed\n", "what the script reads is what comes after it"
        process.stdin.close()
        assert b"no part of the name" in process.stderr.read() and process.wait(20) == 0
    assert "stdin" not in workspace.last()["paths"]


def test_a_command_that_reads_data_keeps_its_input(workspace: Workspace) -> None:
    done = workspace.record("--", "python3", "-c", "print(input())", "-", input="data\n")
    assert done.stdout == "data\n" and "stdin" not in workspace.last()["paths"]
