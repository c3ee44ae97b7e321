"""New answers for an existing workspace: `NAME=VALUE` settings, one more experiment, facts that a newer template asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scaffold import structured_text
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.lifecycle import file_kinds
from scaffold.lifecycle.template import releases
from scaffold.workspace import Workspace

KIND_NAMES = {bool: "true or false", list: "YAML list", dict: "YAML mapping"}
UNCHANGEABLE = ("experiment_root", "role_dirs", "tasks_path", "workspace_layout", "kept_files")


def parse_settings(workspace: Workspace, settings: Iterable[str]) -> dict[str, Any]:
    """`NAME=VALUE` settings as answers: a text as it is typed or in quotes, all else as YAML.

    Raises ScaffoldError for a name that is no answer, or cannot be changed, and for a value of another kind.
    """
    changed: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        mapping, dot, key = name.partition(".")
        if equals and dot and isinstance(before := workspace.answers.get(mapping), dict) and key in before:
            # of a fact that is a mapping one value: `environment.run_prefix=`
            current = changed.setdefault(mapping, dict(before))
            current[key] = _parse_value(setting, text, before[key])
            continue
        if not equals or name not in workspace.answers or name.startswith("_"):
            names = (key for key in workspace.answers if not key.startswith("_") and key not in UNCHANGEABLE)
            raise WrongUsage(f"--set {setting!r} names no answer of this workspace", hint=f"it has: {', '.join(names)}")
        if name in UNCHANGEABLE:
            raise ScaffoldError(
                f"{name} says where files lie, and an update moves none",
                hint=f"git mv them, write the new value into {file_kinds.answers_path(workspace.root)}, and commit",
            )
        changed[name] = _parse_value(setting, text, workspace.answers[name])
    return changed


def _parse_value(setting: str, typed: str, stored: object) -> object:
    import yaml

    if isinstance(stored, str):
        return _parse_text(typed)
    try:
        value = structured_text.parse_yaml(typed)
    except yaml.YAMLError as error:
        raise WrongUsage(f"--set {setting!r} has a value that is no YAML", hint="quote it") from error
    kind = type(stored)
    if stored is not None and not isinstance(value, kind):
        name = setting.partition("=")[0]
        raise WrongUsage(f"--set {setting!r} is no {KIND_NAMES.get(kind, kind.__name__)}, as {name} is one")
    return value


def _parse_text(typed: str) -> str:
    """To YAML `beat issue #5` would be `beat issue`, so of a text nothing but its quotes is read."""
    import yaml

    if not typed.startswith(("'", '"')):
        return typed
    try:
        value = structured_text.parse_yaml(typed)
    except yaml.YAMLError:
        return typed
    return value if isinstance(value, str) else typed


def answers_with_experiment(workspace: Workspace, name: str) -> dict[str, Any]:
    """The answers that add experiment `name`. Raises ScaffoldError in a flat workspace."""
    if not workspace.per_experiment:
        raise ScaffoldError(
            f"{workspace.root} has one set of folders for all experiments, so there is nothing to add",
            hint=f"name the experiment when you run it: scaffold run --experiment {name} -- COMMAND",
        )
    experiments = list(workspace.answers.get("experiments") or [])
    return {"experiments": experiments if name in experiments else [*experiments, name]}


def lacks_fact_answers(workspace: Workspace, new: releases.TemplateVersion) -> bool:
    """Whether the new version asks for facts that the workspace's answers do not have."""
    import yaml

    try:
        questions = structured_text.parse_yaml((new.path / "copier.yml").read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return False  # rendering it says what is wrong with it
    return isinstance(questions, dict) and any(
        isinstance(details, dict) and details.get("ask") is False and name not in workspace.answers
        for name, details in questions.items()
        if not str(name).startswith("_")
    )
