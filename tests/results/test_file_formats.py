"""Metric files of every kind, whole and broken -> values with their place."""

from __future__ import annotations

import builtins
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import ScaffoldError
from scaffold.observations import file_formats, series
from scaffold.observations.file_formats import LoggedStep, row_to_logged_step
from scaffold.observations.model import MetricValue, SeriesPoint
from scaffold.server.responses import RunMetricSeries
from tests.results.conftest import Study


def values(study: Study, **query: Any) -> dict[str, MetricValue]:
    """What is read of the only run."""
    (row,) = study.table(**query).rows
    (measured,) = row.runs
    return dict(measured.values)


def only(study: Study, files: dict[str, str | bytes], **more: Any) -> str:
    return f"exp/outputs/{study.add(seed=1, files=files, **more)}"


def test_an_observation_has_step_time_and_numbers() -> None:
    row = {
        "step": 3, "epoch": 1, "time": 1.7e9, "loss": 1, "ok": True, "name": "x", "none": None, "list": [1],
        "eval": {"acc": 0.5}, "bad": "NaN", "up": "Infinity", "huge": 10**400,
    }  # fmt: skip
    found = row_to_logged_step(row, 7)
    assert found is not None and math.isnan(found.values["bad"])
    numbers = {"loss": 1.0, "eval.acc": 0.5, "bad": found.values["bad"], "up": math.inf, "huge": math.inf}
    assert found == LoggedStep(7, 3.0, 1.7e9, numbers)
    assert row_to_logged_step({"epoch": 2, "time": 12.5}) == LoggedStep(None, 2.0, None, {"time": 12.5})


def test_the_manifest_comes_first_and_files_where_it_lacks_something(study: Study) -> None:
    lines = '{"step": 1, "loss": 0.9, "val_acc": 0.4}\n{"step": 2, "loss": 0.5}\n'
    outputs = only(study, {"metrics.jsonl": lines}, metrics={"loss": 0.5})
    assert values(study) == {"loss": MetricValue(0.5, outputs.replace("outputs", "metadata") + ".json")}
    assert values(study, metrics=["val_acc"]) == {"val_acc": MetricValue(0.4, f"{outputs}/metrics.jsonl", 1, 1.0)}


def test_jsonl_last_best_and_at_a_step(study: Study) -> None:
    lines = [{"step": s, "val_loss": v} for s, v in ((1, 0.9), (2, 0.3), (3, math.nan), (2, 0.4), (4, 0.6))]
    outputs = only(
        study, {"metrics.jsonl": "".join(json.dumps(line) + "\n" for line in lines)}, metrics={"val_loss": 7.0}
    )
    path = f"{outputs}/metrics.jsonl"
    assert values(study)["val_loss"].value == 7.0
    assert values(study, value_choice="last") == {"val_loss": MetricValue(0.6, path, 5, 4.0)}
    assert values(study, value_choice="best") == {"val_loss": MetricValue(0.3, path, 2, 2.0)}
    assert values(study, value_choice="at", step=2.0) == {"val_loss": MetricValue(0.4, path, 4, 2.0)}, (
        "of a resumed run the later one"
    )
    (row,) = study.table(value_choice="at", step=9.0).rows
    assert not row.runs and row.missing[0].reason == "no value at step 9"


def test_damaged_jsonl_is_read_as_far_as_it_goes(study: Study) -> None:
    outputs = only(study, {"metrics.jsonl": '{"step": 1, "loss": 0.9}\n{"step": 2, "lo'})
    assert values(study)["loss"].value == 0.9
    assert study.table().notes == (f"{outputs}/metrics.jsonl: its last line is half-written",)
    (study.root / outputs / "metrics.jsonl").write_bytes(
        b'\xff\xfe\n[1]\n{"loss": 1} x\n\n{"loss": 2}\n' + b"[" * 100_000 + b"\n"
    )
    assert values(study)["loss"].value == 2.0
    said = (f"{outputs}/metrics.jsonl: 3 damaged lines passed over, the first is line 1",)
    assert study.table().notes == study.table(value_choice="at", step=1).notes == said


def test_csv_with_changed_columns(study: Study) -> None:
    text = "step,loss\n1,0.9\n2,0.8,7\nstep,loss,acc\n3,0.7,0.5\n4,,0.6\n5,1_0,nan\n6,0.2"
    outputs = only(study, {"progress.csv": text})
    path = f"{outputs}/progress.csv"
    found = values(study)
    assert found["loss"] == MetricValue(0.7, path, 5, 3.0)
    assert math.isnan(found["acc"].value) and found["acc"].line == 7
    assert study.table().notes == (
        f"{path}: 2 lines have another number of cells than the header and are passed over, first line 3",
    )


@pytest.mark.parametrize(
    "text",
    ["step;acc\n1;0.5\n", "step\tacc\n1\t0.5\n", "\ufeffstep,acc\r\n1,0.5\r\n"],
    ids=["semicolons", "tabs", "windows"],
)
def test_csv_of_other_kinds(study: Study, text: str) -> None:
    only(study, {"metrics.csv": text})
    assert values(study)["acc"].value == 0.5


def test_a_csv_that_is_no_list_of_metrics_is_left_alone(study: Study) -> None:
    only(study, {"predictions.csv": "id,score\n1,0.5\n", "deep/results.csv": "id,score\n1,0.5\n"})
    (row,) = study.table().rows
    assert row.missing[0].reason == "no metrics"


def test_a_csv_without_a_header_has_no_metrics(study: Study) -> None:
    outputs = only(study, {"metrics.csv": "1,0.5\n2,0.6\n"})
    assert study.table().metrics == ()
    assert study.table().notes == (f"{outputs}/metrics.csv: it has no header: what its numbers are is not known",)
    (study.root / outputs / "metrics.csv").write_text("1,0.5\nstep,acc\n2,0.6\n")
    assert values(study)["acc"].value == 0.6


def test_lightning_the_newest_version(study: Study) -> None:
    header = "epoch,step,train_loss,val_acc\n"
    outputs = only(
        study,
        {
            "lightning_logs/version_2/metrics.csv": header + "0,9,0.9,\n0,9,,0.1\n",
            "lightning_logs/version_10/metrics.csv": header + "0,9,0.5,\n0,9,,0.7\n1,19,0.4,\n",
        },
    )
    path = f"{outputs}/lightning_logs/version_10/metrics.csv"
    assert values(study) == {"train_loss": MetricValue(0.4, path, 4, 19.0), "val_acc": MetricValue(0.7, path, 3, 9.0)}


def test_hugging_face(study: Study) -> None:
    def state(loss: float) -> str:
        return json.dumps(
            {"global_step": 9, "log_history": [{"step": 5, "loss": 9.0, "epoch": 1}, {"step": 9, "eval_loss": loss}]}
        )

    outputs = only(
        study,
        {
            "checkpoint-50/trainer_state.json": state(0.9),
            "checkpoint-400/trainer_state.json": state(0.4),
            "all_results.json": '{"epoch": 3.0, "eval_accuracy": 0.8, "train_runtime": 12.5}',
        },
    )
    found = values(study)
    assert found["eval_loss"] == MetricValue(0.4, f"{outputs}/checkpoint-400/trainer_state.json", None, 9.0)
    assert found["eval_accuracy"].path == f"{outputs}/all_results.json" and found["loss"].value == 9.0


def test_wandb_files(study: Study) -> None:
    config = "wandb_version: 1\n_wandb:\n  value: {}\nlr:\n  desc: null\n  value: 0.3\nseed:\n  value: 9\n"
    for seed in (1, 2):
        study.add(
            seed=seed,
            files={
                "wandb/run-20260101_1-a/files/wandb-summary.json": '{"_step": 9, "_runtime": 3, "acc": 0.5, "_wandb": {"runtime": 3}}',
                "wandb/run-20260101_1-a/files/config.yaml": config,
            },
        )
    table = study.table(by=["lr"], params=("lr",))
    assert table.metrics == ("acc",) and table.rows[0].config == {"lr": 0.3}
    assert "wandb-summary.json" in table.rows[0].runs[0].values["acc"].path
    assert study.table().rows[0].config == {}, "what nobody asks for by name changes no configuration"


def write_events(folder: Path, tags: dict[str, list[float]], *, first: int = 0) -> None:
    """TensorBoard files, written by tensorboard itself."""
    from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
    from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
    from tensorboard.summary.writer.event_file_writer import EventFileWriter  # type: ignore[import-untyped]

    writer = EventFileWriter(str(folder))
    for tag, row in tags.items():
        for step, value in enumerate(row, start=first):
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.add_event(Event(wall_time=1.7e9 + step, step=step, summary=summary))
    writer.close()


@pytest.mark.filterwarnings("ignore")
def test_tensorboard(study: Study) -> None:
    outputs = only(study, {})
    write_events(study.root / outputs / "tb", {"val/acc": [0.25, 0.75, 0.5]})
    write_events(study.root / outputs / "tb" / "train", {"acc": [0.5]})
    assert values(study, value_choice="best")["val/acc"][:1] == (0.75,)
    assert values(study)["val/acc"].step == 2.0 and values(study)["train/acc"].value == 0.5
    (run,) = [m.run for row in study.table().rows for m in row.runs]
    (found,) = series.read_series(study.workspace, run, ["val/acc"]).values()
    assert found.points == (
        SeriesPoint(0.25, 0.0, 1.7e9),
        SeriesPoint(0.75, 1.0, 1.7e9 + 1),
        SeriesPoint(0.5, 2.0, 1.7e9 + 2),
    )


def test_without_tensorboard_the_extra_is_named(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = only(study, {"events.out.tfevents.1.host": b""})
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("tensorboard"):
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    final: dict[str, Any] = {}
    at_a_step: dict[str, Any] = {"value_choice": "at", "step": 3}
    for query in (final, at_a_step):
        with pytest.raises(ScaffoldError, match=r"events.out.tfevents.1.host(.|\n)*experiment-scaffold\[tb\]"):
            study.table(**query)
    (study.root / outputs / "metrics.jsonl").write_text('{"step": 3, "acc": 1}\n')
    for query in (final, final, at_a_step):
        assert values(study, **query)["acc"].value == 1.0, "what else there is is read"
        (note,) = study.table(**query).notes
        assert "experiment-scaffold[tb]" in note and note.count(outputs) == 1


def test_a_damaged_event_file_is_said(study: Study) -> None:
    only(study, {"events.out.tfevents.1.host": b"\x01" * 100, "metrics.jsonl": '{"acc": 1}\n'})
    assert values(study)["acc"].value == 1.0


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"a": ' + "[" * 100_000, "\x00"], ids=["empty", "half", "list", "deep", "zero"]
)
def test_a_metrics_file_that_is_none_is_said(study: Study, text: str) -> None:
    outputs = only(study, {"metrics.json": text, "metrics.jsonl": '{"acc": 0.5}\n'})
    assert values(study)["acc"].value == 0.5
    (note,) = study.table().notes
    assert note.startswith(f"{outputs}/metrics.json: it cannot be read")


def test_an_output_directory_that_cannot_be_read_is_said(study: Study) -> None:
    outputs = study.root / only(study, {})
    (outputs / "note.txt").unlink()
    outputs.rmdir()
    outputs.write_text("a file")
    table = study.table()
    assert table.rows[0].missing[0].reason == "no metrics"
    assert "Not a directory" in table.notes[0]
    outputs.unlink()
    assert study.table().notes == (), "a run that left nothing is no trouble"
    outputs.symlink_to(outputs)
    assert "symbolic links" in study.table().notes[0]


def test_links_are_not_followed(study: Study) -> None:
    outputs = study.root / only(study, {})
    (study.root / "far").mkdir()
    (study.root / "far" / "metrics.jsonl").write_text('{"acc": 1}\n')
    (outputs / "far").symlink_to(study.root / "far")
    assert study.table().rows[0].missing[0].reason == "no metrics"


def test_server_metrics_only_the_series_counts(study: Study) -> None:
    answer = {
        "metricKeys": ["val/accuracy"],
        "metricSeries": {"val/accuracy": [{"step": 1, "value": 0.5}, {"step": 2, "value": 0.75}], "bad": "x"},
        "metrics": {"accuracy": 75.0},
    }
    name = study.add(seed=1)
    (row,) = study.table(server_series={name: RunMetricSeries.from_json(answer).series}).rows
    assert row.runs[0].values == {"val/accuracy": MetricValue(0.75, f"server:{name}/metrics", None, 2.0)}
    (row,) = study.table(server_series={name: RunMetricSeries.from_json(answer).series}, value_choice="at", step=1).rows
    assert row.runs[0].values == {"val/accuracy": MetricValue(0.5, f"server:{name}/metrics", None, 1.0)}


def test_a_series_is_thinned_evenly_and_keeps_its_end(study: Study) -> None:
    only(study, {"metrics.jsonl": "".join(f'{{"step": {n}, "loss": {n}.5}}\n' for n in range(1001))})
    (run,) = [m.run for row in study.table().rows for m in row.runs]
    found = series.read_series(study.workspace, run, ["loss"], max_points=100)["loss"]
    assert found.stride == 16 and [p.step for p in found.points] == [*range(0, 1001, 16), 1000]
    assert series.read_series(study.workspace, run)["loss"].stride == 1


@pytest.mark.slow
@pytest.mark.long
def test_a_long_file_is_read_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with path.open("w") as file:
        file.writelines(f'{{"step": {n}, "loss": {n / 7}}}\n' for n in range(500_000))
    code = (
        "import sys, resource\nfrom pathlib import Path\nfrom scaffold.observations import file_formats, file_metrics, series\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "steps = lambda: file_formats.read_jsonl(Path(sys.argv[1]), print)\n"
        "d = file_metrics.summarize_steps(steps(), 'x', is_series=True)\n"
        "t = {}\nseries.collect_points(steps(), (), t, 2000)\n"
        "print(d.last['loss'][1], len(t['loss'].points()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    last, points, grown = map(int, done.stdout.split())
    assert (last, points <= 2001) == (500_000, True)
    assert grown < 4096, f"{grown} KiB for a file of {path.stat().st_size} bytes"


def test_jsonl_of_numbers_in_other_forms() -> None:
    assert (
        file_formats.metric_number("inf") == math.inf
        and file_formats.metric_number("0.5") is None
        and file_formats.metric_number(True) is None
    )
    assert file_formats.parse_number_cell("1_000") is None and file_formats.parse_number_cell(" -1e3 ") == -1000
