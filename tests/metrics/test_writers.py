"""The files of the common writers -> final and best values; positions, clocks, media and bookkeeping are metrics nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scaffold.observations import output_files, run_values, series
from scaffold.observations.directions import MetricDirections
from scaffold.observations.logged_name_roles import STEP_NAMES_BY_WRITER, is_metric
from scaffold.observations.spelling import find_metric_value, normalize_name
from scaffold.observations.value_query import ValueQuery
from scaffold.runs.records import read_records
from tests.metrics.writers import WRITERS, Writer
from tests.results.conftest import Study
from tests.results.test_file_formats import write_events


def read(study: Study, **query: Any) -> dict[str, float]:
    (run,) = read_records(study.workspace).runs
    directions = MetricDirections(study.workspace)
    (values,) = run_values.RunValueReader(study.workspace, ValueQuery(directions=directions, **query)).read([run])
    return {name: value.value for name, value in values.items()}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_final_and_best_values(study: Study, writer: Writer) -> None:
    study.add(seed=1, files=writer.files)
    assert read(study) == writer.final
    if writer.best:
        name, value = writer.best
        best = read(study, value_choice="best")
        assert find_metric_value(best, name) == value
        (run,) = read_records(study.workspace).runs
        course = find_metric_value(series.read_series(study.workspace, run), name)
        assert course is not None and value in [point.value for point in course.points]


class MadeFiles(NamedTuple):
    """What is read off files that a writer made: final values, and of one metric its best and the step of its last value."""

    final: dict[str, float]
    best: tuple[str, float]
    last_step: tuple[str, float | None]


MADE = {
    "sacred": MadeFiles({"val.acc": 0.625, "train.loss": 0.5}, ("val.acc", 0.75), ("val.acc", 2)),
    "dvclive": MadeFiles({"train.acc": 0.5, "train.loss": 0.7, "val.acc": 0.375}, ("val/acc", 0.4375), ("val/acc", 1)),
    "ray_tune": MadeFiles({"mean_accuracy": 0.625}, ("mean_accuracy", 0.625), ("mean_accuracy", 2)),
    "hugging_face": MadeFiles(
        {
            **{"eval_accuracy": 0.8, "eval_loss": 0.6, "eval_runtime": 1.1, "eval_samples_per_second": 81.0},
            **{"eval_steps_per_second": 10.1, "grad_norm": 1.2, "learning_rate": 5e-5, "loss": 0.4, "train_loss": 0.65},
            **{"train_runtime": 9.5, "train_samples_per_second": 20.0, "train_steps_per_second": 2.1},
        },
        ("eval_accuracy", 0.9),
        ("eval_accuracy", 20),
    ),
    "hugging_face_trainer": MadeFiles(
        {
            **{"eval_accuracy": 0.9167, "eval_loss": 0.6779, "eval_runtime": 0.091, "eval_samples_per_second": 659.05},
            **{"eval_steps_per_second": 87.87, "grad_norm": 0.5181, "learning_rate": 1.111e-05, "loss": 0.677},
            **{"train_loss": 0.6781, "train_runtime": 3.384, "train_samples_per_second": 53.19},
            **{"train_steps_per_second": 5.319},
        },
        ("loss", 0.677),
        ("eval_accuracy", 18),
    ),
    "lightning": MadeFiles(
        {
            **{"lr-Adam": 0.0005, "test_acc": 0.75, "train_loss_epoch": 0.6069, "train_loss_step": 0.6207},
            **{"val_acc": 0.75, "val_loss": 0.6057},
        },
        ("val_acc", 0.75),
        ("val_acc", 17),
    ),
    "keras": MadeFiles(
        {"accuracy": 0.5417, "loss": 0.8937, "val_accuracy": 0.4167, "val_loss": 0.956}, ("loss", 0.8937), ("loss", 2)
    ),
    # its monitor.csv has a row for each episode, with names of one letter: what is to be known of it is in progress.csv
    "stable_baselines3": MadeFiles(
        {
            **{"eval/mean_ep_length": 101, "eval/mean_reward": 101, "rollout/ep_len_mean": 26.71},
            **{"rollout/ep_rew_mean": 26.71, "time/fps": 36, "train/approx_kl": 1.622e-06, "train/clip_fraction": 0},
            **{"train/clip_range": 0.2, "train/entropy_loss": -0.6931, "train/explained_variance": 0.00541},
            **{"train/learning_rate": 0.0003, "train/loss": 35.34, "train/policy_gradient_loss": -0.0002176},
            **{"train/value_loss": 66.09},
        },
        ("eval/mean_reward", 288),
        ("rollout/ep_rew_mean", 384),
    ),
    "rllib": MadeFiles(
        {
            **{f"env_runners/episode_len_{name}": value for name, value in (("max", 27), ("mean", 17.79), ("min", 9))},
            **{f"env_runners/episode_return_{n}": value for n, value in (("max", 27), ("mean", 17.71), ("min", 9))},
            "env_runners/agent_episode_return_mean/default_agent": 17.71,
            "env_runners/module_episode_return_mean/default_policy": 17.71,
            "env_runners/episode_duration_sec_mean": 0.219,
            **{f"learners/default_policy/curr_{name}_coeff": value for name, value in (("entropy", 0), ("kl", 0.05))},
            "learners/default_policy/default_optimizer_learning_rate": 5e-05,
            **{f"learners/default_policy/{name}": v for name, v in (("entropy", 0.6899), ("mean_kl_loss", 0.001012))},
            **{f"learners/default_policy/{name}": v for name, v in (("policy_loss", 0.2223), ("total_loss", 8.94))},
            **{f"learners/default_policy/{name}": v for name, v in (("vf_explained_var", 0.0048), ("vf_loss", 8.717))},
            "learners/default_policy/vf_loss_unclipped": 88.63,
        },
        ("env_runners/episode_return_mean", 17.79),
        ("env_runners/episode_return_mean", 512),
    ),
    "ultralytics": MadeFiles(
        {
            **{
                "lr/pg0": 0.00068,
                "lr/pg1": 0.00068,
                "lr/pg2": 0.00068,
                "metrics/mAP50(B)": 0,
                "metrics/mAP50-95(B)": 0,
            },
            **{"metrics/precision(B)": 0, "metrics/recall(B)": 0, "train/box_loss": 0.01539, "train/cls_loss": 0.0831},
            **{"train/dfl_loss": 0.009, "val/box_loss": 0.00118, "val/cls_loss": 0.2999, "val/dfl_loss": 0.00066},
        },
        ("train/box_loss", 0.01539),
        ("train/box_loss", 3),
    ),
    # steps of validation are epochs there, steps of training iterations; time and data_time are seconds an iteration
    "mmengine": MadeFiles(
        {"accuracy/top1": 81.67, "data_time": 0.004067, "loss": 0.5759, "lr": 0.1, "time": 0.007013},
        ("accuracy/top1", 81.67),
        ("loss", 18),
    ),
    # the rows without `train_` are of the updates since the last one; its TensorBoard has a folder for each kind of row
    "fairseq": MadeFiles(
        {
            **{"gnorm": 1, "loss": 0.619, "lr": 0.1, "ppl": 1.54, "wps": 72.7, "train_gnorm": 1, "train_loss": 0.601},
            **{"train_lr": 0.1, "train_ppl": 1.52, "train_wps": 87.1, "valid_loss": 0.637, "valid_ppl": 1.56},
            **{"train_inner/gnorm": 1, "train_inner/loss": 0.619, "train_inner/lr": 0.1, "train_inner/ppl": 1.54},
            "train_inner/wps": 72.7,
        },
        ("valid_loss", 0.637),
        ("valid_loss", 18),
    ),
    "aim": MadeFiles({"train/loss": 0.25, "val/loss": 0.2, "val/acc": 0.6}, ("val/acc", 0.7), ("val/acc", 3)),
}


@pytest.mark.filterwarnings("ignore")  # of the package tensorboard
@pytest.mark.parametrize("writer", MADE)
def test_files_that_a_writer_made(study: Study, writer: str) -> None:
    folder = Path(__file__).parent / "made_by" / writer
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    study.add(seed=1, files=files)
    made = MADE[writer]
    assert read(study) == pytest.approx(made.final, rel=1e-3)
    name, value = made.best
    assert find_metric_value(read(study, value_choice="best"), name) == pytest.approx(value, rel=1e-3)
    (run,) = read_records(study.workspace).runs
    courses = series.read_series(study.workspace, run)
    assert {normalize_name(course) for course in courses} <= {normalize_name(metric) for metric in made.final}
    assert len(courses) == len({normalize_name(course) for course in courses})
    name, step = made.last_step
    course = find_metric_value(courses, name)
    assert course is not None and course.points[-1].step == step


def test_no_step_of_any_writer_is_a_metric() -> None:
    names = [name for names in STEP_NAMES_BY_WRITER.values() for name in names]
    assert not [name for name in names if is_metric(name, 7.0)]
    assert is_metric("time", 12.5) and not is_metric("time", 1.7e9) and is_metric("train_runtime", 1.0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("resumed_at", "best"), [(4, 0.9), (1, 0.63)])
def test_event_files_of_a_resumed_run_are_one_course(study: Study, resumed_at: int, best: float) -> None:
    outputs = study.root / f"exp/outputs/{study.add(seed=1)}"
    for count, values in enumerate(([0.1, 0.9, 0.2, 0.3], [0.63])):
        folder = study.root / f"tb{count}"
        write_events(folder, {"val/acc": values}, first=resumed_at * count)
        (file,) = folder.iterdir()
        (outputs / "tb").mkdir(exist_ok=True)
        file.rename(outputs / "tb" / f"events.out.tfevents.170000000{count}.host")
    # what the first has from there on, where the second begins, led nowhere
    assert read(study) == {"val/acc": pytest.approx(0.63)}
    assert read(study, value_choice="best") == {"val/acc": pytest.approx(best)}


@pytest.mark.filterwarnings("ignore")
def test_add_scalars_keeps_its_curves_apart(study: Study) -> None:
    outputs = study.root / f"exp/outputs/{study.add(seed=1)}"
    for name, value in (("train", 0.25), ("test", 0.75)):
        write_events(outputs / "runs" / f"loss_{name}", {"loss": [value]})
    assert read(study) == {"loss/train": 0.25, "loss/test": 0.75}


def test_files_are_searched_nearest_first_and_what_is_cut_is_said(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a/b/c/d/metrics.json": '{"deep": 1}', "a/b/c/d/e/metrics.json": '{"deeper": 1}'}
    study.add(seed=1, files=files)
    assert read(study) == {"deep": 1}
    monkeypatch.setattr(output_files, "MAX_FILES", 1)
    problems: list[str] = []
    (study.root / "out/x").mkdir(parents=True)
    for path in ("out/metrics.json", "out/x/metrics.json"):
        (study.root / path).write_text("{}")
    (found,) = output_files.find_metric_files(study.root, "out", problems.append)
    assert found.path.parent.name == "out" and problems == ["it holds 2 files of metrics: the 1 nearest are read"]
