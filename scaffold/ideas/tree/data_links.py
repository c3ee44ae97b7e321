"""What git does not hold and a command may read: data, which the worktrees of both sides get as links into the working tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from scaffold import git
from scaffold.ideas.study import IdeaStudy
from scaffold.ideas.tree.snapshot import CODE
from scaffold.runs import commit_retention
from scaffold.workspace import Workspace

MOST_LINKS = 200
# what runs write, or what is made again: no data that a command reads
NO_DATA = frozenset(
    (
        *(
            "outputs",
            "output",
            "runs",
            "wandb",
            "mlruns",
            "checkpoints",
            "ckpt",
            "logs",
            "log",
            "results",
            "lightning_logs",
        ),
        *(
            "build",
            "dist",
            "node_modules",
            "__pycache__",
            "venv",
            "env",
            ".venv",
            ".conda",
            ".git",
            ".cache",
            ".mypy_cache",
        ),
        *(".pytest_cache", ".ruff_cache", ".ipynb_checkpoints", ".idea", ".vscode"),
    )
)
NO_DATA_FILES = (*CODE, ".log", ".pyc", ".tsv", ".md")


def find_data_paths_to_link(workspace: Workspace, study: IdeaStudy) -> list[str]:
    """The paths to be linked, relative to the repository's top: nothing of an idea's own, which each side has from its commit, and no new
    code, which the other side must not see. Raises ScaffoldError where git does not answer."""
    top = git.toplevel(workspace.workdir)
    if top is None:
        return []
    uncounted = commit_retention.list_non_code_paths(workspace, top)
    ideas = sorted({path for record in study.ideas for path in record.paths})
    options = ("ls-files", "-z", "--others", "--directory", "--no-empty-directory")
    listed = [git.run_git_checked(top, *options, *more, "--exclude-standard").paths for more in ((), ("--ignored",))]
    entries, ignored = ([path for path in paths if _may_be_data(top, path, uncounted)] for paths in listed)
    # what lies in a folder that is new as a whole
    inside = git.untracked_files(top) if any(entry.endswith("/") for entry in entries) else []
    before = frozenset(study.untracked)
    paths = {path for entry in entries for path in _split_entry(entry, inside, before, ideas)}
    paths |= {path.rstrip("/") for path in ignored if not _holds(path, ideas)}
    data = [path for path in sorted(paths) if not path.endswith(NO_DATA_FILES) or ("/" in path and path in before)]
    return data[:MOST_LINKS]


def _may_be_data(top: Path, entry: str, uncounted: Sequence[str]) -> bool:
    """Whether an untracked path is neither the workspace's nor of what runs write or tools make."""
    path = entry.rstrip("/")
    holds_workspace = any(f"{folder}/".startswith(f"{path}/") or path.startswith(f"{folder}/") for folder in uncounted)
    is_made = bool(NO_DATA.intersection(PurePosixPath(path).parts)) or (top / path / "pyvenv.cfg").exists()
    return not holds_workspace and not is_made


def _split_entry(entry: str, inside: Sequence[str], before: frozenset[str], ideas: Sequence[str]) -> Iterator[str]:
    """An untracked path as a whole where it is data, else the files in it that are no part of an idea."""
    files = [path for path in inside if path.startswith(entry)] if entry.endswith("/") else [entry]
    is_old = all(path in before for path in files)
    has_code = any(path.endswith(CODE) for path in files)
    if not _holds(entry, ideas) and (is_old or not has_code):
        yield entry.rstrip("/")
    elif entry.endswith("/"):
        yield from (
            path for path in files if path not in ideas and (path in before or not path.endswith(NO_DATA_FILES))
        )


def _holds(entry: str, paths: Sequence[str]) -> bool:
    """Whether an entry of git's list is one of the paths, or a folder with one."""
    folder = entry.rstrip("/") + "/"
    return any(path == entry or path.startswith(folder) for path in paths)
