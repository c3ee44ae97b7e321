"""`scaffold sweep evolve`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.sweep import live_table

if TYPE_CHECKING:
    from scaffold.sweeps.search.run import SearchOptions
    from scaffold.sweeps.search.study import SearchStudy
    from scaffold.workspace import Workspace


@click.command()
@click.argument("spec", type=click.Path(allow_dash=True, path_type=Path))
@options.workspace_options
@options.server_backend_options
@click.option("--name", help="The sweep's name. Default: sweep_name of the spec, else evolve-SCRIPT.")
@click.option(
    "--search",
    type=click.Choice(["evolution", "random", "tpe"]),
    default="evolution",
    show_default=True,
    help="How the next generation is chosen: children of the fittest, even draws, or Optuna's TPE.",
)
@click.option("--search-seed", type=click.IntRange(min=0), default=0, help="The seed of the choosing. Default: 0.")
@click.option("--seeds", metavar="1-3", help="Run every configuration with each of these; its fitness is the mean.")
@click.option("--seed-option", metavar="OPTION", help="How the script takes its seed: --seed, trainer.seed=, env.")
@click.option(
    "--style",
    type=click.Choice(["flags", "equals", "hydra"]),
    default="equals",
    show_default=True,
    help="How parameters are passed: --lr 0.1, --lr=0.1 or lr=0.1.",
)
@click.option("--goal", help="What the sweep is to find out.")
@click.option("--experiment", help="The line of work. Default: the script's name.")
@click.option("--task", help="The plan's task, such as P3-T2.")
@click.option(
    "--backend", type=click.Choice(["server", "slurm", "local"]), help="Where to run, if not the usual place."
)
@click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", help="At most so many runs of it at once.")
@click.option("--gpus-per-run", type=click.IntRange(min=0), help="GPUs that one run needs.")
@click.option("--cpus-per-run", type=click.IntRange(min=1), help="Cores that one run needs.")
@click.option("--session-id", "session", help="The research server's session that asks for the runs.")
@click.option("--sbatch-option", "sbatch", multiple=True, metavar="OPTION", help="For Slurm, as it is typed.")
@click.option("--code", type=click.Choice(["original"]), help="Where the code has changed: go on with it as it was.")
@options.limit_option
@options.json_option
def evolve(spec: Path, workdir: Path, root: str | None, limit: int, json_output: bool, **values: Any) -> None:
    """Search for the configuration with the best metric, generation by generation: a file with an <evo_sweep> block (- is stdin).

    Each generation's configurations are appended to one sweep and run like any other; fitness is read from the runs' manifests. Killed
    at any point, the same command goes on, and with more `generations` in the spec it goes on further. Exit 3: nothing has a fitness.
    """
    from scaffold.sweeps.search import summary
    from scaffold.sweeps.search.run import ParameterSearch, choose_search_name
    from scaffold.sweeps.search.spec import read_search_spec
    from scaffold.sweeps.search.study import SearchStudy
    from scaffold.sweeps.spec.parameter_texts import parse_seeds

    gc.enable()
    workspace = options.find_requested_workspace(workdir, root)
    search_spec, warnings = read_search_spec(spec, sys.stdin.buffer)
    for text in warnings:
        output.warn(text)
    requested = SearchStudy(
        name=choose_search_name(search_spec, values["name"]),
        spec=search_spec,
        search=values["search"],
        search_seed=values["search_seed"],
        seeds=parse_seeds(values["seeds"]) if values["seeds"] is not None else (),
    )
    search = ParameterSearch(
        workspace, requested, _search_options(search_spec.timeout_s, values), warn=output.warn, note=_echo_note
    )
    lines = live_table.SweepChangeLines(workspace, quiet=json_output)
    try:
        study = search.run(lines.show, lambda s: _echo_note(summary.describe_generation(s, s.closed)))
    except KeyboardInterrupt:
        click.echo("everything that runs goes on running; come back with the same command", err=True)
        raise click.exceptions.Exit(130) from None
    _report(workspace, study, output.LimitedLists(limit), json_output=json_output)


def _echo_note(text: str) -> None:
    click.echo(text, err=True)


def _search_options(timeout_s: float, values: dict[str, Any]) -> SearchOptions:
    from scaffold.sweeps.search.run import SearchOptions
    from scaffold.sweeps.spec.model import RunResources

    resources = RunResources(
        gpus=values["gpus_per_run"], cpus=values["cpus_per_run"], timeout_s=timeout_s, sbatch=values["sbatch"]
    )
    planning = {k: values[k] for k in ("seed_option", "style", "experiment", "task", "backend")}
    if values["goal"] is not None:
        planning["goal"] = values["goal"]
    launching = {k: values[k] for k in ("backend", "max_parallel", "gpus_per_run", "cpus_per_run", "session", "code")}
    return SearchOptions(resources=resources, planning=planning, launching=launching, code=values["code"])


def _report(workspace: Workspace, study: SearchStudy, limited: output.LimitedLists, *, json_output: bool) -> None:
    """The best in honest words; exit 3 where there is none."""
    from scaffold.sweeps.search import optimizer, summary
    from scaffold.sweeps.search import study as evolve_study
    from scaffold.sweeps.spec import sweep_file

    order = optimizer.rank_trials(study.spec, study.trials)
    words = summary.describe_best_trial(study)
    confirm = (
        summary.confirmation_command(study, order[0], sweep_file.read_sweep(workspace, study.name)) if order else None
    )
    unscored = [trial for trial in study.trials if trial.fitness is None]
    if json_output:
        answer = {
            "sweep": study.name,
            "best": evolve_study.trial_json(order[0]) if order else None,
            "noise": summary.pooled_standard_deviation(order),
            "fitness_history": limited(reversed(summary.fitness_history(study)))[::-1],
            "generations_completed": study.closed,
            "trials": [
                evolve_study.trial_json(trial) for trial in sorted(limited([*order, *unscored]), key=lambda t: t.number)
            ],
            "words": words,
            "confirm": confirm,
        }
        output.print_json(answer, limited)
    else:
        for line in words:
            click.echo(line)
    if confirm is None:
        raise click.exceptions.Exit(3)
    if not json_output:
        click.echo(f"to confirm it with fresh seeds: {confirm}", err=True)
