"""How long `scaffold runs list` takes over 10,000 manifests: without its index (cold), and with it (warm).

python -m benchmarks.recorder_manifests [--quick]
"""

from __future__ import annotations

from typing import Any

from benchmarks.fixtures import SCAFFOLD, copy_runs, make_recorded_repository, scratch_home
from benchmarks.interleaved import measure_cold_and_warm
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone


def renamed(number: int, manifest: dict[str, Any]) -> str:
    """Another run of the same configuration."""
    manifest["seed"] = number
    manifest["time"]["started_at"] = f"2026-01-{1 + number % 28:02}T{number % 24:02}:00:00.000Z"
    return f"train-lr=0.1-s{number}-{number:08x}"


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Write the manifests, and list them."""
    count, rounds = (100, 1) if quick else (10_000, 5)
    with scratch_home() as folder:
        root = folder / "repository"
        copy_runs(root, make_recorded_repository(root, 50), count, renamed)
        cold, warm = measure_cold_and_warm([*SCAFFOLD, "runs", "list"], root, folder / ".cache", rounds=rounds)
    return [
        Row(
            benchmark="recorder",
            what=f"`runs list` of {count:,} manifests, warm",
            ours=warm.passed,
            unit="s",
            beside=(Reference(name="cold", value=cold.passed),),
        )
    ]


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
