"""Every command that says what a run gave says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scaffold.observations import run_values
from scaffold.plan.tasks.done_when_parser import MetricCondition, judge_condition
from scaffold.plan.tasks.run_summaries import load_run_summaries
from scaffold.results.report.folded_results import fold_report_results
from scaffold.runs.records import read_records
from scaffold.sweeps.launch import sweep_progress
from scaffold.sweeps.launch.run_states import SweepRunStatus
from tests.conftest import Run
from tests.results.conftest import Study

FILES = {"lightning_logs/version_0/metrics.csv": "epoch,step,val/acc,train/loss\n0,9,0.925,\n1,19,,0.5\n"}
TRUTH = {"val/acc": 0.925, "train/loss": 0.5}


def answer(run: Run, study: Study, *words: str) -> Any:
    done = run(*words, "--workdir", study.root, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_all_commands_say_the_same_of_a_run(run: Run, study: Study, tmp_path: Path) -> None:
    name = study.add("train", seed=1, files=FILES, task="P1-T1")
    # another that gave the same, and one that gave nothing, to be held against it
    empty = study.add("empty", seed=1)
    study.add("twin", seed=1, files=FILES)
    workspace = study.workspace
    record = next(run for run in read_records(workspace).runs if run.name == name)
    diff = answer(run, study, "runs", "diff", name, empty)["differences"]
    comparisons = answer(run, study, "results", "compare", "train", "twin", "--metric", "*")["comparisons"]
    report = run("report", "--md", "--workdir", study.root).stdout
    assert all(f"{value:.3f}" in report or f"{value:g}" in report for value in TRUTH.values())
    said = {
        "runs list": next(r["metrics"] for r in answer(run, study, "runs", "list")["runs"] if r["name"] == name),
        "runs diff": {row["name"]: row["a"] for row in diff if row["part"] == "metrics"},
        "compare": {c["metric"]: c["mean_a"] for c in comparisons},
        "report": {
            metric: summary.mean
            for row in fold_report_results(workspace, read_records(workspace).runs).table.rows
            for metric, summary in row.summaries.items()
            if row.experiment == "train" and summary is not None
        },
        "runs show": answer(run, study, "runs", "show", name)["metrics"],
        "runs metrics": {o["metric"]: o["value"] for o in answer(run, study, "runs", "metrics", name)["observations"]},
        "results": {
            m: r["summaries"][m]["mean"]
            for r in answer(run, study, "results")["rows"]
            for m in r["summaries"]
            if r["experiment"] == "train"
        },
        "sweep status": sweep_progress.newest_metrics(
            workspace, SweepRunStatus(name=name, state="finished", run=record)
        )[0],
        "--smoke": run_values.read_final_metrics(workspace, record),
        "rerun": run_values.attach_final_metrics(workspace, [record], names=("*",))[0].metrics,
        "plan": next(dict(summary.metrics) for summary in load_run_summaries(workspace) if summary.name == name),
    }
    assert said == dict.fromkeys(said, TRUTH)
    sources = {o["metric"]: o["source"] for o in answer(run, study, "runs", "metrics", name)["observations"]}
    assert sources["val/acc"].endswith("version_0/metrics.csv:2")
    condition = MetricCondition(text="", metric="val_acc", sign=">=", value=0.9, experiment="train")
    assert judge_condition(condition, load_run_summaries(workspace), "P1-T1").holds
    answer(run, study, "runs", "export", "--ro-crate", str(tmp_path / "crate"))
    crate = json.loads((tmp_path / "crate" / "ro-crate-metadata.json").read_text())
    exported = {e["name"]: e["value"] for e in crate["@graph"] if e.get("@type") == "PropertyValue"}
    assert {metric: float(exported[metric]) for metric in TRUTH} == TRUTH
