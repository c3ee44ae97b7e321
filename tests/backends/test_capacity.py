"""The capacity: the numbers, and the sentence that explains them."""

from __future__ import annotations

import pytest

from scaffold.backends.capacity import compute_capacity, compute_run_limit
from scaffold.backends.interface import BackendLoad


@pytest.mark.parametrize(
    ("kind", "gpus", "cores", "gpus_per_run", "cpus_per_run", "expected", "because"),
    [
        ("local_gpu", 2, 64, None, None, 2, "2 GPUs"),
        ("local_gpu", 1, 64, None, None, 1, "1 GPU"),
        ("local_gpu", 8, 64, 2, None, 4, "8 GPUs, 2 a run"),
        ("local_gpu", 8, 4, None, None, 4, "8 GPUs, but only 4 cores"),
        ("local_gpu", 8, 64, None, 16, 4, "8 GPUs, but only 64 cores, 16 a run"),
        ("local_gpu", 0, 64, None, None, 1, "0 GPUs"),
        ("local_gpu", None, None, None, None, 1, "0 GPUs"),
        ("local_gpu", None, 64, 2, None, 1, "0 GPUs, 2 a run"),
        ("local_gpu", 8, 4, None, 1, 4, "8 GPUs, but only 4 cores"),  # one core a run goes without saying
        ("local_gpu", 8, 4, None, 2, 2, "8 GPUs, but only 4 cores, 2 a run"),
        ("local_gpu", 2, 8, 0, 2, 4, "8 cores, 2 a run"),
        ("slurm", None, None, None, None, 4, "Slurm, how many GPUs it has is not known: 4"),
        ("slurm", 0, None, None, None, 4, "Slurm, how many GPUs it has is not known: 4"),
        ("slurm", 16, 512, None, None, 16, "Slurm with 16 GPUs"),
        ("slurm", 1, 512, None, None, 1, "Slurm with 1 GPU"),
        ("slurm", 16, None, 4, None, 4, "Slurm with 16 GPUs"),
        ("slurm", 16, None, 0, None, 16, "Slurm with 16 GPUs"),
        ("slurm", None, None, 8, None, 1, "Slurm, how many GPUs it has is not known: 4"),
        ("slurm", None, 2, None, None, 2, "Slurm, how many GPUs it has is not known: 4, but only 2 cores"),
        ("slurm", None, 1, None, None, 1, "Slurm, how many GPUs it has is not known: 4, but only 1 core"),
        (
            "cpu_only",
            None,
            8,
            None,
            None,
            1,
            "no GPU for it, and how many cores a run takes is not said: --cpus-per-run",
        ),
        ("cpu_only", None, None, None, 2, 1, "no GPU for it, and how many cores there are is not known"),
        ("cpu_only", None, 8, None, 2, 4, "8 cores, 2 a run"),
        ("cpu_only", None, 8, None, 3, 2, "8 cores, 3 a run"),
        ("cpu_only", None, 2, None, 16, 1, "2 cores, 16 a run"),
        ("unknown", None, 8, None, None, 1, "what this cluster has is not known"),
        ("unknown", None, 8, None, 1, 8, "8 cores, 1 a run"),
        (
            "kubernetes",
            None,
            None,
            None,
            None,
            1,
            "no GPU for it, and how many cores a run takes is not said: --cpus-per-run",
        ),
    ],
)
def test_how_many_runs_may_be_there(
    kind: str,
    gpus: int | None,
    cores: int | None,
    gpus_per_run: int | None,
    cpus_per_run: int | None,
    expected: int,
    because: str,
) -> None:
    found = compute_run_limit(kind, gpus=gpus, cores=cores, gpus_per_run=gpus_per_run, cpus_per_run=cpus_per_run)
    assert found == (expected, because)


@pytest.mark.parametrize(
    ("limit", "active", "queued", "cap", "own", "expected"),
    [
        (2, 0, 9, None, 0, 2),
        (2, 1, 9, None, 1, 1),
        (2, 2, 9, None, 2, 0),
        (2, 5, 9, None, 0, 0),  # others run more than there is room for
        (8, 0, 3, None, 0, 3),
        (8, 0, 0, None, 0, 0),
        (8, 1, 9, 2, 1, 1),
        (8, 1, 9, 2, 0, 2),  # the one that runs is somebody else's
        (8, 3, 9, 2, 3, 0),
        (1, 0, 9, 5, 0, 1),  # a cap gives no room
    ],
)
def test_how_many_may_start(limit: int, active: int, queued: int, cap: int | None, own: int, expected: int) -> None:
    room = BackendLoad(limit=limit, active=active, gpus=None, because="test")
    assert compute_capacity(room, queued=queued, own_active=own, cap=cap).max_new == expected


@pytest.mark.parametrize(("per_run", "expected"), [(1, 5), (2, 2), (5, 1), (6, 0), (0, 8)])
def test_a_run_starts_only_with_all_its_devices_free(per_run: int, expected: int) -> None:
    """Five of them are: more than two runs of two would wait for each other's. A run without GPUs waits for none."""
    room = BackendLoad(limit=8, active=0, gpus=("0", "1", "2", "3", "4"), gpus_each=per_run, because="8 GPUs")
    assert compute_capacity(room, queued=9, own_active=0).max_new == expected


def test_the_sentence_has_every_number() -> None:
    room = BackendLoad(limit=4, active=1, gpus=None, because="4 GPUs")
    assert compute_capacity(room, queued=9, own_active=1).sentence == (
        "limit = 4 (4 GPUs), active = 1 running or launching, queued = 9 ready or queued: max_new = max(0, min(9, 4 - 1)) = 3"
    )
    assert compute_capacity(room, queued=9, own_active=1, cap=2).sentence.endswith(
        "= 3; at most 2 of this sweep at once, 1 of it there: 1"
    )
    free = BackendLoad(limit=4, active=1, gpus=("3",), because="4 GPUs")
    assert compute_capacity(free, queued=9, own_active=1).sentence.endswith("= 3; devices are free for 1")
    full = BackendLoad(limit=4, active=6, gpus=None, because="4 GPUs")
    assert compute_capacity(full, queued=9, own_active=1).sentence.endswith("max_new = max(0, min(9, 4 - 6)) = 0")
    assert compute_capacity(full, queued=9, own_active=1).max_new == 0
