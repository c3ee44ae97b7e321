"""Options of a launch: all from the training script's own #SBATCH block, each with its line; what does not fit is named."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from scaffold.backends.interface import BackendContext, Job
from scaffold.backends.server import slurm_allocation
from scaffold.backends.slurm import repository_sbatch_block
from scaffold.backends.slurm.backend import SlurmBackend
from scaffold.backends.slurm.sbatch_options import SbatchOption, choose_sbatch_options
from scaffold.workspace import Workspace

TRAIN = """\
#!/bin/bash
#SBATCH --job-name=train
#SBATCH -p gpu-long --time=1-00:00:00
#SBATCH --gres=gpu:a100:4
#SBATCH --cpus-per-task=16 --mem=64G
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --exclusive
#SBATCH --constraint=a100
#SBATCH --array=0-9%2
#SBATCH --dependency=afterok:123
#SBATCH --account=YOUR_ACCOUNT
#SBATCH --output=logs/%j.out
srun python src/train.py --lr 0.1
"""
ROUTER = "#!/bin/bash\n#SBATCH --partition=cpu\n#SBATCH --time=00:10:00\n#SBATCH --qos=short\npython route.py\n"
SCRIPTS = {"slurm/router.sbatch": ROUTER, "slurm/train.sbatch": TRAIN}
ENTRIES = [{"path": "route.py", "kind": "other"}, {"path": "src/train.py", "kind": "train"}]
ANSWER = {
    "scripts": list(SCRIPTS),
    "partitions": ["cpu", "gpu-long"],
    "accounts": ["proj1"],
    "qos": ["short"],
    "gres": ["gpu:a100:4"],
    "time": ["00:10:00", "1-00:00:00"],
    "evidence": {"partitions": "slurm/router.sbatch:2", "qos": "slurm/router.sbatch:4", "accounts": "Makefile:3"},
}


def words(options: tuple[SbatchOption, ...]) -> list[str]:
    return [option.word for option in options]


def block() -> repository_sbatch_block.SbatchBlock:
    found = repository_sbatch_block.choose_sbatch_block(SCRIPTS, ENTRIES)
    assert found is not None
    return found


def test_it_is_the_block_of_the_script_that_trains() -> None:
    found = block()
    assert (found.path, found.others, found.at_once) == ("slurm/train.sbatch", ("slurm/router.sbatch",), 2)
    assert [(o.word, o.origin.rpartition(":")[2]) for o in found.options] == [
        ("--partition=gpu-long", "3"),
        ("--time=1-00:00:00", "3"),
        ("--gres=gpu:a100:4", "4"),
        ("--cpus-per-task=16", "5"),
        ("--mem=64G", "5"),
        ("--signal=B:USR1@120", "6"),
        ("--requeue", "7"),
        ("--exclusive", "8"),
        ("--constraint=a100", "9"),
    ]
    assert found.left_out == (
        "slurm/train.sbatch:11: --dependency=afterok:123 is left out: it waits for jobs of the script's own",
        "slurm/train.sbatch:12: --account=YOUR_ACCOUNT is left out: its value is to be filled in",
    )


@pytest.mark.parametrize(
    ("scripts", "chosen"),
    [
        ({"a.sh": ROUTER}, "a.sh"),
        ({"a.sh": "python src/train.py\n", "b.sh": ROUTER}, "b.sh"),
        ({"a.sh": ROUTER, "b.sh": "#SBATCH -p x\npython -m src.train\n"}, "b.sh"),
        ({"a.sh": ROUTER, "b.sh": "#SBATCH -p x\npython src/train.py_old\n"}, "a.sh"),
        ({"a.sh": "echo\n"}, None),
        ({}, None),
    ],
)
def test_which_script_it_is(scripts: dict[str, str], chosen: str | None) -> None:
    found = repository_sbatch_block.choose_sbatch_block(scripts, ENTRIES)
    assert (found.path if found else None) == chosen


def test_no_option_comes_from_another_script_and_what_somebody_changed_counts() -> None:
    found = block()
    choose = functools.partial(choose_sbatch_options, block=found.options, other_scripts=found.others)
    chosen = choose(ANSWER)
    assert "--partition=gpu-long" in words(chosen) and "--time=1-00:00:00" in words(chosen)
    assert not [word for word in words(chosen) if "qos" in word], "that is the router's"
    assert "--account=proj1" in words(chosen), "a command line's, of no other block"
    assert {"--mem=64G", "--signal=B:USR1@120", "--requeue", "--exclusive", "--constraint=a100"} <= set(words(chosen))
    changed = choose({**ANSWER, "partitions": ["mine"]})
    assert "--partition=mine" in words(changed)
    needed = words(choose(ANSWER, gpus=1, cpus=2, timeout_s=600))
    assert "--gres=gpu:a100:1" in needed and "--cpus-per-task=2" in needed and "--time=11" in needed
    assert not {"--gres=gpu:a100:4", "--cpus-per-task=16", "--time=1-00:00:00"} & set(needed)
    assert words(choose(ANSWER, sbatch=("--mem=1G",))).count("--mem=64G") == 0


def test_a_launch_says_what_is_left_out_and_keeps_the_arrays_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    for path, text in SCRIPTS.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    workspace = Workspace(workdir=tmp_path, root="exp", answers={"slurm": ANSWER, "entry_points": ENTRIES})
    context = BackendContext(workspace=workspace, sweep="lr", folder=tmp_path, logs=tmp_path, warn=warnings.append)
    backend = SlurmBackend(context)
    assert len(warnings) == 2 and "--dependency" in warnings[0]
    monkeypatch.setattr(
        "scaffold.backends.slurm.slurm_capacity._ask_for_room",
        lambda words: "n1|idle|0/64/0/64|gpu:8|gpu-long\n" if words[0] == "sinfo" else "",
    )
    room = backend.availability()
    assert (room.limit, room.because) == (2, "the array in slurm/train.sbatch has 2 at once")
    job = Job(name="a", number=1, launcher=tmp_path / "a.sh")
    text = slurm_allocation.format_allocation_script(context, job, slurm_allocation.build_allocation_options(context))
    assert "  # slurm/train.sbatch:6\n  --signal=USR1@120\n" in text and "spreads=''" in text
    several = slurm_allocation.format_allocation_script(
        context, job, [SbatchOption(name="nodes", word="--nodes=2", origin="x:1")]
    )
    assert "spreads=yes" in several
