"""How one runs a script: of all that the repository shows, and the plain command, the one that leaves least open.

A shown command is material, not the answer: `command_builder` makes each whole first.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from scaffold.conventions.blanks import format_open_choice, list_open_choices_in_command
from scaffold.conventions.command_builder import CommandBuilder
from scaffold.conventions.documented_command import DocumentedCommand, parse_shown_command
from scaffold.conventions.script_folder import imports_from_the_top, reads_beside_its_folder
from scaffold.conventions.script_mentions import ScriptMention
from scaffold.conventions.script_ranking import RankedScript
from scaffold.facts import Facts, paths, shell_parser
from scaffold.facts.shell_words import Word, quote_shell_word

_INTERPRETERS = {"R": "Rscript", "r": "Rscript", "jl": "julia", "nf": "nextflow run", "m": "matlab -batch"}
_BEGINNERS = re.compile(r"^[^/]*readme|quick_?-?start|get(?:ting)?[-_]started|first[-_]steps")
_FOR_DEVELOPERS = re.compile(r"contribut|develop|hacking|internals|(^|/)tests?/")
_ASKS_FOR_HELP = re.compile(r"\s(--help|-h)\b")
_MOST_READ = 40


class BaselineCommand(NamedTuple):
    """A command line as one types it, where it was shown, and what enters the environment there (`uv run --extra gpu`)."""

    text: str
    mention: ScriptMention | None = None
    manager: str = ""


def choose_baseline_entry_point(kinds: Sequence[str]) -> int | None:
    """Which entry point the plan's baseline runs, of their kinds in order: the first that trains, else the first that evaluates or does
    something else, else a search for settings, which wraps what it tries; None where all of them only prepare data."""
    for fitting in (("train",), ("eval", "other"), ("sweep",)):
        at = next((at for at, kind in enumerate(kinds) if kind in fitting), None)
        if at is not None:
            return at
    return None


def build_baseline_command(facts: Facts, script: RankedScript, prefix: str = "") -> BaselineCommand:
    """The command line that runs a script, whole: what its reader has to decide stands in it as `[choice: ...]`.

    The first of the shown ones that leaves least open and does what the script is for; the plain one where none does. `prefix`
    enters the environment (`uv run`).
    """
    builder = CommandBuilder(facts, script.path, script.kind)
    plain = builder.complete(_plain_parts(facts, script.path))
    mentions = sorted((m for m in script.mentions if m.first), key=_order)[:_MOST_READ]
    shown = [
        (m, parts)
        for m in mentions
        if not _ASKS_FOR_HELP.search(m.text) and (parts := parse_shown_command(m, script.path))
    ]
    if not shown:
        return BaselineCommand(plain.text(prefix))

    uses = Counter(name for _, parts in shown for name in builder.data_options(parts))
    usual = {name for name, count in uses.items() if 2 * count > len(shown)}

    any_documented = any(m.documented for m, _ in shown)
    in_readme = any(_is_in_top_readme(m) for m, _ in shown)

    def effort(command: tuple[ScriptMention, DocumentedCommand]) -> int:
        """What is left open, and what speaks against it: one without the data that most others have does something else."""
        mention, parts = command
        choices = len(list_open_choices_in_command(builder.complete(parts, mention).text()))
        elsewhere = 3 * bool(usual and usual.isdisjoint(builder.data_options(parts)))
        elsewhere += 2 * (any_documented and not mention.documented)
        elsewhere += 4 * (in_readme and not _is_in_top_readme(mention))
        elsewhere += 2 * bool(_FOR_DEVELOPERS.search(mention.command.path.lower()))
        return choices + elsewhere + builder.distance(parts) + builder.inconvenience(parts)

    mention, parts = min(shown, key=effort)
    if builder.distance(parts) and not list_open_choices_in_command(plain.text()) and script.path.endswith(".py"):
        return BaselineCommand(plain.text(prefix))
    return BaselineCommand(
        builder.complete(parts, mention).text(prefix), mention, " ".join(w.raw for w in parts.manager)
    )


def _is_in_top_readme(mention: ScriptMention) -> bool:
    """Whether the repository's own README shows a command: what it is about, before what else its documents hold."""
    return mention.command.path.lower().startswith("readme")


def _order(mention: ScriptMention) -> tuple[bool, int]:
    """Commands where a repository says how to begin come first; its README before its other pages."""
    path = mention.command.path
    begins = _BEGINNERS.search(path.lower()) is not None
    return not begins, len(path) if begins else 0


def _plain_parts(facts: Facts, path: str) -> DocumentedCommand:
    folder, _, name = path.rpartition("/")
    if reads_beside_its_folder(facts, path):
        return DocumentedCommand(
            f"cd {shlex.quote(folder)} && ", launcher=(Word("python", "python"), Word(shlex.quote(name), name))
        )
    words = tuple(Word(w, shlex.split(w)[0]) for w in _plain_words(facts, path))
    variables = (Word("PYTHONPATH=.", "PYTHONPATH=."),) if imports_from_the_top(facts, path) else ()
    return DocumentedCommand(variables=variables, launcher=words)


def _snakefile(path: str) -> list[str]:
    """How Snakemake finds a Snakefile that lies where it does not look."""
    return [] if path in ("Snakefile", "workflow/Snakefile") else ["--snakefile", shlex.quote(path)]


def _nextflow_profile(facts: Facts) -> list[str]:
    """Which of the profiles that say where a pipeline's tools come from; which of them is here is for its user to say."""
    block = re.search(r"^profiles\s*\{(.*)", facts.texts.get("nextflow.config", ""), re.MULTILINE | re.DOTALL)
    profiles = re.findall(r"^ {0,8}(\w+)\s*\{", block[1], re.MULTILINE) if block else []
    tools = [p for p in ("docker", "singularity", "apptainer", "conda", "mamba", "podman") if p in profiles]
    return ["-profile", quote_shell_word(format_open_choice("-profile", tools))] if tools else []


def _plain_words(facts: Facts, path: str) -> list[str]:
    """How one runs a file of its kind from the work directory."""
    module = path.removesuffix(".py").removesuffix("/__main__").removeprefix("src/").replace("/", ".")
    if path.endswith("/__main__.py") or (path.endswith(".py") and any(i.level for i in facts.parse(path).imports)):
        return ["python", "-m", shlex.quote(module)]
    if path.endswith("Snakefile"):
        conda = facts.files_mentioning(
            ("conda:",), [path, *(p for p in facts.read_files("build") if p.endswith(".smk"))]
        )
        return ["snakemake", "--cores", "all", *(["--use-conda"] if conda else []), *_snakefile(path)]
    if path.endswith(".nf"):
        return ["nextflow", "run", shlex.quote(path), *_nextflow_profile(facts)]
    if path.endswith(".ipynb"):
        return [
            "jupyter",
            "nbconvert",
            "--to",
            "notebook",
            "--execute",
            "--output-dir",
            "'{RUN_OUTPUT_DIR}'",
            shlex.quote(path),
        ]
    if path.endswith("_targets.R"):
        return ["Rscript", "-e", "'targets::tar_make()'"]
    if paths.classify_file(path) == "shell":
        batch = shell_parser.sbatch_directives(facts.texts.get(path, ""))
        return ["sbatch" if batch else "bash", shlex.quote(path)]
    if path.endswith(".jl") and facts.has("Project.toml"):
        return ["julia", "--project=.", shlex.quote(path)]
    return [*_INTERPRETERS.get(path.rpartition(".")[2], "python").split(), shlex.quote(path)]
