"""An experiment workspace for a research repository that already exists.

facts -> conventions -> answers -> render      what the repository does, and the workspace that fits it
plan text -> plan -> findings                  the plan contract at work
grid -> names -> launchers -> backends         sweeps that resume
manifests + metrics -> table -> report         results that can be believed
"""

from __future__ import annotations

# not `from typing`, which loads 25 modules: whoever only wants the version should not wait for them
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from scaffold.python.open_workspace import OpenWorkspace
    from scaffold.python.record_magic import InteractiveShell

__version__ = "0.11.0"


def open(workdir: str | Path = ".", *, root: str | None = None) -> OpenWorkspace:
    """The experiment workspace in `workdir` or above it (`root` names one of several): `scaffold.open().results(by="lr")`.

    Raises ScaffoldError (`scaffold.errors`) where there is none.
    """
    from scaffold.python.open_workspace import OpenWorkspace

    return OpenWorkspace(workdir, root)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext scaffold` in a notebook: cells that begin with `%%record EXPERIMENT` are recorded runs."""
    from scaffold.python import record_magic

    record_magic.register_record_magic(shell)
