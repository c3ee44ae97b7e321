"""How sure an answer is, field by field: tried, read, or open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from scaffold.conventions.blanks import list_open_choices_in_command

CONFIRMED, READ, OPEN = "confirmed", "read", "open"
_NO_FIELDS = ("version", "workdir", "evidence", "certainty", "history")


def certainty_of_fields(answer: Mapping[str, Any], confirmed: Collection[str]) -> dict[str, str]:
    """Dotted field -> `confirmed`, `read` or `open`; `confirmed` are the commands that a run of them has shown to work.

    Open is what nothing was read for, and entry points of which the first leaves a choice open.
    """
    fields = {name: value for name, value in answer.items() if name not in _NO_FIELDS}
    flat = {
        f"{name}.{part}" if part else name: item
        for name, value in fields.items()
        for part, item in (value.items() if isinstance(value, dict) else (("", value),))
    }
    sure = {name: OPEN if item in (None, "", (), []) else READ for name, item in flat.items()}
    commands = [entry["command"] for entry in answer["entry_points"]]
    if commands and list_open_choices_in_command(commands[0]):
        sure["entry_points"] = OPEN
    elif not {*commands}.isdisjoint(confirmed):
        sure["entry_points"] = CONFIRMED
    return sure
