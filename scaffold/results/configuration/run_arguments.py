"""Runs as their manifests tell of them -> what only their scripts can say: which value belongs to which option, whether a seed is used."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scaffold.results.configuration.argument_interface import Interface, ScriptInterfaceReader
from scaffold.results.configuration.config_files import expand_config_files_to_params
from scaffold.runs import recorder

if TYPE_CHECKING:
    from scaffold.runs.model import Run, Scalar
    from scaffold.workspace import Workspace

# stands for what starts a run, where only its arguments are read again
_START = ("python", "script.py")


def complete_run_arguments(workspace: Workspace, runs: Sequence[Run]) -> list[Run]:
    """The runs, with their positional arguments named, and several values given to the options that take them, where their script's
    parser is known; and with seeds told for labels that reach nothing: where neither the manifest nor the script says otherwise, and where
    they are arguments of a script that is known to read none."""
    scripts = ScriptInterfaceReader(workspace)
    completed = []
    # the seeds of a configuration have one mapping of parameters (`runs.index_columns`), which need not be looked at for each
    have_texts: dict[tuple[int, str], bool] = {}
    for run in runs:
        alike = (id(run.params), run.form)
        has_texts = have_texts.get(alike)
        if has_texts is None:
            has_texts = have_texts[alike] = _has_texts(run)
        if (run.words or has_texts) and (interface := scripts.interface(run.form)) is not None:
            run = reparse_run_arguments(run if run.words else _free_argument(run, interface), interface)
        if run.seed is not None and run.seed_source is None and (reads := scripts.reads_seed(run.form)) is not None:
            run = run._replace(seed_source="environment" if reads else "label")
        if run.seed_source == "arguments" and scripts.takes_nothing(run.form):
            run = run._replace(seed_source="label")
        completed.append(run)
    return expand_config_files_to_params(workspace, completed)


def _has_texts(run: Run) -> bool:
    """Whether an option has a text for a value, which may have been an argument by itself behind a switch: `--fast a.txt`."""
    texts = [name for name, value in run.params.items() if value.__class__ is str]
    return bool(texts) and any(f"-{name}" in run.form for name in texts)


def _free_argument(run: Run, interface: Interface) -> Run:
    """A run with the words of its command where one switch seems to have a value; several leave their order open, and stay as they are."""
    texts = [n for n, v in run.params.items() if interface.counts.get(n) == 0 and not _is_of_switches_alone(v)]
    switches = [word for word in run.form.split(" ") if word.lstrip("-") in texts]
    if len(texts) != 1 or not switches:
        return run
    switch = switches[0]
    return run._replace(words=(str(run.params[texts[0]]), switch), params={**run.params, texts[0]: True})


def _is_of_switches_alone(value: object) -> bool:
    """Whether a parameter is that of a switch with nothing behind it, given once or several times: `--no-amp --no-amp` is `false,false`."""
    return isinstance(value, bool) or (isinstance(value, str) and {*value.split(",")} <= {"true", "false"})


def _takes_all_values(words: Sequence[str], interface: Interface) -> bool:
    """Whether every option takes all values that follow it, so that its parser says no more than the command itself."""
    may_take = taken = 0
    counts = interface.counts
    for word in words:
        if word[:1] != "-" or not (word[1:2].isalpha() or word[:2] == "--"):
            if not may_take or "=" in word:
                return False
            taken += 1
            continue
        if (may_take != taken and may_take != -1) or word == "--":
            return False
        count = counts.get(word.lstrip("-").replace("-", "_"))  # none of `--lr=1`
        if count is None:
            return False
        may_take, taken = count, 0
    return may_take in (taken, -1)


def reparse_run_arguments(run: Run, interface: Interface) -> Run:
    """A run with its arguments as its script's parser takes them; what `--param` said stands."""
    if not run.words:
        return run
    if _takes_all_values(run.words, interface):  # most do, and to read ten thousand commands twice takes its time
        return run
    if (renamed := name_positional_arguments(run, interface)) is not None:
        return renamed
    return read_with_interface(run, interface)


def name_positional_arguments(run: Run, interface: Interface) -> Run | None:
    """The run with the names of its positional arguments, where these stand before all options, and nothing else of its command is read
    otherwise by its parser; None where that is not for certain: `read_with_interface` says it then."""
    first = next((i for i, word in enumerate(run.words) if word[:1] == "-"), len(run.words))
    named = _name_leading(tuple(run.words[:first]), interface.positionals) if first else None
    if named is None or not _takes_all_values(run.words[first:], interface):
        return None
    params = dict(run.params)
    for number, (name, value) in enumerate(named, start=1):
        # what `--param` said, a seed, and another parameter of the same name, are read with more care
        recorded = params.pop(f"arg{number}", None)
        if recorded != value or value == run.seed or name in params or name in interface.counts:
            return None
        params[name] = recorded
    return run._replace(params=params, words=())


@functools.lru_cache(maxsize=4096)
def _name_leading(words: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[str, Scalar], ...] | None:
    """Positional arguments with their names and values; None where one is, or may be, an assignment, a seed, an output, or filled in when
    a run starts."""
    if len(words) > len(names):
        return None
    named = [(name, recorder.values.parse_value(word)) for name, word in zip(names, words, strict=False)]
    for word, (name, value) in zip(words, named, strict=True):
        if value is None or "=" in word or "{RUN_" in word or name in recorder.naming.SEED_NAMES:
            return None
        if recorder.configuration.is_output(name, value):
            return None
    return tuple(named)


def read_with_interface(run: Run, interface: Interface) -> Run:
    """`reparse_run_arguments` of any run: its command is read without its parser, as it was for its manifest, and with it."""
    read = recorder.configuration.read_command
    command = [*_START, *run.words]
    guess = read(command, seed=run.seed, source=run.seed_source)
    reading = read(command, seed=run.seed, source=run.seed_source, interface=interface)
    params = {
        name: value for name, value in run.params.items() if name not in guess.fuller or value != guess.fuller[name]
    }
    for name, value in reading.params.items():
        if name not in params or params[name] == guess.params.get(name):
            params[name] = value
    source = "arguments" if reading.seed is not None and run.seed in (None, reading.seed) else run.seed_source
    return run._replace(
        params=params,
        seed=run.seed if run.seed is not None else reading.seed,
        seed_source=source,
        words=(),
    )
