"""The shell line that builds the environment apart from the user's own, and what stands before a command in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from scaffold.conventions.detected import DetectedValue
from scaffold.conventions.environment import (
    PROJECT_FILES,
    find_environment_files,
    is_auxiliary_environment_file,
    is_conda_file,
    is_conda_filename,
)
from scaffold.conventions.install_commands import InstallCommandRequirements, find_install_requirements
from scaffold.conventions.model import Evidence
from scaffold.facts import Facts, paths

_INSTALLS_PROJECT = re.compile(
    r"^(python3? -m )?pip3? install (-e |--editable )?\.(\s|$|\[)|^python3? setup\.py (install|develop)"
)
_FOR_DEVELOPERS = re.compile(r"(^|[-_./])(dev|test|doc|lint|ci|typing|build)", re.IGNORECASE)
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][\w.\-]*(\[[\w,\-]+\])?([=<>~!]=?[\w.*,<>=!]+)?$")


def environment_setup_line(facts: Facts, declared: str, python: str | None, main: str = "") -> DetectedValue[str]:
    """The shell line that builds the isolated environment: uv where it can, micromamba for an environment file.

    Of several projects in folders beside each other that of the script `main` is meant.
    """
    top = [p for p in find_environment_files(facts).value if not is_auxiliary_environment_file(p)]
    venv = f"uv venv .venv{_python_option(top, python)} && source .venv/bin/activate"
    installed = find_install_requirements(facts, declared)
    if declared == "uv":
        return DetectedValue(" ".join([f"uv sync{_project(facts)}", *_for_uv(installed)]), installed.evidence)
    if declared == "pixi":
        return DetectedValue("pixi install")
    if declared == "conda":
        return _setup_conda(facts, top)
    if declared in ("poetry", "pdm") and any(p.endswith(f"{declared}.lock") for p in top):
        return DetectedValue(
            " ".join([f"{venv} && uv pip install {declared} && {declared} install", *installed.options])
        )
    if declared == "none":
        from scaffold.conventions import r_and_julia

        other_language = r_and_julia.r_julia_setup_line(facts)
        return other_language if other_language.value else _setup_from_readme(facts, venv)
    arguments = _pip_arguments(facts, top, main, installed)
    if not arguments:
        return _setup_from_readme(facts, venv)
    evidence = (*(Evidence(path=p, text=p) for p in top[:3]), *installed.evidence)
    return DetectedValue(f"{venv} && uv pip install {arguments}", evidence)


def _for_uv(installed: InstallCommandRequirements) -> list[str]:
    """uv's options for what the documents install: its own, or the extras of a `pip install -e .[train]`."""
    return list(installed.options) or [word for extra in installed.extras for word in ("--extra", extra)]


def _setup_conda(facts: Facts, top: list[str]) -> DetectedValue[str]:
    """The environment file, and the project itself where the README says to install it."""
    conda_files = sorted(
        (p for p in top if is_conda_file(facts, p)), key=lambda p: (not is_conda_filename(p), p.count("/"), len(p), p)
    )
    path = conda_files[0] if conda_files else "environment.yml"
    name = _conda_name(facts, path)
    activate = f'eval "$(micromamba shell hook --shell bash)" && micromamba activate {name}'
    line = f"micromamba create -y -n {name} -f {shlex.quote(path)} && {activate}"
    evidence = [Evidence(path=path, text=path)]
    installs = next((c for c in facts.shown_commands if _INSTALLS_PROJECT.search(c.text)), None)
    if installs is not None and any(p in top for p in PROJECT_FILES):
        line += " && pip install -e ."
        evidence.append(Evidence(path=installs.path, line=installs.line, text=installs.text))
    return DetectedValue(line, tuple(evidence))


def _python_option(top: list[str], python: str | None) -> str:
    """`--python` where the constraint has an upper bound that uv would not read by itself (it reads pyproject.toml)."""
    if (
        python is None
        or "pyproject.toml" in top
        or not re.fullmatch(r"\s*(?:(?:==|<=?|>=?|!=|~=)\s*[\d.*]+\s*,?\s*)+", python)
    ):
        return ""
    return f" --python '{''.join(python.split())}'" if re.search(r"<|==|~=", python) else ""


def _pip_arguments(facts: Facts, top: list[str], main: str, installed: InstallCommandRequirements) -> str:
    """What to give `uv pip install`: the nearest requirements.txt, and the project itself where it lies beside it.

    A requirements file of another name (not one for tests or documentation) stands in where there is neither.
    """
    requirements = _nearest((p for p in top if p.rpartition("/")[2] == "requirements.txt"), main)
    project = _nearest((p for p in top if p.endswith(PROJECT_FILES) and _holds_a_project(facts, p)), main)
    if requirements is not None and project is not None and _folder(requirements) != _folder(project):
        first = _nearest((requirements, project), main)
        requirements, project = (requirements, None) if first == requirements else (None, project)
    if requirements is None and project is None:
        requirements = _nearest((p for p in top if p.endswith(".txt") and not _FOR_DEVELOPERS.search(p)), main)
    beside = [
        p for p in top if main and _folder(p) and p.endswith("/requirements.txt") and main.startswith(_folder(p) + "/")
    ]
    files = dict.fromkeys(
        (*([requirements] if requirements else ()), *(installed.requirements if project else ()), *beside)
    )
    arguments = [f"-r {shlex.quote(path)}" for path in files]
    if project:
        target = f"./{_folder(project)}" if _folder(project) else "."
        arguments.append(
            f"-e {shlex.quote(target + (f'[{chr(44).join(installed.extras)}]' if installed.extras else ''))}"
        )
    return " ".join(arguments)


def _holds_a_project(facts: Facts, declaration: str) -> bool:
    """Whether what declares a project has code beside or below it: a folder of requirements files is nothing to install."""
    folder = _folder(declaration)
    return not folder or any(p.endswith(".py") and p != declaration for p in facts.files_below(folder))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _nearest(files: Iterable[str], main: str) -> str | None:
    """At the top, then in a folder of `main`, then the shortest."""

    def distance(path: str) -> tuple[int, bool, int, str]:
        return path.count("/"), bool(_folder(path)) and not main.startswith(_folder(path) + "/"), len(path), path

    return min(files, key=distance, default=None)


def _conda_name(facts: Facts, path: str) -> str:
    match = re.search(r"^name:\s*[\"']?([\w.-]+)", facts.texts.get(path, ""), re.MULTILINE)
    return match[1] if match else "experiment"


def _setup_from_readme(facts: Facts, venv: str) -> DetectedValue[str]:
    """A repository that declares nothing may still say `pip install A B` in its README."""
    for command in (
        c for c in facts.shown_commands if paths.count_path_parts(c.path) == 1 and "readme" in c.path.lower()
    ):
        words = command.words
        if (
            words[:2] in (("pip", "install"), ("pip3", "install"))
            and all(_REQUIREMENT.match(w) for w in words[2:])
            and len(words) > 2
        ):
            line = f"{venv} && uv pip install {shlex.join(words[2:])}"
            return DetectedValue(line, (Evidence(path=command.path, line=command.line, text=command.text),))
    return DetectedValue("")


def environment_run_prefix(facts: Facts, declared: str) -> str:
    """What stands before a command so that it runs in the environment; empty where `setup` activates it."""
    if declared != "uv":
        return "pixi run" if declared == "pixi" else ""
    return " ".join([f"uv run{_project(facts)}", *_for_uv(find_install_requirements(facts, declared))])


def _project(facts: Facts) -> str:
    """`--project FOLDER` where the uv project does not lie at the top."""
    projects = [
        p
        for p in find_environment_files(facts).value
        if not is_auxiliary_environment_file(p) and p.endswith(("uv.lock", "pyproject.toml"))
    ]
    folder = min(projects, key=lambda p: (p.count("/"), p.endswith("pyproject.toml"), p), default="").rpartition("/")[0]
    return f" --project {shlex.quote(folder)}" if folder else ""
