"""A command -> the file of the script or module that it starts."""

from __future__ import annotations

from pathlib import Path

from scaffold.runs import recorder

MAX_SCRIPT_BYTES = 1 << 20


def find_script_file(folder: Path, command: tuple[str, ...]) -> Path | None:
    """The file that a command's script or module is, where the command runs in `folder`."""
    at = recorder.naming.script_index(command)
    places = [folder / command[at]]
    if command[at - 1] == "-m":
        module = folder.joinpath(*command[at].split("."))
        places = [module.with_name(module.name + ".py"), module / "__main__.py"]
    return next((p for p in places if p.is_file()), None)
