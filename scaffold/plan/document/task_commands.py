"""The commands that a task holds, and which of them would start an experiment that nobody records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scaffold.conventions import blanks, endless_scripts, output_rewrite
from scaffold.conventions.endless_scripts import EndlessScript
from scaffold.facts.shell_words import lex_shell_command
from scaffold.plan.document.markdown_inline import code_spans, strip_html_comments, without_code
from scaffold.plan.document.model import Task

# a path begins where its letters begin (see the look-behind below): it is scanned once
PYTHON = r"(?:[\w./-]*/)?python[\d.]*(?:\s+-[A-Za-z]\b)*\s+"
START = re.compile(
    rf"(?<![\w/.-])(?:{PYTHON}(?P<script>[\w./-]+\.py)\b"
    rf"|{PYTHON}?-m\s+(?P<module>(?:torch\.distributed|accelerate|deepspeed|[\w.]*train)[\w.]*)"
    r"|(?:ba|z)?sh\s+(?P<shell>[\w./-]+\.(?:sh|bash|slurm|sbatch))\b"
    r"|(?P<dot>\./[\w./-]+\.(?:sh|py))\b"
    r"|(?P<launcher>torchrun|sbatch|srun|mpirun|accelerate\s+launch|deepspeed)\s+(?=[-\w./]))"
)
TRACKED = re.compile(
    r"record_run\.py|run\.sbatch|\bscaffold\s+(?:run|sweep|runs)\b|/runs\b|/sweeps\b|run_local|\$LAUNCHER|create_run"
)
HARMLESS = re.compile(
    r"setup|install|env|download|prepare|preprocess|test|lint|analy[sz]|plot|summar|aggregat|report|collect|compare|playbook|convert|check|build_"
)
SWEEP = re.compile(r"\bscaffold\s+sweep\s+new\s.*?\s--\s+(?P<run>.+)", re.DOTALL)
RECORDED = re.compile(r"(?:\bscaffold\s+(?:sweep\s+new|run)\b|record_run\.py\b).*?\s--\s+(?P<run>.+)", re.DOTALL)
HELP = re.compile(r"\s(?:--help|-h|--version|--dry-run)\b")
COMMAND = re.compile(
    r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?"
    r"(?:python[\d.]*|uv|bash|sh|scaffold|curl|git|make|pip|conda|poetry|pixi|srun|sbatch|torchrun|source|\.|\./\S+)(?:\s|$)"
)


def list_task_texts(task: Task) -> Iterator[str]:
    """Every text of a task in which a command may stand: what is said, its fields, and the lines under it."""
    yield task.description
    for field in task.fields:
        yield field.value
    for line in task.body:
        if not line.fence and line.kind not in ("blank", "comment"):
            yield strip_html_comments(line.text)


def list_command_texts(task: Task) -> Iterator[str]:
    """Every piece of a task that may start something: each code span, each fenced command, and the prose around them."""
    for text in (task.description, *(field.value for field in task.fields if field.line == task.line)):
        yield from (*code_spans(text), without_code(text))
    for text, fenced in _body_lines(task):
        yield from (text,) if fenced else (*code_spans(text), without_code(text))


def list_task_commands(task: Task) -> list[str]:
    """The commands of a task, in order, none twice: code spans and fenced lines that begin as commands do."""
    values = (field.value for field in task.fields if field.line == task.line and field.name != "done-when")
    commands = [code for text in (task.description, *values) for code in code_spans(text)]
    for text, fenced in _body_lines(task):
        commands += [text] if fenced else code_spans(text)
    return list(dict.fromkeys(code.removeprefix("$ ") for code in commands if COMMAND.match(code)))


def _body_lines(task: Task) -> Iterator[tuple[str, bool]]:
    """The lines under a task, and whether each is fenced code; a fenced command that a backslash wraps is one line."""
    wrapped = ""
    for line in task.body:
        if line.kind == "code" and not line.fence:
            wrapped += line.text.strip()
            if wrapped.endswith("\\"):
                wrapped = f"{wrapped[:-1].rstrip()} "
                continue
            yield wrapped, True
        elif wrapped:
            yield wrapped.rstrip(), True
        if line.kind in ("item", "text", "html", "table"):
            yield line.text, False
        wrapped = ""
    if wrapped:
        yield wrapped.rstrip(), True


def find_unrecorded_command(text: str) -> str | None:
    """The first command in `text` that starts an experiment script outside the tracked way; None where there is none."""
    if TRACKED.search(text):
        return None
    for launch in START.finditer(text):
        script = launch["script"] or launch["shell"] or launch["dot"] or ""
        if not HARMLESS.search(script.rsplit("/", 1)[-1]) and not HELP.search(text):
            return launch[0].strip()
    return None


def find_open_choices(text: str) -> list[str]:
    """What a command leaves open, as `[choice: ...]`."""
    return blanks.list_open_choices_in_command(text)


def find_command_blanks(text: str) -> list[str]:
    """The blanks in what a command would run, recorded: `<path>`, `/path/to/data`; a choice that is marked is none."""
    start = RECORDED.search(blanks.CHOICE.sub("", text))
    return blanks.list_blocking_blanks(word.value for word in lex_shell_command(start["run"]) or ()) if start else []


def find_endless_command(text: str, scripts: Iterable[EndlessScript]) -> EndlessScript | None:
    """The script that a command would run, recorded, without saying when it ends; None where all is well."""
    start = RECORDED.search(text)
    words = [word.value for word in lex_shell_command(start["run"]) or ()] if start else []
    return (
        endless_scripts.find_endless_script([w for w in words if w not in ("--help", "-h")], scripts) if words else None
    )


def find_shared_output_folder(text: str) -> tuple[str, str] | None:
    """What has all runs of a sweep that `text` plans write into one folder, and what to write instead; None where nothing does."""
    sweep = SWEEP.search(text)
    return output_rewrite.shared_output_folder(sweep["run"]) if sweep else None
