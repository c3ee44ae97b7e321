"""`scaffold detect`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold import visible_text
from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.conventions.model import Conventions, EntryPoint, Evidence

LABEL_WIDTH = 26
MAX_PLACES = 3
SOURCES = {"git": "asked of git", "machine": "asked of this machine"}


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
    from scaffold.conventions import detect_conventions as detect_conventions

    conventions = detect_conventions(workdir, history=history)
    limited = output.LimitedLists(limit)
    if json_output:
        answer = explain_field(conventions, explain) if explain is not None else conventions.to_json()
        output.print_json(limit_evidence_entries(answer, limited), limited)
        return
    if explain is not None:
        answer = _visible(explain_field(conventions, explain))
        _print_text("\n".join(_explanation_lines(limit_evidence_entries(answer, limited))))
    else:
        import shutil

        width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 160))
        _print_text("\n".join(_table_lines(_visible(conventions), width, limited)))
    limited.report_left_out()


def limit_evidence_entries(answer: Any, limited: output.LimitedLists, *, cut: bool = False) -> Any:
    """The same with its evidence, and what lost, cut; the values stay whole, since programs act on them."""
    if isinstance(answer, dict):
        return {
            key: limit_evidence_entries(value, limited, cut=cut or key in ("evidence", "lost"))
            for key, value in answer.items()
        }
    return limited(answer) if cut and isinstance(answer, (list, tuple)) else answer


def _print_text(text: str) -> None:
    """Print; bytes of a file name that are no UTF-8 come out as `\\udcXX`, which JSON reads back."""
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def _visible(value: Any) -> Any:
    """Evidence, values and names, each text of them in one line that one sees."""
    from dataclasses import fields, is_dataclass, replace

    if isinstance(value, str):
        return visible_text.escape_to_one_line(value)
    if isinstance(value, dict):
        return {_visible(key): _visible(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_visible, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _visible(getattr(value, field.name)) for field in fields(value)})
    return value


def flatten_conventions(conventions: Conventions) -> dict[str, Any]:
    """Every field by its dotted name, in the order of the answer."""
    flat: dict[str, Any] = {}
    for field, value in conventions.to_json().items():
        if field in ("version", "workdir", "evidence", "certainty"):
            continue
        if isinstance(value, dict):
            flat.update({f"{field}.{name}": inner for name, inner in value.items()})
        else:
            flat[field] = value
    return flat


def explain_field(conventions: Conventions, field: str) -> dict[str, Any]:
    """One field, or all below it (`slurm`), with its value, its evidence and what lost.

    Raises BadParameter for a field that there is not.
    """
    from dataclasses import asdict

    values = flatten_conventions(conventions)
    names = [
        name
        for name, value in values.items()
        if name == field or name.startswith(field + ".") or (field.startswith(name + ".") and not value)
    ]
    if not names:
        raise click.BadParameter(
            f"there is no field {field!r}; the fields are: {', '.join(values)}", param_hint="--explain"
        )
    fields = {
        name: {
            "value": values[name],
            "evidence": [asdict(e) for e in conventions.evidence.get(name, ())],
            "lost": [asdict(e) for e in conventions.lost.get(name, ())],
        }
        for name in names
    }
    return {"fields": fields}


def _explanation_lines(answer: dict[str, Any]) -> Iterator[str]:
    """The lines of an explanation."""
    for name, field in answer["fields"].items():
        yield f"{name}: {_format_value(field['value']) or 'nothing'}"
        for evidence in field["evidence"]:
            yield f"  {_format_place(evidence['path'], evidence['line'])}  {evidence['text']}"
        if not field["evidence"]:
            yield f"  {SOURCES.get(name.split('.')[0], 'no tracked file says so')}"
        for evidence in field["lost"]:
            yield f"  lost: {_format_place(evidence['path'], evidence['line'])}  {evidence['text']}"


def _table_lines(conventions: Conventions, width: int, limited: output.LimitedLists) -> Iterator[str]:
    """One block a field: name, value, and the first places that say so; fields without a value are named at the end."""
    import textwrap

    empty = []
    for name, value in flatten_conventions(conventions).items():
        if name in ("entry_points", "risks", "history") or name.startswith("machine."):
            continue
        if _format_value(value):
            yield from _field_lines(name, _format_value(value, limited), conventions.evidence.get(name, ()), width)
        else:
            empty.append(name)
    machine = conventions.machine
    partitions = ", ".join(machine.scheduler_partitions) or "it names no partition"
    scheduler = f"Slurm ({partitions})" if machine.slurm else "no Slurm"
    yield from _field_lines("machine", f"{machine.gpus} GPUs, {scheduler}", (), width)
    yield from _entry_point_lines(limited(conventions.entry_points), conventions.confirmed, width)
    if conventions.risks:
        yield from ("", "risks", *(f"  - {risk}" for risk in limited(conventions.risks)))
    if conventions.history is not None:
        yield from ("", "earlier launches", *(f"  {line}" for line in conventions.history or ("none found",)))
    if empty:
        yield ""
        yield from textwrap.wrap(
            "nothing found for: " + ", ".join(empty), width, subsequent_indent="  ", break_on_hyphens=False
        )


def _field_lines(name: str, value: str, evidence: tuple[Evidence, ...], width: int) -> Iterator[str]:
    """A name and a wrapped value, its places on the right where they fit, else below."""
    import textwrap

    # a file that is the value itself says nothing new
    evident = (e for e in evidence if e.path != "." and e.path not in value.split(", "))
    all_places = list(dict.fromkeys(_format_place(e.path, e.line) for e in evident))
    more = f" +{len(all_places) - MAX_PLACES}" if len(all_places) > MAX_PLACES else ""
    places = ", ".join(all_places[:MAX_PLACES]) + more
    lines = textwrap.wrap(value, width - LABEL_WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    if places and len(lines[-1]) + len(places) + 5 <= width - LABEL_WIDTH:
        lines[-1] += f"  [{places}]"
    elif places:
        lines.append(f"[{places}]")
    for number, line in enumerate(lines):
        yield f"{name if number == 0 else '':<{LABEL_WIDTH}}{line}".rstrip()


def _entry_point_lines(points: Sequence[EntryPoint], confirmed: Sequence[str], width: int) -> Iterator[str]:
    """Two lines a script: path, what for and how to seed it; the command below."""
    if not points:
        return
    longest = max(len(point.path) for point in points)
    yield from ("", "entry points")
    for point in points:
        sure = "  confirmed by a run of it" if point.command in confirmed else ""
        yield f"  {point.path:<{longest}}  {point.kind:<10}  {point.seed_flag or 'no seed option'}{sure}"
        yield "      " + (point.command if len(point.command) <= width - 6 else point.command[: width - 10] + " ...")


def _format_value(value: Any, limited: output.LimitedLists | None = None) -> str:
    """A value as a person reads it, a long list with how many of it are not shown; empty for none."""
    if isinstance(value, (list, tuple)):
        items = limited(value) if limited else value
        more = [f"and {len(value) - len(items)} more"] if len(items) < len(value) else []
        return ", ".join([*(_item_name(item) for item in items), *more])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _format_place(path: str, line: int | None) -> str:
    """`file:line`, or the file alone."""
    return path if line is None else f"{path}:{line}"


def _item_name(item: Any) -> str:
    """What stands for one item of a list: the script of an entry point, the name of a printed metric."""
    return str(item.get("path") or item.get("name")) if isinstance(item, dict) else str(item)
