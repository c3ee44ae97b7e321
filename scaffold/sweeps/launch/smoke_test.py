"""A smoke test: one run of a sweep's first configuration in a sweep of its own, and whether it did what a run has to do.

A smoke test that fails is then never part of the real sweep: its run has a name of its own too, by the label `smoke`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scaffold import git
from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.runs import recorder
from scaffold.runs.model import SMOKE_SUFFIX, Run
from scaffold.sweeps.launch.open_sweep import make_scheduler
from scaffold.sweeps.launch.run_states import SweepRunStatus
from scaffold.sweeps.launch.scheduler import Scheduler
from scaffold.sweeps.spec import code_state, parameter_texts, sweep_file, sweep_paths
from scaffold.sweeps.spec.model import ConfigurationRule, Sweep
from scaffold.workspace import Workspace


def make_smoke_sweep(sweep: Sweep, args: str = "") -> Sweep:
    """The smoke sweep of `sweep`: its first configuration and first seed, `args` (a line of shell words) behind its command.

    Parameters that `args` sets are not set again, and words of the command that it sets are replaced. Raises WrongUsage where
    `args` cannot be split into words, or there is no configuration to try.
    """
    try:
        words = tuple(shlex.split(args))
    except ValueError as error:
        raise WrongUsage(
            f"--smoke-args {args!r} cannot be split into words: {error}", hint="close the quote"
        ) from error
    if not sweep.configurations:
        raise WrongUsage(f"the sweep {sweep.name} has no configuration to try")
    replaced = set(recorder.naming.command_params(["smoke", *words]))
    first = {
        k: v for k, v in sweep.configurations[0].items() if parameter_texts.recorded_parameter_name(k) not in replaced
    }
    command = (*_without_options(sweep.command, replaced), *words)
    return replace(
        sweep,
        name=sweep.name + SMOKE_SUFFIX,
        goal=f"a quick try of {sweep.name}: {sweep.goal}",
        command=command,
        configurations=(first,),
        seeds=sweep.seeds[:1],
        labels={**sweep.labels, "smoke": "true"},
        rule=ConfigurationRule(listed=(first,)) if first else ConfigurationRule(),
    )


def _without_options(command: tuple[str, ...], options: set[str]) -> tuple[str, ...]:
    """A command without the `options`, and their values."""
    words = list(command[: recorder.naming.script_index(command) + 1])
    rest = list(command[len(words) :])
    while rest:
        # the recorder reads the parameters of `smoke A B ...`; an option with its value is what two words give one parameter
        is_option = rest[0].startswith("-") and "=" not in rest[0]
        size = 2 if is_option and len(rest) > 1 and recorder.naming.is_value(rest[1]) else 1
        part, rest = rest[:size], rest[size:]
        if not options.intersection(recorder.naming.command_params(["smoke", *part])):
            words += part
    return tuple(words)


def prepare_smoke_sweep(
    workspace: Workspace, name: str, args: str, *, warn: Warn, no_prefix: bool = False
) -> Scheduler:
    """What runs the smoke sweep of sweep `name`, planned with the code as it is now; `args` are the user's smoke options.

    Raises ScaffoldError, where a sweep of the user's has that name too.
    """
    sweep = make_smoke_sweep(sweep_file.read_sweep(workspace, name), args)
    if (
        sweep_paths.locate_sweep_file(workspace, sweep.name).exists()
        and "smoke" not in sweep_file.read_sweep(workspace, sweep.name).labels
    ):
        raise ScaffoldError(
            f"the sweep {sweep.name} is there already and is no try of {name}: {sweep_paths.locate_sweep_file(workspace, sweep.name)}",
            hint="it stays as it is; to try one run, plan the sweep under another name",
        )
    planned = code_state.replan_with_current_code(workspace, sweep)
    sweep_file.write_sweep(workspace, planned)
    return make_scheduler(workspace, planned, original=False, no_prefix=no_prefix, warn=warn)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeVerdict:
    """What came of a smoke test: its run, what is wrong (nothing: it is fine), what is worth knowing, and what was seen of it."""

    run: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    seen: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "fine": not self.problems}


def changes_outside_workspace(workspace: Workspace) -> frozenset[str]:
    """What git lists as changed or untracked outside the workspace, as `git status` says it."""
    top = git.toplevel(workspace.workdir)
    if top is None:
        return frozenset()
    answer = git.run_git_as_user(
        workspace.workdir, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"
    )
    root = f"{Path(workspace.path.resolve()).relative_to(top.resolve()).as_posix()}/"
    tasks = workspace.tasks.parent.resolve()
    in_top = tasks in (top.resolve(), workspace.workdir.resolve())
    plan = root if in_top else f"{tasks.relative_to(top.resolve()).as_posix()}/"
    return frozenset(row for row in answer.paths if not row[3:].startswith((root, plan, ".agents/")))


def verify_smoke_run(
    workspace: Workspace,
    state: SweepRunStatus,
    before: frozenset[str],
    metrics_of: Callable[[Run], Mapping[str, float]],
    cause_of: Callable[[Run], str],
) -> SmokeVerdict:
    """Hold the run of a smoke test against what every run has to do: finish, give the primary metric, write outputs, change nothing else.

    `before` are the repository's changes from before it ran. `metrics_of` says which metrics results will find for a run: its
    manifest's and those in its files. `cause_of` says why one failed.
    """
    if state.state != "finished" or state.run is None:
        why = ", ".join(filter(None, [cause_of(state.run) if state.run else "", state.reason]))
        problem = f"{state.name} is {state.state}" + (f" ({why})" if why else "") + f": scaffold runs show {state.name}"
        return SmokeVerdict(run=state.name, problems=(problem,), notes=(), seen="")
    metrics: Mapping[str, float] = {}
    problems, notes = [], []
    try:
        metrics = metrics_of(state.run)
    except ScaffoldError as error:
        problems.append(f"{error.message}: {error.hint}" if error.hint else error.message)
    primary = str(workspace.answers.get("primary_metric") or "")
    if primary and primary not in metrics and not problems:
        names = ", ".join(metrics) or "none"
        problems.append(
            f"the primary metric `{primary}` is not among its metrics ({names}): write it to $RUN_OUTPUT_DIR/metrics.json"
        )
    elif not metrics and not problems:
        notes.append("the run gave no metrics: write them to $RUN_OUTPUT_DIR/metrics.json, or rows to metrics.jsonl")
    outputs = workspace.locate(state.run.outputs)
    files = sum(1 for p in outputs.rglob("*") if p.is_file()) if outputs.is_dir() else 0
    if not files:
        notes.append(f"the run wrote nothing to its output directory {state.run.outputs} ($RUN_OUTPUT_DIR)")
    for row in sorted(changes_outside_workspace(workspace) - before)[:10]:
        changed = f"the run changed the repository: {row[3:]} ({row[:2].strip()})"
        problems.append(f"{changed}; it belongs into $RUN_OUTPUT_DIR, or git should ignore it")
    some = ", ".join(f"{k}={v:g}" for k, v in list(metrics.items())[:4]) or "no metrics"
    seen = f"{some}; {files} files in {state.run.outputs}"
    return SmokeVerdict(run=state.name, problems=tuple(problems), notes=tuple(notes), seen=seen)
