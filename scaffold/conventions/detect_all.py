"""All subjects together: Facts -> Conventions."""

from __future__ import annotations

from typing import Any

from scaffold.conventions import (
    agent_guides,
    baseline_command,
    config_systems,
    directories,
    endless_scripts,
    environment,
    environment_setup,
    launchers,
    metrics,
    model_selection,
    primary_metric,
    printed_metrics,
    repository_tests,
    risks,
    script_ranking,
    seed_options,
    slurm,
    trackers,
    workflow_tools,
)
from scaffold.conventions.detected import DetectedValue
from scaffold.conventions.model import (
    Conventions,
    EntryPoint,
    Evidence,
    MetricPattern,
    PrimaryMetricChoice,
    RepositoryEnvironment,
    RepositoryTests,
)
from scaffold.facts import Facts


def derive_conventions(facts: Facts) -> Conventions:
    """Everything that follows from the facts, each field with its evidence."""
    ranked = script_ranking.rank_scripts(facts)
    environment_fields = _environment(facts, ranked[0].path if ranked else "")
    run_prefix = environment_setup.environment_run_prefix(facts, environment_fields["environment.manager"].value)
    entries = _entry_points(facts, ranked, run_prefix)
    requested = slurm.slurm_conventions(facts)
    fields: dict[str, DetectedValue[Any]] = {
        "experiment_root": directories.experiment_root(facts),
        "existing_experiment_dirs": directories.existing_experiment_dirs(facts, [e.path for e in entries.value]),
        **{f"role_dirs.{role}": dirs for role, dirs in directories.role_dirs(facts).items()},
        **environment_fields,
        "config_systems": config_systems.detect_config_systems(facts, _mains(ranked)),
        "trackers": trackers.detect_trackers(facts),
        "launchers": launchers.detect_launchers(facts),
        **{f"slurm.{name}": value for name, value in (requested or {}).items()},
        "entry_points": entries,
        "tests.runner": repository_tests.detect_test_runner(facts),
        "tests.paths": repository_tests.detect_test_folders(facts),
        "workflow": workflow_tools.detect_workflow_tools(facts),
        "agent_guides": agent_guides.agent_guides(facts),
        **_metrics(facts, ranked),
    }
    env = RepositoryEnvironment(
        manager=fields["environment.manager"].value,
        files=fields["environment.files"].value,
        python=fields["environment.python"].value,
        setup=fields["environment.setup"].value,
        run_prefix=run_prefix,
        modules=slurm.keep_first_module_versions(requested["modules"].value) if requested else (),
    )
    tests = RepositoryTests(runner=fields["tests.runner"].value, paths=fields["tests.paths"].value)
    fields["risks"] = risks.find_repository_risks(facts, entries.value, env, tests)
    choice = fields.pop("primary_metric")
    fields["primary_metric.name"] = choice
    without_parts = (
        *("experiment_root", "existing_experiment_dirs", "config_systems", "trackers", "launchers"),
        *("entry_points", "workflow", "agent_guides", "metrics", "printed_metrics", "risks"),
    )
    return Conventions(
        **{name: fields[name].value for name in without_parts},
        role_dirs={role: fields[f"role_dirs.{role}"].value for role in directories.ROLES},
        environment=env,
        primary_metric=choice.value,
        slurm=slurm.to_slurm_conventions(requested),
        tests=tests,
        git=facts.git,
        machine=facts.machine,
        evidence={name: f.evidence for name, f in fields.items() if f.evidence},
        lost={name: f.lost for name, f in fields.items() if f.lost},
        history=facts.history,
    )


def _metrics(facts: Facts, ranked: tuple[script_ranking.RankedScript, ...]) -> dict[str, DetectedValue[Any]]:
    """The names that are logged or printed, how those are printed, and the one that decides."""
    mains = [s.path for s in ranked[:8] if s.kind in ("train", "eval")] or [s.path for s in ranked[:1]]
    scope = (
        model_selection.find_metric_code_of_script(facts, mains[0])
        if mains
        else model_selection.find_metric_code_of_library(facts)
    )
    printed = printed_metrics.find_printed_metrics(facts, list(dict.fromkeys([*mains[:1], *scope, *mains[1:]])))
    primary = primary_metric.find_primary_metric(facts, scope, printed)
    scripts = {s.path for s in ranked}
    patterns = tuple(
        MetricPattern(name=m.name, pattern=m.pattern, source=f"{m.path}:{m.line}", script=m.path in scripts)
        for m in printed
    )
    choice = PrimaryMetricChoice(
        name=primary.name,
        direction=primary.direction,
        candidates=() if primary.name else primary_metric.describe_metric_candidates(primary.candidates),
    )
    return {
        "metrics": metrics.detect_metric_names(facts, printed, primary.name),
        "printed_metrics": DetectedValue(
            patterns, tuple(Evidence(path=m.path, line=m.line, text=f"prints {m.name}") for m in printed)
        ),
        "primary_metric": DetectedValue(choice, (primary.evidence.evidence,) if primary.evidence else ()),
    }


def _environment(facts: Facts, main: str) -> dict[str, DetectedValue[Any]]:
    manager = environment.package_manager(facts)
    python = environment.python_constraint(facts)
    return {
        "environment.manager": manager,
        "environment.files": environment.find_environment_files(facts),
        "environment.python": python,
        "environment.setup": environment_setup.environment_setup_line(facts, manager.value, python.value, main),
    }


def _mains(ranked: tuple[script_ranking.RankedScript, ...]) -> list[str]:
    """The main train and eval scripts, which rank not far behind the first; where there are none, the first three."""
    python = [s for s in ranked[: script_ranking.MOST] if s.path.endswith(".py")]
    main = [s.path for s in python if s.kind in ("train", "eval") and s.score >= 0.5 * python[0].score]
    return main or [s.path for s in python[:3]]


def _entry_points(
    facts: Facts, ranked: tuple[script_ranking.RankedScript, ...], prefix: str
) -> DetectedValue[tuple[EntryPoint, ...]]:
    points, evidence = [], []
    experiments = [s for s in ranked if not s.demonstration]
    for script in experiments[: script_ranking.MOST]:
        command = baseline_command.build_baseline_command(facts, script, prefix)
        seed_flag = seed_options.seed_flag(facts, script.path)
        length = endless_scripts.find_length_option(facts, script.path, script.kind)
        points.append(
            EntryPoint(
                path=script.path,
                kind=script.kind,
                seed_flag=seed_flag,
                command=command.text,
                length_option=length.name if length else None,
            )
        )
        evidence.append(Evidence(path=script.path, line=script.line, text=", ".join(script.reasons) or script.kind))
        if command.mention is not None:
            shown = command.mention.command
            evidence.append(Evidence(path=shown.path, line=shown.line, text=shown.text))
        if declaration := seed_options.find_seed_declaration(facts, script.path, seed_flag):
            evidence.append(declaration)
    lost = tuple(
        Evidence(path=s.path, line=s.line, text=f"ranks behind the first {script_ranking.MOST}")
        for s in experiments[script_ranking.MOST : 40]
    ) + tuple(
        Evidence(path=s.path, line=s.line, text="shows what there is: no optimiser, no loss, no metric")
        for s in ranked
        if s.demonstration
    )
    return DetectedValue(tuple(points), tuple(evidence), lost)
