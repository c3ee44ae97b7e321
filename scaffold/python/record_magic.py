"""`%%record EXPERIMENT --seed 1`: a notebook's cell as a recorded run. `%load_ext scaffold` brings it."""

from __future__ import annotations

import argparse
import ast
import shlex
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from scaffold.errors import WrongUsage
from scaffold.python.open_workspace import OpenWorkspace
from scaffold.runs import recorder

if TYPE_CHECKING:

    class InteractiveShell(Protocol):
        """What is used of IPython's shell."""

        user_ns: dict[str, Any]

        def register_magic_function(self, func: Any, magic_kind: str, magic_name: str) -> None: ...
        def transform_cell(self, raw_cell: str) -> str: ...


class _ArgumentParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUsage(
            message, hint="%%record EXPERIMENT [--seed N] [--param NAME=VALUE ...] [--task ID] [--workdir DIR]"
        )


def register_record_magic(shell: InteractiveShell) -> None:
    """Have `%%record` call `record_cell`."""
    shell.register_magic_function(
        lambda line, cell: record_cell(shell, line, cell), magic_kind="cell", magic_name="record"
    )


def record_cell(shell: InteractiveShell, line: str, cell: str) -> Any:
    """Run a cell as a recorded run, which it sees as `run`; the value of its last expression.

    The cell's text is the command of the run, so another cell is another run. An exception of the cell ends the run as failed.
    """
    options = _parse(line)
    workspace = OpenWorkspace(options.workdir)
    params = {name: recorder.values.parse_value(value) for name, _, value in (p.partition("=") for p in options.param)}
    block = workspace.record(options.experiment, seed=options.seed, params=params, task=options.task, command=cell)
    with block as run:
        shell.user_ns["run"] = run
        return _execute(shell.transform_cell(cell), shell.user_ns)


def _parse(line: str) -> argparse.Namespace:
    parser = _ArgumentParser(prog="%%record", add_help=False)
    parser.add_argument("experiment", nargs="?", default="notebook")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--task")
    parser.add_argument("--workdir", default=".")
    return parser.parse_args(shlex.split(line))


def _execute(source: str, names: dict[str, Any]) -> Any:
    """Run a cell's Python; the value of its last expression, which IPython shows."""
    body = ast.parse(source, "<recorded cell>")
    last = body.body.pop() if body.body and isinstance(body.body[-1], ast.Expr) else None
    exec(compile(body, "<recorded cell>", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "<recorded cell>", "eval"), names)
    return None
