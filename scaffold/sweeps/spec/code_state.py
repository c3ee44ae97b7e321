"""The code that a sweep stands on: remembered when it is planned, compared before a launch, brought back in a worktree.

Git is asked once for each distinct set of files that commands name, not once a run. The state is the recorder's own (`code_state`):
plans, records and results change nothing about it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import recorder, recorder_command, records_home, worktrees
from scaffold.scratch import scratch_directory
from scaffold.sweeps.spec import run_names
from scaffold.sweeps.spec.model import CommandFilesCodeState, Sweep, SweepCode

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# the working directory is the whole process's
_directory_lock = threading.Lock()


def capture_sweep_code(workspace: Workspace, sweep: Sweep, *, keep: bool = True) -> SweepCode:
    """The code state of a sweep's runs as the working tree is now; it is pinned, and a patch of uncommitted code is kept in
    `<metadata>/patches` (without `keep` it is only named, and nothing pinned).

    Raises ScaffoldError where git does not answer, or the sweep's directory is not there.
    """
    code, patch = read_current_sweep_code(workspace, sweep, with_patch=True, with_pin=keep)
    if patch is None:
        return code
    name = f"{hashlib.sha256(patch).hexdigest()[:16]}.patch"
    path = workspace.locate(workspace.role_folder("metadata", sweep.experiment) / "patches" / name)
    if keep and not path.is_file():
        records_home.write_record(workspace, path, patch)
    return replace(code, patch=path.relative_to(workspace.workdir).as_posix())


def replan_with_current_code(workspace: Workspace, sweep: Sweep, *, keep: bool = True) -> Sweep:
    """The sweep with the code as it is now: what `sweep new` plans, and `launch --code current` plans again."""
    return replace(sweep, code=capture_sweep_code(workspace, sweep, keep=keep))


def read_current_sweep_code(
    workspace: Workspace, sweep: Sweep, *, with_patch: bool, with_pin: bool = False
) -> tuple[SweepCode, bytes | None]:
    """The code state of a sweep's runs as the working tree is now, its patch not kept; and that patch (None: clean, or not asked for).

    With `with_pin` it is pinned, where the repository can be written.

    Raises ScaffoldError where git does not answer, or the sweep's directory is not there.
    """
    place = recorder_command.load_recorder_workspace(workspace)
    scheme = sweep.name_scheme
    base = run_names.find_command_files(sweep.command, scheme)
    sets = {base, *(run_names.find_command_files(argv, scheme) for _, _, argv, _ in run_names.list_run_commands(sweep))}
    states_by_files: dict[tuple[str, ...], Any] = {}
    with _in_directory(Path(workspace.workdir, sweep.cwd)):
        files = {words: tuple(word for word in words if Path(word).is_file()) for words in sets}
        for names in files.values():
            if names not in states_by_files:
                states_by_files[names] = _capture_state(place, names, scheme, with_patch=False)
        all_files = sorted({name for names in files.values() for name in names})
        patched_state = (
            _capture_state(place, all_files, scheme, with_patch=True, with_pin=with_pin) if with_patch else None
        )
    states = {words: states_by_files[names] for words, names in files.items()}
    base_state = states[base]
    differing = [
        CommandFilesCodeState(words=words, state=state.code, files=tuple(digest for _, digest in state.files))
        for words, state in sorted(states.items())
        if state.code != base_state.code or state.files
    ]
    pin = _written_pin(patched_state) if patched_state is not None and with_pin else {}
    code = SweepCode(
        state=base_state.code,
        commit=base_state.git["commit"] if base_state.git else None,
        patch=None,
        named=tuple(differing),
        pin=pin.get("commit"),
        tracked=pin.get("tracked"),
    )
    return code, patched_state.patch if patched_state is not None else None


def _written_pin(state: recorder.code_state.CodeState) -> Mapping[str, Any]:
    """The pin of a captured state, made where it is not there yet; empty where the repository cannot be written (there is the patch)."""
    if state.git is None or state.pin is None:
        return (state.git or {}).get("pin") or {}
    with contextlib.suppress(OSError, recorder.messages.RecorderError):
        return state.pin.write()
    return {}


def _capture_state(
    place: recorder.workspace.Workspace, files: Iterable[str], scheme: int, *, with_patch: bool, with_pin: bool = False
) -> recorder.code_state.CodeState:
    # JSON is among these where an option of the command calls it a config
    words = [f"--config={file}" if file.endswith(recorder.config_files.JSON) else file for file in files]
    state = recorder.code_state.capture(place, words, with_patch=with_patch, with_pin=with_pin, scheme=scheme)
    if state.git is None and recorder.git.repository(os.path.realpath(place.workdir)) is not None:
        raise ScaffoldError(
            "git did not say what the code is, so the runs have no names",
            hint="its reason is above; a slow file system may need a higher RUN_GIT_TIMEOUT (seconds)",
        )
    return state


@contextlib.contextmanager
def _in_directory(folder: Path) -> Iterator[None]:
    """Within `folder`: names of files in a command, and so the recorder's questions, are relative to where it runs."""
    with _directory_lock:
        previous = Path.cwd()
        try:
            os.chdir(folder)
        except OSError as error:
            raise ScaffoldError(f"the sweep's directory {folder} cannot be entered: {error.strerror}") from error
        try:
            yield
        finally:
            os.chdir(previous)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeComparison:
    """Whether the code is still the one that a sweep was planned with; if not, `files` are those that differ, as far as known."""

    is_same: bool
    files: tuple[str, ...] = ()


def compare_with_planned_code(workspace: Workspace, sweep: Sweep) -> CodeComparison:
    """Hold the working tree against the code that the sweep remembers. Raises ScaffoldError where git does not answer."""
    current, _ = read_current_sweep_code(workspace, sweep, with_patch=False)
    planned = sweep.code
    if current.state == planned.state and command_file_states(current) == command_file_states(planned):
        return CodeComparison(is_same=True)
    differing = command_file_states(current) ^ command_file_states(planned) if current.state == planned.state else set()
    words = sorted({word for words, _ in differing for word in words})
    return CodeComparison(is_same=False, files=tuple(words or _changed_files(workspace, sweep)))


def command_file_states(code: SweepCode) -> set[tuple[tuple[str, ...], tuple[str | None, tuple[str, ...]]]]:
    """The differing code states as comparable values: (words, (state, files))."""
    return {(n.words, (n.state, n.files)) for n in code.named}


def _changed_files(workspace: Workspace, sweep: Sweep) -> list[str]:
    """Files of the working tree that differ from the remembered commit and patch; empty where that cannot be told."""
    top = git.toplevel(workspace.workdir)
    if top is None or sweep.code.commit is None:
        return []
    with scratch_directory() as folder:
        environment = {"GIT_INDEX_FILE": str(folder / "index")}
        if git.run_git_as_user(top, "read-tree", sweep.code.commit, env=environment).status != 0:
            return []
        patch = read_sweep_patch(workspace, sweep.code)
        if patch:
            patch_data = worktrees.unredacted_patch(top, sweep.code.commit, patch)
            git.run_git_as_user(top, "apply", "--cached", "--whitespace=nowarn", "-", stdin=patch_data, env=environment)
        differing = git.run_git_as_user(
            top, "diff", "--name-only", "-z", "--no-ext-diff", "--no-renames", env=environment
        ).paths
    recorder_place = recorder_command.load_recorder_workspace(workspace)
    workdir_path = os.path.relpath(os.path.realpath(workspace.workdir), os.path.realpath(top))
    excluded = recorder.code_state.uncounted_folders(recorder_place, "" if workdir_path == "." else workdir_path + "/")
    return [path for path in differing if not recorder.git.is_below(path, excluded)]


def read_sweep_patch(workspace: Workspace, code: SweepCode) -> str:
    """The remembered patch; empty where the code was clean. Raises ScaffoldError where its file is gone."""
    if code.patch is None:
        return ""
    try:
        return os.fsdecode(workspace.locate(code.patch).read_bytes())
    except OSError as error:
        raise ScaffoldError(f"the patch {code.patch} cannot be read: {error.strerror}") from error
