"""Where things are in a workspace: its root, answers, plan, role directories; and how one is found."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold import path_containment, scratch, structured_text
from scaffold.errors import ScaffoldError

ANSWERS_FILE = ".copier-answers.scaffold.yml"
PLAYBOOK_FILE = "prompt_skill_playbook.md"
USUAL_ROOTS = ("exp", ".wild/experiments")
# Characters that no shell, Makefile, gitignore rule or #SBATCH line can be trusted with.
UNSAFE_IN_PATHS = frozenset("*?[]\\\"'`$!#:~<>|;&\x7f")
EXPERIMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")


class NoWorkspace(ScaffoldError):
    """There is none where one was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """An experiment workspace that is there: `root` is relative to `workdir`; `answers` is its answers file."""

    workdir: Path
    root: str
    answers: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """The experiment root. This and every other path of a workspace raises OutsidePathError where it leads to somewhere else."""
        return self.locate(self.root)

    @property
    def tasks(self) -> Path:
        """The plan, tasks.md."""
        return self.locate(str(self.answers.get("tasks_path") or f"{self.root}/tasks.md"))

    @property
    def playbook(self) -> Path:
        """The prompt-skill playbook, which lies beside the plan."""
        return self.locate(self.tasks.with_name(PLAYBOOK_FILE))

    @property
    def per_experiment(self) -> bool:
        """Whether each experiment has the role directories of its own."""
        return self.answers.get("workspace_layout") == "per-experiment"

    def role_folder(self, name: str, experiment: str | None = None) -> Path:
        """The directory of a role (`logs`, `metadata`, ...), of `experiment` where the layout has one for each."""
        names = self.answers.get("role_dirs")
        folder = str(names.get(name, name)) if isinstance(names, Mapping) else name
        middle = (experiment,) if self.per_experiment and experiment is not None else ()
        return self.locate(Path(self.root, *middle, folder))

    def locate(self, path: Path | str) -> Path:
        """A path, absolute or relative to the work directory, that the workspace or a record in it names, as an absolute one.

        Raises OutsidePathError where it leads to where nothing of a workspace may lie.
        """
        return path_containment.join_contained_path(self.workdir, path)


def resolve_workdir(path: Path) -> Path:
    """The work directory `path`, resolved. Raises ScaffoldError when it is no directory, or none that one can look into."""
    hint = "name the repository's directory with --workdir"
    try:
        is_directory = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError as error:
        raise ScaffoldError(f"the work directory {path} does not exist", hint=hint) from error
    except OSError as error:
        raise ScaffoldError(f"the work directory {path} cannot be read: {error.strerror}", hint=hint) from error
    if not is_directory:
        raise ScaffoldError(f"the work directory {path} is a file", hint=hint)
    if not os.access(path, os.R_OK | os.X_OK):
        raise ScaffoldError(f"the work directory {path} may not be read", hint=hint)
    return path.resolve()


def load_workspace(workdir: Path, root: str) -> Workspace:
    """The workspace at `workdir/root`. Raises ScaffoldError when its answers file is missing or cannot be read."""
    path = path_containment.join_contained_path(workdir, f"{root}/{ANSWERS_FILE}")
    checkout = f"git checkout -- {shlex.quote(f'{root}/{ANSWERS_FILE}')}"
    try:
        answers = _parse_answers(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScaffoldError(
            f"{workdir / root} is not a workspace: it has no {ANSWERS_FILE}", hint="scaffold init"
        ) from error
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ScaffoldError(f"{path} cannot be read: {reason}", hint=f"restore it: {checkout}") from error
    if not isinstance(answers, dict) or answers.get("experiment_root") != root:
        raise ScaffoldError(
            f"{path} does not say `experiment_root: {root}`, so it is not this workspace's answers file",
            hint=f"restore it ({checkout}), or after moving the workspace write its new root there",
        )
    invalid = _first_invalid_answer(answers)
    if invalid:
        raise ScaffoldError(f"{path} has no usable {invalid}", hint=f"restore it: {checkout}")
    return Workspace(workdir=workdir, root=root, answers=answers)


def _parse_answers(text: str) -> Any:
    """What answers in YAML say, kept in the cache directory: the import of a parser of YAML takes as long as a short command's own work.

    Raises ValueError where they cannot be read.
    """
    import json
    import zlib

    # the text is kept beside the value, so that its name need not be sure
    file = scratch.cache_path("answers", f"{zlib.crc32(text.encode()):08x}.json")
    try:
        entry = structured_text.parse_json(file.read_bytes()) if file is not None else None
        if isinstance(entry, dict) and entry["text"] == text:
            return entry["answers"]
    except (OSError, ValueError, KeyError):
        pass
    import yaml

    try:
        answers = structured_text.parse_yaml(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    with contextlib.suppress(TypeError, ValueError):  # YAML says more than JSON can: sets, bytes, keys that are no text
        data = json.dumps({"text": text, "answers": answers})
        if file is not None and json.loads(data)["answers"] == answers:
            scratch.write_cache(file, data.encode())
    return answers


def _first_invalid_answer(answers: Mapping[str, Any]) -> str | None:
    """The first answer that says where files lie and is missing, of the wrong kind, or leads out of the work directory.

    Answers come with the repository, and so may be anybody's.
    """
    names, experiments, kept_files = answers.get("role_dirs"), answers.get("experiments"), answers.get("kept_files", [])
    checks = {
        "experiment_root": _is_path(answers.get("experiment_root")),
        "tasks_path": _is_path(answers.get("tasks_path")),
        "workspace_layout": answers.get("workspace_layout") in ("flat", "per-experiment"),
        "role_dirs": isinstance(names, dict) and all(_is_path(names.get(role)) for role in ROLES),
        "experiments": isinstance(experiments, list)
        and all(isinstance(name, str) and EXPERIMENT_NAME.fullmatch(name) for name in experiments),
        "kept_files": isinstance(kept_files, list) and all(isinstance(path, str) for path in kept_files),
    }
    return next((name for name, is_valid in checks.items() if not is_valid), None)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and explain_unusable_path(value) is None


def find_unsafe_character(text: str) -> str | None:
    """The first character of a path that cannot be trusted, also a control character or half of a surrogate pair; None for none.

    Why no regular expression: every command would compile it, which takes as long as to find a workspace.
    """
    return next((c for c in text if c in UNSAFE_IN_PATHS or c < " " or "\ud800" <= c <= "\udfff"), None)


def explain_unusable_path(text: str) -> str | None:
    """Why `text` cannot be the path of something below the work directory; None where it can."""
    bad = find_unsafe_character(text)
    parts = text.split("/")
    if not text or text.startswith("/"):
        return "is not a path relative to the work directory"
    if bad:
        return f"has the character {bad!r}, which shells, git or Slurm would trip over"
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        return "has an empty part, `.`, `..` or `.git` in it"
    if any(part != part.strip() for part in parts) or text.startswith("-"):
        return "has a part that begins or ends with a space, or begins with a dash"
    return None


def is_path_accessible(path: Path) -> bool:
    """Whether `path` exists; what lies in a folder of somebody else's that may not be entered is not there for us."""
    try:
        return path.exists()
    except PermissionError:
        return False


def list_workspace_roots(workdir: Path) -> list[str]:
    """The roots of the workspaces that lie in `workdir` itself, sorted."""
    own_roots = {root for folder, root in workspaces_below(workdir) if folder == workdir}
    return sorted(own_roots | {r for r in USUAL_ROOTS if is_path_accessible(workdir / r / ANSWERS_FILE)})


def find_workspace(start: Path, root: str | None = None) -> Workspace:
    """The workspace that `start` lies in or above: `start` may be the work directory or any folder below it.

    `root` names it where there are several. Raises NoWorkspace when there is none, ScaffoldError when there is more than one
    or `start` is no directory.
    """
    start = resolve_workdir(start)
    if root is not None:
        return load_workspace(start, root.rstrip("/"))
    top = None
    for folder in (start, *start.parents):
        places = [(folder, r) for r in USUAL_ROOTS if is_path_accessible(folder / r / ANSWERS_FILE)]
        if not places and top is None:  # only then: most commands are given at the top, and git is a process
            from scaffold import git

            top = git.toplevel(start) or Path(start.anchor)
        # of git only at the top, and only where there is nothing at a usual place: it lists all files, which takes long
        if not places and folder == top and top != Path(start.anchor):
            places = workspaces_below(top)
        if len(places) > 1:
            names = ", ".join(str((workdir / name).relative_to(folder)) for workdir, name in places)
            raise ScaffoldError(f"{folder} has several workspaces: {names}", hint="name one with --workdir and --root")
        if places:
            return load_workspace(*places[0])
        if folder == top:
            break
    raise NoWorkspace(f"no workspace in {start} or above it", hint="write one: scaffold init")


def workspaces_below(top: Path) -> list[tuple[Path, str]]:
    """The workspaces in a working tree, tracked or not, as (work directory, root); git lists all files for it, which takes long."""
    from scaffold import git

    answer = git.run_git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", f"*{ANSWERS_FILE}")
    if not answer.paths:
        return []
    import yaml

    places = []
    for path in sorted(set(answer.paths)):
        file = top / path
        try:
            root = str((structured_text.parse_yaml(file.read_text(encoding="utf-8")) or {}).get("experiment_root"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError):
            continue
        if file.parent.as_posix().endswith("/" + root):
            places.append((Path(file.parent.as_posix().removesuffix("/" + root)), root))
    return places
