"""`scaffold run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


class PassThroughCommand(click.Command):
    """A command that leaves everything from `--` on, and options that it does not know, to the recorder."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["command"] = args[at:]
        return super().parse_args(ctx, args[:at])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from scaffold.runs import recorder_command

        super().format_epilog(ctx, formatter)
        formatter.write("\nThe recorder's options:\n\n" + recorder_command.recorder_usage().partition("\n\n")[2])


@click.command(cls=PassThroughCommand, context_settings={"ignore_unknown_options": True})
@options.workspace_options
@click.option(
    "--no-prefix", is_flag=True, help="Do not enter the repository's environment first (`uv run` and the like)."
)
@options.json_option
@click.argument("recorder_options", nargs=-1, type=click.UNPROCESSED, metavar="[RECORDER OPTIONS] -- COMMAND ...")
@click.pass_context
def run(
    ctx: click.Context,
    workdir: Path,
    root: str | None,
    no_prefix: bool,
    json_output: bool,
    recorder_options: tuple[str, ...],
) -> None:
    """Run a command, recorded: its name, code, seed, environment, output and end, in one manifest.

    The exit code is the command's own. The command runs in the current directory, in the repository's environment.
    With --json what it prints goes to stderr, and when it is over its record to stdout. A notebook is a command too, with its parameters
    behind it (`-- train.ipynb --lr 0.1`): papermill or nbconvert executes it, and its output is kept in the run's folder.
    """
    from scaffold.conventions.blanks import list_blocking_blanks
    from scaffold.errors import ScaffoldError, WrongUsage
    from scaffold.runs import notebook_command, recorder_command

    command: list[str] = ctx.meta["command"]
    if len(command) < 2:
        raise click.UsageError("no command is given; it stands behind --")
    if blanks := list_blocking_blanks(command[1:]):
        raise WrongUsage(f"the command leaves open: {blanks[0]}", hint="write the value that is meant in its place")
    workspace = options.find_requested_workspace(workdir, root)
    if notebook_command.is_notebook(command[1:]):
        executed = notebook_command.notebook_command(command[1:], recorder_options)
        recorder_options, command = (*recorder_options, *executed.options), ["--", *executed.words]
    command += _seed_words(workspace, recorder_options, command[1:])
    _tell_of_earlier_run(workspace, recorder_options, command[1:])
    arguments = [*recorder_options, *command]
    if json_output:
        _run_and_answer(workspace, arguments, prefix=not no_prefix)
        return
    words = recorder_command.recorder_command(workspace, arguments, prefix=not no_prefix)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        raise ScaffoldError(f"{words[0]} cannot be started: {error.strerror}") from error


def _seed_words(workspace: Workspace, recorder_options: tuple[str, ...], command: list[str]) -> tuple[str, ...]:
    """What passes the seed of --seed to a script that is known to have an option for it, which is said."""
    seed = _requested_seed(recorder_options)
    if seed is None:
        return ()
    from scaffold.sweeps.spec.script_arguments import choose_seed_passing

    passing = choose_seed_passing(workspace, command, Path.cwd(), seed)
    if passing.words:
        click.echo(f"the seed is passed as `{' '.join(passing.words)}`, {passing.reason}", err=True)
    elif _is_seed_argument(workspace, command, seed):
        from scaffold.runs import recorder

        # without its parser the recorder cannot know which argument it is
        os.environ[recorder.seed_source.SOURCE_VARIABLE] = "arguments"
    return passing.words


def _is_seed_argument(workspace: Workspace, command: list[str], seed: int) -> bool:
    """Whether the script's parser calls an argument of the command the seed that is given: `train.py 0.1 3`."""
    from scaffold.results.configuration.argument_interface import ScriptInterfaceReader
    from scaffold.runs import recorder

    folder = os.path.relpath(os.path.realpath("."), os.path.realpath(workspace.workdir))
    read = recorder.configuration.read_command
    interface = ScriptInterfaceReader(workspace).interface(f"cd {folder} && {read(command, seed=seed).form}")
    return interface is not None and read(command, seed=seed, interface=interface).seed == seed


def _tell_of_earlier_run(workspace: Workspace, recorder_options: tuple[str, ...], command: list[str]) -> None:
    """Say where the same code, command and seed ran before under another experiment. Git is asked only where all else is the same."""
    from scaffold.runs import duplicate_runs, recorder, recorder_command
    from scaffold.runs.index import RunIndex

    options_used = {word.partition("=")[0] for word in recorder_options}
    if {"--param", "--config", "--name-only"} & options_used or not options_used & {"--experiment"}:
        return
    top = recorder.git.repository(os.path.realpath(workspace.workdir)) or os.path.realpath(workspace.workdir)
    folder = os.path.relpath(os.path.realpath("."), top)
    seed = _requested_seed(recorder_options)
    question = duplicate_runs.planned_duplicate_run_key(command, code=None, seed=seed, params={}, folder=folder)
    if question is None:
        return
    answers = duplicate_runs.first_finished_run_by_key(RunIndex.find(workspace).read_runs().runs)
    alike = {asked[0]: run for asked, run in answers.items() if asked[1:] == question[1:]}
    if alike:
        state = recorder.code_state.capture(
            recorder_command.load_recorder_workspace(workspace), command, with_patch=False
        )
        earlier = alike.get(state.code)
        if earlier is not None and earlier.experiment not in _words_after(recorder_options, "--experiment"):
            notice = f"the same code, command and seed ran as {earlier.label} ({earlier.experiment}), which has the result already"
            click.echo(f"{notice}: scaffold runs show {earlier.label}", err=True)


def _words_after(words: tuple[str, ...], option: str) -> tuple[str, ...]:
    """What an option is given, in either spelling."""
    pairs = zip(words, (*words[1:], ""), strict=True)
    return tuple(
        after if word == option else word.partition("=")[2] for word, after in pairs if word.partition("=")[0] == option
    )


def _requested_seed(recorder_options: tuple[str, ...]) -> int | None:
    """The value of the recorder's --seed; None where it is not given, or is none: the recorder says so itself."""
    for index, word in enumerate(recorder_options):
        option, equals, value = word.partition("=")
        if option == "--seed":
            text = value if equals else next(iter(recorder_options[index + 1 : index + 2]), "")
            return int(text) if text.lstrip("-").isdecimal() else None
    return None


def _run_and_answer(workspace: Workspace, arguments: list[str], *, prefix: bool) -> None:
    """Run it to its end, print its record where there is one, and exit as it did."""
    from scaffold.cli.runs.runs_output import run_json
    from scaffold.runs import foreground

    code, run = foreground.run_with_recorder(workspace, arguments, prefix=prefix)
    if run is not None:
        output.print_json({"run": run_json(workspace, run)})
    raise click.exceptions.Exit(code)
