"""What the code prints -> patterns; what was printed -> values with their lines."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from scaffold.conventions.printed_metrics import list_printed_metrics
from scaffold.facts.python_parser import parse_python_source
from scaffold.observations import series
from scaffold.observations.log_hints import suggest_log_pattern
from scaffold.plan.tasks.done_when_parser import MetricCondition, judge_condition
from scaffold.plan.tasks.run_summaries import RunSummary, load_run_summaries
from scaffold.runs import recorder
from scaffold.runs.records import read_records
from tests.conftest import Run, write_tree
from tests.results.conftest import Study
from tests.runs.conftest import Workspace

# a line of code, what it prints, and the metrics that are read off that
CASES = [
    ('print(f"val_bpb:          {val_bpb:.6f}")', "val_bpb:          0.997900", {"val_bpb": 0.9979}),
    (
        "print(f\"step {i}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}\")",
        "step 250: train loss 1.9000, val loss 2.0000",
        {"train_loss": 1.9, "val_loss": 2.0},
    ),
    ('print("  RMSE: %s" % rmse)', "  RMSE: 0.79", {"RMSE": 0.79}),
    ('print("epoch %d acc: %.2f%%" % (e, acc))', "epoch 3 acc: 91.25%", {"acc": 91.25}),
    ('print("Loss: {:.6f}".format(loss.item()))', "Loss: 0.250000", {"Loss": 0.25}),
    (
        'print("\\nTest set: Average loss: {:.4f}, Accuracy: {}/{} ({:.0f}%)\\n".format(a, b, c, d))',
        "Test set: Average loss: 0.0300, Accuracy: 9900/10000 (99%)",
        {"Average_loss": 0.03, "Accuracy": 99.0},
    ),
    ('logger.info("val_loss=%.3f", loss)', "12:00 INFO val_loss=0.125", {"val_loss": 0.125}),
    ('print({"val_acc": acc, "epoch": e})', "{'val_acc': 0.5, 'epoch': 3}", {"val_acc": 0.5}),
    ('print(json.dumps({"val_acc": acc}))', '{"val_acc": 0.5}', {"val_acc": 0.5}),
    ('print("test accuracy", acc)', "test accuracy 0.75", {"test_accuracy": 0.75}),
    ('print(f"METRIC val_acc={acc}")', "METRIC val_acc=tensor(0.5, device='cuda:0')", {"val_acc": 0.5}),
    ("bar.set_postfix(loss=l)", " 10%|#    | loss=0.9\r100%|#####| loss=0.25", {"loss": 0.25}),
    ('print(f"\x1b[32mval_loss: {x}\x1b[0m")', "\x1b[32mval_loss: 0.5\x1b[0m", {"val_loss": 0.5}),
    ('print(f"saving to {path}, seed {seed}, lr {lr:.4f}")', "saving to a, seed 1, lr 0.1000", {}),
    ('print(f"Error: {e}")', "Error: 3 files", {}),
]


@pytest.mark.parametrize(("code", "printed", "metrics"), CASES)
def test_what_the_code_prints_is_found_in_what_was_printed(
    code: str, printed: str, metrics: dict[str, float], tmp_path: Path
) -> None:
    rows = [
        {"name": m.name, "pattern": m.pattern}
        for call in parse_python_source(code).prints
        for m in list_printed_metrics(call, "train.py")
    ]
    log = tmp_path / "log"
    log.write_text(f"begin\n{printed}\nend\n")
    values, trouble = recorder.printed.find_printed(
        [(str(log), "exp/logs/a.out")], recorder.printed_patterns.usable_patterns(rows)
    )
    assert {name: row["value"] for name, row in values.items()} == metrics and trouble is None
    assert all((row["path"], row["line"]) == ("exp/logs/a.out", 2) for row in values.values())


def test_the_last_match_of_the_end_counts_and_a_slow_pattern_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"acc {n}\n" for n in range(300_000)) + "a" * 3000 + "!\n")
    pattern = recorder.printed_patterns.pattern_of_text(r"acc (\S+)")
    values, _ = recorder.printed.find_printed([(str(log), "log")], [pattern])
    assert (values["acc"]["value"], values["acc"]["line"]) == (299_999, 300_000)
    slow = recorder.printed_patterns.PrintedPattern("slow", "((?:a+)+)$")
    began = time.monotonic()
    values, trouble = recorder.printed.find_printed([(str(log), "log")], [slow], seconds=0.2)
    assert values == {} and "takes too long" in str(trouble) and time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("text", "name"), [(r"val_bpb:\s*(\S+)", "val_bpb"), (r"(?P<acc>[\d.]+)%", "acc"), (r"val loss (\S+)", "val_loss")]
)
def test_a_typed_pattern_has_a_name(text: str, name: str) -> None:
    assert recorder.printed_patterns.pattern_of_text(text).name == name


@pytest.mark.parametrize("text", [r"loss: \S+", "([", r"(\S+)"])
def test_a_text_that_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(recorder.printed_patterns.PatternError):
        recorder.printed_patterns.pattern_of_text(text)


def test_a_recorded_run_has_what_it_printed(workspace: Workspace) -> None:
    code = "print('val_bpb: 0.75'); print('val_bpb: 0.5')"
    workspace.record("--metric-from", r"val_bpb:\s*(\S+)", "--", sys.executable, "-c", code)
    manifest = workspace.last()
    assert manifest["metrics"] == {"val_bpb": 0.5}
    source = manifest["metric_sources"]["val_bpb"]
    assert (source["path"], source["line"], source["text"]) == (manifest["paths"]["stdout"], 2, "val_bpb: 0.5")


def test_metrics_are_read_off_logs_later(run: Run, study: Study) -> None:
    name = study.add("train", seed=1)
    write_tree(study.root, {f"exp/logs/{name}.out": "step 1\nval_bpb: 0.75\nval_bpb: 0.5\n"})
    (record,) = read_records(study.workspace).runs
    hint = suggest_log_pattern(study.workspace, [record])
    assert hint is not None and r"--from-log 'val_bpb\s*:\s*(\S+)'" in hint
    condition = MetricCondition(text="", metric="val_bpb", sign="<", value=1.0, experiment="train")
    assert "--from-log" in judge_condition(condition, load_run_summaries(study.workspace), "").text
    shown = run("results", "--workdir", study.root)
    assert "--from-log" in shown.stderr
    done = run("runs", "metrics", "--from-log", r"val_bpb\s*:\s*(\S+)", "--workdir", study.root, "--json")
    (observation,) = json.loads(done.stdout)["observations"]
    assert (observation["metric"], observation["value"]) == ("val_bpb", 0.5)
    assert observation["source"] == f"exp/logs/{name}.out:3"
    assert "val_bpb" in run("results", "--workdir", study.root).stdout
    best = run("results", "--best", "--workdir", study.root, "--json")
    assert json.loads(best.stdout)["rows"][0]["summaries"]["val_bpb"]["mean"] == 0.5
    assert run("runs", "metrics", "--from-log", "(", "--workdir", study.root).exit_code == 2
    (course,) = series.read_series(study.workspace, record).values()
    assert [point.value for point in course.points] == [0.75, 0.5] and course.path == f"exp/logs/{name}.out"


def test_another_scripts_patterns_are_not_looked_for() -> None:
    rows = [
        {"name": "loss", "pattern": r"loss (\S+)", "source": "a/main.py:1", "script": True},
        {"name": "acc", "pattern": r"acc (\S+)", "source": "b/main.py:1", "script": True},
        {"name": "f1", "pattern": r"f1 (\S+)", "source": "lib/loop.py:1", "script": False},
    ]
    for argv, names in (
        (["python", "a/main.py", "--lr", "1"], ["loss", "f1"]),
        (["python", "-m", "b.main"], ["acc", "f1"]),
        (["bash", "run.sh"], ["loss", "acc", "f1"]),
    ):
        assert [row["name"] for row in recorder.printed_patterns.rows_of_command(rows, argv)] == names


def test_what_was_printed_in_per_cent_is_held_against_shares() -> None:
    run = RunSummary(
        name="a", experiment="e", status="finished", task=None, started_at="", metrics={"acc": 92.3}, units={"acc": "%"}
    )
    for value, holds in ((0.9, True), (0.95, False), (90.0, True)):
        condition = MetricCondition(text="", metric="acc", sign=">=", value=value, experiment="e")
        assert judge_condition(condition, [run], "").holds == holds


@pytest.mark.parametrize(
    "pattern", [r"val loss\s*(\S+)", r"(?<![\w/])(?<![\w/] )loss:\s*(\S+)", r"%\) \| loss:\s*(\S+)"]
)
def test_plain_patterns_find_what_their_expressions_find(pattern: str) -> None:
    plain = recorder.printed_patterns.PrintedPattern("loss", pattern)
    general = recorder.printed_patterns.PrintedPattern("loss", pattern)
    general.plain_text = None
    assert plain.plain_text is not None
    for line in (
        *(
            "val loss 1.5, loss: 2",
            "loss: 0.25",
            "train loss: 3",
            "x/loss: 4",
            "  loss:5 loss: 6%",
            "loss: nan",
            "loss:",
        ),
        *(
            "step 1 (2.0%) | loss: 7e-3 | dt",
            "loss: tensor(0.5, device='cuda:0')",
            "loss: [0.1]",
            "loss: -inf",
            "loss: v1",
        ),
    ):
        assert repr(plain.find(line)) == repr(general.find(line)), line


def test_detect_shows_what_is_printed(run: Run, tmp_path: Path) -> None:
    write_tree(tmp_path / "repo", {"train.py": "print(f'val_bpb: {x:.4f}')\nif __name__ == '__main__':\n    main()\n"})
    shown = run("detect", "--workdir", tmp_path / "repo").stdout
    assert "printed_metrics" in shown and "val_bpb  [train.py:1]" in shown
    assert "prints val_bpb" in run("detect", "--workdir", tmp_path / "repo", "--explain", "printed_metrics").stdout
