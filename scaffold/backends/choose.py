"""Which backend executes a sweep, and the backend itself, made."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from scaffold.backends.interface import Backend, BackendContext
from scaffold.errors import WrongUsage
from scaffold.server import address
from scaffold.workspace import Workspace

# name -> (module, class); imported when it is chosen
BACKENDS: Mapping[str, tuple[str, str]] = {
    "local": ("scaffold.backends.local.backend", "LocalBackend"),
    "slurm": ("scaffold.backends.slurm.backend", "SlurmBackend"),
    "server": ("scaffold.backends.server.backend", "ServerBackend"),
}


def server_url(workspace: Workspace) -> str:
    """The research server that the workspace's answers name; empty where there is none."""
    return str(workspace.answers.get("research_server_url") or "")


def choose_backend(workspace: Workspace, requested: str | None, planned: str | None) -> str:
    """The backend's name: what is asked for, else what the sweep says, else the workspace's server, else this machine.

    Where the workspace has a server, everything else has to be asked for by name, so that no run goes past it by accident. One that
    the environment alone names has to be asked for. Raises ScaffoldError for the server where nobody names one, WrongUsage for a name
    that there is not.
    """
    chosen = requested or planned or ("server" if server_url(workspace) else "local")
    if chosen not in BACKENDS:
        raise WrongUsage(f"there is no backend {chosen}", hint=f"it is one of {', '.join(BACKENDS)}")
    if chosen == "server":
        address.require_url(workspace.answers)
    return chosen


def make_backend(name: str, context: BackendContext) -> Backend:
    """The backend of a name that `choose_backend` gave."""
    module, attribute = BACKENDS[name]
    return cast(Backend, getattr(importlib.import_module(module), attribute)(context))
