"""Config files that commands name -> what of their content tells runs apart: the keys that differ, without seeds and outputs.

The content is that of the copy that was kept with the run, else that of the code that it ran. Where it cannot be read the file's name has
to do, as it stands in the command.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scaffold import git, path_containment, structured_text
from scaffold.runs import recorder
from scaffold.runs.model import Run, Scalar

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

ENDINGS = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg")
# with more keys that differ, files are told apart by their names and digests
MOST_KEYS = 20
# a config's copy is called by its content, and then by its name
_DIGEST_LENGTH = 17
_TOLD = "config "

Settings = Mapping[str, Scalar]


def expand_config_files_to_params(workspace: Workspace, runs: Sequence[Run]) -> list[Run]:
    """The runs with their config files as parameters: one value for files that say the same, else the keys that differ.

    `configs` of a run are then the files, relative to the repository's top, whose content is accounted for so. A seed in such a file is
    the seed of a run that has none else.
    """
    named = _name_config_params(runs)
    if not named:
        return list(runs)
    contents = _read_contents(workspace, [run for run in runs if run.path in named], named)
    by_param: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        for param in named.get(run.path, ()):
            if (run.path, param) in contents:
                by_param.setdefault((run.experiment, param), []).append(run)
    changed = {run.path: run for run in runs}
    for (_, param), group in by_param.items():
        settings = {run.path: _without_seeds(contents[run.path, param][1]) for run in group}
        for run in group:
            changed[run.path] = _take_seed(changed[run.path], contents[run.path, param][1])
        _tell_apart(changed, group, param, settings)
        for run in group:
            files = (*changed[run.path].configs, contents[run.path, param][0])
            changed[run.path] = changed[run.path]._replace(configs=files)
    return [changed[run.path] for run in runs]


def _name_config_params(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    """The path of each run that has config files -> the parameters that name them."""
    named: dict[str, tuple[str, ...]] = {}
    without: set[int] = set()  # mappings of parameters that name none: the seeds of a configuration have one in common
    for run in runs:
        if run.configs or id(run.params) not in without:
            if names := _config_params(run):
                named[run.path] = names
            else:
                without.add(id(run.params))
    return named


def _config_params(run: Run) -> tuple[str, ...]:
    """The parameters that name config files; and for a copy that none of them names (it was told with `--config`) `config NAME`."""
    values = {}
    for name, value in run.params.items():  # of ten thousand runs: nothing is made for those that name none
        if value.__class__ is str and value.endswith(ENDINGS) and " " not in value:
            values[name] = value
    if not values and not run.configs:
        return ()
    names = {_safe_name(value) for value in values.values()}
    copies = (path.rpartition("/")[2][_DIGEST_LENGTH:] for path in run.configs)
    return (*values, *(f"{_TOLD}{name}" for name in copies if name not in names))


def _safe_name(path: str) -> str:
    name: str = recorder.naming.safe_name(path.rpartition("/")[2])[-60:]
    return name


def _tell_apart(changed: dict[str, Run], group: Sequence[Run], param: str, settings: Mapping[str, Settings]) -> None:
    """Put in place of a file's name what tells its content from that of the others."""
    distinct = {_digest(content): content for content in settings.values()}
    keys = sorted({key for content in distinct.values() for key in content})
    differing = [key for key in keys if len({_text(content, key) for content in distinct.values()}) > 1]
    first = min(str(run.params.get(param, "")) for run in group)
    for run in group:
        params, content = dict(changed[run.path].params), settings[run.path]
        if len(distinct) == 1:
            params.update({param: first} if first else {})
        elif len(differing) > MOST_KEYS:
            params[param] = f"{run.params.get(param, '')}@{_digest(content)[:6]}"
        else:
            params.pop(param, None)
            for key in differing:
                if key in content:
                    params[f"{param}.{key}" if key in params else key] = content[key]
        changed[run.path] = changed[run.path]._replace(params=params)


def _text(content: Settings, key: str) -> str | None:
    text: str | None = recorder.values.format_value(content[key]) if key in content else None
    return text


def _digest(content: Settings) -> str:
    lines = "\n".join(f"{key}={_text(content, key)}" for key in sorted(content))
    return recorder.lean_imports.sha256(lines.encode("utf-8", "replace")).hexdigest()


def _without_seeds(content: Settings) -> Settings:
    seeds = recorder.naming.SEED_NAMES
    return {
        key: value
        for key, value in content.items()
        if key.rpartition(".")[2] not in seeds and not recorder.configuration.is_output(key, value)
    }


def _take_seed(run: Run, content: Settings) -> Run:
    """The run with the seed that its config file sets, where nothing else gave it one."""
    name = recorder.configuration.choose_seed(content, None)
    if name is None or run.effective_seed is not None:
        return run
    return run._replace(seed=int(str(content[name])), seed_source="arguments")


def _read_contents(
    workspace: Workspace, runs: Sequence[Run], named: Mapping[str, Iterable[str]]
) -> dict[tuple[str, str], tuple[str, Settings]]:
    """For each run's path and parameter the file, relative to the repository's top, and what it says."""
    from scaffold.results.configuration import code_state_cache
    from scaffold.runs import code_files

    top = git.toplevel(workspace.workdir)
    prefix = code_files.workdir_prefix_in_repository(workspace, top) if top is not None else ""
    parsed: dict[str, Settings | None] = {}
    by_code: dict[str, list[tuple[Run, str, str]]] = {}
    contents: dict[tuple[str, str], tuple[str, Settings]] = {}
    for run in runs:
        for param in named[run.path]:
            by_option = param not in run.params
            file = "" if by_option else os.path.normpath(f"{prefix}{_folder(run)}/{run.params[param]}")
            name = param.removeprefix(_TOLD) if by_option else _safe_name(str(run.params[param]))
            copy = next((path for path in run.configs if path.rpartition("/")[2][_DIGEST_LENGTH:] == name), None)
            if copy is not None:
                if copy not in parsed:
                    text = _read_file(workspace, copy)
                    parsed[copy] = _parse(text, copy) or (
                        None if text is None else {"content": copy[-len(name) - 9 : -len(name) - 1]}
                    )
                if (settings := parsed[copy]) is not None:
                    contents[run.path, param] = file, settings
            elif run.code is not None:
                by_code.setdefault(run.code, []).append((run, param, file))
    for code, asked in by_code.items() if top is not None else ():
        files = sorted({file for _, _, file in asked})
        ask = functools.partial(_read_from_code, workspace, top, asked[0][0], files)
        texts = code_state_cache.get_or_compute_answer(f"configs\n{top}\n{code}\n" + "\n".join(files), ask)
        for run, param, file in asked:
            if (settings := _parse(texts.get(file), file) if texts else None) is not None:
                contents[run.path, param] = file, settings
    return contents


def _folder(run: Run) -> str:
    return run.form.split(" ")[1] if run.form.startswith("cd ") else "."


def _read_file(workspace: Workspace, path: str) -> str | None:
    try:
        return path_containment.join_contained_path(workspace.workdir, path).read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        return None


def _read_from_code(workspace: Workspace, top: Any, run: Run, files: Sequence[str]) -> dict[str, str] | None:
    from scaffold.runs import code_files

    with code_files.open_code(workspace, top, run) as code:
        return code.read(files) if code is not None else None


def _parse(text: str | None, path: str) -> Settings | None:
    """What a config file says, nested names joined by `.`; None where it cannot be read."""
    import yaml

    from scaffold.facts import config_formats

    if text is None:
        return None
    try:
        if path.endswith((".yaml", ".yml")):
            content: Any = structured_text.parse_yaml(text)
        elif path.endswith(".json"):
            content = structured_text.parse_json(text.encode())
        elif path.endswith(".toml"):
            content = structured_text.parse_toml(text)
        else:
            content = config_formats.parse_ini(text)
    except (ValueError, yaml.YAMLError):
        return None
    if content is None or not isinstance(content, Mapping):
        return None
    flat: dict[str, Scalar] = recorder.redaction.redact_params(recorder.values.flatten(content))
    return {str(key): value for key, value in flat.items()}
