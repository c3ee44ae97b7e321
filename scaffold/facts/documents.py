"""Markdown or reStructuredText -> the commands that it shows; notebooks -> the code that they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scaffold import structured_text
from scaffold.facts import shell_parser

_FENCE = re.compile(r"^\s*(```+|~~~+)\s*\{?\.?([\w+-]*)")
_SHELL = frozenset(("bash", "sh", "shell", "console", "zsh", "shell-session", "shellsession", "slurm"))
_PLAIN = frozenset(("", "text", "txt", "plain"))
_TOOLS = (
    "python python3 torchrun accelerate deepspeed sbatch srun mpirun mpiexec horovodrun bash sh make uv poetry pixi pip"
    " conda mamba micromamba"
    " sky ray kubectl snakemake dvc nextflow Rscript julia pytest composer fairseq-train kedro mlflow wandb"
    # what a command is wrapped in
    " env nohup xvfb-run numactl taskset nice pdm hatch rye pipenv"
)
# `$`, `(env) $`, `me@host:~$`, `(env)[folder]$`
_PROMPT = r"(?:(?:\([\w.+-]+\)\s*)?(?:\[[^\]\n]*\]|[\w.+-]+@[\w.:~/-]+)?\s*[$>%]\s+)?"
_COMMAND = re.compile(
    rf"^\s*{_PROMPT}((?:cd\s+[^\s;&|]+\s*&&\s*)?(?:[A-Z_][A-Z0-9_]*=\S*\s+)*(?:{'|'.join(_TOOLS.split())}|\./[\w./-]+\.(?:sh|py|slurm|sbatch))(?=\s|$).*)$"
)
_ANY_COMMAND = re.compile(rf"^\s*{_PROMPT}((?:[A-Za-z_./~]|\$\{{?[A-Z]|\(cd )[\w./~+}}-]*(?:\s.*|=.*)?)$")
# a line that sets variables and does nothing else
_ASSIGNS = re.compile(rf"""^\s*{_PROMPT}((?:export\s+)?(?:[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|[^\s'";|&])*\s*;?\s*)+)$""")
_INLINE = re.compile(r"`([^`\n]+)`")


def extract_document_commands(path: str, text: str) -> Iterator[shell_parser.ShellCommand]:
    """What a document tells its reader to type.

    The lines of shell blocks, and lines of other blocks and inline code that begin with a known tool. A variable counts from
    the line that sets it on, an export to the end of its block.
    """
    variables: Mapping[str, str] = {}
    exports: tuple[str, ...] = ()
    fence = 0
    for first, command, block in _commands_with_block(text):
        exports = exports if block == fence else ()
        fence = block
        assigns = _ASSIGNS.match(command) is not None
        if assigns or command.startswith("for "):
            variables, exports = shell_parser.apply_shell_assignments(command.strip(), variables, exports)
        if not assigns:
            yield from shell_parser.parse_commands(path, command, first, variables, exports)


def _commands_with_block(text: str) -> Iterator[tuple[int, str, int]]:
    """Command lines with their number and that of their block's first; a continued command stays in one piece."""
    block: list[str] = []
    start = begun_in = 0
    for number, line, code, fence in _lines(text):
        if block and number != start + len(block):
            yield start, "\n".join(block), begun_in
            block = []
        if block:
            block.append(line)
        else:
            typed = _typed(line, code)
            block, start, begun_in = ([typed] if typed else []), number, fence
        if block and not line.rstrip().endswith("\\"):
            yield start, "\n".join(block), begun_in
            block = []
    if block:
        yield start, "\n".join(block), begun_in


def _lines(text: str) -> Iterator[tuple[int, str, str, int]]:
    """Every line that may hold commands as (number, line, what it is, its block): `shell`, or `code` for other code."""
    fence, tag, begin = "", "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence, tag, begin = ("", "", 0) if fence else (mark[1], mark[2].lower(), number)
        elif fence:
            if tag in _SHELL or tag in _PLAIN:
                yield number, line, "shell" if tag in _SHELL else "code", begin
        elif line.startswith(("  ", "\t", "$ ")):
            yield number, line, "code", 0
        else:
            yield from ((number, code, "code", number) for code in _INLINE.findall(line) if " " in code)


def _typed(line: str, code: str) -> str | None:
    """The command on a line; None for output and prose. In a block that is marked as shell every plain line is one."""
    match = _COMMAND.match(line) or _ASSIGNS.match(line)
    if match:
        return match[1]
    typed = _ANY_COMMAND.match(line) if code == "shell" else None
    return typed[1] if typed else None


def notebook_code(text: str) -> str | None:
    """The code cells of a notebook as one Python text without `%` and `!` lines; None when it is no notebook."""
    try:
        cells = structured_text.parse_json(text).get("cells", [])
        code = ["".join(c.get("source", "")) for c in cells if c.get("cell_type") == "code"]
    except (ValueError, AttributeError, TypeError):
        return None
    return "\n".join(re.sub(r"^[^\S\n]*[%!?].*$", "", cell, flags=re.MULTILINE) for cell in code)
