"""The workspace that the recorder lies in: where its folders are."""

from __future__ import annotations

import os

from .git import is_below
from .json_text import read_json
from .messages import RecorderError, warn
from .naming import safe_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")
# below the metadata, beside the manifests: what a recorder writes there, each checked for links before a run
RECORD_FOLDERS = (".live", "configs", "environments", "patches", "stdin")
# how many files git looks at sooner than it holds 50,000 paths against one more pattern (2 ms)
FEW_FILES = 250


class Workspace:
    """Where things are: every path is relative to `workdir`."""

    def __init__(self, workdir: str, facts: Mapping[str, Any]) -> None:
        self.workdir = workdir
        self.root = str(facts.get("experiment_root") or "exp").strip("/")
        self.per_experiment = facts.get("layout") == "per-experiment"
        self.tasks = str(facts.get("tasks_path") or self.root + "/tasks.md")
        self.id = str(facts.get("workspace_id") or "")
        self.name_scheme = facts.get("name_scheme")
        self.manager = str(facts.get("environment_manager") or "") or None
        self.printed_metrics = facts.get("printed_metrics") or []
        trackers = facts.get("trackers")
        self.trackers = trackers if isinstance(trackers, list) else []
        roles = facts.get("role_dirs")
        self.roles = {r: str(roles.get(r) or r) if isinstance(roles, dict) else r for r in ROLES}

    def tracker_variables(self) -> list[str]:
        """The variables of the repository's trackers that are to lead into a run's folder, since nobody has set them."""
        if not self.trackers:
            return []
        from .tracker_folders import unset_variables  # few repositories have a tracker

        return unset_variables(self.trackers, {os.getcwd(), self.workdir})

    def role(self, name: str, experiment: str) -> str:
        """The directory of a role for an experiment."""
        middle = [safe_name(experiment).lstrip("._=,+@-") or "run"] if self.per_experiment else []
        return os.path.normpath("/".join([self.root, *middle, self.roles[name]]))

    def experiment_at(self, folder: str) -> str | None:
        """The experiment whose own folder holds `folder`, where the layout has one for each."""
        below_root = os.path.relpath(os.path.realpath(folder), os.path.realpath(os.path.join(self.workdir, self.root)))
        first = below_root.split("/")[0]
        return first if self.per_experiment and first not in (".", "..", self.roles["scripts"]) else None

    def check_folders(self, names: Iterable[str]) -> None:
        """Raise RecorderError where one of these folders of the workspace, which need not exist, leads out of the work directory."""
        plain = set()
        for name in names:
            step, is_plain = self.workdir, not name.startswith("/")
            for part in name.split("/"):
                step = f"{step}/{part}"
                if step not in plain:
                    is_plain = is_plain and part != ".." and part.lower() != ".git" and not os.path.islink(step)
                if not is_plain:
                    break
                plain.add(step)
            if not is_plain:
                from .containment import check_links  # few have links

                check_links(self.workdir, name)

    def records(self, prefix: str) -> list[tuple[str, str]]:
        """Where runs leave much behind, as git pathspecs (magic, pattern): git need not look there.

        A folder of few files is looked at: git holds each path of a repository against each pattern, which costs it more.
        """
        if self.per_experiment:
            return [("glob", f"{prefix}{self.root}/*/{self.roles[r]}") for r in ROLES[1:]]
        folders = [f"{self.root}/{self.roles[r]}" for r in ROLES[1:]]
        return [("literal", prefix + f) for f in folders if not _holds_little(f"{self.workdir}/{f}")]

    def is_record(self, path: str) -> bool:
        """Whether a path below the root lies where runs leave things behind."""
        return is_below(path.partition("/")[2] if self.per_experiment else path, [self.roles[r] for r in ROLES[1:]])


def _holds_little(folder: str) -> bool:
    """Whether a folder is missing, or holds a few files and no folder."""
    try:
        with os.scandir(folder) as entries:
            return not any(number > FEW_FILES or entry.is_dir() for number, entry in enumerate(entries))
    except FileNotFoundError:
        return True
    except OSError:
        return False


def locate(folder: str) -> Workspace:
    """The workspace whose scripts lie in `folder`. What `workspace.json` beside it does not say has its default."""
    facts: dict[str, Any] = {}
    try:
        facts = read_json(os.path.join(folder, "workspace.json"))
    except FileNotFoundError:
        facts = {
            "experiment_root": os.path.basename(os.path.dirname(folder)),
            "role_dirs": {"scripts": os.path.basename(folder)},
        }
    except (OSError, ValueError) as error:
        warn(f"workspace.json beside the recorder cannot be read ({error}); the usual directories are used")
    workspace = Workspace(folder, facts)
    tail = os.path.normpath(os.path.join(workspace.root, workspace.roles["scripts"]))
    for path in (folder, os.path.realpath(folder)):
        if path.endswith("/" + tail):
            workspace.workdir = path[: -len(tail) - 1] or "/"
            return workspace
    raise RecorderError(f"it lies in {folder}, not in {tail} of a work directory, as workspace.json says")
