"""How a script takes its parameters: the style, flags that stand alone, and the option for its seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.conventions import output_rewrite
from scaffold.errors import WrongUsage
from scaffold.facts import python_parser
from scaffold.facts.python_source import Call, PythonSource, literal_text
from scaffold.runs import recorder
from scaffold.sweeps.spec import parameter_values
from scaffold.sweeps.spec.model import NO_SEED_OPTION, BooleanStyle, Style
from scaffold.workspace import Workspace

SEED_OPTIONS = ("--seed", "--random-seed", "--random_seed", "--manual-seed", "--manual_seed")
OPTION_CALLS = ("add_argument", "option", "Option", "add_option")
# whoever parses flags speaks before the repository's list of systems, which is about all of its scripts
FLAG_PARSERS = ("argparse", "click", "typer", "fire", "absl", "tyro", "jsonargparse", "transformers", "lightning")
BIGGEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is known of the script that a command runs: `path` below the work directory, None where it is not a file of it.

    `options` are the long options that it declares itself; `booleans` are those of them that are flags.
    """

    path: str | None = None
    source: PythonSource | None = None
    options: frozenset[str] = frozenset()
    booleans: Mapping[str, BooleanStyle] = field(default_factory=dict)


def script(workspace: Workspace, command: tuple[str, ...], cwd: str) -> Script:
    """Read the Python script of a command, where it is a file of the work directory."""
    found = _file(Path(workspace.workdir, cwd), command)
    if found is None:
        return Script()
    workdir = workspace.workdir.resolve()
    path = found.resolve().relative_to(workdir).as_posix() if found.resolve().is_relative_to(workdir) else None
    if found.suffix != ".py" or found.stat().st_size > BIGGEST:
        return Script(path=path)
    read = python_parser.parse(found.read_text(encoding="utf-8", errors="replace"))
    options: set[str] = set()
    booleans: dict[str, BooleanStyle] = {}
    for call in read.calls:
        if call.last in OPTION_CALLS:
            for name in (w for a in call.args if (w := literal_text(a)) is not None and w.startswith("--")):
                options.add(name.split("/")[0])
                kind = _boolean(name, call)
                if kind is not None:
                    booleans[name.split("/")[0].strip()[2:]] = kind
    return Script(path=path, source=read, options=frozenset(options), booleans=booleans)


def _file(folder: Path, command: tuple[str, ...]) -> Path | None:
    at = recorder.module().script_at(command)
    places = [folder / command[at]]
    if command[at - 1] == "-m":
        module = folder.joinpath(*command[at].split("."))
        places = [module.with_name(module.name + ".py"), module / "__main__.py"]
    return next((p for p in places if p.is_file()), None)


def _boolean(name: str, call: Call) -> BooleanStyle | None:
    if "/--" in name or str(call.keywords.get("action", "")).endswith("BooleanOptionalAction"):
        return "paired"
    alone = call.keywords.get("action") in ("store_true", "store_false") or call.keywords.get("is_flag") is True
    return "switch" if alone else None


def style(workspace: Workspace, command: tuple[str, ...], known: Script) -> tuple[Style, str]:
    """How a command takes parameters, and why: as the command itself does, as its script is written, as the repository says."""
    at = recorder.module().script_at(command)
    own = command[at + 1 :]
    if any(word.startswith("--") and "=" in word for word in own):
        return "equals", "as the command has it"
    if any(word.startswith("--") and word != "--" for word in own):
        return "flags", "as the command has it"
    if any(recorder.module()._is_assignment(word) for word in own):
        return "hydra", "as the command has it"
    if known.source is not None:
        if known.source.uses("hydra", "sacred") is not None:
            return "hydra", f"as {known.path} takes it"
        if known.options or known.source.uses(*FLAG_PARSERS) is not None:
            return "flags", f"as {known.path} takes it"
    systems = _texts(workspace.answers.get("config_systems"))
    if systems and systems[0] in ("hydra", "sacred"):
        return "hydra", f"as the repository uses {systems[0]}"
    if systems and systems[0] == "python_files" and known.source is not None:
        return "equals", "as scripts that run Python files as configuration do"
    return "flags", "the usual one"


def missing_script(workspace: Workspace, command: tuple[str, ...], cwd: str) -> str | None:
    """The Python or shell file that a command names and that is not there, as it is spelled; None where nothing is amiss."""
    at = recorder.module().script_at(command)
    folder = Path(workspace.workdir, cwd)
    if command[at - 1] == "-m" or not command[at].endswith((".py", ".sh")) or "{" in command[at]:
        return None
    return None if Path(folder, command[at]).exists() else command[at]


def warnings(command: tuple[str, ...], runs: int) -> Iterator[str]:
    """What a command does that makes records of its runs wrong, or has them spoil each other's files."""
    if command[0] == "sbatch" and not {"--wait", "-W"} & set(command):
        yield (
            "sbatch ends as soon as its job is queued, and the run would be recorded as finished then: give the script itself "
            "(bash JOB.sh) and --backend slurm, or sbatch --wait"
        )
    if runs > 1 and (shared := output_rewrite.shared_output_folder(" ".join(command))):
        yield f"all runs are told to write into one folder ({shared[0]}); {shared[1]} gives each its own"


def seed_option(workspace: Workspace, command: tuple[str, ...], known: Script, of_style: Style) -> tuple[str, str]:
    """How the script takes its seed, and why. Raises WrongUsage where it is known to take none."""
    for point in workspace.answers.get("entry_points") or ():
        if isinstance(point, Mapping) and known.path is not None and point.get("path") == known.path:
            flag = point.get("seed_flag")
            if not isinstance(flag, str) or flag.startswith("config:"):
                where = (
                    f"only {flag.removeprefix('config:')} of a config file" if isinstance(flag, str) else "no option"
                )
                raise WrongUsage(
                    f"{known.path} has {where} for its seed, so --seeds would give the same run again and again",
                    hint=f"say how it takes one: --seed-option=--seed, or --seed-option {NO_SEED_OPTION} where it reads $RUN_SEED",
                )
            return flag, f"as {known.path} takes it"
    named = next((name for name in SEED_OPTIONS if name in known.options), None)
    if named is not None and of_style != "hydra":
        return named, f"as {known.path} takes it"
    return ("seed=" if of_style == "hydra" else "--seed"), "the usual one; another: --seed-option"


def check_option(text: str) -> str:
    """A seed option that can be one. Raises WrongUsage."""
    fine = text == NO_SEED_OPTION or (text.endswith("=") and len(text) > 1) or text.strip("-") != text.rstrip("-")
    if not fine or any(c.isspace() for c in text) or not text.isprintable():
        raise WrongUsage(
            f"--seed-option {text!r} is none",
            hint=f"--seed-option=--seed, --seed-option trainer.seed=, or {NO_SEED_OPTION} for a script that reads $RUN_SEED",
        )
    return text


def check_command(command: tuple[str, ...], names: Iterable[str], seed: str | None, known: Script) -> None:
    """Raises WrongUsage where the command itself sets what is to be swept, or an option is nearly spelled as the script has it."""
    shared = recorder.module()
    own = shared.command_params(command)
    for name in names:
        if parameter_values.recorded(name) in own:
            raise WrongUsage(
                f"the command sets {name} already, and it is to be swept",
                hint="take it out of the command; --baseline adds the run without swept parameters",
            )
        dashed = name.replace("_", "-")
        if f"--{name}" not in known.options and dashed != name and f"--{dashed}" in known.options:
            raise WrongUsage(f"{known.path} has --{dashed}, not --{name}", hint=f"write {dashed}")
    if seed is not None and seed.strip("-=").replace("-", "_") in own:
        raise WrongUsage("the command sets the seed already, and --seeds is given", hint="take it out of the command")


def check_secrets(
    command: tuple[str, ...], configurations: Iterable[Mapping[str, str]], said: Mapping[str, str]
) -> None:
    """Raises WrongUsage where a sweep would put into files what looks like a secret. The secret itself is not repeated."""
    shared = recorder.module()
    hint = (
        "give it to the runs by their environment: export it before `scaffold sweep launch`, and let the script read it"
    )
    if shared.redact_argv(command) != list(command):
        raise WrongUsage("the command holds what looks like a secret, and sweeps are files", hint=hint)
    for name, text in said.items():
        if shared.redact(text) != text:
            raise WrongUsage(f"{name} holds what looks like a secret, and sweeps are files", hint=hint)
    checked = set()
    for configuration in configurations:
        for key, value in configuration.items():
            if (key, value) in checked or (shared.number(value) is not None and not shared.secrecy(key)):
                continue
            checked.add((key, value))
            pair = shared.redact_params({key: shared.value_of(value)})
            if pair != {key: shared.value_of(value)} or shared.redact_argv([f"--{key}", value]) != [f"--{key}", value]:
                raise WrongUsage(
                    f"a value of {shared.redact(key)} looks like a secret, and sweeps are files", hint=hint
                )


def _texts(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
