"""The command of a recorded run, made of the one that the repository shows."""

from __future__ import annotations

import pytest

from scaffold.conventions.output_rewrite import rewrite_for_recorded_run

KINDS = ("train", "eval", "sweep", "preprocess", "other")


@pytest.mark.parametrize(
    ("shown", "run"),
    [
        ("sbatch scripts/train.sh", "bash scripts/train.sh"),
        ("sbatch -p gpu --gres=gpu:4 jobs/train.slurm small 3", "bash jobs/train.slurm small 3"),
        ("cd jobs && SIZE=2 sbatch --wait train.sbatch", "cd jobs && SIZE=2 bash train.sbatch"),
        ("sbatch --wrap 'python train.py'", "sbatch --wrap 'python train.py'"),
        ("python train.py --launcher sbatch", "python train.py --launcher sbatch"),
        ("srun python train.py", "srun python train.py"),
    ],
)
def test_it_is_the_job_and_submits_none(shown: str, run: str) -> None:
    assert {rewrite_for_recorded_run(shown, kind) for kind in KINDS} == {run}


@pytest.mark.parametrize(
    ("shown", "run"),
    [
        ("python a.py -i names.txt -o names", "python a.py -i names.txt -o '{RUN_OUTPUT_DIR}'"),
        ("python a.py --output_dir=out/x --lr 1", "python a.py --output_dir={RUN_OUTPUT_DIR} --lr 1"),
        ("python a.py --work-dir out", "python a.py --work-dir '{RUN_OUTPUT_DIR}'"),
        (
            "python a.py hydra.run.dir=out trainer.save_dir=x",
            "python a.py hydra.run.dir={RUN_OUTPUT_DIR} trainer.save_dir={RUN_OUTPUT_DIR}",
        ),
        (
            "python a.py --log-dir logs --save_dir s",
            "python a.py --log-dir '{RUN_OUTPUT_DIR}' --save_dir '{RUN_OUTPUT_DIR}'",
        ),
    ],
)
def test_a_training_writes_into_the_folder_of_its_run(shown: str, run: str) -> None:
    assert rewrite_for_recorded_run(shown, "train") == run
    assert rewrite_for_recorded_run(shown, "preprocess") == rewrite_for_recorded_run(shown, "other") == shown, (
        "what comes out is for all"
    )


@pytest.mark.parametrize(
    ("shown", "run"),
    [
        ("python a.py +run_name=first lr=1", "python a.py +run_name={RUN_NAME} lr=1"),
        ("python a.py --exp-name my_experiment --lr 1", "python a.py --exp-name '{RUN_NAME}' --lr 1"),
        ("python a.py --exp_name=a", "python a.py --exp_name={RUN_NAME}"),
        ("python a.py trainer.experiment_name=b", "python a.py trainer.experiment_name={RUN_NAME}"),
        ("python a.py --run-id 3", "python a.py --run-id '{RUN_NAME}'"),
        ("python a.py --experiment.name=x --runs 3 --name y", "python a.py --experiment.name=x --runs 3 --name y"),
        ("python a.py --run_name $NAME", "python a.py --run_name $NAME"),
        ("python a.py --run-name --lr 1", "python a.py --run-name --lr 1"),
    ],
)
def test_a_training_has_the_name_of_its_run(shown: str, run: str) -> None:
    assert rewrite_for_recorded_run(shown, "train") == run
    assert rewrite_for_recorded_run(shown, "eval") == shown, "an evaluation names the run that it looks at"


@pytest.mark.parametrize(
    "shown",
    [
        "python a.py --output_dir $OUT",
        "python a.py --checkpoint-dir pretrained",
        "python a.py --data-dir data",
        "python a.py --out-dir --lr 1",
        "python a.py --outer 3",
        "python a.py -o",
    ],
)
def test_what_may_be_read_or_is_the_user_s_own_stays(shown: str) -> None:
    assert {rewrite_for_recorded_run(shown, kind) for kind in KINDS} == {shown}


def test_an_evaluation_may_read_where_a_training_saves() -> None:
    shown = "python eval.py --save-dir saved --output_dir=seen"
    assert rewrite_for_recorded_run(shown, "eval") == "python eval.py --save-dir saved --output_dir={RUN_OUTPUT_DIR}"
