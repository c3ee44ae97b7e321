"""The lines of sbatch scripts that enter an environment, and which of them a script of ours may take over.

They end up in a script that runs unseen: a line that starts anything else on the way is left out, and with a hook that is left
out the `conda activate` that needs it, since a job that cannot activate dies at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.facts import Facts

_STARTS_MORE = re.compile(r"[`;|&<>\n\r\x00-\x08]|\$\(")
_TOOL = (
    r"['\"]?(?:(?:~|\$\{?(?:HOME|CONDA_(?:PREFIX|DIR|ROOT))\}?)?(?:/?[\w.-]+/)*(?:conda|mamba|micromamba)"
    r"|\$\{?(?:CONDA|MAMBA)_EXE\}?)['\"]?"
)
_QUIET = r"(?: 2> ?/dev/null)?(?: \|\| true)?"
# the spellings of `eval "$(conda shell.bash hook)"`: nothing but the tool's own hook is evaluated
_HOOK = re.compile(
    rf"eval [\"']?\$\({_TOOL} (?:['\"]?shell\.(?:bash|posix|zsh)['\"]? ['\"]?hook['\"]?"
    rf"|shell hook(?: (?:-s|--shell)[ =]?(?:bash|posix|zsh))?(?: (?:-p|--prefix|-r|--root-prefix) \S+)?){_QUIET}\)[\"']?{_QUIET}"
)
_PROFILE = re.compile(
    rf"(?:source|\.) [\"']?(?:\$\({_TOOL} info --base{_QUIET}\)|\"\$\({_TOOL} info --base{_QUIET}\)\"|[\w./~${{}}-]+)[\"']?"
    r"/etc/profile\.d/(?:conda|mamba|micromamba)\.sh[\"']?"
)
_ACTIVATES = re.compile(
    r"^(?:(?:source|\.)\s+\S*(?:activate|conda\.sh|mamba\.sh|\.venv\S*|venv\S*)(?:[\s\"']|$)|(?:source|\.)\s+.*info --base.*"
    r"|(?:conda|mamba|micromamba)\s+activate\b|eval\s.*(?:conda|mamba|hook)|poetry\s+shell|pyenv\s+activate"
    r"|spack\s+(?:load|env))",
    re.IGNORECASE,
)
_IS_HOOK = re.compile(r"\bhook\b|/etc/profile\.d/|info --base|__conda_setup", re.IGNORECASE)
_NEEDS_HOOK = re.compile(r"^(?:conda|mamba|micromamba)\s+activate\b")
_UNKNOWN = re.compile(
    r"\$(?!\(|\{?(?:HOME|USER|SCRATCH|WORK|PWD|CONDA_(?:PREFIX|EXE|DIR|ROOT)|MAMBA_EXE|SLURM_\w+|PROJECT)\b)"
)


def activation_lines(facts: Facts, scripts: Sequence[str]) -> DetectedValue[tuple[str, ...]]:
    """The lines of `scripts` that activate an environment, hooks first, then the most used."""
    commands = (c for c in facts.shell_commands if c.path in scripts and _ACTIVATES.match(c.text))
    lines = merge_occurrences(
        (
            Occurrence(c.text, c.path, c.line)
            for c in commands
            if not _UNKNOWN.search(c.text) or _IS_HOOK.search(c.text)
        ),
        by_use=True,
    )
    blocks = tuple(p for p in scripts if "__conda_setup" in facts.texts.get(p, ""))  # what `conda init` writes
    rows = (*(("__conda_setup",) if blocks else ()), *lines.value)
    return DetectedValue(tuple(sorted(rows, key=lambda row: not _IS_HOOK.search(row))), lines.evidence, lines.lost)


def select_activation_lines(rows: Iterable[str]) -> tuple[list[str], list[str]]:
    """The lines that a script may take over, and those that are left out: both of two that need each other."""
    rows = list(rows)
    usable = [row for row in rows if _is_safe(row)]
    if any(_IS_HOOK.search(row) for row in rows) and not any(_IS_HOOK.search(row) for row in usable):
        usable = [row for row in usable if not _NEEDS_HOOK.match(row)]
    return usable, [row for row in rows if row not in usable]


def _is_safe(row: str) -> bool:
    if _HOOK.fullmatch(row):
        return True
    unknown = _UNKNOWN.search(row) is not None
    return not unknown and (bool(_PROFILE.fullmatch(row)) or not (_STARTS_MORE.search(row) or "__conda_setup" in row))
