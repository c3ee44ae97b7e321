"""A notebook as a command: papermill or nbconvert's client executes it, whichever its environment has; the output is kept.

What executes it is a text for `python -c`, since this package need not be in that environment. Parameters stand behind it as options, so
that the recorder reads them, and the seed, as those of a script.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

from scaffold.errors import WrongUsage

# what cells print goes to stdout, where metrics are read; it is part of a run's name, so that a change of it is another run
EXECUTE = """\
import json, logging, os, sys
notebook, output, *words = sys.argv[1:]
values = {}
for option, text in zip(words[::2], words[1::2]):
    try:
        values[option.lstrip("-").replace("-", "_")] = json.loads(text)
    except ValueError:
        values[option.lstrip("-").replace("-", "_")] = text
folder = os.path.dirname(notebook) or "."
try:
    import papermill
except ImportError:
    try:
        import nbclient, nbformat
    except ImportError:
        sys.exit("a notebook is executed by papermill or nbconvert, and this Python has neither: pip install papermill ipykernel")
    if values:
        sys.exit("nbconvert passes no parameters to a notebook: pip install papermill ipykernel")
    book = nbformat.read(notebook, 4)
    try:
        nbclient.NotebookClient(book, resources={"metadata": {"path": folder}}).execute()
    finally:
        nbformat.write(book, output)
        for cell in book.cells:
            for shown in cell.get("outputs", ()):
                print(shown.get("text") or shown.get("data", {}).get("text/plain", ""))
else:
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    papermill.execute_notebook(notebook, output, values, cwd=folder, log_output=True, progress_bar=False)
"""


class NotebookCommand(NamedTuple):
    """Options of the recorder that say what the run is, and the command that executes the notebook."""

    options: tuple[str, ...]
    words: tuple[str, ...]


def is_notebook(command: Sequence[str]) -> bool:
    """Whether a command is a notebook (and its parameters)."""
    return bool(command) and command[0].endswith(".ipynb")


def notebook_command(command: Sequence[str], options: Sequence[str]) -> NotebookCommand:
    """What executes `NOTEBOOK [--NAME VALUE | --NAME=VALUE | NAME=VALUE ...]` in its own folder.

    `options` are the recorder's as they were given: its --seed becomes the parameter `seed`, where there are parameters at all. Raises
    WrongUsage where the parameters cannot be read.
    """
    notebook, params = command[0], _read_params(command[1:])
    seed = _option_value(options, "--seed")
    if seed is not None:
        params.setdefault("seed", seed)
    experiment = () if _option_value(options, "--experiment") else ("--experiment", PurePath(notebook).stem)
    passed = [word for name, value in params.items() for word in (f"--{name}", value)]
    output = f"{{RUN_OUTPUT_DIR}}/{PurePath(notebook).name}"
    return NotebookCommand(experiment, ("python", "-c", EXECUTE, notebook, output, *passed))


def _read_params(words: Sequence[str]) -> dict[str, str]:
    """`--lr 0.1`, `--lr=0.1` or `lr=0.1` as names and values. Raises WrongUsage."""
    params, rest = dict[str, str](), list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if not equals and word.startswith("--") and rest:
            value = rest.pop(0)
        elif not equals:
            raise WrongUsage(f"{word!r} is no parameter of a notebook", hint="write --lr 0.1, --lr=0.1 or lr=0.1")
        params[name] = value
    return params


def _option_value(words: Sequence[str], option: str) -> str | None:
    """What an option of the recorder is given, in either spelling."""
    for word, after in zip(words, [*words, ""][1:], strict=True):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else after
    return None
