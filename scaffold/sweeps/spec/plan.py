"""The options of `sweep new` -> a sweep, planned with the code as it is: the rule, how the script takes it, and the checks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.conventions import endless_scripts
from scaffold.errors import WrongUsage
from scaffold.runs import duplicate_runs, recorder, recorder_command, records
from scaffold.runs.model import SMOKE_SUFFIX
from scaffold.sweeps.spec import (
    code_state,
    command_checks,
    grid,
    parameter_texts,
    parsing,
    run_names,
    sampling,
    script_arguments,
    script_interface,
    sweep_file,
    sweep_paths,
    text_yaml,
)
from scaffold.sweeps.spec.model import (
    BackendName,
    ConfigurationRule,
    PlannedRun,
    RunResources,
    Style,
    Sweep,
    SweepCode,
)

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

MAX_RUNS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """The options of `sweep new` as they are typed; what is None or empty was not given. `listed` are configurations as --from has them."""

    name: str
    listed: tuple[dict[str, str], ...] = ()
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
    force_param: bool = False
    style: Style | None = None
    experiment: str | None = None
    task: str | None = None
    backend: BackendName | None = None
    resources: RunResources = field(default_factory=RunResources)
    metric_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandedSweep:
    """A sweep with its runs, how many of them were left out as the same run again, and what was decided for the user."""

    sweep: Sweep
    runs: tuple[PlannedRun, ...]
    dropped: int
    notes: tuple[str, ...]


def plan_sweep(workspace: Workspace, options: SweepOptions, directory: Path) -> ExpandedSweep:
    """Plan a sweep whose command runs in `directory`. Nothing is written. Raises ScaffoldError; WrongUsage for what can never be."""
    sweep_paths.check_sweep_name(sweep_paths.check_sweep_name(options.name) + SMOKE_SUFFIX)
    base, listed = _read_source(options)
    rule = _make_configuration_rule(options, base.rule if base is not None else ConfigurationRule(listed=listed))
    draft, notes = _draft_sweep(workspace, options, base, rule, directory)
    if not draft.configurations:
        raise WrongUsage("no configuration is left: --only-if holds for none")
    count = len(draft.configurations) * max(1, len(draft.seeds))
    if count > MAX_RUNS:
        raise WrongUsage(f"{count:,} runs are more than a sweep can have ({MAX_RUNS:,})")
    sweep_file.format_sweep_file(draft)  # what cannot be written is said before anything is
    sweep = code_state.replan_with_current_code(workspace, draft, keep=False)
    runs = run_names.planned_runs(workspace, sweep)
    warnings = [f"warning: {text}" for text in command_checks.list_command_warnings(draft.command, len(runs))]
    notes = (*notes, *_note_other_recorder(workspace))
    notes = (*warnings, *notes, *_tell_of_earlier_runs(workspace, sweep, runs))
    return ExpandedSweep(sweep=sweep, runs=runs, dropped=count - len(runs), notes=notes)


def _tell_of_earlier_runs(workspace: Workspace, sweep: Sweep, runs: Sequence[PlannedRun]) -> Iterator[str]:
    """A note where the same code, command and seed ran before under another experiment: its results are there already."""
    answers = duplicate_runs.first_finished_run_by_key(records.read_records(workspace).runs)
    if not answers or sweep.code.state is None:
        return
    _, folder = run_names.repository_and_cwd(workspace, sweep.cwd)
    earlier = []
    for run in runs:
        params = {k.replace("-", "_"): recorder.values.parse_value(v) for k, v in run.recorder_params.items()}
        question = duplicate_runs.planned_duplicate_run_key(
            run.argv, code=sweep.code.state, seed=run.seed, params=params, folder=folder
        )
        answer = answers.get(question) if question is not None else None
        if answer is not None and answer.experiment != sweep.experiment:
            earlier.append(answer)
    if earlier:
        first = earlier[0]
        yield (
            f"the same code, command and seed ran before for {len(earlier)} of {len(runs)} runs, such as {first.label} "
            f"({first.experiment}): `--experiment {first.experiment}` has them count as run"
        )


def _note_other_recorder(workspace: Workspace) -> tuple[str, ...]:
    """What to say where the repository's recorder is another one than ours. Planning runs nothing of it; a launch asks it for a name."""
    differing = run_names.find_recorder_differences(workspace)
    if not differing:
        return ()
    some = ", ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else "")
    return (
        f"warning: the recorder of this workspace is another one than this scaffold's ({some}): whether both name runs alike is seen"
        " when the sweep is launched; scaffold update brings it up to date",
    )


def _read_source(options: SweepOptions) -> tuple[Sweep | None, tuple[dict[str, str], ...]]:
    """What --from holds: another sweep, or a list of configurations."""
    if options.source is None:
        return None, options.listed
    content = text_yaml.read_yaml(options.source, noun="file")
    try:
        if isinstance(content, list):
            return None, tuple(parsing.flatten_configuration(c, f"item {i}") for i, c in enumerate(content, 1))
        if isinstance(content, dict) and "name" in content and "version" in content:
            return parsing.parse_sweep({"code": {}, **content}, str(content["name"])), ()
    except WrongUsage as error:
        raise WrongUsage(f"--from {options.source}: {error.message}", hint=error.hint) from error
    raise WrongUsage(
        f"--from {options.source} is neither a list of configurations nor a sweep",
        hint="one configuration a line: - {lr: 0.1, batch_size: 64}",
    )


def _make_configuration_rule(options: SweepOptions, base: ConfigurationRule) -> ConfigurationRule:
    """The rule that options make, on top of what --from gave."""
    rule = replace(
        base,
        grid={**base.grid, **parameter_texts.parse_swept_parameters(options.grid, option="--grid")},
        zips=(*base.zips, *(parameter_texts.parse_swept_parameters(group, option="--zip") for group in options.zips)),
        only_if=options.only_if if options.only_if is not None else base.only_if,
        baseline=options.baseline or base.baseline,
    )
    if options.draws is None:
        if options.space or options.space_seed is not None:
            raise WrongUsage("--space says what to draw from, and not how much", hint="--random 20")
        return rule
    if not options.space:
        raise WrongUsage("--random needs to know what to draw from", hint=f"--space {sampling.HINT}")
    space: dict[str, str] = {}
    for text in options.space:
        key, equals, values = text.partition("=")
        if not equals or not values:
            raise WrongUsage(f"--space needs KEY=RANGE, not {text!r}", hint=f"--space {sampling.HINT}")
        parameter_texts.check_parameter_name(key, option="--space")
        if key in space:
            raise WrongUsage(f"--space names {key} twice")
        space[key] = values
    seed = options.space_seed or 0
    drawn = sampling.draw_configurations(space, options.draws, seed)
    return replace(rule, space=space, draws=options.draws, space_seed=seed, drawn=drawn)


def _draft_sweep(
    workspace: Workspace, options: SweepOptions, base: Sweep | None, rule: ConfigurationRule, directory: Path
) -> tuple[Sweep, tuple[str, ...]]:
    """The sweep as it was asked for, its code not yet known, and what was decided for the user."""
    # whoever gives a command of their own runs it here, whatever the sweep of --from did
    same_command = base if not options.command else None
    options = _with_defaults(options, base)
    command, goal = options.command, options.goal
    if not command:
        raise WrongUsage("no command is given", hint="scaffold sweep new NAME [options] -- python train.py")
    if not goal or not goal.strip():
        raise WrongUsage(
            "the sweep has no goal", hint="say what it is to find out: --goal 'which learning rate is best'"
        )
    command_checks.check_sweep_blanks(command)
    cwd = same_command.cwd if same_command else os.path.relpath(directory.resolve(), workspace.workdir.resolve())
    configurations = grid.expand_configurations(rule)
    seeds = parameter_texts.parse_seeds(options.seeds) if options.seeds is not None else base.seeds if base else ()
    script = script_interface.read_command_script(workspace, command, cwd)
    command_checks.refuse_secrets_in_sweep(
        command, configurations, {"the goal": goal, "the experiment": options.experiment or ""}
    )
    style, style_note = options.style, ""
    if style is None:
        style, style_note = script_arguments.choose_argument_style(workspace, command, script, configurations)
    notes = [style_note] if style_note else []
    if missing := command_checks.find_missing_script(workspace, command, cwd):
        notes.insert(0, f"warning: there is no file {missing} in {Path(workspace.workdir, cwd)}: every run would fail")
    if style == "hydra" and "with" not in command and script.source and script.source.uses("sacred") is not None:
        command = (*command, "with")
    seed_option = base.seed_option if base and seeds else None
    if seeds and (base is None or options.seed_option is not None):
        seed_option, note = script_arguments.choose_seed_option(
            workspace, command, script, style, cwd, typed=options.seed_option
        )
        if note:
            notes.insert(0 if note.startswith("warning") else len(notes), note)
    names = list(dict.fromkeys(k for c in configurations for k in c))
    given = (*command, *(f"--{name.replace('_', '-')}" for name in names), *(f"--{name}" for name in names))
    if endless := endless_scripts.find_endless_script(given, endless_scripts.read_endless_scripts(workspace.answers)):
        notes.append(f"warning: {endless.path} runs until it is stopped: say when a run ends with {endless.option}")
    command_checks.check_sweep_command(command, names, seed_option, script)
    if same_command is None and not options.force_param:
        script_arguments.check_parameters_arrive(workspace, command, script, names)
    flags = {k: kind for k, kind in script.booleans.items() if k in names and style != "hydra"}
    place = recorder_command.load_recorder_workspace(workspace)
    own_experiment = options.experiment or os.environ.get("RUN_EXPERIMENT")
    sweep = Sweep(
        name=options.name,
        goal=goal,
        experiment=own_experiment or place.experiment_at(str(directory)) or _default_experiment(command),
        command=command,
        cwd=cwd,
        style=style,
        configurations=configurations,
        seeds=seeds,
        task=options.task or os.environ.get("RUN_TASK") or None,
        backend=options.backend,
        resources=options.resources,
        code=SweepCode(state=None, commit=None, patch=None),
        rule=rule,
        seed_option=seed_option,
        booleans=flags or (same_command.booleans if same_command else {}),
        metric_from=_checked_patterns(options.metric_from),
        name_scheme=recorder.naming.choose_scheme(None, place.name_scheme),
    )
    return sweep, tuple(notes)


def _checked_patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns of printed metrics as they were typed. Raises WrongUsage for one that cannot be used."""
    for text in texts:
        try:
            recorder.printed_patterns.pattern_of_text(text)
        except recorder.printed_patterns.PatternError as error:
            raise WrongUsage(f"--metric-from {error}", hint="such as 'val_bpb:\\s*(\\S+)'") from error
    return texts


def _with_defaults(options: SweepOptions, base: Sweep | None) -> SweepOptions:
    """The options, those that were not given as the sweep of --from has them."""
    if base is None:
        return options
    return replace(
        options,
        command=options.command or base.command,
        goal=options.goal if options.goal is not None else base.goal,
        style=options.style or base.style,
        experiment=options.experiment or base.experiment,
        task=options.task or base.task,
        backend=options.backend or base.backend,
        metric_from=options.metric_from or base.metric_from,
        resources=options.resources.with_defaults(base.resources),
    )


def _default_experiment(command: tuple[str, ...]) -> str:
    """The recorder's own choice."""
    return recorder.naming.default_experiment(recorder.redaction.redact_argv(command))
