"""What the common writers of metrics leave in a run's output directory, in the form of each, and what a reader has to make of it.

Names, columns and nesting follow the documentation of each writer; the numbers are short. Files that writers made themselves lie in
`made_by`, and `test_writers.py` makes those of TensorBoard.
"""

from __future__ import annotations

import json
from typing import NamedTuple


class Writer(NamedTuple):
    """A writer's files, the final values in them, and the best of `best` (metric, value), where the last is not it."""

    files: dict[str, str]
    final: dict[str, float]
    best: tuple[str, float] | None = None


def rows(*objects: dict[str, object]) -> str:
    return "".join(json.dumps(o) + "\n" for o in objects)


HF_HISTORY = [
    {"epoch": 1.0, "grad_norm": 1.5, "learning_rate": 1e-4, "loss": 0.9, "step": 10},
    {"epoch": 1.0, "eval_accuracy": 0.9, "eval_loss": 0.5, "step": 10},
    {"epoch": 2.0, "grad_norm": 1.2, "learning_rate": 5e-5, "loss": 0.4, "step": 20},
    {"epoch": 2.0, "eval_accuracy": 0.8, "eval_loss": 0.6, "step": 20},
]
RAY = {"timesteps_total": 4000, "training_iteration": 2, "time_this_iter_s": 3.5, "time_total_s": 7.1, "pid": 71,
       "done": False, "timestamp": 1700000000, "config": {"lr": 0.1}, "iterations_since_restore": 2}  # fmt: skip
WRITERS = {
    "rows, of which not each has every metric": Writer(
        {
            "metrics.jsonl": rows(
                {"step": 1, "train/loss": 1.0},
                {"step": 2, "train/loss": 0.9, "val/loss": 0.8},
                {"step": 3, "train/loss": 0.7},
            )
        },
        {"train/loss": 0.7, "val/loss": 0.8},
    ),
    "Lightning, resumed in a second version": Writer(
        {
            "lightning_logs/version_0/metrics.csv": "epoch,step,train_loss,val_acc\n0,9,0.9,\n0,9,,0.95\n1,19,0.8,\n1,19,,0.2\n",
            "lightning_logs/version_1/metrics.csv": "epoch,step,train_loss,val_acc\n1,19,0.5,\n1,19,,0.7\n",
        },
        {"train_loss": 0.5, "val_acc": 0.7},
        ("val_acc", 0.95),
    ),
    "Hugging Face": Writer(
        {
            "checkpoint-20/trainer_state.json": json.dumps({"global_step": 20, "log_history": HF_HISTORY}),
            "all_results.json": '{"epoch": 2.0, "eval_accuracy": 0.8, "eval_loss": 0.6, "total_flos": 1e15, "train_runtime": 9.5}',
        },
        {
            "eval_accuracy": 0.8,
            "eval_loss": 0.6,
            "loss": 0.4,
            "grad_norm": 1.2,
            "learning_rate": 5e-5,
            "train_runtime": 9.5,
        },
        ("eval_accuracy", 0.9),
    ),
    "Keras": Writer(
        {"training.log": "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.0,0.75,0.9\n1,0.7,0.6,0.625,0.8\n"},
        {"accuracy": 0.7, "loss": 0.6, "val_accuracy": 0.625, "val_loss": 0.8},
        ("val_accuracy", 0.75),
    ),
    "Stable-Baselines3": Writer(
        {
            "logs/progress.csv": "rollout/ep_rew_mean,time/fps,time/iterations,time/total_timesteps,train/loss\n"
            "21.5,900,1,2048,\n48.25,880,2,4096,0.5\n"
        },
        {"rollout/ep_rew_mean": 48.25, "time/fps": 880, "train/loss": 0.5},
    ),
    "Ray Tune": Writer(
        {"trial_1/result.json": rows({"mean_accuracy": 0.5, **RAY}, {"mean_accuracy": 0.6, **RAY})},
        {"mean_accuracy": 0.6},
    ),
    "RLlib": Writer(
        {
            "PPO_1/progress.csv": "episode_reward_mean,timesteps_total,training_iteration,time_total_s,config/lr,pid\n"
            "10.5,4000,1,3.5,0.1,71\n20.5,8000,2,7.0,0.1,71\n"
        },
        {"episode_reward_mean": 20.5},
    ),
    "Ultralytics": Writer(
        {
            "train/results.csv": "                  epoch,         train/box_loss,       metrics/mAP50(B)\n"
            "                      1,                 1.2,                  0.5\n"
            "                      2,                 0.9,                  0.625\n"
        },
        {"train/box_loss": 0.9, "metrics/mAP50(B)": 0.625},
    ),
    "mmengine": Writer(
        {
            "20260101_000000/vis_data/scalars.json": rows(
                {
                    "lr": 0.01,
                    "data_time": 0.1,
                    "loss": 0.75,
                    "time": 0.3,
                    "epoch": 1,
                    "iter": 10,
                    "memory": 99,
                    "step": 10,
                },
                {"coco/bbox_mAP": 0.25, "data_time": 0.1, "time": 0.2, "step": 1},
            )
        },
        {"lr": 0.01, "data_time": 0.1, "loss": 0.75, "time": 0.2, "memory": 99, "coco/bbox_mAP": 0.25},
    ),
    "dvclive": Writer(
        {
            "dvclive/metrics.json": '{"train": {"acc": 0.5}, "val": {"acc": 0.375}, "step": 2}',
            "dvclive/plots/metrics/train/acc.tsv": "step\tacc\n0\t0.25\n1\t0.5\n",
            "dvclive/plots/metrics/val/acc.tsv": "step\tacc\n0\t0.4375\n1\t0.375\n",
        },
        {"train.acc": 0.5, "val.acc": 0.375},
        ("val/acc", 0.4375),
    ),
    "sacred": Writer(
        {
            "sacred/1/metrics.json": json.dumps(
                {"val.acc": {"steps": [1, 2], "timestamps": ["2026-01-01", "2026-01-01"], "values": [0.75, 0.5]}}
            )
        },
        {"val.acc": 0.5},
        ("val.acc", 0.75),
    ),
    "an export of AIM": Writer(
        {
            "metrics.csv": "run.hash,metric.name,metric.context,step,value\na1,acc,val,1,0.75\na1,acc,val,2,0.5\na1,loss,val,2,0.25\n"
        },
        {"acc": 0.5, "loss": 0.25},
        ("acc", 0.75),
    ),
    "wandb, with a table and images": Writer(
        {
            "wandb/run-20260101_000000-a1/files/wandb-summary.json": json.dumps(
                {
                    **{"_step": 9, "_runtime": 3.5, "_timestamp": 1.7e9, "_wandb": {"runtime": 3}, "val/acc": 0.5},
                    "Examples": {"_type": "image-file", "size": 900, "width": 64, "path": "media/a.png"},
                    "table": {"_type": "table-file", "ncols": 3, "nrows": 9, "size": 400},
                }
            )
        },
        {"val/acc": 0.5},
    ),
    "a loop of changes, as autoresearch keeps it": Writer(
        {
            "results.tsv": "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
            "a1b2c3d\t0.997900\t44.0\tkeep\tbaseline\nb2c3d4e\t0.993200\t44.2\tkeep\tincrease LR to 0.04\n"
            "c3d4e5f\t1.005000\t44.0\tdiscard\tswitch to GeLU\nd4e5f6g\t0.000000\t0.0\tcrash\tdouble model width (OOM)\n"
        },
        {"val_bpb": 0.9932, "memory_gb": 44.2},
    ),
    "nanochat, a folder deep": Writer({"a/b/c/d/metrics.json": '{"core": 0.25, "step": 3}'}, {"core": 0.25}),
}
