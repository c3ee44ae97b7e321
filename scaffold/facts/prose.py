"""Markdown or reStructuredText -> the commands that it shows; notebooks -> the code that they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from scaffold.facts import shell

_FENCE = re.compile(r"^\s*(```+|~~~+)\s*([\w+-]*)")
_SHELL = frozenset(
    ("", "bash", "sh", "shell", "console", "zsh", "shell-session", "text", "bashrc", "shellsession", "slurm")
)
_TOOLS = (
    "python python3 torchrun accelerate deepspeed sbatch srun mpirun mpiexec horovodrun bash sh make uv poetry pixi conda mamba micromamba pip"
    " sky ray kubectl snakemake dvc nextflow Rscript julia pytest composer fairseq-train kedro mlflow wandb"
)
_COMMAND = re.compile(
    rf"^\s*(?:[$>%]\s+)?((?:[A-Z_][A-Z0-9_]*=\S*\s+)*(?:{'|'.join(_TOOLS.split())}|\./[\w./-]+\.(?:sh|py|slurm|sbatch))(?=\s|$).*)$"
)
_INLINE = re.compile(r"`([^`\n]+)`")


def commands(path: str, text: str) -> Iterator[shell.Command]:
    """What a document tells its reader to type: lines of code blocks and inline code that begin with a known tool."""
    for first, block in _blocks(text):
        yield from shell.commands(path, block, first)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Runs of command lines with their first line; a continued command stays in one piece."""
    fence, shellish, start = "", False, 0
    held: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if held:
            held.append(line)
            if not line.rstrip().endswith("\\"):
                yield start, "\n".join(held)
                held = []
            continue
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            shellish = not fence and mark[2].lower() in _SHELL
            fence = "" if fence else mark[1]
            continue
        match = _COMMAND.match(line) if (shellish if fence else line.startswith(("    ", "\t", "$ ", "  "))) else None
        if match and line.rstrip().endswith("\\"):
            held, start = [match[1]], number
        elif match:
            yield number, match[1]
        elif not fence:
            for code in _INLINE.findall(line):
                if " " in code and _COMMAND.match(code):
                    yield number, code
    if held:
        yield start, "\n".join(held)


def notebook_code(text: str) -> str | None:
    """The code cells of a notebook as one Python text without `%` and `!` lines; None when it is no notebook."""
    try:
        cells = json.loads(text).get("cells", [])
        code = ["".join(c.get("source", "")) for c in cells if c.get("cell_type") == "code"]
    except (ValueError, AttributeError, TypeError):
        return None
    return "\n".join(re.sub(r"^\s*[%!?].*$", "", cell, flags=re.MULTILINE) for cell in code)
