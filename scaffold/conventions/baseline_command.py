"""How one runs a script: the command line that the repository shows, else the plain one."""

from __future__ import annotations

import re
import shlex

from scaffold.conventions.script_kinds import kind_in_command
from scaffold.conventions.script_mentions import Mention
from scaffold.conventions.script_ranking import RankedScript
from scaffold.facts import Facts, paths, shell_parser

_INTERPRETERS = {"R": "Rscript", "r": "Rscript", "jl": "julia", "nf": "nextflow run", "m": "matlab -batch"}

# What keeps a shown command from being typed as it stands: something to fill in, other machines, a line that goes on.
_TO_FILL_IN = re.compile(r"[{<][\w .-]+[}>]|\$\{?\w|`|\$\(|/path/to|\.\.\.|\bYOUR_|\bpath_to")
_OTHER_MACHINES = re.compile(
    r"--(nnodes|num[-_]machines|machine[-_]rank|node[-_]rank|rdzv\S*|dist[-_]url|master[-_]addr)\b|tcp://"
)
_NO_TRAINING = re.compile(
    r"--(eval|evaluate|test|resume|predict|inference|export)\b"
    r"|(?<![\w-])(?:--?)?[\w.]*(?:mode|phase|stage|action)[ =]['\"]?(?:\w+_)?"
    r"(?:eval(?:uat\w+)?|test|sampl(?:e|es|ing)|infer(?:ence)?|predict(?:ion)?|generat(?:e|ion))(?![A-Za-z])"
)


def baseline_command(facts: Facts, script: RankedScript) -> tuple[str, Mention | None]:
    """The command line as the README shows it, else as a script has it, else the plain one.

    Of several, the first of those that one can best type as they stand.
    """
    shown = [m for m in script.mentions if m.first and not re.search(r"\s(--help|-h)\b", m.text)]
    if shown:
        best = min(shown, key=lambda mention: _burden(mention.text, script))
        return best.text.rstrip(" \\"), best
    return _plain_command(facts, script.path), None


def _burden(command: str, script: RankedScript) -> int:
    """How far a command is from one that can be typed as it stands, and that does what the script is for."""
    open_ended = 2 if command.rstrip().endswith("\\") else 0
    machines = 2 if _OTHER_MACHINES.search(command) else 0
    elsewhere = 2 if script.kind == "train" and _NO_TRAINING.search(command) else 0
    if script.path.endswith("__main__.py") and script.kind in ("train", "eval"):  # one program for many things
        elsewhere += kind_in_command(command) != script.kind
    return len(_TO_FILL_IN.findall(command)) + open_ended + machines + elsewhere


def _plain_command(facts: Facts, path: str) -> str:
    """How one runs a file of its kind from the work directory."""
    module = path.removesuffix(".py").removesuffix("/__main__").removeprefix("src/").replace("/", ".")
    if path.endswith("/__main__.py") or (path.endswith(".py") and any(i.level for i in facts.parse(path).imports)):
        return f"python -m {shlex.quote(module)}"
    if path.endswith("Snakefile"):
        return "snakemake --cores all"
    if path.endswith("_targets.R"):
        return "Rscript -e 'targets::tar_make()'"
    if paths.kind(path) == "shell":
        return (
            f"{'sbatch' if shell_parser.sbatch_directives(facts.texts.get(path, '')) else 'bash'} {shlex.quote(path)}"
        )
    if path.endswith(".jl") and facts.has("Project.toml"):
        return f"julia --project=. {shlex.quote(path)}"
    return f"{_INTERPRETERS.get(path.rpartition('.')[2], 'python')} {shlex.quote(path)}"
