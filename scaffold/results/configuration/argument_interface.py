"""A script's parser -> how it takes arguments: names of the positional ones, and how many values each option takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.runs import recorder
from scaffold.runs.script_file import MAX_SCRIPT_BYTES, find_script_file

if TYPE_CHECKING:
    from _record_run.configuration import Interface as Interface

    from scaffold.facts.python_source import Call, PythonSource
    from scaffold.workspace import Workspace
else:
    Interface = "Interface"

_NO_VALUE = ("store_true", "store_false", "store_const", "append_const", "count", "help", "version")
# how a script reads the seed of its environment, or of the recorder's block that it runs in
SEED_READS = ("RUN_SEED", "run.seed", ".seed_from_run")


class ScriptInterfaceReader:
    """Reads the scripts that commands start, each once. A command is given as its form: what starts it, and the spelling of its options."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._interfaces: dict[str, Interface | None] = {}
        self._reads_seed: dict[str, bool | None] = {}
        self._takes_nothing: dict[str, bool] = {}

    def interface(self, form: str) -> Interface | None:
        """How the script takes its arguments; None where that is not known."""
        if form not in self._interfaces:
            from scaffold.facts import python_parser

            text = self._read_script(form)
            self._interfaces[form] = None if text is None else read_interface(python_parser.parse_python_source(text))
        return self._interfaces[form]

    def reads_seed(self, form: str) -> bool | None:
        """Whether the script itself reads the seed that the recorder gives it; None where there is no script to look into."""
        if form not in self._reads_seed:
            text = self._read_script(form)
            self._reads_seed[form] = None if text is None else any(word in text for word in SEED_READS)
        return self._reads_seed[form]

    def takes_nothing(self, form: str) -> bool:
        """Whether what a command starts is a script of the work directory that is known to read no arguments."""
        if form not in self._takes_nothing:
            self._takes_nothing[form] = self._reads_none(form)
        return self._takes_nothing[form]

    def _reads_none(self, form: str) -> bool:
        from scaffold.sweeps.spec import script_arguments
        from scaffold.sweeps.spec.script_interface import read_command_script

        folder, command = _split_form(form)
        # what stands before the script may take the seed itself: `env SEED=1`
        starts = command[: recorder.naming.script_index(command)]
        text = self._read_script(form)
        if text is None or script_arguments.reads_arguments(text) or {"env", "-c"} & {*starts}:
            return False
        script = read_command_script(self._workspace, command, folder)
        return script_arguments.takes_no_arguments(self._workspace, script)

    def _read_script(self, form: str) -> str | None:
        folder, command = _split_form(form)
        file = find_script_file(Path(self._workspace.workdir, folder), command)
        try:
            if file is None or file.suffix != ".py" or file.stat().st_size > MAX_SCRIPT_BYTES:
                return None
            return file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None


def _split_form(form: str) -> tuple[str, tuple[str, ...]]:
    """The folder in which a command of a form runs, below the work directory, and the words of the form."""
    folder, _, command = form.rpartition(" && ") if form.startswith("cd ") else ("cd .", "", form)
    return folder.removeprefix("cd "), tuple(command.split())


def read_interface(source: PythonSource) -> Interface | None:
    """What argparse or click is told in a script; None where its parser is not all there: subcommands, several commands, no parser."""
    argparse = [call for call in source.calls if call.last == "add_argument"]
    if argparse:
        has_more = any(
            call.last in ("add_subparsers", "parse_known_args", "parse_known_intermixed_args") for call in source.calls
        )
        return None if has_more else _argparse_interface(argparse)
    commands = [f for f in source.functions if any(d.rpartition(".")[2] == "command" for d in f.decorators)]
    return _click_interface(source.calls) if len(commands) == 1 and source.uses("click") is not None else None


def _argparse_interface(calls: list[Call]) -> Interface | None:
    from scaffold.facts.python_source import literal_text

    positionals: list[str] = []
    counts: dict[str, int] = {}
    ends_open = False
    for call in calls:
        names = [text for value in call.args if (text := literal_text(value)) is not None]
        if not names:
            continue
        count = _argparse_count(call)
        if count is None or (ends_open and not names[0].startswith("-")):
            return None
        if names[0].startswith("-"):
            counts.update({name.lstrip("-").replace("-", "_"): count for name in names})
            if str(call.keywords.get("action", "")).endswith("BooleanOptionalAction"):
                counts.update({f"no_{name.lstrip('-').replace('-', '_')}": 0 for name in names})
        else:
            positionals += [names[0].replace("-", "_")] * max(1, count)
            ends_open = count < 0
    return recorder.configuration.Interface(positionals, counts)


def _argparse_count(call: Call) -> int | None:
    nargs, action = call.keywords.get("nargs"), call.keywords.get("action")
    if action in _NO_VALUE or str(action or "").endswith("BooleanOptionalAction"):
        return 0
    if isinstance(nargs, int) and not isinstance(nargs, bool):
        return nargs
    if nargs is None and "nargs" not in call.keywords:
        return 1
    return {"?": 1, "*": -1, "+": -1}.get(str(nargs))


def _click_interface(calls: tuple[Call, ...]) -> Interface | None:
    from scaffold.facts.python_source import literal_text

    positionals: list[str] = []
    counts: dict[str, int] = {}
    for call in calls:
        names = [text for value in call.args if (text := literal_text(value)) is not None]
        nargs = call.keywords.get("nargs", 1)
        if call.last not in ("option", "argument") or not names:
            continue
        if not isinstance(nargs, int):
            return None
        if call.last == "argument":
            positionals += [names[0].replace("-", "_").lower()] * max(1, nargs)
            continue
        is_flag = (
            call.keywords.get("is_flag") is True or call.keywords.get("count") is True or any("/" in n for n in names)
        )
        for name in (part for text in names for part in text.split("/") if part.startswith("-")):
            counts[name.lstrip("-").replace("-", "_")] = 0 if is_flag else nargs
    return recorder.configuration.Interface(positionals, counts)
