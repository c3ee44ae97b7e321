"""What makes the runs of a command wrong, or unsafe to write down, before there is a sweep of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.conventions import output_rewrite
from scaffold.conventions.blanks import list_blocking_blanks
from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.sweeps.spec import parameter_texts

if TYPE_CHECKING:
    from scaffold.sweeps.spec.script_interface import CommandScript
    from scaffold.workspace import Workspace


def find_missing_script(workspace: Workspace, command: tuple[str, ...], cwd: str) -> str | None:
    """The Python or shell file that a command names and that is not there, as it is spelled; None where nothing is amiss."""
    at = recorder.naming.script_index(command)
    folder = Path(workspace.workdir, cwd)
    if command[at - 1] == "-m" or not command[at].endswith((".py", ".sh")) or "{" in command[at]:
        return None
    return None if Path(folder, command[at]).exists() else command[at]


def list_command_warnings(command: tuple[str, ...], runs: int) -> Iterator[str]:
    """What a command does that makes records of its runs wrong, or has them spoil each other's files."""
    if command[0] == "sbatch" and not {"--wait", "-W"} & set(command):
        yield (
            "sbatch ends as soon as its job is queued, and the run would be recorded as finished then: give the script itself "
            "(bash JOB.sh) and --backend slurm, or sbatch --wait"
        )
    if runs > 1 and (shared := output_rewrite.shared_output_folder(" ".join(command))):
        yield f"all runs are told to write into one folder ({shared[0]}); {shared[1]} gives each its own"


def check_sweep_command(
    command: tuple[str, ...], names: Iterable[str], seed: str | None, script: CommandScript
) -> None:
    """Raises WrongUsage where the command itself sets what is to be swept, or an option is nearly spelled as the script has it."""
    command_params = recorder.naming.command_params(command)
    for name in names:
        if parameter_texts.recorded_parameter_name(name) in command_params:
            raise WrongUsage(
                f"the command sets {name} already, and it is to be swept",
                hint="take it out of the command; --baseline adds the run without swept parameters",
            )
        dashed = name.replace("_", "-")
        if f"--{name}" not in script.options and dashed != name and f"--{dashed}" in script.options:
            raise WrongUsage(f"{script.path} has --{dashed}, not --{name}", hint=f"write {dashed}")
    if seed is not None and seed.strip("-=").replace("-", "_") in command_params:
        raise WrongUsage("the command sets the seed already, and --seeds is given", hint="take it out of the command")


def check_sweep_blanks(command: Iterable[str]) -> None:
    """Raises WrongUsage where a command still has what its reader is to fill in."""
    for blank in list_blocking_blanks(command):
        raise WrongUsage(
            f"the command leaves open: {blank}", hint="write the value that is meant in its place, also in tasks.md"
        )


def refuse_secrets_in_sweep(
    command: tuple[str, ...], configurations: Iterable[Mapping[str, str]], texts: Mapping[str, str]
) -> None:
    """Raises WrongUsage where a sweep would put into files what looks like a secret. The secret itself is not repeated."""
    hint = (
        "give it to the runs by their environment: export it before `scaffold sweep launch`, and let the script read it"
    )
    if recorder.redaction.redact_argv(command) != list(command):
        raise WrongUsage("the command holds what looks like a secret, and sweeps are files", hint=hint)
    for name, text in texts.items():
        if recorder.redaction.redact(text) != text:
            raise WrongUsage(f"{name} holds what looks like a secret, and sweeps are files", hint=hint)
    checked = set()
    for configuration in configurations:
        for key, value in configuration.items():
            if (key, value) in checked or (
                recorder.values.parse_number(value) is not None and not recorder.secret_names.secrecy(key)
            ):
                continue
            checked.add((key, value))
            pair = recorder.redaction.redact_params({key: recorder.values.parse_value(value)})
            if pair != {key: recorder.values.parse_value(value)} or recorder.redaction.redact_argv(
                [f"--{key}", value]
            ) != [f"--{key}", value]:
                raise WrongUsage(
                    f"a value of {recorder.redaction.redact(key)} looks like a secret, and sweeps are files", hint=hint
                )
