#!/usr/bin/env python3
# /// script
# requires-python = ">=3.8"
# dependencies = []
# ///
"""Print the results of this workspace's runs: n, mean, sd and 95 % t-interval over the seeds of each configuration.

    python3 summarize.py [--metric NAME] [--experiment NAME] [--csv]

Standard library only. It reads the final metrics in the manifests, as `scaffold results` does, which also reads other files,
compares, and warns; the numbers of both are the same, but that each state of the code is a row of its own here, positional arguments have
no names, and config files count by their names. What has no result is counted as missing, never as 0.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, Iterator, Tuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
import record_run  # noqa: E402, F401 - it knows where the modules of the recorder are
from _record_run.configuration import describe_seed_source, read_command, run_params  # noqa: E402
from _record_run.messages import printable  # noqa: E402
from _record_run.records_home import existing_homes  # noqa: E402
from _record_run.seed_source import reads_seed  # noqa: E402
from _record_run.values import format_value, parse_number, parse_value  # noqa: E402

FORMULA = ("=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# experiment, parameters, the rest of the command, the code state
Row = Tuple[str, Tuple[Tuple[str, str], ...], str, str]
SETTINGS = (
    json.loads((HERE / "workspace.json").read_text(encoding="utf-8")) if (HERE / "workspace.json").exists() else {}
)
ROLES = SETTINGS.get("role_dirs", {"scripts": HERE.name, "metadata": "metadata"})
ROOT = HERE.parents[len(Path(ROLES["scripts"]).parts) - 1]
WORKDIR = ROOT.parents[len(Path(SETTINGS.get("experiment_root", ROOT.name)).parts) - 1]
PATTERN = "*/" if SETTINGS.get("layout") == "per-experiment" else ""
COLUMNS = ["n", "missing", "not_finite", "mean", "sd", "low", "high"]
# no metrics: where the training is, when it was, and what some programs write beside (scaffold.observations.logged_names)
POSITIONS = frozenset(
    [
        "step",
        "global_step",
        "iteration",
        "iter",
        "total_steps",
        "timesteps",
        "update",
        "steps",
        "_step",
        "trainer/global_step",
        "train/global_step",
        "time/total_timesteps",
        "total_timesteps",
        "time/iterations",
        "timesteps_total",
        "num_env_steps_sampled_lifetime",
        "num_env_steps_sampled",
        "num_env_steps_trained",
        "training_iteration",
        "num_updates",
        "train_num_updates",
        "valid_num_updates",
        "TotalEnvInteracts",
        "iters",
        "epoch",
        "Epoch",
        "epochs",
        "time/epoch",
        "train/epoch",
        "train_epoch",
        "valid_epoch",
        "trainer/epoch",
        "episode",
        "episodes",
        "episodes_total",
        "time/episodes",
        "pid",
        "done",
        "should_checkpoint",
        "warmup_time",
        "time_total_s",
        "time_this_iter_s",
        "time_since_restore",
        "iterations_since_restore",
        "timesteps_since_restore",
        "agent_timesteps_total",
        "num_healthy_workers",
        "num_in_flight_async_reqs",
        "num_remote_worker_restarts",
        "time_since_last_update",
        "total_flos",
        "_runtime",
        "_wandb.runtime",
        "_wandb/runtime",
    ]
)
CLOCKS = frozenset(["at", "time", "wall_time", "walltime", "timestamp", "_timestamp", "ts", "timestamps"])
PARENTS = ("config", "hparams", "hyperparameters", "_wandb", "sampler_perf", "timers")


def manifests() -> Iterator[dict[str, Any]]:
    """All manifests of the workspace that can be read, in the working tree and in git's directory, each attempt once."""
    attempts: dict[tuple[str, int, str], dict[str, Any]] = {}
    for manifest in all_manifests():
        key = manifest["run"]["name"], manifest["run"]["attempt"], manifest["run"].get("uuid", "")
        if key not in attempts or (attempts[key]["status"] == "running" and manifest["status"] != "running"):
            attempts[key] = manifest
    yield from attempts.values()


def withdrawn_attempts() -> set[str]:
    """The attempts that were withdrawn: `NAME`, `NAME.2`."""
    return {
        path.name[: -len(".json")] for path in ROOT.glob("{}{}/withdrawn/*.json".format(PATTERN, ROLES["metadata"]))
    }


def all_manifests() -> Iterator[dict[str, Any]]:
    """The manifests of both places, the working tree's first."""
    places = [ROOT, *map(Path, existing_homes(str(ROOT), SETTINGS.get("workspace_id") or ""))]
    for path in [p for place in places for p in sorted(place.glob("{}{}/*.json".format(PATTERN, ROLES["metadata"])))]:
        try:
            if ROOT not in path.parents and not path.stat().st_size:
                continue  # it keeps the number of an attempt that is about to be recorded
            manifest = json.loads(path.read_bytes().decode())
            if manifest["schema_version"] == 1 and manifest["run"]["name"] and not path.name.startswith("."):
                manifest["metrics"] = {**printed_later(path), **manifest["metrics"]}
                yield manifest
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.stderr.write(f"{path} cannot be read: {error}\n")


def printed_later(manifest: Path) -> dict[str, Any]:
    """What `scaffold runs metrics` read off the logs of a run that was over."""
    try:
        rows = json.loads((manifest.parent / "printed" / manifest.name).read_bytes().decode())["metrics"]
        return {name: row["value"] for name, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


class Attempt:
    """A manifest with what its command says: `row` is its configuration, `seed` the seed that really reached it."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        argv, recorded = manifest["command"]["argv"], manifest["seed"]
        reading = read_command(argv, seed=recorded, source=manifest.get("seed_source"))
        source = describe_seed_source(manifest, reading)
        if source is None and recorded is not None:
            source = "label" if reads_seed(argv, str(WORKDIR / manifest["command"]["cwd"])) is False else None
        seed = reading.seed if recorded is None else recorded
        self.seed = None if source == "label" else seed
        self.name, self.number = manifest["run"]["name"], manifest["run"]["attempt"]
        self.finished = manifest["status"] == "finished"
        self.started = manifest["time"]["started_at"]
        params = sorted((k, word(v)) for k, v in run_params(manifest, reading).items())
        form = (
            reading.form if manifest["command"]["cwd"] == "." else f"cd {manifest['command']['cwd']} && {reading.form}"
        )
        code = [str((manifest["git"] or {}).get("code")), *sorted(manifest["command"].get("files", {}).items())]
        code += [manifest["paths"]["stdin"]] if manifest["paths"].get("stdin") else []
        state = code[0] if len(code) == 1 else sha256(repr(code).encode()).hexdigest()
        self.row: Row = (manifest["run"]["experiment"], tuple(params), form, state)
        self.metrics = numbers_of(manifest["metrics"])


def counting() -> list[Attempt]:
    """The attempts that count, the first ones first: no smoke tests, no reruns, nothing that was withdrawn.

    Of a run with a seed the first attempt that finished; without a seed each that finished; where none did, the latest.
    """
    by_name: dict[str, list[Attempt]] = {}
    withdrawn = withdrawn_attempts()
    for manifest in manifests():
        attempt = manifest["run"]["attempt"]
        label = manifest["run"]["name"] if attempt == 1 else "{}.{}".format(manifest["run"]["name"], attempt)
        smoke = str(manifest["tracking"]["sweep"]).endswith("-smoke") and manifest["params"].get("smoke") is True
        if label not in withdrawn and not smoke and manifest.get("purpose", "run") == "run":
            by_name.setdefault(manifest["run"]["name"], []).append(Attempt(manifest))
    chosen = []
    for attempts in by_name.values():
        attempts.sort(key=lambda attempt: attempt.number)
        finished = [attempt for attempt in attempts if attempt.finished]
        first = finished[0] if finished else attempts[-1]
        if finished and first.seed is not None:
            for later in finished[1:]:
                first.metrics = {**later.metrics, **first.metrics}
            finished = [first]
        chosen += finished or [first]
    return sorted(chosen, key=lambda attempt: (attempt.started, attempt.name))


def number(value: object) -> float | None:
    """A metric's value; the recorder writes NaN and infinities as text."""
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def word(value: Any) -> str:
    """The one way to write a parameter's value: 1, 1.0 and "1" are one."""
    if isinstance(value, float):
        read = parse_number(repr(value))
        value = value if read is None else read
    return format_value(parse_value(value) if isinstance(value, str) else value)


def numbers_of(metrics: dict[str, Any]) -> dict[str, float]:
    """The metrics among what a manifest has: no positions, no clocks, nothing of images and tables that were logged."""
    media = tuple(name[: -len("_type")] for name in metrics if name.endswith(("._type", "/_type")))
    return {
        name: value
        for name, value in ((name, number(value)) for name, value in metrics.items())
        if value is not None
        and name not in POSITIONS
        and not (name in CLOCKS and value > 1e8)
        and not name.startswith(media)
        and name.replace("/", ".").split(".")[0] not in ([] if name in PARENTS else PARENTS)
    }


def fold(runs: list[Attempt]) -> tuple[dict[Row, list[dict[str, float]]], dict[Row, int]]:
    """The metrics of each configuration's runs, one a seed (the first), and how many have no result."""
    draws: dict[tuple[Row, object], dict[str, float]] = {}
    values: dict[Row, list[dict[str, float]]] = {}
    for run in runs:
        if run.finished and run.metrics:
            key = (run.row, (run.name, run.number) if run.seed is None else run.seed)
            if key in draws:
                draws[key].update({k: v for k, v in run.metrics.items() if k not in draws[key]})
                continue
            draws[key] = dict(run.metrics)
            values.setdefault(run.row, []).append(draws[key])
    newest = {row[:3]: row for row in values}
    missing: dict[Row, int] = {}
    seen = set(draws)
    for run in reversed(runs):
        if not (run.finished and run.metrics):
            row = run.row if run.row in values else newest.get(run.row[:3], run.row)
            if run.seed is not None and (row, run.seed) in seen:
                continue
            seen.add((row, run.seed))
            missing[row] = missing.get(row, 0) + 1
    return values, missing


def critical(df: int) -> float:
    """The two-sided 95 % quantile of Student's t, by bisection of its finite series (Abramowitz and Stegun 26.7.3, 26.7.4)."""

    def within(t: float) -> float:
        angle = math.atan2(t, math.sqrt(df))
        term = total = math.cos(angle) if df % 2 else 1.0
        for k in range(3 if df % 2 else 2, df, 2):
            term *= math.cos(angle) ** 2 * (k - 1) / k
            total += term
        if df % 2 == 0:
            return math.sin(angle) * total
        return 2 / math.pi * (angle + (math.sin(angle) * total if df > 1 else 0.0))

    low, high = 0.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) < 0.95 else (low, middle)
    return high


def summary(values: list[float]) -> list[float | None]:
    """Not finite, mean, sd (n - 1), and the ends of the interval; None where there is none."""
    finite = [v for v in values if math.isfinite(v)]
    n, lost = len(finite), float(len(values) - len(finite))
    if not n:
        return [lost, None, None, None, None]
    mean = math.fsum(finite) / n
    if n == 1:
        return [lost, mean, None, None, None]
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in finite) / (n - 1))
    half = critical(n - 1) * sd / math.sqrt(n)
    return [lost, mean, sd, mean - half, mean + half]


def rows(metric: str, values: dict[Row, list[dict[str, float]]], missing: dict[Row, int]) -> Iterator[list[str]]:
    """One line for each configuration."""
    all_rows = sorted(set(values) | set(missing))
    for row in all_rows:
        runs = values.get(row, [])
        measured = [run[metric] for run in runs if metric in run]
        lost, *numbers = summary(measured)
        counts = [len(measured) - int(lost or 0), missing.get(row, 0) + len(runs) - len(measured), int(lost or 0)]
        config = " ".join("{}={}".format(*pair) for pair in row[1])
        alike = [other for other in all_rows if other[:2] == row[:2]]
        if len({other[2] for other in alike}) > 1:
            config = f"{config} [{row[2]}]".lstrip()
        if len({other[3] for other in alike}) > 1:
            config = f"{config} code={row[3][:8]}".lstrip()
        texts = [printable(text) for text in (row[0], config, metric)]
        yield [*texts, *map(str, counts), *("" if v is None else repr(v) for v in numbers)]


def cell(text: str) -> str:
    """A text that a spreadsheet takes for no formula."""
    return "'" + text if text.lstrip()[:1] in FORMULA and parse_number(text) is None else text


def main() -> None:
    """Print a table for each metric."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--metric", help="only this one")
    options.add_argument("--experiment", help="only runs of this experiment")
    options.add_argument("--csv", action="store_true", help="numbers in full, separated by commas")
    chosen = options.parse_args()
    values, missing = fold([run for run in counting() if chosen.experiment in (None, run.row[0])])
    if len({row[:3] for row in values}) < len(values):
        sys.stderr.write(
            "each state of the code is a row of its own here; `scaffold results` folds those whose difference cannot reach a run\n"
        )
    names = sorted({name for runs in values.values() for run in runs for name in run})
    lines = [["experiment", "configuration", "metric", *COLUMNS]]
    for metric in names if chosen.metric is None else [chosen.metric]:
        lines += rows(metric, values, missing)
    if chosen.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([*map(cell, line[:3]), *line[3:]] for line in lines)
        return
    for index, line in enumerate(lines):
        if index:
            line[6:] = ["-" if not cell else f"{float(cell):.5g}" for cell in line[6:]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() + "\n")


if __name__ == "__main__":
    main()
