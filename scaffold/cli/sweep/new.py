"""`scaffold sweep new`: a grid of runs becomes a file. Running them is `scaffold.cli.sweep.launch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from scaffold.cli.common import options, output
from scaffold.cli.sweep import tables

if TYPE_CHECKING:
    from scaffold.sweeps.spec.plan import ExpandedSweep, SweepOptions
    from scaffold.workspace import Workspace

# what --zip a=1,2 b=3,4 is one value with
TOGETHER = "\x1f"
# a difference of so many standard deviations is plain to the eye: a sweep that can find only larger ones says nothing of smaller ones
HUGE_EFFECT = 10.0
# options that are fields of SweepOptions as they are typed
AS_TYPED = (
    *("goal", "grid", "draws", "space", "space_seed", "source", "only_if", "baseline"),
    *("seeds", "seed_option", "force_param", "style", "experiment", "task", "backend", "metric_from"),
)


class MultipleValuesCommand(click.Command):
    """A command whose options may take several values (`--grid lr=1,2 batch_size=64`), and whose words from `--` on are not its own."""

    multiple = ("--grid", "--space")
    zipped = ("--zip",)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["command"] = tuple(args[at + 1 :])
        rest, own_args = list(args[:at]), []
        while rest:
            word = rest.pop(0)
            option, equals, value = word.partition("=")
            if option not in self.multiple + self.zipped:
                own_args.append(word)
                continue
            values = [value] if equals else []
            while rest and not rest[0].startswith("-") and "=" in rest[0]:
                values.append(rest.pop(0))
            if not values:
                raise click.UsageError(f"{option} needs KEY=VALUE,VALUE...", ctx)
            texts = [TOGETHER.join(values)] if option in self.zipped else values
            own_args += [f"{option}={text}" for text in texts]
        return super().parse_args(ctx, own_args)


@click.command(cls=MultipleValuesCommand)
@click.argument("name")
@options.workspace_options
@click.option("--goal", help="What the sweep is to find out.")
@click.option(
    "--grid",
    multiple=True,
    metavar="K=V,V ...",
    help="Parameters of which all combinations are tried. 'a,b' is one value.",
)
@click.option(
    "--zip", "zips", multiple=True, metavar="K=V,V K=V,V ...", help="Parameters that move together. May be repeated."
)
@click.option("--random", "draws", type=click.IntRange(min=1), metavar="N", help="Draw N configurations from --space.")
@click.option(
    "--space", multiple=True, metavar="K=RANGE ...", help="lr=log:1e-5,1e-1 p=uniform:0,0.5 n=int:1,6 act=relu,gelu"
)
@click.option("--space-seed", type=click.IntRange(min=0), help="The seed of the drawing. Default: 0.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="A YAML list of configurations, or another sweep's file, which gives all that is not said here.",
)
@click.option("--only-if", metavar="EXPR", help="Only configurations for which this holds: 'lr < 0.01 or bs == 64'.")
@click.option("--baseline", is_flag=True, help="Also the run without any swept parameter.")
@click.option("--seeds", metavar="1-5,7", help="Run every configuration with each of these.")
@click.option(
    "--seed-option",
    metavar="OPTION",
    help="How the script takes its seed: --seed, trainer.seed=, env (it reads $RUN_SEED).",
)
@click.option(
    "--force-param",
    is_flag=True,
    help="Pass the parameters although the script seems to take no arguments (it is a wrapper, say).",
)
@click.option(
    "--style",
    type=click.Choice(["flags", "equals", "hydra"]),
    help="How parameters are passed: --lr 0.1, --lr=0.1 or lr=0.1. Default: as the script takes them.",
)
@click.option("--experiment", help="The line of work. Default: the script's name.")
@click.option("--task", help="The plan's task, such as P3-T2.")
@click.option(
    "--backend", type=click.Choice(["server", "slurm", "local"]), help="Where to run, if not the usual place."
)
@click.option(
    "--metric-from",
    multiple=True,
    metavar="PATTERN",
    help="How a metric is printed: 'val_bpb:\\s*(\\S+)'. Beside what was found in the code. May be repeated.",
)
@click.option("--gpus-per-run", type=click.IntRange(min=0), help="GPUs that one run needs.")
@click.option("--cpus-per-run", type=click.IntRange(min=1), help="Cores that one run needs.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S", help="End a run after S seconds.")
@click.option(
    "--sbatch-option", "sbatch", multiple=True, metavar="OPTION", help="For Slurm, as it is typed: --time=1:00:00."
)
@click.option(
    "--launchers", "with_launchers", is_flag=True, help="Write the launchers now, not when they are launched."
)
@click.option("--replace", "may_replace", is_flag=True, help="Plan anew a sweep that is there and was never launched.")
@click.option("--launch", "launches", is_flag=True, help="Then `sweep launch NAME --wait`: run it until it is done.")
@options.limit_option
@click.option("--dry-run", is_flag=True, help="Show the runs; write nothing.")
@click.option("--yes", is_flag=True, help=f"Go on without asking where there are more than {tables.ASK_ABOVE} runs.")
@options.json_option
def new(name: str, workdir: Path, root: str | None, **values: Any) -> None:
    """Plan a sweep: `sweep new lr --goal "which lr" --grid lr=1e-2,5e-3 --seeds 1-3 -- python train.py`.

    Every configuration with every seed becomes one run with its name. Nothing is started, unless with --launch:
    `scaffold sweep launch NAME` does it later. Planning the same again changes nothing.
    """
    from scaffold.sweeps.launch import run_scripts
    from scaffold.sweeps.spec import plan, sweep_store

    _check_launch(name, values)
    workspace = options.find_requested_workspace(workdir, root)
    planned = plan.plan_sweep(
        workspace, _sweep_options(name, click.get_current_context().meta["command"], values), Path.cwd()
    )
    for note in planned.notes:
        click.echo(note, err=True)
    if planned.dropped:
        sentence = "1 run left out: it" if planned.dropped == 1 else f"{planned.dropped} runs left out: each"
        click.echo(f"{sentence} is the same run as another one", err=True)
    limited = output.LimitedLists(values["limit"])
    if not values["json_output"]:
        tables.print_planned_runs(planned.sweep, planned.runs, limited)
    outcome: Literal["new", "same", "replaced", "dry run"] = "dry run"
    if not values["dry_run"]:
        _confirm(len(planned.runs), yes=values["yes"], json_output=values["json_output"])
        outcome = sweep_store.store_sweep(workspace, planned.sweep, replace=values["may_replace"])
        if values["with_launchers"]:
            run_scripts.write_launchers(workspace, planned.sweep, planned.runs)
    _report(workspace, planned, outcome, limited, values)
    if values["launches"]:
        _launch(name, workspace)


def _check_launch(name: str, values: dict[str, Any]) -> None:
    """Raises WrongUsage where --launch stands beside what it contradicts."""
    from scaffold.errors import WrongUsage

    opposite = "--dry-run" if values["dry_run"] else "--json" if values["json_output"] else ""
    if values["launches"] and opposite:
        why = "which answers with one object, and launching has another one" if opposite == "--json" else ""
        raise WrongUsage(
            ", ".join(filter(None, [f"--launch cannot go together with {opposite}", why])),
            hint=f"plan first, then: scaffold sweep launch {name} --wait",
        )


def _launch(name: str, workspace: Workspace) -> None:
    """What `sweep launch NAME --wait` does; whoever launches at once is not asked whether to try one run first."""
    from scaffold.cli.sweep.launch import launch

    words = [name, "--workdir", str(workspace.workdir), "--root", workspace.root, "--wait", "--yes"]
    with launch.make_context("launch", words, parent=click.get_current_context().parent) as context:
        launch.invoke(context)


def _sweep_options(name: str, command: tuple[str, ...], values: dict[str, Any]) -> SweepOptions:
    from scaffold.sweeps.spec.model import RunResources
    from scaffold.sweeps.spec.plan import SweepOptions

    return SweepOptions(
        name=name,
        command=command,
        zips=tuple(tuple(text.split(TOGETHER)) for text in values["zips"]),
        resources=RunResources(
            gpus=values["gpus_per_run"],
            cpus=values["cpus_per_run"],
            timeout_s=values["timeout"],
            sbatch=values["sbatch"],
        ),
        **{key: values[key] for key in AS_TYPED},
    )


def _confirm(count: int, *, yes: bool, json_output: bool) -> None:
    from scaffold.errors import WrongUsage

    if count <= tables.ASK_ABOVE or yes:
        return
    if output.may_prompt(yes=yes, json_output=json_output):
        click.confirm(f"Plan these {count} runs?", abort=True, err=True)
        return
    raise WrongUsage(f"these are {count:,} runs, more than {tables.ASK_ABOVE}", hint="if they are meant: --yes")


def _report(
    workspace: Workspace, planned: ExpandedSweep, outcome: str, limited: output.LimitedLists, values: dict[str, Any]
) -> None:
    from scaffold.sweeps.spec import sweep_paths, sweep_store

    name = planned.sweep.name
    path = sweep_paths.sweep_path(workspace, name)
    shown_path = path.relative_to(workspace.workdir).as_posix()
    if values["json_output"]:
        answer = {"sweep": name, "result": outcome, "path": shown_path}
        output.print_json({**answer, **tables.planned_runs_json(planned.runs, limited)}, limited)
    elif outcome == "same":
        click.echo(f"{shown_path} is there already and says the same", err=True)
    elif outcome != "dry run":
        hint = "" if values["launches"] else f"; next: scaffold sweep launch {name}"
        click.echo(f"wrote {shown_path}{hint}", err=True)
    if outcome == "same" and sweep_store.sweep_code_differs(workspace, planned.sweep):
        output.warn(f"the code has changed since {name} was planned; --replace plans it with the code as it is now")
    if not values["json_output"] and (text := _describe_weak_comparisons(planned)):
        output.warn(text)


def _describe_weak_comparisons(planned: ExpandedSweep) -> str:
    """Where so few seeds of so many configurations find only huge differences: how large, and what to do; empty elsewhere."""
    from scaffold.results.stats import power
    from scaffold.results.stats.distributions import ALPHA

    others, seeds = len(planned.sweep.configurations) - 1, len(planned.sweep.seeds)
    if others < 1 or seeds < 2:
        return ""
    # paired by seed, among all that are compared with one of them (Holm), in standard deviations of a pair's difference
    needed = power.detectable_effect(seeds**-0.5, seeds - 1, ALPHA / others)
    if needed is None or needed <= HUGE_EFFECT:
        return ""
    enough = power.seeds_needed(HUGE_EFFECT / 2, 1.0, paired=True, alpha=ALPHA / others)
    return (
        f"{seeds} seeds of {others + 1} configurations: among so many comparisons a difference is found from {needed:.1f} times the spread "
        f"of a difference on; fewer configurations, or {enough} seeds (from {HUGE_EFFECT / 2:g} times on)"
    )
