"""The commands that a task holds, and which of them would start an experiment that nobody records."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.plan.inline import codes, prose, without_comments
from scaffold.plan.model import Task

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
HELP = re.compile(r"\s(?:--help|-h|--version|--dry-run)\b")
COMMAND = re.compile(
    r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?"
    r"(?:python[\d.]*|uv|bash|sh|scaffold|curl|git|make|pip|conda|poetry|pixi|srun|sbatch|torchrun|source|\.|\./\S+)(?:\s|$)"
)


def texts(task: Task) -> Iterator[str]:
    """Every text of a task in which a command may stand: what is said, its fields, and the lines under it."""
    yield task.description
    for field in task.fields:
        yield field.value
    for line in task.body:
        if not line.fence and line.kind not in ("blank", "comment"):
            yield without_comments(line.text)


def starts(task: Task) -> Iterator[str]:
    """Every piece of a task that may start something: each code span, each fenced command, and the prose around them."""
    for text in (task.description, *(field.value for field in task.fields if field.line == task.line)):
        yield from (*codes(text), prose(text))
    fenced = ""
    for line in task.body:
        if line.kind == "code" and not line.fence:
            fenced += line.text.strip()
            if fenced.endswith("\\"):
                fenced = fenced[:-1]
                continue
            yield fenced
            fenced = ""
        elif line.kind in ("item", "text"):
            yield from (*codes(line.text), prose(line.text))
    yield fenced


def of(task: Task) -> list[str]:
    """The commands of a task, in order, none twice: code spans and fenced lines that begin as commands do."""
    own = (field.value for field in task.fields if field.line == task.line and field.name != "done-when")
    found = [code for text in (task.description, *own) for code in codes(text)]
    for line in task.body:
        if line.kind == "code" and not line.fence:
            found.append(line.text.strip())
        elif line.kind in ("item", "text"):
            found += codes(line.text)
    return list(dict.fromkeys(code.removeprefix("$ ") for code in found if COMMAND.match(code)))


def untracked(text: str) -> str | None:
    """The first command in `text` that starts an experiment script outside the tracked way; None where there is none."""
    if TRACKED.search(text):
        return None
    for found in START.finditer(text):
        script = found["script"] or found["shell"] or found["dot"] or ""
        if not HARMLESS.search(script.rsplit("/", 1)[-1]) and not HELP.search(text):
            return found[0].strip()
    return None
