"""A sweep's file: readable, the same bytes for the same sweep, read back as it was written, and forgiving about nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.sweeps.spec import grid, parsing, sweep_file, sweep_paths, text_yaml
from scaffold.sweeps.spec.model import CommandFilesCodeState, ConfigurationRule, RunResources, Sweep, SweepCode
from scaffold.workspace import Workspace
from tests.runs import conftest as recording
from tests.sweeps.conftest import sweep, there

CODE = SweepCode(
    state="a" * 64,
    commit="c" * 40,
    patch="exp/metadata/patches/0123.patch",
    named=(CommandFilesCodeState(words=("conf/a b.yaml", "train.py"), state=None, files=("f" * 64,)),),
)
RULE = ConfigurationRule(
    listed=({"x": "1", "y": ""}, {"x": "no", "y": "~"}),
    zips=({"a": ("1", "2"), "b": ("3", "4")},),
    grid={"lr": ("1e-2", "0.010"), "model.name": ("a,b", "null", "2026-01-01", "0x1f", "1_000")},
    space={"w": "log:1e-5,1e-1"},
    draws=2,
    space_seed=3,
    drawn=({"w": "0.1"}, {"w": "0.2"}),
    only_if="lr < 1 or x == 'no'",
    baseline=True,
)
WHOLE = sweep(
    goal='which "lr": #1\nand why',
    task="P3-T2",
    cwd="src/a b",
    style="hydra",
    seeds=(1, 2, 3, 7),
    seed_option="trainer.seed=",
    booleans={"amp": "switch"},
    labels={"smoke": "true"},
    backend="slurm",
    resources=RunResources(gpus=0, cpus=4, timeout_s=90.5, sbatch=("--time=1:00:00", "--exclude=a,b")),
    code=CODE,
    rule=RULE,
    configurations=grid.expand_configurations(RULE),
)


def back(text: str, folder: Path, name: str = "lr") -> Sweep:
    path = folder / f"{name}.yml"
    path.write_text(text, encoding="utf-8")
    return parsing.parse_sweep(text_yaml.read_yaml(path, noun="sweep"), name)


@pytest.mark.parametrize(
    "one",
    [sweep(), WHOLE, sweep(configurations=()), replace(WHOLE, rule=replace(RULE, drawn=RULE.drawn, only_if=None))],
)
def test_what_is_written_is_read_back(tmp_path: Path, one: Sweep) -> None:
    if one.rule.only_if is None and one.rule != ConfigurationRule():
        one = replace(one, configurations=grid.expand_configurations(one.rule))
    assert back(sweep_file.format_sweep_file(one), tmp_path) == one
    assert sweep_file.format_sweep_file(
        back(sweep_file.format_sweep_file(one), tmp_path)
    ) == sweep_file.format_sweep_file(one)


def test_a_person_reads_the_rule_not_its_expansion() -> None:
    text = sweep_file.format_sweep_file(WHOLE)
    assert "grid:\n  lr: [1e-2, 0.010]\n" in text
    assert "zip:\n  - a: [1, 2]\n    b: [3, 4]\n" in text
    assert 'seeds: "1-3,7"\n' in text
    assert "command: [python3, train.py]\n" in text
    assert max(map(len, text.splitlines())) < 160


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_survives(key: str, value: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "x.yml")
        path.write_text(
            "\n".join(
                ["a:", f"  {text_yaml.format_scalar(key)}: {text_yaml.format_flow_yaml([value, {key: value}])}", ""]
            )
        )
        assert text_yaml.read_yaml(path, noun="file") == {"a": {key: [value, {key: value}]}}
        assert yaml.safe_load(path.read_text()) is not None


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(WrongUsage, match="no text in UTF-8"):
        sweep_file.format_sweep_file(sweep(command=("python3", "train.py", "caf\udce9")))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("grid:", "gird:", "unknown key gird\nhint: did you mean grid?"),
        ("  space:", "  spaces:", "random has an unknown key spaces\nhint: did you mean space?"),
        ("  gpus: 0", "  gpu: 0", "resources has an unknown key gpu\nhint: did you mean gpus?"),
        ("  gpus: 0", "  gpus: one", "resources.gpus must be a whole number, not 'one'"),
        ("timeout_s: 90.5", "timeout_s: 0", "resources.timeout_s must be a number of seconds above 0"),
        ("style: hydra", "style: hidra", "style must be one of flags, equals, hydra, not 'hidra'"),
        ("version: 1", "version: 2", "version is '2'"),
        ("name: lr", "name: other", "a copy needs a name of its own"),
        ('seeds: "1-3,7"', "seeds: 1..3", "--seeds needs whole numbers"),
        ("  lr: [1e-2, 0.010]", "  lr: []", "grid.lr has no values"),
        ("  lr: [1e-2, 0.010]", "  lr: [[1], 2]", "grid.lr must be a single value, not a list"),
        ("  lr: [1e-2, 0.010]", "  lr: [1e-2]\n  lr: [2]", "lr.yml:17: lr is there twice"),
        ("  lr: [1e-2, 0.010]", "  seed: [1, 2]", "grid names the seed"),
        ("  number: 2", "  number: 3", "random.number is 3, and 2 are drawn"),
        ("backend: slurm", "backend: cluster", "backend must be one of local, slurm, server"),
        ("baseline: true", "baseline: maybe", "baseline must be one of true, false"),
        ("command: [python3, train.py]", "command: python3 train.py", "command must be a list"),
        ("command: [python3, train.py]", "command: []", "command is empty"),
        ("command: [python3, train.py]", "command: [python3", "lr.yml:"),
        ("experiment: train\n", "", "experiment is missing"),
        ("amp: switch", "amp: flag", "booleans.amp must be one of switch, paired"),
        ("only_if: ", "only_if: lrr ", "cannot be understood"),
        ("  - {x: 1, ", "  - {w: 1, ", "w gets its values from two sides"),
    ],
)
def test_an_edit_that_cannot_be_meant_names_file_and_key(
    workspace: recording.Workspace, old: str, new: str, said: str
) -> None:
    place = there(workspace)
    path = sweep_file.write_sweep(place, WHOLE)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ScaffoldError) as caught:
        sweep_file.read_sweep(place, "lr")
    assert not isinstance(caught.value, WrongUsage)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_edits_that_can_be_meant(workspace: recording.Workspace) -> None:
    place = there(workspace)
    path = sweep_file.write_sweep(place, WHOLE)
    text = path.read_text().replace('seeds: "1-3,7"', "seeds: [4, 5-6]").replace("  lr: [1e-2, 0.010]", "  lr: 3e-4")
    path.write_text(text.replace("  drawn:\n    - {w: 0.1}\n    - {w: 0.2}\n", ""))
    found = sweep_file.read_sweep(place, "lr")
    assert found.seeds == (4, 5, 6)
    assert found.rule.grid["lr"] == ("3e-4",)
    assert found.rule.drawn == () and len({c["w"] for c in found.configurations if c}) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "- a", "x: &x [*x]", "a: !!python/object:os.system {}", "\x00", "{a: b: c}"]
)
def test_a_file_that_is_no_sweep(workspace: recording.Workspace, text: str) -> None:
    place = there(workspace)
    path = sweep_paths.sweep_path(place, "lr")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ScaffoldError, match=r"lr\.yml"):
        sweep_file.read_sweep(place, "lr")


def test_names(workspace: recording.Workspace) -> None:
    place: Workspace = there(workspace)
    sweep_file.write_sweep(place, sweep(name="lr-2"))
    assert sweep_paths.sweep_names(place) == ["lr-2"]
    with pytest.raises(ScaffoldError, match="did you mean lr-2"):
        sweep_file.read_sweep(place, "lr2")
    for name in ("", "../x", "a b", "-x", "a" * 65, "x.ledger", "x.yml", "x.pacer"):
        with pytest.raises(WrongUsage, match="cannot be a sweep's name"):
            sweep_file.read_sweep(place, name)
