"""What should not count any more: attempts that were withdrawn with a reason, one small file each beside the manifests."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import path_containment, structured_text
from scaffold.atomic_write import write_file
from scaffold.errors import ScaffoldError
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

FOLDER = "withdrawn"
UNKNOWN_REASON = "the reason cannot be read"


def read_withdrawals(workdir: Path, metadata: Path) -> dict[str, str]:
    """Of one folder of manifests the labels of attempts that were withdrawn -> why. What is damaged still withdraws."""
    reasons: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for file in sorted(path_containment.join_contained_path(workdir, metadata / FOLDER).iterdir()):
            if file.suffix == ".json" and not file.name.startswith("."):
                reasons[file.name.removesuffix(".json")] = _read_reason(workdir, file)
    return reasons


def _read_reason(workdir: Path, file: Path) -> str:
    try:
        content = structured_text.parse_json(path_containment.join_contained_path(workdir, file).read_bytes())
    except (OSError, ValueError):
        return UNKNOWN_REASON
    because = content.get("because") if isinstance(content, Mapping) else None
    return " ".join(because.split()) if isinstance(because, str) and because.strip() else UNKNOWN_REASON


def withdraw_recorded_attempts(workspace: Workspace, attempts: Iterable[Run], because: str) -> list[Run]:
    """Withdraw attempts; those that are withdrawn now. Their records stay as they are. Raises ScaffoldError where it cannot be written."""
    withdrawn = []
    for run in attempts:
        content = {"version": 1, "run": run.label, "because": because, "at": timestamps.utc_now().isoformat()}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        write_file(withdrawal_path(workspace, run), text.encode(), hint="make its folder writable")
        withdrawn.append(run._replace(withdrawn=because))
    return withdrawn


def undo_withdrawals(workspace: Workspace, attempts: Iterable[Run]) -> list[Run]:
    """Take withdrawals back; the attempts that count again. Raises ScaffoldError where one's file cannot be removed."""
    restored = []
    for run in attempts:
        path = withdrawal_path(workspace, run)
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ScaffoldError(f"{path} cannot be removed: {error.strerror}") from error
        restored.append(run._replace(withdrawn=None))
    return restored


def withdrawal_path(workspace: Workspace, run: Run) -> Path:
    """The file that withdraws an attempt, in this working tree also where only the second home has the record.

    Raises OutsidePathError where a link that is not the user's leads out of the work directory.
    """
    folder = (workspace.workdir / run.path).parent
    folder = workspace.role_folder("metadata", run.experiment) if run.only_in_home else folder
    return path_containment.join_contained_path(workspace.workdir, folder / FOLDER / f"{run.label}.json")
