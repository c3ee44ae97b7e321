"""A sweep -> its runs: each configuration with each seed as a command, and the name that the recorder will give it.

The name is the recorder's own (`Identity` of record_run.py), computed from the code state that the sweep remembers, so that it
is the same before, during and after the runs, whatever happens to the working tree.
"""

from __future__ import annotations

import os
import re
import subprocess  # noqa: TID251 - it asks the recorder
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.runs import recorder, recorder_command
from scaffold.sweeps.spec.model import NO_SEED_OPTION, PlannedRun, Sweep
from scaffold.sweeps.spec.script_interface import passes_seed

if TYPE_CHECKING:
    from scaffold.runs.model import Scalar
    from scaffold.workspace import Workspace

RECORDER_TIMEOUT_S = 60
PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][\w.-]*)\}")


def planned_runs(workspace: Workspace, sweep: Sweep) -> tuple[PlannedRun, ...]:
    """The runs of a sweep, configuration by configuration, each with every seed. Runs of one name are one run: the first."""
    top, cwd = repository_and_cwd(workspace, sweep.cwd)
    states = {n.words: (n.state, n.files) for n in sweep.code.named}
    runs_by_name: dict[str, PlannedRun] = {}
    for params, seed, argv, recorder_params in list_run_commands(sweep):
        state, files = states.get(find_command_files(argv, sweep.name_scheme), (sweep.code.state, ()))
        identity = recorder.naming.Identity(
            argv,
            experiment=sweep.experiment,
            seed=seed,
            params={k.replace("-", "_"): recorder.values.parse_value(v) for k, v in recorder_params.items()},
            cwd=cwd,
            top=top,
            code=state,
            files=files,
            scheme=sweep.name_scheme,
        )
        if identity.name not in runs_by_name:
            runs_by_name[identity.name] = PlannedRun(
                name=identity.name, seed=seed, params=params, argv=tuple(argv), recorder_params=recorder_params
            )
    return tuple(runs_by_name.values())


def repository_and_cwd(workspace: Workspace, cwd: str) -> tuple[str, str]:
    """The top of the repository (or the work directory) as an absolute path, and `cwd` below it, empty outside, as the recorder
    has them."""
    workdir = os.path.realpath(workspace.workdir)
    top: str = recorder.git.repository(workdir) or workdir
    cwd_below_top = os.path.relpath(os.path.realpath(Path(workdir, cwd)), top)
    return top, "" if cwd_below_top.split("/")[0] == ".." else cwd_below_top


def list_run_commands(sweep: Sweep) -> Iterator[tuple[Mapping[str, Scalar], int | None, list[str], Mapping[str, str]]]:
    """Parameters, seed, command line, and what the recorder must be told, of every configuration with every seed."""
    value_of = recorder.values.parse_value
    for configuration in sweep.configurations:
        params = {k: value_of(v) for k, v in configuration.items()}
        for seed in sweep.seeds or (None,):
            yield (params, seed, *build_run_command(sweep, configuration, seed))


def build_run_command(
    sweep: Sweep, configuration: Mapping[str, str], seed: int | None
) -> tuple[list[str], dict[str, str]]:
    """One run's command line, and the parameters that do not show in it."""
    texts = dict(configuration) if seed is None else {**configuration, "seed": str(seed)}
    inserted = {k for word in sweep.command for k in PLACEHOLDER.findall(word) if k in texts}
    argv = [PLACEHOLDER.sub(lambda m: texts.get(m[1], m[0]), word) for word in sweep.command] if inserted else []
    argv = argv or list(sweep.command)
    recorder_params = {**sweep.labels, **{k: configuration[k] for k in inserted if k in configuration}}
    for key, text in configuration.items():
        if key not in inserted:
            added = _parameter_arguments(sweep, key, text)
            argv += added
            if not added:
                recorder_params[key] = text
    # a sweep that was planned with `{seed}` in its command, and no option, has it there alone
    adds = sweep.seed_option is not None or "seed" not in inserted
    if seed is not None and adds and sweep.seed_option != NO_SEED_OPTION and not passes_seed(sweep.command):
        argv += _seed_arguments(sweep, str(seed))
    return argv, dict(sorted(recorder_params.items()))


def _parameter_arguments(sweep: Sweep, key: str, text: str) -> list[str]:
    kind = sweep.booleans.get(key)
    if kind is not None and text.lower() in ("true", "false"):
        if text.lower() == "true":
            return [f"--{key}"]
        return [f"--no-{key}"] if kind == "paired" else []
    if sweep.style == "hydra":
        return [f"{key}={text}"]
    if sweep.style == "equals" or _is_mistakable(text) or text.lower() in ("true", "false"):
        return [f"--{key}={text}"]
    return [f"--{key}", text]


def _is_mistakable(text: str) -> bool:
    """Whether a word after an option would be read as something else than its value, by a parser or by the recorder."""
    return text.startswith("-") or not recorder.naming.is_value(text)


def _seed_arguments(sweep: Sweep, seed: str) -> list[str]:
    option = sweep.seed_option or ("seed=" if sweep.style == "hydra" else "--seed")
    if option.endswith("="):
        return [option + seed]
    return [f"{option}={seed}"] if sweep.style == "equals" and option.startswith("--") else [option, seed]


def find_command_files(argv: Sequence[str], scheme: int) -> tuple[str, ...]:
    """The words of a command that look like source or config files, as the recorder picks them; sorted, each once."""
    return tuple(sorted(set(recorder.config_files.file_words(argv, scheme))))


def recorder_options(sweep: Sweep, run: PlannedRun) -> list[str]:
    """The recorder's options for a run."""
    words = ["--experiment", sweep.experiment, "--sweep", sweep.name]
    if sweep.task:
        words += ["--task", sweep.task]
    if sweep.resources.timeout_s is not None:
        words += ["--timeout", recorder.values.format_value(sweep.resources.timeout_s)]
    for pattern in sweep.metric_from:
        words += ["--metric-from", pattern]
    if run.seed is not None:
        words += ["--seed", str(run.seed)]
    for key, text in run.recorder_params.items():
        words += ["--param", f"{key}={text}"]
    return words


def find_recorder_differences(workspace: Workspace) -> list[str]:
    """The files in which the workspace's recorder differs from ours, sorted; nothing of either is run. Raises ScaffoldError."""
    path = recorder_command.recorder_path(workspace)
    ours = recorder.read_recorder_sources(recorder.recorder_source_directory())
    try:
        theirs = recorder.read_recorder_sources(path.parent)
    except OSError as error:
        raise ScaffoldError(
            f"the recorder in {path.parent} cannot be read: {error.strerror}", hint="bring it back: scaffold update"
        ) from error
    return sorted(file.as_posix() for file in {*ours, *theirs} if ours.get(file) != theirs.get(file))


def check_recorder_run_name(workspace: Workspace, sweep: Sweep, run: PlannedRun) -> None:
    """Before a launch: ask the workspace's recorder for a run's name, where it is another one than ours. Raises ScaffoldError where they
    differ.

    One run is enough: what is computed alike for it is computed alike for all. The code must be as it was when `sweep` was planned.
    """
    if not find_recorder_differences(workspace):
        return
    path = recorder_command.recorder_path(workspace)
    words = [
        sys.executable,
        *recorder_command.PYTHON_OPTIONS,
        str(path),
        "--name-only",
        *recorder_options(sweep, run),
        "--",
        *run.argv,
    ]
    try:
        result = subprocess.run(
            words,
            cwd=Path(workspace.workdir, sweep.cwd),
            env={**os.environ, recorder.naming.SCHEME_VARIABLE: str(sweep.name_scheme)},
            capture_output=True,
            text=True,
            timeout=RECORDER_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ScaffoldError(f"{path} did not say a run's name within {RECORDER_TIMEOUT_S} s") from error
    if result.stdout.strip() != run.name:
        raise ScaffoldError(
            f"{path} is another recorder than this scaffold's, and names runs otherwise ({result.stdout.strip() or 'not at all'}"
            f" for {run.name}), so that finished runs would not be found",
            hint="bring it up to date: scaffold update",
        )
