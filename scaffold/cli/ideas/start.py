"""`scaffold ideas start`: a study of one command and one metric."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import click

from scaffold.cli.common import options
from scaffold.cli.ideas import ideas_output


class DoubleDashCommand(click.Command):
    """A command whose words from `--` on are the command that it is about."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["command"] = tuple(args[at + 1 :])
        return super().parse_args(ctx, list(args[:at]))


@click.command(cls=DoubleDashCommand)
@click.argument("name", required=False)
@options.workspace_options
@options.server_backend_options
@click.option("--metric", help="The metric that decides. Default: the workspace's.")
@click.option("--minimize", "direction", flag_value="minimize", help="Lower is better.")
@click.option("--maximize", "direction", flag_value="maximize", help="Higher is better.")
@click.option(
    "--seeds",
    metavar="OPTION",
    help="How the command takes its seed: --seed, env (it reads $RUN_SEED), none (runs are repeats). Default: as detected.",
)
@click.option(
    "--max-pairs", type=click.IntRange(1, 24), default=24, show_default=True, help="Pairs until an idea stays open."
)
@click.option("--only", multiple=True, metavar="PATH", help="Only these files may change. May be repeated.")
@click.option(
    "--never", multiple=True, metavar="PATH", help="These may not change. Default: tests, and files of the evaluation."
)
@click.option(
    "--check", "checks", multiple=True, metavar="COMMAND", help="It has to succeed before anything runs: 'pytest -q'."
)
@click.option(
    "--least", type=click.FloatRange(min=0), default=0.0, metavar="D", help="A smaller effect is of no interest."
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="D",
    help="Not worse than this is enough for --simpler.",
)
@click.option("--apply", is_flag=True, help="Commit what is kept, and take back what is not; else it is only said.")
@click.option(
    "--backend", type=click.Choice(["server", "slurm", "local"]), help="Where to run, if not the usual place."
)
@click.option(
    "--no-prefix", is_flag=True, help="Do not enter the repository's environment first (`uv run` and the like)."
)
@click.option("--gpus-per-run", type=click.IntRange(min=0), help="GPUs that one run needs.")
@click.option(
    "--cpus-per-run", type=click.IntRange(min=1), help="Cores that one run needs, to run several without GPUs."
)
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S", help="End a run after S seconds.")
@click.option("--sbatch-option", "sbatch", multiple=True, metavar="OPTION", help="For Slurm, as it is typed.")
@click.option("--metric-from", multiple=True, metavar="PATTERN", help="How a metric is printed: 'val_bpb:\\s*(\\S+)'.")
@options.json_option
def start(name: str | None, workdir: Path, root: str | None, json_output: bool, **values: Any) -> None:
    """Open a study: the code as it is at HEAD runs as the baseline, and stands until an idea is kept.

    The command follows `--`; metric, direction, command and seed option come from detection where they are not given. Called again with
    the same name, it goes on with a baseline that was not over.
    """
    from scaffold.cli.ideas import trial_view
    from scaffold.ideas.start import opening
    from scaffold.ideas.start.question import StudyOptions
    from scaffold.sweeps.spec.model import RunResources

    gc.enable()
    workspace = options.find_writable_workspace(workdir, root)
    resources = RunResources(
        gpus=values["gpus_per_run"], cpus=values["cpus_per_run"], timeout_s=values["timeout"], sbatch=values["sbatch"]
    )
    names = (
        "metric",
        "direction",
        "seeds",
        "max_pairs",
        "least",
        "margin",
        "only",
        "checks",
        "apply",
        "backend",
        "no_prefix",
        "metric_from",
    )
    requested = StudyOptions(
        name=name,
        command=click.get_current_context().meta["command"],
        resources=resources,
        never=values["never"] or None,
        **{key: values[key] for key in names},
    )
    view = trial_view.open_idea_trial_view(workspace, "the baseline's runs", quiet=json_output)
    with ideas_output.hold_judging_lock(workspace), view.display:
        study, summary = opening.start_idea_study(workspace, requested, warn=view.warn, show=view.show, note=view.say)
    answer = {
        **opening.study_question_json(study),
        "baseline": [{"seed": seed, "value": value} for seed, value in summary.values],
        "noise": summary.noise,
        "smallest_effect": summary.smallest_effect,
        "seconds_an_idea": summary.seconds_an_idea,
        "started_before": study.earlier,
        "warnings": list(summary.warnings),
    }
    ideas_output.print_study_started(study, answer, json_output=json_output)
