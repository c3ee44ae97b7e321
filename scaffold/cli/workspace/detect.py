"""scaffold detect"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.conventions.model import Conventions, EntryPoint, Evidence

LABEL = 26
PLACES = 3
ASKED = {"git": "asked of git", "machine": "asked of this machine"}


@click.command()
@click.option(
    "--workdir",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default=True,
    help="The repository, or a folder of it: only what lies below it counts.",
)
@click.option(
    "--explain",
    metavar="FIELD",
    help="All evidence for one field (say `environment.manager`), and what was passed over.",
)
@click.option(
    "--history",
    is_flag=True,
    help="Also look for earlier launches in the shell history and in sacct (redacted, at most 20 lines).",
)
@options.limit_option
@options.json_option
def detect(workdir: Path, explain: str | None, history: bool, limit: int, json_output: bool) -> None:
    """Show what the repository does, each value with the file and line that says so."""
    from scaffold import conventions

    found = conventions.detect(workdir, history=history)
    limited = output.Limited(limit)
    if json_output:
        answer = explanation(found, explain) if explain is not None else found.to_json()
        output.print_json(bounded(answer, limited), limited)
        return
    if explain is not None:
        say("\n".join(explained(bounded(explanation(found, explain), limited))))
    else:
        import shutil

        width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 160))
        say("\n".join(table(found, width, limited)))
    limited.report_left_out()


def bounded(answer: Any, limited: output.Limited, *, cut: bool = False) -> Any:
    """The same with its evidence, and what lost, cut; the values stay whole, since programs act on them."""
    if isinstance(answer, dict):
        return {key: bounded(value, limited, cut=cut or key in ("evidence", "lost")) for key, value in answer.items()}
    return limited(answer) if cut and isinstance(answer, (list, tuple)) else answer


def say(text: str) -> None:
    """Print; bytes of a file name that are no UTF-8 come out as `\\udcXX`, which JSON reads back."""
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def values(found: Conventions) -> dict[str, Any]:
    """Every field by its dotted name, in the order of the answer."""
    flat: dict[str, Any] = {}
    for field, value in found.to_json().items():
        if field in ("version", "workdir", "evidence"):
            continue
        if isinstance(value, dict):
            flat.update({f"{field}.{name}": inner for name, inner in value.items()})
        else:
            flat[field] = value
    return flat


def explanation(found: Conventions, field: str) -> dict[str, Any]:
    """One field, or all below it (`slurm`), with its value, its evidence and what lost.

    Raises BadParameter for a field that there is not.
    """
    from dataclasses import asdict

    known = values(found)
    names = [
        n for n in known if n == field or n.startswith(field + ".") or (field.startswith(n + ".") and not known[n])
    ]
    if not names:
        raise click.BadParameter(
            f"there is no field {field!r}; the fields are: {', '.join(known)}", param_hint="--explain"
        )
    fields = {
        name: {
            "value": known[name],
            "evidence": [asdict(e) for e in found.evidence.get(name, ())],
            "lost": [asdict(e) for e in found.lost.get(name, ())],
        }
        for name in names
    }
    return {"fields": fields}


def explained(answer: dict[str, Any]) -> Iterator[str]:
    """The lines of an explanation."""
    for name, field in answer["fields"].items():
        yield f"{name}: {shown(field['value']) or 'nothing'}"
        for evidence in field["evidence"]:
            yield f"  {place(evidence['path'], evidence['line'])}  {evidence['text']}"
        if not field["evidence"]:
            yield f"  {ASKED.get(name.split('.')[0], 'no tracked file says so')}"
        for evidence in field["lost"]:
            yield f"  lost: {place(evidence['path'], evidence['line'])}  {evidence['text']}"


def table(found: Conventions, width: int, limited: output.Limited) -> Iterator[str]:
    """One block a field: name, value, and the first places that say so; fields without a value are named at the end."""
    import textwrap

    empty = []
    for name, value in values(found).items():
        if name in ("entry_points", "risks", "history") or name.startswith("machine."):
            continue
        if shown(value):
            yield from block(name, shown(value, limited), found.evidence.get(name, ()), width)
        else:
            empty.append(name)
    machine = found.machine
    scheduler = f"Slurm ({', '.join(machine.scheduler_partitions)})" if machine.slurm else "no Slurm"
    yield from block("machine", f"{machine.gpus} GPUs, {scheduler}", (), width)
    yield from entry_points(limited(found.entry_points), width)
    if found.risks:
        yield from ("", "risks", *(f"  - {risk}" for risk in limited(found.risks)))
    if found.history is not None:
        yield from ("", "earlier launches", *(f"  {line}" for line in found.history or ("none found",)))
    if empty:
        yield ""
        yield from textwrap.wrap(
            "nothing found for: " + ", ".join(empty), width, subsequent_indent="  ", break_on_hyphens=False
        )


def block(name: str, value: str, evidence: tuple[Evidence, ...], width: int) -> Iterator[str]:
    """A name and a wrapped value, its places on the right where they fit, else below."""
    import textwrap

    seen = dict.fromkeys(place(e.path, e.line) for e in evidence if e.path != "." and e.path not in value.split(", "))
    more = f" +{len(seen) - PLACES}" if len(seen) > PLACES else ""
    places = ", ".join(list(seen)[:PLACES]) + more
    lines = textwrap.wrap(value, width - LABEL, break_long_words=False, break_on_hyphens=False) or [""]
    if places and len(lines[-1]) + len(places) + 5 <= width - LABEL:
        lines[-1] += f"  [{places}]"
    elif places:
        lines.append(f"[{places}]")
    for number, line in enumerate(lines):
        yield f"{name if number == 0 else '':<{LABEL}}{line}".rstrip()


def entry_points(found: Sequence[EntryPoint], width: int) -> Iterator[str]:
    """Two lines a script: path, what for and how to seed it; the command below."""
    if not found:
        return
    longest = max(len(e.path) for e in found)
    yield from ("", "entry points")
    for entry in found:
        yield f"  {entry.path:<{longest}}  {entry.kind:<10}  {entry.seed_flag or 'no seed option'}"
        yield "      " + (entry.command if len(entry.command) <= width - 6 else entry.command[: width - 10] + " ...")


def shown(value: Any, limited: output.Limited | None = None) -> str:
    """A value as a person reads it, a long list with how many of it are not shown; empty for none."""
    if isinstance(value, (list, tuple)):
        kept = limited(value) if limited else value
        more = [f"and {len(value) - len(kept)} more"] if len(kept) < len(value) else []
        return ", ".join([*(v["path"] if isinstance(v, dict) else str(v) for v in kept), *more])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def place(path: str, line: int | None) -> str:
    """`file:line`, or the file alone."""
    return path if line is None else f"{path}:{line}"
