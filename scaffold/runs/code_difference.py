"""Two runs -> the difference between the code that they ran (commits with their patches applied), and between their config files."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scaffold import git, path_containment
from scaffold.runs import code_files, code_worktrees, recorder, recorder_command
from scaffold.runs.model import Run

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# a config's copy is called by its content, and then by its name
_DIGEST_LENGTH = 17


RunWithManifest = tuple[Run, Mapping[str, Any]]


def diff_code(workspace: Workspace, a: RunWithManifest, b: RunWithManifest) -> str:
    """The difference between the code of two runs as a patch, without records, plans and secrets.

    Where the code of one is no longer to be had, a diff of their saved patches.
    """
    pins = [code_worktrees.parse_code_pin((manifest["git"] or {}).get("pin")) for _, manifest in (a, b)]
    names = (a[0].label, b[0].label)
    if None in pins and (difference := _diff_files(workspace, a[0], b[0])) is not None:
        return os.fsdecode(recorder.patches.redact_patch(os.fsencode(difference), os.devnull))
    return code_worktrees.make_patch_between_runs(workspace, a[1], b[1], names)


def _diff_files(workspace: Workspace, a: Run, b: Run) -> str | None:
    if a.code is None or b.code is None:
        return None
    top = git.toplevel(workspace.workdir)
    if top is None:
        return None
    prefix = code_files.workdir_prefix_in_repository(workspace, top)
    excluded = recorder.code_state.uncounted_folders(recorder_command.load_recorder_workspace(workspace), prefix)
    with code_files.open_code(workspace, top, a) as code_a, code_files.open_code(workspace, top, b) as code_b:
        if code_a is None or code_b is None:
            return None
        differing = sorted(
            path
            for path in code_a.ids.keys() | code_b.ids.keys()
            if code_a.ids.get(path) != code_b.ids.get(path) and not recorder.git.is_below(path, excluded)
        )
        texts_a, texts_b = code_a.read(differing), code_b.read(differing)
        return "".join(
            _diff_file(
                path, texts_a.get(path), texts_b.get(path), is_text=_is_text(path, code_a, texts_a, code_b, texts_b)
            )
            for path in differing
        )


def _is_text(
    path: str,
    code_a: code_files.CodeFiles,
    texts_a: Mapping[str, str],
    code_b: code_files.CodeFiles,
    texts_b: Mapping[str, str],
) -> bool:
    """Whether each side that has a file has it as a text."""
    return all(path in texts for code, texts in ((code_a, texts_a), (code_b, texts_b)) if path in code.ids)


def diff_configs(workspace: Workspace, a: Run, b: Run) -> str:
    """The difference between the copies of both runs' config files, by their names."""
    copies = [{path.rpartition("/")[2][_DIGEST_LENGTH:]: path for path in run.configs} for run in (a, b)]
    parts = []
    for name in sorted(copies[0].keys() | copies[1].keys()):
        paths = [side.get(name) for side in copies]
        if paths[0] != paths[1]:
            texts = [_read(workspace, path) if path else None for path in paths]
            parts.append(_diff_file(f"config {name}", texts[0], texts[1], is_text=True))
    return "".join(parts)


def _read(workspace: Workspace, path: str) -> str:
    try:
        return path_containment.join_contained_path(workspace.workdir, path).read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        return ""


def _diff_file(path: str, a: str | None, b: str | None, *, is_text: bool) -> str:
    if not is_text:
        return f"Binary file {path} differs\n"
    names = ("/dev/null" if a is None else f"a/{path}", "/dev/null" if b is None else f"b/{path}")
    lines = difflib.unified_diff((a or "").splitlines(keepends=True), (b or "").splitlines(keepends=True), *names)
    return "".join(_end_lines(lines))


def _end_lines(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
