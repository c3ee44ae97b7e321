"""How long `scaffold results` takes over 10,000 runs of 20 metrics, and over a `metrics.jsonl` of 5 million rows, and how much memory.

    python -m benchmarks.results_table [--quick]

The limits: 2 s with the index (warm), 6 s without (cold), 500 MB. Beside it MLflow's `search_runs` over as many runs, and, for 100
runs, DVC's `exp show`. The long file is read in constant memory: the peak stands beside that with a file of a tenth of its rows.
`scaffold results compare` on 30 runs stands beside itself as it was at the commit EARLIER, where the repository has that commit:
it is to take at most 0.8 of that. So does the table of many runs, of commands with and without positional arguments, at most 1.2 of what it
took then.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import study_data
from benchmarks.fixtures import PROJECT, SCAFFOLD, scratch_home
from benchmarks.interleaved import Contender, Cost, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

METRICS = 20
EARLIER = "7dd8cc0"
COMPARED_RUNS = 30
APART = ("env", "-u", "PYTHONPATH")
TABLE = [*SCAFFOLD, "results", "--format", "json"]
COMPARE = [*SCAFFOLD, "results", "compare", "lr=0", "lr=1"]
LONG = """
import sys
from pathlib import Path
from scaffold.observations import file_formats, file_metrics
path = Path(sys.argv[1])
file_metrics.summarize_steps(file_formats.read_jsonl(path, print), str(path), is_series=True)
"""


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """A table of many runs, a long file, and a table of few runs beside DVC's."""
    runs, few, steps, rounds = (60, 5, 20_000, 1) if quick else (10_000, 100, 5_000_000, 3)
    with scratch_home() as folder:
        rows = [
            *many_runs(folder, peers, runs, rounds),
            *comparison(folder, 1 if quick else 15),
            *beside_earlier(folder, runs, rounds),
            *long_files(folder, steps),
        ]
        return [*rows, few_runs(folder, peers, few, rounds)] if peers else rows


def many_runs(folder: Path, peers: Peers | None, runs: int, rounds: int) -> list[Row]:
    """Cold and warm, beside MLflow with as many runs in a database that is there."""
    root = folder / "study"
    study_data.write_study(root, runs, METRICS)
    cold = Contender(work=TABLE, cwd=root, prepare=lambda: shutil.rmtree(folder / ".cache", ignore_errors=True))
    contenders = {"cold": cold, "warm": Contender(work=TABLE, cwd=root)}
    if peers:
        place = folder / "mlflow"
        place.mkdir()
        script = [*APART, peers.python, "-W", "ignore", "-c", study_data.MLFLOW, str(runs), str(METRICS)]
        subprocess.run([*script, "write"], cwd=place, check=True, capture_output=True)
        contenders["mlflow"] = Contender(work=[*script, "read"], cwd=place)
    found = measure_costs(contenders, rounds=rounds)
    warm, memory, what = (
        found["warm"].passed,
        max(found[n].megabytes for n in ("cold", "warm")),
        f"{runs:,} runs of {METRICS} metrics",
    )
    theirs = found.get("mlflow")
    name, version = "mlflow search_runs", peers.versions["mlflow-skinny"] if peers else None
    beside = (Reference(name=name, version=version, value=theirs.passed),) if theirs else ()
    beside_memory = (Reference(name=name, version=version, value=theirs.megabytes),) if theirs else ()
    return [
        Row(benchmark="results", what=f"{what}, warm", ours=warm, unit="s", limit=2, beside=beside),
        Row(benchmark="results", what="the same, cold", ours=found["cold"].passed, unit="s", limit=6),
        Row(benchmark="results", what="the same, peak memory", ours=memory, unit="MB", limit=500, beside=beside_memory),
    ]


def comparison(folder: Path, rounds: int) -> list[Row]:
    """Two configurations of few runs compared, by this code and by that of an earlier commit, in turns."""
    root = folder / "compared"
    study_data.write_study(root, COMPARED_RUNS, METRICS)
    costs = _measure_beside_earlier(folder, root, COMPARE, rounds)
    what = f"compare, {COMPARED_RUNS} runs of {METRICS} metrics"
    earlier = costs.get(EARLIER)
    if earlier is None:
        return [Row(benchmark="results", what=what, ours=costs["now"].ms, unit="ms")]
    beside = (Reference(name=f"commit {EARLIER}", value=earlier.ms),)
    ratio = costs["now"].passed / earlier.passed
    return [
        Row(benchmark="results", what=what, ours=costs["now"].ms, unit="ms", beside=beside),
        Row(benchmark="results", what=f"the same over commit {EARLIER}", ours=ratio, unit="x", limit=0.8),
    ]


def beside_earlier(folder: Path, runs: int, rounds: int) -> list[Row]:
    """The table of many runs, of commands with options alone and with an argument that has no name, beside the earlier code's."""
    rows = []
    for words, positional in (("options", False), ("positional arguments", True)):
        root = folder / f"with-{words.partition(' ')[0]}"
        study_data.write_study(root, runs, METRICS, positional=positional)
        costs = _measure_beside_earlier(folder, root, TABLE, rounds)
        if (earlier := costs.get(EARLIER)) is not None:
            what = f"{runs:,} runs with {words} over commit {EARLIER}, warm"
            ratio = costs["now"].used / earlier.used
            rows.append(Row(benchmark="results", what=what, ours=ratio, unit="x", limit=1.2))
    return rows


def _measure_beside_earlier(folder: Path, root: Path, work: list[str], rounds: int) -> dict[str, Cost]:
    """A command by this code and by that of the earlier commit, in turns, each with an index of its own: what one writes the other may not
    read."""
    packages = {"now": PROJECT, **extract_package(folder / "earlier", EARLIER)}
    contenders = {
        name: Contender(
            work=["env", f"PYTHONPATH={package}", f"XDG_CACHE_HOME={folder / name}.cache", *work],
            cwd=root,
        )
        for name, package in packages.items()
    }
    return measure_costs(contenders, rounds=rounds)


def extract_package(folder: Path, commit: str) -> dict[str, Path]:
    """The package as it was at a commit, by that commit; nothing where the repository has no such commit (a shallow clone)."""
    if folder.exists():
        return {commit: folder}
    archive = ["git", "-C", str(PROJECT), "archive", commit, "scaffold", "template", "copier.yml"]
    packed = subprocess.run(archive, capture_output=True, check=False)
    if packed.returncode != 0:
        return {}
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return {commit: folder}


def long_files(folder: Path, steps: int) -> list[Row]:
    """Seconds and peak memory of a process that reads a long file, and one of a tenth of it."""
    contenders = {}
    for count in (steps, steps // 10):
        path = folder / f"{count}.jsonl"
        with path.open("wb") as file:
            file.writelines(study_data.training(count))
        contenders[str(count)] = Contender(work=[sys.executable, "-c", LONG, str(path)])
    found = measure_costs(contenders, rounds=1)
    tenth = Reference(name=f"{steps // 10:,} rows", value=found[str(steps // 10)].megabytes)
    return [
        Row(benchmark="results", what=f"a metrics.jsonl of {steps:,} rows", ours=found[str(steps)].passed, unit="s"),
        Row(
            benchmark="results",
            what="the same, peak memory",
            ours=found[str(steps)].megabytes,
            unit="MB",
            beside=(tenth,),
        ),
    ]


def few_runs(folder: Path, peers: Peers, runs: int, rounds: int) -> Row:
    """As many runs as DVC has experiments."""
    root, place = folder / "few", folder / "dvc"
    study_data.write_study(root, runs, METRICS)
    dvc = str(peers.bin / "dvc")
    os.environ["PATH"] = (
        f"{peers.bin}{os.pathsep}{os.environ['PATH']}"  # DVC runs `python`; the scratch folder's end restores it
    )
    study_data.write_experiments(place, dvc, runs, METRICS)
    show = Contender(work=[*APART, dvc, "exp", "show", "--csv"], cwd=place)
    found = measure_costs({"ours": Contender(work=TABLE, cwd=root), "dvc": show}, rounds=rounds)
    return Row(
        benchmark="results",
        what=f"{runs:,} runs of {METRICS} metrics, warm",
        ours=found["ours"].passed,
        unit="s",
        beside=(Reference(name="dvc exp show", version=peers.versions["dvc"], value=found["dvc"].passed),),
    )


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
