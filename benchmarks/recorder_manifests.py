"""How long `scaffold runs list` takes over 10,000 manifests: without its index (cold), and with it (warm).

    python -m benchmarks.recorder_manifests [--quick]

Warm with the records in the working tree and in their second home (as one file each, as the recorder leaves them) beside the working
tree alone: at most 1.3 of that. And with the second home alone, as a `git clean` leaves it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.fixtures import SCAFFOLD, copy_runs, make_recorded_repository, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

LIST = [*SCAFFOLD, "runs", "list"]


def renamed(number: int, manifest: dict[str, Any]) -> str:
    """Another run of the same configuration."""
    manifest["seed"] = number
    manifest["time"]["started_at"] = f"2026-01-{1 + number % 28:02}T{number % 24:02}:00:00.000Z"
    return f"train-lr=0.1-s{number}-{number:08x}"


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Write the manifests, and list them."""
    count, rounds = (100, 1) if quick else (10_000, 5)
    with scratch_home() as folder:
        places = {name: folder / name for name in ("tree", "both", "home")}
        for name, root in places.items():
            copy_runs(root, make_recorded_repository(root, 50), count, renamed)
            settle_homes(root, linked=name != "tree", cleaned=name == "home")
        contenders = {name: Contender(work=LIST, cwd=root) for name, root in places.items()}
        cache = folder / ".cache"
        cold = Contender(work=LIST, cwd=places["tree"], prepare=lambda: shutil.rmtree(cache, ignore_errors=True))
        costs = measure_costs({"cold": cold, **contenders}, rounds=1)
        costs |= measure_costs(contenders, rounds=rounds)
    tree, both, home = (costs[name].passed for name in places)
    beside = (
        Reference(name="cold", value=costs["cold"].passed),
        Reference(name="in both homes", value=both),
        Reference(name="in the second home alone", value=home),
    )
    return [
        Row(benchmark="recorder", what=f"`runs list` of {count:,} manifests, warm", ours=tree, unit="s", beside=beside),
        Row(
            benchmark="recorder",
            what=f"`runs list` of {count:,} manifests in both homes, warm, over the working tree's alone",
            ours=both / tree,
            unit="x",
            limit=1.3,
        ),
    ]


def settle_homes(root: Path, *, linked: bool, cleaned: bool) -> None:
    """Have the manifests of a repository in its second home too, or not, and not in the working tree; folders as they are hours later."""
    home = next(root.glob(".git/scaffold/records/*")) / "metadata"
    metadata = root / "exp" / "metadata"
    shutil.rmtree(home)
    home.mkdir()
    for path in metadata.glob("*.json") if linked else ():
        (home / path.name).hardlink_to(path)
    if cleaned:
        shutil.rmtree(metadata)
    for folder in (home, metadata):
        if folder.is_dir():
            os.utime(folder, (1_700_000_000, 1_700_000_000))


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
