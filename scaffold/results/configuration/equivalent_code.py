"""The code states of runs -> which of them are the same for what ran, since no file that differs can reach it.

Git is asked only where runs of one configuration have several code states; what it said is kept in the user's cache directory, for good:
a code state never changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import git, structured_text
from scaffold.results.configuration.code_states import CodeEquivalenceClasses, RunCode
from scaffold.runs import recorder, records_home

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace


def find_equivalent_code(workspace: Workspace, runs: Sequence[Run]) -> CodeEquivalenceClasses:
    """What is known of the code of runs of one configuration that have several code states. Raises ScaffoldError (no git)."""
    compared = _runs_to_compare(runs)
    top = git.toplevel(workspace.workdir) if compared else None
    names = name_idea_code_states(workspace)
    if top is None:
        return CodeEquivalenceClasses(names=names)
    reach = _CodeReach(workspace, top)
    # what config files say that commands name is among the parameters already
    config_paths: dict[str, set[str]] = {}
    for run in runs:
        config_paths.setdefault(run.form, set()).update(run.configs)
    states: dict[RunCode, str] = {}
    files: dict[str, Mapping[str, str]] = {}
    state_of_files: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
    for code, run in compared.items():
        reaching = reach.files_of(run)
        if reaching is None:
            continue
        reaching = {path: content for path, content in reaching.items() if path not in config_paths[run.form]}
        state = state_of_files.setdefault((run.form, tuple(sorted(reaching.items()))), f"{run.code} {run.form}")
        states[code], files[state] = state, reaching
    return CodeEquivalenceClasses(states=states, files=files, names=names)


def name_idea_code_states(workspace: Workspace) -> dict[str, str]:
    """What code states are called that are ideas, `idea 3`, and where there are several studies `STUDY idea 3`.

    Read off the studies' files (scaffold.ideas.study), which lie among the records: that package stands above this one.
    """
    folder = workspace.locate(workspace.role_folder("metadata") / "ideas")
    studies = [name for name in records_home.list_record_names(folder) if name.endswith(".json")]
    names: dict[str, str] = {}
    for study in sorted(studies):
        title = f"{study.removesuffix('.json')} " if len(studies) > 1 else ""
        for place in records_home.candidate_record_paths(folder / study):
            for idea in _read_ideas(place):
                if idea.get("number") and isinstance(idea.get("state"), str):
                    names.setdefault(idea["state"], f"{title}idea {idea['number']}")
    return names


def _read_ideas(place: Path) -> list[dict[str, Any]]:
    try:
        ideas = structured_text.parse_json(place.read_bytes()).get("ideas")
    except (OSError, ValueError, AttributeError):
        return []
    return [idea for idea in ideas if isinstance(idea, dict)] if isinstance(ideas, list) else []


def _runs_to_compare(runs: Sequence[Run]) -> dict[RunCode, Run]:
    """Of each code state and form of command the first run, oldest first; none where no configuration has several code states."""
    if len({run.code for run in runs}) < 2:
        return {}
    format_value = recorder.values.format_value
    groups: dict[tuple[object, ...], set[str]] = {}
    for run in runs:
        if run.code is not None:
            params = tuple(sorted((name, format_value(value)) for name, value in run.params.items()))
            groups.setdefault((run.experiment, params, run.form), set()).add(run.code)
    if all(len(codes) < 2 for codes in groups.values()):
        return {}
    # all of them, since the code of one configuration may be held against that of another
    compared: dict[RunCode, Run] = {}
    for run in sorted(runs, key=lambda run: (run.started_at, run.name)):
        if run.code is not None:
            compared.setdefault((run.code, run.form), run)
    return compared


class _CodeReach:
    """Finds what can reach runs, and remembers it."""

    def __init__(self, workspace: Workspace, top: Path) -> None:
        from scaffold.runs import code_files, recorder_command

        self._workspace, self._top = workspace, top
        self._prefix = code_files.workdir_prefix_in_repository(workspace, top)
        place = recorder_command.load_recorder_workspace(workspace)
        self._excluded = recorder.code_state.uncounted_folders(place, self._prefix)

    def files_of(self, run: Run) -> Mapping[str, str] | None:
        """The files that could reach a run; None where its code is no longer to be had."""
        from scaffold.results.configuration import code_state_cache

        return code_state_cache.get_or_compute_answer(
            f"reach\n{self._top}\n{run.code}\n{run.form}", lambda: self._find_files(run)
        )

    def _find_files(self, run: Run) -> Mapping[str, str] | None:
        from scaffold.results.configuration.import_reach import find_reaching_files  # only where git is asked
        from scaffold.runs import code_files

        with code_files.open_code(self._workspace, self._top, run) as code:
            if code is None:
                return None
            script = find_script_of_command(run.form, self._prefix, code.ids)
            return find_reaching_files(code.ids, script, code.read, excluded=self._excluded)


def find_script_of_command(form: str, prefix: str, files: Iterable[str]) -> str | None:
    """The Python file of `files` that a command starts, where it is one of the repository; `prefix` is the work directory in it."""
    folder, _, command = form.rpartition(" && ") if form.startswith("cd ") else ("cd .", "", form)
    words = command.split()
    index = recorder.naming.script_index(words)
    cwd = os.path.normpath(f"{prefix}{folder.removeprefix('cd ')}")
    if index and words[index - 1] == "-m":
        module = words[index].replace(".", "/")
        places = [f"{module}.py", f"{module}/__main__.py"]
    else:
        places = [words[index]] if words and words[index].endswith(".py") else []
    full = (os.path.normpath(f"{cwd}/{place}") for place in places if not place.startswith("/"))
    return next((path for path in full if path in files), None)
