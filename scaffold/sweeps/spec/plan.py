"""What the user asked for -> a sweep, planned with the code as it is: the rule, how the script takes it, and the checks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.sweeps.spec import (
    code_state,
    command_checks,
    grid,
    parameter_values,
    parsing,
    run_names,
    script_interface,
    sweep_file,
    text_yaml,
)
from scaffold.sweeps.spec import sampling as space
from scaffold.sweeps.spec.model import (
    SMOKE_SUFFIX,
    BackendName,
    ConfigurationRule,
    PlannedRun,
    Resources,
    Style,
    Sweep,
    SweepCode,
)
from scaffold.workspace import Workspace

MAX_RUNS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """The options of `sweep new` as they are typed; what is None or empty was not given. `given` are configurations as --from has them."""

    name: str
    given: tuple[dict[str, str], ...] = ()
    command: tuple[str, ...] = ()
    goal: str | None = None
    grid: tuple[str, ...] = ()
    zips: tuple[tuple[str, ...], ...] = ()
    draws: int | None = None
    space: tuple[str, ...] = ()
    space_seed: int | None = None
    source: Path | None = None
    only_if: str | None = None
    baseline: bool = False
    seeds: str | None = None
    seed_option: str | None = None
    style: Style | None = None
    experiment: str | None = None
    task: str | None = None
    backend: BackendName | None = None
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSweep:
    """A sweep with its runs, how many of them were left out as the same run again, and what was decided for the user."""

    sweep: Sweep
    runs: tuple[PlannedRun, ...]
    dropped: int
    notes: tuple[str, ...]


def plan_sweep(workspace: Workspace, wishes: SweepOptions, here: Path) -> PlannedSweep:
    """Plan a sweep whose command runs in `here`. Nothing is written. Raises ScaffoldError; WrongUsage for what can never be."""
    sweep_file.check_sweep_name(sweep_file.check_sweep_name(wishes.name) + SMOKE_SUFFIX)
    base, given = _source(wishes)
    rule = _rule(wishes, base.rule if base is not None else ConfigurationRule(listed=given))
    asked, notes = _asked(workspace, wishes, base, rule, here)
    if not asked.configurations:
        raise WrongUsage("no configuration is left: --only-if holds for none")
    count = len(asked.configurations) * max(1, len(asked.seeds))
    if count > MAX_RUNS:
        raise WrongUsage(f"{count:,} runs are more than a sweep can have ({MAX_RUNS:,})")
    sweep_file.format_sweep(asked)  # what cannot be written is said before anything is
    planned = code_state.with_current_code(workspace, asked, keep=False)
    runs = run_names.planned_runs(workspace, planned)
    run_names.check_recorder(workspace, planned, runs[0])
    warnings = [f"warning: {text}" for text in command_checks.command_warnings(asked.command, len(runs))]
    return PlannedSweep(sweep=planned, runs=runs, dropped=count - len(runs), notes=(*warnings, *notes))


def _source(wishes: SweepOptions) -> tuple[Sweep | None, tuple[dict[str, str], ...]]:
    """What --from holds: another sweep, or a list of configurations."""
    if wishes.source is None:
        return None, wishes.given
    found = text_yaml.read_yaml(wishes.source, what="file")
    try:
        if isinstance(found, list):
            return None, tuple(parsing.parse_configuration(c, f"item {i}") for i, c in enumerate(found, 1))
        if isinstance(found, dict) and "name" in found and "version" in found:
            return parsing.parse_sweep({"code": {}, **found}, str(found["name"])), ()
    except WrongUsage as error:
        raise WrongUsage(f"--from {wishes.source}: {error.message}", hint=error.hint) from error
    raise WrongUsage(
        f"--from {wishes.source} is neither a list of configurations nor a sweep",
        hint="one configuration a line: - {lr: 0.1, batch_size: 64}",
    )


def _rule(wishes: SweepOptions, base: ConfigurationRule) -> ConfigurationRule:
    """The rule that options make, on top of what --from gave."""
    rule = replace(
        base,
        grid={**base.grid, **parameter_values.parse_assignments(wishes.grid, option="--grid")},
        zips=(*base.zips, *(parameter_values.parse_assignments(group, option="--zip") for group in wishes.zips)),
        only_if=wishes.only_if if wishes.only_if is not None else base.only_if,
        baseline=wishes.baseline or base.baseline,
    )
    if wishes.draws is None and (wishes.space or wishes.space_seed is not None):
        raise WrongUsage("--space says what to draw from, and not how much", hint="--random 20")
    if wishes.draws is None:
        return rule
    if not wishes.space:
        raise WrongUsage("--random needs to know what to draw from", hint=f"--space {space.HINT}")
    wanted: dict[str, str] = {}
    for text in wishes.space:
        key, equals, values = text.partition("=")
        if not equals or not values:
            raise WrongUsage(f"--space needs KEY=RANGE, not {text!r}", hint=f"--space {space.HINT}")
        parameter_values.check_key(key, option="--space")
        if key in wanted:
            raise WrongUsage(f"--space names {key} twice")
        wanted[key] = values
    seed = wishes.space_seed or 0
    drawn = space.draw_configurations(wanted, wishes.draws, seed)
    return replace(rule, space=wanted, draws=wishes.draws, space_seed=seed, drawn=drawn)


def _asked(
    workspace: Workspace, wishes: SweepOptions, base: Sweep | None, rule: ConfigurationRule, here: Path
) -> tuple[Sweep, tuple[str, ...]]:
    """The sweep as it was asked for, its code not yet known, and what was decided for the user."""
    command = wishes.command or (base.command if base else ())
    goal = wishes.goal if wishes.goal is not None else base.goal if base else None
    if not command:
        raise WrongUsage("no command is given", hint="scaffold sweep new NAME [options] -- python train.py")
    if not goal or not goal.strip():
        raise WrongUsage(
            "the sweep has no goal", hint="say what it is to find out: --goal 'which learning rate is best'"
        )
    cwd = base.cwd if base and not wishes.command else os.path.relpath(here.resolve(), workspace.workdir.resolve())
    configurations = grid.expand_rule(rule)
    seeds = parameter_values.parse_seeds(wishes.seeds) if wishes.seeds is not None else base.seeds if base else ()
    known = script_interface.read_script(workspace, command, cwd)
    command_checks.check_secrets(command, configurations, {"the goal": goal, "the experiment": wishes.experiment or ""})
    style, notes = _style(workspace, wishes, base, command, known, configurations)
    if absent := command_checks.find_missing_script(workspace, command, cwd):
        notes.insert(0, f"warning: there is no file {absent} in {Path(workspace.workdir, cwd)}: every run would fail")
    if style == "hydra" and "with" not in command and known.source and known.source.uses("sacred") is not None:
        command = (*command, "with")
    option = _seed_option(workspace, wishes, base, command, known, style, notes) if seeds else None
    names = list(dict.fromkeys(k for c in configurations for k in c))
    command_checks.check_command(command, names, option if seeds else None, known)
    flags = {k: kind for k, kind in known.booleans.items() if k in names and style != "hydra"}
    return (
        Sweep(
            name=wishes.name,
            goal=goal,
            experiment=_experiment(workspace, wishes, base, command, here),
            command=command,
            cwd=cwd,
            style=style,
            configurations=configurations,
            seeds=seeds,
            task=wishes.task or (base.task if base else None) or os.environ.get("RUN_TASK") or None,
            backend=wishes.backend or (base.backend if base else None),
            resources=_resources(wishes.resources, base.resources if base else Resources()),
            code=SweepCode(state=None, commit=None, patch=None),
            rule=rule,
            seed_option=option,
            booleans=flags or (base.booleans if base and not wishes.command else {}),
        ),
        tuple(notes),
    )


def _style(
    workspace: Workspace,
    wishes: SweepOptions,
    base: Sweep | None,
    command: tuple[str, ...],
    known: script_interface.CommandScript,
    configurations: Sequence[Mapping[str, str]],
) -> tuple[Style, list[str]]:
    """How parameters are passed, and the note that says so by the first of them; without any there is nothing to say."""
    if wishes.style is not None:
        return wishes.style, []
    if base is not None:
        return base.style, []
    style, why = script_interface.detect_style(workspace, command, known)
    inserted = {k for word in command for k in run_names.PLACEHOLDER.findall(word)}
    passed = ((k, v) for c in configurations for k, v in c.items() if k not in inserted and k not in known.booleans)
    shown = ({"flags": f"--{k} {v}", "equals": f"--{k}={v}", "hydra": f"{k}={v}"}[style] for k, v in passed)
    return style, [f"parameters are passed as `{one}`, {why}" for one in islice(shown, 1)]


def _seed_option(
    workspace: Workspace,
    wishes: SweepOptions,
    base: Sweep | None,
    command: tuple[str, ...],
    known: script_interface.CommandScript,
    style: Style,
    notes: list[str],
) -> str | None:
    if wishes.seed_option is not None:
        return script_interface.check_seed_option(wishes.seed_option)
    if base is not None:
        return base.seed_option
    if any("{seed}" in word for word in command):
        return None
    option, why = script_interface.detect_seed_option(workspace, command, known, style)
    notes.append(f"seeds are passed as `{option}{'' if option.endswith('=') else ' '}1`, {why}")
    return option


def _experiment(
    workspace: Workspace, wishes: SweepOptions, base: Sweep | None, command: tuple[str, ...], here: Path
) -> str:
    """The recorder's own choice where nothing is said."""
    given = wishes.experiment or (base.experiment if base else None) or os.environ.get("RUN_EXPERIMENT")
    if given:
        return given
    place = recorder.workspace.locate(os.path.realpath(workspace.role("scripts")))
    return str(
        place.experiment_at(str(here)) or recorder.naming.default_experiment(recorder.redaction.redact_argv(command))
    )


def _resources(wished: Resources, base: Resources) -> Resources:
    return Resources(
        gpus=wished.gpus if wished.gpus is not None else base.gpus,
        cpus=wished.cpus if wished.cpus is not None else base.cpus,
        timeout_s=wished.timeout_s if wished.timeout_s is not None else base.timeout_s,
        sbatch=wished.sbatch or base.sbatch,
    )
