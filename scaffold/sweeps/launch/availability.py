"""How many runs may start now, for a sweep or for none in particular."""

from __future__ import annotations

from scaffold.backends import choose
from scaffold.backends.capacity import Capacity, capacity
from scaffold.backends.model import Context
from scaffold.sweeps.launch import states
from scaffold.sweeps.launch.ledger import Orders
from scaffold.sweeps.launch.scheduler import Pacer
from scaffold.sweeps.spec import sweep_file
from scaffold.workspace import Workspace


def of_sweep(pacer: Pacer, orders: Orders) -> Capacity:
    """The capacity for what a launch of a sweep would start. Raises ScaffoldError where the backend cannot be asked."""
    found = pacer.look().states
    ready, _ = states.wanted((s for s in found if s.planned), None)
    return pacer.would_start([*ready, *(s for s in found if s.startable)], orders).capacity


def of_workspace(workspace: Workspace, orders: Orders) -> Capacity:
    """The capacity for a sweep of which nothing is known yet, so that q is 0. Raises ScaffoldError."""
    name = choose.name(workspace, orders.backend, None)
    context = Context(
        workspace=workspace,
        sweep="a sweep",
        goal="",
        experiment="",
        folder=sweep_file.sweeps_folder(workspace),
        logs=workspace.role("logs"),
        gpus_per_run=orders.gpus_per_run,
        cpus_per_run=orders.cpus_per_run,
        max_parallel=orders.max_parallel,
        notes={},
        keep=lambda key, value: None,
        warn=lambda text: None,
    )
    room = choose.make(name, context).room()
    per = 1 if orders.gpus_per_run is None else orders.gpus_per_run
    return capacity(room, queued=0, mine=0, cap=orders.max_parallel, per_run=per)
