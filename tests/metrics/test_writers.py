"""The files of the common writers -> final and best values; positions, clocks, media and bookkeeping are metrics nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scaffold.observations import output_files, run_values, series
from scaffold.observations.directions import MetricDirections
from scaffold.observations.logged_names import STEP_NAMES_BY_WRITER, is_metric
from scaffold.observations.spelling import find_metric
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
        assert find_metric(best, name) == value
        (run,) = read_records(study.workspace).runs
        course = find_metric(series.read_series(study.workspace, run), name)
        assert course is not None and value in [point.value for point in course.points]


# folders of made_by -> final values, and the best of one metric where the last is not it
MADE = {
    "sacred": ({"val.acc": 0.625, "train.loss": 0.5}, ("val.acc", 0.75)),
    "dvclive": ({"train.acc": 0.5, "train.loss": 0.7, "val.acc": 0.375}, ("val/acc", 0.4375)),
    "ray_tune": ({"mean_accuracy": 0.625}, ("mean_accuracy", 0.625)),
    "hugging_face": (
        {
            **{"eval_accuracy": 0.8, "eval_loss": 0.6, "eval_runtime": 1.1, "eval_samples_per_second": 81.0},
            **{"eval_steps_per_second": 10.1, "grad_norm": 1.2, "learning_rate": 5e-5, "loss": 0.4, "train_loss": 0.65},
            **{"train_runtime": 9.5, "train_samples_per_second": 20.0, "train_steps_per_second": 2.1},
        },
        ("eval_accuracy", 0.9),
    ),
}


@pytest.mark.parametrize("writer", MADE)
def test_files_that_a_writer_made(study: Study, writer: str) -> None:
    folder = Path(__file__).parent / "made_by" / writer
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    study.add(seed=1, files=files)
    final, (name, value) = MADE[writer]
    assert read(study) == final
    best = read(study, value_choice="best")
    assert find_metric(best, name) == value


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
